/* SPDX-License-Identifier: BSD-2-Clause
 * Expectations: bounds on a metric's mean at the points that `where` selects.
 * Either {metric, reference, lower, upper}, with lower <= 0 <= upper as offsets from the reference (numbers) or parts of |reference|
 * (percent), or {metric, min, max}. Whether the metric exists is judged by who knows the metrics. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "study_private.h"

enum { EXPECT_MAX = 1000 };

static void drop_last(Study *study) { where_clear(&study->expect[--study->n_expect].where); }

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

/* -5% (of |reference|), or a number. */
static bool read_offset(const char *name, const YamlNode *node, double reference, double *out, Diagnostics *diag)
{
  size_t n = node->kind == NODE_SCALAR ? strlen(node->text) : 0;
  char   text[64], shown[SHOWN_MAX];
  double percent;

  if (n == 0 || n >= sizeof text || node->text[n - 1] != '%') return value_read_number(name, node, out, diag);
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
  if (min && !value_read_number("min", min, &e->low, diag)) return false;
  if (max && !value_read_number("max", max, &e->high, diag)) return false;
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
    return value_read_number("reference", reference, &x, diag) && read_offsets(map, x, e, diag);
  return false;
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

static void read_entry(Study *study, const TrialTable *table, const YamlNode *map, Diagnostics *diag)
{
  static const char *const keys[] = {"metric", "where", "reference", "lower", "upper", "min", "max", NULL};
  Expectation             *e      = &study->expect[study->n_expect++];

  *e = (Expectation){.mark = map->mark, .low = -INFINITY, .high = INFINITY}; /* the slot of a dropped one may come back */
  yaml_check_keys(map, "in an expectation", keys, diag);
  bool metric = read_metric(map, e, diag), where = where_read(study, map, "where", &e->where, diag), bounds = read_bounds(map, e, diag);
  if (metric && where && bounds && table->n_points > 0 && !where_check(study, table, &e->where, e->mark, "expectation", "where", diag))
    drop_last(study);
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
