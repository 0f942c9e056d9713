/* SPDX-License-Identifier: BSD-2-Clause
 * "Score every edge, keep k": exact kept counts, tie classes, the laws of both selections against enumeration, the connectivity of the
 * paper's barbell against its exact value, the fast path against the reference, and outcomes that depend on the key alone. */
#include "sparsify.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "connected.h"
#include "hash.h"
#include "resistance.h"
#include "rng.h"
#include "spectrum.h"

static void near(const char *what, double got, double expected, double tolerance)
{
  if (!(fabs(got - expected) <= tolerance)) fail_msg("%s: expected %.17g, got %.17g, tolerance %g", what, expected, got, tolerance);
}

/* One call's outcomes with room for everything. */
typedef struct Run {
  int64_t         n, m;
  uint64_t       *key;
  SparsifyOutcome out;
} Run;

static Run run_create(int64_t n, int64_t m, uint64_t seed)
{
  Run r             = {.n = n, .m = m, .key = malloc((size_t)n * sizeof(uint64_t))};
  r.out.connected   = malloc((size_t)n * sizeof(double));
  r.out.lambda2     = malloc((size_t)n * sizeof(double));
  r.out.rse         = malloc((size_t)n * sizeof(double));
  r.out.marked_kept = malloc((size_t)n * sizeof(double));
  r.out.kept        = malloc((size_t)n * sizeof(uint8_t *));
  for (int64_t i = 0; i < n; i++) {
    r.key[i]      = hash_u64(seed, (uint64_t)i);
    r.out.kept[i] = malloc((size_t)m + 1);
  }
  return r;
}

static void run_destroy(Run *r)
{
  for (int64_t i = 0; i < r->n; i++) free(r->out.kept[i]);
  free(r->out.kept);
  free(r->out.connected);
  free(r->out.lambda2);
  free(r->out.rse);
  free(r->out.marked_kept);
  free(r->key);
}

static void execute(const Sparsifier *s, Run *r, bool reference)
{
  assert_int_equal(sparsifier_run(s, r->n, r->key, reference, &r->out), 0);
}

static int64_t kept_count(const Run *r, int64_t trial)
{
  int64_t count = 0;
  for (int64_t e = 0; e < r->m; e++) {
    assert_true(r->out.kept[trial][e] <= 1);
    count += r->out.kept[trial][e];
  }
  return count;
}

static Sparsifier *plan(const Graph *g, const double *score, int64_t keep, Selection selection)
{
  Sparsifier *s = NULL;
  assert_int_equal(sparsifier_create(g, score, keep, selection, &s), 0);
  return s;
}

static Graph *clique_chain(int n_cliques, int64_t size, int64_t bridges, int64_t *label)
{
  CliqueChain c = {.n_cliques = n_cliques};
  Graph      *g = NULL;
  for (int i = 0; i < n_cliques; i++) c.size[i] = size;
  for (int i = 0; i + 1 < n_cliques; i++) c.bridges[i] = bridges;
  assert_int_equal(graph_clique_chain(&c, label, &g), 0);
  return g;
}

static Graph *complete(int64_t n) { return clique_chain(1, n, 0, NULL); }

static Graph *random_graph(Rng *rng, int64_t n, double p)
{
  int64_t *u = malloc((size_t)(n * n) * sizeof *u), *v = malloc((size_t)(n * n) * sizeof *v), m = 0;
  Graph   *g = NULL;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++)
      if (rng_uniform(rng) < p) {
        u[m]   = i;
        v[m++] = j;
      }
  assert_int_equal(graph_create(n, m, u, v, NULL, &g), 0);
  free(u);
  free(v);
  return g;
}

/* Scores of few distinct values, so that classes, pools and zeros all occur. */
static double *random_scores(Rng *rng, int64_t m)
{
  double *score = malloc(((size_t)m + 1) * sizeof *score);
  for (int64_t e = 0; e < m; e++) score[e] = 0.5 * (double)rng_below(rng, 4);
  return score;
}

/* --- fast path and reference --- */

