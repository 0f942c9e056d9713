/* SPDX-License-Identifier: BSD-2-Clause
 * W4: sampling 10,000 particles in 100 steps with the net 3-20-20-2 ReLU. The block kernel, the slow reference (fewer particles, scaled),
 * and the floor's terms measured in the same run, interleaved: the net's multiply-adds at the peak of this core, and the normals at
 * noise_normals' own speed, but at most 0.58 ns each. Thread CPU time, medians. Validates first (kernel against reference); exits 1
 * otherwise. MYOPIA_ISA=base|v3|v4 lowers the level.
 *   bench_sampler [REPEATS]      one line */
#include <math.h>
#include <stdio.h>

#include "measure.h"
#include "net_floor.h"
#include "rng.h"
#include "sampler.h"

enum { D = 2, PARTICLES = 10000, T = 100, KEY = 1, FEW = 50, NORMALS = 64, REPEATS_MAX = 10000 };
static const NetSpec shape             = {.n_x = D, .n_out = D, .depth = 2, .width = 20, .activation = ACTIVATION_RELU, .time = TIME_PLAIN};
static const double  normal_ns_at_most = 0.58;

typedef struct Work {
  ObjectiveSpec spec;
  SamplerPlan  *plan;
  Net          *net;
  float        *theta, *x;
  double       *start;
} Work;

static PetscErrorCode work_create(Work *w)
{
  PetscFunctionBeginUser;
  w->spec = (ObjectiveSpec){.prediction = PREDICT_NOISE, .schedule = SCHEDULE_COSINE, .T = T, .batch = 64};
  PetscCall(sampler_plan_create(&w->spec, SAMPLER_ANCESTRAL, GRID_UNIFORM, 0, false, &w->plan));
  PetscCall(net_create(&shape, isa_level(), &w->net));
  PetscCall(PetscMalloc3(net_parameters(&shape), &w->theta, D * PARTICLES, &w->x, D * PARTICLES, &w->start));
  net_init(&shape, INIT_KAIMING, KEY, w->theta);
  net_load(w->net, w->theta);
  sampler_start_normal(KEY, 0, D, PARTICLES, w->start);
  PetscFunctionReturn(0);
}

static PetscErrorCode work_destroy(Work *w)
{
  PetscFunctionBeginUser;
  sampler_plan_destroy(&w->plan);
  net_destroy(&w->net);
  PetscCall(PetscFree3(w->theta, w->x, w->start));
  PetscFunctionReturn(0);
}

static PetscErrorCode time_ours(Work *w, double *ns)
{
  bool         stopped;
  const double begin = thread_ns();
  PetscFunctionBeginUser;
  PetscCall(
      sampler_run(isa_level(), w->plan, &w->spec, w->net, NULL, NOISE_RANDOM, KEY, 0, PARTICLES, D, w->start, NULL, w->x, NULL, &stopped));
  *ns = thread_ns() - begin;
  PetscFunctionReturn(0);
}

static void net_output(void *ctx, const SamplerStep *step, bool second, const double *x, double *out)
{
  const Work    *w          = ctx;
  float          in[D * 16] = {(float)x[0]}, time[16] = {second ? step->next_input : step->input}, result[D * 16], zero[D * 16] = {0};
  const NetBatch batch = {.n = 1, .stride = 16, .x = in, .t = time, .target = zero, .weight = zero};
  in[16]               = (float)x[1];
  net_reference(&shape, w->theta, &batch, 1, -1, result, NULL, NULL, NULL);
  out[0] = (double)result[0];
  out[1] = (double)result[16];
}

/* Of all particles, from FEW; `worst` is the largest difference to what sampler_run left in x. */
static double time_reference(Work *w, double *worst)
{
  const double begin = thread_ns();
  *worst             = 0;
  for (int i = 0; i < FEW; i++) {
    double x[D] = {w->start[i], w->start[PARTICLES + i]};
    sampler_reference(w->plan, net_output, w, NOISE_RANDOM, KEY, i, D, x);
    for (int j = 0; j < D; j++) *worst = fmax(*worst, fabs(x[j] - (double)w->x[j * PARTICLES + i]) / (1 + fabs(x[j])));
  }
  return (thread_ns() - begin) * PARTICLES / FEW;
}

