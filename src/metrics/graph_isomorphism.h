/* SPDX-License-Identifier: BSD-2-Clause
 * Graphs with vertex and edge classes, coloured: what graph_isomorphism.c tells apart. */
#ifndef MYOPIA_METRICS_GRAPH_ISOMORPHISM_H
#define MYOPIA_METRICS_GRAPH_ISOMORPHISM_H

#include "graph_sample.h"

/* An ordered partition of vertices into cells. */
typedef struct Cells {
  int      count;
  uint64_t cell[SET_NODES_MAX];
} Cells;

/* link[c][i]: vertices that an edge of class c joins to vertex i; classes 1 .. classes - 1. */
typedef struct ColouredGraph {
  int            n, classes;
  uint64_t       hash;  /* equal for isomorphic graphs */
  Cells          cells; /* the coarsest equitable partition that respects vertex classes, in an order that isomorphisms keep */
  const uint8_t *node;  /* the sample's classes of its vertices; NULL: all alike */
  uint64_t       link[SET_CLASSES_MAX][SET_NODES_MAX];
} ColouredGraph;

void coloured_graph(const GraphSample *, int64_t graph, bool with_nodes, ColouredGraph *out);
/* Exact; with_nodes of both the same. */
bool coloured_isomorphic(const ColouredGraph *, const ColouredGraph *);

#endif
