/* SPDX-License-Identifier: BSD-2-Clause
 * Statistics of sets of graphs from a file, as numbers on standard output, for the peers in Python.
 *   graph_metrics_driver FILE MOST                        a set of graphs, or two
 *   graph_metrics_driver FILE MOST KIND PERMUTE SIZE...   and validity under a law: kind by name, permuted 0 or 1, sizes of clusters
 * A set is int64 n, count, with_nodes, then bytes: size (count), node (count, n) when with_nodes, edge (count, pairs of n). MOST is that of
 * graph_distances. One line a quantity: its name, then its values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_features.h"
#include "graph_metrics.h"
#include "memory.h"

static uint8_t *read_bytes(FILE *file, int64_t count)
{
  uint8_t *out = mem_calloc((size_t)count + 1, 1);
  if (fread(out, 1, (size_t)count, file) == (size_t)count) return out;
  fprintf(stderr, "graph_metrics_driver: the file is too short\n");
  exit(2);
}

/* False at the end of the file. */
static bool read_sample(FILE *file, GraphSample *s)
{
  int64_t head[3];
  if (fread(head, sizeof *head, 3, file) != 3) return false;
  const int n = (int)head[0];
  *s          = (GraphSample){.n = n, .count = head[1], .size = read_bytes(file, head[1])};
  if (head[2]) s->node = read_bytes(file, head[1] * n);
  s->edge = read_bytes(file, head[1] * pair_count(n));
  return true;
}

static void free_sample(GraphSample *s)
{
  free((void *)s->size);
  free((void *)s->node);
  free((void *)s->edge);
}

#define PRINT(name, format, type, count, call)                                                                                             \
  do {                                                                                                                                     \
    type *const value = mem_calloc((size_t)(count) + 1, sizeof *value);                                                                    \
    call;                                                                                                                                  \
    printf("%s", name);                                                                                                                    \
    for (int64_t i = 0; i < (count); i++) printf(" " format, value[i]);                                                                    \
    printf("\n");                                                                                                                          \
    free(value);                                                                                                                           \
  } while (0)

static void planar(const GraphSample *s, uint8_t *out)
{
  uint64_t adjacency[SET_NODES_MAX];
  for (int64_t g = 0; g < s->count; g++) {
    masks_of_edges(s->size[g], s->edge + g * pair_count(s->n), adjacency);
    out[g] = graph_planar(s->size[g], adjacency);
  }
}

static PetscErrorCode print_sample(const GraphSample *s)
{
  PetscFunctionBeginUser;
  PRINT("connected", "%d", uint8_t, s->count, graphs_connected(s, value));
  PRINT("edges", "%d", int32_t, s->count, graphs_edges(s, value));
  PRINT("bisection", "%d", int32_t, s->count, graphs_bisection(s, value));
  PRINT("lambda2", "%.17g", double, s->count, PetscCall(graphs_lambda2(s, value)));
  PRINT("planar", "%d", uint8_t, s->count, planar(s, value));
  PRINT("class", "%ld", int64_t, s->count, graphs_classes(s, value));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_both(const GraphSample *x, const GraphSample *y, int64_t most)
{
  GraphDistances d;
  GraphNovelty   novelty;
  PetscFunctionBeginUser;
  PRINT("found", "%d", uint8_t, x->count, graphs_found(x, y, value));
  PetscCall(graph_distances(x, y, most, &d));
  PetscCall(graph_novelty(x, y, NULL, &novelty));
  printf("distances %.17g %.17g %.17g %.17g\n", d.degree, d.clustering, d.cycles, d.spectrum);
  printf("novelty %.17g %.17g\n", novelty.unique, novelty.novel);
  PetscFunctionReturn(0);
}

static void print_valid(const GraphSample *s, int words, char **word)
{
  GraphSetSpec spec = {.permute = atoi(word[1]) != 0};
  while (graph_set_names[spec.kind] && strcmp(graph_set_names[spec.kind], word[0]) != 0) spec.kind++;
  for (int k = 2; k < words; k++) spec.size[spec.clusters++] = atoi(word[k]);
  PRINT("valid", "%d", uint8_t, s->count, graphs_valid(s, &spec, NULL, value));
}

int main(int argc, char **argv)
{
  FILE          *file = argc >= 3 ? fopen(argv[1], "rb") : NULL;
  GraphSample    x = {0}, y = {0};
  PetscErrorCode code = 0;
  if (!file || !read_sample(file, &x)) {
    fprintf(stderr, "usage: graph_metrics_driver FILE MOST [KIND PERMUTE SIZE...]\n");
    return 2;
  }
  code = print_sample(&x);
  if (!code && read_sample(file, &y)) code = print_both(&x, &y, atoll(argv[2]));
  if (argc > 4) print_valid(&x, argc - 3, argv + 3);
  free_sample(&x);
  free_sample(&y);
  fclose(file);
  return code != 0;
}
