/* SPDX-License-Identifier: BSD-2-Clause
 * What the harness itself costs a trial: a draw from the queue plus the row writes, in units of 256 trials of barbell's shape (4 metrics),
 * beside the same bytes by one pwrite a unit.
 * Validates first that every row can be read back. Usage: bench_store FILE.h5 (written and removed). */
#include <fcntl.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "memory.h"
#include "queue.h"
#include "results.h"

enum { UNIT = 256, UNITS = 2000, ROUNDS = 5 };

static const ProvenanceText provenance[] = {{"input", ""}, {"resolved_scientific", ""}, {"resolved_execution", ""}};

static void plan_create(ResultsPlan *plan, SweepPoint *point, TrialTable *table, ResultSchema *schema, Reference *reference)
{
  static const char *const names[] = {"connected", "rse", "lambda2", "bridges_kept"};
  *point  = (SweepPoint){.canonical = mem_strdup("seed=1\n"), .stream = 1, .identity = 2, .n_rows = (int64_t)UNIT * UNITS};
  *table  = (TrialTable){.experiment = "bench", .n_points = 1, .points = point, .n_rows = point->n_rows};
  *schema = (ResultSchema){0};
  for (int i = 0; i < 4; i++)
    PetscCallAbort(
        MPI_COMM_SELF,
        result_schema_metric(
            schema, &(MetricSpec){.name = names[i], .unit = "1", .long_name = names[i], .description = names[i], .estimator = "none"}));
  *reference = (Reference){0};
  *plan      = (ResultsPlan){.table        = table,
                             .schema       = schema,
                             .reference    = reference,
                             .record       = mem_calloc((size_t)table->n_rows, sizeof(bool)),
                             .every        = 1,
                             .title        = "bench",
                             .merit_unit   = "trials/s",
                             .command_line = "bench_store",
                             .ranks        = 1,
                             .n_provenance = 3,
                             .provenance   = provenance};
}

/* Seconds a trial to draw and write all units. */
static double store_all(const char *path, const ResultsPlan *plan)
{
  ResultsWriter *writer;
  Queue         *queue;
  Result        *result;
  double        *column, phase[PHASES] = {0};
  char           error[256];
  PetscCallAbort(MPI_COMM_SELF, results_open(MPI_COMM_WORLD, path, plan, &writer));
  if (queue_create(MPI_COMM_WORLD, 1, &queue)) exit(1);
  PetscCallAbort(MPI_COMM_SELF, result_create(plan->schema, UNIT, plan->record, &result));
  const double begin = MPI_Wtime();
  for (int64_t ticket;;) {
    if (queue_draw(queue, 0, &ticket) || ticket >= UNITS) break;
    PetscCallAbort(MPI_COMM_SELF, result_metric(result, "lambda2", &column));
    for (int i = 0; i < UNIT; i++) column[i] = (double)(ticket * UNIT + i);
    if (results_write(writer, ticket * UNIT, result, 1, 1, phase, error, sizeof error)) {
      fprintf(stderr, "%s\n", error);
      exit(1);
    }
    queue_add(queue, COUNT_DONE, UNIT);
  }
  const double seconds = MPI_Wtime() - begin;
  result_destroy(&result);
  queue_destroy(&queue);
  PetscCallAbort(MPI_COMM_SELF, results_close(&writer));
  return seconds / ((double)UNIT * UNITS);
}

static int validate(const char *path)
{
  ResultsTable *table;
  char          error[256];
  if (results_read(path, true, false, &table, error, sizeof error)) return fprintf(stderr, "%s\n", error), 1;
  int bad = 0;
  for (int m = 0; m < table->n_metrics; m++)
    for (int64_t r = 0; strcmp(table->metric[m].name, "lambda2") == 0 && r < table->n_rows; r++)
      bad += table->state[r] != TRIAL_DONE || table->metric[m].value[r] != (double)r;
  results_table_destroy(&table);
  return bad;
}

/* The same bytes, one pwrite a unit: what the file system asks for. */
static double raw(const char *path)
{
  enum { ROW = 4 * 8 + 6 * 8 + 1 + 4 + 4 + 8 + 96 };
  char        *bytes = mem_calloc(UNIT, ROW);
  const int    fd    = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  const double begin = MPI_Wtime();
  for (int64_t i = 0; i < UNITS; i++)
    if (pwrite(fd, bytes, (size_t)UNIT * ROW, i * UNIT * ROW) < 0) exit(1);
  const double seconds = MPI_Wtime() - begin;
  close(fd);
  unlink(path);
  free(bytes);
  return seconds / ((double)UNIT * UNITS);
}

int main(int argc, char **argv)
{
  ResultsPlan  plan;
  SweepPoint   point;
  TrialTable   table;
  ResultSchema schema;
  Reference    reference;
  char         error[256];
  double       ours[ROUNDS], floor[ROUNDS];
  int          bad = 0;
  int64_t      taken;
  if (argc < 2) return fprintf(stderr, "usage: bench_store FILE.h5\n"), 2;
  MPI_Init(&argc, &argv);
  plan_create(&plan, &point, &table, &schema, &reference);
  for (int k = 0; k < ROUNDS; k++) {
    char *other = mem_format("%s.raw", argv[1]);
    if (results_create(argv[1], &plan, NULL, &taken, error, sizeof error)) return fprintf(stderr, "%s\n", error), 1;
    ours[k]  = store_all(argv[1], &plan);
    floor[k] = raw(other);
    bad += validate(argv[1]);
    unlink(argv[1]);
    free(other);
  }
  const double ours_median = median(ROUNDS, ours), floor_median = median(ROUNDS, floor);
  printf("store: queue + file %.0f ns/trial in units of %d; same bytes by pwrite %.0f ns/trial; ratio %.1f; rows read back wrong: %d\n",
         1e9 * ours_median, UNIT, 1e9 * floor_median, ours_median / floor_median, bad);
  MPI_Finalize();
  return bad != 0;
}
