/* SPDX-License-Identifier: BSD-2-Clause
 * Objectives: batches against the plain reference bit by bit on every ISA level and for every cut, the permutation's bijection, moments of
 * x_t, the three losses as one functional, and coefficients against closed forms. Keys are fixed, so no test is a matter of luck. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diffusion/objective_private.h"
#include "memory.h"
#include "objective.h"
#include "rng.h"

static const ObjectiveSpec discrete = {.T = 100, .schedule = SCHEDULE_COSINE, .batch = 64, .time_scale = 1};
static const ObjectiveSpec process  = {
     .prediction = PREDICT_DATA, .sampling = SAMPLE_EXPONENTIAL, .t_min = 1e-4, .t_max = 10, .batch = 512, .time_scale = 0.1};

static double *random_points(int d, int64_t n, uint64_t key)
{
  Rng     r = rng_start(key, 0, RNG_DATA);
  double *x = mem_calloc((size_t)(d * n), sizeof *x);
  for (int64_t i = 0; i < d * n; i++) x[i] = 4 * rng_uniform(&r) - 2;
  return x;
}

static Objective *make(const ObjectiveSpec *spec, IsaLevel isa, int d, int64_t n)
{
  double    *x = random_points(d, n, 7);
  Objective *o;
  assert_int_equal(objective_create(spec, isa, d, n, x, &o), 0);
  free(x);
  return o;
}

typedef struct Batch {
  int    d, stride;
  float *x, *t, *target, *weight, *level;
} Batch;

static Batch batch_create(int d, int n)
{
  const int    stride = (n + 15) / 16 * 16;
  const size_t wide   = (size_t)(d * stride);
  return (Batch){.d      = d,
                 .stride = stride,
                 .x      = mem_calloc(wide, sizeof(float)),
                 .t      = mem_calloc((size_t)stride, sizeof(float)),
                 .target = mem_calloc(wide, sizeof(float)),
                 .weight = mem_calloc((size_t)stride, sizeof(float)),
                 .level  = mem_calloc((size_t)stride, sizeof(float))};
}

static void batch_destroy(Batch *b)
{
  free(b->x);
  free(b->t);
  free(b->target);
  free(b->weight);
  free(b->level);
}

static void draw(const Objective *o, uint64_t key, int64_t step, int first, int n, Batch *b)
{
  objective_batch(o, key, step, first, n, b->stride, b->x, b->t, b->target, b->weight, b->level);
}

static bool same(float a, float b) { return memcmp(&a, &b, sizeof a) == 0; }

/* Place `first + i` of the batch is sample i of b, for all i < n, bit by bit; padding is finite. */
static void expect_reference(const char *what, const Objective *o, uint64_t key, int64_t step, int first, int n, const Batch *b)
{
  const int d = b->d;
  float    *x = mem_calloc((size_t)d, sizeof *x), *target = mem_calloc((size_t)d, sizeof *x), t, weight;
  int64_t   index;
  for (int i = 0; i < n; i++) {
    objective_sample_reference(o, key, step, first + i, &index, x, &t, target, &weight);
    if (!same(t, b->t[i]) || !same(weight, b->weight[i]))
      fail_msg("%s, step %lld, place %d: expected t %a weight %a, got %a %a", what, (long long)step, first + i, (double)t, (double)weight,
               (double)b->t[i], (double)b->weight[i]);
    for (int j = 0; j < d; j++) {
      const float got_x = b->x[j * b->stride + i], got_target = b->target[j * b->stride + i];
      if (!same(x[j], got_x) || !same(target[j], got_target))
        fail_msg("%s, step %lld, place %d, component %d: expected x %a target %a, got %a %a", what, (long long)step, first + i, j,
                 (double)x[j], (double)target[j], (double)got_x, (double)got_target);
    }
    if (!(b->level[i] >= 0 && b->level[i] < 1)) fail_msg("%s: level %g is not in [0, 1)", what, (double)b->level[i]);
  }
  for (int i = n; i < b->stride; i++)
    for (int j = 0; j < d; j++)
      if (!isfinite(b->x[j * b->stride + i]) || !isfinite(b->target[j * b->stride + i]) || !isfinite(b->t[i]) || !isfinite(b->weight[i]))
        fail_msg("%s: what pads place %d is not finite", what, i);
  free(x);
  free(target);
}

