/* SPDX-License-Identifier: BSD-2-Clause
 * The work loop. Points are grouped by ranks per trial into phases, largest first; the leader of each group draws units, its members run
 * them, and everybody writes the rows it has computed. There is no barrier between phases: a group that finds its queue empty goes on with
 * the next phase at once. */
#include "runner.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "groups.h"
#include "log.h"
#include "memory.h"
#include "queue.h"
#include "run_control.h"

static const double grain      = 0.02; /* seconds of predicted work a unit should hold */
static const double unit_bytes = 64e6; /* memory a unit's results may take */

typedef struct Phase {
  int      ranks; /* per trial */
  int      n_groups;
  MPI_Comm comm; /* of this rank's group; MPI_COMM_NULL: it fits nowhere */
  int64_t  n_units;
  Unit    *units;
} Phase;

typedef struct Runner {
  const Plan    *plan;
  ResultsWriter *writer;
  Queue         *queue;
  RunControl     control;
  double         seconds[PHASES];     /* of this rank */
  double         predicted, measured; /* compute seconds, for what still fits into the time left */
  double         last_sync, last_io;
  double         work; /* of the trials that are done, in units of merit */
  int            attempt;
  int            messages; /* failures told at once */
  bool           interrupted, io_error;
} Runner;

static int larger_first(const void *a, const void *b) { return *(const int *)b - *(const int *)a; }

/* Distinct ranks per trial, largest first. sizes: (n_points) space. */
static int distinct_ranks(const Arguments *a, const Plan *p, int *sizes)
{
  const int64_t n = p->table->n_points;
  int           k = 0;
  for (int64_t i = 0; i < n; i++) sizes[i] = plan_ranks(a, p, i);
  qsort(sizes, (size_t)n, sizeof *sizes, larger_first);
  for (int64_t i = 0; i < n; i++)
    if (k == 0 || sizes[k - 1] != sizes[i]) sizes[k++] = sizes[i];
  return k;
}

/* Rows of a unit whose results fit into unit_bytes. */
static int64_t rows_in_memory(const Plan *p)
{
  double bytes = 64 + 8.0 * p->all.n_metrics, arrays = 0, recorded = 0;
  for (int i = 0; i < p->all.n_arrays; i++)
    arrays += (double)array_elements(&p->all.arrays[i]) * (double)array_element_size(p->all.arrays[i].type);
  for (int64_t r = 0; r < p->table->n_rows; r++) recorded += p->record[r];
  bytes += arrays * recorded / (double)p->table->n_rows;
  return (int64_t)fmax(1, unit_bytes / bytes);
}

static int cut_units(const Arguments *a, const Plan *p, const uint8_t *todo, Phase *phase)
{
  int64_t    n = 0, capacity = 0;
  UnitRange *ranges = NULL;
  for (int64_t i = 0; i < p->table->n_points; i++) {
    const SweepPoint *point = &p->table->points[i];
    if (plan_ranks(a, p, i) != phase->ranks) continue;
    for (int64_t r = point->first_row, end = r + point->n_rows; r < end;) {
      int64_t last = r;
      while (last < end && todo[last] == todo[r]) last++;
      if (todo[r]) {
        if (n == capacity) ranges = mem_realloc(ranges, (size_t)(capacity = 2 * capacity + 16), sizeof *ranges);
        ranges[n++] = (UnitRange){i, r, last - r, p->cost[i]};
      }
      r = last;
    }
  }
  const int code = queue_cut(n, ranges, phase->n_groups, grain, rows_in_memory(p), &phase->n_units, &phase->units);
  free(ranges);
  return code;
}

