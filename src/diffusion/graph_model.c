/* SPDX-License-Identifier: BSD-2-Clause
 * A trained denoiser with its features: logits of noisy graphs, and what it learned. phat is the softmax of the logits in double. Sums over
 * graphs are taken in BLOCKS fixed blocks, each by one rank, which are added in order: the same bits on any number of ranks. Streams are
 * those of keys hashed from (key, what is asked, t), so that no noise of the training comes back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flush.h"
#include "graph_train_private.h"
#include "hash.h"
#include "rng.h"

enum { BLOCKS = 64, CHUNK = 16 };
typedef enum { ASK_PROBE = 1, ASK_PAIRS, ASK_BOUND, ASK_TIMES } Question;

static uint64_t question_key(uint64_t key, Question what, uint64_t t) { return hash_u64(hash_u64(hash_text(key, "graph_model"), what), t); }

struct GraphScratch {
  int            capacity;
  GraphRoom      room;
  DenoiserGraph *graph;
};

PetscErrorCode graph_scratch_create(const GraphModel *model, int count, GraphScratch **out)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(out));
  (*out)->capacity = count;
  PetscCall(PetscMalloc1(count, &(*out)->graph));
  PetscCall(graph_room_create(denoiser_spec(model->denoiser), model->features, count, &(*out)->room));
  PetscFunctionReturn(0);
}

void graph_scratch_destroy(GraphScratch **scratch)
{
  if (!*scratch) return;
  graph_room_destroy(&(*scratch)->room);
  (void)PetscFree((*scratch)->graph);
  (void)PetscFree(*scratch);
}

PetscErrorCode graph_model_logits(const GraphModel *model, GraphScratch *scratch, int count, const uint8_t *size, const int *t,
                                  const uint8_t *node, const uint8_t *edge, float *node_logit, float *edge_logit)
{
  const int64_t n = denoiser_spec(model->denoiser)->n, pairs = pair_count((int)n);

  PetscFunctionBeginUser;
  PetscCheck(count <= scratch->capacity, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%d graphs in room for %d", count, scratch->capacity);
  for (int k = 0; k < count; k++) {
    scratch->graph[k] = (DenoiserGraph){.n = size[k], .t = t[k], .node = node + k * n, .edge = edge + k * pairs};
    PetscCall(graph_room_fill(&scratch->room, k, &scratch->graph[k]));
  }
  denoiser_forward(model->denoiser, count, scratch->graph, node_logit, edge_logit);
  PetscFunctionReturn(0);
}

/* --- sums over graphs --- */

PetscErrorCode graph_sum_blocks(MPI_Comm comm, int64_t graphs, int64_t width, GraphBlock *block, void *ctx, double *out)
{
  double *sum;
  int     size, rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscCalloc1(BLOCKS * width, &sum));
  const unsigned before = flush_set();
  for (int b = BLOCKS * rank / size; b < BLOCKS * (rank + 1) / size; b++)
    PetscCall(block(ctx, graphs * b / BLOCKS, graphs * (b + 1) / BLOCKS, sum + b * width));
  flush_restore(before);
  if (size > 1) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, (int)(BLOCKS * width), MPI_DOUBLE, MPI_SUM, comm)); /* x + 0 = x */
  memset(out, 0, (size_t)width * sizeof *out);
  for (int b = 0; b < BLOCKS; b++)
    for (int64_t i = 0; i < width; i++) out[i] += sum[b * width + i];
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}

/* Up to CHUNK noisy graphs that a model is asked about together, in its strides. */
typedef struct Chunk {
  const GraphModel *model;
  const GraphSet   *set; /* NULL: of the limit law */
  IsaLevel          isa;
  uint64_t          key;
  int               n, pairs, b, count;
  uint8_t           size[CHUNK], *node, *edge;
  int               t[CHUNK];
  int64_t           graph[CHUNK];
  double            weight[CHUNK];
  float            *node_logit, *edge_logit;
  GraphScratch     *scratch;
} Chunk;

static PetscErrorCode chunk_create(const GraphModel *model, const GraphSet *set, uint64_t key, Chunk *c)
{
  const DenoiserSpec *spec = denoiser_spec(model->denoiser);
  const int           rows = CHUNK * spec->n, pairs = pair_count(spec->n);

  PetscFunctionBeginUser;
  PetscCheck(!set || set->n <= spec->n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "graphs of %d vertices for a denoiser of %d", set ? set->n : 0,
             spec->n);
  *c = (Chunk){.model = model, .set = set, .isa = isa_level(), .key = key, .n = spec->n, .pairs = pairs, .b = spec->b};
  PetscCall(PetscCalloc2(rows, &c->node, CHUNK * pairs, &c->edge));
  PetscCall(PetscMalloc2(rows * spec->a, &c->node_logit, CHUNK * pairs * spec->b, &c->edge_logit));
  PetscCall(graph_scratch_create(model, CHUNK, &c->scratch));
  PetscFunctionReturn(0);
}

