/* SPDX-License-Identifier: BSD-2-Clause
 * The results file: what is written is read back bit by bit (values are recomputed from the keys), on one and on two ranks, also while it
 * is written; states and messages; taking rows over. */
#include "results_tests.h"

static void round_trip(FixtureArrays arrays, int recorded, bool shrink)
{
  const char *path = in(shared_directory, "round.h5");
  Fixture     f;
  assert_int_equal(fixture_create(&f, arrays, 3, three, recorded), 0);
  create_and_write(MPI_COMM_WORLD, path, &f, 2, shrink);
  assert_all_rows(&f, path, shrink);
  assert_sound(path, 12);
  fixture_destroy(&f);
  MPI_Barrier(MPI_COMM_WORLD);
}

static void test_dense(void **state)
{
  (void)state;
  round_trip(ARRAYS_DENSE, 2, false);
  round_trip(ARRAYS_DENSE, 5, true); /* used parts smaller than the declared block */
}

static void test_ragged(void **state)
{
  (void)state;
  round_trip(ARRAYS_RAGGED, 3, true);
  round_trip(ARRAYS_UNDEFINED, 2, false);
}

static void test_none_recorded(void **state)
{
  (void)state;
  round_trip(ARRAYS_DENSE, 0, false);
  round_trip(ARRAYS_RAGGED, 0, false);
}

static void test_head_and_axes(void **state)
{
  (void)state;
  const char   *path = in(own_directory, "head.h5");
  Fixture       f;
  ResultsTable *t;
  assert_int_equal(fixture_create(&f, ARRAYS_RAGGED, 3, three, 1), 0);
  f.low[3] = 0.25; /* connected at point 1 */
  assert_int_equal(results_create(path, &f.plan, NULL, NULL, error, sizeof error), 0);
  read_file(path, true, &t);
  assert_string_equal(t->experiment, "barbell");
  assert_string_equal(t->title, "Fixture \"I\"");
  assert_string_equal(t->version, "0.1.0");
  assert_string_equal(t->merit_unit, "trials/s");
  assert_string_equal(t->scientific, "seed: 7\n");
  assert_string_equal(t->input, "schema: myopia/1\nexperiment: barbell\n");
  assert_string_equal(t->execution, "sync: 60\n");
  assert_int_equal(strlen(t->date), 20);
  assert_int_equal(t->n_recorded, 3);
  assert_int_equal(t->n_axes, 3);
  assert_string_equal(t->axis[0].string[4], "weighted");
  assert_true(t->axis[1].integer && isnan(t->axis[1].number[0]) && t->axis[1].number[4] == 1 && t->axis[1].number[11] == 2);
  assert_true(!t->axis[2].integer && t->axis[2].number[0] == 0.1 && isnan(t->axis[2].number[9]));
  assert_int_equal(t->n_metrics, 3);
  assert_true(t->metric[0].event && !t->metric[1].event);
  assert_string_equal(t->metric[2].unit, "s");
  assert_true(t->metric[0].exact[0] == 0.4380 && t->metric[0].published[0] == 0.46 && t->metric[0].published_n[0] == 500);
  assert_true(isnan(t->metric[0].exact[1]) && t->metric[0].expect_low[1] == 0.25 && isnan(t->metric[0].expect_high[1]));
  for (int64_t row = 0; row < 12; row++)
    assert_true(t->state[row] == TRIAL_PENDING && isnan(t->metric[1].value[row]) && t->attempt[row] == 0);
  results_table_destroy(&t);
  assert_sound(path, 0);
  fixture_destroy(&f);
}

static uint8_t sides[3][3] = {{1, 0, 1}, {0, 1, 0}, {0, 0, 0}};

static ResultsClaim some_claims[2] = {
    {.claim  = {.text    = "the first, \xc3\xa9",
                .metric  = {"connected", "rse"},
                .where   = {"k=1", "method=oracle"},
                .compare = CLAIM_RATIO,
                .bound   = CLAIM_WITHIN,
                .low     = 0.1,
                .high    = 0.30000000000000004},
     .member = {sides[0], sides[1]}},
    {.claim = {.text = "b", .metric = {"rse", "rse"}, .bound = CLAIM_BELOW, .low = -INFINITY, .high = 0}, .member = {sides[1], sides[2]}}};

