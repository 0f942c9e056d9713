/* SPDX-License-Identifier: BSD-2-Clause
 * Exact elimination of vertices of degree 1 and 2 from a weighted graph, for the resistances of its edges: what is left is the core, and
 * the resistances of the eliminated edges follow from those of the core in closed form. Not collective. */
#ifndef MYOPIA_SKETCH_REDUCE_H
#define MYOPIA_SKETCH_REDUCE_H

#include "graph.h"
#include "sketch_kernel.h"

/* Vertex x was eliminated: edges slot[0] = (a, x) and slot[1] = (b, x) of conductance w[0], w[1]; `series` is the edge (a, b) that stands
 * for both. Degree 1: slot[1] = series = -1. */
typedef struct Elimination {
  double  w[2];
  int32_t slot[2], series;
} Elimination;

/* Slots number the edges that ever existed: 0 .. m - 1 the graph's own, then series edges between vertices that were not joined. */
typedef struct Reduction {
  int64_t      n_slots, m;
  int64_t      n_eliminations;
  Elimination *elimination; /* in the order in which they were done */
  SketchRows   core;        /* vertices by falling degree; number[k] is the slot of its k-th own edge; weights times 2^-exponent */
  int64_t      n;
  int32_t     *place;    /* (n) row in the core, -1: eliminated */
  int          exponent; /* weights of the core are w 2^-exponent, resistances R 2^exponent */
  double       spread;   /* log2 of the largest over the smallest weight in the core */
} Reduction;

/* keep (n; NULL: none): vertices with keep[i] != 0 are not eliminated. eliminate: false leaves every vertex with an edge in the core.
 * PETSC_ERR_ARG_OUTOFRANGE beyond 2^31 slots. */
PetscErrorCode reduction_create(const Graph *, const uint8_t *keep, bool eliminate, Reduction **out);
void           reduction_destroy(Reduction **);
/* One number a slot: own (m) of the graph's edges, fill (n_slots - m) of series edges. */
typedef struct SlotValues {
  int64_t m;
  double *own, *fill;
} SlotValues;
static inline double *slot_value(const SlotValues *v, int64_t slot) { return slot < v->m ? v->own + slot : v->fill + (slot - v->m); }

/* value, error: of the core's edges on entry, of all slots on return; standard errors are propagated exactly, because every eliminated
 * resistance is an affine function of one other. */
void reduction_recover(const Reduction *, const SlotValues *value, const SlotValues *error);
/* Number of the edge {u[k], v[k]}, -1 where there is none: edge (n_pairs). */
PetscErrorCode graph_find_edges(const Graph *, int64_t n_pairs, const int64_t *u, const int64_t *v, int64_t *edge);

#endif
