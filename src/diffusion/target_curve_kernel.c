/* SPDX-License-Identifier: BSD-2-Clause
 * The curve's posterior mean in float32 (target_curve.c has the curve and the formulas), in two ways. target_circle: all nodes of a table.
 * target_foot: the nearest node of a grid, Newton's method on (y - z) y' = 0 with e(phi) turned by rational rotations, then 2 NODES nodes
 * 0.8 deviations apart about the foot, by differences that stay accurate however narrow the peak is. A point with a second valley nearly as
 * deep, with a flat one, or with one that does not end, is left to the exact quadrature. */
#include "kernel.h"
#include "target_kernel.h"
#include "vector.h"
#include "vector_math.h"

enum { NODES = 10, NEWTON = 4 };

void KERNEL(target_circle)(const CurveAt *at, int n, int stride, const float *x, float *f, int32_t *unsure)
{
  for (int i = 0; i < n; i += VF_LANES) {
    const Vf z0 = vf_load(x + i) * at->a_inverse, z1 = vf_load(x + stride + i) * at->a_inverse, k = vf_splat(-at->precision);
    Vf       best = vf_splat(-3e38f), mass = {0}, sum0 = {0}, sum1 = {0};
    for (int j = 0; j < at->n; j++) {
      const Vf u = z0 - at->x[j], v = z1 - at->y[j], E = vf_fma(k, vf_fma(u, u, v * v), vf_splat(at->log_weight[j]));
      best = vf_max(E, best);
    }
    for (int j = 0; j < at->n; j++) {
      const Vf u = z0 - at->x[j], v = z1 - at->y[j], E = vf_fma(k, vf_fma(u, u, v * v), vf_splat(at->log_weight[j]));
      const Vf p = vf_exp(vf_max(vf_splat(-70), E - best)); /* nothing subnormal, which would be slow */
      mass += p;
      sum0 = vf_fma(p, vf_splat(at->x[j]), sum0);
      sum1 = vf_fma(p, vf_splat(at->y[j]), sum1);
    }
    vf_store(f + i, sum0 / mass);
    vf_store(f + stride + i, sum1 / mass);
    const Vi flag = ~((Vi)(vf_fma(z0, z0, z1 * z1) <= at->reach * at->reach));
    memcpy(unsure + i, &flag, sizeof flag);
  }
}

/* Cosines and sines of phi, 2 phi, 4 phi. */
typedef struct Powers {
  Vf c1, s1, c2, s2, c4, s4;
} Powers;

VF_INLINE Powers powers(Vf c, Vf s)
{
  Powers p = {.c1 = c, .s1 = s};
  p.s2     = 2 * s * c;
  p.c2     = vf_fma(-2 * s, s, vf_splat(1));
  p.s4     = 2 * p.s2 * p.c2;
  p.c4     = vf_fma(-2 * p.s2, p.s2, vf_splat(1));
  return p;
}

typedef struct Foot {
  Powers at;
  Vf     y0, y1, normal0, normal1, bend; /* the point, z minus it, and half of the second derivative of |z - y|^2 */
  Vf     slope;                          /* half of the first, negative: (z - y) y' */
} Foot;

VF_INLINE Foot foot_at(Vf z0, Vf z1, Vf c, Vf s)
{
  Foot         foot = {.at = powers(c, s)};
  const Powers p    = foot.at;
  foot.y0           = c + 0.15f * (p.c4 + p.c2);
  foot.y1           = s + 0.15f * (p.s4 - p.s2);
  foot.normal0      = z0 - foot.y0;
  foot.normal1      = z1 - foot.y1;
  const Vf d0 = -s - 0.6f * p.s4 - 0.3f * p.s2, d1 = c + 0.6f * p.c4 - 0.3f * p.c2;
  const Vf b0 = -c - 2.4f * p.c4 - 0.6f * p.c2, b1 = -s - 2.4f * p.s4 + 0.6f * p.s2;
  foot.slope = foot.normal0 * d0 + foot.normal1 * d1;
  foot.bend  = d0 * d0 + d1 * d1 - (foot.normal0 * b0 + foot.normal1 * b1);
  return foot;
}

/* The lowest grid node, and the square distances of it and of the second lowest local minimum. */
VF_INLINE void search(const CurveAt *at, Vf z0, Vf z1, Vf *c, Vf *s, Vf *first, Vf *second)
{
  Vf before = {0}, here = {0};
  *first = *second = vf_splat(3e38f);
  *c = *s = (Vf){0};
  for (int j = -2; j < at->n; j++) { /* before: node j - 2, here: j - 1 */
    const int at_j = j < 0 ? j + at->n : j, at_here = j < 1 ? j - 1 + at->n : j - 1;
    const Vf  u = z0 - at->x[at_j], v = z1 - at->y[at_j], next = vf_fma(u, u, v * v);
    if (j >= 0) {
      const Vi valley = (Vi)(here < before) & (Vi)(here <= next), lowest = valley & (Vi)(here < *first);
      *second = vf_select(lowest, *first, vf_select(valley, vf_min(here, *second), *second));
      *first  = vf_select(lowest, here, *first);
      *c      = vf_select(lowest, vf_splat(at->cosine[at_here]), *c);
      *s      = vf_select(lowest, vf_splat(at->sine[at_here]), *s);
    }
    before = here;
    here   = next;
  }
}

