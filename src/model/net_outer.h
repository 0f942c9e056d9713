/* SPDX-License-Identifier: BSD-2-Clause
 * Derivatives by a layer's weights on a block of samples: sums over samples of delta_j a_i. Two ways, chosen by the layer's shape alone:
 * lane = input, for 16 inputs at once: their activations are transposed and each lane's sum runs over the samples in order; and lane =
 * sample for what is left, few inputs or few units: 16 virtual lanes, added as a tree of halves (vf_sum16's). Include in kernel sources
 * alone. */
#ifndef MYOPIA_NET_OUTER_H
#define MYOPIA_NET_OUTER_H

#include "net_tile.h"

enum {
  CHUNK_INPUTS = 11, /* so many left over are worth lanes that idle */
  PAIR_ROWS    = VF_LANES == 16  ? 4
                 : VF_LANES == 8 ? 3
                                 : 1,
  PAIR_COLUMNS = VF_LANES == 16  ? 5
                 : VF_LANES == 8 ? 3
                                 : 2,
};

/* Inputs that go in lanes, and in how many chunks. */
VF_INLINE int outer_chunks(const NetLayer *y) { return y->out < NET_CHUNK_UNITS ? 0 : y->in / 16 + (y->in % 16 >= CHUNK_INPUTS); }

/* to[s * 16 + i] = from[i * NET_BLOCK + s], 16 by 16. */
VF_INLINE void transpose16(const float *from, float *to)
{
#if defined(__AVX512F__)
  __m512 a[16], b[16];
  UNROLL for (int i = 0; i < 16; i++) a[i] = (__m512)vf_load(from + i * NET_BLOCK);
  UNROLL for (int i = 0; i < 16; i += 2)
  {
    b[i]     = _mm512_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
  }
  UNROLL for (int i = 0; i < 16; i += 4)
  {
    a[i]     = (__m512)_mm512_unpacklo_pd((__m512d)b[i], (__m512d)b[i + 2]);
    a[i + 1] = (__m512)_mm512_unpackhi_pd((__m512d)b[i], (__m512d)b[i + 2]);
    a[i + 2] = (__m512)_mm512_unpacklo_pd((__m512d)b[i + 1], (__m512d)b[i + 3]);
    a[i + 3] = (__m512)_mm512_unpackhi_pd((__m512d)b[i + 1], (__m512d)b[i + 3]);
  }
  UNROLL for (int i = 0; i < 4; i++)
  {
    const __m512 low = _mm512_shuffle_f32x4(a[i], a[i + 4], 0x88), high = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0x88);
    const __m512 odd = _mm512_shuffle_f32x4(a[i], a[i + 4], 0xdd), odder = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0xdd);
    vf_store(to + i * 16, (Vf)_mm512_shuffle_f32x4(low, high, 0x88));
    vf_store(to + (i + 8) * 16, (Vf)_mm512_shuffle_f32x4(low, high, 0xdd));
    vf_store(to + (i + 4) * 16, (Vf)_mm512_shuffle_f32x4(odd, odder, 0x88));
    vf_store(to + (i + 12) * 16, (Vf)_mm512_shuffle_f32x4(odd, odder, 0xdd));
  }
#else
  for (int s = 0; s < 16; s++)
    for (int i = 0; i < 16; i++) to[s * 16 + i] = from[i * NET_BLOCK + s];
#endif
}

/* Chunks of 16 inputs, samples-major: to[(chunk * NET_BLOCK + s) * 16 + i]; rows beyond `in` are read and mean nothing. */
static void transpose_inputs(int chunks, int groups, const float *a, float *to)
{
  for (int c = 0; c < chunks; c++)
    for (int g = 0; g < groups; g++) transpose16(a + c * 16 * NET_BLOCK + g * 16, to + (c * NET_BLOCK + g * 16) * 16);
}

VF_INLINE void add_vector(float *to, Vf x, bool fresh)
{
  if (!fresh) x += vf_load(to);
  vf_store(to, x);
}

static void add_some(int n, float *restrict to, const float *restrict x, bool fresh)
{
  if (fresh)
    for (int i = 0; i < n; i++) to[i] = x[i];
  else
    for (int i = 0; i < n; i++) to[i] += x[i];
}

