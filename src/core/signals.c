/* SPDX-License-Identifier: BSD-2-Clause
 * Records the first of SIGUSR1, SIGTERM, SIGINT; a second SIGINT ends the process at once. */
#include "signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t received, interrupts;

static void note(int number)
{
  if (number == SIGINT && ++interrupts > 1) {
    signal(SIGINT, SIG_DFL);
    raise(SIGINT);
  }
  if (!received) received = number;
}

void signals_install(void)
{
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  signal(SIGPIPE, SIG_IGN); /* a reader of the log that goes away ends no measurement */
}

int signals_received(void) { return received; }
