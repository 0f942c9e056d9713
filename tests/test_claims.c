/* SPDX-License-Identifier: BSD-2-Clause
 * Claims against paired and Welch intervals made with SciPy; Fieller's and the event intervals by their defining equations and by their
 * coverage in simulated studies; verdicts by hand; the three printed forms. */
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
#include "rng.h"
#include "stats.h"

enum { POINTS = 4, MOST = 400 };

/* scipy.stats.binomtest(k, 8).proportion_ci(0.95, "exact") */
static const double cp0_high = 0.3694166475528192, cp3_low = 0.08523341413759308, cp3_high = 0.7551367836335001;
static const double cp7_low = 0.4734903291248362, cp7_high = 0.9968402764687477;

/* --- a table by hand: metric "x" (real), "hit" (event); keys: equal numbers are common random numbers --- */

static ResultsTable *table_create(int64_t rows)
{
  ResultsTable *t = mem_calloc(1, sizeof *t);
  const size_t  n = (size_t)(POINTS * rows);
  snprintf(t->version, sizeof t->version, "0.1.0");
  t->n_rows     = (int64_t)n;
  t->n_points   = POINTS;
  t->first_row  = mem_calloc(POINTS, sizeof *t->first_row);
  t->point_rows = mem_calloc(POINTS, sizeof *t->point_rows);
  t->state      = mem_calloc(n, 1);
  t->key        = mem_calloc(n, sizeof *t->key);
  t->message    = mem_calloc(n, sizeof *t->message);
  t->n_axes     = 2; /* k, the number of the point, and one that a test may use */
  t->axis       = mem_calloc(2, sizeof *t->axis);
  for (int i = 0; i < 2; i++) {
    t->axis[i] = (ResultsAxis){.integer = true, .number = mem_calloc(n, sizeof(double))};
    snprintf(t->axis[i].name, sizeof t->axis[i].name, "%s", i ? "other" : "k");
    for (int64_t row = 0; row < t->n_rows && i == 0; row++) t->axis[i].number[row] = (double)(row / rows);
  }
  t->n_metrics = 2;
  t->metric    = mem_calloc(2, sizeof *t->metric);
  for (int m = 0; m < 2; m++) {
    ResultsColumn *c       = &t->metric[m];
    double       **part[7] = {&c->exact, &c->capacity, &c->error, &c->published, &c->published_n, &c->expect_low, &c->expect_high};
    *c                     = (ResultsColumn){.event = m == 1, .value = mem_calloc(n, sizeof(double))};
    snprintf(c->name, sizeof c->name, "%s", m ? "hit" : "x");
    snprintf(c->unit, sizeof c->unit, "1");
    for (int i = 0; i < 7; i++) {
      *part[i] = mem_calloc(POINTS, sizeof(double));
      for (int64_t p = 0; p < POINTS; p++) (*part[i])[p] = NAN;
    }
  }
  memset(t->state, TRIAL_DONE, n);
  for (int64_t p = 0; p < POINTS; p++) {
    t->first_row[p]  = p * rows;
    t->point_rows[p] = rows;
    for (int64_t i = 0; i < rows; i++) t->key[p * rows + i] = (uint64_t)(1000 * (p + 1) + i); /* independent */
  }
  return t;
}

/* Points p and q share their random numbers. */
static void pair_points(ResultsTable *t, int64_t p, int64_t q)
{
  for (int64_t i = 0; i < t->point_rows[p]; i++) t->key[t->first_row[q] + i] = t->key[t->first_row[p] + i];
}

static void set_values(ResultsTable *t, int metric, int64_t point, int64_t n, const double *x)
{
  for (int64_t i = 0; i < t->point_rows[point]; i++) t->metric[metric].value[t->first_row[point] + i] = i < n ? x[i] : (double)NAN;
}

