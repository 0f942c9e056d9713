/* SPDX-License-Identifier: BSD-2-Clause
 * Distances between laws that are sums over pairs of points: energy distance (G. J. Szekely and M. L. Rizzo, J. Stat. Plan. Inference 143
 * (2013) 1249), maximum mean discrepancy (A. Gretton et al., JMLR 13 (2012) 723), and nearest neighbours. U-statistics: a cloud of one
 * point has no pair within it, so its mean is NaN. The kernels are pair_kernel.c and nearest_kernel.c. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "memory.h"
#include "metrics.h"
#include "pair_kernel.h"

static double n_pairs(int64_t n, int64_t m, const float *y) { return y ? (double)n * (double)m : 0.5 * (double)n * (double)(n - 1); }

static double sum_distances(IsaLevel isa, const PackedCloud *x, const PackedCloud *y)
{
  if (isa == ISA_V4) return pair_distances_v4(x, y);
  return isa == ISA_V3 ? pair_distances_v3(x, y) : pair_distances_base(x, y);
}

static double sum_gaussians(IsaLevel isa, const PackedCloud *x, const PackedCloud *y, int n_h, const float *rate)
{
  if (isa == ISA_V4) return pair_gaussians_v4(x, y, n_h, rate);
  return isa == ISA_V3 ? pair_gaussians_v3(x, y, n_h, rate) : pair_gaussians_base(x, y, n_h, rate);
}

double metric_mean_distance(IsaLevel isa, int d, int64_t n, const float *x, int64_t m, const float *y)
{
  CloudPair pair;
  if (!y && n < 2) return NAN;
  if (!cloud_pair_create(d, n, x, m, y, &pair)) return NAN;
  const double mean = sum_distances(isa, &pair.x, y ? &pair.y : NULL) / n_pairs(n, m, y) / pair.scale;
  cloud_pair_destroy(&pair);
  return mean;
}

static double distance(int d, int64_t n, const float *x, int64_t i, int64_t m, const float *y, int64_t j)
{
  double sum = 0;
  for (int k = 0; k < d; k++) {
    const double t = (double)x[k * n + i] - (double)y[k * m + j];
    sum += t * t;
  }
  return sqrt(sum);
}

double metric_mean_distance_reference(int d, int64_t n, const float *x, int64_t m, const float *y)
{
  double sum = 0;
  if ((!y && n < 2) || !cloud_is_finite(d, n, x) || (y && !cloud_is_finite(d, m, y))) return NAN;
  for (int64_t i = 0; i < n; i++) {
    double row = 0;
    for (int64_t j = y ? 0 : i + 1; j < (y ? m : n); j++) row += distance(d, n, x, i, y ? m : n, y ? y : x, j);
    sum += row;
  }
  return sum / n_pairs(n, m, y);
}

double metric_energy_distance(IsaLevel isa, int d, int64_t n, const float *x, int64_t m, const float *y, double *within_y)
{
  if (n < 1 || m < 1) return NAN;
  const double cross = metric_mean_distance(isa, d, n, x, m, y), within_x = metric_mean_distance(isa, d, n, x, 0, NULL);
  const double within = within_y && !isnan(*within_y) ? *within_y : metric_mean_distance(isa, d, m, y, 0, NULL);
  if (within_y) *within_y = within;
  return 2 * cross - within_x - within;
}

/* A bandwidth of almost nothing must not give inf * 0; one that is not above 0 gives NaN. */
static float rate_of(double h) { return h > 0 ? (float)fmax(-0.5 / h / h, -(double)FLT_MAX) : NAN; }

double metric_mmd(IsaLevel isa, int d, int64_t n, const float *x, int64_t m, const float *y, int n_h, const double *h)
{
  CloudPair pair;
  if (n < 2 || m < 2 || n_h < 1 || !cloud_pair_create(d, n, x, m, y, &pair)) return NAN;
  float *rate = mem_calloc((size_t)n_h, sizeof *rate);
  for (int k = 0; k < n_h; k++) rate[k] = rate_of(h[k] * pair.scale);
  const double cross    = sum_gaussians(isa, &pair.x, &pair.y, n_h, rate) / n_pairs(n, m, y);
  const double within_x = sum_gaussians(isa, &pair.x, NULL, n_h, rate) / n_pairs(n, 0, NULL);
  const double within_y = sum_gaussians(isa, &pair.y, NULL, n_h, rate) / n_pairs(m, 0, NULL);
  free(rate);
  cloud_pair_destroy(&pair);
  return (within_x + within_y - 2 * cross) / n_h;
}

static void search(IsaLevel isa, const CloudPair *pair, float *state, float *first, float *second)
{
  switch (isa) {
  case ISA_V4: pair_nearest_v4(&pair->x, &pair->y, state, first, second); break;
  case ISA_V3: pair_nearest_v3(&pair->x, &pair->y, state, first, second); break;
  case ISA_BASE: pair_nearest_base(&pair->x, &pair->y, state, first, second); break;
  }
}

static float rooted(float square, double scale) { return isinf(square) ? NAN : (float)(sqrt((double)square) / scale); }

void metric_nearest(IsaLevel isa, int d, int64_t n, const float *x, int64_t m, const float *y, float *first, float *second)
{
  CloudPair pair;
  if (!cloud_pair_create(d, n, x, m, y, &pair)) {
    for (int64_t i = 0; i < n; i++) first[i] = NAN;
    for (int64_t i = 0; second && i < n; i++) second[i] = NAN;
    return;
  }
  float *state = mem_calloc((size_t)(n + 7), 2 * CLOUD_LANES * sizeof *state), *two = mem_calloc((size_t)n, sizeof *two);
  search(isa, &pair, state, first, two);
  for (int64_t i = 0; i < n; i++) first[i] = rooted(first[i], pair.scale);
  for (int64_t i = 0; second && i < n; i++) second[i] = rooted(two[i], pair.scale);
  free(two);
  free(state);
  cloud_pair_destroy(&pair);
}
