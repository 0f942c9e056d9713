/* SPDX-License-Identifier: BSD-2-Clause
 * Discrete diffusion in draws: kernels against the plain reference bit by bit on every ISA level, and against the formulas in law
 * (chi-square at fixed keys, so no test is a matter of luck); independence of streams; deterministic noise. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diffusion/transition_kernel.h"
#include "rng.h"
#include "transition_fixture.h"

static const double wide[SET_CLASSES_MAX] = {0.3, 0.05, 0.2, 0, 0.15, 0.1, 0.12, 0.08};
enum { PAIRS_MAX = 2016, NODES = SET_NODES_MAX };

static void random_classes(Rng *r, int n, int k, uint8_t *x)
{
  for (int i = 0; i < n; i++) x[i] = (uint8_t)rng_below(r, (uint32_t)k);
}

static void test_noise_is_reference(void **state)
{
  (void)state;
  static const int      sizes[]   = {1, 2, 3, 4, 9, 16, 17, 24, 33, 45, 64};
  static const uint64_t indices[] = {0, 12345, ((uint64_t)1 << 32) - 1, ((uint64_t)1 << 40) + 77};
  for (int b = 2; b <= SET_CLASSES_MAX; b += b < 4 ? 1 : 4) {
    Transition *p = make(ABAR_COSINE, 50, TRANSITION_MARGINAL, wide, b, wide, b);
    Rng         r = rng_start(3, (uint32_t)b, RNG_DATA);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      const int       n = sizes[i], pairs = pair_count(n), t = 1 + (int)(7 * i) % 50;
      const NoiseDraw draw = {.key = 99 + i, .index = indices[i % 4]};
      EntryStream     s    = {.key = draw.key, .index = draw.index, .t = (uint32_t)t, .purpose = RNG_GRAPH_NOISE};
      uint8_t         node[NODES], edge[PAIRS_MAX], noisy_node[NODES + 1], noisy_edge[PAIRS_MAX + 1];
      NoiseLimits     limit;
      random_classes(&r, n, b, node);
      random_classes(&r, pairs, b, edge);
      for (int level = 0; level <= (int)isa_level(); level++) {
        noisy_node[n] = noisy_edge[pairs] = 77;
        transition_noise(p, (IsaLevel)level, &draw, t, n, node, edge, noisy_node, noisy_edge);
        assert_true(noisy_node[n] == 77 && noisy_edge[pairs] == 77);
        transition_noise_limits(b, p->edge, p->abar[t], &limit);
        s.first = 0;
        for (int k = 0; k < pairs; k++) {
          const uint8_t expected = transition_noise_reference(&s, &limit, k, edge[k]);
          if (expected != noisy_edge[k])
            fail_msg("%s, b %d, n %d, pair %d: expected %d, got %d", isa_name((IsaLevel)level), b, n, k, expected, noisy_edge[k]);
        }
        s.first = ENTRY_NODES;
        for (int v = 0; v < n; v++) {
          const uint8_t expected = transition_noise_reference(&s, &limit, v, node[v]);
          if (expected != noisy_node[v])
            fail_msg("%s, a %d, n %d, vertex %d: expected %d, got %d", isa_name((IsaLevel)level), b, n, v, expected, noisy_node[v]);
        }
      }
    }
    transition_destroy(&p);
  }
}

static float any_logit(Rng *r)
{
  static const float odd[] = {-INFINITY, 0, -200, 95, -90, 30, NAN, INFINITY};
  const uint32_t     pick  = rng_below(r, 64);
  return pick < 8 ? odd[pick] : (float)(12 * rng_uniform(r) - 6);
}

static bool same(float a, float b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

static void test_step_is_reference(void **state)
{
  (void)state;
  static const int sizes[] = {1, 2, 3, 5, 12, 16, 24, 31, 45, 64};
  static float     logit[PAIRS_MAX * SET_CLASSES_MAX], node_logit[NODES * SET_CLASSES_MAX];
  for (int b = 2; b <= SET_CLASSES_MAX; b += b < 4 ? 1 : 4) {
    Transition *p = make(ABAR_COSINE, 50, TRANSITION_MARGINAL, wide, b, wide, b);
    Rng         r = rng_start(4, (uint32_t)b, RNG_DATA);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      const int        n = sizes[i], pairs = pair_count(n), t = i % 3 ? 1 + (int)(9 * i) % 50 : 1;
      EntryStream      s = {.key = 7 + i, .index = ((uint64_t)i << 37) + 5, .t = (uint32_t)t, .purpose = RNG_GRAPH_STEP};
      uint8_t          node[NODES], edge[PAIRS_MAX], new_node[NODES], new_edge[PAIRS_MAX + 1];
      float            probability[PAIRS_MAX + 1], expected_probability;
      StepCoefficients c;
      random_classes(&r, n, b, node);
      random_classes(&r, pairs, b, edge);
      for (int k = 0; k < pairs * b; k++) logit[k] = any_logit(&r);
      for (int k = 0; k < n * b; k++) node_logit[k] = any_logit(&r);
      transition_step_coefficients(b, p->edge, p->abar[t - 1], p->abar[t], &c);
      for (int level = 0; level <= (int)isa_level(); level++)
        for (int with = 0; with < 2; with++) {
          memcpy(new_node, node, sizeof node);
          memcpy(new_edge, edge, sizeof edge);
          new_edge[pairs]    = 77;
          probability[pairs] = 77;
          transition_step(p, (IsaLevel)level, s.key, s.index, t, n, node_logit, logit, new_node, new_edge, with ? probability : NULL);
          assert_true(new_edge[pairs] == 77 && probability[pairs] == 77);
          s.first = 0;
          for (int k = 0; k < pairs; k++) {
            const uint8_t expected = transition_step_reference(&s, &c, k, logit + k * b, edge[k], &expected_probability, NULL);
            if (expected != new_edge[k] || (with && !same(expected_probability, probability[k])))
              fail_msg("%s, b %d, n %d, t %d, pair %d: expected %d with %a, got %d with %a", isa_name((IsaLevel)level), b, n, t, k,
                       expected, (double)expected_probability, new_edge[k], (double)probability[k]);
          }
          s.first = ENTRY_NODES;
          for (int v = 0; v < n; v++) {
            const uint8_t expected = transition_step_reference(&s, &c, v, node_logit + v * b, node[v], NULL, NULL);
            if (expected != new_node[v])
              fail_msg("%s, a %d, n %d, vertex %d: expected %d, got %d", isa_name((IsaLevel)level), b, n, v, expected, new_node[v]);
          }
        }
    }
    transition_destroy(&p);
  }
}

/* The float law of a step against (14), (15) in double, relative also where it is small: a difference of logits up to 40 is rounded by
 * 2^-19 at most. */
