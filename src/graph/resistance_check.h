/* SPDX-License-Identifier: BSD-2-Clause
 * Accurate resistances of a few pairs, to verify a result with: whatever finds a solution, its value is
 * judged by a residual formed here. */
#ifndef MYOPIA_RESISTANCE_CHECK_H
#define MYOPIA_RESISTANCE_CHECK_H

#include "graph.h"
#include "watch.h"

/* R(u[k], v[k]) of a connected graph, the same on all ranks of comm, to the relative tolerance (1e-12; at least 1e-15); NaN where the
 * solver did not get there. Pairs are split over ranks; resistance (n_pairs) is filled on all of them.
 * memory_limit: bytes a rank may use for a factor; 0: no limit. Collective. */
PetscErrorCode resistance_sample(MPI_Comm, const Graph *g, int64_t n_pairs, const int64_t *u, const int64_t *v, double tolerance,
                                 double memory_limit, const Watch *, double *resistance);

#endif
