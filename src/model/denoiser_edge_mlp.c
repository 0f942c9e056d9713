/* SPDX-License-Identifier: BSD-2-Clause
 * The denoiser edge_mlp: one perceptron for all pairs of all graphs, by the fused kernels of net.h (lane = sample), and one for vertices
 * when a > 1. Graphs are gathered into feature-major batches that stay in L2. It sees a pair's own noisy class, the features it is given,
 * and t; it computes no feature but degrees. */
#include "denoiser_edge_mlp.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "net_plan.h"

/* Samples of a batch; rows of a feature are not a power of two apart, which would put them into one set of L1. */
enum { BATCH = 16 * NET_BLOCK, STRIDE = BATCH + 16 };

int edge_mlp_nets(const DenoiserSpec *s, NetSpec net[2])
{
  net[0] = (NetSpec){
      .n_x = s->b + s->pair_features, .n_out = s->b, .depth = s->depth, .width = s->width, .activation = s->activation, .time = TIME_PLAIN};
  net[1] = net[0];

  net[1].n_x   = s->a + 1;
  net[1].n_out = s->a;
  return s->a > 1 ? 2 : 1;
}

static int64_t parameters(const DenoiserSpec *s)
{
  NetSpec   net[2];
  const int nets = edge_mlp_nets(s, net);
  return net_parameters(&net[0]) + (nets == 2 ? net_parameters(&net[1]) : 0);
}

static double flops(const DenoiserSpec *s, int n)
{
  NetSpec   net[2];
  const int nets = edge_mlp_nets(s, net);
  return denoiser_pairs(n) * net_flops(&net[0]) + (nets == 2 ? n * net_flops(&net[1]) : 0);
}

static double step_seconds(const DenoiserSpec *s, int n) { return 3 * flops(s, n) / 200e9 + 8e-9 * (denoiser_pairs(n) + n); }

static void init(const DenoiserSpec *s, uint64_t key, float *theta)
{
  Rng       rng = rng_start(key, 0, RNG_NET);
  NetSpec   net[2];
  const int nets = edge_mlp_nets(s, net);
  for (int k = 0; k < nets; k++) {
    net_init_from(&net[k], INIT_KAIMING, &rng, theta);
    theta += net_parameters(&net[k]);
  }
}

static void name_part(DenoiserPart *part, const char *name, int64_t first, int64_t last)
{
  part->first = first;
  part->last  = last;
  strcpy(part->name, name);
}

/* Layers of the pairs' net; the vertices' net is one part. */
static int parts(const DenoiserSpec *s, DenoiserPart *out)
{
  NetSpec   net[2];
  NetLayer  layer[NET_DEPTH_MAX + 1];
  const int nets = edge_mlp_nets(s, net);
  net_layers(&net[0], layer);
  for (int l = 0; l <= s->depth; l++) {
    char name[16] = "layer ";
    name[6]       = (char)('0' + l); /* NET_DEPTH_MAX has one digit */
    name_part(&out[l], l == s->depth ? "output" : l == 0 ? "input" : name, layer[l].weights, layer[l].biases + layer[l].out);
  }
  if (nets == 2) name_part(&out[s->depth + 1], "nodes", net_parameters(&net[0]), parameters(s));
  return s->depth + nets;
}

static const char *check(const DenoiserSpec *s, char message[256])
{
  if (s->depth < 0 || s->depth > NET_DEPTH_MAX)
    snprintf(message, 256, "the depth of an edge_mlp must be between 0 and %d, not %d", NET_DEPTH_MAX, s->depth);
  else if (s->depth > 0 && (s->width < 1 || s->width > NET_WIDTH_MAX))
    snprintf(message, 256, "the width of an edge_mlp must be between 1 and %d, not %d", NET_WIDTH_MAX, s->width);
  else if (s->activation < ACTIVATION_RELU || s->activation > ACTIVATION_GELU)
    snprintf(message, 256, "an edge_mlp has no activation number %d", (int)s->activation);
  else
    return NULL;
  return message;
}

