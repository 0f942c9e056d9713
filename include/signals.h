/* SPDX-License-Identifier: BSD-2-Clause
 * SIGUSR1, SIGTERM and SIGINT mean: finish or checkpoint, write, exit 85. SIGPIPE is ignored. */
#ifndef MYOPIA_SIGNALS_H
#define MYOPIA_SIGNALS_H

void signals_install(void);  /* before MPI_Init (a signal can arrive before it is over), and again after it: libraries replace handlers */
int  signals_received(void); /* number of the first signal since the start, 0: none */

#endif
