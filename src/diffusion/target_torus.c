/* SPDX-License-Identifier: BSD-2-Clause
 * The area-uniform law on the torus of R^3 with radii R = 1 and r = 0.4: points (q cos u, q sin u, r sin v), q = R + r cos v, u uniform, v
 * of density proportional to q. With z = x / a, sigma = s / a, rho = |(z_1, z_2)|, the integral over u is a Bessel function:
 *   f_rho = sum_v q^2 I1e(k) e^{-E} / sum_v q I0e(k) e^{-E},  k = q rho / sigma^2,  2 sigma^2 E = (q - rho)^2 + (r sin v - z_3)^2,
 * and E differs from its least value, at the angle v_0 of (rho - R, z_3), by (2 P r / sigma^2) sin^2((v - v_0) / 2), P its length. The
 * trapezoidal rule about v_0 converges geometrically (Trefethen and Weideman, SIAM Review 56 (2014) 385); nodes whose weight is below e^-45
 * of the largest are left out, so that small sigma costs no more than large. */
#include <math.h>

#include "target_draw.h"
#include "target_private.h"

static const double big = 1, small = 0.4;

static void sample(const Target *t, Rng *r, double *y)
{
  (void)t;
  double c, s, cv, sv;
  draw_turn(rng_uniform(r), &c, &s);
  draw_turn(draw_tilted(rng_uniform(r), small / big), &cv, &sv);
  const double q = big + small * cv;
  y[0]           = q * c;
  y[1]           = q * s;
  y[2]           = small * sv;
}

static double nearest(const Target *t, const double *y, double *out)
{
  (void)t;
  const double rho = sqrt(y[0] * y[0] + y[1] * y[1]), length = sqrt((rho - big) * (rho - big) + y[2] * y[2]);
  const double cv = length > 0 ? (rho - big) / length : 1, sv = length > 0 ? y[2] / length : 0, q = big + small * cv;
  out[0] = q * (rho > 0 ? y[0] / rho : 1);
  out[1] = q * (rho > 0 ? y[1] / rho : 0);
  out[2] = small * sv;
  return NAN;
}

/* Sums of one node at v_0 + delta: mass, mass of q times I1/I0, mass of r sin v. */
typedef struct Sums {
  double mass, radius, height;
} Sums;

/* Adds the node and returns its E. */
static double add_node(double concentration, double turn, double cv0, double sv0, double delta, Sums *sums)
{
  const double half = sin(delta / 2), E = 2 * concentration * half * half, cd = cos(delta), sd = sin(delta);
  const double q = big + small * (cv0 * cd - sv0 * sd), height = small * (sv0 * cd + cv0 * sd);
  double       i0, i1;
  bessel_scaled(turn * q, &i0, &i1);
  const double weight = q * exp(-E);
  sums->mass += weight * i0;
  sums->radius += weight * q * i1;
  sums->height += weight * i0 * height;
  return E;
}

static void mean(const Target *t, double a, double s, const double *y, double *f)
{
  const double sigma = s / a, z[3] = {y[0] / a, y[1] / a, y[2] / a};
  if (sigma < 1e-12) { /* the foot point to all digits */
    (void)nearest(t, z, f);
    return;
  }
  const double rho = sqrt(z[0] * z[0] + z[1] * z[1]), p = rho - big, length = sqrt(p * p + z[2] * z[2]);
  const double cv0 = length > 0 ? p / length : 1, sv0 = length > 0 ? z[2] / length : 0;
  const double concentration = length * small / (sigma * sigma), turn = rho / (sigma * sigma);
  const double nodes = ceil(fmax(64, 2 * M_PI / 0.7 * sqrt(concentration))), h = 2 * M_PI / nodes;
  Sums         sums = {0, 0, 0};
  double       left = nodes;
  for (double j = 0, E = 0; left > 0 && E < 45; j++, left--) E = add_node(concentration, turn, cv0, sv0, j * h, &sums);
  for (double j = 1, E = 0; left > 0 && E < 45; j++, left--) E = add_node(concentration, turn, cv0, sv0, -j * h, &sums);
  f[0] = sums.radius / sums.mass * (rho > 0 ? z[0] / rho : 1);
  f[1] = sums.radius / sums.mass * (rho > 0 ? z[1] / rho : 0);
  f[2] = sums.height / sums.mass;
}

/* Below sigma = 1e-5 the mean is the foot point to a float's digits. */
static void fast(const Target *t, double a, double s, int n, int stride, const float *y, float *f)
{
  const double sigma = fmax(s / a, 1e-5);
  int32_t      unsure[TARGET_BLOCK];
  t->kernels->torus((float)(1 / a), (float)(1 / (sigma * sigma)), n, stride, y, f, unsure);
  target_repair(t, a, s, n, stride, unsure, y, f);
}

/* The power series (all terms positive) up to 20, Hankel's expansion beyond, whose smallest term is there e^-40. */
void bessel_scaled(double x, double *i0, double *i1)
{
  double a = 1, b = 1, sum0 = 1, sum1 = 1;
  if (x <= 20) {
    const double q = x * x / 4;
    for (int k = 1; k < 80 && a > 1e-17 * sum0; k++) {
      sum0 += a *= q / ((double)k * k);
      sum1 += b *= q / ((double)k * (k + 1));
    }
    *i0 = exp(-x) * sum0;
    *i1 = exp(-x) * sum1 * (x / 2);
    return;
  }
  for (int k = 1; k <= 40 && fabs(a) > 1e-17; k++) {
    const double odd = 2. * k - 1;
    sum0 += a *= odd * odd / (8 * k * x);
    sum1 += b *= (odd * odd - 4) / (8 * k * x);
  }
  *i0 = sum0 / sqrt(2 * M_PI * x);
  *i1 = sum1 / sqrt(2 * M_PI * x);
}

const TargetOps target_torus_ops = {.own = 3, .k = 2, .sample = sample, .mean = mean, .fast = fast, .nearest = nearest};
