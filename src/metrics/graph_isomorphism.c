/* SPDX-License-Identifier: BSD-2-Clause
 * Exact isomorphism of small graphs with vertex and edge classes. Colour refinement (B. Weisfeiler and A. Leman, 1968) to an equitable
 * partition; where two graphs have the same one, individualisation and refinement (B. D. McKay, Congr. Numer. 30 (1981) 45): one vertex of
 * a cell of the first graph against all of the same cell of the second.
 *
 * What keeps it from exploding where there is much symmetry: between two cells of an equitable partition let the commonest class of pairs
 * be the background. Parts of the graph that only background joins are independent of each other, so they are matched one by one, and
 * greedily: isomorphism is an equivalence, a wrong partner does not exist. Cycles, cliques with missing edges, copies of anything and
 * their complements come apart this way; what is left to backtracking is each connected piece of its own. There, cells are first split by
 * what a vertex has in common with every other one (this tells most strongly regular graphs apart), and a candidate is not looked at when
 * an automorphism makes it of one that has failed. There is no canonical form. */
#include "graph_isomorphism.h"

#include <string.h>

enum { SMALL = 8, FAILED_MAX = 4 };
enum { QUEUE_MAX = 4 * SET_NODES_MAX }; /* at most n cells to begin with, and 2 (n - 1) pieces of splits */

static uint64_t mix(uint64_t trace, uint64_t value)
{
  trace = (trace ^ value) * 0x9e3779b97f4a7c15;
  return trace ^ trace >> 29;
}

typedef struct Queue {
  int      first, end;
  uint64_t set[QUEUE_MAX];
} Queue;

/* Splits cell k by the number of links of every vertex into `splitter`, ascending; pieces after the first go to the end. */
static void split(const uint64_t *link, uint64_t splitter, int k, Cells *cells, Queue *queue, uint64_t *trace)
{
  uint64_t with[SET_NODES_MAX + 1], counts = 0; /* with[c] is set when bit c of counts is; c <= 63, there are no loops */
  int      i, c;
  EACH_OF(i, left, cells->cell[k])
  {
    c       = set_size(link[i] & splitter);
    with[c] = set_one(i) | (counts >> c & 1 ? with[c] : 0);
    counts |= set_one(c);
  }
  *trace = mix(*trace, counts);
  if ((counts & (counts - 1)) == 0) return;
  cells->cell[k] = with[set_first(counts)];
  EACH_OF(c, left, counts)
  {
    *trace                   = mix(*trace, (uint64_t)(k * 64 + set_size(with[c])));
    queue->set[queue->end++] = with[c];
    if (with[c] != cells->cell[k]) cells->cell[cells->count++] = with[c];
  }
}

/* Until every two vertices of a cell have equally many links of each class into every cell, with the queue as first splitters. Returns a
 * hash of what happened, equal for isomorphic inputs. */
static uint64_t refine(const ColouredGraph *g, Cells *cells, Queue *queue)
{
  uint64_t trace = (uint64_t)cells->count;
  while (queue->first < queue->end) {
    const uint64_t splitter = queue->set[queue->first++];
    for (int c = 1; c < g->classes; c++) {
      const int count = cells->count;
      for (int k = 0; k < count; k++)
        if (cells->cell[k] & (cells->cell[k] - 1)) split(g->link[c], splitter, k, cells, queue, &trace);
    }
  }
  return mix(trace, (uint64_t)cells->count);
}

/* Cells of vertex classes, ascending. */
static uint64_t start_cells(int n, const uint8_t *node, Cells *cells)
{
  uint64_t of_class[256] = {0}, trace = (uint64_t)n;
  cells->count = 0;
  for (int i = 0; i < n; i++) of_class[node ? node[i] : 0] |= set_one(i);
  for (uint64_t c = 0; c < 256; c++)
    if (of_class[c]) {
      trace                       = mix(trace, c * 128 + (uint64_t)set_size(of_class[c]));
      cells->cell[cells->count++] = of_class[c];
    }
  return trace;
}

