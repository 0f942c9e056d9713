/* SPDX-License-Identifier: BSD-2-Clause
 * Nets: shapes, initial parameters (torch.nn.Linear's and Glorot and Bengio's, AISTATS 2010), workspace, and the way to the kernels of an
 * ISA level. It computes nothing itself but parameters. */
#include "net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "net_plan.h"

const char *const activation_names[]   = {"relu", "tanh", "silu", "gelu", NULL};
const char *const time_feature_names[] = {"none", "plain", "log", "fourier", NULL};
const char *const net_init_names[]     = {"kaiming", "xavier", NULL};

int net_time_features(const NetSpec *s) { return s->time == TIME_NONE ? 0 : s->time == TIME_FOURIER ? 2 * s->fourier : 1; }

int64_t net_layers(const NetSpec *s, NetLayer layer[NET_DEPTH_MAX + 1])
{
  int64_t at = 0;
  for (int l = 0; l <= s->depth; l++) {
    layer[l].in      = l == 0 ? s->n_x + net_time_features(s) : s->width;
    layer[l].out     = l == s->depth ? s->n_out : s->width;
    layer[l].weights = at;
    layer[l].biases  = at + (int64_t)layer[l].in * layer[l].out;
    at               = layer[l].biases + layer[l].out;
  }
  return at;
}

int64_t net_parameters(const NetSpec *s)
{
  NetLayer layer[NET_DEPTH_MAX + 1];
  return net_layers(s, layer);
}

double net_flops(const NetSpec *s)
{
  NetLayer layer[NET_DEPTH_MAX + 1];
  double   sum = 0;
  net_layers(s, layer);
  for (int l = 0; l <= s->depth; l++) sum += 2.0 * layer[l].in * layer[l].out;
  return sum;
}

void net_init_from(const NetSpec *s, NetInit init, Rng *rng, float *theta)
{
  NetLayer layer[NET_DEPTH_MAX + 1];
  net_layers(s, layer);
  for (int l = 0; l <= s->depth; l++) {
    const double  bound = init == INIT_KAIMING ? 1 / sqrt(layer[l].in) : sqrt(6.0 / (layer[l].in + layer[l].out));
    const int64_t end   = layer[l].biases + layer[l].out;
    for (int64_t p = layer[l].weights; p < end; p++) {
      const double u = (2 * rng_uniform(rng) - 1) * bound;
      theta[p]       = init == INIT_XAVIER && p >= layer[l].biases ? 0 : (float)u;
    }
  }
}

void net_init(const NetSpec *s, NetInit init, uint64_t key, float *theta)
{
  Rng rng = rng_start(key, 0, RNG_NET);
  net_init_from(s, init, &rng, theta);
}

/* Cuts memory into the workspace's arrays; with memory NULL it only counts. Returns the number of floats. */
static int64_t cut_memory(Net *net, float *memory)
{
  int64_t used = 0, lanes = 0, sums = 0;
#define CUT(pointer, n) (pointer) = memory ? memory + used : NULL, used += ((n) + 15) / 16 * 16
  for (int l = 0; l <= net->layers; l++) {
    const int units = l < net->layers ? net->layer[l].in : net->spec.n_out;
    CUT(net->activation[l], (int64_t)(units + 15) / 16 * 16 * NET_BLOCK); /* rows up to a multiple of 16 are read */
    CUT(net->lane_activation[l], (int64_t)units * NET_LANES * NET_TOGETHER_MAX);
    net->slope[l] = net->lane_slope[l] = NULL;
    if (net_keeps_slope(net->spec.activation) && l > 0 && l < net->layers) {
      CUT(net->slope[l], (int64_t)units * NET_BLOCK);
      CUT(net->lane_slope[l], (int64_t)units * NET_LANES * NET_TOGETHER_MAX);
    }
    if (l == net->layers) continue;
    const NetLayer y    = net->layer[l];
    const int64_t  rest = y.out < NET_CHUNK_UNITS || y.in < 16 ? y.in : 16, rows = (int64_t)y.out * rest + 16, chunks = y.in / 16 + 1;
    if (rows > sums) sums = rows;
    if (rows * 16 > lanes) lanes = rows * 16;
    if (chunks * 16 * NET_BLOCK > lanes) lanes = chunks * 16 * NET_BLOCK;
  }
  CUT(net->target, (int64_t)net->spec.n_out * NET_BLOCK);
  CUT(net->weight, NET_BLOCK);
  CUT(net->theta, net->parameters);
  CUT(net->scratch[0], (int64_t)net->widest * NET_BLOCK);
  CUT(net->scratch[1], (int64_t)net->widest * NET_BLOCK);
  CUT(net->lanes, lanes);
  CUT(net->sums, sums);
#undef CUT
  return used;
}

