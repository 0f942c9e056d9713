/* SPDX-License-Identifier: BSD-2-Clause
 * A growing list of undirected edges as 64-bit keys, from which graphs are made: drawn or read in any order, sorted, merged. Vertices are
 * 0 .. 2^32 - 1, edges are counted by 64 bits. */
#ifndef MYOPIA_EDGE_LIST_H
#define MYOPIA_EDGE_LIST_H

#include "graph.h"

#define EDGE_LIST_VERTICES (INT64_C(1) << 32) /* at most so many vertices */

typedef struct EdgeList {
  int64_t   n, capacity;
  uint64_t *key;     /* (n) u << 32 | v */
  double   *weight;  /* (n); NULL: none */
  int64_t   entries; /* edges pushed, loops included */
  int64_t   loops;   /* pushed and dropped */
} EdgeList;          /* start as {0} */

static inline int64_t  edge_u(uint64_t key) { return (int64_t)(key >> 32); }
static inline int64_t  edge_v(uint64_t key) { return (int64_t)(key & 0xffffffffu); }
static inline uint64_t edge_key(int64_t u, int64_t v) { return u < v ? (uint64_t)u << 32 | (uint64_t)v : (uint64_t)v << 32 | (uint64_t)u; }

/* Room for `more` edges; grows by half at least. weighted: `weight` grows along. */
PetscErrorCode edge_list_reserve(EdgeList *, int64_t more, bool weighted);
void           edge_list_clear(EdgeList *);

/* Into reserved room. */
static inline void edge_list_push(EdgeList *list, int64_t u, int64_t v)
{
  list->entries++;
  if (u == v)
    list->loops++;
  else
    list->key[list->n++] = edge_key(u, v);
}

/* Ascending by key and stable; nothing is moved when they are in order already. LSD radix sort over the bits in which keys differ. */
PetscErrorCode keys_sort(int64_t n, uint64_t *key, double *weight);
/* The same with any 64-bit word beside the key. */
PetscErrorCode keys_sort_word(int64_t n, uint64_t *key, uint64_t *word);
/* Sorted keys of an unweighted list, each once; counts what went. */
void edge_list_unique(EdgeList *, int64_t *duplicates);

/* A graph whose arrays are allocated and not filled. */
PetscErrorCode graph_allocate(int64_t n, int64_t m, bool weighted, Graph **out);

#endif
