/* SPDX-License-Identifier: BSD-2-Clause
 * Ends of the graph transformer, one graph, lane = channel: the perceptrons of inputs, whose one-hot part selects rows of the weights, the
 * heads with the mean over (i, j) and (j, i), the loss, and the backward passes of all of these. */
#include "transformer_kernel.h"
#include "transformer_rows.h"

/* out = relu(L(rows)). */
static void input_forward(const Map *m, const InputRows *in, float *out)
{
  for (int r = 0; r < in->rows; r++) {
    const int *hot = in->hot ? in->hot + 2 * r : NULL;
    EACH(c, m->lanes)
    {
      Vf sum = vf_load(m->b + c);
      for (int k = 0; hot && k < 2; k++)
        if (hot[k] >= 0) sum += vf_load(m->t + (int64_t)hot[k] * m->lanes + c);
      for (int f = 0; f < in->count && !(hot && hot[0] == -2); f++)
        sum = vf_fma(vf_splat(in->features[r * in->count + f]), vf_load(m->t + (int64_t)(in->at + f) * m->lanes + c), sum);
      vf_store(out + r * m->lanes + c, net_relu(sum));
    }
  }
}

/* The gradient of the same, d: derivative by L's output. */
static void input_gradient(const Map *m, const InputRows *in, const float *d)
{
  for (int r = 0; r < in->rows; r++) {
    const int *hot = in->hot ? in->hot + 2 * r : NULL;
    EACH(c, m->lanes)
    {
      const Vf y = vf_load(d + r * m->lanes + c);
      vf_store(m->d_b + c, vf_load(m->d_b + c) + y);
      for (int k = 0; hot && k < 2; k++) {
        float *to = m->d + (int64_t)(hot[k] >= 0 ? hot[k] : 0) * m->lanes + c;
        if (hot[k] >= 0) vf_store(to, vf_load(to) + y);
      }
      for (int f = 0; f < in->count && !(hot && hot[0] == -2); f++) {
        float *to = m->d + (int64_t)(in->at + f) * m->lanes + c;
        vf_store(to, vf_fma(vf_splat(in->features[r * in->count + f]), y, vf_load(to)));
      }
    }
  }
}

static InputRows node_rows(const Transformer *t, const DenoiserGraph *g)
{
  const DenoiserSpec *s = &t->spec;
  return (InputRows){t->n, t->hot_x, g->node_features, s->node_features, s->a + (s->node_id ? s->n : 0)};
}

/* Rows first .. first + rows - 1 of distinct edges. */
static InputRows edge_rows(const Transformer *t, const DenoiserGraph *g, int first, int rows)
{
  const int count = t->spec.pair_features;
  return (InputRows){rows, t->hot_e + 2 * first, count ? g->pair_features + (int64_t)first * count : NULL, count, t->spec.b};
}

static InputRows graph_row(const Transformer *t) { return (InputRows){1, NULL, t->in_y, 1 + t->spec.graph_features, 0}; }

/* Which rows there are, and where every pair has its own. */
static void number_rows(Transformer *t, const DenoiserGraph *g)
{
  const DenoiserSpec *s = &t->spec;
  const int           n = g->n, pairs = denoiser_pairs(n), distinct = s->pair_features ? pairs : s->b;
  t->n    = n;
  t->rows = distinct + 1;
  for (int i = 0; i < n; i++) {
    t->hot_x[2 * i]     = s->a > 1 ? g->node[i] : 0;
    t->hot_x[2 * i + 1] = s->node_id ? s->a + i : -1;
  }
  for (int r = 0; r <= distinct; r++) {
    t->hot_e[2 * r]     = r == distinct ? -2 : s->pair_features ? g->edge[r] : r;
    t->hot_e[2 * r + 1] = -1;
  }
  for (int j = 0; j < n; j++) {
    t->row_of[j * n + j] = (uint16_t)distinct;
    for (int i = 0; i < j; i++) {
      const int p          = denoiser_pairs(j) + i;
      t->row_of[i * n + j] = t->row_of[j * n + i] = (uint16_t)(s->pair_features ? p : g->edge[p]);
    }
  }
}

