/* SPDX-License-Identifier: BSD-2-Clause
 * Rank groups: the world cut into groups of equal size, one cut a phase. MPI alone. */
#ifndef MYOPIA_GROUPS_H
#define MYOPIA_GROUPS_H

#include <mpi.h>

/* Group of `rank` in each phase. Phase sizes must not increase. Each phase holds floor(world / size) groups; a group of a later phase lies
 * inside one group of the phase before wherever it can, so that its members arrive together and nobody waits for strangers. group: (world)
 * the group's number or
 * -1 for ranks that fit nowhere. Pure arithmetic, the same on all ranks. */
void groups_layout(int world, int n_phases, const int *size, int phase, int *group);

/* The communicator of this rank's group in a phase: MPI_COMM_NULL for a rank that fits nowhere. Collective on `comm`; free with
 * groups_free. */
int groups_split(MPI_Comm comm, const int *group, MPI_Comm *out);
int groups_free(MPI_Comm *);

#endif
