/* SPDX-License-Identifier: BSD-2-Clause
 * Exact values beside graph_diffusion: what a perfect denoiser learns and generates. In fixed order, where pairs are independent, the law
 * of every pair is tilted to P~ = w P / (w P + 1 - P) and samples have independent edges; toy4 is enumerated; a blind model of a permuted
 * set has one frequency for all pairs. */
#include <math.h>
#include <string.h>

#include "connected.h"
#include "graph_diffusion.h"

enum { RELIABILITY_NODES_MAX = 16 };

/* Whether pairs are independent given the data law, each in its place: then seeing other pairs helps no model. A random site of the bridge
 * joins cross pairs, and so does a graph's weight, unless one bridge alone decides it. */
static bool independent(const GraphDiffusionParams *p)
{
  const bool one   = p->data == SET_BARBELL || p->data == SET_TOY4;
  const bool kind  = one || p->data == SET_CHAIN || p->data == SET_BLOCKS || (p->data == SET_ERDOS_RENYI && p->cluster_sizes.n == 1);
  const bool joins = p->loss == LOSS_GRAPH_WEIGHTED && !one;
  return kind && !joins && !p->permute && !p->node_blocks;
}

bool graph_diffusion_has_posterior(const GraphDiffusionParams *p) { return independent(p) || (p->data == SET_TOY4 && p->permute); }

/* --- per trial --- */

/* P(connected) of vertices [first, last) with independent edges. Beyond 16 vertices 1 - the expected number of vertices alone, where that
 * is small; else NaN. */
static double connected_cluster(const double *pair, int first, int last)
{
  double    inside[RELIABILITY_NODES_MAX * RELIABILITY_NODES_MAX], lone = 0;
  const int size = last - first;
  for (int k = 0; k < size; k++) {
    double alone = 1;
    for (int i = 0; i < size; i++) {
      if (i < k && size <= RELIABILITY_NODES_MAX) inside[pair_index(i, k)] = pair[pair_index(first + i, first + k)];
      if (i != k) alone *= 1 - pair[pair_index(first + i, first + k)];
    }
    lone += alone;
  }
  if (size <= RELIABILITY_NODES_MAX) return connected_independent(size, inside);
  return lone < 1e-3 ? 1 - lone : (double)NAN;
}

/* Clusters one by one, and the graph of clusters, joined where any cross pair is: a disconnected cluster that cross edges hold together
 * counts as disconnected, an error below the chance of a disconnected cluster. */
static double connected_clusters(const GraphSet *set, const double *pair)
{
  double joined[SET_CLUSTERS_MAX * SET_CLUSTERS_MAX], connected = 1;
  int    start[SET_CLUSTERS_MAX + 1], clusters                  = 0;
  for (int i = 0; i < set->n; i++)
    if (i == 0 || set->cluster[i] != set->cluster[i - 1]) start[clusters++] = i;
  start[clusters] = set->n;
  for (int v = 0; v < clusters; v++) {
    connected *= connected_cluster(pair, start[v], start[v + 1]);
    for (int u = 0; u < v; u++) {
      double none = 1;
      for (int i = start[u]; i < start[u + 1]; i++)
        for (int k = start[v]; k < start[v + 1]; k++) none *= 1 - pair[pair_index(i, k)];
      joined[pair_index(u, v)] = 1 - none;
    }
  }
  return connected * connected_independent(clusters, joined);
}

static double connected_of(const GraphDiffusionParams *p, const GraphSet *set, const double *pair)
{
  if (set->n <= RELIABILITY_NODES_MAX) return connected_independent(set->n, pair);
  return p->permute || set->cluster[0] == SET_NO_CLUSTER ? (double)NAN : connected_clusters(set, pair);
}

static PetscErrorCode toy_exact(const GraphDiffusionJob *j, GraphDiffusionTrial *t, double *law)
{
  double        data[TOY_STATES];
  const ToySpec toy = {.transition = j->model.transition, .loss = j->plan.training.loss, .law = data};

  PetscFunctionBeginUser;
  toy_law(t->stats.connected, true, data); /* in fixed order as well, for a model that cannot see it */
  PetscCall(toy_chain(&toy, law));
  PetscFunctionReturn(0);
}

/* What the transformer's optimum and the exact posterior make of toy4. */
static bool sees_toy(const GraphDiffusionParams *p, const GraphDiffusionPlan *plan)
{
  return p->data == SET_TOY4 && (p->posterior == CHAIN_EXACT || plan->training.denoiser.kind == DENOISER_TRANSFORMER);
}