static void compare_paths(const Graph *g, const Sparsifier *s, int64_t keep, Run *fast, Run *slow)
{
  uint8_t *marked = malloc((size_t)g->m + 1);
  for (int64_t e = 0; e < g->m; e++) marked[e] = e % 3 == 0;
  fast->out.marked = slow->out.marked = marked;
  execute(s, fast, false);
  execute(s, slow, true);
  for (int64_t i = 0; i < fast->n; i++) {
    assert_memory_equal(fast->out.kept[i], slow->out.kept[i], (size_t)g->m);
    assert_int_equal(kept_count(fast, i), keep);
    assert_true(fast->out.connected[i] == slow->out.connected[i]);
    assert_true(fast->out.marked_kept[i] == slow->out.marked_kept[i]);
    near("lambda2", fast->out.lambda2[i], slow->out.lambda2[i], 1e-12 * (double)g->n);
    if (isnan(slow->out.rse[i]))
      assert_true(isnan(fast->out.rse[i]));
    else
      near("rse", fast->out.rse[i], slow->out.rse[i], 1e-11 * (double)g->n / sparsifier_lambda2_whole(s));
  }
  free(marked);
}

static void fast_path_equals_reference(void **state)
{
  (void)state;
  Rng           rng     = rng_start(21, 0, RNG_GRAPH);
  const int64_t sizes[] = {1, 2, 3, 5, 8, 13, 16, 27, 40, 63, 64, 65};
  for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
    for (int round = 0; round < 8; round++) {
      Graph        *g         = random_graph(&rng, sizes[k], 0.2 + 0.1 * round);
      double       *score     = random_scores(&rng, g->m);
      const int64_t keep      = round == 0 ? 0 : round == 1 ? g->m : (int64_t)rng_below(&rng, (uint32_t)g->m + 1);
      const int     selection = round % 2;
      Sparsifier   *s         = plan(g, score, keep, (Selection)selection);
      Run           fast = run_create(11, g->m, k), slow = run_create(11, g->m, k);
      compare_paths(g, s, keep, &fast, &slow);
      run_destroy(&fast);
      run_destroy(&slow);
      sparsifier_destroy(&s);
      graph_destroy(&g);
      free(score);
    }
}

/* --- the paper's barbell --- */

enum { TRIALS = 20000 };

/* The four methods of the paper's table on the barbell; returns their connectivity's exact value too. */
static void barbell_method_agrees(const char *name, const double *score, const Graph *g, double published_exact)
{
  const CliqueChain chain = {.n_cliques = 2, .size = {8, 8}, .bridges = {1}};
  Sparsifier       *s     = plan(g, score, 28, SELECTION_TOPK);
  Run               r     = run_create(TRIALS, g->m, 4);
  uint8_t           fate[57];
  int64_t           draw;
  double            exact, sum = 0;
  for (int64_t i = 1; i < r.n; i++) { /* flags of one trial only: the sweep's ordinary case */
    free(r.out.kept[i]);
    r.out.kept[i] = NULL;
  }
  sparsifier_fates(s, fate, &draw);
  assert_int_equal(connected_probability_pool(&chain, fate, draw, &exact), 0);
  near(name, exact, published_exact, 5e-5);
  execute(s, &r, false);
  for (int64_t i = 0; i < r.n; i++) sum += r.out.connected[i];
  near(name, sum / TRIALS, exact, 4 * sqrt(exact * (1 - exact) / TRIALS));
  run_destroy(&r);
  sparsifier_destroy(&s);
}

static void barbell_connectivity(void **state)
{
  (void)state;
  int64_t label[57];
  double  resistance[57], frequency[57], weighted[57], none[57] = {0};
  Graph  *g = clique_chain(2, 8, 1, label);
  assert_int_equal(resistance_edges(g, resistance), 0);
  for (int64_t e = 0; e < g->m; e++) {
    frequency[e] = label[e] < 0 ? 0.05 : 0.95;
    weighted[e]  = frequency[e] + 10 * resistance[e];
  }
  barbell_method_agrees("random", none, g, 0.4380);
  barbell_method_agrees("standard", frequency, g, 0);
  barbell_method_agrees("weighted", weighted, g, 0.8917);
  barbell_method_agrees("oracle", resistance, g, 0.8917);
  graph_destroy(&g);
}

