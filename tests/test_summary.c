/* SPDX-License-Identifier: BSD-2-Clause
 * Verdicts of a summary against cases computed by hand or by summing the binomial law, and its three printed forms: JSON by a strict
 * parser, CSV by its columns. */
#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "results.h"

/* --- a table by hand: points of equal size, one metric each of two kinds --- */

static ResultsTable *table_create(int64_t n_points, int64_t rows)
{
  ResultsTable *t = mem_calloc(1, sizeof *t);
  const size_t  n = (size_t)(n_points * rows);
  snprintf(t->experiment, sizeof t->experiment, "barbell");
  snprintf(t->title, sizeof t->title, "a \"title\"");
  snprintf(t->version, sizeof t->version, "0.1.0");
  snprintf(t->date, sizeof t->date, "2025-01-02T03:04:05Z");
  t->n_rows     = (int64_t)n;
  t->n_points   = n_points;
  t->first_row  = mem_calloc((size_t)n_points, sizeof *t->first_row);
  t->point_rows = mem_calloc((size_t)n_points, sizeof *t->point_rows);
  t->state      = mem_calloc(n, 1);
  t->key        = mem_calloc(n, sizeof *t->key);
  t->seed       = mem_calloc(n, sizeof *t->seed);
  t->replicate  = mem_calloc(n, sizeof *t->replicate);
  t->message    = mem_calloc(n, sizeof *t->message);
  t->wall       = mem_calloc(n, sizeof *t->wall);
  t->n_metrics  = 2;
  t->metric     = mem_calloc(2, sizeof *t->metric);
  t->n_axes     = 2;
  t->axis       = mem_calloc(2, sizeof *t->axis);
  t->axis[0]    = (ResultsAxis){.name = "method", .text = true, .string = mem_calloc(n, AXIS_TEXT_MAX)};
  t->axis[1]    = (ResultsAxis){.name = "k", .integer = true, .number = mem_calloc(n, sizeof(double))};
  for (int m = 0; m < 2; m++) {
    ResultsColumn *c       = &t->metric[m];
    double       **part[7] = {&c->exact, &c->capacity, &c->error, &c->published, &c->published_n, &c->expect_low, &c->expect_high};
    *c                     = (ResultsColumn){.event = m == 0, .value = mem_calloc(n, sizeof(double))};
    snprintf(c->name, sizeof c->name, "%s", m == 0 ? "connected" : "rse");
    snprintf(c->unit, sizeof c->unit, "1");
    for (int i = 0; i < 7; i++) {
      *part[i] = mem_calloc((size_t)n_points, sizeof(double));
      for (int64_t p = 0; p < n_points; p++) (*part[i])[p] = NAN;
    }
  }
  memset(t->state, TRIAL_DONE, n);
  for (int64_t p = 0; p < n_points; p++) {
    t->first_row[p]  = p * rows;
    t->point_rows[p] = rows;
    for (int64_t i = 0; i < rows; i++) {
      const int64_t row = p * rows + i;
      snprintf(t->axis[0].string[row], AXIS_TEXT_MAX, p == 0 ? "random" : "a,\"b\"");
      t->axis[1].number[row]  = p == 0 ? (double)NAN : (double)p;
      t->metric[1].value[row] = NAN;
    }
  }
  return t;
}

/* k ones among the rows of a point. */
static void set_events(ResultsTable *t, int64_t point, int64_t k)
{
  for (int64_t i = 0; i < t->point_rows[point]; i++) t->metric[0].value[t->first_row[point] + i] = i < k;
}

static Summary *summarise(const ResultsTable *t)
{
  Summary *s;
  assert_int_equal(summary_create(t, &s), 0);
  return s;
}

static void assert_close(const char *what, double expected, double got, double tolerance)
{
  if (!(fabs(expected - got) <= tolerance)) fail_msg("%s: expected %.15g, got %.15g, tolerance %.2g", what, expected, got, tolerance);
}

