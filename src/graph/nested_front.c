/* SPDX-License-Identifier: BSD-2-Clause
 * Inner nodes of the dissection tree as dense fronts (multifrontal: Duff and Reid, ACM TOMS 9 (1983) 302). Up: F = edges of the node + the
 * children's Schur complements, own block F_oo = L L^T, W = F_bo L^-T, Schur complement F_bb - W W^T to the parent. Down, with Z_bb from
 * the parent (Takahashi's recursion, by blocks): X = W L^-1, Z_bo = -Z_bb X, Z_oo = (L L^T)^-1 - X^T Z_bo. The boundary's block is kept
 * apart from the panel (own columns), so that it goes up and comes down without copies. A front is worked on by one process alone. */
#include "resistance_nested.h"

#include <petscblaslapack.h>

enum { STRIP = 128 };

static int64_t order_of(const NestedNode *node) { return node->n_own + node->n_boundary; }

double nested_front_flops(const NestedNode *node)
{
  const double o = node->n_own, b = node->n_boundary;
  return o * o * o + 4 * o * o * b + 3 * o * b * b;
}

double nested_front_bytes(const NestedNode *node)
{
  const double o = node->n_own, b = node->n_boundary;
  return 8 * (o * (o + b) + 2 * b * b + o * b);
}

/* Where column j's entries are, by place: the panel's column, or the boundary block's, moved up so that places index both. */
static double *column_of(const NestedNode *node, int32_t j)
{
  const int64_t o = node->n_own, b = node->n_boundary;
  return j < o ? node->front.panel + j * (o + b) : node->block + (j - o) * b - o;
}

/* Edges between own vertices and from own to boundary: those of the graph whose deeper end is eliminated here. */
static void visit_edges(const Links *links, const NestedPlan *plan, NestedNode *node, bool store)
{
  NestedFront *front = &node->front;
  front->n_edges     = 0;
  for (int32_t o = 0; o < node->n_own; o++) {
    const int32_t i = node->vertex[o];
    for (int64_t k = links->start[i]; k < links->start[i + 1]; k++) {
      const int32_t p = plan->place[links->vertex[k]];
      if (p <= o) continue;
      if (store) {
        front->a[front->n_edges]    = p;
        front->b[front->n_edges]    = o;
        front->edge[front->n_edges] = links->edge[k];
      }
      front->n_edges++;
    }
  }
}

static PetscErrorCode add_edges(const Graph *g, const Links *links, const NestedPlan *plan, NestedNode *node)
{
  NestedFront *front = &node->front;

  PetscFunctionBeginUser;
  visit_edges(links, plan, node, false);
  const size_t m = (size_t)front->n_edges;
  PetscCall(PetscMalloc3(m, &front->a, m, &front->b, m, &front->edge));
  visit_edges(links, plan, node, true);
  for (int64_t e = 0; e < front->n_edges; e++) {
    const int32_t a = front->a[e], b = front->b[e];
    const double  w = graph_weight(g, front->edge[e]);
    column_of(node, a)[a] += w;
    column_of(node, b)[b] += w;
    column_of(node, b)[a] -= w;
  }
  PetscFunctionReturn(0);
}

/* Adds the lower triangle of a child's Schur complement and frees it. Places ascend, so the triangle stays one. */
static PetscErrorCode add_child(const NestedPlan *plan, NestedNode *node, NestedSchur *schur, NestedChild *child)
{
  const int32_t n = child->n = schur->n;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)n, &child->place));
  for (int32_t k = 0; k < n; k++) child->place[k] = plan->place[schur->vertex[k]];
  for (int32_t j = 0; j < n; j++) {
    double       *to   = column_of(node, child->place[j]);
    const double *from = schur->block + (int64_t)j * n;
    for (int32_t i = j; i < n; i++) to[child->place[i]] += from[i];
  }
  PetscCall(PetscFree(schur->block));
  PetscFunctionReturn(0);
}

PetscErrorCode nested_balance(int64_t n, double *schur)
{
  double *sum;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)n, &sum));
  for (int64_t j = 0; j < n; j++) {
    double below = 0;
    for (int64_t i = j + 1; i < n; i++) {
      below += schur[i + j * n];
      sum[i] += schur[i + j * n];
    }
    sum[j] += below;
  }
  for (int64_t j = 0; j < n; j++) schur[j * (n + 1)] = -sum[j];
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}

