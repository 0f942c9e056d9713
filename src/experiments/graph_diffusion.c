/* SPDX-License-Identifier: BSD-2-Clause
 * Trained graph diffusion: does a real model drop the rare bridge, and does the resistance-weighted loss cure it? Discrete diffusion models
 * (Klepper 2023, section 2; DiGress) are trained on graphs whose bridge is there with frequency eps, with and without the weight
 * w = 1 + lambda R_eff of arXiv 2511.18593 (algorithm 4.1) on the edges present, and asked what they learned and what they generate; the
 * exact answer stands beside wherever there is one. `posterior: exact` samples from the optimal denoiser itself, `checkpoint` from a model
 * that another trial has written. */
#include "graph_diffusion.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "control_watch.h"

/* --- cost --- */

static double cost(const void *params_)
{
  const GraphDiffusionParams *p = params_;
  GraphDiffusionPlan          plan;
  char                        error[256];
  const char                 *parameter;
  double                      seconds = 0;
  if (graph_diffusion_plan_create(p, &plan, &parameter, error) || error[0]) {
    graph_diffusion_plan_destroy(&plan);
    return 1;
  }
  const double pairs = pair_count(plan.n), graph = denoiser_step_seconds(&plan.training.denoiser, plan.n) + 2e-9 * pairs;
  const double chain = p->posterior == CHAIN_EXACT ? 4e-9 * pairs : graph / 3;
  seconds += (double)(p->graphs + p->test_graphs) * (4e-6 + 5e-10 * pairs * plan.n) + 5e-8 * pairs * (double)p->samples;
  if (graph_diffusion_trains(p))
    seconds += (double)p->steps *
               (graph * graph_train_batch(&plan.training, p->graphs) + 2e-10 * (double)denoiser_parameters(&plan.training.denoiser));
  seconds += (double)p->samples * plan.T * chain;
  if (p->posterior != CHAIN_EXACT) seconds += (double)(p->bound_graphs * PetscMin(plan.T, BOUND_TIMES) + p->probe_graphs) * graph / 3;
  seconds += 0.02 + 1e-7 * (double)(p->metric_graphs * p->metric_graphs);
  graph_diffusion_plan_destroy(&plan);
  return seconds;
}

/* Class gradients (each graph in one class at a time, with squares) and probes of every recorded step; a pair costs beside the network too,
 * which is all of it in a table. Then the posterior of the bridge at every t. */
static double record_cost(const void *params_, int64_t every)
{
  const GraphDiffusionParams *p = params_;
  GraphDiffusionPlan          plan;
  char                        error[256];
  const char                 *parameter;
  double                      seconds = 0.01;
  if (!graph_diffusion_plan_create(p, &plan, &parameter, error) && !error[0] && p->posterior != CHAIN_EXACT) {
    const double pairs = pair_count(plan.n), graph = denoiser_step_seconds(&plan.training.denoiser, plan.n);
    const double asked = PROBE_TIMES * 128, terms = TERM_CLASSES * (double)graph_train_batch(&plan.training, p->graphs);
    const double step = graph * (2 * terms + asked / 3) + pairs * (1e-8 * asked + 2e-8 * terms);
    if (graph_diffusion_trains(p)) seconds += (double)graph_train_recorded(p->steps, every) * step;
    seconds += (double)plan.T * (double)PetscMin(p->probe_graphs, p->test_graphs) * (graph / 3 + 1e-8 * pairs);
  }
  graph_diffusion_plan_destroy(&plan);
  return seconds;
}

static double merit_work(const void *params_)
{
  const GraphDiffusionParams *p = params_;
  return graph_diffusion_trains(p) ? (double)p->steps : 0;
}

static int max_ranks(const void *params_)
{
  const GraphDiffusionParams *p = params_;
  GraphDiffusionPlan          plan;
  char                        error[256];
  const char                 *parameter;
  int                         ranks = 1024;
  if (graph_diffusion_trains(p) && !graph_diffusion_plan_create(p, &plan, &parameter, error)) {
    ranks = p->train.shards ? (int)p->train.shards : graph_train_default_shards(&plan.training, p->graphs);
    graph_diffusion_plan_destroy(&plan);
  }
  return ranks;
}

