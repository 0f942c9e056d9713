/* SPDX-License-Identifier: BSD-2-Clause
 * Sums of a function of the distance over all pairs of two clouds, or over i < j of one. A tile is 8 points of x and 16 of y; its values
 * are added in float over a run of at most 16 tiles, in every lane apart, then in double. Order and lanes are the same on all levels, so
 * the bits are. A distance is right to 1e-7, the mean of thousands to some 1e-9. */
#include "pair_kernel.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel.h"
#include "pair_tile.h"
#include "vector_math.h"

enum { RUN = 16 };
typedef enum { DISTANCE, GAUSSIANS } Value;
typedef struct Sum {
  int          n_h;
  const float *rate;
  double       lane[CLOUD_LANES];
} Sum;

VF_INLINE Tile values_of(Value value, const Sum *sum, Tile squares)
{
  Tile out = tile_of(0);
  if (value == DISTANCE) {
    EACH(r, k) out.v[r][k] = vf_sqrt(squares.v[r][k]);
    return out;
  }
  for (int h = 0; h < sum->n_h; h++) {
    const Vf rate = vf_splat(sum->rate[h]);
    EACH(r, k) out.v[r][k] += vf_exp(rate * squares.v[r][k]);
  }
  return out;
}

/* Rows [row, row + ROWS) against `part` of blocks [first, last) of y. after_row: only points j > i count. */
VF_INLINE Vf add_part(int d, Value value, const Sum *sum, const PackedCloud *x, const PackedCloud *y, int64_t row, int64_t first,
                      int64_t last, int part, bool after_row)
{
  const float *const from = tile_row(x, row);
  const int64_t      end  = last * CLOUD_LANES < y->n ? last * CLOUD_LANES : y->n;
  Vf                 total[ROWS];
  EACH_ROW(r) total[r] = (Vf){0};
  for (int64_t b = first; b < last; b += BLOCKS) {
    const int64_t begin = b * CLOUD_LANES, full = BLOCKS * CLOUD_LANES, high = end - begin < full ? end - begin : full;
    Tile          tile = values_of(value, sum, tile_squares(d, from, y->x + begin * d + part * VF_LANES));
    if (high < full || (after_row && begin < row + ROWS)) EACH(r, k)
      {
        const int low = after_row && row + r >= begin ? (int)(row + r - begin) : -1;
        tile.v[r][k]  = tile_mask(k * CLOUD_LANES + part * VF_LANES, low, (int)high, tile.v[r][k], 0);
      }
    EACH(r, k) total[r] += tile.v[r][k]; /* block by block on every level */
  }
  EACH_ROW(r) if (row + r >= x->n) total[r] = (Vf){0};
  return ((total[0] + total[1]) + (total[2] + total[3])) + ((total[4] + total[5]) + (total[6] + total[7]));
}

VF_INLINE void add_run(int d, Value value, Sum *sum, const PackedCloud *x, const PackedCloud *y, int64_t row, int64_t first, int64_t last,
                       bool after_row)
{
  for (int part = 0; part < VF_PARTS; part++) {
    const Vf total = add_part(d, value, sum, x, y, row, first, last, part, after_row);
    for (int i = 0; i < VF_LANES; i++) sum->lane[part * VF_LANES + i] += (double)total[i];
  }
}

VF_INLINE double sum_pairs(int d, Value value, Sum *sum, const PackedCloud *x, const PackedCloud *y)
{
  const PackedCloud *const other  = y ? y : x;
  const int64_t            blocks = tile_blocks(other->n), cached = tile_cached_blocks(d);
  for (int64_t begin = 0; begin < blocks; begin += cached) {
    const int64_t end = begin + cached < blocks ? begin + cached : blocks;
    for (int64_t row = 0; row < x->n; row += ROWS) {
      const int64_t start = !y && row / CLOUD_LANES > begin ? row / CLOUD_LANES : begin;
      for (int64_t b = start; b < end; b += RUN) add_run(d, value, sum, x, other, row, b, b + RUN < end ? b + RUN : end, !y);
    }
  }
  for (int half = CLOUD_LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) sum->lane[i] += sum->lane[i + half];
  return sum->lane[0];
}

/* Few dimensions are compiled apart. */
#define BY_DIMENSION(value, sum, x, y)                                                                                                     \
  switch ((x)->d) {                                                                                                                        \
  case 1: return sum_pairs(1, value, sum, x, y);                                                                                           \
  case 2: return sum_pairs(2, value, sum, x, y);                                                                                           \
  case 3: return sum_pairs(3, value, sum, x, y);                                                                                           \
  default: return sum_pairs((x)->d, value, sum, x, y);                                                                                     \
  }

double KERNEL(pair_distances)(const PackedCloud *x, const PackedCloud *y)
{
  Sum sum = {0};
  BY_DIMENSION(DISTANCE, &sum, x, y)
}

double KERNEL(pair_gaussians)(const PackedCloud *x, const PackedCloud *y, int n_h, const float *rate)
{
  Sum sum = {.n_h = n_h, .rate = rate};
  BY_DIMENSION(GAUSSIANS, &sum, x, y)
}
