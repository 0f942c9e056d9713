/* SPDX-License-Identifier: BSD-2-Clause
 * What a trial of graph_diffusion measures: what was learned (probes, bound), what is generated (connectivity, cross edges, distances,
 * novelty), and where along the reverse chain the bridge is lost. Samples are looked at by the first rank alone. */
#include <math.h>
#include <string.h>

#include "graph_diffusion.h"
#include "stats.h"

static const double p_alarm = 1e-3; /* of the agreement with exact values */

static double logit(double p) { return log(p / (1 - p)); }

static void set(const GraphDiffusionJob *j, const GraphDiffusionTrial *t, int metric, double value) { j->column[metric][t->row] = value; }

/* A trial's samples, or its first `most` ones. */
static GraphSample samples_of(const GraphDiffusionJob *j, const GraphDiffusionTrial *t, int64_t most)
{
  return (GraphSample){.n     = j->plan.n,
                       .count = PetscMin(j->params->samples, most),
                       .size  = t->size,
                       .node  = j->plan.a > 1 ? t->node : NULL,
                       .edge  = t->edge};
}

static GraphSample first_of(const GraphSet *set, int64_t most)
{
  GraphSample s = graph_sample_of(set);
  s.count       = PetscMin(s.count, most);
  return s;
}

/* --- what was learned --- */

static bool inside_cluster(const GraphSet *set, int i, int k)
{
  return set->cluster[i] == set->cluster[k] && set->cluster[i] != SET_NO_CLUSTER;
}

static void judge_probe(const GraphDiffusionJob *j, const GraphDiffusionTrial *t, const double *phat)
{
  const GraphSet *train = t->train;
  const double   *exact = t->exact.pair;
  double          sum = 0, sum_exact = 0, bridge = 0, bridge_exact = 0, worst = 0, intra = 0;
  int             n_intra = 0;
  for (int k = 0; k < train->pairs; k++) {
    sum += phat[k];
    sum_exact += exact ? exact[k] : 0;
  }
  /* Logits of finite parameters overflow as well; nothing that such a network says is a measure. */
  if (!isfinite(sum)) result_fail(j->result, t->row, "probabilities of the trained network are not finite");
  set(j, t, PROBE_PAIR, sum / train->pairs);
  set(j, t, PROBE_PAIR_EXACT, exact ? sum_exact / train->pairs : t->exact.blind);
  if (!graph_diffusion_has_sites(j->params)) return;
  for (int k = 0; k < train->joints; k++) {
    const int site = train->site[k];
    bridge += phat[site] / train->joints;
    bridge_exact += exact ? exact[site] / train->joints : (double)NAN;
    const double error = exact ? fabs(logit(phat[site]) - logit(exact[site])) : (double)NAN;
    if (!(error <= worst)) worst = error; /* NaN stays */
  }
  set(j, t, PROBE_BRIDGE, bridge);
  set(j, t, PROBE_BRIDGE_EXACT, bridge_exact);
  if (!exact) return;
  if (isfinite(worst)) set(j, t, LOGIT_ERROR, worst);
  for (int k = 1; k < train->n; k++)
    for (int i = 0; i < k; i++) {
      const double p = exact[pair_index(i, k)];
      if (!inside_cluster(train, i, k) || p <= 0 || p >= 1) continue;
      intra += fabs(logit(phat[pair_index(i, k)]) - logit(p));
      n_intra++;
    }
  if (n_intra) set(j, t, LOGIT_ERROR_INTRA, intra / n_intra);
}

static PetscErrorCode measure_learned(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  const GraphDiffusionParams *p = j->params;
  const int                   T = j->model.transition->T;
  double                     *phat, bound;

  PetscFunctionBeginUser;
  set(j, t, BOUND_EXACT, t->exact.bound);
  if (!j->model.denoiser) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(t->train->pairs, &phat));
  PetscCall(graph_probe_pairs(j->comm, &j->model, j->plan.n, j->batch->key[t->row], T, p->probe_graphs, phat));
  judge_probe(j, t, phat);
  PetscCall(PetscFree(phat));
  PetscCall(
      graph_bound(j->comm, &j->model, t->test, j->batch->key[t->row], PetscMin(p->bound_graphs, t->test->count), BOUND_TIMES, &bound));
  set(j, t, BOUND, bound);
  PetscFunctionReturn(0);
}

