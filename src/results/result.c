/* SPDX-License-Identifier: BSD-2-Clause
 * What an experiment declares and what it fills, in memory. Recorded rows of an array lie adjacent, each in a block of the declared size,
 * so that a batch goes to the file in one write. It knows nothing of files, ranks or timing. */
#include "result.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "trial.h"

const char *const metric_kind_names[] = {[METRIC_REAL] = "real", [METRIC_EVENT] = "event", [METRIC_CLOCK] = "clock"};

PetscErrorCode result_schema_metric(ResultSchema *s, const MetricSpec *metric)
{
  PetscFunctionBeginUser;
  PetscCheck(metric->name && *metric->name && strlen(metric->name) < AXIS_TEXT_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "a metric's name must have 1 to %d characters", AXIS_TEXT_MAX - 1);
  PetscCheck(result_schema_find_metric(s, metric->name) < 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "metric %s is declared twice",
             metric->name);
  s->metrics                 = mem_realloc(s->metrics, (size_t)s->n_metrics + 1, sizeof *s->metrics);
  s->metrics[s->n_metrics++] = *metric;
  PetscFunctionReturn(0);
}

PetscErrorCode result_schema_array(ResultSchema *s, const ArraySpec *array)
{
  int64_t bytes = (int64_t)array_element_size(array->type);
  PetscFunctionBeginUser;
  PetscCheck(array->name && *array->name && strlen(array->name) < AXIS_TEXT_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "an array's name must have 1 to %d characters", AXIS_TEXT_MAX - 1);
  PetscCheck(result_schema_find_array(s, array->name) < 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "array %s is declared twice", array->name);
  PetscCheck(array->rank >= 1 && array->rank <= RESULT_RANK_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "array %s has rank %d, not 1 to %d", array->name, array->rank, RESULT_RANK_MAX);
  for (int d = 0; d < array->rank; d++)
    PetscCheck(array->shape[d] >= 0 && !__builtin_mul_overflow(bytes, array->shape[d], &bytes), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "array %s: extent %lld of dimension %d is out of range", array->name, (long long)array->shape[d], d);
  s->arrays                = mem_realloc(s->arrays, (size_t)s->n_arrays + 1, sizeof *s->arrays);
  s->arrays[s->n_arrays++] = *array;
  PetscFunctionReturn(0);
}

void result_schema_clear(ResultSchema *s)
{
  free(s->metrics);
  free(s->arrays);
  *s = (ResultSchema){0};
}

int result_schema_find_metric(const ResultSchema *s, const char *name)
{
  for (int i = 0; i < s->n_metrics; i++)
    if (strcmp(s->metrics[i].name, name) == 0) return i;
  return -1;
}

int result_schema_find_array(const ResultSchema *s, const char *name)
{
  for (int i = 0; i < s->n_arrays; i++)
    if (strcmp(s->arrays[i].name, name) == 0) return i;
  return -1;
}

size_t array_element_size(ArrayType type) { return type == ARRAY_U8 ? 1 : 8; }

int64_t array_elements(const ArraySpec *array)
{
  int64_t n = 1;
  for (int d = 0; d < array->rank; d++) n *= array->shape[d];
  return n;
}

struct Result {
  ResultSchema schema; /* own copy */
  int64_t      n, n_recorded;
  uint8_t     *state;                  /* (n) TrialState */
  char (*message)[RESULT_MESSAGE_MAX]; /* (n) zero beyond the text */
  int64_t *slot;                       /* (n) number among the recorded rows, or -1 */
  double  *metric;                     /* (n_metrics, n) */
  char   **data;                       /* (n_arrays) blocks of (n_recorded, elements) */
  int64_t *extent;                     /* (n_arrays, n_recorded, RESULT_RANK_MAX) used shape */
};

static size_t block_bytes(const ArraySpec *a) { return (size_t)array_elements(a) * array_element_size(a->type); }

static void fill_nan(double *x, size_t n)
{
  for (size_t i = 0; i < n; i++) x[i] = NAN;
}

static int64_t *extent_of(const Result *r, int array, int64_t row)
{
  return r->extent + (array * r->n_recorded + r->slot[row]) * RESULT_RANK_MAX;
}

static void copy_schema(const ResultSchema *from, ResultSchema *to)
{
  *to         = *from;
  to->metrics = mem_calloc((size_t)from->n_metrics, sizeof *to->metrics);
  to->arrays  = mem_calloc((size_t)from->n_arrays, sizeof *to->arrays);
  if (from->n_metrics) memcpy(to->metrics, from->metrics, (size_t)from->n_metrics * sizeof *to->metrics);
  if (from->n_arrays) memcpy(to->arrays, from->arrays, (size_t)from->n_arrays * sizeof *to->arrays);
}

