/* SPDX-License-Identifier: BSD-2-Clause
 * Discrete diffusion in formulas: (10), (11), (14), (15) against matrix products and enumeration with three classes, laws that are not
 * uniform and laws with a zero; schedules and what they refuse; the bound against its closed form. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transition_fixture.h"

enum { K = 3 };

typedef double Matrix[K][K];

static void product(Matrix a, Matrix b, Matrix out)
{
  Matrix c;
  for (int i = 0; i < K; i++)
    for (int j = 0; j < K; j++) {
      c[i][j] = 0;
      for (int l = 0; l < K; l++) c[i][j] += a[i][l] * b[l][j];
    }
  memcpy(out, c, sizeof c);
}

/* Q^t (row: from) and the product Q^1 ... Q^t, which start from the identity. */
typedef struct Chain {
  Matrix step, through, before;
} Chain;

static void one_step(const double *m, double alpha, Matrix out)
{
  for (int i = 0; i < K; i++)
    for (int j = 0; j < K; j++) out[i][j] = (i == j ? alpha : 0) + (1 - alpha) * m[j];
}

static void chain_at(const double *m, const double *abar, int t, Chain *out)
{
  Matrix identity = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  memcpy(out->through, identity, sizeof identity);
  for (int s = 1; s <= t; s++) {
    memcpy(out->before, out->through, sizeof out->before);
    one_step(m, abar[s] / abar[s - 1], out->step);
    product(out->through, out->step, out->through);
  }
}

static const double slow[] = {1, 0.9, 0.7, 0.45, 0.2, 0.05, 0.0009};
enum { SLOW = 6 };

/* Bayes by enumeration of (x_0, x_{t-1}, x_t): joint = prior(x_0) before(x_0, x_{t-1}) step(x_{t-1}, x_t). */
static void test_formulas(void **state)
{
  (void)state;
  static const double phats[][K] = {{0.2, 0.5, 0.3}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0.6, 0.4, 0}};
  for (int l = 0; l < LAWS; l++)
    for (int t = 1; t <= SLOW; t++) {
      const double *m = laws[l];
      Chain         c;
      double        law[K], sum;
      char          what[96];
      chain_at(m, slow, t, &c);
      for (int x0 = 0; x0 < K; x0++) {
        transition_forward(K, m, slow[t], x0, law);
        sum = 0;
        for (int x = 0; x < K; x++) {
          snprintf(what, sizeof what, "(10): law %d, t %d, %d -> %d", l, t, x0, x);
          expect_near(what, c.through[x0][x], law[x], 1e-14);
          sum += law[x];
        }
        expect_near("row of (10)", 1, sum, 1e-14);
        for (int xt = 0; xt < K; xt++) {
          double     total = 0;
          const bool is    = transition_posterior(K, m, slow[t - 1], slow[t], xt, x0, law);
          for (int x = 0; x < K; x++) total += c.before[x0][x] * c.step[x][xt];
          assert_int_equal(is, total > 0);
          sum = 0;
          for (int x = 0; x < K; x++) {
            snprintf(what, sizeof what, "(11): law %d, t %d, x_t %d, x_0 %d, x %d", l, t, xt, x0, x);
            expect_near(what, total > 0 ? c.before[x0][x] * c.step[x][xt] / total : 0, law[x], 1e-13);
            sum += law[x];
          }
          expect_near("row of (11)", total > 0, sum, 1e-13);
        }
      }
      for (int xt = 0; xt < K; xt++)
        for (size_t p = 0; p < sizeof phats / sizeof *phats; p++) {
          double expected[K] = {0}, kept = 0;
          for (int x0 = 0; x0 < K; x0++) {
            double total = 0;
            for (int x = 0; x < K; x++) total += c.before[x0][x] * c.step[x][xt];
            if (!(total > 0)) continue;
            kept += phats[p][x0];
            for (int x = 0; x < K; x++) expected[x] += phats[p][x0] * c.before[x0][x] * c.step[x][xt] / total;
          }
          transition_mixture(K, m, slow[t - 1], slow[t], xt, phats[p], law);
          sum = 0;
          for (int x = 0; x < K; x++) {
            snprintf(what, sizeof what, "(14): law %d, t %d, x_t %d, phat %zu, x %d", l, t, xt, p, x);
            expect_near(what, kept > 0 ? expected[x] / kept : x == xt, law[x], 1e-13);
            sum += law[x];
          }
          expect_near("row of (14)", 1, sum, 1e-13);
        }
    }
}

