/* SPDX-License-Identifier: BSD-2-Clause
 * Generators against closed forms and theory, weights, the shared graph, and blocks, adjacency and subgraphs against brute force. */
#include "graph_source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/edge_list.h"
#include "memo.h"
#include "rng.h"

static Graph *build(const GraphSpec *spec, GraphReport *report)
{
  Graph      *g;
  int64_t    *id;
  GraphErrors errors = {0};
  assert_int_equal(graph_source_build(spec, &g, &id, report, &errors), 0);
  if (errors.n > 0) fail_msg("%s: %s", graph_kind_names[spec->kind], errors.line[0]);
  assert_non_null(g);
  if (spec->keep == KEEP_ALL) assert_null(id);
  assert_int_equal(PetscFree(id), 0);
  return g;
}

static void is_sound(const Graph *g, const GraphSpec *spec, const char *what)
{
  int64_t n, m;
  for (int64_t e = 0; e < g->m; e++) {
    if (g->u[e] < 0 || g->u[e] >= g->v[e] || g->v[e] >= g->n)
      fail_msg("%s: edge %lld is (%lld, %lld)", what, (long long)e, (long long)g->u[e], (long long)g->v[e]);
    if (e > 0 && (g->u[e] < g->u[e - 1] || (g->u[e] == g->u[e - 1] && g->v[e] <= g->v[e - 1])))
      fail_msg("%s: edge %lld is out of order or repeated", what, (long long)e);
  }
  graph_source_estimate(spec, &n, &m);
  if (n < g->n || m < g->m)
    fail_msg("%s: estimated %lld vertices and %lld edges, got %lld and %lld", what, (long long)n, (long long)m, (long long)g->n,
             (long long)g->m);
}

static const struct {
  GraphSpec spec;
  int64_t   n, m;
  int64_t   degree[2]; /* smallest, largest */
} exact[] = {
    {{.kind = GRAPH_PATH, .nodes = 1}, 1, 0, {0, 0}},
    {{.kind = GRAPH_PATH, .nodes = 100}, 100, 99, {1, 2}},
    {{.kind = GRAPH_CYCLE, .nodes = 3}, 3, 3, {2, 2}},
    {{.kind = GRAPH_CYCLE, .nodes = 101}, 101, 101, {2, 2}},
    {{.kind = GRAPH_COMPLETE, .nodes = 1}, 1, 0, {0, 0}},
    {{.kind = GRAPH_COMPLETE, .nodes = 40}, 40, 780, {39, 39}},
    {{.kind = GRAPH_HYPERCUBE, .dimension = 0}, 1, 0, {0, 0}},
    {{.kind = GRAPH_HYPERCUBE, .dimension = 7}, 128, 448, {7, 7}},
    {{.kind = GRAPH_GRID_2D, .width = 1, .height = 1}, 1, 0, {0, 0}},
    {{.kind = GRAPH_GRID_2D, .width = 13, .height = 7}, 91, 12 * 7 + 13 * 6, {2, 4}},
    {{.kind = GRAPH_GRID_3D, .width = 3, .height = 4, .depth = 5}, 60, 2 * 20 + 3 * 15 + 4 * 12, {3, 6}},
    {{.kind = GRAPH_TORUS, .width = 3, .height = 3}, 9, 18, {4, 4}},
    {{.kind = GRAPH_TORUS, .width = 9, .height = 4}, 36, 72, {4, 4}},
    {{.kind = GRAPH_BARBELL, .clique_size = 10, .bridges = 3}, 20, 93, {9, 10}},
    {{.kind = GRAPH_CHAIN, .clique_size = 6, .cliques = 5, .bridges = 1}, 30, 79, {5, 6}},
    {{.kind = GRAPH_CHAIN, .clique_size = 1, .cliques = 5, .bridges = 1}, 5, 4, {1, 2}},
    {{.kind = GRAPH_WATTS_STROGATZ, .nodes = 50, .degree = 6, .rewire = 0}, 50, 150, {6, 6}},
    {{.kind = GRAPH_ERDOS_RENYI, .nodes = 30, .degree = 29}, 30, 435, {29, 29}},
    {{.kind = GRAPH_ERDOS_RENYI, .nodes = 30, .degree = 0}, 30, 0, {0, 0}},
    {{.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = 30, .blocks = 3, .degree_in = 9, .degree_out = 0}, 30, 135, {9, 9}},
    {{.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = 30, .blocks = 3, .degree_in = 0, .degree_out = 20}, 30, 300, {20, 20}},
    {{.kind = GRAPH_BARABASI_ALBERT, .nodes = 50, .degree = 1}, 50, 49, {1, 49}},
    {{.kind = GRAPH_GEOMETRIC, .nodes = 50, .degree = 0}, 50, 0, {0, 0}},
    {{.kind = GRAPH_DELAUNAY, .nodes = 3}, 3, 3, {2, 2}},
};