static PetscErrorCode allocate_array(Result *r, int array)
{
  const ArraySpec *spec  = &r->schema.arrays[array];
  const size_t     bytes = block_bytes(spec) * (size_t)r->n_recorded;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(bytes ? bytes : 1, &r->data[array]));
  if (spec->type == ARRAY_F64) fill_nan((double *)(void *)r->data[array], bytes / sizeof(double));
  for (int64_t k = 0; k < r->n_recorded; k++)
    memcpy(r->extent + (array * r->n_recorded + k) * RESULT_RANK_MAX, spec->shape, sizeof spec->shape);
  PetscFunctionReturn(0);
}

PetscErrorCode result_create(const ResultSchema *schema, int64_t n, const bool *record, Result **out)
{
  Result *r = mem_calloc(1, sizeof *r);
  PetscFunctionBeginUser;
  *out = r;
  PetscCheck(n >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%lld rows", (long long)n);
  copy_schema(schema, &r->schema);
  r->n       = n;
  r->state   = mem_calloc((size_t)n, 1);
  r->message = mem_calloc((size_t)n, sizeof *r->message);
  r->slot    = mem_calloc((size_t)n, sizeof *r->slot);
  memset(r->state, TRIAL_DONE, (size_t)n);
  for (int64_t i = 0; i < n; i++) r->slot[i] = record && record[i] ? r->n_recorded++ : -1;
  PetscCall(PetscMalloc1((size_t)(n * schema->n_metrics + 1), &r->metric));
  fill_nan(r->metric, (size_t)(n * schema->n_metrics));
  r->data   = mem_calloc((size_t)schema->n_arrays, sizeof *r->data);
  r->extent = mem_calloc((size_t)(schema->n_arrays * r->n_recorded * RESULT_RANK_MAX), sizeof *r->extent);
  for (int a = 0; a < schema->n_arrays; a++) PetscCall(allocate_array(r, a));
  PetscFunctionReturn(0);
}

void result_destroy(Result **out)
{
  Result *r = out ? *out : NULL;
  if (!r) return;
  for (int a = 0; r->data && a < r->schema.n_arrays; a++) (void)PetscFree(r->data[a]);
  (void)PetscFree(r->metric);
  free(r->data);
  free(r->extent);
  free(r->slot);
  free(r->message);
  free(r->state);
  result_schema_clear(&r->schema);
  free(r);
  *out = NULL;
}

PetscErrorCode result_metric(Result *r, const char *name, double **column)
{
  const int i = result_schema_find_metric(&r->schema, name);
  PetscFunctionBeginUser;
  PetscCheck(i >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "metric %s is not declared at this point", name);
  *column = r->metric + i * r->n;
  PetscFunctionReturn(0);
}

static PetscErrorCode find_array(const Result *r, const char *name, int64_t row, int *array)
{
  *array = result_schema_find_array(&r->schema, name);
  PetscFunctionBeginUser;
  PetscCheck(*array >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "array %s is not declared at this point", name);
  PetscCheck(row >= 0 && row < r->n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "row %lld of %lld", (long long)row, (long long)r->n);
  PetscFunctionReturn(0);
}

PetscErrorCode result_array(Result *r, const char *name, int64_t row, void **data)
{
  int array;
  PetscFunctionBeginUser;
  PetscCall(find_array(r, name, row, &array));
  *data = r->slot[row] < 0 ? NULL : r->data[array] + (size_t)r->slot[row] * block_bytes(&r->schema.arrays[array]);
  PetscFunctionReturn(0);
}

static void shape_text(int rank, const int64_t *shape, char *out, size_t size)
{
  size_t used = 0;
  *out        = 0;
  for (int d = 0; d < rank && used < size; d++)
    used += (size_t)snprintf(out + used, size - used, "%s%lld", d ? " x " : "", (long long)shape[d]);
}

/* The limit holds for unrecorded rows too: a trial's state must not depend on what is recorded. */
PetscErrorCode result_columns(Result *result, int n, const MetricSpec *metrics, double **column)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < n; i++) PetscCall(result_metric(result, metrics[i].name, &column[i]));
  PetscFunctionReturn(0);
}

PetscErrorCode result_put(Result *result, const char *name, int64_t row, int64_t n, const double *value)
{
  double *out;

  PetscFunctionBeginUser;
  PetscCall(result_array(result, name, row, (void **)&out));
  if (out) memcpy(out, value, (size_t)n * sizeof *out);
  PetscFunctionReturn(0);
}

PetscErrorCode result_put_floats(Result *result, const char *name, int64_t row, int64_t n, const float *value)
{
  double *out;

  PetscFunctionBeginUser;
  PetscCall(result_array(result, name, row, (void **)&out));
  for (int64_t i = 0; out && i < n; i++) out[i] = (double)value[i];
  PetscFunctionReturn(0);
}

