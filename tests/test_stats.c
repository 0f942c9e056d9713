/* SPDX-License-Identifier: BSD-2-Clause
 * Exact tests, intervals and moments against values computed elsewhere: sums of exact binomial terms and incomplete beta functions at 50
 * digits by mpmath 1.2.1 (with ties at 1 + 1e-7), in agreement with scipy 1.10.1 (binomtest, beta.ppf, t.ppf) as far as that is right. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "stats.h"

static void expect_relative(const char *what, double expected, double got, double tolerance)
{
  const double scale = expected != 0 ? fabs(expected) : 1;
  if (!(fabs(got - expected) <= tolerance * scale))
    fail_msg("%s: expected %.17g, got %.17g, relative error %.2e, tolerance %.1e", what, expected, got, fabs(got - expected) / scale,
             tolerance);
}

typedef struct BinomialCase {
  int64_t k, n;
  double  p, expected, tolerance;
} BinomialCase;

static void test_binomial_p(void **state)
{
  (void)state;
  static const BinomialCase cases[] = {
      {265, 500, 0.3577, 4.9378669148569002552e-15, 1e-13},
      {500, 500, 0.97266, 1.5908082757393918507e-6, 1e-13},
      {0, 500, 0.01, 0.011778527296585965448, 1e-13},
      {10, 20, 0.5, 1.0, 0},
      {3, 10, 0.3, 1.0, 0},
      {4, 10, 0.5, 0.75390625, 1e-14},
      {230, 500, 0.438, 0.32183888834182127008, 1e-13},
      {1, 500, 1e-6, 0.00049987527070592720148, 1e-13},
      {100500, 200000, 0.5, 0.025493890666946915329, 1e-12},
      {95000, 200000, 0.5, 9.0045402671841272167e-111, 1e-12},
      {199990, 200000, 0.99999, 0.000046491392124226840435, 1e-12},
      {20, 200000, 1e-5, 6.4387751213440573886e-14, 1e-12},
      {0, 200000, 1e-5, 0.27820956713948556181, 1e-12},
      {70000, 200000, 0.3577, 6.307203650717722793e-13, 1e-12},
      {100000, 200000, 0.3, 0, 0}, /* 4e-7575 */
      {0, 500, 0.0, 1, 0},
      {1, 500, 0.0, 0, 0},
      {500, 500, 1.0, 1, 0},
      {499, 500, 1.0, 0, 0},
      {0, 1, 0.25, 1, 0},
      {1, 1, 0.25, 0.25, 1e-15},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char what[80];
    snprintf(what, sizeof what, "binomial p of %lld of %lld at %g", (long long)cases[i].k, (long long)cases[i].n, cases[i].p);
    expect_relative(what, cases[i].expected, stats_binomial_p(cases[i].k, cases[i].n, cases[i].p), cases[i].tolerance);
  }
}

/* The two-sided p-value by its definition, with terms from Pascal's recurrence in long double. */
static double brute_binomial_p(int k, int n, double p)
{
  long double pmf[64] = {1};
  for (int m = 1; m <= n; m++)
    for (int i = m; i >= 0; i--) pmf[i] = (i < m ? pmf[i] * (1 - (long double)p) : 0) + (i > 0 ? pmf[i - 1] * (long double)p : 0);
  long double sum = 0;
  for (int i = 0; i <= n; i++)
    if (pmf[i] <= pmf[k] * (1 + 1e-7L)) sum += pmf[i];
  return (double)sum;
}

static void test_binomial_p_definition(void **state)
{
  (void)state;
  static const double ps[] = {0.01, 0.1, 0.3577, 0.5, 0.75, 0.97266};
  for (int n = 1; n <= 60; n += n < 12 ? 1 : 16)
    for (int k = 0; k <= n; k++)
      for (size_t i = 0; i < sizeof ps / sizeof *ps; i++) {
        char what[80];
        snprintf(what, sizeof what, "p of %d of %d at %g by its definition", k, n, ps[i]);
        expect_relative(what, brute_binomial_p(k, n, ps[i]), stats_binomial_p(k, n, ps[i]), 2e-13);
      }
}

