/* SPDX-License-Identifier: BSD-2-Clause
 * `myopia check`: validates an input and shows the plan: every value and where it came from, trials, ranks, predicted time, memory,
 * bytes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "error.h"
#include "log.h"
#include "memory.h"
#include "plan.h"
#include "runner.h"

static int64_t count_points(const Plan *p, int claim, int side)
{
  int64_t n = 0;
  for (int64_t i = 0; i < p->table->n_points; i++) n += p->claim[claim].member[side][i];
  return n;
}

/* "1. noise fits best: energy_distance at task=noise (3 points), difference to task=single_step (3 points), below 0" */
static void print_claims(const Plan *p)
{
  if (p->n_claims) printf("\nclaims\n");
  for (int i = 0; i < p->n_claims; i++) {
    const Claim *c    = &p->claim[i].claim;
    Text         text = {0};
    claim_bound_text(c, &text);
    for (int side = 0; side < (c->compare == CLAIM_VALUE ? 1 : CLAIM_SIDES); side++) {
      const int64_t n = count_points(p, i, side);
      if (side == CLAIM_OF)
        printf("  %s\n    %s", c->text, c->metric[side]);
      else
        printf(", its %s to %s", claim_compare_names[c->compare], c->metric[side]);
      printf(" at %s (%lld point%s)", *c->where[side] ? c->where[side] : "every point", (long long)n, n == 1 ? "" : "s");
    }
    printf(": %s\n", text_string(&text));
    text_clear(&text);
  }
}

static void json_claims(const Plan *p, Text *out)
{
  text_append(out, ", \"claims\": [");
  for (int i = 0; i < p->n_claims; i++) {
    const Claim *c    = &p->claim[i].claim;
    Text         text = {0};
    claim_bound_text(c, &text);
    text_append(out, i ? ", {\"claim\": " : "{\"claim\": ");
    text_add_json(out, c->text);
    text_append(out, ", \"metric\": ");
    text_add_json(out, c->metric[CLAIM_OF]);
    text_add(out, ", \"compare\": \"%s\", \"points\": %lld, \"points_against\": %lld, \"bound\": ", claim_compare_names[c->compare],
             (long long)count_points(p, i, CLAIM_OF), (long long)count_points(p, i, CLAIM_AGAINST));
    text_add_json(out, text_string(&text));
    text_append(out, "}");
    text_clear(&text);
  }
  text_append(out, "]");
}

static void json_plan(const Arguments *a, const Plan *p, int ranks, double seconds, double bytes, double memory)
{
  const ParamOrigin *origin;
  const int          n   = study_origins(p->study, &origin);
  Text               out = {0};
  text_append(&out, "{\"experiment\": ");
  text_add_json(&out, p->experiment->name);
  text_append(&out, ", \"title\": ");
  text_add_json(&out, study_title(p->study));
  text_add(&out,
           ", \"points\": %lld, \"trials\": %lld, \"ranks_per_trial\": %d, \"predicted_seconds_one_rank\": ", (long long)p->table->n_points,
           (long long)p->table->n_rows, ranks);
  text_add_number(&out, seconds);
  text_append(&out, ", \"output_bytes\": ");
  text_add_number(&out, bytes);
  text_append(&out, ", \"memory_per_rank_bytes\": ");
  text_add_number(&out, memory);
  text_append(&out, ", \"values\": [");
  for (int i = 0; i < n; i++) {
    text_append(&out, i ? ", {\"name\": " : "{\"name\": ");
    text_add_json(&out, origin[i].name);
    text_append(&out, ", \"value\": ");
    text_add_json(&out, origin[i].value);
    text_append(&out, ", \"origin\": ");
    text_add_json(&out, origin[i].origin);
    text_append(&out, "}");
  }
  text_append(&out, "], \"axes\": [");
  for (int i = 0; i < p->table->n_axes; i++) {
    if (i) text_append(&out, ", ");
    text_add_json(&out, p->table->axes[i].name);
  }
  text_append(&out, "]");
  json_claims(p, &out);
  text_add(&out, ", \"ranks_per_trial_auto\": %s}", a->ranks_auto ? "true" : "false");
  puts(text_string(&out));
  text_clear(&out);
}

