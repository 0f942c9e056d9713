/* SPDX-License-Identifier: BSD-2-Clause
 * Resistances of sets of graphs against solved circuits and closed forms; statistics and splits against plain counts. */
#include "graph_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "graph/graph_set_private.h"
#include "set_fixture.h"

/* The potential difference of a unit current from u to v with v grounded, by Gauss and Jordan on the whole Laplacian; vertices of other
 * components stay out. */
static double current_drop(const Small *s, int u, int v)
{
  double a[SET_NODES_MAX][SET_NODES_MAX + 1] = {{0}};
  bool   used[SET_NODES_MAX]                 = {0};
  int    row_of[SET_NODES_MAX]               = {0};
  for (int i = 0; i < s->n; i++)
    for (int j = 0; j < s->n; j++)
      if (small_joined(s, i, j)) a[i][i]++, a[i][j]--;
  a[u][s->n] = 1;
  for (int k = 0; k < s->n; k++) {
    int best = -1;
    if (k == v) continue;
    for (int i = 0; i < s->n; i++)
      if (!used[i] && i != v && (best < 0 || fabs(a[i][k]) > fabs(a[best][k]))) best = i;
    if (best < 0 || fabs(a[best][k]) < 1e-9) continue; /* a component without v: any potential */
    used[best] = true;
    row_of[k]  = best;
    for (int i = 0; i < s->n; i++) {
      const double factor = i == best ? 0 : a[i][k] / a[best][k];
      for (int j = 0; factor != 0 && j <= s->n; j++) a[i][j] -= factor * a[best][j];
    }
  }
  return a[row_of[u]][s->n] / a[row_of[u]][u];
}

/* Bridges (by shortest ways around) 1 exactly; 0 where there is no edge. */
static void check_resistance(const GraphSet *s, int64_t g)
{
  Small   t = {.n = s->size[g]};
  uint8_t detour[PAIRS_MAX];
  memcpy(t.edge, s->edge + g * s->pairs, (size_t)pair_count(t.n));
  small_done(&t);
  masks_detours(t.n, t.adjacency, detour);
  for (int j = 1; j < t.n; j++)
    for (int i = 0; i < j; i++) {
      const int    k   = pair_index(i, j);
      const double got = s->resistance[g * s->pairs + k];
      assert_near(t.edge[k] ? current_drop(&t, i, j) : 0, got, t.edge[k] ? 1e-12 : 0);
      if (t.edge[k] && (got == 1) != (detour[k] == 0)) fail_msg("pair %d: R = %.17g and the way around %d", k, got, detour[k]);
    }
}

static void resistances_are_drops_of_a_unit_current(void **state)
{
  (void)state;
  for (int k = 0; k < 2 * KINDS; k++) {
    GraphSetSpec spec = kinds[k / 2];
    spec.permute      = k % 2;
    GraphSet *s       = generate(spec, 0, spec.size[0] > 20 ? 1 : 8);
    assert_int_equal(graph_set_resistance(s), 0);
    for (int64_t g = 0; g < s->count; g++) check_resistance(s, g);
    const double *const once = s->resistance;
    assert_int_equal(graph_set_resistance(s), 0);
    assert_ptr_equal(s->resistance, once);
    graph_set_destroy(&s);
  }
}

static GraphSet *set_of(int n, int b, int count, const Small *graphs)
{
  GraphSet *s;
  assert_int_equal(graph_set_allocate(n, 2, b, count, 0, &s), 0);
  for (int g = 0; g < count; g++) {
    s->size[g] = (uint8_t)graphs[g].n;
    memcpy(s->edge + g * s->pairs, graphs[g].edge, (size_t)pair_count(graphs[g].n));
  }
  return s;
}

static void resistances_in_closed_form(void **state)
{
  (void)state;
  for (int n = 3; n <= 64; n += n < 6 ? 1 : 29) {
    const Small graphs[] = {small_cycle(n), small_path(n), small_complete(n), small_empty(n)};
    GraphSet   *s        = set_of(64, 2, 4, graphs);
    assert_int_equal(graph_set_resistance(s), 0);
    const double expected[] = {(n - 1.0) / n, 1, 2.0 / n, 0};
    for (int g = 0; g < 4; g++)
      for (int k = 0; k < s->pairs; k++)
        assert_near(k < pair_count(n) && graphs[g].edge[k] ? expected[g] : 0, s->resistance[g * s->pairs + k], g == 1 ? 0 : 1e-13);
    graph_set_destroy(&s);
  }
}

