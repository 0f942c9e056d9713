/* SPDX-License-Identifier: BSD-2-Clause
 * The row-distributed container on any number of ranks: the same graph and report as the whole one of graph_source_build, the structure its
 * header promises, components of graphs that are hard for label propagation, files, and messages in rounds. */
#include "graph_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/rows.h"
#include "rng.h"

static int rank, ranks;

static const GraphSpec specs[] = {
    {.kind = GRAPH_PATH, .nodes = 1},
    {.kind = GRAPH_PATH, .nodes = 2},
    {.kind = GRAPH_PATH, .nodes = 3000},
    {.kind = GRAPH_CYCLE, .nodes = 777, .weights = WEIGHTS_UNIFORM, .seed = 3},
    {.kind = GRAPH_COMPLETE, .nodes = 60, .weights = WEIGHTS_EXPONENTIAL, .seed = 4},
    {.kind = GRAPH_HYPERCUBE, .dimension = 8},
    {.kind = GRAPH_GRID_2D, .width = 37, .height = 23},
    {.kind = GRAPH_GRID_3D, .width = 7, .height = 8, .depth = 9},
    {.kind = GRAPH_TORUS, .width = 11, .height = 5},
    {.kind = GRAPH_BARBELL, .clique_size = 12, .bridges = 2},
    {.kind = GRAPH_CHAIN, .clique_size = 5, .cliques = 21, .bridges = 1},
    {.kind = GRAPH_ERDOS_RENYI, .nodes = 2000, .degree = 1.5, .seed = 5, .weights = WEIGHTS_UNIFORM},
    {.kind = GRAPH_ERDOS_RENYI, .nodes = 2000, .degree = 1.5, .seed = 5, .weights = WEIGHTS_UNIFORM, .keep = KEEP_LARGEST},
    {.kind = GRAPH_ERDOS_RENYI, .nodes = 500, .degree = 0, .seed = 5, .keep = KEEP_LARGEST},
    {.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = 1001, .blocks = 7, .degree_in = 6, .degree_out = 0.5, .seed = 6},
    {.kind = GRAPH_WATTS_STROGATZ, .nodes = 900, .degree = 6, .rewire = 0.3, .seed = 7},
    {.kind = GRAPH_BARABASI_ALBERT, .nodes = 1500, .degree = 3, .seed = 8},
    {.kind = GRAPH_GEOMETRIC, .nodes = 1500, .degree = 4, .seed = 9, .keep = KEEP_LARGEST},
    {.kind = GRAPH_DELAUNAY, .nodes = 800, .seed = 10},
    {.kind = GRAPH_RMAT, .scale = 11, .edge_factor = 4, .rmat_a = 0.57, .rmat_b = 0.19, .rmat_c = 0.19, .seed = 11},
    {.kind = GRAPH_RMAT, .scale = 11, .edge_factor = 4, .rmat_a = 0.57, .rmat_b = 0.19, .rmat_c = 0.19, .seed = 11, .keep = KEEP_LARGEST},
};

/* Every local row, entry and weight against the whole graph; global and local numbers against each other. */
static void rows_hold(const GraphRows *rows, const Graph *g, const char *what)
{
  Adjacency *a;
  assert_int_equal(graph_adjacency(g, &a), 0);
  if (rows->n != g->n || rows->m != g->m)
    fail_msg("%s: expected %lld vertices and %lld edges, got %lld and %lld", what, (long long)g->n, (long long)g->m, (long long)rows->n,
             (long long)rows->m);
  assert_int_equal(rows->range[0], 0);
  assert_int_equal(rows->range[ranks], g->n);
  assert_int_equal(rows->n_local, rows->range[rank + 1] - rows->range[rank]);
  int64_t upper = 0, first_edge = 0;
  while (first_edge < g->m && g->u[first_edge] < rows->range[rank]) first_edge++;
  for (int64_t i = 0; i < rows->n_local; i++) {
    const int64_t row = rows->range[rank] + i, degree = rows->start[i + 1] - rows->start[i];
    if (degree != a->start[row + 1] - a->start[row])
      fail_msg("%s: vertex %lld: expected degree %lld, got %lld", what, (long long)row, (long long)(a->start[row + 1] - a->start[row]),
               (long long)degree);
    for (int64_t k = 0; k < degree; k++) {
      const int64_t expected = a->vertex[a->start[row] + k], got = rows->column[rows->start[i] + k];
      if (got != expected)
        fail_msg("%s: vertex %lld: expected neighbour %lld, got %lld", what, (long long)row, (long long)expected, (long long)got);
      upper += got > row;
      if (!g->weight != !rows->weight) fail_msg("%s: weights on one side only", what);
      const double weight = graph_weight(g, a->edge[a->start[row] + k]);
      if (rows->weight && rows->weight[rows->start[i] + k] != weight)
        fail_msg("%s: edge (%lld, %lld): expected weight %.17g, got %.17g", what, (long long)row, (long long)got, weight,
                 rows->weight[rows->start[i] + k]);
    }
  }
  assert_int_equal(rows->n_edges, upper);
  if (upper > 0) assert_int_equal(rows->first_edge, first_edge);
  adjacency_destroy(&a);
}

