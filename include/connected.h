/* SPDX-License-Identifier: BSD-2-Clause
 * Exact counting of connected labelled graphs (GMP integers), and the exact probability that a chain of cliques stays connected
 * when a random set of its edges is kept. No sampling error: these are the values that measured ones are judged by. */
#ifndef MYOPIA_CONNECTED_H
#define MYOPIA_CONNECTED_H

#include <gmp.h>

#include "graph.h"

/* Connected labelled graphs on n vertices with m edges, C(n, m), n >= 1. result is initialised by the caller. */
PetscErrorCode connected_count(int64_t n, int64_t m, mpz_t result);

/* How edges of one kind fare: kept for sure, dropped for sure, or part of the pool out of which `draw` edges are drawn uniformly. */
typedef enum { FATE_DROPPED = 0, FATE_KEPT, FATE_POOL } EdgeFate;

/* P(connected) of the chain when every edge with fate KEPT is kept, every DROPPED one is not, and a uniformly random subset of `draw`
 * edges of the pool is kept. fate: (m) in the order of graph_clique_chain. Covers chains whose joints have one bridge each and whose
 * cliques each have one fate; and two cliques joined by any number of vertex-disjoint bridges where, on each side, edges are told apart
 * only by how many of their ends carry a bridge, and all bridges share one fate. *probability is NaN where neither applies or where the
 * count would cost more than about ten seconds. */
PetscErrorCode connected_probability_pool(const CliqueChain *, const uint8_t *fate, int64_t draw, double *probability);

/* The same when `keep` edges are drawn without replacement with probability proportional to score (successive sampling = exponential
 * keys): multivariate Wallenius law by quadrature to 1e-10 absolute. score: (m) >= 0, in the order of graph_clique_chain. Covers chains
 * with one bridge at each joint where a clique's edges share one score; NaN elsewhere. */
PetscErrorCode connected_probability_sampled(const CliqueChain *, const double *score, int64_t keep, double *probability);

#endif
