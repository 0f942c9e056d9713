/* SPDX-License-Identifier: BSD-2-Clause
 * The training loop on 1 to 8 ranks: parameters, losses and statistics are those of one rank to the bit; both paths against the slow
 * reference; a trial's neighbours; closed forms; failures; the watch. Only rank 0 prints. */
#include "train_fixture.h"

static int ranks_here, rank_here;

/* Everything of a trial from rank 0. */
static void share_room(MPI_Comm comm, Room *room)
{
  MPI_Bcast(room->memory, 2 * (int)room->parameters, MPI_FLOAT, 0, comm);
  MPI_Bcast(room->numbers, (int)(3 * room->recorded + 5 * room->all), MPI_DOUBLE, 0, comm);
  MPI_Bcast(room->series.step, (int)room->recorded, MPI_INT64_T, 0, comm);
  MPI_Bcast(&room->trial.final_loss, 1, MPI_DOUBLE, 0, comm);
  MPI_Bcast(&room->trial.failed_step, 1, MPI_INT64_T, 0, comm);
  room->trial.series = &room->series;
}

/* Trains on the first `ranks` ranks and compares with rank 0 alone. */
static void check_ranks(const TrainSpec *spec, const Objective *objective, int ranks, bool lanes)
{
  MPI_Comm comm;
  MPI_Comm_split(MPI_COMM_WORLD, rank_here < ranks ? 0 : MPI_UNDEFINED, rank_here, &comm);
  if (comm == MPI_COMM_NULL) return;
  Room alone = make_room(spec, objective, 77, 5), together = make_room(spec, objective, 77, 5);
  if (rank_here == 0) train_room(MPI_COMM_SELF, spec, lanes, 5, &alone);
  share_room(comm, &alone);
  train_room(comm, spec, lanes, 5, &together);
  assert_int_equal(alone.trial.failed_step, -1);
  assert_same_room("ranks", &together, &alone);
  free_room(&alone);
  free_room(&together);
  MPI_Comm_free(&comm);
}

static void any_number_of_ranks_gives_the_same_bits(void **state)
{
  (void)state;
  Objective *two = make_objective(discrete(100), 2, 0, 1), *many = make_objective(continuous(64), 10, 0, 1);
  for (int ranks = ranks_here > 4 ? 5 : ranks_here; ranks <= ranks_here; ranks++)
    for (int shards = 1; shards <= 16; shards *= 2) {
      if (shards < ranks) continue;
      TrainSpec spec = small_spec(2, ranks_here > 4 ? 11 : 23);
      spec.shards    = shards;
      check_ranks(&spec, two, ranks, false);
      spec.classes = CLASSES_TIME;
      check_ranks(&spec, two, ranks, false);
      spec        = small_spec(10, 11);
      spec.shards = shards;
      check_ranks(&spec, many, ranks, false);
    }
  objective_destroy(&two);
  objective_destroy(&many);
}

static void lanes_are_alike_on_every_rank(void **state)
{
  (void)state;
  Objective      *objective = make_objective(discrete(8), 2, 0, 1);
  const TrainSpec spec      = small_spec(2, 23);
  check_ranks(&spec, objective, ranks_here, true);
  objective_destroy(&objective);
}

/* Both paths against the loop in plain C: what differs is rounding. */
static void check_reference(TrainSpec spec, const Objective *objective, bool lanes)
{
  Room    fast = make_room(&spec, objective, 5, 1), slow = make_room(&spec, objective, 5, 1);
  double *loss = calloc((size_t)spec.steps, sizeof *loss);
  assert_non_null(loss);
  train_room(MPI_COMM_SELF, &spec, lanes, 1, &fast);
  assert_int_equal(train_reference(&spec, &slow.trial, loss), 0);
  for (int64_t i = 0; i < spec.steps; i++) assert_near("loss", i, fast.series.loss[i], loss[i], 2e-5 * fabs(loss[i]));
  for (int64_t i = 0; i < 2 * fast.parameters; i++) assert_near("parameter", i, (double)fast.memory[i], (double)slow.memory[i], 2e-5);
  assert_near("final loss", 0, fast.trial.final_loss, slow.trial.final_loss, 2e-5 * slow.trial.final_loss);
  free(loss);
  free_room(&fast);
  free_room(&slow);
}

