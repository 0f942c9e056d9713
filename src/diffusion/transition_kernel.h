/* SPDX-License-Identifier: BSD-2-Clause
 * The doors of transition_kernel.c, one per ISA level, their coefficients, and the plain reference that has the same bits. Entries
 * and their words: transition.h. */
#ifndef MYOPIA_TRANSITION_KERNEL_H
#define MYOPIA_TRANSITION_KERNEL_H

#include <stdint.h>

#include "transition.h"

enum { ENTRY_NODES = 2048, ENTRY_DRAWS = 1024 }; /* pairs of SET_NODES_MAX vertices < ENTRY_NODES; blocks a graph < ENTRY_DRAWS */

typedef struct EntryStream {
  uint64_t key, index;
  uint32_t t, purpose;
  int      first; /* entry of place 0: 0 or ENTRY_NODES */
} EntryStream;

/* Noise in units of 2^-31: class k != x_0 is taken by up[k] - up[k - 1] of the 2^31 values of word >> 1, in ascending order; the rest keeps
 * x_0. */
typedef struct NoiseLimits {
  int     k;
  int64_t up[SET_CLASSES_MAX]; /* <= 2^31 */
} NoiseLimits;

/* (14), (15) for c != x_t, rest = sum of phat over classes other than x_t:
 *   p(c) = both[x_t] phat(c) + m_before[c] (gamma[x_t] rest + own[x_t] phat(x_t)),
 *   gamma = (1 - alpha) / (1 - abar), both = gamma abar_before, own = (1 - alpha) m[x_t] / (abar + (1 - abar) m[x_t]),
 *   m_before = (1 - abar_before) m,
 * all three 0 where m[x_t] = 0: of the posteriors only that with x_0 = x_t exists then, and it stays at x_t. */
typedef struct StepCoefficients {
  int   k;
  float both[SET_CLASSES_MAX], gamma[SET_CLASSES_MAX], own[SET_CLASSES_MAX], m_before[SET_CLASSES_MAX];
  float change[2], keep[2]; /* k = 2: p(other) = change[x_t] phat(other) + keep[x_t] phat(x_t) */
} StepCoefficients;

void transition_noise_limits(int k, const double *m, double abar, NoiseLimits *out);
void transition_step_coefficients(int k, const double *m, double abar_before, double abar, StepCoefficients *out);

/* n entries: out may be x. */
typedef void    TransitionNoise(const EntryStream *, const NoiseLimits *, int n, const uint8_t *x, uint8_t *out);
TransitionNoise transition_noise_base, transition_noise_v3, transition_noise_v4;
/* n entries from logits (n, k): x_t in, x_{t-1} out; probability: NULL, or (n) phat of any class but 0. */
typedef void   TransitionStep(const EntryStream *, const StepCoefficients *, int n, const float *logit, uint8_t *x, float *probability);
TransitionStep transition_step_base, transition_step_v3, transition_step_v4;

/* One entry, plain C, the same bits. law: NULL, or (k) p(c) of c != x_t in float32, 0 at x_t. */
uint32_t transition_word_reference(const EntryStream *, int place);
uint8_t  transition_noise_reference(const EntryStream *, const NoiseLimits *, int place, uint8_t x);
uint8_t  transition_step_reference(const EntryStream *, const StepCoefficients *, int place, const float *logit, uint8_t x,
                                   float *probability, float *law);

#endif
