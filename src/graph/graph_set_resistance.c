/* SPDX-License-Identifier: BSD-2-Clause
 * Effective resistances of the edges of many small graphs, each by the dense method of resistance.h, component by component. A bridge has
 * R = 1; any other edge of a graph on n vertices has a way around of at most n - 1 edges, R <= (n - 1) / n: what lies between is round-off,
 * and bridges are made 1 exactly. */
#include "graph_set.h"
#include "resistance.h"

enum { PAIRS_MAX = SET_NODES_MAX * (SET_NODES_MAX - 1) / 2 };

static PetscErrorCode graph_of(int n, const uint8_t *edge, Graph **out)
{
  int64_t u[PAIRS_MAX], v[PAIRS_MAX], m = 0;

  PetscFunctionBeginUser;
  for (int j = 1; j < n; j++)
    for (int i = 0; i < j; i++) {
      if (!edge[pair_index(i, j)]) continue;
      u[m]   = i;
      v[m++] = j;
    }
  PetscCall(graph_create(n, m, u, v, NULL, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode resistances_of(int n, const uint8_t *edge, double *out)
{
  double r[PAIRS_MAX];
  Graph *graph;

  PetscFunctionBeginUser;
  PetscCall(graph_of(n, edge, &graph));
  const PetscErrorCode failed = resistance_edges(graph, r);
  for (int64_t e = 0; !failed && e < graph->m; e++)
    out[pair_index((int)graph->u[e], (int)graph->v[e])] = r[e] > 1 - 0.5 / SET_NODES_MAX ? 1 : r[e];
  graph_destroy(&graph);
  PetscCall(failed);
  PetscFunctionReturn(0);
}

PetscErrorCode graph_set_resistance(GraphSet *s)
{
  PetscFunctionBeginUser;
  if (s->resistance) PetscFunctionReturn(0);
  PetscCall(PetscCalloc1((size_t)(s->count * s->pairs), &s->resistance));
  for (int64_t g = 0; g < s->count; g++) PetscCall(resistances_of(s->size[g], s->edge + g * s->pairs, s->resistance + g * s->pairs));
  PetscFunctionReturn(0);
}
