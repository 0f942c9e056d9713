/* SPDX-License-Identifier: BSD-2-Clause
 * What `run` and its short forms (`resistance`, `spectrum`) share. */
#ifndef MYOPIA_COMMAND_RUN_H
#define MYOPIA_COMMAND_RUN_H

#include <petscsys.h>

#include "cli.h"

/* Runs the study that `text` (n bytes of YAML, named a->word[0] in messages; the same on all ranks) describes, into a->out. Collective;
 * *code: exit code, the same on all ranks. */
PetscErrorCode run_study(MPI_Comm world, const Arguments *a, const char *text, size_t n, int *code);

#endif
