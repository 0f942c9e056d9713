/* SPDX-License-Identifier: BSD-2-Clause
 * Matrix Market coordinate files (R. Boisvert, R. Pozo, K. Remington, NISTIR 5935, 1996) as weighted adjacency matrices: pattern, real or
 * integer; symmetric or general. Diagonal entries are loops. A Laplacian, whose entries beside the diagonal are negative, is refused, as
 * are complex, skew-symmetric, hermitian and dense matrices. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "read.h"

typedef struct Matrix {
  bool    pattern, symmetric;
  int64_t rows, entries; /* as promised */
  int64_t found, diagonal, positive, negative;
  int64_t negative_line[4]; /* of the first ones */
  double  negative_value[4];
} Matrix;

/* The banner's five words. NULL, or what is wrong. */
static const char *parse_banner(char *line, Matrix *x)
{
  char word[5][32] = {{0}};
  sscanf(line, "%31s %31s %31s %31s %31s", word[0], word[1], word[2], word[3], word[4]);
  if (strcasecmp(word[0], "%%MatrixMarket") != 0) return "the header `%%MatrixMarket matrix coordinate ...` is missing";
  if (strcasecmp(word[1], "matrix") != 0) return "the header names no `matrix`";
  if (strcasecmp(word[2], "array") == 0) return "a dense matrix (`array`): only `coordinate` is a graph";
  if (strcasecmp(word[2], "coordinate") != 0) return "the header must say `coordinate`";
  if (strcasecmp(word[3], "complex") == 0) return "a complex matrix: weights must be real";
  x->pattern = strcasecmp(word[3], "pattern") == 0;
  if (!x->pattern && strcasecmp(word[3], "real") != 0 && strcasecmp(word[3], "integer") != 0 && strcasecmp(word[3], "double") != 0)
    return "the field of the header must be pattern, real or integer";
  if (strcasecmp(word[4], "skew-symmetric") == 0) return "a skew-symmetric matrix: only symmetric and general ones are graphs";
  if (strcasecmp(word[4], "hermitian") == 0) return "a hermitian matrix: only symmetric and general ones are graphs";
  x->symmetric = strcasecmp(word[4], "symmetric") == 0;
  if (!x->symmetric && strcasecmp(word[4], "general") != 0) return "the symmetry of the header must be symmetric or general";
  return NULL;
}

/* rows columns entries. NULL, or what is wrong. */
static const char *parse_size(char *line, Matrix *x)
{
  int64_t columns;
  if (scan_int(&line, &x->rows) || scan_int(&line, &columns) || scan_int(&line, &x->entries) || !scan_end(&line))
    return "the size line must be three numbers: rows, columns, entries";
  if (x->rows < 0 || columns < 0 || x->entries < 0) return "the size line has a negative number";
  if (x->rows != columns) return "the matrix is not square: it is no adjacency matrix";
  if (x->rows > EDGE_LIST_VERTICES) return "more than 2^32 rows";
  return NULL;
}

/* Banner and size line. NULL, or what is wrong at the line read last. */
static const char *read_header(Lines *l, Matrix *x)
{
  char *line;
  if (!lines_next(l, &line)) return l->failure ? l->failure : "the file is empty";
  const char *wrong = parse_banner(line, x);
  if (wrong) return wrong;
  while (lines_next(l, &line)) {
    char *at = line;
    if (!scan_comment(&at, "%")) return parse_size(at, x);
  }
  return l->failure ? l->failure : "the size line is missing";
}

bool matrix_market_size(Lines *l, int64_t *n, int64_t *m)
{
  Matrix x = {0};
  if (read_header(l, &x)) return false;
  *n = x.rows;
  *m = x.entries;
  return true;
}

/* A row or column number, 1-based in the file. */
static bool read_number(Reader *r, const Matrix *x, char **at, const char *what, int64_t *out)
{
  char       word[32];
  const Scan scan = scan_int(at, out);
  scan_word(*at, word);
  if (scan == SCAN_END)
    reader_fault(r, "the %s number is missing", what);
  else if (scan == SCAN_BAD)
    reader_fault(r, "the %s number '%s' is no whole number", what, word);
  else if (scan == SCAN_BIG || *out < 1 || *out > x->rows)
    reader_fault(r, "a %s number is out of range: 1 to %lld are possible", what, (long long)x->rows);
  else
    return true;
  return false;
}

