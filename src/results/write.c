/* SPDX-License-Identifier: BSD-2-Clause
 * Rows into the file while the run goes on: every rank writes its own, independently, one contiguous write a data set, through handles
 * that were opened once. Nothing here creates, extends or annotates anything. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h5.h"
#include "layout.h"
#include "log.h"
#include "memory.h"

typedef struct ArrayHandle {
  hid_t data, shape, data_space, shape_space;
} ArrayHandle;

struct ResultsWriter {
  const ResultsPlan *plan; /* borrowed */
  Layout            *layout;
  char              *path;
  MPI_Comm           comm;                     /* borrowed */
  int                broken;                   /* a write failed */
  int                fd;                       /* for fsync: that of HDF5 is out of reach, and H5Fflush is collective */
  hid_t              file, rows, memory, text; /* spaces of N rows and of a batch; type of messages */
  int64_t            memory_rows;
  hid_t              state, checksum, message, ranks, attempt, timing[PHASES];
  hid_t             *metric;  /* (n_metrics) */
  ArrayHandle       *array;   /* (n_arrays) */
  double            *scratch; /* (scratch_rows) */
  int64_t            scratch_rows;
};

/* --- opening and closing --- */

static PetscErrorCode open_column(const ResultsWriter *w, const char *group, const char *name, hid_t *out)
{
  char    path[H5_PATH_MAX];
  H5Error e = {0};
  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "/%s/%s", group, name);
  PetscCheck(h5_open_column(w->file, path, w->layout->n_rows, 0, out, &e) == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%s was not created from this plan: %s", w->path, e.text);
  PetscFunctionReturn(0);
}

static PetscErrorCode open_columns(ResultsWriter *w)
{
  const ResultSchema *all = &w->layout->all;
  PetscFunctionBeginUser;
  PetscCall(open_column(w, "trials", "state", &w->state));
  PetscCall(open_column(w, "trials", "checksum", &w->checksum));
  PetscCall(open_column(w, "trials", "message", &w->message));
  PetscCall(open_column(w, "trials", "ranks", &w->ranks));
  PetscCall(open_column(w, "trials", "attempt", &w->attempt));
  for (int i = 0; i < PHASES; i++) PetscCall(open_column(w, "timing", phase_names[i], &w->timing[i]));
  w->metric = mem_calloc((size_t)all->n_metrics, sizeof *w->metric);
  for (int i = 0; i < all->n_metrics; i++) PetscCall(open_column(w, "metrics", all->metrics[i].name, &w->metric[i]));
  PetscFunctionReturn(0);
}

static PetscErrorCode open_array(const ResultsWriter *w, const LayoutArray *a, ArrayHandle *h)
{
  const int64_t k = w->layout->n_recorded;
  char          path[H5_PATH_MAX];
  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "/%s/%s", layout_group(&a->spec), a->spec.name);
  CallH5(h->data = H5Dopen2(w->file, path, H5P_DEFAULT));
  CallH5(h->data_space = H5Dget_space(h->data));
  snprintf(path, sizeof path, "/%s/%s_shape", layout_group(&a->spec), a->spec.name);
  CallH5(h->shape = H5Dopen2(w->file, path, H5P_DEFAULT));
  CallH5(h->shape_space = H5Dget_space(h->shape));
  PetscCheck(H5Sget_simple_extent_npoints(h->data_space) == layout_offset(a, k) &&
                 H5Sget_simple_extent_npoints(h->shape_space) == k * a->spec.rank &&
                 H5Sget_simple_extent_ndims(h->data_space) == (a->dense ? a->spec.rank + 1 : 1),
             PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s was not created from this plan: %s has other extents", w->path, path);
  PetscFunctionReturn(0);
}

static PetscErrorCode open_file(MPI_Comm comm, ResultsWriter *w)
{
  const hsize_t n = (hsize_t)w->layout->n_rows, one = 1;
  const hid_t   access = H5Pcreate(H5P_FILE_ACCESS);
  PetscFunctionBeginUser;
  CallH5(H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL));
  CallH5(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG));
  CallH5(w->file = H5Fopen(w->path, H5F_ACC_RDWR, access));
  CallH5(H5Pclose(access));
  CallH5(w->rows = H5Screate_simple(1, &n, NULL));
  CallH5(w->memory = H5Screate_simple(1, &one, NULL));
  CallH5(w->text = h5_text_type(RESULT_MESSAGE_MAX));
  w->memory_rows = 1;
  w->fd          = open(w->path, O_RDWR | O_CLOEXEC);
  PetscCheck(w->fd >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "cannot open %s: %s", w->path, strerror(errno));
  PetscFunctionReturn(0);
}

