/* SPDX-License-Identifier: BSD-2-Clause
 * What graph_diffusion writes: the tables of its metrics, arrays and series. */
#include <string.h>

#include "graph_diffusion.h"

/* --- metrics --- */

static const MetricSpec metrics[METRICS] = {
    {"connected", "1", "connected samples", "share of the generated graphs that are connected", "all samples", METRIC_REAL, 0},
    {"connected_exact", "1", "connected, exact",
     "of a perfect denoiser trained on this very set under this loss; undefined where no exact value is known",
     "closed form or enumeration", METRIC_REAL, 0},
    {"connected_within", "1", "connected agrees with the exact value",
     "1 when the two-sided exact binomial test of the samples against connected_exact has p >= 0.001", "all samples", METRIC_EVENT, 0},
    {"marginals_within", "1", "marginals agree with the exact values",
     "1 when no pair's frequency has a binomial p-value below 0.001 / pairs against its exact one", "all samples", METRIC_EVENT, 0},
    {"bridge_recall", "1", "bridge recall", "mean over joints of the share of samples that have the bridge in its place; in fixed order",
     "all samples", METRIC_REAL, 0},
    {"rse", "1", "relative spectral error",
     "mean |lambda2 - that of the data| / that of the data, which is the mean over connected training graphs; 1 for disconnected samples",
     "all samples", METRIC_REAL, 0},
    {"edges", "1", "edges of a sample", "mean", "all samples", METRIC_REAL, 0},
    {"edges_data", "1", "edges of a training graph", "mean", "training set", METRIC_REAL, 0},
    {"cross_edges", "1", "cross edges of a sample",
     "mean number of edges between clusters; permuted: of the minimum balanced bisection, up to 16 vertices", "all samples", METRIC_REAL,
     0},
    {"cross_many", "1", "samples with more cross edges than joints", "share; permuted: with a bisection wider than 1", "all samples",
     METRIC_REAL, 0},
    {"off_support", "1", "mass off the data's support", "share of samples that the data law cannot make; toy4", "all samples", METRIC_REAL,
     0},
    {"valid", "1", "valid samples", "share that obeys the law's structure: tree, planar, clusters joined once", "all samples", METRIC_REAL,
     0},
    {"unique", "1", "unique samples", "isomorphism classes over samples", "metric_graphs samples", METRIC_REAL, 0},
    {"novel", "1", "novel samples", "isomorphism classes that the training set has not", "metric_graphs samples, whole training set",
     METRIC_REAL, 0},
    {"valid_unique_novel", "1", "valid, unique and novel", "classes that are valid and novel, over samples", "metric_graphs samples",
     METRIC_REAL, 0},
    {"degree_mmd", "1", "MMD of degrees", "squared, to the test set; Gaussian kernel of total variation, sigma 1", "metric_graphs each",
     METRIC_REAL, 0},
    {"clustering_mmd", "1", "MMD of clustering coefficients", "the same, 100 bins, sigma 0.1", "metric_graphs each", METRIC_REAL, 0},
    {"cycles_mmd", "1", "MMD of cycle counts", "the same of triangles and 4-cycles through a vertex, sigma 1", "metric_graphs each",
     METRIC_REAL, 0},
    {"spectrum_mmd", "1", "MMD of spectra", "the same of the normalised Laplacian, 200 bins, sigma 1", "metric_graphs each", METRIC_REAL,
     0},
    {"degree_mmd_data", "1", "MMD of degrees, data", "training set to test set: what a perfect model has", "metric_graphs each",
     METRIC_REAL, 0},
    {"clustering_mmd_data", "1", "MMD of clustering coefficients, data", "training set to test set", "metric_graphs each", METRIC_REAL, 0},
    {"cycles_mmd_data", "1", "MMD of cycle counts, data", "training set to test set", "metric_graphs each", METRIC_REAL, 0},
    {"spectrum_mmd_data", "1", "MMD of spectra, data", "training set to test set", "metric_graphs each", METRIC_REAL, 0},
    {"size_distance", "1", "total variation of sizes", "between samples and training set", "all samples", METRIC_REAL, 0},
    {"bound", "nat", "bound of the negative log-likelihood", "of a test graph, with the mixture of posteriors", "bound_graphs, every t",
     METRIC_REAL, 0},
    {"bound_exact", "nat", "bound, exact", "of the perfect denoiser on the training frequencies, in fixed order", "closed form",
     METRIC_REAL, 0},
    {"probe_bridge", "1", "learned frequency of the bridge", "phat of the bridge's pair at t = T; in fixed order",
     "probe_graphs of the limit law", METRIC_REAL, 0},
    {"probe_bridge_exact", "1", "learned frequency of the bridge, exact", "P~ = w P / (w P + 1 - P), P the frequency in the training set",
     "closed form", METRIC_REAL, 0},
    {"probe_pair", "1", "learned frequency of a pair", "mean phat of all pairs at t = T", "probe_graphs of the limit law", METRIC_REAL, 0},
    {"probe_pair_exact", "1", "learned frequency of a pair, exact", "of a blind model; in fixed order the mean of P~", "closed form",
     METRIC_REAL, 0},
    {"logit_error", "1", "logit error of the bridge", "largest |logit phat - logit P~| over bridges at t = T; in fixed order",
     "probe_graphs of the limit law", METRIC_REAL, 0},
    {"logit_error_intra", "1", "logit error inside clusters",
     "mean |logit phat - logit P~| over pairs inside clusters at t = T; in fixed order", "probe_graphs of the limit law", METRIC_REAL, 0},
    {"lost_step", "1", "where the bridge is lost",
     "mean of t / T at which the pair was set last, over traced samples without bridge that had it once; fixed order", "trace_graphs",
     METRIC_REAL, 0},
    {"final_loss", "nat", "training loss", "mean of the last 100 steps, of a graph", "mean over steps", METRIC_REAL, 0},
    {"data_time", "s", "time to make the sets", "of this trial", "wall clock", METRIC_CLOCK, 0},
    {"resistance_time", "s", "time of the resistances", "of all training graphs, once", "wall clock", METRIC_CLOCK, 0},
    {"train_time", "s", "training time", "of this trial", "wall clock", METRIC_CLOCK, 0},
    {"step_time", "s", "time of a training step", "mean", "wall clock", METRIC_CLOCK, 0},
    {"sample_time", "s", "sampling time", "all samples of this trial", "wall clock", METRIC_CLOCK, 0},
    {"measure_time", "s", "time of the measures", "probes, bound, distances", "wall clock", METRIC_CLOCK, 0},
};

