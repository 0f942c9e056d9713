/* SPDX-License-Identifier: BSD-2-Clause
 * Claims held against the rows: the value of each side, an interval of what is claimed, a verdict.
 *
 * Points that share random numbers are not independent: they form a block, one observation (x, y) a replicate, x and y the shares of that
 * replicate in the means of the two sides. Blocks that differ in the study seed alone are more observations of the same: a group. The rest
 * is arithmetic of the groups' covariances: variances of the group
 * means add up; degrees of freedom after B. L. Welch and F. E. Satterthwaite; ratios after E. C. Fieller (1954). Events take
 * Clopper-Pearson bounds instead of a spread, which does not exist where all trials agree, joined by recovered variances (G. Zou,
 * A. Donner, Stat. Med. 27 (2008) 1693; ratios: the same condition solved for the ratio). Does not correct for looking at a claim more
 * than once. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "memory.h"
#include "stats.h"
#include "summary_text.h"

static const double alpha = 0.05; /* of all claims of a file together */

const char *claim_verdict_text(ClaimVerdict v)
{
  static const char *const text[] = {"undecided", "holds", "does not hold"};
  return text[v];
}

/* A point on a side that has values. */
typedef struct Member {
  int64_t  point, n, ones;
  uint64_t key;           /* of its first trial */
  uint64_t configuration; /* hash of its axes but `seed` */
  int      side;
} Member;

/* Members that are observed together, a replicate at a time. */
typedef struct Block {
  const Member *member;
  int           n;
  uint64_t      signature; /* of sides and configurations: blocks that have it in common differ in the seed alone */
} Block;

/* Blocks of one signature. Covariances (xx, xy, yy) of the means of its observations. */
typedef struct Group {
  int64_t n;
  double  mean[CLAIM_SIDES], covariance[3];
} Group;

typedef struct Evaluation {
  const ResultsTable  *t;
  const ResultsColumn *metric[CLAIM_SIDES];
  int                  n_members, n_blocks, n_groups;
  Member              *member;
  Block               *block;
  Group               *group;
  double               points[CLAIM_SIDES];                    /* with values */
  double               level;                                  /* alpha of this claim */
  double               below[CLAIM_SIDES], above[CLAIM_SIDES]; /* squared distances from a side's mean to its bounds */
  double               cross_low, cross_high;                  /* correlation terms of below(of), above(against), and of above, below */
} Evaluation;

static const ResultsColumn *find_metric(const ResultsTable *t, const char *name)
{
  for (int i = 0; i < t->n_metrics; i++)
    if (strcmp(t->metric[i].name, name) == 0) return &t->metric[i];
  return NULL;
}

static double value_of(const Evaluation *e, int side, int64_t row)
{
  return e->t->state[row] == TRIAL_DONE ? e->metric[side]->value[row] : (double)NAN;
}

static int by_key(const void *a, const void *b)
{
  const Member *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  if (x->side != y->side) return x->side - y->side;
  if (x->configuration != y->configuration) return x->configuration < y->configuration ? -1 : 1;
  return (x->point > y->point) - (x->point < y->point);
}

static int by_signature(const void *a, const void *b)
{
  const Block *x = a, *y = b;
  if (x->signature != y->signature) return x->signature < y->signature ? -1 : 1;
  return (x->member > y->member) - (x->member < y->member);
}

static uint64_t configuration_of(const ResultsTable *t, int64_t point)
{
  char     value[AXIS_TEXT_MAX];
  uint64_t h = 0;
  for (int a = 0; a < t->n_axes; a++) {
    if (strcmp(t->axis[a].name, "seed") == 0) continue;
    const bool used = summary_axis_text(t, a, point, value);
    h               = hash_u64(hash_text(h, value), used);
  }
  return h;
}

static void collect(Evaluation *e, const ResultsClaim *c, ClaimResult *r)
{
  const ResultsTable *t     = e->t;
  const int           sides = c->claim.compare == CLAIM_VALUE ? 1 : CLAIM_SIDES;
  e->member                 = mem_calloc((size_t)(sides * t->n_points), sizeof *e->member);
  for (int side = 0; side < sides; side++) {
    for (int64_t p = 0; p < t->n_points && e->metric[side]; p++) {
      const int64_t first = t->first_row[p];
      Member        m     = {.point = p, .side = side, .key = t->point_rows[p] ? t->key[first] : 0};
      if (!c->member[side][p]) continue;
      for (int64_t row = first; row < first + t->point_rows[p]; row++) {
        const double x = value_of(e, side, row);
        m.n += !isnan(x);
        m.ones += x > 0.5;
      }
      if (m.n == 0) continue;
      m.configuration           = configuration_of(t, p);
      e->member[e->n_members++] = m;
      e->points[side]++;
      r->n[side] += m.n;
    }
  }
  qsort(e->member, (size_t)e->n_members, sizeof *e->member, by_key);
}

