/* SPDX-License-Identifier: BSD-2-Clause
 * Readers: good files of every format and their merging rules, the real graphs of inputs/graphs, and malformed files (bad_graphs/), each
 * with the line and a word of its message. */
#include "graph_source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "memo.h"

static const struct {
  const char *name;
  GraphFormat format;
  int         line; /* 0: none; -1: whichever */
  const char *word;
  int         faults;
} bad[] = {
    {"empty.txt", FORMAT_AUTO, 0, "empty", 1},
    {"only_comments.txt", FORMAT_AUTO, 0, "no edges", 1},
    {"only_loops.txt", FORMAT_AUTO, 0, "no edges", 1},
    {"only_zeros.txt", FORMAT_AUTO, 0, "no edges", 1},
    {"word.txt", FORMAT_AUTO, 2, "'two'", 1},
    {"one_column.txt", FORMAT_AUTO, 3, "one column", 1},
    {"four_columns.txt", FORMAT_AUTO, 1, "more than three", 1},
    {"mixed_columns.txt", FORMAT_AUTO, 2, "3 columns here", 1},
    {"negative_id.txt", FORMAT_AUTO, 2, "negative", 1},
    {"fraction_id.txt", FORMAT_AUTO, 2, "'1.5'", 1},
    {"huge_id.txt", FORMAT_AUTO, 2, "2^62", 1},
    {"overflowing_id.txt", FORMAT_AUTO, 2, "2^62", 1},
    {"negative_weight.txt", FORMAT_AUTO, 2, "negative", 1},
    {"nan_weight.txt", FORMAT_AUTO, 2, "NaN", 1},
    {"infinite_weight.txt", FORMAT_AUTO, 2, "infinite", 1},
    {"overflowing_weight.txt", FORMAT_AUTO, 2, "range", 1},
    {"bad_weight.txt", FORMAT_AUTO, 2, "'1.5x'", 1},
    {"exponent_weight.txt", FORMAT_AUTO, 2, "'1e'", 1},
    {"hexadecimal_weight.txt", FORMAT_AUTO, 1, "'0x10'", 1},
    {"empty_column.csv", FORMAT_AUTO, 2, "','", 1},
    {"missing_weight.csv", FORMAT_AUTO, 2, "2 columns here", 1},
    {"carriage_return.txt", FORMAT_AUTO, 2, "'x'", 1},
    {"last_line.txt", FORMAT_AUTO, 3, "'3y'", 1},
    {"binary.txt", FORMAT_AUTO, 3, "binary", 1},
    {"image.txt", FORMAT_AUTO, 3, "binary", 1},
    {"html.txt", FORMAT_AUTO, 1, "'<!DOCTYPE'", 2},
    {"sum_overflow.txt", FORMAT_AUTO, 0, "add up", 1},
    {"many_faults.txt", FORMAT_AUTO, 2, "'a'", 12},
    {"truncated.txt.gz", FORMAT_AUTO, -1, "truncated", 1},
    {"damaged.txt.gz", FORMAT_AUTO, -1, "damaged", 1},
    {"no_banner.mtx", FORMAT_MATRIX_MARKET, 1, "header", 1},
    {"short_banner.mtx", FORMAT_AUTO, 1, "coordinate", 1},
    {"vector.mtx", FORMAT_AUTO, 1, "matrix", 1},
    {"complex.mtx", FORMAT_AUTO, 1, "complex", 1},
    {"array.mtx", FORMAT_AUTO, 1, "dense", 1},
    {"skew.mtx", FORMAT_AUTO, 1, "skew", 1},
    {"hermitian.mtx", FORMAT_AUTO, 1, "hermitian", 1},
    {"bad_field.mtx", FORMAT_AUTO, 1, "field", 1},
    {"bad_symmetry.mtx", FORMAT_AUTO, 1, "symmetry", 1},
    {"no_size.mtx", FORMAT_AUTO, 2, "size line is missing", 1},
    {"bad_size.mtx", FORMAT_AUTO, 2, "three numbers", 1},
    {"long_size.mtx", FORMAT_AUTO, 2, "three numbers", 1},
    {"rectangular.mtx", FORMAT_AUTO, 2, "square", 1},
    {"huge_matrix.mtx", FORMAT_AUTO, 2, "2^32 rows", 1},
    {"truncated.mtx", FORMAT_AUTO, 4, "promises 4", 1},
    {"too_many.mtx", FORMAT_AUTO, 4, "more entries", 1},
    {"row_range.mtx", FORMAT_AUTO, 4, "1 to 3", 1},
    {"zero_based.mtx", FORMAT_AUTO, 3, "1 to 3", 1},
    {"missing_value.mtx", FORMAT_AUTO, 3, "missing", 1},
    {"pattern_value.mtx", FORMAT_AUTO, 3, "more than 2", 1},
    {"missing_column.mtx", FORMAT_AUTO, 3, "column number is missing", 1},
    {"negative.mtx", FORMAT_AUTO, 4, "negative", 1},
    {"laplacian.mtx", FORMAT_AUTO, 5, "Laplacian", 1},
    {"nan.mtx", FORMAT_AUTO, 3, "NaN", 1},
    {"diagonal.mtx", FORMAT_AUTO, 0, "no edges", 1},
    {"no_header.graph", FORMAT_METIS, 1, "header", 1},
    {"short_header.graph", FORMAT_METIS, 1, "header", 1},
    {"bad_format.graph", FORMAT_METIS, 1, "fmt", 1},
    {"edge_count.graph", FORMAT_METIS, 1, "promises 3", 1},
    {"one_sided.graph", FORMAT_METIS, 2, "does not list", 1},
    {"twice.graph", FORMAT_METIS, 2, "more than once", 1},
    {"unequal.graph", FORMAT_METIS, 3, "weighs", 1},
    {"neighbour_range.graph", FORMAT_METIS, 3, "1 to 3", 1},
    {"truncated.graph", FORMAT_METIS, 3, "promises 4", 1},
    {"too_many.graph", FORMAT_METIS, 4, "more lines", 1},
    {"word.graph", FORMAT_METIS, 3, "'c'", 1},
    {"missing_weight.graph", FORMAT_METIS, 2, "weight is missing", 1},
    {"vertex_weight.graph", FORMAT_METIS, 2, "size or weight", 1},
};

