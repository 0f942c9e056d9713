/* SPDX-License-Identifier: BSD-2-Clause
 * Effective resistances and Laplacian spectra against closed forms, spanning-tree enumeration and each other; the lane kernels
 * against LAPACK, on all ISA levels of this machine. */
#include "spectrum.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph_features.h"
#include "libraries.h"
#include "resistance.h"
#include "rng.h"

enum { EDGES_MAX = 64 * 63 / 2 };

/* A graph under construction. */
typedef struct Edges {
  int64_t n, m, u[EDGES_MAX], v[EDGES_MAX];
  double  weight[EDGES_MAX];
} Edges;

static void add(Edges *e, int64_t u, int64_t v, double weight)
{
  e->u[e->m]        = u;
  e->v[e->m]        = v;
  e->weight[e->m++] = weight;
}

static Graph *graph_of(const Edges *e)
{
  Graph *g = NULL;
  assert_int_equal(graph_create(e->n, e->m, e->u, e->v, e->weight, &g), 0);
  return g;
}

static void near(const char *what, double got, double expected, double tolerance)
{
  if (!(fabs(got - expected) <= tolerance)) fail_msg("%s: expected %.17g, got %.17g, tolerance %g", what, expected, got, tolerance);
}

static Edges path(int64_t n)
{
  Edges e = {.n = n};
  for (int64_t i = 1; i < n; i++) add(&e, i - 1, i, 1);
  return e;
}

static Edges cycle(int64_t n)
{
  Edges e = path(n);
  add(&e, n - 1, 0, 1);
  return e;
}

static void add_clique(Edges *e, int64_t first, int64_t size)
{
  for (int64_t i = 0; i < size; i++)
    for (int64_t j = i + 1; j < size; j++) add(e, first + i, first + j, 1);
}

static Edges complete(int64_t n)
{
  Edges e = {.n = n};
  add_clique(&e, 0, n);
  return e;
}

static Edges barbell(int64_t size, double bridge)
{
  Edges e = {.n = 2 * size};
  add_clique(&e, 0, size);
  add_clique(&e, size, size);
  add(&e, size - 1, size, bridge);
  return e;
}

static Edges star(int64_t n)
{
  Edges e = {.n = n};
  for (int64_t i = 1; i < n; i++) add(&e, 0, i, 1);
  return e;
}

static Edges hypercube(int dimension)
{
  Edges e = {.n = (int64_t)1 << dimension};
  for (int64_t i = 0; i < e.n; i++)
    for (int b = 0; b < dimension; b++)
      if (!(i >> b & 1)) add(&e, i, i | (int64_t)1 << b, 1);
  return e;
}

/* Each pair with probability p; weight uniform on (0.1, 2) or 1. */
static Edges random_edges(Rng *rng, int64_t n, double p, bool weighted)
{
  Edges e = {.n = n};
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++)
      if (rng_uniform(rng) < p) add(&e, i, j, weighted ? 0.1 + 1.9 * rng_uniform(rng) : 1);
  return e;
}

/* --- resistances --- */

/* Resistances of all edges, and Foster's theorem on the way. */
static void resistances(const Edges *e, double *r)
{
  Graph *g = graph_of(e);
  assert_int_equal(resistance_edges(g, r), 0);
  near("Foster", resistance_foster_error(g, r), 0, 1e-12);
  graph_destroy(&g);
}

static void all_resistances_are(const char *what, Edges e, double expected)
{
  static double r[EDGES_MAX];
  resistances(&e, r);
  for (int64_t i = 0; i < e.m; i++) near(what, r[i], expected, 1e-13);
}

static void resistance_closed_forms(void **state)
{
  (void)state;
  for (int64_t n = 2; n <= 40; n += 19) {
    all_resistances_are("path", path(n), 1);
    all_resistances_are("star", star(n), 1);
    all_resistances_are("complete", complete(n), 2.0 / (double)n);
  }
  for (int64_t n = 3; n <= 40; n += 11) all_resistances_are("cycle", cycle(n), (double)(n - 1) / (double)n);
  for (int d = 1; d <= 5; d++) /* all edges are equivalent: Foster gives (n - 1)/m */
    all_resistances_are("hypercube", hypercube(d), (double)((1 << d) - 1) / (d * (double)(1 << (d - 1))));
}

