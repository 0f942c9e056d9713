/* SPDX-License-Identifier: BSD-2-Clause
 * Score the edges of a clique chain, keep the best, measure: the protocol of experiments I-III (arXiv 2511.18593, algorithm 5.1), their
 * exact references, and the built-in check of the resistances (Foster's theorem; a single bridge has R = 1). Scores are the same for all
 * trials of a sweep point, so graph, resistances and ranking are made once a batch: O(n^3), well below a millisecond at the paper's
 * sizes. The trials themselves are the business of sparsify.h. */
#include "clique_protocol.h"

#include <math.h>
#include <string.h>

#include "connected.h"
#include "resistance.h"
#include "spectrum.h"

const char *const clique_method_names[] = {"random", "standard", "weighted", "oracle", NULL};
const char *const clique_r_eff_names[]  = {"exact", "nominal", NULL};

static const double RESISTANCE_TOLERANCE = 1e-9;
enum { CHUNK_MAX = 4096 };

/* What all trials of a batch share; all arrays (m). */
typedef struct CliquePlan {
  Graph      *graph;
  int64_t     n_bridges;
  int64_t    *label;
  uint8_t    *bridge; /* 1 for a bridge */
  double     *resistance, *frequency, *score;
  Sparsifier *sparsifier;
  char        invalid[RESULT_MESSAGE_MAX]; /* why the resistances are wrong; "" */
} CliquePlan;

/* --- the plan --- */

int64_t clique_protocol_keep(const CliqueChain *chain, const CliqueProtocol *p)
{
  const int64_t m    = clique_chain_edges(chain);
  const int64_t keep = (int64_t)floor(p->density * (double)m * (1 + 1e-12));
  return keep < m ? keep : m;
}

/* Resistance that the score uses: the graph's own, or the paper's reading, one value for all clique edges: that of a clique of the mean
 * size (a clique edge of K_s has 2/s). */
static double scored_resistance(const CliqueChain *chain, const CliqueProtocol *p, const CliquePlan *plan, int64_t e)
{
  if (p->r_eff == R_EFF_EXACT) return plan->resistance[e];
  return plan->bridge[e] ? 1 : 2.0 * (double)chain->n_cliques / (double)plan->graph->n;
}

static double edge_score(const CliqueChain *chain, const CliqueProtocol *p, const CliquePlan *plan, int64_t e)
{
  switch ((CliqueMethod)p->method) {
  case METHOD_STANDARD: return plan->frequency[e];
  case METHOD_WEIGHTED: return plan->frequency[e] + p->lambda * scored_resistance(chain, p, plan, e);
  case METHOD_ORACLE: return scored_resistance(chain, p, plan, e);
  default: return 1; /* random: one tie class */
  }
}

static Selection effective_selection(const CliqueProtocol *p)
{
  return p->method == METHOD_RANDOM ? SELECTION_TOPK : (Selection)p->selection;
}

static void check_resistances(const CliqueChain *chain, CliquePlan *plan)
{
  const double foster = resistance_foster_error(plan->graph, plan->resistance);
  if (!(foster <= RESISTANCE_TOLERANCE)) snprintf(plan->invalid, sizeof plan->invalid, "Foster's theorem violated by %.3g", foster);
  for (int64_t e = 0; e < plan->graph->m; e++) {
    const double off = fabs(plan->resistance[e] - 1);
    if (!plan->bridge[e] || chain->bridges[-1 - plan->label[e]] != 1 || off <= RESISTANCE_TOLERANCE) continue;
    snprintf(plan->invalid, sizeof plan->invalid, "the resistance of bridge %lld is %.12g, not 1", (long long)e, plan->resistance[e]);
  }
}