/* lambda2, rse and marks of recorded trials, recomputed from their kept flags. */
static void outcomes_follow_from_kept_flags(void **state)
{
  (void)state;
  int64_t label[58];
  uint8_t marked[58];
  double  score[58] = {0}, whole;
  Graph  *g         = clique_chain(2, 8, 2, label);
  for (int64_t e = 0; e < g->m; e++) marked[e] = label[e] < 0;
  Sparsifier *s = plan(g, score, 40, SELECTION_TOPK);
  Run         r = run_create(100, g->m, 8);
  r.out.marked  = marked;
  execute(s, &r, false);
  assert_int_equal(spectrum_lambda2(g, NULL, &whole), 0);
  near("lambda2 of G", sparsifier_lambda2_whole(s), whole, 1e-12 * 16);
  for (int64_t i = 0; i < r.n; i++) {
    double  lambda2, bridges = 0;
    int64_t component[16];
    assert_int_equal(spectrum_lambda2(g, r.out.kept[i], &lambda2), 0);
    for (int64_t e = 56; e < 58; e++) bridges += r.out.kept[i][e];
    near("lambda2", r.out.lambda2[i], lambda2, 1e-12 * 16);
    near("rse", r.out.rse[i], fabs(lambda2 - whole) / whole, 1e-10);
    assert_true(r.out.marked_kept[i] == bridges);
    assert_true(r.out.connected[i] == (graph_components(g, r.out.kept[i], component) == 1));
    if (r.out.connected[i] == 0) assert_true(r.out.rse[i] == 1 && r.out.lambda2[i] == 0);
  }
  run_destroy(&r);
  sparsifier_destroy(&s);
  graph_destroy(&g);
}

/* --- ties --- */

/* Fates of scores on a star of m edges. */
static int64_t fates_of(int64_t m, const double *score, int64_t keep, uint8_t *fate)
{
  int64_t u[16] = {0}, v[16], draw;
  Graph  *g     = NULL;
  for (int64_t e = 0; e < m; e++) v[e] = e + 1;
  assert_int_equal(graph_create(m + 1, m, u, v, NULL, &g), 0);
  Sparsifier *s = plan(g, score, keep, SELECTION_TOPK);
  sparsifier_fates(s, fate, &draw);
  sparsifier_destroy(&s);
  graph_destroy(&g);
  return draw;
}

static void ties_are_round_off_and_no_more(void **state)
{
  (void)state;
  uint8_t fate[16];
  /* 1e-15 apart: one class, whichever is larger. */
  assert_int_equal(fates_of(3, (double[]){1, 1 + 1e-15, 1 - 1e-15}, 1, fate), 1);
  assert_memory_equal(fate, ((uint8_t[]){FATE_POOL, FATE_POOL, FATE_POOL}), 3);
  /* 1e-6 apart: three classes. */
  assert_int_equal(fates_of(3, (double[]){1, 1 + 1e-6, 1 - 1e-6}, 2, fate), 0);
  assert_memory_equal(fate, ((uint8_t[]){FATE_KEPT, FATE_KEPT, FATE_DROPPED}), 3);
  /* Neighbours 0.8e-9 apart chain to one class although the ends are 2.4e-9 apart; 0.5 is a class of its own. */
  assert_int_equal(fates_of(5, (double[]){1, 1 - 0.8e-9, 0.5, 1 - 1.6e-9, 1 - 2.4e-9}, 3, fate), 3);
  assert_memory_equal(fate, ((uint8_t[]){FATE_POOL, FATE_POOL, FATE_DROPPED, FATE_POOL, FATE_POOL}), 5);
  /* The tolerance is relative to the largest magnitude: 1e-6 apart beside a score of -1e4 is a tie. */
  assert_int_equal(fates_of(3, (double[]){1, 1 + 1e-6, -1e4}, 1, fate), 1);
  assert_memory_equal(fate, ((uint8_t[]){FATE_POOL, FATE_POOL, FATE_DROPPED}), 3);
  /* Two classes kept whole, the third is the pool. */
  assert_int_equal(fates_of(6, (double[]){3, 1, 2, 1, 1, 0}, 4, fate), 2);
  assert_memory_equal(fate, ((uint8_t[]){FATE_KEPT, FATE_POOL, FATE_KEPT, FATE_POOL, FATE_POOL, FATE_DROPPED}), 6);
  assert_int_equal(fates_of(3, (double[]){0, 0, 0}, 0, fate), 0);
  assert_memory_equal(fate, ((uint8_t[]){FATE_DROPPED, FATE_DROPPED, FATE_DROPPED}), 3);
  assert_int_equal(fates_of(3, (double[]){0, 0, 0}, 3, fate), 0);
  assert_memory_equal(fate, ((uint8_t[]){FATE_KEPT, FATE_KEPT, FATE_KEPT}), 3);
}

