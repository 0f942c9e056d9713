/* SPDX-License-Identifier: BSD-2-Clause
 * The Laplacian spectrum of one graph: its smallest eigenvalues with their multiplicities, the Fiedler vector, the number of spanning
 * trees, the Kirchhoff index, and the spectral density. Exact values where the graph has a closed form (lattice.h). All ranks of a trial's
 * group work on it together. */
#include <math.h>
#include <string.h>

#include "control_watch.h"
#include "lattice.h"
#include "log.h"
#include "memory_share.h"
#include "resource.h"
#include "spectrum_sparse.h"

typedef struct SpectrumParams {
  GraphParams graph;
  int64_t     k, moments, probes, bins;
  int         method;
  bool        trees;
  double      tolerance, memory_limit;
} SpectrumParams;

#define FIELD(name) offsetof(SpectrumParams, name)
static const ParamSpec params[] = {
    GRAPH_PARAMS(SpectrumParams),
    {"k", PARAM_INT, FIELD(k), "6", 1, 100000, 0, "1", NULL, NULL, NULL,
     "smallest eigenvalues wanted, one 0 a component among them; at most one a vertex"},
    {"method", PARAM_CHOICE, FIELD(method), "auto", 0, 0, 0, "1", eigen_method_names, NULL, NULL,
     "auto: dense for small components, shift-invert where the factor fits, else Davidson"},
    {"tolerance", PARAM_REAL, FIELD(tolerance), "0", 0, 1e-2, 0, "1", NULL, NULL, NULL,
     "absolute residual |L x - lambda x| over the largest weighted degree; 0: 1e-12"},
    {"trees", PARAM_BOOL, FIELD(trees), "true", 0, 0, 0, "1", NULL, NULL, NULL,
     "number of spanning trees and Kirchhoff index, where the factor fits"},
    {"moments", PARAM_INT, FIELD(moments), "256", 0, 1e6, 0, "1", NULL, NULL, NULL, "Chebyshev moments of the spectral density; 0: none"},
    {"probes", PARAM_INT, FIELD(probes), "16", 1, 1e6, 0, "1", NULL, NULL, NULL, "random vectors of the spectral density"},
    {"bins", PARAM_INT, FIELD(bins), "200", 1, 1e6, 0, "1", NULL, NULL, NULL, "bins of the spectral density"},
    MEMORY_LIMIT_PARAM(SpectrumParams),
    {0},
};

static void check(const void *params_, Diagnostics *d)
{
  const SpectrumParams *p = params_;
  graph_params_check(&p->graph, d);
  if (p->moments == 1) diagnostics_parameter(d, "moments", "a density needs 2 moments at least, or 0 for none");
  if ((double)p->moments * (double)(p->probes + p->bins) > 1e9)
    diagnostics_parameter(d, "moments", "%lld moments of %lld probes for %lld bins are more than 10^9 numbers", (long long)p->moments,
                          (long long)p->probes, (long long)p->bins);
}

static double cost(const void *params_)
{
  const SpectrumParams *p = params_;
  double                n, m;
  graph_params_expect(&p->graph, &n, &m);
  return 1e-3 + 1e-6 * (n + m) * (1 + 0.2 * (double)p->k) + 1e-9 * (double)(p->moments * p->probes) * (n + m) +
         (p->trees ? 3e-9 * pow(n, 1.5) : 0);
}

static double merit_work(const void *params_) { return (double)((const SpectrumParams *)params_)->k; }

static double memory(const void *params_)
{
  const SpectrumParams *p = params_;
  double                n, m;
  graph_params_expect(&p->graph, &n, &m);
  return 100 * (n + m) + 12 * graph_params_factor(&p->graph) + 16 * n * (double)p->k;
}

/* --- declaration --- */

