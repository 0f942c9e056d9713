/* SPDX-License-Identifier: BSD-2-Clause
 * Specifications of denoisers and random problems for them: graphs of all sizes, classes, features and weights. Arrays of a graph are
 * exactly as long as the graph. */
#ifndef MYOPIA_DENOISER_FIXTURE_H
#define MYOPIA_DENOISER_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "denoiser.h"
#include "memory.h"
#include "rng.h"

static const DenoiserSpec specs[] = {
    {.kind = DENOISER_FACTORED, .n = 5, .a = 1, .b = 2, .T = 7, .buckets = 7},
    {.kind = DENOISER_FACTORED, .n = 6, .a = 3, .b = 3, .T = 10, .buckets = 3},
    {.kind = DENOISER_FACTORED_BIT, .n = 16, .a = 1, .b = 2, .T = 50, .buckets = 50},
    {.kind = DENOISER_FACTORED_BIT, .n = 5, .a = 2, .b = 3, .T = 9, .buckets = 4},
    {.kind = DENOISER_FACTORED_BIT, .n = 7, .a = 8, .b = 8, .T = 5, .buckets = 1},
    {.kind = DENOISER_EDGE_MLP, .n = 16, .a = 1, .b = 2, .T = 50, .pair_features = 8, .depth = 2, .width = 32},
    {.kind          = DENOISER_EDGE_MLP,
     .n             = 6,
     .a             = 3,
     .b             = 3,
     .T             = 10,
     .pair_features = 8,
     .depth         = 3,
     .width         = 17,
     .activation    = ACTIVATION_SILU},
    {.kind = DENOISER_EDGE_MLP, .n = 5, .a = 2, .b = 5, .T = 1, .depth = 0},
    {.kind          = DENOISER_EDGE_MLP,
     .n             = 64,
     .a             = 2,
     .b             = 2,
     .T             = 20,
     .pair_features = 3,
     .depth         = 1,
     .width         = 9,
     .activation    = ACTIVATION_TANH}, /* more pairs than a batch takes */
    {.kind          = DENOISER_EDGE_MLP,
     .n             = 9,
     .a             = 1,
     .b             = 2,
     .T             = 20,
     .pair_features = 8,
     .depth         = 2,
     .width         = 20,
     .activation    = ACTIVATION_GELU},
    {.kind           = DENOISER_TRANSFORMER,
     .n              = 5,
     .a              = 2,
     .b              = 3,
     .T              = 9,
     .node_features  = 2,
     .pair_features  = 1,
     .graph_features = 1,
     .layers         = 2,
     .dx             = 16,
     .de             = 16,
     .dy             = 16,
     .heads          = 2,
     .ff_x           = 16,
     .ff_e           = 16,
     .ff_y           = 16}, /* its kernels have tests of their own; here it is one of the interface */
};
enum { SPECS = sizeof specs / sizeof *specs, PAIRWISE = SPECS - 1, GRAPHS = 7 };

static inline int pairs_of(int n) { return n * (n - 1) / 2; }

static inline const char *name_of(const DenoiserSpec *s)
{
  static char text[100];
  snprintf(text, sizeof text, "%s n %d a %d b %d T %d depth %d width %d", denoiser_names[s->kind], s->n, s->a, s->b, s->T, s->depth,
           s->width);
  return text;
}

static inline void expect_close(const char *what, const DenoiserSpec *s, int64_t at, double expected, double got, double tolerance)
{
  if (!(fabs(expected - got) <= tolerance))
    fail_msg("%s of %s at %lld: expected %.9g, got %.9g, tolerance %.2g", what, name_of(s), (long long)at, expected, got, tolerance);
}

/* Graphs of all sizes 1 .. n (the first one has n vertices), random classes, features and weights, some of them zero. */
typedef struct Problem {
  const DenoiserSpec *spec;
  int64_t             n, nodes, edges; /* parameters; logits of all graphs */
  int                 count;
  float              *theta, *gradient, *node, *edge;
  double             *theta64, *gradient64, *node64, *edge64;
  DenoiserGraph       graph[GRAPHS];
  DenoiserTarget      target[GRAPHS];
} Problem;

static inline uint8_t *classes(Rng *r, int n, int kinds)
{
  uint8_t *x = mem_calloc((size_t)n + (n == 0), 1);
  for (int i = 0; i < n; i++) x[i] = (uint8_t)rng_below(r, (uint32_t)kinds);
  return x;
}

