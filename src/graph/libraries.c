/* SPDX-License-Identifier: BSD-2-Clause
 * Versions of PETSc, SLEPc and OpenBLAS as text: of the libraries that are loaded now, and of the headers this was compiled against; they
 * differ after an upgrade of the system. It does not ask for MPI or HDF5, which their own users do. */
#include "libraries.h"

#include <cblas.h>
#include <slepcsys.h>
#include <stdio.h>
#include <string.h>

typedef struct Version {
  PetscInt major, minor, subminor;
} Version;

static const Version petsc_headers = {PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, PETSC_VERSION_SUBMINOR};
static const Version slepc_headers = {SLEPC_VERSION_MAJOR, SLEPC_VERSION_MINOR, SLEPC_VERSION_SUBMINOR};

static Version loaded(PetscErrorCode (*ask)(PetscInt *, PetscInt *, PetscInt *, PetscInt *))
{
  Version v = {0, 0, 0};
  (void)ask(&v.major, &v.minor, &v.subminor, NULL);
  return v;
}

static void write_version(char *out, size_t size, Version v, Version headers)
{
  char compiled[64];
  snprintf(compiled, sizeof compiled, "%d.%d.%d", (int)headers.major, (int)headers.minor, (int)headers.subminor);
  snprintf(out, size, "%d.%d.%d", (int)v.major, (int)v.minor, (int)v.subminor);
  if (strcmp(out, compiled) == 0) return;
  const size_t used = strlen(out);
  snprintf(out + used, size - used, " (headers %s)", compiled);
}

static bool same_series(Version a, Version b) { return a.major == b.major && a.minor == b.minor; }

void libraries_petsc(char *out, size_t size) { write_version(out, size, loaded(PetscGetVersionNumber), petsc_headers); }
void libraries_slepc(char *out, size_t size) { write_version(out, size, loaded(SlepcGetVersionNumber), slepc_headers); }
void libraries_blas(char *out, size_t size) { snprintf(out, size, "%s", openblas_get_config()); }
void libraries_blas_core(char *out, size_t size) { snprintf(out, size, "%s", openblas_get_corename()); }

bool libraries_agree(void)
{
  return same_series(loaded(PetscGetVersionNumber), petsc_headers) && same_series(loaded(SlepcGetVersionNumber), slepc_headers);
}

void libraries_one_thread(void) { openblas_set_num_threads(1); }
