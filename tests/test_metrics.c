/* SPDX-License-Identifier: BSD-2-Clause
 * Sums over pairs of points, nearest neighbours, moments and tables against closed forms, brute force in double and invariances; every
 * vector level that this machine has must give the same bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the headers above, which it needs */
#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clouds.h"

static const struct {
  int     d;
  int64_t n, m;
} shapes[] = {{1, 1, 1},    {2, 1, 3},   {2, 2, 2},    {2, 15, 16},  {2, 16, 17}, {2, 333, 518},
              {3, 100, 47}, {5, 31, 64}, {33, 50, 40}, {70, 19, 33}, {1, 500, 3}, {300, 60, 250}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void test_mean_distance(void **state)
{
  (void)state;
  for (int s = 0; s < SHAPES; s++) {
    const int     d = shapes[s].d;
    const int64_t n = shapes[s].n, m = shapes[s].m;
    float        *x = cloud(d, n, -3, 2), *y = cloud(d, m, -2.5, 5);
    const double  across = metric_mean_distance_reference(d, n, x, m, y), within = metric_mean_distance_reference(d, n, x, 0, NULL);
    double        direct = 0;
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < m; j++) direct += between(d, n, x, i, m, y, j);
    assert_near(direct / (double)(n * m), across, 1e-13 * across);
    assert_near(across, metric_mean_distance(ISA_BASE, d, n, x, m, y), 2e-7 * across);
    if (n > 1) assert_near(within, metric_mean_distance(ISA_BASE, d, n, x, 0, NULL), 2e-7 * within);
    if (n == 1) assert_nan(within);
    free(x);
    free(y);
  }
}

/* Bits of every level against those of the plain one. */
static void test_levels(void **state)
{
  const double h[2] = {0.4, 2};
  (void)state;
  for (int s = 0; s < SHAPES; s++) {
    const int     d = shapes[s].d;
    const int64_t n = shapes[s].n, m = shapes[s].m;
    float        *x = cloud(d, n, -3, 2), *y = cloud(d, m, -2.5, 5), near[2][1200], expected_near[2][1200];
    const double  across = metric_mean_distance(ISA_BASE, d, n, x, m, y), within = metric_mean_distance(ISA_BASE, d, m, y, 0, NULL);
    const double  mmd = metric_mmd(ISA_BASE, d, n, x, m, y, 2, h);
    metric_nearest(ISA_BASE, d, n, x, m, y, expected_near[0], expected_near[1]);
    for (IsaLevel isa = ISA_V3; isa <= isa_level(); isa++) {
      const double got[3] = {metric_mean_distance(isa, d, n, x, m, y), metric_mean_distance(isa, d, m, y, 0, NULL),
                             metric_mmd(isa, d, n, x, m, y, 2, h)};
      if (memcmp(got, (double[3]){across, within, mmd}, sizeof got) != 0 && n > 1 && m > 1)
        fail_msg("%s, d %d, n %d: distances %.17g %.17g, mmd %.17g; expected %.17g %.17g %.17g, the same bits", isa_name(isa), d, (int)n,
                 got[0], got[1], got[2], across, within, mmd);
      metric_nearest(isa, d, n, x, m, y, near[0], near[1]);
      for (int64_t i = 0; i < n; i++)
        if (near[0][i] != expected_near[0][i] || (m > 1 && near[1][i] != expected_near[1][i]))
          fail_msg("%s, d %d, point %d: nearest %.9g %.9g, expected %.9g %.9g, the same bits", isa_name(isa), d, (int)i, (double)near[0][i],
                   (double)near[1][i], (double)expected_near[0][i], (double)expected_near[1][i]);
    }
    free(x);
    free(y);
  }
}

/* A lattice i / n has mean distance (n + 1) / (3 n) of two different points; on a grid of eighths an offset of 2^18 and factors of 2^-100
 * and 2^100 are exact, so they may not change a bit. */
