/* SPDX-License-Identifier: BSD-2-Clause
 * A summary for people: a header, status counts, then a block a metric with one aligned line a point. Columns that no point of the block
 * fills are left out. */
#include "summary_text.h"
#include "grid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

bool summary_axis_text(const ResultsTable *t, int axis, int64_t point, char out[AXIS_TEXT_MAX])
{
  const ResultsAxis *a   = &t->axis[axis];
  const int64_t      row = t->first_row[point];
  *out                   = 0;
  if (t->point_rows[point] == 0 || (a->text ? a->string[row][0] == 0 : isnan(a->number[row]))) return false;
  if (a->text)
    snprintf(out, AXIS_TEXT_MAX, "%s", a->string[row]);
  else if (a->integer)
    snprintf(out, AXIS_TEXT_MAX, "%.0f", a->number[row]);
  else
    text_number(out, AXIS_TEXT_MAX, a->number[row]);
  return true;
}

/* --- the block of one metric --- */

enum {
  COLUMN_N,
  COLUMN_MEAN,
  COLUMN_STDERR,
  COLUMN_INTERVAL,
  COLUMN_EXACT,
  COLUMN_P,
  COLUMN_PUBLISHED,
  COLUMN_PUBLISHED_P,
  COLUMN_EXPECTED,
  COLUMN_VERDICT,
  COLUMNS
};

static void put_value(const Grid *g, int64_t row, int column, bool event, double x)
{
  if (!isnan(x)) grid_put(g, row, column, event ? "%.4f" : "%.4g", x);
}

static void put_range(const Grid *g, int64_t row, int column, bool event, double low, double high)
{
  if (isnan(low) && isnan(high)) return;
  grid_put(g, row, column, event ? "[%.4f, %.4f]" : "[%.4g, %.4g]", isnan(low) ? (double)-INFINITY : low,
           isnan(high) ? (double)INFINITY : high);
}

/* The columns of one point and metric, from column `first` on. */
static void put_line(const Summary *s, const Grid *g, int64_t row, int first, int64_t point, int metric)
{
  const ResultsTable *t     = s->table;
  const SummaryCell  *c     = &s->cell[point * t->n_metrics + metric];
  const bool          event = t->metric[metric].event;
  grid_put(g, row, first + COLUMN_N, "%lld", (long long)c->n);
  put_value(g, row, first + COLUMN_MEAN, event, c->mean);
  if (!isnan(c->stderr_)) grid_put(g, row, first + COLUMN_STDERR, "%.2g", c->stderr_);
  put_range(g, row, first + COLUMN_INTERVAL, event, c->low, c->high);
  put_value(g, row, first + COLUMN_EXACT, event, c->exact);
  if (!isnan(c->p_value)) grid_put(g, row, first + COLUMN_P, "%.2g", c->p_value);
  put_value(g, row, first + COLUMN_PUBLISHED, event, c->published);
  if (!isnan(c->published_p_value)) grid_put(g, row, first + COLUMN_PUBLISHED_P, "%.2g", c->published_p_value);
  put_range(g, row, first + COLUMN_EXPECTED, event, c->expect_low, c->expect_high);
  const char *verdict = verdict_text(c->verdict);
  grid_put(g, row, first + COLUMN_VERDICT, "%s%s%s", verdict ? verdict : "", verdict && !c->expect_met ? ", " : "",
           c->expect_met ? "" : "expectation missed");
}

static const char *colour_of(const SummaryCell *c)
{
  if (c->verdict == VERDICT_DIFFERS || !c->expect_met) return "\033[31m";
  return c->verdict == VERDICT_PAPER_OUTSIDE ? "\033[33m" : "\033[32m";
}

static void put_header(const Grid *g, int first)
{
  static const char *const title[] = {"n", "mean", "s.e.", "95 % interval", "exact", "p", "published", "its p", "expected", "verdict"};
  for (int c = 0; c < COLUMNS; c++) grid_put(g, 0, first + c, "%s", title[c]);
  g->left[first + COLUMN_VERDICT] = true;
}

