/* SPDX-License-Identifier: BSD-2-Clause
 * Time of the distances between two clouds: mean distance, Gaussian kernel (one bandwidth) and nearest neighbour of 2,000 x 2,000 points of
 * the plane, mean distance by the double reference, nearest neighbour of 784 components, and the exact Wasserstein distance of 512
 * points. Thread CPU time, medians, interleaved. Validates first (fast against reference to 2e-7, the same bits as the plain level);
 * exits 1 otherwise. MYOPIA_ISA=base|v3|v4 lowers the level.
 *   bench_metrics [REPEATS]                 one line
 *   bench_metrics --clouds FILE REPEATS     for compare_metrics.py: int64 d, n, m, float32 x (d, n), y (d, m); ns a unit and values */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "metrics.h"
#include "rng.h"

enum { N = 2000, WIDE = 784, WIDE_N = 1000, WIDE_M = 4000, EXACT = 512, REPEATS_MAX = 100000 };
enum { ENERGY, KERNEL_MEAN, NEAREST, REFERENCE, WIDE_NEAREST, TRANSPORT, TERMS };

typedef struct Clouds {
  int     d;
  int64_t n, m;
  float  *x, *y;
} Clouds;

static float *draw(int64_t count, uint32_t stream)
{
  Rng    r = rng_start(5, stream, RNG_METRIC);
  float *x = calloc((size_t)count, sizeof *x);
  for (int64_t i = 0; i < count; i++) x[i] = (float)rng_uniform(&r);
  return x;
}

static Clouds clouds_of(int d, int64_t n, int64_t m) { return (Clouds){.d = d, .n = n, .m = m, .x = draw(d * n, 1), .y = draw(d * m, 2)}; }

static double run(int term, const Clouds *c, float *first)
{
  const double h = 0.3;
  switch (term) {
  case ENERGY: return metric_mean_distance(isa_level(), c->d, c->n, c->x, c->m, c->y);
  case KERNEL_MEAN: return metric_mmd(isa_level(), c->d, c->n, c->x, c->m, c->y, 1, &h);
  case REFERENCE: return metric_mean_distance_reference(c->d, c->n, c->x, c->m, c->y);
  case TRANSPORT: return metric_wasserstein_exact(c->d, c->n, c->x, c->y);
  default: metric_nearest(isa_level(), c->d, c->n, c->x, c->m, c->y, first, NULL); return (double)first[0];
  }
}

/* Pairs of a term: a discrepancy also visits the pairs within both clouds. */
static double pairs(int term, const Clouds *c)
{
  const double n = (double)c->n, m = (double)c->m;
  return term == KERNEL_MEAN ? n * m + n * (n - 1) / 2 + m * (m - 1) / 2 : n * m;
}

static double time_of(int term, const Clouds *c, float *first)
{
  const double    begin = thread_ns();
  volatile double sink  = run(term, c, first);
  (void)sink;
  return (thread_ns() - begin) / (term == TRANSPORT ? 1 : pairs(term, c));
}

static bool valid(const Clouds *c, float *first)
{
  const double fast = run(ENERGY, c, first), slow = run(REFERENCE, c, first);
  const double base = metric_mean_distance(ISA_BASE, c->d, c->n, c->x, c->m, c->y);
  if (fabs(fast - slow) <= 2e-7 * slow && fast == base) return true;
  fprintf(stderr, "mean distance %.17g, base %.17g, reference %.17g\n", fast, base, slow);
  return false;
}

static bool read_clouds(const char *path, Clouds *c)
{
  FILE   *file = fopen(path, "rb");
  int64_t size[3];
  bool    good = file && fread(size, sizeof *size, 3, file) == 3;
  if (good) {
    const size_t count = (size_t)(size[0] * (size[1] + size[2]));
    *c                 = (Clouds){.d = (int)size[0], .n = size[1], .m = size[2], .x = calloc(count, sizeof *c->x)};
    c->y               = c->x + c->d * c->n;
    good               = fread(c->x, sizeof *c->x, count, file) == count;
  }
  if (file) fclose(file);
  return good;
}

static int compare(const char *path, int repeats)
{
  Clouds c = {0};
  double sample[REPEATS_MAX / 100];
  if (!read_clouds(path, &c)) return 2;
  float *first = calloc((size_t)c.n, sizeof *first);
  for (int term = 0; term < TERMS; term++) {
    if (term == WIDE_NEAREST || term == REFERENCE || (term == TRANSPORT && (c.n != c.m || c.n > 2048))) continue;
    for (int r = 0; r < repeats; r++) sample[r] = time_of(term, &c, first);
    printf("%d %.17g %.17g\n", term, median(repeats, sample), run(term, &c, first));
  }
  free(first);
  free(c.x);
  return 0;
}

int main(int argc, char **argv)
{
  const bool comparing = argc == 4 && strcmp(argv[1], "--clouds") == 0;
  const int  repeats   = comparing ? atoi(argv[3]) : argc > 1 ? atoi(argv[1]) : 31;
  if (repeats < 1 || repeats > (comparing ? REPEATS_MAX / 100 : REPEATS_MAX) || (argc > 2 && !comparing)) {
    fprintf(stderr, "usage: bench_metrics [REPEATS] | --clouds FILE REPEATS\n");
    return 2;
  }
  if (comparing) return compare(argv[2], repeats);
  const Clouds plane = clouds_of(2, N, N), wide = clouds_of(WIDE, WIDE_N, WIDE_M), few = clouds_of(2, EXACT, EXACT),
               check = clouds_of(WIDE, 61, 130);
  float  *first      = calloc(N, sizeof *first);
  double *sample[TERMS], ns[TERMS];
  if (!valid(&plane, first) || !valid(&check, first)) return 1;
  for (int k = 0; k < TERMS; k++) sample[k] = calloc((size_t)repeats, sizeof(double));
  for (int r = 0; r < repeats; r++)
    for (int k = 0; k < TERMS; k++) sample[k][r] = time_of(k, k == WIDE_NEAREST ? &wide : k == TRANSPORT ? &few : &plane, first);
  for (int k = 0; k < TERMS; k++) ns[k] = median(repeats, sample[k]);
  printf("metrics %s: ns/pair d=2: distance %.3f (reference %.2f, %.0f times) gaussian %.3f nearest %.3f; d=%d: nearest %.2f; "
         "exact W n=%d %.2f ms\n",
         isa_name(isa_level()), ns[ENERGY], ns[REFERENCE], ns[REFERENCE] / ns[ENERGY], ns[KERNEL_MEAN], ns[NEAREST], WIDE, ns[WIDE_NEAREST],
         EXACT, ns[TRANSPORT] / 1e6);
  for (int k = 0; k < TERMS; k++) free(sample[k]);
  free(first);
  for (int k = 0; k < 4; k++) {
    const Clouds *const c = (const Clouds *[]){&plane, &wide, &few, &check}[k];
    free(c->x);
    free(c->y);
  }
  return 0;
}
