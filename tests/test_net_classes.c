/* SPDX-License-Identifier: BSD-2-Clause
 * Cross-entropies of nets: against the scalar reference of squared errors, whose derivatives by the outputs are made the same by a choice
 * of targets (out - (p - y)) and weights (half); bits on every ISA level; batches that are added. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "net.h"
#include "rng.h"

static const NetSpec shapes[] = {
    {.n_x = 10, .n_out = 2, .depth = 2, .width = 32, .activation = ACTIVATION_RELU, .time = TIME_PLAIN},
    {.n_x = 11, .n_out = 3, .depth = 3, .width = 17, .activation = ACTIVATION_SILU, .time = TIME_PLAIN},
    {.n_x = 1, .n_out = 2, .depth = 0, .width = 0, .activation = ACTIVATION_TANH, .time = TIME_NONE},
    {.n_x = 3, .n_out = 8, .depth = 1, .width = 5, .activation = ACTIVATION_TANH, .time = TIME_LOG},
    {.n_x = 20, .n_out = 19, .depth = 2, .width = 64, .activation = ACTIVATION_GELU, .time = TIME_NONE},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, STRIDE = 208 };
static const int sizes[] = {1, 16, 37, 64, 65, 200};
enum { SIZES = sizeof sizes / sizeof *sizes };

typedef struct Problem {
  const NetSpec *spec;
  int64_t        n;
  float         *theta, *x, *t, *weight;
  uint8_t       *label;
  NetClassBatch  batch;
} Problem;

static float number(Rng *r, double low, double high) { return (float)(low + (high - low) * rng_uniform(r)); }

static Problem problem_create(const NetSpec *s, int n, uint64_t key)
{
  Rng     r = rng_start(key, 1, RNG_VERIFY);
  Problem p = {.spec = s, .n = net_parameters(s)};
  p.theta   = mem_calloc((size_t)p.n, sizeof(float));
  p.x       = mem_calloc((size_t)s->n_x * STRIDE, sizeof(float));
  p.t       = mem_calloc(STRIDE, sizeof(float));
  p.weight  = mem_calloc(STRIDE, sizeof(float));
  p.label   = mem_calloc((size_t)n, 1); /* as long as it has to be */
  net_init(s, INIT_KAIMING, key, p.theta);
  for (int64_t i = 0; i < p.n; i++) p.theta[i] *= 2;
  for (int i = 0; i < STRIDE; i++) {
    for (int f = 0; f < s->n_x; f++) p.x[f * STRIDE + i] = i < n ? number(&r, -2, 2) : INFINITY;
    p.t[i]      = i < n ? number(&r, 0.01, 1) : INFINITY;
    p.weight[i] = i < n ? number(&r, 0, 2) : INFINITY;
    if (i < n) p.label[i] = (uint8_t)rng_below(&r, (uint32_t)s->n_out);
  }
  p.batch = (NetClassBatch){n, STRIDE, p.x, s->time == TIME_NONE ? NULL : p.t, p.label, p.weight};
  return p;
}

static void problem_destroy(Problem *p)
{
  free(p->theta);
  free(p->x);
  free(p->t);
  free(p->weight);
  free(p->label);
}

static void expect_close(const char *what, const Problem *p, int64_t at, double expected, double got, double tolerance)
{
  if (!(fabs(expected - got) <= tolerance))
    fail_msg("%s of %d-%dx%d-%d, %d samples, at %lld: expected %.9g, got %.9g, tolerance %.2g", what, p->spec->n_x, p->spec->depth,
             p->spec->width, p->spec->n_out, p->batch.n, (long long)at, expected, got, tolerance);
}

/* The squared error with the same derivatives; returns the loss in double, from the outputs. */
static double reference(const Problem *p, double scale, float *gradient, double *square)
{
  const int n_out = p->spec->n_out;
  float    *out = mem_calloc((size_t)n_out * STRIDE, sizeof *out), *weight = mem_calloc(STRIDE, sizeof *weight);
  NetBatch  batch = {p->batch.n, STRIDE, p->x, p->batch.t, out, weight};
  double    loss  = 0, other;
  net_reference(p->spec, p->theta, &batch, 1, -1, out, NULL, NULL, NULL);
  for (int i = 0; i < p->batch.n; i++) {
    double sum = 0;
    for (int j = 0; j < n_out; j++) sum += exp((double)out[j * STRIDE + i]);
    loss += scale * (double)p->weight[i] * (log(sum) - (double)out[p->label[i] * STRIDE + i]);
    for (int j = 0; j < n_out; j++) {
      const double z      = (double)out[j * STRIDE + i];
      out[j * STRIDE + i] = (float)(z - (exp(z) / sum - (j == p->label[i])));
    }
    weight[i] = p->weight[i] / 2;
  }
  net_reference(p->spec, p->theta, &batch, scale, -1, NULL, gradient, &other, square);
  free(out);
  free(weight);
  return loss;
}

static Net *create(const NetSpec *s, IsaLevel isa)
{
  Net *net = NULL;
  assert_int_equal(net_create(s, isa, &net), 0);
  return net;
}

