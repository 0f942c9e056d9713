/* SPDX-License-Identifier: BSD-2-Clause
 * Sets of small graphs and their features: thread CPU time of 4096 graphs (drawn, resistances, statistics), of the features of one graph
 * of independent edges, and of the probability of connectedness. Medians. */
#include <stdio.h>
#include <stdlib.h>

#include "graph_features.h"
#include "graph_set.h"
#include "measure.h"
#include "rng.h"

enum { REPEATS = 5, COUNT = 4096, GRAPHS = 200, NODES = SET_NODES_MAX, PAIRS = NODES * (NODES - 1) / 2 };

static void measure_set(GraphSetKind kind, int size)
{
  const GraphSetSpec spec = {
      .kind = kind, .clusters = 2, .size = {size, size}, .bridge_frequency = 0.05, .intra_frequency = 0.95, .permute = true};
  double    draw[REPEATS], resistance[REPEATS], stats[REPEATS];
  GraphSet *s = NULL;
  for (int r = 0; r < REPEATS; r++) {
    GraphSetStats out;
    graph_set_destroy(&s);
    const double start = thread_ns();
    if (graph_set_generate(&spec, 1, 0, COUNT, &s)) exit(1);
    const double drawn = thread_ns();
    if (graph_set_resistance(s)) exit(1);
    const double solved = thread_ns();
    if (graph_set_stats(s, &out)) exit(1);
    stats[r]      = 1e-9 * (thread_ns() - solved);
    resistance[r] = 1e-9 * (solved - drawn);
    draw[r]       = 1e-9 * (drawn - start);
    graph_set_stats_clear(&out);
  }
  printf("%-8s n = %2d: drawn %.3f s, resistances %.3f s, statistics %.3f s\n", graph_set_names[kind], s->n, median(REPEATS, draw),
         median(REPEATS, resistance), median(REPEATS, stats));
  graph_set_destroy(&s);
}

/* Microseconds a graph of one kind of features; flags 0: those of pairs. */
static double features_us(unsigned flags, int n, const uint64_t adjacency[GRAPHS][NODES])
{
  static float node[NODES * 8], pair[PAIRS * PAIR_FEATURES], graph[16];
  double      *work = malloc((size_t)masks_spectrum_work(n) * sizeof *work), us[REPEATS];
  for (int r = 0; r < REPEATS; r++) {
    const double start = thread_ns();
    for (int g = 0; g < GRAPHS; g++)
      if (flags == 0)
        features_pairs(n, adjacency[g], pair);
      else if (features_fill(flags, n, adjacency[g], node, pair, graph, work))
        exit(1);
    us[r] = 1e-3 * (thread_ns() - start) / GRAPHS;
  }
  free(work);
  return median(REPEATS, us);
}

static void measure_features(int n, double p)
{
  static uint64_t adjacency[GRAPHS][NODES];
  Rng             r = rng_start(1, 0, RNG_VERIFY);
  for (int g = 0; g < GRAPHS; g++) {
    uint8_t edge[PAIRS];
    for (int k = 0; k < pair_count(n); k++) edge[k] = rng_uniform(&r) < p;
    masks_of_edges(n, edge, adjacency[g]);
  }
  printf("features, n = %2d, edges %.2f: degree %.2f us, cycles %.2f us, spectrum %.1f us, of pairs %.2f us a graph\n", n, p,
         features_us(FEATURE_DEGREE, n, adjacency), features_us(FEATURE_CYCLES, n, adjacency), features_us(FEATURE_SPECTRUM, n, adjacency),
         features_us(0, n, adjacency));
}

int main(void)
{
  static const int size[] = {8, 12, 16, 22};
  double           p[120], ms[REPEATS], sum = 0;
  for (int k = 0; k < 4; k++) {
    measure_set(SET_BARBELL, size[k]);
    measure_set(SET_PLANAR, size[k]);
  }
  for (int k = 0; k < 4; k++) {
    measure_features(2 * size[k], 0.12);
    measure_features(2 * size[k], 0.4);
  }
  for (int k = 0; k < 120; k++) p[k] = 0.3;
  for (int r = 0; r < REPEATS; r++) {
    const double start = thread_ns();
    sum += connected_independent(16, p);
    ms[r] = 1e-6 * (thread_ns() - start);
  }
  printf("connected_independent, n = 16: %.1f ms (probability %.12f)\n", median(REPEATS, ms), sum / REPEATS);
  return 0;
}
