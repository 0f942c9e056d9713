/* SPDX-License-Identifier: BSD-2-Clause
 * Where graphs come from: files (Matrix Market, edge lists, METIS, each also gzipped) and generators. A graph is a function of its
 * GraphSpec alone: the same on any number of ranks, edges sorted by (u, v). At most 2^32 vertices; edges are counted by 64 bits.
 *
 * Files. Vertices of an edge list are numbered by ascending id (0 to 2^62). Entries of one direction of an edge are parallel edges: added,
 * or the first is kept (`duplicates`); an entry without a weight weighs 1. The two directions are one edge told twice: it weighs the mean
 * of both, which is their common weight where they agree, and the symmetric part (A + A^T) / 2 where they do not. Loops and explicit zeros
 * are dropped and counted. With ignore_weights values are not looked at and every edge weighs 1. METIS must be consistent: every edge in
 * both lists with the same weight, once. A graph all of whose edges weigh 1 has no weight array. */
#ifndef MYOPIA_GRAPH_SOURCE_H
#define MYOPIA_GRAPH_SOURCE_H

#include "graph.h"

typedef enum {
  GRAPH_FILE = 0,
  GRAPH_PATH,
  GRAPH_CYCLE,
  GRAPH_COMPLETE,
  GRAPH_HYPERCUBE,
  GRAPH_GRID_2D,
  GRAPH_GRID_3D,
  GRAPH_TORUS,
  GRAPH_BARBELL,
  GRAPH_CHAIN,
  GRAPH_ERDOS_RENYI,
  GRAPH_STOCHASTIC_BLOCK,
  GRAPH_WATTS_STROGATZ,
  GRAPH_BARABASI_ALBERT,
  GRAPH_GEOMETRIC,
  GRAPH_DELAUNAY,
  GRAPH_RMAT,
  GRAPH_KINDS
} GraphKind;
extern const char *const graph_kind_names[];       /* "file", "path", ..., NULL */
extern const char *const graph_format_names[];     /* "auto", "matrix_market", "edge_list", "metis", NULL */
extern const char *const graph_weight_names[];     /* "unit", "uniform", "exponential", NULL */
extern const char *const graph_duplicates_names[]; /* "sum", "drop", NULL */
extern const char *const graph_keep_names[];       /* "all", "largest", NULL */

typedef enum { FORMAT_AUTO = 0, FORMAT_MATRIX_MARKET, FORMAT_EDGE_LIST, FORMAT_METIS } GraphFormat;
typedef enum {
  WEIGHTS_UNIT = 0,
  WEIGHTS_UNIFORM,
  WEIGHTS_EXPONENTIAL
} GraphWeights;                                                       /* generators: 1; uniform on (0.5, 1.5); Exp(1) + 0.1 */
typedef enum { DUPLICATES_SUM = 0, DUPLICATES_DROP } GraphDuplicates; /* weights of parallel edges are added, or the first one stays */
typedef enum { KEEP_ALL = 0, KEEP_LARGEST } GraphKeep; /* the whole graph, or its largest component (ties: smallest vertex) */

typedef struct GraphSpec {
  GraphKind       kind;
  char            file[256]; /* FILE */
  GraphFormat     format;    /* FILE; auto: by content, not by name */
  bool            ignore_weights;
  GraphDuplicates duplicates; /* FILE */
  GraphKeep       keep;
  GraphWeights    weights; /* generators */
  uint64_t        seed;    /* of random generators and random weights */
  int64_t         nodes;   /* PATH, CYCLE, COMPLETE, ERDOS_RENYI, STOCHASTIC_BLOCK, WATTS_STROGATZ, BARABASI_ALBERT, GEOMETRIC, DELAUNAY */
  int64_t         width, height, depth;          /* GRID_2D, TORUS: width x height; GRID_3D */
  int64_t         dimension;                     /* HYPERCUBE */
  int64_t         clique_size, cliques, bridges; /* BARBELL (two cliques), CHAIN: equal cliques, `bridges` edges at each joint */
  double
      degree; /* mean degree: ERDOS_RENYI, GEOMETRIC; neighbours in the ring: WATTS_STROGATZ; edges a new vertex brings: BARABASI_ALBERT */
  double  rewire;                /* WATTS_STROGATZ */
  int64_t blocks;                /* STOCHASTIC_BLOCK: blocks of nearly equal size */
  double  degree_in, degree_out; /* STOCHASTIC_BLOCK: mean number of neighbours inside and outside the own block */
  int64_t scale;                 /* RMAT: 2^scale vertices, edge_factor 2^scale draws (Graph500: a, b, c = 0.57, 0.19, 0.19) */
  double  edge_factor, rmat_a, rmat_b, rmat_c;
} GraphSpec;