static void test_against_reference(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++)
    for (int m = 0; m < SIZES; m++) {
      Problem      p = problem_create(&shapes[k], sizes[m], 10 + (uint64_t)(k * SIZES + m));
      float       *g = mem_calloc((size_t)p.n, 2 * sizeof *g), *got = g + p.n;
      Net         *net = create(p.spec, isa_level());
      double       loss, square, expected_square, most = 0;
      const double expected = reference(&p, 0.3, g, &expected_square);
      net_gradient_classes(net, p.theta, &p.batch, 0.3, false, got, &loss, &square);
      for (int64_t i = 0; i < p.n; i++) most = fmax(most, fabs((double)g[i]));
      for (int64_t i = 0; i < p.n; i++) expect_close("gradient", &p, i, (double)g[i], (double)got[i], 1e-5 * most);
      expect_close("loss", &p, 0, expected, loss, 2e-6 * expected + 1e-7);
      expect_close("square", &p, 0, expected_square, square, 1e-5 * expected_square);
      net_destroy(&net);
      free(g);
      problem_destroy(&p);
    }
}

/* Two calls, the second added, have the gradient's bits of one when the first has whole blocks. */
static void test_added_batches(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++) {
    Problem       p = problem_create(&shapes[k], 200, 50 + (uint64_t)k);
    float        *g = mem_calloc((size_t)p.n, 2 * sizeof *g), *got = g + p.n;
    Net          *net   = create(p.spec, isa_level());
    const float  *t     = p.batch.t ? p.t + 128 : NULL;
    NetClassBatch whole = p.batch, front = p.batch, rest = {72, STRIDE, p.x + 128, t, p.label + 128, p.weight + 128}, none = front;
    double        loss[2], square[2];
    front.n = 128;
    none.n  = 0;
    net_gradient_classes(net, p.theta, &whole, 0.3, false, g, &loss[0], &square[0]);
    for (int64_t i = 0; i < p.n; i++) got[i] = NAN;
    loss[1] = square[1] = NAN;
    net_gradient_classes(net, p.theta, &front, 0.3, false, got, &loss[1], &square[1]);
    net_gradient_classes(net, p.theta, &none, 0.3, true, got, &loss[1], &square[1]);
    net_gradient_classes(net, p.theta, &rest, 0.3, true, got, &loss[1], &square[1]);
    assert_memory_equal(g, got, (size_t)p.n * sizeof *g);
    expect_close("loss of two", &p, 0, loss[0], loss[1], 1e-14 * loss[0]);
    expect_close("square of two", &p, 0, square[0], square[1], 1e-14 * square[0]);
    net_gradient_classes(net, p.theta, &none, 0.3, false, got, &loss[1], NULL);
    for (int64_t i = 0; i < p.n; i++) expect_close("gradient of nothing", &p, i, 0, (double)got[i], 0);
    expect_close("loss of nothing", &p, 0, 0, loss[1], 0);
    net_destroy(&net);
    free(g);
    problem_destroy(&p);
  }
}

static void test_bits_of_levels(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++)
    for (int m = 0; m < SIZES; m++) {
      Problem p = problem_create(&shapes[k], sizes[m], 90 + (uint64_t)(k * SIZES + m));
      float  *g = mem_calloc((size_t)p.n, 3 * sizeof *g);
      double  loss[3], square[3];
      for (int isa = ISA_BASE; isa <= (int)isa_level(); isa++) {
        Net *net = create(p.spec, (IsaLevel)isa);
        net_gradient_classes(net, p.theta, &p.batch, 0.1, false, g + isa * p.n, &loss[isa], &square[isa]);
        net_destroy(&net);
        if (memcmp(g, g + isa * p.n, (size_t)p.n * sizeof *g) != 0 || memcmp(&loss[0], &loss[isa], sizeof *loss) != 0 ||
            memcmp(&square[0], &square[isa], sizeof *square) != 0)
          fail_msg("shape %d, %d samples: other bits on %s than on base", k, sizes[m], isa_name((IsaLevel)isa));
      }
      free(g);
      problem_destroy(&p);
    }
}

/* Logits far apart: probabilities 0 and 1, no overflow; the loss is the distance. */
static void test_certain(void **state)
{
  (void)state;
  const NetSpec       s       = {.n_x = 1, .n_out = 3, .depth = 0, .time = TIME_NONE};
  const float         theta[] = {0, 0, 0, 300, -300, 0};
  float               x[16] = {1, 1, 1}, weight[16] = {1, 1, 0.5f}, g[6];
  const uint8_t       label[]    = {0, 1, 2};
  const NetClassBatch batch      = {3, 16, x, NULL, label, weight};
  const float         expected[] = {1.5f, -1, -0.5f, 1.5f, -1, -0.5f}; /* labels 1 and 2 missed: p = (1, 0, 0) */
  Net                *net        = create(&s, isa_level());
  double              loss;
  net_gradient_classes(net, theta, &batch, 1, false, g, &loss, NULL);
  for (int i = 0; i < 6; i++)
    if (!(fabsf(g[i] - expected[i]) <= 1e-6f)) fail_msg("gradient %d: expected %g, got %g", i, (double)expected[i], (double)g[i]);
  if (!(fabs(loss - 750) <= 1e-4)) fail_msg("loss: expected 750, got %.9g", loss);
  net_destroy(&net);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_against_reference),
      cmocka_unit_test(test_added_batches),
      cmocka_unit_test(test_bits_of_levels),
      cmocka_unit_test(test_certain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
