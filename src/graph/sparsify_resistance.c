/* SPDX-License-Identifier: BSD-2-Clause
 * Spielman and Srivastava's sparsifier: edges drawn with replacement in proportion to w R by an alias table (Walker 1977; Vose, IEEE Trans.
 * Software Eng. 17 (1991) 972), O(m) to build and O(1) a draw. Draw number i uses Philox block i alone. It does not compute
 * resistances. */
#include <math.h>

#include "rng.h"
#include "sparsify.h"

/* Cell i is taken with probability share[i], else its alias. */
typedef struct AliasTable {
  int64_t  n;
  double  *share;
  int64_t *alias;
} AliasTable;

/* p: (n) probabilities. */
static PetscErrorCode alias_create(int64_t n, const double *p, AliasTable *t)
{
  int64_t *stack, small = 0, large = n; /* small cells from the front, large ones from the back */

  PetscFunctionBeginUser;
  t->n = n;
  PetscCall(PetscMalloc2((size_t)n, &t->share, (size_t)n, &t->alias));
  PetscCall(PetscMalloc1((size_t)n, &stack));
  for (int64_t i = 0; i < n; i++) {
    t->share[i] = p[i] * (double)n;
    t->alias[i] = i;
    if (t->share[i] < 1)
      stack[small++] = i;
    else
      stack[--large] = i;
  }
  while (small > 0 && large < n) {
    const int64_t low = stack[--small], high = stack[large];
    t->alias[low] = high;
    t->share[high] -= 1 - t->share[low];
    if (t->share[high] >= 1) continue;
    large++;
    stack[small++] = high;
  }
  while (small > 0) t->share[stack[--small]] = 1; /* left over by round-off */
  while (large < n) t->share[stack[large++]] = 1;
  PetscCall(PetscFree(stack));
  PetscFunctionReturn(0);
}

static int64_t alias_draw(const AliasTable *t, uint64_t key, int64_t number)
{
  uint32_t word[4];
  rng_block(key, (uint64_t)number, 0, RNG_SPARSIFY, word);
  const uint64_t wide = word[0] | (uint64_t)word[1] << 32, fine = word[2] | (uint64_t)word[3] << 32;
  const int64_t  cell = (int64_t)((unsigned __int128)wide * (unsigned __int128)t->n >> 64);
  return (double)(fine >> 11) * 0x1p-53 < t->share[cell] ? cell : t->alias[cell];
}

PetscErrorCode sparsify_by_resistance(const Graph *g, const double *resistance, int64_t draws, uint64_t key, double *weight)
{
  AliasTable table;
  double    *p, sum = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)g->m, &p));
  for (int64_t e = 0; e < g->m; e++) {
    p[e] = graph_weight(g, e) * resistance[e];
    PetscCheck(isfinite(p[e]) && p[e] > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "edge %lld has w R = %g: it must be positive",
               (long long)e, p[e]);
    sum += p[e];
    weight[e] = 0;
  }
  for (int64_t e = 0; e < g->m; e++) p[e] /= sum;
  if (g->m > 0) {
    PetscCall(alias_create(g->m, p, &table));
    for (int64_t i = 0; i < draws; i++) {
      const int64_t e = alias_draw(&table, key, i);
      weight[e] += graph_weight(g, e) / ((double)draws * p[e]);
    }
    PetscCall(PetscFree2(table.share, table.alias));
  }
  PetscCall(PetscFree(p));
  PetscFunctionReturn(0);
}
