/* SPDX-License-Identifier: BSD-2-Clause
 * From rows to verdicts: mean and 95 % interval of every metric at every point, exact tests against exact values, published values and
 * expectations, and whether the whole is VALID. The tests themselves are in core/stats.c; printing is elsewhere. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "stats.h"
#include "summary_text.h"

static const double level    = 6e-5; /* two-sided, four standard deviations */
static const double alpha    = 0.05; /* of the intervals */
static const double sameness = 1e-9; /* relative, of values that do not vary */
enum { T_TEST_MIN = 30 };            /* trials that a t test needs */

const char *verdict_text(Verdict v)
{
  static const char *const text[] = {NULL, "agrees", "differs", "paper outside protocol"};
  return text[v];
}

static Moments point_moments(const ResultsTable *t, const ResultsColumn *c, int64_t point, int64_t *ones)
{
  Moments m = {0};
  *ones     = 0;
  for (int64_t row = t->first_row[point]; row < t->first_row[point] + t->point_rows[point]; row++) {
    if (t->state[row] != TRIAL_DONE) continue;
    moments_add(&m, c->value[row]);
    *ones += c->value[row] > 0.5;
  }
  return m;
}

static void interval(const ResultsColumn *c, const Moments *m, int64_t ones, SummaryCell *s)
{
  s->low = s->high = NAN;
  if (m->n == 0) return;
  if (c->event) {
    stats_binomial_interval(ones, m->n, alpha, &s->low, &s->high);
  } else if (m->n >= 2) {
    const double half = stats_t_quantile(1 - alpha / 2, (double)(m->n - 1)) * s->stderr_;
    s->low            = m->mean - half;
    s->high           = m->mean + half;
  }
}

static bool same(double a, double b) { return fabs(a - b) <= sameness * fmax(1, fmax(fabs(a), fabs(b))); }

/* Sample skewness; NaN when nothing varies. */
static double skewness(const ResultsTable *t, const ResultsColumn *c, int64_t point, const Moments *m)
{
  double sum = 0;
  for (int64_t row = t->first_row[point]; row < t->first_row[point] + t->point_rows[point]; row++) {
    const double d = c->value[row] - m->mean;
    if (t->state[row] == TRIAL_DONE && !isnan(d)) sum += d * d * d;
  }
  const double spread = sqrt(m->m2 / (double)m->n);
  return sum / ((double)m->n * spread * spread * spread);
}

/* The t test needs a mean that is nearly normal. Its third cumulant is skewness / sqrt(n); the part of it that a normal sample shows by
 * chance (two standard errors) is allowed for. */
static bool nearly_normal(double skew, int64_t n)
{
  const double root = sqrt((double)n), excess = fabs(skew) - 2 * sqrt(6) / root;
  return n >= T_TEST_MIN && excess <= 0.05 * root; /* false for NaN */
}

static double t_test(double difference, double error, double stderr_, int64_t n)
{
  const double excess = fabs(difference) - (isnan(error) ? 0 : error);
  return stats_t_p(fmax(0, excess) / stderr_, (double)(n - 1));
}

/* By what is known of the law of one trial (ReferenceValue.capacity). A column that never varied says nothing against an exact mean, unless
 * chance is ruled out. */
static double measured_p(const ResultsTable *t, const ResultsColumn *c, int64_t point, const Moments *m, SummaryCell *s)
{
  const double capacity = c->capacity[point], n = (double)m->n;
  if (isnan(s->exact) || m->n == 0) return NAN;
  if (c->event) return stats_binomial_p(llround(s->mean * n), m->n, s->exact);
  if (capacity == 0) return same(m->min, s->exact) && same(m->max, s->exact);
  if (capacity > 0) return stats_binomial_p(llround(s->mean * n), llround(n * capacity), s->exact / capacity);
  if (m->min == m->max) return same(m->min, s->exact) ? 1 : (double)NAN;
  if (!nearly_normal(skewness(t, c, point, m), m->n)) return NAN;
  return t_test(s->mean - s->exact, c->error[point], s->stderr_, m->n);
}

/* Published against exact. Without a spread that is known well nothing can be said of how far a published real may lie off. */
static double published_p(const ResultsColumn *c, int64_t point, const Moments *m, const SummaryCell *s)
{
  const double n = c->published_n[point];
  if (isnan(s->exact) || isnan(s->published) || !(n >= 1)) return NAN;
  if (c->event) return stats_binomial_p(llround(s->published * n), llround(n), s->exact);
  if (m->n < T_TEST_MIN || !(s->sd > 0)) return NAN;
  return t_test(s->published - s->exact, c->error[point], s->sd / sqrt(n), m->n);
}

static void fill_cell(const ResultsTable *t, const ResultsColumn *c, int64_t point, SummaryCell *s)
{
  int64_t       ones;
  const Moments m      = point_moments(t, c, point, &ones);
  s->n                 = m.n;
  s->mean              = m.n == 0 ? (double)NAN : c->event ? (double)ones / (double)m.n : m.mean;
  s->stderr_           = moments_stderr(&m);
  s->exact             = c->exact[point];
  s->published         = c->published[point];
  s->expect_low        = c->expect_low[point];
  s->expect_high       = c->expect_high[point];
  s->sd                = sqrt(moments_variance(&m));
  s->p_value           = measured_p(t, c, point, &m, s);
  s->published_p_value = published_p(c, point, &m, s);
  s->expect_met        = (isnan(s->expect_low) || s->mean >= s->expect_low) && (isnan(s->expect_high) || s->mean <= s->expect_high);
  interval(c, &m, ones, s);
}

