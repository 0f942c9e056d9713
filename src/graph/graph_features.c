/* SPDX-License-Identifier: BSD-2-Clause
 * Features that denoisers are given: degrees, cycles and the lowest Laplacian eigenspaces of a graph for the transformer (Vignac et al.,
 * DiGress, ICLR 2023, appendix B, with projectors in place of eigenvectors, whose sign and basis are arbitrary), local features of a pair
 * for the pair-wise perceptron. The null space is told by counting components, never by the size of an eigenvalue. */
#include "graph_features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph_set.h"

static const double SAME_EIGENVALUE = 1e-6;

enum { CYCLE_LENGTHS = 3 };

void features_count(unsigned flags, int *node, int *pair, int *graph)
{
  *node = *pair = *graph = 0;
  if (flags & FEATURE_DEGREE) {
    *node += 1;
    *graph += 2;
  }
  if (flags & FEATURE_CYCLES) {
    *node += CYCLE_LENGTHS;
    *graph += CYCLE_LENGTHS;
  }
  if (flags & FEATURE_SPECTRUM) {
    *node += SPECTRUM_SPACES;
    *pair += SPECTRUM_SPACES + 1;
    *graph += SPECTRUM_VALUES;
  }
}

/* Where the next kind of features goes: columns of a row of `stride`. */
typedef struct Columns {
  float *at;
  int    stride;
} Columns;

static void fill_degree(int n, const uint64_t *adjacency, int components, Columns node, float *graph)
{
  int sum = 0;
  for (int i = 0; i < n; i++) {
    const int degree         = __builtin_popcountll(adjacency[i]);
    node.at[i * node.stride] = (float)degree / (float)n;
    sum += degree;
  }
  graph[0] = (float)sum / (float)(n * n);
  graph[1] = (float)components / (float)n;
}

static void fill_cycles(int n, const uint64_t *adjacency, Columns node, float *graph)
{
  double through[CYCLE_LENGTHS][SET_NODES_MAX], total[CYCLE_LENGTHS];
  masks_cycles(n, adjacency, through[0], through[1], through[2], total);
  for (int k = 0; k < CYCLE_LENGTHS; k++) {
    graph[k] = (float)(log1p(total[k]) / 10);
    for (int i = 0; i < n; i++) node.at[i * node.stride + k] = (float)(log1p(through[k][i]) / 5);
  }
}

/* Projector onto eigenvectors first .. last - 1 times n_s = n / (10 dim). */
static void fill_projector(int n, const double *vector, int first, int last, Columns node, Columns pair)
{
  const double scale = (double)n / (10.0 * (last - first));
  for (int j = 0; j < n; j++) {
    for (int i = 0; i <= j; i++) {
      double sum = 0;
      for (int k = first; k < last; k++) sum += vector[k * n + i] * vector[k * n + j];
      if (i == j)
        node.at[j * node.stride] = (float)(scale * sum);
      else
        pair.at[pair_index(i, j) * pair.stride] = (float)(scale * sum);
    }
  }
}

static void fill_zero(int n, Columns node, Columns pair)
{
  for (int i = 0; i < n; i++) node.at[i * node.stride] = 0;
  for (int k = 0; k < pair_count(n); k++) pair.at[k * pair.stride] = 0;
}

static PetscErrorCode fill_spectrum(int n, const uint64_t *adjacency, int components, const uint8_t *component, Columns node, Columns pair,
                                    float *graph, double *work)
{
  double *const vector = work, *const value = vector + (size_t)n * (size_t)n;

  PetscFunctionBeginUser;
  PetscCall(masks_spectrum(n, adjacency, false, value, vector, value + n));
  for (int k = 0; k < SPECTRUM_VALUES; k++) graph[k] = k < components || k >= n ? 0 : (float)(value[k] / n);
  int first = components;
  for (int s = 0; s < SPECTRUM_SPACES; s++, node.at++, pair.at++) {
    int last = first + 1;
    while (last < n && value[last] - value[last - 1] <= SAME_EIGENVALUE) last++;
    if (first < n)
      fill_projector(n, vector, first, last, node, pair);
    else
      fill_zero(n, node, pair);
    first = last;
  }
  for (int j = 1; j < n; j++)
    for (int i = 0; i < j; i++) pair.at[pair_index(i, j) * pair.stride] = component[i] == component[j];
  PetscFunctionReturn(0);
}

PetscErrorCode features_fill(unsigned flags, int n, const uint64_t *adjacency, float *node, float *pair, float *graph, double *work)
{
  uint8_t component[SET_NODES_MAX];
  Columns nodes = {.at = node}, pairs = {.at = pair};
  int     n_graph;

  PetscFunctionBeginUser;
  features_count(flags, &nodes.stride, &pairs.stride, &n_graph);
  const int components = masks_components(n, adjacency, component);
  if (flags & FEATURE_DEGREE) {
    fill_degree(n, adjacency, components, nodes, graph);
    nodes.at += 1;
    graph += 2;
  }
  if (flags & FEATURE_CYCLES) {
    fill_cycles(n, adjacency, nodes, graph);
    nodes.at += CYCLE_LENGTHS;
    graph += CYCLE_LENGTHS;
  }
  if (flags & FEATURE_SPECTRUM) PetscCall(fill_spectrum(n, adjacency, components, component, nodes, pairs, graph, work));
  PetscFunctionReturn(0);
}

void features_pairs(int n, const uint64_t *adjacency, float *out)
{
  enum { DETOURS = 5 };
  uint8_t     detour[SET_NODES_MAX * (SET_NODES_MAX - 1) / 2];
  const float scale = 1 / (float)n;
  masks_detours(n, adjacency, detour);
  for (int j = 1; j < n; j++) {
    const int dj = __builtin_popcountll(adjacency[j]);
    for (int i = 0; i < j; i++, out += PAIR_FEATURES) {
      const int di = __builtin_popcountll(adjacency[i]), length = detour[pair_index(i, j)];
      memset(out, 0, PAIR_FEATURES * sizeof *out);
      out[0] = (float)(di + dj) * scale;
      out[1] = (float)abs(di - dj) * scale;
      out[2] = (float)__builtin_popcountll(adjacency[i] & adjacency[j]) * scale;
      out[PAIR_FEATURES - DETOURS + (length == 0 ? DETOURS - 1 : length > 4 ? 3 : length - 2)] = 1;
    }
  }
}
