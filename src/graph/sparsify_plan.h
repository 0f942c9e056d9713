/* SPDX-License-Identifier: BSD-2-Clause
 * Inside of "score every edge, keep k" (contract: sparsify.h): the plan of a sweep point, made once in sparsify_plan.c, and the
 * selection of one trial (sparsify_select.c), which the fast path (sparsify.c) and the reference (sparsify_reference.c) share. */
#ifndef MYOPIA_SPARSIFY_PLAN_H
#define MYOPIA_SPARSIFY_PLAN_H

#include "sparsify.h"
#include "spectrum.h"

/* A trial keeps the edges of `base`, with n_toggle edges of the pool put in (base holds none of it) or taken out (base holds all of it). */
struct Sparsifier {
  Graph   *graph;   /* owned copy, unweighted */
  uint8_t *fate;    /* (m) EdgeFate */
  uint8_t *base;    /* (m) flags */
  int64_t  draw;    /* edges kept out of the pool */
  int32_t  n_pool;  /* edges that chance decides about */
  int32_t *pool;    /* (n_pool) ascending edge numbers */
  bool     by_keys; /* false: a uniform subset; true: by weight */
  double  *weight;  /* (n_pool) scores over their maximum; used by keys alone */
  int32_t  n_toggle;
  bool     take_out;
  IsaLevel level;
  double   lambda2_whole;
  uint64_t base_adjacency[LAMBDA2_VERTICES_MAX]; /* bit masks of base; graphs on n <= 64 vertices only */
  uint8_t *end_u, *end_v;                        /* (m) end points of edges; the same */
};

typedef struct KeyedEdge {
  double  key;
  int32_t edge;
} KeyedEdge;

/* Scratch of one call of sparsifier_run. */
typedef struct Chooser {
  int32_t   *edge;  /* (n_pool) the first n_toggle are the trial's */
  KeyedEdge *keyed; /* (n_pool), by keys alone */
} Chooser;

PetscErrorCode chooser_create(const Sparsifier *, Chooser *);
PetscErrorCode chooser_destroy(Chooser *);
/* Fills chooser->edge[0, n_toggle) for the trial `key`; allocates nothing. */
void chooser_select(const Sparsifier *, uint64_t key, Chooser *);
/* kept (m) = base with the chosen edges toggled. */
void chooser_flags(const Sparsifier *, const Chooser *, uint8_t *kept);

/* The trials of sparsifier_run one by one: union-find for connectivity, LAPACK for lambda2, any number of vertices. */
PetscErrorCode sparsify_reference(const Sparsifier *, int64_t n, const uint64_t *key, Chooser *, SparsifyOutcome *);

/* Writes connected, lambda2 and rse of trial i; lambda2 is 0 for an unconnected graph. */
static inline void outcome_write(const Sparsifier *s, SparsifyOutcome *out, int64_t i, bool connected, double lambda2)
{
  const double difference = lambda2 - s->lambda2_whole;
  out->connected[i]       = connected;
  out->lambda2[i]         = lambda2;
  out->rse[i]             = (difference < 0 ? -difference : difference) / s->lambda2_whole;
}

#endif
