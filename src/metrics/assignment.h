/* SPDX-License-Identifier: BSD-2-Clause
 * Linear assignment. */
#ifndef MYOPIA_METRICS_ASSIGNMENT_H
#define MYOPIA_METRICS_ASSIGNMENT_H

/* column[i] (n) with the smallest sum of cost[i * n + column[i]]; cost (n, n) row-major, finite, n >= 1. */
void assignment_solve(int n, const double *cost, int *column);

#endif
