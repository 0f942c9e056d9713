/* SPDX-License-Identifier: BSD-2-Clause
 * The doors of optimizer_kernel.c, one per ISA level, and what one step takes from its specification. */
#ifndef MYOPIA_OPTIMIZER_KERNEL_H
#define MYOPIA_OPTIMIZER_KERNEL_H

#include "optimizer.h"

/* Numbers as PyTorch rounds them to float32. With decay 0 and shrink 1 the update has no weight decay, to the bit. */
typedef struct OptimizerScalars {
  OptimizerKind kind;
  float         decay;    /* coupled: gradient + decay theta */
  float         shrink;   /* decoupled: theta (1 - rate decay) */
  float         step;     /* -rate; Adam: -rate / (1 - beta1^t) */
  float         momentum; /* SGD with moments */
  float         beta1, new1, beta2, new2, delta;
  float         inverse;      /* Adam: 1 / sqrt(1 - beta2^t) */
  float         keep, update; /* EMA: keep old + update new */
} OptimizerScalars;

/* scale: 16 values, repeated along n. moments and average may be NULL when they are not used. */
#define OPTIMIZER_DOORS(level)                                                                                                             \
  void optimizer_update_##level(const OptimizerScalars *, int64_t n, const float scale[16], const float *gradient, float *moments,         \
                                float *theta, float *average);                                                                             \
  void optimizer_squares_##level(int64_t n, const float *gradient, double sum[16]);
OPTIMIZER_DOORS(base)
OPTIMIZER_DOORS(v3)
OPTIMIZER_DOORS(v4)

#endif
