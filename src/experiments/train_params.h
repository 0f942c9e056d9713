/* SPDX-License-Identifier: BSD-2-Clause
 * What the experiments that train networks share: the parameters of network, optimizer and batch, the series of a recorded training, and
 * clouds of samples drawn by all ranks of a trial. An experiment embeds a TrainParams as field `train` and lists TRAIN_PARAMS in its
 * table. */
#ifndef MYOPIA_TRAIN_PARAMS_H
#define MYOPIA_TRAIN_PARAMS_H

#include "experiment.h"
#include "sampler.h"
#include "train.h"

typedef struct TrainParams {
  int64_t depth, width, fourier, rate_every, batch, shards;
  int     activation, time_feature, init, optimizer, rate, classes;
  double  learning_rate, momentum, beta1, beta2, decay, rate_factor, clip, average;
} TrainParams;

/* Rows of a ParamSpec table: name, type, field, default, min, max, flags, unit, choices, used with, its values, help. GATE, VALUES: the
 * parameter and its values for which something is trained at all; NULL, NULL: always. MIN:
 * the smallest depth and width. */
/* clang-format off */
#define TRAIN_ROW(P, name, type, field, fallback, min, max, flags, unit, choices, gate, values, help) \
  {name, type, offsetof(P, train.field), fallback, min, max, flags, unit, choices, gate, values, help}
/* Rows of the optimizer alone. RATE, COURSE: the defaults of the learning rate and of its course. */
#define OPTIMIZER_PARAMS(P, GATE, VALUES, RATE, COURSE) \
  TRAIN_ROW(P, "optimizer", PARAM_CHOICE, optimizer, "adam", 0, 0, 0, "1", optimizer_names, GATE, VALUES, "as in torch.optim"), \
  TRAIN_ROW(P, "learning_rate", PARAM_REAL, learning_rate, RATE, 0, 1e30, PARAM_OPEN_MIN, "1", NULL, GATE, VALUES, \
            "initial step size"), \
  TRAIN_ROW(P, "momentum", PARAM_REAL, momentum, "0", 0, 1, PARAM_OPEN_MAX, "1", NULL, "optimizer", "sgd", "of SGD"), \
  TRAIN_ROW(P, "beta1", PARAM_REAL, beta1, "0.9", 0, 1, PARAM_OPEN_MAX, "1", NULL, "optimizer", "adam|adamw", \
            "decay of the first moment"), \
  TRAIN_ROW(P, "beta2", PARAM_REAL, beta2, "0.999", 0, 1, PARAM_OPEN_MAX, "1", NULL, "optimizer", "adam|adamw", \
            "decay of the second moment"), \
  TRAIN_ROW(P, "weight_decay", PARAM_REAL, decay, "0", 0, 1e6, 0, "1", NULL, GATE, VALUES, \
            "L2 in sgd and adam, decoupled in adamw"), \
  TRAIN_ROW(P, "rate", PARAM_CHOICE, rate, COURSE, 0, 0, 0, "1", rate_names, GATE, VALUES, "course of the learning rate"), \
  TRAIN_ROW(P, "rate_factor", PARAM_REAL, rate_factor, "0.1", 0, 1, 0, "1", NULL, "rate", "cosine|step", \
            "cosine: final fraction of the learning rate; step: factor of each step down"), \
  TRAIN_ROW(P, "rate_every", PARAM_INT, rate_every, "1000", 1, 1e12, 0, "steps", NULL, "rate", "step", \
            "training steps between two steps down"), \
  TRAIN_ROW(P, "clip", PARAM_REAL, clip, "0", 0, 1e30, 0, "1", NULL, GATE, VALUES, "largest norm of the gradient; 0: no clipping"), \
  TRAIN_ROW(P, "average", PARAM_REAL, average, "0", 0, 1, PARAM_OPEN_MAX, "1", NULL, GATE, VALUES, \
            "decay of the exponential moving average of the weights that samples are drawn with; 0: the weights themselves")
