/* SPDX-License-Identifier: BSD-2-Clause
 * Experiments I-III from parameters to results: exact references, measured means against them, recorded arrays that explain the metrics,
 * bits that do not depend on how a point is cut into batches, and what check() refuses. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "experiment.h"
#include "graph.h"
#include "hash.h"

enum { TRIALS = 2048 };

/* --- parameters from "name=value" settings --- */

typedef struct Setting {
  const char *experiment, *set[8];
} Setting;

static void *make_params(const Setting *setting, const Experiment **experiment)
{
  char error[256] = "";
  *experiment     = experiment_find(setting->experiment);
  assert_non_null(*experiment);
  void *params = calloc(1, (*experiment)->params_size);
  param_defaults((*experiment)->params, params);
  for (int i = 0; i < 8 && setting->set[i]; i++) {
    char        name[64] = "";
    const char *value    = strchr(setting->set[i], '=') + 1;
    memcpy(name, setting->set[i], (size_t)(value - setting->set[i] - 1));
    const ParamSpec *spec = param_find((*experiment)->params, name);
    assert_non_null(spec);
    if (!param_parse(spec, value, params, error, sizeof error)) fail_msg("%s: %s", setting->set[i], error);
  }
  return params;
}

static double exact_of(const Reference *r, const char *metric)
{
  for (int i = 0; i < r->n; i++)
    if (strcmp(r->value[i].metric, metric) == 0) return r->value[i].exact;
  return NAN;
}

static double published_of(const Reference *r, const char *metric)
{
  for (int i = 0; i < r->n; i++)
    if (strcmp(r->value[i].metric, metric) == 0) return r->value[i].published;
  return NAN;
}

static void expect_near(const char *what, double got, double expected, double tolerance)
{
  if (isnan(expected) ? isnan(got) : fabs(got - expected) <= tolerance) return;
  fail_msg("%s: expected %.10g, got %.10g, tolerance %.3g", what, expected, got, tolerance);
}

/* --- exact and published values --- */

static void references_have_the_known_values(void **state)
{
  (void)state;
  static const struct {
    Setting setting;
    double  connected, tolerance, published;
  } cases[] = {
      {{"barbell", {"method=random"}}, 0.4380, 5e-5, 0.46},
      {{"barbell", {"method=standard"}}, 0, 0, 0},
      {{"barbell", {"method=weighted"}}, 0.8917, 5e-5, 0.896},
      {{"barbell", {"method=oracle"}}, 0.8917, 5e-5, 0.882},
      {{"barbell", {"method=weighted", "lambda=1.1"}}, 0, 0, NAN}, /* the bridge comes first iff lambda > 1.2 */
      {{"barbell", {"method=weighted", "lambda=1.25"}}, 0.8917, 5e-5, NAN},
      {{"barbell", {"method=weighted", "selection=sampled"}}, NAN, 0, NAN},
      {{"barbell", {"method=random", "clique_size=7"}}, NAN, 0, NAN},
      {{"chain", {"method=random"}}, 0.3577, 5e-5, 0.53},
      {{"chain", {"method=standard"}}, 0, 0, 0},
      {{"chain", {"method=oracle"}}, 0.97266, 5e-6, 1},
      {{"chain", {"method=weighted"}}, 0.97266, 5e-6, 1},
      {{"chain", {"method=weighted", "r_eff=nominal"}}, 0.9976, 5e-5, 1},
      {{"bridge", {"method=standard", "k=3"}}, 0, 0, NAN},
      {{"bridge", {"method=standard", "k=4"}}, 0.929696, 1e-6, NAN}, /* a bridge of frequency 1: the same as nominal weighted */
      {{"bridge", {"method=weighted", "k=4", "r_eff=nominal"}}, 0.929696, 1e-6, NAN},
      {{"bridge", {"method=weighted", "k=2"}}, 0, 0, NAN},
      {{"bridge", {"method=oracle", "k=3"}}, 0.746284, 1e-6, NAN},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const Experiment *experiment;
    Reference         r      = {0};
    void             *params = make_params(&cases[i].setting, &experiment);
    assert_int_equal(experiment->reference(params, &r), 0);
    if (!isnan(cases[i].connected)) expect_near(cases[i].setting.set[0], exact_of(&r, "connected"), cases[i].connected, cases[i].tolerance);
    expect_near("published value", published_of(&r, "connected"), cases[i].published, 0);
    free(params);
  }
}

/* --- runs --- */

