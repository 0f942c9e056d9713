/* SPDX-License-Identifier: BSD-2-Clause
 * P(connected) of a clique chain when a uniformly random subset of a pool of its edges is kept.
 *
 * With one bridge at each joint the chain is connected exactly when every bridge is kept and every clique is connected by itself. The
 * subsets of the pool that do so are counted, by size, by x^b product C_{n_i}(x): b the bridges in the pool, the product over cliques
 * whose edges are in the pool. A clique that is kept whole asks for nothing. Two cliques with more bridges: connected_pair.c. */
#include "connected.h"

#include <math.h>

#include "connected_pair.h"
#include "polynomial.h"

/* True when the n fates are one; an empty set counts as kept. */
static bool one_fate(const uint8_t *fate, int64_t n, uint8_t *common)
{
  *common = n ? fate[0] : FATE_KEPT;
  for (int64_t e = 1; e < n; e++)
    if (fate[e] != fate[0]) return false;
  return true;
}

/* Whether every joint has one bridge and every clique one fate: clique (n_cliques). */
static bool is_simple(const CliqueChain *chain, const uint8_t *fate, uint8_t *clique)
{
  for (int i = 0; i < chain->n_cliques; i++) {
    const int64_t edges = chain->size[i] * (chain->size[i] - 1) / 2;
    if (!one_fate(fate, edges, &clique[i])) return false;
    if (i + 1 < chain->n_cliques && chain->bridges[i] != 1) return false;
    fate += edges;
  }
  return true;
}

static bool too_long(const CliqueChain *chain, const uint8_t *clique)
{
  double work = 0, length = 1;
  for (int i = 0; i < chain->n_cliques; i++) {
    const double edges = (double)(chain->size[i] * (chain->size[i] - 1) / 2);
    if (clique[i] != FATE_POOL) continue;
    work += polynomial_connected_work(chain->size[i]) + (length > 1 ? length * edges : 0);
    length += edges;
  }
  return work > POLYNOMIAL_WORK_MAX;
}

static PetscErrorCode multiply_clique(Polynomial *product, int64_t size)
{
  Polynomial clique = {0}, next = {0};

  PetscFunctionBeginUser;
  PetscCall(polynomial_connected(size, &clique));
  PetscCall(polynomial_multiply(product, &clique, &next));
  polynomial_clear(&clique);
  polynomial_clear(product);
  *product = next;
  PetscFunctionReturn(0);
}

/* The share of the draws that hold all pool bridges and connect every pool clique. */
static PetscErrorCode simple_probability(const CliqueChain *chain, const uint8_t *clique, int64_t bridges, int64_t draw, int64_t pool,
                                         double *probability)
{
  Polynomial product = {0};
  mpz_t      good, all;

  PetscFunctionBeginUser;
  PetscCall(polynomial_create(1, &product));
  mpz_set_ui(product.c[0], 1);
  for (int i = 0; i < chain->n_cliques; i++)
    if (clique[i] == FATE_POOL) PetscCall(multiply_clique(&product, chain->size[i]));
  mpz_inits(good, all, NULL);
  if (draw >= bridges) polynomial_coefficient(&product, draw - bridges, good);
  mpz_bin_uiui(all, (unsigned long)pool, (unsigned long)draw);
  *probability = ratio_of_integers(good, all);
  mpz_clears(good, all, NULL);
  polynomial_clear(&product);
  PetscFunctionReturn(0);
}

/* All bridges of some joint are dropped: nothing can hold the chain together. */
static bool some_joint_is_cut(const CliqueChain *chain, const uint8_t *fate)
{
  int64_t e = clique_chain_edges(chain);
  for (int i = 0; i + 1 < chain->n_cliques; i++) e -= chain->bridges[i];
  for (int i = 0; i + 1 < chain->n_cliques; i++) {
    int64_t left = 0;
    for (int64_t b = 0; b < chain->bridges[i]; b++) left += fate[e++] != FATE_DROPPED;
    if (left == 0) return true;
  }
  return false;
}

PetscErrorCode connected_probability_pool(const CliqueChain *chain, const uint8_t *fate, int64_t draw, double *probability)
{
  uint8_t       clique[64];
  const int64_t m    = clique_chain_edges(chain);
  int64_t       pool = 0, bridges = 0;
  bool          cut = some_joint_is_cut(chain, fate);

  PetscFunctionBeginUser;
  for (int64_t e = 0; e < m; e++) pool += fate[e] == FATE_POOL;
  PetscCheck(draw >= 0 && draw <= pool, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%lld edges drawn from a pool of %lld", (long long)draw,
             (long long)pool);
  if (!is_simple(chain, fate, clique)) {
    *probability = cut ? 0 : NAN;
    if (!cut && chain->n_cliques == 2) PetscCall(connected_pair_probability(chain, fate, draw, pool, probability));
    PetscFunctionReturn(0);
  }
  for (int64_t e = m - (chain->n_cliques - 1); e < m; e++) bridges += fate[e] == FATE_POOL;
  for (int i = 0; i < chain->n_cliques; i++) cut = cut || clique[i] == FATE_DROPPED;
  *probability = cut ? 0 : NAN;
  if (!cut && !too_long(chain, clique)) PetscCall(simple_probability(chain, clique, bridges, draw, pool, probability));
  PetscFunctionReturn(0);
}
