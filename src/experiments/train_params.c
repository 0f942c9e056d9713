/* SPDX-License-Identifier: BSD-2-Clause
 * From parameters to a training: see train_params.h. */
#include "train_params.h"

#include <math.h>
#include <string.h>

OptimizerSpec train_params_optimizer(const TrainParams *p)
{
  return (OptimizerSpec){.kind          = (OptimizerKind)p->optimizer,
                         .learning_rate = p->learning_rate,
                         .momentum      = p->momentum,
                         .beta1         = p->beta1,
                         .beta2         = p->beta2,
                         .delta         = 1e-8,
                         .decay         = p->decay,
                         .rate          = (RateKind)p->rate,
                         .rate_factor   = p->rate_factor,
                         .rate_every    = p->rate_every,
                         .clip          = p->clip,
                         .average       = p->average};
}

TrainSpec train_params_spec(const TrainParams *p, int n_x, int n_out, int64_t steps)
{
  return (TrainSpec){
      .net       = {.n_x        = n_x,
                    .n_out      = n_out,
                    .depth      = (int)p->depth,
                    .width      = (int)p->width,
                    .activation = (Activation)p->activation,
                    .time       = (TimeFeature)p->time_feature,
                    .fourier    = (int)p->fourier},
      .init      = (NetInit)p->init,
      .optimizer = train_params_optimizer(p),
      .steps     = steps,
      .shards    = (int)(p->shards ? p->shards : train_default_shards((int)p->batch)),
      .classes   = (GradientClasses)p->classes,
  };
}

void train_params_check(const TrainParams *p, Diagnostics *d)
{
  if (p->shards & (p->shards - 1)) diagnostics_parameter(d, "shards", "shards %lld is no power of two", (long long)p->shards);
  if (p->shards > p->batch)
    diagnostics_parameter(d, "shards", "a batch of %lld samples has no %lld shards", (long long)p->batch, (long long)p->shards);
  if (p->time_feature == TIME_NONE) diagnostics_parameter(d, "time_feature", "a denoiser sees the time: plain, log or fourier");
}

int train_params_max_ranks(const TrainSpec *s, int batch) { return train_seeds_in_lanes(s, batch) ? 1 : s->shards; }

/* Weights, their average, first and second moments, gradient, a copy to evaluate, and a gradient a shard. */
double train_params_memory(const TrainSpec *s) { return 4.0 * (6 + s->shards) * (double)net_parameters(&s->net); }

/* --- series --- */

enum { STEP = 0, LOSS, RATE, GRADIENT_NORM, MEAN, NORM, SHARE, SNR, COSINE, SERIES };

/* In that order. */
static const ArraySpec series[SERIES] = {
    {.name = "step", .unit = "1", .long_name = "step", .description = "training step of each recorded row", .type = ARRAY_I64},
    {.name = "loss", .unit = "1", .long_name = "training loss", .description = "weighted mean square of the batch, before the update"},
    {.name = "rate", .unit = "1", .long_name = "learning rate", .description = "of the update of this step"},
    {.name = "gradient_norm", .unit = "1", .long_name = "norm of the gradient", .description = "before clipping"},
    {.name        = "grad_mean",
     .unit        = "1",
     .long_name   = "mean gradient of a class",
     .description = "mean over the parameters of g_c; columns: classes"},
    {.name = "grad_norm", .unit = "1", .long_name = "norm of a class's gradient", .description = "||g_c||; columns: classes"},
    {.name        = "grad_share",
     .unit        = "1",
     .long_name   = "share of a class in the gradient",
     .description = "||g_c||^2 / sum over classes of ||g||^2; columns: classes"},
    {.name        = "grad_snr",
     .unit        = "1",
     .long_name   = "signal-to-noise ratio of a class's gradient",
     .description = "||g_c|| / s, s^2 the variance over the batch of the per-sample gradient; columns: classes"},
    {.name = "grad_cosine", .unit = "1", .long_name = "cosine of a class's gradient with the total", .description = "columns: classes"},
};

