/* SPDX-License-Identifier: BSD-2-Clause
 * Householder tridiagonalisation of eight symmetric matrices of order <= 64 at once, one a lane (Golub and Van Loan, Matrix Computations,
 * 5.1 and 8.3). The rank-2 update of a step is delayed into the matrix-vector product of the next one, so the matrix is read once a step;
 * a reflection that comes before is simply the first delayed update. Lanes never mix, contraction is off: a lane's bits depend on its
 * matrix alone. Include in kernel sources alone. */
#ifndef MYOPIA_GRAPH_TRIDIAGONAL_LANES_H
#define MYOPIA_GRAPH_TRIDIAGONAL_LANES_H

#include <stdint.h>

/* A vector has the width of the machine's registers: gcc cuts wider ones through memory. */
#if defined(__AVX512F__)
#define WIDTH 8
#elif defined(__AVX__)
#define WIDTH 4
#else
#define WIDTH 2
#endif

enum { LANES = 8, ORDER_MAX = 64, PACKED_MAX = ORDER_MAX * (ORDER_MAX + 1) / 2 };

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

#endif