static void components_hold(const GraphRows *rows, const Graph *g, const char *what)
{
  int64_t *expected, *got, count;
  assert_int_equal(PetscMalloc2((size_t)g->n + 1, &expected, (size_t)rows->n_local + 1, &got), 0);
  const int64_t n = graph_components(g, NULL, expected);
  assert_int_equal(graph_rows_components(rows, got, &count), 0);
  if (count != n) fail_msg("%s: expected %lld components, got %lld", what, (long long)n, (long long)count);
  for (int64_t i = 0; i < rows->n_local; i++)
    if (got[i] != expected[rows->range[rank] + i])
      fail_msg("%s: vertex %lld: expected component %lld, got %lld", what, (long long)(rows->range[rank] + i),
               (long long)expected[rows->range[rank] + i], (long long)got[i]);
  assert_int_equal(PetscFree2(expected, got), 0);
}

static void same_on_any_ranks(const GraphSpec *spec, const char *what)
{
  Graph      *g;
  GraphRows  *rows;
  int64_t    *id;
  GraphReport a, b;
  GraphErrors errors = {0};
  assert_int_equal(graph_source_build(spec, &g, &id, &a, &errors), 0);
  assert_non_null(g);
  assert_int_equal(graph_rows_build(MPI_COMM_WORLD, spec, &rows, &b, &errors), 0);
  assert_int_equal(errors.n, 0);
  rows_hold(rows, g, what);
  components_hold(rows, g, what);
  const int64_t expected[] = {a.entries,          a.loops,         a.duplicates, a.zeros, a.components, a.isolated,
                              a.dropped_vertices, a.dropped_edges, a.directed};
  const int64_t got[]      = {b.entries,          b.loops,         b.duplicates, b.zeros, b.components, b.isolated,
                              b.dropped_vertices, b.dropped_edges, b.directed};
  for (size_t i = 0; i < sizeof got / sizeof *got; i++)
    if (got[i] != expected[i]) fail_msg("%s: report %zu: expected %lld, got %lld", what, i, (long long)expected[i], (long long)got[i]);
  int64_t *range;
  assert_int_equal(PetscMalloc1((size_t)ranks + 1, &range), 0);
  memcpy(range, rows->range, sizeof *range * ((size_t)ranks + 1));
  graph_rows_destroy(&rows);
  assert_null(rows);
  assert_int_equal(graph_rows_from_graph(MPI_COMM_WORLD, g, &rows), 0);
  rows_hold(rows, g, what);
  for (int p = 0; p <= ranks; p++)
    if (range[p] != rows->range[p])
      fail_msg("%s: rank %d: cut at %lld and at %lld", what, p, (long long)range[p], (long long)rows->range[p]);
  assert_int_equal(PetscFree(range), 0);
  graph_rows_destroy(&rows);
  graph_destroy(&g);
  assert_int_equal(PetscFree(id), 0);
}

static void generated_graphs_do_not_depend_on_ranks(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
    char what[64];
    snprintf(what, sizeof what, "spec %zu (%s)", i, graph_kind_names[specs[i].kind]);
    same_on_any_ranks(&specs[i], what);
  }
}

/* Balance: no rank has much more than its share of rows and entries, plus one row. */
static void rows_are_balanced(void **state)
{
  (void)state;
  const GraphSpec spec = {.kind = GRAPH_RMAT, .scale = 13, .edge_factor = 8, .rmat_a = 0.57, .rmat_b = 0.19, .rmat_c = 0.19, .seed = 1};
  GraphRows      *rows;
  GraphReport     report;
  GraphErrors     errors = {0};
  assert_int_equal(graph_rows_build(MPI_COMM_WORLD, &spec, &rows, &report, &errors), 0);
  int64_t longest = 0;
  for (int64_t i = 0; i < rows->n_local; i++)
    if (rows->start[i + 1] - rows->start[i] > longest) longest = rows->start[i + 1] - rows->start[i];
  assert_int_equal(MPI_Allreduce(MPI_IN_PLACE, &longest, 1, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD), 0);
  const int64_t load = rows->n_local + rows->start[rows->n_local], most = (rows->n + 2 * rows->m) / ranks + 2 * longest;
  if (load > most) fail_msg("rank %d: expected at most %lld rows and entries, got %lld", rank, (long long)most, (long long)load);
  graph_rows_destroy(&rows);
}

