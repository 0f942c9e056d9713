/* SPDX-License-Identifier: BSD-2-Clause
 * Running samplers: against the slow reference with the same noise, against the law of Gaussian data, and the promises about bits, cuts,
 * snapshots and stopping. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "sampler_law.h"

enum { D = 2, KINDS = 5, PREDICTIONS = 5, STEPS = 20, KEY = 77 };
static const char *const prediction_word[] = {"noise", "mean", "data", "score", "velocity"};

/* The mixture of the two-dimensional experiment, and one mode alone. */
static const double      means[] = {-4, -4, 4, 4}, variances[] = {0.3, 0.1, 0.2, 0.2};
static const MixtureSpec two_modes = {.modes = 2, .d = D, .mean = means, .variance = variances};
static const MixtureSpec one_mode  = {.modes = 1, .d = D, .mean = means, .variance = variances};

static const NetSpec net_shape = {.n_x = D, .n_out = D, .depth = 2, .width = 20, .activation = ACTIVATION_RELU, .time = TIME_PLAIN};

static ObjectiveSpec objective_of(Prediction prediction, int T)
{
  return (ObjectiveSpec){
      .prediction = prediction, .schedule = SCHEDULE_COSINE, .T = T, .t_min = 1e-3, .t_max = 5, .time_scale = 0.2, .batch = 1};
}

/* One way to sample, with all that is needed to run it. */
typedef struct Case {
  ObjectiveSpec spec;
  SamplerKind   kind;
  NoiseKind     noise;
  SamplerPlan  *plan;
  Target       *target; /* NULL: the net */
  Net          *net;
  float        *theta;
  char          name[120];
} Case;

static void case_open(Case *c, Prediction prediction, int T, SamplerKind kind, NoiseKind noise, const MixtureSpec *exact)
{
  *c = (Case){.spec = objective_of(prediction, T), .kind = kind, .noise = noise};
  assert_int_equal(sampler_plan_create(&c->spec, kind, GRID_EXPONENTIAL, STEPS, true, &c->plan), 0);
  if (exact) assert_int_equal(target_mixture(exact, &c->target), 0);
  c->theta = mem_calloc((size_t)net_parameters(&net_shape), sizeof(float));
  net_init(&net_shape, INIT_KAIMING, 5, c->theta);
  snprintf(c->name, sizeof c->name, "%s, %s, T %d, %s noise, %s", sampler_names[kind], prediction_word[prediction], T, noise_names[noise],
           exact ? "exact" : "net");
}

static void case_close(Case *c)
{
  sampler_plan_destroy(&c->plan);
  target_destroy(&c->target);
  free(c->theta);
}

static bool case_run_watched(Case *c, IsaLevel isa, int64_t first, int64_t n, const double *start, const SamplerRecord *record, float *x,
                             const Watch *watch)
{
  Net *net = NULL;
  bool stopped;
  if (!c->target) {
    assert_int_equal(net_create(&net_shape, isa, &net), 0);
    net_load(net, c->theta);
  }
  assert_int_equal(sampler_run(isa, c->plan, &c->spec, net, c->target, c->noise, KEY, first, n, D, start, record, x, watch, &stopped), 0);
  net_destroy(&net);
  return stopped;
}

static void case_run(Case *c, IsaLevel isa, int64_t first, int64_t n, const double *start, const SamplerRecord *record, float *x)
{
  assert_false(case_run_watched(c, isa, first, n, start, record, x, NULL));
}

static void net_output(void *ctx, const SamplerStep *step, bool second, const double *x, double *out)
{
  const Case *c          = ctx;
  float       in[D * 16] = {0}, time[16], result[D * 16], zero[D * 16] = {0};
  for (int i = 0; i < 16; i++) time[i] = second ? step->next_input : step->input;
  for (int j = 0; j < D; j++) in[j * 16] = (float)x[j];
  const NetBatch batch = {.n = 1, .stride = 16, .x = in, .t = time, .target = zero, .weight = zero};
  net_reference(&net_shape, c->theta, &batch, 1, -1, result, NULL, NULL, NULL);
  for (int j = 0; j < D; j++) out[j] = (double)result[j * 16];
}

static void exact_output(void *ctx, const SamplerStep *step, bool second, const double *x, double *out)
{
  const Case        *c = ctx;
  const Coefficients k = objective_coefficients(&c->spec, second ? step->next : step->t);
  double             f[D];
  target_posterior_mean(c->target, k.a, k.s, 1, x, f);
  for (int j = 0; j < D; j++) out[j] = objective_exact(&k, x[j], f[j]);
}

