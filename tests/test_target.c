/* SPDX-License-Identifier: BSD-2-Clause
 * Exact posterior means, densities, foot points and samples of the data laws against brute force: sums over very many nodes of the plain
 * formulas in long double, weighted samples, finite differences, Kolmogorov's distance of samples. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diffusion/target_draw.h"
#include "diffusion/target_private.h"

typedef long double Real;

static void expect_near(const char *what, double where, double expected, double got, double tolerance)
{
  if (fabs(got - expected) <= tolerance) return;
  fail_msg("%s at %g: expected %.15g, got %.15g, tolerance %g", what, where, expected, got, tolerance);
}

static Target *manifold(TargetKind kind, int ambient)
{
  Target *t = NULL;
  char    error[256];
  assert_int_equal(target_manifold(&(ManifoldSpec){.kind = kind, .ambient = ambient}, &t, error), 0);
  assert_string_equal(error, "");
  return t;
}

static const char *const names[] = {"mixture", "line", "curve", "points", "sphere", "torus"};
static int               own_dimension(TargetKind kind) { return kind >= TARGET_SPHERE ? 3 : 2; }

/* A weighted sum over nodes: the brute-force E[x_0 | x], with the least exponent so far taken out. */
typedef struct Brute {
  Real least, mass, sum[3];
} Brute;

static void brute_add(Brute *b, int d, Real a, Real s, const double *x, const Real *y, Real weight)
{
  Real square = 0;
  for (int j = 0; j < d; j++) square += ((Real)x[j] - a * y[j]) * ((Real)x[j] - a * y[j]);
  const Real E = square / (2 * s * s);
  if (b->mass == 0 || E < b->least) {
    const Real scale = b->mass == 0 ? 0 : expl(E - b->least);
    b->mass *= scale;
    for (int j = 0; j < d; j++) b->sum[j] *= scale;
    b->least = E;
  }
  if (E - b->least > 150) return;
  const Real p = weight * expl(b->least - E);
  b->mass += p;
  for (int j = 0; j < d; j++) b->sum[j] += p * y[j];
}

static void expect_brute(const char *what, const Target *t, double a, double s, const double *x, const Brute *b, double tolerance)
{
  double f[3];
  target_posterior_mean(t, a, s, 1, x, f);
  for (int j = 0; j < target_dimension(t); j++)
    if (!(fabs(f[j] - (double)(b->sum[j] / b->mass)) <= tolerance))
      fail_msg("%s, component %d of f at x = (%g, %g), a = %g, s = %g: expected %.15g, got %.15g, tolerance %g", what, j, x[0], x[1], a, s,
               (double)(b->sum[j] / b->mass), f[j], tolerance);
}

/* Trapezoidal rule over window [middle - half, middle + half] of the angle, or the whole circle. */
static Brute brute_curve(double a, double s, const double *x, double middle, double half, int nodes)
{
  Brute b = {0, 0, {0}};
  for (int i = 0; i < nodes; i++) {
    const Real phi = (Real)middle + (Real)half * (2 * (Real)i / nodes - 1), r = 1 + 0.3L * cosl(3 * phi);
    brute_add(&b, 2, (Real)a, (Real)s, x, (Real[]){r * cosl(phi), r * sinl(phi)}, 1 + 0.5L * cosl(phi));
  }
  return b;
}

static const double plane[][2] = {{1, -0.1}, {2, 1.5},    {0.4, 0.35}, {-0.9, 0.02}, {0.7, 0},
                                  {1.3, 0},  {-0.1, 0.2}, {0, 0},      {3, -4},      {-0.5, -0.86}};
enum { PLANE = sizeof plane / sizeof plane[0] };

static void test_curve_mean(void **state)
{
  (void)state;
  Target             *t       = manifold(TARGET_CURVE, 2);
  static const double noise[] = {1e-2, 0.05, 0.3, 1, 10};
  for (int k = 0; k < 5; k++)
    for (int i = 0; i < PLANE; i++)
      for (int v = 0; v < 2; v++) {
        const double s = v ? noise[k] / hypot(1, noise[k]) : noise[k], a = v ? 1 / hypot(1, noise[k]) : 1;
        const double x[2] = {a * plane[i][0], a * plane[i][1]};
        const Brute  b    = brute_curve(a, s, x, 0, M_PI, k ? 3000 : 8000);
        expect_brute("curve", t, a, s, x, &b, 1e-12);
      }
  target_destroy(&t);
}

