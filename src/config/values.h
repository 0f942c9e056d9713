/* SPDX-License-Identifier: BSD-2-Clause
 * Checked values of a parameter: one, or the list of a swept axis. */
#ifndef MYOPIA_CONFIG_VALUES_H
#define MYOPIA_CONFIG_VALUES_H

#include "param.h"
#include "yaml_tree.h"

enum { VALUES_MAX = 1000000, VALUE_TEXT_MAX = 2048 };

typedef struct Value {
  char      *text;   /* canonical, owned; NULL: not set */
  void      *field;  /* the bytes of the struct's field, owned */
  double     number; /* param_number */
  SourceMark mark;
} Value;

typedef struct ValueList {
  int    n, capacity;
  int    n_asked; /* as many as the input asked for, faulty ones included */
  Value *value;
} ValueList;

size_t value_field_size(ParamType);
bool   value_set(const ParamSpec *, const char *text, SourceMark, Value *out, char *error, size_t size);
void   value_clear(Value *);
void   values_clear(ValueList *);

/* Reads a scalar (or the list of a list parameter); a list or range form for anything else is an error that sends the user to
 * `sweep`. False: reported. */
bool value_read(const ParamSpec *, const YamlNode *, Value *out, Diagnostics *);
/* A finite number that is no parameter; `name` is for the messages. */
bool value_read_number(const char *name, const YamlNode *, double *out, Diagnostics *);
/* Reads the values of an axis: scalar, list, range(a,b[,step]), linspace(a,b,n), logspace(a,b,n). Reports empty lists, bad and repeated
 * values, and texts of AXIS_TEXT_MAX and more. False: something was reported; out holds the good ones. */
bool values_read(const ParamSpec *, const YamlNode *, ValueList *out, Diagnostics *);
/* Whether the node asks for several values of this parameter. */
bool values_sweeps(const ParamSpec *, const YamlNode *);

#endif
