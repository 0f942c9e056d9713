/* SPDX-License-Identifier: BSD-2-Clause
 * Noise: normals of every ISA level against the plain reference bit by bit and against their law; decimal digits against schoolbook
 * decimals, the quantile against erfc, the fast table against the slow numbers. Keys are fixed, so no test is a matter of luck. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diffusion/noise_kernel.h"
#include "memory.h"
#include "noise.h"
#include "rng.h"

static uint32_t bits_of(float x)
{
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

static void test_normals_are_reference(void **state)
{
  (void)state;
  static const struct {
    uint64_t first;
    int64_t  n;
  } cuts[] = {{0, 64}, {0, 1000}, {1, 1}, {63, 2}, {17, 300}, {((uint64_t)1 << 38) - 100, 200}, {UINT64_MAX - 500, 300}, {64, 0}};
  float out[1001];
  for (int level = 0; level <= (int)isa_level(); level++)
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
      out[cuts[c].n] = 77;
      noise_normals((IsaLevel)level, 12345 + c, cuts[c].first, 3, RNG_SAMPLER, cuts[c].n, out);
      assert_true(out[cuts[c].n] == 77);
      for (int64_t i = 0; i < cuts[c].n; i++) {
        const float expected = noise_normal_reference(12345 + c, cuts[c].first + (uint64_t)i, 3, RNG_SAMPLER);
        if (bits_of(expected) != bits_of(out[i]))
          fail_msg("%s, first %llu, number %lld: expected %a, got %a", isa_name((IsaLevel)level), (unsigned long long)cuts[c].first,
                   (long long)i, (double)expected, (double)out[i]);
      }
    }
}

/* The reference against Box and Muller in double: both of a pair, from the words. */
static void test_box_muller(void **state)
{
  (void)state;
  for (uint64_t i = 0; i < 200000; i++) {
    uint32_t     word[4];
    const int    pair = (int)(i / 32 % 2);
    const double z0   = (double)noise_normal_reference(9, i / 64 * 64 + 32 * (uint64_t)pair + i % 16, 0, RNG_SAMPLER);
    const double z1   = (double)noise_normal_reference(9, i / 64 * 64 + 32 * (uint64_t)pair + 16 + i % 16, 0, RNG_SAMPLER);
    rng_block(9, i / 64 * 16 + i % 16, 0, RNG_SAMPLER, word);
    const double u = ((double)word[2 * pair] + 0.5) * 0x1p-32, radius = sqrt(-2 * log(u));
    const double angle = M_PI / 4 * (double)(int32_t)(word[2 * pair + 1] << 2 | 2) * 0x1p-31;
    const double small = radius * fabs(sin(angle)), large = radius * cos(angle);
    if (fabs(hypot(z0, z1) / radius - 1) > 3e-7) fail_msg("number %d: radius %.9g, expected %.9g", (int)i, hypot(z0, z1), radius);
    if (fabs(fmin(fabs(z0), fabs(z1)) / small - 1) > 5e-7 || fabs(fmax(fabs(z0), fabs(z1)) / large - 1) > 5e-7)
      fail_msg("number %d: %.9g and %.9g, expected sizes %.9g and %.9g", (int)i, z0, z1, small, large);
  }
}

/* Each within 5 standard errors: moments, tails, correlations over lags of interest (pairs, lanes, groups), the eight octants. */
enum { DRAWN = 10000000, LAGS = 130 };

static void expect_within(const char *what, double got, double expected, double error)
{
  if (!(fabs(got - expected) <= 5 * error)) fail_msg("%s: expected %.8g, got %.8g, tolerance %.2g", what, expected, got, 5 * error);
}

static void check_moments(const float *z)
{
  static const double exact[] = {1, 0, 1, 0, 3, 0, 15, 0, 105}; /* E z^k */
  double              m[9]    = {0};
  for (int64_t i = 0; i < DRAWN; i++) {
    double power = 1;
    for (int k = 0; k < 9; k++, power *= (double)z[i]) m[k] += power;
  }
  for (int k = 1; k <= 4; k++) {
    const double spread = exact[2 * k] - exact[k] * exact[k];
    char         what[32];
    snprintf(what, sizeof what, "moment %d", k);
    expect_within(what, m[k] / DRAWN, exact[k], sqrt(spread / DRAWN));
  }
  assert_true(fabs(m[1] / DRAWN) < 1e-3 && fabs(m[2] / DRAWN - 1) < 1e-3);
}

