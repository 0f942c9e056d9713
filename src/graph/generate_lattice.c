/* SPDX-License-Identifier: BSD-2-Clause
 * Deterministic graphs with closed forms: path, cycle, complete graph, hypercube, grids and the torus. A slot is a vertex and emits the
 * edges to larger vertices (cycle and torus: to its successors, of which the last one is the first). Vertices of grids are numbered
 * row by row: x + width (y + height z). */
#include "generate.h"

static bool within(const GraphSpec *s, const char *field, int64_t value, int64_t least, int64_t most, Fault *f)
{
  if (value >= least && value <= most) return true;
  return fault(f, field, "%s: %s is %lld: %lld to %lld are possible", graph_kind_names[s->kind], field, (long long)value, (long long)least,
               (long long)most);
}

static bool check_path(const GraphSpec *s, Fault *f) { return check_nodes(s, 1, f); }
static bool check_cycle(const GraphSpec *s, Fault *f) { return check_nodes(s, 3, f); }

static double path_edges(const GraphSpec *s, double *deviation)
{
  *deviation = 0;
  return (double)s->nodes - 1;
}

static double cycle_edges(const GraphSpec *s, double *deviation)
{
  *deviation = 0;
  return (double)s->nodes;
}

static double complete_edges(const GraphSpec *s, double *deviation)
{
  *deviation = 0;
  return (double)s->nodes * ((double)s->nodes - 1) / 2;
}

static PetscErrorCode emit_path(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  PetscFunctionBeginUser;
  PetscCall(edge_list_reserve(list, last - first, false));
  for (int64_t i = first; i < last && i + 1 < s->nodes; i++) edge_list_push(list, i, i + 1);
  PetscFunctionReturn(0);
}

static PetscErrorCode emit_cycle(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  PetscFunctionBeginUser;
  PetscCall(edge_list_reserve(list, last - first, false));
  for (int64_t i = first; i < last; i++) edge_list_push(list, i, i + 1 < s->nodes ? i + 1 : 0);
  PetscFunctionReturn(0);
}

static PetscErrorCode emit_complete(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  PetscFunctionBeginUser;
  for (int64_t i = first; i < last; i++) {
    PetscCall(edge_list_reserve(list, s->nodes - 1 - i, false));
    for (int64_t j = i + 1; j < s->nodes; j++) edge_list_push(list, i, j);
  }
  PetscFunctionReturn(0);
}

const Generator generate_path     = {check_path, nodes_of, path_edges, nodes_of, emit_path};
const Generator generate_cycle    = {check_cycle, nodes_of, cycle_edges, nodes_of, emit_cycle};
const Generator generate_complete = {check_path, nodes_of, complete_edges, nodes_of, emit_complete};

static bool    check_hypercube(const GraphSpec *s, Fault *f) { return within(s, "dimension", s->dimension, 0, 32, f); }
static int64_t hypercube_vertices(const GraphSpec *s) { return INT64_C(1) << s->dimension; }

static double hypercube_edges(const GraphSpec *s, double *deviation)
{
  *deviation = 0;
  return (double)s->dimension * (double)hypercube_vertices(s) / 2;
}

static PetscErrorCode emit_hypercube(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  PetscFunctionBeginUser;
  PetscCall(edge_list_reserve(list, (last - first) * s->dimension, false));
  for (int64_t i = first; i < last; i++)
    for (int64_t bit = 0; bit < s->dimension; bit++)
      if (!(i >> bit & 1)) edge_list_push(list, i, i | INT64_C(1) << bit);
  PetscFunctionReturn(0);
}

const Generator generate_hypercube = {check_hypercube, hypercube_vertices, hypercube_edges, hypercube_vertices, emit_hypercube};

/* All three sides at least `least`, and no more vertices than a list holds. */
static bool check_sides(const GraphSpec *s, int64_t least, bool deep, Fault *f)
{
  if (!within(s, "width", s->width, least, EDGE_LIST_VERTICES, f)) return false;
  if (!within(s, "height", s->height, least, EDGE_LIST_VERTICES / s->width, f)) return false;
  return !deep || within(s, "depth", s->depth, least, EDGE_LIST_VERTICES / s->width / s->height, f);
}

static bool    check_grid_2d(const GraphSpec *s, Fault *f) { return check_sides(s, 1, false, f); }
static bool    check_grid_3d(const GraphSpec *s, Fault *f) { return check_sides(s, 1, true, f); }
static bool    check_torus(const GraphSpec *s, Fault *f) { return check_sides(s, 3, false, f); }
static int64_t grid_2d_vertices(const GraphSpec *s) { return s->width * s->height; }
static int64_t grid_3d_vertices(const GraphSpec *s) { return s->width * s->height * s->depth; }

static double count_grid(int64_t width, int64_t height, int64_t depth)
{
  const double w = (double)width, h = (double)height, d = (double)depth;
  return (w - 1) * h * d + w * (h - 1) * d + w * h * (d - 1);
}

static double grid_2d_edges(const GraphSpec *s, double *deviation)
{
  *deviation = 0;
  return count_grid(s->width, s->height, 1);
}

static double grid_3d_edges(const GraphSpec *s, double *deviation)
{
  *deviation = 0;
  return count_grid(s->width, s->height, s->depth);
}

static double torus_edges(const GraphSpec *s, double *deviation)
{
  *deviation = 0;
  return 2 * (double)s->width * (double)s->height;
}

static PetscErrorCode emit_box(int64_t width, int64_t height, int64_t depth, int64_t first, int64_t last, EdgeList *list)
{
  PetscFunctionBeginUser;
  PetscCall(edge_list_reserve(list, 3 * (last - first), false));
  int64_t x = first % width, y = first / width % height, z = first / width / height;
  for (int64_t i = first; i < last; i++) {
    if (x + 1 < width) edge_list_push(list, i, i + 1);
    if (y + 1 < height) edge_list_push(list, i, i + width);
    if (z + 1 < depth) edge_list_push(list, i, i + width * height);
    if (++x < width) continue;
    x = 0;
    if (++y < height) continue;
    y = 0;
    z++;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode emit_grid_2d(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  return emit_box(s->width, s->height, 1, first, last, list);
}

static PetscErrorCode emit_grid_3d(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  return emit_box(s->width, s->height, s->depth, first, last, list);
}

static PetscErrorCode emit_torus(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  PetscFunctionBeginUser;
  PetscCall(edge_list_reserve(list, 2 * (last - first), false));
  for (int64_t i = first; i < last; i++) {
    const int64_t x = i % s->width, y = i / s->width;
    edge_list_push(list, i, x + 1 < s->width ? i + 1 : i - x);
    edge_list_push(list, i, y + 1 < s->height ? i + s->width : x);
  }
  PetscFunctionReturn(0);
}

const Generator generate_grid_2d = {check_grid_2d, grid_2d_vertices, grid_2d_edges, grid_2d_vertices, emit_grid_2d};
const Generator generate_grid_3d = {check_grid_3d, grid_3d_vertices, grid_3d_edges, grid_3d_vertices, emit_grid_3d};
const Generator generate_torus   = {check_torus, grid_2d_vertices, torus_edges, grid_2d_vertices, emit_torus};
