/* SPDX-License-Identifier: BSD-2-Clause
 * Effective resistance of every edge, or of chosen pairs, of one graph. A trial solves, checks its answer (Foster's theorem, bridges,
 * Rayleigh's bound, edges solved anew) and records R in the input's own vertex numbers. All ranks of a trial's group work on it together.
 * Exact values: sum w R = n - components on every graph; the mean on path, cycle, complete graph and hypercube, where symmetry makes all
 * edges equal or trees make them bridges. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "control_watch.h"
#include "graph_params.h"
#include "memo.h"
#include "memory_share.h"
#include "resistance.h"
#include "resource.h"

typedef struct ResistanceParams {
  GraphParams graph;
  int         method, distribution;
  int64_t     projections, samples;
  double      tolerance, seconds_limit, memory_limit;
  char        pairs[PARAM_TEXT_MAX];
} ResistanceParams;

typedef enum { DISTRIBUTION_AUTO = 0, DISTRIBUTION_WHOLE, DISTRIBUTION_ROWS } Distribution;
static const char *const distribution_names[] = {"auto", "whole", "rows", NULL};

#define FIELD(name) offsetof(ResistanceParams, name)
static const ParamSpec params[] = {
    GRAPH_PARAMS(ResistanceParams),
    {"method", PARAM_CHOICE, FIELD(method), "auto", 0, 0, 0, "1", resistance_method_names, NULL, NULL,
     "auto: dense for small blocks, exact where it fits, else sketch"},
    {"pairs", PARAM_TEXT, FIELD(pairs), "", 0, 0, 0, "1", NULL, NULL, NULL,
     "file of vertex pairs, one a line, in the input's own numbers: R of these instead of all edges"},
    {"projections", PARAM_INT, FIELD(projections), "64", 16, 65536, 0, "1", NULL, "method", "auto|sketch",
     "random projections of the sketch, a multiple of 16; its error falls as 1/sqrt of it"},
    {"tolerance", PARAM_REAL, FIELD(tolerance), "0", 0, 0.1, 0, "1", NULL, "method", "auto|sketch|solve",
     "relative residual of the solver; 0: 1e-3 for sketch, 1e-12 for solve"},
    {"seconds_limit", PARAM_REAL, FIELD(seconds_limit), "120", 0, 1e9, 0, "s", NULL, "method", "auto",
     "auto takes exact only when predicted to take no longer; 0: however long"},
    {"samples", PARAM_INT, FIELD(samples), "32", 0, 100000, 0, "1", NULL, NULL, NULL, "edges that the verification solves anew to 1e-12"},
    {"distribution", PARAM_CHOICE, FIELD(distribution), "auto", 0, 0, 0, "1", distribution_names, NULL, NULL,
     "whole: every rank holds the graph; rows: each holds its share, sketch alone; auto: rows when it does not fit"},
    MEMORY_LIMIT_PARAM(ResistanceParams),
    {0},
};

/* --- before the run --- */

static bool may_sketch(const ResistanceParams *p) { return p->method == RESISTANCE_AUTO || p->method == RESISTANCE_SKETCH; }

/* Pairs of the file, read with the graph's own numbers. NULL pairs: none are asked for. */
typedef struct PairList {
  int64_t  n;
  int64_t *u, *v; /* (n) */
} PairList;

static PetscErrorCode read_pairs(const ResistanceParams *p, PairList *list, GraphErrors *errors)
{
  const Graph   *g;
  const int64_t *id;
  GraphReport    report;
  char           message[RESULT_MESSAGE_MAX];

  PetscFunctionBeginUser;
  *list = (PairList){0};
  if (!p->pairs[0]) PetscFunctionReturn(0);
  PetscCall(graph_params_build(&p->graph, 0, &g, &id, &report, message));
  if (message[0]) PetscFunctionReturn(0); /* told by who asks for the graph */
  PetscCall(graph_read_pairs(p->pairs, g->n, id, &list->n, &list->u, &list->v, errors));
  PetscFunctionReturn(0);
}

static PetscErrorCode pairs_clear(PairList *list)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(list->u));
  PetscCall(PetscFree(list->v));
  PetscFunctionReturn(0);
}

