/* SPDX-License-Identifier: BSD-2-Clause
 * Isomorphism classes: pairs of graphs that colour refinement does not tell apart, graphs with many automorphisms, and uniqueness and
 * novelty counted by hand. NetworkX is the oracle for small graphs in peers/test_graph_metrics.py. */
#include "graph_metrics_fixture.h"

/* 4 x 4: vertices that share a row or column, or (Shrikhande) differ by +-(1, 0), +-(0, 1), +-(1, 1) modulo 4. Both strongly regular
 * (16, 6, 2, 2). */
static void square16(uint8_t *edge, bool shrikhande)
{
  for (int v = 0; v < 16; v++)
    for (int u = 0; u < v; u++) {
      const int  dx = (v / 4 - u / 4) & 3, dy = (v - u) & 3;
      const bool near        = (dx == 0 && dy % 2) || (dy == 0 && dx % 2) || (dx == dy && dx % 2);
      edge[pair_index(u, v)] = shrikhande ? near : dx == 0 || dy == 0;
    }
}

/* Latin square graph of a group of order 8: cells that share row, column or entry. */
static void latin(uint8_t *edge, bool cyclic)
{
  for (int v = 0; v < 64; v++)
    for (int u = 0; u < v; u++) {
      const int a = v / 8, b = v % 8, c = u / 8, d = u % 8, x = cyclic ? (a + b) % 8 : a ^ b, y = cyclic ? (c + d) % 8 : c ^ d;
      edge[pair_index(u, v)] = a == c || b == d || x == y;
    }
}

/* The four graphs from `first` on are: A, A shuffled, B, B shuffled. Their classes, and those of the complements. */
static void expect_two(Set *s, Rng *r, const char *what)
{
  int64_t class[4];
  add_shuffled(s, r, 0);
  add_shuffled(s, r, 1);
  GraphSample all = sample(s);
  for (int complement = 0; complement < 2; complement++) {
    assert_int_equal(graphs_classes(&all, class), 2);
    if (memcmp(class, (int64_t[]){0, 1, 0, 1}, sizeof class) != 0)
      fail_msg("%s: expected 0 1 0 1, got %ld %ld %ld %ld", what, (long)class[0], (long)class[1], (long)class[2], (long)class[3]);
    for (int64_t k = 0; k < 4 * pair_count(s->n); k++) s->edge[k] = !s->edge[k];
  }
  set_free(s);
}

static void test_hard_pairs(void **state)
{
  Rng     r = rng_start(2, 0, RNG_METRIC);
  Set     s = set_of(60);
  uint8_t a[120], b[120];
  (void)state;
  uint8_t *edge = set_add(&s, 60);
  for (int k = 0; k < 10; k++) cycle(edge, 6 * k, 6);
  edge = set_add(&s, 60);
  for (int k = 0; k < 9; k++) cycle(edge, 6 * k, 6);
  cycle(edge, 54, 3);
  cycle(edge, 57, 3);
  expect_two(&s, &r, "many cycles");

  s = set_of(16);
  square16(set_add(&s, 16), false);
  square16(set_add(&s, 16), true);
  expect_two(&s, &r, "strongly regular");

  square16(a, false);
  square16(b, true);
  s = set_of(64);
  for (int graph = 0; graph < 2; graph++) {
    edge = set_add(&s, 64);
    for (int k = 0; k < 4; k++) put_copy(edge, 16 * k, k <= graph ? a : b, 16);
  }
  expect_two(&s, &r, "copies of strongly regular graphs");

  s = set_of(64);
  latin(set_add(&s, 64), false);
  latin(set_add(&s, 64), true);
  expect_two(&s, &r, "latin squares");
}

/* A cycle of six vertices, or two of three, whose edges are of class 2; two vertices beside it, joined by class 1. */
static void test_hard_pair_with_classes(void **state)
{
  Set s = set_of(8);
  Rng r = rng_start(8, 0, RNG_METRIC);
  int64_t class[4];
  (void)state;
  for (int graph = 0; graph < 2; graph++) {
    uint8_t *const edge = set_add(&s, 8);
    cycle(edge, 0, graph ? 3 : 6);
    if (graph) cycle(edge, 3, 3);
    for (int k = 0; k < 15; k++) edge[k] = (uint8_t)(2 * edge[k]);
    join(edge, 6, 7);
  }
  add_shuffled(&s, &r, 0);
  add_shuffled(&s, &r, 1);
  const GraphSample all = sample(&s);
  assert_int_equal(graphs_classes(&all, class), 2);
  assert_memory_equal(class, ((int64_t[]){0, 1, 0, 1}), sizeof class);
  set_free(&s);
}

/* J. Cai, M. Furer and N. Immerman, Combinatorica 12 (1992) 389, on K_4: only the number of twisted edges modulo 2 counts, and colour
 * refinement does not see it. */
