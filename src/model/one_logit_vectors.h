/* SPDX-License-Identifier: BSD-2-Clause
 * The vectors of one_logit_kernel.c at the width of the ISA level it is compiled for: GCC vector extensions, and an intrinsic where these
 * have no word for one instruction (32 x 32 -> 64 bit products, minimum, permutation). Every operation is exact or correctly rounded, so
 * its width cannot be seen in a result. */
#ifndef MYOPIA_ONE_LOGIT_VECTORS_H
#define MYOPIA_ONE_LOGIT_VECTORS_H

#include <stdint.h>

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#if defined(__SSE2__)
#include <immintrin.h>
#endif

typedef float    F32 __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t  I32 __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t U32 __attribute__((vector_size(VECTOR_BYTES)));
typedef uint64_t U64 __attribute__((vector_size(VECTOR_BYTES)));
enum { LANES = VECTOR_BYTES / 4 };

#define INLINE static inline __attribute__((always_inline))

/* Products of the low 32 bits of a with m; the high bits of a do not matter. */
INLINE U64 multiply_low(U64 a, uint32_t m)
{
#if VECTOR_BYTES == 64
  return (U64)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(m));
#elif VECTOR_BYTES == 32
  return (U64)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(m));
#elif defined(__SSE2__)
  return (U64)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(m));
#else
  return (a & 0xffffffffu) * (uint64_t)m;
#endif
}

/* The low halves of `even` and `odd` as neighbours. */
INLINE U32 merge(U64 even, U64 odd)
{
#if VECTOR_BYTES == 64
  return (U32)_mm512_mask_moveldup_ps((__m512)even, 0xaaaa, (__m512)odd);
#else
  return (U32)((even & 0xffffffffu) | odd << 32);
#endif
}

/* x limited to [-limit, limit]; NaN stays NaN. */
INLINE F32 clamp(F32 x, float limit)
{
#if VECTOR_BYTES == 64
  return (F32)_mm512_max_ps(_mm512_set1_ps(-limit), _mm512_min_ps(_mm512_set1_ps(limit), (__m512)x));
#elif VECTOR_BYTES == 32
  return (F32)_mm256_max_ps(_mm256_set1_ps(-limit), _mm256_min_ps(_mm256_set1_ps(limit), (__m256)x));
#elif defined(__SSE2__)
  return (F32)_mm_max_ps(_mm_set1_ps(-limit), _mm_min_ps(_mm_set1_ps(limit), (__m128)x));
#else
  const F32 high  = (F32){0} + limit;
  const I32 above = x > high, under = x < -high;
  return (F32)((above & (I32)high) | (under & (I32)-high) | (~above & ~under & (I32)x));
#endif
}

/* Lane by lane count + (word > bound). */
INLINE U32 count_above(U32 count, U32 word, uint32_t bound)
{
#if VECTOR_BYTES == 64
  const __mmask16 above = _mm512_cmpgt_epu32_mask((__m512i)word, _mm512_set1_epi32((int)bound));
  return (U32)_mm512_mask_add_epi32((__m512i)count, above, (__m512i)count, _mm512_set1_epi32(1));
#else
  return count - (U32)(word > (U32){0} + bound);
#endif
}

#endif