/* of, against: bits of points. */
static Claim *add_claim(ResultsTable *t, const char *metric, unsigned of, unsigned against, ClaimCompare compare)
{
  t->claim        = mem_realloc(t->claim, (size_t)t->n_claims + 1, sizeof *t->claim);
  ResultsClaim *c = &t->claim[t->n_claims++];
  *c              = (ResultsClaim){.claim = {.compare = compare, .bound = CLAIM_ABOVE, .low = 0, .high = INFINITY}};
  snprintf(c->claim.text, CLAIM_TEXT_MAX, "claim %d", t->n_claims);
  for (int side = 0; side < CLAIM_SIDES; side++) {
    snprintf(c->claim.metric[side], CLAIM_METRIC_MAX, "%s", metric);
    c->member[side] = mem_calloc(POINTS, 1);
    for (int p = 0; p < POINTS; p++) c->member[side][p] = (side ? against : of) >> p & 1;
  }
  return &c->claim;
}

static void assert_close(const char *what, double expected, double got, double tolerance)
{
  if (!(fabs(expected - got) <= tolerance)) fail_msg("%s: expected %.17g, got %.17g, tolerance %.2g", what, expected, got, tolerance);
}

static ClaimResult only(const ResultsTable *t)
{
  ClaimResult r[CLAIMS_MAX];
  claims_evaluate(t, r);
  return r[0];
}

static const double a[] = {1.5, 2.25, 0.75, 3.5, 2.0, 1.25, 2.75, 3.0}, b[] = {1.0, 2.5, 0.25, 2.0, 1.5, 1.75, 1.5, 2.0};

/* --- Student's and Welch's formulas in NumPy, quantiles from scipy.special.betaincinv (scipy.stats.t.ppf has ten digits) --- */

static void test_value(void **state)
{
  (void)state;
  ResultsTable *t = table_create(8);
  set_values(t, 0, 1, 8, a);
  add_claim(t, "x", 2, 0, CLAIM_VALUE);
  const ClaimResult r = only(t);
  assert_close("mean", 2.125, r.value, 1e-15);
  assert_close("low", 1.342974035771658, r.low, 1e-12);
  assert_close("high", 2.907025964228342, r.high, 1e-12);
  assert_true(r.n[0] == 8 && r.n[1] == 0 && !r.paired && !r.note && r.verdict == CLAIM_HOLDS);
  results_table_destroy(&t);
}

static void test_paired(void **state)
{
  (void)state;
  ResultsTable *t = table_create(8);
  set_values(t, 0, 0, 8, a);
  set_values(t, 0, 2, 8, b);
  pair_points(t, 0, 2);
  add_claim(t, "x", 1, 4, CLAIM_DIFFERENCE);
  ClaimResult r = only(t);
  assert_close("difference", 0.5625, r.value, 1e-15);
  assert_close("low", -0.015309962464787996, r.low, 1e-12);
  assert_close("high", 1.140309962464788, r.high, 1e-12);
  assert_true(r.paired && r.n[0] == 8 && r.n[1] == 8);
  add_claim(t, "x", 1, 4, CLAIM_DIFFERENCE); /* two claims: 97.5 % each */
  r = only(t);
  assert_close("low of two", -0.13177488596728137, r.low, 1e-12);
  assert_close("high of two", 1.2567748859672814, r.high, 1e-12);
  results_table_destroy(&t);
}

/* Other keys, or other replicates: Welch. */
static void test_welch(void **state)
{
  (void)state;
  for (int shared = 0; shared < 2; shared++) {
    ResultsTable *t = table_create(8);
    set_values(t, 0, 0, 8, a);
    set_values(t, 0, 2, 5, b);
    if (shared) pair_points(t, 0, 2); /* but three of its trials have no value */
    add_claim(t, "x", 1, 4, CLAIM_DIFFERENCE);
    const ClaimResult r = only(t);
    assert_close("difference", 2.125 - 1.45, r.value, 1e-15);
    assert_close("low", -0.48039245997100366, r.low, 1e-12);
    assert_close("high", 1.8303924599710037, r.high, 1e-12);
    assert_true(!r.paired && r.n[0] == 8 && r.n[1] == 5);
    results_table_destroy(&t);
  }
}