/* A path whose vertices are shuffled, so that nearly every edge is cut: label propagation would need as many rounds as it is long. */
static void shuffled_paths_are_one_component(void **state)
{
  (void)state;
  const int64_t n     = 4000;
  GraphErrors   error = {0};
  (void)error;
  int64_t *order, *u, *v;
  assert_int_equal(PetscMalloc3((size_t)n, &order, (size_t)n, &u, (size_t)n, &v), 0);
  for (int pieces = 1; pieces <= 3; pieces++) {
    Rng r = rng_start((uint64_t)pieces, 0, RNG_GRAPH);
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
      const int64_t j = rng_below(&r, (uint32_t)(i + 1)), swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    int64_t m = 0;
    for (int64_t i = 0; i + 1 < n; i++) {
      if ((i + 1) % (n / pieces + 1) == 0) continue;
      u[m]   = order[i];
      v[m++] = order[i + 1];
    }
    EdgeList list = {0};
    assert_int_equal(edge_list_reserve(&list, m, false), 0);
    for (int64_t e = 0; e < m; e++) edge_list_push(&list, u[e], v[e]);
    assert_int_equal(keys_sort(list.n, list.key, NULL), 0);
    for (int64_t e = 0; e < m; e++) {
      u[e] = edge_u(list.key[e]);
      v[e] = edge_v(list.key[e]);
    }
    edge_list_clear(&list);
    Graph     *g;
    GraphRows *rows;
    assert_int_equal(graph_create(n, m, u, v, NULL, &g), 0);
    assert_int_equal(graph_rows_from_graph(MPI_COMM_WORLD, g, &rows), 0);
    components_hold(rows, g, "shuffled path");
    graph_rows_destroy(&rows);
    graph_destroy(&g);
  }
  assert_int_equal(PetscFree3(order, u, v), 0);
}

/* More words than a round carries, and uneven: rank p sends p + 1 times as much to each next rank. */
static void long_messages_travel_in_rounds(void **state)
{
  (void)state;
  int64_t   count[64], total = 0, n, from[64];
  uint64_t *send, *got;
  if (ranks > 64) return;
  for (int p = 0; p < ranks; p++) total += count[p] = (int64_t)(rank + 1) * 300000 * ((rank + p) % 3) + (int64_t)1500000 * (p == 0);
  assert_int_equal(PetscMalloc1((size_t)total + 1, &send), 0);
  for (int64_t i = 0, p = 0, at = 0; i < total; i++) {
    while (i >= at + count[p]) at += count[p++];
    send[i] = (uint64_t)rank << 48 | (uint64_t)p << 32 | (uint64_t)(i - at);
  }
  assert_int_equal(exchange_words(MPI_COMM_WORLD, count, send, &n, &got, from), 0);
  int64_t at = 0;
  for (int p = 0; p < ranks; p++) {
    const int64_t expected = (int64_t)(p + 1) * 300000 * ((rank + p) % 3) + (int64_t)1500000 * (rank == 0);
    if (from[p] != expected) fail_msg("from rank %d: expected %lld words, got %lld", p, (long long)expected, (long long)from[p]);
    for (int64_t k = 0; k < expected; k++, at++)
      if (got[at] != ((uint64_t)p << 48 | (uint64_t)rank << 32 | (uint64_t)k)) fail_msg("word %lld of rank %d is wrong", (long long)k, p);
  }
  assert_int_equal(at, n);
  assert_int_equal(PetscFree(send), 0);
  assert_int_equal(PetscFree(got), 0);
}

static void files_are_read_by_one_and_reach_all(void **state)
{
  (void)state;
  char path[64] = "";
  if (rank == 0) {
    snprintf(path, sizeof path, "/tmp/myopia_rows_XXXXXX");
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    fprintf(file, "# weights and gaps\n10 20 0.5\n20 30 2\n30 10 1.5\n7 7 1\n100 101 4\n20 10 0.5\n");
    fclose(file);
  }
  assert_int_equal(MPI_Bcast(path, sizeof path, MPI_CHAR, 0, MPI_COMM_WORLD), 0);
  for (int keep = 0; keep < 2; keep++) {
    GraphSpec spec = {.kind = GRAPH_FILE, .keep = keep ? KEEP_LARGEST : KEEP_ALL};
    snprintf(spec.file, sizeof spec.file, "%s", path);
    same_on_any_ranks(&spec, "file");
  }
  assert_int_equal(MPI_Barrier(MPI_COMM_WORLD), 0);
  if (rank == 0) remove(path);
  assert_int_equal(MPI_Barrier(MPI_COMM_WORLD), 0);
  GraphSpec   spec   = {.kind = GRAPH_FILE};
  GraphRows  *rows   = NULL;
  GraphErrors errors = {0};
  GraphReport report;
  snprintf(spec.file, sizeof spec.file, "%s", path);
  assert_int_equal(graph_rows_build(MPI_COMM_WORLD, &spec, &rows, &report, &errors), 0);
  assert_null(rows);
  if (errors.n != 1 || !strstr(errors.line[0], "No such file"))
    fail_msg("rank %d: expected one fault, No such file; got %d", rank, errors.n);
  graph_errors_clear(&errors);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(generated_graphs_do_not_depend_on_ranks), cmocka_unit_test(rows_are_balanced),
      cmocka_unit_test(shuffled_paths_are_one_component),        cmocka_unit_test(long_messages_travel_in_rounds),
      cmocka_unit_test(files_are_read_by_one_and_reach_all),
  };
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() ? 1 : failed;
}