static void test_step_law(void **state)
{
  (void)state;
  static const int horizons[] = {1, 20, 50, 1000};
  Rng              r          = rng_start(5, 0, RNG_DATA);
  double           worst      = 0;
  for (int b = 2; b <= 4; b++)
    for (int h = 0; h < 4; h++) {
      Transition *p = make(ABAR_COSINE, horizons[h], TRANSITION_MARGINAL, NULL, 1, wide, b);
      for (int trial = 0; trial < 3000; trial++) {
        const int        t = 1 + (int)rng_below(&r, (uint32_t)p->T), xt = (int)rng_below(&r, (uint32_t)b);
        StepCoefficients c;
        EntryStream      s = {0};
        float            logit[4], law[4], any;
        double           phat[4], sum = 0, expected[4], top = -INFINITY;
        for (int k = 0; k < b; k++) top = fmax(top, logit[k] = (float)(40 * rng_uniform(&r) - 20));
        for (int k = 0; k < b; k++) sum += phat[k] = exp(logit[k] - top);
        for (int k = 0; k < b; k++) phat[k] /= sum;
        transition_step_coefficients(b, p->edge, p->abar[t - 1], p->abar[t], &c);
        transition_step_reference(&s, &c, 0, logit, (uint8_t)xt, &any, law);
        transition_mixture(b, p->edge, p->abar[t - 1], p->abar[t], xt, phat, expected);
        for (int k = 0; k < b; k++)
          if (k != xt && expected[k] > 1e-30) worst = fmax(worst, fabs(law[k] / expected[k] - 1));
        expect_near("phat", 1 - phat[0], any, 2e-7);
      }
      transition_destroy(&p);
    }
  if (!(worst < 3e-6)) fail_msg("law of a step: expected a relative error below 3e-6, got %g", worst);
}

