/* SPDX-License-Identifier: BSD-2-Clause
 * The sweep between its YAML and its points: variables (parameters, seed, ranks), axes, zipped factors, conditions, cases.
 *
 * The points are the leaves of a loop nest, one level a factor (an axis, or several zipped ones), the cases innermost. An axis with
 * `when` is off where a condition fails: its variable then has its fixed value, and a factor all of whose axes are off is not crossed
 * (its first index stands for all). A condition is decided at the first level at which everything it looks at is known. */
#ifndef MYOPIA_CONFIG_SWEEP_H
#define MYOPIA_CONFIG_SWEEP_H

#include "trial.h"
#include "values.h"

struct Study;

typedef struct Variable {
  const ParamSpec *spec;
  bool             builtin;     /* seed or ranks: not in the experiment's struct */
  bool             broken;      /* its value was reported; what follows from it is not judged */
  bool             paired;      /* left out of the random key */
  bool             matters;     /* at some point (filled by sweep_points) */
  Value            fixed;       /* where no axis sets it; mark.line 0: built-in default */
  int              axis;        /* column, or -1 */
  int              gate;        /* variable that decides whether this one matters, or -1 */
  uint64_t         gate_values; /* its choices for which it does, as bits */
} Variable;

typedef struct Condition {
  int       variable;
  ValueList values;
} Condition;

/* What points said about an axis of several values. */
typedef struct Ignored {
  int64_t  points;
  uint64_t gate_seen; /* choices of the gate where it was ignored */
} Ignored;

typedef struct SweepAxis {
  int        variable;
  bool       by_cases; /* its values stand in the cases */
  ValueList  values;
  SourceMark mark;
  int        factor; /* its level; of a case axis the last one */
  int        n_conditions;
  Condition *condition;
  SourceMark when_mark;
  int        level; /* at which its conditions are decided */
  Ignored    ignored;
} SweepAxis;

typedef struct Factor {
  int n, *axis;
  int length;
  int level; /* at which all its axes can be found off; -1: never */
} Factor;

typedef struct CaseAxis {
  int       axis;
  ValueList values;
  Ignored   ignored;
} CaseAxis;

typedef struct Case {
  int        n;
  CaseAxis  *axis;
  SourceMark mark;
  int64_t    length;
} Case;

typedef struct Sweep {
  int        n_params, n_variables, seed, ranks; /* variable n_params is seed, n_params + 1 ranks */
  Variable  *variable;
  int        n_axes, n_factors, n_cases;
  SweepAxis *axis;
  Factor    *factor;
  Case      *cases;
  int       *when_order, n_when; /* axes with conditions, each after those it depends on */
  int       *name_order;         /* variables as in canonical text: seed, then by name */
  SourceMark mark;
  bool       usable; /* the loop nest can be walked */
} Sweep;

Sweep *sweep_create(const struct Study *, const ParamSpec *, Diagnostics *);
void   sweep_destroy(Sweep **);
int    sweep_variable(const Sweep *, const char *name); /* -1 when there is none */
/* Reports that `name` is no parameter, with a suggestion. */
void sweep_unknown(const Sweep *, const char *name, SourceMark, Diagnostics *);
/* zip, when, pair: rules over the axes. False: the loop nest is not defined (reported). */
bool sweep_read_zip(Sweep *, const struct Study *, Diagnostics *);
bool sweep_read_when(Sweep *, const struct Study *, Diagnostics *);
void sweep_read_pair(Sweep *, const struct Study *, Diagnostics *);

/* One leaf of the loop nest. */
typedef struct SweepWalk {
  Sweep        *sweep;
  const Value **current;                       /* (n_variables) */
  bool         *off;                           /* (n_axes) by its `when` */
  int64_t      *index;                         /* (n_factors + 1) */
  int           case_index;                    /* -1: there are no cases */
  int64_t       steps;                         /* loop turns so far */
  bool          overrun;                       /* WALK_STEPS_MAX was reached */
  bool (*leaf)(struct SweepWalk *, void *ctx); /* false stops the walk */
  void *ctx;
} SweepWalk;

enum { POINTS_MAX = 1000000, WALK_STEPS_MAX = 5000000 };

/* Calls walk->leaf for every point in row order. Sets up and frees everything but sweep, leaf and ctx. */
void sweep_walk(SweepWalk *);
bool sweep_used(const Sweep *, const Value *const *current, int variable);

/* The points as a table, rows not yet numbered; without points where they cannot be built. */
TrialTable *sweep_points(Sweep *, const struct Study *, const char *experiment, size_t params_size,
                         void (*check)(const void *, Diagnostics *), Diagnostics *);

#endif