/* Every fifth of 70 particles from number 37 on. */
static void expect_reference(Case *c, double tolerance)
{
  enum { N = 70, FIRST = 37 };
  double start[D * N];
  float  got[D * N];
  sampler_start_normal(KEY, FIRST, D, N, start);
  case_run(c, isa_level(), FIRST, N, start, NULL, got);
  for (int i = 0; i < N; i += 5) {
    double x[D];
    for (int j = 0; j < D; j++) x[j] = start[j * N + i];
    sampler_reference(c->plan, c->target ? exact_output : net_output, c, c->noise, KEY, FIRST + i, D, x);
    for (int j = 0; j < D; j++)
      if (!(fabs(x[j] - (double)got[j * N + i]) <= tolerance * (1 + fabs(x[j]))))
        fail_msg("%s, particle %d component %d: expected %.9g, got %.9g, tolerance %.2g relative", c->name, i, j, x[j],
                 (double)got[j * N + i], tolerance);
  }
}

/* All predictions that the process knows, all samplers, both noises. */
static void each_case(const MixtureSpec *exact, void (*f)(Case *, double), double tolerance)
{
  for (int T = 0; T <= STEPS; T += STEPS)
    for (int p = 0; p < PREDICTIONS; p++)
      for (int kind = 0; kind < KINDS && p != (T ? PREDICT_VELOCITY : PREDICT_MEAN); kind++)
        for (int noise = 0; noise < 2; noise++) {
          Case c;
          case_open(&c, (Prediction)p, T, (SamplerKind)kind, (NoiseKind)noise, exact);
          f(&c, tolerance);
          case_close(&c);
        }
}

static void test_net_against_reference(void **state)
{
  (void)state;
  each_case(NULL, expect_reference, 1e-4);
}

static void test_exact_against_reference(void **state)
{
  (void)state;
  each_case(&one_mode, expect_reference, 1e-4);
}

/* Between two modes the posterior magnifies rounding, so only the samplers as they are used, and with room. */
static void test_mixture_against_reference(void **state)
{
  (void)state;
  for (int p = PREDICT_NOISE; p <= PREDICT_DATA; p++) {
    Case c;
    case_open(&c, (Prediction)p, 100, SAMPLER_ANCESTRAL, NOISE_RANDOM, &two_modes);
    expect_reference(&c, 1e-3);
    case_close(&c);
  }
}

static void moments(int64_t n, const float *x, double *mean, double *variance)
{
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)x[i];
  *mean = sum / (double)n;
  for (int64_t i = 0; i < n; i++) squares += ((double)x[i] - *mean) * ((double)x[i] - *mean);
  *variance = squares / (double)(n - 1);
}

/* Deterministic noise follows no independent law: u_{t+1} is the fractional part of 10 u_t, so that neighbouring z correlate. */
static void expect_law(Case *c, double z)
{
  enum { N = 4000 };
  if (c->noise == NOISE_DETERMINISTIC) return;
  double *start = mem_calloc(D * N, sizeof *start);
  float  *x     = mem_calloc(D * N, sizeof *x);
  sampler_start_normal(KEY + 1, 0, D, N, start);
  case_run(c, isa_level(), 0, N, start, NULL, x);
  for (int j = 0; j < D; j++) {
    const Law expected = law_after(&c->spec, c->plan, (Law){means[j], variances[j]}, (Law){0, 1});
    double    mean, variance;
    moments(N, x + j * N, &mean, &variance);
    const double of_mean = z * sqrt(expected.variance / N), of_variance = z * expected.variance * sqrt(2.0 / N);
    if (!(fabs(mean - expected.mean) <= of_mean + 1e-5) || !(fabs(variance - expected.variance) <= of_variance + 1e-5))
      fail_msg("%s, component %d: expected mean %.6g +- %.2g and variance %.6g +- %.2g, got %.6g and %.6g", c->name, j, expected.mean,
               of_mean, expected.variance, of_variance, mean, variance);
  }
  free(start);
  free(x);
}

static void test_law_of_gaussian_data(void **state)
{
  (void)state;
  each_case(&one_mode, expect_law, 4.5);
}

