/* SPDX-License-Identifier: BSD-2-Clause
 * The steps of one_logit on lanes of seeds (see one_logit_law.h for the arithmetic). Philox4x32-10 runs on all lanes at once and yields
 * four steps a block; its 64-bit products keep the state of even and odd lanes apart, so that high and low half come out of one
 * multiplication. CHAINS vectors of seeds go side by side, operation by operation, because one alone waits for its own sigmoid, and a
 * processor's scheduler sees some 60 operations, not a whole step. It does not build the law and records nothing. */
#include <Random123/philox.h>

#include "kernel.h"
#include "one_logit_kernel.h"
#include "one_logit_vectors.h"
#include "rng.h"

enum { CHAINS = 4, GROUP = CHAINS * LANES, ROUNDS = 10, TREE_LEVELS = 5, TREE_SIZE = 31 };
_Static_assert(ONE_LOGIT_LANES % GROUP == 0, "the lanes of a call are whole groups");

/* Round keys of the lanes of one vector; [0] even, [1] odd lanes. High halves are arbitrary. */
typedef struct Keys {
  U64 low[ROUNDS][2], high[ROUNDS][2];
} Keys;

#define EACH(c) _Pragma("GCC unroll 4") for (int c = 0; c < CHAINS; c++)

static void expand_keys(const uint64_t *key, Keys *out)
{
  for (int r = 0; r < ROUNDS; r++)
    for (int odd = 0; odd < 2; odd++)
      for (int i = 0; i < LANES / 2; i++) {
        out->low[r][odd][i]  = (uint32_t)key[2 * i + odd] + (uint32_t)r * PHILOX_W32_0;
        out->high[r][odd][i] = (uint32_t)(key[2 * i + odd] >> 32) + (uint32_t)r * PHILOX_W32_1;
      }
}

/* Words of steps 4 index .. 4 index + 3 of two vectors, their even and odd lanes apart (h = 2 vector + odd). What the high halves of a,
 * b, c, d hold does not matter. The first round's multiplicands are the same for all lanes (the low half of index, and the draw 0). */
INLINE void philox_pair(const Keys keys[2], uint64_t index, int chain, U32 word[4][CHAINS])
{
  const uint64_t product = (uint64_t)PHILOX_M4x32_0 * (uint32_t)index;
  U64            a[4], b[4], c[4], d[4];
  for (int h = 0; h < 4; h++) {
    a[h] = (index >> 32) ^ keys[h / 2].low[0][h % 2];
    b[h] = (U64){0};
    c[h] = ((product >> 32) ^ RNG_LABELS) ^ keys[h / 2].high[0][h % 2];
    d[h] = (U64){0} + product;
  }
#pragma GCC unroll 9
  for (int r = 1; r < ROUNDS; r++)
#pragma GCC unroll 4
    for (int h = 0; h < 4; h++) {
      const U64 p0 = multiply_low(a[h], PHILOX_M4x32_0), p1 = multiply_low(c[h], PHILOX_M4x32_1);
      a[h] = (p1 >> 32) ^ b[h] ^ keys[h / 2].low[r][h % 2];
      c[h] = (p0 >> 32) ^ d[h] ^ keys[h / 2].high[r][h % 2];
      b[h] = p1;
      d[h] = p0;
    }
  for (int v = 0; v < 2; v++) {
    word[0][chain + v] = merge(a[2 * v], a[2 * v + 1]);
    word[1][chain + v] = merge(b[2 * v], b[2 * v + 1]);
    word[2][chain + v] = merge(c[2 * v], c[2 * v + 1]);
    word[3][chain + v] = merge(d[2 * v], d[2 * v + 1]);
  }
}

INLINE void philox(const Keys keys[CHAINS], uint64_t index, U32 word[4][CHAINS])
{
  for (int c = 0; c < CHAINS; c += 2) philox_pair(&keys[c], index, c, word);
}