static const struct {
  Prediction prediction;
  bool       discrete;
} kinds[] = {{PREDICT_NOISE, true},  {PREDICT_MEAN, true},  {PREDICT_DATA, true},   {PREDICT_SCORE, true},
             {PREDICT_NOISE, false}, {PREDICT_DATA, false}, {PREDICT_SCORE, false}, {PREDICT_VELOCITY, false}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void check_cuts(const ObjectiveSpec *spec, int d, int64_t n, const char *what)
{
  static const int cuts[][2] = {{0, 0}, {0, 1}, {0, 16}, {16, 40}, {48, 16}, {5, 20}, {1, 63}};
  for (int level = ISA_BASE; level <= (int)isa_level(); level++) {
    Objective *o = make(spec, (IsaLevel)level, d, n);
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
      const int first = cuts[c][0], count = cuts[c][1] ? cuts[c][1] : spec->batch;
      if (first + count > spec->batch) continue;
      for (int64_t step = 0; step < 3; step++) {
        Batch b = batch_create(d, count);
        draw(o, 99, step * 1234567, first, count, &b);
        expect_reference(what, o, 99, step * 1234567, first, count, &b);
        batch_destroy(&b);
      }
    }
    objective_destroy(&o);
  }
}

static void test_batch_is_reference(void **state)
{
  (void)state;
  for (int k = 0; k < KINDS; k++)
    for (int weighting = 0; weighting < 2; weighting++) {
      ObjectiveSpec spec = kinds[k].discrete ? discrete : process;
      spec.prediction    = kinds[k].prediction;
      spec.weighting     = (Weighting)weighting;
      spec.sampling      = weighting ? SAMPLE_UNIFORM : SAMPLE_EXPONENTIAL;
      spec.schedule      = weighting ? SCHEDULE_LINEAR : SCHEDULE_COSINE;
      spec.batch         = weighting ? 77 : 64;
      check_cuts(&spec, 2, weighting ? 1000 : 10007, kinds[k].discrete ? "discrete" : "continuous");
    }
}

/* Many components, few points (drawn independently), one point, deterministic noise. */
static void test_shapes_are_reference(void **state)
{
  (void)state;
  ObjectiveSpec spec = discrete;
  check_cuts(&spec, 1, 64, "d = 1");
  check_cuts(&spec, 37, 201, "d = 37");
  check_cuts(&spec, 3, 5, "five points");
  check_cuts(&spec, 3, 1, "one point");
  spec.noise = NOISE_DETERMINISTIC;
  check_cuts(&spec, 2, 300, "deterministic");
  spec.batch = 1000;
  check_cuts(&spec, 2, 300, "deterministic, large batch");
}

/* Every point once an epoch; different orders in different epochs. */
static void check_permutation(int64_t n)
{
  ObjectiveSpec spec = discrete;
  spec.batch         = 1;
  Objective *o       = make(&spec, ISA_BASE, 1, n);
  uint8_t   *seen    = mem_calloc((size_t)n, 1);
  uint32_t   key[OBJECTIVE_ROUNDS_MAX], other[OBJECTIVE_ROUNDS_MAX];
  int64_t    fixed = 0;
  objective_round_keys(o, 3, 0, key);
  objective_round_keys(o, 3, 1, other);
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = objective_permuted(o, key, i);
    if (at < 0 || at >= n || seen[at]++)
      fail_msg("n = %lld: %lld -> %lld is outside or was there before", (long long)n, (long long)i, (long long)at);
    fixed += at == objective_permuted(o, other, i);
  }
  if (n > 100 && (double)fixed > 1 + 10 * sqrt((double)n) / 10)
    fail_msg("n = %lld: %lld of two epochs' places are alike, expected about 1", (long long)n, (long long)fixed);
  free(seen);
  objective_destroy(&o);
}

static void test_permutation(void **state)
{
  (void)state;
  for (int64_t n = 1; n < 200; n++) check_permutation(n);
  check_permutation(4093);
  check_permutation(10000);
  check_permutation(60000);
  check_permutation(1000003);
}

