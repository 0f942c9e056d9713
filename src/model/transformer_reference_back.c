/* SPDX-License-Identifier: BSD-2-Clause
 * The backward pass of the graph transformer's reference: float64, scalar loops, the forward pass's lines in reverse. Derivatives d_x are
 * accumulated where a quantity is used more than once. */
#include <math.h>

#include "transformer_reference.h"

/* Adds W^T d to d_x (unless NULL) and the parameters' derivatives to the gradient. */
static void linear_back(PlainGraph *g, LinearAt l, int64_t rows, const double *x, const double *d, double *d_x)
{
  for (int64_t r = 0; r < rows; r++)
    for (int o = 0; o < l.out; o++) {
      const double y = d[r * l.out + o];
      g->gradient[l.b + o] += y;
      for (int i = 0; i < l.in; i++) {
        g->gradient[l.w + (int64_t)o * l.in + i] += y * x[r * l.in + i];
        if (d_x) d_x[r * l.in + i] += y * g->theta[l.w + (int64_t)o * l.in + i];
      }
    }
}

/* d where the value after the ReLU is positive. */
static void relu_back(int64_t n, const double *value, double *d)
{
  for (int64_t i = 0; i < n; i++) d[i] = value[i] > 0 ? d[i] : 0;
}

static void perceptron_back(PlainGraph *g, LinearAt first, LinearAt second, int64_t rows, const double *x, const double *hidden,
                            const double *d, double *d_x)
{
  double *d_hidden = plain_new(g, rows * first.out);
  linear_back(g, second, rows, hidden, d, d_hidden);
  relu_back(rows * first.out, hidden, d_hidden);
  linear_back(g, first, rows, x, d_hidden, d_x);
}

/* Of norm(x + drop(branch)): adds to d_x; returns the derivative by the branch. */
static double *residual_back(PlainGraph *g, NormAt norm, int64_t rows, int width, const PlainResidual *r, const double *d, double *d_x)
{
  double *d_branch = plain_new(g, rows * width);
  for (int64_t k = 0; k < rows; k++) {
    const double *s = r->sum + k * width, *y = d + k * width;
    double        mean = 0, variance = 0, sum = 0, product = 0;
    for (int c = 0; c < width; c++) mean += s[c] / width;
    for (int c = 0; c < width; c++) variance += pow(s[c] - mean, 2) / width;
    const double inverse = 1 / sqrt(variance + 1e-5);
    for (int c = 0; c < width; c++) {
      const double hat = (s[c] - mean) * inverse, by_hat = y[c] * g->theta[norm.w + c];
      g->gradient[norm.w + c] += y[c] * hat;
      g->gradient[norm.b + c] += y[c];
      sum += by_hat / width;
      product += by_hat * hat / width;
    }
    for (int c = 0; c < width; c++) {
      const double hat = (s[c] - mean) * inverse, by_sum = inverse * (y[c] * g->theta[norm.w + c] - sum - hat * product);
      d_x[k * width + c] += by_sum;
      d_branch[k * width + c] = by_sum * r->factor[k * width + c];
    }
  }
  return d_branch;
}

/* Of an update of X, E or y: adds to d_x; returns the derivative by the first branch. */
static double *update_back(PlainGraph *g, NormAt norm1, NormAt norm2, LinearAt ff1, LinearAt ff2, int64_t rows, const PlainUpdate *u,
                           const double *d, double *d_x)
{
  double       *d_first  = plain_new(g, rows * ff1.in);
  const double *d_second = residual_back(g, norm2, rows, ff1.in, &u->second, d, d_first);
  perceptron_back(g, ff1, ff2, rows, u->first.out, u->hidden, d_second, d_first);
  return residual_back(g, norm1, rows, ff1.in, &u->first, d_first, d_x);
}

static void pool_back(int64_t rows, int width, const double *x, const double *pool, const double *d, double *d_x)
{
  for (int64_t r = 0; r < rows; r++)
    for (int c = 0; c < width; c++)
      d_x[r * width + c] += d[c] / (double)rows + d[width + c] * (x[r * width + c] - pool[c]) / ((double)rows * pool[width + c]);
}