PetscErrorCode graph_diffusion_columns(GraphDiffusionJob *j)
{
  PetscFunctionBeginUser;
  PetscCall(result_columns(j->result, METRICS, metrics, j->column));
  PetscFunctionReturn(0);
}

/* --- arrays --- */

static const ArraySpec array_specs[ARRAYS] = {
    {.name        = "samples",
     .unit        = "1",
     .long_name   = "generated graphs",
     .description = "edge classes of pairs, pair of i < j at j (j - 1) / 2 + i; (graphs, pairs)",
     .type        = ARRAY_U8},
    {.name = "samples_size", .unit = "1", .long_name = "vertices of the generated graphs", .description = "(graphs)", .type = ARRAY_U8},
    {.name        = "samples_node",
     .unit        = "1",
     .long_name   = "node classes of the generated graphs",
     .description = "(graphs, vertices)",
     .type        = ARRAY_U8},
    {.name        = "strip",
     .unit        = "1",
     .long_name   = "reverse chains",
     .description = "edge classes at t = T, ..., 0; (graphs, T + 1, pairs)",
     .type        = ARRAY_U8},
    {.name        = "strip_probability",
     .unit        = "1",
     .long_name   = "phat along reverse chains",
     .description = "of an edge, at t = T, ..., 1; (graphs, T, pairs)"},
    {.name = "pair_frequency", .unit = "1", .long_name = "generated frequency of every pair", .description = "(pairs)"},
    {.name = "pair_frequency_data", .unit = "1", .long_name = "frequency of every pair in the training set", .description = "(pairs)"},
    {.name        = "pair_exact",
     .unit        = "1",
     .long_name   = "exact generated frequency of every pair",
     .description = "NaN where it is not known; (pairs)"},
    {.name        = "posterior_bridge",
     .unit        = "1",
     .long_name   = "p(bridge | G_t)",
     .description = "mean phat of the bridge's pair at t = 1, ..., T given a noisy graph whose bridge was there, and was not; (T, 2)"},
    {.name        = "posterior_bridge_exact",
     .unit        = "1",
     .long_name   = "p(bridge | G_t), exact",
     .description = "the same of the perfect denoiser; (T, 2)"},
    {.name        = "trace_bridge",
     .unit        = "1",
     .long_name   = "bridge along the reverse chain",
     .description = "share of traced samples whose first bridge is set at t = T, ..., 0; fixed order; (T + 1)"},
    {.name        = "trace_connected",
     .unit        = "1",
     .long_name   = "connectivity along the reverse chain",
     .description = "share of traced samples that are connected at t = T, ..., 0; (T + 1)"},
    {.name        = "lost_at",
     .unit        = "1",
     .long_name   = "where the bridge is lost",
     .description = "traced samples without bridge by the t at which its pair was set last, 0: never; fixed order; (T + 1)",
     .type        = ARRAY_I64},
    {.name = "site", .unit = "1", .long_name = "pairs of the bridges", .description = "in fixed order; (joints)", .type = ARRAY_I64},
    {.name        = "cluster",
     .unit        = "1",
     .long_name   = "cluster of every vertex",
     .description = "in fixed order; (vertices)",
     .type        = ARRAY_I64},
    {.name        = "size_frequency",
     .unit        = "1",
     .long_name   = "sizes of training graphs",
     .description = "share with 0, 1, ... vertices; (vertices + 1)"},
    {.name        = "set_statistics",
     .unit        = "1",
     .long_name   = "statistics of the sets",
     .description = "training, test: graphs, mean vertices, edges, components, bridges, share connected; (2, 6)"},
};

