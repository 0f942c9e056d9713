/* SPDX-License-Identifier: BSD-2-Clause
 * Optimizers: closed forms, the kernel against its slow reference, every ISA level and every cut of the vector to the bit, clipping,
 * learning rates. PyTorch is the oracle of peers/test_optimizer.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "optimizer.h"

enum { N = 83, LANES = 16, STEPS = 60, KINDS = 7 };

static const OptimizerSpec adam = {.kind = OPTIMIZER_ADAM, .learning_rate = 1e-2, .beta1 = 0.9, .beta2 = 0.999, .delta = 1e-8};
static const OptimizerSpec sgd  = {.kind = OPTIMIZER_SGD, .learning_rate = 1e-2};

/* Every branch of the update. */
static OptimizerSpec kind(int i)
{
  OptimizerSpec s = i < 3 ? sgd : adam;
  if (i == 1 || i == 2) s.momentum = 0.9;
  if (i == 2 || i == 4) s.decay = 0.03;
  if (i == 5) s.kind = OPTIMIZER_ADAMW, s.decay = 0.1;
  if (i == 2 || i == 6) s.average = 0.95;
  return s;
}

static double draw(int i, int j) { return 2 * fmod(sin(12.9898 * i + 78.233 * j + 1) * 43758.5453, 1.0); }

static void fill(int step, int n, float *gradient)
{
  for (int i = 0; i < n; i++) gradient[i] = (float)(draw(step + 1, i) * pow(10, (double)(i % 7) - 4));
}

static void start(int n, float *theta, float *average)
{
  for (int i = 0; i < n; i++) theta[i] = average[i] = (float)draw(0, i);
}

static void assert_near(const char *what, int i, double got, double expected, double tolerance)
{
  if (!(fabs(got - expected) <= tolerance)) fail_msg("%s, %d: expected %.9g, got %.9g, tolerance %.2g", what, i, expected, got, tolerance);
}

static void kernel_agrees_with_reference(void **state)
{
  (void)state;
  for (int k = 0; k < KINDS; k++) {
    const OptimizerSpec s = kind(k);
    float               theta[N], average[N], slow[N], slow_average[N], gradient[N], moments[2 * N] = {0}, slow_moments[2 * N] = {0};
    const float         one = 1;
    start(N, theta, average);
    start(N, slow, slow_average);
    for (int step = 0; step < STEPS; step++) {
      const double rate = optimizer_rate(&s, step, STEPS);
      fill(step, N, gradient);
      optimizer_step(isa_level(), &s, step, rate, N, 1, &one, gradient, moments, theta, s.average > 0 ? average : NULL);
      optimizer_step_reference(&s, step, rate, N, gradient, slow_moments, slow, s.average > 0 ? slow_average : NULL);
      /* A step is off by about 3 roundings of itself, and by one of theta. */
      for (int i = 0; i < N; i++) {
        const double scale = fabs((double)slow[i]) + 0.1;
        assert_near("theta", i, (double)theta[i], (double)slow[i], 1.2e-7 * scale * (step + 1));
        assert_near("average", i, (double)average[i], (double)slow_average[i], 1.2e-7 * scale * (step + 1));
      }
    }
  }
}

/* Runs a few steps of vectors [from, n) with `isa`; the second half of the gradient comes scaled. */
static void run(IsaLevel isa, const OptimizerSpec *s, int n, int from, float *theta, float *average)
{
  float       gradient[N], moments[2 * N] = {0};
  const float scale = 0.37f;
  start(N, theta, average);
  for (int step = 0; step < 7; step++) {
    fill(step, N, gradient);
    optimizer_step(isa, s, step, s->learning_rate, n - from, 1, &scale, gradient + from, moments, theta + from,
                   s->average > 0 ? average + from : NULL);
  }
}

static void assert_same(const char *what, int k, int n, const float *got, const float *expected)
{
  for (int i = 0; i < n; i++)
    if (memcmp(&got[i], &expected[i], sizeof(float)) != 0)
      fail_msg("%s, optimizer %d, element %d: expected %a, got %a, tolerance none", what, k, i, (double)expected[i], (double)got[i]);
}

static void levels_and_cuts_give_the_same_bits(void **state)
{
  (void)state;
  for (int k = 0; k < KINDS; k++) {
    const OptimizerSpec s = kind(k);
    float               whole[N], whole_average[N], theta[N], average[N];
    run(ISA_BASE, &s, N, 0, whole, whole_average);
    for (int isa = ISA_BASE; isa <= (int)isa_level(); isa++)
      for (int from = 0; from < 40; from += 13) {
        run((IsaLevel)isa, &s, N, from, theta, average);
        assert_same(isa_name((IsaLevel)isa), k, N - from, theta + from, whole + from);
        assert_same("average", k, N - from, average + from, whole_average + from);
      }
  }
}

