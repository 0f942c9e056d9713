/* SPDX-License-Identifier: BSD-2-Clause
 * Takes done rows of an older file over into a new one, by identity. A row is taken only if nothing of what the new plan wants of it is
 * missing: same key, every metric the point declares, and its series and arrays where the new plan records the trial. Its checksum is
 * computed anew, for the new file's schema. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "create.h"
#include "memory.h"
#include "recorded.h"

typedef struct Takeover {
  hid_t              file, old_file;
  const ResultsPlan *plan;
  const Layout      *layout;
  ResultsTable      *old;
  Recorded          *recorded;
  int64_t           *source;   /* (n_rows) row of the old file, or -1 */
  uint64_t          *checksum; /* (n_rows) */
  int               *metric;   /* (n_metrics of the new file) index in the old, or -1 */
  int               *array;    /* (n_arrays of the new file) index in the old, or -1 */
  int64_t            taken;
  H5Error           *error;
} Takeover;

static void match_names(Takeover *t)
{
  const ResultSchema *all = &t->layout->all;
  t->metric               = mem_calloc((size_t)all->n_metrics, sizeof *t->metric);
  t->array                = mem_calloc((size_t)all->n_arrays, sizeof *t->array);
  for (int i = 0; i < all->n_metrics; i++) {
    t->metric[i] = -1;
    for (int k = 0; k < t->old->n_metrics; k++)
      if (strcmp(all->metrics[i].name, t->old->metric[k].name) == 0) t->metric[i] = k;
  }
  for (int i = 0; i < all->n_arrays; i++) {
    const ArraySpec *s = &t->layout->array[i].spec;
    t->array[i]        = -1;
    for (int k = 0; k < t->recorded->n; k++) {
      const RecordedArray *a = &t->recorded->array[k];
      if (strcmp(s->name, a->name) == 0 && s->type == a->type && s->rank == a->rank) t->array[i] = k;
    }
  }
}

static bool shape_fits(const ArraySpec *declared, const RecordedArray *old, int64_t k)
{
  for (int d = 0; d < declared->rank; d++)
    if (old->extent[k * old->rank + d] < 0 || old->extent[k * old->rank + d] > declared->shape[d]) return false;
  return true;
}

/* Whether the old row has all that the point declares. */
static bool complete(const Takeover *t, const ResultSchema *point, int64_t row, int64_t old_row)
{
  const int64_t k = t->old->record[old_row];
  for (int i = 0; i < t->layout->all.n_metrics; i++)
    if (t->metric[i] < 0 && result_schema_find_metric(point, t->layout->all.metrics[i].name) >= 0) return false;
  if (t->layout->record[row] < 0) return true;
  if (k < 0) return t->layout->all.n_arrays == 0;
  for (int i = 0; i < t->layout->all.n_arrays; i++) {
    const int declared = result_schema_find_array(point, t->layout->array[i].spec.name);
    if (declared < 0) continue;
    const LayoutArray *a = &t->layout->array[i];
    if (t->array[i] >= 0 && a->spec.series && t->recorded->array[t->array[i]].every != t->plan->every) return false;
    if (t->array[i] < 0 || !shape_fits(&point->arrays[declared], &t->recorded->array[t->array[i]], k)) return false;
  }
  return true;
}

static void match_rows(Takeover *t)
{
  const TrialTable *table = t->plan->table;
  ResultsIndex     *index = results_index_create(t->old);
  t->source               = mem_calloc((size_t)table->n_rows, sizeof *t->source);
  for (int64_t p = 0; p < table->n_points; p++) {
    const SweepPoint *point = &table->points[p];
    for (int64_t i = 0; i < point->n_rows; i++) {
      const int64_t row = point->first_row + i, replicate = point->first_replicate + i;
      const int64_t found = results_index_find(index, trial_identity(point, replicate), point->ranks);
      t->source[row]      = -1;
      if (found < 0 || t->old->state[found] != TRIAL_DONE || t->old->key[found] != trial_key(point, replicate)) continue;
      if (!complete(t, &t->plan->schema[p], row, found)) continue;
      t->source[row] = found;
      t->taken++;
    }
  }
  results_index_destroy(&index);
}

