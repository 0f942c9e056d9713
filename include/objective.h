/* SPDX-License-Identifier: BSD-2-Clause
 * What a diffusion network learns: the regression target, its weight, how times are drawn, and the batches made of it. Every target is
 * linear in (x_0, eps): target = target_x0 x_0 + target_eps eps at x_t = a x_0 + s eps. */
#ifndef MYOPIA_OBJECTIVE_H
#define MYOPIA_OBJECTIVE_H

#include <petscsys.h>
#include <stdint.h>

#include "isa.h"
#include "noise.h"
#include "schedule.h"

typedef enum {
  PREDICT_NOISE = 0, /* eps (DDPM) */
  PREDICT_MEAN,      /* posterior mean mu_{t-1}(x_t, x_0); discrete schedules alone */
  PREDICT_DATA,      /* x_0 (CEM of arXiv 2301.07882) */
  PREDICT_SCORE,     /* discrete: grad log p = -eps/s; continuous: S = +eps/s, as 2301.07882 signs it */
  PREDICT_VELOCITY   /* da/dt x_0 + ds/dt eps; continuous alone */
} Prediction;
/* OWN (`theirs` in inputs): the source's weight (score s^2; data of the continuous process (e^t - 1)^{-1} = a^2/s^2; else 1); none: 1. */
typedef enum { WEIGHTING_OWN = 0, WEIGHTING_NONE } Weighting;
typedef enum { SAMPLE_EXPONENTIAL = 0, SAMPLE_UNIFORM } TimeSampling; /* log-uniform in [t_min, t_max], or uniform */
extern const char *const weighting_names[];                           /* theirs, none, NULL */
extern const char *const time_sampling_names[];                       /* exponential, uniform, NULL */

typedef struct ObjectiveSpec {
  Prediction   prediction;
  Weighting    weighting;
  NoiseKind    noise;
  int          T;            /* > 0: discrete, t uniform on 1..T, the net's time input is t/T; 0: the continuous process */
  ScheduleKind schedule;     /* T > 0 */
  TimeSampling sampling;     /* T = 0 */
  double       t_min, t_max; /* T = 0; the net's time input is t (plain, log), t/t_max for Fourier features: see time_scale */
  double       time_scale;   /* T = 0: the time input is t * time_scale */
  int          batch;        /* samples a step */
} ObjectiveSpec;

/* All that depends on t alone. discrete: t = 1..T as a double. */
typedef struct Coefficients {
  double t, a, s, input; /* input: the net's time value */
  double target_x0, target_eps, weight;
  double data_x, data_out; /* x0-hat = data_x x_t + data_out out: what the net's output says of x_0 */
} Coefficients;

typedef struct Objective Objective;

/* data: (d, n) doubles, component j of point i at data[j * n + i]; copied. An epoch is n / batch steps (what is left over is dropped), a
 * permutation of the points keyed by (key, epoch); batch > n: every index is drawn independently. Fails where prediction and process do not
 * go together, n > 2^31 - 1 or t_max > 170. Deterministic noise: discrete alone, at place t of the point's own coordinate; its table takes
 * n T d floats. */
PetscErrorCode       objective_create(const ObjectiveSpec *, IsaLevel, int d, int64_t n, const double *data, Objective **out);
void                 objective_destroy(Objective **);
int                  objective_dimension(const Objective *);
const ObjectiveSpec *objective_spec(const Objective *);
int64_t              objective_epoch_steps(const Objective *);

/* Samples first .. first + n - 1 (0 <= first, first + n <= batch) of the batch of `step` (below 2^30), feature-major with this stride (a
 * multiple of 16, at least n): x (d, stride) = x_t, t (stride) the time input, target (d, stride), weight (stride); what is beyond n up to
 * the next multiple of 16 is filled with finite numbers. level: NULL, or (stride) quantile in [0, 1) of the sample's time in its law, for
 * time buckets. Every sample is a function of (key, step, its place in the batch) alone. */
void objective_batch(const Objective *, uint64_t key, int64_t step, int first, int n, int stride, float *x, float *t, float *target,
                     float *weight, float *level);
/* The slow reference: one sample, plain C, the same bits (index of the data point as well). */
void objective_sample_reference(const Objective *, uint64_t key, int64_t step, int place, int64_t *index, float *x, float *t, float *target,
                                float *weight);

/* Pure functions of the specification: coefficients at t, and of the target's exact value from the posterior mean f = E[x_0 | x_t = x]:
 * target*(x) = target_x0 f + target_eps (x - a f) / s, component by component. */
Coefficients objective_coefficients(const ObjectiveSpec *, double t);
/* Discrete: of t = 1 .. T at once, out[t - 1] (the above builds the whole schedule every time). */
void   objective_coefficients_table(const ObjectiveSpec *, Coefficients *out);
double objective_exact(const Coefficients *, double x, double f);
/* The same of the output: x0-hat; eps-hat = (x - a x0) / s; score = -eps-hat / s. */
double objective_data(const Coefficients *, double x, double out);

#endif
