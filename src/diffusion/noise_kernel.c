/* SPDX-License-Identifier: BSD-2-Clause
 * Normals of a stream, and the table of deterministic noise, on lanes.
 *
 * The table: lane = coordinate, 16 at once. A window of 16 digits is kept as two integers of 8 digits, which slide by one digit a place;
 * u - 1/2 and the tail min(u, 1 - u) are exact sums of their two parts before they are rounded to float. Quantile: q P((u - 1/2)^2) where
 * the tail is at least 0.1, else r Q(1 / r), r = sqrt(-2 log tail), minimax polynomials (relative errors 5e-8 and 2e-7). */
#include <string.h>

#include "kernel.h"
#include "noise.h"
#include "noise_kernel.h"
#include "rng.h"
#include "vector_rng.h"

enum { CHUNK = 2 * VR_CHAINS };

/* n <= CHUNK whole groups. */
static void groups_of_normals(const VrKey *key, int n, uint64_t first, uint32_t draw, uint32_t purpose, float (*out)[VR_GROUP])
{
  VrGroup               group[CHUNK];
  _Alignas(64) uint32_t word[CHUNK][VR_GROUP];
  for (int i = 0; i < n; i++) group[i] = (VrGroup){first + (uint64_t)i, draw, purpose};
  vr_many_words(key, n, group, word);
  vr_many_normals(n, word, out);
}

void KERNEL(noise_normals)(uint64_t key, uint64_t first, uint32_t draw, uint32_t purpose, int64_t n, float *out)
{
  VrKey keys;
  vr_key(key, &keys);
  while (n > 0) {
    const int64_t skip = (int64_t)(first % VR_GROUP), most = VR_GROUP - skip, whole = skip ? 0 : n / VR_GROUP;
    int64_t       count = n < most ? n : most;
    if (whole > 0) {
      const int groups = whole < CHUNK ? (int)whole : CHUNK;
      groups_of_normals(&keys, groups, first / VR_GROUP, draw, purpose, (float(*)[VR_GROUP])out);
      count = groups * VR_GROUP;
    } else {
      _Alignas(64) float group[1][VR_GROUP];
      groups_of_normals(&keys, 1, first / VR_GROUP, draw, purpose, group);
      memcpy(out, group[0] + skip, (size_t)count * sizeof *out);
    }
    first += (uint64_t)count;
    out += count;
    n -= count;
  }
}

VF_INLINE Vf quantile_centre(Vf q)
{
  const Vf v = vf_fma(q, q, vf_splat(-0.09f));
  Vf       p = vf_splat(0x1.16b8acp+20f);
  p          = vf_fma(p, v, vf_splat(0x1.29f948p+18f));
  p          = vf_fma(p, v, vf_splat(0x1.41fd18p+15f));
  p          = vf_fma(p, v, vf_splat(0x1.9b0f1p+12f));
  p          = vf_fma(p, v, vf_splat(0x1.5186eap+10f));
  p          = vf_fma(p, v, vf_splat(0x1.15aa3p+8f));
  p          = vf_fma(p, v, vf_splat(0x1.dc1f3ap+5f));
  p          = vf_fma(p, v, vf_splat(0x1.c734c2p+3f));
  p          = vf_fma(p, v, vf_splat(0x1.10894p+2f));
  p          = vf_fma(p, v, vf_splat(0x1.67177cp+1f));
  return p * q;
}

/* Upper quantile of a tail in (0, 0.1]. */
VF_INLINE Vf quantile_tail(Vf tail)
{
  Vf       k, log;
  const Vf f = vf_log_reduce(tail, &k);
  vf_log_sum(1, &k, &f, &log);
  const Vf r = vf_sqrt(log * vf_splat(-2.0f)), v = vf_splat(1.0f) / r - vf_splat(0.25f);
  Vf       p = vf_splat(0x1.b25ac4p+2f);
  p          = vf_fma(p, v, vf_splat(-0x1.42448cp+2f));
  p          = vf_fma(p, v, vf_splat(0x1.20971p+1f));
  p          = vf_fma(p, v, vf_splat(-0x1.3fb1b4p+0f));
  p          = vf_fma(p, v, vf_splat(0x1.f12250p-1f));
  p          = vf_fma(p, v, vf_splat(-0x1.170112p+0f));
  p          = vf_fma(p, v, vf_splat(-0x1.f1dca2p-1f));
  p          = vf_fma(p, v, vf_splat(0x1.b35a48p-1f));
  return p * r;
}

