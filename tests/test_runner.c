/* SPDX-License-Identifier: BSD-2-Clause
 * The runner under real MPI with an experiment whose trials use all ranks of their group: groups of 1, 2 and 3 ranks by phase, every row
 * written once with the same value whatever the group, and a stop that one rank of a group asks for. Ranks per trial: what auto chooses,
 * by brute force over all numbers, and what is refused. Only rank 0 prints. */
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

static double toy_cost(const void *params)
{
  const int64_t terms = ((const ToyParams *)params)->terms;
  return terms > 100000 ? 1 : terms > 1000 ? 0.02 : 1e-3;
}

/* As many as there are terms. */
static int toy_max_ranks(const void *params) { return (int)((const ToyParams *)params)->terms; }

static const Experiment toy = {.name        = "toy",
                               .params      = toy_params,
                               .params_size = sizeof(ToyParams),
                               .parallel    = true,
                               .merit_unit  = "trials/s",
                               .cost        = toy_cost,
                               .max_ranks   = toy_max_ranks,
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

static ResultsTable *run_toy(const char *yaml, bool automatic, RunOutcome *outcome)
{
  char           path[] = "/tmp/myopia-test-runner-XXXXXX", error[256] = "";
  Diagnostics   *d = diagnostics_create();
  Plan           p = plan_of(yaml, d), *owned = mem_calloc(1, sizeof p);
  ResultsPlan    plan = plan_results(&p);
  ResultsWriter *writer;
  ResultsTable  *table = NULL;
  uint8_t       *todo  = mem_calloc((size_t)p.table->n_rows, 1);
  int            rank, size;
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
  const Arguments a = {.ranks_per_trial = 1, .ranks_auto = automatic};
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  plan_schedule(&a, &p, size, p.table->n_rows);
  assert_int_equal(runner_run(MPI_COMM_WORLD, &a, &p, todo, 1, INFINITY, writer, outcome), 0);
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
  ResultsTable *t = run_toy("experiment: toy\nreplicates: 7\nsweep: {terms: [10, 100], ranks: [1, 3, 2]}\n", false, &outcome);
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

/* One long trial: the largest power of two of ranks, the same row as one rank makes. Two: what both can have. Many: one each. */
static void auto_gives_ranks_to_few_long_trials(void **state)
{
  (void)state;
  RunOutcome outcome;
  int        size;
  char       yaml[100];
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const int trials[] = {1, 2, 2 * size};
  for (int k = 0; k < 3; k++) {
    snprintf(yaml, sizeof yaml, "experiment: toy\nreplicates: %d\nparameters: {terms: 200000}\n", trials[k]);
    ResultsTable *t        = run_toy(yaml, true, &outcome);
    const int     expected = k == 2 ? 1 : k == 1 ? (size >= 4 ? 2 : 1) : size >= 4 ? 4 : 2;
    for (int64_t r = 0; r < t->n_rows; r++) {
      assert_int_equal(t->ranks[r], expected);
      assert_true(t->metric[0].value[r] == 200000.0 * 200001 / 2 + (double)r);
    }
    results_table_destroy(&t);
  }
}

/* The largest power of two that is allowed, by trying all. */
static int brute(const Experiment *e, int64_t terms, double cost, int world, int64_t trials)
{
  int best = 1;
  for (int n = 2; n <= world; n *= 2)
    if (cost > 0.05 && n * trials <= world && (e->max_ranks ? n <= terms : e->parallel)) best = n;
  return best;
}

static void auto_by_brute_force(void **state)
{
  (void)state;
  Diagnostics    *d     = diagnostics_create();
  Plan            p     = plan_of("experiment: toy\nsweep: {terms: [1, 2, 3, 4, 7, 100]}\n", d);
  const Arguments a     = {.ranks_per_trial = 1, .ranks_auto = true};
  Experiment      other = toy;
  p.experiment          = &other;
  for (int kind = 0; kind < 3; kind++) {
    other.max_ranks = kind == 0 ? toy_max_ranks : NULL;
    other.parallel  = kind < 2;
    for (int world = 0; world <= 40; world++)
      for (int64_t trials = 0; trials <= 45; trials++) {
        for (int64_t i = 0; i < p.table->n_points; i++) p.cost[i] = i % 2 ? 0.05 : 0.051;
        plan_schedule(&a, &p, world, trials);
        for (int64_t i = 0; i < p.table->n_points; i++) {
          const int64_t terms    = ((const ToyParams *)p.table->points[i].params)->terms;
          const int     expected = trials ? brute(&other, terms, p.cost[i], world, trials) : 1, got = plan_ranks(&a, &p, i);
          if (got != expected)
            fail_msg("%d ranks, %d trials, at most %d: expected %d a trial, got %d", world, (int)trials, (int)terms, expected, got);
        }
      }
  }
  Plan *owned = mem_calloc(1, sizeof p);
  *owned      = p;
  plan_destroy(&owned);
  diagnostics_destroy(&d);
}

static void refuses(const char *yaml, const Arguments *a, int world, const char *message)
{
  Diagnostics *d     = diagnostics_create();
  Plan         p     = plan_of(yaml, d), *owned;
  char        *text  = NULL;
  size_t       bytes = 0;
  FILE        *out   = open_memstream(&text, &bytes);
  plan_check_ranks(a, &p, world, d);
  diagnostics_print(d, out);
  fclose(out);
  if (!strstr(text, message)) fail_msg("expected '%s', got '%s'", message, text);
  assert_int_equal(diagnostics_errors(d), *message != 0);
  free(text);
  owned  = mem_calloc(1, sizeof p);
  *owned = p;
  plan_destroy(&owned);
  diagnostics_destroy(&d);
}

static void more_ranks_than_a_trial_can_use(void **state)
{
  (void)state;
  const char     *two = "experiment: toy\nparameters: {terms: 2}\n";
  const Arguments one = {.ranks_per_trial = 1}, four = {.ranks_per_trial = 4}, free_choice = {.ranks_per_trial = 1, .ranks_auto = true};
  refuses(two, &four, 8, "command line: error: '--ranks-per-trial' is 4, but a trial can use at most 2 ranks here");
  refuses(two, &four, 0, "at most 2 ranks here");
  refuses(two, &one, 8, "");
  refuses(two, &free_choice, 8, "");
  refuses("experiment: toy\nsweep: {terms: [1, 9], ranks: [1, 3]}\n", &one, 8,
          "toy.yaml:2:35: error: 'ranks' is 3, but a trial can use at most 1 rank here");
  refuses("experiment: toy\ncases:\n  - {terms: 9, ranks: 4}\n  - {terms: 2, ranks: [2, 3]}\n", &four, 8,
          "toy.yaml:4:27: error: 'ranks' is 3, but a trial can use at most 2 ranks here");
  refuses("experiment: toy\nparameters: {terms: 9}\n", &four, 2, "a trial wants 4 ranks, but there are only 2; start more (mpirun -n 4)");
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
  ResultsTable *t    = run_toy("experiment: toy\nreplicates: 40\nparameters: {terms: 5000}\nsweep: {ranks: [2]}\n", false, &outcome);
  int64_t       done = 0;
  for (int64_t r = 0; r < t->n_rows; r++) done += t->state[r] == TRIAL_DONE;
  assert_true(outcome.interrupted);
  assert_int_equal(outcome.done, done);
  assert_true(done < t->n_rows);
  results_table_destroy(&t);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(groups_of_every_size_give_the_same_rows),
                                     cmocka_unit_test(auto_gives_ranks_to_few_long_trials), cmocka_unit_test(auto_by_brute_force),
                                     cmocka_unit_test(more_ranks_than_a_trial_can_use), cmocka_unit_test(one_rank_stops_all)};
  int                     rank;
  MPI_Init(&argc, &argv);
  signals_install();
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank != 0 && !freopen("/dev/null", "w", stdout)) return 1;
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
