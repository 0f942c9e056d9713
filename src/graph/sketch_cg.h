/* SPDX-License-Identifier: BSD-2-Clause
 * Conjugate gradients for sixteen right-hand sides of a Laplacian at once, its rows on one rank or spread over several. */
#ifndef MYOPIA_SKETCH_CG_H
#define MYOPIA_SKETCH_CG_H

#include <petscsys.h>

#include "sketch_hypre.h"
#include "sketch_kernel.h"
#include "watch.h"

typedef struct SketchHalo SketchHalo; /* ghosts of rows spread over ranks: sketch_halo.h */

/* Rows and work space of a solver. Not shared between solves in flight. */
typedef struct SketchSolver {
  const SketchRows    *rows;
  const SketchKernels *kernels;
  SketchHalo          *halo; /* NULL: all columns are rows of this rank */
  MPI_Comm             comm; /* of the rows; PETSC_COMM_SELF without halo */
  const Watch         *watch;
  int64_t              iterations_max; /* with Jacobi's preconditioner; then hypre has its turn */
  double               tolerance;      /* on |b - L x| / |b| in the norm of D^-1, of every lane, computed in float64 */
  float               *x, *r, *p, *q;  /* (n_columns, 16) */
  float               *memory;
  SketchHypre         *hypre; /* made when a block needs it, without halo */
} SketchSolver;

typedef struct SketchOutcome {
  bool    converged;
  int64_t iterations;
  double  residual; /* largest true one of the sixteen */
} SketchOutcome;

/* Allocates the work space; the other members are the caller's. clear leaves the other members alone, and may be called twice. */
PetscErrorCode sketch_solver_setup(SketchSolver *);
PetscErrorCode sketch_solver_clear(SketchSolver *);
/* b (n_columns, 16): right-hand sides in, z = x - D^-1 b out. Every component of the graph must have sum 0 in b. Collective on comm. */
PetscErrorCode sketch_solve(SketchSolver *, float *b, SketchOutcome *);

/* n floats on a 64-byte boundary, in huge pages where the machine has them; *memory is what PetscFree takes. */
PetscErrorCode sketch_vectors(int64_t n, float **memory, float **vectors);

#endif
