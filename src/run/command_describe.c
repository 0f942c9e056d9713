/* SPDX-License-Identifier: BSD-2-Clause
 * `myopia describe EXPERIMENT`: every parameter from its ParamSpec table, and what is measured with the defaults. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "error.h"
#include "experiment.h"
#include "memory.h"
#include "text.h"

static void add_field(Text *out, const char *name, const char *value)
{
  text_add(out, ", \"%s\": ", name);
  text_add_json(out, value);
}

static void json_param(Text *out, const ParamSpec *s)
{
  text_append(out, "{\"name\": ");
  text_add_json(out, s->name);
  add_field(out, "type", param_type_name(s->type));
  add_field(out, "default", s->fallback);
  add_field(out, "unit", s->unit);
  add_field(out, "help", s->help);
  const bool bounded = s->min != 0 || s->max != 0;
  text_append(out, ", \"min\": ");
  text_add_number(out, bounded ? s->min : NAN);
  text_append(out, ", \"max\": ");
  text_add_number(out, bounded ? s->max : NAN);
  text_add(out, ", \"min_open\": %s, \"max_open\": %s", s->flags & PARAM_OPEN_MIN ? "true" : "false",
           s->flags & PARAM_OPEN_MAX ? "true" : "false");
  text_append(out, ", \"choices\": ");
  if (s->choices) {
    text_append(out, "[");
    for (int i = 0; s->choices[i]; i++) {
      text_append(out, i ? ", " : "");
      text_add_json(out, s->choices[i]);
    }
    text_append(out, "]");
  } else {
    text_append(out, "null");
  }
  add_field(out, "used_with", s->used_with);
  add_field(out, "used_values", s->used_values);
  text_add(out, ", \"scientific\": %s}", s->flags & PARAM_EXECUTION ? "false" : "true");
}

static void json_schema(Text *out, const ResultSchema *schema)
{
  text_append(out, ", \"metrics\": [");
  for (int i = 0; i < schema->n_metrics; i++) {
    text_append(out, i ? ", {\"name\": " : "{\"name\": ");
    text_add_json(out, schema->metrics[i].name);
    add_field(out, "unit", schema->metrics[i].unit);
    add_field(out, "description", schema->metrics[i].description);
    text_append(out, "}");
  }
  text_append(out, "], \"arrays\": [");
  for (int i = 0; i < schema->n_arrays; i++) {
    text_append(out, i ? ", {\"name\": " : "{\"name\": ");
    text_add_json(out, schema->arrays[i].name);
    add_field(out, "kind", schema->arrays[i].series ? "series" : "array");
    add_field(out, "unit", schema->arrays[i].unit);
    add_field(out, "description", schema->arrays[i].description);
    text_append(out, "}");
  }
  text_append(out, "]");
}

static void print_json(const Experiment *e, const ResultSchema *schema)
{
  Text out = {0};
  text_append(&out, "{\"name\": ");
  text_add_json(&out, e->name);
  add_field(&out, "summary", e->summary);
  add_field(&out, "source", e->source);
  add_field(&out, "figure_of_merit", e->merit_unit);
  text_append(&out, ", \"parameters\": [");
  for (int i = 0; i < param_count(e->params); i++) {
    if (i) text_append(&out, ", ");
    json_param(&out, &e->params[i]);
  }
  text_append(&out, "]");
  json_schema(&out, schema);
  text_append(&out, "}");
  puts(text_string(&out));
  text_clear(&out);
}

static void print_text(const Experiment *e, const ResultSchema *schema)
{
  printf("%s: %s\nsource: %s\nfigure of merit: %s\n\nparameters\n", e->name, e->summary, e->source, e->merit_unit);
  for (int i = 0; i < param_count(e->params); i++) {
    const ParamSpec *s = &e->params[i];
    char             range[256], used[256] = "";
    param_range_text(s, range, sizeof range);
    if (s->used_with) snprintf(used, sizeof used, "; only with %s: %s", s->used_with, s->used_values);
    printf("  %-18s %-12s default %s%s%s\n%21s%s%s%s%s\n", s->name, param_type_name(s->type), s->fallback, strcmp(s->unit, "1") ? " " : "",
           strcmp(s->unit, "1") ? s->unit : "", "", s->help, *range ? "; " : "", range, used);
  }
  puts("\nmetrics");
  for (int i = 0; i < schema->n_metrics; i++)
    printf("  %-18s [%s] %s\n", schema->metrics[i].name, schema->metrics[i].unit, schema->metrics[i].description);
  puts("\nseries and arrays of recorded trials");
  for (int i = 0; i < schema->n_arrays; i++)
    printf("  %-18s [%s] %s\n", schema->arrays[i].name, schema->arrays[i].unit, schema->arrays[i].description);
}

static const char *name_of(const void *ctx, int i)
{
  (void)ctx;
  return experiment_get(i) ? experiment_get(i)->name : NULL;
}

static int run(const Arguments *a)
{
  const Experiment *e = experiment_find(a->word[0]);
  if (!e) {
    const char *near = text_suggest(a->word[0], name_of, NULL);
    fprintf(stderr, "myopia: error: there is no experiment '%s'%s%s%s; `myopia list` names them\n", a->word[0],
            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return EXIT_INPUT;
  }
  ResultSchema schema = {0};
  void        *params = mem_calloc(1, e->params_size);
  param_defaults(e->params, params);
  if (e->declare(params, 1, &schema)) return EXIT_ENVIRONMENT;
  if (a->json)
    print_json(e, &schema);
  else
    print_text(e, &schema);
  result_schema_clear(&schema);
  free(params);
  return EXIT_VALID;
}

const Command command_describe = {.name      = "describe",
                                  .arguments = "EXPERIMENT [--json]",
                                  .summary   = "every parameter: type, default, range, unit, meaning",
                                  .options   = "--json",
                                  .min_words = 1,
                                  .max_words = 1,
                                  .run       = run};
