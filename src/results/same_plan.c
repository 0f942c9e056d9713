/* SPDX-License-Identifier: BSD-2-Clause
 * Holds a file that is to be continued against the plan that wants to continue it. */
#include <stdio.h>
#include <string.h>

#include "layout.h"

static bool differs(char *error, size_t size, const char *what, long long file, long long plan)
{
  snprintf(error, size, "the file has %s %lld where this input has %lld", what, file, plan);
  return false;
}

static bool same_names(const ResultsTable *t, const ResultsPlan *plan, const Layout *l, char *error, size_t size)
{
  if (t->n_metrics != l->all.n_metrics) return differs(error, size, "a number of metrics of", t->n_metrics, l->all.n_metrics);
  for (int i = 0; i < t->n_metrics; i++) {
    if (strcmp(t->metric[i].name, l->all.metrics[i].name) == 0) continue;
    snprintf(error, size, "the file has metric %s where this input has %s", t->metric[i].name, l->all.metrics[i].name);
    return false;
  }
  if (t->n_axes != plan->table->n_axes) return differs(error, size, "a number of sweep axes of", t->n_axes, plan->table->n_axes);
  for (int i = 0; i < t->n_axes; i++) {
    if (strcmp(t->axis[i].name, plan->table->axes[i].name) == 0) continue;
    snprintf(error, size, "the file has sweep axis %s where this input has %s", t->axis[i].name, plan->table->axes[i].name);
    return false;
  }
  return true;
}

static bool same_rows(const ResultsTable *t, const ResultsPlan *plan, const Layout *l, char *error, size_t size)
{
  for (int64_t p = 0; p < t->n_points; p++) {
    const SweepPoint *point = &plan->table->points[p];
    if (t->first_row[p] != point->first_row || t->point_rows[p] != point->n_rows) {
      snprintf(error, size, "point %lld has other rows in the file than in this input", (long long)p);
      return false;
    }
    for (int64_t i = 0; i < point->n_rows; i++) {
      const int64_t row = point->first_row + i, replicate = point->first_replicate + i;
      const char   *what = t->id[row] != trial_identity(point, replicate) || t->replicate[row] != replicate ? "another trial"
                           : t->key[row] != trial_key(point, replicate) || t->seed[row] != point->seed      ? "another random key"
                           : t->record[row] != l->record[row] ? "another choice of recorded trials"
                                                              : NULL;
      if (!what) continue;
      snprintf(error, size, "from row %lld on, the file has %s than this input", (long long)row, what);
      return false;
    }
  }
  return true;
}

bool results_same_plan(const ResultsTable *t, const ResultsPlan *plan, char *error, size_t size)
{
  Layout *l    = NULL;
  bool    same = false;
  if (strcmp(t->experiment, plan->table->experiment) != 0) {
    snprintf(error, size, "the file holds experiment %s, this input %s", t->experiment, plan->table->experiment);
    return false;
  }
  if (t->n_rows != plan->table->n_rows) return differs(error, size, "a number of trials of", t->n_rows, plan->table->n_rows);
  if (t->n_points != plan->table->n_points) return differs(error, size, "a number of sweep points of", t->n_points, plan->table->n_points);
  if (layout_create(plan, &l))
    snprintf(error, size, "the points' declarations do not fit together");
  else
    same = same_names(t, plan, l, error, size) && same_rows(t, plan, l, error, size);
  layout_destroy(&l);
  return same;
}
