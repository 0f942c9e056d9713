/* SPDX-License-Identifier: BSD-2-Clause
 * Generated sets of graphs: what is refused, frequencies exact or within their deviations, uniform trees and toy graphs by chi-square,
 * Delaunay triangulations against empty circumcircles. */
#include "graph_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "graph/graph_set_private.h"
#include "set_fixture.h"

#define SPEC(...) ((GraphSetSpec){__VA_ARGS__})

static void specifications_are_checked(void **state)
{
  (void)state;
  const struct {
    GraphSetSpec spec;
    const char  *field, *word;
  } bad[] = {
      {SPEC(.kind = SET_FILE), "path", "which"},
      {SPEC(.kind = SET_TOY4, .bridge_frequency = 1.1), "bridge_frequency", "1.1"},
      {SPEC(.kind = SET_TOY4, .bridge_frequency = NAN), "bridge_frequency", "nan"},
      {SPEC(.kind = SET_BARBELL, .clusters = 2, .size = {3, 3}, .intra_frequency = -0.1), "intra_frequency", "-0.1"},
      {SPEC(.kind = SET_BARBELL, .clusters = 3, .size = {3, 3, 3}), "clusters", "chain"},
      {SPEC(.kind = SET_BARBELL, .clusters = 2, .size = {3, 4}), "size", "3 and 4"},
      {SPEC(.kind = SET_CHAIN, .clusters = 0), "clusters", "0 clusters"},
      {SPEC(.kind = SET_CHAIN, .clusters = 17), "clusters", "17 clusters"},
      {SPEC(.kind = SET_CHAIN, .clusters = 2, .size = {3, 0}), "size", "cluster 2 has 0"},
      {SPEC(.kind = SET_TREES, .clusters = 2, .size = {3, -7}), "size", "-7"},
      {SPEC(.kind = SET_PLANAR, .clusters = 2, .size = {32, 33}), "size", "65 vertices"},
      {SPEC(.kind = SET_BLOCKS, .clusters = 1, .size = {1}), "size", "no pair"},
      {SPEC(.kind = SET_BLOCKS, .clusters = 9, .size = {1, 1, 1, 1, 1, 1, 1, 1, 1}, .node_blocks = true), "node_blocks", "9 clusters"},
      {SPEC(.kind = 8), "kind", "8"},
  };
  const char *field;
  char        message[256];
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    const char *const why = graph_set_check(&bad[k].spec, &field, message);
    if (!why) fail_msg("specification %zu: expected `%s`, got nothing", k, bad[k].word);
    if (strcmp(field, bad[k].field) != 0 || !strstr(why, bad[k].word))
      fail_msg("specification %zu: expected %s: `%s`, got %s: %s", k, bad[k].field, bad[k].word, field, why);
  }
  const GraphSetSpec file = SPEC(.kind = SET_FILE, .path = "x");
  assert_null(graph_set_check(&file, &field, message));
  assert_int_equal(graph_set_nodes(&file), 0);
  assert_int_equal(graph_set_nodes(&SPEC(.kind = SET_TOY4)), 4);
  assert_int_equal(graph_set_nodes(&SPEC(.kind = SET_CHAIN, .clusters = 3, .size = {3, 1, 7})), 11);
  GraphSet *set;
  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  assert_int_equal(graph_set_generate(&file, SET_KEY, 0, 1, &set), PETSC_ERR_ARG_OUTOFRANGE);
  assert_int_equal(graph_set_generate(&bad[1].spec, SET_KEY, 0, 1, &set), PETSC_ERR_ARG_OUTOFRANGE);
  assert_int_equal(PetscPopErrorHandler(), 0);
  assert_null(set);
}

/* A graph does not depend on how many there are, but on key, stream and number. */
static void graphs_are_functions_of_their_number(void **state)
{
  (void)state;
  for (int k = 0; k < 2 * KINDS; k++) {
    GraphSetSpec spec   = kinds[k / 2];
    spec.permute        = k % 2;
    const bool constant = spec.intra_frequency >= 1 && !spec.permute; /* all graphs alike */
    GraphSet  *few = generate(spec, 0, 3), *many = generate(spec, 0, 40), *other = generate(spec, 1, 40), *none = generate(spec, 0, 0);
    int        differ = 0;
    for (int g = 0; g < 3; g++) same_graphs(few, g, many, g, true);
    for (int g = 0; g < 40; g++) differ += memcmp(many->edge + g * many->pairs, other->edge + g * many->pairs, (size_t)many->pairs) != 0;
    if (!constant) assert_in_range(differ, 5, 40);
    assert_int_equal(none->count, 0);
    graph_set_destroy(&few);
    graph_set_destroy(&many);
    graph_set_destroy(&other);
    graph_set_destroy(&none);
  }
}

