/* SPDX-License-Identifier: BSD-2-Clause
 * Finds the row of a trial by its identity, and by its ranks where these are swept: points that differ in ranks alone share identities. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "results.h"

typedef struct Entry {
  uint64_t id;
  int32_t  ranks; /* 0 where they are no axis */
  int64_t  row;
} Entry;

struct ResultsIndex {
  bool    by_ranks;
  int64_t n;
  Entry  *entry; /* (n) sorted */
};

static int by_identity(const void *a, const void *b)
{
  const Entry *x = a, *y = b;
  if (x->id != y->id) return x->id < y->id ? -1 : 1;
  return (x->ranks > y->ranks) - (x->ranks < y->ranks);
}

ResultsIndex *results_index_create(const ResultsTable *t)
{
  ResultsIndex *index = mem_calloc(1, sizeof *index);
  for (int i = 0; i < t->n_axes; i++) index->by_ranks = index->by_ranks || strcmp(t->axis[i].name, "ranks") == 0;
  index->n     = t->n_rows;
  index->entry = mem_calloc((size_t)t->n_rows, sizeof *index->entry);
  for (int64_t r = 0; r < t->n_rows; r++) index->entry[r] = (Entry){t->id[r], index->by_ranks ? t->ranks[r] : 0, r};
  qsort(index->entry, (size_t)index->n, sizeof *index->entry, by_identity);
  return index;
}

void results_index_destroy(ResultsIndex **out)
{
  if (!out || !*out) return;
  free((*out)->entry);
  free(*out);
  *out = NULL;
}

int64_t results_index_find(const ResultsIndex *index, uint64_t id, int ranks)
{
  if (index->by_ranks != (ranks > 0)) return -1;
  const Entry  wanted = {.id = id, .ranks = ranks};
  const Entry *found  = bsearch(&wanted, index->entry, (size_t)index->n, sizeof wanted, by_identity);
  return found ? found->row : -1;
}
