/* SPDX-License-Identifier: BSD-2-Clause
 * The resistance sketch against the dense reference on families of graphs: exact where elimination is exact, unbiased with honest standard
 * errors elsewhere, the same bits on any number of ranks and at every ISA level. */
#include "graph/sketch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/resistance_methods.h"
#include "graph/sketch_reduce.h"
#include "isa.h"
#include "rng.h"
#include "sketch_families.h"

static double *reference(const Graph *g)
{
  double *r = calloc((size_t)g->m, sizeof *r);
  assert_int_equal(resistance_dense(g, g->m, NULL, NULL, r), 0);
  return r;
}

typedef struct Sketched {
  double         *value, *error;
  ResistanceStats stats;
} Sketched;

static Sketched sketch(MPI_Comm comm, const Graph *g, IsaLevel level, bool eliminate, int64_t q, double tolerance, uint64_t key)
{
  const SketchSwitches    switches = {.level = level, .eliminate = eliminate};
  const ResistanceOptions options  = {.projections = q, .tolerance = tolerance, .key = key};
  Sketched                s        = {.value = calloc((size_t)g->m, sizeof(double)), .error = calloc((size_t)g->m, sizeof(double))};
  assert_int_equal(sketch_compute(comm, g, &switches, g->m, NULL, NULL, &options, &s.stats, s.value, s.error), 0);
  return s;
}

static void sketched_free(Sketched *s)
{
  free(s->value);
  free(s->error);
}

/* --- exact where nothing is left --- */

static void series_parallel_graphs_are_exact(void **state)
{
  (void)state;
  for (int f = 0; f < FAMILIES; f++) {
    for (int weighted = 0; weighted < 2; weighted++) {
      if (!families[f].series_parallel) continue;
      Graph   *g = family_graph(f, weighted, 5);
      double  *r = reference(g);
      Sketched s = sketch(PETSC_COMM_WORLD, g, isa_level(), true, 16, 0, 1);
      assert_string_equal(s.stats.refused, "");
      for (int64_t e = 0; e < g->m; e++) {
        if (!(fabs(s.value[e] / r[e] - 1) <= 1e-10))
          fail_msg("%s, edge %d: expected %.17g, got %.17g, tolerance 1e-10", families[f].name, (int)e, r[e], s.value[e]);
        if (s.error[e] != 0) fail_msg("%s, edge %d: standard error %g, expected 0", families[f].name, (int)e, s.error[e]);
      }
      sketched_free(&s);
      free(r);
      graph_destroy(&g);
    }
  }
}

/* --- unbiased, with honest standard errors --- */

/* Over edges and keys: the mean of the error relative to its scatter, and the mean square of z. */
static void check_unbiased(const char *name, const Graph *g, bool eliminate)
{
  enum { KEYS = 24, Q = 64 };
  double *r = reference(g), *sum = calloc((size_t)g->m, sizeof *sum), *square = calloc((size_t)g->m, sizeof *square);
  double  chi = 0, foster = 0;
  int64_t n_values = 0;
  for (uint64_t key = 0; key < KEYS; key++) {
    Sketched s     = sketch(PETSC_COMM_WORLD, g, isa_level(), eliminate, Q, 1e-5, key + 100);
    double   total = 0;
    assert_string_equal(s.stats.refused, "");
    assert_true(s.stats.residual <= 1e-5);
    for (int64_t e = 0; e < g->m; e++) {
      const double error = s.value[e] - r[e];
      total += graph_weight(g, e) * error;
      sum[e] += error;
      square[e] += error * error;
      if (s.error[e] > 1e-9 * r[e]) {
        chi += error * error / (s.error[e] * s.error[e]);
        n_values++;
      } else if (fabs(error) > 1e-6 * r[e]) {
        fail_msg("%s, edge %d: error %g beside a standard error of %g", name, (int)e, error, s.error[e]);
      }
    }
    if (s.stats.foster_stderr > 1e-9) foster += total * total / (s.stats.foster_stderr * s.stats.foster_stderr) / KEYS;
    sketched_free(&s);
  }
  /* 64 squares of nearly normal numbers have a skewed mean: their z has a mean square of about 1.1 and heavy tails. */
  if (n_values > 0 && !(chi / (double)n_values > 0.7 && chi / (double)n_values < 1.5))
    fail_msg("%s: mean square of (estimate - exact) / standard error: expected about 1, got %g", name, chi / (double)n_values);
  if (n_values > 0 && !(foster < 3.5)) fail_msg("%s: Foster's sum: mean square of z expected about 1, got %g", name, foster);
  for (int64_t e = 0; e < g->m; e++) {
    const double z = sum[e] / sqrt(square[e] + 1e-24 * r[e] * r[e]); /* about standard normal */
    if (fabs(z) > 4.5 && fabs(sum[e]) > 1e-6 * KEYS * r[e])
      fail_msg("%s, edge %d: bias of %g, %g standard errors", name, (int)e, sum[e] / KEYS, z);
  }
  free(r);
  free(sum);
  free(square);
}