static PetscErrorCode phases_create(MPI_Comm world, const Arguments *a, const Plan *p, const uint8_t *todo, int *n, Phase **out)
{
  int size, *sizes = mem_calloc((size_t)p->table->n_points, sizeof(int)), *group;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(world, &size));
  group = mem_calloc((size_t)size, sizeof *group);
  *n    = distinct_ranks(a, p, sizes);
  *out  = mem_calloc((size_t)*n, sizeof **out);
  for (int k = 0; k < *n; k++) {
    Phase *phase = &(*out)[k];
    int    idle  = 0;
    groups_layout(size, *n, sizes, k, group);
    for (int r = 0; r < size; r++) idle += group[r] < 0;
    phase->ranks    = sizes[k];
    phase->n_groups = size / sizes[k];
    PetscCallMPI(groups_split(world, group, &phase->comm));
    PetscCheck(cut_units(a, p, todo, phase) == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "cannot cut the work into units");
    if (idle) log_info("%d of %d ranks fit into no group of %d and stay idle while such trials run", idle, size, sizes[k]);
  }
  free(sizes);
  free(group);
  PetscFunctionReturn(0);
}

static PetscErrorCode phases_destroy(int n, Phase **phases)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < n; k++) {
    PetscCallMPI(groups_free(&(*phases)[k].comm));
    free((*phases)[k].units);
  }
  free(*phases);
  *phases = NULL;
  PetscFunctionReturn(0);
}

/* Rows that a stopped run() left unfilled (every metric is still NaN), or that failed in it: how far a stopped row was recorded depends on
 * the clock, so it is run again. Of a single trial that ran out of time, the state is final. */
static void mark_unfinished(Result *result, StopReason reason)
{
  const int     n_metrics = result_schema(result)->n_metrics;
  const int64_t n         = result_rows(result);
  for (int64_t row = 0; row < n; row++) {
    bool filled = false;
    for (int m = 0; m < n_metrics && !filled; m++) filled = !isnan(result_metric_column(result, m)[row]);
    if (filled && result_state(result, row) == TRIAL_DONE) continue;
    if (reason == STOP_TIMEOUT && n == 1)
      result_timeout(result, row);
    else
      result_interrupted(result, row);
  }
}

/* Counts finished rows, and tells of failed ones at once. */
static void count_rows(Runner *r, const SweepPoint *point, int64_t first, const Result *result, int64_t *done, int64_t *failed)
{
  const double merit = r->plan->experiment->merit_work ? r->plan->experiment->merit_work(point->params) : 1;
  for (int64_t i = 0; i < result_rows(result); i++) {
    const int state = result_state(result, i);
    if (state == TRIAL_INTERRUPTED || state == TRIAL_PENDING) continue;
    (*done)++;
    if (state == TRIAL_DONE) {
      r->work += merit;
      continue;
    }
    (*failed)++;
    if (++r->messages <= 5)
      log_error("trial %lld (id 0x%016llx) %s: %s%s", (long long)(first + i),
                (unsigned long long)trial_identity(point, point->first_replicate + first + i - point->first_row),
                trial_state_name((TrialState)state), result_message(result, i), r->messages == 5 ? " (further ones are only counted)" : "");
  }
}

/* Some rank of ours was told to stop: everybody stops drawing. */
static PetscErrorCode interrupt(Runner *r)
{
  PetscFunctionBeginUser;
  if (!r->interrupted) PetscCallMPI(queue_add(r->queue, COUNT_STOP, 1));
  r->interrupted = true;
  PetscFunctionReturn(0);
}

/* A write failed: everybody stops drawing. */
static PetscErrorCode io_failed(Runner *r, const char *message)
{
  PetscFunctionBeginUser;
  if (!r->io_error) log_error("%s", message);
  r->io_error = true;
  PetscCallMPI(queue_add(r->queue, COUNT_STOP, 1));
  PetscFunctionReturn(0);
}