/* Claims come back as they were, stand in a takeover, and leave a file without any as it always was. */
static void test_claims(void **state)
{
  (void)state;
  const char   *path = in(own_directory, "claims.h5"), *second = in(own_directory, "claims2.h5");
  Fixture       f;
  ResultsTable *t;
  struct stat   info;
  assert_int_equal(fixture_create(&f, ARRAYS_RAGGED, 3, three, 1), 0);
  assert_int_equal(results_create(path, &f.plan, NULL, NULL, error, sizeof error), 0);
  read_file(path, true, &t);
  assert_int_equal(t->n_claims, 0);
  results_table_destroy(&t);
  f.plan.n_claims = 2;
  f.plan.claim    = some_claims;
  assert_int_equal(results_create(second, &f.plan, path, NULL, error, sizeof error), 0);
  assert_int_equal(stat(second, &info), 0);
  if (results_predict_bytes(&f.plan) < info.st_size)
    fail_msg("predicted %lld bytes, the file has %lld", (long long)results_predict_bytes(&f.plan), (long long)info.st_size);
  read_file(second, true, &t);
  assert_int_equal(t->n_claims, 2);
  for (int i = 0; i < 2; i++) {
    const Claim *x = &some_claims[i].claim, *y = &t->claim[i].claim;
    assert_string_equal(x->text, y->text);
    for (int side = 0; side < CLAIM_SIDES; side++) {
      assert_string_equal(x->metric[side], y->metric[side]);
      assert_string_equal(x->where[side], y->where[side]);
      assert_memory_equal(some_claims[i].member[side], t->claim[i].member[side], 3);
    }
    assert_true(x->compare == y->compare && x->bound == y->bound && x->low == y->low && x->high == y->high);
  }
  results_table_destroy(&t);
  assert_sound(second, 0);
  fixture_destroy(&f);
}

static void test_size(void **state)
{
  (void)state;
  const char *path = in(own_directory, "size.h5");
  struct stat info;
  for (int arrays = ARRAYS_DENSE; arrays <= ARRAYS_RAGGED; arrays++) {
    Fixture f;
    assert_int_equal(fixture_create(&f, (FixtureArrays)arrays, 3, three, 2), 0);
    assert_int_equal(results_create(path, &f.plan, NULL, NULL, error, sizeof error), 0);
    assert_int_equal(stat(path, &info), 0);
    const int64_t predicted = results_predict_bytes(&f.plan);
    if (predicted < info.st_size || predicted > 3 * info.st_size / 2)
      fail_msg("predicted %lld bytes, the file has %lld", (long long)predicted, (long long)info.st_size);
    if (info.st_blocks * 512 < info.st_size)
      fail_msg("%lld bytes reserved of %lld", (long long)info.st_blocks * 512, (long long)info.st_size);
    fixture_destroy(&f);
  }
}

/* What is in the file after any rank died: readable, and writable again, without anybody having closed it. */
static void test_read_while_written(void **state)
{
  (void)state;
  const char    *path = in(shared_directory, "live.h5"), *copy = in(own_directory, "copy.h5");
  char           command[300];
  Fixture        f;
  ResultsWriter *w;
  ResultsTable  *t;
  assert_int_equal(fixture_create(&f, ARRAYS_RAGGED, 3, three, 1), 0);
  if (rank == 0) assert_int_equal(results_create(path, &f.plan, NULL, NULL, error, sizeof error), 0);
  MPI_Barrier(MPI_COMM_WORLD);
  assert_int_equal(results_open(MPI_COMM_WORLD, path, &f.plan, &w), 0);
  write_all(MPI_COMM_WORLD, w, &f, 2, false, 1);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) assert_int_equal(results_mark_running(w, 5, 2), 0);
  MPI_Barrier(MPI_COMM_WORLD);
  assert_int_equal(results_read(path, true, true, &t, error, sizeof error), 0);
  for (int64_t row = 0; row < 12; row++) assert_int_equal(t->state[row], row == 5 || row == 6 ? TRIAL_RUNNING : TRIAL_DONE);
  results_table_destroy(&t);
  read_file(path, true, &t);
  assert_int_equal(t->state[5], TRIAL_INTERRUPTED);
  results_table_destroy(&t);
  snprintf(command, sizeof command, "cp %s %s", path, copy);
  assert_int_equal(system(command), 0);
  MPI_Barrier(MPI_COMM_WORLD);
  assert_int_equal(results_close(&w), 0);
  assert_int_equal(results_open(MPI_COMM_SELF, copy, &f.plan, &w), 0);
  write_all(MPI_COMM_SELF, w, &f, 9, false, 1);
  assert_int_equal(results_close(&w), 0);
  assert_all_rows(&f, copy, false);
  fixture_destroy(&f);
}