/* Small noise: brute force in a window about the foot point, for points with one foot. */
static void test_curve_mean_small(void **state)
{
  (void)state;
  Target *t = manifold(TARGET_CURVE, 2);
  for (double s = 1e-3; s > 1e-8; s /= 10)
    for (int i = 0; i < 4; i++) {
      double near[2];
      target_nearest(t, plane[i], near, NULL);
      const Brute b = brute_curve(1, s, plane[i], atan2(near[1], near[0]), 40 * s, 4000);
      expect_brute("curve, small noise", t, 1, s, plane[i], &b, 1e-12);
    }
  target_destroy(&t);
}

static const double space[][3] = {{1, -0.1, 0.3}, {0.2, 0.1, 0},  {2, 1, -1},     {0, 0, 0.5},      {0.9, 0.436, 0.001},
                                  {0, 0, 0},      {1.4, 0, 0.05}, {-0.4, 0.5, 2}, {0.59, 0, -0.01}, {-3, 3, 1}};
enum { SPACE = sizeof space / sizeof space[0] };

/* Angles u about u0 and v about v0, half windows hu and hv (pi: all). */
static Brute brute_torus(double a, double s, const double *x, const double middle[2], const double half[2], int nodes)
{
  Brute b = {0, 0, {0}};
  for (int i = 0; i < nodes; i++) {
    const Real v = (Real)middle[1] + (Real)half[1] * (2 * (Real)i / nodes - 1), q = 1 + 0.4L * cosl(v);
    for (int j = 0; j < nodes; j++) {
      const Real u = (Real)middle[0] + (Real)half[0] * (2 * (Real)j / nodes - 1);
      brute_add(&b, 3, (Real)a, (Real)s, x, (Real[]){q * cosl(u), q * sinl(u), 0.4L * sinl(v)}, q);
    }
  }
  return b;
}

static void test_torus_mean(void **state)
{
  (void)state;
  Target             *t       = manifold(TARGET_TORUS, 3);
  static const double noise[] = {0.1, 0.4, 1, 30}, zero[2] = {0, 0}, whole[2] = {M_PI, M_PI};
  for (int k = 0; k < 4; k++)
    for (int i = 0; i < SPACE; i++) {
      const double a = 1 / hypot(1, noise[k]), s = noise[k] * a, x[3] = {a * space[i][0], a * space[i][1], a * space[i][2]};
      const Brute  b = brute_torus(a, s, x, zero, whole, k ? 100 : 240);
      expect_brute("torus", t, a, s, x, &b, 1e-12);
    }
  target_destroy(&t);
}

static void test_torus_mean_small(void **state)
{
  (void)state;
  Target *t = manifold(TARGET_TORUS, 3);
  for (double s = 1e-2; s > 1e-7; s /= 10)
    for (int i = 0; i < 7; i += 2) {
      if (i == 3 || i == 5) continue;
      const double *x = space[i], rho = hypot(x[0], x[1]), middle[2] = {atan2(x[1], x[0]), atan2(x[2], rho - 1)};
      const double  q = 1 + 0.4 * cos(middle[1]), p = hypot(x[2], rho - 1);
      const double  half[2] = {fmin(M_PI, 11 * s / sqrt(q * rho)), fmin(M_PI, 11 * s / sqrt(p * 0.4))};
      const Brute   b       = brute_torus(1, s, x, middle, half, 160);
      expect_brute("torus, small noise", t, 1, s, x, &b, 1e-11);
    }
  target_destroy(&t);
}

/* Height by Simpson's rule, longitude by the trapezoidal rule. */
static void test_sphere_mean(void **state)
{
  (void)state;
  enum { HEIGHTS = 600, LONGITUDES = 64 };
  Target             *t       = manifold(TARGET_SPHERE, 3);
  static const double noise[] = {0.4, 0.7, 1, 3, 50};
  for (int k = 0; k < 5; k++)
    for (int i = 0; i < SPACE; i++) {
      const double a = 1 / hypot(1, noise[k]), s = noise[k] * a, x[3] = {a * space[i][0], a * space[i][1], a * space[i][2]};
      Brute        b = {0, 0, {0}};
      for (int h = 0; h <= HEIGHTS; h++)
        for (int l = 0; l < LONGITUDES; l++) {
          const Real z = 2 * (Real)h / HEIGHTS - 1, q = sqrtl((1 - z) * (1 + z)), u = 2 * (Real)M_PI * l / LONGITUDES;
          brute_add(&b, 3, (Real)a, (Real)s, x, (Real[]){q * cosl(u), q * sinl(u), z}, h % HEIGHTS == 0 ? 1 : h % 2 ? 4 : 2);
        }
      expect_brute("sphere", t, a, s, x, &b, 2e-7);
    }
  target_destroy(&t);
}

