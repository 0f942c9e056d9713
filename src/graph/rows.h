/* SPDX-License-Identifier: BSD-2-Clause
 * Parts of the row-distributed container that its builders and its component search share. */
#ifndef MYOPIA_ROWS_H
#define MYOPIA_ROWS_H

#include "edge_list.h"
#include "graph_source.h"

/* Collective. Sends count[r] 64-bit words to rank r, in the order of ranks; what comes is in the order of ranks too. 64-bit counts: words
 * travel in rounds of bounded size. from: (ranks) words by sender, may be NULL. *received is the caller's (PetscFree). */
PetscErrorCode exchange_words(MPI_Comm, const int64_t *count, const void *send, int64_t *n_received, void *received, int64_t *from);

/* The rank that owns `vertex` under range (ranks + 1). */
int rows_owner(const int64_t *range, int ranks, int64_t vertex);

/* Collective. Ranges with about equal sums of rows and entries. key: entries held here, rows in the upper half. range: (ranks + 1). */
PetscErrorCode rows_cut(MPI_Comm, int64_t n, const EdgeList *, int64_t *range);
/* Collective. Sorts entries by key and sends them to the owners of their rows, where they arrive sorted; weights travel along. */
PetscErrorCode rows_send(MPI_Comm, const int64_t *range, EdgeList *);
/* Collective. Rows from entries row << 32 | column in any order and place, every edge in both directions. `list` is emptied. */
PetscErrorCode rows_assemble(MPI_Comm, int64_t n, EdgeList *, GraphRows **);

/* Values of vertices that other ranks own: asked for once, fetched often. */
typedef struct Fetch {
  MPI_Comm comm;
  int      ranks;
  int64_t  first;            /* vertex of this rank */
  int64_t *asked, *answered; /* (ranks) how many of each rank, by each rank */
  int64_t  n_served, rounds;
  int64_t *served; /* local numbers that others ask for */
} Fetch;

/* Collective. vertex: (n) ascending. */
PetscErrorCode fetch_create(const GraphRows *, int64_t n, const int64_t *vertex, Fetch *);
void           fetch_clear(Fetch *);
/* Collective. value[i] of every vertex asked for, from `local` (n_local) of its owner. */
PetscErrorCode fetch_values(const Fetch *, const int64_t *local, int64_t *value);

/* Collective. The smallest vertex of the component of each local vertex. root: (n_local). */
PetscErrorCode rows_roots(const GraphRows *, int64_t *root);
/* Collective. fetch of values of any vertices, in any order and repeated. */
PetscErrorCode rows_lookup(const GraphRows *, const int64_t *local, int64_t n, const int64_t *vertex, int64_t *value);

#endif
