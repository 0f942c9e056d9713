/* SPDX-License-Identifier: BSD-2-Clause
 * Shards of a batch of noisy graphs: which graph, which t, which noise, and the features of what comes out. A sample is a function of (key,
 * step, place) alone, number = step * 2^k + place with 2^k >= batch:
 *   graph: place (step mod epoch) batch + place of a permutation of the set (Fisher and Yates) from the stream (key, epoch;
 *   RNG_GRAPH_ORDER), or word `number` of draw 0 of it when the batch exceeds the set;
 *   t: 1 + floor(T word / 2^32), word `number` of the stream (key, 0; RNG_GRAPH_TIME);
 *   noise: transition_noise with index `number`; dropout: a hash of (key, number).
 * Words of a stream lie four in a block. Nothing is allocated here but in create. */
#include <stdlib.h>
#include <string.h>

#include "graph_train_private.h"
#include "hash.h"
#include "memory.h"
#include "rng.h"

PetscErrorCode graph_room_create(const DenoiserSpec *spec, unsigned flags, int capacity, GraphRoom *out)
{
  const int64_t rows = capacity, pairs = pair_count(spec->n);

  PetscFunctionBeginUser;
  *out = (GraphRoom){.kind = spec->kind, .flags = flags, .n = spec->n};
  if (spec->kind == DENOISER_EDGE_MLP) out->pair = PAIR_FEATURES;
  if (spec->kind == DENOISER_TRANSFORMER) features_count(flags, &out->node, &out->pair, &out->graph);
  if (out->node) PetscCall(train_floats(rows * spec->n * out->node, &out->node_features));
  if (out->pair) PetscCall(train_floats(rows * pairs * out->pair, &out->pair_features));
  if (out->graph) PetscCall(train_floats(rows * out->graph, &out->graph_features));
  if (spec->kind == DENOISER_TRANSFORMER) PetscCall(train_doubles(masks_spectrum_work(spec->n), &out->work));
  PetscFunctionReturn(0);
}

void graph_room_destroy(GraphRoom *room)
{
  free(room->node_features);
  free(room->pair_features);
  free(room->graph_features);
  free(room->work);
  *room = (GraphRoom){0};
}

PetscErrorCode graph_room_fill(const GraphRoom *room, int k, DenoiserGraph *g)
{
  const int64_t row = k;
  uint64_t      adjacency[SET_NODES_MAX];

  PetscFunctionBeginUser;
  if (room->node + room->pair + room->graph == 0) PetscFunctionReturn(0);
  float *node  = room->node ? room->node_features + row * room->n * room->node : NULL;
  float *pair  = room->pair ? room->pair_features + row * pair_count(room->n) * room->pair : NULL;
  float *graph = room->graph ? room->graph_features + row * room->graph : NULL;
  masks_of_edges(g->n, g->edge, adjacency);
  if (room->kind == DENOISER_EDGE_MLP)
    features_pairs(g->n, adjacency, pair);
  else
    PetscCall(features_fill(room->flags, g->n, adjacency, node, pair, graph, room->work));
  g->node_features  = node;
  g->pair_features  = pair;
  g->graph_features = graph;
  PetscFunctionReturn(0);
}

PetscErrorCode graph_order_create(GraphJob *job)
{
  PetscFunctionBeginUser;
  job->epoch = -1;
  if (job->spec->batch > 0 && !graph_independent(job)) job->order = mem_calloc((size_t)job->trial->set->count, sizeof *job->order);
  PetscFunctionReturn(0);
}

void graph_order_destroy(GraphJob *job)
{
  free(job->order);
  job->order = NULL;
}

void graph_order_load(GraphJob *job, int64_t step)
{
  const int64_t count = job->trial->set->count, epoch_steps = count / job->batch;
  if (!job->order || job->epoch == step / epoch_steps) return;
  job->epoch = step / epoch_steps;
  Rng rng    = rng_start(job->trial->key, (uint32_t)job->epoch, RNG_GRAPH_ORDER);
  for (int64_t i = 0; i < count; i++) job->order[i] = (int32_t)i;
  for (int64_t i = 0; i < epoch_steps * job->batch; i++) {
    const int64_t j    = i + rng_below(&rng, (uint32_t)(count - i));
    const int32_t kept = job->order[i];
    job->order[i]      = job->order[j];
    job->order[j]      = kept;
  }
}

