/* SPDX-License-Identifier: BSD-2-Clause
 * Creates a results file whole: FILE.tmp with the serial driver, every group, full-size contiguous data set and attribute, then blocks
 * reserved, synced and renamed. f64 columns are filled with NaN by HDF5's early allocation; zero columns are never filled: blocks of a
 * new file are zero. Copying older rows is takeover.c. */
#include "create.h"

#include <errno.h>
#include <hdf5_hl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "claims_file.h"
#include "memory.h"

const char *const phase_names[PHASES] = {"wall", "compute", "reduction", "queue", "io", "idle"};

typedef struct Maker {
  const ResultsPlan *plan;
  const Layout      *layout;
  hid_t              file, filled, zero; /* creation properties: NaN, or zero and never filled */
  H5Error            error;
} Maker;

typedef struct Column {
  const char *group, *name;
  hid_t       type; /* in the file */
  int         rank;
  hsize_t     extent[RESULT_RANK_MAX + 1];
  const char *units, *long_name, *description;
} Column;

static hid_t creation(bool nan)
{
  const hid_t  p     = H5Pcreate(H5P_DATASET_CREATE);
  const double value = NAN;
  H5Pset_layout(p, H5D_CONTIGUOUS);
  H5Pset_alloc_time(p, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(p, nan ? H5D_FILL_TIME_ALLOC : H5D_FILL_TIME_NEVER);
  if (nan) H5Pset_fill_value(p, H5T_NATIVE_DOUBLE, &value);
  H5Pset_obj_track_times(p, false);
  H5Pset_attr_phase_change(p, 32, 16);
  return p;
}

/* dataset may be NULL: closed again. */
static int add_dataset(Maker *m, const Column *c, hid_t *dataset)
{
  char path[H5_PATH_MAX];
  snprintf(path, sizeof path, "/%s/%s", c->group, c->name);
  const hid_t space = c->rank ? H5Screate_simple(c->rank, c->extent, NULL) : H5Screate(H5S_SCALAR);
  const bool  nan   = H5Tget_class(c->type) == H5T_FLOAT;
  const hid_t d     = H5Dcreate2(m->file, path, c->type, space, H5P_DEFAULT, nan ? m->filled : m->zero, H5P_DEFAULT);
  H5Sclose(space);
  TryH5(&m->error, d);
  TryCode(h5_put_text(d, "units", c->units ? c->units : "1", &m->error));
  TryCode(h5_put_text(d, "long_name", c->long_name ? c->long_name : c->name, &m->error));
  TryCode(h5_put_text(d, "description", c->description ? c->description : "", &m->error));
  if (dataset)
    *dataset = d;
  else
    TryH5(&m->error, H5Dclose(d));
  return 0;
}

/* A data set that never changes again: written now, with a hash of its bytes. */
static int add_constant(Maker *m, const Column *c, hid_t memory_type, const void *data)
{
  char     path[H5_PATH_MAX];
  hid_t    d;
  uint64_t hash;
  snprintf(path, sizeof path, "/%s/%s", c->group, c->name);
  TryCode(add_dataset(m, c, &d));
  if (c->rank == 0 || c->extent[0] > 0) TryH5(&m->error, H5Dwrite(d, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
  TryCode(h5_constant_hash(d, path, &hash, &m->error));
  TryCode(h5_put_hash(d, "checksum", hash, &m->error));
  TryH5(&m->error, H5Dclose(d));
  return 0;
}

/* --- root, groups, provenance --- */

static const char *provenance(const ResultsPlan *plan, const char *name)
{
  for (int i = 0; i < plan->n_provenance; i++)
    if (strcmp(plan->provenance[i].name, name) == 0) return plan->provenance[i].text;
  return "";
}

static int put_root(Maker *m)
{
  const ResultsPlan *p = m->plan;
  const hid_t        f = m->file;
  H5Error           *e = &m->error;
  char               date[32], host[256] = "";
  struct tm          utc;
  const time_t       now = time(NULL);
  strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
  gethostname(host, sizeof host - 1);
  TryCode(h5_put_text(f, "schema", RESULTS_SCHEMA, e));
  TryCode(h5_put_int(f, "schema_version", RESULTS_SCHEMA_VERSION, e));
  TryCode(h5_put_hash(f, "schema_hash", m->layout->schema_hash, e));
  TryCode(h5_put_text(f, "software", "myopia", e));
  TryCode(h5_put_text(f, "version", provenance(p, "software_version"), e));
  TryCode(h5_put_text(f, "git_commit", provenance(p, "git_commit"), e));
  TryCode(h5_put_text(f, "date", date, e));
  TryCode(h5_put_text(f, "machine", host, e));
  TryCode(h5_put_text(f, "command_line", p->command_line, e));
  TryCode(h5_put_int(f, "ranks", p->ranks, e));
  TryCode(h5_put_text(f, "experiment", p->table->experiment, e));
  TryCode(h5_put_text(f, "title", p->title, e));
  TryCode(h5_put_text(f, "merit_unit", p->merit_unit, e));
  return 0;
}

/* names: what the group holds, in the order of declaration; NULL for groups whose order means nothing. */
static int add_group(Maker *m, const char *path, const char *attribute, int n, const char *const *names)
{
  const hid_t p = H5Pcreate(H5P_GROUP_CREATE);
  H5Pset_obj_track_times(p, false);
  const hid_t g = H5Gcreate2(m->file, path, H5P_DEFAULT, p, H5P_DEFAULT);
  H5Pclose(p);
  TryH5(&m->error, g);
  if (names) TryCode(h5_put_names(g, attribute, n, names, &m->error));
  TryH5(&m->error, H5Gclose(g));
  return 0;
}

static int put_recorded(Maker *m)
{
  const hid_t g = H5Gopen2(m->file, "trials", H5P_DEFAULT);
  TryH5(&m->error, g);
  TryCode(h5_put_int(g, "recorded", m->layout->n_recorded, &m->error));
  TryH5(&m->error, H5Gclose(g));
  return 0;
}

static int add_groups(Maker *m)
{
  static const char *const plain[] = {"provenance", "points"};
  const Layout            *l       = m->layout;
  const TrialTable        *t       = m->plan->table;
  const size_t             most    = (size_t)(l->all.n_metrics + l->all.n_arrays + t->n_axes);
  const char             **name    = mem_calloc(most, sizeof *name);
  int                      n, code = 0;
  for (size_t i = 0; i < sizeof plain / sizeof *plain && !code; i++) code = add_group(m, plain[i], NULL, 0, NULL);
  for (int i = 0; i < POINT_VALUES && !code; i++) code = add_group(m, point_groups[i].path, NULL, 0, NULL);
  for (n = 0; n < t->n_axes; n++) name[n] = t->axes[n].name;
  if (!code) code = add_group(m, "trials", "axes", n, name);
  if (!code) code = put_recorded(m);
  for (n = 0; n < l->all.n_metrics; n++) name[n] = l->all.metrics[n].name;
  if (!code) code = add_group(m, "metrics", "names", n, name);
  for (int series = 1; series >= 0 && !code; series--) {
    n = 0;
    for (int i = 0; i < l->all.n_arrays; i++)
      if (l->array[i].spec.series == series) name[n++] = l->array[i].spec.name;
    code = add_group(m, series ? "series" : "arrays", "names", n, name);
  }
  if (!code) code = add_group(m, "timing", "names", PHASES, phase_names);
  free(name);
  return code;
}

static int add_provenance(Maker *m)
{
  for (int i = 0; i < m->plan->n_provenance; i++) {
    const ProvenanceText *p    = &m->plan->provenance[i];
    const char           *text = p->text ? p->text : "";
    const hid_t           type = h5_text_type(strlen(text));
    const int             code = add_constant(m, &(Column){"provenance", p->name, type, 0, {0}, "1", p->name, ""}, type, text);
    H5Tclose(type);
    TryCode(code);
  }
  return 0;
}

/* --- points --- */

static double reference_value(const ReferenceValue *r, PointValue what)
{
  switch (what) {
  case POINT_EXACT: return r->exact;
  case POINT_CAPACITY: return isnan(r->exact) ? NAN : r->capacity;
  case POINT_ERROR: return isnan(r->exact) ? NAN : r->error;
  case POINT_PUBLISHED: return r->published;
  default: return isnan(r->published) ? NAN : r->published_n;
  }
}

static double point_value(const ResultsPlan *plan, const Layout *l, int metric, PointValue what, int64_t p)
{
  const Reference *r     = plan->reference ? &plan->reference[p] : NULL;
  const double    *bound = what == POINT_EXPECT_LOW ? plan->expect_low : plan->expect_high;
  if (what >= POINT_EXPECT_LOW) return bound ? bound[p * l->all.n_metrics + metric] : NAN;
  for (int i = 0; r && i < r->n; i++)
    if (strcmp(r->value[i].metric, l->all.metrics[metric].name) == 0) return reference_value(&r->value[i], what);
  return NAN;
}

static int add_points(Maker *m)
{
  const TrialTable *t    = m->plan->table;
  const hsize_t     n    = (hsize_t)t->n_points;
  int64_t          *rows = mem_calloc(n, sizeof *rows);
  double           *x    = mem_calloc(n, sizeof *x);
  int               code;
  for (int64_t p = 0; p < t->n_points; p++) rows[p] = t->points[p].first_row;
  code = add_constant(m, &(Column){"points", "first_row", H5T_STD_I64LE, 1, {n}, "1", "first row", "of the point's trials"},
                      H5T_NATIVE_INT64, rows);
  for (int64_t p = 0; p < t->n_points; p++) rows[p] = t->points[p].n_rows;
  if (!code)
    code =
        add_constant(m, &(Column){"points", "n_rows", H5T_STD_I64LE, 1, {n}, "1", "rows", "trials of the point"}, H5T_NATIVE_INT64, rows);
  for (PointValue what = 0; what < POINT_VALUES && !code; what++)
    for (int i = 0; i < m->layout->all.n_metrics && !code; i++) {
      const MetricSpec *s = &m->layout->all.metrics[i];
      for (int64_t p = 0; p < t->n_points; p++) x[p] = point_value(m->plan, m->layout, i, what, p);
      const PointGroup *g = &point_groups[what];
      const Column      c = {g->path, s->name, H5T_IEEE_F64LE, 1, {n}, g->plain ? "1" : s->unit, s->long_name, g->description};
      code                = add_constant(m, &c, H5T_NATIVE_DOUBLE, x);
    }
  free(rows);
  free(x);
  return code;
}

/* --- claims --- */

static int add_words(Maker *m, int word)
{
  const ResultsPlan *p     = m->plan;
  size_t             width = 1;
  for (int i = 0; i < p->n_claims; i++) {
    const size_t length = strlen(claim_word(&p->claim[i].claim, word));
    if (length > width) width = length;
  }
  const hid_t type = h5_text_type(width);
  char       *text = mem_calloc((size_t)p->n_claims, width);
  for (int i = 0; i < p->n_claims; i++) {
    const char *s = claim_word(&p->claim[i].claim, word);
    memcpy(text + (size_t)i * width, s, strlen(s));
  }
  const Column c    = {"claims", claim_word_names[word], type, 1, {(hsize_t)p->n_claims}, "1", NULL, claim_word_descriptions[word]};
  const int    code = add_constant(m, &c, type, text);
  H5Tclose(type);
  free(text);
  return code;
}

static int add_members(Maker *m, int side)
{
  const ResultsPlan *p   = m->plan;
  const size_t       n   = (size_t)p->table->n_points;
  uint8_t           *all = mem_calloc((size_t)p->n_claims * n, 1);
  const Column       c   = {"claims",
                            claim_side_names[side],
                            H5T_STD_U8LE,
                            2,
                            {(hsize_t)p->n_claims, n},
                            "1",
                            NULL,
                            "1 where the point is on this side of the claim"};
  for (int i = 0; i < p->n_claims; i++) memcpy(all + (size_t)i * n, p->claim[i].member[side], n);
  const int code = add_constant(m, &c, H5T_NATIVE_UINT8, all);
  free(all);
  return code;
}

static int add_claims(Maker *m)
{
  const hsize_t n = (hsize_t)m->plan->n_claims;
  double        low[CLAIMS_MAX], high[CLAIMS_MAX];
  if (n == 0) return 0;
  TryCode(add_group(m, "claims", NULL, 0, NULL));
  for (int w = 0; w < CLAIM_WORDS; w++) TryCode(add_words(m, w));
  for (hsize_t i = 0; i < n; i++) {
    low[i]  = m->plan->claim[i].claim.low;
    high[i] = m->plan->claim[i].claim.high;
  }
  TryCode(add_constant(m, &(Column){"claims", "low", H5T_IEEE_F64LE, 1, {n}, "1", NULL, "lower end of the bound"}, H5T_NATIVE_DOUBLE, low));
  TryCode(add_constant(m, &(Column){"claims", "high", H5T_IEEE_F64LE, 1, {n}, "1", NULL, "upper end"}, H5T_NATIVE_DOUBLE, high));
  for (int side = 0; side < CLAIM_SIDES; side++) TryCode(add_members(m, side));
  return 0;
}

/* --- trials --- */

enum { ROW_NUMBER, ROW_KEY, ROW_ID, ROW_SEED, ROW_REPLICATE, ROW_POINT, ROW_RECORD };

static void identity_column(const Maker *m, int what, int64_t *out)
{
  const TrialTable *t = m->plan->table;
  for (int64_t p = 0; p < t->n_points; p++) {
    const SweepPoint *s = &t->points[p];
    for (int64_t i = 0; i < s->n_rows; i++) {
      const int64_t row = s->first_row + i, replicate = s->first_replicate + i;
      out[row] = what == ROW_KEY         ? (int64_t)trial_key(s, replicate)
                 : what == ROW_ID        ? (int64_t)trial_identity(s, replicate)
                 : what == ROW_SEED      ? (int64_t)s->seed
                 : what == ROW_REPLICATE ? replicate
                 : what == ROW_POINT     ? p
                 : what == ROW_RECORD    ? m->layout->record[row]
                                         : row;
    }
  }
}

static int add_identity(Maker *m)
{
  static const struct {
    const char *name, *description;
    bool        is_unsigned;
  } column[]         = {[ROW_NUMBER]    = {"row", "number of the trial: the dimension scale of all columns", false},
                        [ROW_KEY]       = {"key", "random key: as id, but without paired axes", true},
                        [ROW_ID]        = {"id", "identity: hash of study seed, scientific parameters, replicate", true},
                        [ROW_SEED]      = {"seed", "study seed", true},
                        [ROW_REPLICATE] = {"replicate", "number among the trials of one point", false},
                        [ROW_POINT]     = {"point", "sweep point", false},
                        [ROW_RECORD]    = {"record", "number of the recorded trial in series and arrays, or -1", false}};
  const hsize_t n    = (hsize_t)m->layout->n_rows;
  int64_t      *x    = mem_calloc(n, sizeof *x);
  int           code = 0;
  for (size_t i = 0; i < sizeof column / sizeof *column && !code; i++) {
    identity_column(m, (int)i, x);
    code = add_constant(
        m,
        &(Column){
            "trials", column[i].name, column[i].is_unsigned ? H5T_STD_U64LE : H5T_STD_I64LE, 1, {n}, "1", NULL, column[i].description},
        column[i].is_unsigned ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64, x);
  }
  free(x);
  return code;
}

/* What a trial fills besides its metrics. Ranks start as the sweep fixes them (0: it does not). */
static int add_status(Maker *m)
{
  const TrialTable *t        = m->plan->table;
  const hsize_t     n        = (hsize_t)t->n_rows;
  const hid_t       message  = h5_text_type(RESULT_MESSAGE_MAX);
  int32_t          *ranks    = mem_calloc(n, sizeof *ranks);
  const Column      column[] = {
           {"trials", "state", H5T_STD_U8LE, 1, {n}, "1", NULL, "0 pending 1 running 2 done 3 failed 4 timeout 5 interrupted 6 invalid"},
           {"trials", "ranks", H5T_STD_I32LE, 1, {n}, "1", NULL, "ranks that worked on the trial"},
           {"trials", "attempt", H5T_STD_I32LE, 1, {n}, "1", NULL, "number of the run that wrote the row; 0: none"},
           {"trials", "checksum", H5T_STD_U64LE, 1, {n}, "1", NULL, "XXH64 of the row's deterministic bytes; 0: none"},
           {"trials", "message", message, 1, {n}, "1", NULL, "why the trial is not done"}};
  int code = 0;
  for (size_t i = 0; i < sizeof column / sizeof *column && !code; i++) code = add_dataset(m, &column[i], NULL);
  for (int64_t p = 0; p < t->n_points; p++)
    for (int64_t i = 0; i < t->points[p].n_rows; i++) ranks[t->points[p].first_row + i] = t->points[p].ranks;
  if (!code) code = h5_write_column(m->file, "/trials/ranks", H5T_NATIVE_INT32, (int64_t)n, 0, ranks, &m->error);
  H5Tclose(message);
  free(ranks);
  return code;
}

static void axis_column(const TrialTable *t, int axis, size_t width, char *out)
{
  const ParamType type = t->axes[axis].type;
  for (int64_t p = 0; p < t->n_points; p++) {
    const AxisValue *v                   = &t->points[p].axes[axis];
    const int64_t    whole               = v->used ? (int64_t)v->number : INT64_MIN;
    const double     number              = v->used ? v->number : NAN;
    char             text[AXIS_TEXT_MAX] = "";
    if (v->used) memcpy(text, v->text, strnlen(v->text, AXIS_TEXT_MAX));
    const void *value = axis_is_text(type) ? (const void *)text : type == PARAM_INT ? (const void *)&whole : (const void *)&number;
    for (int64_t row = t->points[p].first_row; row < t->points[p].first_row + t->points[p].n_rows; row++)
      memcpy(out + (size_t)row * width, value, width);
  }
}

static int add_axes(Maker *m)
{
  const TrialTable *t    = m->plan->table;
  const hsize_t     n    = (hsize_t)t->n_rows;
  int               code = 0;
  for (int i = 0; i < t->n_axes && !code; i++) {
    const Axis *a = &t->axes[i];
    if (axis_is_column(a->name)) continue;
    const size_t width = axis_width(t, i);
    const bool   words = axis_is_text(a->type);
    const hid_t  type  = words ? h5_text_type(width) : a->type == PARAM_INT ? H5T_STD_I64LE : H5T_IEEE_F64LE;
    char        *x     = mem_calloc(n, width);
    axis_column(t, i, width, x);
    code = add_constant(m, &(Column){"trials", a->name, type, 1, {n}, a->unit, NULL, "sweep axis"}, type, x);
    if (words) H5Tclose(type);
    free(x);
  }
  return code;
}

/* --- metrics, timing, series and arrays --- */

/* "points 0-3, 7"; "" when every point defines the metric. */
static void undefined_points(const ResultsPlan *plan, const char *metric, Text *out)
{
  const int64_t n = plan->table->n_points;
  for (int64_t p = 0, q; p < n; p = q + 1) {
    q = p;
    if (result_schema_find_metric(&plan->schema[p], metric) >= 0) continue;
    while (q + 1 < n && result_schema_find_metric(&plan->schema[q + 1], metric) < 0) q++;
    if (out->length > 1000) {
      text_append(out, ", ...");
      return;
    }
    text_append(out, out->length ? ", " : "points ");
    text_add(out, q > p ? "%lld-%lld" : "%lld", (long long)p, (long long)q);
  }
}

static int add_metrics(Maker *m)
{
  const hsize_t n = (hsize_t)m->layout->n_rows;
  for (int i = 0; i < m->layout->all.n_metrics; i++) {
    const MetricSpec *s         = &m->layout->all.metrics[i];
    Text              undefined = {0};
    hid_t             d;
    TryCode(add_dataset(m, &(Column){"metrics", s->name, H5T_IEEE_F64LE, 1, {n}, s->unit, s->long_name, s->description}, &d));
    undefined_points(m->plan, s->name, &undefined);
    int code = h5_put_text(d, "undefined_for", text_string(&undefined), &m->error);
    text_clear(&undefined);
    TryCode(code);
    TryCode(h5_put_text(d, "kind", metric_kind_names[s->kind], &m->error));
    TryCode(h5_put_text(d, "estimator", s->estimator, &m->error));
    TryCode(h5_put_int(d, "sample_count", s->sample_count, &m->error));
    TryH5(&m->error, H5Dclose(d));
  }
  for (int i = 0; i < PHASES; i++)
    TryCode(add_dataset(m, &(Column){"timing", phase_names[i], H5T_IEEE_F64LE, 1, {n}, "s", NULL, "seconds a trial"}, NULL));
  return 0;
}

static int add_array(Maker *m, const LayoutArray *a)
{
  static const hid_t *const types[] = {&H5T_IEEE_F64LE_g, &H5T_STD_I64LE_g, &H5T_STD_U8LE_g};
  const ArraySpec          *s       = &a->spec;
  const hsize_t             k       = (hsize_t)m->layout->n_recorded;
  char                      name[H5_NAME_MAX + 16];
  Column column = {layout_group(s), s->name, *types[s->type], a->dense ? s->rank + 1 : 1, {k}, s->unit, s->long_name, s->description};
  hid_t  d;
  if (a->dense)
    for (int i = 0; i < s->rank; i++) column.extent[i + 1] = (hsize_t)s->shape[i];
  else
    column.extent[0] = (hsize_t)layout_offset(a, (int64_t)k);
  TryCode(add_dataset(m, &column, &d));
  TryCode(h5_put_text(d, "layout", a->dense ? "dense" : "ragged", &m->error));
  if (s->series) TryCode(h5_put_int(d, "every", m->plan->every, &m->error));
  TryH5(&m->error, H5Dclose(d));
  snprintf(name, sizeof name, "%s_shape", s->name);
  TryCode(add_dataset(
      m, &(Column){column.group, name, H5T_STD_I64LE, 2, {k, (hsize_t)s->rank}, "1", NULL, "used extents of each recorded trial"}, NULL));
  if (a->dense) return 0;
  snprintf(name, sizeof name, "%s_offset", s->name);
  return add_constant(m, &(Column){column.group, name, H5T_STD_I64LE, 1, {k + 1}, "1", NULL, "first element of each recorded trial"},
                      H5T_NATIVE_INT64, a->offset);
}

/* Attaches a column to the scale of its rows. */
static herr_t attach_column(hid_t group, const char *name, const H5L_info_t *info, void *scale)
{
  (void)info;
  const hid_t  d      = H5Dopen2(group, name, H5P_DEFAULT);
  const herr_t status = H5DSis_scale(d) > 0 ? 0 : H5DSattach_scale(d, *(hid_t *)scale, 0);
  H5Dclose(d);
  return status;
}

static int add_scale(Maker *m)
{
  static const char *const groups[] = {"/trials", "/metrics", "/timing"};
  hid_t                    scale    = H5Dopen2(m->file, "/trials/row", H5P_DEFAULT);
  TryH5(&m->error, scale);
  TryH5(&m->error, H5DSset_scale(scale, "row"));
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
    TryH5(&m->error, H5Literate_by_name(m->file, groups[i], H5_INDEX_NAME, H5_ITER_NATIVE, NULL, attach_column, &scale, H5P_DEFAULT));
  TryH5(&m->error, H5Dclose(scale));
  return 0;
}

static int add_everything(Maker *m)
{
  TryCode(put_root(m));
  TryCode(add_groups(m));
  TryCode(add_provenance(m));
  TryCode(add_points(m));
  TryCode(add_claims(m));
  TryCode(add_identity(m));
  TryCode(add_status(m));
  TryCode(add_axes(m));
  TryCode(add_metrics(m));
  for (int i = 0; i < m->layout->all.n_arrays; i++) TryCode(add_array(m, &m->layout->array[i]));
  return add_scale(m);
}

static int make_file(Maker *m, const char *tmp, const char *takeover, int64_t *taken)
{
  const hid_t access = h5_access(), create = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_attr_phase_change(create, 32, 16);
  H5Pset_obj_track_times(create, false);
  m->file = H5Fcreate(tmp, H5F_ACC_TRUNC, create, access);
  H5Pclose(create);
  H5Pclose(access);
  TryH5(&m->error, m->file);
  m->filled = creation(true);
  m->zero   = creation(false);
  int code  = add_everything(m);
  if (!code && takeover) code = takeover_rows(m->file, m->plan, m->layout, takeover, taken, &m->error);
  H5Pclose(m->filled);
  H5Pclose(m->zero);
  if (H5Fclose(m->file) < 0) code = h5_error_take(&m->error);
  return code;
}

static bool is_directory(const char *path)
{
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int results_create(const char *path, const ResultsPlan *plan, const char *takeover, int64_t *taken, char *error, size_t size)
{
  Maker   m      = {.plan = plan};
  Layout *layout = NULL;
  int64_t ignored;
  char   *tmp  = mem_format("%s.tmp", path);
  int     code = 0;
  h5_start();
  if (!taken) taken = &ignored;
  *taken = 0;
  if (layout_create(plan, &layout)) code = h5_error_set(&m.error, EINVAL, "the points' declarations do not fit together");
  if (!code && is_directory(path)) code = h5_error_set(&m.error, EISDIR, "%s", strerror(EISDIR));
  m.layout = layout;
  if (!code) code = probe_space(tmp, results_predict_bytes(plan), &m.error);
  if (!code) {
    code = make_file(&m, tmp, takeover, taken);
    if (!code) code = settle_file(tmp, path, &m.error);
    if (code) unlink(tmp);
  }
  if (code) snprintf(error, size, "cannot create %s: %s", path, m.error.text);
  layout_destroy(&layout);
  free(tmp);
  return code;
}
