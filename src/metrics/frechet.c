/* SPDX-License-Identifier: BSD-2-Clause
 * Frechet distance of Gaussians (D. C. Dowson and B. V. Landau, J. Multivariate Anal. 12 (1982) 450). With C = S S^T, the trace of
 * (C1 C2)^{1/2} is the sum of the singular values of S1^T S2. S^T is the triangle R of a QR factorisation of the centred cloud over
 * (n - 1)^{1/2}: no covariance is squared and no root of a rounded eigenvalue near 0 is taken, which would leave 1e-8 where a direction is
 * empty, so equal clouds are at 1e-15 of their variance. Covariances are unbiased; sums in double. */
#include <math.h>

#include "cloud.h"
#include "metrics.h"

extern void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work, const int *lwork, int *info);
extern void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s, double *u, const int *ldu,
                    double *vt, const int *ldvt, double *work, const int *lwork, int *iwork, int *info);
extern void dgemm_(const char *ta, const char *tb, const int *m, const int *n, const int *k, const double *alpha, const double *a,
                   const int *lda, const double *b, const int *ldb, const double *beta, double *c, const int *ldc);

static int smaller(int64_t a, int64_t b) { return (int)(a < b ? a : b); }

/* mean (d), centred (n, d) column-major over sqrt(n - 1); returns the trace of the covariance. */
static double centre(int d, int64_t n, const float *x, double *mean, double *centred)
{
  const double scale = 1 / sqrt((double)(n - 1));
  double       trace = 0;
  for (int j = 0; j < d; j++) {
    const double first = (double)x[j * n];
    double       sum = 0, rest = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[j * n + i] - first;
    mean[j] = first + sum / (double)n;
    for (int64_t i = 0; i < n; i++) {
      const double value = ((double)x[j * n + i] - first - sum / (double)n) * scale;
      centred[j * n + i] = value;
      rest += value * value;
    }
    trace += rest;
  }
  return trace;
}

/* R (k, d) column-major, k = min(n, d). centred is overwritten. */
static PetscErrorCode triangle(int d, int64_t n_points, double *centred, double *r)
{
  const int n = (int)n_points, k = smaller(n, d), query = -1;
  int       size, info = 0;
  double   *tau, *work, best;
  PetscFunctionBeginUser;
  dgeqrf_(&n, &d, centred, &n, NULL, &best, &query, &info);
  size = (int)best;
  PetscCall(PetscMalloc2(k, &tau, size, &work));
  dgeqrf_(&n, &d, centred, &n, tau, work, &size, &info);
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "dgeqrf returned %d", info);
  for (int j = 0; j < d; j++)
    for (int i = 0; i < k; i++) r[(size_t)j * k + i] = i <= j ? centred[(size_t)j * n + i] : 0;
  PetscCall(PetscFree2(tau, work));
  PetscFunctionReturn(0);
}

/* Sum of the singular values of a (rows, columns) column-major, which is overwritten. */
static PetscErrorCode nuclear_norm(int rows, int columns, double *a, double *sum)
{
  const int k = smaller(rows, columns), query = -1, one = 1;
  int       size, info = 0, *iwork;
  double   *s, *work, best;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(k, &s, 8 * k, &iwork));
  dgesdd_("N", &rows, &columns, a, &rows, s, NULL, &one, NULL, &one, &best, &query, iwork, &info);
  size = (int)best;
  PetscCall(PetscMalloc1(size, &work));
  dgesdd_("N", &rows, &columns, a, &rows, s, NULL, &one, NULL, &one, work, &size, iwork, &info);
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "dgesdd returned %d", info);
  *sum = 0;
  for (int i = 0; i < k; i++) *sum += s[i];
  PetscCall(PetscFree(work));
  PetscCall(PetscFree2(s, iwork));
  PetscFunctionReturn(0);
}

/* Mean, triangle and trace of one cloud. */
static PetscErrorCode fit(int d, int64_t n, const float *x, double *mean, double *r, double *trace)
{
  double *centred;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)n * (size_t)d, &centred));
  *trace = centre(d, n, x, mean, centred);
  PetscCall(triangle(d, n, centred, r));
  PetscCall(PetscFree(centred));
  PetscFunctionReturn(0);
}

PetscErrorCode metric_frechet(int d, int64_t n, const float *x, int64_t m, const float *y, double *distance)
{
  double   *mean, *r1, *r2, *product, trace1 = 0, trace2 = 0, overlap = 0, apart = 0;
  const int k1 = smaller(n, d), k2 = smaller(m, d);
  PetscFunctionBeginUser;
  *distance = NAN;
  if (n < 2 || m < 2 || !cloud_is_finite(d, n, x) || !cloud_is_finite(d, m, y)) PetscFunctionReturn(0);
  PetscCheck(n <= INT_MAX && m <= INT_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a cloud of more than %d points", INT_MAX);
  PetscCall(
      PetscMalloc4(2 * (size_t)d, &mean, (size_t)k1 * (size_t)d, &r1, (size_t)k2 * (size_t)d, &r2, (size_t)k1 * (size_t)k2, &product));
  PetscCall(fit(d, n, x, mean, r1, &trace1));
  PetscCall(fit(d, m, y, mean + d, r2, &trace2));
  dgemm_("N", "T", &k1, &k2, &d, &(double){1}, r1, &k1, r2, &k2, &(double){0}, product, &k1);
  PetscCall(nuclear_norm(k1, k2, product, &overlap));
  for (int j = 0; j < d; j++) apart += (mean[j] - mean[d + j]) * (mean[j] - mean[d + j]);
  *distance = apart + fmax(0, trace1 + trace2 - 2 * overlap);
  PetscCall(PetscFree4(mean, r1, r2, product));
  PetscFunctionReturn(0);
}
