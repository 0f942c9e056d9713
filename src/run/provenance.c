/* SPDX-License-Identifier: BSD-2-Clause
 * Gathers the provenance of a run. */
#include "provenance.h"

#include <stdlib.h>
#include <string.h>

#include "isa.h"
#include "libraries.h"
#include "memory.h"

const char *provenance_version(void) { return MYOPIA_VERSION; }
const char *provenance_commit(void) { return MYOPIA_GIT; }
const char *provenance_compiler(void) { return MYOPIA_COMPILER; }

void provenance_libraries(Text *out)
{
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = "", line[256];
  int  length                              = 0;
  MPI_Get_library_version(mpi, &length); /* allowed before MPI_Init */
  mpi[strcspn(mpi, ",\n")] = 0;
  text_add(out, "MPI %s (headers Open MPI %d.%d.%d)\n", mpi, OMPI_MAJOR_VERSION, OMPI_MINOR_VERSION, OMPI_RELEASE_VERSION);
  libraries_petsc(line, sizeof line);
  text_add(out, "PETSc %s\n", line);
  libraries_slepc(line, sizeof line);
  text_add(out, "SLEPc %s\n", line);
  results_library_version(line, sizeof line);
  text_add(out, "HDF5 %s\n", line);
  libraries_blas(line, sizeof line);
  text_add(out, "BLAS %s\n", line);
}

static void add(Provenance *p, const char *name, const char *text) { p->entry[p->n++] = (ProvenanceText){name, mem_strdup(text)}; }

/* "rank host" of every rank, one a line, on rank 0. */
static PetscErrorCode hosts(MPI_Comm world, Text *out)
{
  char name[MPI_MAX_PROCESSOR_NAME] = "", *all;
  int  length, rank, size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(world, &rank));
  PetscCallMPI(MPI_Comm_size(world, &size));
  PetscCallMPI(MPI_Get_processor_name(name, &length));
  all = mem_calloc(rank == 0 ? (size_t)size : 1, sizeof name);
  PetscCallMPI(MPI_Gather(name, (int)sizeof name, MPI_CHAR, all, (int)sizeof name, MPI_CHAR, 0, world));
  for (int r = 0; rank == 0 && r < size; r++) text_add(out, "%d %s\n", r, all + (size_t)r * sizeof name);
  free(all);
  PetscFunctionReturn(0);
}

static void slurm(Text *out)
{
  static const char *const names[] = {"SLURM_JOB_ID",       "SLURM_ARRAY_JOB_ID",  "SLURM_ARRAY_TASK_ID",
                                      "SLURM_JOB_NAME",     "SLURM_JOB_PARTITION", "SLURM_JOB_ACCOUNT",
                                      "SLURM_JOB_NODELIST", "SLURM_NTASKS",        "SLURM_RESTART_COUNT"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (getenv(names[i])) text_add(out, "%s=%s\n", names[i], getenv(names[i]));
}

PetscErrorCode provenance_collect(MPI_Comm world, const Plan *plan, Provenance *p)
{
  Text host = {0}, job = {0}, library = {0};
  char core[128];
  int  rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(world, &rank));
  PetscCall(hosts(world, &host));
  if (rank == 0) {
    slurm(&job);
    provenance_libraries(&library);
    libraries_blas_core(core, sizeof core);
    add(p, "input", plan->input);
    add(p, "resolved_scientific", text_string(&plan->scientific));
    add(p, "resolved_execution", text_string(&plan->execution));
    add(p, "libraries", text_string(&library));
    add(p, "hosts", text_string(&host));
    add(p, "slurm", text_string(&job));
    add(p, "compiler", provenance_compiler());
    add(p, "isa_level", isa_name(isa_level()));
    add(p, "blas_core", core);
    add(p, "software_version", provenance_version());
    add(p, "git_commit", provenance_commit());
  }
  text_clear(&host);
  text_clear(&job);
  text_clear(&library);
  PetscFunctionReturn(0);
}

void provenance_clear(Provenance *p)
{
  for (int i = 0; i < p->n; i++) free((void *)(uintptr_t)p->entry[i].text);
  p->n = 0;
}
