/* SPDX-License-Identifier: BSD-2-Clause
 * Laplacian times four or eight interleaved vectors: one gathered cache line serves all lanes of a neighbour; and products of a tall basis
 * with a block of a few columns, piece by piece of rows, so that the block stays in the first cache and the basis is read once. Rows are
 * summed in the order of their neighbours, dot products in eight lanes whatever the width, and contraction is off, so that all levels give
 * the same bits. No allocation, no libm. */
#include "spectrum_kernel.h"

#include "kernel.h"

#if defined(__AVX512F__)
#define WIDTH 8
#elif defined(__AVX__)
#define WIDTH 4
#else
#define WIDTH 2
#endif

typedef double V __attribute__((vector_size(8 * WIDTH), aligned(8)));
#if WIDTH >= 4
typedef double V4 __attribute__((vector_size(32), aligned(8)));
enum { PARTS_4 = 1 };
#else
typedef V V4;
enum { PARTS_4 = 2 };
#endif
enum { PARTS_8 = DENSITY_LANES / WIDTH, PIECE = 512, COLUMNS = 4 };

void KERNEL(laplacian_product)(const RowRange *r, const double *x, double *y)
{
  const V4 *in  = (const V4 *)x;
  V4       *out = (V4 *)y;
  for (int64_t i = r->first; i < r->last; i++) {
    for (int part = 0; part < PARTS_4; part++) {
      const V4 own = in[i * PARTS_4 + part];
      V4       sum = own - own;
      if (r->weight)
        for (int64_t k = r->start[i]; k < r->start[i + 1]; k++) sum += r->weight[k] * (own - in[(int64_t)r->column[k] * PARTS_4 + part]);
      else
        for (int64_t k = r->start[i]; k < r->start[i + 1]; k++) sum += own - in[(int64_t)r->column[k] * PARTS_4 + part];
      out[(i - r->first) * PARTS_4 + part] = sum;
    }
  }
}

void KERNEL(chebyshev_step)(const RowRange *r, double scale, double factor, const double *x, const double *previous, double *next,
                            double *square, double *cross)
{
  const V *in = (const V *)x, *before = (const V *)previous;
  V       *out = (V *)next, squares[PARTS_8], crosses[PARTS_8];
  for (int part = 0; part < PARTS_8; part++) squares[part] = crosses[part] = (V){0};
  for (int64_t i = r->first; i < r->last; i++) {
    for (int part = 0; part < PARTS_8; part++) {
      const V own = in[i * PARTS_8 + part];
      V       sum = {0};
      if (r->weight)
        for (int64_t k = r->start[i]; k < r->start[i + 1]; k++) sum += r->weight[k] * (own - in[(int64_t)r->column[k] * PARTS_8 + part]);
      else
        for (int64_t k = r->start[i]; k < r->start[i + 1]; k++) sum += own - in[(int64_t)r->column[k] * PARTS_8 + part];
      const V t               = factor * (scale * sum - own) - before[i * PARTS_8 + part];
      out[i * PARTS_8 + part] = t;
      squares[part] += t * t;
      crosses[part] += t * own;
    }
  }
  for (int l = 0; l < DENSITY_LANES; l++) {
    square[l] = squares[l / WIDTH][l % WIDTH];
    cross[l]  = crosses[l / WIDTH][l % WIDTH];
  }
}

static inline double sum_of(const V *parts)
{
  double sum = 0;
  for (int l = 0; l < 8; l++) sum += parts[l / WIDTH][l % WIDTH];
  return sum;
}

/* One column of a against nb columns of b, over `rows` rows. */
static inline __attribute__((always_inline)) void dots(int64_t rows, const double *a, int nb, const double *b, int64_t ldb, double *out,
                                                       int64_t ldo)
{
  V       sums[COLUMNS][PARTS_8];
  int64_t i = 0;
  for (int c = 0; c < nb; c++)
    for (int part = 0; part < PARTS_8; part++) sums[c][part] = (V){0};
  for (; i + 8 <= rows; i += 8) {
    for (int part = 0; part < PARTS_8; part++) {
      const V x = *(const V *)(a + i + part * WIDTH);
      for (int c = 0; c < nb; c++) sums[c][part] += x * *(const V *)(b + c * ldb + i + part * WIDTH);
    }
  }
  for (int c = 0; c < nb; c++) {
    double rest = 0;
    for (int64_t k = i; k < rows; k++) rest += a[k] * b[c * ldb + k];
    out[c * ldo] += sum_of(sums[c]) + rest;
  }
}

void KERNEL(block_dots)(int64_t rows, int na, const double *a, int nb, const double *b, double *out)
{
  for (int k = 0; k < na * nb; k++) out[k] = 0;
  for (int64_t first = 0; first < rows; first += PIECE) {
    const int64_t n = rows - first < PIECE ? rows - first : PIECE;
    for (int k = 0; k < na; k++) {
      const double *x = a + k * rows + first;
      if (nb == 4)
        dots(n, x, 4, b + first, rows, out + k, na);
      else if (nb == 2)
        dots(n, x, 2, b + first, rows, out + k, na);
      else
        for (int c = 0; c < nb; c++) dots(n, x, 1, b + c * rows + first, rows, out + k + c * na, na);
    }
  }
}

/* Four columns of a into one of out. */
static inline void add_four(int64_t rows, const double *a, int64_t lda, const double *f, double *out)
{
  int64_t i = 0;
  for (; i + WIDTH <= rows; i += WIDTH) {
    V sum = *(V *)(out + i);
    for (int k = 0; k < 4; k++) sum += *(const V *)(a + k * lda + i) * f[k];
    *(V *)(out + i) = sum;
  }
  for (; i < rows; i++)
    for (int k = 0; k < 4; k++) out[i] += a[k * lda + i] * f[k];
}

void KERNEL(block_add)(int64_t rows, int na, const double *a, int nb, int ldc, double sign, const double *c, double *out)
{
  for (int64_t first = 0; first < rows; first += PIECE) {
    const int64_t n = rows - first < PIECE ? rows - first : PIECE;
    for (int k = 0; k < na; k += 4) {
      for (int q = 0; q < nb; q++) {
        double       *to   = out + q * rows + first;
        const double *from = a + k * rows + first;
        double        f[4];
        for (int j = 0; j < 4; j++) f[j] = k + j < na ? sign * c[k + j + q * ldc] : 0;
        if (k + 4 <= na)
          add_four(n, from, rows, f, to);
        else
          for (int j = 0; j < na - k; j++)
            for (int64_t i = 0; i < n; i++) to[i] += from[j * rows + i] * f[j];
      }
    }
  }
}