static void test_impossible_class(void **state)
{
  (void)state;
  Transition *p       = make(ABAR_COSINE, 20, TRANSITION_MARGINAL, NULL, 1, laws[1], 3);
  float       logit[] = {5, -INFINITY, 3, 0, 0, 0};
  for (int t = 1; t <= 20; t++) {
    uint8_t edge[3] = {1, 1, 1};
    float   three[9];
    for (int k = 0; k < 9; k++) three[k] = logit[k % 6];
    transition_step(p, isa_level(), 1, (uint64_t)t, t, 3, NULL, three, NULL, edge, NULL);
    assert_true(edge[0] == 1 && edge[1] == 1 && edge[2] == 1);
  }
  transition_destroy(&p);
  p = make(ABAR_COSINE, 20, TRANSITION_MARGINAL, NULL, 1, (double[]){1, 0}, 2); /* m = (1, 0): an edge never comes */
  for (int t = 1; t <= 20; t++) {
    uint8_t     edge[3] = {1, 0, 0}, node[3], noisy[3];
    const float sure[6] = {0, 50, 0, 0, 0, -50};
    transition_step(p, isa_level(), 1, (uint64_t)t, t, 3, NULL, sure, NULL, edge, NULL);
    assert_true(edge[0] == 1); /* x_t = 1 has m = 0: it can only have been there */
    if (t > 1) continue;
    assert_int_equal(edge[2], 0);
    transition_noise(p, isa_level(), &(NoiseDraw){.index = 4}, 20, 3, node, (uint8_t[]){0, 0, 0}, node, noisy);
    assert_true(noisy[0] == 0 && noisy[1] == 0 && noisy[2] == 0);
  }
  transition_destroy(&p);
}

/* t = 1 and a sure phat: x_0 is it exactly, also where the word is among the 2^-24 that a float just below 1 leaves out (entry 1311 of
 * index 5156 and 1671 of 8039). */
static void test_certain(void **state)
{
  (void)state;
  static const uint64_t indices[] = {0, 1, 2, 3, 5156, 8039};
  static float          logit[3 * PAIRS_MAX];
  assert_true(transition_word_reference(&(EntryStream){8, 5156, 1, RNG_GRAPH_STEP, 0}, 1311) > 0xffffff00u);
  assert_true(transition_word_reference(&(EntryStream){8, 8039, 1, RNG_GRAPH_STEP, 0}, 1671) > 0xffffff00u);
  for (int b = 2; b <= 3; b++) {
    Transition *p = make(ABAR_COSINE, 50, TRANSITION_MARGINAL, NULL, 1, laws[0], b);
    Rng         r = rng_start(6, 0, RNG_DATA);
    uint8_t     edge[PAIRS_MAX], clean[PAIRS_MAX];
    random_classes(&r, PAIRS_MAX, b, clean);
    for (int k = 0; k < b * PAIRS_MAX; k++) logit[k] = k % b == clean[k / b] ? 0 : -INFINITY;
    for (int i = 0; i < 6; i++)
      for (int other = 0; other < b; other++)
        for (int level = 0; level <= (int)isa_level(); level++) {
          for (int k = 0; k < PAIRS_MAX; k++) edge[k] = (uint8_t)((clean[k] + other) % b);
          transition_step(p, (IsaLevel)level, 8, indices[i], 1, 64, NULL, logit, NULL, edge, NULL);
          assert_memory_equal(edge, clean, PAIRS_MAX);
        }
    transition_destroy(&p);
  }
}

