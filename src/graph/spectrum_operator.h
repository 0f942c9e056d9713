/* SPDX-License-Identifier: BSD-2-Clause
 * A connected graph's Laplacian and its preconditioners as the operators of davidson.h: rows distributed over comm, the graph whole on
 * every rank. Collective on comm. */
#ifndef MYOPIA_SPECTRUM_OPERATOR_H
#define MYOPIA_SPECTRUM_OPERATOR_H

#include <mpi.h>

#include "davidson.h"
#include "spectrum_parts.h"

typedef enum { PRECONDITION_INVERSE, PRECONDITION_MULTIGRID, PRECONDITION_DIAGONAL } Precondition;

typedef struct Operator Operator;

/* Borrows both Laplacians. a, b on the same vertices; b NULL: the identity, and the pencil is (a, I) with K about a^+; otherwise the pencil
 * is (-a, b) with K = b^+. grounded: on rank 0 the factor of what is inverted, NULL on other ranks and for other preconditioners. */
PetscErrorCode operator_create(MPI_Comm, const Laplacian *a, const Laplacian *b, Precondition, Grounded *grounded, Operator **out);
void           operator_destroy(Operator **);
double         operator_bytes(int64_t n, int ranks);
/* Fills comm, ctx, rows and functions of the problem. */
void operator_problem(Operator *, DavidsonProblem *);
/* x (n_local, columns) of each rank into whole (n, columns) of every rank, column-major. */
PetscErrorCode operator_gather(const Operator *, int64_t columns, const double *x, double *whole);

#endif
