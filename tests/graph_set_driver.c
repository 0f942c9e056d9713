/* SPDX-License-Identifier: BSD-2-Clause
 * Sets of small graphs as numbers on standard output, for the peers in Python.
 *   graph_set_driver features FILE                what the library says about every graph of a set file
 *   graph_set_driver generate KIND SIZES EPS INTRA PERMUTE COUNT     a set file (SIZES: 8,8)
 * Features: one line a quantity and graph: its name, then its values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_features.h"
#include "graph_set.h"

enum { NODES = SET_NODES_MAX, PAIRS = NODES * (NODES - 1) / 2 };

static void print(const char *name, int n, const double *x)
{
  printf("%s", name);
  for (int k = 0; k < n; k++) printf(" %.17g", x[k]);
  printf("\n");
}

static void print_floats(const char *name, int n, const float *x)
{
  printf("%s", name);
  for (int k = 0; k < n; k++) printf(" %.9g", (double)x[k]);
  printf("\n");
}

static void print_bytes(const char *name, int n, const uint8_t *x)
{
  printf("%s", name);
  for (int k = 0; k < n; k++) printf(" %d", x[k]);
  printf("\n");
}

static PetscErrorCode print_spectra(int n, const uint64_t *adjacency)
{
  double  value[NODES];
  double *work = malloc((size_t)masks_spectrum_work(n) * sizeof *work);

  PetscFunctionBeginUser;
  for (int normalised = 0; normalised < 2; normalised++) {
    PetscCall(masks_spectrum(n, adjacency, normalised, value, NULL, work));
    print(normalised ? "normalised" : "spectrum", n, value);
  }
  free(work);
  PetscFunctionReturn(0);
}

static PetscErrorCode print_features(int n, const uint64_t *adjacency)
{
  static float node[NODES * 8], pair[PAIRS * PAIR_FEATURES], graph[16];
  int          n_node, n_pair, n_graph;
  double      *work = malloc((size_t)masks_spectrum_work(n) * sizeof *work);

  PetscFunctionBeginUser;
  features_count(FEATURE_SPECTRUM, &n_node, &n_pair, &n_graph);
  PetscCall(features_fill(FEATURE_SPECTRUM, n, adjacency, node, pair, graph, work));
  print_floats("node", n * n_node, node);
  print_floats("pair", pair_count(n) * n_pair, pair);
  print_floats("graph", n_graph, graph);
  features_pairs(n, adjacency, pair);
  print_floats("pair_features", pair_count(n) * PAIR_FEATURES, pair);
  free(work);
  PetscFunctionReturn(0);
}

static PetscErrorCode print_graph(const GraphSet *s, int64_t g)
{
  const int n = s->size[g];
  uint64_t  adjacency[NODES];
  uint8_t   component[NODES], detour[PAIRS];
  double    through[3][NODES];

  PetscFunctionBeginUser;
  masks_of_edges(n, s->edge + g * s->pairs, adjacency);
  masks_components(n, adjacency, component);
  print_bytes("component", n, component);
  masks_detours(n, adjacency, detour);
  print_bytes("detours", pair_count(n), detour);
  print_bytes("bridges", pair_count(n), s->bridge + g * s->pairs);
  print("resistance", pair_count(n), s->resistance + g * s->pairs);
  masks_cycles(n, adjacency, through[0], through[1], through[2], NULL);
  print("triangles", n, through[0]);
  print("squares", n, through[1]);
  print("pentagons", n, through[2]);
  PetscCall(print_spectra(n, adjacency));
  PetscCall(print_features(n, adjacency));
  PetscFunctionReturn(0);
}

static PetscErrorCode features(const char *path)
{
  GraphErrors errors = {0};
  GraphSet   *set;

  PetscFunctionBeginUser;
  PetscCall(graph_set_read(path, &set, &errors));
  for (int k = 0; k < errors.n; k++) fprintf(stderr, "%s\n", errors.line[k]);
  graph_errors_clear(&errors);
  if (!set) exit(2);
  PetscCall(graph_set_resistance(set));
  for (int64_t g = 0; g < set->count; g++) PetscCall(print_graph(set, g));
  graph_set_destroy(&set);
  PetscFunctionReturn(0);
}

static PetscErrorCode generate(char **word)
{
  GraphSetSpec spec = {.bridge_frequency = atof(word[2]), .intra_frequency = atof(word[3]), .permute = atoi(word[4]) != 0};
  GraphSet    *set;

  PetscFunctionBeginUser;
  while (strcmp(graph_set_names[spec.kind], word[0]) != 0) spec.kind++;
  for (const char *c = word[1]; c && *c; c = strchr(c, ',') ? strchr(c, ',') + 1 : NULL) spec.size[spec.clusters++] = atoi(c);
  PetscCall(graph_set_generate(&spec, 1, 0, atoi(word[5]), &set));
  const int failed = graph_set_write(stdout, set->n, set->a, set->b, set->count, set->size, set->node, set->edge);
  graph_set_destroy(&set);
  PetscCheck(failed == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "standard output: %s", strerror(failed));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  if (argc == 3 && strcmp(argv[1], "features") == 0) return features(argv[2]) != 0;
  if (argc == 8 && strcmp(argv[1], "generate") == 0) return generate(argv + 2) != 0;
  fprintf(stderr, "usage: graph_set_driver features FILE | generate KIND SIZES EPS INTRA PERMUTE COUNT\n");
  return 2;
}
