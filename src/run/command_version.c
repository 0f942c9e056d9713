/* SPDX-License-Identifier: BSD-2-Clause
 * `myopia version`: own version, commit, libraries, kernels. */
#include <stdio.h>

#include "cli.h"
#include "error.h"
#include "isa.h"
#include "libraries.h"
#include "provenance.h"

static int run(const Arguments *a)
{
  Text out = {0};
  char core[128];
  (void)a;
  text_add(&out, "myopia %s (%s)\n", provenance_version(), *provenance_commit() ? provenance_commit() : "no commit recorded");
  provenance_libraries(&out);
  libraries_blas_core(core, sizeof core);
  text_add(&out, "BLAS core %s\nkernels %s\ncompiler %s\n", core, isa_name(isa_level()), provenance_compiler());
  fputs(text_string(&out), stdout);
  text_clear(&out);
  return EXIT_VALID;
}

const Command command_version = {
    .name = "version", .arguments = "", .summary = "own version, commit, MPI, PETSc, SLEPc, HDF5, BLAS", .options = "", .run = run};
