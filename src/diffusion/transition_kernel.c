/* SPDX-License-Identifier: BSD-2-Clause
 * Noise and reverse steps of discrete diffusion on lanes (lane = entry of a graph, 16 at once); formulas in transition_kernel.h. Two
 * classes have their own short path. Words of up to four groups of 64 entries are drawn together, then used. */
#include <stdbool.h>
#include <string.h>

#include "kernel.h"
#include "transition_kernel.h"
#include "vector_rng.h"

enum { SIDE_BY_SIDE = 4 };
enum { PASS = 4 * VR_GROUP }; /* entries whose words are drawn together */

/* vr_words, but with the entry's block in the draw and the index the same for all lanes. */
VF_INLINE void words_of(const VrKey *key, const EntryStream *s, uint32_t draw, int n, uint32_t *out)
{
  static const uint64_t lane[2][8] = {{0, 2, 4, 6, 8, 10, 12, 14}, {1, 3, 5, 7, 9, 11, 13, 15}};
  for (int part = 0; part < VF_PARTS; part++) {
    Vw a[2 * VR_CHAINS], b[2 * VR_CHAINS], c[2 * VR_CHAINS], d[2 * VR_CHAINS];
#pragma GCC unroll 8
    for (int h = 0; h < 2 * n; h++) {
      a[h] = (Vw){0} + s->index;
      b[h] = (Vw){0} + (s->index >> 32);
      c[h] = vr_load(lane[h % 2]) + (uint64_t)(draw + 16 * (uint32_t)(h / 2) + (uint32_t)(part * VF_LANES));
      d[h] = (Vw){0} + (uint64_t)s->purpose;
    }
    vr_rounds(key->low, key->high, 1, n, a, b, c, d);
#pragma GCC unroll 4
    for (int g = 0; g < n; g++) {
      const Vu word[4] = {vr_merge(a[2 * g], a[2 * g + 1]), vr_merge(b[2 * g], b[2 * g + 1]), vr_merge(c[2 * g], c[2 * g + 1]),
                          vr_merge(d[2 * g], d[2 * g + 1])};
      for (int w = 0; w < 4; w++) memcpy(out + VR_GROUP * g + 16 * w + part * VF_LANES, &word[w], sizeof word[w]);
    }
  }
}

/* Words of entries place .. place + n - 1, place a multiple of 64, n <= PASS; whole groups are written. */
static __attribute__((noinline)) void entry_words(const VrKey *key, const EntryStream *s, int place, int n, uint32_t out[PASS])
{
  const uint32_t draw = ENTRY_DRAWS * s->t + (uint32_t)(s->first + place) / 4;
  switch ((n + VR_GROUP - 1) / VR_GROUP) {
  case 1: words_of(key, s, draw, 1, out); break;
  case 2: words_of(key, s, draw, 2, out); break;
  case 3: words_of(key, s, draw, 3, out); break;
  default: words_of(key, s, draw, 4, out); break;
  }
}

/* Entries of the next pass of `left`: five groups are three and two, since one alone waits for its own multiplications. */
VF_INLINE int pass_length(int left)
{
  if (left <= PASS) return left;
  return left <= PASS + VR_GROUP ? PASS - VR_GROUP : PASS;
}

/* VF_LANES classes as integers, and back; what gcc makes of a conversion goes byte by byte. */
VF_INLINE Vi load_classes(const uint8_t *x)
{
#if defined(__AVX512F__)
  return (Vi)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)x));
#elif defined(__AVX2__)
  return (Vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)x));
#elif defined(__SSE2__)
  int32_t four;
  memcpy(&four, x, sizeof four);
  const __m128i zero = _mm_setzero_si128();
  return (Vi)_mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero), zero);
#else
  Vi v;
  for (int i = 0; i < VF_LANES; i++) v[i] = x[i];
  return v;
#endif
}

