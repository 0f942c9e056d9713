/* SPDX-License-Identifier: BSD-2-Clause
 * Walks the sweep's loop nest and fills the table of points: parameters, axis values, canonical text, hashes.
 * Two walks, one to count and one to fill, each linear in the points; repeated points are found by sorting their hashes. The
 * canonical text is "name=value\n" of seed and every used scientific parameter, seed first, then by name: that text, not the struct,
 * is what a trial is. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "memory.h"
#include "study_private.h"
#include "sweep.h"
#include "text.h"

bool sweep_used(const Sweep *sweep, const Value *const *current, int variable)
{
  for (int steps = 0; sweep->variable[variable].gate >= 0 && steps < sweep->n_variables; steps++) {
    const Variable *v = &sweep->variable[variable];
    if (!(v->gate_values >> (unsigned)current[v->gate]->number & 1)) return false;
    variable = v->gate;
  }
  return true;
}

/* --- the walk --- */

static bool holds(const SweepWalk *walk, const SweepAxis *axis)
{
  for (int i = 0; i < axis->n_conditions; i++) {
    const Condition *condition = &axis->condition[i];
    const char      *text      = walk->current[condition->variable]->text;
    bool             found     = false;
    for (int k = 0; k < condition->values.n && !found; k++) found = !strcmp(condition->values.value[k].text, text);
    if (!found) return false;
  }
  return true;
}

/* Decides the conditions of this level. False: this turn would repeat one that was made. */
static bool decide(SweepWalk *walk, int level)
{
  const Sweep *sweep = walk->sweep;

  for (int i = 0; i < sweep->n_when; i++) {
    int              a    = sweep->when_order[i];
    const SweepAxis *axis = &sweep->axis[a];
    if (axis->level != level) continue;
    walk->off[a]                  = !holds(walk, axis);
    walk->current[axis->variable] = walk->off[a] ? &sweep->variable[axis->variable].fixed : &axis->values.value[walk->index[axis->factor]];
  }
  for (int f = 0; f < sweep->n_factors; f++) {
    const Factor *factor = &sweep->factor[f];
    bool          off    = factor->level == level && walk->index[f] > 0;
    for (int i = 0; i < factor->n && off; i++) off = walk->off[factor->axis[i]];
    if (off) return false;
  }
  return true;
}

static void choose(SweepWalk *walk, int level, int64_t index)
{
  const Factor *factor = &walk->sweep->factor[level];

  walk->index[level] = index;
  for (int i = 0; i < factor->n; i++) {
    const SweepAxis *axis         = &walk->sweep->axis[factor->axis[i]];
    walk->off[factor->axis[i]]    = false;
    walk->current[axis->variable] = &axis->values.value[index];
  }
}

/* The index-th point of a case, its last axis fastest; axes that the case does not mention have their fixed value. */
static void choose_case(SweepWalk *walk, int c, int64_t index)
{
  const Sweep *sweep = walk->sweep;
  const Case  *one   = &sweep->cases[c];

  walk->case_index = c;
  for (int a = 0; a < sweep->n_axes; a++) {
    int v = sweep->axis[a].variable;
    if (sweep->axis[a].by_cases) walk->current[v] = &sweep->variable[v].fixed;
  }
  for (int k = one->n - 1; k >= 0; k--) {
    const CaseAxis *axis                            = &one->axis[k];
    walk->current[sweep->axis[axis->axis].variable] = &axis->values.value[index % axis->values.n];
    index /= axis->values.n;
  }
}

static bool step(SweepWalk *walk)
{
  if (walk->steps++ < WALK_STEPS_MAX) return true;
  walk->overrun = true;
  return false;
}

static bool descend_cases(SweepWalk *walk)
{
  const Sweep *sweep = walk->sweep;

  for (int c = 0; c < sweep->n_cases; c++) {
    for (int64_t i = 0; i < sweep->cases[c].length; i++) {
      if (!step(walk)) return false;
      choose_case(walk, c, i);
      if (decide(walk, sweep->n_factors) && !walk->leaf(walk, walk->ctx)) return false;
    }
  }
  return true;
}

static bool descend(SweepWalk *walk, int level)
{
  if (level == walk->sweep->n_factors) return walk->sweep->n_cases ? descend_cases(walk) : walk->leaf(walk, walk->ctx);
  for (int i = 0; i < walk->sweep->factor[level].length; i++) {
    if (!step(walk)) return false;
    choose(walk, level, i);
    if (decide(walk, level) && !descend(walk, level + 1)) return false;
  }
  return true;
}