static void both_paths_agree_with_the_slow_loop(void **state)
{
  (void)state;
  for (int lanes = 0; lanes < 2; lanes++)
    for (int batch = 5; batch <= 80; batch += 25) {
      Objective *objective = make_objective(batch == 30 ? continuous(batch) : discrete(batch), 2, 1, 1);
      TrainSpec  spec      = small_spec(2, 60);
      spec.shards          = batch > 50 ? 4 : 1;
      check_reference(spec, objective, lanes);
      spec.optimizer.kind     = OPTIMIZER_SGD;
      spec.optimizer.momentum = 0.8;
      spec.optimizer.clip     = 0;
      spec.optimizer.average  = 0;
      spec.optimizer.rate     = RATE_CONSTANT;
      spec.net.time           = TIME_FOURIER;
      spec.net.fourier        = 2;
      check_reference(spec, objective, lanes);
      spec.net.time = TIME_LOG;
      check_reference(spec, objective, lanes);
      objective_destroy(&objective);
    }
}

/* Trials 0 .. n - 1 in one call, with data of their own. */
static void train_many(const TrainSpec *spec, bool lanes, int n, Objective *const *objective, Room *room)
{
  TrainTrial *trial = calloc((size_t)n, sizeof *trial);
  bool        stopped;
  assert_non_null(trial);
  for (int i = 0; i < n; i++) {
    room[i]              = make_room(spec, objective[i % 3], 100 + (uint64_t)i, 10);
    room[i].trial.series = i % 2 ? &room[i].series : NULL;
    trial[i]             = room[i].trial;
    trial[i].series      = i % 2 ? &room[i].series : NULL;
  }
  assert_int_equal(train_run_by(MPI_COMM_SELF, spec, lanes, 10, n, trial, NULL, &stopped), 0);
  for (int i = 0; i < n; i++) room[i].trial = trial[i];
  free(trial);
}

static void a_trial_does_not_know_its_neighbours(void **state)
{
  (void)state;
  enum { MANY = 19 };
  for (int lanes = 0; lanes < 2; lanes++) {
    Objective *objective[3];
    Room       room[MANY];
    TrainSpec  spec = small_spec(2, 31);
    for (int i = 0; i < 3; i++) objective[i] = make_objective(discrete(12), 2, i, 1);
    train_many(&spec, lanes, MANY, objective, room);
    for (int i = 0; i < MANY; i++) {
      Room alone = make_room(&spec, objective[i % 3], 100 + (uint64_t)i, 10);
      train_room(MPI_COMM_SELF, &spec, lanes, i % 3 ? 10 : 0, &alone); /* recording, or not, changes nothing either */
      assert_same_room("neighbours", &room[i], &alone);
      free_room(&alone);
      free_room(&room[i]);
    }
    for (int i = 0; i < 3; i++) objective_destroy(&objective[i]);
  }
}

static void given_parameters_are_the_start(void **state)
{
  (void)state;
  Objective *objective = make_objective(discrete(8), 2, 0, 1);
  TrainSpec  spec      = small_spec(2, 20);
  for (int lanes = 0; lanes < 2; lanes++) {
    Room drawn = make_room(&spec, objective, 9, 3), given = make_room(&spec, objective, 9, 3);
    net_init(&spec.net, spec.init, 9, given.trial.theta);
    given.trial.given = true;
    train_room(MPI_COMM_SELF, &spec, lanes, 3, &drawn);
    train_room(MPI_COMM_SELF, &spec, lanes, 3, &given);
    assert_same_room("given", &given, &drawn);
    free_room(&drawn);
    free_room(&given);
  }
  objective_destroy(&objective);
}

/* a x = b by Gauss, 3 unknowns, positive definite. */
static void solve3(double a[3][3], const double b[3], double x[3])
{
  double c[3] = {b[0], b[1], b[2]};
  for (int k = 0; k < 3; k++)
    for (int i = k + 1; i < 3; i++) {
      const double f = a[i][k] / a[k][k];
      for (int j = k; j < 3; j++) a[i][j] -= f * a[k][j];
      c[i] -= f * c[k];
    }
  for (int i = 2; i >= 0; i--) {
    x[i] = c[i];
    for (int j = i + 1; j < 3; j++) x[i] -= a[i][j] * x[j];
    x[i] /= a[i][i];
  }
}

