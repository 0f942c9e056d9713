/* SPDX-License-Identifier: BSD-2-Clause
 * Randomness on lanes: Philox4x32-10 (Salmon et al., SC11), one block a lane, the words of rng_block bit by bit, and standard normals of
 * pairs of words by Box and Muller. 64-bit products keep the state of even and odd lanes apart, so that high and low half come out of one
 * multiplication. Include in kernel sources alone; src/diffusion/noise.c has the same in plain C. */
#ifndef MYOPIA_VECTOR_RNG_H
#define MYOPIA_VECTOR_RNG_H

#include <Random123/philox.h>

#include "vector.h"
#include "vector_math.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

typedef uint64_t Vw __attribute__((vector_size(VF_BYTES), may_alias)); /* VF_LANES / 2 words of 64 bits */

enum { VR_ROUNDS = 10 };

/* Round keys, the same for all lanes, and a key for each lane: [0] of even, [1] of odd ones, high halves arbitrary. */
typedef struct VrKey {
  Vw low[VR_ROUNDS], high[VR_ROUNDS];
} VrKey;
typedef struct VrKeys {
  Vw low[VR_ROUNDS][2], high[VR_ROUNDS][2];
} VrKeys;

VF_INLINE Vw vr_load(const uint64_t *p)
{
  Vw v;
  memcpy(&v, p, sizeof v);
  return v;
}

VF_INLINE void vr_key(uint64_t key, VrKey *out)
{
  for (int r = 0; r < VR_ROUNDS; r++) {
    out->low[r]  = (Vw){0} + (uint32_t)((uint32_t)key + (uint32_t)r * PHILOX_W32_0);
    out->high[r] = (Vw){0} + (uint32_t)((uint32_t)(key >> 32) + (uint32_t)r * PHILOX_W32_1);
  }
}

VF_INLINE void vr_keys(const uint64_t key[VF_LANES], VrKeys *out)
{
  uint64_t low[VF_LANES], high[VF_LANES]; /* even lanes, then odd ones */
  for (int i = 0; i < VF_LANES; i++) {
    low[i]  = key[2 * i % VF_LANES + i / (VF_LANES / 2)];
    high[i] = low[i] >> 32;
  }
  for (int r = 0; r < VR_ROUNDS; r++)
    for (int odd = 0; odd < 2; odd++) {
      out->low[r][odd]  = vr_load(low + odd * VF_LANES / 2) + (uint64_t)r * PHILOX_W32_0;
      out->high[r][odd] = vr_load(high + odd * VF_LANES / 2) + (uint64_t)r * PHILOX_W32_1;
    }
}

/* Products of the low 32 bits of a with m; the high bits of a do not matter. */
VF_INLINE Vw vr_multiply(Vw a, uint32_t m)
{
#if defined(__AVX512F__)
  return (Vw)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(m));
#elif defined(__AVX2__)
  return (Vw)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(m));
#elif defined(__SSE2__)
  return (Vw)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(m));
#else
  return (a & 0xffffffffu) * (uint64_t)m;
#endif
}

/* The low halves of even and odd lanes as neighbours. */
VF_INLINE Vu vr_merge(Vw even, Vw odd)
{
#if defined(__AVX512F__)
  return (Vu)_mm512_mask_moveldup_ps((__m512)even, 0xaaaa, (__m512)odd);
#else
  return (Vu)((even & 0xffffffffu) | odd << 32);
#endif
}

/* floor(a n / 2^32) */
VF_INLINE Vu vr_below(Vu a, uint32_t n)
{
  const Vw even = vr_multiply((Vw)a, n), odd = vr_multiply((Vw)a >> 32, n);
  return vr_merge(even >> 32, odd >> 32);
}