/* p(bridge | G_t) of noisy test graphs whose bridge is there, and is not, at every t. */
static PetscErrorCode measure_posterior(const GraphDiffusionJob *j, const GraphDiffusionTrial *t, bool *stopped)
{
  const Transition *process = j->model.transition;
  const int         T       = process->T;
  double           *mean, *exact;

  PetscFunctionBeginUser;
  if (!t->recorded || !t->test->joints) PetscFunctionReturn(0);
  PetscCall(PetscMalloc2(2 * T, &mean, 2 * T, &exact));
  for (int step = 1; step <= T && j->model.denoiser && !*stopped; step++) {
    double classes[TERM_CLASSES];
    PetscCall(graph_probe(j->comm, &j->model, t->test, j->batch->key[t->row], step, PetscMin(j->params->probe_graphs, t->test->count),
                          classes, mean + 2 * (step - 1)));
    watch_progress(j->watch, "probe", step, T);
    *stopped = watch_stop(j->watch);
  }
  if (j->model.denoiser && !*stopped) PetscCall(graph_diffusion_put(j, t->row, POSTERIOR_BRIDGE, 2 * T, mean));
  for (int step = 1; step <= T && t->exact.pair && graph_diffusion_has_sites(j->params); step++)
    for (int there = 0; there < 2; there++) {
      const double tilted = t->exact.pair[t->train->site[0]];
      double       law[2];
      transition_forward(2, process->edge, process->abar[step], 1 - there, law);
      exact[2 * (step - 1) + there] =
          law[0] * exact_bit_posterior(process, tilted, step, 0) + law[1] * exact_bit_posterior(process, tilted, step, 1);
    }
  if (t->exact.pair && graph_diffusion_has_sites(j->params))
    PetscCall(graph_diffusion_put(j, t->row, POSTERIOR_BRIDGE_EXACT, 2 * T, exact));
  PetscCall(PetscFree2(mean, exact));
  PetscFunctionReturn(0);
}

/* --- what is generated --- */

static double mean_bytes(int64_t n, const uint8_t *x)
{
  int64_t sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i];
  return (double)sum / (double)n;
}

static double mean_int32(int64_t n, const int32_t *x)
{
  int64_t sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i];
  return (double)sum / (double)n;
}

static PetscErrorCode measure_connectivity(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  const GraphSample s = samples_of(j, t, INT64_MAX);
  uint8_t          *connected;
  int32_t          *edges;
  int64_t           count = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(s.count, &connected, s.count, &edges));
  graphs_connected(&s, connected);
  graphs_edges(&s, edges);
  for (int64_t i = 0; i < s.count; i++) count += connected[i];
  set(j, t, CONNECTED, (double)count / (double)s.count);
  set(j, t, CONNECTED_EXACT, t->exact.connected);
  if (!isnan(t->exact.connected)) set(j, t, CONNECTED_WITHIN, stats_binomial_p(count, s.count, t->exact.connected) >= p_alarm);
  set(j, t, EDGES, mean_int32(s.count, edges));
  set(j, t, EDGES_DATA, t->stats.mean_edges);
  PetscCall(PetscFree2(connected, edges));
  PetscFunctionReturn(0);
}

/* |lambda2 - reference| / reference of every sample, the reference being the mean over connected training graphs. */
static PetscErrorCode measure_spectral_error(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  const GraphSample s = samples_of(j, t, INT64_MAX), train = graph_sample_of(t->train);
  double           *lambda2, reference = 0, sum = 0;
  int64_t           connected = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(PetscMax(s.count, train.count), &lambda2));
  PetscCall(graphs_lambda2(&train, lambda2));
  for (int64_t i = 0; i < train.count; i++) {
    reference += lambda2[i];
    connected += lambda2[i] > 0;
  }
  reference /= (double)connected;
  PetscCall(graphs_lambda2(&s, lambda2));
  for (int64_t i = 0; i < s.count; i++) sum += fabs(lambda2[i] - reference) / reference;
  if (connected) set(j, t, RSE, sum / (double)s.count);
  PetscCall(PetscFree(lambda2));
  PetscFunctionReturn(0);
}

