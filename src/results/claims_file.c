/* SPDX-License-Identifier: BSD-2-Clause
 * Reads the claims of a results file, and names their data sets for create.c. A file without claims has no group /claims. */
#include "claims_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { WORD_TEXT, WORD_METRIC, WORD_AGAINST_METRIC, WORD_OF, WORD_AGAINST, WORD_COMPARE, WORD_BOUND };

const char *const claim_word_names[CLAIM_WORDS] = {"text", "metric", "against_metric", "of_where", "against_where", "compare", "bound"};
const char *const claim_word_descriptions[CLAIM_WORDS] = {"the claim, as the source has it",
                                                          "metric of this side",
                                                          "metric of the other side",
                                                          "conditions on the points of `of`; empty: all",
                                                          "conditions on the points of `against`; empty: all",
                                                          "value, difference (of - against) or ratio (of / against)",
                                                          "below, above, within or contains"};
const char *const claim_side_names[CLAIM_SIDES]        = {"of", "against"};

const char *claim_word(const Claim *c, int word)
{
  switch (word) {
  case WORD_TEXT: return c->text;
  case WORD_METRIC: return c->metric[CLAIM_OF];
  case WORD_AGAINST_METRIC: return c->metric[CLAIM_AGAINST];
  case WORD_OF: return c->where[CLAIM_OF];
  case WORD_AGAINST: return c->where[CLAIM_AGAINST];
  case WORD_COMPARE: return claim_compare_names[c->compare];
  default: return claim_bound_names[c->bound];
  }
}

static int find(const char *const *names, const char *name)
{
  for (int i = 0; names[i]; i++)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

/* False: a word of a newer program. */
static bool set_word(Claim *c, int word, const char text[CLAIM_TEXT_MAX])
{
  int i;
  switch (word) {
  case WORD_TEXT: memcpy(c->text, text, sizeof c->text); return true;
  case WORD_METRIC: memcpy(c->metric[CLAIM_OF], text, CLAIM_METRIC_MAX - 1); return true;
  case WORD_AGAINST_METRIC: memcpy(c->metric[CLAIM_AGAINST], text, CLAIM_METRIC_MAX - 1); return true;
  case WORD_OF: memcpy(c->where[CLAIM_OF], text, CLAIM_TEXT_MAX); return true;
  case WORD_AGAINST: memcpy(c->where[CLAIM_AGAINST], text, CLAIM_TEXT_MAX); return true;
  case WORD_COMPARE:
    i          = find(claim_compare_names, text);
    c->compare = i < 0 ? CLAIM_VALUE : (ClaimCompare)i;
    return i >= 0;
  default:
    i        = find(claim_bound_names, text);
    c->bound = i < 0 ? CLAIM_BELOW : (ClaimBound)i;
    return i >= 0;
  }
}

static int count_claims(hid_t file, int64_t *n, H5Error *error)
{
  const hid_t d = H5Dopen2(file, "/claims/low", H5P_DEFAULT);
  TryH5(error, d);
  const hid_t space = H5Dget_space(d);
  *n                = H5Sget_simple_extent_npoints(space);
  H5Sclose(space);
  H5Dclose(d);
  return *n >= 0 && *n <= CLAIMS_MAX ? 0 : h5_error_set(error, EIO, "/claims: %lld claims", (long long)*n);
}

static int read_words(hid_t file, ResultsTable *t, H5Error *error)
{
  char path[H5_PATH_MAX];
  char(*text)[CLAIM_TEXT_MAX] = mem_calloc((size_t)t->n_claims, sizeof *text);
  const hid_t type            = h5_string_type(CLAIM_TEXT_MAX);
  for (int w = 0; w < CLAIM_WORDS && !error->code; w++) {
    snprintf(path, sizeof path, "/claims/%s", claim_word_names[w]);
    if (h5_read_column(file, path, type, t->n_claims, 0, text, error)) break;
    for (int i = 0; i < t->n_claims; i++)
      if (!set_word(&t->claim[i].claim, w, text[i])) h5_error_set(error, EIO, "%s: '%.40s' is unknown here", path, text[i]);
  }
  H5Tclose(type);
  free(text);
  return error->code;
}

static int read_bounds(hid_t file, ResultsTable *t, H5Error *error)
{
  double low[CLAIMS_MAX], high[CLAIMS_MAX];
  TryCode(h5_read_column(file, "/claims/low", H5T_NATIVE_DOUBLE, t->n_claims, 0, low, error));
  TryCode(h5_read_column(file, "/claims/high", H5T_NATIVE_DOUBLE, t->n_claims, 0, high, error));
  for (int i = 0; i < t->n_claims; i++) {
    t->claim[i].claim.low  = low[i];
    t->claim[i].claim.high = high[i];
  }
  return 0;
}

static int read_members(hid_t file, ResultsTable *t, H5Error *error)
{
  const size_t n   = (size_t)t->n_points;
  uint8_t     *all = mem_calloc((size_t)t->n_claims * n, 1);
  char         path[H5_PATH_MAX];
  for (int side = 0; side < CLAIM_SIDES && !error->code; side++) {
    snprintf(path, sizeof path, "/claims/%s", claim_side_names[side]);
    h5_read_column(file, path, H5T_NATIVE_UINT8, t->n_claims, t->n_points, all, error);
    for (int i = 0; i < t->n_claims && !error->code; i++) {
      t->claim[i].member[side] = mem_calloc(n, 1);
      memcpy(t->claim[i].member[side], all + (size_t)i * n, n);
    }
  }
  free(all);
  return error->code;
}

int claims_read(hid_t file, ResultsTable *t, H5Error *error)
{
  int64_t n = 0;
  if (H5Lexists(file, "claims", H5P_DEFAULT) <= 0) return 0;
  TryCode(count_claims(file, &n, error));
  t->claim    = mem_calloc((size_t)n, sizeof *t->claim);
  t->n_claims = (int)n;
  TryCode(read_words(file, t, error));
  TryCode(read_bounds(file, t, error));
  return read_members(file, t, error);
}

int64_t claims_bytes(const ResultsPlan *p, int64_t *datasets)
{
  int64_t bytes = 0;
  *datasets     = p->n_claims ? CLAIM_WORDS + 2 + CLAIM_SIDES : 0;
  for (int w = 0; w < CLAIM_WORDS; w++) {
    size_t longest = 1;
    for (int i = 0; i < p->n_claims; i++) {
      const size_t length = strlen(claim_word(&p->claim[i].claim, w));
      if (length > longest) longest = length;
    }
    bytes += (int64_t)longest * p->n_claims;
  }
  return bytes + p->n_claims * (2 * (int64_t)sizeof(double) + CLAIM_SIDES * p->table->n_points);
}

void results_claims_destroy(int n, ResultsClaim **claim)
{
  for (int i = 0; *claim && i < n; i++)
    for (int side = 0; side < CLAIM_SIDES; side++) free((*claim)[i].member[side]);
  free(*claim);
  *claim = NULL;
}
