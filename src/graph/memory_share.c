/* SPDX-License-Identifier: BSD-2-Clause
 * The one place that divides a host's free memory among its ranks. Ranks of other groups work there too: the launcher says how many. */
#include "memory_share.h"

#include <math.h>

#include "resource.h"

PetscErrorCode memory_share(MPI_Comm comm, double limit, double *bytes)
{
  MPI_Comm host;
  int      ranks;

  PetscFunctionBeginUser;
  *bytes = limit;
  if (limit <= 0) {
    PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host));
    PetscCallMPI(MPI_Comm_size(host, &ranks));
    PetscCallMPI(MPI_Comm_free(&host));
    ranks  = PetscMax(ranks, resource_processes());
    *bytes = 0.9 * resource_memory_free() / ranks;
    *bytes = isfinite(*bytes) ? fmax(1, *bytes) : 1e18;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, bytes, 1, MPI_DOUBLE, MPI_MIN, comm));
  PetscFunctionReturn(0);
}
