/* SPDX-License-Identifier: BSD-2-Clause
 * The slow reference of training a graph denoiser: one graph after the other through the float64 reference of the denoiser, weights of
 * every graph made when it comes, the plain optimizer. It draws the same samples by the same calls, one a shard, and sums in another
 * order, so that it agrees to rounding while the trajectory is not chaotic. No series, no continuation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph_train_private.h"
#include "memory.h"

typedef struct Reference {
  GraphJob   job;
  GraphBatch one;
  double    *wide, *part; /* (P) parameters and a graph's gradient */
  double    *sum;         /* (P) */
  float     *gradient, *moments, *average;
} Reference;

static PetscErrorCode add_graph(Reference *r, int64_t step, int place, double *loss)
{
  const GraphTrainSpec *spec = r->job.spec;
  const GraphSet       *set  = r->job.trial->set;
  float                 node[SET_NODES_MAX], *edge = mem_calloc((size_t)set->pairs + 1, sizeof *edge);
  double                own;

  PetscFunctionBeginUser;
  PetscCall(graph_batch_draw(&r->job, step, place, &r->one));
  graph_loss_weights(&spec->loss, set, r->one.graph[0], node, edge);
  r->one.target[0].edge_weight = edge;
  r->one.target[0].node_weight = set->a > 1 ? node : NULL;
  PetscCall(denoiser_reference(&spec->denoiser, r->wide, 1, r->one.input, r->one.target, 1 / (double)r->job.batch, true, NULL, NULL,
                               r->part, &own));
  for (int64_t i = 0; i < r->job.parameters; i++) r->sum[i] += r->part[i];
  *loss += own;
  free(edge);
  PetscFunctionReturn(0);
}

static void update(Reference *r, int64_t step)
{
  const OptimizerSpec *o    = &r->job.spec->optimizer;
  double               norm = 0;
  for (int64_t i = 0; i < r->job.parameters; i++) norm += r->sum[i] * r->sum[i];
  const double scale = o->clip > 0 && sqrt(norm) + 1e-6 > o->clip ? o->clip / (sqrt(norm) + 1e-6) : 1;
  for (int64_t i = 0; i < r->job.parameters; i++) r->gradient[i] = (float)(scale * r->sum[i]);
  optimizer_step_reference(o, step, optimizer_rate(o, step, r->job.spec->steps), r->job.parameters, r->gradient, r->moments,
                           r->job.trial->theta, r->average);
}

static PetscErrorCode run(Reference *r, double *loss)
{
  GraphJob *job = &r->job;

  PetscFunctionBeginUser;
  for (int64_t step = 0; step < job->spec->steps; step++) {
    double all = 0;
    for (int64_t i = 0; i < job->parameters; i++) r->wide[i] = (double)job->trial->theta[i];
    memset(r->sum, 0, (size_t)job->parameters * sizeof *r->sum);
    graph_order_load(job, step);
    for (int place = 0; place < job->batch; place++) PetscCall(add_graph(r, step, place, &all));
    if (loss) loss[step] = all;
    update(r, step);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode graph_train_reference(const GraphTrainSpec *spec, GraphTrainTrial *trial, double *loss)
{
  Reference     r = {.job = {.comm = MPI_COMM_SELF, .spec = spec, .trial = trial, .isa = ISA_BASE}};
  const int64_t P = denoiser_parameters(&spec->denoiser);

  PetscFunctionBeginUser;
  r.job.batch = r.job.shards = graph_train_batch(spec, trial->set->count);
  r.job.parameters           = P;
  while (r.job.batch > 1 << r.job.step_bits) r.job.step_bits++;
  PetscCall(loss_weights_create(&spec->loss, trial->set, &r.job.weights));
  PetscCall(graph_order_create(&r.job));
  PetscCall(graph_batch_create(&r.job, &r.one));
  PetscCall(train_doubles(P, &r.wide));
  PetscCall(train_doubles(P, &r.part));
  PetscCall(train_doubles(P, &r.sum));
  PetscCall(train_floats(P, &r.gradient));
  PetscCall(train_floats(P * optimizer_moments(&spec->optimizer), &r.moments));
  if (!trial->given) denoiser_init(&spec->denoiser, trial->key, trial->theta);
  r.average = spec->optimizer.average > 0 ? trial->average : NULL;
  if (r.average) memcpy(r.average, trial->theta, (size_t)P * sizeof(float));
  PetscCall(run(&r, loss));
  free(r.wide);
  free(r.part);
  free(r.sum);
  free(r.gradient);
  free(r.moments);
  graph_batch_destroy(&r.one);
  graph_order_destroy(&r.job);
  loss_weights_destroy(&r.job.weights);
  PetscFunctionReturn(0);
}
