/* SPDX-License-Identifier: BSD-2-Clause
 * The sketch's second solver, for blocks on which Jacobi's preconditioner stalls: CG with BoomerAMG of hypre, one right-hand side at a
 * time. Not collective. */
#ifndef MYOPIA_SKETCH_HYPRE_H
#define MYOPIA_SKETCH_HYPRE_H

#include <petscsys.h>

#include "sketch_kernel.h"

typedef struct SketchHypre SketchHypre;

/* Rows without ghosts, borrowed; PetscInt must count their entries, else *out is NULL. */
PetscErrorCode sketch_hypre_create(const SketchRows *, SketchHypre **out);
void           sketch_hypre_destroy(SketchHypre **);
/* x = L^+ b (n, 16) to the relative residual `tolerance` in the norm of D^-1, as far as it gets in iterations_max; *iterations: the most
 * of a right-hand side. */
PetscErrorCode sketch_hypre_solve(SketchHypre *, double tolerance, const float *b, float *x, int64_t *iterations);

#endif