/* Bytes: sets with their resistances and weights, samples with their traces, parameters with a gradient a shard. */
static double memory(const void *params_)
{
  const GraphDiffusionParams *p = params_;
  GraphDiffusionPlan          plan;
  char                        error[256];
  const char                 *parameter;
  double                      bytes = 0;
  if (!graph_diffusion_plan_create(p, &plan, &parameter, error) && !error[0]) {
    const double pairs = pair_count(plan.n), rows = graph_diffusion_trains(p) ? 8 + max_ranks(p) : 3;
    const double parameters = p->posterior == CHAIN_EXACT ? 0 : (double)denoiser_parameters(&plan.training.denoiser);
    bytes                   = (double)(p->graphs + p->test_graphs) * pairs * 16 + (double)p->samples * pairs * 2 +
            (double)p->trace_graphs * (plan.T + 1) * pairs * 5 + 4 * parameters * rows;
  }
  graph_diffusion_plan_destroy(&plan);
  return bytes;
}

static PetscErrorCode declare(const void *params_, int64_t every, ResultSchema *schema)
{
  PetscFunctionBeginUser;
  PetscCall(graph_diffusion_declare(params_, every, schema));
  PetscFunctionReturn(0);
}

static PetscErrorCode reference(const void *params_, Reference *out)
{
  PetscFunctionBeginUser;
  PetscCall(graph_diffusion_reference(params_, out));
  PetscFunctionReturn(0);
}

/* --- data --- */

static bool weighs_resistance(const GraphLossSpec *loss) { return loss->kind == LOSS_EDGE_WEIGHTED || loss->kind == LOSS_GRAPH_WEIGHTED; }

static PetscErrorCode create_data(const GraphDiffusionJob *j, GraphDiffusionTrial *t)
{
  const GraphDiffusionParams *p     = j->params;
  const double                begin = MPI_Wtime();

  PetscFunctionBeginUser;
  if (j->plan.file) {
    PetscCall(graph_set_split(j->plan.file, t->key, p->graphs, p->test_graphs, &t->train, &t->test));
  } else {
    PetscCall(graph_set_generate(&j->plan.set, t->key, 0, p->graphs, &t->train));
    PetscCall(graph_set_generate(&j->plan.set, t->key, 1, p->test_graphs, &t->test));
  }
  j->column[DATA_TIME][t->row] = MPI_Wtime() - begin;
  if (weighs_resistance(&j->plan.training.loss) || t->recorded) {
    PetscCall(graph_set_resistance(t->train));
    j->column[RESISTANCE_TIME][t->row] = MPI_Wtime() - begin - j->column[DATA_TIME][t->row];
  }
  PetscCall(graph_set_stats(t->train, &t->stats));
  PetscCall(graph_set_stats(t->test, &t->test_stats));
  if (!j->plan.checkpoint)
    PetscCall(transition_create(j->plan.T, j->plan.abar, (TransitionKind)p->transition, &t->stats, j->plan.a, j->plan.b, &t->transition));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy_trial(GraphDiffusionTrial *t)
{
  PetscFunctionBeginUser;
  graph_set_destroy(&t->train);
  graph_set_destroy(&t->test);
  graph_set_stats_clear(&t->stats);
  graph_set_stats_clear(&t->test_stats);
  transition_destroy(&t->transition);
  PetscCall(PetscFree3(t->theta, t->average, t->moments));
  PetscCall(PetscFree3(t->size, t->node, t->edge));
  PetscCall(PetscFree2(t->record.edge, t->record.probability));
  PetscCall(PetscFree(t->exact.pair));
  PetscFunctionReturn(0);
}

/* --- the model's file --- */

/* A folder that cannot be written fails the trial, on all ranks. */
static PetscErrorCode write_checkpoint(const GraphDiffusionJob *j, GraphDiffusionTrial *t)
{
  const GraphDiffusionParams *p = j->params;
  char                        path[PARAM_TEXT_MAX + 32], error[256] = "", *origin = graph_diffusion_origin(p);
  const GraphCheckpoint       c = {.key            = t->key,
                                   .step           = p->steps,
                                   .training       = j->plan.training,
                                   .transition     = t->transition,
                                   .size_frequency = t->stats.size_frequency,
                                   .origin         = origin,
                                   .theta          = t->theta,
                                   .average        = t->average,
                                   .moments        = t->moments};
  int                         rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(j->comm, &rank));
  snprintf(path, sizeof path, "%s/%016llx.model", p->checkpoint_directory, (unsigned long long)t->key);
  if (rank == 0 && graph_checkpoint_write(path, &c, error)) error[0] = '\0';
  PetscCallMPI(MPI_Bcast(error, sizeof error, MPI_CHAR, 0, j->comm));
  if (error[0]) result_fail(j->result, t->row, "%s", error);
  free(origin);
  PetscFunctionReturn(0);
}

