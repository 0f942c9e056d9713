/* SPDX-License-Identifier: BSD-2-Clause
 * The series and arrays of the first recorded trial, copied out of the file: what `--csv` of the short forms prints. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "recorded.h"
#include "results.h"

static int copy_all(Recorded *r, int *n, ResultsArray **out, H5Error *error)
{
  const RowArray *row = NULL;
  if (r->n_recorded == 0) return h5_error_set(error, 1, "no trial is recorded");
  TryCode(recorded_row(r, 0, &row, error));
  if (!row) return h5_error_set(error, 1, "the recorded shapes cannot be true");
  *out = mem_calloc((size_t)r->n, sizeof **out);
  *n   = r->n;
  for (int i = 0; i < r->n; i++) {
    ResultsArray *a = &(*out)[i];
    snprintf(a->name, sizeof a->name, "%s", r->array[i].name);
    a->type = r->array[i].type;
    a->rank = row[i].rank;
    memcpy(a->shape, row[i].extent, (size_t)row[i].rank * sizeof *a->shape);
    a->data = memcpy(mem_calloc(row[i].bytes, 1), row[i].data, row[i].bytes);
  }
  return 0;
}

int results_first_recorded(const char *path, int *n, ResultsArray **out, char *message, size_t size)
{
  H5Error   error = {0};
  hid_t     file  = -1;
  Recorded *r     = NULL;
  *n              = 0;
  *out            = NULL;
  if (!results_file_open(path, &file, &error) && !recorded_open(file, &r, &error)) copy_all(r, n, out, &error);
  recorded_destroy(&r);
  if (file >= 0) H5Fclose(file);
  if (error.code) snprintf(message, size, "%s: %s", path, error.text);
  return error.code;
}

void results_arrays_destroy(int n, ResultsArray **arrays)
{
  if (!*arrays) return;
  for (int i = 0; i < n; i++) free((*arrays)[i].data);
  free(*arrays);
  *arrays = NULL;
}
