/* SPDX-License-Identifier: BSD-2-Clause
 * Variables, their fixed values, and the axes: from `parameters`, `execution`, `seed`, `sweep`, `cases` and the command line.
 * A setting of the command line replaces the file's entry of that name: under sweep the axis keeps its place with the new values;
 * elsewhere one value is fixed and several make a new axis behind the file's. Does not expand anything (points.c), nor judge zip,
 * when and pair (sweep_rules.c). */
#include "sweep.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "study_private.h"

typedef struct Builtin {
  int64_t seed, ranks;
} Builtin;

static const ParamSpec builtin_specs[] = {
    {.name = "seed", .type = PARAM_INT, .offset = offsetof(Builtin, seed), .fallback = "1", .min = 0, .max = 0x1p53 - 1, .unit = "1"},
    {.name     = "ranks",
     .type     = PARAM_INT,
     .offset   = offsetof(Builtin, ranks),
     .fallback = NULL,
     .min      = 1,
     .max      = 1e6,
     .flags    = PARAM_EXECUTION,
     .unit     = "1"},
};

/* --- variables --- */

int sweep_variable(const Sweep *sweep, const char *name)
{
  for (int i = 0; i < sweep->n_variables; i++) {
    if (!strcmp(sweep->variable[i].spec->name, name)) return i;
  }
  return -1;
}

static const char *variable_at(const void *ctx, int i)
{
  const Sweep *sweep = ctx;

  return i < sweep->n_variables ? sweep->variable[i].spec->name : NULL;
}

void sweep_unknown(const Sweep *sweep, const char *name, SourceMark mark, Diagnostics *diag)
{
  const char *near = yaml_suggest(name, variable_at, sweep);
  char        shown[SHOWN_MAX];

  yaml_shown(name, shown);
  if (study_is_option(name))
    diagnostics_error(diag, mark, "'%s' is no parameter; it stands at the top level, and is not swept", shown);
  else if (near)
    diagnostics_error(diag, mark, "unknown parameter '%s'; did you mean '%s'?", shown, near);
  else
    diagnostics_error(diag, mark, "unknown parameter '%s' (`myopia describe EXPERIMENT` lists them)", shown);
}

static uint64_t choice_bits(const ParamSpec *gate, const char *names)
{
  uint64_t bits = 0;

  for (int i = 0; gate->choices[i] && i < 64; i++) {
    size_t length = strlen(gate->choices[i]);
    for (const char *s = names; s && *s;) {
      size_t n = strcspn(s, "|");
      if (n == length && !strncmp(s, gate->choices[i], n)) bits |= UINT64_C(1) << i;
      s += n + (s[n] == '|');
    }
  }
  return bits;
}

static void set_gate(Sweep *sweep, Variable *variable)
{
  variable->gate = variable->spec->used_with ? sweep_variable(sweep, variable->spec->used_with) : -1;
  if (variable->gate < 0) return;
  const ParamSpec *gate = sweep->variable[variable->gate].spec;
  if (gate->type == PARAM_CHOICE)
    variable->gate_values = choice_bits(gate, variable->spec->used_values);
  else
    variable->gate = -1;
}

static int compare_names(const void *a, const void *b, void *ctx)
{
  const Sweep *sweep = ctx;
  int          i = *(const int *)a, j = *(const int *)b;

  if (i == sweep->seed || j == sweep->seed) return (j == sweep->seed) - (i == sweep->seed);
  return strcmp(sweep->variable[i].spec->name, sweep->variable[j].spec->name);
}

static void create_variables(Sweep *sweep, const ParamSpec *spec, SourceMark mark, Diagnostics *diag)
{
  char error[1024];

  sweep->n_params    = param_count(spec);
  sweep->n_variables = sweep->n_params + 2;
  sweep->seed        = sweep->n_params;
  sweep->ranks       = sweep->n_params + 1;
  sweep->variable    = mem_calloc((size_t)sweep->n_variables, sizeof *sweep->variable);
  sweep->name_order  = mem_calloc((size_t)sweep->n_variables, sizeof *sweep->name_order);
  for (int i = 0; i < sweep->n_variables; i++) {
    Variable *variable   = &sweep->variable[i];
    variable->builtin    = i >= sweep->n_params;
    variable->spec       = variable->builtin ? &builtin_specs[i - sweep->n_params] : &spec[i];
    variable->axis       = -1;
    sweep->name_order[i] = i;
  }
  for (int i = 0; i < sweep->n_variables; i++) {
    Variable   *variable = &sweep->variable[i];
    const char *fallback = variable->spec->fallback;
    set_gate(sweep, variable);
    if (fallback && !value_set(variable->spec, fallback, (SourceMark){0}, &variable->fixed, error, sizeof error))
      diagnostics_error(diag, mark, "built-in default of '%s': %s", variable->spec->name, error);
  }
  qsort_r(sweep->name_order, (size_t)sweep->n_variables, sizeof *sweep->name_order, compare_names, sweep);
}