static char path[256];

static void write_file(const char *text, size_t length)
{
  snprintf(path, sizeof path, "/tmp/myopia_reader_%ld", (long)getpid());
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, length, file), length);
  fclose(file);
}

typedef struct Read {
  Graph      *graph;
  int64_t    *id;
  GraphReport report;
  GraphErrors errors;
} Read;

static Read read_spec(GraphSpec spec)
{
  Read r    = {0};
  spec.kind = GRAPH_FILE;
  if (!spec.file[0]) memcpy(spec.file, path, sizeof spec.file);
  assert_int_equal(graph_source_build(&spec, &r.graph, &r.id, &r.report, &r.errors), 0);
  return r;
}

static Read read_text(const char *text, GraphSpec spec)
{
  write_file(text, strlen(text));
  Read r = read_spec(spec);
  if (r.errors.n > 0) fail_msg("`%s`: %s", text, r.errors.line[0]);
  assert_non_null(r.graph);
  return r;
}

static void release(Read *r)
{
  graph_destroy(&r->graph);
  assert_int_equal(PetscFree(r->id), 0);
  graph_errors_clear(&r->errors);
}

/* n vertices, m edges as triples (id, id, weight); ids by the file's own numbers. */
static void expect(const char *text, GraphSpec spec, int64_t n, int64_t m, const double *edge)
{
  Read r = read_text(text, spec);
  if (r.graph->n != n || r.graph->m != m)
    fail_msg("`%s`: expected %lld vertices and %lld edges, got %lld and %lld", text, (long long)n, (long long)m, (long long)r.graph->n,
             (long long)r.graph->m);
  for (int64_t e = 0; e < m; e++, edge += 3) {
    const int64_t u = r.id ? r.id[r.graph->u[e]] : r.graph->u[e], v = r.id ? r.id[r.graph->v[e]] : r.graph->v[e];
    if (u != (int64_t)edge[0] || v != (int64_t)edge[1] || graph_weight(r.graph, e) != edge[2])
      fail_msg("`%s`: edge %lld: expected (%g, %g) of weight %g, got (%lld, %lld) of %.17g", text, (long long)e, edge[0], edge[1], edge[2],
               (long long)u, (long long)v, graph_weight(r.graph, e));
  }
  release(&r);
}