PetscErrorCode train_params_declare(const TrainSpec *s, int64_t every, ResultSchema *schema)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < SERIES; i++) {
    ArraySpec spec = series[i];
    spec.series    = true;
    spec.rank      = i < MEAN ? 1 : 2;
    spec.shape[0]  = train_recorded(s->steps, every);
    spec.shape[1]  = train_classes(s);
    PetscCall(result_schema_array(schema, &spec));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode train_params_series(Result *result, int64_t row, TrainSeries *out)
{
  void *data[SERIES];

  PetscFunctionBeginUser;
  for (int i = 0; i < SERIES; i++) PetscCall(result_array(result, series[i].name, row, &data[i]));
  *out = (TrainSeries){.step          = data[STEP],
                       .loss          = data[LOSS],
                       .rate          = data[RATE],
                       .gradient_norm = data[GRADIENT_NORM],
                       .mean          = data[MEAN],
                       .norm          = data[NORM],
                       .share         = data[SHARE],
                       .snr           = data[SNR],
                       .cosine        = data[COSINE]};
  PetscFunctionReturn(0);
}

double train_params_record_cost(const TrainSpec *s, int d, int batch, int64_t every)
{
  const double recorded = (double)train_recorded(s->steps, every);
  return recorded * ((train_classes(s) + 1) * train_step_seconds(s, d, batch) + 1e-7 * (4 + 5 * train_classes(s)));
}

bool floats_finite(int64_t n, const float *x)
{
  for (int64_t i = 0; i < n; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

/* --- trials --- */

/* Up to NET_LANES trials that are trained side by side. */
typedef struct Trained {
  int         n;
  TrainTrial  trial[NET_LANES];
  TrainSeries series[NET_LANES];
  Objective  *objective[NET_LANES];
  float      *theta;   /* (n, 2, P): parameters and their average */
  double      seconds; /* of one trial */
} Trained;

static PetscErrorCode trained_create(const TrialsRun *r, int64_t first, int n, Trained *t, bool *stopped)
{
  const int64_t P = net_parameters(&r->training->net), d = target_dimension(r->target);
  const bool    average = r->training->optimizer.average > 0;
  double       *data;

  PetscFunctionBeginUser;
  const double begin = MPI_Wtime();
  *t                 = (Trained){.n = n};
  PetscCall(PetscMalloc1(2 * n * P, &t->theta));
  PetscCall(PetscMalloc1(d * r->points, &data));
  for (int i = 0; i < n; i++) {
    const uint64_t key = r->batch->key[first + i];
    target_sample(r->target, key, 0, r->points, data);
    PetscCall(objective_create(r->objective, isa_level(), (int)d, r->points, data, &t->objective[i]));
    t->trial[i] = (TrainTrial){
        .key = key, .objective = t->objective[i], .theta = t->theta + 2 * i * P, .average = average ? t->theta + (2 * i + 1) * P : NULL};
    if (!r->batch->record[first + i]) continue;
    PetscCall(train_params_series(r->result, first + i, &t->series[i]));
    t->trial[i].series = &t->series[i];
  }
  PetscCall(PetscFree(data));
  PetscCall(train_run(r->comm, r->training, r->batch->every, n, t->trial, r->watch, stopped));
  t->seconds = (MPI_Wtime() - begin) / n;
  PetscFunctionReturn(0);
}

static PetscErrorCode trained_clear(Trained *t)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < t->n; i++) objective_destroy(&t->objective[i]);
  PetscCall(PetscFree(t->theta));
  PetscFunctionReturn(0);
}

static PetscErrorCode finish_trained(const TrialsRun *r, const TrainTrial *trial, double seconds, int64_t row, bool *stopped)
{
  PetscFunctionBeginUser;
  if (trial->failed_step >= 0) {
    result_fail(r->result, row, "loss is not finite at training step %lld", (long long)trial->failed_step);
    PetscFunctionReturn(0);
  }
  net_load(r->net, trial->average ? trial->average : trial->theta);
  PetscCall(r->finish(r->ctx, row, stopped));
  if (*stopped) PetscFunctionReturn(0);
  r->final_loss[row] = trial->final_loss;
  r->train_time[row] = seconds;
  PetscFunctionReturn(0);
}

static PetscErrorCode run_together(const TrialsRun *r, int64_t first, int n, bool *stopped)
{
  Trained t = {0};

  PetscFunctionBeginUser;
  if (r->net) PetscCall(trained_create(r, first, n, &t, stopped));
  for (int i = 0; i < n && !*stopped; i++) {
    if (r->net)
      PetscCall(finish_trained(r, &t.trial[i], t.seconds, first + i, stopped));
    else
      PetscCall(r->finish(r->ctx, first + i, stopped));
    if (!*stopped) *stopped = watch_stop(r->watch);
  }
  PetscCall(trained_clear(&t));
  PetscFunctionReturn(0);
}

PetscErrorCode trials_run(const TrialsRun *r, bool *stopped)
{
  const int together = r->net && train_seeds_in_lanes(r->training, r->objective->batch) ? NET_LANES : 1;

  PetscFunctionBeginUser;
  *stopped = watch_stop(r->watch);
  for (int64_t first = 0; first < r->batch->n && !*stopped; first += together)
    PetscCall(run_together(r, first, (int)PetscMin(together, r->batch->n - first), stopped));
  PetscFunctionReturn(0);
}

/* --- clouds --- */

/* Joins every rank's columns [n r / size, n (r + 1) / size) of `rows` rows of n. part: (rows, n_local), whole: rows at this stride. */
static PetscErrorCode gather(MPI_Comm comm, int64_t rows, int64_t n, const float *part, int64_t stride, float *whole)
{
  int size, rank, *count, *offset;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscMalloc2(size, &count, size, &offset));
  for (int r = 0; r < size; r++) {
    offset[r] = (int)(n * r / size);
    count[r]  = (int)(n * (r + 1) / size) - offset[r];
  }
  for (int64_t k = 0; k < rows; k++)
    PetscCallMPI(MPI_Allgatherv(part + k * count[rank], count[rank], MPI_FLOAT, whole + k * stride, count, offset, MPI_FLOAT, comm));
  PetscCall(PetscFree2(count, offset));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_part(const Generator *g, uint64_t key, int64_t first, int64_t n, int d, const double *start,
                               const SamplerRecord *record, float *x, const Watch *watch, bool *stopped)
{
  PetscFunctionBeginUser;
  PetscCall(
      sampler_run(isa_level(), g->plan, g->objective, g->net, g->exact, g->noise, key, first, n, d, start, record, x, watch, stopped));
  PetscFunctionReturn(0);
}

/* Particles a rank draws between two questions whether to stop, which all ranks answer together. */
static const int64_t slice_particles = 4096;

/* Particles [begin, begin + n) of `total`, over the ranks. */
static PetscErrorCode run_slice(MPI_Comm comm, const Generator *g, uint64_t key, int d, int64_t begin, int64_t n, int64_t total,
                                const double *start, const SamplerRecord *record, float *x, const Watch *watch, bool *stopped)
{
  const int   snapshots = record ? record->n : 0;
  const Watch quiet     = {.progress = watch ? watch->progress : NULL, .ctx = watch ? watch->ctx : NULL};
  int         size, rank;
  float      *part, *shots;
  double     *from;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  const int64_t first = begin + n * rank / size, own = begin + n * (rank + 1) / size - first;
  PetscCall(PetscMalloc3(d * own, &from, d * own, &part, snapshots * d * own, &shots));
  for (int j = 0; j < d; j++)
    for (int64_t i = 0; i < own; i++) from[j * own + i] = start[j * total + first + i];
  const SamplerRecord own_record = {.n = snapshots, .step = record ? record->step : NULL, .x = shots};
  PetscCall(run_part(g, key, first, own, d, from, record ? &own_record : NULL, part, &quiet, stopped));
  *stopped = watch_stop(watch);
  if (!*stopped) {
    PetscCall(gather(comm, d, n, part, total, x + begin));
    if (record) PetscCall(gather(comm, (int64_t)snapshots * d, n, shots, total, record->x + begin));
  }
  PetscCall(PetscFree3(from, part, shots));
  PetscFunctionReturn(0);
}

PetscErrorCode generator_run(MPI_Comm comm, const Generator *g, uint64_t key, int d, int64_t n, const double *start,
                             const SamplerRecord *record, float *x, const Watch *watch, bool *stopped)
{
  int size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size == 1) {
    PetscCall(run_part(g, key, 0, n, d, start, record, x, watch, stopped));
    PetscFunctionReturn(0);
  }
  const int64_t slice = slice_particles * size;
  *stopped            = false;
  for (int64_t begin = 0; begin < n && !*stopped; begin += slice)
    PetscCall(run_slice(comm, g, key, d, begin, PetscMin(slice, n - begin), n, start, record, x, watch, stopped));
  PetscFunctionReturn(0);
}
