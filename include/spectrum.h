/* SPDX-License-Identifier: BSD-2-Clause
 * Laplacian spectra of small graphs: the LAPACK reference, and lambda2 and histograms of eigenvalues of many small graphs at once. */
#ifndef MYOPIA_SPECTRUM_H
#define MYOPIA_SPECTRUM_H

#include "graph.h"
#include "isa.h"

/* All Laplacian eigenvalues, ascending, by LAPACK dsyev, n <= 20,000. eigenvalues: (n). Only edges with keep[e] != 0 count; keep
 * NULL: all. */
PetscErrorCode spectrum_dense(const Graph *, const uint8_t *keep, double *eigenvalues);
/* Algebraic connectivity: the second smallest of them; 0 exactly when disconnected, and for n < 2. */
PetscErrorCode spectrum_lambda2(const Graph *, const uint8_t *keep, double *lambda2);

enum { LAMBDA2_LANES = 8, LAMBDA2_VERTICES_MAX = 64 };
/* lambda2 of LAMBDA2_LANES connected unweighted graphs on n vertices, 2 <= n <= 64, lane by lane: Householder tridiagonalisation of
 * the Laplacian with its null vector deflated, then the smallest eigenvalue by Laguerre's iteration from below, finished by Sturm
 * bisection where it stalls (multiple eigenvalues). adjacency: (n, LAMBDA2_LANES), bit j of adjacency[i * LANES + l] set when i ~ j in
 * graph l. Absolute error <= 1e-12 n. A lane's bits depend on its graph alone, and not on the level. Unused lanes may hold any
 * connected graph. */
void lambda2_lanes(IsaLevel, int n, const uint64_t *adjacency, double lambda2[LAMBDA2_LANES]);
/* Histograms of normalised Laplacians I - D^{-1/2} A D^{-1/2} (isolated vertices: eigenvalue 0) of as many graphs on 1 <= n <= 64 vertices,
 * connected or not: below (m, LAMBDA2_LANES), eigenvalues less than each of m ascending shifts. Absolute error of an eigenvalue
 * <= 1e-14 n. Bits as above. */
void normalised_counts_lanes(IsaLevel, int n, const uint64_t *adjacency, int m, const double *shift, uint8_t *below);

#endif
