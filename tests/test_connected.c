/* SPDX-License-Identifier: BSD-2-Clause
 * Exact connectivity (connected.h) against enumeration of all graphs, all subsets and all orders of drawing on tiny chains, against closed
 * forms, and against the independent values known for the paper's experiments I-III. */
#include "connected.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void expect_near(const char *what, double got, double expected, double tolerance)
{
  if (isnan(expected) ? isnan(got) : fabs(got - expected) <= tolerance) return;
  fail_msg("%s: expected %.12g, got %.12g, tolerance %g", what, expected, got, tolerance);
}

static double binomial(int64_t n, int64_t k)
{
  double b = 1;
  for (int64_t i = 0; i < k; i++) b = b * (double)(n - i) / (double)(i + 1);
  return b;
}

static bool is_connected(const Graph *g, uint64_t subset)
{
  uint8_t keep[64];
  int64_t component[64];
  for (int64_t e = 0; e < g->m; e++) keep[e] = subset >> e & 1;
  return graph_components(g, keep, component) == 1;
}

static Graph *build(const CliqueChain *chain)
{
  Graph *g = NULL;
  assert_int_equal(graph_clique_chain(chain, NULL, &g), 0);
  return g;
}

/* --- connected graphs by edges --- */

static void count_matches_all_graphs(void **state)
{
  (void)state;
  mpz_t count;
  mpz_init(count);
  for (int64_t n = 1; n <= 6; n++) {
    const CliqueChain complete = {.n_cliques = 1, .size = {n}};
    Graph            *g        = build(&complete);
    int64_t           seen[16] = {0};
    for (uint64_t subset = 0; subset < 1ull << g->m; subset++)
      if (is_connected(g, subset)) seen[__builtin_popcountll(subset)]++;
    for (int64_t m = 0; m <= g->m; m++) {
      assert_int_equal(connected_count(n, m, count), 0);
      expect_near("C(n, m) against all graphs", mpz_get_d(count), (double)seen[m], 0);
    }
    assert_int_equal(connected_count(n, g->m + 1, count), 0);
    assert_int_equal(mpz_sgn(count), 0);
    graph_destroy(&g);
  }
  mpz_clear(count);
}

static void count_of_trees_is_cayley(void **state)
{
  (void)state;
  mpz_t count, cayley;
  mpz_inits(count, cayley, NULL);
  for (unsigned long n = 2; n <= 24; n++) {
    assert_int_equal(connected_count((int64_t)n, (int64_t)n - 1, count), 0);
    mpz_ui_pow_ui(cayley, n, n - 2);
    if (mpz_cmp(count, cayley)) fail_msg("trees on %lu vertices: expected n^(n-2), got %.17g", n, mpz_get_d(count));
    assert_int_equal(connected_count((int64_t)n, (int64_t)n - 2, count), 0);
    assert_int_equal(mpz_sgn(count), 0);
  }
  mpz_clears(count, cayley, NULL);
}

/* --- pools, against all subsets --- */

/* Compares every number of draws. */
static void compare_with_subsets(const CliqueChain *chain, const uint8_t *fate)
{
  Graph   *g    = build(chain);
  uint64_t kept = 0, pool = 0;
  double   good[64] = {0};
  for (int64_t e = 0; e < g->m; e++) {
    kept |= (uint64_t)(fate[e] == FATE_KEPT) << e;
    pool |= (uint64_t)(fate[e] == FATE_POOL) << e;
  }
  uint64_t subset = 0;
  do {
    good[__builtin_popcountll(subset)] += is_connected(g, kept | subset);
    subset = (subset - pool) & pool;
  } while (subset);
  const int64_t size = __builtin_popcountll(pool);
  for (int64_t draw = 0; draw <= size; draw++) {
    double p = -1;
    assert_int_equal(connected_probability_pool(chain, fate, draw, &p), 0);
    expect_near("P(connected) against all subsets", p, good[draw] / binomial(size, draw), 1e-12);
  }
  graph_destroy(&g);
}

/* Fates by class: inner-inner, inner-end, end-end edges of the two sides, and the bridges. */
static void pair_fates(const CliqueChain *chain, const uint8_t by_class[7], uint8_t *fate)
{
  for (int s = 0; s < 2; s++) {
    const int64_t size = chain->size[s], t = chain->bridges[0];
    for (int64_t i = 0; i < size; i++)
      for (int64_t j = i + 1; j < size; j++) {
        const int ends = s == 0 ? (i >= size - t) + (j >= size - t) : (i < t) + (j < t);
        *fate++        = by_class[3 * s + ends];
      }
  }
  for (int64_t j = 0; j < chain->bridges[0]; j++) *fate++ = by_class[6];
}