/* Clusters of the right sizes, edges between them only at joints (of neighbours) or between blocks, marks and classes. */
static void check_structure(const GraphSet *s, const GraphSetSpec *spec, int64_t g)
{
  const int            clusters = spec->kind == SET_TOY4 ? 2 : spec->clusters;
  const uint8_t *const edge = s->edge + g * s->pairs, *const bridge = s->bridge + g * s->pairs, *const cluster = s->cluster + g * s->n;
  int size[SET_CLUSTERS_MAX] = {0};
  assert_int_equal(s->size[g], s->n);
  for (int i = 0; i < s->n; i++) {
    size[cluster[i]]++;
    assert_int_equal(s->node[g * s->n + i], spec->node_blocks ? cluster[i] : 0);
    if (!spec->permute && i > 0) assert_true(cluster[i] >= cluster[i - 1]);
  }
  for (int c = 0; c < clusters; c++) assert_int_equal(size[c], spec->kind == SET_TOY4 ? 2 : spec->size[c]);
  for (int k = 0; k < s->joints; k++) {
    int i = 0, j = 1;
    while (pair_index(i, j) != s->site[g * s->joints + k])
      if (++i == j) i = 0, j++;
    assert_int_equal(PetscMin(cluster[i], cluster[j]), k);
    assert_int_equal(PetscMax(cluster[i], cluster[j]), k + 1);
    const bool fixed = !spec->permute && (spec->kind == SET_BARBELL || spec->kind == SET_CHAIN || spec->kind == SET_TOY4);
    if (fixed) assert_true(j == i + 1); /* the last vertex of one, the first of the next */
  }
  for (int j = 1; j < s->n; j++)
    for (int i = 0; i < j; i++) {
      const int  e      = pair_index(i, j);
      const bool across = cluster[i] != cluster[j];
      bool       joint  = s->joints == 0;
      for (int k = 0; k < s->joints; k++) joint |= s->site[g * s->joints + k] == e;
      assert_in_range(edge[e], 0, 1);
      assert_int_equal(bridge[e], edge[e] && across);
      if (edge[e] && across && !joint) fail_msg("%s: an edge %d %d beside the joints", graph_set_names[spec->kind], i, j);
    }
}

static void structure_of_all_kinds(void **state)
{
  (void)state;
  for (int k = 0; k < 2 * KINDS; k++) {
    GraphSetSpec spec     = kinds[k / 2];
    spec.permute          = k % 2;
    GraphSet *const s     = generate(spec, 0, 60);
    const int       joint = spec.kind == SET_BLOCKS ? 0 : spec.kind == SET_TOY4 ? 1 : spec.clusters - 1;
    assert_int_equal(s->joints, joint);
    assert_int_equal(s->site != NULL, joint > 0);
    assert_int_equal(s->n, graph_set_nodes(&spec));
    assert_true(s->b == 2 && s->a == (spec.node_blocks ? spec.clusters : 1) && !s->resistance);
    for (int64_t g = 0; g < s->count; g++) check_structure(s, &spec, g);
    GraphSet *copy = s;
    graph_set_destroy(&copy);
    assert_null(copy);
  }
}

/* Graphs with the bridge at joint k. */
static int64_t carriers(const GraphSet *s, int k)
{
  int64_t sum = 0;
  for (int64_t g = 0; g < s->count; g++) sum += s->edge[g * s->pairs + s->site[g * s->joints + k]] > 0;
  return sum;
}

