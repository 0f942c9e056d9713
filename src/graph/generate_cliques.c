/* SPDX-License-Identifier: BSD-2-Clause
 * Equal cliques in a row joined by vertex-disjoint bridges, laid out as graph_clique_chain does (bridge j joins the j-th vertex from the
 * end of a clique to the j-th of the next), but with edges sorted by (u, v) and any number of cliques. A barbell has two. A slot is a
 * vertex. */
#include "generate.h"

static int64_t cliques_of(const GraphSpec *s) { return s->kind == GRAPH_BARBELL ? 2 : s->cliques; }

static bool check_cliques(const GraphSpec *s, Fault *f)
{
  const char *const name = graph_kind_names[s->kind];
  if (s->clique_size < 1 || s->clique_size > EDGE_LIST_VERTICES / 2)
    return fault(f, "clique_size", "%s: clique_size is %lld: 1 to %lld are possible", name, (long long)s->clique_size,
                 (long long)EDGE_LIST_VERTICES / 2);
  if (cliques_of(s) < 1 || cliques_of(s) > EDGE_LIST_VERTICES / s->clique_size)
    return fault(f, "cliques", "%s: cliques is %lld: 1 to %lld are possible", name, (long long)cliques_of(s),
                 (long long)(EDGE_LIST_VERTICES / s->clique_size));
  if (s->bridges < 1 || s->bridges > s->clique_size)
    return fault(f, "bridges", "%s: bridges is %lld: 1 to %lld fit between cliques of that size", name, (long long)s->bridges,
                 (long long)s->clique_size);
  return true;
}

static int64_t vertices(const GraphSpec *s) { return cliques_of(s) * s->clique_size; }

static double edges(const GraphSpec *s, double *deviation)
{
  const double size = (double)s->clique_size, cliques = (double)cliques_of(s);
  *deviation = 0;
  return cliques * size * (size - 1) / 2 + (cliques - 1) * (double)s->bridges;
}

static PetscErrorCode emit(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  PetscFunctionBeginUser;
  for (int64_t i = first; i < last; i++) {
    const int64_t end = (i / s->clique_size + 1) * s->clique_size, bridge = end - 1 - i;
    PetscCall(edge_list_reserve(list, end - i, false));
    for (int64_t j = i + 1; j < end; j++) edge_list_push(list, i, j);
    if (bridge < s->bridges && end < vertices(s)) edge_list_push(list, i, end + bridge);
  }
  PetscFunctionReturn(0);
}

const Generator generate_barbell = {check_cliques, vertices, edges, vertices, emit};
const Generator generate_chain   = {check_cliques, vertices, edges, vertices, emit};
