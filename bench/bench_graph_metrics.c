/* SPDX-License-Identifier: BSD-2-Clause
 * Time of the statistics of sets of graphs: barbells of 16 vertices and chains of 45, permuted, GRAPHS each, against as many others.
 * Thread CPU time, medians, interleaved; microseconds a graph (distances: of both sets; cut to MOST graphs). Validates first (bisection
 * against all halves); exits 1 otherwise. MYOPIA_ISA=base|v3|v4 lowers the level.
 *   bench_graph_metrics [REPEATS]              one line a kind of sets
 *   bench_graph_metrics --sets FILE REPEATS    for compare_graph_metrics.py: two sets as tests/graph_metrics_driver.c reads them; a line a
 *                                              term: seconds, values */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_metrics.h"
#include "isa.h"
#include "measure.h"

enum { GRAPHS = 1000, MOST = 512, CHECKED = 20, REPEATS_MAX = 1000 };
enum { CONNECTED, EDGES, BISECTION, LAMBDA2, DISTANCES, CLASSES, FOUND, VALID, PLANAR, TERMS };
static const char *const names[TERMS] = {"connected", "edges", "bisection", "lambda2", "distances", "classes", "found", "valid", "planar"};

typedef struct Work {
  GraphSample  x, y;
  GraphSetSpec spec, planar;
  int64_t      most;
  uint8_t     *bytes;
  int32_t     *counts;
  int64_t *class;
  double        *values;
  GraphDistances distances;
} Work;

static Work work_of(GraphSample x, GraphSample y, GraphSetSpec spec, int64_t most)
{
  const size_t count = (size_t)x.count;
  return (Work){.x      = x,
                .y      = y,
                .spec   = spec,
                .planar = {.kind = SET_PLANAR},
                .most   = most,
                .bytes  = calloc(count, sizeof(uint8_t)),
                .counts = calloc(count, sizeof(int32_t)),
                .class  = calloc(count, sizeof(int64_t)),
                .values = calloc(count, sizeof(double))};
}

static void work_free(Work *w)
{
  free(w->bytes);
  free(w->counts);
  free(w->class);
  free(w->values);
}

static PetscErrorCode run(int term, Work *w)
{
  PetscFunctionBeginUser;
  switch (term) {
  case CONNECTED: graphs_connected(&w->x, w->bytes); break;
  case EDGES: graphs_edges(&w->x, w->counts); break;
  case BISECTION: graphs_bisection(&w->x, w->counts); break;
  case LAMBDA2: PetscCall(graphs_lambda2(&w->x, w->values)); break;
  case DISTANCES: PetscCall(graph_distances(&w->x, &w->y, w->most, &w->distances)); break;
  case CLASSES: graphs_classes(&w->x, w->class); break;
  case FOUND: graphs_found(&w->x, &w->y, w->bytes); break;
  case VALID: graphs_valid(&w->x, &w->spec, NULL, w->bytes); break;
  default: graphs_valid(&w->x, &w->planar, NULL, w->bytes); break;
  }
  PetscFunctionReturn(0);
}

static double time_of(int term, Work *w)
{
  const double begin = thread_ns();
  if (run(term, w)) exit(1);
  return thread_ns() - begin;
}

static bool valid(const GraphSample *all)
{
  int32_t     fast[CHECKED], slow[CHECKED];
  GraphSample few = *all;
  few.count       = few.count < CHECKED ? few.count : CHECKED;
  graphs_bisection(&few, fast);
  graphs_bisection_reference(&few, slow);
  if (memcmp(fast, slow, (size_t)few.count * sizeof *fast) == 0) return true;
  fprintf(stderr, "bisection differs from the reference\n");
  return false;
}

