/* SPDX-License-Identifier: BSD-2-Clause
 * Communication of the row-distributed container: an all-to-all of 64-bit counts made of MPI_Alltoallv rounds through small buffers, and
 * fetching of values by vertex. */
#include <string.h>

#include "rows.h"

#define ROUND_WORDS (INT64_C(1) << 21) /* sent by a rank in a round */

/* Buffers of a round, and the offsets of the pieces in them. */
typedef struct Round {
  int       ranks;
  int64_t   limit; /* words a pair and round */
  int      *count[2], *start[2];
  uint64_t *buffer[2];
} Round;

static int64_t round_limit(int ranks) { return ROUND_WORDS / ranks + 1; }

static PetscErrorCode round_create(int ranks, Round *r)
{
  PetscFunctionBeginUser;
  r->ranks           = ranks;
  r->limit           = round_limit(ranks);
  const size_t words = (size_t)r->limit * (size_t)ranks;
  PetscCall(PetscMalloc2(words, &r->buffer[0], words, &r->buffer[1]));
  PetscCall(
      PetscMalloc4((size_t)ranks, &r->count[0], (size_t)ranks, &r->count[1], (size_t)ranks, &r->start[0], (size_t)ranks, &r->start[1]));
  PetscFunctionReturn(0);
}

static PetscErrorCode round_clear(Round *r)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(r->buffer[0], r->buffer[1]));
  PetscCall(PetscFree4(r->count[0], r->count[1], r->start[0], r->start[1]));
  PetscFunctionReturn(0);
}

/* The pieces of round k of what has `total` words for each rank. */
static void cut_round(Round *r, int side, int64_t k, const int64_t *total)
{
  int start = 0;
  for (int p = 0; p < r->ranks; p++) {
    const int64_t left = total[p] - k * r->limit;
    r->count[side][p]  = (int)(left < 0 ? 0 : left < r->limit ? left : r->limit);
    r->start[side][p]  = start;
    start += r->count[side][p];
  }
}

static PetscErrorCode run_rounds(MPI_Comm comm, Round *r, int64_t rounds, const int64_t *count, const uint64_t *send, const int64_t *from,
                                 uint64_t *received)
{
  PetscFunctionBeginUser;
  for (int64_t k = 0; k < rounds; k++) {
    cut_round(r, 0, k, count);
    cut_round(r, 1, k, from);
    const uint64_t *piece = send;
    for (int p = 0; p < r->ranks; piece += count[p++])
      if (r->count[0][p]) memcpy(r->buffer[0] + r->start[0][p], piece + k * r->limit, (size_t)r->count[0][p] * sizeof *piece);
    PetscCallMPI(
        MPI_Alltoallv(r->buffer[0], r->count[0], r->start[0], MPI_UINT64_T, r->buffer[1], r->count[1], r->start[1], MPI_UINT64_T, comm));
    uint64_t *to = received;
    for (int p = 0; p < r->ranks; to += from[p++])
      if (r->count[1][p]) memcpy(to + k * r->limit, r->buffer[1] + r->start[1][p], (size_t)r->count[1][p] * sizeof *to);
  }
  PetscFunctionReturn(0);
}

/* When both sides know all counts, and how many rounds the longest message of all takes. */
static PetscErrorCode exchange_known(MPI_Comm comm, int64_t rounds, const int64_t *count, const void *send, const int64_t *from,
                                     void *received)
{
  int   ranks;
  Round r = {0};

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCall(round_create(ranks, &r));
  PetscCall(run_rounds(comm, &r, rounds, count, send, from, received));
  PetscCall(round_clear(&r));
  PetscFunctionReturn(0);
}

/* Tells every rank what it will get, and the longest message of all. from: (ranks). */
static PetscErrorCode announce(MPI_Comm comm, const int64_t *count, int64_t *from, int64_t *sum, int64_t *rounds)
{
  int64_t *sent, *got, longest = 0;
  int      ranks;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCall(PetscMalloc2((size_t)ranks * 2, &sent, (size_t)ranks * 2, &got));
  for (int p = 0; p < ranks; p++)
    if (count[p] > longest) longest = count[p];
  for (int p = 0; p < ranks; p++) {
    sent[2 * p]     = count[p];
    sent[2 * p + 1] = longest;
  }
  PetscCallMPI(MPI_Alltoall(sent, 2, MPI_INT64_T, got, 2, MPI_INT64_T, comm));
  *sum = 0;
  for (int p = 0; p < ranks; p++) {
    from[p] = got[2 * p];
    *sum += from[p];
    if (got[2 * p + 1] > longest) longest = got[2 * p + 1];
  }
  *rounds = (longest + round_limit(ranks) - 1) / round_limit(ranks);
  PetscCall(PetscFree2(sent, got));
  PetscFunctionReturn(0);
}

