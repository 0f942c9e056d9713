/* SPDX-License-Identifier: BSD-2-Clause
 * What gaussian_mixture.c (the experiment) and mixture_measure.c (its measures) share. */
#ifndef MYOPIA_GAUSSIAN_MIXTURE_H
#define MYOPIA_GAUSSIAN_MIXTURE_H

#include "exact_field.h"
#include "train_params.h"

typedef enum { TASK_NOISE = 0, TASK_SINGLE_STEP, TASK_WHOLE_STEP, TASK_SCORE } Task;
typedef enum { POSTERIOR_NETWORK = 0, POSTERIOR_EXACT } Posterior;
typedef enum { DISTANCES_ENERGY = 0, DISTANCES_ALL } Distances;
typedef struct MixtureParams {
  TrainParams train;
  RealList    means, variances, weights;
  int64_t     dimension, points, T, epochs, samples, grid_side, field_samples, metric_samples;
  double      grid_half;
  int         schedule, task, noise, sampler_noise, posterior, distances;
  IntList     snapshots;
} MixtureParams;

static inline int  mixture_modes(const MixtureParams *p) { return (int)(p->means.n / PetscMax(p->dimension, 1)); }
static inline bool mixture_trains(const MixtureParams *p) { return p->posterior == POSTERIOR_NETWORK; }
static inline bool mixture_has_grid(const MixtureParams *p) { return p->dimension == 2 && p->grid_side > 0; }

/* Metrics and arrays, in the order of the tables in gaussian_mixture.c. */
enum {
  ENERGY = 0,
  SLICED,
  WASSERSTEIN,
  MMD,
  OUTSIDE,
  VARIANCE_RATIO,
  WEIGHT_ERROR,
  INFORMATION,
  INFORMATION_GRID,
  STEPS_LOST,
  DATA_ERROR,
  NOISE_ERROR,
  SCORE_ERROR,
  DATA_ERROR_GRID,
  NOISE_ERROR_GRID,
  SCORE_ERROR_GRID,
  FINAL_LOSS,
  TRAIN_TIME,
  SAMPLE_TIME,
  MEASURE_TIME,
  METRICS
};

enum {
  START = 0,
  TRAJECTORY,
  START_GRID,
  TRAJECTORY_GRID,
  FIELD_DATA,
  FIELD_EXACT,
  SIGNAL,
  FIELD_ERROR,
  FIELD_ERROR_GRID,
  MODE_WEIGHT,
  MODE_MEAN,
  MODE_COVARIANCE,
  ARRAYS
};

enum { FIELD_SIDE = 41, SLICES = 64, EXACT_MAX = 512, SHOTS_MAX = PARAM_LIST_MAX };

/* One batch of trials of one sweep point. */
typedef struct MixtureJob {
  MPI_Comm             comm;
  const MixtureParams *params;
  const TrialBatch    *batch;
  ObjectiveSpec        objective;
  TrainSpec            training;
  Target              *target;
  SamplerPlan         *plan;
  const ExactField    *field; /* of the memo */
  Net                 *net;
  const Watch         *watch;
  Result              *result;
  double              *column[METRICS];
  double              *start, *start_grid; /* (d, samples), (2, grid_side^2) */
  float               *x, *x_grid, *fresh, *shots;
  int                 *label;
  double               ellipse; /* squared Mahalanobis radius */
} MixtureJob;

const char *mixture_array_name(int array);
/* Fraction of the steps whose signal-to-noise ratio abar/(1 - abar) is below 0.01; abar (T + 1) is filled. */
double mixture_steps_lost(const MixtureParams *, double *abar);
/* Everything that is measured of a row's samples and network; rank 0 alone. A sample that is not finite fails the row, on all ranks. */
PetscErrorCode mixture_measure(MixtureJob *, int64_t row);

#endif
