/* SPDX-License-Identifier: BSD-2-Clause
 * Denoisers, above all factored, factored_bit and edge_mlp: the references against finite differences and closed forms, the fast paths
 * against the references, bits on every ISA level, independence of what else is in a batch, permutations, squares by brute force. */
#include "denoiser_fixture.h"

static Denoiser *create(const DenoiserSpec *s, IsaLevel isa, const float *theta)
{
  Denoiser *d = NULL;
  assert_int_equal(denoiser_create(s, isa, &d), 0);
  denoiser_load(d, theta);
  return d;
}

static double reference_loss(const Problem *p, double scale)
{
  double loss = NAN;
  assert_int_equal(denoiser_reference(p->spec, p->theta64, p->count, p->graph, p->target, scale, false, NULL, NULL, NULL, &loss), 0);
  return loss;
}

static double reference_all(const Problem *p, double scale)
{
  double loss = NAN;
  assert_int_equal(denoiser_reference(p->spec, p->theta64, p->count, p->graph, p->target, scale, false, p->spec->a > 1 ? p->node64 : NULL,
                                      p->edge64, p->gradient64, &loss),
                   0);
  return loss;
}

static double largest(int64_t n, const double *x)
{
  double most = 0;
  for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
  return most;
}

/* Central differences; ReLU's kinks closer than the step are few. */
static void test_reference_by_differences(void **state)
{
  (void)state;
  for (int k = 0; k < SPECS; k++) {
    Problem      p = problem_create(&specs[k], 100 + (uint64_t)k);
    const double h = 1e-5, loss = reference_all(&p, 0.3), most = largest(p.n, p.gradient64);
    int          bad = 0, checked = 0;
    expect_close("loss alone", p.spec, 0, loss, reference_loss(&p, 0.3), 1e-14 * loss);
    for (int64_t i = 0; i < p.n; i += 1 + p.n / (specs[k].n > 32 ? 20 : 150)) {
      const double at    = p.theta64[i];
      p.theta64[i]       = at + h;
      const double above = reference_loss(&p, 0.3);
      p.theta64[i]       = at - h;
      const double d     = (above - reference_loss(&p, 0.3)) / (2 * h);
      p.theta64[i]       = at;
      checked++;
      if (p.spec->kind >= DENOISER_EDGE_MLP && p.spec->activation == ACTIVATION_RELU)
        bad += !(fabs(d - p.gradient64[i]) <= 1e-7 * most);
      else
        expect_close("derivative", p.spec, i, d, p.gradient64[i], 1e-7 * most);
    }
    if (bad * 50 > checked) fail_msg("%s: %d of %d derivatives are not differences", name_of(p.spec), bad, checked);
    problem_destroy(&p);
  }
}

static double entropy(int kinds, const double *z, int clean)
{
  double sum = 0;
  for (int c = 0; c < kinds; c++) sum += exp(z[c]);
  return log(sum) - z[clean];
}

/* The reference's loss from its logits, by the formula. */
static void test_loss_of_logits(void **state)
{
  (void)state;
  for (int k = 0; k < SPECS; k++) {
    const DenoiserSpec *s    = &specs[k];
    Problem             p    = problem_create(s, 200 + (uint64_t)k);
    const double        loss = reference_all(&p, 0.7);
    double              sum  = 0;
    for (int g = 0; g < p.count; g++) {
      const DenoiserTarget *y    = &p.target[g];
      const double         *edge = p.edge64 + (int64_t)g * pairs_of(s->n) * s->b, *node = p.node64 + (int64_t)g * s->n * s->a;
      for (int i = 0; i < pairs_of(p.graph[g].n); i++) sum += (double)y->edge_weight[i] * entropy(s->b, edge + i * s->b, y->edge[i]);
      for (int i = 0; s->a > 1 && i < p.graph[g].n; i++) sum += (double)y->node_weight[i] * entropy(s->a, node + i * s->a, y->node[i]);
    }
    expect_close("loss", s, 0, 0.7 * sum, loss, 1e-12 * loss);
    problem_destroy(&p);
  }
}

