/* SPDX-License-Identifier: BSD-2-Clause
 * Joins the study (config/) to the experiment's tables, so that every error of an input is found in one pass and before any work. */
#include "plan.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "memory.h"

enum { INPUT_MAX = 16 << 20 };

char *plan_read_file(const char *path, size_t *size, char *error, size_t error_size)
{
  struct stat status;
  FILE       *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;
  if (!f || fstat(fileno(f), &status) != 0 || S_ISDIR(status.st_mode)) {
    snprintf(error, error_size, "%s: %s", path, f && S_ISDIR(status.st_mode) ? "is a directory; an input is a YAML file" : strerror(errno));
    if (f) fclose(f);
    return NULL;
  }
  char *text = mem_calloc(INPUT_MAX + 1, 1);
  *size      = fread(text, 1, INPUT_MAX + 1, f);
  if (ferror(f) || *size > INPUT_MAX) {
    snprintf(error, error_size, "%s: %s", path, ferror(f) ? strerror(errno) : "larger than 16 MiB; this is no input");
    fclose(f);
    free(text);
    return NULL;
  }
  fclose(f);
  text[*size] = 0;
  return mem_realloc(text, *size + 1, 1);
}

static const char *experiment_name(const void *ctx, int i)
{
  (void)ctx;
  const Experiment *e = experiment_get(i);
  return e ? e->name : NULL;
}

static const Experiment *find_experiment(const Study *study, Diagnostics *d)
{
  SourceMark  mark = {0};
  const char *name = study_experiment(study, &mark);
  if (!name) return NULL;
  const Experiment *e = experiment_find(name);
  if (e) return e;
  const char *near = text_suggest(name, experiment_name, NULL);
  if (near)
    diagnostics_error(d, mark, "there is no experiment '%s'; did you mean '%s'?", name, near);
  else
    diagnostics_error(d, mark, "there is no experiment '%s'; `myopia list` names them", name);
  return NULL;
}

/* --- ranks per trial --- */

static const double worth = 0.05; /* seconds of a trial from which on several ranks can pay */

int plan_ranks(const Arguments *a, const Plan *p, int64_t point)
{
  const int fixed = p->table->points[point].ranks;
  if (fixed > 0) return fixed;
  return p->ranks ? p->ranks[point] : (int)a->ranks_per_trial;
}

/* Most ranks that a trial can use; `unlimited` where the experiment does not say. */
static int most_ranks(const Experiment *e, const void *params, int unlimited)
{
  if (!e->max_ranks) return unlimited;
  const int most = e->max_ranks(params);
  return most > 1 ? most : 1;
}

static int choose_ranks(const Plan *p, int64_t point, int world, int64_t trials)
{
  const Experiment *e = p->experiment;
  if (trials < 1 || trials >= world || p->cost[point] <= worth) return 1;
  const int most = most_ranks(e, p->table->points[point].params, e->parallel ? world : 1);
  int       n    = 1;
  while (2 * n <= most && 2 * n <= world / trials) n *= 2;
  return n;
}

void plan_schedule(const Arguments *a, Plan *p, int world, int64_t trials)
{
  if (!a->ranks_auto) return;
  if (!p->ranks) p->ranks = mem_calloc((size_t)p->table->n_points, sizeof *p->ranks);
  for (int64_t i = 0; i < p->table->n_points; i++) p->ranks[i] = choose_ranks(p, i, world, trials);
}

static void tell_most(const Plan *p, int64_t point, int ranks, int most, Diagnostics *d)
{
  const bool axis     = p->table->points[point].ranks > 0;
  char       text[16] = "";
  snprintf(text, sizeof text, "%d", ranks);
  const SourceMark mark = axis ? study_value_mark(p->study, "ranks", text) : (SourceMark){"command line", 0, 0};
  diagnostics_error(d, mark, "'%s' is %d, but a trial can use at most %d rank%s here", axis ? "ranks" : "--ranks-per-trial", ranks, most,
                    most == 1 ? "" : "s");
}

void plan_check_ranks(const Arguments *a, const Plan *p, int world, Diagnostics *d)
{
  enum { TOLD_MAX = 16 };
  int told[TOLD_MAX], n_told = 0;
  for (int64_t i = 0; i < p->table->n_points && n_told < TOLD_MAX; i++) {
    const int ranks = plan_ranks(a, p, i), most = most_ranks(p->experiment, p->table->points[i].params, INT_MAX);
    int       k = 0;
    while (k < n_told && told[k] != ranks) k++; /* each number once */
    if (k < n_told || (ranks <= most && (world == 0 || ranks <= world))) continue;
    told[n_told++] = ranks;
    if (ranks > most)
      tell_most(p, i, ranks, most, d);
    else
      diagnostics_error(d, (SourceMark){"command line", 0, 0}, "a trial wants %d ranks, but there %s only %d; start more (mpirun -n %d)",
                        ranks, world == 1 ? "is" : "are", world, ranks);
  }
}

