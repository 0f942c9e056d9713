/* SPDX-License-Identifier: BSD-2-Clause
 * Gradients of 16 models of one shape side by side, lane = seed: no sum crosses lanes, so a model's bits do not depend on its neighbours.
 * A few samples go through all layers together, so that every weight that is loaded serves them all; a derivative's sum runs over the
 * samples in order. It does not choose between this way and lane = sample. */
#include <string.h>

#include "kernel.h"
#include "net_tile.h"
#include "net_times.h"

/* Samples at once, and tiles that fit into the registers: units x samples, units x inputs. */
enum {
  TOGETHER     = VF_LANES == 16  ? 8
                 : VF_LANES == 8 ? 4
                                 : 1,
  LANE_ROWS    = VF_LANES == 4 ? 2 : 3,
  OUTER_ROWS   = VF_LANES == 16  ? 5
                 : VF_LANES == 8 ? 3
                                 : 2,
  OUTER_INPUTS = VF_LANES == 16  ? 4
                 : VF_LANES == 8 ? 3
                                 : 2,
  ROW          = TOGETHER * 16, /* floats of a unit: (samples, 16) */
};
_Static_assert((int)TOGETHER <= (int)NET_TOGETHER_MAX, "the workspace has room for the samples");

/* Rows first .. first + rows - 1 of a product; a row of z, slope and a is ROW floats, weights are vectors of 16. */
VF_INLINE void lane_tile(const Product *p, int first, const int rows, const int samples, const ProductEnd end)
{
  const float *w = p->w + first * p->row, *a = p->a;
  Vf           sum[LANE_ROWS][TOGETHER];
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int m = 0; m < samples; m++) sum[r][m] =
      end <= END_RELU ? vf_load(p->bias + (first + r) * 16) : vf_splat(0);
  for (int k = 0; k < p->terms; k++) {
    Vf x[TOGETHER];
    UNROLL for (int m = 0; m < samples; m++) x[m] = vf_load(a + m * 16);
    UNROLL for (int r = 0; r < rows; r++)
    {
      const Vf c                                         = vf_load(w + r * p->row);
      UNROLL for (int m = 0; m < samples; m++) sum[r][m] = vf_fma(c, x[m], sum[r][m]);
    }
    w += p->term;
    a += ROW;
  }
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int m = 0; m < samples; m++)
  {
    const int at = (first + r) * ROW + m * 16;
    vf_store(p->z + at, product_end(end, sum[r][m], p->z + at, p->slope + at));
  }
}

VF_INLINE void lane_rows(const Product *p, const int samples, const ProductEnd end)
{
  int first = 0;
  for (; first + LANE_ROWS <= p->rows; first += LANE_ROWS) lane_tile(p, first, LANE_ROWS, samples, end);
  for (; first < p->rows; first++) lane_tile(p, first, 1, samples, end);
}

VF_INLINE void lane_product(const Product *p, int samples, const ProductEnd end)
{
  switch (samples) {
#define CASE(n)                                                                                                                            \
  case n:                                                                                                                                  \
    if (n <= TOGETHER) lane_rows(p, n, end);                                                                                               \
    break;
    CASE(1) CASE(2) CASE(4) CASE(8)
#undef CASE
  }
}

/* gradient (rows, inputs) of the tile = (fresh) or += sum over samples of delta a. */
VF_INLINE void lane_outer_tile(int in, int samples, bool fresh, const float *delta, const float *a, float *gradient, const int rows,
                               const int inputs)
{
  Vf sum[OUTER_ROWS][OUTER_INPUTS];
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int i = 0; i < inputs; i++)
  {
    if (fresh)
      sum[r][i] = (Vf){0};
    else
      sum[r][i] = vf_load(gradient + ((int64_t)r * in + i) * 16);
  }
  for (int m = 0; m < samples; m++) {
    Vf d[OUTER_ROWS];
    UNROLL for (int r = 0; r < rows; r++) d[r] = vf_load(delta + r * ROW + m * 16);
    UNROLL for (int i = 0; i < inputs; i++)
    {
      const Vf x                                      = vf_load(a + i * ROW + m * 16);
      UNROLL for (int r = 0; r < rows; r++) sum[r][i] = vf_fma(d[r], x, sum[r][i]);
    }
  }
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int i = 0; i < inputs; i++) vf_store(gradient + ((int64_t)r * in + i) * 16, sum[r][i]);
}

VF_INLINE void lane_outer_rows(int in, int samples, bool fresh, const float *delta, const float *a, float *gradient, const int rows)
{
  int i = 0;
  for (; i + OUTER_INPUTS <= in; i += OUTER_INPUTS)
    lane_outer_tile(in, samples, fresh, delta, a + i * ROW, gradient + i * 16, rows, OUTER_INPUTS);
  for (; i < in; i++) lane_outer_tile(in, samples, fresh, delta, a + i * ROW, gradient + i * 16, rows, 1);
}

