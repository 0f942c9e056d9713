/* SPDX-License-Identifier: BSD-2-Clause
 * Opens a file of edges, tells its format by its content, and merges what a reader found. One edge may stand in a file several times;
 * entries of one direction are parallel edges: their weights are added, or the first is kept, as the spec says. Entries of both directions
 * are one edge told twice: it weighs the mean of the two directions, which is their common weight where they agree (both halves of a
 * symmetric matrix, SNAP's directed lists), and the symmetric part (A + A^T) / 2 where they do not. An entry without a weight weighs 1. */
#include "read.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define CAPACITY ((int)(sizeof((GraphErrors *)0)->line / sizeof(char *)))

void reader_fault_at(Reader *r, int64_t line, const char *format, ...)
{
  va_list args;
  char    message[400];
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  source_error(r->errors, r->spec->file, line, "%s", message);
}

void reader_fault(Reader *r, const char *format, ...)
{
  va_list args;
  char    message[400];
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  source_error(r->errors, r->spec->file, r->lines.number, "%s", message);
}

bool reader_full(const Reader *r) { return r->errors->n >= CAPACITY; }

bool reader_weight(Reader *r, char **at, double *weight)
{
  char word[32];
  *weight         = 1.0;
  const Scan scan = scan_real(at, weight);
  scan_word(*at, word);
  if (scan == SCAN_END)
    reader_fault(r, "the weight is missing");
  else if (scan == SCAN_BAD)
    reader_fault(r, "the weight '%s' is no number", word);
  else if (scan == SCAN_BIG)
    reader_fault(r, "the weight %s is beyond the range of a double", word);
  else if (!isfinite(*weight))
    reader_fault(r, "the weight is %s: it must be finite", isnan(*weight) ? "NaN" : "infinite");
  else if (*weight < 0)
    reader_fault(r, "the weight %g is negative: a conductance is positive", *weight);
  else if (*weight == 0)
    r->report->zeros++;
  else
    return true;
  return false;
}

PetscErrorCode reader_push(Reader *r, int64_t from, int64_t to, double weight)
{
  EdgeList *list = &r->source->list;

  PetscFunctionBeginUser;
  if (list->n == list->capacity) PetscCall(edge_list_reserve(list, 1, true));
  list->weight[list->n] = from < to ? weight : -weight;
  edge_list_push(list, from, to);
  PetscFunctionReturn(0);
}

/* Entries of one edge. */
typedef struct Group {
  double  weight[2]; /* of the two directions */
  int64_t count[2];
} Group;

static void add_entry(Group *g, double weight, GraphDuplicates duplicates)
{
  const int direction = weight < 0;
  if (g->count[direction]++ == 0 || duplicates == DUPLICATES_SUM) g->weight[direction] += fabs(weight);
}

static double weight_of(const Group *g)
{
  if (g->count[0] == 0) return g->weight[1];
  if (g->count[1] == 0 || g->weight[0] == g->weight[1]) return g->weight[0];
  return 0.5 * g->weight[0] + 0.5 * g->weight[1];
}

static void check_pair(Reader *r, uint64_t key, const Group *g, const int64_t *line)
{
  const int64_t u = edge_u(key), v = edge_v(key);
  const int64_t here = g->count[0] == 0 ? v : u, there = g->count[0] == 0 ? u : v;
  if (g->count[0] == 0 || g->count[1] == 0)
    reader_fault_at(r, line[here], "vertex %lld lists %lld, but %lld does not list %lld", (long long)here + 1, (long long)there + 1,
                    (long long)there + 1, (long long)here + 1);
  else if (g->count[0] > 1 || g->count[1] > 1)
    reader_fault_at(r, line[g->count[0] > 1 ? u : v], "vertex %lld lists %lld more than once", (long long)(g->count[0] > 1 ? u : v) + 1,
                    (long long)(g->count[0] > 1 ? v : u) + 1);
  else if (g->weight[0] != g->weight[1])
    reader_fault_at(r, line[u], "the edge between %lld and %lld weighs %g in one list and %g in the other", (long long)u + 1,
                    (long long)v + 1, g->weight[0], g->weight[1]);
}

