/* SPDX-License-Identifier: BSD-2-Clause
 * The smallest eigenpairs of sparse graphs, spanning trees and Kirchhoff indices, against LAPACK, closed forms with their multiplicities,
 * and residuals computed here. */
#include "spectrum_sparse.h"

#include <slepcsys.h>

#include "spectrum.h"
#include "spectrum_fixture.h"

enum { VERTICES_MAX = 4096 };

/* Recomputes residuals, the Gram matrix and the order of what spectrum_smallest returned. */
static void pairs_are_sound(const char *what, const Graph *g, int64_t k, const double *value, const double *residual, const double *vector)
{
  const double tolerance = 1e-12 * fmax(1e-300, degree_max(g));
  double      *y         = calloc((size_t)g->n, sizeof *y);
  for (int64_t a = 0; a < k; a++) {
    const double *x    = vector + a * g->n;
    double        norm = 0;
    multiply(g, x, y);
    for (int64_t i = 0; i < g->n; i++) norm += (y[i] - value[a] * x[i]) * (y[i] - value[a] * x[i]);
    near(what, a, sqrt(norm), 0, 1.1 * tolerance);
    near(what, a, residual[a], sqrt(norm), 0.1 * tolerance);
    if (a && value[a] < value[a - 1]) fail_msg("%s: values %lld and %lld are out of order", what, (long long)a - 1, (long long)a);
    for (int64_t b = 0; b <= a; b++) {
      double dot = 0;
      for (int64_t i = 0; i < g->n; i++) dot += x[i] * vector[b * g->n + i];
      near("orthonormality", a, dot, a == b, 1e-10);
    }
  }
  free(y);
  same_on_all_ranks(what, value, (size_t)k * sizeof *value);
  same_on_all_ranks(what, vector, (size_t)(k * g->n) * sizeof *vector);
}

/* expected (k); relative: tolerances as multiples of the value, not of the largest degree. */
static void smallest_are(const char *what, const Graph *g, int64_t k, EigenMethodId method, const double *expected, double tolerance)
{
  const EigenOptions options = {.method = method, .key = 7};
  double            *value = calloc((size_t)k, sizeof *value), *residual = calloc((size_t)k, sizeof *residual);
  double            *vector = calloc((size_t)(k * g->n), sizeof *vector);
  EigenStats         stats;
  assert_int_equal(spectrum_smallest(MPI_COMM_WORLD, g, k, &options, &stats, value, residual, vector), 0);
  if (stats.refused[0]) fail_msg("%s by %s, k = %lld: %s", what, eigen_method_names[method], (long long)k, stats.refused);
  for (int64_t i = 0; i < k; i++) near(what, i, value[i], expected[i], tolerance);
  pairs_are_sound(what, g, k, value, residual, vector);
  free(value);
  free(residual);
  free(vector);
}

static const EigenMethodId all_methods[] = {EIGEN_AUTO, EIGEN_DENSE, EIGEN_SHIFT_INVERT, EIGEN_DAVIDSON};

static void every_family_against_lapack(void **state)
{
  (void)state;
  double expected[256];
  int    ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks); /* several: fewer families, as ranks may have to share a core */
  for (int f = ranks - 1; f < FAMILIES; f += 3 * ranks - 2) {
    for (int weights = WEIGHTS_UNIT; weights <= WEIGHTS_EXPONENTIAL; weights += WEIGHTS_EXPONENTIAL) {
      Graph *g = graph_of(&families[f], (GraphWeights)weights);
      assert_int_equal(spectrum_dense(g, NULL, expected), 0);
      for (int m = 0; m < 4; m++) {
        smallest_are(families[f].name, g, 3, all_methods[m], expected, 1e-12 * degree_max(g));
        smallest_are(families[f].name, g, 11, all_methods[m], expected, 1e-12 * degree_max(g));
      }
      smallest_are(families[f].name, g, g->n, EIGEN_AUTO, expected, 1e-12 * degree_max(g));
      graph_destroy(&g);
    }
  }
}

