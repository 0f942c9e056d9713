/* SPDX-License-Identifier: BSD-2-Clause
 * Training graph denoisers on 1 to 4 ranks: parameters, losses, statistics and probes are those of one rank to the bit, and on every level;
 * against the slow reference; batches; continuations, stops and failures; what the factored denoiser converges to. Only rank 0 prints. */
#include "graph_train_fixture.h"

#include "graph_exact.h"

enum { T = 12 };
static int ranks_here, rank_here;

/* Everything of a trial from rank 0. */
static void share_room(Room *room)
{
  MPI_Bcast(room->memory, (int)room->n_memory, MPI_FLOAT, 0, MPI_COMM_WORLD);
  MPI_Bcast(room->numbers, (int)room->n_numbers, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  MPI_Bcast(room->series.step, (int)room->rows, MPI_INT64_T, 0, MPI_COMM_WORLD);
  MPI_Bcast(&room->trial.final_loss, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  MPI_Bcast(&room->trial.failed_step, 1, MPI_INT64_T, 0, MPI_COMM_WORLD);
  MPI_Bcast(&room->trial.done_steps, 1, MPI_INT64_T, 0, MPI_COMM_WORLD);
  room->trial.series = &room->series;
}

static void check_ranks(const GraphTrainSpec *spec, const GraphSet *set, const Transition *transition)
{
  Room alone = make_room(spec, set, transition, 77, 4), together = make_room(spec, set, transition, 77, 4);
  if (rank_here == 0) train_room(MPI_COMM_SELF, spec, 4, &alone);
  share_room(&alone);
  train_room(MPI_COMM_WORLD, spec, 4, &together);
  assert_int_equal(alone.trial.failed_step, -1);
  assert_same_room("ranks", &together, &alone);
  free_room(&alone);
  free_room(&together);
}

static void any_number_of_ranks_gives_the_same_bits(void **state)
{
  static const int batch[] = {12, 0, 50}; /* an epoch's part, all, independent indices */
  (void)state;
  for (int blocks = 0; blocks < 2; blocks++) {
    GraphSet   *set        = make_set(30, 0.4, blocks, true);
    Transition *transition = make_transition(set, T);
    for (int kind = 0; kind <= DENOISER_TRANSFORMER; kind++)
      for (int i = 0; i < (kind < DENOISER_TRANSFORMER ? 3 : blocks); i++) {
        GraphTrainSpec spec = make_spec((DenoiserKind)kind, set, T, 9, batch[i]);
        spec.shards         = i == 2 ? 8 : 4;
        spec.noise          = i == 1 ? EDGE_NOISE_DETERMINISTIC : EDGE_NOISE_RANDOM;
        check_ranks(&spec, set, transition);
      }
    transition_destroy(&transition);
    graph_set_destroy(&set);
  }
}

static void levels_and_records_do_not_show(void **state)
{
  GraphSet   *set        = make_set(30, 0.4, true, true);
  Transition *transition = make_transition(set, T);
  (void)state;
  for (int kind = 0; kind <= DENOISER_TRANSFORMER; kind++) {
    const GraphTrainSpec spec   = make_spec((DenoiserKind)kind, set, T, kind < DENOISER_TRANSFORMER ? 15 : 4, 16);
    Room                 silent = make_room(&spec, set, transition, 5, 3);
    train_room(MPI_COMM_SELF, &spec, 0, &silent);
    for (int isa = 0; isa <= (int)isa_level(); isa++) {
      Room room         = make_room(&spec, set, transition, 5, 3);
      room.trial.series = &room.series;
      bool stopped;
      assert_int_equal(graph_train_run_on(MPI_COMM_SELF, (IsaLevel)isa, &spec, 3, &room.trial, NULL, &stopped), 0);
      assert_same_room("level", &room, &silent);
      free_room(&room);
    }
    free_room(&silent);
  }
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

static void check_reference(const GraphTrainSpec *spec, const GraphSet *set, const Transition *transition)
{
  Room    fast = make_room(spec, set, transition, 5, 1), slow = make_room(spec, set, transition, 5, 1);
  double *loss = calloc((size_t)spec->steps, sizeof *loss);
  assert_non_null(loss);
  train_room(MPI_COMM_SELF, spec, 1, &fast);
  assert_int_equal(graph_train_reference(spec, &slow.trial, loss), 0);
  for (int64_t i = 0; i < spec->steps; i++) assert_near("loss", i, fast.series.loss[i], loss[i], 1e-5 * fabs(loss[i]));
  for (int64_t i = 0; i < 2 * fast.parameters; i++) assert_near("parameter", i, (double)fast.memory[i], (double)slow.memory[i], 2e-5);
  free(loss);
  free_room(&fast);
  free_room(&slow);
}

static void the_slow_loop_agrees(void **state)
{
  GraphSet   *set        = make_set(30, 0.4, true, true);
  Transition *transition = make_transition(set, T);
  (void)state;
  for (int kind = 0; kind <= DENOISER_TRANSFORMER; kind++)
    for (int loss = 0; loss < 4; loss++) {
      const bool     slow = kind == DENOISER_TRANSFORMER; /* its reference is */
      GraphTrainSpec spec = make_spec((DenoiserKind)kind, set, T, slow ? 3 : 25, slow ? 5 : loss == 3 ? 0 : 7);
      spec.loss.kind      = (GraphLoss)loss;
      if (loss == 1) spec.optimizer = (OptimizerSpec){.kind = OPTIMIZER_SGD, .learning_rate = 0.003, .average = 0.5};
      check_reference(&spec, set, transition);
    }
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

/* --- batches --- */

static void an_epoch_has_every_graph_once(void **state)
{
  GraphSet       *set        = make_set(30, 0.4, false, true);
  Transition     *transition = make_transition(set, T);
  GraphTrainSpec  spec       = make_spec(DENOISER_FACTORED, set, T, 100, 10);
  GraphTrainTrial trial      = {.key = 3, .set = set, .transition = transition};
  GraphJob        job        = make_job(&spec, &trial, 1);
  GraphBatch      batch;
  int64_t         before[30], same = 0;
  (void)state;
  assert_int_equal(graph_batch_create(&job, &batch), 0);
  for (int epoch = 0; epoch < 6; epoch++) {
    int seen[30] = {0};
    for (int64_t step = 3 * epoch; step < 3 * epoch + 3; step++) {
      graph_order_load(&job, step);
      assert_int_equal(graph_batch_draw(&job, step, 0, &batch), 0);
      assert_int_equal(batch.count, 10);
      for (int k = 0; k < 10; k++) {
        const int place = (int)(step % 3) * 10 + k;
        seen[batch.graph[k]]++;
        same += epoch > 0 && before[place] == batch.graph[k];
        before[place] = batch.graph[k];
        assert_in_range(batch.input[k].t, 1, T);
        assert_int_equal(batch.input[k].n, set->size[batch.graph[k]]);
      }
    }
    for (int i = 0; i < 30; i++) assert_int_equal(seen[i], 1);
  }
  assert_in_range(same, 0, 17); /* of 150 places 5 stay on average */
  graph_batch_destroy(&batch);
  free_job(&job);
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

/* Samples of a step are the same however the batch is cut; times and independent indices are uniform. */
static void samples_depend_on_their_number_alone(void **state)
{
  GraphSet       *set        = make_set(30, 0.4, false, true);
  Transition     *transition = make_transition(set, T);
  GraphTrainSpec  spec       = make_spec(DENOISER_FACTORED, set, T, 400, 40);
  GraphTrainTrial trial      = {.key = 3, .set = set, .transition = transition};
  GraphJob        whole = make_job(&spec, &trial, 1), cut = make_job(&spec, &trial, 16);
  GraphBatch      all, part;
  double          time[T] = {0}, index[30] = {0}, time_square = 0, index_square = 0;
  (void)state;
  assert_int_equal(graph_batch_create(&whole, &all), 0);
  assert_int_equal(graph_batch_create(&cut, &part), 0);
  for (int64_t step = 0; step < 400; step++) {
    assert_int_equal(graph_batch_draw(&whole, step, 0, &all), 0);
    for (int k = 0; k < all.count; k++) time[all.input[k].t - 1]++, index[all.graph[k]]++;
    for (int s = 0; s < 16 && step < 20; s++) {
      assert_int_equal(graph_batch_draw(&cut, step, s, &part), 0);
      for (int k = 0; k < part.count; k++) {
        const DenoiserGraph *a = &part.input[k], *b = &all.input[graph_place(&cut, s) + k];
        assert_int_equal(a->t, b->t);
        assert_int_equal(a->dropout, b->dropout);
        assert_int_equal(part.graph[k], all.graph[graph_place(&cut, s) + k]);
        assert_memory_equal(a->edge, b->edge, pair_count(a->n));
      }
    }
  }
  for (int t = 0; t < T; t++) time_square += pow(time[t] - 16000.0 / T, 2) / (16000.0 / T);
  for (int i = 0; i < 30; i++) index_square += pow(index[i] - 16000.0 / 30, 2) / (16000.0 / 30);
  assert_near("chi-square of t", 0, time_square, T - 1, 5 * sqrt(2.0 * (T - 1)));
  assert_near("chi-square of the index", 0, index_square, 29, 5 * sqrt(2.0 * 29));
  graph_batch_destroy(&all);
  graph_batch_destroy(&part);
  free_job(&whole);
  free_job(&cut);
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

/* --- continuations, stops, failures --- */

static void a_continuation_is_the_uninterrupted_run(void **state)
{
  GraphSet   *set        = make_set(30, 0.4, true, true);
  Transition *transition = make_transition(set, T);
  (void)state;
  for (int kind = 0; kind <= DENOISER_TRANSFORMER; kind++)
    for (int sgd = 0; sgd < (kind < DENOISER_TRANSFORMER ? 2 : 1); sgd++) {
      GraphTrainSpec spec = make_spec((DenoiserKind)kind, set, T, 20, 8);
      spec.shards         = 4;
      if (sgd) spec.optimizer = (OptimizerSpec){.kind = OPTIMIZER_SGD, .learning_rate = 0.1, .momentum = 0.5};
      Room whole = make_room(&spec, set, transition, 5, 4), parts = make_room(&spec, set, transition, 5, 4);
      if (sgd) whole.trial.average = parts.trial.average = NULL;
      train_room(MPI_COMM_WORLD, &spec, 4, &whole);
      for (int64_t stop = 0; stop <= 20; stop += 20) { /* nothing done, all done */
        Room none             = make_room(&spec, set, transition, 5, 4);
        none.trial.average    = parts.trial.average ? none.trial.average : NULL;
        none.trial.given      = stop > 0;
        none.trial.first_step = stop;
        if (stop > 0) memcpy(none.memory, whole.memory, (size_t)whole.n_memory * sizeof(float));
        train_room(MPI_COMM_WORLD, &spec, 0, &none);
        assert_same_floats("nothing or all", whole.n_memory, none.memory, whole.memory);
        free_room(&none);
      }
      free_room(&whole);
      free_room(&parts);
    }
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

typedef struct Stop {
  int     asked, after;
  int64_t done, total;
} Stop;

static bool stop_now(void *ctx)
{
  Stop *s = ctx;
  return s->asked++ >= s->after;
}

static void note(void *ctx, const char *phase, int64_t done, int64_t total)
{
  Stop *s = ctx;
  assert_string_equal(phase, "train");
  s->done  = done;
  s->total = total;
}

static void a_stopped_trial_goes_on(void **state)
{
  GraphSet      *set        = make_set(30, 0.4, true, true);
  Transition    *transition = make_transition(set, T);
  GraphTrainSpec spec       = make_spec(DENOISER_EDGE_MLP, set, T, 3000, 8);
  Room           whole = make_room(&spec, set, transition, 5, 100), parts = make_room(&spec, set, transition, 5, 100);
  int            calls = 0;
  bool           stopped;
  (void)state;
  train_room(MPI_COMM_WORLD, &spec, 100, &whole);
  parts.trial.series = &parts.series;
  for (stopped = true; stopped; calls++) {
    Stop        stop  = {.after = 5};
    const Watch watch = {.progress = note, .stop = stop_now, .ctx = &stop};
    assert_int_equal(graph_train_run(MPI_COMM_WORLD, &spec, 100, &parts.trial, &watch, &stopped), 0);
    assert_true(!stopped || (parts.trial.done_steps > parts.trial.first_step && stop.done == parts.trial.done_steps && stop.total == 3000));
    parts.trial.first_step = parts.trial.done_steps;
    parts.trial.given      = true;
    if (calls > 5) parts.trial.series = &parts.series; /* and then without a watch */
    if (calls < 3 || !stopped) continue;
    train_room(MPI_COMM_WORLD, &spec, 100, &parts);
    stopped = false;
  }
  assert_true(calls > 1);
  parts.trial.final_loss = whole.trial.final_loss; /* of its own last steps */
  assert_same_room("stopped and continued", &parts, &whole);
  free_room(&whole);
  free_room(&parts);
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

static void a_loss_that_is_not_finite_ends_the_trial(void **state)
{
  GraphSet      *set        = make_set(30, 0.4, false, false);
  Transition    *transition = make_transition(set, T);
  GraphTrainSpec spec       = make_spec(DENOISER_EDGE_MLP, set, T, 20, 8);
  spec.optimizer            = (OptimizerSpec){.kind = OPTIMIZER_SGD, .learning_rate = 1e38};
  Room room                 = make_room(&spec, set, transition, 5, 2);
  (void)state;
  train_room(MPI_COMM_WORLD, &spec, 2, &room);
  assert_in_range(room.trial.failed_step, 1, 19);
  assert_int_equal(room.trial.done_steps, room.trial.failed_step);
  for (int64_t k = 0; k < room.rows; k++) assert_int_equal(isfinite(room.series.loss[k]), room.series.step[k] < room.trial.failed_step);
  assert_true(isnan(room.series.share[room.n_numbers > 0 ? (room.rows - 1) * TERM_CLASSES : 0]));
  free_room(&room);
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

/* One vertex, no edge, everything joined, pieces; and one graph alone. */
static void odd_graphs_are_trained_on(void **state)
{
  GraphSet   *set        = make_set(10, 0.4, false, false);
  Transition *transition = make_transition(set, T);
  (void)state;
  for (int64_t i = 0; i < set->count; i++) {
    set->size[i] = (uint8_t)(i < 3 ? 1 + i : 8);
    memset(set->edge + i * 28, i == 9, 28);
    if (i < 9) memset(set->edge + i * 28, 0, 28);
    set->edge[i * 28] = i % 2 == 0 && i > 0;
    memset(set->bridge + i * 28, 0, 28);
    memset(set->resistance + i * 28, 0, 28 * sizeof(double));
  }
  for (int kind = 0; kind <= DENOISER_TRANSFORMER; kind++)
    for (int one = 0; one < 2; one++) {
      GraphTrainSpec spec = make_spec((DenoiserKind)kind, set, T, 4, one ? 3 : 0);
      set->count          = one ? 1 : 10;
      Room room           = make_room(&spec, set, transition, 5, 2);
      train_room(MPI_COMM_SELF, &spec, 2, &room);
      assert_int_equal(room.trial.failed_step, -1);
      for (int64_t i = 0; i < room.n_memory; i++) assert_true(isfinite(room.memory[i]));
      for (int64_t k = 0; k < room.rows; k++)
        assert_true(isnan(room.series.probe[k * TERM_CLASSES * PROBE_TIMES + PROBE_TIMES * TERMS_INTRA]) == one);
      free_room(&room);
    }
  set->count = 10;
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

static void bad_specifications_are_sentences(void **state)
{
  GraphSet      *set  = make_set(10, 0.4, false, false);
  GraphTrainSpec good = make_spec(DENOISER_EDGE_MLP, set, T, 10, 8), bad = good;
  char           message[256];
  (void)state;
  assert_null(graph_train_check(&good, 8, message));
  assert_non_null(graph_train_check(&good, 0, message));
  bad.shards = 3;
  assert_non_null(strstr(graph_train_check(&bad, 8, message), "power of two"));
  bad.shards = 16;
  assert_non_null(graph_train_check(&bad, 8, message));
  bad                        = good;
  bad.denoiser.pair_features = 3;
  assert_non_null(strstr(graph_train_check(&bad, 8, message), "expects 0, 3 and 0"));
  assert_int_equal(graph_train_batch(&good, 10), 8);
  assert_int_equal(graph_train_recorded(10, 3), 5);
  assert_int_equal(graph_train_recorded(9, 3), 4);
  assert_int_equal(graph_train_recorded(9, 0), 0);
  for (int batch = 0; batch < 5000; batch = batch * 2 + 1)
    for (int kind = 0; kind <= DENOISER_TRANSFORMER; kind++) {
      GraphTrainSpec s   = {.denoiser.kind = (DenoiserKind)kind, .batch = batch};
      const int      got = graph_train_default_shards(&s, 3), all = graph_train_batch(&s, 3);
      assert_true(got >= 1 && got <= all && (got & (got - 1)) == 0 && got <= (kind < DENOISER_EDGE_MLP ? 16 : 4));
    }
  graph_set_destroy(&set);
}

/* --- what is learned --- */

/* The factored denoiser on all graphs at once: P~ of every pair, and never or always where the data say so. */
static void factored_learns_the_tilted_frequency(void **state)
{
  static const double lambda[] = {0, 9};
  (void)state;
  for (int i = 0; i < 2; i++) {
    GraphSet      *set        = make_set(200, 0.1, false, false);
    Transition    *transition = make_transition(set, T);
    GraphTrainSpec spec       = make_spec(DENOISER_FACTORED, set, T, 400, 0);
    spec.shards               = 4;
    spec.loss                 = (GraphLossSpec){.kind = LOSS_EDGE_WEIGHTED, .lambda = lambda[i], .lambda_e = 1};
    spec.optimizer            = (OptimizerSpec){.kind          = OPTIMIZER_ADAM,
                                                .learning_rate = 0.1,
                                                .beta1         = 0.9,
                                                .beta2         = 0.999,
                                                .delta         = 1e-8,
                                                .rate          = RATE_COSINE,
                                                .rate_factor   = 0.01};
    Room          room        = make_room(&spec, set, transition, 5, 0);
    double        expected[28];
    GraphSetStats stats;
    int           random = 0;
    train_room(MPI_COMM_WORLD, &spec, 0, &room);
    assert_int_equal(graph_set_stats(set, &stats), 0);
    exact_pair_frequency(&spec.loss, set, &stats, expected);
    for (int p = 0; p < 28; p++) {
      const double logit = (double)room.memory[2 * p + 1] - (double)room.memory[2 * p];
      if (expected[p] > 0 && expected[p] < 1) {
        assert_near("logit of a pair", p, logit, log(expected[p] / (1 - expected[p])), 0.1);
        random++;
      } else
        assert_true(expected[p] > 0 ? logit > 4 : logit < -4);
    }
    assert_in_range(random, 10, 13); /* twelve of the cliques, one bridge */
    graph_set_stats_clear(&stats);
    free_room(&room);
    transition_destroy(&transition);
    graph_set_destroy(&set);
  }
}

int main(int argc, char **argv)
{
  MPI_Init(&argc, &argv);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks_here);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_here);
  if (rank_here != 0 && (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))) return 1;
  const struct CMUnitTest together[] = {
      cmocka_unit_test(any_number_of_ranks_gives_the_same_bits),
      cmocka_unit_test(a_continuation_is_the_uninterrupted_run),
      cmocka_unit_test(a_stopped_trial_goes_on),
      cmocka_unit_test(a_loss_that_is_not_finite_ends_the_trial),
      cmocka_unit_test(factored_learns_the_tilted_frequency),
  };
  const struct CMUnitTest alone[] = {
      cmocka_unit_test(levels_and_records_do_not_show), cmocka_unit_test(the_slow_loop_agrees),
      cmocka_unit_test(an_epoch_has_every_graph_once),  cmocka_unit_test(samples_depend_on_their_number_alone),
      cmocka_unit_test(odd_graphs_are_trained_on),      cmocka_unit_test(bad_specifications_are_sentences),
  };
  int failed = cmocka_run_group_tests_name("graph training on ranks", together, NULL, NULL);
  if (ranks_here == 1) failed += cmocka_run_group_tests_name("graph training", alone, NULL, NULL);
  MPI_Finalize();
  return failed;
}