/* Langevin's function of the sphere over its two branches, in long double. */
static void test_sphere_concentrations(void **state)
{
  (void)state;
  Target *t = manifold(TARGET_SPHERE, 3);
  for (double kappa = 1e-6; kappa < 1e8; kappa *= 1.3) {
    const double x[3] = {kappa, 0, 0};
    double       f[3];
    target_posterior_mean(t, 1, 1, 1, x, f);
    const Real k = (Real)kappa, direct = 1 / tanhl(k) - 1 / k, small = k / 3 - k * k * k / 45;
    expect_near("sphere, relative to the closed form", kappa, 1, f[0] / (double)(kappa < 1e-2 ? small : direct),
                kappa < 1e-2 ? 3e-10 : 1e-13);
  }
  target_destroy(&t);
}

static void test_bessel(void **state)
{
  (void)state;
  for (double x = 1e-4; x < 1e6; x *= 1.37) {
    enum { NODES = 4000 };
    Real   sum0 = 0, sum1 = 0, width = (Real)fmin(M_PI, 12 / sqrt(x));
    double i0, i1;
    for (int i = 0; i < NODES; i++) {
      const Real theta = width * (2 * ((Real)i + 0.5L) / NODES - 1), half = sinl(theta / 2), p = expl(-2 * (Real)x * half * half);
      sum0 += p * width / NODES;
      sum1 += p * cosl(theta) * width / NODES;
    }
    bessel_scaled(x, &i0, &i1);
    expect_near("relative I0", x, 1, i0 / (double)(sum0 / (Real)M_PI), 1e-14);
    expect_near("relative I1", x, 1, i1 / (double)(sum1 / (Real)M_PI), x < 0.01 ? 1e-12 : 1e-14);
  }
}

static MixtureSpec two_modes(void)
{
  static const double mean[] = {-4, -4, 4, 4}, variance[] = {0.3, 0.1, 0.2, 0.2}, weight[] = {3, 1};
  return (MixtureSpec){.modes = 2, .d = 2, .mean = mean, .variance = variance, .weight = weight};
}

/* Two-dimensional trapezoidal rule over the prior times the likelihood; its mass is the density too. */
static void test_mixture_mean(void **state)
{
  (void)state;
  enum { NODES = 400 };
  const MixtureSpec   spec    = two_modes();
  static const double noise[] = {0.3, 1, 4}, at[][2] = {{-4, -3.7}, {0.3, 0}, {-0.1, 0.2}, {3, 5}};
  Target             *t;
  assert_int_equal(target_mixture(&spec, &t), 0);
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < 4; i++) {
      const double a = 1 / hypot(1, noise[k]), s = noise[k] * a, x[2] = {a * at[i][0], a * at[i][1]}, h = 16. / NODES;
      Brute        b = {0, 0, {0}};
      for (int c = 0; c < NODES * NODES; c++) {
        const Real y[2]  = {(Real)h * (c / NODES) - 8, (Real)h * (c % NODES) - 8};
        Real       prior = 0;
        for (int m = 0; m < 2; m++) {
          const double *mean = spec.mean + 2 * m, *v = spec.variance + 2 * m;
          const double  u0 = (double)y[0] - mean[0], u1 = (double)y[1] - mean[1];
          prior += (m ? 0.25L : 0.75L) * expl((Real)(-u0 * u0 / v[0] - u1 * u1 / v[1]) / 2) / (2 * (Real)M_PI * sqrtl((Real)(v[0] * v[1])));
        }
        if (prior > 0) brute_add(&b, 2, (Real)a, (Real)s, x, y, prior);
      }
      expect_brute("mixture", t, a, s, x, &b, 1e-11);
      expect_near("log density of a mixture", x[0], (double)(logl(b.mass * (Real)(h * h)) - b.least - logl(2 * (Real)M_PI * (Real)(s * s))),
                  target_log_density(t, a, s, x), 1e-11);
    }
  target_destroy(&t);
}

