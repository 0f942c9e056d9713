/* SPDX-License-Identifier: BSD-2-Clause
 * The float32 posterior means against the exact ones, at points of x_t and far from them, for s from 1e-9 to noise alone; the same bits on
 * every ISA level, in every place of a block and for every number of points. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diffusion/target_private.h"
#include "isa.h"
#include "schedule.h"

enum { KINDS = 13, N = 192, DMAX = 40 };

static Target *manifold(TargetKind kind, int ambient)
{
  Target *t = NULL;
  char    error[256];
  assert_int_equal(target_manifold(&(ManifoldSpec){.kind = kind, .ambient = ambient}, &t, error), 0);
  return t;
}

static Target *mixture(int modes, int d, double variance_scale)
{
  double *mean = malloc((size_t)(modes * d) * sizeof *mean), *variance = malloc((size_t)(modes * d) * sizeof *variance);
  double *weight = malloc((size_t)modes * sizeof *weight);
  Rng     r      = rng_start(2, 0, 99);
  Target *t      = NULL;
  for (int i = 0; i < modes * d; i++) {
    mean[i]     = 8 * rng_uniform(&r) - 4;
    variance[i] = variance_scale * (0.1 + rng_uniform(&r));
  }
  for (int k = 0; k < modes; k++) weight[k] = 0.1 + rng_uniform(&r);
  assert_int_equal(target_mixture(&(MixtureSpec){.modes = modes, .d = d, .mean = mean, .variance = variance, .weight = weight}, &t), 0);
  free(mean);
  free(variance);
  free(weight);
  return t;
}

static Target *make(int which, const char **name)
{
  static const char *const names[KINDS] = {"two modes",  "33 modes",   "100 modes", "narrow modes in 40", "line",   "line in 5",
                                           "curve",      "curve in 7", "points",    "points in 6",        "sphere", "torus",
                                           "torus in 12"};
  static const TargetKind  manifolds[]  = {TARGET_LINE,   TARGET_LINE,   TARGET_CURVE, TARGET_CURVE, TARGET_POINTS,
                                           TARGET_POINTS, TARGET_SPHERE, TARGET_TORUS, TARGET_TORUS};
  static const int         d[KINDS] = {2, 2, 7, 40, 2, 5, 2, 7, 2, 6, 3, 3, 12}, modes[4] = {2, 33, 100, 3};
  *name = names[which];
  return which < 4 ? mixture(modes[which], d[which], which == 3 ? 1e-4 : 0.3) : manifold(manifolds[which - 4], d[which]);
}

/* x = a (spread x_0) + s spread z: spread 1 is x_t. */
static void fill(const Target *t, uint64_t key, double a, double s, double spread, int n, float *x)
{
  static double y[DMAX * N];
  const int     d = target_dimension(t);
  Rng           r = rng_start(key, 0, 99);
  target_sample(t, key, 0, n, y);
  for (int i = 0; i < d * n; i++) {
    const double z = sqrt(2 * rng_exponential(&r)) * cos(2 * M_PI * rng_uniform(&r));
    x[i]           = (float)(spread * (a * y[i] + s * z));
  }
}

static float  x[DMAX * N], f[DMAX * N], g[DMAX * N];
static double wide[DMAX * N], exact[DMAX * N];

static void expect_close(const char *name, const Target *t, double a, double s, double tolerance)
{
  const int d = target_dimension(t);
  for (int i = 0; i < d * N; i++) wide[i] = (double)x[i];
  target_posterior_mean(t, a, s, N, wide, exact);
  target_posterior_mean_fast(t, a, s, N, N, x, f);
  for (int i = 0; i < N; i++) {
    double size = 1;
    for (int j = 0; j < d; j++) size = fmax(size, fabs(exact[j * N + i]));
    for (int j = 0; j < d; j++)
      if (!(fabs((double)f[j * N + i] - exact[j * N + i]) <= tolerance * size))
        fail_msg("%s, s/a = %g, point %d (%g, %g), component %d: expected %.9g, got %.9g, tolerance %g", name, s / a, i, (double)x[i],
                 (double)x[N + i], j, exact[j * N + i], (double)f[j * N + i], tolerance * size);
  }
}

static void test_accuracy(void **state)
{
  (void)state;
  for (int which = 0; which < KINDS; which++) {
    const char *name;
    Target     *t = make(which, &name);
    for (double time = 10; time > 1e-5; time /= 1.7) {
      const double a = vp_signal(time), s = vp_noise(time);
      fill(t, 7, a, s, 1, N, x);
      expect_close(name, t, a, s, 1e-5);
      fill(t, 8, a, s, 1.5, N, x);
      expect_close(name, t, a, s, 1e-5);
    }
    target_destroy(&t);
  }
}

