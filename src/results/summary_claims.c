/* SPDX-License-Identifier: BSD-2-Clause
 * Claims as rows of `show`: for people, as JSON, as CSV. What cannot be said is "-", null, empty; an end that does not exist is infinite
 * for people and in the CSV, null in JSON. */
#include <math.h>
#include <stdlib.h>

#include "grid.h"
#include "memory.h"
#include "summary_text.h"

enum { CELL = 128, TEXT_SHOWN = 44 };

void claim_bound_text(const Claim *c, Text *out)
{
  char low[32], high[32];
  text_number(low, sizeof low, c->low);
  text_number(high, sizeof high, c->high);
  switch (c->bound) {
  case CLAIM_BELOW: text_add(out, "below %s", high); return;
  case CLAIM_ABOVE: text_add(out, "above %s", low); return;
  case CLAIM_WITHIN: text_add(out, "within [%s, %s]", low, high); return;
  default: text_add(out, "contains %s", low);
  }
}

/* "energy_distance, difference (paired)" */
static void add_quantity(const Claim *c, const ClaimResult *r, Text *out)
{
  text_append(out, c->metric[CLAIM_OF]);
  if (c->compare == CLAIM_VALUE) return;
  if (strcmp(c->metric[CLAIM_OF], c->metric[CLAIM_AGAINST]) != 0) text_add(out, " : %s", c->metric[CLAIM_AGAINST]);
  text_add(out, ", %s%s", claim_compare_names[c->compare], r->paired ? ", paired" : "");
}

/* As much of a text as TEXT_SHOWN characters of UTF-8 hold. */
static void put_text(const Grid *g, int64_t row, int column, const char *text)
{
  size_t n = 0, bytes = 0;
  while (text[bytes] && n < TEXT_SHOWN) {
    bytes++;
    while (((unsigned char)text[bytes] & 0xc0) == 0x80) bytes++;
    n++;
  }
  grid_put(g, row, column, "%.*s%s", (int)(bytes < CELL - 4 ? bytes : CELL - 4), text, text[bytes] ? "..." : "");
}

enum { COLUMN_CLAIM, COLUMN_QUANTITY, COLUMN_VALUE, COLUMN_LOW, COLUMN_HIGH, COLUMN_BOUND, COLUMN_N, COLUMN_VERDICT, COLUMNS };

static void put_number(const Grid *g, int64_t row, int column, double x)
{
  if (isnan(x))
    grid_put(g, row, column, "-");
  else
    grid_put(g, row, column, "%.4g", x);
}

static void put_claim(const Summary *s, const Grid *g, int i)
{
  const Claim       *c    = &s->table->claim[i].claim;
  const ClaimResult *r    = &s->claim[i];
  const int64_t      row  = i + 1;
  Text               text = {0};
  put_text(g, row, COLUMN_CLAIM, c->text);
  add_quantity(c, r, &text);
  grid_put(g, row, COLUMN_QUANTITY, "%s", text_string(&text));
  text_clear(&text);
  put_number(g, row, COLUMN_VALUE, r->value);
  put_number(g, row, COLUMN_LOW, r->low);
  put_number(g, row, COLUMN_HIGH, r->high);
  claim_bound_text(c, &text);
  grid_put(g, row, COLUMN_BOUND, "%s", text_string(&text));
  text_clear(&text);
  grid_put(g, row, COLUMN_N, c->compare == CLAIM_VALUE ? "%lld" : "%lld/%lld", (long long)r->n[CLAIM_OF], (long long)r->n[CLAIM_AGAINST]);
  grid_put(g, row, COLUMN_VERDICT, "%s%s%s", claim_verdict_text(r->verdict), r->note ? "; " : "", r->note ? r->note : "");
}

void summary_claims_table(const Summary *s, bool colour, Text *out)
{
  static const char *const title[]   = {"claim", "of", "number", "low", "high", "bound", "n", "verdict"};
  static const char *const colours[] = {"\033[33m", "\033[32m", "\033[31m"};
  const ResultsTable      *t         = s->table;
  if (t->n_claims == 0) return;
  Grid         g    = grid_create(t->n_claims + 1, COLUMNS, CELL);
  const char **code = mem_calloc((size_t)t->n_claims + 1, sizeof *code);
  for (int c = 0; c < COLUMNS; c++) grid_put(&g, 0, c, "%s", title[c]);
  g.left[COLUMN_CLAIM] = g.left[COLUMN_QUANTITY] = g.left[COLUMN_BOUND] = g.left[COLUMN_VERDICT] = true;
  for (int i = 0; i < t->n_claims; i++) {
    put_claim(s, &g, i);
    code[g.rows++] = colours[s->claim[i].verdict];
  }
  text_add(out, "\nclaims, intervals of 95 %% for all %d together\n", t->n_claims);
  grid_print(&g, colour ? code : NULL, out);
  free(code);
  grid_clear(&g);
}

