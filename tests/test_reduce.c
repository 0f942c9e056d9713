/* SPDX-License-Identifier: BSD-2-Clause
 * Sums over shards on communicators of 1 to all ranks: the same bits as the tree drawn by hand in one place, for sizes around every change
 * of method. Only rank 0 prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reduce.h"

enum { SHARDS_MAX = 64, LARGEST = 69999 };

static const int64_t sizes[] = {1, 2, 3, 7, 16, 17, 499, 500, 501, 999, 1000, 1001, 1999, 2000, 2001, 3999, 4001, 8191, 16385, LARGEST};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* Numbers of very different size and sign, so that the order of summation shows. */
static double value(int shard, int64_t j)
{
  uint64_t h = ((uint64_t)shard + 1) * 0x9e3779b97f4a7c15u ^ ((uint64_t)j + 7) * 0xbf58476d1ce4e5b9u;
  h ^= h >> 31;
  h *= 0x94d049bb133111ebu;
  h ^= h >> 29;
  const double mantissa = (double)(h >> 11) * 0x1p-53 - 0.5;
  return mantissa * (double)(1 << (h & 15));
}

/* The contract of reduce_block, word by word. */
static void blocks_by_halving(int shards, int ranks, int *first, int *last)
{
  int n    = 1;
  first[0] = 0, last[0] = shards;
  for (; n < ranks; n++) {
    int largest = 0;
    for (int i = 1; i < n; i++)
      if (last[i] - first[i] > last[largest] - first[largest]) largest = i;
    for (int i = n; i > largest + 1; i--) first[i] = first[i - 1], last[i] = last[i - 1];
    last[largest + 1]  = last[largest];
    first[largest + 1] = last[largest] = (first[largest] + last[largest]) / 2;
  }
}

static void blocks_are_halved_largest_first(void **state)
{
  (void)state;
  int expected[SHARDS_MAX], end[SHARDS_MAX];
  for (int shards = 1; shards <= SHARDS_MAX; shards *= 2)
    for (int ranks = 1; ranks <= shards; ranks++) {
      blocks_by_halving(shards, ranks, expected, end);
      for (int rank = 0; rank < ranks; rank++) {
        int first, last;
        reduce_block(shards, ranks, rank, &first, &last);
        assert_int_equal(first, expected[rank]);
        assert_int_equal(last, end[rank]);
      }
    }
}

static void serial_tree_is_the_one_drawn(void **state)
{
  (void)state;
  float   x[8][1];
  double  y[4][1];
  float  *row[8];
  double *wide[4];
  for (int s = 0; s < 8; s++) x[s][0] = (float)value(s, 3), row[s] = x[s];
  for (int s = 0; s < 4; s++) y[s][0] = value(s, 3), wide[s] = y[s];
  const float  left = (x[0][0] + x[1][0]) + (x[2][0] + x[3][0]), right = (x[4][0] + x[5][0]) + (x[6][0] + x[7][0]);
  const double four = (y[0][0] + y[1][0]) + (y[2][0] + y[3][0]);
  reduce_floats_serial(8, 1, row);
  reduce_doubles_serial(4, 1, wide);
  const float  expected = left + right;
  const double other    = four;
  assert_memory_equal(&x[0][0], &expected, sizeof expected);
  assert_memory_equal(&y[0][0], &other, sizeof other);
}

static void *allocate(size_t bytes)
{
  void *p = calloc(1, bytes);
  assert_non_null(p);
  return p;
}