/* Far out, on axes and centres, where the foot point jumps, and with next to no noise. */
static void test_corners(void **state)
{
  (void)state;
  static const float corner[][3] = {{0, 0, 0},         {1, 0, 0},        {1, 1e-6f, 1e-6f},     {0, 0, 3},
                                    {0, 1e-20f, 0.4f}, {-30, 10, 5},     {0.4f, 0.6928203f, 0}, {1e-3f, 2e-3f, 1e-3f},
                                    {1000, -1, 0},     {0.88f, 0, 0.1f}, {1.3f, 0, 0.4f},       {-0.6f, 0, 0}};
  enum { CORNERS = sizeof corner / sizeof corner[0] };
  for (int which = 0; which < KINDS; which++) {
    const char *name;
    Target     *t = make(which, &name);
    const int   d = target_dimension(t);
    for (double s = 3; s > 1e-9; s /= 7) {
      const bool turned = t->frame != NULL || (d > 3 && t->kind == TARGET_POINTS);
      if (turned) break; /* the float32 turn moves a point across the jump */
      for (int i = 0; i < N; i++)
        for (int j = 0; j < d; j++) x[j * N + i] = corner[i % CORNERS][j % 3] * (1 + (float)(i / CORNERS) / 64) + (j > 2) * 0.1f;
      /* At a jump the exact answer itself hangs on the last bit of x: s = 0.1 is the least noise that smooths it. */
      if (s < 0.05 && (t->kind == TARGET_POINTS || t->kind == TARGET_CURVE || t->kind == TARGET_TORUS))
        for (int i = 0; i < N; i++) {
          x[i] += 0.31f;
          x[N + i] -= 0.13f;
        }
      expect_close(name, t, 1, s, 1e-5);
    }
    target_destroy(&t);
  }
}

/* Within the reach of every node table of the curve, at the least noise of each. */
static void test_curve_reach(void **state)
{
  (void)state;
  Target *t = manifold(TARGET_CURVE, 2);
  for (double s = 0.04; s < 2; s *= 1.12)
    for (int part = 0; part < 3; part++) {
      Rng r = rng_start(11, (uint32_t)part, 99);
      for (int i = 0; i < N; i++) {
        const double length = (1.6 + 6 * s) * sqrt(rng_uniform(&r)), angle = 2 * M_PI * rng_uniform(&r);
        x[i]     = (float)(length * cos(angle));
        x[N + i] = (float)(length * sin(angle));
      }
      expect_close("curve, anywhere", t, 1, s, 1e-5);
    }
  target_destroy(&t);
}

static void test_same_bits(void **state)
{
  (void)state;
  for (int which = 0; which < KINDS; which++) {
    const char *name;
    Target     *t = make(which, &name);
    const int   d = target_dimension(t);
    for (double time = 8; time > 1e-4; time /= 5) {
      const double a = vp_signal(time), s = vp_noise(time);
      fill(t, 5, a, s, 1, N, x);
      target_posterior_mean_fast(t, a, s, N, N, x, f);
      for (IsaLevel level = ISA_BASE; level <= isa_level(); level++) {
        t->kernels = target_kernels(level);
        memset(g, 0, sizeof g);
        target_posterior_mean_fast(t, a, s, N, N, x, g);
        for (int i = 0; i < d * N; i++)
          if (memcmp(&f[i], &g[i], sizeof f[i]))
            fail_msg("%s on %s at %g: %.9g, not %.9g", name, isa_name(level), s, (double)g[i], (double)f[i]);
      }
      for (int n = 1; n < 80; n += 13) { /* points 5 .. n + 4, and nothing beyond them */
        for (int i = 0; i < d * N; i++) g[i] = -77;
        target_posterior_mean_fast(t, a, s, n, N, x + 5, g + 5);
        for (int j = 0; j < d; j++)
          for (int i = 0; i < N; i++) {
            const bool inside = i >= 5 && i < n + 5;
            if (inside ? memcmp(&f[j * N + i], &g[j * N + i], sizeof *f) : g[j * N + i] != -77)
              fail_msg("%s, %d points, point %d: expected %.9g, got %.9g", name, n, i, inside ? (double)f[j * N + i] : -77.,
                       (double)g[j * N + i]);
          }
      }
    }
    target_destroy(&t);
  }
}

/* What is not finite stays so, and spoils no neighbour. */
static void test_not_finite(void **state)
{
  (void)state;
  for (int which = 0; which < KINDS; which++) {
    const char *name;
    Target     *t = make(which, &name);
    const int   d = target_dimension(t);
    for (double s = 0.01; s < 5; s *= 8) {
      fill(t, 5, 1, s, 1, N, x);
      target_posterior_mean_fast(t, 1, s, N, N, x, f);
      for (int j = 0; j < d; j++) x[j * N + 3] = NAN;
      x[N + 21] = INFINITY;
      target_posterior_mean_fast(t, 1, s, N, N, x, g);
      for (int j = 0; j < d; j++)
        for (int i = 0; i < N; i++)
          if (i != 3 && i != 21 && memcmp(&f[j * N + i], &g[j * N + i], sizeof *f)) fail_msg("%s: point %d changed", name, i);
      if (isfinite(g[3])) fail_msg("%s: NaN gave %g", name, (double)g[3]);
    }
    target_destroy(&t);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_accuracy), cmocka_unit_test(test_corners), cmocka_unit_test(test_curve_reach),
                                     cmocka_unit_test(test_same_bits), cmocka_unit_test(test_not_finite)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
