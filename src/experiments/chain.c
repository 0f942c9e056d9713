/* SPDX-License-Identifier: BSD-2-Clause
 * Experiment II of "Generative Myopia" (arXiv 2511.18593): an asymmetric chain of cliques, K_10 - K_15 - K_20 by default, with rare
 * bridges. Under the exact resistances the small cliques are kept whole and the largest one pays; the paper reads one value for all
 * clique edges (r_eff: nominal). Exact where each joint has one bridge. */
#include "clique_protocol.h"
#include "experiment.h"

typedef struct ChainParams {
  IntList        sizes, bridges;
  CliqueProtocol protocol;
} ChainParams;

static const ParamSpec params[] = {
    {"sizes", PARAM_INT_LIST, offsetof(ChainParams, sizes), "[10, 15, 20]", 1, CLIQUE_VERTICES_MAX, 0, "vertices", NULL, NULL, NULL,
     "vertices of each clique, in the order of the chain"},
    {"bridges", PARAM_INT_LIST, offsetof(ChainParams, bridges), "[1]", 1, CLIQUE_VERTICES_MAX, 0, "edges", NULL, NULL, NULL,
     "vertex-disjoint bridges at each joint; one entry serves all joints"},
    CLIQUE_PROTOCOL_PARAMS(ChainParams, protocol, "0.6"),
    CLIQUE_BRIDGE_FREQUENCY_PARAM(ChainParams, protocol),
    {0},
};

static CliqueChain chain_of(const ChainParams *p)
{
  CliqueChain chain = {.n_cliques = p->sizes.n};
  for (int i = 0; i < p->sizes.n; i++) chain.size[i] = p->sizes.value[i];
  for (int i = 0; i + 1 < p->sizes.n; i++) chain.bridges[i] = p->bridges.value[p->bridges.n == 1 ? 0 : i];
  return chain;
}

static void check(const void *params_, Diagnostics *diagnostics)
{
  const ChainParams *p    = params_;
  bool               fits = true;
  if (p->sizes.n < 2) {
    diagnostics_parameter(diagnostics, "sizes", "a chain has at least 2 cliques, got %d", p->sizes.n);
    return;
  }
  if (p->bridges.n != 1 && p->bridges.n != p->sizes.n - 1) {
    diagnostics_parameter(diagnostics, "bridges", "%d entries for %d joints: give 1 or %d", p->bridges.n, p->sizes.n - 1, p->sizes.n - 1);
    return;
  }
  const CliqueChain chain = chain_of(p);
  for (int i = 0; i + 1 < chain.n_cliques; i++) {
    const int64_t most = chain.size[i] < chain.size[i + 1] ? chain.size[i] : chain.size[i + 1];
    if (chain.bridges[i] <= most) continue;
    diagnostics_parameter(diagnostics, "bridges",
                          "joint %d has %lld vertex-disjoint bridges between cliques of %lld and %lld: at most %lld", i + 1,
                          (long long)chain.bridges[i], (long long)chain.size[i], (long long)chain.size[i + 1], (long long)most);
    fits = false;
  }
  if (fits) clique_protocol_check(&chain, &p->protocol, "sizes", diagnostics);
}

CLIQUE_PROTOCOL_FUNCTIONS(ChainParams, p->protocol)

static bool is_published_graph(const CliqueChain *c)
{
  return c->n_cliques == 3 && c->size[0] == 10 && c->size[1] == 15 && c->size[2] == 20 && c->bridges[0] == 1 && c->bridges[1] == 1;
}

/* Table II, 500 trials a method. */
static PetscErrorCode reference(const void *params_, Reference *out)
{
  static const double connected[METHODS] = {0.53, 0, 1, 1};
  const ChainParams  *p                  = params_;
  const CliqueChain   chain              = chain_of(p);

  PetscFunctionBeginUser;
  PetscCall(clique_protocol_reference(&chain, &p->protocol, out));
  if (is_published_graph(&chain) && clique_protocol_is_published(&p->protocol, 0.6))
    reference_published(out, "connected", connected[p->protocol.method], 500);
  PetscFunctionReturn(0);
}

const Experiment experiment_chain = {
    .name        = "chain",
    .summary     = "cliques of different sizes in a row: resistances rank the cliques, and the largest one pays",
    .source      = "arXiv 2511.18593, experiment II",
    .params      = params,
    .params_size = sizeof(ChainParams),
    .merit_unit  = "trials/s",
    .check       = check,
    .cost        = cost,
    .declare     = declare,
    .run         = run,
    .reference   = reference,
};
