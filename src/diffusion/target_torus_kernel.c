/* SPDX-License-Identifier: BSD-2-Clause
 * The torus's posterior mean in float32 (target_torus.c has the formulas): 2 NODES trapezoidal nodes about the foot, 0.7 deviations apart,
 * or around the whole circle where that is narrower. Nodes on both sides share E. Bessel functions by the polynomials of Abramowitz and
 * Stegun 9.8.1 to 9.8.4 (errors below 2.2e-7). */
#include "kernel.h"
#include "target_kernel.h"
#include "vector.h"
#include "vector_math.h"

enum { NODES = 11 };
static const float big = 1, small = 0.4f;

VF_INLINE Vf horner(int n, const float *c, Vf x)
{
  Vf sum = vf_splat(c[n - 1]);
  for (int i = n - 2; i >= 0; i--) sum = vf_fma(sum, x, vf_splat(c[i]));
  return sum;
}

/* e^{-k} I_0(k) and e^{-k} I_1(k). */
VF_INLINE void bessel(Vf k, Vf *i0, Vf *i1)
{
  static const float near0[] = {1, 3.5156229f, 3.0899424f, 1.2067492f, 0.2659732f, 0.0360768f, 0.0045813f};
  static const float near1[] = {0.5f, 0.87890594f, 0.51498869f, 0.15084934f, 0.02658733f, 0.00301532f, 0.00032411f};
  static const float far0[]  = {0.39894228f,  0.01328592f, 0.00225319f,  -0.00157565f, 0.00916281f,
                                -0.02057706f, 0.02635537f, -0.01647633f, 0.00392377f};
  static const float far1[]  = {0.39894228f, -0.03988024f, -0.00362018f, 0.00163801f, -0.01031555f,
                                0.02282967f, -0.02895312f, 0.01787654f,  -0.00420059f};
  const Vi           near    = k < 3.75f;
  const Vf           t = vf_min(k, vf_splat(3.75f)) * (1 / 3.75f), q = t * t, e = vf_exp(-vf_min(k, vf_splat(3.75f)));
  const Vf           larger = vf_max(k, vf_splat(3.75f)), u = 3.75f / larger, root = 1 / vf_sqrt(larger);
  *i0 = vf_select(near, horner(7, near0, q) * e, horner(9, far0, u) * root);
  *i1 = vf_select(near, horner(7, near1, q) * k * e, horner(9, far1, u) * root);
}

typedef struct Sums {
  Vf mass, radius, height;
} Sums;

VF_INLINE void add_node(Vf weight, Vf turn, Vf q, Vf height, Sums *sums)
{
  Vf i0, i1;
  bessel(turn * q, &i0, &i1);
  const Vf w = weight * q, m = w * i0;
  sums->mass += m;
  sums->radius = vf_fma(w * q, i1, sums->radius);
  sums->height = vf_fma(m, height, sums->height);
}

void KERNEL(target_torus)(float a_inverse, float precision, int n, int stride, const float *x, float *f, int32_t *unsure)
{
  for (int i = 0; i < n; i += VF_LANES) {
    const Vf z0 = vf_load(x + i) * a_inverse, z1 = vf_load(x + stride + i) * a_inverse, z2 = vf_load(x + 2 * stride + i) * a_inverse;
    const Vf rho = vf_sqrt(vf_fma(z0, z0, z1 * z1)), p = rho - big, length = vf_sqrt(vf_fma(p, p, z2 * z2));
    const Vi some = length > 0, off = rho > 0;
    const Vf cv0 = vf_select(some, p / length, vf_splat(1)), sv0 = vf_select(some, z2 / length, (Vf){0});
    const Vf concentration = length * (small * precision), turn = rho * precision;
    const Vf half = vf_min(vf_splat(3.14159265f / (2 * NODES)), 0.35f / vf_sqrt(concentration)), h2 = half * half;
    const Vf s1   = half * vf_fma(h2, vf_fma(h2, vf_splat(1 / 120.f), vf_splat(-1 / 6.f)), vf_splat(1));
    const Vf c1   = vf_fma(h2, vf_fma(h2, vf_fma(h2, vf_splat(-1 / 720.f), vf_splat(1 / 24.f)), vf_splat(-0.5f)), vf_splat(1));
    Sums     sums = {{0}, {0}, {0}};
    add_node(vf_splat(1), turn, big + small * cv0, small * sv0, &sums);
    Vf c = c1, s = s1; /* of j half */
    for (int j = 1; j <= NODES; j++) {
      const Vf less = 2 * s * s, cd = 1 - less, sd = 2 * s * c, w = vf_exp(-concentration * less) * (j < NODES ? 1 : 0.5f);
      add_node(w, turn, big + small * (cv0 * cd - sv0 * sd), small * (sv0 * cd + cv0 * sd), &sums);
      add_node(w, turn, big + small * (cv0 * cd + sv0 * sd), small * (sv0 * cd - cv0 * sd), &sums);
      const Vf next = c * c1 - s * s1;
      s             = s * c1 + c * s1;
      c             = next;
    }
    const Vf radius = sums.radius / sums.mass, over = radius / rho, height = sums.height / sums.mass;
    vf_store(f + i, vf_select(off, over * z0, radius));
    vf_store(f + stride + i, vf_select(off, over * z1, (Vf){0}));
    vf_store(f + 2 * stride + i, height);
    /* On the core circle, with little noise, v_0 needs more digits than a float has. */
    const Vi vague = (Vi)(length < 0.02f) & (Vi)(vf_splat(precision) > 400), bad = ~((Vi)(radius + height == radius + height));
    const Vi flag = vague | bad;
    memcpy(unsure + i, &flag, sizeof flag);
  }
}
