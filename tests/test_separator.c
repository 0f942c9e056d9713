/* SPDX-License-Identifier: BSD-2-Clause
 * Vertex cuts against exhaustive search on small networks; separators of meshes, trees and awkward graphs: valid, balanced, and as small as
 * geometry says; 32-bit adjacency lists against the edge list. */
#include "graph/separator.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/vertex_cut.h"
#include "graph_source.h"
#include "rng.h"

enum { SMALL = 11 };

/* --- vertex cuts --- */

typedef struct Network {
  int32_t n, neighbor[SMALL * SMALL];
  int64_t start[SMALL + 1];
  uint8_t terminal[SMALL];
  bool    joined[SMALL][SMALL];
} Network;

static Network random_network(Rng *r)
{
  Network      w = {.n = 1 + (int32_t)rng_below(r, SMALL)};
  const double p = rng_uniform(r);
  for (int32_t i = 0; i < w.n; i++) {
    w.terminal[i] = (uint8_t)(rng_below(r, 3) == 0 ? rng_below(r, 4) : 0);
    for (int32_t j = 0; j < i; j++) w.joined[i][j] = w.joined[j][i] = rng_uniform(r) < p;
  }
  int64_t fill = 0;
  for (int32_t i = 0; i < w.n; i++) {
    for (int32_t j = 0; j < w.n; j++)
      if (w.joined[i][j]) w.neighbor[fill++] = j;
    w.start[i + 1] = fill;
  }
  return w;
}

/* Whether removing the vertices of `cut` parts sources from sinks. */
static bool parts(const Network *w, unsigned cut)
{
  unsigned reached = 0;
  for (int32_t i = 0; i < w->n; i++)
    if (w->terminal[i] & CUT_SOURCE && !(cut >> i & 1)) reached |= 1u << i;
  for (int32_t round = 0; round < w->n; round++)
    for (int32_t i = 0; i < w->n; i++)
      for (int32_t j = 0; j < w->n && reached >> i & 1; j++)
        if (w->joined[i][j] && !(cut >> j & 1)) reached |= 1u << j;
  for (int32_t i = 0; i < w->n; i++)
    if (reached >> i & 1 && w->terminal[i] & CUT_SINK) return false;
  return true;
}

static void cuts_against_all_subsets(void **state)
{
  Rng r = rng_start(30, 0, RNG_GRAPH);
  (void)state;
  for (int trial = 0; trial < 1000; trial++) {
    const Network w        = random_network(&r);
    unsigned      cut      = 0;
    int           expected = SMALL + 1;
    int8_t        side[SMALL];
    for (unsigned subset = 0; subset < 1u << w.n; subset++)
      if (__builtin_popcount(subset) < expected && parts(&w, subset)) expected = __builtin_popcount(subset);
    assert_int_equal(vertex_cut(w.n, w.start, w.neighbor, w.terminal, side), 0);
    for (int32_t i = 0; i < w.n; i++) cut |= (unsigned)(side[i] == 0) << i;
    if (__builtin_popcount(cut) != expected || !parts(&w, cut))
      fail_msg("network %d: expected a cut of %d vertices, got %d, parting: %d", trial, expected, __builtin_popcount(cut), parts(&w, cut));
    for (int32_t i = 0; i < w.n; i++)
      for (int32_t j = 0; j < w.n; j++)
        if (w.joined[i][j] && side[i] * side[j] == -1) fail_msg("network %d: an edge joins both sides", trial);
  }
}

/* --- separators --- */

typedef struct Outcome {
  int64_t cut, left, right;
  double  balance; /* the left's share of the work, over what was asked */
} Outcome;