static const NetKernels *kernels_of(IsaLevel isa)
{
  return isa == ISA_V4 ? &net_kernels_v4 : isa == ISA_V3 ? &net_kernels_v3 : &net_kernels_base;
}

PetscErrorCode net_create(const NetSpec *spec, IsaLevel isa, Net **out)
{
  Net *net;
  PetscFunctionBeginUser;
  PetscCheck(spec->n_x >= 1 && spec->n_out >= 1 && spec->depth >= 0 && spec->depth <= NET_DEPTH_MAX &&
                 (spec->depth == 0 || spec->width >= 1),
             PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a net of %d inputs, %d outputs, depth %d, width %d", spec->n_x, spec->n_out,
             spec->depth, spec->width);
  PetscCall(PetscNew(&net));
  net->spec       = *spec;
  net->layers     = spec->depth + 1;
  net->times      = net_time_features(spec);
  net->parameters = net_layers(spec, net->layer);
  net->kernels    = kernels_of(isa);
  net->widest     = spec->n_out;
  for (int l = 0; l < net->layers; l++)
    if (net->layer[l].in > net->widest) net->widest = net->layer[l].in;
  const int64_t floats = cut_memory(net, NULL);
  net->memory          = aligned_alloc(64, (size_t)floats * sizeof(float));
  if (!net->memory) {
    PetscCall(PetscFree(net));
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the workspace of a net: %lld floats", (long long)floats);
  }
  memset(net->memory, 0, (size_t)floats * sizeof(float));
  cut_memory(net, net->memory);
  *out = net;
  PetscFunctionReturn(0);
}

void net_destroy(Net **net)
{
  if (!*net) return;
  free((*net)->memory);
  (void)PetscFree(*net);
}

const NetSpec *net_spec(const Net *net) { return &net->spec; }

void net_gradient(Net *net, const float *theta, const NetBatch *batch, double scale, int component, float *gradient, double *loss,
                  double *square)
{
  net->kernels->gradient(net, theta, batch, scale, component, gradient, loss, square);
}

void net_gradient_classes(Net *net, const float *theta, const NetClassBatch *batch, double scale, bool add, float *gradient, double *loss,
                          double *square)
{
  net->kernels->gradient_classes(net, theta, batch, scale, add, gradient, loss, square);
}

void net_errors(Net *net, const float *theta, const NetBatch *batch, double *error) { net->kernels->errors(net, theta, batch, error); }

void net_gradient_lanes(Net *net, const float *theta, const NetLanesBatch *batch, double scale, float *gradient, double loss[NET_LANES])
{
  net->kernels->gradient_lanes(net, theta, batch, scale, gradient, loss);
}

void net_load(Net *net, const float *theta)
{
  const NetLayer first = net->layer[0];
  memcpy(net->theta, theta, (size_t)net->parameters * sizeof *theta);
  for (int j = 0; j < first.out; j++) { /* time features first, so that folding them into the bias changes no sum */
    const float *from = theta + (int64_t)j * first.in;
    float       *to   = net->theta + (int64_t)j * first.in;
    memcpy(to, from + net->spec.n_x, (size_t)net->times * sizeof *to);
    memcpy(to + net->times, from, (size_t)net->spec.n_x * sizeof *to);
  }
}

void net_fold_time(const Net *net, float t, float *bias) { net->kernels->fold_time(net, t, bias); }

void net_forward(const Net *net, const float *bias, int n, int stride, const float *x, float *out)
{
  net->kernels->forward(net, bias, n, stride, x, out);
}

void net_forward_times(const Net *net, int n, int stride, const float *x, const float *t, float *out)
{
  net->kernels->forward_times(net, n, stride, x, t, false, out);
}

void net_hidden(const Net *net, int n, int stride, const float *x, float *hidden)
{
  if (net->spec.depth > 0) net->kernels->forward_times(net, n, stride, x, NULL, true, hidden);
}