/* Phi^-1 of 0.(high)(low) + 0.5e-16, eight digits each. */
VF_INLINE Vf quantile_of_window(Vi high, Vi low)
{
  const Vi upper = high >= 50000000, last = (Vi){0} + 99999999; /* digits of 1 - u are the complements to 9 */
  const Vi h = (upper & (last - high)) | (~upper & high), l = (upper & (last - low)) | (~upper & low);
  const Vf part = vf_fma(__builtin_convertvector(l, Vf), vf_splat(1e-16f), vf_splat(0.5e-16f));
  const Vf tail = vf_fma(__builtin_convertvector(h, Vf), vf_splat(1e-8f), part);
  const Vf rest = vf_fma(__builtin_convertvector(last - l, Vf), vf_splat(1e-16f), vf_splat(0.5e-16f));
  const Vf q    = vf_fma(__builtin_convertvector(49999999 - h, Vf), vf_splat(1e-8f), rest); /* 1/2 - tail, a sum like the tail itself */
  const Vf z    = vf_if_less(tail, vf_splat(0.1f), quantile_tail(tail), quantile_centre(q));
  return (Vf)((Vi)z ^ (~upper & (int32_t)0x80000000));
}

/* Rows NOISE_EXACT_PLACES and beyond of digit (places, 16): hashed ones of 16 coordinates; whole blocks of 16 places. */
static void hashed_digits(const double coordinate[16], int places, int32_t *digit)
{
  for (int part = 0; part < VF_PARTS; part++) {
    uint64_t key[VF_LANES];
    VrKeys   keys;
    memcpy(key, coordinate + part * VF_LANES, sizeof key);
    vr_keys(key, &keys);
    for (int k = NOISE_EXACT_PLACES; k < places; k += 16) {
      Vu word[4];
      vr_keyed_block(&keys, (uint64_t)(k - NOISE_EXACT_PLACES) / 16, 0, RNG_DIGITS, word);
      for (int i = 0; i < 16; i++) {
        const Vu d = vr_below(word[i / 4], 10);
        memcpy(digit + 16 * (k + i) + part * VF_LANES, &d, sizeof d);
        word[i / 4] *= 10;
      }
    }
  }
}

/* z of 16 coordinates at places 0 .. T, count of them stored. */
static void table_of_lanes(const int32_t *digit, int T, int64_t n, int count, float *out)
{
  for (int part = 0; part < VF_PARTS; part++) {
    const int32_t *lane = digit + part * VF_LANES;
    const int      kept = count - part * VF_LANES < VF_LANES ? count - part * VF_LANES : VF_LANES;
    Vi             high = {0}, low = {0}, d[3];
    for (int k = 0; k < 8; k++) {
      memcpy(&d[0], lane + 16 * k, sizeof d[0]);
      memcpy(&d[1], lane + 16 * (k + 8), sizeof d[1]);
      high = high * 10 + d[0];
      low  = low * 10 + d[1];
    }
    for (int t = 0; kept > 0; t++) {
      const Vf z = quantile_of_window(high, low);
      memcpy(out + t * n + part * VF_LANES, &z, (size_t)kept * sizeof(float));
      if (t == T) break;
      for (int i = 0; i < 3; i++) memcpy(&d[i], lane + 16 * (t + 8 * i), sizeof d[i]);
      high = (high - d[0] * 10000000) * 10 + d[1];
      low  = (low - d[1] * 10000000) * 10 + d[2];
    }
  }
}

void KERNEL(noise_digits_table)(int64_t n, const double *coordinate, int T, int32_t *digit, float *out)
{
  const int places = T + NOISE_DIGITS;
  for (int64_t i = 0; i < n; i += 16) {
    const int count    = n - i < 16 ? (int)(n - i) : 16;
    double    lane[16] = {0};
    memcpy(lane, coordinate + i, (size_t)count * sizeof *lane);
    for (int l = 0; l < 16; l++) noise_exact_digits(lane[l], 16, digit + l);
    hashed_digits(lane, places, digit);
    table_of_lanes(digit, T, n, count, out + i);
  }
}
