/* SPDX-License-Identifier: BSD-2-Clause
 * Sums of absolute differences of histograms in bytes, over all pairs of rows. All in integers: exact, and the same on every level. */
#include <stdlib.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "graph_histograms.h"
#include "kernel.h"

static inline int64_t difference(int bytes, const uint8_t *x, const uint8_t *y)
{
#if defined(__AVX512BW__)
  __m512i sum = _mm512_setzero_si512();
  for (int b = 0; b < bytes; b += HISTOGRAM_BLOCK)
    sum = _mm512_add_epi64(sum, _mm512_sad_epu8(_mm512_loadu_si512(x + b), _mm512_loadu_si512(y + b)));
  return _mm512_reduce_add_epi64(sum);
#elif defined(__AVX2__)
  __m256i sum = _mm256_setzero_si256();
  for (int b = 0; b < bytes; b += 32) {
    const __m256i a = _mm256_loadu_si256((const __m256i_u *)(x + b)), c = _mm256_loadu_si256((const __m256i_u *)(y + b));
    sum = _mm256_add_epi64(sum, _mm256_sad_epu8(a, c));
  }
  const __m128i half = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  return _mm_cvtsi128_si64(half) + _mm_cvtsi128_si64(_mm_unpackhi_epi64(half, half));
#elif defined(__SSE2__)
  __m128i sum = _mm_setzero_si128();
  for (int b = 0; b < bytes; b += 16)
    sum = _mm_add_epi64(sum, _mm_sad_epu8(_mm_loadu_si128((const __m128i_u *)(x + b)), _mm_loadu_si128((const __m128i_u *)(y + b))));
  return _mm_cvtsi128_si64(sum) + _mm_cvtsi128_si64(_mm_unpackhi_epi64(sum, sum));
#else
  int sum = 0;
  for (int b = 0; b < bytes; b++) sum += abs(x[b] - y[b]);
  return sum;
#endif
}

static inline void tally_rows(int bytes, int64_t n, const uint8_t *x, int64_t m, const uint8_t *y, int64_t *tally)
{
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < m; j++) tally[difference(bytes, x + i * bytes, y + j * bytes)]++;
}

/* Lengths that the compiler knows, so that its loops disappear. */
void KERNEL(histogram_tally)(int bytes, int64_t n, const uint8_t *x, int64_t m, const uint8_t *y, int64_t *tally)
{
  switch (bytes) {
  case 64: tally_rows(64, n, x, m, y, tally); break;
  case 128: tally_rows(128, n, x, m, y, tally); break;
  case 256: tally_rows(256, n, x, m, y, tally); break;
  default: tally_rows(bytes, n, x, m, y, tally); break;
  }
}

void KERNEL(histogram_scaled)(int bytes, const uint8_t *x, int times_x, int64_t m, const uint8_t *y, int times_y, int32_t *out)
{
  const int16_t a = (int16_t)times_x, c = (int16_t)times_y; /* products <= 4096 */
  for (int64_t j = 0; j < m; j++, y += bytes) {
    int32_t sum = 0;
    for (int b = 0; b < bytes; b += HISTOGRAM_BLOCK)
      for (int k = b; k < b + HISTOGRAM_BLOCK; k++) {
        const int16_t one = (int16_t)(x[k] * a - y[k] * c);
        sum += one < 0 ? -one : one;
      }
    out[j] = sum;
  }
}
