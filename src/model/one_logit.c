/* SPDX-License-Identifier: BSD-2-Clause
 * one_logit: the law of a batch's positives as thresholds, and the cut of a run into kernel calls. The thresholds need one table of
 * binomial probabilities, by ratios of neighbours from the mode outwards in long double. Recorded steps are computed in plain C between
 * kernel calls, so recording everything is slow but changes nothing. */
#include "one_logit.h"

#include <math.h>
#include <string.h>

#include "one_logit_kernel.h"

const char *const label_sampler_names[] = {"inversion", "bernoulli", NULL};

static const long double two32 = 4294967296.0L;

/* pmf[k] proportional to P(K = k), 1 at the mode; terms below 1e-30 are left 0. Returns their sum. */
static long double binomial_weights(int64_t n, long double p, long double *pmf)
{
  const int64_t mode = (int64_t)fmin((double)n, floor((double)(n + 1) * (double)p));
  long double   sum  = 1;
  memset(pmf, 0, ((size_t)n + 1) * sizeof *pmf);
  pmf[mode] = 1;
  for (int64_t k = mode; k < n && pmf[k] > 1e-30L; k++)
    sum += pmf[k + 1] = pmf[k] * (long double)(n - k) / (long double)(k + 1) * (p / (1 - p));
  for (int64_t k = mode; k > 0 && pmf[k] > 1e-30L; k--)
    sum += pmf[k - 1] = pmf[k] * (long double)k / (long double)(n - k + 1) * ((1 - p) / p);
  return sum;
}

/* k(word) = #{j : T_j <= word}: thresholds of 0 always count (base), those of 2^32 never do. */
static void invert_binomial(const OneLogitProblem *problem, OneLogitLaw *law)
{
  long double       pmf[ONE_LOGIT_BATCH_MAX + 1], cumulated = 0;
  const long double sum = binomial_weights(problem->batch, (long double)problem->eps, pmf);
  for (int64_t j = 0; j < problem->batch; j++) {
    cumulated += pmf[j] / sum;
    const long double threshold = floorl(cumulated * two32 + 0.5L);
    if (threshold >= two32) break;
    if (threshold < 1)
      law->base++;
    else
      law->below[law->n++] = (uint32_t)threshold - 1;
  }
}

void one_logit_law(const OneLogitProblem *problem, OneLogitLaw *law)
{
  const double batch = (double)problem->batch, positive = floor(problem->eps * 0x1p32 + 0.5);
  law->sampler        = problem->sampler;
  law->rate           = (float)problem->learning_rate;
  law->gain           = (float)(problem->learning_rate * problem->omega / batch);
  law->loss           = (float)(problem->learning_rate / batch);
  law->weight         = (float)problem->omega;
  law->batch          = (float)batch;
  law->n_words        = problem->sampler == LABELS_INVERSION ? 1 : (int)problem->batch;
  law->base           = 0;
  law->n              = 0;
  law->positive_below = positive >= 0x1p32 ? UINT32_MAX : (uint32_t)positive;
  if (problem->sampler == LABELS_INVERSION) invert_binomial(problem, law);
}

int64_t one_logit_recorded(int64_t steps, int64_t every) { return steps / every + 1; }

static void load_lanes(int n, const uint64_t *key, const OneLogitOutcome *outcome, OneLogitLanes *lanes)
{
  memset(lanes, 0, sizeof *lanes);
  for (int i = 0; i < n; i++) {
    lanes->key[i]         = key[i];
    lanes->theta[i]       = (float)outcome[i].theta;
    lanes->carry[i]       = outcome[i].carry;
    lanes->p_block[i]     = outcome[i].p_block;
    lanes->share_block[i] = outcome[i].share_block;
    lanes->p_sum[i]       = outcome[i].p_sum;
    lanes->p_tail_sum[i]  = outcome[i].p_tail_sum;
    lanes->share_sum[i]   = outcome[i].negative_share_sum;
  }
}

static void store_lanes(int n, const OneLogitLanes *lanes, OneLogitOutcome *outcome)
{
  for (int i = 0; i < n; i++)
    outcome[i] = (OneLogitOutcome){.theta              = (double)lanes->theta[i],
                                   .p_sum              = lanes->p_sum[i],
                                   .p_tail_sum         = lanes->p_tail_sum[i],
                                   .negative_share_sum = lanes->share_sum[i],
                                   .carry              = lanes->carry[i],
                                   .p_block            = lanes->p_block[i],
                                   .share_block        = lanes->share_block[i]};
}

static void flush_lanes(OneLogitLanes *lanes, bool tail)
{
  for (int i = 0; i < ONE_LOGIT_LANES; i++) {
    lanes->p_sum[i] += (double)lanes->p_block[i];
    lanes->share_sum[i] += (double)lanes->share_block[i];
    if (tail) lanes->p_tail_sum[i] += (double)lanes->p_block[i];
    lanes->p_block[i] = lanes->share_block[i] = 0;
  }
}

static void record_step(const OneLogitLaw *law, int n, const OneLogitLanes *lanes, int64_t t, int64_t every, OneLogitSeries *series)
{
  for (int i = 0; i < n; i++) {
    if (!series[i].p) continue;
    series[i].p[t / every]         = (double)one_logit_sigmoid(lanes->theta[i]);
    series[i].positives[t / every] = (double)one_logit_positives(law, lanes->key[i], t);
  }
}

static bool records(int n, const OneLogitSeries *series)
{
  for (int i = 0; series && i < n; i++)
    if (series[i].p) return true;
  return false;
}

static void run_kernel(IsaLevel isa, const OneLogitLaw *law, OneLogitLanes *lanes, int n, int64_t first, int64_t last, bool tail)
{
  switch (isa) {
  case ISA_V4: one_logit_steps_v4(law, lanes, n, first, last, tail); break;
  case ISA_V3: one_logit_steps_v3(law, lanes, n, first, last, tail); break;
  case ISA_BASE: one_logit_steps_base(law, lanes, n, first, last, tail); break;
  }
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

void one_logit_run(IsaLevel isa, const OneLogitProblem *problem, int n, const uint64_t *key, int64_t first, int64_t last, int64_t every,
                   OneLogitOutcome *outcome, OneLogitSeries *series)
{
  const int64_t steps = problem->steps, tail = steps - steps / 2;
  const bool    recording = records(n, series);
  OneLogitLaw   law;
  OneLogitLanes lanes;
  one_logit_law(problem, &law);
  load_lanes(n, key, outcome, &lanes);
  for (int64_t t = first; t < last;) {
    if (recording && t % every == 0) record_step(&law, n, &lanes, t, every, series);
    int64_t end = t < tail ? smaller(last, tail) : last;
    if (recording) end = smaller(end, (t / every + 1) * every);
    run_kernel(isa, &law, &lanes, n, t, end, t >= tail);
    if (end == tail || end == steps) flush_lanes(&lanes, t >= tail);
    t = end;
  }
  if (recording && last == steps && steps % every == 0) record_step(&law, n, &lanes, steps, every, series);
  store_lanes(n, &lanes, outcome);
}
