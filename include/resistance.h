/* SPDX-License-Identifier: BSD-2-Clause
 * Effective resistance R(u,v) = (1_u - 1_v)^T L^+ (1_u - 1_v) of every edge [ohm, weights in siemens]. */
#ifndef MYOPIA_RESISTANCE_H
#define MYOPIA_RESISTANCE_H

#include "graph.h"

typedef struct ResistanceMethod {
  const char *name, *summary;
  PetscErrorCode (*edges)(const Graph *, double *resistance); /* (m) */
} ResistanceMethod;

const ResistanceMethod *resistance_method_get(int i); /* NULL after the last */
const ResistanceMethod *resistance_method_find(const char *name);

/* Component by component, so disconnected graphs are fine. method NULL: "dense" (the pseudo-inverse by LAPACK's Cholesky, O(n^3),
 * n <= 20,000). */
PetscErrorCode resistance_edges(const Graph *, const char *method, double *resistance);
/* |sum_e w_e R_e - (n - c)| / max(1, n - c), Foster's theorem: 0 but for round-off; NaN when memory is exhausted. */
double resistance_foster_error(const Graph *, const double *resistance);

#endif