static void assert_verdict(const SummaryCell *c, Verdict v)
{
  if (c->verdict != v)
    fail_msg("expected verdict %s, got %s (p = %g, published p = %g)", verdict_text(v), verdict_text(c->verdict), c->p_value,
             c->published_p_value);
}

/* --- the binomial law, summed --- */

static double binomial(int64_t k, int64_t n, double p)
{
  return exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) + (double)k * log(p) +
             (double)(n - k) * log1p(-p));
}

static double two_sided(int64_t k, int64_t n, double p)
{
  double sum = 0;
  for (int64_t i = 0; i <= n; i++)
    if (binomial(i, n, p) <= binomial(k, n, p) * (1 + 1e-7)) sum += binomial(i, n, p);
  return fmin(sum, 1);
}

static double upper_tail(int64_t k, int64_t n, double p)
{
  double sum = 0;
  for (int64_t i = k; i <= n; i++) sum += binomial(i, n, p);
  return sum;
}

static void test_events(void **state)
{
  (void)state;
  ResultsTable *t             = table_create(2, 500);
  t->metric[0].exact[0]       = 0.4380;
  t->metric[0].published[0]   = 0.46;
  t->metric[0].published_n[0] = 500;
  t->metric[0].exact[1]       = 0.3577;
  t->metric[0].published[1]   = 0.53;
  t->metric[0].published_n[1] = 500;
  set_events(t, 0, 219);
  set_events(t, 1, 190);
  Summary           *s = summarise(t);
  const SummaryCell *c = &s->cell[0];
  assert_int_equal(c->n, 500);
  assert_close("mean", 219.0 / 500, c->mean, 1e-15);
  assert_close("standard error", sqrt(0.438 * 0.562 / 499), c->stderr_, 1e-14);
  assert_close("p of the most likely outcome", 1, c->p_value, 1e-12);
  assert_close("p of the published value", two_sided(230, 500, 0.438), c->published_p_value, 1e-10);
  assert_close("tail at the lower bound", 0.025, upper_tail(219, 500, c->low), 1e-9);
  assert_close("tail at the upper bound", 0.025, 1 - upper_tail(220, 500, c->high), 1e-9);
  assert_verdict(c, VERDICT_AGREES);
  c = &s->cell[2];
  assert_close("p of 190", two_sided(190, 500, 0.3577), c->p_value, 1e-10);
  assert_verdict(c, VERDICT_PAPER_OUTSIDE);
  assert_true(c->published_p_value < 1e-14);
  assert_true(s->valid);
  assert_int_equal(s->reasons.length, 0);
  summary_destroy(&s);
  assert_null(s);
  results_table_destroy(&t);
}

static void test_sure_events(void **state)
{
  (void)state;
  ResultsTable *t       = table_create(3, 100);
  t->metric[0].exact[0] = 0;
  t->metric[0].exact[1] = 1;
  t->metric[0].exact[2] = 0;
  set_events(t, 0, 0);
  set_events(t, 1, 100);
  set_events(t, 2, 1);
  Summary *s = summarise(t);
  assert_verdict(&s->cell[0], VERDICT_AGREES);
  assert_verdict(&s->cell[2], VERDICT_AGREES);
  assert_verdict(&s->cell[4], VERDICT_DIFFERS);
  assert_true(s->cell[0].low == 0 && s->cell[2].high == 1);
  assert_false(s->valid);
  assert_non_null(strstr(s->reasons.s, "connected differs from its exact value at method=a,\"b\", k=2"));
  summary_destroy(&s);
  results_table_destroy(&t);
}

