/* SPDX-License-Identifier: BSD-2-Clause
 * train_run: checks, the choice of the path, and what both paths share. Subnormals are flushed to zero around the loop; nothing else of the
 * process is touched. It keeps no state between calls and has no early stopping but that of a loss that is not finite. */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flush.h"
#include "train_private.h"

const char *const gradient_class_names[] = {"component", "time", NULL};

enum { LANES_BATCH_MAX = 16, LANES_PARAMETERS_MAX = 10000 };
static const double poll_seconds = 1e-3;

int train_default_shards(int batch)
{
  int shards = 1;
  while (shards * 2 <= batch / 64) shards *= 2;
  return shards;
}

/* Sixteen models of a small batch side by side take 1.2 to 1.9 times less than one after the other; beyond that size the gain is small, and
 * fewer trials than lanes lose. */
bool train_seeds_in_lanes(const TrainSpec *spec, int batch)
{
  return batch <= LANES_BATCH_MAX && net_parameters(&spec->net) <= LANES_PARAMETERS_MAX;
}

int train_classes(const TrainSpec *spec)
{
  if (spec->classes == CLASSES_TIME) return TRAIN_TIME_BUCKETS;
  return spec->net.n_out < TRAIN_COMPONENTS_MAX ? spec->net.n_out : TRAIN_COMPONENTS_MAX;
}

int64_t train_recorded(int64_t steps, int64_t every) { return every > 0 ? (steps + every - 1) / every : 0; }

int train_widest(const TrainJob *job) { return (job->batch + job->shards - 1) / job->shards; }

PetscErrorCode train_floats(int64_t n, float **out)
{
  const size_t bytes = ((size_t)n * sizeof(float) + 127) / 64 * 64;
  PetscFunctionBeginUser;
  *out = aligned_alloc(64, bytes);
  PetscCheck(*out, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %lld floats", (long long)n);
  memset(*out, 0, bytes);
  PetscFunctionReturn(0);
}

PetscErrorCode train_doubles(int64_t n, double **out)
{
  PetscFunctionBeginUser;
  *out = calloc((size_t)n + 1, sizeof **out);
  PetscCheck(*out, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %lld doubles", (long long)n);
  PetscFunctionReturn(0);
}

PetscErrorCode train_samples_create(int d, int n, bool level, TrainSamples *out)
{
  const int     stride = train_stride(n);
  const int64_t row    = stride;
  PetscFunctionBeginUser;
  *out = (TrainSamples){.n = n, .stride = stride};
  PetscCall(train_floats((2 * (int64_t)d + 3) * row, &out->memory));
  out->x      = out->memory;
  out->target = out->x + d * row;
  out->t      = out->target + d * row;
  out->weight = out->t + row;
  out->level  = level ? out->weight + row : NULL;
  PetscFunctionReturn(0);
}

void train_samples_destroy(TrainSamples *s)
{
  free(s->memory);
  *s = (TrainSamples){0};
}

TrainPace train_pace(const Watch *watch, const char *phase, double step_seconds, int64_t total)
{
  const int64_t poll = (int64_t)fmax(1, poll_seconds / step_seconds);
  return (TrainPace){.watch = watch, .phase = phase, .poll = poll, .until_poll = poll, .total = total};
}

bool train_steps_done(TrainPace *pace, int64_t steps)
{
  pace->done += steps;
  if (--pace->until_poll > 0) return false;
  pace->until_poll = pace->poll;
  watch_progress(pace->watch, pace->phase, pace->done, pace->total);
  pace->stopped = watch_stop(pace->watch);
  return pace->stopped;
}

double train_tail_mean(const TrainTail *tail)
{
  const int64_t first = tail->n > TRAIN_TAIL ? tail->n - TRAIN_TAIL : 0;
  double        sum   = 0;
  for (int64_t i = first; i < tail->n; i++) sum += tail->loss[i % TRAIN_TAIL];
  return sum / (double)(tail->n - first);
}

/* Gradient at what the kernels reach whatever the width, activations, noise of a batch, update, and what every step costs. */
double train_step_seconds(const TrainSpec *spec, int d, int batch)
{
  const double flops = 3.0 * batch * net_flops(&spec->net), units = (double)batch * spec->net.depth * spec->net.width;
  return flops / 1.8e11 + units * 0.15e-9 + (double)batch * d * 1.5e-9 + (double)net_parameters(&spec->net) * 0.2e-9 + 0.1e-6;
}

static PetscErrorCode check(const TrainJob *job, bool lanes, int n, const TrainTrial *trial)
{
  int ranks;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(job->comm, &ranks));
  PetscCheck(job->shards >= 1 && (job->shards & (job->shards - 1)) == 0 && job->shards <= job->batch, PETSC_COMM_SELF,
             PETSC_ERR_ARG_OUTOFRANGE, "%d shards of a batch of %d: a power of two, at most the batch", job->shards, job->batch);
  PetscCheck(lanes || ranks <= job->shards, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d ranks for %d shards", ranks, job->shards);
  PetscCheck(job->spec->net.n_x == job->d && job->spec->net.n_out == job->d, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a net of %d inputs and %d outputs for data of dimension %d", job->spec->net.n_x, job->spec->net.n_out, job->d);
  for (int i = 0; i < n; i++) {
    PetscCheck(objective_dimension(trial[i].objective) == job->d && objective_spec(trial[i].objective)->batch == job->batch,
               PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "trial %d differs from trial 0 in dimension or batch", i);
    PetscCheck(!trial[i].series || job->every > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a series every %lld steps",
               (long long)job->every);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode train_run_by(MPI_Comm comm, const TrainSpec *spec, bool lanes, int64_t every, int n, TrainTrial *trial, const Watch *watch,
                            bool *stopped)
{
  PetscFunctionBeginUser;
  *stopped       = false;
  const int    d = objective_dimension(trial[0].objective), batch = objective_spec(trial[0].objective)->batch;
  const double seconds = train_step_seconds(spec, d, batch);
  TrainJob     job     = {.comm       = comm,
                          .spec       = spec,
                          .isa        = isa_level(),
                          .shards     = spec->shards > 0 ? spec->shards : train_default_shards(batch),
                          .d          = d,
                          .batch      = batch,
                          .parameters = net_parameters(&spec->net),
                          .every      = every,
                          .scale      = 1 / ((double)batch * spec->net.n_out),
                          .pace       = train_pace(watch, "train", seconds, n * spec->steps)};
  job.padded           = (job.parameters + 15) / 16 * 16;
  PetscCall(check(&job, lanes, n, trial));
  const unsigned       before = flush_set();
  const PetscErrorCode code   = lanes ? train_by_lanes(&job, n, trial) : train_by_samples(&job, n, trial);
  flush_restore(before);
  PetscCall(code);
  *stopped = job.pace.stopped;
  PetscFunctionReturn(0);
}

PetscErrorCode train_run(MPI_Comm comm, const TrainSpec *spec, int64_t every, int n, TrainTrial *trial, const Watch *watch, bool *stopped)
{
  PetscFunctionBeginUser;
  *stopped = false;
  if (n == 0) PetscFunctionReturn(0);
  const bool lanes = train_seeds_in_lanes(spec, objective_spec(trial[0].objective)->batch);
  PetscCall(train_run_by(comm, spec, lanes, every, n, trial, watch, stopped));
  PetscFunctionReturn(0);
}
