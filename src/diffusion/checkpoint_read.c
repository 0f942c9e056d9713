/* SPDX-License-Identifier: BSD-2-Clause
 * Reading a trained graph model. The header is read and judged first, and the file's size must be what it says, before anything of that
 * size is allocated; then the checksum of the whole file, then its floats. Nothing the file says is believed: numbers have ranges, laws
 * are laws, the specification must be one that this build accepts. Files are of the same byte order. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint_private.h"
#include "hash.h"
#include "memory.h"
#include "train_private.h"

typedef struct Reader {
  const char      *path;
  int              fd;
  int64_t          size; /* of the file */
  char            *bytes;
  int64_t          header; /* length of the header with its empty line */
  char            *at;     /* the next line of the header, which is cut into strings */
  char            *message;
  GraphCheckpoint *c;
} Reader;

static bool refuse(Reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(Reader *r, const char *format, ...)
{
  char    text[160];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  for (char *c = text; *c; c++) /* what a damaged file says may be anything */
    if (!isprint((unsigned char)*c)) *c = '?';
  snprintf(r->message, 256, "%.90s: %s", r->path, text);
  return false;
}

/* Up to `size` bytes from the file's beginning; false with an errno. */
static bool read_bytes(Reader *r, int64_t size)
{
  int64_t done = 0;
  while (done < size) {
    const ssize_t n = pread(r->fd, r->bytes + done, (size_t)(size - done), (off_t)done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refuse(r, "cannot read: %s", strerror(errno));
    if (n == 0) return refuse(r, "cut short");
    done += n;
  }
  return true;
}

static bool open_file(Reader *r)
{
  struct stat status;
  r->fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (r->fd < 0 || fstat(r->fd, &status)) return refuse(r, "cannot read: %s", strerror(errno));
  if (!S_ISREG(status.st_mode)) return refuse(r, "not a file");
  r->size = (int64_t)status.st_size;
  return true;
}

/* The first line, and where the header ends. */
static bool find_header(Reader *r)
{
  const int64_t most  = r->size < CHECKPOINT_HEADER_MAX ? r->size : CHECKPOINT_HEADER_MAX;
  const size_t  first = strlen(CHECKPOINT_FIRST_LINE);
  r->bytes            = mem_calloc((size_t)most + 1, 1);
  if (!read_bytes(r, most)) return false;
  if ((size_t)most < first || memcmp(r->bytes, CHECKPOINT_FIRST_LINE, first) != 0) return refuse(r, "not a graph model of myopia");
  const int version = atoi(r->bytes + first);
  if (version != CHECKPOINT_VERSION) return refuse(r, "a graph model of version %d, this build reads %d", version, CHECKPOINT_VERSION);
  const char *end = memmem(r->bytes, (size_t)most, "\n\n", 2);
  if (!end) return refuse(r, "cut short: its header does not end");
  if (memchr(r->bytes, 0, (size_t)(end - r->bytes))) return refuse(r, "damaged: its header is no text");
  r->header = end + 2 - r->bytes;
  return true;
}

/* The value of the next line, whose name must be this one; NULL with a refusal. */
static char *next_value(Reader *r, const char *name)
{
  const size_t length = strlen(name);
  char        *line = r->at, *end = line ? strchr(line, '\n') : NULL;
  if (!end || strncmp(line, name, length) != 0 || line[length] != ' ') {
    refuse(r, "damaged: no %s where it should be", name);
    return NULL;
  }
  *end  = 0;
  r->at = end + 1;
  return line + length + 1;
}

static bool read_whole(Reader *r, const char *name, int64_t least, int64_t most, int64_t *out)
{
  char *text = next_value(r, name), *end;
  if (!text) return false;
  errno               = 0;
  const long long got = strtoll(text, &end, 10);
  if (errno || end == text || *end || got < least || got > most) return refuse(r, "damaged: %s is %.40s", name, text);
  *out = got;
  return true;
}

/* n finite reals. */
static bool read_reals(Reader *r, const char *name, int64_t n, double *out)
{
  char *text = next_value(r, name), *end;
  if (!text) return false;
  for (int64_t i = 0; i < n; i++) {
    out[i] = strtod(text, &end);
    if (end == text || !isfinite(out[i])) return refuse(r, "damaged: number %lld of %s is %.20s", (long long)i + 1, name, text);
    text = end;
  }
  if (*text) return refuse(r, "damaged: %s has more than %lld numbers", name, (long long)n);
  return true;
}

static bool read_choice(Reader *r, const CheckpointField *field, int *out)
{
  const char *text = next_value(r, field->name);
  if (!text) return false;
  for (*out = 0; field->choices[*out]; ++*out)
    if (strcmp(field->choices[*out], text) == 0) return true;
  return refuse(r, "damaged: %s is %.40s", field->name, text);
}

static bool read_field(Reader *r, const CheckpointField *field)
{
  char   *to = (char *)&r->c->training + field->offset;
  int64_t wide;
  double  real;
  int     number;
  bool    flag;
  switch (field->type) {
  case FIELD_INT:
    if (!read_whole(r, field->name, 0, CHECKPOINT_INT_MAX, &wide)) return false;
    number = (int)wide;
    memcpy(to, &number, sizeof number);
    return true;
  case FIELD_INT64:
    if (!read_whole(r, field->name, 0, INT64_MAX, &wide)) return false;
    memcpy(to, &wide, sizeof wide);
    return true;
  case FIELD_BOOL:
    if (!read_whole(r, field->name, 0, 1, &wide)) return false;
    flag = wide == 1;
    memcpy(to, &flag, sizeof flag);
    return true;
  case FIELD_REAL:
    if (!read_reals(r, field->name, 1, &real)) return false;
    memcpy(to, &real, sizeof real);
    return true;
  case FIELD_CHOICE:
    if (!read_choice(r, field, &number)) return false;
    memcpy(to, &number, sizeof number);
    return true;
  }
  return false;
}

static bool read_key(Reader *r)
{
  char *text = next_value(r, "key"), *end;
  if (!text) return false;
  errno     = 0;
  r->c->key = strtoull(text, &end, 10);
  if (errno || end == text || *end || !isdigit((unsigned char)*text)) return refuse(r, "damaged: key is %.40s", text);
  return true;
}

static bool read_training(Reader *r)
{
  GraphCheckpoint    *c = r->c;
  const DenoiserSpec *d = &c->training.denoiser;
  char                text[256];
  if (!next_value(r, CHECKPOINT_FIRST_LINE) || !read_key(r) || !read_whole(r, "step", 0, INT64_MAX, &c->step)) return false;
  const char *origin = next_value(r, "origin");
  if (!origin) return false;
  c->origin = mem_strdup(origin);
  for (const CheckpointField *field = checkpoint_fields; field->name; field++)
    if (!read_field(r, field)) return false;
  if (d->T < 1 || d->T > TRANSITION_STEPS_MAX) return refuse(r, "T is %d", d->T);
  const char *what = graph_train_check(&c->training, c->training.batch > 0 ? c->training.batch : INT_MAX, text);
  if (what) return refuse(r, "%.150s", what);
  if (c->step > c->training.steps) return refuse(r, "damaged: step %lld of %lld", (long long)c->step, (long long)c->training.steps);
  return true;
}

/* k probabilities that sum to 1. */
static bool read_law(Reader *r, const char *name, int64_t k, double *law)
{
  double sum = 0;
  if (!read_reals(r, name, k, law)) return false;
  for (int64_t i = 0; i < k; i++) {
    if (law[i] < 0) return refuse(r, "damaged: %s has a probability of %g", name, law[i]);
    sum += law[i];
  }
  return fabs(sum - 1) < 1e-6 ? true : refuse(r, "damaged: %s sums to %.9g", name, sum);
}

/* The laws as they stand in the file, not as they would be made from a data set again. */
static bool read_transition(Reader *r, double *given, double *abar)
{
  const DenoiserSpec *d                     = &r->c->training.denoiser;
  double              node[SET_CLASSES_MAX] = {0}, edge[SET_CLASSES_MAX] = {0};
  char                text[256];
  if (!read_reals(r, "abar", d->T, given)) return false;
  const char *what = transition_schedule(ABAR_USER, d->T, d->T, given, abar, text);
  if (what) return refuse(r, "%.150s", what);
  if (!read_law(r, "node_law", d->a, node) || !read_law(r, "edge_law", d->b, edge)) return false;
  const GraphSetStats stats = {.node_marginal = node, .edge_marginal = edge};
  if (transition_create(d->T, abar, TRANSITION_MARGINAL, &stats, d->a, d->b, &r->c->transition))
    return refuse(r, "no memory for its process");
  abar[0] = 1;
  memcpy(abar + 1, given, (size_t)d->T * sizeof *abar);
  memcpy(r->c->transition->abar, abar, ((size_t)d->T + 1) * sizeof *abar);
  memcpy(r->c->transition->node, node, sizeof node);
  memcpy(r->c->transition->edge, edge, sizeof edge);
  return true;
}

static bool read_laws(Reader *r)
{
  const DenoiserSpec *d     = &r->c->training.denoiser;
  double             *given = mem_calloc((size_t)d->T, sizeof *given), *abar = mem_calloc((size_t)d->T + 1, sizeof *abar);
  bool                good = read_transition(r, given, abar);
  free(given);
  free(abar);
  r->c->size_frequency = mem_calloc((size_t)d->n + 1, sizeof *r->c->size_frequency);
  return good && read_law(r, "size_frequency", d->n + 1, r->c->size_frequency);
}

/* What blocks follow, and that the file is as long as they are. */
static bool read_sizes(Reader *r, int64_t *parameters, bool *average, int *moments)
{
  const OptimizerSpec *o        = &r->c->training.optimizer;
  const int64_t        expected = denoiser_parameters(&r->c->training.denoiser);
  int64_t              with_average, vectors;
  if (!read_whole(r, "parameters", 0, INT64_MAX, parameters)) return false;
  if (*parameters != expected) return refuse(r, "%lld parameters for a denoiser of %lld", (long long)*parameters, (long long)expected);
  if (!read_whole(r, "average", 0, o->average > 0 ? 1 : 0, &with_average) || !read_whole(r, "moments", 0, optimizer_moments(o), &vectors))
    return false;
  if (vectors != 0 && vectors != optimizer_moments(o)) return refuse(r, "damaged: moments is %lld", (long long)vectors);
  *average           = with_average > 0;
  *moments           = (int)vectors;
  const int64_t size = r->header + checkpoint_floats(*parameters, *average, *moments) * (int64_t)sizeof(float) + (int64_t)sizeof(uint64_t);
  if (r->size < size) return refuse(r, "cut short: %lld bytes of %lld", (long long)r->size, (long long)size);
  if (r->size > size) return refuse(r, "damaged: %lld bytes instead of %lld", (long long)r->size, (long long)size);
  return true;
}

static bool check_sum(Reader *r)
{
  uint64_t      sum;
  const int64_t size = r->size - (int64_t)sizeof sum;
  free(r->bytes);
  r->bytes = malloc((size_t)r->size + 1);
  if (!r->bytes) return refuse(r, "no memory for %lld bytes", (long long)r->size);
  if (!read_bytes(r, r->size)) return false;
  memcpy(&sum, r->bytes + size, sizeof sum);
  return hash_bytes(0, r->bytes, (size_t)size) == sum ? true : refuse(r, "damaged: its checksum differs");
}

static bool take_floats(Reader *r, int64_t n, const char **from, float **out)
{
  if (train_floats(n, out)) return refuse(r, "no memory for %lld parameters", (long long)n);
  memcpy(*out, *from, (size_t)n * sizeof **out);
  *from += n * (int64_t)sizeof **out;
  return true;
}

static bool read_all(Reader *r)
{
  int64_t parameters = 0;
  bool    average    = false;
  int     moments    = 0;
  if (!open_file(r) || !find_header(r)) return false;
  r->bytes[r->header - 1] = 0; /* of the empty line: lines before end with their own newline */
  r->at                   = r->bytes;
  if (!read_training(r) || !read_laws(r) || !read_sizes(r, &parameters, &average, &moments) || !check_sum(r)) return false;
  const char *from = r->bytes + r->header;
  if (!take_floats(r, parameters, &from, &r->c->theta)) return false;
  if (average && !take_floats(r, parameters, &from, &r->c->average)) return false;
  return moments == 0 || take_floats(r, moments * parameters, &from, &r->c->moments);
}

bool graph_checkpoint_read(const char *path, GraphCheckpoint **out, char message[256])
{
  Reader     r    = {.path = path, .fd = -1, .message = message, .c = mem_calloc(1, sizeof *r.c)};
  const bool good = read_all(&r);
  if (r.fd >= 0) close(r.fd);
  free(r.bytes);
  if (!good) graph_checkpoint_destroy(&r.c);
  *out = r.c;
  return good;
}
