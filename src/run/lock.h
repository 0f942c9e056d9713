/* SPDX-License-Identifier: BSD-2-Clause
 * One writer at a time: FILE.lock holds host, process, its start time, SLURM job and restart count. */
#ifndef MYOPIA_LOCK_H
#define MYOPIA_LOCK_H

#include <stdbool.h>
#include <stddef.h>

/* Serial. Takes the lock of `file`; a stale one (its process or job is gone) is replaced with a warning. A live one on this host is waited
 * for up to `patience` seconds. Returns 0, or a positive code with one sentence in error. */
int  lock_take(const char *file, double patience, char *error, size_t size);
void lock_release(const char *file);
/* Whether some live writer holds it; who: its description. */
bool lock_held(const char *file, char *who, size_t size);

#endif
