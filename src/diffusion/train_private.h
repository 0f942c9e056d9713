/* SPDX-License-Identifier: BSD-2-Clause
 * What the parts of the training loop share: both paths, the recorder of class gradients, and the slow reference. */
#ifndef MYOPIA_TRAIN_PRIVATE_H
#define MYOPIA_TRAIN_PRIVATE_H

#include "reduce.h"
#include "starvation.h"
#include "train.h"

enum { TRAIN_TAIL = 100 }; /* steps that final_loss is the mean of */

/* Progress of a call, and when it looks at the watch. */
typedef struct TrainPace {
  const Watch *watch;
  const char  *phase;
  int64_t      poll; /* steps between looks */
  int64_t      done, total, until_poll;
  bool         stopped;
} TrainPace;

/* One call of train_run. */
typedef struct TrainJob {
  MPI_Comm         comm;
  const TrainSpec *spec;
  IsaLevel         isa;
  int              shards, d, batch;   /* d inputs and outputs */
  int64_t          parameters, padded; /* P, and rounded up to 16 */
  int64_t          every;              /* steps between records */
  double           scale;              /* of the loss: 1 / (batch n_out) */
  TrainPace        pace;
} TrainJob;

/* The first place of shard s in the batch; that of shard `shards` is the batch's size. */
static inline int train_place(const TrainJob *job, int s) { return (int)((int64_t)s * job->batch / job->shards); }
static inline int train_stride(int n) { return (n + 15) / 16 * 16; }
int               train_widest(const TrainJob *); /* samples of the largest shard */

/* Zeroed, aligned for vectors; free() by the caller. n may be 0. */
PetscErrorCode train_floats(int64_t n, float **out);
PetscErrorCode train_doubles(int64_t n, double **out);

/* Feature-major arrays of n samples. */
typedef struct TrainSamples {
  int    n, stride;
  float *x, *t, *target, *weight, *level; /* x and target (d, stride); level NULL unless asked for */
  float *memory;
} TrainSamples;
PetscErrorCode         train_samples_create(int d, int n, bool level, TrainSamples *out);
void                   train_samples_destroy(TrainSamples *);
static inline NetBatch train_net_batch(const TrainSamples *s)
{
  return (NetBatch){.n = s->n, .stride = s->stride, .x = s->x, .t = s->t, .target = s->target, .weight = s->weight};
}

/* How often, when a step takes so long: about every millisecond of work. */
TrainPace train_pace(const Watch *, const char *phase, double step_seconds, int64_t total);
/* After `steps` more of one trial: progress, and every pace->poll calls the watch. Collective on its communicator. True: stop. */
bool train_steps_done(TrainPace *, int64_t steps);

/* Losses of the last steps of one trial. */
typedef struct TrainTail {
  double  loss[TRAIN_TAIL];
  int64_t n;
} TrainTail;
static inline void train_tail_add(TrainTail *tail, double loss) { tail->loss[tail->n++ % TRAIN_TAIL] = loss; }
double             train_tail_mean(const TrainTail *);

/* Statistics of class gradients. Reads parameters, changes nothing. */
typedef struct TrainRecorder TrainRecorder;
/* reduce: of all shards, for P floats and TRAIN_CLASSES_MAX doubles at least; borrowed. */
PetscErrorCode train_recorder_create(const TrainJob *, Reduce *, TrainRecorder **out);
void           train_recorder_destroy(TrainRecorder **);
/* The classes of step `step` of a trial at theta (P): record k of its series. Collective on the communicator of reduce. */
PetscErrorCode train_record_classes(TrainRecorder *, const TrainTrial *, const float *theta, int64_t step, int64_t k);
/* The rest of record k: gradient (P) with this stride between parameters. */
void train_record_step(int64_t parameters, const TrainSeries *, int64_t k, double loss, double rate, const float *gradient, int stride);
/* Statistics of all classes in record k. */
void train_record_stats(int classes, const TrainSeries *, int64_t k, const StarvationStats *);
/* Steps as they will be, NaN everywhere else: what a failed trial leaves unrecorded. */
void train_series_clear(const TrainJob *, TrainSeries *);
void train_clear(double *series, int64_t n); /* NaN; NULL is nothing */

/* train_run with the path given, n >= 1. */
PetscErrorCode train_run_by(MPI_Comm, const TrainSpec *, bool lanes, int64_t every, int n, TrainTrial *, const Watch *, bool *stopped);
PetscErrorCode train_by_samples(TrainJob *, int n, TrainTrial *trial);
PetscErrorCode train_by_lanes(TrainJob *, int n, TrainTrial *trial);

/* The slow reference, one trial, plain scalar nets and optimizer: sums in another order, so that it agrees to rounding while the trajectory
 * is not chaotic. No statistics. loss (steps), may be NULL. */
PetscErrorCode train_reference(const TrainSpec *, TrainTrial *, double *loss);

#endif
