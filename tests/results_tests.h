/* SPDX-License-Identifier: BSD-2-Clause
 * What the tests of the results file share: directories, writing a whole study, holding a file against its keys, a main() for one or more
 * ranks. */
#ifndef MYOPIA_RESULTS_TESTS_H
#define MYOPIA_RESULTS_TESTS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "results/recorded.h"
#include "results_fixture.h"

static const int three[] = {4, 5, 3};

static char shared_directory[48], own_directory[64]; /* of all ranks, of this one */
static int  rank;

static inline const char *in(const char *directory, const char *name)
{
  static char path[4][128];
  static int  next;
  next = (next + 1) % 4;
  snprintf(path[next], sizeof path[next], "%s/%s", directory, name);
  return path[next];
}

static char error[512];

static inline void assert_contains(const char *text, const char *part)
{
  if (!strstr(text, part)) fail_msg("expected \"%s\" in: %s", part, text);
}

/* --- writing --- */

/* Writes every row of the plan in batches of at most `most`, shared out over the ranks of comm. */
static inline void write_all(MPI_Comm comm, ResultsWriter *w, const Fixture *f, int64_t most, bool shrink, int attempt)
{
  const double phase[PHASES] = {[PHASE_WALL] = 0.5, [PHASE_COMPUTE] = 0.25};
  int          r, n, batch = 0;
  MPI_Comm_rank(comm, &r);
  MPI_Comm_size(comm, &n);
  for (int64_t p = 0; p < f->table.n_points; p++)
    for (int64_t i = 0; i < f->point[p].n_rows; i += most, batch++) {
      const int64_t left = f->point[p].n_rows - i;
      Result       *result;
      if (batch % n != r) continue;
      assert_int_equal(fixture_fill(f, f->point[p].first_row + i, left < most ? left : most, shrink, &result), 0);
      if (results_write(w, f->point[p].first_row + i, result, attempt, 1, phase, error, sizeof error)) fail_msg("%s", error);
      result_destroy(&result);
    }
}

static inline void create_and_write(MPI_Comm comm, const char *path, const Fixture *f, int64_t most, bool shrink)
{
  ResultsWriter *w;
  int            r;
  MPI_Comm_rank(comm, &r);
  if (r == 0 && results_create(path, &f->plan, NULL, NULL, error, sizeof error)) fail_msg("%s", error);
  MPI_Barrier(comm);
  assert_int_equal(results_open(comm, path, &f->plan, &w), 0);
  write_all(comm, w, f, most, shrink, 1);
  assert_int_equal(results_sync(w, error, sizeof error), 0);
  assert_int_equal(results_close(&w), 0);
  assert_null(w);
}

static inline void read_file(const char *path, bool check, ResultsTable **t)
{
  if (results_read(path, check, false, t, error, sizeof error)) fail_msg("%s", error);
}

static inline void assert_sound(const char *path, int64_t done)
{
  Text    report = {0};
  int64_t counts[TRIAL_STATES];
  if (results_verify(path, true, &report, counts) != 0) fail_msg("verify found: %s", text_string(&report));
  assert_int_equal(counts[TRIAL_DONE], done);
  text_clear(&report);
}

/* --- comparing with what the keys say --- */

static inline void assert_metrics(const Fixture *f, const ResultsTable *t, int64_t row)
{
  const int           p = (int)trial_point_of_row(&f->table, row);
  const ResultSchema *s = &f->schema[p];
  for (int m = 0; m < t->n_metrics; m++) {
    const int    k    = result_schema_find_metric(s, t->metric[m].name);
    const double have = t->metric[m].value[row];
    if (k < 0) {
      assert_true(isnan(have));
      continue;
    }
    const double want = fixture_metric(t->key[row], &s->metrics[k]);
    if (memcmp(&want, &have, sizeof want) != 0) fail_msg("row %d, %s: expected %.17g, got %.17g", (int)row, t->metric[m].name, want, have);
  }
}

