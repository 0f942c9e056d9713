/* SPDX-License-Identifier: BSD-2-Clause
 * Experiments I-III of "Generative Myopia" (arXiv 2511.18593) asked of any graph: keep a share rho of the edges, chosen at random, by their
 * frequency, by frequency + lambda R, by R alone, or drawn in proportion to w R and reweighted (Spielman and Srivastava), and ask what is
 * left: connectivity, algebraic connectivity, and the distortion of the quadratic form, max |x^T L_H x / x^T L_G x - 1|. Resistances are
 * computed once a batch of trials and checked as those of experiment `resistance`. All ranks of a trial's group work on it together. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "connected.h"
#include "control_watch.h"
#include "graph_params.h"
#include "memory_share.h"
#include "resistance.h"
#include "resource.h"
#include "sparsify.h"
#include "spectrum_sparse.h"

typedef enum { KEEP_RANDOM = 0, KEEP_STANDARD, KEEP_WEIGHTED, KEEP_ORACLE, KEEP_RESAMPLED } KeepMethod;
typedef enum { FREQUENCY_BRIDGES = 0, FREQUENCY_WEIGHT } FrequencyKind;
static const char *const method_names[]    = {"random", "standard", "weighted", "oracle", "spielman_srivastava", NULL};
static const char *const frequency_names[] = {"bridges", "weight", NULL};

typedef struct SparsifyParams {
  GraphParams graph;
  int         method, selection, frequency, resistance_method;
  double      density, lambda, edge_frequency, bridge_frequency, memory_limit;
  bool        distortion;
} SparsifyParams;

#define FIELD(name) offsetof(SparsifyParams, name)
static const ParamSpec params[] = {
    GRAPH_PARAMS(SparsifyParams),
    {"method", PARAM_CHOICE, FIELD(method), "weighted", 0, 0, 0, "1", method_names, NULL, NULL,
     "how edges are chosen: all alike, by frequency, by frequency + lambda R, by R, or drawn by w R and reweighted"},
    {"density", PARAM_REAL, FIELD(density), "0.5", 0, 1, PARAM_OPEN_MIN, "1", NULL, NULL, NULL,
     "share rho of the edges: floor(rho m) are kept, or drawn with replacement"},
    {"lambda", PARAM_REAL, FIELD(lambda), "10", 0, 1e9, 0, "1/ohm", NULL, "method", "weighted",
     "weight of the effective resistance in the score"},
    {"frequency", PARAM_CHOICE, FIELD(frequency), "bridges", 0, 0, 0, "1", frequency_names, "method", "standard|weighted",
     "of an edge in the data: one value for bridges and one for others, or its weight over the largest"},
    {"edge_frequency", PARAM_REAL, FIELD(edge_frequency), "0.95", 0, 1, 0, "1", NULL, "frequency", "bridges",
     "frequency of an edge that is no bridge"},
    {"bridge_frequency", PARAM_REAL, FIELD(bridge_frequency), "0.05", 0, 1, 0, "1", NULL, "frequency", "bridges", "frequency of a bridge"},
    {"selection", PARAM_CHOICE, FIELD(selection), "topk", 0, 0, 0, "1", selection_names, "method", "standard|weighted|oracle",
     "keep the edges of highest score, or draw edges without replacement with probability proportional to it"},
    {"resistance_method", PARAM_CHOICE, FIELD(resistance_method), "auto", 0, 0, 0, "1", resistance_method_names, "method",
     "weighted|oracle|spielman_srivastava", "by which R is computed"},
    {"distortion", PARAM_BOOL, FIELD(distortion), "true", 0, 0, 0, "1", NULL, NULL, NULL,
     "compute the distortion of the quadratic form as well"},
    MEMORY_LIMIT_PARAM(SparsifyParams),
    {0},
};

static int64_t edges_to_keep(const SparsifyParams *p, int64_t m)
{
  const int64_t keep = (int64_t)floor(p->density * (double)m * (1 + 1e-12));
  return PetscMin(keep, m);
}

static void check(const void *params_, Diagnostics *d)
{
  const SparsifyParams *p = params_;
  graph_params_check(&p->graph, d);
  if (p->resistance_method == RESISTANCE_SOLVE)
    diagnostics_parameter(d, "resistance_method", "solve takes one linear solve an edge: auto, dense, exact or sketch");
}

static double cost(const void *params_)
{
  const SparsifyParams *p = params_;
  double                n, m;
  graph_params_expect(&p->graph, &n, &m);
  return 1e-4 + 2e-6 * (n + m) + 3e-9 * pow(n, 1.5) * (p->distortion ? 6 : 3);
}

static double memory(const void *params_)
{
  const SparsifyParams *p = params_;
  double                n, m;
  graph_params_expect(&p->graph, &n, &m);
  return 100 * (n + m) + 12 * graph_params_factor(&p->graph);
}

/* --- declaration --- */

