/* SPDX-License-Identifier: BSD-2-Clause
 * Rules over the axes: zip makes factors of the loop nest, when gives axes conditions and the level at which they are decided, pair
 * takes variables out of the random key. The order of conditions is a depth-first topological sort, so that a condition may look at
 * an axis that has one itself. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "study_private.h"
#include "sweep.h"

enum { CONDITION_VALUES_MAX = 100 };

/* --- zip --- */

/* The axis (not of cases) that a rule names, or -1 with an error. */
static int named_axis(const Sweep *sweep, const YamlNode *name, const char *rule, Diagnostics *diag)
{
  char shown[SHOWN_MAX];

  if (name->kind != NODE_SCALAR) {
    diagnostics_error(diag, name->mark, "'%s': expected the name of an axis, found %s", rule, yaml_kind(name));
    return -1;
  }
  int v = sweep_variable(sweep, name->text);
  if (v < 0) {
    sweep_unknown(sweep, name->text, name->mark, diag);
    return -1;
  }
  int column = sweep->variable[v].axis;
  if (column >= 0 && !sweep->axis[column].by_cases) return column;
  if (sweep->variable[v].broken && column < 0) return -1; /* reported */
  diagnostics_error(diag, name->mark, "'%s': '%s' is %s; only axes of 'sweep:' can stand here", rule, yaml_shown(name->text, shown),
                    column >= 0 ? "set by cases" : "not swept");
  return -1;
}

static bool lengths_agree(const Sweep *sweep, const YamlNode *names, const Factor *factor, Diagnostics *diag)
{
  const SweepAxis *first = &sweep->axis[factor->axis[0]];
  bool             good  = true;

  for (int i = 1; i < factor->n; i++) {
    const SweepAxis *axis = &sweep->axis[factor->axis[i]];
    if (axis->values.n == first->values.n) continue;
    good = false;
    if (sweep->variable[axis->variable].broken || sweep->variable[first->variable].broken) continue; /* a value was refused */
    bool       from_set = strcmp(axis->mark.file, names->mark.file) || strcmp(first->mark.file, names->mark.file);
    SourceMark mark     = strcmp(axis->mark.file, names->mark.file)    ? axis->mark
                          : strcmp(first->mark.file, names->mark.file) ? first->mark
                                                                       : names->mark;
    diagnostics_error(diag, mark, "zipped axes must be equally long: '%s' has %d values, '%s' has %d%s",
                      sweep->variable[first->variable].spec->name, first->values.n, sweep->variable[axis->variable].spec->name,
                      axis->values.n, from_set ? "; set both on the command line, or neither" : "");
  }
  return good;
}

/* One list of names; taken[axis] marks the axes in a zip already. */
static bool read_group(Sweep *sweep, const YamlNode *names, bool *taken, Factor *factor, Diagnostics *diag)
{
  bool good = true;

  factor->axis = mem_calloc((size_t)names->n + 1, sizeof *factor->axis);
  for (int i = 0; i < names->n && !yaml_enough_errors(diag); i++) {
    int column = named_axis(sweep, names->item[i], "zip", diag);
    if (column < 0) {
      good = false;
    } else if (taken[column]) {
      diagnostics_error(diag, names->item[i]->mark, "'zip': '%s' is zipped already", names->item[i]->text);
      good = false;
    } else {
      taken[column]             = true;
      factor->axis[factor->n++] = column;
    }
  }
  if (names->n < 2) {
    diagnostics_error(diag, names->mark, "'zip' pairs two or more axes, found %d; write zip: [a, b]", names->n);
    return false;
  }
  return good && lengths_agree(sweep, names, factor, diag);
}

