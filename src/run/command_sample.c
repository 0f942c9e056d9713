/* SPDX-License-Identifier: BSD-2-Clause
 * `myopia sample MODEL -n N --out F`: graphs from a model that a trial of graph_diffusion has written. A short form of `run`: it writes
 * the input that a user would have written, with the data that the checkpoint names, and goes the same way. F.h5 is the results file with
 * all its measures; any other name becomes a set file (text), which graph_diffusion reads again. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command_run.h"
#include "error.h"
#include "graph_checkpoint.h"
#include "graph_set.h"
#include "log.h"
#include "memory.h"
#include "results.h"
#include "scratch.h"
#include "text.h"

enum { SAMPLE_DEFAULT = 1000 };

/* --- the input --- */

/* All ranks read the file; false with a sentence. The origin is a flow mapping of the data's parameters; the sample's own follow. */
static bool write_input(const Arguments *a, int64_t count, Text *input, char error[256])
{
  GraphCheckpoint *c;
  if (!graph_checkpoint_read(a->word[0], &c, error)) return false;
  const size_t n = strlen(c->origin);
  if (n < 2 || c->origin[0] != '{' || c->origin[n - 1] != '}') {
    snprintf(error, 256, "%.180s does not say which data it was trained on", a->word[0]);
    graph_checkpoint_destroy(&c);
    return false;
  }
  text_append(input, "schema: myopia/1\nexperiment: graph_diffusion\ntitle: ");
  text_add_json(input, a->word[0]);
  text_add(input, "\nparameters: {%.*s%sposterior: checkpoint, samples: %lld, recorded_graphs: %lld, model_file: ", (int)(n - 2),
           c->origin + 1, n > 2 ? ", " : "", (long long)count, (long long)count);
  text_add_json(input, a->word[0]);
  text_append(input, "}\nrecord: {trajectories: first}\n");
  graph_checkpoint_destroy(&c);
  return true;
}

/* The same on all ranks; a file that some cannot read is told by the first of them. */
static int make_input(MPI_Comm world, const Arguments *a, int64_t count, Text *input)
{
  char error[256] = "";
  int  rank, size, first;
  MPI_Comm_rank(world, &rank);
  MPI_Comm_size(world, &size);
  const bool good = write_input(a, count, input, error);
  first           = good ? size : rank;
  (void)MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, world);
  if (first == rank) log_error("%s", error);
  return first < size ? EXIT_INPUT : EXIT_VALID;
}

/* --- the graphs as text --- */

static const ResultsArray *find_array(int n, const ResultsArray *arrays, const char *name)
{
  for (int i = 0; i < n; i++)
    if (strcmp(arrays[i].name, name) == 0) return &arrays[i];
  return NULL;
}

/* Classes of the set: the largest that occur. */
static int classes_of(const ResultsArray *a, int least)
{
  int largest = least - 1;
  for (int64_t i = 0; a && i < a->shape[0] * a->shape[1]; i++)
    if (((const uint8_t *)a->data)[i] > largest) largest = ((const uint8_t *)a->data)[i];
  return largest + 1;
}

static int put_graphs(const char *path, int n_arrays, const ResultsArray *arrays)
{
  const ResultsArray *edge = find_array(n_arrays, arrays, "samples"), *size = find_array(n_arrays, arrays, "samples_size");
  const ResultsArray *node = find_array(n_arrays, arrays, "samples_node"), *law = find_array(n_arrays, arrays, "size_frequency");
  if (!edge || !size || !law) return EINVAL;
  char *partial = mem_format("%s.tmp", path);
  FILE *out     = fopen(partial, "w");
  int   code    = out ? 0 : errno;
  if (out) {
    const int n = (int)law->shape[0] - 1;
    code =
        graph_set_write(out, n, classes_of(node, 1), classes_of(edge, 2), edge->shape[0], size->data, node ? node->data : NULL, edge->data);
    if (!code && (fflush(out) || fsync(fileno(out)))) code = errno;
    if (fclose(out) && !code) code = errno;
    if (!code && rename(partial, path)) code = errno;
    if (code) unlink(partial);
  }
  free(partial);
  return code;
}

