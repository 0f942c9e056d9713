/* SPDX-License-Identifier: BSD-2-Clause
 * control.h: when to stop, and keeping the queue answered while a trial computes. */
#include "control.h"

#include <math.h>

#include "run_control.h"
#include "signals.h"

StopReason control_local_reason(RunControl *c)
{
  int64_t stop = 0;
  if (signals_received()) return STOP_INTERRUPTED;
  const double now = MPI_Wtime();
  if (now >= c->deadline) return STOP_INTERRUPTED;
  if (queue_read(c->queue, COUNT_STOP, &stop) == 0 && stop) return STOP_INTERRUPTED;
  return now >= c->timeout ? STOP_TIMEOUT : STOP_NO;
}

StopReason control_should_stop(RunControl *c)
{
  if (!c) return STOP_NO;
  int reason = (int)control_local_reason(c), size = 1;
  MPI_Comm_size(c->comm, &size);
  /* An interruption wins over a timeout: STOP_INTERRUPTED < STOP_TIMEOUT, so agree on (interrupted, timeout) as two bits. */
  if (size > 1) {
    int bits = reason == STOP_INTERRUPTED ? 1 : reason == STOP_TIMEOUT ? 2 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &bits, 1, MPI_INT, MPI_BOR, c->comm);
    reason = bits & 1 ? STOP_INTERRUPTED : bits & 2 ? STOP_TIMEOUT : STOP_NO;
  }
  c->stopped = (StopReason)reason;
  control_poll(c);
  return c->stopped;
}

void control_progress(RunControl *c, const char *phase, int64_t done, int64_t total)
{
  if (!c) return;
  progress_phase(c->progress, phase, done, total);
  control_poll(c);
}

void control_poll(RunControl *c)
{
  if (!c) return;
  const double now = MPI_Wtime();
  if (now < c->next_poll) return;
  c->next_poll = now + 1e-3;
  queue_poll(c->queue);
  progress_update(c->progress);
}

double control_time_left(const RunControl *c) { return c ? fmax(0, c->deadline - MPI_Wtime()) : INFINITY; }

int control_checkpoint_save(RunControl *c, const void *state, size_t bytes)
{
  (void)c, (void)state, (void)bytes;
  return 0;
}

bool control_checkpoint_load(RunControl *c, void *state, size_t bytes)
{
  (void)c, (void)state, (void)bytes;
  return false;
}
