/* SPDX-License-Identifier: BSD-2-Clause
 * Spectral density against exact spectra and closed forms, and the quadratic form of subgraphs against LAPACK dsygv and theorems. */
#include "spectrum_sparse.h"

#include <petscblaslapack.h>
#include <slepcsys.h>

#include "rng.h"
#include "spectrum.h"
#include "spectrum_fixture.h"

/* --- density --- */

typedef struct Density {
  double bound, x[64], y[64], error[64];
} Density;

static Density density_of(const Graph *g, int64_t moments, int64_t probes, int64_t bins)
{
  Density d;
  assert_int_equal(spectrum_density(MPI_COMM_WORLD, g, moments, probes, bins, 5, NULL, &d.bound, d.x, d.y, d.error), 0);
  double sum = 0;
  for (int64_t b = 0; b < bins; b++) {
    sum += d.y[b] * d.bound / (double)bins;
    near("centre", b, d.x[b], d.bound * ((double)b + 0.5) / (double)bins, 1e-12 * d.bound);
    if (!(d.y[b] > -1e-12)) fail_msg("density %g in bin %lld: Jackson's kernel keeps it positive", d.y[b], (long long)b);
  }
  near("integral", bins, sum, 1, 1e-12);
  same_on_all_ranks("density", &d.y, (size_t)bins * sizeof *d.y);
  return d;
}

/* What the method gives with exact moments: each eigenvalue smeared by Jackson's kernel, over a bin. */
static double smeared(double bound, int64_t moments, double eigenvalue, double from, double to)
{
  const double a = acos(2 * from / bound - 1), b = acos(fmin(1, 2 * to / bound - 1)),
               t   = acos(fmax(-1, fmin(1, 2 * eigenvalue / bound - 1)));
  const double N   = (double)moments;
  double       sum = (a - b) / M_PI;
  for (int k = 1; k < moments; k++) {
    const double g = ((N - k + 1) * cos(M_PI * k / (N + 1)) + sin(M_PI * k / (N + 1)) / tan(M_PI / (N + 1))) / (N + 1);
    sum += 2 / M_PI * g * cos(k * t) * (sin(k * a) - sin(k * b)) / k;
  }
  return sum;
}

/* Every bin within five standard errors of the exact spectrum as the kernel smears it; most well inside. */
static void density_of_families(void **state)
{
  (void)state;
  enum { BINS = 20, MOMENTS = 40, PROBES = 400 };
  double value[256];
  for (int f = 0; f < FAMILIES; f += 2) {
    Graph        *g   = graph_of(&families[f], f % 4 ? WEIGHTS_EXPONENTIAL : WEIGHTS_UNIT);
    const Density d   = density_of(g, MOMENTS, PROBES, BINS);
    double        chi = 0;
    assert_int_equal(spectrum_dense(g, NULL, value), 0);
    if (value[g->n - 1] > d.bound) fail_msg("%s: bound %g below the largest eigenvalue %g", families[f].name, d.bound, value[g->n - 1]);
    for (int b = 0; b < BINS; b++) {
      const double width = d.bound / BINS;
      double       exact = 0;
      for (int64_t i = 0; i < g->n; i++) exact += smeared(d.bound, MOMENTS, value[i], b * width, (b + 1) * width) / (double)g->n / width;
      near(families[f].name, b, d.y[b], exact, 5 * d.error[b] + 1e-12);
      chi += d.error[b] > 1e-13 ? pow((d.y[b] - exact) / d.error[b], 2) : 0;
    }
    if (chi > 3 * BINS) fail_msg("%s: chi^2 %g for %d bins: the standard errors are too small", families[f].name, chi, BINS);
    graph_destroy(&g);
  }
}

/* An infinite cycle: the integrated density is arccos(1 - lambda / 2) / pi. */
static void density_of_a_large_cycle(void **state)
{
  (void)state;
  enum { BINS = 16 };
  const Named   cycle = {"cycle", {.kind = GRAPH_CYCLE, .nodes = 20000}};
  Graph        *g     = graph_of(&cycle, WEIGHTS_UNIT);
  const Density d     = density_of(g, 512, 16, BINS);
  near("bound", 0, d.bound, 4, 1e-11);
  for (int b = 1; b < BINS - 1; b++) {
    const double exact = (acos(1 - 2.0 * (b + 1) / BINS) - acos(1 - 2.0 * b / BINS)) / M_PI / (4.0 / BINS);
    near("large cycle", b, d.y[b], exact, 5 * d.error[b] + 0.002 * exact);
    assert_true(d.error[b] < 0.02 * exact);
  }
  graph_destroy(&g);
}

/* Probes do not depend on how they are grouped: eight more leave a running mean that the first eight determine. */
static void density_of_odd_requests(void **state)
{
  (void)state;
  const Named path = {"path", {.kind = GRAPH_PATH, .nodes = 50}};
  Graph      *g    = graph_of(&path, WEIGHTS_UNIT);
  for (int moments = 2; moments <= 7; moments++) density_of(g, moments, 3, 5);
  const Density one = density_of(g, 30, 1, 8);
  assert_true(isnan(one.error[0]));
  graph_destroy(&g);
  assert_int_equal(graph_create(7, 0, NULL, NULL, NULL, &g), 0);
  const Density none = density_of(g, 30, 9, 4); /* all eigenvalues 0 */
  assert_true(none.y[0] > 0.9 * 4 && none.error[0] < 1e-12);
  graph_destroy(&g);
}

