/* SPDX-License-Identifier: BSD-2-Clause
 * What readers of the three formats share: lines of a plain or gzipped file, numbers in them, faults with their line, and raw entries. */
#ifndef MYOPIA_READ_H
#define MYOPIA_READ_H

#include <zlib.h>

#include "source.h"

#define READ_LARGEST_ID (INT64_C(1) << 62)

typedef struct Lines {
  gzFile      file;
  char       *buffer;
  size_t      begin, scanned, end, capacity; /* unread bytes are begin .. end - 1, of which those before `scanned` hold no line end */
  bool        done;                          /* the file is at its end */
  int64_t     number;                        /* of the line handed out last, from 1 */
  const char *failure;                       /* why reading ended early; NULL: the end of the file */
} Lines;

/* A regular file, gzipped or not; false with the reason. */
bool lines_open(const char *path, Lines *, const char **why);
void lines_close(Lines *);
/* The next line, NUL-terminated, without \n and \r; writable until the next call. false: the end, or see `failure`. */
bool lines_next(Lines *, char **line);
/* Makes at least the beginning of the file visible in buffer[begin .. end) without handing it out. */
void lines_peek(Lines *);
/* Line of a zero byte in the visible beginning: an image or a program, of which one message is enough. 0: none. */
int64_t lines_binary(const Lines *);

typedef struct Reader {
  const GraphSpec *spec;
  Lines            lines;
  Source          *source;
  GraphReport     *report;
  GraphErrors     *errors;
  int              known;    /* errors before this file */
  bool             weighted; /* entries carry weights of the file */
} Reader;

void               reader_fault(Reader *, const char *format, ...) __attribute__((format(printf, 2, 3))); /* at the current line */
void               reader_fault_at(Reader *, int64_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static inline bool reader_sound(const Reader *r) { return r->errors->n == r->known; }
bool               reader_full(const Reader *); /* no more faults fit: stop reading */

/* Numbers. Between two of them stand blanks, tabs and at most one comma. */
typedef enum { SCAN_OK = 0, SCAN_END, SCAN_BAD, SCAN_BIG } Scan;
Scan scan_int(char **at, int64_t *out);        /* *at moves behind it when OK, else to the offending word */
Scan scan_real(char **at, double *out);        /* "nan" and "inf" are read as such */
bool scan_skip(char **at);                     /* over a word, whatever it is; false when none is left */
bool scan_end(char **at);                      /* nothing but blanks is left */
void scan_word(const char *at, char word[32]); /* for messages: the word at `at`, shortened, unprintable letters as '?' */
/* Skips blanks, then true when the line is empty or a comment that starts with one of `marks`. */
bool scan_comment(char **at, const char *marks);

/* The weight at *at: true when the entry is to be kept. False after a fault (recorded), or for a zero (counted). */
bool reader_weight(Reader *, char **at, double *weight);
/* One entry between vertices of the final numbering; loops are dropped and counted. The direction is kept in the sign of the weight. */
PetscErrorCode reader_push(Reader *, int64_t from, int64_t to, double weight);
/* Sorts and merges what was pushed. paired: both directions must be there and agree (METIS); line of each vertex for its faults. */
PetscErrorCode reader_merge(Reader *, const int64_t *line);

PetscErrorCode read_matrix_market(Reader *);
PetscErrorCode read_edge_list(Reader *);
PetscErrorCode read_metis(Reader *);
/* Size by the header: false when there is none. */
bool matrix_market_size(Lines *, int64_t *n, int64_t *m);
bool metis_size(Lines *, int64_t *n, int64_t *m);

#endif
