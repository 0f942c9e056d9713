/* SPDX-License-Identifier: BSD-2-Clause
 * Float vectors of the native width for kernels that are compiled once per ISA level (kernel.h): 16 lanes on v4, 8 on v3, 4 on base. Every
 * level gives the same bits: multiply-adds are explicit (vf_fma rounds once on every level; base emulates it), nothing is contracted, and
 * sums over lanes are always over 16 virtual lanes in one order (vf_sum16). Include in kernel sources alone. */
#ifndef MYOPIA_VECTOR_H
#define MYOPIA_VECTOR_H

#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#if defined(__AVX512F__)
enum { VF_LANES = 16 };
#elif defined(__AVX2__)
enum { VF_LANES = 8 };
#else
enum { VF_LANES = 4 };
#endif
enum { VF_BYTES = 4 * VF_LANES, VF_PARTS = 16 / VF_LANES }; /* native vectors in 16 virtual lanes */

typedef float    Vf __attribute__((vector_size(VF_BYTES), may_alias));
typedef int32_t  Vi __attribute__((vector_size(VF_BYTES), may_alias));
typedef uint32_t Vu __attribute__((vector_size(VF_BYTES), may_alias));

#define VF_INLINE static inline __attribute__((always_inline, unused))

VF_INLINE Vf vf_splat(float x) { return x - (Vf){0}; }
VF_INLINE Vf vf_load(const float *p)
{
  Vf v;
  memcpy(&v, p, sizeof v);
  return v;
}
VF_INLINE void vf_store(float *p, Vf v) { memcpy(p, &v, sizeof v); }

#if !(defined(__AVX2__) && defined(__FMA__)) && !defined(__ARM_FEATURE_FMA)
typedef float VfFmaHalf __attribute__((vector_size(8)));

/* Two lanes. The product is exact in double; its sum with c is rounded to odd (Boldo and Melquiond, IEEE TC 57 (2008) 462), so that the
 * rounding to float is the only one. In operations that SSE2 has: no 64-bit comparison, no arithmetic 64-bit shift. */
VF_INLINE VfFmaHalf vf_fma_emulated(VfFmaHalf a, VfFmaHalf b, VfFmaHalf c)
{
  typedef double  Vd __attribute__((vector_size(16)));
  typedef int64_t Vl __attribute__((vector_size(16)));
  typedef int32_t V4 __attribute__((vector_size(16)));
  const Vd        p = __builtin_convertvector(a, Vd) * __builtin_convertvector(b, Vd), d = __builtin_convertvector(c, Vd);
  const Vd        s = p + d, t = s - p, error = (p - (s - t)) + (d - t);
  const Vl        bits    = (Vl)s;
  const V4        differ  = (V4)((Vl)error ^ bits) >> 31;
  const Vl        toward  = (Vl)__builtin_shufflevector(differ, differ, 1, 1, 3, 3) | 1; /* +1: error has the sign of s, -1: the other */
  const Vl        inexact = (error != 0) & ((bits & 1) - 1) & (s - s == 0);              /* and even, and finite */
  return __builtin_convertvector((Vd)(bits + (inexact & toward)), VfFmaHalf);
}
#endif

/* a b + c, rounded once. */
VF_INLINE Vf vf_fma(Vf a, Vf b, Vf c)
{
#if defined(__AVX512F__)
  return (Vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__) && defined(__FMA__)
  return (Vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_FEATURE_FMA)
  Vf out;
  for (int i = 0; i < VF_LANES; i++) out[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return out;
#else
  VfFmaHalf a2[VF_LANES / 2], b2[VF_LANES / 2], c2[VF_LANES / 2];
  memcpy(a2, &a, sizeof a);
  memcpy(b2, &b, sizeof b);
  memcpy(c2, &c, sizeof c);
  for (int i = 0; i < VF_LANES / 2; i++) a2[i] = vf_fma_emulated(a2[i], b2[i], c2[i]);
  memcpy(&a, a2, sizeof a);
  return a;
#endif
}

/* mask ? a : b, mask of comparison results (all ones or zero). */
VF_INLINE Vf vf_select(Vi mask, Vf a, Vf b)
{
#if defined(__AVX2__) && !defined(__AVX512F__)
  return (Vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)mask);
#else
  return (Vf)((mask & (Vi)a) | (~mask & (Vi)b));
#endif
}
/* a < b ? x : y, and bits < 0 ? x : y: what gcc makes of vf_select takes an instruction more on v4. */
VF_INLINE Vf vf_if_less(Vf a, Vf b, Vf x, Vf y)
{
#if defined(__AVX512F__)
  return (Vf)_mm512_mask_blend_ps(_mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ), (__m512)y, (__m512)x);
#else
  return vf_select(a < b, x, y);
#endif
}
VF_INLINE Vf vf_if_negative(Vi bits, Vf x, Vf y)
{
#if defined(__AVX512DQ__)
  return (Vf)_mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)bits), (__m512)y, (__m512)x);
#else
  return vf_select(bits >> 31, x, y);
#endif
}
/* a > b ? a : b and a < b ? a : b, so b where one is NaN or both are zeros. */
VF_INLINE Vf vf_max(Vf a, Vf b)
{
#if defined(__AVX512F__)
  return (Vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (Vf)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__)
  return (Vf)_mm_max_ps((__m128)a, (__m128)b);
#else
  return vf_select(a > b, a, b);
#endif
}
VF_INLINE Vf vf_min(Vf a, Vf b)
{
#if defined(__AVX512F__)
  return (Vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (Vf)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__)
  return (Vf)_mm_min_ps((__m128)a, (__m128)b);
#else
  return vf_select(a < b, a, b);
#endif
}
VF_INLINE Vf vf_abs(Vf a) { return (Vf)((Vi)a & 0x7fffffff); }
VF_INLINE Vf vf_sqrt(Vf a)
{
#if defined(__AVX512F__)
  return (Vf)_mm512_sqrt_ps((__m512)a);
#elif defined(__AVX2__)
  return (Vf)_mm256_sqrt_ps((__m256)a);
#else
  for (int i = 0; i < VF_LANES; i++) a[i] = __builtin_sqrtf(a[i]);
  return a;
#endif
}

/* Sum over 16 virtual lanes held in VF_PARTS native vectors, as a tree of halves: l[i] + l[i + 8], then these with their neighbours 4, 2
 * and 1 further; the same on every level. */
VF_INLINE float vf_sum16(const Vf part[VF_PARTS])
{
#if defined(__SSE2__)
#if defined(__AVX512F__)
  const __m256 eight = _mm512_castps512_ps256((__m512)part[0]) + _mm256_castpd_ps(_mm512_extractf64x4_pd((__m512d)part[0], 1));
#elif defined(__AVX2__)
  const __m256 eight = (__m256)part[0] + (__m256)part[1];
#endif
#if defined(__AVX2__)
  const __m128 four = _mm256_castps256_ps128(eight) + _mm256_extractf128_ps(eight, 1);
#else
  const __m128 four  = ((__m128)part[0] + (__m128)part[2]) + ((__m128)part[1] + (__m128)part[3]);
#endif
  const __m128 two = four + _mm_movehl_ps(four, four);
  return two[0] + two[1];
#else
  float x[16];
  memcpy(x, part, sizeof x);
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; i++) x[i] += x[i + half];
  return x[0];
#endif
}

#endif