static void estimates_are_unbiased(void **state)
{
  (void)state;
  for (int f = 0; f < FAMILIES; f++) {
    for (int weighted = 0; weighted < 2; weighted++) {
      Graph *g = family_graph(f, weighted, 7);
      check_unbiased(families[f].name, g, true);
      if (!families[f].series_parallel) check_unbiased(families[f].name, g, false);
      graph_destroy(&g);
    }
  }
}

/* --- bits --- */

static void same_bits(const char *what, const Graph *g, const Sketched *a, const Sketched *b)
{
  for (int64_t e = 0; e < g->m; e++) {
    if (memcmp(&a->value[e], &b->value[e], sizeof(double)) != 0)
      fail_msg("%s, edge %d: %.17g and %.17g, expected the same bits", what, (int)e, a->value[e], b->value[e]);
    if (memcmp(&a->error[e], &b->error[e], sizeof(double)) != 0)
      fail_msg("%s, edge %d: standard errors %.17g and %.17g, expected the same bits", what, (int)e, a->error[e], b->error[e]);
  }
  assert_memory_equal(&a->stats.foster_stderr, &b->stats.foster_stderr, sizeof(double));
  assert_int_equal(a->stats.iterations, b->stats.iterations);
}

static void ranks_do_not_change_bits(void **state)
{
  (void)state;
  for (int f = 0; f < FAMILIES; f++) {
    Graph   *g   = family_graph(f, true, 3);
    Sketched one = sketch(PETSC_COMM_SELF, g, isa_level(), true, 208, 0, 9),
             all = sketch(PETSC_COMM_WORLD, g, isa_level(), true, 208, 0, 9);
    same_bits(families[f].name, g, &one, &all);
    sketched_free(&one);
    sketched_free(&all);
    graph_destroy(&g);
  }
}

static void isa_levels_do_not_change_bits(void **state)
{
  (void)state;
  for (int f = 0; f < FAMILIES; f++) {
    Graph   *g    = family_graph(f, true, 3);
    Sketched base = sketch(PETSC_COMM_SELF, g, ISA_BASE, true, 48, 0, 2);
    for (int level = ISA_V3; level <= (int)isa_level(); level++) {
      Sketched other = sketch(PETSC_COMM_SELF, g, (IsaLevel)level, true, 48, 0, 2);
      same_bits(isa_name((IsaLevel)level), g, &base, &other);
      sketched_free(&other);
    }
    sketched_free(&base);
    graph_destroy(&g);
  }
}

/* --- the formula, in float64 by dense solves, with the same signs --- */

