/* SPDX-License-Identifier: BSD-2-Clause
 * Features of small graphs: connectivity, shortest paths and cycles against plain searches over the edge classes, spectra against closed
 * forms, features against their definitions and under other orders of the vertices, the probability of connectedness against enumeration
 * and against exact counts. */
#include "graph_features.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connected.h"
#include "small_graphs.h"

enum { KEY = 5 };

static int compare(const void *a, const void *b)
{
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* Distances without bits (Floyd and Warshall); `without`: a pair that is no edge, -1: none. INT32_MAX / 4: none. */
static int distance(const Small *s, int from, int to, int without)
{
  enum { FAR = 1000 };
  int d[SET_NODES_MAX][SET_NODES_MAX];
  for (int i = 0; i < s->n; i++)
    for (int j = 0; j < s->n; j++) d[i][j] = i == j ? 0 : s->edge[pair_index(i, j)] && pair_index(i, j) != without ? 1 : FAR;
  for (int k = 0; k < s->n; k++)
    for (int i = 0; i < s->n; i++)
      for (int j = 0; j < s->n; j++)
        if (d[i][k] + d[k][j] < d[i][j]) d[i][j] = d[i][k] + d[k][j];
  return d[from][to] < FAR ? d[from][to] : 0;
}

static void masks_are_adjacency(void **state)
{
  (void)state;
  Rng r = rng_start(KEY, 0, RNG_VERIFY);
  for (int n = 0; n <= 64; n++) {
    Small s = small_random(n, 0.4, &r);
    for (int k = 0; k < pair_count(n); k++) s.edge[k] = (uint8_t)(s.edge[k] * (1 + k % 7)); /* any class is an edge */
    small_done(&s);
    for (int i = 0; i < n; i++)
      for (int j = 0; j < 64; j++)
        if ((s.adjacency[i] >> j & 1) != (j < n && small_joined(&s, i, j))) fail_msg("n = %d: bit %d of vertex %d is wrong", n, j, i);
  }
}

static void components_are_those_of_distances(void **state)
{
  (void)state;
  Rng     r = rng_start(KEY, 1, RNG_VERIFY);
  uint8_t component[SET_NODES_MAX];
  for (int trial = 0; trial < 200; trial++) {
    const int   n     = trial % 12 + 1;
    const Small s     = small_random(n, 0.25, &r);
    const int   count = masks_components(n, s.adjacency, component);
    int         seen  = 0;
    assert_int_equal(masks_components(n, s.adjacency, NULL), count);
    assert_int_equal(masks_connected(n, s.adjacency), count == 1);
    for (int i = 0; i < n; i++) {
      assert_in_range(component[i], 0, seen);
      seen += component[i] == seen;
      for (int j = 0; j < i; j++) assert_int_equal(component[i] == component[j], distance(&s, i, j, -1) > 0);
    }
    assert_int_equal(seen, count);
  }
  const Small path = small_path(64), pair = small_bipartite(1, 1);
  assert_true(masks_connected(64, path.adjacency));
  assert_int_equal(masks_components(64, small_empty(64).adjacency, component), 64);
  assert_int_equal(component[63], 63);
  assert_true(masks_connected(2, pair.adjacency) && masks_connected(1, pair.adjacency));
  assert_false(masks_connected(2, small_empty(2).adjacency));
  assert_int_equal(masks_components(0, pair.adjacency, component), 0);
}

static void detours_are_shortest_paths_without_the_edge(void **state)
{
  (void)state;
  Rng     r = rng_start(KEY, 2, RNG_VERIFY);
  uint8_t out[PAIRS_MAX];
  for (int trial = 0; trial < 120; trial++) {
    const int   n = trial % 11 + 1;
    const Small s = small_random(n, trial % 3 ? 0.25 : 0.5, &r);
    masks_detours(n, s.adjacency, out);
    for (int j = 1; j < n; j++)
      for (int i = 0; i < j; i++) {
        const int expected = distance(&s, i, j, pair_index(i, j));
        if (out[pair_index(i, j)] != expected)
          fail_msg("pair %d %d of n = %d: expected %d, got %d", i, j, n, expected, out[pair_index(i, j)]);
      }
  }
  const Small cycle = small_cycle(64);
  masks_detours(64, cycle.adjacency, out);
  for (int j = 1; j < 64; j++)
    for (int i = 0; i < j; i++) {
      const int way = j - i < 64 - j + i ? j - i : 64 - j + i;
      assert_int_equal(out[pair_index(i, j)], way == 1 ? 63 : way);
    }
}

/* Closed walks from `start` without a vertex twice, every cycle twice. */
static void walk(const Small *s, int start, int at, int length, uint64_t seen, double *twice)
{
  for (int next = 0; next < s->n; next++) {
    if (!small_joined(s, at, next)) continue;
    if (next == start && length >= 2) twice[length - 2]++;
    if (length < 4 && !(seen >> next & 1)) walk(s, start, next, length + 1, seen | UINT64_C(1) << next, twice);
  }
}

static void cycles_are_counted(void **state)
{
  (void)state;
  Rng    r = rng_start(KEY, 3, RNG_VERIFY);
  double through[3][SET_NODES_MAX], total[3];
  for (int trial = 0; trial < 60; trial++) {
    const int   n      = trial % 9 + 1;
    const Small s      = small_random(n, 0.3 + 0.1 * (trial % 7), &r);
    double      sum[3] = {0};
    masks_cycles(n, s.adjacency, through[0], through[1], through[2], total);
    for (int i = 0; i < n; i++) {
      double twice[3] = {0};
      walk(&s, i, i, 0, UINT64_C(1) << i, twice);
      for (int k = 0; k < 3; k++) {
        assert_near(twice[k] / 2, through[k][i], 0);
        sum[k] += twice[k] / 2;
      }
    }
    for (int k = 0; k < 3; k++) assert_near(sum[k] / (k + 3), total[k], 0);
  }
}

static void cycles_of_complete_graphs(void **state)
{
  (void)state;
  double through[3][SET_NODES_MAX], total[3], only[SET_NODES_MAX];
  for (int n = 1; n <= 64; n++) {
    const Small  s     = small_complete(n);
    const double three = (n - 1.0) * (n - 2) / 2, four = three * (n - 3), five = four * (n - 4);
    masks_cycles(n, s.adjacency, through[0], through[1], through[2], total);
    for (int i = 0; i < n; i++) {
      assert_near(three, through[0][i], 0);
      assert_near(n < 4 ? 0 : four, through[1][i], 0);
      assert_near(n < 5 ? 0 : five, through[2][i], 0);
    }
    assert_near(n < 5 ? 0 : n * five / 5, total[2], 0);
    masks_cycles(n, s.adjacency, NULL, NULL, only, NULL);
    assert_near(through[2][n - 1], only[n - 1], 0);
    masks_cycles(n, s.adjacency, NULL, only, NULL, NULL);
    assert_near(through[1][0], only[0], 0);
  }
}

/* Eigenvalues as expected, vectors orthonormal, and residuals of L v = lambda v. */
static void check_spectrum(const Small *s, bool normalised, double *expected)
{
  const int n    = s->n;
  double   *work = calloc((size_t)masks_spectrum_work(n), sizeof *work), *vector = calloc((size_t)(n * n), sizeof *vector);
  double    value[SET_NODES_MAX], only[SET_NODES_MAX];
  assert_int_equal(masks_spectrum(n, s->adjacency, normalised, value, vector, work), 0);
  assert_int_equal(masks_spectrum(n, s->adjacency, normalised, only, NULL, work), 0);
  if (expected) qsort(expected, (size_t)n, sizeof *expected, compare);
  for (int k = 0; k < n; k++) {
    if (expected) assert_near(expected[k], value[k], 1e-12 * n);
    assert_near(value[k], only[k], 1e-12 * n);
    for (int i = 0; i < n; i++) {
      const double di = __builtin_popcountll(s->adjacency[i]);
      double       y  = normalised ? (di > 0) * vector[k * n + i] : di * vector[k * n + i];
      for (int j = 0; j < n; j++)
        if (small_joined(s, i, j)) y -= vector[k * n + j] / (normalised ? sqrt(di * __builtin_popcountll(s->adjacency[j])) : 1);
      assert_near(value[k] * vector[k * n + i], y, 1e-12 * n);
    }
    for (int l = 0; l <= k; l++) {
      double dot = 0;
      for (int i = 0; i < n; i++) dot += vector[k * n + i] * vector[l * n + i];
      assert_near(k == l, dot, 1e-13 * n);
    }
  }
  free(work);
  free(vector);
}

static void spectra_in_closed_form(void **state)
{
  (void)state;
  double e[SET_NODES_MAX], f[SET_NODES_MAX];
  for (int n = 2; n <= 64; n += n < 9 ? 1 : 11) {
    const Small path = small_path(n), complete = small_complete(n), star = small_bipartite(1, n - 1);
    for (int k = 0; k < n; k++) e[k] = 2 - 2 * cos(M_PI * k / n);
    check_spectrum(&path, false, e);
    for (int k = 0; k < n; k++) e[k] = 1 - cos(M_PI * k / (n - 1));
    check_spectrum(&path, true, e);
    for (int k = 0; k < n; k++) e[k] = k > 0 ? n : 0;
    check_spectrum(&complete, false, e);
    for (int k = 0; k < n; k++) e[k] = k > 0 ? n / (n - 1.0) : 0;
    check_spectrum(&complete, true, e);
    for (int k = 0; k < n; k++) e[k] = k == 0 ? 0 : k == 1 ? n : 1;
    check_spectrum(&star, false, e);
    for (int k = 0; k < n; k++) e[k] = k == 0 ? 0 : k == 1 ? 2 : 1;
    check_spectrum(&star, true, e);
    if (n < 3) continue;
    const Small cycle = small_cycle(n);
    for (int k = 0; k < n; k++) f[k] = (e[k] = 2 - 2 * cos(2 * M_PI * k / n)) / 2;
    check_spectrum(&cycle, false, e);
    check_spectrum(&cycle, true, f);
  }
}

static void spectra_of_other_graphs(void **state)
{
  (void)state;
  Rng    r                = rng_start(KEY, 4, RNG_VERIFY);
  double e[SET_NODES_MAX] = {0};
  for (int n = 0; n <= 64; n += 16) {
    const Small none = small_empty(n), any = small_random(n, 0.2, &r);
    memset(e, 0, sizeof e);
    check_spectrum(&none, false, e);
    check_spectrum(&none, true, e); /* isolated vertices */
    check_spectrum(&any, false, NULL);
    check_spectrum(&any, true, NULL);
  }
  const Small cube = small_hypercube(5);
  for (int k = 0; k < 32; k++) e[k] = 2 * __builtin_popcount((unsigned)k);
  check_spectrum(&cube, false, e);
}

typedef struct Features {
  int   n_node, n_pair, n_graph;
  float node[SET_NODES_MAX * 8], pair[PAIRS_MAX * 4], graph[16];
} Features;

static void fill(unsigned flags, const Small *s, Features *f)
{
  double *work = calloc((size_t)masks_spectrum_work(s->n), sizeof *work);
  features_count(flags, &f->n_node, &f->n_pair, &f->n_graph);
  for (size_t k = 0; k < sizeof f->node / sizeof *f->node; k++) f->node[k] = 99; /* what is not written shows */
  for (size_t k = 0; k < sizeof f->pair / sizeof *f->pair; k++) f->pair[k] = 99;
  for (size_t k = 0; k < sizeof f->graph / sizeof *f->graph; k++) f->graph[k] = 99;
  assert_int_equal(features_fill(flags, s->n, s->adjacency, f->node, f->pair, f->graph, work), 0);
  assert_near(99, f->node[s->n * f->n_node], 0);
  assert_near(99, f->pair[pair_count(s->n) * f->n_pair], 0);
  assert_near(99, f->graph[f->n_graph], 0);
  free(work);
}

/* Degrees, cycles and components by their definitions. */
static void features_are_what_they_say(void **state)
{
  (void)state;
  enum { ALL = FEATURE_DEGREE | FEATURE_CYCLES | FEATURE_SPECTRUM };
  Rng      r = rng_start(KEY, 5, RNG_VERIFY);
  Features f;
  double   through[3][SET_NODES_MAX], total[3];
  uint8_t  component[SET_NODES_MAX];
  for (int n = 1; n <= 20; n++) {
    const Small s    = small_random(n, 0.2, &r);
    double      mean = 0;
    masks_cycles(n, s.adjacency, through[0], through[1], through[2], total);
    const int components = masks_components(n, s.adjacency, component);
    fill(ALL, &s, &f);
    assert_true(f.n_node == 6 && f.n_pair == 3 && f.n_graph == 10);
    for (int i = 0; i < n; i++) {
      const double degree = __builtin_popcountll(s.adjacency[i]);
      mean += degree / n;
      assert_near(degree / n, f.node[6 * i], 1e-7);
      for (int k = 0; k < 3; k++) assert_near(log(1 + through[k][i]) / 5, f.node[6 * i + 1 + k], 1e-6);
    }
    assert_near(mean / n, f.graph[0], 1e-6);
    assert_near((double)components / n, f.graph[1], 1e-6);
    for (int k = 0; k < 3; k++) assert_near(log(1 + total[k]) / 10, f.graph[2 + k], 1e-6);
    for (int j = 1; j < n; j++)
      for (int i = 0; i < j; i++) assert_near(component[i] == component[j], f.pair[3 * pair_index(i, j) + 2], 0);
  }
}

/* Cycle: eigenvalue 2 - 2 cos(2 pi k / n) has the projector 2 cos(2 pi k (i - j) / n) / n. */
static void projectors_of_degenerate_spaces(void **state)
{
  (void)state;
  Features    f;
  const int   n     = 12;
  const Small cycle = small_cycle(n), complete = small_complete(n), two = small_beside(&complete, &complete);
  fill(FEATURE_SPECTRUM, &cycle, &f);
  for (int j = 1; j < n; j++)
    for (int i = 0; i < j; i++)
      for (int k = 0; k < 2; k++)
        assert_near(n / 20.0 * 2 * cos(2 * M_PI * (k + 1) * (i - j) / n) / n, f.pair[3 * pair_index(i, j) + k], 1e-6);
  for (int i = 0; i < 2 * n; i++) assert_near(0.1, f.node[i], 1e-6);
  for (int k = 0; k < 5; k++) assert_near((2 - 2 * cos(2 * M_PI * ((k + 1) / 2) / n)) / n, f.graph[k], 1e-6);
  fill(FEATURE_SPECTRUM, &complete, &f); /* one space: I - J / n; there is no second one */
  for (int k = 0; k < pair_count(n); k++) assert_near(-1.0 / (10 * (n - 1)), f.pair[3 * k], 1e-7);
  for (int k = 0; k < pair_count(n); k++) assert_near(0, f.pair[3 * k + 1], 0);
  for (int i = 0; i < n; i++) assert_near(0.1, f.node[2 * i], 1e-6);
  for (int i = 0; i < n; i++) assert_near(0, f.node[2 * i + 1], 0);
  fill(FEATURE_SPECTRUM, &two, &f); /* the null space counts components: two zeros, then 12 twenty-two times */
  const double values[5] = {0, 0, 0.5, 0.5, 0.5};
  for (int k = 0; k < 5; k++) assert_near(values[k], f.graph[k], 1e-6);
  assert_near(24.0 / 220 * 11 / 12, f.node[0], 1e-6);
  assert_near(0, f.pair[3 * pair_index(0, 12)], 1e-7);
}

static void features_of_the_smallest_graphs(void **state)
{
  (void)state;
  Features f;
  for (int n = 1; n <= 4; n++) {
    const Small none = small_empty(n), path = small_path(n);
    fill(7, &none, &f);
    for (int k = 0; k < n * f.n_node; k++) assert_near(0, f.node[k], 0);
    for (int k = 0; k < pair_count(n) * f.n_pair; k++) assert_near(0, f.pair[k], 0);
    for (int k = 0; k < f.n_graph; k++) assert_near(k == 1, f.graph[k], 0);
    fill(7, &path, &f);
    for (int k = 0; k < 5; k++) assert_near(k < n ? (2 - 2 * cos(M_PI * k / n)) / n : 0, f.graph[5 + k], 1e-6);
  }
  fill(0, &(Small){.n = 3}, &f);
  assert_true(f.n_node == 0 && f.n_pair == 0 && f.n_graph == 0);
}

static void check_equivariance(const Small *s, Rng *r)
{
  static Features f, g;
  int             place[SET_NODES_MAX];
  random_order(s->n, r, place);
  const Small t = small_permuted(s, place);
  fill(7, s, &f);
  fill(7, &t, &g);
  for (int k = 0; k < f.n_graph; k++) assert_near(f.graph[k], g.graph[k], 1e-6);
  for (int i = 0; i < s->n; i++)
    for (int k = 0; k < f.n_node; k++) assert_near(f.node[i * f.n_node + k], g.node[place[i] * f.n_node + k], 2e-6);
  for (int j = 1; j < s->n; j++)
    for (int i = 0; i < j; i++)
      for (int k = 0; k < f.n_pair; k++)
        assert_near(f.pair[pair_index(i, j) * f.n_pair + k], g.pair[pair_index(place[i], place[j]) * f.n_pair + k], 2e-6);
}

static void features_are_equivariant(void **state)
{
  (void)state;
  Rng r = rng_start(KEY, 6, RNG_VERIFY);
  for (int trial = 0; trial < 5; trial++) {
    const Small        cube = small_hypercube(4), cycle = small_cycle(17), complete = small_complete(9), star = small_bipartite(1, 9);
    const Small        two = small_beside(&cycle, &cycle), mixed = small_beside(&complete, &star), parts = small_bipartite(5, 5);
    const Small        some = small_random(24, 0.3, &r), few = small_random(45, 0.04, &r), large = small_random(64, 0.1, &r);
    const Small *const all[] = {&cube, &cycle, &complete, &star, &two, &mixed, &parts, &some, &few, &large};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) check_equivariance(all[k], &r);
  }
}

