/* SPDX-License-Identifier: BSD-2-Clause
 * Adjacency lists in 32 bits by counting sort of the edge list, O(n + m). It sorts no list: neighbours stand in the order of the edges.
 * Where the input's numbers are far from a local order the vertices are renumbered breadth first, so that searches find neighbours in the
 * cache: everything behind Links speaks of edges by their numbers, and never sees the input's vertices. */
#include "separator.h"

/* Numbers are local when the ends of an edge are, on average, closer than this fraction of n. */
static const double local_fraction = 0.02;

static bool is_local(const Graph *g)
{
  double sum = 0;
  for (int64_t e = 0; e < g->m; e++) sum += (double)(g->v[e] - g->u[e]);
  return sum <= local_fraction * (double)g->n * (double)g->m;
}

bool links_fit(const Graph *g) { return g->n <= LINKS_VERTICES_MAX && g->m <= INT32_MAX; }

static PetscErrorCode allocate(int64_t n, int64_t m, Links **out)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(out));
  (*out)->n = (int32_t)n;
  PetscCall(PetscCalloc1((size_t)n + 2, &(*out)->start));
  PetscCall(PetscMalloc2(2 * (size_t)m, &(*out)->vertex, 2 * (size_t)m, &(*out)->edge));
  PetscFunctionReturn(0);
}

static void fill(const Graph *g, Links *l)
{
  /* Counted one place further on, so that filling leaves every start in its place. */
  int64_t *at = l->start + 1;
  for (int64_t e = 0; e < g->m; e++) {
    at[g->u[e] + 1]++;
    at[g->v[e] + 1]++;
  }
  for (int64_t i = 0; i < g->n; i++) at[i + 1] += at[i];
  for (int64_t e = 0; e < g->m; e++) {
    const int64_t a = at[g->u[e]]++, b = at[g->v[e]]++;
    l->vertex[a] = (int32_t)g->v[e];
    l->vertex[b] = (int32_t)g->u[e];
    l->edge[a] = l->edge[b] = (int32_t)e;
  }
}

/* order: vertices breadth first, component by component; number: its inverse. */
static void breadth_first(const Links *l, int32_t *order, int32_t *number)
{
  int32_t tail = 0;
  for (int32_t i = 0; i < l->n; i++) number[i] = -1;
  for (int32_t i = 0, head = 0; i < l->n; i++) {
    if (number[i] >= 0) continue;
    number[i]     = tail;
    order[tail++] = i;
    for (; head < tail; head++)
      for (int64_t k = l->start[order[head]]; k < l->start[order[head] + 1]; k++) {
        const int32_t j = l->vertex[k];
        if (number[j] >= 0) continue;
        number[j]     = tail;
        order[tail++] = j;
      }
  }
}

static PetscErrorCode renumber(const Links *from, Links *to)
{
  int32_t *order, *number;
  int64_t  at = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)from->n, &order, (size_t)from->n, &number));
  breadth_first(from, order, number);
  for (int32_t i = 0; i < from->n; i++) {
    for (int64_t k = from->start[order[i]]; k < from->start[order[i] + 1]; k++) {
      to->vertex[at] = number[from->vertex[k]];
      to->edge[at++] = from->edge[k];
    }
    to->start[i + 1] = at;
  }
  PetscCall(PetscFree2(order, number));
  PetscFunctionReturn(0);
}

PetscErrorCode links_create(const Graph *g, Links **out)
{
  Links *l, *local;

  PetscFunctionBeginUser;
  PetscCheck(links_fit(g), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%lld vertices and %lld edges: 32-bit lists take %d and %d",
             (long long)g->n, (long long)g->m, LINKS_VERTICES_MAX, INT32_MAX);
  PetscCall(allocate(g->n, g->m, &l));
  fill(g, l);
  *out = l;
  if (is_local(g)) PetscFunctionReturn(0);
  PetscCall(allocate(g->n, g->m, &local));
  PetscCall(renumber(l, local));
  links_destroy(&l);
  *out = local;
  PetscFunctionReturn(0);
}

void links_destroy(Links **links)
{
  if (!links || !*links) return;
  (void)PetscFree((*links)->start);
  (void)PetscFree2((*links)->vertex, (*links)->edge);
  (void)PetscFree(*links);
  *links = NULL;
}
