/* SPDX-License-Identifier: BSD-2-Clause
 * R-MAT (Chakrabarti, Zhan, Faloutsos, SDM 2004) with Graph500's parameters by default: edge_factor 2^scale draws of a pair of vertices,
 * bit by bit with probabilities a, b, c, 1 - a - b - c for the quadrants (0,0), (0,1), (1,0), (1,1). A slot is a draw. Loops and repeated
 * pairs are dropped and counted, as are directions. Vertices are not scrambled, as Graph500 does to hide them: small numbers have large
 * degrees; nothing here depends on the numbering, and rows are cut by neighbours, not by vertices. Many vertices are isolated. */
#include "generate.h"

#include <math.h>

#include "rng.h"

static bool check(const GraphSpec *s, Fault *f)
{
  if (s->scale < 1 || s->scale > 32) return fault(f, "scale", "rmat: scale is %lld: 1 to 32 are possible", (long long)s->scale);
  if (!(s->edge_factor > 0 && s->edge_factor <= 0x1p20))
    return fault(f, "edge_factor", "rmat: edge_factor is %g: above 0, at most 2^20", s->edge_factor);
  if (!(s->rmat_a >= 0)) return fault(f, "rmat_a", "rmat: rmat_a is %g: a probability", s->rmat_a);
  if (!(s->rmat_b >= 0)) return fault(f, "rmat_b", "rmat: rmat_b is %g: a probability", s->rmat_b);
  if (!(s->rmat_c >= 0)) return fault(f, "rmat_c", "rmat: rmat_c is %g: a probability", s->rmat_c);
  if (s->rmat_a + s->rmat_b + s->rmat_c > 1 + 1e-12)
    return fault(f, "rmat_a", "rmat: rmat_a + rmat_b + rmat_c is %g: at most 1", s->rmat_a + s->rmat_b + s->rmat_c);
  return true;
}

static int64_t vertices(const GraphSpec *s) { return INT64_C(1) << s->scale; }
static int64_t draws(const GraphSpec *s) { return (int64_t)ceil(s->edge_factor * (double)vertices(s)); }

static double edges(const GraphSpec *s, double *deviation)
{
  const double n = (double)vertices(s), pairs = n * (n - 1) / 2, drawn = (double)draws(s);
  *deviation = 0;
  return drawn < pairs ? drawn : pairs;
}

static uint64_t threshold(double p)
{
  const double t = floor(p * 0x1p32 + 0.5);
  return t < 0x1p32 ? (uint64_t)t : UINT64_C(1) << 32;
}

static PetscErrorCode emit(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  PetscFunctionBeginUser;
  const uint64_t a = threshold(s->rmat_a), ab = threshold(s->rmat_a + s->rmat_b), abc = threshold(s->rmat_a + s->rmat_b + s->rmat_c);
  PetscCall(edge_list_reserve(list, last - first, false));
  for (int64_t draw = first; draw < last; draw++) {
    uint64_t u = 0, v = 0;
    for (int64_t level = 0; level < s->scale; level += 4) {
      uint32_t word[4];
      rng_block(s->seed, (uint64_t)draw, (uint32_t)(level / 4), RNG_RMAT, word);
      for (int64_t k = 0; k < 4 && level + k < s->scale; k++) {
        const uint64_t x = word[k], down = x >= ab;
        u = u << 1 | down;
        v = v << 1 | (((x >= a) ^ down) | (x >= abc));
      }
    }
    edge_list_push(list, (int64_t)u, (int64_t)v);
  }
  PetscFunctionReturn(0);
}

const Generator generate_rmat = {check, vertices, edges, draws, emit};
