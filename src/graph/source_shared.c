/* SPDX-License-Identifier: BSD-2-Clause
 * The last graph that was built, kept for the next caller with the same spec. The key is a hash of those fields alone that the kind uses,
 * so that a grid with unit weights is the same graph for every seed; of a file also its size and time of change. */
#include <sys/stat.h>

#include "generate.h"
#include "hash.h"
#include "memo.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct Shared {
  Graph      *graph;
  int64_t    *id;
  GraphReport report;
} Shared;

static void destroy(void *value)
{
  Shared *s = value;
  graph_destroy(&s->graph);
  (void)PetscFree(s->id);
  free(s);
}

static uint64_t hash_real(uint64_t h, double x)
{
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return hash_u64(h, bits);
}

static uint64_t hash_sizes(uint64_t h, const GraphSpec *s)
{
  switch (s->kind) {
  case GRAPH_GRID_3D: h = hash_u64(h, (uint64_t)s->depth); /* fall through */
  case GRAPH_GRID_2D:
  case GRAPH_TORUS: return hash_u64(hash_u64(h, (uint64_t)s->width), (uint64_t)s->height);
  case GRAPH_HYPERCUBE: return hash_u64(h, (uint64_t)s->dimension);
  case GRAPH_CHAIN: h = hash_u64(h, (uint64_t)s->cliques); /* fall through */
  case GRAPH_BARBELL: return hash_u64(hash_u64(h, (uint64_t)s->clique_size), (uint64_t)s->bridges);
  case GRAPH_RMAT:
    h = hash_real(hash_u64(h, (uint64_t)s->scale), s->edge_factor);
    return hash_real(hash_real(hash_real(h, s->rmat_a), s->rmat_b), s->rmat_c);
  case GRAPH_STOCHASTIC_BLOCK: h = hash_real(hash_real(hash_u64(h, (uint64_t)s->blocks), s->degree_in), s->degree_out); break;
  case GRAPH_WATTS_STROGATZ: h = hash_real(h, s->rewire); /* fall through */
  case GRAPH_ERDOS_RENYI:
  case GRAPH_BARABASI_ALBERT:
  case GRAPH_GEOMETRIC: h = hash_real(h, s->degree); break;
  default: break;
  }
  return hash_u64(h, (uint64_t)s->nodes);
}

static uint64_t hash_file(uint64_t h, const GraphSpec *s)
{
  struct stat about = {0};
  h                 = hash_bytes(h, s->file, strnlen(s->file, sizeof s->file));
  h                 = hash_u64(hash_u64(hash_u64(h, s->format), s->ignore_weights), s->duplicates);
  if (stat(s->file, &about) != 0) return h;
  h = hash_u64(hash_u64(h, (uint64_t)about.st_size), (uint64_t)about.st_mtim.tv_sec);
  return hash_u64(hash_u64(h, (uint64_t)about.st_mtim.tv_nsec), (uint64_t)about.st_ino);
}

static uint64_t hash_spec(const GraphSpec *s)
{
  uint64_t h = hash_u64(hash_u64(hash_text(0, "graph_source"), s->kind), s->keep);
  if (s->kind == GRAPH_FILE) return hash_file(h, s);
  h = hash_sizes(hash_u64(h, s->weights), s);
  return s->kind >= GRAPH_ERDOS_RENYI || s->weights != WEIGHTS_UNIT ? hash_u64(h, s->seed) : h;
}

PetscErrorCode graph_source_shared(const GraphSpec *spec, const Graph **out, const int64_t **id, GraphReport *report, GraphErrors *errors)
{
  PetscFunctionBeginUser;
  const uint64_t key = hash_spec(spec);
  Shared        *s   = memo_find(key);
  *out               = NULL;
  *id                = NULL;
  if (!s) {
    Shared made = {0};
    PetscCall(graph_source_build(spec, &made.graph, &made.id, &made.report, errors));
    *report = made.report;
    if (!made.graph) PetscFunctionReturn(0);
    s  = mem_calloc(1, sizeof *s);
    *s = made;
    memo_put(key, s, destroy);
  }
  *out    = s->graph;
  *id     = s->id;
  *report = s->report;
  PetscFunctionReturn(0);
}
