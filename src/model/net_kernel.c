/* SPDX-License-Identifier: BSD-2-Clause
 * Nets on blocks of 64 samples, lane = sample: forward passes, losses and gradients. A block goes through all layers and back while it is
 * in L1; deltas take the place of the activations that they no longer need. Losses in double, in 16 virtual lanes. It does not choose
 * shapes or own memory. */
#include <string.h>

#include "kernel.h"
#include "net_outer.h"
#include "net_tile.h"
#include "net_times.h"
#include "vector_math.h"

/* z (out, NET_BLOCK) = bias + W a, with ReLU when that is the activation. w: rows `row` apart. */
static void multiply(int out, int in, const float *w, int64_t row, const float *bias, bool relu, int groups, const float *a,
                     int64_t a_stride, float *z)
{
  const Product p = {out, in, w, row, 1, bias, a, a_stride, z, z};
  if (relu)
    product(&p, groups, END_RELU);
  else
    product(&p, groups, END_LINEAR);
}

/* ReLU is done by multiply. */
static void activate(Activation kind, int units, int groups, float *a, float *slope)
{
  Vf s = {0};
  if (kind == ACTIVATION_TANH)
    for (int j = 0; j < units; j++) net_tanh_row(groups * VF_PARTS, VF_LANES, a + j * NET_BLOCK);
  if (kind == ACTIVATION_TANH || kind == ACTIVATION_RELU) return;
  for (int j = 0; j < units; j++)
    for (int at = j * NET_BLOCK; at < j * NET_BLOCK + groups * 16; at += VF_LANES) {
      vf_store(a + at, net_activate(kind, vf_load(a + at), &s));
      if (slope) vf_store(slope + at, s);
    }
}

/* a (in) <- derivatives by the units' inputs: W^T delta times the activation's derivative, in place. */
static void back(Activation kind, const NetLayer *y, const float *w, int groups, const float *delta, float *a, const float *slope)
{
  const Product p = {y->in, y->out, w, 1, y->in, NULL, delta, NET_BLOCK, a, slope ? slope : a};
  if (kind == ACTIVATION_RELU)
    product(&p, groups, END_CHAIN_RELU);
  else if (kind == ACTIVATION_TANH)
    product(&p, groups, END_CHAIN_TANH);
  else
    product(&p, groups, END_CHAIN_SLOPE);
}

/* Rows of n samples from `first` on into rows of NET_BLOCK, zeros behind. */
static void copy_rows(int rows, int first, int n, int stride, const float *from, float *to)
{
  for (int f = 0; f < rows; f++) {
    memcpy(to + f * NET_BLOCK, from + (int64_t)f * stride + first, (size_t)n * sizeof *to);
    memset(to + f * NET_BLOCK + n, 0, (size_t)(NET_BLOCK - n) * sizeof *to);
  }
}

VF_INLINE void load_inputs(Net *net, int first, int n, int stride, const float *x, const float *t, const float *weight)
{
  const NetSpec *s = &net->spec;
  copy_rows(s->n_x, first, n, stride, x, net->activation[0]);
  copy_rows(1, first, n, stride, weight, net->weight);
  if (net->times > 0) time_block(s, n, t + first, net->activation[0] + s->n_x * NET_BLOCK);
}

static void load_block(Net *net, const NetBatch *b, int first, int n)
{
  load_inputs(net, first, n, b->stride, b->x, b->t, b->weight);
  copy_rows(net->spec.n_out, first, n, b->stride, b->target, net->target);
}

static void load_classes(Net *net, const NetClassBatch *b, int first, int n)
{
  load_inputs(net, first, n, b->stride, b->x, b->t, b->weight);
  for (int i = 0; i < NET_BLOCK; i++) net->target[i] = i < n ? (float)b->label[first + i] : 0;
}

static void forward_block(Net *net, const float *theta, int groups)
{
  for (int l = 0; l < net->layers; l++) {
    const NetLayer *y    = &net->layer[l];
    float          *z    = net->activation[l + 1];
    const bool      last = l + 1 == net->layers, relu = !last && net->spec.activation == ACTIVATION_RELU;
    multiply(y->out, y->in, theta + y->weights, y->in, theta + y->biases, relu, groups, net->activation[l], NET_BLOCK, z);
    if (!last) activate(net->spec.activation, y->out, groups, z, net->slope[l + 1]);
  }
}

static double sum_lanes(double x[16])
{
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; i++) x[i] += x[i + half];
  return x[0];
}

