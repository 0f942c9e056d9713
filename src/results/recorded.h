/* SPDX-License-Identifier: BSD-2-Clause
 * Reading an existing results file below the level of ResultsTable: opening it, the series and arrays of recorded trials, a row's
 * checksum from its stored bytes. */
#ifndef MYOPIA_RECORDED_H
#define MYOPIA_RECORDED_H

#include "h5.h"
#include "layout.h"

/* Opens for reading and checks that it is a results file of a schema_version that is understood. Close with H5Fclose: everything inside
 * closes with it. */
int results_file_open(const char *path, hid_t *file, H5Error *error);

typedef struct RecordedArray {
  char      name[H5_NAME_MAX], path[H5_PATH_MAX];
  ArrayType type;
  bool      dense;
  int64_t   every; /* stride of a series in steps, 0 for an array */
  int       rank;
  int64_t   block;  /* elements a trial when dense */
  int64_t  *offset; /* (n_recorded + 1) when ragged */
  int64_t  *extent; /* (n_recorded, rank) */
  hid_t     dataset;
  char     *window; /* the blocks of trials [first, last) */
  int64_t   first, last;
} RecordedArray;

typedef struct Recorded {
  int64_t        n_recorded;
  uint64_t       schema_hash;
  int            n;
  RecordedArray *array; /* (n), series first, in order of declaration */
  RowArray      *row;   /* (n) what recorded_row hands out */
} Recorded;

int  recorded_open(hid_t file, Recorded **out, H5Error *error); /* before H5Fclose: */
void recorded_destroy(Recorded **);

int64_t recorded_capacity(const RecordedArray *, int64_t k); /* elements of trial k's block */

/* The used parts of recorded trial k, one a series or array, valid until the next call; NULL in *out when the stored shape cannot be
 * true. */
int recorded_row(Recorded *, int64_t k, const RowArray **out, H5Error *error);

/* Checksum of a row with the given final state; 0 when its record or shapes cannot be true. metric: scratch, (table->n_metrics). */
int recorded_checksum(Recorded *, const ResultsTable *, int64_t row, int state, double *metric, uint64_t *checksum, H5Error *error);

#endif
