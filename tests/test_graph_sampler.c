/* SPDX-License-Identifier: BSD-2-Clause
 * Sampling graphs on 1 to 3 ranks: the exact posterior of toy4 against the enumerated chain, tables against their frequencies, the slow
 * chain of one graph after the other, sizes, what is kept along the way, any number of ranks, stops. Only rank 0 prints. */
#include "graph_train_fixture.h"

#include "graph_exact.h"
#include "graph_sampler.h"

enum { T = 12 };

/* What a call gives. */
typedef struct Sampled {
  int64_t            count;
  int                n, pairs;
  uint8_t           *size, *node, *edge;
  GraphSamplerRecord record;
} Sampled;

static Sampled make_sampled(int n, int64_t count, int64_t kept, int steps)
{
  Sampled      s    = {.count = count, .n = n, .pairs = pair_count(n)};
  const size_t rows = (size_t)count, all = (size_t)kept * (size_t)(steps + 1) * (size_t)s.pairs;
  s.size               = malloc(rows + 1);
  s.node               = malloc(rows * (size_t)n + 1);
  s.edge               = malloc(rows * (size_t)s.pairs + 1);
  s.record.graphs      = kept;
  s.record.edge        = malloc(all + 1);
  s.record.probability = malloc((all + 1) * sizeof(float));
  assert_true(s.size && s.node && s.edge && s.record.edge && s.record.probability);
  return s;
}

static void free_sampled(Sampled *s)
{
  free(s->size);
  free(s->node);
  free(s->edge);
  free(s->record.edge);
  free(s->record.probability);
}

static void sample(MPI_Comm comm, const GraphModel *model, const GraphPosterior *posterior, const double *frequency, Sampled *s)
{
  bool stopped;
  assert_int_equal(graph_sampler_run(comm, model, posterior, s->n, frequency, 99, s->count, s->record.graphs > 0 ? &s->record : NULL,
                                     s->size, s->node, s->edge, NULL, &stopped),
                   0);
  assert_false(stopped);
}

static void assert_same_sampled(const Sampled *got, const Sampled *expected, int steps)
{
  assert_memory_equal(got->size, expected->size, got->count);
  assert_memory_equal(got->node, expected->node, got->count * got->n);
  assert_memory_equal(got->edge, expected->edge, got->count * got->pairs);
  assert_memory_equal(got->record.edge, expected->record.edge, got->record.graphs * (steps + 1) * got->pairs);
  assert_same_floats("probability", got->record.graphs * steps * got->pairs, got->record.probability, expected->record.probability);
}

/* A set, its process, and a denoiser with parameters that are no symmetric choice. */
typedef struct Setting {
  GraphSet     *set;
  Transition   *transition;
  DenoiserSpec  spec;
  float        *theta;
  GraphModel    model;
  GraphSetStats stats;
} Setting;

static Setting open_setting(DenoiserKind kind, bool blocks)
{
  Setting s       = {.set = make_set(40, 0.4, blocks, true)};
  s.transition    = make_transition(s.set, T);
  s.spec          = make_denoiser(kind, s.set, T);
  const int64_t n = denoiser_parameters(&s.spec);
  s.theta         = calloc((size_t)n, sizeof *s.theta);
  assert_non_null(s.theta);
  denoiser_init(&s.spec, 3, s.theta);
  for (int64_t i = 0; i < n; i++) s.theta[i] += (kind == DENOISER_TRANSFORMER ? 0.1f : 0.7f) * sinf((float)i);
  s.model = (GraphModel){.features = kind == DENOISER_TRANSFORMER ? ALL_FEATURES : 0, .transition = s.transition};
  assert_int_equal(denoiser_create(&s.spec, isa_level(), &s.model.denoiser), 0);
  denoiser_load(s.model.denoiser, s.theta);
  assert_int_equal(graph_set_stats(s.set, &s.stats), 0);
  return s;
}

static void close_setting(Setting *s)
{
  graph_set_stats_clear(&s->stats);
  denoiser_destroy(&s->model.denoiser);
  free(s->theta);
  transition_destroy(&s->transition);
  graph_set_destroy(&s->set);
}

static void any_number_of_ranks_gives_the_same_graphs(void **state)
{
  static const int64_t count[] = {0, 1, 2, 31, 75};
  (void)state;
  for (int kind = 0; kind <= DENOISER_TRANSFORMER; kind++) {
    Setting s = open_setting((DenoiserKind)kind, kind != DENOISER_FACTORED);
    for (int i = 0; i < 5; i++)
      for (int64_t kept = 0; kept <= count[i]; kept += count[i] < 3 ? 1 : 30) {
        Sampled alone = make_sampled(8, count[i], kept, T), together = make_sampled(8, count[i], kept, T);
        sample(MPI_COMM_SELF, &s.model, NULL, s.stats.size_frequency, &alone);
        sample(MPI_COMM_WORLD, &s.model, NULL, s.stats.size_frequency, &together);
        assert_same_sampled(&together, &alone, T);
        free_sampled(&alone);
        free_sampled(&together);
      }
    close_setting(&s);
  }
}

