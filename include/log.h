/* SPDX-License-Identifier: BSD-2-Clause
 * The log on stderr: "myopia: message", written by one rank only (log_set_rank), in colours where log_colour() allows them. */
#ifndef MYOPIA_LOG_H
#define MYOPIA_LOG_H

#include <stdbool.h>

void log_set_rank(int world_rank); /* ranks other than 0 are silent except log_error */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2))); /* any rank, with its number when it is not 0 */
bool log_colour(int fd); /* true when fd is a terminal, NO_COLOR is unset, and no mpirun stands between */

#endif