static void check(const void *params_, Diagnostics *d)
{
  const ResistanceParams *p      = params_;
  GraphErrors             errors = {0};
  PairList                list;
  if (p->distribution != DISTRIBUTION_ROWS) graph_params_check(&p->graph, d);
  if (p->projections % 16) diagnostics_parameter(d, "projections", "%lld is no multiple of 16", (long long)p->projections);
  if (p->distribution == DISTRIBUTION_ROWS && !may_sketch(p))
    diagnostics_parameter(d, "distribution", "rows goes with method sketch or auto: the others need the whole graph on every rank");
  if (p->distribution == DISTRIBUTION_ROWS && p->pairs[0])
    diagnostics_parameter(d, "pairs", "pairs need the whole graph on every rank: distribution whole or auto");
  if (diagnostics_errors(d) || !p->pairs[0]) return;
  if (read_pairs(p, &list, &errors)) diagnostics_parameter(d, "pairs", "'%s' needs more memory than there is", p->pairs);
  for (int i = 0; i < errors.n; i++) diagnostics_parameter(d, "pairs", "%s", errors.line[i]);
  graph_errors_clear(&errors);
  pairs_clear(&list);
}

/* What a method is expected to cost: rough. A mesh's factor grows as n^1.5 flops, that of a graph without small separators as n^3;
 * sketching is linear. */
typedef struct Expected {
  double seconds, bytes;
} Expected;

static Expected expected(const ResistanceParams *p, ResistanceMethodId method)
{
  double n, m;
  graph_params_expect(&p->graph, &n, &m);
  const double   graph = 60 * (n + m), flops_time = graph_params_is_mesh(&p->graph) ? 3e-9 * pow(n, 1.5) : 1.5e-13 * n * n * n;
  const Expected exact       = {2e-6 * m + flops_time, graph + 12 * graph_params_factor(&p->graph)};
  const Expected sketch      = {1e-7 * m * (double)p->projections / 64, graph + 300 * n + 40 * m};
  const bool     long_exact  = p->seconds_limit > 0 && exact.seconds > p->seconds_limit;
  const bool     large_exact = p->memory_limit > 0 && exact.bytes > 1e9 * p->memory_limit;
  switch (method) {
  case RESISTANCE_DENSE: return (Expected){1e-10 * n * n * n, graph + 8 * n * n};
  case RESISTANCE_EXACT: return exact;
  case RESISTANCE_SKETCH: return sketch;
  case RESISTANCE_SOLVE: return (Expected){p->pairs[0] ? 1e-5 * m : 1e-6 * m * m, 2 * graph};
  default: return long_exact || large_exact ? sketch : exact;
  }
}

static double cost(const void *params_)
{
  const ResistanceParams *p = params_;
  double                  n, m;
  graph_params_expect(&p->graph, &n, &m);
  return 1e-4 + 5e-8 * (double)p->samples * m + expected(p, (ResistanceMethodId)p->method).seconds;
}

static double memory(const void *params_)
{
  const ResistanceParams *p = params_;
  return expected(p, (ResistanceMethodId)p->method).bytes;
}

static double merit_work(const void *params_)
{
  const ResistanceParams *p = params_;
  double                  n, m;
  int64_t                 vertices, edges;
  bool                    known;
  graph_params_expect(&p->graph, &n, &m);
  if (p->distribution != DISTRIBUTION_ROWS && !graph_params_size(&p->graph, &vertices, &edges, &known) && known) m = (double)edges;
  return m;
}

/* --- declaration --- */

