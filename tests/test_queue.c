/* SPDX-License-Identifier: BSD-2-Clause
 * The shared queue under real MPI (1 to 4 ranks): every ticket is handed out once; and the cutting of rows into units. Only rank 0
 * prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"

enum { TICKETS = 2000, PHASES_HERE = 3 };

static void tickets_are_handed_out_once(void **state)
{
  (void)state;
  Queue *q;
  int    drawn[PHASES_HERE * TICKETS] = {0};
  assert_int_equal(queue_create(MPI_COMM_WORLD, PHASES_HERE, &q), 0);
  for (int phase = 0; phase < PHASES_HERE; phase++) {
    for (int64_t ticket;;) {
      assert_int_equal(queue_draw(q, phase, &ticket), 0);
      if (ticket >= TICKETS) break;
      assert_in_range(ticket, 0, TICKETS - 1);
      drawn[phase * TICKETS + ticket]++;
      assert_int_equal(queue_add(q, COUNT_DONE, 1), 0);
      assert_int_equal(queue_poll(q), 0);
    }
  }
  MPI_Allreduce(MPI_IN_PLACE, drawn, PHASES_HERE * TICKETS, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  for (int i = 0; i < PHASES_HERE * TICKETS; i++) assert_int_equal(drawn[i], 1);
  int64_t done, stop;
  assert_int_equal(queue_read(q, COUNT_DONE, &done), 0);
  assert_int_equal(done, PHASES_HERE * TICKETS);
  assert_int_equal(queue_read(q, COUNT_STOP, &stop), 0);
  assert_int_equal(stop, 0);
  assert_int_equal(queue_destroy(&q), 0);
  assert_null(q);
}

/* Units cover every row once, in order of falling cost. */
static void check_cover(int64_t n_ranges, const UnitRange *ranges, int64_t n, const Unit *units)
{
  for (int64_t i = 0; i < n_ranges; i++) {
    int64_t next = ranges[i].first;
    for (int64_t k = 0; k < n; k++) {
      if (units[k].point != ranges[i].point) continue;
      assert_int_equal(units[k].first, next);
      assert_true(units[k].n >= 1);
      next += units[k].n;
    }
    assert_int_equal(next, ranges[i].first + ranges[i].n);
  }
  for (int64_t k = 1; k < n; k++) {
    const double before = units[k - 1].cost / (double)units[k - 1].n, now = units[k].cost / (double)units[k].n;
    assert_true(before >= now * (1 - 1e-12));
  }
}

static void units_cover_rows_longest_first(void **state)
{
  (void)state;
  const UnitRange ranges[] = {{0, 0, 200000, 1e-6}, {1, 200000, 7, 3.0}, {2, 200007, 500, 1e-3}};
  for (int groups = 1; groups <= 64; groups *= 4) {
    int64_t n;
    Unit   *units;
    assert_int_equal(queue_cut(3, ranges, groups, 0.02, 65536, &n, &units), 0);
    check_cover(3, ranges, n, units);
    assert_int_equal(units[0].point, 1);
    free(units);
  }
}

/* Long lists come in pieces of at least the grain, short ones are still shared among all groups, and no piece is above the limit. */
static void units_have_a_sensible_size(void **state)
{
  (void)state;
  int64_t n;
  Unit   *units;
  double  largest_share = 0;
  assert_int_equal(queue_cut(1, &(UnitRange){0, 0, 1000000, 1e-6}, 2, 0.02, 1 << 30, &n, &units), 0);
  assert_in_range(n, 10, 100);
  for (int64_t k = 0; k + 20 < n; k++) assert_true(units[k].cost > 0.0199);
  for (int64_t k = 0; k < n; k++) largest_share = fmax(largest_share, units[k].cost);
  assert_true(largest_share <= 0.1251);
  free(units);
  assert_int_equal(queue_cut(1, &(UnitRange){0, 0, 8000, 1e-6}, 4, 0.02, 1 << 30, &n, &units), 0);
  assert_true(n >= 4);
  free(units);
  assert_int_equal(queue_cut(1, &(UnitRange){0, 0, 1000000, 1e-6}, 1, 0.02, 256, &n, &units), 0);
  for (int64_t k = 0; k < n; k++) assert_true(units[k].n <= 256);
  free(units);
  assert_int_equal(queue_cut(0, NULL, 3, 0.02, 10, &n, &units), 0);
  assert_int_equal(n, 0);
  free(units);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(tickets_are_handed_out_once), cmocka_unit_test(units_cover_rows_longest_first),
                                     cmocka_unit_test(units_have_a_sensible_size)};
  int                     rank;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank != 0 && (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))) return 1;
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
