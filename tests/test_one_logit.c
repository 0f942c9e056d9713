/* SPDX-License-Identifier: BSD-2-Clause
 * One logit: the kernel against the plain reference bit by bit on every ISA level, the samplers against the exact binomial law, the
 * training against its martingale and its fixed points, and theta against the sum of its updates. Keys are fixed, so no test is a matter
 * of luck. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/one_logit_law.h"
#include "one_logit.h"

static const OneLogitProblem standard = {.eps = 0.05, .omega = 1, .learning_rate = 0.05, .theta0 = 0, .batch = 64, .steps = 300};

static uint64_t key_of(int i) { return 0x9e3779b97f4a7c15u * (uint64_t)(i + 1); }

static void fill_keys(int n, int from, uint64_t *key)
{
  for (int i = 0; i < n; i++) key[i] = key_of(from + i);
}

static void start(const OneLogitProblem *p, int n, OneLogitOutcome *o)
{
  for (int i = 0; i < n; i++) o[i] = (OneLogitOutcome){.theta = p->theta0};
}

static bool same_bits(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

static void expect_same(const char *what, int lane, const OneLogitOutcome *expected, const OneLogitOutcome *got)
{
  if (same_bits(expected->theta, got->theta) && same_bits((double)expected->carry, (double)got->carry) &&
      same_bits(expected->p_sum, got->p_sum) && same_bits(expected->p_tail_sum, got->p_tail_sum) &&
      same_bits(expected->negative_share_sum, got->negative_share_sum))
    return;
  fail_msg("%s, lane %d: expected theta %a + %a sums %a %a %a, got theta %a + %a sums %a %a %a", what, lane, expected->theta,
           (double)expected->carry, expected->p_sum, expected->p_tail_sum, expected->negative_share_sum, got->theta, (double)got->carry,
           got->p_sum, got->p_tail_sum, got->negative_share_sum);
}

static const OneLogitProblem problems[] = {
    {.eps = 0.05, .omega = 1, .learning_rate = 0.05, .batch = 64, .steps = 300},
    {.eps = 0.05, .omega = 50, .learning_rate = 0.05, .batch = 64, .steps = 301, .theta0 = -3.25},
    {.eps = 0.5, .omega = 2, .learning_rate = 0.3, .batch = 64, .steps = 157},                   /* counted: more than 31 thresholds */
    {.eps = 0.3, .omega = 0.1, .learning_rate = 0.05, .batch = 4096, .steps = 70},               /* bisected */
    {.eps = 0.999, .omega = 1e6, .learning_rate = 5, .batch = 3, .steps = 100},                  /* the sigmoid saturates */
    {.eps = 0.001, .omega = 1, .learning_rate = 100, .batch = 1, .steps = 100},                  /* on the other side */
    {.eps = 0.3, .omega = 1, .learning_rate = 1e30, .batch = 4, .steps = 100},                   /* far beyond it */
    {.eps = 1e-4, .omega = 1, .learning_rate = 1e-5, .theta0 = -9.2, .batch = 64, .steps = 100}, /* updates below theta's last place */
    {.eps = 1e-12, .omega = 1, .learning_rate = 1, .batch = 1, .steps = 33},                     /* no threshold at all */
    {.eps = 0.05, .omega = 50, .learning_rate = 0.05, .batch = 64, .steps = 50, .sampler = LABELS_BERNOULLI},
    {.eps = 0.7, .omega = 0.5, .learning_rate = 0.05, .batch = 7, .steps = 61, .sampler = LABELS_BERNOULLI},
    {.eps = 0.05, .omega = 1, .learning_rate = 0.05, .batch = 64, .steps = 1},
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

static void test_kernel_is_reference(void **state)
{
  (void)state;
  uint64_t        key[ONE_LOGIT_LANES];
  OneLogitOutcome expected[ONE_LOGIT_LANES], got[ONE_LOGIT_LANES];
  fill_keys(ONE_LOGIT_LANES, 0, key);
  for (int k = 0; k < PROBLEMS; k++) {
    for (int i = 0; i < ONE_LOGIT_LANES; i++) one_logit_reference(&problems[k], key[i], 1, &expected[i], NULL);
    for (int isa = ISA_BASE; isa <= (int)isa_level(); isa++)
      for (int n = 1; n <= ONE_LOGIT_LANES; n += n < 3 || n > 61 ? 1 : 13) {
        char what[80];
        snprintf(what, sizeof what, "problem %d, %s, %d seeds", k, isa_name((IsaLevel)isa), n);
        start(&problems[k], n, got);
        one_logit_run((IsaLevel)isa, &problems[k], n, key, 0, problems[k].steps, 1, got, NULL);
        for (int i = 0; i < n; i++) expect_same(what, i, &expected[i], &got[i]);
      }
  }
}