static const MetricSpec metrics[] = {
    {"connected", "1", "components unchanged", "1 when the kept edges connect what the graph connects, else 0", "indicator of one trial",
     METRIC_EVENT, 0},
    {"components_left", "1", "components left", "connected components of the kept graph H", "count of one trial", METRIC_REAL, 0},
    {"isolated_left", "1", "isolated vertices left", "vertices of H without edges", "count of one trial", METRIC_REAL, 0},
    {"edges_kept", "1", "edges kept", "edges of H", "count of one trial", METRIC_REAL, 0},
    {"bridges_kept", "1", "bridges kept", "bridges of the graph that are in H", "count of one trial", METRIC_REAL, 0},
    {"lambda2_whole", "S", "algebraic connectivity of the graph", "smallest nonzero eigenvalue of the graph's Laplacian", "value",
     METRIC_REAL, 0},
    {"lambda2", "S", "algebraic connectivity", "second smallest eigenvalue of H; 0 when H has more components than the graph",
     "value of one trial", METRIC_REAL, 0},
    {"rse", "1", "relative spectral error", "|lambda2(H) - lambda2(G)| / lambda2(G)", "value of one trial", METRIC_REAL, 0},
    {"form_low", "1", "smallest ratio of quadratic forms", "min x^T L_H x / x^T L_G x", "value of one trial", METRIC_REAL, 0},
    {"form_high", "1", "largest ratio of quadratic forms", "max x^T L_H x / x^T L_G x", "value of one trial", METRIC_REAL, 0},
    {"distortion", "1", "distortion of the quadratic form", "max |x^T L_H x / x^T L_G x - 1|", "value of one trial", METRIC_REAL, 0},
    {"solve_time", "s", "resistance time", "graph in memory to R of every edge; 0 where none is needed", "wall clock, largest over ranks",
     METRIC_CLOCK, 0},
    {"trial_time", "s", "trial time", "choosing edges and measuring H", "wall clock, largest over ranks", METRIC_CLOCK, 0},
};

static PetscErrorCode declare(const void *params_, int64_t every, ResultSchema *schema)
{
  const SparsifyParams *p = params_;
  int64_t               n, m;
  bool                  known;

  PetscFunctionBeginUser;
  (void)every;
  PetscCall(graph_params_declare(schema));
  for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) PetscCall(result_schema_metric(schema, &metrics[i]));
  PetscCall(graph_params_size(&p->graph, &n, &m, &known));
  if (!known) PetscFunctionReturn(0);
  const ArraySpec arrays[] = {
      {"edges", "1", "end points", "end points of each edge, in the input's own numbers", ARRAY_I64, false, 2, {m, 2}},
      {"resistance",
       "ohm",
       "effective resistance",
       "R of each edge of the graph; NaN where the method needs none",
       ARRAY_F64,
       false,
       1,
       {m}},
      {"kept_weight", "S", "weight in H", "weight of each edge in the kept graph; 0: dropped", ARRAY_F64, false, 1, {m}},
  };
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) PetscCall(result_schema_array(schema, &arrays[i]));
  PetscFunctionReturn(0);
}

