/* SPDX-License-Identifier: BSD-2-Clause
 * Every resistance method, through the driver that splits a graph into blocks, against the dense reference on thirty generated families,
 * weighted and not; invariances (relabelling, Rayleigh's monotonicity); chosen pairs; the refusals; and that the verification finds what
 * is wrong. Run on 1, 2 and 3 ranks. */
#include "resistance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph_source.h"
#include "rng.h"

static const GraphSpec families[] = {
    {.kind = GRAPH_PATH, .nodes = 2},
    {.kind = GRAPH_PATH, .nodes = 150},
    {.kind = GRAPH_CYCLE, .nodes = 3},
    {.kind = GRAPH_CYCLE, .nodes = 151},
    {.kind = GRAPH_COMPLETE, .nodes = 5},
    {.kind = GRAPH_COMPLETE, .nodes = 80},
    {.kind = GRAPH_HYPERCUBE, .dimension = 1},
    {.kind = GRAPH_HYPERCUBE, .dimension = 7},
    {.kind = GRAPH_GRID_2D, .width = 1, .height = 40},
    {.kind = GRAPH_GRID_2D, .width = 17, .height = 13},
    {.kind = GRAPH_GRID_2D, .width = 2, .height = 90},
    {.kind = GRAPH_GRID_3D, .width = 6, .height = 5, .depth = 7},
    {.kind = GRAPH_TORUS, .width = 12, .height = 11},
    {.kind = GRAPH_BARBELL, .clique_size = 8, .bridges = 1},
    {.kind = GRAPH_BARBELL, .clique_size = 40, .bridges = 2},
    {.kind = GRAPH_CHAIN, .clique_size = 6, .cliques = 12, .bridges = 1},
    {.kind = GRAPH_CHAIN, .clique_size = 7, .cliques = 15, .bridges = 3},
    {.kind = GRAPH_ERDOS_RENYI, .nodes = 200, .degree = 0.8}, /* many components */
    {.kind = GRAPH_ERDOS_RENYI, .nodes = 200, .degree = 2},   /* trees, blocks, isolated vertices */
    {.kind = GRAPH_ERDOS_RENYI, .nodes = 200, .degree = 12},
    {.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = 180, .blocks = 3, .degree_in = 9, .degree_out = 0.2},
    {.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = 120, .blocks = 5, .degree_in = 6, .degree_out = 3},
    {.kind = GRAPH_WATTS_STROGATZ, .nodes = 200, .degree = 4, .rewire = 0},
    {.kind = GRAPH_WATTS_STROGATZ, .nodes = 200, .degree = 6, .rewire = 0.2},
    {.kind = GRAPH_BARABASI_ALBERT, .nodes = 200, .degree = 1}, /* a tree */
    {.kind = GRAPH_BARABASI_ALBERT, .nodes = 200, .degree = 3},
    {.kind = GRAPH_GEOMETRIC, .nodes = 200, .degree = 5},
    {.kind = GRAPH_GEOMETRIC, .nodes = 200, .degree = 14},
    {.kind = GRAPH_RMAT, .scale = 7, .edge_factor = 4, .rmat_a = 0.57, .rmat_b = 0.19, .rmat_c = 0.19},
    {.kind = GRAPH_RMAT, .scale = 8, .edge_factor = 8, .rmat_a = 0.45, .rmat_b = 0.25, .rmat_c = 0.15},
};
enum { FAMILIES = sizeof families / sizeof *families };

static Graph *build(int family, GraphWeights weights)
{
  GraphSpec   spec   = families[family];
  GraphErrors errors = {0};
  GraphReport report;
  Graph      *g  = NULL;
  int64_t    *id = NULL;
  spec.weights   = weights;
  spec.seed      = 7;
  assert_int_equal(graph_source_build(&spec, &g, &id, &report, &errors), 0);
  assert_non_null(g);
  (void)PetscFree(id);
  return g;
}

typedef struct Answer {
  double         *resistance, *error, *dense;
  GraphBlocks    *blocks;
  ResistanceStats stats;
} Answer;

