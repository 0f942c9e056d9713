/* SPDX-License-Identifier: BSD-2-Clause
 * reduce: the tree over shards, its local part by columns that stay in L1, its global part by recursive doubling or by recursive halving
 * and doubling (Rabenseifner, ICCS 2004), nearest neighbours first, because these share the lowest nodes of the tree. Ranks beyond the
 * largest power of two hold the first blocks halved once more: a pair of them joins first and only its lower rank takes part. Every
 * element is summed alone, always lower + upper shards, so how vectors are cut and sent never shows in the bits. */
#include "reduce.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

enum {
  TAG         = 0x5ed,
  SMALL       = 4000,    /* bytes; up to here latency counts, beyond it bandwidth */
  PIECE       = 4000,    /* bytes of a message that Open MPI sends at once, in shared memory (its limit is 4096 with the header) */
  EAGER_MAX   = 16000,   /* bytes up to which such pieces are quicker than one large message */
  MESSAGE_MAX = 1 << 28, /* bytes; larger ones are cut */
  PIECES_MAX  = 64,      /* at once: 16 GB */
  COLUMN      = 4096,    /* bytes of a row that the local tree works on at once */
  HALVINGS    = 31,
  ADD_AT_ONCE = 32 /* bytes */
};

struct Reduce {
  MPI_Comm comm;
  int      shards, ranks, rank, first, last;
  int      pairs;   /* ranks 0 .. 2 pairs - 1 hold halved blocks */
  int      members; /* power of two: who takes part after the pairs have joined */
  int      member;  /* this rank among them; -1: the upper of a pair */
  int64_t  n_floats, n_doubles;
  char    *received;
};

/* What floats and doubles differ in. */
typedef struct Kind {
  size_t       size;
  MPI_Datatype type;
  void (*add)(size_t bytes, const char *lower, const char *upper, char *out); /* out may be one of them */
} Kind;

typedef float  FloatVector __attribute__((vector_size(ADD_AT_ONCE)));
typedef double DoubleVector __attribute__((vector_size(ADD_AT_ONCE)));

#define DEFINE_ADD(name, Element, Vector)                                                                                                  \
  static void name(size_t bytes, const char *lower, const char *upper, char *out)                                                          \
  {                                                                                                                                        \
    size_t i = 0;                                                                                                                          \
    for (; i + ADD_AT_ONCE <= bytes; i += ADD_AT_ONCE) {                                                                                   \
      Vector a, b;                                                                                                                         \
      memcpy(&a, lower + i, sizeof a);                                                                                                     \
      memcpy(&b, upper + i, sizeof b);                                                                                                     \
      a = a + b;                                                                                                                           \
      memcpy(out + i, &a, sizeof a);                                                                                                       \
    }                                                                                                                                      \
    for (; i < bytes; i += sizeof(Element)) {                                                                                              \
      Element a, b;                                                                                                                        \
      memcpy(&a, lower + i, sizeof a);                                                                                                     \
      memcpy(&b, upper + i, sizeof b);                                                                                                     \
      a = a + b;                                                                                                                           \
      memcpy(out + i, &a, sizeof a);                                                                                                       \
    }                                                                                                                                      \
  }
DEFINE_ADD(add_floats, float, FloatVector)
DEFINE_ADD(add_doubles, double, DoubleVector)

static Kind floats(void) { return (Kind){sizeof(float), MPI_FLOAT, add_floats}; }
static Kind doubles(void) { return (Kind){sizeof(double), MPI_DOUBLE, add_doubles}; }

static int power_below(int n)
{
  int power = 1;
  while (power <= n / 2) power *= 2;
  return power;
}

/* `ranks` = 2^k + pairs: blocks of shards / 2^k, the first `pairs` of them halved. */
void reduce_block(int shards, int ranks, int rank, int *first, int *last)
{
  const int members = power_below(ranks), pairs = ranks - members, whole = shards / members, half = whole / 2;
  *first = rank < 2 * pairs ? rank * half : (rank - pairs) * whole;
  *last  = *first + (rank < 2 * pairs ? half : whole);
}

