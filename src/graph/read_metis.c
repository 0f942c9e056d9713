/* SPDX-License-Identifier: BSD-2-Clause
 * METIS graph files (manual of METIS 5.1, section 4.1.1): a header `n m [fmt [ncon]]`, then one line a vertex with its neighbours, numbered
 * from 1. Vertex sizes and weights are skipped; edge weights are conductances and may be real. An empty line is a vertex without
 * neighbours; comments start with %. Every edge must stand in both lists with the same weight, and m must be right. */
#include "read.h"

typedef struct Header {
  int64_t n, m;
  bool    sizes, weights; /* a vertex size, edge weights */
  int64_t constraints;    /* vertex weights a line */
} Header;

/* fmt is read as digits: 100 sizes, 10 vertex weights, 1 edge weights. */
static const char *parse_header(char *at, Header *h)
{
  int64_t format = 0, constraints = 1;
  if (scan_int(&at, &h->n) || scan_int(&at, &h->m)) return "the header must be: vertices edges [fmt [ncon]]";
  if (!scan_end(&at) && scan_int(&at, &format)) return "the fmt of the header is no number";
  if (!scan_end(&at) && scan_int(&at, &constraints)) return "the ncon of the header is no number";
  if (!scan_end(&at)) return "the header has more than four numbers";
  if (h->n < 1 || h->m < 0) return "the header promises no vertices or a negative number of edges";
  if (h->n > EDGE_LIST_VERTICES) return "more than 2^32 vertices";
  if (format < 0 || format > 111 || format % 10 > 1 || format / 10 % 10 > 1) return "the fmt of the header must be three digits of 0 and 1";
  if (constraints < 0 || constraints > 1000) return "the ncon of the header must be 0 to 1000";
  h->sizes       = format >= 100;
  h->weights     = format % 10 == 1;
  h->constraints = format / 10 % 10 == 1 ? constraints : 0;
  return NULL;
}

static const char *read_header(Lines *l, Header *h)
{
  char *line;
  while (lines_next(l, &line)) {
    char *at = line;
    if (!scan_comment(&at, "%")) return parse_header(at, h);
  }
  return l->failure ? l->failure : "the header is missing";
}

bool metis_size(Lines *l, int64_t *n, int64_t *m)
{
  Header h = {0};
  if (read_header(l, &h)) return false;
  *n = h.n;
  *m = h.m;
  return true;
}

static bool skip_vertex_weights(Reader *r, const Header *h, char **at)
{
  double skipped;
  for (int64_t k = 0; k < h->constraints + h->sizes; k++) {
    if (scan_real(at, &skipped) == SCAN_OK) continue;
    reader_fault(r, "the size or weight of the vertex is missing or no number");
    return false;
  }
  return true;
}

static PetscErrorCode read_vertex(Reader *r, const Header *h, int64_t vertex, char *at)
{
  int64_t neighbour;
  char    word[32];

  PetscFunctionBeginUser;
  if (!skip_vertex_weights(r, h, &at)) PetscFunctionReturn(0);
  for (;;) {
    double     weight = 1.0;
    const Scan scan   = scan_int(&at, &neighbour);
    if (scan == SCAN_END) break;
    if (scan == SCAN_BAD) {
      scan_word(at, word);
      reader_fault(r, "the neighbour '%s' is no whole number", word);
      break;
    }
    if (scan == SCAN_BIG || neighbour < 1 || neighbour > h->n) {
      reader_fault(r, "a neighbour is out of range: 1 to %lld are possible", (long long)h->n);
      break;
    }
    if (h->weights && r->spec->ignore_weights) {
      scan_skip(&at);
    } else if (h->weights && !reader_weight(r, &at, &weight)) {
      if (!reader_sound(r)) break;
      continue;
    }
    PetscCall(reader_push(r, vertex, neighbour - 1, weight));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_vertices(Reader *r, const Header *h, int64_t **line_of)
{
  int64_t vertex = 0, room = 0;
  char   *line;

  PetscFunctionBeginUser;
  while (!reader_full(r) && lines_next(&r->lines, &line)) {
    char      *at    = line;
    const bool empty = scan_comment(&at, "%");
    if (empty && *at) continue;
    if (vertex == h->n) {
      if (empty) continue;
      reader_fault(r, "more lines than the %lld vertices that the header promises", (long long)h->n);
      break;
    }
    if (vertex == room) {
      room = room + room / 2 + 1024;
      PetscCall(PetscRealloc((size_t)room * sizeof **line_of, line_of));
    }
    (*line_of)[vertex] = r->lines.number;
    PetscCall(read_vertex(r, h, vertex++, at));
  }
  if (r->lines.failure)
    reader_fault_at(r, r->lines.number, "%s", r->lines.failure);
  else if (vertex < h->n && !reader_full(r))
    reader_fault(r, "the file ends after %lld vertices: its header promises %lld (truncated?)", (long long)vertex, (long long)h->n);
  PetscFunctionReturn(0);
}

PetscErrorCode read_metis(Reader *r)
{
  Header   h       = {0};
  int64_t *line_of = NULL;

  PetscFunctionBeginUser;
  const char *wrong = read_header(&r->lines, &h);
  if (wrong) {
    reader_fault(r, "%s", wrong);
    PetscFunctionReturn(0);
  }
  const int64_t header_line = r->lines.number;
  PetscCall(read_vertices(r, &h, &line_of));
  const EdgeList *list = &r->source->list;
  r->source->n         = h.n;
  r->report->loops     = list->loops;
  r->report->entries   = (list->n + r->report->zeros) / 2 + list->loops;
  const int64_t halves = list->n + r->report->zeros; /* loops may or may not be part of m */
  if (reader_sound(r)) PetscCall(reader_merge(r, line_of));
  if (reader_sound(r) && halves != 2 * h.m && halves + list->loops != 2 * h.m && halves / 2 + list->loops != h.m)
    reader_fault_at(r, header_line, "the header promises %lld edges, the lists have %lld", (long long)h.m, (long long)halves / 2);
  PetscCall(PetscFree(line_of));
  PetscFunctionReturn(0);
}
