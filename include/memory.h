/* SPDX-License-Identifier: BSD-2-Clause
 * Allocation for bookkeeping (names, tables, messages). These never return NULL: an exhausted machine ends the process with a
 * message and EXIT_ENVIRONMENT. Data whose size grows with the graph or the sweep goes through PetscMalloc and the error chain. */
#ifndef MYOPIA_MEMORY_H
#define MYOPIA_MEMORY_H

#include <stddef.h>

void *mem_calloc(size_t n, size_t size);           /* zeroed; n * size is checked for overflow; free() by the caller */
void *mem_realloc(void *p, size_t n, size_t size); /* as realloc; new bytes are not zeroed */
char *mem_strdup(const char *s);                   /* NULL gives NULL */
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Gives freed memory back to the system again, as glibc does by itself: libsuperlu_dist, which PETSc brings along, turns this off when it
 * is loaded (M_MMAP_MAX 0, M_TRIM_THRESHOLD -1), and a process then stays as large as its largest moment. Call first thing in main. */
void mem_give_back(void);

#endif