static bool is_factored(const GraphDiffusionParams *p, const GraphDiffusionPlan *plan)
{
  return p->posterior != CHAIN_EXACT && plan->training.denoiser.kind <= DENOISER_FACTORED_BIT;
}

PetscErrorCode graph_diffusion_exact(const GraphDiffusionJob *j, GraphDiffusionTrial *t)
{
  const GraphDiffusionParams *p        = j->params;
  const GraphSet             *set      = t->train;
  GraphDiffusionExact        *e        = &t->exact;
  const GraphLossSpec        *loss     = &j->plan.training.loss;
  const bool                  factored = is_factored(p, &j->plan), blind = factored && j->plan.training.denoiser.kind == DENOISER_FACTORED;
  const bool                  place = graph_diffusion_in_place(p, &j->plan) && independent(p);
  double                      law[TOY_STATES];

  PetscFunctionBeginUser;
  *e = (GraphDiffusionExact){.connected = NAN, .blind = NAN, .bound = NAN};
  if (j->plan.a > 1 || j->plan.b > 2 || t->stats.size_frequency[set->n] < 1) PetscFunctionReturn(0);
  /* Noise that is always the same is learned by heart; the blind model does not see it. */
  if (j->plan.training.noise == EDGE_NOISE_DETERMINISTIC && !blind && p->posterior != CHAIN_EXACT) PetscFunctionReturn(0);
  if (p->permute) e->blind = exact_blind_frequency(loss, set, &t->stats);
  if (place || factored) { /* a factored model generates independent pairs whatever the data are */
    PetscCall(PetscMalloc1(set->pairs, &e->pair));
    exact_pair_frequency(loss, set, &t->stats, e->pair);
    e->connected = connected_of(p, set, e->pair);
  } else if (sees_toy(p, &j->plan)) {
    PetscCall(toy_exact(j, t, law));
    e->connected = toy_connected(law);
  }
  if (!e->pair || blind) PetscFunctionReturn(0);
  e->bound = 0;
  for (int k = 0; k < set->pairs; k++) e->bound += exact_bit_bound(j->model.transition, e->pair[k], t->stats.pair_frequency[k]);
  PetscFunctionReturn(0);
}

/* --- the exact posterior as a denoiser --- */

/* Logits of edges in tables: in fixed order by (t, pair, own noisy class), of permuted toy4 by (t, state, pair). */
typedef struct ExactLogits {
  float *logit;
  int    pairs;
} ExactLogits;

static void place_logits(void *ctx, int t, int n, const uint8_t *node, const uint8_t *edge, float *node_logit, float *edge_logit)
{
  const ExactLogits *x     = ctx;
  const float       *table = x->logit + (int64_t)t * x->pairs * 2;
  (void)node, (void)node_logit;
  for (int k = 0; k < pair_count(n); k++) {
    edge_logit[2 * k]     = 0;
    edge_logit[2 * k + 1] = table[2 * k + edge[k]];
  }
}

static void enumerated_logits(void *ctx, int t, int n, const uint8_t *node, const uint8_t *edge, float *node_logit, float *edge_logit)
{
  const ExactLogits *x     = ctx;
  int                state = 0;
  (void)node, (void)node_logit, (void)n;
  for (int k = 0; k < TOY_PAIRS; k++) state |= edge[k] << k;
  for (int k = 0; k < TOY_PAIRS; k++) {
    edge_logit[2 * k]     = 0;
    edge_logit[2 * k + 1] = x->logit[((int64_t)t * TOY_STATES + state) * TOY_PAIRS + k];
  }
}

/* Logits beyond what float32 probabilities can tell from 0 and 1. */
static float logit_of(double p) { return p <= 0 ? -80.0f : p >= 1 ? 80.0f : (float)fmax(-80, fmin(80, log(p / (1 - p)))); }

static void fill_place(const Transition *process, const GraphDiffusionTrial *t, ExactLogits *x)
{
  for (int step = 1; step <= process->T; step++)
    for (int k = 0; k < x->pairs; k++)
      for (int bit = 0; bit < 2; bit++)
        x->logit[((int64_t)step * x->pairs + k) * 2 + bit] = logit_of(exact_bit_posterior(process, t->exact.pair[k], step, bit));
}

