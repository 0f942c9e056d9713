/* SPDX-License-Identifier: BSD-2-Clause
 * Does a graph have the structure of its law? In fixed order this is read off the pairs. With permuted vertices a row of clusters is looked
 * for: a joint is a bridge of the graph, so the first cluster of a component is all of it or one side of a bridge, the next one then holds
 * the other end of that bridge, and so on: few choices, since sides of one size that do not share vertices are few. Components then take
 * the places in the row, one of every kind that fits tried at each. */
#include <string.h>

#include "graph_features.h"
#include "graph_sample.h"

typedef struct Row {
  const uint64_t *adjacency;
  const int      *size; /* of the clusters, in order */
  int             clusters;
} Row;

/* The side of edge i - j on which i is, when nothing else joins both within the connected set; else 0. */
static uint64_t side_of(const uint64_t *adjacency, uint64_t within, int i, int j)
{
  uint64_t cut[SET_NODES_MAX], side;
  if (adjacency[i] & adjacency[j] & within) return 0;
  memcpy(cut, adjacency, sizeof cut);
  cut[i] &= ~set_one(j);
  cut[j] &= ~set_one(i);
  side = masks_reached(cut, within, i);
  return side >> j & 1 ? 0 : side;
}

/* Can the connected set be clusters first, first + 1, ... of the row, with `anchor` (-1: any vertex) in the first of them? */
static bool fills(const Row *row, uint64_t set, int first, int anchor)
{
  int i, j;
  if (first == row->clusters || set_size(set) < row->size[first]) return false;
  if (set_size(set) == row->size[first]) return true;
  EACH_OF(i, left, set)
  EACH_OF(j, others, row->adjacency[i] & set)
  {
    const uint64_t side = side_of(row->adjacency, set, i, j);
    if (set_size(side) != row->size[first] || (anchor >= 0 && !(side >> anchor & 1))) continue;
    if (fills(row, set & ~side, first + 1, j)) return true;
  }
  return false;
}

typedef struct Piece {
  int      size;
  uint32_t begins; /* bit k: it can be the clusters from k on */
  bool     placed;
} Piece;

/* Places the pieces that are not placed yet from cluster `first` on. */
static bool place(const Row *row, int pieces, Piece *piece, int first)
{
  if (first == row->clusters) return true;
  for (int p = 0; p < pieces; p++) {
    bool tried = false;
    int  next = first, sum = 0;
    for (int q = 0; q < p && !tried; q++) tried = !piece[q].placed && piece[q].size == piece[p].size && piece[q].begins == piece[p].begins;
    if (piece[p].placed || tried || !(piece[p].begins >> first & 1)) continue;
    while (sum < piece[p].size) sum += row->size[next++];
    piece[p].placed = true;
    if (place(row, pieces, piece, next)) return true;
    piece[p].placed = false;
  }
  return false;
}

static bool is_row(int n, const uint64_t *adjacency, int clusters, const int *size)
{
  const Row row = {adjacency, size, clusters};
  Piece     piece[SET_CLUSTERS_MAX];
  int       pieces = 0;
  for (uint64_t rest = set_below(n), part; rest; rest &= ~part) {
    part = masks_reached(adjacency, rest, set_first(rest));
    if (pieces == clusters) return false;
    piece[pieces] = (Piece){.size = set_size(part)};
    for (int k = 0; k < clusters; k++)
      if (fills(&row, part, k, -1)) piece[pieces].begins |= 1U << k;
    pieces++;
  }
  return place(&row, pieces, piece, 0);
}

/* Clusters given: each connected; between two of them at most one edge, and in a row only between the last vertex of one and the first of
 * the next. */
static bool is_laid_out(int n, const uint64_t *adjacency, const uint8_t *cluster, bool row)
{
  uint64_t member[256]  = {0};
  int      between[256] = {0}, i;
  for (i = 0; i < n; i++) member[cluster[i]] |= set_one(i);
  for (int k = 0; k < 256; k++) {
    if (!member[k]) continue;
    if (masks_reached(adjacency, member[k], set_first(member[k])) != member[k]) return false;
    memset(between, 0, sizeof between);
    EACH_OF(i, left, member[k])
    {
      int j;
      EACH_OF(j, others, adjacency[i] & ~member[k])
      {
        const int  l    = cluster[j];
        const bool ends = i == 63 - __builtin_clzll(member[k]) && j == set_first(member[l]);
        if (++between[l] > 1) return false;
        if (row && k < l && !(l == k + 1 && ends)) return false;
      }
    }
  }
  return true;
}

static void lay_out(int clusters, const int *size, uint8_t *cluster)
{
  int v = 0;
  for (int k = 0; k < clusters; k++)
    for (int i = 0; i < size[k] && v < SET_NODES_MAX; i++) cluster[v++] = (uint8_t)k;
}

static bool is_forest(int n, const uint64_t *adjacency, int most)
{
  const int components = masks_components(n, adjacency, NULL);
  int       ends       = 0;
  for (int i = 0; i < n; i++) ends += set_size(adjacency[i]);
  return ends / 2 == n - components && components <= most;
}

typedef struct Law {
  const GraphSetSpec *spec;
  int                 clusters;
  const int          *size;
  const uint8_t      *cluster; /* NULL: permuted */
} Law;

static uint8_t is_valid(const Law *law, int n, const uint64_t *adjacency)
{
  int total = 0;
  switch (law->spec->kind) {
  case SET_BARBELL:
  case SET_CHAIN:
  case SET_TOY4:
  case SET_BLOCKS:
    for (int k = 0; k < law->clusters; k++) total += law->size[k];
    if (total != n) return 0;
    if (law->cluster) return is_laid_out(n, adjacency, law->cluster, law->spec->kind != SET_BLOCKS);
    if (law->spec->kind == SET_BLOCKS && law->clusters > 2) return VALIDITY_UNDEFINED;
    return is_row(n, adjacency, law->clusters, law->size);
  case SET_TREES: return is_forest(n, adjacency, law->clusters);
  case SET_PLANAR: return graph_planar(n, adjacency);
  default: return VALIDITY_UNDEFINED;
  }
}

void graphs_valid(const GraphSample *s, const GraphSetSpec *spec, const uint8_t *cluster, uint8_t *valid)
{
  static const int toy4[] = {2, 2};
  const bool       toy    = spec->kind == SET_TOY4;
  Law              law    = {spec, toy ? 2 : spec->clusters, toy ? toy4 : spec->size, NULL};
  uint64_t         adjacency[SET_NODES_MAX];
  uint8_t          own[SET_NODES_MAX] = {0};
  lay_out(law.clusters, law.size, own);
  if (!spec->permute) law.cluster = cluster ? cluster : own;
  for (int64_t g = 0; g < s->count; g++) {
    const int n = sample_masks(s, g, adjacency);
    valid[g]    = is_valid(&law, n, adjacency);
  }
}