static void pair_matches_all_subsets(void **state)
{
  (void)state;
  static const int64_t shape[][3] = {{2, 2, 1}, {2, 2, 2}, {3, 3, 1}, {3, 3, 2}, {3, 3, 3}, {4, 3, 1}, {3, 4, 2}, {4, 3, 3}, {1, 4, 1}};
  uint64_t             random     = 12345;
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
    const CliqueChain chain = {.n_cliques = 2, .size = {shape[i][0], shape[i][1]}, .bridges = {shape[i][2]}};
    for (int sample = 0; sample < 60; sample++) {
      uint8_t by_class[7], fate[64];
      for (int c = 0; c < 7; c++) {
        random      = random * 6364136223846793005ull + 1442695040888963407ull;
        by_class[c] = (uint8_t)((random >> 33) % 3);
        if (sample % 3 == 0) by_class[c] = FATE_POOL;                          /* no class set apart on this side, ... */
        if (sample % 3 == 1 && c >= 3 && c < 6) by_class[c] = by_class[c - 3]; /* or the sides alike */
      }
      if (sample % 3 == 0) by_class[6] = (uint8_t)(sample / 3 % 3), by_class[3 + sample % 2] = FATE_KEPT;
      pair_fates(&chain, by_class, fate);
      compare_with_subsets(&chain, fate);
    }
  }
}

static void symmetric_pair_matches_all_subsets(void **state)
{
  (void)state;
  for (int64_t t = 1; t <= 3; t++) {
    const CliqueChain chain  = {.n_cliques = 2, .size = {4, 4}, .bridges = {t}};
    const uint8_t     all[7] = {2, 2, 2, 2, 2, 2, 2}, ends[7] = {1, 2, 0, 1, 2, 0, 2};
    uint8_t           fate[64];
    pair_fates(&chain, all, fate);
    compare_with_subsets(&chain, fate);
    pair_fates(&chain, ends, fate);
    compare_with_subsets(&chain, fate);
  }
}

static void chain_matches_all_subsets(void **state)
{
  (void)state;
  static const int64_t shape[][3] = {{2, 3, 2}, {1, 3, 2}, {3, 2, 3}, {2, 1, 3}, {3, 3, 3}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
    const CliqueChain chain = {.n_cliques = 3, .size = {shape[i][0], shape[i][1], shape[i][2]}, .bridges = {1, 1}};
    for (int code = 0; code < 243; code++) { /* three cliques and two bridges, three fates each */
      uint8_t fate[64], *f = fate;
      if (i == 4 && code % 11) continue;
      for (int c = 0, rest = code; c < 3; c++, rest /= 3)
        for (int64_t e = 0; e < chain.size[c] * (chain.size[c] - 1) / 2; e++) *f++ = (uint8_t)(rest % 3);
      *f++ = (uint8_t)(code / 27 % 3);
      *f++ = (uint8_t)(code / 81);
      compare_with_subsets(&chain, fate);
    }
  }
}

static void what_is_not_covered_is_nan(void **state)
{
  (void)state;
  uint8_t           fate[3000];
  double            p;
  const CliqueChain thick = {.n_cliques = 3, .size = {3, 3, 3}, .bridges = {2, 1}};
  for (int e = 0; e < 3000; e++) fate[e] = FATE_POOL;
  assert_int_equal(connected_probability_pool(&thick, fate, 8, &p), 0);
  expect_near("three cliques, two bridges at a joint", p, NAN, 0);
  fate[9] = fate[10] = FATE_DROPPED;
  assert_int_equal(connected_probability_pool(&thick, fate, 8, &p), 0);
  expect_near("but with all bridges of a joint dropped", p, 0, 0);
  fate[9] = fate[10]     = FATE_POOL;
  const CliqueChain pair = {.n_cliques = 2, .size = {3, 3}, .bridges = {2}};
  fate[6]                = FATE_KEPT;
  assert_int_equal(connected_probability_pool(&pair, fate, 3, &p), 0);
  expect_near("bridges of different fates", p, NAN, 0);
  fate[6]                 = FATE_POOL;
  const CliqueChain large = {.n_cliques = 2, .size = {50, 50}, .bridges = {25}};
  assert_int_equal(connected_probability_pool(&large, fate, 1200, &p), 0);
  expect_near("two K_50 with 25 bridges are too long a count", p, NAN, 0);
}

/* --- the paper's experiments --- */

static double all_in_the_pool(const CliqueChain *chain, int64_t draw)
{
  uint8_t fate[512];
  double  p = -1;
  for (int64_t e = 0; e < clique_chain_edges(chain); e++) fate[e] = FATE_POOL;
  assert_int_equal(connected_probability_pool(chain, fate, draw, &p), 0);
  return p;
}

