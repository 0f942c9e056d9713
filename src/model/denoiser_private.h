/* SPDX-License-Identifier: BSD-2-Clause
 * What the kinds of denoisers implement: one table of operations each, listed in denoiser.c. Functions are those of denoiser.h for one
 * kind. */
#ifndef MYOPIA_DENOISER_PRIVATE_H
#define MYOPIA_DENOISER_PRIVATE_H

#include "denoiser.h"

typedef struct DenoiserOps {
  int64_t (*parameters)(const DenoiserSpec *);
  double (*flops)(const DenoiserSpec *, int n);
  double (*step_seconds)(const DenoiserSpec *, int n);
  void (*init)(const DenoiserSpec *, uint64_t key, float *theta);
  int (*parts)(const DenoiserSpec *, DenoiserPart *);
  const char *(*check)(const DenoiserSpec *, char message[256]);
  PetscErrorCode (*create)(const DenoiserSpec *, IsaLevel, void **work);
  void (*destroy)(void *work);
  void (*load)(void *work, const float *theta);
  void (*forward)(void *work, int count, const DenoiserGraph *, float *node, float *edge);
  void (*gradient)(void *work, int count, const DenoiserGraph *, const DenoiserTarget *, double scale, float *gradient, double *loss,
                   double *square);
  PetscErrorCode (*reference)(const DenoiserSpec *, const double *theta, int count, const DenoiserGraph *, const DenoiserTarget *,
                              double scale, bool with_dropout, double *node, double *edge, double *gradient, double *loss);
} DenoiserOps;

extern const DenoiserOps denoiser_factored, denoiser_factored_bit, denoiser_edge_mlp, denoiser_transformer;

static inline int denoiser_pairs(int n) { return n * (n - 1) / 2; }

#endif