VF_INLINE void store_classes(uint8_t *x, Vi v)
{
#if defined(__AVX512F__)
  _mm_storeu_si128((__m128i *)x, _mm512_cvtepi32_epi8((__m512i)v));
#elif defined(__SSE2__)
#if defined(__AVX2__)
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128((__m256i)v), _mm256_extracti128_si256((__m256i)v, 1));
#else
  const __m128i words = _mm_packs_epi32((__m128i)v, (__m128i)v);
#endif
  const __m128i bytes = _mm_packus_epi16(words, words);
  memcpy(x, &bytes, VF_LANES);
#else
  for (int i = 0; i < VF_LANES; i++) x[i] = (uint8_t)v[i];
#endif
}

VF_INLINE Vi choose(Vi mask, Vi a, Vi b) { return (Vi)vf_select(mask, (Vf)a, (Vf)b); }
VF_INLINE Vi words_at(const uint32_t *word)
{
  Vu v;
  memcpy(&v, word, sizeof v);
  return (Vi)(v >> 1);
}

/* Two classes: x flips where word >> 1 <= limit[x]. */
VF_INLINE Vi noise_two(const Vi limit[2], Vi word, Vi x)
{
  const Vi stays = word > choose(x != 0, limit[1], limit[0]);
  return x ^ ((stays + 1) & 1);
}

/* The first class whose limit is above the word, x_0 when there is none. The limit of x_0 itself is that of the class before it. */
VF_INLINE Vi noise_any(const NoiseLimits *l, Vi word, Vi x)
{
  Vi own = {0}, passed = {0};
  for (int c = 0; c < l->k; c++) own = choose(x == c, (Vi){0} + (int32_t)(uint32_t)(l->up[c] - (c ? l->up[c - 1] : 0)), own);
  for (int c = 0; c < l->k; c++) {
    const Vi top = (Vi)((Vu){0} + (uint32_t)(l->up[c] - 1) - (Vu)((x <= c) & own));
    passed -= word > top;
  }
  return choose(passed == l->k, x, passed);
}

VF_INLINE Vi noise_lanes(bool two, const NoiseLimits *l, const Vi limit[2], Vi word, Vi x)
{
  return two ? noise_two(limit, word, x) : noise_any(l, word, x);
}

/* The last lanes overlap those before; their input is read first, since out may be x. */
VF_INLINE void noise_pass(bool two, const NoiseLimits *l, int n, const uint32_t *word, const uint8_t *x, uint8_t *out)
{
  const Vi  limit[2] = {(Vi){0} + (int32_t)(l->up[1] - l->up[0] - 1), (Vi){0} + (int32_t)(l->up[0] - 1)};
  const int last     = n - VF_LANES;
  if (last < 0) {
    uint8_t part[VF_LANES] = {0};
    memcpy(part, x, (size_t)n);
    store_classes(part, noise_lanes(two, l, limit, words_at(word), load_classes(part)));
    memcpy(out, part, (size_t)n);
    return;
  }
  const Vi end = noise_lanes(two, l, limit, words_at(word + last), load_classes(x + last));
  for (int i = 0; i < last; i += VF_LANES) store_classes(out + i, noise_lanes(two, l, limit, words_at(word + i), load_classes(x + i)));
  store_classes(out + last, end);
}

void KERNEL(transition_noise)(const EntryStream *s, const NoiseLimits *l, int n, const uint8_t *x, uint8_t *out)
{
  _Alignas(64) uint32_t word[PASS];
  VrKey                 key;
  vr_key(s->key, &key);
  for (int place = 0, count; place < n; place += count) {
    count = pass_length(n - place);
    entry_words(&key, s, place, count, word);
    if (l->k == 2)
      noise_pass(true, l, count, word, x + place, out + place);
    else
      noise_pass(false, l, count, word, x + place, out + place);
  }
}