/* An outcome between 3e-5 and 6e-5 differs when it is the only test, and not when there are two. */
static void test_bonferroni(void **state)
{
  (void)state;
  int64_t k = -1;
  for (int64_t i = 0; i <= 400 && k < 0; i++)
    if (two_sided(i, 400, 0.3) > 3e-5 && two_sided(i, 400, 0.3) < 6e-5) k = i;
  assert_true(k > 0);
  for (int tests = 1; tests <= 2; tests++) {
    ResultsTable *t       = table_create(2, 400);
    t->metric[0].exact[0] = 0.3;
    if (tests == 2) t->metric[0].exact[1] = 0.5;
    set_events(t, 0, k);
    set_events(t, 1, 200);
    Summary *s = summarise(t);
    assert_verdict(&s->cell[0], tests == 1 ? VERDICT_DIFFERS : VERDICT_AGREES);
    assert_int_equal(s->valid, tests == 2);
    summary_destroy(&s);
    results_table_destroy(&t);
  }
}

static void set_reals(ResultsTable *t, int64_t point, int64_t n, double (*value)(int64_t))
{
  for (int64_t i = 0; i < t->point_rows[point]; i++) t->metric[1].value[t->first_row[point] + i] = i < n ? value(i) : (double)NAN;
}

static double ramp(int64_t i) { return (double)(i + 1); }
static double half(int64_t i) { return 0.5 + 0 * (double)i; }

static void test_reals(void **state)
{
  (void)state;
  ResultsTable *t       = table_create(4, 100);
  t->metric[1].exact[1] = 50.5;
  t->metric[1].exact[2] = 50.5 + 5 * sqrt(841.0 + 2.0 / 3) / 10; /* five standard errors: the variance of 1..100 is 841 2/3 */
  t->metric[1].exact[3] = 99;
  set_reals(t, 0, 5, ramp);
  set_reals(t, 1, 100, ramp);
  set_reals(t, 2, 100, ramp);
  set_reals(t, 3, 29, ramp);
  t->metric[1].published[1]   = 60;
  t->metric[1].published_n[1] = 100;
  Summary           *s        = summarise(t);
  const SummaryCell *c        = &s->cell[1];
  assert_int_equal(c->n, 5);
  assert_close("mean of 1..5", 3, c->mean, 1e-15);
  assert_close("standard error of 1..5", sqrt(0.5), c->stderr_, 1e-14);
  assert_close("upper end, t(0.975, 4) = 2.776445105198", 3 + 2.776445105198 * sqrt(0.5), c->high, 1e-9);
  assert_close("lower end", 3 - 2.776445105198 * sqrt(0.5), c->low, 1e-9);
  assert_verdict(c, VERDICT_NONE);
  assert_close("p at the mean", 1, s->cell[3].p_value, 1e-12);
  assert_close("published p, t with 99 dof", 0.0014587353384577814, s->cell[3].published_p_value, 1e-12);
  assert_verdict(&s->cell[3], VERDICT_AGREES);
  assert_close("p of five standard errors, t with 99 dof", 2.481396013040949e-06, s->cell[5].p_value, 1e-14);
  assert_verdict(&s->cell[5], VERDICT_DIFFERS);
  assert_true(isnan(s->cell[7].p_value)); /* 29 values are too few */
  assert_verdict(&s->cell[7], VERDICT_NONE);
  summary_destroy(&s);
  results_table_destroy(&t);
}

/* Equal values agree or say nothing; where chance is ruled out they contradict. */
static void test_constant_columns(void **state)
{
  (void)state;
  ResultsTable *t          = table_create(4, 20);
  t->metric[1].exact[0]    = 0.5 * (1 + 5e-10);
  t->metric[1].exact[1]    = 0.2;
  t->metric[1].exact[2]    = 0.5;
  t->metric[1].exact[3]    = 0.5 + 2e-9;
  t->metric[1].capacity[2] = t->metric[1].capacity[3] = 0;
  for (int64_t p = 0; p < 4; p++) set_reals(t, p, 20, half);
  Summary *s = summarise(t);
  assert_verdict(&s->cell[1], VERDICT_AGREES);
  assert_verdict(&s->cell[3], VERDICT_NONE);
  assert_verdict(&s->cell[5], VERDICT_AGREES);
  assert_verdict(&s->cell[7], VERDICT_DIFFERS);
  summary_destroy(&s);
  results_table_destroy(&t);
}