static void test_points_mean(void **state)
{
  (void)state;
  Target       *t = manifold(TARGET_POINTS, 2);
  const double *point;
  assert_int_equal(target_points(t, &point), 5);
  for (double s = 1e-3; s < 100; s *= 3)
    for (int i = 0; i < PLANE; i++) {
      Brute b = {0, 0, {0}};
      for (int k = 0; k < 5; k++) brute_add(&b, 2, 0.7L, (Real)s, plane[i], (Real[]){(Real)point[k], (Real)point[5 + k]}, 1);
      expect_brute("points", t, 0.7, s, plane[i], &b, 1e-10);
      expect_near("log density of points", s, (double)(logl(b.mass / 5) - b.least - logl(2 * (Real)M_PI * (Real)(s * s))),
                  target_log_density(t, 0.7, s, plane[i]), 1e-9 * (1 + (double)b.least));
    }
  target_destroy(&t);
}

/* f = (x + s^2 grad log p) / a (Tweedie), by central differences, in the own space and rotated. */
static void test_tweedie(void **state)
{
  (void)state;
  const MixtureSpec spec = two_modes();
  Target *t[5] = {NULL, manifold(TARGET_LINE, 2), manifold(TARGET_LINE, 4), manifold(TARGET_POINTS, 2), manifold(TARGET_POINTS, 6)};
  assert_int_equal(target_mixture(&spec, &t[0]), 0);
  for (int k = 0; k < 5; k++) {
    for (double s = 0.2; s < 20; s *= 2.1) {
      const int    d = target_dimension(t[k]);
      const double a = 0.6, h = 1e-5 * s;
      double       x[6] = {0.4, -0.7, 0.3, 0.9, -0.2, 0.5}, f[6];
      target_posterior_mean(t[k], a, s, 1, x, f);
      for (int j = 0; j < d; j++) {
        const double keep = x[j];
        x[j]              = keep + h;
        const double up   = target_log_density(t[k], a, s, x);
        x[j]              = keep - h;
        const double down = target_log_density(t[k], a, s, x);
        x[j]              = keep;
        expect_near("f by Tweedie's formula", s, (x[j] + s * s * (up - down) / (2 * h)) / a, f[j], 1e-7 * (1 + s * s) * 10);
      }
    }
    target_destroy(&t[k]);
  }
}

/* Self-normalised weights of samples, within 6 of the estimate's own standard errors. */
static void test_monte_carlo(void **state)
{
  (void)state;
  enum { N = 40000 };
  static double y[3 * N];
  for (TargetKind kind = TARGET_LINE; kind <= TARGET_TORUS; kind++) {
    const int d = own_dimension(kind);
    Target   *t = manifold(kind, d);
    target_sample(t, 11, 3, N, y);
    for (double noise = 0.4; noise < 5; noise *= 3) {
      const double a = 1 / hypot(1, noise), s = noise * a, x[3] = {0.9 * a, -0.3 * a, 0.5 * a};
      double       mass = 0, square[3] = {0}, sum[3] = {0}, f[3];
      target_posterior_mean(t, a, s, 1, x, f);
      for (int i = 0; i < N; i++) {
        double E = 0;
        for (int j = 0; j < d; j++) E += pow(x[j] - a * y[j * N + i], 2) / (2 * s * s);
        const double p = exp(-E);
        mass += p;
        for (int j = 0; j < d; j++) {
          sum[j] += p * y[j * N + i];
          square[j] += pow(p * (y[j * N + i] - f[j]), 2);
        }
      }
      for (int j = 0; j < d; j++) expect_near(names[kind], noise, sum[j] / mass, f[j], 6 * sqrt(square[j]) / mass + 1e-12);
    }
    target_destroy(&t);
  }
}

