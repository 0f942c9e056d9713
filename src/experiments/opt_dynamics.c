/* SPDX-License-Identifier: BSD-2-Clause
 * Experiment IV of "Generative Myopia" (arXiv 2511.18593): gradient starvation of one logit. Exact: the fixed point
 *   p* = omega eps / (omega eps + 1 - eps)
 * as the limit of many steps (the drift is linear in p, so the mean of p is p* once theta is stationary), with a bound of what the steps
 * made leave of the way, and the martingale
 *   theta_T - theta_0 - lr sum_t (omega eps - (omega eps + 1 - eps) p_t)
 * with mean 0 at any step. omega = 1 is the standard loss; there is no other switch. Series hold every statistic of starvation.h but the
 * starvation index: without a graph a class has no importance, and the index is not defined. */
#include <math.h>

#include "experiment.h"
#include "one_logit.h"
#include "starvation.h"

typedef struct OptDynamicsParams {
  double  eps, omega, learning_rate, theta0;
  int64_t batch, steps;
  int     sampler;
} OptDynamicsParams;

#define FIELD(name) offsetof(OptDynamicsParams, name)
static const ParamSpec params[] = {
    {"eps", PARAM_REAL, FIELD(eps), "0.05", 1e-6, 0.999999, 0, "1", NULL, NULL, NULL, "frequency of the edge in the data, P(y = 1)"},
    {"omega", PARAM_REAL, FIELD(omega), "1", 0, 1e30, PARAM_OPEN_MIN, "1", NULL, NULL, NULL,
     "weight of the positive class's loss; 1 is the standard loss"},
    {"learning_rate", PARAM_REAL, FIELD(learning_rate), "0.05", 0, 1e30, PARAM_OPEN_MIN, "1", NULL, NULL, NULL, "step size of SGD"},
    {"theta0", PARAM_REAL, FIELD(theta0), "0", -40, 40, 0, "1", NULL, NULL, NULL, "initial logit"},
    {"batch", PARAM_INT, FIELD(batch), "64", 1, ONE_LOGIT_BATCH_MAX, 0, "samples", NULL, NULL, NULL, "samples a step"},
    {"steps", PARAM_INT, FIELD(steps), "4000", 1, 1e10, 0, "steps", NULL, NULL, NULL, "SGD steps"},
    {"sampler", PARAM_CHOICE, FIELD(sampler), "inversion", 0, 0, 0, "1", label_sampler_names, NULL, NULL,
     "positives of a batch by inversion of the binomial law, or label by label"},
    {0},
};

static OneLogitProblem problem_of(const OptDynamicsParams *p)
{
  return (OneLogitProblem){.eps           = p->eps,
                           .omega         = p->omega,
                           .learning_rate = p->learning_rate,
                           .theta0        = p->theta0,
                           .batch         = p->batch,
                           .steps         = p->steps,
                           .sampler       = (LabelSampler)p->sampler};
}

/* --- cost --- */

/* Seconds a seed-step, measured on one core at 3.7 GHz with AVX-512 and scaled to the narrower levels. */
static double step_seconds(const OptDynamicsParams *p)
{
  static const double scale[] = {[ISA_BASE] = 4.2, [ISA_V3] = 1.9, [ISA_V4] = 1};
  const double        b       = (double)p->batch;
  if (p->sampler == LABELS_BERNOULLI) return scale[isa_level()] * (0.5e-9 + 0.4e-9 * 4 * ceil(b / 4));
  const double thresholds = fmin(b, 13 * sqrt(b * p->eps * (1 - p->eps)) + 2);
  return scale[isa_level()] * (thresholds <= 31 ? 1.0e-9 : thresholds <= 96 ? 0.9e-9 + 0.04e-9 * thresholds : 9e-9);
}

static double cost(const void *params_)
{
  const OptDynamicsParams *p = params_;
  return step_seconds(p) * (double)p->steps;
}

/* Beside 63 other recorded rows: 70 ns for the statistics of a step (500 for a lone row, which pays for the kernel's restarts alone), 110
 * to write its 112 bytes, and a share of the mean dynamics. */
static double record_cost(const void *params_, int64_t every)
{
  const OptDynamicsParams *p      = params_;
  const double             labels = p->sampler == LABELS_BERNOULLI ? 11e-9 * ceil((double)p->batch / 4) : 0;
  return (180e-9 + labels) * (double)one_logit_recorded(p->steps, every) + 25e-9 / ONE_LOGIT_LANES * (double)p->steps;
}

static double merit_work(const void *params_) { return (double)((const OptDynamicsParams *)params_)->steps; }

/* --- declaration --- */