/* The order of writes leaves no trace: same bytes in every deterministic data set. */
static void test_order_leaves_no_trace(void **state)
{
  (void)state;
  const char   *a = in(shared_directory, "a.h5"), *b = in(own_directory, "b.h5");
  Fixture       f;
  ResultsTable *s, *t;
  assert_int_equal(fixture_create(&f, ARRAYS_RAGGED, 3, three, 2), 0);
  create_and_write(MPI_COMM_WORLD, a, &f, 1, true);
  create_and_write(MPI_COMM_SELF, b, &f, 5, true);
  read_file(a, true, &s);
  read_file(b, true, &t);
  assert_memory_equal(s->checksum, t->checksum, 12 * sizeof *s->checksum);
  for (int m = 0; m < s->n_metrics; m++) assert_memory_equal(s->metric[m].value, t->metric[m].value, 12 * sizeof(double));
  results_table_destroy(&s);
  results_table_destroy(&t);
  fixture_destroy(&f);
  MPI_Barrier(MPI_COMM_WORLD);
}

/* --- states --- */

static void test_states_and_messages(void **state)
{
  (void)state;
  const char    *path   = in(own_directory, "states.h5");
  const int64_t  much[] = {99, 99}, less[] = {1};
  Fixture        f;
  ResultsWriter *w;
  ResultsTable  *t;
  Result        *r;
  Text           report = {0};
  int64_t        counts[TRIAL_STATES];
  assert_int_equal(fixture_create(&f, ARRAYS_RAGGED, 3, three, 2), 0);
  assert_int_equal(results_create(path, &f.plan, NULL, NULL, error, sizeof error), 0);
  assert_int_equal(results_open(MPI_COMM_SELF, path, &f.plan, &w), 0);
  assert_int_equal(fixture_fill(&f, 4, 5, false, &r), 0);
  result_fail(r, 0, "loss is NaN at step %d", 12);
  result_fail(r, 0, "a second reason");
  result_invalid(
      r, 1, "%s",
      "sum of probabilities 0.9 instead of 1, and then some more text that goes on beyond the end of the column it is written to");
  result_timeout(r, 2);
  result_interrupted(r, 3);
  assert_int_equal(result_array_shape(r, "label", 4, much), 0);
  assert_int_equal(result_array_shape(r, "kept", 0, less), 0);
  assert_string_equal(result_message(r, 4), "label: 99 x 99 does not fit into the declared 2 x 5");
  assert_int_equal(results_write(w, 4, r, 1, 1, NULL, error, sizeof error), 0);
  result_destroy(&r);
  read_file(path, true, &t);
  const int want[] = {TRIAL_FAILED, TRIAL_INVALID, TRIAL_TIMEOUT, TRIAL_INTERRUPTED, TRIAL_FAILED};
  for (int i = 0; i < 5; i++) {
    assert_int_equal(t->state[4 + i], want[i]);
    assert_true(t->intact[4 + i] && isnan(t->metric[0].value[4 + i]));
    assert_int_equal(t->checksum[4 + i] == 0, want[i] == TRIAL_INTERRUPTED);
  }
  assert_string_equal(t->message[4], "loss is NaN at step 12");
  assert_int_equal(strlen(t->message[5]), RESULT_MESSAGE_MAX - 1);
  results_table_destroy(&t);
  if (results_verify(path, true, &report, counts) != 0) fail_msg("verify found: %s", text_string(&report));
  assert_int_equal(counts[TRIAL_FAILED], 2);
  assert_int_equal(counts[TRIAL_PENDING], 7);
  text_clear(&report);
  /* the same rows again, in a second attempt: nothing of the first is left */
  assert_int_equal(fixture_fill(&f, 4, 5, false, &r), 0);
  assert_int_equal(results_write(w, 4, r, 2, 1, NULL, error, sizeof error), 0);
  result_destroy(&r);
  read_file(path, true, &t);
  for (int i = 4; i < 9; i++) {
    assert_int_equal(t->state[i], TRIAL_DONE);
    assert_int_equal(t->attempt[i], 2);
    assert_string_equal(t->message[i], "");
    assert_metrics(&f, t, i);
  }
  results_table_destroy(&t);
  assert_sound(path, 5);
  /* rows that do not belong together, or are recorded against the plan, are refused */
  assert_int_equal(fixture_fill(&f, 0, 4, false, &r), 0);
  assert_int_not_equal(results_write(w, 2, r, 1, 1, NULL, error, sizeof error), 0);
  assert_int_not_equal(results_write(w, 10, r, 1, 1, NULL, error, sizeof error), 0);
  result_destroy(&r);
  assert_int_equal(results_close(&w), 0);
  fixture_destroy(&f);
}

/* --- taking rows over --- */

