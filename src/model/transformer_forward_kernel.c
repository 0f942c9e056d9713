/* SPDX-License-Identifier: BSD-2-Clause
 * Forward pass of the graph transformer's layers, one graph, lane = channel. Edges strip by strip: all of a layer's maps of edges, scores
 * and attention of a few query vertices while they are in L1. With `keep` what the backward pass needs is kept for all pairs, else only
 * what the next layer needs. Inputs and heads are in transformer_ends_kernel.c. */
#include "transformer_kernel.h"
#include "transformer_rows.h"

/* norm(x + drop(branch)) of rows `first` .., branch = L(from): hat and inverse of these rows, and in `out` their affine image. */
static void residual_forward(Transformer *t, const DenoiserGraph *g, Layer *y, int which, int draw, const Map *map, int64_t first, int rows,
                             const float *from, const float *x, bool keep, float *out)
{
  const Norm *norm  = &y->norm[which];
  const int   width = norm->width;
  Residual    r     = y->residual[which];
  float      *hat = r.hat + first * width, *inverse = r.inverse + first;
  const bool  dropped = keep && r.factor;
  map_forward(map, rows, from, dropped ? PRODUCT_STORE : PRODUCT_ADD, x, hat);
  if (dropped) {
    float *factor = r.factor + first * width;
    dropout_factors(&t->spec, g->dropout, draw, first, rows, width, factor);
    for (int k = 0; k < rows * width; k += VF_LANES) vf_store(hat + k, vf_fma(vf_load(hat + k), vf_load(factor + k), vf_load(x + k)));
  }
  norm_forward(rows, width, hat, hat, inverse);
  if (out) norm_affine(norm, rows, hat, out);
}

/* S = q k (1 + E1) + E2 and u = ye1 + (1 + ye2) S of the pairs of query i. g: rows of 1 + E1; s: E2 on entry. */
static void scores(const Transformer *t, const Layer *y, int i, const float *g, float *s, float *u)
{
  const int n = t->n, dx = t->spec.dx;
  EACH(c, dx)
  {
    const Vf q = vf_load(y->q + i * dx + c), one = vf_load(y->ye1 + c), two = vf_load(y->ye2 + c);
    for (int j = 0; j < n; j++) {
      const Vf score = vf_fma(q * vf_load(y->k + j * dx + c), vf_load(g + j * dx + c), vf_load(s + j * dx + c));
      vf_store(s + j * dx + c, score);
      vf_store(u + j * dx + c, vf_fma(two, score, one));
    }
  }
}

/* The same in the first layer, where E1 and E2 come from distinct rows. */
static void first_scores(const Transformer *t, const Layer *y, int i, float *s, float *u)
{
  const int       n = t->n, dx = t->spec.dx;
  const uint16_t *row = t->row_of + i * n;
  for (int j = 0; j < n; j++) {
    const float *g = t->g0 + (int64_t)row[j] * dx, *e2 = t->s0 + (int64_t)row[j] * dx;
    EACH(c, dx)
    {
      const Vf score = vf_fma(vf_load(y->q + i * dx + c) * vf_load(y->k + j * dx + c), vf_load(g + c), vf_load(e2 + c));
      vf_store(s + j * dx + c, score);
      vf_store(u + j * dx + c, vf_fma(vf_load(y->ye2 + c), score, vf_load(y->ye1 + c)));
    }
  }
}

/* e^x for x <= 0, at least e^-87; NaN stays. */
VF_INLINE Vf exp_negative(Vf x)
{
  const VfExp e     = vf_exp_parts(vf_max(vf_splat(-87.0f), x));
  const Vf    scale = (Vf)((e.n + 127) << 23);
  return vf_fma(e.p, scale, scale);
}

/* a = exp(S - max), 1 / sum of a, W = mean of v with these weights, u = yx1 + (1 + yx2) W, for query i. */
static void attention(const Transformer *t, Layer *y, int i, const float *s, float *a)
{
  const int n = t->n, dx = t->spec.dx;
  EACH(c, dx)
  {
    Vf top = vf_load(s + c), sum = vf_splat(0), w = vf_splat(0);
    for (int j = 1; j < n; j++) top = vf_max(top, vf_load(s + j * dx + c));
    for (int j = 0; j < n; j++) {
      const Vf e = exp_negative(vf_load(s + j * dx + c) - top);
      sum += e;
      w = vf_fma(e, vf_load(y->v + j * dx + c), w);
      vf_store(a + j * dx + c, e);
    }
    const Vf inverse = 1.0f / sum;
    w *= inverse;
    vf_store(y->share + i * dx + c, inverse);
    vf_store(y->w + i * dx + c, w);
    vf_store(y->mixed_x + i * dx + c, vf_fma(vf_load(y->yx2 + c), w, vf_load(y->yx1 + c)));
  }
}