/* Round-off in the scores of tied edges changes no kept set. */
static void round_off_changes_nothing(void **state)
{
  (void)state;
  Rng    rng = rng_start(2, 0, RNG_GRAPH);
  double plain[57], rough[57];
  Graph *g = clique_chain(2, 8, 1, NULL);
  Run    a = run_create(50, g->m, 3), b = run_create(50, g->m, 3);
  for (int64_t e = 0; e < g->m; e++) {
    plain[e] = e == 56 ? 1 : 0.25;
    rough[e] = plain[e] * (1 + 1e-14 * (rng_uniform(&rng) - 0.5));
  }
  Sparsifier *s = plan(g, plain, 28, SELECTION_TOPK), *t = plan(g, rough, 28, SELECTION_TOPK);
  execute(s, &a, false);
  execute(t, &b, false);
  for (int64_t i = 0; i < a.n; i++) assert_memory_equal(a.out.kept[i], b.out.kept[i], (size_t)g->m);
  run_destroy(&a);
  run_destroy(&b);
  sparsifier_destroy(&s);
  sparsifier_destroy(&t);
  graph_destroy(&g);
}

/* --- laws --- */

static uint32_t kept_mask(const Run *r, int64_t trial)
{
  uint32_t mask = 0;
  for (int64_t e = 0; e < r->m; e++) mask |= (uint32_t)r->out.kept[trial][e] << e;
  return mask;
}

/* Chi-square of the kept sets of TRIALS trials against probability (2^m); at a fixed key, so it either passes for ever or not: the
 * limit is the mean plus five standard deviations. Sets of probability 0 must not occur. */
static void law_is(const char *name, const Graph *g, const double *score, int64_t keep, Selection selection, const double *probability)
{
  Sparsifier *s          = plan(g, score, keep, selection);
  Run         r          = run_create(TRIALS, g->m, 17);
  double      count[256] = {0}, chi2 = 0, dof = -1;
  execute(s, &r, false);
  for (int64_t i = 0; i < r.n; i++) count[kept_mask(&r, i)]++;
  for (uint32_t set = 0; set < 1u << g->m; set++) {
    const double expected = TRIALS * probability[set];
    if (expected == 0) {
      if (count[set] > 0) fail_msg("%s: set %#x has probability 0 and occurred %g times", name, set, count[set]);
      continue;
    }
    chi2 += (count[set] - expected) * (count[set] - expected) / expected;
    dof++;
  }
  if (!(chi2 <= dof + 5 * sqrt(2 * dof) + 1e-9)) fail_msg("%s: chi-square is %g at %g degrees of freedom", name, chi2, dof);
  run_destroy(&r);
  sparsifier_destroy(&s);
}

static void subsets_are_uniform(void **state)
{
  (void)state;
  Graph *g = complete(4); /* 6 edges: 0 and 5 decided, 1..4 a class of four */
  for (int64_t keep = 2; keep <= 4; keep++) {
    double       probability[64] = {0};
    const double sets[]          = {4, 6, 4};
    for (uint32_t set = 0; set < 64; set++)
      if ((set & 1) && !(set & 32) && __builtin_popcount(set & 30) == keep - 1) probability[set] = 1 / sets[keep - 2];
    law_is("uniform subset", g, (double[]){9, 2, 2, 2, 2, 1}, keep, SELECTION_TOPK, probability);
  }
  graph_destroy(&g);
}

/* Successive draws without replacement, by recursion over all orders. Scores of 0 are drawn uniformly when nothing else is left. */
static void enumerate_draws(int m, const double *score, int left, uint32_t taken, double chance, double *probability)
{
  double total      = 0;
  int    free_edges = 0;
  if (left == 0) {
    probability[taken] += chance;
    return;
  }
  for (int e = 0; e < m; e++)
    if (!(taken >> e & 1)) {
      total += score[e];
      free_edges++;
    }
  for (int e = 0; e < m; e++) {
    const double step = total > 0 ? score[e] / total : 1.0 / free_edges;
    if (!(taken >> e & 1) && step > 0) enumerate_draws(m, score, left - 1, taken | 1u << e, chance * step, probability);
  }
}

