/* SPDX-License-Identifier: BSD-2-Clause
 * Nets: gradients against finite differences in float64, the fused kernels against the scalar reference, bits on every ISA level, forward
 * passes against each other, lanes of seeds against single models. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flush.h"
#include "memory.h"
#include "net.h"
#include "rng.h"

/* Shapes that cover activations, time features, depths, and odd numbers of everything. */
static const NetSpec shapes[] = {
    {.n_x = 2, .n_out = 2, .depth = 2, .width = 20, .activation = ACTIVATION_RELU, .time = TIME_PLAIN},
    {.n_x = 2, .n_out = 2, .depth = 2, .width = 16, .activation = ACTIVATION_TANH, .time = TIME_PLAIN},
    {.n_x = 2, .n_out = 2, .depth = 3, .width = 64, .activation = ACTIVATION_TANH, .time = TIME_LOG},
    {.n_x = 1, .n_out = 1, .depth = 0, .width = 1, .activation = ACTIVATION_TANH, .time = TIME_PLAIN},
    {.n_x = 5, .n_out = 3, .depth = 0, .width = 0, .activation = ACTIVATION_RELU, .time = TIME_FOURIER, .fourier = 3},
    {.n_x = 1, .n_out = 1, .depth = 1, .width = 1, .activation = ACTIVATION_SILU, .time = TIME_NONE},
    {.n_x = 3, .n_out = 4, .depth = 1, .width = 7, .activation = ACTIVATION_GELU, .time = TIME_FOURIER, .fourier = 4},
    {.n_x = 2, .n_out = 3, .depth = 4, .width = 13, .activation = ACTIVATION_SILU, .time = TIME_LOG},
    {.n_x = 17, .n_out = 19, .depth = 3, .width = 33, .activation = ACTIVATION_GELU, .time = TIME_PLAIN},
    {.n_x = 10, .n_out = 10, .depth = 2, .width = 31, .activation = ACTIVATION_RELU, .time = TIME_NONE},
    {.n_x = 1, .n_out = 2, .depth = 2, .width = 128, .activation = ACTIVATION_TANH, .time = TIME_FOURIER, .fourier = 1},
    {.n_x = 33, .n_out = 5, .depth = 1, .width = 50, .activation = ACTIVATION_RELU, .time = TIME_PLAIN},
    {.n_x = 3, .n_out = 2, .depth = 2, .width = 160, .activation = ACTIVATION_SILU, .time = TIME_PLAIN},
    {.n_x = 140, .n_out = 131, .depth = 1, .width = 11, .activation = ACTIVATION_TANH, .time = TIME_NONE},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };
static const int sizes[] = {1, 15, 16, 37, 64, 65, 130};
enum { SIZES = sizeof sizes / sizeof *sizes, SIZE_MAX_ = 130, STRIDE = 160 };

static const char *name_of(const NetSpec *s)
{
  static char text[100];
  snprintf(text, sizeof text, "%d-%dx%d-%d %s %s", s->n_x, s->depth, s->width, s->n_out, activation_names[s->activation],
           time_feature_names[s->time]);
  return text;
}

typedef struct Problem {
  int64_t  n;
  float   *theta, *x, *t, *target, *weight;
  NetBatch batch;
} Problem;

static float number(Rng *r, double low, double high) { return (float)(low + (high - low) * rng_uniform(r)); }