static inline float *numbers(Rng *r, int n, double low, double high)
{
  float *x = mem_calloc((size_t)n + (n == 0), sizeof *x);
  for (int i = 0; i < n; i++) x[i] = (float)(low + (high - low) * rng_uniform(r));
  return x;
}

static inline void put_graph(const DenoiserSpec *s, Rng *r, int n, DenoiserGraph *g, DenoiserTarget *y)
{
  float *edge_weight = numbers(r, pairs_of(n), 0, 3);
  for (int i = 0; i < pairs_of(n); i++)
    if (rng_below(r, 8) == 0) edge_weight[i] = 0;
  g->n              = n;
  g->t              = 1 + (int)rng_below(r, (uint32_t)s->T);
  g->node           = classes(r, n, s->a);
  g->edge           = classes(r, pairs_of(n), s->b);
  g->node_features  = s->node_features ? numbers(r, n * s->node_features, -1, 1) : NULL;
  g->graph_features = s->graph_features ? numbers(r, s->graph_features, -1, 1) : NULL;
  g->pair_features  = s->pair_features ? numbers(r, pairs_of(n) * s->pair_features, -1, 1) : NULL;
  y->node           = classes(r, n, s->a);
  y->edge           = classes(r, pairs_of(n), s->b);
  y->node_weight    = s->a > 1 ? numbers(r, n, 0, 2) : NULL;
  y->edge_weight    = edge_weight;
}

/* theta <- the model's initial parameters, spread where that asks for nothing; and the same in double. */
static inline void put_theta(Problem *p, uint64_t key)
{
  Rng r = rng_start(key, 2, RNG_VERIFY);
  denoiser_init(p->spec, key, p->theta);
  for (int64_t i = 0; i < p->n; i++) {
    p->theta[i]   = p->spec->kind == DENOISER_TRANSFORMER ? p->theta[i]
                    : p->spec->kind == DENOISER_EDGE_MLP  ? 2 * p->theta[i]
                                                          : (float)(4 * rng_uniform(&r) - 2);
    p->theta64[i] = (double)p->theta[i];
  }
}

static inline Problem problem_create(const DenoiserSpec *s, uint64_t key)
{
  Rng     r    = rng_start(key, 1, RNG_VERIFY);
  Problem p    = {.spec = s, .n = denoiser_parameters(s), .count = s->n > 32 ? 2 : GRAPHS};
  p.nodes      = (int64_t)p.count * s->n * s->a;
  p.edges      = (int64_t)p.count * pairs_of(s->n) * s->b;
  p.theta      = mem_calloc((size_t)p.n, sizeof(float));
  p.gradient   = mem_calloc((size_t)p.n, sizeof(float));
  p.node       = mem_calloc((size_t)p.nodes, sizeof(float));
  p.edge       = mem_calloc((size_t)p.edges, sizeof(float));
  p.theta64    = mem_calloc((size_t)p.n, sizeof(double));
  p.gradient64 = mem_calloc((size_t)p.n, sizeof(double));
  p.node64     = mem_calloc((size_t)p.nodes, sizeof(double));
  p.edge64     = mem_calloc((size_t)p.edges, sizeof(double));
  for (int g = 0; g < p.count; g++) {
    const int n = g == 0 ? s->n : g == 1 ? 1 : 1 + (int)rng_below(&r, (uint32_t)s->n);
    put_graph(s, &r, s->n > 32 ? s->n - g : n, &p.graph[g], &p.target[g]);
  }
  put_theta(&p, key);
  return p;
}

static inline void drop(const void *p) { free((void *)(uintptr_t)p); }

static inline void problem_destroy(Problem *p)
{
  for (int g = 0; g < p->count; g++) {
    drop(p->graph[g].node);
    drop(p->graph[g].edge);
    drop(p->graph[g].pair_features);
    drop(p->graph[g].node_features);
    drop(p->graph[g].graph_features);
    drop(p->target[g].node);
    drop(p->target[g].edge);
    drop(p->target[g].node_weight);
    drop(p->target[g].edge_weight);
  }
  free(p->theta);
  free(p->gradient);
  free(p->node);
  free(p->edge);
  free(p->theta64);
  free(p->gradient64);
  free(p->node64);
  free(p->edge64);
}

static inline float *node_out(const Problem *p) { return p->spec->a > 1 ? p->node : NULL; }

#endif
