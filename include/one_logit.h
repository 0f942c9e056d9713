/* SPDX-License-Identifier: BSD-2-Clause
 * Stochastic gradient descent on one logit: the training of one edge probability p = sigmoid(theta) from targets y ~ Bernoulli(eps) by
 * binary cross-entropy, the positive class weighted by omega (arXiv 2511.18593, experiment IV). Many seeds run side by side, lane = seed.
 *
 * Labels of step t, from the stream (key, purpose RNG_LABELS, draw 0):
 *   inversion  k = #{j : T_j <= w}, w the word t mod 4 of block t / 4, T_j = round(2^32 P(K <= j)), K ~ Binomial(batch, eps): every
 *              value of the distribution function is exact to 2^-33, and an outcome beyond the last T_j < 2^32 (probability below
 *              2^-33) does not occur.
 *   bernoulli  the literal sampler: label i is word i mod 4 of block t ceil(batch / 4) + i / 4, positive when below
 *              min(round(2^32 eps), 2^32 - 1): P(y = 1) is exact to 2^-32.
 * theta and p are float32, on + - * / and integer operations alone (no contraction, no libm), so a seed's bits depend on its key and the
 * problem alone: neither on n, nor on its lane, nor on how the steps are cut into calls, nor on the ISA level. p is inside [2^-60, 1];
 * its relative error is below 3e-7 + 1e-7 |theta|, |theta| <= 41. theta is summed with compensation (Kahan, CACM 8 (1965) 40): an
 * increment far below the last place of theta is not lost, but kept to 2^-23 of itself. */
#ifndef MYOPIA_ONE_LOGIT_H
#define MYOPIA_ONE_LOGIT_H

#include <stdbool.h>
#include <stdint.h>

#include "isa.h"

enum { ONE_LOGIT_LANES = 64, ONE_LOGIT_BATCH_MAX = 4096 };

typedef enum {
  LABELS_INVERSION = 0,
  LABELS_BERNOULLI
} LabelSampler;                                 /* positives per batch by inversion of the binomial law, or drawn one by one */
extern const char *const label_sampler_names[]; /* "inversion", "bernoulli", NULL */

typedef struct OneLogitProblem {
  double       eps;           /* P(y = 1) in (0, 1) */
  double       omega;         /* weight of the positive class, > 0 */
  double       learning_rate; /* > 0 */
  double       theta0;
  int64_t      batch; /* samples a step, 1 .. ONE_LOGIT_BATCH_MAX */
  int64_t      steps; /* T >= 0 */
  LabelSampler sampler;
} OneLogitProblem;

/* State of one seed; before step 0: {.theta = theta0}, which is rounded to float32. The update is
 *   theta += lr (omega k/B (1 - p) - (1 - k/B) p)   with k positives in the batch of B.
 * The sums are complete after the last step; before that up to 16 steps are still in the float32 sums of the open block, which are flushed
 * into the float64 ones at steps that are multiples of 16, where the tail begins, and at the end. */
typedef struct OneLogitOutcome {
  double theta;              /* theta_T, a float32; p is that of theta alone */
  double p_sum;              /* sum over t < T of p_t */
  double p_tail_sum;         /* the same over the last half, t >= T - T/2 (T/2 rounded down) */
  double negative_share_sum; /* sum over t < T of g-^2 / (g+^2 + g-^2), g+ = omega k/B (1 - p), g- = (1 - k/B) p */
  float  carry;              /* what the sum of the updates exceeds theta by, below the last place of theta */
  float  p_block, share_block;
} OneLogitOutcome;

/* Recorded steps of one seed: t = 0, every, 2 every, ... <= T: state before the update of step t (the last one after T steps when every
 * divides T). */
typedef struct OneLogitSeries {
  double *p;         /* (n) */
  double *positives; /* (n) k of that step's batch, drawn also for t = T without being used */
} OneLogitSeries;

/* Number of recorded steps: steps / every + 1. */
int64_t one_logit_recorded(int64_t steps, int64_t every);

/* Runs n <= ONE_LOGIT_LANES seeds, key (n), for steps [first, last) of [0, steps]; state is carried in `outcome` (n), so that a caller
 * can stop between calls. series: NULL, or (n) with NULL pointers where nothing is recorded; recording changes no result. A call costs
 * some microseconds, and as much as all ONE_LOGIT_LANES seeds (x86-64-v4), half or a quarter of them (v3, base). */
void one_logit_run(IsaLevel, const OneLogitProblem *, int n, const uint64_t *key, int64_t first, int64_t last, int64_t every,
                   OneLogitOutcome *outcome, OneLogitSeries *series);
/* The slow reference: all steps of one seed from theta0, plain C, the same numbers to the bit. series: NULL or one. */
void one_logit_reference(const OneLogitProblem *, uint64_t key, int64_t every, OneLogitOutcome *, OneLogitSeries *);

double one_logit_fixed_point(double eps, double omega); /* p* = omega eps / (omega eps + 1 - eps) */
/* Steps [first, last) of the mean dynamics theta_{t+1} = theta_t + lr (omega eps (1 - p_t) - (1 - eps) p_t); theta: the state, theta0
 * before step 0. Fills p (one_logit_recorded) of the recorded steps among them, as one_logit_run does. */
void one_logit_mean_run(const OneLogitProblem *, int64_t first, int64_t last, int64_t every, double *theta, double *p);

/* The limit of many steps, in which the mean of p over seeds is p* exactly, as the drift is linear in p. */
typedef struct OneLogitLimit {
  double p;           /* p* */
  double rate;        /* relaxation a step near p*: r = lr (omega eps + 1 - eps) p* (1 - p*) */
  double variance;    /* of theta at the end, by linearisation */
  double final_error; /* |mean of p after the last step - p*| is at most this, to second order in the noise; inf: not known */
  double tail_error;  /* the same of the mean of p over the last half of the steps */
} OneLogitLimit;

void one_logit_limit(const OneLogitProblem *, OneLogitLimit *);

#endif