/* Do both equitable partitions have cells of the same sizes with the same numbers of links between them? When all cells are single
 * vertices, this says that cell k -> cell k is an isomorphism. */
static bool same_quotient(const ColouredGraph *g, const Cells *p, const ColouredGraph *h, const Cells *q)
{
  if (p->count != q->count) return false;
  for (int k = 0; k < p->count; k++) {
    const int v = set_first(p->cell[k]), w = set_first(q->cell[k]);
    if (set_size(p->cell[k]) != set_size(q->cell[k])) return false;
    for (int c = 1; c < g->classes; c++)
      for (int l = 0; l < p->count; l++)
        if (set_size(g->link[c][v] & p->cell[l]) != set_size(h->link[c][w] & q->cell[l])) return false;
  }
  return true;
}

/* The commonest class of the pairs between (a vertex of) cell k and cell l, the smallest of several. */
static int background(const ColouredGraph *g, const Cells *p, int k, int l)
{
  const int v    = set_first(p->cell[k]);
  int       best = 0, most, none = set_size(p->cell[l]) - (k == l), count[SET_CLASSES_MAX];
  for (int c = 1; c < g->classes; c++) none -= count[c] = set_size(g->link[c][v] & p->cell[l]);
  most = none;
  for (int c = 1; c < g->classes; c++)
    if (count[c] > most) {
      most = count[c];
      best = c;
    }
  return best;
}

/* bond[i]: vertices that a pair of another class than the background joins to i. Returns the vertices that have bonds: whole cells. */
static uint64_t bonds(const ColouredGraph *g, const Cells *p, uint64_t bond[SET_NODES_MAX])
{
  uint64_t bonded = 0;
  int      i;
  memset(bond, 0, SET_NODES_MAX * sizeof *bond);
  for (int k = 0; k < p->count; k++) {
    for (int l = 0; l < p->count; l++) {
      const int usual = background(g, p, k, l);
      EACH_OF(i, left, p->cell[k])
      {
        uint64_t same = 0;
        for (int c = 1; c < g->classes; c++) same |= g->link[c][i];
        same = usual ? g->link[usual][i] : ~same;
        bond[i] |= p->cell[l] & ~same & ~set_one(i);
      }
    }
    EACH_OF(i, left, p->cell[k]) bonded |= bond[i] ? set_one(i) : 0;
  }
  return bonded;
}

/* The number of vertices of the largest set that bonds join. */
static int largest_piece(uint64_t bonded, const uint64_t *bond)
{
  int largest = 0;
  for (uint64_t piece; bonded; bonded &= ~piece) {
    piece = masks_reached(bond, bonded, set_first(bonded));
    if (set_size(piece) > largest) largest = set_size(piece);
  }
  return largest;
}

/* value[i] of vertices i of `set`: what bond, common neighbours and bonds among these i has with each j of every cell; sums, so that the
 * order of vertices does not matter. */
static void values_of_pairs(const Cells *p, const uint64_t *bond, uint64_t set, uint64_t *value)
{
  int cell_of[SET_NODES_MAX], i, j, l;
  for (int k = 0; k < p->count; k++) EACH_OF(i, left, p->cell[k]) cell_of[i] = k;
  EACH_OF(i, left, set) value[i] = 0;
  EACH_OF(i, rows, set)
  EACH_OF(j, columns, set & set_below(i))
  {
    const uint64_t common = bond[i] & bond[j] & set;
    int            inside = 0;
    EACH_OF(l, left, common) inside += set_size(bond[l] & common);
    const uint64_t pair = mix((uint64_t)(bond[i] >> j & 1), (uint64_t)(inside * 64 + set_size(common)));
    value[i] += mix(pair, (uint64_t)cell_of[j]);
    value[j] += mix(pair, (uint64_t)cell_of[i]);
  }
}

