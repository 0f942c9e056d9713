/* SPDX-License-Identifier: BSD-2-Clause
 * Gradient-starvation statistics of one step from class sums alone, so that sums over ranks give what one rank would. The variance over
 * the batch is total: (E||g_i||^2 - ||E g_i||^2) batch / (batch - 1). It keeps no history: one step, one call. */
#include "starvation.h"

#include <math.h>

/* E||g_i||^2 - norm2 cancels: what is left of equal terms is rounding, not spread. */
static double signal_to_noise(double norm2, double square, int64_t batch)
{
  const double variance = square - norm2;
  if (batch < 2 || !(variance > 8e-16 * square)) return NAN;
  return sqrt(norm2 / (variance * (double)batch / (double)(batch - 1)));
}

/* Component j of the gradient of the whole loss. */
static double total_component(int n_classes, int64_t d, const double *gradient, int64_t j)
{
  double sum = 0;
  for (int c = 0; c < n_classes; c++) sum += gradient[c * d + j];
  return sum;
}

void starvation_stats(int n_classes, int64_t d, const double *gradient, const double *square, int64_t batch, StarvationStats *out)
{
  double total2 = 0, all2 = 0; /* ||sum_c g_c||^2, sum_c ||g_c||^2 */
  for (int64_t j = 0; j < d; j++) {
    const double total = total_component(n_classes, d, gradient, j);
    total2 += total * total;
  }
  for (int c = 0; c < n_classes; c++) {
    double sum = 0, norm2 = 0, dot = 0;
    for (int64_t j = 0; j < d; j++) {
      const double g = gradient[c * d + j];
      sum += g;
      norm2 += g * g;
      dot += g * total_component(n_classes, d, gradient, j);
    }
    out[c] = (StarvationStats){.mean = sum / (double)d, .norm = sqrt(norm2), .share = norm2, .cosine = dot};
    all2 += norm2;
  }
  const double total = sqrt(total2);
  for (int c = 0; c < n_classes; c++) {
    const double norm2 = out[c].share;
    out[c].share       = all2 > 0 ? norm2 / all2 : NAN;
    out[c].snr         = signal_to_noise(norm2, square[c], batch);
    out[c].cosine      = norm2 > 0 && total2 > 0 ? out[c].cosine / (out[c].norm * total) : NAN;
  }
}

double starvation_index(double share, double importance) { return importance > 0 ? share / importance : NAN; }