static void closed_forms(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
    GraphReport report;
    char        what[64];
    snprintf(what, sizeof what, "graph %zu (%s)", i, graph_kind_names[exact[i].spec.kind]);
    Graph *g = build(&exact[i].spec, &report);
    is_sound(g, &exact[i].spec, what);
    if (g->n != exact[i].n || g->m != exact[i].m)
      fail_msg("%s: expected %lld vertices and %lld edges, got %lld and %lld", what, (long long)exact[i].n, (long long)exact[i].m,
               (long long)g->n, (long long)g->m);
    Adjacency *a;
    assert_int_equal(graph_adjacency(g, &a), 0);
    for (int64_t v = 0; v < g->n; v++) {
      const int64_t degree = a->start[v + 1] - a->start[v];
      if (degree < exact[i].degree[0] || degree > exact[i].degree[1])
        fail_msg("%s: vertex %lld: expected degree %lld to %lld, got %lld", what, (long long)v, (long long)exact[i].degree[0],
                 (long long)exact[i].degree[1], (long long)degree);
    }
    adjacency_destroy(&a);
    graph_destroy(&g);
  }
}

static void chain_is_laid_out_as_the_clique_chain(void **state)
{
  (void)state;
  const GraphSpec   spec  = {.kind = GRAPH_CHAIN, .clique_size = 5, .cliques = 4, .bridges = 2};
  const CliqueChain chain = {.n_cliques = 4, .size = {5, 5, 5, 5}, .bridges = {2, 2, 2}};
  GraphReport       report;
  Graph            *g = build(&spec, &report), *h;
  assert_int_equal(graph_clique_chain(&chain, NULL, &h), 0);
  assert_int_equal(g->m, h->m);
  for (int64_t e = 0; e < h->m; e++) {
    bool found = false;
    for (int64_t k = 0; k < g->m && !found; k++) found = g->u[k] == h->u[e] && g->v[k] == h->v[e];
    if (!found) fail_msg("edge (%lld, %lld) of the chain is missing", (long long)h->u[e], (long long)h->v[e]);
  }
  graph_destroy(&g);
  graph_destroy(&h);
}

static void near(const char *what, double got, double expected, double tolerance)
{
  if (!(fabs(got - expected) <= tolerance)) fail_msg("%s: expected %g, got %g, tolerance %g", what, expected, got, tolerance);
}