static PetscErrorCode plan_create(const CliqueChain *chain, const CliqueProtocol *p, CliquePlan *plan)
{
  const size_t m = (size_t)clique_chain_edges(chain);

  PetscFunctionBeginUser;
  *plan = (CliquePlan){0};
  PetscCall(PetscMalloc5(m, &plan->label, m, &plan->bridge, m, &plan->resistance, m, &plan->frequency, m, &plan->score));
  PetscCall(graph_clique_chain(chain, plan->label, &plan->graph));
  PetscCall(resistance_edges(plan->graph, plan->resistance));
  for (size_t e = 0; e < m; e++) {
    plan->bridge[e] = plan->label[e] < 0;
    plan->n_bridges += plan->bridge[e];
    plan->frequency[e] = plan->bridge[e] ? p->bridge_frequency : p->clique_frequency;
  }
  for (size_t e = 0; e < m; e++) plan->score[e] = edge_score(chain, p, plan, (int64_t)e);
  check_resistances(chain, plan);
  PetscCall(sparsifier_create(plan->graph, plan->score, clique_protocol_keep(chain, p), effective_selection(p), &plan->sparsifier));
  PetscFunctionReturn(0);
}

static PetscErrorCode plan_destroy(CliquePlan *plan)
{
  PetscFunctionBeginUser;
  sparsifier_destroy(&plan->sparsifier);
  graph_destroy(&plan->graph);
  PetscCall(PetscFree5(plan->label, plan->bridge, plan->resistance, plan->frequency, plan->score));
  PetscFunctionReturn(0);
}

/* --- what the runner asks for --- */

void clique_protocol_check(const CliqueChain *chain, const CliqueProtocol *p, const char *size_parameter, Diagnostics *diagnostics)
{
  const int64_t n = clique_chain_vertices(chain);
  if (n > CLIQUE_VERTICES_MAX)
    diagnostics_parameter(diagnostics, size_parameter, "the graph has %lld vertices: at most %d", (long long)n, CLIQUE_VERTICES_MAX);
  else if (clique_protocol_keep(chain, p) == 0)
    diagnostics_parameter(diagnostics, "density", "density %g of %lld edges keeps none: at least %.3g", p->density,
                          (long long)clique_chain_edges(chain), 1 / (double)clique_chain_edges(chain));
}

/* Up to 64 vertices bit masks and lane-parallel eigenvalues; beyond, one dense eigenvalue problem a trial, and as batches are short
 * there, a share of the plan's dense factorisation. Exponential keys cost a logarithm an edge. */
double clique_protocol_cost(const CliqueChain *chain, const CliqueProtocol *p)
{
  const double n = (double)clique_chain_vertices(chain), m = (double)clique_chain_edges(chain);
  const double keys = effective_selection(p) == SELECTION_SAMPLED ? 5e-8 * m : 0;
  return keys + (n <= LAMBDA2_VERTICES_MAX ? 3e-7 + 6e-11 * n * n * n : 2.5e-10 * n * n * n + 1e-7 * m);
}

static PetscErrorCode declare_metrics(ResultSchema *schema)
{
  PetscFunctionBeginUser;
  PetscCall(result_schema_metric(schema, &(MetricSpec){.name        = "connected",
                                                       .unit        = "1",
                                                       .long_name   = "graph still connected",
                                                       .description = "1 when the kept edges connect all vertices, else 0",
                                                       .estimator   = "indicator of one trial",
                                                       .kind        = METRIC_EVENT}));
  PetscCall(result_schema_metric(schema, &(MetricSpec){.name        = "rse",
                                                       .unit        = "1",
                                                       .long_name   = "relative spectral error",
                                                       .description = "|lambda2(H) - lambda2(G)| / lambda2(G); 1 when H is disconnected",
                                                       .estimator   = "value of one trial"}));
  PetscCall(result_schema_metric(schema, &(MetricSpec){.name        = "lambda2",
                                                       .unit        = "S",
                                                       .long_name   = "algebraic connectivity",
                                                       .description = "second smallest Laplacian eigenvalue of the kept graph H",
                                                       .estimator   = "value of one trial"}));
  PetscCall(result_schema_metric(schema, &(MetricSpec){.name        = "bridges_kept",
                                                       .unit        = "1",
                                                       .long_name   = "bridges kept",
                                                       .description = "number of edges between cliques among the kept ones",
                                                       .estimator   = "count of one trial"}));
  PetscFunctionReturn(0);
}