static void check_tails(const float *z)
{
  for (double at = 0; at <= 5; at += 0.5) {
    int64_t      above = 0, below = 0;
    const double p = erfc(at / sqrt(2)) / 2;
    for (int64_t i = 0; i < DRAWN; i++) {
      above += (double)z[i] > at;
      below += (double)z[i] < -at;
    }
    char what[32];
    snprintf(what, sizeof what, "above %g", at);
    expect_within(what, (double)above, DRAWN * p, sqrt(DRAWN * p * (1 - p)) + 1);
    expect_within("below its negative", (double)below, DRAWN * p, sqrt(DRAWN * p * (1 - p)) + 1);
  }
}

/* Correlations of z and of z^2 (pairs of one radius would show there). */
static void check_lags(const float *z)
{
  for (int lag = 1; lag < LAGS; lag++) {
    double plain = 0, square = 0;
    for (int64_t i = 0; i + lag < DRAWN / 5; i++) {
      const double a = (double)z[i], b = (double)z[i + lag];
      plain += a * b;
      square += (a * a - 1) * (b * b - 1);
    }
    char what[32];
    snprintf(what, sizeof what, "lag %d", lag);
    expect_within(what, plain / (DRAWN / 5.0), 0, 1 / sqrt(DRAWN / 5.0));
    expect_within(what, square / (DRAWN / 5.0), 0, 2 / sqrt(DRAWN / 5.0));
  }
}

static int by_value(const void *a, const void *b)
{
  return (*(const float *)a > *(const float *)b) - (*(const float *)a < *(const float *)b);
}

static void check_kolmogorov(float *z, int64_t n)
{
  double d = 0;
  qsort(z, (size_t)n, sizeof *z, by_value);
  for (int64_t i = 0; i < n; i++) {
    const double p = erfc(-(double)z[i] / sqrt(2)) / 2;
    d              = fmax(d, fmax((double)(i + 1) / (double)n - p, p - (double)i / (double)n));
  }
  if (d * sqrt((double)n) > 1.95) fail_msg("Kolmogorov-Smirnov: sqrt(n) D = %.3f, allowed 1.95 (p = 0.001)", d * sqrt((double)n));
}

static void test_law_of_normals(void **state)
{
  (void)state;
  float *z = mem_calloc(DRAWN, sizeof *z);
  noise_normals(isa_level(), 2024, 0, 0, RNG_TRAIN_NOISE, DRAWN, z);
  check_moments(z);
  check_tails(z);
  check_lags(z);
  check_kolmogorov(z, 1000000);
  free(z);
}

/* Schoolbook: the fraction as decimal digits, halved and halved again; frac = m 2^-s, s up to 1074. */
static void schoolbook(double x, int count, uint8_t *digit)
{
  static uint8_t decimal[1200];
  int            e;
  double         whole;
  const double   fraction = modf(fabs(x), &whole);
  uint64_t       m        = (uint64_t)ldexp(frexp(fraction, &e), 53);
  memset(decimal, 0, sizeof decimal);
  for (int bit = 0; bit < 53; bit++) { /* least significant bit first: number = (number + bit) / 2, then shifted by the exponent */
    int carry = (int)(m >> bit & 1);
    for (int k = 0; k < 1200; k++) {
      const int value = 10 * carry + decimal[k];
      decimal[k]      = (uint8_t)(value / 2);
      carry           = value % 2;
    }
  }
  for (int shift = 0; shift < -e; shift++) {
    int carry = 0;
    for (int k = 0; k < 1200; k++) {
      const int value = 10 * carry + decimal[k];
      decimal[k]      = (uint8_t)(value / 2);
      carry           = value % 2;
    }
  }
  memcpy(digit, decimal, (size_t)count);
}

static void check_digits(double x)
{
  uint8_t got[NOISE_EXACT_PLACES], expected[NOISE_EXACT_PLACES];
  noise_digits(x, NOISE_EXACT_PLACES, got);
  schoolbook(x, NOISE_EXACT_PLACES, expected);
  for (int k = 0; k < NOISE_EXACT_PLACES; k++)
    if (got[k] != expected[k]) fail_msg("%a: digit %d expected %d, got %d", x, k + 1, expected[k], got[k]);
}

