/* SPDX-License-Identifier: BSD-2-Clause
 * Claims: what a source says of measured values, one bound on the mean of `metric` at the points of `of`, alone or compared with that at
 * the points of `against` (or of another metric, `against_metric`). Says nothing about whether a claim holds, nor whether a metric exists:
 * that is judged by who knows the metrics. */
#include "claim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "study_private.h"

const char *const claim_compare_names[CLAIM_COMPARES + 1] = {"value", "difference", "ratio", NULL};
const char *const claim_bound_names[CLAIM_BOUNDS + 1]     = {"below", "above", "within", "contains", NULL};

static const char *const side_keys[CLAIM_SIDES]   = {"of", "against"};
static const char *const metric_keys[CLAIM_SIDES] = {"metric", "against_metric"};

static void drop_last(Study *study)
{
  StudyClaim *c = &study->claim[--study->n_claims];

  for (int side = 0; side < CLAIM_SIDES; side++) where_clear(&c->where[side]);
}

void study_clear_claims(Study *study)
{
  while (study->n_claims > 0) drop_last(study);
  free(study->claim);
  study->claim = NULL;
}

int study_claims(const Study *study, const StudyClaim **out)
{
  *out = study->claim;
  return study->n_claims;
}

/* --- one claim --- */

static bool read_name(const YamlNode *map, const char *key, const char *example, char *out, size_t size, SourceMark *mark,
                      Diagnostics *diag)
{
  const YamlNode *node = yaml_map_find(map, key, NULL);

  if (yaml_is_null(node) || node->kind != NODE_SCALAR || !node->text[0]) {
    diagnostics_error(diag, node ? node->mark : map->mark, "a claim needs '%s: %s'", key, example);
    return false;
  }
  for (const char *s = node->text; *s; s++) {
    if ((unsigned char)*s >= 0x20 && *s != 0x7f) continue;
    diagnostics_error(diag, node->mark, "'%s' holds a control character", key);
    return false;
  }
  if (strlen(node->text) >= size) {
    diagnostics_error(diag, node->mark, "'%s': a text of %zu bytes; at most %zu are allowed", key, strlen(node->text), size - 1);
    return false;
  }
  snprintf(out, size, "%s", node->text);
  if (mark) *mark = node->mark;
  return true;
}

static bool read_within(const YamlNode *node, Claim *c, Diagnostics *diag)
{
  if (node->kind != NODE_LIST || node->n != 2) {
    diagnostics_error(diag, node->mark, "'within' takes two numbers: within: [0.9, 1.1]");
    return false;
  }
  bool low = value_read_number("within", node->item[0], &c->low, diag), high = value_read_number("within", node->item[1], &c->high, diag);
  if (low && high && c->low > c->high) {
    diagnostics_error(diag, node->item[1]->mark, "'within': the upper end lies below the lower one");
    return false;
  }
  return low && high;
}

static bool read_bound(const YamlNode *map, Claim *c, Diagnostics *diag)
{
  const YamlNode *found = NULL;

  for (int i = 0; i < CLAIM_BOUNDS; i++) {
    SourceMark      mark;
    const YamlNode *node = yaml_map_find(map, claim_bound_names[i], &mark);
    if (!node) continue;
    if (found) {
      diagnostics_error(diag, mark, "a claim has one bound, and '%s' is a second one beside '%s'; write 'within: [a, b]', or two claims",
                        claim_bound_names[i], claim_bound_names[c->bound]);
      return false;
    }
    found    = node;
    c->bound = (ClaimBound)i;
  }
  if (!found) {
    diagnostics_error(diag, map->mark, "a claim needs a bound: 'below', 'above', 'within' or 'contains', such as 'below: 0'");
    return false;
  }
  c->low  = -INFINITY;
  c->high = INFINITY;
  if (c->bound == CLAIM_WITHIN) return read_within(found, c, diag);
  double x = 0.0;
  if (!value_read_number(claim_bound_names[c->bound], found, &x, diag)) return false;
  if (c->bound != CLAIM_BELOW) c->low = x;
  if (c->bound != CLAIM_ABOVE) c->high = x;
  return true;
}

static const ParamSpec compare_spec = {.name = "compare", .type = PARAM_CHOICE, .choices = claim_compare_names + 1};

/* compare goes with another side, and another side with it. */
static bool read_compare(const YamlNode *map, Claim *c, Diagnostics *diag)
{
  const YamlNode *compare = yaml_map_find(map, "compare", NULL);
  bool            other   = yaml_map_find(map, "against", NULL) || yaml_map_find(map, "against_metric", NULL);
  Value           value   = {0};

  c->compare = CLAIM_VALUE;
  if (other && !compare)
    diagnostics_error(diag, map->mark,
                      "a claim with 'against' needs 'compare: difference' (of - against) or 'compare: ratio' (of / against)");
  if (!compare) return !other;
  if (!value_read(&compare_spec, compare, &value, diag)) return false;
  c->compare = (ClaimCompare)((int)value.number + 1);
  value_clear(&value);
  if (!other) diagnostics_error(diag, compare->mark, "'compare' needs the other side: 'against: {...}' or 'against_metric: NAME'");
  return other;
}

