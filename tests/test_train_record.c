/* SPDX-License-Identifier: BSD-2-Clause
 * Recorded statistics of the training loop against brute force: gradients of single samples and single outputs by the scalar reference net,
 * summed here in double. */
#include "train_fixture.h"

enum { SAMPLES_MAX = 64 };

/* What brute force says of one step. */
typedef struct Truth {
  int64_t         parameters;
  double         *gradient, *square; /* (classes, P), (classes) */
  double          loss, norm;        /* of the whole batch */
  StarvationStats stats[TRAIN_CLASSES_MAX];
} Truth;

/* Class c has components [c d / 8, (c + 1) d / 8). */
static int class_of_component(int d, int j)
{
  int c = 0;
  if (d <= 8) return j;
  while ((c + 1) * d / 8 <= j) c++;
  return c;
}

static int class_of_time(double level) { return (int)floor(4 * level); }

/* Adds one sample to its classes: gradient of weight / d sum_j (...)^2 over a class's components j. */
static void add_sample(const TrainSpec *spec, const float *theta, const TrainSamples *s, int i, int classes, Truth *truth)
{
  const int d          = spec->net.n_out;
  float     x[16 * 16] = {0}, target[16 * 16] = {0}, t[16] = {0}, weight[16] = {0};
  float    *part = calloc((size_t)truth->parameters, sizeof *part);
  double   *sum  = calloc((size_t)(classes * truth->parameters), sizeof *sum), loss;
  assert_non_null(part);
  assert_non_null(sum);
  for (int f = 0; f < d; f++) {
    x[f * 16]      = s->x[f * s->stride + i];
    target[f * 16] = s->target[f * s->stride + i];
  }
  t[0]                 = s->t[i];
  weight[0]            = s->weight[i];
  const NetBatch batch = {.n = 1, .stride = 16, .x = x, .t = t, .target = target, .weight = weight};
  for (int j = 0; j < d; j++) {
    const int c = spec->classes == CLASSES_TIME ? class_of_time((double)s->level[i]) : class_of_component(d, j);
    assert_in_range(c, 0, classes - 1);
    net_reference(&spec->net, theta, &batch, 1.0 / d, j, NULL, part, &loss, NULL);
    for (int64_t p = 0; p < truth->parameters; p++) sum[c * truth->parameters + p] += (double)part[p];
    truth->loss += loss / s->n;
  }
  for (int c = 0; c < classes; c++)
    for (int64_t p = 0; p < truth->parameters; p++) {
      const double g = sum[c * truth->parameters + p];
      truth->gradient[c * truth->parameters + p] += g / s->n;
      truth->square[c] += g * g / s->n;
    }
  free(sum);
  free(part);
}

static Truth brute_force(const TrainSpec *spec, const Objective *objective, uint64_t key, int64_t step, const float *theta)
{
  const int    classes = train_classes(spec), batch = objective_spec(objective)->batch;
  Truth        truth = {.parameters = net_parameters(&spec->net)};
  TrainSamples s;
  assert_in_range(batch, 1, SAMPLES_MAX);
  truth.gradient = calloc((size_t)(classes * truth.parameters), sizeof *truth.gradient);
  truth.square   = calloc((size_t)classes, sizeof *truth.square);
  assert_non_null(truth.gradient);
  assert_non_null(truth.square);
  assert_int_equal(train_samples_create(spec->net.n_x, batch, true, &s), 0);
  objective_batch(objective, key, step, 0, batch, s.stride, s.x, s.t, s.target, s.weight, s.level);
  for (int i = 0; i < batch; i++) add_sample(spec, theta, &s, i, classes, &truth);
  for (int64_t p = 0; p < truth.parameters; p++) {
    double total = 0;
    for (int c = 0; c < classes; c++) total += truth.gradient[c * truth.parameters + p];
    truth.norm += total * total;
  }
  truth.norm = sqrt(truth.norm);
  starvation_stats(classes, truth.parameters, truth.gradient, truth.square, batch, truth.stats);
  train_samples_destroy(&s);
  free(truth.gradient);
  free(truth.square);
  return truth;
}

