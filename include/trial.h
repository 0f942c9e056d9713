/* SPDX-License-Identifier: BSD-2-Clause
 * The plan of a run as plain data: sweep axes, sweep points, and the trials (replicates of points) with their keys. Made by config/, read
 * by run/ and results/. */
#ifndef MYOPIA_TRIAL_H
#define MYOPIA_TRIAL_H

#include "param.h"

enum { AXIS_TEXT_MAX = 64 };

typedef struct Axis {
  const char *name; /* parameter, or "seed", "ranks" */
  ParamType   type;
  const char *unit;
} Axis;

typedef struct AxisValue {
  bool   used;                /* false: the point ignores this axis (shown as "-", NaN or "" in the file, null in JSON) */
  double number;              /* INT, REAL, BOOL */
  char   text[AXIS_TEXT_MAX]; /* canonical text, every type */
} AxisValue;

typedef struct SweepPoint {
  void      *params;            /* the experiment's struct */
  uint64_t   seed;              /* study seed of this point */
  int        ranks;             /* ranks per trial; 0: as --ranks-per-trial says */
  AxisValue *axes;              /* (n_axes) */
  char      *canonical;         /* "name=value\n" of every used scientific parameter, sorted by name; seed first */
  uint64_t   stream;            /* hash of canonical without `pair` axes: the base of its trials' random keys */
  uint64_t   identity;          /* hash of canonical with them: the base of its trials' ids */
  int64_t    first_row, n_rows; /* its rows in the table; adjacent */
  int64_t    first_replicate;   /* replicate of first_row */
} SweepPoint;

typedef struct TrialTable {
  const char *experiment;
  int         n_axes;
  Axis       *axes;
  int64_t     n_points;
  SweepPoint *points;
  int64_t     n_rows;
} TrialTable;

/* Random key of a trial (what its Philox streams are keyed with) and its identity (what --extend matches). Both depend on the study seed,
 * the scientific parameters and the replicate alone: never on row, rank, axis order or other values of the sweep. Never 0. */
uint64_t trial_key(const SweepPoint *, int64_t replicate);
uint64_t trial_identity(const SweepPoint *, int64_t replicate);
int64_t  trial_point_of_row(const TrialTable *, int64_t row); /* by bisection */

/* What an experiment's run() gets: adjacent replicates of one sweep point. */
typedef struct TrialBatch {
  const void     *params;
  int64_t         n;         /* trials in this batch, >= 1 */
  const uint64_t *key;       /* (n) random keys */
  const int64_t  *replicate; /* (n) */
  const bool     *record;    /* (n) fill series and arrays of this trial? */
  int64_t         every;     /* stride of recorded series in steps, >= 1 */
} TrialBatch;

typedef enum {
  TRIAL_PENDING = 0,
  TRIAL_RUNNING,
  TRIAL_DONE,
  TRIAL_FAILED,
  TRIAL_TIMEOUT,
  TRIAL_INTERRUPTED,
  TRIAL_INVALID,
  TRIAL_STATES
} TrialState;
const char *trial_state_name(TrialState);

#endif
