/* SPDX-License-Identifier: BSD-2-Clause
 * Reads a results file into a ResultsTable, serially and without MPI, also while it is being written. It decides which rows count;
 * statistics are made in summary.c. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claims_file.h"
#include "memory.h"
#include "recorded.h"

static int read_extent(hid_t file, const char *path, int64_t *n, H5Error *error)
{
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  if (dataset < 0) {
    h5_error_take(error);
    h5_error_prefix(error, path);
    return error->code;
  }
  const hid_t space = H5Dget_space(dataset);
  *n                = H5Sget_simple_extent_npoints(space);
  H5Sclose(space);
  H5Dclose(dataset);
  return *n >= 0 ? 0 : h5_error_set(error, EIO, "%s has no extent", path);
}

static int read_text(hid_t file, const char *path, char **text, H5Error *error)
{
  TryCode(h5_read_text(file, path, text, error));
  return *text ? 0 : h5_error_set(error, EIO, "%s is missing", path);
}

static int read_optional_text(hid_t file, const char *path, char **text, H5Error *error)
{
  TryCode(h5_read_text(file, path, text, error));
  if (!*text) *text = mem_strdup("");
  return 0;
}

static int read_head(hid_t file, ResultsTable *t, H5Error *error)
{
  TryCode(h5_get_text(file, "experiment", t->experiment, sizeof t->experiment, error));
  TryCode(h5_get_text(file, "title", t->title, sizeof t->title, error));
  TryCode(h5_get_text(file, "merit_unit", t->merit_unit, sizeof t->merit_unit, error));
  TryCode(h5_get_text(file, "version", t->version, sizeof t->version, error));
  TryCode(h5_get_text(file, "date", t->date, sizeof t->date, error));
  TryCode(read_extent(file, "/trials/state", &t->n_rows, error));
  TryCode(read_extent(file, "/points/first_row", &t->n_points, error));
  TryCode(read_text(file, "/provenance/resolved_scientific", &t->scientific, error));
  TryCode(read_text(file, "/provenance/resolved_execution", &t->execution, error));
  TryCode(read_text(file, "/provenance/input", &t->input, error));
  TryCode(read_optional_text(file, "/provenance/isa_level", &t->isa_level, error));
  TryCode(read_optional_text(file, "/provenance/blas_core", &t->blas_core, error));
  return read_optional_text(file, "/provenance/git_commit", &t->commit, error);
}

/* The points must part the rows, or every loop over a point's rows would run wild. */
static int read_points(hid_t file, ResultsTable *t, H5Error *error)
{
  int64_t next  = 0;
  t->first_row  = mem_calloc((size_t)t->n_points, sizeof *t->first_row);
  t->point_rows = mem_calloc((size_t)t->n_points, sizeof *t->point_rows);
  TryCode(h5_read_column(file, "/points/first_row", H5T_NATIVE_INT64, t->n_points, 0, t->first_row, error));
  TryCode(h5_read_column(file, "/points/n_rows", H5T_NATIVE_INT64, t->n_points, 0, t->point_rows, error));
  for (int64_t p = 0; p < t->n_points; p++) {
    if (t->first_row[p] != next || t->point_rows[p] < 0 || t->point_rows[p] > t->n_rows - next)
      return h5_error_set(error, EIO, "/points: the rows of point %lld are damaged", (long long)p);
    next += t->point_rows[p];
  }
  return next == t->n_rows
             ? 0
             : h5_error_set(error, EIO, "/points: %lld of %lld trials belong to a point", (long long)next, (long long)t->n_rows);
}

static int read_trials(hid_t file, ResultsTable *t, H5Error *error)
{
  const size_t n       = (size_t)t->n_rows;
  const hid_t  message = h5_text_type(RESULT_MESSAGE_MAX);
  const struct {
    const char *path;
    hid_t       type;
    size_t      size;
    void       *pointer; /* of the array's pointer in t */
  } column[] = {{"/trials/state", H5T_NATIVE_UINT8, sizeof *t->state, &t->state},
                {"/trials/key", H5T_NATIVE_UINT64, sizeof *t->key, &t->key},
                {"/trials/id", H5T_NATIVE_UINT64, sizeof *t->id, &t->id},
                {"/trials/seed", H5T_NATIVE_UINT64, sizeof *t->seed, &t->seed},
                {"/trials/checksum", H5T_NATIVE_UINT64, sizeof *t->checksum, &t->checksum},
                {"/trials/replicate", H5T_NATIVE_INT64, sizeof *t->replicate, &t->replicate},
                {"/trials/record", H5T_NATIVE_INT64, sizeof *t->record, &t->record},
                {"/trials/ranks", H5T_NATIVE_INT32, sizeof *t->ranks, &t->ranks},
                {"/trials/attempt", H5T_NATIVE_INT32, sizeof *t->attempt, &t->attempt},
                {"/trials/message", message, sizeof *t->message, &t->message},
                {"/timing/wall", H5T_NATIVE_DOUBLE, sizeof *t->wall, &t->wall}};
  int code   = 0;
  for (size_t i = 0; i < sizeof column / sizeof *column && !code; i++) {
    void *data = mem_calloc(n, column[i].size);
    memcpy(column[i].pointer, &data, sizeof data);
    code = h5_read_column(file, column[i].path, column[i].type, t->n_rows, 0, data, error);
  }
  H5Tclose(message);
  t->intact = mem_calloc(n, sizeof *t->intact);
  memset(t->intact, true, n);
  return code;
}