/* Writes a finished batch and counts it. `phase`: seconds a row. */
static PetscErrorCode store(Runner *r, const SweepPoint *point, int64_t first, const Result *result, int ranks, double *phase, double cost)
{
  char    error[256];
  int64_t done = 0, failed = 0;
  PetscFunctionBeginUser;
  const double begin = MPI_Wtime();
  phase[PHASE_IO]    = r->last_io;
  if (results_write(r->writer, first, result, r->attempt, ranks, phase, error, sizeof error)) {
    PetscCall(io_failed(r, error));
    PetscFunctionReturn(0);
  }
  if (begin - r->last_sync > study_options(r->plan->study)->sync) {
    if (results_sync(r->writer, error, sizeof error)) PetscCall(io_failed(r, error));
    r->last_sync = begin;
  }
  count_rows(r, point, first, result, &done, &failed);
  PetscCallMPI(queue_add(r->queue, COUNT_DONE, done));
  if (failed) PetscCallMPI(queue_add(r->queue, COUNT_FAILED, failed));
  PetscCallMPI(queue_add(r->queue, COUNT_COST, (int64_t)(1e6 * cost)));
  const double seconds = MPI_Wtime() - begin;
  r->seconds[PHASE_IO] += seconds;
  r->last_io = seconds / (double)result_rows(result);
  PetscFunctionReturn(0);
}

/* A single trial has its timeout. A batch shares a limit; when it strikes, the rows that are left are run one by one. */
static double time_allowed(double timeout, int64_t n, double predicted) { return n == 1 ? timeout : fmax(timeout, 4 * predicted); }

static PetscErrorCode run_rows(Runner *r, MPI_Comm comm, const Unit *unit, int64_t first, int64_t n, int ranks, double queue_seconds);

static PetscErrorCode run_unfinished_singly(Runner *r, MPI_Comm comm, const Unit *unit, int64_t first, const Result *result, int ranks)
{
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < result_rows(result) && !r->io_error; i++)
    if (result_state(result, i) == TRIAL_INTERRUPTED) PetscCall(run_rows(r, comm, unit, first + i, 1, ranks, 0));
  PetscFunctionReturn(0);
}

/* Runs rows [first, first + n) of a point on comm and stores them from its rank 0. */
static PetscErrorCode run_rows(Runner *r, MPI_Comm comm, const Unit *unit, int64_t first, int64_t n, int ranks, double queue_seconds)
{
  const Plan       *p     = r->plan;
  const SweepPoint *point = &p->table->points[unit->point];
  const double      cost  = unit->cost * (double)n / (double)unit->n;
  int64_t          *replicate;
  uint64_t         *key;
  Result           *result;
  int               rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscMalloc2(n, &key, n, &replicate));
  for (int64_t i = 0; i < n; i++) {
    replicate[i] = point->first_replicate + first + i - point->first_row;
    key[i]       = trial_key(point, replicate[i]);
  }
  const TrialBatch batch = {point->params, n, key, replicate, p->record + first, study_options(p->study)->every};
  PetscCall(result_create(&p->schema[unit->point], n, batch.record, &result));
  if (cost > 1 && rank == 0 && results_mark_running(r->writer, first, n)) PetscCall(io_failed(r, "cannot mark rows as running"));
  const double begin = MPI_Wtime();
  r->control.comm    = comm;
  r->control.stopped = STOP_NO;
  r->control.timeout = begin + time_allowed(study_options(p->study)->timeout, n, cost);
  PetscCall(p->experiment->run(comm, &batch, &r->control, result));
  const double     seconds = MPI_Wtime() - begin;
  const StopReason stopped = r->control.stopped;
  r->seconds[PHASE_COMPUTE] += seconds;
  r->predicted += cost;
  r->measured += seconds;
  if (stopped != STOP_NO) mark_unfinished(result, stopped);
  if (stopped == STOP_INTERRUPTED) PetscCall(interrupt(r));
  double phase[PHASES] = {[PHASE_COMPUTE] = seconds / (double)n, [PHASE_QUEUE] = queue_seconds / (double)n};
  phase[PHASE_WALL]    = phase[PHASE_COMPUTE] + phase[PHASE_QUEUE];
  if (rank == 0) PetscCall(store(r, point, first, result, ranks, phase, cost));
  if (stopped == STOP_TIMEOUT && n > 1) PetscCall(run_unfinished_singly(r, comm, unit, first, result, ranks));
  result_destroy(&result);
  PetscCall(PetscFree2(key, replicate));
  PetscFunctionReturn(0);
}

