/* SPDX-License-Identifier: BSD-2-Clause
 * Posterior means of mixtures, points and sphere in float32, and the turn into the own space and back. Exponents of a softmax are
 * differences of large numbers when s is small, so they are summed in double and rounded to float only relative to the largest; modes come
 * in chunks that fit on the stack, with sums rescaled where a later chunk holds a larger exponent. */
#include "target_kernel.h"

#include "kernel.h"
#include "vector.h"
#include "vector_math.h"

enum { CHUNK = 32, HALF = VF_LANES / 2, PROJECTED = 64 };
typedef double Vd __attribute__((vector_size(VF_BYTES), may_alias));
typedef float  Vh __attribute__((vector_size(VF_BYTES / 2), may_alias));

VF_INLINE Vd load_half(const float *p)
{
  Vh v;
  memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, Vd);
}

VF_INLINE void store_half(float *p, Vd x)
{
  const Vh v = __builtin_convertvector(x, Vh);
  memcpy(p, &v, sizeof v);
}

/* e^x of what is at most 0; nothing subnormal comes of it, which would be slow. NaN stays NaN. */
VF_INLINE Vf weight(Vf x) { return vf_exp(vf_max(vf_splat(-70), x)); }

/* The exponents of one mode for the lanes of one vector, in two halves. */
VF_INLINE void exponents(const AtomsAt *at, int k, int stride, const float *x, Vd out[2])
{
  const double *centre = at->centre + k * at->d, *precision = at->precision + k * at->d;
  Vd            low = at->level[k] - (Vd){0}, high = low;
  for (int j = 0; j < at->d; j++) {
    const Vd u = load_half(x + j * stride) - centre[j], v = load_half(x + j * stride + HALF) - centre[j];
    low -= u * u * precision[j];
    high -= v * v * precision[j];
  }
  out[0] = low;
  out[1] = high;
}

VF_INLINE Vd larger(Vd a, Vd b)
{
  typedef int64_t Vl __attribute__((vector_size(VF_BYTES)));
  const Vl        mask = a > b;
  return (Vd)((mask & (Vl)a) | (~mask & (Vl)b));
}

/* Adds modes first .. first + count - 1 to the sums f and mass, all relative to *best, which grows. */
VF_INLINE void add_chunk(const AtomsAt *at, int first, int count, int stride, const float *x, float *f, Vd best[2], Vf *mass)
{
  Vd    exponent[CHUNK][2], top[2] = {best[0], best[1]};
  float relative[CHUNK + 1][VF_LANES];
  for (int k = 0; k < count; k++) {
    exponents(at, first + k, stride, x, exponent[k]);
    for (int h = 0; h < 2; h++) top[h] = first + k ? larger(exponent[k][h], top[h]) : exponent[k][h];
  }
  for (int k = 0; k < count; k++)
    for (int h = 0; h < 2; h++) store_half(relative[k] + h * HALF, exponent[k][h] - top[h]);
  if (first > 0) {
    for (int h = 0; h < 2; h++) store_half(relative[CHUNK] + h * HALF, best[h] - top[h]);
    const Vf scale = weight(vf_load(relative[CHUNK]));
    *mass *= scale;
    for (int j = 0; j < at->d; j++) vf_store(f + j * stride, vf_load(f + j * stride) * scale);
  }
  for (int k = 0; k < count; k++) {
    const float *offset = at->offset + (first + k) * at->d, *gain = at->gain + (first + k) * at->d;
    const Vf     p = weight(vf_load(relative[k]));
    *mass += p;
    for (int j = 0; j < at->d; j++) {
      const Vf part   = vf_fma(vf_splat(gain[j]), vf_load(x + j * stride), vf_splat(offset[j]));
      const Vf before = first + k ? vf_load(f + j * stride) : (Vf){0};
      vf_store(f + j * stride, vf_fma(p, part, before));
    }
  }
  best[0] = top[0];
  best[1] = top[1];
}

void KERNEL(target_atoms)(const AtomsAt *at, int n, int stride, const float *x, float *f)
{
  for (int i = 0; i < n; i += VF_LANES) {
    Vd best[2] = {{0}, {0}};
    Vf mass    = {0};
    for (int first = 0; first < at->n; first += CHUNK)
      add_chunk(at, first, at->n - first < CHUNK ? at->n - first : CHUNK, stride, x + i, f + i, best, &mass);
    const Vf inverse = 1 / mass;
    for (int j = 0; j < at->d; j++) vf_store(f + j * stride + i, vf_load(f + j * stride + i) * inverse);
  }
}

/* (coth k - 1/k) / k times scale: coth's series up to 1, whose terms fall by k^2 / pi^2. */
void KERNEL(target_sphere)(float scale, int n, int stride, const float *x, float *f)
{
  static const float series[] = {3.33333333e-1f, -2.22222222e-2f, 2.11640212e-3f, -2.11640212e-4f,
                                 2.13779916e-5f, -2.16440428e-6f, 2.19259478e-7f, -2.22146087e-8f};
  for (int i = 0; i < n; i += VF_LANES) {
    const Vf x0 = vf_load(x + i), x1 = vf_load(x + stride + i), x2 = vf_load(x + 2 * stride + i);
    const Vf length = vf_sqrt(vf_fma(x0, x0, vf_fma(x1, x1, x2 * x2))), k = length * scale, q = vf_min(k * k, vf_splat(1));
    Vf       sum = vf_splat(series[7]);
    for (int c = 6; c >= 0; c--) sum = vf_fma(sum, q, vf_splat(series[c]));
    const Vf e = weight(-2 * k), far = ((1 + e) / (1 - e) - 1 / k) / length;
    const Vf over = vf_select(k <= 1, sum * scale, far);
    vf_store(f + i, over * x0);
    vf_store(f + stride + i, over * x1);
    vf_store(f + 2 * stride + i, over * x2);
  }
}

void KERNEL(target_project)(int d, int own, const float *frame, int n, int stride, const float *x, float *y)
{
  for (int i = 0; i < n; i += VF_LANES) {
    Vf sum[3] = {{0}, {0}, {0}};
    for (int j = 0; j < d; j++) {
      const Vf v = vf_load(x + j * stride + i);
      for (int c = 0; c < own; c++) sum[c] = vf_fma(vf_splat(frame[j * own + c]), v, sum[c]);
    }
    for (int c = 0; c < own; c++) vf_store(y + c * PROJECTED + i, sum[c]);
  }
}

void KERNEL(target_embed)(int d, int own, const float *frame, int n, int stride, const float *y, float *x)
{
  for (int i = 0; i < n; i += VF_LANES)
    for (int j = 0; j < d; j++) {
      Vf sum = {0};
      for (int c = 0; c < own; c++) sum = vf_fma(vf_splat(frame[j * own + c]), vf_load(y + c * PROJECTED + i), sum);
      vf_store(x + j * stride + i, sum);
    }
}