/* The words of a stream, one after the other. */
typedef struct Words {
  uint64_t key, block;
  uint32_t purpose, word[4];
} Words;

static Words words_start(uint64_t key, uint32_t purpose) { return (Words){.key = key, .block = UINT64_MAX, .purpose = purpose}; }

static uint32_t words_at(Words *w, uint64_t number)
{
  if (w->block != number / 4) {
    w->block = number / 4;
    rng_block(w->key, w->block, 0, w->purpose, w->word);
  }
  return w->word[number % 4];
}

static int64_t below(uint32_t word, int64_t n) { return (int64_t)((uint64_t)word * (uint64_t)n >> 32); }

PetscErrorCode graph_batch_create(const GraphJob *job, GraphBatch *out)
{
  const GraphSet *set  = job->trial->set;
  const size_t    most = (size_t)graph_widest(job);

  PetscFunctionBeginUser;
  *out = (GraphBatch){.graph = mem_calloc(most, sizeof *out->graph)};
  PetscCall(PetscMalloc2(most * (size_t)set->n, &out->node, most * (size_t)set->pairs + 1, &out->edge));
  PetscCall(PetscMalloc2(most, &out->input, most, &out->target));
  PetscCall(graph_room_create(&job->spec->denoiser, job->spec->features, (int)most, &out->room));
  PetscFunctionReturn(0);
}

void graph_batch_destroy(GraphBatch *batch)
{
  free(batch->graph);
  (void)PetscFree2(batch->node, batch->edge);
  (void)PetscFree2(batch->input, batch->target);
  graph_room_destroy(&batch->room);
  *batch = (GraphBatch){0};
}

/* Rows of a set are met in random order: asks for one before it is needed. */
static void fetch(const void *row, size_t bytes)
{
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch((const char *)row + at);
}

/* Graph `g` of the set as sample `number`, in row k. */
static PetscErrorCode draw_graph(const GraphJob *job, int64_t g, uint64_t number, int t, int k, GraphBatch *batch)
{
  const GraphTrainTrial *trial = job->trial;
  const GraphSet        *set   = trial->set;
  const NoiseDraw        draw  = {job->spec->noise, trial->key, number, trial->key, (uint64_t)g};
  uint8_t               *node = batch->node + (int64_t)k * set->n, *edge = batch->edge + (int64_t)k * set->pairs;
  const uint8_t         *clean_node = set->node + g * set->n, *clean_edge = set->edge + g * set->pairs;
  const float           *node_weight = job->weights.node ? job->weights.node + g * job->weights.node_step : NULL;

  PetscFunctionBeginUser;
  if (job->weights.edge_step > 0) fetch(job->weights.edge + g * job->weights.edge_step, (size_t)set->pairs * sizeof(float));
  transition_noise(trial->transition, job->isa, &draw, t, set->size[g], clean_node, clean_edge, node, edge);
  batch->graph[k]  = g;
  batch->target[k] = (DenoiserTarget){clean_node, clean_edge, node_weight, job->weights.edge + g * job->weights.edge_step};
  batch->input[k]  = (DenoiserGraph){.n = set->size[g], .t = t, .node = node, .edge = edge, .dropout = hash_u64(trial->key, number)};
  PetscCall(graph_room_fill(&batch->room, k, &batch->input[k]));
  PetscFunctionReturn(0);
}

PetscErrorCode graph_batch_draw(const GraphJob *job, int64_t step, int shard, GraphBatch *batch)
{
  const int64_t  count = job->trial->set->count;
  const int      first = graph_place(job, shard), T = job->trial->transition->T;
  const int32_t *order = job->order ? job->order + step % (count / job->batch) * job->batch : NULL;
  Words          times = words_start(job->trial->key, RNG_GRAPH_TIME), graphs = words_start(job->trial->key, RNG_GRAPH_ORDER);

  PetscFunctionBeginUser;
  batch->count = graph_place(job, shard + 1) - first;
  for (int k = 0; k < batch->count; k++) {
    const int      place  = first + k;
    const uint64_t number = ((uint64_t)step << job->step_bits) + (uint64_t)place;
    const int64_t  g      = order ? order[place] : graph_independent(job) ? below(words_at(&graphs, number), count) : place;
    PetscCall(draw_graph(job, g, number, 1 + (int)below(words_at(&times, number), T), k, batch));
  }
  PetscFunctionReturn(0);
}
