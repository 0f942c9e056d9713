/* SPDX-License-Identifier: BSD-2-Clause
 * Kernels of the resistance sketch: sixteen interleaved vectors of float32, so that a neighbour is one cache line whatever the ISA level.
 * A Laplacian is applied as sum_j w_ij (p_i - p_j): constants vanish exactly. Sums over vertices are taken in float32 over CHUNK rows and
 * in float64 over the chunks; a lane never meets another one except in the sum over projections, whose tree is fixed (halves), and
 * contraction is off: every ISA level gives the same bits. Neighbours are fetched AHEAD entries before they are needed, because the
 * vectors of a large graph do not fit a cache. No allocation, no libm. */
#include "sketch_kernel.h"

#include <string.h>

#include "kernel.h"
#include "rng.h"

#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX__)
#define WIDTH 8
#else
#define WIDTH 4
#endif

enum { L = SKETCH_LANES, PARTS = L / WIDTH, CHUNK = 32, AHEAD = 24, BATCH = 64, QUAD = SKETCH_QUAD };

typedef float    V __attribute__((vector_size(4 * WIDTH)));
typedef uint32_t U __attribute__((vector_size(4 * WIDTH)));

/* One vertex: sixteen lanes in as many registers as the machine needs. */
typedef struct Row {
  V part[PARTS];
} Row;

static inline Row load(const float *p)
{
  Row r;
  memcpy(&r, __builtin_assume_aligned(p, 64), sizeof r);
  return r;
}
static inline void store(float *p, Row r) { memcpy(__builtin_assume_aligned(p, 64), &r, sizeof r); }
static inline V    splat(float x) { return x - (V){0}; }

#define EACH_PART for (int k_ = 0; k_ < PARTS; k_++)

static inline void fetch(const float *p, const int32_t *column, int64_t k, int64_t last)
{
  const int64_t ahead = k + AHEAD < last ? k + AHEAD : last - 1;
  __builtin_prefetch(p + (int64_t)column[ahead] * L, 0, 3);
}

static inline void add_lanes(double total[L], const Row *r)
{
  float lane[L];
  memcpy(lane, r, sizeof lane);
  for (int l = 0; l < L; l++) total[l] += (double)lane[l];
}

static inline Row row_times(const SketchRows *a, int64_t i, int64_t n_entries, const float *p, Row own)
{
  Row sum = {{{0}}};
  if (a->weight) {
    for (int64_t k = a->start[i]; k < a->start[i + 1]; k++) {
      fetch(p, a->column, k, n_entries);
      const Row other = load(p + (int64_t)a->column[k] * L);
      const V   w     = splat(a->weight[k]);
      EACH_PART sum.part[k_] += w * (own.part[k_] - other.part[k_]);
    }
  } else {
    for (int64_t k = a->start[i]; k < a->start[i + 1]; k++) {
      fetch(p, a->column, k, n_entries);
      const Row other = load(p + (int64_t)a->column[k] * L);
      EACH_PART sum.part[k_] += own.part[k_] - other.part[k_];
    }
  }
  return sum;
}

static void multiply(const SketchRows *a, const float *p, float *q, double dot[L])
{
  const int64_t n_entries = a->start[a->n];
  memset(dot, 0, L * sizeof *dot);
  for (int64_t chunk = 0; chunk < a->n; chunk += CHUNK) {
    Row partial = {{{0}}};
    for (int64_t i = chunk; i < chunk + CHUNK && i < a->n; i++) {
      const Row own = load(p + i * L), sum = row_times(a, i, n_entries, p, own);
      EACH_PART partial.part[k_] += own.part[k_] * sum.part[k_];
      store(q + i * L, sum);
    }
    add_lanes(dot, &partial);
  }
}