/* Least squares of eps by (x_t, 1), in the mean over t, eps and the data: E[eps x^T] = mean of s_t, and moments of x_t. row: component. */
static void best_linear(const ObjectiveSpec *spec, const double mean[2], double second[2][2], int row, double best[3])
{
  Coefficients table[64];
  double       a1 = 0, a2 = 0, s1 = 0, s2 = 0, m[3][3], right[3] = {0};
  objective_coefficients_table(spec, table);
  for (int t = 0; t < spec->T; t++) {
    a1 += table[t].a / spec->T;
    a2 += table[t].a * table[t].a / spec->T;
    s1 += table[t].s / spec->T;
    s2 += table[t].s * table[t].s / spec->T;
  }
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 2; j++) m[i][j] = a2 * second[i][j] + (i == j ? s2 : 0);
    m[i][2] = m[2][i] = a1 * mean[i];
  }
  m[2][2]    = 1;
  right[row] = s1;
  solve3(m, right, best);
}

static void linear_regression_finds_its_closed_form(void **state)
{
  (void)state;
  const ObjectiveSpec o = discrete(POINTS);
  double              x[2 * POINTS], mean[2] = {0}, second[2][2] = {{0}};
  Objective          *objective;
  for (int i = 0; i < POINTS; i++) {
    x[i]          = i % 4 ? 0.7 + 0.01 * (i % 13) : -1.2;
    x[POINTS + i] = 0.5 * x[i] + 0.1 * (i % 7) - 0.2;
  }
  for (int i = 0; i < POINTS; i++)
    for (int j = 0; j < 2; j++) {
      mean[j] += x[j * POINTS + i] / POINTS;
      for (int k = 0; k < 2; k++) second[j][k] += x[j * POINTS + i] * x[k * POINTS + i] / POINTS;
    }
  assert_int_equal(objective_create(&o, isa_level(), 2, POINTS, x, &objective), 0);
  TrainSpec spec     = {.net = {.n_x = 2, .n_out = 2}, .optimizer = {.kind = OPTIMIZER_SGD, .learning_rate = 0.3, .rate = RATE_COSINE}};
  spec.steps         = 6000;
  Room room          = make_room(&spec, objective, 1, 0);
  room.trial.average = NULL;
  train_room(MPI_COMM_SELF, &spec, false, 0, &room);
  for (int row = 0; row < 2; row++) {
    double best[3];
    best_linear(&o, mean, second, row, best);
    /* About sqrt(rate residual / batch) = 0.01 of noise at the end of a decaying rate. */
    for (int k = 0; k < 2; k++) assert_near("weight", 2 * row + k, (double)room.trial.theta[2 * row + k], best[k], 0.02);
    assert_near("bias", row, (double)room.trial.theta[4 + row], best[2], 0.02);
  }
  free_room(&room);
  objective_destroy(&objective);
}

/* Data 3000 times as large make every step overshoot by far: the loss grows beyond all numbers while the neighbours learn. */
static void a_failed_trial_stops_alone(void **state)
{
  (void)state;
  Objective *objective[3] = {make_objective(discrete(16), 2, 0, 1), make_objective(discrete(16), 2, 1, 3000),
                             make_objective(discrete(16), 2, 2, 1)};
  TrainSpec  spec         = {.net = {.n_x = 2, .n_out = 2, .time = TIME_PLAIN}, .optimizer = {.learning_rate = 0.1}, .steps = 120};
  spec.optimizer.average  = 0.5;
  for (int lanes = 0; lanes < 2; lanes++) {
    Room room[5], slow = make_room(&spec, objective[1], 101, 10);
    train_many(&spec, lanes, 5, objective, room);
    assert_int_equal(train_reference(&spec, &slow.trial, NULL), 0);
    assert_in_range(slow.trial.failed_step, 2, 60);
    for (int i = 0; i < 5; i++) {
      const bool failing = i % 3 == 1;
      Room       alone   = make_room(&spec, objective[i % 3], 100 + (uint64_t)i, 10);
      train_room(MPI_COMM_SELF, &spec, lanes, i % 2 ? 10 : 0, &alone);
      assert_same_room("failure", &room[i], &alone);
      if (!failing) assert_int_equal(room[i].trial.failed_step, -1);
      if (!failing) assert_true(room[i].trial.final_loss < 2);
      if (i == 1) assert_in_range(room[i].trial.failed_step, slow.trial.failed_step - 1, slow.trial.failed_step + 1);
      if (failing) assert_false(isfinite(room[i].trial.final_loss));
      if (i == 1) assert_true(isnan(room[i].series.rate[11]));
      free_room(&alone);
      free_room(&room[i]);
    }
    free_room(&slow);
  }
  for (int i = 0; i < 3; i++) objective_destroy(&objective[i]);
}

