/* SPDX-License-Identifier: BSD-2-Clause
 * Exact references of independent pairs against closed forms and chains of two states, and frequencies of sets against sums by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph_exact.h"
#include "rng.h"
#include "transition_fixture.h"

static const GraphLossSpec losses[] = {
    {LOSS_STANDARD, 0, 0, 1}, {LOSS_EDGE_WEIGHTED, 9, 0, 1}, {LOSS_GRAPH_WEIGHTED, 9, 0, 1}, {LOSS_CLASS_WEIGHTED, 0, 4, 1}};

static void test_tilted(void **state)
{
  (void)state;
  expect_near("w = 1", 0.3, tilted_frequency(0.3, 1), 1e-16);
  expect_near("P = .05, w = 10", 0.5 / 1.45, tilted_frequency(0.05, 10), 1e-16);
  expect_near("P = 0", 0, tilted_frequency(0, 50), 0);
  expect_near("P = 1", 1, tilted_frequency(1, 50), 0);
  assert_true(isnan(tilted_frequency(NAN, 2)));
}

/* Chain of one pair from its marginal with phat[t][bit]. */
static double pair_chain(const Transition *p, double (*phat)[2])
{
  double edge = p->edge[1];
  for (int t = p->T; t > 0; t--) {
    double from[2][2];
    for (int bit = 0; bit < 2; bit++)
      transition_mixture(2, p->edge, p->abar[t - 1], p->abar[t], bit, (double[]){1 - phat[t][bit], phat[t][bit]}, from[bit]);
    edge = edge * from[1][1] + (1 - edge) * from[0][1];
  }
  return edge;
}

static void test_bit_chain(void **state)
{
  (void)state;
  static double phat[1001][2];
  const double  tilted = tilted_frequency(0.05, 10);
  for (int T = 50; T <= 1000; T *= 20) {
    Transition *p = make_two(ABAR_COSINE, T, 0.05);
    for (int t = 1; t <= T; t++)
      for (int bit = 0; bit < 2; bit++) {
        double q[2][2];
        forward_two(p, t, q);
        const double expected = tilted * q[1][bit] / (tilted * q[1][bit] + (1 - tilted) * q[0][bit]);
        expect_near("posterior", expected, phat[t][bit] = exact_bit_posterior(p, tilted, t, bit), 1e-12);
      }
    expect_near("chain by hand", pair_chain(p, phat), exact_bit_chain(p, tilted), 1e-12);
    expect_near("P~", tilted, exact_bit_chain(p, tilted), 2 * p->abar[T] + 1e-12);
    transition_destroy(&p);
  }
  Transition *p = make_two(ABAR_COSINE, 50, 0.05);
  expect_near("P = 0", 0, exact_bit_chain(p, 0), 1e-15);
  expect_near("P = 1", 1, exact_bit_chain(p, 1), 1e-12);
  transition_destroy(&p);
}

/* One bucket of time for all t sees the mean over t of the joint law: without any myopia it generates too few rare edges in a set whose
 * limit law is that of other pairs (two K_8 of density .95: m = .44). */
static void test_one_bucket_is_less(void **state)
{
  (void)state;
  static double phat[51][2];
  Transition   *p = make_two(ABAR_COSINE, 50, 0.44);
  for (int bit = 0; bit < 2; bit++) {
    double yes = 0, no = 0, q[2][2];
    for (int t = 1; t <= 50; t++) {
      forward_two(p, t, q);
      yes += 0.05 * q[1][bit];
      no += 0.95 * q[0][bit];
    }
    for (int t = 1; t <= 50; t++) phat[t][bit] = yes / (yes + no);
  }
  const double one = pair_chain(p, phat);
  expect_near("a bucket for each t", 0.05, exact_bit_chain(p, 0.05), 1e-6);
  expect_near("one bucket", 0.022, one, 5e-4);
  transition_destroy(&p);
}

/* (11) with x_0 := phat instead of (14): 17.6 % for P = 5 %, so that this mistake would look like a cure. */
static void test_mixture_is_needed(void **state)
{
  (void)state;
  Transition *p    = make_two(ABAR_COSINE, 50, 0.44);
  double      edge = 0.44;
  for (int t = 50; t > 0; t--) {
    const double alpha = p->abar[t] / p->abar[t - 1];
    double       from[2];
    for (int bit = 0; bit < 2; bit++) {
      const double phat = exact_bit_posterior(p, 0.05, t, bit), before = p->abar[t - 1] * phat + (1 - p->abar[t - 1]) * p->edge[1];
      const double yes = before * ((bit == 1 ? alpha : 0) + (1 - alpha) * p->edge[bit]);
      const double no  = (1 - before) * ((bit == 0 ? alpha : 0) + (1 - alpha) * p->edge[bit]);
      from[bit]        = yes / (yes + no);
    }
    edge = edge * from[1] + (1 - edge) * from[0];
  }
  expect_near("x_0 := phat", 0.176, edge, 5e-4);
  expect_near("(14)", 0.05, exact_bit_chain(p, 0.05), 1e-5);
  transition_destroy(&p);
}