static double few(int64_t i) { return i < 3 ? 2 : i == 3; }

/* A count out of 2 in 20 trials is 40 draws: 7 successes against a mean of 0.6 have the p-value of binomial(40, 0.3) (SciPy). */
static void test_counts(void **state)
{
  (void)state;
  ResultsTable *t          = table_create(1, 20);
  t->metric[1].exact[0]    = 0.6;
  t->metric[1].capacity[0] = 2;
  set_reals(t, 0, 20, few);
  Summary *s = summarise(t);
  assert_close("p of 7 in 40 at 0.3", 0.11859576263214822, s->cell[1].p_value, 1e-12);
  summary_destroy(&s);
  results_table_destroy(&t);
}

static double rare(int64_t i) { return i == 0; }

/* One success among 200 says little against a mean of 1/2000, although it is far from it in standard errors: too skewed for a t test. And a
 * limit that is only reached to within its error is not contradicted inside it. */
static void test_skewed_columns_and_limits(void **state)
{
  (void)state;
  ResultsTable *t       = table_create(3, 200);
  t->metric[1].exact[0] = 0.0005;
  t->metric[1].exact[1] = t->metric[1].exact[2] = 200;
  t->metric[1].error[1]                         = 99;
  t->metric[1].error[2]                         = 50;
  set_reals(t, 0, 200, rare);
  set_reals(t, 1, 200, ramp);
  set_reals(t, 2, 200, ramp);
  Summary *s = summarise(t);
  assert_true(isnan(s->cell[1].p_value));
  assert_verdict(&s->cell[3], VERDICT_AGREES);
  assert_verdict(&s->cell[5], VERDICT_DIFFERS);
  summary_destroy(&s);
  results_table_destroy(&t);
}

static void test_only_done_rows_count(void **state)
{
  (void)state;
  ResultsTable *t = table_create(2, 10);
  set_events(t, 0, 10);
  set_events(t, 1, 5);
  t->state[0] = TRIAL_FAILED;
  t->state[1] = TRIAL_PENDING;
  snprintf(t->message[0], sizeof *t->message, "loss is NaN");
  t->metric[0].value[2]       = NAN;
  t->metric[0].expect_low[1]  = 0.6;
  t->metric[0].expect_high[0] = 1;
  Summary *s                  = summarise(t);
  assert_int_equal(s->cell[0].n, 7);
  assert_int_equal(s->counts[TRIAL_DONE], 18);
  assert_int_equal(s->counts[TRIAL_FAILED], 1);
  assert_true(s->cell[0].expect_met);
  assert_false(s->cell[2].expect_met);
  assert_int_equal(s->cell[1].n, 0);
  assert_true(isnan(s->cell[1].mean) && s->cell[1].expect_met);
  assert_false(s->valid);
  assert_non_null(strstr(s->reasons.s, "2 of 20 trials are not done: 1 pending, 1 failed\n"));
  assert_non_null(strstr(s->reasons.s, "row 0 failed: loss is NaN\n"));
  assert_non_null(strstr(s->reasons.s, "connected misses what the input expects at method=a,\"b\", k=1: mean 0.5 is below 0.6\n"));
  summary_destroy(&s);
  results_table_destroy(&t);
}

/* A value that is expected but was never measured is missed. */
static void test_expectation_without_values(void **state)
{
  (void)state;
  ResultsTable *t            = table_create(1, 10);
  t->metric[1].expect_low[0] = 0;
  Summary *s                 = summarise(t);
  assert_false(s->cell[1].expect_met);
  assert_false(s->valid);
  summary_destroy(&s);
  results_table_destroy(&t);
}

/* --- printed forms --- */

static const char *json_value(const char *s);

static const char *blanks(const char *s)
{
  while (s && isspace((unsigned char)*s)) s++;
  return s;
}