/* Negative entries are judged at the end: all of them with a diagonal is a Laplacian. */
static bool note_negative(const Reader *r, Matrix *x, double value)
{
  if (!(value < 0) || isinf(value)) return false;
  if (x->negative < 4) {
    x->negative_line[x->negative]  = r->lines.number;
    x->negative_value[x->negative] = value;
  }
  x->negative++;
  return true;
}

static PetscErrorCode read_entry(Reader *r, Matrix *x, char *at)
{
  int64_t i, j;
  double  weight = 1.0;

  PetscFunctionBeginUser;
  if (!read_number(r, x, &at, "row", &i) || !read_number(r, x, &at, "column", &j)) PetscFunctionReturn(0);
  if (i == j) {
    x->diagonal++;
    r->source->list.loops++;
    r->source->list.entries++;
    PetscFunctionReturn(0);
  }
  if (!x->pattern && !r->spec->ignore_weights) {
    char *peek = at;
    if (scan_real(&peek, &weight) == SCAN_OK && note_negative(r, x, weight)) PetscFunctionReturn(0);
    if (!reader_weight(r, &at, &weight)) PetscFunctionReturn(0);
  }
  if (!(r->spec->ignore_weights && !x->pattern) && !scan_end(&at)) {
    reader_fault(r, "more than %d numbers in this line", x->pattern ? 2 : 3);
    PetscFunctionReturn(0);
  }
  x->positive++;
  PetscCall(reader_push(r, i - 1, j - 1, weight));
  PetscFunctionReturn(0);
}

static void judge(Reader *r, const Matrix *x)
{
  if (r->lines.failure) reader_fault_at(r, r->lines.number, "%s", r->lines.failure);
  if (x->negative > 0 && x->positive == 0 && x->diagonal > 0) {
    reader_fault_at(r, x->negative_line[0],
                    "this looks like a Laplacian (a diagonal, and nothing but negative entries beside it): give the "
                    "adjacency matrix, whose weights are positive and whose diagonal is empty");
    return;
  }
  for (int64_t k = 0; k < x->negative && k < 4; k++)
    reader_fault_at(r, x->negative_line[k], "the weight %g is negative: a conductance is positive", x->negative_value[k]);
  if (x->negative > 4) reader_fault_at(r, 0, "%lld negative weights in all", (long long)x->negative);
  if (x->found < x->entries && !r->lines.failure && !reader_full(r))
    reader_fault_at(r, r->lines.number, "the file ends after %lld entries: its header promises %lld (truncated?)", (long long)x->found,
                    (long long)x->entries);
}

PetscErrorCode read_matrix_market(Reader *r)
{
  Matrix x = {0};
  char  *line;

  PetscFunctionBeginUser;
  const char *wrong = read_header(&r->lines, &x);
  if (wrong) {
    reader_fault(r, "%s", wrong);
    PetscFunctionReturn(0);
  }
  while (!reader_full(r) && lines_next(&r->lines, &line)) {
    char *at = line;
    if (scan_comment(&at, "%")) continue;
    if (++x.found > x.entries) {
      reader_fault(r, "more entries than the %lld that the header promises", (long long)x.entries);
      break;
    }
    PetscCall(read_entry(r, &x, at));
  }
  judge(r, &x);
  r->source->n        = x.rows;
  r->report->entries  = r->source->list.entries + r->report->zeros;
  r->report->loops    = r->source->list.loops;
  r->report->directed = false;
  if (!reader_sound(r)) PetscFunctionReturn(0);
  const int64_t pushed = r->source->list.n;
  PetscCall(reader_merge(r, NULL));
  /* A general matrix with one entry an edge (a triangle of it) gives directions too. */
  if (!x.symmetric && pushed > 0 && r->report->duplicates == 0) r->report->directed = true;
  PetscFunctionReturn(0);
}