static PetscErrorCode measure_cross(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  const GraphSample s        = samples_of(j, t, INT64_MAX);
  const bool        clusters = t->train->cluster[0] != SET_NO_CLUSTER, place = !j->params->permute && clusters;
  const int         joints = place ? PetscMax(t->train->joints, 1) : 1;
  int32_t          *cross;
  int64_t           many = 0;

  PetscFunctionBeginUser;
  if (!clusters || (!place && j->plan.n > 16)) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(s.count, &cross));
  if (place)
    graphs_cross(&s, t->train->cluster, cross);
  else
    graphs_bisection(&s, cross);
  for (int64_t i = 0; i < s.count; i++) many += cross[i] > joints;
  set(j, t, CROSS, mean_int32(s.count, cross));
  set(j, t, CROSS_MANY, (double)many / (double)s.count);
  PetscCall(PetscFree(cross));
  PetscFunctionReturn(0);
}

/* Frequencies of pairs among the samples that have them, and the binomial test of each. */
static PetscErrorCode measure_pairs(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  const int64_t n     = j->params->samples;
  const int     pairs = t->train->pairs;
  int64_t      *with, *there;
  double       *frequency, recall = 0;
  bool          within = true;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc3(pairs, &with, pairs, &there, pairs, &frequency));
  for (int64_t i = 0; i < n; i++)
    for (int k = 0; k < pair_count(t->size[i]); k++) {
      there[k]++;
      with[k] += t->edge[i * pairs + k] > 0;
    }
  for (int k = 0; k < pairs; k++) {
    frequency[k] = (double)with[k] / (double)there[k];
    if (t->exact.pair) within = within && stats_binomial_p(with[k], there[k], t->exact.pair[k]) >= p_alarm / pairs;
  }
  if (t->exact.pair) set(j, t, MARGINALS_WITHIN, within);
  for (int k = 0; graph_diffusion_has_sites(j->params) && k < t->train->joints; k++)
    recall += frequency[t->train->site[k]] / t->train->joints;
  if (graph_diffusion_has_sites(j->params)) set(j, t, BRIDGE_RECALL, recall);
  PetscCall(graph_diffusion_put(j, t->row, PAIR_FREQUENCY, pairs, frequency));
  PetscCall(graph_diffusion_put(j, t->row, PAIR_FREQUENCY_DATA, pairs, t->stats.pair_frequency));
  if (t->exact.pair) PetscCall(graph_diffusion_put(j, t->row, PAIR_EXACT, pairs, t->exact.pair));
  PetscCall(PetscFree3(with, there, frequency));
  PetscFunctionReturn(0);
}

static void measure_support(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  double  law[TOY_STATES];
  int64_t off = 0;
  if (j->params->data != SET_TOY4) return;
  toy_law(0.5, j->params->permute, law);
  for (int64_t i = 0; i < j->params->samples; i++) {
    int state = 0;
    for (int k = 0; k < TOY_PAIRS; k++) state |= (t->edge[i * TOY_PAIRS + k] > 0) << k;
    off += law[state] == 0;
  }
  set(j, t, OFF_SUPPORT, (double)off / (double)j->params->samples);
}

/* --- laws --- */

static PetscErrorCode measure_distances(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  const int64_t     most = j->params->metric_graphs;
  const GraphSample s = samples_of(j, t, most), train = first_of(t->train, most), test = first_of(t->test, most);
  GraphDistances    d;

  PetscFunctionBeginUser;
  PetscCall(graph_distances(&s, &test, most, &d));
  set(j, t, DEGREE_MMD, d.degree);
  set(j, t, CLUSTERING_MMD, d.clustering);
  set(j, t, CYCLES_MMD, d.cycles);
  set(j, t, SPECTRUM_MMD, d.spectrum);
  PetscCall(graph_distances(&train, &test, most, &d));
  set(j, t, DEGREE_MMD_DATA, d.degree);
  set(j, t, CLUSTERING_MMD_DATA, d.clustering);
  set(j, t, CYCLES_MMD_DATA, d.cycles);
  set(j, t, SPECTRUM_MMD_DATA, d.spectrum);
  PetscFunctionReturn(0);
}

