/* SPDX-License-Identifier: BSD-2-Clause
 * Checks that every answer carries: Foster's theorem sum_e w_e R_e = n - c (R. M. Foster, 1949), bridges (w R = 1), Rayleigh's bound
 * w R <= 1, and a random sample of edges solved anew to 1e-12, each in its whole component and not in the block it was computed in. Bounds:
 * round-off for exact methods, standard errors for the sketch. It does not mend anything. */
#include <math.h>
#include <stdio.h>

#include "resistance.h"
#include "resistance_check.h"
#include "rng.h"

/* Round-off that exact answers may show; Foster's sum and 32 solves stay below 1e-11 on graphs of a million vertices. */
static const double EXACT_BOUND = 1e-9, FOSTER_BOUND = 1e-11, RAYLEIGH_BOUND = 1e-10, BRIDGE_BOUND = 1e-10, SOLVE_TOLERANCE = 1e-12;
/* Standard errors that a sketch may be off, and the bias that its solver's tolerance leaves. */
static const double BARS = 5, SKETCH_BIAS = 2e-3;

static double excess_of(const Graph *g, const double *r, const double *error)
{
  double most = -1;
  for (int64_t e = 0; e < g->m; e++) most = fmax(most, graph_weight(g, e) * (r[e] - BARS * error[e]) - 1);
  return most;
}

static double bridge_error(const Graph *g, const GraphBlocks *b, const double *r)
{
  double worst = 0;
  for (int64_t e = 0; e < g->m; e++)
    if (b->size[b->block[e]] == 1) worst = fmax(worst, fabs(graph_weight(g, e) * r[e] - 1));
  return worst;
}

/* n different edges, or all: Floyd's sampling (CACM 30 (1987) 754) by linear search, n is small. */
static int64_t draw_edges(uint64_t key, int64_t m, int64_t n, int64_t *edge)
{
  Rng     rng   = rng_start(key, 0, RNG_VERIFY);
  int64_t count = 0;
  if (n > m) n = m;
  for (int64_t j = m - n; j < m; j++) {
    int64_t pick = (int64_t)(rng_uniform(&rng) * (double)(j + 1));
    for (int64_t i = 0; i < count; i++)
      if (edge[i] == pick) pick = j;
    edge[count++] = pick;
  }
  return count;
}

/* The drawn pairs, and what they came out as. */
typedef struct Sample {
  int64_t n, *u, *v;
  double *value, *error, *solved;
  double *known; /* the part of R that the sketch has exactly: 1/d_u + 1/d_v - 2 w/(d_u d_v) */
} Sample;

static PetscErrorCode sample_create(int64_t n, Sample *s)
{
  const size_t size = (size_t)PetscMax(n, 1);
  PetscFunctionBeginUser;
  s->n = n;
  PetscCall(PetscMalloc6(size, &s->u, size, &s->v, size, &s->value, size, &s->error, size, &s->solved, size, &s->known));
  PetscFunctionReturn(0);
}

static PetscErrorCode sample_clear(Sample *s)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree6(s->u, s->v, s->value, s->error, s->solved, s->known));
  PetscFunctionReturn(0);
}

/* Solves those of the drawn pairs that lie in component c; others stay as they are. */
static PetscErrorCode solve_component(MPI_Comm comm, const Graph *g, const int64_t *component, int64_t c, const ResistanceOptions *o,
                                      Sample *s)
{
  int64_t      *edges, *vertex, *local, *u, *v, *which, m = 0, k = 0;
  const int64_t n = s->n;
  double       *r;
  Graph        *part;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)g->m, &edges, (size_t)g->n, &local));
  PetscCall(PetscMalloc4((size_t)n, &u, (size_t)n, &v, (size_t)n, &which, (size_t)n, &r));
  for (int64_t e = 0; e < g->m; e++)
    if (component[g->u[e]] == c) edges[m++] = e;
  PetscCall(graph_subgraph(g, m, edges, &vertex, &part));
  for (int64_t i = 0; i < part->n; i++) local[vertex[i]] = i;
  for (int64_t i = 0; i < n; i++) {
    if (component[s->u[i]] != c) continue;
    u[k]       = local[s->u[i]];
    v[k]       = local[s->v[i]];
    which[k++] = i;
  }
  PetscCall(resistance_sample(comm, part, k, u, v, SOLVE_TOLERANCE, o->memory_limit, o->watch, r));
  for (int64_t i = 0; i < k; i++) s->solved[which[i]] = r[i];
  graph_destroy(&part);
  PetscCall(PetscFree(vertex));
  PetscCall(PetscFree4(u, v, which, r));
  PetscCall(PetscFree2(edges, local));
  PetscFunctionReturn(0);
}