/* A seed's numbers know neither its lane nor where the calls were cut. */
static void test_lanes_and_cuts(void **state)
{
  (void)state;
  static const int64_t cuts[][8] = {{0, 300}, {0, 16, 32, 300}, {0, 1, 2, 5, 149, 150, 151, 300}, {0, 7, 140, 155, 297, 299, 300}};
  uint64_t             key[ONE_LOGIT_LANES], turned[ONE_LOGIT_LANES];
  OneLogitOutcome      expected[ONE_LOGIT_LANES], got[ONE_LOGIT_LANES];
  fill_keys(ONE_LOGIT_LANES, 100, key);
  for (int i = 0; i < ONE_LOGIT_LANES; i++) turned[i] = key[(i + 11) % ONE_LOGIT_LANES];
  start(&standard, ONE_LOGIT_LANES, expected);
  one_logit_run(ISA_BASE, &standard, ONE_LOGIT_LANES, key, 0, standard.steps, 1, expected, NULL);
  for (int isa = ISA_BASE; isa <= (int)isa_level(); isa++)
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
      start(&standard, ONE_LOGIT_LANES, got);
      for (int j = 0; cuts[c][j] < standard.steps; j++)
        one_logit_run((IsaLevel)isa, &standard, ONE_LOGIT_LANES, turned, cuts[c][j], cuts[c][j + 1], 1, got, NULL);
      for (int i = 0; i < ONE_LOGIT_LANES; i++) expect_same("cut and turned", i, &expected[(i + 11) % ONE_LOGIT_LANES], &got[i]);
    }
}

static void test_recording(void **state)
{
  (void)state;
  enum { N = 5 };
  static const int64_t strides[] = {1, 3, 20, 301};
  uint64_t             key[N];
  fill_keys(N, 7, key);
  for (size_t s = 0; s < sizeof strides / sizeof *strides; s++)
    for (int sampler = 0; sampler < 2; sampler++) {
      OneLogitProblem problem = standard;
      problem.sampler         = (LabelSampler)sampler;
      double          p[2][301], positives[2][301];
      const int64_t   n    = one_logit_recorded(problem.steps, strides[s]);
      OneLogitSeries  want = {p[0], positives[0]}, series[N] = {[3] = {p[1], positives[1]}};
      OneLogitOutcome expected, got[N];
      one_logit_reference(&problem, key[3], strides[s], &expected, &want);
      start(&problem, N, got);
      one_logit_run(isa_level(), &problem, N, key, 0, 100, strides[s], got, series);
      one_logit_run(isa_level(), &problem, N, key, 100, problem.steps, strides[s], got, series);
      expect_same("recorded", 3, &expected, &got[3]);
      for (int64_t r = 0; r < n; r++)
        if (!same_bits(p[0][r], p[1][r]) || !same_bits(positives[0][r], positives[1][r]))
          fail_msg("stride %d, record %d: expected p %a k %g, got p %a k %g", (int)strides[s], (int)r, p[0][r], positives[0][r], p[1][r],
                   positives[1][r]);
      if (strides[s] == 1) { /* the trajectory explains its own sums */
        double sum = 0;
        for (int64_t r = 0; r < problem.steps; r++) sum += p[0][r];
        if (fabs(sum - expected.p_sum) > 1e-6 * sum) fail_msg("sum of recorded p %.10g, p_sum %.10g", sum, expected.p_sum);
      }
    }
}

static void test_sigmoid(void **state)
{
  (void)state;
  for (double theta = -41; theta <= 41; theta += 0.00137) {
    const float  x        = (float)theta;
    const double expected = 1 / (1 + exp(-(double)x)), got = (double)one_logit_sigmoid(x), tolerance = 3e-7 + 1e-7 * fabs(theta);
    if (!(fabs(got - expected) <= tolerance * expected))
      fail_msg("sigmoid(%.9g): expected %.9g, got %.9g, relative tolerance %.1e", (double)x, expected, got, tolerance);
  }
  assert_true(one_logit_sigmoid(-1e30f) == 0x1p-60f && one_logit_sigmoid(1e30f) == 1);
  assert_true(isnan(one_logit_sigmoid(NAN)));
}

