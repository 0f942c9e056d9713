/* SPDX-License-Identifier: BSD-2-Clause
 * Exact resistances by nested dissection on several ranks: against LAPACK's dense ones on families of graphs, weighted and not, with fewer
 * vertices than ranks too; the same on every number of ranks to rounding, and bit by bit when repeated; Foster's theorem on a grid; memory
 * and interruption refused on all ranks alike. Every communicator of the first 1, 2, ... ranks is tried. */
#include "graph/resistance_nested.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rng.h"

enum { FAMILIES = 18, EDGES_MAX = 40000 };

static int rank, ranks;

/* A graph under construction. */
typedef struct Edges {
  int64_t n, m, u[EDGES_MAX], v[EDGES_MAX];
  double  weight[EDGES_MAX];
} Edges;

static void join(Edges *e, int64_t u, int64_t v)
{
  assert_true(e->m < EDGES_MAX);
  e->u[e->m]        = u;
  e->v[e->m]        = v;
  e->weight[e->m++] = 1;
}

static void grid(Edges *e, int64_t width, int64_t height)
{
  e->n = width * height;
  for (int64_t i = 0; i < e->n; i++) {
    if (i % width + 1 < width) join(e, i, i + 1);
    if (i + width < e->n) join(e, i, i + width);
  }
}

/* Points of the unit square, each joined to the nearest earlier one (a tree), and further pairs within the radius with probability p. */
static void random_edges(Edges *e, int64_t n, double p, double radius, Rng *r)
{
  double x[600], y[600];
  e->n = n;
  for (int64_t i = 0; i < n; i++) {
    x[i] = rng_uniform(r);
    y[i] = rng_uniform(r);
  }
  for (int64_t j = 1; j < n; j++) {
    int64_t parent = 0;
    for (int64_t i = 0; i < j; i++)
      if (hypot(x[i] - x[j], y[i] - y[j]) < hypot(x[parent] - x[j], y[parent] - y[j])) parent = i;
    for (int64_t i = 0; i < j; i++)
      if (i == parent || (hypot(x[i] - x[j], y[i] - y[j]) < radius && rng_uniform(r) < p)) join(e, i, j);
  }
}

static void clique(Edges *e, int64_t first, int64_t size)
{
  for (int64_t i = first; i < first + size; i++)
    for (int64_t j = i + 1; j < first + size; j++) join(e, i, j);
}

static const char *build(int family, Edges *e)
{
  Rng r = rng_start(20, (uint32_t)family, RNG_GRAPH);
  memset(e, 0, sizeof *e);
  switch (family) {
  case 0: e->n = 1; return "one vertex";
  case 1:
    e->n = 2;
    join(e, 0, 1);
    return "one edge";
  case 2:
    e->n = 5;
    for (int64_t i = 1; i < 5; i++) join(e, i - 1, i);
    return "path of 5";
  case 3:
    e->n = 300;
    for (int64_t i = 1; i < 300; i++) join(e, (i - 1) * 7 % 300, i * 7 % 300);
    return "shuffled path";
  case 4:
    e->n = 150;
    for (int64_t i = 0; i < 150; i++) join(e, i, (i + 1) % 150);
    return "cycle";
  case 5:
    e->n = 7;
    clique(e, 0, 7);
    return "complete graph of 7";
  case 6:
    e->n = 60;
    clique(e, 0, 60);
    return "complete graph of 60";
  case 7:
    e->n = 200;
    for (int64_t i = 1; i < 200; i++) join(e, 0, i);
    return "star";
  case 8:
    e->n = 201;
    for (int64_t i = 0; i < 200; i++) join(e, i, 200);
    for (int64_t i = 0; i < 200; i++) join(e, i, (i + 1) % 200);
    return "wheel, hub last";
  case 9: grid(e, 20, 20); return "grid 20 x 20";
  case 10: grid(e, 150, 3); return "grid 150 x 3";
  case 11:
    e->n = 80;
    clique(e, 0, 40);
    clique(e, 40, 40);
    join(e, 39, 40);
    return "barbell";
  case 12:
    e->n = 255;
    for (int64_t i = 1; i < 255; i++) join(e, (i - 1) / 2, i);
    return "binary tree";
  case 13: random_edges(e, 300, 0.01, 2, &r); return "sparse random";
  case 14: random_edges(e, 120, 0.4, 2, &r); return "dense random";
  case 15: random_edges(e, 500, 1, 0.08, &r); return "geometric";
  case 16: /* a clique at the end of a long path: all the work is on one side */
    e->n = 340;
    clique(e, 300, 40);
    for (int64_t i = 0; i < 300; i++) join(e, i, i + 1);
    return "lollipop";
  default: /* three dimensions */
    e->n = 512;
    for (int64_t i = 0; i < 512; i++) {
      if (i % 8 < 7) join(e, i, i + 1);
      if (i / 8 % 8 < 7) join(e, i, i + 8);
      if (i / 64 < 7) join(e, i, i + 64);
    }
    return "grid 8 x 8 x 8";
  }
}

