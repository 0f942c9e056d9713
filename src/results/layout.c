/* SPDX-License-Identifier: BSD-2-Clause
 * The union of the points' schemas, which trials are recorded, dense or ragged, offsets, predicted size, and the row checksum
 * (XXH64, Collet 2012, chained by its seed). */
#include "layout.h"

#include <stdlib.h>
#include <string.h>

#include "claims_file.h"
#include "hash.h"
#include "memory.h"

const PointGroup point_groups[POINT_VALUES] = {
    {"points/exact", "exact value", false},
    {"points/exact_capacity", "law of one trial: a count out of so many; 0: no chance in it; NaN: unknown", true},
    {"points/exact_error", "how far the true mean may be from the exact value", false},
    {"points/published", "published value", false},
    {"points/published_n", "trials behind the published value", true},
    {"points/expect_low", "lower bound expected by the input", false},
    {"points/expect_high", "upper bound expected by the input", false},
};

static PetscErrorCode unite_metrics(const ResultSchema *from, ResultSchema *all)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < from->n_metrics; i++) {
    const MetricSpec *m = &from->metrics[i];
    const int         k = result_schema_find_metric(all, m->name);
    if (k < 0) PetscCall(result_schema_metric(all, m));
    PetscCheck(k < 0 || all->metrics[k].kind == m->kind, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
               "two points declare metric %s of different kinds", m->name);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode unite_arrays(const ResultSchema *from, ResultSchema *all)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < from->n_arrays; i++) {
    const ArraySpec *a = &from->arrays[i];
    const int        k = result_schema_find_array(all, a->name);
    if (k < 0) {
      PetscCall(result_schema_array(all, a));
      continue;
    }
    ArraySpec *u = &all->arrays[k];
    PetscCheck(u->type == a->type && u->rank == a->rank && u->series == a->series, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
               "two points declare array %s with different types or ranks", a->name);
    for (int d = 0; d < u->rank; d++)
      if (a->shape[d] > u->shape[d]) u->shape[d] = a->shape[d];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode results_union(int64_t n_points, const ResultSchema *schema, ResultSchema *out)
{
  PetscFunctionBeginUser;
  *out = (ResultSchema){0};
  for (int64_t p = 0; p < n_points; p++) {
    PetscCall(unite_metrics(&schema[p], out));
    PetscCall(unite_arrays(&schema[p], out));
  }
  PetscFunctionReturn(0);
}

const char *layout_group(const ArraySpec *a) { return a->series ? "series" : "arrays"; }

int64_t layout_offset(const LayoutArray *a, int64_t k) { return a->dense ? k * array_elements(&a->spec) : a->offset[k]; }

/* Elements that a recorded trial of this point owns. */
static int64_t capacity(const ResultSchema *point, const char *array)
{
  const int i = result_schema_find_array(point, array);
  return i < 0 ? 0 : array_elements(&point->arrays[i]);
}

static bool declared_alike(const ResultsPlan *plan, const ArraySpec *u)
{
  for (int64_t p = 0; p < plan->table->n_points; p++) {
    const int i = result_schema_find_array(&plan->schema[p], u->name);
    if (i < 0 || memcmp(plan->schema[p].arrays[i].shape, u->shape, (size_t)u->rank * sizeof *u->shape) != 0) return false;
  }
  return true;
}

static void place_array(const ResultsPlan *plan, const Layout *l, LayoutArray *a)
{
  a->dense = declared_alike(plan, &a->spec);
  if (a->dense) return;
  int64_t k = 0;
  a->offset = mem_calloc((size_t)l->n_recorded + 1, sizeof *a->offset);
  for (int64_t p = 0; p < l->n_points; p++) {
    const SweepPoint *point = &plan->table->points[p];
    const int64_t     n     = capacity(&plan->schema[p], a->spec.name);
    for (int64_t row = point->first_row; row < point->first_row + point->n_rows; row++) {
      if (l->record[row] < 0) continue;
      a->offset[k + 1] = a->offset[k] + n;
      k++;
    }
  }
}

static uint64_t hash_schema(const Layout *l)
{
  uint64_t h = hash_text(RESULTS_SCHEMA_VERSION, RESULTS_SCHEMA);
  for (int i = 0; i < l->all.n_metrics; i++) h = hash_u64(hash_text(h, l->all.metrics[i].name), (uint64_t)l->all.metrics[i].kind);
  for (int i = 0; i < l->all.n_arrays; i++) {
    const ArraySpec *a = &l->array[i].spec;
    h                  = hash_text(h, a->name);
    h                  = hash_u64(h, (uint64_t)a->type * 16 + (uint64_t)a->rank * 2 + a->series);
  }
  return h;
}

PetscErrorCode layout_create(const ResultsPlan *plan, Layout **out)
{
  Layout *l = mem_calloc(1, sizeof *l);
  int     n = 0;
  PetscFunctionBeginUser;
  *out        = l;
  l->n_rows   = plan->table->n_rows;
  l->n_points = plan->table->n_points;
  PetscCall(results_union(l->n_points, plan->schema, &l->all));
  l->record = mem_calloc((size_t)l->n_rows, sizeof *l->record);
  for (int64_t r = 0; r < l->n_rows; r++) l->record[r] = plan->record && plan->record[r] ? l->n_recorded++ : -1;
  l->array = mem_calloc((size_t)l->all.n_arrays, sizeof *l->array);
  for (int series = 1; series >= 0; series--)
    for (int i = 0; i < l->all.n_arrays; i++)
      if (l->all.arrays[i].series == series) l->array[n++].spec = l->all.arrays[i];
  for (int i = 0; i < n; i++) place_array(plan, l, &l->array[i]);
  l->schema_hash = hash_schema(l);
  PetscFunctionReturn(0);
}

void layout_destroy(Layout **out)
{
  Layout *l = out ? *out : NULL;
  if (!l) return;
  for (int i = 0; l->array && i < l->all.n_arrays; i++) free(l->array[i].offset);
  free(l->array);
  free(l->record);
  result_schema_clear(&l->all);
  free(l);
  *out = NULL;
}

bool axis_is_column(const char *name) { return strcmp(name, "seed") == 0 || strcmp(name, "ranks") == 0; }
bool axis_is_text(ParamType type) { return type != PARAM_INT && type != PARAM_REAL; }

size_t axis_width(const TrialTable *t, int axis)
{
  size_t longest = 1;
  if (!axis_is_text(t->axes[axis].type)) return 8;
  for (int64_t p = 0; p < t->n_points; p++) {
    const AxisValue *v = &t->points[p].axes[axis];
    const size_t     n = v->used ? strnlen(v->text, AXIS_TEXT_MAX) : 0;
    if (n > longest) longest = n;
  }
  return longest;
}

/* Raw data exactly; metadata, measured, is below 480 bytes a data set and 4 kB beside them. */
int64_t results_predict_bytes(const ResultsPlan *plan)
{
  Layout *l     = NULL;
  int64_t bytes = 4096, per_row = 8 * 8 + 4 + 4 + 1 + RESULT_MESSAGE_MAX + 8 * PHASES, datasets = 30;
  if (layout_create(plan, &l)) return -1;
  int64_t claims;
  bytes += claims_bytes(plan, &claims);
  datasets += claims;
  per_row += 8 * l->all.n_metrics;
  for (int i = 0; i < plan->table->n_axes; i++) per_row += (int64_t)axis_width(plan->table, i);
  bytes += per_row * l->n_rows + (16 + POINT_VALUES * 8 * l->all.n_metrics) * l->n_points;
  for (int i = 0; i < l->all.n_arrays; i++) {
    const LayoutArray *a = &l->array[i];
    bytes += layout_offset(a, l->n_recorded) * (int64_t)array_element_size(a->spec.type) + 8 * (a->spec.rank + 1) * (l->n_recorded + 1);
  }
  for (int i = 0; i < plan->n_provenance; i++) bytes += plan->provenance[i].text ? (int64_t)strlen(plan->provenance[i].text) : 0;
  if (plan->command_line) bytes += (int64_t)strlen(plan->command_line);
  datasets += (POINT_VALUES + 1) * l->all.n_metrics + 3 * l->all.n_arrays + plan->table->n_axes + plan->n_provenance;
  layout_destroy(&l);
  return bytes + 480 * datasets;
}

uint64_t row_checksum(uint64_t schema_hash, const RowContent *row)
{
  uint64_t length = 5 * 8 + RESULT_MESSAGE_MAX + 8 * (uint64_t)row->n_metrics;
  for (int i = 0; i < row->n_arrays; i++) length += 8 * (uint64_t)row->array[i].rank + row->array[i].bytes;
  const uint64_t fixed[4] = {row->key, row->seed, (uint64_t)row->replicate, (uint64_t)row->state};
  uint64_t       h        = hash_u64(hash_u64(schema_hash, row->id), length);
  h                       = hash_bytes(h, fixed, sizeof fixed);
  h                       = hash_bytes(h, row->message, RESULT_MESSAGE_MAX);
  h                       = hash_bytes(h, row->metric, sizeof(double) * (size_t)row->n_metrics);
  for (int i = 0; i < row->n_arrays; i++) {
    h = hash_bytes(h, row->array[i].extent, sizeof(int64_t) * (size_t)row->array[i].rank);
    h = hash_bytes(h, row->array[i].data, row->array[i].bytes);
  }
  return h ? h : 1;
}

bool state_is_final(int state) { return state == TRIAL_DONE || state == TRIAL_FAILED || state == TRIAL_TIMEOUT || state == TRIAL_INVALID; }
