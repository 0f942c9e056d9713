/* SPDX-License-Identifier: BSD-2-Clause
 * Spectral density by the kernel polynomial method (Weisse, Wellein, Alvermann, Fehske, Rev. Mod. Phys. 78 (2006) 275). With
 * M = 2 L / bound - I, whose spectrum lies in [-1, 1], the moments mu_k = tr T_k(M) / n are estimated by x^T T_k(M) x / n for random signs
 * x (Hutchinson); two moments come from each product: mu_2k = 2 t_k t_k - mu_0, mu_2k+1 = 2 t_k+1 t_k - mu_1. The density is the
 * integral over each bin of 1/(pi sqrt(1 - y^2)) (g_0 mu_0 + 2 sum g_k mu_k T_k(y)), g Jackson's kernel, which keeps it positive; its sum
 * over bins is 1.
 * Eight probes go through the matrix at once; groups of eight are dealt to ranks. A probe's moments depend on key and probe alone, and are
 * added in the order of probes: the same bits on any number of ranks. Peaks are as wide as bound pi / moments: no single value is
 * resolved. */
#include "spectrum_sparse.h"

#include <math.h>
#include <petscblaslapack.h>
#include <string.h>

#include "rng.h"
#include "spectrum_kernel.h"
#include "spectrum_parts.h"

enum { LANES = DENSITY_LANES, WORDS = 128 };

typedef struct Kernel {
  int64_t    n, moments;
  RowRange   rows;
  double     scale;
  uint64_t   key;
  double    *t[2]; /* (n, 8) */
  Laplacian *l;
} Kernel;

/* Sign of vertex i in probe p: bit p % 128 of block (i, p / 128). */
static void draw_signs(const Kernel *k, int64_t group, double *x)
{
  uint32_t      word[4];
  const int64_t first = group * LANES % WORDS;
  for (int64_t i = 0; i < k->n; i++) {
    rng_block(k->key, (uint64_t)i, (uint32_t)(group * LANES / WORDS), RNG_DENSITY_PROBE, word);
    for (int64_t c = 0; c < LANES; c++) x[i * LANES + c] = word[(first + c) / 32] >> ((first + c) % 32) & 1 ? 1 : -1;
  }
}

/* mu: (8, moments) of probes 8 group ... 8 group + 7, normalised: mu_0 = 1. */
static void moments_of_group(Kernel *k, int64_t group, double *mu)
{
  const IsaLevel level = isa_level();
  double         square[LANES], cross[LANES];
  const double   n   = (double)k->n;
  double        *now = k->t[0], *before = k->t[1];
  draw_signs(k, group, now);
  memset(before, 0, (size_t)(k->n * LANES) * sizeof *before);
  for (int64_t j = 0; 2 * j < k->moments; j++) { /* now = T_j x, before = T_(j-1) x; next = T_(j+1) x over before */
    chebyshev_step(level, &k->rows, k->scale, j ? 2 : 1, now, before, before, square, cross);
    for (int c = 0; c < LANES; c++) {
      double *m = mu + c * k->moments;
      if (j == 0) {
        m[0] = 1;
        if (k->moments > 1) m[1] = cross[c] / n;
      } else if (2 * j + 1 < k->moments) {
        m[2 * j + 1] = 2 * cross[c] / n - m[1];
      }
      if (2 * j + 2 < k->moments) m[2 * j + 2] = 2 * square[c] / n - 1;
    }
    double *next = before;
    before       = now;
    now          = next;
  }
}

/* Jackson's g_k for N moments. */
static double jackson(int64_t k, int64_t n_moments)
{
  const double a = M_PI / (double)(n_moments + 1);
  return ((double)(n_moments - k + 1) * cos(a * (double)k) + sin(a * (double)k) / tan(a)) / (double)(n_moments + 1);
}

/* weight (bins, moments): a bin's share of the density is the dot product with a probe's moments. theta = arccos y runs from pi to 0. */
static void bin_weights(int64_t n_moments, int64_t bins, double *weight)
{
  for (int64_t b = 0; b < bins; b++) {
    const double from = acos(2 * (double)b / (double)bins - 1), to = acos(2 * (double)(b + 1) / (double)bins - 1);
    double      *w = weight + b * n_moments;
    w[0]           = (from - to) / M_PI;
    for (int64_t k = 1; k < n_moments; k++)
      w[k] = 2 * jackson(k, n_moments) * (sin((double)k * from) - sin((double)k * to)) / ((double)k * M_PI);
  }
}