static Grid block_grid(int64_t rows, int first)
{
  Grid g = grid_create(rows, first + COLUMNS, AXIS_TEXT_MAX);
  put_header(&g, first);
  return g;
}

static void add_block(const Summary *s, int metric, bool colour, Text *out)
{
  const ResultsTable *t       = s->table;
  Grid                g       = block_grid(t->n_points + 1, t->n_axes);
  const char        **colours = mem_calloc((size_t)t->n_points + 1, sizeof *colours);
  for (int a = 0; a < t->n_axes; a++) {
    grid_put(&g, 0, a, "%s", t->axis[a].name);
    g.left[a] = t->axis[a].text;
  }
  for (int64_t p = 0; p < t->n_points; p++) {
    if (t->point_rows[p] == 0) continue;
    for (int a = 0; a < t->n_axes; a++)
      if (!summary_axis_text(t, a, p, grid_cell(&g, g.rows, a))) grid_put(&g, g.rows, a, "-");
    colours[g.rows] = colour_of(&s->cell[p * t->n_metrics + metric]);
    put_line(s, &g, g.rows++, t->n_axes, p, metric);
  }
  text_add(out, "\n%s", t->metric[metric].name);
  if (t->metric[metric].event)
    text_append(out, ", probability");
  else if (strcmp(t->metric[metric].unit, "1") != 0)
    text_add(out, ", %s", t->metric[metric].unit);
  text_append(out, "\n");
  grid_print(&g, colour ? colours : NULL, out);
  free(colours);
  grid_clear(&g);
}

/* Without a sweep: one table, a line a metric that has a value or should have one. */
static void add_only_point(const Summary *s, bool colour, Text *out)
{
  const ResultsTable *t       = s->table;
  Grid                g       = block_grid(t->n_metrics + 1, 2);
  const char        **colours = mem_calloc((size_t)t->n_metrics + 1, sizeof *colours);
  g.left[0] = g.left[1] = true;
  grid_put(&g, 0, 0, "metric");
  grid_put(&g, 0, 1, "unit");
  for (int m = 0; m < t->n_metrics; m++) {
    if (s->cell[m].n == 0 && isnan(s->cell[m].exact)) continue;
    colours[g.rows] = colour_of(&s->cell[m]);
    grid_put(&g, g.rows, 0, "%s", t->metric[m].name);
    grid_put(&g, g.rows, 1, "%s", t->metric[m].unit);
    put_line(s, &g, g.rows++, 2, 0, m);
  }
  text_append(out, "\n");
  grid_print(&g, colour ? colours : NULL, out);
  free(colours);
  grid_clear(&g);
}

void summary_table(const Summary *s, bool colour, Text *out)
{
  const ResultsTable *t = s->table;
  if (*t->title) text_add(out, "%s: ", t->title);
  text_add(out, "%s, %s, myopia %s\n", t->experiment, t->date, t->version);
  text_add(out, "%lld trials", (long long)t->n_rows);
  for (int i = 0; i < TRIAL_STATES; i++)
    if (s->counts[i]) text_add(out, ", %lld %s", (long long)s->counts[i], trial_state_name((TrialState)i));
  text_append(out, "\n");
  if (t->n_points == 1 && t->n_axes == 0) add_only_point(s, colour, out);
  for (int m = 0; m < t->n_metrics && (t->n_points > 1 || t->n_axes > 0); m++) add_block(s, m, colour, out);
  summary_claims_table(s, colour, out);
  text_add(out, "\n%s%s%s\n", !colour ? "" : s->valid ? "\033[32m" : "\033[31m", s->valid ? "VALID" : "INVALID", colour ? "\033[0m" : "");
  text_append(out, text_string(&s->reasons));
}