/* ---- laws of what is drawn ---- */

/* Upper limit of chi-square at 1e-6 (Wilson and Hilferty 1931, z = 4.75, a little above for few degrees). */
static double chi_limit(int degrees)
{
  const double d = degrees, c = 1 - 2 / (9 * d) + 4.9 * sqrt(2 / (9 * d));
  return d * c * c * c;
}

static void expect_law(const char *what, int k, const double *law, const int64_t *count)
{
  double  chi     = 0;
  int     degrees = -1;
  int64_t n       = 0;
  for (int c = 0; c < k; c++) n += count[c];
  for (int c = 0; c < k; c++) {
    const double expected = law[c] * (double)n;
    if (law[c] == 0 && count[c] > 0) fail_msg("%s: class %d never comes, got %lld of %lld", what, c, (long long)count[c], (long long)n);
    if (law[c] == 0) continue;
    chi += ((double)count[c] - expected) * ((double)count[c] - expected) / expected;
    degrees++;
  }
  if (degrees > 0 && chi > chi_limit(degrees)) {
    for (int c = 0; c < k; c++) print_message("class %d: expected %.1f, got %lld\n", c, law[c] * (double)n, (long long)count[c]);
    fail_msg("%s: chi-square %.2f of %d degrees, limit %.2f", what, chi, degrees, chi_limit(degrees));
  }
}

enum { GRAPHS = 250 }; /* of 64 vertices: 504,000 pairs */

static void test_noise_law(void **state)
{
  (void)state;
  static const int times[] = {1, 10, 30, 50};
  for (int b = 2; b <= 3; b++)
    for (int l = 0; l < 3; l++) {
      Transition *p = make(ABAR_COSINE, 50, TRANSITION_MARGINAL, laws[l], 3, laws[l], b);
      for (int i = 0; i < 4; i++) {
        uint8_t node[NODES], edge[PAIRS_MAX], noisy_node[NODES], noisy_edge[PAIRS_MAX];
        int64_t count[3][3] = {{0}}, node_count[3][3] = {{0}};
        char    what[128];
        for (uint64_t g = 0; g < GRAPHS; g++) {
          for (int k = 0; k < PAIRS_MAX; k++) edge[k] = (uint8_t)(k % b);
          for (int v = 0; v < NODES; v++) node[v] = (uint8_t)(v % 3);
          transition_noise(p, isa_level(), &(NoiseDraw){.key = 31, .index = g}, times[i], 64, node, edge, noisy_node, noisy_edge);
          for (int k = 0; k < PAIRS_MAX; k++) count[edge[k]][noisy_edge[k]]++;
          for (int v = 0; v < NODES; v++) node_count[node[v]][noisy_node[v]]++;
        }
        for (int x0 = 0; x0 < 3; x0++) {
          double law[3];
          snprintf(what, sizeof what, "noise: b %d, law %d, t %d, x_0 %d", b, l, times[i], x0);
          transition_forward(b, p->edge, p->abar[times[i]], x0, law);
          if (x0 < b) expect_law(what, b, law, count[x0]);
          transition_forward(3, p->node, p->abar[times[i]], x0, law);
          expect_law(what, 3, law, node_count[x0]);
        }
      }
      transition_destroy(&p);
    }
}

static void test_start_law(void **state)
{
  (void)state;
  for (int b = 2; b <= 3; b++) {
    Transition *p        = make(ABAR_COSINE, 50, TRANSITION_MARGINAL, laws[1], 3, laws[0], b);
    int64_t     count[3] = {0}, nodes[3] = {0};
    uint8_t     node[NODES], edge[PAIRS_MAX];
    for (uint64_t g = 0; g < GRAPHS; g++) {
      transition_start(p, isa_level(), 5, g, 64, node, edge);
      for (int k = 0; k < PAIRS_MAX; k++) count[edge[k]]++;
      for (int v = 0; v < NODES; v++) nodes[node[v]]++;
    }
    expect_law("start, pairs", b, p->edge, count);
    expect_law("start, vertices", 3, p->node, nodes);
    transition_destroy(&p);
  }
}

