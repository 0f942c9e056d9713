/* SPDX-License-Identifier: BSD-2-Clause
 * Weights of the terms of a graph denoiser's loss: resistance-weighted edges, whole graphs weighted by their worst bridge, and present
 * edges weighted alike; and what the classes of terms are worth by their resistance (Foster 1949: the resistances of all edges sum to n -
 * components). Resistances are the caller's. */
#include <math.h>
#include <stdlib.h>

#include "graph_train_private.h"

const char *const graph_loss_names[] = {"standard", "edge_weighted", "graph_weighted", "class_weighted", NULL};

/* W(G) = 1 + lambda max R over edges of the bridge class. */
static double graph_factor(const GraphLossSpec *spec, const GraphSet *set, int64_t graph)
{
  double most = 0;
  if (spec->kind != LOSS_GRAPH_WEIGHTED) return 1;
  for (int p = 0; p < set->pairs; p++)
    if (graph_term(set, graph, p) == TERMS_BRIDGE) most = fmax(most, set->resistance[graph * set->pairs + p]);
  return 1 + spec->lambda * most;
}

static double edge_factor(const GraphLossSpec *spec, const GraphSet *set, int64_t at)
{
  if (set->edge[at] == 0) return 1;
  if (spec->kind == LOSS_EDGE_WEIGHTED) return 1 + spec->lambda * set->resistance[at];
  return spec->kind == LOSS_CLASS_WEIGHTED ? spec->omega : 1;
}

void graph_loss_weights(const GraphLossSpec *spec, const GraphSet *set, int64_t graph, float *node, float *edge)
{
  const double whole = graph_factor(spec, set, graph);
  for (int i = 0; node && i < set->n; i++) node[i] = (float)whole;
  for (int p = 0; p < set->pairs; p++) edge[p] = (float)(spec->lambda_e * whole * edge_factor(spec, set, graph * set->pairs + p));
}

PetscErrorCode loss_weights_create(const GraphLossSpec *spec, const GraphSet *set, LossWeights *out)
{
  const bool    alike = spec->kind == LOSS_STANDARD, nodes = set->a > 1;
  const bool    nodes_alike = spec->kind != LOSS_GRAPH_WEIGHTED;
  const int64_t rows = alike ? 1 : set->count, node_rows = !nodes ? 0 : nodes_alike ? 1 : set->count;

  PetscFunctionBeginUser;
  *out = (LossWeights){.node_step = nodes_alike ? 0 : set->n, .edge_step = alike ? 0 : set->pairs};
  PetscCall(train_floats(rows * set->pairs, &out->edge));
  if (nodes) PetscCall(train_floats(node_rows * set->n, &out->node));
  for (int64_t i = 0; i < rows; i++)
    graph_loss_weights(spec, set, i, nodes && i < node_rows ? out->node + i * set->n : NULL, out->edge + i * set->pairs);
  PetscFunctionReturn(0);
}

void loss_weights_destroy(LossWeights *weights)
{
  free(weights->node);
  free(weights->edge);
  *weights = (LossWeights){0};
}

/* Shares of one graph's classes; nothing without edges. */
static void add_importance(const GraphSet *set, int64_t graph, double out[TERM_CLASSES])
{
  const int     n = set->size[graph];
  const double *r = set->resistance + graph * set->pairs;
  uint64_t      adjacency[SET_NODES_MAX];
  masks_of_edges(n, set->edge + graph * set->pairs, adjacency);
  const int total = n - masks_components(n, adjacency, NULL);
  if (total <= 0) return;
  for (int p = 0; p < pair_count(n); p++) out[graph_term(set, graph, p)] += r[p] / total;
}

void graph_importance(const GraphSet *set, double out[TERM_CLASSES])
{
  for (int c = 0; c < TERM_CLASSES; c++) out[c] = set->resistance ? 0 : NAN;
  out[TERMS_NONE] = NAN;
  if (!set->resistance) return;
  for (int64_t i = 0; i < set->count; i++) add_importance(set, i, out);
  for (int c = 0; c < TERM_CLASSES; c++) out[c] /= (double)set->count;
}