/* Beyond the samples: what must be ignored. */
static Problem problem_create(const NetSpec *s, int n, uint64_t key)
{
  Rng     r = rng_start(key, 1, RNG_VERIFY);
  Problem p = {.n = net_parameters(s)};
  p.theta   = mem_calloc((size_t)p.n, sizeof(float));
  p.x       = mem_calloc((size_t)s->n_x * STRIDE, sizeof(float));
  p.t       = mem_calloc(STRIDE, sizeof(float));
  p.target  = mem_calloc((size_t)s->n_out * STRIDE, sizeof(float));
  p.weight  = mem_calloc(STRIDE, sizeof(float));
  net_init(s, INIT_KAIMING, key, p.theta);
  for (int i = 0; i < STRIDE; i++) {
    for (int f = 0; f < s->n_x; f++) p.x[f * STRIDE + i] = i < n ? number(&r, -2, 2) : INFINITY;
    for (int f = 0; f < s->n_out; f++) p.target[f * STRIDE + i] = i < n ? number(&r, -1, 1) : -INFINITY;
    p.t[i]      = i < n ? number(&r, 0.01, 1) : INFINITY;
    p.weight[i] = i < n ? number(&r, 0.1, 2) : INFINITY;
  }
  p.batch = (NetBatch){n, STRIDE, p.x, s->time == TIME_NONE ? NULL : p.t, p.target, p.weight};
  return p;
}

static void problem_destroy(Problem *p)
{
  free(p->theta);
  free(p->x);
  free(p->t);
  free(p->target);
  free(p->weight);
}

static Net *create(const NetSpec *s, IsaLevel isa)
{
  Net *net = NULL;
  assert_int_equal(net_create(s, isa, &net), 0);
  return net;
}

static void expect_close(const char *what, const NetSpec *s, int64_t at, double expected, double got, double tolerance)
{
  if (!(fabs(expected - got) <= tolerance))
    fail_msg("%s of %s at %lld: expected %.9g, got %.9g, tolerance %.2g", what, name_of(s), (long long)at, expected, got, tolerance);
}

static double largest(int64_t n, const float *x)
{
  double most = 0;
  for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)x[i]));
  return most;
}

/* Central differences of the float64 loss; kinks of ReLU closer than the step are few, so the median of the errors decides there. */
static void test_reference_by_differences(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++) {
    const NetSpec *s     = &shapes[k];
    Problem        p     = problem_create(s, 9, 100 + (uint64_t)k);
    float         *g     = mem_calloc((size_t)p.n, sizeof *g);
    double        *theta = mem_calloc((size_t)p.n, sizeof *theta), loss, square;
    for (int64_t i = 0; i < p.n; i++) theta[i] = (double)p.theta[i];
    for (int component = -1; component<s->n_out; component += s->n_out> 4 ? 3 : 1) {
      net_reference(s, p.theta, &p.batch, 0.3, component, NULL, g, &loss, &square);
      const double exact = net_reference_loss(s, theta, &p.batch, 0.3, component), most = largest(p.n, g);
      expect_close("loss", s, component, exact, loss, 2e-6 * exact);
      int64_t bad = 0, checked = 0;
      for (int64_t i = 0; i < p.n; i += 1 + p.n / 300) {
        const double h = 1e-6, at = theta[i];
        theta[i]           = at + h;
        const double above = net_reference_loss(s, theta, &p.batch, 0.3, component);
        theta[i]           = at - h;
        const double below = net_reference_loss(s, theta, &p.batch, 0.3, component), d = (above - below) / (2 * h);
        theta[i] = at;
        if (s->activation == ACTIVATION_RELU)
          bad += !(fabs(d - (double)g[i]) <= 2e-5 * most);
        else
          expect_close("derivative", s, i, d, (double)g[i], 2e-5 * most);
        checked++;
      }
      if (bad * 50 > checked)
        fail_msg("%s: %lld of %lld derivatives differ from differences", name_of(s), (long long)bad, (long long)checked);
    }
    free(g);
    free(theta);
    problem_destroy(&p);
  }
}