#define SPEC(...) ((GraphSpec){__VA_ARGS__})
#define EDGES(...) ((const double[]){__VA_ARGS__})
#define MATRIX "%%MatrixMarket matrix coordinate "

static void bad_files_are_refused_with_their_line(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    GraphSpec spec = {.format = bad[i].format};
    char      start[300];
    snprintf(spec.file, sizeof spec.file, "%s/%s", BAD_GRAPHS, bad[i].name);
    Read r = read_spec(spec);
    if (r.graph) fail_msg("%s: expected a fault, got a graph", bad[i].name);
    if (r.errors.n != bad[i].faults)
      fail_msg("%s: expected %d faults, got %d: %s", bad[i].name, bad[i].faults, r.errors.n, r.errors.n ? r.errors.line[0] : "");
    if (bad[i].line > 0)
      snprintf(start, sizeof start, "%s:%d: ", spec.file, bad[i].line);
    else
      snprintf(start, sizeof start, "%s:%s", spec.file, bad[i].line == 0 ? " " : "");
    if (strncmp(r.errors.line[0], start, strlen(start)) != 0 || !strstr(r.errors.line[0] + strlen(spec.file), bad[i].word))
      fail_msg("%s: expected line %d and `%s`, got %s", bad[i].name, bad[i].line, bad[i].word, r.errors.line[0]);
    release(&r);
  }
}

static void what_cannot_be_opened_says_why(void **state)
{
  (void)state;
  static const char *const where[][2] = {{"/nowhere/graph.txt", "No such file"}, {"/tmp", "directory"}};
  for (size_t i = 0; i < 2; i++) {
    GraphSpec spec = {.kind = GRAPH_FILE};
    int64_t   n, m;
    snprintf(spec.file, sizeof spec.file, "%s", where[i][0]);
    Read r = read_spec(spec);
    assert_int_equal(r.errors.n, 1);
    if (!strstr(r.errors.line[0], where[i][1])) fail_msg("%s: expected `%s`, got %s", where[i][0], where[i][1], r.errors.line[0]);
    graph_source_estimate(&spec, &n, &m);
    assert_int_equal(n, -1);
    assert_int_equal(m, -1);
    release(&r);
  }
  if (geteuid() == 0) return; /* root may read everything */
  write_file("0 1\n", 4);
  assert_int_equal(chmod(path, 0), 0);
  Read r = read_spec(SPEC(.seed = 0));
  assert_int_equal(r.errors.n, 1);
  assert_non_null(strstr(r.errors.line[0], "ermission"));
  release(&r);
}

static void edge_lists_as_people_write_them(void **state)
{
  (void)state;
  const double *path3 = EDGES(0, 1, 1, 1, 2, 1);
  expect("0 1\n1 2\n", SPEC(.seed = 0), 3, 2, path3);
  expect("0\t1\r\n1\t2\r\n", SPEC(.seed = 0), 3, 2, path3);
  expect("0,1\n1,2", SPEC(.seed = 0), 3, 2, path3);
  expect("\n  # c\n% c\n 2 , 1 \n\n1 0\t\n\n", SPEC(.seed = 0), 3, 2, path3);
  expect("source,target\n+0,1\n1,2,\n", SPEC(.seed = 0), 3, 2, path3);
  expect("7 4611686018427387904\n7 100\n", SPEC(.seed = 0), 3, 2, EDGES(7, 100, 1, 7, 4611686018427387904., 1));
  expect("5 900\n900 30\n30 30\n1 1\n", SPEC(.seed = 0), 4, 2, EDGES(5, 900, 1, 30, 900, 1));
  expect("0 1 0.1\n1 2 1e-3\n2 3 123456789012345678901\n3 4 .5\n4 5 5.\n5 6 1.7976931348623157e308\n6 7 4.9e-324\n", SPEC(.seed = 0), 8, 7,
         EDGES(0, 1, 0.1, 1, 2, 1e-3, 2, 3, 123456789012345678901., 3, 4, 0.5, 4, 5, 5, 5, 6, 1.7976931348623157e308, 6, 7, 4.9e-324));
  expect("0 1 0\n0 2 3\n", SPEC(.seed = 0), 2, 1, EDGES(0, 2, 3));
  expect("0 1 -7\n1 2 x\n", SPEC(.ignore_weights = true), 3, 2, path3);
}