PetscErrorCode clique_protocol_declare(const CliqueChain *chain, ResultSchema *schema)
{
  const int64_t   m        = clique_chain_edges(chain);
  const ArraySpec arrays[] = {
      {.name        = "edges",
       .unit        = "1",
       .long_name   = "end points",
       .description = "vertices of each edge; clique by clique, then the bridges",
       .type        = ARRAY_I64,
       .rank        = 2,
       .shape       = {m, 2}},
      {.name = "resistance", .unit = "ohm", .long_name = "effective resistance", .description = "R_eff of each edge in the whole graph"},
      {.name = "frequency", .unit = "1", .long_name = "marginal frequency", .description = "how often each edge was seen in the data"},
      {.name = "score", .unit = "1", .long_name = "score", .description = "what edges are ranked by, or drawn in proportion to"},
      {.name = "kept", .unit = "1", .long_name = "edge kept", .description = "1 for each edge of this trial's graph", .type = ARRAY_U8},
  };

  PetscFunctionBeginUser;
  PetscCall(declare_metrics(schema));
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
    ArraySpec a = arrays[i];
    if (a.rank == 0) {
      a.rank     = 1;
      a.shape[0] = m;
    }
    PetscCall(result_schema_array(schema, &a));
  }
  PetscFunctionReturn(0);
}

/* --- trials --- */

/* Copies what does not change from trial to trial into a recorded row. */
static PetscErrorCode record_plan(const CliquePlan *plan, int64_t row, Result *result)
{
  static const char *const names[] = {"resistance", "frequency", "score"};
  const double *const      from[]  = {plan->resistance, plan->frequency, plan->score};
  void                    *data;

  PetscFunctionBeginUser;
  PetscCall(result_array(result, "edges", row, &data));
  for (int64_t e = 0; e < plan->graph->m; e++) {
    ((int64_t *)data)[2 * e]     = plan->graph->u[e];
    ((int64_t *)data)[2 * e + 1] = plan->graph->v[e];
  }
  for (int i = 0; i < 3; i++) {
    PetscCall(result_array(result, names[i], row, &data));
    memcpy(data, from[i], (size_t)plan->graph->m * sizeof(double));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode outcome_of_batch(const CliquePlan *plan, const TrialBatch *batch, Result *result, uint8_t **kept,
                                       SparsifyOutcome *out)
{
  PetscFunctionBeginUser;
  *out = (SparsifyOutcome){.kept = kept, .marked = plan->bridge};
  PetscCall(result_metric(result, "connected", &out->connected));
  PetscCall(result_metric(result, "rse", &out->rse));
  PetscCall(result_metric(result, "lambda2", &out->lambda2));
  PetscCall(result_metric(result, "bridges_kept", &out->marked_kept));
  for (int64_t i = 0; i < batch->n; i++) {
    void *data = NULL;
    if (batch->record[i]) PetscCall(result_array(result, "kept", i, &data));
    kept[i] = data;
  }
  PetscFunctionReturn(0);
}

/* The part of a batch's outcome from trial `first` on. */
static SparsifyOutcome outcome_from(const SparsifyOutcome *all, int64_t first)
{
  return (SparsifyOutcome){.connected   = all->connected + first,
                           .lambda2     = all->lambda2 + first,
                           .rse         = all->rse + first,
                           .kept        = all->kept + first,
                           .marked      = all->marked,
                           .marked_kept = all->marked_kept + first};
}

/* About a millisecond of trials, in whole groups of 64 where that many fit. */
static int64_t chunk_size(const CliqueChain *chain, const CliqueProtocol *p)
{
  const double trials = 1e-3 / clique_protocol_cost(chain, p);
  if (trials >= CHUNK_MAX) return CHUNK_MAX;
  return trials >= 64 ? (int64_t)trials / 64 * 64 : trials >= 8 ? 8 : 1;
}

PetscErrorCode clique_protocol_run(const CliqueChain *chain, const CliqueProtocol *p, const TrialBatch *batch, RunControl *control,
                                   Result *result)
{
  CliquePlan      plan;
  SparsifyOutcome all;
  uint8_t       **kept;
  const int64_t   chunk = chunk_size(chain, p);

  PetscFunctionBeginUser;
  PetscCall(plan_create(chain, p, &plan));
  PetscCall(PetscMalloc1((size_t)batch->n, &kept));
  PetscCall(outcome_of_batch(&plan, batch, result, kept, &all));
  for (int64_t first = 0; first < batch->n; first += chunk) {
    const int64_t   n    = batch->n - first < chunk ? batch->n - first : chunk;
    SparsifyOutcome part = outcome_from(&all, first);
    if (control_should_stop(control) != STOP_NO) break;
    PetscCall(sparsifier_run(plan.sparsifier, n, batch->key + first, false, &part));
    for (int64_t i = first; i < first + n; i++) {
      if (batch->record[i]) PetscCall(record_plan(&plan, i, result));
      if (plan.invalid[0]) result_invalid(result, i, "%s", plan.invalid);
    }
    control_progress(control, "trials", first + n, batch->n);
    control_poll(control);
  }
  PetscCall(PetscFree(kept));
  PetscCall(plan_destroy(&plan));
  PetscFunctionReturn(0);
}

/* --- exact values --- */

/* Under top-k: P(connected) and the mean number of bridges from the edges' fates. */
static PetscErrorCode topk_reference(const CliqueChain *chain, const CliquePlan *plan, double *connected, double *bridges)
{
  uint8_t *fate;
  int64_t  draw, pool = 0, pool_bridges = 0, sure = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)plan->graph->m, &fate));
  sparsifier_fates(plan->sparsifier, fate, &draw);
  for (int64_t e = 0; e < plan->graph->m; e++) {
    pool += fate[e] == FATE_POOL;
    pool_bridges += plan->bridge[e] && fate[e] == FATE_POOL;
    sure += plan->bridge[e] && fate[e] == FATE_KEPT;
  }
  *bridges = (double)sure + (pool ? (double)draw * (double)pool_bridges / (double)pool : 0);
  PetscCall(connected_probability_pool(chain, fate, draw, connected));
  PetscCall(PetscFree(fate));
  PetscFunctionReturn(0);
}

