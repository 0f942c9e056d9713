/* SPDX-License-Identifier: BSD-2-Clause
 * The plain reference of the graph transformer: what a forward pass of one graph leaves for the backward pass, all in float64, row-major.
 * Vertices i, ordered pairs i n + j. */
#ifndef MYOPIA_TRANSFORMER_REFERENCE_H
#define MYOPIA_TRANSFORMER_REFERENCE_H

#include "transformer.h"

/* Of norm(x + drop(branch)): the branch, what the norm is applied to, and the factor of each entry (0 or 1 / (1 - dropout)). */
typedef struct PlainResidual {
  double *branch, *factor, *sum, *out;
} PlainResidual;

/* Residual and L(relu(L(.))) of it: hidden after the ReLU. */
typedef struct PlainUpdate {
  PlainResidual first, second;
  double       *hidden;
} PlainUpdate;

typedef struct PlainLayer {
  double     *x, *e, *y; /* inputs */
  double     *q, *k, *v, *e1, *e2, *ye1, *ye2, *yx1, *yx2;
  double     *product, *score, *mixed_e; /* q k / sqrt(dx / heads), S, ye1 + (1 + ye2) S: (n n, dx) */
  double     *a, *w, *mixed_x;           /* softmax (n n, dx), W and yx1 + (1 + yx2) W (n, dx) */
  double     *pool_x, *pool_e, *y_sum, *y_hidden;
  PlainUpdate update_x, update_e, update_y;
} PlainLayer;

typedef struct PlainGraph {
  const DenoiserSpec  *spec;
  TransformerLayout    at;
  const double        *theta;
  double              *gradient; /* NULL: forward alone */
  bool                 dropout;
  int                  n;
  const DenoiserGraph *graph;
  double              *in_x, *in_e, *in_y, *hidden_x, *hidden_e, *hidden_y; /* input perceptrons */
  double              *x, *e, *y;                                           /* their outputs, then the last layer's */
  PlainLayer           layer[TRANSFORMER_LAYERS_MAX];
  double              *head_x, *head_e, *edge;  /* hidden of the heads, and their outputs of ordered pairs */
  double              *node_logit, *edge_logit; /* (n, a), (pairs, b) */
  void               **block;                   /* what is freed at the end */
  int                  blocks;
} PlainGraph;

double *plain_new(PlainGraph *, int64_t n); /* zeros */
void    plain_forward(PlainGraph *);
/* From derivatives by the logits (a > 1: node). Adds to the gradient. */
void plain_backward(PlainGraph *, const double *d_node, const double *d_edge);

#endif