static PetscErrorCode chunk_destroy(Chunk *c)
{
  PetscFunctionBeginUser;
  graph_scratch_destroy(&c->scratch);
  PetscCall(PetscFree2(c->node, c->edge));
  PetscCall(PetscFree2(c->node_logit, c->edge_logit));
  PetscFunctionReturn(0);
}

/* Graph `graph` of the set at t with noise of (key, index). */
static void chunk_add(Chunk *c, int64_t graph, int t, uint64_t index, double weight)
{
  const int       k    = c->count++;
  const NoiseDraw draw = {.kind = EDGE_NOISE_RANDOM, .key = c->key, .index = index};
  c->size[k]           = c->set->size[graph];
  c->t[k]              = t;
  c->graph[k]          = graph;
  c->weight[k]         = weight;
  transition_noise(c->model->transition, c->isa, &draw, t, c->size[k], c->set->node + graph * c->set->n,
                   c->set->edge + graph * c->set->pairs, c->node + k * c->n, c->edge + k * c->pairs);
}

static PetscErrorCode chunk_logits(Chunk *c)
{
  PetscFunctionBeginUser;
  PetscCall(graph_model_logits(c->model, c->scratch, c->count, c->size, c->t, c->node, c->edge, c->node_logit, c->edge_logit));
  PetscFunctionReturn(0);
}

/* phat of an edge of any class. */
static double edge_probability(int b, const float *logit)
{
  double most = (double)logit[0], all = 0, none = 0;
  for (int x = 1; x < b; x++) most = fmax(most, (double)logit[x]);
  for (int x = 0; x < b; x++) {
    const double e = exp((double)logit[x] - most);
    all += e;
    if (x == 0) none = e;
  }
  return (all - none) / all;
}

static double chunk_probability(const Chunk *c, int k, int pair)
{
  return edge_probability(c->b, c->edge_logit + ((int64_t)k * c->pairs + pair) * c->b);
}

/* --- what was learned --- */

void graph_probe_times(int T, int t[PROBE_TIMES])
{
  for (int i = 0; i < PROBE_TIMES; i++) {
    t[i] = (int)(((int64_t)T * (PROBE_TIMES - i) + PROBE_TIMES / 2) / PROBE_TIMES);
    if (t[i] < 1) t[i] = 1;
  }
}

/* Sums of phat, then numbers of pairs: of the classes, then of sites with and without their bridge. */
enum { ASKED = TERM_CLASSES + 2 };

typedef struct Probe {
  Chunk chunk;
  int   t;
} Probe;

static void add_pair(double p, int class, double *sum)
{
  sum[class] += p;
  sum[ASKED + class]++;
}

static void add_graph(const Chunk *c, int k, double *sum)
{
  const GraphSet *set                                           = c->set;
  const int64_t   g                                             = c->graph[k];
  uint8_t         site[SET_NODES_MAX * (SET_NODES_MAX - 1) / 2] = {0};
  for (int j = 0; set->site && j < set->joints; j++) site[set->site[g * set->joints + j]] = 1;
  for (int p = 0; p < pair_count(c->size[k]); p++) {
    const double phat   = chunk_probability(c, k, p);
    const bool   edge   = set->edge[g * set->pairs + p] > 0;
    const bool   bridge = set->site ? site[p] : graph_term(set, g, p) == TERMS_BRIDGE;
    add_pair(phat, bridge ? TERMS_BRIDGE : edge ? TERMS_INTRA : TERMS_NONE, sum);
    if (bridge) add_pair(phat, TERM_CLASSES + !edge, sum);
  }
}

