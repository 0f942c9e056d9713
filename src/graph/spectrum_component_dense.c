/* SPDX-License-Identifier: BSD-2-Clause
 * Eigenpairs of a small connected graph's Laplacian by LAPACK dsyevd. c J/n with c = 4 max degree > lambda_max moves the null vector to the
 * top of the spectrum, so that the first n - 1 values are the nonzero ones, however small. */
#include "spectrum_component.h"

#include <math.h>
#include <petscblaslapack.h>

#include "lapack.h"

enum { DENSE_VERTICES = 400, DENSE_VERTICES_MANY = 2500 }; /* for few pairs, for many */

/* Larger spares make fewer iterations and dearer ones. */
int64_t component_spare(int64_t count) { return count <= 2 ? 18 : PetscMax(28, PetscMin(count, 64)); }

bool component_is_dense(int64_t n, int64_t count, EigenMethodId method)
{
  if (method == EIGEN_DENSE || count + component_spare(count) + 8 >= n) return true;
  return method == EIGEN_AUTO && n <= PetscMax(DENSE_VERTICES, PetscMin(DENSE_VERTICES_MANY, 12 * count));
}

double component_dense_bytes(int64_t n, bool vectors) { return (vectors ? 24.0 : 8.0) * (double)n * (double)n; }

static PetscErrorCode decompose(int64_t n, bool vectors, double *a, double *value)
{
  PetscBLASInt order, info = 0, query = -1, n_integers, n_work;
  double       size;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast((PetscInt)n, &order));
  const char *job = vectors ? "V" : "N";
  dsyevd_(job, "L", &order, a, &order, value, &size, &query, &n_integers, &query, &info);
  PetscCheck(size < (double)PETSC_BLAS_INT_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "dsyevd of order %lld needs %g doubles",
             (long long)n, size);
  n_work = (PetscBLASInt)size;
  double       *work;
  PetscBLASInt *integers;
  PetscCall(PetscMalloc2((size_t)n_work, &work, (size_t)n_integers, &integers));
  dsyevd_(job, "L", &order, a, &order, value, work, &n_work, integers, &n_integers, &info);
  PetscCall(PetscFree2(work, integers));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "dsyevd of a Laplacian of order %lld: info = %d", (long long)n, (int)info);
  PetscFunctionReturn(0);
}

PetscErrorCode component_dense(const Laplacian *l, int64_t count, double *value, double *vector)
{
  const int64_t n = l->n;
  double       *a, *all;

  PetscFunctionBeginUser;
  if (n == 2 && !vector) {
    value[0] = 2 * l->degree[0];
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc2((size_t)(n * n), &a, (size_t)n, &all));
  laplacian_dense(l, -1, a);
  for (int64_t i = 0; i < n * n; i++) a[i] += 4 * l->degree_max / (double)n;
  PetscCall(decompose(n, vector != NULL, a, all));
  for (int64_t k = 0; k < count; k++) value[k] = all[k];
  for (int64_t k = 0; vector && k < count * n; k++) vector[k] = a[k];
  PetscCall(PetscFree2(a, all));
  PetscFunctionReturn(0);
}

static void scale_and_sign(int64_t n, double *x)
{
  double square = 0, largest = 0, sign = 1;
  for (int64_t i = 0; i < n; i++) {
    square += x[i] * x[i];
    largest = fmax(largest, fabs(x[i]));
  }
  for (int64_t i = 0; i < n; i++) {
    if (fabs(x[i]) <= 0.5 * largest) continue;
    sign = x[i] < 0 ? -1 : 1;
    break;
  }
  for (int64_t i = 0; i < n; i++) x[i] *= sign / sqrt(square);
}

void component_polish(const Laplacian *l, int64_t count, double *value, double *residual, double *vector)
{
  for (int64_t k = 0; k < count; k++) {
    double *x = vector + k * l->n, square = 0;
    scale_and_sign(l->n, x);
    for (int64_t i = 0; i < l->n; i++) square += x[i] * x[i];
    value[k]    = laplacian_form(l, x) / square;
    residual[k] = laplacian_residual(l, value[k], x);
  }
}
