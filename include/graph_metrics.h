/* SPDX-License-Identifier: BSD-2-Clause
 * Statistics of sets of generated graphs against training and test sets: connectivity, cross edges, bisection, distances between laws of
 * local statistics as GraphRNN and DiGress compute them, validity, uniqueness, novelty. Graphs have 1 to SET_NODES_MAX vertices; an edge of
 * any class > 0 is an edge. Arrays over graphs are the caller's. Nothing here is collective or random. */
#ifndef MYOPIA_GRAPH_METRICS_H
#define MYOPIA_GRAPH_METRICS_H

#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>

#include "graph_set.h"

/* A set of graphs as metrics see it, owned elsewhere: size (count), edge (count, pairs of n), node (count, n) or NULL. */
typedef struct GraphSample {
  int            n;
  int64_t        count;
  const uint8_t *size, *node, *edge;
} GraphSample;
GraphSample graph_sample_of(const GraphSet *);

/* Per graph, (count) each. One vertex is connected. */
void graphs_connected(const GraphSample *, uint8_t *connected);
void graphs_edges(const GraphSample *, int32_t *edges);
/* Edges between different clusters of one partition of the vertices, cluster (n): for graphs in fixed order. */
void graphs_cross(const GraphSample *, const uint8_t *cluster, int32_t *cross);
/* Fewest edges between two halves (n / 2 vertices, rounded down, and the others): exact up to BISECTION_VERTICES_MAX vertices, -1 above. */
enum { BISECTION_VERTICES_MAX = 16 };
void graphs_bisection(const GraphSample *, int32_t *width);
/* The same by visiting every half: the slow reference. */
void graphs_bisection_reference(const GraphSample *, int32_t *width);
/* Algebraic connectivity; exactly 0 of a disconnected graph and of one vertex. Absolute error 1e-12 n. */
PetscErrorCode graphs_lambda2(const GraphSample *, double *lambda2);

/* MMD^2 between two sets, a V-statistic (>= 0 up to rounding, biased upwards by O(1 / count)), as the evaluation code of GraphRNN (You et
 * al., ICML 2018), GRAN and DiGress has it: every graph becomes a histogram that sums to 1; kernel exp(-TV^2 / (2 sigma^2)),
 * TV = sum |p - q| / 2. Only the first `most` graphs of either set are looked at. NaN where one has none.
 *   degree: of the vertices; sigma 1
 *   clustering: local clustering coefficients (0 below two neighbours), 100 bins of [0, 1]; sigma 0.1
 *   cycles (in place of their orbit counts): triangles through every vertex and, side by side, 4-cycles through it; 32 bins each: c
 *     itself below 8, then two bins for every doubling (8 - 11, 12 - 15, 16 - 22, ...), the last without end; sigma 1
 *   spectrum: eigenvalues of the normalised Laplacian (isolated vertices 0), 200 bins of [-1e-5, 2]; sigma 1. Those that rounding has
 *     put above 2 fall into the last bin (NumPy's histogram drops them). */
typedef struct GraphDistances {
  double degree, clustering, cycles, spectrum;
} GraphDistances;
PetscErrorCode graph_distances(const GraphSample *, const GraphSample *, int64_t most, GraphDistances *out);

/* Isomorphism is exact, and respects edge classes and, where the sample has them (where both samples have them), node classes: colour
 * refinement, then individualisation and refinement with backtracking between graphs that it does not tell apart.
 * class (count): number of the first graph that is isomorphic. Returns the number of classes. */
int64_t graphs_classes(const GraphSample *, int64_t *class);
/* found (count of x): 1 where graph i of x is isomorphic to some graph of y. */
void graphs_found(const GraphSample *x, const GraphSample *y, uint8_t *found);

/* valid (count): 1 where a graph has the structure of the law's, 0 where not, VALIDITY_UNDEFINED where this is not defined.
 *   BARBELL, CHAIN, TOY4: the vertices fall into connected clusters of the given sizes, and every other edge is a joint: of clusters that
 *     are neighbours in the row, at most one each. In fixed order the clusters are given by `cluster` (n, numbers 0, 1, ... along the
 *     vertices; NULL: as the specification lays them out) and a joint is the pair (last vertex, first vertex of the next). With
 *     permuted vertices (spec->permute, `cluster` is not looked at) some assignment of vertices to clusters must do, which is
 *     decided exactly; for two equal clusters: some bisection into connected halves has width <= 1.
 *   BLOCKS: likewise with at most one edge between any two clusters, at any vertices (the law itself puts in two with probability
 *     O(bridge_frequency^2)); permuted and more than two clusters: undefined.
 *   TREES: a forest of at most `clusters` components. PLANAR: planar. ERDOS_RENYI, FILE: undefined. */
enum { VALIDITY_UNDEFINED = 255 };
void graphs_valid(const GraphSample *, const GraphSetSpec *, const uint8_t *cluster, uint8_t *valid);
/* adjacency (n) as in graph_features.h. By Demoucron, Malgrange and Pertuiset (1964), block by block. */
bool graph_planar(int n, const uint64_t *adjacency);

/* unique: classes / count. novel: share of the classes that are not found in `training`. valid_unique_novel: classes that are not found
 * there and have a valid graph / count; NaN when valid (count) is NULL or undefined anywhere. All NaN without graphs. */
typedef struct GraphNovelty {
  double unique, novel, valid_unique_novel;
} GraphNovelty;
PetscErrorCode graph_novelty(const GraphSample *, const GraphSample *training, const uint8_t *valid, GraphNovelty *out);

#endif
