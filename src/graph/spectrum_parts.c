/* SPDX-License-Identifier: BSD-2-Clause
 * A graph cut into components by counting sorts, and Laplacians by rows: O(n + m). It holds no matrix object of a library: rows are read
 * by spectrum_kernel.c, by the assembly of factors and by the assembly of PETSc matrices. */
#include "spectrum_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool inside(const Parts *p, const Graph *g, int64_t e) { return p->component[g->u[e]] == p->component[g->v[e]]; }

/* Vertices and edges by their component, by counting. */
static PetscErrorCode sort_by_component(const Graph *g, Parts *p)
{
  int64_t *next;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2((size_t)p->count + 1, &p->first_vertex, (size_t)p->count + 1, &p->first_edge));
  PetscCall(PetscMalloc1((size_t)p->count + 1, &next));
  for (int64_t i = 0; i < g->n; i++) p->first_vertex[p->component[i] + 1]++;
  for (int64_t e = 0; e < g->m; e++) p->first_edge[p->component[g->u[e]] + 1] += inside(p, g, e);
  for (int64_t c = 0; c < p->count; c++) {
    p->first_vertex[c + 1] += p->first_vertex[c];
    p->first_edge[c + 1] += p->first_edge[c];
  }
  memcpy(next, p->first_vertex, ((size_t)p->count + 1) * sizeof *next);
  for (int64_t i = 0; i < g->n; i++) {
    const int64_t c      = p->component[i];
    p->local[i]          = next[c] - p->first_vertex[c];
    p->vertex[next[c]++] = i;
  }
  memcpy(next, p->first_edge, ((size_t)p->count + 1) * sizeof *next);
  for (int64_t e = 0; e < g->m; e++)
    if (inside(p, g, e)) p->edge[next[p->component[g->u[e]]]++] = e;
  p->crossing = g->m - p->first_edge[p->count];
  PetscCall(PetscFree(next));
  PetscFunctionReturn(0);
}

static PetscErrorCode parts_allocate(const Graph *g, Parts **out)
{
  Parts *p;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  p->n = g->n;
  PetscCall(PetscMalloc4((size_t)g->n, &p->component, (size_t)g->n, &p->local, (size_t)g->n, &p->vertex, (size_t)g->m, &p->edge));
  *out = p;
  PetscFunctionReturn(0);
}

PetscErrorCode parts_create(const Graph *g, Parts **out)
{
  PetscFunctionBeginUser;
  PetscCall(parts_allocate(g, out));
  (*out)->count = graph_components(g, NULL, (*out)->component);
  PetscCall(sort_by_component(g, *out));
  PetscFunctionReturn(0);
}

PetscErrorCode parts_create_as(const Graph *g, int64_t count, const int64_t *component, Parts **out)
{
  PetscFunctionBeginUser;
  PetscCall(parts_allocate(g, out));
  (*out)->count = count;
  for (int64_t i = 0; i < g->n; i++) (*out)->component[i] = component ? component[i] : 0;
  PetscCall(sort_by_component(g, *out));
  PetscFunctionReturn(0);
}

void parts_destroy(Parts **parts)
{
  if (!parts || !*parts) return;
  Parts *p = *parts;
  (void)PetscFree4(p->component, p->local, p->vertex, p->edge);
  (void)PetscFree2(p->first_vertex, p->first_edge);
  (void)PetscFree(p);
  *parts = NULL;
}

static bool rows_ascend(const Laplacian *l)
{
  for (int64_t i = 0; i < l->n; i++)
    for (int64_t k = l->start[i] + 1; k < l->start[i + 1]; k++)
      if (l->column[k - 1] >= l->column[k]) return false;
  return true;
}

/* The transpose of a symmetric matrix is itself, with its rows in order. */
static PetscErrorCode sort_rows(Laplacian *l)
{
  int64_t *next;
  int32_t *column;
  double  *weight = NULL;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)l->n, &next, (size_t)l->entries, &column));
  if (l->weight) PetscCall(PetscMalloc1((size_t)l->entries, &weight));
  memcpy(next, l->start, (size_t)l->n * sizeof *next);
  for (int64_t i = 0; i < l->n; i++) {
    for (int64_t k = l->start[i]; k < l->start[i + 1]; k++) {
      const int64_t to = next[l->column[k]]++;
      column[to]       = (int32_t)i;
      if (weight) weight[to] = l->weight[k];
    }
  }
  memcpy(l->column, column, (size_t)l->entries * sizeof *column);
  if (weight) memcpy(l->weight, weight, (size_t)l->entries * sizeof *weight);
  PetscCall(PetscFree2(next, column));
  PetscCall(PetscFree(weight));
  PetscFunctionReturn(0);
}

static void sum_degrees(Laplacian *l)
{
  for (int64_t i = 0; i < l->n; i++) {
    double sum = 0;
    for (int64_t k = l->start[i]; k < l->start[i + 1]; k++) sum += l->weight ? l->weight[k] : 1;
    l->degree[i]  = sum;
    l->degree_max = PetscMax(l->degree_max, sum);
    if (l->start[i + 1] - l->start[i] > l->start[l->hub + 1] - l->start[l->hub]) l->hub = i;
  }
}

