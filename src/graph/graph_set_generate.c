/* SPDX-License-Identifier: BSD-2-Clause
 * Graphs of clusters with rare bridges between them, drawn by key: graph g of the stream (key, draw) reads the blocks from g 2^32 on, so
 * that it depends on no other one. With exact_frequency the graphs that carry a bridge are the first of a random order of all, one order a
 * joint, from blocks of numbers that no graph has. */
#include "graph_set_private.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#define ORDER_BLOCKS UINT64_C(0xffffff00) /* in place of the number of a graph: order of joint 0, 1, ... */
#define MOST_GRAPHS INT64_C(1000000000)

/* A specification in its final form: toy4 is a barbell. */
typedef struct Plan {
  GraphSetSpec spec;
  int          n, joints, first[SET_CLUSTERS_MAX]; /* joints: pairs of blocks for BLOCKS */
  int          from[SET_CLUSTERS_MAX * (SET_CLUSTERS_MAX - 1) / 2], to[SET_CLUSTERS_MAX * (SET_CLUSTERS_MAX - 1) / 2]; /* clusters */
} Plan;

int graph_set_nodes(const GraphSetSpec *s)
{
  int n = 0;
  if (s->kind == SET_TOY4) return 4;
  for (int c = 0; s->kind != SET_FILE && c < s->clusters && c < SET_CLUSTERS_MAX; c++) n += s->size[c];
  return n;
}

static const char *refuse(const char **field, const char *name, char message[256], const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static const char *refuse(const char **field, const char *name, char message[256], const char *format, ...)
{
  va_list args;
  va_start(args, format);
  vsnprintf(message, 256, format, args);
  va_end(args);
  *field = name;
  return message;
}

static const char *check_clusters(const GraphSetSpec *s, const char **field, char message[256])
{
  const char *const name = graph_set_names[s->kind];
  int               n    = 0;
  if (s->clusters < 1 || s->clusters > SET_CLUSTERS_MAX)
    return refuse(field, "clusters", message, "%s: %d clusters: 1 to %d are possible", name, s->clusters, SET_CLUSTERS_MAX);
  if (s->kind == SET_BARBELL && s->clusters != 2)
    return refuse(field, "clusters", message, "barbell: two cliques, not %d: more in a row are a chain", s->clusters);
  for (int c = 0; c < s->clusters; c++) {
    if (s->size[c] < 1 || s->size[c] > SET_NODES_MAX)
      return refuse(field, "size", message, "%s: cluster %d has %d vertices: 1 to %d are possible", name, c + 1, s->size[c], SET_NODES_MAX);
    n += s->size[c];
  }
  if (s->kind == SET_BARBELL && s->size[0] != s->size[1])
    return refuse(field, "size", message, "barbell: the cliques have %d and %d vertices: unequal ones are a chain", s->size[0], s->size[1]);
  if (n > SET_NODES_MAX) return refuse(field, "size", message, "%s: %d vertices: at most %d are possible", name, n, SET_NODES_MAX);
  if (n < 2) return refuse(field, "size", message, "%s: one vertex: there is no pair of vertices", name);
  if (s->node_blocks && s->clusters > SET_CLASSES_MAX)
    return refuse(field, "node_blocks", message, "%s: %d clusters, but node classes are %d at most", name, s->clusters, SET_CLASSES_MAX);
  return NULL;
}

static bool is_frequency(double x) { return x >= 0 && x <= 1; }

const char *graph_set_check(const GraphSetSpec *s, const char **field, char message[256])
{
  if (s->kind < SET_BARBELL || s->kind > SET_FILE) return refuse(field, "kind", message, "there is no kind %d of sets", (int)s->kind);
  if (s->kind == SET_FILE) return s->path[0] ? NULL : refuse(field, "path", message, "file: which file or folder?");
  if (!is_frequency(s->bridge_frequency))
    return refuse(field, "bridge_frequency", message, "%s: the frequency %g of bridges is not in [0, 1]", graph_set_names[s->kind],
                  s->bridge_frequency);
  if (s->kind == SET_TOY4) return NULL;
  if (!is_frequency(s->intra_frequency))
    return refuse(field, "intra_frequency", message, "%s: the frequency %g of edges is not in [0, 1]", graph_set_names[s->kind],
                  s->intra_frequency);
  return check_clusters(s, field, message);
}

static Plan plan_of(const GraphSetSpec *s)
{
  Plan p = {.spec = *s, .n = graph_set_nodes(s)};
  if (s->kind == SET_TOY4) {
    p.spec.kind     = SET_BARBELL;
    p.spec.clusters = 2;
    p.spec.size[0] = p.spec.size[1] = 2;
    p.spec.intra_frequency          = 1;
  }
  for (int c = 1; c < p.spec.clusters; c++) p.first[c] = p.first[c - 1] + p.spec.size[c - 1];
  for (int c = 1; c < p.spec.clusters; c++)
    for (int from = s->kind == SET_BLOCKS ? 0 : c - 1; from < c; from++) {
      p.from[p.joints] = from;
      p.to[p.joints++] = c;
    }
  return p;
}

static Rng stream(uint64_t key, uint32_t draw, uint64_t block)
{
  Rng r   = rng_start(key, draw, RNG_SET);
  r.index = block << 32;
  return r;
}

/* order: a uniform permutation of 0 .. n - 1. */
static void shuffle(Rng *r, uint32_t n, uint32_t *order)
{
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t j = rng_below(r, i + 1);
    order[i]         = order[j];
    order[j]         = i;
  }
}

