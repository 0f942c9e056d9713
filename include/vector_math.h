/* SPDX-License-Identifier: BSD-2-Clause
 * Elementary functions on float vectors by own minimax polynomials: the same bits on every ISA level and without libm. Include in kernel
 * sources alone. Errors are measured by tests/test_vector.c against double; an ulp is that of the exact value. Subnormal results and
 * arguments only where they are mentioned. */
#ifndef MYOPIA_VECTOR_MATH_H
#define MYOPIA_VECTOR_MATH_H

#include "vector.h"

/* p[i] = (c[0] x + c[1]) x + ..., for n vectors side by side: one Horner chain alone waits for itself. n and terms are constants. */
VF_INLINE void vf_horner(int n, int terms, const float *c, const Vf *x, Vf *p)
{
#pragma GCC unroll 8
  for (int i = 0; i < n; i++) p[i] = vf_splat(c[0]);
#pragma GCC unroll 16
  for (int k = 1; k < terms; k++)
#pragma GCC unroll 8
    for (int i = 0; i < n; i++) p[i] = vf_fma(p[i], x[i], vf_splat(c[k]));
}

/* e^x = 2^n (1 + p) for -87.5 <= x <= 88.8: Cody and Waite's reduction by ln 2 in two parts, p = r + r^2 q(r) on |r| <= ln(2) / 2. */
typedef struct VfExp {
  Vf p;
  Vi n;
} VfExp;

VF_INLINE VfExp vf_exp_parts(Vf x)
{
  const Vf magic = vf_splat(0x1.8p23f); /* adding it rounds to an integer */
  const Vf shift = vf_fma(x, vf_splat(1.44269504f), magic), k = shift - magic;
  const Vf r = vf_fma(k, vf_splat(-1.42860677e-6f), vf_fma(k, vf_splat(-0.693145752f), x));
  Vf       q = vf_splat(0x1.6a4878p-10f);
  q          = vf_fma(q, r, vf_splat(0x1.1239bp-7f));
  q          = vf_fma(q, r, vf_splat(0x1.5558b6p-5f));
  q          = vf_fma(q, r, vf_splat(0x1.555492p-3f));
  q          = vf_fma(q, r, vf_splat(0x1.fffffcp-2f));
  return (VfExp){vf_fma(q, r * r, r), (Vi)shift - (Vi)magic};
}

/* e^x: below -87.33 gives 0, above 88.72 infinity; NaN stays NaN. Error below 1.1 ulp. */
VF_INLINE Vf vf_exp(Vf x)
{
  const Vf    c    = vf_max(vf_min(x, vf_splat(88.8f)), vf_splat(-87.5f)); /* NaN becomes a number: put back below */
  const VfExp e    = vf_exp_parts(c);
  const Vi    half = e.n >> 1; /* 2^n in two factors, so that neither overflows */
  const Vf    one = (Vf)((half + 127) << 23), two = (Vf)((e.n - half + 127) << 23);
  const Vf    cut = vf_if_less(x, vf_splat(-87.33f), (Vf){0}, vf_fma(e.p, one, one) * two);
  return vf_select(x == x, cut, x);
}

/* e^x - 1 for x <= 88: relative error below 1.6 ulp also where x is small; -1 below -87; NaN is not kept. */
VF_INLINE Vf vf_expm1(Vf x)
{
  const VfExp e     = vf_exp_parts(vf_max(vf_min(x, vf_splat(88.0f)), vf_splat(-87.0f)));
  const Vf    scale = (Vf)((e.n + 127) << 23);
  return vf_fma(e.p, scale, scale - vf_splat(1.0f));
}

/* a = e^{-t/2} and s^2 = 1 - e^{-t} = -expm1(-t/2) (1 + a), both to 3 ulp, 0 < t < 174. */
VF_INLINE void vf_vp(Vf t, Vf *a, Vf *s2)
{
  const VfExp e     = vf_exp_parts(vf_max(t * vf_splat(-0.5f), vf_splat(-87.0f)));
  const Vf    scale = (Vf)((e.n + 127) << 23), less = vf_fma(e.p, scale, scale - vf_splat(1.0f));
  *a  = vf_fma(e.p, scale, scale);
  *s2 = -less * (vf_splat(1.0f) + *a);
}

