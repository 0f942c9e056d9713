/* SPDX-License-Identifier: BSD-2-Clause
 * Delaunay triangulation of uniform random points of a square: incremental insertion along a Hilbert curve, the cavity of triangles whose
 * circumcircle contains the new point replaced by a fan (Bowyer 1981, Watson 1981), with a ghost vertex beyond the hull. Coordinates are
 * 30-bit integers, so that both predicates are exact in 64 and 128 bits: nothing depends on rounding, and no configuration needs care.
 * Points are pure functions of (seed, index); one that coincides with an earlier one (probability below 1e-6 at 10^6 points) is drawn anew.
 * The whole triangulation is one slot: it is not distributed. */
#include "generate.h"

#include "rng.h"

#define COORDINATE_BITS 30
#define MOST_NODES INT64_C(100000000) /* 32-bit numbers of triangles; 130 bytes a point */

typedef struct Triangle {
  uint32_t vertex[3]; /* counter-clockwise; `ghost` for the one beyond the hull */
  uint32_t beside[3]; /* the triangle across the edge opposite vertex i */
} Triangle;

typedef struct Side {
  uint32_t a, b, outer; /* an edge of the cavity, and the triangle across */
} Side;

typedef struct Mesh {
  uint32_t  ghost; /* number of points */
  int32_t  *x, *y; /* in the order of insertion */
  uint64_t *index; /* their numbers in the graph */
  Triangle *triangle;
  uint32_t *mark; /* of a triangle: 1 + the last point whose cavity it was found in */
  uint32_t *fan;  /* (points + 1) of a vertex: the new triangle that starts at it */
  uint32_t  n_triangles, recent;
  uint32_t *cavity; /* numbers of its triangles */
  Side     *side;
  size_t    n_cavity, n_sides, room;
} Mesh;

static const int following[3] = {1, 2, 0}, preceding[3] = {2, 0, 1};

/* > 0: p lies to the left of a -> b. */
static int64_t orientation(const Mesh *m, uint32_t a, uint32_t b, uint32_t p)
{
  const int64_t bx = (int64_t)m->x[b] - m->x[a], by = (int64_t)m->y[b] - m->y[a];
  return bx * ((int64_t)m->y[p] - m->y[a]) - by * ((int64_t)m->x[p] - m->x[a]);
}

/* p strictly inside the circle through the counter-clockwise a, b, c: products of 61 and 62 bits, a sum of three. */
static bool in_circle(const Mesh *m, uint32_t a, uint32_t b, uint32_t c, uint32_t p)
{
  const int64_t ax = (int64_t)m->x[a] - m->x[p], ay = (int64_t)m->y[a] - m->y[p], bx = (int64_t)m->x[b] - m->x[p];
  const int64_t by = (int64_t)m->y[b] - m->y[p], cx = (int64_t)m->x[c] - m->x[p], cy = (int64_t)m->y[c] - m->y[p];
  return (__int128)(ax * ax + ay * ay) * (bx * cy - cx * by) + (__int128)(bx * bx + by * by) * (cx * ay - ax * cy) +
             (__int128)(cx * cx + cy * cy) * (ax * by - bx * ay) >
         0;
}

/* Beyond the hull a circle is a half plane, closed by the open edge itself. */
static bool conflicts(const Mesh *m, const Triangle *t, uint32_t p)
{
  for (int i = 0; i < 3; i++) {
    if (t->vertex[i] != m->ghost) continue;
    const uint32_t a = t->vertex[following[i]], b = t->vertex[preceding[i]];
    const int64_t  side = orientation(m, a, b, p);
    if (side != 0) return side > 0;
    const int64_t ax = (int64_t)m->x[a] - m->x[p], ay = (int64_t)m->y[a] - m->y[p];
    return ax * ((int64_t)m->x[b] - m->x[p]) + ay * ((int64_t)m->y[b] - m->y[p]) < 0;
  }
  return in_circle(m, t->vertex[0], t->vertex[1], t->vertex[2], p);
}

/* A triangle in conflict with p: walks from the last one towards p; ends in the triangle of p, or beyond the hull edge it left by. */
static uint32_t locate(const Mesh *m, uint32_t p)
{
  uint32_t t = m->recent;
  for (int i = 0; i < 3; i++)
    if (m->triangle[t].vertex[i] == m->ghost) t = m->triangle[t].beside[i];
  for (bool moved = true; moved;) {
    const Triangle *const here = &m->triangle[t];
    moved                      = false;
    for (int i = 0; i < 3 && !moved; i++) {
      if (here->vertex[i] == m->ghost) return t;
      if (here->vertex[0] == m->ghost || here->vertex[1] == m->ghost || here->vertex[2] == m->ghost) continue;
      if (orientation(m, here->vertex[following[i]], here->vertex[preceding[i]], p) >= 0) continue;
      t     = here->beside[i];
      moved = true;
    }
  }
  return t;
}

