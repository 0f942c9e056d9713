/* SPDX-License-Identifier: BSD-2-Clause
 * What the files of graph statistics share: one graph of a sample as bit masks, and sets of vertices. */
#ifndef MYOPIA_METRICS_GRAPH_SAMPLE_H
#define MYOPIA_METRICS_GRAPH_SAMPLE_H

#include "graph_metrics.h"

static inline int      set_size(uint64_t set) { return __builtin_popcountll(set); }
static inline int      set_first(uint64_t set) { return __builtin_ctzll(set); } /* set != 0 */
static inline uint64_t set_one(int i) { return (uint64_t)1 << i; }
static inline uint64_t set_below(int n) { return n >= 64 ? ~(uint64_t)0 : set_one(n) - 1; } /* 0 .. n - 1 */

/* Goes through i of a set in ascending order; `left` names a variable of its own. */
#define EACH_OF(i, left, set) for (uint64_t left = (set); left && ((i) = set_first(left), true); left &= left - 1)

static inline const uint8_t *sample_edges(const GraphSample *s, int64_t graph) { return s->edge + graph * pair_count(s->n); }

/* Adjacency of a graph; returns its vertices. */
int sample_masks(const GraphSample *, int64_t graph, uint64_t adjacency[SET_NODES_MAX]);

/* Vertices of `within` that a path inside it joins to `from` (a vertex of it). */
uint64_t masks_reached(const uint64_t *adjacency, uint64_t within, int from);

#endif