/* Where the logits of a table are, and that a map without hidden layers is W (one-hot, features, t / T) + b. */
static void test_logits_by_hand(void **state)
{
  (void)state;
  for (int k = 0; k < PAIRWISE; k++) {
    const DenoiserSpec *s = &specs[k];
    if (s->kind >= DENOISER_EDGE_MLP && s->depth > 0) continue;
    Problem p = problem_create(s, 300 + (uint64_t)k);
    reference_all(&p, 1);
    for (int g = 0; g < p.count; g++) {
      const DenoiserGraph *x      = &p.graph[g];
      const int            bucket = (x->t - 1) * s->buckets / s->T, places = pairs_of(s->n), in = s->b + s->pair_features + 1;
      for (int i = 0; i < pairs_of(x->n); i++)
        for (int c = 0; c < s->b; c++) {
          const double *w        = p.theta64 + c * in;
          double        expected = 0;
          if (s->kind == DENOISER_FACTORED) expected = p.theta64[(bucket * places + i) * s->b + c];
          if (s->kind == DENOISER_FACTORED_BIT) expected = p.theta64[((bucket * places + i) * s->b + x->edge[i]) * s->b + c];
          if (s->kind == DENOISER_EDGE_MLP) expected = p.theta64[s->b * in + c] + w[x->edge[i]] + w[in - 1] * x->t / s->T;
          expect_close("logit", s, i, expected, p.edge64[((int64_t)g * places + i) * s->b + c], 1e-12);
        }
    }
    problem_destroy(&p);
  }
}

static void compare_logits(const Problem *p, int g)
{
  const DenoiserSpec *s  = p->spec;
  const int64_t       at = (int64_t)g * pairs_of(s->n) * s->b, node_at = (int64_t)g * s->n * s->a;
  const double        most = 3e-6 * fmax(1, fmax(largest(p->edges, p->edge64), largest(p->nodes, p->node64)));
  for (int i = 0; i < pairs_of(s->n) * s->b; i++) {
    const bool inside = i < pairs_of(p->graph[g].n) * s->b;
    if (inside) expect_close("edge logit", s, i, p->edge64[at + i], (double)p->edge[at + i], most);
    if (!inside && p->edge[at + i] != -77) fail_msg("%s: a logit beyond the graph was written", name_of(s));
  }
  for (int i = 0; s->a > 1 && i < s->n * s->a; i++) {
    const bool inside = i < p->graph[g].n * s->a;
    if (inside) expect_close("node logit", s, i, p->node64[node_at + i], (double)p->node[node_at + i], most);
    if (!inside && p->node[node_at + i] != -77) fail_msg("%s: a node logit beyond the graph was written", name_of(s));
  }
}

static void test_fast_is_reference(void **state)
{
  (void)state;
  for (int k = 0; k < SPECS; k++) {
    Problem      p        = problem_create(&specs[k], 400 + (uint64_t)k);
    Denoiser    *d        = create(p.spec, isa_level(), p.theta);
    const double expected = reference_all(&p, 0.3), most = largest(p.n, p.gradient64);
    double       loss = NAN;
    assert_ptr_equal(denoiser_spec(d)->kind, p.spec->kind);
    for (int64_t i = 0; i < p.edges; i++) p.edge[i] = -77;
    for (int64_t i = 0; i < p.nodes; i++) p.node[i] = -77;
    for (int64_t i = 0; i < p.n; i++) p.gradient[i] = NAN;
    denoiser_forward(d, p.count, p.graph, node_out(&p), p.edge);
    for (int g = 0; g < p.count; g++) compare_logits(&p, g);
    denoiser_gradient(d, p.count, p.graph, p.target, 0.3, p.gradient, &loss, NULL);
    for (int64_t i = 0; i < p.n; i++) expect_close("gradient", p.spec, i, p.gradient64[i], (double)p.gradient[i], 1e-5 * most);
    expect_close("loss", p.spec, 0, expected, loss, 1e-6 * expected);
    denoiser_destroy(&d);
    assert_null(d);
    problem_destroy(&p);
  }
}

/* Logits, gradient, loss and square of every level. */
static void test_bits_of_levels(void **state)
{
  (void)state;
  for (int k = 0; k < SPECS; k++) {
    Problem      p = problem_create(&specs[k], 500 + (uint64_t)k);
    const size_t n = (size_t)p.n, edges = (size_t)p.edges, nodes = (size_t)p.nodes;
    float       *all = mem_calloc(3 * (n + edges + nodes), sizeof *all);
    double       sum[3][2];
    for (int isa = ISA_BASE; isa <= (int)isa_level(); isa++) {
      float    *gradient = all + (size_t)isa * (n + edges + nodes), *edge = gradient + n, *node = edge + edges;
      Denoiser *d = create(p.spec, (IsaLevel)isa, p.theta);
      denoiser_gradient(d, p.count, p.graph, p.target, 0.1, gradient, &sum[isa][0], &sum[isa][1]);
      denoiser_forward(d, p.count, p.graph, p.spec->a > 1 ? node : NULL, edge);
      denoiser_destroy(&d);
      if (memcmp(all, gradient, (n + edges + nodes) * sizeof *all) != 0 || memcmp(sum[0], sum[isa], sizeof sum[0]) != 0)
        fail_msg("%s: other bits on %s than on base", name_of(p.spec), isa_name((IsaLevel)isa));
    }
    free(all);
    problem_destroy(&p);
  }
}

