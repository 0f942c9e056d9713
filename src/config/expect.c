/* SPDX-License-Identifier: BSD-2-Clause
 * Expectations: bounds on a metric's mean at the points that `where` selects.
 * Either {metric, reference, lower, upper}, with lower <= 0 <= upper as offsets from the reference (numbers) or parts of |reference|
 * (percent), or {metric, min, max}. Whether the metric exists is judged by who knows the metrics. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "study_private.h"

enum { WHERE_MAX = 16, EXPECT_MAX = 1000 };

static const ParamSpec number_spec = {.name = "", .type = PARAM_REAL};

static void drop_last(Study *study)
{
  Expectation *e = &study->expect[--study->n_expect];

  for (int k = 0; k < e->n_where; k++) free((char *)e->where_value[k]);
}

void study_clear_expectations(Study *study)
{
  while (study->n_expect > 0) drop_last(study);
  free(study->expect);
  study->expect   = NULL;
  study->n_expect = 0;
}

int study_expectations(const Study *study, const Expectation **out)
{
  *out = study->expect;
  return study->n_expect;
}

static bool read_number(const char *name, const YamlNode *node, double *out, Diagnostics *diag)
{
  ParamSpec spec  = number_spec;
  Value     value = {0};

  spec.name = name;
  if (!value_read(&spec, node, &value, diag)) return false;
  *out = value.number;
  value_clear(&value);
  return true;
}

/* -5% (of |reference|), or a number. */
static bool read_offset(const char *name, const YamlNode *node, double reference, double *out, Diagnostics *diag)
{
  size_t n = node->kind == NODE_SCALAR ? strlen(node->text) : 0;
  char   text[64], shown[SHOWN_MAX];
  double percent;

  if (n == 0 || n >= sizeof text || node->text[n - 1] != '%') return read_number(name, node, out, diag);
  memcpy(text, node->text, n - 1);
  text[n - 1] = '\0';
  if (!text_parse_real(text, &percent) || !isfinite(percent)) {
    diagnostics_error(diag, node->mark, "'%s': '%s' is neither a number nor a percentage such as -5%%", name,
                      yaml_shown(node->text, shown));
    return false;
  }
  if (reference == 0.0 && percent != 0.0) {
    diagnostics_error(diag, node->mark, "'%s': a percentage of the reference 0 is 0; write a number", name);
    return false;
  }
  *out = percent / 100.0 * fabs(reference);
  return true;
}

/* One offset alone leaves the other side open; without any, the mean has to be the reference. */
static bool read_offsets(const YamlNode *map, double reference, Expectation *e, Diagnostics *diag)
{
  const YamlNode *lower = yaml_map_find(map, "lower", NULL), *upper = yaml_map_find(map, "upper", NULL);
  double          low = 0.0, high = 0.0;

  if (lower && !read_offset("lower", lower, reference, &low, diag)) return false;
  if (upper && !read_offset("upper", upper, reference, &high, diag)) return false;
  if (low > 0.0) diagnostics_error(diag, lower->mark, "'lower' is the distance below the reference: 0 or negative, such as -5%%");
  if (high < 0.0) diagnostics_error(diag, upper->mark, "'upper' is the distance above the reference: 0 or positive, such as +5%%");
  e->low  = upper && !lower ? -INFINITY : reference + low;
  e->high = lower && !upper ? INFINITY : reference + high;
  return low <= 0.0 && high >= 0.0;
}

static bool read_limits(const YamlNode *map, Expectation *e, Diagnostics *diag)
{
  const YamlNode *min = yaml_map_find(map, "min", NULL), *max = yaml_map_find(map, "max", NULL);

  e->low  = -INFINITY;
  e->high = INFINITY;
  if (min && !read_number("min", min, &e->low, diag)) return false;
  if (max && !read_number("max", max, &e->high, diag)) return false;
  if (e->low <= e->high) return true;
  diagnostics_error(diag, max->mark, "'max' lies below 'min'");
  return false;
}

static bool read_bounds(const YamlNode *map, Expectation *e, Diagnostics *diag)
{
  const YamlNode *reference = yaml_map_find(map, "reference", NULL);
  bool            offsets   = yaml_map_find(map, "lower", NULL) || yaml_map_find(map, "upper", NULL);
  bool            limits    = yaml_map_find(map, "min", NULL) || yaml_map_find(map, "max", NULL);
  double          x         = 0.0;

  if (limits && (reference || offsets))
    diagnostics_error(diag, map->mark, "an expectation has either 'reference' with 'lower' and 'upper', or 'min' and 'max'");
  else if (limits)
    return read_limits(map, e, diag);
  else if (!reference)
    diagnostics_error(diag, map->mark, "an expectation needs 'reference' (with 'lower', 'upper'), or 'min' or 'max'");
  else
    return read_number("reference", reference, &x, diag) && read_offsets(map, x, e, diag);
  return false;
}

