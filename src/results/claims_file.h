/* SPDX-License-Identifier: BSD-2-Clause
 * The claims of a results file: which data sets below /claims hold them. */
#ifndef MYOPIA_CLAIMS_FILE_H
#define MYOPIA_CLAIMS_FILE_H

#include "h5.h"
#include "results.h"

/* Texts of a claim, one data set each. */
enum { CLAIM_WORDS = 7 };
extern const char *const claim_word_names[CLAIM_WORDS], *const claim_word_descriptions[CLAIM_WORDS];
const char *claim_word(const Claim *, int word);

extern const char *const claim_side_names[CLAIM_SIDES]; /* "of", "against" */

/* Into t; nothing where the file has none. t->n_points is known. */
int claims_read(hid_t file, ResultsTable *t, H5Error *);

/* Bytes of the claims of a plan, and data sets. */
int64_t claims_bytes(const ResultsPlan *, int64_t *datasets);

#endif