static void test_takeover(void **state)
{
  (void)state;
  const char   *path   = in(own_directory, "extend.h5");
  const int     more[] = {6, 5, 3, 2};
  int64_t       taken  = -1;
  Fixture       f, g;
  ResultsTable *t;
  Recorded     *r;
  hid_t         file;
  H5Error       e = {0};
  assert_int_equal(fixture_create(&f, ARRAYS_RAGGED, 3, three, 2), 0);
  create_and_write(MPI_COMM_SELF, path, &f, 5, true);
  flip(path, offset_of(path, "/metrics/rse") + 8 * 10); /* the second row of point 2 */
  assert_int_equal(fixture_create(&g, ARRAYS_RAGGED, 4, more, 2), 0);
  g.record[1]     = false; /* old recorded it, new does not: taken without */
  g.record[6 + 3] = true;  /* new records it, old did not: to be run again */
  g.point[2].stream ^= 1;  /* same identity, other random numbers: not taken */
  if (results_create(path, &g.plan, path, &taken, error, sizeof error)) fail_msg("%s", error);
  assert_int_equal(taken, 4 + 4);
  read_file(path, true, &t);
  assert_int_equal(results_file_open(path, &file, &e), 0);
  assert_int_equal(recorded_open(file, &r, &e), 0);
  for (int64_t row = 0; row < t->n_rows; row++) {
    const bool expected = row < 4 || (row >= 6 && row < 11 && row != 9);
    assert_int_equal(t->state[row], expected ? TRIAL_DONE : TRIAL_PENDING);
    assert_true(t->intact[row]);
    if (!expected) {
      assert_true(isnan(t->metric[0].value[row]) && isnan(t->wall[row]) && t->attempt[row] == 0 && t->checksum[row] == 0);
      continue;
    }
    assert_true(t->wall[row] == 0.5 && t->attempt[row] == 1 && t->ranks[row] == 1);
    assert_metrics(&g, t, row);
    assert_arrays(&g, r, t, row, true);
  }
  recorded_destroy(&r);
  H5Fclose(file);
  results_table_destroy(&t);
  assert_sound(path, 8);
  assert_int_equal(access(in(own_directory, "extend.h5.tmp"), F_OK), -1);
  fixture_destroy(&f);
  fixture_destroy(&g);
}

/* An older file that cannot be read must not cost it its place. */
static void test_takeover_of_a_damaged_file(void **state)
{
  (void)state;
  const char *path = in(own_directory, "bad.h5");
  char        text[64];
  Fixture     f;
  assert_int_equal(fixture_create(&f, ARRAYS_DENSE, 3, three, 1), 0);
  write_text(path, "precious");
  assert_int_not_equal(results_create(path, &f.plan, path, NULL, error, sizeof error), 0);
  assert_contains(error, "not an HDF5 file");
  FILE *file = fopen(path, "rb");
  assert_non_null(fgets(text, sizeof text, file));
  fclose(file);
  assert_string_equal(text, "precious");
  fixture_destroy(&f);
}

static void test_same_plan(void **state)
{
  (void)state;
  const char   *path    = in(own_directory, "same.h5");
  const int     other[] = {4, 6, 2};
  Fixture       f, g;
  ResultsTable *t;
  assert_int_equal(fixture_create(&f, ARRAYS_DENSE, 3, three, 1), 0);
  assert_int_equal(results_create(path, &f.plan, NULL, NULL, error, sizeof error), 0);
  read_file(path, false, &t);
  if (!results_same_plan(t, &f.plan, error, sizeof error)) fail_msg("%s", error);
  f.record[0] = false;
  assert_false(results_same_plan(t, &f.plan, error, sizeof error));
  assert_contains(error, "recorded");
  f.record[0] = true;
  f.point[1].stream++;
  assert_false(results_same_plan(t, &f.plan, error, sizeof error));
  assert_contains(error, "row 4");
  assert_int_equal(fixture_create(&g, ARRAYS_DENSE, 3, other, 1), 0);
  assert_false(results_same_plan(t, &g.plan, error, sizeof error));
  assert_contains(error, "point 1");
  g.table.experiment = "chain";
  assert_false(results_same_plan(t, &g.plan, error, sizeof error));
  assert_contains(error, "chain");
  results_table_destroy(&t);
  fixture_destroy(&f);
  fixture_destroy(&g);
}

static int tests(void)
{
  const struct CMUnitTest list[] = {
      cmocka_unit_test(test_dense),
      cmocka_unit_test(test_ragged),
      cmocka_unit_test(test_none_recorded),
      cmocka_unit_test(test_head_and_axes),
      cmocka_unit_test(test_claims),
      cmocka_unit_test(test_size),
      cmocka_unit_test(test_read_while_written),
      cmocka_unit_test(test_order_leaves_no_trace),
      cmocka_unit_test(test_states_and_messages),
      cmocka_unit_test(test_takeover),
      cmocka_unit_test(test_takeover_of_a_damaged_file),
      cmocka_unit_test(test_same_plan),
  };
  return cmocka_run_group_tests(list, NULL, NULL);
}

int main(int argc, char **argv) { return run_on_ranks(&argc, &argv, tests); }