static PetscErrorCode fill_rows(const Graph *g, const Parts *p, int64_t c, Laplacian *l)
{
  int64_t *next;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)l->n, &next));
  memcpy(next, l->start, (size_t)l->n * sizeof *next);
  for (int64_t k = p->first_edge[c]; k < p->first_edge[c + 1]; k++) {
    const int64_t e = p->edge[k], i = p->local[g->u[e]], j = p->local[g->v[e]];
    if (l->weight) l->weight[next[i]] = l->weight[next[j]] = g->weight[e];
    l->column[next[i]++] = (int32_t)j;
    l->column[next[j]++] = (int32_t)i;
  }
  PetscCall(PetscFree(next));
  PetscFunctionReturn(0);
}

PetscErrorCode laplacian_create(const Graph *g, const Parts *p, int64_t c, Laplacian **out)
{
  Laplacian    *l;
  const int64_t n = parts_size(p, c);

  PetscFunctionBeginUser;
  PetscCheck(n < INT32_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a component of %lld vertices: at most %d", (long long)n, INT32_MAX);
  PetscCall(PetscNew(&l));
  l->n       = n;
  l->entries = 2 * parts_edges(p, c);
  PetscCall(PetscCalloc2((size_t)n + 1, &l->start, (size_t)n, &l->degree));
  for (int64_t k = p->first_edge[c]; k < p->first_edge[c + 1]; k++) {
    l->start[p->local[g->u[p->edge[k]]] + 1]++;
    l->start[p->local[g->v[p->edge[k]]] + 1]++;
  }
  for (int64_t i = 0; i < n; i++) l->start[i + 1] += l->start[i];
  PetscCall(PetscMalloc1((size_t)l->entries, &l->column));
  if (g->weight) PetscCall(PetscMalloc1((size_t)l->entries, &l->weight));
  PetscCall(fill_rows(g, p, c, l));
  if (!rows_ascend(l)) PetscCall(sort_rows(l));
  sum_degrees(l);
  *out = l;
  PetscFunctionReturn(0);
}

void laplacian_destroy(Laplacian **laplacian)
{
  if (!laplacian || !*laplacian) return;
  Laplacian *l = *laplacian;
  (void)PetscFree2(l->start, l->degree);
  (void)PetscFree(l->column);
  (void)PetscFree(l->weight);
  (void)PetscFree(l);
  *laplacian = NULL;
}

double laplacian_bytes(int64_t n, int64_t m, bool weighted) { return 16.0 * (double)n + (weighted ? 24.0 : 8.0) * (double)m; }

void laplacian_dense(const Laplacian *l, int64_t without, double *a)
{
  const int64_t order = without < 0 ? l->n : l->n - 1;
  memset(a, 0, (size_t)(order * order) * sizeof *a);
  for (int64_t i = 0; i < l->n; i++) {
    if (i == without) continue;
    double *column = a + (without >= 0 && i > without ? i - 1 : i) * order;
    for (int64_t k = l->start[i]; k < l->start[i + 1]; k++) {
      const int64_t j = l->column[k];
      if (j != without) column[without >= 0 && j > without ? j - 1 : j] = l->weight ? -l->weight[k] : -1;
    }
    column[without >= 0 && i > without ? i - 1 : i] = l->degree[i];
  }
}

double laplacian_form(const Laplacian *l, const double *x)
{
  double sum = 0;
  for (int64_t i = 0; i < l->n; i++) {
    double row = 0;
    for (int64_t k = l->start[i]; k < l->start[i + 1] && l->column[k] < i; k++) {
      const double d = x[i] - x[l->column[k]];
      row += (l->weight ? l->weight[k] : 1) * d * d;
    }
    sum += row;
  }
  return sum;
}

double laplacian_residual(const Laplacian *l, double lambda, const double *x)
{
  double sum = 0;
  for (int64_t i = 0; i < l->n; i++) {
    double row = 0;
    for (int64_t k = l->start[i]; k < l->start[i + 1]; k++) row += (l->weight ? l->weight[k] : 1) * (x[i] - x[l->column[k]]);
    row -= lambda * x[i];
    sum += row * row;
  }
  return sqrt(sum);
}

double laplacian_bound(const Laplacian *l)
{
  double edges = 0, vertices = 0;
  for (int64_t i = 0; i < l->n; i++) {
    double mean = 0;
    for (int64_t k = l->start[i]; k < l->start[i + 1]; k++) {
      mean += (l->weight ? l->weight[k] : 1) * l->degree[l->column[k]];
      edges = PetscMax(edges, l->degree[i] + l->degree[l->column[k]]);
    }
    if (l->degree[i] > 0) vertices = PetscMax(vertices, l->degree[i] + mean / l->degree[i]);
  }
  return PetscMin(edges, vertices);
}

void memory_refusal(double needed, double allowed, char *reason)
{
  enum { REASON_MAX = 96 };
  if (isfinite(needed))
    snprintf(reason, REASON_MAX, "memory: %.3g GB needed, %.3g GB allowed", 1e-9 * needed, 1e-9 * allowed);
  else
    snprintf(reason, REASON_MAX, "memory: the factor has too many entries to be counted, %.3g GB allowed", 1e-9 * allowed);
}