static const MetricSpec metrics[] = {
    {"p_final", "1", "learned probability", "p after the last step", "mean over seeds", METRIC_REAL, 0},
    {"p_tail", "1", "learned probability, last half", "mean of p over the last half of the steps", "mean over seeds", METRIC_REAL, 0},
    {"theta_final", "1", "learned logit", "theta after the last step", "mean over seeds", METRIC_REAL, 0},
    {"martingale", "1", "martingale of the mean dynamics",
     "theta_T - theta_0 - lr sum over t of (omega eps - (omega eps + 1 - eps) p_t): mean 0", "mean over seeds", METRIC_REAL, 0},
    {"share_positive", "1", "positive class's share of the gradient", "mean over the steps of g+^2 / (g+^2 + g-^2)", "mean over seeds",
     METRIC_REAL, 0},
};
enum { METRICS = sizeof metrics / sizeof *metrics };

/* In the order of the enumeration below. */
static const ArraySpec series_specs[] = {
    {.name = "p", .unit = "1", .long_name = "probability", .description = "sigmoid(theta) before the update of the step"},
    {.name        = "p_mean",
     .unit        = "1",
     .long_name   = "probability of the mean recurrence",
     .description = "p of theta += lr (omega eps (1 - p) - (1 - eps) p), the same in every trial of a point"},
    {.name        = "grad_positive",
     .unit        = "1",
     .long_name   = "gradient of the positive class",
     .description = "-omega k/B (1 - p), k positives in the batch"},
    {.name = "grad_negative", .unit = "1", .long_name = "gradient of the negative class", .description = "(1 - k/B) p"},
    {.name = "norm_positive", .unit = "1", .long_name = "norm of the positive class's gradient", .description = "|grad_positive|"},
    {.name = "norm_negative", .unit = "1", .long_name = "norm of the negative class's gradient", .description = "|grad_negative|"},
    {.name = "share_positive", .unit = "1", .long_name = "positive class's share of the gradient", .description = "g+^2 / (g+^2 + g-^2)"},
    {.name = "share_negative", .unit = "1", .long_name = "negative class's share of the gradient", .description = "g-^2 / (g+^2 + g-^2)"},
    {.name        = "snr_positive",
     .unit        = "1",
     .long_name   = "signal-to-noise ratio of the positive class",
     .description = "|mean| / standard deviation over the batch"},
    {.name        = "snr_negative",
     .unit        = "1",
     .long_name   = "signal-to-noise ratio of the negative class",
     .description = "|mean| / standard deviation over the batch"},
    {.name        = "cosine_positive",
     .unit        = "1",
     .long_name   = "cosine of the positive class's gradient with the total",
     .description = "1 or -1 for one parameter"},
    {.name        = "cosine_negative",
     .unit        = "1",
     .long_name   = "cosine of the negative class's gradient with the total",
     .description = "1 or -1 for one parameter"},
    {.name = "excess", .unit = "1", .long_name = "excess probability", .description = "p - eps"},
};
enum {
  P,
  P_MEAN,
  GRAD_POSITIVE,
  GRAD_NEGATIVE,
  NORM_POSITIVE,
  NORM_NEGATIVE,
  SHARE_POSITIVE,
  SHARE_NEGATIVE,
  SNR_POSITIVE,
  SNR_NEGATIVE,
  COSINE_POSITIVE,
  COSINE_NEGATIVE,
  EXCESS,
  SERIES
};
_Static_assert(sizeof series_specs / sizeof *series_specs == SERIES, "one specification a series");

static PetscErrorCode declare(const void *params_, int64_t every, ResultSchema *schema)
{
  const OptDynamicsParams *p    = params_;
  ArraySpec                step = {.name        = "step",
                                   .unit        = "1",
                                   .long_name   = "step",
                                   .description = "SGD step of each recorded row",
                                   .type        = ARRAY_I64,
                                   .series      = true,
                                   .rank        = 1};

  PetscFunctionBeginUser;
  step.shape[0] = one_logit_recorded(p->steps, every);
  for (int i = 0; i < METRICS; i++) PetscCall(result_schema_metric(schema, &metrics[i]));
  PetscCall(result_schema_array(schema, &step));
  for (int i = 0; i < SERIES; i++) {
    ArraySpec spec = series_specs[i];
    spec.type      = ARRAY_F64;
    spec.series    = true;
    spec.rank      = 1;
    spec.shape[0]  = step.shape[0];
    PetscCall(result_schema_array(schema, &spec));
  }
  PetscFunctionReturn(0);
}

/* --- run --- */

