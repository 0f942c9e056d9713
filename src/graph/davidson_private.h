/* SPDX-License-Identifier: BSD-2-Clause
 * The parts of the block Davidson method: davidson.c decides, davidson_basis.c does the linear algebra. */
#ifndef MYOPIA_DAVIDSON_PRIVATE_H
#define MYOPIA_DAVIDSON_PRIVATE_H

#include "davidson.h"
#include "isa.h"

enum { BLOCK = DAVIDSON_BLOCK };

typedef struct Davidson {
  const DavidsonProblem *p;
  IsaLevel               level;
  int64_t                rows;           /* n_local */
  int                    b;              /* columns of a block */
  int                    m, m_max;       /* columns of the basis, and room for */
  double                *v, *av;         /* (rows, m_max) the basis, B-orthonormal, and A times it */
  double                *bv;             /* B times it; v itself when B is the identity */
  double                *x, *y, *z;      /* (rows, BLOCK) blocks at work */
  double                *t;              /* (m_max, m_max) V^T A V, both triangles */
  double                *theta, *s;      /* (m_max), (m_max, m_max) its eigenpairs, ascending */
  double                *small, *turned; /* (m_max, m_max) work */
  double                *previous;       /* (m_max, BLOCK) coefficients of the last window of Ritz vectors */
  int                    m_previous;     /* rows of it that are set; 0: none */
  uint32_t               draws;          /* random blocks drawn */
} Davidson;

PetscErrorCode basis_create(const DavidsonProblem *, Davidson *);
void           basis_destroy(Davidson *);
/* out (na, nb) = a^T b over all ranks, the same bits on all of them. */
PetscErrorCode basis_gram(const Davidson *, int na, const double *a, int nb, const double *b, double *out);
/* out (rows, nc) = V-like a (rows, na) times c (na, nc; leading dimension ldc). */
PetscErrorCode basis_times(const Davidson *, int na, const double *a, int nc, int ldc, const double *c, double *out);
/* x <- K (random signs and sizes), projected. */
PetscErrorCode basis_random(Davidson *, double *x);
/* Appends the block x (destroyed), orthonormalised; directions the basis already has are replaced by random ones. */
PetscErrorCode basis_expand(Davidson *, double *x);
/* theta, s from t. */
PetscErrorCode basis_ritz(Davidson *);
/* Keeps the first `keep` Ritz vectors and, if wanted, what else the previous window spans. */
PetscErrorCode basis_restart(Davidson *, int keep, bool with_previous);

#endif
