/* SPDX-License-Identifier: BSD-2-Clause
 * The results file before and after a run: create, resume, extend; then the summary and the RESULT line. Serial, rank 0. */
#ifndef MYOPIA_JOB_H
#define MYOPIA_JOB_H

#include "plan.h"
#include "provenance.h"
#include "runner.h"

typedef struct Job {
  int      code;    /* exit code when the run cannot start, else EXIT_VALID */
  int      attempt; /* number of this run over the file */
  int64_t  n_todo;
  uint8_t *todo; /* (n_rows) */
} Job;

/* Makes the file ready for writing under its lock (taken by the caller), and says what is to be run. Nothing is replaced unless everything
 * else was found in order. deadline: MPI_Wtime or infinity. Errors are told on stderr. */
PetscErrorCode job_prepare(const Arguments *, Plan *, const Provenance *, int world, double deadline, Job *);

/* Prints the table and the RESULT line; returns the exit code. outcome NULL: nothing was left to run. */
int job_finish(const Arguments *, const Plan *, const RunOutcome *outcome);

#endif
