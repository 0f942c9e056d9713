/* SPDX-License-Identifier: BSD-2-Clause
 * Clouds and comparisons of the tests of the metrics. Include after cmocka.h. */
#ifndef MYOPIA_TEST_CLOUDS_H
#define MYOPIA_TEST_CLOUDS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "metrics.h"
#include "rng.h"

enum { KEY = 91 };

#define assert_near(expected, got, tolerance)                                                                                              \
  do {                                                                                                                                     \
    const double e_ = (expected), g_ = (got), t_ = (tolerance);                                                                            \
    if (!(fabs(e_ - g_) <= t_)) fail_msg("%s: expected %.17g, got %.17g, tolerance %.3g", #got, e_, g_, t_);                               \
  } while (0)
#define assert_nan(got)                                                                                                                    \
  do {                                                                                                                                     \
    const double g_ = (got);                                                                                                               \
    if (!isnan(g_)) fail_msg("%s: expected NaN, got %.17g", #got, g_);                                                                     \
  } while (0)

static inline uint32_t next_stream(void)
{
  static uint32_t stream = 0;
  return stream++;
}

/* (d, n): offset + scale * uniform on (0, 1). */
static inline float *cloud(int d, int64_t n, double offset, double scale)
{
  Rng    r = rng_start(KEY, next_stream(), 1);
  float *x = calloc((size_t)(d * n) + 1, sizeof *x);
  for (int64_t i = 0; i < d * n; i++) x[i] = (float)(offset + scale * rng_uniform(&r));
  return x;
}

static inline double *widened(int64_t n, const float *x)
{
  double *out = calloc((size_t)n + 1, sizeof *out);
  for (int64_t i = 0; i < n; i++) out[i] = (double)x[i];
  return out;
}

static inline double between(int d, int64_t n, const float *x, int64_t i, int64_t m, const float *y, int64_t j)
{
  double sum = 0;
  for (int k = 0; k < d; k++) sum += pow((double)x[k * n + i] - (double)y[k * m + j], 2);
  return sqrt(sum);
}

/* Mean (2) and covariance (xx, xy, yy) of a plane cloud, by definition. */
static inline void plane_moments(int64_t n, const float *x, double mean[2], double c[3])
{
  for (int j = 0; j < 2; j++) {
    mean[j] = 0;
    for (int64_t i = 0; i < n; i++) mean[j] += (double)x[j * n + i] / (double)n;
  }
  c[0] = c[1] = c[2] = 0;
  for (int64_t i = 0; i < n; i++) {
    const double a = (double)x[i] - mean[0], b = (double)x[n + i] - mean[1];
    c[0] += a * a / (double)(n - 1);
    c[1] += a * b / (double)(n - 1);
    c[2] += b * b / (double)(n - 1);
  }
}

static inline double frechet(int d, int64_t n, const float *x, int64_t m, const float *y)
{
  double out = 0;
  assert_int_equal(0, metric_frechet(d, n, x, m, y, &out));
  return out;
}

#endif
