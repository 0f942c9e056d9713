/* SPDX-License-Identifier: BSD-2-Clause
 * What can go wrong with a results file: every flipped byte of a row is noticed, damaged, foreign and truncated files are refused with
 * one sentence, and every way to fail on creation or in a write leaves everything as it was. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "results_tests.h"

/* --- damage --- */

/* Flips each of n bytes; verify must name `row` (or, for -1, anything). */
static void assert_noticed(const char *path, const char *what, long position, int n, int row)
{
  char name[32];
  snprintf(name, sizeof name, "row %d:", row);
  for (int i = 0; i < n; i++) {
    Text    report = {0};
    int64_t counts[TRIAL_STATES];
    flip(path, position + i);
    const int64_t found = results_verify(path, true, &report, counts);
    if (found == 0) fail_msg("byte %d of %s of row %d was changed, and verify found nothing", i, what, row);
    if (row >= 0) assert_contains(text_string(&report), name);
    text_clear(&report);
    flip(path, position + i);
  }
}

static void test_flipped_bytes_of_a_row(void **state)
{
  (void)state;
  const char *path = in(own_directory, "flip.h5");
  const int   row  = 5; /* second of point 1, recorded */
  Fixture     f;
  assert_int_equal(fixture_create(&f, ARRAYS_RAGGED, 3, three, 2), 0);
  create_and_write(MPI_COMM_SELF, path, &f, 5, false);
  static const struct {
    const char *path;
    int         width;
  } column[] = {{"/metrics/connected", 8}, {"/metrics/rse", 8}, {"/metrics/extra", 8},    {"/trials/state", 1},   {"/trials/key", 8},
                {"/trials/id", 8},         {"/trials/seed", 8}, {"/trials/replicate", 8}, {"/trials/checksum", 8}};
  for (size_t i = 0; i < sizeof column / sizeof *column; i++)
    assert_noticed(path, column[i].path, offset_of(path, column[i].path) + row * column[i].width, column[i].width, row);
  assert_noticed(path, "message", offset_of(path, "/trials/message") + row * RESULT_MESSAGE_MAX, 3, row);
  /* recorded trial 3 = row 5; blocks of point 0 hold 3 elements (or 3 x 3, 2 x 3), those of point 1 five */
  assert_noticed(path, "kept", offset_of(path, "/arrays/kept") + (3 + 3 + 5), 5, row);
  assert_noticed(path, "p", offset_of(path, "/series/p") + 8 * (9 + 9 + 15), 16, row);
  assert_noticed(path, "label", offset_of(path, "/arrays/label") + 8 * (6 + 6 + 10), 16, row);
  assert_noticed(path, "label_shape", offset_of(path, "/arrays/label_shape") + 16 * 3, 16, row);
  /* what is written once, at creation */
  assert_noticed(path, "k", offset_of(path, "/trials/k") + 8 * row, 8, -1);
  assert_noticed(path, "method", offset_of(path, "/trials/method") + 64 * row, 8, -1);
  assert_noticed(path, "exact", offset_of(path, "/points/exact/connected"), 8, -1);
  assert_noticed(path, "record", offset_of(path, "/trials/record") + 8 * row, 8, row);
  assert_noticed(path, "offset", offset_of(path, "/arrays/kept_offset") + 8, 8, -1);
  assert_noticed(path, "input", offset_of(path, "/provenance/input"), 8, -1);
  assert_noticed(path, "superblock", 0, 48, -1);
  assert_sound(path, 12);
  fixture_destroy(&f);
}

/* A damaged row is pending again; the others stand. */
static void test_damaged_row_is_pending(void **state)
{
  (void)state;
  const char   *path = in(own_directory, "row.h5");
  Fixture       f;
  ResultsTable *t;
  assert_int_equal(fixture_create(&f, ARRAYS_DENSE, 3, three, 0), 0);
  create_and_write(MPI_COMM_SELF, path, &f, 5, false);
  flip(path, offset_of(path, "/metrics/rse") + 8 * 7 + 2);
  read_file(path, true, &t);
  for (int64_t row = 0; row < 12; row++) {
    assert_int_equal(t->state[row], row == 7 ? TRIAL_PENDING : TRIAL_DONE);
    assert_int_equal(t->intact[row], row != 7);
  }
  results_table_destroy(&t);
  fixture_destroy(&f);
}

