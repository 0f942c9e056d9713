/* SPDX-License-Identifier: BSD-2-Clause
 * The protocol that experiments I-III share: score the edges of a chain of cliques, keep floor(density m) of them, ask whether the graph
 * is still connected and how far its algebraic connectivity moved. An experiment embeds a CliqueProtocol in its parameters, lists
 * CLIQUE_PROTOCOL_PARAMS in its table, and hands both chain and protocol to the functions below. */
#ifndef MYOPIA_CLIQUE_PROTOCOL_H
#define MYOPIA_CLIQUE_PROTOCOL_H

#include "experiment.h"
#include "graph.h"
#include "sparsify.h"

typedef enum { METHOD_RANDOM = 0, METHOD_STANDARD, METHOD_WEIGHTED, METHOD_ORACLE, METHODS } CliqueMethod;
typedef enum { R_EFF_EXACT = 0, R_EFF_NOMINAL } ReffKind;

extern const char *const clique_method_names[]; /* in YAML; NULL-terminated */
extern const char *const clique_r_eff_names[];

enum { CLIQUE_VERTICES_MAX = 2000 };

typedef struct CliqueProtocol {
  int    method;                             /* CliqueMethod */
  double lambda;                             /* score of `weighted`: frequency + lambda R */
  double density;                            /* share of the edges that is kept */
  double clique_frequency, bridge_frequency; /* how often an edge of that kind was seen */
  int    selection;                          /* Selection */
  int    r_eff;                              /* ReffKind */
} CliqueProtocol;

/* ParamSpec rows (name, type, offset, default, min, max, flags, unit, choices, used with, its values, help). Params: the experiment's
 * struct; member: its CliqueProtocol. */
#define CLIQUE_METHOD_PARAM(Params, member)                                                                                                \
  {                                                                                                                                        \
    "method", PARAM_CHOICE, offsetof(Params, member.method), "weighted", 0, 0, 0, "1", clique_method_names, NULL, NULL,                    \
        "how edges are scored: all alike, by frequency, by frequency + lambda R, by R"                                                     \
  }
#define CLIQUE_LAMBDA_PARAM(Params, member)                                                                                                \
  {                                                                                                                                        \
    "lambda", PARAM_REAL, offsetof(Params, member.lambda), "10", 0, 1e9, 0, "1/ohm", NULL, "method", "weighted",                           \
        "weight of the effective resistance in the score"                                                                                  \
  }
#define CLIQUE_DENSITY_PARAM(Params, member, fallback)                                                                                     \
  {                                                                                                                                        \
    "density", PARAM_REAL, offsetof(Params, member.density), fallback, 0, 1, PARAM_OPEN_MIN, "1", NULL, NULL, NULL,                        \
        "share rho of the edges that is kept: floor(rho m)"                                                                                \
  }
#define CLIQUE_FREQUENCY_PARAM(Params, member)                                                                                             \
  {                                                                                                                                        \
    "clique_frequency", PARAM_REAL, offsetof(Params, member.clique_frequency), "0.95", 0, 1, 0, "1", NULL, "method", "standard|weighted",  \
        "frequency of an edge inside a clique in the data"                                                                                 \
  }
#define CLIQUE_BRIDGE_FREQUENCY_PARAM(Params, member)                                                                                      \
  {                                                                                                                                        \
    "bridge_frequency", PARAM_REAL, offsetof(Params, member.bridge_frequency), "0.05", 0, 1, 0, "1", NULL, "method", "standard|weighted",  \
        "frequency of a bridge in the data"                                                                                                \
  }
#define CLIQUE_SELECTION_PARAM(Params, member)                                                                                             \
  {                                                                                                                                        \
    "selection", PARAM_CHOICE, offsetof(Params, member.selection), "topk", 0, 0, 0, "1", selection_names, "method",                        \
        "standard|weighted|oracle", "keep the edges of highest score, or draw edges with probability proportional to it"                   \
  }
#define CLIQUE_R_EFF_PARAM(Params, member)                                                                                                 \
  {                                                                                                                                        \
    "r_eff", PARAM_CHOICE, offsetof(Params, member.r_eff), "exact", 0, 0, 0, "1", clique_r_eff_names, "method", "weighted|oracle",         \
        "resistance in the score: of the graph, or the paper's reading (bridge 1, every clique edge 2 / mean size)"                        \
  }

/* All of them but bridge_frequency, which experiment III derives. density_default: text. */
#define CLIQUE_PROTOCOL_PARAMS(Params, member, density_default)                                                                            \
  CLIQUE_METHOD_PARAM(Params, member), CLIQUE_LAMBDA_PARAM(Params, member), CLIQUE_DENSITY_PARAM(Params, member, density_default),         \
      CLIQUE_FREQUENCY_PARAM(Params, member), CLIQUE_SELECTION_PARAM(Params, member), CLIQUE_R_EFF_PARAM(Params, member)

/* floor(density m), safe from the round-off of a product that is a whole number in decimal. */
int64_t clique_protocol_keep(const CliqueChain *, const CliqueProtocol *);

/* Cross-field rules on a valid chain; size_parameter names what to blame for a graph that is too large. */
void           clique_protocol_check(const CliqueChain *, const CliqueProtocol *, const char *size_parameter, Diagnostics *);
double         clique_protocol_cost(const CliqueChain *, const CliqueProtocol *); /* seconds a trial */
PetscErrorCode clique_protocol_declare(const CliqueChain *, ResultSchema *);
PetscErrorCode clique_protocol_run(const CliqueChain *, const CliqueProtocol *, const TrialBatch *, RunControl *, Result *);
/* Exact values: connected and bridges_kept; also rse and lambda2 where the graph always falls apart. */
PetscErrorCode clique_protocol_reference(const CliqueChain *, const CliqueProtocol *, Reference *);

/* cost, declare and run of an experiment with parameters `Params`: its graph is chain_of(p), its CliqueProtocol the value of PROTOCOL, an
 * expression in p. */
#define CLIQUE_PROTOCOL_FUNCTIONS(Params, PROTOCOL)                                                                                        \
  static double cost(const void *params_)                                                                                                  \
  {                                                                                                                                        \
    const Params        *p        = params_;                                                                                               \
    const CliqueChain    chain    = chain_of(p);                                                                                           \
    const CliqueProtocol protocol = PROTOCOL;                                                                                              \
    return clique_protocol_cost(&chain, &protocol);                                                                                        \
  }                                                                                                                                        \
  static PetscErrorCode declare(const void *params_, int64_t every, ResultSchema *schema)                                                  \
  {                                                                                                                                        \
    const CliqueChain chain = chain_of(params_);                                                                                           \
    (void)every;                                                                                                                           \
    return clique_protocol_declare(&chain, schema);                                                                                        \
  }                                                                                                                                        \
  static PetscErrorCode run(MPI_Comm comm, const TrialBatch *batch, RunControl *control, Result *result)                                   \
  {                                                                                                                                        \
    const Params        *p        = batch->params;                                                                                         \
    const CliqueChain    chain    = chain_of(p);                                                                                           \
    const CliqueProtocol protocol = PROTOCOL;                                                                                              \
    (void)comm;                                                                                                                            \
    return clique_protocol_run(&chain, &protocol, batch, control, result);                                                                 \
  }

/* Whether these are the paper's settings as far as the method depends on them, so that its published values may stand beside ours. */
bool clique_protocol_is_published(const CliqueProtocol *, double density);

#endif
