/* SPDX-License-Identifier: BSD-2-Clause
 * The graph transformer as a kind of denoiser: its workspace, the parameters in the kernels' form and the gradient back from it, and the
 * loops over graphs of a batch. The kernels take one graph. */
#include "transformer.h"

#include <stdlib.h>
#include <string.h>

#include "transformer_kernel.h"

static TransformerKernels kernels_of(IsaLevel isa)
{
  if (isa == ISA_V4) return (TransformerKernels){transformer_forward_v4, transformer_gradient_v4, transformer_finish_v4};
  if (isa == ISA_V3) return (TransformerKernels){transformer_forward_v3, transformer_gradient_v3, transformer_finish_v3};
  return (TransformerKernels){transformer_forward_base, transformer_gradient_base, transformer_finish_base};
}

/* Cuts an array from memory, or counts alone when there is none yet. */
typedef struct Cutter {
  float  *memory;
  int64_t used;
} Cutter;

static float *cut(Cutter *c, int64_t floats)
{
  float *at = c->memory ? c->memory + c->used : NULL;
  c->used += (floats + 15) / 16 * 16;
  return at;
}

static int lanes_of(int out) { return (out + 15) / 16 * 16; }

static Map *layer_maps(Transformer *t, int l) { return t->layer[l].map; }

/* f of every map and norm that exists. */
typedef void (*VisitMap)(Transformer *, Map *, bool input, void *context);
typedef void (*VisitNorm)(Norm *, void *context);

static void visit_maps(Transformer *t, VisitMap f, void *context)
{
  for (int k = 0; k < END_MAPS; k++)
    if (t->end[k].at.w >= 0) f(t, &t->end[k], k == IN_X1 || k == IN_E1 || k == IN_Y1, context);
  for (int l = 0; l < t->spec.layers; l++)
    for (int k = 0; k < LAYER_MAPS; k++)
      if (layer_maps(t, l)[k].at.w >= 0) f(t, &layer_maps(t, l)[k], false, context);
}

static void visit_norms(Transformer *t, VisitNorm f, void *context)
{
  for (int l = 0; l < t->spec.layers; l++)
    for (int k = 0; k < LAYER_NORMS; k++)
      if (t->layer[l].norm[k].at.w >= 0) f(&t->layer[l].norm[k], context);
}

/* Where everything is in theta. */
static void place_maps(Transformer *t)
{
  const TransformerLayout *at = &t->at;
  const LinearAt end[] = {at->in_x1, at->in_x2, at->in_e1, at->in_e2, at->in_y1, at->in_y2, at->out_x1, at->out_x2, at->out_e1, at->out_e2};
  for (int k = 0; k < END_MAPS; k++) t->end[k] = (Map){.at = end[k], .in = end[k].in, .out = end[k].out, .lanes = lanes_of(end[k].out)};
  for (int l = 0; l < t->spec.layers; l++) {
    const LayerAt *y      = &at->layer[l];
    const LinearAt map[]  = {y->q,  y->k,  y->v,  y->e1,     y->e2,     y->ye1,  y->ye2,  y->e_out, y->yx1,  y->yx2,  y->x_out,
                             y->yy, y->xy, y->ey, y->y_out1, y->y_out2, y->ffx1, y->ffx2, y->ffe1,  y->ffe2, y->ffy1, y->ffy2};
    const NormAt   norm[] = {y->norm_x1, y->norm_x2, y->norm_e1, y->norm_e2, y->norm_y1, y->norm_y2};
    for (int k = 0; k < LAYER_MAPS; k++)
      t->layer[l].map[k] = (Map){.at = map[k], .in = map[k].in, .out = map[k].out, .lanes = lanes_of(map[k].out)};
    for (int k = 0; k < LAYER_NORMS; k++) t->layer[l].norm[k] = (Norm){.at = norm[k], .width = (int)(norm[k].b - norm[k].w)};
    t->layer[l].updates_x = y->updates_x;
    t->layer[l].updates_y = y->updates_y;
  }
}

/* A map of y. */
static bool is_global(const Transformer *t, const Map *m)
{
  static const int of_y[] = {MAP_YE1, MAP_YE2, MAP_YX1, MAP_YX2, MAP_YY, MAP_XY, MAP_EY, MAP_Y_OUT1, MAP_Y_OUT2, MAP_FFY1, MAP_FFY2};
  if (m == &t->end[IN_Y2]) return true;
  for (int l = 0; l < t->spec.layers; l++)
    for (size_t k = 0; k < sizeof of_y / sizeof *of_y; k++)
      if (m == &t->layer[l].map[of_y[k]]) return true;
  return false;
}

