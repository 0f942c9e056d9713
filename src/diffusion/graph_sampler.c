/* SPDX-License-Identifier: BSD-2-Clause
 * The reverse chain of discrete graph diffusion in blocks of graphs: start from the limit law, then T times logits of the block and one
 * step of every graph (transition.h). A rank has the graphs of one stretch of numbers; all ranks take the same number of block steps, so
 * that they ask together whether to stop. Graphs are moved in the caller's arrays and gathered at the end. */
#include "graph_sampler.h"

#include <string.h>

#include "flush.h"
#include "graph_train_private.h"
#include "rng.h"

enum { BLOCK = 32 };

typedef struct Chain {
  const GraphModel         *model;
  const GraphPosterior     *posterior;
  const Transition         *p;
  const GraphSamplerRecord *record;
  IsaLevel                  isa;
  uint64_t                  key;
  int                       n, pairs, block;
  uint8_t                  *size, *node, *edge; /* of all graphs; node NULL: not wanted */
  uint8_t                  *no_node;            /* (block, n) classes of nodes that are not wanted */
  float                    *node_logit, *edge_logit, *probability;
  int                       t[BLOCK];
  GraphScratch             *scratch;
} Chain;

static PetscErrorCode chain_create(Chain *c)
{
  const Transition *p = c->p;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(c->block * c->n * p->a, &c->node_logit, c->block * c->pairs * p->b, &c->edge_logit, c->block * c->n, &c->no_node,
                         c->pairs + 1, &c->probability));
  if (!c->posterior) PetscCall(graph_scratch_create(c->model, c->block, &c->scratch));
  PetscFunctionReturn(0);
}

static PetscErrorCode chain_destroy(Chain *c)
{
  PetscFunctionBeginUser;
  graph_scratch_destroy(&c->scratch);
  PetscCall(PetscFree4(c->node_logit, c->edge_logit, c->no_node, c->probability));
  PetscFunctionReturn(0);
}

/* By inversion; rounding beyond the last size gives that one. */
static uint8_t draw_size(int n, const double *frequency, uint64_t key, uint64_t index)
{
  uint32_t word[4];
  double   below = 0;
  int      size  = n;
  rng_block(key, index, 0, RNG_GRAPH_SIZE, word);
  const double u = ((double)(((uint64_t)word[1] << 32 | word[0]) >> 12) + 0.5) * 0x1p-52;
  for (int k = 1; k <= n; k++) {
    if (!(frequency[k] > 0)) continue;
    size = k;
    below += frequency[k];
    if (u < below) break;
  }
  return (uint8_t)size;
}

static uint8_t *node_of(const Chain *c, int64_t first, int64_t i) { return c->node ? c->node + i * c->n : c->no_node + (i - first) * c->n; }

/* G_t of graph i, where it is kept; probability: of the step to it, NULL at the start. */
static void keep(const Chain *c, int64_t i, int t, const float *probability)
{
  const GraphSamplerRecord *r = c->record;
  const int64_t             T = c->p->T, pairs = c->pairs;
  if (!r || i >= r->graphs) return;
  if (r->edge) memcpy(r->edge + (i * (T + 1) + T - t) * pairs, c->edge + i * pairs, (size_t)pairs);
  if (r->probability && probability) memcpy(r->probability + (i * T + T - t - 1) * pairs, probability, (size_t)pairs * sizeof *probability);
}

static void start_block(Chain *c, const double *size_frequency, int64_t first, int64_t last)
{
  memset(c->edge + first * c->pairs, 0, (size_t)((last - first) * c->pairs));
  memset(node_of(c, first, first), 0, (size_t)((last - first) * c->n));
  for (int64_t i = first; i < last; i++) {
    c->size[i] = draw_size(c->n, size_frequency, c->key, (uint64_t)i);
    transition_start(c->p, c->isa, c->key, (uint64_t)i, c->size[i], node_of(c, first, i), c->edge + i * c->pairs);
    keep(c, i, c->p->T, NULL);
  }
}

static PetscErrorCode block_logits(Chain *c, int t, int64_t first, int64_t last)
{
  const int64_t pairs = c->pairs, n = c->n;

  PetscFunctionBeginUser;
  if (!c->posterior) {
    for (int k = 0; k < last - first; k++) c->t[k] = t;
    PetscCall(graph_model_logits(c->model, c->scratch, (int)(last - first), c->size + first, c->t, node_of(c, first, first),
                                 c->edge + first * pairs, c->node_logit, c->edge_logit));
    PetscFunctionReturn(0);
  }
  for (int64_t i = first; i < last; i++)
    c->posterior->logits(c->posterior->ctx, t, c->size[i], node_of(c, first, i), c->edge + i * pairs,
                         c->node_logit + (i - first) * n * c->p->a, c->edge_logit + (i - first) * pairs * c->p->b);
  PetscFunctionReturn(0);
}

