/* SPDX-License-Identifier: BSD-2-Clause
 * Writing a trained graph model: the whole file is put together in memory, hashed (XXH64), written to a temporary name beside its own,
 * synchronised and renamed, so that a reader sees the old file or the new one. Reals are printed with 17 digits, which reads back exactly.
 * Reading: checkpoint_read.c. */
#include "graph_checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint_private.h"
#include "hash.h"
#include "memory.h"

#define AT(member) offsetof(GraphTrainSpec, member)
const CheckpointField checkpoint_fields[] = {
    {"denoiser", FIELD_CHOICE, AT(denoiser.kind), denoiser_names},
    {"nodes", FIELD_INT, AT(denoiser.n), NULL},
    {"node_classes", FIELD_INT, AT(denoiser.a), NULL},
    {"edge_classes", FIELD_INT, AT(denoiser.b), NULL},
    {"T", FIELD_INT, AT(denoiser.T), NULL},
    {"buckets", FIELD_INT, AT(denoiser.buckets), NULL},
    {"node_features", FIELD_INT, AT(denoiser.node_features), NULL},
    {"pair_features", FIELD_INT, AT(denoiser.pair_features), NULL},
    {"graph_features", FIELD_INT, AT(denoiser.graph_features), NULL},
    {"depth", FIELD_INT, AT(denoiser.depth), NULL},
    {"width", FIELD_INT, AT(denoiser.width), NULL},
    {"activation", FIELD_CHOICE, AT(denoiser.activation), activation_names},
    {"node_id", FIELD_BOOL, AT(denoiser.node_id), NULL},
    {"layers", FIELD_INT, AT(denoiser.layers), NULL},
    {"dx", FIELD_INT, AT(denoiser.dx), NULL},
    {"de", FIELD_INT, AT(denoiser.de), NULL},
    {"dy", FIELD_INT, AT(denoiser.dy), NULL},
    {"heads", FIELD_INT, AT(denoiser.heads), NULL},
    {"ff_x", FIELD_INT, AT(denoiser.ff_x), NULL},
    {"ff_e", FIELD_INT, AT(denoiser.ff_e), NULL},
    {"ff_y", FIELD_INT, AT(denoiser.ff_y), NULL},
    {"dropout", FIELD_REAL, AT(denoiser.dropout), NULL},
    {"features", FIELD_INT, AT(features), NULL},
    {"optimizer", FIELD_CHOICE, AT(optimizer.kind), optimizer_names},
    {"learning_rate", FIELD_REAL, AT(optimizer.learning_rate), NULL},
    {"momentum", FIELD_REAL, AT(optimizer.momentum), NULL},
    {"beta1", FIELD_REAL, AT(optimizer.beta1), NULL},
    {"beta2", FIELD_REAL, AT(optimizer.beta2), NULL},
    {"delta", FIELD_REAL, AT(optimizer.delta), NULL},
    {"decay", FIELD_REAL, AT(optimizer.decay), NULL},
    {"rate", FIELD_CHOICE, AT(optimizer.rate), rate_names},
    {"rate_factor", FIELD_REAL, AT(optimizer.rate_factor), NULL},
    {"rate_every", FIELD_INT64, AT(optimizer.rate_every), NULL},
    {"clip", FIELD_REAL, AT(optimizer.clip), NULL},
    {"averaging", FIELD_REAL, AT(optimizer.average), NULL},
    {"loss", FIELD_CHOICE, AT(loss.kind), graph_loss_names},
    {"lambda", FIELD_REAL, AT(loss.lambda), NULL},
    {"omega", FIELD_REAL, AT(loss.omega), NULL},
    {"lambda_e", FIELD_REAL, AT(loss.lambda_e), NULL},
    {"noise", FIELD_CHOICE, AT(noise), edge_noise_names},
    {"steps", FIELD_INT64, AT(steps), NULL},
    {"batch", FIELD_INT, AT(batch), NULL},
    {"shards", FIELD_INT, AT(shards), NULL},
    {NULL, FIELD_INT, 0, NULL},
};
#undef AT

int64_t checkpoint_floats(int64_t parameters, bool average, int moments) { return parameters * (1 + (average ? 1 : 0) + moments); }

static void write_field(FILE *f, const CheckpointField *field, const GraphTrainSpec *spec)
{
  const char *at = (const char *)spec + field->offset;
  int         number;
  int64_t     wide;
  double      real;
  bool        flag;
  switch (field->type) {
  case FIELD_INT: memcpy(&number, at, sizeof number), fprintf(f, "%s %d\n", field->name, number); break;
  case FIELD_INT64: memcpy(&wide, at, sizeof wide), fprintf(f, "%s %lld\n", field->name, (long long)wide); break;
  case FIELD_REAL: memcpy(&real, at, sizeof real), fprintf(f, "%s %.17g\n", field->name, real); break;
  case FIELD_BOOL: memcpy(&flag, at, sizeof flag), fprintf(f, "%s %d\n", field->name, flag); break;
  case FIELD_CHOICE: memcpy(&number, at, sizeof number), fprintf(f, "%s %s\n", field->name, field->choices[number]); break;
  }
}

