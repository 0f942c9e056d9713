/* SPDX-License-Identifier: BSD-2-Clause
 * The builds of bisection_kernel.c, one an ISA level. */
#ifndef MYOPIA_METRICS_BISECTION_KERNEL_H
#define MYOPIA_METRICS_BISECTION_KERNEL_H

#include <stdint.h>

/* Fewest edges between two halves of at most BISECTION_VERTICES_MAX vertices. */
typedef int Bisection(int n, const uint64_t *adjacency);
Bisection   bisection_base, bisection_v3, bisection_v4;

#endif