static int compare_ints(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static int compare_factors(const void *a, const void *b) { return ((const Factor *)a)->axis[0] - ((const Factor *)b)->axis[0]; }

/* Axes outside every zip are factors of their own; a zipped factor stands where its first axis does. */
static void complete_factors(Sweep *sweep, const bool *taken)
{
  for (int a = 0; a < sweep->n_axes; a++) {
    if (taken[a] || sweep->axis[a].by_cases) continue;
    Factor *factor  = &sweep->factor[sweep->n_factors++];
    factor->axis    = mem_calloc(1, sizeof *factor->axis);
    factor->axis[0] = a;
    factor->n       = 1;
  }
  for (int f = 0; f < sweep->n_factors; f++) qsort(sweep->factor[f].axis, (size_t)sweep->factor[f].n, sizeof(int), compare_ints);
  qsort(sweep->factor, (size_t)sweep->n_factors, sizeof *sweep->factor, compare_factors);
  for (int f = 0; f < sweep->n_factors; f++) {
    Factor *factor = &sweep->factor[f];
    factor->length = sweep->axis[factor->axis[0]].values.n;
    factor->level  = -1;
    for (int i = 0; i < factor->n; i++) sweep->axis[factor->axis[i]].factor = f;
  }
  for (int a = 0; a < sweep->n_axes; a++) {
    if (sweep->axis[a].by_cases) sweep->axis[a].factor = sweep->n_factors;
  }
}

bool sweep_read_zip(Sweep *sweep, const Study *study, Diagnostics *diag)
{
  const YamlNode *zip   = yaml_expect_kind(study_section(study, "zip", NULL), NODE_LIST, "zip", diag);
  bool           *taken = mem_calloc((size_t)sweep->n_axes + 1, sizeof *taken), good = true;
  bool            nested = zip && zip->n > 0 && zip->item[0]->kind == NODE_LIST;
  int             groups = !zip ? 0 : nested ? zip->n : 1;

  sweep->factor = mem_calloc((size_t)(sweep->n_axes + 1), sizeof *sweep->factor);
  for (int i = 0; i < groups && !yaml_enough_errors(diag); i++) {
    const YamlNode *names  = nested ? zip->item[i] : zip;
    Factor          factor = {0};
    if (names->kind != NODE_LIST) {
      diagnostics_error(diag, names->mark, "'zip': expected a list of axes, found %s", yaml_kind(names));
      good = false;
      continue;
    }
    good = read_group(sweep, names, taken, &factor, diag) && good;
    if (factor.n > 0)
      sweep->factor[sweep->n_factors++] = factor;
    else
      free(factor.axis);
  }
  complete_factors(sweep, taken);
  free(taken);
  return good;
}

/* --- when --- */

static bool read_condition(Sweep *sweep, const SweepAxis *axis, const YamlNode *key, const YamlNode *node, Condition *condition,
                           Diagnostics *diag)
{
  int v = sweep_variable(sweep, key->text);

  condition->variable = v;
  if (v < 0) {
    sweep_unknown(sweep, key->text, key->mark, diag);
    return false;
  }
  if (v == axis->variable) {
    diagnostics_error(diag, key->mark, "'when': '%s' cannot depend on itself", key->text);
    return false;
  }
  if (!values_read(sweep->variable[v].spec, node, &condition->values, diag)) return false;
  if (condition->values.n <= CONDITION_VALUES_MAX) return true;
  diagnostics_error(diag, node->mark, "'when': a condition with %d values; at most %d are allowed", condition->values.n,
                    CONDITION_VALUES_MAX);
  return false;
}

static bool read_conditions(Sweep *sweep, SweepAxis *axis, const YamlNode *map, Diagnostics *diag)
{
  bool good = true;

  axis->when_mark = map->mark;
  if (map->kind != NODE_MAP || map->n == 0) {
    diagnostics_error(diag, map->mark, "'when': '%s' needs a condition such as {method: weighted}, found %s",
                      sweep->variable[axis->variable].spec->name, map->kind == NODE_MAP ? "none" : yaml_kind(map));
    return false;
  }
  axis->condition = mem_calloc((size_t)map->n, sizeof *axis->condition);
  for (int i = 0; i < map->n && !yaml_enough_errors(diag); i++) {
    Condition *condition = &axis->condition[axis->n_conditions];
    if (read_condition(sweep, axis, map->key[i], map->item[i], condition, diag)) {
      axis->n_conditions++;
      continue;
    }
    values_clear(&condition->values);
    good = false;
  }
  return good;
}

static int later(int a, int b) { return a > b ? a : b; }

/* mark: 0 new, 1 on the path, 2 done. False: a cycle. */
static bool visit(Sweep *sweep, int a, int *mark)
{
  SweepAxis *axis = &sweep->axis[a];

  if (mark[a]) return mark[a] == 2;
  mark[a]     = 1;
  axis->level = axis->factor;
  for (int i = 0; i < axis->n_conditions; i++) {
    int other = sweep->variable[axis->condition[i].variable].axis;
    if (other < 0) continue;
    axis->level = later(axis->level, sweep->axis[other].factor);
    if (sweep->axis[other].n_conditions == 0) continue;
    if (!visit(sweep, other, mark)) return false;
    axis->level = later(axis->level, sweep->axis[other].level);
  }
  mark[a] = 2;
  if (axis->n_conditions > 0) sweep->when_order[sweep->n_when++] = a;
  return true;
}

static void set_factor_levels(Sweep *sweep)
{
  for (int f = 0; f < sweep->n_factors; f++) {
    Factor *factor = &sweep->factor[f];
    int     level  = f;
    for (int i = 0; i < factor->n && level >= 0; i++) {
      const SweepAxis *axis = &sweep->axis[factor->axis[i]];
      level                 = axis->n_conditions > 0 ? later(level, axis->level) : -1;
    }
    factor->level = level;
  }
}

bool sweep_read_when(Sweep *sweep, const Study *study, Diagnostics *diag)
{
  const YamlNode *map  = yaml_expect_kind(study_section(study, "when", NULL), NODE_MAP, "when", diag);
  int            *mark = mem_calloc((size_t)sweep->n_axes + 1, sizeof *mark);
  bool            good = true;

  sweep->when_order = mem_calloc((size_t)sweep->n_axes + 1, sizeof *sweep->when_order);
  for (int i = 0; map && i < map->n && !yaml_enough_errors(diag); i++) {
    int column = named_axis(sweep, map->key[i], "when", diag);
    if (column < 0)
      good = false;
    else
      good = read_conditions(sweep, &sweep->axis[column], map->item[i], diag) && good;
  }
  for (int a = 0; a < sweep->n_axes; a++) {
    if (visit(sweep, a, mark)) continue;
    diagnostics_error(diag, sweep->axis[a].when_mark, "'when': the condition of '%s' depends on itself through another axis",
                      sweep->variable[sweep->axis[a].variable].spec->name);
    good = false;
    break;
  }
  set_factor_levels(sweep);
  free(mark);
  return good;
}

/* --- pair --- */

static void read_paired(Sweep *sweep, const YamlNode *name, Diagnostics *diag)
{
  int v = name->kind == NODE_SCALAR ? sweep_variable(sweep, name->text) : -1;

  if (name->kind != NODE_SCALAR)
    diagnostics_error(diag, name->mark, "'pair': expected the name of a parameter, found %s", yaml_kind(name));
  else if (v < 0)
    sweep_unknown(sweep, name->text, name->mark, diag);
  else if (v == sweep->seed)
    diagnostics_error(diag, name->mark, "'pair': 'seed' is what makes random numbers differ; it cannot be left out");
  else if (sweep->variable[v].spec->flags & PARAM_EXECUTION)
    diagnostics_error(diag, name->mark, "'pair': '%s' is never part of the random key; remove it", name->text);
  else
    sweep->variable[v].paired = true;
}

/* With method left out, what matters only through method must go too: else weighted (lambda=10) and oracle (no lambda) would differ
 * all the same. */
static void pair_dependents(Sweep *sweep)
{
  for (int v = 0; v < sweep->n_variables; v++) {
    int gate = sweep->variable[v].gate;
    for (int steps = 0; gate >= 0 && steps < sweep->n_variables; steps++) {
      if (sweep->variable[gate].paired) sweep->variable[v].paired = true;
      gate = sweep->variable[gate].gate;
    }
  }
}

void sweep_read_pair(Sweep *sweep, const Study *study, Diagnostics *diag)
{
  const YamlNode *pair = study_section(study, "pair", NULL);

  if (pair && pair->kind == NODE_SCALAR && !yaml_is_null(pair)) {
    diagnostics_error(diag, pair->mark, "'pair' must be a list; write pair: [%.60s]", pair->text);
    return;
  }
  pair = yaml_expect_kind(pair, NODE_LIST, "pair", diag);
  for (int i = 0; pair && i < pair->n && !yaml_enough_errors(diag); i++) read_paired(sweep, pair->item[i], diag);
  pair_dependents(sweep);
}