static PetscErrorCode reserve_cavity(Mesh *m)
{
  PetscFunctionBeginUser;
  if (m->n_cavity + 4 < m->room && m->n_sides + 4 < m->room) PetscFunctionReturn(0);
  m->room = 2 * m->room + 64;
  PetscCall(PetscRealloc(m->room * sizeof *m->cavity, &m->cavity));
  PetscCall(PetscRealloc(m->room * sizeof *m->side, &m->side));
  PetscFunctionReturn(0);
}

/* All triangles in conflict with p, connected to the first one, and the edges around them. */
static PetscErrorCode find_cavity(Mesh *m, uint32_t first, uint32_t p)
{
  PetscFunctionBeginUser;
  m->n_cavity = m->n_sides = 0;
  PetscCall(reserve_cavity(m));
  m->cavity[m->n_cavity++] = first;
  m->mark[first]           = p + 1;
  for (size_t k = 0; k < m->n_cavity; k++) {
    const Triangle *const t = &m->triangle[m->cavity[k]];
    PetscCall(reserve_cavity(m));
    for (int i = 0; i < 3; i++) {
      const uint32_t next = t->beside[i];
      if (m->mark[next] == p + 1) continue;
      if (conflicts(m, &m->triangle[next], p)) {
        m->mark[next]            = p + 1;
        m->cavity[m->n_cavity++] = next;
      } else {
        m->side[m->n_sides++] = (Side){t->vertex[following[i]], t->vertex[preceding[i]], next};
      }
    }
  }
  PetscFunctionReturn(0);
}

/* A fan around p in place of the cavity: two triangles more than there were. */
static void fill_cavity(Mesh *m, uint32_t p)
{
  for (size_t k = 0; k < m->n_sides; k++) {
    const Side     s      = m->side[k];
    const uint32_t t      = k < m->n_cavity ? m->cavity[k] : m->n_triangles++;
    m->triangle[t]        = (Triangle){{p, s.a, s.b}, {s.outer, 0, 0}};
    m->mark[t]            = 0;
    m->fan[s.a]           = t;
    Triangle *const outer = &m->triangle[s.outer];
    for (int i = 0; i < 3; i++)
      if (outer->vertex[following[i]] == s.b && outer->vertex[preceding[i]] == s.a) outer->beside[i] = t;
  }
  for (size_t k = 0; k < m->n_sides; k++) {
    const uint32_t t = m->fan[m->side[k].a], next = m->fan[m->side[k].b];
    m->triangle[t].beside[1]    = next;
    m->triangle[next].beside[2] = t;
    m->recent                   = t;
  }
}

/* Distance along the Hilbert curve of the 2^30 x 2^30 square; one to one. */
static uint64_t hilbert(uint32_t x, uint32_t y)
{
  uint64_t d = 0;
  for (uint32_t s = UINT32_C(1) << (COORDINATE_BITS - 1); s > 0; s >>= 1) {
    const uint32_t right = (x & s) > 0, up = (y & s) > 0;
    d = d << 2 | ((3 * right) ^ up);
    if (up) continue;
    if (right) {
      x = ~x;
      y = ~y;
    }
    const uint32_t swap = x;
    x                   = y;
    y                   = swap;
  }
  return d;
}

static void draw_site(uint64_t seed, uint64_t index, uint32_t draw, uint32_t *x, uint32_t *y)
{
  uint32_t word[4];
  rng_block(seed, index, draw, RNG_SITE, word);
  *x = word[0] >> (32 - COORDINATE_BITS);
  *y = word[1] >> (32 - COORDINATE_BITS);
}

