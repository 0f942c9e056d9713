/* SPDX-License-Identifier: BSD-2-Clause
 * Trials of "score every edge, keep k" at a microsecond each, for graphs on n <= 64 vertices: adjacency as one bit mask a vertex, made
 * from the plan's by toggling the chosen edges; connectivity by breadth-first search on masks; lambda2 of the connected trials of a
 * call eight at a time (lambda2_kernel.c). Chance and ties: sparsify_select.c, sparsify_plan.c. Larger graphs go to sparsify_reference.c,
 * whose kept sets and connectivity are the same to the bit and whose lambda2 (LAPACK) agrees to 1e-12 n. */
#include "sparsify.h"

#include <string.h>

#include "sparsify_plan.h"

/* Connected trials that wait for their lambda2. */
typedef struct Waiting {
  int      n;
  int64_t  trial[LAMBDA2_LANES];
  uint64_t adjacency[LAMBDA2_VERTICES_MAX * LAMBDA2_LANES];
} Waiting;

static bool connected(int n, const uint64_t *adjacency)
{
  const uint64_t all   = ~UINT64_C(0) >> (64 - n);
  uint64_t       reach = 1, frontier = 1;
  while (frontier && reach != all) {
    const uint64_t found = adjacency[__builtin_ctzll(frontier)] & ~reach;
    reach |= found;
    frontier = (frontier & (frontier - 1)) | found;
  }
  return reach == all;
}

static void finish_waiting(const Sparsifier *s, Waiting *w, SparsifyOutcome *out)
{
  const int n = (int)s->graph->n;
  double    lambda2[LAMBDA2_LANES];
  if (w->n == 0) return;
  for (int i = 0; i < n; i++) {
    uint64_t *row = w->adjacency + i * LAMBDA2_LANES;
    for (int l = w->n; l < LAMBDA2_LANES; l++) row[l] = row[0];
  }
  lambda2_lanes(s->level, n, w->adjacency, lambda2);
  for (int l = 0; l < w->n; l++) outcome_write(s, out, w->trial[l], true, lambda2[l]);
  w->n = 0;
}

static void wait_for_lambda2(const Sparsifier *s, Waiting *w, int64_t trial, const uint64_t *adjacency, SparsifyOutcome *out)
{
  const int n = (int)s->graph->n, lane = w->n++;
  w->trial[lane] = trial;
  for (int i = 0; i < n; i++) w->adjacency[i * LAMBDA2_LANES + lane] = adjacency[i];
  if (w->n == LAMBDA2_LANES) finish_waiting(s, w, out);
}

static void toggle_edges(const Sparsifier *s, const Chooser *c, uint64_t *adjacency)
{
  memcpy(adjacency, s->base_adjacency, (size_t)s->graph->n * sizeof *adjacency);
  for (int32_t i = 0; i < s->n_toggle; i++) {
    const int u = s->end_u[c->edge[i]], v = s->end_v[c->edge[i]];
    adjacency[u] ^= UINT64_C(1) << v;
    adjacency[v] ^= UINT64_C(1) << u;
  }
}

static int64_t count_toggled(const Sparsifier *s, const Chooser *c, const uint8_t *marked)
{
  int64_t count = 0;
  for (int32_t i = 0; i < s->n_toggle; i++) count += marked[c->edge[i]] != 0;
  return s->take_out ? -count : count;
}

static void run_masks(const Sparsifier *s, int64_t n, const uint64_t *key, Chooser *c, SparsifyOutcome *out)
{
  const bool marks       = out->marked && out->marked_kept;
  int64_t    base_marked = 0;
  Waiting    waiting;
  waiting.n = 0;
  for (int64_t e = 0; marks && e < s->graph->m; e++) base_marked += s->base[e] && out->marked[e];
  for (int64_t i = 0; i < n; i++) {
    uint64_t adjacency[LAMBDA2_VERTICES_MAX];
    chooser_select(s, key[i], c);
    toggle_edges(s, c, adjacency);
    if (out->kept && out->kept[i]) chooser_flags(s, c, out->kept[i]);
    if (marks) out->marked_kept[i] = (double)(base_marked + count_toggled(s, c, out->marked));
    const bool whole = connected((int)s->graph->n, adjacency);
    if (whole && s->graph->n > 1)
      wait_for_lambda2(s, &waiting, i, adjacency, out);
    else
      outcome_write(s, out, i, whole, 0);
  }
  finish_waiting(s, &waiting, out);
}

PetscErrorCode sparsifier_select(const Sparsifier *s, uint64_t key, uint8_t *kept)
{
  Chooser chooser;

  PetscFunctionBeginUser;
  PetscCall(chooser_create(s, &chooser));
  chooser_select(s, key, &chooser);
  chooser_flags(s, &chooser, kept);
  PetscCall(chooser_destroy(&chooser));
  PetscFunctionReturn(0);
}

PetscErrorCode sparsifier_run(const Sparsifier *s, int64_t n, const uint64_t *key, bool reference, SparsifyOutcome *out)
{
  Chooser chooser;

  PetscFunctionBeginUser;
  PetscCall(chooser_create(s, &chooser));
  PetscErrorCode failed = 0;
  if (reference || s->graph->n > LAMBDA2_VERTICES_MAX)
    failed = sparsify_reference(s, n, key, &chooser, out);
  else
    run_masks(s, n, key, &chooser, out);
  PetscCall(chooser_destroy(&chooser));
  PetscCall(failed);
  PetscFunctionReturn(0);
}