void sweep_walk(SweepWalk *walk)
{
  const Sweep *sweep = walk->sweep;

  walk->current    = mem_calloc((size_t)sweep->n_variables, sizeof *walk->current);
  walk->off        = mem_calloc((size_t)sweep->n_axes + 1, sizeof *walk->off);
  walk->index      = mem_calloc((size_t)sweep->n_factors + 1, sizeof *walk->index);
  walk->case_index = -1;
  for (int v = 0; v < sweep->n_variables; v++) walk->current[v] = &sweep->variable[v].fixed;
  descend(walk, 0);
  free(walk->current);
  free(walk->off);
  free(walk->index);
}

static bool count_point(SweepWalk *walk, void *ctx)
{
  (void)walk;
  return ++*(int64_t *)ctx <= POINTS_MAX;
}

/* --- filling --- */

typedef struct Fill {
  const Study *study;
  TrialTable  *table;
  size_t       params_size;
  int64_t      n;
  int         *case_of;   /* (n_points) */
  uint64_t    *signature; /* (n_points) hash of identity and execution variables */
  Text         canonical, stream;
  bool         pairs;
  void (*check)(const void *, Diagnostics *);
  Diagnostics *diag;
} Fill;

static void set_fields(const SweepWalk *walk, SweepPoint *point)
{
  const Sweep *sweep = walk->sweep;

  for (int v = 0; v < sweep->n_params; v++) {
    const ParamSpec *spec = sweep->variable[v].spec;
    memcpy((char *)point->params + spec->offset, walk->current[v]->field, value_field_size(spec->type));
  }
  point->seed  = (uint64_t) * (const int64_t *)walk->current[sweep->seed]->field;
  point->ranks = (int)*(const int64_t *)walk->current[sweep->ranks]->field;
}

static void set_axes(const SweepWalk *walk, SweepPoint *point)
{
  for (int a = 0; a < walk->sweep->n_axes; a++) {
    int          v     = walk->sweep->axis[a].variable;
    const Value *value = walk->current[v];
    AxisValue   *out   = &point->axes[a];
    out->used          = sweep_used(walk->sweep, walk->current, v);
    out->number        = out->used ? value->number : NAN;
    snprintf(out->text, sizeof out->text, "%s", out->used ? value->text : "");
  }
}

static void add_line(Text *text, const char *name, const char *value)
{
  text_append(text, name);
  text_append(text, "=");
  text_append(text, value);
  text_append(text, "\n");
}

static void set_identity(const SweepWalk *walk, Fill *fill, SweepPoint *point)
{
  Sweep   *sweep     = walk->sweep;
  uint64_t execution = 0;

  fill->canonical.length = fill->stream.length = 0;
  for (int i = 0; i < sweep->n_variables; i++) {
    int         v        = sweep->name_order[i];
    Variable   *variable = &sweep->variable[v];
    const char *text     = walk->current[v]->text;
    if (!sweep_used(sweep, walk->current, v)) continue;
    variable->matters = true;
    if (variable->spec->flags & PARAM_EXECUTION) {
      execution = hash_text(execution, text);
      continue;
    }
    add_line(&fill->canonical, variable->spec->name, text);
    if (fill->pairs && !variable->paired) add_line(&fill->stream, variable->spec->name, text);
  }
  point->canonical         = mem_strdup(text_string(&fill->canonical));
  point->identity          = hash_text(0, point->canonical);
  point->stream            = fill->pairs ? hash_text(0, text_string(&fill->stream)) : point->identity;
  fill->signature[fill->n] = hash_u64(execution, point->identity);
}

static void note(const SweepWalk *walk, int v, const ValueList *values, Ignored *ignored)
{
  const Variable *variable = &walk->sweep->variable[v];

  if (values->n_asked < 2 || variable->gate < 0 || sweep_used(walk->sweep, walk->current, v)) return;
  ignored->points++;
  ignored->gate_seen |= UINT64_C(1) << (unsigned)walk->current[variable->gate]->number;
}

static void note_ignored(const SweepWalk *walk)
{
  Sweep *sweep = walk->sweep;

  for (int a = 0; a < sweep->n_axes; a++) {
    SweepAxis *axis = &sweep->axis[a];
    if (!axis->by_cases && !walk->off[a]) note(walk, axis->variable, &axis->values, &axis->ignored);
  }
  if (walk->case_index < 0) return;
  const Case *one = &sweep->cases[walk->case_index];
  for (int k = 0; k < one->n; k++) note(walk, sweep->axis[one->axis[k].axis].variable, &one->axis[k].values, &one->axis[k].ignored);
}

