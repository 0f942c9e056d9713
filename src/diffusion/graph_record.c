/* SPDX-License-Identifier: BSD-2-Clause
 * Gradient statistics by class of edge terms: bridges, other edges, pairs without an edge; node terms belong to none. The gradient of a
 * class is that of the loss with the weights of all other terms set to 0. It is taken for the graphs of each quarter of t alone and the
 * quarters are added, so that 3 x 4 passes over parts of the batch, the work of three whole ones, give the shares by t as well. Shards are
 * joined by the tree of reduce.h: the same bits on any number of ranks. The batch is drawn again; nothing of the training is touched but
 * the rows of its gradient before they are filled. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph_train_private.h"

enum { BUCKETS = TRAIN_GRAPH_BUCKETS, PROBE_GRAPHS = 128 };

struct GraphRecorder {
  const GraphJob *job;
  Reduce         *reduce;
  int             first, last;
  float         **row;      /* (last - first, P) borrowed */
  GraphBatch     *shard;    /* (last - first) of this step's batch */
  DenoiserGraph  *input;    /* (samples) of one quarter */
  DenoiserTarget *target;   /* (samples) */
  float          *weight;   /* (samples, pairs) of one class */
  float          *nothing;  /* (n) zeros: weights of nodes */
  double        **square;   /* (last - first, classes, quarters) */
  double         *gradient; /* (classes, P) */
  double          norm_time[TERM_CLASSES][BUCKETS], importance[TERM_CLASSES];
  int             parts;
  DenoiserPart    part[DENOISER_PARTS_MAX];
};

PetscErrorCode graph_recorder_create(const GraphJob *job, Reduce *reduce, float **row, GraphRecorder **out)
{
  const int64_t  samples = graph_widest(job);
  GraphRecorder *r;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&r));
  *out      = r;
  r->job    = job;
  r->reduce = reduce;
  r->row    = row;
  r->parts  = denoiser_parts(&job->spec->denoiser, r->part);
  reduce_shards(reduce, &r->first, &r->last);
  const int count = r->last - r->first;
  PetscCall(PetscCalloc4(count, &r->shard, count, &r->square, samples, &r->input, samples, &r->target));
  for (int s = 0; s < count; s++) {
    PetscCall(graph_batch_create(job, &r->shard[s]));
    PetscCall(train_doubles(TERM_CLASSES * BUCKETS, &r->square[s]));
  }
  PetscCall(train_floats(samples * job->trial->set->pairs, &r->weight));
  PetscCall(train_floats(job->trial->set->n, &r->nothing));
  PetscCall(train_doubles(TERM_CLASSES * job->parameters, &r->gradient));
  graph_importance(job->trial->set, r->importance);
  PetscFunctionReturn(0);
}

void graph_recorder_destroy(GraphRecorder **recorder)
{
  GraphRecorder *r = *recorder;
  if (!r) return;
  for (int s = 0; s < r->last - r->first; s++) {
    graph_batch_destroy(&r->shard[s]);
    free(r->square[s]);
  }
  free(r->weight);
  free(r->nothing);
  free(r->gradient);
  (void)PetscFree4(r->shard, r->square, r->input, r->target);
  (void)PetscFree(r);
  *recorder = NULL;
}

static int quarter(const GraphJob *job, int t) { return (int)((int64_t)(t - 1) * BUCKETS / job->trial->transition->T); }

/* Graphs of quarter q, weights of class c. Returns their number. */
static int select_terms(GraphRecorder *r, const GraphBatch *batch, int q, int c)
{
  const GraphSet *set = r->job->trial->set;
  int             n   = 0;
  for (int k = 0; k < batch->count; k++) {
    if (quarter(r->job, batch->input[k].t) != q) continue;
    float *weight = r->weight + (int64_t)n * set->pairs;
    for (int p = 0; p < pair_count(batch->input[k].n); p++)
      weight[p] = graph_term(set, batch->graph[k], p) == c ? batch->target[k].edge_weight[p] : 0;
    r->input[n]              = batch->input[k];
    r->target[n]             = batch->target[k];
    r->target[n].edge_weight = weight;
    r->target[n].node_weight = set->a > 1 ? r->nothing : NULL;
    n++;
  }
  return n;
}

/* Gradient of class c over quarter q of a shard, into its row. */
static void shard_gradient(GraphRecorder *r, Denoiser *denoiser, int s, int q, int c)
{
  const int n = select_terms(r, &r->shard[s], q, c);
  double    loss, *square = &r->square[s][c * BUCKETS + q];
  if (n > 0) {
    denoiser_gradient(denoiser, n, r->input, r->target, r->job->scale, r->row[s], &loss, square);
    return;
  }
  *square = 0;
  memset(r->row[s], 0, (size_t)r->job->parameters * sizeof(float));
}

/* Adds the row to the class's gradient; its squared norm. */
static double add_row(const GraphRecorder *r, int c)
{
  double *gradient = r->gradient + c * r->job->parameters, sum = 0;
  for (int64_t i = 0; i < r->job->parameters; i++) {
    const double x = (double)r->row[0][i];
    gradient[i] += x;
    sum += x * x;
  }
  return sum;
}

