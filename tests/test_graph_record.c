/* SPDX-License-Identifier: BSD-2-Clause
 * What is asked of graph denoisers: weights and importance of terms by hand, class gradients by brute force over single graphs in float64,
 * probes and the bound of models that are known, on 1 to 3 ranks. Only rank 0 prints. */
#include "graph_train_fixture.h"

#include "graph_exact.h"

enum { T = 12 };

/* --- weights --- */

/* Two whole K_4 and a bridge or none: R is 1/2 in K_4 and 1 at the bridge. */
static GraphSet *make_whole(int64_t count, double eps)
{
  const GraphSetSpec spec = {.kind             = SET_BARBELL,
                             .clusters         = 2,
                             .size             = {4, 4},
                             .bridge_frequency = eps,
                             .intra_frequency  = 1,
                             .exact_frequency  = true,
                             .node_blocks      = true};
  GraphSet          *set;
  assert_int_equal(graph_set_generate(&spec, 1, 0, count, &set), 0);
  assert_int_equal(graph_set_resistance(set), 0);
  return set;
}

static void weights_are_those_of_the_formulas(void **state)
{
  GraphSet *set = make_whole(8, 0.5);
  (void)state;
  for (int kind = 0; kind < 4; kind++)
    for (int64_t i = 0; i < set->count; i++) {
      const GraphLossSpec spec    = {.kind = (GraphLoss)kind, .lambda = 9, .omega = 4, .lambda_e = 2};
      const bool          bridged = set->edge[i * set->pairs + pair_index(3, 4)] > 0;
      const double        whole   = kind == LOSS_GRAPH_WEIGHTED && bridged ? 10 : 1;
      float               node[8], edge[28];
      graph_loss_weights(&spec, set, i, node, edge);
      for (int v = 0; v < 8; v++) assert_near("node", v, (double)node[v], whole, 1e-6);
      for (int b = 1; b < 8; b++)
        for (int a = 0; a < b; a++) {
          const bool   inside = (a < 4) == (b < 4), present = inside || (a == 3 && b == 4 && bridged);
          const double factor = kind == LOSS_EDGE_WEIGHTED ? 1 + 9 * (inside ? 0.5 : 1) : kind == LOSS_CLASS_WEIGHTED ? 4 : 1;
          const int    p      = pair_index(a, b);
          assert_near("edge", p, (double)edge[p], 2 * whole * (present ? factor : 1), 1e-5);
          assert_int_equal(graph_term(set, i, p), !present ? TERMS_NONE : inside ? TERMS_INTRA : TERMS_BRIDGE);
        }
    }
  double importance[TERM_CLASSES];
  graph_importance(set, importance); /* 7 of resistance with the bridge, 6 without */
  assert_near("importance of bridges", 0, importance[TERMS_BRIDGE], 0.5 / 7, 1e-12);
  assert_near("importance of others", 0, importance[TERMS_INTRA], 0.5 * 6 / 7 + 0.5, 1e-12);
  assert_true(isnan(importance[TERMS_NONE]));
  graph_set_destroy(&set);
}

/* --- class gradients --- */

typedef struct Brute {
  double *gradient[TERM_CLASSES], square[TERM_CLASSES], time[TERM_CLASSES][TRAIN_GRAPH_BUCKETS];
} Brute;

