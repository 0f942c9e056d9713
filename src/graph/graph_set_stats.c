/* SPDX-License-Identifier: BSD-2-Clause
 * Statistics of a set of graphs: what is stored beside it, and what exact references are computed from. */
#include "graph_features.h"
#include "graph_set.h"

#include <math.h>

static void count_graph(const GraphSet *s, int64_t g, GraphSetStats *out)
{
  const int            k    = s->size[g];
  const uint8_t *const node = s->node + g * s->n, *const edge = s->edge + g * s->pairs, *const bridge = s->bridge + g * s->pairs;
  uint64_t adjacency[SET_NODES_MAX];
  masks_of_edges(k, edge, adjacency);
  const int components = masks_components(k, adjacency, NULL);
  out->mean_components += components;
  out->connected += components == 1;
  out->mean_nodes += k;
  out->size_frequency[k]++;
  for (int i = 0; i < k; i++) out->node_marginal[node[i]]++;
  for (int e = 0; e < pair_count(k); e++) {
    out->edge_marginal[edge[e]]++;
    out->mean_bridges += bridge[e];
    out->mean_edges += edge[e] > 0;
    out->pair_frequency[e] += edge[e] > 0;
    if (s->resistance && edge[e]) out->pair_excess[e] += s->resistance[g * s->pairs + e];
  }
}

static void divide(int64_t n, double *x, double by)
{
  for (int64_t i = 0; i < n; i++) x[i] /= by;
}

/* Pair e of a vertex j > i is there in graphs of more than j vertices. */
static void divide_pairs(const GraphSet *s, GraphSetStats *out)
{
  double with = (double)s->count;
  for (int j = 0, e = 0; j < s->n; j++) {
    with -= out->size_frequency[j];
    for (int i = 0; i < j; i++, e++) {
      if (out->pair_excess && out->pair_frequency[e] > 0) out->pair_excess[e] /= out->pair_frequency[e];
      out->pair_frequency[e] = with > 0 ? out->pair_frequency[e] / with : NAN;
    }
  }
}

PetscErrorCode graph_set_stats(const GraphSet *s, GraphSetStats *out)
{
  PetscFunctionBeginUser;
  *out = (GraphSetStats){0};
  PetscCall(PetscCalloc1((size_t)s->pairs, &out->pair_frequency));
  if (s->resistance) PetscCall(PetscCalloc1((size_t)s->pairs, &out->pair_excess));
  PetscCall(PetscCalloc1((size_t)s->a, &out->node_marginal));
  PetscCall(PetscCalloc1((size_t)s->b, &out->edge_marginal));
  PetscCall(PetscCalloc1((size_t)s->n + 1, &out->size_frequency));
  for (int64_t g = 0; g < s->count; g++) count_graph(s, g, out);
  double nodes = 0, pairs = 0;
  for (int x = 0; x < s->a; x++) nodes += out->node_marginal[x];
  for (int x = 0; x < s->b; x++) pairs += out->edge_marginal[x];
  divide(s->a, out->node_marginal, nodes);
  divide(s->b, out->edge_marginal, pairs);
  divide_pairs(s, out);
  divide(s->n + 1, out->size_frequency, (double)s->count);
  double *const mean[] = {&out->mean_edges, &out->mean_components, &out->connected, &out->mean_bridges, &out->mean_nodes};
  for (size_t k = 0; k < sizeof mean / sizeof *mean; k++) *mean[k] /= (double)s->count;
  PetscFunctionReturn(0);
}

void graph_set_stats_clear(GraphSetStats *stats)
{
  (void)PetscFree(stats->pair_frequency);
  (void)PetscFree(stats->pair_excess);
  (void)PetscFree(stats->node_marginal);
  (void)PetscFree(stats->edge_marginal);
  (void)PetscFree(stats->size_frequency);
}
