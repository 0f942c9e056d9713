/* SPDX-License-Identifier: BSD-2-Clause
 * Sets of graphs from files: what good files mean, round trips, folders, and malformed files (bad_sets/, and bytes at random), each with
 * the line and a word of its message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "small_graphs.h"

enum { KEY = 12 };

static const struct {
  const char *name;
  int         line; /* 0: none */
  const char *word;
  int         faults;
} bad[] = {
    {"empty.txt", 0, "no graph", 1},
    {"only_comments.txt", 0, "no graph", 1},
    {"zero_vertices.txt", 1, "1 to 64", 1},
    {"single_vertices.txt", 0, "two vertices", 1},
    {"no_vertices.txt", 1, "without a vertex", 1},
    {"many_vertices.txt", 1, "1 to 64", 1},
    {"seventy_vertices.txt", 65, "more than 64 vertices", 1},
    {"seventy_in_a_block.txt", 64, "more than 64 vertices", 1},
    {"vertex_range.txt", 3, "vertex 3 in a graph of 3", 1},
    {"node_range.txt", 3, "vertex 3 in a graph of 3", 1},
    {"negative_vertex.txt", 2, "is -1", 1},
    {"class_nine.txt", 2, "1 to 7", 1},
    {"class_zero.txt", 2, "1 to 7", 1},
    {"node_class.txt", 2, "0 to 7", 1},
    {"negative_class.txt", 2, "0 to 7", 1},
    {"fraction_class.txt", 2, "'0.5'", 1},
    {"four_columns.txt", 2, "'1' behind the class", 1},
    {"node_alone.txt", 2, "missing", 1},
    {"node_columns.txt", 2, "'3' behind the class", 1},
    {"graph_columns.txt", 1, "'4' behind the number", 1},
    {"graph_word.txt", 1, "'three'", 1},
    {"graph_negative.txt", 1, "1 to 64", 1},
    {"graph_misspelt.txt", 1, "'graphs'", 1},
    {"one_column.txt", 2, "second vertex is missing", 1},
    {"word.txt", 2, "'one'", 1},
    {"huge_vertex.txt", 2, "2^62", 1},
    {"huge_graph.txt", 1, "2^62", 1},
    {"two_classes.txt", 4, "class 2 here and 1 before", 1},
    {"two_node_classes.txt", 3, "class 0 here and 1 before", 1},
    {"before_graph.txt", 1, "belongs to no graph", 1},
    {"binary.txt", 3, "binary", 1},
    {"image.txt", 3, "binary", 1},
    {"bytes.txt", 1, "first vertex '", 1},
    {"many_faults.txt", 2, "'a'", 12},
    {"many_graphs.txt", 2, "vertex 2 in a graph of 2", 12},
    {"html.txt", 1, "'<!DOCTYPE'", 2},
    {"matrix.txt", 4, "1 to 3", 1},
    {"carriage_return.txt", 2, "'x'", 1},
    {"last_line.txt", 3, "'2y'", 1},
    {"json.txt", 1, "first vertex", 1},
};

static char path[200];

static void write_file(const char *to, const char *text, size_t length)
{
  FILE *file = fopen(to, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, length, file), length);
  fclose(file);
}

static GraphSet *read_or_fail(const char *from, const char *what)
{
  GraphErrors errors = {0};
  GraphSet   *set    = NULL;
  assert_int_equal(graph_set_read(from, &set, &errors), 0);
  if (!set || errors.n) fail_msg("`%s`: %s", what, errors.n ? errors.line[0] : "no set and no reason");
  graph_errors_clear(&errors);
  return set;
}

static GraphSet *read_text(const char *text)
{
  snprintf(path, sizeof path, "/tmp/myopia_set_%ld", (long)getpid());
  write_file(path, text, strlen(text));
  GraphSet *const set = read_or_fail(path, text);
  unlink(path);
  return set;
}

/* The set has no graph, and the first of `faults` errors begins with the place and holds the word. */
static void expect_fault(const char *from, int line, const char *word, int faults)
{
  GraphErrors errors = {0};
  GraphSet   *set    = NULL;
  char        start[300];
  assert_int_equal(graph_set_read(from, &set, &errors), 0);
  if (set) fail_msg("%s: expected a fault, got a set", from);
  if (faults > 0 && errors.n != faults)
    fail_msg("%s: expected %d faults, got %d: %s", from, faults, errors.n, errors.n ? errors.line[0] : "");
  snprintf(start, sizeof start, line > 0 ? "%s:%d: " : "%s: ", from, line);
  if (strncmp(errors.line[0], start, strlen(start)) != 0 || !strstr(errors.line[0] + strlen(from), word))
    fail_msg("%s: expected line %d and `%s`, got %s", from, line, word, errors.line[0]);
  graph_errors_clear(&errors);
}

