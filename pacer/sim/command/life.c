/* SPDX-License-Identifier: MIT */
/*
 * life: what arenas held and when, from the log of a program that ran; a table, and a picture.
 */
#include "command.h"
#include "life_log.h"
#include "life_plot.h"
#include "mains.h"
#include "shown.h"
#include "units.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define MIB 1048576.0
/** Names that have a lane, or a row, of their own; unless told otherwise. */
#define NAMES 12
#define NAMES_MOST 100

struct life_options {
    const char *picture;
    size_t names;
};

static struct life_options life_options(int argc, char **argv) {
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'}, {"names", required_argument, NULL, 'n'}, {0}};
    struct life_options life = {.names = NAMES};
    for (int option; (option = command_option(argc, argv, "o:", options)) != -1;)
        if (option == 'o')
            life.picture = optarg;
        else
            life.names = (size_t)command_count("--names", optarg, 1, NAMES_MOST, "");
    if (optind != argc - 1)
        command_misuse("life: one arena log, please; gait-sim help life");
    return life;
}

static const struct life_log *sorted; /* by_peak's */

static int by_peak(const void *left, const void *right) {
    const struct life_name *a = &sorted->names[*(const uint32_t *)left];
    const struct life_name *b = &sorted->names[*(const uint32_t *)right];
    if (a->peak_bytes != b->peak_bytes)
        return a->peak_bytes > b->peak_bytes ? -1 : 1;
    return strcmp(a->text, b->text);
}

/** All names, that which held most first. */
static uint32_t *order_names(const struct life_log *log) {
    uint32_t *order = command_allocate(log->name_count, sizeof(*order));
    for (size_t i = 0; i < log->name_count; i++)
        order[i] = (uint32_t)i;
    sorted = log;
    qsort(order, log->name_count, sizeof(*order), by_peak);
    return order;
}

/* ---- The table ---------------------------------------------------------- */

static void add_counts(struct life_name *sum, const struct life_name *name) {
    for (int type = 0; type < GAIT_ARENALOG_EVENTS; type++)
        sum->counts[type] += name->counts[type];
    sum->held_bytes += name->held_bytes;
}

static void print_row(const struct life_name *name, bool is_sum) {
    const uint64_t *counts = name->counts;
    if (is_sum)
        printf("%12s %9s", "", "");
    else
        printf("%12.3f %9.3f", name->peak_bytes / MIB, (double)name->peak_ns * 1e-9);
    printf(" %12.3f", name->held_bytes / MIB);
    printf(" %9llu %9llu %9llu %9llu %9llu  ", (unsigned long long)counts[GAIT_ARENALOG_create],
           (unsigned long long)counts[GAIT_ARENALOG_chunk],
           (unsigned long long)counts[GAIT_ARENALOG_reset],
           (unsigned long long)counts[GAIT_ARENALOG_free],
           (unsigned long long)counts[GAIT_ARENALOG_leak]);
    shown_line(stdout, "%s", name->text);
}

static void print_table(const struct life_log *log, const uint32_t *order, size_t rows) {
    printf("%12s %9s %12s %9s %9s %9s %9s %9s  %s\n", "peak MiB", "at s", "end MiB", "created",
           "chunks", "resets", "freed", "leaked", "name");
    struct life_name others = {0}, all = {.text = (char[]){"all"}};
    char text[UNITS_TEXT];
    for (size_t i = 0; i < log->name_count; i++) {
        const struct life_name *name = &log->names[order[i]];
        add_counts(&all, name);
        if (i < rows)
            print_row(name, false);
        else
            add_counts(&others, name);
    }
    if (log->name_count > rows) {
        snprintf(text, sizeof(text), "%zu other names", log->name_count - rows);
        others.text = text;
        print_row(&others, true);
    }
    print_row(&all, true);
    printf("%.3f s, %llu cycles; arenas held %.3f MiB at most\n", (double)log->end_ns * 1e-9,
           (unsigned long long)log->cycles, log->peak_bytes / MIB);
}

static void print_notes(const struct life_log *log) {
    if (log->cut)
        printf("the file ends within a line, which is left out\n");
    if (!log->closed)
        printf("the log has no end: the program was killed, or its file could not be written\n");
    if (log->lost_lines > 0)
        printf("%llu lines were lost: what arenas held may be more or less than is shown\n",
               (unsigned long long)log->lost_lines);
}

int life_main(int argc, char **argv) {
    struct life_options options = life_options(argc, argv);
    struct life_log log;
    const struct command_output picture = {"--output", options.picture};
    bool to_screen = command_to_screen(&picture, 1);
    life_log_read(&log, argv[optind]);
    uint32_t *order = order_names(&log);
    size_t names = log.name_count < options.names ? log.name_count : options.names;
    if (!to_screen) {
        print_table(&log, order, names);
        print_notes(&log);
    }
    if (options.picture)
        life_plot(&log, order, names, options.picture);
    free(order);
    life_log_free(&log);
    return COMMAND_OK;
}
