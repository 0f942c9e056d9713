/* SPDX-License-Identifier: BSD-2-Clause
 * Structural features of one small graph (n <= 64), from bit masks: what denoisers that cannot see position are helped with, and what graph
 * statistics are made of. All are functions of the graph alone and equivariant under permutations of its vertices, also where eigenvalues
 * coincide (projectors, never eigenvectors). Not collective; no allocation but where said. */
#ifndef MYOPIA_GRAPH_FEATURES_H
#define MYOPIA_GRAPH_FEATURES_H

#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>

/* adjacency[i]: bit j set when vertices i and j are joined by an edge of any class > 0; edge: (pairs) classes, pairs as in graph_set.h. */
void masks_of_edges(int n, const uint8_t *edge, uint64_t *adjacency);

bool masks_connected(int n, const uint64_t *adjacency);
int  masks_components(int n, const uint64_t *adjacency, uint8_t *component); /* number; component (n) by smallest vertex, may be NULL */
/* Cycles of length 3, 4, 5 through every vertex (n), and their total numbers; NULL: not wanted. */
void masks_cycles(int n, const uint64_t *adjacency, double *through3, double *through4, double *through5, double total[3]);
/* Shortest path of every pair without its own edge, in edges; 0: there is none. out (pairs). */
void masks_detours(int n, const uint64_t *adjacency, uint8_t *out);
/* Laplacian eigenvalues ascending (n) and, when not NULL, orthonormal eigenvectors (n, n): vector k at [k * n]; LAPACK dsyevd. normalised:
 * of I - D^{-1/2} A D^{-1/2}, isolated vertices 0. work: masks_spectrum_work(n) doubles. */
int64_t        masks_spectrum_work(int n);
PetscErrorCode masks_spectrum(int n, const uint64_t *adjacency, bool normalised, double *value, double *vector, double *work);

/* Features of the transformer, in this order. Numbers are scaled to order 1.
 *   degree: vertex degree / n; graph: mean degree / n, components / n
 *   cycles: vertex: cycles of length 3, 4, 5 through it, each as log(1 + c) / 5; graph: totals, log(1 + c) / 10
 *   spectrum: of the SPECTRUM_SPACES lowest distinct nonzero eigenvalues (equal to within 1e-6) with projector P: vertex n_s P_ii, pair n_s
 *     P_ij, n_s = n / (10 dim) (bounded by 6.4); graph: the SPECTRUM_VALUES lowest eigenvalues (of the whole spectrum) / n; and the
 *     projector of the null space: pair 1 where both ends share a component. */
enum { FEATURE_DEGREE = 1, FEATURE_CYCLES = 2, FEATURE_SPECTRUM = 4 };
enum { SPECTRUM_SPACES = 2, SPECTRUM_VALUES = 5 };
void features_count(unsigned flags, int *node, int *pair, int *graph);
/* node (n, node count), pair (pairs, pair count), graph (graph count), row-major float32; work as masks_spectrum. */
PetscErrorCode features_fill(unsigned flags, int n, const uint64_t *adjacency, float *node, float *pair, float *graph, double *work);

/* Features of edge_mlp: sum and |difference| of the end points' degrees / n, common neighbours / n, and one of five for the detour:
 * 2, 3, 4, longer, none. */
enum { PAIR_FEATURES = 8 };
void features_pairs(int n, const uint64_t *adjacency, float *out); /* (pairs, PAIR_FEATURES) */

/* Exact probability that the graph of independent edges p (pairs) is connected; tiny ones too, to a relative 1e-12. 3^n / 2 terms: n <= 16
 * (0.1 s), else NaN. */
double connected_independent(int n, const double *p);

#endif
