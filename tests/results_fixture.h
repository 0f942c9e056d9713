/* SPDX-License-Identifier: BSD-2-Clause
 * A small study built by hand for the tests of results/: three points, three axes, values that follow from the random key alone, so that
 * whatever is read back can be computed again. */
#ifndef MYOPIA_RESULTS_FIXTURE_H
#define MYOPIA_RESULTS_FIXTURE_H

#include <math.h>
#include <string.h>

#include "hash.h"
#include "results.h"

typedef enum { ARRAYS_DENSE, ARRAYS_RAGGED, ARRAYS_UNDEFINED /* at point 0 */ } FixtureArrays;

enum { FIXTURE_POINTS = 4, FIXTURE_AXES = 3, FIXTURE_ROWS = 64 };

typedef struct Fixture {
  TrialTable     table;
  Axis           axes[FIXTURE_AXES];
  SweepPoint     point[FIXTURE_POINTS];
  AxisValue      value[FIXTURE_POINTS][FIXTURE_AXES];
  ResultSchema   schema[FIXTURE_POINTS];
  Reference      reference[FIXTURE_POINTS];
  bool           record[FIXTURE_ROWS];
  double         low[FIXTURE_POINTS * 3], high[FIXTURE_POINTS * 3];
  ProvenanceText provenance[4];
  ResultsPlan    plan;
} Fixture;

static const MetricSpec fixture_metrics[] = {{"connected", "1", "connected", "1 when connected", "indicator", METRIC_EVENT, 0},
                                             {"rse", "1", "RSE", "relative spectral error", "ratio", METRIC_REAL, 12},
                                             {"extra", "s", "extra", "not at point 0", "none", METRIC_REAL, 0}};

static inline void fixture_axis(Fixture *f, int point, const char *method, int k, double x)
{
  f->value[point][0] = (AxisValue){.used = true, .number = 1};
  snprintf(f->value[point][0].text, AXIS_TEXT_MAX, "%s", method);
  f->value[point][1] = (AxisValue){.used = k > 0, .number = k};
  f->value[point][2] = (AxisValue){.used = !isnan(x), .number = x};
}

static inline int fixture_schema(FixtureArrays arrays, int point, ResultSchema *s)
{
  const int64_t   n        = arrays == ARRAYS_RAGGED ? 3 + 2 * point : 5;
  const ArraySpec specs[4] = {{"kept", "1", "kept edges", "flags", ARRAY_U8, false, 1, {n}},
                              {"p", "1", "p", "per step", ARRAY_F64, true, 2, {n, 3}},
                              {"label", "1", "label", "numbers", ARRAY_I64, false, 2, {2, n}},
                              {"loss", "1", "loss", "per step", ARRAY_F64, true, 1, {4}}};
  for (int i = 0; i < 3; i++)
    if ((i < 2 || point > 0) && result_schema_metric(s, &fixture_metrics[i])) return 1;
  for (int i = 0; i < 4; i++)
    if (!(arrays == ARRAYS_UNDEFINED && point == 0 && i < 2) && result_schema_array(s, &specs[i])) return 1;
  return 0;
}

