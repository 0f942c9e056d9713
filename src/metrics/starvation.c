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

/* Two classes side by side, so that their sums do not wait for each other; each runs over the parameters in order. */
typedef double Pair __attribute__((vector_size(2 * sizeof(double))));

/* Adds parameters [0, n) of two classes (of one, given twice) to their sums, kept in a and b until they are all there. */
static void add_classes(int64_t n, const double *g, const double *h, const double *total, StarvationStats *a, StarvationStats *b)
{
  Pair sum = {a->mean, b->mean}, norm2 = {a->share, b->share}, dot = {a->cosine, b->cosine};
  for (int64_t j = 0; j < n; j++) {
    const Pair x = {g[j], h[j]};
    sum += x;
    norm2 += x * x;
    dot += x * total[j];
  }
  *a = (StarvationStats){.mean = sum[0], .share = norm2[0], .cosine = dot[0]};
  *b = (StarvationStats){.mean = sum[1], .share = norm2[1], .cosine = dot[1]};
}

void starvation_stats(int n_classes, int64_t d, const double *gradient, const double *square, int64_t batch, StarvationStats *out)
{
  enum { CHUNK = 256 };
  double total[CHUNK], total2 = 0, all2 = 0; /* gradient of the whole loss, ||sum_c g_c||^2, sum_c ||g_c||^2 */
  for (int c = 0; c < n_classes; c++) out[c] = (StarvationStats){0};
  for (int64_t first = 0; first < d; first += CHUNK) {
    const int64_t n = d - first < CHUNK ? d - first : CHUNK;
    for (int64_t j = 0; j < n; j++) {
      total[j] = total_component(n_classes, d, gradient, first + j);
      total2 += total[j] * total[j];
    }
    for (int c = 0; c < n_classes; c += 2) {
      const int next = c + 1 < n_classes ? c + 1 : c;
      add_classes(n, gradient + c * d + first, gradient + next * d + first, total, &out[c], &out[next]);
    }
  }
  for (int c = 0; c < n_classes; c++) {
    out[c].mean /= (double)d;
    out[c].norm = sqrt(out[c].share);
  }
  for (int c = 0; c < n_classes; c++) all2 += out[c].share;
  const double whole = sqrt(total2);
  for (int c = 0; c < n_classes; c++) {
    const double norm2 = out[c].share;
    out[c].share       = all2 > 0 ? norm2 / all2 : NAN;
    out[c].snr         = signal_to_noise(norm2, square[c], batch);
    out[c].cosine      = norm2 > 0 && total2 > 0 ? out[c].cosine / (out[c].norm * whole) : NAN;
  }
}

double starvation_index(double share, double importance) { return importance > 0 ? share / importance : NAN; }