/* Fates when classes are kept in the order of `rank` (0 first) up to `keep` edges. */
static double top_classes(const CliqueChain *chain, const uint8_t *rank, int64_t keep)
{
  const int64_t m = clique_chain_edges(chain);
  uint8_t       fate[512];
  double        p    = -1;
  int64_t       left = keep, draw = 0;
  for (int r = 0; r < 8; r++) {
    int64_t size = 0;
    for (int64_t e = 0; e < m; e++) size += rank[e] == r;
    const EdgeFate f = size <= left ? FATE_KEPT : left > 0 ? FATE_POOL : FATE_DROPPED;
    for (int64_t e = 0; e < m; e++)
      if (rank[e] == r) fate[e] = (uint8_t)f;
    if (f == FATE_POOL) draw = left;
    left = f == FATE_KEPT ? left - size : 0;
  }
  assert_int_equal(connected_probability_pool(chain, fate, draw, &p), 0);
  return p;
}

static void barbell_and_chain_have_the_known_values(void **state)
{
  (void)state;
  const CliqueChain barbell = {.n_cliques = 2, .size = {8, 8}, .bridges = {1}};
  const CliqueChain chain   = {.n_cliques = 3, .size = {10, 15, 20}, .bridges = {1, 1}};
  uint8_t           rank[512];
  expect_near("I random", all_in_the_pool(&barbell, 28), 0.4380, 5e-5);
  for (int e = 0; e < 57; e++) rank[e] = e < 56;
  expect_near("I weighted", top_classes(&barbell, rank, 28), 0.8917, 5e-5);
  for (int e = 0; e < 57; e++) rank[e] = e == 56;
  expect_near("I standard", top_classes(&barbell, rank, 28), 0, 0);
  expect_near("II random", all_in_the_pool(&chain, 205), 0.3577, 5e-5);
  for (int e = 0; e < 342; e++) rank[e] = (uint8_t)(e < 45 ? 1 : e < 150 ? 2 : e < 340 ? 3 : 0);
  expect_near("II oracle, exact R", top_classes(&chain, rank, 205), 0.97266, 5e-6);
  for (int e = 0; e < 342; e++) rank[e] = e < 340;
  expect_near("II oracle, nominal R", top_classes(&chain, rank, 205), 0.9976, 5e-5);
}

/* Within four standard errors of an independent Monte-Carlo run of 4,000 trials. */
static void visible_bridge_agrees_with_monte_carlo(void **state)
{
  (void)state;
  static const double random[]  = {.439, .692, .801, .892, .908, .944, .945, .962};
  static const double nominal[] = {.892, .919, .912, .930, .932, .954, .970, .999};
  static const double exact[]   = {.892, 0, .75, .98, .997, 1, 1, .999};
  for (int64_t k = 1; k <= 8; k++) {
    const CliqueChain chain  = {.n_cliques = 2, .size = {8, 8}, .bridges = {k}};
    const uint8_t     one[7] = {1, 1, 1, 1, 1, 1, 0}, by_ends[7] = {1, 2, 3, 1, 2, 3, 0};
    const int64_t     keep = (56 + k) / 2;
    uint8_t           rank[64];
    const clock_t     start = clock();
    expect_near("III random", all_in_the_pool(&chain, keep), random[k - 1], 4 * sqrt(random[k - 1] * (1 - random[k - 1]) / 4000) + 5e-4);
    pair_fates(&chain, one, rank);
    expect_near("III nominal R", top_classes(&chain, rank, keep), nominal[k - 1],
                4 * sqrt(nominal[k - 1] * (1 - nominal[k - 1]) / 4000) + 5e-4);
    /* One bridge leaves R = 2/8 to every clique edge. The references of the exact-R row are rounded to a percent at k = 3 and 4. */
    pair_fates(&chain, k == 1 ? one : by_ends, rank);
    expect_near("III exact R", top_classes(&chain, rank, keep), exact[k - 1], 4 * sqrt(exact[k - 1] * (1 - exact[k - 1]) / 4000) + 5e-3);
    print_message("k = %d: three values in %.3f s\n", (int)k, (double)(clock() - start) / CLOCKS_PER_SEC);
  }
}

/* --- successive sampling, against all orders of drawing --- */

/* P(the first drawn edges are the set S) for all sets at once: P(S) = sum over the last drawn e of P(S - e) w_e / w(outside S - e). */
static double *order_probabilities(int64_t m, const double *score)
{
  double *p = calloc(1u << m, sizeof *p);
  p[0]      = 1;
  for (uint32_t set = 0; set < 1u << m; set++) {
    double total = 0;
    for (int64_t e = 0; e < m; e++) total += set >> e & 1 ? 0 : score[e];
    const int64_t left = m - __builtin_popcount(set);
    for (int64_t e = 0; e < m; e++)
      if (!(set >> e & 1)) p[set | 1u << e] += p[set] * (total > 0 ? score[e] / total : 1.0 / (double)left);
  }
  return p;
}