static Graph *graph_of(Edges *e, double ratio)
{
  Graph *g = NULL;
  Rng    r = rng_start(21, 0, RNG_GRAPH);
  for (int64_t k = 0; k < e->m && ratio > 1; k++) e->weight[k] = exp((rng_uniform(&r) - 0.5) * log(ratio));
  assert_int_equal(graph_create(e->n, e->m, e->u, e->v, ratio > 1 ? e->weight : NULL, &g), 0);
  return g;
}

/* The first k ranks, MPI_COMM_NULL on the others. */
static MPI_Comm first_ranks(int k)
{
  MPI_Comm comm;
  assert_int_equal(MPI_Comm_split(PETSC_COMM_WORLD, rank < k ? 0 : MPI_UNDEFINED, rank, &comm), MPI_SUCCESS);
  return comm;
}

/* What rounding allows any method that factors the Laplacian, the dense one too: a pivot w + x - w keeps x to eps w / x, so `tolerance`
 * grows with the ratio of weights; and resistances are differences of potentials, which are as large as the sum of all resistances. */
static double rounding_of(double ratio) { return ratio > 1 ? 16 * PETSC_MACHINE_EPSILON * ratio : 1e-11; }

static void close_to(const char *what, int on, const Graph *g, const double *got, const double *expected, double tolerance)
{
  double sum = 0;
  for (int64_t e = 0; e < g->m && g->weight; e++) sum += expected[e];
  for (int64_t e = 0; e < g->m; e++)
    if (!(fabs(got[e] - expected[e]) <= tolerance * expected[e] + 4 * PETSC_MACHINE_EPSILON * sum))
      fail_msg("%s on %d ranks: edge %lld (%lld, %lld): expected %.17g, got %.17g, relative tolerance %g", what, on, (long long)e,
               (long long)g->u[e], (long long)g->v[e], expected[e], got[e], tolerance);
}

static void tree_resistances(const char *what, MPI_Comm comm, const Graph *g, int64_t leaf_vertices, double *r)
{
  ResistanceStats stats;
  for (int64_t e = 0; e < g->m; e++) r[e] = NAN;
  assert_int_equal(resistance_nested_with(comm, g, NULL, NESTED_ALWAYS, leaf_vertices, &stats, r), 0);
  if (stats.refused[0]) fail_msg("%s: refused: %s", what, stats.refused);
  assert_int_equal(stats.method, RESISTANCE_EXACT);
}

static void against_dense(void **state)
{
  static const double ratio[] = {1, 1e6}; /* weights 1e-3 to 1e3 */
  Edges              *e       = malloc(sizeof *e);
  (void)state;
  for (int w = 0; w < 2; w++)
    for (int f = 0; f < FAMILIES; f++) {
      const char *name     = build(f, e);
      Graph      *g        = graph_of(e, ratio[w]);
      double     *expected = malloc((size_t)(g->m + 1) * sizeof *expected), *got = malloc((size_t)(g->m + 1) * sizeof *got);
      assert_int_equal(resistance_dense(g, g->m, NULL, NULL, expected), 0);
      for (int k = 1; k <= ranks; k++) {
        MPI_Comm comm = first_ranks(k);
        if (comm == MPI_COMM_NULL) continue;
        tree_resistances(name, comm, g, 40, got);
        close_to(name, k, g, got, expected, rounding_of(ratio[w]));
        MPI_Comm_free(&comm);
      }
      free(expected);
      free(got);
      graph_destroy(&g);
    }
  free(e);
}

