/* SPDX-License-Identifier: BSD-2-Clause
 * Builder of the graphs of experiments I-III: cliques in a row whose neighbours are joined by vertex-disjoint bridges. It knows nothing
 * of scores or frequencies. */
#include "graph.h"

int64_t clique_chain_vertices(const CliqueChain *chain)
{
  int64_t n = 0;
  for (int i = 0; i < chain->n_cliques; i++) n += chain->size[i];
  return n;
}

int64_t clique_chain_edges(const CliqueChain *chain)
{
  int64_t m = 0;
  for (int i = 0; i < chain->n_cliques; i++) m += chain->size[i] * (chain->size[i] - 1) / 2;
  for (int i = 0; i + 1 < chain->n_cliques; i++) m += chain->bridges[i];
  return m;
}

static PetscErrorCode check_chain(const CliqueChain *chain)
{
  PetscFunctionBeginUser;
  PetscCheck(chain->n_cliques >= 1 && chain->n_cliques <= 64, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a chain of %d cliques: 1 to 64",
             chain->n_cliques);
  for (int i = 0; i < chain->n_cliques; i++)
    PetscCheck(chain->size[i] >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "clique %d has %lld vertices", i, (long long)chain->size[i]);
  for (int i = 0; i + 1 < chain->n_cliques; i++) {
    const int64_t smaller = chain->size[i] < chain->size[i + 1] ? chain->size[i] : chain->size[i + 1];
    PetscCheck(chain->bridges[i] >= 1 && chain->bridges[i] <= smaller, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "joint %d has %lld bridges: 1 to %lld fit", i, (long long)chain->bridges[i], (long long)smaller);
  }
  PetscFunctionReturn(0);
}

/* Appends the edges of a clique on vertices first .. first + size - 1. */
static int64_t add_clique(int64_t first, int64_t size, int64_t *u, int64_t *v)
{
  int64_t m = 0;
  for (int64_t i = 0; i < size; i++) {
    for (int64_t j = i + 1; j < size; j++, m++) {
      u[m] = first + i;
      v[m] = first + j;
    }
  }
  return m;
}

PetscErrorCode graph_clique_chain(const CliqueChain *chain, int64_t *label, Graph **out)
{
  int64_t *u, *v, m = 0;

  PetscFunctionBeginUser;
  PetscCall(check_chain(chain));
  const int64_t n_edges = clique_chain_edges(chain);
  PetscCall(PetscMalloc2((size_t)n_edges, &u, (size_t)n_edges, &v));
  for (int64_t i = 0, first = 0; i < chain->n_cliques; first += chain->size[i++]) {
    const int64_t added = add_clique(first, chain->size[i], u + m, v + m);
    for (int64_t e = 0; label && e < added; e++) label[m + e] = i;
    m += added;
  }
  for (int64_t i = 0, next = 0; i + 1 < chain->n_cliques; i++) {
    next += chain->size[i];
    for (int64_t j = 0; j < chain->bridges[i]; j++, m++) {
      u[m] = next - 1 - j;
      v[m] = next + j;
      if (label) label[m] = -1 - i;
    }
  }
  PetscCall(graph_create(clique_chain_vertices(chain), m, u, v, NULL, out));
  PetscCall(PetscFree2(u, v));
  PetscFunctionReturn(0);
}