static void test_offset_and_scale(void **state)
{
  enum { N = 600 };
  float x[N], moved[N], small[N], large[N];
  (void)state;
  for (int i = 0; i < N; i++) {
    x[i]     = (float)i / 8;
    moved[i] = x[i] + 0x1p18f;
    small[i] = x[i] * 0x1p-100f;
    large[i] = x[i] * 0x1p100f;
  }
  const IsaLevel isa  = isa_level();
  const double   mean = metric_mean_distance(isa, 1, N, x, 0, NULL), plane = metric_mean_distance(isa, 2, N / 2, x, 0, NULL);
  assert_near((N + 1) / 3.0 / 8, mean, 1e-8 * mean);
  assert_near(mean, metric_mean_distance(isa, 1, N, moved, 0, NULL), 0);
  assert_near(plane, metric_mean_distance(isa, 2, N / 2, moved, 0, NULL), 0);
  assert_near(plane * 0x1p-100, metric_mean_distance(isa, 2, N / 2, small, 0, NULL), 0);
  assert_near(plane * 0x1p100, metric_mean_distance(isa, 2, N / 2, large, 0, NULL), 0);
  assert_near(0, metric_mean_distance(isa, 1, 2, (float[]){7, 7}, 3, (float[]){7, 7, 7}), 0);
}

static void test_energy(void **state)
{
  const float    x[2] = {0, 2}, y[2] = {1, 3};
  const IsaLevel isa    = isa_level();
  double         within = NAN;
  (void)state;
  assert_near(-1, metric_energy_distance(isa, 1, 2, x, 2, y, NULL), 1e-15);
  assert_near(-1, metric_energy_distance(isa, 1, 2, x, 2, y, &within), 1e-15);
  assert_near(2, within, 1e-15);
  within = 5;
  assert_near(-4, metric_energy_distance(isa, 1, 2, x, 2, y, &within), 1e-15);
  assert_near(5, within, 0);
  /* Shifted far apart by c: 2 c - E|X - X'| - E|Y - Y'| up to the means, here exactly. */
  const float far[2] = {1001, 1003};
  assert_near(2 * 1001 - 2 - 2, metric_energy_distance(isa, 1, 2, x, 2, far, NULL), 1e-12);
}

static double kernel_mean(int d, int64_t n, const float *x, int64_t m, const float *y, bool within, int n_h, const double *h)
{
  double sum = 0, pairs = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = within ? i + 1 : 0; j < m; j++, pairs++)
      for (int k = 0; k < n_h; k++) sum += exp(-pow(between(d, n, x, i, m, y, j) / h[k], 2) / 2) / n_h;
  return sum / pairs;
}

static void test_mmd(void **state)
{
  const double   h[3] = {0.05, 0.7, 40}, one = 2;
  const IsaLevel isa = isa_level();
  (void)state;
  for (int s = 0; s < SHAPES; s++) {
    const int     d = shapes[s].d;
    const int64_t n = shapes[s].n, m = shapes[s].m;
    if (n < 2 || m < 2) continue;
    float       *x = cloud(d, n, 100, 2), *y = cloud(d, m, 100.5, 2);
    const double expected =
        kernel_mean(d, n, x, n, x, true, 3, h) + kernel_mean(d, m, y, m, y, true, 3, h) - 2 * kernel_mean(d, n, x, m, y, false, 3, h);
    assert_near(expected, metric_mmd(isa, d, n, x, m, y, 3, h), 5e-7);
    free(x);
    free(y);
  }
  const float a[4] = {1, 1, 1, 1}, b[4] = {1, 1, 4, 4}; /* two points (1, 1) twice, (1, 4) twice */
  assert_near(2 - 2 * exp(-9.0 / 8), metric_mmd(isa, 2, 2, a, 2, b, 1, &one), 2e-7);
  assert_near(0, metric_mmd(isa, 2, 2, a, 2, a, 1, &one), 0);
  assert_near(2, metric_mmd(isa, 2, 2, a, 2, b, 1, &(double){1e-30}), 0);
  assert_nan(metric_mmd(isa, 2, 2, a, 2, b, 1, &(double){0}));
}