static void resistance_of_bridges_is_one_over_weight(void **state)
{
  (void)state;
  static double r[EDGES_MAX];
  const double  weights[] = {1, 0.05, 7, 1e-3, 1e4};
  for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
    const Edges e = barbell(8, weights[i]);
    resistances(&e, r);
    near("bridge", r[e.m - 1] * weights[i], 1, 1e-10);
    for (int64_t k = 0; k < e.m - 1; k++) near("clique edge", r[k], 0.25, 1e-10);
  }
}

static void resistance_in_series_and_parallel(void **state)
{
  (void)state;
  double       r[3];
  const double a = 2, b = 3, c = 0.5;
  Edges        e = {.n = 3};
  add(&e, 0, 1, a);
  add(&e, 1, 2, b);
  add(&e, 0, 2, c);
  resistances(&e, r);
  near("a | b + c", r[0], 1 / (a + b * c / (b + c)), 1e-14);
  near("b | a + c", r[1], 1 / (b + a * c / (a + c)), 1e-14);
  near("c | a + b", r[2], 1 / (c + a * b / (a + b)), 1e-14);
}

/* w_e R_e is the share, by weight, of the spanning trees that contain e (Kirchhoff). */
static void resistance_against_spanning_trees(void **state)
{
  (void)state;
  Rng    rng = rng_start(11, 0, RNG_GRAPH);
  double r[16];
  for (int round = 0; round < 10; round++) {
    Edges e;
    do e = random_edges(&rng, 5, 0.8, true);
    while (e.m < 4);
    Graph  *g     = graph_of(&e);
    double  total = 0, with[16] = {0};
    int64_t component[5];
    for (uint32_t set = 0; set < 1u << e.m; set++) {
      uint8_t keep[16];
      double  product = 1;
      if (__builtin_popcount(set) != 4) continue;
      for (int i = 0; i < e.m; i++) keep[i] = set >> i & 1;
      if (graph_components(g, keep, component) != 1) continue;
      for (int i = 0; i < e.m; i++) product *= keep[i] ? e.weight[i] : 1;
      total += product;
      for (int i = 0; i < e.m; i++) with[i] += keep[i] ? product : 0;
    }
    assert_int_equal(resistance_edges(g, r), 0);
    for (int i = 0; total > 0 && i < e.m; i++) near("tree share", r[i] * e.weight[i], with[i] / total, 1e-13);
    graph_destroy(&g);
  }
}

/* A union of graphs has the resistances of its parts, whatever the order of the vertices. */
static void resistance_by_component(void **state)
{
  (void)state;
  static double r[EDGES_MAX];
  Edges         e = {.n = 16}; /* vertices 13, 14, 15 are isolated, even ones a K_7, odd ones to 11 a path */
  for (int64_t i = 0; i < 13; i += 2)
    for (int64_t j = i + 2; j < 13; j += 2) add(&e, j, i, 1);
  const int64_t in_clique = e.m;
  for (int64_t i = 1; i + 2 < 12; i += 2) add(&e, i, i + 2, 0.25);
  resistances(&e, r);
  for (int64_t i = 0; i < e.m; i++) near("part", r[i], i < in_clique ? 2.0 / 7 : 4, 1e-13);
  const Edges empty = {.n = 5};
  resistances(&empty, r);
  Rng rng = rng_start(5, 0, RNG_GRAPH);
  for (int round = 0; round < 20; round++) {
    const Edges any = random_edges(&rng, 2 + round * 3, 0.05 + 0.03 * round, true);
    resistances(&any, r);
  }
}