/* Where a parameter got the value that it has at the walk's point; a default: where the experiment is named. */
static SourceMark locate(const void *ctx, const char *name)
{
  const SweepWalk *walk = ctx;
  const Fill      *fill = walk->ctx;
  int              v    = sweep_variable(walk->sweep, name);
  SourceMark       mark = v >= 0 ? walk->current[v]->mark : (SourceMark){0};

  return mark.line > 0 ? mark : fill->study->experiment_mark;
}

static bool any_broken(const Sweep *sweep)
{
  for (int v = 0; v < sweep->n_variables; v++) {
    if (sweep->variable[v].broken) return true;
  }
  return false;
}

static void check_point(const SweepWalk *walk, const Fill *fill, const SweepPoint *point)
{
  if (!fill->check || yaml_enough_errors(fill->diag)) return;
  if (any_broken(walk->sweep)) return;
  diagnostics_set_locator(fill->diag, locate, walk);
  fill->check(point->params, fill->diag);
  diagnostics_set_locator(fill->diag, NULL, NULL);
}

static bool fill_point(SweepWalk *walk, void *ctx)
{
  Fill       *fill  = ctx;
  SweepPoint *point = &fill->table->points[fill->n];

  set_fields(walk, point);
  set_axes(walk, point);
  set_identity(walk, fill, point);
  note_ignored(walk);
  check_point(walk, fill, point);
  fill->case_of[fill->n++] = walk->case_index;
  return true;
}

/* --- judging --- */

/* "method is random, standard": the gate's choices at which the axis was ignored. */
static void add_choices(Text *out, const ParamSpec *gate, uint64_t bits)
{
  const char *separator = "";

  for (int i = 0; gate->choices[i] && i < 64; i++) {
    if (!(bits >> i & 1)) continue;
    text_add(out, "%s%s", separator, gate->choices[i]);
    separator = ", ";
  }
}

static void add_condition(Text *out, const Sweep *sweep, const Variable *variable)
{
  const ParamSpec *gate = sweep->variable[variable->gate].spec;
  bool             one  = __builtin_popcountll(variable->gate_values) == 1;

  text_add(out, "%s: %s", gate->name, one ? "" : "[");
  add_choices(out, gate, variable->gate_values);
  text_append(out, one ? "" : "]");
}

static void report_ignored(const Sweep *sweep, int v, SourceMark mark, int values, const Ignored *ignored, bool in_case, Diagnostics *diag)
{
  const Variable *variable = &sweep->variable[v], *gate = variable;
  Text            where = {0}, cure = {0};

  if (ignored->points == 0) return;
  for (int steps = 0; gate->gate >= 0 && steps < sweep->n_variables; gate = &sweep->variable[gate->gate], steps++) {
    if (sweep->variable[gate->gate].broken) goto done; /* what it would be is not known */
    text_append(&cure, steps ? ", " : "");
    add_condition(&cure, sweep, gate);
  }
  add_choices(&where, sweep->variable[variable->gate].spec, ignored->gate_seen);
  if (in_case)
    diagnostics_error(diag, mark, "the %d values of '%s' are ignored where '%s' is %s, so the case repeats itself; give it only where {%s}",
                      values, variable->spec->name, sweep->variable[variable->gate].spec->name, text_string(&where), text_string(&cure));
  else
    diagnostics_error(diag, mark,
                      "axis '%s' (%d values) is ignored where '%s' is %s, so those points would repeat; write `when: {%s: {%s}}`",
                      variable->spec->name, values, sweep->variable[variable->gate].spec->name, text_string(&where), variable->spec->name,
                      text_string(&cure));
done:
  text_clear(&where);
  text_clear(&cure);
}

static void judge_ignored(const Sweep *sweep, Diagnostics *diag)
{
  for (int a = 0; a < sweep->n_axes; a++) {
    const SweepAxis *axis = &sweep->axis[a];
    report_ignored(sweep, axis->variable, axis->mark, axis->values.n_asked, &axis->ignored, false, diag);
  }
  for (int c = 0; c < sweep->n_cases && !yaml_enough_errors(diag); c++) {
    for (int k = 0; k < sweep->cases[c].n; k++) {
      const CaseAxis *axis = &sweep->cases[c].axis[k];
      SourceMark      mark = axis->values.n ? axis->values.value[0].mark : sweep->cases[c].mark;
      report_ignored(sweep, sweep->axis[axis->axis].variable, mark, axis->values.n_asked, &axis->ignored, true, diag);
    }
  }
}

