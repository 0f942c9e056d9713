/* SPDX-License-Identifier: BSD-2-Clause
 * One slot of memory between calls: the last expensive thing that was made, kept until another one is put there. It is the only way in
 * which layers other than core keep something; not for threads. */
#ifndef MYOPIA_MEMO_H
#define MYOPIA_MEMO_H

#include <stdint.h>

void *memo_find(uint64_t key); /* the value of the slot; NULL when it is empty or has another key */
/* Takes over `value` and destroys the one before. destroy: called once, at the next memo_put or memo_clear. */
void memo_put(uint64_t key, void *value, void (*destroy)(void *value));
void memo_clear(void); /* before PetscFinalize, so that nothing of PETSc's outlives it */

#endif
