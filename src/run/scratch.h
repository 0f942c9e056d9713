/* SPDX-License-Identifier: BSD-2-Clause
 * A folder of its own for the results file of a short form of `run`, which goes when the command ends. */
#ifndef MYOPIA_SCRATCH_H
#define MYOPIA_SCRATCH_H

#include <mpi.h>

enum { SCRATCH_BYTES = 4096 };

/* The folder and the results file in it, the same on all ranks; folder "" with a message when it cannot be made. Collective. */
void scratch_make(MPI_Comm world, char folder[SCRATCH_BYTES], char path[SCRATCH_BYTES]);
void scratch_remove(const char *folder); /* on one rank; "" is nothing */

#endif
