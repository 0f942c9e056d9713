/* SPDX-License-Identifier: BSD-2-Clause
 * Backward pass of the graph transformer's layers, one graph, lane = channel, after a forward pass that kept what it needs. Derivatives of
 * edges go strip by strip, in the place of those by the layer's output; weights' derivatives are outer products summed over a strip in
 * registers. With A = softmax(S) and W = sum_j A v: dS_ij = A_ij dW_i (v_j - W_i), channel by channel. */
#include "transformer_kernel.h"
#include "transformer_rows.h"

/* From d (rows, width) by norm(x + drop(L(from))), in place to that by the sum; branch: that by L's output, which is d itself without
 * dropout. */
static const float *residual_back(Layer *y, int which, int64_t first, int rows, float *d, float *spare)
{
  const Norm    *norm = &y->norm[which];
  const Residual r    = y->residual[which];
  const int64_t  at   = first * norm->width;
  norm_back(norm, rows, r.hat + at, r.inverse + first, d);
  if (!r.factor) return d;
  rows_times((int64_t)rows * norm->width, d, r.factor + at, spare);
  return spare;
}

/* An update norm(z + drop(L2(relu(L1(z))))), z = norm(x + ...) with `inner` the inner norm: d by its output becomes that by z, then that by
 * the sum inside z. Returns the derivative by the inner branch. spare (3 arrays of rows). */
static const float *update_back(Layer *y, int inner, int outer, const Map *ff1, const Map *ff2, int64_t first, int rows,
                                const float *hidden, float *d, float *const spare[3])
{
  float       *z = spare[0], *d_hidden = spare[1];
  const float *branch = residual_back(y, outer, first, rows, d, spare[2]);
  norm_affine(&y->norm[inner], rows, y->residual[inner].hat + first * ff1->in, z);
  map_gradient(ff2, rows, hidden, branch);
  map_back(ff2, rows, branch, ff2->out, NULL, PRODUCT_WHERE, hidden, d_hidden);
  map_gradient(ff1, rows, z, d_hidden);
  map_back(ff1, rows, d_hidden, ff1->out, d, PRODUCT_STORE, NULL, d);
  return residual_back(y, inner, first, rows, d, spare[2]);
}

/* Rows that the scores of a query are made of; g rows of 1 + E1, or, in the first layer, those of distinct rows. */
typedef struct ScoreRows {
  const float    *g, *s, *a;
  const uint16_t *row; /* NULL but in the first layer */
} ScoreRows;

/* What the scores of query i hand on: ds on entry the derivative by u = ye1 + (1 + ye2) S, on return by E2 (and S); dg: by E1. */
VF_INLINE void scores_back(const Transformer *t, const Layer *y, int i, const ScoreRows in, const bool attends, float *ds, float *dg)
{
  const int    n = t->n, dx = t->spec.dx;
  const float *keys = y->k, *values = y->v;
  float       *d_k = t->d_k, *d_v = t->d_v;
  EACH(c, dx)
  {
    const Vf q = vf_load(y->q + i * dx + c), two = vf_load(y->ye2 + c);
    Vf       one = vf_load(t->d_mixed[0] + c), by_two = vf_load(t->d_mixed[1] + c), dq = vf_splat(0), dw = vf_splat(0), w = vf_splat(0);
    if (attends) {
      dw = vf_load(t->d_w + i * dx + c) * vf_load(y->share + i * dx + c);
      w  = vf_load(y->w + i * dx + c);
    }
    for (int j = 0, at = c; j < n; j++, at += dx) {
      const Vf du = vf_load(ds + at), k = vf_load(keys + at), g = vf_load(in.row ? in.g + in.row[j] * dx + c : in.g + at);
      Vf       d = du * two;
      one += du;
      by_two = vf_fma(du, vf_load(in.s + at), by_two);
      if (attends) {
        const Vf by_v = vf_load(in.a + at) * dw;
        d             = vf_fma(by_v, vf_load(values + at) - w, d);
        vf_store(d_v + at, vf_load(d_v + at) + by_v);
      }
      const Vf by_product = d * g;
      dq                  = vf_fma(by_product, k, dq);
      vf_store(d_k + at, vf_fma(by_product, q, vf_load(d_k + at)));
      vf_store(ds + at, d);
      vf_store(dg + at, d * (q * k));
    }
    vf_store(t->d_q + i * dx + c, dq);
    vf_store(t->d_mixed[0] + c, one);
    vf_store(t->d_mixed[1] + c, by_two);
  }
}

