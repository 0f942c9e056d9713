/* SPDX-License-Identifier: BSD-2-Clause
 * Statistics of sets of graphs against brute force, closed forms and hand-made sets; validity against all assignments of vertices to
 * clusters; empty sets and sizes that differ. NetworkX is the oracle in peers/test_graph_metrics.py. */
#include "graph_metrics_fixture.h"

#include "graph_features.h"
#include "metrics/graph_histograms.h"

static void expect_valid(const Set *s, const GraphSetSpec *spec, int64_t graph, int expected)
{
  const GraphSample all   = sample(s);
  uint8_t          *valid = mem_calloc((size_t)s->count, 1);
  graphs_valid(&all, spec, NULL, valid);
  if (valid[graph] != expected) fail_msg("validity of graph %ld: expected %d, got %d", (long)graph, expected, valid[graph]);
  free(valid);
}

static void test_small_graphs(void **state)
{
  Set     s = set_of(5);
  int32_t width[4], edges[4], cross[4];
  uint8_t connected[4];
  double  lambda2[4];
  (void)state;
  set_add(&s, 1);
  set_add(&s, 2);
  join(set_add(&s, 2), 0, 1);
  uint8_t *const path = set_add(&s, 5);
  for (int i = 0; i < 4; i++) join(path, i, i + 1);
  const GraphSample all = sample(&s);
  graphs_bisection(&all, width);
  graphs_edges(&all, edges);
  graphs_cross(&all, (uint8_t[]){0, 0, 1, 1, 3}, cross);
  graphs_connected(&all, connected);
  assert_int_equal(graphs_lambda2(&all, lambda2), 0);
  expect_numbers("bisection", 4, (int32_t[]){0, 0, 1, 1}, width);
  expect_numbers("edges", 4, (int32_t[]){0, 0, 1, 4}, edges);
  expect_numbers("cross edges", 4, (int32_t[]){0, 0, 0, 2}, cross);
  assert_memory_equal(connected, ((uint8_t[]){1, 0, 1, 1}), 4);
  expect_near("lambda2 of a point", 0, lambda2[0], 0);
  expect_near("lambda2 of two points", 0, lambda2[1], 0);
  expect_near("lambda2 of an edge", 2, lambda2[2], 1e-12);
  expect_near("lambda2 of a path", 2 - 2 * cos(acos(-1) / 5), lambda2[3], 1e-12);
  set_free(&s);
}

static void test_bisection(void **state)
{
  enum { MOST = 120 };
  Set     s = set_of(17);
  Rng     r = rng_start(1, 0, RNG_METRIC);
  int32_t fast[MOST], slow[MOST];
  (void)state;
  for (int g = 0; g < 100; g++) {
    const int k = g < 34 ? 1 + g % 17 : 2 + g % 10;
    random_edges(&r, k, (g % 7 + 1) / 8.0, set_add(&s, k));
  }
  for (int k = 2; k <= 17; k++) memset(set_add(&s, k), 1, (size_t)pair_count(k));
  const GraphSample all = sample(&s);
  graphs_bisection(&all, fast);
  graphs_bisection_reference(&all, slow);
  expect_numbers("bisection", all.count, slow, fast);
  for (int k = 2; k <= 17; k++) {
    const int32_t closed = k <= 16 ? (k / 2) * (k - k / 2) : -1;
    expect_numbers("bisection of a clique", 1, &closed, &fast[98 + k]);
  }
  set_free(&s);
}