/* What k positives do to theta: up = k gain, down = rate - k loss, odds = k weight / (batch - k). */
typedef struct Push {
  F32 up, down, odds;
} Push;

INLINE Push push_of(const OneLogitLaw *law, F32 k)
{
  return (Push){k * law->gain, law->rate - k * law->loss, k * law->weight / (law->batch - k)};
}

#if VECTOR_BYTES == 64
/* Bisection over up to 31 bounds inside registers. Level l has 2^l bounds; the answers so far are bits 0 .. l-1 of the position, so that
 * a level costs one permutation, one comparison and one masked addition. Position -> what k does is one more permutation each. */
typedef struct Search {
  U32 level[TREE_LEVELS]; /* level l repeats with period 2^l */
  F32 up[2], down[2], odds[2];
} Search;

static void build_search(const OneLogitLaw *law, Search *s)
{
  for (int l = 0; l < TREE_LEVELS; l++)
    for (int i = 0; i < LANES; i++) {
      int at = (1 << (TREE_LEVELS - 1 - l)) - 1;
      for (int bit = 0; bit < l; bit++) at += (i >> bit & 1) << (TREE_LEVELS - 1 - bit);
      s->level[l][i] = at < law->n ? law->below[at] : UINT32_MAX; /* no word is above */
    }
  for (int i = 0; i < 2 * LANES; i++) {
    int k = law->base;
    for (int bit = 0; bit < TREE_LEVELS; bit++) k += (i >> bit & 1) << (TREE_LEVELS - 1 - bit);
    const Push push               = push_of(law, (F32){0} + (float)k);
    s->up[i / LANES][i % LANES]   = push.up[0];
    s->down[i / LANES][i % LANES] = push.down[0];
    s->odds[i / LANES][i % LANES] = push.odds[0];
  }
}

INLINE F32 permute(const F32 table[2], __m512i position)
{
  return (F32)_mm512_permutex2var_ps((__m512)table[0], position, (__m512)table[1]);
}

INLINE void search(const Search *s, const U32 word[CHAINS], Push push[CHAINS])
{
  __m512i position[CHAINS];
  EACH(c) position[c] = _mm512_setzero_si512();
#pragma GCC unroll 5
  for (int l = 0; l < TREE_LEVELS; l++) {
    __m512i bound[CHAINS];
    EACH(c) bound[c] = l == 0 ? (__m512i)s->level[0] : _mm512_permutexvar_epi32(position[c], (__m512i)s->level[l]);
    EACH(c)
    position[c] =
        _mm512_mask_add_epi32(position[c], _mm512_cmpgt_epu32_mask((__m512i)word[c], bound[c]), position[c], _mm512_set1_epi32(1 << l));
  }
  EACH(c) push[c] = (Push){permute(s->up, position[c]), permute(s->down, position[c]), permute(s->odds, position[c])};
}
#endif

INLINE F32 count_positives(const OneLogitLaw *law, U32 word)
{
  U32 k = (U32){0} + (uint32_t)law->base;
  for (int j = 0; j < law->n; j++) k = count_above(k, word, law->below[j]);
  return __builtin_convertvector((I32)k, F32);
}

/* e = exp(-theta) and p = 1 / (1 + e) of every chain. */
INLINE void sigmoids(const F32 theta[CHAINS], F32 e[CHAINS], F32 p[CHAINS])
{
  F32 f[CHAINS], shifted[CHAINS], power[CHAINS];
  EACH(c)
  {
    const F32 t = clamp(theta[c] * ONE_LOGIT_MINUS_LOG2E, ONE_LOGIT_CLAMP);
    shifted[c]  = t + ONE_LOGIT_ROUND;
    f[c]        = t - (shifted[c] - ONE_LOGIT_ROUND);
  }
  EACH(c)
  {
    const F32 f2 = f[c] * f[c];
    power[c]     = (1.0f + ONE_LOGIT_C1 * f[c]) + f2 * ((ONE_LOGIT_C2 + ONE_LOGIT_C3 * f[c]) + f2 * (ONE_LOGIT_C4 + ONE_LOGIT_C5 * f[c]));
  }
  EACH(c)
  {
    e[c] = (F32)((U32)power[c] + ((U32)shifted[c] << 23));
    p[c] = 1.0f / (1.0f + e[c]);
  }
}