/* --- the plan of a batch: what its trials share --- */

typedef struct Plan {
  MPI_Comm              comm;
  const SparsifyParams *params;
  const Graph          *graph;
  const int64_t        *id;
  GraphReport           report;
  GraphBlocks          *blocks;
  double               *resistance; /* (m), NaN where the method needs none */
  double               *score;      /* (m) */
  int64_t               keep;
  Sparsifier           *selector; /* NULL: draws with replacement */
  EigenOptions          eigen;
  double                lambda2_whole, solve_seconds;
  char                  failed[RESULT_MESSAGE_MAX], invalid[RESULT_MESSAGE_MAX];
} Plan;

static bool needs_resistance(const SparsifyParams *p) { return p->method >= KEEP_WEIGHTED; }

static PetscErrorCode find_resistances(Plan *plan, uint64_t key, const Watch *watch)
{
  const SparsifyParams   *p       = plan->params;
  const double            begin   = MPI_Wtime();
  const ResistanceOptions options = {.method        = (ResistanceMethodId)p->resistance_method,
                                     .memory_limit  = plan->eigen.memory_limit,
                                     .seconds_limit = 120,
                                     .key           = key,
                                     .watch         = watch};
  ResistanceStats         stats;
  ResistanceCheck         checked;
  double                 *error;

  PetscFunctionBeginUser;
  for (int64_t e = 0; e < plan->graph->m; e++) plan->resistance[e] = NAN;
  if (!needs_resistance(p)) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)plan->graph->m, &error));
  PetscCall(resistance_all(plan->comm, plan->graph, plan->blocks, &options, &stats, plan->resistance, error));
  plan->solve_seconds = MPI_Wtime() - begin;
  snprintf(plan->failed, sizeof plan->failed, "%s", stats.refused);
  if (!stats.refused[0]) {
    PetscCall(resistance_verify(plan->comm, plan->graph, plan->blocks, plan->resistance, error, 4, &options, &stats, &checked));
    snprintf(plan->invalid, sizeof plan->invalid, "%s", checked.invalid);
  }
  PetscCall(PetscFree(error));
  PetscFunctionReturn(0);
}

static double frequency_of(const Plan *plan, double heaviest, int64_t e)
{
  const SparsifyParams *p = plan->params;
  if (p->frequency == FREQUENCY_WEIGHT) return graph_weight(plan->graph, e) / heaviest;
  return plan->blocks->size[plan->blocks->block[e]] == 1 ? p->bridge_frequency : p->edge_frequency;
}

static void score_edges(Plan *plan)
{
  const SparsifyParams *p        = plan->params;
  double                heaviest = 0;
  for (int64_t e = 0; e < plan->graph->m; e++) heaviest = fmax(heaviest, graph_weight(plan->graph, e));
  for (int64_t e = 0; e < plan->graph->m; e++) {
    const double frequency = frequency_of(plan, heaviest, e), r = plan->resistance[e];
    const double scores[] = {1, frequency, frequency + p->lambda * r, r, 1};
    plan->score[e]        = scores[p->method];
  }
}

static PetscErrorCode find_lambda2(const Plan *plan, const Graph *g, int64_t n_components, double *lambda2, char *failed)
{
  const int64_t k = n_components + 1;
  double       *value, *residual;
  EigenStats    stats;

  PetscFunctionBeginUser;
  *lambda2 = NAN;
  if (k > g->n) PetscFunctionReturn(0);
  PetscCall(PetscMalloc2((size_t)k, &value, (size_t)k, &residual));
  PetscCall(spectrum_smallest(plan->comm, g, k, &plan->eigen, &stats, value, residual, NULL));
  if (stats.refused[0])
    snprintf(failed, RESULT_MESSAGE_MAX, "%s", stats.refused);
  else
    *lambda2 = value[k - 1];
  PetscCall(PetscFree2(value, residual));
  PetscFunctionReturn(0);
}