static void print_points(const Arguments *a, const Plan *p)
{
  enum { SHOWN = 12 };
  for (int64_t i = 0; i < p->table->n_points && i < SHOWN; i++) {
    const SweepPoint *point = &p->table->points[i];
    printf("  point %lld:", (long long)i);
    for (int k = 0; k < p->table->n_axes; k++)
      if (point->axes[k].used) printf(" %s=%s", p->table->axes[k].name, point->axes[k].text);
    printf("  %lld trials, %.3g s each", (long long)point->n_rows, p->cost[i]);
    if (p->ranks || p->table->points[i].ranks > 0) printf(", %d rank%s a trial", plan_ranks(a, p, i), plan_ranks(a, p, i) == 1 ? "" : "s");
    printf("\n");
  }
  if (p->table->n_points > SHOWN) printf("  ... %lld more points\n", (long long)p->table->n_points - SHOWN);
}

static void print_plan(const Arguments *a, const Plan *p, int ranks, double seconds, double bytes, double memory)
{
  const ParamOrigin *origin;
  const int          n     = study_origins(p->study, &origin);
  const int          world = cli_launch_world() > 0 ? cli_launch_world() : 1;
  printf("experiment %s", p->experiment->name);
  if (*study_title(p->study)) printf(": %s", study_title(p->study));
  printf("\n\nvalues\n");
  for (int i = 0; i < n; i++) printf("  %-18s %-44s %s\n", origin[i].name, origin[i].value, origin[i].origin);
  printf("\n%lld points x replicates = %lld trials, up to %d rank%s each%s\n", (long long)p->table->n_points, (long long)p->table->n_rows,
         ranks, ranks == 1 ? "" : "s", a->ranks_auto ? " (auto)" : "");
  print_points(a, p);
  print_claims(p);
  printf("\npredicted: %.3g s of work on one core, about %.3g s on %d rank%s; file %.4g MB; memory per rank about %.0f MB\n", seconds,
         seconds / world, world, world == 1 ? "" : "s", bytes / 1e6, memory / 1e6);
}

/* Rank 0 at its largest: process and libraries, a unit's results, the tables of points and trials, and the file read back for the
 * summary. */
static double predict_memory(const Plan *p)
{
  const double rows = (double)p->table->n_rows, points = (double)p->table->n_points, axes = p->table->n_axes, metrics = p->all.n_metrics;
  double       own = 0;
  for (int64_t i = 0; p->experiment->memory && i < p->table->n_points; i++)
    own = fmax(own, p->experiment->memory(p->table->points[i].params));
  return 70e6 + own + rows * (180 + 8 * metrics + AXIS_TEXT_MAX * axes) + points * (2500 + 120 * axes + 200 * metrics);
}

static void report(const Arguments *a, const Plan *p)
{
  const ResultsPlan results = plan_results(p);
  uint8_t          *todo    = mem_calloc((size_t)p->table->n_rows, 1);
  double            seconds, shortest;
  int               ranks = 1;
  for (int64_t i = 0; i < p->table->n_rows; i++) todo[i] = 1;
  for (int64_t i = 0; i < p->table->n_points; i++) ranks = plan_ranks(a, p, i) > ranks ? plan_ranks(a, p, i) : ranks;
  runner_predict(p, todo, &seconds, &shortest);
  const double bytes = (double)results_predict_bytes(&results);
  (a->json ? json_plan : print_plan)(a, p, ranks, seconds, bytes, predict_memory(p));
  free(todo);
}

static int run(const Arguments *a)
{
  char   error[512];
  size_t size = 0;
  Plan  *plan = NULL;
  char  *text = plan_read_file(a->word[0], &size, error, sizeof error);
  if (!text) {
    log_error("%s", error);
    return EXIT_INPUT;
  }
  Diagnostics *d = diagnostics_create();
  if (plan_create(a, text, size, cli_launch_world(), d, &plan)) return EXIT_ENVIRONMENT;
  diagnostics_print(d, stderr);
  const int code = diagnostics_errors(d) ? EXIT_INPUT : EXIT_VALID;
  if (plan) report(a, plan);
  plan_destroy(&plan);
  diagnostics_destroy(&d);
  free(text);
  return code;
}

const Command command_check = {.name       = "check",
                               .arguments  = "INPUT [SET...]",
                               .summary    = "validate, and show the plan: values, trials, time, memory, bytes",
                               .options    = "--json --ranks-per-trial --trial --part",
                               .min_words  = 1,
                               .max_words  = 1,
                               .takes_sets = true,
                               .run        = run};
