/* SPDX-License-Identifier: BSD-2-Clause
 * Small worlds and preferential attachment, both free of communication. A slot is a vertex.
 *   watts_strogatz:   vertex u has the edges to u + 1 .. u + degree/2 of the ring; each is, with probability `rewire`, sent to a uniform
 *                     vertex other than u instead. Watts and Strogatz (Nature 393 (1998) 440) draw again when that edge is there already,
 *                     which makes edges depend on earlier ones; here equal edges merge and are counted as duplicates.
 *   barabasi_albert:  vertices 1, 2, ... bring `degree` edges each to earlier vertices in proportion to their degree. The list of edge ends
 *                     M (Batagelj and Brandes 2005) has M[2e] = the new vertex of edge e, and M[2e + 1] = M[r], r uniform over the
 *                     positions of earlier vertices; r is a hash of (seed, e), so any position is found by retracing hashes (Sanders
 *                     and Schulz, IPL 116 (2016) 489), a logarithmic number of them. Vertex 0 counts as if it had brought `degree`
 *                     loops. Connected by construction; two equal choices of a vertex merge and are counted. */
#include "generate.h"

#include <math.h>

#include "rng.h"

static bool check_watts_strogatz(const GraphSpec *s, Fault *f)
{
  if (!check_nodes(s, 3, f)) return false;
  if (!(s->degree >= 2 && s->degree < (double)s->nodes && fmod(s->degree, 2) == 0))
    return fault(f, "degree", "watts_strogatz: degree is %g: it must be even, at least 2 and below nodes = %lld", s->degree,
                 (long long)s->nodes);
  if (!(s->rewire >= 0 && s->rewire <= 1))
    return fault(f, "rewire", "watts_strogatz: rewire is %g: it is a probability, 0 to 1", s->rewire);
  return true;
}

static double watts_strogatz_edges(const GraphSpec *s, double *deviation)
{
  *deviation = 0;
  return (double)s->nodes * s->degree / 2;
}

static PetscErrorCode emit_watts_strogatz(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  PetscFunctionBeginUser;
  const int64_t half = (int64_t)(s->degree / 2);
  for (int64_t u = first; u < last; u++) {
    Rng r = rng_start(s->seed, (uint32_t)u, RNG_REWIRE);
    PetscCall(edge_list_reserve(list, half, false));
    for (int64_t j = 1; j <= half; j++) {
      const bool    rewired = s->rewire > 0 && rng_uniform(&r) < s->rewire;
      const int64_t step    = rewired ? 1 + below_word(rng_u64(&r), s->nodes - 1) : j;
      edge_list_push(list, u, u < s->nodes - step ? u + step : u + step - s->nodes);
    }
  }
  PetscFunctionReturn(0);
}

const Generator generate_watts_strogatz = {check_watts_strogatz, nodes_of, watts_strogatz_edges, nodes_of, emit_watts_strogatz};

static bool check_barabasi_albert(const GraphSpec *s, Fault *f)
{
  if (!check_nodes(s, 2, f)) return false;
  if (s->degree >= 1 && s->degree < (double)s->nodes && s->degree == floor(s->degree)) return true;
  return fault(f, "degree", "barabasi_albert: degree is %g: a whole number of edges a new vertex brings, 1 to nodes - 1", s->degree);
}

static double barabasi_albert_edges(const GraphSpec *s, double *deviation)
{
  *deviation = 0;
  return (double)(s->nodes - 1) * s->degree;
}

/* Vertex at the far end of edge e. Edges d u .. d u + d - 1 are those of vertex u; positions below 2 d u are those of earlier vertices. */
static int64_t far_end(uint64_t seed, int64_t e, int64_t d)
{
  for (int64_t u = e / d; u > 0; u = e / d) {
    uint32_t word[4];
    rng_block(seed, (uint64_t)e, 0, RNG_ATTACH, word);
    const int64_t position = below_word((uint64_t)word[1] << 32 | word[0], 2 * d * u);
    e                      = position / 2;
    if (position % 2 == 0) return e / d;
  }
  return 0;
}

static PetscErrorCode emit_barabasi_albert(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  PetscFunctionBeginUser;
  const int64_t d = (int64_t)s->degree;
  for (int64_t u = first > 0 ? first : 1; u < last; u++) {
    PetscCall(edge_list_reserve(list, d, false));
    for (int64_t k = 0; k < d; k++) edge_list_push(list, u, far_end(s->seed, d * u + k, d));
  }
  PetscFunctionReturn(0);
}

const Generator generate_barabasi_albert = {check_barabasi_albert, nodes_of, barabasi_albert_edges, nodes_of, emit_barabasi_albert};
