/* SPDX-License-Identifier: BSD-2-Clause
 * Which edges of the pool one trial toggles. Uniform subsets: the first steps of a Fisher-Yates shuffle, as many as the smaller of the
 * subset and its complement has edges. By weight: successive sampling without replacement by exponential keys, the `draw` smallest of
 * E_e / w_e with E_e standard exponential (Efraimidis and Spirakis, Inf. Process. Lett. 97 (2006) 181), found by quickselect (Hoare,
 * Comm. ACM 4 (1961) 321). Randomness: stream (key, draw 0, RNG_SELECTION), in ascending order of edges. No allocation in a trial. */
#include <string.h>

#include "rng.h"
#include "sparsify_plan.h"

PetscErrorCode chooser_create(const Sparsifier *s, Chooser *c)
{
  PetscFunctionBeginUser;
  *c = (Chooser){NULL, NULL};
  PetscCall(PetscMalloc1((size_t)s->n_pool, &c->edge));
  if (s->by_keys) PetscCall(PetscMalloc1((size_t)s->n_pool, &c->keyed));
  PetscFunctionReturn(0);
}

PetscErrorCode chooser_destroy(Chooser *c)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(c->edge));
  PetscCall(PetscFree(c->keyed));
  PetscFunctionReturn(0);
}

static void select_uniform(const Sparsifier *s, uint64_t key, int32_t *edge)
{
  Rng rng = rng_start(key, 0, RNG_SELECTION);
  memcpy(edge, s->pool, (size_t)s->n_pool * sizeof *edge);
  for (int32_t i = 0; i < s->n_toggle; i++) {
    const int32_t j    = i + (int32_t)rng_below(&rng, (uint32_t)(s->n_pool - i));
    const int32_t swap = edge[i];
    edge[i]            = edge[j];
    edge[j]            = swap;
  }
}

/* Equal keys, which chance all but excludes, fall to the smaller edge number. Bitwise operators: a branch here is mispredicted half
 * the time. */
static inline bool before(KeyedEdge a, KeyedEdge b) { return (a.key < b.key) | ((a.key == b.key) & (a.edge < b.edge)); }

static inline void swap_keyed(KeyedEdge *a, KeyedEdge *b)
{
  const KeyedEdge c = *a;
  *a                = *b;
  *b                = c;
}

/* Puts the median of the first, middle and last element last. */
static inline void median_last(KeyedEdge *x, int32_t low, int32_t high)
{
  const int32_t middle = low + (high - low) / 2;
  if (before(x[middle], x[low])) swap_keyed(&x[middle], &x[low]);
  if (before(x[high], x[low])) swap_keyed(&x[high], &x[low]);
  if (before(x[middle], x[high])) swap_keyed(&x[middle], &x[high]);
}

/* Permutes x so that its k smallest come first (quickselect, Lomuto's partition without branches). */
static void partition_smallest(KeyedEdge *x, int32_t n, int32_t k)
{
  int32_t low = 0, high = n - 1;
  while (low < high) {
    median_last(x, low, high);
    const KeyedEdge pivot = x[high];
    int32_t         end   = low;
    for (int32_t i = low; i < high; i++) {
      const bool smaller = before(x[i], pivot);
      swap_keyed(&x[end], &x[i]);
      end += smaller;
    }
    swap_keyed(&x[end], &x[high]);
    if (end == k) return;
    if (end > k)
      high = end - 1;
    else
      low = end + 1;
  }
}

static void select_by_keys(const Sparsifier *s, uint64_t key, KeyedEdge *keyed, int32_t *edge)
{
  Rng rng = rng_start(key, 0, RNG_SELECTION);
  for (int32_t i = 0; i < s->n_pool; i++) keyed[i] = (KeyedEdge){rng_exponential(&rng) / s->weight[i], s->pool[i]};
  partition_smallest(keyed, s->n_pool, (int32_t)s->draw);
  const int32_t first = s->take_out ? (int32_t)s->draw : 0;
  for (int32_t i = 0; i < s->n_toggle; i++) edge[i] = keyed[first + i].edge;
}

void chooser_select(const Sparsifier *s, uint64_t key, Chooser *c)
{
  if (s->n_toggle == 0) return;
  if (s->by_keys)
    select_by_keys(s, key, c->keyed, c->edge);
  else
    select_uniform(s, key, c->edge);
}

void chooser_flags(const Sparsifier *s, const Chooser *c, uint8_t *kept)
{
  if (s->graph->m == 0) return;
  memcpy(kept, s->base, (size_t)s->graph->m);
  for (int32_t i = 0; i < s->n_toggle; i++) kept[c->edge[i]] ^= 1;
}