/* Points in the order of the curve. Coinciding ones have equal places on it: the later one is drawn again. */
static PetscErrorCode place_points(uint64_t seed, Mesh *m)
{
  const uint32_t n = m->ghost;
  uint64_t      *place;
  uint32_t      *draw, x, y;
  bool           again = true;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &place));
  PetscCall(PetscCalloc1(n, &draw));
  while (again) {
    for (uint32_t i = 0; i < n; i++) {
      draw_site(seed, i, draw[i], &x, &y);
      place[i]    = hilbert(x, y);
      m->index[i] = i;
    }
    PetscCall(keys_sort_word(n, place, m->index));
    again = false;
    for (uint32_t i = 1; i < n; i++) {
      if (place[i] != place[i - 1]) continue;
      draw[m->index[i]]++;
      again = true;
    }
  }
  for (uint32_t i = 0; i < n; i++) {
    draw_site(seed, m->index[i], draw[m->index[i]], &x, &y);
    m->x[i] = (int32_t)x;
    m->y[i] = (int32_t)y;
  }
  PetscCall(PetscFree(place));
  PetscCall(PetscFree(draw));
  PetscFunctionReturn(0);
}

/* The triangle of points 0, 1 and third, counter-clockwise, and the three ghosts around it. */
static void start_mesh(Mesh *m, uint32_t third)
{
  const bool     left = orientation(m, 0, 1, third) > 0;
  const uint32_t a = left ? 0 : 1, b = left ? 1 : 0, g = m->ghost;
  m->triangle[0] = (Triangle){{a, b, third}, {1, 2, 3}};
  m->triangle[1] = (Triangle){{third, b, g}, {3, 2, 0}};
  m->triangle[2] = (Triangle){{a, third, g}, {1, 3, 0}};
  m->triangle[3] = (Triangle){{b, a, g}, {2, 1, 0}};
  m->n_triangles = 4;
}

static PetscErrorCode triangulate(Mesh *m)
{
  uint32_t third = 2;

  PetscFunctionBeginUser;
  while (third < m->ghost && orientation(m, 0, 1, third) == 0) third++;
  PetscCheck(third < m->ghost, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "delaunay: all %u points lie on one line: take another seed",
             m->ghost);
  start_mesh(m, third);
  for (uint32_t p = 2; p < m->ghost; p++) {
    if (p == third) continue;
    PetscCall(find_cavity(m, locate(m, p), p));
    fill_cavity(m, p);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode mesh_create(int64_t n, Mesh *m)
{
  PetscFunctionBeginUser;
  *m = (Mesh){.ghost = (uint32_t)n};
  PetscCall(PetscMalloc3((size_t)n, &m->x, (size_t)n, &m->y, (size_t)n, &m->index));
  PetscCall(PetscMalloc2((size_t)n * 2 + 4, &m->triangle, (size_t)n + 1, &m->fan));
  PetscCall(PetscCalloc1((size_t)n * 2 + 4, &m->mark));
  PetscFunctionReturn(0);
}

static void mesh_clear(Mesh *m)
{
  (void)PetscFree3(m->x, m->y, m->index);
  (void)PetscFree2(m->triangle, m->fan);
  (void)PetscFree(m->mark);
  (void)PetscFree(m->cavity);
  (void)PetscFree(m->side);
}

static bool check(const GraphSpec *s, Fault *f)
{
  if (s->nodes >= 3 && s->nodes <= MOST_NODES) return true;
  return fault(f, "nodes", "delaunay: nodes is %lld: 3 to %lld are possible", (long long)s->nodes, (long long)MOST_NODES);
}

/* Euler: at most 3 n - 6, less the edges that the hull has above three. */
static double edges(const GraphSpec *s, double *deviation)
{
  *deviation = 0;
  return 3 * (double)s->nodes - 6;
}

static int64_t one_slot(const GraphSpec *s)
{
  (void)s;
  return 1;
}

/* Every edge lies in two triangles, once in each direction. */
static PetscErrorCode emit(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  Mesh m;

  PetscFunctionBeginUser;
  if (first >= last) PetscFunctionReturn(0);
  PetscCall(mesh_create(s->nodes, &m));
  PetscCall(place_points(s->seed, &m));
  PetscCall(triangulate(&m));
  PetscCall(edge_list_reserve(list, 3 * s->nodes, false));
  for (uint32_t t = 0; t < m.n_triangles; t++) {
    for (int i = 0; i < 3; i++) {
      const uint32_t a = m.triangle[t].vertex[i], b = m.triangle[t].vertex[following[i]];
      if (a < b && b != m.ghost) edge_list_push(list, (int64_t)m.index[a], (int64_t)m.index[b]);
    }
  }
  mesh_clear(&m);
  PetscFunctionReturn(0);
}

const Generator generate_delaunay = {check, nodes_of, edges, one_slot, emit};
