/* SPDX-License-Identifier: BSD-2-Clause
 * Histograms of local statistics, one row of bytes a graph, and sums over pairs of rows. */
#ifndef MYOPIA_METRICS_GRAPH_HISTOGRAMS_H
#define MYOPIA_METRICS_GRAPH_HISTOGRAMS_H

#include "graph_sample.h"
#include "isa.h"

enum { DEGREES, CLUSTERING, CYCLES, SPECTRUM, STATISTICS };
enum { HISTOGRAM_BLOCK = 64 }; /* rows are multiples of it */

/* Rows in the order of graph sizes: those of graphs with n vertices are first[n] .. first[n + 1] - 1. A row of them adds up to n (CYCLES:
 * 2 n). */
typedef struct Histograms {
  int64_t  count, first[SET_NODES_MAX + 2];
  uint8_t *row[STATISTICS]; /* (count, histogram_bytes[statistic]) */
} Histograms;
extern const int histogram_bytes[STATISTICS];

/* Of the first `most` graphs. */
PetscErrorCode histograms_create(const GraphSample *, int64_t most, Histograms *out);
void           histograms_destroy(Histograms *);

/* tally[k] += pairs of n rows x and m rows y, `bytes` long, with sum |x - y| = k. */
typedef void HistogramTally(int bytes, int64_t n, const uint8_t *x, int64_t m, const uint8_t *y, int64_t *tally);
/* out[j] = sum |x times_x - y_j times_y| of one row x and m rows y; factors <= SET_NODES_MAX. */
typedef void    HistogramScaled(int bytes, const uint8_t *x, int times_x, int64_t m, const uint8_t *y, int times_y, int32_t *out);
HistogramTally  histogram_tally_base, histogram_tally_v3, histogram_tally_v4;
HistogramScaled histogram_scaled_base, histogram_scaled_v3, histogram_scaled_v4;

#endif
