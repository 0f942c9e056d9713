/* SPDX-License-Identifier: BSD-2-Clause
 * The runner under real MPI with an experiment whose trials use all ranks of their group: groups of 1, 2 and 3 ranks by phase, every row
 * written once with the same value whatever the group, and a stop that one rank of a group asks for. Only rank 0 prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "run/runner.h"
#include "signals.h"

typedef struct ToyParams {
  int64_t terms;
} ToyParams;

static const ParamSpec toy_params[] = {
    {"terms", PARAM_INT, offsetof(ToyParams, terms), "10", 1, 1e9, 0, "1", NULL, NULL, NULL, "terms of the sum"},
    {0},
};

static PetscErrorCode toy_declare(const void *params, int64_t every, ResultSchema *schema)
{
  (void)params, (void)every;
  PetscFunctionBeginUser;
  PetscCall(
      result_schema_metric(schema, &(MetricSpec){.name = "sum", .unit = "1", .long_name = "sum", .description = "", .estimator = ""}));
  PetscCall(
      result_schema_metric(schema, &(MetricSpec){.name = "size", .unit = "1", .long_name = "size", .description = "", .estimator = ""}));
  PetscFunctionReturn(0);
}

/* sum of 1..terms plus the replicate, its terms dealt out to the ranks; many terms stand for a long trial. */
static PetscErrorCode toy_run(MPI_Comm comm, const TrialBatch *batch, RunControl *control, Result *result)
{
  const ToyParams *p = batch->params;
  double          *sum, *ranks;
  int              rank, size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(result_metric(result, "sum", &sum));
  PetscCall(result_metric(result, "size", &ranks));
  for (int64_t i = 0; i < batch->n; i++) {
    double part = 0;
    for (int64_t k = 1 + rank; k <= p->terms; k += size) part += (double)k;
    if (p->terms > 1000) usleep(20000);
    if (control_should_stop(control) != STOP_NO) PetscFunctionReturn(0);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &part, 1, MPI_DOUBLE, MPI_SUM, comm));
    sum[i]   = part + (double)batch->replicate[i];
    ranks[i] = size;
  }
  PetscFunctionReturn(0);
}

static double toy_cost(const void *params) { return ((const ToyParams *)params)->terms > 1000 ? 0.02 : 1e-3; }

static const Experiment toy = {.name        = "toy",
                               .params      = toy_params,
                               .params_size = sizeof(ToyParams),
                               .parallel    = true,
                               .merit_unit  = "trials/s",
                               .cost        = toy_cost,
                               .declare     = toy_declare,
                               .run         = toy_run};

/* A plan by hand, as plan_create makes it for listed experiments. */
static Plan plan_of(const char *yaml, Diagnostics *d)
{
  Plan p  = {.experiment = &toy};
  p.study = study_parse("toy.yaml", yaml, strlen(yaml), 0, NULL, d);
  p.table = study_expand(p.study, "toy", toy_params, sizeof(ToyParams), NULL, d);
  assert_int_equal(diagnostics_errors(d), 0);
  p.schema = mem_calloc((size_t)p.table->n_points, sizeof *p.schema);
  p.record = mem_calloc((size_t)p.table->n_rows, sizeof *p.record);
  p.cost   = mem_calloc((size_t)p.table->n_points, sizeof *p.cost);
  for (int64_t i = 0; i < p.table->n_points; i++) {
    assert_int_equal(toy_declare(p.table->points[i].params, 1, &p.schema[i]), 0);
    p.cost[i] = toy_cost(p.table->points[i].params);
  }
  assert_int_equal(results_union(p.table->n_points, p.schema, &p.all), 0);
  return p;
}

static ResultsTable *run_toy(const char *yaml, RunOutcome *outcome)
{
  char           path[] = "/tmp/myopia-test-runner-XXXXXX", error[256] = "";
  Diagnostics   *d = diagnostics_create();
  Plan           p = plan_of(yaml, d), *owned = mem_calloc(1, sizeof p);
  ResultsPlan    plan = plan_results(&p);
  ResultsWriter *writer;
  ResultsTable  *table = NULL;
  uint8_t       *todo  = mem_calloc((size_t)p.table->n_rows, 1);
  int            rank;
  int64_t        taken;

  const ProvenanceText text[] = {{"input", yaml}, {"resolved_scientific", ""}, {"resolved_execution", ""}};
  plan.n_provenance           = 3;
  plan.provenance             = text;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0) close(mkstemp(path));
  MPI_Bcast(path, sizeof path, MPI_CHAR, 0, MPI_COMM_WORLD);
  if (rank == 0) assert_int_equal(results_create(path, &plan, NULL, &taken, error, sizeof error), 0);
  MPI_Barrier(MPI_COMM_WORLD);
  memset(todo, 1, (size_t)p.table->n_rows);
  assert_int_equal(results_open(MPI_COMM_WORLD, path, &plan, &writer), 0);
  assert_int_equal(runner_run(MPI_COMM_WORLD, &(Arguments){.ranks_per_trial = 1}, &p, todo, 1, INFINITY, writer, outcome), 0);
  assert_int_equal(results_close(&writer), 0);
  assert_int_equal(results_read(path, true, false, &table, error, sizeof error), 0);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) unlink(path);
  free(todo);
  *owned = p;
  plan_destroy(&owned);
  diagnostics_destroy(&d);
  return table;
}

static void groups_of_every_size_give_the_same_rows(void **state)
{
  (void)state;
  RunOutcome    outcome;
  ResultsTable *t = run_toy("experiment: toy\nreplicates: 7\nsweep: {terms: [10, 100], ranks: [1, 3, 2]}\n", &outcome);
  assert_false(outcome.interrupted);
  assert_int_equal(outcome.done, 42);
  for (int64_t r = 0; r < t->n_rows; r++) {
    const double terms = r < 21 ? 10 : 100;
    assert_int_equal(t->state[r], TRIAL_DONE);
    assert_true(t->metric[0].value[r] == terms * (terms + 1) / 2 + (double)t->replicate[r]);
    assert_true(t->metric[1].value[r] == t->ranks[r]);
  }
  results_table_destroy(&t);
}

/* SIGUSR1 at one member of a group: all its ranks leave the trial together, the others stop drawing, rows that are not done stay so. */
static void one_rank_stops_all(void **state)
{
  (void)state;
  RunOutcome outcome;
  int        rank, size;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (rank == size - 1) raise(SIGUSR1);
  ResultsTable *t    = run_toy("experiment: toy\nreplicates: 40\nparameters: {terms: 5000}\nsweep: {ranks: [2]}\n", &outcome);
  int64_t       done = 0;
  for (int64_t r = 0; r < t->n_rows; r++) done += t->state[r] == TRIAL_DONE;
  assert_true(outcome.interrupted);
  assert_int_equal(outcome.done, done);
  assert_true(done < t->n_rows);
  results_table_destroy(&t);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(groups_of_every_size_give_the_same_rows), cmocka_unit_test(one_rank_stops_all)};
  int                     rank;
  MPI_Init(&argc, &argv);
  signals_install();
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank != 0 && !freopen("/dev/null", "w", stdout)) return 1;
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
