/* SPDX-License-Identifier: BSD-2-Clause
 * Parts of the sketch that its whole-graph and its row-distributed forms share, and the switches that tests turn. */
#ifndef MYOPIA_SKETCH_H
#define MYOPIA_SKETCH_H

#include <math.h>

#include "isa.h"
#include "resistance_methods.h"
#include "sketch_cg.h"

typedef struct SketchSwitches {
  IsaLevel level;
  bool     eliminate;      /* degrees 1 and 2 exactly */
  int64_t  iterations_max; /* of Jacobi's CG, before hypre has its turn; 0: 2000 */
} SketchSwitches;

PetscErrorCode sketch_compute(MPI_Comm, const Graph *, const SketchSwitches *, int64_t n_pairs, const int64_t *u, const int64_t *v,
                              const ResistanceOptions *, ResistanceStats *, double *resistance, double *standard_error);

/* Projections: a multiple of 16, 64 where 0 is asked. Relative residual: 1e-3 where 0 is asked; 1e-5 is the least that float32 vectors and
 * a sampled mean make sense of. */
int64_t sketch_projections(const ResistanceOptions *);
double  sketch_tolerance(const ResistanceOptions *);

/* Exact terms plus mean, and the standard error, of an edge of weight w from its sums over q projections of w (z_u - z_v)^2 and its square;
 * both times scale. */
static inline void sketch_finish_edge(double w, double degree_u, double degree_v, int64_t q, double scale, double *sum, double *square)
{
  const double n = (double)q, mean = *sum / n, variance = (*square / n - mean * mean) / (n - 1);
  *sum    = scale * (1 / degree_u + 1 / degree_v - 2 * w / (degree_u * degree_v) + mean / w);
  *square = scale * (sqrt(fmax(variance, 0)) / w);
}
/* Standard error of the mean of n numbers. */
double sketch_standard_error(int64_t n, const double *value);

#endif
