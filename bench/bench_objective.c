/* SPDX-License-Identifier: BSD-2-Clause
 * Time of a training batch's making: ns a sample of objective_batch for W1 (d = 2, T = 100, batch 64), W2 (d = 2, continuous, exponential
 * times, batch 512), W3 (as W2, batch 1024) and images (d = 784, continuous, batch 512), in shards of 64 samples as training asks for them,
 * and ns a number of normals, against Philox words alone on the same lanes, measured in the same run, interleaved; deterministic noise's
 * table of 10,000 points, 2 coordinates, 100 places in ms. Thread CPU time, medians. Validates first (batches against the plain reference
 * bit by bit); exits 1 otherwise.
 * MYOPIA_ISA=base|v3|v4 lowers the level.
 *   bench_objective [REPEATS]      one line */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "noise.h"
#include "objective.h"
#include "rng.h"
#include "words_floor.h"

enum {
  WORKLOADS   = 4,
  REPEATS_MAX = 10000,
  NORMALS     = 8192,
  WORD_GROUPS = 128,
  D_MAX       = 784,
  BATCH_MAX   = 1024,
  POINTS      = 10000,
  PLACES      = 100,
  SHARD       = 64
};

typedef struct Workload {
  const char   *name;
  int           d, calls; /* batches timed together */
  ObjectiveSpec spec;
} Workload;

static const Workload workloads[WORKLOADS] = {
    {"W1", 2, 100, {.prediction = PREDICT_NOISE, .T = 100, .schedule = SCHEDULE_COSINE, .batch = 64}},
    {"W2", 2, 12, {.prediction = PREDICT_DATA, .t_min = 1e-4, .t_max = 10, .time_scale = 1, .batch = 512}},
    {"W3", 2, 6, {.prediction = PREDICT_DATA, .t_min = 1e-4, .t_max = 10, .time_scale = 1, .batch = 1024}},
    {"d784", D_MAX, 1, {.prediction = PREDICT_DATA, .t_min = 1e-4, .t_max = 10, .time_scale = 1, .batch = 512}},
};

static _Alignas(64) float x[D_MAX * BATCH_MAX], target[D_MAX * BATCH_MAX], t[BATCH_MAX], weight[BATCH_MAX], level[BATCH_MAX];

static Objective *make(const Workload *w)
{
  const size_t size = (size_t)w->d * POINTS;
  double      *data = malloc(size * sizeof *data);
  Objective   *o    = NULL;
  Rng          r    = rng_start(1, 0, RNG_DATA);
  if (!data) return NULL;
  for (size_t i = 0; i < size; i++) data[i] = 2 * rng_uniform(&r) - 1;
  if (objective_create(&w->spec, isa_level(), w->d, POINTS, data, &o)) o = NULL;
  free(data);
  return o;
}

static bool valid(const Workload *w, const Objective *o)
{
  const int stride = w->spec.batch;
  float     one_x[D_MAX], one_target[D_MAX], one_t, one_weight;
  int64_t   index;
  objective_batch(o, 42, 4321, 0, stride, stride, x, t, target, weight, level);
  for (int i = 0; i < stride; i++) {
    objective_sample_reference(o, 42, 4321, i, &index, one_x, &one_t, one_target, &one_weight);
    bool same = memcmp(&one_t, &t[i], sizeof one_t) == 0 && memcmp(&one_weight, &weight[i], sizeof one_t) == 0;
    for (int j = 0; j < w->d; j++)
      same =
          same && memcmp(&one_x[j], &x[j * stride + i], sizeof *x) == 0 && memcmp(&one_target[j], &target[j * stride + i], sizeof *x) == 0;
    if (!same) {
      fprintf(stderr, "%s: sample %d of a batch and the reference differ\n", w->name, i);
      return false;
    }
  }
  return true;
}

/* ns a sample */
static double time_batches(const Workload *w, const Objective *o, int64_t step)
{
  const int    n     = w->spec.batch;
  const double begin = thread_ns();
  for (int call = 0; call < w->calls; call++)
    for (int first = 0; first < n; first += SHARD)
      objective_batch(o, 42, step * w->calls + call, first, SHARD, SHARD, x, t, target, weight, level);
  return (thread_ns() - begin) / w->calls / n;
}

static double time_normals(int64_t step)
{
  const double begin = thread_ns();
  noise_normals(isa_level(), 42, (uint64_t)step * NORMALS, 0, RNG_SAMPLER, NORMALS, x);
  return (thread_ns() - begin) / NORMALS;
}

static double time_words(int64_t step, uint32_t *sum)
{
  static uint32_t (*const words[])(uint64_t, uint64_t, int) = {words_floor_base, words_floor_v3, words_floor_v4};
  const double begin                                        = thread_ns();
  *sum += words[isa_level()](42, (uint64_t)step * WORD_GROUPS, WORD_GROUPS);
  return (thread_ns() - begin) / (64 * WORD_GROUPS);
}

static double time_table(void)
{
  float  *out   = malloc(sizeof *out * POINTS * (PLACES + 1));
  double *point = malloc(sizeof *point * POINTS);
  Rng     r     = rng_start(1, 1, RNG_DATA);
  double  ms    = NAN;
  if (out && point) {
    for (int i = 0; i < POINTS; i++) point[i] = 8 * rng_uniform(&r) - 4;
    noise_digits_table(isa_level(), POINTS, point, PLACES, out);
    const double begin = thread_ns();
    for (int j = 0; j < 2; j++) noise_digits_table(isa_level(), POINTS, point, PLACES, out);
    ms = (thread_ns() - begin) * 1e-6;
  }
  free(out);
  free(point);
  return ms;
}

int main(int argc, char **argv)
{
  static double batch[WORKLOADS][REPEATS_MAX], normals[REPEATS_MAX], words[REPEATS_MAX], tables[3];
  const int     repeats = argc > 1 ? atoi(argv[1]) : 200;
  Objective    *o[WORKLOADS];
  uint32_t      sum = 0;
  if (repeats < 1 || repeats > REPEATS_MAX) return 1;
  for (int w = 0; w < WORKLOADS; w++) {
    o[w] = make(&workloads[w]);
    if (!o[w] || !valid(&workloads[w], o[w])) return 1;
  }
  for (int i = 0; i < repeats; i++) {
    for (int w = 0; w < WORKLOADS; w++)
      if (w < 3 || i % 20 == 0) batch[w][w < 3 ? i : i / 20] = time_batches(&workloads[w], o[w], i);
    normals[i] = time_normals(i);
    words[i]   = time_words(i, &sum);
  }
  for (int i = 0; i < 3; i++) tables[i] = time_table();
  const double floor_ns = median(repeats, words);
  printf("objective %s ns/sample", isa_name(isa_level()));
  for (int w = 0; w < WORKLOADS; w++) printf(" %s %.3g", workloads[w].name, median(w < 3 ? repeats : (repeats + 19) / 20, batch[w]));
  printf(" ns/normal %.3f ns/word %.3f ratio %.2f digits_table_ms %.2f check %08x\n", median(repeats, normals), floor_ns,
         median(repeats, normals) / floor_ns, median(3, tables), sum);
  for (int w = 0; w < WORKLOADS; w++) objective_destroy(&o[w]);
  return 0;
}