PetscErrorCode reader_merge(Reader *r, const int64_t *line)
{
  EdgeList *list = &r->source->list;
  int64_t   m = 0, both = 0, unequal = 0;
  bool      unit = true;

  PetscFunctionBeginUser;
  PetscCall(keys_sort(list->n, list->key, list->weight));
  for (int64_t i = 0; i < list->n && !reader_full(r);) {
    const uint64_t key = list->key[i];
    Group          g   = {0};
    for (; i < list->n && list->key[i] == key; i++) add_entry(&g, list->weight[i], r->spec->duplicates);
    if (line) check_pair(r, key, &g, line);
    both += g.count[0] > 0 && g.count[1] > 0;
    unequal += g.count[0] > 0 && g.count[1] > 0 && g.weight[0] != g.weight[1];
    list->key[m]    = key;
    list->weight[m] = weight_of(&g);
    if (!isfinite(list->weight[m])) reader_fault_at(r, 0, "weights of parallel edges add up to more than a double holds");
    unit = unit && list->weight[m] == 1.0;
    m++;
  }
  r->report->duplicates = line ? 0 : list->n - m;
  r->report->directed   = r->report->directed || unequal > 0 || (both > 0 && both < m);
  list->n               = m;
  if (unit || r->spec->ignore_weights) PetscCall(PetscFree(list->weight));
  if (m == 0 && reader_sound(r)) reader_fault_at(r, 0, "no edges in this file");
  PetscFunctionReturn(0);
}

bool lines_open(const char *path, Lines *l, const char **why)
{
  struct stat about;
  *l   = (Lines){0};
  *why = NULL;
  if (stat(path, &about) != 0)
    *why = strerror(errno);
  else if (!S_ISREG(about.st_mode)) /* a pipe would be waited for */
    *why = S_ISDIR(about.st_mode) ? "this is a directory" : "this is no regular file, and it is read more than once";
  else if (!(l->file = gzopen(path, "rb")))
    *why = strerror(errno);
  if (*why) return false;
  gzbuffer(l->file, 1u << 18);
  return true;
}

void lines_close(Lines *l)
{
  if (l->file) gzclose_r(l->file);
  free(l->buffer);
  *l = (Lines){0};
}

/* What the visible beginning of a file looks like, read as lines of numbers. */
typedef struct Look {
  int64_t n, m;                 /* of the first line */
  int     header;               /* numbers in the first line */
  int64_t lines;                /* after it, comments apart */
  int64_t numbers;              /* in those */
  int64_t twos, threes, others; /* of those lines that are not empty, by the numbers they have */
  double  largest;              /* of those numbers */
  bool    whole;                /* the beginning is all there is */
  bool    edge_marks;           /* commas, or comments by #, or words */
} Look;

static void look_line(Look *k, char *line)
{
  int64_t value[4] = {0};
  int     count    = 0;
  char   *at       = line;
  if (scan_comment(&at, "%") && *at) return;
  if (*at == '#' || strchr(at, ',')) k->edge_marks = true;
  double real;
  for (; scan_real(&at, &real) == SCAN_OK; count++) {
    if (count < 4) value[count] = real > -0x1p62 && real < 0x1p62 ? (int64_t)real : -1;
    if (k->header > 0 && !(real <= k->largest)) k->largest = real;
  }
  if (*at) k->edge_marks = true;
  if (k->header == 0) {
    k->header = count;
    k->n      = value[0];
    k->m      = value[1];
    return;
  }
  if (count > 0) *(count == 2 ? &k->twos : count == 3 ? &k->threes : &k->others) += 1;
  k->lines++;
  k->numbers += count;
}

static Look look_at(const Lines *l)
{
  Look         k    = {.whole = l->done};
  const size_t size = l->end - l->begin < 1 << 16 ? l->end - l->begin : 1 << 16;
  char *const  copy = strndup(l->buffer + l->begin, size), *line = copy;
  k.whole = l->done && size == l->end - l->begin;
  for (char *stop = copy; stop; line = stop + 1) {
    stop = strchr(line, '\n');
    /* A line cut off by the end of what is visible counts when there is no other: only METIS has lines as long as that. */
    if (!stop && (*line == 0 || (!k.whole && (k.header == 0 || k.lines > 0)))) break;
    if (stop) *stop = 0;
    for (char *c = line; *c; c++)
      if (*c == '\r') *c = ' ';
    look_line(&k, line);
    if (!stop) break;
  }
  free(copy);
  return k;
}

