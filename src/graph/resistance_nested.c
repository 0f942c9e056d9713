/* SPDX-License-Identifier: BSD-2-Clause
 * Exact effective resistances of one large connected block on several ranks. The vertices are dissected by separators (nested_plan.c). Each
 * rank eliminates its own subtree, sparse leaves (nested_leaf.c, supernodal.h) below dense fronts (nested_front.c), and passes the Schur
 * complement of its boundary up the tree of ranks; the inverse's blocks come back down the same way, and selected inversion finishes fronts
 * and leaves (Lin, Yang, Meza, Lu, Ying and E, ACM TOMS 37 (2011) 40: the parallel form of Takahashi's recursion). R = Z_uu + Z_vv - 2 Z_uv
 * of every edge, where the edge was eliminated.
 * Where the separators are so large that one rank alone is faster (power-law graphs), or the block is small, rank 0 does it alone and sends
 * the result (phase "serial"). Bitwise repeatable for a given number of ranks. It does not share a dense front among ranks: the critical
 * path has one front a level. */
#include "resistance_nested.h"

#include "memory_share.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SERIAL_VERTICES = 3000, LEAF_VERTICES = 2000, CHUNK = 1 << 27, TAG_SIZE = 1, TAG_VERTICES, TAG_BLOCK, LEVELS_MAX = 32 };
/* Dense work of fronts, and how small its share must be for the tree to be taken without asking for the serial cost. */
static const double front_flop_seconds = 1 / 3e10, small_share = 0.2, blas_bytes = 13e6;

typedef struct Nested {
  MPI_Comm                 comm;
  int                      rank, ranks;
  const Graph             *g;
  const ResistanceOptions *options;
  Watch                    progress; /* the caller's, without stop: the ranks' leaves do not ask in step */
  Links                   *links;
  NestedPlan              *plan;
} Nested;

/* Predictions, the same on all ranks. */
typedef struct Cost {
  double bytes;          /* of the rank that needs most */
  double seconds;        /* of the critical path */
  double dense;          /* what of it is separators' work */
  double entries, flops; /* of all ranks together */
} Cost;

static void phase(const Nested *w, const char *name) { watch_progress(&w->progress, name, 0, 1); }

static bool leads(const Nested *w, const NestedNode *node) { return node->first == w->rank; }

static double cube(double x) { return x * x * x; }

/* --- prediction --- */

/* What this rank's nodes need: all factors live at once, boundary blocks only along a branch, and buffers of the BLAS, which every leaf
 * counts, once. */
static double bytes_of_rank(const Nested *w)
{
  double bytes = 12 * (double)w->g->n + 16 * (double)w->g->m + blas_bytes, blocks = 0;
  for (int k = 0; k < w->plan->n_nodes; k++) {
    const NestedNode *node = &w->plan->node[k];
    const double      b    = node->n_boundary;
    if (node->leaf.matrix)
      bytes += fmax(0, supernodal_bytes(node->leaf.matrix) - blas_bytes) + 28 * (double)node->leaf.entries;
    else if (leads(w, node))
      bytes += nested_front_bytes(node) - 16 * b * b;
    blocks = fmax(blocks, 8 * b * b);
  }
  return bytes + 4 * blocks;
}

static PetscErrorCode predict(const Nested *w, Cost *cost)
{
  enum { BYTES, LOCAL, BOUNDARY, SHARED, MAXIMA = SHARED + LEVELS_MAX };
  double most[MAXIMA] = {0}, sum[2] = {0};

  PetscFunctionBeginUser;
  most[BYTES] = bytes_of_rank(w);
  for (int k = 0; k < w->plan->n_nodes; k++) {
    const NestedNode *node = &w->plan->node[k];
    const double      o = node->n_own, b = node->n_boundary;
    const bool        shared = k < w->plan->n_shared;
    if (k == w->plan->n_shared) most[BOUNDARY] = cube(b) / 3 * front_flop_seconds;
    if (node->leaf.matrix) {
      most[LOCAL] += supernodal_seconds(node->leaf.matrix);
      sum[0] += supernodal_entries(node->leaf.matrix);
      sum[1] += supernodal_flops(node->leaf.matrix);
    } else if (leads(w, node)) {
      most[shared ? SHARED + k : LOCAL] += nested_front_flops(node) * front_flop_seconds;
      sum[0] += o * (o + 1) / 2 + o * b;
      sum[1] += cube(o) / 3 + o * o * b + o * b * b;
    }
  }
  phase(w, "wait");
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, MAXIMA, MPI_DOUBLE, MPI_MAX, w->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPI_DOUBLE, MPI_SUM, w->comm));
  *cost = (Cost){.bytes = most[BYTES], .dense = most[BOUNDARY], .entries = sum[0], .flops = sum[1]};
  for (int l = 0; l < LEVELS_MAX; l++) cost->dense += most[SHARED + l];
  cost->seconds = most[LOCAL] + cost->dense - most[BOUNDARY];
  PetscFunctionReturn(0);
}