/* Splits cells by a value of their vertices, ascending. */
static void split_by(const uint64_t *value, uint64_t set, Cells *cells, Queue *queue, uint64_t *trace)
{
  const int count = cells->count;
  int       i;
  for (int k = 0; k < count; k++) {
    const uint64_t all = cells->cell[k] & set;
    for (uint64_t rest = all, piece = 0; rest; rest &= ~piece) {
      uint64_t least                                     = UINT64_MAX;
      EACH_OF(i, left, rest) if (value[i] < least) least = value[i];
      piece                                              = 0;
      EACH_OF(i, left, rest) if (value[i] == least) piece |= set_one(i);
      *trace = mix(mix(*trace, least), (uint64_t)set_size(piece));
      if (piece == all) break;
      queue->set[queue->end++] = piece;
      if (rest == all)
        cells->cell[k] = piece;
      else
        cells->cell[cells->count++] = piece;
    }
  }
}

static uint64_t individualise(const ColouredGraph *g, Cells *p, int k, int v)
{
  Queue queue         = {.end = 1, .set = {set_one(v)}};
  p->cell[p->count++] = p->cell[k] & ~set_one(v);
  p->cell[k]          = set_one(v);
  return refine(g, p, &queue);
}

/* value[i]: what individualising i would do. */
static void values_of_single(const ColouredGraph *g, const Cells *p, uint64_t set, uint64_t *value)
{
  int i;
  for (int k = 0; k < p->count; k++) EACH_OF(i, left, p->cell[k] & set)
    {
      Cells single = *p;
      value[i]     = individualise(g, &single, k, i);
    }
}

/* Splits the cells inside `set` (whole cells) by an invariant of vertices that colour refinement does not see, and refines. */
static uint64_t sharpen(const ColouredGraph *g, Cells *p, const uint64_t *bond, uint64_t set, bool by_single)
{
  uint64_t value[SET_NODES_MAX], trace = 0;
  Queue    queue = {0};
  if (by_single)
    values_of_single(g, p, set, value);
  else
    values_of_pairs(p, bond, set, value);
  split_by(value, set, p, &queue, &trace);
  return mix(trace, refine(g, p, &queue));
}

/* Where much is left to the search, invariants that cost more, so that fewer graphs have one hash. */
static void sharpen_hash(ColouredGraph *g)
{
  uint64_t bond[SET_NODES_MAX];
  for (int by_single = 0; by_single < 2; by_single++) {
    const uint64_t bonded = bonds(g, &g->cells, bond);
    if (largest_piece(bonded, bond) <= SMALL) return;
    g->hash = mix(g->hash, sharpen(g, &g->cells, bond, bonded, by_single));
  }
}

void coloured_graph(const GraphSample *s, int64_t graph, bool with_nodes, ColouredGraph *g)
{
  const uint8_t *edge = sample_edges(s, graph);
  Queue          queue;
  g->n       = s->size[graph];
  g->classes = 1;
  for (int k = 0; k < pair_count(g->n); k++)
    if (edge[k] >= g->classes) g->classes = edge[k] + 1;
  memset(g->link, 0, (size_t)g->classes * sizeof *g->link);
  for (int j = 1; j < g->n; edge += j++)
    for (int i = 0; i < j; i++) {
      g->link[edge[i]][i] |= set_one(j);
      g->link[edge[i]][j] |= set_one(i);
    }
  g->node     = with_nodes ? s->node + graph * s->n : NULL;
  g->hash     = start_cells(g->n, g->node, &g->cells);
  queue.first = 0;
  queue.end   = g->cells.count;
  memcpy(queue.set, g->cells.cell, (size_t)g->cells.count * sizeof *queue.set);
  g->hash = mix(mix(g->hash, (uint64_t)g->classes), refine(g, &g->cells, &queue));
  sharpen_hash(g);
}

/* The cells inside `part`, and those of the other graph inside `other`; false when sizes differ. */
static bool restrict_both(const Cells *p, uint64_t part, const Cells *q, uint64_t other, Cells *p_out, Cells *q_out)
{
  p_out->count = q_out->count = 0;
  for (int k = 0; k < p->count; k++) {
    const uint64_t a = p->cell[k] & part, b = q->cell[k] & other;
    if (set_size(a) != set_size(b)) return false;
    if (a) {
      p_out->cell[p_out->count++] = a;
      q_out->cell[q_out->count++] = b;
    }
  }
  return true;
}

