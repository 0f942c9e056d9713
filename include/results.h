/* SPDX-License-Identifier: BSD-2-Clause
 * The results file: one HDF5 file a run, created whole before the first trial, then written in place by all ranks, readable at any moment.
 *
 * HDF5 keeps its superblock and B-trees in memory until a flush, so a file that grows is lost whole by kill -9; one whose objects all exist
 * and are on disk before the first trial, and which then gets raw writes only, is not. Therefore: rank 0 alone creates FILE.tmp with the
 * serial driver (all groups, full-size contiguous data sets allocated early, attributes, provenance), closes it, reserves its blocks,
 * fsyncs, renames; then all ranks open it with MPI-IO and no metadata operation follows. Library version bounds are 1.8: all metadata carry
 * HDF5's own checksums, and no mark of an open writer stays behind after a kill.
 *
 * Layout (N trials, P points, K recorded trials):
 *   /                    attributes schema, schema_version, schema_hash, software, version, git_commit, date, machine, command_line,
 *                        ranks, experiment, title, merit_unit
 *   /provenance/<text>   scalar fixed-length strings: input, resolved_scientific, resolved_execution, libraries, hosts, slurm, compiler,
 *                        isa_level, blas_core, ... (software_version and git_commit are also the root's attributes version and git_commit)
 *   /points/first_row, n_rows (P); exact/<metric>, exact_capacity/<metric>, exact_error/<metric>, published/<metric>,
 *                        published_n/<metric>, expect_low/<metric>, expect_high/<metric> (P); NaN: none
 *   /claims/text, metric, against_metric, of_where, against_where, compare, bound (C, texts), low, high (C); of, against (C, P): 1 where
 *                        the point is on that side. The group is there only where the input has claims
 *   /trials/row (N)      0..N-1, the dimension scale of all columns; state (u8), key, id, seed (u64), replicate, point (i64), ranks,
 *                        attempt (i32), checksum (u64), message (S96), record (i64): index of the recorded trial, or -1; and one data set
 *                        a sweep axis: integers i64, -2^63 where a point ignores the axis; reals f64, NaN there; everything else S, ""
 *                        there; the axes seed and ranks are the columns of that name. Attributes axes: their names; recorded: K
 *   /metrics/<name> (N)  f64, NaN where not defined or not done; attribute names of the group: in order of declaration (as in /series,
 *                        /arrays, /timing)
 *   /series/<name>, /arrays/<name>
 *                        attribute layout "dense": (K, shape...); "ragged": flat, recorded trial k owns the block [<name>_offset[k],
 *                        <name>_offset[k+1]), offset (K+1). In both, <name>_shape (K, rank) is the used shape, and the used elements,
 *                        row-major in that shape, come first in the trial's block. Series: attribute every, the stride in steps
 *   /timing/<name> (N)   f64 seconds: wall, compute, reduction, queue, io, idle; outside the checksum
 * Every data set has attributes units, long_name, description; metrics also estimator, sample_count, kind ("real", "event" or "clock"),
 * undefined_for ("points 0-3, 7"). One that never changes after creation (provenance, points, identities, axes, offsets) carries the
 * attribute checksum: XXH64 of its bytes, seeded with the XXH64 of its path. A row counts as done only if its checksum (XXH64 over every
 * deterministic byte, seeded with schema hash, id and length, never 0) matches. */
#ifndef MYOPIA_RESULTS_H
#define MYOPIA_RESULTS_H

#include <mpi.h>

#include "claim.h"
#include "result.h"
#include "text.h"
#include "trial.h"

typedef struct ProvenanceText {
  const char *name, *text;
} ProvenanceText;

/* A claim and its points. */
typedef struct ResultsClaim {
  Claim    claim;
  uint8_t *member[CLAIM_SIDES]; /* (n_points) 1 where the point is on that side */
} ResultsClaim;
void results_claims_destroy(int n, ResultsClaim **);

typedef struct ResultsPlan {
  const TrialTable   *table;
  const ResultSchema *schema;                   /* (table->n_points), one a point */
  const Reference    *reference;                /* (n_points) */
  const bool         *record;                   /* (table->n_rows) */
  const double       *expect_low, *expect_high; /* (n_points, n_metrics of the union in order of first appearance) NaN: none; may be NULL */
  int                 n_claims;
  const ResultsClaim *claim;
  int64_t             every;
  const char         *title, *merit_unit, *command_line;
  int                 ranks; /* of the world */
  int                 n_provenance;
  const ProvenanceText *provenance; /* at least input, resolved_scientific, resolved_execution */
} ResultsPlan;

/* The union of the points' metrics and arrays in order of first appearance; shape: the largest extent in each dimension. Caller clears. */
PetscErrorCode results_union(int64_t n_points, const ResultSchema *, ResultSchema *out);
/* Bytes the file will have, for `check`. */
int64_t results_predict_bytes(const ResultsPlan *);