PetscErrorCode results_open(MPI_Comm comm, const char *path, const ResultsPlan *plan, ResultsWriter **out)
{
  ResultsWriter *w = mem_calloc(1, sizeof *w);
  PetscFunctionBeginUser;
  *out    = w;
  w->plan = plan;
  w->comm = comm;
  w->path = mem_strdup(path);
  w->fd   = -1;
  h5_start();
  PetscCall(layout_create(plan, &w->layout));
  PetscCall(open_file(comm, w));
  PetscCall(open_columns(w));
  w->array = mem_calloc((size_t)w->layout->all.n_arrays, sizeof *w->array);
  for (int i = 0; i < w->layout->all.n_arrays; i++) PetscCall(open_array(w, &w->layout->array[i], &w->array[i]));
  PetscFunctionReturn(0);
}

/* Whether the file can still be written: its first bytes once more, as they are. */
static bool writable(int fd)
{
  char head[48];
  return pread(fd, head, sizeof head, 0) == sizeof head && pwrite(fd, head, sizeof head, 0) == sizeof head;
}

PetscErrorCode results_close(ResultsWriter **out)
{
  ResultsWriter *w = out ? *out : NULL;
  PetscFunctionBeginUser;
  if (!w) PetscFunctionReturn(0);
  for (int i = 0; w->array && i < w->layout->all.n_arrays; i++) {
    CallH5(H5Sclose(w->array[i].data_space));
    CallH5(H5Sclose(w->array[i].shape_space));
  }
  CallH5(H5Sclose(w->rows));
  CallH5(H5Sclose(w->memory));
  CallH5(H5Tclose(w->text));
  if (!writable(w->fd)) w->broken = 1;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &w->broken, 1, MPI_INT, MPI_MAX, w->comm));
  /* HDF5 rewrites its superblock while closing. When that fails it frees the file but keeps its id, and crashes over it in MPI_Finalize:
   * a file that cannot be written is left to that one attempt. The return code says nothing about the data (checksums and fsync do). */
  if (!w->broken && H5Fclose(w->file) < 0) log_warning("%s: HDF5 reports an error while closing it", w->path);
  if (w->fd >= 0) close(w->fd);
  free(w->metric);
  free(w->array);
  free(w->scratch);
  free(w->path);
  layout_destroy(&w->layout);
  free(w);
  *out = NULL;
  PetscFunctionReturn(0);
}

/* --- one batch --- */

typedef struct Batch {
  ResultsWriter    *w;
  const Result     *result;
  const SweepPoint *point;
  int64_t           first, n;
  H5Error           error;
} Batch;

static int select_rows(ResultsWriter *w, int64_t first, int64_t n, H5Error *error)
{
  const hsize_t start = (hsize_t)first, count = (hsize_t)n;
  TryH5(error, H5Sselect_hyperslab(w->rows, H5S_SELECT_SET, &start, NULL, &count, NULL));
  if (w->memory_rows != n) TryH5(error, H5Sset_extent_simple(w->memory, 1, &count, NULL));
  w->memory_rows = n;
  return 0;
}

static int write_column(Batch *b, hid_t dataset, hid_t type, const void *data)
{
  TryH5(&b->error, H5Dwrite(dataset, type, b->w->memory, b->w->rows, H5P_DEFAULT, data));
  return 0;
}

/* Rows for every kind of column: 8 bytes each, or a message. */
static void *scratch(ResultsWriter *w, int64_t rows)
{
  if (w->scratch_rows >= rows) return w->scratch;
  w->scratch      = mem_realloc(w->scratch, (size_t)rows, RESULT_MESSAGE_MAX);
  w->scratch_rows = rows;
  return w->scratch;
}

static bool counts(const Result *r, int64_t row) { return result_state(r, row) == TRIAL_DONE; }

/* A metric's value as it is in the file: only rows that are done have one. */
static double stored_metric(const Batch *b, int metric, int64_t row)
{
  return metric >= 0 && counts(b->result, row) ? result_metric_column(b->result, metric)[row] : NAN;
}

static int write_metrics(Batch *b)
{
  const ResultSchema *all   = &b->w->layout->all;
  bool                whole = true;
  for (int64_t i = 0; i < b->n && whole; i++) whole = counts(b->result, i);
  for (int m = 0; m < all->n_metrics; m++) {
    const int     k = result_schema_find_metric(result_schema(b->result), all->metrics[m].name);
    double       *x = b->w->scratch;
    const double *column;
    if (k < 0) continue;
    column = result_metric_column(b->result, k);
    for (int64_t i = 0; i < b->n && !whole; i++) x[i] = stored_metric(b, k, i);
    TryCode(write_column(b, b->w->metric[m], H5T_NATIVE_DOUBLE, whole ? column : x));
  }
  return 0;
}

