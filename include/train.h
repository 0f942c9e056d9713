/* SPDX-License-Identifier: BSD-2-Clause
 * The training loop: many trials of one shape, lane = sample or lane = seed, data-parallel over fixed shards of the batch with a reduction
 * that gives the same bits on any number of ranks. */
#ifndef MYOPIA_TRAIN_H
#define MYOPIA_TRAIN_H

#include <mpi.h>
#include <petscsys.h>
#include <stdint.h>

#include "net.h"
#include "objective.h"
#include "optimizer.h"
#include "watch.h"

typedef enum { CLASSES_COMPONENT = 0, CLASSES_TIME } GradientClasses; /* output component, or quantile bucket of time */
extern const char *const gradient_class_names[];                      /* component, time, NULL */

enum { TRAIN_TIME_BUCKETS = 4, TRAIN_COMPONENTS_MAX = 8, TRAIN_CLASSES_MAX = 8 };

typedef struct TrainSpec {
  NetSpec         net;
  NetInit         init;
  OptimizerSpec   optimizer;
  int64_t         steps;
  int             shards; /* a power of two; 0: train_default_shards */
  GradientClasses classes;
} TrainSpec;

/* The largest power of two <= max(1, batch / 64): W1 1, W2 8, W3 16. */
int  train_default_shards(int batch);
bool train_seeds_in_lanes(const TrainSpec *, int batch); /* which path runs: a function of the parameters alone */
/* Classes that statistics are kept for: time buckets, or output components; more than m = TRAIN_COMPONENTS_MAX of them are joined: class c
 * has components [c d / m, (c + 1) d / m). */
int     train_classes(const TrainSpec *);
int64_t train_recorded(int64_t steps, int64_t every); /* recorded steps: 0, every, 2 every, ... < steps */

/* Of one recorded trial, NULL members are not recorded. Statistics of starvation.h of the gradient at recorded steps, before the update:
 * (recorded, classes) row-major. */
typedef struct TrainSeries {
  int64_t *step;                               /* (recorded) */
  double  *loss, *rate, *gradient_norm;        /* (recorded) of that step's batch */
  double  *mean, *norm, *share, *snr, *cosine; /* (recorded, classes) */
} TrainSeries;

typedef struct TrainTrial {
  uint64_t         key;
  const Objective *objective; /* its data; all of one specification and dimension */
  float           *theta;     /* (P) in: ignored, or the initial parameters when `given`; out: final parameters */
  float           *average;   /* (P) out: EMA of the parameters; NULL when optimizer.average = 0 */
  bool             given;
  TrainSeries     *series;      /* NULL: not recorded */
  double           final_loss;  /* out: mean loss of the last up to 100 steps */
  int64_t          failed_step; /* out: -1, or the first step (0-based) whose loss was not finite */
} TrainTrial;

/* Trains n trials. Collective on comm (ranks <= shards; each trial is trained by all of its ranks, lane = seed by rank 0's copy on every
 * rank alike): outputs are the same on all ranks. *stopped: the watch said stop, outputs are not to be used. A failed trial stops
 * training itself, not its neighbours; its parameters are those whose loss was not finite, records it did not reach are NaN. */
PetscErrorCode train_run(MPI_Comm comm, const TrainSpec *, int64_t every, int n, TrainTrial *trial, const Watch *, bool *stopped);

double train_step_seconds(const TrainSpec *, int d, int batch); /* predicted for one trial on one core of 2024; rough */

#endif
