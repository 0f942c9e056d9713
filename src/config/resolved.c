/* SPDX-License-Identifier: BSD-2-Clause
 * What was asked, written out again: canonical YAML in two parts, and the origin of every value.
 * `scientific` holds what decides the table and its numbers (parameters that some point uses, axes in order, zip, cases, when, pair,
 * replicates); `execution` the rest (execution parameters, title, record, durations, expect, claims). The parts share no top-level key, so
 * that one behind the other is an input again. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "study_private.h"

/* --- values as YAML --- */

static void add_value(Text *out, const ParamSpec *spec, const char *text)
{
  if (spec->type == PARAM_TEXT)
    text_add_json(out, text);
  else
    text_append(out, text);
}

static void add_values(Text *out, const ParamSpec *spec, const ValueList *values)
{
  text_append(out, "[");
  for (int i = 0; i < values->n; i++) {
    text_append(out, i ? ", " : "");
    add_value(out, spec, values->value[i].text);
  }
  text_append(out, "]");
}

static const char *axis_name(const Sweep *sweep, int axis) { return sweep->variable[sweep->axis[axis].variable].spec->name; }

static bool needs_value(const Sweep *sweep, int v)
{
  const Variable *variable = &sweep->variable[v];

  if (variable->axis < 0) return variable->matters;
  return sweep->axis[variable->axis].by_cases; /* its value where a case does not mention it */
}

static void add_fixed(Text *out, const Sweep *sweep, const char *section, unsigned execution)
{
  bool open = false;

  for (int i = 0; i < sweep->n_variables; i++) {
    int             v        = sweep->name_order[i];
    const Variable *variable = &sweep->variable[v];
    if (variable->builtin || !needs_value(sweep, v) || (variable->spec->flags & PARAM_EXECUTION) != execution) continue;
    if (!open) text_add(out, "%s:\n", section);
    open = true;
    text_add(out, "  %s: ", variable->spec->name);
    add_value(out, variable->spec, variable->fixed.text);
    text_append(out, "\n");
  }
}

static void add_sweep(Text *out, const Sweep *sweep)
{
  bool open = false;

  for (int a = 0; a < sweep->n_axes; a++) {
    const SweepAxis *axis = &sweep->axis[a];
    if (axis->by_cases) continue;
    if (!open) text_append(out, "sweep:\n");
    open = true;
    text_add(out, "  %s: ", axis_name(sweep, a));
    add_values(out, sweep->variable[axis->variable].spec, &axis->values);
    text_append(out, "\n");
  }
}

static void add_zip(Text *out, const Sweep *sweep)
{
  bool open = false;

  for (int f = 0; f < sweep->n_factors; f++) {
    const Factor *factor = &sweep->factor[f];
    if (factor->n < 2) continue;
    if (!open) text_append(out, "zip:\n");
    open = true;
    text_append(out, "  - [");
    for (int i = 0; i < factor->n; i++) text_add(out, "%s%s", i ? ", " : "", axis_name(sweep, factor->axis[i]));
    text_append(out, "]\n");
  }
}

static void add_cases(Text *out, const Sweep *sweep)
{
  if (sweep->n_cases) text_append(out, "cases:\n");
  for (int c = 0; c < sweep->n_cases; c++) {
    const Case *one = &sweep->cases[c];
    text_append(out, "  - {");
    for (int k = 0; k < one->n; k++) {
      text_add(out, "%s%s: ", k ? ", " : "", axis_name(sweep, one->axis[k].axis));
      add_values(out, sweep->variable[sweep->axis[one->axis[k].axis].variable].spec, &one->axis[k].values);
    }
    text_append(out, "}\n");
  }
}

static void add_when(Text *out, const Sweep *sweep)
{
  bool open = false;

  for (int a = 0; a < sweep->n_axes; a++) {
    const SweepAxis *axis = &sweep->axis[a];
    if (axis->n_conditions == 0) continue;
    if (!open) text_append(out, "when:\n");
    open = true;
    text_add(out, "  %s: {", axis_name(sweep, a));
    for (int k = 0; k < axis->n_conditions; k++) {
      const ParamSpec *spec = sweep->variable[axis->condition[k].variable].spec;
      text_add(out, "%s%s: ", k ? ", " : "", spec->name);
      add_values(out, spec, &axis->condition[k].values);
    }
    text_append(out, "}\n");
  }
}