/* Rows of the unit that end before the deadline, by prediction corrected with what was measured so far. */
static int64_t rows_in_time(const Runner *r, const Unit *unit)
{
  if (isinf(r->control.deadline)) return unit->n;
  const double left  = r->control.deadline - MPI_Wtime();
  const double scale = r->predicted > 0 ? r->measured / r->predicted : 1;
  const double rows  = left / (unit->cost * scale) * (double)unit->n;
  return rows >= (double)unit->n ? unit->n : rows > 0 ? (int64_t)rows : 0;
}

/* What the leader hands to its group: rows of the unit to run; n = 0: unit left for another job, -1: the phase is over. */
typedef struct Ticket {
  int64_t unit, n;
} Ticket;

static PetscErrorCode draw(Runner *r, const Phase *phase, int k, Ticket *ticket)
{
  PetscFunctionBeginUser;
  *ticket = (Ticket){.n = -1};
  if (control_local_reason(&r->control) == STOP_INTERRUPTED || r->io_error) {
    PetscCall(interrupt(r));
    PetscFunctionReturn(0);
  }
  PetscCallMPI(queue_draw(r->queue, k, &ticket->unit));
  if (ticket->unit >= phase->n_units) PetscFunctionReturn(0);
  ticket->n = rows_in_time(r, &phase->units[ticket->unit]);
  if (ticket->n < phase->units[ticket->unit].n) r->interrupted = true;
  PetscFunctionReturn(0);
}

static PetscErrorCode run_phase(Runner *r, const Phase *phase, int k)
{
  int rank, size;
  PetscFunctionBeginUser;
  if (phase->comm == MPI_COMM_NULL) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_rank(phase->comm, &rank));
  PetscCallMPI(MPI_Comm_size(phase->comm, &size));
  for (;;) {
    Ticket       ticket;
    const double begin = MPI_Wtime();
    r->control.timeout = INFINITY;
    if (rank == 0) PetscCall(draw(r, phase, k, &ticket));
    if (size > 1) PetscCallMPI(MPI_Bcast(&ticket, 2, MPI_INT64_T, 0, phase->comm));
    const double waited = MPI_Wtime() - begin;
    r->seconds[rank == 0 ? PHASE_QUEUE : PHASE_IDLE] += waited;
    if (ticket.n < 0) break;
    const Unit *unit = &phase->units[ticket.unit];
    if (r->plan->experiment->parallel) {
      if (ticket.n > 0) PetscCall(run_rows(r, phase->comm, unit, unit->first, ticket.n, size, waited));
    } else {
      const int64_t from = ticket.n * rank / size, to = ticket.n * (rank + 1) / size;
      if (to > from) PetscCall(run_rows(r, MPI_COMM_SELF, unit, unit->first + from, to - from, size, waited));
    }
    control_poll(&r->control);
  }
  PetscFunctionReturn(0);
}

/* A barrier in which the draws of ranks that still work are answered and the progress line goes on. */
static PetscErrorCode wait_for_all(MPI_Comm world, Runner *r)
{
  MPI_Request  barrier;
  int          reached = 0;
  const double begin   = MPI_Wtime();
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Ibarrier(world, &barrier));
  while (true) {
    PetscCallMPI(MPI_Test(&barrier, &reached, MPI_STATUS_IGNORE));
    if (reached) break;
    if (control_local_reason(&r->control) == STOP_INTERRUPTED && !r->interrupted) PetscCall(interrupt(r));
    control_poll(&r->control);
    if (MPI_Wtime() - begin > 0.01) usleep(200); /* leave the core to others when ranks are oversubscribed */
  }
  r->seconds[PHASE_IDLE] += MPI_Wtime() - begin;
  PetscFunctionReturn(0);
}