static int array_shape(const GraphDiffusionParams *p, const GraphDiffusionPlan *plan, int array, int64_t shape[RESULT_RANK_MAX])
{
  const int64_t n = plan->n, pairs = pair_count(plan->n), T = plan->T, kept = PetscMin(p->samples, p->recorded_graphs);
  const int64_t strips = PetscMin(PetscMin(p->strip_graphs, p->trace_graphs), p->samples);
  const int64_t joints = PetscMax(plan->set.clusters - 1, 1); /* toy4 has one */
  const bool    place = graph_diffusion_has_sites(p), clusters = !p->permute && p->data != SET_FILE;
  const int64_t shapes[ARRAYS][RESULT_RANK_MAX] = {[SAMPLES]                = {kept, pairs},
                                                   [SAMPLES_SIZE]           = {kept},
                                                   [SAMPLES_NODE]           = {kept, n},
                                                   [STRIP]                  = {strips, T + 1, pairs},
                                                   [STRIP_PROBABILITY]      = {strips, T, pairs},
                                                   [PAIR_FREQUENCY]         = {pairs},
                                                   [PAIR_FREQUENCY_DATA]    = {pairs},
                                                   [PAIR_EXACT]             = {pairs},
                                                   [POSTERIOR_BRIDGE]       = {T, 2},
                                                   [POSTERIOR_BRIDGE_EXACT] = {T, 2},
                                                   [TRACE_BRIDGE]           = {T + 1},
                                                   [TRACE_CONNECTED]        = {T + 1},
                                                   [LOST_AT]                = {T + 1},
                                                   [SITE]                   = {joints},
                                                   [CLUSTER]                = {n},
                                                   [SIZE_FREQUENCY]         = {n + 1},
                                                   [SET_STATISTICS]         = {2, 6}};
  int           rank                            = 0;
  memcpy(shape, shapes[array], sizeof shapes[array]);
  while (rank < RESULT_RANK_MAX && shape[rank] > 0) rank++;
  if (array == SAMPLES_NODE && plan->a == 1) return 0;
  if (array == POSTERIOR_BRIDGE && p->posterior == CHAIN_EXACT) return 0;
  if (array == CLUSTER && !clusters) return 0;
  return (array == TRACE_BRIDGE || array == LOST_AT || array == SITE) && !place ? 0 : rank;
}