/* One vector of n numbers on `comm`: float or double. */
static void check_sum(MPI_Comm comm, Reduce *r, int shards, int64_t n, bool wide)
{
  const size_t size = wide ? sizeof(double) : sizeof(float);
  void       **row = allocate((size_t)shards * sizeof *row), **mine = allocate((size_t)shards * sizeof *mine);
  int          first, last, ranks;
  MPI_Comm_size(comm, &ranks);
  reduce_shards(r, &first, &last);
  for (int s = 0; s < shards; s++) {
    row[s]  = allocate((size_t)n * size);
    mine[s] = allocate((size_t)n * size);
    for (int64_t j = 0; j < n; j++) {
      if (wide)
        ((double *)row[s])[j] = value(s, j);
      else
        ((float *)row[s])[j] = (float)value(s, j);
    }
    memcpy(mine[s], row[s], (size_t)n * size);
  }
  if (wide) {
    reduce_doubles_serial(shards, n, (double *const *)row);
    reduce_doubles_local(r, n, (double *const *)(mine + first));
    assert_int_equal(reduce_doubles_global(r, n, mine[first]), 0);
  } else {
    reduce_floats_serial(shards, n, (float *const *)row);
    reduce_floats_local(r, n, (float *const *)(mine + first));
    assert_int_equal(reduce_floats_global(r, n, mine[first]), 0);
  }
  for (int64_t j = 0; j < n; j++) {
    if (memcmp((char *)mine[first] + (size_t)j * size, (char *)row[0] + (size_t)j * size, size) == 0) continue;
    const double got      = wide ? ((double *)mine[first])[j] : (double)((float *)mine[first])[j];
    const double expected = wide ? ((double *)row[0])[j] : (double)((float *)row[0])[j];
    fail_msg("%d ranks, %d shards, element %ld of %ld: expected %a, got %a, tolerance none", ranks, shards, (long)j, (long)n, expected,
             got);
  }
  for (int s = 0; s < shards; s++) free(row[s]), free(mine[s]);
  free(row);
  free(mine);
}

static void check_communicator(MPI_Comm comm, int ranks)
{
  int smallest = 1;
  while (smallest < ranks) smallest *= 2;
  for (int shards = smallest; shards <= 16; shards *= shards == smallest ? 2 : 4) {
    Reduce *r;
    assert_int_equal(reduce_create(comm, shards, LARGEST, LARGEST, &r), 0);
    for (int i = 0; i < SIZES; i++) {
      if (shards > smallest && sizes[i] > 2001) continue;
      check_sum(comm, r, shards, sizes[i], false);
      check_sum(comm, r, shards, sizes[i], true);
    }
    assert_int_not_equal(reduce_floats_global(r, LARGEST + 1, NULL), 0);
    assert_int_not_equal(reduce_doubles_global(r, LARGEST + 1, NULL), 0);
    reduce_destroy(&r);
    assert_null(r);
  }
}

static void any_number_of_ranks_gives_the_serial_bits(void **state)
{
  (void)state;
  int ranks, rank;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (int n = ranks > 4 ? 5 : ranks; n <= ranks; n++) {
    MPI_Comm comm;
    MPI_Comm_split(MPI_COMM_WORLD, rank < n ? 0 : MPI_UNDEFINED, rank, &comm);
    if (comm == MPI_COMM_NULL) continue;
    check_communicator(comm, n);
    MPI_Comm_free(&comm);
  }
}

static void what_does_not_fit_is_refused(void **state)
{
  (void)state;
  Reduce   *r = NULL;
  int       ranks;
  const int bad[] = {0, -2, 3, 12};
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  for (int i = 0; i < 4; i++) {
    assert_int_not_equal(reduce_create(MPI_COMM_WORLD, bad[i], 1, 1, &r), 0);
    assert_null(r);
  }
  if (ranks > 1) assert_int_not_equal(reduce_create(MPI_COMM_WORLD, 1, 1, 1, &r), 0);
  assert_int_not_equal(reduce_create(MPI_COMM_WORLD, 8, -1, 1, &r), 0);
  assert_int_equal(reduce_create(MPI_COMM_WORLD, 8, 0, 0, &r), 0);
  assert_int_equal(reduce_floats_global(r, 0, NULL), 0);
  reduce_destroy(&r);
  reduce_destroy(&r);
}

int main(int argc, char **argv)
{
  MPI_Init(&argc, &argv);
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank > 0 && !freopen("/dev/null", "w", stdout)) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_are_halved_largest_first), cmocka_unit_test(serial_tree_is_the_one_drawn),
                                     cmocka_unit_test(any_number_of_ranks_gives_the_serial_bits),
                                     cmocka_unit_test(what_does_not_fit_is_refused)};
  const int               failed  = cmocka_run_group_tests_name("reduce", tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