static void write_reals(FILE *f, const char *name, int64_t n, const double *x)
{
  fputs(name, f);
  for (int64_t i = 0; i < n; i++) fprintf(f, " %.17g", x[i]);
  fputc('\n', f);
}

static void write_header(FILE *f, const GraphCheckpoint *c)
{
  const DenoiserSpec *d = &c->training.denoiser;
  fprintf(f, CHECKPOINT_FIRST_LINE " %d\nkey %llu\nstep %lld\norigin %s\n", CHECKPOINT_VERSION, (unsigned long long)c->key,
          (long long)c->step, c->origin ? c->origin : "");
  for (const CheckpointField *field = checkpoint_fields; field->name; field++) write_field(f, field, &c->training);
  write_reals(f, "abar", c->transition->T, c->transition->abar + 1);
  write_reals(f, "node_law", c->transition->a, c->transition->node);
  write_reals(f, "edge_law", c->transition->b, c->transition->edge);
  write_reals(f, "size_frequency", d->n + 1, c->size_frequency);
  fprintf(f, "parameters %lld\naverage %d\nmoments %d\n\n", (long long)denoiser_parameters(d), c->average != NULL,
          c->moments ? optimizer_moments(&c->training.optimizer) : 0);
}

/* The whole file. free() by the caller; NULL: no memory. */
static char *whole_file(const GraphCheckpoint *c, size_t *size)
{
  const int64_t parameters = denoiser_parameters(&c->training.denoiser);
  char         *bytes      = NULL;
  FILE         *f          = open_memstream(&bytes, size);
  if (!f) return NULL;
  write_header(f, c);
  fwrite(c->theta, sizeof(float), (size_t)parameters, f);
  if (c->average) fwrite(c->average, sizeof(float), (size_t)parameters, f);
  if (c->moments) fwrite(c->moments, sizeof(float), (size_t)(parameters * optimizer_moments(&c->training.optimizer)), f);
  fflush(f);
  const uint64_t sum = hash_bytes(0, bytes, *size);
  fwrite(&sum, sizeof sum, 1, f);
  const bool failed = ferror(f) != 0;
  if (fclose(f) == 0 && !failed) return bytes;
  free(bytes);
  return NULL;
}

/* 0 or an errno. */
static int write_bytes(int fd, const char *bytes, size_t size)
{
  while (size > 0) {
    const ssize_t n = write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes += n;
    size -= (size_t)n;
  }
  return fsync(fd) && errno != EINVAL && errno != ENOTSUP ? errno : 0;
}

/* The name is safe once its folder is; where folders cannot be synchronised, nothing is lost but that. */
static void sync_folder(const char *path)
{
  char     *copy = mem_strdup(path);
  const int fd   = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    (void)fsync(fd);
    close(fd);
  }
  free(copy);
}

static int write_file(const char *path, const char *bytes, size_t size)
{
  char *name = mem_format("%s.%ld.tmp", path, (long)getpid());
  int   fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), code = fd < 0 ? errno : 0;
  if (fd >= 0) {
    code = write_bytes(fd, bytes, size);
    if (close(fd) && !code) code = errno;
    if (!code && rename(name, path)) code = errno;
    if (code) unlink(name);
  }
  if (!code) sync_folder(path);
  free(name);
  return code;
}

bool graph_checkpoint_write(const char *path, const GraphCheckpoint *c, char message[256])
{
  struct stat status;
  size_t      size;
  if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
    snprintf(message, 256, "%.180s: is there already and no file", path);
    return false;
  }
  if (c->origin && (strlen(c->origin) > ORIGIN_MAX || strchr(c->origin, '\n'))) {
    snprintf(message, 256, "the origin of a checkpoint is one line of at most %d bytes", ORIGIN_MAX);
    return false;
  }
  char *bytes = whole_file(c, &size);
  if (!bytes) {
    snprintf(message, 256, "%.180s: no memory for a checkpoint", path);
    return false;
  }
  const int code = write_file(path, bytes, size);
  free(bytes);
  if (code) snprintf(message, 256, "%.180s: cannot write: %s", path, strerror(code));
  return code == 0;
}

void graph_checkpoint_destroy(GraphCheckpoint **checkpoint)
{
  GraphCheckpoint *c = *checkpoint;
  if (!c) return;
  transition_destroy(&c->transition);
  free(c->size_frequency);
  free(c->origin);
  free(c->theta);
  free(c->average);
  free(c->moments);
  free(c);
  *checkpoint = NULL;
}
