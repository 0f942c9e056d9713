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
  double           *expect_low, *expect_high; /* (n_points, all.n_metrics) */
  Text              scientific, execution;    /* resolved input */
} Plan;

/* Parses and checks everything; errors go to diagnostics. text (size bytes) is the content of the input. world: ranks there are, 0:
 * unknown; ranks_per_trial: default of points without a `ranks` axis. Returns NULL in *out when there were errors. */
PetscErrorCode plan_create(const Arguments *, const char *text, size_t size, int world, Diagnostics *, Plan **out);
void           plan_destroy(Plan **);

/* Exact and published values of every point (rank 0 only: they may take seconds). */
PetscErrorCode plan_references(Plan *);

int         plan_ranks(const Arguments *, const SweepPoint *); /* ranks per trial of a point */
ResultsPlan plan_results(const Plan *);                        /* borrows; the caller fills in ranks, command line and provenance */

/* Content of a file ("-": standard input) as text, NUL added; NULL with one sentence in error. */
char *plan_read_file(const char *path, size_t *size, char *error, size_t error_size);

#endif
