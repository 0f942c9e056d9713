/* SPDX-License-Identifier: BSD-2-Clause
 * A growing string, "did you mean", JSON/CSV quoting, and numbers as text that read back to the same bits. */
#ifndef MYOPIA_TEXT_H
#define MYOPIA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Text {
  char  *s;      /* always NUL-terminated once anything was added; NULL when empty. Owned. */
  size_t length; /* without the NUL */
  size_t capacity;
} Text; /* start as {0} */

void        text_add(Text *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void        text_append(Text *, const char *s);
void        text_add_json(Text *, const char *s); /* s in double quotes with JSON escapes; "null" for NULL */
void        text_add_number(Text *, double x); /* shortest decimal that reads back to the same bits; "null" for NaN and infinities (JSON) */
void        text_add_csv(Text *, const char *s); /* RFC 4180: quoted where needed */
const char *text_string(const Text *);           /* "" when empty */
void        text_clear(Text *);                  /* frees */

/* Writes the shortest decimal of x that strtod reads back to the same bits ("nan", "inf", "-inf" for those). size >= 32. */
void text_number(char *out, size_t size, double x);

/* The candidate nearest to `word` (Damerau-Levenshtein distance <= max(1, length/3)), or NULL. `get(ctx, i)` returns candidate i, NULL
 * after the last. */
const char *text_suggest(const char *word, const char *(*get)(const void *ctx, int i), const void *ctx);

/* Strict whole-string parsers: no leading or trailing blanks, no hex, range-checked. False and *out untouched on failure. Reals accept
 * "nan", "inf" (the caller judges them); integers also accept forms like 1e6 that are exact. */
bool text_parse_int(const char *s, int64_t *out);
bool text_parse_real(const char *s, double *out);
/* "90", "90s", "10m", "2h", "1d", "1:30:00" in seconds; > 0. */
bool text_parse_duration(const char *s, double *seconds);

#endif
