/* SPDX-License-Identifier: BSD-2-Clause
 * What the files of experiment graph_diffusion share: graph_diffusion.c (the run), _params.c (parameters), _results.c (declarations),
 * _exact.c (exact values) and _measure.c (measures). */
#ifndef MYOPIA_GRAPH_DIFFUSION_H
#define MYOPIA_GRAPH_DIFFUSION_H

#include "graph_checkpoint.h"
#include "graph_exact.h"
#include "graph_metrics.h"
#include "graph_sampler.h"
#include "train_params.h"

enum { BOUND_TIMES = 100 }; /* t of the likelihood bound, where there are more */

typedef enum { CHAIN_NETWORK = 0, CHAIN_EXACT, CHAIN_CHECKPOINT } ChainSource;

typedef struct GraphDiffusionParams {
  TrainParams train; /* depth, width and activation of edge_mlp, optimizer, batch, shards */
  int         data, schedule, transition, noise, denoiser, loss, posterior;
  char        path[PARAM_TEXT_MAX], checkpoint[PARAM_TEXT_MAX], checkpoint_directory[PARAM_TEXT_MAX];
  IntList     cluster_sizes;
  RealList    abar;
  double      bridge_frequency, intra_frequency, lambda, omega, lambda_e, dropout;
  bool        exact_frequency, permute, node_blocks, node_id, degree, cycles, spectrum;
  int64_t     graphs, test_graphs, T, buckets, layers, dx, de, dy, heads, ff_x, ff_e, ff_y, steps, samples;
  int64_t     metric_graphs, probe_graphs, bound_graphs, recorded_graphs, strip_graphs, trace_graphs;
} GraphDiffusionParams;

/* What a sweep point works with, worked out from the parameters, a set file or a checkpoint. */
typedef struct GraphDiffusionPlan {
  GraphSetSpec     set;
  int              n, a, b, T;
  double          *abar;       /* (T + 1); owned */
  const GraphSet  *file;       /* SET_FILE: all of its graphs; of the memo */
  GraphCheckpoint *checkpoint; /* CHAIN_CHECKPOINT; owned */
  GraphTrainSpec   training;
} GraphDiffusionPlan;

/* Metrics, in the order of the table in graph_diffusion_results.c. */
enum {
  CONNECTED = 0,
  CONNECTED_EXACT,
  CONNECTED_WITHIN,
  MARGINALS_WITHIN,
  BRIDGE_RECALL,
  RSE,
  EDGES,
  EDGES_DATA,
  CROSS,
  CROSS_MANY,
  OFF_SUPPORT,
  VALID_GRAPHS,
  UNIQUE,
  NOVEL,
  VALID_UNIQUE_NOVEL,
  DEGREE_MMD,
  CLUSTERING_MMD,
  CYCLES_MMD,
  SPECTRUM_MMD,
  DEGREE_MMD_DATA,
  CLUSTERING_MMD_DATA,
  CYCLES_MMD_DATA,
  SPECTRUM_MMD_DATA,
  SIZE_DISTANCE,
  BOUND,
  BOUND_EXACT,
  PROBE_BRIDGE,
  PROBE_BRIDGE_EXACT,
  PROBE_PAIR,
  PROBE_PAIR_EXACT,
  LOGIT_ERROR,
  LOGIT_ERROR_INTRA,
  LOST_STEP,
  FINAL_LOSS,
  DATA_TIME,
  RESISTANCE_TIME,
  TRAIN_TIME,
  STEP_TIME,
  SAMPLE_TIME,
  MEASURE_TIME,
  METRICS
};

/* Arrays, in the order of their table. */
enum {
  SAMPLES = 0,
  SAMPLES_SIZE,
  SAMPLES_NODE,
  STRIP,
  STRIP_PROBABILITY,
  PAIR_FREQUENCY,
  PAIR_FREQUENCY_DATA,
  PAIR_EXACT,
  POSTERIOR_BRIDGE,
  POSTERIOR_BRIDGE_EXACT,
  TRACE_BRIDGE,
  TRACE_CONNECTED,
  LOST_AT,
  SITE,
  CLUSTER,
  SIZE_FREQUENCY,
  SET_STATISTICS,
  ARRAYS
};

