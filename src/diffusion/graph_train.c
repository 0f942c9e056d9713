/* SPDX-License-Identifier: BSD-2-Clause
 * graph_train_run: the checks, and the loop. A rank draws and differentiates its shards of the batch one by one; gradients and losses are
 * joined by the tree of reduce.h, and every rank makes the same update. Subnormals are flushed to zero around the loop; nothing else of the
 * process is touched, and the loop allocates nothing but where it records. No early stopping but that of a loss that is not finite. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flush.h"
#include "graph_train_private.h"

enum { NETWORK_SHARDS = 4, TABLE_SHARDS = 16, TABLE_SHARD = 256 };

static bool is_table(const GraphTrainSpec *spec)
{
  return spec->denoiser.kind == DENOISER_FACTORED || spec->denoiser.kind == DENOISER_FACTORED_BIT;
}

int graph_train_batch(const GraphTrainSpec *spec, int64_t graphs)
{
  if (spec->batch > 0) return spec->batch;
  return graphs < INT_MAX ? (int)graphs : INT_MAX;
}

/* Every shard of a table costs about what noise and counts of 100 graphs do: its rows are filled, settled and summed. Four shards of a
 * batch of 1024 take 1.15 times what one takes, sixteen 1.7 times. */
int graph_train_default_shards(const GraphTrainSpec *spec, int64_t graphs)
{
  const int batch = graph_train_batch(spec, graphs), most = is_table(spec) ? TABLE_SHARDS : NETWORK_SHARDS;
  int       shards = 1;
  while (shards < most && 2 * shards <= (is_table(spec) ? batch / TABLE_SHARD : batch)) shards *= 2;
  return shards;
}

int64_t graph_train_recorded(int64_t steps, int64_t every) { return every > 0 ? train_recorded(steps, every) + 1 : 0; }

static const char *check_features(const GraphTrainSpec *spec, char message[256])
{
  const DenoiserSpec *d    = &spec->denoiser;
  int                 node = 0, pair = 0, graph = 0;
  if (d->kind == DENOISER_EDGE_MLP) pair = PAIR_FEATURES;
  if (d->kind == DENOISER_TRANSFORMER) features_count(spec->features, &node, &pair, &graph);
  if (is_table(spec) || (d->node_features == node && d->pair_features == pair && d->graph_features == graph)) return NULL;
  snprintf(message, 256, "features of a vertex, a pair and a graph are %d, %d and %d, the denoiser expects %d, %d and %d", node, pair,
           graph, d->node_features, d->pair_features, d->graph_features);
  return message;
}

const char *graph_train_check(const GraphTrainSpec *spec, int batch, char message[256])
{
  const char *what = denoiser_check(&spec->denoiser, message);
  if (!what) what = check_features(spec, message);
  if (what) return what;
  if (batch < 1) return "a batch without graphs";
  if (spec->shards < 0 || (spec->shards & (spec->shards - 1)) != 0 || spec->shards > batch) {
    snprintf(message, 256, "%d shards of a batch of %d: a power of two, at most the batch", spec->shards, batch);
    return message;
  }
  return NULL;
}