/* Writes one column: fill, and the old values of taken rows. */
static int put_column(Takeover *t, const char *path, hid_t type, size_t size, const void *fill, const void *old)
{
  const int64_t n = t->layout->n_rows;
  char         *x = mem_calloc((size_t)n, size);
  for (int64_t i = 0; i < n; i++)
    memcpy(x + (size_t)i * size, t->source[i] < 0 ? fill : (const char *)old + (size_t)t->source[i] * size, size);
  const int code = h5_write_column(t->file, path, type, n, 0, x, t->error);
  free(x);
  return code;
}

static int put_metrics(Takeover *t)
{
  const double none = NAN;
  char         path[H5_PATH_MAX];
  for (int i = 0; i < t->layout->all.n_metrics; i++) {
    if (t->metric[i] < 0) continue;
    snprintf(path, sizeof path, "/metrics/%s", t->layout->all.metrics[i].name);
    TryCode(put_column(t, path, H5T_NATIVE_DOUBLE, sizeof none, &none, t->old->metric[t->metric[i]].value));
  }
  return 0;
}

static int put_timing(Takeover *t)
{
  const double none = NAN;
  double      *x    = mem_calloc((size_t)t->old->n_rows, sizeof *x);
  char         path[H5_PATH_MAX];
  int          code = 0;
  for (int i = 0; i < PHASES && !code; i++) {
    snprintf(path, sizeof path, "/timing/%s", phase_names[i]);
    code = h5_read_column(t->old_file, path, H5T_NATIVE_DOUBLE, t->old->n_rows, 0, x, t->error);
    if (!code) code = put_column(t, path, H5T_NATIVE_DOUBLE, sizeof none, &none, x);
  }
  free(x);
  return code;
}

static int write_part(hid_t file, const char *path, hid_t type, int64_t k, int64_t n, const void *data, H5Error *error)
{
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  TryH5(error, dataset);
  const hid_t space = H5Dget_space(dataset);
  h5_write_block(dataset, space, type, k, n, data, error);
  H5Sclose(space);
  H5Dclose(dataset);
  return error->code;
}

/* One series or array of one recorded trial: the used part, fill behind it, and its shape. */
static int put_array(Takeover *t, int array, int64_t k, const RowArray *part)
{
  const hid_t        types[] = {H5T_NATIVE_DOUBLE, H5T_NATIVE_INT64, H5T_NATIVE_UINT8};
  const LayoutArray *a       = &t->layout->array[array];
  const int64_t      first = layout_offset(a, k), n = layout_offset(a, k + 1) - first;
  const size_t       bytes = (size_t)n * array_element_size(a->spec.type);
  char               path[H5_PATH_MAX];
  char              *block = mem_calloc(bytes, 1);
  if (a->spec.type == ARRAY_F64)
    for (int64_t i = 0; i < n; i++) ((double *)(void *)block)[i] = NAN;
  memcpy(block, part->data, part->bytes);
  snprintf(path, sizeof path, "/%s/%s", layout_group(&a->spec), a->spec.name);
  int code = write_part(t->file, path, types[a->spec.type], a->dense ? k : first, a->dense ? 1 : n, block, t->error);
  free(block);
  snprintf(path, sizeof path, "/%s/%s_shape", layout_group(&a->spec), a->spec.name);
  if (!code) code = write_part(t->file, path, H5T_NATIVE_INT64, k, 1, part->extent, t->error);
  return code;
}