/* whole_step keeps 0.44 to 0.46 of the variance of either mode at T = 100, and the modes share the samples evenly. */
static void test_whole_step_halves_the_variance(void **state)
{
  (void)state;
  enum { N = 4000 };
  double *start = mem_calloc(D * N, sizeof *start);
  float  *x     = mem_calloc(D * N, sizeof *x);
  Case    c;
  case_open(&c, PREDICT_DATA, 100, SAMPLER_ANCESTRAL, NOISE_RANDOM, &two_modes);
  sampler_start_normal(KEY + 2, 0, D, N, start);
  case_run(&c, isa_level(), 0, N, start, NULL, x);
  for (int mode = 0; mode < 2; mode++) {
    int   n = 0;
    float kept[N];
    for (int i = 0; i < N; i++)
      if ((x[i] > 0) == mode) kept[n++] = x[i];
    double       mean, variance;
    const double v = variances[D * mode], expected = law_after(&c.spec, c.plan, (Law){means[D * mode], v}, (Law){0, 1}).variance;
    moments(n, kept, &mean, &variance);
    if (fabs(n - N / 2.0) > 4.5 * sqrt(N / 4.0)) fail_msg("mode %d: expected %d samples of %d, got %d", mode, N / 2, N, n);
    if (fabs(variance - expected) > 4.5 * expected * sqrt(2.0 / n))
      fail_msg("mode %d: expected variance ratio %.4g, got %.4g", mode, expected / v, variance / v);
    assert_true(expected / v > 0.42 && expected / v < 0.48);
  }
  case_close(&c);
  free(start);
  free(x);
}

static void expect_same(const char *what, const Case *c, int64_t n, int64_t stride, const float *expected, const float *got)
{
  for (int j = 0; j < D; j++)
    for (int64_t i = 0; i < n; i++)
      if (memcmp(&expected[j * stride + i], &got[j * n + i], sizeof *got) != 0)
        fail_msg("%s, %s, particle %d component %d: expected %a, got %a", what, c->name, (int)i, j, (double)expected[j * stride + i],
                 (double)got[j * n + i]);
}

/* The same bits on every ISA level, for every cut, and alone. */
static void expect_bits(Case *c, double tolerance)
{
  enum { N = 150, FIRST = 1000 };
  (void)tolerance;
  const int cut[] = {0, 1, 38, 102, 150};
  double    start[D * N], part[D * N];
  float     expected[D * N], got[D * N];
  sampler_start_normal(KEY, FIRST, D, N, start);
  case_run(c, ISA_BASE, FIRST, N, start, NULL, expected);
  for (int isa = ISA_V3; isa <= (int)isa_level(); isa++) {
    case_run(c, (IsaLevel)isa, FIRST, N, start, NULL, got);
    expect_same(isa_name((IsaLevel)isa), c, N, N, expected, got);
  }
  for (int k = 0; k < 4; k++) {
    const int n = cut[k + 1] - cut[k];
    for (int j = 0; j < D; j++) memcpy(part + j * n, start + j * N + cut[k], (size_t)n * sizeof *part);
    case_run(c, isa_level(), FIRST + cut[k], n, part, NULL, got);
    expect_same("a part", c, n, N, expected + cut[k], got);
  }
}

static void test_bits(void **state)
{
  (void)state;
  each_case(NULL, expect_bits, 0);
  each_case(&two_modes, expect_bits, 0);
}

/* A snapshot after k steps is what the plan's first k steps give. */
static void test_snapshots(void **state)
{
  (void)state;
  enum { N = 100, COUNT = 4 };
  const int     step[COUNT] = {0, 3, 19, 20};
  double        start[D * N];
  float         x[D * N], shot[COUNT * D * N], expected[D * N];
  SamplerRecord record = {COUNT, step, shot};
  Case          c;
  sampler_start_grid(10, 7, 0, N, start);
  for (int noise = 0; noise < 2; noise++) {
    case_open(&c, PREDICT_NOISE, STEPS, SAMPLER_ANCESTRAL, (NoiseKind)noise, &two_modes);
    case_run(&c, isa_level(), 0, N, start, &record, x);
    expect_same("last", &c, N, N, x, shot + (COUNT - 1) * D * N);
    for (int i = 0; i < D * N; i++) expected[i] = (float)start[i];
    expect_same("start", &c, N, N, expected, shot);
    for (int k = 1; k < COUNT; k++) {
      c.plan->n_steps = step[k];
      case_run(&c, isa_level(), 0, N, start, NULL, expected);
      expect_same("snapshot", &c, N, N, expected, shot + k * D * N);
    }
    case_close(&c);
  }
}

