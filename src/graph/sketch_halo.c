/* SPDX-License-Identifier: BSD-2-Clause
 * Exchange of ghost vertices by non-blocking point-to-point messages between the ranks that share an edge. The graph is symmetric, so both
 * sides know what goes where without asking: rank r gets from s those rows of s that have a column in r, in ascending order, which are the
 * ghosts of r that s owns. */
#include "sketch_halo.h"

#include <string.h>

enum { L = SKETCH_LANES, TAG = 71 };

struct SketchHalo {
  MPI_Comm     comm;
  int64_t      n_local, n_ghosts, n_sends;
  int          n_neighbours;
  int         *rank;            /* (n_neighbours) ascending */
  int64_t     *send_start;      /* (n_neighbours + 1) into send_row */
  int64_t     *ghost_start;     /* (n_neighbours + 1) */
  int32_t     *send_row;        /* (n_sends) */
  float       *buffer, *memory; /* (n_sends, 16) */
  MPI_Request *request;         /* (2 n_neighbours) */
};

static int compare_numbers(const void *a, const void *b)
{
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Rank that owns vertex v, which is not below the rows of `from`. */
static int owner_from(const GraphRows *g, int from, int64_t v)
{
  while (v >= g->range[from + 1]) from++;
  return from;
}

static PetscErrorCode find_ghosts(const GraphRows *g, int64_t first, int64_t *n_ghosts, int64_t **ghost)
{
  int64_t *list, count = 0;

  PetscFunctionBeginUser;
  for (int64_t k = 0; k < g->start[g->n_local]; k++) count += g->column[k] < first || g->column[k] >= first + g->n_local;
  PetscCall(PetscMalloc1((size_t)count + 1, &list));
  count = 0;
  for (int64_t k = 0; k < g->start[g->n_local]; k++)
    if (g->column[k] < first || g->column[k] >= first + g->n_local) list[count++] = g->column[k];
  qsort(list, (size_t)count, sizeof *list, compare_numbers);
  *n_ghosts = 0;
  for (int64_t k = 0; k < count; k++)
    if (k == 0 || list[k] != list[k - 1]) list[(*n_ghosts)++] = list[k];
  *ghost = list;
  PetscFunctionReturn(0);
}

/* Rows that other ranks need: counts into sends (ranks), or, with place (ranks) given, the rows themselves. */
static void visit_sends(const GraphRows *g, int me, int64_t *sends, const int64_t *place, int32_t *row)
{
  for (int64_t i = 0; i < g->n_local; i++) {
    int last = -1, owner = 0;
    for (int64_t k = g->start[i]; k < g->start[i + 1]; k++) {
      owner = owner_from(g, owner, g->column[k]);
      if (owner == last || owner == me) continue;
      last = owner;
      if (place) row[place[owner] + sends[owner]] = (int32_t)i;
      sends[owner]++;
    }
  }
}

static PetscErrorCode find_neighbours(const GraphRows *g, int me, int ranks, const int64_t *ghost, SketchHalo *h)
{
  int64_t *sends, *place, *wanted;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc3((size_t)ranks, &sends, (size_t)ranks + 1, &place, (size_t)ranks, &wanted));
  visit_sends(g, me, sends, NULL, NULL);
  for (int64_t k = 0, owner = 0; k < h->n_ghosts; k++) {
    owner = owner_from(g, (int)owner, ghost[k]);
    wanted[owner]++;
  }
  for (int r = 0; r < ranks; r++) {
    place[r + 1] = place[r] + sends[r];
    h->n_neighbours += sends[r] > 0;
    PetscCheck((sends[r] > 0) == (wanted[r] > 0), PETSC_COMM_SELF, PETSC_ERR_PLIB, "rows of ranks %d and %d are not symmetric", me, r);
  }
  h->n_sends = place[ranks];
  PetscCall(PetscMalloc1((size_t)h->n_sends + 1, &h->send_row));
  PetscCall(PetscCalloc3((size_t)h->n_neighbours + 1, &h->rank, (size_t)h->n_neighbours + 1, &h->send_start, (size_t)h->n_neighbours + 1,
                         &h->ghost_start));
  PetscCall(PetscMalloc1(2 * (size_t)h->n_neighbours + 1, &h->request));
  memset(sends, 0, (size_t)ranks * sizeof *sends);
  visit_sends(g, me, sends, place, h->send_row);
  for (int r = 0, at = 0; r < ranks; r++) {
    if (sends[r] == 0) continue;
    h->rank[at]            = r;
    h->send_start[at + 1]  = h->send_start[at] + sends[r];
    h->ghost_start[at + 1] = h->ghost_start[at] + wanted[r];
    at++;
  }
  PetscCall(PetscFree3(sends, place, wanted));
  PetscFunctionReturn(0);
}

