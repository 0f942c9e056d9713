/* SPDX-License-Identifier: BSD-2-Clause
 * A table of short texts with aligned columns. Row 0 is the header; a column that no other row fills is left out. */
#ifndef MYOPIA_GRID_H
#define MYOPIA_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

typedef struct Grid {
  int64_t rows; /* with the header */
  int     columns;
  bool   *left; /* (columns) aligned; numbers go right */
  size_t  size; /* bytes of a cell */
  char   *cell;
} Grid;

Grid  grid_create(int64_t most_rows, int columns, size_t size); /* one row, the header, empty */
void  grid_clear(Grid *);
char *grid_cell(const Grid *, int64_t row, int column);
void  grid_put(const Grid *, int64_t row, int column, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* colours: (rows) escape code of the last column, or NULL. */
void grid_print(const Grid *, const char *const *colours, Text *out);

#endif