/* rows: of each of n_points points; recorded: first replicates of each point. */
static inline int fixture_create(Fixture *f, FixtureArrays arrays, int n_points, const int *rows, int recorded)
{
  static const char *const methods[] = {"random", "weighted", "oracle", "standard"};
  *f                                 = (Fixture){0};
  f->axes[0]                         = (Axis){"method", PARAM_CHOICE, "1"};
  f->axes[1]                         = (Axis){"k", PARAM_INT, "1"};
  f->axes[2]                         = (Axis){"x", PARAM_REAL, "m"};
  for (int p = 0; p < n_points; p++) {
    fixture_axis(f, p, methods[p], p, p == 2 ? NAN : 0.1 * (p + 1));
    f->point[p] = (SweepPoint){.seed      = 7,
                               .axes      = f->value[p],
                               .stream    = hash_text(1, methods[p]),
                               .identity  = hash_text(2, methods[p]),
                               .first_row = f->table.n_rows,
                               .n_rows    = rows[p]};
    for (int i = 0; i < rows[p]; i++) f->record[f->table.n_rows + i] = i < recorded;
    f->table.n_rows += rows[p];
    if (fixture_schema(arrays, p, &f->schema[p])) return 1;
  }
  for (size_t i = 0; i < sizeof f->low / sizeof *f->low; i++) f->low[i] = f->high[i] = NAN;
  reference_exact(&f->reference[0], "connected", 0.4380);
  reference_published(&f->reference[0], "connected", 0.46, 500);
  f->table.experiment = "barbell";
  f->table.n_axes     = FIXTURE_AXES;
  f->table.axes       = f->axes;
  f->table.n_points   = n_points;
  f->table.points     = f->point;
  f->provenance[0]    = (ProvenanceText){"input", "schema: myopia/1\nexperiment: barbell\n"};
  f->provenance[1]    = (ProvenanceText){"resolved_scientific", "seed: 7\n"};
  f->provenance[2]    = (ProvenanceText){"software_version", "0.1.0"};
  f->provenance[3]    = (ProvenanceText){"resolved_execution", "sync: 60\n"};
  f->plan             = (ResultsPlan){.table        = &f->table,
                                      .schema       = f->schema,
                                      .reference    = f->reference,
                                      .record       = f->record,
                                      .expect_low   = f->low,
                                      .expect_high  = f->high,
                                      .every        = 10,
                                      .title        = "Fixture \"I\"",
                                      .merit_unit   = "trials/s",
                                      .command_line = "myopia run fixture.yaml",
                                      .ranks        = 2,
                                      .n_provenance = 4,
                                      .provenance   = f->provenance};
  return 0;
}

static inline void fixture_destroy(Fixture *f)
{
  for (int p = 0; p < FIXTURE_POINTS; p++) result_schema_clear(&f->schema[p]);
}

/* A number in [0, 1) from key, name and index. */
static inline double fixture_number(uint64_t key, const char *name, int64_t i)
{
  return ldexp((double)(hash_u64(hash_text(key, name), (uint64_t)i) >> 11), -53);
}

static inline double fixture_metric(uint64_t key, const MetricSpec *m)
{
  const double x = fixture_number(key, m->name, -1);
  return m->kind == METRIC_EVENT ? (double)(x < 0.5) : 10 * x - 3;
}

/* The first extent that is used: the whole, or one or two less in ragged arrays. */
static inline int64_t fixture_used(uint64_t key, int64_t declared, bool shrink)
{
  return shrink ? declared - (int64_t)(key % 3) : declared;
}

static inline void fixture_element(const ArraySpec *a, uint64_t key, int64_t i, void *data)
{
  const double x = fixture_number(key, a->name, i);
  if (a->type == ARRAY_F64) ((double *)data)[i] = x;
  if (a->type == ARRAY_I64) ((int64_t *)data)[i] = (int64_t)(1e6 * x);
  if (a->type == ARRAY_U8) ((uint8_t *)data)[i] = (uint8_t)(x < 0.5);
}

/* Rows [first, first + n) of one point, as an experiment would fill them. */
static inline int fixture_fill(const Fixture *f, int64_t first, int64_t n, bool shrink, Result **out)
{
  const int           p     = (int)trial_point_of_row(&f->table, first);
  const SweepPoint   *point = &f->point[p];
  const ResultSchema *s     = &f->schema[p];
  if (result_create(s, n, f->record + first, out)) return 1;
  for (int64_t i = 0; i < n; i++) {
    const uint64_t key = trial_key(point, point->first_replicate + first + i - point->first_row);
    for (int m = 0; m < s->n_metrics; m++) {
      double *column;
      if (result_metric(*out, s->metrics[m].name, &column)) return 1;
      column[i] = fixture_metric(key, &s->metrics[m]);
    }
    for (int a = 0; a < s->n_arrays; a++) {
      const ArraySpec *spec                   = &s->arrays[a];
      int64_t          shape[RESULT_RANK_MAX] = {0};
      int64_t          used                   = 1;
      void            *data;
      for (int d = 0; d < spec->rank; d++)
        used *= shape[d] = d == 0 && spec->rank == 1 ? fixture_used(key, spec->shape[d], shrink) : spec->shape[d];
      if (result_array(*out, spec->name, i, &data) || result_array_shape(*out, spec->name, i, shape)) return 1;
      for (int64_t e = 0; data && e < used; e++) fixture_element(spec, key, e, data);
    }
  }
  return 0;
}

#endif
