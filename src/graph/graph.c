/* SPDX-License-Identifier: BSD-2-Clause
 * The graph container: checks and copies an edge list, and finds connected components by union-find with path halving (Tarjan and van
 * Leeuwen, J. ACM 31 (1984) 245), linking the larger root to the smaller so that a component's root is its smallest vertex.
 * Repeated edges are found by a linear scan when edges are sorted, else by a radix sort. Adjacency lists are in adjacency.c. */
#include "graph.h"

#include <math.h>

#include "edge_list.h"

static PetscErrorCode check_edges(int64_t n, int64_t m, const int64_t *u, const int64_t *v, const double *weight)
{
  PetscFunctionBeginUser;
  for (int64_t e = 0; e < m; e++) {
    PetscCheck(u[e] >= 0 && u[e] < n && v[e] >= 0 && v[e] < n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "edge %lld joins %lld and %lld: vertices are 0 to %lld", (long long)e, (long long)u[e], (long long)v[e], (long long)n - 1);
    PetscCheck(u[e] != v[e], PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "edge %lld is a self-loop at vertex %lld", (long long)e,
               (long long)u[e]);
    PetscCheck(!weight || (isfinite(weight[e]) && weight[e] > 0), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "edge %lld has weight %g: it must be finite and positive", (long long)e, weight[e]);
  }
  PetscFunctionReturn(0);
}

/* Strictly ascending edges, as every generator and reader makes them, repeat nothing. */
static bool is_sorted(const Graph *g)
{
  for (int64_t e = 1; e < g->m; e++)
    if (g->u[e] < g->u[e - 1] || (g->u[e] == g->u[e - 1] && g->v[e] <= g->v[e - 1])) return false;
  return true;
}

/* The sort is stable, so the second of two equal neighbours is the later edge. Beyond 2^32 vertices two stable sorts by whole words. */
static PetscErrorCode find_repeated(const Graph *g, int64_t *twice)
{
  uint64_t *key, *edge;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)g->m, &key, (size_t)g->m, &edge));
  const bool packed = g->n <= EDGE_LIST_VERTICES;
  for (int64_t e = 0; e < g->m; e++) {
    key[e]  = packed ? edge_key(g->u[e], g->v[e]) : (uint64_t)g->v[e];
    edge[e] = (uint64_t)e;
  }
  PetscCall(keys_sort_word(g->m, key, edge));
  for (int64_t i = 0; !packed && i < g->m; i++) key[i] = (uint64_t)g->u[edge[i]];
  if (!packed) PetscCall(keys_sort_word(g->m, key, edge));
  *twice = -1;
  for (int64_t i = 1; i < g->m && *twice < 0; i++)
    if (key[i] == key[i - 1] && g->v[edge[i]] == g->v[edge[i - 1]]) *twice = (int64_t)edge[i];
  PetscCall(PetscFree2(key, edge));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_duplicates(const Graph *g)
{
  int64_t twice;

  PetscFunctionBeginUser;
  if (is_sorted(g)) PetscFunctionReturn(0);
  PetscCall(find_repeated(g, &twice));
  PetscCheck(twice < 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "edge %lld repeats an earlier edge between %lld and %lld",
             (long long)twice, (long long)g->u[twice], (long long)g->v[twice]);
  PetscFunctionReturn(0);
}

PetscErrorCode graph_create(int64_t n, int64_t m, const int64_t *u, const int64_t *v, const double *weight, Graph **out)
{
  Graph *g;

  PetscFunctionBeginUser;
  PetscCheck(n >= 0 && m >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a graph of %lld vertices and %lld edges", (long long)n,
             (long long)m);
  PetscCall(check_edges(n, m, u, v, weight));
  PetscCall(graph_allocate(n, m, weight != NULL, &g));
  for (int64_t e = 0; e < m; e++) {
    g->u[e] = u[e] < v[e] ? u[e] : v[e];
    g->v[e] = u[e] < v[e] ? v[e] : u[e];
  }
  for (int64_t e = 0; weight && e < m; e++) g->weight[e] = weight[e];
  const PetscErrorCode duplicate = check_duplicates(g);
  if (duplicate) graph_destroy(&g);
  PetscCall(duplicate);
  *out = g;
  PetscFunctionReturn(0);
}

void graph_destroy(Graph **graph)
{
  if (!graph || !*graph) return;
  Graph *g = *graph;
  (void)PetscFree2(g->u, g->v);
  (void)PetscFree(g->weight);
  (void)PetscFree(g);
  *graph = NULL;
}

double graph_weight(const Graph *g, int64_t edge) { return g->weight ? g->weight[edge] : 1.0; }

/* Path halving: every second vertex on the way is hung from its grandparent. */
static int64_t find_root(int64_t *parent, int64_t x)
{
  while (parent[x] != x) {
    parent[x] = parent[parent[x]];
    x         = parent[x];
  }
  return x;
}

int64_t graph_components(const Graph *g, const uint8_t *keep, int64_t *component)
{
  for (int64_t i = 0; i < g->n; i++) component[i] = i;
  for (int64_t e = 0; e < g->m; e++) {
    if (keep && !keep[e]) continue;
    const int64_t a = find_root(component, g->u[e]), b = find_root(component, g->v[e]);
    if (a < b) component[b] = a;
    if (b < a) component[a] = b;
  }
  /* A parent is never larger than its child, so one ascending pass turns parents into numbers in place. */
  int64_t count = 0;
  for (int64_t i = 0; i < g->n; i++) {
    const bool root = component[i] == i;
    component[i]    = root ? count : component[component[i]];
    count += root;
  }
  return count;
}