/* carries (count, joints): which graphs have which bridge, when that is decided for all of them together. */
static PetscErrorCode choose_carriers(const Plan *p, uint64_t key, uint32_t draw, int64_t count, uint8_t **carries)
{
  uint32_t     *order;
  const int64_t with = llround(p->spec.bridge_frequency * (double)count);

  PetscFunctionBeginUser;
  *carries = NULL;
  if (!p->spec.exact_frequency || p->joints == 0) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)count, &order));
  PetscCall(PetscCalloc1((size_t)(count * p->joints), carries));
  for (int k = 0; k < p->joints; k++) {
    Rng r = stream(key, draw, ORDER_BLOCKS + (uint64_t)k);
    shuffle(&r, (uint32_t)count, order);
    for (int64_t i = 0; i < with; i++) (*carries)[(int64_t)order[i] * p->joints + k] = 1;
  }
  PetscCall(PetscFree(order));
  PetscFunctionReturn(0);
}

/* Two joined blocks: every pair has the probability q that makes P(at least one) = eps, given that there is one. The first present pair
 * is drawn from its law, those behind it are free. */
static void join_blocks(const Plan *p, int joint, Draft *d, Rng *r)
{
  const int    a = p->from[joint], b = p->to[joint], pairs = p->spec.size[a] * p->spec.size[b];
  const double eps = p->spec.bridge_frequency, absent = log1p(-eps) / pairs, q = -expm1(absent);
  const double u     = eps * rng_uniform(r); /* first < k with probability 1 - (1 - q)^k, at most eps */
  int          first = 0;
  while (first + 1 < pairs && u > -expm1((first + 1) * absent)) first++;
  for (int k = first; k < pairs; k++) {
    const int i = p->first[a] + k % p->spec.size[a], j = p->first[b] + k / p->spec.size[a];
    d->edge[pair_index(i, j)] = k == first || rng_uniform(r) < q;
  }
}

static PetscErrorCode draw_clusters(const Plan *p, Draft *d, Rng *r)
{
  const GraphSetSpec *const s = &p->spec;

  PetscFunctionBeginUser;
  for (int c = 0; c < s->clusters; c++) {
    memset(d->cluster + p->first[c], c, (size_t)s->size[c]);
    if (s->kind == SET_PLANAR)
      PetscCall(cluster_delaunay(d, p->first[c], s->size[c], r));
    else if (s->kind == SET_TREES)
      cluster_tree(d, p->first[c], s->size[c], r);
    else
      cluster_bernoulli(d, p->first[c], s->size[c], s->intra_frequency, r);
  }
  PetscFunctionReturn(0);
}

