/* SPDX-License-Identifier: BSD-2-Clause
 * Exact references of discrete graph diffusion: what a perfect denoiser learns and generates under every loss.
 *
 * A loss weight w on present edges moves the learned frequency P of independent pairs to P~ = w P / (w P + 1 - P). */
#ifndef MYOPIA_GRAPH_EXACT_H
#define MYOPIA_GRAPH_EXACT_H

#include "graph_train.h"

double tilted_frequency(double p, double w); /* P~; 0 and 1 stay */

/* P~ of every pair of a fixed-order set: w from the loss and the set's statistics (edge_weighted: 1 + lambda pair_excess; class_weighted:
 * omega; standard: 1); NaN where no graph has the pair, or resistances are needed and missing. graph_weighted is no pair-wise law unless
 * only one pair is random: P~ from the graph-weighted frequencies sum W(G) 1[e in G] / sum W(G), exact for the blind model. out (pairs). */
void exact_pair_frequency(const GraphLossSpec *, const GraphSet *, const GraphSetStats *, double *out);
/* phat at t = T of every pair of a permuted set, where all pairs are alike: edge_weighted: (mbar + lambda (n - cbar)) / (the same +
 * C(n, 2) - mbar); the others alike. Graphs of one size. */
double exact_blind_frequency(const GraphLossSpec *, const GraphSet *, const GraphSetStats *);

/* Position-aware exact posterior of one pair under the tilted law P~ (two classes): phat(edge | x_t = bit) at t. */
double exact_bit_posterior(const Transition *, double tilted, int t, int bit);
/* Marginal that the chain (14) with that posterior generates from the limit law: P~ again but for abar_T > 0 (and round-off). */
double exact_bit_chain(const Transition *, double tilted);
/* Mean negative log-likelihood bound per pair of that chain for data of frequency p [nat]. */
double exact_bit_bound(const Transition *, double tilted, double p);

/* toy4: all 64 graphs on 4 vertices; state s has pair k (pair_index) where bit k is set. graph_weighted: W = 1 + lambda on paths of four
 * vertices, whose middle edge is the bridge, else 1. With the cosine schedule and the data's marginal as m, permuted, P(connected) of the
 * chain is .0661, .0553, .0502 for eps = .05 at T = 20, 50, 1000 (standard), .6449 for edge_weighted with lambda = 9 at T = 50 with .1945
 * of the mass off the data's support, and .5021 for eps = .5, T = 50; all finite-T excess is the price of drawing pairs independently in a
 * step. (Linear: .0955, .0618, .0504; .6637 and .2291; .5031.) */
enum { TOY_STATES = 64, TOY_PAIRS = 6 };
/* Data law with bridge probability eps: permuted, or in fixed order (two graphs). law (64). */
void toy_law(double eps, bool permute, double *law);
typedef struct ToySpec {
  const Transition *transition; /* a = 1, b = 2 */
  GraphLossSpec     loss;
  const double     *law; /* (64) */
} ToySpec;
/* The optimal denoiser under the loss: phat (6) of every pair given state s at t. */
void toy_posterior(const ToySpec *, int t, int s, double *phat);
/* Law of G_0 of the reverse chain (14) with it, from the limit law at T: out (64). T 64^2 products. */
PetscErrorCode toy_chain(const ToySpec *, double *out);
double         toy_connected(const double *law);                       /* P(connected) */
double         toy_off_support(const double *law, const double *data); /* mass where the data law is 0 */
/* NULL-free callback for graph_sampler.h: the exact posterior as logits. ctx: ToySpec. */
void toy_logits(void *ctx, int t, int n, const uint8_t *node, const uint8_t *edge, float *node_logit, float *edge_logit);

#endif
