/* SPDX-License-Identifier: BSD-2-Clause
 * Series and arrays of an existing file, read forwards through a window of about a megabyte, and row checksums recomputed from stored
 * bytes. Nothing that is read is believed: offsets and shapes are held against the data sets' extents before they are used. */
#include "recorded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

enum { WINDOW_BYTES = 1 << 20 };

/* What a plain read of the first bytes can tell, in words better than HDF5's. */
static int look_at(const char *path, H5Error *error)
{
  static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  unsigned char              head[8]      = {0};
  struct stat                info;
  const int                  fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a FIFO would wait for a writer */
  if (fd < 0) return h5_error_set(error, errno, "%s", strerror(errno));
  if (fstat(fd, &info) || !S_ISREG(info.st_mode)) {
    h5_error_set(error, EISDIR, "it is not a regular file");
  } else if (info.st_size == 0) {
    h5_error_set(error, EIO, "the file is empty");
  } else if (read(fd, head, sizeof head) != sizeof head || memcmp(head, signature, sizeof head) != 0) {
    h5_error_set(error, EIO, "it is not an HDF5 file, or its beginning is damaged");
  }
  close(fd);
  return error->code;
}

static int check_schema(hid_t file, H5Error *error)
{
  char    schema[64];
  int64_t version = 0;
  if (!h5_has_attribute(file, "schema")) return h5_error_set(error, EIO, "it is an HDF5 file, but not a results file of myopia");
  TryCode(h5_get_text(file, "schema", schema, sizeof schema, error));
  if (strcmp(schema, RESULTS_SCHEMA) != 0) return h5_error_set(error, EIO, "its schema is \"%s\", not " RESULTS_SCHEMA, schema);
  TryCode(h5_get_int(file, "schema_version", &version, error));
  if (version > RESULTS_SCHEMA_VERSION)
    return h5_error_set(error, EIO, "a newer myopia wrote it: schema_version %lld, this one reads up to %d", (long long)version,
                        RESULTS_SCHEMA_VERSION);
  if (version < 1) return h5_error_set(error, EIO, "schema_version %lld does not exist", (long long)version);
  return 0;
}

int results_file_open(const char *path, hid_t *file, H5Error *error)
{
  h5_start();
  *file = -1;
  TryCode(look_at(path, error));
  const hid_t access = h5_access();
  *file              = H5Fopen(path, H5F_ACC_RDONLY, access);
  if (*file < 0) h5_error_take(error);
  H5Pclose(access);
  if (error->code) return error->code;
  if (check_schema(*file, error)) {
    H5Fclose(*file);
    *file = -1;
  }
  return error->code;
}

static int damaged(const RecordedArray *a, const char *what, H5Error *error) { return h5_error_set(error, EIO, "%s: %s", a->path, what); }

/* Type, layout and extents of an open data set. total: its elements. */
static int read_form(RecordedArray *a, int64_t n_recorded, int64_t *total, H5Error *error)
{
  hsize_t     extent[H5S_MAX_RANK] = {0};
  char        layout[16];
  const hid_t type = H5Dget_type(a->dataset), space = H5Dget_space(a->dataset);
  const int   rank = H5Sget_simple_extent_ndims(space);
  *total           = H5Sget_simple_extent_npoints(space);
  a->type          = H5Tget_class(type) == H5T_FLOAT ? ARRAY_F64 : H5Tget_size(type) == 1 ? ARRAY_U8 : ARRAY_I64;
  if (rank > 0) H5Sget_simple_extent_dims(space, extent, NULL);
  H5Sclose(space);
  H5Tclose(type);
  TryCode(h5_get_text(a->dataset, "layout", layout, sizeof layout, error));
  a->dense = strcmp(layout, "dense") == 0;
  if (!a->dense) return rank == 1 ? 0 : damaged(a, "a ragged array must be flat", error);
  if (rank < 2 || rank > RESULT_RANK_MAX + 1 || (int64_t)extent[0] != n_recorded) return damaged(a, "its extents do not fit", error);
  a->rank  = rank - 1;
  a->block = 1;
  for (int d = 1; d < rank; d++) a->block *= (int64_t)extent[d];
  return 0;
}

