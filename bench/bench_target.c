/* SPDX-License-Identifier: BSD-2-Clause
 * Exact posterior means of the data laws, as the samplers ask for them: blocks of 64 points x_t, along the time grid from 10 to 1e-4.
 * Prints thread time per point of the fast and of the exact way (medians), and the largest difference between them. */
#include <math.h>
#include <stdio.h>

#include "measure.h"
#include "rng.h"
#include "schedule.h"
#include "target.h"

enum { BLOCK = 64, BLOCKS = 8, REPEATS = 7, TIMES = 12 };

static void fill(const Target *t, double a, double s, int d, double *x, float *y)
{
  Rng r = rng_start(1, 0, 99);
  target_sample(t, 3, 0, BLOCK * BLOCKS, x);
  for (int i = 0; i < d * BLOCK * BLOCKS; i++) {
    const double z = sqrt(2 * rng_exponential(&r)) * cos(2 * M_PI * rng_uniform(&r));
    y[i]           = (float)(a * x[i] + s * z);
    x[i]           = (double)y[i];
  }
}

static void measure(const char *name, Target *t)
{
  enum { N = BLOCK * BLOCKS };
  const int d = target_dimension(t);
  double   *x = malloc((size_t)d * N * sizeof *x), *f = malloc((size_t)d * N * sizeof *f), ns[2][REPEATS];
  float    *y = malloc((size_t)d * N * sizeof *y), *g = malloc((size_t)d * N * sizeof *g);
  printf("%-12s d %3d  [s/a: fast ns, exact ns, difference]", name, d);
  for (int k = 0; k < TIMES; k++) {
    const double time = 10 * pow(1e-5, (double)k / (TIMES - 1)), a = vp_signal(time), s = vp_noise(time);
    double       worst = 0;
    fill(t, a, s, d, x, y);
    for (int r = 0; r < REPEATS; r++) {
      const double start = thread_ns();
      for (int from = 0; from < N; from += BLOCK) target_posterior_mean_fast(t, a, s, BLOCK, N, y + from, g + from);
      const double middle = thread_ns();
      target_posterior_mean(t, a, s, N, x, f);
      ns[0][r] = (middle - start) / N;
      ns[1][r] = (thread_ns() - middle) / N;
    }
    for (int i = 0; i < d * N; i++) worst = fmax(worst, fabs((double)g[i] - f[i]));
    printf("%s%.2g: %.1f %.0f %.1g", k % 4 ? "   " : "\n    ", s / a, median(REPEATS, ns[0]), median(REPEATS, ns[1]), worst);
  }
  printf("\n");
  free(x);
  free(f);
  free(y);
  free(g);
  target_destroy(&t);
}

static Target *mixture(int modes, int d)
{
  double *mean = malloc((size_t)(modes * d) * sizeof *mean), *variance = malloc((size_t)(modes * d) * sizeof *variance);
  Rng     r = rng_start(2, 0, 99);
  Target *t = NULL;
  for (int i = 0; i < modes * d; i++) {
    mean[i]     = 8 * rng_uniform(&r) - 4;
    variance[i] = 0.1 + 0.2 * rng_uniform(&r);
  }
  if (target_mixture(&(MixtureSpec){.modes = modes, .d = d, .mean = mean, .variance = variance}, &t)) exit(1);
  free(mean);
  free(variance);
  return t;
}

int main(void)
{
  static const struct {
    const char *name;
    TargetKind  kind;
    int         d;
  } kinds[] = {{"line", TARGET_LINE, 2},      {"points", TARGET_POINTS, 2}, {"points", TARGET_POINTS, 16}, {"sphere", TARGET_SPHERE, 3},
               {"sphere", TARGET_SPHERE, 64}, {"torus", TARGET_TORUS, 3},   {"curve", TARGET_CURVE, 2}};
  measure("2 modes", mixture(2, 2));
  measure("25 modes", mixture(25, 2));
  measure("100 modes", mixture(100, 10));
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    Target *t;
    char    error[256];
    if (target_manifold(&(ManifoldSpec){.kind = kinds[i].kind, .ambient = kinds[i].d}, &t, error)) return 1;
    measure(kinds[i].name, t);
  }
  return 0;
}