/* One pass over the samples for some chunks and all units. */
typedef struct Chunks {
  int          samples, in; /* in: floats between the gradient's rows */
  float        scale;
  bool         fresh;
  const float *delta, *from; /* (out, NET_BLOCK); transposed inputs of the first of the chunks */
  float       *out;          /* the gradient's columns of these chunks */
  int          lanes;        /* inputs from there to the end of a row: lanes beyond them idle */
} Chunks;

/* Units first .. first + rows - 1, `vectors` native vectors of inputs. */
VF_INLINE void chunk_tile(const Chunks *c, int first, const int rows, const int vectors)
{
  const float *d = c->delta + (int64_t)first * NET_BLOCK;
  Vf           sum[10][TILE_VECTORS];
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = (Vf){0};
  for (int s = 0; s < c->samples; s++) {
    Vf x[TILE_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) x[v] = vf_load(c->from + ((v / VF_PARTS) * NET_BLOCK + s) * 16 + v % VF_PARTS * VF_LANES);
    UNROLL for (int r = 0; r < rows; r++)
    {
      const Vf w                                         = vf_splat(d[r * NET_BLOCK + s]);
      UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = vf_fma(w, x[v], sum[r][v]);
    }
  }
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++)
  {
    const Vf x  = sum[r][v] * c->scale;
    float   *to = c->out + (int64_t)(first + r) * c->in + v * VF_LANES, some[VF_LANES];
    if (c->lanes >= (v + 1) * VF_LANES)
      add_vector(to, x, c->fresh);
    else if (c->lanes > v * VF_LANES) {
      vf_store(some, x);
      add_some(c->lanes - v * VF_LANES, to, some, c->fresh);
    }
  }
}

/* One function a tile: in a function of many, gcc 12 gives up on half of the registers. */
typedef void ChunkTile(const Chunks *, int first);
#define TILE(rows, vectors)                                                                                                                \
  static __attribute__((noinline)) void chunk_##rows##x##vectors(const Chunks *c, int first) { chunk_tile(c, first, rows, vectors); }      \
  struct ChunkTiles /* asks for a semicolon */
#if defined(__AVX512F__)
TILE(1, 4);
TILE(2, 4);
TILE(3, 4);
TILE(4, 4);
TILE(5, 4);
TILE(6, 4);
TILE(1, 2);
TILE(2, 2);
TILE(3, 2);
TILE(4, 2);
TILE(5, 2);
TILE(6, 2);
TILE(7, 2);
TILE(8, 2);
TILE(9, 2);
TILE(10, 2);
TILE(1, 1);
TILE(2, 1);
TILE(3, 1);
TILE(4, 1);
TILE(5, 1);
TILE(6, 1);
TILE(7, 1);
TILE(8, 1);
TILE(9, 1);
TILE(10, 1);
#elif defined(__AVX2__)
TILE(1, 2);
TILE(2, 2);
TILE(3, 2);
TILE(4, 2);
TILE(5, 2);
TILE(6, 2);
#else
TILE(1, 1);
TILE(2, 1);
#endif
#undef TILE

/* By falling number of vectors; the last one divides what is left. */
static const struct {
  int        vectors, rows;
  ChunkTile *tile[10]; /* of 1, 2, ... rows */
} chunk_tiles[] = {
#if defined(__AVX512F__)
    {4, 6, {chunk_1x4, chunk_2x4, chunk_3x4, chunk_4x4, chunk_5x4, chunk_6x4}},
    {2, 10, {chunk_1x2, chunk_2x2, chunk_3x2, chunk_4x2, chunk_5x2, chunk_6x2, chunk_7x2, chunk_8x2, chunk_9x2, chunk_10x2}},
    {1, 10, {chunk_1x1, chunk_2x1, chunk_3x1, chunk_4x1, chunk_5x1, chunk_6x1, chunk_7x1, chunk_8x1, chunk_9x1, chunk_10x1}},
#elif defined(__AVX2__)
    {2, 6, {chunk_1x2, chunk_2x2, chunk_3x2, chunk_4x2, chunk_5x2, chunk_6x2}},
#else
    {1, 2, {chunk_1x1, chunk_2x1}},
#endif
};

