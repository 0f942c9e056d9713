/* SPDX-License-Identifier: BSD-2-Clause
 * Activations and time features on vectors, with derivatives, by own polynomials: the same bits on every ISA level. Include in kernel
 * sources alone. NaN stays NaN. Errors against double (tests/test_net.c): tanh 1.9e-7 relative, logarithm 0.8e-7 relative, sine and cosine
 * 0.9e-7, SiLU and GELU 2.5e-7 of min(|z|, 1) and 1.3e-7 of the value. */
#ifndef MYOPIA_NET_ACTIVATION_H
#define MYOPIA_NET_ACTIVATION_H

#include "net.h"
#include "vector_math.h"

/* max(0, z), NaN for NaN. */
VF_INLINE Vf net_relu(Vf z)
{
#if defined(__AVX512F__)
  return (Vf)_mm512_max_ps(_mm512_setzero_ps(), (__m512)z);
#elif defined(__AVX2__)
  return (Vf)_mm256_max_ps(_mm256_setzero_ps(), (__m256)z);
#else
  return vf_max((Vf){0}, z);
#endif
}

/* g where a > 0, else 0. */
VF_INLINE Vf net_where_positive(Vf a, Vf g)
{
#if defined(__AVX512F__)
  return (Vf)_mm512_maskz_mov_ps(_mm512_cmp_ps_mask((__m512)a, _mm512_setzero_ps(), _CMP_GT_OQ), (__m512)g);
#else
  return (Vf)((a > 0) & (Vi)g);
#endif
}

#define UNROLL _Pragma("GCC unroll 16")
enum {
  NET_SIDE_BY_SIDE = VF_LANES == 16 ? 4 : 2
}; /* chains of operations that a processor's scheduler sees at once when they go in step */