static void sampled_law_is_successive_draws(void **state)
{
  (void)state;
  const double  scores[][4] = {{1, 2, 4, 8}, {1, 1, 1, 1}, {0, 3, 0, 1}, {0, 0, 0, 0}, {0, 1e-3, 1, 0.5}};
  const int64_t u[] = {0, 1, 2, 0}, v[] = {1, 2, 3, 3};
  Graph        *g = NULL;
  assert_int_equal(graph_create(4, 4, u, v, NULL, &g), 0);
  for (size_t k = 0; k < sizeof scores / sizeof scores[0]; k++)
    for (int keep = 0; keep <= 4; keep++) {
      double probability[16] = {0};
      enumerate_draws(4, scores[k], keep, 0, 1, probability);
      law_is("sampled", g, scores[k], keep, SELECTION_SAMPLED, probability);
    }
  graph_destroy(&g);
}

static void sampled_connectivity_of_the_barbell(void **state)
{
  (void)state;
  const CliqueChain chain = {.n_cliques = 2, .size = {8, 8}, .bridges = {1}};
  double            score[57], exact, sum = 0;
  Graph            *g = clique_chain(2, 8, 1, NULL);
  for (int64_t e = 0; e < g->m; e++) score[e] = e == 56 ? 1 : 0.25;
  assert_int_equal(connected_probability_sampled(&chain, score, 28, &exact), 0);
  Sparsifier *s = plan(g, score, 28, SELECTION_SAMPLED);
  Run         r = run_create(TRIALS, g->m, 5);
  execute(s, &r, false);
  for (int64_t i = 0; i < r.n; i++) sum += r.out.connected[i];
  near("sampled barbell", sum / TRIALS, exact, 4 * sqrt(exact * (1 - exact) / TRIALS));
  run_destroy(&r);
  sparsifier_destroy(&s);
  graph_destroy(&g);
}

/* --- identity --- */

/* The bits of a trial depend on its key alone: one call, calls of one, and an uneven cut in reverse order. */
static void cuts_change_no_bit(void **state)
{
  (void)state;
  Rng    rng = rng_start(31, 0, RNG_GRAPH);
  Graph *g   = random_graph(&rng, 24, 0.5);
  double score[300];
  for (int64_t e = 0; e < g->m; e++) score[e] = 1 + (double)rng_below(&rng, 3);
  for (int selection = 0; selection < 2; selection++) {
    Sparsifier *s     = plan(g, score, g->m / 3, (Selection)selection);
    Run         whole = run_create(203, g->m, 1), cut = run_create(203, g->m, 1);
    execute(s, &whole, false);
    for (int64_t end = cut.n, size = 1; end > 0; size = size % 13 + 1) {
      const int64_t   n = size < end ? size : end, first = end - n;
      SparsifyOutcome part = cut.out;
      part.connected += first;
      part.lambda2 += first;
      part.rse += first;
      part.marked_kept += first;
      part.kept += first;
      assert_int_equal(sparsifier_run(s, n, cut.key + first, false, &part), 0);
      end = first;
    }
    assert_memory_equal(whole.out.connected, cut.out.connected, 203 * sizeof(double));
    assert_memory_equal(whole.out.lambda2, cut.out.lambda2, 203 * sizeof(double));
    assert_memory_equal(whole.out.rse, cut.out.rse, 203 * sizeof(double));
    for (int64_t i = 0; i < 203; i++) assert_memory_equal(whole.out.kept[i], cut.out.kept[i], (size_t)g->m);
    double sum = 0;
    for (int64_t i = 0; i < 203; i++) sum += whole.out.connected[i];
    assert_true(sum > 10); /* else lambda2 was not tested */
    run_destroy(&whole);
    run_destroy(&cut);
    sparsifier_destroy(&s);
  }
  graph_destroy(&g);
}

/* --- borders --- */

