/* SPDX-License-Identifier: BSD-2-Clause
 * What stands between generators or readers and graphs: a merged, sorted edge list. */
#ifndef MYOPIA_SOURCE_H
#define MYOPIA_SOURCE_H

#include "edge_list.h"
#include "graph_source.h"

typedef struct Source {
  int64_t  n;
  EdgeList list; /* sorted by (u, v), each edge once; weight NULL: all 1 */
  int64_t *id;   /* (n) the file's own numbers (from 1 in matrices and METIS); NULL: 0 .. n - 1 */
} Source;        /* start as {0} */

void source_clear(Source *);
/* Adds a line "path:number: message", or "path: message" for line 0; what is more than a dozen is dropped. */
void source_error(GraphErrors *, const char *path, int64_t line, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Reads a whole file; faults in errors. Fills the report but for components, isolated and dropped. */
PetscErrorCode source_read(const GraphSpec *, Source *, GraphReport *, GraphErrors *);
/* Mean number and bound of the header or size of a file; -1, -1 when it cannot be read. */
void source_estimate_file(const GraphSpec *, int64_t *n, int64_t *m);

#endif
