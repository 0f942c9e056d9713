/* SPDX-License-Identifier: BSD-2-Clause
 * Parses the command line and prints help. Options may stand anywhere after the command; what holds "=" and is no option is an override. */
#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "text.h"

static const Command *const commands[] = {&command_list,
                                          &command_describe,
                                          &command_check,
                                          &command_run,
                                          &command_resistance,
                                          &command_spectrum,
                                          &command_sample,
                                          &command_show,
                                          &command_export,
                                          &command_verify,
                                          &command_doctor,
                                          &command_version,
                                          NULL};

const Command *command_get(int i) { return commands[i]; }

typedef struct Option {
  const char *name, *value, *help; /* value: what stands for it in the help; NULL: none */
  bool (*set)(Arguments *, const char *value);
} Option;

static bool set_json(Arguments *a, const char *v) { return (void)v, a->json = true; }
static bool set_csv(Arguments *a, const char *v) { return (void)v, a->csv = true; }
static bool set_claims(Arguments *a, const char *v) { return (void)v, a->claims = true; }
static bool set_resume(Arguments *a, const char *v) { return (void)v, a->resume = true; }
static bool set_overwrite(Arguments *a, const char *v) { return (void)v, a->overwrite = true; }
static bool set_extend(Arguments *a, const char *v) { return (void)v, a->extend = true; }
static bool set_only_failed(Arguments *a, const char *v) { return (void)v, a->only_failed = true; }
static bool set_help(Arguments *a, const char *v) { return (void)v, a->help = true; }
static bool set_out(Arguments *a, const char *v) { return (a->out = v)[0] != 0; }
static bool set_trial(Arguments *a, const char *v) { return (a->trial = v)[0] != 0; }
static bool set_method(Arguments *a, const char *v) { return (a->method = v)[0] != 0; }
static bool set_pairs(Arguments *a, const char *v) { return (a->pairs = v)[0] != 0; }
static bool set_eigenpairs(Arguments *a, const char *v) { return (a->eigenpairs = v)[0] != 0; }
static bool set_count(Arguments *a, const char *v) { return text_parse_int(v, &a->count) && a->count >= 1 && a->count <= 10000000; }
static bool set_time_limit(Arguments *a, const char *v) { return text_parse_duration(v, &a->time_limit); }

static bool set_ranks_per_trial(Arguments *a, const char *v)
{
  a->ranks_given = true;
  a->ranks_auto  = strcmp(v, "auto") == 0;
  if (a->ranks_auto) a->ranks_per_trial = 1;
  if (a->ranks_auto) return true;
  return text_parse_int(v, &a->ranks_per_trial) && a->ranks_per_trial >= 1 && a->ranks_per_trial <= 1000000;
}

static bool set_part(Arguments *a, const char *v)
{
  char        first[32];
  const char *slash = strchr(v, '/');
  if (!slash || (size_t)(slash - v) >= sizeof first) return false;
  snprintf(first, sizeof first, "%.*s", (int)(slash - v), v);
  return text_parse_int(first, &a->part) && text_parse_int(slash + 1, &a->parts) && a->part >= 1 && a->part <= a->parts;
}

