/* SPDX-License-Identifier: BSD-2-Clause
 * Logits, loss and gradient of a denoiser on graphs from a file, as numbers on standard output, for the peers in Python.
 *   denoiser_driver kernel|reference FILE
 * FILE, little-endian, without gaps:
 *   int64   kind (0 factored, 1 factored_bit, 2 edge_mlp, 3 transformer), n, a, b, T, buckets, node_features, pair_features,
 *           graph_features, depth, width, activation (0 relu, 1 tanh, 2 silu, 3 gelu), node_id,
 *           layers, dx, de, dy, heads, ff_x, ff_e, ff_y, count
 *   float64 dropout, scale
 *   float32 theta (P)
 *   of every graph, pairs = n (n - 1) / 2 with this graph's own n <= the specification's:
 *     int64   n, t, key of its dropout masks
 *     uint8   noisy node classes (n), noisy edge classes (pairs), clean node classes (n), clean edge classes (pairs)
 *     float32 weights of nodes (n) and edges (pairs); features of nodes (n, node_features), pairs (pairs, pair_features), graph
 *             (graph_features)
 * Node arrays are there also when a = 1. One line a quantity, its name, then its values:
 *   parameters P; node (graphs after each other, each (n, a); no values when a = 1); edge (each (pairs, b)); loss; gradient (P); and, with
 *   the kernels, square. Logits are without dropout, the loss and its gradient with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "denoiser.h"
#include "memory.h"

enum { HEADER = 22 };

static int pairs_of(int n) { return n * (n - 1) / 2; }

typedef struct Problem {
  DenoiserSpec    spec;
  int             count;
  double          scale;
  int64_t         parameters;
  float          *theta;
  DenoiserGraph  *graph;
  DenoiserTarget *target;
} Problem;

static void *read_all(FILE *file, size_t size, int64_t n)
{
  void *out = mem_calloc((size_t)n, size);
  if (fread(out, size, (size_t)n, file) == (size_t)n) return out;
  fprintf(stderr, "denoiser_driver: the file is too short\n");
  exit(2);
}

static void read_graph(FILE *file, const DenoiserSpec *s, DenoiserGraph *g, DenoiserTarget *target)
{
  int64_t  *size = read_all(file, sizeof *size, 3);
  const int n = (int)size[0], pairs = pairs_of(n);
  *g                  = (DenoiserGraph){.n = n, .t = (int)size[1], .dropout = (uint64_t)size[2]};
  g->node             = read_all(file, 1, n);
  g->edge             = read_all(file, 1, pairs);
  target->node        = read_all(file, 1, n);
  target->edge        = read_all(file, 1, pairs);
  target->node_weight = read_all(file, sizeof(float), n);
  target->edge_weight = read_all(file, sizeof(float), pairs);
  g->node_features    = read_all(file, sizeof(float), (int64_t)n * s->node_features);
  g->pair_features    = read_all(file, sizeof(float), (int64_t)pairs * s->pair_features);
  g->graph_features   = read_all(file, sizeof(float), s->graph_features);
  free(size);
}

static Problem read_problem(FILE *file)
{
  int64_t *h = read_all(file, sizeof *h, HEADER);
  double  *x = read_all(file, sizeof *x, 2);
  Problem  p = {.count = (int)h[21], .scale = x[1]};
  char     message[256];
  p.spec = (DenoiserSpec){.kind           = (DenoiserKind)h[0],
                          .n              = (int)h[1],
                          .a              = (int)h[2],
                          .b              = (int)h[3],
                          .T              = (int)h[4],
                          .buckets        = (int)h[5],
                          .node_features  = (int)h[6],
                          .pair_features  = (int)h[7],
                          .graph_features = (int)h[8],
                          .depth          = (int)h[9],
                          .width          = (int)h[10],
                          .activation     = (Activation)h[11],
                          .node_id        = h[12] != 0,
                          .layers         = (int)h[13],
                          .dx             = (int)h[14],
                          .de             = (int)h[15],
                          .dy             = (int)h[16],
                          .heads          = (int)h[17],
                          .ff_x           = (int)h[18],
                          .ff_e           = (int)h[19],
                          .ff_y           = (int)h[20],
                          .dropout        = x[0]};
  if (denoiser_check(&p.spec, message)) {
    fprintf(stderr, "denoiser_driver: %s\n", message);
    exit(2);
  }
  p.parameters = denoiser_parameters(&p.spec);
  p.theta      = read_all(file, sizeof *p.theta, p.parameters);
  p.graph      = mem_calloc((size_t)p.count, sizeof *p.graph);
  p.target     = mem_calloc((size_t)p.count, sizeof *p.target);
  for (int g = 0; g < p.count; g++) read_graph(file, &p.spec, &p.graph[g], &p.target[g]);
  free(h);
  free(x);
  return p;
}

static void free_problem(Problem *p)
{
  for (int g = 0; g < p->count; g++) {
    const void *parts[] = {p->graph[g].node,          p->graph[g].edge,           p->graph[g].node_features,
                           p->graph[g].pair_features, p->graph[g].graph_features, p->target[g].node,
                           p->target[g].edge,         p->target[g].node_weight,   p->target[g].edge_weight};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) free((void *)parts[k]);
  }
  free(p->graph);
  free(p->target);
  free(p->theta);
}

static void print_values(const char *name, int64_t n, const double *x)
{
  printf("%s", name);
  for (int64_t i = 0; i < n; i++) printf(" %.17g", x[i]);
  printf("\n");
}

/* The front of each graph's rows. */
static void print_logits(const Problem *p, const double *node, const double *edge)
{
  const int a = p->spec.a, b = p->spec.b, n = p->spec.n;
  printf("node");
  for (int g = 0; g < p->count && a > 1; g++)
    for (int i = 0; i < p->graph[g].n * a; i++) printf(" %.17g", node[g * n * a + i]);
  printf("\nedge");
  for (int g = 0; g < p->count; g++)
    for (int i = 0; i < pairs_of(p->graph[g].n) * b; i++) printf(" %.17g", edge[g * pairs_of(n) * b + i]);
  printf("\n");
}

