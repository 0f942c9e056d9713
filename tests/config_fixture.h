/* SPDX-License-Identifier: BSD-2-Clause
 * Shared by the tests of config/: parameter tables as the clique experiments have them, and one call from text to table and messages. */
#ifndef MYOPIA_TESTS_CONFIG_FIXTURE_H
#define MYOPIA_TESTS_CONFIG_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "study.h"

typedef struct Model {
  int64_t  clique_size, k, stride;
  double   density, lambda, clique_frequency, bridge_frequency, f;
  int      method, selection, r_eff, kernel;
  bool     shuffle;
  char     label[PARAM_TEXT_MAX];
  IntList  sizes, bridges;
  RealList means;
} Model;

static const char *const method_names[]    = {"random", "standard", "weighted", "oracle", NULL};
static const char *const selection_names[] = {"topk", "sampled", NULL};
static const char *const r_eff_names[]     = {"exact", "nominal", NULL};
static const char *const kernel_names[]    = {"plain", "fast", NULL};

/* clang-format off */
#define FIELD(f) offsetof(Model, f)
#define PROTOCOL(density_default)                                                                                                          \
  {"method", PARAM_CHOICE, FIELD(method), "weighted", 0, 0, 0, "1", method_names, NULL, NULL, "score"},                                    \
  {"lambda", PARAM_REAL, FIELD(lambda), "10", 0, 1e9, 0, "1", NULL, "method", "weighted", "weight of the resistance"},                     \
  {"density", PARAM_REAL, FIELD(density), density_default, 0, 1, PARAM_OPEN_MIN, "1", NULL, NULL, NULL, "share kept"},                     \
  {"clique_frequency", PARAM_REAL, FIELD(clique_frequency), "0.95", 0, 1, 0, "1", NULL, "method", "standard|weighted", "seen"},            \
  {"selection", PARAM_CHOICE, FIELD(selection), "topk", 0, 0, 0, "1", selection_names, "method", "standard|weighted|oracle", "rule"},      \
  {"r_eff", PARAM_CHOICE, FIELD(r_eff), "exact", 0, 0, 0, "1", r_eff_names, "method", "weighted|oracle", "resistances"}
#define BRIDGE_FREQUENCY                                                                                                                   \
  {"bridge_frequency", PARAM_REAL, FIELD(bridge_frequency), "0.05", 0, 1, 0, "1", NULL, "method", "standard|weighted", "seen"}

static const ParamSpec barbell_table[] = {
    {"clique_size", PARAM_INT, FIELD(clique_size), "8", 2, 1000, 0, "vertices", NULL, NULL, NULL, "vertices of each clique"},
    PROTOCOL("0.5"), BRIDGE_FREQUENCY, {0},
};
static const ParamSpec chain_table[] = {
    {"sizes", PARAM_INT_LIST, FIELD(sizes), "[10, 15, 20]", 1, 2000, 0, "vertices", NULL, NULL, NULL, "cliques"},
    {"bridges", PARAM_INT_LIST, FIELD(bridges), "[1]", 1, 2000, 0, "edges", NULL, NULL, NULL, "bridges at each joint"},
    PROTOCOL("0.6"), BRIDGE_FREQUENCY, {0},
};
static const ParamSpec bridge_table[] = {
    {"clique_size", PARAM_INT, FIELD(clique_size), "8", 2, 1000, 0, "vertices", NULL, NULL, NULL, "vertices of each clique"},
    {"k", PARAM_INT, FIELD(k), "1", 1, INFINITY, 0, "edges", NULL, NULL, NULL, "edges of the bridge"},
    {"f", PARAM_REAL, FIELD(f), "0.25", 0, INFINITY, 0, "1", NULL, NULL, NULL, "frequency of one of them"},
    PROTOCOL("0.5"), {0},
};
/* Every type, a chain of gates (lambda with method, r_eff with selection, selection with method), an execution parameter. */
static const ParamSpec zoo_table[] = {
    {"method", PARAM_CHOICE, FIELD(method), "weighted", 0, 0, 0, "1", method_names, NULL, NULL, "score"},
    {"lambda", PARAM_REAL, FIELD(lambda), "10", 0, INFINITY, 0, "1", NULL, "method", "weighted", "weight"},
    {"selection", PARAM_CHOICE, FIELD(selection), "topk", 0, 0, 0, "1", selection_names, "method", "standard|weighted|oracle", "rule"},
    {"r_eff", PARAM_CHOICE, FIELD(r_eff), "exact", 0, 0, 0, "1", r_eff_names, "selection", "sampled", "resistances"},
    {"k", PARAM_INT, FIELD(k), "3", 0, 0, 0, "1", NULL, NULL, NULL, "any integer"},
    {"f", PARAM_REAL, FIELD(f), "0.25", 0, 1, PARAM_OPEN_MIN | PARAM_OPEN_MAX, "1", NULL, NULL, NULL, "inside (0, 1)"},
    {"shuffle", PARAM_BOOL, FIELD(shuffle), "false", 0, 0, 0, "1", NULL, NULL, NULL, "a switch"},
    {"label", PARAM_TEXT, FIELD(label), "", 0, 0, 0, "1", NULL, NULL, NULL, "a text"},
    {"sizes", PARAM_INT_LIST, FIELD(sizes), "[10, 15, 20]", 1, 2000, 0, "vertices", NULL, NULL, NULL, "cliques"},
    {"kernel", PARAM_CHOICE, FIELD(kernel), "plain", 0, 0, PARAM_EXECUTION, "1", kernel_names, NULL, NULL, "how"},
    {"stride", PARAM_INT, FIELD(stride), "1", 1, 100, PARAM_EXECUTION, "1", NULL, NULL, NULL, "how"},
    {0},
};
/* A list of reals beside one of integers. */
static const ParamSpec mixture_table[] = {
    {"means", PARAM_REAL_LIST, FIELD(means), "[-4, -4, 4, 4]", -10, 10, PARAM_OPEN_MAX, "1", NULL, NULL, NULL, "centres"},
    {"sizes", PARAM_INT_LIST, FIELD(sizes), "[1, 2]", 1, 2000, 0, "1", NULL, NULL, NULL, "integers"},
    {0},
};
/* clang-format on */

