/* SPDX-License-Identifier: BSD-2-Clause
 * Inside of resistance_nested: the dissection tree as one rank sees it, its leaves' sparse matrices, and the dense fronts above them.
 * Ranks first .. last-1 share a node, the left child has the lower ones, and the lowest leads it. A node of one rank is local: it may be
 * split further, because dense fronts over small leaves take fewer operations than one large leaf. */
#ifndef MYOPIA_RESISTANCE_NESTED_H
#define MYOPIA_RESISTANCE_NESTED_H

#include "resistance_methods.h"
#include "separator.h"
#include "supernodal.h"

/* A leaf's matrix: lower triangle by columns, of all edges with an end in the interior, on interior and boundary. It is singular where the
 * boundary is not eliminated, which supernodal_factor leaves alone. */
typedef struct NestedLeaf {
  int64_t     n, entries;
  int64_t    *start, *row; /* (n + 1), (entries) */
  double     *value;       /* (entries) */
  int32_t    *edge;        /* (entries) of an off-diagonal entry, -1 on the diagonal */
  Supernodal *matrix;
} NestedLeaf;

/* A child of a front: its boundary's places in the front, ascending. */
typedef struct NestedChild {
  int32_t  n;
  int32_t *place; /* (n) */
} NestedChild;

/* The dense front of an inner node; n = n_own + n_boundary of the node. */
typedef struct NestedFront {
  double     *panel; /* (n, n_own) column-major, lower trapezoid: L and W, then the inverse */
  NestedChild child[2];
  int64_t     n_edges;
  int32_t    *a, *b, *edge; /* (n_edges) places of the ends, a > b, and the number of every edge that belongs here */
} NestedFront;

/* vertex: those eliminated here (a leaf: its interior; else the separator of its part), ascending, then the boundary: the vertices of
 * separators above that the node's part touches, in the parent's order. The root's boundary is the grounded vertex alone. */
typedef struct NestedNode {
  int         first, middle, last; /* ranks; the right child's are middle .. last-1 */
  int         child[2];            /* numbers of the children this rank has a share in, else -1 */
  int32_t     n_own, n_boundary;
  int32_t    *vertex; /* (n_own + n_boundary); owned */
  NestedLeaf  leaf;   /* of a node without children */
  NestedFront front;  /* of the others, on the rank that leads them */
  double     *block;  /* (n_boundary, n_boundary) full: Schur complement on the way up, the inverse on the way down; owned */
} NestedNode;

/* node[0] is the root; the n_shared nodes of several ranks come first, every node before its children. */
typedef struct NestedPlan {
  int         rank, n_nodes, n_shared;
  NestedNode *node;  /* (n_nodes) */
  int32_t    *place; /* (n) scratch: a vertex's place in the node at hand, else -1 */
} NestedPlan;

/* Not collective: every rank computes its part of the tree alone, and all agree where they share it. g: connected, n >= 1. Local parts of
 * 2 * leaf_vertices or more are split further where separators are small. */
PetscErrorCode nested_plan_create(int rank, int ranks, const Graph *, const Links *, int64_t leaf_vertices, NestedPlan **out);
void           nested_plan_destroy(NestedPlan **);
/* Sets and clears place[] for a node's vertices. */
void nested_plan_enter(NestedPlan *, const NestedNode *);
void nested_plan_leave(NestedPlan *, const NestedNode *);
bool nested_is_leaf(const NestedNode *);

/* Builds and analyses a leaf's matrix; factors it, which leaves its Schur complement in block (*failed: not positive definite); inverts it
 * from the inverse's block and writes the resistances of its edges; then it is released. An empty interior is a leaf too. */
PetscErrorCode nested_leaf_analyze(const Graph *, const Links *, NestedPlan *, NestedNode *);
PetscErrorCode nested_leaf_factor(NestedNode *, const Watch *, int *failed);
PetscErrorCode nested_leaf_invert(NestedNode *, const Watch *, double *resistance);
void           nested_leaf_clear(NestedLeaf *);

/* Flops of a front's factorisation and inversion, and bytes while it lives. */
double nested_front_flops(const NestedNode *);
double nested_front_bytes(const NestedNode *);
/* A child's Schur complement for its parent's front: boundary vertices and block (taken over, freed). */
typedef struct NestedSchur {
  int32_t        n;
  const int32_t *vertex;
  double        *block;
} NestedSchur;
/* Assembles (left child first, so that the same bits come every time) and factors; leaves the node's own Schur complement in block. */
PetscErrorCode nested_front_factor(const Graph *, const Links *, NestedPlan *, NestedNode *, NestedSchur child[2], int *failed);
/* Turns the front into the inverse, from block, and writes the resistances of its edges. */
PetscErrorCode nested_front_invert(NestedNode *, double *resistance);
/* The inverse's block of a child's boundary, the caller's (PetscFree). After nested_front_invert. */
PetscErrorCode nested_front_block(const NestedNode *, int child, double **block);
void           nested_front_clear(NestedFront *);
/* A Schur complement of a Laplacian is one itself: its rows sum to 0. Sets the diagonal of the lower triangle (n, n) to what the rest says,
 * which is sums of one sign and so exact to rounding (Grassmann, Taksar and Heyman 1985). Without it every elimination leaves a conductance
 * of the size of rounding to nowhere, and a million of them add up near the ground. */
PetscErrorCode nested_balance(int64_t n, double *schur);

/* What resistance_nested does, and for tests the tree whatever it costs, on one rank too. leaf_vertices 0: the default. */
typedef enum { NESTED_AUTO = 0, NESTED_ALWAYS } NestedPolicy;
PetscErrorCode resistance_nested_with(MPI_Comm, const Graph *, const ResistanceOptions *, NestedPolicy, int64_t leaf_vertices,
                                      ResistanceStats *, double *resistance);

#endif