static void features_of_pairs(void **state)
{
  (void)state;
  Rng   r = rng_start(KEY, 7, RNG_VERIFY);
  float out[PAIRS_MAX * PAIR_FEATURES + 1];
  for (int trial = 0; trial < 40; trial++) {
    const int   n                      = trial < 20 ? trial + 1 : 12;
    const Small s                      = small_random(n, 0.15, &r);
    out[pair_count(n) * PAIR_FEATURES] = 99;
    features_pairs(n, s.adjacency, out);
    assert_near(99, out[pair_count(n) * PAIR_FEATURES], 0);
    for (int j = 1; j < n; j++)
      for (int i = 0; i < j; i++) {
        const float *const x         = out + pair_index(i, j) * PAIR_FEATURES;
        int                degree[2] = {0}, common = 0;
        for (int v = 0; v < n; v++) {
          degree[0] += small_joined(&s, i, v);
          degree[1] += small_joined(&s, j, v);
          common += small_joined(&s, i, v) && small_joined(&s, j, v);
        }
        const int way    = distance(&s, i, j, pair_index(i, j));
        const int bucket = way == 0 ? 4 : way > 4 ? 3 : way - 2;
        assert_near((double)(degree[0] + degree[1]) / n, x[0], 1e-6);
        assert_near(fabs((double)degree[0] - degree[1]) / n, x[1], 1e-6);
        assert_near((double)common / n, x[2], 1e-6);
        for (int k = 0; k < 5; k++) assert_near(k == bucket, x[3 + k], 0);
      }
  }
}

