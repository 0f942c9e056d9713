/* SPDX-License-Identifier: BSD-2-Clause
 * Effective resistances by dense inverses. For a connected graph on n vertices L + c J/n (J all ones, c > 0) is positive definite, and
 * its inverse is L^+ + J/(c n); the constant cancels in R(u,v) = X_uu + X_vv - 2 X_uv. Each component is inverted by itself (LAPACK
 * dpotrf, dpotri), with c its mean weighted degree, so that c is of the size of L's entries. Ghosh, Boyd, Saberi, SIAM Review 50
 * (2008) 37. O(n^3) time and n^2 doubles for the largest component. It does not use sparsity, and it is no method for large
 * graphs. */
#include "resistance_methods.h"

#include <math.h>
#include <petscblaslapack.h>

enum { DENSE_VERTICES_MAX = 20000 };

/* A graph's vertices sorted by component, and each vertex's place inside its own. */
typedef struct Parts {
  int64_t  count, largest;
  int64_t *component, *local; /* (n) */
  int64_t *size;              /* (count) */
} Parts;

static PetscErrorCode parts_create(const Graph *g, Parts *parts)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3((size_t)g->n, &parts->component, (size_t)g->n, &parts->local, (size_t)g->n, &parts->size));
  parts->count   = graph_components(g, NULL, parts->component);
  parts->largest = 0;
  for (int64_t c = 0; c < parts->count; c++) parts->size[c] = 0;
  for (int64_t i = 0; i < g->n; i++) parts->local[i] = parts->size[parts->component[i]]++;
  for (int64_t c = 0; c < parts->count; c++) parts->largest = PetscMax(parts->largest, parts->size[c]);
  PetscFunctionReturn(0);
}

/* Lower triangle of L + c J/n of component c, column-major. */
static void assemble(const Graph *g, const Parts *parts, int64_t c, double *a)
{
  const int64_t n     = parts->size[c];
  double        trace = 0;
  for (int64_t e = 0; e < g->m; e++)
    if (parts->component[g->u[e]] == c) trace += 2 * graph_weight(g, e);
  const double shift = trace / (double)n / (double)n;
  for (int64_t i = 0; i < n * n; i++) a[i] = shift;
  for (int64_t e = 0; e < g->m; e++) {
    if (parts->component[g->u[e]] != c) continue;
    const int64_t i = parts->local[g->u[e]], j = parts->local[g->v[e]];
    const double  w = graph_weight(g, e);
    a[i + i * n] += w;
    a[j + j * n] += w;
    a[PetscMax(i, j) + PetscMin(i, j) * n] -= w;
  }
}

static PetscErrorCode invert(int64_t n, double *a)
{
  PetscBLASInt order, info = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast((PetscInt)n, &order));
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("L", &order, a, &order, &info));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "dpotrf of a Laplacian of order %lld: info = %d (weights too far apart)",
             (long long)n, (int)info);
  PetscCallBLAS("LAPACKpotri", LAPACKpotri_("L", &order, a, &order, &info));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "dpotri of a Laplacian of order %lld: info = %d", (long long)n, (int)info);
  PetscFunctionReturn(0);
}

/* Resistances of those pairs whose two ends lie in component c. */
static void read_off(const Parts *parts, int64_t c, const double *a, int64_t n_pairs, const int64_t *u, const int64_t *v,
                     double *resistance)
{
  const int64_t n = parts->size[c];
  for (int64_t k = 0; k < n_pairs; k++) {
    if (parts->component[u[k]] != c || parts->component[v[k]] != c) continue;
    const int64_t i = parts->local[u[k]], j = parts->local[v[k]];
    resistance[k] = i == j ? 0 : a[i + i * n] + a[j + j * n] - 2 * a[PetscMax(i, j) + PetscMin(i, j) * n];
  }
}

static PetscErrorCode solve_parts(const Graph *g, const Parts *parts, double *a, int64_t n_pairs, const int64_t *u, const int64_t *v,
                                  double *resistance)
{
  PetscFunctionBeginUser;
  for (int64_t k = 0; k < n_pairs; k++) resistance[k] = u[k] == v[k] ? 0 : INFINITY;
  for (int64_t c = 0; c < parts->count; c++) {
    const int64_t n = parts->size[c];
    if (n < 2) continue;
    assemble(g, parts, c, a);
    PetscCall(invert(n, a));
    read_off(parts, c, a, n_pairs, u, v, resistance);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode resistance_dense(const Graph *g, int64_t n_pairs, const int64_t *u, const int64_t *v, double *resistance)
{
  Parts   parts;
  double *a;

  PetscFunctionBeginUser;
  PetscCheck(g->n <= DENSE_VERTICES_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "the dense resistance method takes %d vertices at most, this graph has %lld", DENSE_VERTICES_MAX, (long long)g->n);
  PetscCall(parts_create(g, &parts));
  PetscCall(PetscMalloc1((size_t)(parts.largest * parts.largest), &a));
  const PetscErrorCode failed = solve_parts(g, &parts, a, n_pairs, u ? u : g->u, v ? v : g->v, resistance);
  PetscCall(PetscFree(a));
  PetscCall(PetscFree3(parts.component, parts.local, parts.size));
  PetscCall(failed);
  PetscFunctionReturn(0);
}
