/* SPDX-License-Identifier: BSD-2-Clause
 * Laplacian spectra of large sparse graphs: the smallest eigenpairs, spectral density, spanning trees, Kirchhoff index, and how far a
 * subgraph's quadratic form is from the graph's. Collective on comm; the graph is the same on all its ranks. */
#ifndef MYOPIA_SPECTRUM_SPARSE_H
#define MYOPIA_SPECTRUM_SPARSE_H

#include <mpi.h>

#include "graph.h"
#include "watch.h"

typedef enum { EIGEN_AUTO = 0, EIGEN_DENSE, EIGEN_SHIFT_INVERT, EIGEN_DAVIDSON } EigenMethodId;
extern const char *const eigen_method_names[]; /* "auto", "dense", "shift_invert", "davidson", NULL */

enum { EIGEN_REASON_MAX = 96 };

typedef struct EigenOptions {
  EigenMethodId method;
  double        tolerance;    /* absolute residual |L x - lambda x|_2 <= tolerance * max weighted degree; 0: 1e-12 */
  double        memory_limit; /* bytes a rank may use; 0: what is free */
  uint64_t      key;          /* of random start vectors */
  const Watch  *watch;
} EigenOptions;

typedef struct EigenStats {
  EigenMethodId method;
  int64_t       iterations;
  double        predicted_bytes, predicted_seconds;
  double        residual; /* largest absolute residual */
  char          refused[EIGEN_REASON_MAX];
} EigenStats;

/* The k smallest Laplacian eigenvalues of the whole graph with their multiplicities, ascending: one exact 0 a component, then the rest.
 * eigenvalue (k); residual (k) absolute, |L x - lambda x|_2 for |x|_2 = 1; vector (k, n) orthonormal rows, or NULL; the vectors of the null
 * space are the components' normalised indicators. k <= n. All on all ranks. A multiple eigenvalue is returned with all its copies that
 * fit into k. */
PetscErrorCode spectrum_smallest(MPI_Comm, const Graph *, int64_t k, const EigenOptions *, EigenStats *, double *eigenvalue,
                                 double *residual, double *vector);

/* Spectral density by the kernel polynomial method: mean over `probes` random vectors, Chebyshev moments damped by Jackson's kernel,
 * of the Laplacian scaled to [0, bound] with bound >= its largest eigenvalue. x (bins) centres of equal bins on [0, bound], density (bins)
 * with sum density * width = 1. Weisse et al., Rev. Mod. Phys. 78 (2006) 275. */
PetscErrorCode spectrum_density(MPI_Comm, const Graph *, int64_t moments, int64_t probes, int64_t bins, uint64_t key, const Watch *,
                                double *bound, double *x, double *density, double *standard_error);

/* Natural logarithm of the number of spanning forests with one tree a component (weighted: of the sum over them of the products of weights;
 * Kirchhoff's theorem), and the Kirchhoff index n_c tr(L_c^+) of each component summed over components, [ohm]. By the sparse factor;
 * stats->refused when it does not fit. */
typedef struct TreeStats {
  double log_spanning_trees, kirchhoff_index;
  double predicted_bytes, predicted_seconds;
  char   refused[EIGEN_REASON_MAX];
} TreeStats;
PetscErrorCode spectrum_trees(MPI_Comm, const Graph *, double memory_limit, const Watch *, TreeStats *);

/* Extreme values of x^T L_H x / x^T L_G x over x orthogonal to G's null space, H on G's vertices: low is 0 when H has more components than
 * G. max |x^T L_H x / x^T L_G x - 1| = max(high - 1, 1 - low). */
typedef struct QuadraticForm {
  double low, high, residual;
  char   refused[EIGEN_REASON_MAX];
} QuadraticForm;
PetscErrorCode spectrum_quadratic_form(MPI_Comm, const Graph *g, const Graph *h, const EigenOptions *, QuadraticForm *);

#endif
