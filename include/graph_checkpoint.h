/* SPDX-License-Identifier: BSD-2-Clause
 * A trained graph model in one file: everything that sampling from it or training it on takes. Format: one line of text with the version,
 * then `name value` lines (specification, process, laws) up to an empty line, then float32 blocks (parameters, average, moments) in the
 * machine's little-endian order, then a checksum of all bytes before. Written to a temporary name, synchronised and renamed. */
#ifndef MYOPIA_GRAPH_CHECKPOINT_H
#define MYOPIA_GRAPH_CHECKPOINT_H

#include "graph_train.h"

enum { ORIGIN_MAX = 8192 };

typedef struct GraphCheckpoint {
  uint64_t       key;  /* of the trial it comes from */
  int64_t        step; /* updates done */
  GraphTrainSpec training;
  Transition    *transition;                /* owned */
  double        *size_frequency;            /* (denoiser.n + 1), owned */
  char          *origin;                    /* one line of text up to ORIGIN_MAX bytes, or NULL (read: ""): what it was trained on; owned */
  float         *theta, *average, *moments; /* (P), (P) or NULL, (moments, P) or NULL; owned */
} GraphCheckpoint;

/* False with the reason in message (a full disk, a read-only folder): nothing is left of the temporary file. */
bool graph_checkpoint_write(const char *path, const GraphCheckpoint *, char message[256]);
/* False with the reason: no such file, not a checkpoint, another version, cut short, damaged, a specification this build refuses. */
bool graph_checkpoint_read(const char *path, GraphCheckpoint **out, char message[256]);
void graph_checkpoint_destroy(GraphCheckpoint **);

#endif
