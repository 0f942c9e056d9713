/* SPDX-License-Identifier: BSD-2-Clause
 * Time of discrete diffusion's noise and reverse steps: ns a pair over 1024 graphs of 16 vertices (120 pairs, two classes; a = 1), against
 * the floor (one Philox word; a step also one exponential and one division) and the plain reference, and of three edge classes; ms of
 * toy4's enumerated chain at T = 1000. Measured in one run, interleaved; thread CPU time, medians. Validates first (every pair against the
 * plain reference); exits 1 otherwise. MYOPIA_ISA=base|v3|v4 lowers the level.
 *   bench_transition [REPEATS]      one line */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diffusion/transition_kernel.h"
#include "graph_exact.h"
#include "measure.h"
#include "rng.h"
#include "transition_floor.h"
#include "words_floor.h"

enum { N = 16, PAIRS = N * (N - 1) / 2, GRAPHS = 1024, ALL = GRAPHS * PAIRS, T = 50, REPEATS_MAX = 10000, CLASSES = 3 };

typedef struct Case {
  Transition *transition;
  IsaLevel    isa;
  float      *logit;
  int         t[GRAPHS];
  uint8_t     edge[ALL], noisy[ALL], next[ALL];
  float       probability[ALL];
} Case;

static bool make(int b, Case *c)
{
  static const double law[SET_CLASSES_MAX] = {0.55, 0.3, 0.15};
  const GraphSetStats stats                = {.edge_marginal = (double *)law};
  double              abar[T + 1];
  char                message[256];
  Rng                 r = rng_start(1, (uint32_t)b, RNG_DATA);
  if (transition_schedule(ABAR_COSINE, T, 0, NULL, abar, message)) return false;
  if (transition_create(T, abar, TRANSITION_MARGINAL, &stats, 1, b, &c->transition)) return false;
  c->isa   = isa_level();
  c->logit = malloc(sizeof *c->logit * (size_t)(b * ALL));
  if (!c->logit) return false;
  for (int i = 0; i < b * ALL; i++) c->logit[i] = (float)(8 * rng_uniform(&r) - 4);
  for (int i = 0; i < ALL; i++) c->edge[i] = (uint8_t)rng_below(&r, (uint32_t)b);
  for (int g = 0; g < GRAPHS; g++) c->t[g] = 1 + (int)rng_below(&r, T);
  return true;
}

static void noise_all(Case *c, uint64_t step)
{
  for (int g = 0; g < GRAPHS; g++)
    transition_noise(c->transition, c->isa, &(NoiseDraw){.key = 42, .index = step << 12 | (uint64_t)g}, c->t[g], N, NULL,
                     c->edge + g * PAIRS, NULL, c->noisy + g * PAIRS);
}

static void step_all(Case *c, uint64_t step, bool probability)
{
  const int t = 1 + (int)(step % T);
  for (int g = 0; g < GRAPHS; g++)
    transition_step(c->transition, c->isa, 42, step << 12 | (uint64_t)g, t, N, NULL, c->logit + g * PAIRS * c->transition->b, NULL,
                    c->next + g * PAIRS, probability ? c->probability + g * PAIRS : NULL);
}

static bool valid(Case *c)
{
  const int b = c->transition->b, t = 4;
  noise_all(c, 7);
  memcpy(c->next, c->noisy, sizeof c->next);
  step_all(c, t - 1, true);
  for (int i = 0; i < ALL; i++) {
    const int         g = i / PAIRS, place = i % PAIRS;
    NoiseLimits       limits;
    StepCoefficients  coefficients;
    float             p;
    const EntryStream noise = {.key = 42, .index = 7 << 12 | g, .t = (uint32_t)c->t[g], .purpose = RNG_GRAPH_NOISE};
    const EntryStream step  = {.key = 42, .index = (t - 1) << 12 | g, .t = t, .purpose = RNG_GRAPH_STEP};
    transition_noise_limits(b, c->transition->edge, c->transition->abar[c->t[g]], &limits);
    transition_step_coefficients(b, c->transition->edge, c->transition->abar[t - 1], c->transition->abar[t], &coefficients);
    if (c->noisy[i] != transition_noise_reference(&noise, &limits, place, c->edge[i]) ||
        c->next[i] != transition_step_reference(&step, &coefficients, place, c->logit + i * b, c->noisy[i], &p, NULL) ||
        p != c->probability[i]) {
      fprintf(stderr, "%d classes: pair %d of graph %d and the reference differ\n", b, place, g);
      return false;
    }
  }
  return true;
}

