/* SPDX-License-Identifier: BSD-2-Clause
 * Problems for the tests and benchmarks of the graph transformer: random graphs, targets, weights and parameters of a specification. */
#ifndef MYOPIA_TRANSFORMER_FIXTURE_H
#define MYOPIA_TRANSFORMER_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "model/transformer.h"
#include "rng.h"

enum { FIXTURE_GRAPHS = 64 };

typedef struct Fixture {
  DenoiserSpec   spec;
  int            count;
  int64_t        parameters;
  float         *theta;
  DenoiserGraph  graph[FIXTURE_GRAPHS];
  DenoiserTarget target[FIXTURE_GRAPHS];
  void          *block[9 * FIXTURE_GRAPHS];
  int            blocks;
} Fixture;

static inline void *fixture_new(Fixture *f, size_t n, size_t size) { return f->block[f->blocks++] = mem_calloc(n, size); }

static inline uint8_t *fixture_classes(Fixture *f, Rng *r, int n, int classes)
{
  uint8_t *x = fixture_new(f, (size_t)n, 1);
  for (int i = 0; i < n; i++) x[i] = (uint8_t)rng_below(r, (uint32_t)classes);
  return x;
}

static inline float *fixture_numbers(Fixture *f, Rng *r, int n, double low, double high)
{
  float *x = fixture_new(f, (size_t)n, sizeof *x);
  for (int i = 0; i < n; i++) x[i] = (float)(low + (high - low) * rng_uniform(r));
  return x;
}

static inline void fixture_graph(Fixture *f, Rng *r, int n)
{
  const DenoiserSpec *s     = &f->spec;
  DenoiserGraph      *g     = &f->graph[f->count];
  DenoiserTarget     *t     = &f->target[f->count++];
  const int           pairs = denoiser_pairs(n);
  g->n                      = n;
  g->t                      = 1 + (int)rng_below(r, (uint32_t)s->T);
  g->dropout                = rng_u64(r);
  g->node                   = fixture_classes(f, r, n, s->a);
  g->edge                   = fixture_classes(f, r, pairs, s->b);
  g->node_features          = s->node_features ? fixture_numbers(f, r, n * s->node_features, -1, 1) : NULL;
  g->pair_features          = s->pair_features ? fixture_numbers(f, r, pairs * s->pair_features, -1, 1) : NULL;
  g->graph_features         = s->graph_features ? fixture_numbers(f, r, s->graph_features, -1, 1) : NULL;
  t->node                   = fixture_classes(f, r, n, s->a);
  t->edge                   = fixture_classes(f, r, pairs, s->b);
  t->node_weight            = s->a > 1 ? fixture_numbers(f, r, n, 0, 2) : NULL;
  t->edge_weight            = fixture_numbers(f, r, pairs, 0, 2);
}

/* Norms away from 1 and 0, so that mistakes there show. */
static inline Fixture fixture_create(const DenoiserSpec *s, int count, const int *sizes, uint64_t key)
{
  Fixture           f = {.spec = *s, .parameters = transformer_parameters(s)};
  Rng               r = rng_start(key, 0, RNG_VERIFY);
  TransformerLayout t;
  for (int k = 0; k < count; k++) fixture_graph(&f, &r, sizes[k]);
  f.theta = mem_calloc((size_t)f.parameters, sizeof *f.theta);
  transformer_init(s, key, f.theta);
  transformer_layout(s, &t);
  for (int l = 0; l < s->layers; l++) {
    const NormAt norm[] = {t.layer[l].norm_x1, t.layer[l].norm_x2, t.layer[l].norm_e1,
                           t.layer[l].norm_e2, t.layer[l].norm_y1, t.layer[l].norm_y2};
    for (int k = 0; k < 6; k++)
      for (int64_t p = norm[k].w; p >= 0 && p < 2 * norm[k].b - norm[k].w; p++) f.theta[p] += (float)(0.6 * rng_uniform(&r) - 0.3);
  }
  return f;
}

static inline void fixture_destroy(Fixture *f)
{
  for (int k = 0; k < f->blocks; k++) free(f->block[k]);
  free(f->theta);
}

static inline double *fixture_widened(int64_t n, const float *x)
{
  double *out = mem_calloc((size_t)n, sizeof *out);
  for (int64_t i = 0; i < n; i++) out[i] = (double)x[i];
  return out;
}

#endif
