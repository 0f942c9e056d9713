/* SPDX-License-Identifier: BSD-2-Clause
 * Algebraic connectivity lambda2 of eight connected graphs on n <= 64 vertices at once, one graph a lane.
 * 1. One Householder reflection takes the null vector 1/sqrt(n) of L to the first unit vector; rows 1..n-1 of the reflected L hold
 *    the other eigenvalues (Golub and Van Loan, Matrix Computations, 5.1 and 8.3).
 * 2. Householder tridiagonalisation (tridiagonal_lanes.h); the reflection of 1. is its first delayed update.
 * 3. Smallest eigenvalue of the tridiagonal T (diagonal d, squared off-diagonals b) by Laguerre's iteration from below, which never
 *    passes the root (Wilkinson, The Algebraic Eigenvalue Problem, chapter 7; Li and Zeng, SIAM J. Sci. Comput. 15 (1994) 1145). With
 *    the pivots q_i = d_i - x - b_{i-1}/q_{i-1} > 0 of T - x, h_i = -q_i'/q_i and k_i = -q_i''/q_i, the sums
 *    S1 = sum h_i = sum 1/(lambda_i - x) and S2 = sum k_i + h_i^2 = sum 1/(lambda_i - x)^2 come from recurrences without a
 *    subtraction. x + S1/S2 is an upper bound, so every evaluation brackets the root.
 * Lanes never mix, finished lanes are frozen, contraction is off: a lane's bits depend on its graph alone. No allocation, no libm.
 * Does not look at whether a graph is connected: an unconnected one yields a number of no meaning, in its own lane. */
#include "lambda2_kernel.h"

#include <string.h>

#include "kernel.h"
#include "tridiagonal_lanes.h"

enum { LAGUERRE_MAX = 12, BISECTION_MAX = 64 };

/* Laplacian without row and column 0 into the packed a; column 0 into first (n), its diagonal entry included. */
static inline void load_laplacian(int n, const uint64_t *adjacency, V *a, V *first)
{
  V degree[ORDER_MAX];
  for (int i = 0; i < n; i++) degree[i] = splat(0);
  for (int i = 1; i < n; i++) {
    M bits;
    memcpy(&bits, adjacency + (int64_t)i * LANES, sizeof bits);
    const M minus_one = (M)splat(-1);
    V       sum       = splat(0);
    for (int j = 0; j < i; j++) {
      const V entry = (V)(-((bits >> j) & 1) & minus_one);
      sum -= entry;
      degree[j] -= entry;
      if (j > 0)
        a[ROW(i - 1) + j - 1] = entry;
      else
        first[i] = entry;
    }
    degree[i] += sum;
  }
  first[0] = degree[0];
  for (int i = 1; i < n; i++) a[ROW(i - 1) + i - 1] = degree[i];
}

/* Sign bits of all pivots of T - x, or'ed; S1 and S2 where none is negative. */
static inline M evaluate(int order, const V *d, const V *b, V x, V *s1, V *s2)
{
  V q = d[0] - x, r = splat(1) / q, h = r, k = splat(0);
  V sum1 = h, sum2 = h * h;
  M signs = (M)q;
  for (int i = 1; i < order; i++) {
    const V t = b[i - 1] * r;
    q         = (d[i] - x) - t;
    r         = splat(1) / q;
    signs |= (M)q;
    k = t * (k + splat(2) * (h * h)) * r;
    h = (splat(1) + t * h) * r;
    sum1 += h;
    sum2 += k + h * h;
  }
  *s1 = sum1;
  *s2 = sum2;
  return signs;
}

static inline M pivots_negative(int order, const V *d, const V *b, V x)
{
  V q     = d[0] - x;
  M signs = (M)q;
  for (int i = 1; i < order; i++) {
    q = (d[i] - x) - b[i - 1] / q;
    signs |= (M)q;
  }
  return signs >> 63;
}

static inline V smallest_eigenvalue(int order, const V *d, const V *b, V tolerance)
{
  const V n = splat(order), one = splat(1);
  /* The radicand is lifted by more than its rounding error, so that a step errs to the safe side where the exact one
   * is nearly 0 (all eigenvalues close together). */
  const V lift = splat(0x1p-46 * order);
  V       x = splat(0), high = splat(0);
  M       active = ~(M){0};
  for (int iteration = 0; iteration < LAGUERRE_MAX && any(active); iteration++) {
    V       s1, s2;
    const M negative = evaluate(order, d, b, x, &s1, &s2) >> 63;
    /* A negative or zero pivot here: x has met the root to rounding. */
    active &= ~negative & (s1 < splat(__builtin_inf())) & (s2 < splat(__builtin_inf()));
    const V excess   = n * s2 - s1 * s1;
    const V radicand = (n - one) * (pick(excess > splat(0), excess, splat(0)) + lift * s2);
    const V next     = x + n / (s1 + square_root(radicand));
    high             = pick(active, x + s1 / s2, high);
    x                = pick(active, next, x);
    active &= high - x > tolerance;
  }
  for (int iteration = 0; iteration < BISECTION_MAX && any(active); iteration++) {
    const V middle   = x + splat(0.5) * (high - x);
    const M negative = pivots_negative(order, d, b, middle);
    high             = pick(active & negative, middle, high);
    x                = pick(active & ~negative, middle, x);
    active &= high - x > tolerance;
  }
  return x;
}

/* Lanes [0, WIDTH) of adjacency and lambda2. */
static void solve(int n, const uint64_t *adjacency, double *lambda2)
{
  V            a[PACKED_MAX], first[ORDER_MAX], v[ORDER_MAX], q[ORDER_MAX], d[ORDER_MAX], b[ORDER_MAX];
  const double s = 1 / __builtin_sqrt(n), beta = 1 / (1 + s);
  load_laplacian(n, adjacency, a, first);
  /* I - beta w w', w = 1/sqrt(n) + e_0: L w is column 0 of L. */
  for (int i = 1; i < n; i++) {
    v[i - 1] = splat(s);
    q[i - 1] = splat(beta) * (first[i] - splat(0.5 * beta * s) * first[0]);
  }
  tridiagonalise(n - 1, a, v, q, d, b);
  const V result = smallest_eigenvalue(n - 1, d, b, splat(0x1p-50 * n));
  memcpy(lambda2, &result, sizeof result);
}

void KERNEL(lambda2_kernel)(int n, const uint64_t *adjacency, double *lambda2)
{
  for (int lane = 0; lane < LANES; lane += WIDTH) solve(n, adjacency + lane, lambda2 + lane);
}