static bool read_sides(const Study *study, const YamlNode *map, StudyClaim *c, Diagnostics *diag)
{
  bool good = true;

  for (int side = 0; side < CLAIM_SIDES; side++) good = where_read(study, map, side_keys[side], &c->where[side], diag) && good;
  if (yaml_map_find(map, "against", NULL) || !yaml_map_find(map, "against_metric", NULL)) return good;
  const Where *of = &c->where[CLAIM_OF]; /* another metric of the same points */
  Where       *to = &c->where[CLAIM_AGAINST];
  for (to->n = 0; to->n < of->n; to->n++) {
    to->name[to->n]  = of->name[to->n];
    to->value[to->n] = mem_strdup(of->value[to->n]);
  }
  return good;
}

static bool read_metrics(const YamlNode *map, StudyClaim *c, Diagnostics *diag)
{
  Claim *claim = &c->claim;
  char  *other = claim->metric[CLAIM_AGAINST];
  bool   good  = read_name(map, metric_keys[CLAIM_OF], "NAME", claim->metric[CLAIM_OF], CLAIM_METRIC_MAX, &c->metric_mark[CLAIM_OF], diag);

  if (yaml_map_find(map, metric_keys[CLAIM_AGAINST], NULL))
    return read_name(map, metric_keys[CLAIM_AGAINST], "NAME", other, CLAIM_METRIC_MAX, &c->metric_mark[CLAIM_AGAINST], diag) && good;
  memcpy(other, claim->metric[CLAIM_OF], CLAIM_METRIC_MAX);
  c->metric_mark[CLAIM_AGAINST] = c->metric_mark[CLAIM_OF];
  return good;
}

/* The conditions for people: cut at a condition where there is no room for all. */
static void name_points(const Where *where, char out[CLAIM_TEXT_MAX])
{
  Text   text = {0};
  size_t n;

  where_text(where, "=", &text);
  n = text.length;
  if (n >= CLAIM_TEXT_MAX) {
    for (n = CLAIM_TEXT_MAX - 4; n > 0 && text.s[n] != ',';) n--;
    snprintf(out, CLAIM_TEXT_MAX, "%.*s...", (int)n, text.s);
  } else {
    snprintf(out, CLAIM_TEXT_MAX, "%s", text_string(&text));
  }
  text_clear(&text);
}

static bool both_sides_same(const StudyClaim *c)
{
  const Where *a = &c->where[CLAIM_OF], *b = &c->where[CLAIM_AGAINST];
  int          found = 0;

  for (int i = 0; i < a->n; i++) {
    for (int k = 0; k < b->n; k++) found += a->name[i] == b->name[k] && !strcmp(a->value[i], b->value[k]);
  }
  return a->n == b->n && found == a->n && !strcmp(c->claim.metric[CLAIM_OF], c->claim.metric[CLAIM_AGAINST]);
}

static bool check_points(const Study *study, const TrialTable *table, const StudyClaim *c, Diagnostics *diag)
{
  bool good = true;

  if (c->claim.compare != CLAIM_VALUE && both_sides_same(c)) {
    diagnostics_error(diag, c->mark, "both sides of the claim are the same; 'against' or 'against_metric' must name something else");
    return false;
  }
  for (int side = 0; side < (c->claim.compare == CLAIM_VALUE ? 1 : CLAIM_SIDES); side++)
    good = where_check(study, table, &c->where[side], c->mark, "claim", side_keys[side], diag) && good;
  return good;
}

static void read_entry(Study *study, const TrialTable *table, const YamlNode *map, Diagnostics *diag)
{
  static const char *const keys[] = {"claim", "metric", "against_metric", "of",       "against", "compare",
                                     "below", "above",  "within",         "contains", NULL};
  StudyClaim              *c      = &study->claim[study->n_claims++];

  *c = (StudyClaim){.mark = map->mark};
  yaml_check_keys(map, "in a claim", keys, diag);
  bool good = read_name(map, "claim", "\"what the source says\"", c->claim.text, CLAIM_TEXT_MAX, NULL, diag);
  good      = read_metrics(map, c, diag) && good;
  good      = read_sides(study, map, c, diag) && good;
  good      = read_compare(map, &c->claim, diag) && good;
  good      = read_bound(map, &c->claim, diag) && good;
  for (int side = 0; side < CLAIM_SIDES; side++) name_points(&c->where[side], c->claim.where[side]);
  if (good && table->n_points > 0 && !check_points(study, table, c, diag)) drop_last(study);
}

void study_read_claims(Study *study, const TrialTable *table, Diagnostics *diag)
{
  const YamlNode *list = yaml_expect_kind(study_section(study, "claims", NULL), NODE_LIST, "claims", diag);

  if (!list) return;
  if (list->n > CLAIMS_MAX) {
    diagnostics_error(diag, list->mark, "%d claims; at most %d are allowed", list->n, CLAIMS_MAX);
    return;
  }
  study->claim = mem_calloc((size_t)list->n + 1, sizeof *study->claim);
  for (int i = 0; i < list->n && !yaml_enough_errors(diag); i++) {
    const YamlNode *map = list->item[i];
    if (map->kind == NODE_MAP)
      read_entry(study, table, map, diag);
    else
      diagnostics_error(diag, map->mark, "a claim must be a mapping such as {claim: \"...\", metric: connected, above: 0.8}, found %s",
                        yaml_kind(map));
  }
}