/* Anywhere else: an error, a finding, or nothing that matters; never a crash, and always a whole sentence. */
static void test_flipped_bytes_anywhere(void **state)
{
  (void)state;
  const char *path = in(own_directory, "any.h5");
  struct stat info;
  Fixture     f;
  int64_t     errors = 0, findings = 0;
  assert_int_equal(fixture_create(&f, ARRAYS_RAGGED, 3, three, 2), 0);
  create_and_write(MPI_COMM_SELF, path, &f, 5, false);
  assert_int_equal(stat(path, &info), 0);
  for (int i = 0; i < 150; i++) {
    const long position = (long)(fixture_number(99, "position", i) * (double)info.st_size);
    Text       report   = {0};
    int64_t    counts[TRIAL_STATES];
    flip(path, position);
    const int64_t found = results_verify(path, true, &report, counts);
    if (found < 0) {
      errors++;
      assert_contains(text_string(&report), path);
      assert_int_equal(counts[TRIAL_DONE], 0);
    } else {
      findings += found > 0;
      assert_int_equal(found > 0, report.length > 0);
    }
    text_clear(&report);
    flip(path, position);
  }
  assert_sound(path, 12);
  if (errors < 10 || findings < 5)
    fail_msg("of 150 flipped bytes only %d made the file unreadable and %d were found", (int)errors, (int)findings);
  fixture_destroy(&f);
}

static void assert_unreadable(const char *path, const char *why)
{
  ResultsTable *t    = NULL;
  const int     code = results_read(path, true, false, &t, error, sizeof error);
  if (code <= 0 || t) fail_msg("%s was read", path);
  assert_contains(error, path);
  assert_contains(error, why);
}

static void test_files_that_are_none(void **state)
{
  (void)state;
  const char   *path  = in(own_directory, "none.h5");
  const int64_t newer = 2;
  struct stat   info;
  Fixture       f;
  h5_start();
  assert_unreadable(in(own_directory, "missing.h5"), "No such file");
  assert_unreadable(own_directory, "not a regular file");
  write_text(path, "");
  assert_unreadable(path, "empty");
  write_text(path, "row,method\n0,random\n");
  assert_unreadable(path, "not an HDF5 file");
  H5Fclose(H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  assert_unreadable(path, "not a results file of myopia");
  assert_int_equal(fixture_create(&f, ARRAYS_DENSE, 3, three, 1), 0);
  assert_int_equal(results_create(path, &f.plan, NULL, NULL, error, sizeof error), 0);
  assert_int_equal(stat(path, &info), 0);
  for (int i = 1; i < 8; i++) {
    assert_int_equal(truncate(path, info.st_size * (8 - i) / 8), 0);
    assert_unreadable(path, "truncated");
  }
  assert_int_equal(results_create(path, &f.plan, NULL, NULL, error, sizeof error), 0);
  const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), attribute = H5Aopen(file, "schema_version", H5P_DEFAULT);
  assert_true(H5Awrite(attribute, H5T_NATIVE_INT64, &newer) >= 0);
  H5Aclose(attribute);
  H5Fclose(file);
  assert_unreadable(path, "newer myopia");
  fixture_destroy(&f);
}

/* --- failing to create --- */

static void assert_not_created(const char *path, const ResultsPlan *plan, int code, const char *why)
{
  char tmp[160];
  snprintf(tmp, sizeof tmp, "%s.tmp", path);
  const int got = results_create(path, plan, NULL, NULL, error, sizeof error);
  if (got != code) fail_msg("%s: expected code %d (%s), got %d: %s", path, code, strerror(code), got, error);
  assert_contains(error, path);
  assert_contains(error, why);
  assert_null(strchr(error, '\n'));
  assert_int_equal(access(tmp, F_OK), -1);
}

