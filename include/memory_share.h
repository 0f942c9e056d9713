/* SPDX-License-Identifier: BSD-2-Clause
 * How much memory a rank may plan with. */
#ifndef MYOPIA_MEMORY_SHARE_H
#define MYOPIA_MEMORY_SHARE_H

#include <petscsys.h>

/* *bytes: `limit` when > 0; else nine tenths of what this host has free (resource.h), divided by its ranks; 1e18 where nobody knows. The
 * least over comm, never 0. Collective. */
PetscErrorCode memory_share(MPI_Comm comm, double limit, double *bytes);

#endif
