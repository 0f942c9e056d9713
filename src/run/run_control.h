/* SPDX-License-Identifier: BSD-2-Clause
 * The runner's side of control.h. */
#ifndef MYOPIA_RUN_CONTROL_H
#define MYOPIA_RUN_CONTROL_H

#include <mpi.h>

#include "control.h"
#include "progress.h"
#include "queue.h"

struct RunControl {
  MPI_Comm   comm; /* of the trial: stops are agreed on over it */
  Queue     *queue;
  Progress  *progress; /* rank 0 of the world, else NULL */
  double     deadline; /* MPI_Wtime of the job's end, or infinity */
  double     timeout;  /* MPI_Wtime at which the running trials time out, or infinity */
  double     next_poll;
  StopReason stopped; /* what control_should_stop last said */
};

/* The local reason to stop, without agreement: a signal, the deadline, another rank's stop, or the timeout. */
StopReason control_local_reason(RunControl *);

#endif
