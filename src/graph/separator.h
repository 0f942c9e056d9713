/* SPDX-License-Identifier: BSD-2-Clause
 * Splits a part of a graph in two by removing few vertices. Not collective; the same input gives the same answer on every process. */
#ifndef MYOPIA_SEPARATOR_H
#define MYOPIA_SEPARATOR_H

#include <stdbool.h>

#include "graph.h"

enum { LINKS_VERTICES_MAX = 1 << 29 };

/* Neighbours of every vertex in 32 bits, as they come in the edge list: half the traffic of Adjacency, which is what searches wait for.
 * Vertices may have other numbers than in the graph (see links.c); edges have their own. */
typedef struct Links {
  int32_t  n;
  int64_t *start;         /* (n + 1) */
  int32_t *vertex, *edge; /* (2 m) */
} Links;

/* PETSC_ERR_ARG_OUTOFRANGE for more than LINKS_VERTICES_MAX vertices or 2^31 - 1 edges. */
PetscErrorCode links_create(const Graph *, Links **out);
void           links_destroy(Links **);
bool           links_fit(const Graph *);

enum { SIDE_LEFT = -1, SIDE_CUT = 0, SIDE_RIGHT = 1, SIDE_OUTSIDE = 2 };

/* Work space of separator_find, and the sides it found. */
typedef struct Separator Separator;

/* links: borrowed until the destruction. */
PetscErrorCode separator_create(const Links *, Separator **out);
void           separator_destroy(Separator **);

/* side (links->n), caller's: SIDE_OUTSIDE for vertices that do not belong to the part, any other value for those that do, the n_part
 * vertices part[] (ascending). Out: for these SIDE_LEFT, SIDE_CUT or SIDE_RIGHT, with no edge between left and right, and the left's work
 * about `fraction` (0..1) of both sides' together. The part need not be connected; any of the three may come out empty. thorough: for
 * sides of different ranks; tries four orderings instead of two, at twice the time, and values balance. */
PetscErrorCode separator_find(Separator *, int32_t n_part, const int32_t *part, double fraction, bool thorough, int8_t *side);

/* Predicted work of a vertex, in units of which a mesh vertex has about SEPARATOR_UNIT: a constant for its share of everything linear, and
 * sum over its neighbours of min(degree), which a clique turns into the flops of its factorisation and a star does not. */
enum { SEPARATOR_UNIT = 16384 };
int64_t separator_work(const Separator *, int32_t vertex);

#endif
