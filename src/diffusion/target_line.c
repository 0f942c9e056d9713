/* SPDX-License-Identifier: BSD-2-Clause
 * The standard normal law on the first axis of the plane: f = (a x_1 / (a^2 + s^2), 0). */
#include <math.h>

#include "target_draw.h"
#include "target_private.h"

static void sample(const Target *t, Rng *r, double *y)
{
  (void)t;
  draw_normals(r, y);
  y[1] = 0;
}

static void mean(const Target *t, double a, double s, const double *y, double *f)
{
  (void)t;
  f[0] = a * y[0] / (a * a + s * s);
  f[1] = 0;
}

static void fast(const Target *t, double a, double s, int n, int stride, const float *y, float *f)
{
  (void)t;
  const float gain = (float)(a / (a * a + s * s));
  for (int i = 0; i < n; i++) {
    f[i]          = gain * y[i];
    f[stride + i] = 0;
  }
}

static double log_density(const Target *t, double a, double s, const double *y)
{
  (void)t;
  const double v = a * a + s * s;
  return -(y[0] * y[0] / v + y[1] * y[1] / (s * s)) / 2 - log(2 * M_PI) - log(v) / 2 - log(s);
}

static double nearest(const Target *t, const double *y, double *out)
{
  (void)t;
  out[0] = y[0];
  out[1] = 0;
  return erfc(-y[0] / sqrt(2)) / 2;
}

const TargetOps target_line_ops = {
    .own = 2, .k = 1, .sample = sample, .mean = mean, .fast = fast, .log_density = log_density, .nearest = nearest};
