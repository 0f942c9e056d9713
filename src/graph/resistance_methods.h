/* SPDX-License-Identifier: BSD-2-Clause
 * The methods behind resistance.c's table, one file each. Contract: ResistanceMethod.edges in resistance.h. */
#ifndef MYOPIA_RESISTANCE_METHODS_H
#define MYOPIA_RESISTANCE_METHODS_H

#include "graph.h"

PetscErrorCode resistance_dense(const Graph *, double *resistance);

#endif
