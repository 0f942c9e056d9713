/* SPDX-License-Identifier: BSD-2-Clause
 * Speed of the nets: one line a workload of the training benchmarks. Gradient and loss of a batch in one call and in shards of 64 samples,
 * forward passes of blocks of 64; beside them the scalar reference and the floor: floating-point operations at the measured peak of
 * multiply-adds, plus activations. Validates against the reference first. Medians of interleaved repetitions, thread CPU time.
 *
 *   bench_net [REPETITIONS] */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flush.h"
#include "measure.h"
#include "memory.h"
#include "net.h"
#include "net_floor.h"
#include "rng.h"

typedef struct Workload {
  const char *name;
  NetSpec     spec;
  int         batch;
} Workload;

static const Workload workloads[] = {
    {"W1 2+1-20-20-2 relu", {2, 2, 2, 20, ACTIVATION_RELU, TIME_PLAIN, 0}, 64},
    {"W2 2+1-16-16-2 tanh", {2, 2, 2, 16, ACTIVATION_TANH, TIME_PLAIN, 0}, 512},
    {"W3 2+1-64-64-64-2 tanh", {2, 2, 3, 64, ACTIVATION_TANH, TIME_PLAIN, 0}, 1024},
    {"wide 784-512-512-512-784 silu", {784, 784, 3, 512, ACTIVATION_SILU, TIME_NONE, 0}, 256},
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };
enum { GRADIENT, SHARDS, LANES, FORWARD, REFERENCE, PEAK, TANH, TERMS };

typedef struct Run {
  const Workload *w;
  Net            *net;
  int64_t         n;
  float          *theta, *gradient, *x, *t, *target, *weight, *out, *bias, *values, *lanes_theta, *lanes_gradient, *lanes;
  NetBatch        batch;
  bool            wide;
} Run;

static float *numbers(Rng *r, size_t n)
{
  float *x = mem_calloc(n, sizeof *x);
  for (size_t i = 0; i < n; i++) x[i] = (float)(2 * rng_uniform(r) - 1);
  return x;
}

static Run run_create(const Workload *w)
{
  Rng          r      = rng_start(7, 0, RNG_VERIFY);
  const size_t stride = (size_t)w->batch, units = (size_t)(w->spec.width + w->spec.n_out);
  Run          run = {.w = w, .n = net_parameters(&w->spec), .wide = w->spec.n_x > NET_FUSED_WIDTH};
  const size_t n   = (size_t)run.n;
  if (net_create(&w->spec, isa_level(), &run.net)) exit(1);
  run.theta    = mem_calloc(n, sizeof(float));
  run.gradient = mem_calloc(2 * n, sizeof(float));
  net_init(&w->spec, INIT_KAIMING, 1, run.theta);
  run.x              = numbers(&r, stride * (size_t)w->spec.n_x);
  run.t              = numbers(&r, stride);
  run.target         = numbers(&r, stride * (size_t)w->spec.n_out);
  run.weight         = numbers(&r, stride);
  run.out            = mem_calloc(stride * (size_t)w->spec.n_out, sizeof(float));
  run.bias           = mem_calloc(units, sizeof(float));
  run.values         = numbers(&r, NET_FLOOR_VALUES);
  run.lanes_theta    = numbers(&r, run.wide ? 1 : n * NET_LANES);
  run.lanes_gradient = mem_calloc(run.wide ? 1 : n * NET_LANES, sizeof(float));
  run.lanes          = numbers(&r, (size_t)w->batch * NET_LANES * (size_t)(w->spec.n_x + w->spec.n_out));
  run.batch          = (NetBatch){w->batch, w->batch, run.x, run.t, run.target, run.weight};
  net_load(run.net, run.theta);
  return run;
}

static void run_destroy(Run *r)
{
  float *all[] = {r->theta, r->gradient, r->x,      r->t,           r->target,         r->weight,
                  r->out,   r->bias,     r->values, r->lanes_theta, r->lanes_gradient, r->lanes};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  net_destroy(&r->net);
}

static bool valid(const Run *r)
{
  double loss[2], most = 0, error = 0;
  net_reference(&r->w->spec, r->theta, &r->batch, 1, -1, r->out, r->gradient, &loss[0], NULL);
  net_gradient(r->net, r->theta, &r->batch, 1, -1, r->gradient + r->n, &loss[1], NULL);
  for (int64_t i = 0; i < r->n; i++) {
    most  = fmax(most, fabs((double)r->gradient[i]));
    error = fmax(error, fabs((double)(r->gradient[i] - r->gradient[r->n + i])));
  }
  if (error <= 3e-5 * most && fabs(loss[0] - loss[1]) <= 1e-5 * fabs(loss[0])) return true;
  fprintf(stderr, "bench_net: %s: gradient off by %.2g of %.2g, loss %.9g instead of %.9g\n", r->w->name, error, most, loss[1], loss[0]);
  return false;
}

/* Calls between two looks at the clock, which takes a good part of a microsecond itself. */
static int calls(const Run *r) { return r->w->batch <= 64 ? 32 : r->w->batch <= 512 && !r->wide ? 8 : 1; }

static double time_gradient(const Run *r)
{
  double       loss;
  const int    n     = calls(r);
  const double begin = thread_ns();
  for (int k = 0; k < n; k++) net_gradient(r->net, r->theta, &r->batch, 1, -1, r->gradient, &loss, NULL);
  return (thread_ns() - begin) / n;
}