static const MetricSpec metrics[] = {
    {"nodes", "1", "vertices", "vertices of the graph", "count", METRIC_REAL, 0},
    {"edges", "1", "edges", "edges of the graph, parallel ones merged", "count", METRIC_REAL, 0},
    {"components", "1", "components", "connected components: the multiplicity of eigenvalue 0", "count", METRIC_REAL, 0},
    {"dropped_loops", "1", "self-loops dropped", "self-loops of the input or the generator", "count", METRIC_REAL, 0},
    {"dropped_duplicates", "1", "parallel edges merged", "parallel edges of the input or the generator", "count", METRIC_REAL, 0},
    {"lambda2", "S", "algebraic connectivity", "second smallest eigenvalue; 0 when disconnected", "value", METRIC_REAL, 0},
    {"fiedler_value", "S", "smallest nonzero eigenvalue", "of the eigenvalues computed; NaN when they are all 0", "value", METRIC_REAL, 0},
    {"fiedler_multiplicity", "1", "multiplicity of it", "computed eigenvalues within 1e-8 of it, relatively", "count", METRIC_REAL, 0},
    {"lambda_k", "S", "largest computed eigenvalue", "the k-th smallest eigenvalue", "value", METRIC_REAL, 0},
    {"eigen_residual", "S", "absolute residual", "largest |L x - lambda x| over computed pairs", "maximum", METRIC_REAL, 0},
    {"method_used", "1", "method used", "1 dense, 2 shift-invert, 3 Davidson", "index", METRIC_REAL, 0},
    {"iterations", "1", "iterations", "iterations of the eigensolver", "count", METRIC_REAL, 0},
    {"log_spanning_trees", "1", "log number of spanning trees",
     "natural logarithm of the (weighted) number of spanning forests with a tree a component", "value", METRIC_REAL, 0},
    {"kirchhoff_index", "ohm", "Kirchhoff index", "sum of R over pairs of vertices of one component", "value", METRIC_REAL, 0},
    {"density_bound", "S", "upper end of the density", "bound of the largest eigenvalue", "value", METRIC_REAL, 0},
    {"solve_time", "s", "solve time", "graph in memory to eigenpairs", "wall clock, largest over ranks", METRIC_CLOCK, 0},
    {"trees_time", "s", "trees time", "spanning trees and Kirchhoff index", "wall clock, largest over ranks", METRIC_CLOCK, 0},
    {"density_time", "s", "density time", "spectral density", "wall clock, largest over ranks", METRIC_CLOCK, 0},
    {"peak_memory", "B", "peak memory", "largest resident memory of a rank during the trial", "maximum over ranks", METRIC_CLOCK, 0},
};

static PetscErrorCode declare(const void *params_, int64_t every, ResultSchema *schema)
{
  const SpectrumParams *p = params_;
  int64_t               n, m;
  bool                  known;

  PetscFunctionBeginUser;
  (void)every;
  for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) PetscCall(result_schema_metric(schema, &metrics[i]));
  PetscCall(graph_params_size(&p->graph, &n, &m, &known));
  enum { FIRST_OF_GRAPH = 5 }; /* arrays as long as the graph, from here on */
  const int64_t   k = known ? PetscMin(p->k, n) : p->k, bins = p->moments > 0 ? p->bins : 0;
  const ArraySpec arrays[] = {
      {"eigenvalues", "S", "eigenvalues", "smallest Laplacian eigenvalues, ascending", ARRAY_F64, false, 1, {k}},
      {"residuals", "S", "residuals", "|L x - lambda x| of each, |x| = 1", ARRAY_F64, false, 1, {k}},
      {"density_x", "S", "eigenvalue", "centres of the bins of the spectral density", ARRAY_F64, false, 1, {bins}},
      {"density", "1/S", "spectral density", "eigenvalues a unit of eigenvalue, over n", ARRAY_F64, false, 1, {bins}},
      {"density_stderr", "1/S", "its standard error", "over probes", ARRAY_F64, false, 1, {bins}},
      {"fiedler",
       "1",
       "Fiedler vector",
       "unit eigenvector of the smallest nonzero eigenvalue; NaN when none was computed",
       ARRAY_F64,
       false,
       1,
       {n}},
      {"vertices", "1", "vertices", "the input's own number of each vertex", ARRAY_I64, false, 1, {n}},
      {"edges", "1", "end points", "end points of each edge, in the input's own numbers", ARRAY_I64, false, 2, {m, 2}},
  };
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
    const bool of_density = strncmp(arrays[i].name, "density", 7) == 0, of_graph = i >= FIRST_OF_GRAPH;
    if ((of_graph && !known) || (of_density && bins == 0)) continue;
    PetscCall(result_schema_array(schema, &arrays[i]));
  }
  PetscFunctionReturn(0);
}

