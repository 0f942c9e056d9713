/* SPDX-License-Identifier: BSD-2-Clause
 * Vector functions of every ISA level of this machine: the same bits on all, errors against double in units in the last place, exact
 * operations against C, Philox against Random123. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "isa.h"
#include "rng.h"
#include "vector_kernel.h"

static VectorApply *const  apply[]  = {vector_apply_base, vector_apply_v3, vector_apply_v4};
static VectorSum *const    sum[]    = {vector_sum_base, vector_sum_v3, vector_sum_v4};
static VectorBlocks *const blocks[] = {vector_blocks_base, vector_blocks_v3, vector_blocks_v4};
static VectorKeys *const   keys[]   = {vector_keys_base, vector_keys_v3, vector_keys_v4};

static const char *const names[OP_COUNT] = {"exp",      "expm1",      "log", "sin(pi x)", "cos(pi x)", "sin(pi x/4)", "cos(pi x/4)",
                                            "e^{-t/2}", "1 - e^{-t}", "fma", "max",       "min",       "sqrt"};

enum { N = 4096 };

static uint32_t bits_of(float x)
{
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

static float float_of(uint32_t u)
{
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* Which NaN it is does not count. */
static int same(float a, float b) { return bits_of(a) == bits_of(b) || (isnan(a) && isnan(b)); }

/* All levels; the result of base is left in out. */
static void on_all_levels(VectorOp op, const float *a, const float *b, const float *c, float *out)
{
  float other[N];
  apply[0](op, N, a, b, c, out);
  for (int level = 1; level <= (int)isa_level(); level++) {
    apply[level](op, N, a, b, c, other);
    for (int i = 0; i < N; i++)
      if (!same(out[i], other[i]))
        fail_msg("%s(%a, %a, %a): base %a, %s %a", names[op], (double)a[i], (double)b[i], (double)c[i], (double)out[i],
                 isa_name((IsaLevel)level), (double)other[i]);
  }
}

/* |got - exact| in units of the last place of exact, those of the smallest normal number below it. */
static double ulps(float got, double exact)
{
  int e;
  frexp(exact, &e);
  if (e < -125) e = -125;
  return fabs((double)got - exact) / ldexp(1, e - 24);
}

typedef double Exact(double);

/* Largest error over `rounds` N arguments of [low, high], uniform, or log-uniform in |x| when both have one sign and spread is set. */
static void check_error(VectorOp op, Exact *exact, double low, double high, int spread, double bound)
{
  Rng    r = rng_start(31, (uint32_t)op, RNG_DATA);
  float  x[N], y[N];
  double worst = 0;
  for (int round = 0; round < 100; round++) {
    for (int i = 0; i < N; i++) {
      const double u = rng_uniform(&r);
      x[i]           = (float)(spread ? low * pow(high / low, u) : low + (high - low) * u);
    }
    on_all_levels(op, x, x, x, y);
    for (int i = 0; i < N; i++) {
      const double e = ulps(y[i], exact((double)x[i]));
      if (!(e <= bound))
        fail_msg("%s(%a): expected %a, got %a, %.3f ulp, allowed %.3f", names[op], (double)x[i], exact((double)x[i]), (double)y[i], e,
                 bound);
      worst = fmax(worst, e);
    }
  }
  print_message("%s on [%g, %g]: largest error %.3f ulp, allowed %.2f\n", names[op], low, high, worst, bound);
}

/* Reduced exactly, so that zeros are zeros. */
static double sin_pi(double x)
{
  const double r = remainder(x, 1), y = sin(M_PI * r);
  return fmod(x - r, 2) == 0 ? y : -y;
}
static double cos_pi(double x)
{
  const double r = remainder(x, 1), y = sin(M_PI * (0.5 - fabs(r)));
  return fmod(x - r, 2) == 0 ? y : -y;
}
static double sin_octant(double x) { return sin(M_PI / 4 * x); }
static double cos_octant(double x) { return cos(M_PI / 4 * x); }
static double signal(double t) { return exp(-t / 2); }
static double noise_square(double t) { return -expm1(-t); }

