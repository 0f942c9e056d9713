/* SPDX-License-Identifier: BSD-2-Clause
 * Exact effective resistances against the dense method on generated families, closed forms, relabelling, Rayleigh's monotonicity; pairs
 * that are no edges; refusals; the predicted memory against a child's peak. Runs on one and on several ranks. */
#include <fcntl.h>
#include <malloc.h>
#include <math.h>
#include <mpi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "graph/resistance_methods.h"
#include "memory.h"
#include "rng.h"

/* The sanitizer's shadow and red zones are no memory of ours. */
#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

#define COMM MPI_COMM_WORLD

typedef struct Family {
  const char *name;
  GraphSpec   spec;
} Family;

#define LARGEST .keep = KEEP_LARGEST, .seed = 5
static const Family families[] = {
    {"path of 2", {.kind = GRAPH_PATH, .nodes = 2, LARGEST}},
    {"path", {.kind = GRAPH_PATH, .nodes = 60, LARGEST}},
    {"cycle", {.kind = GRAPH_CYCLE, .nodes = 61, LARGEST}},
    {"complete", {.kind = GRAPH_COMPLETE, .nodes = 24, LARGEST}},
    {"hypercube", {.kind = GRAPH_HYPERCUBE, .dimension = 7, LARGEST}},
    {"grid", {.kind = GRAPH_GRID_2D, .width = 23, .height = 17, LARGEST}},
    {"grid 3-D", {.kind = GRAPH_GRID_3D, .width = 6, .height = 7, .depth = 8, LARGEST}},
    {"torus", {.kind = GRAPH_TORUS, .width = 12, .height = 15, LARGEST}},
    {"barbell", {.kind = GRAPH_BARBELL, .clique_size = 20, .bridges = 1, LARGEST}},
    {"chain", {.kind = GRAPH_CHAIN, .clique_size = 8, .cliques = 6, .bridges = 2, LARGEST}},
    {"Erdos-Renyi", {.kind = GRAPH_ERDOS_RENYI, .nodes = 400, .degree = 3, LARGEST}},
    {"blocks", {.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = 300, .blocks = 4, .degree_in = 6, .degree_out = 1, LARGEST}},
    {"Watts-Strogatz", {.kind = GRAPH_WATTS_STROGATZ, .nodes = 300, .degree = 4, .rewire = 0.1, LARGEST}},
    {"Barabasi-Albert", {.kind = GRAPH_BARABASI_ALBERT, .nodes = 300, .degree = 3, LARGEST}},
    {"tree", {.kind = GRAPH_BARABASI_ALBERT, .nodes = 300, .degree = 1, LARGEST}},
    {"geometric", {.kind = GRAPH_GEOMETRIC, .nodes = 400, .degree = 8, LARGEST}},
    {"RMAT", {.kind = GRAPH_RMAT, .scale = 9, .edge_factor = 6, .rmat_a = 0.57, .rmat_b = 0.19, .rmat_c = 0.19, LARGEST}},
};
enum { FAMILIES = sizeof families / sizeof families[0] };

static Graph *build(const Family *f)
{
  Graph      *g;
  int64_t    *id;
  GraphReport report;
  GraphErrors errors = {0};
  assert_int_equal(graph_source_build(&f->spec, &g, &id, &report, &errors), 0);
  assert_non_null(g);
  PetscFree(id);
  return g;
}

/* Log-uniform weights between 1 and ratio. */
static void weigh(Graph *g, double ratio)
{
  Rng r = rng_start(11, 12, 13);
  if (ratio == 1) return;
  if (!g->weight) assert_int_equal(PetscMalloc1((size_t)g->m, &g->weight), 0);
  for (int64_t e = 0; e < g->m; e++) g->weight[e] = pow(ratio, rng_uniform(&r));
}

static void near(const char *what, const char *name, double got, double expected, double tolerance)
{
  if (!(fabs(got - expected) <= tolerance * fabs(expected)))
    fail_msg("%s of %s: expected %.17g, got %.17g, relative tolerance %g", what, name, expected, got, tolerance);
}

