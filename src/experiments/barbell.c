/* SPDX-License-Identifier: BSD-2-Clause
 * Experiment I of "Generative Myopia" (arXiv 2511.18593): a barbell, two cliques and one rare bridge, of which half of the edges are
 * kept. Exact: connected labelled graphs counted over how the kept edges fall on the cliques. */
#include <math.h>

#include "clique_protocol.h"
#include "experiment.h"

typedef struct BarbellParams {
  int64_t        clique_size;
  CliqueProtocol protocol;
} BarbellParams;

static const ParamSpec params[] = {
    {"clique_size", PARAM_INT, offsetof(BarbellParams, clique_size), "8", 2, CLIQUE_VERTICES_MAX / 2, 0, "vertices", NULL, NULL, NULL,
     "vertices of each of the two cliques"},
    CLIQUE_PROTOCOL_PARAMS(BarbellParams, protocol, "0.5"),
    CLIQUE_BRIDGE_FREQUENCY_PARAM(BarbellParams, protocol),
    {0},
};

static CliqueChain chain_of(const BarbellParams *p)
{
  return (CliqueChain){.n_cliques = 2, .size = {p->clique_size, p->clique_size}, .bridges = {1}};
}

static void check(const void *params_, Diagnostics *diagnostics)
{
  const BarbellParams *p     = params_;
  const CliqueChain    chain = chain_of(p);
  clique_protocol_check(&chain, &p->protocol, "clique_size", diagnostics);
}

CLIQUE_PROTOCOL_FUNCTIONS(BarbellParams, p->protocol)

/* Table I, 500 trials a method. */
static PetscErrorCode reference(const void *params_, Reference *out)
{
  static const double  connected[METHODS] = {0.460, 0, 0.896, 0.882};
  static const double  rse[METHODS]       = {0.67, NAN, NAN, 0.37};
  const BarbellParams *p                  = params_;
  const CliqueChain    chain              = chain_of(p);

  PetscFunctionBeginUser;
  PetscCall(clique_protocol_reference(&chain, &p->protocol, out));
  if (p->clique_size != 8 || !clique_protocol_is_published(&p->protocol, 0.5)) PetscFunctionReturn(0);
  reference_published(out, "connected", connected[p->protocol.method], 500);
  if (!isnan(rse[p->protocol.method])) reference_published(out, "rse", rse[p->protocol.method], 500);
  PetscFunctionReturn(0);
}

const Experiment experiment_barbell = {
    .name        = "barbell",
    .summary     = "two cliques and one rare bridge: does the kept half of the edges stay connected?",
    .source      = "arXiv 2511.18593, experiment I",
    .params      = params,
    .params_size = sizeof(BarbellParams),
    .merit_unit  = "trials/s",
    .check       = check,
    .cost        = cost,
    .declare     = declare,
    .run         = run,
    .reference   = reference,
};
