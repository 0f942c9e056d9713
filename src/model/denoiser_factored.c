/* SPDX-License-Identifier: BSD-2-Clause
 * Factored denoisers: tables of logits, one cell for every pair (and vertex, when a > 1) and bucket of t; factored_bit has one for every
 * own noisy class as well. Parameters: edges (buckets, pairs, [noisy,] clean), then nodes (buckets, n, [noisy,] clean).
 *
 * Everything about a step follows from the weighted counts of clean classes in each cell: with N_c their sums, the loss is
 * -sum N_c log p_c and its gradient p_c sum N - N_c. Graphs are counted bucket by bucket (in double, in their order), in a row that stays
 * in L1; softmaxes of a bucket are computed once after a load. It does not see the graph. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "denoiser_factored_kernel.h"
#include "denoiser_private.h"
#include "denoiser_softmax.h"
#include "memory.h"

static const int64_t PARAMETERS_MAX = (int64_t)1 << 30;

/* Logits of all pairs or all vertices. A cell has the number place * seen + own noisy class. */
typedef struct Table {
  int     places, seen, classes; /* seen: noisy classes that are told apart, 1 or classes */
  int64_t first, row;            /* in the parameters: first one, and parameters of a bucket */
} Table;

/* Edges, then nodes; returns the number of tables. */
static int tables_of(const DenoiserSpec *s, Table table[2])
{
  const bool bit = s->kind == DENOISER_FACTORED_BIT;
  table[0]       = (Table){.places = denoiser_pairs(s->n), .seen = bit ? s->b : 1, .classes = s->b};
  table[1]       = (Table){.places = s->n, .seen = bit ? s->a : 1, .classes = s->a};
  for (int k = 0; k < 2; k++) table[k].row = (int64_t)table[k].places * table[k].seen * table[k].classes;
  table[1].first = s->buckets * table[0].row;
  return s->a > 1 ? 2 : 1;
}

static int bucket_of(const DenoiserSpec *s, int t) { return (int)((int64_t)(t - 1) * s->buckets / s->T); }

static int            places_of(const DenoiserGraph *g, int k) { return k == 0 ? denoiser_pairs(g->n) : g->n; }
static const uint8_t *noisy_of(const DenoiserGraph *g, int k) { return k == 0 ? g->edge : g->node; }
static const uint8_t *clean_of(const DenoiserTarget *g, int k) { return k == 0 ? g->edge : g->node; }
static const float   *weight_of(const DenoiserTarget *g, int k) { return k == 0 ? g->edge_weight : g->node_weight; }

static int64_t parameters(const DenoiserSpec *s)
{
  Table   table[2];
  int64_t sum = 0;
  for (int k = tables_of(s, table) - 1; k >= 0; k--) sum += s->buckets * table[k].row;
  return sum;
}

static double flops(const DenoiserSpec *s, int n)
{
  (void)s;
  (void)n;
  return 0;
}

/* Measured: ns a logit of the cells that are touched, in shards of 64 graphs over 50 buckets. */
static double step_seconds(const DenoiserSpec *s, int n)
{
  Table  table[2];
  double logits = 0;
  for (int k = tables_of(s, table) - 1; k >= 0; k--) logits += (k == 0 ? denoiser_pairs(n) : n) * table[k].seen * table[k].classes;
  return 0.4e-9 * logits;
}

static void init(const DenoiserSpec *s, uint64_t key, float *theta)
{
  (void)key;
  memset(theta, 0, (size_t)parameters(s) * sizeof *theta);
}

static int parts(const DenoiserSpec *s, DenoiserPart *out)
{
  static const char *const name[] = {"logits", "node logits"};
  Table                    table[2];
  const int                n = tables_of(s, table);
  for (int k = 0; k < n; k++) {
    out[k] = (DenoiserPart){.first = table[k].first, .last = table[k].first + s->buckets * table[k].row};
    strcpy(out[k].name, name[k]);
  }
  return n;
}

static const char *check(const DenoiserSpec *s, char message[256])
{
  if (s->buckets < 1 || s->buckets > s->T)
    snprintf(message, 256, "a factored denoiser needs between 1 and T = %d buckets of t, not %d", s->T, s->buckets);
  else if (parameters(s) > PARAMETERS_MAX)
    snprintf(message, 256, "a factored denoiser with %lld logits is larger than %lld; take fewer buckets of t", (long long)parameters(s),
             (long long)PARAMETERS_MAX);
  else
    return NULL;
  return message;
}

/* What belongs to a table while it is used; rows in planes, see denoiser_factored_kernel.h. */
typedef struct Rows {
  Table         table;
  FactoredShape shape;
  int64_t       size;      /* of a row: classes * seen * stride */
  float        *p, *log_p; /* (buckets, size) */
  bool         *known;     /* (buckets) p and log_p are those of the loaded parameters */
  double       *count;     /* (size) */
} Rows;

