/* SPDX-License-Identifier: BSD-2-Clause
 * The plan of "score every edge, keep k": what is decided once for all trials of a sweep point. Scores are sorted and chained into tie
 * classes, so that round-off never decides which of two equivalent edges is kept (arXiv 2511.18593, algorithm 5.1, has no rule for
 * ties); whole classes above the boundary are kept, and the boundary class is the pool out of which each trial draws a uniform subset.
 * Sampling proportionally to scores makes every edge of positive score a pool that trials draw from by keys; where `keep` exceeds
 * their number it reduces to the uniform case, with the edges of score 0 as pool. Nothing here is random. */
#include "sparsify_plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "connected.h"

const char *const selection_names[] = {"topk", "sampled", NULL};

/* Scores further below the largest count as 0 when sampling: a key's quotient would overflow. */
static const double SCORE_RANGE = 0x1p-900;

static int compare_descending(const void *a, const void *b)
{
  const KeyedEdge *x = a, *y = b;
  if (x->key != y->key) return x->key > y->key ? -1 : 1;
  return (x->edge > y->edge) - (x->edge < y->edge);
}

static double largest_magnitude(int64_t m, const double *score)
{
  double largest = 0;
  for (int64_t e = 0; e < m; e++) largest = fmax(largest, fabs(score[e]));
  return largest;
}

static PetscErrorCode check_arguments(const Graph *g, const double *score, int64_t keep, Selection selection)
{
  PetscFunctionBeginUser;
  PetscCheck(g->n >= 1 && g->m < INT32_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "a sparsifier takes graphs of at least 1 vertex and fewer than 2^31 edges, not %lld and %lld", (long long)g->n,
             (long long)g->m);
  PetscCheck(keep >= 0 && keep <= g->m, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "keep is %lld of %lld edges", (long long)keep,
             (long long)g->m);
  PetscCheck(selection == SELECTION_TOPK || selection == SELECTION_SAMPLED, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "selection is %d",
             (int)selection);
  for (int64_t e = 0; e < g->m; e++)
    PetscCheck(isfinite(score[e]) && (score[e] >= 0 || selection == SELECTION_TOPK), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "edge %lld has score %g", (long long)e, score[e]);
  PetscFunctionReturn(0);
}

/* Fates and draw of the top k. */
static PetscErrorCode decide_topk(Sparsifier *s, const double *score, int64_t keep)
{
  const int64_t m   = s->graph->m;
  const double  tie = 1e-9 * largest_magnitude(m, score);
  KeyedEdge    *sorted;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)m, &sorted));
  for (int64_t e = 0; e < m; e++) sorted[e] = (KeyedEdge){score[e], (int32_t)e};
  if (m > 1) qsort(sorted, (size_t)m, sizeof *sorted, compare_descending);
  int64_t left = keep;
  for (int64_t first = 0, end; first < m; first = end) {
    for (end = first + 1; end < m && sorted[end - 1].key - sorted[end].key <= tie;) end++;
    const int64_t size = end - first;
    const uint8_t fate = left >= size ? FATE_KEPT : left > 0 ? FATE_POOL : FATE_DROPPED;
    for (int64_t i = first; i < end; i++) s->fate[sorted[i].edge] = fate;
    if (fate == FATE_POOL) s->draw = left;
    left -= PetscMin(left, size);
  }
  PetscCall(PetscFree(sorted));
  PetscFunctionReturn(0);
}

/* Fates and draw of sampling: edges of score 0 come after all others. */
static void decide_sampled(Sparsifier *s, const double *score, int64_t keep)
{
  const int64_t m         = s->graph->m;
  const double  threshold = SCORE_RANGE * largest_magnitude(m, score);
  int64_t       positive  = 0;
  for (int64_t e = 0; e < m; e++) positive += score[e] > threshold;
  s->by_keys = keep < positive;
  s->draw    = s->by_keys ? keep : keep - positive;
  for (int64_t e = 0; e < m; e++) {
    if (score[e] > threshold)
      s->fate[e] = s->by_keys ? FATE_POOL : FATE_KEPT;
    else
      s->fate[e] = s->by_keys || s->draw == 0 ? FATE_DROPPED : FATE_POOL;
  }
}

static PetscErrorCode collect_pool(Sparsifier *s, const double *score)
{
  const int64_t m       = s->graph->m;
  const double  largest = largest_magnitude(m, score);

  PetscFunctionBeginUser;
  for (int64_t e = 0; e < m; e++) s->n_pool += s->fate[e] == FATE_POOL;
  PetscCall(PetscMalloc1((size_t)s->n_pool, &s->pool));
  if (s->by_keys) PetscCall(PetscMalloc1((size_t)s->n_pool, &s->weight));
  for (int64_t e = 0, i = 0; e < m; e++) {
    if (s->fate[e] != FATE_POOL) continue;
    if (s->by_keys) s->weight[i] = score[e] / largest;
    s->pool[i++] = (int32_t)e;
  }
  s->take_out = s->draw > s->n_pool - s->draw;
  s->n_toggle = (int32_t)PetscMin(s->draw, s->n_pool - s->draw);
  for (int64_t e = 0; e < m; e++) s->base[e] = s->fate[e] == FATE_KEPT || (s->fate[e] == FATE_POOL && s->take_out);
  PetscFunctionReturn(0);
}