static void borders(void **state)
{
  (void)state;
  double       score[16] = {0};
  const double ring      = 4 * pow(sin(M_PI / 6), 2);
  for (int selection = 0; selection < 2; selection++) {
    Graph      *g     = complete(3);
    Run         r     = run_create(3, 3, 6);
    Sparsifier *all   = plan(g, (double[]){1, 2, 3}, 3, (Selection)selection);
    Sparsifier *empty = plan(g, (double[]){1, 2, 3}, 0, (Selection)selection);
    near("lambda2 of a triangle", sparsifier_lambda2_whole(all), 3 * ring, 1e-12);
    execute(all, &r, false);
    assert_true(r.out.connected[2] == 1 && r.out.rse[2] == 0 && kept_count(&r, 2) == 3);
    execute(empty, &r, false);
    assert_true(r.out.connected[2] == 0 && r.out.rse[2] == 1 && r.out.lambda2[2] == 0 && kept_count(&r, 2) == 0);
    sparsifier_destroy(&all);
    sparsifier_destroy(&empty);
    run_destroy(&r);
    graph_destroy(&g);

    const int64_t vertices[] = {1, 2, 4}, edges[] = {0, 1, 2}; /* one vertex; one edge; two edges apart */
    for (int k = 0; k < 3; k++) {
      g         = NULL;
      Run small = run_create(9, edges[k], 6);
      assert_int_equal(graph_create(vertices[k], edges[k], (int64_t[]){0, 2}, (int64_t[]){1, 3}, NULL, &g), 0);
      Sparsifier *s = plan(g, score, edges[k], (Selection)selection);
      execute(s, &small, false);
      assert_true(small.out.connected[8] == (k < 2));
      near("lambda2 of an edge", small.out.lambda2[8], k == 1 ? 2 : 0, k == 1 ? 2e-12 : 0);
      assert_true(k == 1 ? small.out.rse[8] == 0 : isnan(small.out.rse[8]));
      sparsifier_destroy(&s);
      assert_null(s);
      sparsifier_destroy(&s);
      run_destroy(&small);
      graph_destroy(&g);
    }
  }
}

static void nonsense_is_refused(void **state)
{
  (void)state;
  Graph      *g = complete(3);
  Sparsifier *s = NULL;
  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  assert_int_equal(sparsifier_create(g, (double[]){1, 2, 3}, 4, SELECTION_TOPK, &s), PETSC_ERR_ARG_OUTOFRANGE);
  assert_int_equal(sparsifier_create(g, (double[]){1, 2, 3}, -1, SELECTION_TOPK, &s), PETSC_ERR_ARG_OUTOFRANGE);
  assert_int_equal(sparsifier_create(g, (double[]){1, NAN, 3}, 1, SELECTION_TOPK, &s), PETSC_ERR_ARG_OUTOFRANGE);
  assert_int_equal(sparsifier_create(g, (double[]){1, INFINITY, 3}, 1, SELECTION_SAMPLED, &s), PETSC_ERR_ARG_OUTOFRANGE);
  assert_int_equal(sparsifier_create(g, (double[]){1, -2, 3}, 1, SELECTION_SAMPLED, &s), PETSC_ERR_ARG_OUTOFRANGE);
  assert_int_equal(PetscPopErrorHandler(), 0);
  assert_null(s);
  assert_int_equal(sparsifier_create(g, (double[]){1, -2, 3}, 1, SELECTION_TOPK, &s), 0);
  sparsifier_destroy(&s);
  assert_string_equal(selection_names[SELECTION_TOPK], "topk");
  assert_string_equal(selection_names[SELECTION_SAMPLED], "sampled");
  assert_null(selection_names[2]);
  graph_destroy(&g);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fast_path_equals_reference),
      cmocka_unit_test(barbell_connectivity),
      cmocka_unit_test(outcomes_follow_from_kept_flags),
      cmocka_unit_test(ties_are_round_off_and_no_more),
      cmocka_unit_test(round_off_changes_nothing),
      cmocka_unit_test(subsets_are_uniform),
      cmocka_unit_test(sampled_law_is_successive_draws),
      cmocka_unit_test(sampled_connectivity_of_the_barbell),
      cmocka_unit_test(cuts_change_no_bit),
      cmocka_unit_test(borders),
      cmocka_unit_test(nonsense_is_refused),
  };
  return cmocka_run_group_tests_name("sparsify", tests, NULL, NULL);
}
