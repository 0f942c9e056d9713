/* SPDX-License-Identifier: BSD-2-Clause
 * Training of graph denoisers: batches of noisy graphs, losses with resistance weights, data-parallel over fixed shards of the batch with a
 * reduction that gives the same bits on any number of ranks, and the gradient-starvation statistics of bridge, intra-cluster and non-edge
 * terms along it. */
#ifndef MYOPIA_GRAPH_TRAIN_H
#define MYOPIA_GRAPH_TRAIN_H

#include <mpi.h>
#include <petscsys.h>

#include "denoiser.h"
#include "graph_features.h"
#include "graph_set.h"
#include "optimizer.h"
#include "transition.h"
#include "watch.h"

typedef enum { LOSS_STANDARD = 0, LOSS_EDGE_WEIGHTED, LOSS_GRAPH_WEIGHTED, LOSS_CLASS_WEIGHTED } GraphLoss;
extern const char *const graph_loss_names[]; /* standard, edge_weighted, graph_weighted, class_weighted, NULL */

/* sum_i CE(x_i) + lambda_E sum_{i<j} w_ij CE(e_ij), mean over the batch:
 *   edge_weighted: w = 1 + lambda R_eff(e) on edges present in the clean graph, else 1
 *   graph_weighted: the whole loss of a graph times W(G) = 1 + lambda max R_eff over its bridge-class edges (1 without)
 *   class_weighted: w = omega on present edges */
typedef struct GraphLossSpec {
  GraphLoss kind;
  double    lambda, omega, lambda_e;
} GraphLossSpec;

/* Weights of one clean graph's terms: node (n) or NULL, edge (pairs). */
void graph_loss_weights(const GraphLossSpec *, const GraphSet *, int64_t graph, float *node, float *edge);

/* Classes of edge terms. */
enum { TERMS_BRIDGE = 0, TERMS_INTRA, TERMS_NONE, TERM_CLASSES, TRAIN_GRAPH_BUCKETS = 4, PROBE_TIMES = 4 };

typedef struct GraphTrainSpec {
  DenoiserSpec  denoiser;
  unsigned      features; /* of graph_features.h, transformer; edge_mlp always has its own */
  OptimizerSpec optimizer;
  GraphLossSpec loss;
  EdgeNoise     noise;
  int64_t       steps;
  int           batch;  /* 0: every graph of the set once a step (each with its own t and noise) */
  int           shards; /* a power of two; 0: graph_train_default_shards */
} GraphTrainSpec;

/* One sentence when denoiser, features, batch or shards do not fit together (batch: graphs a step, as graph_train_batch gives it), else
 * NULL. */
const char *graph_train_check(const GraphTrainSpec *, int batch, char message[256]);
int         graph_train_batch(const GraphTrainSpec *, int64_t graphs); /* graphs a step */
int         graph_train_default_shards(const GraphTrainSpec *, int64_t graphs);
/* Recorded states R: before the updates of steps 0, every, 2 every, ... < steps, and the last one, after all updates (step = steps). 0
 * when every is 0. */
int64_t graph_train_recorded(int64_t steps, int64_t every);

/* Of one recorded trial; NULL members are not recorded. (R) rows, row-major. Statistics of starvation.h of the gradient on the batch of
 * that step before its update (of the last state: on the batch that would come next); classes in the order of TERMS_*. What a failed trial
 * did not reach is NaN; a continuation leaves rows before its first step as they are. */
typedef struct GraphTrainSeries {
  int64_t *step;                               /* (R) */
  double  *loss, *rate, *gradient_norm;        /* (R) */
  double  *mean, *norm, *share, *snr, *cosine; /* (R, TERM_CLASSES) all parameters */
  double  *share_part;                         /* (R, TERM_CLASSES, parts) share of a class within each part of the parameters */
  double  *share_time;                         /* (R, TERM_CLASSES, TRAIN_GRAPH_BUCKETS) share within each quarter of t */
  double  *index;                              /* (R, TERM_CLASSES) starvation index = share / importance: the class's sum of R_e / (n -
                                                * components), mean over the training set; NaN for TERMS_NONE, and without resistances */
  double  *probe;                              /* (R, TERM_CLASSES, PROBE_TIMES) mean phat of an edge, see graph_probe */
} GraphTrainSeries;