/* Small n: where i goes is uniform, also given where j goes, over epochs. */
static void test_permutation_is_uniform(void **state)
{
  (void)state;
  enum { N = 9, EPOCHS = 40000 };
  ObjectiveSpec spec     = discrete;
  spec.batch             = 1;
  Objective *o           = make(&spec, ISA_BASE, 1, N);
  double     pairs[N][N] = {{0}}, single[N] = {0}, chi_pair = 0, chi = 0;
  for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
    uint32_t key[OBJECTIVE_ROUNDS_MAX];
    objective_round_keys(o, 11, epoch, key);
    const int64_t a = objective_permuted(o, key, 2), b = objective_permuted(o, key, 3);
    pairs[a][b]++;
    single[a]++;
  }
  for (int a = 0; a < N; a++) {
    chi += pow(single[a] - EPOCHS / (double)N, 2) / (EPOCHS / (double)N);
    for (int b = 0; b < N; b++)
      if (a != b) chi_pair += pow(pairs[a][b] - EPOCHS / (N * (N - 1.0)), 2) / (EPOCHS / (N * (N - 1.0)));
  }
  if (chi > N - 1 + 5 * sqrt(2.0 * (N - 1))) fail_msg("chi^2 of the image %.1f, expected %d", chi, N - 1);
  if (chi_pair > 71 + 5 * sqrt(2.0 * 71)) fail_msg("chi^2 of a pair's images %.1f, expected 71", chi_pair);
  objective_destroy(&o);
}

/* Few rounds (n above OBJECTIVE_SMALL): the images of two places, neighbours or far apart, in 8 x 8 blocks and modulo 8, are
 * independent. */
static void check_pair_of_places(const Objective *o, int64_t one, int64_t two, int64_t n)
{
  enum { EPOCHS = 40000, CELLS = 64 };
  double block[CELLS] = {0}, residue[CELLS] = {0}, chi_block = 0, chi_residue = 0;
  for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
    uint32_t key[OBJECTIVE_ROUNDS_MAX];
    objective_round_keys(o, 12, epoch, key);
    const int64_t a = objective_permuted(o, key, one), b = objective_permuted(o, key, two);
    block[a * 8 / n * 8 + b * 8 / n]++;
    residue[a % 8 * 8 + b % 8]++;
  }
  for (int c = 0; c < CELLS; c++) { /* n is a multiple of 8; that the images differ shifts a cell by 1/n of itself */
    chi_block += pow(block[c] - EPOCHS / 64.0, 2) / (EPOCHS / 64.0);
    chi_residue += pow(residue[c] - EPOCHS / 64.0, 2) / (EPOCHS / 64.0);
  }
  if (chi_block > 63 + 5 * sqrt(126))
    fail_msg("places %lld, %lld: chi^2 of blocks %.1f, expected 63", (long long)one, (long long)two, chi_block);
  if (chi_residue > 63 + 5 * sqrt(126))
    fail_msg("places %lld, %lld: chi^2 of residues %.1f, expected 63", (long long)one, (long long)two, chi_residue);
}

static void test_few_rounds(void **state)
{
  (void)state;
  static const int64_t sizes[] = {1600, 10000};
  ObjectiveSpec        spec    = discrete;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    Objective *o = make(&spec, ISA_BASE, 1, sizes[i]);
    for (int64_t apart = 1; apart < 200; apart = apart * 3 + 1) check_pair_of_places(o, 5, 5 + apart, sizes[i]);
    check_pair_of_places(o, 5, 5 + (int64_t)o->columns, sizes[i]);
    objective_destroy(&o);
  }
}

/* x_t - a x_0 over s: mean 0 and variance 1 at every t; times follow their law. */
static void test_moments(void **state)
{
  (void)state;
  enum { STEPS = 20000, T = 10 };
  ObjectiveSpec spec  = discrete;
  spec.T              = T;
  Objective *o        = make(&spec, isa_level(), 1, 1);
  double     count[T] = {0}, sum[T] = {0}, square[T] = {0}, x0 = (double)o->data[0];
  Batch      b = batch_create(1, spec.batch);
  for (int64_t step = 0; step < STEPS; step++) {
    draw(o, 5, step, 0, spec.batch, &b);
    for (int i = 0; i < spec.batch; i++) {
      const int t = (int)lrintf(b.t[i] * T) - 1;
      count[t]++;
      sum[t] += (double)b.x[i];
      square[t] += (double)b.x[i] * (double)b.x[i];
    }
  }
  for (int t = 0; t < T; t++) {
    const Coefficients c = objective_coefficients(&spec, t + 1);
    const double       n = count[t], expected = STEPS * spec.batch / (double)T, mean = sum[t] / n, variance = square[t] / n - mean * mean;
    if (fabs(n - expected) > 5 * sqrt(expected)) fail_msg("t = %d: drawn %g times, expected %g", t + 1, n, expected);
    if (fabs(mean - c.a * x0) > 5 * c.s / sqrt(n)) fail_msg("t = %d: mean of x_t %g, expected %g", t + 1, mean, c.a * x0);
    if (fabs(variance / (c.s * c.s) - 1) > 5 * sqrt(2 / n)) fail_msg("t = %d: variance of x_t %g, expected %g", t + 1, variance, c.s * c.s);
  }
  batch_destroy(&b);
  objective_destroy(&o);
}