static void sampled_matches_all_orders(void **state)
{
  (void)state;
  static const struct {
    CliqueChain chain;
    double      clique[3], bridge[2];
  } cases[] = {
      {{.n_cliques = 2, .size = {3, 3}, .bridges = {1}}, {0.95, 0.95}, {0.05}},
      {{.n_cliques = 2, .size = {3, 3}, .bridges = {1}}, {0.25, 0.25}, {1}},
      {{.n_cliques = 2, .size = {4, 3}, .bridges = {1}}, {0.3, 2}, {1e-6}},
      {{.n_cliques = 2, .size = {2, 4}, .bridges = {1}}, {1e4, 1}, {7}},
      {{.n_cliques = 3, .size = {3, 2, 3}, .bridges = {1, 1}}, {0.2, 1, 0.6}, {3, 0.1}},
      {{.n_cliques = 3, .size = {1, 3, 2}, .bridges = {1, 1}}, {0, 1, 2}, {3, 4}},
      {{.n_cliques = 2, .size = {3, 3}, .bridges = {1}}, {1, 0}, {2}},
      {{.n_cliques = 3, .size = {2, 3, 3}, .bridges = {1, 1}}, {1, 0, 0}, {0, 2}},
      {{.n_cliques = 1, .size = {4}}, {0.5}, {0}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const CliqueChain *chain = &cases[i].chain;
    Graph             *g     = build(chain);
    double             score[16], *of_set, got;
    int64_t            e = 0;
    for (int c = 0; c < chain->n_cliques; c++)
      for (int64_t j = 0; j < chain->size[c] * (chain->size[c] - 1) / 2; j++) score[e++] = cases[i].clique[c];
    for (int b = 0; b + 1 < chain->n_cliques; b++) score[e++] = cases[i].bridge[b];
    of_set = order_probabilities(g->m, score);
    for (int64_t keep = 0; keep <= g->m; keep++) {
      double expected = 0;
      for (uint32_t set = 0; set < 1u << g->m; set++)
        if (__builtin_popcount(set) == keep && is_connected(g, set)) expected += of_set[set];
      assert_int_equal(connected_probability_sampled(chain, score, keep, &got), 0);
      expect_near("P(connected) against all orders", got, expected, 1e-10);
    }
    free(of_set);
    graph_destroy(&g);
  }
}

static void sampling_at_equal_scores_is_a_pool(void **state)
{
  (void)state;
  const CliqueChain chain = {.n_cliques = 3, .size = {10, 15, 20}, .bridges = {1, 1}};
  double            score[342], p;
  for (int e = 0; e < 342; e++) score[e] = 0.3;
  for (int64_t keep = 85; keep <= 342; keep += 40) {
    assert_int_equal(connected_probability_sampled(&chain, score, keep, &p), 0);
    expect_near("equal scores against the uniform pool", p, all_in_the_pool(&chain, keep), 1e-10);
  }
}

static void sampled_beyond_its_cases_is_nan(void **state)
{
  (void)state;
  const CliqueChain pair = {.n_cliques = 2, .size = {3, 3}, .bridges = {2}}, barbell = {.n_cliques = 2, .size = {3, 3}, .bridges = {1}};
  double            score[8] = {1, 1, 1, 1, 1, 1, 1, 1}, p = 0;
  assert_int_equal(connected_probability_sampled(&pair, score, 4, &p), 0);
  expect_near("two bridges at a joint", p, NAN, 0);
  score[1] = 2;
  assert_int_equal(connected_probability_sampled(&barbell, score, 4, &p), 0);
  expect_near("two scores in a clique", p, NAN, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(count_matches_all_graphs),
      cmocka_unit_test(count_of_trees_is_cayley),
      cmocka_unit_test(pair_matches_all_subsets),
      cmocka_unit_test(symmetric_pair_matches_all_subsets),
      cmocka_unit_test(chain_matches_all_subsets),
      cmocka_unit_test(what_is_not_covered_is_nan),
      cmocka_unit_test(barbell_and_chain_have_the_known_values),
      cmocka_unit_test(visible_bridge_agrees_with_monte_carlo),
      cmocka_unit_test(sampled_matches_all_orders),
      cmocka_unit_test(sampling_at_equal_scores_is_a_pool),
      cmocka_unit_test(sampled_beyond_its_cases_is_nan),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