static long double choose_log(int64_t n, int64_t k)
{
  return lgammal((long double)n + 1) - lgammal((long double)k + 1) - lgammal((long double)(n - k) + 1);
}

/* Every threshold is the distribution function, here from lgammal, to half a unit of 2^-32 (and lgammal's own error). */
static void test_thresholds(void **state)
{
  (void)state;
  static const struct {
    int64_t batch;
    double  eps;
  } cases[] = {{64, 0.05}, {1, 0.3}, {4096, 0.5}, {1000, 0.01}, {33, 0.97}, {4096, 1e-6}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    OneLogitProblem problem = standard;
    problem.batch           = cases[c].batch;
    problem.eps             = cases[c].eps;
    OneLogitLaw law;
    one_logit_law(&problem, &law);
    long double cdf = 0, p = (long double)cases[c].eps;
    for (int64_t k = 0; k < cases[c].batch; k++) {
      cdf += expl(choose_log(cases[c].batch, k) + (long double)k * logl(p) + (long double)(cases[c].batch - k) * log1pl(-p));
      const long double exact = cdf * 0x1p32L;
      const int64_t     j     = k - law.base;
      const long double got   = j < 0 ? 0 : j >= law.n ? 0x1p32L : (long double)law.below[j] + 1;
      if (fabsl(got - exact) > 0.5L + 1e-4L)
        fail_msg("batch %d, threshold %d: expected %.3Lf, got %.0Lf", (int)cases[c].batch, (int)k, exact, got);
    }
  }
}

/* Chi-square of the positives of many steps against the binomial law; cells below 5 expected are pooled. Bound: mean + 6 standard
 * deviations. */
static void check_law(LabelSampler sampler, int64_t batch, double eps, uint64_t key)
{
  enum { STEPS = 40000 };
  OneLogitProblem problem   = {.eps = eps, .omega = 1, .learning_rate = 1, .batch = batch, .steps = STEPS, .sampler = sampler};
  int             count[65] = {0}, cells = 0;
  OneLogitLaw     law;
  double          statistic = 0, pooled_expected = 0, pooled = 0;
  one_logit_law(&problem, &law);
  for (int64_t t = 0; t < STEPS; t++) count[one_logit_positives(&law, key, t)]++;
  for (int64_t k = 0; k <= batch; k++) {
    const double expected = STEPS * (double)expl(choose_log(batch, k) + (long double)k * logl((long double)eps) +
                                                 (long double)(batch - k) * log1pl(-(long double)eps));
    if (expected < 5) {
      pooled += count[k];
      pooled_expected += expected;
      continue;
    }
    statistic += pow(count[k] - expected, 2) / expected;
    cells++;
  }
  if (pooled_expected > 1) {
    statistic += pow(pooled - pooled_expected, 2) / pooled_expected;
    cells++;
  }
  const double bound = cells - 1 + 6 * sqrt(2.0 * (cells - 1)) + 6;
  if (!(statistic < bound))
    fail_msg("%s, batch %d, eps %g: chi-square %g in %d cells, bound %g", label_sampler_names[sampler], (int)batch, eps, statistic, cells,
             bound);
}

static void test_law_of_positives(void **state)
{
  (void)state;
  check_law(LABELS_INVERSION, 64, 0.05, 1);
  check_law(LABELS_INVERSION, 64, 0.5, 2);
  check_law(LABELS_INVERSION, 1, 0.3, 3);
  check_law(LABELS_BERNOULLI, 64, 0.05, 4);
  check_law(LABELS_BERNOULLI, 7, 0.6, 5);
}