/* Times: quantiles of their law, input scaled, weight and coefficients accurate in float32 from t = 1e-4 on. */
static void test_continuous_times(void **state)
{
  (void)state;
  for (int uniform = 0; uniform < 2; uniform++)
    for (int k = 4; k < KINDS; k++) {
      ObjectiveSpec spec = process;
      spec.prediction    = kinds[k].prediction;
      spec.sampling      = uniform ? SAMPLE_UNIFORM : SAMPLE_EXPONENTIAL;
      Objective *o       = make(&spec, isa_level(), 1, 1);
      Batch      b       = batch_create(1, spec.batch);
      double     levels  = 0;
      draw(o, 21, 0, 0, spec.batch, &b);
      for (int i = 0; i < spec.batch; i++) {
        const double u = (double)b.level[i], t = (double)b.t[i] / (double)(float)spec.time_scale;
        const double law = uniform ? spec.t_min + u * (spec.t_max - spec.t_min) : spec.t_min * pow(spec.t_max / spec.t_min, u);
        if (fabs(t / law - 1) > 2e-6) fail_msg("sample %d: t %.9g, expected %.9g of its law to 2e-6", i, t, law);
        const Coefficients c = objective_coefficients(&spec, t);
        if (fabs((double)b.weight[i] / c.weight - 1) > 1.5e-6)
          fail_msg("t = %g: weight %.9g, expected %.9g", t, (double)b.weight[i], c.weight);
        const double x = (double)b.x[i], x0 = (double)o->data[0], eps = (x - c.a * x0) / c.s,
                     target    = c.target_x0 * x0 + c.target_eps * eps;
        const double tolerance = 1e-6 * (fabs(c.target_x0) + fabs(c.target_eps) * (4 + fabs(x0) / c.s));
        if (fabs((double)b.target[i] - target) > tolerance)
          fail_msg("kind %d, t = %g: target %.9g, expected %.9g to %g", k, t, (double)b.target[i], target, tolerance);
        levels += u;
      }
      if (fabs(levels / spec.batch - 0.5) > 5 * sqrt(1 / 12.0 / spec.batch)) fail_msg("mean level %g", levels / spec.batch);
      batch_destroy(&b);
      objective_destroy(&o);
    }
}

static void close_to(const char *what, double t, double got, double expected, double tolerance)
{
  if (!(fabs(got - expected) <= tolerance * fmax(1e-300, fabs(expected))))
    fail_msg("%s at t = %g: expected %.15g, got %.15g, tolerance %g", what, t, expected, got, tolerance);
}

/* lambda |df|^2 = |d eps|^2 = sigma^2 |dS|^2 for any estimate of x_0: outputs and targets of all predictions from one x0-hat. */
static void test_one_functional(void **state)
{
  (void)state;
  Rng r = rng_start(17, 0, RNG_DATA);
  for (int i = 0; i < 1000; i++) {
    const double     t = 1e-4 * pow(1e5, rng_uniform(&r)), x0 = 4 * rng_uniform(&r) - 2, eps = 4 * rng_uniform(&r) - 2;
    double           loss[3];
    const double     hat        = 4 * rng_uniform(&r) - 2;
    const Prediction learned[3] = {PREDICT_DATA, PREDICT_NOISE, PREDICT_SCORE};
    for (int k = 0; k < 3; k++) {
      ObjectiveSpec spec   = process;
      spec.prediction      = learned[k];
      const Coefficients c = objective_coefficients(&spec, t);
      const double       x = c.a * x0 + c.s * eps, out = (hat - c.data_x * x) / c.data_out, target = c.target_x0 * x0 + c.target_eps * eps;
      loss[k] = c.weight * (out - target) * (out - target);
      close_to("weight of the data", t, 1 / expm1(t) * (hat - x0) * (hat - x0), loss[0], 1e-12);
    }
    close_to("DDPM's loss against CEM's", t, loss[1], loss[0], 1e-7);
    close_to("SGM's loss against CEM's", t, loss[2], loss[0], 1e-7);
  }
}