/* Solves L x = b (order n, sum of b 0) by Gaussian elimination of L + J / n. */
static void dense_solve(const Graph *g, double *b)
{
  const int64_t n = g->n;
  double       *a = calloc((size_t)(n * n), sizeof *a);
  for (int64_t i = 0; i < n * n; i++) a[i] = 1 / (double)n;
  for (int64_t e = 0; e < g->m; e++) {
    const double w = graph_weight(g, e);
    a[g->u[e] * n + g->u[e]] += w;
    a[g->v[e] * n + g->v[e]] += w;
    a[g->u[e] * n + g->v[e]] -= w;
    a[g->v[e] * n + g->u[e]] -= w;
  }
  for (int64_t k = 0; k < n; k++) {
    for (int64_t i = k + 1; i < n; i++) {
      const double factor = a[i * n + k] / a[k * n + k];
      for (int64_t j = k; j < n && factor != 0; j++) a[i * n + j] -= factor * a[k * n + j];
      b[i] -= factor * b[k];
    }
  }
  for (int64_t i = n - 1; i >= 0; i--) {
    for (int64_t j = i + 1; j < n; j++) b[i] -= a[i * n + j] * b[j];
    b[i] /= a[i * n + i];
  }
  free(a);
}

static double sign_of(uint64_t key, int64_t edge, int64_t projection)
{
  uint32_t word[4];
  rng_block(key, (uint64_t)edge, (uint32_t)(projection / 128), RNG_SKETCH_SIGNS, word);
  return word[projection % 128 / 32] >> (projection % 32) & 1 ? -1 : 1;
}

static void kernels_follow_the_formula(void **state)
{
  (void)state;
  enum { Q = 144 };
  for (int f = 0; f < FAMILIES; f++) {
    Graph  *g      = family_graph(f, true, 11);
    double *degree = calloc((size_t)g->n, sizeof *degree), *sum = calloc((size_t)g->m, sizeof *sum), *b = calloc((size_t)g->n, sizeof *b),
           *x = calloc((size_t)g->n, sizeof *x);
    for (int64_t e = 0; e < g->m; e++) {
      degree[g->u[e]] += graph_weight(g, e);
      degree[g->v[e]] += graph_weight(g, e);
    }
    /* The same orientation as the core: from the vertex of larger degree (ties: smaller number) does not matter to a square, since all
     * signs of one edge turn together only where the ends turn; so orient as the core does. */
    Reduction *reduction;
    assert_int_equal(reduction_create(g, NULL, false, &reduction), 0);
    for (int64_t j = 0; j < Q; j++) {
      memset(b, 0, (size_t)g->n * sizeof *b);
      for (int64_t e = 0; e < g->m; e++) {
        const bool   forward = reduction->place[g->u[e]] < reduction->place[g->v[e]];
        const double y       = sign_of(77, e, j) * sqrt(graph_weight(g, e)) * (forward ? 1 : -1);
        b[g->u[e]] += y;
        b[g->v[e]] -= y;
      }
      memcpy(x, b, (size_t)g->n * sizeof *x);
      dense_solve(g, x);
      for (int64_t e = 0; e < g->m; e++) {
        const int64_t u = g->u[e], v = g->v[e];
        const double  z = x[u] - b[u] / degree[u] - (x[v] - b[v] / degree[v]);
        sum[e] += z * z / Q;
      }
    }
    Sketched s = sketch(PETSC_COMM_WORLD, g, isa_level(), false, Q, 1e-5, 77);
    for (int64_t e = 0; e < g->m; e++) {
      const double du = degree[g->u[e]], dv = degree[g->v[e]], expected = 1 / du + 1 / dv - 2 * graph_weight(g, e) / (du * dv) + sum[e];
      if (!(fabs(s.value[e] / expected - 1) <= 2e-4))
        fail_msg("%s, edge %d: expected %.17g, got %.17g, tolerance 2e-4", families[f].name, (int)e, expected, s.value[e]);
    }
    sketched_free(&s);
    reduction_destroy(&reduction);
    free(degree), free(sum), free(b), free(x);
    graph_destroy(&g);
  }
}

/* --- chosen pairs --- */

