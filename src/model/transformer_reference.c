/* SPDX-License-Identifier: BSD-2-Clause
 * The graph transformer in float64 and scalar loops, one graph after the other: the forward pass of transformer.h line by line, the loss,
 * and the door of the reference. The backward pass is in transformer_reference_back.c. Nothing here is fast. */
#include "transformer_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "rng.h"

double *plain_new(PlainGraph *g, int64_t n)
{
  double *x             = mem_calloc((size_t)n, sizeof *x);
  g->block              = mem_realloc(g->block, (size_t)g->blocks + 1, sizeof *g->block);
  g->block[g->blocks++] = x;
  return x;
}

static void plain_free(PlainGraph *g)
{
  for (int k = 0; k < g->blocks; k++) free(g->block[k]);
  free(g->block);
  g->block  = NULL;
  g->blocks = 0;
}

/* L of `rows` rows. */
static double *linear(PlainGraph *g, LinearAt l, int64_t rows, const double *x)
{
  double *out = plain_new(g, rows * l.out);
  for (int64_t r = 0; r < rows; r++)
    for (int o = 0; o < l.out; o++) {
      double sum = g->theta[l.b + o];
      for (int i = 0; i < l.in; i++) sum += g->theta[l.w + (int64_t)o * l.in + i] * x[r * l.in + i];
      out[r * l.out + o] = sum;
    }
  return out;
}