/* Outputs become derivatives of weight (out - target)^2; sum: its lanes. */
static void residuals(Net *net, int groups, int component, double sum[16])
{
  for (int j = 0; j < net->spec.n_out; j++)
    for (int g = 0; g < groups; g++) {
      float       *out    = net->activation[net->layers] + j * NET_BLOCK + g * 16;
      const float *target = net->target + j * NET_BLOCK + g * 16, *weight = net->weight + g * 16;
      if (component >= 0 && component != j) {
        memset(out, 0, 16 * sizeof *out);
        continue;
      }
      for (int i = 0; i < 16; i++) {
        const float r = out[i] - target[i];
        sum[i] += (double)weight[i] * ((double)r * (double)r);
        out[i] = 2 * weight[i] * r;
      }
    }
}

/* Logits of the samples at `at` become derivatives of their weighted cross-entropies, which are returned without the weight. */
VF_INLINE Vf class_vector(const Net *net, int at)
{
  const int n_out = net->spec.n_out;
  float    *out   = net->activation[net->layers] + at;
  const Vf  label = vf_load(net->target + at), weight = vf_load(net->weight + at);
  Vf        most = vf_load(out), sum = (Vf){0}, own = (Vf){0};
  for (int j = 1; j < n_out; j++) most = vf_max(vf_load(out + j * NET_BLOCK), most);
  for (int j = 0; j < n_out; j++) {
    const Vf z = vf_load(out + j * NET_BLOCK) - most, e = vf_exp(z);
    own = vf_select(label == vf_splat((float)j), z, own);
    sum += e;
    vf_store(out + j * NET_BLOCK, e);
  }
  const Vf inverse = vf_splat(1) / sum;
  for (int j = 0; j < n_out; j++) {
    const Vf hit = vf_select(label == vf_splat((float)j), vf_splat(1), (Vf){0});
    vf_store(out + j * NET_BLOCK, weight * vf_fma(vf_load(out + j * NET_BLOCK), inverse, -hit));
  }
  return vf_log(sum) - own;
}

/* Outputs become derivatives of the weighted cross-entropies; sum: their lanes. */
static void class_residuals(const Net *net, int groups, double sum[16])
{
  for (int g = 0; g < groups; g++) {
    float entropy[16];
    for (int p = 0; p < VF_PARTS; p++) vf_store(entropy + p * VF_LANES, class_vector(net, g * 16 + p * VF_LANES));
    for (int i = 0; i < 16; i++) sum[i] += (double)net->weight[g * 16 + i] * (double)entropy[i];
  }
}

/* Adds |delta|^2 (|a|^2 + 1) of every sample. */
static void squares(const NetLayer *layer, int groups, const float *delta, const float *a, double sum[16])
{
  for (int g = 0; g < groups; g++) {
    float deltas[16] = {0}, inputs[16] = {0};
    for (int j = 0; j < layer->out; j++)
      for (int i = 0; i < 16; i++) deltas[i] += delta[j * NET_BLOCK + g * 16 + i] * delta[j * NET_BLOCK + g * 16 + i];
    for (int j = 0; j < layer->in; j++)
      for (int i = 0; i < 16; i++) inputs[i] += a[j * NET_BLOCK + g * 16 + i] * a[j * NET_BLOCK + g * 16 + i];
    for (int i = 0; i < 16; i++) sum[i] += (double)deltas[i] * (1 + (double)inputs[i]);
  }
}

/* From the outputs' derivatives back through all layers. norm: NULL, or lanes of the squares. */
VF_INLINE void backward_block(Net *net, const float *theta, int groups, float scale, bool fresh, float *gradient, double *norm)
{
  for (int l = net->layers - 1; l >= 0; l--) {
    const NetLayer *y     = &net->layer[l];
    const float    *delta = net->activation[l + 1];
    outer(y, groups, scale, fresh, delta, net->activation[l], net->lanes, net->sums, gradient);
    if (norm) squares(y, groups, delta, net->activation[l], norm);
    if (l > 0) back(net->spec.activation, y, theta + y->weights, groups, delta, net->activation[l], net->slope[l]);
  }
}

static void gradient_all(Net *net, const float *theta, const NetBatch *b, double scale, int component, float *gradient, double *loss,
                         double *square)
{
  double sum[16] = {0}, norm[16] = {0};
  if (b->n == 0) memset(gradient, 0, (size_t)net->parameters * sizeof *gradient);
  for (int first = 0; first < b->n; first += NET_BLOCK) {
    const int n = b->n - first < NET_BLOCK ? b->n - first : NET_BLOCK, groups = (n + 15) / 16;
    load_block(net, b, first, n);
    forward_block(net, theta, groups);
    residuals(net, groups, component, sum);
    backward_block(net, theta, groups, (float)scale, first == 0, gradient, square ? norm : NULL);
  }
  *loss = scale * sum_lanes(sum);
  if (square) *square = sum_lanes(norm);
}

