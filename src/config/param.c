/* SPDX-License-Identifier: BSD-2-Clause
 * One parameter: text to field and back, ranges, and whether it matters at a point.
 * Canonical text is the shortest decimal that reads back to the same bits, so equal numbers written differently (10, 10.0, 1e1) are
 * one text; -0 is stored as 0. Does not know where a text came from: the caller adds the position. */
#include "param.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "yaml_tree.h"

int param_count(const ParamSpec *table)
{
  int n = 0;

  while (table && table[n].name) n++;
  return n;
}

const ParamSpec *param_find(const ParamSpec *table, const char *name)
{
  for (; table && table->name; table++) {
    if (!strcmp(table->name, name)) return table;
  }
  return NULL;
}

const char *param_type_name(ParamType type)
{
  static const char *const names[] = {"", "integer", "real", "boolean", "choice", "text", "integer list", "real list"};

  return type >= PARAM_INT && type <= PARAM_REAL_LIST ? names[type] : "unknown";
}

bool param_is_list(ParamType type) { return type == PARAM_INT_LIST || type == PARAM_REAL_LIST; }

ParamType param_entry_type(ParamType type)
{
  if (type == PARAM_INT_LIST) return PARAM_INT;
  return type == PARAM_REAL_LIST ? PARAM_REAL : type;
}

/* --- ranges --- */

static bool bounded(const ParamSpec *spec) { return spec->min != 0.0 || spec->max != 0.0; }
static bool bounded_below(const ParamSpec *spec) { return bounded(spec) && spec->min > -9e18; }
static bool bounded_above(const ParamSpec *spec) { return bounded(spec) && spec->max < 9e18; }

static bool in_range(const ParamSpec *spec, double x)
{
  if (bounded_below(spec) && (spec->flags & PARAM_OPEN_MIN ? !(x > spec->min) : !(x >= spec->min))) return false;
  if (bounded_above(spec) && (spec->flags & PARAM_OPEN_MAX ? !(x < spec->max) : !(x <= spec->max))) return false;
  return true;
}

static void choices_text(const ParamSpec *spec, char *out, size_t size)
{
  size_t used = 0;

  out[0] = '\0';
  for (int i = 0; spec->choices && spec->choices[i] && used < size; i++) {
    int n = snprintf(out + used, size - used, "%s%s", i ? ", " : "", spec->choices[i]);
    used += n > 0 ? (size_t)n : 0;
  }
}

void param_range_text(const ParamSpec *spec, char *out, size_t size)
{
  const char *below = spec->flags & PARAM_OPEN_MIN ? "<" : "<=", *above = spec->flags & PARAM_OPEN_MAX ? "<" : "<=";
  const char *each = param_is_list(spec->type) ? "each " : "";
  char        min[32], max[32], names[512];

  if (size == 0) return;
  out[0] = '\0';
  if (spec->type == PARAM_CHOICE) {
    choices_text(spec, names, sizeof names);
    snprintf(out, size, "one of %s", names);
    return;
  }
  if (spec->type == PARAM_BOOL || spec->type == PARAM_TEXT) return;
  text_number(min, sizeof min, spec->min);
  text_number(max, sizeof max, spec->max);
  if (bounded_below(spec) && bounded_above(spec))
    snprintf(out, size, "%s%s %s x %s %s", each, min, below, above, max);
  else if (bounded_below(spec))
    snprintf(out, size, "%sx %s %s", each, spec->flags & PARAM_OPEN_MIN ? ">" : ">=", min);
  else if (bounded_above(spec))
    snprintf(out, size, "%sx %s %s", each, above, max);
}

/* --- parsing --- */

