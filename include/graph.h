/* SPDX-License-Identifier: BSD-2-Clause
 * A weighted undirected simple graph held whole by one process: the edge list in a fixed order, and its connectivity. */
#ifndef MYOPIA_GRAPH_H
#define MYOPIA_GRAPH_H

#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Graph {
  int64_t  n, m;   /* vertices, edges */
  int64_t *u, *v;  /* (m) end points, u < v, 0-based; owned */
  double  *weight; /* (m) > 0, siemens; NULL: all 1; owned */
} Graph;

/* Copies the arrays; swaps end points into u < v. Errors: an end point outside [0, n), a self-loop, a duplicate edge, a weight that is
 * not finite and positive (PETSC_ERR_ARG_OUTOFRANGE with the edge's number). weight may be NULL. */
PetscErrorCode graph_create(int64_t n, int64_t m, const int64_t *u, const int64_t *v, const double *weight, Graph **out);
void           graph_destroy(Graph **);
double         graph_weight(const Graph *, int64_t edge);

/* Component of each vertex, numbered by smallest vertex: component (n), returns the count. Union-find with path halving. Only edges with
 * keep[e] != 0 count; keep NULL: all. */
int64_t graph_components(const Graph *, const uint8_t *keep, int64_t *component);

/* Neighbours of every vertex: those of vertex i are vertex[start[i]] .. vertex[start[i + 1] - 1], ascending; edge[k] is the edge they are
 * reached by. */
typedef struct Adjacency {
  int64_t  n;
  int64_t *start;         /* (n + 1) */
  int64_t *vertex, *edge; /* (2 m) */
} Adjacency;

PetscErrorCode graph_adjacency(const Graph *, Adjacency **out);
void           adjacency_destroy(Adjacency **);

/* Biconnected blocks: the maximal sets of edges of which any two lie on a common cycle; a bridge is a block of its own. The effective
 * resistance of an edge depends on its block alone. Blocks are numbered by their smallest edge. */
typedef struct GraphBlocks {
  int64_t  n_components, n_blocks, n_bridges, n_isolated;
  int64_t *component; /* (n) as graph_components */
  int64_t *block;     /* (m) block of each edge */
  int64_t *size;      /* (n_blocks) edges of each block; 1: a bridge */
} GraphBlocks;

/* Iterative depth-first search (Hopcroft and Tarjan 1973), O(n + m). */
PetscErrorCode graph_blocks(const Graph *, GraphBlocks **out);
void           graph_blocks_destroy(GraphBlocks **);

/* The subgraph of the given edges (n_edges, any order), its vertices renumbered in ascending order. vertex: the old number of each new
 * vertex, (out->n), owned by the caller (PetscFree). Edge k of the result is edges[k]. */
PetscErrorCode graph_subgraph(const Graph *, int64_t n_edges, const int64_t *edges, int64_t **vertex, Graph **out);

/* Cliques in a row, neighbours joined by `bridges[i]` vertex-disjoint edges between clique i and clique i+1 (two cliques and one edge: a
 * barbell). Bridge j of joint i joins vertex size[i]-1-j of clique i to vertex j of clique i+1, so the joints of a clique
 * use different vertices while size >= bridges[i-1] + bridges[i]. */
typedef struct CliqueChain {
  int     n_cliques;
  int64_t size[64];    /* (n_cliques) >= 1 */
  int64_t bridges[64]; /* (n_cliques - 1), 1 <= bridges[i] <= min(size[i], size[i+1]) */
} CliqueChain;

int64_t clique_chain_vertices(const CliqueChain *);
int64_t clique_chain_edges(const CliqueChain *);
/* Edges clique by clique in lexicographic order, then the bridges joint by joint. label (m, caller's, may be NULL): clique number for an
 * edge inside a clique, -1 - joint for a bridge. */
PetscErrorCode graph_clique_chain(const CliqueChain *, int64_t *label, Graph **out);

#endif
