/* SPDX-License-Identifier: BSD-2-Clause
 * XXH64 (Y. Collet, xxhash.com; the algorithm is frozen) by libxxhash. It is no cryptographic hash: it finds damage, not malice. */
#include "hash.h"

#include <string.h>
#include <xxhash.h>

uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t n) { return XXH64(bytes, n, seed); }

uint64_t hash_text(uint64_t seed, const char *s) { return XXH64(s, strlen(s), seed); }

uint64_t hash_u64(uint64_t seed, uint64_t value)
{
  unsigned char bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(value >> (8 * i));
  return XXH64(bytes, sizeof bytes, seed);
}
