/* SPDX-License-Identifier: BSD-2-Clause
 * Small graphs for tests, as edge classes by pairs: families with known spectra, random ones, and other orders of their vertices. Include
 * after cmocka.h. */
#ifndef MYOPIA_TEST_SMALL_GRAPHS_H
#define MYOPIA_TEST_SMALL_GRAPHS_H

#include <math.h>
#include <string.h>

#include "graph_features.h"
#include "graph_set.h"
#include "rng.h"

enum { PAIRS_MAX = SET_NODES_MAX * (SET_NODES_MAX - 1) / 2 };

typedef struct Small {
  int      n;
  uint8_t  edge[PAIRS_MAX];
  uint64_t adjacency[SET_NODES_MAX];
} Small;

#define assert_near(expected, got, tolerance)                                                                                              \
  do {                                                                                                                                     \
    const double e_ = (expected), g_ = (got), t_ = (tolerance);                                                                            \
    if (!(fabs(e_ - g_) <= t_)) fail_msg("%s: expected %.17g, got %.17g, tolerance %.3g", #got, e_, g_, t_);                               \
  } while (0)

static inline void small_done(Small *s) { masks_of_edges(s->n, s->edge, s->adjacency); }

static inline Small small_empty(int n)
{
  Small s = {.n = n};
  return s;
}

static inline Small small_complete(int n)
{
  Small s = {.n = n};
  memset(s.edge, 1, (size_t)pair_count(n));
  small_done(&s);
  return s;
}

static inline Small small_path(int n)
{
  Small s = {.n = n};
  for (int i = 1; i < n; i++) s.edge[pair_index(i - 1, i)] = 1;
  small_done(&s);
  return s;
}

static inline Small small_cycle(int n)
{
  Small s                      = small_path(n);
  s.edge[pair_index(0, n - 1)] = 1;
  small_done(&s);
  return s;
}

/* Parts of a and b vertices; a = 1: a star. */
static inline Small small_bipartite(int a, int b)
{
  Small s = {.n = a + b};
  for (int i = 0; i < a; i++)
    for (int j = a; j < a + b; j++) s.edge[pair_index(i, j)] = 1;
  small_done(&s);
  return s;
}

static inline Small small_hypercube(int dimension)
{
  Small s = {.n = 1 << dimension};
  for (int i = 0; i < s.n; i++)
    for (int k = 0; k < dimension; k++) s.edge[pair_index(i, i ^ (1 << k))] = 1;
  small_done(&s);
  return s;
}

static inline Small small_random(int n, double p, Rng *r)
{
  Small s = {.n = n};
  for (int k = 0; k < pair_count(n); k++) s.edge[k] = rng_uniform(r) < p;
  small_done(&s);
  return s;
}

static inline Small small_beside(const Small *a, const Small *b)
{
  Small s = {.n = a->n + b->n};
  memcpy(s.edge, a->edge, (size_t)pair_count(a->n));
  for (int j = 1; j < b->n; j++)
    for (int i = 0; i < j; i++) s.edge[pair_index(a->n + i, a->n + j)] = b->edge[pair_index(i, j)];
  small_done(&s);
  return s;
}

static inline void random_order(int n, Rng *r, int *place)
{
  for (int i = 0; i < n; i++) {
    const int j = (int)rng_below(r, (uint32_t)i + 1);
    place[i]    = place[j];
    place[j]    = i;
  }
}

/* Vertex v becomes vertex place[v]. */
static inline Small small_permuted(const Small *s, const int *place)
{
  Small t = {.n = s->n};
  for (int j = 1; j < s->n; j++)
    for (int i = 0; i < j; i++) t.edge[pair_index(place[i], place[j])] = s->edge[pair_index(i, j)];
  small_done(&t);
  return t;
}

static inline bool small_joined(const Small *s, int i, int j) { return i != j && s->edge[pair_index(i, j)]; }

#endif
