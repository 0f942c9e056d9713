/* SPDX-License-Identifier: BSD-2-Clause
 * Spectrum of a graph's Laplacian by LAPACK dsyev on the dense matrix: the reference for lambda2_kernel.c, and what larger graphs use.
 * O(n^3) time, n^2 doubles. Connectivity is decided by counting components, never by the size of an eigenvalue. */
#include "spectrum.h"

#include <petscblaslapack.h>

enum { DENSE_VERTICES_MAX = 20000 };

static void assemble(const Graph *g, const uint8_t *keep, double *a)
{
  for (int64_t i = 0; i < g->n * g->n; i++) a[i] = 0;
  for (int64_t e = 0; e < g->m; e++) {
    if (keep && !keep[e]) continue;
    const int64_t u = g->u[e], v = g->v[e];
    const double  w = graph_weight(g, e);
    a[u + u * g->n] += w;
    a[v + v * g->n] += w;
    a[u + v * g->n] = -w;
    a[v + u * g->n] = -w;
  }
}

static PetscErrorCode eigenvalues_of(int64_t n, double *a, double *eigenvalues)
{
  PetscBLASInt order, info = 0, n_work = -1;
  double       optimal, *work;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast((PetscInt)n, &order));
  PetscCallBLAS("LAPACKsyev", LAPACKsyev_("N", "L", &order, a, &order, eigenvalues, &optimal, &n_work, &info));
  PetscCall(PetscBLASIntCast((PetscInt)optimal, &n_work));
  PetscCall(PetscMalloc1((size_t)n_work, &work));
  PetscCallBLAS("LAPACKsyev", LAPACKsyev_("N", "L", &order, a, &order, eigenvalues, work, &n_work, &info));
  PetscCall(PetscFree(work));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "dsyev of a Laplacian of order %lld: info = %d", (long long)n, (int)info);
  PetscFunctionReturn(0);
}

PetscErrorCode spectrum_dense(const Graph *g, const uint8_t *keep, double *eigenvalues)
{
  double *a;

  PetscFunctionBeginUser;
  PetscCheck(g->n <= DENSE_VERTICES_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "the dense spectrum takes %d vertices at most, this graph has %lld", DENSE_VERTICES_MAX, (long long)g->n);
  if (g->n == 0) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)(g->n * g->n), &a));
  assemble(g, keep, a);
  const PetscErrorCode failed = eigenvalues_of(g->n, a, eigenvalues);
  PetscCall(PetscFree(a));
  PetscCall(failed);
  PetscFunctionReturn(0);
}

PetscErrorCode spectrum_lambda2(const Graph *g, const uint8_t *keep, double *lambda2)
{
  int64_t *component;
  double  *eigenvalues;

  PetscFunctionBeginUser;
  *lambda2 = 0;
  if (g->n < 2) PetscFunctionReturn(0);
  PetscCall(PetscMalloc2((size_t)g->n, &component, (size_t)g->n, &eigenvalues));
  PetscErrorCode failed = 0;
  if (graph_components(g, keep, component) == 1) {
    failed = spectrum_dense(g, keep, eigenvalues);
    if (!failed) *lambda2 = eigenvalues[1];
  }
  PetscCall(PetscFree2(component, eigenvalues));
  PetscCall(failed);
  PetscFunctionReturn(0);
}
