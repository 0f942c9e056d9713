/* SPDX-License-Identifier: BSD-2-Clause
 * A study: the YAML input plus overrides, checked, and expanded to sweep points and trials. All errors go to Diagnostics; every function
 * below goes on after an error as far as it sensibly can, so that one pass reports everything. The caller must not use a table while
 * diagnostics_errors() > 0.
 *
 * Input (schema myopia/1):
 *   schema, experiment, title, seed, replicates, parameters{}, execution{} (execution parameters only), sweep{}, zip, cases[], when{},
 *       pair[], record{}, timeout, sync, checkpoint, expect[], claims[].
 * Sweep values: a list, a scalar, or range(a,b[,step]) (b included), linspace(a,b,n), logspace(a,b,n) (exponents of 10). */
#ifndef MYOPIA_STUDY_H
#define MYOPIA_STUDY_H

#include "claim.h"
#include "diagnostics.h"
#include "text.h"
#include "trial.h"

typedef struct Study Study;

typedef enum { RECORD_NONE = 0, RECORD_FIRST, RECORD_FIRST_PER_POINT, RECORD_ALL, RECORD_EVERY_N } RecordMode;

typedef struct StudyOptions {
  RecordMode record;     /* which trials keep series and arrays; default first_per_point */
  int64_t    record_n;   /* RECORD_EVERY_N: replicates 0, n, 2n, ... of each point */
  int64_t    every;      /* stride of series in steps, default 1 */
  double     timeout;    /* seconds per trial; infinity: none */
  double     sync;       /* seconds between fsyncs, default 60 */
  double     checkpoint; /* seconds between checkpoints, default 300 */
} StudyOptions;

enum { WHERE_MAX = 16 };

/* Conditions that select sweep points: axes or parameters and the values they must have. None: every point. */
typedef struct Where {
  int         n;
  const char *name[WHERE_MAX];
  char       *value[WHERE_MAX]; /* canonical text */
} Where;

/* One `expect` entry against one metric; bounds as numbers. */
typedef struct Expectation {
  const char *metric;
  SourceMark  metric_mark;
  double      low, high; /* the mean must lie in [low, high] */
  Where       where;
  SourceMark  mark;
} Expectation;

/* One `claims` entry and the points of its sides. */
typedef struct StudyClaim {
  Claim      claim;
  Where      where[CLAIM_SIDES];
  SourceMark mark, metric_mark[CLAIM_SIDES];
} StudyClaim;

/* A resolved parameter and where its value came from, for `check`. */
typedef struct ParamOrigin {
  const char *name;
  char        value[PARAM_TEXT_MAX]; /* canonical; of a swept one "a, b, c (3 values)" */
  char        origin[128];           /* "built-in", "inputs/x.yaml:12", "command line 2" */
} ParamOrigin;

/* Parses `text` (n bytes of the file `name`; or of "-") and the overrides "key=value" (n_sets). Never NULL; empty where the input was
 * unusable. name and sets are copied.
 * Override keys: any top-level scalar (seed, replicates, title, timeout, ...), `record.every`, `record.trajectories`, or a parameter of the
 * experiment; a value with commas or a range form sweeps.
 * A file that holds NUL bytes, no mapping, or several documents is one clear error. */
Study *study_parse(const char *name, const char *text, size_t n, int n_sets, const char *const *sets, Diagnostics *);
void   study_destroy(Study **);

const char         *study_experiment(const Study *, SourceMark *mark); /* NULL when missing (already reported) */
const char         *study_title(const Study *);                        /* "" by default */
const StudyOptions *study_options(const Study *);

/* Resolves every parameter against the experiment's table and expands the sweep. check: the experiment's cross-field rules, called for
 * every point (may be NULL). Reports unknown, duplicate and mistyped keys, ranges, a swept axis that some point ignores (naming the `when`
 * that cures it), an expectation that matches no point (a warning where the command line set what it asks for), more than 100 million
 * trials, 0 replicates, reserved names.
 * The table borrows from study and spec: it lives as long as they do. */
TrialTable *study_expand(Study *, const char *experiment, const ParamSpec *spec, size_t params_size,
                         void (*check)(const void *, Diagnostics *), Diagnostics *);
void        trial_table_destroy(TrialTable **);

int  study_expectations(const Study *, const Expectation **out); /* after study_expand */
int  study_claims(const Study *, const StudyClaim **out);        /* after study_expand */
bool where_matches(const Where *, const TrialTable *, const ParamSpec *spec, int64_t point);
int  study_origins(const Study *, const ParamOrigin **out); /* after study_expand */
/* Where the swept value `text` (canonical) of a parameter, seed or ranks stands; where the parameter got its values; {0}: nowhere. */
SourceMark study_value_mark(const Study *, const char *name, const char *text);

/* Canonical YAML of what was asked: `scientific` decides every result (a resume refuses another one), `execution` does not. Parsing the two
 * together gives the same study. */
void study_resolved(const Study *, Text *scientific, Text *execution);

/* Whether a replicate's series and arrays are recorded. */
bool study_records(const StudyOptions *, int64_t point, int64_t replicate);

/* Keeps only part i of n (1-based; contiguous rows of nearly equal count) or only one row. Rows are renumbered from 0; keys and ids
 * stay. */
void trial_table_part(TrialTable *, int64_t i, int64_t n);
bool trial_table_only(TrialTable *, const char *trial); /* a row number, or an id as 0x... hex; false when there is none */

#endif
