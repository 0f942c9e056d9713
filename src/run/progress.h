/* SPDX-License-Identifier: BSD-2-Clause
 * Progress on rank 0: one redrawn line on a terminal, sparse lines in a file. */
#ifndef MYOPIA_PROGRESS_H
#define MYOPIA_PROGRESS_H

#include <stdint.h>

#include "queue.h"

typedef struct Progress Progress;

/* total: rows to be run now; total_cost: their predicted seconds; deadline: MPI_Wtime at which the job ends, or infinity. */
Progress *progress_create(Queue *, int64_t total, double total_cost, double deadline);
void      progress_destroy(Progress **);

void progress_phase(Progress *, const char *phase, int64_t done, int64_t total); /* inside a trial */
void progress_update(Progress *); /* cheap: looks at the clock, and at the queue's counts only when a line may be due */
void progress_end(Progress *);    /* the last line */

#endif
