/* SPDX-License-Identifier: BSD-2-Clause
 * The tree over shards against MPI_Allreduce, from 2 KB to 1 MB of floats, interleaved in one run: one line a size, medians of wall time
 * of a call (ranks wait for each other, so that no CPU time tells it) and of their ratio. Checks the sum against the serial tree first.
 *   mpirun -n RANKS bench_reduce [REPEATS] */
#include <math.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "reduce.h"

enum { FLOATS_MAX = 1 << 18, CALLS = 100 };

static float value(int rank, int64_t j) { return (float)(sin((double)(rank * 7919 + j % 1013)) * 1000); }

static void fill(int rank, int64_t n, float *x)
{
  for (int64_t j = 0; j < n; j++) x[j] = value(rank, j);
}

/* Exits when a bit differs from the serial tree. */
static void validate(Reduce *r, int ranks, int rank, int shards, int64_t n, float *x)
{
  float **row = malloc((size_t)shards * sizeof *row);
  int     first, last;
  if (!row) abort();
  for (int s = 0; s < shards; s++) {
    row[s] = malloc((size_t)n * sizeof(float));
    if (!row[s]) abort();
    fill(s, n, row[s]);
  }
  reduce_block(shards, ranks, rank, &first, &last);
  reduce_floats_local(r, n, row + first);
  memcpy(x, row[first], (size_t)n * sizeof(float));
  reduce_floats_global(r, n, x);
  for (int s = first; s < last; s++) fill(s, n, row[s]);
  reduce_floats_serial(shards, n, row);
  const int differs = memcmp(x, row[0], (size_t)n * sizeof(float));
  for (int s = 0; s < shards; s++) free(row[s]);
  free(row);
  if (!differs) return;
  printf("rank %d, %ld floats: the tree's sum differs from the serial one\n", rank, (long)n);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

static double time_calls(Reduce *r, bool tree, int calls, int64_t n, float *x)
{
  MPI_Barrier(MPI_COMM_WORLD);
  const double start = MPI_Wtime();
  for (int i = 0; i < calls; i++) {
    if (tree)
      reduce_floats_global(r, n, x);
    else
      MPI_Allreduce(MPI_IN_PLACE, x, (int)n, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
  }
  return (MPI_Wtime() - start) / calls * 1e6;
}

int main(int argc, char **argv)
{
  MPI_Init(&argc, &argv);
  const int repeats = argc > 1 ? atoi(argv[1]) : 101;
  int       ranks, rank, shards = 1;
  float    *x    = malloc(FLOATS_MAX * sizeof *x);
  double   *ours = malloc((size_t)repeats * sizeof *ours), *theirs = malloc((size_t)repeats * sizeof *theirs);
  double   *ratio = malloc((size_t)repeats * sizeof *ratio);
  Reduce   *r;
  if (!x || !ours || !theirs || !ratio) abort();
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  while (shards < ranks) shards *= 2;
  reduce_create(MPI_COMM_WORLD, shards, FLOATS_MAX, 0, &r);
  for (int64_t n = 512; n <= FLOATS_MAX; n *= 2) {
    validate(r, ranks, rank, shards, n, x);
    memset(x, 0, FLOATS_MAX * sizeof *x);
    const int calls = n < 16384 ? CALLS : CALLS / 5;
    for (int i = 0; i < repeats; i++) {
      ours[i]   = time_calls(r, true, calls, n, x);
      theirs[i] = time_calls(r, false, calls, n, x);
      ratio[i]  = ours[i] / theirs[i];
    }
    const double us = median(repeats, ours), peer = median(repeats, theirs), quotient = median(repeats, ratio);
    if (rank == 0)
      printf("reduce %4ld KB on %d ranks: tree %8.2f us, MPI_Allreduce %8.2f us, ratio %.2f\n", (long)(n / 256), ranks, us, peer, quotient);
  }
  reduce_destroy(&r);
  free(ratio);
  free(theirs);
  free(ours);
  free(x);
  MPI_Finalize();
  return 0;
}