static Result *run(const Experiment *experiment, const void *params, int64_t first, int64_t n, bool record_first)
{
  static uint64_t key[TRIALS];
  static int64_t  replicate[TRIALS];
  static bool     record[TRIALS];
  ResultSchema    schema = {0};
  Result         *result = NULL;
  for (int64_t i = 0; i < n; i++) {
    key[i]       = hash_u64(20251118, (uint64_t)(first + i));
    replicate[i] = first + i;
    record[i]    = record_first && i == 0;
  }
  const TrialBatch batch = {.params = params, .n = n, .key = key, .replicate = replicate, .record = record, .every = 1};
  assert_int_equal(experiment->declare(params, 1, &schema), 0);
  assert_int_equal(result_create(&schema, n, record, &result), 0);
  assert_int_equal(experiment->run(MPI_COMM_SELF, &batch, NULL, result), 0);
  result_schema_clear(&schema);
  return result;
}

static const double *column(const Result *result, const char *name)
{
  return result_metric_column(result, result_schema_find_metric(result_schema(result), name));
}

/* Mean of a metric within 4.5 standard errors of the exact value: once in 150,000 a right program fails, but the keys are fixed. */
static void compare_mean(const Result *result, const Reference *r, const char *metric)
{
  const double *x = column(result, metric), exact = exact_of(r, metric), n = (double)result_rows(result);
  double        sum = 0, square = 0;
  if (isnan(exact)) return;
  for (int64_t i = 0; i < result_rows(result); i++) {
    sum += x[i];
    square += x[i] * x[i];
  }
  /* An event that is rare or nearly sure has its exact variance; the sample's may be 0. */
  const double variance = strcmp(metric, "connected") == 0 ? exact * (1 - exact) : square / n - sum / n * (sum / n);
  expect_near(metric, sum / n, exact, 4.5 * sqrt(fmax(variance, 0) / n) + 1e-12);
}

static const Setting settings[] = {
    {"barbell", {"method=random"}},
    {"barbell", {"method=weighted"}},
    {"barbell", {"method=standard", "clique_size=5"}},
    {"barbell", {"method=standard", "selection=sampled"}},
    {"barbell", {"method=oracle", "selection=sampled", "clique_size=6", "density=0.7"}},
    {"chain", {"method=oracle", "sizes=[4, 5, 6]"}},
    {"chain", {"method=weighted", "sizes=[4, 1, 6]", "selection=sampled", "r_eff=nominal", "density=0.7"}},
    {"chain", {"method=random", "sizes=[3, 4, 3, 2]", "density=0.8"}},
    {"chain", {"method=random", "sizes=[5, 4]", "bridges=[3]", "density=0.4"}},
    {"bridge", {"method=oracle", "k=3"}},
    {"bridge", {"method=random", "k=5", "density=0.3"}},
    {"bridge", {"method=weighted", "r_eff=nominal", "k=4"}},
    {"bridge", {"method=standard", "k=4"}},
};

static void measured_means_agree_with_exact_values(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    const Experiment *experiment;
    void             *params = make_params(&settings[i], &experiment);
    Reference         r      = {0};
    assert_int_equal(experiment->reference(params, &r), 0);
    assert_false(isnan(exact_of(&r, "connected")));
    Result *result = run(experiment, params, 0, TRIALS, false);
    for (int64_t row = 0; row < TRIALS; row++) assert_int_equal(result_state(result, row), TRIAL_DONE);
    compare_mean(result, &r, "connected");
    compare_mean(result, &r, "bridges_kept");
    compare_mean(result, &r, "rse");
    compare_mean(result, &r, "lambda2");
    result_destroy(&result);
    free(params);
  }
}

static const void *array_of(const Result *result, const char *name)
{
  return result_array_data(result, result_schema_find_array(result_schema(result), name), 0);
}

