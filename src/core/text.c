/* SPDX-License-Identifier: BSD-2-Clause
 * Growing strings, quoting, suggestions, and strict conversion between numbers and text. Suggestions: optimal string alignment
 * distance (Damerau-Levenshtein with adjacent transpositions; L. Boytsov, ACM JEA 16 (2011) 1.1). Numbers are read and written in the
 * "C" locale, which the program never leaves. It does not know UTF-8: bytes above 0x7f pass through. */
#include "text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "memory.h"

static void reserve(Text *t, size_t more)
{
  const size_t needed = t->length + more + 1;
  if (needed <= t->capacity) return;
  t->capacity = needed > 2 * t->capacity ? needed + 32 : 2 * t->capacity;
  t->s        = mem_realloc(t->s, t->capacity, 1);
}

void text_append(Text *t, const char *s)
{
  const size_t n = strlen(s);
  reserve(t, n);
  memcpy(t->s + t->length, s, n + 1);
  t->length += n;
}

void text_add(Text *t, const char *format, ...)
{
  va_list arguments;
  char   *piece = NULL;
  va_start(arguments, format);
  const int length = vasprintf(&piece, format, arguments);
  va_end(arguments);
  if (length < 0) return; /* an invalid format only: gcc checks them */
  text_append(t, piece);
  free(piece);
}

const char *text_string(const Text *t) { return t->s ? t->s : ""; }

void text_clear(Text *t)
{
  free(t->s);
  *t = (Text){0};
}

static void append_char(Text *t, char c) { text_append(t, (const char[]){c, '\0'}); }

