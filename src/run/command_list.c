/* SPDX-License-Identifier: BSD-2-Clause
 * `myopia list`: experiments, and the variants an input chooses among. */
#include <stdio.h>

#include "cli.h"
#include "error.h"
#include "experiment.h"
#include "resistance.h"
#include "text.h"

/* A choice of the same name in another experiment is the same one when it has the same values. */
static bool same_choice(const ParamSpec *a, const ParamSpec *b) { return b && b->choices == a->choices; }

static bool listed_before(int experiment, const ParamSpec *spec)
{
  for (int i = 0; i < experiment; i++)
    if (same_choice(spec, param_find(experiment_get(i)->params, spec->name))) return true;
  return false;
}

/* Whether the name alone does not tell which choice is meant. */
static bool ambiguous(const ParamSpec *spec)
{
  for (int i = 0; experiment_get(i); i++) {
    const ParamSpec *other = param_find(experiment_get(i)->params, spec->name);
    if (other && !same_choice(spec, other)) return true;
  }
  return false;
}

static void json_pair(Text *out, bool first, const char *name, const char *line)
{
  text_append(out, first ? "{\"name\": " : ", {\"name\": ");
  text_add_json(out, name);
  text_append(out, ", \"summary\": ");
  text_add_json(out, line);
}

static void json_choices(Text *out)
{
  bool first = true;
  for (int i = 0; experiment_get(i); i++)
    for (const ParamSpec *s = experiment_get(i)->params; s->name; s++) {
      if (s->type != PARAM_CHOICE || listed_before(i, s)) continue;
      json_pair(out, first, s->name, s->help);
      text_append(out, ", \"experiment\": ");
      text_add_json(out, experiment_get(i)->name);
      text_append(out, ", \"values\": [");
      for (int k = 0; s->choices[k]; k++) {
        text_append(out, k ? ", " : "");
        text_add_json(out, s->choices[k]);
      }
      text_append(out, "]}");
      first = false;
    }
}

static void print_json(void)
{
  Text out = {0};
  text_append(&out, "{\"experiments\": [");
  for (int i = 0; experiment_get(i); i++) {
    json_pair(&out, i == 0, experiment_get(i)->name, experiment_get(i)->summary);
    text_append(&out, ", \"source\": ");
    text_add_json(&out, experiment_get(i)->source);
    text_append(&out, "}");
  }
  text_append(&out, "], \"resistance_methods\": [");
  for (int i = 0; resistance_method_get(i); i++) {
    json_pair(&out, i == 0, resistance_method_get(i)->name, resistance_method_get(i)->summary);
    text_append(&out, "}");
  }
  text_append(&out, "], \"choices\": [");
  json_choices(&out);
  text_append(&out, "]}");
  puts(text_string(&out));
  text_clear(&out);
}

static void print_choices(void)
{
  for (int i = 0; experiment_get(i); i++)
    for (const ParamSpec *s = experiment_get(i)->params; s->name; s++) {
      if (s->type != PARAM_CHOICE || listed_before(i, s)) continue;
      printf("  %-14s ", s->name);
      if (ambiguous(s)) printf("(%s) ", experiment_get(i)->name);
      for (int k = 0; s->choices[k]; k++) printf("%s%s", k ? " | " : "", s->choices[k]);
      printf(": %s\n", s->help);
    }
}

static int run(const Arguments *a)
{
  if (a->json) {
    print_json();
    return EXIT_VALID;
  }
  puts("experiments");
  for (int i = 0; experiment_get(i); i++) printf("  %-14s %s\n", experiment_get(i)->name, experiment_get(i)->summary);
  puts("choices (parameters by which an input picks a variant)");
  print_choices();
  puts("resistance methods");
  for (int i = 0; resistance_method_get(i); i++) printf("  %-14s %s\n", resistance_method_get(i)->name, resistance_method_get(i)->summary);
  puts("`myopia describe EXPERIMENT` lists an experiment's parameters and metrics.");
  return EXIT_VALID;
}

const Command command_list = {
    .name = "list", .arguments = "[--json]", .summary = "experiments and methods: name and one line", .options = "--json", .run = run};