/* sum over samples of |gradient of one sample|^2. */
static void test_square_by_samples(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++) {
    const NetSpec *s = &shapes[k];
    Problem        p = problem_create(s, 37, 200 + (uint64_t)k);
    float         *g = mem_calloc((size_t)p.n, sizeof *g);
    double         loss, reference, square, sum = 0;
    Net           *net = create(s, isa_level());
    net_reference(s, p.theta, &p.batch, 0.25, -1, NULL, g, &loss, &reference);
    for (int i = 0; i < p.batch.n; i++) {
      NetBatch one = {1, STRIDE, p.x + i, p.batch.t ? p.t + i : NULL, p.target + i, p.weight + i};
      net_reference(s, p.theta, &one, 1, -1, NULL, g, &loss, NULL);
      for (int64_t j = 0; j < p.n; j++) sum += (double)g[j] * (double)g[j];
    }
    net_gradient(net, p.theta, &p.batch, 0.25, -1, g, &loss, &square);
    expect_close("square of the reference", s, 0, sum, reference, 1e-5 * sum);
    expect_close("square", s, 0, sum, square, 1e-5 * sum);
    net_destroy(&net);
    free(g);
    problem_destroy(&p);
  }
}

static void compare_gradient(const NetSpec *s, Net *net, const Problem *p, double scale, int component, float *expected, float *got)
{
  double loss[2], square[2];
  net_reference(s, p->theta, &p->batch, scale, component, NULL, expected, &loss[0], &square[0]);
  net_gradient(net, p->theta, &p->batch, scale, component, got, &loss[1], &square[1]);
  const double most = largest(p->n, expected);
  for (int64_t i = 0; i < p->n; i++) expect_close("gradient", s, i, (double)expected[i], (double)got[i], 1e-5 * most);
  expect_close("loss", s, 0, loss[0], loss[1], 1e-6 * fabs(loss[0]));
  expect_close("square", s, 0, square[0], square[1], 1e-5 * square[0]);
  const unsigned before = flush_set(); /* no subnormals here: the same bits */
  net_gradient(net, p->theta, &p->batch, scale, component, expected, &loss[0], NULL);
  flush_restore(before);
  assert_memory_equal(expected, got, (size_t)p->n * sizeof *got);
}

static void test_gradient_is_reference(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++)
    for (int m = 0; m < SIZES; m++) {
      const NetSpec *s   = &shapes[k];
      Problem        p   = problem_create(s, sizes[m], 300 + (uint64_t)(k * SIZES + m));
      float         *g   = mem_calloc((size_t)p.n, 2 * sizeof *g);
      Net           *net = create(s, isa_level());
      compare_gradient(s, net, &p, 1.0 / sizes[m], -1, g, g + p.n);
      compare_gradient(s, net, &p, 0.7, s->n_out - 1, g, g + p.n);
      net_destroy(&net);
      free(g);
      problem_destroy(&p);
    }
}

static void test_errors(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++) {
    const NetSpec *s   = &shapes[k];
    Problem        p   = problem_create(s, 101, 400 + (uint64_t)k);
    float         *g   = mem_calloc((size_t)p.n, sizeof *g);
    double        *got = mem_calloc((size_t)s->n_out, sizeof *got), expected;
    Net           *net = create(s, isa_level());
    net_errors(net, p.theta, &p.batch, got);
    for (int j = 0; j < s->n_out; j++) {
      net_reference(s, p.theta, &p.batch, 1, j, NULL, g, &expected, NULL);
      expect_close("error", s, j, expected, got[j], 2e-6 * expected);
    }
    net_destroy(&net);
    free(g);
    free(got);
    problem_destroy(&p);
  }
}