static void test_bit_bound(void **state)
{
  (void)state;
  static const double frequency[][2] = {{0.05, 1}, {0.05, 10}, {0.3, 4}, {0.95, 0.5}};
  for (int T = 20; T <= 1000; T *= 50)
    for (int i = 0; i < 4; i++) {
      const double f = frequency[i][0], tilted = tilted_frequency(f, frequency[i][1]);
      Transition  *p = make_two(ABAR_COSINE, T, f);
      expect_near("bound", -f * log(tilted) - (1 - f) * log(1 - tilted), exact_bit_bound(p, tilted, f), 1e-4);
      transition_destroy(&p);
    }
  Transition *p = make_two(ABAR_COSINE, 50, 0.5);
  expect_near("P = 0", 0, exact_bit_bound(p, 0, 0), 1e-6);
  assert_true(isinf(exact_bit_bound(p, 0, 0.5)));
  transition_destroy(&p);
}

/* R_eff between the ends of every present pair of a connected graph: (L + 1 1^T / n)^-1 by Gauss and Jordan. */
static void resistances(int n, const uint8_t *edge, double *out)
{
  double a[8][16] = {{0}};
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) a[i][j] = 1.0 / n;
    a[i][n + i] = 1;
  }
  for (int j = 1; j < n; j++)
    for (int i = 0; i < j; i++)
      if (edge[pair_index(i, j)]) {
        a[i][i] += 1;
        a[j][j] += 1;
        a[i][j] -= 1;
        a[j][i] -= 1;
      }
  for (int i = 0; i < n; i++) {
    const double pivot = a[i][i];
    for (int c = 0; c < 2 * n; c++) a[i][c] /= pivot;
    for (int r = 0; r < n; r++)
      for (double f = a[r][i]; r != i && f != 0; f = 0)
        for (int c = 0; c < 2 * n; c++) a[r][c] -= f * a[i][c];
  }
  for (int j = 1; j < n; j++)
    for (int i = 0; i < j; i++) {
      const int k = pair_index(i, j);
      out[k]      = edge[k] ? a[i][n + i] + a[j][n + j] - 2 * a[i][n + j] : 0;
    }
}

enum { CLIQUE = 8, CLIQUE_PAIRS = 28, CLIQUES = 500 };

typedef struct CliqueSet {
  GraphSet      set;
  GraphSetStats stats;
  double        frequency[CLIQUE_PAIRS], excess[CLIQUE_PAIRS];
} CliqueSet;

/* K_8 whose edges are there with probability `present`. Bridge class: pair 0. */
static void clique_set(double present, CliqueSet *c)
{
  static uint8_t edge[CLIQUES * CLIQUE_PAIRS], size[CLIQUES], bridge[CLIQUES * CLIQUE_PAIRS];
  static double  r[CLIQUES * CLIQUE_PAIRS];
  Rng            rng = rng_start(13, 0, RNG_DATA);
  memset(c, 0, sizeof *c);
  for (int g = 0; g < CLIQUES; g++) {
    size[g] = CLIQUE;
    for (int k = 0; k < CLIQUE_PAIRS; k++) {
      const int at = g * CLIQUE_PAIRS + k;
      edge[at]     = rng_uniform(&rng) < present;
      bridge[at]   = edge[at] && k == 0;
      c->frequency[k] += edge[at];
      c->stats.mean_edges += edge[at];
    }
    resistances(CLIQUE, edge + g * CLIQUE_PAIRS, r + g * CLIQUE_PAIRS);
    for (int k = 0; k < CLIQUE_PAIRS; k++) c->excess[k] += r[g * CLIQUE_PAIRS + k];
  }
  for (int k = 0; k < CLIQUE_PAIRS; k++) {
    c->excess[k] /= c->frequency[k];
    c->frequency[k] /= CLIQUES;
  }
  c->stats.mean_edges /= CLIQUES;
  c->set                   = (GraphSet){.n = CLIQUE, .pairs = CLIQUE_PAIRS, .a = 1, .b = 2, .count = CLIQUES};
  c->set.size              = size;
  c->set.edge              = edge;
  c->set.bridge            = bridge;
  c->set.resistance        = r;
  c->stats.mean_components = 1;
  c->stats.pair_frequency  = c->frequency;
  c->stats.pair_excess     = c->excess;
}