typedef struct Seeds {
  F32 theta[CHAINS], carry[CHAINS], p_block[CHAINS], share_block[CHAINS];
} Seeds;

/* Leaves a sum that is touched once a step in memory: the registers are short, and the compiler would spill what is needed more often
 * (7 % of a step). */
#define IN_MEMORY(sum) __asm__("" : "+m"(sum))

/* One step of every chain. */
INLINE void step(const Push push[CHAINS], Seeds *s)
{
  F32 e[CHAINS], p[CHAINS];
  sigmoids(s->theta, e, p);
  EACH(c)
  {
    const F32 ratio = push[c].odds * e[c];
    const F32 d = (push[c].up * e[c] - push[c].down) * p[c] + s->carry[c], sum = s->theta[c] + d;
    s->carry[c] = d - (sum - s->theta[c]);
    s->theta[c] = sum;
    s->p_block[c] += p[c];
    s->share_block[c] += 1.0f / (1.0f + ratio * ratio);
    IN_MEMORY(s->p_block[c]);
    IN_MEMORY(s->share_block[c]);
  }
}

static void flush(OneLogitLanes *lanes, int from, bool tail, Seeds *s)
{
  for (int c = 0; c < CHAINS; c++) {
    const int at = from + c * LANES;
    for (int i = 0; i < LANES; i++) {
      lanes->p_sum[at + i] += (double)s->p_block[c][i];
      lanes->share_sum[at + i] += (double)s->share_block[c][i];
    }
    for (int i = 0; tail && i < LANES; i++) lanes->p_tail_sum[at + i] += (double)s->p_block[c][i];
    s->p_block[c] = s->share_block[c] = (F32){0};
  }
}

/* How k is found, fixed for a whole call. */
typedef enum { BY_REGISTERS, BY_COUNTING, BY_BISECTION, ONE_BY_ONE } Draw;

enum { COUNTING_MAX = 96 }; /* beyond that many bounds a bisection in memory is faster */

static Draw choose_draw(const OneLogitLaw *law)
{
  if (law->sampler == LABELS_BERNOULLI) return ONE_BY_ONE;
  if (VECTOR_BYTES == 64 && law->n <= TREE_SIZE) return BY_REGISTERS;
  return law->n <= COUNTING_MAX ? BY_COUNTING : BY_BISECTION;
}

static F32 bisect_positives(const OneLogitLaw *law, U32 word)
{
  F32 k;
  for (int i = 0; i < LANES; i++) {
    int start = 0;
    for (int length = law->n; length > 0;) {
      const int  half  = length / 2;
      const bool above = word[i] > law->below[start + half];
      start            = above ? start + half + 1 : start;
      length           = above ? length - half - 1 : half;
    }
    k[i] = (float)(law->base + start);
  }
  return k;
}

static void draw_one_by_one(const OneLogitLaw *law, const Keys keys[CHAINS], int64_t t, Push push[CHAINS])
{
  const int64_t blocks        = (law->n_words + 3) / 4;
  U32           count[CHAINS] = {{0}}, word[4][CHAINS];
  for (int64_t b = 0; b < blocks; b++) {
    philox(keys, (uint64_t)(t * blocks + b), word);
    for (int i = 0; i < 4 && 4 * b + i < law->n_words; i++) EACH(c) count[c] -= (U32)(word[i][c] < (U32){0} + law->positive_below);
  }
  EACH(c) push[c] = push_of(law, __builtin_convertvector((I32)count[c], F32));
}

