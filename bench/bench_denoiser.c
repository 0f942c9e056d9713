/* SPDX-License-Identifier: BSD-2-Clause
 * Speed of the denoisers that look at pairs one by one: ns a pair of a training step's gradients (load, then shards of 64 graphs as
 * training asks for them; and the batch in one call), of forward passes, and of the squares of gradients that are recorded now and then;
 * beside them the plain reference and the floor: for tables the reading of what a step is given (memcpy into L1) and the zeroing of the
 * shards' gradients, for perceptrons their multiply-adds at the measured peak. Validates against the reference first. Medians of
 * interleaved repetitions, thread CPU time. MYOPIA_ISA=base|v3|v4 lowers the level.
 *
 *   bench_denoiser [REPETITIONS] */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "denoiser.h"
#include "flush.h"
#include "measure.h"
#include "memory.h"
#include "net_floor.h"
#include "rng.h"

typedef struct Workload {
  const char  *name;
  DenoiserSpec spec;
  int          batch;
} Workload;

enum { N = 16, PAIRS = N * (N - 1) / 2, SHARD = 64, BATCH_MAX = 1024, REFERENCE_GRAPHS = 8, FEATURES = 8 };

static const Workload workloads[] = {
    {"factored T 50", {.kind = DENOISER_FACTORED, .n = N, .a = 1, .b = 2, .T = 50, .buckets = 50}, 1024},
    {"factored_bit T 50", {.kind = DENOISER_FACTORED_BIT, .n = N, .a = 1, .b = 2, .T = 50, .buckets = 50}, 1024},
    {"factored_bit T 50 b 3", {.kind = DENOISER_FACTORED_BIT, .n = N, .a = 1, .b = 3, .T = 50, .buckets = 50}, 1024},
    {"edge_mlp 2x32 relu",
     {.kind = DENOISER_EDGE_MLP, .n = N, .a = 1, .b = 2, .T = 50, .pair_features = FEATURES, .depth = 2, .width = 32},
     128},
    {"edge_mlp 3x64 relu",
     {.kind = DENOISER_EDGE_MLP, .n = N, .a = 1, .b = 2, .T = 50, .pair_features = FEATURES, .depth = 3, .width = 64},
     128},
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };
enum { STEP, WHOLE, FORWARD, SQUARE, REFERENCE, READ, PEAK, TERMS };

typedef struct Run {
  const Workload *w;
  Denoiser       *d;
  int64_t         n;
  float          *theta, *gradient, *logits, *features, *weight;
  double         *theta64, *gradient64;
  uint8_t        *noisy, *clean;
  DenoiserGraph   graph[BATCH_MAX];
  DenoiserTarget  target[BATCH_MAX];
} Run;

static void run_create(const Workload *w, Run *run)
{
  Rng          r = rng_start(7, 0, RNG_VERIFY);
  const size_t n = (size_t)denoiser_parameters(&w->spec), pairs = (size_t)w->batch * PAIRS;
  *run            = (Run){.w = w, .n = (int64_t)n};
  run->theta      = mem_calloc(n, sizeof(float));
  run->gradient   = mem_calloc(n, sizeof(float));
  run->theta64    = mem_calloc(n, sizeof(double));
  run->gradient64 = mem_calloc(n, sizeof(double));
  run->logits     = mem_calloc(pairs * (size_t)w->spec.b, sizeof(float));
  run->features   = mem_calloc(pairs * FEATURES, sizeof(float));
  run->weight     = mem_calloc(pairs, sizeof(float));
  run->noisy      = mem_calloc(pairs, 1);
  run->clean      = mem_calloc(pairs, 1);
  denoiser_init(&w->spec, 1, run->theta);
  for (size_t i = 0; i < n; i++) run->theta64[i] = (double)(run->theta[i] += (float)rng_uniform(&r));
  for (size_t i = 0; i < pairs; i++) {
    run->noisy[i]  = (uint8_t)rng_below(&r, (uint32_t)w->spec.b);
    run->clean[i]  = (uint8_t)rng_below(&r, (uint32_t)w->spec.b);
    run->weight[i] = (float)(1 + rng_uniform(&r));
  }
  for (size_t i = 0; i < pairs * FEATURES; i++) run->features[i] = (float)rng_uniform(&r);
  for (int g = 0; g < w->batch; g++) {
    const size_t at = (size_t)g * PAIRS;
    run->graph[g]   = (DenoiserGraph){.n             = N,
                                      .t             = 1 + (int)rng_below(&r, (uint32_t)w->spec.T),
                                      .edge          = run->noisy + at,
                                      .pair_features = w->spec.pair_features ? run->features + at * FEATURES : NULL};
    run->target[g]  = (DenoiserTarget){.edge = run->clean + at, .edge_weight = run->weight + at};
  }
  if (denoiser_create(&w->spec, isa_level(), &run->d)) exit(1);
}

static void run_destroy(Run *r)
{
  void *const all[] = {r->theta, r->gradient, r->theta64, r->gradient64, r->logits, r->features, r->weight, r->noisy, r->clean};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  denoiser_destroy(&r->d);
}

static void reference(const Run *r, int count, double *loss)
{
  if (denoiser_reference(&r->w->spec, r->theta64, count, r->graph, r->target, 1, false, NULL, NULL, r->gradient64, loss)) exit(1);
}

