/* SPDX-License-Identifier: BSD-2-Clause
 * How summary_*.c name a point and its axis values. */
#ifndef MYOPIA_SUMMARY_TEXT_H
#define MYOPIA_SUMMARY_TEXT_H

#include "results.h"

/* Value of an axis at a point as text; false (and "") where the point ignores the axis or has no rows. */
bool summary_axis_text(const ResultsTable *, int axis, int64_t point, char out[AXIS_TEXT_MAX]);
/* "method=random, lambda=10" */
void summary_point_text(const ResultsTable *, int64_t point, Text *out);

#endif