static double *exact(const char *name, const Graph *g, int64_t n_pairs, const int64_t *u, const int64_t *v)
{
  double                 *r       = mem_calloc((size_t)n_pairs + 1, sizeof(double));
  const ResistanceOptions options = {0};
  ResistanceStats         stats   = {0};
  for (int64_t k = 0; k < n_pairs; k++) r[k] = NAN;
  assert_int_equal(resistance_exact(COMM, g, n_pairs, u, v, &options, &stats, r), 0);
  if (stats.refused[0]) fail_msg("%s: expected an answer, got the refusal '%s'", name, stats.refused);
  return r;
}

/* What double precision can hold: R is a difference of entries of Z that are up to cond larger. */
static double tolerance_of(double ratio) { return ratio > 1e5 ? 1e-9 : 1e-11; }

static void test_families(void **state)
{
  (void)state;
  static const double ratio[] = {1, 10, 1e6};
  for (int f = 0; f < FAMILIES; f++)
    for (int w = 0; w < 3; w++) {
      Graph *g = build(&families[f]);
      weigh(g, ratio[w]);
      double *got = exact(families[f].name, g, g->m, NULL, NULL), *expected = mem_calloc((size_t)g->m, sizeof(double));
      assert_int_equal(resistance_edges(g, expected), 0);
      for (int64_t e = 0; e < g->m; e++) near("resistance", families[f].name, got[e], expected[e], tolerance_of(ratio[w]));
      const double foster = resistance_foster_error(g, got);
      if (!(foster <= 1e-11 * ratio[w])) fail_msg("Foster of %s: expected 0, got %g", families[f].name, foster);
      free(got);
      free(expected);
      graph_destroy(&g);
    }
}

/* Edges and others mixed, repeated, both ways round, the ground among them; and one source against all, which is one solve. */
static void test_pairs(void **state)
{
  (void)state;
  for (int f = 1; f < FAMILIES; f++) {
    Graph *g = build(&families[f]);
    weigh(g, 10);
    const int64_t n = 4 * g->n;
    int64_t      *u = mem_calloc((size_t)n, sizeof *u), *v = mem_calloc((size_t)n, sizeof *v);
    Rng           r = rng_start(1, 2, 3);
    for (int64_t k = 0; k < n; k++) {
      u[k] = k < g->n ? 1 : rng_below(&r, (uint32_t)g->n);
      v[k] = k < g->n ? k : rng_below(&r, (uint32_t)g->n);
      if (k % 7 == 0 && k >= g->n) {
        u[k] = g->v[k % g->m];
        v[k] = g->u[k % g->m];
      }
      if (u[k] == v[k]) v[k] = (u[k] + 1) % g->n;
    }
    double *got = exact(families[f].name, g, n, u, v), *expected = mem_calloc((size_t)n, sizeof(double));
    assert_int_equal(resistance_dense(g, n, u, v, expected), 0);
    for (int64_t k = 0; k < n; k++) near("pair", families[f].name, got[k], expected[k], 1e-11);
    free(got);
    free(expected);
    free(u);
    free(v);
    graph_destroy(&g);
  }
}