static const Option options[] = {
    {"--out", "FILE.h5", "results file to write (`sample`: any other ending writes the graphs as text)", set_out},
    {"--resume", NULL, "go on with an interrupted file; a missing one is started, a complete one left alone", set_resume},
    {"--overwrite", NULL, "replace an existing file", set_overwrite},
    {"--extend", NULL, "take over the done trials of an existing file and run what the input has beyond them", set_extend},
    {"--only-failed", NULL, "with --resume: run again the trials that failed, and nothing else", set_only_failed},
    {"--ranks-per-trial", "N|auto",
     "ranks that work together on a trial (default 1; auto: several where trials are long and fewer than ranks; a sweep axis `ranks` "
     "overrides it)",
     set_ranks_per_trial},
    {"--time-limit", "TIME", "stop, resumable, before this much time (90s, 55m, 2h) has passed; default: the end of the SLURM job",
     set_time_limit},
    {"--trial", "ID", "only this trial: its row number or its id (0x...)", set_trial},
    {"--part", "I/N", "only the I-th of N contiguous parts of the trials", set_part},
    {"--method", "M", "how to compute it; `myopia list` names the methods", set_method},
    {"--pairs", "FILE", "R between these pairs of vertices, one pair a line, instead of every edge", set_pairs},
    {"-k", "K", "number of smallest eigenvalues (default 6)", set_eigenpairs},
    {"-n", "N", "graphs to draw (default 1000)", set_count},
    {"--json", NULL, "machine-readable output", set_json},
    {"--csv", NULL, "comma-separated values", set_csv},
    {"--claims", NULL, "the claims of the input alone", set_claims},
    {"--help", NULL, "this text", set_help},
    {0},
};

static bool takes(const Command *c, const char *option)
{
  const size_t n = strlen(option);
  for (const char *p = c->options; (p = strstr(p, option)); p += n)
    if ((p == c->options || p[-1] == ' ') && (p[n] == 0 || p[n] == ' ')) return true;
  return strcmp(option, "--help") == 0;
}

static const char *command_name(const void *ctx, int i)
{
  (void)ctx;
  return commands[i] ? commands[i]->name : NULL;
}

static const char *option_name(const void *ctx, int i)
{
  (void)ctx;
  return options[i].name;
}

static void print_overview(FILE *f)
{
  fputs("myopia measures how diffusion models fail on structure, beside the exact values.\n\nusage: myopia COMMAND ...\n\n", f);
  for (int i = 0; commands[i]; i++) fprintf(f, "  %-10s %-38s %s\n", commands[i]->name, commands[i]->arguments, commands[i]->summary);
  fputs(
      "\n`myopia COMMAND --help` tells a command's options. SET overrides one key of the input: lambda=10, method=random,oracle (sweeps),\n"
      "seed=range(0,99), lr=logspace(-4,-1,7), record.every=10.\n"
      "Exit codes: 0 valid, 1 a trial failed or a result is invalid, 2 usage or input, 3 environment, 4 I/O or damaged file,\n"
      "85 interrupted and resumable.\n",
      f);
}

