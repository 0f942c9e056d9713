/* SPDX-License-Identifier: BSD-2-Clause
 * A summary as JSON and CSV, and the rows as CSV. Numbers read back to the same bits; what does not exist is null in JSON and empty in
 * CSV. */
#include <math.h>

#include "summary_text.h"

/* --- JSON --- */

static void json_field(Text *out, const char *name, double x)
{
  text_add(out, ", \"%s\": ", name);
  text_add_number(out, x);
}

static void json_cell(const ResultsColumn *column, const SummaryCell *c, Text *out)
{
  text_add_json(out, column->name);
  text_add(out, ": {\"n\": %lld", (long long)c->n);
  json_field(out, "mean", c->mean);
  json_field(out, "sd", c->sd);
  json_field(out, "stderr", c->stderr_);
  json_field(out, "low", c->low);
  json_field(out, "high", c->high);
  text_append(out, ", \"unit\": ");
  text_add_json(out, column->unit);
  json_field(out, "exact", c->exact);
  json_field(out, "published", c->published);
  json_field(out, "p_value", c->p_value);
  json_field(out, "published_p_value", c->published_p_value);
  json_field(out, "expect_low", c->expect_low);
  json_field(out, "expect_high", c->expect_high);
  text_append(out, ", \"verdict\": ");
  text_add_json(out, verdict_text(c->verdict));
  text_append(out, "}");
}

static void json_axes(const ResultsTable *t, int64_t point, Text *out)
{
  char value[AXIS_TEXT_MAX];
  text_append(out, "{\"axes\": {");
  for (int a = 0; a < t->n_axes; a++) {
    if (a) text_append(out, ", ");
    text_add_json(out, t->axis[a].name);
    text_append(out, ": ");
    if (!summary_axis_text(t, a, point, value))
      text_append(out, "null");
    else if (t->axis[a].text)
      text_add_json(out, value);
    else
      text_add_number(out, t->axis[a].number[t->first_row[point]]);
  }
  text_append(out, "}, \"metrics\": {");
}

static void json_reasons(const Text *reasons, Text *out)
{
  const char *separator = "";
  for (size_t i = 0; i < reasons->length;) {
    size_t end = i;
    Text   one = {0};
    while (end < reasons->length && reasons->s[end] != '\n') end++;
    text_add(&one, "%.*s", (int)(end - i), reasons->s + i);
    text_append(out, separator);
    text_add_json(out, text_string(&one));
    text_clear(&one);
    separator = ", ";
    i         = end + 1;
  }
}

static void json_head(const Summary *s, Text *out)
{
  text_add(out, "{\"result\": \"%s\", \"reasons\": [", s->valid ? "VALID" : "INVALID");
  json_reasons(&s->reasons, out);
  text_append(out, "], \"experiment\": ");
  text_add_json(out, s->table->experiment);
  text_append(out, ", \"title\": ");
  text_add_json(out, s->table->title);
  text_append(out, ", \"date\": ");
  text_add_json(out, s->table->date);
  text_add(out, ", \"trials\": {\"total\": %lld", (long long)s->table->n_rows);
  for (int i = 0; i < TRIAL_STATES; i++) text_add(out, ", \"%s\": %lld", trial_state_name((TrialState)i), (long long)s->counts[i]);
  text_append(out, "}, \"points\": [");
}

void summary_json(const Summary *s, Text *out)
{
  const ResultsTable *t         = s->table;
  const char         *separator = "\n";
  json_head(s, out);
  for (int64_t p = 0; p < s->n_points; p++) {
    if (t->point_rows[p] == 0) continue;
    text_append(out, separator);
    json_axes(t, p, out);
    for (int m = 0; m < t->n_metrics; m++) {
      if (m) text_append(out, ", ");
      json_cell(&t->metric[m], &s->cell[p * t->n_metrics + m], out);
    }
    text_append(out, "}}");
    separator = ",\n";
  }
  text_append(out, "]");
  text_append(out, ", \"claims\": ");
  summary_claims_json(s, out);
  text_append(out, "}\n");
}

/* --- CSV --- */

static void csv_number(Text *out, double x)
{
  if (!isnan(x)) {
    char text[32];
    text_number(text, sizeof text, x);
    text_append(out, text);
  }
  text_append(out, ",");
}

static void csv_axes_head(const ResultsTable *t, Text *out)
{
  for (int a = 0; a < t->n_axes; a++) {
    text_add_csv(out, t->axis[a].name);
    text_append(out, ",");
  }
}

static void csv_cell(const Summary *s, int64_t point, int metric, Text *out)
{
  const ResultsTable *t         = s->table;
  const SummaryCell  *c         = &s->cell[point * t->n_metrics + metric];
  const double        numbers[] = {c->mean,      c->sd,      c->stderr_,           c->low,        c->high,       c->exact,
                                   c->published, c->p_value, c->published_p_value, c->expect_low, c->expect_high};
  char                value[AXIS_TEXT_MAX];
  for (int a = 0; a < t->n_axes; a++) {
    if (summary_axis_text(t, a, point, value)) text_add_csv(out, value);
    text_append(out, ",");
  }
  text_add_csv(out, t->metric[metric].name);
  text_append(out, ",");
  text_add_csv(out, t->metric[metric].unit);
  text_add(out, ",%lld,", (long long)c->n);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) csv_number(out, numbers[i]);
  if (verdict_text(c->verdict)) text_append(out, verdict_text(c->verdict));
  text_append(out, "\n");
}

void summary_csv(const Summary *s, Text *out)
{
  csv_axes_head(s->table, out);
  text_append(out, "metric,unit,n,mean,sd,stderr,low,high,exact,published,p_value,published_p_value,expect_low,expect_high,verdict\n");
  for (int64_t p = 0; p < s->n_points; p++)
    for (int m = 0; m < s->table->n_metrics && s->table->point_rows[p] > 0; m++) csv_cell(s, p, m, out);
}

static void csv_row(const ResultsTable *t, int64_t row, Text *out)
{
  text_add(out, "%lld,", (long long)row);
  for (int a = 0; a < t->n_axes; a++) {
    const ResultsAxis *axis = &t->axis[a];
    if (strcmp(axis->name, "seed") == 0) continue; /* a column of its own */
    if (axis->text) {
      text_add_csv(out, axis->string[row]);
      text_append(out, ",");
    } else if (axis->integer && !isnan(axis->number[row])) {
      text_add(out, "%.0f,", axis->number[row]);
    } else {
      csv_number(out, axis->number[row]);
    }
  }
  text_add(out, "%lld,%llu,0x%016llx,%s,", (long long)t->replicate[row], (unsigned long long)t->seed[row], (unsigned long long)t->key[row],
           trial_state_name(t->state[row]));
  for (int m = 0; m < t->n_metrics; m++) csv_number(out, t->metric[m].value[row]);
  if (!isnan(t->wall[row])) text_add(out, "%.9g", t->wall[row]);
  text_append(out, "\n");
}

void results_export_csv(const ResultsTable *t, Text *out)
{
  text_append(out, "row,");
  for (int a = 0; a < t->n_axes; a++) {
    if (strcmp(t->axis[a].name, "seed") == 0) continue;
    text_add_csv(out, t->axis[a].name);
    text_append(out, ",");
  }
  text_append(out, "replicate,seed,key,state,");
  for (int m = 0; m < t->n_metrics; m++) {
    text_add_csv(out, t->metric[m].name);
    text_append(out, ",");
  }
  text_append(out, "wall\n");
  for (int64_t row = 0; row < t->n_rows; row++) csv_row(t, row, out);
}