static int ascending(const void *a, const void *b)
{
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* Families too large for the dense method, many copies of every value. */
static void multiplicities(void **state)
{
  (void)state;
  static double x[VERTICES_MAX];
  const Named   grid              = {"grid", {.kind = GRAPH_GRID_2D, .width = 30, .height = 30}},
              cube                = {"hypercube", {.kind = GRAPH_HYPERCUBE, .dimension = 9}};
  const Named torus               = {"torus", {.kind = GRAPH_TORUS, .width = 24, .height = 24}},
              full                = {"complete", {.kind = GRAPH_COMPLETE, .nodes = 420}};
  const EigenMethodId iterative[] = {EIGEN_SHIFT_INVERT, EIGEN_DAVIDSON, EIGEN_AUTO};
  int                 ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  for (int m = 0; m < (ranks == 1 ? 3 : 2); m++) {
    Graph *g = graph_of(&grid, WEIGHTS_UNIT);
    for (int i = 0; i < 900; i++) x[i] = 4 * pow(sin(M_PI * (i % 30) / 60), 2) + 4 * pow(sin(M_PI * (i / 30) / 60), 2);
    qsort(x, 900, sizeof *x, ascending);
    for (int k = 2; k <= 12; k += 5) smallest_are("grid", g, k, iterative[m], x, 1e-13);
    graph_destroy(&g);
    g = graph_of(&cube, WEIGHTS_UNIT);
    for (int i = 0; i < 512; i++) x[i] = 2 * __builtin_popcount((unsigned)i);
    qsort(x, 512, sizeof *x, ascending);
    smallest_are("hypercube, copies cut", g, 8, iterative[m], x, 1e-12);
    smallest_are("hypercube, nine copies and more", g, 16, iterative[m], x, 1e-12);
    graph_destroy(&g);
    g = graph_of(&torus, WEIGHTS_UNIT);
    for (int i = 0; i < 576; i++) x[i] = 4 * pow(sin(M_PI * (i % 24) / 24), 2) + 4 * pow(sin(M_PI * (i / 24) / 24), 2);
    qsort(x, 576, sizeof *x, ascending);
    smallest_are("torus", g, 14, iterative[m], x, 1e-12);
    graph_destroy(&g);
    g = graph_of(&full, WEIGHTS_UNIT);
    for (int i = 0; i < 420; i++) x[i] = i ? 420 : 0;
    smallest_are("complete", g, 7, iterative[m], x, 1e-10);
    graph_destroy(&g);
  }
}

/* Thirteen equal legs at a hub, each a path of 60: every mode that vanishes at the hub has twelve copies, more than a block finds at once,
 * and no Krylov space of four vectors closes early, which would bring the others in by itself. */
static void more_copies_than_a_block(void **state)
{
  (void)state;
  static double  expected[800], w[800];
  static int64_t u[800], v[800];
  int64_t        m = 0;
  Graph         *g = NULL;
  for (int64_t leg = 0; leg < 13; leg++) {
    for (int64_t i = 0; i < 60; i++, m++) {
      u[m] = i ? 60 * leg + i : 0;
      v[m] = 60 * leg + i + 1;
      w[m] = 1 + 0.3 * sin((double)(i * i));
    }
  }
  assert_int_equal(graph_create(781, m, u, v, w, &g), 0);
  assert_int_equal(spectrum_dense(g, NULL, expected), 0);
  for (int64_t k = 10; k <= 28; k += k == 15 ? 13 : 1) { /* cut inside and behind groups */
    smallest_are("spider", g, k, EIGEN_SHIFT_INVERT, expected, 1e-11);
    smallest_are("spider", g, k, EIGEN_DAVIDSON, expected, 1e-11);
  }
  graph_destroy(&g);
}

static void stars_and_weights_far_apart(void **state)
{
  (void)state;
  static double  x[700], w[700], expected[700];
  static int64_t u[700], v[700];
  Graph         *g = NULL;
  for (int i = 0; i < 600; i++) {
    u[i] = 0;
    v[i] = i + 1;
    x[i] = i == 0 ? 0 : 1;
    w[i] = pow(10, -6.0 * (i % 7) / 6); /* 1 to 1e-6 */
  }
  assert_int_equal(graph_create(601, 600, u, v, NULL, &g), 0);
  for (int m = 0; m < 4; m++) smallest_are("star", g, 6, all_methods[m], x, 1e-12 * 600);
  graph_destroy(&g);
  for (int i = 0; i < 600; i++) u[i] = i; /* a path of weights far apart */
  assert_int_equal(graph_create(601, 600, u, v, w, &g), 0);
  assert_int_equal(spectrum_dense(g, NULL, expected), 0);
  for (int m = 0; m < 4; m++) smallest_are("path of weights 1 to 1e-6", g, 5, all_methods[m], expected, 1e-13);
  graph_destroy(&g);
}

/* Large, small, equal and single components side by side. */
static void components_are_merged(void **state)
{
  (void)state;
  static double expected[2048];
  const Named   names[] = {{"grid", {.kind = GRAPH_GRID_2D, .width = 25, .height = 20}},
                           {"path", {.kind = GRAPH_PATH, .nodes = 30}},
                           {"triangle", {.kind = GRAPH_CYCLE, .nodes = 3}},
                           {"edge", {.kind = GRAPH_PATH, .nodes = 2}}};
  Graph        *part[4];
  for (int p = 0; p < 4; p++) part[p] = graph_of(&names[p], WEIGHTS_EXPONENTIAL);
  const Graph *const all[] = {part[2], part[0], part[1], part[2], part[0], part[3], part[2], part[3]};
  Graph             *g     = union_of(8, all, 5);
  assert_int_equal(spectrum_dense(g, NULL, expected), 0);
  for (int64_t i = 0; i < 13; i++) expected[i] = 0;
  for (int m = 0; m < 4; m++)
    for (int k = 1; k <= 41; k += 10) smallest_are("components", g, k, all_methods[m], expected, 1e-12);
  graph_destroy(&g);
  const Graph *many[200];
  for (int p = 0; p < 200; p++) many[p] = part[2];
  g = union_of(200, many, 0);
  assert_int_equal(spectrum_dense(g, NULL, expected), 0);
  for (int64_t i = 0; i < 200; i++) expected[i] = 0;
  smallest_are("200 triangles", g, 333, EIGEN_AUTO, expected, 1e-12);
  graph_destroy(&g);
  for (int p = 0; p < 4; p++) graph_destroy(&part[p]);
}

static void tiny_graphs(void **state)
{
  (void)state;
  Graph       *g        = NULL;
  const double zeros[3] = {0, 0, 0}, edge[2] = {0, 6};
  assert_int_equal(graph_create(1, 0, NULL, NULL, NULL, &g), 0);
  smallest_are("a vertex", g, 1, EIGEN_AUTO, zeros, 0);
  graph_destroy(&g);
  assert_int_equal(graph_create(3, 0, NULL, NULL, NULL, &g), 0);
  smallest_are("three vertices", g, 3, EIGEN_SHIFT_INVERT, zeros, 0);
  graph_destroy(&g);
  assert_int_equal(graph_create(2, 1, (int64_t[]){0}, (int64_t[]){1}, (double[]){3}, &g), 0);
  for (int m = 0; m < 4; m++) smallest_are("an edge", g, 2, all_methods[m], edge, 1e-15);
  graph_destroy(&g);
}

/* The Fiedler vector of a barbell is antisymmetric: one sign a clique, on the sparse paths too. */
static void barbell_signs(void **state)
{
  (void)state;
  const Named  barbell = {"barbell", {.kind = GRAPH_BARBELL, .clique_size = 250, .bridges = 1}};
  const double s = 250, exact = 4 / (s + 2 + sqrt((s + 2) * (s + 2) - 8));
  Graph       *g      = graph_of(&barbell, WEIGHTS_UNIT);
  double      *vector = calloc((size_t)(2 * g->n), sizeof *vector), value[2], residual[2];
  for (int m = 1; m < 4; m++) {
    const EigenOptions options = {.method = all_methods[m], .key = 3};
    EigenStats         stats;
    assert_int_equal(spectrum_smallest(MPI_COMM_WORLD, g, 2, &options, &stats, value, residual, vector), 0);
    if (stats.refused[0]) fail_msg("barbell by %s: %s", eigen_method_names[all_methods[m]], stats.refused);
    assert_int_equal(stats.method, all_methods[m]);
    near("barbell", m, value[1], exact, 1e-11 * exact);
    assert_true(stats.residual <= 1e-12 * degree_max(g));
    for (int i = 1; i < 250; i++) assert_true(vector[500 + i] * vector[500] > 0 && vector[750 + i] * vector[500] < 0);
  }
  free(vector);
  graph_destroy(&g);
}

static void what_does_not_fit_is_refused(void **state)
{
  (void)state;
  const Named grid = {"grid", {.kind = GRAPH_GRID_2D, .width = 30, .height = 30}};
  Graph      *g    = graph_of(&grid, WEIGHTS_UNIT);
  double      value[4], residual[4];
  for (int m = 0; m < 4; m++) {
    const EigenOptions options = {.method = all_methods[m], .memory_limit = 1e4};
    EigenStats         stats;
    assert_int_equal(spectrum_smallest(MPI_COMM_WORLD, g, 4, &options, &stats, value, residual, NULL), 0);
    assert_non_null(strstr(stats.refused, "memory"));
    assert_true(stats.predicted_bytes > 1e4);
    same_on_all_ranks("refusal", stats.refused, sizeof stats.refused);
  }
  const EigenOptions impossible = {.method = EIGEN_SHIFT_INVERT, .tolerance = 1e-30};
  EigenStats         stats;
  assert_int_equal(spectrum_smallest(MPI_COMM_WORLD, g, 4, &impossible, &stats, value, residual, NULL), 0);
  assert_non_null(strstr(stats.refused, "no convergence"));
  TreeStats trees;
  assert_int_equal(spectrum_trees(MPI_COMM_WORLD, g, 1e4, NULL, &trees), 0);
  assert_non_null(strstr(trees.refused, "memory"));
  graph_destroy(&g);
}

/* --- spanning trees --- */

static void trees_are(const char *what, const Graph *g, double log_trees, double kirchhoff)
{
  TreeStats stats;
  assert_int_equal(spectrum_trees(MPI_COMM_WORLD, g, 0, NULL, &stats), 0);
  if (stats.refused[0]) fail_msg("%s: %s", what, stats.refused);
  near(what, g->n, stats.log_spanning_trees, log_trees, 1e-12 * fmax(1, fabs(log_trees)));
  near(what, g->n, stats.kirchhoff_index, kirchhoff, 1e-11 * fmax(1, kirchhoff));
  same_on_all_ranks(what, &stats, sizeof stats);
}

static void trees_closed_forms(void **state)
{
  (void)state;
  for (int64_t n = 3; n <= 603; n += 150) {
    const double x      = (double)n;
    const Named  kind[] = {{"path", {.kind = GRAPH_PATH, .nodes = n}},
                           {"cycle", {.kind = GRAPH_CYCLE, .nodes = n}},
                           {"complete", {.kind = GRAPH_COMPLETE, .nodes = n}}};
    Graph       *g      = graph_of(&kind[0], WEIGHTS_UNIT);
    trees_are("path", g, 0, x * (x * x - 1) / 6);
    graph_destroy(&g);
    g = graph_of(&kind[1], WEIGHTS_UNIT);
    trees_are("cycle", g, log(x), (x * x * x - x) / 12);
    graph_destroy(&g);
    g = graph_of(&kind[2], WEIGHTS_UNIT);
    trees_are("complete", g, (x - 2) * log(x), x - 1);
    graph_destroy(&g);
  }
}

/* Star, complete bipartite, hypercube, grid: from the spectrum, log det' - log n and n sum 1/lambda. */
static void trees_from_spectra(void **state)
{
  (void)state;
  static int64_t u[9000], v[9000];
  Graph         *g = NULL;
  int64_t        m = 0;
  for (int64_t i = 1; i <= 400; i++) u[m] = 0, v[m++] = i;
  assert_int_equal(graph_create(401, m, u, v, NULL, &g), 0);
  trees_are("star", g, 0, 400.0 * 400);
  graph_destroy(&g);
  m = 0;
  for (int64_t i = 0; i < 200; i++)
    for (int64_t j = 0; j < 40; j++) u[m] = i, v[m++] = 200 + j;
  assert_int_equal(graph_create(240, m, u, v, NULL, &g), 0); /* K(a,b): a^(b-1) b^(a-1); spectrum 0, a (b-1 times), b (a-1 times), a + b */
  trees_are("bipartite", g, 39 * log(200) + 199 * log(40), 240 * (39 / 200.0 + 199 / 40.0 + 1 / 240.0));
  graph_destroy(&g);
  const Named cube = {"hypercube", {.kind = GRAPH_HYPERCUBE, .dimension = 9}},
              grid = {"grid", {.kind = GRAPH_GRID_2D, .width = 40, .height = 23}};
  double logs = -log(512), sum = 0;
  for (int i = 1; i < 512; i++) logs += log(2 * __builtin_popcount((unsigned)i)), sum += 1 / (2.0 * __builtin_popcount((unsigned)i));
  g = graph_of(&cube, WEIGHTS_UNIT);
  trees_are("hypercube", g, logs, 512 * sum);
  graph_destroy(&g);
  logs = -log(920), sum = 0;
  for (int i = 1; i < 920; i++) {
    const double x = 4 * pow(sin(M_PI * (i % 40) / 80), 2) + 4 * pow(sin(M_PI * (i / 40) / 46), 2);
    logs += log(x), sum += 1 / x;
  }
  g = graph_of(&grid, WEIGHTS_UNIT);
  trees_are("grid", g, logs, 920 * sum);
  graph_destroy(&g);
}

/* Any weighted, disconnected graph: component by component from LAPACK's spectrum, and all of them side by side. */
static void trees_of_families(void **state)
{
  (void)state;
  static double value[512];
  const Graph  *part[FAMILIES];
  double        logs_all = 0, sum_all = 0;
  for (int f = 0; f < FAMILIES; f++) {
    Graph   *g         = graph_of(&families[f], f % 2 ? WEIGHTS_EXPONENTIAL : WEIGHTS_UNIFORM);
    int64_t *component = calloc((size_t)g->n, sizeof *component), count = graph_components(g, NULL, component);
    double   logs = 0, sum = 0;
    for (int64_t c = 0; c < count; c++) {
      uint8_t *keep = calloc((size_t)g->m + 1, 1);
      int64_t  size = 0;
      for (int64_t i = 0; i < g->n; i++) size += component[i] == c;
      for (int64_t e = 0; e < g->m; e++) keep[e] = component[g->u[e]] == c;
      assert_int_equal(spectrum_dense(g, keep, value), 0);
      for (int64_t k = g->n - size + 1; k < g->n; k++) logs += log(value[k]), sum += (double)size / value[k];
      logs -= log((double)size);
      free(keep);
    }
    trees_are(families[f].name, g, logs, sum);
    logs_all += logs, sum_all += sum;
    free(component);
    part[f] = g;
  }
  Graph *g = union_of(FAMILIES, part, 3);
  trees_are("side by side", g, logs_all, sum_all);
  graph_destroy(&g);
  for (int f = 0; f < FAMILIES; f++) {
    Graph *p = (Graph *)(uintptr_t)part[f];
    graph_destroy(&p);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_family_against_lapack),
      cmocka_unit_test(multiplicities),
      cmocka_unit_test(more_copies_than_a_block),
      cmocka_unit_test(stars_and_weights_far_apart),
      cmocka_unit_test(components_are_merged),
      cmocka_unit_test(tiny_graphs),
      cmocka_unit_test(barbell_signs),
      cmocka_unit_test(what_does_not_fit_is_refused),
      cmocka_unit_test(trees_closed_forms),
      cmocka_unit_test(trees_from_spectra),
      cmocka_unit_test(trees_of_families),
  };
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0); /* more ranks than cores */
  if (SlepcInitialize(&argc, &argv, NULL, NULL)) return 1;
  const int failed = cmocka_run_group_tests_name("spectrum_sparse", tests, NULL, NULL);
  return SlepcFinalize() ? 1 : failed;
}