/* Mean and standard error over seeds of f(outcome). */
static void over_seeds(const OneLogitProblem *p, int seeds, double (*f)(const OneLogitProblem *, const OneLogitOutcome *), double *mean,
                       double *error)
{
  double sum = 0, squares = 0;
  for (int from = 0; from < seeds; from += ONE_LOGIT_LANES) {
    uint64_t        key[ONE_LOGIT_LANES];
    OneLogitOutcome o[ONE_LOGIT_LANES];
    const int       n = seeds - from < ONE_LOGIT_LANES ? seeds - from : ONE_LOGIT_LANES;
    fill_keys(n, 1000 + from, key);
    start(p, n, o);
    one_logit_run(isa_level(), p, n, key, 0, p->steps, 1, o, NULL);
    for (int i = 0; i < n; i++) {
      const double x = f(p, &o[i]);
      sum += x;
      squares += x * x;
    }
  }
  *mean  = sum / seeds;
  *error = sqrt((squares / seeds - *mean * *mean) / (seeds - 1));
}

static double martingale(const OneLogitProblem *p, const OneLogitOutcome *o)
{
  const double pull = p->omega * p->eps;
  return o->theta + (double)o->carry - (double)(float)p->theta0 -
         p->learning_rate * (pull * (double)p->steps - (pull + 1 - p->eps) * o->p_sum);
}

static double final_p(const OneLogitProblem *p, const OneLogitOutcome *o)
{
  (void)p;
  return 1 / (1 + exp(-o->theta));
}

static double tail_p(const OneLogitProblem *p, const OneLogitOutcome *o) { return o->p_tail_sum / (double)(p->steps / 2); }

static void expect_mean(const char *what, const OneLogitProblem *p, int seeds,
                        double (*f)(const OneLogitProblem *, const OneLogitOutcome *), double expected)
{
  double mean, error;
  over_seeds(p, seeds, f, &mean, &error);
  if (!(error > 0 && fabs(mean - expected) <= 4 * error))
    fail_msg("%s at omega %g: expected %.8g, got %.8g, 4 standard errors are %.2g", what, p->omega, expected, mean, 4 * error);
}

static void test_martingale_and_fixed_points(void **state)
{
  (void)state;
  OneLogitProblem weighted = standard, plain = standard;
  weighted.omega = 50;
  weighted.steps = 600;
  plain.steps    = 4000;
  assert_true(fabs(one_logit_fixed_point(0.05, 1) - 0.05) < 1e-15 && fabs(one_logit_fixed_point(0.05, 50) - 0.7246376811594203) < 1e-15);
  assert_true(one_logit_fixed_point(0.05, 1881) >= 0.99 && one_logit_fixed_point(0.05, 1880) < 0.99);
  expect_mean("martingale", &weighted, 4000, martingale, 0);
  expect_mean("final p", &weighted, 4000, final_p, 0.7246376811594203);
  expect_mean("tail p", &weighted, 4000, tail_p, 0.7246376811594203);
  expect_mean("martingale", &plain, 4000, martingale, 0);
  expect_mean("final p", &plain, 1000, final_p, 0.05);
  weighted.sampler = LABELS_BERNOULLI;
  weighted.steps   = 200;
  expect_mean("martingale, label by label", &weighted, 640, martingale, 0);
}

/* theta is the sum of its updates, here in double precision, even where each of these is some last places of theta or less. */
static void test_theta_is_the_sum(void **state)
{
  (void)state;
  enum { STEPS = 20000 };
  static const OneLogitProblem slow[] = {
      {.eps = 0.05, .omega = 1, .learning_rate = 0.05, .batch = 64, .steps = STEPS},
      {.eps = 1e-4, .omega = 1, .learning_rate = 0.05, .theta0 = -9.21024036697585, .batch = 64, .steps = STEPS},
      {.eps = 0.05, .omega = 1, .learning_rate = 1e-5, .theta0 = -2.9444389791664403, .batch = 64, .steps = STEPS},
      {.eps = 0.05, .omega = 10, .learning_rate = 1e-8, .theta0 = 0.25, .batch = 1, .steps = STEPS},
  };
  static double p[STEPS + 1], positives[STEPS + 1];
  for (size_t c = 0; c < sizeof slow / sizeof *slow; c++) {
    const OneLogitProblem *x      = &slow[c];
    OneLogitSeries         series = {p, positives};
    OneLogitOutcome        o;
    double                 theta = (double)(float)x->theta0, sum = 0;
    one_logit_reference(x, 42, 1, &o, &series);
    for (int t = 0; t < STEPS; t++) {
      const double k = positives[t] / (double)x->batch, up = x->learning_rate * x->omega * k * (1 - p[t]),
                   down = x->learning_rate * (1 - k) * p[t];
      theta += up - down;
      sum += up + down;
    }
    const double got = o.theta + (double)o.carry, tolerance = 4e-7 * sum;
    if (!(fabs(got - theta) <= tolerance))
      fail_msg("problem %zu: expected theta %.12g, got %.12g, difference %.2g, tolerance %.1g", c, theta, got, got - theta, tolerance);
  }
}