/* ranks without an axis: 0, as --ranks-per-trial says. A parameter without default that is not set: an error. */
static void complete_variables(Sweep *sweep, SourceMark mark, Diagnostics *diag)
{
  for (int i = 0; i < sweep->n_variables; i++) {
    Variable *variable = &sweep->variable[i];
    if (variable->fixed.text) continue;
    variable->fixed.text  = mem_strdup(i == sweep->ranks ? "0" : "");
    variable->fixed.field = mem_calloc(1, value_field_size(variable->spec->type));
    if (i == sweep->ranks || variable->broken || variable->axis >= 0) continue;
    diagnostics_error(diag, mark, "parameter '%s' has no default; set it under 'parameters:'", variable->spec->name);
    variable->broken = true;
  }
}

static void set_fixed(Variable *variable, const YamlNode *node, Diagnostics *diag)
{
  Value value = {0};

  if (!value_read(variable->spec, node, &value, diag)) {
    variable->broken = true;
    return;
  }
  value_clear(&variable->fixed);
  variable->fixed = value;
}

static bool is_overridden(const Study *study, const char *name) { return overrides_find(study->sets, name) != NULL; }

static void read_parameters(Sweep *sweep, const Study *study, const char *section, Diagnostics *diag)
{
  const YamlNode *map       = yaml_expect_kind(study_section(study, section, NULL), NODE_MAP, section, diag);
  bool            execution = !strcmp(section, "execution");

  for (int i = 0; map && i < map->n && !yaml_enough_errors(diag); i++) {
    const YamlNode *key = map->key[i];
    int             v   = sweep_variable(sweep, key->text);
    if (v < 0) {
      sweep_unknown(sweep, key->text, key->mark, diag);
      continue;
    }
    Variable *variable = &sweep->variable[v];
    if (v == sweep->seed)
      diagnostics_error(diag, key->mark, "'seed' is no parameter; it stands at the top level or under 'sweep:'");
    else if (v == sweep->ranks)
      diagnostics_error(diag, key->mark, "'ranks' is no parameter; it stands under 'sweep:' (or --ranks-per-trial)");
    else if (execution && !(variable->spec->flags & PARAM_EXECUTION))
      diagnostics_error(diag, key->mark, "'%s' decides results; it stands under 'parameters:'", key->text);
    else if (execution && variable->fixed.mark.line > 0)
      diagnostics_error(diag, key->mark, "'%s' stands also under 'parameters:' (line %d); remove one", key->text,
                        variable->fixed.mark.line);
    else if (!is_overridden(study, key->text))
      set_fixed(variable, map->item[i], diag);
  }
}

static void read_seed(Sweep *sweep, const Study *study, Diagnostics *diag)
{
  const YamlNode *node = study_section(study, "seed", NULL);

  if (node && !is_overridden(study, "seed")) set_fixed(&sweep->variable[sweep->seed], node, diag);
}

/* --- axes --- */

static SweepAxis *add_axis(Sweep *sweep, int variable, SourceMark mark)
{
  SweepAxis *axis = &sweep->axis[sweep->n_axes];

  *axis                          = (SweepAxis){.variable = variable, .mark = mark, .factor = -1};
  sweep->variable[variable].axis = sweep->n_axes++;
  return axis;
}

static void add_swept(Sweep *sweep, int variable, SourceMark mark, const YamlNode *node, Diagnostics *diag)
{
  SweepAxis *axis = add_axis(sweep, variable, mark);

  if (!values_read(sweep->variable[variable].spec, node, &axis->values, diag)) sweep->variable[variable].broken = true;
  if (axis->values.n == 0) sweep->usable = false;
}