typedef struct IntervalCase {
  int64_t k, n;
  double  alpha, low, high;
} IntervalCase;

static void test_interval(void **state)
{
  (void)state;
  static const IntervalCase cases[] = {
      {265, 500, 0.05, 0.48518579226001297949, 0.57445752732525641022},
      {0, 500, 0.05, 0, 0.0073506100519077865686},
      {500, 500, 0.05, 0.99264938994809221343, 1},
      {1, 10, 0.05, 0.0025285785444617846442, 0.44501611702819541641},
      {10, 200000, 0.05, 0.00002397719552003240283, 0.000091949851444429823435},
      {0, 200000, 0.05, 0, 0.000018444227173720123501},
      {100000, 200000, 0.01, 0.49711766283299391178, 0.50288233716700614373},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double low, high;
    char   what[80];
    stats_binomial_interval(cases[i].k, cases[i].n, cases[i].alpha, &low, &high);
    snprintf(what, sizeof what, "low end for %lld of %lld", (long long)cases[i].k, (long long)cases[i].n);
    expect_relative(what, cases[i].low, low, 1e-12);
    snprintf(what, sizeof what, "high end for %lld of %lld", (long long)cases[i].k, (long long)cases[i].n);
    expect_relative(what, cases[i].high, high, 1e-12);
  }
}

/* Clopper and Pearson's definition: at the ends the one-sided tails are alpha / 2 each. */
static void test_interval_definition(void **state)
{
  (void)state;
  for (int k = 1; k < 40; k++) {
    double low, high;
    stats_binomial_interval(k, 40, 0.1, &low, &high);
    expect_relative("P(X >= k) at the low end", 0.05, stats_beta(k, 41 - k, low), 1e-12);
    expect_relative("P(X <= k) at the high end", 0.05, 1 - stats_beta(k + 1, 40 - k, high), 1e-11);
  }
}

typedef struct BetaCase {
  double a, b, x, expected;
} BetaCase;

static void test_beta(void **state)
{
  (void)state;
  static const BetaCase cases[] = {
      {2, 3, 0.4, 0.52480000000000003837},           {0.5, 0.5, 0.3, 0.36901011956554537504},
      {100000, 100001, 0.5, 0.50089206094299950989}, {100000, 100001, 0.495, 3.910664093584841811e-6},
      {0.001, 5, 0.2, 0.99978344564642765807},       {50, 0.25, 0.999, 0.48431395407252454243},
      {3, 200000, 1e-5, 0.32332899725307754047},     {1, 1, 0.7, 0.7},
      {300, 200, 0.2, 2.5586004390129669749e-85},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char what[80];
    snprintf(what, sizeof what, "I_%g(%g, %g)", cases[i].x, cases[i].a, cases[i].b);
    expect_relative(what, cases[i].expected, stats_beta(cases[i].a, cases[i].b, cases[i].x), 1e-12);
  }
  assert_true(stats_beta(2, 3, 0) == 0);
  assert_true(stats_beta(2, 3, 1) == 1);
}

typedef struct QuantileCase {
  double p, dof, expected, tolerance;
} QuantileCase;

/* Closed form for 2 degrees of freedom, -2 log(1 - p); others from scipy.stats.chi2.ppf. */
static void test_chi2_quantile(void **state)
{
  static const double cases[][3] = {{0.95, 1, 3.841458820694124},
                                    {0.9999, 2, 18.420680743952584},
                                    {0.9999, 5, 25.74483195905612},
                                    {0.01, 3, 0.11483180189911707},
                                    {0.5, 64, 63.334582023531965}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const double got = stats_chi2_quantile(cases[i][0], cases[i][1]), tolerance = 1e-11 * cases[i][2];
    if (fabs(got - cases[i][2]) > tolerance)
      fail_msg("chi2 quantile %g of %g degrees: expected %.16g, got %.16g, tolerance %g", cases[i][0], cases[i][1], cases[i][2], got,
               tolerance);
  }
}

