/* SPDX-License-Identifier: BSD-2-Clause
 * The tile of the pair kernels: squared distances of ROWS points of x and one native vector of points of y out of each of BLOCKS blocks, by
 * differences (never |x|^2 - 2 xy + |y|^2, which cancels). A block's 16 lanes are PARTS vectors, one after the other. Eight rows: every
 * number of y that comes from the second-level cache is used eight times, and chains of multiply-adds hide their latency. Include in
 * kernel sources alone. */
#ifndef MYOPIA_METRICS_PAIR_TILE_H
#define MYOPIA_METRICS_PAIR_TILE_H

#include "cloud.h"
#include "vector.h"

enum { ROWS = 8, BLOCKS = VF_LANES == 16 ? 2 : 1, CHUNK = 32, CACHE_BYTES = 1 << 18 };
_Static_assert(CLOUD_LANES == 16 && CLOUD_LANES % ROWS == 0, "a tile's rows lie in one block");

#define EACH_ROW(r) _Pragma("GCC unroll 8") for (int r = 0; r < ROWS; r++)
#define EACH(r, k) EACH_ROW(r) _Pragma("GCC unroll 2") for (int k = 0; k < BLOCKS; k++)

typedef struct Tile {
  Vf v[ROWS][BLOCKS];
} Tile;

VF_INLINE Tile tile_of(float value)
{
  Tile t;
  EACH(r, k) t.v[r][k] = vf_splat(value);
  return t;
}

/* Components [0, d): x and y at their first one, blocks of y `block` numbers apart. */
VF_INLINE Tile tile_few(int d, int64_t block, const float *x, const float *y)
{
  Tile out;
  EACH(r, k)
  {
    const Vf t  = vf_splat(x[r]) - vf_load(y + k * block);
    out.v[r][k] = t * t;
  }
  for (int j = 1; j < d; j++) EACH(r, k)
    {
      const Vf t  = vf_splat(x[j * CLOUD_LANES + r]) - vf_load(y + k * block + j * CLOUD_LANES);
      out.v[r][k] = vf_fma(t, t, out.v[r][k]);
    }
  return out;
}

/* Many components by sums of chunks, so that rounding grows with d / CHUNK + CHUNK, not with d. */
VF_INLINE Tile tile_squares(int d, const float *x, const float *y)
{
  const int64_t block = (int64_t)d * CLOUD_LANES;
  if (d <= CHUNK) return tile_few(d, block, x, y);
  Tile out = tile_of(0);
  for (int j = 0; j < d; j += CHUNK) {
    const Tile part = tile_few(d - j < CHUNK ? d - j : CHUNK, block, x + j * CLOUD_LANES, y + j * CLOUD_LANES);
    EACH(r, k) out.v[r][k] += part.v[r][k];
  }
  return out;
}

/* value where low < position < high, else other; lane 0 stands at `position`. */
VF_INLINE Vf tile_mask(int position, int low, int high, Vf value, float other)
{
  Vi at;
  for (int i = 0; i < VF_LANES; i++) at[i] = position + i;
  return vf_select((at > low) & (at < high), value, vf_splat(other));
}

/* Blocks of y that stay in cache while the rows of x pass; a function of d alone, even. */
static inline int64_t tile_cached_blocks(int d)
{
  const int64_t blocks = CACHE_BYTES / ((int64_t)d * CLOUD_LANES * (int64_t)sizeof(float));
  return blocks < 2 ? 2 : blocks / 2 * 2;
}

static inline int64_t tile_blocks(int64_t n) { return (n + CLOUD_LANES - 1) / CLOUD_LANES; }

/* Row `row` of a packed cloud, at its first component. */
static inline const float *tile_row(const PackedCloud *x, int64_t row)
{
  return x->x + row / CLOUD_LANES * x->d * CLOUD_LANES + row % CLOUD_LANES;
}

#endif
