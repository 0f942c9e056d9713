/* SPDX-License-Identifier: BSD-2-Clause
 * The methods behind resistance.h, one file (or family of files) each. All are collective on comm and take a connected graph that is the
 * same on all its ranks; u, v (n_pairs): the pairs whose resistance is wanted, u != v; outputs (n_pairs) are filled on all ranks. Where the
 * pairs are the graph's edges in order, pass u = v = NULL and n_pairs = m. A refusal (memory, no convergence) leaves the outputs alone and
 * fills stats->refused on all ranks alike; PetscErrorCode is for a broken world. */
#ifndef MYOPIA_RESISTANCE_METHODS_H
#define MYOPIA_RESISTANCE_METHODS_H

#include "graph_source.h"
#include "resistance.h"

/* Dense pseudo-inverse by LAPACK, no communication; the graph need not be connected (infinity between components). */
PetscErrorCode resistance_dense(const Graph *, int64_t n_pairs, const int64_t *u, const int64_t *v, double *resistance);

/* Supernodal selected inversion of the grounded Laplacian. One rank: resistance_exact.c; several: nested dissection, resistance_nested.c.
 * Pairs that are no edges: blocked solves with the same factor. */
PetscErrorCode resistance_exact(MPI_Comm, const Graph *, int64_t n_pairs, const int64_t *u, const int64_t *v, const ResistanceOptions *,
                                ResistanceStats *, double *resistance);
PetscErrorCode resistance_nested(MPI_Comm, const Graph *, const ResistanceOptions *, ResistanceStats *, double *resistance);
/* Whether the predicted seconds exceed options->seconds_limit (options may be NULL); fills stats->refused then. */
bool resistance_too_slow(const ResistanceOptions *, ResistanceStats *);
/* Logs what a long computation will take, before it begins. */
void resistance_announce(const ResistanceStats *, const Graph *);
/* Predicted peak bytes of a rank and seconds, from a symbolic analysis (0.3-2 s at a million vertices). */
PetscErrorCode resistance_exact_predict(const Graph *, double *bytes, double *seconds);

/* Johnson-Lindenstrauss with control variate, low degrees eliminated exactly. standard_error: (n_pairs) of each value. A refusal after work
 * has begun (interrupted, no convergence) leaves NaN in the outputs. 2^31 edges at most. */
PetscErrorCode resistance_sketch(MPI_Comm, const Graph *, int64_t n_pairs, const int64_t *u, const int64_t *v, const ResistanceOptions *,
                                 ResistanceStats *, double *resistance, double *standard_error);
void           resistance_sketch_predict(int64_t n, int64_t m, int64_t projections, int ranks, double *bytes, double *seconds);
/* The same for a graph distributed by rows, disconnected ones too; outputs (n_edges) of the edges with u local. */
PetscErrorCode resistance_sketch_rows(const GraphRows *, const ResistanceOptions *, ResistanceStats *, double *resistance,
                                      double *standard_error);

/* One PETSc KSP solve a pair, rows distributed over comm. Options prefix -resistance_. */
PetscErrorCode resistance_solve(MPI_Comm, const Graph *, int64_t n_pairs, const int64_t *u, const int64_t *v, const ResistanceOptions *,
                                ResistanceStats *, double *resistance);

#endif