/* Adds to gradient (out, in), the inputs of all chunks, in tiles of nearly the same number of units. */
static void outer_chunked(const NetLayer *y, int chunks, int groups, float scale, bool fresh, const float *delta, const float *transposed,
                          float *gradient)
{
  for (int v = 0, kind = 0; v < chunks * VF_PARTS; v += chunk_tiles[kind].vectors) {
    while (chunk_tiles[kind].vectors > chunks * VF_PARTS - v) kind++;
    const float *from  = transposed + (int64_t)(v / VF_PARTS) * NET_BLOCK * 16 + v % VF_PARTS * VF_LANES;
    const Chunks c     = {groups * 16, y->in, scale, fresh, delta, from, gradient + v * VF_LANES, y->in - v * VF_LANES};
    const int    tiles = (y->out + chunk_tiles[kind].rows - 1) / chunk_tiles[kind].rows;
    for (int k = 0, first = 0; k < tiles; k++) {
      const int rows = y->out / tiles + (k < y->out % tiles);
      chunk_tiles[kind].tile[rows - 1](&c, first);
      first += rows;
    }
  }
}

/* sum[k] = tree of the 16 lanes at lanes + 16 k, k < 16. */
VF_INLINE void sum16_rows(const float *lanes, float *sum)
{
#if defined(__AVX512F__)
  __m512 a[16];
  UNROLL for (int i = 0; i < 16; i++) a[i] = (__m512)vf_load(lanes + 16 * (4 * (i % 4) + i / 4)); /* so that sums come out in order */
  UNROLL for (int i = 0; i < 8; i++) a[i] =
      _mm512_shuffle_f32x4(a[2 * i], a[2 * i + 1], 0x44) + _mm512_shuffle_f32x4(a[2 * i], a[2 * i + 1], 0xee);
  UNROLL for (int i = 0; i < 4; i++) a[i] =
      _mm512_shuffle_f32x4(a[2 * i], a[2 * i + 1], 0x88) + _mm512_shuffle_f32x4(a[2 * i], a[2 * i + 1], 0xdd);
  UNROLL for (int i = 0; i < 2; i++)
  {
    const __m512d x = (__m512d)a[2 * i], y = (__m512d)a[2 * i + 1];
    a[i] = (__m512)_mm512_unpacklo_pd(x, y) + (__m512)_mm512_unpackhi_pd(x, y);
  }
  vf_store(sum, (Vf)(_mm512_shuffle_ps(a[0], a[1], 0x88) + _mm512_shuffle_ps(a[0], a[1], 0xdd)));
#elif defined(__AVX2__)
  for (int half = 0; half < 2; half++) {
    const float *from = lanes + 128 * half;
    __m256 a[8];
    UNROLL for (int i = 0; i < 8; i++)
    {
      const float *at = from + 16 * (4 * (i % 2) + i / 2);
      a[i] = (__m256)(vf_load(at) + vf_load(at + 8));
    }
    UNROLL for (int i = 0; i < 4; i++) a[i] =
        _mm256_permute2f128_ps(a[2 * i], a[2 * i + 1], 0x20) + _mm256_permute2f128_ps(a[2 * i], a[2 * i + 1], 0x31);
    UNROLL for (int i = 0; i < 2; i++)
    {
      const __m256d x = (__m256d)a[2 * i], y = (__m256d)a[2 * i + 1];
      a[i] = (__m256)_mm256_unpacklo_pd(x, y) + (__m256)_mm256_unpackhi_pd(x, y);
    }
    vf_store(sum + 8 * half, (Vf)(_mm256_shuffle_ps(a[0], a[1], 0x88) + _mm256_shuffle_ps(a[0], a[1], 0xdd)));
  }
#else
  for (int k = 0; k < 16; k++) {
    Vf part[VF_PARTS];
    for (int p = 0; p < VF_PARTS; p++) part[p] = vf_load(lanes + 16 * k + p * VF_LANES);
    sum[k] = vf_sum16(part);
  }
#endif
}

/* n sums (lanes readable up to the next multiple of 16), scaled, to sum (likewise writable). */
static void sum_pairs(int n, float scale, const float *lanes, float *sum)
{
  for (int k = 0; k < n; k += 16) {
    sum16_rows(lanes + 16 * k, sum + k);
    for (int p = 0; p < VF_PARTS; p++) vf_store(sum + k + p * VF_LANES, vf_load(sum + k + p * VF_LANES) * scale);
  }
}

