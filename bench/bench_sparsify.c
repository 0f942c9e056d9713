/* SPDX-License-Identifier: BSD-2-Clause
 * Time of one trial of "score every edge, keep k" on the paper's barbell (two K_8, one bridge; keep 28 of 57), for the plans of its
 * four methods: the fast path (MYOPIA_ISA=base|v3|v4 lowers its level), and the reference path. Thread CPU time, median of repeats.
 * Validates first: connectivity within 4 standard errors of the exact value, fast path against reference; exits 1 otherwise. It does
 * not time the results file.
 *   bench_sparsify [REPEATS]      one line a method: name, ns fast, ns reference, connected, exact */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connected.h"
#include "hash.h"
#include "measure.h"
#include "resistance.h"
#include "sparsify.h"

enum { EDGES = 57, KEEP = 28, TRIALS = 20000, REFERENCE_TRIALS = 500, REPEATS_MAX = 1000 };

static const char *const methods[] = {"random", "standard", "weighted", "oracle"};

typedef struct Outcomes {
  double connected[TRIALS], lambda2[TRIALS], rse[TRIALS];
} Outcomes;

static void score_edges(int method, const int64_t *label, const double *resistance, double *score)
{
  for (int e = 0; e < EDGES; e++) {
    const double frequency = label[e] < 0 ? 0.05 : 0.95;
    const double scores[]  = {0, frequency, frequency + 10 * resistance[e], resistance[e]};
    score[e]               = scores[method];
  }
}

static PetscErrorCode time_path(const Sparsifier *s, int64_t n, const uint64_t *key, bool reference, int repeats, Outcomes *o, double *ns)
{
  SparsifyOutcome out = {.connected = o->connected, .lambda2 = o->lambda2, .rse = o->rse};
  double          sample[REPEATS_MAX];

  PetscFunctionBeginUser;
  for (int r = 0; r < repeats; r++) {
    const double start = thread_ns();
    PetscCall(sparsifier_run(s, n, key, reference, &out));
    sample[r] = (thread_ns() - start) / (double)n;
  }
  *ns = median(repeats, sample);
  PetscFunctionReturn(0);
}

/* Whether the measured connectivity has the exact law and the reference agrees trial by trial. */
static bool valid(const Outcomes *fast, const Outcomes *slow, double exact, double *mean)
{
  bool agree = true;
  *mean      = 0;
  for (int i = 0; i < TRIALS; i++) *mean += fast->connected[i] / TRIALS;
  for (int i = 0; i < REFERENCE_TRIALS; i++)
    agree = agree && fast->connected[i] == slow->connected[i] && fabs(fast->lambda2[i] - slow->lambda2[i]) <= 16e-12;
  return agree && fabs(*mean - exact) <= 4 * sqrt(exact * (1 - exact) / TRIALS);
}

static PetscErrorCode bench_method(int method, const CliqueChain *chain, const Graph *g, const double *score, int repeats, bool *ok)
{
  static uint64_t key[TRIALS];
  static Outcomes fast, slow;
  Sparsifier     *s;
  uint8_t         fate[EDGES];
  int64_t         draw;
  double          exact, mean, fast_ns, slow_ns;

  PetscFunctionBeginUser;
  for (int i = 0; i < TRIALS; i++) key[i] = hash_u64(1, (uint64_t)i);
  PetscCall(sparsifier_create(g, score, KEEP, SELECTION_TOPK, &s));
  sparsifier_fates(s, fate, &draw);
  PetscCall(connected_probability_pool(chain, fate, draw, &exact));
  PetscCall(time_path(s, TRIALS, key, false, repeats, &fast, &fast_ns));
  PetscCall(time_path(s, REFERENCE_TRIALS, key, true, 3, &slow, &slow_ns));
  sparsifier_destroy(&s);
  const bool agrees = valid(&fast, &slow, exact, &mean);
  *ok               = *ok && agrees;
  printf("%-10s fast %7.1f ns/trial   reference %8.1f ns/trial   connected %.4f exact %.4f %s\n", methods[method], fast_ns, slow_ns, mean,
         exact, agrees ? "ok" : "INVALID");
  PetscFunctionReturn(0);
}

static PetscErrorCode bench(int repeats, bool *ok)
{
  const CliqueChain chain = {.n_cliques = 2, .size = {8, 8}, .bridges = {1}};
  int64_t           label[EDGES];
  double            resistance[EDGES], score[EDGES];
  Graph            *g;

  PetscFunctionBeginUser;
  PetscCall(graph_clique_chain(&chain, label, &g));
  PetscCall(resistance_edges(g, resistance));
  for (int method = 0; method < 4; method++) {
    score_edges(method, label, resistance, score);
    PetscCall(bench_method(method, &chain, g, score, repeats, ok));
  }
  graph_destroy(&g);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  const int repeats = argc > 1 ? atoi(argv[1]) : 21;
  bool      ok      = true;
  if (repeats < 1 || repeats > REPEATS_MAX) {
    fprintf(stderr, "usage: bench_sparsify [REPEATS], 1 to %d\n", REPEATS_MAX);
    return 2;
  }
  printf("kernels %s, %d trials, median of %d\n", isa_name(isa_level()), TRIALS, repeats);
  if (bench(repeats, &ok)) return 3;
  return ok ? 0 : 1;
}