/* Sites and bridges. carries (joints) or NULL. */
static void draw_joints(const Plan *p, const uint8_t *carries, Draft *d, int *site, Rng *r)
{
  const GraphSetSpec *const s        = &p->spec;
  const bool                anywhere = s->kind == SET_PLANAR || s->kind == SET_TREES || s->kind == SET_ERDOS_RENYI;
  for (int k = 0; k < p->joints; k++) {
    const bool draw    = rng_uniform(r) < s->bridge_frequency;
    const bool present = carries ? carries[k] : draw;
    const int  a = p->from[k], b = p->to[k];
    if (s->kind == SET_BLOCKS) {
      if (present) join_blocks(p, k, d, r);
      continue;
    }
    const int u = anywhere ? p->first[a] + (int)rng_below(r, (uint32_t)s->size[a]) : p->first[b] - 1;
    const int v = anywhere ? p->first[b] + (int)rng_below(r, (uint32_t)s->size[b]) : p->first[b];
    site[k]     = pair_index(u, v);
    if (present) d->edge[site[k]] = 1;
  }
}

/* The draft as graph g of the set, vertex v at place[v]. */
static void store(const Plan *p, const Draft *d, const int *site, const uint32_t *place, int64_t g, GraphSet *s)
{
  uint8_t *const node = s->node + g * s->n, *const cluster = s->cluster + g * s->n;
  uint8_t *const edge = s->edge + g * s->pairs, *const bridge = s->bridge + g * s->pairs;
  s->size[g] = (uint8_t)p->n;
  for (int v = 0; v < p->n; v++) {
    cluster[place[v]] = d->cluster[v];
    node[place[v]]    = p->spec.node_blocks ? d->cluster[v] : 0;
  }
  for (int j = 1; j < p->n; j++)
    for (int i = 0; i < j; i++) {
      const int from = pair_index(i, j), to = pair_index((int)place[i], (int)place[j]);
      edge[to]   = d->edge[from];
      bridge[to] = d->edge[from] && d->cluster[i] != d->cluster[j];
      for (int k = 0; k < s->joints; k++)
        if (site[k] == from) s->site[g * s->joints + k] = (int16_t)to;
    }
}

static PetscErrorCode draw_graph(const Plan *p, uint64_t key, uint32_t draw, int64_t g, const uint8_t *carries, GraphSet *s)
{
  Draft    d = {.n = p->n};
  Rng      r = stream(key, draw, (uint64_t)g);
  uint32_t place[SET_NODES_MAX];
  int      site[SET_CLUSTERS_MAX];

  PetscFunctionBeginUser;
  PetscCall(draw_clusters(p, &d, &r));
  draw_joints(p, carries ? carries + g * p->joints : NULL, &d, site, &r);
  for (int v = 0; v < p->n; v++) place[v] = (uint32_t)v;
  if (p->spec.permute) shuffle(&r, (uint32_t)p->n, place);
  store(p, &d, site, place, g, s);
  PetscFunctionReturn(0);
}

PetscErrorCode graph_set_generate(const GraphSetSpec *spec, uint64_t key, uint32_t draw, int64_t count, GraphSet **out)
{
  const char *field;
  char        message[256];
  uint8_t    *carries;

  PetscFunctionBeginUser;
  *out = NULL;
  PetscCheck(spec->kind != SET_FILE && !graph_set_check(spec, &field, message), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s",
             spec->kind == SET_FILE ? "files are read, not generated" : message);
  PetscCheck(count >= 0 && count <= MOST_GRAPHS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%lld graphs: at most 10^9", (long long)count);
  const Plan p = plan_of(spec);
  PetscCall(graph_set_allocate(p.n, spec->node_blocks ? p.spec.clusters : 1, 2, count, spec->kind == SET_BLOCKS ? 0 : p.joints, out));
  PetscCall(choose_carriers(&p, key, draw, count, &carries));
  for (int64_t g = 0; g < count; g++) PetscCall(draw_graph(&p, key, draw, g, carries, *out));
  PetscCall(PetscFree(carries));
  PetscFunctionReturn(0);
}