static void lane_outer(const NetLayer *y, int samples, bool fresh, const float *delta, const float *a, float *gradient)
{
  float *weights = gradient + y->weights * 16, *biases = gradient + y->biases * 16;
  int    j = 0;
  for (; j + OUTER_ROWS <= y->out; j += OUTER_ROWS)
    lane_outer_rows(y->in, samples, fresh, delta + j * ROW, a, weights + (int64_t)j * y->in * 16, OUTER_ROWS);
  for (; j < y->out; j++) lane_outer_rows(y->in, samples, fresh, delta + j * ROW, a, weights + (int64_t)j * y->in * 16, 1);
  for (j = 0; j < y->out; j++) {
    Vf sum = {0};
    if (!fresh) sum = vf_load(biases + j * 16);
    for (int m = 0; m < samples; m++) sum += vf_load(delta + j * ROW + m * 16);
    vf_store(biases + j * 16, sum);
  }
}

static void lane_activate(Activation kind, int units, int samples, float *a, float *slope)
{
  Vf s = {0};
  if (kind == ACTIVATION_TANH)
    for (int j = 0; j < units; j++) net_tanh_row(samples, 16, a + j * ROW);
  if (kind == ACTIVATION_TANH) return;
  for (int j = 0; j < units; j++)
    for (int at = j * ROW; at < j * ROW + samples * 16; at += 16) {
      vf_store(a + at, net_activate(kind, vf_load(a + at), &s));
      vf_store(slope + at, s);
    }
}

static void lanes_forward(Net *net, const float *theta, int samples, int part)
{
  for (int l = 0; l < net->layers; l++) {
    const NetLayer *y    = &net->layer[l];
    const bool      last = l + 1 == net->layers;
    float          *z    = net->lane_activation[l + 1] + part;
    const float    *w = theta + y->weights * 16 + part, *bias = theta + y->biases * 16 + part;
    const Product   p = {y->out, y->in, w, y->in * 16, 16, bias, net->lane_activation[l] + part, ROW, z, z};
    if (!last && net->spec.activation == ACTIVATION_RELU)
      lane_product(&p, samples, END_RELU);
    else
      lane_product(&p, samples, END_LINEAR);
    if (!last && net->spec.activation != ACTIVATION_RELU)
      lane_activate(net->spec.activation, y->out, samples, z, net_keeps_slope(net->spec.activation) ? net->lane_slope[l + 1] + part : NULL);
  }
}

static void lanes_backward(Net *net, const float *theta, int samples, bool fresh, int part, float *gradient)
{
  for (int l = net->layers - 1; l >= 0; l--) {
    const NetLayer *y     = &net->layer[l];
    const float    *delta = net->lane_activation[l + 1] + part;
    float          *a     = net->lane_activation[l] + part;
    lane_outer(y, samples, fresh, delta, a, gradient + part);
    if (l == 0) break;
    const Product p = {y->in,
                       y->out,
                       theta + y->weights * 16 + part,
                       16,
                       y->in * 16,
                       NULL,
                       delta,
                       ROW,
                       a,
                       net_keeps_slope(net->spec.activation) ? net->lane_slope[l] + part : a};
    if (net->spec.activation == ACTIVATION_RELU)
      lane_product(&p, samples, END_CHAIN_RELU);
    else if (net->spec.activation == ACTIVATION_TANH)
      lane_product(&p, samples, END_CHAIN_TANH);
    else
      lane_product(&p, samples, END_CHAIN_SLOPE);
  }
}

static void load_samples(Net *net, const NetLanesBatch *b, int first, int samples)
{
  const NetSpec *s = &net->spec;
  for (int m = 0; m < samples; m++) {
    float       *to = net->lane_activation[0] + m * 16;
    const float *x  = b->x + (int64_t)(first + m) * s->n_x * 16;
    for (int f = 0; f < s->n_x; f++) memcpy(to + f * ROW, x + f * 16, 16 * sizeof *to);
    if (net->times > 0) time_rows(s, 1, b->t + (int64_t)(first + m) * 16, ROW, to + s->n_x * ROW);
  }
}

/* Outputs become derivatives. */
static void lane_residuals(Net *net, const NetLanesBatch *b, int first, int samples, float twice, double loss[NET_LANES])
{
  for (int m = 0; m < samples; m++) {
    const float *weight = b->weight + (int64_t)(first + m) * 16;
    for (int j = 0; j < net->spec.n_out; j++) {
      float       *out    = net->lane_activation[net->layers] + j * ROW + m * 16;
      const float *target = b->target + ((int64_t)(first + m) * net->spec.n_out + j) * 16;
      for (int i = 0; i < 16; i++) {
        const float r = out[i] - target[i];
        loss[i] += (double)weight[i] * ((double)r * (double)r);
        out[i] = twice * weight[i] * r;
      }
    }
  }
}

void KERNEL(net_gradient_lanes)(Net *net, const float *theta, const NetLanesBatch *b, double scale, float *gradient, double loss[NET_LANES])
{
  double sum[NET_LANES] = {0};
  if (b->n == 0) memset(gradient, 0, (size_t)net->parameters * 16 * sizeof *gradient);
  for (int first = 0, samples; first < b->n; first += samples) {
    samples = TOGETHER;
    while (samples > b->n - first) samples /= 2;
    load_samples(net, b, first, samples);
    for (int part = 0; part < 16; part += VF_LANES) lanes_forward(net, theta, samples, part);
    lane_residuals(net, b, first, samples, (float)(2 * scale), sum);
    for (int part = 0; part < 16; part += VF_LANES) lanes_backward(net, theta, samples, first == 0, part, gradient);
  }
  for (int i = 0; i < NET_LANES; i++) loss[i] = scale * sum[i];
}