/* d (rows, de) += what the pooling of edges at the layer's input e hands on. */
static void pooled_back(const Transformer *t, const Layer *y, int rows, const float *e, float *d)
{
  const int   de    = t->spec.de;
  const float share = 1.0f / (float)(t->n * t->n);
  EACH(c, de)
  {
    const Vf slope = vf_load(t->d_pool_e + de + c) * share / vf_load(y->pool_e + de + c);
    const Vf mean = vf_load(y->pool_e + c), plain = vf_load(t->d_pool_e + c) * share;
    for (int r = 0; r < rows; r++) {
      float *to = d + r * de + c;
      vf_store(to, vf_load(to) + vf_fma(slope, vf_load(e + r * de + c) - mean, plain));
    }
  }
}

/* Adds rows to the distinct rows they belong to. */
static void scatter(const uint16_t *row, int rows, int width, const float *x, float *sum)
{
  for (int r = 0; r < rows; r++) {
    float *to = sum + (int64_t)row[r] * width;
    EACH(c, width) vf_store(to + c, vf_load(to + c) + vf_load(x + r * width + c));
  }
}

static void edge_strip_back(Transformer *t, int l, int first, int height)
{
  Layer          *y = &t->layer[l];
  const int       n = t->n, dx = t->spec.dx, de = t->spec.de, rows = height * n;
  const int64_t   pair = (int64_t)first * n;
  const Map      *e1 = &y->map[MAP_E1], *e2 = &y->map[MAP_E2], *out = &y->map[MAP_E_OUT];
  float          *d = t->d_e + pair * de, *e = t->strip[0], *u = t->strip[1], *ds = t->strip[3], *dg = t->strip[4];
  const float    *s        = y->s + pair * dx;
  float *const    spare[3] = {t->strip[0], t->strip[1], t->strip[2]};
  const uint16_t *row      = l == 0 ? t->row_of + pair : NULL;
  const float    *branch =
      update_back(y, NORM_E1, NORM_E2, &y->map[MAP_FFE1], &y->map[MAP_FFE2], pair, rows, y->hidden_e + pair * t->spec.ff_e, d, spare);
  EACH(c, dx)
  {
    const Vf one = vf_load(y->ye1 + c), two = vf_load(y->ye2 + c);
    for (int r = 0; r < rows; r++) vf_store(u + r * dx + c, vf_fma(two, vf_load(s + r * dx + c), one));
  }
  map_gradient(out, rows, u, branch);
  map_back(out, rows, branch, de, NULL, PRODUCT_STORE, NULL, ds);
  for (int i = 0; i < height; i++) {
    const int       k  = i * n * dx;
    const ScoreRows in = {row ? t->g0 : y->g + pair * dx + k, s + k, y->a + pair * dx + k, row ? row + i * n : NULL};
    if (y->updates_x)
      scores_back(t, y, first + i, in, true, ds + k, dg + k);
    else
      scores_back(t, y, first + i, in, false, ds + k, dg + k);
  }
  layer_edges(t, l, pair, rows, e);
  if (y->updates_y) pooled_back(t, y, rows, e, d);
  if (row) {
    scatter(row, rows, dx, dg, t->d_g0);
    scatter(row, rows, dx, ds, t->d_s0);
    scatter(row, rows, de, d, t->d_e0);
    return;
  }
  map_gradient(e1, rows, e, dg);
  map_gradient(e2, rows, e, ds);
  map_back(e1, rows, dg, dx, d, PRODUCT_STORE, NULL, d);
  map_back(e2, rows, ds, dx, d, PRODUCT_STORE, NULL, d);
}

