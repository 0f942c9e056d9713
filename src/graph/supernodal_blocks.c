/* SPDX-License-Identifier: BSD-2-Clause
 * Supernodes of L and their rows. Fundamental supernodes (Liu, Ng, Peyton, SIAM J. Matrix Anal. Appl. 14 (1993) 242) are merged with their
 * parents where that costs few explicit zeros (relaxed amalgamation, Ashcraft and Grimes, ACM TOMS 15 (1989) 291), since small blocks cost
 * calls and not flops. The boundary is one dense block, whatever its pattern. Rows come from the row subtrees (Liu 1990): row k is in every
 * block on the way from a neighbour i < k up to k, so that they come out ascending and are never sorted. */
#include "supernodal_private.h"

/* A range of columns while blocks are formed. */
typedef struct Range {
  int32_t first, nc, lead; /* lead: entries of its first column */
  double  zeros;           /* explicit ones, by mergers */
} Range;

/* Fundamental supernodes of the columns below inner; returns their number. of (n): column -> supernode; children (n): scratch. */
static int64_t fundamental(const Elimination *t, int32_t n, int32_t inner, Range *range, int32_t *of, int32_t *children)
{
  int64_t count = 0;
  for (int32_t j = 0; j < n; j++) children[j] = 0;
  for (int32_t j = 0; j < inner; j++)
    if (t->parent[j] >= 0) children[t->parent[j]]++;
  for (int32_t j = 0; j < inner; j++) {
    const bool joins = j > 0 && t->parent[j - 1] == j && t->count[j - 1] == t->count[j] + 1 && children[j] == 1;
    if (joins)
      range[count - 1].nc++;
    else
      range[count++] = (Range){.first = j, .nc = 1, .lead = t->count[j]};
    of[j] = (int32_t)count - 1;
  }
  return count;
}

/* Whether a merger to nc columns with this share of explicit zeros pays: measured on meshes, geometric and power-law graphs, where it is
 * flat. */
static bool worthwhile(int32_t nc, double added, double zeros, double entries)
{
  const double share = zeros / entries;
  return nc <= 4 || added == 0 || (nc <= SMALL_COLUMNS && share < 0.4) || (nc <= 48 && share < 0.2) || share < 0.05;
}

/* Merges neighbours s, s + 1, ... of a child and its parent's group, from the last down: afterwards range[k] with nc > 0 are the blocks. */
static void merge(const Elimination *t, int32_t inner, int64_t count, Range *range, const int32_t *of)
{
  int64_t end = count - 1; /* last supernode of the group that begins at s + 1 */
  for (int64_t s = count - 2; s >= 0; s--) {
    Range        *a = &range[s], *b = &range[s + 1];
    const int32_t up = t->parent[a->first + a->nc - 1];
    if (up < 0 || up >= inner || of[up] > end) {
      end = s;
      continue;
    }
    const double nc = (double)a->nc + b->nc, lead = (double)a->nc + b->lead, added = a->nc * (lead - a->lead), zeros = added + b->zeros;
    if (!worthwhile(a->nc + b->nc, added, zeros, nc * (nc + 1) / 2 + nc * (lead - nc))) {
      end = s;
      continue;
    }
    a->lead  = a->nc + b->lead;
    a->nc    = a->nc + b->nc;
    a->zeros = zeros;
    b->nc    = 0;
  }
}

static PetscErrorCode blocks_allocate(Supernodal *s, const Elimination *t, int64_t count, const Range *range)
{
  const int32_t inner = (int32_t)(s->n - s->n_last);
  int64_t       kept = s->n_last > 0, at = 0;

  PetscFunctionBeginUser;
  for (int64_t k = 0; k < count; k++) {
    kept += range[k].nc > 0;
    if (range[k].nc > 0) s->n_rows += t->count[range[k].first + range[k].nc - 1] - 1;
  }
  s->n_blocks = kept;
  PetscCall(PetscMalloc1((size_t)PetscMax(1, kept), &s->block));
  PetscCall(PetscMalloc1((size_t)PetscMax(1, s->n_rows), &s->row));
  s->n_rows = 0;
  for (int64_t k = 0; k < count; k++) {
    const int32_t nc = range[k].nc;
    if (nc == 0) continue;
    const int32_t nr = t->count[range[k].first + nc - 1] - 1;
    s->block[at]     = (Block){.x = s->n_values, .rows = s->n_rows, .first = range[k].first, .nc = nc, .nr = nr, .parent = -1};
    for (int32_t j = 0; j < nc; j++) s->block_of[range[k].first + j] = (int32_t)at;
    s->n_values += (int64_t)nc * (nc + nr);
    s->n_rows += nr;
    at++;
  }
  if (s->n_last > 0) {
    s->block[at] = (Block){.x = s->n_values, .rows = s->n_rows, .first = inner, .nc = (int32_t)s->n_last, .parent = -1};
    for (int64_t j = inner; j < s->n; j++) s->block_of[j] = (int32_t)at;
    s->n_values += s->n_last * s->n_last;
  }
  PetscFunctionReturn(0);
}

/* reached, filled (n_blocks): scratch. */
static void fill_rows(Supernodal *s, const Elimination *t, int32_t *reached, int32_t *filled)
{
  for (int64_t k = 0; k < s->n_blocks; k++) {
    const Block  *b    = &s->block[k];
    const int32_t up   = t->parent[b->first + b->nc - 1];
    s->block[k].parent = up < 0 || b->nr == 0 ? -1 : s->block_of[up];
    reached[k]         = -1;
    filled[k]          = 0;
  }
  for (int32_t k = 0; k < s->n; k++) {
    reached[s->block_of[k]] = k;
    for (int32_t e = t->pattern.start[k]; e < t->pattern.start[k + 1]; e++) {
      const int32_t i = t->pattern.row[e];
      if (i >= k) continue;
      for (int32_t b = s->block_of[i]; reached[b] != k; b = s->block[b].parent) {
        s->row[s->block[b].rows + filled[b]++] = k;
        reached[b]                             = k;
      }
    }
  }
}

PetscErrorCode blocks_create(Supernodal *s, const Elimination *t)
{
  const int32_t n = (int32_t)s->n, inner = (int32_t)(s->n - s->n_last);
  Range        *range;
  int32_t      *scratch;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)n, &range, 2 * (size_t)n + 2, &scratch));
  const int64_t count = fundamental(t, n, inner, range, s->block_of, scratch);
  merge(t, inner, count, range, s->block_of);
  PetscErrorCode failed = blocks_allocate(s, t, count, range);
  if (!failed) fill_rows(s, t, scratch, scratch + s->n_blocks);
  PetscCall(PetscFree2(range, scratch));
  PetscFunctionReturn(failed);
}
