/* SPDX-License-Identifier: BSD-2-Clause
 * The runner's control as a Watch: stops and progress of one trial's group. */
#ifndef MYOPIA_CONTROL_WATCH_H
#define MYOPIA_CONTROL_WATCH_H

#include "control.h"
#include "watch.h"

/* Its stop is collective on the trial's communicator. The control must outlive it; NULL is silent. */
Watch control_watch(RunControl *);

#endif
