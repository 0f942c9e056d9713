/* SPDX-License-Identifier: BSD-2-Clause
 * The doors of noise_kernel.c, one per ISA level, and what it shares with the plain code: the digits of a coordinate in blocks. */
#ifndef MYOPIA_NOISE_KERNEL_H
#define MYOPIA_NOISE_KERNEL_H

#include <stdint.h>

/* The first 32 decimal places of the fraction of |coordinate|, exactly: digit[k * stride] = d_{k + 1}. */
void noise_exact_digits(double coordinate, int stride, int32_t *digit);

/* Arguments as of noise_normals and noise_digits_table; digit: workspace of 16 (T + 48) numbers. */
typedef void     NoiseNormals(uint64_t key, uint64_t first, uint32_t draw, uint32_t purpose, int64_t n, float *out);
typedef void     NoiseDigitsTable(int64_t n, const double *coordinate, int T, int32_t *digit, float *out);
NoiseNormals     noise_normals_base, noise_normals_v3, noise_normals_v4;
NoiseDigitsTable noise_digits_table_base, noise_digits_table_v3, noise_digits_table_v4;

#endif