/* --- series --- */

enum { STEP = 0, LOSS, RATE, GRADIENT_NORM, MEAN, NORM, SHARE, SNR, COSINE, INDEX, SHARE_PART, SHARE_TIME, PROBE, SERIES };
#define CLASSES "bridge, intra-cluster, non-edge"

static const ArraySpec series[SERIES] = {
    {.name = "step", .unit = "1", .long_name = "step", .description = "training step of each recorded row", .type = ARRAY_I64},
    {.name        = "loss",
     .unit        = "nat",
     .long_name   = "training loss",
     .description = "weighted cross-entropy of a graph, mean over the batch, before the update"},
    {.name = "rate", .unit = "1", .long_name = "learning rate", .description = "of the update of this step"},
    {.name = "gradient_norm", .unit = "1", .long_name = "norm of the gradient", .description = "before clipping"},
    {.name        = "grad_mean",
     .unit        = "1",
     .long_name   = "mean gradient of a class",
     .description = "mean over the parameters of g_c; columns: " CLASSES},
    {.name = "grad_norm", .unit = "1", .long_name = "norm of a class's gradient", .description = "||g_c||; columns: " CLASSES},
    {.name        = "grad_share",
     .unit        = "1",
     .long_name   = "share of a class in the gradient",
     .description = "||g_c||^2 / sum over classes of ||g||^2; columns: " CLASSES},
    {.name        = "grad_snr",
     .unit        = "1",
     .long_name   = "signal-to-noise ratio of a class's gradient",
     .description = "||g_c|| / s, s^2 the variance over the batch of the gradient of a graph; columns: " CLASSES},
    {.name = "grad_cosine", .unit = "1", .long_name = "cosine of a class's gradient with the total", .description = "columns: " CLASSES},
    {.name        = "starvation_index",
     .unit        = "1",
     .long_name   = "starvation index",
     .description = "share over importance, the class's part of sum R_eff / (n - components); columns: " CLASSES},
    {.name        = "grad_share_layer",
     .unit        = "1",
     .long_name   = "share of a class by layer",
     .description = "within the parameters of a layer; (steps, classes, layers), classes " CLASSES},
    {.name        = "grad_share_time",
     .unit        = "1",
     .long_name   = "share of a class by time",
     .description = "within the graphs of a quarter of t; (steps, classes, 4), classes " CLASSES},
    {.name        = "probe",
     .unit        = "1",
     .long_name   = "learned frequency",
     .description = "mean phat of an edge at t = T, 3T/4, T/2, T/4 over pairs of a class; (steps, classes, 4), classes " CLASSES},
};

