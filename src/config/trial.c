/* SPDX-License-Identifier: BSD-2-Clause
 * The table of points and trials: ownership, keys, rows, parts.
 * Params and axis values of all points lie in two blocks behind the table, so that a part of a table drops points without copying any. */
#include "trial.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "memory.h"
#include "study_private.h"
#include "text.h"

typedef struct OwnedTable {
  TrialTable     table; /* first: the public pointer is this one */
  char          *experiment;
  unsigned char *params;
  AxisValue     *values;
} OwnedTable;

TrialTable *trial_table_create(const char *experiment, int n_axes, int64_t n_points, size_t params_size)
{
  OwnedTable *owned = mem_calloc(1, sizeof *owned);
  TrialTable *table = &owned->table;
  size_t      n = (size_t)n_points, columns = (size_t)n_axes;

  owned->experiment = mem_strdup(experiment);
  owned->params     = mem_calloc(n + 1, params_size + 1);
  owned->values     = mem_calloc(n * columns + 1, sizeof *owned->values);
  table->experiment = owned->experiment;
  table->n_axes     = n_axes;
  table->axes       = mem_calloc(columns + 1, sizeof *table->axes);
  table->n_points   = n_points;
  table->points     = mem_calloc(n + 1, sizeof *table->points);
  for (size_t i = 0; i < n; i++) {
    table->points[i].params = owned->params + i * params_size;
    table->points[i].axes   = owned->values + i * columns;
  }
  return table;
}

void trial_table_destroy(TrialTable **table)
{
  if (!table || !*table) return;
  OwnedTable *owned = (OwnedTable *)*table;
  for (int64_t i = 0; i < (*table)->n_points; i++) free((*table)->points[i].canonical);
  free((*table)->points);
  free((*table)->axes);
  free(owned->params);
  free(owned->values);
  free(owned->experiment);
  free(owned);
  *table = NULL;
}

static uint64_t nonzero(uint64_t x) { return x ? x : 1; }

uint64_t trial_key(const SweepPoint *point, int64_t replicate) { return nonzero(hash_u64(point->stream, (uint64_t)replicate)); }

uint64_t trial_identity(const SweepPoint *point, int64_t replicate) { return nonzero(hash_u64(point->identity, (uint64_t)replicate)); }

int64_t trial_point_of_row(const TrialTable *table, int64_t row)
{
  int64_t low = 0, high = table->n_points; /* first_row[low] <= row < first_row[high] */

  while (high - low > 1) {
    int64_t middle = low + (high - low) / 2;
    if (table->points[middle].first_row <= row)
      low = middle;
    else
      high = middle;
  }
  return low;
}

const char *trial_state_name(TrialState state)
{
  static const char *const names[TRIAL_STATES] = {"pending", "running", "done", "failed", "timeout", "interrupted", "invalid"};

  return (unsigned)state < TRIAL_STATES ? names[state] : "unknown";
}

/* Keeps rows [first, last): trims the points at both ends and drops those without rows. */
static void keep_rows(TrialTable *table, int64_t first, int64_t last)
{
  int64_t out = 0, row = 0;

  for (int64_t i = 0; i < table->n_points; i++) {
    SweepPoint point = table->points[i];
    int64_t    begin = point.first_row > first ? point.first_row : first;
    int64_t    end   = point.first_row + point.n_rows < last ? point.first_row + point.n_rows : last;
    if (begin >= end) {
      free(point.canonical);
      continue;
    }
    point.first_replicate += begin - point.first_row;
    point.first_row = row;
    point.n_rows    = end - begin;
    row += point.n_rows;
    table->points[out++] = point;
  }
  table->n_points = out;
  table->n_rows   = row;
}

void trial_table_part(TrialTable *table, int64_t i, int64_t n)
{
  if (n < 1 || i < 1 || i > n) {
    keep_rows(table, 0, 0);
    return;
  }
  int64_t each = table->n_rows / n, rest = table->n_rows % n; /* the first `rest` parts have one row more */
  int64_t first = (i - 1) * each + (i - 1 < rest ? i - 1 : rest);
  keep_rows(table, first, first + each + (i - 1 < rest));
}

static bool parse_hex(const char *s, uint64_t *out)
{
  char *end;

  if (strncmp(s, "0x", 2) || !s[2] || strlen(s) > 18 || s[2 + strspn(s + 2, "0123456789abcdefABCDEF")]) return false;
  *out = strtoull(s + 2, &end, 16);
  return true;
}

bool trial_table_only(TrialTable *table, const char *trial)
{
  int64_t  row;
  uint64_t id;

  if (parse_hex(trial, &id)) {
    for (int64_t i = 0; i < table->n_points; i++) {
      const SweepPoint *point = &table->points[i];
      for (int64_t k = 0; k < point->n_rows; k++) {
        if (trial_identity(point, point->first_replicate + k) != id) continue;
        keep_rows(table, point->first_row + k, point->first_row + k + 1);
        return true;
      }
    }
    return false;
  }
  if (!text_parse_int(trial, &row) || row < 0 || row >= table->n_rows) return false;
  keep_rows(table, row, row + 1);
  return true;
}