/* Graph g of the set by a picture: pairs "01 12:2" with classes, and node classes as digits. */
static void expect_graph(const GraphSet *s, int64_t g, const char *nodes, const char *edges)
{
  Small t = {.n = (int)strlen(nodes)};
  for (const char *c = edges; *c;) {
    const int i = c[0] - '0', j = c[1] - '0';
    c += 2;
    t.edge[pair_index(i, j)] = (uint8_t)(*c == ':' ? c[1] - '0' : 1);
    while (*c && *c != ' ') c++;
    while (*c == ' ') c++;
  }
  if (s->size[g] != t.n) fail_msg("graph %d: expected %d vertices, got %d", (int)g, t.n, s->size[g]);
  for (int i = 0; i < s->n; i++) {
    assert_int_equal(s->node[g * s->n + i], i < t.n ? nodes[i] - '0' : 0);
    assert_int_equal(s->cluster[g * s->n + i], SET_NO_CLUSTER);
  }
  for (int k = 0; k < s->pairs; k++)
    if (s->edge[g * s->pairs + k] != t.edge[k])
      fail_msg("graph %d: pair %d: expected class %d, got %d", (int)g, k, t.edge[k], s->edge[g * s->pairs + k]);
}

static void graphs_after_graph_lines(void **state)
{
  (void)state;
  GraphSet *s = read_text("# a set\n\n graph 4 \n0 1\n\n2,3 , 2\n1 0\n% c\ngraph\n7 5\nnode 6 3\n5 5\n\tgraph\t2\r\n\ngraph 1");
  assert_true(s->count == 4 && s->n == 4 && s->pairs == 6 && s->a == 4 && s->b == 3 && s->joints == 0 && !s->site && !s->resistance);
  expect_graph(s, 0, "0000", "01 23:2");
  expect_graph(s, 1, "030", "02");
  expect_graph(s, 2, "00", "");
  expect_graph(s, 3, "0", "");
  graph_set_destroy(&s);
  assert_null(s);
  graph_set_destroy(&s);
}

static void graphs_between_blank_lines(void **state)
{
  (void)state;
  GraphSet *s = read_text("\n\n0 1\n1 2\n# no blank line\n2 0\n \t\n900 4611686018427387904\n30 900\n\n\n5 5\n3 4\n");
  assert_true(s->count == 3 && s->n == 3 && s->a == 1 && s->b == 2);
  expect_graph(s, 0, "000", "01 12 02");
  expect_graph(s, 1, "000", "01 12");
  expect_graph(s, 2, "000", "01");
  graph_set_destroy(&s);
}

static void bridges_of_files_are_those_of_graph_theory(void **state)
{
  (void)state;
  GraphSet *s = read_text("graph 7\n0 1\n1 2\n0 2\n2 3\n3 4\n4 5\n5 6\n6 4\ngraph 3\n0 1\n");
  for (int64_t g = 0; g < 2; g++)
    for (int k = 0; k < s->pairs; k++) {
      const bool expected = g == 0 ? k == pair_index(2, 3) || k == pair_index(3, 4) : k == pair_index(0, 1);
      assert_int_equal(s->bridge[g * s->pairs + k], expected);
    }
  graph_set_destroy(&s);
}

static void a_matrix_is_one_graph(void **state)
{
  (void)state;
  GraphSet *s = read_text("%%MatrixMarket matrix coordinate real symmetric\n4 4 3\n2 1 0.5\n3 2 -2\n4 4 7\n");
  assert_int_equal(s->count, 1);
  expect_graph(s, 0, "0000", "01 12");
  graph_set_destroy(&s);
}

static void bad_files_are_refused_with_their_line(void **state)
{
  (void)state;
  char name[300];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    snprintf(name, sizeof name, "%s/%s", BAD_SETS, bad[i].name);
    expect_fault(name, bad[i].line, bad[i].word, bad[i].faults);
  }
}