/* 2 n states, even and odd lanes in turn, through all rounds. apart: 1, one key for all, or 2. */
VF_INLINE void vr_rounds(const Vw *low, const Vw *high, int apart, int n, Vw *a, Vw *b, Vw *c, Vw *d)
{
#pragma GCC unroll 10
  for (int r = 0; r < VR_ROUNDS; r++)
#pragma GCC unroll 8
    for (int h = 0; h < 2 * n; h++) {
      const Vw p0 = vr_multiply(a[h], PHILOX_M4x32_0), p1 = vr_multiply(c[h], PHILOX_M4x32_1);
      a[h] = (p1 >> 32) ^ b[h] ^ low[apart * r + h % apart];
      c[h] = (p0 >> 32) ^ d[h] ^ high[apart * r + h % apart];
      b[h] = p1;
      d[h] = p0;
    }
}

/* Words of a block with a key for each lane, its index the same for all. */
VF_INLINE void vr_keyed_block(const VrKeys *key, uint64_t index, uint32_t draw, uint32_t purpose, Vu word[4])
{
  const Vw low = (Vw){0} + index, high = low >> 32, third = (Vw){0} + (uint64_t)draw, fourth = (Vw){0} + (uint64_t)purpose;
  Vw       a[2] = {low, low}, b[2] = {high, high}, c[2] = {third, third}, d[2] = {fourth, fourth};
  vr_rounds(key->low[0], key->high[0], 2, 1, a, b, c, d);
  word[0] = vr_merge(a[0], a[1]);
  word[1] = vr_merge(b[0], b[1]);
  word[2] = vr_merge(c[0], c[1]);
  word[3] = vr_merge(d[0], d[1]);
}

/* Where number i (a word or a normal) of a stream lies: numbers come in groups of 64 = 16 blocks, block index 16 (i / 64) + i % 16, word
 * (i / 16) % 4. No transposition, and the same for every width of vectors. */
enum { VR_GROUP = 64, VR_CHAINS = 4 };

typedef struct VrGroup {
  uint64_t number; /* of the group in its stream */
  uint32_t draw, purpose;
} VrGroup;

/* The words of n <= VR_CHAINS groups, n a constant: they go side by side, since one chain of multiplications alone waits for itself. */
VF_INLINE void vr_words(const VrKey *key, int n, const VrGroup *group, uint32_t (*out)[VR_GROUP])
{
  static const uint64_t lane[2][8] = {{0, 2, 4, 6, 8, 10, 12, 14}, {1, 3, 5, 7, 9, 11, 13, 15}};
  for (int part = 0; part < VF_PARTS; part++) {
    Vw a[2 * VR_CHAINS], b[2 * VR_CHAINS], c[2 * VR_CHAINS], d[2 * VR_CHAINS];
#pragma GCC unroll 8
    for (int h = 0; h < 2 * n; h++) {
      a[h] = vr_load(lane[h % 2]) + (16 * group[h / 2].number + (uint64_t)(part * VF_LANES));
      b[h] = a[h] >> 32;
      c[h] = (Vw){0} + (uint64_t)group[h / 2].draw;
      d[h] = (Vw){0} + (uint64_t)group[h / 2].purpose;
    }
    vr_rounds(key->low, key->high, 1, n, a, b, c, d);
#pragma GCC unroll 4
    for (int g = 0; g < n; g++) {
      const Vu word[4] = {vr_merge(a[2 * g], a[2 * g + 1]), vr_merge(b[2 * g], b[2 * g + 1]), vr_merge(c[2 * g], c[2 * g + 1]),
                          vr_merge(d[2 * g], d[2 * g + 1])};
      for (int w = 0; w < 4; w++) memcpy(out[g] + 16 * w + part * VF_LANES, &word[w], sizeof word[w]);
    }
  }
}

/* Two standard normals of two words (Box and Muller 1958). Radius: u = (w + 1/2) / 2^32, so at most 6.77, from y = u below 1/2 and u - 1
 * above, which keeps log u accurate at both ends. Angle: an octant's offset, never 0, from the low 30 bits; two bits turn and reflect
 * it. */
