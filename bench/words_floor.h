/* SPDX-License-Identifier: BSD-2-Clause
 * The cost of randomness alone: Philox words on lanes, one door per ISA level. */
#ifndef MYOPIA_WORDS_FLOOR_H
#define MYOPIA_WORDS_FLOOR_H

#include <stdint.h>

/* Sum of the words of `groups` groups of 64. */
uint32_t words_floor_base(uint64_t key, uint64_t first, int groups);
uint32_t words_floor_v3(uint64_t key, uint64_t first, int groups);
uint32_t words_floor_v4(uint64_t key, uint64_t first, int groups);

#endif
