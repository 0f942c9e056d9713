/* SPDX-License-Identifier: BSD-2-Clause
 * What the parts of training graph denoisers share: weights of loss terms, feature arrays, shards of a batch, the recorder of class
 * gradients, sums over graphs, and the slow reference. */
#ifndef MYOPIA_GRAPH_TRAIN_PRIVATE_H
#define MYOPIA_GRAPH_TRAIN_PRIVATE_H

#include "graph_train.h"
#include "train_private.h"

/* Weights of all graphs of a set: those of graph i at node + i * node_step and edge + i * edge_step. A step of 0: one row for all. node
 * NULL where a = 1. */
typedef struct LossWeights {
  float  *node, *edge;
  int64_t node_step, edge_step;
} LossWeights;
PetscErrorCode loss_weights_create(const GraphLossSpec *, const GraphSet *, LossWeights *out);
void           loss_weights_destroy(LossWeights *);

/* Class of a pair of a clean graph: TERMS_*. */
static inline int graph_term(const GraphSet *set, int64_t graph, int pair)
{
  const int64_t at = graph * set->pairs + pair;
  return set->edge[at] == 0 ? TERMS_NONE : set->bridge[at] ? TERMS_BRIDGE : TERMS_INTRA;
}
/* Mean over the set of the class's share in the sum of all resistances; NaN of TERMS_NONE, and everywhere without resistances. */
void graph_importance(const GraphSet *, double out[TERM_CLASSES]);

/* Features of up to `capacity` graphs. */
typedef struct GraphRoom {
  DenoiserKind kind;
  unsigned     flags;
  int          n, node, pair, graph; /* vertices of the largest graph; features of a vertex, a pair, a graph */
  float       *node_features, *pair_features, *graph_features;
  double      *work;
} GraphRoom;
PetscErrorCode graph_room_create(const DenoiserSpec *, unsigned flags, int capacity, GraphRoom *out);
void           graph_room_destroy(GraphRoom *);
PetscErrorCode graph_room_fill(const GraphRoom *, int k, DenoiserGraph *); /* features of g->edge into row k; sets g's pointers */

/* One call of graph_train_run. */
typedef struct GraphJob {
  MPI_Comm              comm;
  const GraphTrainSpec *spec;
  GraphTrainTrial      *trial;
  IsaLevel              isa;
  int                   shards, batch, step_bits; /* a sample's number: step * 2^step_bits + place */
  int64_t               parameters, padded;       /* P, and rounded up to 16 */
  int64_t               every;
  double                scale; /* of the loss: 1 / batch */
  LossWeights           weights;
  int64_t               epoch; /* that `order` (count) is of; -1: none yet */
  int32_t              *order;
  TrainPace             pace;
} GraphJob;

/* Which graph is at a place of a step's batch. */
PetscErrorCode     graph_order_create(GraphJob *);
void               graph_order_destroy(GraphJob *);
void               graph_order_load(GraphJob *, int64_t step); /* before graph_batch_draw of this step */
static inline int  graph_place(const GraphJob *job, int s) { return (int)((int64_t)s * job->batch / job->shards); }
static inline int  graph_widest(const GraphJob *job) { return (job->batch + job->shards - 1) / job->shards; }
static inline bool graph_independent(const GraphJob *job) { return job->spec->batch > 0 && job->batch > job->trial->set->count; }

/* The noisy graphs of one shard. */
typedef struct GraphBatch {
  int             count;
  int64_t        *graph;       /* numbers in the set */
  uint8_t        *node, *edge; /* noisy */
  GraphRoom       room;
  DenoiserGraph  *input;
  DenoiserTarget *target;
} GraphBatch;
PetscErrorCode graph_batch_create(const GraphJob *, GraphBatch *out); /* of the widest shard */
void           graph_batch_destroy(GraphBatch *);
PetscErrorCode graph_batch_draw(const GraphJob *, int64_t step, int shard, GraphBatch *);

/* Statistics of class gradients. Reads a loaded denoiser, changes nothing of the training. */
typedef struct GraphRecorder GraphRecorder;
/* reduce: of all shards, for P floats and TERM_CLASSES * TRAIN_GRAPH_BUCKETS doubles at least; borrowed, as is row (shards of this rank,
 * P), which is overwritten. */
PetscErrorCode graph_recorder_create(const GraphJob *, Reduce *, float **row, GraphRecorder **out);
void           graph_recorder_destroy(GraphRecorder **);
/* Classes and probes of `step` at the loaded parameters: row k of the series. Collective. */
PetscErrorCode graph_record(GraphRecorder *, Denoiser *, int64_t step, int64_t k);
void           graph_series_clear(const GraphJob *);          /* rows from the first step on */
TrainSeries    graph_series_common(const GraphTrainSeries *); /* what both engines' series have in common */

/* Sums over graphs 0 .. graphs - 1 in blocks that do not depend on the ranks: block() adds graphs [first, last) to sum (width), zero
 * before. out (width), the same on all ranks. */
typedef PetscErrorCode GraphBlock(void *ctx, int64_t first, int64_t last, double *sum);
PetscErrorCode         graph_sum_blocks(MPI_Comm, int64_t graphs, int64_t width, GraphBlock *, void *ctx, double *out);

/* graph_train_run on a level. */
PetscErrorCode graph_train_run_on(MPI_Comm, IsaLevel, const GraphTrainSpec *, int64_t every, GraphTrainTrial *, const Watch *,
                                  bool *stopped);

/* The slow reference: plain loops in float64 (denoiser_reference, optimizer_step_reference), every graph on its own, no shards. The same
 * samples; no series. loss (steps), may be NULL. */
PetscErrorCode graph_train_reference(const GraphTrainSpec *, GraphTrainTrial *, double *loss);

#endif
