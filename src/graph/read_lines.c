/* SPDX-License-Identifier: BSD-2-Clause
 * Lines and numbers. Lines are cut out of large blocks that zlib reads (plain files pass through it unchanged); numbers are read in place:
 * integers digit by digit, reals by Clinger's fast path (PLDI 1990: a mantissa below 2^53 times or over an exact power of ten is rounded
 * once, so correct), else by strtod. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "memory.h"
#include "read.h"

#define BLOCK ((size_t)1 << 20)
#define LONGEST ((size_t)1 << 31)

/* Appends a block; false at the end of the file. */
static bool refill(Lines *l)
{
  if (l->done || l->failure) return false;
  if (l->begin > 0) {
    memmove(l->buffer, l->buffer + l->begin, l->end - l->begin);
    l->end -= l->begin;
    l->scanned -= l->begin;
    l->begin = 0;
  }
  if (l->end > LONGEST) {
    l->failure = "a line of more than 2 GiB: this is no text";
    return false;
  }
  if (l->capacity - l->end <= BLOCK) {
    l->capacity = 2 * l->capacity + 2 * BLOCK;
    l->buffer   = mem_realloc(l->buffer, l->capacity, 1);
  }
  int       code = Z_OK;
  const int got  = gzread(l->file, l->buffer + l->end, (unsigned)BLOCK);
  if (got > 0) l->end += (size_t)got;
  const char *why = gzerror(l->file, &code);
  if (got <= 0) l->done = true;
  if (code == Z_BUF_ERROR && got <= 0)
    l->failure = "the gzip data is truncated";
  else if (code == Z_DATA_ERROR)
    l->failure = "the gzip data is damaged";
  else if (got < 0)
    l->failure = code == Z_ERRNO ? "the file cannot be read to its end" : why;
  return got > 0;
}

void lines_peek(Lines *l)
{
  while (l->end - l->begin < BLOCK && refill(l)) {}
}

bool lines_next(Lines *l, char **line)
{
  char *stop = NULL;
  for (;;) {
    if (l->end > l->scanned) stop = memchr(l->buffer + l->scanned, '\n', l->end - l->scanned);
    if (stop) break;
    l->scanned = l->end;
    if (!refill(l)) break;
  }
  if (l->failure || (!stop && l->begin == l->end)) return false;
  if (!stop) stop = l->buffer + l->end; /* the last line without its end; a block always leaves room for one more byte */
  *line      = l->buffer + l->begin;
  l->begin   = (size_t)(stop - l->buffer) + (l->begin + (size_t)(stop - *line) < l->end);
  l->scanned = l->begin;
  l->number++;
  *stop = 0;
  if (stop > *line && stop[-1] == '\r') *--stop = 0;
  if (memchr(*line, 0, (size_t)(stop - *line))) {
    l->failure = "a zero byte: this is binary data, no text";
    return false;
  }
  return true;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* To the next number; at most one comma on the way. */
static char *skip(char *p)
{
  while (is_blank(*p)) p++;
  if (*p != ',') return p;
  p++;
  while (is_blank(*p)) p++;
  return p;
}

static bool ends_word(char c) { return c == 0 || is_blank(c) || c == ','; }

bool scan_end(char **at)
{
  *at = skip(*at);
  return **at == 0;
}

bool scan_skip(char **at)
{
  if (scan_end(at)) return false;
  while (!ends_word(**at)) ++*at;
  return true;
}

bool scan_comment(char **at, const char *marks)
{
  while (is_blank(**at) || **at == '\r') ++*at;
  return **at == 0 || strchr(marks, **at) != NULL;
}

Scan scan_int(char **at, int64_t *out)
{
  char *p = *at = skip(*at);
  if (*p == 0) return SCAN_END;
  const bool negative = *p == '-';
  if (*p == '-' || *p == '+') p++;
  const char *const first = p;
  uint64_t          value = 0;
  while (*p >= '0' && *p <= '9') {
    if (value < UINT64_C(1) << 63) value = value > (UINT64_MAX >> 1) / 10 ? UINT64_C(1) << 63 : value * 10 + (uint64_t)(*p - '0');
    p++;
  }
  if (p == first || !ends_word(*p)) return SCAN_BAD;
  if (value > (uint64_t)READ_LARGEST_ID) return SCAN_BIG;
  *out = negative ? -(int64_t)value : (int64_t)value;
  *at  = p;
  return SCAN_OK;
}

/* Digits of a decimal number as mantissa 10^power; false when they do not fit or it is no number. Leaves *end behind it. */
static bool scan_decimal(char *p, char **end, uint64_t *mantissa, int *power, bool *number)
{
  int  digits = 0, fraction = 0, exponent = 0;
  bool exact = true;
  *mantissa  = 0;
  for (bool point = false;; p++) {
    if (*p == '.' && !point) {
      point = true;
      continue;
    }
    if (*p < '0' || *p > '9') break;
    digits++;
    fraction += point;
    if (*mantissa >= UINT64_C(1) << 53)
      exact = false;
    else
      *mantissa = *mantissa * 10 + (uint64_t)(*p - '0');
  }
  *number = digits > 0;
  if (*number && (*p == 'e' || *p == 'E')) {
    const bool  negative = p[1] == '-';
    char *const first    = p + 1 + (p[1] == '-' || p[1] == '+');
    for (p = first; *p >= '0' && *p <= '9'; p++)
      if (exponent < 100000) exponent = exponent * 10 + (*p - '0');
    *number  = p > first;
    exponent = negative ? -exponent : exponent;
  }
  *power = exponent - fraction;
  *end   = p;
  return exact && *mantissa <= UINT64_C(1) << 53 && *power >= -22 && *power <= 22;
}

static bool scan_special(char **at, char *p, bool negative, double *out)
{
  static const struct {
    const char *word;
    double      value;
  } special[] = {{"nan", NAN}, {"infinity", INFINITY}, {"inf", INFINITY}};
  for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
    const size_t length = strlen(special[i].word);
    if (strncasecmp(p, special[i].word, length) != 0 || !ends_word(p[length])) continue;
    *out = negative ? -special[i].value : special[i].value;
    *at  = p + length;
    return true;
  }
  return false;
}

Scan scan_real(char **at, double *out)
{
  static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  char               *start = *at = skip(*at), *end;
  uint64_t            mantissa;
  int                 power;
  bool                number;
  if (*start == 0) return SCAN_END;
  const bool  negative = *start == '-';
  char *const digits   = start + (*start == '-' || *start == '+');
  const bool  exact    = scan_decimal(digits, &end, &mantissa, &power, &number);
  if (!number) return scan_special(at, digits, negative, out) ? SCAN_OK : SCAN_BAD;
  if (!ends_word(*end)) return SCAN_BAD;
  double value = exact ? (power < 0 ? (double)mantissa / ten[-power] : (double)mantissa * ten[power]) : strtod(digits, NULL);
  if (value > 1.7976931348623157e308) return SCAN_BIG;
  *out = negative ? -value : value;
  *at  = end;
  return SCAN_OK;
}

void scan_word(const char *at, char word[32])
{
  size_t n = 0;
  while (n < 28 && !ends_word(at[n])) {
    word[n] = isprint((unsigned char)at[n]) ? at[n] : '?';
    n++;
  }
  if (!ends_word(at[n])) {
    memcpy(word + n, "...", 3);
    n += 3;
  }
  word[n] = 0;
  if (n > 0 || at[0] != ',') return;
  word[0] = ',';
  word[1] = 0;
}
