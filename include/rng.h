/* SPDX-License-Identifier: BSD-2-Clause
 * Counter-based randomness: Philox4x32-10 (Salmon et al., SC11; Random123). A word is a pure function of
 *   key     = the trial's 64-bit key,
 *   counter = (index low, index high, draw, purpose),
 * so it depends neither on the rank, nor on the row, nor on what was drawn before. */
#ifndef MYOPIA_RNG_H
#define MYOPIA_RNG_H

#include <Random123/philox.h>
#include <stdint.h>

/* Purposes keep streams of one trial apart; a number is never reused for another meaning. */
enum { RNG_SELECTION = 1, RNG_LABELS = 2, RNG_GRAPH = 3, RNG_VERIFY = 4, RNG_SPARSIFY = 5 };
enum { RNG_WEIGHT = 10, RNG_ERDOS = 11, RNG_BLOCKS = 12, RNG_REWIRE = 13, RNG_ATTACH = 14, RNG_POINT = 15, RNG_RMAT = 16, RNG_SITE = 17 };
enum { RNG_SKETCH_SIGNS = 20 };                                                /* index = edge, draw = projection / 128 */
enum { RNG_EIGEN_START = 30, RNG_DENSITY_PROBE = 31 };                         /* spectrum: 30 to 39 */
enum { RNG_NET = 40, RNG_DROPOUT = 41 };                                       /* networks: 40 to 49 */
enum { RNG_ORDER = 50, RNG_TIME = 51, RNG_TRAIN_NOISE = 52, RNG_DIGITS = 53 }; /* batches: 50 to 59 */
enum { RNG_GRAPH_ORDER = 54, RNG_GRAPH_TIME = 55, RNG_GRAPH_NOISE = 56, RNG_GRAPH_FIXED_NOISE = 57 };
enum { RNG_START = 60, RNG_SAMPLER = 61, RNG_GRAPH_START = 62, RNG_GRAPH_STEP = 63, RNG_GRAPH_SIZE = 64 }; /* samplers: 60 to 69 */
enum { RNG_DATA = 70, RNG_SET = 71, RNG_SET_SPLIT = 72 };                                                  /* data laws: 70 to 79 */
enum { RNG_METRIC = 80 };                                                                                  /* metrics: 80 to 89 */

/* Four words of block (index, draw, purpose) of the trial `key`. */
static inline void rng_block(uint64_t key, uint64_t index, uint32_t draw, uint32_t purpose, uint32_t out[4])
{
  const philox4x32_ctr_t counter = {{(uint32_t)index, (uint32_t)(index >> 32), draw, purpose}};
  const philox4x32_key_t k       = {{(uint32_t)key, (uint32_t)(key >> 32)}};
  const philox4x32_ctr_t block   = philox4x32_R(10, counter, k);
  for (int i = 0; i < 4; i++) out[i] = block.v[i];
}

/* A sequential reader of one stream: words of blocks index = 0, 1, 2, ... */
typedef struct Rng {
  uint64_t key, index;
  uint32_t draw, purpose;
  uint32_t word[4];
  int      used; /* words of `word` already handed out; 4 at the start */
} Rng;

static inline Rng rng_start(uint64_t key, uint32_t draw, uint32_t purpose)
{
  return (Rng){.key = key, .draw = draw, .purpose = purpose, .used = 4};
}

static inline uint32_t rng_u32(Rng *r)
{
  if (r->used == 4) {
    rng_block(r->key, r->index++, r->draw, r->purpose, r->word);
    r->used = 0;
  }
  return r->word[r->used++];
}

static inline uint64_t rng_u64(Rng *r)
{
  const uint64_t low = rng_u32(r);
  return low | (uint64_t)rng_u32(r) << 32;
}

/* Uniform on {0, ..., n-1}, n >= 1, exactly (Lemire, ACM TOMACS 29 (2019) 3: multiply, reject the short interval). */
static inline uint32_t rng_below(Rng *r, uint32_t n)
{
  uint64_t product = (uint64_t)rng_u32(r) * n;
  if ((uint32_t)product < n) {
    const uint32_t threshold = (0u - n) % n;
    while ((uint32_t)product < threshold) product = (uint64_t)rng_u32(r) * n;
  }
  return (uint32_t)(product >> 32);
}

/* Uniform on (0, 1): (k + 1/2) / 2^52, k of 52 bits, which is exact, so never 0 or 1. */
static inline double rng_uniform(Rng *r) { return ((double)(rng_u64(r) >> 12) + 0.5) * 0x1p-52; }

/* Standard exponential, -log(uniform), by rng_log: bits do not depend on libm. */
double rng_exponential(Rng *r);
/* Natural logarithm of a positive normal double by an own polynomial; error <= 2 ulp. */
double rng_log(double x);

#endif