static PetscErrorCode solve_sample(MPI_Comm comm, const Graph *g, const int64_t *component, const ResistanceOptions *o, Sample *s)
{
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < s->n; i++) s->solved[i] = NAN;
  for (int64_t i = 0; i < s->n; i++) {
    const int64_t c     = component[s->u[i]];
    bool          again = false;
    for (int64_t j = 0; j < i; j++) again = again || component[s->u[j]] == c;
    if (!again) PetscCall(solve_component(comm, g, component, c, o, s));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode find_known(const Graph *g, Sample *s)
{
  double *degree, *joint;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2((size_t)g->n, &degree, (size_t)s->n, &joint));
  for (int64_t i = 0; i < s->n; i++) degree[s->u[i]] = degree[s->v[i]] = 1; /* a mark: others are not asked for */
  for (int64_t e = 0; e < g->m; e++) {
    if (degree[g->u[e]] == 0 || degree[g->v[e]] == 0) continue;
    for (int64_t i = 0; i < s->n; i++)
      if ((s->u[i] == g->u[e] && s->v[i] == g->v[e]) || (s->u[i] == g->v[e] && s->v[i] == g->u[e])) joint[i] = graph_weight(g, e);
  }
  for (int64_t i = 0; i < g->n; i++) degree[i] = 0;
  for (int64_t e = 0; e < g->m; e++) {
    degree[g->u[e]] += graph_weight(g, e);
    degree[g->v[e]] += graph_weight(g, e);
  }
  for (int64_t i = 0; i < s->n; i++) {
    const double a = degree[s->u[i]], b = degree[s->v[i]];
    s->known[i] = 1 / a + 1 / b - 2 * joint[i] / (a * b);
  }
  PetscCall(PetscFree2(degree, joint));
  PetscFunctionReturn(0);
}

/* How far a sketched value may be off. Its own standard error is small where it happened to miss large contributions, so the deviation that
 * signs have at most stands beside it: the square of one projection has a variance of 2 T^2, T being the part that is sketched. */
static double sketch_bound(const Sample *s, int64_t i, int64_t projections)
{
  const double sketched = fmax(0, s->solved[i] - s->known[i]);
  return BARS * fmax(s->error[i], sketched * sqrt(2 / (double)projections)) + SKETCH_BIAS * sketched;
}

/* Deviations of the sample; fills check->invalid where one is out of bounds. */
static void judge_sample(const Sample *s, const ResistanceOptions *options, ResistanceCheck *check)
{
  const int64_t projections = options->projections > 0 ? options->projections : 64;
  double        worst = 0, sum = 0;
  for (int64_t i = 0; i < s->n; i++) {
    const double r = s->value[i], solved = s->solved[i], off = fabs(r - solved);
    const double bound = s->error[i] > 0 ? sketch_bound(s, i, projections) : EXACT_BOUND * solved;
    if (!(off <= bound) && !check->invalid[0])
      snprintf(check->invalid, sizeof check->invalid, "edge %lld-%lld: R = %.10g, solved anew %.10g", (long long)s->u[i],
               (long long)s->v[i], r, solved);
    worst = isnan(solved) ? (double)INFINITY : fmax(worst, off / solved);
    sum += off / solved;
  }
  check->n_sample          = s->n;
  check->sample_error      = s->n > 0 ? worst : (double)NAN;
  check->sample_mean_error = s->n > 0 ? sum / (double)s->n : (double)NAN;
}

/* Sum of w R less what the sketch has of it exactly: the part that its noise and its solver's bias are in. */
static PetscErrorCode sketched_part(const Graph *g, const double *r, double *sum)
{
  double *degree;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)g->n, &degree));
  for (int64_t e = 0; e < g->m; e++) {
    degree[g->u[e]] += graph_weight(g, e);
    degree[g->v[e]] += graph_weight(g, e);
  }
  *sum = 0;
  for (int64_t e = 0; e < g->m; e++) {
    const double w = graph_weight(g, e), a = degree[g->u[e]], b = degree[g->v[e]];
    *sum += fmax(0, w * (r[e] - (1 / a + 1 / b - 2 * w / (a * b))));
  }
  PetscCall(PetscFree(degree));
  PetscFunctionReturn(0);
}

