/* SPDX-License-Identifier: BSD-2-Clause
 * All 64 graphs on 4 vertices: data law, optimal denoiser and reverse chain by enumeration, an exact oracle for edges that depend on each
 * other. Given G_t the optimal denoiser of a weighted loss is, pair by pair,
 *   phat(e | G_t) = sum_G q P w_e 1[e in G] / sum_G q P (w_e 1[e in G] + w 1[e not in G]),   q = q(G_t | G), P = P(G),
 * w_e(G) and w(G) the weights of present and absent pairs. The chain draws pairs independently given G_t, (14) for each. */
#include "graph_exact.h"

#include <math.h>
#include <string.h>

enum { PAIRS = TOY_PAIRS, STATES = TOY_STATES };

static bool has(int graph, int pair) { return graph >> pair & 1; }
static bool joined(int graph, int i, int j) { return has(graph, pair_index(i, j)); }

void toy_law(double eps, bool permute, double *law)
{
  int permutations = 0;
  memset(law, 0, sizeof *law * STATES);
  for (int code = 0; code < 256; code++) {
    const int v[4] = {code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6};
    if ((1 << v[0] | 1 << v[1] | 1 << v[2] | 1 << v[3]) != 15) continue;
    if (!permute && permutations > 0) break;
    const int label[4] = {permute ? v[0] : 0, permute ? v[1] : 1, permute ? v[2] : 2, permute ? v[3] : 3};
    const int two      = 1 << pair_index(label[0], label[1]) | 1 << pair_index(label[2], label[3]);
    const int path     = two | 1 << pair_index(label[1], label[2]);
    law[two] += 1 - eps;
    law[path] += eps;
    permutations++;
  }
  for (int g = 0; g < STATES; g++) law[g] /= permutations;
}

/* Effective resistance of a present edge (i, j): itself in parallel with the conductance through the other two vertices k, l, a Wheatstone
 * bridge, whose two potentials are solved for. */
static double edge_resistance(int graph, int pair)
{
  static const int end[PAIRS][4] = {{0, 1, 2, 3}, {0, 2, 1, 3}, {1, 2, 0, 3}, {0, 3, 1, 2}, {1, 3, 0, 2}, {2, 3, 0, 1}}; /* i, j, k, l */
  const int       *v             = end[pair];
  const int ik = joined(graph, v[0], v[2]), jk = joined(graph, v[1], v[2]), il = joined(graph, v[0], v[3]), jl = joined(graph, v[1], v[3]),
            kl = joined(graph, v[2], v[3]);
  const int k = ik + jk + kl, l = il + jl + kl, det = k * l - kl;
  double    around = 0; /* current at potentials 1 in i, 0 in j */
  if (det > 0)
    around = ik * (1 - (double)(ik * l + il * kl) / det) + il * (1 - (double)(il * k + ik * kl) / det);
  else if (k == 0 && l > 0)
    around = (double)(il * jl) / l;
  else if (l == 0 && k > 0)
    around = (double)(ik * jk) / k;
  return 1 / (1 + around);
}

/* Two K_2 and a bridge: a path through all four vertices, of which the middle edge is the bridge. */
static bool is_path(int graph)
{
  int degree[4] = {0}, edges = 0;
  for (int j = 1; j < 4; j++)
    for (int i = 0; i < j; i++)
      if (joined(graph, i, j)) {
        degree[i]++;
        degree[j]++;
        edges++;
      }
  int ends = 0, inner = 0;
  for (int v = 0; v < 4; v++) {
    ends += degree[v] == 1;
    inner += degree[v] == 2;
  }
  return edges == 3 && ends == 2 && inner == 2;
}

/* A graph of the data's support with its probability and the weights of its pairs. */
typedef struct ToyGraph {
  int    graph;
  double weight[PAIRS]; /* P(G) times the loss's weight of the pair's term */
} ToyGraph;
typedef struct ToyTable {
  int      count;
  ToyGraph row[STATES];
} ToyTable;

static double pair_weight(const GraphLossSpec *loss, int graph, int pair)
{
  switch (loss->kind) {
  case LOSS_STANDARD: return 1;
  case LOSS_EDGE_WEIGHTED: return has(graph, pair) ? 1 + loss->lambda * edge_resistance(graph, pair) : 1;
  case LOSS_GRAPH_WEIGHTED: return is_path(graph) ? 1 + loss->lambda : 1;
  case LOSS_CLASS_WEIGHTED: return has(graph, pair) ? loss->omega : 1;
  }
  return NAN;
}

static void table_of(const ToySpec *spec, ToyTable *out)
{
  out->count = 0;
  for (int g = 0; g < STATES; g++) {
    if (!(spec->law[g] > 0)) continue;
    ToyGraph *row = &out->row[out->count++];
    row->graph    = g;
    for (int k = 0; k < PAIRS; k++) row->weight[k] = spec->law[g] * pair_weight(&spec->loss, g, k);
  }
}

/* q(s | G) = product over pairs; it depends on how many pairs go from a to b alone. power (4, 7): of q(b | a) at 2 a + b. */
static void forward_powers(const Transition *p, int t, double power[4][PAIRS + 1])
{
  for (int a = 0; a < 2; a++) {
    double q[2];
    transition_forward(2, p->edge, p->abar[t], a, q);
    for (int b = 0; b < 2; b++) {
      power[2 * a + b][0] = 1;
      for (int i = 1; i <= PAIRS; i++) power[2 * a + b][i] = power[2 * a + b][i - 1] * q[b];
    }
  }
}