PetscErrorCode clique_protocol_reference(const CliqueChain *chain, const CliqueProtocol *p, Reference *reference)
{
  CliquePlan plan;
  double     connected = NAN, bridges = NAN;

  PetscFunctionBeginUser;
  PetscCall(plan_create(chain, p, &plan));
  if (effective_selection(p) == SELECTION_SAMPLED)
    PetscCall(connected_probability_sampled(chain, plan.score, clique_protocol_keep(chain, p), &connected));
  else
    PetscCall(topk_reference(chain, &plan, &connected, &bridges));
  const double n_bridges = (double)plan.n_bridges;
  PetscCall(plan_destroy(&plan));
  if (!isnan(connected)) reference_exact(reference, "connected", connected);
  if (!isnan(bridges)) reference_count(reference, "bridges_kept", bridges, n_bridges);
  if (connected == 0) {
    reference_sure(reference, "rse", 1);
    reference_sure(reference, "lambda2", 0);
  }
  PetscFunctionReturn(0);
}

bool clique_protocol_is_published(const CliqueProtocol *p, double density)
{
  const bool frequencies = p->clique_frequency == 0.95 && p->bridge_frequency == 0.05;
  if (p->density != density) return false;
  switch ((CliqueMethod)p->method) {
  case METHOD_STANDARD: return frequencies && p->selection == SELECTION_TOPK;
  case METHOD_WEIGHTED: return frequencies && p->lambda == 10 && p->selection == SELECTION_TOPK;
  case METHOD_ORACLE: return p->selection == SELECTION_TOPK;
  default: return true;
  }
}