static void parallel_edges_merge_as_documented(void **state)
{
  (void)state;
  const GraphSpec sum = SPEC(.duplicates = DUPLICATES_SUM), drop = SPEC(.duplicates = DUPLICATES_DROP);
  expect("0 1 2\n0 1 3\n", sum, 2, 1, EDGES(0, 1, 5));
  expect("0 1 2\n0 1 3\n", drop, 2, 1, EDGES(0, 1, 2));
  expect("0 1 2\n1 0 2\n", sum, 2, 1, EDGES(0, 1, 2));
  expect("0 1 2\n1 0 3\n", sum, 2, 1, EDGES(0, 1, 2.5));
  expect("1 0 2\n0 1 3\n1 0 5\n", sum, 2, 1, EDGES(0, 1, 5));
  expect("1 0 2\n0 1 3\n1 0 5\n", drop, 2, 1, EDGES(0, 1, 2.5));
  expect("0 1\n1 0\n", sum, 2, 1, EDGES(0, 1, 1));
  expect("0 1\n0 1\n0 1\n", sum, 2, 1, EDGES(0, 1, 3));
  expect("0 1\n0 1\n", drop, 2, 1, EDGES(0, 1, 1));
  expect("0 1\n0 1\n", SPEC(.ignore_weights = true), 2, 1, EDGES(0, 1, 1));
  Read               r = read_text("# Directed graph (each unordered pair of nodes is saved once)\n0 1\n1 0\n1 1\n1 2\n2 1\n2 1\n", sum);
  const GraphReport *a = &r.report;
  assert_true(a->entries == 6 && a->loops == 1 && a->duplicates == 3 && a->zeros == 0 && a->directed);
  release(&r);
  r = read_text("# Undirected graph\n0 1\n1 2\n", sum);
  assert_false(r.report.directed);
  release(&r);
  r = read_text("0 1 1\n2 3 0\n4 5 1\n5 6 1\n", SPEC(.keep = KEEP_LARGEST));
  assert_true(r.report.zeros == 1 && r.report.dropped_vertices == 2 && r.report.dropped_edges == 1 && r.id[0] == 4 && r.id[2] == 6);
  release(&r);
}

static void matrices(void **state)
{
  (void)state;
  expect(MATRIX "real general\n% c\n\n3 3 4\n1 2 0.5\n2 1 0.5\n2 3 2\n3 2 2\n", SPEC(.seed = 0), 3, 2, EDGES(1, 2, 0.5, 2, 3, 2));
  expect(MATRIX "real symmetric\n4 4 3\n2 1 0.5\n3 2 2\n4 4 7\n", SPEC(.seed = 0), 4, 2, EDGES(1, 2, 0.5, 2, 3, 2));
  expect(MATRIX "pattern symmetric\r\n3 3 2\r\n2 1\r\n3 2\r\n", SPEC(.seed = 0), 3, 2, EDGES(1, 2, 1, 2, 3, 1));
  expect("%%matrixmarket MATRIX Coordinate Integer General\n3 3 3\n1 2 4\n2 1 2\n1 3 0\n", SPEC(.seed = 0), 3, 1, EDGES(1, 2, 3));
  expect(MATRIX "real symmetric\n3 3 4\n1 1 1\n2 1 -1\n2 2 2\n3 2 -1", SPEC(.ignore_weights = true), 3, 2, EDGES(1, 2, 1, 2, 3, 1));
  Read r = read_text(MATRIX "real general\n3 3 2\n1 2 1\n2 3 1\n", SPEC(.seed = 0));
  assert_true(r.report.directed);
  assert_true(r.report.isolated == 0 && r.report.components == 1);
  release(&r);
}