static double predict_cost(const Plan *p, const SweepPoint *point)
{
  const Experiment *e        = p->experiment;
  const int64_t     every    = study_options(p->study)->every;
  double            recorded = 0, cost = e->cost ? e->cost(point->params) : 1e-3;
  for (int64_t r = 0; r < point->n_rows; r++) recorded += p->record[point->first_row + r];
  if (e->record_cost && recorded > 0) cost += e->record_cost(point->params, every) * recorded / (double)point->n_rows;
  return cost > 1e-9 ? cost : 1e-9;
}

static void select_rows(const Arguments *a, Plan *p, Diagnostics *d)
{
  const SourceMark here = {"command line", 0, 0};
  if (a->parts > p->table->n_rows)
    diagnostics_error(d, here, "--part: %lld parts of %lld trials", (long long)a->parts, (long long)p->table->n_rows);
  if (diagnostics_errors(d)) return;
  if (a->parts) trial_table_part(p->table, a->part, a->parts);
  if (a->trial && !trial_table_only(p->table, a->trial))
    diagnostics_error(d, here, "--trial: there is no row or id '%s' among %lld trials", a->trial, (long long)p->table->n_rows);
}

static PetscErrorCode declare_all(Plan *p)
{
  const StudyOptions *options = study_options(p->study);
  PetscFunctionBeginUser;
  p->schema = mem_calloc((size_t)p->table->n_points, sizeof *p->schema);
  p->record = mem_calloc((size_t)p->table->n_rows, sizeof *p->record);
  p->cost   = mem_calloc((size_t)p->table->n_points, sizeof *p->cost);
  for (int64_t i = 0; i < p->table->n_points; i++) {
    const SweepPoint *point = &p->table->points[i];
    PetscCall(p->experiment->declare(point->params, options->every, &p->schema[i]));
    for (int64_t r = 0; r < point->n_rows; r++)
      p->record[point->first_row + r] = study_records(options, point->identity == p->first_point ? 0 : 1, point->first_replicate + r);
    p->cost[i] = predict_cost(p, point);
  }
  PetscCall(results_union(p->table->n_points, p->schema, &p->all));
  PetscFunctionReturn(0);
}

static const char *metric_name(const void *ctx, int i)
{
  const ResultSchema *s = ctx;
  return i < s->n_metrics ? s->metrics[i].name : NULL;
}

