/* SPDX-License-Identifier: BSD-2-Clause
 * Training with lane = seed: up to 16 trials of small batches side by side. Every trial's batch is drawn as always and then transposed; a
 * lane computes with its own numbers alone, so that a trial's bits depend on neither its neighbours nor their number. Lanes beyond the last
 * trial run a copy of the first one; a failed trial's lane goes on computing, and what it held when it failed is kept. Every rank computes
 * all of it alike. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_private.h"

typedef struct LanePath {
  TrainJob      *job;
  Net           *net;
  Reduce        *reduce; /* of one rank and one shard: the recorder's */
  TrainRecorder *recorder;
  TrainSamples   seed[NET_LANES];
  float         *x, *t, *target, *weight;              /* (sample, feature, lane) */
  float         *theta, *moments, *average, *gradient; /* (P, lane) */
  float         *column;                               /* (P) of one lane */
} LanePath;

/* Up to 16 trials of one call. */
typedef struct Group {
  int         n;
  TrainTrial *trial;
  TrainTail   tail[NET_LANES];
  bool        alive[NET_LANES];
  int         living;
} Group;

static PetscErrorCode path_create(TrainJob *job, bool records, LanePath *p)
{
  const int64_t all = job->parameters * NET_LANES, samples = (int64_t)job->batch * NET_LANES;
  PetscFunctionBeginUser;
  *p = (LanePath){.job = job};
  PetscCall(net_create(&job->spec->net, job->isa, &p->net));
  for (int s = 0; s < NET_LANES; s++) PetscCall(train_samples_create(job->d, job->batch, false, &p->seed[s]));
  PetscCall(train_floats(samples * job->d, &p->x));
  PetscCall(train_floats(samples * job->d, &p->target));
  PetscCall(train_floats(samples, &p->t));
  PetscCall(train_floats(samples, &p->weight));
  PetscCall(train_floats(all, &p->theta));
  PetscCall(train_floats(all * optimizer_moments(&job->spec->optimizer), &p->moments));
  if (job->spec->optimizer.average > 0) PetscCall(train_floats(all, &p->average));
  PetscCall(train_floats(all, &p->gradient));
  PetscCall(train_floats(job->parameters, &p->column));
  if (!records) PetscFunctionReturn(0);
  PetscCallMPI(reduce_create(MPI_COMM_SELF, 1, job->parameters, TRAIN_CLASSES_MAX, &p->reduce));
  PetscCall(train_recorder_create(job, p->reduce, &p->recorder));
  PetscFunctionReturn(0);
}

static void path_destroy(LanePath *p)
{
  train_recorder_destroy(&p->recorder);
  reduce_destroy(&p->reduce);
  free(p->column);
  free(p->gradient);
  free(p->average);
  free(p->moments);
  free(p->theta);
  free(p->weight);
  free(p->t);
  free(p->target);
  free(p->x);
  for (int s = 0; s < NET_LANES; s++) train_samples_destroy(&p->seed[s]);
  net_destroy(&p->net);
}

static void put_column(const LanePath *p, int lane, const float *from, float *to)
{
  for (int64_t i = 0; i < p->job->parameters; i++) to[i * NET_LANES + lane] = from[i];
}

static void get_column(const LanePath *p, int lane, const float *from, float *to)
{
  for (int64_t i = 0; i < p->job->parameters; i++) to[i] = from[i * NET_LANES + lane];
}

static void start(LanePath *p, Group *g)
{
  const TrainJob *job = p->job;
  const size_t    all = (size_t)(job->parameters * NET_LANES) * sizeof(float);
  for (int s = 0; s < NET_LANES; s++) {
    TrainTrial *trial = &g->trial[s < g->n ? s : 0];
    if (!trial->given) net_init(&job->spec->net, job->spec->init, trial->key, p->column);
    put_column(p, s, trial->given ? trial->theta : p->column, p->theta);
    g->tail[s].n = 0;
    g->alive[s]  = s < g->n;
    if (s >= g->n) continue;
    trial->failed_step = -1;
    if (trial->series) train_series_clear(job, trial->series);
  }
  g->living = g->n;
  memset(p->moments, 0, all * (size_t)optimizer_moments(&job->spec->optimizer));
  if (p->average) memcpy(p->average, p->theta, all);
}

/* Row i of one feature of every seed to 16 neighbouring floats, `apart` floats from sample to sample. */
static void transpose(const float *const from[NET_LANES], int n, int apart, float *to)
{
  for (int i = 0; i < n; i++)
    for (int s = 0; s < NET_LANES; s++) to[(int64_t)i * apart + s] = from[s][i];
}

