/* SPDX-License-Identifier: BSD-2-Clause
 * What reference and kernel of one_logit share: a problem's constants in float32, the thresholds of its label sampler, the state of the
 * lanes, and the coefficients of the sigmoid. The arithmetic itself is written twice, once in plain C and once in vectors.
 *
 * One step, all in float32 and in this order, with k positives in the batch:
 *   t = clamp(theta * -log2(e), +-60), n = t rounded to an integer (by adding and subtracting 1.5 * 2^23), f = t - n,
 *   e = 2^n P(f) = exp(-theta), p = 1 / (1 + e)
 *   up = k gain, down = rate - k loss, d = (up e - down) p + carry     as 1 - p = e p, without cancelling
 *   sum = theta + d, carry = d - (sum - theta), theta = sum            Kahan's compensated summation
 *   odds = k weight / (batch - k), r = odds e = g+ / g-, the negative class's share of the squared gradient is 1 / (1 + r^2)
 * P is the minimax polynomial of degree 5 of 2^f on [-1/2, 1/2] with P(0) = 1 (relative error 9.4e-8), summed by Estrin's scheme:
 *   (1 + c1 f) + f^2 ((c2 + c3 f) + f^2 (c4 + c5 f)).
 * Where theta overflows, so does its carry (inf - inf: NaN from then on): a lost seed stays lost.
 * Rounding t costs |theta| 6e-8 relative in e. The clamp holds p inside [2^-60, 1]: |theta| <= 41.6 is exact, beyond that p saturates. */
#ifndef MYOPIA_ONE_LOGIT_LAW_H
#define MYOPIA_ONE_LOGIT_LAW_H

#include "one_logit.h"

enum { ONE_LOGIT_BLOCK = 16 }; /* steps summed in float32 */

typedef struct OneLogitLaw {
  LabelSampler sampler;
  float        rate;   /* lr */
  float        gain;   /* lr omega / batch */
  float        loss;   /* lr / batch */
  float        weight; /* omega */
  float        batch;
  int          n_words; /* words of a step: 1 by inversion, batch one by one */
  /* k(word) = base + number of j < n with word > below[j]; ascending */
  int      base, n;
  uint32_t below[ONE_LOGIT_BATCH_MAX];
  uint32_t positive_below; /* one by one: y = 1 when word < positive_below */
} OneLogitLaw;

/* The thresholds and constants of a problem. */
void one_logit_law(const OneLogitProblem *, OneLogitLaw *);

/* Plain C, one seed: positives of step t, p of theta in float32. */
int   one_logit_positives(const OneLogitLaw *, uint64_t key, int64_t t);
float one_logit_sigmoid(float theta);

/* States of the lanes as arrays. */
typedef struct OneLogitLanes {
  _Alignas(64) float theta[ONE_LOGIT_LANES];
  float    carry[ONE_LOGIT_LANES], p_block[ONE_LOGIT_LANES], share_block[ONE_LOGIT_LANES];
  double   p_sum[ONE_LOGIT_LANES], p_tail_sum[ONE_LOGIT_LANES], share_sum[ONE_LOGIT_LANES];
  uint64_t key[ONE_LOGIT_LANES];
} OneLogitLanes;

#define ONE_LOGIT_MINUS_LOG2E (-0x1.715476p+0f)
#define ONE_LOGIT_CLAMP 60.0f
#define ONE_LOGIT_ROUND 0x1.8p23f
#define ONE_LOGIT_C1 0x1.62e42ap-1f
#define ONE_LOGIT_C2 0x1.ebf9c2p-3f
#define ONE_LOGIT_C3 0x1.c6b6d8p-5f
#define ONE_LOGIT_C4 0x1.3ce8acp-7f
#define ONE_LOGIT_C5 0x1.5bda4p-10f

#endif