/* What random sets say when written is what is read. */
static void written_sets_read_back(void **state)
{
  (void)state;
  Rng r = rng_start(KEY, 0, RNG_VERIFY);
  snprintf(path, sizeof path, "/tmp/myopia_set_%ld", (long)getpid());
  for (int trial = 0; trial < 12; trial++) {
    enum { COUNT = 9 };
    const int a = trial % 3 ? 8 : 1, b = trial % 2 ? 8 : 2, n = trial < 2 ? 64 : 2 + trial, pairs = pair_count(n);
    uint8_t   size[COUNT], *node = calloc((size_t)(COUNT * n), 1), *edge = calloc((size_t)(COUNT * pairs), 1);
    for (int g = 0; g < COUNT; g++) {
      size[g] = (uint8_t)(g == 4 ? n : 1 + (int)rng_below(&r, (uint32_t)n));
      for (int i = 0; i < size[g]; i++) node[g * n + i] = (uint8_t)rng_below(&r, (uint32_t)a);
      for (int k = 0; k < pair_count(size[g]); k++) edge[g * pairs + k] = (uint8_t)(rng_below(&r, 3) ? 0 : rng_below(&r, (uint32_t)b));
    }
    for (int c = 0; c < a; c++) node[4 * n + c % n] = (uint8_t)PetscMax(node[4 * n + c % n], c % n == 0 ? a - 1 : 0);
    edge[4 * pairs] = (uint8_t)(b - 1);
    FILE *file      = fopen(path, "w");
    assert_int_equal(graph_set_write(file, n, a, b, COUNT, size, node, edge), 0);
    fclose(file);
    GraphSet *s = read_or_fail(path, "written");
    assert_true(s->n == n && s->a == a && s->b == b && s->count == COUNT);
    assert_memory_equal(s->size, size, COUNT);
    assert_memory_equal(s->node, node, (size_t)(COUNT * n));
    assert_memory_equal(s->edge, edge, (size_t)(COUNT * pairs));
    graph_set_destroy(&s);
    free(node);
    free(edge);
  }
  unlink(path);
}

static void writing_to_a_full_disk_is_an_errno(void **state)
{
  (void)state;
  FILE *file = fopen("/dev/full", "w");
  if (!file) skip();
  const uint8_t size[1] = {2}, edge[1] = {1};
  assert_int_not_equal(graph_set_write(file, 2, 1, 2, 1, size, NULL, edge), 0);
  fclose(file);
}

static void in_folder(char out[260], const char *name) { snprintf(out, 260, "%s/%s", path, name); }

static void add(const char *name, const char *text)
{
  char to[260];
  in_folder(to, name);
  write_file(to, text, strlen(text));
}

static void make_folder(void)
{
  snprintf(path, sizeof path, "/tmp/myopia_sets_XXXXXX");
  assert_non_null(mkdtemp(path));
}

static void remove_folder(void)
{
  char command[260];
  snprintf(command, sizeof command, "rm -r %s", path);
  assert_int_equal(system(command), 0);
}

static void a_folder_is_read_by_names(void **state)
{
  (void)state;
  char below[260];
  make_folder();
  expect_fault(path, 0, "no file in this folder", 1);
  in_folder(below, "a.folder");
  assert_int_equal(mkdir(below, 0700), 0);
  add(".hidden", "no graph at all");
  expect_fault(path, 0, "no file in this folder", 1);
  add("b.txt", "10 20 0.5\n20 30 7\n");
  add("B.mtx", "%%MatrixMarket matrix coordinate pattern symmetric\n4 4 2\n2 1\n4 1\n");
  add("a.graph", "3 2\n2 3\n1\n1\n");
  GraphSet *s = read_or_fail(path, "folder");
  assert_true(s->count == 3 && s->n == 4 && s->a == 1 && s->b == 2);
  expect_graph(s, 0, "0000", "01 03"); /* B before a: by bytes, whatever the locale */
  expect_graph(s, 1, "000", "01 02");
  expect_graph(s, 2, "000", "01 12");
  graph_set_destroy(&s);
  add("c.txt", "0 1\n1 x\n");
  add("d.txt", "");
  char place[260];
  in_folder(place, "c.txt");
  GraphErrors errors = {0};
  assert_int_equal(graph_set_read(path, &s, &errors), 0);
  assert_null(s);
  assert_int_equal(errors.n, 2);
  assert_non_null(strstr(errors.line[0], "c.txt:2: "));
  assert_non_null(strstr(errors.line[1], "d.txt: "));
  graph_errors_clear(&errors);
  remove_folder();
}