/* Vertices permuted and edges shuffled. */
static void test_relabelled(void **state)
{
  (void)state;
  for (int f = 1; f < FAMILIES; f++) {
    Graph *g = build(&families[f]), *h = NULL;
    weigh(g, 10);
    int64_t *name = mem_calloc((size_t)g->n, sizeof *name), *at = mem_calloc((size_t)g->m, sizeof *at);
    int64_t *u = mem_calloc((size_t)g->m, sizeof *u), *v = mem_calloc((size_t)g->m, sizeof *v);
    double  *w = mem_calloc((size_t)g->m, sizeof *w);
    Rng      r = rng_start(21, 2, 3);
    for (int64_t i = 0; i < g->n; i++) {
      const int64_t j = rng_below(&r, (uint32_t)i + 1);
      name[i]         = name[j];
      name[j]         = i;
    }
    for (int64_t i = 0; i < g->m; i++) {
      const int64_t j = rng_below(&r, (uint32_t)i + 1);
      at[i]           = at[j];
      at[j]           = i;
    }
    for (int64_t k = 0; k < g->m; k++) {
      u[k] = name[g->u[at[k]]];
      v[k] = name[g->v[at[k]]];
      w[k] = graph_weight(g, at[k]);
    }
    assert_int_equal(graph_create(g->n, g->m, u, v, w, &h), 0);
    double *a = exact(families[f].name, g, g->m, NULL, NULL), *b = exact(families[f].name, h, h->m, NULL, NULL);
    for (int64_t k = 0; k < g->m; k++) near("relabelled edge", families[f].name, b[k], a[at[k]], 1e-11);
    free(name);
    free(at);
    free(u);
    free(v);
    free(w);
    free(a);
    free(b);
    graph_destroy(&g);
    graph_destroy(&h);
  }
}

/* More conductance anywhere lowers every resistance, or leaves it. */
static void test_rayleigh(void **state)
{
  (void)state;
  for (int f = 1; f < FAMILIES; f++) {
    Graph *g = build(&families[f]);
    weigh(g, 10);
    double *before = exact(families[f].name, g, g->m, NULL, NULL);
    for (int64_t e = 0; e < g->m; e += 5) g->weight[e] *= 2;
    double *after = exact(families[f].name, g, g->m, NULL, NULL);
    for (int64_t e = 0; e < g->m; e++)
      if (!(after[e] <= before[e] * (1 + 1e-12)))
        fail_msg("Rayleigh, %s, edge %lld: expected at most %.17g, got %.17g", families[f].name, (long long)e, before[e], after[e]);
    free(before);
    free(after);
    graph_destroy(&g);
  }
}

/* Series weights 1 to 1e6 in a path: R is 1/w for every edge. The diagonal's rounding, 1e-16 of the larger weight, costs the smaller
 * one's digits. */
static void test_extreme_path(void **state)
{
  (void)state;
  Graph *g = build(&families[1]);
  weigh(g, 1e6);
  double *r     = exact("a path of extreme weights", g, g->m, NULL, NULL);
  double  loose = 0;
  for (int64_t e = 0; e < g->m; e++) loose += 1 / g->weight[e];
  for (int64_t e = 0; e < g->m; e++)
    if (!(fabs(r[e] - 1 / g->weight[e]) <= 1e-10 * loose))
      fail_msg("edge %lld of a path: expected %.17g, got %.17g, tolerance %g", (long long)e, 1 / g->weight[e], r[e], 1e-10 * loose);
  free(r);
  graph_destroy(&g);
}

static void test_no_edges(void **state)
{
  (void)state;
  Graph *g = NULL;
  assert_int_equal(graph_create(1, 0, NULL, NULL, NULL, &g), 0);
  free(exact("one vertex", g, 0, NULL, NULL));
  graph_destroy(&g);
}

static void test_refusal(void **state)
{
  (void)state;
  Graph                  *g       = build(&families[5]);
  const ResistanceOptions options = {.memory_limit = 1000};
  ResistanceStats         stats   = {0};
  double                 *r       = mem_calloc((size_t)g->m, sizeof(double)), bytes, seconds;
  r[3]                            = 42;
  assert_int_equal(resistance_exact(COMM, g, g->m, NULL, NULL, &options, &stats, r), 0);
  if (!strstr(stats.refused, "exact needs")) fail_msg("1000 bytes allowed: expected 'exact needs ...', got '%s'", stats.refused);
  near("output after a refusal", "grid", r[3], 42, 0);
  assert_int_equal(resistance_exact_predict(g, &bytes, &seconds), 0);
  int ranks;
  MPI_Comm_size(COMM, &ranks);
  if (ranks == 1) near("predicted bytes", "grid", stats.predicted_bytes, bytes, 0);
  const ResistanceOptions enough = {.memory_limit = 2 * bytes};
  stats                          = (ResistanceStats){0};
  assert_int_equal(resistance_exact(COMM, g, g->m, NULL, NULL, &enough, &stats, r), 0);
  assert_string_equal(stats.refused, "");
  free(r);
  graph_destroy(&g);
}