/* Rows that are not done have no part. */
static void test_only_done(void **state)
{
  (void)state;
  const double  wild[] = {1.0, 2.5, 0.25, 2.0, 1.5, 1e9, -1e9, 7};
  ResultsTable *t      = table_create(8);
  set_values(t, 0, 0, 8, a);
  set_values(t, 0, 2, 8, wild);
  for (int64_t i = 5; i < 8; i++) t->state[2 * 8 + i] = i == 5 ? TRIAL_FAILED : TRIAL_PENDING;
  add_claim(t, "x", 1, 4, CLAIM_DIFFERENCE);
  assert_close("low", -0.48039245997100366, only(t).low, 1e-12);
  results_table_destroy(&t);
}

/* Pooled: the mean over points of their means. With all four points on common random numbers, a replicate is one observation, so the claim
 * must equal the paired one of the averages; without, variances of the means add up. */
static void test_pooled(void **state)
{
  (void)state;
  double        mean[8];
  ResultsTable *t = table_create(8), *u = table_create(8);
  for (int i = 0; i < 8; i++) mean[i] = 0.5 * (a[i] + b[7 - i]);
  double reversed[8];
  for (int i = 0; i < 8; i++) reversed[i] = b[7 - i];
  set_values(t, 0, 0, 8, a);
  set_values(t, 0, 1, 8, reversed);
  set_values(t, 0, 2, 8, b);
  set_values(u, 0, 0, 8, mean);
  set_values(u, 0, 2, 8, b);
  pair_points(t, 0, 1);
  pair_points(t, 0, 2);
  pair_points(u, 0, 2);
  add_claim(t, "x", 3, 4, CLAIM_DIFFERENCE);
  add_claim(u, "x", 1, 4, CLAIM_DIFFERENCE);
  ClaimResult r = only(t), s = only(u);
  assert_close("value", s.value, r.value, 1e-15);
  assert_close("low", s.low, r.low, 1e-13);
  assert_close("high", s.high, r.high, 1e-13);
  assert_true(r.paired && r.n[0] == 16 && r.n[1] == 8);
  for (int64_t i = 0; i < t->n_rows; i++) t->key[i] = (uint64_t)(i + 1);
  r                = only(t);
  Moments m[3]     = {{0}};
  double  variance = 0, square = 0;
  for (int i = 0; i < 8; i++) moments_add(&m[0], a[i]), moments_add(&m[1], b[i]), moments_add(&m[2], b[i]);
  for (int k = 0; k < 3; k++) {
    const double v = moments_variance(&m[k]) / 8 / (k < 2 ? 4 : 1);
    variance += v;
    square += v * v / 7;
  }
  const double half = stats_t_quantile(0.975, variance * variance / square) * sqrt(variance);
  assert_close("value apart", s.value, r.value, 1e-15);
  assert_close("low apart", r.value - half, r.low, 1e-13);
  assert_close("high apart", r.value + half, r.high, 1e-13);
  assert_false(r.paired);
  set_values(t, 0, 1, 0, a); /* a point without any value does not count */
  assert_close("value without the empty point", 0.5625, only(t).value, 1e-15);
  results_table_destroy(&t);
  results_table_destroy(&u);
}

