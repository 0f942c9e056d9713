/* SPDX-License-Identifier: BSD-2-Clause
 * Builds a row-distributed graph: every rank draws its range of slots (a file: rank 0 reads it), edges go to the owners of their smaller
 * ends, where repetitions meet and are merged; then each edge goes to both of its rows. Graph, numbering and report are those of
 * graph_source_build. A file's edges must fit into rank 0's memory (16 bytes each) while it is read; nothing else is held whole. */
#include "generate.h"
#include "memory.h"
#include "rows.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

static PetscErrorCode sum_all(MPI_Comm comm, int64_t *value)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, value, 1, MPI_INT64_T, MPI_SUM, comm));
  PetscFunctionReturn(0);
}

/* This rank's share of slots, merged with what other ranks drew of the same edges. */
static PetscErrorCode draw_share(MPI_Comm comm, const GraphSpec *spec, Source *s, GraphReport *report)
{
  const Generator *g = generator_of(spec->kind);
  int64_t         *range;
  int              ranks, rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  const int64_t slots = g->slots(spec);
  s->n                = g->vertices(spec);
  PetscCall(g->emit(spec, generator_cut(slots, ranks, rank), generator_cut(slots, ranks, rank + 1), &s->list));
  PetscCall(keys_sort(s->list.n, s->list.key, NULL));
  edge_list_unique(&s->list, &report->duplicates);
  PetscCall(PetscMalloc1((size_t)ranks + 1, &range));
  PetscCall(rows_cut(comm, s->n, &s->list, range));
  PetscCall(rows_send(comm, range, &s->list));
  PetscCall(PetscFree(range));
  edge_list_unique(&s->list, &report->duplicates);
  report->entries = s->list.entries;
  report->loops   = s->list.loops;
  PetscCall(sum_all(comm, &report->entries));
  PetscCall(sum_all(comm, &report->loops));
  PetscCall(sum_all(comm, &report->duplicates));
  if (spec->weights == WEIGHTS_UNIT) PetscFunctionReturn(0);
  PetscCall(edge_list_reserve(&s->list, 0, true));
  for (int64_t e = 0; e < s->list.n; e++) s->list.weight[e] = generator_weight(spec, edge_u(s->list.key[e]), edge_v(s->list.key[e]));
  PetscFunctionReturn(0);
}

static PetscErrorCode share_errors(MPI_Comm comm, GraphErrors *errors)
{
  int rank, n;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  n = errors->n;
  PetscCallMPI(MPI_Bcast(&n, 1, MPI_INT, 0, comm));
  if (rank != 0) graph_errors_clear(errors);
  for (int i = 0; i < n; i++) {
    int length = rank == 0 ? (int)strlen(errors->line[i]) : 0;
    PetscCallMPI(MPI_Bcast(&length, 1, MPI_INT, 0, comm));
    if (rank != 0) errors->line[i] = mem_calloc((size_t)length + 1, 1);
    PetscCallMPI(MPI_Bcast(errors->line[i], length, MPI_CHAR, 0, comm));
  }
  errors->n = n;
  PetscFunctionReturn(0);
}

static PetscErrorCode read_on_first(MPI_Comm comm, const GraphSpec *spec, Source *s, GraphReport *report, GraphErrors *errors)
{
  int rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) PetscCall(source_read(spec, s, report, errors));
  PetscCall(share_errors(comm, errors));
  PetscCallMPI(MPI_Bcast(&s->n, 1, MPI_INT64_T, 0, comm));
  PetscCallMPI(MPI_Bcast(report, (int)sizeof *report, MPI_BYTE, 0, comm));
  PetscFunctionReturn(0);
}

/* Every edge in both directions, as row << 32 | column. */
static PetscErrorCode mirror(EdgeList *list)
{
  const int64_t m = list->n;

  PetscFunctionBeginUser;
  PetscCall(edge_list_reserve(list, m, list->weight != NULL));
  for (int64_t e = 0; e < m; e++) {
    list->key[m + e] = list->key[e] << 32 | list->key[e] >> 32;
    if (list->weight) list->weight[m + e] = list->weight[e];
  }
  list->n = 2 * m;
  PetscFunctionReturn(0);
}

/* Runs of equal words: each once, with its length. Both arrays (n); value is sorted first. Returns how many. */
static PetscErrorCode pack_runs(int64_t n, uint64_t *value, int64_t *length, int64_t *runs)
{
  PetscFunctionBeginUser;
  PetscCall(keys_sort_word(n, value, NULL));
  *runs = 0;
  for (int64_t i = 0; i < n; i++) {
    if (i == 0 || value[i] != value[*runs - 1]) {
      length[*runs]    = 0;
      value[(*runs)++] = value[i];
    }
    length[*runs - 1]++;
  }
  PetscFunctionReturn(0);
}

/* Sizes of the components whose smallest vertices are here; size: (n_local), zeroed. */
static PetscErrorCode gather_sizes(const GraphRows *rows, const int64_t *root, int64_t first, int64_t *size)
{
  uint64_t *value;
  int64_t  *length, *count, *got_value, *got_length, runs = 0, n_got;
  int       ranks;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(rows->comm, &ranks));
  PetscCall(PetscMalloc2((size_t)rows->n_local, &value, (size_t)rows->n_local, &length));
  PetscCall(PetscCalloc1((size_t)ranks, &count));
  for (int64_t i = 0; i < rows->n_local; i++) value[i] = (uint64_t)root[i];
  PetscCall(pack_runs(rows->n_local, value, length, &runs));
  for (int64_t k = 0; k < runs; k++) count[rows_owner(rows->range, ranks, (int64_t)value[k])]++;
  PetscCall(exchange_words(rows->comm, count, value, &n_got, &got_value, NULL));
  PetscCall(exchange_words(rows->comm, count, length, &n_got, &got_length, NULL));
  for (int64_t k = 0; k < n_got; k++) size[got_value[k] - first] += got_length[k];
  PetscCall(PetscFree2(value, length));
  PetscCall(PetscFree(count));
  PetscCall(PetscFree(got_value));
  PetscCall(PetscFree(got_length));
  PetscFunctionReturn(0);
}