/* How far Foster's sum may be off, relatively. */
static PetscErrorCode foster_bound(const Graph *g, const double *r, const ResistanceStats *stats, double rank, double *bound)
{
  double sketched = 0;

  PetscFunctionBeginUser;
  *bound = stats->method == RESISTANCE_SOLVE ? EXACT_BOUND : FOSTER_BOUND;
  if (stats->projections == 0) PetscFunctionReturn(0);
  PetscCall(sketched_part(g, r, &sketched));
  *bound += (BARS * stats->foster_stderr + SKETCH_BIAS * sketched) / rank;
  PetscFunctionReturn(0);
}

static void judge(ResistanceCheck *c)
{
  if (!(c->foster_error <= c->foster_bound))
    snprintf(c->invalid, sizeof c->invalid, "Foster's theorem violated by %.3g (bound %.3g)", c->foster_error, c->foster_bound);
  else if (!(c->bridge_error <= BRIDGE_BOUND))
    snprintf(c->invalid, sizeof c->invalid, "a bridge's w R is off 1 by %.3g", c->bridge_error);
  else if (!(c->excess <= RAYLEIGH_BOUND))
    snprintf(c->invalid, sizeof c->invalid, "an edge's w R exceeds 1 by %.3g beyond its error", c->excess);
}

PetscErrorCode resistance_verify(MPI_Comm comm, const Graph *g, const GraphBlocks *b, const double *r, const double *error,
                                 int64_t n_sample, const ResistanceOptions *options, const ResistanceStats *stats, ResistanceCheck *check)
{
  const double rank = fmax(1, (double)(g->n - b->n_components));
  int64_t     *edge;
  Sample       sample;

  PetscFunctionBeginUser;
  *check = (ResistanceCheck){
      .foster_error = resistance_foster_error(g, r), .bridge_error = bridge_error(g, b, r), .excess = excess_of(g, r, error)};
  PetscCall(foster_bound(g, r, stats, rank, &check->foster_bound));
  judge(check);
  PetscCall(PetscMalloc1((size_t)PetscMax(n_sample, 1), &edge));
  PetscCall(sample_create(draw_edges(options->key, g->m, n_sample, edge), &sample));
  for (int64_t i = 0; i < sample.n; i++) {
    sample.u[i]     = g->u[edge[i]];
    sample.v[i]     = g->v[edge[i]];
    sample.value[i] = r[edge[i]];
    sample.error[i] = error[edge[i]];
  }
  PetscCall(solve_sample(comm, g, b->component, options, &sample));
  PetscCall(find_known(g, &sample));
  judge_sample(&sample, options, check);
  PetscCall(sample_clear(&sample));
  PetscCall(PetscFree(edge));
  PetscFunctionReturn(0);
}

PetscErrorCode resistance_verify_pairs(MPI_Comm comm, const Graph *g, const GraphBlocks *b, int64_t n_pairs, const int64_t *u,
                                       const int64_t *v, const double *r, const double *error, int64_t n_sample,
                                       const ResistanceOptions *options, ResistanceCheck *check)
{
  int64_t *pair, n = 0;
  Sample   sample;

  PetscFunctionBeginUser;
  *check = (ResistanceCheck){.foster_error = NAN, .foster_bound = NAN, .bridge_error = NAN, .excess = NAN};
  for (int64_t k = 0; k < n_pairs; k++) {
    const bool same = u[k] == v[k], together = b->component[u[k]] == b->component[v[k]];
    const bool right = same ? r[k] == 0 : together ? isfinite(r[k]) && r[k] > 0 : isinf(r[k]);
    if (right || check->invalid[0]) continue;
    snprintf(check->invalid, sizeof check->invalid, "pair %lld has R = %.10g", (long long)k, r[k]);
  }
  PetscCall(PetscMalloc1((size_t)PetscMax(n_sample, 1), &pair));
  n_sample = draw_edges(options->key, n_pairs, n_sample, pair);
  PetscCall(sample_create(n_sample, &sample));
  for (int64_t i = 0; i < n_sample; i++) {
    const int64_t k = pair[i];
    if (u[k] == v[k] || b->component[u[k]] != b->component[v[k]]) continue;
    sample.u[n]       = u[k];
    sample.v[n]       = v[k];
    sample.value[n]   = r[k];
    sample.error[n++] = error[k];
  }
  sample.n = n;
  PetscCall(solve_sample(comm, g, b->component, options, &sample));
  PetscCall(find_known(g, &sample));
  judge_sample(&sample, options, check);
  PetscCall(sample_clear(&sample));
  PetscCall(PetscFree(pair));
  PetscFunctionReturn(0);
}
