/* SPDX-License-Identifier: BSD-2-Clause
 * What happens to an existing file (refuse, resume, extend, overwrite), and how a run ends. */
#include "job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "isa.h"
#include "libraries.h"
#include "log.h"
#include "memory.h"

/* --- before --- */

static bool has_line(const char *text, const char *line, size_t n)
{
  for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
    if (strcspn(p, "\n") == n && strncmp(p, line, n) == 0) return true;
  return false;
}

/* Lines of a that b does not have, marked. */
static void print_difference(const char *a, const char *b, char mark)
{
  for (const char *p = a; *p; p += strcspn(p, "\n"), p += *p == '\n') {
    const size_t n = strcspn(p, "\n");
    if (!has_line(b, p, n)) fprintf(stderr, "  %c %.*s\n", mark, (int)n, p);
  }
}

static int refuse_other_input(const Arguments *a, const char *stored, const char *asked)
{
  log_error("%s was made from another input; - file, + now:", a->out);
  print_difference(stored, asked, '-');
  print_difference(asked, stored, '+');
  fprintf(stderr, "resume with the old input, --extend to add values or replicates, or write to another file\n");
  return EXIT_INPUT;
}

/* The lines of an execution text that a resume cannot change: what is recorded is built into the file, and so are the expectations it is
 * judged by and the claims it is held against. Owned by the caller. */
static char *fixed_lines(const char *text)
{
  Text out   = {0};
  bool fixed = false; /* indented lines belong to the key above them */
  for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
    if (*p != ' ') fixed = strncmp(p, "record:", 7) == 0 || strncmp(p, "expect:", 7) == 0 || strncmp(p, "claims:", 7) == 0;
    if (fixed) text_add(&out, "%.*s\n", (int)strcspn(p, "\n"), p);
  }
  return out.s ? out.s : mem_strdup("");
}

static int same_record(const Arguments *a, const Plan *p, const ResultsTable *t)
{
  char     *stored = fixed_lines(t->execution), *asked = fixed_lines(text_string(&p->execution));
  const int code = strcmp(stored, asked) ? refuse_other_input(a, stored, asked) : EXIT_VALID;
  free(stored);
  free(asked);
  return code;
}

static int same_trials(const Arguments *a, const Plan *p, const ResultsTable *t)
{
  char              error[512];
  const ResultsPlan plan = plan_results(p);
  if (strcmp(t->scientific, text_string(&p->scientific)) != 0) return refuse_other_input(a, t->scientific, text_string(&p->scientific));
  if (same_record(a, p, t) != EXIT_VALID) return EXIT_INPUT;
  if (results_same_plan(t, &plan, error, sizeof error)) return EXIT_VALID;
  log_error("%s holds other trials of this input (another --part or --trial?): %s; give the same ones, or write to another file", a->out,
            error);
  return EXIT_INPUT;
}

static void select_todo(const Arguments *a, const Plan *p, const ResultsTable *t, Job *job)
{
  for (int64_t r = 0; r < p->table->n_rows; r++) {
    const uint8_t state  = t->state[r];
    const bool    failed = state == TRIAL_FAILED || state == TRIAL_TIMEOUT || state == TRIAL_INVALID;
    job->todo[r]         = a->only_failed ? failed : !failed && state != TRIAL_DONE;
    job->n_todo += job->todo[r];
    if (t->attempt[r] >= job->attempt) job->attempt = t->attempt[r] + 1;
  }
}

/* Bits are the same only with the same program and the same kernels. */
static void warn_other_build(const Arguments *a, const ResultsTable *t)
{
  char core[128];
  libraries_blas_core(core, sizeof core);
  if (strcmp(t->version, provenance_version()) != 0 || strcmp(t->commit, provenance_commit()) != 0)
    log_warning("%s was begun by myopia %s (%s), this is %s (%s): the bits of new trials may differ", a->out, t->version, t->commit,
                provenance_version(), provenance_commit());
  if (*t->isa_level && strcmp(t->isa_level, isa_name(isa_level())) != 0)
    log_warning("%s was begun with %s kernels, this run has %s: the bits of new trials may differ", a->out, t->isa_level,
                isa_name(isa_level()));
  if (*t->blas_core && strcmp(t->blas_core, core) != 0)
    log_warning("%s was begun with BLAS core %s, this run has %s: the bits of new trials may differ", a->out, t->blas_core, core);
}

static int writable(const Arguments *a, const Plan *p)
{
  char              error[512];
  const ResultsPlan plan = plan_results(p);
  if (!results_probe(a->out, &plan, error, sizeof error)) return EXIT_VALID;
  log_error("%s", error);
  return EXIT_IO;
}

static void tell_progress(const Arguments *a, const ResultsTable *t, const Job *job)
{
  int64_t done = 0;
  for (int64_t r = 0; r < t->n_rows; r++) done += t->state[r] == TRIAL_DONE;
  log_info("%s: %lld of %lld trials are done, %lld to run", a->out, (long long)done, (long long)t->n_rows, (long long)job->n_todo);
}