PetscErrorCode sketch_halo_create(const GraphRows *g, SketchHalo **out, int64_t *n_ghosts, int64_t **ghost)
{
  SketchHalo *h;
  int         me, ranks;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(g->comm, &me));
  PetscCallMPI(MPI_Comm_size(g->comm, &ranks));
  PetscCall(PetscNew(&h));
  h->comm    = g->comm;
  h->n_local = g->n_local;
  PetscCall(find_ghosts(g, g->range[me], n_ghosts, ghost));
  h->n_ghosts = *n_ghosts;
  PetscCheck(h->n_local + h->n_ghosts < INT32_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "rank %d would hold %lld vertices and %lld of its neighbours', 2^31 at most: use more ranks", me, (long long)h->n_local,
             (long long)h->n_ghosts);
  PetscCall(find_neighbours(g, me, ranks, *ghost, h));
  PetscCall(sketch_vectors(h->n_sends * L, &h->memory, &h->buffer));
  *out = h;
  PetscFunctionReturn(0);
}

void sketch_halo_destroy(SketchHalo **h)
{
  if (!*h) return;
  (void)PetscFree((*h)->send_row);
  (void)PetscFree3((*h)->rank, (*h)->send_start, (*h)->ghost_start);
  (void)PetscFree((*h)->request);
  (void)PetscFree((*h)->memory);
  (void)PetscFree(*h);
  *h = NULL;
}

double sketch_halo_bytes(const SketchHalo *h) { return (double)h->n_sends * (4 + 64.0); }

/* Vertices are messages' units, so that counts stay below 2^31: size bytes each. */
static PetscErrorCode exchange(SketchHalo *h, const char *send, const int64_t *send_start, char *receive, const int64_t *receive_start,
                               int size)
{
  MPI_Datatype vertex;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Type_contiguous(size, MPI_BYTE, &vertex));
  PetscCallMPI(MPI_Type_commit(&vertex));
  for (int k = 0; k < h->n_neighbours; k++) {
    const int incoming = (int)(receive_start[k + 1] - receive_start[k]), outgoing = (int)(send_start[k + 1] - send_start[k]);
    PetscCallMPI(MPI_Irecv(receive + receive_start[k] * size, incoming, vertex, h->rank[k], TAG, h->comm, &h->request[2 * k]));
    PetscCallMPI(MPI_Isend(send + send_start[k] * size, outgoing, vertex, h->rank[k], TAG, h->comm, &h->request[2 * k + 1]));
  }
  PetscCallMPI(MPI_Waitall(2 * h->n_neighbours, h->request, MPI_STATUSES_IGNORE));
  PetscCallMPI(MPI_Type_free(&vertex));
  PetscFunctionReturn(0);
}

PetscErrorCode sketch_halo_update(SketchHalo *h, float *p)
{
  PetscFunctionBeginUser;
  for (int64_t k = 0; k < h->n_sends; k++) memcpy(h->buffer + k * L, p + (int64_t)h->send_row[k] * L, L * sizeof(float));
  PetscCall(exchange(h, (char *)h->buffer, h->send_start, (char *)(p + h->n_local * L), h->ghost_start, L * (int)sizeof(float)));
  PetscFunctionReturn(0);
}

PetscErrorCode sketch_halo_update_numbers(SketchHalo *h, double *p)
{
  double *number = (double *)(void *)h->buffer;

  PetscFunctionBeginUser;
  for (int64_t k = 0; k < h->n_sends; k++) number[k] = p[h->send_row[k]];
  PetscCall(exchange(h, (char *)number, h->send_start, (char *)(p + h->n_local), h->ghost_start, (int)sizeof(double)));
  PetscFunctionReturn(0);
}

PetscErrorCode sketch_halo_add(SketchHalo *h, float *b)
{
  PetscFunctionBeginUser;
  PetscCall(exchange(h, (char *)(b + h->n_local * L), h->ghost_start, (char *)h->buffer, h->send_start, L * (int)sizeof(float)));
  for (int64_t k = 0; k < h->n_sends; k++)
    for (int l = 0; l < L; l++) b[(int64_t)h->send_row[k] * L + l] += h->buffer[k * L + l];
  PetscFunctionReturn(0);
}
