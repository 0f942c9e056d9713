/* SPDX-License-Identifier: BSD-2-Clause
 * The dynamic queue of work units: shared counters on rank 0, drawn from with MPI_Fetch_and_op. MPI alone (also simulated with SMPI). */
#ifndef MYOPIA_QUEUE_H
#define MYOPIA_QUEUE_H

#include <mpi.h>
#include <stdint.h>

typedef struct Queue Queue;

/* Counters shared by all ranks besides the per-phase ticket counters. */
typedef enum {
  COUNT_DONE = 0,
  COUNT_FAILED,
  COUNT_STOP,
  COUNT_COST,
  COUNT_KINDS
} QueueCount; /* COST: finished predicted work, microseconds */

/* Collective on comm. */
int queue_create(MPI_Comm comm, int n_phases, Queue **out);
int queue_destroy(Queue **); /* collective */

/* Next ticket of a phase: 0, 1, 2, ... each handed out once over all ranks. The caller compares it with its number of units. */
int queue_draw(Queue *, int phase, int64_t *ticket);
int queue_add(Queue *, QueueCount, int64_t amount);
int queue_read(Queue *, QueueCount, int64_t *value);
/* Lets MPI progress so that other ranks' draws from this rank are answered; cheap, call about every millisecond of work. */
int queue_poll(Queue *);

/* Units of adjacent rows, cut so that a unit's predicted cost is at least `grain` seconds where that leaves enough for all groups, and
 * shrinks towards the tail. */
typedef struct Unit {
  int64_t point;    /* index of the sweep point */
  int64_t first, n; /* rows [first, first + n) of the table */
  double  cost;     /* predicted seconds on one rank */
} Unit;

typedef struct UnitRange {
  int64_t point, first, n; /* unfinished adjacent rows of one point */
  double  cost;            /* predicted seconds of one row */
} UnitRange;

/* Longest trials first, then by point; each unit is at most max(grain, remaining / (4 groups)) of predicted work, at least one row, at most
 * max_rows rows. Deterministic, the same on all ranks. *units is owned by the caller (free). */
int queue_cut(int64_t n_ranges, const UnitRange *ranges, int groups, double grain, int64_t max_rows, int64_t *n_units, Unit **units);

#endif
