/* SPDX-License-Identifier: BSD-2-Clause
 * Small connected graphs of many kinds for the tests of the resistance methods, each a function of (family, weighted, seed). */
#ifndef MYOPIA_SKETCH_FAMILIES_H
#define MYOPIA_SKETCH_FAMILIES_H

#include <math.h>
#include <stdlib.h>

#include "graph.h"
#include "rng.h"

typedef struct FamilyEdges {
  int64_t  n, m, capacity, *u, *v;
  uint8_t *joined; /* (n, n) */
} FamilyEdges;

static inline void family_start(FamilyEdges *e, int64_t n)
{
  *e        = (FamilyEdges){.n = n, .capacity = n * (n - 1) / 2 + 1};
  e->u      = calloc((size_t)e->capacity, sizeof *e->u);
  e->v      = calloc((size_t)e->capacity, sizeof *e->v);
  e->joined = calloc((size_t)(n * n), 1);
}

static inline void family_add(FamilyEdges *e, int64_t a, int64_t b)
{
  if (a == b || e->joined[a * e->n + b]) return;
  e->joined[a * e->n + b] = e->joined[b * e->n + a] = 1;
  e->u[e->m]                                        = a;
  e->v[e->m++]                                      = b;
}

static inline void family_path(FamilyEdges *e, int64_t first, int64_t last)
{
  for (int64_t i = first; i < last; i++) family_add(e, i, i + 1);
}

static inline void family_clique(FamilyEdges *e, int64_t first, int64_t size)
{
  for (int64_t i = first; i < first + size; i++)
    for (int64_t j = i + 1; j < first + size; j++) family_add(e, i, j);
}

static inline void family_tree(FamilyEdges *e, Rng *rng)
{
  for (int64_t i = 1; i < e->n; i++) family_add(e, i, rng_below(rng, (uint32_t)i));
}

static inline void family_random(FamilyEdges *e, Rng *rng, int64_t draws)
{
  for (int64_t k = 0; k < draws; k++) family_add(e, rng_below(rng, (uint32_t)e->n), rng_below(rng, (uint32_t)e->n));
}