/* Numbers of edges within 6 standard deviations over ten seeds; different seeds give different graphs. */
static void densities_match_theory(void **state)
{
  (void)state;
  const int64_t n  = 3000;
  double        er = 0, in = 0, out = 0, rewired = 0, geometric = 0;
  uint64_t      first = 0;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    GraphReport report;
    GraphSpec   s = {.kind = GRAPH_ERDOS_RENYI, .nodes = n, .degree = 5, .seed = seed};
    Graph      *g = build(&s, &report);
    is_sound(g, &s, "erdos_renyi");
    er += (double)g->m;
    if (seed > 1 && edge_key(g->u[0], g->v[0]) == first && edge_key(g->u[1], g->v[1]) == first + 1) fail_msg("seeds do not matter");
    first = edge_key(g->u[0], g->v[0]);
    graph_destroy(&g);
    s = (GraphSpec){.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = n, .blocks = 7, .degree_in = 8, .degree_out = 3, .seed = seed};
    g = build(&s, &report);
    is_sound(g, &s, "stochastic_block");
    for (int64_t e = 0; e < g->m; e++) *((g->u[e] * 7 + 6) / n == (g->v[e] * 7 + 6) / n ? &in : &out) += 1;
    graph_destroy(&g);
    s = (GraphSpec){.kind = GRAPH_WATTS_STROGATZ, .nodes = n, .degree = 4, .rewire = 0.25, .seed = seed};
    g = build(&s, &report);
    is_sound(g, &s, "watts_strogatz");
    for (int64_t e = 0; e < g->m; e++) rewired += g->v[e] - g->u[e] > 2 && g->v[e] - g->u[e] < n - 2;
    graph_destroy(&g);
    s = (GraphSpec){.kind = GRAPH_GEOMETRIC, .nodes = n, .degree = 6, .seed = seed};
    g = build(&s, &report);
    is_sound(g, &s, "geometric");
    geometric += (double)g->m;
    graph_destroy(&g);
  }
  near("erdos_renyi: edges", er / 10, 7500, 6 * sqrt(7500 / 10.));
  near("stochastic_block: edges inside", in / 10, 12000, 6 * sqrt(12000 / 10.) + 24);
  near("stochastic_block: edges between", out / 10, 4500, 6 * sqrt(4500 / 10.) + 24);
  near("watts_strogatz: long edges", rewired / 10, 0.25 * 2 * 3000, 6 * sqrt(1125 / 10.) + 10);
  /* Probability that two points are nearer than r: pi r^2 - 8 r^3 / 3 + r^4 / 2. */
  const double r = sqrt(6 / (M_PI * 2999)), p = M_PI * r * r - 8 * r * r * r / 3 + r * r * r * r / 2;
  near("geometric: edges", geometric / 10, 0.5 * 3000 * 2999 * p, 6 * sqrt(9000 / 10.));
}

/* Quick generator against all pairs, from the same points. */
static void geometric_matches_all_pairs(void **state)
{
  (void)state;
  for (int sample = 0; sample < 12; sample++) {
    const int64_t n      = 1 + 40 * sample;
    const double  degree = sample % 3 == 0 ? (double)(n - 1) : sample % 3 == 1 ? 4 : 12;
    GraphSpec     s      = {.kind = GRAPH_GEOMETRIC, .nodes = n, .degree = degree < (double)(n - 1) ? degree : (double)(n - 1), .seed = 99};
    GraphReport   report;
    Graph        *g = build(&s, &report);
    double        x[512], y[512];
    for (int64_t i = 0; i < n; i++) {
      uint32_t w[4];
      rng_block(99, (uint64_t)i, 0, RNG_POINT, w);
      x[i] = ((double)(((uint64_t)w[1] << 32 | w[0]) >> 12) + 0.5) * 0x1p-52;
      y[i] = ((double)(((uint64_t)w[3] << 32 | w[2]) >> 12) + 0.5) * 0x1p-52;
    }
    const double square = n > 1 ? s.degree / (M_PI * (double)(n - 1)) : 0;
    int64_t      e      = 0;
    for (int64_t i = 0; i < n; i++) {
      for (int64_t j = i + 1; j < n; j++) {
        if ((x[i] - x[j]) * (x[i] - x[j]) + (y[i] - y[j]) * (y[i] - y[j]) > square) continue;
        if (e >= g->m || g->u[e] != i || g->v[e] != j)
          fail_msg("%lld points: edge (%lld, %lld) is missing", (long long)n, (long long)i, (long long)j);
        e++;
      }
    }
    if (e != g->m) fail_msg("%lld points: expected %lld edges, got %lld", (long long)n, (long long)e, (long long)g->m);
    graph_destroy(&g);
  }
}

/* Delaunay by definition: an edge belongs to it when some circle through its ends has no point inside: the parameters of centres on
 * its bisector that keep a point out form an interval, and the intervals of all points must meet. Exact up to ties, which
 * random points lack. */
