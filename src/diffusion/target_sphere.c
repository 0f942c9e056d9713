/* SPDX-License-Identifier: BSD-2-Clause
 * The uniform law on the unit sphere of R^3. Given x it is von Mises and Fisher's with concentration kappa = a |x| / s^2 (Fisher, Proc. R.
 * Soc. A 217 (1953) 295), whose mean is (coth kappa - 1 / kappa) x / |x|. */
#include <math.h>

#include "target_draw.h"
#include "target_private.h"

/* Archimedes: the height is uniform, and so is the longitude. */
static void sample(const Target *t, Rng *r, double *y)
{
  (void)t;
  const double z = 2 * rng_uniform(r) - 1, q = sqrt((1 - z) * (1 + z));
  double       c, s;
  draw_turn(rng_uniform(r), &c, &s);
  y[0] = q * c;
  y[1] = q * s;
  y[2] = z;
}

/* (coth k - 1/k) / k: near 0 by coth's series, whose terms fall by k^2 / pi^2. */
static double mean_over(double k)
{
  if (k > 0.5) return ((1 + exp(-2 * k)) / -expm1(-2 * k) - 1 / k) / k;
  static const double series[] = {1. / 3,
                                  -1. / 45,
                                  2. / 945,
                                  -1. / 4725,
                                  2. / 93555,
                                  -1382. / 638512875,
                                  4. / 18243225,
                                  -3617. / 162820783125.,
                                  87734. / 38979295480125.};
  double              sum      = 0;
  for (int i = 8; i >= 0; i--) sum = series[i] + k * k * sum;
  return sum;
}

static void mean(const Target *t, double a, double s, const double *y, double *f)
{
  (void)t;
  const double scale = a / (s * s), k = scale * sqrt(y[0] * y[0] + y[1] * y[1] + y[2] * y[2]);
  for (int j = 0; j < 3; j++) f[j] = mean_over(k) * scale * y[j];
}

static void fast(const Target *t, double a, double s, int n, int stride, const float *y, float *f)
{
  t->kernels->sphere((float)fmin(a / (s * s), 1e30), n, stride, y, f);
}

static double nearest(const Target *t, const double *y, double *out)
{
  (void)t;
  const double length = sqrt(y[0] * y[0] + y[1] * y[1] + y[2] * y[2]);
  for (int j = 0; j < 3; j++) out[j] = length > 0 ? y[j] / length : j == 0;
  return NAN;
}

const TargetOps target_sphere_ops = {.own = 3, .k = 2, .sample = sample, .mean = mean, .fast = fast, .nearest = nearest};
