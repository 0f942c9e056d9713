/* SPDX-License-Identifier: BSD-2-Clause
 * The negative log-likelihood bound of discrete diffusion, term by term (Sohl-Dickstein et al. 2015; Austin et al. 2021) with the reverse
 * law (14) of transition.h, in double. Not a fast path: some 50 ns an entry. */
#include <math.h>

#include "transition.h"

static void softmax(int k, const float *logit, double *out)
{
  double top = logit[0], sum = 0;
  for (int c = 1; c < k; c++) top = fmax(top, logit[c]);
  for (int c = 0; c < k; c++) sum += out[c] = exp(logit[c] - top);
  for (int c = 0; c < k; c++) out[c] /= sum;
}

/* q log(q / p), 0 at q = 0, infinity at p = 0. */
static double divergence(int k, const double *q, const double *p)
{
  double sum = 0;
  for (int c = 0; c < k; c++)
    if (q[c] > 0) sum += q[c] * log(q[c] / p[c]);
  return sum;
}

static double entry_term(int k, const double *m, double before, double abar, int xt, int x0, const float *logit)
{
  double phat[SET_CLASSES_MAX] = {0}, p[SET_CLASSES_MAX], q[SET_CLASSES_MAX];
  softmax(k, logit, phat);
  transition_mixture(k, m, before, abar, xt, phat, p);
  if (!transition_posterior(k, m, before, abar, xt, x0, q)) return INFINITY; /* x_t cannot come from x_0 */
  return divergence(k, q, p);                                                /* at t = 1 q is x_0 for sure: -log p(x_0) */
}

double transition_bound_term(const Transition *p, int t, int n, const uint8_t *node, const uint8_t *edge, const uint8_t *noisy_node,
                             const uint8_t *noisy_edge, const float *node_logit, const float *edge_logit)
{
  const double before = p->abar[t - 1], abar = p->abar[t];
  const int    pairs = pair_count(n);
  double       sum   = 0;
  for (int k = 0; k < pairs; k++) sum += entry_term(p->b, p->edge, before, abar, noisy_edge[k], edge[k], edge_logit + k * p->b);
  for (int v = 0; p->a > 1 && v < n; v++) sum += entry_term(p->a, p->node, before, abar, noisy_node[v], node[v], node_logit + v * p->a);
  return sum;
}

static double prior_of(int k, const double *m, double abar, int n, const uint8_t *x)
{
  double term[SET_CLASSES_MAX], q[SET_CLASSES_MAX], sum = 0;
  for (int c = 0; c < k; c++) {
    transition_forward(k, m, abar, c, q);
    term[c] = divergence(k, q, m);
  }
  for (int i = 0; i < n; i++) sum += term[x[i]];
  return sum;
}

double transition_prior_term(const Transition *p, int n, const uint8_t *node, const uint8_t *edge)
{
  const double edges = prior_of(p->b, p->edge, p->abar[p->T], pair_count(n), edge);
  return p->a > 1 ? edges + prior_of(p->a, p->node, p->abar[p->T], n, node) : edges;
}