static int write_timing(Batch *b, const double *phase)
{
  double *x = b->w->scratch;
  for (int p = 0; p < PHASES && phase; p++) {
    for (int64_t i = 0; i < b->n; i++) x[i] = phase[p];
    TryCode(write_column(b, b->w->timing[p], H5T_NATIVE_DOUBLE, x));
  }
  return 0;
}

/* Messages of an earlier attempt must go; in a first one most batches have none to write. */
static int write_messages(Batch *b, int attempt)
{
  char *x   = (char *)b->w->scratch;
  bool  any = attempt > 1;
  for (int64_t i = 0; i < b->n && !any; i++) any = *result_message(b->result, i) != 0;
  if (!any) return 0;
  for (int64_t i = 0; i < b->n; i++) strncpy(x + i * RESULT_MESSAGE_MAX, result_message(b->result, i), RESULT_MESSAGE_MAX);
  return write_column(b, b->w->message, b->w->text, x);
}

static int write_numbers(Batch *b, int attempt, int ranks)
{
  int32_t *x = (int32_t *)b->w->scratch;
  for (int64_t i = 0; i < b->n; i++) x[i] = ranks;
  TryCode(write_column(b, b->w->ranks, H5T_NATIVE_INT32, x));
  for (int64_t i = 0; i < b->n; i++) x[i] = attempt;
  return write_column(b, b->w->attempt, H5T_NATIVE_INT32, x);
}

/* The recorded rows of a batch: the first one and how many; they are adjacent in the file as in the result. */
static int64_t recorded_rows(const Batch *b, int64_t *first)
{
  int64_t n = 0;
  for (int64_t i = b->n - 1; i >= 0; i--)
    if (b->w->layout->record[b->first + i] >= 0) {
      *first = i;
      n++;
    }
  return n;
}

static int write_array(Batch *b, int array, int64_t row, int64_t n)
{
  const hid_t        types[] = {H5T_NATIVE_DOUBLE, H5T_NATIVE_INT64, H5T_NATIVE_UINT8};
  const LayoutArray *a       = &b->w->layout->array[array];
  const ArrayHandle *h       = &b->w->array[array];
  const int          k       = result_schema_find_array(result_schema(b->result), a->spec.name);
  const int64_t      first   = b->w->layout->record[b->first + row];
  if (k < 0) return 0;
  const int64_t begin = a->dense ? first : layout_offset(a, first), end = a->dense ? first + n : layout_offset(a, first + n);
  TryCode(h5_write_block(h->data, h->data_space, types[a->spec.type], begin, end - begin, result_array_data(b->result, k, row), &b->error));
  int64_t *shape = mem_calloc((size_t)(n * a->spec.rank), sizeof *shape), *next = shape;
  for (int64_t i = row; i < b->n; i++) {
    const int64_t *extent = result_array_extent(b->result, k, i);
    for (int d = 0; extent && d < a->spec.rank; d++) *next++ = extent[d];
  }
  h5_write_block(h->shape, h->shape_space, H5T_NATIVE_INT64, first, n, shape, &b->error);
  free(shape);
  return b->error.code;
}

static int write_arrays(Batch *b)
{
  int64_t       row = 0;
  const int64_t n   = recorded_rows(b, &row);
  for (int i = 0; i < b->w->layout->all.n_arrays && n > 0; i++) TryCode(write_array(b, i, row, n));
  return 0;
}

static RowArray row_array(const Batch *b, int array, int64_t row)
{
  static const int64_t undefined[RESULT_RANK_MAX] = {0};
  const ArraySpec     *spec                       = &b->w->layout->array[array].spec;
  const int            k                          = result_schema_find_array(result_schema(b->result), spec->name);
  RowArray             out                        = {.rank = spec->rank, .extent = undefined};
  if (k < 0) return out;
  out.extent = result_array_extent(b->result, k, row);
  out.data   = result_array_data(b->result, k, row);
  out.bytes  = array_element_size(spec->type);
  for (int d = 0; d < spec->rank; d++) out.bytes *= (size_t)out.extent[d];
  return out;
}