typedef struct Factored {
  DenoiserSpec           spec;
  const FactoredKernels *kernels;
  const float           *theta;
  int                    tables, room;
  Rows                   rows[2];
  int                   *head, *next; /* graphs of a bucket in their order: head (buckets), next (room); -1 ends */
  float                 *squared;     /* (pairs) weights of a graph */
} Factored;

static const FactoredKernels *kernels_of(IsaLevel isa)
{
  return isa == ISA_V4 ? &factored_kernels_v4 : isa == ISA_V3 ? &factored_kernels_v3 : &factored_kernels_base;
}

static void destroy(void *work)
{
  Factored *f = work;
  if (!f) return;
  for (int k = 0; k < 2; k++) {
    (void)PetscFree(f->rows[k].p);
    (void)PetscFree(f->rows[k].log_p);
    free(f->rows[k].known);
    free(f->rows[k].count);
  }
  free(f->head);
  free(f->next);
  free(f->squared);
  free(f);
}

static PetscErrorCode create(const DenoiserSpec *spec, IsaLevel isa, void **work)
{
  Factored *f = mem_calloc(1, sizeof *f);
  Table     table[2];
  PetscFunctionBeginUser;
  *work      = f;
  f->spec    = *spec;
  f->kernels = kernels_of(isa);
  f->tables  = tables_of(spec, table);
  f->head    = mem_calloc((size_t)spec->buckets, sizeof *f->head);
  f->squared = mem_calloc((size_t)(table[0].places + spec->n), sizeof *f->squared);
  for (int k = 0; k < f->tables; k++) {
    Rows        *r       = &f->rows[k];
    const size_t buckets = (size_t)spec->buckets;
    r->table             = table[k];
    r->shape             = (FactoredShape){table[k].seen, table[k].classes, (table[k].places + 15) / 16 * 16};
    r->size              = (int64_t)table[k].classes * table[k].seen * r->shape.stride;
    PetscCall(PetscCalloc1(buckets * (size_t)r->size, &r->p));
    PetscCall(PetscCalloc1(buckets * (size_t)r->size, &r->log_p));
    r->known = mem_calloc(buckets, sizeof *r->known);
    r->count = mem_calloc((size_t)r->size, sizeof *r->count);
  }
  PetscFunctionReturn(0);
}

static void load(void *work, const float *theta)
{
  Factored *f = work;
  f->theta    = theta;
  for (int k = 0; k < f->tables; k++) memset(f->rows[k].known, 0, (size_t)f->spec.buckets * sizeof *f->rows[k].known);
}

static void forward(void *work, int count, const DenoiserGraph *graph, float *node, float *edge)
{
  const Factored *f      = work;
  float *const    out[2] = {edge, node};
  for (int g = 0; g < count; g++)
    for (int k = 0; k < f->tables; k++) {
      const Table   *t    = &f->rows[k].table;
      const float   *row  = f->theta + t->first + bucket_of(&f->spec, graph[g].t) * t->row;
      const uint8_t *seen = noisy_of(&graph[g], k);
      const int      n    = places_of(&graph[g], k);
      float         *to   = out[k] + (int64_t)g * t->places * t->classes;
      if (t->seen == 1)
        memcpy(to, row, (size_t)(n * t->classes) * sizeof *to);
      else
        for (int i = 0; i < n; i++)
          for (int c = 0; c < t->classes; c++) to[i * t->classes + c] = row[(i * t->seen + seen[i]) * t->classes + c];
    }
}

static void know_row(const Factored *f, const Rows *r, int bucket)
{
  const int64_t at = bucket * r->size;
  if (r->known[bucket]) return;
  f->kernels->tabulate(&r->shape, r->table.places, f->theta + r->table.first + bucket * r->table.row, r->p + at, r->log_p + at);
  r->known[bucket] = true;
}

/* Lists the graphs of every bucket, each in the order of its graphs. */
static void list_graphs(Factored *f, int count, const DenoiserGraph *graph)
{
  if (count > f->room) {
    f->room = count;
    f->next = mem_realloc(f->next, (size_t)count, sizeof *f->next);
  }
  for (int b = 0; b < f->spec.buckets; b++) f->head[b] = -1;
  for (int g = count - 1; g >= 0; g--) {
    const int b = bucket_of(&f->spec, graph[g].t);
    f->next[g]  = f->head[b];
    f->head[b]  = g;
  }
}

/* Counts of the graphs of a bucket, by their weights or by their squares; returns the places of the largest graph. */
static int count_bucket(const Factored *f, int k, int bucket, const DenoiserGraph *graph, const DenoiserTarget *target, bool squared)
{
  const Rows *r    = &f->rows[k];
  int         most = 0;
  memset(r->count, 0, (size_t)r->size * sizeof *r->count);
  for (int g = f->head[bucket]; g >= 0; g = f->next[g]) {
    const int    n      = places_of(&graph[g], k);
    const float *weight = weight_of(&target[g], k);
    for (int i = 0; squared && i < n; i++) f->squared[i] = weight[i] * weight[i];
    f->kernels->count(&r->shape, n, noisy_of(&graph[g], k), clean_of(&target[g], k), squared ? f->squared : weight, r->count);
    most = n > most ? n : most;
  }
  return most;
}