static int chunk_of(int first, int rows) { return first + STRIP_ROWS < rows ? STRIP_ROWS : rows - first; }

void KERNEL(transformer_inputs)(Transformer *t, const DenoiserGraph *g)
{
  const DenoiserSpec *s = &t->spec;
  number_rows(t, g);
  const InputRows x = node_rows(t, g);
  input_forward(&t->end[IN_X1], &x, t->hidden_x);
  map_forward(&t->end[IN_X2], t->n, t->hidden_x, PRODUCT_RELU, NULL, t->layer[0].x);
  for (int first = 0; first < t->rows; first += STRIP_ROWS) {
    const int       rows   = chunk_of(first, t->rows);
    const InputRows e      = edge_rows(t, g, first, rows);
    float          *hidden = t->hidden_e + (int64_t)first * s->ff_e;
    input_forward(&t->end[IN_E1], &e, hidden);
    map_forward(&t->end[IN_E2], rows, hidden, PRODUCT_RELU, NULL, t->e0 + (int64_t)first * s->de);
  }
  t->in_y[0] = (float)g->t / (float)s->T;
  for (int f = 0; f < s->graph_features; f++) t->in_y[1 + f] = g->graph_features[f];
  const InputRows y = graph_row(t);
  input_forward(&t->end[IN_Y1], &y, t->hidden_y);
  map_forward(&t->end[IN_Y2], 1, t->hidden_y, PRODUCT_RELU, NULL, t->layer[0].y);
}

/* d: derivative by relu(L2(hidden)) = out, becomes that by L2's output; d_hidden: by L1's output. */
static void perceptron_back(const Map *second, int rows, const float *hidden, const float *out, float *d, float *d_hidden)
{
  for (int k = 0; k < rows * second->out; k += VF_LANES) vf_store(d + k, net_where_positive(vf_load(out + k), vf_load(d + k)));
  map_gradient(second, rows, hidden, d);
  map_back(second, rows, d, second->out, NULL, PRODUCT_WHERE, hidden, d_hidden);
}

/* Rows of distinct edges: through the first layer's E1 and E2, then the perceptron. */
static void edge_inputs_back(Transformer *t, const DenoiserGraph *g, int first, int rows)
{
  const int       dx = t->spec.dx, de = t->spec.de;
  const Map      *e1 = &t->layer[0].map[MAP_E1], *e2 = &t->layer[0].map[MAP_E2];
  const InputRows in   = edge_rows(t, g, first, rows);
  const float    *d_g0 = t->d_g0 + (int64_t)first * dx, *d_s0 = t->d_s0 + (int64_t)first * dx, *e0 = t->e0 + (int64_t)first * de;
  float          *d = t->d_e0 + (int64_t)first * de;
  map_gradient(e1, rows, e0, d_g0);
  map_gradient(e2, rows, e0, d_s0);
  map_back(e1, rows, d_g0, dx, d, PRODUCT_STORE, NULL, d);
  map_back(e2, rows, d_s0, dx, d, PRODUCT_STORE, NULL, d);
  perceptron_back(&t->end[IN_E2], rows, t->hidden_e + (int64_t)first * t->spec.ff_e, e0, d, t->strip[0]);
  input_gradient(&t->end[IN_E1], &in, t->strip[0]);
}

void KERNEL(transformer_inputs_back)(Transformer *t, const DenoiserGraph *g)
{
  const InputRows x = node_rows(t, g), y = graph_row(t);
  perceptron_back(&t->end[IN_X2], t->n, t->hidden_x, t->layer[0].x, t->d_x, t->d_node);
  input_gradient(&t->end[IN_X1], &x, t->d_node);
  for (int first = 0; first < t->rows; first += STRIP_ROWS) edge_inputs_back(t, g, first, chunk_of(first, t->rows));
  perceptron_back(&t->end[IN_Y2], 1, t->hidden_y, t->layer[0].y, t->d_y, t->d_node);
  input_gradient(&t->end[IN_Y1], &y, t->d_node);
}

