/* SPDX-License-Identifier: BSD-2-Clause
 * What the tests of training, sampling and keeping graph denoisers use: small sets of graphs, processes, specifications, and trials with
 * all their outputs. */
#ifndef MYOPIA_GRAPH_TRAIN_FIXTURE_H
#define MYOPIA_GRAPH_TRAIN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diffusion/graph_train_private.h"

enum { ALL_FEATURES = FEATURE_DEGREE | FEATURE_CYCLES | FEATURE_SPECTRUM };

/* Two cliques of 4 and a bridge, of which every fifth graph has lost its last two vertices; blocks: the clique is a vertex's class. */
static inline GraphSet *make_set(int64_t count, double eps, bool blocks, bool cut)
{
  const GraphSetSpec spec = {.kind             = SET_BARBELL,
                             .clusters         = 2,
                             .size             = {4, 4},
                             .bridge_frequency = eps,
                             .intra_frequency  = 0.9,
                             .exact_frequency  = true,
                             .node_blocks      = blocks};
  GraphSet          *set;
  assert_int_equal(graph_set_generate(&spec, 17, 0, count, &set), 0);
  for (int64_t i = 0; cut && i < count; i += 5) {
    const int from = pair_count(6), n = set->pairs - from;
    set->size[i] = 6;
    memset(set->node + i * set->n + 6, 0, 2);
    memset(set->edge + i * set->pairs + from, 0, (size_t)n);
    memset(set->bridge + i * set->pairs + from, 0, (size_t)n);
  }
  assert_int_equal(graph_set_resistance(set), 0);
  return set;
}

static inline Transition *make_transition(const GraphSet *set, int T)
{
  double       *abar = calloc((size_t)T + 1, sizeof *abar);
  char          message[256];
  GraphSetStats stats;
  Transition   *out;
  assert_non_null(abar);
  assert_null(transition_schedule(ABAR_COSINE, T, 0, NULL, abar, message));
  assert_int_equal(graph_set_stats(set, &stats), 0);
  assert_int_equal(transition_create(T, abar, TRANSITION_MARGINAL, &stats, set->a, set->b, &out), 0);
  graph_set_stats_clear(&stats);
  free(abar);
  return out;
}

static inline DenoiserSpec make_denoiser(DenoiserKind kind, const GraphSet *set, int T)
{
  DenoiserSpec d = {.kind = kind, .n = set->n, .a = set->a, .b = set->b, .T = T};
  if (kind == DENOISER_FACTORED) d.buckets = 1;
  if (kind == DENOISER_FACTORED_BIT) d.buckets = T;
  if (kind == DENOISER_EDGE_MLP) {
    d.pair_features = PAIR_FEATURES;
    d.depth         = 1;
    d.width         = 16;
    d.activation    = ACTIVATION_TANH;
  }
  if (kind == DENOISER_TRANSFORMER) {
    features_count(ALL_FEATURES, &d.node_features, &d.pair_features, &d.graph_features);
    d.node_id = set->a > 1;
    d.layers  = 2;
    d.heads   = 2;
    d.dropout = 0.1;
    d.dx = d.de = d.dy = d.ff_x = d.ff_e = d.ff_y = 16;
    d.dx                                          = 32;
  }
  return d;
}

static inline GraphTrainSpec make_spec(DenoiserKind kind, const GraphSet *set, int T, int64_t steps, int batch)
{
  return (GraphTrainSpec){.denoiser  = make_denoiser(kind, set, T),
                          .features  = kind == DENOISER_TRANSFORMER ? ALL_FEATURES : 0,
                          .optimizer = {.kind          = OPTIMIZER_ADAM,
                                        .learning_rate = 1e-2,
                                        .beta1         = 0.9,
                                        .beta2         = 0.999,
                                        .delta         = 1e-8,
                                        .rate          = RATE_COSINE,
                                        .rate_factor   = 0.1,
                                        .clip          = 0.5,
                                        .average       = 0.9},
                          .loss      = {.kind = LOSS_EDGE_WEIGHTED, .lambda = 3, .omega = 5, .lambda_e = 0.7},
                          .steps     = steps,
                          .batch     = batch};
}

/* A trial with room for everything. */
typedef struct Room {
  GraphTrainTrial  trial;
  GraphTrainSeries series;
  int64_t          parameters, rows, n_memory, n_numbers;
  int              moments;
  float           *memory;  /* theta, average, moments */
  double          *numbers; /* series */
} Room;