/* One step t -> t - 1 of graphs [first, last). */
static PetscErrorCode step_block(Chain *c, int t, int64_t first, int64_t last)
{
  const int64_t pairs = c->pairs, n = c->n;

  PetscFunctionBeginUser;
  if (first >= last) PetscFunctionReturn(0);
  PetscCall(block_logits(c, t, first, last));
  for (int64_t i = first; i < last; i++) {
    const bool   kept = c->record && c->record->probability && i < c->record->graphs;
    const float *node = c->p->a > 1 ? c->node_logit + (i - first) * n * c->p->a : NULL;
    if (kept) memset(c->probability, 0, (size_t)pairs * sizeof *c->probability); /* beyond the graph */
    transition_step(c->p, c->isa, c->key, (uint64_t)i, t, c->size[i], node, c->edge_logit + (i - first) * pairs * c->p->b,
                    node_of(c, first, i), c->edge + i * pairs, kept ? c->probability : NULL);
    keep(c, i, t - 1, c->probability);
  }
  PetscFunctionReturn(0);
}

/* Rows of all ranks; rank r has graphs [graphs r / size, graphs (r + 1) / size) of `count`, cut at `most`. */
static PetscErrorCode gather(MPI_Comm comm, int64_t count, int64_t most, int64_t row, void *rows)
{
  int          size, *counts, *from;
  MPI_Datatype type;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (!rows || size == 1 || row == 0) PetscFunctionReturn(0);
  PetscCall(PetscMalloc2(size, &counts, size, &from));
  for (int r = 0; r < size; r++) {
    from[r]   = (int)PetscMin(most, count * r / size);
    counts[r] = (int)PetscMin(most, count * (r + 1) / size) - from[r];
  }
  PetscCallMPI(MPI_Type_contiguous((int)row, MPI_BYTE, &type));
  PetscCallMPI(MPI_Type_commit(&type));
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, rows, counts, from, type, comm));
  PetscCallMPI(MPI_Type_free(&type));
  PetscCall(PetscFree2(counts, from));
  PetscFunctionReturn(0);
}

static PetscErrorCode gather_all(MPI_Comm comm, const Chain *c, int64_t count)
{
  const GraphSamplerRecord *r = c->record;
  const int64_t             T = c->p->T, pairs = c->pairs;
  const int64_t             kept = r ? PetscMin(r->graphs, count) : 0;

  PetscFunctionBeginUser;
  PetscCall(gather(comm, count, count, 1, c->size));
  PetscCall(gather(comm, count, count, c->n, c->node));
  PetscCall(gather(comm, count, count, pairs, c->edge));
  if (kept == 0) PetscFunctionReturn(0);
  PetscCall(gather(comm, count, kept, (T + 1) * pairs, r->edge));
  PetscCall(gather(comm, count, kept, T * pairs * (int64_t)sizeof(float), r->probability));
  PetscFunctionReturn(0);
}

/* Forward passes of a block and its steps. */
static double step_seconds(const Chain *c)
{
  const double graph = c->posterior ? 1e-6 : denoiser_step_seconds(denoiser_spec(c->model->denoiser), c->n) / 3;
  return c->block * (graph + c->pairs * 5e-9);
}

static PetscErrorCode run(MPI_Comm comm, Chain *c, const double *size_frequency, int64_t count, const Watch *watch, bool *stopped)
{
  int size, rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  const int64_t begin = count * rank / size, end = count * (rank + 1) / size, most = (count + size - 1) / size;
  c->block       = (int)PetscMin(BLOCK, most);
  TrainPace pace = train_pace(watch, "sample", step_seconds(c), (most + c->block - 1) / c->block * c->p->T);
  PetscCall(chain_create(c));
  for (int64_t done = 0; done < most && !pace.stopped; done += c->block) {
    const int64_t first = PetscMin(end, begin + done), last = PetscMin(end, first + c->block);
    start_block(c, size_frequency, first, last);
    for (int t = c->p->T; t >= 1 && !pace.stopped; t--) {
      PetscCall(step_block(c, t, first, last));
      (void)train_steps_done(&pace, 1);
    }
  }
  PetscCall(chain_destroy(c));
  *stopped = pace.stopped;
  if (!*stopped) PetscCall(gather_all(comm, c, count));
  PetscFunctionReturn(0);
}

PetscErrorCode graph_sampler_run(MPI_Comm comm, const GraphModel *model, const GraphPosterior *posterior, int n,
                                 const double *size_frequency, uint64_t key, int64_t count, const GraphSamplerRecord *record, uint8_t *size,
                                 uint8_t *node, uint8_t *edge, const Watch *watch, bool *stopped)
{
  Chain chain = {.model     = model,
                 .posterior = posterior,
                 .p         = model->transition,
                 .record    = record,
                 .isa       = isa_level(),
                 .key       = key,
                 .n         = n,
                 .pairs     = pair_count(n),
                 .size      = size,
                 .node      = node,
                 .edge      = edge};

  PetscFunctionBeginUser;
  *stopped = false;
  PetscCheck(posterior || n == denoiser_spec(model->denoiser)->n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "graphs of up to %d vertices from a denoiser of other graphs", n);
  PetscCheck(node || model->transition->a == 1, PETSC_COMM_SELF, PETSC_ERR_ARG_NULL, "no room for node classes");
  PetscCheck(count < INT32_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%lld graphs", (long long)count);
  if (count <= 0) PetscFunctionReturn(0);
  const unsigned       before = flush_set();
  const PetscErrorCode code   = run(comm, &chain, size_frequency, count, watch, stopped);
  flush_restore(before);
  PetscCall(code);
  PetscFunctionReturn(0);
}
