/* SPDX-License-Identifier: BSD-2-Clause
 * P(connected) of two cliques A and B joined by t vertex-disjoint bridges, when a uniformly random subset of a pool of edges is kept. A
 * clique may fall apart inside and still hang together through the bridges, so the count runs over vertex sets of the whole graph.
 *
 * Vertices are of five types: inner ones of A and of B (no bridge), lone ones of A and of B (a bridge end whose partner is not in the
 * set), and whole pairs (both ends of a bridge). A set is known up to symmetry by its counts, its State. With y = 1 + x standing for a pool
 * edge that is free to come or not, E(U) the pool edges inside U, and a fixed root in U,
 *   C(U) = y^E(U) - sum over proper subsets S of U that hold the root, with no kept edge between S and U - S, of C(S) y^E(U - S)
 * counts the connected outcomes on U; edges between S and U - S must be absent, so one that is kept rules S out. States are memoised.
 * Where a side's edges share one fate, its lone vertices are inner ones (fewer states); where they do not, a class of kept edges leaves
 * all-or-nothing choices only. Exact integers; the cost grows with the powers of the sizes, so large pairs are refused beforehand. */
#include "connected_pair.h"

#include <math.h>
#include <string.h>

#include "connected.h"
#include "polynomial.h"

static const double WORK_MAX = 1e9; /* predicted_work of some five seconds */

enum { SIDES = 2, INNER_A = 0, LONE_A, INNER_B, LONE_B, PAIRS, TYPES };
enum { INNER_INNER = 0, INNER_END, END_END, CLASSES }; /* edges of a clique by how many of their ends carry a bridge */

typedef struct State {
  int64_t n[TYPES];
} State;

typedef struct Pair {
  int64_t     bridges, size[SIDES];
  uint8_t     fate[SIDES][CLASSES], bridge;
  bool        merged[SIDES]; /* one fate on that side: lone vertices count as inner ones */
  bool        symmetric;     /* the sides may be swapped */
  int64_t     extent[TYPES]; /* states have n[i] < extent[i] */
  Polynomial *memo;          /* (product of extents) */
} Pair;

/* How a State is cut into S and the rest: what S takes of each type (PAIRS: whole pairs), and the pairs of which it takes one end. */
typedef struct Cut {
  int64_t take[TYPES], a_only, b_only;
} Cut;

static int64_t pairs_of(int64_t n) { return n * (n - 1) / 2; }

/* --- fates by class --- */

/* The one fate of each class of edges of a side, in the order of graph_clique_chain; false when a class has two. Classes without edges
 * take the fate of another one. Bridge ends are the first or the last vertices. */
static bool read_side(const uint8_t *fate, int64_t size, int64_t bridges, bool ends_last, uint8_t out[CLASSES])
{
  bool          seen[CLASSES] = {false};
  const int64_t first         = ends_last ? size - bridges : 0;
  for (int64_t i = 0; i < size; i++) {
    for (int64_t j = i + 1; j < size; j++, fate++) {
      const int kind = (i >= first && i < first + bridges) + (j >= first && j < first + bridges);
      if (seen[kind] && out[kind] != *fate) return false;
      seen[kind] = true;
      out[kind]  = *fate;
    }
  }
  const uint8_t any = seen[END_END] ? out[END_END] : seen[INNER_END] ? out[INNER_END] : seen[INNER_INNER] ? out[INNER_INNER] : FATE_KEPT;
  for (int c = 0; c < CLASSES; c++)
    if (!seen[c]) out[c] = any;
  return true;
}

static bool read_fates(const CliqueChain *chain, const uint8_t *fate, Pair *p)
{
  const int64_t edges_a = pairs_of(chain->size[0]), edges_b = pairs_of(chain->size[1]);
  p->bridges = chain->bridges[0];
  p->bridge  = fate[edges_a + edges_b];
  for (int64_t j = 1; j < p->bridges; j++)
    if (fate[edges_a + edges_b + j] != p->bridge) return false;
  for (int s = 0; s < SIDES; s++) {
    p->size[s] = chain->size[s];
    if (!read_side(s ? fate + edges_a : fate, p->size[s], p->bridges, s == 0, p->fate[s])) return false;
    p->merged[s] = p->fate[s][0] == p->fate[s][1] && p->fate[s][1] == p->fate[s][2];
  }
  p->symmetric = p->size[0] == p->size[1];
  for (int c = 0; c < CLASSES; c++) p->symmetric = p->symmetric && p->fate[0][c] == p->fate[1][c];
  for (int s = 0; s < SIDES; s++) {
    p->extent[2 * s]     = 1 + (p->merged[s] ? p->size[s] : p->size[s] - p->bridges);
    p->extent[2 * s + 1] = 1 + (p->merged[s] || p->bridge == FATE_KEPT ? 0 : p->bridges);
  }
  p->extent[PAIRS] = 1 + p->bridges;
  return true;
}