#define TRAIN_PARAMS(P, GATE, VALUES, DEPTH, WIDTH, MIN, ACTIVATION, TIME, BATCH, SIZE_HELP) \
  TRAIN_ROW(P, "depth", PARAM_INT, depth, DEPTH, MIN, NET_DEPTH_MAX, 0, "layers", NULL, GATE, VALUES, \
            "hidden layers of the network" SIZE_HELP), \
  TRAIN_ROW(P, "width", PARAM_INT, width, WIDTH, MIN, NET_WIDTH_MAX, 0, "units", NULL, GATE, VALUES, "units of a hidden layer" SIZE_HELP), \
  TRAIN_ROW(P, "activation", PARAM_CHOICE, activation, ACTIVATION, 0, 0, 0, "1", activation_names, GATE, VALUES, "of the hidden layers"), \
  TRAIN_ROW(P, "time_feature", PARAM_CHOICE, time_feature, TIME, 0, 0, 0, "1", time_feature_names, GATE, VALUES, \
            "how the network sees the time"), \
  TRAIN_ROW(P, "fourier", PARAM_INT, fourier, "8", 1, NET_FOURIER_MAX, 0, "1", NULL, "time_feature", "fourier", \
            "frequencies of the time features"), \
  TRAIN_ROW(P, "init", PARAM_CHOICE, init, "kaiming", 0, 0, 0, "1", net_init_names, GATE, VALUES, \
            "uniform initial weights: 1/sqrt(inputs), as torch.nn.Linear, or Xavier"), \
  OPTIMIZER_PARAMS(P, GATE, VALUES, "1e-3", "constant"), \
  TRAIN_ROW(P, "batch", PARAM_INT, batch, BATCH, 1, 1 << 20, 0, "samples", NULL, GATE, VALUES, "samples a step"), \
  TRAIN_ROW(P, "shards", PARAM_INT, shards, "0", 0, 1024, 0, "1", NULL, GATE, VALUES, \
            "parts of a batch whose gradients are summed as a tree, a power of two: at most so many ranks share a trial; 0: " \
            "the power of two up to batch / 64"), \
  TRAIN_ROW(P, "gradient_classes", PARAM_CHOICE, classes, "component", 0, 0, PARAM_EXECUTION, "1", gradient_class_names, GATE, VALUES, \
            "of the recorded gradient statistics: output components, or quarters of the law of times")
/* clang-format on */

OptimizerSpec train_params_optimizer(const TrainParams *);
/* The network's inputs and outputs are n_x and n_out besides the time. */
TrainSpec train_params_spec(const TrainParams *, int n_x, int n_out, int64_t steps);
/* Rules across fields. */
void train_params_check(const TrainParams *, Diagnostics *);
/* The series of a recorded training. */
PetscErrorCode train_params_declare(const TrainSpec *, int64_t every, ResultSchema *);
/* Where they go for one row: NULL members when the row is not recorded. */
PetscErrorCode train_params_series(Result *, int64_t row, TrainSeries *out);
double         train_params_memory(const TrainSpec *); /* bytes */
int            train_params_max_ranks(const TrainSpec *, int batch);
/* Predicted extra seconds of a recorded training. */
double train_params_record_cost(const TrainSpec *, int d, int batch, int64_t every);

/* A batch of trials, each trained on `points` points of its own (stream draw 0 of its key), side by side where the parameters say so, and
 * finished by a callback. */
typedef struct TrialsRun {
  MPI_Comm             comm;
  const TrainSpec     *training;
  const ObjectiveSpec *objective;
  const Target        *target;
  int64_t              points;
  const TrialBatch    *batch;
  const Watch         *watch;
  Result              *result;
  Net                 *net;                                        /* loaded with each trial's weights; NULL: nothing is trained */
  double              *final_loss, *train_time;                    /* columns */
  PetscErrorCode (*finish)(void *ctx, int64_t row, bool *stopped); /* samples and measures; collective */
  void *ctx;
} TrialsRun;

/* Fills the series of recorded rows as well. A training whose loss is not finite fails its row and is not finished. *stopped: the watch
 * said stop; rows that are not finished are left as they are. Collective. */
PetscErrorCode trials_run(const TrialsRun *, bool *stopped);

/* What samples are drawn with: the network of `net` (loaded), or the exact posterior mean. */
typedef struct Generator {
  const SamplerPlan   *plan;
  const ObjectiveSpec *objective;
  const Net           *net;
  const Target        *exact;
  NoiseKind            noise;
} Generator;

/* n particles from start (d, n) to x (d, n) and the snapshots (n_snapshots, d, n), drawn by all ranks of comm, each its part, and
 * gathered: the same on all ranks. Collective. */
PetscErrorCode generator_run(MPI_Comm, const Generator *, uint64_t key, int d, int64_t n, const double *start, const SamplerRecord *,
                             float *x, const Watch *, bool *stopped);

bool floats_finite(int64_t n, const float *);

#endif
