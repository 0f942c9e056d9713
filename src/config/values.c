/* SPDX-License-Identifier: BSD-2-Clause
 * Values from YAML nodes: single ones, lists, and the forms range(a,b[,step]), linspace(a,b,n), logspace(a,b,n).
 * Generated numbers that lie within a few units of round-off of a decimal of 12 digits become that decimal, so that range(0.1, 0.5,
 * 0.1) holds 0.3 and not 0.30000000000000004: equal values must have equal keys. Says nothing about where values may stand. */
#include "values.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text.h"
#include "trial.h"

typedef union Field {
  int64_t  integer;
  double   real;
  bool     boolean;
  int      choice;
  char     text[PARAM_TEXT_MAX];
  IntList  list;
  RealList reals;
} Field;

size_t value_field_size(ParamType type)
{
  switch (type) {
  case PARAM_INT: return sizeof(int64_t);
  case PARAM_REAL: return sizeof(double);
  case PARAM_BOOL: return sizeof(bool);
  case PARAM_CHOICE: return sizeof(int);
  case PARAM_TEXT: return PARAM_TEXT_MAX;
  case PARAM_INT_LIST: return sizeof(IntList);
  case PARAM_REAL_LIST: return sizeof(RealList);
  }
  return 0;
}

bool value_set(const ParamSpec *spec, const char *text, SourceMark mark, Value *out, char *error, size_t size)
{
  ParamSpec alone = *spec;
  Field     field = {0};
  char      canonical[VALUE_TEXT_MAX];

  alone.offset = 0;
  if (!param_parse(&alone, text, &field, error, size)) return false;
  param_format(&alone, &field, canonical, sizeof canonical);
  out->text   = mem_strdup(canonical);
  out->number = param_number(&alone, &field);
  out->mark   = mark;
  out->field  = mem_calloc(1, value_field_size(spec->type));
  memcpy(out->field, &field, value_field_size(spec->type));
  return true;
}

void value_clear(Value *value)
{
  free(value->text);
  free(value->field);
  *value = (Value){0};
}

void values_clear(ValueList *list)
{
  for (int i = 0; i < list->n; i++) value_clear(&list->value[i]);
  free(list->value);
  *list = (ValueList){0};
}

static void push(ValueList *list, Value value)
{
  if (list->n == list->capacity) {
    list->capacity = list->capacity ? 2 * list->capacity : 8;
    list->value    = mem_realloc(list->value, (size_t)list->capacity, sizeof *list->value);
  }
  list->value[list->n++] = value;
}

/* --- one value --- */

static const char *const form_names[] = {"range", "linspace", "logspace"};

/* 0, 1, 2 as in form_names, or -1. */
static int range_form(const YamlNode *node)
{
  if (node->kind != NODE_SCALAR || node->quoted) return -1;
  for (int i = 0; i < 3; i++) {
    size_t n = strlen(form_names[i]);
    if (!strncmp(node->text, form_names[i], n) && node->text[n + strspn(node->text + n, " ")] == '(') return i;
  }
  return -1;
}

static bool an(ParamType type) { return type == PARAM_INT || type == PARAM_INT_LIST; }

static bool read_scalar(const ParamSpec *spec, const YamlNode *node, Value *out, Diagnostics *diag)
{
  char error[1024], shown[SHOWN_MAX];

  if (yaml_is_null(node)) {
    diagnostics_error(diag, node->mark, "'%s' has no value; expected %s%s", spec->name, an(spec->type) ? "an " : "a ",
                      param_type_name(spec->type));
    return false;
  }
  if (node->quoted && spec->type != PARAM_TEXT && spec->type != PARAM_CHOICE) {
    diagnostics_error(diag, node->mark, "'%s': \"%s\" in quotes is text, expected %s %s; remove the quotes", spec->name,
                      yaml_shown(node->text, shown), an(spec->type) ? "an" : "a", param_type_name(spec->type));
    return false;
  }
  if (value_set(spec, node->text, node->mark, out, error, sizeof error)) return true;
  diagnostics_error(diag, node->mark, "'%s': %s", spec->name, error);
  return false;
}