static void set_bits(const Graph *g, const uint8_t *keep, uint64_t *adjacency)
{
  for (int64_t e = 0; e < g->m; e++) {
    if (keep && !keep[e]) continue;
    adjacency[g->u[e]] |= UINT64_C(1) << g->v[e];
    adjacency[g->v[e]] |= UINT64_C(1) << g->u[e];
  }
}

/* The same kernel for G as for its subgraphs, so that keeping every edge gives rse = 0 to the bit. */
static PetscErrorCode measure_whole(Sparsifier *s)
{
  const Graph *g                          = s->graph;
  uint64_t     mask[LAMBDA2_VERTICES_MAX] = {0};
  uint64_t     lanes[LAMBDA2_VERTICES_MAX * (int64_t)LAMBDA2_LANES];
  double       lambda2[LAMBDA2_LANES];

  PetscFunctionBeginUser;
  PetscCall(spectrum_lambda2(g, NULL, &s->lambda2_whole));
  if (g->n > LAMBDA2_VERTICES_MAX || s->lambda2_whole == 0) PetscFunctionReturn(0);
  set_bits(g, NULL, mask);
  for (int64_t i = 0; i < g->n; i++)
    for (int l = 0; l < LAMBDA2_LANES; l++) lanes[i * LAMBDA2_LANES + l] = mask[i];
  lambda2_lanes(s->level, (int)g->n, lanes, lambda2);
  s->lambda2_whole = lambda2[0];
  PetscFunctionReturn(0);
}

static PetscErrorCode make_masks(Sparsifier *s)
{
  const Graph *g = s->graph;

  PetscFunctionBeginUser;
  if (g->n > LAMBDA2_VERTICES_MAX) PetscFunctionReturn(0);
  set_bits(g, s->base, s->base_adjacency);
  PetscCall(PetscMalloc1((size_t)g->m, &s->end_u));
  PetscCall(PetscMalloc1((size_t)g->m, &s->end_v));
  for (int64_t e = 0; e < g->m; e++) {
    s->end_u[e] = (uint8_t)g->u[e];
    s->end_v[e] = (uint8_t)g->v[e];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode build(Sparsifier *s, const double *score, int64_t keep, Selection selection, bool measured)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)s->graph->m, &s->fate));
  PetscCall(PetscMalloc1((size_t)s->graph->m, &s->base));
  if (selection == SELECTION_TOPK)
    PetscCall(decide_topk(s, score, keep));
  else
    decide_sampled(s, score, keep);
  PetscCall(collect_pool(s, score));
  s->lambda2_whole = NAN;
  if (measured) PetscCall(make_masks(s));
  if (measured) PetscCall(measure_whole(s));
  PetscFunctionReturn(0);
}

static PetscErrorCode create(const Graph *g, const double *score, int64_t keep, Selection selection, bool measured, Sparsifier **out)
{
  Sparsifier *s;

  PetscFunctionBeginUser;
  PetscCall(check_arguments(g, score, keep, selection));
  PetscCall(PetscNew(&s));
  s->level              = isa_level();
  PetscErrorCode failed = graph_create(g->n, g->m, g->u, g->v, NULL, &s->graph);
  if (!failed) failed = build(s, score, keep, selection, measured);
  if (failed) sparsifier_destroy(&s);
  PetscCall(failed);
  *out = s;
  PetscFunctionReturn(0);
}

PetscErrorCode sparsifier_create(const Graph *g, const double *score, int64_t keep, Selection selection, Sparsifier **out)
{
  PetscFunctionBeginUser;
  PetscCall(create(g, score, keep, selection, true, out));
  PetscFunctionReturn(0);
}

PetscErrorCode sparsifier_create_selector(const Graph *g, const double *score, int64_t keep, Selection selection, Sparsifier **out)
{
  PetscFunctionBeginUser;
  PetscCall(create(g, score, keep, selection, false, out));
  PetscFunctionReturn(0);
}

void sparsifier_destroy(Sparsifier **sparsifier)
{
  if (!sparsifier || !*sparsifier) return;
  Sparsifier *s = *sparsifier;
  graph_destroy(&s->graph);
  (void)PetscFree(s->fate);
  (void)PetscFree(s->base);
  (void)PetscFree(s->pool);
  (void)PetscFree(s->weight);
  (void)PetscFree(s->end_u);
  (void)PetscFree(s->end_v);
  (void)PetscFree(s);
  *sparsifier = NULL;
}

void sparsifier_fates(const Sparsifier *s, uint8_t *fate, int64_t *draw)
{
  if (s->graph->m > 0) memcpy(fate, s->fate, (size_t)s->graph->m);
  *draw = s->draw;
}

double sparsifier_lambda2_whole(const Sparsifier *s) { return s->lambda2_whole; }