/* Queries first .. first + height - 1. */
static void edge_strip(Transformer *t, const DenoiserGraph *g, int l, int first, int height, bool keep)
{
  Layer        *y = &t->layer[l];
  const int     n = t->n, dx = t->spec.dx, rows = height * n;
  const int64_t pair = (int64_t)first * n, at = keep ? pair : 0;
  float        *e = t->strip[0], *u = t->strip[1], *s = y->s + at * dx, *gate = y->g + at * dx, *a = y->a + at * dx;
  layer_edges(t, l, pair, rows, e);
  if (l > 0) {
    map_forward(&y->map[MAP_E1], rows, e, PRODUCT_STORE, NULL, gate);
    map_forward(&y->map[MAP_E2], rows, e, PRODUCT_STORE, NULL, s);
  }
  for (int i = 0; i < height; i++) {
    const int k = i * n * dx;
    if (l > 0)
      scores(t, y, first + i, gate + k, s + k, u + k);
    else
      first_scores(t, y, first + i, s + k, u + k);
    if (y->updates_x) attention(t, y, first + i, s + k, a + k);
  }
  float *hidden = y->hidden_e + at * t->spec.ff_e;
  residual_forward(t, g, y, NORM_E1, BRANCHES * l + BRANCH_E, &y->map[MAP_E_OUT], at, rows, u, e, keep, t->strip[2]);
  map_forward(&y->map[MAP_FFE1], rows, t->strip[2], PRODUCT_RELU, NULL, hidden);
  residual_forward(t, g, y, NORM_E2, BRANCHES * l + BRANCH_FFE, &y->map[MAP_FFE2], pair, rows, hidden, t->strip[2], keep, NULL);
}

/* out (2 width): mean and std of every channel; x (rows, width). */
static void pool_rows(int rows, int width, const float *x, float *out)
{
  const float share = 1.0f / (float)rows;
  EACH(c, width)
  {
    Vf sum = vf_splat(0), square = vf_splat(0);
    for (int r = 0; r < rows; r++) sum += vf_load(x + r * width + c);
    const Vf mean = sum * share;
    for (int r = 0; r < rows; r++) {
      const Vf d = vf_load(x + r * width + c) - mean;
      square     = vf_fma(d, d, square);
    }
    vf_store(out + c, mean);
    vf_store(out + width + c, vf_sqrt(square * share + 1e-5f));
  }
}

/* The same of edges at the input of layer l, in strips. */
static void pool_edges(Transformer *t, int l, float *out)
{
  const int   n = t->n, de = t->spec.de, height = strip_height(n);
  const float share = 1.0f / (float)(n * n);
  float      *e = t->strip[0], *square = t->strip[1];
  memset(out, 0, (size_t)de * sizeof *out);
  memset(square, 0, (size_t)de * sizeof *square);
  for (int i = 0; i < n; i += height) {
    const int rows = (i + height < n ? height : n - i) * n;
    layer_edges(t, l, (int64_t)i * n, rows, e);
    column_sums(rows, de, e, out);
  }
  EACH(c, de) vf_store(out + c, vf_load(out + c) * share);
  for (int i = 0; i < n; i += height) {
    const int rows = (i + height < n ? height : n - i) * n;
    layer_edges(t, l, (int64_t)i * n, rows, e);
    EACH(c, de)
    {
      const Vf mean = vf_load(out + c);
      Vf       sum  = vf_load(square + c);
      for (int r = 0; r < rows; r++) {
        const Vf d = vf_load(e + r * de + c) - mean;
        sum        = vf_fma(d, d, sum);
      }
      vf_store(square + c, sum);
    }
  }
  EACH(c, de) vf_store(out + de + c, vf_sqrt(vf_load(square + c) * share + 1e-5f));
}