static const MetricSpec metrics[] = {
    {"weighted_sum", "1", "sum of w R", "sum over edges of w R: vertices minus components (Foster)", "sum", METRIC_REAL, 0},
    {"r_mean", "ohm", "mean resistance", "mean effective resistance", "mean over edges or pairs", METRIC_REAL, 0},
    {"r_min", "ohm", "smallest resistance", "smallest effective resistance", "minimum over edges or pairs", METRIC_REAL, 0},
    {"r_max", "ohm", "largest resistance", "largest effective resistance", "maximum over edges or pairs", METRIC_REAL, 0},
    {"foster_error", "1", "Foster error", "|sum w R - (n - c)| / (n - c)", "sum", METRIC_REAL, 0},
    {"bridge_error", "1", "bridge error", "largest |w R - 1| over bridges", "maximum", METRIC_REAL, 0},
    {"excess", "1", "excess over Rayleigh's bound", "largest w R - 1 - 5 w standard error", "maximum", METRIC_REAL, 0},
    {"sample_error", "1", "largest sampled error", "largest relative deviation from solves to 1e-12", "maximum over sampled edges",
     METRIC_REAL, 0},
    {"sample_mean_error", "1", "mean sampled error", "mean relative deviation from solves to 1e-12", "mean over sampled edges", METRIC_REAL,
     0},
    {"samples_solved", "1", "sampled edges", "edges solved anew", "count", METRIC_REAL, 0},
    {"method_used", "1", "method used", "1 dense, 2 exact, 3 sketch, 4 solve: by which most edges were done", "index", METRIC_REAL, 0},
    {"stderr_mean", "ohm", "mean standard error", "mean standard error of R; 0: exact", "mean over edges or pairs", METRIC_REAL, 0},
    {"residual", "1", "relative residual", "largest relative residual of iterative solves", "maximum", METRIC_REAL, 0},
    {"iterations", "1", "iterations", "largest number of iterations of one solve", "maximum", METRIC_REAL, 0},
    {"factor_entries", "1", "entries of the factor", "nonzeros of the Cholesky factors", "sum over blocks", METRIC_REAL, 0},
    {"predicted_memory", "B", "predicted memory", "predicted peak of a rank's solver", "model", METRIC_REAL, 0},
    {"predicted_time", "s", "predicted time", "predicted seconds of the solver", "model", METRIC_REAL, 0},
    {"solve_time", "s", "solve time", "graph in memory to R of every edge", "wall clock, largest over ranks", METRIC_CLOCK, 0},
    {"verify_time", "s", "verification time", "checks and sampled solves", "wall clock, largest over ranks", METRIC_CLOCK, 0},
    {"peak_memory", "B", "peak memory", "largest resident memory of a rank during the trial", "maximum over ranks", METRIC_CLOCK, 0},
};

static PetscErrorCode declare_arrays(const ResistanceParams *p, int64_t m, bool edges, ResultSchema *schema)
{
  ArraySpec ends  = {.name        = "edges",
                     .unit        = "1",
                     .long_name   = "end points",
                     .description = "end points of each edge or pair, in the input's own numbers",
                     .type        = ARRAY_I64,
                     .rank        = 2,
                     .shape       = {m, 2}};
  ArraySpec value = {.name        = "resistance",
                     .unit        = "ohm",
                     .long_name   = "effective resistance",
                     .description = "R of each edge or pair",
                     .type        = ARRAY_F64,
                     .rank        = 1,
                     .shape       = {m}};
  ArraySpec error = value, weight = value, bridge = value;

  PetscFunctionBeginUser;
  PetscCall(result_schema_array(schema, &ends));
  PetscCall(result_schema_array(schema, &value));
  error.name        = "stderr";
  error.long_name   = "standard error";
  error.description = "standard error of R over projections; 0 where R is exact";
  if (may_sketch(p)) PetscCall(result_schema_array(schema, &error));
  weight.name        = "weight";
  weight.unit        = "S";
  weight.long_name   = "weight";
  weight.description = "weight of each edge";
  if (edges) PetscCall(result_schema_array(schema, &weight));
  bridge.name        = "bridge";
  bridge.unit        = "1";
  bridge.long_name   = "bridge";
  bridge.description = "1 for an edge whose loss disconnects its ends";
  bridge.type        = ARRAY_U8;
  if (edges) PetscCall(result_schema_array(schema, &bridge));
  PetscFunctionReturn(0);
}

static PetscErrorCode declare(const void *params_, int64_t every, ResultSchema *schema)
{
  const ResistanceParams *p      = params_;
  GraphErrors             errors = {0};
  PairList                list;
  int64_t                 n, m;
  bool                    known;

  PetscFunctionBeginUser;
  (void)every;
  PetscCall(graph_params_declare(schema));
  for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) PetscCall(result_schema_metric(schema, &metrics[i]));
  if (p->distribution == DISTRIBUTION_ROWS) PetscFunctionReturn(0); /* no rank holds the whole graph */
  PetscCall(graph_params_size(&p->graph, &n, &m, &known));
  if (known && p->pairs[0]) PetscCall(read_pairs(p, &list, &errors));
  if (known) PetscCall(declare_arrays(p, p->pairs[0] ? list.n : m, !p->pairs[0], schema));
  if (known && p->pairs[0]) PetscCall(pairs_clear(&list));
  graph_errors_clear(&errors);
  PetscFunctionReturn(0);
}