typedef struct Sums {
  Vf mass, x, y;
} Sums;

/* One node at the chord (d0, d1); returns its E. */
VF_INLINE Vf add_node(const Foot *foot, float precision, Vf d0, Vf d1, Vf density, Sums *sums)
{
  const Vf square = vf_fma(d0, d0, d1 * d1), dot = vf_fma(foot->normal0, d0, foot->normal1 * d1), E = (square - 2 * dot) * precision;
  const Vf w = vf_exp(vf_max(vf_splat(-70), -E)) * density;
  sums->mass += w;
  sums->x = vf_fma(w, d0, sums->x);
  sums->y = vf_fma(w, d1, sums->y);
  return E;
}

/* The nodes at +-delta, half an angle given: chords are P +- Q, even and odd in delta. */
VF_INLINE Vf add_pair(const Foot *foot, float precision, Vf c, Vf s, Sums *sums)
{
  const Powers p     = foot->at;
  const Vf     less1 = -2 * s * s, odd1 = 2 * s * c, less2 = -2 * odd1 * odd1, odd2 = 2 * odd1 * (1 + less1);
  const Vf     less4 = -2 * odd2 * odd2, odd4 = 2 * odd2 * (1 + less2);
  const Vf     p0 = p.c1 * less1 + 0.15f * (p.c4 * less4 + p.c2 * less2), p1 = p.s1 * less1 + 0.15f * (p.s4 * less4 - p.s2 * less2);
  const Vf     q0 = -(p.s1 * odd1 + 0.15f * (p.s4 * odd4 + p.s2 * odd2)), q1 = p.c1 * odd1 + 0.15f * (p.c4 * odd4 - p.c2 * odd2);
  const Vf     even = 1 + 0.5f * p.c1 * (1 + less1), uneven = 0.5f * p.s1 * odd1;
  const Vf     up   = add_node(foot, precision, p0 + q0, p1 + q1, even - uneven, sums);
  const Vf     down = add_node(foot, precision, p0 - q0, p1 - q1, even + uneven, sums);
  return vf_min(up, down);
}

void KERNEL(target_foot)(const CurveAt *at, int n, int stride, const float *x, float *f, int32_t *unsure)
{
  const float spacing = 6.2831853f / (float)at->n, slack = spacing * spacing / 4;
  for (int i = 0; i < n; i += VF_LANES) {
    const Vf z0 = vf_load(x + i) * at->a_inverse, z1 = vf_load(x + stride + i) * at->a_inverse;
    Vf       c, s, first, second, turn = {0};
    search(at, z0, z1, &c, &s, &first, &second);
    Foot foot = foot_at(z0, z1, c, s);
    for (int step = 0; step < NEWTON; step++) {
      turn       = vf_max(vf_min(foot.slope / foot.bend, vf_splat(0.1f)), vf_splat(-0.1f)) * 0.5f;
      const Vf q = turn * turn, over = 1 / (1 + q), less = (1 - q) * over, odd = 2 * turn * over, next = c * less - s * odd;
      s    = s * less + c * odd;
      c    = next;
      foot = foot_at(z0, z1, c, s);
    }
    const Vf half = (0.4f * at->sigma) / vf_sqrt(foot.bend), h2 = half * half;
    const Vf s1   = half * vf_fma(h2, vf_fma(h2, vf_splat(1 / 120.f), vf_splat(-1 / 6.f)), vf_splat(1));
    const Vf c1   = vf_fma(h2, vf_fma(h2, vf_splat(1 / 24.f), vf_splat(-0.5f)), vf_splat(1));
    Sums     sums = {1 + 0.5f * c, {0}, {0}};
    Vf       cj = c1, sj = s1, last = {0};
    for (int j = 1; j <= NODES; j++) {
      last          = add_pair(&foot, at->precision, cj, sj, &sums);
      const Vf next = cj * c1 - sj * s1;
      sj            = sj * c1 + cj * s1;
      cj            = next;
    }
    const Vf inverse = 1 / sums.mass;
    vf_store(f + i, foot.y0 + sums.x * inverse);
    vf_store(f + stride + i, foot.y1 + sums.y * inverse);
    /* The second valley's floor is below its lowest node by at most slack times half the second derivative there. */
    const Vf ridge = 32 * at->sigma * at->sigma + slack * (3.61f + 4 * vf_sqrt(second));
    const Vi sure  = (Vi)(last > 11) & (Vi)(foot.bend > 0.3f) & (Vi)(second - first > ridge) & (Vi)(vf_abs(turn) < 1e-3f);
    const Vi flag  = ~sure;
    memcpy(unsure + i, &flag, sizeof flag);
  }
}
