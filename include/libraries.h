/* SPDX-License-Identifier: BSD-2-Clause
 * Versions of the numerical libraries as text, for provenance, `myopia version` and `myopia doctor`. Neither MPI nor PETSc need be
 * initialised. out: (size) bytes, always terminated. */
#ifndef MYOPIA_LIBRARIES_H
#define MYOPIA_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>

void libraries_petsc(char *out, size_t size);     /* "3.18.5", the loaded one; "3.18.5 (headers 3.18.4)" where the headers differ */
void libraries_slepc(char *out, size_t size);     /* the same */
void libraries_blas(char *out, size_t size);      /* version and build options of OpenBLAS */
void libraries_blas_core(char *out, size_t size); /* the kernels it chose for this processor, as "SkylakeX" */
bool libraries_agree(void);                       /* PETSc and SLEPc: loaded and headers have one major.minor version */

/* Threads of BLAS in this process: one a rank. OPENBLAS_NUM_THREADS is read when the library is loaded, before main could set it. */
void libraries_one_thread(void);

#endif
