/* SPDX-License-Identifier: BSD-2-Clause
 * Exchange of the vertices that rows of one rank share with those of others. */
#ifndef MYOPIA_SKETCH_HALO_H
#define MYOPIA_SKETCH_HALO_H

#include <petscsys.h>

#include "graph_source.h"
#include "sketch_cg.h"

/* ghost (n_ghosts), owned by the caller (PetscFree): global numbers of the columns that are no rows of this rank, ascending; they are
 * local numbers n_local, n_local + 1, ... Collective on the graph's communicator, which must outlive the halo. */
PetscErrorCode sketch_halo_create(const GraphRows *, SketchHalo **out, int64_t *n_ghosts, int64_t **ghost);
void           sketch_halo_destroy(SketchHalo **);
double         sketch_halo_bytes(const SketchHalo *);
/* Fills the ghost rows of p (n_columns, 16) from their owners. Collective. */
PetscErrorCode sketch_halo_update(SketchHalo *, float *p);
/* The same for one number a vertex: p (n_columns). */
PetscErrorCode sketch_halo_update_numbers(SketchHalo *, double *p);
/* Adds the ghost rows of b (n_columns, 16) to their owners' rows, in the order of ranks. Collective. */
PetscErrorCode sketch_halo_add(SketchHalo *, float *b);

#endif