static void lanes_are_models_of_their_own(void **state)
{
  (void)state;
  OptimizerSpec s = kind(6);
  s.clip          = 1.5;
  float lanes[N * LANES], gradients[N * LANES], averages[N * LANES], moments[2 * N * LANES] = {0}, scales[LANES], scale;
  float theta[N], average[N], gradient[N], own[2 * N]                                       = {0};
  start(N * LANES, lanes, averages);
  for (int i = 0; i < N; i++) theta[i] = average[i] = lanes[i * LANES + 5];
  for (int step = 0; step < 9; step++) {
    fill(step, N * LANES, gradients);
    for (int i = 0; i < N; i++) gradient[i] = gradients[i * LANES + 5];
    optimizer_clip(isa_level(), &s, N * LANES, LANES, gradients, scales);
    optimizer_clip(isa_level(), &s, N, 1, gradient, &scale);
    assert_near("scale", step, (double)scales[5], (double)scale, 1e-7);
    optimizer_step(isa_level(), &s, step, s.learning_rate, N * LANES, LANES, scales, gradients, moments, lanes, averages);
    optimizer_step(isa_level(), &s, step, s.learning_rate, N, 1, &scales[5], gradient, own, theta, average);
  }
  for (int i = 0; i < N; i++) {
    assert_same("lane", 6, 1, &lanes[i * LANES + 5], &theta[i]);
    assert_same("lane's average", 6, 1, &averages[i * LANES + 5], &average[i]);
  }
}

static void first_step_of_adam_is_the_learning_rate(void **state)
{
  (void)state;
  float       theta[N], average[N], before[N], gradient[N], moments[2 * N] = {0};
  const float one = 1;
  start(N, theta, average);
  memcpy(before, theta, sizeof theta);
  for (int i = 0; i < N; i++) gradient[i] = i % 2 ? 3e-3f : -2e2f;
  optimizer_step(isa_level(), &adam, 0, 0.01, N, 1, &one, gradient, moments, theta, NULL);
  for (int i = 0; i < N; i++) assert_near("theta", i, (double)theta[i] - (double)before[i], i % 2 ? -0.01 : 0.01, 2e-7);
}

/* Constant gradient 1 and momentum mu: theta falls by rate (k - mu (1 - mu^k) / (1 - mu)) / (1 - mu) in k steps. */
static void momentum_follows_its_closed_form(void **state)
{
  (void)state;
  OptimizerSpec s      = sgd;
  s.momentum           = 0.8;
  float       theta[1] = {0}, moments[1] = {0}, gradient[1] = {1};
  const float one = 1;
  for (int k = 1; k <= 40; k++) {
    optimizer_step(isa_level(), &s, k - 1, 0.01, 1, 1, &one, gradient, moments, theta, NULL);
    const double expected = -0.01 * (k - 0.8 * (1 - pow(0.8, k)) / 0.2) / 0.2;
    assert_near("theta", k, (double)theta[0], expected, 2e-7 * k);
  }
}

static void clipping_bounds_the_norm(void **state)
{
  (void)state;
  float         gradient[N * LANES], scale[LANES], one;
  OptimizerSpec s = sgd;
  fill(0, N * LANES, gradient);
  optimizer_clip(isa_level(), &s, N, 1, gradient, &one);
  assert_float_equal(one, 1, 0);
  for (int lanes = 1; lanes <= LANES; lanes += LANES - 1)
    for (int l = 0; l < lanes; l++) {
      double sum = 0;
      for (int i = l; i < N * lanes; i += lanes) sum += (double)gradient[i] * (double)gradient[i];
      for (int large = 0; large < 2; large++) {
        s.clip = sqrt(sum) * (large ? 1.1 : 0.3);
        optimizer_clip(isa_level(), &s, N * lanes, lanes, gradient, scale);
        assert_near("scale", l, (double)scale[l], large ? 1 : s.clip / (sqrt(sum) + 1e-6), 1e-7);
        float other[LANES];
        for (int isa = ISA_BASE; isa <= (int)isa_level(); isa++) {
          optimizer_clip((IsaLevel)isa, &s, N * lanes, lanes, gradient, other);
          assert_same("scale", isa, lanes, other, scale);
        }
      }
    }
}

static void rates_follow_their_schedule(void **state)
{
  (void)state;
  OptimizerSpec s = sgd;
  s.rate          = RATE_COSINE;
  s.rate_factor   = 0.1;
  assert_near("cosine", 0, optimizer_rate(&s, 0, 100), 1e-2, 1e-17);
  assert_near("cosine", 50, optimizer_rate(&s, 50, 100), 0.55e-2, 1e-16);
  assert_near("cosine", 100, optimizer_rate(&s, 100, 100), 1e-3, 1e-17);
  s.rate       = RATE_STEP;
  s.rate_every = 10;
  assert_near("step", 9, optimizer_rate(&s, 9, 100), 1e-2, 0);
  assert_near("step", 10, optimizer_rate(&s, 10, 100), 1e-3, 1e-17);
  assert_near("step", 35, optimizer_rate(&s, 35, 100), 1e-5, 1e-19);
  s.rate = RATE_CONSTANT;
  assert_near("constant", 99, optimizer_rate(&s, 99, 100), 1e-2, 0);
}

static void moments_are_counted(void **state)
{
  (void)state;
  const int expected[KINDS] = {0, 1, 1, 2, 2, 2, 2};
  for (int k = 0; k < KINDS; k++) {
    const OptimizerSpec s = kind(k);
    assert_int_equal(optimizer_moments(&s), expected[k]);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kernel_agrees_with_reference),     cmocka_unit_test(levels_and_cuts_give_the_same_bits),
      cmocka_unit_test(lanes_are_models_of_their_own),    cmocka_unit_test(first_step_of_adam_is_the_learning_rate),
      cmocka_unit_test(momentum_follows_its_closed_form), cmocka_unit_test(clipping_bounds_the_norm),
      cmocka_unit_test(rates_follow_their_schedule),      cmocka_unit_test(moments_are_counted),
  };
  return cmocka_run_group_tests_name("optimizer", tests, NULL, NULL);
}