typedef struct GraphTrainTrial {
  uint64_t          key;
  const GraphSet   *set; /* with resistances where the loss or the series wants them */
  const Transition *transition;
  float            *theta;      /* (P) in: initial parameters when `given`; out: final ones */
  float            *average;    /* (P) out: EMA; NULL when optimizer.average = 0 */
  float            *moments;    /* (optimizer_moments, P) out: state of the optimizer; in when `first_step` > 0; NULL: not wanted */
  int64_t           first_step; /* steps already done: a continuation is bitwise the uninterrupted run; needs given, average, moments */
  bool              given;
  GraphTrainSeries *series;          /* NULL: not recorded */
  double            final_loss;      /* out: mean loss of the last up to 100 steps of this call; NaN without one */
  double            seconds_forward; /* out: clock of all steps, without recording */
  double            seconds_weights; /* out: clock of the preparation of weights (R_eff is the caller's) */
  int64_t           failed_step;     /* out: -1, or the first step whose loss was not finite */
  int64_t           done_steps;      /* out: updates made, all calls together: where a stopped trial goes on */
} GraphTrainTrial;

/* Trains one trial. Collective on comm (ranks <= shards); outputs are the same on all ranks and, to the bit, on any number of them.
 * Batches: an epoch is floor(graphs / batch) steps through a permutation of the set keyed by (key, epoch) (batch > graphs: indices drawn
 * independently); t uniform on 1..T; every sample a function of (key, step, place in the batch) alone. After a stop the outputs are the
 * state after done_steps updates: a continuation with first_step = done_steps is bitwise the uninterrupted run. */
PetscErrorCode graph_train_run(MPI_Comm comm, const GraphTrainSpec *, int64_t every, GraphTrainTrial *trial, const Watch *, bool *stopped);

/* A denoiser with its features, ready to answer: loaded. */
typedef struct GraphModel {
  Denoiser         *denoiser;
  unsigned          features;
  const Transition *transition;
} GraphModel;

/* Logits of `count` noisy graphs: features are computed here. node (count, n), edge (count, pairs) as in a GraphSet with this n; size, t
 * (count). node_logit (count, n, a) or NULL, edge_logit (count, pairs, b). */
typedef struct GraphScratch GraphScratch; /* feature arrays of up to `count` graphs */
PetscErrorCode              graph_scratch_create(const GraphModel *, int count, GraphScratch **);
void                        graph_scratch_destroy(GraphScratch **);
PetscErrorCode graph_model_logits(const GraphModel *, GraphScratch *, int count, const uint8_t *size, const int *t, const uint8_t *node,
                                  const uint8_t *edge, float *node_logit, float *edge_logit);

/* What was learned, asked of noisy graphs at t made from the first `graphs` graphs of a set with noise of (key, t): mean phat of an edge
 * over
 *   TERMS_BRIDGE: bridge sites (GraphSet.site; without sites: bridge-class edges present in the clean graph),
 *   TERMS_INTRA: other pairs with an edge in the clean graph, TERMS_NONE: the rest.
 * present: NULL, or (2): of bridge sites whose bridge is there, and is not; NaN where a class is empty. Collective, the same on any
 * number of ranks. */
PetscErrorCode graph_probe(MPI_Comm, const GraphModel *, const GraphSet *, uint64_t key, int t, int64_t graphs, double out[TERM_CLASSES],
                           double *present);
/* PROBE_TIMES times of GraphTrainSeries.probe: T, 3T/4, T/2, T/4 (rounded, >= 1). */
void graph_probe_times(int T, int t[PROBE_TIMES]);
/* phat of an edge of every pair at t, mean over `graphs` graphs of the limit law: at t = T what was learned of the pair without looking.
 * All have n vertices. out (pairs). Collective, the same on any number of ranks. */
PetscErrorCode graph_probe_pairs(MPI_Comm, const GraphModel *, int n, uint64_t key, int t, int64_t graphs, double *out);
/* Mean negative log-likelihood bound [nat a graph] of the first `graphs` graphs of a set, prior term included: one noisy graph of each
 * graph and t, all t for T <= `times`; else t = 1 and one t from each of times - 1 equal strata of 2 .. T, drawn for each graph, weighted
 * by the stratum's size: the same expectation. Infinite where a term is. Collective, the same on any number of ranks. */
PetscErrorCode graph_bound(MPI_Comm, const GraphModel *, const GraphSet *, uint64_t key, int64_t graphs, int times, double *nll);

#endif
