/* SPDX-License-Identifier: BSD-2-Clause
 * One logit in the mean: the recurrence against a plain loop and against one path of large batches, and the distance of finite runs from
 * the limit against all sequences of labels, the recurrence, and closed forms. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "one_logit.h"

static bool same_bits(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

/* With a small rate and a large batch one path is the mean path; that ends at the fixed point. */
static void test_mean_path(void **state)
{
  (void)state;
  OneLogitProblem problem = {.eps = 0.3, .omega = 3, .learning_rate = 0.01, .theta0 = -2, .batch = 4096, .steps = 4000};
  double          mean[41], p[41], positives[41];
  OneLogitSeries  series = {p, positives};
  OneLogitOutcome o;
  assert_int_equal(one_logit_recorded(problem.steps, 100), 41);
  double theta = problem.theta0;
  one_logit_mean_run(&problem, 0, problem.steps, 100, &theta, mean);
  one_logit_reference(&problem, 5, 100, &o, &series);
  for (int r = 0; r < 41; r++)
    if (fabs(p[r] - mean[r]) > 5e-3) fail_msg("record %d: mean path %g, path %g, tolerance 5e-3", r, mean[r], p[r]);
  const double target = one_logit_fixed_point(0.3, 3);
  if (fabs(mean[40] - target) > 1e-6) fail_msg("end of the mean path: expected %g, got %g", target, mean[40]);
}

/* Cuts change nothing, and neither does that the recurrence ends at a number that it maps to itself. */
static void test_mean_run_cuts(void **state)
{
  (void)state;
  enum { STEPS = 3000, EVERY = 7 };
  const OneLogitProblem problem = {.eps = 0.3, .omega = 3, .learning_rate = 0.2, .theta0 = -2, .batch = 1, .steps = STEPS};
  static const int64_t  cuts[]  = {0, 1, 6, 7, 8, 700, 701, 2999, STEPS};
  double                whole[STEPS / EVERY + 1], parts[STEPS / EVERY + 1], theta = problem.theta0, other = problem.theta0, plain = -2;
  for (int r = 0; r <= STEPS / EVERY; r++) whole[r] = parts[r] = NAN;
  one_logit_mean_run(&problem, 0, STEPS, EVERY, &theta, whole);
  for (size_t c = 0; c + 1 < sizeof cuts / sizeof *cuts; c++) one_logit_mean_run(&problem, cuts[c], cuts[c + 1], EVERY, &other, parts);
  assert_true(same_bits(theta, other));
  for (int t = 0; t <= STEPS; t++) {
    const double p = 1 / (1 + exp(-plain));
    if (t % EVERY == 0 && !(fabs(whole[t / EVERY] - p) <= 1e-14 && same_bits(whole[t / EVERY], parts[t / EVERY])))
      fail_msg("step %d: expected %.17g, got %.17g, in parts %.17g", t, p, whole[t / EVERY], parts[t / EVERY]);
    plain += 0.2 * (0.9 * (1 - p) - 0.7 * p);
  }
}

/* E p_T - p* (and of the mean over the last half) of batches of one, from all 2^T sequences of labels. */
static void enumerate(const OneLogitProblem *p, double target, double *final, double *tail)
{
  const int steps = (int)p->steps;
  *final = *tail = 0;
  for (int labels = 0; labels < 1 << steps; labels++) {
    double theta = p->theta0, weight = 1, sum = 0;
    for (int t = 0; t < steps; t++) {
      const bool   y = labels >> t & 1;
      const double q = 1 / (1 + exp(-theta));
      if (t >= steps - steps / 2) sum += q - target;
      theta += p->learning_rate * (y ? p->omega * (1 - q) : -q);
      weight *= y ? p->eps : 1 - p->eps;
    }
    *final += weight * (1 / (1 + exp(-theta)) - target);
    *tail += weight * sum / (steps / 2);
  }
}

/* The errors are at least the true ones, and not many times as large. */
static void expect_bound(const char *what, double excess, double bound)
{
  if (!(fabs(excess) <= bound && bound <= 6 * fabs(excess))) fail_msg("%s: true excess %.4g, claimed at most %.4g", what, excess, bound);
}