int reduce_create(MPI_Comm comm, int shards, int64_t n_floats, int64_t n_doubles, Reduce **out)
{
  Reduce *r = calloc(1, sizeof *r);
  if (!r) return MPI_ERR_NO_MEM;
  *out    = r;
  r->comm = comm;
  MpiTry(MPI_Comm_rank(comm, &r->rank));
  MpiTry(MPI_Comm_size(comm, &r->ranks));
  if (shards < r->ranks || shards != power_below(shards) || n_floats < 0 || n_doubles < 0) {
    reduce_destroy(out);
    return MPI_ERR_ARG;
  }
  r->shards  = shards;
  r->members = power_below(r->ranks);
  r->pairs   = r->ranks - r->members;
  r->member  = r->rank >= 2 * r->pairs ? r->rank - r->pairs : r->rank % 2 == 0 ? r->rank / 2 : -1;
  reduce_block(shards, r->ranks, r->rank, &r->first, &r->last);
  r->n_floats        = n_floats;
  r->n_doubles       = n_doubles;
  const size_t bytes = (size_t)n_floats * sizeof(float), wide = (size_t)n_doubles * sizeof(double);
  if (r->ranks > 1) r->received = malloc((bytes > wide ? bytes : wide) + ADD_AT_ONCE);
  if (r->ranks > 1 && !r->received) {
    reduce_destroy(out);
    return MPI_ERR_NO_MEM;
  }
  return 0;
}

void reduce_destroy(Reduce **r)
{
  if (!*r) return;
  free((*r)->received);
  free(*r);
  *r = NULL;
}

void reduce_shards(const Reduce *r, int *first, int *last)
{
  *first = r->first;
  *last  = r->last;
}

/* Bytes [from, to) of every row. */
static void join_columns(const Kind *kind, int count, size_t from, size_t to, char *const *rows)
{
  for (int apart = 1; apart < count; apart *= 2)
    for (int i = 0; i + apart < count; i += 2 * apart) kind->add(to - from, rows[i] + from, rows[i + apart] + from, rows[i] + from);
}

static void join_rows(Kind kind, int count, int64_t n, char *const *rows)
{
  const size_t bytes = (size_t)n * kind.size;
  for (size_t from = 0; from < bytes; from += COLUMN) join_columns(&kind, count, from, from + COLUMN < bytes ? from + COLUMN : bytes, rows);
}

void reduce_floats_local(const Reduce *r, int64_t n, float *const *rows)
{
  join_rows(floats(), r->last - r->first, n, (char *const *)rows);
}
void reduce_doubles_local(const Reduce *r, int64_t n, double *const *rows)
{
  join_rows(doubles(), r->last - r->first, n, (char *const *)rows);
}

/* Recursively, as the tree is drawn; nothing here is shared with the fast path. */
#define DEFINE_SERIAL(name, Element)                                                                                                       \
  void name(int shards, int64_t n, Element *const *rows)                                                                                   \
  {                                                                                                                                        \
    if (shards == 1) return;                                                                                                               \
    name(shards / 2, n, rows);                                                                                                             \
    name(shards / 2, n, rows + shards / 2);                                                                                                \
    for (int64_t j = 0; j < n; j++) rows[0][j] += rows[shards / 2][j];                                                                     \
  }
DEFINE_SERIAL(reduce_floats_serial, float)
DEFINE_SERIAL(reduce_doubles_serial, double)

