/* SPDX-License-Identifier: BSD-2-Clause
 * Optimizers on flat float32 parameters, in PyTorch's formulas (torch.optim 1.13): elementwise, so the same bits on every ISA level and for
 * any cut of the vector. Seeds in lanes are just a longer vector. */
#ifndef MYOPIA_OPTIMIZER_H
#define MYOPIA_OPTIMIZER_H

#include <stdint.h>

#include "isa.h"

typedef enum { OPTIMIZER_SGD = 0, OPTIMIZER_ADAM, OPTIMIZER_ADAMW } OptimizerKind;
typedef enum { RATE_CONSTANT = 0, RATE_COSINE, RATE_STEP } RateKind;
extern const char *const optimizer_names[]; /* sgd, adam, adamw, NULL */
extern const char *const rate_names[];      /* constant, cosine, step, NULL */

typedef struct OptimizerSpec {
  OptimizerKind kind;
  double        learning_rate;
  double        momentum;            /* SGD; 0: none */
  double        beta1, beta2, delta; /* Adam: 0.9, 0.999, 1e-8 */
  double        decay;               /* weight decay: coupled (L2) in SGD and Adam, decoupled in AdamW */
  RateKind      rate;
  double        rate_factor; /* STEP: learning rate times this every rate_every steps; COSINE: final fraction of the learning rate */
  int64_t       rate_every;
  double        clip;    /* largest norm of the gradient; 0: no clipping (torch.nn.utils.clip_grad_norm_) */
  double        average; /* EMA: average = average * old + (1 - average) * new, 0: none; starts from the initial parameters */
} OptimizerSpec;

int    optimizer_moments(const OptimizerSpec *);                           /* vectors of state beside the parameters: 0, 1 or 2 */
double optimizer_rate(const OptimizerSpec *, int64_t step, int64_t steps); /* learning rate of step 0 .. steps - 1 */

/* One update, step = 0, 1, ...: theta (n) and moments (optimizer_moments, n), zero before step 0, NULL when there are none; average (n), or
 * NULL. scale (1, or 16 values repeated along n when lanes = 16): the factor of clipping. */
void optimizer_step(IsaLevel, const OptimizerSpec *, int64_t step, double rate, int64_t n, int lanes, const float *scale,
                    const float *gradient, float *moments, float *theta, float *average);
/* min(1, clip / (norm of the gradient + 1e-6)), 1 without clipping; sums in double in a fixed order. lanes: 1, or 16 models side by side,
 * each with its own norm and scale. */
void optimizer_clip(IsaLevel, const OptimizerSpec *, int64_t n, int lanes, const float *gradient, float *scale);

/* The slow reference in plain C, double arithmetic rounded where PyTorch rounds. */
void optimizer_step_reference(const OptimizerSpec *, int64_t step, double rate, int64_t n, const float *gradient, float *moments,
                              float *theta, float *average);

#endif
