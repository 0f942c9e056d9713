/* SPDX-License-Identifier: BSD-2-Clause
 * Settings on the command line: key=value, each a node with the file name "command line", the argument's number as line and the
 * column in it. */
#ifndef MYOPIA_CONFIG_OVERRIDES_H
#define MYOPIA_CONFIG_OVERRIDES_H

#include "yaml_tree.h"

typedef struct Override {
  char      *key;
  SourceMark mark;  /* of the key */
  YamlNode  *value; /* "a,b" and "[a, b]" are lists, the rest scalars */
  YamlNode  *raw;   /* everything after '=' as one scalar */
} Override;

typedef struct Overrides {
  YamlTree *tree;
  int       n;
  Override *set;
} Overrides;

Overrides      *overrides_create(int n_sets, const char *const *sets, Diagnostics *);
void            overrides_destroy(Overrides **);
const Override *overrides_find(const Overrides *, const char *key);

#endif
