/* SPDX-License-Identifier: BSD-2-Clause
 * Connected labelled graphs by numbers of vertices and edges.
 *
 * Every graph on n labelled vertices is a connected graph on the k vertices of vertex 1's component and any graph on the rest (Harary and
 * Palmer, Graphical Enumeration, 1973, section 1.2). By number of edges, with y = 1 + x standing for an edge that is free to come or not,
 *   C_n = y^binom(n,2) - sum_{k=1}^{n-1} binom(n-1, k-1) C_k y^binom(n-k,2),
 * and C(n, m) is the coefficient of x^m. In powers of y a product is a shift, so C_n costs O(n^3) and all up to n O(n^4) integer
 * operations. */
#include "connected.h"
#include "polynomial.h"

static int64_t pairs(int64_t n) { return n * (n - 1) / 2; }

double polynomial_connected_work(int64_t n)
{
  const double x = (double)n;
  return x * x * x * x / 24;
}

/* C_n from C_1 .. C_{n-1} (below[k] holds C_k). */
static PetscErrorCode next_connected(int64_t n, const Polynomial *below, Polynomial *out)
{
  mpz_t ways;

  PetscFunctionBeginUser;
  PetscCall(polynomial_create(pairs(n) + 1, out));
  mpz_set_ui(out->c[pairs(n)], 1);
  mpz_init_set_ui(ways, 1);
  for (int64_t k = 1; k < n; k++) {
    polynomial_subtract(out, &below[k], pairs(n - k), ways);
    mpz_mul_ui(ways, ways, (unsigned long)(n - k));
    mpz_divexact_ui(ways, ways, (unsigned long)k);
  }
  mpz_clear(ways);
  PetscFunctionReturn(0);
}

PetscErrorCode polynomial_connected(int64_t n, Polynomial *out)
{
  Polynomial *c;

  PetscFunctionBeginUser;
  PetscCheck(n >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "connected graphs on %lld vertices", (long long)n);
  PetscCall(PetscCalloc1((size_t)n + 1, &c));
  for (int64_t k = 1; k <= n; k++) PetscCall(next_connected(k, c, &c[k]));
  *out = c[n];
  for (int64_t k = 1; k < n; k++) polynomial_clear(&c[k]);
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}

PetscErrorCode connected_count(int64_t n, int64_t m, mpz_t result)
{
  Polynomial c = {0};

  PetscFunctionBeginUser;
  mpz_set_ui(result, 0);
  PetscCall(polynomial_connected(n, &c));
  if (m >= 0) polynomial_coefficient(&c, m, result);
  polynomial_clear(&c);
  PetscFunctionReturn(0);
}