/* Two pairs of points: differences within each, degrees of freedom over both. */
static void test_two_pairs(void **state)
{
  (void)state;
  ResultsTable *t        = table_create(8);
  Moments       m[2]     = {{0}};
  double        variance = 0, square = 0, value = 0;
  set_values(t, 0, 0, 8, a);
  set_values(t, 0, 2, 8, b);
  set_values(t, 0, 1, 5, b + 3);
  set_values(t, 0, 3, 5, a + 1);
  pair_points(t, 0, 2);
  pair_points(t, 1, 3);
  add_claim(t, "x", 3, 12, CLAIM_DIFFERENCE);
  for (int i = 0; i < 8; i++) moments_add(&m[0], 0.5 * (a[i] - b[i]));
  for (int i = 0; i < 5; i++) moments_add(&m[1], 0.5 * (b[i + 3] - a[i + 1]));
  for (int k = 0; k < 2; k++) {
    const double v = moments_variance(&m[k]) / (double)m[k].n;
    value += m[k].mean;
    variance += v;
    square += v * v / (double)(m[k].n - 1);
  }
  const ClaimResult r    = only(t);
  const double      half = stats_t_quantile(0.975, variance * variance / square) * sqrt(variance);
  assert_true(r.paired && r.n[0] == 13 && r.n[1] == 13);
  assert_close("value", value, r.value, 1e-15);
  assert_close("low", value - half, r.low, 1e-13);
  assert_close("high", value + half, r.high, 1e-13);
  results_table_destroy(&t);
}

/* Two seeds with four trials of each point are eight trials, paired or not, real or event. */
static void test_seeds(void **state)
{
  static const double hits[] = {1, 0, 1, 1, 0, 1, 1, 0}, misses[] = {0, 0, 1, 0, 0, 1, 0, 0};
  (void)state;
  for (int paired = 0; paired < 2; paired++)
    for (int events = 0; events < 2; events++) {
      const double *x = events ? hits : a, *y = events ? misses : b;
      const char   *metric = events ? "hit" : "x";
      ResultsTable *t = table_create(4), *u = table_create(8);
      snprintf(t->axis[1].name, sizeof t->axis[1].name, "seed");
      for (int p = 0; p < POINTS; p++) { /* seed 1: points 0, 1; seed 2: points 2, 3 */
        set_values(t, events, p, 4, (p % 2 ? y : x) + 4 * (p / 2));
        for (int i = 0; i < 4; i++) {
          t->axis[0].number[4 * p + i] = p % 2;
          t->axis[1].number[4 * p + i] = 1 + p / 2;
        }
      }
      set_values(u, events, 0, 8, x);
      set_values(u, events, 1, 8, y);
      if (paired) pair_points(t, 0, 1), pair_points(t, 2, 3), pair_points(u, 0, 1);
      for (int c = CLAIM_DIFFERENCE; c <= CLAIM_RATIO; c++) {
        t->n_claims = u->n_claims = 0;
        add_claim(t, metric, 5, 10, (ClaimCompare)c);
        add_claim(u, metric, 1, 2, (ClaimCompare)c);
        const ClaimResult r = only(t), s = only(u);
        assert_close("value", s.value, r.value, 1e-14);
        assert_close("low", s.low, r.low, 1e-13);
        assert_close("high", s.high, r.high, 1e-13);
        assert_true(r.paired == paired && s.paired == paired && r.n[0] == 8);
        for (int side = 0; side < CLAIM_SIDES; side++) free(t->claim[0].member[side]), free(u->claim[0].member[side]);
      }
      t->n_claims = u->n_claims = 0;
      results_table_destroy(&t);
      results_table_destroy(&u);
    }
}

/* --- ratios --- */

/* Fieller: at both ends |x - s y| = t sqrt(v_xx - 2 s v_xy + s^2 v_yy), and the estimate lies between them. */
static void test_fieller(void **state)
{
  (void)state;
  for (int sign = -1; sign <= 1; sign += 2) {
    double        scaled[8];
    ResultsTable *t = table_create(8);
    for (int i = 0; i < 8; i++) scaled[i] = sign * (b[i] + 1);
    set_values(t, 0, 0, 8, a);
    set_values(t, 0, 2, 8, scaled);
    pair_points(t, 0, 2);
    add_claim(t, "x", 1, 4, CLAIM_RATIO);
    const ClaimResult r = only(t);
    assert_close("ratio", sign * 2.125 / 2.5625, r.value, 1e-14);
    assert_true(r.low < r.value && r.value < r.high && !r.note);
    for (int end = 0; end < 2; end++) {
      const double s = end ? r.high : r.low;
      Moments      m = {0};
      for (int i = 0; i < 8; i++) moments_add(&m, a[i] - s * scaled[i]);
      assert_close("t at the end", 1, fabs(m.mean) / (stats_t_quantile(0.975, 7) * moments_stderr(&m)), 1e-10);
    }
    results_table_destroy(&t);
  }
}