static PetscErrorCode plan_create(Plan *plan, uint64_t key, const Watch *watch)
{
  const SparsifyParams *p         = plan->params;
  const Selection       selection = p->method == KEEP_RANDOM ? SELECTION_TOPK : (Selection)p->selection;

  PetscFunctionBeginUser;
  PetscCall(graph_params_build(&p->graph, plan->eigen.memory_limit, &plan->graph, &plan->id, &plan->report, plan->failed));
  if (plan->failed[0]) PetscFunctionReturn(0);
  PetscCall(graph_blocks(plan->graph, &plan->blocks));
  PetscCall(PetscMalloc2((size_t)plan->graph->m, &plan->resistance, (size_t)plan->graph->m, &plan->score));
  PetscCall(find_resistances(plan, key, watch));
  if (plan->failed[0]) PetscFunctionReturn(0);
  score_edges(plan);
  plan->keep = edges_to_keep(p, plan->graph->m);
  if (p->method != KEEP_RESAMPLED) PetscCall(sparsifier_create_selector(plan->graph, plan->score, plan->keep, selection, &plan->selector));
  PetscCall(find_lambda2(plan, plan->graph, plan->blocks->n_components, &plan->lambda2_whole, plan->failed));
  PetscFunctionReturn(0);
}

static PetscErrorCode plan_clear(Plan *plan)
{
  PetscFunctionBeginUser;
  sparsifier_destroy(&plan->selector);
  graph_blocks_destroy(&plan->blocks);
  PetscCall(PetscFree2(plan->resistance, plan->score));
  PetscFunctionReturn(0);
}

/* --- a trial --- */

/* The kept graph H on the graph's vertices. */
typedef struct Kept {
  Graph  *graph;
  double *weight; /* (m) of the whole graph's edges in H, 0: dropped */
  int64_t n_components, n_isolated, bridges;
} Kept;

static PetscErrorCode choose_edges(const Plan *plan, uint64_t key, double *weight)
{
  uint8_t *flag;

  PetscFunctionBeginUser;
  if (plan->params->method == KEEP_RESAMPLED) {
    PetscCall(sparsify_by_resistance(plan->graph, plan->resistance, plan->keep, key, weight));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1((size_t)plan->graph->m, &flag));
  PetscCall(sparsifier_select(plan->selector, key, flag));
  for (int64_t e = 0; e < plan->graph->m; e++) weight[e] = flag[e] ? graph_weight(plan->graph, e) : 0;
  PetscCall(PetscFree(flag));
  PetscFunctionReturn(0);
}

static PetscErrorCode kept_create(const Plan *plan, uint64_t key, Kept *kept)
{
  const Graph *g = plan->graph;
  int64_t     *u, *v, *component, m = 0;
  double      *w;

  PetscFunctionBeginUser;
  *kept = (Kept){0};
  PetscCall(PetscMalloc1((size_t)g->m, &kept->weight));
  PetscCall(choose_edges(plan, key, kept->weight));
  PetscCall(PetscMalloc4((size_t)g->m, &u, (size_t)g->m, &v, (size_t)g->m, &w, (size_t)g->n, &component));
  for (int64_t i = 0; i < g->n; i++) component[i] = 0;
  for (int64_t e = 0; e < g->m; e++) {
    if (kept->weight[e] == 0) continue;
    u[m]               = g->u[e];
    v[m]               = g->v[e];
    w[m++]             = kept->weight[e];
    component[g->u[e]] = component[g->v[e]] = 1;
    kept->bridges += plan->blocks->size[plan->blocks->block[e]] == 1;
  }
  for (int64_t i = 0; i < g->n; i++) kept->n_isolated += component[i] == 0;
  PetscCall(graph_create(g->n, m, u, v, w, &kept->graph));
  kept->n_components = graph_components(kept->graph, NULL, component);
  PetscCall(PetscFree4(u, v, w, component));
  PetscFunctionReturn(0);
}