/* x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), of a positive normal x: f is exact. */
VF_INLINE Vf vf_log_reduce(Vf x, Vf *k)
{
  const Vi root = (Vi){0} + 0x3f3504f3, exponent = ((Vi)x - root) >> 23;
  *k = __builtin_convertvector(exponent, Vf);
  return (Vf)((Vi)x - (exponent << 23)) - vf_splat(1.0f);
}

/* k ln 2 + log(1 + f), log(1 + f) = f - f^2/2 + f^3 P(f); ln 2 in two parts, the first of which has k-fold multiples without rounding. */
VF_INLINE void vf_log_sum(int n, const Vf *k, const Vf *f, Vf *out)
{
  static const float c[] = {-0x1.38f562p-4f, 0x1.0570ecp-3f, -0x1.0d82ep-3f,  0x1.22d6bp-3f,
                            -0x1.54722ap-3f, 0x1.99a032p-3f, -0x1.000228p-2f, 0x1.555554p-2f};
  vf_horner(n, 8, c, f, out);
#pragma GCC unroll 8
  for (int i = 0; i < n; i++) {
    const Vf z = f[i] * f[i], tail = vf_fma(out[i], f[i] * z, z * vf_splat(-0.5f));
    out[i] = vf_fma(k[i], vf_splat(0.693359375f), f[i] + vf_fma(k[i], vf_splat(-2.12194440e-4f), tail));
  }
}

/* log x: error below 1.1 ulp; subnormal arguments included (unless denormals are zeros); -infinity at 0, NaN below, infinity at
 * infinity. */
VF_INLINE Vf vf_log(Vf x)
{
  const Vi small = x < vf_splat(0x1p-126f);
  Vf       k, y;
  const Vf f = vf_log_reduce(vf_select(small, x * vf_splat(0x1p24f), x), &k);
  k -= vf_select(small, vf_splat(24.0f), (Vf){0});
  vf_log_sum(1, &k, &f, &y);
  const Vf edge = vf_select(x < (Vf){0}, vf_splat(__builtin_nanf("")), vf_select(x == (Vf){0}, vf_splat(-__builtin_inff()), x));
  return vf_select((x > (Vf){0}) & (x < vf_splat(__builtin_inff())), y, edge);
}

/* sin(pi y / 4) and cos(pi y / 4), |y| <= 1, of n vectors side by side: error below 1 ulp. */
VF_INLINE void vf_sincos_octant(int n, const Vf *y, Vf *sine, Vf *cosine)
{
  static const float s[] = {-0x1.2d78e8p-15f, 0x1.465e16p-9f, -0x1.4abbb8p-4f, -0x1.a3648ep-26f};
  static const float c[] = {0x1.d470b4p-19f, -0x1.55b138p-12f, 0x1.03c1aep-6f, -0x1.3bd3ccp-2f};
  Vf                 z[8];
#pragma GCC unroll 8
  for (int i = 0; i < n; i++) z[i] = y[i] * y[i];
  vf_horner(n, 4, s, z, sine);
  vf_horner(n, 4, c, z, cosine);
#pragma GCC unroll 8
  for (int i = 0; i < n; i++) {
    sine[i]   = vf_fma(y[i], vf_splat(0x1.921fb6p-1f), sine[i] * y[i]);
    cosine[i] = vf_fma(cosine[i], z[i], vf_splat(1.0f));
  }
}

/* sin(pi x) and cos(pi x), |x| <= 2^21: the reduction is exact, error below 1 ulp. */
VF_INLINE void vf_sincospi(Vf x, Vf *sine, Vf *cosine)
{
  const Vf magic = vf_splat(0x1.8p23f), shift = vf_fma(x, vf_splat(2.0f), magic);
  const Vi quarter = (Vi)shift - (Vi)magic, odd = (quarter & 1) != 0;
  Vf       s, c;
  const Vf offset = vf_fma(shift - magic, vf_splat(-2.0f), x * vf_splat(4.0f));
  vf_sincos_octant(1, &offset, &s, &c);
  *sine   = (Vf)((Vi)vf_select(odd, c, s) ^ ((quarter & 2) << 30));
  *cosine = (Vf)((Vi)vf_select(odd, s, c) ^ (((quarter + 1) & 2) << 30));
}

#endif