/* A graph's logits alone, and after all others, are those of the batch. */
static void test_neighbours(void **state)
{
  (void)state;
  for (int k = 0; k < SPECS; k++) {
    const DenoiserSpec *s     = &specs[k];
    Problem             p     = problem_create(s, 600 + (uint64_t)k);
    Denoiser           *d     = create(s, isa_level(), p.theta);
    const int           nodes = s->n * s->a, edges = pairs_of(s->n) * s->b;
    float              *edge = mem_calloc((size_t)edges, sizeof *edge), *node = mem_calloc((size_t)nodes, sizeof *node);
    denoiser_forward(d, p.count, p.graph, node_out(&p), p.edge);
    for (int g = p.count - 1; g >= 0; g--) {
      denoiser_forward(d, 1, &p.graph[g], s->a > 1 ? node : NULL, edge);
      assert_memory_equal(edge, p.edge + (int64_t)g * edges, (size_t)(pairs_of(p.graph[g].n) * s->b) * sizeof *edge);
      if (s->a > 1) assert_memory_equal(node, p.node + (int64_t)g * nodes, (size_t)(p.graph[g].n * s->a) * sizeof *node);
    }
    denoiser_destroy(&d);
    free(edge);
    free(node);
    problem_destroy(&p);
  }
}

/* Sum of |gradient of a graph alone|^2; asking for it changes no bit of the rest (but for a transformer). A graph of weight zero counts
 * nothing. */
static void test_square(void **state)
{
  (void)state;
  for (int k = 0; k < SPECS; k++) {
    Problem   p      = problem_create(&specs[k], 700 + (uint64_t)k);
    Denoiser *d      = create(p.spec, isa_level(), p.theta);
    float    *again  = mem_calloc((size_t)p.n, sizeof *again);
    double    sum    = 0, loss[2], square;
    float    *weight = (float *)(uintptr_t)p.target[p.count - 1].edge_weight;
    memset(weight, 0, (size_t)pairs_of(p.graph[p.count - 1].n) * sizeof *weight);
    for (int g = 0; g < p.count; g++) {
      assert_int_equal(denoiser_reference(p.spec, p.theta64, 1, p.graph + g, p.target + g, 1, false, NULL, NULL, p.gradient64, NULL), 0);
      for (int64_t i = 0; i < p.n; i++) sum += p.gradient64[i] * p.gradient64[i];
    }
    denoiser_gradient(d, p.count, p.graph, p.target, 0.3, p.gradient, &loss[0], &square);
    denoiser_gradient(d, p.count, p.graph, p.target, 0.3, again, &loss[1], NULL);
    expect_close("square", p.spec, 0, sum, square, 1e-5 * sum);
    if (k < PAIRWISE) assert_memory_equal(p.gradient, again, (size_t)p.n * sizeof *again);
    assert_memory_equal(&loss[0], &loss[1], sizeof loss[0]);
    denoiser_destroy(&d);
    free(again);
    problem_destroy(&p);
  }
}

