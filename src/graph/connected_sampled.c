/* SPDX-License-Identifier: BSD-2-Clause
 * P(connected) of a clique chain when edges are drawn without replacement with probability proportional to a score (multivariate
 * Wallenius law; Fog, Commun. Stat. Simul. Comput. 37 (2008) 258).
 *
 * Successive sampling is a race of exponential clocks: edge e rings at a time with rate w_e, the first `keep` to ring are drawn. With q_e
 * = exp(-w_e t), a set S is drawn with probability
 *   integral over t > 0 of (sum_{e not in S} w_e) prod_{e in S} (1 - q_e) prod_{e not in S} q_e dt
 * (t: the time of the first ring outside S). Summed over the connected sets S, a clique of one score contributes at each t the numbers
 *   A_j = C(n, j) (1-q)^j q^(M-j), and their derivative-like partners B_j = w (M - j) A_j
 * for j of its M edges; products over cliques are convolutions, and every bridge rings: 1 - q. In s = log t the integrand is analytic and
 * decays at both ends, so the trapezoidal rule converges geometrically; the step is halved until the value stands still. */
#include <math.h>
#include <string.h>

#include "connected.h"
#include "polynomial.h"

static const double TOLERANCE = 1e-11; /* between two step sizes; the finer one is far more accurate than that */
static const double WORK_MAX  = 1e10;  /* floating-point operations: some five seconds */

/* A clique of M >= 1 edges. */
typedef struct Factor {
  int64_t m;
  double  weight;
  double *log_ways; /* (m + 1) log C(n, j); -inf where 0 */
} Factor;

typedef struct Race {
  int     n_factors, n_bridges;
  Factor  factor[64];                                    /* the largest comes last */
  double  bridge[63];                                    /* scores */
  int64_t keep;                                          /* edges drawn from the cliques */
  double  total;                                         /* sum of all scores */
  double *storage;                                       /* owned; holds the rows below */
  double *a, *b, *a_next, *b_next, *a_clique, *b_clique; /* (all edges + 1) each */
} Race;

/* --- set-up --- */

static PetscErrorCode factor_create(int64_t n, double weight, Factor *out)
{
  Polynomial count = {0};
  long       exponent;

  PetscFunctionBeginUser;
  out->m      = n * (n - 1) / 2;
  out->weight = weight;
  PetscCall(PetscMalloc1((size_t)out->m + 1, &out->log_ways));
  PetscCall(polynomial_connected(n, &count));
  polynomial_to_powers(&count);
  for (int64_t j = 0; j <= out->m; j++) {
    const double mantissa = mpz_get_d_2exp(&exponent, count.c[j]);
    out->log_ways[j]      = mantissa > 0 ? log(mantissa) + (double)exponent * M_LN2 : -INFINITY;
  }
  polynomial_clear(&count);
  PetscFunctionReturn(0);
}

static PetscErrorCode race_destroy(Race *race)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < race->n_factors; i++) PetscCall(PetscFree(race->factor[i].log_ways));
  PetscCall(PetscFree(race->storage));
  PetscFunctionReturn(0);
}

static void largest_last(Race *race)
{
  for (int i = 0; i + 1 < race->n_factors; i++) {
    const Factor f    = race->factor[i];
    const int    last = race->n_factors - 1;
    if (f.m <= race->factor[last].m) continue;
    race->factor[i]    = race->factor[last];
    race->factor[last] = f;
  }
}

static PetscErrorCode race_create(const CliqueChain *chain, const double *clique_score, const double *bridge_score, int64_t keep,
                                  Race *race)
{
  const size_t size = (size_t)clique_chain_edges(chain) + 1;

  PetscFunctionBeginUser;
  *race = (Race){.keep = keep, .n_bridges = chain->n_cliques - 1};
  for (int i = 0; i < race->n_bridges; i++) {
    race->bridge[i] = bridge_score[i];
    race->total += bridge_score[i];
  }
  race->keep -= race->n_bridges;
  for (int i = 0; i < chain->n_cliques; i++) {
    if (chain->size[i] < 2) continue;
    Factor *f = &race->factor[race->n_factors++];
    PetscCall(factor_create(chain->size[i], clique_score[i], f));
    race->total += f->weight * (double)f->m;
  }
  largest_last(race);
  PetscCall(PetscCalloc1(6 * size, &race->storage));
  double **part[] = {&race->a, &race->b, &race->a_next, &race->b_next, &race->a_clique, &race->b_clique};
  for (size_t i = 0; i < 6; i++) *part[i] = race->storage + i * size;
  PetscFunctionReturn(0);
}