/* As many seeds as showed a bias of more than ten standard errors when updates were rounded to theta's last place. */
static void test_small_updates_are_unbiased(void **state)
{
  (void)state;
  const OneLogitProblem rare = {.eps = 1e-4, .omega = 1, .learning_rate = 0.05, .theta0 = -9.21024036697585, .batch = 64, .steps = 4000};
  const OneLogitProblem slow = {.eps = 0.05, .omega = 1, .learning_rate = 1e-4, .theta0 = -2.9444389791664403, .batch = 64, .steps = 8000};
  expect_mean("martingale at eps 1e-4", &rare, 3200, martingale, 0);
  expect_mean("martingale at rate 1e-4", &slow, 1600, martingale, 0);
}

/* A seed whose theta has overflowed does not come back, and is lost at the step at which the reference loses it. */
static void test_overflow_stays(void **state)
{
  (void)state;
  OneLogitProblem huge = {.eps = 0.1, .omega = 1e30, .learning_rate = 1e8, .theta0 = -4, .batch = 1, .steps = 48};
  uint64_t        key[ONE_LOGIT_LANES];
  int             lost_at[ONE_LOGIT_LANES], late = 0;
  fill_keys(ONE_LOGIT_LANES, 5, key);
  for (int i = 0; i < ONE_LOGIT_LANES; i++) {
    OneLogitProblem part = huge;
    OneLogitOutcome o;
    for (part.steps = 1; part.steps < huge.steps; part.steps++) {
      one_logit_reference(&part, key[i], 1, &o, NULL);
      if (!isfinite(o.theta)) break;
    }
    lost_at[i] = (int)part.steps;
    late += part.steps > 4 && part.steps < huge.steps;
  }
  assert_true(late > 20);
  for (int isa = ISA_BASE; isa <= (int)isa_level(); isa++) {
    OneLogitOutcome o[ONE_LOGIT_LANES];
    start(&huge, ONE_LOGIT_LANES, o);
    for (int t = 0; t < huge.steps - 1; t++) {
      one_logit_run((IsaLevel)isa, &huge, ONE_LOGIT_LANES, key, t, t + 1, 1, o, NULL);
      for (int i = 0; i < ONE_LOGIT_LANES; i++)
        if (isfinite(o[i].theta) != (t + 1 < lost_at[i]))
          fail_msg("%s, seed %d: lost at step %d by the reference, theta after step %d is %g", isa_name((IsaLevel)isa), i, lost_at[i],
                   t + 1, o[i].theta);
    }
  }
}

/* The sum kept by the kernel against the shares of single steps from their definition. */
static void test_share_sum(void **state)
{
  (void)state;
  for (int k = 0; k < 2; k++) {
    const OneLogitProblem problem = problems[k];
    double                p[400], positives[400], sum = 0;
    OneLogitSeries        series = {p, positives};
    OneLogitOutcome       o;
    one_logit_reference(&problem, 77, 1, &o, &series);
    for (int64_t t = 0; t < problem.steps; t++) {
      const double share = positives[t] / (double)problem.batch, positive = problem.omega * share * (1 - p[t]),
                   negative = (1 - share) * p[t];
      sum += negative * negative / (positive * positive + negative * negative);
    }
    if (fabs(sum - o.negative_share_sum) > 1e-5 * (double)problem.steps)
      fail_msg("omega %g: share sum %.8g from single steps, %.8g kept", problem.omega, sum, o.negative_share_sum);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_kernel_is_reference),
      cmocka_unit_test(test_lanes_and_cuts),
      cmocka_unit_test(test_recording),
      cmocka_unit_test(test_sigmoid),
      cmocka_unit_test(test_thresholds),
      cmocka_unit_test(test_law_of_positives),
      cmocka_unit_test(test_martingale_and_fixed_points),
      cmocka_unit_test(test_theta_is_the_sum),
      cmocka_unit_test(test_small_updates_are_unbiased),
      cmocka_unit_test(test_overflow_stays),
      cmocka_unit_test(test_share_sum),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
