/* SPDX-License-Identifier: BSD-2-Clause
 * Wasserstein-1 of two clouds of equal size: an optimal coupling of uniform weights is a permutation (Birkhoff), so it is an assignment
 * problem (assignment.c) on the matrix of distances in double. Clouds of different sizes are not coupled. */
#include <math.h>
#include <stdlib.h>

#include "assignment.h"
#include "cloud.h"
#include "memory.h"
#include "metrics.h"

enum { POINTS_MAX = 2048 };

/* cost[i, j] = |x_i - y_j|, row by row. */
static void distances(int d, int n, const float *x, const float *y, double *cost)
{
  for (int i = 0; i < n; i++) {
    double *const row = cost + (size_t)i * n;
    for (int k = 0; k < d; k++) {
      const double       a = (double)x[(size_t)k * n + i];
      const float *const b = y + (size_t)k * n;
      for (int j = 0; j < n; j++) row[j] += (a - (double)b[j]) * (a - (double)b[j]);
    }
    for (int j = 0; j < n; j++) row[j] = sqrt(row[j]);
  }
}

double metric_wasserstein_exact(int d, int64_t n, const float *x, const float *y)
{
  if (n > POINTS_MAX || !cloud_is_finite(d, n, x) || !cloud_is_finite(d, n, y)) return NAN;
  double *cost = mem_calloc((size_t)(n * n), sizeof *cost), sum = 0;
  int    *column = mem_calloc((size_t)n, sizeof *column);
  distances(d, (int)n, x, y, cost);
  assignment_solve((int)n, cost, column);
  for (int64_t i = 0; i < n; i++) sum += cost[i * n + column[i]];
  free(cost);
  free(column);
  return sum / (double)n;
}