/* The update of y: d_y by its output becomes that by its input; derivatives by the pooled values. */
static void global_back(Transformer *t, Layer *y)
{
  const Map   *map      = y->map;
  const int    dy       = t->spec.dy;
  float *const spare[3] = {t->strip[0], t->strip[1], t->strip[2]};
  float       *d_hidden = t->strip[3], *d_sum = t->strip[4];
  const float *branch = update_back(y, NORM_Y1, NORM_Y2, &map[MAP_FFY1], &map[MAP_FFY2], 0, 1, y->hidden_y, t->d_y, spare);
  map_gradient(&map[MAP_Y_OUT2], 1, y->y_hidden, branch);
  map_back(&map[MAP_Y_OUT2], 1, branch, dy, NULL, PRODUCT_WHERE, y->y_hidden, d_hidden);
  map_gradient(&map[MAP_Y_OUT1], 1, y->y_sum, d_hidden);
  map_back(&map[MAP_Y_OUT1], 1, d_hidden, dy, NULL, PRODUCT_STORE, NULL, d_sum);
  map_gradient(&map[MAP_YY], 1, y->y, d_sum);
  map_gradient(&map[MAP_XY], 1, y->pool_x, d_sum);
  map_gradient(&map[MAP_EY], 1, y->pool_e, d_sum);
  map_back(&map[MAP_YY], 1, d_sum, dy, t->d_y, PRODUCT_STORE, NULL, t->d_y);
  map_back(&map[MAP_XY], 1, d_sum, dy, NULL, PRODUCT_STORE, NULL, t->d_pool_x);
  map_back(&map[MAP_EY], 1, d_sum, dy, NULL, PRODUCT_STORE, NULL, t->d_pool_e);
}

/* The update of X up to W: d_x by its output becomes that by the residual path; d_w, and derivatives by yx1 and yx2. */
static void node_update_back(Transformer *t, Layer *y)
{
  const int    n = t->n, dx = t->spec.dx;
  const Map   *out      = &y->map[MAP_X_OUT];
  float *const spare[3] = {t->d_node, t->d_q, t->d_w}; /* d_q (n, widest) is not in use yet */
  const float *branch   = update_back(y, NORM_X1, NORM_X2, &y->map[MAP_FFX1], &y->map[MAP_FFX2], 0, n, y->hidden_x, t->d_x, spare);
  map_gradient(out, n, y->mixed_x, branch);
  map_back(out, n, branch, dx, NULL, PRODUCT_STORE, NULL, t->d_node);
  EACH(c, dx)
  {
    const Vf two = vf_load(y->yx2 + c);
    Vf       one = vf_splat(0), by_two = vf_splat(0);
    for (int i = 0; i < n; i++) {
      const Vf d = vf_load(t->d_node + i * dx + c);
      one += d;
      by_two = vf_fma(d, vf_load(y->w + i * dx + c), by_two);
      vf_store(t->d_w + i * dx + c, d * two);
    }
    vf_store(t->d_mixed[2] + c, one);
    vf_store(t->d_mixed[3] + c, by_two);
  }
}

/* d_x += what the pooling of vertices hands on. */
static void pooled_nodes_back(Transformer *t, const Layer *y)
{
  const int   n = t->n, dx = t->spec.dx;
  const float share = 1.0f / (float)n;
  EACH(c, dx)
  {
    const Vf slope = vf_load(t->d_pool_x + dx + c) * share / vf_load(y->pool_x + dx + c);
    const Vf mean = vf_load(y->pool_x + c), plain = vf_load(t->d_pool_x + c) * share;
    for (int i = 0; i < n; i++) {
      float *to = t->d_x + i * dx + c;
      vf_store(to, vf_load(to) + vf_fma(slope, vf_load(y->x + i * dx + c) - mean, plain));
    }
  }
}

