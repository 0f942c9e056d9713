/* SPDX-License-Identifier: BSD-2-Clause
 * Laplacian spectra known in closed form, as references: path, cycle, complete graph, hypercube, grids and torus of unit weights. */
#ifndef MYOPIA_LATTICE_H
#define MYOPIA_LATTICE_H

#include "graph_params.h"

/* Sums over the nonzero eigenvalues, and the smallest of them with its multiplicity. NaN and 0 where the graph has no closed form. */
typedef struct LatticeSpectrum {
  double  lambda2, log_spanning_trees, kirchhoff_index;
  int64_t multiplicity;
} LatticeSpectrum;

/* O(n) at most; n beyond 2^24 has lambda2 alone. */
LatticeSpectrum lattice_spectrum(const GraphParams *);

#endif
