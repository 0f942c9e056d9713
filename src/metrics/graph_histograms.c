/* SPDX-License-Identifier: BSD-2-Clause
 * Histograms of degrees, clustering coefficients, 3- and 4-cycles through vertices and normalised Laplacian eigenvalues (eight graphs of
 * one size at a time), with the bins of NumPy's histogram as the evaluation code of GraphRNN and DiGress calls it. Counts are at most 64,
 * so a row is bytes and holds them exactly; dividing by their sum is left to the comparison (graph_distances.c). */
#include "graph_histograms.h"

#include "graph_features.h"
#include "spectrum.h"

enum { CLUSTERING_BINS = 100, CYCLE_BINS = 32, SPECTRUM_BINS = 200 };

const int histogram_bytes[STATISTICS] = {[DEGREES] = 64, [CLUSTERING] = 128, [CYCLES] = 64, [SPECTRUM] = 256};

/* By the quotient, then compared with the edges k / 100 as NumPy's linspace rounds them. */
static int clustering_bin(double value)
{
  const int bin = (int)(value * CLUSTERING_BINS);
  if (bin >= CLUSTERING_BINS) return CLUSTERING_BINS - 1;
  if (value < bin * (1.0 / CLUSTERING_BINS)) return bin - 1;
  return bin < CLUSTERING_BINS - 1 && value >= (bin + 1) * (1.0 / CLUSTERING_BINS) ? bin + 1 : bin;
}

/* c below 8, then two bins for every doubling: 2 + floor(2 log2 c). */
static int cycle_bin(double cycles)
{
  const uint64_t c   = (uint64_t)cycles;
  const int      bin = c < 8 ? (int)c : 2 + 63 - __builtin_clzll(c * c);
  return bin < CYCLE_BINS ? bin : CYCLE_BINS - 1;
}

static void add_cycles(int n, const uint64_t *adjacency, uint8_t *degrees, uint8_t *clustering, uint8_t *cycles)
{
  double triangles[SET_NODES_MAX], squares[SET_NODES_MAX];
  masks_cycles(n, adjacency, triangles, squares, NULL, NULL);
  for (int i = 0; i < n; i++) {
    const int degree = set_size(adjacency[i]);
    degrees[degree]++;
    clustering[degree < 2 ? 0 : clustering_bin(2 * triangles[i] / (degree * (degree - 1)))]++;
    cycles[cycle_bin(triangles[i])]++;
    cycles[CYCLE_BINS + cycle_bin(squares[i])]++;
  }
}

/* Of `used` lanes; rows one after the other. */
static void add_spectra(int n, const uint64_t *adjacency, int used, uint8_t *row)
{
  double  edge[SPECTRUM_BINS - 1];
  uint8_t below[SPECTRUM_BINS - 1][LAMBDA2_LANES];
  for (int k = 0; k < SPECTRUM_BINS - 1; k++) edge[k] = (k + 1) * ((2 + 1e-5) / SPECTRUM_BINS) - 1e-5;
  normalised_counts_lanes(isa_level(), n, adjacency, SPECTRUM_BINS - 1, edge, below[0]);
  for (int l = 0; l < used; l++, row += histogram_bytes[SPECTRUM]) {
    for (int k = 0; k < SPECTRUM_BINS; k++) row[k] = (uint8_t)((k < SPECTRUM_BINS - 1 ? below[k][l] : n) - (k > 0 ? below[k - 1][l] : 0));
  }
}

/* Rows at .. at + used - 1: the named graphs, which have n vertices. */
static void fill(const GraphSample *s, int n, int used, const int64_t *graph, int64_t at, const Histograms *out)
{
  uint64_t lanes[SET_NODES_MAX * LAMBDA2_LANES] = {0}, adjacency[SET_NODES_MAX];
  for (int l = 0; l < used; l++) {
    sample_masks(s, graph[l], adjacency);
    for (int i = 0; i < n; i++) lanes[i * LAMBDA2_LANES + l] = adjacency[i];
    add_cycles(n, adjacency, out->row[DEGREES] + (at + l) * histogram_bytes[DEGREES],
               out->row[CLUSTERING] + (at + l) * histogram_bytes[CLUSTERING], out->row[CYCLES] + (at + l) * histogram_bytes[CYCLES]);
  }
  if (n > 0) add_spectra(n, lanes, used, out->row[SPECTRUM] + at * histogram_bytes[SPECTRUM]);
}

PetscErrorCode histograms_create(const GraphSample *s, int64_t most, Histograms *out)
{
  int64_t next[SET_NODES_MAX + 2], *graph;
  PetscFunctionBeginUser;
  *out = (Histograms){.count = s->count < most ? s->count : most};
  if (out->count < 0) out->count = 0;
  for (int64_t g = 0; g < out->count; g++) out->first[s->size[g] + 1]++;
  for (int n = 1; n < SET_NODES_MAX + 2; n++) out->first[n] += out->first[n - 1];
  for (int n = 0; n < SET_NODES_MAX + 2; n++) next[n] = out->first[n];
  for (int k = 0; k < STATISTICS; k++) PetscCall(PetscCalloc1(out->count * histogram_bytes[k], &out->row[k]));
  PetscCall(PetscMalloc1(out->count, &graph)); /* of every row */
  for (int64_t g = 0; g < out->count; g++) graph[next[s->size[g]]++] = g;
  for (int n = 0; n <= SET_NODES_MAX; n++)
    for (int64_t at = out->first[n]; at < out->first[n + 1]; at += LAMBDA2_LANES)
      fill(s, n, (int)PetscMin(LAMBDA2_LANES, out->first[n + 1] - at), graph + at, at, out);
  PetscCall(PetscFree(graph));
  PetscFunctionReturn(0);
}

void histograms_destroy(Histograms *h)
{
  for (int k = 0; k < STATISTICS; k++) (void)PetscFree(h->row[k]);
  *h = (Histograms){0};
}
