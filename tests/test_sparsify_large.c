/* SPDX-License-Identifier: BSD-2-Clause
 * Choosing edges on graphs of any size: sparsifier_select keeps what sparsifier_run keeps, and Spielman and Srivastava's draws have the law
 * they should have: probabilities w R / (n - c), weights whose mean is the old one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph_source.h"
#include "resistance.h"
#include "sparsify.h"

static Graph *build(GraphSpec spec)
{
  GraphErrors errors = {0};
  GraphReport report;
  Graph      *g  = NULL;
  int64_t    *id = NULL;
  assert_int_equal(graph_source_build(&spec, &g, &id, &report, &errors), 0);
  assert_non_null(g);
  (void)PetscFree(id);
  return g;
}

static void select_keeps_what_run_keeps(void **state)
{
  (void)state;
  Graph   *g     = build((GraphSpec){.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = 60, .blocks = 3, .degree_in = 8, .degree_out = 1, .seed = 4});
  double  *score = calloc((size_t)g->m, sizeof *score);
  uint8_t *flag = calloc((size_t)g->m, 1), *expected = calloc((size_t)g->m, 1);
  const int64_t keep = g->m / 3;
  for (int64_t e = 0; e < g->m; e++) score[e] = (double)(1 + e % 5);
  for (int s = SELECTION_TOPK; s <= SELECTION_SAMPLED; s++) {
    Sparsifier *whole, *selector;
    assert_int_equal(sparsifier_create(g, score, keep, (Selection)s, &whole), 0);
    assert_int_equal(sparsifier_create_selector(g, score, keep, (Selection)s, &selector), 0);
    for (uint64_t key = 1; key < 30; key++) {
      double          connected, lambda2, rse;
      int64_t         count = 0;
      SparsifyOutcome out   = {.connected = &connected, .lambda2 = &lambda2, .rse = &rse, .kept = (uint8_t *[]){expected}};
      assert_int_equal(sparsifier_run(whole, 1, &key, false, &out), 0);
      assert_int_equal(sparsifier_select(selector, key, flag), 0);
      assert_memory_equal(flag, expected, (size_t)g->m);
      for (int64_t e = 0; e < g->m; e++) count += flag[e];
      assert_int_equal(count, keep);
    }
    sparsifier_destroy(&whole);
    sparsifier_destroy(&selector);
  }
  free(score);
  free(flag);
  free(expected);
  graph_destroy(&g);
}

/* Mean over keys of the new weight of an edge is its old weight; each count is binomial(draws, p): 5 standard deviations allowed. */
static void resampled_weights_are_unbiased(void **state)
{
  (void)state;
  enum { KEYS = 400 };
  Graph *g =
      build((GraphSpec){.kind = GRAPH_WATTS_STROGATZ, .nodes = 40, .degree = 6, .rewire = 0.3, .weights = WEIGHTS_EXPONENTIAL, .seed = 2});
  const size_t  m          = (size_t)g->m;
  const int64_t draws      = 2 * g->m;
  double       *resistance = calloc(m, sizeof *resistance), *weight = calloc(m, sizeof *weight), *sum = calloc(m, sizeof *sum), total = 0;
  int64_t       drawn = 0;
  assert_int_equal(resistance_edges(g, resistance), 0);
  for (size_t e = 0; e < m; e++) total += g->weight[e] * resistance[e];
  for (uint64_t key = 1; key <= KEYS; key++) {
    assert_int_equal(sparsify_by_resistance(g, resistance, draws, key, weight), 0);
    for (size_t e = 0; e < m; e++) {
      const double p = g->weight[e] * resistance[e] / total, count = weight[e] * (double)draws * p / g->weight[e];
      assert_true(fabs(count - round(count)) < 1e-6);
      drawn += llround(count);
      sum[e] += count;
    }
  }
  assert_int_equal(drawn, draws * KEYS);
  for (size_t e = 0; e < m; e++) {
    const double p = g->weight[e] * resistance[e] / total, n = (double)draws * KEYS, off = (sum[e] - n * p) / sqrt(n * p * (1 - p));
    if (!(fabs(off) < 5)) fail_msg("edge %zu: drawn %g times, expected %g (%.1f standard deviations)", e, sum[e], n * p, off);
  }
  assert_int_equal(sparsify_by_resistance(g, resistance, draws, 7, weight), 0);
  assert_int_equal(sparsify_by_resistance(g, resistance, draws, 7, sum), 0);
  assert_memory_equal(weight, sum, m * sizeof *sum);
  assert_int_equal(sparsify_by_resistance(g, resistance, 0, 7, weight), 0);
  for (size_t e = 0; e < m; e++) assert_true(weight[e] == 0);
  free(resistance);
  free(weight);
  free(sum);
  graph_destroy(&g);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(select_keeps_what_run_keeps), cmocka_unit_test(resampled_weights_are_unbiased)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