static int resume(const Arguments *a, const Plan *p, Job *job)
{
  char          error[512];
  ResultsTable *t;
  if (results_read(a->out, true, false, &t, error, sizeof error)) {
    log_error("%s", error);
    return EXIT_IO;
  }
  int code = same_trials(a, p, t);
  if (code == EXIT_VALID) select_todo(a, p, t, job);
  if (code == EXIT_VALID && job->n_todo > 0) code = writable(a, p);
  if (code == EXIT_VALID && job->n_todo > 0) warn_other_build(a, t);
  if (code == EXIT_VALID) tell_progress(a, t, job);
  results_table_destroy(&t);
  return code;
}

static int tell_loss(const Arguments *a, const Plan *p, const ResultsTable *t, int64_t lost, int64_t unrecorded)
{
  if (!lost && !unrecorded) return EXIT_VALID;
  log_error("--extend: %lld done trials of %s, and the series of %lld others, are not part of this input and would be lost; - file, + now:",
            (long long)lost, a->out, (long long)unrecorded);
  print_difference(t->scientific, text_string(&p->scientific), '-');
  print_difference(text_string(&p->scientific), t->scientific, '+');
  print_difference(t->execution, text_string(&p->execution), '-');
  print_difference(text_string(&p->execution), t->execution, '+');
  fprintf(stderr, "keep the old values in the input, or write to another file\n");
  return EXIT_INPUT;
}

static void count_loss(const Plan *p, const ResultsTable *t, int64_t *lost, int64_t *unrecorded)
{
  ResultsIndex *index = results_index_create(t);
  bool         *found = mem_calloc((size_t)t->n_rows, sizeof *found);
  for (int64_t i = 0; i < p->table->n_points; i++) {
    const SweepPoint *point = &p->table->points[i];
    for (int64_t r = 0; r < point->n_rows; r++) {
      const int64_t row = results_index_find(index, trial_identity(point, point->first_replicate + r), point->ranks);
      if (row < 0) continue;
      found[row] = true;
      *unrecorded += t->state[row] == TRIAL_DONE && t->record[row] >= 0 && !p->record[point->first_row + r];
    }
  }
  for (int64_t r = 0; r < t->n_rows; r++) *lost += t->state[r] == TRIAL_DONE && !found[r];
  free(found);
  results_index_destroy(&index);
}

/* Done trials, or recorded series, of the old file that the new input does not have: they would be lost. */
static int refuse_loss(const Arguments *a, const Plan *p)
{
  char          error[512];
  ResultsTable *t;
  int64_t       lost = 0, unrecorded = 0;
  if (results_read(a->out, true, false, &t, error, sizeof error)) {
    log_error("%s", error);
    return EXIT_IO;
  }
  count_loss(p, t, &lost, &unrecorded);
  warn_other_build(a, t);
  const int code = tell_loss(a, p, t, lost, unrecorded);
  results_table_destroy(&t);
  return code;
}

/* Refuses a job in which not even the shortest trial can end. */
static int fits(const Plan *p, const uint8_t *todo, double deadline)
{
  double total, shortest;
  if (isinf(deadline)) return EXIT_VALID;
  runner_predict(p, todo, &total, &shortest);
  const double left = deadline - MPI_Wtime();
  if (isinf(shortest) || shortest <= left) return EXIT_VALID;
  log_error("no trial fits into the time there is: the shortest is predicted to take %.3g s, %.3g s are left; give more time", shortest,
            fmax(0, left));
  return EXIT_INPUT;
}

static PetscErrorCode create(const Arguments *a, Plan *p, const Provenance *provenance, int world, double deadline, const char *takeover,
                             Job *job)
{
  char    error[512];
  int64_t taken = 0;
  PetscFunctionBeginUser;
  memset(job->todo, 1, (size_t)p->table->n_rows);
  job->code = fits(p, job->todo, deadline); /* before anything is written or replaced */
  if (job->code != EXIT_VALID) PetscFunctionReturn(0);
  PetscCall(plan_references(p));
  ResultsPlan plan  = plan_results(p);
  plan.command_line = a->command_line;
  plan.ranks        = world;
  plan.n_provenance = provenance->n;
  plan.provenance   = provenance->entry;
  if (results_create(a->out, &plan, takeover, &taken, error, sizeof error)) {
    log_error("%s", error);
    job->code = EXIT_IO;
  } else if (takeover) {
    log_info("%s: %lld done trials taken over", a->out, (long long)taken);
    job->code = resume(a, p, job);
  } else {
    job->n_todo = p->table->n_rows;
  }
  PetscFunctionReturn(0);
}

/* What stands at --out is a file that a run may touch at all. */
static int refuse_other_file(const Arguments *a)
{
  struct stat info;
  if (stat(a->out, &info) == 0 && S_ISREG(info.st_mode) && (!a->overwrite || results_is_hdf5(a->out))) return EXIT_VALID;
  log_error("%s is no results file%s; write to another file", a->out, a->overwrite ? ", and --overwrite replaces nothing else" : "");
  return a->overwrite ? EXIT_INPUT : EXIT_IO;
}