/* METIS has one line a vertex, so lines of any length; an edge list has two or three numbers everywhere. */
static GraphFormat detect(Lines *l)
{
  lines_peek(l);
  if (l->end == l->begin) return FORMAT_EDGE_LIST;
  if (l->end - l->begin >= 14 && strncasecmp(l->buffer + l->begin, "%%MatrixMarket", 14) == 0) return FORMAT_MATRIX_MARKET;
  const Look k      = look_at(l);
  const bool uneven = k.others > 0 || (k.twos > 0 && k.threes > 0);
  if (k.edge_marks || k.header < 2 || k.header > 4 || k.n < 1 || k.m < 0) return FORMAT_EDGE_LIST;
  if ((double)k.m > 0.5 * (double)k.n * ((double)k.n - 1) || (k.header == 2 && !(k.largest <= (double)k.n))) return FORMAT_EDGE_LIST;
  if (k.whole && k.lines == k.n && (k.numbers == 2 * k.m || k.header > 2 || uneven)) return FORMAT_METIS;
  return uneven && k.lines <= k.n ? FORMAT_METIS : FORMAT_EDGE_LIST;
}

static GraphFormat format_of(const GraphSpec *spec, Lines *l) { return spec->format == FORMAT_AUTO ? detect(l) : spec->format; }

int64_t lines_binary(const Lines *l)
{
  const size_t      size = l->end - l->begin < 4096 ? l->end - l->begin : 4096;
  const char *const zero = size > 0 ? memchr(l->buffer + l->begin, 0, size) : NULL;
  int64_t           line = zero != NULL;
  for (const char *c = l->buffer + l->begin; zero && c < zero; c++) line += *c == '\n';
  return line;
}

/* Matrices and METIS number their vertices from 1. */
static PetscErrorCode number_from_one(Source *s)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)s->n, &s->id));
  for (int64_t i = 0; i < s->n; i++) s->id[i] = i + 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode read_by_format(Reader *r)
{
  PetscFunctionBeginUser;
  lines_peek(&r->lines);
  if (r->lines.end == r->lines.begin && !r->lines.failure) {
    reader_fault_at(r, 0, "the file is empty");
    PetscFunctionReturn(0);
  }
  if (lines_binary(&r->lines) > 0) {
    reader_fault_at(r, lines_binary(&r->lines), "a zero byte: this is binary data, no text");
    PetscFunctionReturn(0);
  }
  const GraphFormat format = format_of(r->spec, &r->lines);
  switch (format) {
  case FORMAT_MATRIX_MARKET: PetscCall(read_matrix_market(r)); break;
  case FORMAT_METIS: PetscCall(read_metis(r)); break;
  default: PetscCall(read_edge_list(r)); break;
  }
  if (format != FORMAT_EDGE_LIST && reader_sound(r)) PetscCall(number_from_one(r->source));
  PetscFunctionReturn(0);
}

PetscErrorCode source_read(const GraphSpec *spec, Source *s, GraphReport *report, GraphErrors *errors)
{
  Reader      r = {.spec = spec, .source = s, .report = report, .errors = errors, .known = errors->n};
  const char *why;

  PetscFunctionBeginUser;
  if (!lines_open(spec->file, &r.lines, &why)) {
    reader_fault_at(&r, 0, "%s", why);
    PetscFunctionReturn(0);
  }
  PetscCall(edge_list_reserve(&s->list, 64, true));
  const PetscErrorCode code = read_by_format(&r);
  lines_close(&r.lines);
  PetscCall(code);
  PetscFunctionReturn(0);
}

/* Edge lists: lines by the mean length of those in the first block, scaled by the file's size as it is stored. */
static void estimate_edge_list(const char *path, const Lines *l, int64_t *n, int64_t *m)
{
  struct stat about;
  int64_t     lines = 1;
  for (size_t i = l->begin; i < l->end; i++) lines += l->buffer[i] == '\n';
  const double read = (double)gzoffset(l->file), size = stat(path, &about) == 0 ? (double)about.st_size : read;
  *m = (int64_t)ceil((double)lines * (l->done || read <= 0 ? 1.0 : size / read * 1.1));
  *n = *m + 1;
}

void source_estimate_file(const GraphSpec *spec, int64_t *n, int64_t *m)
{
  Lines       l;
  const char *why;
  *n = *m = -1;
  if (!lines_open(spec->file, &l, &why)) return;
  const GraphFormat format = format_of(spec, &l);
  lines_peek(&l);
  if (format == FORMAT_EDGE_LIST)
    estimate_edge_list(spec->file, &l, n, m);
  else if (!(format == FORMAT_METIS ? metis_size(&l, n, m) : matrix_market_size(&l, n, m)))
    *n = *m = -1;
  lines_close(&l);
}
