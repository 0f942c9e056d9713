/* SPDX-License-Identifier: BSD-2-Clause
 * toy4's denoiser and chain against an enumeration in another style (products of matrices, resistances by counting spanning trees), against
 * known numbers, and against the real reverse step at a fixed key. */
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

enum { S = TOY_STATES, P = TOY_PAIRS };

static const GraphLossSpec losses[] = {
    {LOSS_STANDARD, 0, 0, 1}, {LOSS_EDGE_WEIGHTED, 9, 0, 1}, {LOSS_GRAPH_WEIGHTED, 9, 0, 1}, {LOSS_CLASS_WEIGHTED, 0, 4, 1}};

static double toy_marginal(double eps) { return (2 + eps) / 6; }

static void test_law(void **state)
{
  (void)state;
  double law[S], fixed[S], sum = 0, edges = 0;
  int    support = 0;
  toy_law(0.2, true, law);
  toy_law(0.2, false, fixed);
  for (int g = 0; g < S; g++) {
    sum += law[g];
    edges += law[g] * __builtin_popcount((unsigned)g);
    support += law[g] > 0;
    if (law[g] > 0) expect_near("permuted", __builtin_popcount((unsigned)g) == 2 ? 0.8 / 3 : 0.2 / 12, law[g], 1e-15);
  }
  expect_near("sum", 1, sum, 1e-15);
  expect_near("edges", 2.2, edges, 1e-14);
  assert_int_equal(support, 15);
  const int two = 1 << pair_index(0, 1) | 1 << pair_index(2, 3), path = two | 1 << pair_index(1, 2);
  for (int g = 0; g < S; g++) expect_near("fixed order", g == two ? 0.8 : g == path ? 0.2 : 0, fixed[g], 0);
  expect_near("connected", 0.2, toy_connected(law), 1e-15);
  expect_near("connected, fixed", 0.2, toy_connected(fixed), 1e-15);
  expect_near("off support", 0, toy_off_support(law, law), 0);
  expect_near("off support", 0.8 * 2 / 3 + 0.2 * 11 / 12, toy_off_support(law, fixed), 1e-15);
}

static const int ends[P][2] = {{0, 1}, {0, 2}, {1, 2}, {0, 3}, {1, 3}, {2, 3}};

static int components(int graph)
{
  int label[4] = {0, 1, 2, 3}, count = 0;
  for (int round = 0; round < 4; round++)
    for (int k = 0; k < P; k++)
      if (graph >> k & 1) {
        const int low     = label[ends[k][0]] < label[ends[k][1]] ? label[ends[k][0]] : label[ends[k][1]];
        label[ends[k][0]] = label[ends[k][1]] = low;
      }
  for (int v = 0; v < 4; v++) count += label[v] == v;
  return count;
}

/* Kirchhoff: R_eff of an edge is the share of maximal spanning forests that contain it. */
static double forest_resistance(int graph, int pair)
{
  int with = 0, all = 0;
  for (int f = 0; f < S; f++) {
    if ((f & ~graph) || components(f) != components(graph) || __builtin_popcount((unsigned)f) != 4 - components(graph)) continue;
    all++;
    with += f >> pair & 1;
  }
  return (double)with / all;
}

static double weight_of(const GraphLossSpec *loss, int graph, int pair)
{
  const bool there = graph >> pair & 1;
  if (loss->kind == LOSS_EDGE_WEIGHTED && there) return 1 + loss->lambda * forest_resistance(graph, pair);
  if (loss->kind == LOSS_CLASS_WEIGHTED && there) return loss->omega;
  if (loss->kind == LOSS_GRAPH_WEIGHTED && components(graph) == 1) return 1 + loss->lambda; /* on the data's support */
  return 1;
}

static void brute_posterior(const ToySpec *spec, double q[2][2], int s, double *phat)
{
  for (int k = 0; k < P; k++) {
    double yes = 0, no = 0;
    for (int g = 0; g < S; g++) {
      if (spec->law[g] == 0) continue;
      double joint = spec->law[g] * weight_of(&spec->loss, g, k);
      for (int l = 0; l < P; l++) joint *= q[g >> l & 1][s >> l & 1];
      if (g >> k & 1)
        yes += joint;
      else
        no += joint;
    }
    phat[k] = yes / (yes + no);
  }
}

/* law (S) of G_0: limit law times T matrices of 64 x 64. */
static void brute_chain(const ToySpec *spec, double *out)
{
  const Transition *p = spec->transition;
  for (int s = 0; s < S; s++) {
    out[s] = 1;
    for (int k = 0; k < P; k++) out[s] *= p->edge[s >> k & 1];
  }
  for (int t = p->T; t > 0; t--) {
    double q[2][2], next[S] = {0};
    forward_two(p, t, q);
    for (int s = 0; s < S; s++) {
      double phat[P], law[P][2];
      brute_posterior(spec, q, s, phat);
      for (int k = 0; k < P; k++)
        transition_mixture(2, p->edge, p->abar[t - 1], p->abar[t], s >> k & 1, (double[]){1 - phat[k], phat[k]}, law[k]);
      for (int u = 0; u < S; u++) {
        double move = 1;
        for (int k = 0; k < P; k++) move *= law[k][u >> k & 1];
        next[u] += out[s] * move;
      }
    }
    memcpy(out, next, sizeof next);
  }
}