static void test_cliques(void **state)
{
  (void)state;
  CliqueSet c;
  double    out[CLIQUE_PAIRS], lambda = 9;
  clique_set(1, &c);
  expect_near("R_eff in K_8", 0.25, c.excess[5], 1e-14);
  exact_pair_frequency(&losses[1], &c.set, &c.stats, out);
  for (int k = 0; k < CLIQUE_PAIRS; k++) expect_near("P = 1", 1, out[k], 0);
  clique_set(0.95, &c);
  /* Foster: the mean over pairs of y R is (k - 1) / C(k, 2), so with alike pairs P~ = (P + .25 lambda) / (1 + .25 lambda). */
  double odds = 0;
  exact_pair_frequency(&losses[1], &c.set, &c.stats, out);
  for (int k = 0; k < CLIQUE_PAIRS; k++) odds += out[k] / (1 - out[k]) * (1 - c.frequency[k]) / CLIQUE_PAIRS; /* w P */
  expect_near("mean of w P", c.stats.mean_edges / CLIQUE_PAIRS + lambda * 0.25, odds, 1e-11);
  for (int k = 0; k < CLIQUE_PAIRS; k++) expect_near("P~ of a pair", (0.95 + 0.25 * lambda) / (1 + 0.25 * lambda), out[k], 0.02);
  const double blind = exact_blind_frequency(&losses[1], &c.set, &c.stats), P0 = c.stats.mean_edges / CLIQUE_PAIRS;
  expect_near("blind", (P0 + 0.25 * lambda) / (1 + 0.25 * lambda), blind, 1e-12);
}

static void test_other_losses(void **state)
{
  (void)state;
  CliqueSet c;
  double    out[CLIQUE_PAIRS];
  clique_set(0.6, &c);
  exact_pair_frequency(&losses[0], &c.set, &c.stats, out);
  for (int k = 0; k < CLIQUE_PAIRS; k++) expect_near("standard", c.frequency[k], out[k], 1e-15);
  expect_near("standard, blind", c.stats.mean_edges / CLIQUE_PAIRS, exact_blind_frequency(&losses[0], &c.set, &c.stats), 1e-15);
  exact_pair_frequency(&losses[3], &c.set, &c.stats, out);
  for (int k = 0; k < CLIQUE_PAIRS; k++) expect_near("class", 4 * c.frequency[k] / (1 + 3 * c.frequency[k]), out[k], 1e-14);
  const double m = c.stats.mean_edges;
  expect_near("class, blind", 4 * m / (4 * m + CLIQUE_PAIRS - m), exact_blind_frequency(&losses[3], &c.set, &c.stats), 1e-14);
  exact_pair_frequency(&losses[2], &c.set, &c.stats, out);
  double expected[CLIQUE_PAIRS] = {0}, total = 0, edges = 0;
  for (int g = 0; g < CLIQUES; g++) {
    const uint8_t *edge = c.set.edge + g * CLIQUE_PAIRS;
    const double   w    = edge[0] ? 1 + 9 * c.set.resistance[g * CLIQUE_PAIRS] : 1;
    total += w;
    for (int k = 0; k < CLIQUE_PAIRS; k++) expected[k] += w * edge[k], edges += w * edge[k];
  }
  for (int k = 0; k < CLIQUE_PAIRS; k++) expect_near("graph", expected[k] / total, out[k], 1e-12);
  expect_near("graph, blind", edges / total / CLIQUE_PAIRS, exact_blind_frequency(&losses[2], &c.set, &c.stats), 1e-12);
  c.set.resistance    = NULL;
  c.stats.pair_excess = NULL;
  exact_pair_frequency(&losses[1], &c.set, &c.stats, out);
  assert_true(isnan(out[0]));
  exact_pair_frequency(&losses[2], &c.set, &c.stats, out);
  assert_true(isnan(out[0]));
}

/* Graphs of several sizes: a pair counts where the graph has it. */
static void test_sizes(void **state)
{
  (void)state;
  uint8_t  size[] = {2, 3, 3}, edge[] = {1, 0, 0, /**/ 1, 0, 1, /**/ 0, 1, 1}, bridge[] = {1, 0, 0, /**/ 0, 0, 0, /**/ 0, 0, 0};
  double   r[] = {1, 0, 0, /**/ 1, 0, 1, /**/ 0, 1, 1}, out[3];
  GraphSet set = {.n = 3, .pairs = 3, .a = 1, .b = 2, .count = 3, .size = size, .edge = edge, .bridge = bridge, .resistance = r};
  exact_pair_frequency(&losses[2], &set, NULL, out);
  expect_near("pair 0", 11.0 / 12, out[0], 1e-15);
  expect_near("pair 1", 0.5, out[1], 1e-15);
  expect_near("pair 2", 1, out[2], 1e-15);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tilted),
      cmocka_unit_test(test_bit_chain),
      cmocka_unit_test(test_one_bucket_is_less),
      cmocka_unit_test(test_mixture_is_needed),
      cmocka_unit_test(test_bit_bound),
      cmocka_unit_test(test_cliques),
      cmocka_unit_test(test_other_losses),
      cmocka_unit_test(test_sizes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
