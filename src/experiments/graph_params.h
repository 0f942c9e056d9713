/* SPDX-License-Identifier: BSD-2-Clause
 * What the experiments on given graphs (resistance, spectrum, sparsify) share: the parameters that name a graph, its size and reading
 * errors before any work, and the columns that say what graph it was. An experiment embeds a GraphParams, lists GRAPH_PARAMS in its table,
 * and hands it to the functions below. */
#ifndef MYOPIA_GRAPH_PARAMS_H
#define MYOPIA_GRAPH_PARAMS_H

#include "experiment.h"
#include "graph_source.h"

typedef struct GraphParams {
  int     kind, format, weights, duplicates, keep; /* indices into the choices of graph_source.h */
  bool    ignore_weights;
  char    file[PARAM_TEXT_MAX];
  int64_t graph_seed, nodes, width, height, depth, dimension, clique_size, cliques, bridges, blocks, scale;
  double  degree, rewire, degree_in, degree_out, edge_factor, rmat_a, rmat_b, rmat_c;
} GraphParams;

/* Rows of a ParamSpec table: name, type, offset, default, min, max, flags, unit, choices, used with, its values, help. */
/* clang-format off */
#define GRAPH_ROW(P, name, type, field, fallback, min, max, flags, unit, choices, values, help) \
  {name, type, offsetof(P, graph.field), fallback, min, max, flags, unit, choices, (values) ? "graph" : NULL, values, help}
#define GRAPH_RANDOM "erdos_renyi|stochastic_block|watts_strogatz|barabasi_albert|geometric|delaunay"
#define GRAPH_PARAMS(P) \
  GRAPH_ROW(P, "graph", PARAM_CHOICE, kind, "grid_2d", 0, 0, 0, "1", graph_kind_names, NULL, "a file, or the generator of the graph"), \
  GRAPH_ROW(P, "file", PARAM_TEXT, file, "", 0, 0, 0, "1", NULL, "file", "graph file: Matrix Market, edge list or METIS, also gzipped"), \
  GRAPH_ROW(P, "format", PARAM_CHOICE, format, "auto", 0, 0, 0, "1", graph_format_names, "file", \
            "of the file; auto looks at its content"), \
  GRAPH_ROW(P, "ignore_weights", PARAM_BOOL, ignore_weights, "false", 0, 0, 0, "1", NULL, "file", "every edge of the file has weight 1"), \
  GRAPH_ROW(P, "duplicates", PARAM_CHOICE, duplicates, "sum", 0, 0, 0, "1", graph_duplicates_names, "file", \
            "weights of parallel edges are added, or the first one stays"), \
  GRAPH_ROW(P, "component", PARAM_CHOICE, keep, "all", 0, 0, 0, "1", graph_keep_names, NULL, "the whole graph, or its largest component"), \
  GRAPH_ROW(P, "nodes", PARAM_INT, nodes, "1000", 1, 4e9, 0, "1", NULL, "path|cycle|complete|" GRAPH_RANDOM, "vertices"), \
  GRAPH_ROW(P, "width", PARAM_INT, width, "32", 1, 1e9, 0, "1", NULL, "grid_2d|grid_3d|torus", "vertices along x"), \
  GRAPH_ROW(P, "height", PARAM_INT, height, "32", 1, 1e9, 0, "1", NULL, "grid_2d|grid_3d|torus", "vertices along y"), \
  GRAPH_ROW(P, "depth", PARAM_INT, depth, "8", 1, 1e9, 0, "1", NULL, "grid_3d", "vertices along z"), \
  GRAPH_ROW(P, "dimension", PARAM_INT, dimension, "8", 1, 30, 0, "1", NULL, "hypercube", "2^dimension vertices"), \
  GRAPH_ROW(P, "clique_size", PARAM_INT, clique_size, "8", 2, 1e6, 0, "1", NULL, "barbell|chain", "vertices of a clique"), \
  GRAPH_ROW(P, "cliques", PARAM_INT, cliques, "4", 2, 1e6, 0, "1", NULL, "chain", "cliques in a row"), \
  GRAPH_ROW(P, "bridges", PARAM_INT, bridges, "1", 1, 1e6, 0, "1", NULL, "barbell|chain", \
            "vertex-disjoint edges between neighbouring cliques"), \
  GRAPH_ROW(P, "degree", PARAM_REAL, degree, "8", 0, 1e9, PARAM_OPEN_MIN, "1", NULL, \
            "erdos_renyi|watts_strogatz|barabasi_albert|geometric", \
            "mean degree; watts_strogatz: neighbours in the ring; barabasi_albert: edges a new vertex brings"), \
  GRAPH_ROW(P, "rewire", PARAM_REAL, rewire, "0.1", 0, 1, 0, "1", NULL, "watts_strogatz", "probability that an edge is rewired"), \
  GRAPH_ROW(P, "blocks", PARAM_INT, blocks, "4", 1, 1e6, 0, "1", NULL, "stochastic_block", "communities of nearly equal size"), \
  GRAPH_ROW(P, "degree_in", PARAM_REAL, degree_in, "10", 0, 1e9, 0, "1", NULL, "stochastic_block", \
            "mean neighbours in the own community"), \
  GRAPH_ROW(P, "degree_out", PARAM_REAL, degree_out, "1", 0, 1e9, 0, "1", NULL, "stochastic_block", \
            "mean neighbours in other communities"), \
  GRAPH_ROW(P, "scale", PARAM_INT, scale, "12", 1, 32, 0, "1", NULL, "rmat", "2^scale vertices"), \
  GRAPH_ROW(P, "edge_factor", PARAM_REAL, edge_factor, "16", 0, 1e4, PARAM_OPEN_MIN, "1", NULL, "rmat", "edges drawn per vertex"), \
  GRAPH_ROW(P, "rmat_a", PARAM_REAL, rmat_a, "0.57", 0, 1, 0, "1", NULL, "rmat", "probability of the first quadrant (Graph500)"), \
  GRAPH_ROW(P, "rmat_b", PARAM_REAL, rmat_b, "0.19", 0, 1, 0, "1", NULL, "rmat", "of the second"), \
  GRAPH_ROW(P, "rmat_c", PARAM_REAL, rmat_c, "0.19", 0, 1, 0, "1", NULL, "rmat", "of the third"), \
  GRAPH_ROW(P, "weights", PARAM_CHOICE, weights, "unit", 0, 0, 0, "1", graph_weight_names, \
            "path|cycle|complete|hypercube|grid_2d|grid_3d|torus|barbell|chain|rmat|" GRAPH_RANDOM, \
            "edge weights: 1, uniform on (0.5, 1.5), or 0.1 + exponential of mean 1"), \
  GRAPH_ROW(P, "graph_seed", PARAM_INT, graph_seed, "1", 0, 9e15, 0, "1", NULL, \
            "path|cycle|complete|hypercube|grid_2d|grid_3d|torus|barbell|chain|rmat|" GRAPH_RANDOM, \
            "of a random graph or of random weights: replicates share the graph, sweep this for other ones")