/* Adds graph k of the batch, class by class, quarter by quarter, by the float64 reference. */
static void brute_gradients(const GraphTrainSpec *spec, const GraphSet *set, const GraphBatch *batch, const double *theta, int64_t n,
                            Brute *out)
{
  double *part = calloc((size_t)n, sizeof *part), *timed = calloc((size_t)(TERM_CLASSES * TRAIN_GRAPH_BUCKETS * n), sizeof *timed), loss;
  float  *edge = calloc((size_t)set->pairs, sizeof *edge), *node = calloc((size_t)set->n, sizeof *node);
  assert_true(part && timed && edge && node);
  for (int c = 0; c < TERM_CLASSES; c++)
    for (int k = 0; k < batch->count; k++) {
      DenoiserTarget target = batch->target[k];
      for (int p = 0; p < set->pairs; p++) edge[p] = graph_term(set, batch->graph[k], p) == c ? target.edge_weight[p] : 0;
      target.edge_weight = edge;
      target.node_weight = set->a > 1 ? node : NULL;
      assert_int_equal(denoiser_reference(&spec->denoiser, theta, 1, &batch->input[k], &target, 1, true, NULL, NULL, part, &loss), 0);
      double *quarter = timed + (c * TRAIN_GRAPH_BUCKETS + (batch->input[k].t - 1) * TRAIN_GRAPH_BUCKETS / T) * n;
      for (int64_t i = 0; i < n; i++) {
        out->gradient[c][i] += part[i] / batch->count;
        out->square[c] += part[i] * part[i] / batch->count;
        quarter[i] += part[i] / batch->count;
      }
    }
  for (int c = 0; c < TERM_CLASSES; c++)
    for (int q = 0; q < TRAIN_GRAPH_BUCKETS; q++)
      for (int64_t i = 0; i < n; i++) out->time[c][q] += pow(timed[(c * TRAIN_GRAPH_BUCKETS + q) * n + i], 2);
  free(part);
  free(timed);
  free(edge);
  free(node);
}

static double dot(int64_t first, int64_t last, const double *x, const double *y)
{
  double sum = 0;
  for (int64_t i = first; i < last; i++) sum += x[i] * y[i];
  return sum;
}

static void compare_brute(const GraphTrainSpec *spec, const Room *room, const Brute *brute, int64_t row)
{
  const int64_t n = room->parameters, at = row * TERM_CLASSES;
  double       *total = calloc((size_t)n, sizeof *total), all = 0;
  DenoiserPart  part[DENOISER_PARTS_MAX];
  const int     parts = denoiser_parts(&spec->denoiser, part);
  double        importance[TERM_CLASSES];
  assert_non_null(total);
  graph_importance(room->trial.set, importance);
  for (int c = 0; c < TERM_CLASSES; c++) {
    all += dot(0, n, brute->gradient[c], brute->gradient[c]);
    for (int64_t i = 0; i < n; i++) total[i] += brute->gradient[c][i];
  }
  for (int c = 0; c < TERM_CLASSES; c++) {
    const double *g = brute->gradient[c], norm2 = dot(0, n, g, g), batch = spec->batch, share = norm2 / all;
    const double  variance = (brute->square[c] - norm2) * batch / (batch - 1);
    assert_near("norm", c, room->series.norm[at + c], sqrt(norm2), 1e-5 * sqrt(norm2));
    assert_near("share", c, room->series.share[at + c], share, 1e-5);
    assert_near("snr", c, room->series.snr[at + c], sqrt(norm2 / variance), 1e-4 * sqrt(norm2 / variance));
    assert_near("cosine", c, room->series.cosine[at + c], dot(0, n, g, total) / sqrt(norm2 * dot(0, n, total, total)), 1e-5);
    assert_near("index", c, room->series.index[at + c], c == TERMS_NONE ? NAN : share / importance[c], 1e-4);
    for (int k = 0; k < parts; k++) {
      double of_part = 0;
      for (int d = 0; d < TERM_CLASSES; d++) of_part += dot(part[k].first, part[k].last, brute->gradient[d], brute->gradient[d]);
      assert_near("share of a part", k, room->series.share_part[(at + c) * parts + k], dot(part[k].first, part[k].last, g, g) / of_part,
                  1e-5);
    }
    for (int q = 0; q < TRAIN_GRAPH_BUCKETS; q++) {
      const double of_time = brute->time[0][q] + brute->time[1][q] + brute->time[2][q];
      assert_near("share of a quarter", q, room->series.share_time[(at + c) * TRAIN_GRAPH_BUCKETS + q], brute->time[c][q] / of_time, 1e-5);
    }
  }
  free(total);
}