static PetscErrorCode measure_novelty(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  const GraphSample all = samples_of(j, t, INT64_MAX), few = samples_of(j, t, j->params->metric_graphs), train = graph_sample_of(t->train);
  const bool        place = !j->params->permute && t->train->cluster[0] != SET_NO_CLUSTER;
  GraphNovelty      novelty;
  uint8_t          *valid;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(all.count, &valid));
  graphs_valid(&all, &j->plan.set, place ? t->train->cluster : NULL, valid);
  if (valid[0] != 255) set(j, t, VALID_GRAPHS, mean_bytes(all.count, valid));
  PetscCall(graph_novelty(&few, &train, valid, &novelty));
  set(j, t, UNIQUE, novelty.unique);
  set(j, t, NOVEL, novelty.novel);
  set(j, t, VALID_UNIQUE_NOVEL, novelty.valid_unique_novel);
  PetscCall(PetscFree(valid));
  PetscFunctionReturn(0);
}

static PetscErrorCode measure_sizes(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  const int n = j->plan.n;
  double   *share, sum = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(n + 1, &share));
  for (int64_t i = 0; i < j->params->samples; i++) share[t->size[i]] += 1 / (double)j->params->samples;
  for (int k = 0; k <= n; k++) sum += fabs(share[k] - t->stats.size_frequency[k]) / 2;
  set(j, t, SIZE_DISTANCE, sum);
  PetscCall(graph_diffusion_put(j, t->row, SIZE_FREQUENCY, n + 1, t->stats.size_frequency));
  PetscCall(PetscFree(share));
  PetscFunctionReturn(0);
}

/* --- the way through the reverse chain --- */

/* The t at which the pair was set last, 0: never; *present: set at t = 0. */
static int last_set(const GraphDiffusionTrial *t, int T, int pairs, int64_t graph, int pair, bool *present)
{
  const uint8_t *way = t->record.edge + graph * (T + 1) * pairs;
  *present           = way[(int64_t)T * pairs + pair] > 0;
  for (int k = T; k >= 0; k--)
    if (way[(int64_t)k * pairs + pair]) return T - k;
  return 0;
}

static PetscErrorCode trace_bridge(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  const int     T = j->model.transition->T, pairs = t->train->pairs, site = t->train->site[0];
  const int64_t n = t->record.graphs;
  int64_t      *lost_at, lost = 0, sum = 0;
  double       *there;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(T + 1, &lost_at, T + 1, &there));
  for (int64_t i = 0; i < n; i++) {
    bool      present;
    const int last = last_set(t, T, pairs, i, site, &present);
    for (int k = 0; k <= T; k++) there[k] += (t->record.edge[(i * (T + 1) + k) * pairs + site] > 0) / (double)n;
    if (present) continue;
    lost_at[last]++;
    lost += last > 0;
    sum += last;
  }
  if (lost) set(j, t, LOST_STEP, (double)sum / ((double)lost * T));
  PetscCall(graph_diffusion_put(j, t->row, TRACE_BRIDGE, T + 1, there));
  PetscCall(graph_diffusion_put_integers(j, t->row, LOST_AT, T + 1, lost_at));
  PetscCall(PetscFree2(lost_at, there));
  PetscFunctionReturn(0);
}

static PetscErrorCode trace_connected(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  const int     T = j->model.transition->T, pairs = t->train->pairs;
  const int64_t n = t->record.graphs;
  uint8_t      *connected, *size;
  double       *share;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n * (T + 1), &connected, n * (T + 1), &size, T + 1, &share));
  for (int64_t i = 0; i < n * (T + 1); i++) size[i] = t->size[i / (T + 1)];
  const GraphSample s = {.n = j->plan.n, .count = n * (T + 1), .size = size, .edge = t->record.edge};
  graphs_connected(&s, connected);
  for (int k = 0; k <= T; k++) {
    share[k] = 0;
    for (int64_t i = 0; i < n; i++) share[k] += connected[i * (T + 1) + k] / (double)n;
  }
  (void)pairs;
  PetscCall(graph_diffusion_put(j, t->row, TRACE_CONNECTED, T + 1, share));
  PetscCall(PetscFree3(connected, size, share));
  PetscFunctionReturn(0);
}

