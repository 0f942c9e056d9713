/* SPDX-License-Identifier: BSD-2-Clause
 * Elementwise updates of SGD and Adam, and sums of squares by 16 virtual lanes. Multiply-adds are fused where PyTorch's vector kernels
 * fuse them; the division by sqrt(1 - beta2^t) is a multiplication, since one division and one root an element are what a step costs. */
#include "optimizer_kernel.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel.h"
#include "vector.h"

enum { BLOCK = 16 };

/* Pointers to one native vector's place in each array; second and average may be NULL. */
typedef struct Place {
  const float *gradient;
  float       *first, *second, *theta, *average;
} Place;

VF_INLINE void average_in(const OptimizerScalars *s, Vf theta, float *average)
{
  vf_store(average, vf_fma(vf_splat(s->update), theta, vf_splat(s->keep) * vf_load(average)));
}

VF_INLINE void update_adam(const OptimizerScalars *s, Vf scale, Place at)
{
  const Vf old   = vf_load(at.theta);
  const Vf g     = vf_fma(vf_splat(s->decay), old, vf_load(at.gradient) * scale);
  const Vf m     = vf_fma(vf_splat(s->new1), g, vf_splat(s->beta1) * vf_load(at.first));
  const Vf v     = vf_fma(vf_splat(s->new2) * g, g, vf_splat(s->beta2) * vf_load(at.second));
  const Vf denom = vf_fma(vf_sqrt(v), vf_splat(s->inverse), vf_splat(s->delta));
  const Vf theta = vf_fma(vf_splat(s->step), m / denom, vf_splat(s->shrink) * old);
  vf_store(at.first, m);
  vf_store(at.second, v);
  vf_store(at.theta, theta);
  if (at.average) average_in(s, theta, at.average);
}

VF_INLINE void update_sgd(const OptimizerScalars *s, Vf scale, Place at)
{
  const Vf old = vf_load(at.theta);
  Vf       g   = vf_fma(vf_splat(s->decay), old, vf_load(at.gradient) * scale);
  if (at.first) {
    g = vf_fma(vf_splat(s->momentum), vf_load(at.first), g);
    vf_store(at.first, g);
  }
  const Vf theta = vf_fma(vf_splat(s->step), g, old);
  vf_store(at.theta, theta);
  if (at.average) average_in(s, theta, at.average);
}

VF_INLINE float *behind(float *p, int64_t i) { return p ? p + i : NULL; }

VF_INLINE void update_block(const OptimizerScalars *s, bool adam, const float *scale, Place at)
{
  for (int k = 0; k < BLOCK; k += VF_LANES) {
    const Place here = {at.gradient + k, behind(at.first, k), behind(at.second, k), at.theta + k, behind(at.average, k)};
    if (adam)
      update_adam(s, vf_load(scale + k), here);
    else
      update_sgd(s, vf_load(scale + k), here);
  }
}

static void copy(int count, const float *from, float *to)
{
  if (from && to) memcpy(to, from, (size_t)count * sizeof *to);
}

/* Fewer than BLOCK elements, in a copy filled up with zeros. */
static void update_rest(const OptimizerScalars *s, bool adam, const float *scale, int count, Place at)
{
  float       gradient[BLOCK] = {0}, first[BLOCK] = {0}, second[BLOCK] = {0}, theta[BLOCK] = {0}, average[BLOCK] = {0};
  const Place spare = {gradient, at.first ? first : NULL, at.second ? second : NULL, theta, at.average ? average : NULL};
  copy(count, at.gradient, gradient);
  copy(count, at.first, first);
  copy(count, at.second, second);
  copy(count, at.theta, theta);
  copy(count, at.average, average);
  update_block(s, adam, scale, spare);
  copy(count, spare.first, at.first);
  copy(count, spare.second, at.second);
  copy(count, spare.theta, at.theta);
  copy(count, spare.average, at.average);
}

VF_INLINE void update_all(const OptimizerScalars *s, bool adam, int64_t n, const float *scale, Place at)
{
  int64_t i = 0;
  for (; i + BLOCK <= n; i += BLOCK)
    update_block(s, adam, scale, (Place){at.gradient + i, behind(at.first, i), behind(at.second, i), at.theta + i, behind(at.average, i)});
  if (i < n)
    update_rest(s, adam, scale, (int)(n - i),
                (Place){at.gradient + i, behind(at.first, i), behind(at.second, i), at.theta + i, behind(at.average, i)});
}

void KERNEL(optimizer_update)(const OptimizerScalars *scalars, int64_t n, const float scale[16], const float *gradient, float *moments,
                              float *theta, float *average)
{
  const OptimizerScalars s = *scalars; /* a copy nobody else can write to stays in registers */
  if (s.kind == OPTIMIZER_SGD)
    update_all(&s, false, n, scale, (Place){gradient, moments, NULL, theta, average});
  else if (average)
    update_all(&s, true, n, scale, (Place){gradient, moments, moments + n, theta, average});
  else
    update_all(&s, true, n, scale, (Place){gradient, moments, moments + n, theta, NULL});
}

/* Doubles of the native width, and as many floats. */
typedef double Vd __attribute__((vector_size(VF_BYTES), may_alias));
typedef float  Vh __attribute__((vector_size(VF_BYTES / 2), may_alias));
enum { WIDE = VF_LANES / 2 };

VF_INLINE void add_squares(const float *x, Vd acc[BLOCK / WIDE])
{
  for (int k = 0; k < BLOCK / WIDE; k++) {
    Vh half;
    memcpy(&half, x + k * WIDE, sizeof half);
    const Vd wide = __builtin_convertvector(half, Vd);
    acc[k] += wide * wide; /* the product is exact */
  }
}

void KERNEL(optimizer_squares)(int64_t n, const float *gradient, double sum[16])
{
  Vd      acc[BLOCK / WIDE] = {{0}};
  int64_t i                 = 0;
  for (; i + BLOCK <= n; i += BLOCK) add_squares(gradient + i, acc);
  float rest[BLOCK] = {0};
  copy((int)(n - i), gradient + i, rest);
  add_squares(rest, acc);
  memcpy(sum, acc, sizeof acc);
}
