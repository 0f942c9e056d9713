/* SPDX-License-Identifier: BSD-2-Clause
 * What of the graph transformer needs no kernel: where its parameters are, their initial values (torch.nn.Linear's), their parts, what a
 * pass costs, and which specifications make sense. */
#include "transformer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"

static LinearAt linear_at(int64_t *at, int in, int out)
{
  const LinearAt l = {*at, *at + (int64_t)in * out, in, out};
  *at              = l.b + out;
  return l;
}

static NormAt norm_at(int64_t *at, int width)
{
  const NormAt n = {*at, *at + width};
  *at            = n.b + width;
  return n;
}

static void layer_at(const DenoiserSpec *s, int64_t *at, LayerAt *y)
{
  y->first = *at;
  y->q     = linear_at(at, s->dx, s->dx);
  y->k     = linear_at(at, s->dx, s->dx);
  if (y->updates_x) y->v = linear_at(at, s->dx, s->dx);
  y->e1    = linear_at(at, s->de, s->dx);
  y->e2    = linear_at(at, s->de, s->dx);
  y->ye1   = linear_at(at, s->dy, s->dx);
  y->ye2   = linear_at(at, s->dy, s->dx);
  y->e_out = linear_at(at, s->dx, s->de);
  if (y->updates_x) {
    y->yx1   = linear_at(at, s->dy, s->dx);
    y->yx2   = linear_at(at, s->dy, s->dx);
    y->x_out = linear_at(at, s->dx, s->dx);
  }
  if (y->updates_y) {
    y->yy     = linear_at(at, s->dy, s->dy);
    y->xy     = linear_at(at, 2 * s->dx, s->dy);
    y->ey     = linear_at(at, 2 * s->de, s->dy);
    y->y_out1 = linear_at(at, s->dy, s->dy);
    y->y_out2 = linear_at(at, s->dy, s->dy);
  }
  if (y->updates_x) {
    y->norm_x1 = norm_at(at, s->dx);
    y->ffx1    = linear_at(at, s->dx, s->ff_x);
    y->ffx2    = linear_at(at, s->ff_x, s->dx);
    y->norm_x2 = norm_at(at, s->dx);
  }
  y->norm_e1 = norm_at(at, s->de);
  y->ffe1    = linear_at(at, s->de, s->ff_e);
  y->ffe2    = linear_at(at, s->ff_e, s->de);
  y->norm_e2 = norm_at(at, s->de);
  if (y->updates_y) {
    y->norm_y1 = norm_at(at, s->dy);
    y->ffy1    = linear_at(at, s->dy, s->ff_y);
    y->ffy2    = linear_at(at, s->ff_y, s->dy);
    y->norm_y2 = norm_at(at, s->dy);
  }
  y->last = *at;
}

void transformer_layout(const DenoiserSpec *s, TransformerLayout *t)
{
  int64_t at = 0;
  memset(t, 0xff, sizeof *t); /* offsets of what does not exist: -1 */
  t->in_x1 = linear_at(&at, transformer_in_x(s), s->ff_x);
  t->in_x2 = linear_at(&at, s->ff_x, s->dx);
  t->in_e1 = linear_at(&at, s->b + s->pair_features, s->ff_e);
  t->in_e2 = linear_at(&at, s->ff_e, s->de);
  t->in_y1 = linear_at(&at, 1 + s->graph_features, s->ff_y);
  t->in_y2 = linear_at(&at, s->ff_y, s->dy);
  for (int l = 0; l < s->layers; l++) {
    const bool last       = l + 1 == s->layers;
    t->layer[l].updates_x = !last || s->a > 1;
    t->layer[l].updates_y = !last;
    layer_at(s, &at, &t->layer[l]);
  }
  if (s->a > 1) {
    t->out_x1 = linear_at(&at, s->dx, s->ff_x);
    t->out_x2 = linear_at(&at, s->ff_x, s->a);
  }
  t->out_e1     = linear_at(&at, s->de, s->ff_e);
  t->out_e2     = linear_at(&at, s->ff_e, s->b);
  t->parameters = at;
}

int64_t transformer_parameters(const DenoiserSpec *s)
{
  TransformerLayout t;
  transformer_layout(s, &t);
  return t.parameters;
}