/* --- run --- */

typedef struct Job {
  MPI_Comm              comm;
  const SpectrumParams *params;
  const Graph          *graph;
  const int64_t        *id;
  GraphReport           report;
  int64_t               k, n_components;
  EigenOptions          options;
  EigenStats            stats;
  TreeStats             trees;
  double               *eigenvalue, *residual, *vector; /* (k), (k), (k, n) */
  double               *x, *density, *density_error;    /* (bins) */
  double                bound, seconds[3];
} Job;

/* Largest weighted degree. */
static double heaviest(const Graph *g)
{
  double *degree, most = 0;
  if (PetscCalloc1((size_t)g->n, &degree)) return NAN;
  for (int64_t e = 0; e < g->m; e++) {
    degree[g->u[e]] += graph_weight(g, e);
    degree[g->v[e]] += graph_weight(g, e);
  }
  for (int64_t i = 0; i < g->n; i++) most = fmax(most, degree[i]);
  (void)PetscFree(degree);
  return most;
}

static PetscErrorCode count_components(Job *j)
{
  int64_t *component;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)j->graph->n, &component));
  j->n_components = graph_components(j->graph, NULL, component);
  PetscCall(PetscFree(component));
  PetscFunctionReturn(0);
}

static PetscErrorCode allocate(Job *j)
{
  const size_t k = (size_t)j->k, n = (size_t)j->graph->n, bins = (size_t)j->params->bins;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(k, &j->eigenvalue, k, &j->residual, k * n, &j->vector));
  PetscCall(PetscMalloc3(bins, &j->x, bins, &j->density, bins, &j->density_error));
  PetscFunctionReturn(0);
}

static PetscErrorCode job_clear(Job *j)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(j->eigenvalue, j->residual, j->vector));
  PetscCall(PetscFree3(j->x, j->density, j->density_error));
  PetscFunctionReturn(0);
}

static PetscErrorCode solve(Job *j)
{
  const SpectrumParams *p     = j->params;
  double                begin = MPI_Wtime();

  PetscFunctionBeginUser;
  PetscCall(spectrum_smallest(j->comm, j->graph, j->k, &j->options, &j->stats, j->eigenvalue, j->residual, j->vector));
  j->seconds[0] = MPI_Wtime() - begin;
  if (j->stats.refused[0]) PetscFunctionReturn(0);
  begin    = MPI_Wtime();
  j->trees = (TreeStats){NAN, NAN, 0, 0, ""};
  if (p->trees) PetscCall(spectrum_trees(j->comm, j->graph, j->options.memory_limit, j->options.watch, &j->trees));
  j->seconds[1] = MPI_Wtime() - begin;
  begin         = MPI_Wtime();
  j->bound      = NAN;
  if (p->moments > 0)
    PetscCall(spectrum_density(j->comm, j->graph, p->moments, p->probes, p->bins, j->options.key, j->options.watch, &j->bound, j->x,
                               j->density, j->density_error));
  j->seconds[2] = MPI_Wtime() - begin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, j->seconds, 3, MPI_DOUBLE, MPI_MAX, j->comm));
  PetscFunctionReturn(0);
}

/* Place of the smallest nonzero eigenvalue among those computed, or k. */
static int64_t fiedler_place(const Job *j) { return PetscMin(j->n_components, j->k); }

static int64_t multiplicity(const Job *j, int64_t place)
{
  int64_t count = 0;
  for (int64_t i = place; i < j->k; i++) count += j->eigenvalue[i] <= j->eigenvalue[place] * (1 + 1e-8);
  return count;
}