static void a_folder_of_large_graphs_or_pipes(void **state)
{
  (void)state;
  char pipe[260], text[2000] = "";
  make_folder();
  for (int i = 0; i < 70; i++) sprintf(text + strlen(text), "%d %d\n", i, i + 1);
  add("large.txt", text);
  in_folder(pipe, "pipe");
  assert_int_equal(mkfifo(pipe, 0600), 0);
  GraphErrors errors = {0};
  GraphSet   *s;
  assert_int_equal(graph_set_read(path, &s, &errors), 0);
  assert_int_equal(errors.n, 2);
  assert_non_null(strstr(errors.line[0], "71 vertices: at most 64"));
  assert_non_null(strstr(errors.line[1], "no regular file"));
  graph_errors_clear(&errors);
  expect_fault(pipe, 0, "no regular file", 1);
  remove_folder();
}

static void what_cannot_be_opened_says_why(void **state)
{
  (void)state;
  expect_fault("/nowhere/set.txt", 0, "No such file", 1);
  expect_fault("/dev/null", 0, "no regular file", 1);
  if (geteuid() == 0) return; /* root may read everything */
  snprintf(path, sizeof path, "/tmp/myopia_set_%ld", (long)getpid());
  write_file(path, "0 1\n", 4);
  assert_int_equal(chmod(path, 0), 0);
  expect_fault(path, 0, "ermission", 1);
  unlink(path);
}

/* Bytes at random, and words that a set is made of in random order: a set or errors, never both, never anything else. */
static void anything_is_read_or_refused(void **state)
{
  (void)state;
  static const char *const words[] = {"graph 3\n",
                                      "node 1 2\n",
                                      "0 1\n",
                                      "\n",
                                      "2 1 1\n",
                                      "graph",
                                      "graph ",
                                      "node ",
                                      "1 2 3\n",
                                      " ",
                                      "7",
                                      "-",
                                      "99999999999999999999",
                                      ",",
                                      "#",
                                      "%",
                                      "\r",
                                      "\t",
                                      "1e3",
                                      "nan",
                                      "0x1",
                                      "64",
                                      "65",
                                      "\xff",
                                      "2 2 2\n"};
  static const int         kinds[] = {5, 10, sizeof words / sizeof *words}; /* sound lines, pieces of lines, anything */
  Rng                      r       = rng_start(KEY, 1, RNG_VERIFY);
  int                      sets    = 0;
  char                     text[4000];
  snprintf(path, sizeof path, "/tmp/myopia_set_%ld", (long)getpid());
  for (int trial = 0; trial < 1000; trial++) {
    size_t length = 0;
    for (int k = (int)rng_below(&r, trial % 2 ? 12 : 60); k > 0 && length < 3900; k--) {
      const char *const word = words[rng_below(&r, (uint32_t)kinds[trial % 3])];
      if (trial % 7 == 0)
        text[length++] = (char)rng_below(&r, 256);
      else
        length += (size_t)sprintf(text + length, "%s", word);
    }
    write_file(path, text, length);
    GraphErrors errors = {0};
    GraphSet   *s      = NULL;
    assert_int_equal(graph_set_read(path, &s, &errors), 0);
    if ((s != NULL) == (errors.n > 0)) fail_msg("trial %d: a set and errors, or neither", trial);
    for (int64_t g = 0; s && g < s->count; g++) assert_in_range(s->size[g], 1, s->n);
    sets += s != NULL;
    graph_set_destroy(&s);
    graph_errors_clear(&errors);
  }
  unlink(path);
  assert_in_range(sets, 50, 950); /* the trials meet both */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(graphs_after_graph_lines),
      cmocka_unit_test(graphs_between_blank_lines),
      cmocka_unit_test(bridges_of_files_are_those_of_graph_theory),
      cmocka_unit_test(a_matrix_is_one_graph),
      cmocka_unit_test(bad_files_are_refused_with_their_line),
      cmocka_unit_test(written_sets_read_back),
      cmocka_unit_test(writing_to_a_full_disk_is_an_errno),
      cmocka_unit_test(a_folder_is_read_by_names),
      cmocka_unit_test(a_folder_of_large_graphs_or_pipes),
      cmocka_unit_test(what_cannot_be_opened_says_why),
      cmocka_unit_test(anything_is_read_or_refused),
  };
  return cmocka_run_group_tests_name("graph_set_files", tests, NULL, NULL);
}
