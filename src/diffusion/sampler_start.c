/* SPDX-License-Identifier: BSD-2-Clause
 * Where sampling starts: normal points by inversion in double (the digits of a coordinate may become its noise, so all 52 bits count), and
 * the grid of the figures. */
#include "rng.h"
#include "sampler.h"

static double uniform(uint32_t low, uint32_t high) { return ((double)(((uint64_t)high << 32 | low) >> 12) + 0.5) * 0x1p-52; }

void sampler_start_normal(uint64_t key, int64_t first, int d, int64_t n, double *x)
{
  for (int j = 0; j < d; j += 2)
    for (int64_t i = 0; i < n; i++) {
      uint32_t word[4];
      rng_block(key, (uint64_t)(first + i), (uint32_t)(j / 2), RNG_START, word);
      x[j * n + i] = noise_quantile(uniform(word[0], word[1]));
      if (j + 1 < d) x[(j + 1) * n + i] = noise_quantile(uniform(word[2], word[3]));
    }
}

static double grid_line(int side, double half, int64_t k) { return side > 1 ? half * (2.0 * (double)k / (side - 1) - 1) : 0; }

void sampler_start_grid(int side, double half, int64_t first, int64_t n, double *x)
{
  for (int64_t i = 0; i < n; i++) {
    x[i]     = grid_line(side, half, (first + i) % side);
    x[n + i] = grid_line(side, half, (first + i) / side);
  }
}
