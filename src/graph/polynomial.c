/* SPDX-License-Identifier: BSD-2-Clause
 * Arithmetic on edge-generating polynomials in the basis (1+x)^E (polynomial.h). Schoolbook products that skip zero coefficients: the
 * polynomials at hand have at most some thousands of terms. */
#include "polynomial.h"

#include <math.h>

PetscErrorCode polynomial_create(int64_t length, Polynomial *out)
{
  PetscFunctionBeginUser;
  out->length = length;
  PetscCall(PetscMalloc1((size_t)length, &out->c));
  for (int64_t i = 0; i < length; i++) mpz_init(out->c[i]);
  PetscFunctionReturn(0);
}

void polynomial_clear(Polynomial *p)
{
  for (int64_t i = 0; p->c && i < p->length; i++) mpz_clear(p->c[i]);
  (void)PetscFree(p->c);
  p->length = 0;
}

void polynomial_subtract(Polynomial *p, const Polynomial *q, int64_t shift, const mpz_t factor)
{
  for (int64_t i = 0; i < q->length; i++)
    if (mpz_sgn(q->c[i])) mpz_submul(p->c[i + shift], q->c[i], factor);
}

PetscErrorCode polynomial_multiply(const Polynomial *p, const Polynomial *q, Polynomial *out)
{
  PetscFunctionBeginUser;
  PetscCall(polynomial_create(p->length + q->length - 1, out));
  for (int64_t i = 0; i < p->length; i++) {
    if (!mpz_sgn(p->c[i])) continue;
    for (int64_t j = 0; j < q->length; j++)
      if (mpz_sgn(q->c[j])) mpz_addmul(out->c[i + j], p->c[i], q->c[j]);
  }
  PetscFunctionReturn(0);
}

void polynomial_coefficient(const Polynomial *p, int64_t j, mpz_t result)
{
  mpz_t binomial;
  mpz_init_set_ui(binomial, 1); /* binom(E, j), from E = j upwards */
  mpz_set_ui(result, 0);
  for (int64_t e = j; e < p->length; e++) {
    if (mpz_sgn(p->c[e])) mpz_addmul(result, p->c[e], binomial);
    mpz_mul_ui(binomial, binomial, (unsigned long)(e + 1));
    mpz_divexact_ui(binomial, binomial, (unsigned long)(e + 1 - j));
  }
  mpz_clear(binomial);
}

/* Horner's rule for the substitution y = 1 + x, by additions alone. */
void polynomial_to_powers(Polynomial *p)
{
  for (int64_t i = 0; i + 1 < p->length; i++)
    for (int64_t j = p->length - 2; j >= i; j--) mpz_add(p->c[j], p->c[j], p->c[j + 1]);
}

double ratio_of_integers(const mpz_t a, const mpz_t b)
{
  long         exponent_a, exponent_b;
  const double mantissa_a = mpz_get_d_2exp(&exponent_a, a), mantissa_b = mpz_get_d_2exp(&exponent_b, b);
  const long   exponent = exponent_a - exponent_b;
  return ldexp(mantissa_a / mantissa_b, exponent < -5000 ? -5000 : exponent > 5000 ? 5000 : (int)exponent);
}

double polynomial_share(const Polynomial *p, int64_t j, int64_t pool)
{
  mpz_t good, all;
  mpz_inits(good, all, NULL);
  polynomial_coefficient(p, j, good);
  mpz_bin_uiui(all, (unsigned long)pool, (unsigned long)j);
  const double share = ratio_of_integers(good, all);
  mpz_clears(good, all, NULL);
  return share;
}
