/* SPDX-License-Identifier: BSD-2-Clause
 * Tries what results_open will do on all ranks with the serial driver first: on one process a damaged or protected file is a sentence,
 * under MPI-IO it would be an abort. */
#include <stdio.h>
#include <string.h>

#include "h5.h"
#include "layout.h"

static int probe_column(hid_t file, const char *group, const char *name, int64_t n, H5Error *error)
{
  char  path[H5_PATH_MAX];
  hid_t dataset;
  snprintf(path, sizeof path, "/%s/%s", group, name);
  TryCode(h5_open_column(file, path, n, 0, &dataset, error));
  H5Dclose(dataset);
  return 0;
}

static int probe_array(hid_t file, const LayoutArray *a, H5Error *error)
{
  static const char *const suffix[] = {"", "_shape"};
  char                     path[H5_PATH_MAX];
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "/%s/%s%s", layout_group(&a->spec), a->spec.name, suffix[i]);
    const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    TryH5(error, dataset);
    H5Dclose(dataset);
  }
  return 0;
}

static int probe(hid_t file, const Layout *l, H5Error *error)
{
  static const char *const trials[] = {"state", "checksum", "message", "ranks", "attempt"};
  for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) TryCode(probe_column(file, "trials", trials[i], l->n_rows, error));
  for (int i = 0; i < PHASES; i++) TryCode(probe_column(file, "timing", phase_names[i], l->n_rows, error));
  for (int i = 0; i < l->all.n_metrics; i++) TryCode(probe_column(file, "metrics", l->all.metrics[i].name, l->n_rows, error));
  for (int i = 0; i < l->all.n_arrays; i++) TryCode(probe_array(file, &l->array[i], error));
  return 0;
}

int results_probe(const char *path, const ResultsPlan *plan, char *error, size_t size)
{
  H5Error e = {0};
  Layout *l = NULL;
  h5_start();
  if (layout_create(plan, &l)) {
    snprintf(error, size, "the points' declarations do not fit together");
    return 1;
  }
  const hid_t access = h5_access(), file = H5Fopen(path, H5F_ACC_RDWR, access);
  H5Pclose(access);
  if (file < 0)
    h5_error_take(&e);
  else
    probe(file, l, &e);
  if (file >= 0 && H5Fclose(file) < 0 && !e.code) h5_error_take(&e);
  layout_destroy(&l);
  if (e.code) snprintf(error, size, "cannot go on writing %s: %s", path, e.text);
  return e.code;
}