/* A graph with weights 3 w is three graphs with weights w; no graphs give zeros; another load is another model. */
static void test_weights_and_loads(void **state)
{
  (void)state;
  for (int k = 0; k < SPECS; k++) {
    Problem        p        = problem_create(&specs[k], 800 + (uint64_t)k);
    Denoiser      *d        = create(p.spec, isa_level(), p.theta);
    DenoiserGraph  graph[3] = {p.graph[0], p.graph[0], p.graph[0]};
    DenoiserTarget y[3]     = {p.target[0], p.target[0], p.target[0]};
    float         *three    = mem_calloc((size_t)p.n, sizeof *three), *weight;
    double         loss[2], most = 0;
    denoiser_gradient(d, 3, graph, y, 1, three, &loss[0], NULL);
    for (int64_t i = 0; i < p.n; i++) most = fmax(most, fabs((double)three[i]));
    weight = (float *)(uintptr_t)y[0].edge_weight;
    for (int i = 0; i < pairs_of(graph[0].n); i++) weight[i] *= 3;
    weight = (float *)(uintptr_t)y[0].node_weight;
    for (int i = 0; weight && i < graph[0].n; i++) weight[i] *= 3;
    denoiser_gradient(d, 1, graph, y, 1, p.gradient, &loss[1], NULL);
    expect_close("loss of three", p.spec, 0, loss[0], loss[1], 1e-6 * loss[0]);
    for (int64_t i = 0; i < p.n; i++) expect_close("gradient of three", p.spec, i, (double)three[i], (double)p.gradient[i], 1e-5 * most);
    denoiser_gradient(d, 0, NULL, NULL, 1, p.gradient, &loss[0], &most);
    for (int64_t i = 0; i < p.n; i++) expect_close("gradient of nothing", p.spec, i, 0, (double)p.gradient[i], 0);
    expect_close("loss and square of nothing", p.spec, 0, 0, fabs(loss[0]) + fabs(most), 0);
    put_theta(&p, 900);
    denoiser_load(d, p.theta);
    denoiser_gradient(d, p.count, p.graph, p.target, 1, p.gradient, &loss[0], NULL);
    expect_close("loss after a load", p.spec, 0, reference_loss(&p, 1), loss[0], 1e-6 * loss[0]);
    free(three);
    denoiser_destroy(&d);
    problem_destroy(&p);
  }
}

/* edge_mlp sees no position: graph and features permuted, its logits are permuted, bit by bit. */
static void test_permutation(void **state)
{
  (void)state;
  for (int k = 0; k < SPECS; k++) {
    const DenoiserSpec *s = &specs[k];
    if (s->kind != DENOISER_EDGE_MLP) continue;
    Problem        p = problem_create(s, 1000 + (uint64_t)k);
    Rng            r = rng_start(7, 3, RNG_VERIFY);
    DenoiserGraph  x = p.graph[0], y;
    DenoiserTarget other;
    Denoiser      *d = create(s, isa_level(), p.theta);
    int            order[DENOISER_NODES_MAX];
    float         *node = mem_calloc((size_t)(s->n * s->a), sizeof *node);
    float         *edge = mem_calloc((size_t)(pairs_of(s->n) * s->b), sizeof *edge);
    put_graph(s, &r, s->n, &y, &other);
    y.t = x.t;
    for (int i = 0; i < s->n; i++) order[i] = i;
    for (int i = s->n - 1; i > 0; i--) {
      const int j = (int)rng_below(&r, (uint32_t)i + 1), old = order[i];
      order[i] = order[j];
      order[j] = old;
    }
#define PLACE(i, j) ((i) < (j) ? (j) * ((j)-1) / 2 + (i) : (i) * ((i)-1) / 2 + (j))
    for (int j = 0; j < s->n; j++) {
      ((uint8_t *)(uintptr_t)y.node)[order[j]] = x.node[j];
      for (int i = 0; i < j; i++) {
        const int from = PLACE(i, j), to = PLACE(order[i], order[j]);
        ((uint8_t *)(uintptr_t)y.edge)[to] = x.edge[from];
        for (int f = 0; f < s->pair_features; f++)
          ((float *)(uintptr_t)y.pair_features)[to * s->pair_features + f] = x.pair_features[from * s->pair_features + f];
      }
    }
    denoiser_forward(d, 1, &x, node_out(&p), p.edge);
    denoiser_forward(d, 1, &y, s->a > 1 ? node : NULL, edge);
    for (int j = 0; j < s->n; j++) {
      if (s->a > 1) assert_memory_equal(node + order[j] * s->a, p.node + j * s->a, (size_t)s->a * sizeof *node);
      for (int i = 0; i < j; i++)
        assert_memory_equal(edge + PLACE(order[i], order[j]) * s->b, p.edge + PLACE(i, j) * s->b, (size_t)s->b * sizeof *edge);
    }
#undef PLACE
    denoiser_destroy(&d);
    free(node);
    free(edge);
    drop(y.node);
    drop(y.edge);
    drop(y.pair_features);
    drop(other.node);
    drop(other.edge);
    drop(other.node_weight);
    drop(other.edge_weight);
    problem_destroy(&p);
  }
}

