/* SPDX-License-Identifier: BSD-2-Clause
 * What a perfect denoiser learns and generates where pairs are independent or looked at one by one: the tilted frequency
 * P~ = w P / (w P + 1 - P), the blind frequency of a permuted set by Foster's theorem (sum over edges of R_eff = n - components), and one
 * pair's chain under the exact posterior. Dependent edges: toy4.c. */
#include "graph_exact.h"

#include <math.h>
#include <stdlib.h>

#include "memory.h"

double tilted_frequency(double p, double w) { return p == 0 || p == 1 ? p : w * p / (w * p + 1 - p); }

/* 1 + lambda max R_eff over the present edges of the bridge class; NaN without resistances. */
static double whole_weight(const GraphSet *set, double lambda, int64_t graph)
{
  const int     pairs = pair_count(set->size[graph]);
  const int64_t at    = graph * set->pairs;
  double        most  = 0;
  if (!set->resistance) return NAN;
  for (int k = 0; k < pairs; k++)
    if (set->edge[at + k] && set->bridge[at + k]) most = fmax(most, set->resistance[at + k]);
  return 1 + lambda * most;
}

/* sum W(G) 1[e in G] / sum W(G) over the graphs that have the pair. */
static void graph_weighted_frequency(const GraphLossSpec *loss, const GraphSet *set, double *out)
{
  double *total = mem_calloc((size_t)set->pairs + 1, sizeof *total);
  for (int k = 0; k < set->pairs; k++) out[k] = 0;
  for (int64_t g = 0; g < set->count; g++) {
    const double w     = whole_weight(set, loss->lambda, g);
    const int    pairs = pair_count(set->size[g]);
    for (int k = 0; k < pairs; k++) {
      total[k] += w;
      if (set->edge[g * set->pairs + k]) out[k] += w;
    }
  }
  for (int k = 0; k < set->pairs; k++) out[k] = out[k] / total[k];
  free(total);
}

void exact_pair_frequency(const GraphLossSpec *loss, const GraphSet *set, const GraphSetStats *stats, double *out)
{
  if (loss->kind == LOSS_GRAPH_WEIGHTED) {
    graph_weighted_frequency(loss, set, out);
    return;
  }
  for (int k = 0; k < set->pairs; k++) {
    double w = 1;
    if (loss->kind == LOSS_EDGE_WEIGHTED) w = stats->pair_excess ? 1 + loss->lambda * stats->pair_excess[k] : NAN;
    if (loss->kind == LOSS_CLASS_WEIGHTED) w = loss->omega;
    out[k] = tilted_frequency(stats->pair_frequency[k], w);
  }
}

/* sum W(G) edges(G) / (C(n, 2) sum W(G)) */
static double graph_weighted_blind(const GraphLossSpec *loss, const GraphSet *set)
{
  double edges = 0, total = 0;
  for (int64_t g = 0; g < set->count; g++) {
    const double w = whole_weight(set, loss->lambda, g);
    total += w * set->pairs;
    for (int k = 0; k < set->pairs; k++)
      if (set->edge[g * set->pairs + k]) edges += w;
  }
  return edges / total;
}

double exact_blind_frequency(const GraphLossSpec *loss, const GraphSet *set, const GraphSetStats *stats)
{
  const double edges   = stats->mean_edges;
  double       present = edges; /* mean weight on present edges */
  switch (loss->kind) {
  case LOSS_STANDARD: break;
  case LOSS_EDGE_WEIGHTED: present += loss->lambda * (set->n - stats->mean_components); break;
  case LOSS_CLASS_WEIGHTED: present *= loss->omega; break;
  case LOSS_GRAPH_WEIGHTED: return graph_weighted_blind(loss, set);
  }
  return present / (present + set->pairs - edges);
}

double exact_bit_posterior(const Transition *p, double tilted, int t, int bit)
{
  double absent[2], present[2];
  transition_forward(2, p->edge, p->abar[t], 0, absent);
  transition_forward(2, p->edge, p->abar[t], 1, present);
  const double yes = tilted * present[bit], no = (1 - tilted) * absent[bit];
  return yes + no > 0 ? yes / (yes + no) : tilted;
}

/* p_theta(x_{t-1} | x_t = bit): out (2). */
static void bit_step(const Transition *p, double tilted, int t, int bit, double *out)
{
  const double edge = exact_bit_posterior(p, tilted, t, bit), phat[2] = {1 - edge, edge};
  transition_mixture(2, p->edge, p->abar[t - 1], p->abar[t], bit, phat, out);
}

double exact_bit_chain(const Transition *p, double tilted)
{
  double law[2] = {p->edge[0], p->edge[1]};
  for (int t = p->T; t > 0; t--) {
    double from[2][2];
    for (int bit = 0; bit < 2; bit++) bit_step(p, tilted, t, bit, from[bit]);
    const double next[2] = {law[0] * from[0][0] + law[1] * from[1][0], law[0] * from[0][1] + law[1] * from[1][1]};
    law[0]               = next[0];
    law[1]               = next[1];
  }
  return law[1];
}

static double divergence(const double *q, const double *p)
{
  double sum = 0;
  for (int c = 0; c < 2; c++)
    if (q[c] > 0) sum += q[c] * log(q[c] / p[c]);
  return sum;
}

/* The bound's terms of one pair with x_0 known. */
static double bit_bound(const Transition *p, double tilted, int x0)
{
  double forward[2], q[2], reverse[2];
  transition_forward(2, p->edge, p->abar[p->T], x0, forward);
  double sum = divergence(forward, p->edge);
  for (int t = 1; t <= p->T; t++) {
    transition_forward(2, p->edge, p->abar[t], x0, forward);
    for (int xt = 0; xt < 2; xt++) {
      if (!transition_posterior(2, p->edge, p->abar[t - 1], p->abar[t], xt, x0, q)) continue;
      bit_step(p, tilted, t, xt, reverse);
      sum += forward[xt] * divergence(q, reverse);
    }
  }
  return sum;
}

double exact_bit_bound(const Transition *p, double tilted, double frequency)
{
  double sum = 0;
  if (frequency < 1) sum += (1 - frequency) * bit_bound(p, tilted, 0);
  if (frequency > 0) sum += frequency * bit_bound(p, tilted, 1);
  return sum;
}
