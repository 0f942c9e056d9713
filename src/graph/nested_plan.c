/* SPDX-License-Identifier: BSD-2-Clause
 * Recursive bisection by vertex separators (nested dissection: George, SIAM J. Numer. Anal. 10 (1973) 345), followed along one rank's way
 * from the root, and below that into all of the rank's own part: a rank splits only the parts it belongs to, so no message is needed. A
 * group of k ranks splits its work as ceil(k/2) to floor(k/2): P need not be a power of two. A local part is split while it is large and
 * its separator is not larger than a mesh in three dimensions would have. The grounded vertex is the root separator's of largest weighted
 * degree, so that potentials are small. */
#include "resistance_nested.h"

#include <stdlib.h>

#include "memory.h"

/* Flops of a separator's front a vertex of its part, below which the ordering of a leaf does as well as a split. */
static const double cheap_cut = 50;

typedef struct Dissection {
  const Graph *g;
  const Links *links;
  Separator   *separator;
  NestedPlan  *plan;
  int64_t      leaf_vertices;
  int8_t      *side;         /* (n) */
  int32_t     *part, *spare; /* (n) vertices of all parts, each part's together and ascending */
} Dissection;

static double weighted_degree(const Dissection *d, int32_t i)
{
  double sum = 0;
  for (int64_t k = d->links->start[i]; k < d->links->start[i + 1]; k++) sum += graph_weight(d->g, d->links->edge[k]);
  return sum;
}

/* The grounded vertex, made the cut's if the cut is empty. */
static int32_t choose_ground(Dissection *d, int32_t n_part, const int32_t *part)
{
  int32_t ground = -1;
  double  most   = -1;
  bool    any    = false;
  for (int32_t k = 0; k < n_part && !any; k++) any = d->side[part[k]] == SIDE_CUT;
  for (int32_t k = 0; k < n_part; k++) {
    if (any && d->side[part[k]] != SIDE_CUT) continue;
    const double degree = weighted_degree(d, part[k]);
    if (degree <= most) continue;
    most   = degree;
    ground = part[k];
  }
  d->side[ground] = SIDE_CUT;
  return ground;
}

/* The vertices eliminated at the node, the cut's or, of a leaf, all the part's but the ground; then the boundary. */
static PetscErrorCode fill_vertices(NestedNode *node, const int8_t *side, bool leaf, int32_t n_part, const int32_t *part,
                                    int32_t n_boundary, const int32_t *boundary)
{
  /* The ground is both in the root's cut and its boundary. */
  const int32_t skip = n_boundary > 0 && side[boundary[0]] == SIDE_CUT ? boundary[0] : -1;
  int32_t       n    = 0;

  PetscFunctionBeginUser;
  for (int32_t k = 0; k < n_part; k++) n += (leaf || side[part[k]] == SIDE_CUT) && part[k] != skip;
  node->n_own      = n;
  node->n_boundary = n_boundary;
  PetscCall(PetscMalloc1((size_t)n + (size_t)n_boundary, &node->vertex));
  n = 0;
  for (int32_t k = 0; k < n_part; k++)
    if ((leaf || side[part[k]] == SIDE_CUT) && part[k] != skip) node->vertex[n++] = part[k];
  for (int32_t k = 0; k < n_boundary; k++) node->vertex[n++] = boundary[k];
  PetscFunctionReturn(0);
}

static void set_side(Dissection *d, int32_t n, const int32_t *vertex, int8_t side)
{
  for (int32_t k = 0; k < n; k++) d->side[vertex[k]] = side;
}

/* Splits a part, or tells that a local one stays whole: it is small, its separator is large, or so small that all fronts are, or the sides
 * are too unlike. */
static PetscErrorCode split(Dissection *d, const NestedNode *node, int32_t n_part, const int32_t *part, bool *whole)
{
  const bool local = node->last - node->first == 1;
  double     cut = 0, left = 0;

  PetscFunctionBeginUser;
  *whole = local && n_part < 2 * d->leaf_vertices;
  if (*whole) PetscFunctionReturn(0);
  const double fraction = local ? 0.5 : (node->middle - node->first) / (double)(node->last - node->first);
  PetscCall(separator_find(d->separator, n_part, part, fraction, !local, d->side));
  for (int32_t k = 0; k < n_part; k++) {
    cut += d->side[part[k]] == SIDE_CUT;
    left += d->side[part[k]] == SIDE_LEFT;
  }
  const double least = PetscMin(left, n_part - cut - left);
  *whole             = local && (cut * cut * cut > (double)n_part * n_part || cut * cut * cut < cheap_cut * n_part || 16 * least < n_part);
  if (*whole) set_side(d, n_part, part, SIDE_RIGHT);
  PetscFunctionReturn(0);
}

/* Left vertices first, then right ones, each ascending; those of the cut are no part's any more. */
static void sort_sides(Dissection *d, int32_t n_part, int32_t *part, int32_t count[2])
{
  int32_t left = 0, right = 0;
  for (int32_t k = 0; k < n_part; k++) {
    const int32_t i = part[k];
    if (d->side[i] == SIDE_LEFT)
      part[left++] = i;
    else if (d->side[i] == SIDE_RIGHT)
      d->spare[right++] = i;
    d->side[i] = SIDE_OUTSIDE;
  }
  for (int32_t k = 0; k < right; k++) part[left + k] = d->spare[k];
  count[0] = left;
  count[1] = right;
}