static void test_empty_sets(void **state)
{
  Set               s = set_of(3);
  GraphDistances    d;
  GraphNovelty      novelty;
  const GraphSample none = {.n = 3};
  (void)state;
  join(set_add(&s, 3), 0, 1);
  const GraphSample one = sample(&s);
  graphs_connected(&none, NULL);
  graphs_bisection(&none, NULL);
  assert_int_equal(graphs_lambda2(&none, NULL), 0);
  assert_int_equal(graphs_classes(&none, NULL), 0);
  graphs_found(&none, &one, NULL);
  assert_int_equal(graph_novelty(&none, &one, NULL, &novelty), 0);
  assert_true(isnan(novelty.unique) && isnan(novelty.novel) && isnan(novelty.valid_unique_novel));
  const GraphSample *const pair[3][2] = {{&none, &one}, {&one, &none}, {&none, &none}};
  for (int k = 0; k < 3; k++) {
    assert_int_equal(graph_distances(pair[k][0], pair[k][1], 10, &d), 0);
    assert_true(isnan(d.degree) && isnan(d.clustering) && isnan(d.cycles) && isnan(d.spectrum));
  }
  assert_int_equal(graph_distances(&one, &one, 0, &d), 0);
  assert_true(isnan(d.degree));
  assert_int_equal(graph_distances(&one, &one, 10, &d), 0);
  assert_true(d.degree == 0 && d.clustering == 0 && d.cycles == 0 && d.spectrum == 0);
  set_free(&s);
}

/* Two single graphs: 2 - 2 k, k from the histograms by hand. */
static void test_distance_of_two(void **state)
{
  Set            s = set_of(4), t = set_of(4);
  GraphDistances d;
  (void)state;
  cycle(set_add(&s, 3), 0, 3); /* degrees 2 2 2, coefficients 1, one triangle each, eigenvalues 0 3/2 3/2 */
  cycle(set_add(&t, 4), 0, 4); /* degrees 2 2 2 2, coefficients 0, one 4-cycle each, eigenvalues 0 1 1 2 */
  const GraphSample x = sample(&s), y = sample(&t);
  assert_int_equal(graph_distances(&x, &y, 10, &d), 0);
  expect_near("degree", 0, d.degree, 1e-15);
  expect_near("clustering", 2 - 2 * exp(-1 / 0.02), d.clustering, 1e-15);
  expect_near("cycles", 2 - 2 * exp(-0.5), d.cycles, 1e-15);                 /* triangles 1 against 0, 4-cycles 0 against 1 */
  expect_near("spectrum", 2 - 2 * exp(-0.75 * 0.75 / 2), d.spectrum, 1e-15); /* 1/4 in common */
  set_free(&s);
  set_free(&t);
}

/* Rows of bytes: every level against plain sums. */
static void test_levels(void **state)
{
  enum { N = 7, M = 9 };
  static HistogramTally *const  tally[]  = {histogram_tally_base, histogram_tally_v3, histogram_tally_v4};
  static HistogramScaled *const scaled[] = {histogram_scaled_base, histogram_scaled_v3, histogram_scaled_v4};
  Rng                           r        = rng_start(5, 0, RNG_METRIC);
  (void)state;
  for (int bytes = 64; bytes <= 256; bytes += 64) {
    uint8_t x[N * 256] = {0}, y[M * 256] = {0};
    for (int k = 0; k < 64 * N; k++) x[(k % N) * bytes + (int)(rng_uniform(&r) * bytes)]++;
    for (int k = 0; k < 64 * M; k++) y[(k % M) * bytes + (int)(rng_uniform(&r) * rng_uniform(&r) * bytes)]++;
    for (IsaLevel isa = ISA_BASE; isa <= isa_level(); isa++) {
      int64_t got[129] = {0}, expected[129] = {0};
      tally[isa](bytes, N, x, M, y, got);
      for (int i = 0; i < N; i++) {
        int32_t out[M];
        scaled[isa](bytes, x + i * bytes, 37, M, y, 64, out);
        for (int j = 0; j < M; j++) {
          int sum = 0, weighted = 0;
          for (int b = 0; b < bytes; b++) {
            sum += abs(x[i * bytes + b] - y[j * bytes + b]);
            weighted += abs(37 * x[i * bytes + b] - 64 * y[j * bytes + b]);
          }
          expected[sum]++;
          assert_int_equal(weighted, out[j]);
        }
      }
      assert_memory_equal(expected, got, sizeof got);
    }
  }
}