PetscErrorCode result_array_shape(Result *r, const char *name, int64_t row, const int64_t *shape)
{
  int array;
  PetscFunctionBeginUser;
  PetscCall(find_array(r, name, row, &array));
  const ArraySpec *spec = &r->schema.arrays[array];
  for (int d = 0; d < spec->rank; d++) {
    if (shape[d] >= 0 && shape[d] <= spec->shape[d]) continue;
    char has[48], may[48];
    shape_text(spec->rank, shape, has, sizeof has);
    shape_text(spec->rank, spec->shape, may, sizeof may);
    result_fail(r, row, "%s: %s does not fit into the declared %s", name, has, may);
    PetscFunctionReturn(0);
  }
  if (r->slot[row] >= 0) memcpy(extent_of(r, array, row), shape, (size_t)spec->rank * sizeof *shape);
  PetscFunctionReturn(0);
}

/* The first thing that goes wrong with a row is what is told of it. */
static void set_state(Result *r, int64_t row, TrialState state, const char *format, va_list arguments)
{
  if (r->state[row] != TRIAL_DONE) return;
  r->state[row] = (uint8_t)state;
  vsnprintf(r->message[row], sizeof r->message[row], format, arguments);
}

void result_fail(Result *r, int64_t row, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  set_state(r, row, TRIAL_FAILED, format, arguments);
  va_end(arguments);
}

void result_invalid(Result *r, int64_t row, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  set_state(r, row, TRIAL_INVALID, format, arguments);
  va_end(arguments);
}

/* How far a row came before it was stopped depends on the clock, so nothing of it is kept. */
static void stop_row(Result *r, int64_t row, TrialState state)
{
  r->state[row] = (uint8_t)state;
  memset(r->message[row], 0, sizeof r->message[row]);
  for (int m = 0; m < r->schema.n_metrics; m++) r->metric[m * r->n + row] = NAN;
  if (r->slot[row] < 0) return;
  for (int a = 0; a < r->schema.n_arrays; a++) {
    const ArraySpec *spec  = &r->schema.arrays[a];
    char            *block = r->data[a] + (size_t)r->slot[row] * block_bytes(spec);
    memset(extent_of(r, a, row), 0, RESULT_RANK_MAX * sizeof *r->extent);
    if (spec->type == ARRAY_F64)
      fill_nan((double *)(void *)block, (size_t)array_elements(spec));
    else
      memset(block, 0, block_bytes(spec));
  }
}

void result_timeout(Result *r, int64_t row) { stop_row(r, row, TRIAL_TIMEOUT); }
void result_interrupted(Result *r, int64_t row) { stop_row(r, row, TRIAL_INTERRUPTED); }

int64_t             result_rows(const Result *r) { return r->n; }
const ResultSchema *result_schema(const Result *r) { return &r->schema; }
int                 result_state(const Result *r, int64_t row) { return r->state[row]; }
const char         *result_message(const Result *r, int64_t row) { return r->message[row]; }
bool                result_recorded(const Result *r, int64_t row) { return r->slot[row] >= 0; }
const double       *result_metric_column(const Result *r, int metric) { return r->metric + metric * r->n; }

const void *result_array_data(const Result *r, int array, int64_t row)
{
  return r->slot[row] < 0 ? NULL : r->data[array] + (size_t)r->slot[row] * block_bytes(&r->schema.arrays[array]);
}

const int64_t *result_array_extent(const Result *r, int array, int64_t row) { return r->slot[row] < 0 ? NULL : extent_of(r, array, row); }

static ReferenceValue *reference_entry(Reference *r, const char *metric)
{
  for (int i = 0; i < r->n; i++)
    if (strcmp(r->value[i].metric, metric) == 0) return &r->value[i];
  if (r->n == REFERENCE_MAX) return NULL;
  r->value[r->n] = (ReferenceValue){.metric = metric, .exact = NAN, .published = NAN, .capacity = NAN};
  return &r->value[r->n++];
}

void reference_exact(Reference *r, const char *metric, double value)
{
  ReferenceValue *entry = reference_entry(r, metric);
  if (entry) entry->exact = value;
}

void reference_sure(Reference *r, const char *metric, double value) { reference_count(r, metric, value, 0); }

void reference_count(Reference *r, const char *metric, double mean, double capacity)
{
  ReferenceValue *entry = reference_entry(r, metric);
  if (!entry) return;
  entry->exact    = mean;
  entry->capacity = capacity;
}

void reference_limit(Reference *r, const char *metric, double value, double error)
{
  ReferenceValue *entry = reference_entry(r, metric);
  if (!entry) return;
  entry->exact = value;
  entry->error = error;
}

void reference_published(Reference *r, const char *metric, double value, double n)
{
  ReferenceValue *entry = reference_entry(r, metric);
  if (!entry) return;
  entry->published   = value;
  entry->published_n = n;
}
