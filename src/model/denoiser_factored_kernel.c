/* SPDX-License-Identifier: BSD-2-Clause
 * Tables of logits on vectors, lane = place: softmaxes of a row, weighted counts of clean classes, a row's gradient and loss from them.
 * Sums over classes run in their order; counts and losses in double, losses in 16 virtual lanes. It does not own memory. */
#include "denoiser_factored_kernel.h"

#include "denoiser.h"
#include "kernel.h"
#include "vector_math.h"

enum { PLANES_MAX = 9 }; /* more are counted one by one */

/* Logits of noisy class v at the places first .. first + 15, zeros beyond the table. */
static void load_logits(const FactoredShape *s, int places, const float *logits, int v, int first, float z[DENOISER_CLASSES_MAX][16])
{
  const int n = places - first < 16 ? places - first : 16;
  if (n < 16) memset(z, 0, (size_t)s->classes * 16 * sizeof(float));
  for (int c = 0; c < s->classes; c++)
    for (int i = 0; i < n; i++) z[c][i] = logits[((first + i) * s->seen + v) * s->classes + c];
}

/* p, log_p: of class 0; planes `plane` apart. */
VF_INLINE void softmax(int classes, float z[DENOISER_CLASSES_MAX][16], int at, int plane, float *p, float *log_p)
{
  Vf most = vf_load(&z[0][at]), sum = (Vf){0};
  for (int c = 1; c < classes; c++) most = vf_max(vf_load(&z[c][at]), most);
  for (int c = 0; c < classes; c++) {
    const Vf e = vf_exp(vf_load(&z[c][at]) - most);
    sum += e;
    vf_store(p + c * plane, e);
  }
  const Vf shift = most + vf_log(sum);
  for (int c = 0; c < classes; c++) {
    vf_store(p + c * plane, vf_load(p + c * plane) / sum);
    vf_store(log_p + c * plane, vf_load(&z[c][at]) - shift);
  }
}

static void tabulate(const FactoredShape *s, int places, const float *logits, float *p, float *log_p)
{
  for (int v = 0; v < s->seen; v++)
    for (int first = 0; first < places; first += 16) {
      float z[DENOISER_CLASSES_MAX][16];
      load_logits(s, places, logits, v, first, z);
      for (int at = 0; at < 16; at += VF_LANES)
        softmax(s->classes, z, at, s->seen * s->stride, p + v * s->stride + first + at, log_p + v * s->stride + first + at);
    }
}

static void count_one_by_one(const FactoredShape *s, int first, int n, const uint8_t *noisy, const uint8_t *clean, const float *weight,
                             double *count)
{
  const int seen = s->seen, stride = s->stride;
  if (seen == 1)
    for (int i = first; i < n; i++) count[clean[i] * stride + i] += (double)weight[i];
  else
    for (int i = first; i < n; i++) count[(clean[i] * seen + noisy[i]) * stride + i] += (double)weight[i];
}

#if defined(__AVX512BW__) && defined(__AVX512VL__)
/* 16 places: a masked sum for every plane, which adds the same numbers as one by one. */
VF_INLINE void count_block(const int seen, const int classes, int stride, const uint8_t *noisy, const uint8_t *clean, const float *weight,
                           double *count)
{
  const __m128i own = seen > 1 ? _mm_loadu_si128((const __m128i_u *)noisy) : _mm_setzero_si128();
  const __m128i to  = _mm_loadu_si128((const __m128i_u *)clean);
  const __m512d low = _mm512_cvtps_pd(_mm256_loadu_ps(weight)), high = _mm512_cvtps_pd(_mm256_loadu_ps(weight + 8));
  for (int c = 0; c < classes; c++) {
    const __mmask16 hit = _mm_cmpeq_epi8_mask(to, _mm_set1_epi8((char)c));
    for (int v = 0; v < seen; v++) {
      const unsigned mask = seen > 1 ? _mm_mask_cmpeq_epi8_mask(hit, own, _mm_set1_epi8((char)v)) : hit;
      double        *at   = count + (c * seen + v) * stride;
      const __m512d  x = _mm512_loadu_pd(at), y = _mm512_loadu_pd(at + 8);
      _mm512_storeu_pd(at, _mm512_mask_add_pd(x, (__mmask8)mask, x, low));
      _mm512_storeu_pd(at + 8, _mm512_mask_add_pd(y, (__mmask8)(mask >> 8), y, high));
    }
  }
}

static void count_places(const FactoredShape *s, int n, const uint8_t *noisy, const uint8_t *clean, const float *weight, double *count)
{
  int i = 0;
  for (; s->seen * s->classes <= PLANES_MAX && i + 16 <= n; i += 16) {
    const uint8_t *own = s->seen > 1 ? noisy + i : NULL;
    if (s->seen == 2 && s->classes == 2)
      count_block(2, 2, s->stride, own, clean + i, weight + i, count + i);
    else
      count_block(s->seen, s->classes, s->stride, own, clean + i, weight + i, count + i);
  }
  count_one_by_one(s, i, n, noisy, clean, weight, count);
}
#else
static void count_places(const FactoredShape *s, int n, const uint8_t *noisy, const uint8_t *clean, const float *weight, double *count)
{
  count_one_by_one(s, 0, n, noisy, clean, weight, count);
}
#endif

/* Doubles of half a vector's lanes. */
enum { HALF = VF_LANES / 2, HALVES = 16 / HALF };
typedef float  Vh __attribute__((vector_size(VF_BYTES / 2), may_alias));
typedef double Vd __attribute__((vector_size(VF_BYTES), may_alias));