/* All 2^pairs graphs. */
static double enumerated(int n, const double *p)
{
  double sum = 0;
  for (uint32_t graph = 0; graph < 1u << pair_count(n); graph++) {
    Small  s       = {.n = n};
    double product = 1;
    for (int k = 0; k < pair_count(n); k++) {
      s.edge[k] = graph >> k & 1;
      product *= s.edge[k] ? p[k] : 1 - p[k];
    }
    small_done(&s);
    if (masks_connected(n, s.adjacency)) sum += product;
  }
  return sum;
}

static void connectedness_by_enumeration(void **state)
{
  (void)state;
  Rng    r = rng_start(KEY, 8, RNG_VERIFY);
  double p[10];
  for (int trial = 0; trial < 40; trial++) {
    const int n = trial % 5 + 1;
    for (int k = 0; k < 10; k++) p[k] = trial % 4 == 3 ? rng_below(&r, 2) : rng_uniform(&r);
    assert_near(enumerated(n, p), connected_independent(n, p), 1e-14);
  }
}

/* Equal p: sum over m of C(n, m) p^m (1 - p)^(N - m). */
static void connectedness_by_counting(void **state)
{
  (void)state;
  static const double at[] = {0, 1e-6, 0.05, 0.3, 0.95, 1};
  double              p[120];
  mpz_t               count;
  mpz_init(count);
  for (int n = 1; n <= 16; n += n < 6 ? 1 : 5) {
    const int pairs = pair_count(n);
    for (size_t a = 0; a < sizeof at / sizeof *at; a++) {
      double sum = 0;
      for (int k = 0; k < pairs; k++) p[k] = at[a];
      for (int m = 0; m <= pairs; m++) {
        assert_int_equal(connected_count(n, m, count), 0);
        sum += mpz_get_d(count) * pow(at[a], m) * pow(1 - at[a], pairs - m);
      }
      assert_near(sum, connected_independent(n, p), 1e-12 * sum);
    }
  }
  mpz_clear(count);
  assert_true(isnan(connected_independent(17, p)));
  assert_near(1, connected_independent(0, p), 0);
  for (int k = 0; k < 28; k++) p[k] = 0.95;
  assert_near(.99999999375, connected_independent(8, p), 5e-12); /* K_8 at .95 */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(masks_are_adjacency),
      cmocka_unit_test(components_are_those_of_distances),
      cmocka_unit_test(detours_are_shortest_paths_without_the_edge),
      cmocka_unit_test(cycles_are_counted),
      cmocka_unit_test(cycles_of_complete_graphs),
      cmocka_unit_test(spectra_in_closed_form),
      cmocka_unit_test(spectra_of_other_graphs),
      cmocka_unit_test(features_are_what_they_say),
      cmocka_unit_test(projectors_of_degenerate_spaces),
      cmocka_unit_test(features_of_the_smallest_graphs),
      cmocka_unit_test(features_are_equivariant),
      cmocka_unit_test(features_of_pairs),
      cmocka_unit_test(connectedness_by_enumeration),
      cmocka_unit_test(connectedness_by_counting),
  };
  return cmocka_run_group_tests_name("graph_features", tests, NULL, NULL);
}
