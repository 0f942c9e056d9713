/* SPDX-License-Identifier: BSD-2-Clause
 * What the tests of the training loop train: small data laws, nets, and trials with all their outputs. */
#ifndef MYOPIA_TRAIN_FIXTURE_H
#define MYOPIA_TRAIN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diffusion/train_private.h"

enum { POINTS = 200, SERIES = 9 };

/* Two clusters of different size in d dimensions, times `scale`. */
static inline Objective *make_objective(ObjectiveSpec spec, int d, int data, double scale)
{
  double    *x = malloc((size_t)(d * POINTS) * sizeof *x);
  Objective *out;
  assert_non_null(x);
  for (int j = 0; j < d; j++)
    for (int i = 0; i < POINTS; i++) {
      const double wobble = sin(12.9898 * i + 78.233 * j + 3.7 * data) * 43758.5453;
      x[j * POINTS + i]   = scale * ((i % 5 == 0 ? 1.5 : -0.5) + (wobble - floor(wobble) - 0.5) * (1 + 0.3 * j));
    }
  assert_int_equal(objective_create(&spec, isa_level(), d, POINTS, x, &out), 0);
  free(x);
  return out;
}

static inline ObjectiveSpec discrete(int batch)
{
  return (ObjectiveSpec){.prediction = PREDICT_NOISE, .T = 50, .schedule = SCHEDULE_COSINE, .batch = batch, .time_scale = 1};
}

static inline ObjectiveSpec continuous(int batch)
{
  return (ObjectiveSpec){
      .prediction = PREDICT_DATA, .sampling = SAMPLE_EXPONENTIAL, .t_min = 0.01, .t_max = 3, .time_scale = 1, .batch = batch};
}

static inline TrainSpec small_spec(int d, int64_t steps)
{
  return (TrainSpec){.net       = {.n_x = d, .n_out = d, .depth = 2, .width = 20, .activation = ACTIVATION_TANH, .time = TIME_PLAIN},
                     .optimizer = {.kind          = OPTIMIZER_ADAM,
                                   .learning_rate = 2e-3,
                                   .beta1         = 0.9,
                                   .beta2         = 0.999,
                                   .delta         = 1e-8,
                                   .rate          = RATE_COSINE,
                                   .rate_factor   = 0.1,
                                   .clip          = 0.5,
                                   .average       = 0.9},
                     .steps     = steps};
}

/* A trial with room for everything. */
typedef struct Room {
  TrainTrial  trial;
  TrainSeries series;
  int64_t     parameters, recorded, all; /* all: recorded times classes */
  float      *memory;
  double     *numbers;
} Room;

static inline Room make_room(const TrainSpec *spec, const Objective *objective, uint64_t key, int64_t every)
{
  Room r    = {.parameters = net_parameters(&spec->net), .recorded = train_recorded(spec->steps, every)};
  r.all     = r.recorded * train_classes(spec);
  r.memory  = calloc(2 * (size_t)r.parameters, sizeof *r.memory);
  r.numbers = calloc((size_t)(3 * r.recorded + 5 * r.all + 1), sizeof *r.numbers);
  assert_non_null(r.memory);
  assert_non_null(r.numbers);
  double *at    = r.numbers;
  r.series.loss = at, r.series.rate = at += r.recorded, r.series.gradient_norm = at += r.recorded;
  r.series.mean = at += r.recorded, r.series.norm = at += r.all, r.series.share = at += r.all, r.series.snr = at += r.all;
  r.series.cosine = at += r.all;
  r.series.step   = calloc((size_t)r.recorded + 1, sizeof *r.series.step);
  assert_non_null(r.series.step);
  r.trial = (TrainTrial){.key = key, .objective = objective, .theta = r.memory, .average = r.memory + r.parameters};
  return r;
}

static inline void free_room(Room *r)
{
  free(r->series.step);
  free(r->numbers);
  free(r->memory);
}

static inline void train_room(MPI_Comm comm, const TrainSpec *spec, bool lanes, int64_t every, Room *r)
{
  bool stopped;
  r->trial.series = every > 0 ? &r->series : NULL;
  assert_int_equal(train_run_by(comm, spec, lanes, every, 1, &r->trial, NULL, &stopped), 0);
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
  assert_same_floats(what, 2 * got->parameters, got->memory, expected->memory);
  assert_int_equal(got->trial.failed_step, expected->trial.failed_step);
  assert_same_doubles(what, 1, &got->trial.final_loss, &expected->trial.final_loss);
  if (!got->trial.series || !expected->trial.series) return;
  assert_same_doubles(what, 3 * got->recorded + 5 * got->all, got->numbers, expected->numbers);
  assert_memory_equal(got->series.step, expected->series.step, (size_t)got->recorded * sizeof(int64_t));
}

static inline void assert_near(const char *what, int64_t i, double got, double expected, double tolerance)
{
  if (!(fabs(got - expected) <= tolerance) && !(isnan(got) && isnan(expected)))
    fail_msg("%s, number %ld: expected %.9g, got %.9g, tolerance %.2g", what, (long)i, expected, got, tolerance);
}

#endif
