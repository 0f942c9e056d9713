/* SPDX-License-Identifier: BSD-2-Clause
 * From parameters to a graph: see graph_params.h. The graph is a function of the parameters alone, so check, declare, cost and run share
 * one (graph_source_shared). */
#include "graph_params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resource.h"

GraphSpec graph_params_spec(const GraphParams *p)
{
  GraphSpec s = {.kind           = (GraphKind)p->kind,
                 .format         = (GraphFormat)p->format,
                 .ignore_weights = p->ignore_weights,
                 .duplicates     = (GraphDuplicates)p->duplicates,
                 .keep           = (GraphKeep)p->keep,
                 .weights        = (GraphWeights)p->weights,
                 .seed           = (uint64_t)p->graph_seed,
                 .nodes          = p->nodes,
                 .width          = p->width,
                 .height         = p->height,
                 .depth          = p->depth,
                 .dimension      = p->dimension,
                 .clique_size    = p->clique_size,
                 .cliques        = p->cliques,
                 .bridges        = p->bridges,
                 .degree         = p->degree,
                 .rewire         = p->rewire,
                 .blocks         = p->blocks,
                 .degree_in      = p->degree_in,
                 .degree_out     = p->degree_out,
                 .scale          = p->scale,
                 .edge_factor    = p->edge_factor,
                 .rmat_a         = p->rmat_a,
                 .rmat_b         = p->rmat_b,
                 .rmat_c         = p->rmat_c};
  snprintf(s.file, sizeof s.file, "%s", p->file);
  return s;
}

void graph_params_expect(const GraphParams *p, double *n, double *m)
{
  const GraphSpec spec = graph_params_spec(p);
  int64_t         vertices, edges;
  graph_source_estimate(&spec, &vertices, &edges);
  *n = fmax(1, (double)vertices);
  *m = fmax(1, (double)edges);
}

bool graph_params_is_mesh(const GraphParams *p)
{
  double n, m;
  graph_params_expect(p, &n, &m);
  return p->kind != GRAPH_RMAT && p->kind != GRAPH_BARABASI_ALBERT && p->kind != GRAPH_ERDOS_RENYI && p->kind != GRAPH_COMPLETE &&
         m < 8 * n;
}

double graph_params_factor(const GraphParams *p)
{
  double n, m;
  graph_params_expect(p, &n, &m);
  return graph_params_is_mesh(p) ? 3 * n * log2(n + 2) : 0.035 * n * n + m;
}

static const double WEIGHT_MIN = 1e-100, WEIGHT_MAX = 1e100;
/* A vertex or an edge while a graph is built. */
static const double BUILD_BYTES = 40;

static bool too_large(const GraphParams *p)
{
  double n, m;
  graph_params_expect(p, &n, &m);
  return n > GRAPH_ARRAYS_EDGES_MAX || m > GRAPH_ARRAYS_EDGES_MAX;
}

/* Squares and ratios of weights must stay within doubles. Writes which edge is at fault; false: none. */
static bool weights_fault(const Graph *g, const int64_t *id, char message[RESULT_MESSAGE_MAX])
{
  for (int64_t e = 0; g->weight && e < g->m; e++) {
    if (g->weight[e] >= WEIGHT_MIN && g->weight[e] <= WEIGHT_MAX) continue;
    snprintf(message, RESULT_MESSAGE_MAX, "edge %lld-%lld has weight %g; %g to %g can be computed with",
             (long long)(id ? id[g->u[e]] : g->u[e]), (long long)(id ? id[g->v[e]] : g->v[e]), g->weight[e], WEIGHT_MIN, WEIGHT_MAX);
    return true;
  }
  return false;
}

void graph_params_check(const GraphParams *p, Diagnostics *d)
{
  const GraphSpec spec   = graph_params_spec(p);
  GraphErrors     errors = {0};
  GraphReport     report;
  const Graph    *g;
  const int64_t  *id;
  const char     *field = NULL;
  char            message[256], fault[RESULT_MESSAGE_MAX];
  const char     *wrong = graph_source_check(&spec, &field, message);
  if (wrong) {
    diagnostics_parameter(d, field, "%s", wrong);
    return;
  }
  if (spec.kind != GRAPH_FILE || too_large(p)) return;
  if (graph_source_shared(&spec, &g, &id, &report, &errors))
    diagnostics_parameter(d, "file", "'%s' needs more memory than there is", p->file);
  else if (errors.n == 0 && weights_fault(g, id, fault))
    diagnostics_parameter(d, "file", "%s: %s", p->file, fault);
  for (int i = 0; i < errors.n; i++) diagnostics_parameter(d, "file", "%s", errors.line[i]);
  graph_errors_clear(&errors);
}

