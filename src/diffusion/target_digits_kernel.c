/* SPDX-License-Identifier: BSD-2-Clause
 * The image of 784 bytes nearest to a point: sums of squares in 16 virtual lanes of float32, given up after 336 pixels when they are
 * above the least so far. */
#include <math.h>

#include "kernel.h"
#include "target_kernel.h"
#include "vector.h"

enum { PIXELS = 784, FIRST = 336, WIDTH = 16 };
_Static_assert(PIXELS % WIDTH == 0 && FIRST % WIDTH == 0, "whole vectors");

VF_INLINE Vf load_bytes(const uint8_t *p)
{
  typedef uint8_t Vb __attribute__((vector_size(VF_LANES)));
  Vb              v;
  memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, Vf);
}

int64_t KERNEL(target_image)(int64_t n, const uint8_t *image, const float *x)
{
  float   best = INFINITY;
  int64_t at   = 0;
  for (int64_t k = 0; k < n; k++) {
    const uint8_t *p             = image + PIXELS * k;
    Vf             sum[VF_PARTS] = {{0}};
    float          square        = 0;
    for (int from = 0, to = FIRST; from < PIXELS && square < best; from = to, to = PIXELS) {
      for (int i = from; i < to; i += WIDTH)
        for (int part = 0; part < VF_PARTS; part++) {
          const Vf u = vf_load(x + i + part * VF_LANES) - load_bytes(p + i + part * VF_LANES);
          sum[part]  = vf_fma(u, u, sum[part]);
        }
      square = vf_sum16(sum);
    }
    if (!(square < best)) continue;
    best = square;
    at   = k;
  }
  return at;
}