static bool fail(char *error, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool fail(char *error, size_t size, const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  vsnprintf(error, size, format, arguments);
  va_end(arguments);
  return false;
}

/* YAML writes ".nan", ".inf", "+.inf"; everybody else "nan", "inf". */
static bool is_not_finite(const char *text, bool *nan)
{
  const char *s = text + (*text == '+' || *text == '-');

  s += *s == '.';
  *nan = !strcasecmp(s, "nan");
  return *nan || !strcasecmp(s, "inf") || !strcasecmp(s, "infinity");
}

static bool out_of_range(const ParamSpec *spec, const char *shown, char *error, size_t size)
{
  char range[600];

  param_range_text(spec, range, sizeof range);
  return fail(error, size, "%s is out of range: %s is required", shown, range);
}

static bool parse_integer(const ParamSpec *spec, const char *text, int64_t *out, char *error, size_t size)
{
  const double exact = 9007199254740992.0; /* 2^53 */
  char         shown[SHOWN_MAX];
  int64_t      value = 0;
  double       real  = 0.0;
  bool         nan;

  yaml_shown(text, shown);
  if (is_not_finite(text, &nan)) return fail(error, size, "%s is not a finite integer", shown);
  if (!text_parse_int(text, &value)) {
    if (!text_parse_real(text, &real)) return fail(error, size, "'%s' is not an integer", shown);
    if (real != floor(real)) return fail(error, size, "%s is not an integer: it has a fraction", shown);
    if (fabs(real) > exact) return fail(error, size, "%s is too large for an exact integer", shown);
    value = (int64_t)real;
  }
  if (!in_range(spec, (double)value)) return out_of_range(spec, shown, error, size);
  *out = value;
  return true;
}

static bool parse_real(const ParamSpec *spec, const char *text, double *out, char *error, size_t size)
{
  char   shown[SHOWN_MAX];
  double value = 0.0;
  bool   nan;

  yaml_shown(text, shown);
  if (is_not_finite(text, &nan)) return fail(error, size, "%s is not allowed: a finite number is required", nan ? "NaN" : shown);
  if (!text_parse_real(text, &value)) return fail(error, size, "'%s' is not a number (or not one between 4.9e-324 and 1.8e308)", shown);
  if (!in_range(spec, value)) return out_of_range(spec, shown, error, size);
  *out = value == 0.0 ? 0.0 : value; /* -0 is 0 */
  return true;
}

static bool parse_boolean(const char *text, bool *out, char *error, size_t size)
{
  char shown[SHOWN_MAX];

  if (!strcmp(text, "true") || !strcmp(text, "false")) {
    *out = text[0] == 't';
    return true;
  }
  return fail(error, size, "'%s' is not a boolean: write true or false", yaml_shown(text, shown));
}

static const char *choice_at(const void *choices, int i) { return ((const char *const *)choices)[i]; }

static bool parse_choice(const ParamSpec *spec, const char *text, int *out, char *error, size_t size)
{
  char        shown[SHOWN_MAX], names[512];
  const char *near;

  for (int i = 0; spec->choices[i]; i++) {
    if (strcmp(spec->choices[i], text)) continue;
    *out = i;
    return true;
  }
  choices_text(spec, names, sizeof names);
  near = yaml_suggest(text, choice_at, spec->choices);
  yaml_shown(text, shown);
  if (near) return fail(error, size, "'%s' is not one of %s; did you mean '%s'?", shown, names, near);
  return fail(error, size, "'%s' is not one of %s", shown, names);
}

static bool parse_text(const char *text, char *out, char *error, size_t size)
{
  char shown[SHOWN_MAX];

  if (strlen(text) >= PARAM_TEXT_MAX)
    return fail(error, size, "a text of %zu bytes; at most %d are allowed", strlen(text), PARAM_TEXT_MAX - 1);
  for (const char *s = text; *s; s++) {
    if ((unsigned char)*s < 0x20 || *s == 0x7f) return fail(error, size, "'%s' holds a control character", yaml_shown(text, shown));
  }
  strcpy(out, text);
  return true;
}

/* Entry i of a list of either type, from its text. */
static bool parse_entry(const ParamSpec *spec, const char *entry, int i, IntList *whole, RealList *real, char *error, size_t size)
{
  if (whole) return parse_integer(spec, entry, &whole->value[i], error, size);
  return parse_real(spec, entry, &real->value[i], error, size);
}

/* [a, b, ...] into whichever list is not NULL (*n its length). */
static bool parse_entries(const ParamSpec *spec, const char *text, IntList *whole, RealList *real, int *n, char *error, size_t size)
{
  const char *kind = whole ? "integers" : "numbers", *example = whole ? "[10, 15, 20]" : "[0.5, 1, 1.5]";
  size_t      bytes = strlen(text);
  char        shown[SHOWN_MAX], entry[64];

  yaml_shown(text, shown);
  if (bytes < 2 || text[0] != '[' || text[bytes - 1] != ']')
    return fail(error, size, "'%s' is not a list of %s: write %s", shown, kind, example);
  const char *s = text + 1, *end = text + bytes - 1;
  if (s + strspn(s, " ") == end)
    return spec->flags & PARAM_MAY_BE_EMPTY ||
           fail(error, size, "the list is empty; it needs at least one %s", whole ? "integer" : "number");
  for (;;) {
    s += strspn(s, " ");
    size_t      length = strcspn(s, ",]");
    const char *next   = s + length;
    while (length > 0 && s[length - 1] == ' ') length--;
    if (length >= sizeof entry || next > end) return fail(error, size, "'%s' is not a list of %s", shown, kind);
    memcpy(entry, s, length);
    entry[length] = '\0';
    if (*n == PARAM_LIST_MAX) return fail(error, size, "more than %d entries in the list", PARAM_LIST_MAX);
    if (!parse_entry(spec, entry, (*n)++, whole, real, error, size)) return false;
    if (next == end) return true;
    if (*next != ',') return fail(error, size, "'%s' is not a list of %s", shown, kind);
    s = next + 1;
  }
}

static bool parse_int_list(const ParamSpec *spec, const char *text, IntList *out, char *error, size_t size)
{
  IntList list = {0};

  if (!parse_entries(spec, text, &list, NULL, &list.n, error, size)) return false;
  *out = list;
  return true;
}

static bool parse_real_list(const ParamSpec *spec, const char *text, RealList *out, char *error, size_t size)
{
  RealList list = {0};

  if (!parse_entries(spec, text, NULL, &list, &list.n, error, size)) return false;
  *out = list;
  return true;
}

bool param_parse(const ParamSpec *spec, const char *text, void *params, char *error, size_t size)
{
  void *field = (char *)params + spec->offset;

  switch (spec->type) {
  case PARAM_INT: return parse_integer(spec, text, field, error, size);
  case PARAM_REAL: return parse_real(spec, text, field, error, size);
  case PARAM_BOOL: return parse_boolean(text, field, error, size);
  case PARAM_CHOICE: return parse_choice(spec, text, field, error, size);
  case PARAM_TEXT: return parse_text(text, field, error, size);
  case PARAM_INT_LIST: return parse_int_list(spec, text, field, error, size);
  case PARAM_REAL_LIST: return parse_real_list(spec, text, field, error, size);
  }
  return fail(error, size, "parameter '%s' has no type", spec->name);
}

/* --- reading fields --- */

static void format_list(const IntList *whole, const RealList *real, char *out, size_t size)
{
  size_t used = (size_t)snprintf(out, size, "[");
  char   entry[32];

  for (int i = 0; i < (whole ? whole->n : real->n) && used < size; i++) {
    if (whole)
      snprintf(entry, sizeof entry, "%" PRId64, whole->value[i]);
    else
      text_number(entry, sizeof entry, real->value[i]);
    used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", entry);
  }
  if (used < size) snprintf(out + used, size - used, "]");
}

void param_format(const ParamSpec *spec, const void *params, char *out, size_t size)
{
  const void *field = (const char *)params + spec->offset;

  if (size == 0) return;
  out[0] = '\0';
  switch (spec->type) {
  case PARAM_INT: snprintf(out, size, "%" PRId64, *(const int64_t *)field); return;
  case PARAM_REAL: text_number(out, size, *(const double *)field); return;
  case PARAM_BOOL: snprintf(out, size, "%s", *(const bool *)field ? "true" : "false"); return;
  case PARAM_CHOICE: snprintf(out, size, "%s", spec->choices[*(const int *)field]); return;
  case PARAM_TEXT: snprintf(out, size, "%s", (const char *)field); return;
  case PARAM_INT_LIST: format_list(field, NULL, out, size); return;
  case PARAM_REAL_LIST: format_list(NULL, field, out, size); return;
  }
}

double param_number(const ParamSpec *spec, const void *params)
{
  const void *field = (const char *)params + spec->offset;

  switch (spec->type) {
  case PARAM_INT: return (double)*(const int64_t *)field;
  case PARAM_REAL: return *(const double *)field;
  case PARAM_BOOL: return *(const bool *)field ? 1.0 : 0.0;
  case PARAM_CHOICE: return (double)*(const int *)field;
  default: return NAN;
  }
}

void param_defaults(const ParamSpec *table, void *params)
{
  char error[256];

  for (; table && table->name; table++) {
    if (table->fallback) (void)param_parse(table, table->fallback, params, error, sizeof error);
  }
}

/* Whether `word` is one of the names between bars. */
static bool among(const char *names, const char *word)
{
  size_t length = strlen(word);

  for (const char *s = names; s && *s;) {
    size_t n = strcspn(s, "|");
    if (n == length && !strncmp(s, word, n)) return true;
    s += n + (s[n] == '|');
  }
  return false;
}

bool param_used(const ParamSpec *table, const ParamSpec *spec, const void *params)
{
  /* A chain of gates (a matters with b, b with c) is followed at most once round the table. */
  for (int steps = param_count(table); spec && spec->used_with && steps > 0; steps--) {
    const ParamSpec *gate = param_find(table, spec->used_with);
    if (!gate || gate->type != PARAM_CHOICE) return true;
    int choice = *(const int *)((const char *)params + gate->offset);
    if (!among(spec->used_values, gate->choices[choice])) return false;
    spec = gate;
  }
  return true;
}