PetscErrorCode exchange_words(MPI_Comm comm, const int64_t *count, const void *send, int64_t *n_received, void *received, int64_t *from)
{
  int       ranks;
  int64_t  *by_rank, rounds;
  uint64_t *words;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCall(PetscMalloc1((size_t)ranks, &by_rank));
  PetscCall(announce(comm, count, by_rank, n_received, &rounds));
  PetscCall(PetscMalloc1((size_t)*n_received + 1, &words));
  PetscCall(exchange_known(comm, rounds, count, send, by_rank, words));
  if (from) memcpy(from, by_rank, (size_t)ranks * sizeof *from);
  PetscCall(PetscFree(by_rank));
  *(void **)received = words;
  PetscFunctionReturn(0);
}

int rows_owner(const int64_t *range, int ranks, int64_t vertex)
{
  int low = 0;
  for (int high = ranks - 1; low < high;) {
    const int middle = low + (high - low) / 2;
    if (range[middle + 1] <= vertex)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

PetscErrorCode fetch_create(const GraphRows *rows, int64_t n, const int64_t *vertex, Fetch *f)
{
  int rank;

  PetscFunctionBeginUser;
  *f = (Fetch){.comm = rows->comm};
  PetscCallMPI(MPI_Comm_size(f->comm, &f->ranks));
  PetscCallMPI(MPI_Comm_rank(f->comm, &rank));
  f->first = rows->range[rank];
  PetscCall(PetscCalloc2((size_t)f->ranks, &f->asked, (size_t)f->ranks, &f->answered));
  for (int64_t i = 0, p = 0; i < n; i++) {
    while (vertex[i] >= rows->range[p + 1]) p++;
    f->asked[p]++;
  }
  PetscCall(announce(f->comm, f->asked, f->answered, &f->n_served, &f->rounds));
  PetscCall(PetscMalloc1((size_t)f->n_served + 1, &f->served));
  PetscCall(exchange_known(f->comm, f->rounds, f->asked, vertex, f->answered, f->served));
  for (int64_t i = 0; i < f->n_served; i++) f->served[i] -= f->first;
  PetscFunctionReturn(0);
}

void fetch_clear(Fetch *f)
{
  (void)PetscFree2(f->asked, f->answered);
  (void)PetscFree(f->served);
}

PetscErrorCode fetch_values(const Fetch *f, const int64_t *local, int64_t *value)
{
  int64_t *answer;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)f->n_served + 1, &answer));
  for (int64_t i = 0; i < f->n_served; i++) answer[i] = local[f->served[i]];
  PetscCall(exchange_known(f->comm, f->rounds, f->answered, answer, f->asked, value));
  PetscCall(PetscFree(answer));
  PetscFunctionReturn(0);
}

PetscErrorCode rows_lookup(const GraphRows *rows, const int64_t *local, int64_t n, const int64_t *vertex, int64_t *value)
{
  uint64_t *sorted, *place;
  int64_t  *unique, *found, count = 0;
  Fetch     f;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4((size_t)n, &sorted, (size_t)n, &place, (size_t)n, &unique, (size_t)n, &found));
  for (int64_t i = 0; i < n; i++) {
    sorted[i] = (uint64_t)vertex[i];
    place[i]  = (uint64_t)i;
  }
  PetscCall(keys_sort_word(n, sorted, place));
  for (int64_t i = 0; i < n; i++)
    if (i == 0 || sorted[i] != sorted[i - 1]) unique[count++] = (int64_t)sorted[i];
  PetscCall(fetch_create(rows, count, unique, &f));
  PetscCall(fetch_values(&f, local, found));
  fetch_clear(&f);
  count = -1;
  for (int64_t i = 0; i < n; i++) {
    count += i == 0 || sorted[i] != sorted[i - 1];
    value[place[i]] = found[count];
  }
  PetscCall(PetscFree4(sorted, place, unique, found));
  PetscFunctionReturn(0);
}
