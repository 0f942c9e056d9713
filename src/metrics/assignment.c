/* SPDX-License-Identifier: BSD-2-Clause
 * Linear assignment by shortest augmenting paths (R. Jonker and A. Volgenant, Computing 38 (1987) 325): column reduction, two sweeps of
 * augmenting row reduction, then Dijkstra's search from every row that is still free. Prices v keep the reduced costs cost - u - v
 * non-negative. Real costs: a row that would displace another without lowering a price waits for the search, and rows move on at once for
 * a bounded number of steps, since rounding could send two of them around for (nearly) ever. Works on a dense matrix. */
#include "assignment.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "memory.h"

enum { PATIENCE = 1 }; /* times n: more makes clouds of some hundred points slower */

typedef struct Work {
  int           n, n_free;
  const double *cost;
  int          *column, *row;           /* of a row, of a column; -1: free */
  int          *free_row, *from, *scan; /* scan: columns, [0, low) done, [low, high) at the least distance, then the others */
  double       *price, *distance;
} Work;

/* Every column, last first, takes its cheapest row when that is still free. */
static void reduce_columns(Work *w)
{
  const int n    = w->n;
  int      *best = w->from;
  for (int j = 0; j < n; j++) {
    w->price[j] = w->cost[j];
    best[j]     = 0;
  }
  for (int i = 1; i < n; i++)
    for (int j = 0; j < n; j++)
      if (w->cost[(size_t)i * n + j] < w->price[j]) {
        w->price[j] = w->cost[(size_t)i * n + j];
        best[j]     = i;
      }
  for (int j = n - 1; j >= 0; j--)
    if (w->column[best[j]] < 0) {
      w->column[best[j]] = j;
      w->row[j]          = best[j];
    }
  for (int i = 0; i < n; i++)
    if (w->column[i] < 0) w->free_row[w->n_free++] = i;
}

typedef struct Two {
  double first, second; /* smallest reduced costs */
  int    column, other;
} Two;

static Two two_cheapest(const Work *w, int i)
{
  const double *const cost = w->cost + (size_t)i * w->n;
  Two                 two  = {.first = INFINITY, .second = INFINITY, .column = -1, .other = -1};
  for (int j = 0; j < w->n; j++) {
    const double reduced = cost[j] - w->price[j];
    if (reduced >= two.second) continue;
    if (reduced >= two.first) {
      two.second = reduced;
      two.other  = j;
    } else {
      two = (Two){.first = reduced, .second = two.first, .column = j, .other = two.column};
    }
  }
  return two;
}

/* One sweep over the free rows: a row takes its cheapest column and lowers the price until its second choice is as good. */
static void reduce_rows(Work *w)
{
  const int n_free  = w->n_free;
  int       next    = 0;
  int64_t   at_once = (int64_t)PATIENCE * w->n; /* rows that may be moved on at once */
  w->n_free         = 0;
  while (next < n_free) {
    const int    i        = w->free_row[next++];
    const Two    two      = two_cheapest(w, i);
    const double lower    = w->price[two.column] - (two.second - two.first);
    const bool   lowering = lower < w->price[two.column];
    int          j        = two.column;
    if (lowering)
      w->price[j] = lower;
    else if (w->row[j] >= 0 && two.other >= 0)
      j = two.other;
    const int displaced = w->row[j];
    w->row[j]           = i;
    w->column[i]        = j;
    if (displaced < 0) continue;
    w->column[displaced] = -1;
    if (lowering && at_once-- > 0)
      w->free_row[--next] = displaced;
    else
      w->free_row[w->n_free++] = displaced;
  }
}

/* Collects at [low, high) the columns at the least distance among scan[low..n). */
static int collect(Work *w, int low)
{
  double least = w->distance[w->scan[low]];
  int    high  = low;
  for (int k = low; k < w->n; k++) {
    const int    j = w->scan[k];
    const double h = w->distance[j];
    if (h > least) continue;
    if (h < least) {
      high  = low;
      least = h;
    }
    w->scan[k]      = w->scan[high];
    w->scan[high++] = j;
  }
  return high;
}

/* A free column, the end of a shortest path from row `start`; *done columns were settled before it at distance *least. */
static int search(Work *w, int start, int *done, double *least)
{
  const int n   = w->n;
  int       low = 0, high = 0;
  for (int j = 0; j < n; j++) {
    w->distance[j] = w->cost[(size_t)start * n + j] - w->price[j];
    w->from[j]     = start;
    w->scan[j]     = j;
  }
  for (;;) {
    if (low == high) {
      *done  = low;
      high   = collect(w, low);
      *least = w->distance[w->scan[low]];
      for (int k = low; k < high; k++)
        if (w->row[w->scan[k]] < 0) return w->scan[k];
    }
    const int           settled = w->scan[low++], i = w->row[settled];
    const double *const cost = w->cost + (size_t)i * n;
    const double        u    = cost[settled] - w->price[settled] - *least;
    for (int k = high; k < n; k++) {
      const int    j     = w->scan[k];
      const double along = cost[j] - w->price[j] - u;
      if (along >= w->distance[j]) continue;
      w->distance[j] = along;
      w->from[j]     = i;
      if (along > *least) continue;
      if (w->row[j] < 0) return j;
      w->scan[k]      = w->scan[high];
      w->scan[high++] = j;
    }
  }
}

static void augment(Work *w, int start)
{
  int    done  = 0;
  double least = 0;
  int    j     = search(w, start, &done, &least), i;
  for (int k = 0; k < done; k++) w->price[w->scan[k]] += w->distance[w->scan[k]] - least;
  do {
    i                = w->from[j];
    const int before = w->column[i];
    w->row[j]        = i;
    w->column[i]     = j;
    j                = before;
  } while (i != start);
}

void assignment_solve(int n, const double *cost, int *column)
{
  int    *integers = mem_calloc((size_t)n, 4 * sizeof *integers);
  double *doubles  = mem_calloc((size_t)n, 2 * sizeof *doubles);
  Work    w        = {.n        = n,
                      .cost     = cost,
                      .column   = column,
                      .row      = integers,
                      .free_row = integers + n,
                      .from     = integers + 2 * n,
                      .scan     = integers + 3 * n,
                      .price    = doubles,
                      .distance = doubles + n};
  for (int i = 0; i < n; i++) w.column[i] = w.row[i] = -1;
  reduce_columns(&w);
  reduce_rows(&w);
  reduce_rows(&w);
  for (int k = 0; k < w.n_free; k++) augment(&w, w.free_row[k]);
  free(integers);
  free(doubles);
}
