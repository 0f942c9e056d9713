/* SPDX-License-Identifier: BSD-2-Clause
 * Noise and reverse steps for one entry: the arithmetic of transition_kernel.c, vector_rng.h and vector_math.h written again in plain C,
 * with Philox4x32-10 of Random123. */
#include <math.h>
#include <string.h>

#include "rng.h"
#include "transition_kernel.h"

uint32_t transition_word_reference(const EntryStream *s, int place)
{
  const uint32_t entry = (uint32_t)(s->first + place);
  uint32_t       word[4];
  rng_block(s->key, s->index, ENTRY_DRAWS * s->t + 16 * (entry / 64) + entry % 16, s->purpose, word);
  return word[entry / 16 % 4];
}

uint8_t transition_noise_reference(const EntryStream *s, const NoiseLimits *l, int place, uint8_t x)
{
  const int64_t word = transition_word_reference(s, place) >> 1;
  int64_t       up   = 0;
  for (int c = 0; c < l->k; c++) {
    if (c == x) continue;
    up += l->up[c] - (c ? l->up[c - 1] : 0);
    if (word < up) return (uint8_t)c;
  }
  return x;
}

/* e^x, x <= 0 or NaN */
static float exp_plain(float x)
{
  if (!(x >= -87.33f)) return isnan(x) ? x : 0.0f;
  const float magic = 0x1.8p23f, k = fmaf(x, 1.44269504f, magic) - magic;
  const float r = fmaf(k, -1.42860677e-6f, fmaf(k, -0.693145752f, x));
  float       q = 0x1.6a4878p-10f;
  q             = fmaf(q, r, 0x1.1239bp-7f);
  q             = fmaf(q, r, 0x1.5558b6p-5f);
  q             = fmaf(q, r, 0x1.555492p-3f);
  q             = fmaf(q, r, 0x1.fffffcp-2f);
  return ldexpf(1.0f + fmaf(q, r * r, r), (int)k);
}

static void softmax_plain(int k, const float *logit, float *out)
{
  float top = logit[0], sum = 0;
  for (int c = 1; c < k; c++)
    if (logit[c] > top) top = logit[c];
  for (int c = 0; c < k; c++) {
    out[c] = exp_plain(logit[c] - top);
    sum += out[c];
  }
  for (int c = 0; c < k; c++) out[c] /= sum;
}

/* phat of two classes */
static void logistic_plain(float d, float out[2])
{
  const float e = exp_plain(-fabsf(d)), large = 1.0f / (1.0f + e), small = e * large;
  out[1] = d < 0 ? small : large;
  out[0] = d < 0 ? large : small;
}

static void law_plain(const StepCoefficients *s, const float *phat, int x, float *law)
{
  float rest = 0;
  if (s->k == 2) {
    law[x]     = 0;
    law[1 - x] = fmaf(phat[1 - x], s->change[x], phat[x] * s->keep[x]);
    return;
  }
  for (int c = 0; c < s->k; c++) rest += c == x ? 0.0f : phat[c];
  const float mixed = fmaf(s->gamma[x], rest, s->own[x] * phat[x]);
  for (int c = 0; c < s->k; c++) law[c] = c == x ? 0.0f : fmaf(s->both[x], phat[c], s->m_before[c] * mixed);
}

uint8_t transition_step_reference(const EntryStream *s, const StepCoefficients *c, int place, const float *logit, uint8_t x,
                                  float *probability, float *law)
{
  const double word = transition_word_reference(s, place) >> 1;
  float        phat[SET_CLASSES_MAX], p[SET_CLASSES_MAX], any = 0, up = 0;
  if (c->k == 2)
    logistic_plain(logit[1] - logit[0], phat);
  else
    softmax_plain(c->k, logit, phat);
  law_plain(c, phat, x, p);
  for (int k = 1; k < c->k; k++) any += phat[k];
  if (probability) *probability = any;
  if (law) memcpy(law, p, sizeof *p * (size_t)c->k);
  for (int k = 0; k < c->k; k++) {
    if (k == x) continue;
    up += p[k];
    if (up >= 1 || word < floor((double)up * 0x1p31)) return (uint8_t)k;
  }
  return x;
}