/* Up to ONE_LOGIT_LANES seeds of a batch, side by side. */
typedef struct Block {
  const TrialBatch        *batch;
  const OptDynamicsParams *params;
  OneLogitProblem          problem;
  int64_t                  first, n_recorded; /* first row of the block; recorded steps of a row */
  int                      n;
  OneLogitOutcome          outcome[ONE_LOGIT_LANES];
  OneLogitSeries           series[ONE_LOGIT_LANES];
  double                  *positives; /* (recorded rows of a block, n_recorded) */
  double                  *p_mean;    /* (n_recorded) */
  double                   theta_mean;
  bool                     in_mean; /* this block goes through the mean dynamics as well, for p_mean */
} Block;

static void run_steps(Block *b, int64_t first, int64_t last)
{
  one_logit_run(isa_level(), &b->problem, b->n, b->batch->key + b->first, first, last, b->batch->every, b->outcome, b->series);
}

static bool all_finite(const Block *b)
{
  for (int i = 0; i < b->n; i++)
    if (!isfinite(b->outcome[i].theta)) return false;
  return true;
}

/* Repeats [first, last) step by step from the states before it, to name the step at which a seed is lost. */
static void name_failures(const Block *before, int64_t first, int64_t last, Result *result)
{
  Block b = *before;
  for (int i = 0; i < b.n; i++) b.series[i] = (OneLogitSeries){0};
  for (int64_t t = first; t < last; t++) {
    bool lost[ONE_LOGIT_LANES];
    for (int i = 0; i < b.n; i++) lost[i] = !isfinite(b.outcome[i].theta);
    run_steps(&b, t, t + 1);
    for (int i = 0; i < b.n; i++)
      if (!lost[i] && !isfinite(b.outcome[i].theta))
        result_fail(result, b.first + i, "theta is not finite after step %lld", (long long)t + 1);
  }
}

/* About a millisecond, and whole blocks of summation. */
static int64_t chunk_steps(const OptDynamicsParams *p)
{
  const double steps = 1e-3 / (step_seconds(p) * ONE_LOGIT_LANES);
  return steps < 16 ? 16 : (int64_t)steps / 16 * 16;
}

/* All steps of a block; false when it was stopped. */
static bool run_block(Block *b, RunControl *control, Result *result)
{
  const int64_t chunk = chunk_steps(b->params), steps = b->params->steps;
  for (int64_t t = 0; t < steps; t += chunk) {
    const int64_t end = steps - t < chunk ? steps : t + chunk;
    if (control_should_stop(control) != STOP_NO) return false;
    const Block before = *b;
    run_steps(b, t, end);
    if (b->in_mean) one_logit_mean_run(&b->problem, t, end, b->batch->every, &b->theta_mean, b->p_mean);
    if (!all_finite(b)) name_failures(&before, t, end, result);
    control_progress(control, "seed-steps", b->first * steps + b->n * end, b->batch->n * steps);
    control_poll(control);
  }
  return true;
}

static PetscErrorCode start_block(Block *b, int64_t first, bool *mean_known, Result *result)
{
  int recorded = 0;

  PetscFunctionBeginUser;
  b->first = first;
  b->n     = (int)(b->batch->n - first < ONE_LOGIT_LANES ? b->batch->n - first : ONE_LOGIT_LANES);
  for (int i = 0; i < b->n; i++) {
    void *p       = NULL;
    b->outcome[i] = (OneLogitOutcome){.theta = b->params->theta0};
    if (b->batch->record[first + i]) PetscCall(result_array(result, "p", first + i, &p));
    b->series[i] = (OneLogitSeries){p, p ? b->positives + recorded++ * b->n_recorded : NULL};
  }
  b->in_mean    = recorded > 0 && !*mean_known;
  b->theta_mean = b->params->theta0;
  *mean_known   = *mean_known || b->in_mean;
  PetscFunctionReturn(0);
}

