/* SPDX-License-Identifier: BSD-2-Clause
 * What the benchmarks measure with: thread CPU time and medians. */
#ifndef MYOPIA_MEASURE_H
#define MYOPIA_MEASURE_H

#include <stdlib.h>
#include <time.h>

static inline double thread_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static inline int ascending(const void *a, const void *b)
{
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* Sorts x. */
static inline double median(int n, double *x)
{
  qsort(x, (size_t)n, sizeof *x, ascending);
  return x[n / 2];
}

#endif
