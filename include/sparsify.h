/* SPDX-License-Identifier: BSD-2-Clause
 * "Score every edge, keep k": the protocol of experiments I-III of "Generative Myopia" (arXiv 2511.18593), on any unweighted graph of
 * moderate size. The scores are the same for all trials of a point; chance enters by ties (top-k) or by sampling. */
#ifndef MYOPIA_SPARSIFY_H
#define MYOPIA_SPARSIFY_H

#include "graph.h"
#include "isa.h"

typedef enum { SELECTION_TOPK = 0, SELECTION_SAMPLED } Selection;
extern const char *const selection_names[]; /* "topk", "sampled", NULL */

typedef struct Sparsifier Sparsifier;

/* score: (m), finite, >= 0 for SAMPLED. 0 <= keep <= m.
 * TOPK: scores are sorted and neighbours closer than 1e-9 max|score| chained into one tie class, so that round-off never decides;
 * classes above the boundary are kept whole, a uniformly random subset of the boundary class fills up.
 * SAMPLED: `keep` draws without replacement with probability proportional to the score (exponential keys; edges of score 0 come last,
 * in random order; scores below 2^-900 of the largest count as 0). */
PetscErrorCode sparsifier_create(const Graph *, const double *score, int64_t keep, Selection, Sparsifier **out);
/* The same without lambda2 of the whole graph, which costs O(n^3): for sparsifier_fates and sparsifier_select alone, on graphs of any
 * size below 2^31 edges. */
PetscErrorCode sparsifier_create_selector(const Graph *, const double *score, int64_t keep, Selection, Sparsifier **out);
void           sparsifier_destroy(Sparsifier **);

/* Fates under TOPK, for connected_probability_pool: fate (m, EdgeFate), *draw edges out of the pool. Under SAMPLED the pool holds every
 * edge that chance decides about. */
void   sparsifier_fates(const Sparsifier *, uint8_t *fate, int64_t *draw);
double sparsifier_lambda2_whole(const Sparsifier *); /* lambda2(G); 0 when G is disconnected, and then every rse is NaN */

typedef struct SparsifyOutcome {
  double        *connected;   /* (n) 0 or 1: one component, isolated vertices count */
  double        *lambda2;     /* (n) 0 when disconnected */
  double        *rse;         /* (n) |lambda2(H) - lambda2(G)| / lambda2(G) */
  uint8_t      **kept;        /* (n) pointers to (m) flags, or NULL where they are not wanted; may itself be NULL */
  const uint8_t *marked;      /* (m) edges to be counted, e.g. bridges; may be NULL */
  double        *marked_kept; /* (n) how many of them were kept; may be NULL */
} SparsifyOutcome;

/* n trials with random keys key (n). Each trial's outcome depends on its key alone: any split into calls gives the same bits. n <= 64
 * runs on bit masks and lane-parallel lambda2; larger graphs on union-find and LAPACK (the slow reference, also reachable with
 * reference = true). */
PetscErrorCode sparsifier_run(const Sparsifier *, int64_t n, const uint64_t *key, bool reference, SparsifyOutcome *);

/* kept: (m) flags of the trial with this random key; those that sparsifier_run would keep. */
PetscErrorCode sparsifier_select(const Sparsifier *, uint64_t key, uint8_t *kept);

/* Spectral sparsification by effective resistances (Spielman and Srivastava, SIAM J. Comput. 40 (2011) 1913): `draws` draws with
 * replacement, edge e with probability p_e = w_e R_e / sum w R; every draw of e adds w_e / (draws p_e) to its weight, so that the mean of
 * the new Laplacian is the old one. weight: (m) new weights, 0 where an edge was never drawn. Random numbers: (key, draw number). */
PetscErrorCode sparsify_by_resistance(const Graph *, const double *resistance, int64_t draws, uint64_t key, double *weight);

#endif
