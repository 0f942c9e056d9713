/* SPDX-License-Identifier: BSD-2-Clause
 * The training loop once more, as slowly as it can be read: one trial, batches sample by sample, scalar net, scalar optimizer, one rank. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_private.h"

static void draw_batch(const TrainTrial *trial, int64_t step, TrainSamples *b)
{
  const int d = objective_dimension(trial->objective);
  float     x[NET_WIDTH_MAX], target[NET_WIDTH_MAX];
  for (int i = 0; i < b->n; i++) {
    int64_t index;
    objective_sample_reference(trial->objective, trial->key, step, i, &index, x, &b->t[i], target, &b->weight[i]);
    for (int f = 0; f < d; f++) {
      b->x[(int64_t)f * b->stride + i]      = x[f];
      b->target[(int64_t)f * b->stride + i] = target[f];
    }
  }
}

static void clip(const OptimizerSpec *optimizer, int64_t n, float *gradient)
{
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)gradient[i] * (double)gradient[i];
  const float scale = optimizer->clip > 0 ? (float)fmin(1, optimizer->clip / (sqrt(sum) + 1e-6)) : 1;
  for (int64_t i = 0; i < n; i++) gradient[i] *= scale;
}

PetscErrorCode train_reference(const TrainSpec *spec, TrainTrial *trial, double *losses)
{
  const int64_t n = net_parameters(&spec->net);
  const int     d = objective_dimension(trial->objective), batch = objective_spec(trial->objective)->batch;
  float        *gradient, *moments, *average = spec->optimizer.average > 0 ? trial->average : NULL;
  TrainSamples  samples;
  TrainTail     tail = {.n = 0};
  PetscFunctionBeginUser;
  PetscCheck(d <= NET_WIDTH_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "dimension %d", d);
  PetscCall(train_floats(n, &gradient));
  PetscCall(train_floats(2 * n, &moments));
  PetscCall(train_samples_create(d, batch, false, &samples));
  if (!trial->given) net_init(&spec->net, spec->init, trial->key, trial->theta);
  if (average) memcpy(average, trial->theta, (size_t)n * sizeof *average);
  trial->failed_step = -1;
  for (int64_t step = 0; step < spec->steps && trial->failed_step < 0; step++) {
    double loss;
    draw_batch(trial, step, &samples);
    const NetBatch b = train_net_batch(&samples);
    net_reference(&spec->net, trial->theta, &b, 1 / ((double)batch * d), -1, NULL, gradient, &loss, NULL);
    if (losses) losses[step] = loss;
    train_tail_add(&tail, loss);
    if (!isfinite(loss)) trial->failed_step = step;
    clip(&spec->optimizer, n, gradient);
    if (isfinite(loss))
      optimizer_step_reference(&spec->optimizer, step, optimizer_rate(&spec->optimizer, step, spec->steps), n, gradient, moments,
                               trial->theta, average);
  }
  trial->final_loss = train_tail_mean(&tail);
  train_samples_destroy(&samples);
  free(moments);
  free(gradient);
  PetscFunctionReturn(0);
}
