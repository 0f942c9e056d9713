/* SPDX-License-Identifier: BSD-2-Clause
 * The subgraph of a set of edges with its vertices renumbered in ascending order, so that u < v stays. A small part of a large graph costs
 * O(k log k), not O(n): a graph may have a million blocks. */
#include "edge_list.h"

/* Ascending list of the end points, each once. */
static PetscErrorCode list_vertices(const Graph *g, int64_t k, const int64_t *edges, int64_t *n, int64_t **vertex)
{
  uint64_t *ends;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)k * 2, &ends));
  for (int64_t i = 0; i < k; i++) {
    ends[2 * i]     = (uint64_t)g->u[edges[i]];
    ends[2 * i + 1] = (uint64_t)g->v[edges[i]];
  }
  PetscCall(keys_sort_word(2 * k, ends, NULL));
  int64_t count = 0;
  for (int64_t i = 0; i < 2 * k; i++)
    if (count == 0 || ends[count - 1] != ends[i]) ends[count++] = ends[i];
  PetscCall(PetscMalloc1((size_t)count, vertex));
  for (int64_t i = 0; i < count; i++) (*vertex)[i] = (int64_t)ends[i];
  PetscCall(PetscFree(ends));
  *n = count;
  PetscFunctionReturn(0);
}

static int64_t position(int64_t n, const int64_t *sorted, int64_t x)
{
  int64_t low = 0;
  for (int64_t high = n - 1; low < high;) {
    const int64_t middle = low + (high - low) / 2;
    if (sorted[middle] < x)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

PetscErrorCode graph_subgraph(const Graph *g, int64_t n_edges, const int64_t *edges, int64_t **vertex, Graph **out)
{
  int64_t *u, *v, *number = NULL, n;
  double  *weight = NULL;

  PetscFunctionBeginUser;
  for (int64_t k = 0; k < n_edges; k++)
    PetscCheck(edges[k] >= 0 && edges[k] < g->m, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "edge %lld of a graph of %lld edges",
               (long long)edges[k], (long long)g->m);
  PetscCall(list_vertices(g, n_edges, edges, &n, vertex));
  PetscCall(PetscMalloc2((size_t)n_edges, &u, (size_t)n_edges, &v));
  if (g->weight) PetscCall(PetscMalloc1((size_t)n_edges, &weight));
  if (n > g->n / 16) {
    PetscCall(PetscMalloc1((size_t)g->n, &number));
    for (int64_t i = 0; i < n; i++) number[(*vertex)[i]] = i;
  }
  for (int64_t k = 0; k < n_edges; k++) {
    const int64_t e = edges[k];
    u[k]            = number ? number[g->u[e]] : position(n, *vertex, g->u[e]);
    v[k]            = number ? number[g->v[e]] : position(n, *vertex, g->v[e]);
    if (weight) weight[k] = g->weight[e];
  }
  const PetscErrorCode code = graph_create(n, n_edges, u, v, weight, out);
  PetscCall(PetscFree(number));
  PetscCall(PetscFree(weight));
  PetscCall(PetscFree2(u, v));
  if (code) PetscCall(PetscFree(*vertex));
  PetscCall(code);
  PetscFunctionReturn(0);
}