static void cut_map(Transformer *t, Map *m, bool input, void *context)
{
  Cutter       *c    = context;
  const int64_t size = (int64_t)m->in * m->lanes;
  m->t               = cut(c, size);
  m->w               = input ? NULL : cut(c, size);
  m->b               = cut(c, m->lanes);
  if (!is_global(t, m)) return;
  m->later_x = cut(c, (int64_t)LATER_ROWS * m->in);
  m->later_d = cut(c, (int64_t)LATER_ROWS * m->out);
  m->held    = &t->held;
}

static void cut_map_gradient(Transformer *t, Map *m, bool input, void *context)
{
  (void)t;
  (void)input;
  m->d   = cut(context, (int64_t)m->in * m->lanes);
  m->d_b = cut(context, m->lanes);
}

static void cut_norm(Norm *m, void *context)
{
  m->w = cut(context, m->width);
  m->b = cut(context, m->width);
}

static void cut_norm_gradient(Norm *m, void *context)
{
  m->d_w = cut(context, m->width);
  m->d_b = cut(context, m->width);
}

static void cut_layer(const DenoiserSpec *s, Layer *y, Cutter *c)
{
  const int64_t n = s->n, pairs = n * n, dx = s->dx;
  const int64_t entries[] = {n * dx, n * dx, pairs * s->de, pairs * s->de, s->dy, s->dy}, rows[] = {n, n, pairs, pairs, 1, 1};
  float       **nodes[] = {&y->x, &y->q, &y->k, &y->v, &y->w, &y->mixed_x, &y->share}, **edges[] = {&y->g, &y->s, &y->a};
  float       **graph[] = {&y->ye1, &y->ye2, &y->yx1, &y->yx2};
  for (int k = 0; k < 7; k++) *nodes[k] = cut(c, n * dx);
  for (int k = 0; k < 3; k++) *edges[k] = cut(c, pairs * dx);
  for (int k = 0; k < 4; k++) *graph[k] = cut(c, dx);
  for (int k = 0; k < LAYER_NORMS; k++)
    y->residual[k] = (Residual){cut(c, entries[k]), cut(c, rows[k]), s->dropout > 0 ? cut(c, entries[k]) : NULL};
  y->y        = cut(c, s->dy);
  y->pool_x   = cut(c, 2 * dx);
  y->pool_e   = cut(c, 2 * s->de);
  y->y_sum    = cut(c, s->dy);
  y->y_hidden = cut(c, s->dy);
  y->hidden_x = cut(c, n * s->ff_x);
  y->hidden_e = cut(c, pairs * s->ff_e);
  y->hidden_y = cut(c, s->ff_y);
}

static int widest_of(const DenoiserSpec *s)
{
  const int width[] = {s->dx, s->de, s->dy, s->ff_x, s->ff_e, s->ff_y};
  int       widest  = LOGIT_LANES;
  for (int k = 0; k < 6; k++) widest = width[k] > widest ? width[k] : widest;
  return widest;
}

static int64_t distinct_rows(const DenoiserSpec *s) { return (s->pair_features ? denoiser_pairs(s->n) : s->b) + 1; }

static void cut_graph(Transformer *t, Cutter *c)
{
  const DenoiserSpec *s = &t->spec;
  const int64_t       n = s->n, pairs = n * n, widest = widest_of(s), rows = distinct_rows(s);
  t->own        = cut(c, t->at.parameters);
  t->in_y       = cut(c, 1 + s->graph_features);
  t->hidden_x   = cut(c, n * s->ff_x);
  t->hidden_e   = cut(c, rows * s->ff_e);
  t->hidden_y   = cut(c, s->ff_y);
  t->x          = cut(c, n * s->dx);
  t->y          = cut(c, s->dy);
  t->e0         = cut(c, rows * s->de);
  t->g0         = cut(c, rows * s->dx);
  t->s0         = cut(c, rows * s->dx);
  t->head_x     = cut(c, n * s->ff_x);
  t->head_e     = cut(c, pairs * s->ff_e);
  t->node_logit = cut(c, n * LOGIT_LANES);
  t->edge_logit = cut(c, (int64_t)denoiser_pairs(s->n) * LOGIT_LANES);
  t->d_x        = cut(c, n * s->dx);
  t->d_e        = cut(c, pairs * s->de);
  t->d_y        = cut(c, s->dy);
  t->d_q        = cut(c, n * widest);
  t->d_k        = cut(c, n * s->dx);
  t->d_v        = cut(c, n * s->dx);
  t->d_w        = cut(c, n * s->dx);
  t->d_g0       = cut(c, rows * s->dx);
  t->d_s0       = cut(c, rows * s->dx);
  t->d_e0       = cut(c, rows * s->de);
  t->d_node     = cut(c, n * widest);
  t->d_pool_x   = cut(c, 2 * s->dx);
  t->d_pool_e   = cut(c, 2 * s->de);
  for (int k = 0; k < 4; k++) t->d_mixed[k] = cut(c, s->dx);
  for (int k = 0; k < STRIPS; k++) t->strip[k] = cut(c, STRIP_ROWS * widest);
}