static void test_t_quantile(void **state)
{
  (void)state;
  static const QuantileCase cases[] = {
      {0.975, 1, 12.706204736174693314, 1e-12},       {0.975, 2, 4.3026527297494617894, 1e-12},
      {0.975, 10, 2.2281388519862742245, 1e-12},      {0.975, 1000000.0, 1.9599663568141066553, 1e-11},
      {0.95, 4.5, 2.0655758888785241035, 1e-12},      {0.6, 3, 0.27667066233268984701, 1e-12},
      {0.9999, 5, 9.6775663008828141642, 1e-12},      {1e-10, 7, -53.835579484673732695, 1e-12},
      {0.5000001, 9, 2.5770877222914437675e-7, 1e-9}, {0.75, 30, 0.68275569332129255301, 1e-12},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char what[80];
    snprintf(what, sizeof what, "t quantile %g at %g degrees of freedom", cases[i].p, cases[i].dof);
    expect_relative(what, cases[i].expected, stats_t_quantile(cases[i].p, cases[i].dof), cases[i].tolerance);
    expect_relative("its mirror image", -stats_t_quantile(1 - cases[i].p, cases[i].dof), stats_t_quantile(cases[i].p, cases[i].dof), 1e-6);
  }
  assert_true(stats_t_quantile(0.5, 3) == 0);
}

static void test_normal(void **state)
{
  (void)state;
  expect_relative("t p of 1.959963984540054, 1e6 dof", 0.05000027729522162, stats_t_p(1.959963984540054, 1e6), 1e-10);
  expect_relative("t p of -3, 29 dof", 0.0054991921339034066, stats_t_p(-3, 29), 1e-11);
  expect_relative("t p of 20, 4 dof", 3.6883105802997276e-05, stats_t_p(20, 4), 1e-11);
}

static void test_moments(void **state)
{
  (void)state;
  enum { N = 1000 };
  Moments     whole = {0}, parts[7] = {0}, merged = {0}, empty = {0};
  long double sum = 0, squares = 0;
  for (int i = 0; i < N; i++) {
    const double x = 1e6 + sin(i) * (i % 13);
    moments_add(&whole, x);
    moments_add(&parts[(i * i) % 7], x);
    sum += x;
  }
  for (int i = 0; i < N; i++) squares += powl((long double)(1e6 + sin(i) * (i % 13)) - sum / N, 2);
  for (int i = 6; i >= 0; i--) moments_merge(&merged, &parts[i]);
  moments_merge(&merged, &empty);
  moments_add(&whole, NAN);
  assert_int_equal(whole.n, N);
  assert_int_equal(merged.n, N);
  expect_relative("mean", (double)(sum / N), whole.mean, 1e-15);
  expect_relative("variance", (double)(squares / (N - 1)), moments_variance(&whole), 1e-9);
  expect_relative("standard error", sqrt((double)(squares / (N - 1)) / N), moments_stderr(&whole), 1e-9);
  expect_relative("merged mean", whole.mean, merged.mean, 1e-15);
  expect_relative("merged m2", whole.m2, merged.m2, 1e-9);
  assert_true(merged.min == whole.min && merged.max == whole.max && whole.max <= 1e6 + 12 && whole.min >= 1e6 - 12);
  Moments one = {0};
  moments_add(&one, -2);
  assert_true(isnan(moments_variance(&one)) && one.mean == -2 && one.min == -2 && one.max == -2);
}

/* The farther from the mean, the smaller: at n = 200,000 too (and quickly: a scan of all outcomes would take half a minute here). */
static void test_binomial_p_falls(void **state)
{
  (void)state;
  double before = 1;
  for (int64_t k = 60001; k < 62000; k++) {
    const double p = stats_binomial_p(k, 200000, 0.3);
    if (!(p < before && p > 0)) fail_msg("p of %lld is %.17g, of its predecessor %.17g: expected a fall", (long long)k, p, before);
    before = p;
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_binomial_p),    cmocka_unit_test(test_binomial_p_definition),
      cmocka_unit_test(test_interval),      cmocka_unit_test(test_interval_definition),
      cmocka_unit_test(test_beta),          cmocka_unit_test(test_t_quantile),
      cmocka_unit_test(test_chi2_quantile), cmocka_unit_test(test_normal),
      cmocka_unit_test(test_moments),       cmocka_unit_test(test_binomial_p_falls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