/* --- JSON --- */

static void json_text(Text *out, const char *name, const char *value)
{
  text_add(out, ", \"%s\": ", name);
  text_add_json(out, value);
}

static void json_number(Text *out, const char *name, double x)
{
  text_add(out, ", \"%s\": ", name);
  text_add_number(out, x);
}

static void json_bound(Text *out, const Claim *c)
{
  text_add(out, ", \"bound\": {\"%s\": %s", claim_bound_names[c->bound], c->bound == CLAIM_WITHIN ? "[" : "");
  text_add_number(out, c->bound == CLAIM_BELOW ? c->high : c->low);
  if (c->bound == CLAIM_WITHIN) {
    text_append(out, ", ");
    text_add_number(out, c->high);
    text_append(out, "]");
  }
  text_append(out, "}");
}

static void json_claim(const Claim *c, const ClaimResult *r, Text *out)
{
  const bool two = c->compare != CLAIM_VALUE;
  text_append(out, "{\"claim\": ");
  text_add_json(out, c->text);
  json_text(out, "metric", c->metric[CLAIM_OF]);
  json_text(out, "of", c->where[CLAIM_OF]);
  json_text(out, "against_metric", two ? c->metric[CLAIM_AGAINST] : NULL);
  json_text(out, "against", two ? c->where[CLAIM_AGAINST] : NULL);
  json_text(out, "compare", claim_compare_names[c->compare]);
  json_number(out, "value", r->value);
  json_number(out, "low", r->low);
  json_number(out, "high", r->high);
  text_add(out, ", \"n\": %lld, \"n_against\": ", (long long)r->n[CLAIM_OF]);
  if (two)
    text_add(out, "%lld, \"paired\": %s", (long long)r->n[CLAIM_AGAINST], r->paired ? "true" : "false");
  else
    text_append(out, "null, \"paired\": null");
  json_bound(out, c);
  json_text(out, "verdict", claim_verdict_text(r->verdict));
  json_text(out, "note", r->note);
  text_append(out, "}");
}

void summary_claims_json(const Summary *s, Text *out)
{
  text_append(out, "[");
  for (int i = 0; i < s->table->n_claims; i++) {
    text_append(out, i ? ",\n" : "\n");
    json_claim(&s->table->claim[i].claim, &s->claim[i], out);
  }
  text_append(out, "]");
}

/* --- CSV --- */

static void csv_number(Text *out, double x)
{
  char text[32];
  if (!isnan(x)) {
    text_number(text, sizeof text, x);
    text_append(out, text);
  }
  text_append(out, ",");
}

static void csv_text(Text *out, const char *value)
{
  text_add_csv(out, value);
  text_append(out, ",");
}

static void csv_claim(const Claim *c, const ClaimResult *r, Text *out)
{
  const bool two = c->compare != CLAIM_VALUE;
  csv_text(out, c->text);
  csv_text(out, c->metric[CLAIM_OF]);
  csv_text(out, c->where[CLAIM_OF]);
  csv_text(out, two ? c->metric[CLAIM_AGAINST] : "");
  csv_text(out, two ? c->where[CLAIM_AGAINST] : "");
  csv_text(out, claim_compare_names[c->compare]);
  csv_number(out, r->value);
  csv_number(out, r->low);
  csv_number(out, r->high);
  text_add(out, "%lld,", (long long)r->n[CLAIM_OF]);
  if (two) text_add(out, "%lld", (long long)r->n[CLAIM_AGAINST]);
  text_add(out, ",%s,%s,", two ? r->paired ? "1" : "0" : "", claim_bound_names[c->bound]);
  csv_number(out, isinf(c->low) ? (double)NAN : c->low);
  csv_number(out, isinf(c->high) ? (double)NAN : c->high);
  text_add(out, "%s,", claim_verdict_text(r->verdict));
  text_add_csv(out, r->note ? r->note : "");
  text_append(out, "\n");
}

void summary_claims_csv(const Summary *s, Text *out)
{
  text_append(out,
              "claim,metric,of,against_metric,against,compare,value,low,high,n,n_against,paired,bound,bound_low,bound_high,verdict,note\n");
  for (int i = 0; i < s->table->n_claims; i++) csv_claim(&s->table->claim[i].claim, &s->claim[i], out);
}
