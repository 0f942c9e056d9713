/* SPDX-License-Identifier: BSD-2-Clause
 * One solve a pair (resistance_solve) and the verification's sampler (resistance_sample) against the dense reference, on any number of
 * ranks, with the user's own options, and on a grid where Jacobi's preconditioner is not the one to take. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/check_kernel.h"
#include "graph/resistance_check.h"
#include "graph/resistance_methods.h"
#include "isa.h"
#include "sketch_families.h"

static void compare(const char *what, int64_t n, const double *got, const double *expected, double tolerance)
{
  for (int64_t k = 0; k < n; k++)
    if (!(fabs(got[k] / expected[k] - 1) <= tolerance))
      fail_msg("%s, pair %d: expected %.17g, got %.17g, tolerance %g", what, (int)k, expected[k], got[k], tolerance);
}

/* Tiny solves on more ranks than cores wait for each other most of the time: there a few edges do. */
static int64_t edges_solved(const Graph *g)
{
  int ranks;
  MPI_Comm_size(PETSC_COMM_WORLD, &ranks);
  return ranks == 1 ? g->m : PetscMin(g->m, 4);
}

static void every_edge(void **state)
{
  (void)state;
  for (int f = 0; f < FAMILIES; f++) {
    for (int weighted = 0; weighted < 2; weighted++) {
      Graph            *g       = family_graph(f, weighted, 21);
      ResistanceOptions options = {0};
      ResistanceStats   stats;
      double           *got = calloc((size_t)g->m, sizeof *got), *expected = calloc((size_t)g->m, sizeof *expected);
      const int64_t     n_solved = edges_solved(g);
      assert_int_equal(resistance_solve(PETSC_COMM_WORLD, g, n_solved, NULL, NULL, &options, &stats, got), 0);
      assert_string_equal(stats.refused, "");
      assert_true(stats.residual <= 1e-12);
      assert_int_equal(resistance_dense(g, g->m, NULL, NULL, expected), 0);
      compare(families[f].name, n_solved, got, expected, 1e-11);
      memset(got, 0, (size_t)g->m * sizeof *got);
      assert_int_equal(resistance_sample(PETSC_COMM_WORLD, g, g->m, g->u, g->v, 1e-12, 0, NULL, got), 0);
      compare(families[f].name, g->m, got, expected, 1e-11);
      free(got);
      free(expected);
      graph_destroy(&g);
    }
  }
}

static void chosen_pairs(void **state)
{
  (void)state;
  for (int f = 1; f < FAMILIES; f += 3) {
    Graph            *g       = family_graph(f, true, 22);
    ResistanceOptions options = {0};
    ResistanceStats   stats;
    int64_t           u[13], v[13];
    double            got[13], expected[13];
    for (int k = 0; k < 13; k++) {
      u[k] = k;
      v[k] = (5 * k + 8) % g->n == k ? k + 1 : (5 * k + 8) % g->n;
    }
    assert_int_equal(resistance_dense(g, 13, u, v, expected), 0);
    assert_int_equal(resistance_solve(PETSC_COMM_WORLD, g, 13, u, v, &options, &stats, got), 0);
    compare(families[f].name, 13, got, expected, 1e-11);
    assert_int_equal(resistance_sample(PETSC_COMM_WORLD, g, 13, u, v, 1e-12, 0, NULL, got), 0);
    compare(families[f].name, 13, got, expected, 1e-11);
    graph_destroy(&g);
  }
}

/* A width x width grid: the mean resistance of its edges by Foster, and its symmetry. */
static Graph *grid(int64_t width)
{
  Graph   *g = NULL;
  int64_t *u = calloc((size_t)(2 * width * width), sizeof *u), *v = calloc((size_t)(2 * width * width), sizeof *v), m = 0;
  for (int64_t i = 0; i < width * width; i++) {
    if (i % width < width - 1) u[m] = i, v[m++] = i + 1;
    if (i / width < width - 1) u[m] = i, v[m++] = i + width;
  }
  assert_int_equal(graph_create(width * width, m, u, v, NULL, &g), 0);
  free(u);
  free(v);
  return g;
}

