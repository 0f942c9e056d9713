/* SPDX-License-Identifier: BSD-2-Clause
 * Edge lists: one edge a line, two vertex ids and an optional weight, between blanks, tabs or commas; comments start with # or %; a first
 * line of words is a CSV header. Any ids from 0 to 2^62: vertices are numbered by ascending id. A vertex that only has a loop is a vertex.
 * Direction is ignored. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "read.h"

typedef struct Entries {
  int64_t  n, capacity;
  int64_t *from, *to;
  double  *weight; /* NULL: two columns */
  int64_t  largest;
  int      columns; /* of the first edge; 0: none yet */
} Entries;

static PetscErrorCode grow(Entries *e)
{
  PetscFunctionBeginUser;
  if (e->n < e->capacity) PetscFunctionReturn(0);
  e->capacity = e->capacity + e->capacity / 2 + 1024;
  PetscCall(PetscRealloc((size_t)e->capacity * sizeof *e->from, &e->from));
  PetscCall(PetscRealloc((size_t)e->capacity * sizeof *e->to, &e->to));
  if (e->columns == 3) PetscCall(PetscRealloc((size_t)e->capacity * sizeof *e->weight, &e->weight));
  PetscFunctionReturn(0);
}

static bool read_id(Reader *r, char **at, const char *what, int64_t *id)
{
  char       word[32];
  const Scan scan = scan_int(at, id);
  if (scan == SCAN_OK && *id >= 0) return true;
  scan_word(*at, word);
  if (scan == SCAN_END)
    reader_fault(r, "only one column: an edge has two vertices");
  else if (scan == SCAN_BAD)
    reader_fault(r, "the %s vertex '%s' is no whole number", what, word);
  else if (scan == SCAN_BIG)
    reader_fault(r, "the %s vertex %s is beyond 2^62", what, word);
  else
    reader_fault(r, "the %s vertex %lld is negative", what, (long long)*id);
  return false;
}

/* The third column, when there is one. False: drop the line. */
static bool read_weight(Reader *r, Entries *e, char *at, double *weight)
{
  char      *peek    = at;
  const bool absent  = scan_end(&peek);
  const int  columns = absent ? 2 : 3;
  if (e->columns == 0) e->columns = r->spec->ignore_weights ? 2 : columns;
  if (r->spec->ignore_weights) return true;
  if (columns != e->columns) {
    reader_fault(r, "%d columns here, %d in the lines before", columns, e->columns);
    return false;
  }
  if (absent) return true;
  if (!reader_weight(r, &at, weight)) return false;
  if (scan_end(&at)) return true;
  reader_fault(r, "more than three columns");
  return false;
}

static PetscErrorCode read_edge(Reader *r, Entries *e, char *at)
{
  int64_t from, to;
  double  weight = 1.0;

  PetscFunctionBeginUser;
  if (!read_id(r, &at, "first", &from) || !read_id(r, &at, "second", &to) || !read_weight(r, e, at, &weight)) PetscFunctionReturn(0);
  PetscCall(grow(e));
  e->from[e->n] = from;
  e->to[e->n]   = to;
  if (e->weight) e->weight[e->n] = weight;
  e->n++;
  if (from > e->largest) e->largest = from;
  if (to > e->largest) e->largest = to;
  PetscFunctionReturn(0);
}

/* A first line all of whose words begin with a letter or a quote names columns. */
static bool is_heading(const char *line)
{
  bool start = true;
  for (const char *c = line; *c; c++) {
    const bool gap = *c == ' ' || *c == '\t' || *c == ',';
    if (!gap && start && !(isalpha((unsigned char)*c) || *c == '"' || *c == '\'' || *c == '_')) return false;
    start = gap;
  }
  return true;
}