/* What would be wrong gives other numbers with these laws: a transposed Q^t, Qbar^t, and (11) of the mean phat instead of a mixture. */
static void test_wrong_formulas_differ(void **state)
{
  (void)state;
  const double *m = laws[0], phat[K] = {0.2, 0.5, 0.3};
  Chain         c;
  double        right[K], mixture[K], transposed = 0, mean[K], reach = 0, mean_sum = 0;
  const int     t = 3, xt = 1, x0 = 2;
  chain_at(m, slow, t, &c);
  transition_posterior(K, m, slow[t - 1], slow[t], xt, x0, right);
  for (int x = 0; x < K; x++) reach += c.before[x0][x] * c.step[xt][x];
  for (int x = 0; x < K; x++) transposed = fmax(transposed, fabs(c.before[x0][x] * c.step[xt][x] / reach - right[x]));
  transition_mixture(K, m, slow[t - 1], slow[t], xt, phat, mixture);
  for (int x = 0; x < K; x++) {
    double before = 0;
    for (int y = 0; y < K; y++) before += phat[y] * c.before[y][x];
    mean_sum += mean[x] = before * c.step[x][xt];
  }
  double apart = 0;
  for (int x = 0; x < K; x++) apart = fmax(apart, fabs(mean[x] / mean_sum - mixture[x]));
  if (!(transposed > 0.05)) fail_msg("a transposed Q^t: expected a deviation above 0.05, got %g", transposed);
  if (!(apart > 0.02)) fail_msg("(11) with x_0 := phat: expected a deviation above 0.02, got %g", apart);
}

static void test_dropped_classes(void **state)
{
  (void)state;
  const double *m = laws[1], never[K] = {0.3, 0, 0.7}, some[K] = {0.5, 0.2, 0.3};
  double        out[K];
  transition_mixture(K, m, slow[1], slow[2], 1, never, out); /* x_t = 1 cannot come from 0 or 2: sum 0 */
  for (int c = 0; c < K; c++) expect_near("no possible x_0", c == 1, out[c], 0);
  transition_mixture(K, m, slow[1], slow[2], 1, some, out); /* of the rest the posterior with x_0 = 1 alone */
  for (int c = 0; c < K; c++) expect_near("one possible x_0", c == 1, out[c], 1e-15);
}

static void test_schedules(void **state)
{
  (void)state;
  static const int steps[] = {1, 2, 3, 10, 20, 50, 1000, TRANSITION_STEPS_MAX};
  static double    abar[TRANSITION_STEPS_MAX + 1];
  char             message[256];
  for (int kind = ABAR_LINEAR; kind <= ABAR_COSINE; kind++)
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
      const int   T       = steps[i];
      const char *refused = transition_schedule((AbarKind)kind, T, 0, NULL, abar, message);
      if (refused) fail_msg("%s, T %d: expected no refusal, got: %s", abar_names[kind], T, refused);
      assert_true(abar[0] == 1);
      for (int t = 1; t <= T; t++)
        if (!(abar[t] > 0 && abar[t] < abar[t - 1]))
          fail_msg("%s, T %d: abar_%d = %g after %g", abar_names[kind], T, t, abar[t], abar[t - 1]);
      if (abar[T] > 1.0000001e-3) fail_msg("%s, T %d: expected abar_T <= 1e-3, got %g", abar_names[kind], T, abar[T]);
    }
  /* the cosine is f(t) / f(0): the offset is divided out */
  assert_null(transition_schedule(ABAR_COSINE, 50, 0, NULL, abar, message));
  const double f = cos(M_PI / 2 * (0.5 + 0.008) / 1.008), f0 = cos(M_PI / 2 * 0.008 / 1.008);
  expect_near("cosine, t = T/2", f * f / (f0 * f0), abar[25], 1e-12);
  /* linear, unscaled at T = 1000 */
  assert_null(transition_schedule(ABAR_LINEAR, 1000, 0, NULL, abar, message));
  double log_sum = 0;
  for (int t = 0; t < 1000; t++) log_sum += log1p(-(1e-4 + (0.02 - 1e-4) * t / 999));
  expect_near("linear, T = 1000", exp(log_sum), abar[1000], 1e-15);
}