/* [10, 15, 20] or [0.5, 1]; every bad entry is reported where it stands. */
static bool read_list(const ParamSpec *spec, const YamlNode *node, Value *out, Diagnostics *diag)
{
  Text text = {0};
  char error[1024];
  bool good = true;

  const int least = spec->flags & PARAM_MAY_BE_EMPTY ? 0 : 1;
  if (node->n < least || node->n > PARAM_LIST_MAX) {
    diagnostics_error(diag, node->mark, "'%s': a list of %d %s; %d to %d are allowed", spec->name, node->n,
                      spec->type == PARAM_INT_LIST ? "integers" : "numbers", least, PARAM_LIST_MAX);
    return false;
  }
  text_append(&text, "[");
  for (int i = 0; i < node->n; i++) {
    const YamlNode *entry = node->item[i];
    Value           alone = {0};
    if (entry->kind != NODE_SCALAR) {
      diagnostics_error(diag, entry->mark, "'%s': expected %s, found %s", spec->name,
                        spec->type == PARAM_INT_LIST ? "an integer" : "a number", yaml_kind(entry));
      good = false;
      continue;
    }
    ParamSpec one = *spec;
    one.type      = param_entry_type(spec->type);
    good          = read_scalar(&one, entry, &alone, diag) && good;
    text_add(&text, "%s%s", i ? ", " : "", alone.text ? alone.text : "");
    value_clear(&alone);
  }
  text_append(&text, "]");
  if (good && !value_set(spec, text_string(&text), node->mark, out, error, sizeof error)) {
    diagnostics_error(diag, node->mark, "'%s': %s", spec->name, error);
    good = false;
  }
  text_clear(&text);
  return good;
}

static bool wrong_kind(const ParamSpec *spec, const YamlNode *node, Diagnostics *diag)
{
  diagnostics_error(diag, node->mark, "'%s': expected %s%s, found %s", spec->name, an(spec->type) ? "an " : "a ",
                    param_type_name(spec->type), yaml_kind(node));
  return false;
}

bool value_read(const ParamSpec *spec, const YamlNode *node, Value *out, Diagnostics *diag)
{
  int form = range_form(node);

  if (param_is_list(spec->type) && node->kind == NODE_LIST && !values_sweeps(spec, node)) return read_list(spec, node, out, diag);
  if (node->kind == NODE_LIST) {
    diagnostics_error(diag, node->mark, "'%s': a list of values is a sweep; write it under 'sweep:'", spec->name);
    return false;
  }
  if (node->kind != NODE_SCALAR) return wrong_kind(spec, node, diag);
  if (form >= 0 && spec->type != PARAM_TEXT) {
    diagnostics_error(diag, node->mark, "'%s': %s(...) is a sweep; write it under 'sweep:'", spec->name, form_names[form]);
    return false;
  }
  return read_scalar(spec, node, out, diag);
}

bool value_read_number(const char *name, const YamlNode *node, double *out, Diagnostics *diag)
{
  ParamSpec spec  = {.name = name, .type = PARAM_REAL};
  Value     value = {0};

  if (!value_read(&spec, node, &value, diag)) return false;
  *out = value.number;
  value_clear(&value);
  return true;
}

/* --- range forms --- */

typedef struct Form {
  int    kind, n_arguments;
  double argument[3];
} Form;

/* The numbers between the parentheses; false unless all of the text is NAME(number, ...). */
static bool split_form(const char *text, Form *form)
{
  const char *s = strchr(text, '(') + 1;

  for (form->n_arguments = 0; form->n_arguments < 3;) {
    char   number[64];
    size_t n = strcspn(s, ",)"), begin = strspn(s, " "), end = n;
    if (s[n] == '\0' || n >= sizeof number) return false;
    while (end > begin && s[end - 1] == ' ') end--;
    if (end <= begin) return false;
    memcpy(number, s + begin, end - begin);
    number[end - begin] = '\0';
    double *x           = &form->argument[form->n_arguments++];
    if (!text_parse_real(number, x) || !isfinite(*x)) return false;
    if (s[n] == ')') return s[n + 1] == '\0';
    s += n + 1;
  }
  return false;
}