static bool stop(void *ctx)
{
  ++*(int *)ctx;
  return true;
}

static void test_interrupted(void **state)
{
  (void)state;
  int ranks, calls = 0;
  MPI_Comm_size(COMM, &ranks);
  if (ranks > 1) skip();
  const Family            large   = {"grid", {.kind = GRAPH_GRID_2D, .width = 100, .height = 100}};
  Graph                  *g       = build(&large);
  const Watch             watch   = {.stop = stop, .ctx = &calls};
  const ResistanceOptions options = {.watch = &watch};
  ResistanceStats         stats   = {0};
  double                 *r       = mem_calloc((size_t)g->m, sizeof(double));
  assert_int_equal(resistance_exact(COMM, g, g->m, NULL, NULL, &options, &stats, r), 0);
  assert_string_equal(stats.refused, "interrupted");
  assert_int_equal(calls, 1);
  free(r);
  graph_destroy(&g);
}

/* Bytes in a field of this process's status. */
static double memory_of(const char *field)
{
  char   line[256];
  double kilobytes = 0;
  FILE  *f         = fopen("/proc/self/status", "r");
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, field, strlen(field)) == 0) kilobytes = strtod(line + strlen(field) + 1, NULL);
  if (f) fclose(f);
  return 1024 * kilobytes;
}

/* In a child: ratio of measured to predicted peak growth, sent through a pipe. */
static double memory_ratio(const Family *f)
{
  int    ends[2];
  double ratio = 0;
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    Graph                  *g       = build(f);
    double                 *r       = mem_calloc((size_t)g->m, sizeof(double));
    const ResistanceOptions options = {0};
    ResistanceStats         stats   = {0};
    malloc_trim(0);
    FILE *clear = fopen("/proc/self/clear_refs", "w");
    if (clear) {
      fputs("5", clear);
      fclose(clear);
    }
    const double before = memory_of("VmRSS");
    if (resistance_exact(MPI_COMM_SELF, g, g->m, NULL, NULL, &options, &stats, r)) _exit(1);
    ratio = (memory_of("VmHWM") - before) / stats.predicted_bytes;
    _exit(write(ends[1], &ratio, sizeof ratio) != sizeof ratio);
  }
  close(ends[1]);
  assert_int_equal(read(ends[0], &ratio, sizeof ratio), sizeof ratio);
  close(ends[0]);
  waitpid(child, NULL, 0);
  return ratio;
}

static void test_memory(void **state)
{
  (void)state;
  int ranks;
  MPI_Comm_size(COMM, &ranks);
  if (ranks > 1 || SANITIZED) skip();
  static const Family large[] = {{"grid", {.kind = GRAPH_GRID_2D, .width = 400, .height = 400}},
                                 {"grid 3-D", {.kind = GRAPH_GRID_3D, .width = 24, .height = 24, .depth = 24}},
                                 {"sparse", {.kind = GRAPH_ERDOS_RENYI, .nodes = 10000, .degree = 4, LARGEST}}};
  for (int f = 0; f < 3; f++) {
    const double ratio = memory_ratio(&large[f]);
    if (!(ratio > 0.5 && ratio < 1.1)) fail_msg("%s: peak over prediction: expected 0.5 to 1.1, got %g", large[f].name, ratio);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_families), cmocka_unit_test(test_pairs),        cmocka_unit_test(test_relabelled),
      cmocka_unit_test(test_rayleigh), cmocka_unit_test(test_extreme_path), cmocka_unit_test(test_no_edges),
      cmocka_unit_test(test_refusal),  cmocka_unit_test(test_interrupted),  cmocka_unit_test(test_memory),
  };
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() ? 1 : failed;
}