/* --- run --- */

/* One trial. */
typedef struct Job {
  MPI_Comm                comm;
  const ResistanceParams *params;
  const Graph            *graph;
  const int64_t          *id;
  GraphReport             report;
  GraphBlocks            *blocks;
  PairList                pairs; /* of the file; n = 0: all edges */
  ResistanceOptions       options;
  ResistanceStats         stats;
  ResistanceCheck         check;
  int64_t                 n;                  /* edges or pairs */
  double                 *resistance, *error; /* (n) */
  double                  solve_seconds, verify_seconds, peak;
} Job;

static PetscErrorCode slowest(MPI_Comm comm, double *seconds)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, seconds, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode solve(Job *j)
{
  const double begin = MPI_Wtime();

  PetscFunctionBeginUser;
  PetscCall(graph_blocks(j->graph, &j->blocks));
  if (j->pairs.u)
    PetscCall(resistance_pairs(j->comm, j->graph, j->n, j->pairs.u, j->pairs.v, &j->options, &j->stats, j->resistance, j->error));
  else
    PetscCall(resistance_all(j->comm, j->graph, j->blocks, &j->options, &j->stats, j->resistance, j->error));
  j->solve_seconds = MPI_Wtime() - begin;
  PetscCall(slowest(j->comm, &j->solve_seconds));
  PetscCall(graph_params_peak_memory(j->comm, &j->peak));
  PetscFunctionReturn(0);
}

