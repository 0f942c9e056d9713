/* SPDX-License-Identifier: BSD-2-Clause
 * The graph transformer's kernels: logits, loss and gradient against the reference in float64, the same bits on every ISA level,
 * independence of neighbours in the batch, equivariance under permutations of vertices. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "flush.h"
#include "transformer_fixture.h"

typedef struct Shape {
  DenoiserSpec spec;
  int          count, size[4];
} Shape;

#define COMMON .kind = DENOISER_TRANSFORMER
static const Shape shapes[] = {
    {{COMMON, .n = 5, .a = 1, .b = 2, .T = 10, .node_id = true, .layers = 1, .dx = 16, .de = 16, .dy = 16, .heads = 4, .ff_x = 16,
      .ff_e = 16, .ff_y = 16},
     4,
     {5, 2, 3, 1}},
    {{COMMON, .n = 9, .a = 1, .b = 2, .T = 10, .node_features = 2, .layers = 2, .dx = 80, .de = 16, .dy = 32, .heads = 2, .ff_x = 32,
      .ff_e = 32, .ff_y = 16},
     2,
     {9, 7}},
    {{COMMON, .n = 24, .a = 1, .b = 2, .T = 100, .node_id = true, .layers = 3, .dx = 64, .de = 32, .dy = 64, .heads = 4, .ff_x = 128,
      .ff_e = 64, .ff_y = 128},
     2,
     {24, 17}},
    {{COMMON, .n = 6, .a = 2, .b = 3, .T = 50, .node_features = 1, .pair_features = 2, .graph_features = 3, .layers = 2, .dx = 32, .de = 16,
      .dy = 16, .heads = 1, .ff_x = 16, .ff_e = 16, .ff_y = 32, .dropout = 0.3},
     4,
     {6, 2, 3, 1}},
    {{COMMON, .n = 45, .a = 3, .b = 4, .T = 50, .node_features = 4, .pair_features = 3, .graph_features = 2, .layers = 1, .dx = 32,
      .de = 32, .dy = 16, .heads = 2, .ff_x = 32, .ff_e = 48, .ff_y = 32},
     1,
     {45}},
    {{COMMON, .n = 64, .a = 8, .b = 8, .T = 1, .layers = 2, .dx = 16, .de = 16, .dy = 16, .heads = 2, .ff_x = 16, .ff_e = 16, .ff_y = 16},
     2,
     {64, 13}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct Answer {
  float *node, *edge, *gradient;
  double loss;
} Answer;

static size_t nodes_of(const Fixture *f) { return (size_t)(f->count * f->spec.n * f->spec.a); }
static size_t edges_of(const Fixture *f) { return (size_t)(f->count * denoiser_pairs(f->spec.n) * f->spec.b); }

static void *loaded(const Fixture *f, IsaLevel isa)
{
  void *work;
  assert_int_equal(denoiser_transformer.create(&f->spec, isa, &work), 0);
  denoiser_transformer.load(work, f->theta);
  return work;
}

static Answer answer_of(const Fixture *f, IsaLevel isa)
{
  Answer   a     = {mem_calloc(nodes_of(f), sizeof(float)), mem_calloc(edges_of(f), sizeof(float)),
                    mem_calloc((size_t)f->parameters, sizeof(float)), 0};
  unsigned flush = flush_set();
  void    *work  = loaded(f, isa);
  denoiser_transformer.forward(work, f->count, f->graph, a.node, a.edge);
  denoiser_transformer.gradient(work, f->count, f->graph, f->target, 0.7, a.gradient, &a.loss, NULL);
  denoiser_transformer.destroy(work);
  flush_restore(flush);
  return a;
}

static void answer_free(Answer *a)
{
  free(a->node);
  free(a->edge);
  free(a->gradient);
}

static Fixture problem(int k) { return fixture_create(&shapes[k].spec, shapes[k].count, shapes[k].size, 100 + (uint64_t)k); }

/* |x - y| <= tolerance * the largest |x| of its group, at least `least`: what sums of larger terms that cancel. */
static void compare_to(const char *what, int shape, int64_t n, const double *expected, const float *got, double tolerance, double least)
{
  double  top = least, worst = 0;
  int64_t at = 0;
  for (int64_t i = 0; i < n; i++) {
    top                = fmax(top, fabs(expected[i]));
    const double error = fabs(expected[i] - (double)got[i]);
    if (!(error <= worst)) worst = error, at = i;
  }
  if (!(worst <= tolerance * top))
    fail_msg("shape %d %s %lld of %lld: expected %.9g got %.9g, error %.3g of %.3g, tolerance %g", shape, what, (long long)at, (long long)n,
             expected[at], (double)got[at], worst, top, tolerance);
}

static void compare(const char *what, int shape, int64_t n, const double *expected, const float *got, double tolerance)
{
  compare_to(what, shape, n, expected, got, tolerance, 0);
}

