/* SPDX-License-Identifier: BSD-2-Clause
 * From an input file and overrides to everything a run needs to know: the same on all ranks, before any work. */
#ifndef MYOPIA_PLAN_H
#define MYOPIA_PLAN_H

#include "cli.h"
#include "experiment.h"
#include "results.h"
#include "study.h"

typedef struct Plan {
  char             *input; /* text of the input file */
  size_t            input_size;
  Study            *study;
  const Experiment *experiment;
  TrialTable       *table;
  ResultSchema     *schema;                   /* (n_points) */
  Reference        *reference;                /* (n_points); NULL until plan_references */
  uint64_t          first_point;              /* identity of the first point of the whole sweep, also where only a part is run */
  int64_t           replicates;               /* of every point of the whole sweep */
  ResultSchema      all;                      /* union of the points' schemas */
  bool             *record;                   /* (n_rows) */
  double           *cost;                     /* (n_points) predicted seconds of one trial, with its share of recording */
  int              *ranks;                    /* (n_points) ranks per trial that plan_schedule chose; NULL: it had nothing to choose */
  double           *expect_low, *expect_high; /* (n_points, all.n_metrics) */
  int               n_claims;
  ResultsClaim     *claim;
  Text              scientific, execution; /* resolved input */
} Plan;

/* Parses and checks everything; errors go to diagnostics. text (size bytes) is the content of the input. world: ranks there are, 0:
 * unknown; ranks_per_trial: default of points without a `ranks` axis. Returns NULL in *out when there were errors. */
PetscErrorCode plan_create(const Arguments *, const char *text, size_t size, int world, Diagnostics *, Plan **out);
void           plan_destroy(Plan **);

/* Exact and published values of every point (rank 0 only: they may take seconds). */
PetscErrorCode plan_references(Plan *);

/* --ranks-per-trial auto: chooses for `trials` trials on `world` ranks. Trials come first: one rank a trial where there are as many trials
 * as ranks; else the largest power of two that all trials can have at once and the experiment can use, where a trial is predicted to take
 * more than 50 ms. Scheduling alone: no key depends on it. May be called again when fewer trials are left. Does nothing without auto. */
void plan_schedule(const Arguments *, Plan *, int world, int64_t trials);
/* Reports numbers of ranks that are not there (world 0: unknown), or that a trial cannot use. */
void plan_check_ranks(const Arguments *, const Plan *, int world, Diagnostics *);

int         plan_ranks(const Arguments *, const Plan *, int64_t point); /* ranks per trial of a point */
ResultsPlan plan_results(const Plan *); /* borrows; the caller fills in ranks, command line and provenance */

/* Content of a file ("-": standard input) as text, NUL added; NULL with one sentence in error. */
char *plan_read_file(const char *path, size_t *size, char *error, size_t error_size);

#endif