static const char *json_string(const char *s)
{
  if (*s++ != '"') return NULL;
  for (; *s && *s != '"'; s++) {
    if ((unsigned char)*s < 0x20) return NULL;
    if (*s == '\\' && !strchr("\"\\/bfnrtu", *++s)) return NULL;
  }
  return *s == '"' ? s + 1 : NULL;
}

static const char *json_list(const char *s, char close, bool named)
{
  s = blanks(s + 1);
  if (*s == close) return s + 1;
  while (s) {
    if (named) {
      s = blanks(json_string(s));
      if (!s || *s++ != ':') return NULL;
    }
    s = blanks(json_value(blanks(s)));
    if (!s || *s == close) return s ? s + 1 : NULL;
    if (*s++ != ',') return NULL;
    s = blanks(s);
  }
  return NULL;
}

/* The position after one JSON value, NULL when there is none. */
static const char *json_value(const char *s)
{
  static const char *const words[] = {"null", "true", "false"};
  char                    *end;
  if (*s == '{') return json_list(s, '}', true);
  if (*s == '[') return json_list(s, ']', false);
  if (*s == '"') return json_string(s);
  for (int i = 0; i < 3; i++)
    if (strncmp(s, words[i], strlen(words[i])) == 0) return s + strlen(words[i]);
  if (*s != '-' && !isdigit((unsigned char)*s)) return NULL;
  strtod(s, &end);
  return end;
}

static void assert_contains(const Text *text, const char *part)
{
  if (!strstr(text_string(text), part)) fail_msg("expected %s in:\n%s", part, text_string(text));
}

static ResultsTable *printable(void)
{
  ResultsTable *t             = table_create(2, 500);
  t->metric[0].exact[0]       = 0.438;
  t->metric[0].published[0]   = 0.46;
  t->metric[0].published_n[0] = 500;
  t->metric[0].expect_low[1]  = 0.9;
  set_events(t, 0, 219);
  set_events(t, 1, 300);
  return t;
}

static void test_json(void **state)
{
  (void)state;
  ResultsTable *t   = printable();
  Summary      *s   = summarise(t);
  Text          out = {0};
  summary_json(s, &out);
  const char *end = blanks(json_value(out.s));
  if (!end || *end) fail_msg("this is no JSON:\n%s", out.s);
  assert_contains(&out, "{\"result\": \"INVALID\", \"reasons\": [\"connected misses what the input expects at method=a,\\\"b\\\", k=1");
  assert_contains(&out, "\"trials\": {\"total\": 1000, \"pending\": 0, \"running\": 0, \"done\": 1000, \"failed\": 0, \"timeout\": 0, "
                        "\"interrupted\": 0, \"invalid\": 0}");
  assert_contains(&out, "\"points\": [\n{\"axes\": {\"method\": \"random\", \"k\": null}, \"metrics\": {\"connected\": {\"n\": 500, "
                        "\"mean\": 0.438, \"sd\": ");
  assert_contains(&out, "\"unit\": \"1\", \"exact\": 0.438, \"published\": 0.46, \"p_value\": 1");
  assert_contains(&out, "\"expect_low\": null, \"expect_high\": null, \"verdict\": \"agrees\"}");
  assert_contains(&out, "\"rse\": {\"n\": 0, \"mean\": null, \"sd\": null, \"stderr\": null, \"low\": null, \"high\": null, \"unit\": "
                        "\"1\", \"exact\": null");
  assert_contains(&out, "{\"axes\": {\"method\": \"a,\\\"b\\\"\", \"k\": 1}");
  assert_contains(&out, "\"expect_low\": 0.9, \"expect_high\": null, \"verdict\": null}");
  text_clear(&out);
  summary_destroy(&s);
  set_events(t, 1, 460);
  s = summarise(t);
  summary_json(s, &out);
  assert_contains(&out, "{\"result\": \"VALID\", \"reasons\": [],");
  text_clear(&out);
  summary_destroy(&s);
  results_table_destroy(&t);
}

