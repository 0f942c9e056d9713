/* SPDX-License-Identifier: BSD-2-Clause
 * The one-slot memory behind things that several callers ask for in turn (a trial's graph: check, cost, declare and run). It does not
 * compare values: equal keys are equal things. */
#include "memo.h"

#include <stddef.h>

static struct {
  uint64_t key;
  void    *value;
  void (*destroy)(void *);
} slot;

void *memo_find(uint64_t key) { return slot.value && slot.key == key ? slot.value : NULL; }

void memo_clear(void)
{
  if (slot.value && slot.destroy) slot.destroy(slot.value);
  slot.value = NULL;
}

void memo_put(uint64_t key, void *value, void (*destroy)(void *))
{
  memo_clear();
  slot.key     = key;
  slot.value   = value;
  slot.destroy = destroy;
}