static void judge(Summary *s)
{
  const int64_t n     = s->n_points * s->table->n_metrics;
  int64_t       tests = 0, papers = 0;
  for (int64_t i = 0; i < n; i++) {
    tests += !isnan(s->cell[i].p_value);
    papers += !isnan(s->cell[i].published_p_value);
  }
  for (int64_t i = 0; i < n; i++) {
    SummaryCell *c = &s->cell[i];
    if (c->p_value < level / (double)tests)
      c->verdict = VERDICT_DIFFERS;
    else if (c->published_p_value < level / (double)papers)
      c->verdict = VERDICT_PAPER_OUTSIDE;
    else if (!isnan(c->p_value))
      c->verdict = VERDICT_AGREES;
  }
}

void summary_point_text(const ResultsTable *t, int64_t point, Text *out)
{
  const size_t begin = out->length;
  for (int i = 0; i < t->n_axes; i++) {
    char value[AXIS_TEXT_MAX];
    if (!summary_axis_text(t, i, point, value)) continue;
    text_add(out, "%s%s=%s", out->length > begin ? ", " : "", t->axis[i].name, value);
  }
  if (out->length == begin) text_append(out, "the only point");
}

static void explain_states(Summary *s)
{
  const ResultsTable *t    = s->table;
  const char         *join = ": ";
  if (s->counts[TRIAL_DONE] == t->n_rows && t->n_rows > 0) return;
  text_add(&s->reasons, "%lld of %lld trials are not done", (long long)(t->n_rows - s->counts[TRIAL_DONE]), (long long)t->n_rows);
  for (int i = 0; i < TRIAL_STATES; i++) {
    if (i == TRIAL_DONE || s->counts[i] == 0) continue;
    text_add(&s->reasons, "%s%lld %s", join, (long long)s->counts[i], trial_state_name((TrialState)i));
    join = ", ";
  }
  text_append(&s->reasons, "\n");
  for (int64_t row = 0; row < t->n_rows; row++) {
    if (t->message[row][0] == 0 || (t->state[row] != TRIAL_FAILED && t->state[row] != TRIAL_INVALID)) continue;
    text_add(&s->reasons, "first of these: row %lld %s: %s\n", (long long)row, trial_state_name(t->state[row]), t->message[row]);
    return;
  }
}

static void explain_cell(Summary *s, int64_t point, int metric)
{
  const SummaryCell *c    = &s->cell[point * s->table->n_metrics + metric];
  const char        *name = s->table->metric[metric].name;
  if (c->verdict == VERDICT_DIFFERS) {
    text_add(&s->reasons, "%s differs from its exact value at ", name);
    summary_point_text(s->table, point, &s->reasons);
    text_add(&s->reasons, ": mean %.6g of %lld, exact %.6g, p = %.2g\n", c->mean, (long long)c->n, c->exact, c->p_value);
  }
  if (!c->expect_met) {
    text_add(&s->reasons, "%s misses what the input expects at ", name);
    summary_point_text(s->table, point, &s->reasons);
    if (c->n == 0)
      text_append(&s->reasons, ": it has no value\n");
    else
      text_add(&s->reasons, ": mean %.6g is %s %.6g\n", c->mean, c->mean < c->expect_low ? "below" : "above",
               c->mean < c->expect_low ? c->expect_low : c->expect_high);
  }
}

PetscErrorCode summary_create(const ResultsTable *t, Summary **out)
{
  Summary *s = mem_calloc(1, sizeof *s);
  PetscFunctionBeginUser;
  *out        = s;
  s->table    = t;
  s->n_points = t->n_points;
  s->cell     = mem_calloc((size_t)(t->n_points * t->n_metrics), sizeof *s->cell);
  for (int64_t row = 0; row < t->n_rows; row++) s->counts[t->state[row]]++;
  for (int64_t p = 0; p < t->n_points; p++)
    for (int m = 0; m < t->n_metrics; m++) fill_cell(t, &t->metric[m], p, &s->cell[p * t->n_metrics + m]);
  judge(s);
  s->claim = mem_calloc((size_t)t->n_claims, sizeof *s->claim);
  claims_evaluate(t, s->claim);
  explain_states(s);
  for (int64_t p = 0; p < t->n_points; p++)
    for (int m = 0; m < t->n_metrics && t->point_rows[p] > 0; m++) explain_cell(s, p, m);
  s->valid = s->reasons.length == 0;
  PetscFunctionReturn(0);
}

void summary_destroy(Summary **out)
{
  Summary *s = out ? *out : NULL;
  if (!s) return;
  free(s->cell);
  free(s->claim);
  text_clear(&s->reasons);
  free(s);
  *out = NULL;
}