static inline void assert_arrays(const Fixture *f, Recorded *r, const ResultsTable *t, int64_t row, bool shrink)
{
  const ResultSchema *s    = &f->schema[trial_point_of_row(&f->table, row)];
  const RowArray     *part = NULL;
  H5Error             e    = {0};
  assert_int_equal(t->record[row] >= 0, f->record[row]);
  if (t->record[row] < 0) return;
  assert_int_equal(recorded_row(r, t->record[row], &part, &e), 0);
  assert_non_null(part);
  for (int a = 0; a < r->n; a++) {
    const int k = result_schema_find_array(s, r->array[a].name);
    if (k < 0) {
      assert_int_equal(part[a].bytes, 0);
      continue;
    }
    const ArraySpec *spec  = &s->arrays[k];
    const int64_t    first = spec->rank == 1 ? fixture_used(t->key[row], spec->shape[0], shrink) : spec->shape[0];
    int64_t          n     = first;
    assert_int_equal(part[a].extent[0], first);
    for (int d = 1; d < spec->rank; d++) n *= part[a].extent[d];
    assert_int_equal(part[a].bytes, (size_t)n * array_element_size(spec->type));
    char *want = calloc((size_t)n + 1, 8);
    for (int64_t i = 0; i < n; i++) fixture_element(spec, t->key[row], i, want);
    assert_memory_equal(want, part[a].data, part[a].bytes);
    free(want);
  }
}

static inline void assert_all_rows(const Fixture *f, const char *path, bool shrink)
{
  ResultsTable *t;
  Recorded     *r;
  hid_t         file;
  H5Error       e = {0};
  read_file(path, true, &t);
  assert_int_equal(t->n_rows, f->table.n_rows);
  assert_int_equal(results_file_open(path, &file, &e), 0);
  assert_int_equal(recorded_open(file, &r, &e), 0);
  for (int64_t row = 0; row < t->n_rows; row++) {
    const SweepPoint *point = &f->point[trial_point_of_row(&f->table, row)];
    assert_int_equal(t->state[row], TRIAL_DONE);
    assert_true(t->intact[row]);
    assert_int_equal(t->replicate[row], row - point->first_row);
    assert_true(t->key[row] == trial_key(point, t->replicate[row]) && t->id[row] == trial_identity(point, t->replicate[row]));
    assert_int_equal(t->seed[row], 7);
    assert_int_equal(t->ranks[row], 1);
    assert_int_equal(t->attempt[row], 1);
    assert_true(t->wall[row] == 0.5);
    assert_string_equal(t->message[row], "");
    assert_metrics(f, t, row);
    assert_arrays(f, r, t, row, shrink);
  }
  recorded_destroy(&r);
  H5Fclose(file);
  results_table_destroy(&t);
}

static inline void flip(const char *path, long position)
{
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  fseek(file, position, SEEK_SET);
  const int c = getc(file);
  fseek(file, position, SEEK_SET);
  putc(c ^ 0x10, file);
  fclose(file);
}

static inline long offset_of(const char *path, const char *dataset)
{
  hid_t   file;
  H5Error e = {0};
  assert_int_equal(results_file_open(path, &file, &e), 0);
  const hid_t   d      = H5Dopen2(file, dataset, H5P_DEFAULT);
  const haddr_t offset = H5Dget_offset(d);
  assert_int_not_equal(offset, HADDR_UNDEF);
  H5Fclose(file);
  return (long)offset;
}

static inline void write_text(const char *path, const char *text)
{
  FILE *file = fopen(path, "wb");
  fputs(text, file);
  fclose(file);
}

/* Runs the tests on all ranks; the directories go afterwards, unless KEEP_FILES is set. */
static inline int run_on_ranks(int *argc, char ***argv, int (*tests)(void))
{
  char command[128];
  MPI_Init(argc, argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  snprintf(shared_directory, sizeof shared_directory, "/tmp/myopia_results_XXXXXX");
  if (rank == 0 && !mkdtemp(shared_directory)) MPI_Abort(MPI_COMM_WORLD, 1);
  MPI_Bcast(shared_directory, sizeof shared_directory, MPI_CHAR, 0, MPI_COMM_WORLD);
  snprintf(own_directory, sizeof own_directory, "%s/%d", shared_directory, rank);
  mkdir(own_directory, 0777);
  int failed = tests();
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  snprintf(command, sizeof command, "rm -rf %s", shared_directory);
  if (rank == 0 && !getenv("KEEP_FILES")) failed += system(command) != 0;
  MPI_Finalize();
  return failed;
}

#endif
