/* SPDX-License-Identifier: BSD-2-Clause
 * An experiment's line to the runner while a trial runs: stop, progress, checkpoint. Every function accepts NULL (a unit test): never stop,
 * no output. */
#ifndef MYOPIA_CONTROL_H
#define MYOPIA_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct RunControl RunControl;

typedef enum { STOP_NO = 0, STOP_INTERRUPTED, STOP_TIMEOUT } StopReason;

/* Signal, own deadline, or the trial's timeout. Collective on the trial's communicator: the same answer on all its ranks. When it is not
 * STOP_NO, return without filling the rows that are not finished: the runner marks them. */
StopReason control_should_stop(RunControl *);
/* Phase and how far it is, for the progress line. Not collective. */
void control_progress(RunControl *, const char *phase, int64_t done, int64_t total);
/* Call about every millisecond of work: answers other ranks' draws from the queue and redraws the progress line. Cheap, not collective. */
void control_poll(RunControl *);
/* Seconds left until the job's own deadline; infinity when there is none. */
double control_time_left(const RunControl *);
/* State of a long trial. No experiment has one yet: save does nothing, load returns false. Collective. */
int  control_checkpoint_save(RunControl *, const void *state, size_t bytes);
bool control_checkpoint_load(RunControl *, void *state, size_t bytes);

#endif
