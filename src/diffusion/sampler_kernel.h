/* SPDX-License-Identifier: BSD-2-Clause
 * The doors of sampler_kernel.c, one per ISA level. */
#ifndef MYOPIA_SAMPLER_KERNEL_H
#define MYOPIA_SAMPLER_KERNEL_H

#include <stdint.h>

enum { SAMPLER_TERMS_MAX = 4, SAMPLER_GROUP = 64, SAMPLER_ROWS = 4 };

/* out = c[0] v[0] + c[1] v[1] + ... over `count` floats, a multiple of 16, from the left with one rounding a term. 2 to 4 terms; out may be
 * one of them. */
typedef void   SamplerCombine(int terms, const float *c, const float *const *v, int count, float *out);
SamplerCombine sampler_combine_base, sampler_combine_v3, sampler_combine_v4;

/* noise_normals of indices 64 group .. 64 group + 63 and draws draw .. draw + rows - 1, purpose RNG_SAMPLER: out (rows, 64), rows a
 * multiple of SAMPLER_ROWS, which go side by side. */
typedef void   SamplerNormals(uint64_t key, uint64_t group, uint32_t draw, int rows, float *out);
SamplerNormals sampler_normals_base, sampler_normals_v3, sampler_normals_v4;

#endif
