/* SPDX-License-Identifier: BSD-2-Clause
 * Statistics of single graphs: connectivity, edges, cross edges, algebraic connectivity (lambda2_lanes of spectrum.h, eight graphs of one
 * size at a time). Laws of statistics are compared in graph_distances.c. */
#include "graph_features.h"
#include "graph_sample.h"
#include "isa.h"
#include "spectrum.h"

GraphSample graph_sample_of(const GraphSet *set)
{
  return (GraphSample){.n = set->n, .count = set->count, .size = set->size, .node = set->node, .edge = set->edge};
}

int sample_masks(const GraphSample *s, int64_t graph, uint64_t adjacency[SET_NODES_MAX])
{
  const int n = s->size[graph];
  masks_of_edges(n, sample_edges(s, graph), adjacency);
  return n;
}

uint64_t masks_reached(const uint64_t *adjacency, uint64_t within, int from)
{
  uint64_t seen = set_one(from), front = seen;
  while (front) {
    uint64_t next = 0;
    int      i;
    EACH_OF(i, left, front) next |= adjacency[i];
    front = next & within & ~seen;
    seen |= front;
  }
  return seen;
}

void graphs_connected(const GraphSample *s, uint8_t *connected)
{
  uint64_t adjacency[SET_NODES_MAX];
  for (int64_t g = 0; g < s->count; g++) {
    const int n  = sample_masks(s, g, adjacency);
    connected[g] = masks_connected(n, adjacency);
  }
}

void graphs_edges(const GraphSample *s, int32_t *edges)
{
  for (int64_t g = 0; g < s->count; g++) {
    const uint8_t *const edge = sample_edges(s, g);
    int32_t              sum  = 0;
    for (int k = 0; k < pair_count(s->size[g]); k++) sum += edge[k] > 0;
    edges[g] = sum;
  }
}

void graphs_cross(const GraphSample *s, const uint8_t *cluster, int32_t *cross)
{
  for (int64_t g = 0; g < s->count; g++) {
    const uint8_t *edge = sample_edges(s, g);
    int32_t        sum  = 0;
    for (int j = 1; j < s->size[g]; edge += j++)
      for (int i = 0; i < j; i++) sum += edge[i] > 0 && cluster[i] != cluster[j];
    cross[g] = sum;
  }
}

typedef struct Lanes {
  int      used;
  int64_t  graph[LAMBDA2_LANES];
  uint64_t adjacency[SET_NODES_MAX * LAMBDA2_LANES];
} Lanes;

static void flush_lanes(Lanes *lanes, int n, double *lambda2)
{
  double value[LAMBDA2_LANES];
  if (lanes->used == 0) return;
  for (int i = 0; i < n; i++)
    for (int l = lanes->used; l < LAMBDA2_LANES; l++) lanes->adjacency[i * LAMBDA2_LANES + l] = lanes->adjacency[i * LAMBDA2_LANES];
  lambda2_lanes(isa_level(), n, lanes->adjacency, value);
  for (int l = 0; l < lanes->used; l++) lambda2[lanes->graph[l]] = value[l];
  lanes->used = 0;
}

static void add_lane(Lanes *lanes, int64_t graph, int n, const uint64_t *adjacency, double *lambda2)
{
  for (int i = 0; i < n; i++) lanes->adjacency[i * LAMBDA2_LANES + lanes->used] = adjacency[i];
  lanes->graph[lanes->used++] = graph;
  if (lanes->used == LAMBDA2_LANES) flush_lanes(lanes, n, lambda2);
}

PetscErrorCode graphs_lambda2(const GraphSample *s, double *lambda2)
{
  Lanes   *lanes; /* of every size */
  uint64_t adjacency[SET_NODES_MAX];
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(SET_NODES_MAX + 1, &lanes));
  for (int64_t g = 0; g < s->count; g++) {
    const int n = sample_masks(s, g, adjacency);
    lambda2[g]  = 0;
    if (n > 1 && masks_connected(n, adjacency)) add_lane(&lanes[n], g, n, adjacency, lambda2);
  }
  for (int n = 2; n <= SET_NODES_MAX; n++) flush_lanes(&lanes[n], n, lambda2);
  PetscCall(PetscFree(lanes));
  PetscFunctionReturn(0);
}