/* s -> 0: the nearest point; s -> infinity: the law's mean.  */
static void test_limits(void **state)
{
  (void)state;
  for (TargetKind kind = TARGET_LINE; kind <= TARGET_TORUS; kind++) {
    const int    d    = own_dimension(kind);
    Target      *t    = manifold(kind, d);
    const double x[3] = {1, -0.1, 0.2};
    double       f[3], near[3], mean[3] = {0, 0, 0};
    target_nearest(t, x, near, NULL);
    for (double s = 1e-3; s > 1e-15; s /= 30) {
      target_posterior_mean(t, 1, s, 1, x, f);
      for (int j = 0; j < d; j++) expect_near(names[kind], s, near[j], f[j], 4 * s * s + 1e-14);
    }
    /* (1/2pi) integral (1 + cos/2) (1 + 0.3 cos 3 phi) cos = 1/4; the points' mean by addition. */
    if (kind == TARGET_CURVE) mean[0] = 0.25;
    if (kind == TARGET_POINTS) mean[0] = 0.16, mean[1] = -0.16;
    for (double noise = 1e3; noise < 1e9; noise *= 100) {
      const double a = 1 / hypot(1, noise);
      target_posterior_mean(t, a, noise * a, 1, x, f);
      for (int j = 0; j < d; j++) expect_near(names[kind], noise, mean[j], f[j], 4 / noise);
    }
    target_destroy(&t);
  }
}

/* However far away x is, the foot and the mean are those of its direction: on the curve where the tangent is across it. */
static void test_far(void **state)
{
  (void)state;
  for (TargetKind kind = TARGET_CURVE; kind <= TARGET_TORUS; kind++) {
    if (kind == TARGET_POINTS) continue;
    Target *t = manifold(kind, own_dimension(kind));
    double  near[3], first[3], f[3];
    for (double length = 1e3; length < 1e20; length *= 1e4) {
      const double x[3] = {0.6 * length, -0.5 * length, 0.2 * length};
      target_nearest(t, x, near, NULL);
      target_posterior_mean(t, 1, 1e-3, 1, x, f);
      if (length < 1e4) memcpy(first, near, sizeof first);
      for (int j = 0; j < target_dimension(t); j++) {
        expect_near(names[kind], length, first[j], near[j], 1e-3);
        expect_near(names[kind], length, near[j], f[j], 1e-3);
      }
    }
    target_destroy(&t);
  }
}