static void exact_frequencies(void **state)
{
  (void)state;
  enum { COUNT = 400 };
  static const double eps[] = {0, 0.001, 0.00125, 0.05, 0.3333, 0.5, 1};
  for (int k = 0; k < KINDS; k++)
    for (size_t e = 0; e < sizeof eps / sizeof *eps; e++) {
      GraphSetSpec spec     = kinds[k];
      spec.exact_frequency  = true;
      spec.permute          = e % 2;
      spec.bridge_frequency = eps[e];
      GraphSet *s           = generate(spec, 0, COUNT);
      for (int j = 0; j < s->joints; j++) assert_int_equal(carriers(s, j), llround(eps[e] * COUNT));
      graph_set_destroy(&s);
    }
  /* Joints are independent: graphs that carry both of two bridges follow the hypergeometric law. */
  GraphSet *s =
      generate(SPEC(.kind = SET_CHAIN, .clusters = 3, .size = {2, 2, 2}, .bridge_frequency = 0.5, .exact_frequency = true), 0, COUNT);
  int both = 0;
  for (int64_t g = 0; g < COUNT; g++) both += s->edge[g * s->pairs + s->site[2 * g]] && s->edge[g * s->pairs + s->site[2 * g + 1]];
  assert_near(COUNT / 4.0, both, 5 * sqrt(COUNT / 16.0));
  graph_set_destroy(&s);
}

static void near_frequency(double p, double count, double n, const char *what)
{
  const double tolerance = 5 * sqrt(n * p * (1 - p)) + 1e-9;
  if (!(fabs(count - n * p) <= tolerance)) fail_msg("%s: expected %g +- %g of %g, got %g", what, n * p, tolerance, n, count);
}

static void drawn_frequencies(void **state)
{
  (void)state;
  enum { COUNT = 4000 };
  for (int k = 0; k < 2 * KINDS; k++) {
    GraphSetSpec spec   = kinds[k / 2];
    spec.permute        = k % 2;
    GraphSet *s         = generate(spec, 3, COUNT);
    double    inside[2] = {0};
    for (int j = 0; j < s->joints; j++) near_frequency(spec.bridge_frequency, (double)carriers(s, j), COUNT, "bridges");
    for (int64_t g = 0; g < COUNT; g++)
      for (int j = 1; j < s->n; j++)
        for (int i = 0; i < j; i++)
          if (s->cluster[g * s->n + i] == s->cluster[g * s->n + j]) inside[s->edge[g * s->pairs + pair_index(i, j)]]++;
    const double p = spec.kind == SET_TOY4 ? 1 : spec.intra_frequency;
    if (spec.kind != SET_PLANAR && spec.kind != SET_TREES) near_frequency(p, inside[1], inside[0] + inside[1], "edges inside");
    graph_set_destroy(&s);
  }
}

/* Two blocks of 2 and 3: with q of a pair, P(no edge) = (1 - q)^6 = 1 - eps, and the number of edges is binomial. */
static void blocks_are_joined_with_their_frequency(void **state)
{
  (void)state;
  enum { COUNT = 6000, PAIRS = 6 };
  for (int trial = 0; trial < 4; trial++) {
    const double eps = trial % 2 ? 0.05 : 0.8, q = 1 - pow(1 - eps, 1.0 / PAIRS);
    GraphSetSpec spec              = SPEC(.kind = SET_BLOCKS, .clusters = 2, .size = {2, 3}, .bridge_frequency = eps, .intra_frequency = 1,
                                          .exact_frequency = trial / 2, .permute = trial == 1);
    GraphSet    *s                 = generate(spec, 0, COUNT);
    double       number[PAIRS + 1] = {0}, pair[PAIRS] = {0}, binomial = 1;
    for (int64_t g = 0; g < COUNT; g++) {
      int edges = 0;
      for (int k = 0; k < s->pairs; k++) edges += s->bridge[g * s->pairs + k];
      number[edges]++;
      for (int i = 0; i < 2 && !spec.permute; i++)
        for (int j = 0; j < 3; j++) pair[3 * i + j] += s->edge[g * s->pairs + pair_index(i, 2 + j)];
    }
    if (spec.exact_frequency) assert_near(COUNT * (1 - eps), number[0], 0.5);
    for (int k = 0; k < PAIRS && !spec.permute; k++) near_frequency(q, pair[k], COUNT, "a pair of two blocks");
    for (int k = 0; k <= PAIRS; k++) {
      near_frequency(binomial * pow(q, k) * pow(1 - q, PAIRS - k), number[k], COUNT, "number of edges between two blocks");
      binomial = binomial * (PAIRS - k) / (k + 1);
    }
    graph_set_destroy(&s);
  }
  for (int eps = 0; eps < 2; eps++) {
    GraphSet *s =
        generate(SPEC(.kind = SET_BLOCKS, .clusters = 3, .size = {2, 3, 2}, .bridge_frequency = eps, .intra_frequency = 0), 0, 20);
    for (int64_t k = 0; k < s->count * s->pairs; k++) assert_int_equal(s->edge[k], s->bridge[k]);
    int64_t edges = 0;
    for (int64_t k = 0; k < s->count * s->pairs; k++) edges += s->edge[k];
    assert_int_equal(edges, 20 * eps * (6 + 4 + 6));
    graph_set_destroy(&s);
  }
}