static void class_gradients_agree_with_brute_force(void **state)
{
  GraphSet   *set        = make_set(30, 0.4, true, true);
  Transition *transition = make_transition(set, T);
  (void)state;
  for (int kind = 0; kind <= DENOISER_TRANSFORMER; kind++) {
    GraphTrainSpec spec = make_spec((DenoiserKind)kind, set, T, 1, 20);
    Room           room = make_room(&spec, set, transition, 5, 1);
    GraphJob       job  = make_job(&spec, &room.trial, 1);
    GraphBatch     batch;
    Brute          brute = {{NULL}, {0}, {{0}}};
    double        *theta = calloc((size_t)room.parameters, sizeof *theta);
    train_room(MPI_COMM_SELF, &spec, 1, &room);
    for (int64_t i = 0; i < room.parameters; i++) theta[i] = (double)room.memory[i]; /* after the one step: row 1 */
    assert_int_equal(graph_batch_create(&job, &batch), 0);
    graph_order_load(&job, 1);
    assert_int_equal(graph_batch_draw(&job, 1, 0, &batch), 0);
    for (int c = 0; c < TERM_CLASSES; c++) assert_non_null(brute.gradient[c] = calloc((size_t)room.parameters, sizeof(double)));
    brute_gradients(&spec, set, &batch, theta, room.parameters, &brute);
    assert_int_equal(room.series.step[1], 1);
    compare_brute(&spec, &room, &brute, 1);
    for (int c = 0; c < TERM_CLASSES; c++) free(brute.gradient[c]);
    free(theta);
    graph_batch_destroy(&batch);
    free_job(&job);
    free_room(&room);
  }
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

/* --- probes --- */

/* A denoiser loaded with parameters. */
static Denoiser *load(const DenoiserSpec *spec, const float *theta)
{
  Denoiser *d;
  assert_int_equal(denoiser_create(spec, isa_level(), &d), 0);
  denoiser_load(d, theta);
  return d;
}

/* The factored denoiser's phat are known pair by pair, whatever the noise. */
static void probes_of_a_table_are_its_entries(void **state)
{
  GraphSet          *set        = make_set(30, 0.4, false, true);
  Transition        *transition = make_transition(set, T);
  const DenoiserSpec spec       = make_denoiser(DENOISER_FACTORED, set, T);
  float              theta[56];
  double             phat[28], sum[5] = {0}, number[5] = {0}, out[3], present[2], pairs[28];
  (void)state;
  for (int p = 0; p < 28; p++) {
    theta[2 * p]     = (float)sin(p);
    theta[2 * p + 1] = (float)cos(3 * p);
    phat[p]          = 1 / (1 + exp((double)theta[2 * p] - (double)theta[2 * p + 1]));
  }
  Denoiser        *denoiser = load(&spec, theta);
  const GraphModel model    = {denoiser, 0, transition};
  for (int64_t i = 0; i < 25; i++)
    for (int p = 0; p < pair_count(set->size[i]); p++) {
      const bool edge = set->edge[i * 28 + p] > 0, bridge = p == pair_index(3, 4);
      const int  c = bridge ? TERMS_BRIDGE : edge ? TERMS_INTRA : TERMS_NONE;
      sum[c] += phat[p], number[c]++;
      if (bridge) sum[3 + !edge] += phat[p], number[3 + !edge]++;
    }
  for (int t = 1; t <= T; t += T - 1) {
    assert_int_equal(graph_probe(MPI_COMM_WORLD, &model, set, 5, t, 25, out, present), 0);
    for (int c = 0; c < 3; c++) assert_near("probe", c, out[c], sum[c] / number[c], 1e-6);
    for (int c = 0; c < 2; c++) assert_near("present", c, present[c], sum[3 + c] / number[3 + c], 1e-6);
  }
  assert_int_equal(graph_probe_pairs(MPI_COMM_WORLD, &model, 7, 5, T, 100, pairs), 0);
  for (int p = 0; p < pair_count(7); p++) assert_near("pair", p, pairs[p], phat[p], 1e-6);
  int t[PROBE_TIMES];
  graph_probe_times(50, t);
  assert_true(t[0] == 50 && t[1] == 38 && t[2] == 25 && t[3] == 13);
  graph_probe_times(1, t);
  assert_true(t[0] == 1 && t[1] == 1 && t[2] == 1 && t[3] == 1);
  denoiser_destroy(&denoiser);
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

/* A table that sees its own bit, hardly noisy: sites with and without a bridge are told apart. */
static void present_bridges_are_told_from_absent_ones(void **state)
{
  GraphSet          *set        = make_set(200, 0.4, false, false);
  Transition        *transition = make_transition(set, 50);
  const DenoiserSpec spec       = make_denoiser(DENOISER_FACTORED_BIT, set, 50);
  const int64_t      n          = denoiser_parameters(&spec);
  float             *theta      = calloc((size_t)n, sizeof *theta);
  double             out[TERM_CLASSES], present[2];
  (void)state;
  assert_non_null(theta);
  for (int64_t i = 0; i < n; i += 4) theta[i + 1] = -2, theta[i + 3] = 1; /* logits of an edge seeing none, and seeing one */
  Denoiser        *denoiser = load(&spec, theta);
  const GraphModel model    = {denoiser, 0, transition};
  const double     low = 1 / (1 + exp(2)), high = 1 / (1 + exp(-1));
  assert_int_equal(graph_probe(MPI_COMM_WORLD, &model, set, 5, 1, 200, out, present), 0);
  assert_near("present", 0, present[0], high, 0.02);
  assert_near("absent", 1, present[1], low, 0.02);
  assert_near("sites", 0, out[TERMS_BRIDGE], 0.4 * high + 0.6 * low, 0.02);
  assert_near("other edges", 1, out[TERMS_INTRA], high, 0.02);
  assert_near("no edges", 2, out[TERMS_NONE], low, 0.02);
  denoiser_destroy(&denoiser);
  free(theta);
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

/* One pair with the exact posterior of frequency p: the bound of independent pairs is -p log p - (1 - p) log(1 - p) but for abar_T. */
static void the_bound_of_the_exact_posterior_is_tight(void **state)
{
  enum { COUNT = 4000 };
  static uint8_t     size[COUNT], node[2 * COUNT], edge[COUNT], bridge[COUNT];
  const GraphSet     set = {.n = 2, .pairs = 1, .a = 1, .b = 2, .count = COUNT, .size = size, .node = node, .edge = edge, .bridge = bridge};
  const DenoiserSpec spec = {.kind = DENOISER_FACTORED_BIT, .n = 2, .a = 1, .b = 2, .T = T, .buckets = T};
  float              theta[4 * T];
  double             all, some;
  (void)state;
  for (int i = 0; i < COUNT; i++) size[i] = 2, edge[i] = i % 5 == 0;
  Transition *transition = make_transition(&set, T);
  for (int t = 1; t <= T; t++)
    for (int bit = 0; bit < 2; bit++) {
      const double phat                = exact_bit_posterior(transition, 0.2, t, bit);
      theta[4 * (t - 1) + 2 * bit]     = 0;
      theta[4 * (t - 1) + 2 * bit + 1] = (float)log(phat / (1 - phat));
    }
  Denoiser        *denoiser = load(&spec, theta);
  const GraphModel model    = {denoiser, 0, transition};
  assert_int_equal(graph_bound(MPI_COMM_WORLD, &model, &set, 5, COUNT, T, &all), 0);
  assert_int_equal(graph_bound(MPI_COMM_WORLD, &model, &set, 5, COUNT, 4, &some), 0);
  assert_near("bound", 0, all, exact_bit_bound(transition, 0.2, 0.2), 0.02); /* a graph's bound varies by about 0.3 */
  assert_near("bound of some t", 0, some, exact_bit_bound(transition, 0.2, 0.2), 0.05);
  denoiser_destroy(&denoiser);
  transition_destroy(&transition);
}

/* The same graphs in rows of 8 and of 6 vertices, asked of one model; and any number of ranks gives the same bits. */
static void answers_depend_on_neither_rows_nor_ranks(void **state)
{
  GraphSet   *set        = make_set(30, 0.4, true, false);
  GraphSet    small      = {.n = 6, .pairs = pair_count(6), .a = 2, .b = 2, .count = 30};
  Transition *transition = make_transition(set, T);
  uint8_t     node[30 * 6], edge[30 * 15], bridge[30 * 15], size[30];
  (void)state;
  for (int i = 0; i < 30; i++) {
    memset(set->edge + i * 28 + 15, 0, 13);
    memset(set->bridge + i * 28 + 15, 0, 13);
    memset(set->node + i * 8 + 6, 0, 2);
    memcpy(node + i * 6, set->node + i * 8, 6);
    memcpy(edge + i * 15, set->edge + i * 28, 15);
    memcpy(bridge + i * 15, set->bridge + i * 28, 15);
    set->size[i] = size[i] = 6;
  }
  small.size = size, small.node = node, small.edge = edge, small.bridge = bridge;
  small.joints = set->joints;
  small.site   = set->site; /* between vertices 3 and 4 */
  for (int kind = 0; kind <= DENOISER_TRANSFORMER; kind++) {
    const DenoiserSpec spec  = make_denoiser((DenoiserKind)kind, set, T);
    const int64_t      n     = denoiser_parameters(&spec);
    float             *theta = calloc((size_t)n, sizeof *theta);
    assert_non_null(theta);
    denoiser_init(&spec, 3, theta);
    for (int64_t i = 0; i < n; i++) theta[i] += 0.1f * sinf((float)i);
    Denoiser        *denoiser = load(&spec, theta);
    const GraphModel model    = {denoiser, kind == DENOISER_TRANSFORMER ? ALL_FEATURES : 0, transition};
    double           got[2][34], alone[34];
    for (int i = 0; i < 3; i++) {
      double         *out   = i < 2 ? got[i] : alone;
      const GraphSet *asked = i == 1 ? &small : set;
      const MPI_Comm  comm  = i < 2 ? MPI_COMM_WORLD : MPI_COMM_SELF;
      assert_int_equal(graph_probe(comm, &model, asked, 5, 7, 30, out, out + 3), 0);
      assert_int_equal(graph_bound(comm, &model, asked, 5, 20, 5, out + 5), 0);
      assert_int_equal(graph_probe_pairs(comm, &model, 8, 5, 7, 20, out + 6), 0);
    }
    assert_same_doubles("rows", 34, got[1], got[0]);
    assert_same_doubles("ranks", 34, got[0], alone);
    for (int i = 0; i < 34; i++) assert_true(isfinite(alone[i]));
    denoiser_destroy(&denoiser);
    free(theta);
  }
  transition_destroy(&transition);
  graph_set_destroy(&set);
}

int main(int argc, char **argv)
{
  int ranks_here, rank_here;
  MPI_Init(&argc, &argv);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks_here);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_here);
  if (rank_here != 0 && (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))) return 1;
  const struct CMUnitTest together[] = {
      cmocka_unit_test(probes_of_a_table_are_its_entries), cmocka_unit_test(present_bridges_are_told_from_absent_ones),
      cmocka_unit_test(the_bound_of_the_exact_posterior_is_tight), cmocka_unit_test(answers_depend_on_neither_rows_nor_ranks)};
  const struct CMUnitTest alone[] = {cmocka_unit_test(weights_are_those_of_the_formulas),
                                     cmocka_unit_test(class_gradients_agree_with_brute_force)};
  int                     failed  = cmocka_run_group_tests_name("probes on ranks", together, NULL, NULL);
  if (ranks_here == 1) failed += cmocka_run_group_tests_name("records", alone, NULL, NULL);
  MPI_Finalize();
  return failed;
}