int transformer_linears(const DenoiserSpec *s, const TransformerLayout *t, LinearAt out[TRANSFORMER_LINEARS_MAX])
{
  int            count   = 0;
  const LinearAt first[] = {t->in_x1, t->in_x2, t->in_e1, t->in_e2, t->in_y1, t->in_y2},
                 last[]  = {t->out_x1, t->out_x2, t->out_e1, t->out_e2};
  for (int k = 0; k < 6; k++) out[count++] = first[k];
  for (int l = 0; l < s->layers; l++) {
    const LayerAt *y     = &t->layer[l];
    const LinearAt all[] = {y->q,  y->k,  y->v,  y->e1,     y->e2,     y->ye1,  y->ye2,  y->e_out, y->yx1,  y->yx2,  y->x_out,
                            y->yy, y->xy, y->ey, y->y_out1, y->y_out2, y->ffx1, y->ffx2, y->ffe1,  y->ffe2, y->ffy1, y->ffy2};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
      if (all[k].w >= 0) out[count++] = all[k];
  }
  for (int k = s->a > 1 ? 0 : 2; k < 4; k++) out[count++] = last[k];
  return count;
}

static int compare_offsets(const void *a, const void *b)
{
  const int64_t x = ((const LinearAt *)a)->w, y = ((const LinearAt *)b)->w;
  return (x > y) - (x < y);
}

/* In the order of the parameters; what lies between linear maps are norms. */
void transformer_init(const DenoiserSpec *s, uint64_t key, float *theta)
{
  TransformerLayout t;
  LinearAt          all[TRANSFORMER_LINEARS_MAX];
  Rng               rng = rng_start(key, 0, RNG_NET);
  transformer_layout(s, &t);
  const int count = transformer_linears(s, &t, all);
  qsort(all, (size_t)count, sizeof *all, compare_offsets);
  for (int k = 0; k < count; k++) {
    const double bound = 1 / sqrt(all[k].in);
    for (int64_t p = all[k].w; p < all[k].b + all[k].out; p++) theta[p] = (float)((2 * rng_uniform(&rng) - 1) * bound);
  }
  for (int l = 0; l < s->layers; l++) {
    const LayerAt *y      = &t.layer[l];
    const NormAt   norm[] = {y->norm_x1, y->norm_x2, y->norm_e1, y->norm_e2, y->norm_y1, y->norm_y2};
    for (int k = 0; k < 6; k++) {
      const int64_t width = norm[k].b - norm[k].w;
      for (int64_t c = 0; norm[k].w >= 0 && c < width; c++) {
        theta[norm[k].w + c] = 1;
        theta[norm[k].b + c] = 0;
      }
    }
  }
}

int transformer_parts(const DenoiserSpec *s, DenoiserPart *out)
{
  TransformerLayout t;
  transformer_layout(s, &t);
  out[0] = (DenoiserPart){"input", 0, t.layer[0].first};
  for (int l = 0; l < s->layers; l++) {
    out[l + 1] = (DenoiserPart){"", t.layer[l].first, t.layer[l].last};
    snprintf(out[l + 1].name, sizeof out->name, "layer %u", (unsigned)(l + 1) % 100); /* %: what gcc knows to fit */
  }
  out[s->layers + 1] = (DenoiserPart){"output", t.layer[s->layers - 1].last, t.parameters};
  return s->layers + 2;
}