/* Graphs of one size as numbers: bit k is pair k. count[number]. */
static void tally(const GraphSet *s, double *count)
{
  for (int64_t g = 0; g < s->count; g++) {
    size_t number = 0;
    for (int k = 0; k < s->pairs; k++) number |= (size_t)s->edge[g * s->pairs + k] << k;
    count[number]++;
  }
}

/* Chi-square below its mean + 6 deviations, and nothing where nothing is expected. */
static void check_law(int states, const double *count, const double *law, double n)
{
  double chi       = 0;
  int    free_ones = -1;
  for (int k = 0; k < states; k++) {
    if (law[k] == 0 && count[k] > 0) fail_msg("state %d cannot be, but is there %g times", k, count[k]);
    if (law[k] == 0) continue;
    chi += (count[k] - n * law[k]) * (count[k] - n * law[k]) / (n * law[k]);
    free_ones++;
  }
  const double most = free_ones + 6 * sqrt(2.0 * free_ones);
  if (!(chi <= most)) fail_msg("chi-square of %d states: expected at most %g, got %g", free_ones + 1, most, chi);
}

static void toy_graphs(void **state)
{
  (void)state;
  enum { COUNT = 20000, STATES = 64 };
  const double eps = 0.3;
  const int    bar = 1 << pair_index(0, 1) | 1 << pair_index(2, 3), joined = bar | 1 << pair_index(1, 2);
  double       count[STATES] = {0}, law[STATES] = {0};
  GraphSet    *s = generate(SPEC(.kind = SET_TOY4, .bridge_frequency = eps), 0, COUNT);
  for (int64_t g = 0; g < COUNT; g++) assert_int_equal(s->site[g], pair_index(1, 2));
  tally(s, count);
  law[bar]    = 1 - eps;
  law[joined] = eps;
  check_law(STATES, count, law, COUNT);
  graph_set_destroy(&s);
  /* Permuted: 3 perfect matchings, each with one of 4 bridges. */
  memset(law, 0, sizeof law);
  memset(count, 0, sizeof count);
  s = generate(SPEC(.kind = SET_TOY4, .bridge_frequency = eps, .permute = true), 0, COUNT);
  tally(s, count);
  for (int k = 0; k < 3; k++) {
    const int matching = 1 << pair_index(0, k + 1) | 1 << pair_index(k == 0 ? 2 : 1, k == 2 ? 2 : 3);
    law[matching]      = (1 - eps) / 3;
    for (int e = 0; e < 6; e++)
      if (!(matching >> e & 1)) law[matching | 1 << e] += eps / 12;
  }
  check_law(STATES, count, law, COUNT);
  graph_set_destroy(&s);
}

/* All labelled trees of n vertices are alike: Cayley's n^(n - 2). */
static void trees_are_uniform(void **state)
{
  (void)state;
  enum { COUNT = 20000 };
  for (int n = 2; n <= 5; n++) {
    const int states = 1 << pair_count(n);
    double   *count = calloc((size_t)states, sizeof *count), *law = calloc((size_t)states, sizeof *law), trees = 0;
    for (int k = 0; k < states; k++) {
      Small t = {.n = n};
      for (int e = 0; e < pair_count(n); e++) t.edge[e] = k >> e & 1;
      small_done(&t);
      law[k] = __builtin_popcount((unsigned)k) == n - 1 && masks_connected(n, t.adjacency);
      trees += law[k];
    }
    assert_near(pow(n, n - 2), trees, 0);
    for (int k = 0; k < states; k++) law[k] /= trees;
    GraphSet *s = generate(SPEC(.kind = SET_TREES, .clusters = 1, .size = {n}), 0, COUNT);
    tally(s, count);
    check_law(states, count, law, COUNT);
    graph_set_destroy(&s);
    free(count);
    free(law);
  }
  for (int n = 2; n <= 64; n++) {
    GraphSet *s = generate(SPEC(.kind = SET_TREES, .clusters = 1, .size = {n}, .permute = n % 2), 0, 20);
    for (int64_t g = 0; g < s->count; g++) {
      uint64_t adjacency[SET_NODES_MAX];
      int      edges = 0;
      for (int k = 0; k < s->pairs; k++) edges += s->edge[g * s->pairs + k];
      masks_of_edges(n, s->edge + g * s->pairs, adjacency);
      assert_int_equal(edges, n - 1);
      assert_true(masks_connected(n, adjacency));
    }
    graph_set_destroy(&s);
  }
}

