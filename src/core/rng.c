/* SPDX-License-Identifier: BSD-2-Clause
 * Logarithm and exponential variates whose bits depend on IEEE arithmetic alone (no libm, no contraction).
 *
 * log(2^k m), m in [sqrt(1/2), sqrt(2)): with f = m - 1, s = f / (2 + f), log m = 2 atanh(s) = 2s + 2s^3/3 + 2s^5/5 + ...; |s| <= 0.1716,
 * so 11 terms beyond the first leave 2e-18. Summed as f - (f^2/2 - s (f^2/2 + R)), R = 2s^2/3 + ... (W. J. Cody, W. Waite, Software Manual
 * for the Elementary Functions, 1980; the arrangement of FreeBSD's e_log.c): f is exact, and all that is rounded is small beside it.
 * It does not handle zero, negative, subnormal or infinite arguments. */
#include "rng.h"

#include <string.h>

double rng_log(double x)
{
  static const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33; /* k * ln2_high is exact for |k| < 2^20 */
  static const double sqrt_half_mantissa = 0x1.6a09e667f3bcdp0;
  static const double series[] = {2. / 3, 2. / 5, 2. / 7, 2. / 9, 2. / 11, 2. / 13, 2. / 15, 2. / 17, 2. / 19, 2. / 21, 2. / 23, 2. / 25};
  uint64_t            bits;
  memcpy(&bits, &x, sizeof bits);
  int k = (int)(bits >> 52) - 1023;
  bits  = (bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m >= sqrt_half_mantissa) {
    m *= 0.5;
    k++;
  }
  const double f = m - 1.0, s = f / (2.0 + f), z = s * s, half_square = 0.5 * f * f;
  double       r = 0.0;
  for (int i = 11; i >= 0; i--) r = z * (series[i] + r);
  return k * ln2_high - ((half_square - (s * (half_square + r) + k * ln2_low)) - f);
}

double rng_exponential(Rng *r) { return -rng_log(rng_uniform(r)); }