/* --- states --- */

static int64_t state_index(const Pair *p, const State *u)
{
  const int64_t *n     = u->n;
  const bool     swap  = p->symmetric && (n[INNER_A] < n[INNER_B] || (n[INNER_A] == n[INNER_B] && n[LONE_A] < n[LONE_B]));
  const State    s     = swap ? (State){{n[INNER_B], n[LONE_B], n[INNER_A], n[LONE_A], n[PAIRS]}} : *u;
  int64_t        index = 0;
  for (int i = 0; i < TYPES; i++) index = index * p->extent[i] + s.n[i];
  return index;
}

/* Pool edges inside a set with inner[s] inner vertices and ends[s] bridge ends on side s, and `whole` pairs. */
static int64_t pool_edges(const Pair *p, const int64_t inner[SIDES], const int64_t ends[SIDES], int64_t whole)
{
  int64_t m = p->bridge == FATE_POOL ? whole : 0;
  for (int s = 0; s < SIDES; s++) {
    m += p->fate[s][INNER_INNER] == FATE_POOL ? pairs_of(inner[s]) : 0;
    m += p->fate[s][INNER_END] == FATE_POOL ? inner[s] * ends[s] : 0;
    m += p->fate[s][END_END] == FATE_POOL ? pairs_of(ends[s]) : 0;
  }
  return m;
}

static int64_t state_pool_edges(const Pair *p, const State *u)
{
  const int64_t inner[SIDES] = {u->n[INNER_A], u->n[INNER_B]};
  const int64_t ends[SIDES]  = {u->n[LONE_A] + u->n[PAIRS], u->n[LONE_B] + u->n[PAIRS]};
  return pool_edges(p, inner, ends, u->n[PAIRS]);
}

/* --- cuts of a state --- */

/* The next cut in a mixed-radix count; types whose edges are kept among themselves go in all or not at all. */
static bool cut_next(const Pair *p, const State *u, Cut *cut)
{
  const uint8_t among[] = {p->fate[0][INNER_INNER], p->fate[0][END_END], p->fate[1][INNER_INNER], p->fate[1][END_END]};
  for (int i = 0; i < PAIRS; i++) {
    cut->take[i] += among[i] == FATE_KEPT && u->n[i] > 0 ? u->n[i] : 1;
    if (cut->take[i] <= u->n[i]) return true;
    cut->take[i] = 0;
  }
  const int64_t whole = u->n[PAIRS];
  if (p->bridge != FATE_KEPT) {
    if (++cut->b_only <= whole - cut->take[PAIRS] - cut->a_only) return true;
    cut->b_only = 0;
    if (++cut->a_only <= whole - cut->take[PAIRS]) return true;
    cut->a_only = 0;
  }
  return ++cut->take[PAIRS] <= whole;
}

/* Whether a kept edge runs between S and the rest; otherwise S as a State and the rest's pool edges. */
static bool cut_apart(const Pair *p, const State *u, const Cut *cut, State *s, int64_t *rest_edges)
{
  const int64_t whole = cut->take[PAIRS], only[SIDES] = {cut->a_only, cut->b_only};
  int64_t       inner[SIDES], ends[SIDES];
  if (p->bridge == FATE_KEPT && only[0] + only[1] > 0) return false;
  for (int i = 0; i < SIDES; i++) {
    const int64_t inner_s = cut->take[2 * i], ends_s = cut->take[2 * i + 1] + whole + only[i];
    inner[i] = u->n[2 * i] - inner_s;
    ends[i]  = u->n[2 * i + 1] + u->n[PAIRS] - ends_s;
    if (p->fate[i][INNER_INNER] == FATE_KEPT && inner_s * inner[i] > 0) return false;
    if (p->fate[i][INNER_END] == FATE_KEPT && inner_s * ends[i] + ends_s * inner[i] > 0) return false;
    if (p->fate[i][END_END] == FATE_KEPT && ends_s * ends[i] > 0) return false;
    s->n[2 * i]     = inner_s + (p->merged[i] ? only[i] : 0);
    s->n[2 * i + 1] = cut->take[2 * i + 1] + (p->merged[i] ? 0 : only[i]);
  }
  s->n[PAIRS] = whole;
  *rest_edges = pool_edges(p, inner, ends, u->n[PAIRS] - whole - only[0] - only[1]);
  return true;
}

/* In how many ways a cut can be made with the root in S: a vertex of type `root`, or the A end of a pair. Each type's choices times the
 * share of them that hold the root. */
