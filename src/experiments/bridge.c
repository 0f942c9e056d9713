/* SPDX-License-Identifier: BSD-2-Clause
 * Experiment III of "Generative Myopia" (arXiv 2511.18593): two cliques joined by k vertex-disjoint bridges that become more frequent,
 * more visible, with k. The paper calls the bridge's resistance constant; it falls with k, and the exact resistances of clique edges
 * split by how many bridge ends they touch, so that top-k starves the bridge's own end vertices at k = 2 (r_eff: exact against nominal).
 * The paper shows a figure and no numbers. */
#include <math.h>

#include "clique_protocol.h"
#include "experiment.h"

typedef struct BridgeParams {
  int64_t        clique_size, k;
  double         f;
  CliqueProtocol protocol; /* its bridge_frequency is derived */
} BridgeParams;

static const ParamSpec params[] = {
    {"clique_size", PARAM_INT, offsetof(BridgeParams, clique_size), "8", 2, CLIQUE_VERTICES_MAX / 2, 0, "vertices", NULL, NULL, NULL,
     "vertices of each of the two cliques"},
    {"k", PARAM_INT, offsetof(BridgeParams, k), "1", 1, CLIQUE_VERTICES_MAX / 2, 0, "edges", NULL, NULL, NULL,
     "thickness of the bridge: vertex-disjoint edges between the cliques"},
    {"f", PARAM_REAL, offsetof(BridgeParams, f), "0.25", 0, 1, 0, "1", NULL, "method", "standard|weighted",
     "frequency of a bridge in the data is min(1, f k)"},
    CLIQUE_PROTOCOL_PARAMS(BridgeParams, protocol, "0.5"),
    {0},
};

static CliqueChain chain_of(const BridgeParams *p)
{
  return (CliqueChain){.n_cliques = 2, .size = {p->clique_size, p->clique_size}, .bridges = {p->k}};
}

static CliqueProtocol protocol_of(const BridgeParams *p)
{
  CliqueProtocol protocol   = p->protocol;
  protocol.bridge_frequency = fmin(1, p->f * (double)p->k);
  return protocol;
}

static void check(const void *params_, Diagnostics *diagnostics)
{
  const BridgeParams  *p        = params_;
  const CliqueChain    chain    = chain_of(p);
  const CliqueProtocol protocol = protocol_of(p);
  if (p->k > p->clique_size)
    diagnostics_parameter(diagnostics, "k", "%lld vertex-disjoint bridges do not fit cliques of %lld vertices", (long long)p->k,
                          (long long)p->clique_size);
  else
    clique_protocol_check(&chain, &protocol, "clique_size", diagnostics);
}

CLIQUE_PROTOCOL_FUNCTIONS(BridgeParams, protocol_of(p))

static PetscErrorCode reference(const void *params_, Reference *out)
{
  const CliqueChain    chain    = chain_of(params_);
  const CliqueProtocol protocol = protocol_of(params_);

  PetscFunctionBeginUser;
  PetscCall(clique_protocol_reference(&chain, &protocol, out));
  PetscFunctionReturn(0);
}

const Experiment experiment_bridge = {
    .name        = "bridge",
    .summary     = "two cliques and a bridge of k edges: when does a thicker, more frequent bridge survive?",
    .source      = "arXiv 2511.18593, experiment III",
    .params      = params,
    .params_size = sizeof(BridgeParams),
    .merit_unit  = "trials/s",
    .check       = check,
    .cost        = cost,
    .declare     = declare,
    .run         = run,
    .reference   = reference,
};
