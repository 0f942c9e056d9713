/* SPDX-License-Identifier: BSD-2-Clause
 * All errors of an input at once, as `file:line:col: error: message`. Errors in a --set style override use the file name
 * "command line", the argument's number as line and the column inside it. */
#ifndef MYOPIA_DIAGNOSTICS_H
#define MYOPIA_DIAGNOSTICS_H

#include <stdio.h>

typedef struct SourceMark {
  const char *file;         /* not owned: diagnostics copy it */
  int         line, column; /* 1-based; line 0: no position known */
} SourceMark;

typedef struct Diagnostics Diagnostics;

Diagnostics *diagnostics_create(void);
void         diagnostics_destroy(Diagnostics **);

/* Adds one error; an identical (mark, message) is kept once. */
void diagnostics_error(Diagnostics *, SourceMark, const char *format, ...) __attribute__((format(printf, 3, 4)));
void diagnostics_warning(Diagnostics *, SourceMark, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* While a locator is set, diagnostics_parameter() finds the mark of a parameter by its name: an experiment's check() knows names only. The
 * message is printed as it is: it names the parameter itself. */
void diagnostics_set_locator(Diagnostics *, SourceMark (*locate)(const void *ctx, const char *parameter), const void *ctx);
void diagnostics_parameter(Diagnostics *, const char *parameter, const char *format, ...) __attribute__((format(printf, 3, 4)));
void diagnostics_parameter_warning(Diagnostics *, const char *parameter, const char *format, ...) __attribute__((format(printf, 3, 4)));

int diagnostics_errors(const Diagnostics *);
/* Sorted by position, errors and warnings, one line each, then a count line "N errors" when there are any. */
void diagnostics_print(const Diagnostics *, FILE *);

#endif