/* --- a trial --- */

static bool all_finite(int64_t n, const float *x)
{
  for (int64_t i = 0; i < n; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

static PetscErrorCode train(GraphDiffusionJob *j, GraphDiffusionTrial *t, bool *stopped)
{
  const GraphTrainSpec *s       = &j->plan.training;
  const int64_t         P       = denoiser_parameters(&s->denoiser);
  const bool            average = s->optimizer.average > 0;
  GraphTrainSeries      series;
  GraphTrainTrial       trial = {.key = t->key, .set = t->train, .transition = t->transition};

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(P, &t->theta, average ? P : 0, &t->average, P * optimizer_moments(&s->optimizer), &t->moments));
  if (!average) t->average = NULL;
  trial.theta   = t->theta;
  trial.average = t->average;
  trial.moments = t->moments;
  if (t->recorded) {
    PetscCall(graph_diffusion_series(j->result, t->row, &series));
    trial.series = &series;
  }
  const double begin = MPI_Wtime();
  PetscCall(graph_train_run(j->comm, s, j->batch->every, &trial, j->watch, stopped));
  if (*stopped) PetscFunctionReturn(0); /* a stopped row has no metric */
  j->column[TRAIN_TIME][t->row] = MPI_Wtime() - begin;
  j->column[STEP_TIME][t->row]  = j->column[TRAIN_TIME][t->row] / (double)s->steps;
  j->column[FINAL_LOSS][t->row] = trial.final_loss;
  if (trial.failed_step >= 0)
    result_fail(j->result, t->row, "loss is not finite at training step %lld", (long long)trial.failed_step);
  else if (!all_finite(P, t->theta)) /* the last step, whose loss nobody asks for */
    result_fail(j->result, t->row, "parameters are not finite after the last training step");
  else if (j->params->checkpoint_directory[0])
    PetscCall(write_checkpoint(j, t));
  PetscFunctionReturn(0);
}

static PetscErrorCode sample(GraphDiffusionJob *j, GraphDiffusionTrial *t, bool *stopped)
{
  const GraphDiffusionParams *p = j->params;
  const int                   n = j->plan.n, pairs = pair_count(n), T = j->model.transition->T;
  GraphPosterior              posterior = {0};

  PetscFunctionBeginUser;
  t->record.graphs = PetscMin(p->trace_graphs, p->samples);
  PetscCall(PetscMalloc3(p->samples, &t->size, p->samples * n, &t->node, p->samples * pairs, &t->edge));
  PetscCall(PetscMalloc2(t->record.graphs * (T + 1) * pairs, &t->record.edge, t->record.graphs * T * pairs, &t->record.probability));
  if (!j->model.denoiser) PetscCall(graph_diffusion_posterior_create(j, t, &posterior));
  const double  begin     = MPI_Wtime();
  const double *frequency = j->plan.checkpoint ? j->plan.checkpoint->size_frequency : t->stats.size_frequency;
  PetscCall(graph_sampler_run(j->comm, &j->model, posterior.logits ? &posterior : NULL, n, frequency, j->batch->key[t->row], p->samples,
                              &t->record, t->size, t->node, t->edge, j->watch, stopped));
  graph_diffusion_posterior_destroy(&posterior);
  if (!*stopped) j->column[SAMPLE_TIME][t->row] = MPI_Wtime() - begin;
  PetscFunctionReturn(0);
}

static PetscErrorCode load_model(GraphDiffusionJob *j, GraphDiffusionTrial *t)
{
  const GraphCheckpoint *c     = j->plan.checkpoint;
  const float           *theta = c ? (c->average ? c->average : c->theta) : t->average ? t->average : t->theta;

  PetscFunctionBeginUser;
  j->model.transition = c ? c->transition : t->transition;
  j->model.features   = j->plan.training.features;
  if (j->model.denoiser) denoiser_load(j->model.denoiser, theta);
  PetscFunctionReturn(0);
}

static PetscErrorCode run_trial(GraphDiffusionJob *j, int64_t row, bool *stopped)
{
  GraphDiffusionTrial t = {.row = row, .recorded = j->batch->record[row]};

  PetscFunctionBeginUser;
  t.key = j->plan.checkpoint ? j->plan.checkpoint->key : j->batch->key[row];
  PetscCall(create_data(j, &t));
  if (graph_diffusion_trains(j->params)) PetscCall(train(j, &t, stopped));
  if (!*stopped && result_state(j->result, row) == TRIAL_DONE) {
    PetscCall(load_model(j, &t));
    PetscCall(graph_diffusion_exact(j, &t));
    PetscCall(sample(j, &t, stopped));
    if (!*stopped) PetscCall(graph_diffusion_measure(j, &t, stopped));
  }
  PetscCall(destroy_trial(&t));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_trials(GraphDiffusionJob *j)
{
  bool stopped = false;

  PetscFunctionBeginUser;
  if (j->params->posterior != CHAIN_EXACT) PetscCall(denoiser_create(&j->plan.training.denoiser, isa_level(), &j->model.denoiser));
  PetscCall(graph_diffusion_columns(j));
  for (int64_t row = 0; row < j->batch->n && !stopped; row++) {
    stopped = watch_stop(j->watch);
    if (!stopped) PetscCall(run_trial(j, row, &stopped));
    /* Nothing of a row that was not finished may look measured. */
    for (int m = 0; stopped && m < METRICS; m++) j->column[m][row] = NAN;
  }
  denoiser_destroy(&j->model.denoiser);
  PetscFunctionReturn(0);
}

/* A file that one rank cannot read fails the trials on all of them. */
static PetscErrorCode agree_on_error(MPI_Comm comm, char error[256])
{
  int failed = error[0] != '\0';

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, comm));
  if (failed && !error[0]) snprintf(error, 256, "another rank of the trial could not read the file");
  PetscFunctionReturn(0);
}