/* Whether all members have values in the same replicates, with the same random keys. */
static bool same_replicates(const Evaluation *e, const Member *m, int n)
{
  const ResultsTable *t = e->t;
  for (int k = 1; k < n; k++) {
    if (t->point_rows[m[k].point] != t->point_rows[m[0].point]) return false;
    for (int64_t i = 0; i < t->point_rows[m[0].point]; i++) {
      const int64_t a = t->first_row[m[0].point] + i, b = t->first_row[m[k].point] + i;
      if (t->key[a] != t->key[b] || isnan(value_of(e, m[0].side, a)) != isnan(value_of(e, m[k].side, b))) return false;
    }
  }
  return true;
}

/* The shares of replicate i of a block in the means of the sides; false where it has no values. */
static bool observe(const Evaluation *e, const Block *b, int64_t i, double z[CLAIM_SIDES])
{
  z[0] = z[1] = 0;
  for (int k = 0; k < b->n; k++) {
    const Member *m = &b->member[k];
    z[m->side] += value_of(e, m->side, e->t->first_row[m->point] + i) / e->points[m->side];
  }
  return !isnan(z[0]) && !isnan(z[1]);
}

/* Welford's update in two dimensions over all blocks; means and covariances become those of the sum of the blocks' means. */
static Group measure(const Evaluation *e, const Block *b, int n)
{
  Group  g                  = {0};
  double grand[CLAIM_SIDES] = {0, 0}, z[CLAIM_SIDES], before[CLAIM_SIDES], weight = 0;
  for (int k = 0; k < n; k++) {
    double  mean[CLAIM_SIDES] = {0, 0};
    int64_t rows              = 0;
    for (int64_t i = 0; i < e->t->point_rows[b[k].member->point]; i++) {
      if (!observe(e, &b[k], i, z)) continue;
      g.n++;
      rows++;
      for (int side = 0; side < CLAIM_SIDES; side++) {
        before[side] = z[side] - grand[side];
        grand[side] += before[side] / (double)g.n;
        mean[side] += (z[side] - mean[side]) / (double)rows;
      }
      g.covariance[0] += before[0] * (z[0] - grand[0]);
      g.covariance[1] += before[0] * (z[1] - grand[1]);
      g.covariance[2] += before[1] * (z[1] - grand[1]);
    }
    for (int side = 0; side < CLAIM_SIDES; side++) g.mean[side] += mean[side];
    weight += 1 / (double)rows;
  }
  for (int k = 0; k < 3; k++) g.covariance[k] = g.n < 2 ? (double)NAN : g.covariance[k] / (double)(g.n - 1) * weight;
  return g;
}

/* Squared distances from the means of the group's sides to Clopper-Pearson bounds. Points of one side that share random numbers are taken
 * as fully correlated, the two sides as correlated as their observations are. */
static void add_events(Evaluation *e, const Block *b, int n, Group *g)
{
  double below[CLAIM_SIDES] = {0, 0}, above[CLAIM_SIDES] = {0, 0};
  g->mean[0] = g->mean[1] = 0; /* exact counts instead of sums of shares */
  for (int k = 0; k < b->n; k++) {
    const int side = b->member[k].side;
    int64_t   ones = 0, all = 0;
    double    low, high;
    for (int i = 0; i < n; i++) { /* the same configuration with all seeds */
      const Member *m = &b[i].member[k];
      ones += m->ones;
      all += m->n;
      g->mean[side] += (double)m->ones / (double)m->n / e->points[side];
    }
    const double mean = (double)ones / (double)all, share = n / e->points[side];
    stats_binomial_interval(ones, all, e->level, &low, &high);
    below[side] += share * (mean - low);
    above[side] += share * (high - mean);
  }
  const double product = g->covariance[0] * g->covariance[2], r = product > 0 ? g->covariance[1] / sqrt(product) : 0;
  for (int side = 0; side < CLAIM_SIDES; side++) {
    e->below[side] += below[side] * below[side];
    e->above[side] += above[side] * above[side];
  }
  e->cross_low += r * below[CLAIM_OF] * above[CLAIM_AGAINST];
  e->cross_high += r * above[CLAIM_OF] * below[CLAIM_AGAINST];
}