static int read_doubles(hid_t file, const char *path, int64_t n, double **data, H5Error *error)
{
  *data = mem_calloc((size_t)n, sizeof **data);
  return h5_read_column(file, path, H5T_NATIVE_DOUBLE, n, 0, *data, error);
}

static int read_metric(hid_t file, const char *name, ResultsTable *t, ResultsColumn *c, H5Error *error)
{
  double **const data[POINT_VALUES] = {&c->exact, &c->capacity, &c->error, &c->published, &c->published_n, &c->expect_low, &c->expect_high};
  char           path[H5_PATH_MAX], kind[16] = "";
  hid_t          d;
  snprintf(c->name, sizeof c->name, "%s", name);
  for (int i = 0; i < POINT_VALUES; i++) {
    snprintf(path, sizeof path, "/%s/%s", point_groups[i].path, name);
    TryCode(read_doubles(file, path, t->n_points, data[i], error));
  }
  snprintf(path, sizeof path, "/metrics/%s", name);
  TryCode(read_doubles(file, path, t->n_rows, &c->value, error));
  TryCode(h5_open_column(file, path, t->n_rows, 0, &d, error));
  if (!h5_get_text(d, "units", c->unit, sizeof c->unit, error)) h5_get_text(d, "kind", kind, sizeof kind, error);
  H5Dclose(d);
  c->event = strcmp(kind, metric_kind_names[METRIC_EVENT]) == 0;
  c->clock = strcmp(kind, metric_kind_names[METRIC_CLOCK]) == 0;
  return error->code;
}

static int read_names(hid_t file, const char *group, const char *attribute, int *n, char (**names)[H5_NAME_MAX], H5Error *error)
{
  const hid_t g = H5Gopen2(file, group, H5P_DEFAULT);
  if (g < 0) {
    h5_error_take(error);
    h5_error_prefix(error, group);
    return error->code;
  }
  const int code = h5_get_names(g, attribute, n, names, error);
  H5Gclose(g);
  return code;
}

static int read_metrics(hid_t file, ResultsTable *t, H5Error *error)
{
  char(*name)[H5_NAME_MAX] = NULL;
  int n                    = 0;
  int code                 = read_names(file, "metrics", "names", &n, &name, error);
  t->metric                = mem_calloc((size_t)n, sizeof *t->metric);
  for (; t->n_metrics < n && !code; t->n_metrics++) code = read_metric(file, name[t->n_metrics], t, &t->metric[t->n_metrics], error);
  free(name);
  return code;
}

/* seed and ranks are columns that every file has. */
static bool axis_from_column(const ResultsTable *t, ResultsAxis *a)
{
  if (!axis_is_column(a->name)) return false;
  const bool seed = strcmp(a->name, "seed") == 0;
  a->integer      = true;
  a->number       = mem_calloc((size_t)t->n_rows, sizeof *a->number);
  for (int64_t i = 0; i < t->n_rows; i++) a->number[i] = seed ? (double)t->seed[i] : t->ranks[i] > 0 ? (double)t->ranks[i] : (double)NAN;
  return true;
}

static int axis_integers(hid_t file, const char *path, const ResultsTable *t, ResultsAxis *a, H5Error *error)
{
  int64_t  *x    = mem_calloc((size_t)t->n_rows, sizeof *x);
  const int code = h5_read_column(file, path, H5T_NATIVE_INT64, t->n_rows, 0, x, error);
  for (int64_t i = 0; i < t->n_rows; i++) a->number[i] = x[i] == INT64_MIN ? NAN : (double)x[i];
  free(x);
  return code;
}

static int read_axis(hid_t file, const ResultsTable *t, ResultsAxis *a, H5Error *error)
{
  char  path[H5_PATH_MAX];
  hid_t d;
  if (axis_from_column(t, a)) return 0;
  snprintf(path, sizeof path, "/trials/%s", a->name);
  TryCode(h5_open_column(file, path, t->n_rows, 0, &d, error));
  const hid_t       stored = H5Dget_type(d);
  const H5T_class_t kind   = H5Tget_class(stored);
  H5Tclose(stored);
  H5Dclose(d);
  a->text    = kind == H5T_STRING;
  a->integer = kind == H5T_INTEGER;
  if (!a->text) {
    a->number = mem_calloc((size_t)t->n_rows, sizeof *a->number);
    return a->integer ? axis_integers(file, path, t, a, error)
                      : h5_read_column(file, path, H5T_NATIVE_DOUBLE, t->n_rows, 0, a->number, error);
  }
  const hid_t type = h5_string_type(AXIS_TEXT_MAX);
  a->string        = mem_calloc((size_t)t->n_rows, sizeof *a->string);
  const int code   = h5_read_column(file, path, type, t->n_rows, 0, a->string, error);
  H5Tclose(type);
  return code;
}