/* gradient: of the table's bucket, which gets zeros beyond the graphs. */
static void gradient_bucket(const Factored *f, int k, int bucket, const DenoiserGraph *graph, const DenoiserTarget *target, double scale,
                            float *gradient, double loss[16])
{
  const Rows *r      = &f->rows[k];
  int         places = 0;
  if (f->head[bucket] >= 0) {
    know_row(f, r, bucket);
    places = count_bucket(f, k, bucket, graph, target, false);
    f->kernels->settle(&r->shape, places, r->count, r->p + bucket * r->size, r->log_p + bucket * r->size, scale, gradient, loss);
  }
  const int64_t used = (int64_t)places * r->table.seen * r->table.classes;
  memset(gradient + used, 0, (size_t)(r->table.row - used) * sizeof *gradient);
}

static double sum_lanes(double x[16])
{
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; i++) x[i] += x[i + half];
  return x[0];
}

/* Cells of one graph are all different, so that squares add up like losses: those of the weights count. */
static double squares_of(const Factored *f, const DenoiserGraph *graph, const DenoiserTarget *target)
{
  double sum[16] = {0};
  for (int k = 0; k < f->tables; k++)
    for (int b = 0; b < f->spec.buckets; b++) {
      const Rows *r = &f->rows[k];
      if (f->head[b] < 0) continue;
      const int places = count_bucket(f, k, b, graph, target, true);
      f->kernels->squares(&r->shape, places, r->count, r->p + b * r->size, sum);
    }
  return sum_lanes(sum);
}

static void gradient_all(void *work, int count, const DenoiserGraph *graph, const DenoiserTarget *target, double scale, float *gradient,
                         double *loss, double *square)
{
  Factored *f       = work;
  double    sum[16] = {0};
  list_graphs(f, count, graph);
  for (int k = 0; k < f->tables; k++)
    for (int b = 0; b < f->spec.buckets; b++) {
      const Table *t = &f->rows[k].table;
      gradient_bucket(f, k, b, graph, target, scale, gradient + t->first + b * t->row, sum);
    }
  *loss = scale * sum_lanes(sum);
  if (square) *square = squares_of(f, graph, target);
}

static double reference_place(const Table *t, const double *row, int i, int noisy, const DenoiserTarget *target, int k, double scale,
                              double *gradient)
{
  const int64_t cell = (int64_t)(t->seen == 1 ? i : i * t->seen + noisy) * t->classes;
  const double  w    = (double)weight_of(target, k)[i];
  double        slope[DENOISER_CLASSES_MAX];
  const double  entropy = softmax_cross_entropy(t->classes, row + cell, clean_of(target, k)[i], slope);
  for (int c = 0; gradient && c < t->classes; c++) gradient[cell + c] += scale * w * slope[c];
  return w * entropy;
}

static PetscErrorCode reference(const DenoiserSpec *s, const double *theta, int count, const DenoiserGraph *graph,
                                const DenoiserTarget *target, double scale, bool with_dropout, double *node, double *edge, double *gradient,
                                double *loss)
{
  double *const out[2] = {edge, node};
  double        sum    = 0;
  Table         table[2];
  PetscFunctionBeginUser;
  (void)with_dropout;
  if (gradient) memset(gradient, 0, (size_t)parameters(s) * sizeof *gradient);
  const int tables = tables_of(s, table);
  for (int g = 0; g < count; g++)
    for (int k = 0; k < tables; k++) {
      const Table  *t  = &table[k];
      const int64_t at = t->first + bucket_of(s, graph[g].t) * t->row;
      for (int i = 0; i < places_of(&graph[g], k); i++) {
        const int noisy = noisy_of(&graph[g], k)[i];
        for (int c = 0; out[k] && c < t->classes; c++)
          out[k][((int64_t)g * t->places + i) * t->classes + c] = theta[at + (t->seen == 1 ? i : i * t->seen + noisy) * t->classes + c];
        if (gradient || loss) sum += reference_place(t, theta + at, i, noisy, &target[g], k, scale, gradient ? gradient + at : NULL);
      }
    }
  if (loss) *loss = scale * sum;
  PetscFunctionReturn(0);
}

#define OPS                                                                                                                                \
  {                                                                                                                                        \
    parameters, flops, step_seconds, init, parts, check, create, destroy, load, forward, gradient_all, reference                           \
  }
const DenoiserOps denoiser_factored     = OPS;
const DenoiserOps denoiser_factored_bit = OPS;
#undef OPS