/* clang-format on */

/* An execution parameter of these experiments: field memory_limit of P. */
#define MEMORY_LIMIT_PARAM(P)                                                                                                              \
  {                                                                                                                                        \
    "memory_limit", PARAM_REAL, offsetof(P, memory_limit), "0", 0, 1e9, PARAM_EXECUTION, "GB", NULL, NULL, NULL,                           \
        "memory a rank may use; 0: what its host has free"                                                                                 \
  }

/* Beyond this many expected edges arrays are not recorded, and the graph is not built before the run. */
enum { GRAPH_ARRAYS_EDGES_MAX = 1 << 26 };

GraphSpec graph_params_spec(const GraphParams *);
/* Rules across fields; a file is read now, and all its errors told. */
void graph_params_check(const GraphParams *, Diagnostics *);
/* Exact vertices and edges, by building the graph; *known false (and the sizes expected ones) where it is too large for arrays. */
PetscErrorCode graph_params_size(const GraphParams *, int64_t *n, int64_t *m, bool *known);
/* Whether separators are small, so that a sparse factor stays sparse: meshes, trees, graphs in the plane; not power laws and expanders. */
bool graph_params_is_mesh(const GraphParams *);
/* Expected entries of the Laplacian's Cholesky factor: 3 n log2 n on a mesh; a quarter of the vertices form a dense rest elsewhere. */
double graph_params_factor(const GraphParams *);
void   graph_params_expect(const GraphParams *, double *n, double *m); /* without building it; 1 at least */

/* The graph of a trial, built once for all that ask in a row. Borrowed. message (RESULT_MESSAGE_MAX): why there is none, else "". id NULL:
 * vertices are numbered as in the input. memory_limit [B], 0: none: a graph
 * that is expected to need more is not built. */
PetscErrorCode graph_params_build(const GraphParams *, double memory_limit, const Graph **, const int64_t **id, GraphReport *,
                                  char *message);

/* Metrics nodes, edges, components, bridges, blocks, largest_block, isolated, dropped_loops, dropped_duplicates. */
PetscErrorCode graph_params_declare(ResultSchema *);
PetscErrorCode graph_params_fill(const Graph *, const GraphBlocks *, const GraphReport *, int64_t row, Result *);

/* Array `edges` of a recorded row: end points u, v (n) in the input's own numbers. */
PetscErrorCode graph_params_put_edges(Result *, int64_t row, int64_t n, const int64_t *u, const int64_t *v, const int64_t *id);
/* Sets metric `name` of a row. */
PetscErrorCode graph_params_put(Result *, const char *name, int64_t row, double value);

/* Largest resident memory of a rank since the trial began. Collective. */
PetscErrorCode graph_params_peak_memory(MPI_Comm, double *bytes);

#endif