static PetscErrorCode put_graphs(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  const GraphDiffusionParams *p = j->params;
  const int64_t               T = j->model.transition->T, pairs = t->train->pairs, kept = PetscMin(p->samples, p->recorded_graphs);
  const int64_t               strips = PetscMin(p->strip_graphs, t->record.graphs);
  double                     *probability;

  PetscFunctionBeginUser;
  PetscCall(graph_diffusion_put_bytes(j, t->row, SAMPLES, kept * pairs, t->edge));
  PetscCall(graph_diffusion_put_bytes(j, t->row, SAMPLES_SIZE, kept, t->size));
  PetscCall(graph_diffusion_put_bytes(j, t->row, SAMPLES_NODE, kept * j->plan.n, t->node));
  PetscCall(graph_diffusion_put_bytes(j, t->row, STRIP, strips * (T + 1) * pairs, t->record.edge));
  PetscCall(PetscMalloc1(strips * T * pairs, &probability));
  for (int64_t i = 0; i < strips * T * pairs; i++) probability[i] = (double)t->record.probability[i];
  PetscCall(graph_diffusion_put(j, t->row, STRIP_PROBABILITY, strips * T * pairs, probability));
  PetscCall(PetscFree(probability));
  PetscFunctionReturn(0);
}

static PetscErrorCode put_data(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  const GraphSetStats *stats[2] = {&t->stats, &t->test_stats};
  const GraphSet      *sets[2]  = {t->train, t->test};
  int64_t              site[SET_CLUSTERS_MAX], cluster[SET_NODES_MAX];
  double               value[12];

  PetscFunctionBeginUser;
  for (int i = 0; i < 2; i++) {
    const double of[6] = {(double)sets[i]->count,    stats[i]->mean_nodes,   stats[i]->mean_edges,
                          stats[i]->mean_components, stats[i]->mean_bridges, stats[i]->connected};
    memcpy(value + 6 * i, of, sizeof of);
  }
  PetscCall(graph_diffusion_put(j, t->row, SET_STATISTICS, 12, value));
  for (int k = 0; k < t->train->n; k++) cluster[k] = t->train->cluster[k];
  PetscCall(graph_diffusion_put_integers(j, t->row, CLUSTER, t->train->n, cluster));
  if (!graph_diffusion_has_sites(j->params)) PetscFunctionReturn(0);
  for (int k = 0; k < t->train->joints; k++) site[k] = t->train->site[k];
  PetscCall(graph_diffusion_put_integers(j, t->row, SITE, t->train->joints, site));
  PetscFunctionReturn(0);
}

static PetscErrorCode measure_samples(const GraphDiffusionJob *j, const GraphDiffusionTrial *t)
{
  PetscFunctionBeginUser;
  PetscCall(measure_connectivity(j, t));
  PetscCall(measure_spectral_error(j, t));
  PetscCall(measure_cross(j, t));
  PetscCall(measure_pairs(j, t));
  measure_support(j, t);
  PetscCall(measure_distances(j, t));
  PetscCall(measure_novelty(j, t));
  PetscCall(measure_sizes(j, t));
  if (graph_diffusion_has_sites(j->params)) PetscCall(trace_bridge(j, t));
  PetscCall(trace_connected(j, t));
  if (!t->recorded) PetscFunctionReturn(0);
  PetscCall(put_graphs(j, t));
  PetscCall(put_data(j, t));
  PetscFunctionReturn(0);
}

PetscErrorCode graph_diffusion_measure(GraphDiffusionJob *j, GraphDiffusionTrial *t, bool *stopped)
{
  const double begin = MPI_Wtime();
  int          rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(j->comm, &rank));
  PetscCall(measure_learned(j, t));
  *stopped = watch_stop(j->watch);
  if (!*stopped) PetscCall(measure_posterior(j, t, stopped));
  if (*stopped) PetscFunctionReturn(0);
  if (rank == 0) PetscCall(measure_samples(j, t));
  set(j, t, MEASURE_TIME, MPI_Wtime() - begin);
  *stopped = watch_stop(j->watch);
  PetscFunctionReturn(0);
}
