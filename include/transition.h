/* SPDX-License-Identifier: BSD-2-Clause
 * The forward and reverse process of discrete graph diffusion (Klepper 2023, eqs. 10-15; DiGress). Row vectors,
 *   Q^t = alpha_t I + (1 - alpha_t) 1 m^T,   Qbar^t = abar_t I + (1 - abar_t) 1 m^T,
 * m a law over classes, nodes and edges each with its own. Edge noise is drawn for i < j alone. */
#ifndef MYOPIA_TRANSITION_H
#define MYOPIA_TRANSITION_H

#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>

#include "graph_set.h"
#include "isa.h"

typedef enum { TRANSITION_MARGINAL = 0, TRANSITION_UNIFORM } TransitionKind;
typedef enum { ABAR_LINEAR = 0, ABAR_COSINE, ABAR_USER } AbarKind;
typedef enum { EDGE_NOISE_RANDOM = 0, EDGE_NOISE_DETERMINISTIC } EdgeNoise;
extern const char *const transition_names[]; /* marginal, uniform, NULL */
extern const char *const abar_names[];       /* linear, cosine, user, NULL */
extern const char *const edge_noise_names[]; /* random, deterministic, NULL */

enum { TRANSITION_STEPS_MAX = 10000 };

typedef struct Transition {
  int     T, a, b;
  double *abar;                                         /* (T + 1): abar[0] = 1 exactly, falling, abar[T] <= 1e-3; owned */
  double  node[SET_CLASSES_MAX], edge[SET_CLASSES_MAX]; /* m: (a), (b), each sums to 1; a class may have 0 */
} Transition;

/* linear: betas scaled by 1000/T (schedule.h); cosine: cos^2 with abar_0 = 1 exactly (schedule.h); user: abar_1 .. abar_T as given
 * (n_user = T values in (0, 1), falling). NULL when all is well, else one sentence in message. abar (T + 1). abar_T > 1e-3 is an error. */
const char *transition_schedule(AbarKind, int T, int n_user, const double *user, double *abar, char message[256]);
/* m: of the data (classes that never occur have 0; all in class 0 where there is no pair), or uniform (statistics may be NULL then). abar
 * is copied. */
PetscErrorCode transition_create(int T, const double *abar, TransitionKind, const GraphSetStats *, int a, int b, Transition **out);
void           transition_destroy(Transition **);

static inline double transition_alpha(const Transition *p, int t) { return p->abar[t] / p->abar[t - 1]; }

/* The pure formulas, for k classes with law m (the slow reference of everything below).
 * (10) q(x_t | x_0): out (k). */
void transition_forward(int k, const double *m, double abar, int x0, double *out);
/* (11) q(x_{t-1} | x_t, x_0) = x_t (Q^t)^T * x_0 Qbar^{t-1} / (x_0 Qbar^t x_t^T): out (k); false (out zeros) when q(x_t | x_0) = 0. */
bool transition_posterior(int k, const double *m, double abar_before, double abar, int xt, int x0, double *out);
/* (14) sum_x q(x_{t-1} | x_t, x_0 = x) phat(x), a mixture of posteriors; (15) x with q(x_t | x) = 0 are dropped and the rest divided by
 * their sum; where that is 0, x_{t-1} = x_t. out (k). */
void transition_mixture(int k, const double *m, double abar_before, double abar, int xt, const double *phat, double *out);

/* Where randomness lies. Pair k is entry k of its graph, vertex v entry 2048 + v. An entry's one word is number (entry / 16) % 4 of the
 * Philox block with counter (index; draw = 1024 t + 16 (entry / 64) + entry % 16; purpose): a function of (key, index, t, entry) alone, not
 * of the graph's size. Any index of 64 bits; for training e.g. step * 2^k + place. 31 bits of the word are used: probabilities of noise are
 * multiples of 2^-31, 0 and 1 exactly. Every ISA level gives the same bits.
 *
 * Noisy graphs: nodes (n), edges (pairs(n)) of one clean graph at time t by (10). random: stream (key, index, t; RNG_GRAPH_NOISE).
 * deterministic: the noise of that name of noise.h carried over to classes: stream (set_key, graph, t; RNG_GRAPH_FIXED_NOISE), `graph` the
 * clean graph's number in its set, so a graph always meets the same noise at t. Outputs may be the inputs. With a = 1 nodes may be NULL,
 * here and below. */
typedef struct NoiseDraw {
  EdgeNoise kind;
  uint64_t  key, index;     /* random */
  uint64_t  set_key, graph; /* deterministic */
} NoiseDraw;
void transition_noise(const Transition *, IsaLevel, const NoiseDraw *, int t, int n, const uint8_t *node, const uint8_t *edge,
                      uint8_t *noisy_node, uint8_t *noisy_edge);
/* A graph of the limit law m (t = T), of the stream (key, index; RNG_GRAPH_START). */
void transition_start(const Transition *, IsaLevel, uint64_t key, uint64_t index, int n, uint8_t *node, uint8_t *edge);
/* One reverse step t -> t - 1 in place from logits (float32, as denoiser_forward lays out one graph: node (n, a) or NULL, edge (pairs, b)):
 * (14), (15), its law in float32, accurate relative to the probability of a change. Stream (key, index, t; RNG_GRAPH_STEP). node and edge
 * hold x_t in, x_{t-1} out. Logits may be -infinity; an entry with a NaN keeps its class. edge_probability: NULL, or (pairs): phat of an
 * edge of any class. */
void transition_step(const Transition *, IsaLevel, uint64_t key, uint64_t index, int t, int n, const float *node_logit,
                     const float *edge_logit, uint8_t *node, uint8_t *edge, float *edge_probability);

/* One graph's terms of the negative log-likelihood bound with (14) [nat]: t = 1: -log p_theta(x_0 | G_1); t > 1: KL(q(. | G_t, G_0) ||
 * p_theta(. | G_t)), summed over nodes and pairs, from logits as above; infinity where p_theta is 0 and q is not. The prior term
 * KL(q(. | G_0) || m) at T beside it. */
double transition_bound_term(const Transition *, int t, int n, const uint8_t *node, const uint8_t *edge, const uint8_t *noisy_node,
                             const uint8_t *noisy_edge, const float *node_logit, const float *edge_logit);
double transition_prior_term(const Transition *, int n, const uint8_t *node, const uint8_t *edge);

#endif