/* --- one rank alone --- */

static PetscErrorCode broadcast_doubles(MPI_Comm comm, int64_t n, double *x)
{
  PetscFunctionBeginUser;
  for (int64_t k = 0; k < n; k += CHUNK) PetscCallMPI(MPI_Bcast(x + k, (int)PetscMin(CHUNK, n - k), MPI_DOUBLE, 0, comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode serial(const Nested *w, ResistanceStats *stats, double *resistance)
{
  ResistanceOptions options = w->options ? *w->options : (ResistanceOptions){0};
  PetscErrorCode    failed  = 0;

  PetscFunctionBeginUser;
  phase(w, "serial");
  options.watch = &w->progress;
  if (w->rank == 0) failed = resistance_exact(PETSC_COMM_SELF, w->g, w->g->m, NULL, NULL, &options, stats, resistance);
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT, 0, w->comm));
  PetscCall(failed);
  PetscCallMPI(MPI_Bcast(stats, (int)sizeof *stats, MPI_BYTE, 0, w->comm));
  if (!stats->refused[0]) PetscCall(broadcast_doubles(w->comm, w->g->m, resistance));
  PetscFunctionReturn(0);
}

static PetscErrorCode predict_serial(const Nested *w, double *bytes, double *seconds)
{
  double         serial_cost[2] = {0};
  PetscErrorCode failed         = 0;

  PetscFunctionBeginUser;
  if (w->rank == 0) failed = resistance_exact_predict(w->g, &serial_cost[0], &serial_cost[1]);
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT, 0, w->comm));
  PetscCall(failed);
  PetscCall(broadcast_doubles(w->comm, 2, serial_cost));
  *bytes   = serial_cost[0];
  *seconds = serial_cost[1];
  PetscFunctionReturn(0);
}

/* --- the tree --- */

static PetscErrorCode analyze(Nested *w, int64_t leaf_vertices)
{
  PetscFunctionBeginUser;
  phase(w, "partition");
  PetscCall(links_create(w->g, &w->links));
  PetscCall(nested_plan_create(w->rank, w->ranks, w->g, w->links, leaf_vertices, &w->plan));
  PetscCheck(w->plan->n_shared <= LEVELS_MAX, PETSC_COMM_SELF, PETSC_ERR_PLIB, "%d ranks make more than %d levels", w->ranks, LEVELS_MAX);
  phase(w, "analyze");
  for (int k = 0; k < w->plan->n_nodes; k++)
    if (nested_is_leaf(&w->plan->node[k])) PetscCall(nested_leaf_analyze(w->g, w->links, w->plan, &w->plan->node[k]));
  PetscFunctionReturn(0);
}

/* Messages in pieces of 1 GB. */
static PetscErrorCode send_doubles(MPI_Comm comm, int64_t n, const double *x, int to)
{
  PetscFunctionBeginUser;
  for (int64_t k = 0; k < n; k += CHUNK) PetscCallMPI(MPI_Send(x + k, (int)PetscMin(CHUNK, n - k), MPI_DOUBLE, to, TAG_BLOCK, comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode receive_doubles(MPI_Comm comm, int64_t n, double *x, int from)
{
  PetscFunctionBeginUser;
  for (int64_t k = 0; k < n; k += CHUNK)
    PetscCallMPI(MPI_Recv(x + k, (int)PetscMin(CHUNK, n - k), MPI_DOUBLE, from, TAG_BLOCK, comm, MPI_STATUS_IGNORE));
  PetscFunctionReturn(0);
}

static PetscErrorCode send_schur(MPI_Comm comm, NestedNode *node, int to)
{
  const int64_t n = node->n_boundary;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Send(&node->n_boundary, 1, MPI_INT32_T, to, TAG_SIZE, comm));
  PetscCallMPI(MPI_Send(node->vertex + node->n_own, node->n_boundary, MPI_INT32_T, to, TAG_VERTICES, comm));
  PetscCall(send_doubles(comm, n * n, node->block, to));
  PetscCall(PetscFree(node->block));
  PetscFunctionReturn(0);
}

/* vertex: the caller's (PetscFree). */
static PetscErrorCode receive_schur(MPI_Comm comm, int from, int32_t **vertex, NestedSchur *schur)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Recv(&schur->n, 1, MPI_INT32_T, from, TAG_SIZE, comm, MPI_STATUS_IGNORE));
  const int64_t n = schur->n;
  PetscCall(PetscMalloc1((size_t)n, vertex));
  PetscCall(PetscMalloc1((size_t)(n * n), &schur->block));
  PetscCallMPI(MPI_Recv(*vertex, schur->n, MPI_INT32_T, from, TAG_VERTICES, comm, MPI_STATUS_IGNORE));
  PetscCall(receive_doubles(comm, n * n, schur->block, from));
  schur->vertex = *vertex;
  PetscFunctionReturn(0);
}

