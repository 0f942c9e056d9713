/* SPDX-License-Identifier: BSD-2-Clause
 * Training and sampling of the graph transformer as the experiment runs them, one line a number of vertices: a whole step of
 * graph_train_run (choice of graphs, t, noise, gradient, Adam) of 32 barbells, and graphs through 50 reverse steps of graph_sampler_run.
 * What compare_torch takes as ours; gradients are checked by bench_transformer, samples by their density here. Medians, thread CPU time.
 *
 *   bench_graph_diffusion [REPETITIONS [VERTICES...]] */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush.h"
#include "graph_sampler.h"
#include "measure.h"
#include "memory.h"

enum { T = 50, BATCH = 32, GRAPHS = 1000, SAMPLED = 32, STEPS = 4, KEY = 3 };

static void need(int ok, const char *what)
{
  if (ok) return;
  fprintf(stderr, "bench_graph_diffusion: %s\n", what);
  exit(1);
}

static GraphSet *barbells(int n)
{
  const GraphSetSpec spec   = {.kind             = SET_BARBELL,
                               .clusters         = 2,
                               .size             = {n / 2, n / 2},
                               .bridge_frequency = 0.05,
                               .intra_frequency  = 0.95,
                               .exact_frequency  = true};
  const GraphSetSpec uneven = {.kind             = SET_CHAIN,
                               .clusters         = 2,
                               .size             = {n / 2, n - n / 2},
                               .bridge_frequency = 0.05,
                               .intra_frequency  = 0.95,
                               .exact_frequency  = true};
  GraphSet          *set;
  need(graph_set_generate(n % 2 ? &uneven : &spec, KEY, 0, GRAPHS, &set) == 0, "no graphs");
  return set;
}

static GraphTrainSpec spec_of(int n)
{
  return (GraphTrainSpec){.denoiser  = {.kind    = DENOISER_TRANSFORMER,
                                        .n       = n,
                                        .a       = 1,
                                        .b       = 2,
                                        .T       = T,
                                        .node_id = true,
                                        .layers  = 3,
                                        .dx      = 64,
                                        .de      = 32,
                                        .dy      = 64,
                                        .heads   = 4,
                                        .ff_x    = 128,
                                        .ff_e    = 64,
                                        .ff_y    = 128},
                          .optimizer = {.kind = OPTIMIZER_ADAM, .learning_rate = 2e-4, .beta1 = 0.9, .beta2 = 0.999, .delta = 1e-8},
                          .loss      = {.kind = LOSS_STANDARD, .lambda_e = 1},
                          .steps     = STEPS,
                          .batch     = BATCH,
                          .shards    = 1};
}

typedef struct Bench {
  GraphSet       *set;
  GraphSetStats   stats;
  Transition     *transition;
  GraphTrainSpec  spec;
  GraphTrainTrial trial;
  GraphModel      model;
  uint8_t        *size, *node, *edge;
} Bench;

static void bench_create(int n, Bench *b)
{
  double abar[T + 1];
  char   message[256];
  *b = (Bench){.set = barbells(n), .spec = spec_of(n)};
  need(graph_set_stats(b->set, &b->stats) == 0, "no statistics");
  need(transition_schedule(ABAR_COSINE, T, 0, NULL, abar, message) == NULL, message);
  need(transition_create(T, abar, TRANSITION_MARGINAL, &b->stats, 1, 2, &b->transition) == 0, "no process");
  need(denoiser_create(&b->spec.denoiser, isa_level(), &b->model.denoiser) == 0, "no denoiser");
  const int64_t P     = denoiser_parameters(&b->spec.denoiser);
  b->model.transition = b->transition;
  b->trial            = (GraphTrainTrial){.key = KEY, .set = b->set, .transition = b->transition, .given = true};
  b->trial.theta      = mem_calloc((size_t)P, sizeof(float));
  b->trial.moments    = mem_calloc(2 * (size_t)P, sizeof(float));
  b->size             = mem_calloc(SAMPLED, 1);
  b->node             = mem_calloc((size_t)SAMPLED * (size_t)n, 1);
  b->edge             = mem_calloc((size_t)SAMPLED * (size_t)pair_count(n), 1);
  denoiser_init(&b->spec.denoiser, KEY, b->trial.theta);
}