static PetscErrorCode kept_clear(Kept *kept)
{
  PetscFunctionBeginUser;
  graph_destroy(&kept->graph);
  PetscCall(PetscFree(kept->weight));
  PetscFunctionReturn(0);
}

static PetscErrorCode measure(const Plan *plan, const Kept *kept, double begin, int64_t row, Result *result)
{
  const bool    whole                      = kept->n_components == plan->blocks->n_components;
  double        lambda2                    = 0, seconds;
  QuadraticForm form                       = {NAN, NAN, NAN, ""};
  char          failed[RESULT_MESSAGE_MAX] = "";

  PetscFunctionBeginUser;
  if (whole) PetscCall(find_lambda2(plan, kept->graph, kept->n_components, &lambda2, failed));
  if (plan->params->distortion && plan->graph->m > 0)
    PetscCall(spectrum_quadratic_form(plan->comm, plan->graph, kept->graph, &plan->eigen, &form));
  if (form.refused[0]) snprintf(failed, sizeof failed, "%s", form.refused);
  seconds = MPI_Wtime() - begin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, plan->comm));
  const struct {
    const char *name;
    double      value;
  } values[] = {{"connected", whole},
                {"components_left", (double)kept->n_components},
                {"isolated_left", (double)kept->n_isolated},
                {"edges_kept", (double)kept->graph->m},
                {"bridges_kept", (double)kept->bridges},
                {"lambda2_whole", plan->lambda2_whole},
                {"lambda2", lambda2},
                {"rse", fabs(lambda2 - plan->lambda2_whole) / plan->lambda2_whole},
                {"form_low", form.low},
                {"form_high", form.high},
                {"distortion", fmax(form.high - 1, 1 - form.low)},
                {"solve_time", plan->solve_seconds},
                {"trial_time", seconds}};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) PetscCall(graph_params_put(result, values[i].name, row, values[i].value));
  PetscCall(graph_params_fill(plan->graph, plan->blocks, &plan->report, row, result));
  if (failed[0]) result_fail(result, row, "%s", failed);
  if (plan->invalid[0]) result_invalid(result, row, "%s", plan->invalid);
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_arrays(const Plan *plan, const Kept *kept, int64_t row, Result *result)
{
  const Graph *g = plan->graph;
  void        *data;

  PetscFunctionBeginUser;
  if (result_schema_find_array(result_schema(result), "edges") < 0) PetscFunctionReturn(0); /* too large to be recorded */
  PetscCall(graph_params_put_edges(result, row, g->m, g->u, g->v, plan->id));
  PetscCall(result_array(result, "resistance", row, &data));
  memcpy(data, plan->resistance, (size_t)g->m * sizeof(double));
  PetscCall(result_array(result, "kept_weight", row, &data));
  memcpy(data, kept->weight, (size_t)g->m * sizeof(double));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_trials(const Plan *plan, const TrialBatch *batch, RunControl *control, Result *result)
{
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < batch->n; i++) {
    const double begin = MPI_Wtime();
    Kept         kept;
    if (control_should_stop(control) != STOP_NO) break;
    control_progress(control, "trials", i, batch->n);
    if (plan->failed[0]) {
      result_fail(result, i, "%s", plan->failed);
      continue;
    }
    PetscCall(kept_create(plan, batch->key[i], &kept));
    PetscCall(measure(plan, &kept, begin, i, result));
    if (batch->record[i]) PetscCall(fill_arrays(plan, &kept, i, result));
    PetscCall(kept_clear(&kept));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode run(MPI_Comm comm, const TrialBatch *batch, RunControl *control, Result *result)
{
  const SparsifyParams *p     = batch->params;
  const Watch           watch = control_watch(control);
  Plan                  plan  = {.comm = comm, .params = p, .eigen = {.key = 1, .watch = &watch}};

  PetscFunctionBeginUser;
  PetscCall(memory_share(comm, 1e9 * p->memory_limit, &plan.eigen.memory_limit));
  PetscCall(plan_create(&plan, 1, &watch));
  if (control_should_stop(control) == STOP_NO) PetscCall(run_trials(&plan, batch, control, result));
  PetscCall(plan_clear(&plan));
  PetscFunctionReturn(0);
}

/* --- exact values --- */

enum { EXACT_VERTICES_MAX = 2000 };

static bool is_clique_chain(const SparsifyParams *p, CliqueChain *chain)
{
  const GraphParams *g       = &p->graph;
  const int64_t      cliques = g->kind == GRAPH_BARBELL ? 2 : g->cliques;
  if ((g->kind != GRAPH_BARBELL && g->kind != GRAPH_CHAIN) || g->weights != WEIGHTS_UNIT || p->method == KEEP_RESAMPLED) return false;
  if (cliques > 64 || cliques * g->clique_size > EXACT_VERTICES_MAX) return false;
  *chain = (CliqueChain){.n_cliques = (int)cliques};
  for (int64_t i = 0; i < cliques; i++) chain->size[i] = g->clique_size;
  for (int64_t i = 0; i + 1 < cliques; i++) chain->bridges[i] = g->bridges;
  return true;
}

/* P(connected), counted exactly on the chain's own edge order. */
static PetscErrorCode exact_connectivity(const CliqueChain *chain, Plan *plan, double *probability)
{
  const SparsifyParams *p = plan->params;
  const int64_t         m = plan->graph->m;
  uint8_t              *fate;
  int64_t               draw;

  PetscFunctionBeginUser;
  PetscCall(graph_blocks(plan->graph, &plan->blocks));
  PetscCall(PetscMalloc2((size_t)m, &plan->resistance, (size_t)m, &plan->score));
  PetscCall(resistance_edges(plan->graph, plan->resistance));
  score_edges(plan);
  plan->keep = edges_to_keep(p, m);
  if (p->method != KEEP_RANDOM && p->selection == SELECTION_SAMPLED) {
    PetscCall(connected_probability_sampled(chain, plan->score, plan->keep, probability));
    PetscFunctionReturn(0);
  }
  PetscCall(sparsifier_create_selector(plan->graph, plan->score, plan->keep, SELECTION_TOPK, &plan->selector));
  PetscCall(PetscMalloc1((size_t)m, &fate));
  sparsifier_fates(plan->selector, fate, &draw);
  PetscCall(connected_probability_pool(chain, fate, draw, probability));
  PetscCall(PetscFree(fate));
  PetscFunctionReturn(0);
}

static PetscErrorCode reference(const void *params_, Reference *reference)
{
  Plan        plan        = {.comm = PETSC_COMM_SELF, .params = params_};
  double      probability = NAN;
  Graph      *g;
  CliqueChain chain;

  PetscFunctionBeginUser;
  if (!is_clique_chain(params_, &chain)) PetscFunctionReturn(0);
  PetscCall(graph_clique_chain(&chain, NULL, &g));
  plan.graph = g;
  PetscCall(exact_connectivity(&chain, &plan, &probability));
  PetscCall(plan_clear(&plan));
  graph_destroy(&g);
  if (!isnan(probability)) reference_exact(reference, "connected", probability);
  PetscFunctionReturn(0);
}

const Experiment experiment_sparsify = {
    .name        = "sparsify",
    .summary     = "keep a share of the edges of any graph: connectivity, lambda2 and distortion of the quadratic form of what is left",
    .source      = "Generative Myopia, arXiv 2511.18593; Spielman and Srivastava, SIAM J. Comput. 40 (2011) 1913",
    .params      = params,
    .params_size = sizeof(SparsifyParams),
    .parallel    = true,
    .merit_unit  = "trials/s",
    .check       = check,
    .cost        = cost,
    .memory      = memory,
    .declare     = declare,
    .run         = run,
    .reference   = reference,
};
