/* SPDX-License-Identifier: BSD-2-Clause
 * Pairs of vertices from a text file, for resistances that are asked for one by one. Lists are short: getline and strtoll will do. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "graph_source.h"
#include "memory.h"

enum { ERRORS_SHOWN = sizeof((GraphErrors *)0)->line / sizeof(char *) };

static void tell(GraphErrors *errors, const char *path, int64_t line, const char *what)
{
  if (errors->n >= ERRORS_SHOWN) return;
  errors->line[errors->n++] = line > 0 ? mem_format("%s:%lld: %s", path, (long long)line, what) : mem_format("%s: %s", path, what);
}

/* Place of an original number among n ascending ones; -1 when there is none. */
static int64_t place_of(int64_t n, const int64_t *id, int64_t number)
{
  int64_t low = 0, high = n;
  if (!id) return number >= 0 && number < n ? number : -1;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (id[middle] < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low < n && id[low] == number ? low : -1;
}

/* The two numbers of a line; NULL, or what is wrong with it. *blank: a comment, or nothing. */
static const char *parse_line(char *line, int64_t pair[2], bool *blank)
{
  char *p = line + strspn(line, " \t,\r\n");
  *blank  = *p == 0 || *p == '#' || *p == '%';
  for (int i = 0; i < 2 && !*blank; i++) {
    char *end;
    p += strspn(p, " \t,");
    errno   = 0;
    pair[i] = strtoll(p, &end, 10);
    if (end == p || errno == ERANGE || !strchr(" \t,\r\n", *end)) return "a line holds two vertex numbers";
    p = end;
  }
  return *blank || !p[strspn(p, " \t,\r\n")] ? NULL : "a line holds two vertex numbers and no more";
}

typedef struct PairFile {
  const char *path;
  FILE       *file;
  int64_t     n, capacity, *u, *v;
} PairFile;

static void add_pair(PairFile *f, int64_t u, int64_t v)
{
  if (f->n == f->capacity) {
    f->capacity = f->capacity ? 2 * f->capacity : 64;
    f->u        = mem_realloc(f->u, (size_t)f->capacity, sizeof *f->u);
    f->v        = mem_realloc(f->v, (size_t)f->capacity, sizeof *f->v);
  }
  f->u[f->n]   = u;
  f->v[f->n++] = v;
}

static void read_lines(PairFile *f, int64_t n, const int64_t *id, GraphErrors *errors)
{
  char  *line     = NULL;
  size_t capacity = 0;
  for (int64_t number = 1; getline(&line, &capacity, f->file) >= 0 && errors->n < ERRORS_SHOWN; number++) {
    int64_t     pair[2];
    bool        blank;
    char        message[96];
    const char *wrong = parse_line(line, pair, &blank);
    if (wrong) tell(errors, f->path, number, wrong);
    if (wrong || blank) continue;
    const int64_t u = place_of(n, id, pair[0]), v = place_of(n, id, pair[1]);
    if (u < 0 || v < 0) {
      snprintf(message, sizeof message, "the graph has no vertex %lld", (long long)pair[u < 0 ? 0 : 1]);
      tell(errors, f->path, number, message);
      continue;
    }
    add_pair(f, u, v);
  }
  if (ferror(f->file)) tell(errors, f->path, 0, strerror(errno));
  free(line);
}

PetscErrorCode graph_read_pairs(const char *path, int64_t n, const int64_t *id, int64_t *n_pairs, int64_t **u, int64_t **v,
                                GraphErrors *errors)
{
  struct stat status = {0};
  const bool  other  = stat(path, &status) == 0 && !S_ISREG(status.st_mode); /* a pipe would be waited for */
  PairFile    f      = {.path = path, .file = other ? NULL : fopen(path, "r")};

  PetscFunctionBeginUser;
  *n_pairs = 0;
  *u = *v = NULL;
  if (other)
    tell(errors, path, 0, S_ISDIR(status.st_mode) ? "is a directory" : "is no regular file, and it is read more than once");
  else if (!f.file)
    tell(errors, path, 0, strerror(errno));
  else
    read_lines(&f, n, id, errors);
  if (f.file) fclose(f.file);
  if (errors->n == 0 && f.n == 0) tell(errors, path, 0, "holds no pairs");
  if (errors->n == 0) {
    *n_pairs = f.n;
    PetscCall(PetscMalloc1((size_t)f.n, u));
    PetscCall(PetscMalloc1((size_t)f.n, v));
    memcpy(*u, f.u, (size_t)f.n * sizeof **u);
    memcpy(*v, f.v, (size_t)f.n * sizeof **v);
  }
  free(f.u);
  free(f.v);
  PetscFunctionReturn(0);
}
