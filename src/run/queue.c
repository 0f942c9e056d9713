/* SPDX-License-Identifier: BSD-2-Clause
 * The queue's shared counters: one passive-target window on rank 0, drawn from by MPI_Fetch_and_op. Who draws which ticket is left to
 * chance; results do not depend on it. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

struct Queue {
  MPI_Comm comm; /* a private duplicate */
  MPI_Win  window;
  int64_t *counter; /* on rank 0: tickets of each phase, then COUNT_KINDS counts */
  int      n_phases;
};

int queue_create(MPI_Comm comm, int n_phases, Queue **out)
{
  int    rank;
  Queue *q = calloc(1, sizeof *q);
  if (!q) abort();
  q->n_phases = n_phases;
  MpiTry(MPI_Comm_dup(comm, &q->comm));
  MpiTry(MPI_Comm_rank(q->comm, &rank));
  const size_t n = rank == 0 ? (size_t)n_phases + COUNT_KINDS : 0;
  MpiTry(MPI_Win_allocate((MPI_Aint)(n * sizeof(int64_t)), sizeof(int64_t), MPI_INFO_NULL, q->comm, &q->counter, &q->window));
  if (n > 0) memset(q->counter, 0, n * sizeof(int64_t));
  MpiTry(MPI_Barrier(q->comm));
  MpiTry(MPI_Win_lock_all(0, q->window));
  *out = q;
  return 0;
}

int queue_destroy(Queue **queue)
{
  if (!*queue) return 0;
  Queue *q = *queue;
  MpiTry(MPI_Win_unlock_all(q->window));
  MpiTry(MPI_Win_free(&q->window));
  MpiTry(MPI_Comm_free(&q->comm));
  free(q);
  *queue = NULL;
  return 0;
}

static int fetch(Queue *q, int counter, MPI_Op op, int64_t amount, int64_t *before)
{
  MpiTry(MPI_Fetch_and_op(&amount, before, MPI_INT64_T, 0, counter, op, q->window));
  MpiTry(MPI_Win_flush(0, q->window));
  return 0;
}

int queue_draw(Queue *q, int phase, int64_t *ticket) { return fetch(q, phase, MPI_SUM, 1, ticket); }

int queue_add(Queue *q, QueueCount count, int64_t amount)
{
  int64_t before;
  return fetch(q, q->n_phases + (int)count, MPI_SUM, amount, &before);
}

int queue_read(Queue *q, QueueCount count, int64_t *value) { return fetch(q, q->n_phases + (int)count, MPI_NO_OP, 0, value); }

int queue_poll(Queue *q)
{
  int waiting;
  MpiTry(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, q->comm, &waiting, MPI_STATUS_IGNORE));
  return 0;
}
