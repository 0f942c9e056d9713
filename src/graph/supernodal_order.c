/* SPDX-License-Identifier: BSD-2-Clause
 * The order of elimination. AMD (Amestoy, Davis, Duff, SIAM J. Matrix Anal. Appl. 17 (1996) 886) of the whole pattern; with a boundary
 * CAMD, which keeps it last. Then the elimination tree (Liu, SIAM J. Matrix Anal. Appl. 11 (1990) 134) is put in postorder, the boundary
 * still last and in its own order, and the entries in each column of L are counted (Gilbert, Ng, Peyton, SIAM J. Matrix Anal. Appl. 15
 * (1994) 1075). All indices have 32 bits, which halves the traffic of this part: it waits for memory and does little else. */
#include "supernodal_private.h"

#include <math.h>
#include <suitesparse/amd.h>
#include <suitesparse/camd.h>

/* Neighbours of every row, both triangles, without the diagonal. */
static PetscErrorCode pattern_create(const Supernodal *s, Pattern *a)
{
  const int64_t entries = 2 * (s->nonzeros - s->n);

  PetscFunctionBeginUser;
  if (entries + entries / 5 + s->n >= INT32_MAX) PetscFunctionReturn(PETSC_ERR_SUP);
  PetscCall(PetscCalloc1((size_t)s->n + 2, &a->start));
  PetscCall(PetscMalloc1((size_t)PetscMax(1, entries), &a->row));
  for (int64_t j = 0; j < s->n; j++)
    for (int64_t e = s->start[j] + 1; e < s->start[j + 1]; e++) {
      a->start[j + 2]++;
      a->start[s->matrix_row[e] + 2]++;
    }
  for (int64_t j = 0; j < s->n; j++) a->start[j + 2] += a->start[j + 1];
  for (int64_t j = 0; j < s->n; j++)
    for (int64_t e = s->start[j] + 1; e < s->start[j + 1]; e++) {
      const int64_t i           = s->matrix_row[e];
      a->row[a->start[j + 1]++] = (int32_t)i;
      a->row[a->start[i + 1]++] = (int32_t)j;
    }
  PetscFunctionReturn(0);
}

void pattern_destroy(Pattern *a)
{
  (void)PetscFree(a->start);
  (void)PetscFree(a->row);
}

/* order (n): position -> row. */
static PetscErrorCode order_amd(const Pattern *a, int32_t n, int32_t *order)
{
  const int32_t entries = a->start[n], room = entries + entries / 5 + n;
  int32_t      *work, *w[7], *copy;
  double        control[AMD_CONTROL], info[AMD_INFO];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(7 * (size_t)n, &work, (size_t)room, &copy));
  for (int k = 0; k < 7; k++) w[k] = work + k * (int64_t)n;
  for (int32_t k = 0; k < entries; k++) copy[k] = a->row[k];
  int32_t *start = w[0], *length = w[1];
  for (int32_t i = 0; i < n; i++) {
    start[i]  = a->start[i];
    length[i] = a->start[i + 1] - a->start[i];
  }
  amd_defaults(control);
  int32_t *more;
  PetscCall(PetscMalloc1(2 * (size_t)n, &more));
  amd_2(n, start, copy, length, room, entries, w[2], w[3], order, w[4], w[5], w[6], more, control, info);
  PetscCall(PetscFree(more));
  PetscCall(PetscFree2(work, copy));
  PetscFunctionReturn(0);
}

/* Rows of a smaller member number come before those of a larger one. n > 1. */
static PetscErrorCode order_members(const Pattern *a, int32_t n, const int32_t *member, int32_t *order)
{
  const int status = camd_order(n, a->start, a->row, order, NULL, NULL, member);
  if (status >= 0) return 0;
  return status == CAMD_OUT_OF_MEMORY ? PETSC_ERR_MEM : PETSC_ERR_LIB;
}

/* The last n - inner rows stay last, ascending. member (n): scratch. */
static PetscErrorCode order_boundary(const Pattern *a, int32_t n, int32_t inner, int32_t *member, int32_t *order)
{
  int32_t kept = 0;

  PetscFunctionBeginUser;
  for (int32_t i = inner; i < n; i++) order[i] = i;
  if (inner == 0) PetscFunctionReturn(0);
  for (int32_t i = 0; i < n; i++) member[i] = i >= inner;
  PetscCall(order_members(a, n, member, order));
  for (int32_t i = 0; i < n; i++)
    if (order[i] < inner) order[kept++] = order[i];
  for (int32_t i = inner; i < n; i++) order[i] = i;
  PetscFunctionReturn(0);
}

