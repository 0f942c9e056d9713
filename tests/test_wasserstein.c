/* SPDX-License-Identifier: BSD-2-Clause
 * Transport distances between clouds (on the line, on a circle, sliced, exact, between Gaussians) against closed forms, brute force over
 * all permutations and invariances. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the headers above, which it needs */
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "clouds.h"
#include "metrics/assignment.h"
#include "metrics/cloud.h"

static int ascending(const void *a, const void *b)
{
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static void test_sort(void **state)
{
  (void)state;
  for (int64_t n = 0; n < 6000; n = 2 * n + 1) {
    Rng     r = rng_start(KEY, next_stream(), 1);
    double *x = calloc((size_t)n + 1, sizeof *x), *expected = calloc((size_t)n + 1, sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = expected[i] = ldexp(rng_uniform(&r) - 0.5, (int)rng_below(&r, 40)) * (rng_below(&r, 8) > 0);
    qsort(expected, (size_t)n, sizeof *x, ascending);
    cloud_sort(n, x);
    for (int64_t i = 0; i < n; i++) assert_near(expected[i], x[i], 0);
    free(x);
    free(expected);
  }
}

/* Every value repeated until both samples have n m, then pairwise in order. */
static double repeated_wasserstein(int64_t n, const double *x, int64_t m, const double *y)
{
  double *a = calloc((size_t)(n * m), sizeof *a), *b = calloc((size_t)(n * m), sizeof *b), sum = 0;
  for (int64_t i = 0; i < n * m; i++) {
    a[i] = x[i / m];
    b[i] = y[i / n];
  }
  qsort(a, (size_t)(n * m), sizeof *a, ascending);
  qsort(b, (size_t)(n * m), sizeof *b, ascending);
  for (int64_t i = 0; i < n * m; i++) sum += fabs(a[i] - b[i]);
  free(a);
  free(b);
  return sum / (double)(n * m);
}

static void test_wasserstein_1d(void **state)
{
  (void)state;
  for (int64_t n = 1; n < 90; n += 22)
    for (int64_t m = 1; m < 90; m += 11) {
      float       *u = cloud(1, n, 0, 1), *v = cloud(1, m, 0.3, 2);
      double      *x = widened(n, u), *y = widened(m, v), *z = widened(n, u);
      const double expected = repeated_wasserstein(n, x, m, y);
      assert_near(expected, metric_wasserstein_1d(n, x, m, y), 1e-13);
      assert_near(0, metric_wasserstein_1d(n, x, n, z), 0);
      for (int64_t i = 0; i < n; i++) z[i] += 8;
      assert_near(8, metric_wasserstein_1d(n, x, n, z), 1e-13);
      free(u);
      free(v);
      free(x);
      free(y);
      free(z);
    }
  assert_near(0.5, metric_wasserstein_1d(2, (double[]){1, 0}, 1, (double[]){0.5}), 0);
}

/* Smallest mean of cost over permutations of 0..n-1 from position `at` on. */
static double best_permutation(int n, const double *cost, int at, int *order)
{
  if (at == n) return 0;
  double best = INFINITY;
  for (int k = at; k < n; k++) {
    const int here = order[k];
    order[k]       = order[at];
    order[at]      = here;
    best           = fmin(best, cost[at * n + here] + best_permutation(n, cost, at + 1, order));
    order[at]      = order[k];
    order[k]       = here;
  }
  return best;
}

static double brute_assignment(int n, const double *cost)
{
  int order[8];
  for (int i = 0; i < n; i++) order[i] = i;
  return best_permutation(n, cost, 0, order);
}

static double around(double a, double b)
{
  const double t = fabs(a - b);
  return fmin(t, 1 - t);
}

/* Samples repeated to a common size, then every assignment along the shorter arcs. */
static void test_wasserstein_circle(void **state)
{
  const int sizes[][3] = {{1, 1, 1}, {2, 3, 6}, {3, 1, 3}, {6, 6, 6}, {7, 7, 7}, {2, 6, 6}}; /* n, m, common */
  (void)state;
  for (int trial = 0; trial < 60; trial++) {
    const int n = sizes[trial % 6][0], m = sizes[trial % 6][1], all = sizes[trial % 6][2];
    float    *u = cloud(1, n, 0, trial < 30 ? 1 : 0.2), *v = cloud(1, m, 0, 1);
    double   *x = widened(n, u), *y = widened(m, v), cost[64];
    for (int i = 0; i < n; i++) x[i] = fmod(x[i] + 0.9, 1);
    for (int i = 0; i < all; i++)
      for (int j = 0; j < all; j++) cost[i * all + j] = around(x[i % n], y[j % m]);
    const double expected = brute_assignment(all, cost) / all;
    assert_near(expected, metric_wasserstein_circle(n, x, m, y), 1e-13);
    for (int i = 0; i < n; i++) x[i] += 0.375;
    for (int j = 0; j < m; j++) y[j] += 0.375;
    assert_near(expected, metric_wasserstein_circle(n, x, m, y), 1e-13);
    assert_near(0, metric_wasserstein_circle(n, x, n, x), 0);
    free(u);
    free(v);
    free(x);
    free(y);
  }
  assert_near(0.1, metric_wasserstein_circle(1, (double[]){0.95}, 1, (double[]){0.05}), 1e-15);
  assert_near(0.25, metric_wasserstein_circle(2, (double[]){0, 0.5}, 2, (double[]){0.25, 0.75}), 1e-15);
  assert_near(0.125, metric_wasserstein_circle(1, (double[]){-1e-20}, 1, (double[]){1.125}), 1e-15);
}

static void test_assignment(void **state)
{
  (void)state;
  for (int trial = 0; trial < 400; trial++) {
    const int n = trial % 7 + 1;
    Rng       r = rng_start(KEY, next_stream(), 1);
    double    cost[64], got   = 0;
    int       column[8], used = 0;
    for (int i = 0; i < n * n; i++) cost[i] = trial < 200 ? rng_uniform(&r) : (double)rng_below(&r, 4) - 1; /* with many ties */
    assignment_solve(n, cost, column);
    for (int i = 0; i < n; i++) {
      got += cost[i * n + column[i]];
      used |= 1 << column[i];
    }
    assert_int_equal((1 << n) - 1, used);
    assert_near(brute_assignment(n, cost), got, 1e-14);
  }
}

static void test_wasserstein_exact(void **state)
{
  enum { N = 300 };
  (void)state;
  float  *x = cloud(1, N, 0, 1), *y = cloud(1, N, 0.1, 1);
  double *a = widened(N, x), *b = widened(N, y);
  assert_near(metric_wasserstein_1d(N, a, N, b), metric_wasserstein_exact(1, N, x, y), 1e-14);
  /* A permuted copy, and one moved by (3, 4) far beyond its width: every coupling then costs about 5, the best one exactly. */
  float *u = cloud(2, N, 0, 1), v[2 * N], moved[2 * N];
  for (int i = 0; i < N; i++)
    for (int j = 0; j < 2; j++) {
      v[j * N + (i * 7 + 11) % N]     = u[j * N + i];
      moved[j * N + (i * 7 + 11) % N] = rintf(u[j * N + i] * 1024) / 1024;
    }
  assert_near(0, metric_wasserstein_exact(2, N, u, v), 0);
  for (int i = 0; i < N; i++) {
    u[i]     = moved[i] + 3;
    u[N + i] = moved[N + i] + 4;
  }
  assert_near(5, metric_wasserstein_exact(2, N, u, moved), 1e-13);
  /* Constant clouds at distance 5. */
  for (int i = 0; i < N; i++) {
    u[i]     = 1e6f;
    v[i]     = 1e6f + 3;
    u[N + i] = -2;
    v[N + i] = 2;
  }
  assert_near(5, metric_wasserstein_exact(2, N, u, v), 1e-14);
  assert_near(5, metric_wasserstein_exact(2, 1, (float[]){0, 0}, (float[]){3, 4}), 0);
  free(x);
  free(y);
  free(a);
  free(b);
  free(u);
}

/* Clouds 0 and c: the mean of |theta . c| is 2 |c| / pi in the plane, |c| / 2 in space; its variance is below |c|^2 / 10. */
static void test_sliced(void **state)
{
  enum { N = 40, DIRECTIONS = 20000 };
  (void)state;
  const float c[3] = {3, 4, 12};
  assert_near(10 / M_PI, metric_sliced_wasserstein(2, 1, (float[]){0, 0}, 1, c, DIRECTIONS, 5), 5 * 5 * sqrt(0.1 / DIRECTIONS));
  assert_near(6.5, metric_sliced_wasserstein(3, 1, (float[]){0, 0, 0}, 1, c, DIRECTIONS, 6), 5 * 13 * sqrt(0.1 / DIRECTIONS));
  float       *x = cloud(3, N, 1e5, 1), *y = cloud(3, 2 * N, 1e5, 2);
  double      *a = widened(N, x), *b = widened(2 * N, y);
  const double one = metric_sliced_wasserstein(3, N, x, 2 * N, y, 20, 7);
  assert_near(one, metric_sliced_wasserstein(3, N, x, 2 * N, y, 20, 7), 0);
  assert_true(one != metric_sliced_wasserstein(3, N, x, 2 * N, y, 20, 8));
  assert_near(one, metric_sliced_wasserstein(3, 2 * N, y, N, x, 20, 7), 1e-10);
  assert_near(0, metric_sliced_wasserstein(3, N, x, N, x, 20, 7), 0);
  assert_near(metric_wasserstein_1d(N, a, 2 * N, b), metric_sliced_wasserstein(1, N, x, 2 * N, y, 20, 7), 1e-10);
  free(x);
  free(y);
  free(a);
  free(b);
}

/* In the plane tr (C1 C2)^{1/2} = (tr C1 C2 + 2 (det C1 det C2)^{1/2})^{1/2}. */
static double plane_frechet(int64_t n, const float *x, int64_t m, const float *y)
{
  double p[2], q[2], a[3], b[3];
  plane_moments(n, x, p, a);
  plane_moments(m, y, q, b);
  const double product      = a[0] * b[0] + 2 * a[1] * b[1] + a[2] * b[2],
               determinants = (a[0] * a[2] - a[1] * a[1]) * (b[0] * b[2] - b[1] * b[1]);
  return pow(p[0] - q[0], 2) + pow(p[1] - q[1], 2) + a[0] + a[2] + b[0] + b[2] - 2 * sqrt(product + 2 * sqrt(fmax(0, determinants)));
}

static void test_frechet(void **state)
{
  enum { N = 50, M = 31 };
  (void)state;
  float *x = cloud(2, N, 0, 1), *y = cloud(2, M, 0.5, 3);
  for (int i = 0; i < N; i++) x[N + i] += 0.8f * x[i];
  for (int i = 0; i < M; i++) y[M + i] -= 0.5f * y[i];
  const double expected = plane_frechet(N, x, M, y);
  assert_near(expected, frechet(2, N, x, M, y), 1e-12);
  assert_near(expected, frechet(2, M, y, N, x), 1e-12);
  assert_near(0, frechet(2, N, x, N, x), 1e-14);
  /* One dimension: (m1 - m2)^2 + (s1 - s2)^2; {0, 2}: mean 1, variance 2; {10, 16}: mean 13, variance 18. */
  assert_near(144 + 8, frechet(1, 2, (float[]){0, 2}, 2, (float[]){10, 16}), 1e-12);
  assert_near(8, frechet(1, 2, (float[]){1e6f, 1e6f + 2}, 2, (float[]){1e6f - 2, 1e6f + 4}), 1e-12);
  /* Constant clouds; one constant: its trace alone is left. */
  assert_near(25, frechet(2, 3, (float[]){1, 1, 1, 2, 2, 2}, 2, (float[]){4, 4, 6, 6}), 1e-12);
  assert_near(2, frechet(1, 2, (float[]){0, 2}, 2, (float[]){1, 1}), 1e-12);
  free(x);
  free(y);
  /* Fewer points than dimensions: the same cloud is at 0 of its trace (some 2), not at a root of rounding. */
  x = cloud(30, 7, 5, 1);
  y = cloud(30, 9, 5, 1);
  assert_near(0, frechet(30, 7, x, 7, x), 1e-13);
  assert_near(frechet(30, 7, x, 9, y), frechet(30, 9, y, 7, x), 1e-12);
  free(x);
  free(y);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sort),       cmocka_unit_test(test_wasserstein_1d),    cmocka_unit_test(test_wasserstein_circle),
      cmocka_unit_test(test_assignment), cmocka_unit_test(test_wasserstein_exact), cmocka_unit_test(test_sliced),
      cmocka_unit_test(test_frechet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