VF_INLINE Vd load_double(const double *p)
{
  Vd v;
  memcpy(&v, p, sizeof v);
  return v;
}

VF_INLINE Vd load_widened(const float *p)
{
  Vh v;
  memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, Vd);
}

#if defined(__AVX512F__)
#define INTERLEAVED(x, y) __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15)
#define LOW_PAIRS(x, y) __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH_PAIRS(x, y) __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15)
#elif defined(__AVX2__)
#define INTERLEAVED(x, y) __builtin_shufflevector(x, y, 0, 4, 1, 5, 2, 6, 3, 7)
#define LOW_PAIRS(x, y) __builtin_shufflevector(x, y, 0, 4, 1, 5)
#define HIGH_PAIRS(x, y) __builtin_shufflevector(x, y, 2, 6, 3, 7)
#else
#define INTERLEAVED(x, y) __builtin_shufflevector(x, y, 0, 2, 1, 3)
#define LOW_PAIRS(x, y) __builtin_shufflevector(x, y, 0, 2)
#define HIGH_PAIRS(x, y) __builtin_shufflevector(x, y, 1, 3)
#endif

/* HALF places, from slope[v * classes + c] to (places, seen, classes). */
VF_INLINE void store_slopes(const int seen, const int classes, const Vh *slope, float *out)
{
  if (classes == 2 && seen == 1)
    vf_store(out, INTERLEAVED(slope[0], slope[1]));
  else if (classes == 2 && seen == 2) {
    const Vd x = (Vd)INTERLEAVED(slope[0], slope[1]), y = (Vd)INTERLEAVED(slope[2], slope[3]);
    vf_store(out, (Vf)LOW_PAIRS(x, y));
    vf_store(out + VF_LANES, (Vf)HIGH_PAIRS(x, y));
  } else {
    const int    planes = seen * classes;
    const float *from   = (const float *)slope;
    for (int i = 0; i < HALF; i++)
      for (int k = 0; k < planes; k++) out[i * planes + k] = from[k * HALF + i];
  }
}
#undef INTERLEAVED
#undef LOW_PAIRS
#undef HIGH_PAIRS

/* HALF places; seen and classes are constants where it pays. */
VF_INLINE void settle_places(const int seen, const int classes, int stride, const double *count, const float *p, const float *log_p,
                             double scale, float *out, Vd *loss)
{
  Vh slope[DENOISER_CLASSES_MAX * DENOISER_CLASSES_MAX];
  for (int v = 0; v < seen; v++) {
    Vd total = load_double(count + v * stride);
    for (int c = 1; c < classes; c++) total += load_double(count + (c * seen + v) * stride);
    for (int c = 0; c < classes; c++) {
      const int at = (c * seen + v) * stride;
      const Vd  n  = load_double(count + at);
      *loss -= n * load_widened(log_p + at);
      slope[v * classes + c] = __builtin_convertvector((load_widened(p + at) * total - n) * scale, Vh);
    }
  }
  store_slopes(seen, classes, slope, out);
}

VF_INLINE void settle_row(const int seen, const int classes, const FactoredShape *s, int places, const double *count, const float *p,
                          const float *log_p, double scale, float *gradient, double loss[16])
{
  const int planes = seen * classes;
  float     some[HALF * DENOISER_CLASSES_MAX * DENOISER_CLASSES_MAX];
  Vd        lanes[HALVES];
  memcpy(lanes, loss, sizeof lanes);
  for (int first = 0; first < places; first += 16)
#pragma GCC unroll 8
    for (int h = 0; h < HALVES; h++) {
      const int at = first + h * HALF, n = places - at < HALF ? places - at : HALF;
      float    *out = n == HALF ? gradient + (int64_t)at * planes : some;
      settle_places(seen, classes, s->stride, count + at, p + at, log_p + at, scale, out, &lanes[h]);
      if (n < HALF && n > 0) memcpy(gradient + (int64_t)at * planes, some, (size_t)(n * planes) * sizeof *some);
    }
  memcpy(loss, lanes, sizeof lanes);
}

static void settle(const FactoredShape *s, int places, const double *count, const float *p, const float *log_p, double scale,
                   float *gradient, double loss[16])
{
  if (s->classes == 2 && s->seen == 1)
    settle_row(1, 2, s, places, count, p, log_p, scale, gradient, loss);
  else if (s->classes == 2 && s->seen == 2)
    settle_row(2, 2, s, places, count, p, log_p, scale, gradient, loss);
  else if (s->classes == 3 && s->seen == 3)
    settle_row(3, 3, s, places, count, p, log_p, scale, gradient, loss);
  else
    settle_row(s->seen, s->classes, s, places, count, p, log_p, scale, gradient, loss);
}

static void squares(const FactoredShape *s, int places, const double *count, const float *p, double sum[16])
{
  const int plane = s->seen * s->stride;
  for (int v = 0; v < s->seen; v++)
    for (int first = v * s->stride; first < v * s->stride + places; first += 16)
      for (int own = 0; own < s->classes; own++) {
        double square[16] = {0};
        for (int c = 0; c < s->classes; c++)
          for (int i = 0; i < 16; i++) {
            const double d = (double)p[c * plane + first + i] - (c == own);
            square[i] += d * d;
          }
        for (int i = 0; i < 16; i++) sum[i] += count[own * plane + first + i] * square[i];
      }
}

const FactoredKernels KERNEL(factored_kernels) = {tabulate, count_places, settle, squares};