typedef struct EdgeMlp {
  DenoiserSpec spec;
  int          nets;
  Net         *net[2];
  int64_t      first[3]; /* in the parameters; [nets]: all */
  const float *theta;
  float       *x, *t, *weight, *out; /* (inputs, STRIDE), (STRIDE), (STRIDE), (classes, STRIDE) */
  float       *own;                  /* (P) a graph's own gradient */
  uint8_t     *label;                /* (BATCH) */
} EdgeMlp;

static void destroy(void *work)
{
  EdgeMlp *m = work;
  if (!m) return;
  for (int k = 0; k < m->nets; k++) net_destroy(&m->net[k]);
  free(m->x);
  free(m->t);
  free(m->weight);
  free(m->out);
  free(m->own);
  free(m->label);
  free(m);
}

static PetscErrorCode create(const DenoiserSpec *spec, IsaLevel isa, void **work)
{
  EdgeMlp *m = mem_calloc(1, sizeof *m);
  NetSpec  net[2];
  PetscFunctionBeginUser;
  *work             = m;
  m->spec           = *spec;
  const int nets    = edge_mlp_nets(spec, net);
  const int inputs  = net[1].n_x > net[0].n_x ? net[1].n_x : net[0].n_x;
  const int classes = spec->a > spec->b ? spec->a : spec->b;
  for (; m->nets < nets; m->nets++) {
    PetscCall(net_create(&net[m->nets], isa, &m->net[m->nets]));
    m->first[m->nets + 1] = m->first[m->nets] + net_parameters(&net[m->nets]);
  }
  m->x      = mem_calloc((size_t)inputs * STRIDE, sizeof *m->x);
  m->t      = mem_calloc(STRIDE, sizeof *m->t);
  m->weight = mem_calloc(STRIDE, sizeof *m->weight);
  m->out    = mem_calloc((size_t)classes * STRIDE, sizeof *m->out);
  m->own    = mem_calloc((size_t)m->first[nets], sizeof *m->own);
  m->label  = mem_calloc(BATCH, sizeof *m->label);
  PetscFunctionReturn(0);
}

static void load(void *work, const float *theta)
{
  EdgeMlp *m = work;
  m->theta   = theta;
  for (int k = 0; k < m->nets; k++) net_load(m->net[k], theta + m->first[k]);
}

/* One-hot classes of n samples: rows STRIDE apart. */
static void put_classes(int classes, int n, const uint8_t *class, float *x)
{
  for (int c = 0; c < classes; c++)
    for (int i = 0; i < n; i++) x[c * STRIDE + i] = class[i] == c ? 1 : 0;
}

/* degree / n of the vertices first .. first + n - 1. */
static void put_degrees(const DenoiserGraph *g, int first, int n, float *x)
{
  int degree[DENOISER_NODES_MAX] = {0};
  for (int j = 1, p = 0; j < g->n; j++)
    for (int i = 0; i < j; i++, p++) {
      degree[i] += g->edge[p] > 0;
      degree[j] += g->edge[p] > 0;
    }
  for (int i = 0; i < n; i++) x[i] = (float)degree[first + i] / (float)g->n;
}

/* Inputs of net k of n pairs or vertices of a graph from `first` on, as samples from `at` on. */
static void put_inputs(const EdgeMlp *m, int k, const DenoiserGraph *g, int first, int n, int at)
{
  const DenoiserSpec *s        = &m->spec;
  const int           features = s->pair_features, classes = k == 0 ? s->b : s->a;
  const float         t  = (float)g->t / (float)s->T;
  float              *to = m->x + classes * STRIDE + at;
  put_classes(classes, n, (k == 0 ? g->edge : g->node) + first, m->x + at);
  for (int i = 0; i < n; i++) m->t[at + i] = t;
  if (k == 1)
    put_degrees(g, first, n, to);
  else
    for (int f = 0; f < features; f++)
      for (int i = 0; i < n; i++) to[f * STRIDE + i] = g->pair_features[(int64_t)(first + i) * features + f];
}