/* Fields of one CSV line (RFC 4180), and the position after it. */
static const char *csv_fields(const char *s, int *n)
{
  bool quoted = false;
  for (*n = 1; *s && (quoted || *s != '\n'); s++) {
    if (*s == '"') quoted = !quoted;
    if (*s == ',' && !quoted) ++*n;
  }
  return *s ? s + 1 : s;
}

static void assert_csv(const Text *text, int lines, int fields)
{
  int n, count = 0;
  for (const char *s = text->s; *s; count++) {
    s = csv_fields(s, &n);
    if (n != fields) fail_msg("line %d: expected %d fields, got %d", count, fields, n);
  }
  assert_int_equal(count, lines);
}

static void test_csv(void **state)
{
  (void)state;
  ResultsTable *t   = printable();
  Summary      *s   = summarise(t);
  Text          out = {0};
  summary_csv(s, &out);
  assert_csv(&out, 1 + 2 * 2, 2 + 2 + 1 + 11 + 1);
  assert_contains(
      &out, "method,k,metric,unit,n,mean,sd,stderr,low,high,exact,published,p_value,published_p_value,expect_low,expect_high,verdict\n");
  assert_contains(&out, "\nrandom,,connected,1,500,0.438,");
  assert_contains(&out, "\n\"a,\"\"b\"\"\",1,connected,1,500,0.6,");
  text_clear(&out);
  t->seed[0] = UINT64_MAX;
  t->key[0]  = 0xabc;
  results_export_csv(t, &out);
  assert_csv(&out, 1 + 1000, 1 + 2 + 4 + 2 + 1);
  assert_contains(
      &out, "row,method,k,replicate,seed,key,state,connected,rse,wall\n0,random,,0,18446744073709551615,0x0000000000000abc,done,1,,0\n");
  text_clear(&out);
  summary_destroy(&s);
  results_table_destroy(&t);
}

static void test_table(void **state)
{
  (void)state;
  ResultsTable *t   = printable();
  Summary      *s   = summarise(t);
  Text          out = {0};
  summary_table(s, false, &out);
  assert_contains(&out, "a \"title\": barbell");
  assert_contains(&out, "1000 trials, 1000 done\n");
  assert_contains(&out, "\nconnected, probability\n");
  assert_contains(&out, "0.4380");
  assert_contains(&out, "expectation missed");
  assert_contains(&out, "\nINVALID\nconnected misses");
  assert_null(strchr(out.s, '\033'));
  const char *block = strstr(out.s, "  method"), *verdict = strstr(block, "verdict"), *line = strstr(block, "  random");
  assert_non_null(line);
  assert_int_equal(verdict - block, strstr(line, "agrees") - line); /* aligned */
  for (const char *p = out.s, *q; (q = strchr(p, '\n')); p = q + 1) {
    if (q - p > 130) fail_msg("a line of %d characters", (int)(q - p));
    if (q > p && q[-1] == ' ') fail_msg("a line ends with a blank:\n%s", out.s);
  }
  text_clear(&out);
  summary_table(s, true, &out);
  assert_contains(&out, "\033[32magrees\033[0m");
  assert_contains(&out, "\033[31mINVALID\033[0m");
  text_clear(&out);
  summary_destroy(&s);
  results_table_destroy(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_events),
      cmocka_unit_test(test_sure_events),
      cmocka_unit_test(test_bonferroni),
      cmocka_unit_test(test_reals),
      cmocka_unit_test(test_constant_columns),
      cmocka_unit_test(test_counts),
      cmocka_unit_test(test_skewed_columns_and_limits),
      cmocka_unit_test(test_only_done_rows_count),
      cmocka_unit_test(test_expectation_without_values),
      cmocka_unit_test(test_json),
      cmocka_unit_test(test_csv),
      cmocka_unit_test(test_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
