/* SPDX-License-Identifier: BSD-2-Clause
 * Layout of rank groups over phases: pure arithmetic, checked by its invariants for every world up to 12. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "groups.h"

enum { WORLD_MAX = 12 };

/* Every phase has floor(world / size) groups of exactly `size` ranks, numbered from 0. */
static void check_phase(int world, int size, const int *group)
{
  int count[WORLD_MAX + 1] = {0}, members = 0;
  for (int r = 0; r < world; r++) {
    assert_in_range(group[r] + 1, 0, world / size);
    if (group[r] >= 0) count[group[r]]++, members++;
  }
  assert_int_equal(members, world / size * size);
  for (int g = 0; g < world / size; g++) assert_int_equal(count[g], size);
}

static void every_phase_is_full(void **state)
{
  (void)state;
  for (int world = 1; world <= WORLD_MAX; world++)
    for (int a = world; a >= 1; a--)
      for (int b = a; b >= 1; b--)
        for (int c = b; c >= 1; c--) {
          const int size[3] = {a, b, c};
          int       group[WORLD_MAX];
          for (int phase = 0; phase < 3; phase++) {
            groups_layout(world, 3, size, phase, group);
            check_phase(world, size[phase], group);
          }
        }
}

/* When a size divides the one before, no group mixes two groups of the phase before: nobody waits for strangers. */
static void groups_nest(void **state)
{
  (void)state;
  for (int world = 1; world <= WORLD_MAX; world++)
    for (int b = 1; b <= world; b++)
      for (int a = b; a <= world; a += b) {
        const int size[2] = {a, b};
        int       first[WORLD_MAX], second[WORLD_MAX];
        groups_layout(world, 2, size, 0, first);
        groups_layout(world, 2, size, 1, second);
        for (int r = 0; r < world; r++)
          for (int s = 0; s < world; s++)
            if (second[r] >= 0 && second[r] == second[s]) assert_int_equal(first[r], first[s]);
      }
}

/* Ranks that fit into no large group work at once in the next phase: the leftovers of 3 out of 5 form a pair. */
static void leftovers_join(void **state)
{
  (void)state;
  const int size[2] = {3, 2};
  int       group[5];
  groups_layout(5, 2, size, 0, group);
  assert_int_equal(group[3], -1);
  assert_int_equal(group[4], -1);
  groups_layout(5, 2, size, 1, group);
  assert_true(group[3] >= 0);
  assert_int_equal(group[3], group[4]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_phase_is_full), cmocka_unit_test(groups_nest),
                                     cmocka_unit_test(leftovers_join)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
