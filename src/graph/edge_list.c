/* SPDX-License-Identifier: BSD-2-Clause
 * Sorting of edges packed into 64-bit keys: least significant digit radix sort (Knuth, TAOCP 3, 5.2.5), 11 bits a pass, over those bits
 * alone in which the keys differ: a graph of 2^20 vertices takes four passes. It does not compare, and does not sort in place. */
#include "edge_list.h"

#include <string.h>

#define DIGIT_BITS 11
#define DIGITS (1 << DIGIT_BITS)

PetscErrorCode edge_list_reserve(EdgeList *list, int64_t more, bool weighted)
{
  PetscFunctionBeginUser;
  const int64_t needed = list->n + more;
  if (needed <= list->capacity && (!weighted || list->weight)) PetscFunctionReturn(0);
  if (needed > list->capacity) {
    const int64_t grown = list->capacity + list->capacity / 2 + 64;
    list->capacity      = needed > grown ? needed : grown;
    PetscCall(PetscRealloc((size_t)list->capacity * sizeof *list->key, &list->key));
  }
  if (weighted) PetscCall(PetscRealloc((size_t)list->capacity * sizeof *list->weight, &list->weight));
  PetscFunctionReturn(0);
}

void edge_list_clear(EdgeList *list)
{
  (void)PetscFree(list->key);
  (void)PetscFree(list->weight);
  *list = (EdgeList){0};
}

/* One stable pass by the digit at `shift`. */
static void pass(int64_t n, int shift, const uint64_t *key, const uint64_t *word, uint64_t *key_out, uint64_t *word_out)
{
  int64_t next[DIGITS] = {0}, sum = 0;
  for (int64_t i = 0; i < n; i++) next[key[i] >> shift & (DIGITS - 1)]++;
  for (int d = 0; d < DIGITS; d++) {
    const int64_t count = next[d];
    next[d]             = sum;
    sum += count;
  }
  if (!word) {
    for (int64_t i = 0; i < n; i++) key_out[next[key[i] >> shift & (DIGITS - 1)]++] = key[i];
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    const int64_t to = next[key[i] >> shift & (DIGITS - 1)]++;
    key_out[to]      = key[i];
    word_out[to]     = word[i];
  }
}

PetscErrorCode keys_sort_word(int64_t n, uint64_t *key, uint64_t *word)
{
  uint64_t *other_key, *other_word = NULL, differ = 0;
  bool      sorted = true;

  PetscFunctionBeginUser;
  for (int64_t i = 1; i < n; i++) {
    differ |= key[i] ^ key[0];
    sorted = sorted && key[i - 1] <= key[i];
  }
  if (sorted) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)n, &other_key));
  if (word) PetscCall(PetscMalloc1((size_t)n, &other_word));
  uint64_t *from = key, *to = other_key, *from_word = word, *to_word = other_word;
  for (int shift = 0; shift < 64; shift += DIGIT_BITS) {
    if (!(differ >> shift)) break;
    shift += __builtin_ctzll(differ >> shift);
    pass(n, shift, from, from_word, to, to_word);
    uint64_t *const a = from, *const b = from_word;
    from = to, to = a;
    from_word = to_word, to_word = b;
  }
  if (from != key) {
    memcpy(key, from, (size_t)n * sizeof *key);
    if (word) memcpy(word, from_word, (size_t)n * sizeof *word);
  }
  PetscCall(PetscFree(other_key));
  PetscCall(PetscFree(other_word));
  PetscFunctionReturn(0);
}

/* A double travels as the word it is; both have 8 bytes, and only memcpy touches it as a word. */
PetscErrorCode keys_sort(int64_t n, uint64_t *key, double *weight)
{
  uint64_t *word = NULL;

  PetscFunctionBeginUser;
  if (n < 2) PetscFunctionReturn(0);
  if (weight) {
    PetscCall(PetscMalloc1((size_t)n, &word));
    memcpy(word, weight, (size_t)n * sizeof *word);
  }
  PetscCall(keys_sort_word(n, key, word));
  if (weight) memcpy(weight, word, (size_t)n * sizeof *word);
  PetscCall(PetscFree(word));
  PetscFunctionReturn(0);
}

void edge_list_unique(EdgeList *list, int64_t *duplicates)
{
  int64_t m = 0;
  for (int64_t i = 0; i < list->n; i++)
    if (m == 0 || list->key[m - 1] != list->key[i]) list->key[m++] = list->key[i];
  *duplicates += list->n - m;
  list->n = m;
}

PetscErrorCode graph_allocate(int64_t n, int64_t m, bool weighted, Graph **out)
{
  Graph *g;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&g));
  g->n = n;
  g->m = m;
  PetscCall(PetscMalloc2((size_t)m, &g->u, (size_t)m, &g->v));
  if (weighted) PetscCall(PetscMalloc1((size_t)m, &g->weight));
  *out = g;
  PetscFunctionReturn(0);
}