static int refuse_usage(const Arguments *a, bool exists)
{
  if (exists && !a->resume && !a->overwrite && !a->extend) {
    log_error("%s exists; go on with it (--resume), add to it (--extend), or replace it (--overwrite)", a->out);
    return EXIT_INPUT;
  }
  if (!exists && a->only_failed) {
    log_error("--only-failed: there is no file %s", a->out);
    return EXIT_INPUT;
  }
  return exists ? refuse_other_file(a) : EXIT_VALID;
}

PetscErrorCode job_prepare(const Arguments *a, Plan *p, const Provenance *provenance, int world, double deadline, Job *job)
{
  const bool exists = access(a->out, F_OK) == 0;
  PetscFunctionBeginUser;
  job->attempt = 1;
  job->code    = refuse_usage(a, exists);
  if (job->code != EXIT_VALID) PetscFunctionReturn(0);
  if (exists && a->resume) {
    job->code = resume(a, p, job);
    if (job->code == EXIT_VALID) job->code = fits(p, job->todo, deadline);
    PetscFunctionReturn(0);
  }
  if (exists && a->extend) job->code = refuse_loss(a, p);
  if (job->code == EXIT_VALID) PetscCall(create(a, p, provenance, world, deadline, exists && a->extend ? a->out : NULL, job));
  PetscFunctionReturn(0);
}

/* --- after --- */

static void log_phases(const RunOutcome *o)
{
  Text line = {0};
  for (int i = PHASE_COMPUTE; i < PHASES; i++)
    text_add(&line, "%s%s %.3g/%.3g/%.3g", i > PHASE_COMPUTE ? ", " : "", phase_names[i], o->phase[i][0], o->phase[i][1], o->phase[i][2]);
  log_info("%lld trials in %.3g s; seconds per rank (min/mean/max): %s", (long long)o->done, o->seconds, text_string(&line));
  text_clear(&line);
}

static int exit_code(const Summary *s, const RunOutcome *o)
{
  const int64_t unfinished = s->counts[TRIAL_PENDING] + s->counts[TRIAL_INTERRUPTED] + s->counts[TRIAL_RUNNING];
  if (o && o->io_error) return EXIT_IO;
  if (o && o->interrupted && unfinished) return EXIT_INTERRUPTED;
  return s->valid ? EXIT_VALID : EXIT_INVALID;
}

/* "RESULT: VALID trials=2000/2000 failed=0 figure_of_merit=... unit=... file=..." */
static void print_result(const Arguments *a, const Plan *p, const Summary *s, const RunOutcome *o, int code)
{
  const int64_t failed    = s->counts[TRIAL_FAILED] + s->counts[TRIAL_TIMEOUT] + s->counts[TRIAL_INVALID];
  Text          reasons   = {0};
  char          merit[64] = "void";
  if (code == EXIT_VALID && o && o->done > 0) snprintf(merit, sizeof merit, "%.6g", o->work / o->seconds);
  printf("RESULT: %s trials=%lld/%lld failed=%lld figure_of_merit=%s unit=%s file=%s", code == EXIT_VALID ? "VALID" : "INVALID",
         (long long)s->counts[TRIAL_DONE], (long long)p->table->n_rows, (long long)failed, merit, p->experiment->merit_unit,
         a->scratch ? "-" : a->out);
  if (code == EXIT_IO) text_append(&reasons, "a write failed; ");
  if (code == EXIT_INTERRUPTED) text_append(&reasons, a->scratch ? "interrupted; " : "interrupted, --resume goes on; ");
  for (const char *r = text_string(&s->reasons); *r; r += strcspn(r, "\n"), r += *r == '\n')
    text_add(&reasons, "%.*s; ", (int)strcspn(r, "\n"), r);
  if (reasons.length > 2) printf(" reasons=\"%.*s\"", (int)(reasons.length - 2), reasons.s);
  putchar('\n');
  fflush(stdout);
  text_clear(&reasons);
}

int job_finish(const Arguments *a, const Plan *p, const RunOutcome *o)
{
  char          error[512];
  ResultsTable *table;
  Summary      *summary;
  Text          out = {0};
  if (o) log_phases(o);
  if (results_read(a->out, true, false, &table, error, sizeof error)) {
    log_error("%s", error);
    printf("RESULT: INVALID trials=0/%lld failed=0 figure_of_merit=void unit=%s file=%s reasons=\"the file cannot be read\"\n",
           (long long)p->table->n_rows, p->experiment->merit_unit, a->out);
    return EXIT_IO;
  }
  if (summary_create(table, &summary)) return EXIT_ENVIRONMENT;
  (p->table->n_points <= 64 ? summary_table : summary_claims_table)(summary, log_colour(STDOUT_FILENO), &out);
  fputs(text_string(&out), stdout);
  const int code = exit_code(summary, o);
  print_result(a, p, summary, o, code);
  text_clear(&out);
  summary_destroy(&summary);
  results_table_destroy(&table);
  return code;
}
