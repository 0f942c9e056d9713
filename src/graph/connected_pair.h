/* SPDX-License-Identifier: BSD-2-Clause
 * P(connected) of two cliques joined by any number of vertex-disjoint bridges. Inside graph/ only: use connected_probability_pool. */
#ifndef MYOPIA_CONNECTED_PAIR_H
#define MYOPIA_CONNECTED_PAIR_H

#include "graph.h"

/* chain->n_cliques == 2. fate, draw, pool (its size): as for connected_probability_pool. NaN where the fates do not have the form it
 * asks for, or where the count is too long. */
PetscErrorCode connected_pair_probability(const CliqueChain *, const uint8_t *fate, int64_t draw, int64_t pool, double *probability);

#endif
