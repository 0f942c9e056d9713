/* SPDX-License-Identifier: BSD-2-Clause
 * Everything that can be wrong with a results file, by what protects it: metadata by HDF5's own checksums (opening every object reads
 * them), constant data sets by their attribute checksum, rows by theirs. Timing, attempts and fill are not protected. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "recorded.h"

typedef struct Findings {
  Text   *report;
  int64_t n;
} Findings;

static void finding(Findings *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void finding(Findings *f, const char *format, ...)
{
  va_list arguments;
  char    line[512];
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  text_add(f->report, "%s\n", line);
  f->n++;
}

/* "row 5" or "rows 5-9" for every stretch of rows with the same answer. */
static void report_rows(Findings *f, const uint8_t *bad, int64_t n, const char *what)
{
  for (int64_t i = 0; i < n; i++) {
    if (!bad[i]) continue;
    const int64_t first = i;
    while (i + 1 < n && bad[i + 1]) i++;
    if (first == i)
      finding(f, "row %lld: %s", (long long)i, what);
    else
      finding(f, "rows %lld-%lld: %s", (long long)first, (long long)i, what);
  }
}

/* --- objects and constant data sets --- */

static void check_dataset(Findings *f, hid_t d, const char *path)
{
  H5Error  e     = {0};
  uint64_t saved = 0, hash = 0;
  if (!h5_has_attribute(d, "units") || !h5_has_attribute(d, "description")) finding(f, "%s: attributes are missing", path);
  if (!h5_has_attribute(d, "checksum")) return;
  if (h5_get_hash(d, "checksum", &saved, &e) || h5_constant_hash(d, path, &hash, &e))
    finding(f, "%s", e.text);
  else if (saved != hash)
    finding(f, "%s: its bytes do not match its checksum", path);
}

static herr_t visit(hid_t file, const char *name, const H5L_info_t *info, void *findings)
{
  char        path[H5_PATH_MAX + 8];
  H5Error     e      = {0};
  const hid_t object = H5Oopen(file, name, H5P_DEFAULT);
  (void)info;
  snprintf(path, sizeof path, "/%s", name);
  if (object < 0) {
    h5_error_take(&e);
    finding(findings, "%s: %s", path, e.text);
    return 0;
  }
  if (H5Iget_type(object) == H5I_DATASET) check_dataset(findings, object, path);
  H5Oclose(object);
  return 0;
}

static void check_objects(Findings *f, hid_t file)
{
  H5Error e = {0};
  if (H5Lvisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, visit, f) < 0) {
    h5_error_take(&e);
    finding(f, "the tree of groups: %s", e.text);
  }
}

/* --- rows --- */

/* What the table says of itself, apart from results. */
static void check_identities(Findings *f, const ResultsTable *t)
{
  uint8_t *bad  = mem_calloc((size_t)t->n_rows, 1);
  int64_t  next = 0;
  for (int64_t i = 0; i < t->n_rows; i++) bad[i] = t->key[i] == 0 || t->id[i] == 0;
  report_rows(f, bad, t->n_rows, "no key");
  for (int64_t i = 0; i < t->n_rows; i++) {
    bad[i] = t->record[i] != -1 && t->record[i] != next;
    if (t->record[i] >= 0) next++;
  }
  report_rows(f, bad, t->n_rows, "its number among the recorded trials is wrong");
  if (next != t->n_recorded) finding(f, "%lld trials are recorded, not %lld", (long long)next, (long long)t->n_recorded);
  free(bad);
}

/* A row whose state says that it is not finished is never damaged: the state is written last, so a kill may leave it behind all the rest.
 * It is run again, and gets the same bytes. */
static void check_rows(Findings *f, const ResultsTable *t)
{
  uint8_t *bad = mem_calloc((size_t)t->n_rows, 1);
  for (int64_t i = 0; i < t->n_rows; i++) bad[i] = !t->intact[i];
  report_rows(f, bad, t->n_rows, "damaged: its bytes do not match its checksum");
  free(bad);
}

int64_t results_verify(const char *path, bool live, Text *report, int64_t counts[TRIAL_STATES])
{
  Findings      f = {.report = report};
  H5Error       e = {0};
  char          error[512];
  ResultsTable *t;
  hid_t         file;
  memset(counts, 0, TRIAL_STATES * sizeof *counts);
  if (results_read(path, true, live, &t, error, sizeof error)) {
    text_add(report, "%s\n", error);
    return -1;
  }
  if (results_file_open(path, &file, &e)) {
    finding(&f, "cannot read %s: %s", path, e.text);
  } else {
    check_objects(&f, file);
    check_identities(&f, t);
    check_rows(&f, t);
    H5Fclose(file);
  }
  for (int64_t i = 0; i < t->n_rows; i++) counts[t->state[i]]++;
  results_table_destroy(&t);
  return f.n;
}
