/* SPDX-License-Identifier: BSD-2-Clause
 * `myopia verify`: checksums, schema, every trial's state. */
#include <stdio.h>

#include "cli.h"
#include "error.h"
#include "lock.h"
#include "log.h"
#include "results.h"

static int run(const Arguments *a)
{
  Text          report               = {0};
  int64_t       counts[TRIAL_STATES] = {0}, total = 0;
  char          who[160];
  const bool    live     = lock_held(a->word[0], who, sizeof who);
  const int64_t findings = results_verify(a->word[0], live, &report, counts);
  for (int s = 0; s < TRIAL_STATES; s++) total += counts[s];
  if (findings >= 0) {
    printf("%s: %lld trials", a->word[0], (long long)total);
    for (int s = 0; s < TRIAL_STATES; s++)
      if (counts[s]) printf(", %lld %s", (long long)counts[s], trial_state_name((TrialState)s));
    putchar('\n');
  }
  fputs(text_string(&report), findings < 0 ? stderr : stdout);
  if (findings == 0) puts("intact");
  text_clear(&report);
  return findings == 0 ? EXIT_VALID : EXIT_IO;
}

const Command command_verify = {.name      = "verify",
                                .arguments = "FILE.h5",
                                .summary   = "checksums, schema, every trial's state; exit 4 names what is damaged",
                                .options   = "",
                                .min_words = 1,
                                .max_words = 1,
                                .run       = run};
