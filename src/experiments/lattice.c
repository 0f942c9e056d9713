/* SPDX-License-Identifier: BSD-2-Clause
 * Eigenvalues of Cartesian products are sums of those of their factors (Fiedler 1973): path 4 sin^2(pi j / 2n), cycle 4 sin^2(pi j / n),
 * j = 0..n-1. log of the number of spanning trees = sum log lambda - log n (Kirchhoff), Kirchhoff index = n sum 1/lambda. Sums are
 * compensated (Neumaier 1974). */
#include "lattice.h"

#include <math.h>

enum { SUM_VERTICES_MAX = 1 << 24 };

/* Up to three factors, each a path or a cycle. */
typedef struct Product {
  int     n_factors;
  int64_t size[3];
  bool    cyclic;
} Product;

typedef struct Sum {
  double value, carry;
} Sum;

static void add(Sum *s, double x)
{
  const double t = s->value + x;
  s->carry += fabs(s->value) >= fabs(x) ? (s->value - t) + x : (x - t) + s->value;
  s->value = t;
}

static double factor_eigenvalue(const Product *p, int64_t size, int64_t j)
{
  const double s = sin(M_PI * (double)j / ((p->cyclic ? 1.0 : 2.0) * (double)size));
  return 4 * s * s;
}

static void smallest(const Product *p, LatticeSpectrum *out)
{
  out->lambda2 = INFINITY;
  for (int f = 0; f < p->n_factors; f++)
    if (p->size[f] > 1) out->lambda2 = fmin(out->lambda2, factor_eigenvalue(p, p->size[f], 1));
  for (int f = 0; f < p->n_factors; f++) {
    if (p->size[f] < 2 || factor_eigenvalue(p, p->size[f], 1) > out->lambda2 * (1 + 1e-12)) continue;
    out->multiplicity += p->cyclic && p->size[f] > 2 ? 2 : 1;
  }
}

static LatticeSpectrum product_spectrum(const Product *p)
{
  LatticeSpectrum out = {NAN, NAN, NAN, 0};
  int64_t         size[3], n = 1;
  Sum             log_sum = {0}, inverse = {0};
  for (int f = 0; f < 3; f++) n *= size[f] = f < p->n_factors ? p->size[f] : 1;
  if (n < 2) return out;
  smallest(p, &out);
  if (n > SUM_VERTICES_MAX) return out;
  for (int64_t i = 0; i < size[0]; i++)
    for (int64_t j = 0; j < size[1]; j++)
      for (int64_t k = 0; k < size[2]; k++) {
        if (i + j + k == 0) continue;
        const double lambda = factor_eigenvalue(p, size[0], i) + factor_eigenvalue(p, size[1], j) + factor_eigenvalue(p, size[2], k);
        add(&log_sum, log(lambda));
        add(&inverse, 1 / lambda);
      }
  out.log_spanning_trees = log_sum.value + log_sum.carry - log((double)n);
  out.kirchhoff_index    = (double)n * (inverse.value + inverse.carry);
  return out;
}

/* Eigenvalue 2k with multiplicity C(d, k). */
static LatticeSpectrum hypercube_spectrum(int64_t d)
{
  double n = exp2((double)d), choose = 1, logs = -log(n), inverse = 0;
  for (int64_t k = 1; k <= d; k++) {
    choose *= (double)(d - k + 1) / (double)k;
    logs += choose * log(2.0 * (double)k);
    inverse += choose / (2.0 * (double)k);
  }
  return (LatticeSpectrum){2, logs, n * inverse, d};
}

LatticeSpectrum lattice_spectrum(const GraphParams *g)
{
  const LatticeSpectrum none = {NAN, NAN, NAN, 0};
  const double          n    = (double)g->nodes;
  if (g->weights != WEIGHTS_UNIT) return none;
  switch ((GraphKind)g->kind) {
  case GRAPH_PATH: return product_spectrum(&(Product){1, {g->nodes}, false});
  case GRAPH_CYCLE: return product_spectrum(&(Product){1, {g->nodes}, true});
  case GRAPH_GRID_2D: return product_spectrum(&(Product){2, {g->width, g->height}, false});
  case GRAPH_GRID_3D: return product_spectrum(&(Product){3, {g->width, g->height, g->depth}, false});
  case GRAPH_TORUS: return product_spectrum(&(Product){2, {g->width, g->height}, true});
  case GRAPH_HYPERCUBE: return hypercube_spectrum(g->dimension);
  case GRAPH_COMPLETE: return g->nodes < 2 ? none : (LatticeSpectrum){n, (n - 2) * log(n), n - 1, g->nodes - 1};
  default: return none;
  }
}
