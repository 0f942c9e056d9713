/* SPDX-License-Identifier: BSD-2-Clause
 * The floor's terms of bench_one_logit, from the kernel's own building blocks and nothing around them: Philox words on all lanes, and
 * sigmoids of independent logits. Compiled once per ISA level like the kernel. */
#include "one_logit_floor.h"

#include "model/one_logit_kernel.c"

/* The xor of all words of `blocks` blocks, so that none can be left out; LANES CHAINS 4 words a block. */
uint32_t KERNEL(floor_philox)(int64_t blocks)
{
  uint64_t key[GROUP];
  Keys     keys[CHAINS];
  U32      sum = {0}, word[4][CHAINS];
  uint32_t out = 0;
  for (int i = 0; i < GROUP; i++) key[i] = (uint64_t)i * 0x9e3779b97f4a7c15u;
  EACH(c) expand_keys(&key[c * LANES], &keys[c]);
  for (int64_t b = 0; b < blocks; b++) {
    philox(keys, (uint64_t)b, word);
    for (int i = 0; i < 4; i++) EACH(c) sum ^= word[i][c];
  }
  for (int i = 0; i < LANES; i++) out ^= sum[i];
  return out;
}

/* The sum of n GROUP sigmoids. */
float KERNEL(floor_sigmoid)(int64_t n)
{
  F32   theta[CHAINS], e[CHAINS], p[CHAINS], sum = {0};
  float out                                           = 0;
  EACH(c) for (int i = 0; i < LANES; i++) theta[c][i] = (float)(c * LANES + i) * 0.1f - 3;
  for (int64_t k = 0; k < n; k++) {
    sigmoids(theta, e, p);
    EACH(c)
    {
      sum += p[c];
      theta[c] += 1e-5f;
    }
  }
  for (int i = 0; i < LANES; i++) out += sum[i];
  return out;
}

int KERNEL(floor_group)(void) { return GROUP; }