static void print_help(const Command *c)
{
  printf("usage: myopia %s %s\n%s\n", c->name, c->arguments, c->summary);
  for (const Option *o = options; o->name; o++) {
    char left[64];
    if (!takes(c, o->name)) continue;
    snprintf(left, sizeof left, "%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    printf("  %-22s %s\n", left, o->help);
  }
}

static const Command *usage_error(const Command *c, int *code, const char *message)
{
  *code = EXIT_INPUT;
  if (cli_launch_rank() > 0) return NULL; /* told once */
  fprintf(stderr, "myopia: error: %s\n", message);
  if (c)
    fprintf(stderr, "usage: myopia %s %s   (`myopia %s --help`)\n", c->name, c->arguments, c->name);
  else
    fprintf(stderr, "`myopia --help` lists the commands\n");
  return NULL;
}

static const Command *find_command(const char *name, int *code)
{
  for (int i = 0; commands[i]; i++)
    if (strcmp(commands[i]->name, name) == 0) return commands[i];
  char        message[160];
  const char *near = text_suggest(name, command_name, NULL);
  snprintf(message, sizeof message, "there is no command '%.40s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
           near ? "'?" : "");
  return usage_error(NULL, code, message);
}

/* One option, with its value in the same word after "=" or in the next. Returns words used, 0 with a message on error. */
static int parse_option(const Command *c, Arguments *a, int n, char **word, char *message, size_t size)
{
  char        name[32];
  const char *equal = strchr(word[0], '=');
  snprintf(name, sizeof name, "%.*s", (int)(equal ? equal - word[0] : (long)strlen(word[0])), word[0]);
  if (strcmp(name, "-h") == 0) snprintf(name, sizeof name, "--help");
  const Option *o = options;
  while (o->name && strcmp(o->name, name) != 0) o++;
  if (!o->name || !takes(c, name)) {
    const char *near = text_suggest(name, option_name, NULL);
    const bool  hint = !o->name && near && takes(c, near);
    snprintf(message, size, "`myopia %s` has no option %s%s%s%s", c->name, name, hint ? "; did you mean " : "", hint ? near : "",
             hint ? "?" : "");
    return 0;
  }
  if (!o->value && equal) return snprintf(message, size, "%s takes no value", name), 0;
  if (o->value && !equal && n < 2) return snprintf(message, size, "%s needs a value: %s %s", name, name, o->value), 0;
  const char *value = !o->value ? "" : equal ? equal + 1 : word[1];
  if (!o->set(a, value))
    return snprintf(message, size, "%s cannot be '%.60s'; it takes %s", name, value, o->value ? o->value : "nothing"), 0;
  return o->value && !equal ? 2 : 1;
}

static const char *missing(const Command *c, const Arguments *a)
{
  if (a->n_words < c->min_words) return "an argument is missing";
  if (a->resume + a->overwrite + a->extend > 1) return "--resume, --overwrite and --extend exclude each other";
  if (a->only_failed && !a->resume) return "--only-failed goes with --resume";
  if (a->json && a->csv) return "--json and --csv exclude each other";
  if (a->trial && a->parts) return "--trial and --part exclude each other";
  return NULL;
}

const Command *cli_parse(int argc, char **argv, Arguments *a, int *code)
{
  char message[256];
  *a    = (Arguments){.ranks_per_trial = 1, .time_limit = INFINITY};
  *code = EXIT_VALID;
  if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
    print_overview(argc < 2 ? stderr : stdout);
    *code = argc < 2 ? EXIT_INPUT : EXIT_VALID;
    return NULL;
  }
  const Command *c = find_command(strcmp(argv[1], "--version") == 0 ? "version" : argv[1], code);
  if (!c) return NULL;
  Text line = {0};
  for (int i = 0; i < argc; i++) text_add(&line, "%s%s", i ? " " : "", argv[i]);
  a->command_line = line.s;
  a->sets         = mem_calloc((size_t)argc, sizeof *a->sets);
  for (int i = 2; i < argc;) {
    if (argv[i][0] == '-' && argv[i][1] != 0) {
      const int used = parse_option(c, a, argc - i, argv + i, message, sizeof message);
      if (!used) return usage_error(c, code, message);
      i += used;
    } else if (c->takes_sets && a->n_words >= c->min_words && strchr(argv[i], '=')) {
      a->sets[a->n_sets++] = argv[i++];
    } else if (a->n_words < c->max_words) {
      a->word[a->n_words++] = argv[i++];
    } else {
      snprintf(message, sizeof message, c->takes_sets ? "'%.60s' is no override: write key=value" : "one argument too many: '%.60s'",
               argv[i]);
      return usage_error(c, code, message);
    }
  }
  if (a->help) return print_help(c), NULL;
  if (missing(c, a)) return usage_error(c, code, missing(c, a));
  return c;
}

void cli_clear(Arguments *a)
{
  free((void *)(uintptr_t)a->command_line);
  free(a->sets);
  *a = (Arguments){0};
}

static int environment_int(const char *const *names, int fallback)
{
  int64_t value;
  for (; *names; names++) {
    const char *s = getenv(*names);
    if (s && text_parse_int(s, &value) && value >= 0 && value < 100000000) return (int)value;
  }
  return fallback;
}

int cli_launch_rank(void) { return environment_int((const char *const[]){"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", NULL}, 0); }

int cli_launch_world(void) { return environment_int((const char *const[]){"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", NULL}, 0); }
