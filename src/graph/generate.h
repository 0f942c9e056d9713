/* SPDX-License-Identifier: BSD-2-Clause
 * The generators' common form. A generator is a number of slots; the edges of a slot are a pure function of (spec, slot), so that ranks
 * draw disjoint ranges of slots and together get the same graph. Slots may give an edge twice and loops; what merges lists drops them. */
#ifndef MYOPIA_GENERATE_H
#define MYOPIA_GENERATE_H

#include "edge_list.h"
#include "graph_source.h"

typedef struct Fault {
  const char *field; /* of GraphSpec */
  char       *message;
} Fault; /* message: 256 bytes of the caller */

/* Writes the message and returns false, so that a check reads as `return fault(...)`. */
bool fault(Fault *, const char *field, const char *format, ...) __attribute__((format(printf, 3, 4)));

typedef struct Generator {
  bool (*check)(const GraphSpec *, Fault *);             /* false: see the Fault */
  int64_t (*vertices)(const GraphSpec *);                /* of a spec that passed */
  double (*edges)(const GraphSpec *, double *deviation); /* mean number (or a bound), standard deviation */
  int64_t (*slots)(const GraphSpec *);
  PetscErrorCode (*emit)(const GraphSpec *, int64_t first, int64_t last, EdgeList *); /* appends the edges of slots first .. last - 1 */
} Generator;

extern const Generator generate_path, generate_cycle, generate_complete, generate_hypercube;
extern const Generator generate_grid_2d, generate_grid_3d, generate_torus;
extern const Generator generate_barbell, generate_chain;
extern const Generator generate_erdos_renyi, generate_stochastic_block;
extern const Generator generate_watts_strogatz, generate_barabasi_albert;
extern const Generator generate_geometric, generate_delaunay, generate_rmat;

const Generator *generator_of(GraphKind); /* NULL: FILE */
/* The first of the k-th of `parts` equal ranges of slots. */
int64_t generator_cut(int64_t slots, int64_t parts, int64_t k);
/* Weights by `spec->weights` of vertices (u, v) of the generated numbering: a pure function of (seed, u, v). */
double generator_weight(const GraphSpec *, int64_t u, int64_t v);

/* `nodes` within [least, 2^32]. */
bool check_nodes(const GraphSpec *, int64_t least, Fault *);
/* Number of slots that are vertices: `nodes`. */
int64_t nodes_of(const GraphSpec *);

/* Uniform on {0 .. n - 1} from one 64-bit word, by multiplication; the bias is below n / 2^64. */
static inline int64_t below_word(uint64_t word, int64_t n) { return (int64_t)((unsigned __int128)word * (uint64_t)n >> 64); }

#endif
