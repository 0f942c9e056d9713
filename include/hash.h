/* SPDX-License-Identifier: BSD-2-Clause
 * The one 64-bit hash (XXH64, stable across versions and machines) behind trial keys, row checksums and schema hashes. */
#ifndef MYOPIA_HASH_H
#define MYOPIA_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t n);
uint64_t hash_text(uint64_t seed, const char *s);
uint64_t hash_u64(uint64_t seed, uint64_t value); /* value as 8 little-endian bytes */

#endif