static NestedSchur take_schur(NestedNode *node)
{
  const NestedSchur schur = {.n = node->n_boundary, .vertex = node->vertex + node->n_own, .block = node->block};
  node->block             = NULL;
  return schur;
}

/* This rank's part of the way up past one node. */
static PetscErrorCode climb(Nested *w, NestedNode *node, int *failed)
{
  const bool  shared = node->last - node->first > 1;
  NestedSchur child[2];
  int32_t    *vertex = NULL;

  PetscFunctionBeginUser;
  if (!shared && nested_is_leaf(node)) {
    PetscCall(nested_leaf_factor(node, &w->progress, failed));
  } else if (leads(w, node)) {
    child[0] = take_schur(&w->plan->node[node->child[0]]);
    if (shared)
      PetscCall(receive_schur(w->comm, node->middle, &vertex, &child[1]));
    else
      child[1] = take_schur(&w->plan->node[node->child[1]]);
    PetscCall(nested_front_factor(w->g, w->links, w->plan, node, child, failed));
    PetscCall(PetscFree(vertex));
  } else if (w->rank == node->middle) {
    PetscCall(send_schur(w->comm, &w->plan->node[node->child[1]], node->first));
  }
  PetscFunctionReturn(0);
}

/* And down: the node's block of the inverse is known to its leader. */
static PetscErrorCode descend(Nested *w, NestedNode *node, double *resistance)
{
  const bool shared = node->last - node->first > 1;
  double    *block;

  PetscFunctionBeginUser;
  if (!shared && nested_is_leaf(node)) {
    PetscCall(nested_leaf_invert(node, &w->progress, resistance));
  } else if (leads(w, node)) {
    PetscCall(nested_front_invert(node, resistance));
    PetscCall(nested_front_block(node, 1, &block));
    if (shared) {
      const int64_t n = node->front.child[1].n;
      PetscCall(send_doubles(w->comm, n * n, block, node->middle));
      PetscCall(PetscFree(block));
    } else {
      w->plan->node[node->child[1]].block = block;
    }
    PetscCall(nested_front_block(node, 0, &w->plan->node[node->child[0]].block));
    nested_front_clear(&node->front);
    PetscCall(PetscFree(node->block));
  } else if (w->rank == node->middle) {
    NestedNode   *child = &w->plan->node[node->child[1]];
    const int64_t n     = child->n_boundary;
    PetscCall(PetscMalloc1((size_t)(n * n), &child->block));
    PetscCall(receive_doubles(w->comm, n * n, child->block, node->first));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode share(const Nested *w, double *resistance)
{
  const int64_t m = w->g->m;

  PetscFunctionBeginUser;
  phase(w, "wait");
  PetscCallMPI(MPI_Barrier(w->comm));
  phase(w, "gather");
  /* Every edge has one owner, the others hold 0: the sum is exact. */
  for (int64_t k = 0; k < m; k += CHUNK)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, resistance + k, (int)PetscMin(CHUNK, m - k), MPI_DOUBLE, MPI_SUM, w->comm));
  PetscFunctionReturn(0);
}

/* Whether any rank failed, or the caller wants an end; fills `refused`. */
static PetscErrorCode halted(const Nested *w, int failed, ResistanceStats *stats, bool *halt)
{
  PetscFunctionBeginUser;
  phase(w, "wait");
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, w->comm));
  if (failed)
    (void)snprintf(stats->refused, sizeof stats->refused, "not positive definite in double precision: weights too far apart");
  else if (w->options && watch_stop(w->options->watch))
    (void)snprintf(stats->refused, sizeof stats->refused, "interrupted");
  *halt = stats->refused[0] != 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode go_up(Nested *w, ResistanceStats *stats, bool *halt)
{
  NestedPlan *plan   = w->plan;
  int         failed = 0;

  PetscFunctionBeginUser;
  phase(w, "factor");
  for (int k = plan->n_nodes - 1; k >= plan->n_shared && !failed; k--) PetscCall(climb(w, &plan->node[k], &failed));
  PetscCall(halted(w, failed, stats, halt));
  if (*halt) PetscFunctionReturn(0);
  phase(w, "separator");
  for (int k = plan->n_shared - 1; k >= 0; k--) PetscCall(climb(w, &plan->node[k], &failed));
  PetscCall(halted(w, failed, stats, halt));
  PetscFunctionReturn(0);
}

