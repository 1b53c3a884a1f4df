/* SPDX-License-Identifier: MIT */
/*
 * Replay scenarios of the ideal program and compare every cycle.
 *
 *     pacer-vectors FILE...          compare the result columns; status 1 if any differs
 *     pacer-vectors --print FILE...  print inputs and results, as Go prints them; the
 *                                    file needs the input columns only
 *
 * A scenario starts where the column `cycle` is 1; rows of several may alternate.
 */
#include "check.h"
#include "table.h"

#include "../../pacer/sim/ideal.h"

#include <stdlib.h>
#include <string.h>

static const char *const INPUTS[] = {
    "scenario",   "gogc",      "memory_limit", "globals_bytes",  "procs",       "cycle",
    "alloc_rate", "scan_rate", "growth_rate",  "scannable_frac", "stack_bytes",
};
#define INPUT_COUNT ((int)(sizeof(INPUTS) / sizeof(*INPUTS)))

static const char RESULTS[] = "next_marked\tlive\tscannable\ttrigger\tgoal\tpeak\tgc_utilization\t"
                              "assist_ns\tduration_ns\tallocated_black";

#define MAX_SCENARIOS 256
#define MAX_NAME 128

/** Scenarios that have started, found by name. */
struct scenarios {
    int count;
    struct scenario {
        char name[MAX_NAME];
        struct ideal ideal;
    } list[MAX_SCENARIOS];
};

static struct ideal *find_scenario(const struct table *table, struct scenarios *scenarios) {
    const char *name = table_text(table, "scenario");
    for (int i = 0; i < scenarios->count; i++)
        if (strcmp(scenarios->list[i].name, name) == 0)
            return &scenarios->list[i].ideal;
    if (scenarios->count == MAX_SCENARIOS || strlen(name) >= MAX_NAME)
        table_fail(table, "too many scenarios, or too long a name", name);
    struct scenario *scenario = &scenarios->list[scenarios->count++];
    strcpy(scenario->name, name);
    return &scenario->ideal;
}

static void print_inputs(const struct table *table) {
    for (int i = 0; i < INPUT_COUNT; i++)
        printf("%s%s", i ? "\t" : "", table_text(table, INPUTS[i]));
}

static void print_header(void) {
    for (int i = 0; i < INPUT_COUNT; i++)
        printf("%s\t", INPUTS[i]);
    printf("%s\n", RESULTS);
}

static void run_row(const struct table *table, struct ideal *ideal, struct ideal_result *result) {
    int64_t cycle = table_i64(table, "cycle");
    if (cycle == 1)
        ideal_init(ideal, (int32_t)table_i64(table, "gogc"), table_i64(table, "memory_limit"),
                   table_u64(table, "globals_bytes"), (int32_t)table_i64(table, "procs"));
    if (cycle != ideal->cycles + 1)
        table_fail(table, "cycles are not in order", table_text(table, "cycle"));

    struct ideal_behaviour behaviour = {
        .alloc_rate = table_double(table, "alloc_rate"),
        .scan_rate = table_double(table, "scan_rate"),
        .growth_rate = table_double(table, "growth_rate"),
        .scannable_frac = table_double(table, "scannable_frac"),
        .stack_bytes = table_u64(table, "stack_bytes"),
    };
    if (!ideal_cycle(ideal, &behaviour, result))
        table_fail(table, "marking does not end", table_text(table, "scenario"));
}

static void check_row(struct check *check, const struct ideal_result *result) {
    check_i64(check, "next_marked", result->next_marked);
    check_u64(check, "live", result->live);
    check_i64(check, "scannable", result->scannable);
    check_u64(check, "trigger", result->trigger);
    check_u64(check, "goal", result->goal);
    check_u64(check, "peak", result->peak);
    check_double(check, "gc_utilization", result->gc_utilization);
    check_i64(check, "assist_ns", result->assist_ns);
    check_i64(check, "duration_ns", result->duration_ns);
    check_i64(check, "allocated_black", result->allocated_black);
}

static int replay(const char *path, bool print) {
    static struct table table;
    static struct scenarios scenarios;
    memset(&scenarios, 0, sizeof(scenarios));
    struct check check = {.table = &table, .print = print};
    table_open(&table, path);
    if (print)
        print_header();
    while (table_next(&table)) {
        struct ideal_result result;
        run_row(&table, find_scenario(&table, &scenarios), &result);
        check.row_name = table_text(&table, "scenario");
        if (print)
            print_inputs(&table);
        check_row(&check, &result);
        if (print)
            putchar('\n');
    }
    return check_finish(&check);
}

int main(int argc, char **argv) {
    bool print = argc > 1 && strcmp(argv[1], "--print") == 0;
    int first = print ? 2 : 1;
    if (first >= argc) {
        fprintf(stderr, "usage: pacer-vectors [--print] FILE...\n");
        return 2;
    }
    int status = 0;
    for (int i = first; i < argc; i++)
        status |= replay(argv[i], print);
    return status;
}