static void answer(const Graph *g, const ResistanceOptions *options, Answer *a)
{
  const size_t m = (size_t)g->m + 1;
  a->resistance  = calloc(m, sizeof(double));
  a->error       = calloc(m, sizeof(double));
  a->dense       = calloc(m, sizeof(double));
  assert_int_equal(graph_blocks(g, &a->blocks), 0);
  assert_int_equal(resistance_edges(g, a->dense), 0);
  assert_int_equal(resistance_all(PETSC_COMM_WORLD, g, a->blocks, options, &a->stats, a->resistance, a->error), 0);
}

static void answer_clear(Answer *a)
{
  free(a->resistance);
  free(a->error);
  free(a->dense);
  graph_blocks_destroy(&a->blocks);
}

/* Largest relative deviation from the dense reference. */
static double worst_of(const Graph *g, const Answer *a)
{
  double worst = 0;
  for (int64_t e = 0; e < g->m; e++) worst = fmax(worst, fabs(a->resistance[e] - a->dense[e]) / a->dense[e]);
  return worst;
}

static void check_exact_method(ResistanceMethodId method, double tolerance)
{
  for (int f = 0; f < FAMILIES; f++)
    for (int w = WEIGHTS_UNIT; w <= WEIGHTS_EXPONENTIAL; w++) {
      const ResistanceOptions options = {.method = method, .key = 3};
      Graph                  *g       = build(f, (GraphWeights)w);
      ResistanceCheck         check;
      Answer                  a;
      answer(g, &options, &a);
      if (a.stats.refused[0]) fail_msg("family %d, weights %d, %s: refused: %s", f, w, resistance_method_names[method], a.stats.refused);
      const double worst = worst_of(g, &a);
      if (!(worst <= tolerance))
        fail_msg("family %d, weights %d, %s: relative error %.3g, expected <= %.0e", f, w, resistance_method_names[method], worst,
                 tolerance);
      assert_int_equal(resistance_verify(PETSC_COMM_WORLD, g, a.blocks, a.resistance, a.error, 5, &options, &a.stats, &check), 0);
      if (check.invalid[0]) fail_msg("family %d, weights %d: a right answer is called invalid: %s", f, w, check.invalid);
      answer_clear(&a);
      graph_destroy(&g);
    }
}

static void exact_agrees_with_dense(void **state)
{
  (void)state;
  check_exact_method(RESISTANCE_EXACT, 1e-11);
}

static void dense_by_blocks_agrees_with_dense(void **state)
{
  (void)state;
  check_exact_method(RESISTANCE_DENSE, 1e-11);
}

static void auto_agrees_with_dense(void **state)
{
  (void)state;
  check_exact_method(RESISTANCE_AUTO, 1e-11);
}

static void solve_agrees_with_dense(void **state)
{
  (void)state;
  const int chosen[] = {0, 1, 3, 4, 9, 13, 18, 20, 25, 28};
  for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
    const ResistanceOptions options = {.method = RESISTANCE_SOLVE};
    Graph                  *g       = build(chosen[i], WEIGHTS_EXPONENTIAL);
    Answer                  a;
    answer(g, &options, &a);
    if (a.stats.refused[0]) fail_msg("family %d: refused: %s", chosen[i], a.stats.refused);
    const double worst = worst_of(g, &a);
    if (!(worst <= 1e-8)) fail_msg("family %d: relative error %.3g, expected <= 1e-8", chosen[i], worst);
    answer_clear(&a);
    graph_destroy(&g);
  }
}