/* Splits the vertices with part[i] != 0, and checks that the split is one. */
static Outcome split(const char *name, const Links *l, const uint8_t *member, double fraction)
{
  Separator *s;
  Outcome    o    = {0};
  double     work = 0, left = 0;
  int32_t   *part = malloc((size_t)l->n * sizeof *part), n = 0;
  int8_t    *side = malloc((size_t)l->n);
  for (int32_t i = 0; i < l->n; i++) {
    side[i] = member && !member[i] ? SIDE_OUTSIDE : SIDE_RIGHT;
    if (side[i] == SIDE_RIGHT) part[n++] = i;
  }
  assert_int_equal(separator_create(l, &s), 0);
  assert_int_equal(separator_find(s, n, part, fraction, true, side), 0);
  for (int32_t i = 0; i < l->n; i++) {
    if ((side[i] == SIDE_OUTSIDE) != (member && !member[i])) fail_msg("%s: vertex %d changed membership", name, i);
    if (side[i] == SIDE_OUTSIDE) continue;
    o.cut += side[i] == SIDE_CUT;
    o.left += side[i] == SIDE_LEFT;
    o.right += side[i] == SIDE_RIGHT;
    if (side[i] != SIDE_CUT) work += (double)separator_work(s, i);
    if (side[i] == SIDE_LEFT) left += (double)separator_work(s, i);
    for (int64_t k = l->start[i]; k < l->start[i + 1]; k++)
      if (side[i] * side[l->vertex[k]] == -1) fail_msg("%s: %d and %d are joined across the cut", name, i, l->vertex[k]);
  }
  assert_int_equal(o.cut + o.left + o.right, n);
  o.balance = left / work / fraction;
  separator_destroy(&s);
  free(part);
  free(side);
  return o;
}

static Links *links_of(const GraphSpec *spec)
{
  Graph      *g  = NULL;
  int64_t    *id = NULL;
  Links      *l;
  GraphReport report = {0};
  GraphErrors errors = {0};
  assert_int_equal(graph_source_build(spec, &g, &id, &report, &errors), 0);
  assert_non_null(g);
  assert_int_equal(links_create(g, &l), 0);
  (void)PetscFree(id);
  graph_destroy(&g);
  return l;
}

static void small(const char *name, GraphSpec spec, double fraction, int64_t largest_cut)
{
  Links        *l = links_of(&spec);
  const Outcome o = split(name, l, NULL, fraction);
  if (o.cut > largest_cut) fail_msg("%s: expected a cut of at most %lld, got %lld", name, (long long)largest_cut, (long long)o.cut);
  if (!(fabs(o.balance - 1) <= 0.05)) fail_msg("%s: expected a left share of 1 of what was asked, got %g, tolerance 0.05", name, o.balance);
  links_destroy(&l);
}

static void separators_of_meshes(void **state)
{
  (void)state;
  small("grid 90 x 90", (GraphSpec){.kind = GRAPH_GRID_2D, .width = 90, .height = 90}, 0.5, 90);
  small("grid 200 x 40", (GraphSpec){.kind = GRAPH_GRID_2D, .width = 200, .height = 40}, 0.5, 40);
  small("grid 200 x 40, a third", (GraphSpec){.kind = GRAPH_GRID_2D, .width = 200, .height = 40}, 1. / 3, 40);
  small("cube of 16", (GraphSpec){.kind = GRAPH_GRID_3D, .width = 16, .height = 16, .depth = 16}, 0.5, 256);
  small("path", (GraphSpec){.kind = GRAPH_PATH, .nodes = 1001}, 0.5, 1);
  small("cycle", (GraphSpec){.kind = GRAPH_CYCLE, .nodes = 1000}, 0.5, 2);
  small("barbell", (GraphSpec){.kind = GRAPH_BARBELL, .clique_size = 50, .bridges = 1}, 0.5, 1);
  small("geometric", (GraphSpec){.kind = GRAPH_GEOMETRIC, .nodes = 4000, .degree = 10, .seed = 3, .keep = KEEP_LARGEST}, 0.5, 70);
}

static Links *links_of_edges(int64_t n, int64_t m, const int64_t *u, const int64_t *v)
{
  Graph *g = NULL;
  Links *l;
  assert_int_equal(graph_create(n, m, u, v, NULL, &g), 0);
  assert_int_equal(links_create(g, &l), 0);
  graph_destroy(&g);
  return l;
}

