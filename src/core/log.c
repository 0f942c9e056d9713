/* SPDX-License-Identifier: BSD-2-Clause
 * Messages on stderr, each in one write, so that lines of several ranks do not mix. It keeps no file and no levels. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "text.h"

static int log_rank = 0;

void log_set_rank(int world_rank) { log_rank = world_rank; }

bool log_colour(int fd)
{
  const char *no_color = getenv("NO_COLOR"); /* no-color.org: present and not empty */
  /* mpirun puts a pseudo-terminal between a rank and whatever its output really goes to */
  return isatty(fd) && !(no_color && *no_color) && !getenv("OMPI_COMM_WORLD_RANK");
}

static void log_line(const char *colour, const char *severity, const char *format, va_list arguments)
{
  const bool coloured = *severity && log_colour(STDERR_FILENO);
  char      *message  = NULL;
  Text       line     = {0};
  if (vasprintf(&message, format, arguments) < 0) return;
  text_append(&line, "myopia: ");
  if (log_rank != 0) text_add(&line, "rank %d: ", log_rank);
  text_add(&line, "%s%s%s%s\n", coloured ? colour : "", severity, coloured ? "\033[0m" : "", message);
  fputs(text_string(&line), stderr);
  text_clear(&line);
  free(message);
}

void log_info(const char *format, ...)
{
  if (log_rank != 0) return;
  va_list arguments;
  va_start(arguments, format);
  log_line("", "", format, arguments);
  va_end(arguments);
}

void log_warning(const char *format, ...)
{
  if (log_rank != 0) return;
  va_list arguments;
  va_start(arguments, format);
  log_line("\033[33m", "warning: ", format, arguments);
  va_end(arguments);
}

void log_error(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  log_line("\033[31m", "error: ", format, arguments);
  va_end(arguments);
}
