/* SPDX-License-Identifier: BSD-2-Clause
 * Gradient statistics by class. A class of output components is the net that has these outputs alone: its last layer's rows, so that one
 * backward pass gives its gradient and its per-sample norms, however many components are joined. A bucket of time is the samples of the
 * batch whose time falls into it, gathered, so that all buckets together cost one pass over the batch. Shards are joined by the tree of
 * reduce.h: the same bits on any number of ranks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_private.h"

struct TrainRecorder {
  const TrainJob *job;
  Reduce         *reduce;
  int             classes, first, last;
  int64_t         body;           /* parameters before the last layer */
  int             in;             /* inputs of the last layer */
  Net            *net[2];         /* of time buckets: the whole net; of components: those of the smaller and of the larger classes */
  TrainSamples   *shard;          /* (last - first) of this step's batch */
  int           **place, **count; /* of time buckets (last - first): (4, samples) places in the shard; (4) how many */
  TrainSamples    gathered;
  float          *theta;    /* of a net of fewer outputs */
  float         **row;      /* (last - first, P) */
  double        **square;   /* (last - first, classes) */
  double         *gradient; /* (classes, P) */
};

/* First output component of class c. */
static int  component(const TrainRecorder *r, int c) { return (int)((int64_t)c * r->job->d / r->classes); }
static int  components(const TrainRecorder *r, int c) { return component(r, c + 1) - component(r, c); }
static bool by_time(const TrainRecorder *r) { return r->job->spec->classes == CLASSES_TIME; }