static void test_nearest(void **state)
{
  float first[1200], second[1200];
  (void)state;
  for (int s = 0; s < SHAPES; s++) {
    const int     d = shapes[s].d;
    const int64_t n = shapes[s].n, m = shapes[s].m;
    float        *x = cloud(d, n, 1000, 1), *y = cloud(d, m, 1000, 1);
    metric_nearest(isa_level(), d, n, x, m, y, first, second);
    for (int64_t i = 0; i < n; i++) {
      double one = INFINITY, two = INFINITY;
      for (int64_t j = 0; j < m; j++) {
        const double r = between(d, n, x, i, m, y, j);
        two            = fmin(two, fmax(one, r));
        one            = fmin(one, r);
      }
      assert_near(one, (double)first[i], 3e-7 * one);
      if (m > 1) assert_near(two, (double)second[i], 3e-7 * two);
      if (m == 1) assert_nan((double)second[i]);
    }
    metric_nearest(isa_level(), d, n, x, n, x, first, NULL);
    for (int64_t i = 0; i < n; i++) assert_near(0, (double)first[i], 0);
    free(x);
    free(y);
  }
  metric_nearest(isa_level(), 1, 1, (float[]){3}, 3, (float[]){5, 3, 3}, first, second);
  assert_near(0, (double)second[0], 0);
}

static void test_mutual_information(void **state)
{
  (void)state;
  const int64_t diagonal[9] = {20, 0, 0, 0, 20, 0, 0, 0, 20}, product[6] = {6, 12, 18, 10, 20, 30}, empty[4] = {0};
  assert_near(log2(3) + 2 / (2 * 60 * log(2)), metric_mutual_information(3, 3, diagonal), 1e-14);
  assert_near(0, metric_mutual_information(2, 3, product), 0); /* the correction takes (r - 1)(c - 1) / (2 N) off */
  /* [[3, 1], [1, 3]]: 1 - H(1/4) bits less 1 / (2 * 8) nats. */
  const double h = -0.25 * log2(0.25) - 0.75 * log2(0.75);
  assert_near(1 - h - 1 / (16 * log(2)), metric_mutual_information(2, 2, (int64_t[]){3, 1, 1, 3}), 1e-14);
  assert_near(metric_mutual_information(2, 2, (int64_t[]){30, 10, 10, 30}),
              metric_mutual_information(3, 3, (int64_t[]){30, 0, 10, 0, 0, 0, 10, 0, 30}), 1e-14);
  assert_near(0, metric_mutual_information(1, 1, (int64_t[]){4}), 0);
  assert_nan(metric_mutual_information(2, 2, empty));
  assert_nan(metric_mutual_information(2, 2, (int64_t[]){3, -1, 1, 3}));
}

static void test_mean_q99_max(void **state)
{
  double value[201], out[3];
  (void)state;
  for (int i = 0; i <= 200; i++) value[(i * 7) % 201] = i;
  metric_mean_q99_max(201, value, out);
  assert_near(100, out[0], 0);
  assert_near(198, out[1], 1e-12);
  assert_near(200, out[2], 0);
  assert_near(17, value[17], 0); /* sorted */
  metric_mean_q99_max(10, value, out);
  assert_near(8.91, out[1], 1e-14);
  metric_mean_q99_max(1, (double[]){-3}, out);
  for (int k = 0; k < 3; k++) assert_near(-3, out[k], 0);
  metric_mean_q99_max(2, (double[]){1, NAN}, out);
  for (int k = 0; k < 3; k++) assert_nan(out[k]);
  metric_mean_q99_max(0, NULL, out);
  for (int k = 0; k < 3; k++) assert_nan(out[k]);
}

