/* SPDX-License-Identifier: BSD-2-Clause
 * Wasserstein-1 distances on the line, on a circle (J. Delon, J. Salomon, A. Sobolevskii, SIAM J. Appl. Math. 70 (2010) 2239: the best cut
 * subtracts the median of F - G) and along random directions. F - G takes values k / (n m) with whole k, kept as integers, so equal clouds
 * are at distance 0 exactly. The distance in more dimensions is assignment.c. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cloud.h"
#include "memory.h"
#include "metrics.h"
#include "rng.h"

static bool are_numbers(int64_t n, const double *x)
{
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += 0 * x[i];
  return n > 0 && sum == 0;
}

/* A walk through both sorted samples: from `at` to `next`, F - G = difference / (n m). */
typedef struct Walk {
  int64_t       n, m, i, j, difference;
  const double *x, *y;
  double        at, next;
} Walk;

static Walk walk_start(int64_t n, const double *x, int64_t m, const double *y)
{
  return (Walk){.n = n, .m = m, .x = x, .y = y, .next = fmin(x[0], y[0])};
}

static bool walk_step(Walk *w)
{
  const bool from_x = w->j == w->m || (w->i < w->n && w->x[w->i] <= w->y[w->j]);
  w->at             = w->next;
  w->difference += from_x ? w->m : -w->n;
  w->i += from_x;
  w->j += !from_x;
  if (w->i == w->n && w->j == w->m) return false;
  w->next = w->i == w->n ? w->y[w->j] : w->j == w->m ? w->x[w->i] : fmin(w->x[w->i], w->y[w->j]);
  return true;
}

double metric_wasserstein_1d(int64_t n, double *x, int64_t m, double *y)
{
  if (!are_numbers(n, x) || !are_numbers(m, y)) return NAN;
  cloud_sort(n, x);
  cloud_sort(m, y);
  double sum = 0;
  for (Walk w = walk_start(n, x, m, y); walk_step(&w);) sum += fabs((double)w.difference) * (w.next - w.at);
  return sum / ((double)n * (double)m);
}

typedef struct Piece {
  int64_t difference;
  double  length;
} Piece;

/* Smallest whole number below or at which half of the circle lies: the weighted median, by bisection of its range. */
static int64_t median_of(int64_t n, const Piece *piece, int64_t low, int64_t high)
{
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    double        below  = 0;
    for (int64_t k = 0; k < n; k++) below += piece[k].difference <= middle ? piece[k].length : 0;
    if (below >= 0.5)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static void onto_circle(int64_t n, double *x)
{
  for (int64_t i = 0; i < n; i++) {
    x[i] -= floor(x[i]);
    if (x[i] >= 1) x[i] = 0; /* -1e-20 rounds to 1 */
  }
  cloud_sort(n, x);
}

double metric_wasserstein_circle(int64_t n, double *x, int64_t m, double *y)
{
  if (!are_numbers(n, x) || !are_numbers(m, y)) return NAN;
  onto_circle(n, x);
  onto_circle(m, y);
  Piece  *piece = mem_calloc((size_t)(n + m), sizeof *piece);
  int64_t k     = 0;
  Walk    w     = walk_start(n, x, m, y);
  double  sum   = 0;
  while (walk_step(&w)) piece[k++] = (Piece){.difference = w.difference, .length = w.next - w.at};
  piece[k++]           = (Piece){.difference = 0, .length = 1 - w.at + fmin(x[0], y[0])}; /* across 0 */
  const int64_t median = median_of(k, piece, -n * m, n * m);
  for (int64_t i = 0; i < k; i++) sum += fabs((double)(piece[i].difference - median)) * piece[i].length;
  free(piece);
  return sum / ((double)n * (double)m);
}

/* Uniform on the sphere: normals by Marsaglia's polar method, so that bits do not depend on libm. */
static void draw_direction(int d, uint64_t key, int index, double *direction)
{
  Rng    stream = rng_start(key, (uint32_t)index, RNG_METRIC);
  double norm2  = 0;
  for (int j = 0; j < d; j++) {
    double u, s;
    do {
      const double v = 2 * rng_uniform(&stream) - 1;
      u              = 2 * rng_uniform(&stream) - 1;
      s              = u * u + v * v;
    } while (s >= 1 || s == 0);
    direction[j] = u * sqrt(-2 * rng_log(s) / s);
    norm2 += direction[j] * direction[j];
  }
  for (int j = 0; j < d; j++) direction[j] /= sqrt(norm2);
}

static void project(int d, int64_t n, const float *x, const double *centre, const double *direction, double *out)
{
  for (int64_t i = 0; i < n; i++) out[i] = 0;
  for (int j = 0; j < d; j++)
    for (int64_t i = 0; i < n; i++) out[i] += direction[j] * ((double)x[j * n + i] - centre[j]);
}

double metric_sliced_wasserstein(int d, int64_t n, const float *x, int64_t m, const float *y, int n_directions, uint64_t key)
{
  if (n_directions < 1 || !cloud_is_finite(d, n, x) || !cloud_is_finite(d, m, y)) return NAN;
  const int directions = d == 1 ? 1 : n_directions;
  double   *a = mem_calloc((size_t)n, sizeof *a), *b = mem_calloc((size_t)m, sizeof *b);
  double   *direction = mem_calloc((size_t)d, sizeof *direction), *centre = mem_calloc((size_t)d, sizeof *centre), sum = 0;
  for (int j = 0; j < d; j++) centre[j] = (double)y[j * m]; /* any point of a cloud: an offset must not cost digits */
  for (int k = 0; k < directions; k++) {
    if (d == 1)
      direction[0] = 1;
    else
      draw_direction(d, key, k, direction);
    project(d, n, x, centre, direction, a);
    project(d, m, y, centre, direction, b);
    sum += metric_wasserstein_1d(n, a, m, b);
  }
  free(a);
  free(b);
  free(direction);
  free(centre);
  return sum / directions;
}