static int read_offsets(hid_t file, RecordedArray *a, int64_t n_recorded, int64_t total, H5Error *error)
{
  char path[H5_PATH_MAX + 8];
  a->offset = mem_calloc((size_t)n_recorded + 1, sizeof *a->offset);
  snprintf(path, sizeof path, "%s_offset", a->path);
  TryCode(h5_read_column(file, path, H5T_NATIVE_INT64, n_recorded + 1, 0, a->offset, error));
  bool good = a->offset[0] == 0 && a->offset[n_recorded] == total;
  for (int64_t k = 0; k < n_recorded; k++) good = good && a->offset[k] <= a->offset[k + 1];
  return good ? 0 : damaged(a, "its offsets are damaged", error);
}

static int read_shapes(hid_t file, RecordedArray *a, int64_t n_recorded, H5Error *error)
{
  hsize_t extent[H5S_MAX_RANK] = {0};
  char    path[H5_PATH_MAX + 8];
  snprintf(path, sizeof path, "%s_shape", a->path);
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  TryH5(error, dataset);
  const hid_t space = H5Dget_space(dataset);
  const int   rank  = H5Sget_simple_extent_ndims(space);
  if (rank == 2) H5Sget_simple_extent_dims(space, extent, NULL);
  H5Sclose(space);
  H5Dclose(dataset);
  if (!a->dense) a->rank = (int)extent[1];
  if (rank != 2 || a->rank < 1 || a->rank > RESULT_RANK_MAX || (hsize_t)a->rank != extent[1])
    return damaged(a, "its shapes do not fit", error);
  a->extent = mem_calloc((size_t)n_recorded * (size_t)a->rank, sizeof *a->extent);
  return h5_read_column(file, path, H5T_NATIVE_INT64, n_recorded, a->rank, a->extent, error);
}

static int open_array(hid_t file, const char *group, const char *name, int64_t n_recorded, RecordedArray *a, H5Error *error)
{
  int64_t total;
  snprintf(a->name, sizeof a->name, "%s", name);
  snprintf(a->path, sizeof a->path, "/%s/%s", group, name);
  a->dataset = H5Dopen2(file, a->path, H5P_DEFAULT);
  if (a->dataset < 0) {
    h5_error_take(error);
    h5_error_prefix(error, a->path);
    return error->code;
  }
  if (h5_has_attribute(a->dataset, "every")) TryCode(h5_get_int(a->dataset, "every", &a->every, error));
  TryCode(read_form(a, n_recorded, &total, error));
  if (!a->dense) TryCode(read_offsets(file, a, n_recorded, total, error));
  return read_shapes(file, a, n_recorded, error);
}

static int open_group(hid_t file, const char *group, Recorded *r, H5Error *error)
{
  char(*name)[H5_NAME_MAX] = NULL;
  int         n            = 0;
  const hid_t g            = H5Gopen2(file, group, H5P_DEFAULT);
  TryH5(error, g);
  if (!h5_get_names(g, "names", &n, &name, error)) {
    r->array = mem_realloc(r->array, (size_t)(r->n + n), sizeof *r->array);
    memset(r->array + r->n, 0, (size_t)n * sizeof *r->array);
    for (int i = 0; i < n && !error->code; i++) open_array(file, group, name[i], r->n_recorded, &r->array[r->n++], error);
  }
  H5Gclose(g);
  free(name);
  return error->code;
}

static int open_all(hid_t file, Recorded *r, H5Error *error)
{
  const hid_t trials = H5Gopen2(file, "trials", H5P_DEFAULT);
  TryH5(error, trials);
  const int code = h5_get_int(trials, "recorded", &r->n_recorded, error);
  H5Gclose(trials);
  TryCode(code);
  if (r->n_recorded < 0) return h5_error_set(error, EIO, "%lld recorded trials", (long long)r->n_recorded);
  TryCode(h5_get_hash(file, "schema_hash", &r->schema_hash, error));
  TryCode(open_group(file, "series", r, error));
  TryCode(open_group(file, "arrays", r, error));
  r->row = mem_calloc((size_t)r->n, sizeof *r->row);
  return 0;
}

int recorded_open(hid_t file, Recorded **out, H5Error *error)
{
  *out = mem_calloc(1, sizeof **out);
  if (open_all(file, *out, error)) recorded_destroy(out);
  return error->code;
}

