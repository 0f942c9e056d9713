/* SPDX-License-Identifier: BSD-2-Clause
 * An Objective's parts, shared by its maker, its kernel and its plain reference.
 *
 * Streams, with place the sample's place in the batch and number i = step 2^34 + place of a stream laid out as vector_rng.h says: times
 * are words of (key, draw 0, RNG_TIME), component j's noise normals of (key, draw j, RNG_TRAIN_NOISE), indices of a batch larger than the
 * data words of (key, draw 3, RNG_ORDER). The round keys of epoch e are the words of the blocks (key, e, draw 0, 1, .., RNG_ORDER).
 *
 * Permutation of 0 .. n - 1: a Feistel network on pairs (l, r), l < rows, r < columns, rows columns >= n (Black and Rogaway, CT-RSA
 * 2002), position = l columns + r, which alternately adds a hash of one to the other; what falls outside 0 .. n - 1 goes
 * round again (cycle walking). rows is chosen so that almost nothing does. */
#ifndef MYOPIA_OBJECTIVE_PRIVATE_H
#define MYOPIA_OBJECTIVE_PRIVATE_H

#include <stdint.h>

#include "objective.h"

/* Rounds: 6, and 12 up to OBJECTIVE_SMALL points, where a round has little to hash. */
enum { OBJECTIVE_ROUNDS_MAX = 12, OBJECTIVE_SMALL = 1024, OBJECTIVE_ROW = 4, OBJECTIVE_STEP_BITS = 34 };

/* Coefficients beyond a and s that are constants, or one of two numbers of the time. */
typedef enum { FIELD_ZERO = 0, FIELD_ONE, FIELD_MINUS_ONE, FIELD_P, FIELD_Q } Field;

struct Objective {
  ObjectiveSpec spec;
  IsaLevel      isa;
  int           d, d_row; /* d_row: floats of a row of data */
  int64_t       n;
  float        *data_block, *data; /* allocated; (n, d_row) row-major, from a cache line's start on */
  float        *digits;            /* deterministic: (n, T, d) z at places 1 .. T, or NULL */
  int           rounds;            /* of the permutation */
  uint32_t      rows, columns;
  float         inverse_columns;
  float        *row; /* discrete: (T, OBJECTIVE_ROW): a, s, p, q of t = 1 .. T */
  Field         target_x0, target_eps, weight;
  float         t_first, t_range;         /* continuous: t = t_first + u t_range, or its exponential, */
  float         t_min, t_max, time_scale; /* cut to [t_min, t_max] */
};

/* One round's hash of x below n, n < 2^16: bits above 16 of a product, scaled. */
static inline uint32_t objective_hash(uint32_t x, uint32_t key, uint32_t n)
{
  uint32_t h = (x + key) * 0x9e3779b1u;
  h          = (h ^ h >> 15) * 0x85ebca6bu;
  return (h >> 16) * n >> 16;
}

typedef void ObjectiveBatch(const Objective *, uint64_t key, int64_t step, int first, int n, int stride, float *x, float *t, float *target,
                            float *weight, float *level);
ObjectiveBatch objective_batch_base, objective_batch_v3, objective_batch_v4;

void    objective_round_keys(const Objective *, uint64_t key, int64_t epoch, uint32_t out[OBJECTIVE_ROUNDS_MAX]);
int64_t objective_permuted(const Objective *, const uint32_t round_key[OBJECTIVE_ROUNDS_MAX], int64_t position);

#endif