/* Serial (call on rank 0): creates FILE by way of FILE.tmp. takeover: an older file whose done rows are copied in by id where their
 * checksum matches, or NULL; *taken counts them. Returns 0, or an errno-like positive code with one sentence in error (size bytes);
 * nothing is left behind. */
int results_create(const char *path, const ResultsPlan *, const char *takeover, int64_t *taken, char *error, size_t size);

typedef struct ResultsWriter ResultsWriter;
/* Collective on comm (a private duplicate of the world). The plan must be the one the file was created from (resume: read back and
 * compared, see results_same_plan), and outlive the writer. */
PetscErrorCode results_open(MPI_Comm comm, const char *path, const ResultsPlan *, ResultsWriter **out);
PetscErrorCode results_close(ResultsWriter **); /* collective */

enum { PHASE_WALL = 0, PHASE_COMPUTE, PHASE_REDUCTION, PHASE_QUEUE, PHASE_IO, PHASE_IDLE, PHASES };
extern const char *const phase_names[PHASES];

/* Not collective: writes rows [first, first + result_rows) with one contiguous write a dataset, states and checksums last. attempt: of
 * this run (1, 2, ...); ranks: per trial; phase: (PHASES) seconds of each of these rows, alike; NULL: not measured. Rows whose result
 * state is pending/interrupted are written as TRIAL_INTERRUPTED without checksum. Nonzero: the write failed (message in error); the rows
 * stay pending. */
int results_write(ResultsWriter *, int64_t first, const Result *, int attempt, int ranks, const double *phase, char *error, size_t size);
/* A hint for readers: rows now running (only for units that take long). */
int results_mark_running(ResultsWriter *, int64_t first, int64_t n);
/* fsync of what this rank wrote; not collective. Nonzero with message on failure. */
int results_sync(ResultsWriter *, char *error, size_t size);

/* HDF5 version of headers and library, and the MPI-IO flag, as one line. */
void results_library_version(char *out, size_t size);

/* Serial: whether a run could go on writing this file of this plan: permissions, and every data set it will open. 0, or a positive code
 * with one sentence in error. */
int results_probe(const char *path, const ResultsPlan *, char *error, size_t size);

/* --- reading, serial, no MPI needed --- */

typedef struct ResultsColumn {
  char    name[64], unit[32];
  double *value; /* (n_rows) */
  bool    event, clock;
  /* (n_points) each; capacity and error: of `exact`, as in ReferenceValue */
  double *exact, *capacity, *error, *published, *published_n, *expect_low, *expect_high;
} ResultsColumn;

typedef struct ResultsAxis {
  char    name[64];
  bool    text, integer;
  double *number;                /* (n_rows) when not text; NaN: ignored by the point */
  char (*string)[AXIS_TEXT_MAX]; /* (n_rows) when text; "": ignored */
} ResultsAxis;

typedef struct ResultsTable {
  char      experiment[64], title[256], merit_unit[64], version[64], date[64];
  int64_t   n_rows, n_points, n_recorded;
  int64_t  *first_row, *point_rows; /* (n_points) */
  uint8_t  *state;
  uint64_t *key, *id, *seed, *checksum;
  int64_t  *replicate, *record; /* record: number of the recorded trial, or -1 */
  int32_t  *ranks, *attempt;
  char (*message)[RESULT_MESSAGE_MAX];
  int            n_metrics, n_axes, n_claims;
  ResultsColumn *metric;
  ResultsClaim  *claim;
  ResultsAxis   *axis;
  double        *wall;                           /* (n_rows) */
  bool          *intact;                         /* (n_rows) checksum matches the stored bytes; filled by results_read with check = true */
  char          *scientific, *execution, *input; /* provenance texts; owned */
  /* of the run that made the file; "" where it did not say; owned */
  char *isa_level, *blas_core, *commit;
} ResultsTable;

/* Whether a file begins as HDF5 files do (also a damaged one). False when it cannot be opened. */
bool results_is_hdf5(const char *path);

/* Returns 0 or a positive code with one sentence in error: missing, no HDF5, truncated, not a myopia file, a newer schema_version. States
 * TRIAL_RUNNING become TRIAL_INTERRUPTED unless `live`. check: recompute every row's checksum; a done/failed row that does not match
 * becomes TRIAL_PENDING (intact false). */
int  results_read(const char *path, bool check, bool live, ResultsTable **out, char *error, size_t size);
void results_table_destroy(ResultsTable **);

/* A series or an array of one trial, in the trial's own shape. */
typedef struct ResultsArray {
  char      name[64];
  ArrayType type;
  int       rank;
  int64_t   shape[RESULT_RANK_MAX];
  void     *data; /* row-major */
} ResultsArray;
/* Those of the first recorded trial: out (n), owned. Returns 0, or a positive code with one sentence in error. */
int  results_first_recorded(const char *path, int *n, ResultsArray **out, char *error, size_t size);
void results_arrays_destroy(int n, ResultsArray **);

/* Whether the file was made for exactly this plan: the same rows with the same ids, keys and recorded trials, the same metrics. Otherwise
 * false, and one sentence that names the first difference. */
