/* SPDX-License-Identifier: BSD-2-Clause
 * A graph from its GraphSpec on one process: edges drawn or read, sorted, merged, weighted, and cut down to the largest component when
 * asked for. Generators are in generate*.c, readers in read*.c, the distributed form in rows*.c. */
#include "source.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "generate.h"
#include "memory.h"
#include "text.h"

void source_clear(Source *s)
{
  edge_list_clear(&s->list);
  (void)PetscFree(s->id);
}

void source_error(GraphErrors *errors, const char *path, int64_t line, const char *format, ...)
{
  va_list args;
  char    message[512];
  if (errors->n == (int)(sizeof errors->line / sizeof *errors->line)) return;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  errors->line[errors->n++] = line > 0 ? mem_format("%s:%lld: %s", path, (long long)line, message) : mem_format("%s: %s", path, message);
}

void graph_errors_clear(GraphErrors *errors)
{
  for (int i = 0; i < errors->n; i++) free(errors->line[i]);
  *errors = (GraphErrors){0};
}

void graph_source_estimate(const GraphSpec *spec, int64_t *n, int64_t *m)
{
  const char *field;
  char        message[256];
  double      deviation = 0;
  *n = *m = -1;
  if (graph_source_check(spec, &field, message)) return;
  if (spec->kind == GRAPH_FILE) {
    source_estimate_file(spec, n, m);
    return;
  }
  const Generator *g     = generator_of(spec->kind);
  const double     mean  = g->edges(spec, &deviation);
  const double     bound = ceil(mean + 8 * deviation + (deviation > 0 ? 64 : 0)),
               pairs     = (double)g->vertices(spec) * ((double)g->vertices(spec) - 1) / 2;
  *n                     = g->vertices(spec);
  *m                     = (int64_t)(bound < pairs ? bound : pairs);
}

/* Every slot in order; weights last, when the edges are known. */
static PetscErrorCode generate(const GraphSpec *spec, Source *s, GraphReport *report)
{
  const Generator *g = generator_of(spec->kind);

  PetscFunctionBeginUser;
  s->n = g->vertices(spec);
  PetscCall(g->emit(spec, 0, g->slots(spec), &s->list));
  report->entries = s->list.entries;
  report->loops   = s->list.loops;
  PetscCall(keys_sort(s->list.n, s->list.key, NULL));
  edge_list_unique(&s->list, &report->duplicates);
  if (spec->weights == WEIGHTS_UNIT) PetscFunctionReturn(0);
  PetscCall(edge_list_reserve(&s->list, 0, true));
  for (int64_t e = 0; e < s->list.n; e++) s->list.weight[e] = generator_weight(spec, edge_u(s->list.key[e]), edge_v(s->list.key[e]));
  PetscFunctionReturn(0);
}

static PetscErrorCode graph_of(const Source *s, Graph **out)
{
  PetscFunctionBeginUser;
  PetscCall(graph_allocate(s->n, s->list.n, s->list.weight != NULL, out));
  for (int64_t e = 0; e < s->list.n; e++) {
    (*out)->u[e] = edge_u(s->list.key[e]);
    (*out)->v[e] = edge_v(s->list.key[e]);
    if (s->list.weight) (*out)->weight[e] = s->list.weight[e];
  }
  PetscFunctionReturn(0);
}

/* Component with the most vertices; among equal ones the first, which has the smallest vertex. */
static PetscErrorCode find_largest(int64_t n, const int64_t *component, int64_t count, int64_t *largest)
{
  int64_t *size;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)count, &size));
  for (int64_t i = 0; i < n; i++) size[component[i]]++;
  *largest = 0;
  for (int64_t c = 1; c < count; c++)
    if (size[c] > size[*largest]) *largest = c;
  PetscCall(PetscFree(size));
  PetscFunctionReturn(0);
}

/* Renumbers the vertices of one component in ascending order and drops the rest; component is overwritten. */
static PetscErrorCode keep_component(Source *s, int64_t *component, int64_t largest, GraphReport *report)
{
  int64_t  *id, n = 0, m = 0;
  EdgeList *list = &s->list;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)s->n, &id));
  for (int64_t i = 0; i < s->n; i++) {
    const bool keep = component[i] == largest;
    if (keep) id[n] = s->id ? s->id[i] : i;
    component[i] = keep ? n++ : -1;
  }
  for (int64_t e = 0; e < list->n; e++) {
    const int64_t u = component[edge_u(list->key[e])], v = component[edge_v(list->key[e])];
    if (u < 0) continue;
    if (list->weight) list->weight[m] = list->weight[e];
    list->key[m++] = edge_key(u, v);
  }
  report->dropped_vertices = s->n - n;
  report->dropped_edges    = list->n - m;
  PetscCall(PetscFree(s->id));
  s->id   = id;
  s->n    = n;
  list->n = m;
  PetscFunctionReturn(0);
}

static PetscErrorCode finish(const GraphSpec *spec, Source *s, GraphReport *report, Graph **out)
{
  int64_t *component, largest = 0;

  PetscFunctionBeginUser;
  PetscCall(graph_of(s, out));
  PetscCall(PetscCalloc1((size_t)s->n, &component));
  for (int64_t e = 0; e < s->list.n; e++) component[(*out)->u[e]] = component[(*out)->v[e]] = 1;
  for (int64_t i = 0; i < s->n; i++) report->isolated += !component[i];
  report->components = graph_components(*out, NULL, component);
  if (spec->keep == KEEP_LARGEST && report->components > 1) {
    graph_destroy(out);
    PetscCall(find_largest(s->n, component, report->components, &largest));
    PetscCall(keep_component(s, component, largest, report));
    PetscCall(graph_of(s, out));
  }
  PetscCall(PetscFree(component));
  PetscFunctionReturn(0);
}

PetscErrorCode graph_source_build(const GraphSpec *spec, Graph **out, int64_t **id, GraphReport *report, GraphErrors *errors)
{
  Source      s = {0};
  const char *field;
  char        message[256];

  PetscFunctionBeginUser;
  *out              = NULL;
  *id               = NULL;
  *report           = (GraphReport){0};
  const int   known = errors->n;
  const char *wrong = graph_source_check(spec, &field, message);
  if (wrong) {
    source_error(errors, field, 0, "%s", wrong);
    PetscFunctionReturn(0);
  }
  if (spec->kind == GRAPH_FILE)
    PetscCall(source_read(spec, &s, report, errors));
  else
    PetscCall(generate(spec, &s, report));
  if (errors->n == known) {
    PetscCall(finish(spec, &s, report, out));
    *id  = s.id;
    s.id = NULL;
  }
  source_clear(&s);
  PetscFunctionReturn(0);
}

const char *const graph_duplicates_names[] = {"sum", "drop", NULL};
const char *const graph_keep_names[]       = {"all", "largest", NULL};