static bool has_empty_circle(int64_t n, const double *x, const double *y, int64_t i, int64_t j)
{
  const double dx = x[j] - x[i], dy = y[j] - y[i], mx = (x[i] + x[j]) / 2, my = (y[i] + y[j]) / 2;
  double       low = -INFINITY, high = INFINITY;
  for (int64_t k = 0; k < n; k++) {
    if (k == i || k == j) continue;
    const double px = x[k] - mx, py = y[k] - my, side = dx * py - dy * px, power = px * px + py * py - (dx * dx + dy * dy) / 4;
    /* Centre m + t (-dy, dx): outside means |p|^2 - |d|^2/4 >= 2 t side. */
    if (side > 0 && power / (2 * side) < high) high = power / (2 * side);
    if (side < 0 && power / (2 * side) > low) low = power / (2 * side);
  }
  return low < high;
}

static void delaunay_edges_have_empty_circles(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 12; seed++) {
    const int64_t n = (int64_t)(3 + (seed - 1) * 9);
    GraphSpec     s = {.kind = GRAPH_DELAUNAY, .nodes = n, .seed = seed};
    GraphReport   report;
    Graph        *g = build(&s, &report);
    double        x[256], y[256];
    for (int64_t i = 0; i < n; i++) {
      uint32_t w[4];
      rng_block(seed, (uint64_t)i, 0, RNG_SITE, w);
      x[i] = w[0] >> 2;
      y[i] = w[1] >> 2;
    }
    int64_t e = 0;
    for (int64_t i = 0; i < n; i++) {
      for (int64_t j = i + 1; j < n; j++) {
        const bool there = e < g->m && g->u[e] == i && g->v[e] == j, expected = has_empty_circle(n, x, y, i, j);
        if (there != expected)
          fail_msg("seed %d, %lld points: edge (%lld, %lld): expected %d, got %d", (int)seed, (long long)n, (long long)i, (long long)j,
                   expected, there);
        e += there;
      }
    }
    assert_int_equal(e, g->m);
    graph_destroy(&g);
  }
}

/* Large ones: planar triangulations of n points with h on the hull have 3 n - 3 - h edges, h about (8/3) ln n for a square. */
static void delaunay_is_a_triangulation(void **state)
{
  (void)state;
  GraphSpec   s = {.kind = GRAPH_DELAUNAY, .nodes = 20000, .seed = 1};
  GraphReport report;
  Graph      *g = build(&s, &report);
  is_sound(g, &s, "delaunay");
  near("delaunay: edges", (double)g->m, 3. * 20000 - 3 - 26, 26);
  assert_int_equal(report.components, 1);
  graph_destroy(&g);
}

static void scale_free_graphs_have_heavy_tails(void **state)
{
  (void)state;
  GraphReport report;
  GraphSpec   s = {.kind = GRAPH_BARABASI_ALBERT, .nodes = 20000, .degree = 3, .seed = 2};
  Graph      *g = build(&s, &report);
  int64_t    *degree, count = 0;
  is_sound(g, &s, "barabasi_albert");
  assert_int_equal(report.components, 1);
  assert_int_equal(report.entries, 3 * 19999);
  assert_int_equal(report.entries - report.duplicates, g->m);
  assert_int_equal(PetscCalloc1((size_t)g->n, &degree), 0);
  for (int64_t e = 0; e < g->m; e++) {
    degree[g->u[e]]++;
    degree[g->v[e]]++;
  }
  /* P(degree = 3) = 2 m (m + 1) / (k (k + 1) (k + 2)) = 2 / 5 at k = m = 3 (Bollobas et al. 2001). */
  for (int64_t i = 0; i < g->n; i++) count += degree[i] == 3;
  near("barabasi_albert: share of degree 3", (double)count / 20000, 0.4, 0.02);
  assert_int_equal(PetscFree(degree), 0);
  graph_destroy(&g);
  s = (GraphSpec){.kind = GRAPH_RMAT, .scale = 12, .edge_factor = 8, .rmat_a = 0.57, .rmat_b = 0.19, .rmat_c = 0.19, .seed = 2};
  g = build(&s, &report);
  is_sound(g, &s, "rmat");
  assert_int_equal(report.entries, 8 * 4096);
  assert_int_equal(report.entries - report.loops - report.duplicates, g->m);
  /* A loop needs equal bits everywhere: (a + d)^scale. */
  near("rmat: loops", (double)report.loops, 8 * 4096 * pow(0.62, 12), 6 * sqrt(8 * 4096 * pow(0.62, 12)));
  graph_destroy(&g);
  s = (GraphSpec){.kind = GRAPH_RMAT, .scale = 3, .edge_factor = 2, .rmat_a = 0, .rmat_b = 1, .rmat_c = 0, .seed = 2};
  g = build(&s, &report);
  assert_int_equal(g->m, 1);
  assert_int_equal(g->v[0], 7);
  graph_destroy(&g);
}