/* Some assignment of vertices to clusters of the given sizes makes every cluster connected and every other edge a joint, one at most. */
static bool assigned(int n, const uint64_t *adjacency, int clusters, const int *size, const uint8_t *cluster)
{
  int joints[SET_CLUSTERS_MAX] = {0};
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++) {
      const int low = cluster[i] < cluster[j] ? cluster[i] : cluster[j], gap = cluster[i] + cluster[j] - 2 * low;
      if ((adjacency[i] >> j & 1) && gap > 0 && (gap > 1 || ++joints[low] > 1)) return false;
    }
  for (int k = 0; k < clusters; k++) {
    uint64_t inside[SET_NODES_MAX] = {0};
    int      members               = 0, local[SET_NODES_MAX];
    for (int i = 0; i < n; i++)
      if (cluster[i] == k) local[members++] = i;
    for (int i = 0; i < members; i++)
      for (int j = 0; j < members; j++) inside[i] |= (adjacency[local[i]] >> local[j] & 1) << j;
    if (members != size[k] || !masks_connected(members, inside)) return false;
  }
  return true;
}

static bool some_assignment(int n, const uint64_t *adjacency, int clusters, const int *size, uint8_t *cluster, int at)
{
  if (at == n) return assigned(n, adjacency, clusters, size, cluster);
  for (int k = 0; k < clusters; k++) {
    int used    = 0;
    cluster[at] = (uint8_t)k;
    for (int i = 0; i <= at; i++) used += cluster[i] == k;
    if (used <= size[k] && some_assignment(n, adjacency, clusters, size, cluster, at + 1)) return true;
  }
  return false;
}

static void test_permuted_rows(void **state)
{
  static const struct {
    int clusters, size[5];
  } rows[] = {{1, {5}}, {2, {3, 3}}, {2, {2, 5}}, {3, {2, 2, 2}}, {3, {3, 1, 3}}, {3, {1, 4, 2}}, {4, {2, 1, 1, 3}}, {5, {1, 1, 2, 1, 1}}};
  Rng r    = rng_start(6, 0, RNG_METRIC);
  int sums[2] = {0};
  (void)state;
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    GraphSetSpec spec = {.kind = SET_CHAIN, .clusters = rows[k].clusters, .permute = true};
    int          n    = 0;
    for (int c = 0; c < spec.clusters; c++) n += spec.size[c] = rows[k].size[c];
    Set s = set_of(n);
    for (int g = 0; g < 150; g++) random_edges(&r, n, 0.1 + 0.3 * rng_uniform(&r), set_add(&s, n));
    for (int g = 0; g < 50; g++) { /* trees and forests have many bridges */
      uint8_t *const edge = set_add(&s, n);
      for (int v = 1; v < n; v++)
        if (rng_uniform(&r) < 0.9) join(edge, v, (int)(rng_uniform(&r) * v));
    }
    for (int64_t g = 0; g < s.count; g++) {
      uint64_t adjacency[SET_NODES_MAX];
      uint8_t  cluster[SET_NODES_MAX];
      masks_of_edges(n, s.edge + g * pair_count(n), adjacency);
      const bool expected = some_assignment(n, adjacency, spec.clusters, spec.size, cluster, 0);
      expect_valid(&s, &spec, g, expected);
      sums[expected]++;
    }
    set_free(&s);
  }
  if (sums[0] < 200 || sums[1] < 200) fail_msg("%d graphs are not valid and %d are: too few", sums[0], sums[1]);
}

