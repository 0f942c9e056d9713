/* SPDX-License-Identifier: BSD-2-Clause
 * Random geometric graph: `nodes` uniform points of the unit square, joined when they are nearer than the radius r with
 * (n - 1) pi r^2 = degree, the mean number of neighbours of a vertex far from the boundary. Vertices within r of a side have fewer, so the
 * mean over all vertices is about degree (1 - 8 r / (3 pi)); it is not corrected.
 * Points are pure functions of (seed, index). Cells of side >= r; a slot is a row of cells, and looks at itself and the row above. */
#include "generate.h"

#include <math.h>

#include "rng.h"

typedef struct Cells {
  int64_t  side;          /* cells a side of the square */
  int64_t  first, rows;   /* rows of cells held here */
  int64_t *start, *point; /* (rows side + 1); points by cell */
  double  *x, *y;         /* the same order as point */
} Cells;

static double radius(const GraphSpec *s) { return s->nodes > 1 ? sqrt(s->degree / ((double)(s->nodes - 1) * 3.14159265358979323846)) : 0; }

static int64_t side_of(const GraphSpec *s)
{
  const double by_radius = radius(s) > 0 ? floor(1.0 / radius(s)) : INFINITY, by_count = ceil(sqrt((double)s->nodes));
  const double side = by_radius < by_count ? by_radius : by_count;
  return side < 1 ? 1 : (int64_t)side;
}

static bool check(const GraphSpec *s, Fault *f)
{
  if (!check_nodes(s, 1, f)) return false;
  if (s->degree >= 0 && s->degree <= (double)(s->nodes - 1)) return true;
  return fault(f, "degree", "geometric: degree is %g: 0 to nodes - 1 = %lld are possible", s->degree, (long long)s->nodes - 1);
}

/* The boundary only takes edges away; neighbouring pairs are not independent, hence the doubled deviation. */
static double edges(const GraphSpec *s, double *deviation)
{
  const double mean = (double)s->nodes * s->degree / 2;
  *deviation        = 2 * sqrt(mean);
  return mean;
}

static void draw_point(uint64_t seed, int64_t i, double *x, double *y)
{
  uint32_t word[4];
  rng_block(seed, (uint64_t)i, 0, RNG_POINT, word);
  *x = ((double)(((uint64_t)word[1] << 32 | word[0]) >> 12) + 0.5) * 0x1p-52;
  *y = ((double)(((uint64_t)word[3] << 32 | word[2]) >> 12) + 0.5) * 0x1p-52;
}

/* Cell of point i among those held, or -1. */
static int64_t cell_of(const Cells *c, double x, double y)
{
  const int64_t column = (int64_t)(x * (double)c->side), row = (int64_t)(y * (double)c->side) - c->first;
  return row >= 0 && row < c->rows ? row * c->side + column : -1;
}

/* Counting sort of the points in the rows held. All points are drawn, twice: cheaper than keeping those of other ranks. */
static PetscErrorCode fill_cells(const GraphSpec *s, Cells *c)
{
  double x, y;

  PetscFunctionBeginUser;
  const int64_t n_cells = c->rows * c->side;
  PetscCall(PetscCalloc1((size_t)n_cells + 2, &c->start));
  for (int64_t i = 0; i < s->nodes; i++) {
    draw_point(s->seed, i, &x, &y);
    c->start[cell_of(c, x, y) + 2]++; /* of cells elsewhere: start[1], cleared below */
  }
  c->start[1] = 0;
  for (int64_t k = 1; k <= n_cells; k++) c->start[k + 1] += c->start[k];
  const size_t held = (size_t)c->start[n_cells + 1];
  PetscCall(PetscMalloc3(held, &c->point, held, &c->x, held, &c->y));
  for (int64_t i = 0; i < s->nodes; i++) {
    draw_point(s->seed, i, &x, &y);
    const int64_t cell = cell_of(c, x, y);
    if (cell < 0) continue;
    const int64_t k = c->start[cell + 1]++;
    c->point[k]     = i;
    c->x[k]         = x;
    c->y[k]         = y;
  }
  PetscFunctionReturn(0);
}

/* Pairs of a point k with points from .. to - 1. */
static PetscErrorCode join(const Cells *c, double square, int64_t k, int64_t from, int64_t to, EdgeList *list)
{
  PetscFunctionBeginUser;
  PetscCall(edge_list_reserve(list, to > from ? to - from : 0, false));
  for (int64_t j = from; j < to; j++) {
    const double dx = c->x[j] - c->x[k], dy = c->y[j] - c->y[k];
    if (dx * dx + dy * dy <= square) edge_list_push(list, c->point[k], c->point[j]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode emit(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  Cells c = {.side = side_of(s), .first = first};

  PetscFunctionBeginUser;
  if (first >= last) PetscFunctionReturn(0);
  c.rows = (last < c.side ? last + 1 : last) - first;
  PetscCall(fill_cells(s, &c));
  const double square = radius(s) * radius(s);
  for (int64_t cell = 0; cell < (last - first) * c.side; cell++) {
    const int64_t column = cell % c.side, end = column + 1 < c.side ? cell + 2 : cell + 1; /* this cell and its right neighbour */
    const int64_t below = cell + c.side - (column > 0), beyond = end + c.side;
    for (int64_t k = c.start[cell]; k < c.start[cell + 1]; k++) {
      PetscCall(join(&c, square, k, k + 1, c.start[end], list));
      if (cell + c.side < c.rows * c.side) PetscCall(join(&c, square, k, c.start[below], c.start[beyond], list));
    }
  }
  PetscCall(PetscFree(c.start));
  PetscCall(PetscFree3(c.point, c.x, c.y));
  PetscFunctionReturn(0);
}

const Generator generate_geometric = {check, nodes_of, edges, side_of, emit};
