/* SPDX-License-Identifier: BSD-2-Clause
 * Speed of the graph transformer: one line a size of graph, batch 32, three layers. A training step (parameters repacked, forward,
 * backward, Adam) and forward passes as sampling takes them; beside them the floor, which is the floating-point operations of all matrix
 * products at the measured peak of multiply-adds, plus exponentials, and the reference in float64. Validates against the reference first.
 * Medians of interleaved repetitions, thread CPU time.
 *
 *   bench_transformer [REPETITIONS] */
#include <math.h>
#include <stdbool.h>

#include "../tests/transformer_fixture.h"
#include "flush.h"
#include "measure.h"
#include "net_floor.h"
#include "optimizer.h"
#include "transformer_floor.h"

enum { BATCH = 32, STEP, FORWARD, REFERENCE, PEAK, EXP, TERMS };

static const DenoiserSpec  w5   = {.kind    = DENOISER_TRANSFORMER,
                                   .n       = 24,
                                   .a       = 1,
                                   .b       = 2,
                                   .T       = 100,
                                   .node_id = true,
                                   .layers  = 3,
                                   .dx      = 64,
                                   .de      = 32,
                                   .dy      = 64,
                                   .heads   = 4,
                                   .ff_x    = 128,
                                   .ff_e    = 64,
                                   .ff_y    = 128};
static const OptimizerSpec adam = {.kind = OPTIMIZER_ADAM, .learning_rate = 1e-4, .beta1 = 0.9, .beta2 = 0.999, .delta = 1e-8};

typedef struct Run {
  Fixture  f;
  void    *work;
  float   *gradient, *moments, *edge, *values, *out;
  int64_t  step;
  IsaLevel isa;
} Run;

static Run run_create(int n)
{
  DenoiserSpec s = w5;
  int          sizes[BATCH];
  Run          r = {.isa = isa_level()};
  s.n            = n;
  for (int g = 0; g < BATCH; g++) sizes[g] = n;
  r.f = fixture_create(&s, BATCH, sizes, 1);
  if (denoiser_transformer.create(&s, r.isa, &r.work)) exit(1);
  r.gradient = mem_calloc((size_t)r.f.parameters, sizeof(float));
  r.moments  = mem_calloc(2 * (size_t)r.f.parameters, sizeof(float));
  r.edge     = mem_calloc((size_t)(BATCH * denoiser_pairs(n) * s.b), sizeof(float));
  r.values   = mem_calloc(EXP_FLOOR_VALUES, sizeof(float));
  r.out      = mem_calloc(EXP_FLOOR_VALUES, sizeof(float));
  for (int k = 0; k < EXP_FLOOR_VALUES; k++) r.values[k] = -(float)(k % 97) / 7;
  denoiser_transformer.load(r.work, r.f.theta);
  return r;
}

static void run_destroy(Run *r)
{
  denoiser_transformer.destroy(r->work);
  fixture_destroy(&r->f);
  free(r->gradient);
  free(r->moments);
  free(r->edge);
  free(r->values);
  free(r->out);
}

/* Gradient of the first graph against the reference, relative to its largest entry; a unit of a ReLU next to 0 may be on the other side. */
static bool valid(Run *r)
{
  double *theta = fixture_widened(r->f.parameters, r->f.theta), *expected = mem_calloc((size_t)r->f.parameters, sizeof *expected);
  double  loss, exact, error = 0, top = 0;
  if (transformer_reference(&r->f.spec, theta, 1, r->f.graph, r->f.target, 1, true, NULL, NULL, expected, &exact)) exit(1);
  denoiser_transformer.gradient(r->work, 1, r->f.graph, r->f.target, 1, r->gradient, &loss, NULL);
  for (int64_t p = 0; p < r->f.parameters; p++) {
    error = fmax(error, fabs(expected[p] - (double)r->gradient[p]));
    top   = fmax(top, fabs(expected[p]));
  }
  const bool good = error <= 1e-4 * top && fabs(loss - exact) <= 1e-5 * fabs(exact);
  if (!good) printf("INVALID n %d: error of the gradient %g of %g, loss %.9g, reference %.9g\n", r->f.spec.n, error, top, loss, exact);
  free(theta);
  free(expected);
  return good;
}

static double time_step(Run *r)
{
  const float  one = 1;
  double       loss;
  const double begin = thread_ns();
  denoiser_transformer.load(r->work, r->f.theta);
  denoiser_transformer.gradient(r->work, BATCH, r->f.graph, r->f.target, 1.0 / BATCH, r->gradient, &loss, NULL);
  optimizer_step(r->isa, &adam, r->step++, adam.learning_rate, r->f.parameters, 1, &one, r->gradient, r->moments, r->f.theta, NULL);
  return thread_ns() - begin;
}