/* 2^31 p as a limit; the largest float below 2^31 at 1, where `sure` says so. */
VF_INLINE Vi limit_of(Vf p)
{
  return __builtin_convertvector(vf_min(vf_max(p * vf_splat(0x1p31f), (Vf){0}), vf_splat(0x1.fffffep30f)), Vi);
}
VF_INLINE Vi reached(Vi word, Vf p) { return (word < limit_of(p)) | (p >= vf_splat(1.0f)); }

/* Even and odd elements of 2 VF_LANES floats. */
VF_INLINE void apart(const float *p, Vf *even, Vf *odd)
{
  const Vf a = vf_load(p), b = vf_load(p + VF_LANES);
#if defined(__AVX512F__)
  *even = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  *odd  = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif defined(__AVX2__)
  *even = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
  *odd  = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#else
  *even = __builtin_shufflevector(a, b, 0, 2, 4, 6);
  *odd  = __builtin_shufflevector(a, b, 1, 3, 5, 7);
#endif
}

/* vf_exp for x <= 0, NaN kept: the same bits. */
VF_INLINE Vf exp_negative(Vf x)
{
  const VfExp e     = vf_exp_parts(vf_max(vf_splat(-87.5f), x));
  const Vf    scale = (Vf)((e.n + 127) << 23);
  return vf_if_less(x, vf_splat(-87.33f), (Vf){0}, vf_fma(e.p, scale, scale));
}

/* Two classes, n vectors side by side: phat = 1 / (1 + e^-d) without overflow or cancellation. */
VF_INLINE void step_two(int n, const StepCoefficients *c, const float *logit, const uint32_t *word, uint8_t *x, float *probability)
{
  Vf d[SIDE_BY_SIDE], small[SIDE_BY_SIDE], large[SIDE_BY_SIDE];
#pragma GCC unroll 4
  for (int i = 0; i < n; i++) {
    Vf zero, one;
    apart(logit + 2 * i * VF_LANES, &zero, &one);
    d[i]     = one - zero;
    small[i] = exp_negative(-vf_abs(d[i]));
  }
#pragma GCC unroll 4
  for (int i = 0; i < n; i++) {
    large[i] = vf_splat(1.0f) / (vf_splat(1.0f) + small[i]);
    small[i] = small[i] * large[i];
    if (probability) vf_store(probability + i * VF_LANES, vf_if_less(d[i], (Vf){0}, small[i], large[i]));
  }
#pragma GCC unroll 4
  for (int i = 0; i < n; i++) {
    const Vi before = load_classes(x + i * VF_LANES), set = before != 0;
    const Vf toward = (Vf)((Vi)d[i] ^ (set & INT32_MIN)); /* logit of the other class less that of x_t */
    const Vf other = vf_if_less(toward, (Vf){0}, small[i], large[i]), own = vf_if_less(toward, (Vf){0}, large[i], small[i]);
    const Vf change = vf_select(set, vf_splat(c->change[1]), vf_splat(c->change[0]));
    const Vf keep   = vf_select(set, vf_splat(c->keep[1]), vf_splat(c->keep[0]));
    store_classes(x + i * VF_LANES, before ^ (reached(words_at(word + i * VF_LANES), vf_fma(other, change, own * keep)) & 1));
  }
}

/* out (k): softmax of logits (lanes, k). */
VF_INLINE void softmax_lanes(int k, const float *logit, Vf *out)
{
  Vf top, sum = {0};
  for (int c = 0; c < k; c++) {
    float lane[VF_LANES];
    for (int i = 0; i < VF_LANES; i++) lane[i] = logit[i * k + c];
    out[c] = vf_load(lane);
    top    = c ? vf_max(out[c], top) : out[c];
  }
  for (int c = 0; c < k; c++) {
    out[c] = vf_exp(out[c] - top);
    sum    = sum + out[c];
  }
  for (int c = 0; c < k; c++) out[c] = out[c] / sum;
}

