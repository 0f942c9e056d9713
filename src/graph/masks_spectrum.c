/* SPDX-License-Identifier: BSD-2-Clause
 * Laplacian spectra of small graphs given by bits: LAPACK's dsyevd on the dense matrix, in the caller's memory. */
#include "graph_features.h"

#include <math.h>
#include <string.h>

#include "lapack.h"

/* Of dsyevd: with vectors 1 + 6 n + 2 n^2 doubles and 3 + 5 n integers; and n^2 for the matrix when no vectors are wanted. */
static int64_t lapack_doubles(int n) { return 1 + 6 * (int64_t)n + 2 * (int64_t)n * n; }
static int64_t lapack_integers(int n) { return 3 + 5 * (int64_t)n; }

/* features_fill keeps vectors and values in front of what is needed here. */
int64_t masks_spectrum_work(int n) { return 2 * (int64_t)n * n + n + lapack_doubles(n) + lapack_integers(n); }

static void laplacian(int n, const uint64_t *adjacency, bool normalised, double *a)
{
  double scale[64];
  for (int i = 0; i < n; i++) {
    const int degree = __builtin_popcountll(adjacency[i]);
    scale[i]         = !normalised ? 1 : degree > 0 ? 1 / sqrt((double)degree) : 0;
    memset(a + (size_t)i * (size_t)n, 0, (size_t)n * sizeof *a);
    a[i * n + i] = normalised ? degree > 0 : degree;
  }
  for (int i = 0; i < n; i++)
    for (uint64_t rest = adjacency[i]; rest; rest &= rest - 1) {
      const int j  = __builtin_ctzll(rest);
      a[i * n + j] = -scale[i] * scale[j];
    }
}

PetscErrorCode masks_spectrum(int n, const uint64_t *adjacency, bool normalised, double *value, double *vector, double *work)
{
  double *const       a       = vector ? vector : work;
  double *const       room    = vector ? work : work + (size_t)n * (size_t)n;
  const int64_t       doubles = vector ? lapack_doubles(n) : 1 + 2 * (int64_t)n;
  PetscBLASInt        order = n, n_doubles = (PetscBLASInt)doubles, n_integers = (PetscBLASInt)lapack_integers(n), info = 0;
  PetscBLASInt *const integers = (PetscBLASInt *)(void *)(room + doubles);

  PetscFunctionBeginUser;
  if (n == 0) PetscFunctionReturn(0);
  laplacian(n, adjacency, normalised, a);
  PetscCallBLAS("dsyevd", dsyevd_(vector ? "V" : "N", "L", &order, a, &order, value, room, &n_doubles, integers, &n_integers, &info));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "dsyevd of a Laplacian of order %d: info = %d", n, (int)info);
  PetscFunctionReturn(0);
}