/* What a perfect denoiser of this trial learns and generates; NaN and NULL where no exact value is known. */
typedef struct GraphDiffusionExact {
  double  connected;
  double *pair;  /* (pairs) generated marginals; owned */
  double  blind; /* phat of every pair at t = T of a permuted set */
  double  bound; /* nat a graph */
} GraphDiffusionExact;

/* One trial. */
typedef struct GraphDiffusionTrial {
  int64_t             row;
  uint64_t            key;
  bool                recorded;
  GraphSet           *train, *test;
  GraphSetStats       stats, test_stats;
  Transition         *transition;
  float              *theta, *average, *moments;
  uint8_t            *size, *node, *edge; /* of the samples */
  GraphSamplerRecord  record;             /* of trace_graphs graphs */
  GraphDiffusionExact exact;
} GraphDiffusionTrial;

/* One batch of trials of one sweep point. */
typedef struct GraphDiffusionJob {
  MPI_Comm                    comm;
  const GraphDiffusionParams *params;
  GraphDiffusionPlan          plan;
  const TrialBatch           *batch;
  const Watch                *watch;
  Result                     *result;
  GraphModel                  model; /* denoiser NULL: exact */
  double                     *column[METRICS];
} GraphDiffusionJob;

/* graph_diffusion_params.c */
extern const ParamSpec graph_diffusion_params[];
void                   graph_diffusion_check(const void *params, Diagnostics *);
/* The parameters of the data as a YAML flow mapping on one line, for a model's file. free() by the caller. */
char *graph_diffusion_origin(const GraphDiffusionParams *);

static inline bool graph_diffusion_trains(const GraphDiffusionParams *p) { return p->posterior == CHAIN_NETWORK; }
/* Position is visible and fixed: pair (i, j) means the same in every graph, to the data and to the model. */
bool graph_diffusion_in_place(const GraphDiffusionParams *, const GraphDiffusionPlan *);

/* In fixed order every graph has its bridges in the same places. */
bool graph_diffusion_has_sites(const GraphDiffusionParams *);
/* The optimal denoiser of these data and this loss is known. */
bool graph_diffusion_has_posterior(const GraphDiffusionParams *);

/* plan_create: a fault of the input's files is a sentence in error (256 bytes), and the parameter it is about in *parameter. */
PetscErrorCode graph_diffusion_plan_create(const GraphDiffusionParams *, GraphDiffusionPlan *, const char **parameter, char error[256]);
void           graph_diffusion_plan_destroy(GraphDiffusionPlan *);

/* graph_diffusion_results.c. put*: the first n elements of an array, where the row is recorded and the point has the array. */
PetscErrorCode graph_diffusion_declare(const GraphDiffusionParams *, int64_t every, ResultSchema *);
PetscErrorCode graph_diffusion_columns(GraphDiffusionJob *);
PetscErrorCode graph_diffusion_series(Result *, int64_t row, GraphTrainSeries *out);
PetscErrorCode graph_diffusion_put(const GraphDiffusionJob *, int64_t row, int array, int64_t n, const double *value);
PetscErrorCode graph_diffusion_put_integers(const GraphDiffusionJob *, int64_t row, int array, int64_t n, const int64_t *value);
PetscErrorCode graph_diffusion_put_bytes(const GraphDiffusionJob *, int64_t row, int array, int64_t n, const uint8_t *value);

/* graph_diffusion_exact.c */
PetscErrorCode graph_diffusion_reference(const GraphDiffusionParams *, Reference *);
PetscErrorCode graph_diffusion_exact(const GraphDiffusionJob *, GraphDiffusionTrial *);
/* Logits of the exact posterior for the sampler; to be called with posterior: exact alone. ctx stays the caller's to destroy. */
PetscErrorCode graph_diffusion_posterior_create(const GraphDiffusionJob *, const GraphDiffusionTrial *, GraphPosterior *);
void           graph_diffusion_posterior_destroy(GraphPosterior *);

/* graph_diffusion_measure.c: everything that is measured of a trial's model and samples. Collective. */
PetscErrorCode graph_diffusion_measure(GraphDiffusionJob *, GraphDiffusionTrial *, bool *stopped);

#endif
