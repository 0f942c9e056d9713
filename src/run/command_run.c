/* SPDX-License-Identifier: BSD-2-Clause
 * `myopia run`: collective on all ranks of the job. Rank 0 reads the input and prepares the file; everybody parses the same text. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli.h"
#include "command_run.h"
#include "error.h"
#include "job.h"
#include "lock.h"
#include "log.h"
#include "memory.h"
#include "text.h"

/* Rank 0's file to everybody. *text NULL: it could not be read (told). */
static PetscErrorCode read_input(MPI_Comm world, const char *path, char **text, size_t *size)
{
  char    error[512];
  int     rank;
  int64_t n = -1;
  PetscFunctionBeginUser;
  *text = NULL;
  PetscCallMPI(MPI_Comm_rank(world, &rank));
  if (rank == 0) {
    *text = plan_read_file(path, size, error, sizeof error);
    if (*text)
      n = (int64_t)*size;
    else
      log_error("%s", error);
  }
  PetscCallMPI(MPI_Bcast(&n, 1, MPI_INT64_T, 0, world));
  if (n < 0) PetscFunctionReturn(0);
  *size = (size_t)n;
  if (rank != 0) *text = mem_calloc((size_t)n + 1, 1);
  PetscCallMPI(MPI_Bcast(*text, (int)n, MPI_CHAR, 0, world));
  PetscFunctionReturn(0);
}

/* MPI_Wtime at which to stop: --time-limit from now, or the end of the SLURM job; with a margin for the last writes. */
static double deadline_of(const Arguments *a)
{
  int64_t     end;
  const char *slurm = getenv("SLURM_JOB_END_TIME");
  if (isfinite(a->time_limit)) return MPI_Wtime() + a->time_limit - fmin(5, 0.05 * a->time_limit);
  if (slurm && text_parse_int(slurm, &end)) return MPI_Wtime() + (double)(end - (int64_t)time(NULL)) - 10;
  return INFINITY;
}

/* Everything that only rank 0 does before the trials start; the answer goes to all ranks. */
static PetscErrorCode prepare(MPI_Comm world, const Arguments *a, Plan *p, double deadline, Job *job)
{
  char       error[512];
  int        rank, size;
  Provenance provenance = {0};
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(world, &rank));
  PetscCallMPI(MPI_Comm_size(world, &size));
  PetscCall(provenance_collect(world, p, &provenance));
  *job      = (Job){.code = EXIT_VALID};
  job->todo = mem_calloc((size_t)p->table->n_rows, 1);
  if (rank == 0) {
    if (lock_take(a->out, a->resume ? 2 : 0.5, error, sizeof error)) {
      log_error("%s", error);
      job->code = EXIT_IO;
    } else {
      PetscCall(job_prepare(a, p, &provenance, size, deadline, job));
      if (job->code != EXIT_VALID) lock_release(a->out);
    }
  }
  provenance_clear(&provenance);
  PetscCallMPI(MPI_Bcast(&job->code, 1, MPI_INT, 0, world));
  PetscCallMPI(MPI_Bcast(&job->attempt, 1, MPI_INT, 0, world));
  PetscCallMPI(MPI_Bcast(&job->n_todo, 1, MPI_INT64_T, 0, world));
  for (int64_t first = 0; first < p->table->n_rows; first += 1 << 30) {
    const int64_t n = p->table->n_rows - first;
    PetscCallMPI(MPI_Bcast(job->todo + first, n < 1 << 30 ? (int)n : 1 << 30, MPI_BYTE, 0, world));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode execute(MPI_Comm world, const Arguments *a, Plan *p, const Job *job, double deadline, int *code)
{
  RunOutcome     outcome;
  ResultsWriter *writer;
  MPI_Comm       io;
  int            rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(world, &rank));
  if (job->n_todo > 0) {
    int               size;
    const ResultsPlan plan = plan_results(p);
    PetscCallMPI(MPI_Comm_size(world, &size));
    plan_schedule(a, p, size, job->n_todo); /* trials that are done need no ranks */
    PetscCallMPI(MPI_Comm_dup(world, &io));
    PetscCall(results_open(io, a->out, &plan, &writer));
    PetscCall(runner_run(world, a, p, job->todo, job->attempt, deadline, writer, &outcome));
    if (!outcome.io_error) PetscCall(results_close(&writer));
    PetscCallMPI(MPI_Comm_free(&io));
  }
  if (rank == 0) {
    *code = job_finish(a, p, job->n_todo > 0 ? &outcome : NULL);
    lock_release(a->out);
  }
  PetscCallMPI(MPI_Bcast(code, 1, MPI_INT, 0, world));
  /* After a failed write HDF5 can neither close the file (collectively: ranks would wait for each other) nor be finalised; what is on disk
   * is as after kill -9. */
  if (job->n_todo > 0 && outcome.io_error) MPI_Abort(world, EXIT_IO);
  PetscFunctionReturn(0);
}

