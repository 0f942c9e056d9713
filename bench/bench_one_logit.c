/* SPDX-License-Identifier: BSD-2-Clause
 * Time of one seed-step of SGD on one logit (steps 4,000, batch 64, eps 0.05, inversion): the kernel at omega 1 and 50, the plain
 * reference, and the floor's terms measured in the same run, interleaved: a Philox word and a sigmoid on the same lanes. Thread CPU time,
 * medians. Validates first (kernel against reference bit by bit, the fixed point within 4 standard errors); exits 1 otherwise.
 * MYOPIA_ISA=base|v3|v4 lowers the level.
 *   bench_one_logit [REPEATS]      one line */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "measure.h"
#include "model/one_logit_law.h"
#include "one_logit_floor.h"

enum { STEPS = 4000, REPEATS_MAX = 100000, WORD_BLOCKS = 1000, SIGMOIDS = 4000, CALLS = 16 };

static OneLogitProblem problem_of(double omega)
{
  return (OneLogitProblem){.eps = 0.05, .omega = omega, .learning_rate = 0.05, .batch = 64, .steps = STEPS};
}

static void run_call(const OneLogitProblem *p, int call, OneLogitOutcome o[ONE_LOGIT_LANES])
{
  uint64_t key[ONE_LOGIT_LANES];
  for (int i = 0; i < ONE_LOGIT_LANES; i++) {
    key[i] = 0x9e3779b97f4a7c15u * (uint64_t)(call * ONE_LOGIT_LANES + i + 1);
    o[i]   = (OneLogitOutcome){.theta = p->theta0};
  }
  one_logit_run(isa_level(), p, ONE_LOGIT_LANES, key, 0, STEPS, 1, o, NULL);
}

/* Kernel against reference for the first call's seeds; the mean of the final p of all calls against p*. */
static bool valid(double omega)
{
  const OneLogitProblem p = problem_of(omega);
  OneLogitOutcome       got[ONE_LOGIT_LANES], expected;
  double                sum = 0, squares = 0;
  const int             seeds = CALLS * ONE_LOGIT_LANES;
  bool                  same  = true;
  for (int call = 0; call < CALLS; call++) {
    run_call(&p, call, got);
    for (int i = 0; i < ONE_LOGIT_LANES; i++) {
      const double q = 1 / (1 + exp(-got[i].theta));
      sum += q;
      squares += q * q;
      if (call > 0) continue;
      one_logit_reference(&p, 0x9e3779b97f4a7c15u * (uint64_t)(i + 1), 1, &expected, NULL);
      same = same && expected.theta == got[i].theta && expected.p_sum == got[i].p_sum;
    }
  }
  const double mean = sum / seeds, error = sqrt((squares / seeds - mean * mean) / (seeds - 1));
  if (!same) fprintf(stderr, "omega %g: kernel and reference differ\n", omega);
  const bool reached = fabs(mean - one_logit_fixed_point(0.05, omega)) <= 4 * error;
  if (!reached)
    fprintf(stderr, "omega %g: mean p %.6f, p* %.6f, 4 standard errors %.2g\n", omega, mean, one_logit_fixed_point(0.05, omega), 4 * error);
  return same && reached;
}

static double time_kernel(double omega, int call)
{
  const OneLogitProblem p = problem_of(omega);
  OneLogitOutcome       o[ONE_LOGIT_LANES];
  const double          begin = thread_ns();
  run_call(&p, call, o);
  return (thread_ns() - begin) / STEPS / ONE_LOGIT_LANES;
}

static double time_reference(void)
{
  const OneLogitProblem p = problem_of(1);
  OneLogitOutcome       o;
  const double          begin = thread_ns();
  one_logit_reference(&p, 1, 1, &o, NULL);
  return (thread_ns() - begin) / STEPS;
}

typedef struct Floor {
  uint32_t (*philox)(int64_t);
  float (*sigmoid)(int64_t);
  int group;
} Floor;

static Floor floor_of(IsaLevel isa)
{
  if (isa == ISA_V4) return (Floor){floor_philox_floor_v4, floor_sigmoid_floor_v4, floor_group_floor_v4()};
  if (isa == ISA_V3) return (Floor){floor_philox_floor_v3, floor_sigmoid_floor_v3, floor_group_floor_v3()};
  return (Floor){floor_philox_floor_base, floor_sigmoid_floor_base, floor_group_floor_base()};
}

static double time_word(const Floor *f, volatile double *sink)
{
  const double begin = thread_ns();
  *sink += f->philox(WORD_BLOCKS);
  return (thread_ns() - begin) / (4.0 * WORD_BLOCKS * f->group);
}

static double time_sigmoid(const Floor *f, volatile double *sink)
{
  const double begin = thread_ns();
  *sink += (double)f->sigmoid(SIGMOIDS);
  return (thread_ns() - begin) / ((double)SIGMOIDS * f->group);
}

int main(int argc, char **argv)
{
  const int       repeats = argc > 1 ? atoi(argv[1]) : 6000;
  const Floor     f       = floor_of(isa_level());
  volatile double sink    = 0;
  enum { PLAIN, WEIGHTED, REFERENCE, WORD, SIGMOID, TERMS };
  if (repeats < 1 || repeats > REPEATS_MAX) {
    fprintf(stderr, "usage: bench_one_logit [REPEATS], 1 <= REPEATS <= %d\n", REPEATS_MAX);
    return 2;
  }
  if (!valid(1) || !valid(50)) return 1;
  double *sample[TERMS], ns[TERMS];
  for (int k = 0; k < TERMS; k++) sample[k] = calloc((size_t)repeats, sizeof(double));
  for (int r = 0; r < repeats; r++) {
    sample[PLAIN][r]     = time_kernel(1, r);
    sample[WEIGHTED][r]  = time_kernel(50, r);
    sample[REFERENCE][r] = time_reference();
    sample[WORD][r]      = time_word(&f, &sink);
    sample[SIGMOID][r]   = time_sigmoid(&f, &sink);
  }
  for (int k = 0; k < TERMS; k++) ns[k] = median(repeats, sample[k]);
  const double slower = fmax(ns[PLAIN], ns[WEIGHTED]), floor_ns = ns[WORD] + ns[SIGMOID];
  printf("W6 one-logit SGD %s: ns/seed-step omega=1 %.3f omega=50 %.3f reference %.2f floor %.3f (word %.3f + sigmoid %.3f) "
         "reference/ours %.1f ours/floor %.2f\n",
         isa_name(isa_level()), ns[PLAIN], ns[WEIGHTED], ns[REFERENCE], floor_ns, ns[WORD], ns[SIGMOID], ns[REFERENCE] / slower,
         slower / floor_ns);
  for (int k = 0; k < TERMS; k++) free(sample[k]);
  return 0;
}