static const char *fixed_in(const Study *study, const char *name, SourceMark *mark)
{
  static const char *const sections[] = {"parameters", "execution"};

  for (int i = 0; i < 2; i++) {
    if (yaml_map_find(study_section(study, sections[i], NULL), name, mark)) return sections[i];
  }
  return !strcmp(name, "seed") && study_section(study, "seed", mark) ? "the top level" : NULL;
}

static void read_sweep(Sweep *sweep, const Study *study, Diagnostics *diag)
{
  const YamlNode *map = yaml_expect_kind(study_section(study, "sweep", NULL), NODE_MAP, "sweep", diag);

  for (int i = 0; map && i < map->n && !yaml_enough_errors(diag); i++) {
    const YamlNode *key = map->key[i], *node = map->item[i];
    int             v     = sweep_variable(sweep, key->text);
    SourceMark      other = {0};
    if (v < 0) {
      sweep_unknown(sweep, key->text, key->mark, diag);
      continue;
    }
    const char     *section = fixed_in(study, key->text, &other);
    const Override *set     = overrides_find(study->sets, key->text);
    if (section)
      diagnostics_error(diag, key->mark, "'%s' is swept and also fixed at line %d (%s); remove one", key->text, other.line, section);
    add_swept(sweep, v, set ? set->mark : key->mark, set && set->value ? set->value : node, diag);
  }
}

/* Settings of variables that the file does not sweep. */
static void read_sets(Sweep *sweep, const Study *study, Diagnostics *diag)
{
  for (int i = 0; i < study->sets->n && !yaml_enough_errors(diag); i++) {
    const Override *set = &study->sets->set[i];
    int             v   = sweep_variable(sweep, set->key);
    if (v < 0) {
      if (!study_is_option(set->key)) sweep_unknown(sweep, set->key, set->mark, diag);
      continue;
    }
    if (sweep->variable[v].axis >= 0) continue;
    if (!set->value)
      sweep->variable[v].broken = true;
    else if (v == sweep->ranks || values_sweeps(sweep->variable[v].spec, set->value))
      add_swept(sweep, v, set->mark, set->value, diag);
    else
      set_fixed(&sweep->variable[v], set->value, diag);
  }
}

/* --- cases --- */

/* The column of a case's key, or -1 with an error. */
static int case_column(Sweep *sweep, const Study *study, const YamlNode *key, Diagnostics *diag)
{
  int             v = sweep_variable(sweep, key->text);
  const Override *set;

  if (v < 0) {
    sweep_unknown(sweep, key->text, key->mark, diag);
    return -1;
  }
  if ((set = overrides_find(study->sets, key->text))) {
    diagnostics_error(diag, set->mark, "'%s' is set by the cases of the input (%s:%d); a setting cannot replace it there", key->text,
                      key->mark.file, key->mark.line);
    return -1;
  }
  int column = sweep->variable[v].axis;
  if (column < 0) {
    SweepAxis *axis = add_axis(sweep, v, key->mark);
    axis->by_cases  = true;
    return sweep->n_axes - 1;
  }
  if (sweep->axis[column].by_cases) return column;
  diagnostics_error(diag, key->mark, "'%s' is swept already (line %d); a case may not repeat an axis of 'sweep:'", key->text,
                    sweep->axis[column].mark.line);
  return -1;
}

static void read_case(Sweep *sweep, const Study *study, const YamlNode *map, Case *one, Diagnostics *diag)
{
  one->axis   = mem_calloc((size_t)map->n + 1, sizeof *one->axis);
  one->mark   = map->mark;
  one->length = 1;
  for (int i = 0; i < map->n && !yaml_enough_errors(diag); i++) {
    int column = case_column(sweep, study, map->key[i], diag);
    if (column < 0) {
      sweep->usable = false;
      continue;
    }
    CaseAxis *axis     = &one->axis[one->n++];
    Variable *variable = &sweep->variable[sweep->axis[column].variable];
    axis->axis         = column;
    if (!values_read(variable->spec, map->item[i], &axis->values, diag)) variable->broken = true;
    if (axis->values.n == 0) sweep->usable = false;
    if (__builtin_mul_overflow(one->length, (int64_t)axis->values.n, &one->length) || one->length > WALK_STEPS_MAX) {
      diagnostics_error(diag, map->mark, "this case has more than %d points", WALK_STEPS_MAX);
      sweep->usable = false;
      one->length   = 1;
    }
  }
}