static const ParamSpec *table_of(const char *experiment)
{
  if (!strcmp(experiment, "barbell")) return barbell_table;
  if (!strcmp(experiment, "chain")) return chain_table;
  if (!strcmp(experiment, "bridge")) return bridge_table;
  if (!strcmp(experiment, "mixture")) return mixture_table;
  return !strcmp(experiment, "zoo") ? zoo_table : NULL;
}

/* Cross-field rules in the manner of the real ones. */
static void model_check(const void *params, Diagnostics *diag)
{
  const Model *p = params;

  if (p->sizes.n == 1) diagnostics_parameter(diag, "sizes", "a chain has at least 2 cliques, got %d", p->sizes.n);
  if (p->clique_size > 0 && p->k > p->clique_size)
    diagnostics_parameter(diag, "k", "%lld vertex-disjoint bridges between cliques of %lld", (long long)p->k, (long long)p->clique_size);
}

typedef struct Read {
  Diagnostics     *diag;
  Study           *study;
  TrialTable      *table; /* NULL where there is no known experiment */
  const ParamSpec *spec;
  char            *messages;
  int              errors;
} Read;

static Read read_bytes(const char *name, const char *text, size_t n, int n_sets, const char *const *sets)
{
  Read   r    = {.diag = diagnostics_create()};
  size_t size = 0;
  FILE  *out  = open_memstream(&r.messages, &size);

  r.study                = study_parse(name, text, n, n_sets, sets, r.diag);
  const char *experiment = study_experiment(r.study, NULL);
  r.spec                 = experiment ? table_of(experiment) : NULL;
  if (r.spec) r.table = study_expand(r.study, experiment, r.spec, sizeof(Model), model_check, r.diag);
  diagnostics_print(r.diag, out);
  fclose(out);
  r.errors = diagnostics_errors(r.diag);
  return r;
}

static void read_end(Read *r)
{
  trial_table_destroy(&r->table);
  study_destroy(&r->study);
  diagnostics_destroy(&r->diag);
  free(r->messages);
  *r = (Read){0};
}

static __attribute__((unused)) Read read_sets(const char *text, int n_sets, const char *const *sets)
{
  return read_bytes("x.yaml", text, strlen(text), n_sets, sets);
}

static __attribute__((unused)) Read read_text(const char *text) { return read_sets(text, 0, NULL); }

/* As read_text, but an error fails the test with its messages. */
static __attribute__((unused)) Read read_good(const char *text)
{
  Read r = read_text(text);

  if (r.errors) fail_msg("expected no errors in\n%s\ngot\n%s", text, r.messages);
  if (!r.table) fail_msg("expected a table for\n%s", text);
  return r;
}

/* The text must give exactly `count` errors, and one line of the messages must hold `fragment`. */
static __attribute__((unused)) void expect_bad(const char *text, int n_sets, const char *const *sets, int count, const char *fragment)
{
  Read r = read_sets(text, n_sets, sets);

  if (!strstr(r.messages, fragment)) fail_msg("expected '%s' for\n%s\ngot\n%s", fragment, text, r.messages);
  if (r.errors != count) fail_msg("expected %d errors for\n%s\ngot %d:\n%s", count, text, r.errors, r.messages);
  read_end(&r);
}

/* "a=1 b=- | a=2 b=3": the axes of every point, '-' where unused. Caller frees. */
static __attribute__((unused)) char *points_text(const TrialTable *table)
{
  Text out = {0};

  for (int64_t i = 0; i < table->n_points; i++) {
    if (i) text_append(&out, " | ");
    for (int a = 0; a < table->n_axes; a++) {
      const AxisValue *value = &table->points[i].axes[a];
      text_add(&out, "%s%s=%s", a ? " " : "", table->axes[a].name, value->used ? value->text : "-");
    }
  }
  return out.s ? out.s : mem_strdup("");
}

#endif
