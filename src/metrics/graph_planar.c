/* SPDX-License-Identifier: BSD-2-Clause
 * Planarity (G. Demoucron, Y. Malgrange and R. Pertuiset, Rev. Francaise Rech. Oper. 8 (1964) 33; J. A. Bondy and U. S. R. Murty, Graph
 * Theory with Applications, section 9.8). A graph is planar when all its blocks are. In a block one starts with a cycle, and puts a path
 * through some fragment of what is left into a face that holds all its contacts, the fragments with a single such face first, until all
 * edges are there or a fragment fits nowhere. A fragment is an edge between two vertices that are there already, or a component of the
 * vertices that are not, with the edges to its contacts. It answers yes or no and gives no embedding. */
#include <string.h>

#include "graph_sample.h"

enum { FACES_MAX = 2 * SET_NODES_MAX };

typedef struct Face {
  int      length;
  uint8_t  vertex[SET_NODES_MAX]; /* around it: a simple cycle, since blocks have no cut vertex */
  uint64_t set;
} Face;

typedef struct Drawing {
  const uint64_t *graph; /* adjacency */
  uint64_t        block, placed;
  uint64_t        left[SET_NODES_MAX]; /* edges of the block that are not drawn yet, as adjacency */
  int             faces;
  Face            face[FACES_MAX];
} Drawing;

typedef struct Fragment {
  int      from, to; /* two contacts */
  uint64_t inside;   /* its vertices that are not placed; none: the edge from - to */
} Fragment;

/* A shortest path from `from` to `to` whose inner vertices are in `inside`, not the edge between the two itself unless `inside` is empty;
 * the number of its vertices, 0: none. */
static int path_through(const uint64_t *adjacency, int from, int to, uint64_t inside, uint8_t *path)
{
  uint8_t  before[SET_NODES_MAX], back[SET_NODES_MAX];
  uint64_t seen = 0, front = set_one(from);
  int      i, j, length = 0, last = -1;
  if (!inside) {
    path[0] = (uint8_t)from;
    path[1] = (uint8_t)to;
    return 2;
  }
  while (front && last < 0) {
    uint64_t next = 0;
    EACH_OF(i, some, front)
    {
      if (i != from && adjacency[i] >> to & 1) last = i;
      EACH_OF(j, others, adjacency[i] & inside & ~seen & ~next) before[j] = (uint8_t)i;
      next |= adjacency[i] & inside & ~seen;
    }
    seen |= next;
    front = next;
  }
  if (last < 0) return 0;
  for (back[length++] = (uint8_t)to; last != from; last = before[last]) back[length++] = (uint8_t)last;
  back[length++] = (uint8_t)from;
  for (int k = 0; k < length; k++) path[k] = back[length - 1 - k];
  return length;
}

static void draw_path(Drawing *d, int length, const uint8_t *path)
{
  for (int k = 0; k < length; k++) d->placed |= set_one(path[k]);
  for (int k = 1; k < length; k++) {
    d->left[path[k - 1]] &= ~set_one(path[k]);
    d->left[path[k]] &= ~set_one(path[k - 1]);
  }
}

static void add_vertex(Face *face, uint8_t v)
{
  face->vertex[face->length++] = v;
  face->set |= set_one(v);
}

/* The part of a face from `from` on to `to`, then back along the path between the two (path[0] = from, or, backwards, path[0] = to). */
static Face closed(const Face *face, int from, int to, int length, const uint8_t *path, bool backwards)
{
  Face out = {0};
  int  k   = 0;
  while (face->vertex[k] != from) k++;
  for (; face->vertex[k] != to; k = (k + 1) % face->length) add_vertex(&out, face->vertex[k]);
  add_vertex(&out, (uint8_t)to);
  for (int i = 1; i < length - 1; i++) add_vertex(&out, path[backwards ? i : length - 1 - i]);
  return out;
}

static void split_face(Drawing *d, int which, int length, const uint8_t *path)
{
  const int  from = path[0], to = path[length - 1];
  const Face old      = d->face[which];
  d->face[which]      = closed(&old, from, to, length, path, false);
  d->face[d->faces++] = closed(&old, to, from, length, path, true);
  draw_path(d, length, path);
}