static void relu(int64_t n, double *x)
{
  for (int64_t i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : 0;
}

static double *perceptron(PlainGraph *g, LinearAt first, LinearAt second, int64_t rows, const double *x, bool relu_last, double **hidden)
{
  *hidden = linear(g, first, rows, x);
  relu(rows * first.out, *hidden);
  double *out = linear(g, second, rows, *hidden);
  if (relu_last) relu(rows * second.out, out);
  return out;
}

static void dropout_factors(const PlainGraph *g, int draw, int64_t n, double *factor)
{
  const uint32_t threshold = transformer_threshold(g->spec);
  for (int64_t i = 0; i < n; i++) {
    uint32_t word[4];
    rng_block(g->graph->dropout, (uint64_t)i / 4, (uint32_t)draw, RNG_DROPOUT, word);
    factor[i] = word[i % 4] >= threshold ? 1 / (1 - g->spec->dropout) : 0;
  }
}

/* norm(x + drop(branch)). */
static void residual(PlainGraph *g, NormAt norm, int draw, int64_t rows, int width, const double *x, double *branch, PlainResidual *r)
{
  const int64_t n = rows * width;
  r->branch       = branch;
  r->factor       = plain_new(g, n);
  r->sum          = plain_new(g, n);
  r->out          = plain_new(g, n);
  for (int64_t i = 0; i < n; i++) r->factor[i] = 1;
  if (g->dropout && g->spec->dropout > 0) dropout_factors(g, draw, n, r->factor);
  for (int64_t i = 0; i < n; i++) r->sum[i] = x[i] + branch[i] * r->factor[i];
  for (int64_t k = 0; k < rows; k++) {
    double mean = 0, variance = 0;
    for (int c = 0; c < width; c++) mean += r->sum[k * width + c] / width;
    for (int c = 0; c < width; c++) variance += pow(r->sum[k * width + c] - mean, 2) / width;
    for (int c = 0; c < width; c++)
      r->out[k * width + c] = (r->sum[k * width + c] - mean) / sqrt(variance + 1e-5) * g->theta[norm.w + c] + g->theta[norm.b + c];
  }
}

typedef struct UpdateAt {
  NormAt   norm1, norm2;
  LinearAt ff1, ff2;
  int      draw1, draw2;
} UpdateAt;

static double *update(PlainGraph *g, UpdateAt at, int64_t rows, const double *x, double *branch, PlainUpdate *u)
{
  residual(g, at.norm1, at.draw1, rows, at.ff1.in, x, branch, &u->first);
  double *second = perceptron(g, at.ff1, at.ff2, rows, u->first.out, false, &u->hidden);
  residual(g, at.norm2, at.draw2, rows, at.ff1.in, u->first.out, second, &u->second);
  return u->second.out;
}

static void scores(PlainGraph *g, PlainLayer *y)
{
  const int     n = g->n, dx = g->spec->dx;
  const double  scale = 1 / sqrt((double)dx / g->spec->heads);
  const int64_t all   = (int64_t)n * n * dx;
  y->product          = plain_new(g, all);
  y->score            = plain_new(g, all);
  y->mixed_e          = plain_new(g, all);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      for (int c = 0; c < dx; c++) {
        const int64_t p = ((int64_t)i * n + j) * dx + c;
        y->product[p]   = y->q[i * dx + c] * y->k[j * dx + c] * scale;
        y->score[p]     = y->product[p] * (1 + y->e1[p]) + y->e2[p];
        y->mixed_e[p]   = y->ye1[c] + (1 + y->ye2[c]) * y->score[p];
      }
}

static void attention(PlainGraph *g, PlainLayer *y)
{
  const int n = g->n, dx = g->spec->dx;
  y->a       = plain_new(g, (int64_t)n * n * dx);
  y->w       = plain_new(g, (int64_t)n * dx);
  y->mixed_x = plain_new(g, (int64_t)n * dx);
  for (int i = 0; i < n; i++)
    for (int c = 0; c < dx; c++) {
      const double *s = y->score + (int64_t)i * n * dx + c;
      double       *a = y->a + (int64_t)i * n * dx + c, top = s[0], sum = 0, w = 0;
      for (int j = 1; j < n; j++) top = fmax(top, s[j * dx]);
      for (int j = 0; j < n; j++) sum += a[j * dx] = exp(s[j * dx] - top);
      for (int j = 0; j < n; j++) a[j * dx] /= sum;
      for (int j = 0; j < n; j++) w += a[j * dx] * y->v[j * dx + c];
      y->w[i * dx + c]       = w;
      y->mixed_x[i * dx + c] = y->yx1[c] + (1 + y->yx2[c]) * w;
    }
}

/* (mean, std) of every channel. */
static double *pool(PlainGraph *g, int64_t rows, int width, const double *x)
{
  double *out = plain_new(g, 2 * width);
  for (int c = 0; c < width; c++) {
    double mean = 0, variance = 0;
    for (int64_t r = 0; r < rows; r++) mean += x[r * width + c] / (double)rows;
    for (int64_t r = 0; r < rows; r++) variance += pow(x[r * width + c] - mean, 2) / (double)rows;
    out[c]         = mean;
    out[width + c] = sqrt(variance + 1e-5);
  }
  return out;
}

static double *global_branch(PlainGraph *g, const LayerAt *at, PlainLayer *y)
{
  const int n        = g->n;
  y->pool_x          = pool(g, n, g->spec->dx, y->x);
  y->pool_e          = pool(g, (int64_t)n * n, g->spec->de, y->e);
  y->y_sum           = linear(g, at->yy, 1, y->y);
  const double *of_x = linear(g, at->xy, 1, y->pool_x), *of_e = linear(g, at->ey, 1, y->pool_e);
  for (int c = 0; c < g->spec->dy; c++) y->y_sum[c] += of_x[c] + of_e[c];
  return perceptron(g, at->y_out1, at->y_out2, 1, y->y_sum, false, &y->y_hidden);
}

static void layer_forward(PlainGraph *g, int l)
{
  const LayerAt *at = &g->at.layer[l];
  PlainLayer    *y  = &g->layer[l];
  const int64_t  n = g->n, pairs = n * n;
  const int      draw = BRANCHES * l;
  y->x                = g->x;
  y->e                = g->e;
  y->y                = g->y;
  y->q                = linear(g, at->q, n, y->x);
  y->k                = linear(g, at->k, n, y->x);
  y->e1               = linear(g, at->e1, pairs, y->e);
  y->e2               = linear(g, at->e2, pairs, y->e);
  y->ye1              = linear(g, at->ye1, 1, y->y);
  y->ye2              = linear(g, at->ye2, 1, y->y);
  scores(g, y);
  const UpdateAt of_e = {at->norm_e1, at->norm_e2, at->ffe1, at->ffe2, draw + BRANCH_E, draw + BRANCH_FFE};
  g->e                = update(g, of_e, pairs, y->e, linear(g, at->e_out, pairs, y->mixed_e), &y->update_e);
  if (at->updates_x) {
    const UpdateAt of_x = {at->norm_x1, at->norm_x2, at->ffx1, at->ffx2, draw + BRANCH_X, draw + BRANCH_FFX};
    y->v                = linear(g, at->v, n, y->x);
    y->yx1              = linear(g, at->yx1, 1, y->y);
    y->yx2              = linear(g, at->yx2, 1, y->y);
    attention(g, y);
    g->x = update(g, of_x, n, y->x, linear(g, at->x_out, n, y->mixed_x), &y->update_x);
  }
  if (!at->updates_y) return;
  const UpdateAt of_y = {at->norm_y1, at->norm_y2, at->ffy1, at->ffy2, draw + BRANCH_Y, draw + BRANCH_FFY};
  g->y                = update(g, of_y, 1, y->y, global_branch(g, at, y), &y->update_y);
}

static void inputs(PlainGraph *g)
{
  const DenoiserSpec  *s  = g->spec;
  const DenoiserGraph *in = g->graph;
  const int            n = g->n, width_x = g->at.in_x1.in, width_e = g->at.in_e1.in;
  g->in_x = plain_new(g, (int64_t)n * width_x);
  g->in_e = plain_new(g, (int64_t)n * n * width_e);
  g->in_y = plain_new(g, 1 + s->graph_features);
  for (int i = 0; i < n; i++) {
    double *x = g->in_x + (int64_t)i * width_x;
    if (s->a > 1)
      x[in->node[i]] = 1;
    else
      x[0] = 1;
    if (s->node_id) x[s->a + i] = 1;
    for (int f = 0; f < s->node_features; f++) x[width_x - s->node_features + f] = (double)in->node_features[i * s->node_features + f];
    for (int j = 0; j < n; j++) {
      if (i == j) continue;
      const int p    = i < j ? denoiser_pairs(j) + i : denoiser_pairs(i) + j;
      double   *e    = g->in_e + ((int64_t)i * n + j) * width_e;
      e[in->edge[p]] = 1;
      for (int f = 0; f < s->pair_features; f++) e[s->b + f] = (double)in->pair_features[(int64_t)p * s->pair_features + f];
    }
  }
  g->in_y[0] = (double)in->t / s->T;
  for (int f = 0; f < s->graph_features; f++) g->in_y[1 + f] = (double)in->graph_features[f];
}

static void outputs(PlainGraph *g)
{
  const int n = g->n, a = g->spec->a, b = g->spec->b;
  if (a > 1) {
    g->node_logit = perceptron(g, g->at.out_x1, g->at.out_x2, n, g->x, false, &g->head_x);
    for (int i = 0; i < n; i++) g->node_logit[i * a + g->graph->node[i]] += 1;
  }
  g->edge       = perceptron(g, g->at.out_e1, g->at.out_e2, (int64_t)n * n, g->e, false, &g->head_e);
  g->edge_logit = plain_new(g, (int64_t)denoiser_pairs(n) * b);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < j; i++) {
      const int p = denoiser_pairs(j) + i;
      for (int c = 0; c < b; c++) g->edge_logit[p * b + c] = (g->edge[(i * n + j) * b + c] + g->edge[(j * n + i) * b + c]) / 2;
      g->edge_logit[p * b + g->graph->edge[p]] += 1;
    }
}

