/* SPDX-License-Identifier: BSD-2-Clause
 * Tables for people: two blanks between columns, none at the end of a line. A character takes one column, which is true of ASCII and of
 * most of UTF-8. */
#include "grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

Grid grid_create(int64_t most_rows, int columns, size_t size)
{
  Grid g = {.rows = 1, .columns = columns, .size = size};
  g.cell = mem_calloc((size_t)(most_rows * columns), size);
  g.left = mem_calloc((size_t)columns, sizeof *g.left);
  return g;
}

void grid_clear(Grid *g)
{
  free(g->cell);
  free(g->left);
  *g = (Grid){0};
}

char *grid_cell(const Grid *g, int64_t row, int column) { return g->cell + (size_t)(row * g->columns + column) * g->size; }

void grid_put(const Grid *g, int64_t row, int column, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(grid_cell(g, row, column), g->size, format, arguments);
  va_end(arguments);
}

/* Characters of UTF-8. */
static size_t width_of_text(const char *s)
{
  size_t n = 0;
  for (; *s; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
  return n;
}

static size_t width_of(const Grid *g, int column)
{
  size_t width = 0;
  bool   used  = false;
  for (int64_t row = 0; row < g->rows; row++) {
    const size_t n = width_of_text(grid_cell(g, row, column));
    if (n > width) width = n;
    used = used || (row > 0 && n > 0);
  }
  return used ? width : 0;
}

void grid_print(const Grid *g, const char *const *colours, Text *out)
{
  size_t *width = mem_calloc((size_t)g->columns, sizeof *width);
  for (int c = 0; c < g->columns; c++) width[c] = width_of(g, c);
  for (int64_t row = 0; row < g->rows; row++) {
    size_t blanks = 2; /* owed before the next text, so that no line ends with some */
    for (int c = 0; c < g->columns; c++) {
      const char  *text   = grid_cell(g, row, c);
      const size_t n      = width_of_text(text);
      const char  *colour = c == g->columns - 1 && colours ? colours[row] : NULL;
      if (width[c] == 0) continue;
      if (!g->left[c]) blanks += width[c] - n;
      if (n > 0) {
        text_add(out, "%*s%s%s%s", (int)blanks, "", colour ? colour : "", text, colour ? "\033[0m" : "");
        blanks = 0;
      }
      blanks += 2 + (g->left[c] ? width[c] - n : 0);
    }
    text_append(out, "\n");
  }
  free(width);
}