static double time_shards(const Run *r)
{
  double       loss;
  const int    n     = calls(r);
  const double begin = thread_ns();
  for (int k = 0; k < n; k++)
    for (int i = 0; i < r->batch.n; i += NET_BLOCK) {
      const NetBatch shard = {NET_BLOCK, r->batch.stride, r->x + i, r->t + i, r->target + i, r->weight + i};
      net_gradient(r->net, r->theta, &shard, 1, -1, r->gradient, &loss, NULL);
    }
  return (thread_ns() - begin) / n;
}

static double time_lanes(const Run *r)
{
  double              loss[NET_LANES];
  const int           n     = r->w->batch <= 64 ? 4 : 1;
  const NetLanesBatch b     = {r->w->batch, r->lanes, r->lanes, r->lanes, r->lanes};
  const double        begin = thread_ns();
  for (int k = 0; k < n; k++) net_gradient_lanes(r->net, r->lanes_theta, &b, 1e-9, r->lanes_gradient, loss);
  return (thread_ns() - begin) / NET_LANES / n;
}

static double time_forward(const Run *r)
{
  enum { CALLS = 64 };
  const double begin = thread_ns();
  for (int i = 0; i < CALLS; i++) net_forward(r->net, r->bias, NET_BLOCK, r->batch.stride, r->x, r->out);
  return (thread_ns() - begin) / (CALLS * NET_BLOCK);
}

static double time_reference(const Run *r)
{
  double         loss;
  const NetBatch part  = {NET_LANES, r->batch.stride, r->x, r->t, r->target, r->weight};
  const double   begin = thread_ns();
  net_reference(&r->w->spec, r->theta, &part, 1, -1, NULL, r->gradient, &loss, NULL);
  return (thread_ns() - begin) * r->batch.n / NET_LANES;
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

static double time_tanh(const Run *r)
{
  enum { CALLS = 64 };
  const double begin = thread_ns();
  for (int i = 0; i < CALLS; i++) {
    if (isa_level() == ISA_V4) net_tanh_floor_v4(r->values);
    if (isa_level() == ISA_V3) net_tanh_floor_v3(r->values);
    if (isa_level() == ISA_BASE) net_tanh_floor_base(r->values);
  }
  return (thread_ns() - begin) / (CALLS * NET_FLOOR_VALUES);
}

static void measure(const Run *r, int repetitions, double ns[TERMS])
{
  double        *sample[TERMS];
  volatile float sink = 0;
  for (int k = 0; k < TERMS; k++) sample[k] = mem_calloc((size_t)repetitions, sizeof(double));
  for (int i = 0; i < repetitions; i++) {
    sample[REFERENCE][i] = time_reference(r);
    sample[PEAK][i]      = time_peak(&sink);
    sample[TANH][i]      = time_tanh(r);
    sample[GRADIENT][i]  = time_gradient(r);
    sample[SHARDS][i]    = time_shards(r);
    sample[FORWARD][i]   = time_forward(r);
    sample[LANES][i]     = r->wide ? 0 : time_lanes(r);
  }
  for (int k = 0; k < TERMS; k++) {
    ns[k] = median(repetitions, sample[k]);
    free(sample[k]);
  }
}

static bool print_workload(const Workload *w, int repetitions)
{
  Run    r = run_create(w);
  double ns[TERMS];
  if (!valid(&r)) return false;
  measure(&r, r.wide ? 1 + repetitions / 50 : repetitions, ns);
  const NetSpec *s      = &w->spec;
  const double   units  = s->activation == ACTIVATION_RELU ? 0 : (double)s->width * s->depth;
  const double   first  = 2.0 * (s->n_x + net_time_features(s)) * (s->depth ? s->width : s->n_out); /* has no backward pass to its inputs */
  const double   passes = (3 * net_flops(s) - first) * ns[PEAK] * w->batch, activations = units * ns[TANH] * w->batch;
  const double   floor_ns = passes + activations, forward = net_flops(s) * ns[PEAK] + units * ns[TANH];
  printf("%s batch %d %s: gradient us %.2f (in shards of 64 %.2f, a seed of 16 lanes %.2f, reference %.1f) floor %.2f (%.2f + activation "
         "%.2f; peak %.0f GFLOP/s, tanh %.3f ns) ours/floor %.2f (shards %.2f, lanes %.2f); forward ns/sample %.2f floor %.2f ratio %.2f\n",
         w->name, w->batch, isa_name(isa_level()), ns[GRADIENT] / 1e3, ns[SHARDS] / 1e3, ns[LANES] / 1e3, ns[REFERENCE] / 1e3,
         floor_ns / 1e3, passes / 1e3, activations / 1e3, 1 / ns[PEAK], ns[TANH], ns[GRADIENT] / floor_ns, ns[SHARDS] / floor_ns,
         ns[LANES] / floor_ns, ns[FORWARD], forward, ns[FORWARD] / forward);
  run_destroy(&r);
  return true;
}

int main(int argc, char **argv)
{
  const int      repetitions = argc > 1 ? atoi(argv[1]) : 1000;
  const unsigned flush       = flush_set();
  bool           good        = true;
  if (repetitions < 1) {
    fprintf(stderr, "usage: bench_net [REPETITIONS]\n");
    return 2;
  }
  for (int k = 0; k < WORKLOADS; k++) good = print_workload(&workloads[k], repetitions) && good;
  flush_restore(flush);
  return good ? 0 : 1;
}
