/* SPDX-License-Identifier: BSD-2-Clause
 * A sparse symmetric positive definite matrix, factored as L L^T by supernodes, and then turned in place into those entries of its inverse
 * that lie on the pattern of L (Takahashi, Fagan, Chin 1973, with BLAS-3). Counts have 64 bits, row numbers 32 inside. Not collective.
 * Memory that cannot be had gives PETSC_ERR_MEM, more rows or entries than 32 bits can number PETSC_ERR_SUP, both without a message. */
#ifndef MYOPIA_SUPERNODAL_H
#define MYOPIA_SUPERNODAL_H

#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>

#include "watch.h"

typedef struct Supernodal Supernodal;

/* Symbolic analysis of an n x n matrix given by the lower triangle of its columns: rows row[start[j]] .. row[start[j+1]-1] >= j,
 * ascending, diagonal included. The arrays are borrowed until supernodal_factor returns. The last n_last rows and columns (the boundary)
 * stay last, in their given order; the others go by minimum degree (AMD, CAMD), or by nested dissection where its predicted flops are
 * worth its time. */
PetscErrorCode supernodal_analyze(int64_t n, const int64_t *start, const int64_t *row, int64_t n_last, Supernodal **out);
void           supernodal_destroy(Supernodal **);
double         supernodal_entries(const Supernodal *); /* nnz(L) as stored */
double         supernodal_flops(const Supernodal *);   /* of the factorisation */
double         supernodal_bytes(const Supernodal *);   /* predicted peak of factorisation and inversion together */
double         supernodal_seconds(const Supernodal *); /* predicted, both */

/* Numeric factorisation. *failed: 0, or 1 + the column at which the matrix was found not positive definite. The boundary is left as its
 * Schur complement, which may be singular; the first log det, solve or invert without z factors it (NaN, PETSC_ERR_MAT_CH_ZRPVT where it is
 * not definite). */
PetscErrorCode supernodal_factor(Supernodal *, const double *value, const Watch *, int64_t *failed);
/* The same for a matrix that is a Laplacian but for the row and column of one vertex, the ground: off-diagonal entries <= 0, and every row
 * above the boundary sums to the conductance ground[i] >= 0 (n; NULL: all 0) that joins vertex i to the ground. The sums are kept through
 * the elimination, as diagonals that are formed anew from off-diagonals block by block (Grassmann, Taksar and Heyman 1985): else every
 * elimination leaves a conductance of rounding size to the ground, and a million of them are seen by the edges there. */
PetscErrorCode supernodal_factor_laplacian(Supernodal *, const double *value, const double *ground, const Watch *, int64_t *failed);
double         supernodal_log_determinant(const Supernodal *); /* after factor, before invert */
/* x: (n, n_rhs) column-major, right-hand sides in, solutions out; in the given numbering. After factor, before invert. */
PetscErrorCode supernodal_solve(Supernodal *, int64_t n_rhs, double *x);
/* Schur complement of the boundary, A_BB - A_BI A_II^-1 A_IB: s (n_last, n_last) column-major, full symmetric. After factor, before
 * invert. */
PetscErrorCode supernodal_schur(const Supernodal *, double *s);
/* Replaces L by the inverse on its pattern. z: (n_last, n_last) full symmetric, the boundary's block of an inverse known from elsewhere
 * (of a larger matrix of which this one is a part: see resistance_nested.c), NULL: the boundary's own inverse. */
PetscErrorCode supernodal_invert(Supernodal *, const double *z, const Watch *);
/* Entries of the inverse after supernodal_invert: out[k] = Z(i[k], j[k]) for pairs on the pattern (every entry of the matrix is), given
 * numbering. PETSC_ERR_ARG_OUTOFRANGE for one that is not. */
PetscErrorCode supernodal_entries_of(const Supernodal *, int64_t n_pairs, const int64_t *i, const int64_t *j, double *out);
/* watch->stop said so and factor or invert gave up (both return 0, factor with *failed = -1): nothing but destroy is possible. */
bool   supernodal_stopped(const Supernodal *);
double supernodal_trace(const Supernodal *); /* of the inverse, after supernodal_invert */

#endif
