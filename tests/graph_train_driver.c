/* SPDX-License-Identifier: BSD-2-Clause
 * One training of a graph denoiser for peers/test_graph_training.py, as a continuation in every step, and everything that PyTorch needs to
 * repeat it, to standard output in this order and the machine's byte order:
 *   int32    parameters, steps, batch, n, a, b, features of a vertex, of a pair, of a graph
 *   float32  initial parameters
 *   of every step and graph of its batch:
 *     int32    t
 *     uint8    noisy vertices (n) and pairs, clean vertices (n) and pairs
 *     float32  weights of vertices (n) and pairs, features of vertices, pairs, the graph
 *   float32  parameters after every step
 *   float64  loss of every step
 *   graph_train_driver factored_bit|edge_mlp|transformer standard|edge_weighted STEPS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diffusion/graph_train_private.h"
#include "memory.h"

enum { KEY = 29, GRAPHS = 200, T = 20 };

static void need(int ok, const char *what)
{
  if (ok) return;
  fprintf(stderr, "graph_train_driver: %s\n", what);
  exit(1);
}

static void put(const void *p, size_t size, int64_t n)
{
  need(n == 0 || fwrite(p, size, (size_t)n, stdout) == (size_t)n, "cannot write"); /* p may be NULL then */
}

static int place(const char *const *names, const char *name)
{
  int i = 0;
  while (names[i] && strcmp(names[i], name) != 0) i++;
  need(names[i] != NULL, "an unknown name");
  return i;
}

/* Two K_4 in random order, each with 95 % of its edges, a bridge in every fifth graph; vertices have classes where they are predicted. */
static GraphSet *graphs(bool classes)
{
  const GraphSetSpec spec = {.kind             = SET_BARBELL,
                             .clusters         = 2,
                             .size             = {4, 4},
                             .bridge_frequency = 0.2,
                             .intra_frequency  = 0.95,
                             .exact_frequency  = true,
                             .permute          = true,
                             .node_blocks      = classes};
  GraphSet          *set;
  need(graph_set_generate(&spec, KEY, 0, GRAPHS, &set) == 0 && graph_set_resistance(set) == 0, "no graphs");
  return set;
}

static Transition *process(const GraphSet *set)
{
  GraphSetStats stats;
  Transition   *out;
  double        abar[T + 1];
  char          message[256];
  need(transition_schedule(ABAR_COSINE, T, 0, NULL, abar, message) == NULL, message);
  need(graph_set_stats(set, &stats) == 0, "no statistics");
  need(transition_create(T, abar, TRANSITION_MARGINAL, &stats, set->a, set->b, &out) == 0, "no process");
  graph_set_stats_clear(&stats);
  return out;
}

static GraphTrainSpec spec_of(const char *kind, const char *loss, int64_t steps, const GraphSet *set)
{
  GraphTrainSpec spec = {.denoiser  = {.kind       = (DenoiserKind)place(denoiser_names, kind),
                                       .n          = set->n,
                                       .a          = set->a,
                                       .b          = set->b,
                                       .T          = T,
                                       .buckets    = T,
                                       .depth      = 2,
                                       .width      = 32,
                                       .activation = ACTIVATION_SILU,
                                       .node_id    = true,
                                       .layers     = 2,
                                       .dx         = 32,
                                       .de         = 16,
                                       .dy         = 16,
                                       .heads      = 2,
                                       .ff_x       = 32,
                                       .ff_e       = 32,
                                       .ff_y       = 32},
                         .features  = FEATURE_DEGREE | FEATURE_CYCLES,
                         .optimizer = {.kind = OPTIMIZER_ADAM, .learning_rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .delta = 1e-8},
                         .loss      = {.kind = (GraphLoss)place(graph_loss_names, loss), .lambda = 4, .omega = 2, .lambda_e = 1.5},
                         .steps     = steps,
                         .batch     = 32,
                         .shards    = 4};
  if (spec.denoiser.kind == DENOISER_EDGE_MLP) spec.denoiser.pair_features = PAIR_FEATURES;
  if (spec.denoiser.kind == DENOISER_TRANSFORMER)
    features_count(spec.features, &spec.denoiser.node_features, &spec.denoiser.pair_features, &spec.denoiser.graph_features);
  return spec;
}