static void awkward_graphs(void **state)
{
  enum { N = 400 };
  int64_t u[N], v[N];
  uint8_t member[N];
  (void)state;
  for (int64_t i = 0; i < N; i++) {
    u[i] = 0;
    v[i] = i + 1;
  }
  Links  *l = links_of_edges(N, N - 1, u, v);
  Outcome o = split("star", l, NULL, 0.5);
  assert_int_equal(o.cut, 1);
  if (llabs(o.left - o.right) > N / 10) fail_msg("star: expected equal sides, got %lld and %lld", (long long)o.left, (long long)o.right);
  for (int i = 0; i < N; i++) member[i] = i > 0;
  o = split("a star's leaves, all apart", l, member, 0.5);
  assert_int_equal(o.cut, 0);
  if (llabs(o.left - o.right) > 2) fail_msg("leaves: expected equal sides, got %lld and %lld", (long long)o.left, (long long)o.right);
  memset(member, 0, sizeof member);
  o         = split("nothing", l, member, 0.5);
  member[7] = 1;
  o         = split("one vertex", l, member, 0.5);
  assert_int_equal(o.cut, 0);
  links_destroy(&l);
  GraphSpec complete = {.kind = GRAPH_COMPLETE, .nodes = 30};
  l                  = links_of(&complete);
  (void)split("complete graph", l, NULL, 0.5);
  links_destroy(&l);
  GraphSpec power = {.kind = GRAPH_RMAT, .scale = 10, .edge_factor = 8, .rmat_a = 0.57, .rmat_b = 0.19, .rmat_c = 0.19};
  l               = links_of(&power);
  (void)split("power-law graph, with isolated vertices", l, NULL, 0.5);
  links_destroy(&l);
}

/* --- lists --- */

static void links_hold_every_edge_twice(void **state)
{
  GraphSpec   spec[] = {{.kind = GRAPH_GRID_2D, .width = 30, .height = 20},
                        {.kind = GRAPH_ERDOS_RENYI, .nodes = 500, .degree = 6, .seed = 2}};
  GraphReport report = {0};
  GraphErrors errors = {0};
  (void)state;
  for (int f = 0; f < 2; f++) { /* local numbers, and others */
    Graph   *g  = NULL;
    int64_t *id = NULL;
    Links   *l;
    assert_int_equal(graph_source_build(&spec[f], &g, &id, &report, &errors), 0);
    assert_int_equal(links_create(g, &l), 0);
    int32_t *seen   = calloc((size_t)g->m, sizeof *seen);
    int32_t *end[2] = {calloc((size_t)g->m, sizeof **end), calloc((size_t)g->m, sizeof **end)};
    for (int32_t i = 0; i < l->n; i++)
      for (int64_t k = l->start[i]; k < l->start[i + 1]; k++) {
        const int32_t e = l->edge[k];
        assert_true(seen[e] < 2);
        end[seen[e]++][e] = i;
        if (seen[e] == 2) assert_int_equal(l->vertex[k], end[0][e]);
      }
    /* Renumbering is a bijection that keeps every vertex's edges: equal degrees at both ends of every edge. */
    int64_t *degree = calloc((size_t)g->n, sizeof *degree);
    for (int64_t e = 0; e < g->m; e++) {
      degree[g->u[e]]++;
      degree[g->v[e]]++;
    }
    for (int64_t e = 0; e < g->m; e++) {
      assert_int_equal(seen[e], 2);
      const int64_t a = l->start[end[0][e] + 1] - l->start[end[0][e]], b = l->start[end[1][e] + 1] - l->start[end[1][e]];
      assert_int_equal(a + b, degree[g->u[e]] + degree[g->v[e]]);
      assert_true(a == degree[g->u[e]] || a == degree[g->v[e]]);
    }
    free(degree);
    free(seen);
    free(end[0]);
    free(end[1]);
    (void)PetscFree(id);
    links_destroy(&l);
    graph_destroy(&g);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cuts_against_all_subsets),
      cmocka_unit_test(separators_of_meshes),
      cmocka_unit_test(awkward_graphs),
      cmocka_unit_test(links_hold_every_edge_twice),
  };
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 2;
  const int failed = cmocka_run_group_tests_name("separator", tests, NULL, NULL);
  return PetscFinalize() || failed;
}