/* A law on all 64 graphs, so that cycles of three and four and their resistances count (graph_weighted: a law on toy4's own graphs). */
static void any_law(double *law)
{
  double sum = 0;
  Rng    r   = rng_start(11, 0, RNG_DATA);
  for (int g = 0; g < S; g++) sum += law[g] = rng_exponential(&r);
  for (int g = 0; g < S; g++) law[g] /= sum;
}

static void test_against_enumeration(void **state)
{
  (void)state;
  static const int times[] = {1, 2, 4};
  double           toy[S], all[S], got[S], expected[S];
  toy_law(0.1, true, toy);
  any_law(all);
  Transition *p = make_two(ABAR_LINEAR, 4, 0.35);
  for (int l = 0; l < 4; l++)
    for (int which = 0; which < 2; which++) {
      if (which && losses[l].kind == LOSS_GRAPH_WEIGHTED) continue;
      const ToySpec spec = {.transition = p, .loss = losses[l], .law = which ? all : toy};
      char          what[128];
      for (int i = 0; i < 3; i++) {
        double q[2][2], phat[P], brute[P];
        forward_two(p, times[i], q);
        for (int s = 0; s < S; s++) {
          toy_posterior(&spec, times[i], s, phat);
          brute_posterior(&spec, q, s, brute);
          snprintf(what, sizeof what, "phat, loss %d, law %d, t %d, state %d", l, which, times[i], s);
          for (int k = 0; k < P; k++) expect_near(what, brute[k], phat[k], 1e-13);
        }
      }
      assert_int_equal(toy_chain(&spec, got), 0);
      brute_chain(&spec, expected);
      snprintf(what, sizeof what, "chain, loss %d, law %d", l, which);
      for (int s = 0; s < S; s++) expect_near(what, expected[s], got[s], 1e-13);
    }
  transition_destroy(&p);
}

static double connectivity(const GraphLossSpec *loss, double eps, int T, double *off)
{
  double      law[S], out[S], sum = 0;
  Transition *p = make_two(ABAR_COSINE, T, toy_marginal(eps));
  toy_law(eps, true, law);
  assert_int_equal(toy_chain(&(ToySpec){.transition = p, .loss = *loss, .law = law}, out), 0);
  transition_destroy(&p);
  for (int s = 0; s < S; s++) sum += out[s];
  expect_near("mass of the chain", 1, sum, 1e-11);
  *off = toy_off_support(out, law);
  return toy_connected(out);
}

static void test_known_numbers(void **state)
{
  (void)state;
  double off;
  expect_near("eps .05, T 20", 0.0661, connectivity(&losses[0], 0.05, 20, &off), 5e-5);
  expect_near("eps .05, T 50", 0.0553, connectivity(&losses[0], 0.05, 50, &off), 5e-5);
  expect_near("eps .05, T 1000", 0.0502, connectivity(&losses[0], 0.05, 1000, &off), 5e-5);
  expect_near("eps .5, T 50", 0.5021, connectivity(&losses[0], 0.5, 50, &off), 5e-5);
  expect_near("edge_weighted", 0.6449, connectivity(&losses[1], 0.05, 50, &off), 5e-5);
  expect_near("edge_weighted, off the support", 0.1945, off, 5e-5);
}

/* graph_weighted samples P(G) W(G) / Z as T grows: the law itself, not connectivity alone. */
static void test_graph_weighted_limit(void **state)
{
  (void)state;
  const double eps = 0.05, limit = eps * 10 / (eps * 10 + 1 - eps);
  double       off, before       = 1;
  for (int T = 20; T <= 1280; T *= 4) {
    const double error = fabs(connectivity(&losses[2], eps, T, &off) - limit);
    if (!(error < before / 2)) fail_msg("T %d: expected an error below half of %g, got %g", T, before, error);
    before = error;
  }
  if (!(before < 1e-3)) fail_msg("expected an error below 1e-3, got %g", before);
  double      law[S], out[S];
  Transition *p = make_two(ABAR_COSINE, 1000, toy_marginal(eps));
  toy_law(eps, true, law);
  assert_int_equal(toy_chain(&(ToySpec){.transition = p, .loss = losses[2], .law = law}, out), 0);
  for (int g = 0; g < S; g++) expect_near("tilted law", law[g] * (components(g) == 1 ? 10 : 1) / (eps * 10 + 1 - eps), out[g], 1e-3);
  transition_destroy(&p);
}

