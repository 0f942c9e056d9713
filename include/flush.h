/* SPDX-License-Identifier: BSD-2-Clause
 * Flushing of subnormal floats to zero, set explicitly around training and sampling (subnormals cost a hundred cycles an operation there)
 * and put back afterwards, so that it does not leak into the process. */
#ifndef MYOPIA_FLUSH_H
#define MYOPIA_FLUSH_H

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* Switches flush-to-zero and denormals-are-zero on; returns what to give to flush_restore. */
static inline unsigned flush_set(void)
{
#if defined(__SSE__)
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);
  return before;
#else
  return 0;
#endif
}

static inline void flush_restore(unsigned before)
{
#if defined(__SSE__)
  _mm_setcsr(before);
#else
  (void)before;
#endif
}

#endif