/* Statistics of the recorded steps of one row from p and the positives. */
static PetscErrorCode fill_series(const Block *b, int i, Result *result)
{
  const double batch = (double)b->params->batch, omega = b->params->omega;
  double      *s[SERIES];
  int64_t     *step;

  PetscFunctionBeginUser;
  for (int k = 0; k < SERIES; k++) PetscCall(result_array(result, series_specs[k].name, b->first + i, (void **)&s[k]));
  PetscCall(result_array(result, "step", b->first + i, (void **)&step));
  for (int64_t r = 0; r < b->n_recorded; r++) {
    const double    p = s[P][r], share = b->series[i].positives[r] / batch;
    const double    positive = -omega * (1 - p), negative = p; /* gradients of one sample */
    const double    gradient[2] = {share * positive, (1 - share) * negative};
    const double    square[2]   = {share * positive * positive, (1 - share) * negative * negative};
    StarvationStats stats[2];
    starvation_stats(2, 1, gradient, square, b->params->batch, stats);
    step[r]      = r * b->batch->every;
    s[P_MEAN][r] = b->p_mean[r];
    s[EXCESS][r] = p - b->params->eps;
    for (int c = 0; c < 2; c++) {
      s[GRAD_POSITIVE + c][r]   = stats[c].mean;
      s[NORM_POSITIVE + c][r]   = stats[c].norm;
      s[SHARE_POSITIVE + c][r]  = stats[c].share;
      s[SNR_POSITIVE + c][r]    = stats[c].snr;
      s[COSINE_POSITIVE + c][r] = stats[c].cosine;
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode finish_block(const Block *b, double *const column[METRICS], Result *result)
{
  const OptDynamicsParams *p     = b->params;
  const double             steps = (double)p->steps, pull = p->omega * p->eps;

  PetscFunctionBeginUser;
  for (int i = 0; i < b->n; i++) {
    const OneLogitOutcome *o     = &b->outcome[i];
    const int64_t          row   = b->first + i;
    const double           theta = o->theta + (double)o->carry;
    if (isfinite(o->theta)) {
      column[0][row] = 1 / (1 + exp(-theta));
      column[1][row] = p->steps > 1 ? o->p_tail_sum / (double)(p->steps / 2) : NAN;
      column[2][row] = theta;
      column[3][row] = theta - (double)(float)p->theta0 - p->learning_rate * (pull * steps - (pull + 1 - p->eps) * o->p_sum);
      column[4][row] = 1 - o->negative_share_sum / steps;
    }
    if (b->series[i].p) PetscCall(fill_series(b, i, result));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode run(MPI_Comm comm, const TrialBatch *batch, RunControl *control, Result *result)
{
  const OptDynamicsParams *p = batch->params;
  Block   b = {.batch = batch, .params = p, .problem = problem_of(p), .n_recorded = one_logit_recorded(p->steps, batch->every)};
  double *column[METRICS];
  int64_t recorded   = 0;
  bool    mean_known = false;

  PetscFunctionBeginUser;
  (void)comm;
  for (int64_t i = 0; i < batch->n; i++) recorded += batch->record[i];
  if (recorded > ONE_LOGIT_LANES) recorded = ONE_LOGIT_LANES;
  for (int i = 0; i < METRICS; i++) PetscCall(result_metric(result, metrics[i].name, &column[i]));
  PetscCall(PetscMalloc2((size_t)(recorded * b.n_recorded), &b.positives, (size_t)(recorded > 0 ? b.n_recorded : 0), &b.p_mean));
  for (int64_t first = 0; first < batch->n; first += ONE_LOGIT_LANES) {
    PetscCall(start_block(&b, first, &mean_known, result));
    if (!run_block(&b, control, result)) break;
    PetscCall(finish_block(&b, column, result));
  }
  PetscCall(PetscFree2(b.positives, b.p_mean));
  PetscFunctionReturn(0);
}

/* --- exact values --- */

/* Near enough to stationary for the limit to be told from other values: relaxed by e^-8 at the end, or by e^-4 where the last half begins;
 * beyond this variance of theta the expansion behind the errors does not converge. */
static const double relaxed = 8, variance_max = 0.5;

/* The paper's figure: one run at each weight. */
static bool is_published(const OptDynamicsParams *p)
{
  return p->eps == 0.05 && p->learning_rate == 0.05 && p->batch == 64 && p->theta0 == 0;
}

static PetscErrorCode reference(const void *params_, Reference *out)
{
  const OptDynamicsParams *p       = params_;
  const OneLogitProblem    problem = problem_of(p);
  OneLogitLimit            limit;

  PetscFunctionBeginUser;
  one_logit_limit(&problem, &limit);
  const bool known = limit.variance <= variance_max;
  reference_exact(out, "martingale", 0);
  if (known && limit.rate * (double)p->steps >= relaxed && isfinite(limit.final_error))
    reference_limit(out, "p_final", limit.p, limit.final_error);
  if (known && limit.rate * (double)(p->steps / 2) >= relaxed / 2 && isfinite(limit.tail_error))
    reference_limit(out, "p_tail", limit.p, limit.tail_error);
  if (is_published(p) && p->omega == 1) reference_published(out, "p_final", 0.05, 1);
  if (is_published(p) && p->omega == 50) reference_published(out, "p_final", 1.0, 1);
  PetscFunctionReturn(0);
}

const Experiment experiment_opt_dynamics = {
    .name        = "opt_dynamics",
    .summary     = "one logit under SGD: what probability does a rare, weighted edge end at, and whose gradient gets it there?",
    .source      = "arXiv 2511.18593, experiment IV",
    .params      = params,
    .params_size = sizeof(OptDynamicsParams),
    .merit_unit  = "seed-steps/s",
    .merit_work  = merit_work,
    .cost        = cost,
    .record_cost = record_cost,
    .declare     = declare,
    .run         = run,
    .reference   = reference,
};