/* Its number in the union, or -1: reported. */
static int find_metric(const Plan *p, const char *name, SourceMark mark, Diagnostics *d)
{
  const int   metric = result_schema_find_metric(&p->all, name);
  const char *near   = metric < 0 ? text_suggest(name, metric_name, &p->all) : NULL;
  if (metric < 0)
    diagnostics_error(d, mark, "there is no metric '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  return metric;
}

/* Bounds of all expectations, narrowed where several meet one value. */
static void resolve_expectations(Plan *p, Diagnostics *d)
{
  const Expectation *e;
  const int          n     = study_expectations(p->study, &e);
  const size_t       cells = (size_t)p->table->n_points * (size_t)p->all.n_metrics;
  p->expect_low            = mem_calloc(cells + 1, sizeof(double));
  p->expect_high           = mem_calloc(cells + 1, sizeof(double));
  for (size_t i = 0; i < cells; i++) p->expect_low[i] = p->expect_high[i] = NAN;
  for (int k = 0; k < n; k++) {
    const int metric = find_metric(p, e[k].metric, e[k].metric_mark, d);
    if (metric < 0) continue;
    for (int64_t i = 0; i < p->table->n_points; i++) {
      const int64_t cell = i * p->all.n_metrics + metric;
      if (p->table->points[i].n_rows < p->replicates) continue; /* a part of a point is not what the bounds are about */
      if (!where_matches(&e[k].where, p->table, p->experiment->params, i)) continue;
      p->expect_low[cell]  = fmax(p->expect_low[cell], e[k].low); /* fmax takes the number when the other is NaN */
      p->expect_high[cell] = fmin(p->expect_high[cell], e[k].high);
    }
  }
}

/* The points of one side of a claim that this run has. A metric that none of them defines can never have a value. */
static void resolve_side(Plan *p, const StudyClaim *c, int side, uint8_t *member, Diagnostics *d)
{
  const char *name    = c->claim.metric[side];
  bool        defined = false, any = false;
  if (find_metric(p, name, c->metric_mark[side], d) < 0) return;
  for (int64_t i = 0; i < p->table->n_points; i++) {
    member[i] = where_matches(&c->where[side], p->table, p->experiment->params, i);
    any       = any || member[i];
    defined   = defined || (member[i] && result_schema_find_metric(&p->schema[i], name) >= 0);
  }
  if (any && !defined)
    diagnostics_error(d, c->metric_mark[side], "no point of this claim measures '%s' (%s {%s})", name, side ? "against" : "of",
                      c->claim.where[side]);
}

static void resolve_claims(Plan *p, Diagnostics *d)
{
  const StudyClaim *c;
  const int         n = study_claims(p->study, &c);
  p->claim            = mem_calloc((size_t)n, sizeof *p->claim);
  p->n_claims         = n;
  for (int k = 0; k < n; k++) {
    p->claim[k].claim = c[k].claim;
    for (int side = 0; side < CLAIM_SIDES; side++) {
      p->claim[k].member[side] = mem_calloc((size_t)p->table->n_points, 1);
      if (side == CLAIM_OF || c[k].claim.compare != CLAIM_VALUE) resolve_side(p, &c[k], side, p->claim[k].member[side], d);
    }
  }
}

PetscErrorCode plan_create(const Arguments *a, const char *text, size_t size, int world, Diagnostics *d, Plan **out)
{
  Plan *p = mem_calloc(1, sizeof *p);
  PetscFunctionBeginUser;
  *out          = p;
  p->input      = mem_calloc(size + 1, 1);
  p->input_size = size;
  memcpy(p->input, text, size);
  p->study      = study_parse(a->word[0], p->input, size, a->n_sets, a->sets, d);
  p->experiment = find_experiment(p->study, d);
  if (p->experiment) {
    const Experiment *e = p->experiment;
    p->table            = study_expand(p->study, e->name, e->params, e->params_size, e->check, d);
  }
  if (p->table && !diagnostics_errors(d)) plan_check_ranks(a, p, world, d);
  if (p->table && !diagnostics_errors(d)) study_resolved(p->study, &p->scientific, &p->execution);
  if (p->table && !diagnostics_errors(d)) {
    p->first_point = p->table->points[0].identity;
    p->replicates  = p->table->points[0].n_rows;
    select_rows(a, p, d);
  }
  if (p->table && !diagnostics_errors(d)) {
    PetscCall(declare_all(p));
    resolve_expectations(p, d);
    resolve_claims(p, d);
    plan_schedule(a, p, world, p->table->n_rows);
  }
  if (diagnostics_errors(d)) plan_destroy(out);
  PetscFunctionReturn(0);
}

void plan_destroy(Plan **plan)
{
  if (!*plan) return;
  Plan         *p        = *plan;
  const int64_t n_points = p->table ? p->table->n_points : 0;
  for (int64_t i = 0; p->schema && i < n_points; i++) result_schema_clear(&p->schema[i]);
  result_schema_clear(&p->all);
  free(p->schema);
  free(p->reference);
  free(p->record);
  free(p->cost);
  free(p->ranks);
  free(p->expect_low);
  free(p->expect_high);
  results_claims_destroy(p->n_claims, &p->claim);
  text_clear(&p->scientific);
  text_clear(&p->execution);
  trial_table_destroy(&p->table);
  study_destroy(&p->study);
  free(p->input);
  free(p);
  *plan = NULL;
}

PetscErrorCode plan_references(Plan *p)
{
  double told = MPI_Wtime();
  PetscFunctionBeginUser;
  if (!p->reference) p->reference = mem_calloc((size_t)p->table->n_points, sizeof *p->reference);
  for (int64_t i = 0; p->experiment->reference && i < p->table->n_points; i++) {
    p->reference[i].n = 0;
    PetscCall(p->experiment->reference(p->table->points[i].params, &p->reference[i]));
    if (MPI_Wtime() - told < 2) continue;
    log_info("exact values: %lld of %lld points", (long long)(i + 1), (long long)p->table->n_points);
    told = MPI_Wtime();
  }
  PetscFunctionReturn(0);
}

ResultsPlan plan_results(const Plan *p)
{
  return (ResultsPlan){
      .table       = p->table,
      .schema      = p->schema,
      .reference   = p->reference,
      .record      = p->record,
      .expect_low  = p->expect_low,
      .expect_high = p->expect_high,
      .n_claims    = p->n_claims,
      .claim       = p->claim,
      .every       = study_options(p->study)->every,
      .title       = study_title(p->study),
      .merit_unit  = p->experiment->merit_unit,
  };
}
