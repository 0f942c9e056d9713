/* SPDX-License-Identifier: BSD-2-Clause
 * What the files of graph_set share. */
#ifndef MYOPIA_GRAPH_SET_PRIVATE_H
#define MYOPIA_GRAPH_SET_PRIVATE_H

#include "graph_set.h"
#include "rng.h"

/* Everything zero, clusters unknown; site when joints > 0. */
PetscErrorCode graph_set_allocate(int n, int a, int b, int64_t count, int joints, GraphSet **out);

/* A graph whose classes are being decided: clusters one after the other, edges among the first pairs. */
typedef struct Draft {
  int     n;
  uint8_t cluster[SET_NODES_MAX];
  uint8_t edge[SET_NODES_MAX * (SET_NODES_MAX - 1) / 2]; /* class by pair_index */
} Draft;

/* Edges inside the cluster of `size` vertices from `first` on. */
void           cluster_bernoulli(Draft *, int first, int size, double frequency, Rng *);
void           cluster_tree(Draft *, int first, int size, Rng *);
PetscErrorCode cluster_delaunay(Draft *, int first, int size, Rng *);

#endif