static void test_errors(void **state)
{
  (void)state;
  check_error(OP_EXP, exp, -87.33, 88.72, 0, 1.1);
  check_error(OP_EXP, exp, -1, 1, 0, 1.1);
  check_error(OP_EXPM1, expm1, -20, 88, 0, 1.6);
  check_error(OP_EXPM1, expm1, -1, 1, 0, 1.6);
  check_error(OP_EXPM1, expm1, -1e-6, -1, 1, 1.6);
  check_error(OP_LOG, log, 1e-37, 1e38, 1, 1.1);
  check_error(OP_LOG, log, 0.5, 2, 0, 1.1);
  check_error(OP_LOG, log, 0.999, 1.001, 0, 1.1);
  check_error(OP_LOG, log, 1e-44, 1e-38, 1, 1.1);
  check_error(OP_SIN_OCTANT, sin_octant, -1, 1, 0, 1);
  check_error(OP_SIN_OCTANT, sin_octant, 1e-9, 1, 1, 1);
  check_error(OP_COS_OCTANT, cos_octant, -1, 1, 0, 1);
  check_error(OP_SIN_PI, sin_pi, -3, 3, 0, 1);
  check_error(OP_COS_PI, cos_pi, -3, 3, 0, 1);
  check_error(OP_SIN_PI, sin_pi, -1000000, 1000000, 0, 1);
  check_error(OP_COS_PI, cos_pi, -1000000, 1000000, 0, 1);
  check_error(OP_VP_SIGNAL, signal, 1e-6, 170, 1, 1.1);
  check_error(OP_VP_NOISE_SQUARE, noise_square, 1e-6, 170, 1, 3);
}

static void expect(VectorOp op, float x, float expected)
{
  float a[N], y[N];
  for (int i = 0; i < N; i++) a[i] = x;
  on_all_levels(op, a, a, a, y);
  for (int i = 0; i < N; i++)
    if (!same(y[i], expected)) fail_msg("%s(%a): expected %a, got %a in lane %d", names[op], (double)x, (double)expected, (double)y[i], i);
}

static void test_edges(void **state)
{
  (void)state;
  expect(OP_EXP, 0, 1);
  expect(OP_EXP, -0.0f, 1);
  expect(OP_EXP, 88.73f, INFINITY);
  expect(OP_EXP, INFINITY, INFINITY);
  expect(OP_EXP, -87.34f, 0);
  expect(OP_EXP, -INFINITY, 0);
  expect(OP_EXP, NAN, NAN);
  expect(OP_EXPM1, 0, 0);
  expect(OP_EXPM1, -1000, -1);
  expect(OP_LOG, 1, 0);
  expect(OP_LOG, 0, -INFINITY);
  expect(OP_LOG, -1, NAN);
  expect(OP_LOG, INFINITY, INFINITY);
  expect(OP_LOG, NAN, NAN);
  for (int k = -8; k <= 8; k++) {
    const float quarter = (float)k * 0.25f;
    expect(OP_COS_PI, quarter, k % 4 == 0 ? (k % 8 ? -1 : 1) : k % 2 == 0 ? (float)((k & 7) == 6 ? 0.0 : -0.0) : (float)cos(M_PI / 4 * k));
    if (k % 2) expect(OP_SIN_PI, quarter, (float)sin(M_PI / 4 * k));
  }
}

/* Numbers with hard sums: any bits, close exponents, products that end in a half of the last place, cancellation. */
static void fill_hard(Rng *r, float *a, float *b, float *c)
{
  for (int i = 0; i < N; i++) {
    const uint32_t kind = rng_u32(r) % 6;
    a[i]                = float_of(rng_u32(r));
    b[i]                = float_of(rng_u32(r));
    c[i]                = float_of(rng_u32(r));
    if (kind == 0) continue;
    a[i] = (float)(int32_t)rng_u32(r) * 0x1p-31f;
    b[i] = (float)(int32_t)rng_u32(r) * 0x1p-31f;
    c[i] = ldexpf((float)(int32_t)rng_u32(r) * 0x1p-31f, (int)(rng_u32(r) % 80) - 60);
    if (kind == 2) c[i] = -(a[i] * b[i]);
    if (kind == 3) { /* exact halves: c of 24 bits, the product half of its last place, now and then a bit beside it */
      c[i] = (float)((rng_u32(r) >> 8 | 0x800000) + 0u);
      a[i] = 0.5f;
      b[i] = float_of(bits_of(1.0f) + (uint32_t)(rng_u32(r) % 3) - 1);
      if (rng_u32(r) & 1) b[i] = -b[i];
    }
    if (kind == 5) { /* product (1 - i^2 2^-46) 2^-24: next to half of c's last place, by about the last place of a double */
      const float i23 = (float)(rng_u32(r) % 2048) * 0x1p-23f;
      a[i]            = 1.0f + i23;
      b[i]            = (1.0f - i23) * (rng_u32(r) & 1 ? 0x1p-24f : -0x1p-24f);
      c[i]            = float_of(0x3f800000 | rng_u32(r) >> 9);
    }
    if (kind == 4) { /* results among the subnormals */
      a[i] *= 0x1p-70f;
      b[i] *= 0x1p-70f;
      c[i] = ldexpf(c[i], -110);
    }
  }
}