static int read_axes(hid_t file, ResultsTable *t, H5Error *error)
{
  char(*name)[H5_NAME_MAX] = NULL;
  int n                    = 0;
  int code                 = read_names(file, "trials", "axes", &n, &name, error);
  t->axis                  = mem_calloc((size_t)n, sizeof *t->axis);
  for (; t->n_axes < n && !code; t->n_axes++) {
    snprintf(t->axis[t->n_axes].name, sizeof t->axis->name, "%s", name[t->n_axes]);
    code = read_axis(file, t, &t->axis[t->n_axes], error);
  }
  free(name);
  return code;
}

/* A row counts only if its checksum matches. */
static int check_rows(hid_t file, ResultsTable *t, H5Error *error)
{
  Recorded *r;
  TryCode(recorded_open(file, &r, error));
  double *metric = mem_calloc((size_t)t->n_metrics, sizeof *metric);
  for (int64_t row = 0; row < t->n_rows && !error->code; row++) {
    uint64_t sum;
    if (!state_is_final(t->state[row])) continue;
    if (recorded_checksum(r, t, row, t->state[row], metric, &sum, error)) break;
    t->intact[row] = sum != 0 && sum == t->checksum[row];
  }
  free(metric);
  recorded_destroy(&r);
  return error->code;
}

static void settle_states(ResultsTable *t, bool live)
{
  for (int64_t row = 0; row < t->n_rows; row++) {
    t->message[row][RESULT_MESSAGE_MAX - 1] = 0;
    if (t->state[row] >= TRIAL_STATES) t->intact[row] = false;
    if (!t->intact[row]) t->state[row] = TRIAL_PENDING;
    if (!live && t->state[row] == TRIAL_RUNNING) t->state[row] = TRIAL_INTERRUPTED;
  }
}

static int read_table(hid_t file, ResultsTable *t, H5Error *error)
{
  const hid_t trials = H5Gopen2(file, "trials", H5P_DEFAULT);
  TryH5(error, trials);
  const int code = h5_get_int(trials, "recorded", &t->n_recorded, error);
  H5Gclose(trials);
  TryCode(code);
  TryCode(read_head(file, t, error));
  TryCode(read_points(file, t, error));
  TryCode(read_trials(file, t, error));
  TryCode(read_metrics(file, t, error));
  TryCode(claims_read(file, t, error));
  return read_axes(file, t, error);
}

int results_read(const char *path, bool check, bool live, ResultsTable **out, char *error, size_t size)
{
  H5Error       e = {0};
  hid_t         file;
  ResultsTable *t = NULL;
  *out            = NULL;
  if (!results_file_open(path, &file, &e)) {
    t        = mem_calloc(1, sizeof *t);
    int code = read_table(file, t, &e);
    if (!code && check) code = check_rows(file, t, &e);
    if (!code) settle_states(t, live);
    H5Fclose(file);
  }
  if (!e.code) {
    *out = t;
    return 0;
  }
  results_table_destroy(&t);
  snprintf(error, size, "cannot read %s: %s", path, e.text);
  return e.code;
}

bool results_is_hdf5(const char *path)
{
  static const char signature[8] = {'\211', 'H', 'D', 'F', '\r', '\n', '\032', '\n'};
  char              start[8]     = "";
  FILE             *f            = fopen(path, "rb");
  if (!f) return false;
  const size_t n = fread(start, 1, sizeof start, f);
  fclose(f);
  return n == sizeof start && memcmp(start, signature, sizeof start) == 0;
}

void results_table_destroy(ResultsTable **out)
{
  ResultsTable *t = out ? *out : NULL;
  if (!t) return;
  void *const plain[] = {t->first_row,  t->point_rows, t->state, t->key,       t->id,        t->seed,  t->checksum,
                         t->replicate,  t->record,     t->ranks, t->attempt,   t->message,   t->wall,  t->intact,
                         t->scientific, t->execution,  t->input, t->isa_level, t->blas_core, t->commit};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) free(plain[i]);
  for (int i = 0; i < t->n_metrics; i++) {
    const ResultsColumn *c      = &t->metric[i];
    double *const        data[] = {c->value, c->exact, c->capacity, c->error, c->published, c->published_n, c->expect_low, c->expect_high};
    for (size_t k = 0; k < sizeof data / sizeof *data; k++) free(data[k]);
  }
  for (int i = 0; i < t->n_axes; i++) {
    free(t->axis[i].number);
    free(t->axis[i].string);
  }
  results_claims_destroy(t->n_claims, &t->claim);
  free(t->metric);
  free(t->axis);
  free(t);
  *out = NULL;
}