/* A map of vertices or of y: its gradient, and its share of d_x. */
static void share_back(const Map *m, int rows, const float *x, const float *d, float *d_x)
{
  map_gradient(m, rows, x, d);
  map_back(m, rows, d, m->out, d_x, PRODUCT_STORE, NULL, d_x);
}

static void node_maps_back(Transformer *t, Layer *y)
{
  const int n = t->n, dx = t->spec.dx;
  const Vf  scale = vf_splat((float)(1 / __builtin_sqrt((double)dx / t->spec.heads)));
  for (int k = 0; k < n * dx; k += VF_LANES) vf_store(t->d_q + k, vf_load(t->d_q + k) * scale);
  share_back(&y->map[MAP_Q], n, y->x, t->d_q, t->d_x);
  share_back(&y->map[MAP_K], n, y->x, t->d_k, t->d_x);
  share_back(&y->map[MAP_YE1], 1, y->y, t->d_mixed[0], t->d_y);
  share_back(&y->map[MAP_YE2], 1, y->y, t->d_mixed[1], t->d_y);
  if (!y->updates_x) return;
  share_back(&y->map[MAP_V], n, y->x, t->d_v, t->d_x);
  share_back(&y->map[MAP_YX1], 1, y->y, t->d_mixed[2], t->d_y);
  share_back(&y->map[MAP_YX2], 1, y->y, t->d_mixed[3], t->d_y);
}

static void layer_back(Transformer *t, int l)
{
  Layer       *y = &t->layer[l];
  const int    n = t->n, dx = t->spec.dx, height = strip_height(n);
  const size_t nodes = (size_t)(n * dx) * sizeof(float);
  if (y->updates_y) global_back(t, y);
  if (y->updates_x) node_update_back(t, y);
  memset(t->d_k, 0, nodes);
  memset(t->d_v, 0, nodes);
  memset(t->d_mixed[0], 0, (size_t)dx * sizeof(float));
  memset(t->d_mixed[1], 0, (size_t)dx * sizeof(float));
  for (int i = 0; i < n; i += height) edge_strip_back(t, l, i, i + height < n ? height : n - i);
  node_maps_back(t, y);
  if (y->updates_y) pooled_nodes_back(t, y);
}

static void finish_map(const Map *m, int rows)
{
  if (m->later_x) map_gradient_now(m, rows, m->later_x, m->later_d);
}

void KERNEL(transformer_finish)(Transformer *t)
{
  for (int k = 0; k < END_MAPS; k++) finish_map(&t->end[k], t->held);
  for (int l = 0; l < t->spec.layers; l++)
    for (int k = 0; k < LAYER_MAPS; k++) finish_map(&t->layer[l].map[k], t->held);
  t->held = 0;
}

double KERNEL(transformer_gradient)(Transformer *t, const DenoiserGraph *g, const DenoiserTarget *target, float scale)
{
  KERNEL(transformer_forward)(t, g, true);
  const double loss = KERNEL(transformer_heads_back)(t, target, scale);
  memset(t->d_y, 0, (size_t)t->spec.dy * sizeof(float));
  memset(t->d_g0, 0, (size_t)(t->rows * t->spec.dx) * sizeof(float));
  memset(t->d_s0, 0, (size_t)(t->rows * t->spec.dx) * sizeof(float));
  memset(t->d_e0, 0, (size_t)(t->rows * t->spec.de) * sizeof(float));
  for (int l = t->spec.layers - 1; l >= 0; l--) layer_back(t, l);
  KERNEL(transformer_inputs_back)(t, g);
  if (++t->held == LATER_ROWS) KERNEL(transformer_finish)(t);
  return loss;
}