static void fill_states(const Transition *process, const GraphLossSpec *loss, double eps, ExactLogits *x)
{
  double        law[TOY_STATES], phat[TOY_PAIRS];
  const ToySpec toy = {.transition = process, .loss = *loss, .law = law};
  toy_law(eps, true, law);
  for (int step = 1; step <= process->T; step++)
    for (int s = 0; s < TOY_STATES; s++) {
      toy_posterior(&toy, step, s, phat);
      for (int k = 0; k < TOY_PAIRS; k++) x->logit[((int64_t)step * TOY_STATES + s) * TOY_PAIRS + k] = logit_of(phat[k]);
    }
}

PetscErrorCode graph_diffusion_posterior_create(const GraphDiffusionJob *j, const GraphDiffusionTrial *t, GraphPosterior *out)
{
  const Transition *process = j->model.transition;
  const bool        toy     = j->params->data == SET_TOY4 && j->params->permute;
  ExactLogits      *x;

  PetscFunctionBeginUser;
  PetscCheck(toy || t->exact.pair, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "no exact posterior of these data");
  PetscCall(PetscNew(&x));
  x->pairs = t->train->pairs;
  PetscCall(PetscMalloc1((int64_t)(process->T + 1) * x->pairs * (toy ? TOY_STATES : 2), &x->logit));
  if (toy)
    fill_states(process, &j->plan.training.loss, t->stats.connected, x);
  else
    fill_place(process, t, x);
  *out = (GraphPosterior){toy ? enumerated_logits : place_logits, x};
  PetscFunctionReturn(0);
}

void graph_diffusion_posterior_destroy(GraphPosterior *posterior)
{
  ExactLogits *x = posterior->ctx;
  if (x) (void)PetscFree(x->logit);
  (void)PetscFree(x);
  *posterior = (GraphPosterior){0};
}

/* --- of the point --- */

/* eps as it comes out in the training set: known beforehand when it is made exact. */
static double bridge_frequency(const GraphDiffusionParams *p) { return round(p->bridge_frequency * (double)p->graphs) / (double)p->graphs; }

/* P~ of a bridge, whose R_eff is 1. */
static double bridge_tilted(const GraphDiffusionParams *p)
{
  const double weight[] = {1, 1 + p->lambda, 1 + p->lambda, p->omega};
  return tilted_frequency(bridge_frequency(p), weight[p->loss]);
}

static PetscErrorCode toy_reference(const GraphDiffusionParams *p, const GraphDiffusionPlan *plan, Reference *out)
{
  double        data[TOY_STATES], law[TOY_STATES];
  const double  uniform[2] = {0.5, 0.5}, edges = (2 + bridge_frequency(p)) / TOY_PAIRS;
  Transition    t   = {.T = plan->T, .a = 1, .b = 2, .abar = plan->abar, .node = {1}, .edge = {1 - edges, edges}};
  const ToySpec toy = {.transition = &t, .loss = plan->training.loss, .law = data};

  PetscFunctionBeginUser;
  if (p->transition == TRANSITION_UNIFORM) memcpy(t.edge, uniform, sizeof uniform);
  toy_law(bridge_frequency(p), true, data);
  PetscCall(toy_chain(&toy, law));
  /* A network has learned it to within 0.01 at best. */
  if (p->posterior == CHAIN_EXACT) {
    reference_exact(out, "connected", toy_connected(law));
    reference_exact(out, "off_support", toy_off_support(law, data));
  } else {
    reference_limit(out, "connected", toy_connected(law), 0.01);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode graph_diffusion_reference(const GraphDiffusionParams *p, Reference *out)
{
  GraphDiffusionPlan plan;
  char               error[256];
  const char        *parameter;

  PetscFunctionBeginUser;
  if (p->posterior == CHAIN_CHECKPOINT || !p->exact_frequency) PetscFunctionReturn(0);
  PetscCall(graph_diffusion_plan_create(p, &plan, &parameter, error));
  const bool place =
      !error[0] && graph_diffusion_in_place(p, &plan) && independent(p) && graph_diffusion_has_sites(p) && p->noise == EDGE_NOISE_RANDOM;
  if (place && p->posterior == CHAIN_NETWORK)
    reference_limit(out, "probe_bridge", bridge_tilted(p), 0.1 * bridge_tilted(p) * (1 - bridge_tilted(p)));
  if (place) reference_exact(out, "bridge_recall", bridge_tilted(p));
  if (!error[0] && p->permute && sees_toy(p, &plan)) PetscCall(toy_reference(p, &plan, out));
  graph_diffusion_plan_destroy(&plan);
  PetscFunctionReturn(0);
}