static void add_pair(Text *out, const Sweep *sweep)
{
  bool open = false;

  for (int i = 0; i < sweep->n_variables; i++) {
    const Variable *variable = &sweep->variable[sweep->name_order[i]];
    if (!variable->paired) continue;
    text_add(out, "%s%s", open ? ", " : "pair: [", variable->spec->name);
    open = true;
  }
  if (open) text_append(out, "]\n");
}

/* --- options as YAML --- */

static void add_number(Text *out, double x)
{
  char text[32];

  text_number(text, sizeof text, x);
  text_append(out, text);
}

static void add_options(Text *out, const StudyOptions *options)
{
  static const char *const modes[] = {"none", "first", "first_per_point", "all"};

  text_append(out, "record: {trajectories: ");
  if (options->record == RECORD_EVERY_N)
    text_add(out, "every %" PRId64, options->record_n);
  else
    text_append(out, modes[options->record]);
  text_add(out, ", every: %" PRId64 "}\ntimeout: ", options->every);
  if (isinf(options->timeout))
    text_append(out, "none");
  else
    add_number(out, options->timeout);
  text_append(out, "\nsync: ");
  add_number(out, options->sync);
  text_append(out, "\ncheckpoint: ");
  add_number(out, options->checkpoint);
  text_append(out, "\n");
}

static void add_where(Text *out, const Study *study, const Where *where)
{
  text_append(out, "{");
  for (int i = 0; i < where->n; i++) {
    int v = sweep_variable(study->sweep, where->name[i]);
    text_add(out, "%s%s: ", i ? ", " : "", where->name[i]);
    add_value(out, study->sweep->variable[v].spec, where->value[i]);
  }
  text_append(out, "}");
}

static void add_expectation(Text *out, const Study *study, const Expectation *e)
{
  text_append(out, "  - {metric: ");
  text_add_json(out, e->metric);
  if (e->where.n) text_append(out, ", where: "), add_where(out, study, &e->where);
  if (isfinite(e->low)) text_append(out, ", min: "), add_number(out, e->low);
  if (isfinite(e->high)) text_append(out, ", max: "), add_number(out, e->high);
  text_append(out, "}\n");
}

static void add_claim(Text *out, const Study *study, const StudyClaim *c)
{
  const Claim *claim = &c->claim;

  text_append(out, "  - {claim: ");
  text_add_json(out, claim->text);
  text_append(out, ", metric: ");
  text_add_json(out, claim->metric[CLAIM_OF]);
  text_append(out, ", of: ");
  add_where(out, study, &c->where[CLAIM_OF]);
  if (claim->compare != CLAIM_VALUE) {
    text_append(out, ", against_metric: ");
    text_add_json(out, claim->metric[CLAIM_AGAINST]);
    text_append(out, ", against: ");
    add_where(out, study, &c->where[CLAIM_AGAINST]);
    text_add(out, ", compare: %s", claim_compare_names[claim->compare]);
  }
  text_add(out, ", %s: %s", claim_bound_names[claim->bound], claim->bound == CLAIM_WITHIN ? "[" : "");
  add_number(out, claim->bound == CLAIM_BELOW ? claim->high : claim->low);
  if (claim->bound == CLAIM_WITHIN) text_append(out, ", "), add_number(out, claim->high), text_append(out, "]");
  text_append(out, "}\n");
}

void study_resolved(const Study *study, Text *scientific, Text *execution)
{
  const Sweep *sweep = study->sweep;

  if (!sweep) return; /* never expanded: nothing is resolved */
  text_add(scientific, "schema: myopia/1\nexperiment: ");
  text_append(scientific, study->experiment_node ? study->experiment_node->text : "null");
  if (sweep->variable[sweep->seed].axis < 0 || needs_value(sweep, sweep->seed))
    text_add(scientific, "\nseed: %s", sweep->variable[sweep->seed].fixed.text);
  text_add(scientific, "\nreplicates: %" PRId64 "\n", study->replicates);
  add_fixed(scientific, sweep, "parameters", 0);
  add_sweep(scientific, sweep);
  add_zip(scientific, sweep);
  add_cases(scientific, sweep);
  add_when(scientific, sweep);
  add_pair(scientific, sweep);
  if (study->title[0]) {
    text_append(execution, "title: ");
    text_add_json(execution, study->title);
    text_append(execution, "\n");
  }
  add_fixed(execution, sweep, "execution", PARAM_EXECUTION);
  add_options(execution, &study->options);
  if (study->n_expect) text_append(execution, "expect:\n");
  for (int i = 0; i < study->n_expect; i++) add_expectation(execution, study, &study->expect[i]);
  if (study->n_claims) text_append(execution, "claims:\n");
  for (int i = 0; i < study->n_claims; i++) add_claim(execution, study, &study->claim[i]);
}