static void weights_depend_on_the_edge_alone(void **state)
{
  (void)state;
  GraphReport report;
  GraphSpec   all = {.kind = GRAPH_COMPLETE, .nodes = 200, .weights = WEIGHTS_UNIFORM, .seed = 5}, some = all;
  some.kind = GRAPH_ERDOS_RENYI, some.degree = 10;
  for (int kind = 0; kind < 2; kind++) {
    Graph *g = build(&all, &report), *h = build(&some, &report);
    double sum = 0, squares = 0;
    for (int64_t e = 0; e < g->m; e++) {
      sum += g->weight[e];
      squares += g->weight[e] * g->weight[e];
      assert_true(kind ? g->weight[e] > 0.1 : g->weight[e] > 0.5 && g->weight[e] < 1.5);
    }
    const double mean = sum / (double)g->m, variance = squares / (double)g->m - mean * mean;
    near("weights: mean", mean, kind ? 1.1 : 1.0, 6 * (kind ? 1 : 0.29) / sqrt((double)g->m));
    near("weights: variance", variance, kind ? 1.0 : 1. / 12, kind ? 0.12 : 0.005);
    for (int64_t e = 0, k = 0; e < h->m; e++) {
      while (g->u[k] != h->u[e] || g->v[k] != h->v[e]) k++;
      if (g->weight[k] != h->weight[e]) fail_msg("edge %lld: expected %.17g, got %.17g", (long long)e, g->weight[k], h->weight[e]);
    }
    graph_destroy(&g);
    graph_destroy(&h);
    all.weights = some.weights = WEIGHTS_EXPONENTIAL;
  }
}

static void largest_component_is_kept(void **state)
{
  (void)state;
  GraphSpec   s = {.kind = GRAPH_ERDOS_RENYI, .nodes = 400, .degree = 1.2, .seed = 5, .weights = WEIGHTS_UNIFORM};
  GraphReport report, kept;
  GraphErrors errors = {0};
  Graph      *g      = build(&s, &report), *h;
  int64_t    *id, component[400], size[400] = {0}, largest = 0, e = 0;
  s.keep = KEEP_LARGEST;
  assert_int_equal(graph_source_build(&s, &h, &id, &kept, &errors), 0);
  const int64_t count = graph_components(g, NULL, component);
  for (int64_t i = 0; i < g->n; i++) size[component[i]]++;
  for (int64_t c = 1; c < count; c++)
    if (size[c] > size[largest]) largest = c;
  assert_int_equal(kept.components, count);
  assert_int_equal(h->n, size[largest]);
  assert_int_equal(kept.dropped_vertices, g->n - h->n);
  assert_int_equal(kept.dropped_edges, g->m - h->m);
  for (int64_t k = 0; k < g->m; k++) {
    if (component[g->u[k]] != largest) continue;
    if (id[h->u[e]] != g->u[k] || id[h->v[e]] != g->v[k] || h->weight[e] != g->weight[k])
      fail_msg("kept edge %lld is another one", (long long)e);
    e++;
  }
  assert_int_equal(e, h->m);
  graph_destroy(&g);
  graph_destroy(&h);
  assert_int_equal(PetscFree(id), 0);
}