static void chosen_pairs(void **state)
{
  (void)state;
  for (int f = 0; f < FAMILIES; f++) {
    Graph                  *g       = family_graph(f, true, 13);
    const ResistanceOptions options = {.projections = 1024, .tolerance = 1e-5, .key = 5};
    ResistanceStats         stats;
    int64_t                 u[40], v[40];
    double                  value[40], error[40], expected[40];
    for (int k = 0; k < 40; k++) {
      u[k] = k < 10 ? g->v[k % g->m] : k % g->n;
      v[k] = k < 10 ? g->u[k % g->m] : (7 * k + 3) % g->n;
      if (u[k] == v[k]) v[k] = (v[k] + 1) % g->n;
    }
    assert_int_equal(resistance_sketch(PETSC_COMM_WORLD, g, 40, u, v, &options, &stats, value, error), 0);
    assert_string_equal(stats.refused, "");
    assert_int_equal(resistance_dense(g, 40, u, v, expected), 0);
    for (int k = 0; k < 40; k++)
      if (!(fabs(value[k] - expected[k]) <= 5 * error[k] + 1e-5 * expected[k]))
        fail_msg("%s, pair %d: expected %.10g, got %.10g, standard error %.3g", families[f].name, k, expected[k], value[k], error[k]);
    graph_destroy(&g);
  }
}

/* Jacobi's CG is cut short, so that hypre must do it: the same systems, the same answer. */
static void hypre_takes_over(void **state)
{
  (void)state;
  for (int f = 0; f < FAMILIES; f++) {
    Graph                  *g        = family_graph(f, true, 17);
    const SketchSwitches    short_of = {.level = isa_level(), .eliminate = true, .iterations_max = 1};
    const ResistanceOptions options  = {.projections = 32, .tolerance = 1e-5, .key = 3};
    ResistanceStats         stats;
    Sketched                jacobi = sketch(PETSC_COMM_SELF, g, isa_level(), true, 32, 1e-5, 3);
    double                 *value = calloc((size_t)g->m, sizeof *value), *error = calloc((size_t)g->m, sizeof *error);
    assert_int_equal(sketch_compute(PETSC_COMM_SELF, g, &short_of, g->m, NULL, NULL, &options, &stats, value, error), 0);
    assert_string_equal(stats.refused, "");
    assert_true(stats.residual <= 1e-5);
    for (int64_t e = 0; e < g->m; e++)
      if (!(fabs(value[e] / jacobi.value[e] - 1) <= 1e-4))
        fail_msg("%s, edge %d: Jacobi %.10g, hypre %.10g, tolerance 1e-4", families[f].name, (int)e, jacobi.value[e], value[e]);
    sketched_free(&jacobi);
    free(value), free(error);
    graph_destroy(&g);
  }
}

/* --- rows spread over ranks --- */

/* Families `a` and `b` side by side, three isolated vertices before, between and behind them; edges sorted. */
static Graph *side_by_side(int a, int b, bool weighted)
{
  Graph  *part[2] = {family_graph(a, weighted, 31), family_graph(b, weighted, 32)}, *g = NULL;
  int64_t n = 1, m = 0, *u = calloc((size_t)(part[0]->m + part[1]->m), sizeof *u),
          *v     = calloc((size_t)(part[0]->m + part[1]->m), sizeof *v);
  double *weight = calloc((size_t)(part[0]->m + part[1]->m), sizeof *weight);
  for (int p = 0; p < 2; p++) {
    for (int64_t i = 0; i < part[p]->n; i++)
      for (int64_t j = i + 1; j < part[p]->n; j++)
        for (int64_t e = 0; e < part[p]->m; e++)
          if (part[p]->u[e] == i && part[p]->v[e] == j) {
            u[m]        = n + i;
            v[m]        = n + j;
            weight[m++] = graph_weight(part[p], e);
          }
    n += part[p]->n + 1;
    graph_destroy(&part[p]);
  }
  assert_int_equal(graph_create(n, m, u, v, weighted ? weight : NULL, &g), 0);
  free(u), free(v), free(weight);
  return g;
}

/* Results of all ranks' edges in value, error (m). */
static ResistanceStats sketch_rows(MPI_Comm comm, const Graph *g, int64_t q, double *value, double *error)
{
  const ResistanceOptions options = {.projections = q, .tolerance = 1e-5, .key = 8};
  ResistanceStats         stats;
  GraphRows              *rows;
  assert_int_equal(graph_rows_from_graph(comm, g, &rows), 0);
  memset(value, 0, (size_t)g->m * sizeof *value);
  memset(error, 0, (size_t)g->m * sizeof *error);
  assert_int_equal(resistance_sketch_rows(rows, &options, &stats, value + rows->first_edge, error + rows->first_edge), 0);
  graph_rows_destroy(&rows);
  MPI_Allreduce(MPI_IN_PLACE, value, (int)g->m, MPI_DOUBLE, MPI_SUM, comm);
  MPI_Allreduce(MPI_IN_PLACE, error, (int)g->m, MPI_DOUBLE, MPI_SUM, comm);
  return stats;
}