/* Two equal clusters: a bisection of width at most 1 into connected halves. */
static void test_permuted_halves(void **state)
{
  Rng          r    = rng_start(7, 0, RNG_METRIC);
  GraphSetSpec spec = {.kind = SET_BARBELL, .clusters = 2, .size = {8, 8}, .permute = true};
  Set          s    = set_of(16);
  uint8_t      valid[90], connected[90];
  int32_t      width[90];
  (void)state;
  for (int g = 0; g < 90; g++) {
    uint8_t *const edge = set_add(&s, 16);
    uint8_t        half[28];
    random_edges(&r, 8, 0.5, half);
    put_copy(edge, 0, half, 8);
    random_edges(&r, 8, 0.5, half);
    put_copy(edge, 8, half, 8);
    for (int k = 0; k < g % 3; k++) join(edge, (int)(rng_uniform(&r) * 8), 8 + (int)(rng_uniform(&r) * 8));
  }
  const GraphSample all = sample(&s);
  graphs_valid(&all, &spec, NULL, valid);
  graphs_bisection(&all, width);
  graphs_connected(&all, connected);
  for (int g = 0; g < 90; g++) {
    uint64_t adjacency[SET_NODES_MAX];
    uint8_t  component[SET_NODES_MAX];
    masks_of_edges(16, s.edge + g * 120, adjacency);
    /* Without an edge between them connected halves are all components; with one, connected halves are a connected graph. */
    const bool two = masks_components(16, adjacency, component) == 2 && width[g] == 0;
    assert_int_equal(valid[g], (connected[g] && width[g] == 1) || two);
  }
  set_free(&s);
}

static void test_fixed_order(void **state)
{
  GraphSetSpec chain = {.kind = SET_CHAIN, .clusters = 3, .size = {3, 2, 2}}, blocks = chain;
  Set          s = set_of(7);
  (void)state;
  blocks.kind = SET_BLOCKS;
  /* base; joint 2-3; pair 1-3; pair 2-5; joint and another pair; cluster 0 not connected; an edge less but connected. */
  static const int extra[7][2][2] = {{{0, 1}, {0, 1}}, {{2, 3}, {4, 5}}, {{1, 3}, {0, 1}}, {{2, 5}, {0, 1}},
                                     {{2, 3}, {1, 4}}, {{0, 1}, {0, 1}}, {{0, 1}, {0, 1}}};
  static const int in_chain[7] = {1, 1, 0, 0, 0, 0, 1}, in_blocks[7] = {1, 1, 1, 1, 0, 0, 1};
  for (int g = 0; g < 7; g++) {
    uint8_t *const edge = set_add(&s, 7);
    for (int k = 0; k < 2; k++) join(edge, extra[g][k][0], extra[g][k][1]);
    cycle(edge, 0, 3);
    join(edge, 3, 4);
    join(edge, 5, 6);
    if (g >= 5) edge[pair_index(0, 1)] = 0;
    if (g == 5) edge[pair_index(0, 2)] = 0;
  }
  set_add(&s, 6); /* not of the law's size */
  for (int g = 0; g < 8; g++) {
    expect_valid(&s, &chain, g, g < 7 && in_chain[g]);
    expect_valid(&s, &blocks, g, g < 7 && in_blocks[g]);
  }
  set_free(&s);
}

/* All 64 graphs with 4 vertices: the law has the two pairs, or a path of three edges; 3 + 12 of them in any order. */
static void test_toy4(void **state)
{
  const GraphSetSpec fixed = {.kind = SET_TOY4}, permuted = {.kind = SET_TOY4, .permute = true};
  Set                s = set_of(4);
  uint8_t            valid[64];
  int                sum = 0;
  (void)state;
  for (int g = 0; g < 64; g++)
    for (int k = 0; k < 6; k++) {
      if (k == 0) set_add(&s, 4);
      s.edge[6 * g + k] = g >> k & 1;
    }
  const GraphSample all = sample(&s);
  graphs_valid(&all, &permuted, NULL, valid);
  for (int g = 0; g < 64; g++) sum += valid[g];
  assert_int_equal(sum, 15);
  const int two = 1 << pair_index(0, 1) | 1 << pair_index(2, 3), path = two | 1 << pair_index(1, 2);
  graphs_valid(&all, &fixed, NULL, valid);
  for (int g = 0; g < 64; g++) assert_int_equal(valid[g], g == two || g == path);
  graphs_valid(&all, &fixed, (uint8_t[]){0, 0, 1, 1}, valid);
  for (int g = 0; g < 64; g++) assert_int_equal(valid[g], g == two || g == path);
  set_free(&s);
}

