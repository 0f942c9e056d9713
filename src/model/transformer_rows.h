/* SPDX-License-Identifier: BSD-2-Clause
 * What kernels of the graph transformer do to rows of channels beside products: layer norms and their derivatives, sums over rows, dropout.
 * Include in kernel sources alone. */
#ifndef MYOPIA_TRANSFORMER_ROWS_H
#define MYOPIA_TRANSFORMER_ROWS_H

#include "kernel.h"
#include "net_activation.h"
#include "rng.h"
#include "transformer_plan.h"
#include "transformer_product.h"

#define EACH(c, width) for (int c = 0; c < (width); c += VF_LANES)

enum { ROW_BLOCK = 16 }; /* rows whose sums are taken together */

/* 16 virtual lanes of a row: x, or x y, summed over blocks of 16 channels. */
VF_INLINE void row_lanes(int width, const float *x, Vf part[VF_PARTS])
{
  for (int v = 0; v < VF_PARTS; v++) part[v] = vf_load(x + v * VF_LANES);
  for (int c = 16; c < width; c += 16)
    for (int v = 0; v < VF_PARTS; v++) part[v] += vf_load(x + c + v * VF_LANES);
}
VF_INLINE void product_lanes(int width, const float *x, const float *y, Vf part[VF_PARTS])
{
  for (int v = 0; v < VF_PARTS; v++) part[v] = vf_load(x + v * VF_LANES) * vf_load(y + v * VF_LANES);
  for (int c = 16; c < width; c += 16)
    for (int v = 0; v < VF_PARTS; v++) part[v] = vf_fma(vf_load(x + c + v * VF_LANES), vf_load(y + c + v * VF_LANES), part[v]);
}

#if defined(__AVX512F__)
/* Halves of a and b that meet in vf_sum16: x of one, y of the other, a's lanes before b's within groups of `size`. */
#define MEET(a, b, one, other) _mm512_add_ps(_mm512_permutex2var_ps(a, one, b), _mm512_permutex2var_ps(a, other, b))
#endif

