/* SPDX-License-Identifier: BSD-2-Clause
 * The table of generators, checks of their parameters, and what they share. It draws no edges: each family has its own file. */
#include "generate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"

const char *const graph_kind_names[] = {
    "file",      "path",     "cycle", "complete",    "hypercube",        "grid_2d",        "grid_3d",
    "torus",     "barbell",  "chain", "erdos_renyi", "stochastic_block", "watts_strogatz", "barabasi_albert",
    "geometric", "delaunay", "rmat",  NULL};
const char *const graph_format_names[] = {"auto", "matrix_market", "edge_list", "metis", NULL};
const char *const graph_weight_names[] = {"unit", "uniform", "exponential", NULL};

static const Generator *const table[GRAPH_KINDS] = {
    [GRAPH_PATH]             = &generate_path,
    [GRAPH_CYCLE]            = &generate_cycle,
    [GRAPH_COMPLETE]         = &generate_complete,
    [GRAPH_HYPERCUBE]        = &generate_hypercube,
    [GRAPH_GRID_2D]          = &generate_grid_2d,
    [GRAPH_GRID_3D]          = &generate_grid_3d,
    [GRAPH_TORUS]            = &generate_torus,
    [GRAPH_BARBELL]          = &generate_barbell,
    [GRAPH_CHAIN]            = &generate_chain,
    [GRAPH_ERDOS_RENYI]      = &generate_erdos_renyi,
    [GRAPH_STOCHASTIC_BLOCK] = &generate_stochastic_block,
    [GRAPH_WATTS_STROGATZ]   = &generate_watts_strogatz,
    [GRAPH_BARABASI_ALBERT]  = &generate_barabasi_albert,
    [GRAPH_GEOMETRIC]        = &generate_geometric,

    [GRAPH_DELAUNAY] = &generate_delaunay,
    [GRAPH_RMAT]     = &generate_rmat,
};

const Generator *generator_of(GraphKind kind) { return kind > GRAPH_FILE && kind < GRAPH_KINDS ? table[kind] : NULL; }

/* part * slots / parts without overflow. */
int64_t generator_cut(int64_t slots, int64_t parts, int64_t k) { return slots / parts * k + slots % parts * k / parts; }

double generator_weight(const GraphSpec *s, int64_t u, int64_t v)
{
  uint32_t word[4];
  if (s->weights == WEIGHTS_UNIT) return 1.0;
  rng_block(s->seed, edge_key(u, v), 0, RNG_WEIGHT, word);
  const uint64_t bits    = (uint64_t)word[1] << 32 | word[0];
  const double   uniform = ((double)(bits >> 12) + 0.5) * 0x1p-52;
  return s->weights == WEIGHTS_UNIFORM ? 0.5 + uniform : 0.1 - rng_log(uniform);
}

bool fault(Fault *f, const char *field, const char *format, ...)
{
  va_list args;
  f->field = field;
  va_start(args, format);
  vsnprintf(f->message, 256, format, args);
  va_end(args);
  return false;
}

bool check_nodes(const GraphSpec *s, int64_t least, Fault *f)
{
  if (s->nodes >= least && s->nodes <= EDGE_LIST_VERTICES) return true;
  return fault(f, "nodes", "%s: nodes is %lld: %lld to %lld are possible", graph_kind_names[s->kind], (long long)s->nodes, (long long)least,
               (long long)EDGE_LIST_VERTICES);
}

int64_t nodes_of(const GraphSpec *s) { return s->nodes; }

const char *graph_source_check(const GraphSpec *s, const char **field, char message[256])
{
  Fault f = {"kind", message};
  *field  = NULL;
  if (s->kind == GRAPH_FILE) {
    if (s->file[0] && memchr(s->file, 0, sizeof s->file)) return NULL;
    fault(&f, "file", "file: the name of a file is missing");
  } else if (!generator_of(s->kind)) {
    fault(&f, "kind", "kind %d is none of the %d kinds of graphs", (int)s->kind, GRAPH_KINDS);
  } else if (generator_of(s->kind)->check(s, &f)) {
    return NULL;
  }
  *field = f.field;
  return message;
}