VF_INLINE void step_any(const StepCoefficients *s, const float *logit, const uint32_t *word, uint8_t *out, float *probability)
{
  const Vi x = load_classes(out);
  Vf       phat[SET_CLASSES_MAX], both = {0}, gamma = {0}, own = {0}, kept = {0}, rest = {0}, any = {0}, up = {0};
  Vi       passed = {0};
  softmax_lanes(s->k, logit, phat);
  for (int c = 0; c < s->k; c++) {
    const Vi here = x == c;
    both          = vf_select(here, vf_splat(s->both[c]), both);
    gamma         = vf_select(here, vf_splat(s->gamma[c]), gamma);
    own           = vf_select(here, vf_splat(s->own[c]), own);
    kept          = vf_select(here, phat[c], kept);
    rest          = rest + vf_select(here, (Vf){0}, phat[c]);
    if (c) any = any + phat[c];
  }
  const Vf mixed = vf_fma(gamma, rest, own * kept);
  for (int c = 0; c < s->k; c++) {
    const Vf p = vf_fma(both, phat[c], vf_splat(s->m_before[c]) * mixed);
    up         = up + vf_select(x == c, (Vf){0}, p);
    passed -= ~reached(words_at(word), up);
  }
  if (probability) vf_store(probability, any);
  store_classes(out, choose(passed == s->k, x, passed));
}

VF_INLINE void step_lanes(bool two, const StepCoefficients *c, const float *logit, const uint32_t *word, uint8_t *x, float *probability)
{
  if (two)
    step_two(1, c, logit, word, x, probability);
  else
    step_any(c, logit, word, x, probability);
}

/* Fewer entries than lanes, or the last ones. */
static __attribute__((noinline)) void step_part(const StepCoefficients *c, int n, const float *logit, const uint32_t *word, uint8_t *x,
                                                float *probability)
{
  float   padded[VF_LANES * SET_CLASSES_MAX] = {0}, any[VF_LANES];
  uint8_t part[VF_LANES]                     = {0};
  memcpy(padded, logit, sizeof *logit * (size_t)(n * c->k));
  memcpy(part, x, (size_t)n);
  step_lanes(c->k == 2, c, padded, word, part, any);
  memcpy(x, part, (size_t)n);
  if (probability) memcpy(probability, any, sizeof *any * (size_t)n);
}

/* n >= VF_LANES; the last lanes as in noise_pass. */
VF_INLINE void step_pass(bool two, const StepCoefficients *c, int n, const float *logit, const uint32_t *word, uint8_t *x,
                         float *probability)
{
  const int last = n - VF_LANES, k = two ? 2 : c->k;
  uint8_t   end[VF_LANES];
  int       i = 0;
  memcpy(end, x + last, sizeof end);
  for (; two && i + (SIDE_BY_SIDE - 1) * VF_LANES <= last; i += SIDE_BY_SIDE * VF_LANES)
    step_two(SIDE_BY_SIDE, c, logit + 2 * i, word + i, x + i, probability ? probability + i : NULL);
  for (; i < last; i += VF_LANES) step_lanes(two, c, logit + i * k, word + i, x + i, probability ? probability + i : NULL);
  if (i >= n) return;
  step_lanes(two, c, logit + last * k, word + last, end, probability ? probability + last : NULL);
  memcpy(x + last, end, sizeof end);
}

void KERNEL(transition_step)(const EntryStream *s, const StepCoefficients *c, int n, const float *logit, uint8_t *x, float *probability)
{
  _Alignas(64) uint32_t word[PASS];
  VrKey                 key;
  vr_key(s->key, &key);
  for (int place = 0, count; place < n; place += count) {
    count           = pass_length(n - place);
    const float *at = logit + place * c->k;
    float       *p  = probability ? probability + place : NULL;
    entry_words(&key, s, place, count, word);
    if (count < VF_LANES)
      step_part(c, count, at, word, x + place, p);
    else if (c->k == 2)
      step_pass(true, c, count, at, word, x + place, p);
    else
      step_pass(false, c, count, at, word, x + place, p);
  }
}