static bool touches_part(const Dissection *d, int32_t i)
{
  for (int64_t k = d->links->start[i]; k < d->links->start[i + 1]; k++)
    if (d->side[d->links->vertex[k]] != SIDE_OUTSIDE) return true;
  return false;
}

/* The child's boundary: those of the parent's vertices that its part touches. */
static PetscErrorCode child_boundary(const Dissection *d, const NestedNode *parent, int32_t *n, int32_t **boundary)
{
  const int32_t end = parent->n_own + parent->n_boundary;

  PetscFunctionBeginUser;
  *n = 0;
  PetscCall(PetscMalloc1((size_t)end, boundary));
  for (int32_t k = 0; k < end; k++)
    if (touches_part(d, parent->vertex[k])) (*boundary)[(*n)++] = parent->vertex[k];
  PetscFunctionReturn(0);
}

static int add_node(NestedPlan *plan, int first, int last)
{
  const int k = plan->n_nodes++;
  plan->node  = mem_realloc(plan->node, (size_t)plan->n_nodes, sizeof *plan->node);
  /* Ranks of a local node are not divided. */
  plan->node[k] = (NestedNode){.first = first, .middle = first + (last - first + 1) / 2, .last = last, .child = {-1, -1}};
  plan->n_shared += last - first > 1;
  return k;
}

/* The subtree of a part; boundary is taken over. On entry the part's sides are not SIDE_OUTSIDE and all others are; on return all are. */
static PetscErrorCode grow(Dissection *d, int first, int last, int32_t n_part, int32_t *part, int32_t n_boundary, int32_t *boundary,
                           int *out)
{
  NestedPlan *plan = d->plan;
  const int   k    = add_node(plan, first, last);
  int32_t     count[2];
  bool        leaf;

  PetscFunctionBeginUser;
  PetscCall(split(d, &plan->node[k], n_part, part, &leaf));
  if (k == 0) boundary[0] = choose_ground(d, n_part, part);
  PetscCall(fill_vertices(&plan->node[k], d->side, leaf, n_part, part, n_boundary, boundary));
  PetscCall(PetscFree(boundary));
  *out = k;
  if (leaf) {
    set_side(d, n_part, part, SIDE_OUTSIDE);
    PetscFunctionReturn(0);
  }
  sort_sides(d, n_part, part, count);
  const int middle = plan->node[k].middle;
  for (int c = 0; c < 2; c++) {
    int32_t *own = part + (c == 0 ? 0 : count[0]), n;
    int      child, from = c == 0 ? first : middle, to = c == 0 ? middle : last;
    if (last - first == 1) to = (from = first) + 1;
    if (plan->rank < from || plan->rank >= to) continue;
    set_side(d, count[c], own, SIDE_RIGHT);
    PetscCall(child_boundary(d, &plan->node[k], &n, &boundary));
    PetscCall(grow(d, from, to, count[c], own, n, boundary, &child));
    plan->node[k].child[c] = child;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode nested_plan_create(int rank, int ranks, const Graph *g, const Links *links, int64_t leaf_vertices, NestedPlan **out)
{
  const size_t n = (size_t)g->n;
  Dissection   d = {.g = g, .links = links, .leaf_vertices = leaf_vertices};
  NestedPlan  *plan;
  int32_t     *boundary;
  int          root;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&plan));
  plan->rank = rank;
  d.plan     = plan;
  PetscCall(separator_create(links, &d.separator));
  PetscCall(PetscMalloc3(n, &d.side, n, &d.part, n, &d.spare));
  for (int32_t i = 0; i < links->n; i++) {
    d.part[i] = i;
    d.side[i] = SIDE_RIGHT;
  }
  PetscCall(PetscMalloc1(1, &boundary));
  PetscCall(grow(&d, 0, ranks, links->n, d.part, 1, boundary, &root));
  PetscCall(PetscFree3(d.side, d.part, d.spare));
  separator_destroy(&d.separator);
  PetscCall(PetscMalloc1(n, &plan->place));
  for (size_t i = 0; i < n; i++) plan->place[i] = -1;
  *out = plan;
  PetscFunctionReturn(0);
}

void nested_plan_destroy(NestedPlan **plan)
{
  if (!plan || !*plan) return;
  for (int k = 0; k < (*plan)->n_nodes; k++) {
    NestedNode *node = &(*plan)->node[k];
    nested_leaf_clear(&node->leaf);
    nested_front_clear(&node->front);
    (void)PetscFree(node->block);
    (void)PetscFree(node->vertex);
  }
  free((*plan)->node);
  (void)PetscFree((*plan)->place);
  (void)PetscFree(*plan);
  *plan = NULL;
}

bool nested_is_leaf(const NestedNode *node) { return node->child[0] < 0 && node->child[1] < 0; }

void nested_plan_enter(NestedPlan *plan, const NestedNode *node)
{
  for (int32_t k = 0; k < node->n_own + node->n_boundary; k++) plan->place[node->vertex[k]] = k;
}

void nested_plan_leave(NestedPlan *plan, const NestedNode *node)
{
  for (int32_t k = 0; k < node->n_own + node->n_boundary; k++) plan->place[node->vertex[k]] = -1;
}
