/* SPDX-License-Identifier: BSD-2-Clause
 * Workspace of the graph transformer's kernels, and their doors, one set per ISA level.
 *
 * Lane = channel. Rows are vertices, or ordered pairs i n + j, or one row for the graph. Edges go through a layer in strips: all pairs of a
 * few query vertices i, so that a strip's activations stay in L1. What the backward pass needs is kept for a whole graph.
 * Edges of the first layer have few distinct rows: without pair features one a class and one for the diagonal, with them one for every pair
 * i < j. `row_of` says which; the input perceptron and the first layer's E1 and E2 are computed for distinct rows alone, and derivatives
 * are summed over the pairs that share a row. */
#ifndef MYOPIA_TRANSFORMER_PLAN_H
#define MYOPIA_TRANSFORMER_PLAN_H

#include "transformer.h"

/* L in the kernels' form, 64-byte aligned. lanes: out rounded up to 16. Maps of y have one row a graph: rows of LATER_ROWS graphs are kept
 * and make their gradient at once, so that it does not pass through the caches for every graph. Input maps have no w. */
enum { LATER_ROWS = 16 };
typedef struct Map {
  LinearAt   at;
  int        in, out, lanes;
  float     *w, *t, *b;         /* (lanes, in), (in, lanes), (lanes): E1, ye2, yx2 with 1 added to b; padded lanes 0, in b -1e30 */
  float     *d, *d_b;           /* gradient: (lanes, in), of an input map (in, lanes); (lanes) */
  float     *later_x, *later_d; /* (LATER_ROWS, in), (LATER_ROWS, out); NULL: not a map of y */
  const int *held;              /* how many rows are kept */
} Map;
typedef struct Norm {
  NormAt at;
  int    width;
  float *w, *b, *d_w, *d_b;
} Norm;

enum { MAP_Q, MAP_K, MAP_V, MAP_E1, MAP_E2, MAP_YE1, MAP_YE2, MAP_E_OUT, MAP_YX1, MAP_YX2, MAP_X_OUT, MAP_YY, MAP_XY, MAP_EY };
enum { MAP_Y_OUT1 = MAP_EY + 1, MAP_Y_OUT2, MAP_FFX1, MAP_FFX2, MAP_FFE1, MAP_FFE2, MAP_FFY1, MAP_FFY2, LAYER_MAPS };
enum { NORM_X1, NORM_X2, NORM_E1, NORM_E2, NORM_Y1, NORM_Y2, LAYER_NORMS };
enum { IN_X1, IN_X2, IN_E1, IN_E2, IN_Y1, IN_Y2, OUT_X1, OUT_X2, OUT_E1, OUT_E2, END_MAPS };

/* Of norm(x + drop(branch)): normalised values, 1 / std of every row, factors of dropout (NULL without). */
typedef struct Residual {
  float *hat, *inverse, *factor;
} Residual;

typedef struct Layer {
  Map      map[LAYER_MAPS];
  Norm     norm[LAYER_NORMS];
  bool     updates_x, updates_y;
  float   *x, *y;                              /* inputs (n, dx), (dy) */
  float   *q, *k, *v, *w, *mixed_x, *share;    /* (n, dx); q times the scale; share: 1 / sum of a over j */
  float   *g, *s, *a;                          /* (n n, dx): 1 + E1, S, exp(S - max); g is not used in the first layer */
  float   *ye1, *ye2, *yx1, *yx2;              /* (dx), ye2 and yx2 plus 1 */
  float   *pool_x, *pool_e, *y_sum, *y_hidden; /* (2 dx), (2 de), (dy), (dy) */
  Residual residual[LAYER_NORMS];              /* in the order of norms */
  float   *hidden_x, *hidden_e, *hidden_y;     /* (n, ff_x), (n n, ff_e), (ff_y) */
} Layer;

enum { STRIP_ROWS = 64, STRIPS = 5, LOGIT_LANES = 16 };

typedef struct Transformer Transformer;
typedef struct TransformerKernels {
  void (*forward)(Transformer *, const DenoiserGraph *, bool keep);
  double (*gradient)(Transformer *, const DenoiserGraph *, const DenoiserTarget *, float scale);
  void (*finish)(Transformer *); /* what is kept goes into the gradient */
} TransformerKernels;

struct Transformer {
  DenoiserSpec       spec;
  TransformerLayout  at;
  TransformerKernels kernels;
  Map                end[END_MAPS];
  Layer              layer[TRANSFORMER_LAYERS_MAX];
  float             *memory; /* all arrays; the gradient's lie together at the front */
  float             *own;    /* (P) a graph's gradient, where it is wanted */
  int64_t            gradient_floats;
  /* The graph at hand. */
  int       held;          /* graphs whose rows of y are kept */
  int       n, rows;       /* vertices; distinct rows of edges of the first layer */
  uint16_t *row_of;        /* (n n) */
  int      *hot_x, *hot_e; /* (n, 2), (rows, 2): columns of the input that are 1, or -1; -2: the row is zeros */
  float    *x, *y;         /* (n, dx), (dy) output of the last layer */
  float    *in_y, *hidden_x, *hidden_e, *hidden_y, *e0, *g0, *s0; /* inputs; e0 (rows, de), g0 and s0 (rows, dx): 1 + E1, E2 */
  float    *head_x, *head_e, *node_logit, *edge_logit;            /* (n, ff_x), (n n, ff_e), (n, 16), (pairs, 16) */
  /* Derivatives; d_e (n n, de), others as what they are derivatives of. */
  float *d_x, *d_e, *d_y, *d_q, *d_k, *d_v, *d_w, *d_g0, *d_s0, *d_e0, *d_node; /* d_node (n, widest) */
  float *d_mixed[4], *d_pool_x, *d_pool_e;                                      /* by ye1, ye2, yx1, yx2 (dx) */
  /* Of a strip. */
  float *strip[STRIPS]; /* (STRIP_ROWS, widest) */
};

#endif