static PetscErrorCode collect(MPI_Comm world, Runner *r, RunOutcome *outcome)
{
  double low[PHASES], sum[PHASES], high[PHASES];
  int    size, flags = (r->interrupted ? 1 : 0) | (r->io_error ? 2 : 0);
  char   error[256];
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(world, &size));
  if (results_sync(r->writer, error, sizeof error)) {
    log_error("%s", error);
    flags |= 2;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &flags, 1, MPI_INT, MPI_BOR, world));
  PetscCallMPI(MPI_Allreduce(&r->work, &outcome->work, 1, MPI_DOUBLE, MPI_SUM, world));
  PetscCallMPI(MPI_Allreduce(r->seconds, low, PHASES, MPI_DOUBLE, MPI_MIN, world));
  PetscCallMPI(MPI_Allreduce(r->seconds, sum, PHASES, MPI_DOUBLE, MPI_SUM, world));
  PetscCallMPI(MPI_Allreduce(r->seconds, high, PHASES, MPI_DOUBLE, MPI_MAX, world));
  for (int i = 0; i < PHASES; i++) {
    outcome->phase[i][0] = low[i];
    outcome->phase[i][1] = sum[i] / size;
    outcome->phase[i][2] = high[i];
  }
  outcome->interrupted = flags & 1;
  outcome->io_error    = (flags & 2) != 0;
  PetscCallMPI(queue_read(r->queue, COUNT_DONE, &outcome->done));
  PetscCallMPI(queue_read(r->queue, COUNT_FAILED, &outcome->failed));
  PetscFunctionReturn(0);
}

void runner_predict(const Plan *p, const uint8_t *todo, double *total, double *shortest)
{
  *total    = 0;
  *shortest = INFINITY;
  for (int64_t i = 0; i < p->table->n_points; i++) {
    const SweepPoint *point = &p->table->points[i];
    int64_t           n     = 0;
    for (int64_t r = 0; r < point->n_rows; r++) n += todo[point->first_row + r];
    if (n == 0) continue;
    *total += p->cost[i] * (double)n;
    *shortest = fmin(*shortest, p->cost[i]);
  }
}

PetscErrorCode runner_run(MPI_Comm world, const Arguments *a, const Plan *p, const uint8_t *todo, int attempt, double deadline,
                          ResultsWriter *writer, RunOutcome *outcome)
{
  Runner  r      = {.plan = p, .writer = writer, .attempt = attempt};
  Phase  *phases = NULL;
  int     n, rank;
  int64_t n_todo = 0;
  double  total, shortest;
  PetscFunctionBeginUser;
  *outcome = (RunOutcome){0};
  PetscCallMPI(MPI_Comm_rank(world, &rank));
  PetscCall(phases_create(world, a, p, todo, &n, &phases));
  PetscCallMPI(queue_create(world, n, &r.queue));
  runner_predict(p, todo, &total, &shortest);
  for (int64_t i = 0; i < p->table->n_rows; i++) n_todo += todo[i];
  r.control   = (RunControl){.comm = MPI_COMM_SELF, .queue = r.queue, .deadline = deadline, .timeout = INFINITY};
  r.last_sync = MPI_Wtime();
  if (rank == 0) r.control.progress = progress_create(r.queue, n_todo, total, deadline);
  const double begin = MPI_Wtime();
  for (int k = 0; k < n; k++) PetscCall(run_phase(&r, &phases[k], k));
  PetscCall(wait_for_all(world, &r));
  outcome->seconds = MPI_Wtime() - begin;
  PetscCall(collect(world, &r, outcome));
  progress_end(r.control.progress);
  progress_destroy(&r.control.progress);
  PetscCall(phases_destroy(n, &phases));
  PetscCallMPI(queue_destroy(&r.queue));
  PetscFunctionReturn(0);
}
