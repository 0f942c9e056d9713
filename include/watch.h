/* SPDX-License-Identifier: BSD-2-Clause
 * How long-running science tells its caller where it is and asks whether to go on, without knowing who the caller is. A NULL Watch, or a
 * NULL member, is silent and never stops. */
#ifndef MYOPIA_WATCH_H
#define MYOPIA_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Watch {
  void (*progress)(void *ctx, const char *phase, int64_t done, int64_t total); /* not collective; call every few milliseconds of work */
  bool (*stop)(void *ctx); /* collective on the communicator of the work: the same answer on all its ranks */
  void *ctx;
} Watch;

static inline void watch_progress(const Watch *w, const char *phase, int64_t done, int64_t total)
{
  if (w && w->progress) w->progress(w->ctx, phase, done, total);
}

static inline bool watch_stop(const Watch *w) { return w && w->stop && w->stop(w->ctx); }

#endif