bool results_same_plan(const ResultsTable *, const ResultsPlan *, char *error, size_t size);

/* Rows by identity, and by ranks where these are a sweep axis. The table must outlive the index. */
typedef struct ResultsIndex ResultsIndex;
ResultsIndex               *results_index_create(const ResultsTable *);
void                        results_index_destroy(ResultsIndex **);
/* ranks: of the sweep axis, 0 where there is none (a file with such an axis then has no such row). -1 when there is none. */
int64_t results_index_find(const ResultsIndex *, uint64_t id, int ranks);

/* All that is wrong with the file, one line a finding (schema, sizes, offsets, damaged rows by number), to `report`; returns the number
 * of findings, -1 when the file cannot be read at all. counts: (TRIAL_STATES). */
int64_t results_verify(const char *path, bool live, Text *report, int64_t counts[TRIAL_STATES]);

/* --- statistics of a table: what `show` prints and what decides VALID --- */

typedef enum { VERDICT_NONE = 0, VERDICT_AGREES, VERDICT_DIFFERS, VERDICT_PAPER_OUTSIDE } Verdict;
const char *verdict_text(Verdict); /* NULL for NONE, "agrees", "differs", "paper outside protocol" */

typedef struct SummaryCell {
  int64_t n;
  double  mean, sd, stderr_, low, high;                 /* 95 %: Clopper-Pearson for events, Student's t otherwise */
  double  exact, published, p_value, published_p_value; /* NaN: none */
  double  expect_low, expect_high;
  bool    expect_met;
  Verdict verdict;
} SummaryCell;

typedef enum { CLAIM_UNDECIDED = 0, CLAIM_HOLDS, CLAIM_FAILS } ClaimVerdict;
const char *claim_verdict_text(ClaimVerdict); /* "undecided", "holds", "does not hold" */

typedef struct ClaimResult {
  double       value, low, high; /* NaN: cannot be said; infinite: unbounded */
  int64_t      n[CLAIM_SIDES];   /* trials behind the value */
  bool         paired;           /* the sides share their random numbers, and differences of trials were used */
  const char  *note;             /* why there is no interval, or none of finite length; NULL: there is */
  ClaimVerdict verdict;
} ClaimResult;

/* A side is the mean over its points (those with values) of the mean over the trials that are done. Points that share random numbers (the
 * same keys, as `pair` makes them) and have values in the same replicates are observed together, replicate by replicate (paired
 * differences); all else is independent. Points that differ in the axis `seed` alone count as trials of one point. Interval of level
 * 1 - 0.05 / claims of the table: Student's t with Welch's and Satterthwaite's degrees of freedom, for a ratio Fieller's; for events
 * Clopper-Pearson bounds of the points, joined by recovered variances (G. Zou, A. Donner, 2008; with the correlation of the replicates).
 * Verdict: holds where the whole interval satisfies the bound, does not hold where all of it violates it, else undecided; `contains`: by
 * whether the interval contains the number; without bounded interval undecided, unless the bounded end decides. result: (n_claims). */
void claims_evaluate(const ResultsTable *, ClaimResult *result);

typedef struct Summary {
  const ResultsTable *table; /* borrowed */
  int64_t             n_points;
  SummaryCell        *cell;  /* (n_points, n_metrics) row-major */
  ClaimResult        *claim; /* (table->n_claims); they have no part in `valid` */
  int64_t             counts[TRIAL_STATES];
  bool                valid;
  Text                reasons; /* one line a reason; empty when valid */
} Summary;

/* p_value: measured against exact. Events: exact binomial test. Counts of known capacity: the same on all successes. Sure values: 1 or 0.
 * Anything else: Student's t, from 30 trials on and only where the sample's skewness leaves the mean nearly normal; values that never vary
 * agree when they are equal and say nothing when they are not. "differs" below 6e-5 / number of such tests (4 sigma, Bonferroni).
 * published_p_value: published against exact in published_n trials (events: exact binomial test of round(published n); otherwise t with the
 * measured standard deviation, from 30 trials on); "paper outside protocol" below 6e-5 / number of these. Invalid: any trial not done, any
 * row "differs", any expectation missed. */
PetscErrorCode summary_create(const ResultsTable *, Summary **out);
void           summary_destroy(Summary **);
void           summary_json(const Summary *, Text *out);
void           summary_csv(const Summary *, Text *out);
void           summary_table(const Summary *, bool colour, Text *out); /* status counts, a block a metric with one row a point, claims */
/* The claims alone, as the table, the list in the JSON, one line a claim. */
void summary_claims_table(const Summary *, bool colour, Text *out); /* nothing where there are none */
void summary_claims_json(const Summary *, Text *out);
void summary_claims_csv(const Summary *, Text *out);
void claim_bound_text(const Claim *, Text *out);          /* "below 0", "within [0.9, 1.1]" */
void results_export_csv(const ResultsTable *, Text *out); /* one row a trial: row, axes, replicate, seed, key, state, metrics, wall */

#endif