static void check_rows(const char *name, const Graph *g)
{
  double *r = reference(g), *value[2], *error[2];
  for (int k = 0; k < 2; k++) {
    value[k]                    = calloc((size_t)g->m, sizeof(double));
    error[k]                    = calloc((size_t)g->m, sizeof(double));
    const ResistanceStats stats = sketch_rows(k ? PETSC_COMM_WORLD : PETSC_COMM_SELF, g, 256, value[k], error[k]);
    assert_string_equal(stats.refused, "");
    assert_true(stats.residual <= 1e-5);
  }
  for (int64_t e = 0; e < g->m; e++) {
    if (!(fabs(value[1][e] / value[0][e] - 1) <= 1e-4))
      fail_msg("%s, edge %d: one rank %.10g, all ranks %.10g, tolerance 1e-4", name, (int)e, value[0][e], value[1][e]);
    if (!(fabs(value[1][e] - r[e]) <= 6 * error[1][e] + 1e-5 * r[e]))
      fail_msg("%s, edge %d: expected %.10g, got %.10g, standard error %.3g", name, (int)e, r[e], value[1][e], error[1][e]);
  }
  free(r), free(value[0]), free(value[1]), free(error[0]), free(error[1]);
}

static void rows_agree_on_any_number_of_ranks(void **state)
{
  (void)state;
  for (int f = 0; f < FAMILIES; f++) {
    Graph *g = side_by_side(f, (f + 5) % FAMILIES, f % 2);
    check_rows(families[f].name, g);
    graph_destroy(&g);
  }
}

static void a_single_vertex_has_no_edges(void **state)
{
  (void)state;
  const ResistanceOptions options = {0};
  ResistanceStats         stats;
  Graph                  *g = NULL;
  GraphRows              *rows;
  double                  none[1];
  assert_int_equal(graph_create(1, 0, NULL, NULL, NULL, &g), 0);
  assert_int_equal(resistance_sketch(PETSC_COMM_WORLD, g, 0, NULL, NULL, &options, &stats, none, none), 0);
  assert_string_equal(stats.refused, "");
  assert_int_equal(graph_rows_from_graph(PETSC_COMM_WORLD, g, &rows), 0);
  assert_int_equal(resistance_sketch_rows(rows, &options, &stats, none, none), 0);
  assert_string_equal(stats.refused, "");
  graph_rows_destroy(&rows);
  graph_destroy(&g);
}

static void limits_are_refused(void **state)
{
  (void)state;
  Graph            *g     = family_graph(FAMILIES - 1, false, 1);
  double           *value = calloc((size_t)g->m, sizeof *value), *error = calloc((size_t)g->m, sizeof *error);
  ResistanceOptions options = {.memory_limit = 10};
  ResistanceStats   stats;
  assert_int_equal(resistance_sketch(PETSC_COMM_WORLD, g, g->m, NULL, NULL, &options, &stats, value, error), 0);
  assert_non_null(strstr(stats.refused, "memory"));
  free(value);
  free(error);
  graph_destroy(&g);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(series_parallel_graphs_are_exact),
      cmocka_unit_test(kernels_follow_the_formula),
      cmocka_unit_test(estimates_are_unbiased),
      cmocka_unit_test(ranks_do_not_change_bits),
      cmocka_unit_test(isa_levels_do_not_change_bits),
      cmocka_unit_test(chosen_pairs),
      cmocka_unit_test(limits_are_refused),
      cmocka_unit_test(a_single_vertex_has_no_edges),
      cmocka_unit_test(rows_agree_on_any_number_of_ranks),
      cmocka_unit_test(hypre_takes_over),
  };
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() || failed;
}