/* out: the pattern with rows renamed by position. place: its inverse is order. */
static void permute(const Pattern *a, int32_t n, const int32_t *order, const int32_t *place, Pattern *out)
{
  int32_t at = 0;
  for (int32_t k = 0; k < n; k++) {
    out->start[k] = at;
    for (int32_t e = a->start[order[k]]; e < a->start[order[k] + 1]; e++) out->row[at++] = place[a->row[e]];
  }
  out->start[n] = at;
}

/* ancestor (n): scratch. */
static void elimination_tree(const Pattern *a, int32_t n, int32_t *parent, int32_t *ancestor)
{
  for (int32_t k = 0; k < n; k++) {
    parent[k] = ancestor[k] = -1;
    for (int32_t e = a->start[k]; e < a->start[k + 1]; e++)
      for (int32_t i = a->row[e], next; i >= 0 && i < k; i = next) {
        next        = ancestor[i];
        ancestor[i] = k;
        if (next < 0) parent[i] = k;
      }
  }
}

/* post (n): new position -> old one, children in ascending order before their parent; rows from inner on stay. Whether anything moved.
 * head, next (n): scratch. */
static bool postorder(int32_t n, int32_t inner, const int32_t *parent, int32_t *post, int32_t *head, int32_t *next)
{
  bool    moved = false;
  int32_t at = 0, depth = 0, *stack = post; /* the stack grows in the part of post that is not yet written, from its end */
  for (int32_t i = 0; i < n; i++) head[i] = -1;
  for (int32_t i = inner - 1; i >= 0; i--) {
    const int32_t p = parent[i];
    if (p < 0 || p >= inner) continue;
    next[i] = head[p];
    head[p] = i;
  }
  for (int32_t root = 0; root < inner; root++) {
    if (parent[root] >= 0 && parent[root] < inner) continue;
    stack[inner - ++depth] = root;
    while (depth > 0) {
      const int32_t i = stack[inner - depth], child = head[i];
      if (child >= 0) {
        head[i]                = next[child];
        stack[inner - ++depth] = child;
        continue;
      }
      depth--;
      moved |= at != i;
      post[at++] = i;
    }
  }
  for (int32_t i = inner; i < n; i++) post[i] = i;
  return moved;
}

/* count (n): entries of L's columns, diagonal included. In postorder. work (4 n). */
static void column_counts(const Pattern *a, int32_t n, const int32_t *parent, int32_t *count, int32_t *work)
{
  int32_t *first = work, *most = work + n, *leaf = work + 2 * (int64_t)n, *ancestor = work + 3 * (int64_t)n;
  for (int32_t j = 0; j < n; j++) {
    first[j] = ancestor[j] = j;
    most[j] = leaf[j] = -1;
  }
  for (int32_t j = 0; j < n; j++) {
    count[j] = first[j] == j;
    if (parent[j] >= 0) first[parent[j]] = PetscMin(first[parent[j]], first[j]);
  }
  for (int32_t j = 0; j < n; j++) {
    if (parent[j] >= 0) count[parent[j]]--;
    for (int32_t e = a->start[j]; e < a->start[j + 1]; e++) {
      const int32_t i = a->row[e];
      if (i <= j || first[j] <= most[i]) continue;
      most[i] = first[j];
      count[j]++;
      if (leaf[i] >= 0) {
        int32_t top = leaf[i];
        while (top != ancestor[top]) top = ancestor[top];
        for (int32_t k = leaf[i], up; k != top; k = up) {
          up          = ancestor[k];
          ancestor[k] = top;
        }
        count[top]--;
      }
      leaf[i] = j;
    }
    if (parent[j] >= 0) ancestor[j] = parent[j];
  }
  for (int32_t j = 0; j < n; j++)
    if (parent[j] >= 0) count[parent[j]] += count[j];
}

/* order, place, parent of the rows of a moved by post. work (n). */
static void apply_postorder(int32_t n, const int32_t *post, int32_t *order, int32_t *place, int32_t *parent, int32_t *work)
{
  for (int32_t k = 0; k < n; k++) work[k] = order[post[k]];
  for (int32_t k = 0; k < n; k++) {
    order[k]       = work[k];
    place[work[k]] = k;
  }
  int32_t *to = order; /* old position -> new one, for a moment */
  for (int32_t k = 0; k < n; k++) to[post[k]] = k;
  for (int32_t k = 0; k < n; k++) work[k] = parent[post[k]] < 0 ? -1 : to[parent[post[k]]];
  for (int32_t k = 0; k < n; k++) parent[k] = work[k];
  for (int32_t i = 0; i < n; i++) order[place[i]] = i;
}

