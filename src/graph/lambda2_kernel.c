/* SPDX-License-Identifier: BSD-2-Clause
 * Algebraic connectivity lambda2 of eight connected graphs on n <= 64 vertices at once, one graph a lane.
 * 1. One Householder reflection takes the null vector 1/sqrt(n) of L to the first unit vector; rows 1..n-1 of the reflected L hold
 *    the other eigenvalues (Golub and Van Loan, Matrix Computations, 5.1 and 8.3).
 * 2. Householder tridiagonalisation; the rank-2 update of a step is delayed into the matrix-vector product of the next one, so the
 *    matrix is read once a step, and the reflection of 1. is simply the first delayed update.
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

/* A vector has the width of the machine's registers: gcc cuts wider ones through memory. */
#if defined(__AVX512F__)
#define WIDTH 8
#elif defined(__AVX__)
#define WIDTH 4
#else
#define WIDTH 2
#endif

enum { LANES = 8, ORDER_MAX = 63, PACKED_MAX = ORDER_MAX * (ORDER_MAX + 1) / 2, LAGUERRE_MAX = 12, BISECTION_MAX = 64 };

typedef double  V __attribute__((vector_size(8 * WIDTH)));
typedef int64_t M __attribute__((vector_size(8 * WIDTH))); /* all bits set: true */

/* Lower triangle by rows: row i starts at ROW(i). */
#define ROW(i) ((i) * ((i) + 1) / 2)

static inline V splat(double x) { return x - (V){0}; }
static inline V pick(M mask, V yes, V no) { return (V)((mask & (M)yes) | (~mask & (M)no)); }
static inline M sign_of(V x) { return (M)x & INT64_MIN; }

static inline int any(M mask)
{
  int64_t or = 0;
  for (int l = 0; l < WIDTH; l++) or |= mask[l];
  return or != 0;
}

static inline V square_root(V x)
{
  for (int l = 0; l < WIDTH; l++) x[l] = __builtin_sqrt(x[l]);
  return x;
}

/* Laplacian without row and column 0 into the packed a; column 0 into first (n), its diagonal entry included. */
static inline void load_laplacian(int n, const uint64_t *adjacency, V *a, V *first)
{
  V degree[ORDER_MAX + 1];
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

/* Applies the delayed update a -= v q' + q v' to rows and columns >= k of the lower triangle and returns p = a w in the same pass,
 * two rows at a time. */
static inline void update_multiply(int order, int k, V *restrict a, const V *restrict v, const V *restrict q, const V *restrict w,
                                   V *restrict p)
{
  int i = k;
  if ((order - k) & 1) {
    a[ROW(k) + k] -= v[k] * q[k] + q[k] * v[k];
    p[k] = a[ROW(k) + k] * w[k];
    i++;
  }
  for (; i < order; i += 2) {
    V *restrict row0 = a + ROW(i), *restrict row1 = a + ROW(i + 1);
    const V v0 = v[i], q0 = q[i], w0 = w[i], v1 = v[i + 1], q1 = q[i + 1], w1 = w[i + 1];
    V       sum0 = splat(0), sum1 = splat(0);
    for (int j = k; j < i; j++) {
      const V entry0 = row0[j] - (v0 * q[j] + q0 * v[j]), entry1 = row1[j] - (v1 * q[j] + q1 * v[j]);
      row0[j] = entry0;
      row1[j] = entry1;
      sum0 += entry0 * w[j];
      sum1 += entry1 * w[j];
      p[j] += entry0 * w0 + entry1 * w1;
    }
    const V diagonal0 = row0[i] - (v0 * q0 + q0 * v0), below = row1[i] - (v1 * q0 + q1 * v0);
    const V diagonal1 = row1[i + 1] - (v1 * q1 + q1 * v1);
    row0[i]           = diagonal0;
    row1[i]           = below;
    row1[i + 1]       = diagonal1;
    p[i]              = sum0 + (diagonal0 * w0 + below * w1);
    p[i + 1]          = sum1 + (below * w0 + diagonal1 * w1);
  }
}

/* x . y over [k, order), in two interleaved sums. */
static inline V dot(int order, int k, const V *x, const V *y)
{
  V   even = splat(0), odd = splat(0);
  int i = k;
  for (; i + 1 < order; i += 2) {
    even += x[i] * y[i];
    odd += x[i + 1] * y[i + 1];
  }
  if (i < order) even += x[i] * y[i];
  return even + odd;
}

/* Householder vector of column (k+1..order-1) in place; returns 2/|w|^2, or 0 where the column vanishes, and the squared norm of the
 * column. */
static inline V reflector(int order, int k, V *w, V *norm2)
{
  const V sum = dot(order, k + 1, w, w), norm = square_root(sum), head = w[k + 1];
  w[k + 1]     = head + (V)((M)norm | sign_of(head));
  const V half = sum + (V)((M)head & INT64_MAX) * norm;
  const M zero = half < splat(0x1p-200);
  *norm2       = sum;
  return (V)(~zero & (M)(splat(1) / pick(zero, splat(1), half)));
}

/* a (order, lower) with delayed update (v, q) to diagonal d (order) and squared off-diagonal b (order - 1). */
static inline void tridiagonalise(int order, V *a, V *v, V *q, V *d, V *b)
{
  V w[ORDER_MAX], p[ORDER_MAX];
  for (int k = 0; k < order; k++) {
    for (int i = k; i < order; i++) w[i] = a[ROW(i) + k] - (v[i] * q[k] + q[i] * v[k]);
    d[k] = w[k];
    if (k == order - 1) return;
    const V beta = reflector(order, k, w, &b[k]);
    update_multiply(order, k + 1, a, v, q, w, p);
    const V shift = splat(0.5) * beta * beta * dot(order, k + 1, p, w);
    for (int i = k + 1; i < order; i++) {
      q[i] = beta * p[i] - shift * w[i];
      v[i] = w[i];
    }
  }
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
  V            a[PACKED_MAX], first[ORDER_MAX + 1], v[ORDER_MAX], q[ORDER_MAX], d[ORDER_MAX], b[ORDER_MAX];
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