static PetscErrorCode run(MPI_Comm comm, const TrialBatch *batch, RunControl *control, Result *result)
{
  const Watch       watch = control_watch(control);
  char              error[256];
  const char       *parameter;
  GraphDiffusionJob j = {.comm = comm, .params = batch->params, .batch = batch, .watch = &watch, .result = result};

  PetscFunctionBeginUser;
  PetscCall(graph_diffusion_plan_create(j.params, &j.plan, &parameter, error));
  PetscCall(agree_on_error(comm, error));
  for (int64_t i = 0; i < batch->n && error[0]; i++) result_fail(result, i, "%s", error);
  if (!error[0]) PetscCall(run_trials(&j));
  graph_diffusion_plan_destroy(&j.plan);
  PetscFunctionReturn(0);
}

const Experiment experiment_graph_diffusion = {
    .name        = "graph_diffusion",
    .summary     = "trained discrete graph diffusion: is the rare bridge dropped, and does the resistance weight cure it",
    .source      = "arXiv 2511.18593, algorithm 4.1; Klepper 2023, section 2; DiGress, ICLR 2023",
    .params      = graph_diffusion_params,
    .params_size = sizeof(GraphDiffusionParams),
    .parallel    = true,
    .max_ranks   = max_ranks,
    .merit_unit  = "training steps/s",
    .merit_work  = merit_work,
    .check       = graph_diffusion_check,
    .cost        = cost,
    .memory      = memory,
    .record_cost = record_cost,
    .declare     = declare,
    .run         = run,
    .reference   = reference,
};
