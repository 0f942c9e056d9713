/* SPDX-License-Identifier: BSD-2-Clause
 * The tables of the samplers against algebra: data that are one point (every x0-hat exact), closed forms of DDPM, and the orders of
 * convergence for Gaussian data, whose laws follow from a recurrence. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sampler_law.h"

enum { KINDS = 5, PREDICTIONS = 5 };
static const char *const prediction_word[] = {"noise", "mean", "data", "score", "velocity"};

static ObjectiveSpec discrete(Prediction prediction, ScheduleKind schedule, int T)
{
  return (ObjectiveSpec){.prediction = prediction, .schedule = schedule, .T = T, .time_scale = 1, .batch = 1};
}

static ObjectiveSpec continuous(Prediction prediction)
{
  return (ObjectiveSpec){.prediction = prediction, .t_min = 1e-4, .t_max = 10, .time_scale = 1, .batch = 1};
}

static SamplerPlan *plan_of(const ObjectiveSpec *spec, SamplerKind kind, TimeGrid grid, int n, bool finish)
{
  SamplerPlan *plan;
  assert_int_equal(sampler_plan_create(spec, kind, grid, n, finish, &plan), 0);
  return plan;
}

static void expect_near(const char *what, const ObjectiveSpec *spec, SamplerKind kind, int k, double expected, double got, double tolerance)
{
  if (fabs(got - expected) <= tolerance) return;
  fail_msg("%s, %s, %s T %d, step %d: expected %.12g, got %.12g, difference %.3g, tolerance %.3g", what, sampler_names[kind],
           prediction_word[spec->prediction], spec->T, k, expected, got, got - expected, tolerance);
}

/* All specifications: discrete ones of both schedules, continuous ones; f is called with each. */
static void each_spec(void (*f)(const ObjectiveSpec *))
{
  for (int p = 0; p < PREDICTIONS; p++) {
    const ObjectiveSpec specs[] = {discrete((Prediction)p, SCHEDULE_LINEAR, 100), discrete((Prediction)p, SCHEDULE_COSINE, 100),
                                   discrete((Prediction)p, SCHEDULE_LINEAR, 1000), continuous((Prediction)p)};
    for (int i = 0; i < 4; i++)
      if (p != (specs[i].T ? PREDICT_VELOCITY : PREDICT_MEAN)) f(&specs[i]);
  }
}

/* a and s of a step's end, from the schedule itself. */
static void signal_and_noise(const ObjectiveSpec *spec, double t, double *a, double *s)
{
  static double abar[1001];
  if (spec->T == 0) {
    *a = vp_signal(t);
    *s = vp_noise(t);
    return;
  }
  schedule_fill(spec->schedule, spec->T, NULL, abar);
  *a = sqrt(abar[(int)t]);
  *s = sqrt(1 - abar[(int)t]);
}

/* Data at one point: x0-hat and eps-hat are constant along a path without noise, so every step is exact. */
static void one_point_without_noise(const ObjectiveSpec *spec)
{
  const Law point = {-1.7, 0};
  for (int kind = SAMPLER_DDIM; kind <= SAMPLER_HEUN; kind++) {
    SamplerPlan *plan = plan_of(spec, (SamplerKind)kind, GRID_EDM, 60, false);
    Law          x    = {0.8, 0};
    double       a, s, a_r, s_r;
    signal_and_noise(spec, plan->step[0].t, &a, &s);
    const double eps = (x.mean - a * point.mean) / s;
    for (int k = 0; k < plan->n_steps; k++) {
      x = law_after_step(spec, &plan->step[k], point, x);
      signal_and_noise(spec, plan->step[k].next, &a_r, &s_r);
      expect_near("state", spec, (SamplerKind)kind, k, a_r * point.mean + s_r * eps, x.mean, kind == SAMPLER_HEUN ? 3e-5 : 3e-6);
    }
    sampler_plan_destroy(&plan);
  }
}

