/* SPDX-License-Identifier: BSD-2-Clause
 * The plain reference of edge_mlp in float64: pair after pair, vertex after vertex, layer after layer. libm's functions. Nothing here is
 * fast. */
#include <stdlib.h>
#include <string.h>

#include "denoiser_edge_mlp.h"
#include "denoiser_softmax.h"
#include "memory.h"
#include "net_plan.h"

static double activate(Activation a, double z, double *slope)
{
  const double sigmoid = 1 / (1 + exp(-z)), phi = 0.5 * erfc(-z * M_SQRT1_2), density = exp(-0.5 * z * z) / sqrt(2 * M_PI);
  switch (a) {
  case ACTIVATION_RELU: *slope = z > 0; return z > 0 ? z : 0;
  case ACTIVATION_TANH: *slope = 1 - tanh(z) * tanh(z); return tanh(z);
  case ACTIVATION_SILU: *slope = sigmoid * (1 + z * (1 - sigmoid)); return z * sigmoid;
  case ACTIVATION_GELU: *slope = phi + z * density; return z * phi;
  }
  return z;
}

/* A sample on its way: values before and after, derivatives by what a layer gives. */
typedef struct Sample {
  int      layers, widest;
  NetLayer layer[NET_DEPTH_MAX + 1];
  double  *value, *slope, *delta; /* (layers + 1, widest) */
} Sample;

static Sample sample_create(const NetSpec *s)
{
  Sample m = {.layers = s->depth + 1, .widest = s->n_out};
  net_layers(s, m.layer);
  for (int l = 0; l < m.layers; l++) m.widest = m.layer[l].in > m.widest ? m.layer[l].in : m.widest;
  const size_t size = (size_t)(m.layers + 1) * (size_t)m.widest;
  m.value           = mem_calloc(size, sizeof(double));
  m.slope           = mem_calloc(size, sizeof(double));
  m.delta           = mem_calloc(size, sizeof(double));
  return m;
}

static void sample_destroy(Sample *m)
{
  free(m->value);
  free(m->slope);
  free(m->delta);
}

static const double *forward(const NetSpec *s, const double *theta, Sample *m)
{
  for (int l = 0; l < m->layers; l++) {
    const NetLayer y    = m->layer[l];
    const double  *from = m->value + l * m->widest;
    for (int j = 0; j < y.out; j++) {
      const int to = (l + 1) * m->widest + j;
      double    z  = theta[y.biases + j];
      for (int i = 0; i < y.in; i++) z += theta[y.weights + (int64_t)j * y.in + i] * from[i];
      m->value[to] = l + 1 < m->layers ? activate(s->activation, z, &m->slope[to]) : z;
    }
  }
  return m->value + m->layers * m->widest;
}

/* Adds factor times the derivatives; delta's last row holds those by the outputs. */
static void backward(const double *theta, double factor, Sample *m, double *gradient)
{
  for (int l = m->layers - 1; l >= 0; l--) {
    const NetLayer y    = m->layer[l];
    const double  *from = m->value + l * m->widest, *delta = m->delta + (l + 1) * m->widest;
    double        *to = m->delta + l * m->widest;
    memset(to, 0, (size_t)y.in * sizeof *to);
    for (int j = 0; j < y.out; j++) {
      gradient[y.biases + j] += factor * delta[j];
      for (int i = 0; i < y.in; i++) {
        gradient[y.weights + (int64_t)j * y.in + i] += factor * delta[j] * from[i];
        to[i] += theta[y.weights + (int64_t)j * y.in + i] * delta[j];
      }
    }
    for (int i = 0; l > 0 && i < y.in; i++) to[i] *= m->slope[l * m->widest + i];
  }
}

static int degree_of(const DenoiserGraph *g, int vertex)
{
  int sum = 0;
  for (int j = 1, p = 0; j < g->n; j++)
    for (int i = 0; i < j; i++, p++) sum += (i == vertex || j == vertex) && g->edge[p] > 0;
  return sum;
}

/* Inputs of pair or vertex i. */
static void put_input(const DenoiserSpec *s, int k, const DenoiserGraph *g, int i, double *x)
{
  const int classes = k == 0 ? s->b : s->a, own = k == 0 ? g->edge[i] : g->node[i];
  int       n = 0;
  for (; n < classes; n++) x[n] = n == own;
  for (int f = 0; k == 0 && f < s->pair_features; f++) x[n++] = (double)g->pair_features[(int64_t)i * s->pair_features + f];
  if (k == 1) x[n++] = (double)degree_of(g, i) / g->n;
  x[n] = (double)g->t / s->T;
}

PetscErrorCode edge_mlp_reference(const DenoiserSpec *s, const double *theta, int count, const DenoiserGraph *graph,
                                  const DenoiserTarget *target, double scale, bool with_dropout, double *node, double *edge,
                                  double *gradient, double *loss)
{
  double *const out[2] = {edge, node};
  NetSpec       net[2];
  const int     nets  = edge_mlp_nets(s, net);
  int64_t       first = 0;
  double        sum   = 0;
  PetscFunctionBeginUser;
  (void)with_dropout;
  for (int k = 0; k < nets; k++) {
    const int classes = net[k].n_out, places = k == 0 ? denoiser_pairs(s->n) : s->n;
    Sample    m = sample_create(&net[k]);
    if (gradient) memset(gradient + first, 0, (size_t)net_parameters(&net[k]) * sizeof *gradient);
    for (int g = 0; g < count; g++)
      for (int i = 0; i < (k == 0 ? denoiser_pairs(graph[g].n) : graph[g].n); i++) {
        put_input(s, k, &graph[g], i, m.value);
        const double *z = forward(&net[k], theta + first, &m);
        if (out[k]) memcpy(out[k] + ((int64_t)g * places + i) * classes, z, (size_t)classes * sizeof *z);
        if (!gradient && !loss) continue;
        const uint8_t clean = k == 0 ? target[g].edge[i] : target[g].node[i];
        const double  w     = (double)(k == 0 ? target[g].edge_weight[i] : target[g].node_weight[i]);
        sum += w * softmax_cross_entropy(classes, z, clean, m.delta + m.layers * m.widest);
        if (gradient) backward(theta + first, scale * w, &m, gradient + first);
      }
    sample_destroy(&m);
    first += net_parameters(&net[k]);
  }
  if (loss) *loss = scale * sum;
  PetscFunctionReturn(0);
}