/* How many values the form asks for; 0 with a reason in *wrong. */
static double count_form(const Form *form, const char **wrong)
{
  double a = form->argument[0], b = form->argument[1];

  if (form->kind == 0) {
    double step = form->n_arguments == 3 ? form->argument[2] : 1.0;
    if (step == 0.0)
      *wrong = "the step is 0";
    else if ((b - a) / step < 0.0)
      *wrong = "it is empty: the step leads away from the end (a falling range needs a negative step)";
    else
      return floor((b - a) / step + 1e-9) + 1.0;
    return 0.0;
  }
  double n = form->argument[2];
  if (n < 2.0 || n != floor(n))
    *wrong = "the count must be an integer of at least 2";
  else if (a == b)
    *wrong = "both ends are the same";
  else
    return n;
  return 0.0;
}

/* x, or the decimal of 12 digits that is it within `tolerance`. */
static double snap(double x, double tolerance)
{
  char   text[32];
  double decimal;

  snprintf(text, sizeof text, "%.12g", x);
  decimal = strtod(text, NULL);
  return fabs(decimal - x) <= tolerance ? decimal : x;
}

static double form_value(const Form *form, double i, double n)
{
  double a = form->argument[0], b = form->argument[1], scale = fmax(fabs(a), fabs(b));

  if (form->kind == 0) {
    double step = form->n_arguments == 3 ? form->argument[2] : 1.0, x = a + i * step;
    return fabs(x - b) <= 1e-9 * fabs(step) ? b : snap(x, 4.0 * DBL_EPSILON * scale);
  }
  double x = i == n - 1.0 ? b : snap(a + (b - a) * (i / (n - 1.0)), 4.0 * DBL_EPSILON * scale);
  if (form->kind == 1) return x;
  double power = pow(10.0, x);
  return snap(power, 8.0 * DBL_EPSILON * power);
}

static bool push_number(const ParamSpec *spec, double x, const YamlNode *node, ValueList *out, Diagnostics *diag)
{
  Value value = {0};
  char  text[32], error[1024], shown[SHOWN_MAX];

  if (spec->type == PARAM_INT && fabs(x - round(x)) <= 1e-9 * fmax(1.0, fabs(x))) x = round(x);
  text_number(text, sizeof text, x);
  if (value_set(spec, text, node->mark, &value, error, sizeof error)) {
    push(out, value);
    return true;
  }
  diagnostics_error(diag, node->mark, "'%s': %s gives %s: %s", spec->name, yaml_shown(node->text, shown), text, error);
  return false;
}

static bool read_form(const ParamSpec *spec, const YamlNode *node, ValueList *out, Diagnostics *diag)
{
  static const char *const usage[] = {"range(first, last) or range(first, last, step)", "linspace(first, last, count)",
                                      "logspace(first exponent, last exponent, count)"};
  Form                     form    = {.kind = range_form(node)};
  const char              *wrong   = NULL;
  char                     shown[SHOWN_MAX];

  yaml_shown(node->text, shown);
  if (spec->type != PARAM_INT && spec->type != PARAM_REAL) {
    diagnostics_error(diag, node->mark, "'%s': %s needs a number, this is %s%s", spec->name, shown, an(spec->type) ? "an " : "a ",
                      param_type_name(spec->type));
    return false;
  }
  if (!split_form(node->text, &form) || form.n_arguments < (form.kind == 0 ? 2 : 3)) {
    diagnostics_error(diag, node->mark, "'%s': cannot read %s; expected %s with finite numbers", spec->name, shown, usage[form.kind]);
    return false;
  }
  double n = count_form(&form, &wrong);
  if (wrong) {
    diagnostics_error(diag, node->mark, "'%s': %s: %s", spec->name, shown, wrong);
    return false;
  }
  if (!(n + out->n <= VALUES_MAX)) {
    diagnostics_error(diag, node->mark, "'%s': %s gives %.0f values; at most %d are allowed", spec->name, shown, n, VALUES_MAX);
    return false;
  }
  for (double i = 0.0; i < n; i++) {
    out->n_asked++;
    if (!push_number(spec, form_value(&form, i, n), node, out, diag)) return false;
  }
  return true;
}