static void twisted(uint8_t *edge, bool twist)
{
  /* Six edges of K_4, two vertices each (0 .. 11); for each of its vertices the four even subsets of its three edges (12 .. 27). */
  static const int at[4][3] = {{0, 1, 2}, {0, 3, 4}, {1, 3, 5}, {2, 4, 5}};
  for (int v = 0; v < 4; v++)
    for (int m = 0; m < 4; m++) {
      const int bits[3] = {m & 1, m >> 1, (m & 1) ^ (m >> 1)};
      for (int e = 0; e < 3; e++) join(edge, 12 + 4 * v + m, 2 * at[v][e] + (bits[e] ^ (twist && v == 0 && e == 0)));
    }
}

static void test_twisted_pair(void **state)
{
  Rng r = rng_start(3, 0, RNG_METRIC);
  Set s = set_of(28);
  (void)state;
  twisted(set_add(&s, 28), false);
  twisted(set_add(&s, 28), true);
  expect_two(&s, &r, "twisted");
  s = set_of(56);
  for (int graph = 0; graph < 2; graph++) {
    uint8_t *const edge = set_add(&s, 56), one[378] = {0}, two[378] = {0};
    twisted(one, false);
    twisted(two, graph == 1);
    put_copy(edge, 0, one, 28);
    put_copy(edge, 28, two, 28);
  }
  expect_two(&s, &r, "twisted beside one that is not");
}

/* Much symmetry, one class each. */
static void test_symmetric_graphs(void **state)
{
  Rng r = rng_start(4, 0, RNG_METRIC);
  Set s = set_of(64);
  int64_t class[14];
  (void)state;
  set_add(&s, 64);
  memset(set_add(&s, 64), 1, (size_t)pair_count(64));
  uint8_t *cube = set_add(&s, 64);
  for (int v = 0; v < 64; v++)
    for (int k = 0; k < 6; k++) join(cube, v, v ^ 1 << k);
  uint8_t *const halves = set_add(&s, 64);
  for (int v = 32; v < 64; v++)
    for (int u = 0; u < 32; u++) join(halves, u, v);
  cycle(set_add(&s, 64), 0, 64);
  uint8_t *const eights = set_add(&s, 64);
  for (int v = 0; v < 64; v++)
    for (int u = v / 8 * 8; u < v; u++) join(eights, u, v);
  uint8_t *const tree = set_add(&s, 63);
  for (int v = 1; v < 63; v++) join(tree, v, (v - 1) / 2);
  for (int g = 0; g < 7; g++) add_shuffled(&s, &r, g);
  const GraphSample all = sample(&s);
  assert_int_equal(graphs_classes(&all, class), 7);
  for (int g = 0; g < 14; g++) assert_int_equal(class[g], g % 7);
  set_free(&s);
}

/* Unique, novel and valid counted by hand. */
static void test_novelty(void **state)
{
  Set          s = set_of(4), training = set_of(6);
  GraphNovelty got;
  uint8_t      found[5], valid[5] = {0, 1, 1, 1, 0};
  (void)state;
  join(set_add(&s, 4), 0, 1);
  join(set_add(&s, 4), 2, 3); /* as graph 0 */
  join(set_add(&s, 3), 0, 1);
  set_add(&s, 4);
  memset(set_add(&s, 4), 1, 6);
  join(set_add(&training, 3), 1, 2); /* as graph 2 */
  set_add(&training, 5);
  memset(set_add(&training, 4), 1, 6); /* as graph 4 */
  const GraphSample x = sample(&s), y = sample(&training);
  graphs_found(&x, &y, found);
  assert_memory_equal(found, ((uint8_t[]){0, 0, 1, 0, 1}), 5);
  assert_int_equal(graph_novelty(&x, &y, valid, &got), 0);
  expect_near("unique", 4 / 5.0, got.unique, 1e-15);
  expect_near("novel", 2 / 4.0, got.novel, 1e-15);
  expect_near("valid, unique and novel", 2 / 5.0, got.valid_unique_novel, 1e-15);
  valid[3] = 0;
  assert_int_equal(graph_novelty(&x, &y, valid, &got), 0);
  expect_near("valid, unique and novel", 1 / 5.0, got.valid_unique_novel, 1e-15);
  valid[4] = VALIDITY_UNDEFINED;
  assert_int_equal(graph_novelty(&x, &y, valid, &got), 0);
  assert_true(isnan(got.valid_unique_novel));
  assert_int_equal(graph_novelty(&x, &(GraphSample){.n = 4}, NULL, &got), 0);
  expect_near("novel without training graphs", 1, got.novel, 0);
  /* Vertex classes count where both sets have them. */
  GraphSample with_x = x, with_y = y;
  with_x.node       = s.node;
  with_y.node       = training.node;
  s.node[2 * 4 + 2] = 3;
  graphs_found(&with_x, &with_y, found);
  assert_memory_equal(found, ((uint8_t[]){0, 0, 0, 0, 1}), 5);
  graphs_found(&with_x, &y, found);
  assert_memory_equal(found, ((uint8_t[]){0, 0, 1, 0, 1}), 5);
  set_free(&s);
  set_free(&training);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hard_pairs),   cmocka_unit_test(test_hard_pair_with_classes),
      cmocka_unit_test(test_twisted_pair), cmocka_unit_test(test_symmetric_graphs),
      cmocka_unit_test(test_novelty),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