VF_INLINE Vf net_min(Vf a, Vf b)
{
#if defined(__AVX512F__)
  return (Vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (Vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return vf_min(a, b);
#endif
}

/* E / (E + 2), E = e^(2|x|) - 1 = 2^n q + (2^n - 1), q = e^r - 1 on |r| <= ln 2 / 2 by linear programming: accurate at 0 and at 1. */
VF_INLINE void net_tanhs(const int n, Vf *x)
{
  static const float c[] = {1.38706772e-3f, 8.36626533e-3f, 4.16674353e-2f, 1.66665465e-1f, 0.49999997f};
  Vf                 shift[NET_SIDE_BY_SIDE], r[NET_SIDE_BY_SIDE], p[NET_SIDE_BY_SIDE];
  UNROLL for (int i = 0; i < n; i++) r[i]     = net_min(vf_splat(9.25f), vf_abs(x[i])); /* NaN stays */
  UNROLL for (int i = 0; i < n; i++) shift[i] = vf_fma(r[i], vf_splat(2.88539008f), vf_splat(0x1.8p23f));
  UNROLL for (int i = 0; i < n; i++) r[i] += r[i];
  UNROLL for (int i = 0; i < n; i++) p[i]                                    = shift[i] - 0x1.8p23f;
  UNROLL for (int i = 0; i < n; i++) r[i]                                    = vf_fma(p[i], vf_splat(-0.693145752f), r[i]);
  UNROLL for (int i = 0; i < n; i++) r[i]                                    = vf_fma(p[i], vf_splat(-1.42860677e-6f), r[i]);
  UNROLL for (int i = 0; i < n; i++) p[i]                                    = vf_splat(c[0]);
  UNROLL for (int k = 1; k < 5; k++) UNROLL for (int i = 0; i < n; i++) p[i] = vf_fma(p[i], r[i], vf_splat(c[k]));
  UNROLL for (int i = 0; i < n; i++) p[i] *= r[i];
  UNROLL for (int i = 0; i < n; i++) r[i]     = vf_fma(p[i], r[i], r[i]);
  UNROLL for (int i = 0; i < n; i++) shift[i] = (Vf)(((Vi)shift[i] << 23) + 0x3f800000);
  UNROLL for (int i = 0; i < n; i++) p[i]     = shift[i] - 1.0f;
  UNROLL for (int i = 0; i < n; i++) r[i]     = vf_fma(shift[i], r[i], p[i]);
  UNROLL for (int i = 0; i < n; i++) p[i]     = r[i] + 2.0f;
  UNROLL for (int i = 0; i < n; i++) r[i] /= p[i];
  UNROLL for (int i = 0; i < n; i++) x[i] = (Vf)((Vi)r[i] | ((Vi)x[i] & INT32_MIN));
}

VF_INLINE Vf net_tanh(Vf x)
{
  net_tanhs(1, &x);
  return x;
}

/* tanh in place of `vectors` native vectors, `step` floats apart. */
VF_INLINE void net_tanh_row(int vectors, int64_t step, float *a)
{
  for (; vectors >= NET_SIDE_BY_SIDE; vectors -= NET_SIDE_BY_SIDE) {
    Vf x[NET_SIDE_BY_SIDE];
    UNROLL for (int i = 0; i < NET_SIDE_BY_SIDE; i++) x[i] = vf_load(a + i * step);
    net_tanhs(NET_SIDE_BY_SIDE, x);
    UNROLL for (int i = 0; i < NET_SIDE_BY_SIDE; i++) vf_store(a + i * step, x[i]);
    a += NET_SIDE_BY_SIDE * step;
  }
  for (; vectors > 0; vectors--) {
    vf_store(a, net_tanh(vf_load(a)));
    a += step;
  }
}

VF_INLINE Vf net_sigmoid(Vf x) { return 1.0f / (1.0f + vf_exp(-x)); }

/* Phi(x) and the normal density: erfc(z) = e^(-z^2) u Q(u), u = 1 / (1 + 0.4 z), z = |x| / sqrt 2; Q by linear programming. */
VF_INLINE Vf net_phi(Vf x, Vf *density)
{
  const Vf a = vf_abs(x), e = vf_exp(x * x * -0.5f), u = 1.0f / vf_fma(a, vf_splat(0.282842712f), vf_splat(1.0f));
  Vf       q    = vf_splat(-0.020421378f);
  q             = vf_fma(q, u, vf_splat(0.150815803f));
  q             = vf_fma(q, u, vf_splat(-0.394440279f));
  q             = vf_fma(q, u, vf_splat(0.417557885f));
  q             = vf_fma(q, u, vf_splat(-0.184369439f));
  q             = vf_fma(q, u, vf_splat(0.222760663f));
  q             = vf_fma(q, u, vf_splat(0.145226516f));
  q             = vf_fma(q, u, vf_splat(0.211898295f));
  q             = vf_fma(q, u, vf_splat(0.225280226f));
  q             = vf_fma(q, u, vf_splat(0.225691706f));
  const Vf tail = 0.5f * e * (u * q);
  *density      = e * 0.398942280f;
  return vf_select(x > (Vf){0}, 1.0f - tail, tail);
}

/* The activation of z; *slope its derivative, of SiLU and GELU alone (the others' follows from the value). */
VF_INLINE Vf net_activate(Activation kind, Vf z, Vf *slope)
{
  Vf s, density;
  switch (kind) {
  case ACTIVATION_RELU: return net_relu(z);
  case ACTIVATION_TANH: return net_tanh(z);
  case ACTIVATION_SILU:
    s      = net_sigmoid(z);
    *slope = s * vf_fma(z, 1.0f - s, vf_splat(1.0f));
    return z * s;
  case ACTIVATION_GELU:
    s      = net_phi(z, &density);
    *slope = vf_fma(z, density, s);
    return z * s;
  }
  return z;
}

/* g times the derivative, from the value a or the slope. */
VF_INLINE Vf net_chain(Activation kind, Vf a, Vf slope, Vf g)
{
  switch (kind) {
  case ACTIVATION_RELU: return net_where_positive(a, g);
  case ACTIVATION_TANH: return vf_fma(a * -1.0f, a, vf_splat(1.0f)) * g;
  case ACTIVATION_SILU:
  case ACTIVATION_GELU: return slope * g;
  }
  return g;
}

/* log t for normal t > 0 (below that -infinity, as with flushed subnormals; negative: NaN): t = 2^e (1 + f), f in [sqrt(1/2) - 1, sqrt 2
 * - 1), polynomial of Cephes' logf. */
VF_INLINE Vf net_log(Vf t)
{
  static const float c[]  = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,  -1.2420140846e-1f, 1.4249322787e-1f,
                             -1.6668057665e-1f, 2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
  const Vi           bits = (Vi)t - 0x3f3504f3, exponent = bits >> 23;
  const Vf           f = (Vf)((Vi)t - (exponent << 23)) - 1.0f, e = __builtin_convertvector(exponent, Vf), f2 = f * f;
  Vf                 p                 = vf_splat(c[0]);
  UNROLL for (int k = 1; k < 9; k++) p = vf_fma(p, f, vf_splat(c[k]));
  p                                    = vf_fma(p, f * f2, e * -2.12194440e-4f);
  p                                    = vf_fma(f2, vf_splat(-0.5f), p) + f;
  p                                    = vf_fma(e, vf_splat(0.693359375f), p);
  p                                    = vf_select(t < vf_splat(0x1p-126f), vf_splat(-__builtin_inff()), p);
  p                                    = vf_select(t < vf_splat(-0x1p-126f), vf_splat(__builtin_nanf("")), p);
  return vf_select((t == vf_splat(__builtin_inff())) | (t != t), t, p);
}

/* sin(pi u) and cos(pi u): u less a multiple of 2, less a multiple q / 2, exactly; series on [-1/4, 1/4]; a quarter turn for every q.
 * Floats from 2^24 on are even numbers. */
VF_INLINE void net_sine_cosine(Vf u, Vf *sine, Vf *cosine)
{
  static const float a[]   = {8.21458866e-2f, -5.99264529e-1f, 2.55016404f, -5.16771278f, 3.14159265f};
  static const float b[]   = {0, 2.35330630e-1f, -1.33526277f, 4.05871213f, -4.93480220f};
  const Vf           magic = vf_splat(0x1.8p23f), small = vf_select(vf_abs(u) < vf_splat(0x1p24f), u, (Vf){0});
  const Vf           turn  = vf_fma(vf_fma(small, vf_splat(0.5f), magic) - magic, vf_splat(-2.0f), small);
  const Vf           shift = vf_fma(turn, vf_splat(2.0f), magic), r = vf_fma(shift - magic, vf_splat(-0.5f), turn), y = r * r;
  Vf                 s = vf_splat(a[0]), c = vf_splat(b[0]);
  UNROLL for (int k = 1; k < 5; k++)
  {
    s = vf_fma(s, y, vf_splat(a[k]));
    c = vf_fma(c, y, vf_splat(b[k]));
  }
  s          = s * r;
  c          = vf_fma(c, y, vf_splat(1.0f));
  const Vi q = (Vi)shift, odd = -(q & 1);
  *sine   = (Vf)((Vi)vf_select(odd, c, s) ^ (q & 2) << 30);
  *cosine = (Vf)((Vi)vf_select(odd, s, c) ^ ((q + 1) & 2) << 30);
}

#endif