/* --- quadratic form --- */

/* Edges of g that `rng` keeps with probability p, weights times a factor if wanted. */
static Graph *subgraph(const Graph *g, Rng *rng, double p, bool reweight)
{
  int64_t *u = calloc((size_t)g->m + 1, sizeof *u), *v = calloc((size_t)g->m + 1, sizeof *v), m = 0;
  double  *w = calloc((size_t)g->m + 1, sizeof *w);
  Graph   *h = NULL;
  for (int64_t e = 0; e < g->m; e++) {
    const double draw = rng_uniform(rng), factor = reweight ? 1 / p + rng_uniform(rng) : 1;
    if (draw >= p) continue;
    u[m]   = g->u[e];
    v[m]   = g->v[e];
    w[m++] = graph_weight(g, e) * factor;
  }
  assert_int_equal(graph_create(g->n, m, u, v, w, &h), 0);
  free(u);
  free(v);
  free(w);
  return h;
}

/* Grounded at the last vertex; g connected. */
static void extremes_by_dsygv(const Graph *g, const Graph *h, double *low, double *high)
{
  const PetscBLASInt n = (PetscBLASInt)g->n - 1, type = 1, n_work = 64 * n;
  PetscBLASInt       info, lda = n, order = n, itype = type, lwork = n_work;
  double            *a = calloc((size_t)n * (size_t)n, sizeof *a), *b = calloc((size_t)n * (size_t)n, sizeof *b);
  double            *value = calloc((size_t)n, sizeof *value), *work = calloc((size_t)n_work, sizeof *work);
  const Graph       *graph[]  = {h, g};
  double            *matrix[] = {a, b};
  for (int k = 0; k < 2; k++) {
    for (int64_t e = 0; e < graph[k]->m; e++) {
      const int64_t u = graph[k]->u[e], v = graph[k]->v[e];
      const double  w = graph_weight(graph[k], e);
      if (u < n) matrix[k][u + u * n] += w;
      if (v < n) matrix[k][v + v * n] += w;
      if (u < n && v < n) matrix[k][u + v * n] = matrix[k][v + u * n] = -w;
    }
  }
  LAPACKsygv_(&itype, "N", "L", &order, a, &lda, b, &lda, value, work, &lwork, &info);
  assert_int_equal(info, 0);
  *low  = value[0];
  *high = value[n - 1];
  free(a);
  free(b);
  free(value);
  free(work);
}

static QuadraticForm form_of(const char *what, const Graph *g, const Graph *h, EigenMethodId method)
{
  const EigenOptions options = {.method = method, .key = 11};
  QuadraticForm      form;
  assert_int_equal(spectrum_quadratic_form(MPI_COMM_WORLD, g, h, &options, &form), 0);
  if (form.refused[0]) fail_msg("%s: %s", what, form.refused);
  same_on_all_ranks(what, &form, sizeof form);
  return form;
}

static void form_against_lapack(void **state)
{
  (void)state;
  const Named large[] = {
      {"blocks", {.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = 300, .blocks = 3, .degree_in = 20, .degree_out = 1, .seed = 3}},
      {"geometric", {.kind = GRAPH_GEOMETRIC, .nodes = 300, .degree = 16, .seed = 2, .keep = KEEP_LARGEST}},
      {"grid", {.kind = GRAPH_GRID_2D, .width = 18, .height = 17}},
      {"barbell", {.kind = GRAPH_BARBELL, .clique_size = 120, .bridges = 3}}};
  Rng rng = rng_start(1, 0, RNG_GRAPH);
  for (int f = 0; f < 4; f++) {
    for (int weighted = 0; weighted < 2; weighted++) {
      Graph   *g         = graph_of(&large[f], weighted ? WEIGHTS_EXPONENTIAL : WEIGHTS_UNIT);
      Graph   *h         = subgraph(g, &rng, 0.7, weighted);
      int64_t *component = calloc((size_t)g->n, sizeof *component);
      double   low, high;
      assert_int_equal(graph_components(g, NULL, component), 1);
      extremes_by_dsygv(g, h, &low, &high);
      const bool cut = graph_components(h, NULL, component) > 1;
      for (int m = 0; m < 2; m++) {
        const QuadraticForm form = form_of(large[f].name, g, h, m ? EIGEN_DENSE : EIGEN_AUTO);
        near(large[f].name, m, form.high, high, 1e-8 * high);
        if (cut)
          assert_true(form.low == 0);
        else
          near(large[f].name, m, form.low, low, 1e-8 * low + 1e-13 * high);
        if (!weighted && form.high > 1 + 1e-12) fail_msg("%s: a subgraph reaches %.17g > 1", large[f].name, form.high);
      }
      free(component);
      graph_destroy(&g);
      graph_destroy(&h);
    }
  }
}

