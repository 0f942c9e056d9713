/* SPDX-License-Identifier: BSD-2-Clause
 * Sets of small graphs with node and edge classes: what a discrete graph diffusion model is trained on and compared with. Generated from a
 * key, or read from files.
 *
 * A pair of vertices i < j has the number j (j - 1) / 2 + i, so the pairs of the first k vertices are the first k (k - 1) / 2: a graph
 * smaller than the largest uses the front of its rows. Edge class 0 is "no edge". */
#ifndef MYOPIA_GRAPH_SET_H
#define MYOPIA_GRAPH_SET_H

#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "graph_source.h"

enum { SET_NODES_MAX = 64, SET_CLASSES_MAX = 8, SET_CLUSTERS_MAX = 16, SET_NO_CLUSTER = 255 };

static inline int pair_count(int n) { return n * (n - 1) / 2; }
static inline int pair_index(int i, int j) { return i < j ? j * (j - 1) / 2 + i : i * (i - 1) / 2 + j; } /* i != j */

typedef struct GraphSet {
  int      n, pairs; /* vertices of the largest graph, and its pairs */
  int      a, b;     /* node classes >= 1 and edge classes >= 2, each <= SET_CLASSES_MAX */
  int64_t  count;
  uint8_t *size;    /* (count) vertices of each graph, >= 1 */
  uint8_t *node;    /* (count, n) class; 0 beyond the graph */
  uint8_t *edge;    /* (count, pairs) class; 0 beyond the graph */
  uint8_t *cluster; /* (count, n) cluster of each vertex where the generator knows it, else SET_NO_CLUSTER */
  uint8_t *bridge;  /* (count, pairs) 1: an edge of the bridge class. Where clusters are known: an edge between two of them; else a bridge
                        * in the sense of graph theory */
  int      joints;  /* places where a bridge may be in every graph; 0 when the law has no such place (stochastic block, files) */
  int16_t *site;    /* (count, joints) the pair of each, also where the bridge is absent; NULL without joints */
  double  *resistance; /* (count, pairs) effective resistance of present edges [ohm, every edge 1 siemens], 0 of absent ones; NULL until
                        * graph_set_resistance */
} GraphSet;

typedef enum {
  SET_BARBELL = 0, /* two equal cliques, one joint */
  SET_CHAIN,       /* cliques of given sizes in a row, a joint between neighbours */
  SET_BLOCKS,      /* stochastic block model: every cross pair of two blocks alike, P(two blocks are joined) = bridge_frequency */
  SET_PLANAR,      /* clusters are Delaunay triangulations of uniform points */
  SET_TREES,       /* clusters are uniform random labelled trees (Pruefer) */
  SET_ERDOS_RENYI, /* clusters are G(k, intra_frequency) */
  SET_TOY4,        /* two K_2 and a bridge, 4 vertices: 64 labelled graphs, so everything can be enumerated */
  SET_FILE         /* graphs read from a file or a folder */
} GraphSetKind;
extern const char *const graph_set_names[]; /* barbell, chain, stochastic_block, planar, trees, erdos_renyi, toy4, file, NULL */

typedef struct GraphSetSpec {
  GraphSetKind kind;
  int          clusters;               /* all but TOY4, FILE; neighbours in the row are joined (BLOCKS: all pairs of blocks) */
  int          size[SET_CLUSTERS_MAX]; /* vertices of each cluster; together <= SET_NODES_MAX */
  double       bridge_frequency;       /* eps in [0, 1]: of the bridge at each joint */
  double       intra_frequency;        /* of every edge inside a clique, block or Erdos-Renyi cluster; TOY4: 1 */
  bool         exact_frequency;        /* exactly round(eps count) graphs of a set have the bridge of a joint; else independent draws */
  bool         permute;     /* the vertices of every graph in random order; else joint k is one fixed pair (BARBELL, CHAIN, TOY4) */
  bool         node_blocks; /* node class = cluster (a = clusters <= SET_CLASSES_MAX); else a = 1 */
  char         path[256];   /* FILE */
} GraphSetSpec;

/* Fixed order: clusters one after the other; joint k joins the last vertex of cluster k to the first of cluster k + 1 (PLANAR, TREES,
 * ERDOS_RENYI: two random vertices of them). */

int graph_set_nodes(const GraphSetSpec *); /* vertices of generated graphs; FILE: 0 */
/* One sentence in `message` (256 bytes) and the field it is about, or NULL when the specification can be built. Reads no file. */
const char *graph_set_check(const GraphSetSpec *, const char **field, char message[256]);

/* `count` graphs of the stream (key, draw): draw 0 training, 1 test, ... A graph is a function of (spec, key, draw, its number; count when
 * exact_frequency). Not for FILE. */
PetscErrorCode graph_set_generate(const GraphSetSpec *, uint64_t key, uint32_t draw, int64_t count, GraphSet **out);
void           graph_set_destroy(GraphSet **);

/* Graphs of a file, or of every file of a folder in the order of names (each in any format of graph_source.h: one graph, classes 1; folders
 * and names that begin with a dot are skipped). A Matrix Market file by itself is a set of one graph. Else a file is a set: text, possibly
 * gzipped, # and % start comments; `graph [N]` begins a graph (with N vertices 0..N-1; without N the vertices are those that occur,
 * numbered by ascending id), then lines `U V [CLASS]` (an edge, class 1 unless given), `node U [CLASS]` (a vertex and its class, 0 unless
 * given). Without any `graph` line blank lines separate graphs. Loops are dropped, a pair told twice with one class is one edge, with two
 * classes an error. a and b are one more than the largest class that occurs, b at least 2. Errors: unreadable, no graph, an empty graph, no
 * graph of two vertices, more than SET_NODES_MAX vertices or SET_CLASSES_MAX classes, a malformed line: to errors (*out NULL). Not
 * collective. */
PetscErrorCode graph_set_read(const char *path, GraphSet **out, GraphErrors *errors);
/* Writes graphs as such a file (graph N; node lines where a > 1; edges by pairs, classes where b > 2); 0, or an errno. size (count), node
 * (count, n), edge (count, pairs(n)). */
int graph_set_write(FILE *, int n, int a, int b, int64_t count, const uint8_t *size, const uint8_t *node, const uint8_t *edge);
/* Disjoint subsets in random order of the stream (key): training takes `train` graphs, test the `test` next ones (fewer when they run
 * out). */
PetscErrorCode graph_set_split(const GraphSet *, uint64_t key, int64_t train, int64_t test, GraphSet **train_out, GraphSet **test_out);

/* Effective resistance of every present edge, component by component, by the engine's dense method; bridges are 1 exactly. Once. */
PetscErrorCode graph_set_resistance(GraphSet *);

/* What stands beside a set in the results file, and what exact references are computed from. Arrays are the caller's (PetscFree by
 * graph_set_stats_clear). */
typedef struct GraphSetStats {
  double  mean_edges, mean_components, connected, mean_bridges, mean_nodes;
  double *pair_frequency; /* (pairs) of an edge of any class, among graphs that have the pair; NaN where none has */
  double *pair_excess; /* (pairs) mean of R_eff over the graphs where the edge is present: w = 1 + lambda * this; 0 where it never is; needs
                           * resistance, else NULL */
  double *node_marginal;  /* (a) of all vertices */
  double *edge_marginal;  /* (b) of all pairs */
  double *size_frequency; /* (n + 1) of graphs with k vertices */
} GraphSetStats;
PetscErrorCode graph_set_stats(const GraphSet *, GraphSetStats *out);
void           graph_set_stats_clear(GraphSetStats *);

#endif