static void wrong_parameters_are_named(void **state)
{
  (void)state;
  static const struct {
    GraphSpec   spec;
    const char *field;
  } wrong[] = {
      {{.kind = GRAPH_FILE}, "file"},
      {{.kind = GRAPH_KINDS}, "kind"},
      {{.kind = GRAPH_PATH}, "nodes"},
      {{.kind = GRAPH_CYCLE, .nodes = 2}, "nodes"},
      {{.kind = GRAPH_COMPLETE, .nodes = -1}, "nodes"},
      {{.kind = GRAPH_HYPERCUBE, .dimension = 33}, "dimension"},
      {{.kind = GRAPH_GRID_2D, .width = 0, .height = 3}, "width"},
      {{.kind = GRAPH_GRID_2D, .width = INT64_C(1) << 20, .height = INT64_C(1) << 20}, "height"},
      {{.kind = GRAPH_GRID_3D, .width = 2, .height = 3}, "depth"},
      {{.kind = GRAPH_TORUS, .width = 3, .height = 2}, "height"},
      {{.kind = GRAPH_BARBELL, .clique_size = 5}, "bridges"},
      {{.kind = GRAPH_BARBELL, .clique_size = 0, .bridges = 1}, "clique_size"},
      {{.kind = GRAPH_CHAIN, .clique_size = 5, .bridges = 1}, "cliques"},
      {{.kind = GRAPH_ERDOS_RENYI, .nodes = 10, .degree = 9.5}, "degree"},
      {{.kind = GRAPH_ERDOS_RENYI, .nodes = 10, .degree = NAN}, "degree"},
      {{.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = 10}, "blocks"},
      {{.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = 10, .blocks = 2, .degree_in = 4.5}, "degree_in"},
      {{.kind = GRAPH_STOCHASTIC_BLOCK, .nodes = 10, .blocks = 2, .degree_in = 4, .degree_out = 6}, "degree_out"},
      {{.kind = GRAPH_WATTS_STROGATZ, .nodes = 10, .degree = 3}, "degree"},
      {{.kind = GRAPH_WATTS_STROGATZ, .nodes = 10, .degree = 10}, "degree"},
      {{.kind = GRAPH_WATTS_STROGATZ, .nodes = 10, .degree = 2, .rewire = 1.5}, "rewire"},
      {{.kind = GRAPH_BARABASI_ALBERT, .nodes = 10, .degree = 1.5}, "degree"},
      {{.kind = GRAPH_GEOMETRIC, .nodes = 10, .degree = -1}, "degree"},
      {{.kind = GRAPH_DELAUNAY, .nodes = 2}, "nodes"},
      {{.kind = GRAPH_RMAT, .edge_factor = 1}, "scale"},
      {{.kind = GRAPH_RMAT, .scale = 5, .edge_factor = 0}, "edge_factor"},
      {{.kind = GRAPH_RMAT, .scale = 5, .edge_factor = 1, .rmat_a = 0.9, .rmat_b = 0.2}, "rmat_a"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char        message[256];
    const char *field = NULL, *text = graph_source_check(&wrong[i].spec, &field, message);
    if (!text || !field || strcmp(field, wrong[i].field) != 0)
      fail_msg("spec %zu: expected a fault of %s, got %s: %s", i, wrong[i].field, field ? field : "none", text ? text : "");
  }
}

static void shared_graph_is_built_once(void **state)
{
  (void)state;
  GraphSpec      s = {.kind = GRAPH_GRID_2D, .width = 20, .height = 10, .seed = 1};
  const Graph   *a, *b, *c;
  const int64_t *id;
  GraphReport    report;
  GraphErrors    errors = {0};
  assert_int_equal(graph_source_shared(&s, &a, &id, &report, &errors), 0);
  s.seed = 2, s.nodes = 77; /* not used by a grid of unit weights */
  assert_int_equal(graph_source_shared(&s, &b, &id, &report, &errors), 0);
  assert_ptr_equal(a, b);
  assert_int_equal(b->n, 200);
  assert_int_equal(report.components, 1);
  s.height = 11;
  assert_int_equal(graph_source_shared(&s, &c, &id, &report, &errors), 0);
  assert_int_equal(c->n, 220);
  s.weights = WEIGHTS_UNIFORM;
  assert_int_equal(graph_source_shared(&s, &a, &id, &report, &errors), 0);
  const double first = a->weight[0];
  s.seed             = 3;
  assert_int_equal(graph_source_shared(&s, &a, &id, &report, &errors), 0);
  if (a->weight[0] == first) fail_msg("another seed: expected other weights than %g", first);
  memo_clear();
}

/* Random small graph whose edges are in random order and direction. */
static Graph *random_graph(uint64_t sample, int64_t most)
{
  Rng           r = rng_start(sample + 1, 1, RNG_GRAPH);
  int64_t       u[256], v[256], m = 0;
  const int64_t n = 1 + rng_below(&r, (uint32_t)most);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = i + 1; j < n && m < 256; j++) {
      if (rng_below(&r, (uint32_t)n) > 1) continue;
      const int64_t k = rng_below(&r, (uint32_t)(m + 1));
      u[m] = u[k], v[m] = v[k];
      u[k] = j, v[k] = i;
      m++;
    }
  }
  Graph *g;
  assert_int_equal(graph_create(n, m, u, v, NULL, &g), 0);
  return g;
}