static void test_ratio_without_end(void **state)
{
  (void)state;
  const double  small[] = {1, -1, 2, -2, 0.5, -0.5, 1, -0.75}, zero[8] = {0};
  ResultsTable *t = table_create(8);
  set_values(t, 0, 0, 8, a);
  set_values(t, 0, 2, 8, small);
  set_values(t, 0, 3, 8, zero);
  add_claim(t, "x", 1, 4, CLAIM_RATIO);
  ClaimResult r = only(t);
  assert_true(isinf(r.low) && r.low < 0 && isinf(r.high) && r.verdict == CLAIM_UNDECIDED && strstr(r.note, "unbounded"));
  memset(t->claim[0].member[1], 0, POINTS);
  t->claim[0].member[1][3] = 1; /* divided by zeros */
  r                        = only(t);
  assert_true(isinf(r.low) && isinf(r.high) && r.verdict == CLAIM_UNDECIDED && strstr(r.note, "unbounded"));
  set_values(t, 0, 0, 8, zero);
  t->claim[0].member[1][0] = 1;
  t->claim[0].claim.bound  = CLAIM_CONTAINS;
  r                        = only(t); /* 0 / 0 */
  assert_true(r.verdict == CLAIM_UNDECIDED);
  set_values(t, 0, 3, 8, b);
  memset(t->claim[0].member[1], 0, POINTS);
  t->claim[0].member[1][3] = 1;
  t->claim[0].claim.high   = 0;
  r                        = only(t); /* 0 of something */
  assert_true(r.value == 0 && r.low == 0 && r.high == 0 && r.verdict == CLAIM_HOLDS);
  results_table_destroy(&t);
}

/* --- events --- */

static void set_hits(ResultsTable *t, int64_t point, int64_t n, int64_t first, int64_t k)
{
  double x[MOST];
  for (int64_t i = 0; i < n; i++) x[i] = i >= first && i < first + k;
  set_values(t, 1, point, n, x);
}

static void test_events(void **state)
{
  (void)state;
  ResultsTable *t = table_create(8);
  set_hits(t, 0, 8, 0, 3);
  set_hits(t, 1, 8, 0, 0);
  set_hits(t, 2, 8, 0, 7);
  add_claim(t, "hit", 1, 0, CLAIM_VALUE);
  ClaimResult r = only(t);
  assert_true(r.value == 0.375);
  assert_close("low of 3 in 8", cp3_low, r.low, 1e-12);
  assert_close("high of 3 in 8", cp3_high, r.high, 1e-12);
  results_table_destroy(&t);
  t = table_create(8);
  set_hits(t, 1, 8, 0, 0);
  set_hits(t, 2, 8, 0, 7);
  add_claim(t, "hit", 4, 2, CLAIM_DIFFERENCE);
  r = only(t);
  assert_close("low of 7/8 - 0", 0.875 - hypot(0.875 - cp7_low, cp0_high), r.low, 1e-12);
  assert_close("high of 7/8 - 0", 0.875 + (cp7_high - 0.875), r.high, 1e-12);
  t->claim[0].claim.compare = CLAIM_RATIO;
  r                         = only(t); /* at its low end s: p - s q = sqrt((p - low)^2 + (s high)^2), q = 0 */
  assert_close("low of the ratio to 0", sqrt(0.875 * 0.875 - pow(0.875 - cp7_low, 2)) / cp0_high, r.low, 1e-10);
  assert_true(isinf(r.high) && r.verdict == CLAIM_HOLDS && strstr(r.note, "unbounded"));
  t->claim[0].claim.bound = CLAIM_BELOW;
  t->claim[0].claim.high  = 0.5;
  assert_int_equal(only(t).verdict, CLAIM_FAILS);
  t->claim[0].claim.high = 5;
  assert_int_equal(only(t).verdict, CLAIM_UNDECIDED);
  results_table_destroy(&t);
}

