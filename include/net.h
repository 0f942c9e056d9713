/* SPDX-License-Identifier: BSD-2-Clause
 * Multilayer perceptrons in float32: scalar reference, fused kernels (lane = sample, and lane = seed for 16 models of one shape side by
 * side), initialisation as PyTorch has it.
 *
 * Input: x (n_x numbers) and features of one time value t. Hidden layers: depth times width units with one activation; linear output.
 * Parameters of a model, flat, float32: for every layer W (out, in) row-major, then b (out), as torch.nn.Linear; the first layer's inputs
 * are x, then the time features.
 * Batches are feature-major: feature f of sample i at x[f * stride + i]; stride is a multiple of 16, samples n..round up to 16 must be
 * readable and are ignored (any finite or infinite value).
 *
 * Bits: the kernels give the same bits on base, v3 and v4, with gcc and clang, whatever the width. The scalar reference sums in another
 * order: it agrees to rounding. Which path runs is a function of NetSpec and batch size alone. */
#ifndef MYOPIA_NET_H
#define MYOPIA_NET_H

#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>

#include "isa.h"

typedef enum { ACTIVATION_RELU = 0, ACTIVATION_TANH, ACTIVATION_SILU, ACTIVATION_GELU } Activation; /* GELU: exact, by erf */
typedef enum { TIME_NONE = 0, TIME_PLAIN, TIME_LOG, TIME_FOURIER } TimeFeature;
typedef enum { INIT_KAIMING = 0, INIT_XAVIER } NetInit;
extern const char *const activation_names[];   /* relu, tanh, silu, gelu, NULL */
extern const char *const time_feature_names[]; /* none, plain, log, fourier, NULL */
extern const char *const net_init_names[];     /* kaiming, xavier, NULL */

/* NET_FUSED_WIDTH: up to here a block's activations of a layer stay in L1. */
enum { NET_DEPTH_MAX = 8, NET_WIDTH_MAX = 4096, NET_FUSED_WIDTH = 128, NET_FOURIER_MAX = 32, NET_LANES = 16, NET_BLOCK = 64 };

typedef struct NetSpec {
  int         n_x, n_out;   /* n_x >= 1, n_out >= 1 */
  int         depth, width; /* hidden layers (0: a linear map) and units in each */
  Activation  activation;
  TimeFeature time;
  int         fourier; /* TIME_FOURIER: K frequencies; features sin(2^k pi t), cos(2^k pi t), k = 0..K-1 */
} NetSpec;

int     net_time_features(const NetSpec *); /* 0, 1 (t), 1 (log t), 2 K */
int64_t net_parameters(const NetSpec *);    /* P */
double  net_flops(const NetSpec *);         /* of one forward pass of one sample, multiplications and additions; a training step takes 3 */
/* theta (P). kaiming: U(-1/sqrt(in), 1/sqrt(in)) for weights and biases, torch.nn.Linear's default; xavier: weights
 * U(+-sqrt(6/(in + out))), biases 0. Stream (key, RNG_NET). */
void net_init(const NetSpec *, NetInit, uint64_t key, float *theta);

/* Workspace and plan of one shape; not shared between threads. */
typedef struct Net Net;
PetscErrorCode     net_create(const NetSpec *, IsaLevel, Net **);
void               net_destroy(Net **);
const NetSpec     *net_spec(const Net *);

typedef struct NetBatch {
  int          n, stride;
  const float *x;      /* (n_x, stride) */
  const float *t;      /* (stride); not read with TIME_NONE */
  const float *target; /* (n_out, stride) */
  const float *weight; /* (stride) of a sample's squared error */
} NetBatch;

/* loss = scale * sum_i weight_i sum_j (out_ij - target_ij)^2 and its gradient (P, overwritten); loss in double, summed in a fixed order.
 * component: -1 all outputs, else j alone. square: NULL, or sum over samples of the squared norm of the gradient of
 * weight_i sum_j (...)^2 (without scale). */
void net_gradient(Net *, const float *theta, const NetBatch *, double scale, int component, float *gradient, double *loss, double *square);
/* Mean squared errors alone: sum_i weight_i (out_ij - target_ij)^2 for every output j (n_out, doubles, overwritten). */
void net_errors(Net *, const float *theta, const NetBatch *, double *error);

/* Classification: outputs are logits of n_out >= 2 classes. */
typedef struct NetClassBatch {
  int            n, stride;
  const float   *x, *t;  /* as in NetBatch */
  const uint8_t *label;  /* (n) < n_out */
  const float   *weight; /* (stride) of a sample's cross-entropy */
} NetClassBatch;

/* loss = scale * sum_i weight_i (log sum_j exp(out_ij) - out_i,label), its gradient and square as in net_gradient. add: to all three, which
 * gives gradient the bits of one longer batch where the one before had a multiple of NET_BLOCK samples. */
void net_gradient_classes(Net *, const float *theta, const NetClassBatch *, double scale, bool add, float *gradient, double *loss,
                          double *square);

/* Lane = seed: 16 models side by side. theta (P, 16); sample i, feature f, seed s of x at x[(i * n_x + f) * 16 + s], target alike with
 * n_out, t and weight at [i * 16 + s]. gradient (P, 16), loss (16). A seed's bits depend on its own lane's numbers alone. */
typedef struct NetLanesBatch {
  int          n;
  const float *x, *t, *target, *weight;
} NetLanesBatch;
void net_gradient_lanes(Net *, const float *theta, const NetLanesBatch *, double scale, float *gradient, double loss[NET_LANES]);

/* Forward passes. net_load prepares (repacks) a model's parameters for the calls of the same Net that follow. */
void net_load(Net *, const float *theta);
/* First layer's bias with the features of one t folded in: bias (max(width, n_out if depth = 0)). */
void net_fold_time(const Net *, float t, float *bias);
/* Samples at one common t (folded): x (n_x, stride) to out (n_out, stride), n <= NET_BLOCK; in and out may not overlap. A sample's bits
 * depend on neither n nor its place. Cheap to call: about one block of 64 through the layers in L1. */
void net_forward(const Net *, const float *bias, int n, int stride, const float *x, float *out);
/* Any n, each sample at its own t (stride): out (n_out, stride). */
void net_forward_times(const Net *, int n, int stride, const float *x, const float *t, float *out);
/* Pre-activation of the last hidden layer instead of the output: hidden (width, stride). TIME_NONE nets (classifiers). */
void net_hidden(const Net *, int n, int stride, const float *x, float *hidden);

/* The plain scalar reference, float32 arithmetic with double-free loops, sample by sample: out (n_out, stride) when not NULL; gradient (P),
 * loss, square as in net_gradient when gradient is not NULL. */
void net_reference(const NetSpec *, const float *theta, const NetBatch *, double scale, int component, float *out, float *gradient,
                   double *loss, double *square);
/* The same in float64: the oracle of finite differences. theta (P). */
double net_reference_loss(const NetSpec *, const double *theta, const NetBatch *, double scale, int component);

#endif
