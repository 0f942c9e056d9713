/* SPDX-License-Identifier: BSD-2-Clause
 * Graphs for the tests of sparse spectra, and comparisons that say what they expected. */
#ifndef MYOPIA_SPECTRUM_FIXTURE_H
#define MYOPIA_SPECTRUM_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <mpi.h>

#include "graph_source.h"

typedef struct Named {
  const char *name;
  GraphSpec   spec;
} Named;

/* Of about 60 to 110 vertices each. */
static const Named families[] = {
    {"path", {.kind = GRAPH_PATH, .nodes = 80}},
    {"cycle", {.kind = GRAPH_CYCLE, .nodes = 81}},
    {"complete", {.kind = GRAPH_COMPLETE, .nodes = 60}},
    {"hypercube", {.kind = GRAPH_HYPERCUBE, .dimension = 6}},
    {"square", {.kind = GRAPH_GRID_2D, .width = 9, .height = 9}},
    {"rectangle", {.kind = GRAPH_GRID_2D, .width = 20, .height = 4}},
    {"cube", {.kind = GRAPH_GRID_3D, .width = 4, .height = 4, .depth = 4}},
    {"torus", {.kind = GRAPH_TORUS, .width = 8, .height = 9}},
    {"barbell", {.kind = GRAPH_BARBELL, .clique_size = 30, .bridges = 1}},
    {"chain", {.kind = GRAPH_CHAIN, .clique_size = 9, .cliques = 8, .bridges = 2}},
    {"sparse random", {.kind = GRAPH_ERDOS_RENYI, .nodes = 100, .degree = 1.5, .seed = 1}},
    {"random", {.kind = GRAPH_ERDOS_RENYI, .nodes = 90, .degree = 8, .seed = 2}},
    {"blocks", {.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = 90, .blocks = 3, .degree_in = 8, .degree_out = 0.2, .seed = 3}},
    {"small world", {.kind = GRAPH_WATTS_STROGATZ, .nodes = 100, .degree = 4, .rewire = 0.1, .seed = 4}},
    {"attachment", {.kind = GRAPH_BARABASI_ALBERT, .nodes = 100, .degree = 3, .seed = 5}},
    {"tree", {.kind = GRAPH_BARABASI_ALBERT, .nodes = 100, .degree = 1, .seed = 6}},
    {"geometric", {.kind = GRAPH_GEOMETRIC, .nodes = 100, .degree = 6, .seed = 7}},
    {"dense geometric", {.kind = GRAPH_GEOMETRIC, .nodes = 90, .degree = 14, .seed = 8}},
    {"rmat", {.kind = GRAPH_RMAT, .scale = 7, .edge_factor = 4, .rmat_a = 0.57, .rmat_b = 0.19, .rmat_c = 0.19, .seed = 9}},
};
enum { FAMILIES = sizeof families / sizeof families[0] };

static inline Graph *graph_of(const Named *family, GraphWeights weights)
{
  Graph      *g      = NULL;
  int64_t    *id     = NULL;
  GraphErrors errors = {0};
  GraphReport report;
  GraphSpec   spec = family->spec;
  spec.weights     = weights;
  assert_int_equal(graph_source_build(&spec, &g, &id, &report, &errors), 0);
  if (!g) fail_msg("%s: %s", family->name, errors.n ? errors.line[0] : "no graph");
  (void)PetscFree(id);
  return g;
}

static inline void near(const char *what, int64_t index, double got, double expected, double tolerance)
{
  if (!(fabs(got - expected) <= tolerance))
    fail_msg("%s, %lld: expected %.17g, got %.17g, tolerance %g", what, (long long)index, expected, got, tolerance);
}

/* The graphs side by side. */
static inline Graph *union_of(int n_parts, const Graph *const *part, int64_t isolated)
{
  int64_t n = isolated, m = 0;
  Graph  *out = NULL;
  for (int p = 0; p < n_parts; p++) {
    n += part[p]->n;
    m += part[p]->m;
  }
  int64_t *u = calloc((size_t)m + 1, sizeof *u), *v = calloc((size_t)m + 1, sizeof *v), first = 0, e = 0;
  double  *w = calloc((size_t)m + 1, sizeof *w);
  for (int p = 0; p < n_parts; p++) {
    for (int64_t k = 0; k < part[p]->m; k++, e++) {
      u[e] = first + part[p]->u[k];
      v[e] = first + part[p]->v[k];
      w[e] = graph_weight(part[p], k);
    }
    first += part[p]->n;
  }
  assert_int_equal(graph_create(n, m, u, v, w, &out), 0);
  free(u);
  free(v);
  free(w);
  return out;
}

static inline double degree_max(const Graph *g)
{
  double *degree = calloc((size_t)g->n + 1, sizeof *degree), most = 0;
  for (int64_t e = 0; e < g->m; e++) {
    degree[g->u[e]] += graph_weight(g, e);
    degree[g->v[e]] += graph_weight(g, e);
  }
  for (int64_t i = 0; i < g->n; i++) most = fmax(most, degree[i]);
  free(degree);
  return most;
}

/* y = L x. */
static inline void multiply(const Graph *g, const double *x, double *y)
{
  for (int64_t i = 0; i < g->n; i++) y[i] = 0;
  for (int64_t e = 0; e < g->m; e++) {
    const double flow = graph_weight(g, e) * (x[g->u[e]] - x[g->v[e]]);
    y[g->u[e]] += flow;
    y[g->v[e]] -= flow;
  }
}

/* Rank 0's bytes are everyone's. */
static inline void same_on_all_ranks(const char *what, const void *data, size_t bytes)
{
  char *copy = malloc(bytes + 1);
  memcpy(copy, data, bytes);
  MPI_Bcast(copy, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
  if (memcmp(copy, data, bytes) != 0) fail_msg("%s: not the same bits as on rank 0", what);
  free(copy);
}

#endif
