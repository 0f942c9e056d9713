/* SPDX-License-Identifier: BSD-2-Clause
 * The ISA level of this machine: what the processor and the operating system offer together (__builtin_cpu_supports), lowered by
 * MYOPIA_ISA in the environment. It never raises a level: a wish beyond the machine gives the machine's best. */
#include "isa.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static IsaLevel machine_level(void)
{
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return v4 ? ISA_V4 : v3 ? ISA_V3 : ISA_BASE;
#else
  return ISA_BASE;
#endif
}

IsaLevel isa_level(void)
{
  static const char *const wishes[] = {"base", "v3", "v4"};
  static bool              warned   = false;
  const IsaLevel           best     = machine_level();
  const char              *wish     = getenv("MYOPIA_ISA");
  if (!wish || !*wish) return best;
  for (int i = 0; i < 3; i++)
    if (strcmp(wish, wishes[i]) == 0) return i < (int)best ? (IsaLevel)i : best;
  if (!warned) log_warning("MYOPIA_ISA=%s is ignored: it is one of base, v3, v4", wish);
  warned = true;
  return best;
}

const char *isa_name(IsaLevel level)
{
  static const char *const names[] = {"base", "x86-64-v3", "x86-64-v4"};
  return names[level];
}