/* Any cycle of the block as both faces. */
static void start(Drawing *d)
{
  uint8_t   path[SET_NODES_MAX];
  const int v = set_first(d->block), w = set_first(d->graph[v] & d->block);
  const int length = path_through(d->left, v, w, d->block & ~set_one(v) & ~set_one(w), path);
  for (int k = 0; k < length; k++) add_vertex(&d->face[0], path[k]);
  d->face[1] = d->face[0];
  d->faces   = 2;
  draw_path(d, length, path);
  draw_path(d, 2, (uint8_t[]){(uint8_t)v, (uint8_t)w});
}

/* Faces that hold all contacts: 0, 1 or 2 (or more); which: the first. */
static int fitting_faces(const Drawing *d, uint64_t contacts, int *which)
{
  int count = 0;
  for (int f = 0; f < d->faces && count < 2; f++)
    if ((contacts & ~d->face[f].set) == 0 && count++ == 0) *which = f;
  return count;
}

/* Takes the fragment for the next one when it has fewer faces than the best so far. False: it has none. */
static bool consider(const Drawing *d, uint64_t contacts, uint64_t inside, int *best, int *which, Fragment *next)
{
  int       face  = 0;
  const int count = fitting_faces(d, contacts, &face);
  if (count < *best) {
    *best  = count;
    *which = face;
    *next  = (Fragment){set_first(contacts), set_first(contacts & (contacts - 1)), inside};
  }
  return count > 0;
}

/* The next fragment and its face. False when some fragment fits nowhere; *best stays 3 when nothing is left. */
static bool next_fragment(const Drawing *d, int *best, int *which, Fragment *next)
{
  int i, j;
  for (uint64_t rest = d->block & ~d->placed, inside; rest; rest &= ~inside) {
    uint64_t contacts = 0;
    inside            = masks_reached(d->graph, rest, set_first(rest));
    EACH_OF(i, some, inside) contacts |= d->graph[i] & d->placed & d->block;
    if (!consider(d, contacts, inside, best, which, next)) return false;
  }
  EACH_OF(i, some, d->placed)
  EACH_OF(j, others, d->left[i] & d->placed & ~set_below(i))
  if (*best > 1 && !consider(d, set_one(i) | set_one(j), 0, best, which, next)) return false;
  return true;
}

/* A block of at least three vertices. */
static bool block_planar(const uint64_t *adjacency, uint64_t block)
{
  Drawing  d = {.graph = adjacency, .block = block};
  Fragment next;
  uint8_t  path[SET_NODES_MAX];
  int      i, edges = 0, which;
  EACH_OF(i, some, block)
  {
    d.left[i] = adjacency[i] & block;
    edges += set_size(d.left[i]);
  }
  if (edges / 2 > 3 * set_size(block) - 6) return false;
  start(&d);
  for (;;) {
    int best = 3;
    if (!next_fragment(&d, &best, &which, &next)) return false;
    if (best == 3) return true;
    const int length = path_through(d.left, next.from, next.to, next.inside, path);
    split_face(&d, which, length, path);
  }
}

/* Depth-first search for blocks (R. Tarjan, SIAM J. Comput. 1 (1972) 146). */
typedef struct Search {
  const uint64_t *adjacency;
  int             time, height;
  int             found[SET_NODES_MAX], low[SET_NODES_MAX]; /* found: 0 not yet */
  uint8_t         stack[SET_NODES_MAX];
} Search;

/* False as soon as a block is not planar. */
static bool visit(Search *s, int v, int parent)
{
  int w;
  s->found[v] = s->low[v] = ++s->time;
  s->stack[s->height++]   = (uint8_t)v;
  EACH_OF(w, left, s->adjacency[v])
  {
    if (s->found[w] && w != parent && s->found[w] < s->low[v]) s->low[v] = s->found[w];
    if (s->found[w]) continue;
    if (!visit(s, w, v)) return false;
    if (s->low[w] < s->low[v]) s->low[v] = s->low[w];
    if (s->low[w] < s->found[v]) continue;
    uint64_t block = set_one(v);
    do block |= set_one(s->stack[--s->height]);
    while (s->stack[s->height] != w);
    if (set_size(block) > 4 && !block_planar(s->adjacency, block)) return false;
  }
  return true;
}

bool graph_planar(int n, const uint64_t *adjacency)
{
  Search search = {.adjacency = adjacency};
  int    edges  = 0;
  for (int i = 0; i < n; i++) edges += set_size(adjacency[i]);
  if (n >= 3 && edges / 2 > 3 * n - 6) return false;
  for (int i = 0; i < n; i++)
    if (!search.found[i] && !visit(&search, i, -1)) return false;
  return true;
}
