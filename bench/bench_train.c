/* SPDX-License-Identifier: BSD-2-Clause
 * Whole training steps (batch, gradient, update) of the workloads W1 to W3, one line each: our loop, its parts, what recording class
 * gradients every 100 steps adds, and the scalar reference loop (net_reference and optimizer_step_reference on the same batches) with the
 * ratio. Then small batches: lane = seed against lane = sample, per model. Thread CPU time, medians, interleaved in one run; exits 1 when a
 * fused gradient differs from the reference's by more than 1e-5 of its norm.
 *   bench_train [REPEATS]                      one rank
 *   mpirun -n RANKS bench_train [REPEATS]      wall time of data-parallel training against one rank, on idle cores */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diffusion/train_private.h"
#include "flush.h"
#include "measure.h"

enum { POINTS = 2000, REPEATS_MAX = 1000, D = 2, MODELS = 16 };

typedef struct Workload {
  const char *name;
  int         depth, width;
  Activation  activation;
  int         batch;
  int64_t     steps; /* of one measurement */
} Workload;

static const Workload workloads[] = {{"W1 3-20-20-2 relu, batch 64", 2, 20, ACTIVATION_RELU, 64, 4000},
                                     {"W2 3-16-16-2 tanh, batch 512", 2, 16, ACTIVATION_TANH, 512, 600},
                                     {"W3 3-64-64-64-2 tanh, batch 1024", 3, 64, ACTIVATION_TANH, 1024, 100}};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };

static void need(int ok, const char *what)
{
  if (ok) return;
  printf("bench_train: %s\n", what);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

static Objective *make_objective(int batch)
{
  const ObjectiveSpec spec = {.prediction = PREDICT_NOISE, .T = 1000, .schedule = SCHEDULE_COSINE, .batch = batch, .time_scale = 1};
  static double       x[D * POINTS];
  Objective          *out;
  for (int i = 0; i < POINTS; i++) {
    x[i]          = cos(0.7 * i) * (i % 2 ? 1 : 2);
    x[POINTS + i] = sin(0.7 * i) + (i % 3);
  }
  need(objective_create(&spec, isa_level(), D, POINTS, x, &out) == 0, "no objective");
  return out;
}

static TrainSpec make_spec(const Workload *w)
{
  return (TrainSpec){.net = {.n_x = D, .n_out = D, .depth = w->depth, .width = w->width, .activation = w->activation, .time = TIME_PLAIN},
                     .optimizer = {.kind = OPTIMIZER_ADAM, .learning_rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .delta = 1e-8},
                     .steps     = w->steps};
}

/* One workload's data, and room for MODELS trials. */
typedef struct Bench {
  TrainSpec    spec;
  Objective   *objective;
  int          batch;
  int64_t      parameters;
  float       *theta, *gradient, *moments;
  TrainTrial   trial[MODELS];
  TrainSeries  series;
  TrainSamples samples;
} Bench;

static void open_bench(const Workload *w, Bench *b)
{
  *b            = (Bench){.spec = make_spec(w), .objective = make_objective(w->batch), .batch = w->batch};
  b->parameters = net_parameters(&b->spec.net);
  need(train_floats(MODELS * b->parameters, &b->theta) == 0 && train_floats(2 * b->parameters, &b->gradient) == 0 &&
           train_floats(2 * b->parameters, &b->moments) == 0 && train_samples_create(D, w->batch, false, &b->samples) == 0,
       "no memory");
  for (int i = 0; i < MODELS; i++)
    b->trial[i] = (TrainTrial){.key = 5 + (uint64_t)i, .objective = b->objective, .theta = b->theta + i * b->parameters};
  const int64_t n   = train_recorded(w->steps, 100);
  b->series.step    = calloc((size_t)n, sizeof(int64_t));
  double  *numbers  = calloc((size_t)n * (3 + 5 * TRAIN_CLASSES_MAX), sizeof *numbers);
  double **member[] = {&b->series.loss, &b->series.rate,  &b->series.gradient_norm, &b->series.mean,
                       &b->series.norm, &b->series.share, &b->series.snr,           &b->series.cosine};
  need(b->series.step && numbers, "no memory");
  for (int i = 0; i < 8; i++) *member[i] = numbers, numbers += i < 3 ? n : n * TRAIN_CLASSES_MAX;
}

static void close_bench(Bench *b)
{
  objective_destroy(&b->objective);
  train_samples_destroy(&b->samples);
  free(b->series.loss);
  free(b->series.step);
  free(b->theta);
  free(b->gradient);
  free(b->moments);
}

static void validate(Bench *b)
{
  Net         *net;
  double       loss, expected, error = 0, norm = 0;
  const double scale = 1 / ((double)b->batch * D);
  need(net_create(&b->spec.net, isa_level(), &net) == 0, "no net");
  net_init(&b->spec.net, INIT_KAIMING, 5, b->theta);
  TrainSamples *s = &b->samples;
  objective_batch(b->objective, 5, 0, 0, s->n, s->stride, s->x, s->t, s->target, s->weight, NULL);
  const NetBatch batch = train_net_batch(s);
  float         *slow  = b->gradient + b->parameters;
  net_gradient(net, b->theta, &batch, scale, -1, b->gradient, &loss, NULL);
  net_reference(&b->spec.net, b->theta, &batch, scale, -1, NULL, slow, &expected, NULL);
  for (int64_t i = 0; i < b->parameters; i++) {
    error += pow((double)b->gradient[i] - (double)slow[i], 2);
    norm += pow((double)slow[i], 2);
  }
  need(sqrt(error / norm) < 1e-5 && fabs(loss / expected - 1) < 1e-5, "the fused gradient differs from the reference's");
  net_destroy(&net);
}

static double run(Bench *b, MPI_Comm comm, bool lanes, int n, bool records)
{
  bool         stopped;
  const double start = thread_ns();
  for (int i = 0; i < n; i++) b->trial[i].series = records ? &b->series : NULL;
  need(train_run_by(comm, &b->spec, lanes, 100, n, b->trial, NULL, &stopped) == 0 && !stopped, "training failed");
  return (thread_ns() - start) / (1e3 * (double)(b->spec.steps * n));
}

static double run_reference(Bench *b)
{
  TrainSpec few      = b->spec;
  few.steps          = few.steps > 400 ? few.steps / 40 : 10;
  const double start = thread_ns();
  need(train_reference(&few, &b->trial[0], NULL) == 0, "training failed");
  return (thread_ns() - start) / (1e3 * (double)few.steps);
}

static double run_batches(Bench *b)
{
  TrainSamples *s     = &b->samples;
  const double  start = thread_ns();
  for (int64_t step = 0; step < b->spec.steps; step++)
    objective_batch(b->objective, 5, step, 0, s->n, s->stride, s->x, s->t, s->target, s->weight, NULL);
  return (thread_ns() - start) / (1e3 * (double)b->spec.steps);
}

static double run_gradients(Bench *b, Net *net)
{
  const NetBatch batch = train_net_batch(&b->samples);
  double         loss;
  const unsigned before = flush_set();
  const double   start  = thread_ns();
  for (int64_t step = 0; step < b->spec.steps; step++) net_gradient(net, b->theta, &batch, 1e-3, -1, b->gradient, &loss, NULL);
  const double us = (thread_ns() - start) / (1e3 * (double)b->spec.steps);
  flush_restore(before);
  return us;
}

static double run_updates(Bench *b)
{
  const float  one   = 1;
  const double start = thread_ns();
  for (int64_t step = 0; step < b->spec.steps; step++)
    optimizer_step(isa_level(), &b->spec.optimizer, step, 1e-3, b->parameters, 1, &one, b->gradient, b->moments, b->theta, NULL);
  return (thread_ns() - start) / (1e3 * (double)b->spec.steps);
}

static void measure_workload(const Workload *w, int repeats)
{
  enum { WHOLE, REFERENCE, RATIO, BATCH, GRADIENT, UPDATE, COMPONENT, TIME, KINDS };
  static double t[KINDS][REPEATS_MAX];
  Bench         b;
  Net          *net;
  open_bench(w, &b);
  validate(&b);
  need(net_create(&b.spec.net, isa_level(), &net) == 0, "no net");
  for (int i = 0; i < repeats; i++) {
    t[WHOLE][i]     = run(&b, MPI_COMM_SELF, false, 1, false);
    t[REFERENCE][i] = run_reference(&b);
    t[RATIO][i]     = t[REFERENCE][i] / t[WHOLE][i];
    b.spec.classes  = CLASSES_COMPONENT;
    t[COMPONENT][i] = 100 * (run(&b, MPI_COMM_SELF, false, 1, true) / t[WHOLE][i] - 1);
    b.spec.classes  = CLASSES_TIME;
    t[TIME][i]      = 100 * (run(&b, MPI_COMM_SELF, false, 1, true) / t[WHOLE][i] - 1);
    t[BATCH][i]     = run_batches(&b);
    t[GRADIENT][i]  = run_gradients(&b, net);
    t[UPDATE][i]    = run_updates(&b);
  }
  double m[KINDS];
  for (int k = 0; k < KINDS; k++) m[k] = median(repeats, t[k]);
  printf("%-33s %8.2f us/step (batch %.2f, gradient %.2f, update %.2f; recording: component +%.1f %%, time +%.1f %%), "
         "reference %.1f us, ratio %.1f, predicted %.2f us\n",
         w->name, m[WHOLE], m[BATCH], m[GRADIENT], m[UPDATE], m[COMPONENT], m[TIME], m[REFERENCE], m[RATIO],
         1e6 * train_step_seconds(&b.spec, D, w->batch));
  net_destroy(&net);
  close_bench(&b);
}

static void measure_lanes(int width, int batch, int repeats)
{
  static double  t[2][REPEATS_MAX];
  const Workload w = {"", 2, width, ACTIVATION_RELU, batch, 400};
  Bench          b;
  open_bench(&w, &b);
  for (int i = 0; i < repeats; i++)
    for (int lanes = 0; lanes < 2; lanes++) t[lanes][i] = run(&b, MPI_COMM_SELF, lanes, MODELS, false);
  const double samples = median(repeats, t[0]), seeds = median(repeats, t[1]);
  printf("3-%d-%d-2 relu, batch %2d: lane = seed %.3f us a model's step, lane = sample %.3f us, ratio %.2f%s\n", width, width, batch, seeds,
         samples, samples / seeds, train_seeds_in_lanes(&b.spec, batch) ? ", seeds chosen" : "");
  close_bench(&b);
}

static double wall_of(Bench *b, MPI_Comm comm)
{
  MPI_Barrier(MPI_COMM_WORLD);
  const double start = MPI_Wtime();
  run(b, comm, false, 1, false);
  return (MPI_Wtime() - start) / (double)b->spec.steps * 1e6;
}

static void measure_ranks(const Workload *w, int repeats, int ranks, int rank)
{
  static double alone[REPEATS_MAX], together[REPEATS_MAX];
  Bench         b;
  open_bench(w, &b);
  if (train_default_shards(w->batch) >= ranks)
    for (int i = 0; i < repeats; i++) {
      together[i] = wall_of(&b, MPI_COMM_WORLD);
      MPI_Barrier(MPI_COMM_WORLD);
      alone[i] = rank == 0 ? wall_of(&b, MPI_COMM_SELF) : (MPI_Barrier(MPI_COMM_WORLD), 0);
    }
  if (rank == 0 && train_default_shards(w->batch) >= ranks) {
    const double one = median(repeats, alone), all = median(repeats, together);
    printf("%-33s one rank %.2f us/step, %d ranks %.2f us/step, speed-up %.2f\n", w->name, one, ranks, all, one / all);
  }
  close_bench(&b);
}

int main(int argc, char **argv)
{
  int ranks, rank;
  MPI_Init(&argc, &argv);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const int given = argc > 1 ? atoi(argv[1]) : 15, repeats = given < 1 ? 1 : given < REPEATS_MAX ? given : REPEATS_MAX;
  for (int i = 0; i < WORKLOADS; i++) {
    if (ranks == 1)
      measure_workload(&workloads[i], repeats);
    else
      measure_ranks(&workloads[i], repeats, ranks, rank);
  }
  for (int width = 16; ranks == 1 && width <= 64; width *= 2)
    for (int batch = 4; batch <= 64; batch *= 2) measure_lanes(width, batch, repeats / 3 + 1);
  MPI_Finalize();
  return 0;
}