static void global_back(PlainGraph *g, const LayerAt *at, const PlainLayer *y, const double *d, double *d_x, double *d_e, double *d_y)
{
  const DenoiserSpec *s     = g->spec;
  double             *d_sum = plain_new(g, s->dy), *d_pool_x = plain_new(g, 2 * s->dx), *d_pool_e = plain_new(g, 2 * s->de);
  const double       *branch = update_back(g, at->norm_y1, at->norm_y2, at->ffy1, at->ffy2, 1, &y->update_y, d, d_y);
  perceptron_back(g, at->y_out1, at->y_out2, 1, y->y_sum, y->y_hidden, branch, d_sum);
  linear_back(g, at->yy, 1, y->y, d_sum, d_y);
  linear_back(g, at->xy, 1, y->pool_x, d_sum, d_pool_x);
  linear_back(g, at->ey, 1, y->pool_e, d_sum, d_pool_e);
  pool_back(g->n, s->dx, y->x, y->pool_x, d_pool_x, d_x);
  pool_back((int64_t)g->n * g->n, s->de, y->e, y->pool_e, d_pool_e, d_e);
}

/* Of m = y1 + (1 + y2) s for rows of one graph: derivatives by s (accumulated) and, through y1 and y2, by y. */
static void mixed_back(PlainGraph *g, LinearAt l1, LinearAt l2, int64_t rows, const double *y, const double *y2, const double *s,
                       const double *d, double *d_s, double *d_y)
{
  const int width = l1.out;
  double   *d_1 = plain_new(g, width), *d_2 = plain_new(g, width);
  for (int64_t r = 0; r < rows; r++)
    for (int c = 0; c < width; c++) {
      d_1[c] += d[r * width + c];
      d_2[c] += d[r * width + c] * s[r * width + c];
      d_s[r * width + c] += d[r * width + c] * (1 + y2[c]);
    }
  linear_back(g, l1, 1, y, d_1, d_y);
  linear_back(g, l2, 1, y, d_2, d_y);
}

/* d_w: by W; adds to the derivatives by S and v. */
static void attention_back(const PlainGraph *g, const PlainLayer *y, const double *d_w, double *d_score, double *d_v)
{
  const int n = g->n, dx = g->spec->dx;
  for (int i = 0; i < n; i++)
    for (int c = 0; c < dx; c++) {
      const int64_t row  = (int64_t)i * n * dx + c;
      double        mean = 0;
      for (int j = 0; j < n; j++) mean += y->a[row + j * dx] * d_w[i * dx + c] * y->v[j * dx + c];
      for (int j = 0; j < n; j++) {
        d_score[row + j * dx] += y->a[row + j * dx] * (d_w[i * dx + c] * y->v[j * dx + c] - mean);
        d_v[j * dx + c] += y->a[row + j * dx] * d_w[i * dx + c];
      }
    }
}

static void scores_back(PlainGraph *g, const LayerAt *at, const PlainLayer *y, const double *d_score, double *d_x, double *d_e)
{
  const int     n = g->n, dx = g->spec->dx;
  const double  scale = 1 / sqrt((double)dx / g->spec->heads);
  const int64_t pairs = (int64_t)n * n;
  double       *d_q = plain_new(g, (int64_t)n * dx), *d_k = plain_new(g, (int64_t)n * dx), *d_e1 = plain_new(g, pairs * dx);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      for (int c = 0; c < dx; c++) {
        const int64_t p         = ((int64_t)i * n + j) * dx + c;
        const double  d_product = d_score[p] * (1 + y->e1[p]) * scale;
        d_e1[p]                 = d_score[p] * y->product[p];
        d_q[i * dx + c] += d_product * y->k[j * dx + c];
        d_k[j * dx + c] += d_product * y->q[i * dx + c];
      }
  linear_back(g, at->q, n, y->x, d_q, d_x);
  linear_back(g, at->k, n, y->x, d_k, d_x);
  linear_back(g, at->e1, pairs, y->e, d_e1, d_e);
  linear_back(g, at->e2, pairs, y->e, d_score, d_e);
}

