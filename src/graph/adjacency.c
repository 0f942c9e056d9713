/* SPDX-License-Identifier: BSD-2-Clause
 * Adjacency lists by counting, O(n + m). Edges sorted by (u, v) give ascending rows directly: first all smaller neighbours of a vertex,
 * in the order of their edges, then the larger ones. Other orders are brought into that one first. */
#include "edge_list.h"

static PetscErrorCode sorted_order(const Graph *g, uint64_t **order)
{
  uint64_t *key;

  PetscFunctionBeginUser;
  *order      = NULL;
  bool sorted = true;
  for (int64_t e = 1; e < g->m && sorted; e++) sorted = g->u[e] > g->u[e - 1] || (g->u[e] == g->u[e - 1] && g->v[e] > g->v[e - 1]);
  if (sorted) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)g->m, order));
  PetscCall(PetscMalloc1((size_t)g->m, &key));
  for (int64_t e = 0; e < g->m; e++) {
    (*order)[e] = (uint64_t)e;
    key[e]      = (uint64_t)g->v[e];
  }
  PetscCall(keys_sort_word(g->m, key, *order));
  for (int64_t i = 0; i < g->m; i++) key[i] = (uint64_t)g->u[(*order)[i]];
  PetscCall(keys_sort_word(g->m, key, *order));
  PetscCall(PetscFree(key));
  PetscFunctionReturn(0);
}

PetscErrorCode graph_adjacency(const Graph *g, Adjacency **out)
{
  Adjacency *a;
  uint64_t  *order;
  int64_t   *next;

  PetscFunctionBeginUser;
  PetscCall(sorted_order(g, &order));
  PetscCall(PetscNew(&a));
  a->n = g->n;
  PetscCall(PetscCalloc1((size_t)g->n + 1, &a->start));
  PetscCall(PetscMalloc2((size_t)g->m * 2, &a->vertex, (size_t)g->m * 2, &a->edge));
  PetscCall(PetscMalloc1((size_t)g->n + 1, &next));
  for (int64_t e = 0; e < g->m; e++) {
    a->start[g->u[e] + 1]++;
    a->start[g->v[e] + 1]++;
  }
  for (int64_t i = 0; i < g->n; i++) a->start[i + 1] += a->start[i];
  for (int64_t i = 0; i < g->n; i++) next[i] = a->start[i];
  for (int larger = 0; larger < 2; larger++) {
    for (int64_t i = 0; i < g->m; i++) {
      const int64_t e = order ? (int64_t)order[i] : i, row = larger ? g->u[e] : g->v[e], k = next[row]++;
      a->vertex[k] = larger ? g->v[e] : g->u[e];
      a->edge[k]   = e;
    }
  }
  PetscCall(PetscFree(next));
  PetscCall(PetscFree(order));
  *out = a;
  PetscFunctionReturn(0);
}

void adjacency_destroy(Adjacency **adjacency)
{
  if (!adjacency || !*adjacency) return;
  Adjacency *a = *adjacency;
  (void)PetscFree(a->start);
  (void)PetscFree2(a->vertex, a->edge);
  (void)PetscFree(a);
  *adjacency = NULL;
}
