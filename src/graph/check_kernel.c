/* SPDX-License-Identifier: BSD-2-Clause
 * A Laplacian times eight interleaved vectors of float64, as sum_j w_ij (p_i - p_j), neighbours fetched ahead. Every ISA level gives the
 * same bits. */
#include "check_kernel.h"

#include <string.h>

#include "kernel.h"

#if defined(__AVX512F__)
#define WIDTH 8
#elif defined(__AVX__)
#define WIDTH 4
#else
#define WIDTH 2
#endif

enum { L = CHECK_LANES, PARTS = L / WIDTH, AHEAD = 24 };

typedef double V __attribute__((vector_size(8 * WIDTH)));

typedef struct Row {
  V part[PARTS];
} Row;

static inline Row load(const double *p)
{
  Row r;
  memcpy(&r, p, sizeof r);
  return r;
}

void KERNEL(check_multiply)(int64_t n, const int64_t *start, const int32_t *column, const double *weight, const double *p, double *q,
                            double dot[L])
{
  const int64_t last  = start[n] - 1;
  Row           total = {{{0}}};
  for (int64_t i = 0; i < n; i++) {
    const Row own = load(p + i * L);
    Row       sum = {{{0}}};
    for (int64_t k = start[i]; k < start[i + 1]; k++) {
      const Row other = load(p + (int64_t)column[k] * L);
      const V   w     = (weight ? weight[k] : 1) - (V){0};
      __builtin_prefetch(p + (int64_t)column[k + AHEAD < last ? k + AHEAD : last] * L, 0, 3);
      for (int part = 0; part < PARTS; part++) sum.part[part] += w * (own.part[part] - other.part[part]);
    }
    for (int part = 0; part < PARTS; part++) total.part[part] += own.part[part] * sum.part[part];
    memcpy(q + i * L, &sum, sizeof sum);
  }
  memcpy(dot, &total, sizeof total);
}