/* Nanoseconds of one floating-point operation at the peak. */
static double time_flop(volatile float *sink)
{
  float (*const peak[])(int64_t) = {net_peak_floor_base, net_peak_floor_v3, net_peak_floor_v4};
  enum { ROUNDS = 20000 };
  *sink += peak[isa_level()](ROUNDS / 10); /* the vector units wake up */
  const double begin = thread_ns();
  *sink += peak[isa_level()](ROUNDS);
  return (thread_ns() - begin) / (2.0 * 16 * NET_FLOOR_CHAINS * ROUNDS);
}

static double time_normal(volatile float *sink)
{
  enum { CALLS = 1000 };
  float        z[NORMALS];
  const double begin = thread_ns();
  for (int k = 0; k < CALLS; k++) {
    noise_normals(isa_level(), KEY, 0, (uint32_t)k, RNG_SAMPLER, NORMALS, z);
    *sink += z[k % NORMALS];
  }
  return (thread_ns() - begin) / ((double)CALLS * NORMALS);
}

static PetscErrorCode measure(Work *w, int repeats, double ns[4])
{
  enum { OURS, REFERENCE, FLOP, NORMAL, TERMS };
  double        *sample, worst;
  volatile float sink = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(TERMS * repeats, &sample));
  for (int r = 0; r < repeats; r++) {
    PetscCall(time_ours(w, &sample[OURS * repeats + r]));
    sample[REFERENCE * repeats + r] = time_reference(w, &worst);
    sample[FLOP * repeats + r]      = time_flop(&sink);
    sample[NORMAL * repeats + r]    = time_normal(&sink);
  }
  for (int k = 0; k < TERMS; k++) ns[k] = median(repeats, sample + k * repeats);
  PetscCall(PetscFree(sample));
  PetscFunctionReturn(0);
}

/* A step's features of time are the same for all particles, so they are no work. */
static void print_line(const double ns[4])
{
  const NetSpec timeless = {.n_x = D, .n_out = D, .depth = 2, .width = 20, .activation = ACTIVATION_RELU, .time = TIME_NONE};
  const double  steps = (double)PARTICLES * T, flops = net_flops(&timeless) * steps * ns[2];
  const double  normals = steps * D * fmin(ns[3], normal_ns_at_most), floor_ns = flops + normals;
  printf(
      "W4 sampling %d x %d %s: ms ours %.3f reference %.1f floor %.3f (%.0f flops at %.0f GFLOP/s %.2f + normals %.2f; noise_normals %.3f "
      "ns) reference/ours %.1f ours/floor %.2f\n",
      PARTICLES, T, isa_name(isa_level()), ns[0] * 1e-6, ns[1] * 1e-6, floor_ns * 1e-6, net_flops(&timeless), 1 / ns[2], flops * 1e-6,
      normals * 1e-6, ns[3], ns[1] / ns[0], ns[0] / floor_ns);
}

int main(int argc, char **argv)
{
  const int repeats = argc > 1 ? atoi(argv[1]) : 100;
  Work      w;
  double    ns[4], worst;
  if (repeats < 1 || repeats > REPEATS_MAX) {
    fprintf(stderr, "usage: bench_sampler [REPEATS], 1 <= REPEATS <= %d\n", REPEATS_MAX);
    return 2;
  }
  if (work_create(&w) || time_ours(&w, &ns[0])) return 1;
  time_reference(&w, &worst);
  if (!(worst < 1e-4)) {
    fprintf(stderr, "kernel and reference differ by %g\n", worst);
    return 1;
  }
  if (measure(&w, repeats, ns)) return 1;
  print_line(ns);
  return work_destroy(&w) != 0;
}