static void add_block(Evaluation *e, const Member *m, int n)
{
  Block b = {.member = m, .n = n};
  for (int k = 0; k < n; k++) b.signature = hash_u64(hash_u64(b.signature, m[k].configuration), (uint64_t)m[k].side);
  e->block[e->n_blocks++] = b;
}

/* Returns whether every block holds both sides. */
static bool form_blocks(Evaluation *e)
{
  bool paired = e->n_members > 0;
  e->block    = mem_calloc((size_t)e->n_members, sizeof *e->block);
  for (int i = 0, j; i < e->n_members; i = j) {
    const Member *m = &e->member[i];
    for (j = i + 1; j < e->n_members && e->member[j].key == m->key;) j++;
    const bool together = same_replicates(e, m, j - i);
    paired              = paired && together && m[0].side != m[j - i - 1].side;
    if (together)
      add_block(e, m, j - i);
    else
      for (int k = 0; k < j - i; k++) add_block(e, m + k, 1);
  }
  qsort(e->block, (size_t)e->n_blocks, sizeof *e->block, by_signature);
  return paired;
}

static void form_groups(Evaluation *e, bool events)
{
  e->group = mem_calloc((size_t)e->n_blocks, sizeof *e->group);
  for (int i = 0, j; i < e->n_blocks; i = j) {
    for (j = i + 1; j < e->n_blocks && e->block[j].signature == e->block[i].signature;) j++;
    Group g = measure(e, &e->block[i], j - i);
    if (events) add_events(e, &e->block[i], j - i, &g);
    e->group[e->n_groups++] = g;
  }
}

/* --- intervals --- */

/* Of `of` - slope `against`, by Student's t: squared half widths, as those of events are. The degrees of freedom are those of the whole. */
static void set_spread(Evaluation *e, double slope)
{
  double sum[3] = {0, 0, 0}, variance = 0, square = 0;
  for (int i = 0; i < e->n_groups; i++) {
    const Group *g = &e->group[i];
    const double v = g->covariance[0] - 2 * slope * g->covariance[1] + slope * slope * g->covariance[2];
    for (int k = 0; k < 3; k++) sum[k] += g->covariance[k];
    variance += v;
    square += v * v / (double)(g->n - 1);
  }
  const double t = variance > 0 ? stats_t_quantile(1 - 0.5 * e->level, variance * variance / square) : isnan(variance) ? (double)NAN : 0;
  e->below[0] = e->above[0] = t * t * sum[0];
  e->below[1] = e->above[1] = t * t * sum[2];
  e->cross_low = e->cross_high = t * t * sum[1];
}

/* Roots of (y^2 - q) s^2 - 2 (x y - c) s + x^2 - p = 0 nearest to x / y: the slopes at which x - s y leaves its interval. */
static double slope_low(double x, double y, double p, double q, double c)
{
  const double half = x * y - c, root = sqrt(fmax(0, half * half - (y * y - q) * (x * x - p)));
  if (half == 0 && root == 0) return 0;
  return half >= 0 ? (x * x - p) / (half + root) : (half - root) / (y * y - q);
}

static double slope_high(double x, double y, double p, double q, double c)
{
  const double half = x * y - c, root = sqrt(fmax(0, half * half - (y * y - q) * (x * x - p)));
  if (half == 0 && root == 0) return 0;
  return half > 0 ? (half + root) / (y * y - q) : (x * x - p) / (half - root);
}

static const char unbounded[] = "unbounded: `against` is not clear of 0";

/* The probabilities of events are not negative: the low end always exists, the high one where `against` is clear of 0. */
static void event_ratio(const Evaluation *e, double x, double y, ClaimResult *r)
{
  const double room = y * y - e->below[1];
  r->low            = slope_low(x, y, e->below[0], e->above[1], e->cross_low);
  r->high           = room > 1e-12 * y * y ? slope_high(x, y, e->above[0], e->below[1], e->cross_high) : (double)INFINITY;
  if (isinf(r->high)) r->note = unbounded;
}

