/* SPDX-License-Identifier: BSD-2-Clause
 * Schedules and time grids against closed forms. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "memory.h"
#include "schedule.h"

static void close_to(const char *what, double got, double expected, double relative)
{
  if (!(fabs(got - expected) <= relative * fabs(expected)))
    fail_msg("%s: expected %.15g, got %.15g, tolerance %g", what, expected, got, relative);
}

static double signal_power(ScheduleKind kind, int T, int t)
{
  double *abar = mem_calloc((size_t)T + 1, sizeof *abar);
  schedule_fill(kind, T, NULL, abar);
  const double value = abar[t];
  free(abar);
  return value;
}

/* cosine: abar_t = f(t) / f(0) before beta is cut; the last beta is 0.999, f(T) = 0. */
static void test_cosine(void **state)
{
  (void)state;
  for (int T = 10; T <= 1000; T *= 10) {
    const double f0 = pow(cos(M_PI / 2 * 0.008 / 1.008), 2);
    for (int t = 1; t < T; t++) {
      const double f = pow(cos(M_PI / 2 * ((double)t / T + 0.008) / 1.008), 2);
      if (schedule_beta(SCHEDULE_COSINE, T, t) < 0.999) close_to("abar of the cosine", signal_power(SCHEDULE_COSINE, T, t), f / f0, 1e-9);
    }
    assert_true(schedule_beta(SCHEDULE_COSINE, T, T) == 0.999);
    close_to("abar_T", signal_power(SCHEDULE_COSINE, T, T), signal_power(SCHEDULE_COSINE, T, T - 1) * 0.001, 1e-12);
  }
}

/* linear, T = 1000: 1e-4 to 0.02; log abar_T = sum log(1 - beta), -10.118 (abar_T = 4.04e-5, Ho et al. 2020: about 0 SNR). */
static void test_linear(void **state)
{
  (void)state;
  double log_sum = 0;
  for (int t = 1; t <= 1000; t++) log_sum += log1p(-(1e-4 + (0.02 - 1e-4) * (t - 1) / 999));
  close_to("beta_1", schedule_beta(SCHEDULE_LINEAR, 1000, 1), 1e-4, 1e-14);
  close_to("beta_T", schedule_beta(SCHEDULE_LINEAR, 1000, 1000), 0.02, 1e-14);
  close_to("abar_T", signal_power(SCHEDULE_LINEAR, 1000, 1000), exp(log_sum), 1e-11);
  close_to("beta_1 at T = 100", schedule_beta(SCHEDULE_LINEAR, 100, 1), 1e-3, 1e-14);
  close_to("beta_T at T = 100", schedule_beta(SCHEDULE_LINEAR, 100, 100), 0.2, 1e-14);
  close_to("abar_50 at T = 100", signal_power(SCHEDULE_LINEAR, 100, 50), exp(-0.001 * 50) * exp(-(0.199 / 99) * 50 * 49 / 2), 0.1);
  assert_true(schedule_beta(SCHEDULE_LINEAR, 10, 10) == 0.999 && schedule_beta(SCHEDULE_LINEAR, 1, 1) == 0.999);
}

/* abar falls, beta rises, abar_t = abar_{t-1} (1 - beta_t). */
static void test_recurrence(void **state)
{
  (void)state;
  static const int lengths[] = {1, 2, 7, 100, 1000};
  for (int kind = 0; schedule_names[kind]; kind++)
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
      const int T    = lengths[i];
      double   *beta = mem_calloc((size_t)T + 1, sizeof *beta), *abar = mem_calloc((size_t)T + 1, sizeof *abar);
      schedule_fill((ScheduleKind)kind, T, beta, abar);
      assert_true(abar[0] == 1);
      for (int t = 1; t <= T; t++) {
        assert_true(beta[t] == schedule_beta((ScheduleKind)kind, T, t) && beta[t] > 0 && beta[t] <= 0.999);
        assert_true(t == 1 || beta[t] >= beta[t - 1]);
        close_to("abar", abar[t], abar[t - 1] * (1 - beta[t]), 1e-15);
      }
      free(beta);
      free(abar);
    }
}

/* The source's claim: steps whose signal-to-noise ratio is below 0.01, of T = 100: 34 of the linear schedule, 7 of the cosine. */
static void test_lost_steps(void **state)
{
  (void)state;
  static const int expected[] = {34, 7};
  for (int kind = 0; kind < 2; kind++) {
    double abar[101];
    int    lost = 0;
    schedule_fill((ScheduleKind)kind, 100, NULL, abar);
    for (int t = 1; t <= 100; t++) lost += abar[t] / (1 - abar[t]) < 0.01;
    if (lost != expected[kind]) fail_msg("%s: expected %d steps below 0.01, got %d", schedule_names[kind], expected[kind], lost);
  }
}

static void test_process(void **state)
{
  (void)state;
  for (double t = 1e-12; t < 100; t *= 1.7) {
    const double a = vp_signal(t), s = vp_noise(t);
    close_to("a^2 + s^2", a * a + s * s, 1, 1e-14);
    close_to("a", a, exp(-t / 2), 1e-15);
    if (t < 1e-3) close_to("s^2 by its series", s * s, t - t * t / 2 + t * t * t / 6 - t * t * t * t / 24, 1e-12);
    if (t < 20) close_to("t of s / a", vp_time(s / a), t, 1e-12);
  }
}

static void test_grids(void **state)
{
  (void)state;
  enum { STEPS = 40 };
  const double low = 1e-4, high = 10;
  for (int kind = 0; time_grid_names[kind]; kind++) {
    double t[STEPS + 1], even[STEPS + 1];
    time_grid_fill((TimeGrid)kind, STEPS, low, high, t);
    assert_true(t[0] == high && t[STEPS] == low);
    for (int i = 1; i <= STEPS; i++)
      if (!(t[i] < t[i - 1])) fail_msg("%s: t[%d] = %g is not below t[%d] = %g", time_grid_names[kind], i, t[i], i - 1, t[i - 1]);
    for (int i = 0; i <= STEPS; i++) /* what the grid is even in: t, log t, (s/a)^{1/7} */
      even[i] = kind == GRID_UNIFORM ? t[i] : kind == GRID_EXPONENTIAL ? log(t[i]) : pow(vp_noise(t[i]) / vp_signal(t[i]), 1.0 / 7);
    for (int i = 1; i <= STEPS; i++) close_to(time_grid_names[kind], even[i - 1] - even[i], (even[0] - even[STEPS]) / STEPS, 1e-9);
  }
  double one[2];
  time_grid_fill(GRID_EDM, 1, low, high, one);
  assert_true(one[0] == high && one[1] == low);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cosine),     cmocka_unit_test(test_linear),  cmocka_unit_test(test_recurrence),
      cmocka_unit_test(test_lost_steps), cmocka_unit_test(test_process), cmocka_unit_test(test_grids),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