static void advance(const SketchRows *a, const float alpha[L], const float *p, const float *q, float *x, float *r, double rho[L])
{
  Row step;
  memcpy(&step, alpha, sizeof step);
  memset(rho, 0, L * sizeof *rho);
  for (int64_t chunk = 0; chunk < a->n; chunk += CHUNK) {
    Row partial = {{{0}}};
    for (int64_t i = chunk; i < chunk + CHUNK && i < a->n; i++) {
      const Row pi = load(p + i * L), qi = load(q + i * L);
      const V   inverse = splat(a->inverse_degree[i]);
      Row       xi = load(x + i * L), ri = load(r + i * L);
      EACH_PART xi.part[k_] += step.part[k_] * pi.part[k_];
      EACH_PART ri.part[k_] -= step.part[k_] * qi.part[k_];
      EACH_PART partial.part[k_] += ri.part[k_] * (inverse * ri.part[k_]);
      store(x + i * L, xi);
      store(r + i * L, ri);
    }
    add_lanes(rho, &partial);
  }
}

static void direction(const SketchRows *a, const float beta[L], const float *r, float *p)
{
  Row factor;
  memcpy(&factor, beta, sizeof factor);
  for (int64_t i = 0; i < a->n; i++) {
    const Row ri          = load(r + i * L);
    const V   inverse     = splat(a->inverse_degree[i]);
    Row       pi          = load(p + i * L);
    EACH_PART pi.part[k_] = inverse * ri.part[k_] + factor.part[k_] * pi.part[k_];
    store(p + i * L, pi);
  }
}

static void residual(const SketchRows *a, const float *b, const float *x, float *r, double rho[L], double size[L])
{
  const int64_t n_entries = a->start[a->n];
  memset(rho, 0, L * sizeof *rho);
  memset(size, 0, L * sizeof *size);
  for (int64_t i = 0; i < a->n; i++) {
    const float *own = x + i * L;
    double       sum[L];
    for (int l = 0; l < L; l++) sum[l] = (double)b[i * L + l];
    for (int64_t k = a->start[i]; k < a->start[i + 1]; k++) {
      fetch(x, a->column, k, n_entries);
      const float *other = x + (int64_t)a->column[k] * L;
      const double w     = a->weight ? (double)a->weight[k] : 1;
      for (int l = 0; l < L; l++) sum[l] -= w * ((double)own[l] - (double)other[l]);
    }
    const double inverse = (double)a->inverse_degree[i];
    for (int l = 0; l < L; l++) {
      const double bl = (double)b[i * L + l];
      r[i * L + l]    = (float)sum[l];
      rho[l] += sum[l] * sum[l] * inverse;
      size[l] += bl * bl * inverse;
    }
  }
}

static inline int64_t number_of(const SketchRows *a, int64_t k) { return a->number ? (int64_t)a->number[k] : a->first_number + k; }

/* magnitude with the sign bits of sixteen projections. */
static inline Row signed_row(float magnitude, uint32_t bits)
{
  static const uint32_t shift[L] __attribute__((aligned(64))) = {31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16};
  const U               word = bits - (U){0}, top = 0x80000000u - (U){0};
  Row                   y;
  EACH_PART
  {
    U by;
    memcpy(&by, shift + k_ * WIDTH, sizeof by);
    y.part[k_] = (V)((U)splat(magnitude) ^ ((word << by) & top));
  }
  return y;
}

/* Adds the own edges of one row to one block; word (upper): a 16-bit word for every edge. */
static inline void signs_row(const SketchRows *a, int64_t i, int64_t first, int64_t count, const uint16_t *word, float *b)
{
  Row own = load(b + i * L);
  for (int64_t k = 0; k < count; k++) {
    float    *to    = b + (int64_t)a->column[first + k] * L;
    const Row y     = signed_row(a->weight ? __builtin_sqrtf(a->weight[first + k]) : 1, word[k]);
    Row       other = load(to);
    EACH_PART own.part[k_] += y.part[k_];
    EACH_PART other.part[k_] -= y.part[k_];
    store(to, other);
  }
  store(b + i * L, own);
}

