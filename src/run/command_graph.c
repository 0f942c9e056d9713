/* SPDX-License-Identifier: BSD-2-Clause
 * `myopia resistance GRAPH` and `myopia spectrum GRAPH`: short forms of `run`. They write the input that a user would have written, and go
 * the same way; --csv prints the arrays of the results file. Without --out the file is a scratch one and goes when the command ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command_run.h"
#include "error.h"
#include "experiment.h"
#include "log.h"
#include "memory.h"
#include "results.h"
#include "scratch.h"
#include "text.h"

/* --- the input --- */

static void add_value(Text *input, const char *name, const char *value)
{
  text_add(input, "  %s: ", name);
  text_add_json(input, value);
  text_append(input, "\n");
}

/* A name of a generator stands for it, unless there is a file of that name. */
static bool is_generator(const Experiment *e, const char *graph)
{
  const ParamSpec *spec = param_find(e->params, "graph");
  if (access(graph, F_OK) == 0 || strcmp(graph, "file") == 0) return false;
  for (int i = 0; spec->choices[i]; i++)
    if (strcmp(spec->choices[i], graph) == 0) return true;
  return false;
}

static void write_input(const Arguments *a, const Experiment *e, Text *input)
{
  const char *graph = a->word[0];
  text_add(input, "schema: myopia/1\nexperiment: %s\ntitle: ", e->name);
  text_add_json(input, graph);
  text_append(input, "\nparameters:\n");
  if (is_generator(e, graph)) {
    text_add(input, "  graph: %s\n", graph);
  } else {
    text_append(input, "  graph: file\n");
    add_value(input, "file", graph);
  }
  if (a->method) text_add(input, "  method: %s\n", a->method);
  if (a->pairs) add_value(input, "pairs", a->pairs);
  if (a->eigenpairs) text_add(input, "  k: %s\n", a->eigenpairs);
  text_append(input, "record: {trajectories: first}\n");
}

/* --- CSV --- */

/* A table of the first recorded trial: a number a row, then these arrays; the last one only where the file has it. */
typedef struct CsvTable {
  const char *number, *array[3], *header[3];
} CsvTable;
static const CsvTable resistance_table = {"edge", {"edges", "resistance", "stderr"}, {"u,v", "resistance", "stderr"}};
static const CsvTable spectrum_table   = {"index", {"eigenvalues", "residuals", NULL}, {"eigenvalue", "residual", NULL}};

static const ResultsArray *find_array(int n, const ResultsArray *arrays, const char *name)
{
  for (int i = 0; name && i < n; i++)
    if (strcmp(arrays[i].name, name) == 0) return &arrays[i];
  return NULL;
}

static void print_cells(FILE *out, const ResultsArray *a, int64_t row)
{
  const int64_t columns = a->rank > 1 ? a->shape[1] : 1;
  for (int64_t c = 0; c < columns; c++) {
    if (a->type == ARRAY_I64)
      fprintf(out, ",%lld", (long long)((const int64_t *)a->data)[row * columns + c]);
    else
      fprintf(out, ",%.17g", ((const double *)a->data)[row * columns + c]);
  }
}

static void print_csv(FILE *out, const CsvTable *table, int n, const ResultsArray *arrays)
{
  const ResultsArray *column[3];
  fputs(table->number, out);
  for (int i = 0; i < 3; i++) {
    column[i] = find_array(n, arrays, table->array[i]);
    if (column[i]) fprintf(out, ",%s", table->header[i]);
  }
  fputc('\n', out);
  for (int64_t row = 0; column[0] && row < column[0]->shape[0]; row++) {
    fprintf(out, "%lld", (long long)row);
    for (int i = 0; i < 3; i++)
      if (column[i]) print_cells(out, column[i], row);
    fputc('\n', out);
  }
}

static int write_csv(FILE *out, const CsvTable *table, const char *path)
{
  char          error[512];
  int           n;
  ResultsArray *arrays;
  if (results_first_recorded(path, &n, &arrays, error, sizeof error)) {
    log_error("%s", error);
    return EXIT_IO;
  }
  print_csv(out, table, n, arrays);
  results_arrays_destroy(n, &arrays);
  return fflush(out) || ferror(out) ? EXIT_IO : EXIT_VALID;
}

/* With --csv the standard output belongs to the table alone: what `run` prints goes to stderr. Returns the stream of the table. */
static FILE *set_stdout_aside(void)
{
  fflush(stdout);
  FILE *out = fdopen(dup(STDOUT_FILENO), "w");
  if (out) dup2(STDERR_FILENO, STDOUT_FILENO);
  return out;
}

/* --- the command --- */

static int run_graph(const Arguments *given, const char *experiment, const CsvTable *table)
{
  MPI_Comm  world                 = MPI_COMM_WORLD;
  Arguments a                     = *given;
  Text      input                 = {0};
  char      folder[SCRATCH_BYTES] = "", path[SCRATCH_BYTES];
  int       code                  = EXIT_INPUT, rank, size;
  FILE     *csv                   = NULL;
  MPI_Comm_rank(world, &rank);
  MPI_Comm_size(world, &size);
  if (!a.out) {
    scratch_make(world, folder, path);
    if (!folder[0]) return EXIT_IO;
    a.out     = path;
    a.scratch = true;
  }
  if (!a.ranks_given) a.ranks_per_trial = size;
  write_input(&a, experiment_find(experiment), &input);
  a.word[0] = experiment;
  if (a.csv && rank == 0 && !(csv = set_stdout_aside())) log_error("cannot write a table to the standard output");
  if (run_study(world, &a, text_string(&input), input.length, &code)) MPI_Abort(world, EXIT_ENVIRONMENT);
  fflush(stdout);
  if (csv && code == EXIT_VALID) {
    const int written = write_csv(csv, table, a.out);
    if (written != EXIT_VALID) code = written;
  }
  if (a.csv && rank == 0 && !csv) code = EXIT_IO;
  if (csv) fclose(csv);
  (void)MPI_Bcast(&code, 1, MPI_INT, 0, world);
  if (rank == 0) scratch_remove(folder);
  text_clear(&input);
  return code;
}

static int run_resistance(const Arguments *a) { return run_graph(a, "resistance", &resistance_table); }
static int run_spectrum(const Arguments *a) { return run_graph(a, "spectrum", &spectrum_table); }

const Command command_resistance = {.name       = "resistance",
                                    .arguments  = "GRAPH [SET...] [options]",
                                    .summary    = "effective resistance of every edge of a graph file or generator",
                                    .options    = "--out --method --pairs --csv --resume --overwrite --ranks-per-trial --time-limit",
                                    .min_words  = 1,
                                    .max_words  = 1,
                                    .takes_sets = true,
                                    .mpi        = true,
                                    .run        = run_resistance};

const Command command_spectrum = {.name       = "spectrum",
                                  .arguments  = "GRAPH [SET...] [options]",
                                  .summary    = "smallest Laplacian eigenvalues of a graph file or generator",
                                  .options    = "--out -k --method --csv --resume --overwrite --ranks-per-trial --time-limit",
                                  .min_words  = 1,
                                  .max_words  = 1,
                                  .takes_sets = true,
                                  .mpi        = true,
                                  .run        = run_spectrum};