typedef struct Points {
  int64_t x[SET_NODES_MAX], y[SET_NODES_MAX];
} Points;

static int64_t turn(const Points *p, int a, int b, int c)
{
  return (p->x[b] - p->x[a]) * (p->y[c] - p->y[a]) - (p->y[b] - p->y[a]) * (p->x[c] - p->x[a]);
}

/* d strictly inside the circle of a, b, c, whatever their sense. */
static bool inside(const Points *p, int a, int b, int c, int d)
{
  __int128  sum      = 0;
  const int of[3][3] = {{a, b, c}, {b, c, a}, {c, a, b}};
  for (int k = 0; k < 3; k++) {
    const int64_t x = p->x[of[k][0]] - p->x[d], y = p->y[of[k][0]] - p->y[d];
    sum += (__int128)(x * x + y * y) *
           ((p->x[of[k][1]] - p->x[d]) * (p->y[of[k][2]] - p->y[d]) - (p->x[of[k][2]] - p->x[d]) * (p->y[of[k][1]] - p->y[d]));
  }
  return turn(p, a, b, c) > 0 ? sum > 0 : sum < 0;
}

static bool empty_circle(const Points *p, int n, int a, int b, int c)
{
  for (int d = 0; d < n; d++)
    if (d != a && d != b && d != c && inside(p, a, b, c, d)) return false;
  return true;
}

/* Edges of all triangles whose circle is empty; the points are those of the generator's seed. */
static void triangulations_are_delaunay(void **state)
{
  (void)state;
  Rng r = rng_start(SET_KEY, 9, RNG_VERIFY);
  for (int trial = 0; trial < 90; trial++) {
    const int n = trial % 18 + 1, first = trial % 5;
    Rng       before = r;
    Draft     d      = {.n = first + n};
    Points    p;
    assert_int_equal(cluster_delaunay(&d, first, n, &r), 0);
    const uint64_t seed = rng_u64(&before);
    for (int i = 0; i < n; i++) {
      uint32_t word[4];
      rng_block(seed, (uint64_t)i, 0, RNG_SITE, word);
      p.x[i] = word[0] >> 2;
      p.y[i] = word[1] >> 2;
    }
    Small expected  = {.n = d.n};
    int   triangles = 0, edges = 0;
    for (int c = 2; c < n; c++)
      for (int b = 1; b < c; b++)
        for (int a = 0; a < b; a++) {
          if (!empty_circle(&p, n, a, b, c)) continue;
          triangles++;
          expected.edge[pair_index(first + a, first + b)] = expected.edge[pair_index(first + b, first + c)] = 1;
          expected.edge[pair_index(first + a, first + c)]                                                   = 1;
        }
    if (n == 2) expected.edge[pair_index(first, first + 1)] = 1;
    for (int k = 0; k < pair_count(d.n); k++) {
      edges += d.edge[k];
      if (d.edge[k] != expected.edge[k]) fail_msg("n = %d: pair %d: expected %d, got %d", n, k, expected.edge[k], d.edge[k]);
    }
    if (n >= 3) assert_int_equal(n - edges + triangles + 1, 2); /* Euler: plane, and triangulated */
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(specifications_are_checked),
      cmocka_unit_test(graphs_are_functions_of_their_number),
      cmocka_unit_test(structure_of_all_kinds),
      cmocka_unit_test(exact_frequencies),
      cmocka_unit_test(drawn_frequencies),
      cmocka_unit_test(blocks_are_joined_with_their_frequency),
      cmocka_unit_test(toy_graphs),
      cmocka_unit_test(trees_are_uniform),
      cmocka_unit_test(triangulations_are_delaunay),
  };
  return cmocka_run_group_tests_name("graph_set", tests, NULL, NULL);
}
