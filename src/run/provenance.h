/* SPDX-License-Identifier: BSD-2-Clause
 * What made a file: program, libraries, compiler, machine, job. */
#ifndef MYOPIA_PROVENANCE_H
#define MYOPIA_PROVENANCE_H

#include "plan.h"

enum { PROVENANCE_MAX = 16 };

typedef struct Provenance {
  int            n;
  ProvenanceText entry[PROVENANCE_MAX]; /* texts owned */
} Provenance;                           /* start as {0} */

/* Collective on world; complete on rank 0, empty elsewhere. */
PetscErrorCode provenance_collect(MPI_Comm world, const Plan *, Provenance *);
void           provenance_clear(Provenance *);

const char *provenance_version(void); /* "0.1.0" */
const char *provenance_commit(void);  /* git describe at build time, "" outside a checkout */
const char *provenance_compiler(void);
void        provenance_libraries(Text *); /* one library a line */

#endif