/* Every level, also with the samples' places behind them in other bits. */
static void test_bits_of_levels(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++)
    for (int m = 0; m < SIZES; m++) {
      const NetSpec *s    = &shapes[k];
      Problem        p    = problem_create(s, sizes[m], 500 + (uint64_t)(k * SIZES + m));
      const size_t   rows = (size_t)(s->n_out + s->width) * STRIDE;
      float         *g = mem_calloc((size_t)p.n, 3 * sizeof *g), *out = mem_calloc(rows, 3 * sizeof *out);
      double         loss[3], square[3];
      for (int isa = ISA_BASE; isa <= (int)isa_level(); isa++) {
        Net   *net = create(s, (IsaLevel)isa);
        float *o   = out + (size_t)isa * rows;
        net_gradient(net, p.theta, &p.batch, 0.1, -1, g + isa * p.n, &loss[isa], &square[isa]);
        net_load(net, p.theta);
        net_forward_times(net, sizes[m], STRIDE, p.x, p.t, o);
        if (s->time == TIME_NONE) net_hidden(net, sizes[m], STRIDE, p.x, o + s->n_out * STRIDE);
        net_destroy(&net);
        if (memcmp(g, g + isa * p.n, (size_t)p.n * sizeof *g) != 0 || memcmp(out, o, rows * sizeof *o) != 0 ||
            memcmp(&loss[0], &loss[isa], sizeof *loss) != 0 || memcmp(&square[0], &square[isa], sizeof *square) != 0)
          fail_msg("%s, %d samples: other bits on %s than on base", name_of(s), sizes[m], isa_name((IsaLevel)isa));
      }
      free(g);
      free(out);
      problem_destroy(&p);
    }
}

/* Against the reference; and a sample's bits at any place, with any neighbours, with the time folded or not. */
static void test_forward(void **state)
{
  (void)state;
  enum { N = 130 };
  for (int k = 0; k < SHAPES; k++) {
    const NetSpec *s    = &shapes[k];
    Problem        p    = problem_create(s, N, 600 + (uint64_t)k);
    Net           *net  = create(s, isa_level());
    const size_t   rows = (size_t)s->n_out * STRIDE;
    float *expected = mem_calloc(rows, sizeof(float)), *got = mem_calloc(rows, sizeof(float)), *one = mem_calloc(rows, sizeof(float));
    float *bias = mem_calloc((size_t)(s->n_out + s->width), sizeof(float));
    net_reference(s, p.theta, &p.batch, 1, -1, expected, NULL, NULL, NULL);
    net_load(net, p.theta);
    net_forward_times(net, N, STRIDE, p.x, p.t, got);
    const double most = largest((int64_t)rows, expected);
    for (int j = 0; j < s->n_out; j++)
      for (int i = 0; i < N; i++)
        expect_close("output", s, i, (double)expected[j * STRIDE + i], (double)got[j * STRIDE + i], 3e-6 * fmax(1, most));
    for (int i = 0; i < N; i += 7) {
      const int n = 1 + i % 3 * 20, first = N - n < i ? N - n : i;
      net_forward_times(net, n, STRIDE, p.x + first, p.t + first, one);
      for (int j = 0; j < s->n_out; j++)
        if (memcmp(one + j * STRIDE + i - first, got + j * STRIDE + i, 4) != 0)
          fail_msg("%s: output %d of sample %d is %a among %d, %a among %d", name_of(s), j, i, (double)got[j * STRIDE + i], N,
                   (double)one[j * STRIDE + i - first], n);
      net_fold_time(net, p.t[i], bias);
      net_forward(net, bias, first + n > N - 16 ? n : n + 3, STRIDE, p.x + first, one);
      for (int j = 0; j < s->n_out; j++)
        if (memcmp(one + j * STRIDE + i - first, got + j * STRIDE + i, 4) != 0)
          fail_msg("%s: output %d of sample %d is %a with its time folded, %a without", name_of(s), j, i,
                   (double)one[j * STRIDE + i - first], (double)got[j * STRIDE + i]);
    }
    net_destroy(&net);
    free(expected);
    free(got);
    free(one);
    free(bias);
    problem_destroy(&p);
  }
}