/* One graph after the other by the doors of transition.h and denoiser.h. */
static void the_slow_chain_agrees(void **state)
{
  (void)state;
  for (int kind = 0; kind <= DENOISER_TRANSFORMER; kind++) {
    Setting s    = open_setting((DenoiserKind)kind, true);
    Sampled got  = make_sampled(8, 50, 7, T);
    double *work = calloc((size_t)masks_spectrum_work(8), sizeof *work);
    sample(MPI_COMM_WORLD, &s.model, NULL, s.stats.size_frequency, &got);
    for (int64_t i = 0; i < got.count; i++) {
      const int n = got.size[i], pairs = pair_count(n);
      uint8_t   node[8] = {0}, edge[28] = {0};
      uint64_t  mask[8];
      float     vertex[8 * 32], features[28 * 32], whole[32], node_logit[16], edge_logit[56], probability[28];
      transition_start(s.transition, ISA_BASE, 99, (uint64_t)i, n, node, edge);
      for (int t = T; t >= 1; t--) {
        if (i < 7) assert_memory_equal(got.record.edge + (i * (T + 1) + T - t) * 28, edge, 28);
        masks_of_edges(n, edge, mask);
        if (kind == DENOISER_TRANSFORMER)
          assert_int_equal(features_fill(ALL_FEATURES, n, mask, vertex, features, whole, work), 0);
        else
          features_pairs(n, mask, features);
        const DenoiserGraph graph = {n, t, node, edge, vertex, features, whole, 0};
        denoiser_forward(s.model.denoiser, 1, &graph, node_logit, edge_logit);
        transition_step(s.transition, ISA_BASE, 99, (uint64_t)i, t, n, node_logit, edge_logit, node, edge, probability);
        if (i >= 7) continue;
        assert_same_floats("phat", pairs, got.record.probability + (i * T + T - t) * 28, probability);
        for (int p = pairs; p < 28; p++) assert_true(got.record.probability[(i * T + T - t) * 28 + p] == 0);
        for (int p = 0; p < pairs; p++)
          assert_near("softmax", p, (double)probability[p], 1 / (1 + exp((double)edge_logit[2 * p] - (double)edge_logit[2 * p + 1])), 1e-5);
      }
      assert_memory_equal(got.edge + i * 28, edge, 28);
      assert_memory_equal(got.node + i * 8, node, 8);
      if (i < 7) assert_memory_equal(got.record.edge + (i * (T + 1) + T) * 28, edge, 28);
    }
    free(work);
    free_sampled(&got);
    close_setting(&s);
  }
}

static void sizes_are_drawn_by_their_frequency(void **state)
{
  static const double frequency[] = {0, 0, 0, 0.1, 0, 0.25, 0, 0, 0.65};
  enum { COUNT = 4000 };
  Setting s         = open_setting(DENOISER_FACTORED, false);
  Sampled got       = make_sampled(8, COUNT, 0, T);
  double  number[9] = {0};
  (void)state;
  sample(MPI_COMM_WORLD, &s.model, NULL, frequency, &got);
  for (int64_t i = 0; i < COUNT; i++) {
    assert_in_range(got.size[i], 1, 8);
    number[got.size[i]]++;
    for (int p = pair_count(got.size[i]); p < 28; p++) assert_int_equal(got.edge[i * 28 + p], 0);
  }
  for (int k = 0; k < 9; k++)
    assert_near("size", k, number[k] / COUNT, frequency[k], 4.5 * sqrt(frequency[k] * (1 - frequency[k]) / COUNT));
  free_sampled(&got);
  close_setting(&s);
}

/* The last step returns x_0 ~ phat: edges of a factored denoiser are independent with phat of t = 1. */
static void a_table_generates_its_frequencies(void **state)
{
  enum { COUNT = 4000 };
  double  frequency[9] = {[8] = 1}, mean[28] = {0};
  Setting s   = open_setting(DENOISER_FACTORED, false);
  Sampled got = make_sampled(8, COUNT, 0, T);
  (void)state;
  sample(MPI_COMM_WORLD, &s.model, NULL, frequency, &got);
  for (int64_t i = 0; i < COUNT; i++)
    for (int p = 0; p < 28; p++) mean[p] += (double)got.edge[i * 28 + p] / COUNT;
  for (int p = 0; p < 28; p++) {
    const double phat = 1 / (1 + exp((double)s.theta[2 * p] - (double)s.theta[2 * p + 1]));
    assert_near("frequency of a pair", p, mean[p], phat, 4.5 * sqrt(phat * (1 - phat) / COUNT));
  }
  free_sampled(&got);
  close_setting(&s);
}

