/* SPDX-License-Identifier: BSD-2-Clause
 * Metrics of clouds from a file, as numbers on standard output, for the peers in Python.
 *   metrics_driver clouds FILE    int64 d, n, m, then float32 x (d, n) and y (d, m)
 *   metrics_driver table FILE     int64 rows, columns, then int64 counts (rows, columns)
 * One line a quantity: its name, then its values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "metrics.h"

static void read_all(FILE *file, void *out, size_t size, int64_t n)
{
  if (fread(out, size, (size_t)n, file) == (size_t)n) return;
  fprintf(stderr, "metrics_driver: the file is too short\n");
  exit(2);
}

static double *widened(int64_t n, const float *x)
{
  double *out = mem_calloc((size_t)n, sizeof *out);
  for (int64_t i = 0; i < n; i++) out[i] = (double)x[i];
  return out;
}

static void print_lines(int d, int64_t n, const float *x, int64_t m, const float *y)
{
  for (int j = 0; j < d; j++) {
    double *a = widened(n, x + j * n), *b = widened(m, y + j * m), summary[3];
    printf("wasserstein_%d %.17g\n", j, metric_wasserstein_1d(n, a, m, b));
    metric_mean_q99_max(n, a, summary);
    printf("summary_%d %.17g %.17g %.17g\n", j, summary[0], summary[1], summary[2]);
    free(a);
    free(b);
  }
}

static void print_nearest(int d, int64_t n, const float *x, int64_t m, const float *y)
{
  float *first = mem_calloc((size_t)n, sizeof *first), *second = mem_calloc((size_t)n, sizeof *second);
  metric_nearest(isa_level(), d, n, x, m, y, first, second);
  printf("first");
  for (int64_t i = 0; i < n; i++) printf(" %.9g", (double)first[i]);
  printf("\nsecond");
  for (int64_t i = 0; i < n; i++) printf(" %.9g", (double)second[i]);
  printf("\n");
  free(first);
  free(second);
}

/* Labels i mod 3. */
static void print_moments(int d, int64_t n, const float *x)
{
  enum { LABELS = 3 };
  int    *label = mem_calloc((size_t)n, sizeof *label);
  double *mean = mem_calloc(LABELS * (size_t)d, sizeof *mean), *covariance = mem_calloc(LABELS * (size_t)d * (size_t)d, sizeof *mean);
  double  weight[LABELS];
  for (int64_t i = 0; i < n; i++) label[i] = (int)(i % LABELS);
  metric_labelled_moments(d, n, x, LABELS, label, weight, mean, covariance);
  printf("mean");
  for (int i = 0; i < LABELS * d; i++) printf(" %.17g", mean[i]);
  printf("\ncovariance");
  for (int i = 0; i < LABELS * d * d; i++) printf(" %.17g", covariance[i]);
  printf("\n");
  free(label);
  free(mean);
  free(covariance);
}

static int clouds(FILE *file)
{
  const double h[3] = {0.5, 1, 3};
  int64_t      size[3];
  double       frechet;
  read_all(file, size, sizeof *size, 3);
  const int     d = (int)size[0];
  const int64_t n = size[1], m = size[2];
  float        *x = mem_calloc((size_t)(d * n), sizeof *x), *y = mem_calloc((size_t)(d * m), sizeof *y);
  read_all(file, x, sizeof *x, d * n);
  read_all(file, y, sizeof *y, d * m);
  printf("energy %.17g\n", metric_energy_distance(isa_level(), d, n, x, m, y, NULL));
  printf("mean_distance %.17g\n", metric_mean_distance(isa_level(), d, n, x, m, y));
  printf("mmd %.17g\n", metric_mmd(isa_level(), d, n, x, m, y, 3, h));
  if (n == m) printf("exact %.17g\n", metric_wasserstein_exact(d, n, x, y));
  if (metric_frechet(d, n, x, m, y, &frechet)) return 1;
  printf("frechet %.17g\n", frechet);
  print_lines(d, n, x, m, y);
  print_nearest(d, n, x, m, y);
  print_moments(d, n, x);
  free(x);
  free(y);
  return 0;
}

static int table(FILE *file)
{
  int64_t size[2];
  read_all(file, size, sizeof *size, 2);
  int64_t *count = mem_calloc((size_t)(size[0] * size[1]), sizeof *count);
  read_all(file, count, sizeof *count, size[0] * size[1]);
  printf("information %.17g\n", metric_mutual_information((int)size[0], (int)size[1], count));
  free(count);
  return 0;
}

int main(int argc, char **argv)
{
  FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
  if (!file) {
    fprintf(stderr, "usage: metrics_driver clouds|table FILE\n");
    return 2;
  }
  const int code = strcmp(argv[1], "table") == 0 ? table(file) : clouds(file);
  fclose(file);
  return code;
}