static void statistics_by_hand(void **state)
{
  (void)state;
  GraphSetStats st;
  Small         graphs[]           = {small_cycle(4), small_path(3), small_empty(2)};
  graphs[0].edge[pair_index(0, 1)] = 2;
  GraphSet *s                      = set_of(4, 3, 3, graphs);
  s->node[0] = s->node[4] = s->node[5] = 1; /* two vertices of the second graph */
  s->bridge[6] = s->bridge[8] = 1;
  assert_int_equal(graph_set_stats(s, &st), 0);
  assert_null(st.pair_excess);
  graph_set_stats_clear(&st);
  assert_int_equal(graph_set_resistance(s), 0);
  assert_int_equal(graph_set_stats(s, &st), 0);
  assert_near(6.0 / 3, st.mean_edges, 1e-15);
  assert_near(4.0 / 3, st.mean_components, 1e-15);
  assert_near(2.0 / 3, st.connected, 1e-15);
  assert_near(2.0 / 3, st.mean_bridges, 1e-15);
  assert_near(3, st.mean_nodes, 1e-15);
  /* pairs 01 02 12 03 13 23: of 3, 2, 2, 1, 1, 1 graphs */
  const double frequency[] = {2.0 / 3, 0, 1, 1, 0, 1}, excess[] = {(0.75 + 1) / 2, 0, (0.75 + 1) / 2, 0.75, 0, 0.75};
  for (int k = 0; k < 6; k++) assert_near(frequency[k], st.pair_frequency[k], 1e-15);
  for (int k = 0; k < 6; k++) assert_near(excess[k], st.pair_excess[k], 1e-14);
  assert_near(6.0 / 9, st.node_marginal[0], 1e-15);
  assert_near(3.0 / 9, st.node_marginal[1], 1e-15);
  const double edge[] = {4.0 / 10, 5.0 / 10, 1.0 / 10};
  for (int k = 0; k < 3; k++) assert_near(edge[k], st.edge_marginal[k], 1e-15);
  for (int k = 0; k <= 4; k++) assert_near(k >= 2 ? 1.0 / 3 : 0, st.size_frequency[k], 1e-15);
  graph_set_stats_clear(&st);
  assert_null(st.size_frequency);
  graph_set_destroy(&s);
  /* Vertex 3 is in no graph. */
  s = set_of(4, 2, 1, &graphs[1]);
  assert_int_equal(graph_set_stats(s, &st), 0);
  for (int k = 0; k < 6; k++) assert_int_equal(isnan(st.pair_frequency[k]), k >= 3);
  graph_set_stats_clear(&st);
  graph_set_destroy(&s);
}

static void splits_are_disjoint(void **state)
{
  (void)state;
  GraphSetSpec spec  = kinds[1];
  spec.permute       = true;
  GraphSet *s        = generate(spec, 0, 50), *train, *test, *again, *rest;
  int       seen[50] = {0}, moved = 0;
  assert_int_equal(graph_set_resistance(s), 0);
  for (int64_t g = 0; g < 50; g++) s->node[g * s->n] = (uint8_t)g; /* a mark */
  assert_int_equal(graph_set_split(s, 3, 30, 15, &train, &test), 0);
  assert_int_equal(graph_set_split(s, 3, 45, 9, &again, &rest), 0);
  assert_true(train->count == 30 && test->count == 15 && again->count == 45 && rest->count == 5);
  for (int64_t k = 0; k < 45; k++) {
    const GraphSet *const part = k < 30 ? train : test;
    const int64_t         at = k < 30 ? k : k - 30, g = part->node[at * part->n];
    seen[g]++;
    moved += g != k;
    same_graphs(part, at, s, g, true);
    same_graphs(part, at, again, k, true);
    assert_memory_equal(part->resistance + at * s->pairs, s->resistance + g * s->pairs, (size_t)s->pairs * sizeof(double));
  }
  for (int64_t k = 0; k < 5; k++) seen[rest->node[k * s->n]]++;
  for (int g = 0; g < 50; g++) assert_int_equal(seen[g], 1);
  assert_in_range(moved, 20, 45);
  assert_true(train->a == s->a && train->b == s->b && train->joints == s->joints && train->pairs == s->pairs);
  graph_set_destroy(&train);
  graph_set_destroy(&test);
  graph_set_destroy(&again);
  graph_set_destroy(&rest);
  assert_int_equal(graph_set_split(s, 4, 1000, 10, &train, &test), 0);
  assert_true(train->count == 50 && test->count == 0);
  graph_set_destroy(&train);
  graph_set_destroy(&test);
  graph_set_destroy(&s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resistances_are_drops_of_a_unit_current),
      cmocka_unit_test(resistances_in_closed_form),
      cmocka_unit_test(statistics_by_hand),
      cmocka_unit_test(splits_are_disjoint),
  };
  return cmocka_run_group_tests_name("graph_set_stats", tests, NULL, NULL);
}