/* The same events on both sides: fully correlated, so that only the asymmetry of the bounds is left. */
static void test_paired_events(void **state)
{
  (void)state;
  ResultsTable *t = table_create(8);
  set_hits(t, 0, 8, 2, 3);
  set_hits(t, 2, 8, 2, 3);
  pair_points(t, 0, 2);
  add_claim(t, "hit", 1, 4, CLAIM_DIFFERENCE);
  const ClaimResult r    = only(t);
  const double      half = fabs((0.375 - cp3_low) - (cp3_high - 0.375));
  assert_true(r.value == 0 && r.paired);
  assert_close("low", -half, r.low, 1e-12);
  assert_close("high", half, r.high, 1e-12);
  set_hits(t, 2, 8, 0, 0);
  assert_close("high of 3/8 - 0", 0.375 + (cp3_high - 0.375), only(t).high, 1e-12);
  results_table_destroy(&t);
}

/* The share of simulated studies whose interval holds the truth. Pairs of events, half of them from one uniform number, and independent
 * ones; 60 trials. An honest 95 % interval may not lie below by more than four standard errors. */
static void coverage(ClaimCompare compare, bool paired, double p, double q)
{
  enum { STUDIES = 400, TRIALS = 60 };
  int inside = 0;
  Rng rng    = rng_start(0x5eed0c1a, (uint32_t)compare * 2 + paired, RNG_DATA);
  for (int k = 0; k < STUDIES; k++) {
    ResultsTable *t = table_create(TRIALS);
    for (int i = 0; i < TRIALS; i++) {
      const double u = rng_uniform(&rng), v = rng_uniform(&rng), w = rng_uniform(&rng);
      t->metric[1].value[i]              = u < p;
      t->metric[1].value[2 * TRIALS + i] = (paired && w < 0.5 ? u : v) < q;
    }
    if (paired) pair_points(t, 0, 2);
    add_claim(t, "hit", 1, 4, compare);
    const ClaimResult r     = only(t);
    const double      truth = compare == CLAIM_RATIO ? p / q : p - q;
    inside += r.low <= truth && truth <= r.high;
    results_table_destroy(&t);
  }
  const double least = 0.95 - 4 * sqrt(0.95 * 0.05 / STUDIES);
  if (inside < least * STUDIES)
    fail_msg("%g against %g: expected a coverage of at least %.3f, got %.3f", p, q, least, inside / (double)STUDIES);
}

static void test_coverage(void **state)
{
  (void)state;
  for (int paired = 0; paired < 2; paired++) {
    coverage(CLAIM_DIFFERENCE, paired, 0.3, 0.2);
    coverage(CLAIM_DIFFERENCE, paired, 0.97, 0.03);
    coverage(CLAIM_RATIO, paired, 0.3, 0.2);
    coverage(CLAIM_RATIO, paired, 0.9, 0.1);
  }
}

/* --- verdicts --- */