static void put_graph(const DenoiserSpec *s, const DenoiserGraph *g, const DenoiserTarget *target)
{
  const int     pairs = pair_count(s->n);
  const int32_t t     = g->t;
  float        *ones  = mem_calloc((size_t)s->n, sizeof *ones);
  need(g->n == s->n, "graphs of unequal size");
  put(&t, sizeof t, 1);
  put(g->node, 1, s->n);
  put(g->edge, 1, pairs);
  put(target->node, 1, s->n);
  put(target->edge, 1, pairs);
  put(target->node_weight ? target->node_weight : ones, sizeof(float), s->n);
  put(target->edge_weight, sizeof(float), pairs);
  put(g->node_features, sizeof(float), (int64_t)s->n * s->node_features);
  put(g->pair_features, sizeof(float), (int64_t)pairs * s->pair_features);
  put(g->graph_features, sizeof(float), s->graph_features);
  free(ones);
}

/* The batches of graph_train_run, as one shard. */
static void put_batches(const GraphTrainSpec *spec, GraphTrainTrial *trial)
{
  GraphJob   job = {.comm = MPI_COMM_SELF, .spec = spec, .trial = trial, .isa = isa_level(), .shards = 1, .batch = spec->batch};
  GraphBatch batch;
  while (1 << job.step_bits < job.batch) job.step_bits++;
  need(loss_weights_create(&spec->loss, trial->set, &job.weights) == 0 && graph_order_create(&job) == 0 &&
           graph_batch_create(&job, &batch) == 0,
       "no batches");
  for (int64_t step = 0; step < spec->steps; step++) {
    graph_order_load(&job, step);
    need(graph_batch_draw(&job, step, 0, &batch) == 0, "no batch");
    for (int k = 0; k < batch.count; k++) put_graph(&spec->denoiser, &batch.input[k], &batch.target[k]);
  }
  graph_batch_destroy(&batch);
  graph_order_destroy(&job);
  loss_weights_destroy(&job.weights);
}

static double train_step(GraphTrainSpec *spec, GraphTrainTrial *trial, int64_t step)
{
  bool stopped;
  spec->steps       = step + 1;
  trial->first_step = step;
  need(graph_train_run(MPI_COMM_SELF, spec, 0, trial, NULL, &stopped) == 0 && trial->failed_step < 0, "training failed");
  return trial->final_loss;
}

static void run(const char *kind, const char *loss_name, int64_t steps)
{
  GraphSet       *set        = graphs(strcmp(kind, "transformer") == 0);
  Transition     *transition = process(set);
  GraphTrainSpec  spec       = spec_of(kind, loss_name, steps, set);
  DenoiserSpec   *d          = &spec.denoiser;
  const int64_t   parameters = denoiser_parameters(d);
  const int32_t   header[]   = {(int32_t)parameters, (int32_t)steps,   spec.batch,       d->n, d->a, d->b,
                                d->node_features,    d->pair_features, d->graph_features};
  float          *theta      = mem_calloc((size_t)parameters, sizeof *theta);
  float          *moments    = mem_calloc((size_t)(parameters * optimizer_moments(&spec.optimizer)), sizeof *moments);
  double         *loss       = mem_calloc((size_t)steps, sizeof *loss);
  GraphTrainTrial trial      = {.key = KEY, .set = set, .transition = transition, .theta = theta, .moments = moments, .given = true};
  denoiser_init(d, KEY, theta);
  put(header, sizeof *header, sizeof header / sizeof *header);
  put(theta, sizeof *theta, parameters);
  put_batches(&spec, &trial);
  for (int64_t step = 0; step < steps; step++) {
    loss[step] = train_step(&spec, &trial, step);
    put(theta, sizeof *theta, parameters);
  }
  put(loss, sizeof *loss, steps);
  free(moments);
  free(theta);
  free(loss);
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

int main(int argc, char **argv)
{
  MPI_Init(&argc, &argv);
  need(argc == 4 && atol(argv[3]) > 0, "usage: graph_train_driver KIND LOSS STEPS");
  run(argv[1], argv[2], atol(argv[3]));
  MPI_Finalize();
  return 0;
}
