/* SPDX-License-Identifier: BSD-2-Clause
 * What singularity.c (the experiment) and singularity_measure.c (its measures) share. */
#ifndef MYOPIA_SINGULARITY_H
#define MYOPIA_SINGULARITY_H

#include "classifier.h"
#include "exact_field.h"
#include "train_params.h"

typedef enum { DATA_LINE = 0, DATA_CURVE, DATA_FIVE_POINTS, DATA_SPHERE, DATA_TORUS, DATA_DIGITS } DataKind;
typedef enum { LEARN_CEM = 0, LEARN_SGM, LEARN_DDPM, LEARN_VELOCITY } LearnedTarget;
typedef enum { SOURCE_NETWORK = 0, SOURCE_EXACT } Source;

typedef struct SingularityParams {
  TrainParams train; /* depth or width 0: what the data take, see training_of */
  int         data, target, weighting, sampling, posterior, sampler, grid;
  char        directory[PARAM_TEXT_MAX];
  int64_t     ambient, points, steps, sampler_steps, samples, field_samples, metric_samples, recorded_particles;
  double      t_min, t_max, probe_t;
  bool        denoise;
  RealList    probe, snapshots;
} SingularityParams;

enum { TIMES_PER_DECADE = 12, TIMES_MAX = 128, SHOTS_MAX = PARAM_LIST_MAX, SLICES = 64 };

/* Metrics, in the order of the table in singularity.c. */
enum {
  OWN_ERROR = 0,
  DATA_ERROR,
  NOISE_ERROR,
  SCORE_ERROR,
  OWN_L2,
  DATA_L2,
  NOISE_L2,
  SCORE_L2,
  NOISE_L2_ALL,
  EXPONENT,
  EXPONENT_NETWORK,
  EXPONENT_LAW,
  EXPONENT_LAW_NETWORK,
  DISTANCE_MEAN,
  DISTANCE_Q99,
  DISTANCE_MAX,
  ALONG,
  ENERGY,
  SLICED,
  NOVELTY,
  NOVELTY_FRESH,
  MEMORISED,
  FRECHET,
  FRECHET_FRESH,
  ACCURACY,
  FINAL_LOSS,
  TRAIN_TIME,
  SAMPLE_TIME,
  MEASURE_TIME,
  METRICS
};

/* Arrays, in the order of their table. */
enum { TRAJECTORY = 0, TRAJECTORY_TIME, FIELD_TIME, PROBE_ERROR, LAW_ERROR, LAW_COMPONENT, SAMPLES, ARRAYS };

/* One batch of trials of one sweep point. */
typedef struct SingularityJob {
  MPI_Comm                 comm;
  const SingularityParams *params;
  const TrialBatch        *batch;
  ObjectiveSpec            objective;
  TrainSpec                training;
  int                      d;
  Target                  *target;
  SamplerPlan             *plan;
  Net                     *net;        /* NULL: exact */
  const Classifier        *classifier; /* DIGITS; of the memo */
  const Watch             *watch;
  Result                  *result;
  double                  *column[METRICS];
  double                  *start; /* (d, samples) */
  float                   *x, *shots;
  int                      shot_step[SHOTS_MAX];
} SingularityJob;

static inline bool singularity_trains(const SingularityParams *p) { return p->posterior == SOURCE_NETWORK; }
static inline bool singularity_has_posterior(const SingularityParams *p) { return p->data != DATA_DIGITS; }

/* Times of the comparison, log-spaced from 1e-5 to t_max, TIMES_PER_DECADE each: their number (<= TIMES_MAX). */
int singularity_times(const SingularityParams *, double t[TIMES_MAX]);

const char *singularity_array_name(int array);
/* Everything that is measured of a row's samples and network; rank 0 alone. A sample that is not finite fails the row, on all ranks. */
PetscErrorCode singularity_measure(SingularityJob *, int64_t row);

#endif