/* Of the interval [1.34, 2.91]. */
static void test_verdicts(void **state)
{
  static const struct {
    ClaimBound   bound;
    double       low, high;
    ClaimVerdict verdict;
  } cases[] = {
      {CLAIM_BELOW, -INFINITY, 3, CLAIM_HOLDS}, {CLAIM_BELOW, -INFINITY, 2, CLAIM_UNDECIDED}, {CLAIM_BELOW, -INFINITY, 1, CLAIM_FAILS},
      {CLAIM_ABOVE, 1, INFINITY, CLAIM_HOLDS},  {CLAIM_ABOVE, 2, INFINITY, CLAIM_UNDECIDED},  {CLAIM_ABOVE, 3, INFINITY, CLAIM_FAILS},
      {CLAIM_WITHIN, 1, 3, CLAIM_HOLDS},        {CLAIM_WITHIN, 2, 3, CLAIM_UNDECIDED},        {CLAIM_WITHIN, 3, 4, CLAIM_FAILS},
      {CLAIM_WITHIN, 0, 1, CLAIM_FAILS},        {CLAIM_CONTAINS, 2, 2, CLAIM_HOLDS},          {CLAIM_CONTAINS, 1, 1, CLAIM_FAILS},
      {CLAIM_CONTAINS, 3, 3, CLAIM_FAILS}};
  ResultsTable *t = table_create(8);
  (void)state;
  set_values(t, 0, 0, 8, a);
  Claim *c = add_claim(t, "x", 1, 0, CLAIM_VALUE);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    c->bound            = cases[i].bound;
    c->low              = cases[i].low;
    c->high             = cases[i].high;
    const ClaimResult r = only(t);
    if (r.verdict != cases[i].verdict)
      fail_msg("case %zu: expected '%s', got '%s'", i, claim_verdict_text(cases[i].verdict), claim_verdict_text(r.verdict));
  }
  results_table_destroy(&t);
}

/* An interval that is a point, no interval, no values: never a verdict by accident. */
static void test_little_data(void **state)
{
  const double  two[8] = {2, 2, 2, 2, 2, 2, 2, 2}, wild[2] = {1, INFINITY};
  ResultsTable *t = table_create(8);
  (void)state;
  Claim      *c = add_claim(t, "x", 1, 2, CLAIM_VALUE);
  ClaimResult r;
  set_values(t, 0, 0, 8, two);
  c->bound = CLAIM_BELOW;
  c->low   = -INFINITY;
  c->high  = 2;
  r        = only(t);
  assert_true(r.low == 2 && r.high == 2 && r.verdict == CLAIM_FAILS); /* 2 is not below 2 */
  c->bound = CLAIM_ABOVE;
  c->low   = 2;
  assert_int_equal(only(t).verdict, CLAIM_FAILS);
  c->bound = CLAIM_WITHIN;
  assert_int_equal(only(t).verdict, CLAIM_HOLDS);
  set_values(t, 0, 0, 1, two);
  r = only(t);
  assert_true(r.value == 2 && isnan(r.low) && isnan(r.high) && r.n[0] == 1 && r.verdict == CLAIM_UNDECIDED && r.note);
  set_values(t, 0, 0, 2, wild);
  r = only(t);
  assert_true(isnan(r.low) && r.verdict == CLAIM_UNDECIDED && strstr(r.note, "not finite"));
  set_values(t, 0, 0, 0, two);
  r = only(t);
  assert_true(isnan(r.value) && r.n[0] == 0 && r.verdict == CLAIM_UNDECIDED && !strcmp(r.note, "no values yet"));
  c->compare = CLAIM_DIFFERENCE;
  set_values(t, 0, 0, 8, two);
  set_values(t, 0, 1, 0, two);
  assert_true(!strcmp(only(t).note, "no values yet"));
  snprintf(c->metric[0], CLAIM_METRIC_MAX, "gone");
  assert_true(!strcmp(only(t).note, "no values yet"));
  results_table_destroy(&t);
}

/* --- printed forms; a claim changes nothing else --- */

static void assert_contains(const Text *text, const char *part)
{
  if (!strstr(text_string(text), part)) fail_msg("expected %s in:\n%s", part, text_string(text));
}

