/* SPDX-License-Identifier: BSD-2-Clause
 * Nearest and second nearest points by all distances: a few blocks of y stay in cache while all rows of x pass; every row keeps its two
 * smallest squares in 16 lanes. Minima do not depend on an order. It builds no tree. */
#include <math.h>

#include "kernel.h"
#include "pair_kernel.h"
#include "pair_tile.h"

/* state: [row][first, second][16], here of the first of the rows and of one part of the lanes. */
VF_INLINE void search_rows(int d, const PackedCloud *y, const float *from, int64_t begin, int64_t end, int part, float *state)
{
  Vf first[ROWS], second[ROWS];
  EACH_ROW(r)
  {
    first[r]  = vf_load(state + r * 2 * CLOUD_LANES);
    second[r] = vf_load(state + (r * 2 + 1) * CLOUD_LANES);
  }
  for (int64_t b = begin; b < end; b += BLOCKS) {
    const int64_t left = y->n - b * CLOUD_LANES;
    Tile          tile = tile_squares(d, from, y->x + b * d * CLOUD_LANES + part * VF_LANES);
    if (left < BLOCKS * CLOUD_LANES)
      EACH(r, k) tile.v[r][k] = tile_mask(k * CLOUD_LANES + part * VF_LANES, -1, (int)left, tile.v[r][k], INFINITY);
    EACH(r, k)
    {
      second[r] = vf_min(second[r], vf_max(first[r], tile.v[r][k]));
      first[r]  = vf_min(first[r], tile.v[r][k]);
    }
  }
  EACH_ROW(r)
  {
    vf_store(state + r * 2 * CLOUD_LANES, first[r]);
    vf_store(state + (r * 2 + 1) * CLOUD_LANES, second[r]);
  }
}

VF_INLINE void search(int d, const PackedCloud *x, const PackedCloud *y, float *state)
{
  const int64_t blocks = tile_blocks(y->n), cached = tile_cached_blocks(d);
  for (int64_t begin = 0; begin < blocks; begin += cached) {
    const int64_t end = begin + cached < blocks ? begin + cached : blocks;
    for (int64_t row = 0; row < x->n; row += ROWS)
      for (int part = 0; part < VF_PARTS; part++)
        search_rows(d, y, tile_row(x, row), begin, end, part, state + row * 2 * CLOUD_LANES + part * VF_LANES);
  }
}

void KERNEL(pair_nearest)(const PackedCloud *x, const PackedCloud *y, float *state, float *first, float *second)
{
  for (int64_t i = 0; i < (x->n + ROWS - 1) / ROWS * ROWS * 2 * CLOUD_LANES; i++) state[i] = INFINITY;
  switch (x->d) {
  case 1: search(1, x, y, state); break;
  case 2: search(2, x, y, state); break;
  case 3: search(3, x, y, state); break;
  default: search(x->d, x, y, state);
  }
  for (int64_t i = 0; i < x->n; i++) {
    float one = INFINITY, two = INFINITY;
    for (int k = 0; k < 2 * CLOUD_LANES; k++) {
      const float value = state[i * 2 * CLOUD_LANES + k];
      two               = value < one ? one : value < two ? value : two;
      one               = value < one ? value : one;
    }
    first[i]  = one;
    second[i] = two;
  }
}