/* Mean and standard error over probes, added in their order. share (probes, bins) = mu (probes, moments) weight^T. */
static PetscErrorCode summarise(int64_t n_moments, int64_t probes, int64_t bins, double width, const double *mu, double *density,
                                double *standard_error)
{
  double      *weight, *share, one = 1, zero = 0;
  PetscBLASInt bins_, probes_, moments_;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast((PetscInt)bins, &bins_));
  PetscCall(PetscBLASIntCast((PetscInt)probes, &probes_));
  PetscCall(PetscBLASIntCast((PetscInt)n_moments, &moments_));
  PetscCall(PetscMalloc2((size_t)(bins * n_moments), &weight, (size_t)(bins * probes), &share));
  bin_weights(n_moments, bins, weight);
  PetscCallBLAS("BLASgemm", BLASgemm_("T", "N", &bins_, &probes_, &moments_, &one, weight, &moments_, mu, &moments_, &zero, share, &bins_));
  for (int64_t b = 0; b < bins; b++) {
    double mean = 0, squares = 0; /* Welford */
    for (int64_t p = 0; p < probes; p++) {
      const double step = share[b + p * bins] - mean;
      mean += step / (double)(p + 1);
      squares += step * (share[b + p * bins] - mean);
    }
    density[b]        = mean / width;
    standard_error[b] = probes > 1 ? sqrt(squares / (double)(probes - 1) / (double)probes) / width : NAN;
  }
  PetscCall(PetscFree2(weight, share));
  PetscFunctionReturn(0);
}

/* mu (groups * 8, moments): each group by one rank, zeros elsewhere, so that the sum is exact. */
static PetscErrorCode all_moments(MPI_Comm comm, Kernel *k, int64_t groups, const Watch *watch, double *mu, bool *stopped)
{
  int rank, ranks;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  memset(mu, 0, (size_t)(groups * LANES * k->moments) * sizeof *mu);
  for (int64_t group = 0; group < groups && !*stopped; group += ranks) {
    if (group + rank < groups) moments_of_group(k, group + rank, mu + (group + rank) * LANES * k->moments);
    watch_progress(watch, "spectral density", PetscMin(group + ranks, groups), groups);
    *stopped = watch_stop(watch);
  }
  for (int64_t group = 0; group < groups; group++)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, mu + group * LANES * k->moments, (int)(LANES * k->moments), MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode kernel_create(const Graph *g, int64_t moments, uint64_t key, Kernel *k, double *bound)
{
  Parts *whole;

  PetscFunctionBeginUser;
  *k = (Kernel){.n = g->n, .moments = moments, .key = key};
  PetscCall(parts_create_as(g, 1, NULL, &whole));
  PetscCall(laplacian_create(g, whole, 0, &k->l));
  parts_destroy(&whole);
  /* The bound is reached by bipartite regular graphs: room for the rounding of M's spectrum. */
  *bound   = g->m ? laplacian_bound(k->l) * (1 + 1e-12) : 1;
  k->scale = 2 / *bound;
  k->rows  = (RowRange){0, g->n, k->l->start, k->l->column, k->l->weight};
  PetscCall(PetscMalloc2((size_t)(g->n * LANES), &k->t[0], (size_t)(g->n * LANES), &k->t[1]));
  PetscFunctionReturn(0);
}

PetscErrorCode spectrum_density(MPI_Comm comm, const Graph *g, int64_t moments, int64_t probes, int64_t bins, uint64_t key,
                                const Watch *watch, double *bound, double *x, double *density, double *standard_error)
{
  Kernel  k;
  double *mu;
  bool    stopped = false;

  PetscFunctionBeginUser;
  PetscCheck(g->n >= 1 && moments >= 2 && moments <= 1000000 && probes >= 1 && probes <= 1000000 && bins >= 1, PETSC_COMM_SELF,
             PETSC_ERR_ARG_OUTOFRANGE, "%lld moments, %lld probes, %lld bins of a graph of %lld vertices", (long long)moments,
             (long long)probes, (long long)bins, (long long)g->n);
  const int64_t groups = (probes + LANES - 1) / LANES;
  PetscCall(kernel_create(g, moments, key, &k, bound));
  PetscCall(PetscMalloc1((size_t)(groups * LANES * moments), &mu));
  PetscCall(all_moments(comm, &k, groups, watch, mu, &stopped));
  const double width = *bound / (double)bins;
  for (int64_t b = 0; b < bins; b++) x[b] = ((double)b + 0.5) * width;
  PetscCall(summarise(moments, probes, bins, width, mu, density, standard_error));
  for (int64_t b = 0; b < bins && stopped; b++) density[b] = standard_error[b] = NAN;
  PetscCall(PetscFree(mu));
  PetscCall(PetscFree2(k.t[0], k.t[1]));
  laplacian_destroy(&k.l);
  PetscFunctionReturn(0);
}