static int samples_of(const DenoiserGraph *g, int k) { return k == 0 ? denoiser_pairs(g->n) : g->n; }

static void forward(void *work, int count, const DenoiserGraph *graph, float *node, float *edge)
{
  EdgeMlp *m = work;
  for (int k = 0; k < m->nets; k++) {
    const int     classes = k == 0 ? m->spec.b : m->spec.a;
    const int64_t row     = (int64_t)classes * (k == 0 ? denoiser_pairs(m->spec.n) : m->spec.n);
    for (int g = 0; g < count; g++)
      for (int first = 0, all = samples_of(&graph[g], k); first < all; first += BATCH) {
        const int n  = all - first < BATCH ? all - first : BATCH;
        float    *to = (k == 0 ? edge : node) + g * row + (int64_t)first * classes;
        put_inputs(m, k, &graph[g], first, n, 0);
        net_forward_times(m->net[k], n, STRIDE, m->x, m->t, m->out);
        for (int i = 0; i < n; i++)
          for (int c = 0; c < classes; c++) to[i * classes + c] = m->out[c * STRIDE + i];
      }
  }
}

/* Gradient of net k over all graphs, one batch after the other. */
static void gradient_net(EdgeMlp *m, int k, int count, const DenoiserGraph *graph, const DenoiserTarget *target, double scale,
                         float *gradient, double *loss)
{
  NetClassBatch batch = {.stride = STRIDE, .x = m->x, .t = m->t, .label = m->label, .weight = m->weight};
  bool          add   = false;
  for (int g = 0; g < count; g++)
    for (int first = 0, all = samples_of(&graph[g], k); first < all;) {
      const int n = all - first < BATCH - batch.n ? all - first : BATCH - batch.n;
      put_inputs(m, k, &graph[g], first, n, batch.n);
      memcpy(m->label + batch.n, (k == 0 ? target[g].edge : target[g].node) + first, (size_t)n);
      memcpy(m->weight + batch.n, (k == 0 ? target[g].edge_weight : target[g].node_weight) + first, (size_t)n * sizeof *m->weight);
      first += n;
      batch.n += n;
      if (batch.n < BATCH) continue;
      net_gradient_classes(m->net[k], m->theta + m->first[k], &batch, scale, add, gradient, loss, NULL);
      add     = true;
      batch.n = 0;
    }
  if (batch.n > 0 || !add) net_gradient_classes(m->net[k], m->theta + m->first[k], &batch, scale, add, gradient, loss, NULL);
}

static double gradient_sum(EdgeMlp *m, int count, const DenoiserGraph *graph, const DenoiserTarget *target, double scale, float *gradient)
{
  double sum = 0, loss = 0;
  for (int k = 0; k < m->nets; k++) {
    gradient_net(m, k, count, graph, target, scale, gradient + m->first[k], &loss);
    sum += loss;
  }
  return sum;
}

/* Squares need every graph's own gradient; the sum is computed as without them, so that its bits stay. */
static void gradient_all(void *work, int count, const DenoiserGraph *graph, const DenoiserTarget *target, double scale, float *gradient,
                         double *loss, double *square)
{
  EdgeMlp *m = work;
  *loss      = gradient_sum(m, count, graph, target, scale, gradient);
  if (!square) return;
  *square = 0;
  for (int g = 0; g < count; g++) {
    (void)gradient_sum(m, 1, graph + g, target + g, 1, m->own);
    for (int64_t p = 0; p < m->first[m->nets]; p++) *square += (double)m->own[p] * (double)m->own[p];
  }
}

const DenoiserOps denoiser_edge_mlp = {parameters, flops,   step_seconds, init,    parts,        check,
                                       create,     destroy, load,         forward, gradient_all, edge_mlp_reference};
