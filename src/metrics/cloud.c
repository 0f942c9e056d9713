/* SPDX-License-Identifier: BSD-2-Clause
 * Clouds packed into blocks of 16 points for the pair kernels, the check of their numbers, and the sort of the one-dimensional distances:
 * least significant digit first on the bits of the doubles, which sorts 10,000 values some ten times faster than qsort. */
#include "cloud.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { LANES = CLOUD_LANES, EXPONENT = 0x7f800000 }; /* loops over lanes, so that the compiler makes vectors of them */

static bool all_finite(int64_t n, const float *x)
{
  uint32_t bad[LANES] = {0};
  for (int64_t i = 0; i < n; i += LANES) {
    uint32_t word[LANES] = {0};
    memcpy(word, x + i, sizeof *x * (size_t)(n - i < LANES ? n - i : LANES));
    for (int k = 0; k < LANES; k++) bad[k] |= (word[k] & EXPONENT) == EXPONENT;
  }
  for (int k = 1; k < LANES; k++) bad[0] |= bad[k];
  return bad[0] == 0;
}

bool cloud_is_finite(int d, int64_t n, const float *x) { return d > 0 && n > 0 && all_finite(d * n, x); }

static void widen(int64_t n, const float *x, float *low, float *high)
{
  float least[LANES], most[LANES];
  for (int k = 0; k < LANES; k++) {
    least[k] = *low;
    most[k]  = *high;
  }
  for (int64_t i = 0; i + LANES <= n; i += LANES)
    for (int k = 0; k < LANES; k++) {
      least[k] = x[i + k] < least[k] ? x[i + k] : least[k];
      most[k]  = x[i + k] > most[k] ? x[i + k] : most[k];
    }
  for (int64_t i = n / LANES * LANES; i < n; i++) {
    least[0] = fminf(least[0], x[i]);
    most[0]  = fmaxf(most[0], x[i]);
  }
  for (int k = 0; k < LANES; k++) {
    *low  = fminf(*low, least[k]);
    *high = fmaxf(*high, most[k]);
  }
}

static double widest(int d, int64_t n, const float *x, int64_t m, const float *y)
{
  double extent = 0;
  for (int j = 0; j < d; j++) {
    float low = x[j * n], high = low;
    widen(n, x + j * n, &low, &high);
    if (y) widen(m, y + j * m, &low, &high);
    extent = fmax(extent, (double)high - (double)low);
  }
  return extent;
}

/* Points [begin, end) into their blocks, a stretch of a component at a time: neither reads nor writes jump from page to page. */
static void pack_stretch(int64_t begin, int64_t end, const float *x, float scale, const PackedCloud *out)
{
  for (int j = 0; j < out->d; j++)
    for (int64_t i = begin; i < end; i += LANES) {
      float *const to = out->x + (i * out->d + (int64_t)j * LANES);
      memcpy(to, x + j * out->n + i, sizeof *x * (size_t)(end - i < LANES ? end - i : LANES));
      for (int k = 0; k < LANES; k++) to[k] *= scale;
    }
}

static void pack(int d, int64_t n, const float *x, float scale, PackedCloud *out)
{
  enum { STRETCH = 16 * LANES };
  const int64_t blocks = (n + LANES - 1) / LANES + 1; /* kernels read two at a time */
  *out                 = (PackedCloud){.d = d, .n = n, .x = mem_calloc((size_t)(blocks * d), LANES * sizeof(float))};
  for (int64_t i = 0; i < n; i += STRETCH) pack_stretch(i, i + STRETCH < n ? i + STRETCH : n, x, scale, out);
}

/* A power of two that a float holds, so that the product is exact. */
static double scale_of(double extent) { return extent > 0 ? ldexp(1, -(int)fmin(126, fmax(-126, ilogb(extent)))) : 1; }

bool cloud_pair_create(int d, int64_t n, const float *x, int64_t m, const float *y, CloudPair *out)
{
  *out = (CloudPair){.scale = 1};
  if (!cloud_is_finite(d, n, x) || (y && !cloud_is_finite(d, m, y))) return false;
  out->scale = scale_of(widest(d, n, x, m, y));
  pack(d, n, x, (float)out->scale, &out->x);
  if (y) pack(d, m, y, (float)out->scale, &out->y);
  return true;
}

void cloud_pair_destroy(CloudPair *pair)
{
  free(pair->x.x);
  free(pair->y.x);
  *pair = (CloudPair){0};
}

enum { FEW_BITS = 8, MANY_BITS = 11, MANY = 2000, INSERTION = 48 };

static void sort_few(int64_t n, double *x)
{
  for (int64_t i = 1; i < n; i++) {
    const double value = x[i];
    int64_t      k     = i;
    for (; k > 0 && x[k - 1] > value; k--) x[k] = x[k - 1];
    x[k] = value;
  }
}

/* Bits whose unsigned order is the order of the numbers, and back. */
static uint64_t to_key(double x)
{
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits ^ (bits >> 63 ? UINT64_MAX : 1ull << 63);
}

static double from_key(uint64_t key)
{
  const uint64_t bits = key ^ (key >> 63 ? 1ull << 63 : UINT64_MAX);
  double         x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* One pass: by the digit at `shift`, whose values occur count[] times. */
static void scatter(int64_t n, const uint64_t *from, uint64_t *to, int shift, int radix, int64_t *count)
{
  for (int64_t digit = 0, start = 0; digit < radix; digit++) {
    const int64_t here = count[digit];
    count[digit]       = start;
    start += here;
  }
  for (int64_t i = 0; i < n; i++) to[count[from[i] >> shift & (uint64_t)(radix - 1)]++] = from[i];
}

void cloud_sort(int64_t n, double *x)
{
  const int bits = n < MANY ? FEW_BITS : MANY_BITS, radix = 1 << bits, passes = (64 + bits - 1) / bits;
  if (n <= INSERTION) {
    sort_few(n, x);
    return;
  }
  uint64_t *from = mem_calloc((size_t)n, sizeof *from), *to = mem_calloc((size_t)n, sizeof *to);
  int64_t  *count = mem_calloc((size_t)(passes * radix), sizeof *count);
  for (int64_t i = 0; i < n; i++) {
    from[i] = to_key(x[i]);
    for (int pass = 0; pass < passes; pass++) count[pass * radix + (int)(from[i] >> (pass * bits) & (uint64_t)(radix - 1))]++;
  }
  for (int pass = 0; pass < passes; pass++) {
    int64_t *const here = count + pass * radix;
    if (here[from[0] >> (pass * bits) & (uint64_t)(radix - 1)] == n) continue; /* one digit for all */
    scatter(n, from, to, pass * bits, radix, here);
    uint64_t *const swap = from;
    from                 = to;
    to                   = swap;
  }
  for (int64_t i = 0; i < n; i++) x[i] = from_key(from[i]);
  free(from);
  free(to);
  free(count);
}