void recorded_destroy(Recorded **out)
{
  Recorded *r = out ? *out : NULL;
  if (!r) return;
  for (int i = 0; i < r->n; i++) {
    if (r->array[i].dataset > 0) H5Dclose(r->array[i].dataset);
    free(r->array[i].offset);
    free(r->array[i].extent);
    free(r->array[i].window);
  }
  free(r->array);
  free(r->row);
  free(r);
  *out = NULL;
}

static int64_t offset_of(const RecordedArray *a, int64_t k) { return a->dense ? k * a->block : a->offset[k]; }
int64_t        recorded_capacity(const RecordedArray *a, int64_t k) { return offset_of(a, k + 1) - offset_of(a, k); }

/* The blocks of trials first, first + 1, ... as far as the window reaches, at least one. */
static int load_window(const Recorded *r, RecordedArray *a, int64_t first, H5Error *error)
{
  static const hid_t *const types[] = {&H5T_NATIVE_DOUBLE_g, &H5T_NATIVE_INT64_g, &H5T_NATIVE_UINT8_g};
  const size_t              size    = array_element_size(a->type);
  int64_t                   last    = first + 1;
  while (last < r->n_recorded && (size_t)(offset_of(a, last + 1) - offset_of(a, first)) * size <= WINDOW_BYTES) last++;
  const hsize_t n                          = (hsize_t)(offset_of(a, last) - offset_of(a, first));
  hsize_t       start[RESULT_RANK_MAX + 1] = {0}, count[RESULT_RANK_MAX + 1];
  const hid_t   space = H5Dget_space(a->dataset), memory = H5Screate_simple(1, &n, NULL);
  H5Sget_simple_extent_dims(space, count, NULL);
  start[0]  = (hsize_t)(a->dense ? first : offset_of(a, first));
  count[0]  = a->dense ? (hsize_t)(last - first) : n;
  a->window = mem_realloc(a->window, (size_t)n, size);
  a->first  = first;
  a->last   = last;
  if (n > 0 && (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
                H5Dread(a->dataset, *types[a->type], memory, space, H5P_DEFAULT, a->window) < 0)) {
    h5_error_take(error);
    h5_error_prefix(error, a->path);
    a->last = a->first;
  }
  H5Sclose(memory);
  H5Sclose(space);
  return error->code;
}

/* Product of a stored shape, or -1 when it exceeds the block. */
static int64_t used_elements(const RecordedArray *a, int64_t k)
{
  const int64_t  limit  = recorded_capacity(a, k);
  const int64_t *extent = a->extent + k * a->rank;
  int64_t        n      = 1;
  for (int d = 0; d < a->rank; d++)
    if (extent[d] < 0 || __builtin_mul_overflow(n, extent[d], &n)) return -1;
  return n <= limit ? n : -1;
}

int recorded_row(Recorded *r, int64_t k, const RowArray **out, H5Error *error)
{
  *out = NULL;
  for (int i = 0; i < r->n; i++) {
    RecordedArray *a = &r->array[i];
    const int64_t  n = used_elements(a, k);
    if (n < 0) return 0;
    if (k < a->first || k >= a->last) TryCode(load_window(r, a, k, error));
    const size_t size = array_element_size(a->type);
    r->row[i]         = (RowArray){a->rank, a->extent + k * a->rank, a->window + (size_t)(offset_of(a, k) - offset_of(a, a->first)) * size,
                                   (size_t)n * size};
  }
  *out = r->row;
  return 0;
}

int recorded_checksum(Recorded *r, const ResultsTable *t, int64_t row, int state, double *metric, uint64_t *checksum, H5Error *error)
{
  RowContent    content = {.id        = t->id[row],
                           .key       = t->key[row],
                           .seed      = t->seed[row],
                           .replicate = t->replicate[row],
                           .state     = state,
                           .message   = t->message[row],
                           .metric    = metric,
                           .n_metrics = t->n_metrics};
  const int64_t k       = t->record[row];
  *checksum             = 0;
  if (k < -1 || k >= r->n_recorded) return 0;
  for (int m = 0; m < t->n_metrics; m++) metric[m] = t->metric[m].clock ? 0 : t->metric[m].value[row];
  if (k >= 0) {
    TryCode(recorded_row(r, k, &content.array, error));
    if (!content.array) return 0;
    content.n_arrays = r->n;
  }
  *checksum = row_checksum(r->schema_hash, &content);
  return 0;
}