static double time_forward(Run *r)
{
  const double begin = thread_ns();
  denoiser_transformer.forward(r->work, BATCH, r->f.graph, NULL, r->edge);
  return (thread_ns() - begin) / BATCH;
}

/* Of a step: one graph's, times the batch. */
static double time_reference(Run *r)
{
  double *theta = fixture_widened(r->f.parameters, r->f.theta), *gradient = mem_calloc((size_t)r->f.parameters, sizeof *gradient), loss;
  const double begin = thread_ns();
  if (transformer_reference(&r->f.spec, theta, 1, r->f.graph, r->f.target, 1, true, NULL, NULL, gradient, &loss)) exit(1);
  const double ns = (thread_ns() - begin) * BATCH;
  free(theta);
  free(gradient);
  return ns;
}

static float peak(int64_t repeats)
{
  if (isa_level() == ISA_V4) return net_peak_floor_v4(repeats);
  return isa_level() == ISA_V3 ? net_peak_floor_v3(repeats) : net_peak_floor_base(repeats);
}

/* ns of a floating-point operation. */
static double time_peak(volatile float *sink)
{
  enum { REPEATS = 20000 };
  *sink += peak(REPEATS);
  const double begin = thread_ns();
  *sink += peak(REPEATS);
  return (thread_ns() - begin) / (2.0 * 16 * NET_FLOOR_CHAINS * REPEATS);
}

static double time_exp(const Run *r)
{
  enum { CALLS = 256 };
  const double begin = thread_ns();
  for (int k = 0; k < CALLS; k++) {
    if (r->isa == ISA_V4) transformer_exp_floor_v4(r->values, r->out);
    if (r->isa == ISA_V3) transformer_exp_floor_v3(r->values, r->out);
    if (r->isa == ISA_BASE) transformer_exp_floor_base(r->values, r->out);
  }
  return (thread_ns() - begin) / (CALLS * EXP_FLOOR_VALUES);
}

static bool print_size(int n, int repetitions)
{
  Run            r = run_create(n);
  double        *sample[TERMS], ns[TERMS];
  volatile float sink = 0;
  const bool     good = valid(&r);
  for (int k = STEP; k < TERMS; k++) sample[k] = mem_calloc((size_t)repetitions, sizeof(double));
  for (int i = 0; i < repetitions; i++) {
    sample[PEAK][i]      = time_peak(&sink);
    sample[EXP][i]       = time_exp(&r);
    sample[STEP][i]      = time_step(&r);
    sample[FORWARD][i]   = time_forward(&r);
    sample[REFERENCE][i] = i % 8 == 0 ? time_reference(&r) : sample[REFERENCE][i - i % 8];
  }
  for (int k = STEP; k < TERMS; k++) {
    ns[k] = median(repetitions, sample[k]);
    free(sample[k]);
  }
  const double flops = transformer_flops(&r.f.spec, n), exps = (double)n * n * r.f.spec.dx * (r.f.spec.layers - 1) * ns[EXP];
  const double step = BATCH * (3 * flops * ns[PEAK] + exps), forward = flops * ns[PEAK] + exps;
  printf("n %d batch %d %s: step ms %.2f floor %.2f (products %.2f at %.0f GFLOP/s, exp %.2f at %.3f ns) ratio %.2f, reference/ours %.0f; "
         "forward ms/graph %.4f floor %.4f ratio %.2f\n",
         n, BATCH, isa_name(r.isa), ns[STEP] / 1e6, step / 1e6, BATCH * 3 * flops * ns[PEAK] / 1e6, 1 / ns[PEAK], BATCH * exps / 1e6,
         ns[EXP], ns[STEP] / step, ns[REFERENCE] / ns[STEP], ns[FORWARD] / 1e6, forward / 1e6, ns[FORWARD] / forward);
  fflush(stdout);
  run_destroy(&r);
  return good;
}

int main(int argc, char **argv)
{
  const int      repetitions = argc > 1 ? atoi(argv[1]) : 25, sizes[] = {16, 24, 32, 45};
  const unsigned flush = flush_set();
  bool           good  = true;
  if (repetitions < 1) {
    fprintf(stderr, "usage: bench_transformer [REPETITIONS]\n");
    return 2;
  }
  for (int k = 0; k < 4; k++) good = print_size(sizes[k], repetitions) && good;
  flush_restore(flush);
  return good ? 0 : 1;
}
