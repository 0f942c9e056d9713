/* SPDX-License-Identifier: BSD-2-Clause
 * The plain scalar references of the nets: float32, one sample after the other, and float64 as the oracle of finite differences. Sums run
 * over inputs in order, from the bias. libm's functions. Nothing here is fast. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "net_plan.h"

static const double pi = 3.14159265358979323846;

static double feature(const NetSpec *s, int f, double t)
{
  if (s->time == TIME_PLAIN) return t;
  if (s->time == TIME_LOG) return log(t);
  const double angle = ldexp(pi, f % s->fourier) * t;
  return f < s->fourier ? sin(angle) : cos(angle);
}

static float activate(Activation a, float z, float *slope)
{
  const float sigmoid = 1.0f / (1.0f + expf(-z)), phi = 0.5f * erfcf(-z * (float)M_SQRT1_2);
  const float tangent = tanhf(z), density = expf(-0.5f * z * z) * 0.398942280f;
  switch (a) {
  case ACTIVATION_RELU: *slope = z > 0 ? 1 : 0; return z > 0 || z != z ? z : 0;
  case ACTIVATION_TANH: *slope = 1 - tangent * tangent; return tangent;
  case ACTIVATION_SILU: *slope = sigmoid * (1 + z * (1 - sigmoid)); return z * sigmoid;
  case ACTIVATION_GELU: *slope = phi + z * density; return z * phi;
  }
  return z;
}

/* Inputs of sample i. */
static void load_sample(const NetSpec *s, const NetBatch *b, int i, float *input)
{
  for (int f = 0; f < s->n_x; f++) input[f] = b->x[(int64_t)f * b->stride + i];
  for (int f = 0; f < net_time_features(s); f++) input[s->n_x + f] = (float)feature(s, f, (double)b->t[i]);
}

typedef struct Sample {
  float *activation[NET_DEPTH_MAX + 2], *slope[NET_DEPTH_MAX + 2], *delta[NET_DEPTH_MAX + 2];
} Sample;

static void forward(const NetSpec *s, int layers, const NetLayer *layer, const float *theta, Sample *m)
{
  for (int l = 0; l < layers; l++)
    for (int j = 0; j < layer[l].out; j++) {
      const float *w = theta + layer[l].weights + (int64_t)j * layer[l].in;
      float        z = theta[layer[l].biases + j];
      for (int i = 0; i < layer[l].in; i++) z += w[i] * m->activation[l][i];
      m->activation[l + 1][j] = l + 1 < layers ? activate(s->activation, z, &m->slope[l + 1][j]) : z;
    }
}

/* Adds a sample's gradient times scale; delta[layers] is the derivative by the outputs. Returns the squared norm without scale. */
static double backward(int layers, const NetLayer *layer, const float *theta, float scale, Sample *m, float *gradient)
{
  double square = 0;
  for (int l = layers - 1; l >= 0; l--) {
    double deltas = 0, inputs = 1;
    for (int i = 0; i < layer[l].in; i++) {
      inputs += (double)m->activation[l][i] * (double)m->activation[l][i];
      m->delta[l][i] = 0;
    }
    for (int j = 0; j < layer[l].out; j++) {
      const int64_t at = layer[l].weights + (int64_t)j * layer[l].in;
      const float   d  = m->delta[l + 1][j];
      deltas += (double)d * (double)d;
      gradient[layer[l].biases + j] += scale * d;
      for (int i = 0; i < layer[l].in; i++) {
        gradient[at + i] += scale * d * m->activation[l][i];
        m->delta[l][i] += theta[at + i] * d;
      }
    }
    for (int i = 0; l > 0 && i < layer[l].in; i++) m->delta[l][i] *= m->slope[l][i];
    square += deltas * inputs;
  }
  return square;
}

static double residuals(const NetBatch *b, int i, int n_out, int component, const float *out, float *delta)
{
  double sum = 0;
  for (int j = 0; j < n_out; j++) {
    const float r = component < 0 || component == j ? out[j] - b->target[(int64_t)j * b->stride + i] : 0;
    delta[j]      = 2 * b->weight[i] * r;
    sum += (double)b->weight[i] * (double)r * (double)r;
  }
  return sum;
}

void net_reference(const NetSpec *s, const float *theta, const NetBatch *b, double scale, int component, float *out, float *gradient,
                   double *loss, double *square)
{
  NetLayer      layer[NET_DEPTH_MAX + 1];
  const int64_t n      = net_layers(s, layer);
  const int     layers = s->depth + 1;
  Sample        m;
  double        sum = 0, squares = 0;
  for (int l = 0; l <= layers; l++) {
    const size_t units = (size_t)(l < layers ? layer[l].in : s->n_out);
    m.activation[l]    = mem_calloc(units, sizeof(float));
    m.slope[l]         = mem_calloc(units, sizeof(float));
    m.delta[l]         = mem_calloc(units, sizeof(float));
  }
  if (gradient) memset(gradient, 0, (size_t)n * sizeof *gradient);
  for (int i = 0; i < b->n; i++) {
    load_sample(s, b, i, m.activation[0]);
    forward(s, layers, layer, theta, &m);
    for (int j = 0; out && j < s->n_out; j++) out[(int64_t)j * b->stride + i] = m.activation[layers][j];
    if (!gradient) continue;
    sum += residuals(b, i, s->n_out, component, m.activation[layers], m.delta[layers]);
    squares += backward(layers, layer, theta, (float)scale, &m, gradient);
  }
  if (gradient && loss) *loss = scale * sum;
  if (gradient && square) *square = squares;
  for (int l = 0; l <= layers; l++) {
    free(m.activation[l]);
    free(m.slope[l]);
    free(m.delta[l]);
  }
}

static double activate_double(Activation a, double z)
{
  switch (a) {
  case ACTIVATION_RELU: return z > 0 ? z : 0;
  case ACTIVATION_TANH: return tanh(z);
  case ACTIVATION_SILU: return z / (1 + exp(-z));
  case ACTIVATION_GELU: return 0.5 * z * erfc(-z * M_SQRT1_2);
  }
  return z;
}

double net_reference_loss(const NetSpec *s, const double *theta, const NetBatch *b, double scale, int component)
{
  NetLayer layer[NET_DEPTH_MAX + 1];
  net_layers(s, layer);
  int widest = s->n_out > s->width ? s->n_out : s->width;
  if (layer[0].in > widest) widest = layer[0].in;
  double *a = mem_calloc((size_t)widest, sizeof *a), *z = mem_calloc((size_t)widest, sizeof *z), sum = 0;
  for (int i = 0; i < b->n; i++) {
    for (int f = 0; f < s->n_x; f++) a[f] = (double)b->x[(int64_t)f * b->stride + i];
    for (int f = 0; f < net_time_features(s); f++) a[s->n_x + f] = feature(s, f, (double)b->t[i]);
    for (int l = 0; l <= s->depth; l++) {
      for (int j = 0; j < layer[l].out; j++) {
        z[j] = theta[layer[l].biases + j];
        for (int k = 0; k < layer[l].in; k++) z[j] += theta[layer[l].weights + (int64_t)j * layer[l].in + k] * a[k];
      }
      for (int j = 0; j < layer[l].out; j++) a[j] = l < s->depth ? activate_double(s->activation, z[j]) : z[j];
    }
    for (int j = 0; j < s->n_out; j++) {
      const double r = a[j] - (double)b->target[(int64_t)j * b->stride + i];
      if (component < 0 || component == j) sum += (double)b->weight[i] * r * r;
    }
  }
  free(a);
  free(z);
  return scale * sum;
}