/* At the logits of the weighted frequencies w P / (w P + 1 - P) the gradient of a factored model is zero. */
static void test_optimum_of_factored(void **state)
{
  (void)state;
  enum { GRAPHS_ALL = 40, N = 3, PAIRS = 3 };
  static const int   present[PAIRS] = {2, 20, 37};
  const DenoiserSpec s              = {.kind = DENOISER_FACTORED, .n = N, .a = 1, .b = 2, .T = 4, .buckets = 1};
  DenoiserGraph      graph[GRAPHS_ALL];
  DenoiserTarget     target[GRAPHS_ALL];
  uint8_t            clean[GRAPHS_ALL][PAIRS], noisy[PAIRS] = {0}, node[N] = {0};
  float              weight[GRAPHS_ALL][PAIRS], theta[6] = {0}, gradient[6];
  double             loss, expected                      = 0;
  for (int g = 0; g < GRAPHS_ALL; g++) {
    for (int i = 0; i < PAIRS; i++) {
      clean[g][i]  = g < present[i];
      weight[g][i] = clean[g][i] ? 10 : 1;
    }
    graph[g]  = (DenoiserGraph){.n = N, .t = 1 + g % 4, .node = node, .edge = noisy};
    target[g] = (DenoiserTarget){.node = node, .edge = clean[g], .edge_weight = weight[g]};
  }
  for (int i = 0; i < PAIRS; i++) {
    const double P = present[i] / (double)GRAPHS_ALL, tilted = 10 * P / (10 * P + 1 - P), total = 10 * present[i] + GRAPHS_ALL - present[i];
    theta[2 * i + 1] = (float)log(tilted / (1 - tilted));
    expected -= total * (tilted * log(tilted) + (1 - tilted) * log(1 - tilted));
  }
  Denoiser *d = create(&s, isa_level(), theta);
  denoiser_gradient(d, GRAPHS_ALL, graph, target, 1, gradient, &loss, NULL);
  expect_close("entropy", &s, 0, expected, loss, 1e-5 * expected);
  for (int i = 0; i < 6; i++) expect_close("gradient at the optimum", &s, i, 0, (double)gradient[i], 1e-4);
  denoiser_destroy(&d);
}

/* Logits far apart and a parameter that is no number. */
static void test_extreme_logits(void **state)
{
  (void)state;
  for (int k = 0; k < PAIRWISE; k++) {
    Problem p = problem_create(&specs[k], 1100 + (uint64_t)k);
    for (int64_t i = 0; i < p.n; i++) p.theta64[i] = (double)(p.theta[i] *= p.spec->kind == DENOISER_EDGE_MLP ? 10 : 60);
    Denoiser    *d        = create(p.spec, isa_level(), p.theta);
    const double expected = reference_all(&p, 1), most = largest(p.n, p.gradient64);
    double       loss;
    denoiser_gradient(d, p.count, p.graph, p.target, 1, p.gradient, &loss, NULL);
    expect_close("loss", p.spec, 0, expected, loss, 1e-5 * expected);
    for (int64_t i = 0; i < p.n; i++)
      if (!isfinite(p.gradient[i])) fail_msg("%s: derivative %lld is %g", name_of(p.spec), (long long)i, (double)p.gradient[i]);
    for (int64_t i = 0; p.spec->kind != DENOISER_EDGE_MLP && i < p.n; i++)
      expect_close("derivative", p.spec, i, p.gradient64[i], (double)p.gradient[i], 1e-5 * most);
    for (int64_t i = 0; i < p.n; i++) p.theta[i] = NAN;
    denoiser_load(d, p.theta);
    denoiser_gradient(d, p.count, p.graph, p.target, 1, p.gradient, &loss, NULL);
    if (!isnan(loss)) fail_msg("%s: parameters that are no numbers give the loss %g", name_of(p.spec), loss);
    denoiser_destroy(&d);
    problem_destroy(&p);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reference_by_differences),
      cmocka_unit_test(test_loss_of_logits),
      cmocka_unit_test(test_logits_by_hand),
      cmocka_unit_test(test_fast_is_reference),
      cmocka_unit_test(test_bits_of_levels),
      cmocka_unit_test(test_neighbours),
      cmocka_unit_test(test_square),
      cmocka_unit_test(test_weights_and_loads),
      cmocka_unit_test(test_permutation),
      cmocka_unit_test(test_optimum_of_factored),
      cmocka_unit_test(test_extreme_logits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