static PetscErrorCode class_gradients(GraphRecorder *r, Denoiser *denoiser, int64_t step)
{
  const GraphJob *job = r->job;

  PetscFunctionBeginUser;
  for (int s = r->first; s < r->last; s++) PetscCall(graph_batch_draw(job, step, s, &r->shard[s - r->first]));
  memset(r->gradient, 0, (size_t)(TERM_CLASSES * job->parameters) * sizeof *r->gradient);
  for (int c = 0; c < TERM_CLASSES; c++)
    for (int q = 0; q < BUCKETS; q++) {
      for (int s = 0; s < r->last - r->first; s++) shard_gradient(r, denoiser, s, q, c);
      reduce_floats_local(r->reduce, job->parameters, r->row);
      PetscCallMPI(reduce_floats_global(r->reduce, job->parameters, r->row[0]));
      r->norm_time[c][q] = add_row(r, c);
    }
  reduce_doubles_local(r->reduce, TERM_CLASSES * BUCKETS, r->square);
  PetscCallMPI(reduce_doubles_global(r->reduce, TERM_CLASSES * BUCKETS, r->square[0]));
  PetscFunctionReturn(0);
}

/* share[c * step] = norm2[c] / their sum. */
static void put_shares(const double norm2[TERM_CLASSES], int64_t step, double *share)
{
  double sum = 0;
  for (int c = 0; c < TERM_CLASSES; c++) sum += norm2[c];
  for (int c = 0; c < TERM_CLASSES; c++) share[c * step] = sum > 0 ? norm2[c] / sum : NAN;
}

static void record_parts(const GraphRecorder *r, double *share)
{
  for (int k = 0; k < r->parts; k++) {
    double norm2[TERM_CLASSES] = {0};
    for (int c = 0; c < TERM_CLASSES; c++)
      for (int64_t i = r->part[k].first; i < r->part[k].last; i++) {
        const double x = r->gradient[c * r->job->parameters + i];
        norm2[c] += x * x;
      }
    put_shares(norm2, r->parts, share + k);
  }
}

static void record_times(const GraphRecorder *r, double *share)
{
  for (int q = 0; q < BUCKETS; q++) {
    double norm2[TERM_CLASSES];
    for (int c = 0; c < TERM_CLASSES; c++) norm2[c] = r->norm_time[c][q];
    put_shares(norm2, BUCKETS, share + q);
  }
}

static PetscErrorCode record_probes(const GraphRecorder *r, Denoiser *denoiser, double *probe)
{
  const GraphTrainTrial *trial = r->job->trial;
  const GraphModel       model = {denoiser, r->job->spec->features, trial->transition};
  int                    t[PROBE_TIMES];

  PetscFunctionBeginUser;
  graph_probe_times(trial->transition->T, t);
  for (int i = 0; i < PROBE_TIMES; i++) {
    double out[TERM_CLASSES];
    PetscCall(graph_probe(r->job->comm, &model, trial->set, trial->key, t[i], PetscMin(PROBE_GRAPHS, trial->set->count), out, NULL));
    for (int c = 0; c < TERM_CLASSES; c++) probe[c * PROBE_TIMES + i] = out[c];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode graph_record(GraphRecorder *r, Denoiser *denoiser, int64_t step, int64_t k)
{
  const GraphJob         *job    = r->job;
  const GraphTrainSeries *series = job->trial->series;
  const TrainSeries       common = graph_series_common(series);
  StarvationStats         stats[TERM_CLASSES];
  double                  square[TERM_CLASSES] = {0};

  PetscFunctionBeginUser;
  PetscCall(class_gradients(r, denoiser, step));
  for (int c = 0; c < TERM_CLASSES; c++)
    for (int q = 0; q < BUCKETS; q++) square[c] += r->square[0][c * BUCKETS + q] / job->batch;
  starvation_stats(TERM_CLASSES, job->parameters, r->gradient, square, job->batch, stats);
  train_record_stats(TERM_CLASSES, &common, k, stats);
  for (int c = 0; series->index && c < TERM_CLASSES; c++)
    series->index[k * TERM_CLASSES + c] = starvation_index(stats[c].share, r->importance[c]);
  if (series->share_part) record_parts(r, series->share_part + k * TERM_CLASSES * r->parts);
  if (series->share_time) record_times(r, series->share_time + k * TERM_CLASSES * BUCKETS);
  if (series->probe) PetscCall(record_probes(r, denoiser, series->probe + k * TERM_CLASSES * PROBE_TIMES));
  PetscFunctionReturn(0);
}

TrainSeries graph_series_common(const GraphTrainSeries *s)
{
  return (TrainSeries){s->step, s->loss, s->rate, s->gradient_norm, s->mean, s->norm, s->share, s->snr, s->cosine};
}

static void clear(double *series, int64_t first, int64_t n, int64_t width)
{
  if (series) train_clear(series + first * width, (n - first) * width);
}

void graph_series_clear(const GraphJob *job)
{
  const GraphTrainSeries *s     = job->trial->series;
  const int64_t           steps = job->spec->steps, n = graph_train_recorded(steps, job->every);
  const int64_t           first = train_recorded(job->trial->first_step, job->every); /* records before first_step */
  DenoiserPart            part[DENOISER_PARTS_MAX];
  const int               parts = denoiser_parts(&job->spec->denoiser, part);
  double *const each[] = {s->loss, s->rate, s->gradient_norm}, *const classes[] = {s->mean, s->norm, s->share, s->snr, s->cosine, s->index};
  for (int64_t k = first; s->step && k < n; k++) s->step[k] = k < n - 1 ? k * job->every : steps;
  for (size_t i = 0; i < sizeof each / sizeof *each; i++) clear(each[i], first, n, 1);
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) clear(classes[i], first, n, TERM_CLASSES);
  clear(s->share_part, first, n, TERM_CLASSES * parts);
  clear(s->share_time, first, n, TERM_CLASSES * BUCKETS);
  clear(s->probe, first, n, TERM_CLASSES * PROBE_TIMES);
}