/* Bridges are the sharpest oracle under extreme weights: R = 1/w whatever the rest. */
static void bridges_of_extreme_weight(void **state)
{
  Edges *e = malloc(sizeof *e);
  (void)state;
  (void)build(12, e);
  Graph  *g   = graph_of(e, 1e6);
  double *got = malloc((size_t)g->m * sizeof *got), *expected = malloc((size_t)g->m * sizeof *got);
  for (int64_t k = 0; k < g->m; k++) expected[k] = 1 / g->weight[k];
  tree_resistances("tree of weights 1e-3 to 1e3", PETSC_COMM_WORLD, g, 40, got);
  close_to("tree of weights 1e-3 to 1e3", ranks, g, got, expected, rounding_of(1e6));
  graph_destroy(&g);
  free(got);
  free(expected);
  free(e);
}

/* Foster, agreement of all numbers of ranks, of all ranks, and of a repetition bit by bit. */
static void grid_on_all_ranks(void **state)
{
  Edges *e = malloc(sizeof *e);
  (void)state;
  memset(e, 0, sizeof *e);
  grid(e, 60, 60);
  Graph       *g = graph_of(e, 1);
  const size_t m = (size_t)g->m;
  double      *r = malloc(m * sizeof *r), *again = malloc(m * sizeof *r), *root = malloc(m * sizeof *r);
  tree_resistances("grid", PETSC_COMM_WORLD, g, 40, r);
  const double foster = resistance_foster_error(g, r);
  if (!(foster <= 1e-12)) fail_msg("Foster on %d ranks: expected 0, got %g, tolerance 1e-12", ranks, foster);
  tree_resistances("grid", PETSC_COMM_WORLD, g, 40, again);
  assert_memory_equal(r, again, m * sizeof *r);
  memcpy(root, r, m * sizeof *r);
  MPI_Bcast(root, (int)m, MPI_DOUBLE, 0, PETSC_COMM_WORLD);
  assert_memory_equal(r, root, m * sizeof *r);
  for (int k = 1; k < ranks; k++) {
    MPI_Comm comm = first_ranks(k);
    if (comm == MPI_COMM_NULL) continue;
    tree_resistances("grid", comm, g, 40, again);
    close_to("grid", k, g, again, r, 1e-10);
    MPI_Comm_free(&comm);
  }
  graph_destroy(&g);
  free(r);
  free(again);
  free(root);
  free(e);
}

/* The edges in another order, with other vertex numbers: the same resistances. */
static void relabelled(void **state)
{
  Edges *e = malloc(sizeof *e);
  (void)state;
  memset(e, 0, sizeof *e);
  grid(e, 30, 30);
  Graph  *g = graph_of(e, 1);
  double *r = malloc((size_t)g->m * sizeof *r), *other = malloc((size_t)g->m * sizeof *r), *back = malloc((size_t)g->m * sizeof *r);
  tree_resistances("grid", PETSC_COMM_WORLD, g, 40, r);
  for (int64_t k = 0; k < g->m; k++) {
    e->u[k] = g->u[k * 7 % g->m] * 11 % g->n;
    e->v[k] = g->v[k * 7 % g->m] * 11 % g->n;
  }
  Graph *h = graph_of(e, 1);
  tree_resistances("relabelled grid", PETSC_COMM_WORLD, h, 0, other);
  for (int64_t k = 0; k < g->m; k++) back[k * 7 % g->m] = other[k];
  close_to("relabelled grid", ranks, g, back, r, 1e-12);
  graph_destroy(&g);
  graph_destroy(&h);
  free(r);
  free(other);
  free(back);
  free(e);
}