static void expect_refusal(AbarKind kind, int T, int n, const double *user, const char *expected)
{
  double      abar[8];
  char        message[256];
  const char *got = transition_schedule(kind, T, n, user, abar, message);
  if (!got || !strstr(got, expected)) fail_msg("expected a refusal with \"%s\", got: %s", expected, got ? got : "none");
}

static void test_refusals(void **state)
{
  (void)state;
  double abar[8];
  char   message[256];
  expect_refusal(ABAR_LINEAR, 0, 0, NULL, "number of steps");
  expect_refusal(ABAR_COSINE, TRANSITION_STEPS_MAX + 1, 0, NULL, "number of steps");
  expect_refusal(ABAR_USER, 3, 2, (double[]){0.5, 0.0001}, "expected 3 values, got 2");
  expect_refusal(ABAR_USER, 2, 2, (double[]){0.5, 0.5}, "abar_2 = 0.5 follows 0.5");
  expect_refusal(ABAR_USER, 2, 2, (double[]){1, 0.0001}, "abar_1 = 1 follows 1");
  expect_refusal(ABAR_USER, 2, 2, (double[]){0.5, 0}, "abar_2 = 0 follows 0.5");
  expect_refusal(ABAR_USER, 2, 2, (double[]){NAN, 0.0001}, "abar_1 = nan");
  expect_refusal(ABAR_USER, 2, 2, (double[]){0.5, NAN}, "abar_2 = nan");
  expect_refusal(ABAR_USER, 2, 2, (double[]){0.5, 0.01}, "abar_2 = 0.01 is above 0.001");
  assert_null(transition_schedule(ABAR_USER, 2, 2, (double[]){0.5, 0.001}, abar, message));
  assert_true(abar[0] == 1 && abar[1] == 0.5 && abar[2] == 0.001);
}

static void test_create(void **state)
{
  (void)state;
  const double  counts[3] = {6, 0, 2};
  GraphSetStats none      = {.edge_marginal = (double[]){NAN, NAN}};
  Transition   *p         = make(ABAR_COSINE, 20, TRANSITION_MARGINAL, NULL, 1, counts, 3);
  expect_near("marginal", 0.75, p->edge[0], 0);
  expect_near("marginal", 0, p->edge[1], 0);
  expect_near("one node class", 1, p->node[0], 0);
  expect_near("alpha", p->abar[7], transition_alpha(p, 7) * p->abar[6], 1e-16);
  transition_destroy(&p);
  assert_null(p);
  p = make(ABAR_COSINE, 20, TRANSITION_UNIFORM, NULL, 4, counts, 3);
  expect_near("uniform", 1.0 / 3, p->edge[1], 1e-16);
  expect_near("uniform", 0.25, p->node[3], 1e-16);
  transition_destroy(&p);
  transition_destroy(&p);
  transition_destroy(NULL);
  assert_int_equal(transition_create(1, (double[]){1, 0.001}, TRANSITION_MARGINAL, &none, 1, 2, &p), 0); /* a set without any pair */
  expect_near("no pairs", 1, p->edge[0], 0);
  transition_destroy(&p);
}