/* The output layer applied to the activated pre-activations. */
static void test_hidden(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++) {
    const NetSpec *s = &shapes[k];
    if (s->time != TIME_NONE || s->depth == 0) continue;
    enum { N = 70 };
    Problem p        = problem_create(s, N, 700 + (uint64_t)k);
    Net    *net      = create(s, isa_level());
    float  *hidden   = mem_calloc((size_t)s->width * STRIDE, sizeof(float));
    float  *expected = mem_calloc((size_t)s->width * STRIDE, sizeof(float));
    /* the net cut before its last layer: without an activation a hidden layer is an output */
    NetSpec cut = *s;
    cut.n_out   = s->width;
    cut.depth--;
    net_load(net, p.theta);
    net_hidden(net, N, STRIDE, p.x, hidden);
    net_reference(&cut, p.theta, &p.batch, 1, -1, expected, NULL, NULL, NULL);
    for (int j = 0; j < s->width; j++)
      for (int i = 0; i < N; i++) expect_close("hidden", s, j, (double)expected[j * STRIDE + i], (double)hidden[j * STRIDE + i], 1e-5);
    net_destroy(&net);
    free(hidden);
    free(expected);
    problem_destroy(&p);
  }
}

typedef struct Lanes {
  float *theta, *x, *t, *target, *weight, *gradient;
  double loss[NET_LANES];
} Lanes;

static void put_lane(const NetSpec *s, int n, const Problem *p, int lane, Lanes *l)
{
  for (int64_t i = 0; i < p->n; i++) l->theta[i * 16 + lane] = p->theta[i];
  for (int i = 0; i < n; i++) {
    for (int f = 0; f < s->n_x; f++) l->x[(i * s->n_x + f) * 16 + lane] = p->x[f * STRIDE + i];
    for (int f = 0; f < s->n_out; f++) l->target[(i * s->n_out + f) * 16 + lane] = p->target[f * STRIDE + i];
    l->t[i * 16 + lane]      = p->t[i];
    l->weight[i * 16 + lane] = p->weight[i];
  }
}

static Lanes lanes_create(const NetSpec *s, int n)
{
  const size_t parameters = (size_t)net_parameters(s) * 16, samples = (size_t)n * 16;
  return (Lanes){.theta    = mem_calloc(parameters, sizeof(float)),
                 .x        = mem_calloc(samples * (size_t)s->n_x, sizeof(float)),
                 .t        = mem_calloc(samples, sizeof(float)),
                 .target   = mem_calloc(samples * (size_t)s->n_out, sizeof(float)),
                 .weight   = mem_calloc(samples, sizeof(float)),
                 .gradient = mem_calloc(parameters, sizeof(float))};
}

static void lanes_destroy(Lanes *l)
{
  free(l->theta);
  free(l->x);
  free(l->t);
  free(l->target);
  free(l->weight);
  free(l->gradient);
}

static void run_lanes(const NetSpec *s, IsaLevel isa, int n, Lanes *l)
{
  Net                *net = create(s, isa);
  const NetLanesBatch b   = {n, l->x, s->time == TIME_NONE ? NULL : l->t, l->target, l->weight};
  net_gradient_lanes(net, l->theta, &b, 0.3, l->gradient, l->loss);
  net_destroy(&net);
}

static void expect_lane_bits(const NetSpec *s, const char *what, int lane, const Lanes *a, int other, const Lanes *b)
{
  for (int64_t i = 0; i < net_parameters(s); i++)
    if (memcmp(&a->gradient[i * 16 + lane], &b->gradient[i * 16 + other], 4) != 0)
      fail_msg("%s, %s: derivative %lld is %a or %a", name_of(s), what, (long long)i, (double)a->gradient[i * 16 + lane],
               (double)b->gradient[i * 16 + other]);
  assert_memory_equal(&a->loss[lane], &b->loss[other], sizeof(double));
}

