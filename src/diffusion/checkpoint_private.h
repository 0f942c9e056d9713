/* SPDX-License-Identifier: BSD-2-Clause
 * The text of a checkpoint of a graph model, described once for reader and writer. */
#ifndef MYOPIA_CHECKPOINT_PRIVATE_H
#define MYOPIA_CHECKPOINT_PRIVATE_H

#include "graph_checkpoint.h"

/* After the first line come, one a line, `key`, `step`, `origin`, all fields, `abar` (abar_1 .. abar_T), `node_law` (a), `edge_law` (b),
 * `size_frequency` (n + 1), `parameters` P, `average` 0 or 1, `moments` (vectors of the optimizer kept, 0 when none are), an empty line. */
#define CHECKPOINT_FIRST_LINE "myopia graph model"
enum { CHECKPOINT_VERSION = 1, CHECKPOINT_HEADER_MAX = 1 << 20, CHECKPOINT_INT_MAX = 1 << 20 };

typedef enum { FIELD_INT = 0, FIELD_INT64, FIELD_REAL, FIELD_BOOL, FIELD_CHOICE } CheckpointFieldType;
typedef struct CheckpointField {
  const char         *name;
  CheckpointFieldType type; /* INT, CHOICE: 4 bytes at the offset in a GraphTrainSpec */
  size_t              offset;
  const char *const  *choices;
} CheckpointField;
extern const CheckpointField checkpoint_fields[]; /* ends with a name of NULL */

/* Floats after the header. */
int64_t checkpoint_floats(int64_t parameters, bool average, int moments);

#endif