/* Two edges share a block when no vertex separates them: by definition, over every vertex removed. */
static bool share_block(const Graph *g, int64_t e, int64_t f)
{
  uint8_t keep[256];
  int64_t component[64];
  for (int64_t cut = 0; cut < g->n; cut++) {
    for (int64_t k = 0; k < g->m; k++) keep[k] = g->u[k] != cut && g->v[k] != cut;
    graph_components(g, keep, component);
    /* An end of each edge that is not the removed vertex stands for it. */
    const int64_t a = g->u[e] == cut ? g->v[e] : g->u[e], b = g->u[f] == cut ? g->v[f] : g->u[f];
    if (component[a] != component[b]) return false;
  }
  /* And no single edge: a bridge is alone. */
  for (int64_t cut = 0; cut < g->m; cut++) {
    if (cut != e && cut != f) continue;
    for (int64_t k = 0; k < g->m; k++) keep[k] = k != cut;
    graph_components(g, keep, component);
    if (e != f && component[g->u[cut]] != component[g->v[cut]]) return false;
  }
  return true;
}

static void blocks_match_brute_force(void **state)
{
  (void)state;
  for (uint64_t sample = 0; sample < 150; sample++) {
    Graph       *g = random_graph(sample, 24);
    GraphBlocks *b;
    int64_t      expected[256], n_blocks = 0, bridges = 0, isolated = 0, component[64], degree[64] = {0};
    assert_int_equal(graph_blocks(g, &b), 0);
    for (int64_t e = 0; e < g->m; e++) {
      expected[e] = -1;
      degree[g->u[e]]++;
      degree[g->v[e]]++;
      for (int64_t f = 0; f < e && expected[e] < 0; f++)
        if (share_block(g, e, f)) expected[e] = expected[f];
      if (expected[e] < 0) expected[e] = n_blocks++;
    }
    if (b->n_blocks != n_blocks) fail_msg("sample %d: expected %d blocks, got %d", (int)sample, (int)n_blocks, (int)b->n_blocks);
    for (int64_t e = 0; e < g->m; e++)
      if (b->block[e] != expected[e])
        fail_msg("sample %d: edge %d: expected block %d, got %d", (int)sample, (int)e, (int)expected[e], (int)b->block[e]);
    for (int64_t k = 0; k < n_blocks; k++) {
      int64_t size = 0;
      for (int64_t e = 0; e < g->m; e++) size += expected[e] == k;
      assert_int_equal(b->size[k], size);
      bridges += size == 1;
    }
    for (int64_t i = 0; i < g->n; i++) isolated += degree[i] == 0;
    assert_int_equal(b->n_bridges, bridges);
    assert_int_equal(b->n_isolated, isolated);
    assert_int_equal(b->n_components, graph_components(g, NULL, component));
    assert_memory_equal(b->component, component, sizeof *component * (size_t)g->n);
    graph_blocks_destroy(&b);
    graph_destroy(&g);
  }
}