static void test_step_draws(void **state)
{
  (void)state;
  static const int    times[]   = {1, 2, 25, 50};
  static const double phat[][3] = {{0.6, 0.3, 0.1}, {0.02, 0.03, 0.95}};
  static float        logit[3 * PAIRS_MAX];
  for (int b = 2; b <= 3; b++)
    for (int l = 0; l < 3; l++) {
      Transition *p = make(ABAR_COSINE, 50, TRANSITION_MARGINAL, NULL, 1, laws[l], b);
      for (int i = 0; i < 8; i++) {
        const int t = times[i % 4];
        double    share[3], sum = 0;
        int64_t   count[3][3] = {{0}};
        for (int c = 0; c < b; c++) sum += phat[i / 4][c];
        for (int c = 0; c < b; c++) share[c] = phat[i / 4][c] / sum;
        for (int k = 0; k < PAIRS_MAX; k++)
          for (int c = 0; c < b; c++) logit[k * b + c] = (float)(log(share[c]) + 3);
        for (uint64_t g = 0; g < GRAPHS; g++) {
          uint8_t edge[PAIRS_MAX];
          for (int k = 0; k < PAIRS_MAX; k++) edge[k] = (uint8_t)(k % b);
          transition_step(p, isa_level(), 32, g, t, 64, NULL, logit, NULL, edge, NULL);
          for (int k = 0; k < PAIRS_MAX; k++) count[k % b][edge[k]]++;
        }
        for (int xt = 0; xt < b; xt++) {
          double law[3];
          char   what[128];
          snprintf(what, sizeof what, "step: b %d, law %d, t %d, x_t %d, phat %d", b, l, t, xt, i / 4);
          transition_mixture(b, p->edge, p->abar[t - 1], p->abar[t], xt, share, law);
          expect_law(what, b, law, count[xt]);
        }
      }
      transition_destroy(&p);
    }
}

/* Neighbouring entries, graphs, times and keys do not share words: agreement of two noises is what independence says. */
static void test_independence(void **state)
{
  (void)state;
  Transition     *p           = make(ABAR_COSINE, 50, TRANSITION_MARGINAL, NULL, 1, (double[]){0.5, 0.5}, 2);
  uint8_t         node[NODES] = {0}, edge[PAIRS_MAX] = {0}, other[NODES], a[PAIRS_MAX], b[PAIRS_MAX];
  const NoiseDraw first = {.key = 1, .index = 10};
  const struct {
    const char *what;
    NoiseDraw   draw;
    int         t;
  } against[] = {{"index", {.key = 1, .index = 11}, 50},
                 {"high index", {.key = 1, .index = 10 + ((uint64_t)1 << 32)}, 50},
                 {"key", {.key = 2, .index = 10}, 50},
                 {"time", {.key = 1, .index = 10}, 49},
                 {"deterministic", {.kind = EDGE_NOISE_DETERMINISTIC, .key = 1, .index = 10, .set_key = 1, .graph = 10}, 50}};
  transition_noise(p, isa_level(), &first, 50, 64, node, edge, other, a);
  for (size_t i = 0; i < sizeof against / sizeof *against; i++) {
    int equal = 0;
    transition_noise(p, isa_level(), &against[i].draw, against[i].t, 64, node, edge, other, b);
    for (int k = 0; k < PAIRS_MAX; k++) equal += a[k] == b[k];
    if (fabs(equal - 1008.0) > 5 * sqrt(504)) fail_msg("another %s: expected about 1008 equal pairs, got %d", against[i].what, equal);
  }
  for (int lag = 1; lag < 300; lag++) {
    int equal = 0, n = PAIRS_MAX - lag;
    for (int k = 0; k < n; k++) equal += a[k] == a[k + lag];
    if (fabs(equal - n / 2.0) > 5 * sqrt(n / 4.0)) fail_msg("pairs %d apart: expected about %d equal, got %d", lag, n / 2, equal);
  }
  transition_destroy(&p);
}

