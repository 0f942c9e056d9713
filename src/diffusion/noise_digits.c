/* SPDX-License-Identifier: BSD-2-Clause
 * Deterministic noise: decimal digits of a double, and the standard normal quantile.
 *
 * Digits: the fraction of |x| is M / 2^s with an integer M < 2^min(s, 53), so the first 32 places are floor(M 10^32 / 2^s), an integer of
 * at most 107 bits out of a product of 160. Beyond them digit k (k = 33, 34, ...) comes of word (k - 33) / 4 % 4 of the Philox block with
 * the bits of x as its key and index (k - 33) / 16: a word is a fraction of 2^32, and its four leading decimal digits are taken.
 *
 * Quantile: Wichura's PPND16 (Algorithm AS 241, Applied Statistics 37 (1988) 477), rational functions in three ranges. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "noise.h"
#include "noise_kernel.h"
#include "rng.h"

typedef unsigned __int128 U128;

static const uint64_t ten16 = 10000000000000000u;

/* floor(M 10^32 / 2^s), M < 2^53, in parts of 64 bits: M 10^16, times 10^16, shifted. */
static U128 scaled_fraction(uint64_t m, int s)
{
  if (s >= 160) return 0;
  const U128     once = (U128)m * ten16, low = (U128)(uint64_t)once * ten16, high = (U128)(uint64_t)(once >> 64) * ten16 + (low >> 64);
  const uint64_t part = (uint64_t)low; /* the product is high 2^64 + part */
  if (s >= 64) return high >> (s - 64);
  return s == 0 ? 0 : high << (64 - s) | part >> s;
}

/* |x| mod 1 = m / 2^s. */
static void fraction_of(double x, uint64_t *m, int *s)
{
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  const int      field    = (int)(bits >> 52 & 0x7ff);
  const uint64_t mantissa = (bits & 0xfffffffffffffu) | (field ? 0x10000000000000u : 0);
  const int      shift    = 1075 - (field ? field : 1); /* |x| = mantissa / 2^shift */
  *s                      = shift > 0 ? shift : 0;
  *m                      = shift <= 0 ? 0 : shift < 53 ? mantissa & ((UINT64_C(1) << shift) - 1) : mantissa;
}

void noise_exact_digits(double coordinate, int stride, int32_t *digit)
{
  uint64_t m;
  int      s;
  fraction_of(coordinate, &m, &s);
  const U128     all     = scaled_fraction(m, s);
  const uint64_t half[2] = {(uint64_t)(all / ten16), (uint64_t)(all % ten16)};
  for (int h = 0; h < 2; h++)
    for (int part = 0; part < 2; part++) {
      uint32_t rest = (uint32_t)(part == 0 ? half[h] / 100000000 : half[h] % 100000000);
      for (int k = 7; k >= 0; k--) {
        digit[(16 * h + 8 * part + k) * stride] = (int32_t)(rest % 10);
        rest /= 10;
      }
    }
}

void noise_digits(double coordinate, int count, uint8_t *digit)
{
  int32_t  exact[NOISE_EXACT_PLACES];
  uint32_t word[4];
  uint64_t key;
  memcpy(&key, &coordinate, sizeof key);
  noise_exact_digits(coordinate, 1, exact);
  for (int k = 0; k < count; k++) {
    if (k < NOISE_EXACT_PLACES) {
      digit[k] = (uint8_t)exact[k];
      continue;
    }
    const int place = k - NOISE_EXACT_PLACES;
    if (place % 16 == 0) rng_block(key, (uint64_t)place / 16, 0, RNG_DIGITS, word);
    const uint64_t product = (uint64_t)word[place / 4 % 4] * 10;
    digit[k]               = (uint8_t)(product >> 32);
    word[place / 4 % 4]    = (uint32_t)product;
  }
}

/* The integer d_{t+1} ... d_{t+16}. */
static uint64_t window(double coordinate, int t)
{
  uint8_t *digit = mem_calloc((size_t)t + NOISE_DIGITS, 1);
  uint64_t value = 0;
  noise_digits(coordinate, t + NOISE_DIGITS, digit);
  for (int k = 0; k < NOISE_DIGITS; k++) value = 10 * value + digit[t + k];
  free(digit);
  return value;
}

double noise_digits_uniform(double coordinate, int t) { return fmin(((double)window(coordinate, t) + 0.5) / 1e16, 1 - 0x1p-53); }

static double rational(const double p[8], const double q[8], double x)
{
  double a = p[7], b = q[7];
  for (int i = 6; i >= 0; i--) {
    a = a * x + p[i];
    b = b * x + q[i];
  }
  return a / b;
}

/* |q| <= 0.425, q = u - 1/2 */
static double quantile_centre(double q)
{
  static const double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
                             4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static const double b[] = {1.0,
                             4.2313330701600911252e+1,
                             6.8718700749205790830e+2,
                             5.3941960214247511077e+3,
                             2.1213794301586595867e+4,
                             3.9307895800092710610e+4,
                             2.8729085735721942674e+4,
                             5.2264952788528545610e+3};
  return q * rational(a, b, 0.180625 - q * q);
}

/* The upper quantile of a tail p <= 0.075. */
static double quantile_tail(double p)
{
  static const double c[] = {1.42343711074968357734e0, 4.63033784615654529590e0,  5.76949722146069140550e0,  3.64784832476320460504e0,
                             1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static const double d[] = {1.0,
                             2.05319162663775882187e0,
                             1.67638483018380384940e0,
                             6.89767334985100004550e-1,
                             1.48103976427480074590e-1,
                             1.51986665636164571966e-2,
                             5.47593808499534494600e-4,
                             1.05075007164441684324e-9};
  static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,  2.96560571828504891230e-1,
                             2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static const double f[] = {1.0,
                             5.99832206555887937690e-1,
                             1.36929880922735805310e-1,
                             1.48753612908506148525e-2,
                             7.86869131145613259100e-4,
                             1.84631831751005468180e-5,
                             1.42151175831644588870e-7,
                             2.04426310338993978564e-15};
  const double        r   = sqrt(-log(p));
  return r <= 5 ? rational(c, d, r - 1.6) : rational(e, f, r - 5);
}

double noise_quantile(double u)
{
  const double q = u - 0.5;
  if (fabs(q) <= 0.425) return quantile_centre(q);
  return q < 0 ? -quantile_tail(u) : quantile_tail(1 - u);
}

double noise_digits_normal(double coordinate, int t)
{
  const uint64_t value = window(coordinate, t), half = ten16 / 2;
  const bool     upper = value >= half;
  const double   low   = (double)(upper ? ten16 - 1 - value : value); /* the tail is (low + 1/2) 1e-16 */
  const double   q = ((double)half - low - 0.5) / 1e16, z = q <= 0.425 ? quantile_centre(q) : quantile_tail((low + 0.5) / 1e16);
  return upper ? z : -z;
}

void noise_digits_table(IsaLevel isa, int64_t n, const double *coordinate, int T, float *out)
{
  int32_t *digit = mem_calloc(16 * ((size_t)T + 48), sizeof *digit);
  switch (isa) {
  case ISA_V4: noise_digits_table_v4(n, coordinate, T, digit, out); break;
  case ISA_V3: noise_digits_table_v3(n, coordinate, T, digit, out); break;
  case ISA_BASE: noise_digits_table_base(n, coordinate, T, digit, out); break;
  }
  free(digit);
}