/* toy4 in every weighting: the law of 64 states, state by state and as connectivity. */
static void the_exact_posterior_of_toy4_gives_the_enumerated_chain(void **state)
{
  static const struct {
    double    eps;
    GraphLoss loss;
    double    lambda;
    bool      permute;
  } sets[] = {{0.05, LOSS_STANDARD, 0, true},
              {0.05, LOSS_EDGE_WEIGHTED, 9, true},
              {0.5, LOSS_GRAPH_WEIGHTED, 2, true},
              {0.3, LOSS_STANDARD, 0, false}};
  enum { COUNT = 20000, STEPS = 20 };
  (void)state;
  for (int k = 0; k < 4; k++) {
    double law[TOY_STATES], expected[TOY_STATES], got[TOY_STATES] = {0}, square = 0, abar[STEPS + 1], frequency[] = {0, 0, 0, 0, 1};
    double mean = 0, node = 1;
    int    states = 0;
    char   message[256];
    toy_law(sets[k].eps, sets[k].permute, law);
    for (int s = 0; s < TOY_STATES; s++) mean += law[s] * __builtin_popcount((unsigned)s) / TOY_PAIRS;
    double              edge[2] = {1 - mean, mean};
    const GraphSetStats stats   = {.node_marginal = &node, .edge_marginal = edge};
    Transition         *transition;
    assert_null(transition_schedule(ABAR_COSINE, STEPS, 0, NULL, abar, message));
    assert_int_equal(transition_create(STEPS, abar, TRANSITION_MARGINAL, &stats, 1, 2, &transition), 0);
    ToySpec              toy       = {transition, {.kind = sets[k].loss, .lambda = sets[k].lambda, .lambda_e = 1}, law};
    const GraphPosterior posterior = {toy_logits, &toy};
    const GraphModel     model     = {NULL, 0, transition};
    Sampled              s         = make_sampled(4, COUNT, 0, STEPS);
    sample(MPI_COMM_WORLD, &model, &posterior, frequency, &s);
    assert_int_equal(toy_chain(&toy, expected), 0);
    for (int64_t i = 0; i < COUNT; i++) {
      int number = 0;
      for (int p = 0; p < TOY_PAIRS; p++) number |= s.edge[i * TOY_PAIRS + p] << p;
      got[number] += 1.0 / COUNT;
    }
    const double connected = toy_connected(expected);
    assert_near("connected", k, toy_connected(got), connected, 4 * sqrt(connected * (1 - connected) / COUNT));
    for (int i = 0; i < TOY_STATES; i++) {
      if (expected[i] * COUNT < 5) continue;
      square += COUNT * pow(got[i] - expected[i], 2) / expected[i];
      states++;
    }
    assert_near("chi-square of the states", k, square, states, 5 * sqrt(2.0 * states) + 1);
    free_sampled(&s);
    transition_destroy(&transition);
  }
}

static int  asked;
static bool stop_later(void *ctx)
{
  (void)ctx;
  return ++asked > 1;
}

static int64_t last_done, last_total;
static void    note(void *ctx, const char *phase, int64_t done, int64_t total)
{
  (void)ctx;
  assert_string_equal(phase, "sample");
  assert_true(done > last_done && done <= total);
  last_done  = done;
  last_total = total;
}

static void the_watch_is_asked_and_obeyed(void **state)
{
  Setting     s     = open_setting(DENOISER_EDGE_MLP, true);
  Sampled     got   = make_sampled(8, 3000, 0, T);
  const Watch watch = {.progress = note, .stop = stop_later};
  bool        stopped;
  (void)state;
  asked     = 0;
  last_done = 0;
  assert_int_equal(graph_sampler_run(MPI_COMM_WORLD, &s.model, NULL, 8, s.stats.size_frequency, 1, 3000, NULL, got.size, got.node, got.edge,
                                     &watch, &stopped),
                   0);
  assert_true(stopped);
  assert_int_equal(asked, 2);
  assert_true(last_done < last_total);
  free_sampled(&got);
  close_setting(&s);
}

static void nodes_of_one_class_may_be_left_out(void **state)
{
  Setting s   = open_setting(DENOISER_EDGE_MLP, false);
  Sampled got = make_sampled(8, 40, 0, T), other = make_sampled(8, 40, 0, T);
  bool    stopped;
  (void)state;
  sample(MPI_COMM_WORLD, &s.model, NULL, s.stats.size_frequency, &got);
  assert_int_equal(graph_sampler_run(MPI_COMM_WORLD, &s.model, NULL, 8, s.stats.size_frequency, 99, 40, NULL, other.size, NULL, other.edge,
                                     NULL, &stopped),
                   0);
  assert_memory_equal(got.edge, other.edge, 40 * 28);
  for (int i = 0; i < 40 * 8; i++) assert_int_equal(got.node[i], 0);
  free_sampled(&got);
  free_sampled(&other);
  close_setting(&s);
}

int main(int argc, char **argv)
{
  int rank_here;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_here);
  if (rank_here != 0 && (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_number_of_ranks_gives_the_same_graphs),
      cmocka_unit_test(the_slow_chain_agrees),
      cmocka_unit_test(sizes_are_drawn_by_their_frequency),
      cmocka_unit_test(a_table_generates_its_frequencies),
      cmocka_unit_test(the_exact_posterior_of_toy4_gives_the_enumerated_chain),
      cmocka_unit_test(the_watch_is_asked_and_obeyed),
      cmocka_unit_test(nodes_of_one_class_may_be_left_out),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