static int write_text(const char *results, const char *path)
{
  char          error[512];
  int           n;
  ResultsArray *arrays;
  if (results_first_recorded(results, &n, &arrays, error, sizeof error)) {
    log_error("%s", error);
    return EXIT_IO;
  }
  const int code = put_graphs(path, n, arrays);
  if (code) log_error("cannot write %s: %s", path, strerror(code));
  results_arrays_destroy(n, &arrays);
  return code ? EXIT_IO : EXIT_VALID;
}

/* --- the command --- */

static bool is_results(const char *path)
{
  const size_t n = strlen(path);
  return n > 3 && strcmp(path + n - 3, ".h5") == 0;
}

/* Whether the graphs can be put there by a rename, which would also replace a device; false with a message. */
static bool may_write_text(const Arguments *a)
{
  struct stat about;
  const bool  exists = stat(a->out, &about) == 0;
  char       *copy = mem_strdup(a->out), *folder = dirname(copy);
  const int   code = access(folder, W_OK | X_OK) ? errno : 0;
  if (exists && !S_ISREG(about.st_mode))
    log_error("%s is there already and no file", a->out);
  else if (exists && !a->overwrite)
    log_error("%s exists; give another name or --overwrite", a->out);
  else if (code)
    log_error("cannot write %s: %s: %s", a->out, folder, strerror(code));
  free(copy);
  return !code && !(exists && (!S_ISREG(about.st_mode) || !a->overwrite));
}

/* What makes this command what it is cannot be set; false with a message. */
static bool may_set(const Arguments *a)
{
  static const char *const own[] = {"posterior", "model_file", "samples"};
  for (int i = 0; i < a->n_sets; i++)
    for (size_t k = 0; k < sizeof own / sizeof *own; k++)
      if (strncmp(a->sets[i], own[k], strlen(own[k])) == 0 && a->sets[i][strlen(own[k])] == '=') {
        log_error("`myopia sample` cannot set %s: it draws -n N graphs from the model it is given", own[k]);
        return false;
      }
  return true;
}

/* 0, or the exit code of what stands in the way. */
static int refuse(const Arguments *a)
{
  if (!a->out) {
    log_error("`myopia sample` needs --out FILE: a results file (.h5), or the graphs as text (any other name)");
    return EXIT_INPUT;
  }
  if (!may_set(a) || (!is_results(a->out) && !may_write_text(a))) return EXIT_INPUT;
  return EXIT_VALID;
}

static int run_sample(const Arguments *given)
{
  MPI_Comm  world                 = MPI_COMM_WORLD;
  Arguments a                     = *given;
  Text      input                 = {0};
  char      folder[SCRATCH_BYTES] = "", path[SCRATCH_BYTES];
  int       code                  = 0, rank, size;
  MPI_Comm_rank(world, &rank);
  MPI_Comm_size(world, &size);
  if (rank == 0) code = refuse(&a);
  (void)MPI_Bcast(&code, 1, MPI_INT, 0, world);
  if (code) return code;
  code = make_input(world, &a, a.count ? a.count : SAMPLE_DEFAULT, &input);
  if (!code && !is_results(a.out)) {
    scratch_make(world, folder, path);
    a.out     = path;
    a.scratch = true;
    if (!folder[0]) code = EXIT_IO;
  }
  if (!a.ranks_given) a.ranks_per_trial = size;
  a.word[0] = "graph_diffusion";
  if (!code && run_study(world, &a, text_string(&input), input.length, &code)) MPI_Abort(world, EXIT_ENVIRONMENT);
  if (a.scratch && rank == 0 && code == EXIT_VALID) code = write_text(path, given->out);
  (void)MPI_Bcast(&code, 1, MPI_INT, 0, world);
  if (rank == 0) scratch_remove(folder);
  text_clear(&input);
  return code;
}

const Command command_sample = {.name       = "sample",
                                .arguments  = "MODEL --out FILE [SET...] [options]",
                                .summary    = "draw graphs from a trained model",
                                .options    = "--out -n --overwrite --resume --ranks-per-trial --time-limit",
                                .min_words  = 1,
                                .max_words  = 1,
                                .takes_sets = true,
                                .mpi        = true,
                                .run        = run_sample};