static void signs(const SketchRows *a, uint64_t key, int64_t first_block, int n_blocks, float *const *b)
{
  const uint32_t draw_index = (uint32_t)(first_block / SKETCH_BLOCKS_MAX);
  const int      offset     = (int)(first_block % SKETCH_BLOCKS_MAX);
  const int64_t  n_entries  = a->start[a->n];
  uint16_t       word[SKETCH_BLOCKS_MAX][BATCH];
  for (int64_t i = 0; i < a->n; i++) {
    const int64_t upper = a->upper_start[i + 1] - a->upper_start[i], first = a->start[i + 1] - upper;
    for (int64_t batch = 0; batch < upper; batch += BATCH) {
      const int64_t count = upper - batch < BATCH ? upper - batch : BATCH;
      for (int64_t k = 0; k < count; k++) {
        uint32_t bits[4];
        rng_block(key, (uint64_t)number_of(a, a->upper_start[i] + batch + k), draw_index, RNG_SKETCH_SIGNS, bits);
        for (int block = 0; block < n_blocks; block++)
          word[block][k] = (uint16_t)(bits[(offset + block) / 2] >> (16 * ((offset + block) & 1)));
      }
      for (int block = 0; block < n_blocks; block++) {
        if (!b[block]) continue;
        for (int64_t k = 0; k < count; k++) fetch(b[block], a->column, first + batch + k - AHEAD, n_entries);
        signs_row(a, i, first + batch, count, word[block], b[block]);
      }
    }
  }
}

/* Sum of sixteen lanes by halves. */
static inline float sum_lanes(const Row *r)
{
  float lane[L];
  memcpy(lane, r, sizeof lane);
  for (int half = L / 2; half > 0; half /= 2)
    for (int l = 0; l < half; l++) lane[l] += lane[l + half];
  return lane[0];
}

/* Own edges of row i, blocks z[0 .. n_blocks) with n_blocks <= QUAD. */
static inline void edges_row(const SketchRows *a, int64_t i, int n_blocks, const float *const *z, double *sum, double *square,
                             double *projection)
{
  const int64_t upper = a->upper_start[i + 1] - a->upper_start[i], begin = a->start[i + 1] - upper, n_entries = a->start[a->n];
  Row           own[QUAD], partial[QUAD] = {0};
  for (int block = 0; block < n_blocks; block++) own[block] = load(z[block] + i * L);
  for (int64_t k = 0; k < upper; k++) {
    const int64_t j     = a->column[begin + k];
    const V       w     = splat(a->weight ? a->weight[begin + k] : 1);
    Row           total = {{{0}}}, total2 = {{{0}}};
    for (int block = 0; block < n_blocks; block++) {
      const Row other = load(z[block] + j * L);
      fetch(z[block], a->column, begin + k, n_entries);
      EACH_PART
      {
        const V difference = own[block].part[k_] - other.part[k_], value = w * difference * difference;
        total.part[k_] += value;
        total2.part[k_] += value * value;
        partial[block].part[k_] += value;
      }
    }
    sum[k] += (double)sum_lanes(&total);
    square[k] += (double)sum_lanes(&total2);
  }
  for (int block = 0; block < n_blocks; block++) add_lanes(projection + block * L, &partial[block]);
}

static void edges(const SketchRows *a, int64_t first, int64_t last, int n_blocks, const float *const *z, double *sum, double *square,
                  double *projection)
{
  const int64_t origin = a->upper_start[first];
  for (int64_t i = first; i < last; i++) {
    const int64_t at = a->upper_start[i] - origin;
    if (a->upper_start[i + 1] == a->upper_start[i]) continue;
    for (int quad = 0; quad < n_blocks; quad += QUAD) {
      if (n_blocks - quad >= QUAD)
        edges_row(a, i, QUAD, z + quad, sum + at, square + at, projection + quad * L);
      else
        edges_row(a, i, n_blocks - quad, z + quad, sum + at, square + at, projection + quad * L);
    }
  }
}

const SketchKernels KERNEL(sketch_kernels) = {multiply, advance, direction, residual, signs, edges};