static int write_checksums(Batch *b)
{
  const Layout *l      = b->w->layout;
  uint64_t     *sum    = (uint64_t *)b->w->scratch;
  double       *metric = mem_calloc((size_t)l->all.n_metrics, sizeof *metric);
  int          *index  = mem_calloc((size_t)l->all.n_metrics, sizeof *index);
  RowArray     *array  = mem_calloc((size_t)l->all.n_arrays, sizeof *array);
  for (int m = 0; m < l->all.n_metrics; m++) index[m] = result_schema_find_metric(result_schema(b->result), l->all.metrics[m].name);
  for (int64_t i = 0; i < b->n; i++) {
    const int64_t replicate = b->point->first_replicate + b->first + i - b->point->first_row;
    RowContent    row       = {.id        = trial_identity(b->point, replicate),
                               .key       = trial_key(b->point, replicate),
                               .seed      = b->point->seed,
                               .replicate = replicate,
                               .state     = result_state(b->result, i),
                               .message   = result_message(b->result, i),
                               .metric    = metric,
                               .n_metrics = l->all.n_metrics,
                               .array     = array};
    sum[i]                  = 0;
    if (!state_is_final(row.state)) continue;
    for (int m = 0; m < row.n_metrics; m++) metric[m] = l->all.metrics[m].kind == METRIC_CLOCK ? 0 : stored_metric(b, index[m], i);
    if (result_recorded(b->result, i)) row.n_arrays = l->all.n_arrays;
    for (int a = 0; a < row.n_arrays; a++) array[a] = row_array(b, a, i);
    sum[i] = row_checksum(l->schema_hash, &row);
  }
  free(metric);
  free(index);
  free(array);
  return write_column(b, b->w->checksum, H5T_NATIVE_UINT64, sum);
}

static int write_states(Batch *b)
{
  uint8_t *x = (uint8_t *)b->w->scratch;
  for (int64_t i = 0; i < b->n; i++)
    x[i] = (uint8_t)(state_is_final(result_state(b->result, i)) ? result_state(b->result, i) : TRIAL_INTERRUPTED);
  return write_column(b, b->w->state, H5T_NATIVE_UINT8, x);
}

static int check_batch(Batch *b)
{
  const TrialTable *t = b->w->plan->table;
  if (b->first < 0 || b->n > t->n_rows - b->first)
    return h5_error_set(&b->error, EINVAL, "rows %lld to %lld do not exist", (long long)b->first, (long long)(b->first + b->n - 1));
  b->point = &t->points[trial_point_of_row(t, b->first)];
  if (b->first + b->n > b->point->first_row + b->point->n_rows) return h5_error_set(&b->error, EINVAL, "rows of two points in one batch");
  for (int64_t i = 0; i < b->n; i++)
    if (result_recorded(b->result, i) != (b->w->layout->record[b->first + i] >= 0))
      return h5_error_set(&b->error, EINVAL, "row %lld is recorded against the plan", (long long)(b->first + i));
  return 0;
}

static int write_batch(Batch *b, int attempt, int ranks, const double *phase)
{
  TryCode(check_batch(b));
  TryCode(select_rows(b->w, b->first, b->n, &b->error));
  scratch(b->w, b->n);
  TryCode(write_metrics(b));
  TryCode(write_arrays(b));
  TryCode(write_timing(b, phase));
  TryCode(write_numbers(b, attempt, ranks));
  TryCode(write_messages(b, attempt));
  TryCode(write_checksums(b));
  return write_states(b);
}

/* Open MPI does not hand the reason on; what the last system call left is the best there is. */
static const char *reason(int number)
{
  return number == ENOSPC || number == EFBIG || number == EDQUOT || number == EIO || number == EROFS ? strerror(number) : "";
}

int results_write(ResultsWriter *w, int64_t first, const Result *result, int attempt, int ranks, const double *phase, char *error,
                  size_t size)
{
  Batch b = {.w = w, .result = result, .first = first, .n = result_rows(result)};
  if (b.n == 0) return 0;
  errno                = 0;
  const int       code = write_batch(&b, attempt, ranks, phase);
  const char     *why  = reason(errno);
  const long long last = (long long)(first + b.n - 1);
  if (!code) return 0;
  w->broken = 1;
  snprintf(error, size, "cannot write rows %lld to %lld of %s: %s%s%s", (long long)first, last, w->path, b.error.text, *why ? ", " : "",
           why);
  return code;
}

int results_mark_running(ResultsWriter *w, int64_t first, int64_t n)
{
  Batch b = {.w = w, .first = first, .n = n};
  if (n <= 0) return 0;
  TryCode(select_rows(w, first, n, &b.error));
  memset(scratch(w, n), TRIAL_RUNNING, (size_t)n);
  return write_column(&b, w->state, H5T_NATIVE_UINT8, w->scratch);
}

int results_sync(ResultsWriter *w, char *error, size_t size)
{
  if (fsync(w->fd) == 0 || errno == EINVAL) return 0;
  const int code = errno;
  snprintf(error, size, "cannot sync %s: %s", w->path, strerror(code));
  return code;
}