/* Small blocks are done densely, the others sketched: deviations in standard errors have mean square near 1. */
static void sketch_agrees_with_dense(void **state)
{
  (void)state;
  double  square = 0;
  int64_t count  = 0;
  for (int f = 0; f < FAMILIES; f++) {
    const ResistanceOptions options = {.method = RESISTANCE_SKETCH, .projections = 64, .key = 11};
    Graph                  *g       = build(f, WEIGHTS_UNIFORM);
    ResistanceCheck         check;
    Answer                  a;
    answer(g, &options, &a);
    if (a.stats.refused[0]) fail_msg("family %d: refused: %s", f, a.stats.refused);
    for (int64_t e = 0; e < g->m; e++) {
      const double off = fabs(a.resistance[e] - a.dense[e]);
      if (!(off <= 8 * a.error[e] + 3e-3 * a.dense[e]))
        fail_msg("family %d, edge %lld: %g, expected %g, standard error %g", f, (long long)e, a.resistance[e], a.dense[e], a.error[e]);
      if (a.error[e] <= 1e-3 * a.dense[e]) continue;
      square += off * off / (a.error[e] * a.error[e]);
      count++;
    }
    assert_int_equal(resistance_verify(PETSC_COMM_WORLD, g, a.blocks, a.resistance, a.error, 5, &options, &a.stats, &check), 0);
    if (check.invalid[0]) fail_msg("family %d: invalid: %s", f, check.invalid);
    answer_clear(&a);
    graph_destroy(&g);
  }
  if (count > 0 && !(square / (double)count < 2.5))
    fail_msg("mean square deviation in standard errors: %g, expected near 1", square / (double)count);
}

/* --- what must hold whatever the numbers --- */

static void relabelling_changes_nothing(void **state)
{
  (void)state;
  Graph        *g = build(27, WEIGHTS_EXPONENTIAL), *h = NULL;
  const int64_t n = g->n, m = g->m;
  int64_t      *place = calloc((size_t)n, sizeof *place), *u = calloc((size_t)m, sizeof *u), *v = calloc((size_t)m, sizeof *v);
  Rng           rng = rng_start(5, 0, RNG_GRAPH);
  Answer        a, b;
  for (int64_t i = 0; i < n; i++) place[i] = i;
  for (int64_t i = n - 1; i > 0; i--) {
    const int64_t j = (int64_t)rng_below(&rng, (uint32_t)i + 1), swap = place[i];
    place[i] = place[j];
    place[j] = swap;
  }
  for (int64_t e = 0; e < m; e++) {
    u[e] = place[g->u[e]];
    v[e] = place[g->v[e]];
  }
  assert_int_equal(graph_create(n, m, u, v, g->weight, &h), 0); /* edges keep their numbers */
  const ResistanceOptions options = {.method = RESISTANCE_EXACT};
  answer(g, &options, &a);
  answer(h, &options, &b);
  for (int64_t e = 0; e < m; e++)
    if (!(fabs(a.resistance[e] - b.resistance[e]) <= 1e-11 * a.resistance[e]))
      fail_msg("edge %lld: %.15g, relabelled %.15g", (long long)e, a.resistance[e], b.resistance[e]);
  answer_clear(&a);
  answer_clear(&b);
  graph_destroy(&g);
  graph_destroy(&h);
  free(place);
  free(u);
  free(v);
}

/* Rayleigh: cutting an edge raises no resistance's inverse. */
static void cutting_an_edge_lowers_no_resistance(void **state)
{
  (void)state;
  Graph                  *g = build(9, WEIGHTS_UNIFORM), *cut = NULL;
  const ResistanceOptions options = {.method = RESISTANCE_EXACT};
  Answer                  a, b;
  assert_int_equal(graph_create(g->n, g->m - 1, g->u, g->v, g->weight, &cut), 0);
  answer(g, &options, &a);
  answer(cut, &options, &b);
  for (int64_t e = 0; e < cut->m; e++)
    if (!(b.resistance[e] >= a.resistance[e] * (1 - 1e-12)))
      fail_msg("edge %lld: %.15g before, %.15g after an edge was cut", (long long)e, a.resistance[e], b.resistance[e]);
  answer_clear(&a);
  answer_clear(&b);
  graph_destroy(&g);
  graph_destroy(&cut);
}