static inline Room make_room(const GraphTrainSpec *spec, const GraphSet *set, const Transition *transition, uint64_t key, int64_t every)
{
  DenoiserPart part[DENOISER_PARTS_MAX];
  const int    parts = denoiser_parts(&spec->denoiser, part), c = TERM_CLASSES;
  Room         r = {.parameters = denoiser_parameters(&spec->denoiser), .rows = graph_train_recorded(spec->steps, every)};
  r.moments      = optimizer_moments(&spec->optimizer);
  r.n_memory     = (2 + r.moments) * r.parameters;
  r.n_numbers    = r.rows * (3 + c * (6 + parts + TRAIN_GRAPH_BUCKETS + PROBE_TIMES));
  r.memory       = calloc((size_t)r.n_memory, sizeof *r.memory);
  r.numbers      = calloc((size_t)r.n_numbers + 1, sizeof *r.numbers);
  r.series.step  = calloc((size_t)r.rows + 1, sizeof *r.series.step);
  assert_non_null(r.memory);
  assert_non_null(r.numbers);
  assert_non_null(r.series.step);
  double       *at       = r.numbers;
  double      **member[] = {&r.series.loss,  &r.series.rate,       &r.series.gradient_norm, &r.series.mean,
                            &r.series.norm,  &r.series.share,      &r.series.snr,           &r.series.cosine,
                            &r.series.index, &r.series.share_part, &r.series.share_time,    &r.series.probe};
  const int64_t width[]  = {1, 1, 1, c, c, c, c, c, c, c * parts, c * TRAIN_GRAPH_BUCKETS, c * PROBE_TIMES};
  for (size_t i = 0; i < sizeof member / sizeof *member; i++) *member[i] = at, at += r.rows * width[i];
  r.trial = (GraphTrainTrial){.key        = key,
                              .set        = set,
                              .transition = transition,
                              .theta      = r.memory,
                              .average    = r.memory + r.parameters,
                              .moments    = r.memory + 2 * r.parameters};
  return r;
}

static inline void free_room(Room *r)
{
  free(r->series.step);
  free(r->numbers);
  free(r->memory);
}

static inline void train_room(MPI_Comm comm, const GraphTrainSpec *spec, int64_t every, Room *r)
{
  bool stopped;
  r->trial.series = every > 0 ? &r->series : NULL;
  assert_int_equal(graph_train_run(comm, spec, every, &r->trial, NULL, &stopped), 0);
  assert_false(stopped);
}

static inline void assert_same_floats(const char *what, int64_t n, const float *got, const float *expected)
{
  for (int64_t i = 0; i < n; i++)
    if (memcmp(&got[i], &expected[i], sizeof *got) != 0)
      fail_msg("%s, number %ld: expected %a, got %a, tolerance none", what, (long)i, (double)expected[i], (double)got[i]);
}

static inline void assert_same_doubles(const char *what, int64_t n, const double *got, const double *expected)
{
  for (int64_t i = 0; i < n; i++)
    if (memcmp(&got[i], &expected[i], sizeof *got) != 0 && !(isnan(got[i]) && isnan(expected[i])))
      fail_msg("%s, number %ld: expected %a, got %a, tolerance none", what, (long)i, expected[i], got[i]);
}

/* Everything of two trials, bit by bit. */
static inline void assert_same_room(const char *what, const Room *got, const Room *expected)
{
  assert_same_floats(what, got->n_memory, got->memory, expected->memory);
  assert_int_equal(got->trial.failed_step, expected->trial.failed_step);
  assert_int_equal(got->trial.done_steps, expected->trial.done_steps);
  assert_same_doubles(what, 1, &got->trial.final_loss, &expected->trial.final_loss);
  if (!got->trial.series || !expected->trial.series) return;
  assert_same_doubles(what, got->n_numbers, got->numbers, expected->numbers);
  assert_memory_equal(got->series.step, expected->series.step, (size_t)got->rows * sizeof(int64_t));
}

static inline void assert_near(const char *what, int64_t i, double got, double expected, double tolerance)
{
  if (!(fabs(got - expected) <= tolerance) && !(isnan(got) && isnan(expected)) && !(isinf(got) && got == expected))
    fail_msg("%s, number %ld: expected %.9g, got %.9g, tolerance %.2g", what, (long)i, expected, got, tolerance);
}

static inline GraphJob make_job(const GraphTrainSpec *spec, GraphTrainTrial *trial, int shards)
{
  GraphJob job = {.comm = MPI_COMM_SELF, .spec = spec, .trial = trial, .isa = isa_level(), .shards = shards};
  job.batch    = graph_train_batch(spec, trial->set->count);
  while (job.batch > 1 << job.step_bits) job.step_bits++;
  assert_int_equal(loss_weights_create(&spec->loss, trial->set, &job.weights), 0);
  assert_int_equal(graph_order_create(&job), 0);
  return job;
}

static inline void free_job(GraphJob *job)
{
  loss_weights_destroy(&job->weights);
  graph_order_destroy(job);
}

#endif