/* A grid's mirror images agree to rounding, next to the ground too, where conductances lost to rounding would gather (they grow with the
 * number of vertices: 5e-13 here without nested_balance). */
static void mirrored(void **state)
{
  enum { SIDE = 130 };
  Edges *e = malloc(sizeof *e);
  (void)state;
  memset(e, 0, sizeof *e);
  grid(e, SIDE, SIDE);
  Graph  *g = graph_of(e, 1);
  double *r = malloc((size_t)g->m * sizeof *r), *east = calloc((size_t)g->n, sizeof *east), *image = malloc((size_t)g->m * sizeof *image);
  tree_resistances("mirrored grid", PETSC_COMM_WORLD, g, 0, r);
  for (int64_t k = 0; k < g->m; k++)
    if (g->v[k] == g->u[k] + 1) east[g->u[k]] = r[k];
  for (int64_t k = 0; k < g->m; k++) {
    const int64_t x = g->u[k] % SIDE, y = g->u[k] / SIDE;
    image[k] = g->v[k] == g->u[k] + 1 ? east[y * SIDE + SIDE - 2 - x] : east[x * SIDE + y];
  }
  close_to("mirrored grid", ranks, g, r, image, 1.5e-13);
  graph_destroy(&g);
  free(r);
  free(east);
  free(image);
  free(e);
}

/* What the method does by itself: a small graph and a tree of larger size, with every policy the same values. */
static void automatic(void **state)
{
  Edges *e = malloc(sizeof *e);
  (void)state;
  memset(e, 0, sizeof *e);
  grid(e, 80, 60);
  Graph          *g = graph_of(e, 1);
  double         *r = malloc((size_t)g->m * sizeof *r), *alone = malloc((size_t)g->m * sizeof *r);
  ResistanceStats stats;
  assert_int_equal(resistance_nested(PETSC_COMM_WORLD, g, NULL, &stats, r), 0);
  assert_int_equal(stats.refused[0], 0);
  ResistanceOptions options = {0};
  assert_int_equal(resistance_exact(PETSC_COMM_SELF, g, g->m, NULL, NULL, &options, &stats, alone), 0);
  close_to("grid 80 x 60", ranks, g, r, alone, 1e-11);
  graph_destroy(&g);
  free(r);
  free(alone);
  free(e);
}

static bool always(void *ctx)
{
  ++*(int *)ctx;
  return true;
}

static void refusals(void **state)
{
  Edges *e = malloc(sizeof *e);
  (void)state;
  (void)build(9, e);
  Graph            *g     = graph_of(e, 1);
  double           *r     = malloc((size_t)g->m * sizeof *r);
  int               asked = 0;
  const Watch       watch = {.stop = always, .ctx = &asked};
  ResistanceStats   stats;
  ResistanceOptions options = {.memory_limit = 1000};
  r[0]                      = -7;
  assert_int_equal(resistance_nested_with(PETSC_COMM_WORLD, g, &options, NESTED_ALWAYS, 0, &stats, r), 0);
  assert_non_null(strstr(stats.refused, "GB a rank"));
  options = (ResistanceOptions){.watch = &watch};
  assert_int_equal(resistance_nested_with(PETSC_COMM_WORLD, g, &options, NESTED_ALWAYS, 0, &stats, r), 0);
  assert_string_equal(stats.refused, "interrupted");
  assert_int_equal(asked, 1);
  if (r[0] != -7) fail_msg("a refusal leaves the outputs alone: expected -7, got %g", r[0]);
  graph_destroy(&g);
  free(r);
  free(e);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(against_dense),     cmocka_unit_test(bridges_of_extreme_weight),
      cmocka_unit_test(grid_on_all_ranks), cmocka_unit_test(relabelled),
      cmocka_unit_test(mirrored),          cmocka_unit_test(automatic),
      cmocka_unit_test(refusals),
  };
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 2;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &ranks);
  const int failed = cmocka_run_group_tests_name("resistance_nested", tests, NULL, NULL);
  return PetscFinalize() || failed;
}