/* Each lane against the reference; the same bits on every level, and with other neighbours in another lane. */
static void test_lanes(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++)
    for (int n = 1; n <= 27; n += 13) { /* 1; 8, 4, 2; 3 x 8, 2, 1 */
      const NetSpec *s = &shapes[k];
      Lanes          a = lanes_create(s, n), b = lanes_create(s, n);
      Problem        p[NET_LANES];
      float         *g = mem_calloc((size_t)net_parameters(s), sizeof *g);
      double         loss;
      for (int i = 0; i < NET_LANES; i++) {
        p[i] = problem_create(s, n, 800 + (uint64_t)(k * NET_LANES + i));
        put_lane(s, n, &p[i], i, &a);
      }
      run_lanes(s, isa_level(), n, &a);
      for (int i = 0; i < NET_LANES; i++) {
        net_reference(s, p[i].theta, &p[i].batch, 0.3, -1, NULL, g, &loss, NULL);
        expect_close("loss of a lane", s, i, loss, a.loss[i], 2e-6 * loss);
        const double most = largest(p[i].n, g);
        for (int64_t j = 0; j < p[i].n; j++)
          expect_close("gradient of a lane", s, j, (double)g[j], (double)a.gradient[j * 16 + i], 3e-6 * most);
      }
      put_lane(s, n, &p[3], 11, &b);
      for (int isa = ISA_BASE; isa <= (int)isa_level(); isa++) {
        run_lanes(s, (IsaLevel)isa, n, &b);
        expect_lane_bits(s, isa_name((IsaLevel)isa), 3, &a, 11, &b);
      }
      for (int i = 0; i < NET_LANES; i++) problem_destroy(&p[i]);
      free(g);
      lanes_destroy(&a);
      lanes_destroy(&b);
    }
}

/* U(-bound, bound): extremes and variance of the many; PyTorch's bounds. */
static void test_init(void **state)
{
  (void)state;
  const NetSpec s = {.n_x = 20, .n_out = 3, .depth = 2, .width = 100, .activation = ACTIVATION_RELU, .time = TIME_FOURIER, .fourier = 5};
  const int64_t n = net_parameters(&s);
  float        *theta = mem_calloc((size_t)n, sizeof *theta);
  assert_int_equal(n, 30 * 100 + 100 + 100 * 100 + 100 + 100 * 3 + 3);
  assert_true(net_flops(&s) == 2.0 * (3000 + 10000 + 300));
  for (int kind = 0; kind < 2; kind++) {
    net_init(&s, (NetInit)kind, 5, theta);
    const double  bound[] = {kind == INIT_KAIMING ? 1 / sqrt(30) : sqrt(6.0 / 130), kind == INIT_KAIMING ? 0.1 : sqrt(6.0 / 200)};
    const int64_t start[] = {0, 3100}, count[] = {3000, 10000};
    for (int l = 0; l < 2; l++) {
      double most = 0, square = 0;
      for (int64_t i = 0; i < count[l]; i++) {
        most = fmax(most, fabs((double)theta[start[l] + i]));
        square += (double)theta[start[l] + i] * (double)theta[start[l] + i];
      }
      expect_close("largest weight", &s, l, bound[l], most, 0.003 * bound[l]);
      assert_true(most <= bound[l]);
      expect_close("variance", &s, l, bound[l] * bound[l] / 3, square / (double)count[l], 0.05 * bound[l] * bound[l]);
      for (int64_t i = 0; i < 100; i++) {
        const double b = (double)theta[start[l] + count[l] + i];
        if (kind == INIT_XAVIER ? b != 0 : b == 0 || fabs(b) > bound[l]) fail_msg("bias %lld of layer %d is %g", (long long)i, l, b);
      }
    }
  }
  free(theta);
}