static void ratio(Evaluation *e, bool events, double x, double y, ClaimResult *r)
{
  r->value = x / y;
  if (events) {
    event_ratio(e, x, y, r);
    return;
  }
  if (y != 0) set_spread(e, r->value);
  if (y != 0 && isnan(e->below[0] + e->below[1])) return;
  if (y == 0 || y * y <= e->below[1]) { /* also where two half lines are left */
    r->low  = -INFINITY;
    r->high = INFINITY;
    r->note = unbounded;
    return;
  }
  r->low  = slope_low(x, y, e->below[0], e->below[1], e->cross_low);
  r->high = slope_high(x, y, e->below[0], e->below[1], e->cross_low);
}

static void interval(Evaluation *e, const Claim *c, bool events, ClaimResult *r)
{
  double mean[CLAIM_SIDES] = {0, 0};
  for (int i = 0; i < e->n_groups; i++)
    for (int side = 0; side < CLAIM_SIDES; side++) mean[side] += e->group[i].mean[side];
  if (c->compare == CLAIM_RATIO) {
    ratio(e, events, mean[CLAIM_OF], mean[CLAIM_AGAINST], r);
  } else {
    if (!events) set_spread(e, c->compare == CLAIM_VALUE ? 0 : 1);
    r->value = mean[CLAIM_OF] - mean[CLAIM_AGAINST];
    r->low   = r->value - sqrt(fmax(0, e->below[CLAIM_OF] - 2 * e->cross_low + e->above[CLAIM_AGAINST]));
    r->high  = r->value + sqrt(fmax(0, e->above[CLAIM_OF] - 2 * e->cross_high + e->below[CLAIM_AGAINST]));
    if (isnan(e->below[0] + e->below[1])) r->low = r->high = NAN;
  }
  if (isnan(r->low) || isnan(r->high)) {
    r->low = r->high = NAN;
    r->note          = isfinite(r->value) ? "no interval: it takes two trials a point" : "no interval: values that are not finite";
  }
}

static ClaimVerdict judge(const Claim *c, const ClaimResult *r)
{
  const bool inside  = c->bound == CLAIM_BELOW   ? r->high < c->high
                       : c->bound == CLAIM_ABOVE ? r->low > c->low
                                                 : r->low >= c->low && r->high <= c->high;
  const bool outside = c->bound == CLAIM_BELOW   ? r->low >= c->high
                       : c->bound == CLAIM_ABOVE ? r->high <= c->low
                                                 : r->low > c->high || r->high < c->low;
  if (isnan(r->low) || (isinf(r->low) && isinf(r->high))) return CLAIM_UNDECIDED;
  if (c->bound != CLAIM_CONTAINS) return inside ? CLAIM_HOLDS : outside ? CLAIM_FAILS : CLAIM_UNDECIDED;
  if (outside) return CLAIM_FAILS;
  return isinf(r->low) || isinf(r->high) ? CLAIM_UNDECIDED : CLAIM_HOLDS;
}

static void evaluate(const ResultsTable *t, const ResultsClaim *c, ClaimResult *r)
{
  Evaluation e = {.t = t, .level = alpha / t->n_claims};
  *r           = (ClaimResult){.value = NAN, .low = NAN, .high = NAN};
  for (int side = 0; side < CLAIM_SIDES; side++) e.metric[side] = find_metric(t, c->claim.metric[side]);
  collect(&e, c, r);
  if (r->n[CLAIM_OF] > 0 && (c->claim.compare == CLAIM_VALUE || r->n[CLAIM_AGAINST] > 0)) {
    const bool events = e.metric[CLAIM_OF]->event && (c->claim.compare == CLAIM_VALUE || e.metric[CLAIM_AGAINST]->event);
    r->paired         = form_blocks(&e) && c->claim.compare != CLAIM_VALUE;
    form_groups(&e, events);
    interval(&e, &c->claim, events, r);
    r->verdict = judge(&c->claim, r);
  } else {
    r->note = "no values yet";
  }
  free(e.member);
  free(e.block);
  free(e.group);
}

void claims_evaluate(const ResultsTable *t, ClaimResult *result)
{
  for (int i = 0; i < t->n_claims; i++) evaluate(t, &t->claim[i], &result[i]);
}
