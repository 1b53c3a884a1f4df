/* SPDX-License-Identifier: MIT */
/*
 * check and replay-inputs: tables of vectors, run from their input columns alone.
 *
 * A scenario of the ideal model starts where the column `cycle` is 1; rows of several may
 * alternate, and columns stand in any order.
 */
#include "command.h"
#include "ideal.h"
#include "mains.h"
#include "results.h"

#include "gait/pacer.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What an input may be: far more than any program has, and little enough that sums fit. */
#define CHECK_MOST_BYTES (INT64_C(1) << 56)
#define CHECK_MOST_RATE 1e9
#define CHECK_MOST_GROWTH 1e6
#define CHECK_MOST_PROCS 65536

/** Scenarios that have started, found by name. */
struct scenarios {
    size_t count, room;
    struct named {
        char *name;
        struct ideal ideal;
    } * list;
    size_t last; /* found; the next row is mostly of the same */
};

static struct ideal *find_scenario(struct scenarios *scenarios, const char *name) {
    if (scenarios->count > 0 && strcmp(scenarios->list[scenarios->last].name, name) == 0)
        return &scenarios->list[scenarios->last].ideal;
    size_t i = 0;
    while (i < scenarios->count && strcmp(scenarios->list[i].name, name) != 0)
        i++;
    if (i == scenarios->count) {
        if (scenarios->count == scenarios->room) {
            scenarios->room = scenarios->room * 2 + 16;
            scenarios->list =
                command_grow(scenarios->list, scenarios->room, sizeof(*scenarios->list));
        }
        scenarios->list[scenarios->count++] = (struct named){.name = strdup(name)};
    }
    scenarios->last = i;
    return &scenarios->list[i].ideal;
}

static void free_scenarios(struct scenarios *scenarios) {
    for (size_t i = 0; i < scenarios->count; i++)
        free(scenarios->list[i].name);
    free(scenarios->list);
}

static void run_cycle(const struct table *table, struct ideal *ideal, struct ideal_result *result) {
    int64_t cycle = table_i64(table, "cycle");
    if (cycle == 1)
        ideal_init(ideal, (int32_t)table_i64_in(table, "gogc", INT32_MIN, INT32_MAX),
                   table_i64(table, "memory_limit"),
                   (uint64_t)table_i64_in(table, "globals_bytes", 0, CHECK_MOST_BYTES),
                   (int32_t)table_i64_in(table, "procs", 1, CHECK_MOST_PROCS));
    if (cycle != ideal->cycles + 1)
        table_fail(table, "cycles of a scenario are not in order", table_text(table, "cycle"));

    struct ideal_behaviour behaviour = {
        .alloc_rate = table_double_in(table, "alloc_rate", 0, CHECK_MOST_RATE),
        .scan_rate = table_double_in(table, "scan_rate", 0, CHECK_MOST_RATE),
        .growth_rate = table_double_in(table, "growth_rate", 0, CHECK_MOST_GROWTH),
        .scannable_frac = table_double_in(table, "scannable_frac", 0, 1),
        .stack_bytes = (uint64_t)table_i64_in(table, "stack_bytes", 0, CHECK_MOST_BYTES),
    };
    if (!ideal_cycle(ideal, &behaviour, result))
        table_fail(table, "marking does not end, or the heap grows beyond 2^60 bytes",
                   table_text(table, "scenario"));
}

static void add_cycle(struct results *results, const struct ideal_result *result) {
    results_i64(results, "next_marked", result->next_marked);
    results_u64(results, "live", result->live);
    results_i64(results, "scannable", result->scannable);
    results_u64(results, "trigger", result->trigger);
    results_u64(results, "goal", result->goal);
    results_u64(results, "peak", result->peak);
    results_double(results, "gc_utilization", result->gc_utilization);
    results_i64(results, "assist_ns", result->assist_ns);
    results_i64(results, "duration_ns", result->duration_ns);
    results_i64(results, "allocated_black", result->allocated_black);
}

static int replay_pacer(const char *path, bool print) {
    struct table table;
    struct scenarios scenarios = {0};
    struct results results = {.table = &table, .row_column = "scenario", .print = print};
    table_open(&table, path);
    while (table_next(&table)) {
        struct ideal_result result;
        run_cycle(&table, find_scenario(&scenarios, table_text(&table, "scenario")), &result);
        add_cycle(&results, &result);
        results_row(&results);
    }
    free_scenarios(&scenarios);
    return results_finish(&results);
}