/* All arrays; the gradient's lie together at the front. */
static void cut_all(Transformer *t, Cutter *c)
{
  visit_maps(t, cut_map_gradient, c);
  visit_norms(t, cut_norm_gradient, c);
  t->gradient_floats = c->used;
  visit_maps(t, cut_map, c);
  visit_norms(t, cut_norm, c);
  for (int l = 0; l < t->spec.layers; l++) cut_layer(&t->spec, &t->layer[l], c);
  cut_graph(t, c);
}

static void transformer_destroy(void *work)
{
  Transformer *t = work;
  if (!t) return;
  free(t->memory);
  free(t->row_of);
  free(t->hot_x);
  free(t->hot_e);
  free(t);
}

static PetscErrorCode transformer_create(const DenoiserSpec *s, IsaLevel isa, void **work)
{
  char         message[256];
  Transformer *t;
  Cutter       cutter = {NULL, 0};
  PetscFunctionBeginUser;
  PetscCheck(!transformer_check(s, message), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s", message);
  t = calloc(1, sizeof *t);
  PetscCheck(t, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a transformer");
  t->spec    = *s;
  t->kernels = kernels_of(isa);
  transformer_layout(s, &t->at);
  place_maps(t);
  cut_all(t, &cutter);
  const size_t bytes = (size_t)cutter.used * sizeof(float);
  t->memory          = aligned_alloc(64, bytes);
  t->row_of          = calloc((size_t)(s->n * s->n), sizeof *t->row_of);
  t->hot_x           = calloc(2 * (size_t)s->n, sizeof *t->hot_x);
  t->hot_e           = calloc(2 * (size_t)distinct_rows(s), sizeof *t->hot_e);
  if (!t->memory || !t->row_of || !t->hot_x || !t->hot_e) {
    transformer_destroy(t);
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the workspace of a transformer: %zu bytes", bytes);
  }
  memset(t->memory, 0, bytes);
  cutter = (Cutter){t->memory, 0};
  cut_all(t, &cutter);
  *work = t;
  PetscFunctionReturn(0);
}

/* to (columns, stride) = from (rows, columns) transposed, in blocks that stay in L1. */
static void transpose(int rows, int columns, const float *from, int from_stride, float *to, int to_stride)
{
  enum { BLOCK = 16 };
  for (int r = 0; r < rows; r += BLOCK)
    for (int c = 0; c < columns; c += BLOCK) {
      const int r_end = r + BLOCK < rows ? r + BLOCK : rows, c_end = c + BLOCK < columns ? c + BLOCK : columns;
      for (int i = c; i < c_end; i++)
        for (int k = r; k < r_end; k++) to[(int64_t)i * to_stride + k] = from[(int64_t)k * from_stride + i];
    }
}

static void load_map(Transformer *t, Map *m, bool input, void *context)
{
  const float *theta = context;
  (void)t;
  transpose(m->out, m->in, theta + m->at.w, m->in, m->t, m->lanes);
  if (!input) memcpy(m->w, theta + m->at.w, (size_t)m->in * (size_t)m->out * sizeof *m->w);
  memcpy(m->b, theta + m->at.b, (size_t)m->out * sizeof *m->b);
  for (int c = m->out; c < m->lanes; c++) m->b[c] = -1e30f;
}

static void load_norm(Norm *m, void *context)
{
  const float *theta = context;
  memcpy(m->w, theta + m->at.w, (size_t)m->width * sizeof *m->w);
  memcpy(m->b, theta + m->at.b, (size_t)m->width * sizeof *m->b);
}

static void transformer_load(void *work, const float *theta)
{
  Transformer *t          = work;
  const int    plus_one[] = {MAP_E1, MAP_YE2, MAP_YX2};
  visit_maps(t, load_map, (void *)theta);
  visit_norms(t, load_norm, (void *)theta);
  for (int l = 0; l < t->spec.layers; l++)
    for (int k = 0; k < 3; k++) {
      Map *m = &t->layer[l].map[plus_one[k]];
      for (int c = 0; m->at.w >= 0 && c < m->out; c++) m->b[c] += 1;
    }
}

static void transformer_forward(void *work, int count, const DenoiserGraph *graph, float *node, float *edge)
{
  Transformer *t = work;
  const int    n = t->spec.n, a = t->spec.a, b = t->spec.b;
  for (int g = 0; g < count; g++) {
    t->kernels.forward(t, &graph[g], false);
    float *of_nodes = a > 1 && node ? node + (int64_t)g * n * a : NULL, *of_edges = edge + (int64_t)g * denoiser_pairs(n) * b;
    for (int i = 0; of_nodes && i < graph[g].n; i++) memcpy(of_nodes + i * a, t->node_logit + i * LOGIT_LANES, (size_t)a * sizeof *node);
    for (int p = 0; p < denoiser_pairs(graph[g].n); p++)
      memcpy(of_edges + p * b, t->edge_logit + p * LOGIT_LANES, (size_t)b * sizeof *edge);
  }
}

/* What one graph's gradient or a batch's is collected into. */
static void store_map(Transformer *t, Map *m, bool input, void *context)
{
  float *gradient = context;
  (void)t;
  if (input)
    transpose(m->in, m->out, m->d, m->lanes, gradient + m->at.w, m->in);
  else
    memcpy(gradient + m->at.w, m->d, (size_t)m->in * (size_t)m->out * sizeof *gradient);
  memcpy(gradient + m->at.b, m->d_b, (size_t)m->out * sizeof *gradient);
}

static void store_norm(Norm *m, void *context)
{
  float *gradient = context;
  memcpy(gradient + m->at.w, m->d_w, (size_t)m->width * sizeof *gradient);
  memcpy(gradient + m->at.b, m->d_b, (size_t)m->width * sizeof *gradient);
}

static void clear_gradient(Transformer *t) { memset(t->memory, 0, (size_t)t->gradient_floats * sizeof *t->memory); }

static void store_gradient(Transformer *t, float *gradient)
{
  visit_maps(t, store_map, gradient);
  visit_norms(t, store_norm, gradient);
}

/* With the squared norm of every graph's own gradient: one graph at a time, then summed, so that sums round elsewhere than without. */
static double gradient_by_graph(Transformer *t, int count, const DenoiserGraph *graph, const DenoiserTarget *target, double scale,
                                float *gradient, double *square)
{
  const int64_t n    = t->at.parameters;
  float        *own  = t->own;
  double        loss = 0;
  memset(gradient, 0, (size_t)n * sizeof *gradient);
  *square = 0;
  for (int g = 0; g < count; g++) {
    double norm = 0;
    clear_gradient(t);
    loss += t->kernels.gradient(t, &graph[g], &target[g], 1);
    t->kernels.finish(t);
    store_gradient(t, own);
    for (int64_t p = 0; p < n; p++) {
      norm += (double)own[p] * (double)own[p];
      gradient[p] += (float)scale * own[p];
    }
    *square += norm;
  }
  return loss;
}

static void transformer_gradient(void *work, int count, const DenoiserGraph *graph, const DenoiserTarget *target, double scale,
                                 float *gradient, double *loss, double *square)
{
  Transformer *t   = work;
  double       sum = 0;
  if (square) {
    *loss = scale * gradient_by_graph(t, count, graph, target, scale, gradient, square);
    return;
  }
  clear_gradient(t);
  for (int g = 0; g < count; g++) sum += t->kernels.gradient(t, &graph[g], &target[g], (float)scale);
  t->kernels.finish(t);
  store_gradient(t, gradient);
  *loss = scale * sum;
}

const DenoiserOps denoiser_transformer = {
    .parameters   = transformer_parameters,
    .flops        = transformer_flops,
    .step_seconds = transformer_step_seconds,
    .init         = transformer_init,
    .parts        = transformer_parts,
    .check        = transformer_check,
    .create       = transformer_create,
    .destroy      = transformer_destroy,
    .load         = transformer_load,
    .forward      = transformer_forward,
    .gradient     = transformer_gradient,
    .reference    = transformer_reference,
};