/* --- the integrand --- */

/* Fills a_clique, b_clique and returns the range [*first, *last] outside of which A is below 1e-30: nothing, beside a probability. */
static void clique_terms(const Race *race, const Factor *f, double t, int64_t *first, int64_t *last)
{
  const double log_q = -f->weight * t, log_p = log(-expm1(log_q));
  *first = f->m + 1;
  *last  = -1;
  for (int64_t j = 0; j <= f->m; j++) {
    const double a    = isinf(f->log_ways[j]) ? 0 : exp(f->log_ways[j] + (double)j * log_p + (double)(f->m - j) * log_q);
    race->a_clique[j] = a;
    race->b_clique[j] = f->weight * (double)(f->m - j) * a;
    if (a < 1e-30) continue;
    if (j < *first) *first = j;
    *last = j;
  }
}

/* (a, b) of [low, high] times the clique's terms; dual numbers: b carries the sum of the rates outside S. */
static void multiply_terms(Race *race, int64_t *low, int64_t *high, int64_t first, int64_t last)
{
  memset(race->a_next + *low + first, 0, (size_t)(*high + last - *low - first + 1) * sizeof(double));
  memset(race->b_next + *low + first, 0, (size_t)(*high + last - *low - first + 1) * sizeof(double));
  for (int64_t i = *low; i <= *high; i++) {
    for (int64_t j = first; j <= last; j++) {
      race->a_next[i + j] += race->a[i] * race->a_clique[j];
      race->b_next[i + j] += race->a[i] * race->b_clique[j] + race->b[i] * race->a_clique[j];
    }
  }
  double *a = race->a, *b = race->b;
  race->a      = race->a_next;
  race->b      = race->b_next;
  race->a_next = a;
  race->b_next = b;
  *low += first;
  *high += last;
}

/* The integrand with respect to s = log t. */
static double integrand(Race *race, double s)
{
  const double t   = exp(s);
  int64_t      low = 0, high = 0, first = 0, last = 0;
  double       scale = t, sum = 0;
  for (int i = 0; i < race->n_bridges; i++) scale *= -expm1(-race->bridge[i] * t);
  race->a[0] = 1;
  race->b[0] = 0;
  for (int i = 0; i < race->n_factors; i++) {
    clique_terms(race, &race->factor[i], t, &first, &last);
    if (last < first) return 0;
    if (i + 1 < race->n_factors) multiply_terms(race, &low, &high, first, last);
  }
  /* Of the last product one coefficient is wanted. */
  for (int64_t i = low; i <= high; i++) {
    const int64_t j = race->keep - i;
    if (j < first || j > last) continue;
    sum += race->a[i] * race->b_clique[j] + race->b[i] * race->a_clique[j];
  }
  return scale * sum;
}

/* Trapezoidal rule on [low, high], outside of which the ring falls with probability below 1e-17: the (keep+1)-th ring comes before t with
 * probability <= (total t)^(keep+1) / (keep+1)!, the last one of m after t with probability <= m exp(-slowest t). */
static double integrate(Race *race, int64_t drawn, int64_t m, double slowest)
{
  const double rings = (double)drawn + 1;
  const double low = (lgamma(rings + 1) - 40) / rings - log(race->total), high = log((log((double)m) + 40) / slowest);
  int64_t      steps = (int64_t)ceil((high - low) * 2 * sqrt(rings)) + 1;
  double       h = (high - low) / (double)steps, sum = 0, value, before;
  for (int64_t i = 0; i <= steps; i++) sum += integrand(race, low + h * (double)i);
  value = h * sum;
  for (int halving = 0; halving < 10; halving++) {
    before = value;
    for (int64_t i = 0; i < steps; i++) sum += integrand(race, low + h * ((double)i + 0.5));
    steps *= 2;
    h /= 2;
    value = h * sum;
    if (fabs(value - before) <= TOLERANCE) return fmin(value, 1);
  }
  return NAN;
}