/* A net of one unit is its activation: against double. z itself is exact: weight 1, bias 0. */
static void test_activations(void **state)
{
  (void)state;
  enum { N = 64 };
  for (int kind = 0; kind <= ACTIVATION_GELU; kind++)
    for (int isa = ISA_BASE; isa <= (int)isa_level(); isa++) {
      const NetSpec s        = {.n_x = 1, .n_out = 1, .depth = 1, .width = 1, .activation = (Activation)kind};
      const float   theta[4] = {1, 0, 1, 0}, bias = 0;
      Net          *net = create(&s, (IsaLevel)isa);
      float         x[N], y[N];
      net_load(net, theta);
      for (int k = 0; k < 3000; k++) {
        for (int i = 0; i < N; i++)
          x[i] = k < 2000 ? (float)((k * N + i - 64000) * 1.57e-4) : (float)(pow(10, -(k * N + i - 128000) * 5e-4) * (i % 2 ? 1 : -1));
        net_forward(net, &bias, N, N, x, y);
        for (int i = 0; i < N; i++) {
          const double z          = (double)x[i];
          const double expected[] = {z > 0 ? z : 0, tanh(z), z / (1 + exp(-z)), 0.5 * z * erfc(-z * M_SQRT1_2)};
          const double tolerance =
              kind == ACTIVATION_TANH ? 2e-7 * fabs(expected[1]) : 2.5e-7 * fmin(fabs(z), 1) + 1.3e-7 * fabs(expected[kind]);
          expect_close(activation_names[kind], &s, k, expected[kind], (double)y[i], kind == ACTIVATION_RELU ? 0 : tolerance + 1e-36);
        }
      }
      const float special[16] = {NAN, -0.0f, INFINITY, -INFINITY, 1e30f, -1e30f};
      net_forward(net, &bias, 16, 16, special, y);
      assert_true(isnan(y[0]));
      assert_true(y[1] == 0);
      assert_true(kind == ACTIVATION_TANH ? y[2] == 1 && y[3] == -1 && y[4] == 1 && y[5] == -1 : y[4] == 1e30f && y[5] == 0);
      net_destroy(&net);
    }
}

/* A linear net that puts a feature out: against double, from far below 1 to far above. */
static void test_time_features(void **state)
{
  (void)state;
  enum { N = 64, K = 20 };
  for (int log_time = 0; log_time < 2; log_time++)
    for (int isa = ISA_BASE; isa <= (int)isa_level(); isa++) {
      const NetSpec s     = {.n_x = 1, .n_out = log_time ? 1 : 2 * K, .time = log_time ? TIME_LOG : TIME_FOURIER, .fourier = K};
      const int     in    = 1 + net_time_features(&s);
      float        *theta = mem_calloc((size_t)net_parameters(&s), sizeof *theta), x[N] = {0}, t[N], y[2 * K * N], bias[2 * K], one[2 * K];
      Net          *net = create(&s, (IsaLevel)isa);
      for (int j = 0; j < s.n_out; j++) theta[j * in + 1 + j] = 1;
      net_load(net, theta);
      for (int k = 0; k < 40; k++) {
        for (int i = 0; i < N; i++) t[i] = (float)(log_time ? pow(10, (k * N + i) * 0.028 - 36) : (k * N + i) * 0.00317 - 1);
        net_forward_times(net, N, N, x, t, y);
        for (int j = 0; j < s.n_out; j++)
          for (int i = 0; i < N; i++) {
            const double turn     = fmod(ldexp((double)t[i], j % K), 2); /* exact */
            const double expected = log_time ? log((double)t[i]) : j < K ? sin(M_PI * turn) : cos(M_PI * turn);
            expect_close("feature", &s, j, expected, (double)y[j * N + i], log_time ? 1.2e-7 * fabs(expected) : 1.5e-7);
          }
        net_fold_time(net, t[k], bias);
        net_forward_times(net, 1, 16, x, t + k, y);
        for (int j = 0; j < s.n_out; j++) one[j] = y[16 * j];
        assert_memory_equal(one, bias, (size_t)s.n_out * sizeof *one);
      }
      net_destroy(&net);
      free(theta);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reference_by_differences),
      cmocka_unit_test(test_square_by_samples),
      cmocka_unit_test(test_gradient_is_reference),
      cmocka_unit_test(test_errors),
      cmocka_unit_test(test_bits_of_levels),
      cmocka_unit_test(test_forward),
      cmocka_unit_test(test_hidden),
      cmocka_unit_test(test_lanes),
      cmocka_unit_test(test_init),
      cmocka_unit_test(test_activations),
      cmocka_unit_test(test_time_features),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