static PetscErrorCode fill_metrics(const Job *j, double peak, int64_t row, Result *result)
{
  const int64_t place = fiedler_place(j), k = j->k;
  const bool    trees = j->params->trees && !j->trees.refused[0], found = place < k;
  const struct {
    const char *name;
    double      value;
  } values[] = {{"nodes", (double)j->graph->n},
                {"edges", (double)j->graph->m},
                {"components", (double)j->n_components},
                {"dropped_loops", (double)j->report.loops},
                {"dropped_duplicates", (double)j->report.duplicates},
                {"lambda2", j->n_components > 1 ? 0
                            : k > 1             ? j->eigenvalue[1]
                                                : (double)NAN},
                {"fiedler_value", found ? j->eigenvalue[place] : (double)NAN},
                {"fiedler_multiplicity", found ? (double)multiplicity(j, place) : (double)NAN},
                {"lambda_k", j->eigenvalue[k - 1]},
                {"eigen_residual", j->stats.residual},
                {"method_used", (double)j->stats.method},
                {"iterations", (double)j->stats.iterations},
                {"log_spanning_trees", trees ? j->trees.log_spanning_trees : (double)NAN},
                {"kirchhoff_index", trees ? j->trees.kirchhoff_index : (double)NAN},
                {"density_bound", j->bound},
                {"solve_time", j->seconds[0]},
                {"trees_time", j->seconds[1]},
                {"density_time", j->seconds[2]},
                {"peak_memory", peak}};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) PetscCall(graph_params_put(result, values[i].name, row, values[i].value));
  PetscFunctionReturn(0);
}