/* ns a pair of the plain reference, on one graph in sixteen. */
static void time_reference(const Case *c, double *noise_ns, double *step_ns, uint32_t *sum)
{
  NoiseLimits      limits;
  StepCoefficients coefficients;
  transition_noise_limits(2, c->transition->edge, c->transition->abar[20], &limits);
  transition_step_coefficients(2, c->transition->edge, c->transition->abar[19], c->transition->abar[20], &coefficients);
  double begin = thread_ns();
  for (int i = 0; i < ALL / 16; i++)
    *sum += transition_noise_reference(&(EntryStream){.key = 42, .index = (uint64_t)(i / PAIRS), .t = 20}, &limits, i % PAIRS, c->edge[i]);
  *noise_ns = (thread_ns() - begin) / (ALL / 16);
  begin     = thread_ns();
  for (int i = 0; i < ALL / 16; i++)
    *sum += transition_step_reference(&(EntryStream){.key = 42, .index = (uint64_t)(i / PAIRS), .t = 20}, &coefficients, i % PAIRS,
                                      c->logit + 2 * i, c->edge[i], NULL, NULL);
  *step_ns = (thread_ns() - begin) / (ALL / 16);
}

static double time_words(uint64_t step, uint32_t *sum)
{
  static uint32_t (*const words[])(uint64_t, uint64_t, int) = {words_floor_base, words_floor_v3, words_floor_v4};
  const double begin                                        = thread_ns();
  *sum += words[isa_level()](42, step * (ALL / 64), ALL / 64);
  return (thread_ns() - begin) / ALL;
}

static double time_logistic(const Case *c, uint32_t *sum)
{
  static float (*const logistic[])(int, const float *) = {logistic_floor_base, logistic_floor_v3, logistic_floor_v4};
  const double begin                                   = thread_ns();
  *sum += (uint32_t)logistic[isa_level()](ALL, c->logit);
  return (thread_ns() - begin) / ALL;
}

static double toy_ms(void)
{
  double              abar[1001], law[TOY_STATES], out[TOY_STATES];
  char                message[256];
  Transition         *p;
  const GraphSetStats stats = {.edge_marginal = (double[]){3.95, 2.05}};
  if (transition_schedule(ABAR_COSINE, 1000, 0, NULL, abar, message)) return NAN;
  if (transition_create(1000, abar, TRANSITION_MARGINAL, &stats, 1, 2, &p)) return NAN;
  toy_law(0.05, true, law);
  const double  begin = thread_ns();
  const ToySpec spec  = {.transition = p, .loss = {.kind = LOSS_EDGE_WEIGHTED, .lambda = 9}, .law = law};
  if (toy_chain(&spec, out)) return NAN;
  const double ms = (thread_ns() - begin) * 1e-6;
  transition_destroy(&p);
  return ms;
}

enum { NOISE = 0, STEP, NOISE_3, STEP_3, NOISE_SLOW, STEP_SLOW, WORD, LOGISTIC, TIMES };

int main(int argc, char **argv)
{
  static double t[TIMES][REPEATS_MAX];
  static Case   two, three;
  const int     repeats = argc > 1 ? atoi(argv[1]) : 200;
  uint32_t      sum     = 0;
  if (repeats < 1 || repeats > REPEATS_MAX || !make(2, &two) || !make(CLASSES, &three) || !valid(&two) || !valid(&three)) return 1;
  for (int i = 0; i < repeats; i++) {
    const uint64_t step  = (uint64_t)i;
    double         begin = thread_ns();
    noise_all(&two, step);
    t[NOISE][i] = (thread_ns() - begin) / ALL;
    begin       = thread_ns();
    step_all(&two, step, false);
    t[STEP][i] = (thread_ns() - begin) / ALL;
    begin      = thread_ns();
    noise_all(&three, step);
    t[NOISE_3][i] = (thread_ns() - begin) / ALL;
    begin         = thread_ns();
    step_all(&three, step, false);
    t[STEP_3][i]   = (thread_ns() - begin) / ALL;
    t[WORD][i]     = time_words(step, &sum);
    t[LOGISTIC][i] = time_logistic(&two, &sum);
    time_reference(&two, &t[NOISE_SLOW][i], &t[STEP_SLOW][i], &sum);
  }
  double ns[TIMES];
  for (int k = 0; k < TIMES; k++) ns[k] = median(repeats, t[k]);
  printf(
      "transition %s ns/pair noise %.3f floor %.3f ratio %.2f step %.3f floor %.3f ratio %.2f b3_noise %.3f b3_step %.3f reference_noise "
      "%.2f reference_step %.2f toy_chain_ms %.1f check %08x\n",
      isa_name(isa_level()), ns[NOISE], ns[WORD], ns[NOISE] / ns[WORD], ns[STEP], ns[WORD] + ns[LOGISTIC],
      ns[STEP] / (ns[WORD] + ns[LOGISTIC]), ns[NOISE_3], ns[STEP_3], ns[NOISE_SLOW], ns[STEP_SLOW], toy_ms(), sum);
  free(two.logit);
  free(three.logit);
  transition_destroy(&two.transition);
  transition_destroy(&three.transition);
  return 0;
}