static inline void make_edge(FamilyEdges *e, Rng *rng)
{
  (void)rng;
  family_start(e, 2);
  family_add(e, 1, 0);
}
static inline void make_path(FamilyEdges *e, Rng *rng)
{
  (void)rng;
  family_start(e, 40);
  family_path(e, 0, 39);
}
static inline void make_star(FamilyEdges *e, Rng *rng)
{
  (void)rng;
  family_start(e, 30);
  for (int64_t i = 0; i < 30; i++) family_add(e, 17, i);
}
static inline void make_tree(FamilyEdges *e, Rng *rng)
{
  family_start(e, 60);
  family_tree(e, rng);
}
static inline void make_caterpillar(FamilyEdges *e, Rng *rng)
{
  family_start(e, 60);
  family_path(e, 0, 19);
  for (int64_t i = 20; i < 60; i++) family_add(e, i, rng_below(rng, 20));
}
static inline void make_cycle(FamilyEdges *e, Rng *rng)
{
  make_path(e, rng);
  family_add(e, 39, 0);
}
static inline void make_ladder_of_triangles(FamilyEdges *e, Rng *rng) /* a strip: series-parallel */
{
  (void)rng;
  family_start(e, 30);
  for (int64_t i = 0; i < 29; i++) {
    family_add(e, i, i + 1);
    if (i < 28) family_add(e, i, i + 2);
  }
}
static inline void make_theta(FamilyEdges *e, Rng *rng) /* many paths between two vertices, pendant paths on them */
{
  (void)rng;
  family_start(e, 60);
  for (int64_t k = 0; k < 10; k++) {
    const int64_t first = 2 + 5 * k;
    family_add(e, 0, first);
    family_path(e, first, first + k % 4);
    family_add(e, first + k % 4, 1);
    for (int64_t i = first + k % 4; i < first + 4; i++) family_add(e, i, i + 1);
  }
  family_path(e, 51, 59);
}
static inline void make_complete(FamilyEdges *e, Rng *rng)
{
  (void)rng;
  family_start(e, 20);
  family_clique(e, 0, 20);
}
static inline void make_barbell(FamilyEdges *e, Rng *rng)
{
  (void)rng;
  family_start(e, 30);
  family_clique(e, 0, 12);
  family_path(e, 11, 18);
  family_clique(e, 18, 12);
}
static inline void make_grid(FamilyEdges *e, Rng *rng)
{
  (void)rng;
  family_start(e, 80);
  for (int64_t i = 0; i < 80; i++) {
    if (i % 10 < 9) family_add(e, i, i + 1);
    if (i < 70) family_add(e, i, i + 10);
  }
}
static inline void make_hypercube(FamilyEdges *e, Rng *rng)
{
  (void)rng;
  family_start(e, 64);
  for (int64_t i = 0; i < 64; i++)
    for (int b = 0; b < 6; b++) family_add(e, i, i ^ (int64_t)1 << b);
}
static inline void make_bipartite(FamilyEdges *e, Rng *rng) /* hubs with hundreds of common neighbours of degree 2 and 3 */
{
  family_start(e, 90);
  for (int64_t i = 6; i < 90; i++)
    for (int64_t k = 0; k < 2 + i % 2; k++) family_add(e, i, rng_below(rng, 6));
  family_path(e, 0, 5);
}
static inline void make_sparse(FamilyEdges *e, Rng *rng)
{
  family_start(e, 90);
  family_tree(e, rng);
  family_random(e, rng, 45);
}
static inline void make_dense(FamilyEdges *e, Rng *rng)
{
  family_start(e, 60);
  family_tree(e, rng);
  family_random(e, rng, 700);
}
static inline void make_power_law(FamilyEdges *e, Rng *rng)
{
  family_start(e, 100);
  for (int64_t i = 1; i < 100; i++)
    for (int k = 0; k < 3; k++) {
      const double x = rng_uniform(rng);
      family_add(e, i, (int64_t)(x * x * x * (double)i));
    }
}
static inline void make_chained_cliques(FamilyEdges *e, Rng *rng)
{
  family_start(e, 60);
  for (int64_t c = 0; c < 6; c++) {
    family_clique(e, 10 * c, 9);
    if (c > 0) family_add(e, 10 * c, 10 * c - 4);
    family_add(e, 10 * c + 9, 10 * c + 8);
  }
  family_random(e, rng, 6);
}

typedef struct Family {
  const char *name;
  void (*make)(FamilyEdges *, Rng *);
  bool series_parallel; /* elimination of degrees 1 and 2 leaves nothing */
} Family;

static const Family families[] = {
    {"edge", make_edge, true},
    {"path", make_path, true},
    {"star", make_star, true},
    {"tree", make_tree, true},
    {"caterpillar", make_caterpillar, true},
    {"cycle", make_cycle, true},
    {"strip", make_ladder_of_triangles, true},
    {"theta", make_theta, true},
    {"complete", make_complete, false},
    {"barbell", make_barbell, false},
    {"grid", make_grid, false},
    {"hypercube", make_hypercube, false},
    {"bipartite", make_bipartite, false},
    {"sparse", make_sparse, false},
    {"dense", make_dense, false},
    {"power law", make_power_law, false},
    {"cliques", make_chained_cliques, false},
};
enum { FAMILIES = sizeof families / sizeof families[0] };

/* Weights: 10^uniform(-2, 1). */
static inline Graph *family_graph(int family, bool weighted, uint64_t seed)
{
  FamilyEdges e;
  Graph      *g   = NULL;
  Rng         rng = rng_start(seed, (uint32_t)family, RNG_GRAPH);
  families[family].make(&e, &rng);
  double *weight = calloc((size_t)e.m, sizeof *weight);
  for (int64_t k = 0; k < e.m; k++) weight[k] = pow(10, 3 * rng_uniform(&rng) - 2);
  if (graph_create(e.n, e.m, e.u, e.v, weighted ? weight : NULL, &g)) abort();
  free(weight);
  free(e.u);
  free(e.v);
  free(e.joined);
  return g;
}

#endif