static bool match(const ColouredGraph *g, const Cells *p, const ColouredGraph *h, const Cells *q);

/* Is the candidate an image of one that has failed? Then it fails too. */
static bool is_image(const ColouredGraph *h, int count, const Cells *failed, const Cells *candidate)
{
  for (int k = 0; k < count; k++)
    if (match(h, &failed[k], h, candidate)) return true;
  return false;
}

/* One vertex of the smallest cell against all of the other graph's. */
static bool branch(const ColouredGraph *g, const Cells *p, const ColouredGraph *h, const Cells *q, bool small)
{
  Cells single = *p, candidate, failed[FAILED_MAX];
  int   k = -1, n_failed = 0, w;
  for (int l = 0; l < p->count; l++)
    if (set_size(p->cell[l]) > 1 && (k < 0 || set_size(p->cell[l]) < set_size(p->cell[k]))) k = l;
  const uint64_t trace = individualise(g, &single, k, set_first(p->cell[k]));
  EACH_OF(w, left, q->cell[k])
  {
    candidate = *q;
    if (individualise(h, &candidate, k, w) != trace || !same_quotient(g, &single, h, &candidate)) continue;
    if (is_image(h, n_failed, failed, &candidate)) continue;
    if (match(g, &single, h, &candidate)) return true;
    if (n_failed < FAILED_MAX && !small) failed[n_failed++] = candidate;
  }
  return false;
}

/* One piece that does not come apart: all vertices of p and q. */
static bool match_piece(const ColouredGraph *g, const Cells *p, const uint64_t *bond_g, const ColouredGraph *h, const Cells *q,
                        const uint64_t *bond_h)
{
  Cells    sharp_g = *p, sharp_h = *q;
  uint64_t set_g = 0, set_h = 0;
  for (int k = 0; k < p->count; k++) {
    set_g |= p->cell[k];
    set_h |= q->cell[k];
  }
  if (set_size(set_g) <= SMALL) return branch(g, p, h, q, true);
  if (sharpen(g, &sharp_g, bond_g, set_g, false) != sharpen(h, &sharp_h, bond_h, set_h, false)) return false;
  if (sharp_g.count == p->count) return branch(g, p, h, q, false);
  return same_quotient(g, &sharp_g, h, &sharp_h) && match(g, &sharp_g, h, &sharp_h);
}

/* Is there an isomorphism that takes every cell of p to that of q? Both equitable, with the same quotient. */
static bool match(const ColouredGraph *g, const Cells *p, const ColouredGraph *h, const Cells *q)
{
  uint64_t       bond_g[SET_NODES_MAX], bond_h[SET_NODES_MAX];
  const uint64_t all_g = bonds(g, p, bond_g), all_h = bonds(h, q, bond_h);
  uint64_t       rest_h = all_h;
  Cells          sub_g, sub_h;
  if (all_g == 0) return true;
  for (uint64_t rest_g = all_g, piece; rest_g; rest_g &= ~piece) {
    bool found = false;
    piece      = masks_reached(bond_g, rest_g, set_first(rest_g));
    for (uint64_t left = rest_h, other; left && !found; left &= ~other) {
      other = masks_reached(bond_h, left, set_first(left));
      if (!restrict_both(p, piece, q, other, &sub_g, &sub_h)) continue;
      found = piece == all_g ? match_piece(g, &sub_g, bond_g, h, &sub_h, bond_h) : match(g, &sub_g, h, &sub_h);
      if (found) rest_h &= ~other;
    }
    if (!found) return false;
  }
  return true;
}

bool coloured_isomorphic(const ColouredGraph *g, const ColouredGraph *h)
{
  if (g->n != h->n || g->classes != h->classes || g->hash != h->hash || g->cells.count != h->cells.count) return false;
  for (int k = 0; g->node && k < g->cells.count; k++)
    if (g->node[set_first(g->cells.cell[k])] != h->node[set_first(h->cells.cell[k])]) return false;
  return same_quotient(g, &g->cells, h, &h->cells) && match(g, &g->cells, h, &h->cells);
}