/* What reading or generating dropped or changed. Counts. */
typedef struct GraphReport {
  int64_t entries;                         /* edges as drawn or as they stood in the file */
  int64_t loops;                           /* self-loops dropped */
  int64_t duplicates;                      /* parallel edges (also the two directions of one edge) merged or dropped */
  int64_t zeros;                           /* explicit entries of weight 0 dropped */
  int64_t components;                      /* before `keep` */
  int64_t isolated;                        /* vertices without edges, before `keep` */
  int64_t dropped_vertices, dropped_edges; /* by `keep: largest` */
  bool directed; /* the input gave directions, which are ignored: by a comment `Directed graph`, by two directions that differ, or because
                     * some edges but not all have both; a general matrix also when none has */
} GraphReport;

/* Errors of a file, as "path:line: message" or "path: message" lines, at most a dozen. Owned; start as {0}; free by
 * graph_errors_clear. */
typedef struct GraphErrors {
  int   n;
  char *line[12];
} GraphErrors;
void graph_errors_clear(GraphErrors *);

/* Cheap and approximate: expected vertices and edges (an upper bound of the edges to within their chance, mean + 8 standard deviations).
 * For files from their header or size. *n = *m = -1 when the file cannot be read. */
void graph_source_estimate(const GraphSpec *, int64_t *n, int64_t *m);

/* Checks parameters that only make sense together ("watts_strogatz: degree must be even and below nodes"); NULL when all is well, else one
 * sentence (static or in `message`, 256 bytes) and the name of the GraphSpec field it is about. */
const char *graph_source_check(const GraphSpec *, const char **field, char message[256]);

/* The whole graph on this process. Not collective. id: the input's own number of every vertex (n), owned by the caller (PetscFree); NULL
 * in *id when they are 0..n-1. Faults of the file go to errors and leave *out NULL; PetscErrorCode is for a broken world (memory).
 * An empty graph (no vertices, or no edges) of a file is a fault. */
PetscErrorCode graph_source_build(const GraphSpec *, Graph **out, int64_t **id, GraphReport *, GraphErrors *errors);

/* The same result, shared: kept until another spec is asked for, so that check, declare, cost and run of a trial build it once. Borrowed:
 * valid until the next call with another spec, or memo_clear (memo.h), which belongs before PetscFinalize. Fields that the kind does not
 * use do not matter (the seed of a grid of unit weights); a file is another one when its size or time of change is. */
PetscErrorCode graph_source_shared(const GraphSpec *, const Graph **out, const int64_t **id, GraphReport *, GraphErrors *errors);

/* Pairs of vertices from a text file, one a line, in the input's own numbers (id: as graph_source_build gives it; n vertices); comments
 * start with # or %; a pair may hold one vertex twice. u, v: (n_pairs), owned by the caller (PetscFree), NULL when errors tell why. */
PetscErrorCode graph_read_pairs(const char *path, int64_t n, const int64_t *id, int64_t *n_pairs, int64_t **u, int64_t **v,
                                GraphErrors *errors);

/* A graph distributed by rows: rank r of comm owns vertices [range[r], range[r + 1]) and their neighbours, so every edge is held at both
 * its ends. Edges are numbered by (u, v), as in the whole graph; those with u local are [first_edge, first_edge + n_edges). */
typedef struct GraphRows {
  MPI_Comm comm;    /* not owned */
  int64_t  n, m;    /* of the whole graph */
  int64_t *range;   /* (ranks + 1) */
  int64_t  n_local; /* vertices of this rank */
  int64_t *start;   /* (n_local + 1) */
  int64_t *column;  /* (start[n_local]) global numbers, ascending in a row */
  double  *weight;  /* the same; NULL: all 1 */
  int64_t  first_edge, n_edges;
} GraphRows;

/* Collective on comm. Generators: every rank draws its share (Delaunay: one rank). Files: rank 0 reads and sends; it holds the list
 * of edges meanwhile. `keep: largest` is honoured. Rows are cut so that ranks hold about equally many neighbours and vertices. */
PetscErrorCode graph_rows_build(MPI_Comm, const GraphSpec *, GraphRows **out, GraphReport *, GraphErrors *errors);
PetscErrorCode graph_rows_from_graph(MPI_Comm, const Graph *, GraphRows **out); /* graph: the same on all ranks; edges sorted by (u, v) */
void           graph_rows_destroy(GraphRows **);
/* Component of each local vertex, numbered 0.. by smallest vertex; *count is global. Collective. */
PetscErrorCode graph_rows_components(const GraphRows *, int64_t *component, int64_t *count);

#endif