static PetscErrorCode create_nets(TrainRecorder *r)
{
  NetSpec spec = r->job->spec->net;
  PetscFunctionBeginUser;
  if (!by_time(r)) spec.n_out = r->job->d / r->classes;
  PetscCall(net_create(&spec, r->job->isa, &r->net[0]));
  if (!by_time(r) && r->job->d % r->classes != 0) {
    spec.n_out++;
    PetscCall(net_create(&spec, r->job->isa, &r->net[1]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode train_recorder_create(const TrainJob *job, Reduce *reduce, TrainRecorder **out)
{
  const NetSpec *net = &job->spec->net;
  TrainRecorder *r;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&r));
  *out       = r;
  r->job     = job;
  r->reduce  = reduce;
  r->classes = train_classes(job->spec);
  r->in      = net->depth > 0 ? net->width : net->n_x + net_time_features(net);
  r->body    = job->parameters - (int64_t)(r->in + 1) * net->n_out;
  reduce_shards(reduce, &r->first, &r->last);
  const int count = r->last - r->first;
  PetscCall(create_nets(r));
  PetscCall(PetscCalloc5(count, &r->shard, count, &r->row, count, &r->square, count, &r->place, count, &r->count));
  for (int s = 0; s < count; s++) {
    PetscCall(train_samples_create(job->d, train_widest(job), true, &r->shard[s]));
    PetscCall(train_floats(job->parameters, &r->row[s]));
    PetscCall(train_doubles(r->classes, &r->square[s]));
    PetscCall(PetscMalloc2(TRAIN_TIME_BUCKETS * train_widest(job), &r->place[s], TRAIN_TIME_BUCKETS, &r->count[s]));
  }
  PetscCall(train_samples_create(job->d, train_widest(job), false, &r->gathered));
  PetscCall(train_floats(job->parameters, &r->theta));
  PetscCall(train_doubles(r->classes * job->parameters, &r->gradient));
  PetscFunctionReturn(0);
}

void train_recorder_destroy(TrainRecorder **recorder)
{
  TrainRecorder *r = *recorder;
  if (!r) return;
  for (int s = 0; s < r->last - r->first; s++) {
    train_samples_destroy(&r->shard[s]);
    free(r->row[s]);
    free(r->square[s]);
    (void)PetscFree2(r->place[s], r->count[s]);
  }
  train_samples_destroy(&r->gathered);
  free(r->theta);
  free(r->gradient);
  net_destroy(&r->net[0]);
  net_destroy(&r->net[1]);
  (void)PetscFree5(r->shard, r->row, r->square, r->place, r->count);
  (void)PetscFree(r);
  *recorder = NULL;
}

static int bucket(float level)
{
  const int b = (int)(level * TRAIN_TIME_BUCKETS);
  return b < 0 ? 0 : b < TRAIN_TIME_BUCKETS ? b : TRAIN_TIME_BUCKETS - 1;
}

/* Samples of every bucket, in their order: without a branch, since buckets are random. */
static void sort_samples(TrainRecorder *r, int s)
{
  const TrainSamples *b     = &r->shard[s];
  int                *place = r->place[s], *count = r->count[s], widest = train_widest(r->job);
  memset(count, 0, TRAIN_TIME_BUCKETS * sizeof *count);
  for (int i = 0; i < b->n; i++) {
    const int c                    = bucket(b->level[i]);
    place[c * widest + count[c]++] = i;
  }
}

static void gather_row(int n, const int *place, const float *from, float *to)
{
  for (int i = 0; i < n; i++) to[i] = from[place[i]];
}

/* Samples of bucket c. */
static void gather(TrainRecorder *r, int s, int c)
{
  const TrainSamples *from  = &r->shard[s];
  TrainSamples       *to    = &r->gathered;
  const int          *place = r->place[s] + c * train_widest(r->job), stride = from->stride;
  to->n = r->count[s][c];
  for (int f = 0; f < r->job->d; f++) {
    gather_row(to->n, place, from->x + f * stride, to->x + f * stride);
    gather_row(to->n, place, from->target + f * stride, to->target + f * stride);
  }
  gather_row(to->n, place, from->t, to->t);
  gather_row(to->n, place, from->weight, to->weight);
}

static void draw_batch(TrainRecorder *r, const TrainTrial *trial, int64_t step)
{
  for (int s = r->first; s < r->last; s++) {
    TrainSamples *b     = &r->shard[s - r->first];
    const int     place = train_place(r->job, s);
    b->n                = train_place(r->job, s + 1) - place;
    objective_batch(trial->objective, trial->key, step, place, b->n, b->stride, b->x, b->t, b->target, b->weight, b->level);
    if (by_time(r)) sort_samples(r, s - r->first);
  }
}

static void bucket_gradient(TrainRecorder *r, const float *theta, int c, int s)
{
  double loss;
  gather(r, s, c);
  if (r->gathered.n == 0) {
    r->square[s][c] = 0;
    memset(r->row[s], 0, (size_t)r->job->parameters * sizeof(float));
    return;
  }
  const NetBatch batch = train_net_batch(&r->gathered);
  net_gradient(r->net[0], theta, &batch, r->job->scale, -1, r->row[s], &loss, &r->square[s][c]);
}

static void component_gradient(TrainRecorder *r, int c, int s)
{
  double   loss;
  NetBatch batch = train_net_batch(&r->shard[s]);
  batch.target += (int64_t)component(r, c) * batch.stride;
  net_gradient(r->net[components(r, c) - r->job->d / r->classes], r->theta, &batch, r->job->scale, -1, r->row[s], &loss, &r->square[s][c]);
}

/* Parameters of the net of class c's components; returns how many. */
static int64_t load_components(TrainRecorder *r, const float *theta, int c)
{
  const int64_t first = component(r, c), n = components(r, c), in = r->in, weights = r->body, biases = weights + in * r->job->d;
  memcpy(r->theta, theta, (size_t)r->body * sizeof *theta);
  memcpy(r->theta + weights, theta + weights + first * in, (size_t)(n * in) * sizeof *theta);
  memcpy(r->theta + weights + n * in, theta + biases + first, (size_t)n * sizeof *theta);
  return weights + n * (in + 1);
}

static void spread(const float *from, int64_t n, double *to)
{
  for (int64_t i = 0; i < n; i++) to[i] = (double)from[i];
}

/* Row 0, a gradient of class c's net, as one with respect to all parameters. */
static void store_gradient(TrainRecorder *r, int c)
{
  const float *row = r->row[0];
  double      *to  = r->gradient + c * r->job->parameters;
  if (by_time(r)) {
    spread(row, r->job->parameters, to);
    return;
  }
  const int64_t first = component(r, c), n = components(r, c), in = r->in, weights = r->body, biases = weights + in * r->job->d;
  memset(to, 0, (size_t)r->job->parameters * sizeof *to);
  spread(row, r->body, to);
  spread(row + weights, n * in, to + weights + first * in);
  spread(row + weights + n * in, n, to + biases + first);
}

static void put(double *series, int64_t at, double value)
{
  if (series) series[at] = value;
}

void train_record_stats(int classes, const TrainSeries *series, int64_t k, const StarvationStats *stats)
{
  for (int c = 0; c < classes; c++) {
    const int64_t at = k * classes + c;
    put(series->mean, at, stats[c].mean);
    put(series->norm, at, stats[c].norm);
    put(series->share, at, stats[c].share);
    put(series->snr, at, stats[c].snr);
    put(series->cosine, at, stats[c].cosine);
  }
}

PetscErrorCode train_record_classes(TrainRecorder *r, const TrainTrial *trial, const float *theta, int64_t step, int64_t k)
{
  const TrainJob *job = r->job;
  StarvationStats stats[TRAIN_CLASSES_MAX];
  PetscFunctionBeginUser;
  draw_batch(r, trial, step);
  for (int c = 0; c < r->classes; c++) {
    const int64_t n = by_time(r) ? job->parameters : load_components(r, theta, c);
    for (int s = 0; s < r->last - r->first; s++) {
      if (by_time(r))
        bucket_gradient(r, theta, c, s);
      else
        component_gradient(r, c, s);
    }
    reduce_floats_local(r->reduce, n, r->row);
    PetscCallMPI(reduce_floats_global(r->reduce, n, r->row[0]));
    store_gradient(r, c);
  }
  reduce_doubles_local(r->reduce, r->classes, r->square);
  PetscCallMPI(reduce_doubles_global(r->reduce, r->classes, r->square[0]));
  /* A sample's loss is its squared error / n_out. */
  for (int c = 0; c < r->classes; c++) r->square[0][c] *= job->scale / job->d;
  starvation_stats(r->classes, job->parameters, r->gradient, r->square[0], job->batch, stats);
  train_record_stats(r->classes, trial->series, k, stats);
  PetscFunctionReturn(0);
}

void train_record_step(int64_t parameters, const TrainSeries *series, int64_t k, double loss, double rate, const float *gradient,
                       int stride)
{
  double part[4] = {0}; /* four sums side by side, so that they do not wait for each other */
  for (int64_t i = 0; i < parameters; i++) part[i & 3] += (double)gradient[i * stride] * (double)gradient[i * stride];
  put(series->loss, k, loss);
  put(series->rate, k, rate);
  put(series->gradient_norm, k, sqrt((part[0] + part[1]) + (part[2] + part[3])));
}

void train_clear(double *series, int64_t n)
{
  for (int64_t i = 0; series && i < n; i++) series[i] = NAN;
}

void train_series_clear(const TrainJob *job, TrainSeries *series)
{
  const int64_t n = train_recorded(job->spec->steps, job->every), all = n * train_classes(job->spec);
  for (int64_t k = 0; series->step && k < n; k++) series->step[k] = k * job->every;
  train_clear(series->loss, n);
  train_clear(series->rate, n);
  train_clear(series->gradient_norm, n);
  train_clear(series->mean, all);
  train_clear(series->norm, all);
  train_clear(series->share, all);
  train_clear(series->snr, all);
  train_clear(series->cosine, all);
}