/* --- the cases --- */

/* Scores of cliques and bridges; false when a joint has several bridges or a clique several scores (further apart than round-off). */
static bool read_scores(const CliqueChain *chain, const double *score, double tolerance, double *clique, double *bridge)
{
  for (int i = 0; i < chain->n_cliques; i++) {
    const int64_t edges = chain->size[i] * (chain->size[i] - 1) / 2;
    if (i + 1 < chain->n_cliques && chain->bridges[i] != 1) return false;
    clique[i] = edges ? score[0] : 0;
    for (int64_t e = 1; e < edges; e++)
      if (fabs(score[e] - score[0]) > tolerance) return false;
    score += edges;
  }
  for (int i = 0; i + 1 < chain->n_cliques; i++) bridge[i] = score[i];
  return true;
}

/* Edges of positive score are all drawn, and the rest uniformly from those of score 0. */
static PetscErrorCode draw_zeros(const CliqueChain *chain, const double *score, int64_t m, int64_t draw, double *probability)
{
  uint8_t *fate;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)m, &fate));
  for (int64_t e = 0; e < m; e++) fate[e] = score[e] > 0 ? FATE_KEPT : FATE_POOL;
  PetscCall(connected_probability_pool(chain, fate, draw, probability));
  PetscCall(PetscFree(fate));
  PetscFunctionReturn(0);
}

/* Operations of the counting and of all evaluations; too many: not attempted. A clique's terms are as wide as the bell of a binomial law
 * down to 1e-30, some twelve standard deviations to each side; the largest clique comes last and is not multiplied out. */
static bool too_long(const CliqueChain *chain, int64_t keep)
{
  double counting = 0, once = 0, length = 1;
  int    largest = 0;
  for (int i = 1; i < chain->n_cliques; i++)
    if (chain->size[i] > chain->size[largest]) largest = i;
  for (int i = 0; i < chain->n_cliques; i++) {
    const double edges = (double)(chain->size[i] * (chain->size[i] - 1) / 2), width = fmin(edges, 20 + 12 * sqrt(edges));
    counting += polynomial_connected_work(chain->size[i]) + edges * edges / 2;
    once += 50 * edges + (i == largest ? 0 : 6 * length * width);
    length += i == largest ? 0 : width;
  }
  return counting > POLYNOMIAL_WORK_MAX || once * 100 * sqrt((double)keep + 1) > WORK_MAX;
}

PetscErrorCode connected_probability_sampled(const CliqueChain *chain, const double *score, int64_t keep, double *probability)
{
  double        clique[64], bridge[63], most = 0, slowest = INFINITY;
  const int64_t m        = clique_chain_edges(chain);
  int64_t       positive = 0;
  Race          race;

  PetscFunctionBeginUser;
  PetscCheck(keep >= 0 && keep <= m, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%lld of %lld edges kept", (long long)keep, (long long)m);
  for (int64_t e = 0; e < m; e++) {
    PetscCheck(isfinite(score[e]) && score[e] >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "edge %lld has score %g", (long long)e,
               score[e]);
    positive += score[e] > 0;
    most = fmax(most, score[e]);
    if (score[e] > 0) slowest = fmin(slowest, score[e]);
  }
  *probability = NAN;
  if (!read_scores(chain, score, 1e-9 * most, clique, bridge)) PetscFunctionReturn(0);
  if (keep >= positive) {
    PetscCall(draw_zeros(chain, score, m, keep - positive, probability));
    PetscFunctionReturn(0);
  }
  if (positive < m || keep < chain->n_cliques - 1) *probability = 0; /* a clique or a bridge stays without edges */
  if (positive < m || keep < chain->n_cliques - 1 || too_long(chain, keep)) PetscFunctionReturn(0);
  PetscCall(race_create(chain, clique, bridge, keep, &race));
  *probability = integrate(&race, keep, m, slowest);
  PetscCall(race_destroy(&race));
  PetscFunctionReturn(0);
}
