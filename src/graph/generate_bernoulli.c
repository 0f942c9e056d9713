/* SPDX-License-Identifier: BSD-2-Clause
 * Independent edges: Erdos-Renyi G(n, p) and the stochastic block model. A slot is a row u of the upper triangle; the columns of its edges
 * are found by geometric jumps (Batagelj and Brandes, Phys. Rev. E 71 (2005) 036113), so that work is proportional to edges. Every row has
 * its own stream, keyed by (seed, u).
 *   erdos_renyi:       p = degree / (n - 1).
 *   stochastic_block:  block b has vertices b n / B .. (b + 1) n / B - 1; with n/B vertices in a block, p = degree_in / (n/B - 1)
 *                      inside and degree_out / (n - n/B) between blocks. */
#include "generate.h"

#include <math.h>

#include "rng.h"

/* log(1 - p) without libm, so that bits do not depend on it; below 2^-6 by its series, whose next term is below 2^-58 of the first. */
static double log_complement(double p)
{
  if (p >= 0x1p-6) return rng_log(1.0 - p);
  double sum = 0;
  for (int k = 10; k >= 1; k--) sum = p * (1.0 / k + sum);
  return -sum;
}

/* Edges (row, j) for columns first <= j < last, each with probability p. */
static PetscErrorCode emit_row(Rng *r, int64_t row, int64_t first, int64_t last, double p, EdgeList *list)
{
  PetscFunctionBeginUser;
  if (p <= 0 || first >= last) PetscFunctionReturn(0);
  const double scale = p < 1 ? 1.0 / log_complement(p) : 0.0;
  for (int64_t j = first; j < last; j++) {
    const double jump = p < 1 ? floor(-rng_exponential(r) * scale) : 0.0;
    if (jump >= (double)(last - j)) break;
    j += (int64_t)jump;
    PetscCall(edge_list_reserve(list, 1, false));
    edge_list_push(list, row, j);
  }
  PetscFunctionReturn(0);
}

static bool check_erdos_renyi(const GraphSpec *s, Fault *f)
{
  if (!check_nodes(s, 1, f)) return false;
  if (s->degree >= 0 && s->degree <= (double)(s->nodes - 1)) return true;
  return fault(f, "degree", "erdos_renyi: degree is %g: 0 to nodes - 1 = %lld are possible", s->degree, (long long)s->nodes - 1);
}

static double erdos_renyi_edges(const GraphSpec *s, double *deviation)
{
  const double mean = (double)s->nodes * s->degree / 2;
  *deviation        = sqrt(mean);
  return mean;
}

static PetscErrorCode emit_erdos_renyi(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  PetscFunctionBeginUser;
  const double p = s->nodes > 1 ? s->degree / (double)(s->nodes - 1) : 0.0;
  for (int64_t i = first; i < last; i++) {
    Rng r = rng_start(s->seed, (uint32_t)i, RNG_ERDOS);
    PetscCall(emit_row(&r, i, i + 1, s->nodes, p, list));
  }
  PetscFunctionReturn(0);
}

const Generator generate_erdos_renyi = {check_erdos_renyi, nodes_of, erdos_renyi_edges, nodes_of, emit_erdos_renyi};

static bool check_stochastic_block(const GraphSpec *s, Fault *f)
{
  if (!check_nodes(s, 1, f)) return false;
  if (s->blocks < 1 || s->blocks > s->nodes)
    return fault(f, "blocks", "stochastic_block: blocks is %lld: 1 to nodes = %lld are possible", (long long)s->blocks,
                 (long long)s->nodes);
  const double size = (double)s->nodes / (double)s->blocks, outside = (double)s->nodes - size;
  if (!(s->degree_in >= 0 && s->degree_in <= size - 1))
    return fault(f, "degree_in", "stochastic_block: degree_in is %g: 0 to nodes / blocks - 1 = %g are possible", s->degree_in, size - 1);
  if (!(s->degree_out >= 0 && s->degree_out <= outside))
    return fault(f, "degree_out", "stochastic_block: degree_out is %g: 0 to nodes - nodes / blocks = %g are possible", s->degree_out,
                 outside);
  return true;
}

static double stochastic_block_edges(const GraphSpec *s, double *deviation)
{
  const double mean = (double)s->nodes * (s->degree_in + s->degree_out) / 2;
  *deviation        = sqrt(mean);
  return mean;
}

static PetscErrorCode emit_stochastic_block(const GraphSpec *s, int64_t first, int64_t last, EdgeList *list)
{
  PetscFunctionBeginUser;
  const double size  = (double)s->nodes / (double)s->blocks;
  const double p_in  = size > 1 ? s->degree_in / (size - 1) : 0.0;
  const double p_out = s->blocks > 1 ? s->degree_out / ((double)s->nodes - size) : 0.0;
  int64_t      block = 0, end = 0;
  for (int64_t i = first; i < last; i++) {
    while (end <= i) end = generator_cut(s->nodes, s->blocks, ++block);
    Rng r = rng_start(s->seed, (uint32_t)i, RNG_BLOCKS);
    PetscCall(emit_row(&r, i, i + 1, end, p_in, list));
    PetscCall(emit_row(&r, i, end, s->nodes, p_out, list));
  }
  PetscFunctionReturn(0);
}

const Generator generate_stochastic_block = {check_stochastic_block, nodes_of, stochastic_block_edges, nodes_of, emit_stochastic_block};