/* --- origins --- */

static void set_origin(const Study *study, SourceMark mark, ParamOrigin *out)
{
  if (mark.line == 0)
    snprintf(out->origin, sizeof out->origin, "built-in");
  else if (mark.file == study->sets->tree->file)
    snprintf(out->origin, sizeof out->origin, "command line %d", mark.line);
  else
    snprintf(out->origin, sizeof out->origin, "%s:%d", mark.file, mark.line);
}

/* "a, b, c (3 values)", with "..., last" where not all fit. */
static void set_list(const ValueList *values, ParamOrigin *out)
{
  char   tail[64];
  Text   text  = {0};
  size_t limit = sizeof out->value - sizeof tail - AXIS_TEXT_MAX;

  snprintf(tail, sizeof tail, " (%d value%s)", values->n, values->n == 1 ? "" : "s");
  for (int i = 0; i < values->n; i++) {
    if (i < values->n - 1 && text.length + strlen(values->value[i].text) > limit) {
      text_add(&text, ", ..., %s", values->value[values->n - 1].text);
      break;
    }
    text_add(&text, "%s%s", i ? ", " : "", values->value[i].text);
  }
  snprintf(out->value, sizeof out->value, "%.*s%s", (int)(sizeof out->value - sizeof tail), text_string(&text), tail);
  text_clear(&text);
}

static void set_cases(const Sweep *sweep, int axis, ParamOrigin *out)
{
  int values = 0, cases = 0;

  for (int c = 0; c < sweep->n_cases; c++) {
    for (int k = 0; k < sweep->cases[c].n; k++) {
      if (sweep->cases[c].axis[k].axis != axis) continue;
      values += sweep->cases[c].axis[k].values.n;
      cases++;
    }
  }
  snprintf(out->value, sizeof out->value, "%d value%s in %d of %d cases, else %s", values, values == 1 ? "" : "s", cases, sweep->n_cases,
           sweep->variable[sweep->axis[axis].variable].fixed.text);
}

static void set_variable(const Study *study, int v, ParamOrigin *out)
{
  const Sweep     *sweep    = study->sweep;
  const Variable  *variable = &sweep->variable[v];
  const SweepAxis *axis     = variable->axis >= 0 ? &sweep->axis[variable->axis] : NULL;

  out->name = variable->spec->name;
  if (axis && axis->by_cases)
    set_cases(sweep, variable->axis, out);
  else if (axis)
    set_list(&axis->values, out);
  else
    snprintf(out->value, sizeof out->value, "%s", variable->fixed.text);
  set_origin(study, axis ? axis->mark : variable->fixed.mark, out);
}

/* seed, replicates, the parameters in the table's order, and ranks where it is an axis. */
void study_make_origins(Study *study)
{
  const Sweep *sweep = study->sweep;
  int          n     = 0;

  free(study->origin);
  study->origin = mem_calloc((size_t)sweep->n_variables + 1, sizeof *study->origin);
  set_variable(study, sweep->seed, &study->origin[n++]);
  ParamOrigin *replicates = &study->origin[n++];
  replicates->name        = "replicates";
  snprintf(replicates->value, sizeof replicates->value, "%" PRId64, study->replicates);
  set_origin(study, study_value(study, "replicates") ? study->replicates_mark : (SourceMark){0}, replicates);
  for (int v = 0; v < sweep->n_params; v++) set_variable(study, v, &study->origin[n++]);
  if (sweep->variable[sweep->ranks].axis >= 0) set_variable(study, sweep->ranks, &study->origin[n++]);
  study->n_origins = n;
}

int study_origins(const Study *study, const ParamOrigin **out)
{
  *out = study->origin;
  return study->n_origins;
}