/* Heads. */

static void edge_heads(Transformer *t, const DenoiserGraph *g)
{
  const int n = t->n, ff = t->spec.ff_e, height = strip_height(n);
  float    *mean = t->strip[0];
  for (int i = 0; i < n; i += height) {
    const int rows = (i + height < n ? height : n - i) * n;
    layer_edges(t, t->spec.layers, (int64_t)i * n, rows, t->strip[0]);
    map_forward(&t->end[OUT_E1], rows, t->strip[0], PRODUCT_RELU, NULL, t->head_e + (int64_t)i * n * ff);
  }
  for (int j = 1; j < n; j++) {
    const int first = denoiser_pairs(j);
    float    *logit = t->edge_logit + first * LOGIT_LANES;
    for (int i = 0; i < j; i++) {
      const float *one = t->head_e + (int64_t)(i * n + j) * ff, *two = t->head_e + (int64_t)(j * n + i) * ff;
      EACH(c, ff) vf_store(mean + i * ff + c, (vf_load(one + c) + vf_load(two + c)) * 0.5f);
    }
    map_forward(&t->end[OUT_E2], j, mean, PRODUCT_STORE, NULL, logit);
    for (int i = 0; i < j; i++) logit[i * LOGIT_LANES + g->edge[first + i]] += 1;
  }
}

void KERNEL(transformer_heads)(Transformer *t, const DenoiserGraph *g)
{
  if (t->spec.a > 1) {
    map_forward(&t->end[OUT_X1], t->n, t->x, PRODUCT_RELU, NULL, t->head_x);
    map_forward(&t->end[OUT_X2], t->n, t->head_x, PRODUCT_STORE, NULL, t->node_logit);
    for (int i = 0; i < t->n; i++) t->node_logit[i * LOGIT_LANES + g->node[i]] += 1;
  }
  edge_heads(t, g);
}

enum { ENTROPY_ROWS = 16 };

/* Cross-entropies of 16 rows, lane = row: x (classes, 16) logits, own: those of the targets. x becomes the law times `scale` (16). */
static void entropy_lanes(int classes, float (*x)[ENTROPY_ROWS], const float *own, const float *scale, float *entropy)
{
  EACH(k, ENTROPY_ROWS)
  {
    Vf top = vf_load(x[0] + k), sum = vf_splat(0);
    for (int c = 1; c < classes; c++) top = vf_max(top, vf_load(x[c] + k));
    for (int c = 0; c < classes; c++) {
      const Vf e = vf_exp(vf_load(x[c] + k) - top);
      vf_store(x[c] + k, e);
      sum += e;
    }
    const Vf factor = vf_load(scale + k) / sum;
    for (int c = 0; c < classes; c++) vf_store(x[c] + k, vf_load(x[c] + k) * factor);
    vf_store(entropy + k, vf_log(sum) - (vf_load(own + k) - top));
  }
}

/* Sum of weight * cross-entropy of rows of logits, which become the derivative times `scale`, 0 in lanes without a class. Rows beyond the
 * last of a block repeat it. */