/* Group by group: an error in a small one must not hide. */
static void compare_gradients(int shape, const Fixture *f, const double *expected, const float *got)
{
  TransformerLayout t;
  LinearAt          map[TRANSFORMER_LINEARS_MAX];
  transformer_layout(&f->spec, &t);
  const int maps = transformer_linears(&f->spec, &t, map);
  char      name[64];
  double    least = 0;
  for (int64_t p = 0; p < f->parameters; p++) least = fmax(least, 0.02 * fabs(expected[p]));
  for (int m = 0; m < maps; m++) {
    snprintf(name, sizeof name, "weights of map %d (%d, %d)", m, map[m].out, map[m].in);
    compare_to(name, shape, map[m].b - map[m].w, expected + map[m].w, got + map[m].w, 1e-5, least);
    snprintf(name, sizeof name, "biases of map %d (%d, %d)", m, map[m].out, map[m].in);
    compare_to(name, shape, map[m].out, expected + map[m].b, got + map[m].b, 1e-5, least);
  }
  for (int l = 0; l < f->spec.layers; l++) {
    const NormAt norm[] = {t.layer[l].norm_x1, t.layer[l].norm_x2, t.layer[l].norm_e1,
                           t.layer[l].norm_e2, t.layer[l].norm_y1, t.layer[l].norm_y2};
    for (int m = 0; m < 6; m++) {
      if (norm[m].w < 0) continue;
      snprintf(name, sizeof name, "norm %d of layer %d", m, l);
      compare_to(name, shape, 2 * (norm[m].b - norm[m].w), expected + norm[m].w, got + norm[m].w, 1e-5, least);
    }
  }
}

static void test_reference(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++) {
    Fixture f     = problem(k);
    Answer  a     = answer_of(&f, isa_level());
    double *theta = fixture_widened(f.parameters, f.theta), *gradient = mem_calloc((size_t)f.parameters, sizeof *gradient), loss;
    double *node = mem_calloc(nodes_of(&f), sizeof *node), *edge = mem_calloc(edges_of(&f), sizeof *edge);
    transformer_reference(&f.spec, theta, f.count, f.graph, f.target, 0.7, false, node, edge, NULL, NULL);
    transformer_reference(&f.spec, theta, f.count, f.graph, f.target, 0.7, true, NULL, NULL, gradient, &loss);
    if (f.spec.a > 1) compare("node logits", k, (int64_t)nodes_of(&f), node, a.node, 1e-5);
    compare("edge logits", k, (int64_t)edges_of(&f), edge, a.edge, 1e-5);
    const float got = (float)a.loss;
    compare("loss", k, 1, &loss, &got, 1e-5);
    compare_gradients(k, &f, gradient, a.gradient);
    free(theta);
    free(gradient);
    free(node);
    free(edge);
    answer_free(&a);
    fixture_destroy(&f);
  }
}

static void test_levels(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++) {
    Fixture f    = problem(k);
    Answer  best = answer_of(&f, isa_level());
    for (IsaLevel isa = ISA_BASE; isa < isa_level(); isa++) {
      Answer a = answer_of(&f, isa);
      if (memcmp(a.node, best.node, nodes_of(&f) * sizeof(float)) || memcmp(a.edge, best.edge, edges_of(&f) * sizeof(float)) ||
          memcmp(&a.loss, &best.loss, sizeof a.loss) || memcmp(a.gradient, best.gradient, (size_t)f.parameters * sizeof(float)))
        fail_msg("shape %d: bits on %s differ from those on %s", k, isa_name(isa), isa_name(isa_level()));
      answer_free(&a);
    }
    answer_free(&best);
    fixture_destroy(&f);
  }
}

/* A graph alone gives the bits it gives among others; a batch's gradient is nearly the sum of its graphs', square that of their norms. */
static void test_neighbours(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++) {
    Fixture f = problem(k), one = f;
    Answer  all = answer_of(&f, isa_level());
    double *sum = mem_calloc((size_t)f.parameters, sizeof *sum), square, squares = 0, loss = 0;
    one.count = 1;
    for (int g = 0; g < f.count; g++) {
      one.graph[0]  = f.graph[g];
      one.target[0] = f.target[g];
      Answer a      = answer_of(&one, isa_level());
      assert_memory_equal(a.node, all.node + (size_t)g * nodes_of(&one), nodes_of(&one) * sizeof(float));
      assert_memory_equal(a.edge, all.edge + (size_t)g * edges_of(&one), edges_of(&one) * sizeof(float));
      for (int64_t p = 0; p < f.parameters; p++) {
        sum[p] += (double)a.gradient[p];
        squares += pow((double)a.gradient[p] / 0.7, 2);
      }
      loss += a.loss;
      answer_free(&a);
    }
    compare("gradient", k, f.parameters, sum, all.gradient, 1e-5);
    assert_true(fabs(loss - all.loss) <= 1e-12 * fabs(loss));
    void *work = loaded(&f, isa_level());
    denoiser_transformer.gradient(work, f.count, f.graph, f.target, 0.7, all.gradient, &loss, &square);
    compare("gradient with squares", k, f.parameters, sum, all.gradient, 1e-5);
    if (!(fabs(square - squares) <= 1e-5 * squares)) fail_msg("shape %d square: expected %.9g got %.9g", k, squares, square);
    denoiser_transformer.destroy(work);
    free(sum);
    answer_free(&all);
    fixture_destroy(&f);
  }
}

