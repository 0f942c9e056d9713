/* SPDX-License-Identifier: BSD-2-Clause
 * Doors of denoiser_factored_kernel.c, one set per ISA level. A bucket's row of a table: `seen` cells a place (own noisy classes that are
 * told apart), `classes` logits a cell. In the parameters it is (places, seen, classes); here it is in planes, clean class c of noisy class
 * v at [(c * seen + v) * stride + place], stride a multiple of 16. */
#ifndef MYOPIA_DENOISER_FACTORED_KERNEL_H
#define MYOPIA_DENOISER_FACTORED_KERNEL_H

#include <stdint.h>

typedef struct FactoredShape {
  int seen, classes, stride;
} FactoredShape;

typedef struct FactoredKernels {
  /* p = softmax of the logits of all places, and log p. */
  void (*tabulate)(const FactoredShape *, int places, const float *logits, float *p, float *log_p);
  /* Adds the weights of n places to the counts of their clean classes; noisy is not read when seen is 1. */
  void (*count)(const FactoredShape *, int n, const uint8_t *noisy, const uint8_t *clean, const float *weight, double *count);
  /* gradient (places, seen, classes) = scale (p sum_c count_c - count), and loss -= count log p in 16 lanes. */
  void (*settle)(const FactoredShape *, int places, const double *count, const float *p, const float *log_p, double scale, float *gradient,
                 double loss[16]);
  /* Adds count_c |p - onehot c|^2 in 16 lanes. */
  void (*squares)(const FactoredShape *, int places, const double *count, const float *p, double sum[16]);
} FactoredKernels;

extern const FactoredKernels factored_kernels_base, factored_kernels_v3, factored_kernels_v4;

#endif