static void test_exact_digits(void **state)
{
  (void)state;
  static const double hard[] = {0,
                                -0.0,
                                1,
                                0.5,
                                -0.25,
                                0.1,
                                0.3,
                                1.0 / 3,
                                4.999999999999999,
                                123456.789,
                                0x1p52,
                                0x1.8p51,
                                0x1p53,
                                1e300,
                                0x1p-53,
                                0x1.fffffffffffffp-1,
                                0x1.fffffffffffffp-54,
                                1e-16,
                                1e-31,
                                1e-32,
                                9.999e-33,
                                1e-40,
                                1e-300,
                                5e-324,
                                0x1p-63,
                                0x1p-64,
                                0x1p-65,
                                0x1.fffffffffffffp-12,
                                0x1.fffffffffffffp-11,
                                0x1.fffffffffffffp-107,
                                0x1p-106,
                                0x1p-107};
  Rng                 r      = rng_start(8, 0, RNG_DATA);
  for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) check_digits(hard[i]);
  for (int i = 0; i < 3000; i++) check_digits(ldexp(2 * rng_uniform(&r) - 1, (int)(rng_u32(&r) % 140) - 115));
  /* 0.1 is 0.1000000000000000055511151231257827021181583404541015625; Python: Decimal(0.1) */
  static const char tenth[] = "10000000000000000555111512312578";
  uint8_t           digit[NOISE_EXACT_PLACES];
  noise_digits(0.1, NOISE_EXACT_PLACES, digit);
  for (int k = 0; k < NOISE_EXACT_PLACES; k++) assert_int_equal(digit[k], tenth[k] - '0');
}

/* Hashed digits: each of the ten values equally often, neighbours and neighbouring doubles independent; a prefix of longer calls. */
static void test_hashed_digits(void **state)
{
  (void)state;
  enum { COUNT = 200, POINTS = 5000, HASHED = COUNT - NOISE_EXACT_PLACES };
  static uint8_t digit[COUNT], previous[COUNT];
  static double  pair[10][10], across[10][10];
  double         x = 1.25, chi_pair = 0, chi_across = 0;
  const double   expected = POINTS * (double)HASHED / 100;
  for (int i = 0; i < POINTS; i++, x = nextafter(x, 2)) {
    memcpy(previous, digit, sizeof digit);
    noise_digits(x, COUNT, digit);
    for (int k = NOISE_EXACT_PLACES; k < COUNT; k++) {
      pair[digit[k]][digit[k - 1]] += k > NOISE_EXACT_PLACES;
      across[digit[k]][previous[k]] += i > 0;
    }
    uint8_t shorter[77];
    noise_digits(x, 77, shorter);
    assert_memory_equal(shorter, digit, sizeof shorter);
  }
  for (int a = 0; a < 10; a++)
    for (int b = 0; b < 10; b++) {
      chi_pair += pow(pair[a][b] - expected * (HASHED - 1) / HASHED, 2) / expected;
      chi_across += pow(across[a][b] - expected * (POINTS - 1) / POINTS, 2) / expected;
    }
  if (chi_pair > 99 + 5 * sqrt(198)) fail_msg("neighbouring digits: chi^2 %.1f, expected 99", chi_pair);
  if (chi_across > 99 + 5 * sqrt(198)) fail_msg("neighbouring doubles: chi^2 %.1f, expected 99", chi_across);
}

/* Phi(z) = u: relative error of z from one Newton step with erfc of the smaller side. */
static void check_quantile(double u)
{
  const double z = noise_quantile(u), density = exp(-z * z / 2) / sqrt(2 * M_PI);
  const double p = u < 0.5 ? erfc(-z / sqrt(2)) / 2 - u : (1 - u) - erfc(z / sqrt(2)) / 2;
  if (fabs(p / density) > 1e-13 * fabs(z) + 2e-16 * fmin(u, 1 - u) / density)
    fail_msg("u = %.17g: z = %.17g is off by %.2g of itself, allowed 1e-13", u, z, p / density / z);
}