static int pair_of(int i, int j) { return i < j ? denoiser_pairs(j) + i : denoiser_pairs(i) + j; }

/* Graph g with vertex order[i] as its i-th. */
static void permute(const DenoiserSpec *s, const int *order, const DenoiserGraph *g, uint8_t *node, uint8_t *edge, float *nodes,
                    float *pairs)
{
  for (int i = 0; i < g->n; i++) {
    node[i] = g->node[order[i]];
    for (int f = 0; f < s->node_features; f++) nodes[i * s->node_features + f] = g->node_features[order[i] * s->node_features + f];
    for (int j = 0; j < i; j++) {
      const int to = pair_of(i, j), from = pair_of(order[i], order[j]);
      edge[to] = g->edge[from];
      for (int f = 0; f < s->pair_features; f++) pairs[to * s->pair_features + f] = g->pair_features[from * s->pair_features + f];
    }
  }
}

static void test_permutation(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++) {
    if (shapes[k].spec.node_id) continue;
    Fixture             f = problem(k);
    const DenoiserSpec *s = &f.spec;
    const int           n = f.graph[0].n, a = s->a, b = s->b;
    int                 order[DENOISER_NODES_MAX];
    Rng                 r = rng_start(4, (uint32_t)k, RNG_VERIFY);
    for (int i = 0; i < n; i++) order[i] = i;
    for (int i = n - 1; i > 0; i--) {
      const int j = (int)rng_below(&r, (uint32_t)i + 1), kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
    f.count         = 1;
    Answer    plain = answer_of(&f, isa_level());
    const int pairs = denoiser_pairs(n);
    uint8_t  *node = fixture_new(&f, (size_t)n, 1), *edge = fixture_new(&f, (size_t)pairs, 1);
    float    *nodes = fixture_new(&f, (size_t)(n * s->node_features), sizeof(float));
    float    *all   = fixture_new(&f, (size_t)(pairs * s->pair_features), sizeof(float));
    permute(s, order, &f.graph[0], node, edge, nodes, all);
    f.graph[0].node          = node;
    f.graph[0].edge          = edge;
    f.graph[0].node_features = nodes;
    f.graph[0].pair_features = all;
    Answer moved             = answer_of(&f, isa_level());
    for (int i = 0; i < n; i++) {
      for (int c = 0; c < a && a > 1; c++)
        if (!(fabsf(moved.node[i * a + c] - plain.node[order[i] * a + c]) <= 1e-5f)) fail_msg("shape %d: node %d moved", k, i);
      for (int j = 0; j < i; j++)
        for (int c = 0; c < b; c++) {
          const float got = moved.edge[pair_of(i, j) * b + c], expected = plain.edge[pair_of(order[i], order[j]) * b + c];
          if (!(fabsf(got - expected) <= 1e-5f))
            fail_msg("shape %d pair %d %d: expected %.9g got %.9g tolerance 1e-5", k, i, j, (double)expected, (double)got);
        }
    }
    answer_free(&plain);
    answer_free(&moved);
    fixture_destroy(&f);
  }
}

/* Scores of hundreds: exponentials neither overflow nor vanish. What is left is the rounding of the scores. */
static void test_large_scores(void **state)
{
  (void)state;
  Fixture           f = problem(4);
  TransformerLayout t;
  transformer_layout(&f.spec, &t);
  for (int64_t p = t.layer[0].q.w; p < t.layer[0].q.b; p++) f.theta[p] *= 30000;
  Answer  a     = answer_of(&f, isa_level());
  double *theta = fixture_widened(f.parameters, f.theta), *node = mem_calloc(nodes_of(&f), sizeof *node);
  transformer_reference(&f.spec, theta, f.count, f.graph, f.target, 1, false, node, NULL, NULL, NULL);
  compare("node logits", 4, (int64_t)nodes_of(&f), node, a.node, 1e-3);
  for (int64_t p = 0; p < f.parameters; p++) assert_true(isfinite(a.gradient[p]));
  free(theta);
  free(node);
  answer_free(&a);
  fixture_destroy(&f);
}

/* A parameter that is not a number shows in the loss. */
static void test_not_a_number(void **state)
{
  (void)state;
  Fixture           f = problem(2);
  TransformerLayout t;
  transformer_layout(&f.spec, &t);
  f.theta[t.layer[1].e1.w + 3] = NAN;
  Answer a                     = answer_of(&f, isa_level());
  assert_true(isnan(a.loss));
  answer_free(&a);
  fixture_destroy(&f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reference),   cmocka_unit_test(test_levels),       cmocka_unit_test(test_neighbours),
      cmocka_unit_test(test_permutation), cmocka_unit_test(test_large_scores), cmocka_unit_test(test_not_a_number),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
