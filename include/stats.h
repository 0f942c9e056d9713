/* SPDX-License-Identifier: BSD-2-Clause
 * Mergeable moments, and the exact tests and intervals that stand beside every measured value. */
#ifndef MYOPIA_STATS_H
#define MYOPIA_STATS_H

#include <stdint.h>

/* Moments of a sample; merging in any order gives the same n, and the same mean and m2 to round-off (Chan, Golub, LeVeque 1979). */
typedef struct Moments {
  int64_t n;
  double  mean, m2, min, max; /* m2 = sum (x - mean)^2 */
} Moments;                    /* start as {0} */

void   moments_add(Moments *, double x); /* NaN is not counted */
void   moments_merge(Moments *, const Moments *);
double moments_variance(const Moments *); /* unbiased; NaN below two values */
double moments_stderr(const Moments *);

/* Regularised incomplete beta I_x(a, b), a, b > 0 (continued fraction, Lentz); relative error < 1e-12 where it is not tiny. */
double stats_beta(double a, double b, double x);

/* Two-sided exact binomial p-value of k successes in n at probability p: the sum of all outcomes no likelier than k (as
 * scipy.stats.binomtest), in [0, 1]. p = 0 and p = 1 are allowed: 1 when k is the sure outcome, else 0. */
double stats_binomial_p(int64_t k, int64_t n, double p);
/* Clopper-Pearson interval of level 1 - alpha. */
void stats_binomial_interval(int64_t k, int64_t n, double alpha, double *low, double *high);

double stats_chi2_quantile(double p, double dof); /* chi squared, 0 < p < 1, dof > 0 */
double stats_t_p(double t, double dof);           /* two-sided p-value of Student's t */
double stats_t_quantile(double p, double dof);    /* Student's t, 0 < p < 1 */

#endif