static void test_printed(void **state)
{
  ResultsTable *t   = table_create(8);
  Text          out = {0};
  Summary      *s;
  (void)state;
  set_values(t, 0, 0, 8, a);
  set_values(t, 0, 1, 0, a);
  set_values(t, 0, 2, 8, b);
  pair_points(t, 0, 2);
  assert_int_equal(summary_create(t, &s), 0);
  summary_claims_table(s, false, &out);
  assert_int_equal(out.length, 0);
  summary_claims_json(s, &out);
  assert_string_equal(out.s, "[]");
  text_clear(&out);
  summary_destroy(&s);
  Claim *c = add_claim(t, "x", 1, 4, CLAIM_DIFFERENCE);
  snprintf(c->text, sizeof c->text, "a \"quoted\", \xc3\xa9 claim");
  snprintf(c->where[0], sizeof c->where[0], "k=1, m=2");
  c      = add_claim(t, "x", 1, 4, CLAIM_VALUE);
  c->low = 5;
  c      = add_claim(t, "x", 2, 4, CLAIM_RATIO);
  *c     = (Claim){.text = "within", .metric = {"x", "hit"}, .compare = CLAIM_RATIO, .bound = CLAIM_WITHIN, .low = 0.5, .high = 2};
  assert_int_equal(summary_create(t, &s), 0);
  assert_true(s->valid); /* the second claim fails, the third has no values */
  assert_int_equal(s->claim[1].verdict, CLAIM_FAILS);
  summary_table(s, false, &out);
  assert_contains(&out, "\nclaims, intervals of 95 % for all 3 together\n");
  assert_contains(&out, "x, difference, paired  0.5625");
  assert_contains(&out, "8/8");
  assert_contains(&out, "does not hold\n");
  assert_contains(&out, "within [0.5, 2]");
  assert_true(strstr(out.s, "claims,") < strstr(out.s, "\nVALID"));
  for (const char *p = out.s, *q; (q = strchr(p, '\n')); p = q + 1)
    if (q > p && q[-1] == ' ') fail_msg("a line ends with a blank:\n%s", out.s);
  text_clear(&out);
  summary_claims_json(s, &out);
  assert_contains(&out,
                  "{\"claim\": \"a \\\"quoted\\\", \xc3\xa9 claim\", \"metric\": \"x\", \"of\": \"k=1, m=2\", \"against_metric\": \"x\", "
                  "\"against\": \"\", \"compare\": \"difference\", \"value\": 0.5625, \"low\": ");
  assert_contains(&out, "\"n\": 8, \"n_against\": 8, \"paired\": true, \"bound\": {\"above\": 0}, \"verdict\": ");
  assert_contains(&out, "\"against_metric\": null, \"against\": null, \"compare\": \"value\", \"value\": 2.125");
  assert_contains(
      &out, "\"n\": 8, \"n_against\": null, \"paired\": null, \"bound\": {\"above\": 5}, \"verdict\": \"does not hold\", \"note\": null}");
  assert_contains(
      &out, "\"value\": null, \"low\": null, \"high\": null, \"n\": 0, \"n_against\": 8, \"paired\": false, \"bound\": {\"within\": [0.5, "
            "2]}, \"verdict\": \"undecided\", \"note\": \"no values yet\"}");
  text_clear(&out);
  summary_claims_csv(s, &out);
  assert_contains(
      &out, "claim,metric,of,against_metric,against,compare,value,low,high,n,n_against,paired,bound,bound_low,bound_high,verdict,note\n"
            "\"a \"\"quoted\"\", \xc3\xa9 claim\",x,\"k=1, m=2\",x,,difference,0.5625,");
  assert_contains(&out, "\nwithin,x,,hit,,ratio,,,,0,8,0,within,0.5,2,undecided,no values yet\n");
  text_clear(&out);
  summary_destroy(&s);
  results_table_destroy(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_value),     cmocka_unit_test(test_paired),        cmocka_unit_test(test_welch),
      cmocka_unit_test(test_only_done), cmocka_unit_test(test_pooled),        cmocka_unit_test(test_two_pairs),
      cmocka_unit_test(test_seeds),     cmocka_unit_test(test_fieller),       cmocka_unit_test(test_ratio_without_end),
      cmocka_unit_test(test_events),    cmocka_unit_test(test_paired_events), cmocka_unit_test(test_coverage),
      cmocka_unit_test(test_verdicts),  cmocka_unit_test(test_little_data),   cmocka_unit_test(test_printed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
