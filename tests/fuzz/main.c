/* SPDX-License-Identifier: MIT */
/*
 * The random mutator: rounds of random programs over the whole API, against a model.
 *
 *   fuzz [--seed N] [--seconds S] [--rounds N] [--ops N] [--actors N] [--heaps N]
 *        [--only OP,OP…] [--verbose]
 *
 * Round i has the seed N + i. A failure prints the line that plays its round alone. --ops, --actors
 * and --heaps cut it down, --only leaves but some operations (and those that every round needs).
 */
#include "fuzz.h"

#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#define ROUND_SECONDS 120 /* one that takes longer hangs */

const char *program_name;

static struct options {
    uint64_t seed;
    double seconds;
    unsigned rounds;
    struct plan_limits limits;
    bool verbose;
} options;

/* ---- Failure ---- */

/* The others may go on meanwhile. */
__attribute__((no_sanitize("thread"))) void report_round(void) {
    const struct round *round = the_round;
    if (!round)
        return;
    plan_print(&round->plan);
    for (const struct actor *actor = round->actors; actor; actor = actor->next) {
        if (actor->logged == 0)
            continue;
        fprintf(stderr, "  actor %#x:", actor->number);
        unsigned lines = actor->logged < LOG_LINES ? actor->logged : LOG_LINES;
        for (unsigned i = actor->logged - lines; i != actor->logged; i++)
            fprintf(stderr, " %u:%s(%" PRIu64 ")", actor->log[i % LOG_LINES].op,
                    actor->log[i % LOG_LINES].what, actor->log[i % LOG_LINES].detail);
        fputc('\n', stderr);
    }
    fprintf(stderr, "again: %s --seed %" PRIu64 " --rounds 1", program_name, round->plan.seed);
    if (options.limits.ops)
        fprintf(stderr, " --ops %u", options.limits.ops);
    if (options.limits.actors)
        fprintf(stderr, " --actors %u", options.limits.actors);
    if (options.limits.heaps)
        fprintf(stderr, " --heaps %u", options.limits.heaps);
    if (options.limits.only)
        fprintf(stderr, " --only %s", options.limits.only);
    fputc('\n', stderr);
}

void fail(const char *file, int line, const char *format, ...) {
    fprintf(stderr, "fuzz: %s:%d: ", file, line);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    report_round();
    signal(SIGABRT, SIG_DFL); /* for a debugger, and without a second report */
    abort();
}

/* ---- The command line ---- */

double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void usage(int status) {
    fprintf(status ? stderr : stdout,
            "usage: %s [--seed N] [--seconds S] [--rounds N] [--ops N] [--actors N] [--heaps N] "
            "[--only OP,OP] [--verbose]\noperations:",
            program_name);
    for (unsigned i = 0; i < ops_count; i++)
        fprintf(status ? stderr : stdout, " %s", all_ops[i].name);
    fputc('\n', status ? stderr : stdout);
    exit(status);
}

static void options_read(int argc, char **argv) {
    static const struct option names[] = {
        {"seed", required_argument, NULL, 's'},   {"seconds", required_argument, NULL, 't'},
        {"rounds", required_argument, NULL, 'r'}, {"ops", required_argument, NULL, 'o'},
        {"actors", required_argument, NULL, 'a'}, {"only", required_argument, NULL, 'y'},
        {"heaps", required_argument, NULL, 'p'},  {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    options.seed = (uint64_t)time(NULL) * 1000;
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        switch (option) {
        case 's':
            options.seed = strtoull(optarg, NULL, 0);
            break;
        case 't':
            options.seconds = strtod(optarg, NULL);
            break;
        case 'r':
            options.rounds = (unsigned)strtoul(optarg, NULL, 0);
            break;
        case 'o':
            options.limits.ops = (unsigned)strtoul(optarg, NULL, 0);
            break;
        case 'a':
            options.limits.actors = (unsigned)strtoul(optarg, NULL, 0);
            break;
        case 'p':
            options.limits.heaps = (unsigned)strtoul(optarg, NULL, 0);
            break;
        case 'y':
            options.limits.only = optarg;
            break;
        case 'v':
            options.verbose = true;
            break;
        default:
            usage(option == 'h' ? 0 : 2);
        }
    if (optind < argc || options.limits.actors > ACTORS_MAX || options.limits.heaps > HEAPS_MAX)
        usage(2);
    if (!options.rounds && options.seconds == 0)
        options.seconds = 10;
}

int main(int argc, char **argv) {
    program_name = argv[0];
    options_read(argc, argv);
    faults_catch();
    printf("%s: seed %" PRIu64 "\n", program_name, options.seed);
    fflush(stdout);
    double end = now_seconds() + options.seconds;
    unsigned round = 0;
    for (; options.rounds ? round < options.rounds : now_seconds() < end; round++) {
        struct plan plan;
        plan_make(&plan, options.seed + round, &options.limits);
        if (options.verbose)
            plan_print(&plan);
        alarm(ROUND_SECONDS);
        double begin = now_seconds();
        round_play(&plan);
        if (options.verbose)
            fprintf(stderr, "  took %.2f s\n", now_seconds() - begin);
    }
    alarm(0);
    printf("%u rounds\n", round);
    return 0;
}
