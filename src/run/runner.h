/* SPDX-License-Identifier: BSD-2-Clause
 * Runs trials: phases of rank groups, each drawing units of rows from the shared queue and writing them. */
#ifndef MYOPIA_RUNNER_H
#define MYOPIA_RUNNER_H

#include <mpi.h>

#include "plan.h"

typedef struct RunOutcome {
  int64_t done, failed; /* trials finished by this run, and those of them that failed */
  double  work;         /* units of merit of the done ones */
  double  seconds;      /* from the first draw until the last rank was through */
  bool    interrupted, io_error;
  double  phase[PHASES][3]; /* minimum, mean, maximum over ranks [s]; PHASE_WALL unused */
} RunOutcome;

/* Collective on world. todo: (n_rows), rows to run; attempt: number of this run over the file, 1, 2, ...; deadline: MPI_Wtime or infinity.
 * The outcome is the same on all ranks.
 * Ranks that fit nowhere are reported once. */
PetscErrorCode runner_run(MPI_Comm world, const Arguments *, const Plan *, const uint8_t *todo, int attempt, double deadline,
                          ResultsWriter *, RunOutcome *);

/* Predicted seconds of the rows to do, in all and of the shortest single one. */
void runner_predict(const Plan *, const uint8_t *todo, double *total, double *shortest);

#endif