typedef struct Patience {
  int     asked, until;
  int64_t done, total;
} Patience;

static bool stop_after(void *ctx)
{
  Patience *p = ctx;
  return ++p->asked >= p->until;
}

static void note_progress(void *ctx, const char *phase, int64_t done, int64_t total)
{
  Patience *p = ctx;
  assert_string_equal(phase, "sampling");
  assert_true(done >= p->done && done <= total);
  p->done  = done;
  p->total = total;
}

/* Some 20 ms of work: asked more than once and less than once a step; told to stop, it stops. */
static void test_watch(void **state)
{
  (void)state;
  enum { N = 30000 };
  double  *start = mem_calloc(D * N, sizeof *start);
  float   *x     = mem_calloc(D * N, sizeof *x);
  Patience p     = {.until = 1 << 30};
  Watch    watch = {note_progress, stop_after, &p};
  Case     c;
  case_open(&c, PREDICT_DATA, 100, SAMPLER_DDIM, NOISE_RANDOM, NULL);
  assert_false(case_run_watched(&c, isa_level(), 0, N, start, NULL, x, &watch));
  assert_true(p.asked > 3 && p.asked < 1000 && p.total == N && p.done > N / 2);
  p = (Patience){.until = 2};
  assert_true(case_run_watched(&c, isa_level(), 0, N, start, NULL, x, &watch));
  assert_int_equal(p.asked, 2);
  assert_true(sampler_seconds(c.plan, &net_shape, N) > 0 && sampler_seconds(c.plan, NULL, N) > 0);
  case_close(&c);
  free(start);
  free(x);
}

/* Normal by a Kolmogorov-Smirnov bound (p about 1e-5), uncorrelated, and the same for every cut. */
static void test_normal_starts(void **state)
{
  (void)state;
  enum { N = 20000, D3 = 3, FROM = 777 };
  double *x         = mem_calloc(D3 * N, sizeof *x), part[D3 * 50];
  int     below[41] = {0};
  sampler_start_normal(KEY, 0, D3, N, x);
  sampler_start_normal(KEY, FROM, D3, 50, part);
  for (int j = 0; j < D3; j++) {
    double product = 0;
    memset(below, 0, sizeof below);
    for (int i = 0; i < N; i++) {
      product += x[j * N + i] * x[(j + 1) % D3 * N + i] / N;
      for (int k = 0; k <= 40; k++) below[k] += x[j * N + i] < -4 + 0.2 * k;
    }
    for (int k = 0; k <= 40; k++) {
      const double expected = 0.5 * erfc(-(-4 + 0.2 * k) / sqrt(2)), got = (double)below[k] / N;
      if (fabs(got - expected) > 2.5 / sqrt(N))
        fail_msg("component %d below %.1f: expected %.4f, got %.4f", j, -4 + 0.2 * k, expected, got);
    }
    if (fabs(product) > 5 / sqrt(N)) fail_msg("components %d and next: correlation %.4f", j, product);
    assert_memory_equal(part + j * 50, x + j * N + FROM, sizeof(double) * 50);
  }
  free(x);
}

static void test_grid_starts(void **state)
{
  (void)state;
  double x[2 * 100], part[2 * 3];
  sampler_start_grid(10, 7, 0, 100, x);
  sampler_start_grid(10, 7, 18, 3, part);
  for (int i = 0; i < 100; i++) {
    const double expected[] = {-7 + 14.0 * (i % 10) / 9, -7 + 14.0 * (i / 10) / 9};
    for (int j = 0; j < 2; j++)
      if (fabs(x[j * 100 + i] - expected[j]) > 1e-14)
        fail_msg("point %d component %d: expected %.17g, got %.17g", i, j, expected[j], x[j * 100 + i]);
  }
  for (int j = 0; j < 2; j++) assert_memory_equal(part + j * 3, x + j * 100 + 18, sizeof(double) * 3);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_net_against_reference),
      cmocka_unit_test(test_exact_against_reference),
      cmocka_unit_test(test_mixture_against_reference),
      cmocka_unit_test(test_law_of_gaussian_data),
      cmocka_unit_test(test_whole_step_halves_the_variance),
      cmocka_unit_test(test_bits),
      cmocka_unit_test(test_snapshots),
      cmocka_unit_test(test_watch),
      cmocka_unit_test(test_normal_starts),
      cmocka_unit_test(test_grid_starts),
  };
  return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