static PetscErrorCode read_lines(Reader *r, Entries *e)
{
  char *line;
  bool  first = true;

  PetscFunctionBeginUser;
  while (!reader_full(r) && lines_next(&r->lines, &line)) {
    char *at = line;
    if (scan_comment(&at, "#%")) {
      if (*at && !strncasecmp(at + 1 + strspn(at + 1, " \t"), "directed graph", 14)) r->report->directed = true;
      continue;
    }
    if (!first || !is_heading(at)) PetscCall(read_edge(r, e, at));
    first = false;
  }
  if (r->lines.failure) reader_fault_at(r, r->lines.number, "%s", r->lines.failure);
  PetscFunctionReturn(0);
}

/* ids -> 0 .. n - 1 by a table when they are dense. */
static PetscErrorCode number_by_table(Reader *r, Entries *e)
{
  uint32_t *number;
  int64_t   n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)e->largest + 1, &number));
  for (int64_t k = 0; k < e->n; k++) number[e->from[k]] = number[e->to[k]] = 1;
  for (int64_t i = 0; i <= e->largest; i++) n += number[i];
  if (n <= e->largest) PetscCall(PetscMalloc1((size_t)n, &r->source->id));
  r->source->n = n;
  n            = 0;
  for (int64_t i = 0; i <= e->largest; i++) {
    if (!number[i]) continue;
    if (r->source->id) r->source->id[n] = i;
    number[i] = (uint32_t)n++;
  }
  for (int64_t k = 0; k < e->n; k++) {
    e->from[k] = number[e->from[k]];
    e->to[k]   = number[e->to[k]];
  }
  PetscCall(PetscFree(number));
  PetscFunctionReturn(0);
}

/* By sorting all end points together with where they stand. */
static PetscErrorCode number_by_sorting(Reader *r, Entries *e)
{
  uint64_t *id, *place;
  int64_t   n = -1;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)e->n * 2, &id, (size_t)e->n * 2, &place));
  for (int64_t k = 0; k < e->n; k++) {
    id[2 * k]     = (uint64_t)e->from[k];
    id[2 * k + 1] = (uint64_t)e->to[k];
  }
  for (int64_t k = 0; k < 2 * e->n; k++) place[k] = (uint64_t)k;
  PetscCall(keys_sort_word(2 * e->n, id, place));
  int64_t count = 0;
  for (int64_t k = 0; k < 2 * e->n; k++) count += k == 0 || id[k] != id[k - 1];
  PetscCall(PetscMalloc1((size_t)count, &r->source->id));
  for (int64_t k = 0; k < 2 * e->n; k++) {
    if (k == 0 || id[k] != id[k - 1]) r->source->id[++n] = (int64_t)id[k];
    int64_t *const end = place[k] % 2 ? e->to : e->from;
    end[place[k] / 2]  = n;
  }
  r->source->n = count;
  PetscCall(PetscFree2(id, place));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_list(Reader *r, Entries *e)
{
  PetscFunctionBeginUser;
  if (e->largest / 8 < e->n + (1 << 16) && e->largest < EDGE_LIST_VERTICES)
    PetscCall(number_by_table(r, e));
  else
    PetscCall(number_by_sorting(r, e));
  if (r->source->n > EDGE_LIST_VERTICES) {
    reader_fault_at(r, 0, "%lld vertices: more than 2^32", (long long)r->source->n);
    PetscFunctionReturn(0);
  }
  PetscCall(edge_list_reserve(&r->source->list, e->n, true));
  for (int64_t k = 0; k < e->n; k++) PetscCall(reader_push(r, e->from[k], e->to[k], e->weight ? e->weight[k] : 1.0));
  r->report->loops   = r->source->list.loops;
  r->report->entries = e->n + r->report->zeros;
  PetscCall(reader_merge(r, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode read_edge_list(Reader *r)
{
  Entries e = {.largest = 0};

  PetscFunctionBeginUser;
  PetscCall(read_lines(r, &e));
  if (reader_sound(r) && e.n == 0) reader_fault_at(r, 0, "no edges in this file");
  if (reader_sound(r)) PetscCall(make_list(r, &e));
  PetscCall(PetscFree(e.from));
  PetscCall(PetscFree(e.to));
  PetscCall(PetscFree(e.weight));
  PetscFunctionReturn(0);
}
