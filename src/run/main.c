/* SPDX-License-Identifier: BSD-2-Clause
 * Finds the command and runs it: `run` under MPI and PETSc on all ranks, everything else on the first rank alone and without MPI_Init, so
 * that it works on login nodes. */
#include <fcntl.h>
#include <petscsys.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "error.h"
#include "libraries.h"
#include "log.h"
#include "memo.h"
#include "memory.h"
#include "signals.h"

static int run_parallel(const Command *command, const Arguments *arguments, int argc, char **argv)
{
  int rank;
  signals_install(); /* a signal can arrive before MPI_Init is over */
  if (MPI_Init(&argc, &argv) != MPI_SUCCESS) return EXIT_ENVIRONMENT;
  PetscOptionsSetValue(NULL, "-no_signal_handler", "1");
  if (PetscInitialize(NULL, NULL, NULL, NULL)) return EXIT_ENVIRONMENT;
  signals_install();
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  log_set_rank(rank);
  const int code = command->run(arguments);
  memo_clear();
  if (PetscFinalize()) return EXIT_ENVIRONMENT;
  MPI_Finalize();
  return code;
}

/* Descriptors 0 to 2 that were closed would go to the next file that is opened, and what is printed would land in it. */
static int open_standard_files(void)
{
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
      return -1; /* reading or writing it fails, as before */
  return 0;
}

int main(int argc, char **argv)
{
  Arguments arguments;
  int       code;
  mem_give_back();
  if (!getenv("OPENBLAS_NUM_THREADS")) libraries_one_thread();
  if (open_standard_files()) return EXIT_ENVIRONMENT;
  const int rank = cli_launch_rank();
  if (rank > 0 && !freopen("/dev/null", "w", stdout)) return EXIT_ENVIRONMENT; /* help and usage errors once, not once a rank */
  log_set_rank(rank);
  const Command *command = cli_parse(argc, argv, &arguments, &code);
  if (command && command->mpi)
    code = run_parallel(command, &arguments, argc, argv);
  else if (command && rank == 0)
    code = command->run(&arguments);
  cli_clear(&arguments);
  if ((fflush(stdout) || ferror(stdout)) && code == EXIT_VALID) {
    log_error("cannot write to the standard output");
    code = EXIT_IO;
  }
  return code;
}