static void global_forward(Transformer *t, const DenoiserGraph *g, int l, bool keep, float *out)
{
  Layer     *y   = &t->layer[l];
  const Map *map = y->map;
  const Map *xy = &map[MAP_XY], *ey = &map[MAP_EY];
  pool_rows(t->n, t->spec.dx, y->x, y->pool_x);
  pool_edges(t, l, y->pool_e);
  map_forward(&map[MAP_YY], 1, y->y, PRODUCT_STORE, NULL, y->y_sum);
  map_forward(xy, 1, y->pool_x, PRODUCT_ADD, y->y_sum, y->y_sum);
  map_forward(ey, 1, y->pool_e, PRODUCT_ADD, y->y_sum, y->y_sum);
  map_forward(&map[MAP_Y_OUT1], 1, y->y_sum, PRODUCT_RELU, NULL, y->y_hidden);
  residual_forward(t, g, y, NORM_Y1, BRANCHES * l + BRANCH_Y, &map[MAP_Y_OUT2], 0, 1, y->y_hidden, y->y, keep, t->strip[2]);
  map_forward(&map[MAP_FFY1], 1, t->strip[2], PRODUCT_RELU, NULL, y->hidden_y);
  residual_forward(t, g, y, NORM_Y2, BRANCHES * l + BRANCH_FFY, &map[MAP_FFY2], 0, 1, y->hidden_y, t->strip[2], keep, out);
}

static void node_maps(Transformer *t, Layer *y)
{
  const int n = t->n, dx = t->spec.dx;
  const Vf  scale = vf_splat((float)(1 / __builtin_sqrt((double)dx / t->spec.heads)));
  map_forward(&y->map[MAP_Q], n, y->x, PRODUCT_STORE, NULL, y->q);
  map_forward(&y->map[MAP_K], n, y->x, PRODUCT_STORE, NULL, y->k);
  for (int k = 0; k < n * dx; k += VF_LANES) vf_store(y->q + k, vf_load(y->q + k) * scale);
  map_forward(&y->map[MAP_YE1], 1, y->y, PRODUCT_STORE, NULL, y->ye1);
  map_forward(&y->map[MAP_YE2], 1, y->y, PRODUCT_STORE, NULL, y->ye2);
  if (!y->updates_x) return;
  map_forward(&y->map[MAP_V], n, y->x, PRODUCT_STORE, NULL, y->v);
  map_forward(&y->map[MAP_YX1], 1, y->y, PRODUCT_STORE, NULL, y->yx1);
  map_forward(&y->map[MAP_YX2], 1, y->y, PRODUCT_STORE, NULL, y->yx2);
}

static void layer_forward(Transformer *t, const DenoiserGraph *g, int l, bool keep)
{
  Layer    *y = &t->layer[l];
  const int n = t->n, height = strip_height(n);
  float    *next_x = l + 1 < t->spec.layers ? t->layer[l + 1].x : t->x, *next_y = l + 1 < t->spec.layers ? t->layer[l + 1].y : t->y;
  node_maps(t, y);
  if (l == 0) {
    map_forward(&y->map[MAP_E1], t->rows, t->e0, PRODUCT_STORE, NULL, t->g0);
    map_forward(&y->map[MAP_E2], t->rows, t->e0, PRODUCT_STORE, NULL, t->s0);
  }
  for (int i = 0; i < n; i += height) edge_strip(t, g, l, i, i + height < n ? height : n - i, keep);
  if (y->updates_x) {
    float *x = t->d_node; /* free in a forward pass */
    residual_forward(t, g, y, NORM_X1, BRANCHES * l + BRANCH_X, &y->map[MAP_X_OUT], 0, n, y->mixed_x, y->x, keep, x);
    map_forward(&y->map[MAP_FFX1], n, x, PRODUCT_RELU, NULL, y->hidden_x);
    residual_forward(t, g, y, NORM_X2, BRANCHES * l + BRANCH_FFX, &y->map[MAP_FFX2], 0, n, y->hidden_x, x, keep, next_x);
  }
  if (y->updates_y) global_forward(t, g, l, keep, next_y);
}

void KERNEL(transformer_forward)(Transformer *t, const DenoiserGraph *g, bool keep)
{
  KERNEL(transformer_inputs)(t, g);
  for (int l = 0; l < t->spec.layers; l++) layer_forward(t, g, l, keep);
  KERNEL(transformer_heads)(t, g);
}