static PetscErrorCode declare_series(const GraphDiffusionPlan *plan, int64_t every, ResultSchema *schema)
{
  DenoiserPart  part[DENOISER_PARTS_MAX];
  const int64_t third[] = {[SHARE_PART - SHARE_PART] = denoiser_parts(&plan->training.denoiser, part),
                           [SHARE_TIME - SHARE_PART] = TRAIN_GRAPH_BUCKETS,
                           [PROBE - SHARE_PART]      = PROBE_TIMES};

  PetscFunctionBeginUser;
  for (int i = 0; i < SERIES; i++) {
    ArraySpec spec = series[i];
    spec.series    = true;
    spec.rank      = i < MEAN ? 1 : i < SHARE_PART ? 2 : 3;
    spec.shape[0]  = graph_train_recorded(plan->training.steps, every);
    spec.shape[1]  = TERM_CLASSES;
    spec.shape[2]  = i < SHARE_PART ? 0 : third[i - SHARE_PART];
    PetscCall(result_schema_array(schema, &spec));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode graph_diffusion_series(Result *result, int64_t row, GraphTrainSeries *out)
{
  void *data[SERIES];

  PetscFunctionBeginUser;
  for (int i = 0; i < SERIES; i++) PetscCall(result_array(result, series[i].name, row, &data[i]));
  *out = (GraphTrainSeries){.step          = data[STEP],
                            .loss          = data[LOSS],
                            .rate          = data[RATE],
                            .gradient_norm = data[GRADIENT_NORM],
                            .mean          = data[MEAN],
                            .norm          = data[NORM],
                            .share         = data[SHARE],
                            .snr           = data[SNR],
                            .cosine        = data[COSINE],
                            .index         = data[INDEX],
                            .share_part    = data[SHARE_PART],
                            .share_time    = data[SHARE_TIME],
                            .probe         = data[PROBE]};
  PetscFunctionReturn(0);
}

/* --- declaration and writing --- */

PetscErrorCode graph_diffusion_declare(const GraphDiffusionParams *p, int64_t every, ResultSchema *schema)
{
  GraphDiffusionPlan plan;
  char               error[256];
  const char        *parameter;

  PetscFunctionBeginUser;
  PetscCall(graph_diffusion_plan_create(p, &plan, &parameter, error));
  PetscCheck(!error[0], PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", error);
  for (int i = 0; i < METRICS; i++) PetscCall(result_schema_metric(schema, &metrics[i]));
  if (graph_diffusion_trains(p)) PetscCall(declare_series(&plan, every, schema));
  for (int i = 0; i < ARRAYS; i++) {
    ArraySpec spec = array_specs[i];
    spec.rank      = array_shape(p, &plan, i, spec.shape);
    if (spec.rank) PetscCall(result_schema_array(schema, &spec));
  }
  graph_diffusion_plan_destroy(&plan);
  PetscFunctionReturn(0);
}

/* The array of a recorded row, NULL when the point or the row has none. */
static PetscErrorCode find_array(const GraphDiffusionJob *j, int64_t row, int array, void **out)
{
  int64_t shape[RESULT_RANK_MAX];

  PetscFunctionBeginUser;
  *out = NULL;
  if (array_shape(j->params, &j->plan, array, shape)) PetscCall(result_array(j->result, array_specs[array].name, row, out));
  PetscFunctionReturn(0);
}

PetscErrorCode graph_diffusion_put(const GraphDiffusionJob *j, int64_t row, int array, int64_t n, const double *value)
{
  double *out;

  PetscFunctionBeginUser;
  PetscCall(find_array(j, row, array, (void **)&out));
  if (out) memcpy(out, value, (size_t)n * sizeof *value);
  PetscFunctionReturn(0);
}

PetscErrorCode graph_diffusion_put_integers(const GraphDiffusionJob *j, int64_t row, int array, int64_t n, const int64_t *value)
{
  int64_t *out;

  PetscFunctionBeginUser;
  PetscCall(find_array(j, row, array, (void **)&out));
  if (out) memcpy(out, value, (size_t)n * sizeof *value);
  PetscFunctionReturn(0);
}

PetscErrorCode graph_diffusion_put_bytes(const GraphDiffusionJob *j, int64_t row, int array, int64_t n, const uint8_t *value)
{
  uint8_t *out;

  PetscFunctionBeginUser;
  PetscCall(find_array(j, row, array, (void **)&out));
  if (out) memcpy(out, value, (size_t)n);
  PetscFunctionReturn(0);
}
