/* SPDX-License-Identifier: BSD-2-Clause
 * One seed of one_logit in plain C: the arithmetic of one_logit_law.h as it is written there, one step after the other. It is what the
 * kernel is tested against, and what the recorded steps are taken from. */
#include <string.h>

#include "one_logit_law.h"
#include "rng.h"

/* exp(-theta) */
static float exp_minus(float theta)
{
  float t = theta * ONE_LOGIT_MINUS_LOG2E;
  if (t > ONE_LOGIT_CLAMP) t = ONE_LOGIT_CLAMP;
  if (t < -ONE_LOGIT_CLAMP) t = -ONE_LOGIT_CLAMP;
  const float shifted = t + ONE_LOGIT_ROUND, f = t - (shifted - ONE_LOGIT_ROUND), f2 = f * f;
  float       power = (1.0f + ONE_LOGIT_C1 * f) + f2 * ((ONE_LOGIT_C2 + ONE_LOGIT_C3 * f) + f2 * (ONE_LOGIT_C4 + ONE_LOGIT_C5 * f));
  uint32_t    bits, exponent; /* the low bits of `shifted` are those of n */
  memcpy(&bits, &power, sizeof bits);
  memcpy(&exponent, &shifted, sizeof exponent);
  bits += exponent << 23;
  memcpy(&power, &bits, sizeof power);
  return power;
}

float one_logit_sigmoid(float theta) { return 1.0f / (1.0f + exp_minus(theta)); }

static int positives_by_inversion(const OneLogitLaw *law, uint64_t key, int64_t t)
{
  uint32_t word[4];
  int      low = 0, high = law->n; /* word > below[j] for j < low, not for j >= high */
  rng_block(key, (uint64_t)t / 4, 0, RNG_LABELS, word);
  while (low < high) {
    const int middle = (low + high) / 2;
    if (word[t % 4] > law->below[middle])
      low = middle + 1;
    else
      high = middle;
  }
  return law->base + low;
}

static int positives_one_by_one(const OneLogitLaw *law, uint64_t key, int64_t t)
{
  const int64_t blocks = (law->n_words + 3) / 4;
  uint32_t      word[4];
  int           k = 0;
  for (int64_t i = 0; i < law->n_words; i++) {
    if (i % 4 == 0) rng_block(key, (uint64_t)(t * blocks + i / 4), 0, RNG_LABELS, word);
    k += word[i % 4] < law->positive_below;
  }
  return k;
}

int one_logit_positives(const OneLogitLaw *law, uint64_t key, int64_t t)
{
  return law->sampler == LABELS_INVERSION ? positives_by_inversion(law, key, t) : positives_one_by_one(law, key, t);
}

void one_logit_reference(const OneLogitProblem *problem, uint64_t key, int64_t every, OneLogitOutcome *out, OneLogitSeries *series)
{
  const int64_t tail = problem->steps - problem->steps / 2;
  OneLogitLaw   law;
  float         theta = (float)problem->theta0, carry = 0, p_block = 0, share_block = 0;
  one_logit_law(problem, &law);
  *out = (OneLogitOutcome){0};
  for (int64_t t = 0;; t++) {
    if (t % ONE_LOGIT_BLOCK == 0 || t == tail || t == problem->steps) { /* steps below t fill a block */
      out->p_sum += (double)p_block;
      out->negative_share_sum += (double)share_block;
      if (t > tail) out->p_tail_sum += (double)p_block;
      p_block = share_block = 0;
    }
    const bool record = series && t % every == 0;
    if (t == problem->steps && !record) break;
    const float k = (float)one_logit_positives(&law, key, t), e = exp_minus(theta), p = 1.0f / (1.0f + e);
    if (record) {
      series->p[t / every]         = (double)p;
      series->positives[t / every] = (double)k;
    }
    if (t == problem->steps) break;
    const float up = k * law.gain, down = law.rate - k * law.loss, ratio = k * law.weight / (law.batch - k) * e;
    const float d = (up * e - down) * p + carry, sum = theta + d;
    carry = d - (sum - theta);
    theta = sum;
    p_block += p;
    share_block += 1.0f / (1.0f + ratio * ratio);
  }
  out->theta = (double)theta;
  out->carry = carry;
}