static void test_quantile(void **state)
{
  (void)state;
  Rng r = rng_start(8, 1, RNG_DATA);
  assert_true(noise_quantile(0.5) == 0);
  for (int i = 0; i < 20000; i++) {
    check_quantile(rng_uniform(&r));
    check_quantile(pow(10, -300 * rng_uniform(&r)));
    check_quantile(1 - pow(10, -15 * rng_uniform(&r)));
  }
  /* scipy.special.ndtri */
  static const double table[][2] = {{1e-300, -37.047096299361201},    {5e-17, -8.3047854251941118}, {1e-10, -6.3613409024040557},
                                    {0.025, -1.9599639845400545},     {0.075, -1.4395314709384563}, {0.3, -0.52440051270804089},
                                    {0.4999, -0.00025066283008800752}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (fabs(noise_quantile(table[i][0]) / table[i][1] - 1) > 2e-13)
      fail_msg("u = %g: expected %.17g, got %.17g", table[i][0], table[i][1], noise_quantile(table[i][0]));
}

static void test_uniforms(void **state)
{
  (void)state;
  /* 0.1's places 2 .. 17 are 0000000000000005, its places 17 .. 32 are 0555111512312578 */
  const double u1 = noise_digits_uniform(0.1, 1), u16 = noise_digits_uniform(0.1, 16);
  assert_true(fabs(u1 - 0.5e-16) < 1e-30);
  assert_true(fabs(u16 - 0.05551115123125785) < 1e-16);
  assert_true(noise_digits_uniform(0, 0) == 0.5e-16 && noise_digits_uniform(0x1.fffffffffffffp-1, 0) < 1);
  assert_true(isfinite(noise_digits_normal(0, 0)) && fabs(noise_digits_normal(0, 0) + 8.3047854251941118) < 1e-12);
  for (int t = 0; t < 120; t++) {
    const double u = noise_digits_uniform(0.1, t), z = noise_digits_normal(0.1, t);
    if (fabs(noise_quantile(u) - z) > 1e-9 * fabs(z)) fail_msg("t = %d: u %.17g, z %.17g", t, u, z);
  }
}

static void test_table(void **state)
{
  (void)state;
  enum { POINTS = 83, T = 120 };
  double x[POINTS];
  float *base = mem_calloc(POINTS * (T + 1), sizeof *base), *other = mem_calloc(POINTS * (T + 1), sizeof *base), one[T + 1];
  Rng    r = rng_start(8, 2, RNG_DATA);
  for (int i = 0; i < POINTS; i++) x[i] = 8 * rng_uniform(&r) - 4;
  x[0] = 0, x[1] = 0.5, x[2] = 0.9999999999999999, x[3] = -0.1, x[4] = 0.5 + 1e-9, x[5] = 0.5 - 1e-16, x[6] = -3;
  noise_digits_table(ISA_BASE, POINTS, x, T, base);
  for (int i = 0; i < POINTS; i++)
    for (int t = 0; t <= T; t++) {
      const double expected = noise_digits_normal(x[i], t), got = (double)base[t * POINTS + i];
      if (!(fabs(got - expected) <= 2e-6 * fabs(expected)))
        fail_msg("x = %.17g, place %d: expected %.9g, got %.9g", x[i], t, expected, got);
    }
  for (int level = 1; level <= (int)isa_level(); level++) {
    noise_digits_table((IsaLevel)level, POINTS, x, T, other);
    assert_memory_equal(base, other, POINTS * (T + 1) * sizeof *base);
  }
  for (int i = 0; i < POINTS; i++) {
    noise_digits_table(isa_level(), 1, &x[i], T, one);
    for (int t = 0; t <= T; t++) assert_true(one[t] == base[t * POINTS + i]);
  }
  free(base);
  free(other);
}

/* Deterministic noise of random points is standard normal at every place, also where a double's own digits have ended. */
static void test_table_is_normal(void **state)
{
  (void)state;
  enum { POINTS = 4000, T = 60 };
  double *x = mem_calloc(POINTS, sizeof *x);
  float  *z = mem_calloc(POINTS * (T + 1), sizeof *z);
  Rng     r = rng_start(8, 3, RNG_DATA);
  for (int i = 0; i < POINTS; i++) x[i] = 8 * rng_uniform(&r) - 4;
  noise_digits_table(isa_level(), POINTS, x, T, z);
  for (int t = 1; t <= T; t++)
    if (t < 20 || t >= NOISE_EXACT_PLACES) check_kolmogorov(z + t * POINTS, POINTS);
  free(x);
  free(z);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_normals_are_reference),
      cmocka_unit_test(test_box_muller),
      cmocka_unit_test(test_law_of_normals),
      cmocka_unit_test(test_exact_digits),
      cmocka_unit_test(test_hashed_digits),
      cmocka_unit_test(test_quantile),
      cmocka_unit_test(test_uniforms),
      cmocka_unit_test(test_table),
      cmocka_unit_test(test_table_is_normal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
