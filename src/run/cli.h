/* SPDX-License-Identifier: BSD-2-Clause
 * The command line: one table of commands, one of options; help comes from both. */
#ifndef MYOPIA_CLI_H
#define MYOPIA_CLI_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Arguments {
  const char  *command_line; /* as given, for the provenance */
  int          n_words;      /* positional arguments after the command */
  const char  *word[2];
  int          n_sets;
  const char **sets; /* key=value */
  /* options */
  bool        json, csv, claims, resume, overwrite, extend, only_failed, help;
  const char *out, *trial;
  bool        scratch;                     /* out goes when the command ends */
  const char *method, *pairs, *eigenpairs; /* of the short forms; NULL: not given */
  int64_t     count;                       /* -n of `sample`; 0: not given */
  int64_t     part, parts;                 /* --part I/N; 0: whole */
  int64_t     ranks_per_trial;             /* default 1 */
  bool        ranks_given;                 /* --ranks-per-trial was there */
  bool        ranks_auto;                  /* ... and leaves the number to the plan */
  double      time_limit;                  /* seconds; infinity: none */
} Arguments;

typedef struct Command {
  const char *name, *arguments, *summary;
  const char *options; /* names of the options it takes, separated by spaces */
  int         min_words, max_words;
  bool        takes_sets;
  bool        mpi;               /* run by all ranks; others act on rank 0 alone */
  int (*run)(const Arguments *); /* exit code */
} Command;

extern const Command command_list, command_describe, command_check, command_run, command_show, command_export, command_verify,
    command_doctor, command_version, command_resistance, command_spectrum, command_sample;

const Command *command_get(int i); /* NULL after the last */

/* Parses argv. Returns the command, or NULL when there is nothing to run: *code is then the exit code (0 after help, else 2). */
const Command *cli_parse(int argc, char **argv, Arguments *, int *code);
void           cli_clear(Arguments *);

/* Rank of this process by the launcher's environment (mpirun, srun), 0 when started alone; world size, 0 when unknown. */
int cli_launch_rank(void);
int cli_launch_world(void);

#endif
