/* SPDX-License-Identifier: BSD-2-Clause
 * What the files of config/ share about a study. */
#ifndef MYOPIA_CONFIG_STUDY_PRIVATE_H
#define MYOPIA_CONFIG_STUDY_PRIVATE_H

#include "overrides.h"
#include "study.h"
#include "sweep.h"
#include "yaml_tree.h"

#define TRIALS_MAX 100000000

struct Study {
  char            *name;
  YamlTree        *file;
  Overrides       *sets;
  StudyOptions     options;
  const YamlNode  *title_node, *experiment_node;
  char            *title;
  SourceMark       experiment_mark; /* of the value, or of the file's first line */
  int64_t          replicates;
  SourceMark       replicates_mark;
  const ParamSpec *spec; /* after study_expand */
  Sweep           *sweep;
  int              n_expect, n_claims, n_origins;
  Expectation     *expect;
  StudyClaim      *claim;
  ParamOrigin     *origin;
};

/* A top-level key, from the command line before the file; NULL when neither has it. dotted: "record.every" on the command line is
 * `every` inside `record`. */
const YamlNode *study_value(const Study *, const char *key);
/* The file's section, whatever its kind; NULL when absent. */
const YamlNode *study_section(const Study *, const char *key, SourceMark *key_mark);
bool            study_is_option(const char *key); /* a key of the command line that is no parameter */

void study_read_options(Study *, Diagnostics *);
void study_read_expectations(Study *, const TrialTable *, Diagnostics *);
void study_read_claims(Study *, const TrialTable *, Diagnostics *);
void study_make_origins(Study *);
void study_clear_expectations(Study *);
void study_clear_claims(Study *);

/* The mapping `key` of `map`; none: every point. False: reported. */
bool where_read(const Study *, const YamlNode *map, const char *key, Where *out, Diagnostics *);
/* Whether some point matches. Otherwise an error; a warning where the command line took the points away. what: "claim"; key: of `map`. */
bool where_check(const Study *, const TrialTable *, const Where *, SourceMark, const char *what, const char *key, Diagnostics *);
void where_text(const Where *, const char *equals, Text *out); /* "k=2, x=1" */
void where_clear(Where *);

/* The table owns params, axes and canonical texts; points with params and axes in place. */
TrialTable *trial_table_create(const char *experiment, int n_axes, int64_t n_points, size_t params_size);

#endif