/* Rows that a map is applied to: pairs n^2, nodes n, the graph 1; as a plain program does it, without what is shared between pairs. */
double transformer_flops(const DenoiserSpec *s, int n)
{
  TransformerLayout t;
  transformer_layout(s, &t);
  double sum = 0;
#define ADD(map, rows) sum += (map).w < 0 ? 0 : 2.0 * (map).in * (map).out * (rows)
  const double nodes = n, pairs = (double)n * n;
  ADD(t.in_x1, nodes), ADD(t.in_x2, nodes), ADD(t.in_e1, pairs), ADD(t.in_e2, pairs), ADD(t.in_y1, 1), ADD(t.in_y2, 1);
  for (int l = 0; l < s->layers; l++) {
    const LayerAt *y          = &t.layer[l];
    const LinearAt of_nodes[] = {y->q, y->k, y->v, y->x_out, y->ffx1, y->ffx2}, of_pairs[] = {y->e1, y->e2, y->e_out, y->ffe1, y->ffe2};
    const LinearAt of_graph[] = {y->ye1, y->ye2, y->yx1, y->yx2, y->yy, y->xy, y->ey, y->y_out1, y->y_out2, y->ffy1, y->ffy2};
    for (size_t k = 0; k < sizeof of_nodes / sizeof *of_nodes; k++) ADD(of_nodes[k], nodes);
    for (size_t k = 0; k < sizeof of_pairs / sizeof *of_pairs; k++) ADD(of_pairs[k], pairs);
    for (size_t k = 0; k < sizeof of_graph / sizeof *of_graph; k++) ADD(of_graph[k], 1);
  }
  ADD(t.out_x1, nodes), ADD(t.out_x2, nodes), ADD(t.out_e1, pairs), ADD(t.out_e2, pairs);
#undef ADD
  return sum;
}

/* At 100 GFLOP/s. */
double transformer_step_seconds(const DenoiserSpec *s, int n) { return 3 * transformer_flops(s, n) / 1e11; }

static const char *check_widths(const DenoiserSpec *s, char message[256])
{
  const char *const name[]  = {"dx", "de", "dy", "ff_x", "ff_e", "ff_y"};
  const int         width[] = {s->dx, s->de, s->dy, s->ff_x, s->ff_e, s->ff_y};
  for (int k = 0; k < 6; k++)
    if (width[k] < 16 || width[k] > TRANSFORMER_WIDTH_MAX || width[k] % 16 != 0) {
      snprintf(message, 256, "%s = %d: widths of a transformer are multiples of 16 from 16 to %d", name[k], width[k],
               TRANSFORMER_WIDTH_MAX);
      return message;
    }
  return NULL;
}

const char *transformer_check(const DenoiserSpec *s, char message[256])
{
#define REFUSE(condition, ...)                                                                                                             \
  if (condition) {                                                                                                                         \
    snprintf(message, 256, __VA_ARGS__);                                                                                                   \
    return message;                                                                                                                        \
  }
  REFUSE(s->n < 2 || s->n > DENOISER_NODES_MAX, "graphs of %d vertices: a transformer takes 2 to %d", s->n, DENOISER_NODES_MAX)
  REFUSE(s->a < 1 || s->a > DENOISER_CLASSES_MAX, "%d node classes: there may be 1 to %d", s->a, DENOISER_CLASSES_MAX)
  REFUSE(s->b < 2 || s->b > DENOISER_CLASSES_MAX, "%d edge classes: there may be 2 to %d", s->b, DENOISER_CLASSES_MAX)
  REFUSE(s->T < 1, "T = %d: there must be a time step", s->T)
  REFUSE(s->layers < 1 || s->layers > TRANSFORMER_LAYERS_MAX, "%d layers: there may be 1 to %d", s->layers, TRANSFORMER_LAYERS_MAX)
  if (check_widths(s, message)) return message;
  REFUSE(s->heads < 1 || s->dx % s->heads != 0, "%d heads: must divide dx = %d", s->heads, s->dx)
  REFUSE(!(s->dropout >= 0 && s->dropout < 1), "dropout %g: must lie in [0, 1)", s->dropout)
  REFUSE(s->node_features < 0 || s->pair_features < 0 || s->graph_features < 0, "a negative number of features")
  REFUSE(s->node_features > TRANSFORMER_FEATURES_MAX || s->pair_features > TRANSFORMER_FEATURES_MAX ||
             s->graph_features > TRANSFORMER_FEATURES_MAX,
         "more than %d features of a kind", TRANSFORMER_FEATURES_MAX)
  REFUSE(s->a == 1 && !s->node_id && s->node_features == 0 && s->pair_features == 0,
         "one node class, no node_id and no vertex or pair features: all vertices look alike, their embeddings stay equal, the model can "
         "only emit Erdos-Renyi graphs of the right density")
#undef REFUSE
  return NULL;
}