/* From the recorded edges and flags alone, what the metrics must be. */
static void recorded_graph_explains_the_metrics(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    const Experiment *experiment;
    void             *params = make_params(&settings[i], &experiment);
    for (int64_t first = 0; first < 8; first++) {
      Result        *result = run(experiment, params, first, 1, true);
      const int64_t *edges = array_of(result, "edges"), m = array_elements(&result_schema(result)->arrays[0]) / 2;
      const uint8_t *kept  = array_of(result, "kept");
      const double  *score = array_of(result, "score"), *resistance = array_of(result, "resistance"),
                   *frequency = array_of(result, "frequency");
      int64_t u[512], v[512], component[64], n = 0, n_kept = 0;
      double  foster = 0;
      for (int64_t e = 0; e < m; e++) {
        u[e] = edges[2 * e];
        v[e] = edges[2 * e + 1];
        n    = v[e] >= n ? v[e] + 1 : n;
        n_kept += kept[e];
        foster += resistance[e];
        assert_true(isfinite(score[e]) && frequency[e] >= 0 && frequency[e] <= 1);
      }
      Graph *g = NULL;
      assert_int_equal(graph_create(n, m, u, v, NULL, &g), 0);
      expect_near("Foster", foster, (double)n - 1, 1e-9);
      const bool connected = graph_components(g, kept, component) == 1;
      expect_near("connected", column(result, "connected")[0], connected, 0);
      assert_true((column(result, "lambda2")[0] > 1e-9) == connected);
      if (!connected) expect_near("rse of a disconnected graph", column(result, "rse")[0], 1, 1e-12);
      assert_true(n_kept > 0 && n_kept < m);
      graph_destroy(&g);
      result_destroy(&result);
    }
    free(params);
  }
}

static void batches_may_be_cut_anywhere(void **state)
{
  (void)state;
  static const char *const metrics[] = {"connected", "rse", "lambda2", "bridges_kept"};
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    const Experiment *experiment;
    void             *params = make_params(&settings[i], &experiment);
    Result           *whole = run(experiment, params, 0, 100, true), *part = run(experiment, params, 37, 11, false);
    for (int m = 0; m < 4; m++) assert_memory_equal(column(whole, metrics[m]) + 37, column(part, metrics[m]), 11 * sizeof(double));
    result_destroy(&whole);
    result_destroy(&part);
    free(params);
  }
}

/* --- cross-field rules and tables --- */

static void impossible_parameters_are_refused(void **state)
{
  (void)state;
  static const Setting bad[] = {
      {"bridge", {"k=9"}},
      {"bridge", {"k=4", "clique_size=3"}},
      {"barbell", {"density=0.01"}},
      {"chain", {"sizes=[5]"}},
      {"chain", {"sizes=[5, 6]", "bridges=[1, 1]"}},
      {"chain", {"sizes=[5, 2, 6]", "bridges=[1, 3]"}},
      {"chain", {"sizes=[1500, 600]"}},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const Experiment *experiment;
    Diagnostics      *diagnostics = diagnostics_create();
    void             *params      = make_params(&bad[i], &experiment);
    experiment->check(params, diagnostics);
    if (diagnostics_errors(diagnostics) != 1) fail_msg("%s: expected 1 error, got %d", bad[i].set[0], diagnostics_errors(diagnostics));
    diagnostics_destroy(&diagnostics);
    free(params);
  }
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    const Experiment *experiment;
    Diagnostics      *diagnostics = diagnostics_create();
    void             *params      = make_params(&settings[i], &experiment);
    experiment->check(params, diagnostics);
    assert_int_equal(diagnostics_errors(diagnostics), 0);
    assert_true(experiment->cost(params) > 0);
    diagnostics_destroy(&diagnostics);
    free(params);
  }
}

static void tables_are_complete(void **state)
{
  (void)state;
  for (int i = 0; experiment_get(i); i++) {
    const Experiment *e = experiment_get(i);
    assert_ptr_equal(experiment_find(e->name), e);
    assert_true(e->summary && e->source && e->merit_unit && e->declare && e->run && e->cost);
    void *params = calloc(1, e->params_size);
    param_defaults(e->params, params);
    for (const ParamSpec *p = e->params; p->name; p++) {
      char text[PARAM_TEXT_MAX], error[256];
      if (!p->help || !p->unit || !p->fallback) fail_msg("%s: parameter %s lacks help, unit or default", e->name, p->name);
      if (p->used_with && !param_find(e->params, p->used_with)) fail_msg("%s: %s is used with %s", e->name, p->name, p->used_with);
      param_format(p, params, text, sizeof text);
      assert_true(param_parse(p, text, params, error, sizeof error));
    }
    free(params);
  }
  assert_int_equal(control_should_stop(NULL), STOP_NO);
  assert_null(experiment_find("barbel"));
  assert_null(experiment_get(-1));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(references_have_the_known_values),    cmocka_unit_test(measured_means_agree_with_exact_values),
      cmocka_unit_test(recorded_graph_explains_the_metrics), cmocka_unit_test(batches_may_be_cut_anywhere),
      cmocka_unit_test(impossible_parameters_are_refused),   cmocka_unit_test(tables_are_complete),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
