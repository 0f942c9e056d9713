/* SPDX-License-Identifier: BSD-2-Clause
 * Where the eigenvalues of eight normalised Laplacians on n <= 64 vertices lie, one graph a lane: tridiagonalisation (tridiagonal_lanes.h),
 * then Sturm's counts of negative pivots q_i = d_i - x - b_{i-1} / q_{i-1} at the shifts x (W. Kahan 1966; Golub and Van Loan, Matrix
 * Computations, 8.4): at every GROUP-th shift, and between two of them only where a count of some lane changes. Eigenvalues themselves are
 * not computed. */
#include <string.h>

#include "kernel.h"
#include "normalised_kernel.h"
#include "tridiagonal_lanes.h"

enum { GROUP = 5, TOGETHER = GROUP - 1 }; /* counts at several shifts at once hide the latency of the divisions */

typedef struct Counts {
  int order;
  V   d[ORDER_MAX], b[ORDER_MAX];
} Counts;

/* 1 / sqrt(degree), 0 of isolated vertices, and 1 or 0 on the diagonal. */
static inline void load_normalised(int n, const uint64_t *adjacency, V *a)
{
  V scale[ORDER_MAX];
  M bits[ORDER_MAX];
  for (int i = 0; i < n; i++) {
    V degree;
    memcpy(&bits[i], adjacency + (int64_t)i * LANES, sizeof bits[i]);
    for (int l = 0; l < WIDTH; l++) degree[l] = (double)__builtin_popcountll((uint64_t)bits[i][l]);
    const M some  = degree > splat(0);
    scale[i]      = (V)(some & (M)(splat(1) / square_root(pick(some, degree, splat(1)))));
    a[ROW(i) + i] = (V)(some & (M)splat(1));
    for (int j = 0; j < i; j++) a[ROW(i) + j] = (V)(-((bits[i] >> j) & 1) & (M)(-scale[i] * scale[j]));
  }
}

/* Eigenvalues below x[0], ..., x[TOGETHER - 1]. A pivot of almost nothing is taken for negative, as LAPACK does. */
static inline void count_below(const Counts *t, const double *x, M out[TOGETHER])
{
  const V tiny = splat(0x1p-500);
  V       q[TOGETHER];
  for (int s = 0; s < TOGETHER; s++) {
    out[s] = (M){0};
    q[s]   = splat(1);
  }
  for (int i = 0; i < t->order; i++) {
    const V d = t->d[i], b = i > 0 ? t->b[i - 1] : splat(0);
    for (int s = 0; s < TOGETHER; s++) {
      const V pivot = (d - splat(x[s])) - b / q[s];
      q[s]          = pick((V)((M)pivot & INT64_MAX) < tiny, -tiny, pivot);
      out[s] -= (M)q[s] >> 63;
    }
  }
}

static inline void put(uint8_t *below, M count)
{
  for (int l = 0; l < WIDTH; l++) below[l] = (uint8_t)count[l];
}

/* Counts at the shifts first, first + step, ..., TOGETHER of them or as many as there are. */
static inline void count_at(const Counts *t, int m, const double *shift, int first, int step, uint8_t *below)
{
  double x[TOGETHER];
  M      count[TOGETHER];
  for (int s = 0; s < TOGETHER; s++) x[s] = shift[first + s * step < m ? first + s * step : m - 1];
  count_below(t, x, count);
  for (int s = 0; s < TOGETHER && first + s * step < m; s++) put(below + (first + s * step) * LANES, count[s]);
}

/* Shifts GROUP - 1, 2 GROUP - 1, ... are known, those between are filled in. */
static inline void count_between(const Counts *t, int m, const double *shift, int begin, uint8_t *below)
{
  const uint8_t none[WIDTH] = {0};
  uint8_t       all[WIDTH];
  memset(all, t->order, sizeof all);
  const uint8_t *const low  = begin > 0 ? below + (begin - 1) * LANES : none;
  const uint8_t *const high = begin + TOGETHER < m ? below + (begin + TOGETHER) * LANES : all;
  if (memcmp(low, high, WIDTH) != 0) {
    count_at(t, m < begin + TOGETHER ? m : begin + TOGETHER, shift, begin, 1, below);
    return;
  }
  for (int s = begin; s < begin + TOGETHER && s < m; s++) memcpy(below + s * LANES, low, WIDTH);
}

void KERNEL(normalised_kernel)(int n, const uint64_t *adjacency, int m, const double *shift, uint8_t *below)
{
  V      a[PACKED_MAX], v[ORDER_MAX], q[ORDER_MAX];
  Counts t = {.order = n};
  for (int lane = 0; lane < LANES; lane += WIDTH) {
    load_normalised(n, adjacency + lane, a);
    memset(v, 0, (size_t)n * sizeof *v);
    memset(q, 0, (size_t)n * sizeof *q);
    tridiagonalise(n, a, v, q, t.d, t.b);
    for (int s = TOGETHER; s < m; s += TOGETHER * GROUP) count_at(&t, m, shift, s, GROUP, below + lane);
    for (int s = 0; s < m; s += GROUP) count_between(&t, m, shift, s, below + lane);
  }
}