/* The exact output, put through data_x and data_out, is the posterior mean; Gaussian data N(m, v): f = m + a v (x - a m) / (a^2 v + s^2),
 * score -(x - a m) / (a^2 v + s^2). */
static void test_exact(void **state)
{
  (void)state;
  const double m = 0.7, v = 0.3;
  for (int k = 0; k < KINDS; k++)
    for (int i = 0; i < 40; i++) {
      ObjectiveSpec spec   = kinds[k].discrete ? discrete : process;
      spec.prediction      = kinds[k].prediction;
      const double       t = kinds[k].discrete ? 1 + i * 2.5 - (i % 2) * 0.5 : 1e-4 * pow(1e5, i / 39.0), x = 0.1 * i - 1;
      const Coefficients c      = objective_coefficients(&spec, t);
      const double       spread = c.a * c.a * v + c.s * c.s, f = m + c.a * v * (x - c.a * m) / spread, score = -(x - c.a * m) / spread;
      const double       exact = objective_exact(&c, x, f);
      close_to("x0-hat of the exact output", t, objective_data(&c, x, exact), f, 1e-9);
      close_to("a^2 + s^2", t, c.a * c.a + c.s * c.s, 1, 1e-14);
      if (spec.prediction == PREDICT_SCORE) close_to("score", t, exact, kinds[k].discrete ? score : -score, 1e-9);
      if (spec.prediction == PREDICT_NOISE) close_to("eps", t, exact, -c.s * score, 1e-9);
      if (spec.prediction == PREDICT_DATA) close_to("f", t, exact, f, 1e-14);
      if (spec.prediction == PREDICT_VELOCITY) /* the probability flow's: -x/2 - score/2 */
        close_to("velocity", t, exact, -x / 2 - score / 2, 1e-9);
      if (spec.prediction == PREDICT_MEAN) { /* E[x_{t-1} | x_t] = (x + beta score) / sqrt(1 - beta) */
        const double beta = schedule_beta(spec.schedule, spec.T, (int)t);
        close_to("posterior mean", t, exact, (x + beta * score) / sqrt(1 - beta), 1e-9);
      }
    }
}

static void test_coefficients_table(void **state)
{
  (void)state;
  Coefficients table[100];
  for (int k = 0; k < 4; k++) {
    ObjectiveSpec spec = discrete;
    spec.prediction    = kinds[k].prediction;
    objective_coefficients_table(&spec, table);
    for (int t = 1; t <= 100; t++) {
      const Coefficients c = objective_coefficients(&spec, t);
      if (memcmp(&c, &table[t - 1], sizeof c) != 0) fail_msg("t = %d: table and single coefficients differ", t);
    }
  }
}

/* Deterministic noise: eps of the sample is Phi^-1 of the digits of its own point. */
static void test_deterministic(void **state)
{
  (void)state;
  ObjectiveSpec spec = discrete;
  spec.noise         = NOISE_DETERMINISTIC;
  double    *points  = random_points(2, 300, 7);
  Objective *o       = make(&spec, isa_level(), 2, 300);
  float      x[2], t, target[2], weight;
  int64_t    index;
  for (int place = 0; place < 64; place++) {
    objective_sample_reference(o, 4, 1, place, &index, x, &t, target, &weight);
    for (int j = 0; j < 2; j++)
      close_to("eps", (double)t, (double)target[j], noise_digits_normal(points[j * 300 + index], (int)lrintf(t * 100)), 2e-6);
  }
  free(points);
  objective_destroy(&o);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_batch_is_reference),     cmocka_unit_test(test_shapes_are_reference), cmocka_unit_test(test_permutation),
      cmocka_unit_test(test_permutation_is_uniform), cmocka_unit_test(test_few_rounds),           cmocka_unit_test(test_moments),
      cmocka_unit_test(test_continuous_times),       cmocka_unit_test(test_one_functional),       cmocka_unit_test(test_exact),
      cmocka_unit_test(test_coefficients_table),     cmocka_unit_test(test_deterministic),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
