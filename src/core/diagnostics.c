/* SPDX-License-Identifier: BSD-2-Clause
 * A list of messages about an input, kept in order of arrival and sorted only when printed. It does not judge: whoever adds an error
 * decides. */
#include "diagnostics.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

typedef struct Message {
  SourceMark mark; /* its file is a copy of ours: messages outlive the tree they are about */
  bool       error;
  char      *text, *file; /* owned */
} Message;

struct Diagnostics {
  int      n, capacity, n_errors;
  Message *message;
  SourceMark (*locate)(const void *ctx, const char *parameter);
  const void *locate_ctx;
};

Diagnostics *diagnostics_create(void) { return mem_calloc(1, sizeof(Diagnostics)); }

void diagnostics_destroy(Diagnostics **d)
{
  if (!d || !*d) return;
  for (int i = 0; i < (*d)->n; i++) {
    free((*d)->message[i].text);
    free((*d)->message[i].file);
  }
  free((*d)->message);
  free(*d);
  *d = NULL;
}

static const char *file_name(SourceMark mark) { return mark.file ? mark.file : ""; }

static int compare_marks(SourceMark a, SourceMark b)
{
  const int by_file = strcmp(file_name(a), file_name(b));
  if (by_file) return by_file;
  if (a.line != b.line) return a.line < b.line ? -1 : 1;
  return (a.column > b.column) - (a.column < b.column);
}

static bool known(const Diagnostics *d, SourceMark mark, bool error, const char *text)
{
  for (int i = 0; i < d->n; i++) {
    const Message *m = &d->message[i];
    if (m->error == error && compare_marks(m->mark, mark) == 0 && strcmp(m->text, text) == 0) return true;
  }
  return false;
}

static void add(Diagnostics *d, SourceMark mark, bool error, const char *format, va_list arguments)
{
  char *text = NULL;
  if (vasprintf(&text, format, arguments) < 0) text = mem_strdup(format);
  if (known(d, mark, error, text)) {
    free(text);
    return;
  }
  if (d->n == d->capacity) {
    d->capacity = d->capacity ? 2 * d->capacity : 8;
    d->message  = mem_realloc(d->message, (size_t)d->capacity, sizeof(Message));
  }
  char *file         = mem_strdup(mark.file);
  mark.file          = file;
  d->message[d->n++] = (Message){.mark = mark, .error = error, .text = text, .file = file};
  d->n_errors += error;
}

void diagnostics_error(Diagnostics *d, SourceMark mark, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  add(d, mark, true, format, arguments);
  va_end(arguments);
}

void diagnostics_warning(Diagnostics *d, SourceMark mark, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  add(d, mark, false, format, arguments);
  va_end(arguments);
}

void diagnostics_set_locator(Diagnostics *d, SourceMark (*locate)(const void *ctx, const char *parameter), const void *ctx)
{
  d->locate     = locate;
  d->locate_ctx = ctx;
}

static SourceMark locate(const Diagnostics *d, const char *parameter)
{
  return d->locate ? d->locate(d->locate_ctx, parameter) : (SourceMark){0};
}

void diagnostics_parameter(Diagnostics *d, const char *parameter, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  add(d, locate(d, parameter), true, format, arguments);
  va_end(arguments);
}

void diagnostics_parameter_warning(Diagnostics *d, const char *parameter, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  add(d, locate(d, parameter), false, format, arguments);
  va_end(arguments);
}

int diagnostics_errors(const Diagnostics *d) { return d->n_errors; }

/* Messages of one position keep their order of arrival: pointers into one array compare by it. */
static int compare_messages(const void *pa, const void *pb)
{
  const Message *a = *(const Message *const *)pa, *b = *(const Message *const *)pb;
  const int      by_mark = compare_marks(a->mark, b->mark);
  if (by_mark) return by_mark;
  return (a > b) - (a < b);
}

static void print_message(const Message *m, FILE *out)
{
  if (m->mark.file) fprintf(out, "%s:", m->mark.file);
  if (m->mark.line > 0) fprintf(out, "%d:", m->mark.line);
  if (m->mark.line > 0 && m->mark.column > 0) fprintf(out, "%d:", m->mark.column);
  fprintf(out, "%s%s: %s\n", m->mark.file || m->mark.line > 0 ? " " : "", m->error ? "error" : "warning", m->text);
}

void diagnostics_print(const Diagnostics *d, FILE *out)
{
  const Message **order = mem_calloc((size_t)d->n, sizeof *order);
  for (int i = 0; i < d->n; i++) order[i] = &d->message[i];
  qsort(order, (size_t)d->n, sizeof *order, compare_messages);
  for (int i = 0; i < d->n; i++) print_message(order[i], out);
  free(order);
  if (d->n_errors) fprintf(out, "%d error%s\n", d->n_errors, d->n_errors == 1 ? "" : "s");
}