static void widen(int64_t n, const float *x, double *out)
{
  for (int64_t i = 0; i < n; i++) out[i] = (double)x[i];
}

static int run_kernels(const Problem *p, int64_t nodes, int64_t edges, double *node, double *edge, double *gradient, double *loss,
                       double *square)
{
  float    *x = mem_calloc((size_t)nodes, sizeof *x), *e = mem_calloc((size_t)edges, sizeof *e);
  float    *d = mem_calloc((size_t)p->parameters, sizeof *d);
  Denoiser *work;
  if (denoiser_create(&p->spec, isa_level(), &work)) return 1;
  denoiser_load(work, p->theta);
  denoiser_forward(work, p->count, p->graph, x, e);
  denoiser_gradient(work, p->count, p->graph, p->target, p->scale, d, loss, square);
  denoiser_destroy(&work);
  widen(nodes, x, node);
  widen(edges, e, edge);
  widen(p->parameters, d, gradient);
  free(x);
  free(e);
  free(d);
  return 0;
}

static int run_reference(const Problem *p, double *node, double *edge, double *gradient, double *loss)
{
  double *theta = mem_calloc((size_t)p->parameters, sizeof *theta);
  widen(p->parameters, p->theta, theta);
  const int code = denoiser_reference(&p->spec, theta, p->count, p->graph, p->target, p->scale, false, node, edge, NULL, NULL) ||
                   denoiser_reference(&p->spec, theta, p->count, p->graph, p->target, p->scale, true, NULL, NULL, gradient, loss);
  free(theta);
  return code;
}

int main(int argc, char **argv)
{
  FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
  if (!file) {
    fprintf(stderr, "usage: denoiser_driver kernel|reference FILE\n");
    return 2;
  }
  Problem       p     = read_problem(file);
  const int64_t nodes = (int64_t)p.count * p.spec.n * p.spec.a, edges = (int64_t)p.count * pairs_of(p.spec.n) * p.spec.b;
  double       *node = mem_calloc((size_t)nodes, sizeof *node), *edge = mem_calloc((size_t)edges, sizeof *edge);
  double       *gradient = mem_calloc((size_t)p.parameters, sizeof *gradient), loss, square = 0;
  const bool    kernel = strcmp(argv[1], "kernel") == 0;
  const int     code =
      kernel ? run_kernels(&p, nodes, edges, node, edge, gradient, &loss, &square) : run_reference(&p, node, edge, gradient, &loss);
  fclose(file);
  if (code) return 1;
  printf("parameters %lld\n", (long long)p.parameters);
  print_logits(&p, node, edge);
  print_values("loss", 1, &loss);
  print_values("gradient", p.parameters, gradient);
  if (kernel) print_values("square", 1, &square);
  free_problem(&p);
  free(node);
  free(edge);
  free(gradient);
  return 0;
}