static void test_fma(void **state)
{
  (void)state;
  Rng   r = rng_start(5, 1, RNG_DATA);
  float a[N], b[N], c[N], y[N];
  for (int round = 0; round < 200; round++) {
    fill_hard(&r, a, b, c);
    a[0] = INFINITY, b[0] = 2, c[0] = 1, a[1] = -3, b[1] = 2, c[1] = INFINITY, a[2] = INFINITY, b[2] = 0, a[3] = INFINITY, b[3] = -2,
    c[3] = 1;
    on_all_levels(OP_FMA, a, b, c, y);
    for (int i = 0; i < N; i++)
      if (!same(y[i], fmaf(a[i], b[i], c[i])))
        fail_msg("fma(%a, %a, %a): expected %a, got %a", (double)a[i], (double)b[i], (double)c[i], (double)fmaf(a[i], b[i], c[i]),
                 (double)y[i]);
  }
}

static void test_exact_operations(void **state)
{
  (void)state;
  Rng   r = rng_start(5, 2, RNG_DATA);
  float a[N], b[N], c[N], y[N];
  for (int round = 0; round < 20; round++) {
    fill_hard(&r, a, b, c);
    a[0] = NAN, b[1] = NAN, a[2] = 0, b[2] = -0.0f, a[3] = -0.0f, b[3] = 0;
    for (VectorOp op = OP_MAX; op <= OP_SQRT; op++) {
      on_all_levels(op, a, b, c, y);
      for (int i = 0; i < N; i++) {
        const float expected = op == OP_MAX ? (a[i] > b[i] ? a[i] : b[i]) : op == OP_MIN ? (a[i] < b[i] ? a[i] : b[i]) : sqrtf(a[i]);
        if (!same(y[i], expected))
          fail_msg("%s(%a, %a): expected %a, got %a", names[op], (double)a[i], (double)b[i], (double)expected, (double)y[i]);
      }
    }
  }
}

static void test_sum(void **state)
{
  (void)state;
  Rng r = rng_start(5, 3, RNG_DATA);
  for (int round = 0; round < 10000; round++) {
    float x[16], tree[16];
    for (int i = 0; i < 16; i++) x[i] = tree[i] = ldexpf((float)(int32_t)rng_u32(&r), (int)(rng_u32(&r) % 20));
    for (int half = 8; half > 0; half /= 2)
      for (int i = 0; i < half; i++) tree[i] += tree[i + half];
    for (int level = 0; level <= (int)isa_level(); level++)
      if (!same(sum[level](x), tree[0]))
        fail_msg("%s: expected %a, got %a", isa_name((IsaLevel)level), (double)tree[0], (double)sum[level](x));
  }
}

static void expect_words(int level, const uint32_t expected[4], const uint32_t got[64], int lane)
{
  for (int w = 0; w < 4; w++)
    if (got[16 * w + lane] != expected[w])
      fail_msg("%s, lane %d, word %d: expected %08x, got %08x", isa_name((IsaLevel)level), lane, w, expected[w], got[16 * w + lane]);
}

static void expect_group(int level, uint64_t key, uint64_t number, uint32_t draw, uint32_t purpose, const uint32_t got[64])
{
  uint32_t expected[4];
  for (int l = 0; l < 16; l++) {
    rng_block(key, 16 * number + (uint64_t)l, draw, purpose, expected);
    expect_words(level, expected, got, l);
  }
}

static void test_philox(void **state)
{
  (void)state;
  Rng r = rng_start(5, 4, RNG_DATA);
  for (int round = 0; round < 2000; round++) {
    const uint64_t key = rng_u64(&r), first = rng_u64(&r) >> (rng_u32(&r) % 40);
    const uint32_t draw = rng_u32(&r), purpose = rng_u32(&r);
    uint64_t       own[16];
    uint32_t       expected[4], got[3][64];
    for (int l = 0; l < 16; l++) own[l] = rng_u64(&r);
    for (int level = 0; level <= (int)isa_level(); level++) {
      blocks[level](key, first, draw, purpose, got);
      expect_group(level, key, first, draw, purpose, got[0]);
      expect_group(level, key, first + 1, draw, ~purpose, got[1]);
      expect_group(level, key, ~first, ~draw, purpose, got[2]);
      keys[level](own, first, draw, purpose, got[0]);
      for (int l = 0; l < 16; l++) {
        rng_block(own[l], first, draw, purpose, expected);
        expect_words(level, expected, got[0], l);
      }
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_errors),           cmocka_unit_test(test_edges), cmocka_unit_test(test_fma),
      cmocka_unit_test(test_exact_operations), cmocka_unit_test(test_sum),   cmocka_unit_test(test_philox),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