typedef struct Signature {
  uint64_t hash;
  int64_t  point;
} Signature;

static int compare_signatures(const void *a, const void *b)
{
  const Signature *x = a, *y = b;

  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return x->point < y->point ? -1 : 1;
}

static void report_repeated(const Sweep *sweep, const Fill *fill, int64_t first, int64_t second)
{
  const SweepPoint *point = &fill->table->points[second];
  SourceMark        mark  = fill->case_of[second] >= 0 ? sweep->cases[fill->case_of[second]].mark : sweep->mark;
  Text              shown = {0};

  for (int a = 0; a < sweep->n_axes; a++) {
    if (point->axes[a].used)
      text_add(&shown, "%s%s=%s", shown.length ? ", " : "", sweep->variable[sweep->axis[a].variable].spec->name, point->axes[a].text);
  }
  diagnostics_error(fill->diag, mark, "points %" PRId64 " and %" PRId64 " are the same trials (%s); %s", first + 1, second + 1,
                    text_string(&shown), sweep->n_cases ? "the cases must not overlap" : "an axis repeats itself");
  text_clear(&shown);
}

static void judge_repeated(const Sweep *sweep, const Fill *fill)
{
  Signature *list = mem_calloc((size_t)fill->n + 1, sizeof *list);
  int        told = 0;

  for (int64_t i = 0; i < fill->n; i++) list[i] = (Signature){fill->signature[i], i};
  qsort(list, (size_t)fill->n, sizeof *list, compare_signatures);
  for (int64_t i = 1; i < fill->n && told < 5; i++) {
    if (list[i].hash != list[i - 1].hash) continue;
    report_repeated(sweep, fill, list[i - 1].point, list[i].point);
    told++;
  }
  free(list);
}

/* --- the whole --- */

/* Number of points; 0 where there are none to build (reported). */
static int64_t count_points(Sweep *sweep, const Study *study, Diagnostics *diag)
{
  int64_t   n = 0, trials = 0;
  SweepWalk walk = {.sweep = sweep, .leaf = count_point, .ctx = &n};

  if (!sweep->usable) return 0;
  sweep_walk(&walk);
  if (walk.overrun) {
    diagnostics_error(diag, sweep->mark,
                      "the sweep's product has more than %d combinations before `when` thins it out; put the axis that decides first",
                      WALK_STEPS_MAX);
    return 0;
  }
  if (n > POINTS_MAX) {
    diagnostics_error(diag, sweep->mark, "the sweep has more than %d points; use fewer values (repetitions are 'replicates')", POINTS_MAX);
    return 0;
  }
  if (__builtin_mul_overflow(n, study->replicates, &trials) || trials > TRIALS_MAX) {
    diagnostics_error(diag, study->replicates_mark, "%" PRId64 " points x %" PRId64 " replicates are more than %d trials", n,
                      study->replicates, TRIALS_MAX);
    return 0;
  }
  return n;
}

static void describe_axes(const Sweep *sweep, TrialTable *table)
{
  for (int a = 0; a < sweep->n_axes; a++) {
    const ParamSpec *spec = sweep->variable[sweep->axis[a].variable].spec;
    table->axes[a]        = (Axis){spec->name, spec->type, spec->unit ? spec->unit : "1"};
  }
}

TrialTable *sweep_points(Sweep *sweep, const Study *study, const char *experiment, size_t params_size,
                         void (*check)(const void *, Diagnostics *), Diagnostics *diag)
{
  int64_t     n     = count_points(sweep, study, diag);
  TrialTable *table = trial_table_create(experiment, sweep->n_axes, n, params_size);
  Fill        fill  = {.study = study, .table = table, .params_size = params_size, .check = check, .diag = diag};
  SweepWalk   walk  = {.sweep = sweep, .leaf = fill_point, .ctx = &fill};

  describe_axes(sweep, table);
  if (n == 0) return table;
  for (int v = 0; v < sweep->n_variables; v++) fill.pairs = fill.pairs || sweep->variable[v].paired;
  fill.case_of   = mem_calloc((size_t)n, sizeof *fill.case_of);
  fill.signature = mem_calloc((size_t)n, sizeof *fill.signature);
  sweep_walk(&walk);
  int before = diagnostics_errors(diag);
  judge_ignored(sweep, diag);
  if (diagnostics_errors(diag) == before && !any_broken(sweep)) judge_repeated(sweep, &fill);
  free(fill.case_of);
  free(fill.signature);
  text_clear(&fill.canonical);
  text_clear(&fill.stream);
  return table;
}