/* out[r] = vf_sum16 of row r: the same tree, for 16 rows at once where that saves instructions. */
VF_INLINE void sums16(Vf part[ROW_BLOCK][VF_PARTS], float out[ROW_BLOCK])
{
#if defined(__AVX512F__)
  const __m512i eight0 = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
  const __m512i eight1 = _mm512_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  const __m512i four0  = _mm512_setr_epi32(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
  const __m512i four1  = _mm512_setr_epi32(4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
  const __m512i two0   = _mm512_setr_epi32(0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29);
  const __m512i two1   = _mm512_setr_epi32(2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31);
  const __m512i one0   = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i one1   = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  __m512        x[ROW_BLOCK];
  UNROLL for (int r = 0; r < 16; r++) x[r] = (__m512)part[r][0];
  UNROLL for (int r = 0; r < 8; r++) x[r]  = MEET(x[2 * r], x[2 * r + 1], eight0, eight1);
  UNROLL for (int r = 0; r < 4; r++) x[r]  = MEET(x[2 * r], x[2 * r + 1], four0, four1);
  UNROLL for (int r = 0; r < 2; r++) x[r]  = MEET(x[2 * r], x[2 * r + 1], two0, two1);
  _mm512_storeu_ps(out, MEET(x[0], x[1], one0, one1));
#else
  for (int r = 0; r < ROW_BLOCK; r++) out[r] = vf_sum16(part[r]);
#endif
}

/* out = L(x), with what a product may do at its end. */
static inline void map_forward(const Map *m, int rows, const float *x, ProductEnd end, const float *other, float *out)
{
  const Product p = {rows, m->in, m->lanes, x, m->in, m->t, m->b, 0, end, other, out};
  KERNEL(transformer_product)(&p);
}

/* d_x = d W (start NULL), or start + d W; d rows of d_stride. */
static inline void map_back(const Map *m, int rows, const float *d, int64_t d_stride, const float *start, ProductEnd end,
                            const float *other, float *d_x)
{
  const Product p = {rows, m->out, m->in, d, d_stride, m->w, start, m->in, end, other, d_x};
  KERNEL(transformer_product)(&p);
}

/* sum += sum over rows, in four interleaved chains. */
static inline void column_sums(int rows, int width, const float *x, float *sum)
{
  EACH(c, width)
  {
    Vf  chain[4] = {vf_splat(0), vf_splat(0), vf_splat(0), vf_splat(0)};
    int r        = 0;
    for (; r + 4 <= rows; r += 4)
      for (int k = 0; k < 4; k++) chain[k] += vf_load(x + (r + k) * width + c);
    for (; r < rows; r++) chain[0] += vf_load(x + r * width + c);
    vf_store(sum + c, vf_load(sum + c) + ((chain[0] + chain[1]) + (chain[2] + chain[3])));
  }
}

/* The gradient of L's parameters; d rows of out channels, a multiple of 16. */
static inline void map_gradient_now(const Map *m, int rows, const float *x, const float *d)
{
  const Outer o = {rows, m->out, m->in, d, m->out, x, m->d};
  KERNEL(transformer_outer)(&o);
  column_sums(rows, m->out, d, m->d_b);
}

/* The same, of a map of y later. */
static inline void map_gradient(const Map *m, int rows, const float *x, const float *d)
{
  if (!m->later_x) {
    map_gradient_now(m, rows, x, d);
    return;
  }
  memcpy(m->later_x + *m->held * m->in, x, (size_t)m->in * sizeof *x);
  memcpy(m->later_d + *m->held * m->out, d, (size_t)m->out * sizeof *d);
}

/* hat = (x - mean) / std, may be in place; inverse: 1 / std of every row. Rows beyond the last of a block repeat it. */
VF_INLINE void norm_forward_of(const int width, int rows, const float *x, float *hat, float *inverse)
{
  const Vf share = vf_splat(1.0f / (float)width);
  Vf       part[ROW_BLOCK][VF_PARTS];
  float    mean[ROW_BLOCK], factor[ROW_BLOCK];
  for (int first = 0; first < rows; first += ROW_BLOCK) {
    const int    block = rows - first < ROW_BLOCK ? rows - first : ROW_BLOCK;
    const float *from  = x + first * width;
    float       *to    = hat + first * width;
    for (int r = 0; r < ROW_BLOCK; r++) row_lanes(width, from + (r < block ? r : block - 1) * width, part[r]);
    sums16(part, mean);
    EACH(k, ROW_BLOCK) vf_store(mean + k, vf_load(mean + k) * share);
    for (int r = 0; r < block; r++) EACH(c, width) vf_store(to + r * width + c, vf_load(from + r * width + c) - mean[r]);
    for (int r = 0; r < ROW_BLOCK; r++) {
      const float *row = to + (r < block ? r : block - 1) * width;
      product_lanes(width, row, row, part[r]);
    }
    sums16(part, factor);
    EACH(k, ROW_BLOCK) vf_store(factor + k, 1.0f / vf_sqrt(vf_fma(vf_load(factor + k), share, vf_splat(1e-5f))));
    for (int r = 0; r < block; r++) {
      EACH(c, width) vf_store(to + r * width + c, vf_load(to + r * width + c) * factor[r]);
      inverse[first + r] = factor[r];
    }
  }
}

/* Inner loops of known length for common widths. */
static inline void norm_forward(int rows, int width, const float *x, float *hat, float *inverse)
{
  switch (width) {
  case 32: norm_forward_of(32, rows, x, hat, inverse); break;
  case 64: norm_forward_of(64, rows, x, hat, inverse); break;
  default: norm_forward_of(width, rows, x, hat, inverse);
  }
}

/* out = hat w + b. */
static inline void norm_affine(const Norm *norm, int rows, const float *hat, float *out)
{
  const int width = norm->width;
  EACH(c, width)
  {
    const Vf w = vf_load(norm->w + c), b = vf_load(norm->b + c);
    for (int r = 0; r < rows; r++) vf_store(out + r * width + c, vf_fma(vf_load(hat + r * width + c), w, b));
  }
}

/* From d by the norm's output to the derivative by its input, in place, and by its parameters. */
VF_INLINE void norm_back_of(const int width, const Norm *norm, int rows, const float *hat, const float *inverse, float *d)
{
  const float share = 1.0f / (float)width;
  Vf          part[ROW_BLOCK][VF_PARTS];
  float       mean[ROW_BLOCK], slope[ROW_BLOCK];
  EACH(c, width)
  {
    const Vf w  = vf_load(norm->w + c);
    Vf       dw = vf_load(norm->d_w + c), db = vf_load(norm->d_b + c);
    for (int r = 0; r < rows; r++) {
      const Vf y = vf_load(d + r * width + c);
      dw         = vf_fma(y, vf_load(hat + r * width + c), dw);
      db += y;
      vf_store(d + r * width + c, y * w);
    }
    vf_store(norm->d_w + c, dw);
    vf_store(norm->d_b + c, db);
  }
  for (int first = 0; first < rows; first += ROW_BLOCK) {
    const int block = rows - first < ROW_BLOCK ? rows - first : ROW_BLOCK;
    for (int r = 0; r < ROW_BLOCK; r++) row_lanes(width, d + (first + (r < block ? r : block - 1)) * width, part[r]);
    sums16(part, mean);
    for (int r = 0; r < ROW_BLOCK; r++) {
      const int at = (first + (r < block ? r : block - 1)) * width;
      product_lanes(width, d + at, hat + at, part[r]);
    }
    sums16(part, slope);
    for (int r = 0; r < block; r++) {
      const Vf m = vf_splat(mean[r] * share), k = vf_splat(-(slope[r] * share));
      float   *y = d + (first + r) * width;
      EACH(c, width) vf_store(y + c, vf_fma(vf_load(hat + (first + r) * width + c), k, vf_load(y + c) - m) * inverse[first + r]);
    }
  }
}

static inline void norm_back(const Norm *norm, int rows, const float *hat, const float *inverse, float *d)
{
  switch (norm->width) {
  case 32: norm_back_of(32, norm, rows, hat, inverse, d); break;
  case 64: norm_back_of(64, norm, rows, hat, inverse, d); break;
  default: norm_back_of(norm->width, norm, rows, hat, inverse, d);
  }
}

/* Factors 0 or 1 / (1 - dropout) of rows first .. first + rows - 1 of a branch. */
static inline void dropout_factors(const DenoiserSpec *s, uint64_t key, int draw, int64_t first, int rows, int width, float *factor)
{
  const uint32_t threshold = transformer_threshold(s);
  const float    keep      = (float)(1 / (1 - s->dropout));
  for (int64_t k = 0; k < (int64_t)rows * width; k += 4) {
    uint32_t word[4];
    rng_block(key, (uint64_t)(first * width + k) / 4, (uint32_t)draw, RNG_DROPOUT, word);
    for (int i = 0; i < 4; i++) factor[k + i] = word[i] >= threshold ? keep : 0;
  }
}

/* y = x factor (rows, width). */
static inline void rows_times(int64_t n, const float *x, const float *factor, float *y)
{
  for (int64_t k = 0; k < n; k += VF_LANES) vf_store(y + k, vf_load(x + k) * vf_load(factor + k));
}

/* Edges at the input of layer l of rows first ..: (rows, de). */
static inline void layer_edges(const Transformer *t, int l, int64_t first, int rows, float *out)
{
  const int de = t->spec.de;
  if (l > 0) {
    norm_affine(&t->layer[l - 1].norm[NORM_E2], rows, t->layer[l - 1].residual[NORM_E2].hat + first * de, out);
    return;
  }
  for (int r = 0; r < rows; r++) memcpy(out + r * de, t->e0 + (int64_t)t->row_of[first + r] * de, (size_t)de * sizeof *out);
}

/* Query vertices of a strip. */
static inline int strip_height(int n) { return n >= 24 ? 1 : 24 / n < n ? 24 / n : n; }

#endif
