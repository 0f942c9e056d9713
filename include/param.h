/* SPDX-License-Identifier: BSD-2-Clause
 * The table in which a parameter is written once: parsing, range checks, sweeping, `describe`, the README's tables and the provenance
 * of the results file all come from it. */
#ifndef MYOPIA_PARAM_H
#define MYOPIA_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARAM_LIST_MAX = 64, PARAM_TEXT_MAX = 256 };

typedef struct IntList {
  int     n;
  int64_t value[PARAM_LIST_MAX];
} IntList;

typedef struct RealList {
  int    n;
  double value[PARAM_LIST_MAX];
} RealList;

/* Field types in the experiment's struct: int64_t, double, bool, int (index into choices), char[PARAM_TEXT_MAX], IntList, RealList. */
typedef enum { PARAM_INT = 1, PARAM_REAL, PARAM_BOOL, PARAM_CHOICE, PARAM_TEXT, PARAM_INT_LIST, PARAM_REAL_LIST } ParamType;

enum {
  PARAM_OPEN_MIN     = 1, /* min itself is not allowed */
  PARAM_OPEN_MAX     = 2,
  PARAM_EXECUTION    = 4, /* how, not what: stays out of the trial key */
  PARAM_MAY_BE_EMPTY = 8  /* a list of no entries is allowed */
};

typedef struct ParamSpec {
  const char        *name; /* as in YAML; NULL ends the table */
  ParamType          type;
  size_t             offset;   /* offsetof the field */
  const char        *fallback; /* the default, as YAML text ("0.5", "weighted", "[10, 15, 20]") */
  double             min, max; /* range of numbers and of list entries (inclusive unless OPEN); both 0: unbounded */
  unsigned           flags;
  const char        *unit;        /* "1" for none */
  const char *const *choices;     /* PARAM_CHOICE: NULL-terminated names */
  const char        *used_with;   /* the PARAM_CHOICE parameter that decides whether this one matters; NULL: it always does */
  const char        *used_values; /* its values for which it does, "weighted|oracle" */
  const char        *help;        /* one line */
} ParamSpec;

int              param_count(const ParamSpec *);
const ParamSpec *param_find(const ParamSpec *, const char *name); /* NULL when there is none */
const char      *param_type_name(ParamType); /* "integer", "real", "boolean", "choice", "text", "integer list", "real list" */
bool             param_is_list(ParamType);
ParamType        param_entry_type(ParamType); /* of a list: of its entries; else the type itself */

/* Sets one field of `params` from YAML scalar/list text. On failure returns false and writes the reason (what was expected, the
 * range, a "did you mean") to error (size bytes); the field is then untouched. NaN is always refused. */
bool param_parse(const ParamSpec *, const char *text, void *params, char *error, size_t size);
/* Canonical text of a field: reads back to the same bits, the same for equal values ("8", "0.5", "weighted", "true", "[10, 15, 20]"). */
void param_format(const ParamSpec *, const void *params, char *out, size_t size);
/* Number of a field: integers and reals as they are, booleans 0/1, choices their index; NaN for text and lists. */
double param_number(const ParamSpec *, const void *params);
void   param_defaults(const ParamSpec *, void *params);
/* Whether this parameter matters at this point (used_with). */
bool param_used(const ParamSpec *table, const ParamSpec *, const void *params);
/* "1 <= x <= 64", "0 < x < 1", "one of a, b, c"; "" when unbounded. */
void param_range_text(const ParamSpec *, char *out, size_t size);

#endif
