/* SPDX-License-Identifier: BSD-2-Clause
 * Where noise comes from. `random`: Philox and Box-Muller. `deterministic` (Klepper 2023): standard normal quantiles of the decimal digits
 * of a coordinate,
 *   z_t = Phi^-1(u_t),  u_t = 0.d_{t+1} d_{t+2} ... d_{t+16} + 0.5e-16,
 * d_k the k-th decimal digit of the fractional part of |coordinate|: of the exact decimal expansion of the double up to its 32nd place,
 * digits of a counter hash of (coordinate bits, place) after that, since a double's own expansion degenerates. */
#ifndef MYOPIA_NOISE_H
#define MYOPIA_NOISE_H

#include <stdint.h>

#include "isa.h"

typedef enum { NOISE_RANDOM = 0, NOISE_DETERMINISTIC } NoiseKind;
extern const char *const noise_names[]; /* random, deterministic, NULL */

enum { NOISE_DIGITS = 16, NOISE_EXACT_PLACES = 32 };

/* Standard normals in float32, bits independent of libm and ISA level: out[i], i < n, is that of index first + i, of the stream
 * (key, draw, purpose). */
void noise_normals(IsaLevel, uint64_t key, uint64_t first, uint32_t draw, uint32_t purpose, int64_t n, float *out);
/* One of them, plain C, the same bits. */
float noise_normal_reference(uint64_t key, uint64_t index, uint32_t draw, uint32_t purpose);

/* Digits d_1 .. d_count (0..9) of a finite coordinate. */
void noise_digits(double coordinate, int count, uint8_t *digit);
/* u_t in double, and z_t = Phi^-1(u_t). place t >= 0. */
double noise_digits_uniform(double coordinate, int t);
double noise_digits_normal(double coordinate, int t);
/* Phi^-1 in double (relative error below 1e-13), and quickly for many: z_t of n coordinates at places 0 .. T: out[t * n + i], float32, the
 * same numbers as (float)noise_digits_normal to 2e-6 relative; bits depend on neither n nor the level. */
double noise_quantile(double u);
void   noise_digits_table(IsaLevel, int64_t n, const double *coordinate, int T, float *out);

#endif
