/* SPDX-License-Identifier: BSD-2-Clause
 * The graph transformer of DiGress (Vignac et al., "DiGress: Discrete denoising diffusion for graph generation", ICLR 2023, appendix), with
 * node channels X (n, dx), edge channels E (n, n, de) also on the diagonal, and a global vector y (dy). Attention is per channel, as in its
 * code: the softmax over j is taken for every channel on its own, heads enter the scale alone.
 *
 * Inputs: X_in (n, a + [n_max] + node features): one-hot class, one-hot vertex number if node_id, features. E_in (n, n, b + pair features):
 * one-hot class and features, symmetric, zero on the diagonal. y_in (1 + graph features): t / T, features.
 *   X = relu(L(relu(L(X_in))))   widths in, ff_x, dx;   E alike: in, ff_e, de;   y alike: in, ff_y, dy
 * Layer:
 *   q, k, v = L(X);  S_ijc = q_ic k_jc / sqrt(dx / heads);  S = S (1 + E1) + E2,  E1 = L(E), E2 = L(E)        (n, n, dx)
 *   dE = L(ye1 + (1 + ye2) S)                  ye1, ye2 = L(y)   dx channels;  dE: de
 *   A = softmax over j of S, W_ic = sum_j A_ijc v_jc,  dX = L(yx1 + (1 + yx2) W)    yx1, yx2 = L(y)
 *   dy = L(relu(L(L(y) + L([mean_i X, std_i X]) + L([mean_ij E, std_ij E]))))       widths dy, dy, dy; the std is sqrt(variance + 1e-5),
 *                                                                                    population variance; i, j over all n^2 entries
 *   X = norm(X + drop(dX)), E = norm(E + drop(dE)), y = norm(y + drop(dy))           layer norm, 1e-5, affine
 *   X = norm(X + drop(L(relu(L(X)))))          ff_x;  E alike ff_e;  y alike ff_y
 * Output: node logits = onehot class + L(relu(L(X))) (ff_x, a); edge logits = onehot class + (e_ij + e_ji) / 2, e = L(relu(L(E)))
 * (ff_e, b).
 * What reaches no output does not exist: the last layer has no y update (L of dy, norms, feed-forward), and where a = 1 it has no X update
 * (v, yx1, yx2, dX, norms, feed-forward) and there is no node head. PNA pooling is cut to mean and std: minimum and maximum are not smooth
 * where vertices are alike. Outer dropout alone.
 *
 * Parameters in this order, every L as W (out, in) row-major then b (out), a norm as weight then bias:
 *   input: X in->ff_x, ff_x->dx; E in->ff_e, ff_e->de; y in->ff_y, ff_y->dy
 *   layer: q, k, [v]; E1, E2; ye1, ye2; e_out; [yx1, yx2, x_out]; (yy, xy (dy, 2 dx), ey (dy, 2 de), y_out1, y_out2);
 *          [normX1, ff X1 dx->ff_x, ff X2 ff_x->dx, normX2]; normE1, ffE1, ffE2, normE2; (normy1, ffy1, ffy2, normy2)
 *          [..] not in the last layer when a = 1; (..) not in the last layer
 *   output: [node head dx->ff_x, ff_x->a when a > 1]; edge head de->ff_e, ff_e->b */
#ifndef MYOPIA_TRANSFORMER_H
#define MYOPIA_TRANSFORMER_H

#include "denoiser_private.h"

/* Offsets of every matrix and vector in the flat parameters; -1: does not exist. One list, used by the kernels and by the reference. */
typedef struct LinearAt {
  int64_t w, b;
  int     in, out;
} LinearAt;
typedef struct NormAt {
  int64_t w, b;
} NormAt;
typedef struct LayerAt {
  int64_t  first, last;
  LinearAt q, k, v, e1, e2, ye1, ye2, e_out, yx1, yx2, x_out, yy, xy, ey, y_out1, y_out2, ffx1, ffx2, ffe1, ffe2, ffy1, ffy2;
  NormAt   norm_x1, norm_x2, norm_e1, norm_e2, norm_y1, norm_y2;
  bool     updates_x, updates_y;
} LayerAt;
typedef struct TransformerLayout {
  LinearAt in_x1, in_x2, in_e1, in_e2, in_y1, in_y2, out_x1, out_x2, out_e1, out_e2;
  LayerAt  layer[TRANSFORMER_LAYERS_MAX];
  int64_t  parameters;
} TransformerLayout;

enum { TRANSFORMER_WIDTH_MAX = 1024, TRANSFORMER_FEATURES_MAX = 64, TRANSFORMER_LINEARS_MAX = 22 * TRANSFORMER_LAYERS_MAX + 10 };

void transformer_layout(const DenoiserSpec *, TransformerLayout *);
/* All linear maps that exist, their number is returned. */
int transformer_linears(const DenoiserSpec *, const TransformerLayout *, LinearAt out[TRANSFORMER_LINEARS_MAX]);

static inline int transformer_in_x(const DenoiserSpec *s) { return s->a + (s->node_id ? s->n : 0) + s->node_features; }

/* Dropout: entry `entry` (row * width + channel; rows are vertices i, ordered pairs i n + j of the graph's own n, or the graph) of a
 * residual branch is kept where its word of Philox (key of the graph, entry / 4, draw = 6 layer + branch, RNG_DROPOUT) is at least this. */
enum { BRANCH_X = 0, BRANCH_E, BRANCH_Y, BRANCH_FFX, BRANCH_FFE, BRANCH_FFY, BRANCHES };
static inline uint32_t transformer_threshold(const DenoiserSpec *s) { return (uint32_t)(s->dropout * 4294967296.0); }

/* Functions of the table of operations. */
int64_t        transformer_parameters(const DenoiserSpec *);
double         transformer_flops(const DenoiserSpec *, int n);
double         transformer_step_seconds(const DenoiserSpec *, int n);
void           transformer_init(const DenoiserSpec *, uint64_t key, float *theta);
int            transformer_parts(const DenoiserSpec *, DenoiserPart *);
const char    *transformer_check(const DenoiserSpec *, char message[256]);
PetscErrorCode transformer_reference(const DenoiserSpec *, const double *theta, int count, const DenoiserGraph *, const DenoiserTarget *,
                                     double scale, bool with_dropout, double *node, double *edge, double *gradient, double *loss);

#endif
