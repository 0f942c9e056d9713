/* SPDX-License-Identifier: BSD-2-Clause
 * Probability that a random graph of independent edges is connected, exactly, without a subtraction. Let r be the smallest vertex of a
 * set S and v the next one. Without r, v lies in a component T; S is connected exactly when T is, when an edge joins r to T, and when
 * S \ T (with r) is connected:
 *   C(S) = sum over T, v in T, r not: C(T) (1 - prod over u in T of (1 - p_ru)) C(S \ T) prod over u in T, w in S \ T \ r of (1 - p_uw).
 * Roots r descend and, for one root, the sets S \ T ascend, each handing its terms on to all larger ones; the last product comes from that
 * of one vertex less. About 3^n / 2 terms, 2^(n + 1) doubles. All terms are positive: the relative error is below 1e-12 (sums of thousands
 * of terms), also of probabilities that are tiny (Gilbert's recursion of 1959 takes them from 1). */
#include "graph_features.h"

#include <math.h>
#include <stdlib.h>

#include "graph_set.h"
#include "memory.h"

enum { INDEPENDENT_MAX = 16 };

/* Sets are bits of the vertices behind the root: bit k is vertex root + 1 + k. */
typedef struct Recursion {
  int           n, root;
  const double *p;
  double       *connected; /* (2^n) C, by bits of all vertices */
  double       *joined;    /* (2^(n - 1)) C(T) P(an edge from the root to T) */
  double       *product;   /* (2^(n - 1)) room */
} Recursion;

static double *connected_with_root(const Recursion *r, uint32_t set) { return &r->connected[(2 * set + 1) << r->root]; }

static void fill_joined(const Recursion *r)
{
  uint32_t known = 1;
  r->joined[0]   = 0;
  for (int v = r->root + 1; v < r->n; v++, known *= 2) {
    const double p = r->p[pair_index(r->root, v)];
    for (uint32_t k = 0; k < known; k++) r->joined[known + k] = p + (1 - p) * r->joined[k];
  }
  for (uint32_t k = 1; k < known; k++) r->joined[k] *= r->connected[k << (r->root + 1)];
}

/* P(no edge between `set` and vertex k). */
static double cut_of(const Recursion *r, uint32_t set, int k)
{
  double q = 1;
  for (; set; set &= set - 1) q *= 1 - r->p[pair_index(r->root + 1 + k, r->root + 1 + __builtin_ctz(set))];
  return q;
}

/* Adds the terms of S \ T = root + set to every S, T of the vertices outside, one of them before all of the set. */
static void hand_on(const Recursion *r, uint32_t set, uint32_t outside)
{
  const uint32_t before = set ? (set & -set) - 1 : outside;
  uint32_t       known = 1, t = 0;
  r->product[0] = *connected_with_root(r, set);
  for (uint32_t rest = outside; rest; rest &= rest - 1, known *= 2) {
    const double q = cut_of(r, set, __builtin_ctz(rest));
    for (uint32_t k = 0; k < known; k++) r->product[known + k] = r->product[k] * q;
  }
  for (uint32_t k = 1; k < known; k++) {
    t = (t - outside) & outside; /* the next subset of the bits outside */
    if (t & before) *connected_with_root(r, set | t) += r->product[k] * r->joined[t];
  }
}

double connected_independent(int n, const double *p)
{
  if (n < 2) return 1;
  if (n > INDEPENDENT_MAX) return NAN;
  const size_t  half = (size_t)1 << (n - 1);
  double *const room = mem_calloc(4 * half, sizeof *room);
  Recursion     r    = {.n = n, .p = p, .connected = room, .joined = room + 2 * half, .product = room + 3 * half};
  for (r.root = n - 1; r.root >= 0; r.root--) {
    const uint32_t all = (1u << (n - 1 - r.root)) - 1;
    fill_joined(&r);
    *connected_with_root(&r, 0) = 1;
    for (uint32_t set = 0; set < all; set++) hand_on(&r, set, all & ~set);
  }
  const double connected = r.connected[2 * half - 1];
  free(room);
  return connected;
}