static void resistance_methods(void **state)
{
  (void)state;
  double r;
  for (int i = 0; resistance_method_names[i]; i++) {
    assert_string_equal(resistance_method_get(i)->name, resistance_method_names[i]);
    assert_int_equal(resistance_method_get(i)->id, i);
    assert_ptr_equal(resistance_method_find(resistance_method_names[i]), resistance_method_get(i));
  }
  assert_null(resistance_method_get(RESISTANCE_SOLVE + 1));
  assert_null(resistance_method_get(-1));
  assert_null(resistance_method_find("Dense"));
  Graph *g = NULL;
  assert_int_equal(graph_create(20001, 1, (int64_t[]){0}, (int64_t[]){1}, NULL, &g), 0);
  assert_int_equal(PetscPushErrorHandler(PetscReturnErrorHandler, NULL), 0);
  assert_int_equal(resistance_edges(g, &r), PETSC_ERR_ARG_OUTOFRANGE);
  assert_int_equal(PetscPopErrorHandler(), 0);
  graph_destroy(&g);
}

/* --- spectra --- */

static int ascending(const void *a, const void *b)
{
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static void spectrum_is(const char *what, Edges e, double *expected)
{
  double got[64], lambda2;
  Graph *g = graph_of(&e);
  qsort(expected, (size_t)e.n, sizeof *expected, ascending);
  assert_int_equal(spectrum_dense(g, NULL, got), 0);
  for (int64_t i = 0; i < e.n; i++) near(what, got[i], expected[i], 1e-13 * (double)e.n);
  assert_int_equal(spectrum_lambda2(g, NULL, &lambda2), 0);
  near(what, lambda2, expected[1], 1e-13 * (double)e.n);
  graph_destroy(&g);
}

static void spectra_closed_forms(void **state)
{
  (void)state;
  double x[64];
  for (int n = 3; n <= 64; n += 61) {
    for (int k = 0; k < n; k++) x[k] = 2 - 2 * cos(M_PI * k / n);
    spectrum_is("path", path(n), x);
    for (int k = 0; k < n; k++) x[k] = 2 - 2 * cos(2 * M_PI * k / n);
    spectrum_is("cycle", cycle(n), x);
    for (int k = 0; k < n; k++) x[k] = k ? n : 0;
    spectrum_is("complete", complete(n), x);
    for (int k = 0; k < n; k++) x[k] = k == 0 ? 0 : k == 1 ? n : 1;
    spectrum_is("star", star(n), x);
  }
  for (int d = 1; d <= 6; d++) {
    for (int i = 0; i < 1 << d; i++) x[i] = 2 * __builtin_popcount((unsigned)i);
    spectrum_is("hypercube", hypercube(d), x);
  }
}

/* Antisymmetric vectors, constant on each clique's plain vertices: l^2 - (s + 2) l + 2 = 0. */
static double barbell_lambda2(double s) { return 4 / (s + 2 + sqrt((s + 2) * (s + 2) - 8)); }

static void lambda2_of_barbells_and_parts(void **state)
{
  (void)state;
  double  lambda2;
  uint8_t keep[EDGES_MAX];
  for (int size = 2; size <= 20; size += 3) {
    const Edges e = barbell(size, 1);
    Graph      *g = graph_of(&e);
    assert_int_equal(spectrum_lambda2(g, NULL, &lambda2), 0);
    near("barbell", lambda2, barbell_lambda2(size), 1e-13 * size);
    memset(keep, 1, sizeof keep);
    keep[e.m - 1] = 0;
    assert_int_equal(spectrum_lambda2(g, keep, &lambda2), 0);
    assert_true(lambda2 == 0);
    graph_destroy(&g);
  }
  const Edges one = {.n = 1};
  Graph      *g   = graph_of(&one);
  lambda2         = 5;
  assert_int_equal(spectrum_lambda2(g, NULL, &lambda2), 0);
  assert_true(lambda2 == 0);
  graph_destroy(&g);
}

/* Dropping edges by `keep` is the same as never having had them; all weights w scale the spectrum by w. */
static void spectrum_of_kept_edges(void **state)
{
  (void)state;
  Rng         rng   = rng_start(3, 0, RNG_GRAPH);
  const Edges whole = random_edges(&rng, 20, 0.4, true);
  Edges       part  = {.n = whole.n};
  uint8_t     keep[EDGES_MAX];
  double      a[20], b[20];
  for (int64_t e = 0; e < whole.m; e++) {
    keep[e] = (uint8_t)(rng_below(&rng, 3) > 0);
    if (keep[e]) add(&part, whole.u[e], whole.v[e], 3 * whole.weight[e]);
  }
  Graph *g = graph_of(&whole), *h = graph_of(&part);
  assert_int_equal(spectrum_dense(g, keep, a), 0);
  assert_int_equal(spectrum_dense(h, NULL, b), 0);
  for (int i = 0; i < 20; i++) near("kept", 3 * a[i], b[i], 1e-12);
  graph_destroy(&g);
  graph_destroy(&h);
}

/* --- eight lanes --- */

typedef struct Lanes {
  uint64_t adjacency[LAMBDA2_VERTICES_MAX * LAMBDA2_LANES];
} Lanes;

static void put(Lanes *lanes, int lane, const Edges *e)
{
  for (int64_t i = 0; i < e->n; i++) lanes->adjacency[i * LAMBDA2_LANES + lane] = 0;
  for (int64_t k = 0; k < e->m; k++) {
    lanes->adjacency[e->u[k] * LAMBDA2_LANES + lane] |= UINT64_C(1) << e->v[k];
    lanes->adjacency[e->v[k] * LAMBDA2_LANES + lane] |= UINT64_C(1) << e->u[k];
  }
}

static Edges random_connected(Rng *rng, int64_t n)
{
  int64_t component[64];
  for (double p = rng_uniform(rng);; p = fmin(1, 1.2 * p)) {
    const Edges   e     = random_edges(rng, n, p, false);
    Graph        *g     = graph_of(&e);
    const int64_t count = graph_components(g, NULL, component);
    graph_destroy(&g);
    if (count == 1) return e;
  }
}

/* All levels of this machine; they must agree to the bit. */
static void solve(int n, const Lanes *lanes, double *lambda2)
{
  double other[LAMBDA2_LANES];
  lambda2_lanes(ISA_BASE, n, lanes->adjacency, lambda2);
  for (int level = ISA_BASE + 1; level <= (int)isa_level(); level++) {
    lambda2_lanes((IsaLevel)level, n, lanes->adjacency, other);
    for (int l = 0; l < LAMBDA2_LANES; l++)
      if (memcmp(&other[l], &lambda2[l], sizeof(double)))
        fail_msg("n = %d, lane %d: %s gives %.17g, base %.17g", n, l, isa_name((IsaLevel)level), other[l], lambda2[l]);
  }
}

static void lanes_against_lapack(void **state)
{
  (void)state;
  Rng rng = rng_start(7, 0, RNG_GRAPH);
  for (int n = 2; n <= LAMBDA2_VERTICES_MAX; n++) {
    Lanes  lanes;
    Edges  e[LAMBDA2_LANES];
    double got[LAMBDA2_LANES], expected;
    for (int l = 0; l < LAMBDA2_LANES; l++) {
      e[l] = random_connected(&rng, n);
      put(&lanes, l, &e[l]);
    }
    solve(n, &lanes, got);
    for (int l = 0; l < LAMBDA2_LANES; l++) {
      Graph *g = graph_of(&e[l]);
      assert_int_equal(spectrum_lambda2(g, NULL, &expected), 0);
      near("lane", got[l], expected, 1e-12 * n);
      graph_destroy(&g);
    }
  }
}

/* Simple, double, triple and (n - 1)-fold lambda2 side by side. */
static void lanes_against_closed_forms(void **state)
{
  (void)state;
  for (int n = 4; n <= 64; n += 2) {
    Lanes        lanes;
    double       got[LAMBDA2_LANES];
    const Edges  graph[]    = {path(n), cycle(n), complete(n), star(n), barbell(n / 2, 1)};
    const char  *name[]     = {"path", "cycle", "complete", "star", "barbell"};
    const double expected[] = {4 * pow(sin(M_PI / 2 / n), 2), 4 * pow(sin(M_PI / n), 2), n, 1, barbell_lambda2(n / 2)};
    for (int l = 0; l < LAMBDA2_LANES; l++) put(&lanes, l, &graph[l % 5]);
    solve(n, &lanes, got);
    for (int l = 0; l < LAMBDA2_LANES; l++) near(name[l % 5], got[l], expected[l % 5], 1e-12 * n);
  }
  for (int d = 1; d <= 6; d++) {
    Lanes       lanes;
    double      got[LAMBDA2_LANES];
    const Edges e = hypercube(d);
    for (int l = 0; l < LAMBDA2_LANES; l++) put(&lanes, l, &e);
    solve(1 << d, &lanes, got);
    for (int l = 0; l < LAMBDA2_LANES; l++) near("hypercube", got[l], 2, 1e-12 * (1 << d));
  }
}

/* Equal legs at one hub have a multiple lambda2; one bond more in one leg splits the cluster by a little. */
static void lanes_with_clusters(void **state)
{
  (void)state;
  for (int arms = 2; arms <= 9; arms++) { /* a spider: `arms` equal legs of length 7 have an (arms - 1)-fold lambda2 */
    Lanes  lanes;
    Edges  spider = {.n = 7 * arms + 1};
    double got[LAMBDA2_LANES];
    for (int a = 0; a < arms; a++)
      for (int i = 0; i < 7; i++) add(&spider, i ? 7 * a + i : 0, 7 * a + i + 1, 1);
    Edges uneven = spider;
    add(&uneven, 1, 3, 1);
    put(&lanes, 0, &spider);
    for (int l = 1; l < LAMBDA2_LANES; l++) put(&lanes, l, &uneven);
    solve((int)spider.n, &lanes, got);
    near("spider", got[0], 4 * pow(sin(M_PI / 30), 2), 1e-12 * (double)spider.n); /* a leg is half a path, zero at the hub */
    Graph *g = graph_of(&uneven);
    double expected;
    assert_int_equal(spectrum_lambda2(g, NULL, &expected), 0);
    near("uneven spider", got[1], expected, 1e-12 * (double)spider.n);
    graph_destroy(&g);
  }
}

/* A graph gives the same bits in any lane beside any neighbours. */
static void lanes_do_not_mix(void **state)
{
  (void)state;
  Rng rng = rng_start(9, 0, RNG_GRAPH);
  for (int n = 3; n <= 48; n += 15) {
    Lanes       lanes;
    double      first[LAMBDA2_LANES], got[LAMBDA2_LANES];
    const Edges e = random_connected(&rng, n), slow = cycle(n);
    for (int l = 0; l < LAMBDA2_LANES; l++) put(&lanes, l, &e);
    solve(n, &lanes, first);
    for (int l = 0; l < LAMBDA2_LANES; l++) {
      for (int k = 0; k < LAMBDA2_LANES; k++) {
        const Edges neighbour = k % 2 ? slow : random_connected(&rng, n);
        put(&lanes, k, k == l ? &e : &neighbour);
      }
      solve(n, &lanes, got);
      assert_memory_equal(&got[l], &first[0], sizeof(double));
    }
  }
}

/* --- eight histograms --- */

enum { SHIFTS = 2 * LAMBDA2_VERTICES_MAX + 23 };

/* Eigenvalues of lane l by LAPACK. */
static void normalised_spectrum(int n, const Lanes *lanes, int l, double *value)
{
  uint64_t adjacency[LAMBDA2_VERTICES_MAX];
  double  *work = malloc((size_t)masks_spectrum_work(n) * sizeof *work);
  for (int i = 0; i < n; i++) adjacency[i] = lanes->adjacency[i * LAMBDA2_LANES + l];
  assert_int_equal(masks_spectrum(n, adjacency, true, value, NULL, work), 0);
  free(work);
}

static int below(int n, const double *value, double shift)
{
  int count = 0;
  for (int k = 0; k < n; k++) count += value[k] < shift;
  return count;
}

/* At shifts close to eigenvalues of lane 0 and at some others, any number of them. */
static void check_counts(int n, const Lanes *lanes, int m)
{
  const double tolerance = 1e-14 * n;
  double       value[LAMBDA2_LANES][LAMBDA2_VERTICES_MAX], shift[SHIFTS];
  uint8_t      got[SHIFTS][LAMBDA2_LANES], other[SHIFTS][LAMBDA2_LANES];
  for (int l = 0; l < LAMBDA2_LANES; l++) normalised_spectrum(n, lanes, l, value[l]);
  for (int k = 0; k < m; k++) shift[k] = k < 2 * n ? value[0][k / 2] + (k % 2 ? 1.5 : -1.5) * tolerance : -0.1 + 0.1 * (k - 2 * n);
  qsort(shift, (size_t)m, sizeof *shift, ascending);
  normalised_counts_lanes(ISA_BASE, n, lanes->adjacency, m, shift, got[0]);
  for (int level = ISA_V3; level <= (int)isa_level(); level++) {
    normalised_counts_lanes((IsaLevel)level, n, lanes->adjacency, m, shift, other[0]);
    assert_memory_equal(got, other, (size_t)m * LAMBDA2_LANES);
  }
  for (int k = 0; k < m; k++)
    for (int l = 0; l < LAMBDA2_LANES; l++) {
      const int least = below(n, value[l], shift[k] - tolerance), most = below(n, value[l], shift[k] + tolerance);
      if (got[k][l] < least || got[k][l] > most)
        fail_msg("n=%d lane %d below %.17g: expected %d to %d, got %d", n, l, shift[k], least, most, got[k][l]);
    }
}

static void histograms_against_lapack(void **state)
{
  (void)state;
  Rng r = rng_start(12, 0, RNG_METRIC);
  for (int n = 1; n <= LAMBDA2_VERTICES_MAX; n++) {
    Lanes lanes;
    for (int l = 0; l < LAMBDA2_LANES; l++) {
      Edges e = {.n = n}; /* l = 1: none; 2: all; 3: bipartite, 4: about half of the vertices isolated */
      for (int64_t v = 1; v < n; v++)
        for (int64_t u = 0; u < v; u++)
          if (l == 2 || (l == 3 && u % 2 != v % 2) || (l == 4 && u % 2 + v % 2 == 0) || (l > 4 && rng_uniform(&r) < 0.15 * (l - 4)) ||
              (l == 0 && rng_uniform(&r) < 3.0 / n))
            add(&e, u, v, 1);
      put(&lanes, l, &e);
    }
    check_counts(n, &lanes, 2 * n + n % 24);
    check_counts(n, &lanes, 1 + n % 7);
  }
}

static void versions_are_those_of_the_headers(void **state)
{
  (void)state;
  char text[256], expected[32];
  snprintf(expected, sizeof expected, "%d.%d.%d", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, PETSC_VERSION_SUBMINOR);
  libraries_petsc(text, sizeof text);
  assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
  libraries_slepc(text, sizeof text);
  assert_true(text[0] >= '1' && text[0] <= '9' && strchr(text, '.'));
  assert_true(libraries_agree());
  libraries_blas(text, sizeof text);
  assert_non_null(strstr(text, "OpenBLAS"));
  libraries_blas_core(text, sizeof text);
  assert_true(strlen(text) > 0);
  libraries_blas_core(text, 3);
  assert_int_equal(strlen(text), 2);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resistance_closed_forms),
      cmocka_unit_test(resistance_of_bridges_is_one_over_weight),
      cmocka_unit_test(resistance_in_series_and_parallel),
      cmocka_unit_test(resistance_against_spanning_trees),
      cmocka_unit_test(resistance_by_component),
      cmocka_unit_test(resistance_methods),
      cmocka_unit_test(spectra_closed_forms),
      cmocka_unit_test(lambda2_of_barbells_and_parts),
      cmocka_unit_test(spectrum_of_kept_edges),
      cmocka_unit_test(lanes_against_lapack),
      cmocka_unit_test(lanes_against_closed_forms),
      cmocka_unit_test(lanes_with_clusters),
      cmocka_unit_test(lanes_do_not_mix),
      cmocka_unit_test(histograms_against_lapack),
      cmocka_unit_test(versions_are_those_of_the_headers),
  };
  return cmocka_run_group_tests_name("spectrum", tests, NULL, NULL);
}
