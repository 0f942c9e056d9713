/* SPDX-License-Identifier: BSD-2-Clause
 * Smallest nonzero eigenpairs of one connected graph: dense (spectrum_component_dense.c, not collective) or iterative
 * (spectrum_component.c, collective). vector: (n, count) column-major. */
#ifndef MYOPIA_SPECTRUM_COMPONENT_H
#define MYOPIA_SPECTRUM_COMPONENT_H

#include "spectrum_parts.h"
#include "spectrum_sparse.h"

/* Whether the dense method takes a component, given how many pairs are wanted: by choice, or as an iteration's basis would not fit in. */
bool    component_is_dense(int64_t n, int64_t count, EigenMethodId);
int64_t component_spare(int64_t count); /* columns of an iteration's basis beyond the wanted ones */
double  component_dense_bytes(int64_t n, bool vectors);
/* value (count), ascending; vector NULL: values alone. count <= n - 1. */
PetscErrorCode component_dense(const Laplacian *, int64_t count, double *value, double *vector);
/* value and vector on all ranks; stats->refused when there is no result. */
PetscErrorCode component_iterate(MPI_Comm, const Laplacian *, int64_t count, const EigenOptions *, double memory_limit, EigenStats *,
                                 double *value, double *vector);
/* Norms to 1, signs by the first large entry, values by Rayleigh quotients, residuals. */
void component_polish(const Laplacian *, int64_t count, double *value, double *residual, double *vector);

#endif