void text_add_json(Text *t, const char *s)
{
  static const char escaped[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
  if (!s) {
    text_append(t, "null");
    return;
  }
  append_char(t, '"');
  for (; *s; s++) {
    const char *at = strchr(escaped, *s);
    if (at)
      text_add(t, "\\%c", letter[at - escaped]);
    else if ((unsigned char)*s < 0x20 || *s == 0x7f)
      text_add(t, "\\u%04x", (unsigned char)*s);
    else
      append_char(t, *s);
  }
  append_char(t, '"');
}

void text_add_csv(Text *t, const char *s)
{
  if (!strpbrk(s, ",\"\r\n")) {
    text_append(t, s);
    return;
  }
  append_char(t, '"');
  for (; *s; s++) text_append(t, *s == '"' ? "\"\"" : (const char[]){*s, '\0'});
  append_char(t, '"');
}

/* A decimal of at most 15 digits survives decimal -> double -> %.15g, so a normal double that has a shorter form shows it there.
 * Subnormals have fewer bits: all lengths are tried. */
void text_number(char *out, size_t size, double x)
{
  if (!isfinite(x)) {
    snprintf(out, size, "%s", isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
    return;
  }
  for (int digits = fpclassify(x) == FP_SUBNORMAL ? 1 : 15; digits <= 17; digits++) {
    snprintf(out, size, "%.*g", digits, x);
    if (strtod(out, NULL) == x) return;
  }
}

void text_add_number(Text *t, double x)
{
  char number[32] = "null";
  if (isfinite(x)) text_number(number, sizeof number, x);
  text_append(t, number);
}

static int minimum(int a, int b) { return a < b ? a : b; }

/* Optimal string alignment distance of a and b by three rows of the table. */
static int edit_distance(const char *a, const char *b)
{
  const int n = (int)strlen(a), m = (int)strlen(b);
  int      *rows   = mem_calloc(3 * ((size_t)m + 1), sizeof *rows);
  int      *before = rows, *last = rows + m + 1, *now = rows + 2 * (m + 1);
  for (int j = 0; j <= m; j++) now[j] = j;
  for (int i = 1; i <= n; i++) {
    int *const spare = before;
    before           = last;
    last             = now;
    now              = spare;
    now[0]           = i;
    for (int j = 1; j <= m; j++) {
      now[j] = minimum(minimum(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = minimum(now[j], before[j - 2] + 1);
    }
  }
  const int distance = now[m];
  free(rows);
  return distance;
}

const char *text_suggest(const char *word, const char *(*get)(const void *ctx, int i), const void *ctx)
{
  const int   third = (int)(strlen(word) / 3);
  int         least = (third > 1 ? third : 1) + 1;
  const char *best  = NULL, *candidate;
  for (int i = 0; (candidate = get(ctx, i)); i++) {
    const int distance = edit_distance(word, candidate);
    if (distance >= least) continue;
    least = distance;
    best  = candidate;
  }
  return best;
}

/* The parts of [+-]digits[.digits][e[+-]digits]; lengths 0 where absent. */
typedef struct Decimal {
  bool        negative, has_point, has_exponent, exponent_negative;
  const char *whole, *fraction, *exponent;
  int         n_whole, n_fraction, n_exponent;
} Decimal;

static int count_digits(const char *s)
{
  int n = 0;
  while (isdigit((unsigned char)s[n])) n++;
  return n;
}

/* False unless the whole of s is a decimal number with at least one digit before the exponent, and one in it. */
static bool split_decimal(const char *s, Decimal *d)
{
  *d          = (Decimal){0};
  d->negative = *s == '-';
  if (*s == '-' || *s == '+') s++;
  d->whole   = s;
  d->n_whole = count_digits(s);
  s += d->n_whole;
  d->has_point = *s == '.';
  if (d->has_point) s++;
  d->fraction   = s;
  d->n_fraction = d->has_point ? count_digits(s) : 0;
  s += d->n_fraction;
  if (d->n_whole + d->n_fraction == 0) return false;
  d->has_exponent = *s == 'e' || *s == 'E';
  if (!d->has_exponent) return *s == '\0';
  s++;
  d->exponent_negative = *s == '-';
  if (*s == '-' || *s == '+') s++;
  d->exponent   = s;
  d->n_exponent = count_digits(s);
  return d->n_exponent > 0 && s[d->n_exponent] == '\0';
}

/* Exponents beyond +-9999 are out of range of every type here; saturating keeps the arithmetic safe. */
static int exponent_of(const Decimal *d)
{
  int value = 0;
  for (int i = 0; i < d->n_exponent && value < 10000; i++) value = 10 * value + (d->exponent[i] - '0');
  return d->exponent_negative ? -value : value;
}

static bool push_digit(int64_t *value, bool negative, int digit)
{
  return !__builtin_mul_overflow(*value, (int64_t)10, value) &&
         !__builtin_add_overflow(*value, (int64_t)(negative ? -digit : digit), value);
}

bool text_parse_int(const char *s, int64_t *out)
{
  Decimal d;
  if (!split_decimal(s, &d) || (d.has_point && !d.has_exponent)) return false;
  const int n_digits = d.n_whole + d.n_fraction;
  const int n_int    = d.n_whole + exponent_of(&d); /* digits in front of the shifted point */
  int64_t   value    = 0;
  for (int i = 0; i < n_digits || (i < n_int && value != 0); i++) {
    const int digit = i >= n_digits ? 0 : (i < d.n_whole ? d.whole[i] : d.fraction[i - d.n_whole]) - '0';
    if (i >= n_int) {
      if (digit != 0) return false; /* not an integer */
    } else if (!push_digit(&value, d.negative, digit))
      return false;
  }
  *out = value;
  return true;
}

static bool has_nonzero_digit(const Decimal *d)
{
  for (int i = 0; i < d->n_whole; i++)
    if (d->whole[i] != '0') return true;
  for (int i = 0; i < d->n_fraction; i++)
    if (d->fraction[i] != '0') return true;
  return false;
}

bool text_parse_real(const char *s, double *out)
{
  Decimal           d;
  const char *const unsigned_part = s + (*s == '-' || *s == '+');
  if (!strcasecmp(s, "nan") || !strcasecmp(s, ".nan")) {
    *out = NAN;
    return true;
  }
  if (!strcasecmp(unsigned_part, "inf") || !strcasecmp(unsigned_part, ".inf")) {
    *out = *s == '-' ? -INFINITY : INFINITY;
    return true;
  }
  if (!split_decimal(s, &d)) return false;
  const double value = strtod(s, NULL);
  if (!isfinite(value) || (value == 0.0 && has_nonzero_digit(&d))) return false;
  *out = value;
  return true;
}

/* [h:]m:s; every part but the first is below 60. */
static bool parse_clock(const char *s, double *seconds)
{
  double total = 0;
  int    parts = 0;
  for (;;) {
    const int n = count_digits(s);
    if (n == 0 || n > 9 || parts == 3) return false;
    const int value = atoi(s);
    if (parts > 0 && value >= 60) return false;
    total = 60 * total + value;
    parts++;
    s += n;
    if (*s == '\0') break;
    if (*s++ != ':') return false;
  }
  if (!(total > 0)) return false;
  *seconds = total;
  return true;
}

bool text_parse_duration(const char *s, double *seconds)
{
  static const char   units[]  = "smhd";
  static const double factor[] = {1, 60, 3600, 86400};
  const size_t        n        = strlen(s);
  char                number[64];
  double              value;
  if (strchr(s, ':')) return parse_clock(s, seconds);
  if (n == 0 || n >= sizeof number) return false;
  const char *unit = strchr(units, s[n - 1]);
  memcpy(number, s, n + 1);
  if (unit) number[n - 1] = '\0';
  if (!text_parse_real(number, &value)) return false;
  value *= unit ? factor[unit - units] : 1;
  if (!isfinite(value) || !(value > 0)) return false;
  *seconds = value;
  return true;
}