/* --- lists --- */

/* A list that is one value of a list parameter: no entry is itself a list. */
static bool is_single_list(const ParamSpec *spec, const YamlNode *node)
{
  if (!param_is_list(spec->type)) return false;
  for (int i = 0; i < node->n; i++) {
    if (node->item[i]->kind == NODE_LIST) return false;
  }
  return true;
}

bool values_sweeps(const ParamSpec *spec, const YamlNode *node)
{
  if (node->kind == NODE_LIST) return !is_single_list(spec, node);
  return range_form(node) >= 0 && spec->type != PARAM_TEXT;
}

static bool read_entry(const ParamSpec *spec, const YamlNode *node, ValueList *out, Diagnostics *diag)
{
  Value value = {0};
  bool  good  = true;

  if (range_form(node) >= 0 && spec->type != PARAM_TEXT) return read_form(spec, node, out, diag);
  out->n_asked++;
  if (node->kind == NODE_LIST && param_is_list(spec->type))
    good = read_list(spec, node, &value, diag);
  else if (node->kind != NODE_SCALAR)
    good = wrong_kind(spec, node, diag);
  else
    good = read_scalar(spec, node, &value, diag);
  if (good && strlen(value.text) >= AXIS_TEXT_MAX) {
    diagnostics_error(diag, node->mark, "'%s': a swept value of %zu characters; at most %d fit into an axis", spec->name,
                      strlen(value.text), AXIS_TEXT_MAX - 1);
    value_clear(&value);
    good = false;
  }
  if (good) push(out, value);
  return good;
}

typedef struct Sorted {
  const Value *value;
  int          index;
} Sorted;

static int compare_values(const void *a, const void *b)
{
  const Sorted *x = a, *y = b;
  int           order = strcmp(x->value->text, y->value->text);

  return order ? order : x->index - y->index;
}

static bool report_repeated(const ParamSpec *spec, const ValueList *list, Diagnostics *diag)
{
  Sorted *sorted = mem_calloc((size_t)list->n + 1, sizeof *sorted);
  bool    good   = true;

  for (int i = 0; i < list->n; i++) sorted[i] = (Sorted){&list->value[i], i};
  qsort(sorted, (size_t)list->n, sizeof *sorted, compare_values);
  for (int i = 1, first = 0; i < list->n && !yaml_enough_errors(diag); i++) {
    if (strcmp(sorted[i].value->text, sorted[first].value->text)) {
      first = i;
      continue;
    }
    diagnostics_error(diag, sorted[i].value->mark, "'%s': the value %s is listed twice; its trials would be the same", spec->name,
                      sorted[i].value->text);
    good = false;
  }
  free(sorted);
  return good;
}

bool values_read(const ParamSpec *spec, const YamlNode *node, ValueList *out, Diagnostics *diag)
{
  bool good = true;

  if (node->kind == NODE_MAP) return wrong_kind(spec, node, diag);
  if (node->kind == NODE_LIST && node->n == 0) {
    diagnostics_error(diag, node->mark, "'%s': the list of values is empty", spec->name);
    return false;
  }
  if (node->kind != NODE_LIST || is_single_list(spec, node)) return read_entry(spec, node, out, diag);
  for (int i = 0; i < node->n && !yaml_enough_errors(diag); i++) good = read_entry(spec, node->item[i], out, diag) && good;
  return report_repeated(spec, out, diag) && good;
}