/* Arrays of the row, if it is recorded, and its checksum. part: (n_arrays), metric: (n_metrics), both scratch. */
static int put_row(Takeover *t, const ResultSchema *point, int64_t row, RowArray *part, double *metric)
{
  static const int64_t undefined[RESULT_RANK_MAX] = {0};
  const Layout        *l                          = t->layout;
  const int64_t        old = t->source[row], k = l->record[row];
  const RowArray      *used    = NULL;
  RowContent           content = {.id        = t->old->id[old],
                                  .key       = t->old->key[old],
                                  .seed      = t->old->seed[old],
                                  .replicate = t->old->replicate[old],
                                  .state     = TRIAL_DONE,
                                  .message   = t->old->message[old],
                                  .metric    = metric,
                                  .n_metrics = l->all.n_metrics,
                                  .n_arrays  = k < 0 ? 0 : l->all.n_arrays,
                                  .array     = part};
  for (int i = 0; i < l->all.n_metrics; i++) {
    const ResultsColumn *from = t->metric[i] < 0 ? NULL : &t->old->metric[t->metric[i]];
    metric[i]                 = l->all.metrics[i].kind == METRIC_CLOCK ? 0 : from ? from->value[old] : NAN;
  }
  if (content.n_arrays) TryCode(recorded_row(t->recorded, t->old->record[old], &used, t->error));
  for (int i = 0; i < content.n_arrays; i++) {
    part[i] = (RowArray){.rank = l->array[i].spec.rank, .extent = undefined};
    if (!used || result_schema_find_array(point, l->array[i].spec.name) < 0) continue;
    part[i] = used[t->array[i]];
    TryCode(put_array(t, i, k, &part[i]));
  }
  t->checksum[row] = row_checksum(l->schema_hash, &content);
  return 0;
}

static int put_rows(Takeover *t)
{
  const TrialTable *table  = t->plan->table;
  RowArray         *part   = mem_calloc((size_t)t->layout->all.n_arrays, sizeof *part);
  double           *metric = mem_calloc((size_t)t->layout->all.n_metrics, sizeof *metric);
  uint8_t          *state  = mem_calloc((size_t)table->n_rows, 1);
  int               code   = 0;
  t->checksum              = mem_calloc((size_t)table->n_rows, sizeof *t->checksum);
  for (int64_t p = 0; p < table->n_points; p++) {
    const int64_t end = table->points[p].first_row + table->points[p].n_rows;
    for (int64_t row = table->points[p].first_row; row < end && !code; row++) {
      if (t->source[row] < 0) continue;
      state[row] = TRIAL_DONE;
      code       = put_row(t, &t->plan->schema[p], row, part, metric);
    }
  }
  if (!code) code = h5_write_column(t->file, "/trials/checksum", H5T_NATIVE_UINT64, table->n_rows, 0, t->checksum, t->error);
  if (!code) code = h5_write_column(t->file, "/trials/state", H5T_NATIVE_UINT8, table->n_rows, 0, state, t->error);
  free(part);
  free(metric);
  free(state);
  return code;
}

static int put_numbers(Takeover *t)
{
  const TrialTable *table = t->plan->table;
  const int32_t     none  = 0;
  int32_t          *ranks = mem_calloc((size_t)table->n_rows, sizeof *ranks);
  for (int64_t p = 0; p < table->n_points; p++)
    for (int64_t i = 0; i < table->points[p].n_rows; i++) ranks[table->points[p].first_row + i] = table->points[p].ranks;
  for (int64_t i = 0; i < table->n_rows; i++)
    if (t->source[i] >= 0) ranks[i] = t->old->ranks[t->source[i]];
  int code = h5_write_column(t->file, "/trials/ranks", H5T_NATIVE_INT32, table->n_rows, 0, ranks, t->error);
  free(ranks);
  if (!code) code = put_column(t, "/trials/attempt", H5T_NATIVE_INT32, sizeof none, &none, t->old->attempt);
  return code;
}

static int take(Takeover *t)
{
  TryCode(recorded_open(t->old_file, &t->recorded, t->error));
  match_names(t);
  match_rows(t);
  if (t->taken == 0) return 0;
  TryCode(put_metrics(t));
  TryCode(put_timing(t));
  TryCode(put_numbers(t));
  return put_rows(t);
}

int takeover_rows(hid_t file, const ResultsPlan *plan, const Layout *layout, const char *path, int64_t *taken, H5Error *error)
{
  Takeover t = {.file = file, .plan = plan, .layout = layout, .error = error};
  char     text[sizeof error->text];
  int      code = results_read(path, true, false, &t.old, text, sizeof text);
  if (code) return h5_error_set(error, code, "%s", text);
  code = results_file_open(path, &t.old_file, error);
  if (!code) {
    code = take(&t);
    recorded_destroy(&t.recorded);
    H5Fclose(t.old_file);
  }
  *taken = t.taken;
  results_table_destroy(&t.old);
  free(t.source);
  free(t.checksum);
  free(t.metric);
  free(t.array);
  return code;
}
