/* SPDX-License-Identifier: BSD-2-Clause
 * Training with lane = sample: one trial after the other, each over all ranks. A rank computes its shards of the batch one by one, so that
 * a shard stays in the nearest caches; their gradients and losses are joined by the tree of reduce.h, and every rank makes the same update.
 * With one rank there is no MPI call, and the loop allocates nothing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_private.h"

typedef struct SamplePath {
  TrainJob      *job;
  Net           *net;
  Reduce        *reduce;
  int            first, last; /* shards of this rank */
  TrainSamples   shard;
  float        **gradient; /* (last - first) rows of `padded`; row 0 holds the sum after a step */
  double       **loss;     /* (last - first) rows of 1 */
  float         *theta, *moments, *average;
  TrainRecorder *recorder;
} SamplePath;

static PetscErrorCode path_create(TrainJob *job, bool records, SamplePath *p)
{
  const bool averages = job->spec->optimizer.average > 0;
  PetscFunctionBeginUser;
  *p = (SamplePath){.job = job};
  PetscCall(net_create(&job->spec->net, job->isa, &p->net));
  PetscCallMPI(reduce_create(job->comm, job->shards, job->parameters, TRAIN_CLASSES_MAX, &p->reduce));
  reduce_shards(p->reduce, &p->first, &p->last);
  PetscCall(train_samples_create(job->d, train_widest(job), false, &p->shard));
  PetscCall(PetscMalloc2(p->last - p->first, &p->gradient, p->last - p->first, &p->loss));
  PetscCall(train_floats((p->last - p->first) * job->padded, &p->gradient[0]));
  PetscCall(train_doubles(p->last - p->first, &p->loss[0]));
  for (int s = 1; s < p->last - p->first; s++) {
    p->gradient[s] = p->gradient[0] + s * job->padded;
    p->loss[s]     = p->loss[0] + s;
  }
  PetscCall(train_floats(job->padded, &p->theta));
  PetscCall(train_floats(job->padded * optimizer_moments(&job->spec->optimizer), &p->moments));
  if (averages) PetscCall(train_floats(job->padded, &p->average));
  if (records) PetscCall(train_recorder_create(job, p->reduce, &p->recorder));
  PetscFunctionReturn(0);
}

static PetscErrorCode path_destroy(SamplePath *p)
{
  PetscFunctionBeginUser;
  train_recorder_destroy(&p->recorder);
  free(p->average);
  free(p->moments);
  free(p->theta);
  free(p->loss[0]);
  free(p->gradient[0]);
  PetscCall(PetscFree2(p->gradient, p->loss));
  train_samples_destroy(&p->shard);
  reduce_destroy(&p->reduce);
  net_destroy(&p->net);
  PetscFunctionReturn(0);
}

static void start(SamplePath *p, const TrainTrial *trial)
{
  const TrainJob *job   = p->job;
  const size_t    bytes = (size_t)job->parameters * sizeof(float);
  if (trial->given)
    memcpy(p->theta, trial->theta, bytes);
  else
    net_init(&job->spec->net, job->spec->init, trial->key, p->theta);
  memset(p->moments, 0, (size_t)(job->padded * optimizer_moments(&job->spec->optimizer)) * sizeof(float));
  if (p->average) memcpy(p->average, p->theta, bytes);
}

/* Loss of the whole batch and its gradient, in row 0. */
static PetscErrorCode gradient_of_batch(SamplePath *p, const TrainTrial *trial, int64_t step, double *loss)
{
  const TrainJob *job = p->job;
  PetscFunctionBeginUser;
  for (int s = p->first; s < p->last; s++) {
    const int     place = train_place(job, s), n = train_place(job, s + 1) - place;
    TrainSamples *b = &p->shard;
    b->n            = n;
    objective_batch(trial->objective, trial->key, step, place, n, b->stride, b->x, b->t, b->target, b->weight, NULL);
    const NetBatch batch = train_net_batch(b);
    net_gradient(p->net, p->theta, &batch, job->scale, -1, p->gradient[s - p->first], p->loss[s - p->first], NULL);
  }
  reduce_floats_local(p->reduce, job->parameters, p->gradient);
  reduce_doubles_local(p->reduce, 1, p->loss);
  PetscCallMPI(reduce_floats_global(p->reduce, job->parameters, p->gradient[0]));
  PetscCallMPI(reduce_doubles_global(p->reduce, 1, p->loss[0]));
  *loss = *p->loss[0];
  PetscFunctionReturn(0);
}

static void update(SamplePath *p, int64_t step, double rate)
{
  const TrainJob *job = p->job;
  float           scale;
  optimizer_clip(job->isa, &job->spec->optimizer, job->padded, 1, p->gradient[0], &scale);
  optimizer_step(job->isa, &job->spec->optimizer, step, rate, job->padded, 1, &scale, p->gradient[0], p->moments, p->theta, p->average);
}

static PetscErrorCode train_one(SamplePath *p, TrainTrial *trial)
{
  TrainJob     *job   = p->job;
  const int64_t steps = job->spec->steps;
  TrainTail     tail  = {.n = 0};
  int64_t       next = 0, recorded = 0; /* step of the next record, and its place */
  PetscFunctionBeginUser;
  start(p, trial);
  trial->failed_step = -1;
  if (trial->series) train_series_clear(job, trial->series);
  for (int64_t step = 0; step < steps; step++) {
    const double rate    = optimizer_rate(&job->spec->optimizer, step, steps);
    const bool   records = trial->series && step == next;
    double       loss;
    if (records) PetscCall(train_record_classes(p->recorder, trial, p->theta, step, recorded));
    PetscCall(gradient_of_batch(p, trial, step, &loss));
    if (records) {
      train_record_step(job->parameters, trial->series, recorded++, loss, rate, p->gradient[0], 1);
      next += job->every;
    }
    train_tail_add(&tail, loss);
    if (!isfinite(loss)) {
      trial->failed_step = step;
      break;
    }
    update(p, step, rate);
    if (train_steps_done(&job->pace, 1)) PetscFunctionReturn(0);
  }
  trial->final_loss = train_tail_mean(&tail);
  memcpy(trial->theta, p->theta, (size_t)job->parameters * sizeof(float));
  if (p->average && trial->average) memcpy(trial->average, p->average, (size_t)job->parameters * sizeof(float));
  PetscFunctionReturn(0);
}

PetscErrorCode train_by_samples(TrainJob *job, int n, TrainTrial *trial)
{
  SamplePath path;
  bool       records = false;
  PetscFunctionBeginUser;
  for (int i = 0; i < n; i++) records |= trial[i].series != NULL;
  PetscCall(path_create(job, records, &path));
  for (int i = 0; i < n && !job->pace.stopped; i++) {
    PetscCall(train_one(&path, &trial[i]));
    job->pace.done = (i + 1) * job->spec->steps; /* a failed trial is done */
  }
  PetscCall(path_destroy(&path));
  PetscFunctionReturn(0);
}