static PetscErrorCode verify(Job *j)
{
  const double begin = MPI_Wtime();

  PetscFunctionBeginUser;
  if (j->pairs.u)
    PetscCall(resistance_verify_pairs(j->comm, j->graph, j->blocks, j->n, j->pairs.u, j->pairs.v, j->resistance, j->error,
                                      j->params->samples, &j->options, &j->check));
  else
    PetscCall(
        resistance_verify(j->comm, j->graph, j->blocks, j->resistance, j->error, j->params->samples, &j->options, &j->stats, &j->check));
  j->verify_seconds = MPI_Wtime() - begin;
  PetscCall(slowest(j->comm, &j->verify_seconds));
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_metrics(const Job *j, int64_t row, Result *result)
{
  const double bytes = j->stats.predicted_bytes, m = (double)j->n;
  double       sum = 0, weighted = 0, low = INFINITY, high = -INFINITY, error = 0;

  PetscFunctionBeginUser;
  for (int64_t k = 0; k < j->n; k++) {
    const double r = j->resistance[k];
    sum += r;
    weighted += j->pairs.u ? 0 : graph_weight(j->graph, k) * r;
    low  = fmin(low, r);
    high = fmax(high, r);
    error += j->error[k];
  }
  const struct {
    const char *name;
    double      value;
  } values[] = {{"weighted_sum", j->pairs.u ? (double)NAN : weighted},
                {"r_mean", sum / m},
                {"r_min", low},
                {"r_max", high},
                {"foster_error", j->check.foster_error},
                {"bridge_error", j->check.bridge_error},
                {"excess", j->check.excess},
                {"sample_error", j->check.sample_error},
                {"sample_mean_error", j->check.sample_mean_error},
                {"samples_solved", (double)j->check.n_sample},
                {"method_used", (double)j->stats.method},
                {"stderr_mean", error / m},
                {"residual", j->stats.residual},
                {"iterations", (double)j->stats.iterations},
                {"factor_entries", j->stats.factor_entries},
                {"predicted_memory", bytes},
                {"predicted_time", j->stats.predicted_seconds},
                {"solve_time", j->solve_seconds},
                {"verify_time", j->verify_seconds},
                {"peak_memory", j->peak}};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) PetscCall(graph_params_put(result, values[i].name, row, values[i].value));
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_arrays(const Job *j, int64_t row, Result *result)
{
  const int64_t *u = j->pairs.u ? j->pairs.u : j->graph->u, *v = j->pairs.u ? j->pairs.v : j->graph->v;
  void          *data;

  PetscFunctionBeginUser;
  if (result_schema_find_array(result_schema(result), "edges") < 0) PetscFunctionReturn(0); /* too large to be recorded */
  PetscCall(graph_params_put_edges(result, row, j->n, u, v, j->id));
  PetscCall(result_array(result, "resistance", row, &data));
  memcpy(data, j->resistance, (size_t)j->n * sizeof(double));
  if (may_sketch(j->params)) {
    PetscCall(result_array(result, "stderr", row, &data));
    memcpy(data, j->error, (size_t)j->n * sizeof(double));
  }
  if (j->pairs.u) PetscFunctionReturn(0);
  PetscCall(result_array(result, "weight", row, &data));
  for (int64_t e = 0; e < j->n; e++) ((double *)data)[e] = graph_weight(j->graph, e);
  PetscCall(result_array(result, "bridge", row, &data));
  for (int64_t e = 0; e < j->n; e++) ((uint8_t *)data)[e] = j->blocks->size[j->blocks->block[e]] == 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode job_clear(Job *j)
{
  PetscFunctionBeginUser;
  graph_blocks_destroy(&j->blocks);
  PetscCall(pairs_clear(&j->pairs));
  PetscCall(PetscFree2(j->resistance, j->error));
  PetscFunctionReturn(0);
}

/* Solves and fills one row; *stop: the runner wants no more. */
static PetscErrorCode run_whole(Job *j, int64_t row, bool record, RunControl *control, Result *result, bool *stop)
{
  GraphErrors errors = {0};
  char        message[RESULT_MESSAGE_MAX];

  PetscFunctionBeginUser;
  PetscCall(graph_params_build(&j->params->graph, j->options.memory_limit, &j->graph, &j->id, &j->report, message));
  if (!message[0]) PetscCall(read_pairs(j->params, &j->pairs, &errors));
  if (errors.n > 0) snprintf(message, sizeof message, "%s", errors.line[0]);
  graph_errors_clear(&errors);
  if (message[0]) {
    result_fail(result, row, "%s", message);
    PetscFunctionReturn(0);
  }
  j->n = j->pairs.u ? j->pairs.n : j->graph->m;
  PetscCall(PetscMalloc2((size_t)j->n, &j->resistance, (size_t)j->n, &j->error));
  PetscCall(solve(j));
  *stop = control_should_stop(control) != STOP_NO;
  if (j->stats.refused[0] && !*stop) result_fail(result, row, "%s", j->stats.refused);
  if (!j->stats.refused[0] && !*stop) {
    PetscCall(verify(j));
    *stop = control_should_stop(control) != STOP_NO;
    PetscCall(graph_params_fill(j->graph, j->blocks, &j->report, row, result));
    PetscCall(fill_metrics(j, row, result));
    if (record) PetscCall(fill_arrays(j, row, result));
    if (j->check.invalid[0]) result_invalid(result, row, "%s", j->check.invalid);
  }
  PetscCall(job_clear(j));
  PetscFunctionReturn(0);
}

/* A vertex or an entry of a row, while rows are built and sketched. */
static const double ROWS_BYTES = 60;

/* The same by rows, for a graph that no rank holds whole. */
static PetscErrorCode run_rows(Job *j, int64_t row, RunControl *control, Result *result, bool *stop)
{
  const GraphSpec  spec = graph_params_spec(&j->params->graph);
  ResistanceByRows r;

  double n, m, ranks;
  int    size;

  PetscFunctionBeginUser;
  memo_clear(); /* no whole graph stays while its rows are worked on */
  PetscCallMPI(MPI_Comm_size(j->comm, &size));
  graph_params_expect(&j->params->graph, &n, &m);
  ranks = size;
  if (ROWS_BYTES * (n + 2 * m) / ranks > j->options.memory_limit) {
    result_fail(result, row, "by rows %.3g GB a rank are needed, %.3g GB allowed", 1e-9 * ROWS_BYTES * (n + 2 * m) / ranks,
                1e-9 * j->options.memory_limit);
    PetscFunctionReturn(0);
  }
  PetscCall(resistance_by_rows(j->comm, &spec, &j->options, &r));
  PetscCall(graph_params_peak_memory(j->comm, &j->peak));
  *stop = control_should_stop(control) != STOP_NO;
  if (r.stats.refused[0] && !*stop) result_fail(result, row, "%s", r.stats.refused);
  if (r.stats.refused[0] || *stop) PetscFunctionReturn(0);
  const struct {
    const char *name;
    double      value;
  } values[] = {{"nodes", (double)r.n},
                {"edges", (double)r.m},
                {"components", (double)r.n_components},
                {"isolated", (double)r.n_isolated},
                {"dropped_loops", (double)r.report.loops},
                {"dropped_duplicates", (double)r.report.duplicates},
                {"weighted_sum", r.weighted_sum},
                {"r_mean", r.mean},
                {"r_min", r.low},
                {"r_max", r.high},
                {"foster_error", r.check.foster_error},
                {"excess", r.check.excess},
                {"samples_solved", 0},
                {"method_used", (double)RESISTANCE_SKETCH},
                {"stderr_mean", r.error_mean},
                {"residual", r.stats.residual},
                {"iterations", (double)r.stats.iterations},
                {"factor_entries", 0},
                {"predicted_memory", r.stats.predicted_bytes},
                {"predicted_time", r.stats.predicted_seconds},
                {"solve_time", r.solve_seconds},
                {"peak_memory", j->peak}};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) PetscCall(graph_params_put(result, values[i].name, row, values[i].value));
  if (r.check.invalid[0]) result_invalid(result, row, "%s", r.check.invalid);
  PetscFunctionReturn(0);
}

/* Whether the graph is spread by rows: when asked for, or when the whole graph with its solver's copies does not fit a rank. */
static bool by_rows(const ResistanceParams *p, double limit)
{
  double n, m;
  if (p->distribution != DISTRIBUTION_AUTO) return p->distribution == DISTRIBUTION_ROWS;
  graph_params_expect(&p->graph, &n, &m);
  return may_sketch(p) && !p->pairs[0] && 100 * m + 200 * n > limit;
}

static PetscErrorCode run(MPI_Comm comm, const TrialBatch *batch, RunControl *control, Result *result)
{
  const ResistanceParams *p     = batch->params;
  const Watch             watch = control_watch(control);
  double                  limit;
  bool                    stop = false;

  PetscFunctionBeginUser;
  for (int64_t i = 0; i < batch->n && !stop; i++) {
    PetscCall(memory_share(comm, 1e9 * p->memory_limit, &limit));
    Job j = {.comm    = comm,
             .params  = p,
             .options = {.method        = (ResistanceMethodId)p->method,
                         .projections   = p->projections,
                         .tolerance     = p->tolerance,
                         .memory_limit  = limit,
                         .seconds_limit = p->seconds_limit,
                         .key           = batch->key[i],
                         .watch         = &watch}};
    resource_memory_peak_reset();
    if (control_should_stop(control) != STOP_NO) break;
    if (by_rows(p, limit))
      PetscCall(run_rows(&j, i, control, result, &stop));
    else
      PetscCall(run_whole(&j, i, batch->record[i], control, result, &stop));
  }
  PetscFunctionReturn(0);
}

/* --- exact values --- */

static PetscErrorCode reference(const void *params_, Reference *reference)
{
  const ResistanceParams *p = params_;
  const GraphParams      *g = &p->graph;
  double                  n, m, r = NAN, relative = 1e-9;

  PetscFunctionBeginUser;
  if (p->pairs[0] || p->method == RESISTANCE_SKETCH || g->weights != WEIGHTS_UNIT) PetscFunctionReturn(0);
  graph_params_expect(g, &n, &m);
  switch ((GraphKind)g->kind) {
  case GRAPH_PATH: r = n > 1 ? 1 : (double)NAN; break;
  case GRAPH_CYCLE: r = (n - 1) / n; break;
  case GRAPH_COMPLETE: r = 2 / n; break;
  case GRAPH_HYPERCUBE: r = (n - 1) / (0.5 * n * (double)g->dimension); break;
  default: break;
  }
  if (isnan(r)) PetscFunctionReturn(0);
  reference_limit(reference, "r_mean", r, relative * r);
  reference_limit(reference, "r_max", r, relative * r);
  reference_limit(reference, "weighted_sum", n - 1, relative * n);
  PetscFunctionReturn(0);
}

const Experiment experiment_resistance = {
    .name        = "resistance",
    .summary     = "effective resistance of every edge of a graph, or of chosen pairs",
    .source      = "Takahashi, Fagan, Chin 1973; Spielman and Srivastava, SIAM J. Comput. 40 (2011) 1913",
    .params      = params,
    .params_size = sizeof(ResistanceParams),
    .parallel    = true,
    .merit_unit  = "edges/s",
    .merit_work  = merit_work,
    .check       = check,
    .cost        = cost,
    .memory      = memory,
    .declare     = declare,
    .run         = run,
    .reference   = reference,
};