static void gradient_classes(Net *net, const float *theta, const NetClassBatch *b, double scale, bool add, float *gradient, double *loss,
                             double *square)
{
  double sum[16] = {0}, norm[16] = {0};
  if (b->n == 0 && !add) memset(gradient, 0, (size_t)net->parameters * sizeof *gradient);
  for (int first = 0; first < b->n; first += NET_BLOCK) {
    const int n = b->n - first < NET_BLOCK ? b->n - first : NET_BLOCK, groups = (n + 15) / 16;
    load_classes(net, b, first, n);
    forward_block(net, theta, groups);
    class_residuals(net, groups, sum);
    backward_block(net, theta, groups, (float)scale, first == 0 && !add, gradient, square ? norm : NULL);
  }
  *loss = (add ? *loss : 0) + scale * sum_lanes(sum);
  if (square) *square = (add ? *square : 0) + sum_lanes(norm);
}

static void errors_all(Net *net, const float *theta, const NetBatch *b, double *error)
{
  memset(error, 0, (size_t)net->spec.n_out * sizeof *error);
  for (int first = 0; first < b->n; first += NET_BLOCK) {
    const int n = b->n - first < NET_BLOCK ? b->n - first : NET_BLOCK, groups = (n + 15) / 16;
    load_block(net, b, first, n);
    forward_block(net, theta, groups);
    for (int j = 0; j < net->spec.n_out; j++) {
      double sum[16] = {0};
      for (int i = 0; i < groups * 16; i++) {
        const float r = net->activation[net->layers][j * NET_BLOCK + i] - net->target[j * NET_BLOCK + i];
        sum[i % 16] += (double)net->weight[i] * ((double)r * (double)r);
      }
      error[j] += sum_lanes(sum);
    }
  }
}

/* Forward passes of net_load's parameters. */

static void fold_time(const Net *net, float t, float *bias)
{
  const NetLayer *y = &net->layer[0];
  float           times[16], feature[2 * NET_FOURIER_MAX * 16];
  for (int i = 0; i < 16; i++) times[i] = t;
  time_rows(&net->spec, 1, times, 16, feature);
  for (int j = 0; j < y->out; j++) {
    Vf sum = vf_splat(net->theta[y->biases + j]);
    for (int f = 0; f < net->times; f++) sum = vf_fma(vf_splat(net->theta[(int64_t)j * y->in + f]), vf_load(feature + f * 16), sum);
    bias[j] = sum[0];
  }
}

/* Whether ReLU belongs to layer l's product. */
static bool relu_after(const Net *net, int l, bool hidden)
{
  return net->spec.activation == ACTIVATION_RELU && l + 1 < net->layers && !(hidden && l + 2 == net->layers);
}

/* Layers from the first one's z in scratch[0] on; where the result is. */
static const float *finish_layers(const Net *net, int groups, bool hidden)
{
  const int layers = net->layers - hidden;
  for (int l = 1; l < layers; l++) {
    const NetLayer *y    = &net->layer[l];
    float          *from = net->scratch[(l - 1) % 2], *to = net->scratch[l % 2];
    activate(net->spec.activation, y->in, groups, from, NULL);
    multiply(y->out, y->in, net->theta + y->weights, y->in, net->theta + y->biases, relu_after(net, l, hidden), groups, from, NET_BLOCK,
             to);
  }
  return net->scratch[(layers - 1) % 2];
}

static void store_rows(int rows, int n, int stride, const float *from, float *to)
{
  for (int j = 0; j < rows; j++) memcpy(to + (int64_t)j * stride, from + j * NET_BLOCK, (size_t)n * sizeof *to);
}

static void forward(const Net *net, const float *bias, int n, int stride, const float *x, float *out)
{
  const NetLayer *y      = &net->layer[0];
  const int       groups = (n + 15) / 16;
  multiply(y->out, net->spec.n_x, net->theta + net->times, y->in, bias, relu_after(net, 0, false), groups, x, stride, net->scratch[0]);
  store_rows(net->spec.n_out, n, stride, finish_layers(net, groups, false), out);
}

static void forward_times(const Net *net, int n_all, int stride, const float *x, const float *t, bool hidden, float *out)
{
  const NetLayer *y = &net->layer[0];
  for (int first = 0; first < n_all; first += NET_BLOCK) {
    const int n = n_all - first < NET_BLOCK ? n_all - first : NET_BLOCK, groups = (n + 15) / 16;
    float    *in = net->scratch[1];
    if (net->times > 0) time_block(&net->spec, n, t + first, in);
    copy_rows(net->spec.n_x, first, n, stride, x, in + net->times * NET_BLOCK);
    multiply(y->out, y->in, net->theta, y->in, net->theta + y->biases, relu_after(net, 0, hidden), groups, in, NET_BLOCK, net->scratch[0]);
    store_rows(hidden ? net->spec.width : net->spec.n_out, n, stride, finish_layers(net, groups, hidden), out + first);
  }
}

const NetKernels KERNEL(net_kernels) = {gradient_all, gradient_classes, errors_all,   KERNEL(net_gradient_lanes),
                                        fold_time,    forward,          forward_times};