static void bench_destroy(Bench *b)
{
  graph_set_destroy(&b->set);
  graph_set_stats_clear(&b->stats);
  transition_destroy(&b->transition);
  denoiser_destroy(&b->model.denoiser);
  free(b->trial.theta);
  free(b->trial.moments);
  free(b->size);
  free(b->node);
  free(b->edge);
}

/* ns of a step; training goes on where it was. */
static double time_steps(Bench *b)
{
  bool         stopped;
  const double begin = thread_ns();
  need(graph_train_run(MPI_COMM_SELF, &b->spec, 0, &b->trial, NULL, &stopped) == 0 && b->trial.failed_step < 0, "training failed");
  const double ns = (thread_ns() - begin) / STEPS;
  b->trial.first_step += STEPS;
  b->spec.steps += STEPS;
  return ns;
}

/* ns of a graph. */
static double time_samples(Bench *b)
{
  bool stopped;
  denoiser_load(b->model.denoiser, b->trial.theta);
  const double begin = thread_ns();
  need(graph_sampler_run(MPI_COMM_SELF, &b->model, NULL, b->set->n, b->stats.size_frequency, KEY, SAMPLED, NULL, b->size, b->node, b->edge,
                         NULL, &stopped) == 0,
       "sampling failed");
  return (thread_ns() - begin) / SAMPLED;
}

/* A model that has learned little more than the marginal generates graphs of about the data's density. */
static bool valid(const Bench *b)
{
  double        edges = 0;
  const int64_t all   = (int64_t)SAMPLED * b->set->pairs;
  for (int64_t i = 0; i < all; i++) edges += b->edge[i] > 0;
  const bool good = edges / SAMPLED > 0.2 * b->stats.mean_edges && edges / SAMPLED < 2.2 * b->stats.mean_edges;
  if (!good) printf("INVALID n %d: %g edges a sample, %g in the data\n", b->set->n, edges / SAMPLED, b->stats.mean_edges);
  return good;
}

static bool print_size(int n, int repetitions)
{
  Bench   b;
  double *step = mem_calloc((size_t)repetitions, sizeof *step), *graph = mem_calloc((size_t)repetitions, sizeof *graph);
  bench_create(n, &b);
  (void)time_steps(&b);
  for (int i = 0; i < repetitions; i++) {
    step[i]  = time_steps(&b);
    graph[i] = time_samples(&b);
  }
  const bool   good = valid(&b);
  const double ns   = median(repetitions, graph);
  printf("n %d batch %d %s: step ms %.3f; sampling ms/graph %.3f, graphs/s %.0f\n", n, BATCH, isa_name(isa_level()),
         median(repetitions, step) / 1e6, ns / 1e6, 1e9 / ns);
  fflush(stdout);
  bench_destroy(&b);
  free(step);
  free(graph);
  return good;
}

int main(int argc, char **argv)
{
  MPI_Init(&argc, &argv);
  const int      all[] = {16, 24, 32, 45}, repetitions = argc > 1 ? atoi(argv[1]) : 5, sizes = argc > 2 ? argc - 2 : 4;
  const unsigned flush = flush_set();
  bool           good  = true;
  need(repetitions > 0, "usage: bench_graph_diffusion [REPETITIONS [VERTICES...]]");
  for (int k = 0; k < sizes; k++) good = print_size(argc > 2 ? atoi(argv[2 + k]) : all[k], repetitions) && good;
  flush_restore(flush);
  MPI_Finalize();
  return good ? 0 : 1;
}