static void test_cannot_create(void **state)
{
  (void)state;
  const char *path = in(own_directory, "kept.h5");
  Fixture     f;
  assert_int_equal(fixture_create(&f, ARRAYS_DENSE, 3, three, 1), 0);
  create_and_write(MPI_COMM_SELF, path, &f, 5, false);
  assert_not_created(in(own_directory, "no/such/x.h5"), &f.plan, ENOENT, strerror(ENOENT));
  assert_not_created(in(own_directory, "kept.h5/x.h5"), &f.plan, ENOTDIR, strerror(ENOTDIR));
  assert_not_created(own_directory, &f.plan, EISDIR, strerror(EISDIR));
  assert_not_created("/proc/self/x.h5", &f.plan, ENOENT, strerror(ENOENT));
  struct rlimit old, tight;
  getrlimit(RLIMIT_FSIZE, &old);
  tight = (struct rlimit){10000, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &tight);
  assert_not_created(path, &f.plan, EFBIG, strerror(EFBIG));
  setrlimit(RLIMIT_FSIZE, &old);
  assert_all_rows(&f, path, false);
  fixture_destroy(&f);
}

static void test_full_disk(void **state)
{
  (void)state;
  char    disk[80], path[128], filler[128], tmp[128];
  Fixture f;
  snprintf(disk, sizeof disk, "%s/disk", own_directory);
  mkdir(disk, 0777);
  if (mount("none", disk, "tmpfs", 0, "size=64k")) skip();
  snprintf(path, sizeof path, "%s/x.h5", disk);
  snprintf(filler, sizeof filler, "%s/filler", disk);
  snprintf(tmp, sizeof tmp, "%s/x.h5.tmp", disk);
  assert_int_equal(fixture_create(&f, ARRAYS_DENSE, 3, three, 1), 0);
  const int fd = open(filler, O_WRONLY | O_CREAT, 0666);
  assert_int_equal(posix_fallocate(fd, 0, 40000), 0);
  close(fd);
  const int got  = results_create(path, &f.plan, NULL, NULL, error, sizeof error);
  const int left = access(tmp, F_OK);
  umount2(disk, MNT_DETACH);
  assert_int_equal(got, ENOSPC);
  assert_contains(error, strerror(ENOSPC));
  assert_int_equal(left, -1);
  fixture_destroy(&f);
}

/* A write that the system refuses leaves the rows pending. */
static void test_failing_write(void **state)
{
  (void)state;
  const char    *path = in(own_directory, "refused.h5");
  Fixture        f;
  ResultsWriter *w;
  ResultsTable  *t;
  Result        *r;
  struct rlimit  old, tight;
  assert_int_equal(fixture_create(&f, ARRAYS_DENSE, 3, three, 1), 0);
  assert_int_equal(results_create(path, &f.plan, NULL, NULL, error, sizeof error), 0);
  assert_int_equal(results_open(MPI_COMM_SELF, path, &f.plan, &w), 0);
  assert_int_equal(fixture_fill(&f, 4, 5, false, &r), 0);
  getrlimit(RLIMIT_FSIZE, &old);
  tight = (struct rlimit){(rlim_t)offset_of(path, "/metrics/rse"), old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &tight);
  *error         = 0;
  const int code = results_write(w, 4, r, 1, 1, NULL, error, sizeof error);
  setrlimit(RLIMIT_FSIZE, &old);
  assert_int_not_equal(code, 0);
  assert_contains(error, "cannot write rows 4 to 8");
  assert_contains(error, path);
  read_file(path, true, &t);
  for (int64_t row = 0; row < 12; row++) assert_int_equal(t->state[row], TRIAL_PENDING);
  results_table_destroy(&t);
  assert_int_equal(results_write(w, 4, r, 1, 1, NULL, error, sizeof error), 0);
  result_destroy(&r);
  assert_int_equal(results_close(&w), 0);
  assert_sound(path, 5);
  fixture_destroy(&f);
}

static int tests(void)
{
  const struct CMUnitTest list[] = {
      cmocka_unit_test(test_flipped_bytes_of_a_row), cmocka_unit_test(test_damaged_row_is_pending),
      cmocka_unit_test(test_flipped_bytes_anywhere), cmocka_unit_test(test_files_that_are_none),
      cmocka_unit_test(test_cannot_create),          cmocka_unit_test(test_full_disk),
      cmocka_unit_test(test_failing_write),
  };
  return cmocka_run_group_tests(list, NULL, NULL);
}

int main(int argc, char **argv) { return run_on_ranks(&argc, &argv, tests); }