static int bench(const GraphSetSpec *spec, int repeats)
{
  static double sample[TERMS][REPEATS_MAX];
  GraphSet     *x, *y;
  if (graph_set_generate(spec, 1, 0, GRAPHS, &x) || graph_set_generate(spec, 1, 1, GRAPHS, &y)) return 1;
  Work w = work_of(graph_sample_of(x), graph_sample_of(y), *spec, MOST);
  if (!valid(&w.x)) return 1;
  for (int r = 0; r < repeats; r++)
    for (int k = 0; k < TERMS; k++) sample[k][r] = time_of(k, &w);
  printf("graph metrics %s, %s n=%d, us a graph:", isa_name(isa_level()), graph_set_names[spec->kind], x->n);
  for (int k = 0; k < TERMS; k++) printf(" %s %.2f", names[k], median(repeats, sample[k]) / 1e3 / (k == DISTANCES ? MOST : GRAPHS));
  printf("\n");
  work_free(&w);
  graph_set_destroy(&y);
  graph_set_destroy(&x);
  return 0;
}

static bool read_sample(FILE *file, GraphSample *s)
{
  int64_t head[3];
  if (fread(head, sizeof *head, 3, file) != 3 || head[2]) return false;
  const size_t   count = (size_t)head[1], pairs = (size_t)pair_count((int)head[0]);
  uint8_t *const bytes = calloc(count * (1 + pairs), 1);
  *s                   = (GraphSample){.n = (int)head[0], .count = head[1], .size = bytes, .edge = bytes + count};
  return fread(bytes, 1, count * (1 + pairs), file) == count * (1 + pairs);
}

static void print_values(int term, const Work *w)
{
  const GraphDistances d = w->distances;
  if (term == DISTANCES) printf(" %.17g %.17g %.17g %.17g", d.degree, d.clustering, d.cycles, d.spectrum);
  for (int64_t g = 0; term != DISTANCES && g < w->x.count; g++) {
    if (term == BISECTION) printf(" %d", w->counts[g]);
    if (term == CONNECTED || term == PLANAR) printf(" %d", w->bytes[g]);
    if (term == LAMBDA2) printf(" %.17g", w->values[g]);
    if (term == CLASSES) printf(" %ld", (long)w->class[g]);
  }
}

static int compare(const char *path, int repeats)
{
  static const int terms[] = {CONNECTED, BISECTION, LAMBDA2, DISTANCES, CLASSES, PLANAR};
  double           sample[REPEATS_MAX];
  GraphSample      x = {0}, y = {0};
  FILE            *file = fopen(path, "rb");
  if (!file || !read_sample(file, &x) || !read_sample(file, &y)) return 2;
  fclose(file);
  Work w = work_of(x, y, (GraphSetSpec){.kind = SET_FILE}, INT64_MAX);
  for (size_t k = 0; k < sizeof terms / sizeof *terms; k++) {
    for (int r = 0; r < repeats; r++) sample[r] = time_of(terms[k], &w);
    printf("%s %.17g", names[terms[k]], 1e-9 * median(repeats, sample));
    print_values(terms[k], &w);
    printf("\n");
  }
  work_free(&w);
  free((void *)x.size);
  free((void *)y.size);
  return 0;
}

int main(int argc, char **argv)
{
  const bool         comparing = argc == 4 && strcmp(argv[1], "--sets") == 0;
  const int          repeats   = comparing ? atoi(argv[3]) : argc > 1 ? atoi(argv[1]) : 11;
  const GraphSetSpec barbell   = {
        .kind = SET_BARBELL, .clusters = 2, .size = {8, 8}, .bridge_frequency = 0.2, .intra_frequency = 0.95, .permute = true};
  const GraphSetSpec chain = {
      .kind = SET_CHAIN, .clusters = 3, .size = {24, 12, 9}, .bridge_frequency = 0.5, .intra_frequency = 0.95, .permute = true};
  if (repeats < 1 || repeats > REPEATS_MAX || (argc > 2 && !comparing)) {
    fprintf(stderr, "usage: bench_graph_metrics [REPEATS] | --sets FILE REPEATS\n");
    return 2;
  }
  if (comparing) return compare(argv[2], repeats);
  return bench(&barbell, repeats) || bench(&chain, repeats);
}
