/* SPDX-License-Identifier: BSD-2-Clause
 * The row-distributed container: how rows are cut, entries sent to their owners, and rows made of them. Vertices are counted in at most
 * 2^20 bins to cut them; up to that many vertices the cut is exact, beyond it a bin stays together. */
#include "rows.h"

#define BINS (INT64_C(1) << 20)

/* Ends each rank's rows where the running sum of rows and entries passes its share. */
static void cut_bins(int64_t n, int64_t width, int64_t bins, const int64_t *load, int ranks, int64_t *range)
{
  int64_t total = 0, sum = 0;
  int     rank = 1;
  for (int64_t b = 0; b < bins; b++) total += load[b];
  range[0] = 0;
  for (int64_t b = 0; b < bins; b++) {
    /* To the nearer side: a bin is left to the next rank when more than half of it would be too much. */
    while (rank < ranks && (double)sum + 0.5 * (double)load[b] >= (double)total * rank / ranks) range[rank++] = b * width;
    sum += load[b];
  }
  while (rank <= ranks) range[rank++] = n;
}

static void bins_of(int64_t n, int64_t *width, int64_t *bins)
{
  *width = n / BINS + (n % BINS > 0);
  if (*width < 1) *width = 1;
  *bins = (n + *width - 1) / *width;
}

PetscErrorCode rows_cut(MPI_Comm comm, int64_t n, const EdgeList *list, int64_t *range)
{
  int64_t *load, width, bins;
  int      ranks, rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  bins_of(n, &width, &bins);
  PetscCall(PetscCalloc1((size_t)bins, &load));
  for (int64_t b = 0; rank == 0 && b < bins; b++) load[b] = b + 1 < bins ? width : n - b * width;
  for (int64_t e = 0; e < list->n; e++) load[edge_u(list->key[e]) / width]++;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, load, (int)bins, MPI_INT64_T, MPI_SUM, comm));
  cut_bins(n, width, bins, load, ranks, range);
  PetscCall(PetscFree(load));
  PetscFunctionReturn(0);
}

PetscErrorCode rows_send(MPI_Comm comm, const int64_t *range, EdgeList *list)
{
  EdgeList got = {.entries = list->entries, .loops = list->loops};
  int64_t *count;
  int      ranks, weighted = list->weight != NULL;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &weighted, 1, MPI_INT, MPI_MAX, comm));
  PetscCall(keys_sort(list->n, list->key, list->weight));
  PetscCall(PetscCalloc1((size_t)ranks, &count));
  int owner = 0;
  for (int64_t e = 0; e < list->n; e++) {
    while (edge_u(list->key[e]) >= range[owner + 1]) owner++;
    count[owner]++;
  }
  PetscCall(exchange_words(comm, count, list->key, &got.n, &got.key, NULL));
  if (weighted) PetscCall(exchange_words(comm, count, list->weight, &got.n, &got.weight, NULL));
  got.capacity = got.n;
  PetscCall(PetscFree(count));
  edge_list_clear(list);
  *list = got;
  PetscCall(keys_sort(list->n, list->key, list->weight));
  PetscFunctionReturn(0);
}

static PetscErrorCode rows_allocate(MPI_Comm comm, int64_t n, const int64_t *range, int64_t entries, bool weighted, GraphRows **out)
{
  GraphRows *rows;
  int        ranks, rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscNew(&rows));
  rows->comm    = comm;
  rows->n       = n;
  rows->n_local = range[rank + 1] - range[rank];
  PetscCall(PetscMalloc1((size_t)ranks + 1, &rows->range));
  for (int p = 0; p <= ranks; p++) rows->range[p] = range[p];
  PetscCall(PetscCalloc1((size_t)rows->n_local + 1, &rows->start));
  PetscCall(PetscMalloc1((size_t)entries + 1, &rows->column));
  if (weighted) PetscCall(PetscMalloc1((size_t)entries + 1, &rows->weight));
  *out = rows;
  PetscFunctionReturn(0);
}