static double entropies(int rows, int classes, const uint8_t *target, const float *weight, float scale, float *logit)
{
  float  x[DENOISER_CLASSES_MAX][ENTROPY_ROWS], own[ENTROPY_ROWS], factor[ENTROPY_ROWS], entropy[ENTROPY_ROWS];
  double loss = 0;
  for (int first = 0; first < rows; first += ENTROPY_ROWS) {
    const int block = rows - first < ENTROPY_ROWS ? rows - first : ENTROPY_ROWS;
    for (int k = 0; k < ENTROPY_ROWS; k++) {
      const int    r    = first + (k < block ? k : block - 1);
      const float *from = logit + r * LOGIT_LANES;
      for (int c = 0; c < classes; c++) x[c][k] = from[c];
      own[k]    = from[target[r]];
      factor[k] = weight[r] * scale;
    }
    entropy_lanes(classes, x, own, factor, entropy);
    memset(logit + first * LOGIT_LANES, 0, (size_t)block * LOGIT_LANES * sizeof *logit);
    for (int k = 0; k < block; k++) {
      float *to = logit + (first + k) * LOGIT_LANES;
      for (int c = 0; c < classes; c++) to[c] = x[c][k];
      to[target[first + k]] -= factor[k];
      loss += (double)weight[first + k] * (double)entropy[k];
    }
  }
  return loss;
}

static void node_head_back(Transformer *t)
{
  const Map  *one = &t->end[OUT_X1], *two = &t->end[OUT_X2];
  const Outer o = {t->n, two->out, two->in, t->node_logit, LOGIT_LANES, t->head_x, two->d};
  KERNEL(transformer_outer)(&o);
  column_sums(t->n, LOGIT_LANES, t->node_logit, two->d_b);
  map_back(two, t->n, t->node_logit, LOGIT_LANES, NULL, PRODUCT_WHERE, t->head_x, t->d_node);
  map_gradient(one, t->n, t->x, t->d_node);
  map_back(one, t->n, t->d_node, one->out, NULL, PRODUCT_STORE, NULL, t->d_x);
}

/* Queries first .. of the edge head; edge_logit holds half of the derivative by a pair's logits. */
static void edge_head_back(Transformer *t, int first, int height)
{
  const int     n = t->n, ff = t->spec.ff_e, rows = height * n;
  const int64_t pair = (int64_t)first * n;
  const Map    *one = &t->end[OUT_E1], *two = &t->end[OUT_E2];
  float        *e = t->strip[0], *d = t->strip[1], *d_hidden = t->strip[2], *hidden = t->head_e + pair * ff;
  memset(d, 0, (size_t)rows * LOGIT_LANES * sizeof *d);
  for (int i = first; i < first + height; i++)
    for (int j = 0; j < n; j++) {
      const int p = i < j ? denoiser_pairs(j) + i : denoiser_pairs(i) + j;
      if (i != j) memcpy(d + ((i - first) * n + j) * LOGIT_LANES, t->edge_logit + p * LOGIT_LANES, LOGIT_LANES * sizeof *d);
    }
  const Outer o = {rows, two->out, two->in, d, LOGIT_LANES, hidden, two->d};
  KERNEL(transformer_outer)(&o);
  column_sums(rows, LOGIT_LANES, d, two->d_b);
  map_back(two, rows, d, LOGIT_LANES, NULL, PRODUCT_WHERE, hidden, d_hidden);
  layer_edges(t, t->spec.layers, pair, rows, e);
  map_gradient(one, rows, e, d_hidden);
  map_back(one, rows, d_hidden, one->out, NULL, PRODUCT_STORE, NULL, t->d_e + pair * t->spec.de);
}

double KERNEL(transformer_heads_back)(Transformer *t, const DenoiserTarget *target, float scale)
{
  const int n = t->n, height = strip_height(n);
  double    loss = 0;
  memset(t->d_x, 0, (size_t)(n * t->spec.dx) * sizeof *t->d_x);
  if (t->spec.a > 1) {
    loss += entropies(n, t->spec.a, target->node, target->node_weight, scale, t->node_logit);
    node_head_back(t);
  }
  loss += entropies(denoiser_pairs(n), t->spec.b, target->edge, target->edge_weight, 0.5f * scale, t->edge_logit);
  for (int i = 0; i < n; i += height) edge_head_back(t, i, i + height < n ? height : n - i);
  return loss;
}