/* A watch that stops at its `limit`-th look. */
typedef struct Looks {
  int     looks, limit;
  int64_t done, total;
} Looks;

static void note(void *ctx, const char *phase, int64_t done, int64_t total)
{
  Looks *l = ctx;
  assert_string_equal(phase, "train");
  assert_true(done > l->done && done <= total);
  l->done  = done;
  l->total = total;
}

static bool look(void *ctx)
{
  Looks *l = ctx;
  return ++l->looks == l->limit;
}

static void the_watch_is_asked_and_obeyed(void **state)
{
  (void)state;
  Objective      *objective = make_objective(discrete(64), 2, 0, 1), *small = make_objective(discrete(8), 2, 0, 1);
  const TrainSpec spec = small_spec(2, 3000);
  for (int lanes = 0; lanes < 2; lanes++)
    for (int limit = 2; limit <= 1000; limit += 998) {
      Looks       looks = {.limit = limit};
      const Watch watch = {note, look, &looks};
      Room        room  = make_room(&spec, lanes ? small : objective, 3, 0);
      bool        stopped;
      assert_int_equal(train_run_by(MPI_COMM_SELF, &spec, lanes, 0, 1, &room.trial, &watch, &stopped), 0);
      assert_int_equal(stopped, limit == 2);
      assert_int_equal(looks.total, 3000);
      if (limit == 2) assert_int_equal(looks.looks, 2);
      assert_true(looks.looks < 3000);
      free_room(&room);
    }
  objective_destroy(&objective);
  objective_destroy(&small);
}

static void subnormals_are_kept_outside(void **state)
{
  (void)state;
  Objective *objective = make_objective(discrete(8), 2, 0, 1);
  TrainSpec  spec      = small_spec(2, 3);
  Room       room      = make_room(&spec, objective, 3, 0);
  train_room(MPI_COMM_SELF, &spec, true, 0, &room);
  volatile float tiny = 1e-38f;
  tiny *= 0.01f;
  assert_true(tiny > 0);
  free_room(&room);
  objective_destroy(&objective);
}

static void rules_are_functions_of_the_parameters(void **state)
{
  (void)state;
  TrainSpec spec = small_spec(2, 100);
  assert_int_equal(train_default_shards(1), 1);
  assert_int_equal(train_default_shards(64), 1);
  assert_int_equal(train_default_shards(127), 1);
  assert_int_equal(train_default_shards(512), 8);
  assert_int_equal(train_default_shards(1024), 16);
  assert_true(train_seeds_in_lanes(&spec, 8));
  assert_false(train_seeds_in_lanes(&spec, 17));
  assert_int_equal(train_classes(&spec), 2);
  spec.net.n_out = 784;
  assert_int_equal(train_classes(&spec), TRAIN_COMPONENTS_MAX);
  spec.classes = CLASSES_TIME;
  assert_int_equal(train_classes(&spec), TRAIN_TIME_BUCKETS);
  assert_int_equal(train_recorded(100, 10), 10);
  assert_int_equal(train_recorded(101, 10), 11);
  assert_int_equal(train_recorded(1, 10), 1);
  assert_true(train_step_seconds(&spec, 2, 1024) > train_step_seconds(&spec, 2, 64));
}

int main(int argc, char **argv)
{
  MPI_Init(&argc, &argv);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks_here);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_here);
  if (rank_here != 0 && (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))) return 1;
  const struct CMUnitTest together[] = {cmocka_unit_test(any_number_of_ranks_gives_the_same_bits),
                                        cmocka_unit_test(lanes_are_alike_on_every_rank)};
  const struct CMUnitTest alone[]    = {
         cmocka_unit_test(both_paths_agree_with_the_slow_loop), cmocka_unit_test(a_trial_does_not_know_its_neighbours),
         cmocka_unit_test(given_parameters_are_the_start),      cmocka_unit_test(linear_regression_finds_its_closed_form),
         cmocka_unit_test(a_failed_trial_stops_alone),          cmocka_unit_test(the_watch_is_asked_and_obeyed),
         cmocka_unit_test(subnormals_are_kept_outside),         cmocka_unit_test(rules_are_functions_of_the_parameters)};
  int failed = cmocka_run_group_tests_name("train on ranks", together, NULL, NULL);
  if (ranks_here == 1) failed += cmocka_run_group_tests_name("train", alone, NULL, NULL);
  MPI_Finalize();
  return failed;
}