static PetscErrorCode go_down(Nested *w, double *resistance)
{
  NestedPlan *plan = w->plan;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(resistance, (size_t)w->g->m));
  phase(w, "separator");
  if (leads(w, &plan->node[0])) {
    /* The root's boundary is the ground, whose row of the grounded inverse is 0. */
    PetscCall(PetscFree(plan->node[0].block));
    PetscCall(PetscCalloc1((size_t)plan->node[0].n_boundary, &plan->node[0].block));
  }
  for (int k = 0; k < plan->n_nodes; k++) {
    if (k == plan->n_shared) phase(w, "invert");
    PetscCall(descend(w, &plan->node[k], resistance));
  }
  PetscCall(share(w, resistance));
  PetscFunctionReturn(0);
}

typedef enum { TREE, SERIAL, REFUSED } Decision;

/* The tree, one rank, or neither; by memory first, by time then. */
static PetscErrorCode decide(const Nested *w, const Cost *cost, NestedPolicy policy, ResistanceStats *stats, Decision *decision)
{
  double limit = w->options ? w->options->memory_limit : 0, bytes = 0, seconds = 0;

  PetscFunctionBeginUser;
  PetscCall(memory_share(w->comm, limit, &limit));
  const bool fits = cost->bytes <= limit;
  *decision       = fits ? TREE : REFUSED;
  if (policy == NESTED_AUTO && (!fits || cost->dense > small_share * cost->seconds)) {
    PetscCall(predict_serial(w, &bytes, &seconds));
    if (bytes <= limit && (!fits || seconds < cost->seconds)) *decision = SERIAL;
  }
  if (*decision == REFUSED)
    (void)snprintf(stats->refused, sizeof stats->refused, "exact needs %.3g GB a rank of the %.3g GB allowed", cost->bytes / 1e9,
                   limit / 1e9);
  if (*decision != TREE) PetscFunctionReturn(0);
  if (resistance_too_slow(w->options, stats)) *decision = REFUSED;
  if (*decision == TREE && w->rank == 0) resistance_announce(stats, w->g);
  PetscFunctionReturn(0);
}

static PetscErrorCode release(Nested *w)
{
  PetscFunctionBeginUser;
  nested_plan_destroy(&w->plan);
  links_destroy(&w->links);
  PetscFunctionReturn(0);
}

PetscErrorCode resistance_nested_with(MPI_Comm comm, const Graph *g, const ResistanceOptions *options, NestedPolicy policy,
                                      int64_t leaf_vertices, ResistanceStats *stats, double *resistance)
{
  Nested   w        = {.comm = comm, .g = g, .options = options};
  Cost     cost     = {0};
  Decision decision = SERIAL;

  PetscFunctionBeginUser;
  *stats = (ResistanceStats){.method = RESISTANCE_EXACT};
  if (g->m == 0) PetscFunctionReturn(0);
  if (options && options->watch) w.progress = *options->watch;
  w.progress.stop = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &w.rank));
  PetscCallMPI(MPI_Comm_size(comm, &w.ranks));
  const bool small = g->n < SERIAL_VERTICES;
  if (links_fit(g) && (policy == NESTED_ALWAYS || !small)) {
    PetscCall(analyze(&w, leaf_vertices > 0 ? leaf_vertices : LEAF_VERTICES));
    PetscCall(predict(&w, &cost));
    stats->predicted_bytes   = cost.bytes;
    stats->predicted_seconds = cost.seconds;
    stats->factor_entries    = cost.entries;
    stats->factor_flops      = cost.flops;
    PetscCall(decide(&w, &cost, policy, stats, &decision));
  }
  if (decision == TREE) {
    bool halt;
    PetscCall(go_up(&w, stats, &halt));
    if (!halt) PetscCall(go_down(&w, resistance));
  }
  PetscCall(release(&w));
  if (decision == SERIAL) PetscCall(serial(&w, stats, resistance));
  PetscFunctionReturn(0);
}

PetscErrorCode resistance_nested(MPI_Comm comm, const Graph *g, const ResistanceOptions *options, ResistanceStats *stats,
                                 double *resistance)
{
  PetscFunctionBeginUser;
  PetscCall(resistance_nested_with(comm, g, options, NESTED_AUTO, 0, stats, resistance));
  PetscFunctionReturn(0);
}