static PetscErrorCode factor(NestedNode *node, int *failed)
{
  const double one = 1, minus = -1;
  PetscBLASInt n, o, b, info = 0;
  double      *panel = node->front.panel, *w = panel + node->n_own;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast((PetscInt)order_of(node), &n));
  o = node->n_own;
  b = node->n_boundary;
  if (o == 0) PetscFunctionReturn(0);
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("L", &o, panel, &n, &info));
  if (info != 0) *failed = 1;
  if (b == 0 || *failed) PetscFunctionReturn(0);
  PetscCallBLAS("BLAStrsm", BLAStrsm_("R", "L", "T", "N", &b, &o, &one, panel, &n, w, &n));
  PetscCallBLAS("BLASsyrk", BLASsyrk_("L", "N", &b, &o, &minus, w, &n, &one, node->block, &b));
  PetscCall(nested_balance(b, node->block));
  PetscFunctionReturn(0);
}

PetscErrorCode nested_front_factor(const Graph *g, const Links *links, NestedPlan *plan, NestedNode *node, NestedSchur child[2],
                                   int *failed)
{
  const size_t n = (size_t)order_of(node), o = (size_t)node->n_own, b = (size_t)node->n_boundary;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(n * o, &node->front.panel));
  PetscCall(PetscCalloc1(b * b, &node->block));
  nested_plan_enter(plan, node);
  for (int c = 0; c < 2; c++) PetscCall(add_child(plan, node, &child[c], &node->front.child[c]));
  PetscCall(add_edges(g, links, plan, node));
  nested_plan_leave(plan, node);
  PetscCall(factor(node, failed));
  PetscFunctionReturn(0);
}

/* The lower triangle of Z_oo -= X^T Z_bo, strip by strip of columns; X in the panel, z_bo (b, o). */
static void subtract_product(double *panel, PetscBLASInt n, PetscBLASInt o, PetscBLASInt b, const double *z_bo)
{
  const double  one = 1, minus = -1;
  const double *x = panel + o;
  for (PetscBLASInt j = 0; j < o; j += STRIP) {
    const PetscBLASInt columns = PetscMin(STRIP, o - j), rows = o - j;
    BLASgemm_("T", "N", &rows, &columns, &b, &minus, x + (int64_t)j * n, &n, z_bo + (int64_t)j * b, &b, &one, panel + j + (int64_t)j * n,
              &n);
  }
}

static PetscErrorCode invert(NestedNode *node)
{
  const double one = 1, minus = -1, zero = 0;
  PetscBLASInt n = (PetscBLASInt)order_of(node), o = node->n_own, b = node->n_boundary, info = 0;
  double      *panel = node->front.panel, *w = panel + o, *z_bo;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)b * (size_t)o, &z_bo));
  if (b > 0) {
    PetscCallBLAS("BLAStrsm", BLAStrsm_("R", "L", "N", "N", &b, &o, &one, panel, &n, w, &n));
    PetscCallBLAS("BLASsymm", BLASsymm_("L", "L", &b, &o, &minus, node->block, &b, w, &n, &zero, z_bo, &b));
  }
  PetscCallBLAS("LAPACKpotri", LAPACKpotri_("L", &o, panel, &n, &info));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "dpotri of a front of order %d: info = %d", (int)o, (int)info);
  if (b > 0) {
    subtract_product(panel, n, o, b, z_bo);
    for (int64_t j = 0; j < o; j++) PetscCall(PetscArraycpy(w + j * n, z_bo + j * b, (size_t)b));
  }
  PetscCall(PetscFree(z_bo));
  PetscFunctionReturn(0);
}

PetscErrorCode nested_front_invert(NestedNode *node, double *resistance)
{
  const NestedFront *front = &node->front;

  PetscFunctionBeginUser;
  if (node->n_own > 0) PetscCall(invert(node));
  for (int64_t e = 0; e < front->n_edges; e++) {
    const int32_t a = front->a[e], b = front->b[e];
    resistance[front->edge[e]] = column_of(node, a)[a] + column_of(node, b)[b] - 2 * column_of(node, b)[a];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode nested_front_block(const NestedNode *node, int c, double **block)
{
  const NestedChild *child = &node->front.child[c];
  const int64_t      n     = child->n;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)(n * n), block));
  for (int64_t j = 0; j < n; j++) {
    const double *from = column_of(node, child->place[j]);
    double       *to   = *block + j * n;
    for (int64_t i = j; i < n; i++) to[i] = from[child->place[i]];
  }
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < j; i++) (*block)[i + j * n] = (*block)[j + i * n];
  PetscFunctionReturn(0);
}

void nested_front_clear(NestedFront *front)
{
  (void)PetscFree(front->panel);
  for (int c = 0; c < 2; c++) (void)PetscFree(front->child[c].place);
  (void)PetscFree3(front->a, front->b, front->edge);
  *front = (NestedFront){0};
}
