/* SPDX-License-Identifier: BSD-2-Clause
 * Prototypes of LAPACK's divide and conquer eigenproblems, which PETSc's petscblaslapack.h leaves out. */
#ifndef MYOPIA_LAPACK_H
#define MYOPIA_LAPACK_H

#include <petscblaslapack.h>

extern void dsyevd_(const char *jobz, const char *uplo, const PetscBLASInt *n, double *a, const PetscBLASInt *lda, double *w, double *work,
                    const PetscBLASInt *lwork, PetscBLASInt *iwork, const PetscBLASInt *liwork, PetscBLASInt *info);
extern void dsygvd_(const PetscBLASInt *itype, const char *jobz, const char *uplo, const PetscBLASInt *n, double *a,
                    const PetscBLASInt *lda, double *b, const PetscBLASInt *ldb, double *w, double *work, const PetscBLASInt *lwork,
                    PetscBLASInt *iwork, const PetscBLASInt *liwork, PetscBLASInt *info);

#endif