/* The tree of an order, which is refined to a postorder. place (n), work (4 n): scratch. */
static PetscErrorCode arrange(int32_t n, int32_t inner, const Pattern *given, int32_t *order, int32_t *place, int32_t *work, Elimination *t)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)n, &t->parent, (size_t)n, &t->count));
  PetscCall(PetscMalloc1((size_t)n + 1, &t->pattern.start));
  PetscCall(PetscMalloc1((size_t)PetscMax(1, given->start[n]), &t->pattern.row));
  for (int32_t k = 0; k < n; k++) place[order[k]] = k;
  permute(given, n, order, place, &t->pattern);
  elimination_tree(&t->pattern, n, t->parent, work);
  if (postorder(n, inner, t->parent, work, work + n, work + 2 * (int64_t)n)) {
    apply_postorder(n, work, order, place, t->parent, work + n);
    permute(given, n, order, place, &t->pattern);
  }
  column_counts(&t->pattern, n, t->parent, t->count, work);
  t->flops = 0;
  for (int32_t j = 0; j < n; j++) t->flops += (double)t->count[j] * t->count[j];
  PetscFunctionReturn(0);
}

/* Whether a second order by dissection can pay: seconds of the numerical work to be saved against those of about ten sweeps a level. */
static bool dissection_pays(const Supernodal *s, const Elimination *t)
{
  const double sweeps = 3e-7 * (double)(s->n + 2 * s->nonzeros) * log2(1 + (double)s->n / 1000);
  return s->n_last == 0 && s->n > 10000 && 3 * t->flops / 60e9 > 3 * sweeps;
}

/* Replaces order and tree by those of nested dissection where these take fewer flops. place (n), work (4 n): scratch. */
static PetscErrorCode improve(const Supernodal *s, const Pattern *given, int32_t *order, int32_t *place, int32_t *work, Elimination *t)
{
  const int32_t n = (int32_t)s->n;
  bool          promising;
  int32_t      *other = NULL;
  Elimination   tried = {0};

  PetscFunctionBeginUser;
  PetscCall(dissection_members(given, n, t->flops, work, &promising));
  if (!promising) PetscFunctionReturn(0);
  PetscErrorCode failed = PetscMalloc1((size_t)n, &other);
  if (!failed) failed = order_members(given, n, work, other);
  if (!failed) failed = arrange(n, n, given, other, place, work, &tried);
  if (!failed && tried.flops < t->flops) {
    const Elimination swap = *t;
    *t                     = tried;
    tried                  = swap;
    for (int32_t k = 0; k < n; k++) order[k] = other[k];
  }
  elimination_destroy(&tried);
  (void)PetscFree(other);
  PetscFunctionReturn(failed);
}

static PetscErrorCode eliminate(Supernodal *s, const Pattern *given, int32_t *order, int32_t *work, Elimination *t)
{
  const int32_t n = (int32_t)s->n, inner = (int32_t)(s->n - s->n_last);

  PetscFunctionBeginUser;
  if (inner == n)
    PetscCall(order_amd(given, n, order));
  else
    PetscCall(order_boundary(given, n, inner, work, order));
  PetscCall(arrange(n, inner, given, order, s->place, work, t));
  if (dissection_pays(s, t)) PetscCall(improve(s, given, order, s->place, work, t));
  for (int32_t k = 0; k < n; k++) s->place[order[k]] = k;
  PetscFunctionReturn(0);
}

PetscErrorCode elimination_create(Supernodal *s, Elimination *t)
{
  Pattern  given = {0};
  int32_t *order = NULL, *work = NULL;

  PetscFunctionBeginUser;
  *t                    = (Elimination){0};
  PetscErrorCode failed = pattern_create(s, &given);
  if (!failed) failed = PetscMalloc2((size_t)s->n, &order, 4 * (size_t)s->n, &work);
  if (!failed) failed = eliminate(s, &given, order, work, t);
  pattern_destroy(&given);
  (void)PetscFree2(order, work);
  PetscFunctionReturn(failed);
}

void elimination_destroy(Elimination *t)
{
  pattern_destroy(&t->pattern);
  (void)PetscFree2(t->parent, t->count);
}