static void cut_ways(const State *u, const Cut *cut, int root, mpz_t binomial, mpz_t ways)
{
  int64_t left = u->n[PAIRS];
  mpz_set_ui(ways, 1);
  for (int i = 0; i < PAIRS; i++) {
    mpz_bin_uiui(binomial, (unsigned long)u->n[i], (unsigned long)cut->take[i]);
    mpz_mul(ways, ways, binomial);
  }
  const int64_t part[3] = {cut->take[PAIRS], cut->a_only, cut->b_only};
  for (int i = 0; i < 3; left -= part[i++]) {
    mpz_bin_uiui(binomial, (unsigned long)left, (unsigned long)part[i]);
    mpz_mul(ways, ways, binomial);
  }
  mpz_mul_ui(ways, ways, (unsigned long)(root == PAIRS ? cut->take[PAIRS] + cut->a_only : cut->take[root]));
  mpz_divexact_ui(ways, ways, (unsigned long)u->n[root]);
}

/* --- the recurrence --- */

static PetscErrorCode count_connected(Pair *p, const State *u, const Polynomial **out)
{
  Polynomial *memo = &p->memo[state_index(p, u)], sum = {0};
  Cut         cut = {{0}, 0, 0};
  State       s;
  mpz_t       binomial, ways;
  int         root = 0;
  int64_t     rest_edges;

  PetscFunctionBeginUser;
  *out = memo;
  if (memo->c) PetscFunctionReturn(0);
  const int64_t edges = state_pool_edges(p, u);
  PetscCall(polynomial_create(edges + 1, &sum));
  mpz_set_ui(sum.c[edges], 1);
  mpz_inits(binomial, ways, NULL);
  while (u->n[root] == 0) root++;
  while (cut_next(p, u, &cut)) {
    const bool        root_in_s = root == PAIRS ? cut.take[PAIRS] + cut.a_only > 0 : cut.take[root] > 0;
    const Polynomial *inside;
    if (!root_in_s || !cut_apart(p, u, &cut, &s, &rest_edges)) continue;
    if (memcmp(cut.take, u->n, sizeof u->n) == 0) break; /* S = U comes last */
    PetscCall(count_connected(p, &s, &inside));
    cut_ways(u, &cut, root, binomial, ways);
    polynomial_subtract(&sum, inside, rest_edges, ways);
  }
  mpz_clears(binomial, ways, NULL);
  *memo = sum;
  PetscFunctionReturn(0);
}

/* Predicted operations: over all states, cuts times terms. The number of cuts is a product over types once the pairs are fixed. */
static double predicted_work(const Pair *p, int64_t pool)
{
  double work = 0;
  for (int64_t whole = 0; whole <= p->bridges; whole++) {
    const double w    = (double)whole;
    double       cuts = p->bridge == FATE_KEPT ? w + 1 : (w + 1) * (w + 2) * (w + 3) / 6;
    for (int i = 0; i < PAIRS; i++) {
      const bool    kept  = p->fate[i / 2][i % 2 ? END_END : INNER_INNER] == FATE_KEPT;
      const bool    tied  = i % 2 || p->merged[i / 2]; /* these vertices are the pairs' own */
      const int64_t most  = p->extent[i] - 1 - (tied ? whole : 0);
      const double  above = most < 0 ? 1 : (double)most + 1;
      cuts *= kept ? 2 * above : above * (above + 1) / 2;
    }
    work += cuts;
  }
  return work * (20 + (double)pool / 3) / (p->symmetric ? 2 : 1);
}

PetscErrorCode connected_pair_probability(const CliqueChain *chain, const uint8_t *fate, int64_t draw, int64_t pool, double *probability)
{
  Pair              p      = {0};
  double            states = 1;
  const Polynomial *all;

  PetscFunctionBeginUser;
  *probability = NAN;
  if (!read_fates(chain, fate, &p)) PetscFunctionReturn(0);
  if (p.bridge == FATE_DROPPED) *probability = 0;
  for (int i = 0; i < TYPES; i++) states *= (double)p.extent[i];
  if (p.bridge == FATE_DROPPED || states * (double)(pool + 1) > 1e7 || predicted_work(&p, pool) > WORK_MAX) PetscFunctionReturn(0);
  PetscCall(PetscCalloc1((size_t)states, &p.memo));
  const State whole = {{p.size[0] - p.bridges, 0, p.size[1] - p.bridges, 0, p.bridges}};
  PetscCall(count_connected(&p, &whole, &all));
  *probability = polynomial_share(all, draw, pool);
  for (int64_t i = 0; i < (int64_t)states; i++) polynomial_clear(&p.memo[i]);
  PetscCall(PetscFree(p.memo));
  PetscFunctionReturn(0);
}