static void test_deterministic(void **state)
{
  (void)state;
  Transition *p           = make(ABAR_COSINE, 50, TRANSITION_MARGINAL, NULL, 1, (double[]){0.7, 0.3}, 2);
  uint8_t     node[NODES] = {0}, edge[PAIRS_MAX], other[NODES], a[PAIRS_MAX], b[PAIRS_MAX], small[6];
  double      expected = 0, variance = 0;
  int64_t     present = 0;
  for (int k = 0; k < PAIRS_MAX; k++) edge[k] = k % 4 == 0;
  NoiseDraw draw = {.kind = EDGE_NOISE_DETERMINISTIC, .key = 1, .index = 1, .set_key = 77, .graph = 3};
  transition_noise(p, isa_level(), &draw, 30, 64, node, edge, other, a);
  draw.key = 2, draw.index = 999; /* other steps and places meet the same noise */
  transition_noise(p, isa_level(), &draw, 30, 64, node, edge, other, b);
  assert_memory_equal(a, b, PAIRS_MAX);
  transition_noise(p, isa_level(), &draw, 30, 4, node, edge, other, small);
  assert_memory_equal(a, small, 6);
  transition_noise(p, isa_level(), &draw, 31, 64, node, edge, other, b);
  assert_memory_not_equal(a, b, PAIRS_MAX);
  draw.graph = 4;
  transition_noise(p, isa_level(), &draw, 30, 64, node, edge, other, b);
  assert_memory_not_equal(a, b, PAIRS_MAX);
  for (int t = 1; t <= 50; t++) /* marginal law over times and graphs */
    for (draw.graph = 0; draw.graph < 20; draw.graph++) {
      double law[2];
      transition_noise(p, isa_level(), &draw, t, 64, node, edge, other, b);
      for (int x0 = 0; x0 < 2; x0++) {
        transition_forward(2, p->edge, p->abar[t], x0, law);
        expected += law[1] * (x0 ? 504 : 1512);
        variance += law[1] * law[0] * (x0 ? 504 : 1512);
      }
      for (int k = 0; k < PAIRS_MAX; k++) present += b[k];
    }
  if (fabs((double)present - expected) > 5 * sqrt(variance))
    fail_msg("present pairs: expected %.1f within %.1f, got %lld", expected, 5 * sqrt(variance), (long long)present);
  transition_destroy(&p);
}

/* An entry's word does not depend on the graph's size. */
static void test_sizes_agree(void **state)
{
  (void)state;
  Transition *p = make(ABAR_COSINE, 50, TRANSITION_MARGINAL, laws[0], 3, laws[0], 3);
  uint8_t     large_node[NODES], large[PAIRS_MAX], small_node[NODES], small[PAIRS_MAX];
  transition_start(p, isa_level(), 3, 8, 64, large_node, large);
  for (int n = 1; n <= 64; n++) {
    transition_start(p, isa_level(), 3, 8, n, small_node, small);
    assert_memory_equal(small_node, large_node, (size_t)n);
    assert_memory_equal(small, large, (size_t)pair_count(n));
  }
  transition_destroy(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_noise_is_reference), cmocka_unit_test(test_step_is_reference), cmocka_unit_test(test_step_law),
      cmocka_unit_test(test_impossible_class),   cmocka_unit_test(test_certain),           cmocka_unit_test(test_noise_law),
      cmocka_unit_test(test_start_law),          cmocka_unit_test(test_step_draws),        cmocka_unit_test(test_independence),
      cmocka_unit_test(test_deterministic),      cmocka_unit_test(test_sizes_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