/* Data at one point: q(x_r | x_t, x_0) of the true x_0 gives the true law of every x_r. */
static void one_point_with_noise(const ObjectiveSpec *spec)
{
  const Law point = {-1.7, 0};
  for (int kind = 0; kind < KINDS; kind++) {
    if (kind != SAMPLER_EXPONENTIAL && (kind != SAMPLER_ANCESTRAL || spec->T)) continue;
    SamplerPlan *plan = plan_of(spec, (SamplerKind)kind, GRID_EXPONENTIAL, 60, false);
    double       a, s;
    signal_and_noise(spec, plan->step[0].t, &a, &s);
    Law x = law_at(a, s, point);
    for (int k = 0; k < plan->n_steps; k++) {
      x = law_after_step(spec, &plan->step[k], point, x);
      signal_and_noise(spec, plan->step[k].next, &a, &s);
      expect_near("mean", spec, (SamplerKind)kind, k, a * point.mean, x.mean, 3e-6);
      expect_near("variance", spec, (SamplerKind)kind, k, s * s, x.variance, 3e-6 * s * s + 1e-12);
    }
    sampler_plan_destroy(&plan);
  }
}

static void test_data_at_one_point(void **state)
{
  (void)state;
  each_spec(one_point_without_noise);
  each_spec(one_point_with_noise);
}

static void finishes_in_the_data(const ObjectiveSpec *spec)
{
  if (spec->T) return;
  const Law    point = {-1.7, 0};
  SamplerPlan *plan  = plan_of(spec, SAMPLER_EULER_MARUYAMA, GRID_EXPONENTIAL, 30, true);
  assert_int_equal(plan->n_steps, 31);
  const Law x = law_after(spec, plan, point, (Law){0, 1});
  expect_near("mean", spec, SAMPLER_EULER_MARUYAMA, 30, point.mean, x.mean, 1e-5);
  expect_near("variance", spec, SAMPLER_EULER_MARUYAMA, 30, 0, x.variance, 1e-10);
  sampler_plan_destroy(&plan);
}

static void test_finish(void **state)
{
  (void)state;
  each_spec(finishes_in_the_data);
}

/* Ho et al. 2020, algorithm 2, and what the other predictions mean by it. */
static void ddpm_closed_form(const ObjectiveSpec *spec)
{
  if (!spec->T) return;
  SamplerPlan *plan = plan_of(spec, SAMPLER_ANCESTRAL, GRID_UNIFORM, 0, false);
  double       beta[1001], abar[1001];
  schedule_fill(spec->schedule, spec->T, beta, abar);
  assert_int_equal(plan->n_steps, spec->T);
  for (int k = 0; k < spec->T; k++) {
    const SamplerStep *step = &plan->step[k];
    const int          t    = spec->T - k;
    const double       root = 1 / sqrt(1 - beta[t]), s = sqrt(1 - abar[t]), noisy = t > 1 ? sqrt(beta[t]) : 0;
    const double       A[] = {root, 0, 0, root}, B[] = {-root * beta[t] / s, 1, sqrt(abar[t - 1]), root * beta[t]};
    const double       C[] = {noisy, noisy, sqrt(1 - abar[t - 1]), noisy};
    assert_true((int)step->t == t && (int)step->next == t - 1 && step->place == t && !step->heun);
    expect_near("A", spec, SAMPLER_ANCESTRAL, k, A[spec->prediction], (double)step->A, 2e-6);
    expect_near("B", spec, SAMPLER_ANCESTRAL, k, B[spec->prediction], (double)step->B, 2e-6);
    expect_near("C", spec, SAMPLER_ANCESTRAL, k, C[spec->prediction], (double)step->C, 2e-7);
  }
  sampler_plan_destroy(&plan);
}

static void test_ddpm(void **state)
{
  (void)state;
  each_spec(ddpm_closed_form);
}

static void test_exponential_is_ancestral(void **state)
{
  (void)state;
  const ObjectiveSpec spec = continuous(PREDICT_VELOCITY);
  SamplerPlan *one = plan_of(&spec, SAMPLER_ANCESTRAL, GRID_EDM, 20, true), *two = plan_of(&spec, SAMPLER_EXPONENTIAL, GRID_EDM, 20, true);
  for (int k = 0; k < one->n_steps; k++) {
    expect_near("A", &spec, SAMPLER_EXPONENTIAL, k, (double)one->step[k].A, (double)two->step[k].A, 0);
    expect_near("B", &spec, SAMPLER_EXPONENTIAL, k, (double)one->step[k].B, (double)two->step[k].B, 0);
    expect_near("C", &spec, SAMPLER_EXPONENTIAL, k, (double)one->step[k].C, (double)two->step[k].C, 0);
  }
  sampler_plan_destroy(&one);
  sampler_plan_destroy(&two);
}

