/* SPDX-License-Identifier: BSD-2-Clause
 * Philox words on lanes and nothing else, as the floor of bench_objective; compiled like the kernels. */
#include "words_floor.h"

#include "kernel.h"
#include "vector_rng.h"

uint32_t KERNEL(words)(uint64_t key, uint64_t first, int groups)
{
  VrKey                 keys;
  uint32_t              total = 0;
  _Alignas(64) uint32_t word[VR_CHAINS][VR_GROUP];
  vr_key(key, &keys);
  for (int g = 0; g < groups; g += VR_CHAINS) {
    VrGroup group[VR_CHAINS];
    for (int i = 0; i < VR_CHAINS; i++) group[i] = (VrGroup){first + (uint64_t)(g + i), 0, 1};
    vr_many_words(&keys, VR_CHAINS, group, word);
    total += word[0][0] ^ word[VR_CHAINS - 1][VR_GROUP - 1];
  }
  return total;
}
