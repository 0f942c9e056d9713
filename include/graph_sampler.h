/* SPDX-License-Identifier: BSD-2-Clause
 * The reverse chain of discrete graph diffusion: graphs from a denoiser, or from an exact posterior, shared out over ranks. */
#ifndef MYOPIA_GRAPH_SAMPLER_H
#define MYOPIA_GRAPH_SAMPLER_H

#include "graph_train.h"

/* What the chain is fed with instead of a denoiser: edge logits of one graph (pairs, b) from its noisy edges at t. */
typedef struct GraphPosterior {
  void (*logits)(void *ctx, int t, int n, const uint8_t *node, const uint8_t *edge, float *node_logit, float *edge_logit);
  void *ctx;
} GraphPosterior;

/* What is kept of graphs [0, graphs): NULL members are not. */
typedef struct GraphSamplerRecord {
  int64_t  graphs;
  uint8_t *edge;        /* (graphs, T + 1, pairs): G_T first, G_0 last */
  float   *probability; /* (graphs, T, pairs): phat of an edge at t = T .. 1 */
} GraphSamplerRecord;

/* `count` graphs: size (count) drawn from size_frequency (model n + 1 entries, of the training set), node (count, n), edge (count, pairs),
 * all with the model's n. Graph i is a function of (key, i) and the model alone: the same on any number of ranks. Collective on comm; the
 * outputs are the same on all its ranks. posterior: NULL, or used instead of model->denoiser. */
PetscErrorCode graph_sampler_run(MPI_Comm, const GraphModel *, const GraphPosterior *posterior, int n, const double *size_frequency,
                                 uint64_t key, int64_t count, const GraphSamplerRecord *, uint8_t *size, uint8_t *node, uint8_t *edge,
                                 const Watch *, bool *stopped);

#endif