/* Error of the variance at t_min for Gaussian data and n steps, from the true law at t_max. */
static double variance_error(const ObjectiveSpec *spec, SamplerKind kind, Law data, int n)
{
  SamplerPlan *plan  = plan_of(spec, kind, GRID_EXPONENTIAL, n, false);
  const Law    from  = law_at(vp_signal(spec->t_max), vp_noise(spec->t_max), data),
            to       = law_at(vp_signal(spec->t_min), vp_noise(spec->t_min), data);
  const double error = law_after(spec, plan, data, from).variance - to.variance;
  sampler_plan_destroy(&plan);
  return error;
}

static void test_orders_of_convergence(void **state)
{
  (void)state;
  const Law    data          = {1, 0.3};
  const double factor[KINDS] = {2, 2, 2, 4, 2};
  for (int p = 0; p < PREDICTIONS; p++) {
    if (p == PREDICT_MEAN) continue;
    const ObjectiveSpec spec = continuous((Prediction)p);
    for (int kind = 0; kind < KINDS; kind++) {
      const int    n      = kind == SAMPLER_HEUN ? 60 : 200;
      const double coarse = variance_error(&spec, (SamplerKind)kind, data, n), fine = variance_error(&spec, (SamplerKind)kind, data, 2 * n);
      expect_near("error(n) / error(2 n)", &spec, (SamplerKind)kind, n, factor[kind], coarse / fine, 0.08 * factor[kind]);
      expect_near("error(2 n)", &spec, (SamplerKind)kind, n, 0, fine, 0.03);
    }
  }
}

/* Every prediction says the same of x_0, so the law of the samples is one. */
static void test_predictions_agree(void **state)
{
  (void)state;
  const Law data = {-2, 0.4};
  for (int kind = 0; kind < KINDS; kind++) {
    Law expected = {0, 0};
    for (int p = 0; p < PREDICTIONS; p++) {
      if (p == PREDICT_MEAN) continue;
      const ObjectiveSpec spec = continuous((Prediction)p);
      SamplerPlan        *plan = plan_of(&spec, (SamplerKind)kind, GRID_EDM, 40, true);
      const Law           x    = law_after(&spec, plan, data, (Law){0, 1});
      if (p == 0) expected = x;
      expect_near("mean", &spec, (SamplerKind)kind, -1, expected.mean, x.mean, 2e-5);
      expect_near("variance", &spec, (SamplerKind)kind, -1, expected.variance, x.variance, 2e-5);
      sampler_plan_destroy(&plan);
    }
  }
}

static double variance_ratio(Prediction prediction, ScheduleKind schedule, int T, double v)
{
  const ObjectiveSpec spec = discrete(prediction, schedule, T);
  SamplerPlan        *plan = plan_of(&spec, SAMPLER_ANCESTRAL, GRID_UNIFORM, 0, false);
  const Law           x    = law_after(&spec, plan, (Law){4, v}, (Law){0, 1});
  sampler_plan_destroy(&plan);
  return x.variance / v;
}

static void expect_ratio(const char *what, int schedule, int T, double expected, double got, double tolerance)
{
  if (fabs(got - expected) > tolerance)
    fail_msg("%s, %s, T %d: expected %.4g, got %.6g, tolerance %.2g", what, schedule_names[schedule], T, expected, got, tolerance);
}

/* With the exact posterior, DDPM's variance tends to that of the data as 1/T, and whole_step's to half of it (0.46 at T = 100). */
static void test_variance_of_ancestral_sampling(void **state)
{
  (void)state;
  const double v[] = {0.3, 0.1, 0.2};
  for (int schedule = 0; schedule < 2; schedule++)
    for (int i = 0; i < 3; i++)
      for (int T = 100; T <= 10000; T *= 10) {
        expect_ratio("noise", schedule, T, 1, variance_ratio(PREDICT_NOISE, (ScheduleKind)schedule, T, v[i]), 10.0 / T);
        expect_ratio("mean", schedule, T, 1, variance_ratio(PREDICT_MEAN, (ScheduleKind)schedule, T, v[i]), 10.0 / T);
        expect_ratio("data", schedule, T, 0.5, variance_ratio(PREDICT_DATA, (ScheduleKind)schedule, T, v[i]), 0.6 / sqrt(T));
      }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_data_at_one_point),
      cmocka_unit_test(test_finish),
      cmocka_unit_test(test_ddpm),
      cmocka_unit_test(test_exponential_is_ancestral),
      cmocka_unit_test(test_orders_of_convergence),
      cmocka_unit_test(test_predictions_agree),
      cmocka_unit_test(test_variance_of_ancestral_sampling),
  };
  return cmocka_run_group_tests_name("sampler_plan", tests, NULL, NULL);
}
