/* SPDX-License-Identifier: BSD-2-Clause
 * Maximum mean discrepancy between laws of graph statistics, as the evaluation code of GraphRNN (J. You et al., ICML 2018), GRAN and
 * DiGress (C. Vignac et al., ICLR 2023) computes it: means of a Gaussian kernel on total variation over all pairs, those of a graph with
 * itself included. Histograms hold counts (graph_histograms.h), so 2 N M TV is an integer for rows that add up to N and M; between graphs
 * of one size few values occur, and their pairs are tallied. Only then there is floating point. */
#include <math.h>

#include "graph_histograms.h"

static const double sigmas[STATISTICS] = {[DEGREES] = 1, [CLUSTERING] = 0.1, [CYCLES] = 1, [SPECTRUM] = 1};

static double kernel(double tv, double sigma) { return exp(-tv * tv / (2 * sigma * sigma)); }

/* Sum over the pairs of rows x and y of graphs with n vertices each. */
static double sum_equal(int statistic, int n, int64_t count, const uint8_t *x, int64_t m, const uint8_t *y)
{
  static HistogramTally *const tallies[] = {
      [ISA_BASE] = histogram_tally_base, [ISA_V3] = histogram_tally_v3, [ISA_V4] = histogram_tally_v4};
  const int most                         = 2 * (statistic == CYCLES ? 2 * n : n);
  int64_t   tally[4 * SET_NODES_MAX + 1] = {0};
  double    sum                          = 0;
  tallies[isa_level()](histogram_bytes[statistic], count, x, m, y, tally);
  for (int k = 0; k <= most; k++)
    if (tally[k]) sum += (double)tally[k] * kernel((double)k / most, sigmas[statistic]);
  return sum;
}

/* ... of graphs with n vertices (x) and with o (y): sum |o x - n y| = 2 n o TV (CYCLES: 4 n o TV). */
static double sum_unequal(int statistic, int n, int64_t count, const uint8_t *x, int o, int64_t m, const uint8_t *y, int32_t *work)
{
  static HistogramScaled *const scaled[] = {
      [ISA_BASE] = histogram_scaled_base, [ISA_V3] = histogram_scaled_v3, [ISA_V4] = histogram_scaled_v4};
  HistogramScaled *const differences = scaled[isa_level()];
  const int              bytes       = histogram_bytes[statistic];
  const double           most        = (statistic == CYCLES ? 4.0 : 2.0) * n * o;
  double                 sum         = 0;
  for (int64_t i = 0; i < count; i++) {
    differences(bytes, x + i * bytes, o, m, y, n, work);
    for (int64_t j = 0; j < m; j++) sum += kernel(work[j] / most, sigmas[statistic]);
  }
  return sum;
}

static double mean_kernel(int statistic, const Histograms *x, const Histograms *y, int32_t *work)
{
  const int bytes = histogram_bytes[statistic];
  double    sum   = 0;
  for (int n = 0; n <= SET_NODES_MAX; n++)
    for (int o = 0; o <= SET_NODES_MAX; o++) {
      const int64_t        count = x->first[n + 1] - x->first[n], m = y->first[o + 1] - y->first[o];
      const uint8_t *const a = x->row[statistic] + x->first[n] * bytes, *const b = y->row[statistic] + y->first[o] * bytes;
      if (count == 0 || m == 0) continue;
      sum += n == o ? sum_equal(statistic, n, count, a, m, b) : sum_unequal(statistic, n, count, a, o, m, b, work);
    }
  return sum / ((double)x->count * (double)y->count);
}

static double discrepancy(int statistic, const Histograms *x, const Histograms *y, int32_t *work)
{
  if (x->count == 0 || y->count == 0) return NAN;
  return mean_kernel(statistic, x, x, work) + mean_kernel(statistic, y, y, work) - 2 * mean_kernel(statistic, x, y, work);
}

PetscErrorCode graph_distances(const GraphSample *x, const GraphSample *y, int64_t most, GraphDistances *out)
{
  Histograms a, b;
  int32_t   *work;
  PetscFunctionBeginUser;
  PetscCall(histograms_create(x, most, &a));
  PetscCall(histograms_create(y, most, &b));
  PetscCall(PetscMalloc1(PetscMax(a.count, b.count), &work));
  out->degree     = discrepancy(DEGREES, &a, &b, work);
  out->clustering = discrepancy(CLUSTERING, &a, &b, work);
  out->cycles     = discrepancy(CYCLES, &a, &b, work);
  out->spectrum   = discrepancy(SPECTRUM, &a, &b, work);
  PetscCall(PetscFree(work));
  histograms_destroy(&b);
  histograms_destroy(&a);
  PetscFunctionReturn(0);
}