typedef struct Group {
  const OneLogitLaw *law;
  Keys               keys[CHAINS];
#if VECTOR_BYTES == 64
  Search search;
#endif
} Group;

/* What the batches of step t do; word: that step's, unless they are drawn one by one. */
INLINE void draw_step(const Group *g, Draw draw, int64_t t, const U32 word[CHAINS], Push push[CHAINS])
{
#if VECTOR_BYTES == 64
  if (draw == BY_REGISTERS) {
    search(&g->search, word, push);
    return;
  }
#endif
  if (draw == ONE_BY_ONE) draw_one_by_one(g->law, g->keys, t, push);
  if (draw == BY_COUNTING) EACH(c) push[c] = push_of(g->law, count_positives(g->law, word[c]));
  if (draw == BY_BISECTION) EACH(c) push[c] = push_of(g->law, bisect_positives(g->law, word[c]));
}

/* Steps [first, last) inside one chunk [chunk, chunk + ONE_LOGIT_BLOCK): first all their words, then all their steps. */
INLINE void run_chunk(const Group *g, Draw draw, int64_t chunk, int64_t first, int64_t last, Seeds *s)
{
  U32 word[ONE_LOGIT_BLOCK][CHAINS];
  if (draw != ONE_BY_ONE)
    for (int64_t index = first / 4; 4 * index < last; index++) philox(g->keys, (uint64_t)index, &word[4 * index - chunk]);
  for (int64_t t = first; t < last; t++) {
    Push push[CHAINS];
    draw_step(g, draw, t, word[t - chunk], push);
    step(push, s);
  }
}

INLINE void run_group(const Group *g, Draw draw, OneLogitLanes *lanes, int from, int64_t first, int64_t last, bool tail)
{
  Seeds s;
  EACH(c)
  {
    s.theta[c]       = *(const F32 *)&lanes->theta[from + c * LANES];
    s.carry[c]       = *(const F32 *)&lanes->carry[from + c * LANES];
    s.p_block[c]     = *(const F32 *)&lanes->p_block[from + c * LANES];
    s.share_block[c] = *(const F32 *)&lanes->share_block[from + c * LANES];
  }
  for (int64_t t = first; t < last;) {
    const int64_t chunk = t / ONE_LOGIT_BLOCK * ONE_LOGIT_BLOCK, whole = chunk + ONE_LOGIT_BLOCK, end = last < whole ? last : whole;
    run_chunk(g, draw, chunk, t, end, &s);
    if (end == whole) flush(lanes, from, tail, &s);
    t = end;
  }
  EACH(c)
  {
    *(F32 *)&lanes->theta[from + c * LANES]       = s.theta[c];
    *(F32 *)&lanes->carry[from + c * LANES]       = s.carry[c];
    *(F32 *)&lanes->p_block[from + c * LANES]     = s.p_block[c];
    *(F32 *)&lanes->share_block[from + c * LANES] = s.share_block[c];
  }
}

void KERNEL(one_logit_steps)(const OneLogitLaw *law, OneLogitLanes *lanes, int n, int64_t first, int64_t last, bool tail)
{
  Group g = {.law = law};
#if VECTOR_BYTES == 64
  build_search(law, &g.search);
#endif
  for (int from = 0; from < n; from += GROUP) {
    for (int c = 0; c < CHAINS; c++) expand_keys(&lanes->key[from + c * LANES], &g.keys[c]);
    switch (choose_draw(law)) {
#if VECTOR_BYTES == 64
    case BY_REGISTERS: run_group(&g, BY_REGISTERS, lanes, from, first, last, tail); break;
#endif
    case BY_BISECTION: run_group(&g, BY_BISECTION, lanes, from, first, last, tail); break;
    case ONE_BY_ONE: run_group(&g, ONE_BY_ONE, lanes, from, first, last, tail); break;
    default: run_group(&g, BY_COUNTING, lanes, from, first, last, tail);
    }
  }
}