/* Numbers of edges: those with the larger end in the column, counted over the ranks before. */
static PetscErrorCode number_edges(GraphRows *rows)
{
  int rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(rows->comm, &rank));
  rows->n_edges = 0;
  for (int64_t i = 0; i < rows->n_local; i++)
    for (int64_t k = rows->start[i]; k < rows->start[i + 1]; k++) rows->n_edges += rows->column[k] > rows->range[rank] + i;
  PetscCallMPI(MPI_Exscan(&rows->n_edges, &rows->first_edge, 1, MPI_INT64_T, MPI_SUM, rows->comm));
  if (rank == 0) rows->first_edge = 0;
  PetscCallMPI(MPI_Allreduce(&rows->n_edges, &rows->m, 1, MPI_INT64_T, MPI_SUM, rows->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode rows_assemble(MPI_Comm comm, int64_t n, EdgeList *list, GraphRows **out)
{
  int64_t *range;
  int      ranks, rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscMalloc1((size_t)ranks + 1, &range));
  PetscCall(rows_cut(comm, n, list, range));
  PetscCall(rows_send(comm, range, list));
  PetscCall(rows_allocate(comm, n, range, list->n, list->weight != NULL, out));
  GraphRows *rows = *out;
  for (int64_t e = 0; e < list->n; e++) {
    rows->start[edge_u(list->key[e]) - range[rank] + 1]++;
    rows->column[e] = edge_v(list->key[e]);
    if (rows->weight) rows->weight[e] = list->weight[e];
  }
  for (int64_t i = 0; i < rows->n_local; i++) rows->start[i + 1] += rows->start[i];
  edge_list_clear(list);
  PetscCall(PetscFree(range));
  PetscCall(number_edges(rows));
  PetscFunctionReturn(0);
}

/* No messages but for edge numbers: every rank takes its rows out of the whole. Edges in order give ascending rows when the
 * smaller neighbours of all rows are placed first. */
PetscErrorCode graph_rows_from_graph(MPI_Comm comm, const Graph *g, GraphRows **out)
{
  int64_t *range, *load, *next, width, bins;
  int      ranks, rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (int64_t e = 1; e < g->m; e++)
    PetscCheck(g->u[e - 1] < g->u[e] || (g->u[e - 1] == g->u[e] && g->v[e - 1] < g->v[e]), comm, PETSC_ERR_ARG_WRONG,
               "edges must be sorted by (u, v): edge %lld is not", (long long)e);
  bins_of(g->n, &width, &bins);
  PetscCall(PetscMalloc1((size_t)ranks + 1, &range));
  PetscCall(PetscCalloc1((size_t)bins, &load));
  for (int64_t b = 0; b < bins; b++) load[b] = b + 1 < bins ? width : g->n - b * width;
  for (int64_t e = 0; e < g->m; e++) {
    load[g->u[e] / width]++;
    load[g->v[e] / width]++;
  }
  cut_bins(g->n, width, bins, load, ranks, range);
  PetscCall(PetscFree(load));
  const int64_t first = range[rank], last = range[rank + 1];
  int64_t       entries = 0;
  for (int64_t e = 0; e < g->m; e++) entries += (g->u[e] >= first && g->u[e] < last) + (g->v[e] >= first && g->v[e] < last);
  PetscCall(rows_allocate(comm, g->n, range, entries, g->weight != NULL, out));
  GraphRows *rows = *out;
  for (int64_t e = 0; e < g->m; e++) {
    if (g->u[e] >= first && g->u[e] < last) rows->start[g->u[e] - first + 1]++;
    if (g->v[e] >= first && g->v[e] < last) rows->start[g->v[e] - first + 1]++;
  }
  for (int64_t i = 0; i < rows->n_local; i++) rows->start[i + 1] += rows->start[i];
  PetscCall(PetscMalloc1((size_t)rows->n_local + 1, &next));
  for (int64_t i = 0; i < rows->n_local; i++) next[i] = rows->start[i];
  for (int larger = 0; larger < 2; larger++) {
    for (int64_t e = 0; e < g->m; e++) {
      const int64_t row = larger ? g->u[e] : g->v[e];
      if (row < first || row >= last) continue;
      const int64_t k = next[row - first]++;
      rows->column[k] = larger ? g->v[e] : g->u[e];
      if (rows->weight) rows->weight[k] = g->weight[e];
    }
  }
  PetscCall(PetscFree(next));
  PetscCall(PetscFree(range));
  PetscCall(number_edges(rows));
  PetscFunctionReturn(0);
}

void graph_rows_destroy(GraphRows **graph)
{
  if (!graph || !*graph) return;
  GraphRows *rows = *graph;
  (void)PetscFree(rows->range);
  (void)PetscFree(rows->start);
  (void)PetscFree(rows->column);
  (void)PetscFree(rows->weight);
  (void)PetscFree(rows);
  *graph = NULL;
}
