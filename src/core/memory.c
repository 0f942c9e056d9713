/* SPDX-License-Identifier: BSD-2-Clause
 * Allocation that never returns NULL, for bookkeeping. An exhausted machine cannot even format a message reliably, so the process
 * ends with a fixed one. It does not pool or count: sizes here are those of names and tables. */
#include "memory.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

static _Noreturn void out_of_memory(void)
{
  fputs("myopia: error: out of memory\n", stderr);
  _exit(EXIT_ENVIRONMENT); /* exit handlers would wait for the other ranks */
}

/* calloc and realloc of 0 bytes may return NULL without an error. */
static size_t checked_bytes(size_t n, size_t size)
{
  size_t bytes;
  if (__builtin_mul_overflow(n, size, &bytes)) out_of_memory();
  return bytes ? bytes : 1;
}

void *mem_calloc(size_t n, size_t size)
{
  void *p = calloc(1, checked_bytes(n, size));
  if (!p) out_of_memory();
  return p;
}

void *mem_realloc(void *p, size_t n, size_t size)
{
  void *q = realloc(p, checked_bytes(n, size));
  if (!q) out_of_memory();
  return q;
}

char *mem_strdup(const char *s)
{
  if (!s) return NULL;
  const size_t bytes = strlen(s) + 1;
  return memcpy(mem_calloc(bytes, 1), s, bytes);
}

char *mem_format(const char *format, ...)
{
  va_list arguments;
  char   *out = NULL;
  va_start(arguments, format);
  const int length = vasprintf(&out, format, arguments);
  va_end(arguments);
  if (length < 0) out_of_memory();
  return out;
}

void mem_give_back(void)
{
  (void)mallopt(M_MMAP_MAX, 65536);
  (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
  (void)mallopt(M_TRIM_THRESHOLD, 1 << 24);
}