static double forward(double power[4][PAIRS + 1], int from, int to)
{
  const int all = STATES - 1;
  return power[0][__builtin_popcount(~from & ~to & all)] * power[1][__builtin_popcount(~from & to)] *
         power[2][__builtin_popcount(from & ~to)] * power[3][__builtin_popcount(from & to)];
}

/* Weights of presence and of absence of every pair given s; those of the data where s cannot come from them. */
static void weigh(const ToyTable *table, double power[4][PAIRS + 1], int s, double *present, double *absent)
{
  double total = 0;
  for (int pass = 0; pass < 2 && !(total > 0); pass++) {
    for (int k = 0; k < PAIRS; k++) present[k] = absent[k] = 0;
    for (int g = 0; g < table->count; g++) {
      const ToyGraph *row = &table->row[g];
      const double    q   = pass ? 1 : forward(power, row->graph, s);
      total += q;
      for (int k = 0; k < PAIRS; k++) *(has(row->graph, k) ? &present[k] : &absent[k]) += q * row->weight[k];
    }
  }
}

void toy_posterior(const ToySpec *spec, int t, int s, double *phat)
{
  ToyTable table;
  double   power[4][PAIRS + 1], present[PAIRS], absent[PAIRS];
  table_of(spec, &table);
  forward_powers(spec->transition, t, power);
  weigh(&table, power, s, present, absent);
  for (int k = 0; k < PAIRS; k++) phat[k] = present[k] / (present[k] + absent[k]);
}

/* posterior[x_t][x_0] (2) of one pair; zeros where it does not exist. */
static void reverse_law(const Transition *p, int t, double posterior[2][2][2])
{
  for (int xt = 0; xt < 2; xt++)
    for (int x0 = 0; x0 < 2; x0++) (void)transition_posterior(2, p->edge, p->abar[t - 1], p->abar[t], xt, x0, posterior[xt][x0]);
}

/* (14), (15): P(x_{t-1} = 1 | x_t) from weights of presence and absence. */
static double reverse_edge(double posterior[2][2], int xt, double present, double absent)
{
  const double one = present * posterior[1][1] + absent * posterior[0][1], zero = present * posterior[1][0] + absent * posterior[0][0];
  return one + zero > 0 ? one / (one + zero) : xt;
}

/* next += mass times the product law of independent pairs. */
static void spread(double mass, const double *edge, double *next)
{
  double law[STATES] = {mass};
  for (int k = 0; k < PAIRS; k++)
    for (int s = 0; s < 1 << k; s++) {
      law[s | 1 << k] = law[s] * edge[k];
      law[s] *= 1 - edge[k];
    }
  for (int s = 0; s < STATES; s++) next[s] += law[s];
}

PetscErrorCode toy_chain(const ToySpec *spec, double *out)
{
  const Transition *p = spec->transition;
  ToyTable         *table;
  double            law[STATES] = {0}, next[STATES], limit[PAIRS];
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(1, &table));
  table_of(spec, table);
  for (int k = 0; k < PAIRS; k++) limit[k] = p->edge[1];
  spread(1, limit, law);
  for (int t = p->T; t > 0; t--) {
    double power[4][PAIRS + 1], posterior[2][2][2];
    memset(next, 0, sizeof next);
    forward_powers(p, t, power);
    reverse_law(p, t, posterior);
    for (int s = 0; s < STATES; s++) {
      double present[PAIRS], absent[PAIRS], edge[PAIRS];
      if (!(law[s] > 0)) continue;
      weigh(table, power, s, present, absent);
      for (int k = 0; k < PAIRS; k++) edge[k] = reverse_edge(posterior[has(s, k)], has(s, k), present[k], absent[k]);
      spread(law[s], edge, next);
    }
    memcpy(law, next, sizeof law);
  }
  memcpy(out, law, sizeof law);
  PetscCall(PetscFree(table));
  PetscFunctionReturn(0);
}

static bool connected(int graph)
{
  int reached = 1;
  for (int round = 0; round < 3; round++)
    for (int j = 1; j < 4; j++)
      for (int i = 0; i < j; i++)
        if (joined(graph, i, j) && (reached >> i & 1 || reached >> j & 1)) reached |= 1 << i | 1 << j;
  return reached == 15;
}

double toy_connected(const double *law)
{
  double sum = 0;
  for (int g = 0; g < STATES; g++)
    if (connected(g)) sum += law[g];
  return sum;
}

double toy_off_support(const double *law, const double *data)
{
  double sum = 0;
  for (int g = 0; g < STATES; g++)
    if (!(data[g] > 0)) sum += law[g];
  return sum;
}

void toy_logits(void *ctx, int t, int n, const uint8_t *node, const uint8_t *edge, float *node_logit, float *edge_logit)
{
  const ToySpec *spec = ctx;
  ToyTable       table;
  double         power[4][PAIRS + 1], present[PAIRS], absent[PAIRS];
  int            s = 0;
  (void)node;
  for (int k = 0; k < PAIRS; k++) s |= (edge[k] != 0) << k;
  table_of(spec, &table);
  forward_powers(spec->transition, t, power);
  weigh(&table, power, s, present, absent);
  for (int k = 0; k < PAIRS; k++) {
    edge_logit[2 * k]     = (float)log(absent[k] / (present[k] + absent[k]));
    edge_logit[2 * k + 1] = (float)log(present[k] / (present[k] + absent[k]));
  }
  for (int v = 0; node_logit && v < n; v++) node_logit[v] = 0;
}
