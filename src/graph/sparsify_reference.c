/* SPDX-License-Identifier: BSD-2-Clause
 * The slow reference of sparsify.c, and the path of graphs on more than 64 vertices: every trial's kept edges as flags, components by
 * union-find, lambda2 by LAPACK on the dense Laplacian. It shares the selection, so that kept sets agree to the bit, and nothing else;
 * lambda2 may differ from the fast path's in its last bits (within 1e-12 n). */
#include "sparsify_plan.h"

static PetscErrorCode run_trial(const Sparsifier *s, const uint8_t *kept, int64_t *component, int64_t i, SparsifyOutcome *out)
{
  double lambda2 = 0;

  PetscFunctionBeginUser;
  const bool connected = graph_components(s->graph, kept, component) == 1;
  if (connected) PetscCall(spectrum_lambda2(s->graph, kept, &lambda2));
  outcome_write(s, out, i, connected, lambda2);
  if (!out->marked || !out->marked_kept) PetscFunctionReturn(0);
  int64_t count = 0;
  for (int64_t e = 0; e < s->graph->m; e++) count += out->marked[e] && kept[e];
  out->marked_kept[i] = (double)count;
  PetscFunctionReturn(0);
}

PetscErrorCode sparsify_reference(const Sparsifier *s, int64_t n, const uint64_t *key, Chooser *chooser, SparsifyOutcome *out)
{
  int64_t       *component;
  uint8_t       *flags;
  PetscErrorCode failed = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)s->graph->n, &component, (size_t)s->graph->m, &flags));
  for (int64_t i = 0; i < n && !failed; i++) {
    uint8_t *kept = out->kept && out->kept[i] ? out->kept[i] : flags;
    chooser_select(s, key[i], chooser);
    chooser_flags(s, chooser, kept);
    failed = run_trial(s, kept, component, i, out);
  }
  PetscCall(PetscFree2(component, flags));
  PetscCall(failed);
  PetscFunctionReturn(0);
}