static void pairs_agree_with_dense(void **state)
{
  (void)state;
  const int                chosen[]  = {1, 9, 13, 17, 18, 26};
  const ResistanceMethodId methods[] = {RESISTANCE_AUTO, RESISTANCE_DENSE, RESISTANCE_EXACT, RESISTANCE_SOLVE};
  enum { PAIRS = 24 };
  for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
    Graph  *g = build(chosen[i], WEIGHTS_UNIFORM);
    int64_t u[PAIRS], v[PAIRS];
    double  r[PAIRS], error[PAIRS];
    Rng     rng = rng_start(chosen[i] + 1, 0, RNG_GRAPH);
    for (int k = 0; k < PAIRS; k++) {
      u[k] = (int64_t)rng_below(&rng, (uint32_t)g->n);
      v[k] = k == 0 ? u[k] : (int64_t)rng_below(&rng, (uint32_t)g->n);
    }
    for (int q = 0; q < 4; q++) {
      const ResistanceOptions options = {.method = methods[q]};
      ResistanceStats         stats;
      ResistanceCheck         check;
      GraphBlocks            *blocks;
      double                  expected[PAIRS];
      assert_int_equal(
          resistance_pairs(PETSC_COMM_WORLD, g, PAIRS, u, v, &(ResistanceOptions){.method = RESISTANCE_DENSE}, &stats, expected, error), 0);
      assert_int_equal(resistance_pairs(PETSC_COMM_WORLD, g, PAIRS, u, v, &options, &stats, r, error), 0);
      if (stats.refused[0]) fail_msg("family %d, method %d: %s", chosen[i], methods[q], stats.refused);
      for (int k = 0; k < PAIRS; k++)
        if (isinf(expected[k]) ? !isinf(r[k]) : !(fabs(r[k] - expected[k]) <= 1e-8 * fabs(expected[k])))
          fail_msg("family %d, method %d, pair %d: %.15g, expected %.15g", chosen[i], methods[q], k, r[k], expected[k]);
      assert_true(r[0] == 0);
      assert_int_equal(graph_blocks(g, &blocks), 0);
      assert_int_equal(resistance_verify_pairs(PETSC_COMM_WORLD, g, blocks, PAIRS, u, v, r, error, 8, &options, &check), 0);
      if (check.invalid[0]) fail_msg("family %d: a right answer is called invalid: %s", chosen[i], check.invalid);
      graph_blocks_destroy(&blocks);
    }
    graph_destroy(&g);
  }
}

/* --- verification and refusals --- */

