/* SPDX-License-Identifier: BSD-2-Clause
 * One experiment = one file in src/experiments/ with one const Experiment, listed in experiments.c. */
#ifndef MYOPIA_EXPERIMENT_H
#define MYOPIA_EXPERIMENT_H

#include <mpi.h>

#include "control.h"
#include "diagnostics.h"
#include "param.h"
#include "result.h"
#include "trial.h"

typedef struct Experiment {
  const char      *name, *summary; /* as in YAML; one line for `myopia list` */
  const char      *source;         /* paper and section the protocol comes from */
  const ParamSpec *params;
  size_t           params_size;
  bool             parallel;                /* one trial can use several ranks; false: the ranks of a group share out its trials instead */
  const char      *merit_unit;              /* of the figure of merit: merit_work per second of the run */
  double (*merit_work)(const void *params); /* work of one trial in units of merit; NULL: 1 */
  void (*check)(const void *params, Diagnostics *); /* cross-field rules, by diagnostics_parameter(); optional */
  double (*cost)(const void *params);               /* predicted seconds of one trial on one core of 2024; rough */
  int (*max_ranks)(const void *params);             /* most ranks one trial can use; NULL: any number when `parallel`, unchecked when not */
  double (*memory)(const void *params);             /* predicted bytes of a rank beyond those of its results; NULL: few */
  double (*record_cost)(const void *params, int64_t every); /* predicted extra seconds of one recorded trial; NULL: none */
  PetscErrorCode (*declare)(const void *params, int64_t every,
                            ResultSchema *); /* every metric, series and array with unit and largest shape */
  PetscErrorCode (*run)(MPI_Comm, const TrialBatch *, RunControl *, Result *); /* collective on the communicator */
  PetscErrorCode (*reference)(const void *params, Reference *);                /* exact and published values; optional */
} Experiment;

const Experiment *experiment_get(int i); /* NULL after the last; in the order of `myopia list` */
const Experiment *experiment_find(const char *name);

#endif