void plain_forward(PlainGraph *g)
{
  inputs(g);
  g->x = perceptron(g, g->at.in_x1, g->at.in_x2, g->n, g->in_x, true, &g->hidden_x);
  g->e = perceptron(g, g->at.in_e1, g->at.in_e2, (int64_t)g->n * g->n, g->in_e, true, &g->hidden_e);
  g->y = perceptron(g, g->at.in_y1, g->at.in_y2, 1, g->in_y, true, &g->hidden_y);
  for (int l = 0; l < g->spec->layers; l++) layer_forward(g, l);
  outputs(g);
}

/* Sum of weight * cross-entropy of `rows` rows; d: its derivative times scale. */
static double entropies(int rows, int classes, const double *logit, const uint8_t *class, const float *weight, double scale, double *d)
{
  double loss = 0;
  for (int r = 0; r < rows; r++) {
    const double *x   = logit + r * classes;
    double        top = x[0], sum = 0;
    for (int c = 1; c < classes; c++) top = fmax(top, x[c]);
    for (int c = 0; c < classes; c++) sum += exp(x[c] - top);
    loss += (double)weight[r] * (log(sum) - (x[class[r]] - top));
    for (int c = 0; c < classes; c++) d[r * classes + c] = scale * (double)weight[r] * (exp(x[c] - top) / sum - (c == class[r]));
  }
  return loss;
}

static double graph_loss(PlainGraph *g, const DenoiserTarget *target, double scale)
{
  const int n = g->n, a = g->spec->a, b = g->spec->b, pairs = denoiser_pairs(n);
  double   *d_node = plain_new(g, (int64_t)n * a), *d_edge = plain_new(g, (int64_t)pairs * b), loss = 0;
  if (a > 1) loss += entropies(n, a, g->node_logit, target->node, target->node_weight, scale, d_node);
  loss += entropies(pairs, b, g->edge_logit, target->edge, target->edge_weight, scale, d_edge);
  if (g->gradient) plain_backward(g, d_node, d_edge);
  return loss;
}

PetscErrorCode transformer_reference(const DenoiserSpec *s, const double *theta, int count, const DenoiserGraph *graph,
                                     const DenoiserTarget *target, double scale, bool with_dropout, double *node, double *edge,
                                     double *gradient, double *loss)
{
  PlainGraph g   = {.spec = s, .theta = theta, .gradient = gradient, .dropout = with_dropout};
  double     sum = 0;
  PetscFunctionBeginUser;
  transformer_layout(s, &g.at);
  if (gradient) memset(gradient, 0, (size_t)g.at.parameters * sizeof *gradient);
  for (int k = 0; k < count; k++) {
    g.graph = &graph[k];
    g.n     = graph[k].n;
    plain_forward(&g);
    const size_t nodes = (size_t)(g.n * s->a), edges = (size_t)(denoiser_pairs(g.n) * s->b);
    if (node && s->a > 1) memcpy(node + (int64_t)k * s->n * s->a, g.node_logit, nodes * sizeof *node);
    if (edge && edges > 0) memcpy(edge + (int64_t)k * denoiser_pairs(s->n) * s->b, g.edge_logit, edges * sizeof *edge);
    if (gradient || loss) sum += graph_loss(&g, &target[k], scale);
    plain_free(&g);
  }
  if (loss) *loss = scale * sum;
  PetscFunctionReturn(0);
}