static void read_cases(Sweep *sweep, const Study *study, Diagnostics *diag)
{
  const YamlNode *list   = yaml_expect_kind(study_section(study, "cases", NULL), NODE_LIST, "cases", diag);
  int64_t         values = 0;

  if (!list) return;
  if (list->n == 0) diagnostics_error(diag, list->mark, "'cases' is empty; list at least one partial sweep or remove it");
  sweep->cases = mem_calloc((size_t)list->n + 1, sizeof *sweep->cases);
  for (int i = 0; i < list->n && !yaml_enough_errors(diag); i++) {
    const YamlNode *map = list->item[i];
    if (map->kind != NODE_MAP) {
      diagnostics_error(diag, map->mark, "a case must be a mapping such as {method: oracle}, found %s", yaml_kind(map));
      sweep->usable = false;
      continue;
    }
    Case *one = &sweep->cases[sweep->n_cases++];
    read_case(sweep, study, map, one, diag);
    for (int k = 0; k < one->n; k++) values += one->axis[k].values.n;
    if (values <= VALUES_MAX) continue; /* aliases can make few lines many values */
    diagnostics_error(diag, map->mark, "the cases list more than %d values", VALUES_MAX);
    sweep->usable = false;
    return;
  }
}

/* Where an axis is off or a case does not mention it, its column shows the fixed value. */
static void check_columns(Sweep *sweep, Diagnostics *diag)
{
  for (int a = 0; a < sweep->n_axes; a++) {
    const SweepAxis *axis  = &sweep->axis[a];
    const Value     *fixed = &sweep->variable[axis->variable].fixed;
    if (!axis->by_cases || strlen(fixed->text) < AXIS_TEXT_MAX) continue;
    diagnostics_error(diag, fixed->mark.line ? fixed->mark : axis->mark, "'%s': a text of %zu characters; at most %d fit into an axis",
                      sweep->variable[axis->variable].spec->name, strlen(fixed->text), AXIS_TEXT_MAX - 1);
  }
}

/* --- the whole --- */

Sweep *sweep_create(const Study *study, const ParamSpec *spec, Diagnostics *diag)
{
  Sweep     *sweep = mem_calloc(1, sizeof *sweep);
  SourceMark mark  = {0};

  sweep->usable = true;
  sweep->mark   = study->experiment_mark;
  if (study_section(study, "sweep", &mark) || study_section(study, "cases", &mark)) sweep->mark = mark;
  create_variables(sweep, spec, study->experiment_mark, diag);
  sweep->axis = mem_calloc((size_t)sweep->n_variables, sizeof *sweep->axis);
  read_parameters(sweep, study, "parameters", diag);
  read_parameters(sweep, study, "execution", diag);
  read_seed(sweep, study, diag);
  read_sweep(sweep, study, diag);
  read_sets(sweep, study, diag);
  read_cases(sweep, study, diag);
  complete_variables(sweep, study->experiment_mark, diag);
  check_columns(sweep, diag);
  bool zip_good = sweep_read_zip(sweep, study, diag), when_good = sweep_read_when(sweep, study, diag);
  sweep->usable = sweep->usable && zip_good && when_good;
  sweep_read_pair(sweep, study, diag);
  return sweep;
}

static void destroy_cases(Sweep *sweep)
{
  for (int i = 0; i < sweep->n_cases; i++) {
    for (int k = 0; k < sweep->cases[i].n; k++) values_clear(&sweep->cases[i].axis[k].values);
    free(sweep->cases[i].axis);
  }
  free(sweep->cases);
}

void sweep_destroy(Sweep **sweep)
{
  if (!sweep || !*sweep) return;
  Sweep *s = *sweep;
  for (int i = 0; i < s->n_variables; i++) value_clear(&s->variable[i].fixed);
  for (int i = 0; i < s->n_axes; i++) {
    for (int k = 0; k < s->axis[i].n_conditions; k++) values_clear(&s->axis[i].condition[k].values);
    free(s->axis[i].condition);
    values_clear(&s->axis[i].values);
  }
  for (int i = 0; i < s->n_factors; i++) free(s->factor[i].axis);
  destroy_cases(s);
  free(s->variable);
  free(s->axis);
  free(s->factor);
  free(s->when_order);
  free(s->name_order);
  free(s);
  *sweep = NULL;
}
