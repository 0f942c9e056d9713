/* SPDX-License-Identifier: BSD-2-Clause
 * Inside a Net: its layers, its workspace, and the doors of the kernels, one set per ISA level. */
#ifndef MYOPIA_NET_PLAN_H
#define MYOPIA_NET_PLAN_H

#include <stdbool.h>

#include "net.h"
#include "rng.h"

enum { NET_CHUNK_UNITS = 8 }; /* net_outer.h: fewer units have their derivatives summed with lane = sample */

typedef struct NetLayer {
  int     in, out;
  int64_t weights, biases; /* places in theta */
} NetLayer;

typedef struct NetKernels {
  void (*gradient)(Net *, const float *theta, const NetBatch *, double scale, int component, float *gradient, double *loss, double *square);
  void (*gradient_classes)(Net *, const float *theta, const NetClassBatch *, double scale, bool add, float *gradient, double *loss,
                           double *square);
  void (*errors)(Net *, const float *theta, const NetBatch *, double *error);
  void (*gradient_lanes)(Net *, const float *theta, const NetLanesBatch *, double scale, float *gradient, double loss[NET_LANES]);
  void (*fold_time)(const Net *, float t, float *bias);
  void (*forward)(const Net *, const float *bias, int n, int stride, const float *x, float *out);
  void (*forward_times)(const Net *, int n, int stride, const float *x, const float *t, bool hidden, float *out);
} NetKernels;

extern const NetKernels net_kernels_base, net_kernels_v3, net_kernels_v4;

void net_gradient_lanes_base(Net *, const float *theta, const NetLanesBatch *, double scale, float *gradient, double loss[NET_LANES]);
void net_gradient_lanes_v3(Net *, const float *theta, const NetLanesBatch *, double scale, float *gradient, double loss[NET_LANES]);
void net_gradient_lanes_v4(Net *, const float *theta, const NetLanesBatch *, double scale, float *gradient, double loss[NET_LANES]);

enum { NET_TOGETHER_MAX = 8 }; /* samples of net_lanes_kernel.c at once */

/* Activations of a block are (units, NET_BLOCK): [0] the inputs, x first, then time features; [l + 1] what layer l gives. */
struct Net {
  NetSpec           spec;
  int               layers, times, widest; /* widest: the largest number of rows of a block */
  NetLayer          layer[NET_DEPTH_MAX + 1];
  int64_t           parameters;
  const NetKernels *kernels;
  float            *memory;                                                   /* all of the following */
  float            *activation[NET_DEPTH_MAX + 2], *slope[NET_DEPTH_MAX + 2]; /* slope: derivatives, of SiLU and GELU alone */
  float            *target, *weight; /* of a block, zero beyond the samples; target's first row may be the samples' labels */
  float            *theta;           /* what net_load was given; the first layer's columns: time features, then x */
  float            *scratch[2];      /* (widest, NET_BLOCK) of forward passes */
  float            *lanes, *sums;    /* net_outer.h: transposed activations or partial sums; sums of them */
  float            *lane_activation[NET_DEPTH_MAX + 2], *lane_slope[NET_DEPTH_MAX + 2];
};

/* Layers of a specification; returns P. */
int64_t net_layers(const NetSpec *, NetLayer layer[NET_DEPTH_MAX + 1]);
/* net_init from a stream that goes on. */
void               net_init_from(const NetSpec *, NetInit, Rng *, float *theta);
static inline bool net_keeps_slope(Activation a) { return a == ACTIVATION_SILU || a == ACTIVATION_GELU; }

#endif