static void metis_files(void **state)
{
  (void)state;
  const GraphSpec metis = SPEC(.format = FORMAT_METIS);
  /* The four pictures of the manual's figure 2 in small. */
  expect("% c\n3 2\n2\n1 3\n% c\n2\n", metis, 3, 2, EDGES(1, 2, 1, 2, 3, 1));
  expect("3 2 001\n2 5\n1 5 3 0.25\n2 .25\n", metis, 3, 2, EDGES(1, 2, 5, 2, 3, 0.25));
  expect("3 2 011\n7 2 5\n8 1 5 3 2\n9 2 2\n", metis, 3, 2, EDGES(1, 2, 5, 2, 3, 2));
  expect("3 2 10 3\n7 7 7 2\n8 8 8 1 3\n9 9 9 2\n", metis, 3, 2, EDGES(1, 2, 1, 2, 3, 1));
  expect("3 2 111 1\n1 7 2 5\n1 8 1 5 3 2\n1 9 2 2\n", metis, 3, 2, EDGES(1, 2, 5, 2, 3, 2));
  expect("4 1\n\n3\n2\n\n", metis, 4, 1, EDGES(2, 3, 1));
  expect("3 2 1\n2 -5\n1 x 3 0\n2 nan\n", SPEC(.format = FORMAT_METIS, .ignore_weights = true), 3, 2, EDGES(1, 2, 1, 2, 3, 1));
}

/* The format is told by the content alone. */
static void formats_are_detected(void **state)
{
  (void)state;
  expect("5 5\n2 5\n1 3\n2 4\n3 5\n4 1\n", SPEC(.seed = 0), 5, 5, EDGES(1, 2, 1, 1, 5, 1, 2, 3, 1, 3, 4, 1, 4, 5, 1));
  expect("4 3\n2 3 4\n1\n1\n1\n", SPEC(.seed = 0), 4, 3, EDGES(1, 2, 1, 1, 3, 1, 1, 4, 1));
  expect("4 3\n2 3\n1 4\n", SPEC(.seed = 0), 4, 3, EDGES(1, 4, 1, 2, 3, 1, 3, 4, 1));
  expect("3 2\n2 1\n1 3\n# c\n", SPEC(.seed = 0), 3, 3, EDGES(1, 2, 1, 1, 3, 1, 2, 3, 1));
}

static void gzip_is_transparent(void **state)
{
  (void)state;
  const char text[] = "0 1 2\n1 2 3\n";
  snprintf(path, sizeof path, "/tmp/myopia_reader_%ld", (long)getpid());
  gzFile file = gzopen(path, "wb");
  assert_int_equal(gzwrite(file, text, sizeof text - 1), (int)sizeof text - 1);
  gzclose(file);
  Read r = read_spec(SPEC(.seed = 0));
  assert_non_null(r.graph);
  assert_int_equal(r.graph->m, 2);
  assert_true(r.graph->weight[1] == 3);
  release(&r);
}

/* Blocks of a megabyte are cut anywhere; lines may be longer than one. */
static void long_files_and_lines(void **state)
{
  (void)state;
  const int64_t n    = 200000;
  char         *text = malloc(4 << 20);
  size_t        at   = (size_t)sprintf(text, "%lld %lld\n", (long long)n, (long long)n - 1);
  for (int64_t i = 2; i <= n; i++) at += (size_t)sprintf(text + at, "%lld ", (long long)i);
  at += (size_t)sprintf(text + at, "\n");
  for (int64_t i = 2; i <= n; i++) at += (size_t)sprintf(text + at, "1\n");
  write_file(text, at);
  Read r = read_spec(SPEC(.seed = 0));
  if (r.errors.n) fail_msg("star: %s", r.errors.line[0]);
  assert_int_equal(r.graph->m, n - 1);
  assert_int_equal(r.graph->v[n - 2], n - 1);
  assert_int_equal(r.graph->u[n - 2], 0);
  release(&r);
  at = 0;
  for (int64_t i = 0; i < n; i++) at += (size_t)sprintf(text + at, "%lld %lld\n", (long long)i, (long long)i + 1);
  write_file(text, at);
  r = read_spec(SPEC(.seed = 0));
  assert_int_equal(r.graph->m, n);
  for (int64_t e = 0; e < n; e++) assert_true(r.graph->u[e] == e && r.graph->v[e] == e + 1);
  release(&r);
  GraphSpec spec = {.kind = GRAPH_FILE};
  int64_t   vertices, edges;
  memcpy(spec.file, path, sizeof path);
  graph_source_estimate(&spec, &vertices, &edges);
  if (edges < n || edges > 2 * n)
    fail_msg("estimate: expected %lld to %lld edges, got %lld", (long long)n, (long long)(2 * n), (long long)edges);
  free(text);
}

