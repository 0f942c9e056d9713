/* SPDX-License-Identifier: BSD-2-Clause
 * Smallest eigenpairs of a symmetric pencil A x = theta B x by a block Davidson method whose vectors are distributed by rows. */
#ifndef MYOPIA_DAVIDSON_H
#define MYOPIA_DAVIDSON_H

#include <mpi.h>
#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>

#include "watch.h"

enum { DAVIDSON_BLOCK = 4 }; /* columns of a block at most */

/* All operators are collective on comm and act on blocks, (n_local, columns) column-major, columns <= DAVIDSON_BLOCK. */
typedef struct DavidsonProblem {
  MPI_Comm comm;
  int64_t  n, first, n_local; /* rows first .. first + n_local - 1 of n are this rank's */
  void    *ctx;
  PetscErrorCode (*apply_a)(void *ctx, int columns, const double *x, double *y);
  PetscErrorCode (*apply_b)(void *ctx, int columns, const double *x, double *y); /* NULL: the identity */
  PetscErrorCode (*precondition)(void *ctx, int columns, double *x);             /* x <- K x, K about A^-1 (or, with B, exactly B^-1) */
  PetscErrorCode (*project)(void *ctx, int columns, double *x);                  /* out of the null space */
  int          block;             /* columns of a block, 2 or 4: as many copies of an eigenvalue are found at once */
  int64_t      n_wanted, n_basis; /* n_basis >= n_wanted + 16, below the dimension of the projected space */
  int64_t      iterations_max;
  double       tolerance;       /* of |A x - theta x|_2 for |x|_2 = 1; with B: of |A x - theta B x|_(B^-1) relative to |theta|, |x|_B = 1 */
  double       relative, floor; /* without B: |A x - theta x| is to be <= relative |theta|, too, but never below floor; 0: not asked for */
  bool         values_only;     /* with B: a residual whose square is small enough for theta to be right to tolerance^1.25 suffices */
  uint64_t     key;
  const Watch *watch;
  const char  *phase;
} DavidsonProblem;

typedef struct DavidsonOutcome {
  bool    converged, interrupted;
  int64_t iterations;
  double  residual; /* largest of the wanted ones when it stopped, in the units of `tolerance` */
} DavidsonOutcome;

double davidson_bytes(int64_t n_local, int64_t n_basis, bool with_b);
/* theta (n_wanted) ascending with all copies of multiple values; x (n_local, n_wanted) column-major, B-orthonormal. Same bits of theta on
 * all ranks. */
PetscErrorCode davidson_solve(const DavidsonProblem *, DavidsonOutcome *, double *theta, double *x);

#endif
