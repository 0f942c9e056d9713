/* SPDX-License-Identifier: BSD-2-Clause
 * Denoisers of discrete graph diffusion: from a noisy graph G_t and t to the law of every clean node and edge class, as logits. Four kinds
 * behind one interface, float32; each has a plain reference in float64 beside it.
 *
 *   factored      a logit vector per pair and bucket of t: sees neither the graph nor its own noisy bit
 *   factored_bit  one per pair, bucket and own noisy class
 *   edge_mlp      one perceptron for all pairs: own noisy class, pair features, t / T
 *   transformer   the graph transformer of DiGress (Vignac et al., ICLR 2023): see transformer.h
 *
 * Parameters of a model: flat float32. Pairs are numbered as in graph_set.h (j (j - 1) / 2 + i for i < j); a graph of n <= spec.n vertices
 * uses the front of its rows. Edge logits are symmetric by construction: one vector a pair.
 * Bits: the same on base, v3 and v4, and a graph's logits do not depend on its neighbours in the batch. */
#ifndef MYOPIA_DENOISER_H
#define MYOPIA_DENOISER_H

#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>

#include "isa.h"
#include "net.h"

typedef enum { DENOISER_FACTORED = 0, DENOISER_FACTORED_BIT, DENOISER_EDGE_MLP, DENOISER_TRANSFORMER } DenoiserKind;
extern const char *const denoiser_names[]; /* factored, factored_bit, edge_mlp, transformer, NULL */

enum { DENOISER_NODES_MAX = 64, DENOISER_CLASSES_MAX = 8, DENOISER_PARTS_MAX = 16, TRANSFORMER_LAYERS_MAX = 12 };

typedef struct DenoiserSpec {
  DenoiserKind kind;
  int          n;                                            /* vertices of the largest graph, 2 .. DENOISER_NODES_MAX */
  int          a, b;                                         /* node and edge classes; a = 1: nodes are not predicted */
  int          T;                                            /* t = 1 .. T */
  int          buckets;                                      /* factored*: 1 .. T; bucket of t is (t - 1) buckets / T */
  int          node_features, pair_features, graph_features; /* transformer: any; edge_mlp: pair_features */
  /* edge_mlp; a > 1: a second perceptron of the same size for nodes, on (own noisy class, degree / n, t / T) */
  int        depth, width;
  Activation activation;
  /* transformer; widths are multiples of 16, dx a multiple of 16 heads or heads a divisor of dx */
  bool   node_id; /* the vertex's number as one-hot input: position can be learned */
  int    layers, dx, de, dy, heads, ff_x, ff_e, ff_y;
  double dropout; /* of every residual branch, in training alone; 0: none */
} DenoiserSpec;

/* One sentence when a specification makes no sense, else NULL. A transformer with a = 1, no node_id and no features is refused: see
 * denoiser_blind. */
const char *denoiser_check(const DenoiserSpec *, char message[256]);
/* A transformer with a = 1, no node_id and no features of vertices or pairs (those of the whole graph do not tell vertices apart): all
 * vertices look alike, so all their embeddings stay equal. */
bool denoiser_blind(const DenoiserSpec *);

int64_t denoiser_parameters(const DenoiserSpec *);   /* P */
double  denoiser_flops(const DenoiserSpec *, int n); /* of matrix products of one forward pass of one graph; a training step takes 3 */
double  denoiser_step_seconds(const DenoiserSpec *, int n); /* forward and backward of one graph on one core of 2024; rough */
/* theta (P). factored*: zeros (uniform law); others as torch.nn.Linear; layer norms 1 and 0. Stream (key, RNG_NET). */
void denoiser_init(const DenoiserSpec *, uint64_t key, float *theta);

/* Parts of the parameters, front to back without gaps, for gradients by layer. out (DENOISER_PARTS_MAX); returns their number. */
typedef struct DenoiserPart {
  char    name[16]; /* "input", "layer 1", ..., "output"; factored*: "logits" */
  int64_t first, last;
} DenoiserPart;
int denoiser_parts(const DenoiserSpec *, DenoiserPart *out);

/* One noisy graph. Arrays are the caller's. */
typedef struct DenoiserGraph {
  int            n, t;
  const uint8_t *node, *edge;                                    /* (n), (pairs) noisy classes */
  const float   *node_features, *pair_features, *graph_features; /* (n, .), (pairs, .), (.) row-major; NULL when the spec has none */
  uint64_t       dropout;                                        /* key of its dropout masks */
} DenoiserGraph;

/* What it was: loss terms weight * cross-entropy. */
typedef struct DenoiserTarget {
  const uint8_t *node, *edge;               /* (n), (pairs) clean classes */
  const float   *node_weight, *edge_weight; /* (n), (pairs) >= 0; node_weight NULL when a = 1 */
} DenoiserTarget;

/* Workspace and plan of one specification; not shared between threads. */
typedef struct Denoiser Denoiser;
PetscErrorCode          denoiser_create(const DenoiserSpec *, IsaLevel, Denoiser **);
void                    denoiser_destroy(Denoiser **);
const DenoiserSpec     *denoiser_spec(const Denoiser *);

/* Takes a model's parameters for the calls that follow (repacks what needs it). theta (P) must stay valid and unchanged until the next
 * load. */
void denoiser_load(Denoiser *, const float *theta);
/* Logits of `count` graphs: node (count, spec.n, a), edge (count, pairs of spec.n, b), what is beyond a graph is left as it is. node may be
 * NULL when a = 1. No dropout. */
void denoiser_forward(Denoiser *, int count, const DenoiserGraph *, float *node, float *edge);
/* loss = scale * sum over graphs, nodes and pairs of weight * CE (double, fixed order), and its gradient (P, overwritten). square: NULL, or
 * the sum over graphs of the squared norm of the gradient of the graph's own loss (without scale). A gradient is a sum over graphs in
 * their order. With square a transformer's gradient is rounded elsewhere than without: not for updates where both kinds of steps occur. */
void denoiser_gradient(Denoiser *, int count, const DenoiserGraph *, const DenoiserTarget *, double scale, float *gradient, double *loss,
                       double *square);

/* The plain reference in float64, scalar loops: logits (NULL: not wanted) as denoiser_forward lays them out; gradient (P) and loss when
 * gradient or loss is not NULL; dropout as in training when with_dropout. */
PetscErrorCode denoiser_reference(const DenoiserSpec *, const double *theta, int count, const DenoiserGraph *, const DenoiserTarget *,
                                  double scale, bool with_dropout, double *node, double *edge, double *gradient, double *loss);

#endif
