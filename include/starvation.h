/* SPDX-License-Identifier: BSD-2-Clause
 * Gradient-starvation statistics: how the gradient of a loss is shared among classes of its terms. */
#ifndef MYOPIA_STARVATION_H
#define MYOPIA_STARVATION_H

#include <stdint.h>

/* Statistics of class c at one step; g_c is the gradient of class c's loss terms with respect to all d parameters. */
typedef struct StarvationStats {
  double mean;   /* mean of g_c over the parameters (d = 1: g_c itself, signed) */
  double norm;   /* ||g_c|| */
  double share;  /* ||g_c||^2 / sum_c' ||g_c'||^2; NaN when all are 0 */
  double snr;    /* ||g_c|| / s, s^2 the total unbiased variance over the batch of the per-sample gradient; NaN when it is 0 or batch < 2 */
  double cosine; /* of g_c with the total gradient; NaN when one is 0 */
} StarvationStats;

/* gradient: (n_classes, d) row-major, each the sum over a batch of `batch` samples divided by batch (a sample of another class counts as
 * 0); square: (n_classes) sum over samples of ||per-sample gradient||^2 divided by batch. out: (n_classes). */
void starvation_stats(int n_classes, int64_t d, const double *gradient, const double *square, int64_t batch, StarvationStats *out);

/* share / importance; NaN where importance is 0 or not defined (no graph). */
double starvation_index(double share, double importance);

#endif