/* H = G: 1, 1. H = 3 G: 3, 3. Component by component; H without edges: 0, 0. */
static void form_of_multiples(void **state)
{
  (void)state;
  const Named        grid = {"grid", {.kind = GRAPH_GRID_2D, .width = 20, .height = 20}}, path = {"path", {.kind = GRAPH_PATH, .nodes = 2}};
  Graph             *a = graph_of(&grid, WEIGHTS_UNIFORM), *b = graph_of(&path, WEIGHTS_UNIFORM), *h = NULL, *empty = NULL;
  const Graph *const parts[] = {b, a, b};
  Graph             *g       = union_of(3, parts, 2);
  QuadraticForm      form    = form_of("itself", g, g, EIGEN_AUTO);
  near("itself", 0, form.low, 1, 1e-10);
  near("itself", 1, form.high, 1, 1e-10);
  double *w = calloc((size_t)g->m, sizeof *w);
  for (int64_t e = 0; e < g->m; e++) w[e] = 3 * g->weight[e];
  w[0] = 5 * g->weight[0]; /* the first component by itself */
  assert_int_equal(graph_create(g->n, g->m, g->u, g->v, w, &h), 0);
  form = form_of("multiple", g, h, EIGEN_AUTO);
  near("multiple", 0, form.low, 3, 1e-9);
  near("multiple", 1, form.high, 5, 1e-9);
  assert_int_equal(graph_create(g->n, 0, NULL, NULL, NULL, &empty), 0);
  form = form_of("nothing", g, empty, EIGEN_AUTO);
  assert_true(form.low == 0 && form.high == 0);
  form = form_of("no edges in either", empty, empty, EIGEN_AUTO);
  assert_true(form.low == 1 && form.high == 1);
  const EigenOptions options = {.method = EIGEN_AUTO};
  assert_int_equal(spectrum_quadratic_form(MPI_COMM_WORLD, empty, g, &options, &form), 0);
  assert_non_null(strstr(form.refused, "join components"));
  const EigenOptions tight = {.method = EIGEN_AUTO, .memory_limit = 1e4};
  assert_int_equal(spectrum_quadratic_form(MPI_COMM_WORLD, g, h, &tight, &form), 0);
  assert_non_null(strstr(form.refused, "memory"));
  free(w);
  graph_destroy(&a);
  graph_destroy(&b);
  graph_destroy(&g);
  graph_destroy(&h);
  graph_destroy(&empty);
}

/* A cycle less one edge e: x^T L_H x / x^T L_G x is 1 - w_e R_e at the least, as the drop has rank one; R_e = (n - 1) / n. The low value is
 * small beside 1 and must be right relative to itself. */
static void form_of_a_cut_cycle(void **state)
{
  (void)state;
  const Named         cycle = {"cycle", {.kind = GRAPH_CYCLE, .nodes = 5000}}, path = {"path", {.kind = GRAPH_PATH, .nodes = 5000}};
  Graph              *g = graph_of(&cycle, WEIGHTS_UNIT), *h = graph_of(&path, WEIGHTS_UNIT);
  const QuadraticForm form = form_of("cut cycle", g, h, EIGEN_AUTO);
  near("cut cycle", 0, form.low, 1.0 / 5000, 1e-8 / 5000);
  near("cut cycle", 1, form.high, 1, 1e-12);
  graph_destroy(&g);
  graph_destroy(&h);
}

/* One edge less: eigenvalues interlace, and the form's extremes bound every ratio of eigenvalues (Courant and Fischer). */
static void form_bounds_the_spectra(void **state)
{
  (void)state;
  double a[256], b[256];
  Rng    rng = rng_start(2, 0, RNG_GRAPH);
  for (int f = 0; f < FAMILIES; f++) {
    Graph              *g = graph_of(&families[f], WEIGHTS_UNIFORM), *h = subgraph(g, &rng, 0.8, true);
    const QuadraticForm form = form_of(families[f].name, g, h, EIGEN_AUTO);
    assert_int_equal(spectrum_dense(g, NULL, a), 0);
    assert_int_equal(spectrum_dense(h, NULL, b), 0);
    for (int64_t i = 0; i < g->n; i++)
      if (b[i] > form.high * a[i] + 1e-10 || b[i] < form.low * a[i] - 1e-10)
        fail_msg("%s: eigenvalue %lld: %g to %g, outside %g .. %g", families[f].name, (long long)i, a[i], b[i], form.low, form.high);
    graph_destroy(&g);
    graph_destroy(&h);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(density_of_families),     cmocka_unit_test(density_of_a_large_cycle), cmocka_unit_test(density_of_odd_requests),
      cmocka_unit_test(form_against_lapack),     cmocka_unit_test(form_of_multiples),        cmocka_unit_test(form_of_a_cut_cycle),
      cmocka_unit_test(form_bounds_the_spectra),
  };
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0); /* more ranks than cores */
  if (SlepcInitialize(&argc, &argv, NULL, NULL)) return 1;
  const int failed = cmocka_run_group_tests_name("spectrum_sums", tests, NULL, NULL);
  return SlepcFinalize() ? 1 : failed;
}
