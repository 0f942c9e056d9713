/* SPDX-License-Identifier: BSD-2-Clause
 * Generating polynomials of sets of edges, written in the basis (1+x)^E with GMP integers: a factor (1+x)^s, "s more edges that are free
 * to come or not", is then a shift of the coefficients by s. Inside graph/ only. */
#ifndef MYOPIA_POLYNOMIAL_H
#define MYOPIA_POLYNOMIAL_H

#include <gmp.h>
#include <petscsys.h>
#include <stdint.h>

typedef struct Polynomial {
  int64_t length; /* sum over E < length of c[E] (1+x)^E */
  mpz_t  *c;      /* (length) owned; NULL: not made yet */
} Polynomial;

/* More elementary operations on coefficients than this are not begun: about ten seconds. */
#define POLYNOMIAL_WORK_MAX 1e8

PetscErrorCode polynomial_create(int64_t length, Polynomial *out); /* all coefficients 0 */
void           polynomial_clear(Polynomial *);
/* p -= factor (1+x)^shift q; q->length + shift <= p->length */
void           polynomial_subtract(Polynomial *p, const Polynomial *q, int64_t shift, const mpz_t factor);
PetscErrorCode polynomial_multiply(const Polynomial *, const Polynomial *, Polynomial *out);
/* Coefficient of x^j: sum over E of c[E] binom(E, j). result is initialised by the caller. */
void polynomial_coefficient(const Polynomial *, int64_t j, mpz_t result);
/* In place to powers of x: afterwards c[j] is the coefficient of x^j. */
void polynomial_to_powers(Polynomial *);

/* The connected labelled graphs on n vertices, by number of edges; n >= 1. Length binom(n, 2) + 1. */
PetscErrorCode polynomial_connected(int64_t n, Polynomial *out);
double         polynomial_connected_work(int64_t n); /* operations it takes */

/* a / b to double precision, whatever their sizes; b > 0. */
double ratio_of_integers(const mpz_t a, const mpz_t b);
/* Coefficient of x^j over binom(pool, j): the share of the j-subsets of a pool of edges that the polynomial counts. */
double polynomial_share(const Polynomial *, int64_t j, int64_t pool);

#endif
