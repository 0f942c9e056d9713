/* SPDX-License-Identifier: BSD-2-Clause
 * A claim of an experiment's source about measured values, as plain data: read by config/, given its points by run/, kept and judged by
 * results/. A claim is a finding: whether it holds decides neither VALID nor the exit code. */
#ifndef MYOPIA_CLAIM_H
#define MYOPIA_CLAIM_H

enum { CLAIM_TEXT_MAX = 256, CLAIM_METRIC_MAX = 64, CLAIMS_MAX = 100 };
enum { CLAIM_OF = 0, CLAIM_AGAINST, CLAIM_SIDES };

/* What is judged: the mean of one side, or how it compares with that of the other: of - against, of / against. */
typedef enum { CLAIM_VALUE = 0, CLAIM_DIFFERENCE, CLAIM_RATIO, CLAIM_COMPARES } ClaimCompare;
/* below, above: x < high, x > low. within: low <= x <= high. contains: the interval of x contains low = high. */
typedef enum { CLAIM_BELOW = 0, CLAIM_ABOVE, CLAIM_WITHIN, CLAIM_CONTAINS, CLAIM_BOUNDS } ClaimBound;

extern const char *const claim_compare_names[CLAIM_COMPARES + 1]; /* "value", "difference", "ratio"; NULL ends it */
extern const char *const claim_bound_names[CLAIM_BOUNDS + 1];     /* "below", "above", "within", "contains" */

typedef struct Claim {
  char         text[CLAIM_TEXT_MAX]; /* as the source has it */
  char         metric[CLAIM_SIDES][CLAIM_METRIC_MAX];
  char         where[CLAIM_SIDES][CLAIM_TEXT_MAX]; /* "task=noise, schedule=cosine", cut where it is longer; "": every point */
  ClaimCompare compare;                            /* CLAIM_VALUE: there is no other side */
  ClaimBound   bound;
  double       low, high; /* infinite where there is no such side */
} Claim;

#endif