static PetscErrorCode probe_block(void *ctx, int64_t first, int64_t last, double *sum)
{
  Probe *p = ctx;
  Chunk *c = &p->chunk;

  PetscFunctionBeginUser;
  for (int64_t begin = first; begin < last; begin += CHUNK) {
    c->count = 0;
    for (int64_t g = begin; g < PetscMin(last, begin + CHUNK); g++) chunk_add(c, g, p->t, (uint64_t)g, 1);
    PetscCall(chunk_logits(c));
    for (int k = 0; k < c->count; k++) add_graph(c, k, sum);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode graph_probe(MPI_Comm comm, const GraphModel *model, const GraphSet *set, uint64_t key, int t, int64_t graphs,
                           double out[TERM_CLASSES], double *present)
{
  Probe  probe = {.t = t};
  double sum[2 * ASKED], mean[ASKED];

  PetscFunctionBeginUser;
  PetscCall(chunk_create(model, set, question_key(key, ASK_PROBE, (uint64_t)t), &probe.chunk));
  PetscCall(graph_sum_blocks(comm, PetscMin(graphs, set->count), 2 * ASKED, probe_block, &probe, sum));
  PetscCall(chunk_destroy(&probe.chunk));
  for (int i = 0; i < ASKED; i++) mean[i] = sum[ASKED + i] > 0 ? sum[i] / sum[ASKED + i] : NAN;
  memcpy(out, mean, TERM_CLASSES * sizeof *out);
  if (present) memcpy(present, mean + TERM_CLASSES, 2 * sizeof *present);
  PetscFunctionReturn(0);
}

static PetscErrorCode pairs_block(void *ctx, int64_t first, int64_t last, double *sum)
{
  Probe *p = ctx;
  Chunk *c = &p->chunk;

  PetscFunctionBeginUser;
  for (int64_t begin = first; begin < last; begin += CHUNK) {
    c->count = (int)PetscMin(CHUNK, last - begin);
    for (int k = 0; k < c->count; k++)
      transition_start(c->model->transition, c->isa, c->key, (uint64_t)(begin + k), c->size[k], c->node + k * c->n, c->edge + k * c->pairs);
    PetscCall(chunk_logits(c));
    for (int k = 0; k < c->count; k++)
      for (int i = 0; i < pair_count(c->size[k]); i++) sum[i] += chunk_probability(c, k, i);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode graph_probe_pairs(MPI_Comm comm, const GraphModel *model, int n, uint64_t key, int t, int64_t graphs, double *out)
{
  Probe probe = {.t = t};

  PetscFunctionBeginUser;
  PetscCall(chunk_create(model, NULL, question_key(key, ASK_PAIRS, (uint64_t)t), &probe.chunk));
  PetscCheck(n <= probe.chunk.n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "graphs of %d vertices for a denoiser of %d", n, probe.chunk.n);
  for (int k = 0; k < CHUNK; k++) {
    probe.chunk.size[k] = (uint8_t)n;
    probe.chunk.t[k]    = t;
  }
  PetscCall(graph_sum_blocks(comm, graphs, pair_count(n), pairs_block, &probe, out));
  PetscCall(chunk_destroy(&probe.chunk));
  for (int i = 0; i < pair_count(n); i++) out[i] /= (double)graphs;
  PetscFunctionReturn(0);
}

/* --- the bound --- */

typedef struct Bound {
  Chunk    chunk;
  uint64_t times_key;
  int      T, times; /* terms a graph */
} Bound;

/* Term k of a graph: its t, and how many terms it stands for. */
static int bound_time(const Bound *b, int64_t graph, int k, double *weight)
{
  *weight = 1;
  if (b->times == b->T || k == 0) return k + 1;
  const int64_t strata = b->times - 1, rest = b->T - 1, first = 2 + rest * (k - 1) / strata, size = 2 + rest * k / strata - first;
  uint32_t      word[4];
  rng_block(b->times_key, (uint64_t)graph, (uint32_t)k, RNG_GRAPH_TIME, word);
  *weight = (double)size;
  return (int)(first + (int64_t)((uint64_t)word[0] * (uint64_t)size >> 32));
}

static PetscErrorCode bound_flush(Chunk *c, double *sum)
{
  const GraphSet *set   = c->set;
  const bool      nodes = set->a > 1;

  PetscFunctionBeginUser;
  PetscCall(chunk_logits(c));
  for (int k = 0; k < c->count; k++) {
    const int64_t g = c->graph[k], a = set->a;
    *sum += c->weight[k] * transition_bound_term(c->model->transition, c->t[k], c->size[k], set->node + g * set->n,
                                                 set->edge + g * set->pairs, c->node + k * c->n, c->edge + k * c->pairs,
                                                 nodes ? c->node_logit + k * c->n * a : NULL, c->edge_logit + (int64_t)k * c->pairs * c->b);
  }
  c->count = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode bound_block(void *ctx, int64_t first, int64_t last, double *sum)
{
  Bound          *b   = ctx;
  Chunk          *c   = &b->chunk;
  const GraphSet *set = c->set;

  PetscFunctionBeginUser;
  c->count = 0;
  for (int64_t g = first; g < last; g++) {
    *sum += transition_prior_term(c->model->transition, set->size[g], set->node + g * set->n, set->edge + g * set->pairs);
    for (int k = 0; k < b->times; k++) {
      double    weight;
      const int t = bound_time(b, g, k, &weight);
      chunk_add(c, g, t, (uint64_t)g * (uint64_t)b->times + (uint64_t)k, weight);
      if (c->count == CHUNK) PetscCall(bound_flush(c, sum));
    }
  }
  PetscCall(bound_flush(c, sum));
  PetscFunctionReturn(0);
}

PetscErrorCode graph_bound(MPI_Comm comm, const GraphModel *model, const GraphSet *set, uint64_t key, int64_t graphs, int times,
                           double *nll)
{
  const int T     = model->transition->T;
  Bound     bound = {.times_key = question_key(key, ASK_TIMES, 0), .T = T, .times = T <= times ? T : PetscMax(2, times)};

  PetscFunctionBeginUser;
  graphs = PetscMin(graphs, set->count);
  PetscCall(chunk_create(model, set, question_key(key, ASK_BOUND, 0), &bound.chunk));
  PetscCall(graph_sum_blocks(comm, graphs, 1, bound_block, &bound, nll));
  PetscCall(chunk_destroy(&bound.chunk));
  *nll /= (double)graphs;
  PetscFunctionReturn(0);
}