static void test_limit_by_enumeration(void **state)
{
  (void)state;
  static const OneLogitProblem cases[] = {
      {.eps = 0.3, .omega = 1, .learning_rate = 0.5, .theta0 = -0.8472978603872037, .batch = 1, .steps = 16}, /* from p* */
      {.eps = 0.3, .omega = 1, .learning_rate = 0.5, .theta0 = 1, .batch = 1, .steps = 15},
      {.eps = 0.4, .omega = 4, .learning_rate = 0.4, .theta0 = -1, .batch = 1, .steps = 16},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const double  target = one_logit_fixed_point(cases[c].eps, cases[c].omega);
    OneLogitLimit limit;
    double        final, tail;
    char          what[40];
    one_logit_limit(&cases[c], &limit);
    enumerate(&cases[c], target, &final, &tail);
    assert_true(fabs(limit.p - target) < 1e-15);
    snprintf(what, sizeof what, "case %zu, final p", c);
    expect_bound(what, final, limit.final_error);
    snprintf(what, sizeof what, "case %zu, tail p", c);
    expect_bound(what, tail, limit.tail_error);
  }
}

/* Large batches are the mean path, which is gone through step by step here and in strides there. */
static void test_limit_of_the_mean_path(void **state)
{
  (void)state;
  enum { STEPS = 30000 };
  static double p[STEPS + 1];
  static const struct {
    double eps, omega, rate, theta0;
  } cases[] = {{0.05, 1, 0.005, 0}, {0.2, 10, 1e-3, -6}, {0.3, 1, 2e-3, 8}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const OneLogitProblem problem = {.eps           = cases[c].eps,
                                     .omega         = cases[c].omega,
                                     .learning_rate = cases[c].rate,
                                     .theta0        = cases[c].theta0,
                                     .batch         = 4096,
                                     .steps         = STEPS};
    OneLogitLimit         limit;
    double                theta = problem.theta0, tail = 0, target = one_logit_fixed_point(cases[c].eps, cases[c].omega);
    one_logit_mean_run(&problem, 0, STEPS, 1, &theta, p);
    for (int t = STEPS / 2; t < STEPS; t++) tail += (p[t] - target) / (STEPS / 2);
    one_logit_limit(&problem, &limit);
    /* twice the excess, and little more */
    if (!(fabs(limit.tail_error / (2 * fabs(tail)) - 1) < 0.05))
      fail_msg("case %zu, tail: excess of the mean path %.6g, claimed at most %.6g", c, tail, limit.tail_error);
    const double final = 2 * fabs(p[STEPS] - target) + 1e-6 * target;
    if (!(limit.final_error > 0.9 * 2 * fabs(p[STEPS] - target) && limit.final_error < 1.3 * final))
      fail_msg("case %zu, final: excess of the mean path %.6g, claimed at most %.6g", c, p[STEPS] - target, limit.final_error);
  }
}

static void test_limit_extremes(void **state)
{
  (void)state;
  OneLogitProblem problem = {.eps = 0.05, .omega = 50, .learning_rate = 0.05, .batch = 64, .steps = 10000000000};
  OneLogitLimit   limit;
  one_logit_limit(&problem, &limit);
  const double slope = 0.7246376811594203 * 0.2753623188405797, c = 50 * 0.2753623188405797 + 0.7246376811594203, r = 0.05 * 3.45 * slope;
  assert_true(fabs(limit.rate - r) < 1e-12 * r);
  assert_true(fabs(limit.variance - 0.05 * 0.05 * c * c * 0.05 * 0.95 / 64 / (2 * r - r * r)) < 1e-12);
  assert_true(limit.final_error < 1e-6 && limit.tail_error < 1e-6); /* ten thousand million steps in no time */
  problem.learning_rate = 1e-12;
  problem.theta0        = -40;
  one_logit_limit(&problem, &limit);
  assert_true(limit.final_error > 1.4 && limit.final_error < 1.5); /* it has not moved: twice p* */
  problem.learning_rate = 50;
  one_logit_limit(&problem, &limit);
  assert_true(isinf(limit.final_error) && isinf(limit.tail_error)); /* r > 1 */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mean_path),
      cmocka_unit_test(test_mean_run_cuts),
      cmocka_unit_test(test_limit_by_enumeration),
      cmocka_unit_test(test_limit_of_the_mean_path),
      cmocka_unit_test(test_limit_extremes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