/* The smallest vertex of the component with the most vertices; of equal ones the first. */
static PetscErrorCode find_largest(const GraphRows *rows, const int64_t *root, int64_t *largest)
{
  int64_t *size, *all, best[2] = {0, 0}; /* size, smallest vertex */
  int      ranks, rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(rows->comm, &ranks));
  PetscCallMPI(MPI_Comm_rank(rows->comm, &rank));
  const int64_t first = rows->range[rank];
  PetscCall(PetscCalloc2((size_t)rows->n_local, &size, (size_t)ranks * 2, &all));
  PetscCall(gather_sizes(rows, root, first, size));
  for (int64_t i = 0; i < rows->n_local; i++) {
    if (size[i] <= best[0]) continue;
    best[0] = size[i];
    best[1] = first + i;
  }
  PetscCallMPI(MPI_Allgather(best, 2, MPI_INT64_T, all, 2, MPI_INT64_T, rows->comm));
  int chosen = 0;
  for (int p = 1; p < ranks; p++)
    if (all[2 * p] > all[2 * chosen]) chosen = p;
  *largest = all[2 * chosen + 1];
  PetscCall(PetscFree2(size, all));
  PetscFunctionReturn(0);
}

/* Rows of the vertices whose root is `largest`, renumbered in ascending order, cut anew. */
static PetscErrorCode keep_component(GraphRows **rows, const int64_t *root, int64_t largest, GraphReport *report)
{
  const GraphRows *old = *rows;
  int64_t         *number, *column, kept = 0, before = 0, n;
  EdgeList         list = {0};
  int              rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(old->comm, &rank));
  const int64_t entries = old->start[old->n_local];
  PetscCall(PetscMalloc2((size_t)old->n_local, &number, (size_t)entries, &column));
  for (int64_t i = 0; i < old->n_local; i++) kept += root[i] == largest;
  PetscCallMPI(MPI_Exscan(&kept, &before, 1, MPI_INT64_T, MPI_SUM, old->comm));
  PetscCallMPI(MPI_Allreduce(&kept, &n, 1, MPI_INT64_T, MPI_SUM, old->comm));
  if (rank == 0) before = 0;
  for (int64_t i = 0; i < old->n_local; i++) number[i] = root[i] == largest ? before++ : -1;
  PetscCall(rows_lookup(old, number, entries, old->column, column));
  PetscCall(edge_list_reserve(&list, entries, old->weight != NULL));
  for (int64_t i = 0; i < old->n_local; i++) {
    for (int64_t k = old->start[i]; number[i] >= 0 && k < old->start[i + 1]; k++) {
      if (old->weight) list.weight[list.n] = old->weight[k];
      list.key[list.n++] = (uint64_t)number[i] << 32 | (uint64_t)column[k];
    }
  }
  PetscCall(PetscFree2(number, column));
  const MPI_Comm comm      = old->comm;
  report->dropped_vertices = old->n - n;
  report->dropped_edges    = old->m;
  graph_rows_destroy(rows);
  PetscCall(rows_assemble(comm, n, &list, rows));
  report->dropped_edges -= (*rows)->m;
  PetscFunctionReturn(0);
}

/* Components and isolated vertices for the report, and `keep`. */
static PetscErrorCode finish(const GraphSpec *spec, GraphRows **out, GraphReport *report)
{
  const GraphRows *rows = *out;
  int64_t         *root, largest = 0;
  int              rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(rows->comm, &rank));
  PetscCall(PetscMalloc1((size_t)rows->n_local + 1, &root));
  PetscCall(rows_roots(rows, root));
  report->components = report->isolated = 0;
  for (int64_t i = 0; i < rows->n_local; i++) {
    report->components += root[i] == rows->range[rank] + i;
    report->isolated += rows->start[i] == rows->start[i + 1];
  }
  PetscCall(sum_all(rows->comm, &report->components));
  PetscCall(sum_all(rows->comm, &report->isolated));
  if (spec->keep == KEEP_LARGEST && report->components > 1) {
    PetscCall(find_largest(rows, root, &largest));
    PetscCall(keep_component(out, root, largest, report));
  }
  PetscCall(PetscFree(root));
  PetscFunctionReturn(0);
}

PetscErrorCode graph_rows_build(MPI_Comm comm, const GraphSpec *spec, GraphRows **out, GraphReport *report, GraphErrors *errors)
{
  Source      s = {0};
  const char *field;
  char        message[256];

  PetscFunctionBeginUser;
  *out              = NULL;
  *report           = (GraphReport){0};
  const int   known = errors->n;
  const char *wrong = graph_source_check(spec, &field, message);
  if (wrong) {
    source_error(errors, field, 0, "%s", wrong);
    PetscFunctionReturn(0);
  }
  if (spec->kind == GRAPH_FILE)
    PetscCall(read_on_first(comm, spec, &s, report, errors));
  else
    PetscCall(draw_share(comm, spec, &s, report));
  if (errors->n == known) {
    PetscCall(mirror(&s.list));
    PetscCall(rows_assemble(comm, s.n, &s.list, out));
    PetscCall(finish(spec, out, report));
  }
  source_clear(&s);
  PetscFunctionReturn(0);
}