VF_INLINE void pair_tile(int groups, const float *delta, const float *a, int columns_all, float *lanes, const int rows, const int columns)
{
  for (int p = 0; p < VF_PARTS; p++) {
    Vf sum[PAIR_ROWS][PAIR_COLUMNS];
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < columns; c++) sum[r][c] = (Vf){0};
    for (int g = 0; g < groups; g++) {
      const int at = g * 16 + p * VF_LANES;
      Vf        d[PAIR_ROWS];
      UNROLL for (int r = 0; r < rows; r++) d[r] = vf_load(delta + r * NET_BLOCK + at);
      UNROLL for (int c = 0; c < columns; c++)
      {
        const Vf x                                      = vf_load(a + c * NET_BLOCK + at);
        UNROLL for (int r = 0; r < rows; r++) sum[r][c] = vf_fma(d[r], x, sum[r][c]);
      }
    }
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < columns; c++)
        vf_store(lanes + (r * columns_all + c) * 16 + p * VF_LANES, sum[r][c]);
  }
}

VF_INLINE void pair_columns(int groups, const float *delta, const float *a, int columns_all, float *lanes, const int rows, int columns)
{
  switch (columns) {
#define CASE(n)                                                                                                                            \
  case n:                                                                                                                                  \
    if (n <= PAIR_COLUMNS) pair_tile(groups, delta, a, columns_all, lanes, rows, n);                                                       \
    break;
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5)
#undef CASE
  }
}

/* lanes[(j * columns + i) * 16 ...] = sums of delta_j a_i in 16 virtual lanes. */
static void pairs(int rows_all, int columns_all, int groups, const float *delta, const float *a, float *lanes)
{
  const int tiles = (columns_all + PAIR_COLUMNS - 1) / PAIR_COLUMNS;
  for (int j = 0; j < rows_all; j += PAIR_ROWS) {
    const int rows = rows_all - j < PAIR_ROWS ? rows_all - j : PAIR_ROWS;
    for (int k = 0, i = 0; k < tiles; k++) {
      const int    columns = columns_all / tiles + (k < columns_all % tiles);
      const float *d = delta + j * NET_BLOCK, *x = a + i * NET_BLOCK;
      float       *to = lanes + (j * columns_all + i) * 16;
      switch (rows) {
#define CASE(n)                                                                                                                            \
  case n:                                                                                                                                  \
    if (n <= PAIR_ROWS) pair_columns(groups, d, x, columns_all, to, n, columns);                                                           \
    break;
        CASE(1) CASE(2) CASE(3) CASE(4)
#undef CASE
      }
      i += columns;
    }
  }
}

VF_INLINE void bias_sums(int out, const int groups, const float *delta, float *lanes)
{
  for (int j = 0; j < out; j++) UNROLL for (int p = 0; p < VF_PARTS; p++)
    {
      const float *d   = delta + j * NET_BLOCK + p * VF_LANES;
      Vf           sum = vf_load(d);
      UNROLL for (int g = 1; g < groups; g++) sum += vf_load(d + g * 16);
      vf_store(lanes + j * 16 + p * VF_LANES, sum);
    }
}

/* A full block is what counts. */
static void outer_biases(int out, int groups, const float *delta, float *lanes)
{
  if (groups == NET_BLOCK / 16)
    bias_sums(out, NET_BLOCK / 16, delta, lanes);
  else
    bias_sums(out, groups, delta, lanes);
}

/* gradient = (fresh) or += scale times the sums over the block of delta_j a_i and delta_j. lanes and sums: see cut_memory. */
static void outer(const NetLayer *y, int groups, float scale, bool fresh, const float *delta, const float *a, float *lanes, float *sums,
                  float *gradient)
{
  const int chunks = outer_chunks(y), first = chunks * 16 < y->in ? chunks * 16 : y->in, rest = y->in - first;
  float    *weights = gradient + y->weights;
  if (chunks > 0) {
    transpose_inputs(chunks, groups, a, lanes);
    outer_chunked(y, chunks, groups, scale, fresh, delta, lanes, weights);
  }
  if (rest > 0) {
    pairs(y->out, rest, groups, delta, a + first * NET_BLOCK, lanes);
    sum_pairs(y->out * rest, scale, lanes, sums);
    if (rest == y->in)
      add_some(y->out * rest, weights, sums, fresh);
    else
      for (int j = 0; j < y->out; j++) add_some(rest, weights + (int64_t)j * y->in + first, sums + j * rest, fresh);
  }
  outer_biases(y->out, groups, delta, lanes);
  sum_pairs(y->out, scale, lanes, sums);
  add_some(y->out, gradient + y->biases, sums, fresh);
}

#endif
