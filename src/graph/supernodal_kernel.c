/* SPDX-License-Identifier: BSD-2-Clause
 * Dense kernels for small supernodes: columns are updated one by another along their rows, which are contiguous and stay in the first-level
 * cache. The compiler makes vectors of the inner loops. References: LAPACK's dpotf2, dtrsm, dlauum, which the tests compare with. */
#include "supernodal_kernel.h"

#include "kernel.h"

/* y -= f x */
static inline void subtract(int n, double f, const double *restrict x, double *restrict y)
{
  for (int i = 0; i < n; i++) y[i] -= f * x[i];
}

/* y -= f0 x0 + f1 x1: half the traffic of y. */
static inline void subtract2(int n, double f0, const double *restrict x0, double f1, const double *restrict x1, double *restrict y)
{
  for (int i = 0; i < n; i++) y[i] -= f0 * x0[i] + f1 * x1[i];
}

static inline void scale(int n, double f, double *x)
{
  for (int i = 0; i < n; i++) x[i] *= f;
}

int KERNEL(supernodal_factor)(int nc, int rows, double *a)
{
  for (int j = 0; j < nc; j++) {
    double *column = a + j * (rows + 1);
    int     k      = 0;
    for (; k + 1 < j; k += 2) {
      const double *x0 = a + j + k * rows, *x1 = x0 + rows;
      subtract2(rows - j, x0[0], x0, x1[0], x1, column);
    }
    if (k < j) subtract(rows - j, a[j + k * rows], a + j + k * rows, column);
    if (!(column[0] > 0)) return j + 1;
    const double root = __builtin_sqrt(column[0]);
    column[0]         = root;
    scale(rows - j - 1, 1 / root, column + 1);
  }
  return 0;
}

void KERNEL(supernodal_solve)(int nc, int rows, const double *a, double *y)
{
  const int nr = rows - nc;
  for (int j = nc - 1; j >= 0; j--) {
    const double *restrict from = a + nc + j * rows, *l = a + j * rows;
    double *restrict to = y + j * nr;
    for (int i = 0; i < nr; i++) to[i] = from[i];
    int k = j + 1;
    for (; k + 1 < nc; k += 2) subtract2(nr, l[k], y + k * nr, l[k + 1], y + (k + 1) * nr, to);
    if (k < nc) subtract(nr, l[k], y + k * nr, to);
    scale(nr, 1 / l[j], to);
  }
}

void KERNEL(supernodal_inverse)(int nc, int rows, double *a)
{
  double w[SMALL_COLUMNS][SMALL_COLUMNS] = {{0}}; /* rows of L11^-1 */
  for (int i = 0; i < nc; i++) {
    for (int k = 0; k < i; k++) subtract(SMALL_COLUMNS, a[i + k * rows], w[k], w[i]);
    w[i][i] = 1;
    scale(SMALL_COLUMNS, 1 / a[i * (rows + 1)], w[i]);
  }
  for (int j = 0; j < nc; j++) {
    double sum[SMALL_COLUMNS] = {0};
    for (int k = j; k < nc; k++)
      for (int i = 0; i < SMALL_COLUMNS; i++) sum[i] += w[k][j] * w[k][i];
    for (int i = 0; i < nc; i++) a[i + j * rows] = sum[i];
  }
}

void KERNEL(supernodal_forward)(int nc, int64_t rows, const double *a, double *t)
{
  int j = 0;
  for (; j + 1 < nc; j += 2) {
    const double *x0 = a + j * (rows + 1), *x1 = x0 + rows;
    t[j] /= x0[0];
    t[j + 1] = (t[j + 1] - x0[1] * t[j]) / x1[1];
    subtract2((int)rows - j - 2, t[j], x0 + 2, t[j + 1], x1 + 2, t + j + 2);
  }
  if (j == nc) return;
  t[j] /= a[j * (rows + 1)];
  subtract((int)rows - j - 1, t[j], a + j * (rows + 1) + 1, t + j + 1);
}

/* In eight interleaved sums, which the compiler may keep in vectors. */
static inline double dot(int64_t n, const double *restrict x, const double *restrict y)
{
  double  sum[8] = {0}, rest = 0;
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int l = 0; l < 8; l++) sum[l] += x[i + l] * y[i + l];
  for (; i < n; i++) rest += x[i] * y[i];
  return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7])) + rest;
}

void KERNEL(supernodal_backward)(int nc, int64_t rows, const double *a, double *t)
{
  for (int j = nc - 1; j >= 0; j--) {
    const double *column = a + j * (rows + 1);
    t[j]                 = (t[j] - dot(rows - j - 1, column + 1, t + j + 1)) / column[0];
  }
}
