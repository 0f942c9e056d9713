/* SPDX-License-Identifier: BSD-2-Clause
 * Cross-entropy of a softmax in float64, for the references of the denoisers. */
#ifndef MYOPIA_DENOISER_SOFTMAX_H
#define MYOPIA_DENOISER_SOFTMAX_H

#include <math.h>

/* -log softmax(z)[clean]; slope (classes): its derivatives, softmax(z) - [c = clean]. */
static inline double softmax_cross_entropy(int classes, const double *z, int clean, double *slope)
{
  double most = z[0], sum = 0;
  for (int c = 1; c < classes; c++) most = z[c] > most ? z[c] : most;
  for (int c = 0; c < classes; c++) sum += slope[c] = exp(z[c] - most);
  for (int c = 0; c < classes; c++) slope[c] = slope[c] / sum - (c == clean);
  return log(sum) - (z[clean] - most);
}

#endif