/* ---- The limiter -------------------------------------------------------- */

/** Do the row's operation. @return its name: of need_true and need_false, the one that holds. */
static const char *run_operation(const struct table *table, struct gait_limiter *limiter) {
    const char *op = table_text(table, "op");
    int64_t arg = table_i64(table, "arg"), now_ns = table_i64(table, "now_ns");
    if (strcmp(op, "new") == 0) {
        gait_limiter_init(limiter, now_ns,
                          (int32_t)table_i64_in(table, "arg", 1, CHECK_MOST_PROCS));
    } else if (limiter->procs == 0) {
        table_fail(table, "a sequence starts with", "new");
    } else if (strcmp(op, "update") == 0) {
        if (limiter->transitioning)
            table_fail(table, "not within a transition", op);
        gait_limiter_update(limiter, now_ns);
    } else if (strcmp(op, "assist") == 0) {
        gait_limiter_add_gc(limiter, arg);
    } else if (strcmp(op, "start_on") == 0 || strcmp(op, "start_off") == 0) {
        bool on = strcmp(op, "start_on") == 0;
        if (limiter->transitioning || limiter->marking == on)
            table_fail(table, "no such transition from here", op);
        gait_limiter_start_transition(limiter, on, now_ns);
    } else if (strcmp(op, "finish") == 0) {
        if (!limiter->transitioning)
            table_fail(table, "no transition is under way", op);
        gait_limiter_finish_transition(limiter, now_ns);
    } else if (strcmp(op, "reset") == 0) {
        gait_limiter_reset_capacity(limiter, now_ns,
                                    (int32_t)table_i64_in(table, "arg", 1, CHECK_MOST_PROCS));
    } else if (strcmp(op, "need_true") == 0 || strcmp(op, "need_false") == 0) {
        return gait_limiter_need_update(limiter, now_ns) ? "need_true" : "need_false";
    } else {
        table_fail(table, "unknown op", op);
    }
    return op;
}

/** The state of the limiter that the row's sequence has. */
struct sequences {
    size_t count, room;
    struct sequence {
        char *name;
        struct gait_limiter limiter;
    } * list;
};

static struct gait_limiter *find_sequence(struct sequences *sequences, const char *name) {
    for (size_t i = sequences->count; i > 0; i--)
        if (strcmp(sequences->list[i - 1].name, name) == 0)
            return &sequences->list[i - 1].limiter;
    if (sequences->count == sequences->room) {
        sequences->room = sequences->room * 2 + 16;
        sequences->list = command_grow(sequences->list, sequences->room, sizeof(*sequences->list));
    }
    sequences->list[sequences->count] = (struct sequence){.name = strdup(name)};
    return &sequences->list[sequences->count++].limiter;
}

static int replay_limiter(const char *path, bool print) {
    struct table table;
    struct sequences sequences = {0};
    struct results results = {.table = &table, .row_column = "sequence", .print = print};
    table_open(&table, path);
    while (table_next(&table)) {
        struct gait_limiter *limiter = find_sequence(&sequences, table_text(&table, "sequence"));
        const char *op = run_operation(&table, limiter);
        if (op != table_text(&table, "op")) /* a result: need_true or need_false */
            results_text(&results, "op", op);
        results_u64(&results, "fill", limiter->fill_ns);
        results_u64(&results, "capacity", limiter->capacity_ns);
        results_u64(&results, "overflow", limiter->overflow_ns);
        results_text(&results, "limiting", limiter->limiting ? "true" : "false");
        results_row(&results);
    }
    for (size_t i = 0; i < sequences.count; i++)
        free(sequences.list[i].name);
    free(sequences.list);
    return results_finish(&results);
}

/* ---- Command line ------------------------------------------------------- */

static int replay_files(int argc, char **argv, bool print) {
    static const struct option options[] = {{"limiter", no_argument, NULL, 'l'}, {0}};
    bool limiter = false;
    while (command_option(argc, argv, "", options) != -1)
        limiter = true;
    if (optind == argc)
        command_misuse("%s: no file; gait-sim help %s", argv[0], argv[0]);
    int status = COMMAND_OK;
    for (int i = optind; i < argc; i++)
        status |= limiter ? replay_limiter(argv[i], print) : replay_pacer(argv[i], print);
    return status;
}

int check_main(int argc, char **argv) { return replay_files(argc, argv, false); }

int replay_main(int argc, char **argv) { return replay_files(argc, argv, true); }
