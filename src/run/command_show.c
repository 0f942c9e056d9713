/* SPDX-License-Identifier: BSD-2-Clause
 * `myopia show` and `myopia export`: tables from a results file, also while it is being written. */
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "error.h"
#include "lock.h"
#include "log.h"
#include "results.h"

static int read_table(const char *path, ResultsTable **table)
{
  char       error[512], who[160];
  const bool live = lock_held(path, who, sizeof who);
  if (results_read(path, true, live, table, error, sizeof error)) {
    log_error("%s", error);
    return EXIT_IO;
  }
  if (live) log_info("%s is being written by %s", path, who);
  return EXIT_VALID;
}

static void print_claims(const Arguments *a, const Summary *summary, Text *out)
{
  if (a->json) {
    text_append(out, "{\"claims\": ");
    summary_claims_json(summary, out);
    text_append(out, "}\n");
  } else if (a->csv) {
    summary_claims_csv(summary, out);
  } else {
    summary_claims_table(summary, log_colour(STDOUT_FILENO), out);
    if (summary->table->n_claims == 0) text_append(out, "the input of this file makes no claims\n");
  }
}

static int run_show(const Arguments *a)
{
  ResultsTable *table;
  Summary      *summary;
  Text          out  = {0};
  int           code = read_table(a->word[0], &table);
  if (code) return code;
  if (summary_create(table, &summary)) return EXIT_ENVIRONMENT;
  if (a->claims)
    print_claims(a, summary, &out);
  else if (a->json)
    summary_json(summary, &out);
  else if (a->csv)
    summary_csv(summary, &out);
  else
    summary_table(summary, log_colour(STDOUT_FILENO), &out);
  fputs(text_string(&out), stdout);
  text_clear(&out);
  summary_destroy(&summary);
  results_table_destroy(&table);
  return code;
}

static int run_export(const Arguments *a)
{
  ResultsTable *table;
  Text          out  = {0};
  const int     code = read_table(a->word[0], &table);
  if (code) return code;
  results_export_csv(table, &out);
  fputs(text_string(&out), stdout);
  text_clear(&out);
  results_table_destroy(&table);
  return EXIT_VALID;
}

const Command command_show = {.name      = "show",
                              .arguments = "FILE.h5 [--json | --csv] [--claims]",
                              .summary   = "per sweep point: mean, interval, exact and published value, verdict",
                              .options   = "--json --csv --claims",
                              .min_words = 1,
                              .max_words = 1,
                              .run       = run_show};

const Command command_export = {.name      = "export",
                                .arguments = "FILE.h5 --csv",
                                .summary   = "one line a trial",
                                .options   = "--csv",
                                .min_words = 1,
                                .max_words = 1,
                                .run       = run_export};