/* In fixed order only one pair is random: the chain returns P~. */
static void test_fixed_order(void **state)
{
  (void)state;
  double      law[S], out[S];
  Transition *p = make_two(ABAR_COSINE, 50, toy_marginal(0.05));
  toy_law(0.05, false, law);
  for (int l = 0; l < 4; l++) {
    const double w = losses[l].kind == LOSS_STANDARD ? 1 : losses[l].kind == LOSS_CLASS_WEIGHTED ? losses[l].omega : 1 + losses[l].lambda;
    assert_int_equal(toy_chain(&(ToySpec){.transition = p, .loss = losses[l], .law = law}, out), 0);
    expect_near("P~ in fixed order", tilted_frequency(0.05, w), toy_connected(out), 1e-5);
    expect_near("off support", 0, toy_off_support(out, law), 1e-12);
  }
  transition_destroy(&p);
}

/* The real reverse step, fed with the exact logits, against the enumerated chain: chi-square over states at a fixed key. */
static void test_monte_carlo(void **state)
{
  (void)state;
  enum { SAMPLES = 20000 };
  double      law[S], expected[S], chi = 0, rest = 1;
  int64_t     count[S] = {0}, rare = SAMPLES;
  int         degrees = 0;
  Transition *p       = make_two(ABAR_COSINE, 20, toy_marginal(0.05));
  toy_law(0.05, true, law);
  ToySpec spec = {.transition = p, .loss = losses[1], .law = law};
  assert_int_equal(toy_chain(&spec, expected), 0);
  for (uint64_t i = 0; i < SAMPLES; i++) {
    uint8_t node[4] = {0}, edge[P];
    float   logit[2 * P], node_logit[4];
    int     s = 0;
    transition_start(p, isa_level(), 21, i, 4, node, edge);
    for (int t = p->T; t > 0; t--) {
      toy_logits(&spec, t, 4, node, edge, node_logit, logit);
      transition_step(p, isa_level(), 21, i, t, 4, node_logit, logit, node, edge, NULL);
    }
    for (int k = 0; k < P; k++) s |= edge[k] << k;
    count[s]++;
  }
  for (int s = 0; s < S; s++) {
    const double mean = expected[s] * SAMPLES;
    if (mean < 10) continue;
    chi += ((double)count[s] - mean) * ((double)count[s] - mean) / mean;
    rest -= expected[s];
    rare -= count[s];
    degrees++;
  }
  if (rest * SAMPLES > 1) chi += ((double)rare - rest * SAMPLES) * ((double)rare - rest * SAMPLES) / (rest * SAMPLES);
  if (chi > degrees + 5 * sqrt(2.0 * degrees)) fail_msg("chi-square: expected about %d, got %.1f", degrees, chi);
  transition_destroy(&p);
}

/* What every denoiser learns at t = T of a permuted set, from statistics, against toy4's enumerated one: 3 x 16 graphs without bridge, 12
 * with. */
static void test_blind_is_toy(void **state)
{
  (void)state;
  enum { COUNT = 60 };
  static uint8_t size[COUNT], edge[COUNT * P], bridge[COUNT * P];
  static double  r[COUNT * P];
  double         law[S], phat[P];
  int            count = 0;
  toy_law(12.0 / COUNT, true, law);
  for (int g = 0; g < S; g++)
    for (int copy = 0; copy < (int)lround(law[g] * COUNT); copy++, count++) {
      int degree[4] = {0};
      size[count]   = 4;
      for (int k = 0; k < P; k++) degree[ends[k][0]] += g >> k & 1, degree[ends[k][1]] += g >> k & 1;
      for (int k = 0; k < P; k++) {
        edge[count * P + k]   = g >> k & 1;
        r[count * P + k]      = g >> k & 1; /* all of them are bridges of the graph */
        bridge[count * P + k] = (g >> k & 1) && degree[ends[k][0]] == 2 && degree[ends[k][1]] == 2;
      }
    }
  assert_int_equal(count, COUNT);
  const GraphSet set = {.n = 4, .pairs = P, .a = 1, .b = 2, .count = COUNT, .size = size, .edge = edge, .bridge = bridge, .resistance = r};
  const GraphSetStats stats = {.mean_edges = 2.2, .mean_components = 1.8};
  Transition         *p     = make_two(ABAR_COSINE, 1000, toy_marginal(0.2));
  for (int l = 0; l < 4; l++)
    for (int s = 0; s < S; s += 21) {
      toy_posterior(&(ToySpec){.transition = p, .loss = losses[l], .law = law}, 1000, s, phat);
      for (int k = 0; k < P; k++) expect_near("probe at T", exact_blind_frequency(&losses[l], &set, &stats), phat[k], 1e-5);
    }
  transition_destroy(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_law),           cmocka_unit_test(test_against_enumeration),
      cmocka_unit_test(test_known_numbers), cmocka_unit_test(test_graph_weighted_limit),
      cmocka_unit_test(test_fixed_order),   cmocka_unit_test(test_monte_carlo),
      cmocka_unit_test(test_blind_is_toy),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
