/* SPDX-License-Identifier: BSD-2-Clause
 * Whole training steps of graph denoisers on barbells, one line each: microseconds a step and nanoseconds a pair,
 * split into samples (indices, times, noise, features), gradients, the sum of the shards and the update; what a record takes; graphs
 * sampled a second. Thread CPU time, medians, interleaved in one run.
 *   bench_graph_train [REPEATS]                  one rank
 *   mpirun -n RANKS bench_graph_train [REPEATS]  wall time of data-parallel training against one rank, on idle cores */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diffusion/graph_train_private.h"
#include "flush.h"
#include "graph_sampler.h"
#include "measure.h"

enum { T = 50, GRAPHS = 4000, SAMPLED_MAX = 256, EVERY = 100, REPEATS_MAX = 100 };

enum { FEATURES = FEATURE_DEGREE | FEATURE_CYCLES | FEATURE_SPECTRUM };

typedef struct Workload {
  const char  *name;
  DenoiserKind kind;
  int          n, batch;
  GraphLoss    loss;
  bool         permute;
  int64_t      steps; /* of one measurement */
} Workload;

static const Workload workloads[] = {
    {"factored, batch 1024", DENOISER_FACTORED, 16, 1024, LOSS_STANDARD, false, 200},
    {"factored_bit, batch 1024", DENOISER_FACTORED_BIT, 16, 1024, LOSS_STANDARD, false, 200},
    {"factored_bit, weighted, batch 1024", DENOISER_FACTORED_BIT, 16, 1024, LOSS_EDGE_WEIGHTED, false, 200},
    {"factored_bit, batch 128", DENOISER_FACTORED_BIT, 16, 128, LOSS_STANDARD, false, 1000},
    {"edge_mlp 2 x 64, batch 128", DENOISER_EDGE_MLP, 16, 128, LOSS_STANDARD, true, 50},
    {"W5 transformer, n = 16, batch 32", DENOISER_TRANSFORMER, 16, 32, LOSS_STANDARD, true, 5},
    {"W5 transformer, n = 24, batch 32", DENOISER_TRANSFORMER, 24, 32, LOSS_STANDARD, true, 3},
    {"W5 transformer, n = 32, batch 32", DENOISER_TRANSFORMER, 32, 32, LOSS_STANDARD, true, 2},
    {"W5 transformer, n = 45, batch 32", DENOISER_TRANSFORMER, 45, 32, LOSS_STANDARD, true, 1},
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };

static void need(int ok, const char *what)
{
  if (ok) return;
  printf("bench_graph_train: %s\n", what);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/* One workload's data and a job whose parts are called one by one. */
typedef struct Bench {
  const Workload  *w;
  GraphTrainSpec   spec;
  GraphSet        *set;
  Transition      *transition;
  GraphTrainTrial  trial;
  GraphTrainSeries series;
  GraphJob         job;
  GraphBatch       batch;
  Denoiser        *denoiser;
  Reduce          *reduce;
  float          **row;
  float           *theta, *moments;
} Bench;

static void make_data(Bench *b)
{
  const GraphSetSpec set   = {.kind             = SET_CHAIN,
                              .clusters         = 2,
                              .size             = {b->w->n / 2, (b->w->n + 1) / 2},
                              .bridge_frequency = 0.05,
                              .intra_frequency  = 0.95,
                              .exact_frequency  = true,
                              .permute          = b->w->permute};
  GraphSetStats      stats = {0};
  double             abar[T + 1];
  char               message[256];
  need(graph_set_generate(&set, 1, 0, GRAPHS, &b->set) == 0 && graph_set_resistance(b->set) == 0 && graph_set_stats(b->set, &stats) == 0,
       "no set");
  need(!transition_schedule(ABAR_COSINE, T, 0, NULL, abar, message), message);
  need(transition_create(T, abar, TRANSITION_MARGINAL, &stats, 1, 2, &b->transition) == 0, "no process");
  graph_set_stats_clear(&stats);
}

static void make_spec(Bench *b)
{
  DenoiserSpec d = {.kind = b->w->kind, .n = b->w->n, .a = 1, .b = 2, .T = T, .buckets = T};
  if (d.kind == DENOISER_EDGE_MLP) {
    d.pair_features = PAIR_FEATURES;
    d.depth         = 2;
    d.width         = 64;
  }
  if (d.kind == DENOISER_TRANSFORMER) {
    features_count(FEATURES, &d.node_features, &d.pair_features, &d.graph_features);
    d.layers = 3;
    d.heads  = 4;
    d.dx = d.dy = d.ff_x = d.ff_y = 64;
    d.de = d.ff_e = 32;
  }
  b->spec = (GraphTrainSpec){.denoiser  = d,
                             .features  = d.kind == DENOISER_TRANSFORMER ? FEATURES : 0,
                             .optimizer = {.kind = OPTIMIZER_ADAM, .learning_rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .delta = 1e-8},
                             .loss      = {.kind = b->w->loss, .lambda = 9, .lambda_e = 1},
                             .steps     = b->w->steps,
                             .batch     = b->w->batch};
}

static void make_series(Bench *b)
{
  const size_t rows     = (size_t)graph_train_recorded(b->spec.steps, EVERY);
  double     **member[] = {&b->series.loss,       &b->series.rate,       &b->series.gradient_norm, &b->series.mean,
                           &b->series.norm,       &b->series.share,      &b->series.snr,           &b->series.cosine,
                           &b->series.share_part, &b->series.share_time, &b->series.index,         &b->series.probe};
  b->series.step        = calloc(rows, sizeof(int64_t));
  for (int i = 0; i < 12; i++) need((*member[i] = calloc(rows * TERM_CLASSES * DENOISER_PARTS_MAX, sizeof(double))) != NULL, "no memory");
}

static void free_series(Bench *b)
{
  double *const member[] = {b->series.loss,       b->series.rate,       b->series.gradient_norm, b->series.mean,
                            b->series.norm,       b->series.share,      b->series.snr,           b->series.cosine,
                            b->series.share_part, b->series.share_time, b->series.index,         b->series.probe};
  for (int i = 0; i < 12; i++) free(member[i]);
  free(b->series.step);
}

static void open_bench(const Workload *w, Bench *b)
{
  *b = (Bench){.w = w};
  make_data(b);
  make_spec(b);
  make_series(b);
  const int64_t P = denoiser_parameters(&b->spec.denoiser), padded = (P + 15) / 16 * 16;
  b->trial = (GraphTrainTrial){.key = 5, .set = b->set, .transition = b->transition};
  b->job   = (GraphJob){.comm = MPI_COMM_SELF, .spec = &b->spec, .trial = &b->trial, .isa = isa_level(), .parameters = P, .padded = padded};
  b->job.batch  = w->batch;
  b->job.scale  = 1.0 / w->batch;
  b->job.shards = graph_train_default_shards(&b->spec, GRAPHS);
  while (w->batch > 1 << b->job.step_bits) b->job.step_bits++;
  need(train_floats(padded, &b->trial.theta) == 0 && train_floats(padded, &b->theta) == 0 && train_floats(2 * padded, &b->moments) == 0 &&
           loss_weights_create(&b->spec.loss, b->set, &b->job.weights) == 0 && graph_order_create(&b->job) == 0 &&
           graph_batch_create(&b->job, &b->batch) == 0 && denoiser_create(&b->spec.denoiser, isa_level(), &b->denoiser) == 0 &&
           reduce_create(MPI_COMM_SELF, b->job.shards, padded, 1, &b->reduce) == 0,
       "no memory");
  b->row = calloc((size_t)b->job.shards, sizeof *b->row);
  need(b->row != NULL, "no memory");
  for (int s = 0; s < b->job.shards; s++) need(train_floats(padded, &b->row[s]) == 0, "no memory");
  denoiser_init(&b->spec.denoiser, 5, b->theta);
}

static void close_bench(Bench *b)
{
  for (int s = 0; s < b->job.shards; s++) free(b->row[s]);
  free(b->row);
  reduce_destroy(&b->reduce);
  denoiser_destroy(&b->denoiser);
  graph_batch_destroy(&b->batch);
  graph_order_destroy(&b->job);
  loss_weights_destroy(&b->job.weights);
  free(b->moments);
  free(b->theta);
  free(b->trial.theta);
  free_series(b);
  transition_destroy(&b->transition);
  graph_set_destroy(&b->set);
}

/* Microseconds a step. */
static double run(Bench *b, bool records)
{
  bool         stopped;
  const double start = thread_ns();
  b->trial.series    = records ? &b->series : NULL;
  need(graph_train_run(MPI_COMM_SELF, &b->spec, EVERY, &b->trial, NULL, &stopped) == 0 && !stopped, "training failed");
  return (thread_ns() - start) / (1e3 * (double)b->spec.steps);
}

static double run_samples(Bench *b)
{
  const double start = thread_ns();
  for (int64_t step = 0; step < b->spec.steps; step++) {
    graph_order_load(&b->job, step);
    for (int s = 0; s < b->job.shards; s++) need(graph_batch_draw(&b->job, step, s, &b->batch) == 0, "no batch");
  }
  return (thread_ns() - start) / (1e3 * (double)b->spec.steps);
}

static double run_gradients(Bench *b)
{
  double       loss;
  const double start = thread_ns();
  for (int64_t step = 0; step < b->spec.steps; step++) {
    denoiser_load(b->denoiser, b->theta);
    for (int s = 0; s < b->job.shards; s++)
      denoiser_gradient(b->denoiser, b->batch.count, b->batch.input, b->batch.target, b->job.scale, b->row[s], &loss, NULL);
  }
  return (thread_ns() - start) / (1e3 * (double)b->spec.steps);
}

static double run_sums(Bench *b)
{
  const double start = thread_ns();
  for (int64_t step = 0; step < b->spec.steps; step++) reduce_floats_local(b->reduce, b->job.parameters, b->row);
  for (int s = 0; s < b->job.shards; s++) memset(b->row[s], 0, (size_t)b->job.padded * sizeof **b->row);
  return (thread_ns() - start) / (1e3 * (double)b->spec.steps);
}

static double run_updates(Bench *b)
{
  const float  scale = 1;
  const double start = thread_ns();
  for (int64_t step = 0; step < b->spec.steps; step++)
    optimizer_step(b->job.isa, &b->spec.optimizer, step, 0, b->job.padded, 1, &scale, b->row[0], b->moments, b->theta, NULL);
  return (thread_ns() - start) / (1e3 * (double)b->spec.steps);
}

/* Graphs a second. */
static double run_sampler(Bench *b)
{
  static uint8_t   size[SAMPLED_MAX], edge[SAMPLED_MAX * SET_NODES_MAX * (SET_NODES_MAX - 1) / 2];
  const GraphModel model = {b->denoiser, b->spec.features, b->transition};
  const int        n = b->w->n, count = b->w->kind == DENOISER_TRANSFORMER ? 16 : SAMPLED_MAX;
  double           frequency[SET_NODES_MAX + 1] = {0};
  bool             stopped;
  frequency[n] = 1;
  denoiser_load(b->denoiser, b->theta);
  const double start = thread_ns();
  need(graph_sampler_run(MPI_COMM_SELF, &model, NULL, n, frequency, 1, count, NULL, size, NULL, edge, NULL, &stopped) == 0, "no graphs");
  return 1e9 * count / (thread_ns() - start);
}

enum { STEP = 0, SAMPLES, GRADIENT, SUM, UPDATE, RECORDED, GENERATED, PARTS };

static void bench_one_rank(const Workload *w, int repeats)
{
  Bench  b;
  double time[PARTS][REPEATS_MAX], x[PARTS];
  open_bench(w, &b);
  run(&b, false);
  for (int i = 0; i < repeats; i++) {
    time[STEP][i]         = run(&b, false);
    const unsigned before = flush_set();
    time[SAMPLES][i]      = run_samples(&b);
    time[GRADIENT][i]     = run_gradients(&b);
    time[SUM][i]          = run_sums(&b);
    time[UPDATE][i]       = run_updates(&b);
    flush_restore(before);
    time[RECORDED][i]  = run(&b, true);
    time[GENERATED][i] = run_sampler(&b);
  }
  for (int k = 0; k < PARTS; k++) x[k] = median(repeats, time[k]);
  printf(
      "%-36s %2d shards %9.1f us/step %6.2f ns/pair | samples %8.1f gradient %8.1f sum %6.1f update %6.1f | a record %5.1f steps | %8.0f "
      "graphs/s\n",
      w->name, b.job.shards, x[STEP], 1e3 * x[STEP] / (w->batch * pair_count(w->n)), x[SAMPLES], x[GRADIENT], x[SUM], x[UPDATE],
      (x[RECORDED] / x[STEP] - 1) * (double)w->steps / (double)graph_train_recorded(w->steps, EVERY), x[GENERATED]);
  close_bench(&b);
}

static double run_ranks(Bench *b, MPI_Comm comm)
{
  bool stopped;
  MPI_Barrier(comm);
  const double start = MPI_Wtime();
  b->trial.series    = NULL;
  need(graph_train_run(comm, &b->spec, 0, &b->trial, NULL, &stopped) == 0 && !stopped, "training failed");
  MPI_Barrier(comm);
  return 1e6 * (MPI_Wtime() - start) / (double)b->spec.steps;
}

static void bench_ranks(const Workload *w, int ranks, int rank, int repeats)
{
  Bench  b;
  double alone[REPEATS_MAX], together[REPEATS_MAX];
  open_bench(w, &b);
  for (int i = 0; i < repeats && ranks <= b.job.shards; i++) {
    alone[i] = rank == 0 ? run_ranks(&b, MPI_COMM_SELF) : 0;
    MPI_Barrier(MPI_COMM_WORLD);
    together[i] = run_ranks(&b, MPI_COMM_WORLD);
  }
  if (rank == 0 && ranks <= b.job.shards) {
    const double one = median(repeats, alone), all = median(repeats, together);
    printf("%-36s %2d shards: 1 rank %9.1f us/step, %d ranks %9.1f us/step: x %.2f\n", w->name, b.job.shards, one, ranks, all, one / all);
  }
  close_bench(&b);
}

int main(int argc, char **argv)
{
  int ranks, rank, repeats = argc > 1 ? atoi(argv[1]) : 11;
  MPI_Init(&argc, &argv);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (repeats < 1 || repeats > REPEATS_MAX) repeats = REPEATS_MAX;
  for (int i = 0; i < WORKLOADS; i++) {
    if (ranks == 1)
      bench_one_rank(&workloads[i], repeats);
    else
      bench_ranks(&workloads[i], ranks, rank, repeats);
    fflush(stdout);
  }
  MPI_Finalize();
  return 0;
}