VF_INLINE void vr_pairs(int n, const Vu *radius, const Vu *angle, Vf *z0, Vf *z1)
{
  Vf y[VR_CHAINS], k[VR_CHAINS], f[VR_CHAINS], r[VR_CHAINS], s[VR_CHAINS], c[VR_CHAINS];
#pragma GCC unroll 4
  for (int i = 0; i < n; i++) {
    const Vf u       = vf_fma(__builtin_convertvector((Vi)radius[i], Vf), vf_splat(0x1p-32f), vf_splat(0x1p-33f));
    const Vf reduced = vf_log_reduce(vf_if_negative((Vi)u, u + vf_splat(1.0f), u), &k[i]); /* k <= 0 */
    f[i]             = vf_if_less(k[i], vf_splat(-0.5f), reduced, u);
  }
  vf_log_sum(n, k, f, r);
#pragma GCC unroll 4
  for (int i = 0; i < n; i++) {
    r[i] = vf_sqrt(r[i] * vf_splat(-2.0f));
    y[i] = __builtin_convertvector((Vi)(angle[i] << 2 | 2), Vf) * vf_splat(0x1p-31f);
  }
  vf_sincos_octant(n, y, s, c);
#pragma GCC unroll 4
  for (int i = 0; i < n; i++) {
    c[i]  = (Vf)((Vu)c[i] ^ (angle[i] << 1 & 0x80000000u));
    z0[i] = r[i] * vf_if_negative((Vi)angle[i], s[i], c[i]);
    z1[i] = r[i] * vf_if_negative((Vi)angle[i], c[i], s[i]);
  }
}

/* Normals of the words of n <= VR_CHAINS / 2 groups, n a constant: numbers 0 .. 15 and 16 .. 31 are pairs, as are 32 .. 47 and 48 .. 63. */
VF_INLINE void vr_normals(int n, const uint32_t (*word)[VR_GROUP], float (*out)[VR_GROUP])
{
  for (int part = 0; part < 16; part += VF_LANES) {
    Vu radius[VR_CHAINS], angle[VR_CHAINS];
    Vf z0[VR_CHAINS], z1[VR_CHAINS];
#pragma GCC unroll 4
    for (int i = 0; i < 2 * n; i++) {
      memcpy(&radius[i], word[i / 2] + i % 2 * 32 + part, sizeof radius[i]);
      memcpy(&angle[i], word[i / 2] + i % 2 * 32 + 16 + part, sizeof angle[i]);
    }
    vr_pairs(2 * n, radius, angle, z0, z1);
#pragma GCC unroll 4
    for (int i = 0; i < 2 * n; i++) {
      vf_store(out[i / 2] + i % 2 * 32 + part, z0[i]);
      vf_store(out[i / 2] + i % 2 * 32 + 16 + part, z1[i]);
    }
  }
}

/* Any number of groups, as functions of their own: inlined together, gcc keeps too many constants in registers. First all words, then all
 * normals, since a change between the two waits for what is under way. */
static __attribute__((noinline, unused)) void vr_many_words(const VrKey *key, int n, const VrGroup *group, uint32_t (*out)[VR_GROUP])
{
  int g = 0;
  for (; g + VR_CHAINS <= n; g += VR_CHAINS) vr_words(key, VR_CHAINS, group + g, out + g);
  switch (n - g) {
  case 3: vr_words(key, 3, group + g, out + g); break;
  case 2: vr_words(key, 2, group + g, out + g); break;
  case 1: vr_words(key, 1, group + g, out + g); break;
  default: break;
  }
}

static __attribute__((noinline, unused)) void vr_many_normals(int n, const uint32_t (*word)[VR_GROUP], float (*out)[VR_GROUP])
{
  int g = 0;
  for (; g + 1 < n; g += 2) vr_normals(2, word + g, out + g);
  if (g < n) vr_normals(1, word + g, out + g);
}

#endif