static bool read_where(const Study *study, const YamlNode *map, Expectation *e, Diagnostics *diag)
{
  const YamlNode *where = yaml_expect_kind(yaml_map_find(map, "where", NULL), NODE_MAP, "where", diag);
  bool            good  = true;

  if (where && where->n > WHERE_MAX) {
    diagnostics_error(diag, where->mark, "'where' has %d conditions; at most %d are allowed", where->n, WHERE_MAX);
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
    e->where_name[e->n_where]    = study->sweep->variable[v].spec->name;
    e->where_value[e->n_where++] = mem_strdup(value.text);
    value_clear(&value);
  }
  return good;
}

static bool read_metric(const YamlNode *map, Expectation *e, Diagnostics *diag)
{
  const YamlNode *metric = yaml_map_find(map, "metric", NULL);

  if (yaml_is_null(metric) || metric->kind != NODE_SCALAR || !metric->text[0]) {
    diagnostics_error(diag, metric ? metric->mark : map->mark, "an expectation needs 'metric: NAME'");
    return false;
  }
  e->metric      = metric->text;
  e->metric_mark = metric->mark;
  return true;
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

bool expectation_matches(const Expectation *e, const TrialTable *table, const ParamSpec *spec, int64_t point)
{
  char text[VALUE_TEXT_MAX];

  for (int i = 0; i < e->n_where; i++) {
    if (!value_at(table, spec, &table->points[point], e->where_name[i], text, sizeof text)) return false;
    if (strcmp(text, e->where_value[i])) return false;
  }
  return true;
}

/* Whether the command line set a variable of `where`, or one that decides whether it matters. */
static bool is_narrowed(const Study *study, const Expectation *e)
{
  const Sweep *sweep = study->sweep;

  for (int i = 0; i < e->n_where; i++) {
    int v = sweep_variable(sweep, e->where_name[i]);
    for (int steps = 0; v >= 0 && steps < sweep->n_variables; v = sweep->variable[v].gate, steps++) {
      if (overrides_find(study->sets, sweep->variable[v].spec->name)) return true;
    }
  }
  return false;
}

/* A setting may take the points of an expectation away: then it is not judged, with a warning. False: drop it. */
static bool check_matches(const Study *study, const TrialTable *table, const Expectation *e, Diagnostics *diag)
{
  Text where = {0};

  for (int64_t i = 0; i < table->n_points; i++) {
    if (expectation_matches(e, table, study->spec, i)) return true;
  }
  for (int i = 0; i < e->n_where; i++) text_add(&where, "%s%s: %s", i ? ", " : "", e->where_name[i], e->where_value[i]);
  if (is_narrowed(study, e))
    diagnostics_warning(diag, e->mark, "the settings leave this expectation no point; it is not judged (where {%s})", text_string(&where));
  else
    diagnostics_error(diag, e->mark, "the expectation matches no point of the sweep (where {%s})", text_string(&where));
  text_clear(&where);
  return false;
}

static void read_entry(Study *study, const TrialTable *table, const YamlNode *map, Diagnostics *diag)
{
  static const char *const keys[] = {"metric", "where", "reference", "lower", "upper", "min", "max", NULL};
  Expectation             *e      = &study->expect[study->n_expect++];

  *e = (Expectation){.mark = map->mark, .low = -INFINITY, .high = INFINITY}; /* the slot of a dropped one may come back */
  yaml_check_keys(map, "in an expectation", keys, diag);
  bool metric = read_metric(map, e, diag), where = read_where(study, map, e, diag), bounds = read_bounds(map, e, diag);
  if (metric && where && bounds && table->n_points > 0 && !check_matches(study, table, e, diag)) drop_last(study);
}

void study_read_expectations(Study *study, const TrialTable *table, Diagnostics *diag)
{
  const YamlNode *list = yaml_expect_kind(study_section(study, "expect", NULL), NODE_LIST, "expect", diag);

  if (!list) return;
  if (list->n > EXPECT_MAX) {
    diagnostics_error(diag, list->mark, "%d expectations; at most %d are allowed", list->n, EXPECT_MAX);
    return;
  }
  study->expect = mem_calloc((size_t)list->n + 1, sizeof *study->expect);
  for (int i = 0; i < list->n && !yaml_enough_errors(diag); i++) {
    const YamlNode *map = list->item[i];
    if (map->kind == NODE_MAP)
      read_entry(study, table, map, diag);
    else
      diagnostics_error(diag, map->mark, "an expectation must be a mapping such as {metric: connected, min: 0.8}, found %s",
                        yaml_kind(map));
  }
}
