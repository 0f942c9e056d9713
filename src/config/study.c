/* SPDX-License-Identifier: BSD-2-Clause
 * A study from its text and settings: top-level keys, then (with the experiment's table) parameters, sweep, expectations.
 * Sections are judged in study_expand, because only the experiment's table says what their keys mean. */
#include "study.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "study_private.h"

static const char *const top_keys[]     = {"schema", "experiment", "title",  "seed",   "replicates", "parameters", "execution",
                                           "sweep",  "zip",        "cases",  "when",   "pair",       "record",     "timeout",
                                           "sync",   "checkpoint", "expect", "claims", NULL};
static const char *const option_keys[]  = {"experiment", "title",        "replicates",          "timeout", "sync",
                                           "checkpoint", "record.every", "record.trajectories", NULL};
static const char *const section_keys[] = {"schema", "parameters", "execution", "sweep",  "zip",    "cases",
                                           "when",   "pair",       "record",    "expect", "claims", NULL};

static bool among(const char *const *names, const char *word)
{
  for (; *names; names++) {
    if (!strcmp(*names, word)) return true;
  }
  return false;
}

bool study_is_option(const char *key) { return among(option_keys, key) || among(section_keys, key); }

const YamlNode *study_section(const Study *study, const char *key, SourceMark *key_mark)
{
  return yaml_map_find(study->file->root, key, key_mark);
}

const YamlNode *study_value(const Study *study, const char *key)
{
  const Override *set = overrides_find(study->sets, key);

  if (set && set->value && !among(section_keys, key)) return set->value;
  return study_section(study, key, NULL);
}

static void check_sets(const Study *study, Diagnostics *diag)
{
  for (int i = 0; i < study->sets->n; i++) {
    const Override *set = &study->sets->set[i];
    if (!strcmp(set->key, "record"))
      diagnostics_error(diag, set->mark, "'record' has two parts; write record.trajectories=... or record.every=...");
    else if (among(section_keys, set->key))
      diagnostics_error(diag, set->mark, "'%s' cannot be set on the command line; write it in the input", set->key);
  }
}

Study *study_parse(const char *name, const char *text, size_t n, int n_sets, const char *const *sets, Diagnostics *diag)
{
  Study *study = mem_calloc(1, sizeof *study);

  study->name  = mem_strdup(name);
  study->title = mem_strdup("");
  study->file  = yaml_tree_create(study->name, text, n, diag);
  study->sets  = overrides_create(n_sets, sets, diag);
  check_sets(study, diag);
  if (!study->file->root) {
    study->experiment_mark = (SourceMark){study->name, 1, 1};
    study->replicates      = 1;
    return study;
  }
  yaml_check_keys(study->file->root, "at the top level (parameters of the experiment stand under 'parameters:' or 'sweep:')", top_keys,
                  diag);
  study_read_options(study, diag);
  return study;
}

void study_destroy(Study **study)
{
  if (!study || !*study) return;
  study_clear_expectations(*study);
  study_clear_claims(*study);
  sweep_destroy(&(*study)->sweep);
  overrides_destroy(&(*study)->sets);
  yaml_tree_destroy(&(*study)->file);
  free((*study)->origin);
  free((*study)->title);
  free((*study)->name);
  free(*study);
  *study = NULL;
}

const char *study_experiment(const Study *study, SourceMark *mark)
{
  if (mark) *mark = study->experiment_mark;
  return study->experiment_node ? study->experiment_node->text : NULL;
}

const char *study_title(const Study *study) { return study->title; }

const StudyOptions *study_options(const Study *study) { return &study->options; }

/* Names that the input or the results file needs for itself. */
static void check_reserved(const ParamSpec *spec, SourceMark mark, Diagnostics *diag)
{
  static const char *const reserved[] = {"seed",   "ranks",      "replicate", "replicates", "row",          "state",
                                         "key",    "id",         "point",     "attempt",    "checksum",     "message",
                                         "record", "schema",     "title",     "experiment", "timeout",      "sync",
                                         "sweep",  "zip",        "cases",     "when",       "pair",         "expect",
                                         "claims", "parameters", "execution", "checkpoint", "record.every", "record.trajectories",
                                         NULL};
  for (; spec->name; spec++) {
    if (among(reserved, spec->name)) diagnostics_error(diag, mark, "the experiment's parameter '%s' has a reserved name", spec->name);
  }
}

static void set_rows(TrialTable *table, int64_t replicates)
{
  for (int64_t i = 0; i < table->n_points; i++) {
    table->points[i].first_row = i * replicates;
    table->points[i].n_rows    = replicates;
  }
  table->n_rows = table->n_points * replicates;
}

TrialTable *study_expand(Study *study, const char *experiment, const ParamSpec *spec, size_t params_size,
                         void (*check)(const void *, Diagnostics *), Diagnostics *diag)
{
  sweep_destroy(&study->sweep);
  study_clear_expectations(study);
  study_clear_claims(study);
  study->spec = spec;
  check_reserved(spec, study->experiment_mark, diag);
  study->sweep      = sweep_create(study, spec, diag);
  TrialTable *table = sweep_points(study->sweep, study, experiment, params_size, check, diag);
  set_rows(table, study->replicates);
  study_read_expectations(study, table, diag);
  study_read_claims(study, table, diag);
  study_make_origins(study);
  return table;
}

static const Value *find_value(const ValueList *values, const char *text)
{
  for (int i = 0; i < values->n; i++) {
    if (!strcmp(values->value[i].text, text)) return &values->value[i];
  }
  return NULL;
}

SourceMark study_value_mark(const Study *study, const char *name, const char *text)
{
  const Sweep *sweep = study->sweep;
  int          v     = sweep ? sweep_variable(sweep, name) : -1;
  const Value *found = NULL;

  if (v < 0) return (SourceMark){0};
  int axis = sweep->variable[v].axis;
  if (axis < 0) return sweep->variable[v].fixed.mark;
  found = find_value(&sweep->axis[axis].values, text);
  for (int c = 0; c < sweep->n_cases && !found; c++) {
    for (int k = 0; k < sweep->cases[c].n && !found; k++) {
      if (sweep->cases[c].axis[k].axis == axis) found = find_value(&sweep->cases[c].axis[k].values, text);
    }
  }
  return found ? found->mark : sweep->axis[axis].mark;
}
