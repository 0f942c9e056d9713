/* SPDX-License-Identifier: BSD-2-Clause
 * The graph container and the clique chains: what is refused, components against flood fill, and the chain's layout as documented. */
#include "graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rng.h"

static PetscErrorCode create(int64_t n, int64_t m, const int64_t *u, const int64_t *v, const double *weight, Graph **g)
{
  PetscErrorCode code;
  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  code = graph_create(n, m, u, v, weight, g);
  assert_int_equal(PetscPopErrorHandler(), 0);
  return code;
}

static void edges_are_copied_and_ordered(void **state)
{
  (void)state;
  int64_t u[] = {2, 0, 3}, v[] = {1, 3, 1};
  double  w[] = {1, 2.5, 4};
  Graph  *g   = NULL;
  assert_int_equal(create(4, 3, u, v, w, &g), 0);
  u[0] = v[0] = 0;
  w[1]        = 7;
  assert_int_equal(g->u[0], 1);
  assert_int_equal(g->v[0], 2);
  assert_int_equal(g->u[2], 1);
  assert_true(graph_weight(g, 1) == 2.5);
  graph_destroy(&g);
  assert_null(g);
  graph_destroy(&g);
  assert_int_equal(create(4, 3, (int64_t[]){2, 0, 3}, (int64_t[]){1, 3, 1}, NULL, &g), 0);
  assert_null(g->weight);
  assert_true(graph_weight(g, 1) == 1.0);
  graph_destroy(&g);
}

static void bad_edges_are_refused(void **state)
{
  (void)state;
  const struct {
    int64_t u[2], v[2];
    double  w[2];
  } bad[] = {{{0, 3}, {1, 1}, {1, 1}}, {{0, -1}, {1, 2}, {1, 1}},       {{0, 2}, {1, 2}, {1, 1}},   {{0, 1}, {1, 0}, {1, 1}},
             {{0, 1}, {1, 2}, {1, 0}}, {{0, 1}, {1, 2}, {INFINITY, 1}}, {{0, 1}, {1, 2}, {1, NAN}}, {{0, 1}, {1, 2}, {-1, 1}}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    Graph    *g    = NULL;
    const int code = create(3, 2, bad[i].u, bad[i].v, bad[i].w, &g);
    if (code != PETSC_ERR_ARG_OUTOFRANGE) fail_msg("bad graph %zu: expected PETSC_ERR_ARG_OUTOFRANGE, got %d", i, code);
    assert_null(g);
  }
}

/* Slow reference: repeats minimum labels over the kept edges until nothing changes, then numbers by smallest vertex. */
static int64_t flood(const Graph *g, const uint8_t *keep, int64_t *label)
{
  for (int64_t i = 0; i < g->n; i++) label[i] = i;
  for (bool changed = true; changed;) {
    changed = false;
    for (int64_t e = 0; e < g->m; e++) {
      int64_t *a = &label[g->u[e]], *b = &label[g->v[e]];
      if ((keep && !keep[e]) || *a == *b) continue;
      *a = *b = *a < *b ? *a : *b;
      changed = true;
    }
  }
  int64_t count = 0, number[256];
  for (int64_t i = 0; i < g->n; i++) {
    if (label[i] == i) number[i] = count++;
    label[i] = number[label[i]];
  }
  return count;
}

static void components_match_flood_fill(void **state)
{
  (void)state;
  for (uint64_t sample = 0; sample < 200; sample++) {
    Rng           r = rng_start(sample + 1, 0, RNG_GRAPH);
    int64_t       u[512], v[512], m = 0, got[64], expected[64];
    uint8_t       keep[512];
    const int64_t n = 1 + rng_below(&r, 64);
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = i + 1; j < n && m < 512; j++) {
        if (rng_below(&r, (uint32_t)n) > 1) continue;
        u[m]      = j;
        v[m]      = i;
        keep[m++] = rng_below(&r, 3) > 0;
      }
    Graph *g = NULL;
    assert_int_equal(graph_create(n, m, u, v, NULL, &g), 0);
    for (int all = 0; all < 2; all++) {
      const int64_t a = graph_components(g, all ? NULL : keep, got), b = flood(g, all ? NULL : keep, expected);
      if (a != b) fail_msg("sample %d: expected %d components, got %d", (int)sample, (int)b, (int)a);
      assert_memory_equal(got, expected, (size_t)n * sizeof *got);
    }
    graph_destroy(&g);
  }
}

static void chain_has_the_documented_layout(void **state)
{
  (void)state;
  const CliqueChain chain = {.n_cliques = 3, .size = {4, 3, 2}, .bridges = {2, 1}};
  const int64_t     u[] = {0, 0, 0, 1, 1, 2, 4, 4, 5, 7, 3, 2, 6}, v[] = {1, 2, 3, 2, 3, 3, 5, 6, 6, 8, 4, 5, 7};
  const int64_t     expected[] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 2, -1, -1, -2};
  int64_t           label[13], component[9];
  Graph            *g = NULL;
  assert_int_equal(clique_chain_vertices(&chain), 9);
  assert_int_equal(clique_chain_edges(&chain), 13);
  assert_int_equal(graph_clique_chain(&chain, label, &g), 0);
  assert_int_equal(g->n, 9);
  assert_int_equal(g->m, 13);
  assert_memory_equal(g->u, u, sizeof u);
  assert_memory_equal(g->v, v, sizeof v);
  assert_memory_equal(label, expected, sizeof expected);
  assert_int_equal(graph_components(g, NULL, component), 1);
  const uint8_t no_last_bridge[13] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0};
  assert_int_equal(graph_components(g, no_last_bridge, component), 2);
  graph_destroy(&g);
}

static void impossible_chains_are_refused(void **state)
{
  (void)state;
  const CliqueChain bad[] = {{.n_cliques = 0},
                             {.n_cliques = 2, .size = {3, 4}, .bridges = {4}},
                             {.n_cliques = 2, .size = {3, 4}},
                             {.n_cliques = 2, .size = {3, 0}, .bridges = {1}},
                             {.n_cliques = 65}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    Graph *g = NULL;
    assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
    const int code = graph_clique_chain(&bad[i], NULL, &g);
    assert_int_equal(PetscPopErrorHandler(), 0);
    if (code != PETSC_ERR_ARG_OUTOFRANGE) fail_msg("bad chain %zu: expected PETSC_ERR_ARG_OUTOFRANGE, got %d", i, code);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(edges_are_copied_and_ordered),  cmocka_unit_test(bad_edges_are_refused),
      cmocka_unit_test(components_match_flood_fill),   cmocka_unit_test(chain_has_the_documented_layout),
      cmocka_unit_test(impossible_chains_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