/* d_x, d_e, d_y: by the layer's outputs on entry, by its inputs on return. */
static void layer_back(PlainGraph *g, int l, double **d_x, double **d_e, double **d_y)
{
  const DenoiserSpec *s  = g->spec;
  const LayerAt      *at = &g->at.layer[l];
  const PlainLayer   *y  = &g->layer[l];
  const int64_t       n = g->n, pairs = n * n;
  double             *x = plain_new(g, n * s->dx), *e = plain_new(g, pairs * s->de), *of_y = plain_new(g, s->dy);
  double             *score = plain_new(g, pairs * s->dx), *mixed = plain_new(g, pairs * s->dx);
  if (at->updates_y) global_back(g, at, y, *d_y, x, e, of_y);
  const double *branch = update_back(g, at->norm_e1, at->norm_e2, at->ffe1, at->ffe2, pairs, &y->update_e, *d_e, e);
  linear_back(g, at->e_out, pairs, y->mixed_e, branch, mixed);
  mixed_back(g, at->ye1, at->ye2, pairs, y->y, y->ye2, y->score, mixed, score, of_y);
  if (at->updates_x) {
    double       *d_v = plain_new(g, n * s->dx), *d_mixed = plain_new(g, n * s->dx), *d_w = plain_new(g, n * s->dx);
    const double *of_x = update_back(g, at->norm_x1, at->norm_x2, at->ffx1, at->ffx2, n, &y->update_x, *d_x, x);
    linear_back(g, at->x_out, n, y->mixed_x, of_x, d_mixed);
    mixed_back(g, at->yx1, at->yx2, n, y->y, y->yx2, y->w, d_mixed, d_w, of_y);
    attention_back(g, y, d_w, score, d_v);
    linear_back(g, at->v, n, y->x, d_v, x);
  }
  scores_back(g, at, y, score, x, e);
  *d_x = x;
  *d_e = e;
  *d_y = of_y;
}

static void input_back(PlainGraph *g, LinearAt first, LinearAt second, int64_t rows, const double *in, const double *hidden,
                       const double *out, double *d)
{
  relu_back(rows * second.out, out, d);
  perceptron_back(g, first, second, rows, in, hidden, d, NULL);
}

void plain_backward(PlainGraph *g, const double *d_node, const double *d_edge)
{
  const DenoiserSpec *s = g->spec;
  const int           n = g->n, b = s->b;
  double             *x = plain_new(g, (int64_t)n * s->dx), *e = plain_new(g, (int64_t)n * n * s->de), *y = plain_new(g, s->dy);
  double             *d = plain_new(g, (int64_t)n * n * b);
  if (s->a > 1) perceptron_back(g, g->at.out_x1, g->at.out_x2, n, g->x, g->head_x, d_node, x);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      for (int c = 0; c < b && i != j; c++) {
        const int p            = i < j ? denoiser_pairs(j) + i : denoiser_pairs(i) + j;
        d[(i * n + j) * b + c] = d_edge[p * b + c] / 2;
      }
  perceptron_back(g, g->at.out_e1, g->at.out_e2, (int64_t)n * n, g->e, g->head_e, d, e);
  for (int l = s->layers - 1; l >= 0; l--) layer_back(g, l, &x, &e, &y);
  input_back(g, g->at.in_x1, g->at.in_x2, n, g->in_x, g->hidden_x, g->layer[0].x, x);
  input_back(g, g->at.in_e1, g->at.in_e2, (int64_t)n * n, g->in_e, g->hidden_e, g->layer[0].e, e);
  input_back(g, g->at.in_y1, g->at.in_y2, 1, g->in_y, g->hidden_y, g->layer[0].y, y);
}