static bool valid(const Run *r)
{
  double loss[2], most = 0, error = 0;
  reference(r, REFERENCE_GRAPHS, &loss[0]);
  denoiser_load(r->d, r->theta);
  denoiser_gradient(r->d, REFERENCE_GRAPHS, r->graph, r->target, 1, r->gradient, &loss[1], NULL);
  for (int64_t i = 0; i < r->n; i++) {
    most  = fmax(most, fabs(r->gradient64[i]));
    error = fmax(error, fabs(r->gradient64[i] - (double)r->gradient[i]));
  }
  if (error <= 1e-5 * most && fabs(loss[0] - loss[1]) <= 1e-6 * fabs(loss[0])) return true;
  fprintf(stderr, "bench_denoiser: %s: gradient off by %.2g of %.2g, loss %.9g instead of %.9g\n", r->w->name, error, most, loss[1],
          loss[0]);
  return false;
}

/* ns a pair. */
static double time_step(const Run *r, int shard, bool squares)
{
  double       loss, square;
  const double begin = thread_ns();
  denoiser_load(r->d, r->theta);
  for (int g = 0; g < r->w->batch; g += shard)
    denoiser_gradient(r->d, shard, r->graph + g, r->target + g, 1, r->gradient, &loss, squares ? &square : NULL);
  return (thread_ns() - begin) / (r->w->batch * PAIRS);
}

static double time_forward(const Run *r)
{
  const double begin = thread_ns();
  denoiser_load(r->d, r->theta);
  denoiser_forward(r->d, r->w->batch, r->graph, NULL, r->logits);
  return (thread_ns() - begin) / (r->w->batch * PAIRS);
}

static double time_reference(const Run *r)
{
  double       loss;
  const double begin = thread_ns();
  reference(r, REFERENCE_GRAPHS, &loss);
  return (thread_ns() - begin) / (REFERENCE_GRAPHS * PAIRS);
}

static double time_read(const Run *r)
{
  char         scratch[PAIRS * sizeof(float)];
  const double begin = thread_ns();
  for (int g = 0; g < r->w->batch; g++) {
    if (g % SHARD == 0) memset(r->gradient, 0, (size_t)r->n * sizeof(float));
    memcpy(scratch, r->graph[g].edge, PAIRS);
    __asm__ volatile("" ::"r"(scratch) : "memory");
    memcpy(scratch, r->target[g].edge, PAIRS);
    __asm__ volatile("" ::"r"(scratch) : "memory");
    memcpy(scratch, r->target[g].edge_weight, PAIRS * sizeof(float));
    __asm__ volatile("" ::"r"(scratch) : "memory");
  }
  return (thread_ns() - begin) / (r->w->batch * PAIRS);
}

static float peak(int64_t repeats)
{
  if (isa_level() == ISA_V4) return net_peak_floor_v4(repeats);
  return isa_level() == ISA_V3 ? net_peak_floor_v3(repeats) : net_peak_floor_base(repeats);
}

/* ns of a floating-point operation at the peak; wide units take some 20 us to wake up after scalar code. */
static double time_peak(volatile float *sink)
{
  enum { REPEATS = 4000 };
  *sink += peak(4 * REPEATS);
  const double begin = thread_ns();
  *sink += peak(REPEATS);
  return (thread_ns() - begin) / (2.0 * 16 * NET_FLOOR_CHAINS * REPEATS);
}

static bool print_workload(const Workload *w, int repetitions)
{
  static Run     r;
  double         ns[TERMS], *sample[TERMS];
  volatile float sink = 0;
  run_create(w, &r);
  if (!valid(&r)) return false;
  for (int k = 0; k < TERMS; k++) sample[k] = mem_calloc((size_t)repetitions, sizeof(double));
  for (int i = 0; i < repetitions; i++) {
    sample[REFERENCE][i] = time_reference(&r);
    sample[PEAK][i]      = time_peak(&sink);
    sample[READ][i]      = time_read(&r);
    sample[STEP][i]      = time_step(&r, SHARD, false);
    sample[WHOLE][i]     = time_step(&r, w->batch, false);
    sample[SQUARE][i]    = time_step(&r, SHARD, true);
    sample[FORWARD][i]   = time_forward(&r);
  }
  for (int k = 0; k < TERMS; k++) {
    ns[k] = median(repetitions, sample[k]);
    free(sample[k]);
  }
  const double floor_ns = ns[READ] + 3 * denoiser_flops(&w->spec, N) / PAIRS * ns[PEAK];
  printf("%s batch %d %s: ns/pair %.2f (in one call %.2f, with squares %.2f, forward %.2f, reference %.0f) floor %.2f ours/floor %.2f "
         "reference/ours %.0f; predicted %.2f\n",
         w->name, w->batch, isa_name(isa_level()), ns[STEP], ns[WHOLE], ns[SQUARE], ns[FORWARD], ns[REFERENCE], floor_ns,
         ns[STEP] / floor_ns, ns[REFERENCE] / ns[STEP], 1e9 * denoiser_step_seconds(&w->spec, N) / PAIRS);
  run_destroy(&r);
  return true;
}

int main(int argc, char **argv)
{
  const int      repetitions = argc > 1 ? atoi(argv[1]) : 200;
  const unsigned flush       = flush_set();
  bool           good        = true;
  if (repetitions < 1) {
    fprintf(stderr, "usage: bench_denoiser [REPETITIONS]\n");
    return 2;
  }
  for (int k = 0; k < WORKLOADS; k++) good = print_workload(&workloads[k], repetitions) && good;
  flush_restore(flush);
  return good ? 0 : 1;
}