static void meshes_get_multigrid(void **state)
{
  (void)state;
  enum { WIDTH = 150, LAST = WIDTH * WIDTH - 1 };
  Graph            *g       = grid(WIDTH);
  ResistanceOptions options = {0};
  ResistanceStats   stats;
  /* Opposite corners, and the edge at a corner and its mirror images. */
  const int64_t u[4] = {0, 0, WIDTH - 1, LAST}, v[4] = {LAST, 1, 2 * WIDTH - 1, LAST - WIDTH};
  double        solved[4], sampled[4];
  assert_int_equal(resistance_solve(PETSC_COMM_WORLD, g, 4, u, v, &options, &stats, solved), 0);
  assert_string_equal(stats.refused, "");
  assert_int_equal(resistance_sample(PETSC_COMM_WORLD, g, 4, u, v, 1e-12, 0, NULL, sampled), 0);
  compare("sample against solve", 4, sampled, solved, 1e-11);
  for (int k = 2; k < 4; k++) compare("symmetry of the grid", 1, &solved[k], &solved[1], 1e-11);
  if (!(stats.iterations < 100)) fail_msg("a 150 x 150 grid took %d iterations: multigrid was not chosen", (int)stats.iterations);
  graph_destroy(&g);
}

static void the_user_decides(void **state)
{
  (void)state;
  Graph            *g       = grid(20);
  ResistanceOptions options = {0};
  ResistanceStats   stats;
  double           *got = calloc((size_t)g->m, sizeof *got), *expected = calloc((size_t)g->m, sizeof *expected);
  int64_t           by_jacobi;
  assert_int_equal(resistance_dense(g, g->m, NULL, NULL, expected), 0);
  assert_int_equal(PetscOptionsSetValue(NULL, "-resistance_pc_type", "jacobi"), 0);
  assert_int_equal(resistance_solve(PETSC_COMM_WORLD, g, edges_solved(g), NULL, NULL, &options, &stats, got), 0);
  compare("jacobi", edges_solved(g), got, expected, 1e-11);
  by_jacobi = stats.iterations;
  assert_int_equal(PetscOptionsSetValue(NULL, "-resistance_pc_type", "hypre"), 0);
  assert_int_equal(resistance_solve(PETSC_COMM_WORLD, g, edges_solved(g), NULL, NULL, &options, &stats, got), 0);
  compare("hypre", edges_solved(g), got, expected, 1e-11);
  if (!(stats.iterations < by_jacobi)) fail_msg("hypre took %d iterations, Jacobi %d", (int)stats.iterations, (int)by_jacobi);
  assert_int_equal(PetscOptionsSetValue(NULL, "-resistance_pc_type", "none"), 0);
  assert_int_equal(PetscOptionsSetValue(NULL, "-resistance_ksp_max_it", "3"), 0);
  memset(got, 0, (size_t)g->m * sizeof *got);
  assert_int_equal(resistance_solve(PETSC_COMM_WORLD, g, edges_solved(g), NULL, NULL, &options, &stats, got), 0);
  assert_non_null(strstr(stats.refused, "pair 0: residual"));
  for (int64_t e = 0; e < g->m; e++) assert_true(got[e] == 0);
  assert_int_equal(PetscOptionsClearValue(NULL, "-resistance_pc_type"), 0);
  assert_int_equal(PetscOptionsClearValue(NULL, "-resistance_ksp_max_it"), 0);
  free(got);
  free(expected);
  graph_destroy(&g);
}

static void isa_levels_give_the_same_bits(void **state)
{
  (void)state;
  static CheckMultiply *const build[] = {check_multiply_base, check_multiply_v3, check_multiply_v4};
  enum { N = 4, LANES = CHECK_LANES };
  const int64_t start[N + 1] = {0, 2, 5, 8, 10};
  const int32_t column[]     = {1, 2, 0, 2, 3, 0, 1, 3, 1, 2};
  const double  weight[]     = {0.1, 3, 0.1, 7e3, 0.3, 3, 7e3, 1e-4, 0.3, 1e-4};
  double        p[N * LANES], q[3][N * LANES], dot[3][LANES];
  Rng           rng = rng_start(4, 0, RNG_GRAPH);
  for (int k = 0; k < N * LANES; k++) p[k] = rng_uniform(&rng);
  for (int level = 0; level <= (int)isa_level(); level++) {
    build[level](N, start, column, weight, p, q[level], dot[level]);
    assert_memory_equal(q[level], q[0], sizeof q[0]);
    assert_memory_equal(dot[level], dot[0], sizeof dot[0]);
  }
  for (int l = 0; l < LANES; l++) {
    const double expected = 0.1 * (p[l] - p[LANES + l]) + 3 * (p[l] - p[2 * LANES + l]);
    if (!(fabs(q[0][l] - expected) <= 1e-15)) fail_msg("row 0, lane %d: expected %.17g, got %.17g, tolerance 1e-15", l, expected, q[0][l]);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_edge),
      cmocka_unit_test(chosen_pairs),
      cmocka_unit_test(meshes_get_multigrid),
      cmocka_unit_test(the_user_decides),
      cmocka_unit_test(isa_levels_give_the_same_bits),
  };
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
