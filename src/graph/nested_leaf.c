/* SPDX-License-Identifier: BSD-2-Clause
 * A leaf of the dissection tree: the edges with an end in its interior, on interior and boundary, as sparse columns, eliminated and
 * inverted by supernodal.h. */
#include "resistance_nested.h"

/* Visits the entries below the diagonal row by row, so that every column's rows come out ascending; count: only counts them in start[]. */
static void visit(const Graph *g, const Links *links, const NestedPlan *plan, const NestedNode *node, bool count, int64_t *fill,
                  NestedLeaf *leaf)
{
  for (int32_t r = 0; r < node->n_own + node->n_boundary; r++) {
    const int32_t i = node->vertex[r];
    for (int64_t k = links->start[i]; k < links->start[i + 1]; k++) {
      const int32_t c = plan->place[links->vertex[k]];
      if (c < 0 || c >= r || c >= node->n_own) continue;
      if (count) {
        leaf->start[c + 1]++;
        continue;
      }
      const double  w = graph_weight(g, links->edge[k]);
      const int64_t e = fill[c]++;
      leaf->row[e]    = r;
      leaf->value[e]  = -w;
      leaf->edge[e]   = links->edge[k];
      leaf->value[leaf->start[c]] += w;
      leaf->value[leaf->start[r]] += w;
    }
  }
}

static PetscErrorCode build(const Graph *g, const Links *links, NestedPlan *plan, const NestedNode *node, NestedLeaf *leaf)
{
  const int64_t n = node->n_own + node->n_boundary;
  int64_t      *fill;

  PetscFunctionBeginUser;
  leaf->n = n;
  PetscCall(PetscCalloc1((size_t)n + 1, &leaf->start));
  PetscCall(PetscMalloc1((size_t)n, &fill));
  nested_plan_enter(plan, node);
  visit(g, links, plan, node, true, NULL, leaf);
  for (int64_t c = 0; c < n; c++) leaf->start[c + 1] += leaf->start[c] + 1;
  leaf->entries = leaf->start[n];
  PetscCall(PetscMalloc3((size_t)leaf->entries, &leaf->row, (size_t)leaf->entries, &leaf->value, (size_t)leaf->entries, &leaf->edge));
  for (int64_t c = 0; c < n; c++) {
    fill[c]                     = leaf->start[c] + 1;
    leaf->row[leaf->start[c]]   = c;
    leaf->value[leaf->start[c]] = 0;
    leaf->edge[leaf->start[c]]  = -1;
  }
  visit(g, links, plan, node, false, fill, leaf);
  nested_plan_leave(plan, node);
  PetscCall(PetscFree(fill));
  PetscFunctionReturn(0);
}

PetscErrorCode nested_leaf_analyze(const Graph *g, const Links *links, NestedPlan *plan, NestedNode *node)
{
  NestedLeaf *leaf = &node->leaf;

  PetscFunctionBeginUser;
  if (node->n_own == 0) PetscFunctionReturn(0);
  PetscCall(build(g, links, plan, node, leaf));
  PetscCall(supernodal_analyze(leaf->n, leaf->start, leaf->row, node->n_boundary, &leaf->matrix));
  PetscFunctionReturn(0);
}

PetscErrorCode nested_leaf_factor(NestedNode *node, const Watch *watch, int *failed)
{
  const int64_t b      = node->n_boundary;
  int64_t       column = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)(b * b), &node->block));
  if (node->n_own == 0) PetscFunctionReturn(0);
  PetscCall(supernodal_factor_laplacian(node->leaf.matrix, node->leaf.value, NULL, watch, &column));
  if (column != 0) *failed = 1;
  if (*failed) PetscFunctionReturn(0);
  PetscCall(supernodal_schur(node->leaf.matrix, node->block));
  PetscCall(nested_balance(b, node->block));
  PetscFunctionReturn(0);
}

/* R = Z_uu + Z_vv - 2 Z_uv of the leaf's edges: all entries of its matrix are on the pattern, and the diagonal's are among them. */
static PetscErrorCode read(const NestedLeaf *leaf, double *resistance)
{
  int64_t *column;
  double  *z;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)leaf->entries, &column, (size_t)leaf->entries, &z));
  for (int64_t c = 0; c < leaf->n; c++)
    for (int64_t k = leaf->start[c]; k < leaf->start[c + 1]; k++) column[k] = c;
  PetscCall(supernodal_entries_of(leaf->matrix, leaf->entries, leaf->row, column, z));
  for (int64_t k = 0; k < leaf->entries; k++)
    if (leaf->edge[k] >= 0) resistance[leaf->edge[k]] = z[leaf->start[column[k]]] + z[leaf->start[leaf->row[k]]] - 2 * z[k];
  PetscCall(PetscFree2(column, z));
  PetscFunctionReturn(0);
}

PetscErrorCode nested_leaf_invert(NestedNode *node, const Watch *watch, double *resistance)
{
  PetscFunctionBeginUser;
  if (node->n_own > 0) {
    PetscCall(supernodal_invert(node->leaf.matrix, node->block, watch));
    PetscCall(read(&node->leaf, resistance));
  }
  nested_leaf_clear(&node->leaf);
  PetscCall(PetscFree(node->block));
  PetscFunctionReturn(0);
}

void nested_leaf_clear(NestedLeaf *leaf)
{
  if (leaf->matrix) supernodal_destroy(&leaf->matrix);
  (void)PetscFree(leaf->start);
  (void)PetscFree3(leaf->row, leaf->value, leaf->edge);
  *leaf = (NestedLeaf){0};
}