/* A recursion as deep as the path would overflow the stack. */
static void blocks_of_a_long_path_and_cycle(void **state)
{
  (void)state;
  GraphReport report;
  for (int cycle = 0; cycle < 2; cycle++) {
    const GraphSpec s = {.kind = cycle ? GRAPH_CYCLE : GRAPH_PATH, .nodes = 300000};
    Graph          *g = build(&s, &report);
    GraphBlocks    *b;
    assert_int_equal(graph_blocks(g, &b), 0);
    assert_int_equal(b->n_blocks, cycle ? 1 : 299999);
    assert_int_equal(b->n_bridges, cycle ? 0 : 299999);
    graph_blocks_destroy(&b);
    graph_destroy(&g);
  }
}

static void adjacency_and_subgraph_match_definition(void **state)
{
  (void)state;
  for (uint64_t sample = 0; sample < 100; sample++) {
    Graph     *g = random_graph(sample, 60), *h;
    Adjacency *a;
    Rng        r = rng_start(sample, 2, RNG_GRAPH);
    assert_int_equal(graph_adjacency(g, &a), 0);
    assert_int_equal(a->start[g->n], 2 * g->m);
    for (int64_t i = 0; i < g->n; i++) {
      for (int64_t k = a->start[i]; k < a->start[i + 1]; k++) {
        const int64_t e = a->edge[k], other = g->u[e] == i ? g->v[e] : g->u[e];
        assert_true(g->u[e] == i || g->v[e] == i);
        assert_int_equal(a->vertex[k], other);
        assert_true(k == a->start[i] || a->vertex[k - 1] < a->vertex[k]);
      }
    }
    int64_t edges[256], k = 0, *vertex;
    for (int64_t e = g->m - 1; e >= 0; e--)
      if (rng_below(&r, 20) <= sample % 20) edges[k++] = e;
    assert_int_equal(graph_subgraph(g, k, edges, &vertex, &h), 0);
    assert_int_equal(h->m, k);
    for (int64_t i = 0; i < k; i++) {
      assert_int_equal(vertex[h->u[i]], g->u[edges[i]]);
      assert_int_equal(vertex[h->v[i]], g->v[edges[i]]);
    }
    for (int64_t i = 1; i < h->n; i++) assert_true(vertex[i - 1] < vertex[i]);
    assert_int_equal(PetscFree(vertex), 0);
    adjacency_destroy(&a);
    graph_destroy(&h);
    graph_destroy(&g);
  }
}

static void sort_is_stable_and_complete(void **state)
{
  (void)state;
  for (int bits = 1; bits <= 64; bits += 7) {
    Rng           r = rng_start((uint64_t)bits, 3, RNG_GRAPH);
    const int64_t n = 3000;
    uint64_t      key[3000], word[3000], sum = 0;
    for (int64_t i = 0; i < n; i++) {
      key[i]  = rng_u64(&r) >> (64 - bits);
      word[i] = (uint64_t)i;
      sum += key[i] * (2 * (uint64_t)i + 1);
    }
    assert_int_equal(keys_sort_word(n, key, word), 0);
    for (int64_t i = 0; i < n; i++) {
      sum -= key[i] * (2 * word[i] + 1);
      if (i > 0 && (key[i] < key[i - 1] || (key[i] == key[i - 1] && word[i] < word[i - 1])))
        fail_msg("%d bits: element %d is out of order", bits, (int)i);
    }
    if (sum != 0) fail_msg("%d bits: words left their keys", bits);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(closed_forms),
      cmocka_unit_test(chain_is_laid_out_as_the_clique_chain),
      cmocka_unit_test(densities_match_theory),
      cmocka_unit_test(geometric_matches_all_pairs),
      cmocka_unit_test(delaunay_edges_have_empty_circles),
      cmocka_unit_test(delaunay_is_a_triangulation),
      cmocka_unit_test(scale_free_graphs_have_heavy_tails),
      cmocka_unit_test(weights_depend_on_the_edge_alone),
      cmocka_unit_test(largest_component_is_kept),
      cmocka_unit_test(wrong_parameters_are_named),
      cmocka_unit_test(shared_graph_is_built_once),
      cmocka_unit_test(blocks_match_brute_force),
      cmocka_unit_test(blocks_of_a_long_path_and_cycle),
      cmocka_unit_test(adjacency_and_subgraph_match_definition),
      cmocka_unit_test(sort_is_stable_and_complete),
  };
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return PetscFinalize() ? 1 : failed;
}