static PetscErrorCode check_data(const GraphJob *job)
{
  const DenoiserSpec *d = &job->spec->denoiser;
  const GraphSet     *s = job->trial->set;
  const Transition   *p = job->trial->transition;
  const GraphLoss     l = job->spec->loss.kind;

  PetscFunctionBeginUser;
  PetscCheck(s->n <= d->n && s->a == d->a && s->b == d->b, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "graphs of %d vertices, %d node and %d edge classes for a denoiser of %d, %d and %d", s->n, s->a, s->b, d->n, d->a, d->b);
  PetscCheck(p->T == d->T && p->a == d->a && p->b == d->b, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a process of %d steps, %d node and %d edge classes for a denoiser of %d, %d and %d", p->T, p->a, p->b, d->T, d->a, d->b);
  PetscCheck(s->count < INT32_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%lld graphs", (long long)s->count);
  PetscCheck(s->resistance || (l != LOSS_EDGE_WEIGHTED && l != LOSS_GRAPH_WEIGHTED), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE,
             "a loss weighted by resistances that were not computed");
  PetscFunctionReturn(0);
}

static PetscErrorCode check(const GraphJob *job)
{
  const GraphTrainSpec  *spec  = job->spec;
  const GraphTrainTrial *trial = job->trial;
  char                   message[256];
  int                    ranks;

  PetscFunctionBeginUser;
  const char *what = graph_train_check(spec, job->batch, message);
  PetscCheck(!what, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s", what);
  PetscCall(check_data(job));
  PetscCallMPI(MPI_Comm_size(job->comm, &ranks));
  PetscCheck(ranks <= job->shards, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d ranks for %d shards", ranks, job->shards);
  PetscCheck(!trial->series || job->every > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a series every %lld steps",
             (long long)job->every);
  PetscCheck(spec->steps < INT64_MAX >> job->step_bits, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%lld steps", (long long)spec->steps);
  PetscCheck(trial->first_step >= 0 && trial->first_step <= spec->steps, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "first step %lld of %lld", (long long)trial->first_step, (long long)spec->steps);
  const bool whole =
      trial->given && (trial->average || !(spec->optimizer.average > 0)) && (trial->moments || optimizer_moments(&spec->optimizer) == 0);
  PetscCheck(trial->first_step == 0 || whole, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE,
             "a continuation needs the parameters, their average and the optimizer's state");
  PetscFunctionReturn(0);
}

/* --- the loop --- */

typedef struct GraphPath {
  GraphJob      *job;
  Denoiser      *denoiser;
  Reduce        *reduce;
  int            first, last; /* shards of this rank */
  GraphBatch     shard;
  float        **gradient; /* (last - first) rows of `padded`; row 0 holds the sum after a step */
  double       **loss;     /* (last - first) rows of 1 */
  float         *theta, *moments, *average;
  GraphRecorder *recorder;
  double         recording; /* seconds */
  TrainTail      tail;
} GraphPath;

static PetscErrorCode path_create(GraphJob *job, GraphPath *p)
{
  const OptimizerSpec *optimizer = &job->spec->optimizer;

  PetscFunctionBeginUser;
  *p = (GraphPath){.job = job};
  PetscCall(denoiser_create(&job->spec->denoiser, job->isa, &p->denoiser));
  PetscCallMPI(reduce_create(job->comm, job->shards, job->parameters, TERM_CLASSES * TRAIN_GRAPH_BUCKETS, &p->reduce));
  reduce_shards(p->reduce, &p->first, &p->last);
  PetscCall(graph_order_create(job));
  PetscCall(graph_batch_create(job, &p->shard));
  PetscCall(PetscMalloc2(p->last - p->first, &p->gradient, p->last - p->first, &p->loss));
  PetscCall(train_floats((p->last - p->first) * job->padded, &p->gradient[0]));
  PetscCall(train_doubles(p->last - p->first, &p->loss[0]));
  for (int s = 1; s < p->last - p->first; s++) {
    p->gradient[s] = p->gradient[0] + s * job->padded;
    p->loss[s]     = p->loss[0] + s;
  }
  PetscCall(train_floats(job->padded, &p->theta));
  PetscCall(train_floats(job->padded * optimizer_moments(optimizer), &p->moments));
  if (optimizer->average > 0) PetscCall(train_floats(job->padded, &p->average));
  if (job->trial->series) PetscCall(graph_recorder_create(job, p->reduce, p->gradient, &p->recorder));
  PetscFunctionReturn(0);
}

static PetscErrorCode path_destroy(GraphPath *p)
{
  PetscFunctionBeginUser;
  graph_recorder_destroy(&p->recorder);
  free(p->average);
  free(p->moments);
  free(p->theta);
  free(p->loss[0]);
  free(p->gradient[0]);
  PetscCall(PetscFree2(p->gradient, p->loss));
  graph_batch_destroy(&p->shard);
  graph_order_destroy(p->job);
  reduce_destroy(&p->reduce);
  denoiser_destroy(&p->denoiser);
  PetscFunctionReturn(0);
}

/* The trial's state into the path's padded rows, or back. */
static void copy_state(GraphPath *p, bool out)
{
  const GraphTrainTrial *trial   = p->job->trial;
  const int              moments = optimizer_moments(&p->job->spec->optimizer);
  const int64_t          n       = p->job->parameters;
  for (int row = -2; row < moments; row++) {
    float *own   = row == -2 ? p->theta : row == -1 ? p->average : p->moments + row * p->job->padded;
    float *given = row == -2 ? trial->theta : row == -1 ? trial->average : trial->moments ? trial->moments + row * n : NULL;
    if (own && given) memcpy(out ? given : own, out ? own : given, (size_t)n * sizeof *own);
  }
}

static void start(GraphPath *p)
{
  const GraphJob *job = p->job;
  if (job->trial->first_step > 0) {
    copy_state(p, false);
    return;
  }
  if (job->trial->given)
    memcpy(p->theta, job->trial->theta, (size_t)job->parameters * sizeof *p->theta);
  else
    denoiser_init(&job->spec->denoiser, job->trial->key, p->theta);
  if (p->average) memcpy(p->average, p->theta, (size_t)job->padded * sizeof *p->theta);
}

/* Loss of the whole batch and its gradient, in row 0, at the loaded parameters. */
static PetscErrorCode gradient_of_batch(GraphPath *p, int64_t step, double *loss)
{
  const GraphJob *job = p->job;

  PetscFunctionBeginUser;
  for (int s = p->first; s < p->last; s++) {
    GraphBatch *b = &p->shard;
    PetscCall(graph_batch_draw(job, step, s, b));
    denoiser_gradient(p->denoiser, b->count, b->input, b->target, job->scale, p->gradient[s - p->first], p->loss[s - p->first], NULL);
  }
  reduce_floats_local(p->reduce, job->parameters, p->gradient);
  reduce_doubles_local(p->reduce, 1, p->loss);
  PetscCallMPI(reduce_floats_global(p->reduce, job->parameters, p->gradient[0]));
  PetscCallMPI(reduce_doubles_global(p->reduce, 1, p->loss[0]));
  *loss = *p->loss[0];
  PetscFunctionReturn(0);
}

static void update(GraphPath *p, int64_t step, double rate)
{
  const GraphJob      *job       = p->job;
  const OptimizerSpec *optimizer = &job->spec->optimizer;
  float                scale;
  optimizer_clip(job->isa, optimizer, job->padded, 1, p->gradient[0], &scale);
  optimizer_step(job->isa, optimizer, step, rate, job->padded, 1, &scale, p->gradient[0], p->moments, p->theta, p->average);
}

/* Loss and gradient of a step, recorded when it is one of those. */
static PetscErrorCode look(GraphPath *p, int64_t step, double rate, double *loss)
{
  const GraphJob *job     = p->job;
  const int64_t   steps   = job->spec->steps;
  const bool      records = p->recorder && (step % job->every == 0 || step == steps);
  const int64_t   row     = step == steps ? graph_train_recorded(steps, job->every) - 1 : step / (records ? job->every : 1);

  PetscFunctionBeginUser;
  denoiser_load(p->denoiser, p->theta);
  graph_order_load(p->job, step);
  if (records) {
    const double begin = MPI_Wtime();
    PetscCall(graph_record(p->recorder, p->denoiser, step, row));
    p->recording += MPI_Wtime() - begin;
  }
  PetscCall(gradient_of_batch(p, step, loss));
  if (records) {
    const TrainSeries series = graph_series_common(job->trial->series);
    train_record_step(job->parameters, &series, row, *loss, rate, p->gradient[0], 1);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode train(GraphPath *p)
{
  GraphJob        *job   = p->job;
  GraphTrainTrial *trial = job->trial;
  const int64_t    steps = job->spec->steps;
  double           loss;

  PetscFunctionBeginUser;
  for (int64_t step = trial->first_step; step < steps && !job->pace.stopped; step++) {
    const double rate = optimizer_rate(&job->spec->optimizer, step, steps);
    PetscCall(look(p, step, rate, &loss));
    train_tail_add(&p->tail, loss);
    if (!isfinite(loss)) {
      trial->failed_step = step;
      PetscFunctionReturn(0);
    }
    update(p, step, rate);
    trial->done_steps = step + 1;
    (void)train_steps_done(&job->pace, 1);
  }
  if (p->recorder && !job->pace.stopped) PetscCall(look(p, steps, optimizer_rate(&job->spec->optimizer, steps, steps), &loss));
  PetscFunctionReturn(0);
}

static PetscErrorCode run(GraphJob *job)
{
  GraphTrainTrial *trial = job->trial;
  GraphPath        path;

  PetscFunctionBeginUser;
  const double begin = MPI_Wtime();
  PetscCall(loss_weights_create(&job->spec->loss, trial->set, &job->weights));
  trial->seconds_weights = MPI_Wtime() - begin;
  PetscCall(path_create(job, &path));
  start(&path);
  if (trial->series) graph_series_clear(job);
  const double first = MPI_Wtime();
  PetscCall(train(&path));
  trial->seconds_forward = MPI_Wtime() - first - path.recording;
  trial->final_loss      = path.tail.n > 0 ? train_tail_mean(&path.tail) : NAN;
  copy_state(&path, true);
  PetscCall(path_destroy(&path));
  loss_weights_destroy(&job->weights);
  PetscFunctionReturn(0);
}

/* Noise, features and update beside the network. */
static double step_seconds(const GraphJob *job, int ranks)
{
  const DenoiserSpec *d = &job->spec->denoiser;
  const double n = d->n, spectrum = d->kind == DENOISER_TRANSFORMER && (job->spec->features & FEATURE_SPECTRUM) ? n * n * n * 2e-8 : 0;
  const double graph = denoiser_step_seconds(d, d->n) + pair_count(d->n) * 1e-9 + spectrum;
  return (double)job->batch / ranks * graph + (double)job->parameters * 0.3e-9 + 1e-6;
}

PetscErrorCode graph_train_run_on(MPI_Comm comm, IsaLevel isa, const GraphTrainSpec *spec, int64_t every, GraphTrainTrial *trial,
                                  const Watch *watch, bool *stopped)
{
  GraphJob job = {.comm = comm, .spec = spec, .trial = trial, .isa = isa, .every = every};
  int      ranks;

  PetscFunctionBeginUser;
  *stopped           = false;
  trial->failed_step = -1;
  trial->done_steps  = trial->first_step;
  job.batch          = graph_train_batch(spec, trial->set->count);
  job.shards         = spec->shards > 0 ? spec->shards : graph_train_default_shards(spec, trial->set->count);
  while (job.batch > 1 << job.step_bits) job.step_bits++;
  PetscCall(check(&job));
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  job.parameters              = denoiser_parameters(&spec->denoiser);
  job.padded                  = (job.parameters + 15) / 16 * 16;
  job.scale                   = 1 / (double)job.batch;
  job.pace                    = train_pace(watch, "train", step_seconds(&job, ranks), spec->steps);
  job.pace.done               = trial->first_step;
  const unsigned       before = flush_set();
  const PetscErrorCode code   = run(&job);
  flush_restore(before);
  PetscCall(code);
  *stopped = job.pace.stopped;
  PetscFunctionReturn(0);
}

PetscErrorCode graph_train_run(MPI_Comm comm, const GraphTrainSpec *spec, int64_t every, GraphTrainTrial *trial, const Watch *watch,
                               bool *stopped)
{
  PetscFunctionBeginUser;
  PetscCall(graph_train_run_on(comm, isa_level(), spec, every, trial, watch, stopped));
  PetscFunctionReturn(0);
}