PetscErrorCode graph_params_build(const GraphParams *p, double limit, const Graph **g, const int64_t **id, GraphReport *report,
                                  char *message)
{
  const GraphSpec spec   = graph_params_spec(p);
  GraphErrors     errors = {0};

  double n, m;

  PetscFunctionBeginUser;
  message[0] = 0;
  graph_params_expect(p, &n, &m);
  if (limit > 0 && BUILD_BYTES * (n + m) > limit) {
    snprintf(message, RESULT_MESSAGE_MAX, "the graph alone needs about %.3g GB of the %.3g GB allowed", 1e-9 * BUILD_BYTES * (n + m),
             1e-9 * limit);
    PetscFunctionReturn(0);
  }
  PetscCall(graph_source_shared(&spec, g, id, report, &errors));
  if (errors.n > 0) snprintf(message, RESULT_MESSAGE_MAX, "%s", errors.line[0]);
  if (errors.n == 0) (void)weights_fault(*g, *id, message);
  graph_errors_clear(&errors);
  PetscFunctionReturn(0);
}

PetscErrorCode graph_params_size(const GraphParams *p, int64_t *n, int64_t *m, bool *known)
{
  const Graph   *g;
  const int64_t *id;
  GraphReport    report;
  char           message[RESULT_MESSAGE_MAX];

  PetscFunctionBeginUser;
  const GraphSpec spec = graph_params_spec(p);
  graph_source_estimate(&spec, n, m);
  *known = !too_large(p);
  if (!*known) PetscFunctionReturn(0);
  PetscCall(graph_params_build(p, 0, &g, &id, &report, message));
  *known = message[0] == 0;
  if (!*known) PetscFunctionReturn(0);
  *n = g->n;
  *m = g->m;
  PetscFunctionReturn(0);
}

static const MetricSpec metrics[] = {
    {"nodes", "1", "vertices", "vertices of the graph", "count", METRIC_REAL, 0},
    {"edges", "1", "edges", "edges of the graph, parallel ones merged", "count", METRIC_REAL, 0},
    {"components", "1", "components", "connected components, isolated vertices included", "count", METRIC_REAL, 0},
    {"bridges", "1", "bridges", "edges whose loss disconnects their ends", "count", METRIC_REAL, 0},
    {"blocks", "1", "biconnected blocks", "biconnected blocks, bridges included", "count", METRIC_REAL, 0},
    {"largest_block", "1", "largest block", "edges of the largest biconnected block", "count", METRIC_REAL, 0},
    {"isolated", "1", "isolated vertices", "vertices without edges", "count", METRIC_REAL, 0},
    {"dropped_loops", "1", "self-loops dropped", "self-loops of the input or the generator", "count", METRIC_REAL, 0},
    {"dropped_duplicates", "1", "parallel edges merged", "parallel edges of the input or the generator, merged or dropped", "count",
     METRIC_REAL, 0},
};

PetscErrorCode graph_params_declare(ResultSchema *schema)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) PetscCall(result_schema_metric(schema, &metrics[i]));
  PetscFunctionReturn(0);
}

PetscErrorCode graph_params_put_edges(Result *result, int64_t row, int64_t n, const int64_t *u, const int64_t *v, const int64_t *id)
{
  void *data;

  PetscFunctionBeginUser;
  PetscCall(result_array(result, "edges", row, &data));
  for (int64_t e = 0; e < n; e++) {
    ((int64_t *)data)[2 * e]     = id ? id[u[e]] : u[e];
    ((int64_t *)data)[2 * e + 1] = id ? id[v[e]] : v[e];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode graph_params_put(Result *result, const char *name, int64_t row, double value)
{
  double *column;

  PetscFunctionBeginUser;
  PetscCall(result_metric(result, name, &column));
  column[row] = value;
  PetscFunctionReturn(0);
}

PetscErrorCode graph_params_fill(const Graph *g, const GraphBlocks *b, const GraphReport *report, int64_t row, Result *result)
{
  int64_t largest = 0;

  PetscFunctionBeginUser;
  for (int64_t i = 0; i < b->n_blocks; i++) largest = PetscMax(largest, b->size[i]);
  const double value[] = {(double)g->n,    (double)g->m,          (double)b->n_components, (double)b->n_bridges,      (double)b->n_blocks,
                          (double)largest, (double)b->n_isolated, (double)report->loops,   (double)report->duplicates};
  _Static_assert(sizeof value / sizeof *value == sizeof metrics / sizeof *metrics, "one value a metric");
  for (size_t i = 0; i < sizeof value / sizeof *value; i++) PetscCall(graph_params_put(result, metrics[i].name, row, value[i]));
  PetscFunctionReturn(0);
}

PetscErrorCode graph_params_peak_memory(MPI_Comm comm, double *bytes)
{
  PetscFunctionBeginUser;
  *bytes = resource_memory_peak();
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, bytes, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscFunctionReturn(0);
}
