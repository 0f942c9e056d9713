/* SPDX-License-Identifier: BSD-2-Clause
 * Nested dissection (George, SIAM J. Numer. Anal. 10 (1973) 345) as constraints for CAMD: the rows of a graph's separator come after those
 * on its two sides, and so on inside the sides; within a side and within a separator minimum degree decides. Against minimum degree alone
 * it halves and thirds the flops of three-dimensional meshes. It gives up at once where the first separator is dense work enough
 * (power-law graphs), and does not look for better than what separator.h finds. */
#include "separator.h"
#include "supernodal_private.h"

enum { LEAF_ROWS = 1000, DEPTH_MAX = 20, STACK_MAX = 2 * DEPTH_MAX };

typedef struct Part {
  int32_t first, end, depth; /* rows list[first] .. list[end - 1] */
} Part;

typedef struct Dissection {
  Separator *separator;
  int32_t   *list, *spare; /* (n) rows, part by part, ascending in each */
  int8_t    *side;         /* (n) */
  int32_t   *depth;        /* (n) of the separator a row belongs to, -1: of none */
} Dissection;

/* Cuts the part; its rows are then left, right, cut. at[3]: where each begins. */
static PetscErrorCode split(Dissection *d, const Part *p, int32_t at[3])
{
  static const int8_t order[3] = {SIDE_LEFT, SIDE_RIGHT, SIDE_CUT};
  int32_t             to       = p->first;

  PetscFunctionBeginUser;
  for (int32_t k = p->first; k < p->end; k++) d->side[d->list[k]] = SIDE_LEFT;
  PetscCall(separator_find(d->separator, p->end - p->first, d->list + p->first, 0.5, p->depth < 2, d->side));
  for (int32_t k = p->first; k < p->end; k++) d->spare[k] = d->list[k];
  for (int which = 0; which < 3; which++) {
    at[which] = to;
    for (int32_t k = p->first; k < p->end; k++)
      if (d->side[d->spare[k]] == order[which]) d->list[to++] = d->spare[k];
  }
  for (int32_t k = p->first; k < p->end; k++) d->side[d->list[k]] = SIDE_OUTSIDE;
  for (int32_t k = at[2]; k < p->end; k++) d->depth[d->list[k]] = p->depth;
  PetscFunctionReturn(0);
}

/* *promising: the first separator, as a dense block, takes less than a quarter of flops. */
static PetscErrorCode dissect(Dissection *d, int32_t n, double flops, bool *promising)
{
  Part stack[STACK_MAX];
  int  height = 0;

  PetscFunctionBeginUser;
  *promising      = true;
  stack[height++] = (Part){.first = 0, .end = n, .depth = 0};
  while (height > 0 && *promising) {
    const Part p = stack[--height];
    int32_t    at[3];
    PetscCall(split(d, &p, at));
    const double cut = p.end - at[2];
    if (p.depth == 0) *promising = cut * cut * cut / 3 < flops / 4;
    const Part sides[2] = {{.first = at[0], .end = at[1], .depth = p.depth + 1}, {.first = at[1], .end = at[2], .depth = p.depth + 1}};
    for (int k = 0; k < 2; k++)
      if (sides[k].end - sides[k].first > LEAF_ROWS && p.depth + 1 < DEPTH_MAX) stack[height++] = sides[k];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode allocate(Dissection *d, const Links *links)
{
  const size_t n = (size_t)links->n;

  PetscFunctionBeginUser;
  PetscCall(separator_create(links, &d->separator));
  PetscCall(PetscMalloc4(n, &d->list, n, &d->spare, n, &d->side, n, &d->depth));
  for (int32_t i = 0; i < links->n; i++) {
    d->list[i]  = i;
    d->side[i]  = SIDE_OUTSIDE;
    d->depth[i] = -1;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode dissection_members(const Pattern *a, int32_t n, double flops, int32_t *member, bool *promising)
{
  Dissection d     = {0};
  Links      links = {.n = n, .vertex = a->row};

  PetscFunctionBeginUser;
  *promising = false;
  PetscCall(PetscMalloc1((size_t)n + 1, &links.start));
  for (int32_t i = 0; i <= n; i++) links.start[i] = a->start[i];
  PetscErrorCode failed = allocate(&d, &links);
  if (!failed) failed = dissect(&d, n, flops, promising);
  for (int32_t i = 0; i < n && !failed; i++) member[i] = d.depth[i] < 0 ? 0 : DEPTH_MAX - d.depth[i];
  separator_destroy(&d.separator);
  (void)PetscFree4(d.list, d.spare, d.side, d.depth);
  (void)PetscFree(links.start);
  PetscFunctionReturn(failed);
}
