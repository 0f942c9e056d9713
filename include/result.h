/* SPDX-License-Identifier: BSD-2-Clause
 * What an experiment declares (ResultSchema, before any work), and what it fills (Result, one row a trial of a batch). In memory; the
 * file is the business of results/. */
#ifndef MYOPIA_RESULT_H
#define MYOPIA_RESULT_H

#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>

enum { RESULT_RANK_MAX = 4, RESULT_MESSAGE_MAX = 96 };

/* EVENT: 0 or 1, judged by exact binomial tests. CLOCK: a time or a memory of this very run: it differs from run to run, so it stands
 * outside the row's checksum and has no part in bitwise comparisons. */
typedef enum { METRIC_REAL = 0, METRIC_EVENT, METRIC_CLOCK } MetricKind;

extern const char *const metric_kind_names[]; /* "real", "event", "clock" */

typedef struct MetricSpec {
  const char *name, *unit, *long_name, *description, *estimator; /* unit "1" for none; string literals */
  MetricKind  kind;
  int64_t     sample_count; /* samples behind one value, 0: not a sampled quantity */
} MetricSpec;

typedef enum { ARRAY_F64 = 0, ARRAY_I64, ARRAY_U8 } ArrayType;

typedef struct ArraySpec {
  const char *name, *unit, *long_name, *description;
  ArrayType   type;
  bool        series;                 /* /series (axis 0 is the recorded step) instead of /arrays */
  int         rank;                   /* 1..RESULT_RANK_MAX */
  int64_t     shape[RESULT_RANK_MAX]; /* capacity at this point */
} ArraySpec;

typedef struct ResultSchema {
  int         n_metrics, n_arrays;
  MetricSpec *metrics; /* (n_metrics) in order of declaration; owned */
  ArraySpec  *arrays;
} ResultSchema; /* start as {0} */

PetscErrorCode result_schema_metric(ResultSchema *, const MetricSpec *); /* copies; a second metric of one name is an error */
PetscErrorCode result_schema_array(ResultSchema *, const ArraySpec *);
void           result_schema_clear(ResultSchema *);
int            result_schema_find_metric(const ResultSchema *, const char *name); /* -1 when there is none */
int            result_schema_find_array(const ResultSchema *, const char *name);
size_t         array_element_size(ArrayType);
int64_t        array_elements(const ArraySpec *); /* product of the shape */

typedef struct Result Result;

/* For n trials of one point; metrics start as NaN, arrays of recorded rows as NaN or 0, states as done. record: (n). */
PetscErrorCode result_create(const ResultSchema *, int64_t n, const bool *record, Result **out);
void           result_destroy(Result **);

/* For experiments. Names must be declared (PETSC_ERR_ARG_WRONG otherwise). Look up once a batch, not once a trial. */
PetscErrorCode result_metric(Result *, const char *name, double **column);         /* (n) */
PetscErrorCode result_array(Result *, const char *name, int64_t row, void **data); /* NULL when the row is not recorded */
/* The columns of a table of metrics: column (n). */
PetscErrorCode result_columns(Result *, int n, const MetricSpec *, double **column);
/* Copies n values to the start of an array, when the row is recorded. */
PetscErrorCode result_put(Result *, const char *name, int64_t row, int64_t n, const double *value);
PetscErrorCode result_put_floats(Result *, const char *name, int64_t row, int64_t n, const float *value);
/* The used part of an array when it is smaller than declared: its elements come first in the block, row-major in this shape. More than
 * declared fails the row with the numbers. */
PetscErrorCode result_array_shape(Result *, const char *name, int64_t row, const int64_t *shape);
void           result_fail(Result *, int64_t row, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* a numerical outcome: NaN, no convergence */
void result_invalid(Result *, int64_t row, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* a built-in check failed: say which, with numbers */
void result_timeout(Result *, int64_t row);
void result_interrupted(Result *, int64_t row); /* not finished, to be run again; set by the runner */

/* For run/ and results/. */
int64_t             result_rows(const Result *);
const ResultSchema *result_schema(const Result *);
int                 result_state(const Result *, int64_t row);   /* TrialState */
const char         *result_message(const Result *, int64_t row); /* "" when done */
bool                result_recorded(const Result *, int64_t row);
const double       *result_metric_column(const Result *, int metric);            /* (n) */
const void         *result_array_data(const Result *, int array, int64_t row);   /* NULL when not recorded */
const int64_t      *result_array_extent(const Result *, int array, int64_t row); /* (rank) used shape */

/* Exact and published values of one sweep point. */
typedef struct ReferenceValue {
  const char *metric;      /* string literal */
  double      exact;       /* NaN: none */
  double      published;   /* NaN: none */
  double      published_n; /* trials behind the published value, 0: unknown */
  double      capacity;    /* law of one trial around `exact`: NaN: unknown; 0: none, every trial has this value; c > 0: a count out of c */
  double      error;       /* |true mean - exact| is at most this: 0 unless the exact value is a limit that is not quite reached */
} ReferenceValue;

enum { REFERENCE_MAX = 16 };
typedef struct Reference {
  int            n;
  ReferenceValue value[REFERENCE_MAX];
} Reference; /* start as {0} */

void reference_exact(Reference *, const char *metric, double value);
/* No chance in it: one trial with another value contradicts it. */
void reference_sure(Reference *, const char *metric, double value);
/* Mean of a count of successes out of `capacity` in one trial whose spread is at most the binomial one (drawing without replacement:
 * Hoeffding 1963, theorem 4): judged by the exact binomial test of all successes out of n capacity, which is then conservative. */
void reference_count(Reference *, const char *metric, double mean, double capacity);
/* A limit that the mean has reached to within `error`. */
void reference_limit(Reference *, const char *metric, double value, double error);
void reference_published(Reference *, const char *metric, double value, double n);

#endif
