/* SPDX-License-Identifier: BSD-2-Clause
 * Denoisers: the list of kinds, what is checked of all of them, and the way to a kind's operations. It computes nothing itself. */
#include "denoiser.h"

#include <stdio.h>

#include "denoiser_private.h"

enum { FEATURES_MAX = 1024, STEPS_MAX = 1000000 };

const char *const denoiser_names[] = {"factored", "factored_bit", "edge_mlp", "transformer", NULL};

static const DenoiserOps *const kinds[] = {
    [DENOISER_FACTORED]     = &denoiser_factored,
    [DENOISER_FACTORED_BIT] = &denoiser_factored_bit,
    [DENOISER_EDGE_MLP]     = &denoiser_edge_mlp,
    [DENOISER_TRANSFORMER]  = &denoiser_transformer,
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct Denoiser {
  DenoiserSpec       spec;
  const DenoiserOps *ops;
  void              *work;
};

static const DenoiserOps *ops_of(const DenoiserSpec *s) { return kinds[s->kind]; }

static bool outside(int value, int low, int high) { return value < low || value > high; }

static const char *check_range(const char *what, int value, int low, int high, char message[256])
{
  if (!outside(value, low, high)) return NULL;
  snprintf(message, 256, "%s must be between %d and %d, not %d", what, low, high, value);
  return message;
}

static const char *check_features(const DenoiserSpec *s, char message[256])
{
  const int count[] = {s->node_features, s->pair_features, s->graph_features};
  for (int k = 0; k < 3; k++)
    if (check_range("the number of features of a node, a pair or a graph", count[k], 0, FEATURES_MAX, message)) return message;
  return NULL;
}

bool denoiser_blind(const DenoiserSpec *s)
{
  return s->kind == DENOISER_TRANSFORMER && s->a == 1 && !s->node_id && s->node_features == 0 && s->pair_features == 0;
}

static const char *check_blind(const DenoiserSpec *s, char message[256])
{
  if (!denoiser_blind(s)) return NULL;
  snprintf(message, 256,
           "a transformer with one node class, no node_id and no features is blind: all vertices look alike to it and all its node "
           "embeddings stay equal; give it node_id or features");
  return message;
}

const char *denoiser_check(const DenoiserSpec *s, char message[256])
{
  if (check_range("the kind of a denoiser", (int)s->kind, 0, KINDS - 1, message)) return message;
  if (check_range("the number of vertices", s->n, 2, DENOISER_NODES_MAX, message)) return message;
  if (check_range("the number of node classes", s->a, 1, DENOISER_CLASSES_MAX, message)) return message;
  if (check_range("the number of edge classes", s->b, 2, DENOISER_CLASSES_MAX, message)) return message;
  if (check_range("the number of diffusion steps T", s->T, 1, STEPS_MAX, message)) return message;
  if (check_features(s, message)) return message;
  if (check_blind(s, message)) return message;
  return ops_of(s)->check(s, message);
}

int64_t denoiser_parameters(const DenoiserSpec *s) { return ops_of(s)->parameters(s); }

double denoiser_flops(const DenoiserSpec *s, int n) { return ops_of(s)->flops(s, n); }

double denoiser_step_seconds(const DenoiserSpec *s, int n) { return ops_of(s)->step_seconds(s, n); }

void denoiser_init(const DenoiserSpec *s, uint64_t key, float *theta) { ops_of(s)->init(s, key, theta); }

int denoiser_parts(const DenoiserSpec *s, DenoiserPart *out) { return ops_of(s)->parts(s, out); }

PetscErrorCode denoiser_create(const DenoiserSpec *spec, IsaLevel isa, Denoiser **out)
{
  char        message[256];
  const char *wrong = denoiser_check(spec, message);
  Denoiser   *d;
  PetscFunctionBeginUser;
  *out = NULL;
  PetscCheck(!wrong, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s", wrong);
  PetscCall(PetscNew(&d));
  d->spec = *spec;
  d->ops  = ops_of(spec);
  PetscCall(d->ops->create(&d->spec, isa, &d->work));
  *out = d;
  PetscFunctionReturn(0);
}

void denoiser_destroy(Denoiser **d)
{
  if (!*d) return;
  (*d)->ops->destroy((*d)->work);
  (void)PetscFree(*d);
}

const DenoiserSpec *denoiser_spec(const Denoiser *d) { return &d->spec; }

void denoiser_load(Denoiser *d, const float *theta) { d->ops->load(d->work, theta); }

void denoiser_forward(Denoiser *d, int count, const DenoiserGraph *graph, float *node, float *edge)
{
  d->ops->forward(d->work, count, graph, node, edge);
}

void denoiser_gradient(Denoiser *d, int count, const DenoiserGraph *graph, const DenoiserTarget *target, double scale, float *gradient,
                       double *loss, double *square)
{
  d->ops->gradient(d->work, count, graph, target, scale, gradient, loss, square);
}

PetscErrorCode denoiser_reference(const DenoiserSpec *s, const double *theta, int count, const DenoiserGraph *graph,
                                  const DenoiserTarget *target, double scale, bool with_dropout, double *node, double *edge,
                                  double *gradient, double *loss)
{
  PetscFunctionBeginUser;
  PetscCall(ops_of(s)->reference(s, theta, count, graph, target, scale, with_dropout, node, edge, gradient, loss));
  PetscFunctionReturn(0);
}
