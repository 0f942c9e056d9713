/* SPDX-License-Identifier: BSD-2-Clause
 * Where everything of a plan lies in its file, and the checksum of a row. Pure arithmetic: no HDF5. */
#ifndef MYOPIA_LAYOUT_H
#define MYOPIA_LAYOUT_H

#include "results.h"

enum { RESULTS_SCHEMA_VERSION = 1 };
#define RESULTS_SCHEMA "myopia/results"

/* Values of a metric at each point: groups below /points, in this order. */
typedef enum {
  POINT_EXACT,
  POINT_CAPACITY,
  POINT_ERROR,
  POINT_PUBLISHED,
  POINT_PUBLISHED_N,
  POINT_EXPECT_LOW,
  POINT_EXPECT_HIGH,
  POINT_VALUES
} PointValue;

typedef struct PointGroup {
  const char *path, *description;
  bool        plain; /* a number without unit, whatever the metric's */
} PointGroup;
extern const PointGroup point_groups[POINT_VALUES];

/* A series or array of the union. Recorded trial k owns the elements [layout_offset(k), layout_offset(k + 1)) of the data set; the used
 * part, row-major in the trial's own shape, comes first in this block. */
typedef struct LayoutArray {
  ArraySpec spec;   /* shape: the largest extents */
  bool      dense;  /* all points declare spec.shape */
  int64_t  *offset; /* (n_recorded + 1) when ragged, else NULL */
} LayoutArray;

typedef struct Layout {
  int64_t      n_rows, n_points, n_recorded;
  ResultSchema all;         /* union of the points' schemas */
  LayoutArray *array;       /* (all.n_arrays), series first */
  int64_t     *record;      /* (n_rows) number of the recorded trial, or -1 */
  uint64_t     schema_hash; /* names and types of metrics and arrays */
} Layout;

PetscErrorCode layout_create(const ResultsPlan *, Layout **out);
void           layout_destroy(Layout **);

int64_t     layout_offset(const LayoutArray *, int64_t k); /* first element of recorded trial k */
const char *layout_group(const ArraySpec *);               /* "series" or "arrays" */

/* Axes that are columns of /trials anyway, and so no data set of their own: seed and ranks. */
bool   axis_is_column(const char *name);
bool   axis_is_text(ParamType);
size_t axis_width(const TrialTable *, int axis); /* bytes of a value in the file: 8, or those of the axis' longest text */

/* One row as it is in the file. */
typedef struct RowArray {
  int            rank;
  const int64_t *extent; /* (rank) used shape */
  const void    *data;   /* bytes of the used part */
  size_t         bytes;
} RowArray;

typedef struct RowContent {
  uint64_t        id, key, seed;
  int64_t         replicate;
  int             state;
  const char     *message; /* RESULT_MESSAGE_MAX bytes, zero beyond the text */
  const double   *metric;  /* (n_metrics); 0 for metrics of kind CLOCK */
  int             n_metrics, n_arrays;
  const RowArray *array; /* (n_arrays); none when the row is not recorded */
} RowContent;

/* XXH64 over every deterministic byte of the row, seeded with schema hash, id and length; never 0. */
uint64_t row_checksum(uint64_t schema_hash, const RowContent *);

/* done, failed, timeout, invalid: a state that is final and carries a checksum. */
bool state_is_final(int state);

#endif
