/* SPDX-License-Identifier: BSD-2-Clause
 * Cuts unfinished rows into work units: guided self-scheduling (Polychronopoulos and Kuck 1987) over rows in order of falling cost. Knows
 * nothing of trials; costs are predictions, so the dynamic queue evens out what they miss. */
#include <stdlib.h>

#include "error.h"
#include "queue.h"

static int longer_first(const void *a, const void *b)
{
  const UnitRange *x = a, *y = b;
  if (x->cost != y->cost) return x->cost > y->cost ? -1 : 1;
  return x->first < y->first ? -1 : x->first > y->first;
}

/* Predicted seconds the next unit should hold: a quarter of a group's share of what is left, at least the grain; in the tail a group's
 * whole share, but not below a sixteenth of the grain, where handing it out would cost more than it evens out. */
static double target(double remaining, int groups, double grain)
{
  const double share = remaining / groups, floor = grain / 16;
  const double tail  = share > floor ? share : floor;
  const double least = tail < grain ? tail : grain;
  return share / 4 > least ? share / 4 : least;
}

static void append(Unit **units, int64_t *n, int64_t *capacity, Unit unit)
{
  if (*n == *capacity) {
    *capacity = *capacity ? 2 * *capacity : 64;
    *units    = realloc(*units, (size_t)*capacity * sizeof **units);
    if (!*units) abort();
  }
  (*units)[(*n)++] = unit;
}

int queue_cut(int64_t n_ranges, const UnitRange *ranges, int groups, double grain, int64_t max_rows, int64_t *n_units, Unit **units)
{
  UnitRange *sorted    = malloc((size_t)(n_ranges > 0 ? n_ranges : 1) * sizeof *sorted);
  double     remaining = 0;
  int64_t    capacity  = 0;
  if (!sorted) abort();
  *n_units = 0;
  *units   = NULL;
  for (int64_t i = 0; i < n_ranges; i++) {
    sorted[i] = ranges[i];
    remaining += ranges[i].cost * (double)ranges[i].n;
  }
  qsort(sorted, (size_t)n_ranges, sizeof *sorted, longer_first);
  for (int64_t i = 0; i < n_ranges; i++) {
    UnitRange r = sorted[i];
    while (r.n > 0) {
      const double rows = target(remaining, groups, grain) / r.cost;
      int64_t      take = rows < (double)max_rows ? (int64_t)rows : max_rows;
      if (take < 1) take = 1;
      if (take > r.n) take = r.n;
      append(units, n_units, &capacity, (Unit){r.point, r.first, take, r.cost * (double)take});
      remaining -= r.cost * (double)take;
      r.first += take;
      r.n -= take;
    }
  }
  free(sorted);
  return 0;
}
