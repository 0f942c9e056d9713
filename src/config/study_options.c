/* SPDX-License-Identifier: BSD-2-Clause
 * The options of a study that no experiment knows: schema, title, replicates, record, durations. Command line before file before built-in.
 * seed is a swept variable (sweep.c). */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "study_private.h"

static void read_schema(const Study *study, Diagnostics *diag)
{
  const YamlNode *node = study_value(study, "schema");
  char            shown[SHOWN_MAX];

  if (!node) {
    diagnostics_warning(diag, (SourceMark){study->name, 1, 1}, "no 'schema'; read as 'schema: myopia/1'");
    return;
  }
  if (yaml_is_word(node, "myopia/1")) return;
  diagnostics_error(diag, node->mark, "schema '%s' is unknown; this program reads 'schema: myopia/1'",
                    node->kind == NODE_SCALAR ? yaml_shown(node->text, shown) : yaml_kind(node));
}

static void read_experiment(Study *study, Diagnostics *diag)
{
  const YamlNode *node = study_value(study, "experiment");

  if (yaml_is_null(node)) {
    study->experiment_mark = node ? node->mark : (SourceMark){study->name, 1, 1};
    diagnostics_error(diag, study->experiment_mark, "no experiment; write 'experiment: NAME' (see `myopia list`)");
    return;
  }
  study->experiment_mark = node->mark;
  if (node->kind != NODE_SCALAR) {
    diagnostics_error(diag, node->mark, "'experiment' must be a name, found %s", yaml_kind(node));
    return;
  }
  study->experiment_node = node;
}

static void read_title(Study *study, Diagnostics *diag)
{
  static const ParamSpec spec  = {.name = "title", .type = PARAM_TEXT};
  const YamlNode        *node  = study_value(study, "title");
  Value                  value = {0};

  if (yaml_is_null(node)) return;
  if (!value_read(&spec, node, &value, diag)) return;
  free(study->title);
  study->title = mem_strdup(value.text);
  value_clear(&value);
}

static bool read_count(const char *name, const YamlNode *node, int64_t max, int64_t *out, Diagnostics *diag)
{
  ParamSpec spec  = {.name = name, .type = PARAM_INT, .min = 1, .max = (double)max};
  Value     value = {0};

  if (!value_read(&spec, node, &value, diag)) return false;
  *out = *(const int64_t *)value.field;
  value_clear(&value);
  return true;
}

static void read_replicates(Study *study, Diagnostics *diag)
{
  const YamlNode *node = study_value(study, "replicates");

  study->replicates      = 1;
  study->replicates_mark = study->experiment_mark;
  if (!node) return;
  study->replicates_mark = node->mark;
  if (node->kind == NODE_LIST)
    diagnostics_error(diag, node->mark, "'replicates' is one count, it cannot be swept");
  else
    read_count("replicates", node, TRIALS_MAX, &study->replicates, diag);
}

static void read_duration(const Study *study, const char *name, bool may_be_none, double *out, Diagnostics *diag)
{
  const YamlNode *node = study_value(study, name);
  char            shown[SHOWN_MAX];

  if (!node) return;
  if (may_be_none && yaml_is_word(node, "none"))
    *out = INFINITY;
  else if (node->kind != NODE_SCALAR || yaml_is_null(node) || !text_parse_duration(node->text, out))
    diagnostics_error(diag, node->mark, "'%s': %s is not a duration above 0; write seconds or 90s, 10m, 2h%s", name,
                      node->kind == NODE_SCALAR && node->text[0] ? yaml_shown(node->text, shown) : yaml_kind(node),
                      may_be_none ? ", or none" : "");
}

static const char *const record_modes[] = {"none", "first", "first_per_point", "all", "every", NULL};

static void read_record_mode(const YamlNode *node, StudyOptions *options, Diagnostics *diag)
{
  char     shown[SHOWN_MAX], error[256];
  YamlNode count = {.kind = NODE_SCALAR};
  int      mode;

  if (node->kind != NODE_SCALAR || yaml_is_null(node)) {
    diagnostics_error(diag, node->mark, "'trajectories' must be none, first, first_per_point, all or 'every n', found %s", yaml_kind(node));
    return;
  }
  if (!strncmp(node->text, "every ", 6)) {
    count.text = node->text + 6 + strspn(node->text + 6, " ");
    count.mark = node->mark;
    if (read_count("trajectories: every", &count, TRIALS_MAX, &options->record_n, diag)) options->record = RECORD_EVERY_N;
    return;
  }
  ParamSpec spec = {.name = "trajectories", .type = PARAM_CHOICE, .choices = record_modes};
  if (!param_parse(&spec, node->text, &mode, error, sizeof error))
    diagnostics_error(diag, node->mark, "'trajectories': '%s' is unknown; write none, first, first_per_point, all or 'every n'",
                      yaml_shown(node->text, shown));
  else if (mode == RECORD_EVERY_N)
    diagnostics_error(diag, node->mark, "'trajectories': 'every' needs a count, as in 'every 10'");
  else
    options->record = (RecordMode)mode;
}

static void read_record(Study *study, Diagnostics *diag)
{
  static const char *const keys[] = {"trajectories", "every", NULL};
  const YamlNode          *record = yaml_expect_kind(study_section(study, "record", NULL), NODE_MAP, "record", diag);
  const Override          *set;
  const YamlNode          *mode = yaml_map_find(record, "trajectories", NULL), *every = yaml_map_find(record, "every", NULL);

  yaml_check_keys(record, "in 'record'", keys, diag);
  if ((set = overrides_find(study->sets, "record.trajectories")) && set->value) mode = set->value;
  if ((set = overrides_find(study->sets, "record.every")) && set->value) every = set->value;
  if (mode) read_record_mode(mode, &study->options, diag);
  if (every) read_count("every", every, INT64_C(1) << 52, &study->options.every, diag);
}

void study_read_options(Study *study, Diagnostics *diag)
{
  study->options =
      (StudyOptions){.record = RECORD_FIRST_PER_POINT, .record_n = 1, .every = 1, .timeout = INFINITY, .sync = 60.0, .checkpoint = 300.0};
  read_schema(study, diag);
  read_experiment(study, diag);
  read_title(study, diag);
  read_replicates(study, diag);
  read_record(study, diag);
  read_duration(study, "timeout", true, &study->options.timeout, diag);
  read_duration(study, "sync", false, &study->options.sync, diag);
  read_duration(study, "checkpoint", false, &study->options.checkpoint, diag);
}

bool study_records(const StudyOptions *options, int64_t point, int64_t replicate)
{
  switch (options->record) {
  case RECORD_NONE: return false;
  case RECORD_FIRST: return point == 0 && replicate == 0;
  case RECORD_FIRST_PER_POINT: return replicate == 0;
  case RECORD_ALL: return true;
  case RECORD_EVERY_N: return replicate % options->record_n == 0;
  }
  return false;
}
