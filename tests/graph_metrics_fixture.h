/* SPDX-License-Identifier: BSD-2-Clause
 * Sets of graphs made by hand, for the tests of statistics of sets of graphs. */
#ifndef MYOPIA_GRAPH_METRICS_FIXTURE_H
#define MYOPIA_GRAPH_METRICS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the headers above, which it needs */
#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_metrics.h"
#include "memory.h"
#include "rng.h"

/* A set that grows. */
typedef struct Set {
  int      n;
  int64_t  count;
  uint8_t *size, *node, *edge;
} Set;

static inline Set set_of(int n) { return (Set){.n = n}; }

/* A new graph of k vertices without edges. */
static inline uint8_t *set_add(Set *s, int k)
{
  const size_t count = (size_t)++s->count, pairs = (size_t)pair_count(s->n), n = (size_t)s->n;
  s->size            = mem_realloc(s->size, count, 1);
  s->node            = mem_realloc(s->node, count, n);
  s->edge            = mem_realloc(s->edge, count, pairs + 1);
  s->size[count - 1] = (uint8_t)k;
  memset(s->node + (count - 1) * n, 0, n);
  return memset(s->edge + (count - 1) * pairs, 0, pairs);
}

static inline GraphSample sample(const Set *s) { return (GraphSample){.n = s->n, .count = s->count, .size = s->size, .edge = s->edge}; }

static inline void set_free(Set *s)
{
  free(s->size);
  free(s->node);
  free(s->edge);
}

static inline void join(uint8_t *edge, int i, int j) { edge[pair_index(i, j)] = 1; }

static inline void random_edges(Rng *r, int k, double p, uint8_t *edge)
{
  for (int e = 0; e < pair_count(k); e++) edge[e] = rng_uniform(r) < p;
}

/* The graph with its vertices in random order, as a new one. */
static inline void add_shuffled(Set *s, Rng *r, int64_t graph)
{
  const int k = s->size[graph];
  uint8_t   order[SET_NODES_MAX], *out = set_add(s, k);
  for (int i = 0; i < k; i++) {
    const int at = (int)(rng_uniform(r) * (i + 1));
    order[i]     = order[at];
    order[at]    = (uint8_t)i;
  }
  for (int j = 1; j < k; j++)
    for (int i = 0; i < j; i++) out[pair_index(order[i], order[j])] = s->edge[graph * pair_count(s->n) + pair_index(i, j)];
}

static inline void expect_numbers(const char *what, int64_t n, const int32_t *expected, const int32_t *got)
{
  for (int64_t i = 0; i < n; i++)
    if (expected[i] != got[i]) fail_msg("%s of graph %ld: expected %d, got %d", what, (long)i, expected[i], got[i]);
}

static inline void expect_near(const char *what, double expected, double got, double tolerance)
{
  if (!(fabs(expected - got) <= tolerance)) fail_msg("%s: expected %.17g, got %.17g, tolerance %.3g", what, expected, got, tolerance);
}

/* Edges of `from` copied beside those of `to`, its vertices shifted. */
static inline void put_copy(uint8_t *to, int shift, const uint8_t *from, int k)
{
  for (int j = 1; j < k; j++)
    for (int i = 0; i < j; i++) to[pair_index(shift + i, shift + j)] = from[pair_index(i, j)];
}

static inline void cycle(uint8_t *edge, int shift, int k)
{
  for (int i = 0; i < k; i++) join(edge, shift + i, shift + (i + 1) % k);
}

#endif