/* The file that --out means, through symbolic links, so that lock, file and rename are about the same one. Empty when a link leads
 * nowhere. */
static PetscErrorCode resolve_out(MPI_Comm world, const char *out, char path[PATH_MAX])
{
  struct stat info;
  int         rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(world, &rank));
  if (rank == 0) {
    snprintf(path, PATH_MAX, "%s", out);
    if (lstat(out, &info) == 0 && S_ISLNK(info.st_mode) && !realpath(out, path)) {
      log_error("%s is a link that leads nowhere: %s", out, strerror(errno));
      path[0] = 0;
    }
  }
  PetscCallMPI(MPI_Bcast(path, PATH_MAX, MPI_CHAR, 0, world));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_plan(MPI_Comm world, const Arguments *given, Plan *p, int *code)
{
  Job              job;
  char             out[PATH_MAX];
  Arguments        resolved = *given;
  const Arguments *a        = &resolved;
  const double     deadline = deadline_of(a);
  PetscFunctionBeginUser;
  PetscCall(resolve_out(world, given->out, out));
  *code = EXIT_IO;
  if (!out[0]) PetscFunctionReturn(0);
  resolved.out = out;
  PetscCall(prepare(world, a, p, deadline, &job));
  *code = job.code;
  if (*code == EXIT_VALID) PetscCall(execute(world, a, p, &job, deadline, code));
  free(job.todo);
  PetscFunctionReturn(0);
}

/* Whether every rank has a plan: inputs name files, and a disk may be one host's own. */
static PetscErrorCode all_have_plan(MPI_Comm world, const Plan *p, bool *all)
{
  int rank, have = p != NULL, least;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(world, &rank));
  PetscCallMPI(MPI_Allreduce(&have, &least, 1, MPI_INT, MPI_MIN, world));
  int other = have ? INT_MAX : rank, first;
  PetscCallMPI(MPI_Allreduce(&other, &first, 1, MPI_INT, MPI_MIN, world));
  *all = least != 0;
  if (!*all && have && rank == 0) log_error("rank %d cannot use this input; are its files on a disk that all hosts see?", first);
  PetscFunctionReturn(0);
}

PetscErrorCode run_study(MPI_Comm world, const Arguments *a, const char *text, size_t n, int *code)
{
  int          rank, size;
  Plan        *plan;
  Diagnostics *d;
  bool         all = false;
  PetscFunctionBeginUser;
  *code = EXIT_INPUT;
  PetscCallMPI(MPI_Comm_rank(world, &rank));
  PetscCallMPI(MPI_Comm_size(world, &size));
  d = diagnostics_create();
  PetscCall(plan_create(a, text, n, size, d, &plan));
  if (rank == 0) diagnostics_print(d, stderr);
  PetscCall(all_have_plan(world, plan, &all));
  if (all) PetscCall(run_plan(world, a, plan, code));
  plan_destroy(&plan);
  diagnostics_destroy(&d);
  PetscFunctionReturn(0);
}

static PetscErrorCode run_input(MPI_Comm world, const Arguments *a, int *code)
{
  char  *text;
  size_t n;
  PetscFunctionBeginUser;
  *code = EXIT_INPUT;
  PetscCall(read_input(world, a->word[0], &text, &n));
  if (text) PetscCall(run_study(world, a, text, n, code));
  free(text);
  PetscFunctionReturn(0);
}

static int run(const Arguments *a)
{
  int code = EXIT_INPUT;
  if (!a->out) {
    log_info("error: run needs the results file to write: --out FILE.h5");
    return EXIT_INPUT;
  }
  if (run_input(MPI_COMM_WORLD, a, &code)) MPI_Abort(MPI_COMM_WORLD, EXIT_ENVIRONMENT);
  return code;
}

const Command command_run = {.name      = "run",
                             .arguments = "INPUT [SET...] --out FILE.h5 [options]",
                             .summary   = "run the trials of an input on all ranks",
                             .options   = "--out --resume --overwrite --extend --only-failed --ranks-per-trial --time-limit --trial --part",
                             .min_words = 1,
                             .max_words = 1,
                             .takes_sets = true,
                             .mpi        = true,
                             .run        = run};