static void draw_batches(LanePath *p, const Group *g, int64_t step)
{
  const TrainJob *job = p->job;
  const float    *row[NET_LANES];
  const int       d = job->d, n = job->batch, stride = p->seed[0].stride;
  for (int s = 0; s < g->n; s++) {
    TrainSamples *b = &p->seed[s];
    objective_batch(g->trial[s].objective, g->trial[s].key, step, 0, n, stride, b->x, b->t, b->target, b->weight, NULL);
  }
  for (int f = 0; f < 2 * d + 2; f++) { /* features of x, of the target, then t and the weight: as they lie in memory */
    for (int s = 0; s < NET_LANES; s++) row[s] = p->seed[s < g->n ? s : 0].memory + (int64_t)f * stride;
    float *to = f < d ? p->x + f * NET_LANES : f < 2 * d ? p->target + (f - d) * NET_LANES : f == 2 * d ? p->t : p->weight;
    transpose(row, n, f < 2 * d ? d * NET_LANES : NET_LANES, to);
  }
}

static PetscErrorCode record(LanePath *p, Group *g, int64_t step, int64_t k)
{
  PetscFunctionBeginUser;
  for (int s = 0; s < g->n; s++) {
    if (!g->trial[s].series || !g->alive[s]) continue;
    get_column(p, s, p->theta, p->column);
    PetscCall(train_record_classes(p->recorder, &g->trial[s], p->column, step, k));
  }
  PetscFunctionReturn(0);
}

static void finish(LanePath *p, Group *g, int lane)
{
  TrainTrial *trial = &g->trial[lane];
  trial->final_loss = train_tail_mean(&g->tail[lane]);
  get_column(p, lane, p->theta, trial->theta);
  if (p->average && trial->average) get_column(p, lane, p->average, trial->average);
  g->alive[lane] = false;
  g->living--;
}

static void take_losses(LanePath *p, Group *g, int64_t step, const double *loss)
{
  for (int s = 0; s < g->n; s++) {
    if (!g->alive[s]) continue;
    train_tail_add(&g->tail[s], loss[s]);
    if (isfinite(loss[s])) continue;
    g->trial[s].failed_step = step;
    finish(p, g, s);
  }
}

static void update(LanePath *p, int64_t step, double rate)
{
  const TrainJob *job = p->job;
  const int64_t   all = job->parameters * NET_LANES;
  float           scale[NET_LANES];
  optimizer_clip(job->isa, &job->spec->optimizer, all, NET_LANES, p->gradient, scale);
  optimizer_step(job->isa, &job->spec->optimizer, step, rate, all, NET_LANES, scale, p->gradient, p->moments, p->theta, p->average);
}

static PetscErrorCode train_group(LanePath *p, Group *g)
{
  TrainJob           *job   = p->job;
  const NetLanesBatch batch = {.n = job->batch, .x = p->x, .t = p->t, .target = p->target, .weight = p->weight};
  const int64_t       steps = job->spec->steps;
  int64_t             next = 0, recorded = 0;
  PetscFunctionBeginUser;
  start(p, g);
  for (int64_t step = 0; step < steps && g->living > 0; step++) {
    const double rate    = optimizer_rate(&job->spec->optimizer, step, steps);
    const bool   records = p->recorder && step == next;
    double       loss[NET_LANES];
    if (records) PetscCall(record(p, g, step, recorded));
    draw_batches(p, g, step);
    net_gradient_lanes(p->net, p->theta, &batch, job->scale, p->gradient, loss);
    for (int s = 0; records && s < g->n; s++)
      if (g->trial[s].series && g->alive[s])
        train_record_step(job->parameters, g->trial[s].series, recorded, loss[s], rate, p->gradient + s, NET_LANES);
    if (records) recorded++, next += job->every;
    take_losses(p, g, step, loss);
    update(p, step, rate);
    if (train_steps_done(&job->pace, g->n)) PetscFunctionReturn(0);
  }
  for (int s = 0; s < g->n; s++)
    if (g->alive[s]) finish(p, g, s);
  PetscFunctionReturn(0);
}

PetscErrorCode train_by_lanes(TrainJob *job, int n, TrainTrial *trial)
{
  LanePath path;
  bool     records = false;
  PetscFunctionBeginUser;
  for (int i = 0; i < n; i++) records |= trial[i].series != NULL;
  job->shards    = 1; /* nothing is split here */
  job->pace.poll = job->pace.until_poll = (job->pace.poll + NET_LANES - 1) / NET_LANES;
  PetscCall(path_create(job, records, &path));
  for (int first = 0; first < n && !job->pace.stopped; first += NET_LANES) {
    Group g = {.n = n - first < NET_LANES ? n - first : NET_LANES, .trial = trial + first};
    PetscCall(train_group(&path, &g));
    job->pace.done = (int64_t)(first + g.n) * job->spec->steps;
  }
  path_destroy(&path);
  PetscFunctionReturn(0);
}