static void check_record(const TrainSpec *spec, const TrainSeries *series, int64_t k, const Truth *truth)
{
  const int classes = train_classes(spec);
  assert_near("loss", k, series->loss[k], truth->loss, 1e-5 * truth->loss);
  assert_near("gradient norm", k, series->gradient_norm[k], truth->norm, 2e-5 * truth->norm);
  for (int c = 0; c < classes; c++) {
    const int64_t          at = k * classes + c;
    const StarvationStats *e  = &truth->stats[c];
    assert_near("mean", at, series->mean[at], e->mean, 2e-5 * truth->norm);
    assert_near("norm", at, series->norm[at], e->norm, 2e-5 * truth->norm);
    assert_near("share", at, series->share[at], e->share, 1e-4);
    assert_near("snr", at, series->snr[at], e->snr, 1e-3 * fabs(e->snr));
    assert_near("cosine", at, series->cosine[at], e->cosine, 1e-4);
  }
}

/* Every record up to `last` steps: parameters of that step come from a training that ends there. */
static void check_training(TrainSpec spec, const Objective *objective, bool lanes, int64_t every, int64_t last)
{
  spec.steps          = last + 1;
  spec.optimizer.rate = RATE_STEP, spec.optimizer.rate_every = 3; /* a rate that does not depend on the number of steps */
  Room recorded = make_room(&spec, objective, 21, every);
  train_room(MPI_COMM_SELF, &spec, lanes, every, &recorded);
  for (int64_t k = 0; k < recorded.recorded; k++) {
    TrainSpec before = spec;
    before.steps     = k * every;
    Room at          = make_room(&before, objective, 21, 0);
    net_init(&spec.net, spec.init, 21, at.trial.theta);
    if (before.steps > 0) train_room(MPI_COMM_SELF, &before, lanes, 0, &at);
    const Truth truth = brute_force(&spec, objective, 21, k * every, at.trial.theta);
    assert_int_equal(recorded.series.step[k], k * every);
    assert_near("rate", k, recorded.series.rate[k], optimizer_rate(&spec.optimizer, k * every, spec.steps), 0);
    check_record(&spec, &recorded.series, k, &truth);
    free_room(&at);
  }
  free_room(&recorded);
}

static void components_agree_with_brute_force(void **state)
{
  (void)state;
  const int dimension[] = {2, 3, 8, 11};
  for (int i = 0; i < 4; i++)
    for (int lanes = 0; lanes < 2; lanes++) {
      Objective *objective = make_objective(discrete(lanes ? 7 : 41), dimension[i], 0, 1);
      TrainSpec  spec      = small_spec(dimension[i], 0);
      spec.shards          = lanes ? 1 : 8;
      spec.net.width       = 9;
      check_training(spec, objective, lanes, 4, 8);
      objective_destroy(&objective);
    }
}

static void linear_nets_have_components_too(void **state)
{
  (void)state;
  Objective *objective = make_objective(continuous(19), 5, 0, 1);
  TrainSpec  spec      = small_spec(5, 0);
  spec.net             = (NetSpec){.n_x = 5, .n_out = 5, .time = TIME_LOG};
  check_training(spec, objective, false, 3, 6);
  objective_destroy(&objective);
}

static void buckets_of_time_agree_with_brute_force(void **state)
{
  (void)state;
  for (int lanes = 0; lanes < 2; lanes++)
    for (int batch = 2; batch <= 50; batch += 24) {
      Objective *objective = make_objective(batch == 26 ? continuous(batch) : discrete(batch), 3, 0, 1);
      TrainSpec  spec      = small_spec(3, 0);
      spec.classes         = CLASSES_TIME;
      spec.shards          = batch == 50 ? 4 : 1;
      spec.net.width       = 12;
      check_training(spec, objective, lanes, 4, 8);
      objective_destroy(&objective);
    }
}

int main(int argc, char **argv)
{
  MPI_Init(&argc, &argv);
  const struct CMUnitTest tests[] = {cmocka_unit_test(components_agree_with_brute_force), cmocka_unit_test(linear_nets_have_components_too),
                                     cmocka_unit_test(buckets_of_time_agree_with_brute_force)};
  const int               failed  = cmocka_run_group_tests_name("train record", tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
