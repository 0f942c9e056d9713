/* SPDX-License-Identifier: BSD-2-Clause
 * Exit codes, and the one error macro of the parts that use MPI alone (run/groups, run/queue): they also build with smpicc,
 * so this header knows no PETSc and no HDF5. Everywhere else errors travel up the PetscCall chain. */
#ifndef MYOPIA_ERROR_H
#define MYOPIA_ERROR_H

/* What the process returns. mpirun and srun hand 85 through. */
enum {
  EXIT_VALID       = 0, /* all trials done, every check passed */
  EXIT_INVALID     = 1, /* a trial failed, or a result is invalid */
  EXIT_INPUT       = 2, /* usage or input; nothing was written */
  EXIT_ENVIRONMENT = 3, /* MPI, memory, a missing library */
  EXIT_IO          = 4, /* I/O error, locked or damaged file */
  EXIT_INTERRUPTED = 85 /* signal or deadline; --resume goes on */
};

/* Returns the MPI error code of `call` from the calling function unless it is MPI_SUCCESS (0). */
#define MpiTry(call)                                                                                                                       \
  do {                                                                                                                                     \
    int mpi_try_code_ = (call);                                                                                                            \
    if (mpi_try_code_ != 0) return mpi_try_code_;                                                                                          \
  } while (0)

#endif