/* Bound of one pair under its exact posterior, mean over noise by enumeration: the entropy but for the prior term, which is stated. */
static void test_bound(void **state)
{
  (void)state;
  const double P   = 0.3;
  Transition  *p   = make(ABAR_COSINE, 20, TRANSITION_MARGINAL, NULL, 1, (double[]){1 - P, P}, 2);
  double       sum = 0, prior = 0;
  for (uint8_t x0 = 0; x0 < 2; x0++) {
    const double share = x0 ? P : 1 - P;
    double       at_end[2];
    transition_forward(2, p->edge, p->abar[20], x0, at_end);
    const double term = transition_prior_term(p, 2, NULL, &x0);
    expect_near("prior term", at_end[0] * log(at_end[0] / (1 - P)) + at_end[1] * log(at_end[1] / P), term, 1e-15);
    sum += share * term;
    prior += share * term;
    for (int t = 1; t <= 20; t++) {
      double law[2], from[2][2];
      for (int x = 0; x < 2; x++) transition_forward(2, p->edge, p->abar[t], x, from[x]);
      transition_forward(2, p->edge, p->abar[t], x0, law);
      for (uint8_t xt = 0; xt < 2; xt++) {
        const double yes = P * from[1][xt], no = (1 - P) * from[0][xt];
        const float  logit[2] = {(float)log(no), (float)log(yes)};
        sum += share * law[xt] * transition_bound_term(p, t, 2, NULL, &x0, NULL, &xt, NULL, logit);
      }
    }
  }
  expect_near("bound", -P * log(P) - (1 - P) * log(1 - P) + prior, sum, 1e-6);
  uint8_t x0 = 1, xt = 0;
  assert_true(isinf(transition_bound_term(p, 1, 2, NULL, &x0, NULL, &xt, NULL, (float[]){0, -INFINITY})));
  expect_near("t = 1", log(1 + exp(-2.0)), transition_bound_term(p, 1, 2, NULL, &x0, NULL, &xt, NULL, (float[]){-1, 1}), 1e-12);
  transition_destroy(&p);
}

/* Vertices and pairs of a graph of three classes add up; the term is a sum of entries. */
static void test_bound_sums(void **state)
{
  (void)state;
  Transition *p      = make(ABAR_COSINE, 20, TRANSITION_MARGINAL, laws[2], 3, laws[0], 3);
  uint8_t     node[] = {0, 2, 1}, edge[] = {1, 0, 2}, noisy_node[] = {1, 2, 0}, noisy_edge[] = {0, 0, 1};
  float       logit[9], node_logit[9];
  double      expected = 0, q[3], law[3], phat[3];
  for (int k = 0; k < 9; k++) {
    logit[k]      = (float)sin(1 + k);
    node_logit[k] = (float)cos(2 + k);
  }
  for (int part = 0; part < 2; part++)
    for (int i = 0; i < 3; i++) {
      const double *m  = part ? p->node : p->edge;
      const float  *l  = (part ? node_logit : logit) + 3 * i;
      const int     xt = part ? noisy_node[i] : noisy_edge[i], x0 = part ? node[i] : edge[i];
      double        sum = 0;
      for (int c = 0; c < 3; c++) sum += phat[c] = exp(l[c]);
      for (int c = 0; c < 3; c++) phat[c] /= sum;
      transition_posterior(3, m, p->abar[6], p->abar[7], xt, x0, q);
      transition_mixture(3, m, p->abar[6], p->abar[7], xt, phat, law);
      for (int c = 0; c < 3; c++) expected += q[c] > 0 ? q[c] * log(q[c] / law[c]) : 0;
    }
  expect_near("terms", expected, transition_bound_term(p, 7, 3, node, edge, noisy_node, noisy_edge, node_logit, logit), 1e-12);
  transition_destroy(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formulas),        cmocka_unit_test(test_wrong_formulas_differ),
      cmocka_unit_test(test_dropped_classes), cmocka_unit_test(test_schedules),
      cmocka_unit_test(test_refusals),        cmocka_unit_test(test_create),
      cmocka_unit_test(test_bound),           cmocka_unit_test(test_bound_sums),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