static void verification_finds_errors(void **state)
{
  (void)state;
  const ResistanceOptions options = {.method = RESISTANCE_EXACT, .key = 9};
  const struct {
    int         family;
    int64_t     first, step;
    double      factor;
    const char *word;
  } wrong[] = {{9, 0, 1, 1 + 1e-7, "Foster"}, {13, 28, 1000, 1.5, "bridge"}, {9, 7, 1000, 1.001, "Foster"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    Graph          *g = build(wrong[i].family, WEIGHTS_UNIT);
    ResistanceCheck check;
    Answer          a;
    answer(g, &options, &a);
    for (int64_t e = wrong[i].first; e < g->m; e += wrong[i].step) a.resistance[e] *= wrong[i].factor;
    for (int64_t e = 0; strcmp(wrong[i].word, "bridge") == 0 && e < g->m; e++) {
      a.resistance[e] = a.dense[e]; /* only the bridge, and Foster's sum kept: one error, one word */
      if (a.blocks->size[a.blocks->block[e]] == 1) {
        a.resistance[e] = 0.5;
        a.resistance[e == 0 ? 1 : 0] += 0.5;
      }
    }
    assert_int_equal(resistance_verify(PETSC_COMM_WORLD, g, a.blocks, a.resistance, a.error, (int64_t)g->m, &options, &a.stats, &check), 0);
    if (!strstr(check.invalid, wrong[i].word)) fail_msg("case %zu: expected a word about %s, got '%s'", i, wrong[i].word, check.invalid);
    answer_clear(&a);
    graph_destroy(&g);
  }
  /* An error that keeps Foster's sum: two edges, one up, one down. Only the sample can see it. */
  Graph          *g = build(9, WEIGHTS_UNIT);
  ResistanceCheck check;
  Answer          a;
  answer(g, &options, &a);
  a.resistance[3] += 1e-3;
  a.resistance[200] -= 1e-3;
  assert_int_equal(resistance_verify(PETSC_COMM_WORLD, g, a.blocks, a.resistance, a.error, (int64_t)g->m, &options, &a.stats, &check), 0);
  if (!strstr(check.invalid, "solved anew")) fail_msg("expected the sample to find it, got '%s'", check.invalid);
  answer_clear(&a);
  graph_destroy(&g);
}

/* The same of a sketch, whose own errors are allowed for: a scaled answer, and one wrong edge. */
static void verification_finds_errors_of_a_sketch(void **state)
{
  (void)state;
  const ResistanceOptions options = {.method = RESISTANCE_SKETCH, .projections = 256, .key = 9};
  for (int wrong = 0; wrong < 3; wrong++) {
    GraphSpec       spec   = {.kind = GRAPH_RMAT, .scale = 10, .edge_factor = 8, .rmat_a = 0.57, .rmat_b = 0.19, .rmat_c = 0.19, .seed = 3};
    GraphErrors     errors = {0};
    GraphReport     report;
    ResistanceCheck check;
    Graph          *g  = NULL;
    int64_t        *id = NULL;
    Answer          a;
    int64_t         sketched = 0;
    assert_int_equal(graph_source_build(&spec, &g, &id, &report, &errors), 0);
    answer(g, &options, &a);
    assert_string_equal(a.stats.refused, "");
    while (a.error[sketched] == 0) sketched++;
    for (int64_t e = 0; wrong == 1 && e < g->m; e++) a.resistance[e] *= 1.02;
    if (wrong == 2) a.resistance[sketched] *= 0.5;
    assert_int_equal(
        resistance_verify(PETSC_COMM_WORLD, g, a.blocks, a.resistance, a.error, wrong == 2 ? g->m : 16, &options, &a.stats, &check), 0);
    const char *expected[] = {"", "Foster", "solved anew"};
    if (wrong == 0 ? check.invalid[0] != 0 : !strstr(check.invalid, expected[wrong]))
      fail_msg("case %d: expected '%s', got '%s'", wrong, expected[wrong], check.invalid);
    answer_clear(&a);
    graph_destroy(&g);
    (void)PetscFree(id);
  }
}

static void verification_finds_errors_of_pairs(void **state)
{
  (void)state;
  const ResistanceOptions options = {.method = RESISTANCE_EXACT, .key = 9};
  const int64_t           u[] = {0, 5, 7}, v[] = {100, 9, 7};
  Graph                  *g = build(9, WEIGHTS_UNIT);
  ResistanceStats         stats;
  ResistanceCheck         check;
  GraphBlocks            *blocks;
  double                  r[3], error[3];
  assert_int_equal(graph_blocks(g, &blocks), 0);
  for (int wrong = 0; wrong < 4; wrong++) {
    assert_int_equal(resistance_pairs(PETSC_COMM_WORLD, g, 3, u, v, &options, &stats, r, error), 0);
    if (wrong == 1) r[0] *= 1.001;
    if (wrong == 2) r[1] = INFINITY;
    if (wrong == 3) r[2] = 1e-9;
    assert_int_equal(resistance_verify_pairs(PETSC_COMM_WORLD, g, blocks, 3, u, v, r, error, 3, &options, &check), 0);
    if ((check.invalid[0] != 0) != (wrong > 0)) fail_msg("case %d: '%s'", wrong, check.invalid);
  }
  graph_blocks_destroy(&blocks);
  graph_destroy(&g);
}

/* Weights that doubles cannot hold together are told, not a crash. */
static void hopeless_weights_are_refused(void **state)
{
  (void)state;
  Graph *g = NULL;
  assert_int_equal(graph_create(4, 4, (int64_t[]){0, 1, 2, 0}, (int64_t[]){1, 2, 3, 3}, (double[]){1e18, 1, 1e18, 1}, &g), 0);
  double          r[4], error[4];
  ResistanceStats stats;
  ResistanceCheck check = {0};
  GraphBlocks    *blocks;
  assert_int_equal(graph_blocks(g, &blocks), 0);
  const ResistanceOptions options = {.method = RESISTANCE_AUTO};
  assert_int_equal(resistance_all(PETSC_COMM_WORLD, g, blocks, &options, &stats, r, error), 0);
  if (!stats.refused[0]) assert_int_equal(resistance_verify(PETSC_COMM_WORLD, g, blocks, r, error, 4, &options, &stats, &check), 0);
  if (!stats.refused[0] && !check.invalid[0]) assert_true(fabs(r[1] - 0.5) < 1e-9 && fabs(r[3] - 0.5) < 1e-9);
  graph_blocks_destroy(&blocks);
  graph_destroy(&g);
}

static void a_memory_limit_is_kept(void **state)
{
  (void)state;
  Graph                  *g      = build(9, WEIGHTS_UNIT);
  const ResistanceOptions little = {.method = RESISTANCE_EXACT, .memory_limit = 1000};
  const ResistanceOptions either = {.method = RESISTANCE_AUTO, .memory_limit = 1000, .projections = 64, .key = 2};
  Answer                  a;
  answer(g, &little, &a);
  if (!strstr(a.stats.refused, "exact needs")) fail_msg("expected a refusal with numbers, got '%s'", a.stats.refused);
  answer_clear(&a);
  answer(g, &either, &a); /* the sketch may refuse too, but exact must not have been taken */
  if (!a.stats.refused[0] && a.stats.method != RESISTANCE_SKETCH)
    fail_msg("expected sketch or a refusal, got method %d", (int)a.stats.method);
  answer_clear(&a);
  graph_destroy(&g);
}

static void a_time_limit_is_kept(void **state)
{
  (void)state;
  Graph                  *g     = build(25, WEIGHTS_UNIT);
  const ResistanceOptions quick = {.method = RESISTANCE_AUTO, .seconds_limit = 1e-9, .projections = 64, .key = 2};
  const ResistanceOptions exact = {.method = RESISTANCE_EXACT, .seconds_limit = 1e-9};
  Answer                  a;
  answer(g, &quick, &a);
  assert_string_equal(a.stats.refused, "");
  assert_int_equal(a.stats.method, RESISTANCE_SKETCH);
  answer_clear(&a);
  answer(g, &exact, &a); /* asked for by name: however long */
  assert_string_equal(a.stats.refused, "");
  assert_int_equal(a.stats.method, RESISTANCE_EXACT);
  answer_clear(&a);
  graph_destroy(&g);
}

static void graphs_without_edges(void **state)
{
  (void)state;
  Graph                  *g       = NULL;
  const ResistanceOptions options = {.method = RESISTANCE_AUTO};
  ResistanceCheck         check;
  Answer                  a;
  for (int64_t n = 0; n <= 3; n += 3) {
    assert_int_equal(graph_create(n, 0, NULL, NULL, NULL, &g), 0);
    answer(g, &options, &a);
    assert_string_equal(a.stats.refused, "");
    assert_int_equal(resistance_verify(PETSC_COMM_WORLD, g, a.blocks, a.resistance, a.error, 4, &options, &a.stats, &check), 0);
    assert_string_equal(check.invalid, "");
    answer_clear(&a);
    graph_destroy(&g);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exact_agrees_with_dense),
      cmocka_unit_test(dense_by_blocks_agrees_with_dense),
      cmocka_unit_test(auto_agrees_with_dense),
      cmocka_unit_test(solve_agrees_with_dense),
      cmocka_unit_test(sketch_agrees_with_dense),
      cmocka_unit_test(relabelling_changes_nothing),
      cmocka_unit_test(cutting_an_edge_lowers_no_resistance),
      cmocka_unit_test(pairs_agree_with_dense),
      cmocka_unit_test(verification_finds_errors),
      cmocka_unit_test(verification_finds_errors_of_a_sketch),
      cmocka_unit_test(verification_finds_errors_of_pairs),
      cmocka_unit_test(hopeless_weights_are_refused),
      cmocka_unit_test(a_memory_limit_is_kept),
      cmocka_unit_test(a_time_limit_is_kept),
      cmocka_unit_test(graphs_without_edges),
  };
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() ? 1 : failed;
}