static void real_graphs(void **state)
{
  (void)state;
  /* NetworkX: vertices, edges, sum of weights, triangles. */
  static const struct {
    const char *name;
    int64_t     n, m, triangles;
    double      weight;
  } real[] = {{"karate.txt", 34, 78, 45, 78},
              {"les_miserables.mtx", 77, 254, 467, 820},
              {"florentine_families.graph", 15, 20, 3, 20},
              {"southern_women.csv", 32, 89, 0, 89}};
  for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
    GraphSpec spec           = {.seed = 0};
    uint8_t   joined[80][80] = {{0}};
    double    weight         = 0;
    int64_t   triangles      = 0;
    snprintf(spec.file, sizeof spec.file, "%s/%s", GRAPHS, real[i].name);
    Read r = read_spec(spec);
    if (r.errors.n) fail_msg("%s", r.errors.line[0]);
    for (int64_t e = 0; e < r.graph->m; e++) {
      joined[r.graph->u[e]][r.graph->v[e]] = 1;
      weight += graph_weight(r.graph, e);
    }
    for (int64_t a = 0; a < 80; a++)
      for (int64_t b = a + 1; b < 80; b++)
        for (int64_t c = b + 1; c < 80; c++) triangles += joined[a][b] && joined[b][c] && joined[a][c];
    if (r.graph->n != real[i].n || r.graph->m != real[i].m || weight != real[i].weight || triangles != real[i].triangles)
      fail_msg("%s: expected %lld %lld %g %lld, got %lld %lld %g %lld", real[i].name, (long long)real[i].n, (long long)real[i].m,
               real[i].weight, (long long)real[i].triangles, (long long)r.graph->n, (long long)r.graph->m, weight, (long long)triangles);
    assert_int_equal(r.report.components, 1);
    assert_int_equal(r.id ? r.id[0] : 0, real[i].name[0] == 'l' || real[i].name[0] == 'f'); /* matrix and METIS count from 1 */
    release(&r);
  }
}

/* A file that changes is another graph. */
static void shared_graph_notices_changes(void **state)
{
  (void)state;
  GraphSpec      spec = {.kind = GRAPH_FILE};
  const Graph   *g;
  const int64_t *id;
  GraphReport    report;
  GraphErrors    errors = {0};
  write_file("0 1\n", 4);
  memcpy(spec.file, path, sizeof path);
  assert_int_equal(graph_source_shared(&spec, &g, &id, &report, &errors), 0);
  assert_int_equal(g->m, 1);
  write_file("0 1\n1 2\n", 8);
  assert_int_equal(graph_source_shared(&spec, &g, &id, &report, &errors), 0);
  assert_int_equal(g->m, 2);
  memo_clear();
}

static int clean(void **state)
{
  (void)state;
  if (path[0]) remove(path);
  return 0;
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_files_are_refused_with_their_line),
      cmocka_unit_test(what_cannot_be_opened_says_why),
      cmocka_unit_test(edge_lists_as_people_write_them),
      cmocka_unit_test(parallel_edges_merge_as_documented),
      cmocka_unit_test(matrices),
      cmocka_unit_test(metis_files),
      cmocka_unit_test(formats_are_detected),
      cmocka_unit_test(gzip_is_transparent),
      cmocka_unit_test(long_files_and_lines),
      cmocka_unit_test(real_graphs),
      cmocka_unit_test(shared_graph_notices_changes),
  };
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  const int failed = cmocka_run_group_tests(tests, NULL, clean);
  return PetscFinalize() ? 1 : failed;
}
