/* SPDX-License-Identifier: BSD-2-Clause
 * Samplers as tables of scalars: every step of every sampler here is linear in state x, network output o and noise z,
 *   x <- A x + B o + C z                                          one evaluation
 *   x' = A x + B o;  x <- A2 x + B2 o + C2 x' + D2 o(x', t')      Heun
 * so one kernel runs them all, a block of particles in L1 through all its steps. */
#ifndef MYOPIA_SAMPLER_H
#define MYOPIA_SAMPLER_H

#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>

#include "net.h"
#include "noise.h"
#include "objective.h"
#include "target.h"
#include "watch.h"

/* The discrete process is the continuous one at times tau_t = -log abar_t, so that every sampler knows both; t = 1 leads to t = 0 without
 * noise. ANCESTRAL: discrete, by prediction: noise and score the DDPM step with sigma_t^2 = beta_t; mean out + sqrt(beta_t) z; data
 * sqrt(abar_{t-1}) x0-hat + sqrt(1 - abar_{t-1}) z. Continuous: the exact posterior q(x_r | x_t, x0-hat).
 * HEUN: the probability-flow ODE in x/a against s/a (Karras et al. 2022, algorithm 1); the discrete step to t = 0 is DDIM's.
 * EXPONENTIAL: that SDE is the reversal of the process that starts in x0-hat, so its solution is q(x_r | x_t, x0-hat): the same as
 * ANCESTRAL for the continuous process, variance beta-tilde for the discrete one. */
typedef enum {
  SAMPLER_ANCESTRAL = 0,
  SAMPLER_EULER_MARUYAMA, /* reverse SDE */
  SAMPLER_DDIM,           /* eta = 0 */
  SAMPLER_HEUN,
  SAMPLER_EXPONENTIAL /* reverse SDE with x0-hat frozen over a step, solved exactly */
} SamplerKind;
extern const char *const sampler_names[]; /* ancestral, euler_maruyama, ddim, heun, exponential, NULL */

typedef struct SamplerStep {
  double t, next;        /* times of the evaluation and of the step's end (a step that finishes: 0) */
  int    place;          /* of deterministic noise: t where it is discrete, else the number of the step from 0 */
  float  input, A, B, C; /* input: the net's time value */
  bool   heun;           /* a second evaluation at `next` */
  float  next_input, A2, B2, C2, D2;
} SamplerStep;

typedef struct SamplerPlan {
  int          n_steps; /* with the finishing one */
  SamplerStep *step;    /* (n_steps) from noise to data; owned */
} SamplerPlan;

/* Discrete objectives: grid, n_steps and finish are ignored, t = T..1. Continuous: n_steps steps on the time grid from t_max to t_min, then
 * the output at t_min as x <- x0-hat, one step more, when `finish` (else the state at t_min is the sample). */
PetscErrorCode sampler_plan_create(const ObjectiveSpec *, SamplerKind, TimeGrid, int n_steps, bool finish, SamplerPlan **out);
void           sampler_plan_destroy(SamplerPlan **);

/* Starting points, doubles (d, n): N(0, I), point i a function of (key, first + i): the normal quantile of 52 bits. */
void sampler_start_normal(uint64_t key, int64_t first, int d, int64_t n, double *x);
/* (d = 2) the side x side grid on [-half, half]^2, points first .. first + n - 1 in row-major order, y slowest. */
void sampler_start_grid(int side, double half, int64_t first, int64_t n, double *x);

/* Snapshots: the state after `step[k]` steps of the plan (0: the start), for all particles: x (n_snapshots, d, n) floats. */
typedef struct SamplerRecord {
  int        n;
  const int *step; /* (n) ascending */
  float     *x;
} SamplerRecord;

/* Runs particles first .. first + n - 1 from start (d, n) to x (d, n) floats. net: loaded parameters (net_load), or NULL and exact != NULL:
 * the same sampler with the exact posterior mean, turned into the network's output. Noise of particle i at step k is a function of
 * (key, first + i, k) (random: the normal of index first + i, draw k d + component, purpose RNG_SAMPLER), or of the digits of its start's
 * coordinates at the step's place (deterministic). Bits do not depend on n or first's cut, nor on the ISA level.
 * *stopped: the watch said stop. Not collective (the watch may be: how often it is asked is a function of the plan, the net and n). */
PetscErrorCode sampler_run(IsaLevel, const SamplerPlan *, const ObjectiveSpec *, const Net *net, const Target *exact, NoiseKind,
                           uint64_t key, int64_t first, int64_t n, int d, const double *start, const SamplerRecord *, float *x,
                           const Watch *, bool *stopped);
/* The slow reference: one particle, plain C with a callback for the output; x (d <= 1024) in and out, doubles. z of the same
 * stream. */
void sampler_reference(const SamplerPlan *, void (*output)(void *ctx, const SamplerStep *, bool second, const double *x, double *out),
                       void *ctx, NoiseKind, uint64_t key, int64_t particle, int d, double *x);

double sampler_seconds(const SamplerPlan *, const NetSpec *, int64_t n); /* predicted on one core of 2024; rough. NULL: exact */

#endif