static PetscErrorCode put_array(Result *result, const char *name, int64_t row, const double *from, int64_t n)
{
  void *data;

  PetscFunctionBeginUser;
  PetscCall(result_array(result, name, row, &data));
  memcpy(data, from, (size_t)n * sizeof *from);
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_arrays(const Job *j, int64_t row, Result *result)
{
  const int64_t n = j->graph->n, place = fiedler_place(j);
  void         *data;

  PetscFunctionBeginUser;
  PetscCall(put_array(result, "eigenvalues", row, j->eigenvalue, j->k));
  PetscCall(put_array(result, "residuals", row, j->residual, j->k));
  if (j->params->moments > 0) {
    PetscCall(put_array(result, "density_x", row, j->x, j->params->bins));
    PetscCall(put_array(result, "density", row, j->density, j->params->bins));
    PetscCall(put_array(result, "density_stderr", row, j->density_error, j->params->bins));
  }
  if (result_schema_find_array(result_schema(result), "fiedler") < 0) PetscFunctionReturn(0);
  if (place < j->k) PetscCall(put_array(result, "fiedler", row, j->vector + place * n, n));
  PetscCall(result_array(result, "vertices", row, &data));
  for (int64_t i = 0; i < n; i++) ((int64_t *)data)[i] = j->id ? j->id[i] : i;
  PetscCall(graph_params_put_edges(result, row, j->graph->m, j->graph->u, j->graph->v, j->id));
  PetscFunctionReturn(0);
}

/* Every pair is judged by its own residual: against the tolerance, and against the eigenvalue, which must stand above it. */
static void judge(const Job *j, int64_t row, Result *result)
{
  const double tolerance = fmax(j->params->tolerance, 1e-12), scale = fmax(heaviest(j->graph), 1e-300);
  for (int64_t i = 0; i < j->k; i++) {
    const bool zero  = i < j->n_components;
    const bool sound = j->residual[i] <= 10 * tolerance * scale && (zero || j->residual[i] <= 1e-3 * j->eigenvalue[i]);
    if (sound) continue;
    result_invalid(result, row, "eigenvalue %lld = %.6g has residual %.3g", (long long)i + 1, j->eigenvalue[i], j->residual[i]);
    return;
  }
}

static PetscErrorCode run_trial(Job *j, int64_t row, bool record, RunControl *control, Result *result, bool *stop)
{
  char   message[RESULT_MESSAGE_MAX];
  double peak;

  PetscFunctionBeginUser;
  PetscCall(graph_params_build(&j->params->graph, j->options.memory_limit, &j->graph, &j->id, &j->report, message));
  if (!message[0] && j->graph->n == 0) strcpy(message, "the graph has no vertices");
  if (message[0]) {
    result_fail(result, row, "%s", message);
    PetscFunctionReturn(0);
  }
  j->k = PetscMin(j->params->k, j->graph->n);
  if (24.0 * (double)j->k * (double)j->graph->n > j->options.memory_limit) {
    result_fail(result, row, "%lld eigenvectors need %.3g GB of the %.3g GB allowed", (long long)j->k,
                24e-9 * (double)j->k * (double)j->graph->n, 1e-9 * j->options.memory_limit);
    PetscFunctionReturn(0);
  }
  PetscCall(count_components(j));
  PetscCall(allocate(j));
  PetscCall(solve(j));
  PetscCall(graph_params_peak_memory(j->comm, &peak));
  *stop = control_should_stop(control) != STOP_NO;
  if (j->stats.refused[0] && !*stop) result_fail(result, row, "%s", j->stats.refused);
  if (!j->stats.refused[0] && !*stop) {
    PetscCall(fill_metrics(j, peak, row, result));
    if (record) PetscCall(fill_arrays(j, row, result));
    judge(j, row, result);
    if (j->trees.refused[0]) log_info("spanning trees and Kirchhoff index: %s", j->trees.refused);
  }
  PetscCall(job_clear(j));
  PetscFunctionReturn(0);
}

static PetscErrorCode run(MPI_Comm comm, const TrialBatch *batch, RunControl *control, Result *result)
{
  const SpectrumParams *p     = batch->params;
  const Watch           watch = control_watch(control);
  double                limit;
  bool                  stop = false;

  PetscFunctionBeginUser;
  for (int64_t i = 0; i < batch->n && !stop; i++) {
    PetscCall(memory_share(comm, 1e9 * p->memory_limit, &limit));
    Job j = {.comm = comm, .params = p, .options = {(EigenMethodId)p->method, p->tolerance, limit, batch->key[i], &watch}};
    resource_memory_peak_reset();
    if (control_should_stop(control) != STOP_NO) break;
    PetscCall(run_trial(&j, i, batch->record[i], control, result, &stop));
  }
  PetscFunctionReturn(0);
}

/* --- exact values --- */

static PetscErrorCode reference(const void *params_, Reference *reference)
{
  const SpectrumParams *p     = params_;
  const LatticeSpectrum exact = lattice_spectrum(&p->graph);

  PetscFunctionBeginUser;
  if (isnan(exact.lambda2)) PetscFunctionReturn(0);
  if (p->k >= 2) reference_limit(reference, "lambda2", exact.lambda2, 1e-9 * exact.lambda2);
  if (p->k >= 1 + exact.multiplicity) reference_sure(reference, "fiedler_multiplicity", (double)exact.multiplicity);
  if (!p->trees || isnan(exact.kirchhoff_index)) PetscFunctionReturn(0);
  reference_limit(reference, "log_spanning_trees", exact.log_spanning_trees, 1e-10 * fabs(exact.log_spanning_trees) + 1e-9);
  reference_limit(reference, "kirchhoff_index", exact.kirchhoff_index, 1e-9 * exact.kirchhoff_index);
  PetscFunctionReturn(0);
}

const Experiment experiment_spectrum = {
    .name        = "spectrum",
    .summary     = "smallest Laplacian eigenvalues, Fiedler vector, spanning trees, Kirchhoff index, spectral density of a graph",
    .source      = "Fiedler, Czechoslovak Math. J. 23 (1973) 298; Weisse et al., Rev. Mod. Phys. 78 (2006) 275",
    .params      = params,
    .params_size = sizeof(SpectrumParams),
    .parallel    = true,
    .merit_unit  = "eigenpairs/s",
    .merit_work  = merit_work,
    .check       = check,
    .cost        = cost,
    .memory      = memory,
    .declare     = declare,
    .run         = run,
    .reference   = reference,
};
