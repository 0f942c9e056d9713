/* SPDX-License-Identifier: BSD-2-Clause
 * The runner's control as the Watch that long-running science asks. */
#include "control_watch.h"

static void tell_progress(void *ctx, const char *phase, int64_t done, int64_t total) { control_progress(ctx, phase, done, total); }
static bool ask_stop(void *ctx) { return control_should_stop(ctx) != STOP_NO; }

Watch control_watch(RunControl *control) { return (Watch){tell_progress, ask_stop, control}; }