static void test_other_laws(void **state)
{
  GraphSetSpec spec = {.kind = SET_TREES, .clusters = 2, .size = {3, 2}, .permute = true};
  Set          s    = set_of(5);
  (void)state;
  uint8_t *edge = set_add(&s, 5); /* 0: two trees */
  join(edge, 0, 1);
  join(edge, 1, 2);
  join(edge, 3, 4);
  cycle(set_add(&s, 5), 0, 3);   /* 1: a cycle and two points */
  join(set_add(&s, 5), 0, 1);    /* 2: four components */
  memset(set_add(&s, 5), 1, 10); /* 3: K_5 */
  memset(set_add(&s, 5), 1, 9);  /* 4: less an edge */
  for (int g = 0; g < 5; g++) {
    spec.kind = SET_TREES;
    expect_valid(&s, &spec, g, g == 0);
    spec.kind = SET_PLANAR;
    expect_valid(&s, &spec, g, g != 3);
    spec.kind = SET_ERDOS_RENYI;
    expect_valid(&s, &spec, g, VALIDITY_UNDEFINED);
    spec.kind = SET_FILE;
    expect_valid(&s, &spec, g, VALIDITY_UNDEFINED);
  }
  spec = (GraphSetSpec){.kind = SET_BLOCKS, .clusters = 3, .size = {2, 2, 1}, .permute = true};
  expect_valid(&s, &spec, 0, VALIDITY_UNDEFINED);
  set_free(&s);
}

/* What the generators make is valid. */
static void test_generated(void **state)
{
  const GraphSetSpec specs[] = {{.kind = SET_BARBELL, .clusters = 2, .size = {8, 8}, .bridge_frequency = 0.5, .intra_frequency = 0.95},
                                {.kind = SET_CHAIN, .clusters = 4, .size = {12, 5, 5, 3}, .bridge_frequency = 0.5, .intra_frequency = 1},
                                {.kind = SET_PLANAR, .clusters = 3, .size = {9, 10, 14}, .bridge_frequency = 0.5, .intra_frequency = 0.95},
                                {.kind = SET_TREES, .clusters = 3, .size = {9, 10, 14}, .bridge_frequency = 0.5, .intra_frequency = 0.95},
                                {.kind = SET_TOY4, .clusters = 2, .size = {2, 2}, .bridge_frequency = 0.5, .intra_frequency = 1}};
  (void)state;
  for (size_t k = 0; k < 2 * sizeof specs / sizeof *specs; k++) {
    GraphSetSpec spec = specs[k / 2];
    GraphSet    *set;
    uint8_t      valid[100];
    spec.permute = k % 2;
    assert_int_equal(graph_set_generate(&spec, 9, 0, 100, &set), 0);
    const GraphSample all = graph_sample_of(set);
    graphs_valid(&all, &spec, NULL, valid);
    for (int g = 0; g < 100; g++)
      if (valid[g] != 1) fail_msg("%s, permuted %d, graph %d: expected 1, got %d", graph_set_names[spec.kind], spec.permute, g, valid[g]);
    graph_set_destroy(&set);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_small_graphs),    cmocka_unit_test(test_bisection),   cmocka_unit_test(test_empty_sets),
      cmocka_unit_test(test_distance_of_two), cmocka_unit_test(test_levels),      cmocka_unit_test(test_permuted_rows),
      cmocka_unit_test(test_permuted_halves), cmocka_unit_test(test_fixed_order), cmocka_unit_test(test_toy4),
      cmocka_unit_test(test_other_laws),      cmocka_unit_test(test_generated),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
