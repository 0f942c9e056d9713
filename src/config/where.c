/* SPDX-License-Identifier: BSD-2-Clause
 * Conditions on sweep points: {method: oracle, k: 2} of an expectation or a claim. A point matches when every variable named has the value
 * named there and is not ignored. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "study_private.h"

void where_clear(Where *where)
{
  for (int k = 0; k < where->n; k++) free(where->value[k]);
  where->n = 0;
}

bool where_read(const Study *study, const YamlNode *map, const char *key, Where *out, Diagnostics *diag)
{
  const YamlNode *node  = yaml_map_find(map, key, NULL);
  const YamlNode *where = yaml_expect_kind(node, NODE_MAP, key, diag);
  bool            good  = where || yaml_is_null(node);

  if (where && where->n > WHERE_MAX) {
    diagnostics_error(diag, where->mark, "'%s' has %d conditions; at most %d are allowed", key, where->n, WHERE_MAX);
    return false;
  }
  for (int i = 0; where && i < where->n; i++) {
    int   v     = sweep_variable(study->sweep, where->key[i]->text);
    Value value = {0};
    if (v < 0) sweep_unknown(study->sweep, where->key[i]->text, where->key[i]->mark, diag);
    if (v < 0 || !value_read(study->sweep->variable[v].spec, where->item[i], &value, diag)) {
      good = false;
      continue;
    }
    out->name[out->n]    = study->sweep->variable[v].spec->name;
    out->value[out->n++] = mem_strdup(value.text);
    value_clear(&value);
  }
  return good;
}

void where_text(const Where *where, const char *equals, Text *out)
{
  for (int i = 0; i < where->n; i++) text_add(out, "%s%s%s%s", i ? ", " : "", where->name[i], equals, where->value[i]);
}

/* The value of a parameter (seed, ranks) at a point as canonical text; false where the point ignores it. */
static bool value_at(const TrialTable *table, const ParamSpec *spec, const SweepPoint *point, const char *name, char *out, size_t size)
{
  for (int a = 0; a < table->n_axes; a++) {
    if (strcmp(table->axes[a].name, name)) continue;
    snprintf(out, size, "%s", point->axes[a].text);
    return point->axes[a].used;
  }
  const ParamSpec *one = param_find(spec, name);
  if (!one) {
    if (!strcmp(name, "seed"))
      snprintf(out, size, "%llu", (unsigned long long)point->seed);
    else
      snprintf(out, size, "%d", point->ranks);
    return true;
  }
  param_format(one, point->params, out, size);
  return param_used(spec, one, point->params);
}

bool where_matches(const Where *where, const TrialTable *table, const ParamSpec *spec, int64_t point)
{
  char text[VALUE_TEXT_MAX];

  for (int i = 0; i < where->n; i++) {
    if (!value_at(table, spec, &table->points[point], where->name[i], text, sizeof text)) return false;
    if (strcmp(text, where->value[i])) return false;
  }
  return true;
}

/* Whether the command line set a variable of `where`, or one that decides whether it matters. */
static bool is_narrowed(const Study *study, const Where *where)
{
  const Sweep *sweep = study->sweep;

  for (int i = 0; i < where->n; i++) {
    int v = sweep_variable(sweep, where->name[i]);
    for (int steps = 0; v >= 0 && steps < sweep->n_variables; v = sweep->variable[v].gate, steps++) {
      if (overrides_find(study->sets, sweep->variable[v].spec->name)) return true;
    }
  }
  return false;
}

bool where_check(const Study *study, const TrialTable *table, const Where *where, SourceMark mark, const char *what, const char *key,
                 Diagnostics *diag)
{
  Text text = {0};

  for (int64_t i = 0; i < table->n_points; i++) {
    if (where_matches(where, table, study->spec, i)) return true;
  }
  where_text(where, ": ", &text);
  if (is_narrowed(study, where))
    diagnostics_warning(diag, mark, "the settings leave this %s no point; it is not judged (%s {%s})", what, key, text_string(&text));
  else
    diagnostics_error(diag, mark, "the %s matches no point of the sweep (%s {%s})", what, key, text_string(&text));
  text_clear(&text);
  return false;
}