static int rank_of(const Reduce *r, int member) { return member < r->pairs ? 2 * member : member + r->pairs; }

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Both sides send at once; `send` is cut as it is received. Up to EAGER_MAX bytes in pieces that MPI sends without asking. */
static int exchange(const Reduce *r, int peer, size_t n_send, const char *send, size_t n_receive, char *receive)
{
  MPI_Request  request[2 * PIECES_MAX];
  const size_t larger = n_send > n_receive ? n_send : n_receive, piece = larger <= EAGER_MAX ? PIECE : MESSAGE_MAX;
  int          n = 0;
  for (size_t at = 0; at < n_receive; at += piece)
    MpiTry(MPI_Irecv(receive + at, (int)smaller(piece, n_receive - at), MPI_BYTE, peer, TAG, r->comm, &request[n++]));
  for (size_t at = 0; at < n_send; at += piece)
    MpiTry(MPI_Isend(send + at, (int)smaller(piece, n_send - at), MPI_BYTE, peer, TAG, r->comm, &request[n++]));
  return MPI_Waitall(n, request, MPI_STATUSES_IGNORE);
}

static void join(const Kind *kind, bool lower, size_t bytes, const char *received, char *x)
{
  if (lower)
    kind->add(bytes, x, received, x);
  else
    kind->add(bytes, received, x, x);
}

static int doubling(Reduce *r, const Kind *kind, size_t bytes, char *x)
{
  for (int apart = 1; apart < r->members; apart *= 2) {
    MpiTry(exchange(r, rank_of(r, r->member ^ apart), bytes, x, bytes, r->received));
    join(kind, (r->member & apart) == 0, bytes, r->received, x);
  }
  return 0;
}

/* The lower of two partners keeps the first half of what both still hold. */
static int halving(Reduce *r, const Kind *kind, size_t bytes, char *x)
{
  size_t from[HALVINGS + 1] = {0}, to[HALVINGS + 1] = {bytes};
  int    level = 0;
  for (int apart = 1; apart < r->members; apart *= 2, level++) {
    const bool   lower  = (r->member & apart) == 0;
    const size_t middle = from[level] + (to[level] - from[level]) / kind->size / 2 * kind->size;
    from[level + 1]     = lower ? from[level] : middle;
    to[level + 1]       = lower ? middle : to[level];
    const size_t keep = to[level + 1] - from[level + 1], give = to[level] - from[level] - keep;
    char        *given = x + (lower ? middle : from[level]), *kept = x + from[level + 1];
    MpiTry(exchange(r, rank_of(r, r->member ^ apart), give, given, keep, r->received));
    join(kind, lower, keep, r->received, kept);
  }
  for (int apart = r->members / 2; apart > 0; apart /= 2, level--) {
    const bool   lower = (r->member & apart) == 0;
    const size_t keep = to[level] - from[level], get = to[level - 1] - from[level - 1] - keep;
    char        *got = x + (lower ? to[level] : from[level - 1]);
    MpiTry(exchange(r, rank_of(r, r->member ^ apart), keep, x + from[level], get, got));
  }
  return 0;
}

static int reduce_global(Reduce *r, Kind kind, int64_t n, char *x)
{
  const size_t bytes = (size_t)n * kind.size;
  if (r->ranks == 1 || n == 0) return 0;
  if (r->member < 0) {
    MpiTry(MPI_Send(x, (int)n, kind.type, r->rank - 1, TAG, r->comm));
    MpiTry(MPI_Recv(x, (int)n, kind.type, r->rank - 1, TAG, r->comm, MPI_STATUS_IGNORE));
    return 0;
  }
  const bool paired = r->rank < 2 * r->pairs;
  if (paired) {
    MpiTry(MPI_Recv(r->received, (int)n, kind.type, r->rank + 1, TAG, r->comm, MPI_STATUS_IGNORE));
    join(&kind, true, bytes, r->received, x);
  }
  MpiTry(bytes <= SMALL ? doubling(r, &kind, bytes, x) : halving(r, &kind, bytes, x));
  if (paired) MpiTry(MPI_Send(x, (int)n, kind.type, r->rank + 1, TAG, r->comm));
  return 0;
}

int reduce_floats_global(Reduce *r, int64_t n, float *x)
{
  return n > r->n_floats ? MPI_ERR_COUNT : reduce_global(r, floats(), n, (char *)x);
}

int reduce_doubles_global(Reduce *r, int64_t n, double *x)
{
  return n > r->n_doubles ? MPI_ERR_COUNT : reduce_global(r, doubles(), n, (char *)x);
}