static int ascending(const void *a, const void *b)
{
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* Kolmogorov's distance of n values in [0, 1] from the uniform law; the limit is passed once in 10^5 by chance, and the key is fixed. */
static void expect_uniform(const char *what, int n, double *u)
{
  double distance = 0;
  qsort(u, (size_t)n, sizeof *u, ascending);
  for (int i = 0; i < n; i++) distance = fmax(distance, fmax((i + 1.) / n - u[i], u[i] - (double)i / n));
  if (!(distance < 2.47 / sqrt(n))) fail_msg("%s: Kolmogorov's distance %g of %d values, at most %g", what, distance, n, 2.47 / sqrt(n));
}

static void test_sample_laws(void **state)
{
  (void)state;
  enum { N = 20000 };
  static double x[3 * N], u[N], v[N];
  for (TargetKind kind = TARGET_LINE; kind <= TARGET_TORUS; kind++) {
    Target *t = manifold(kind, own_dimension(kind));
    target_sample(t, 5, 1, N, x);
    for (int i = 0; i < N; i++) {
      const double p[3] = {x[i], x[N + i], x[2 * N + i]}, rho = hypot(p[0], p[1]), phi = atan2(p[1], p[0]), w = atan2(p[2], rho - 1);
      double       near[3], along;
      const double off = target_nearest(t, p, near, &along);
      expect_near("distance of a sample", i, 0, off, 3e-15);
      u[i] = along;
      if (kind == TARGET_CURVE) v[i] = (phi + 0.5 * sin(phi) + M_PI) / (2 * M_PI);
      if (kind == TARGET_SPHERE) u[i] = (p[2] + 1) / 2, v[i] = (phi + M_PI) / (2 * M_PI);
      if (kind == TARGET_TORUS) u[i] = (w + 0.4 * sin(w) + M_PI) / (2 * M_PI), v[i] = (phi + M_PI) / (2 * M_PI);
    }
    if (kind != TARGET_POINTS) expect_uniform(names[kind], N, u);
    if (kind == TARGET_CURVE || kind >= TARGET_SPHERE) expect_uniform(names[kind], N, v);
    target_destroy(&t);
  }
}

static void test_sample_mixture(void **state)
{
  (void)state;
  enum { N = 40000 };
  static double     x[2 * N];
  const MixtureSpec spec = two_modes();
  Target           *t;
  int               count[2]  = {0, 0};
  double            sum[2][2] = {{0}}, square[2][2] = {{0}}, mahalanobis, tail = 0;
  assert_int_equal(target_mixture(&spec, &t), 0);
  target_sample(t, 9, 0, N, x);
  for (int i = 0; i < N; i++) {
    const double p[2] = {x[i], x[N + i]};
    const int    k    = target_mode(t, p, &mahalanobis);
    assert_int_equal(k, p[0] > 0);
    count[k]++;
    tail += mahalanobis > 4; /* of a chi-square with two degrees: e^-2 */
    for (int j = 0; j < 2; j++) sum[k][j] += p[j], square[k][j] += pow(p[j] - spec.mean[2 * k + j], 2);
  }
  expect_near("share of the first mode", N, 0.75, count[0] / (double)N, 5 * sqrt(0.1875 / N));
  expect_near("share beyond Mahalanobis 2", N, exp(-2), tail / N, 5 * sqrt(0.117 / N));
  for (int k = 0; k < 2; k++)
    for (int j = 0; j < 2; j++) {
      const double v = spec.variance[2 * k + j];
      expect_near("mean of a mode", k, spec.mean[2 * k + j], sum[k][j] / count[k], 5 * sqrt(v / count[k]));
      expect_near("variance of a mode", k, v, square[k][j] / count[k], 5 * v * sqrt(2. / count[k]));
    }
  expect_near("normalised weight", 0, 0.75, target_mixture_spec(t)->weight[0], 1e-15);
  target_destroy(&t);
}

/* Point i is a function of (key, draw, i). */
static void test_sample_keys(void **state)
{
  (void)state;
  double few[3 * 7], many[3 * 50], other[3 * 7], drawn[3 * 7];
  for (TargetKind kind = TARGET_LINE; kind <= TARGET_TORUS; kind++) {
    const int d = own_dimension(kind);
    Target   *t = manifold(kind, d);
    target_sample(t, 5, 1, 7, few);
    target_sample(t, 5, 1, 50, many);
    target_sample(t, 6, 1, 7, other);
    target_sample(t, 5, 2, 7, drawn);
    for (int j = 0; j < d; j++) assert_memory_equal(few + 7 * j, many + 50 * j, 7 * sizeof *few);
    assert_memory_not_equal(few, other, 7 * sizeof *few);
    assert_memory_not_equal(few, drawn, 7 * sizeof *few);
    target_destroy(&t);
  }
}

/* Distances from a fine grid of every manifold: the foot point is never farther, and hardly nearer than the grid allows. */
static void test_nearest(void **state)
{
  (void)state;
  static const TargetKind smooth[] = {TARGET_CURVE, TARGET_SPHERE, TARGET_TORUS};
  for (int k = 0; k < 3; k++) {
    const TargetKind kind = smooth[k];
    const int        d = own_dimension(kind), n = d == 2 ? 20000 : 600;
    Target          *t = manifold(kind, d);
    for (int i = 0; i < 10; i++) {
      const double *x    = d == 2 ? plane[i] : space[i];
      double        best = INFINITY, near[3], again[3], square = 0;
      for (int p = 0; p < n; p++)
        for (int q = 0; q < (d == 2 ? 1 : n); q++) {
          const double u = 2 * M_PI * p / n, v = 2 * M_PI * q / n, r = kind == TARGET_TORUS ? 0.4 : 1, l = 1 + 0.3 * cos(3 * u);
          const double ring = (kind == TARGET_TORUS) + r * cos(v);
          const double y[3] = {d == 2 ? l * cos(u) : ring * cos(u), d == 2 ? l * sin(u) : ring * sin(u), r * sin(v)};
          double       here = 0;
          for (int j = 0; j < d; j++) here += (x[j] - y[j]) * (x[j] - y[j]);
          best = fmin(best, sqrt(here));
        }
      const double distance = target_nearest(t, x, near, NULL);
      if (!(distance <= best + 1e-14 && distance >= best - (d == 2 ? 3e-4 : 1e-2)))
        fail_msg("%s, point %d: distance %.15g, on the grid %.15g", names[kind], i, distance, best);
      expect_near("a foot point's own distance", i, 0, target_nearest(t, near, again, NULL), 3e-15);
      for (int j = 0; j < d; j++) square += (x[j] - near[j]) * (x[j] - near[j]);
      expect_near("distance of the foot point", i, sqrt(square), distance, 1e-15);
    }
    target_destroy(&t);
  }
}

/* In more dimensions: distances between samples stay, the frame is orthonormal, f turns with it and ignores what is across. */
static void test_rotation(void **state)
{
  (void)state;
  enum { N = 12, D = 9 };
  double y[3 * N], x[D * N];
  for (TargetKind kind = TARGET_LINE; kind <= TARGET_TORUS; kind++) {
    const int d   = own_dimension(kind);
    Target   *own = manifold(kind, d), *t = manifold(kind, D);
    target_sample(own, 2, 0, N, y);
    target_sample(t, 2, 0, N, x);
    double image[3][D], across[D] = {0.3, -0.2, 0.9, 0.1, 0.4, -0.5, 0.2, 0.7, -0.1}; /* image: of the own axes, from the samples' span */
    for (int i = 0; i < N; i++)
      for (int k = 0; k < i; k++) {
        double own_square = 0, square = 0;
        for (int j = 0; j < d; j++) own_square += pow(y[j * N + i] - y[j * N + k], 2);
        for (int j = 0; j < D; j++) square += pow(x[j * N + i] - x[j * N + k], 2);
        expect_near("distance of rotated samples", i, sqrt(own_square), sqrt(square), 1e-14);
      }
    double frame[3 * D];
    target_rotation(D, d, frame);
    for (int c = 0; c < d; c++)
      for (int j = 0; j < D; j++) image[c][j] = frame[j * d + c];
    for (int c = 0; c < d; c++) {
      double dot = 0;
      for (int j = 0; j < D; j++) dot += across[j] * image[c][j];
      for (int j = 0; j < D; j++) across[j] -= dot * image[c][j];
    }
    const double z[3] = {0.8, -0.3, 0.4};
    double       at[D], f[D], f_own[3];
    for (int j = 0; j < D; j++) {
      at[j] = across[j];
      for (int c = 0; c < d; c++) at[j] += z[c] * image[c][j];
    }
    target_posterior_mean(t, 0.8, 0.6, 1, at, f);
    target_posterior_mean(own, 0.8, 0.6, 1, z, f_own);
    for (int j = 0; j < D; j++) {
      double expected = 0;
      for (int c = 0; c < d; c++) expected += f_own[c] * image[c][j];
      expect_near("f of the rotated law", j, expected, f[j], 1e-13);
    }
    target_destroy(&own);
    target_destroy(&t);
  }
}

static void test_turns(void **state)
{
  (void)state;
  for (double u = -1; u <= 1; u += 0.000371) {
    double c, s;
    draw_turn(u, &c, &s);
    expect_near("cosine", u, (double)cosl(2 * 3.14159265358979323846264338L * (Real)u), c, 3e-16);
    expect_near("sine", u, (double)sinl(2 * 3.14159265358979323846264338L * (Real)u), s, 3e-16);
  }
  for (double e = 0; e < 0.95; e += 0.1)
    for (double u = 1e-9; u < 1; u += 0.00317) {
      const double w = draw_tilted(u, e), back = w + e * sin(2 * M_PI * w) / (2 * M_PI);
      expect_near("quantile put back", u, u > 0.5 ? u - 1 : u, back, 4e-16);
      expect_near("level", u, u, draw_tilted_level(2 * M_PI * w, e), 5e-16);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_curve_mean),
                                     cmocka_unit_test(test_curve_mean_small),
                                     cmocka_unit_test(test_torus_mean),
                                     cmocka_unit_test(test_sphere_mean),
                                     cmocka_unit_test(test_sphere_concentrations),
                                     cmocka_unit_test(test_torus_mean_small),
                                     cmocka_unit_test(test_mixture_mean),
                                     cmocka_unit_test(test_points_mean),
                                     cmocka_unit_test(test_bessel),
                                     cmocka_unit_test(test_tweedie),
                                     cmocka_unit_test(test_monte_carlo),
                                     cmocka_unit_test(test_limits),
                                     cmocka_unit_test(test_sample_laws),
                                     cmocka_unit_test(test_sample_mixture),
                                     cmocka_unit_test(test_sample_keys),
                                     cmocka_unit_test(test_nearest),
                                     cmocka_unit_test(test_rotation),
                                     cmocka_unit_test(test_turns),
                                     cmocka_unit_test(test_far)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