static void test_labelled_moments(void **state)
{
  enum { N = 90, LABELS = 4 };
  int    label[N];
  double weight[LABELS], mean[2 * LABELS], covariance[4 * LABELS], m[2], c[3];
  float *x = cloud(2, N, 1e4, 3), part[2 * 30];
  (void)state;
  for (int i = 0; i < N; i++) label[i] = i % 3 == 0 ? 0 : i % 3 == 1 ? -1 : 2; /* 30 points each of 0, none and 2 */
  label[1] = 1;
  metric_labelled_moments(2, N, x, LABELS, label, weight, mean, covariance);
  for (int k = 0; k < 3; k += 2) {
    for (int i = 0; i < 30; i++) {
      part[i]      = x[3 * i + k];
      part[30 + i] = x[N + 3 * i + k];
    }
    plane_moments(30, part, m, c);
    assert_near(1.0 / 3, weight[k], 1e-15);
    for (int j = 0; j < 2; j++) assert_near(m[j], mean[2 * k + j], 1e-11);
    assert_near(c[0], covariance[4 * k], 1e-11);
    assert_near(c[1], covariance[4 * k + 1], 1e-11);
    assert_near(c[1], covariance[4 * k + 2], 1e-11);
    assert_near(c[2], covariance[4 * k + 3], 1e-11);
  }
  assert_near(1.0 / N, weight[1], 1e-15);
  assert_near((double)x[1], mean[2], 0);
  assert_nan(covariance[4]);
  assert_near(0, weight[3], 0);
  assert_nan(mean[6]);
  assert_nan(covariance[12]);
  x[2] = INFINITY; /* a point of label 2 */
  metric_labelled_moments(2, N, x, LABELS, label, weight, mean, covariance);
  assert_nan(mean[4]);
  assert_true(isfinite(mean[0]));
  free(x);
}

/* Every distance of clouds of which one is empty, or holds one bad number. */
static void all_nan(int d, int64_t n, const float *x, int64_t m, const float *y)
{
  const IsaLevel isa = isa_level();
  const double   h   = 1;
  float          first[40], second[40];
  assert_nan(metric_mean_distance(isa, d, n, x, m, y));
  assert_nan(metric_mean_distance_reference(d, n, x, m, y));
  assert_nan(metric_energy_distance(isa, d, n, x, m, y, NULL));
  assert_nan(metric_mmd(isa, d, n, x, m, y, 1, &h));
  assert_nan(metric_sliced_wasserstein(d, n, x, m, y, 4, 1));
  if (n == m) assert_nan(metric_wasserstein_exact(d, n, x, y));
  assert_nan(frechet(d, n, x, m, y));
  metric_nearest(isa, d, n, x, m, y, first, second);
  for (int64_t i = 0; i < n; i++) {
    assert_nan((double)first[i]);
    assert_nan((double)second[i]);
  }
}

static void test_bad_clouds(void **state)
{
  (void)state;
  for (int k = 0; k < 3; k++) {
    float *x = cloud(2, 20, 0, 1), *y = cloud(2, 20, 0, 1);
    x[37] = k == 0 ? NAN : k == 1 ? INFINITY : -INFINITY;
    all_nan(2, 20, x, 20, y);
    all_nan(2, 20, y, 20, x);
    double *a = widened(20, x + 20), *b = widened(20, y);
    assert_nan(metric_wasserstein_1d(20, a, 20, b));
    assert_nan(metric_wasserstein_circle(20, b, 20, a));
    free(x);
    free(y);
    free(a);
    free(b);
  }
  float *x = cloud(2, 20, 0, 1);
  all_nan(2, 0, x, 20, x);
  all_nan(2, 20, x, 0, x);
  all_nan(2, 0, x, 0, x);
  assert_nan(metric_wasserstein_1d(0, NULL, 1, (double[]){1}));
  assert_nan(metric_wasserstein_circle(1, (double[]){1}, 0, NULL));
  /* One point has no pair within it. */
  assert_nan(metric_energy_distance(isa_level(), 2, 1, x, 10, x, NULL));
  assert_nan(metric_mmd(isa_level(), 2, 1, x, 10, x, 1, &(double){1}));
  assert_nan(frechet(2, 1, x, 10, x));
  assert_nan(metric_wasserstein_exact(1, 2049, x, x));
  free(x);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mean_distance),
      cmocka_unit_test(test_levels),
      cmocka_unit_test(test_offset_and_scale),
      cmocka_unit_test(test_energy),
      cmocka_unit_test(test_mmd),
      cmocka_unit_test(test_nearest),

      cmocka_unit_test(test_mutual_information),
      cmocka_unit_test(test_mean_q99_max),
      cmocka_unit_test(test_labelled_moments),
      cmocka_unit_test(test_bad_clouds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
