/* SPDX-License-Identifier: MIT */
/* runtime/observe: lines of a trace, figures, listing by kind. */
#include <gait/stats.h>

#include "instance.h"
#include "observe/line.h"
#include "observe/observe.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { KIB = 1 << 10, MIB = 1 << 20 };

/* ---- Lines ---- */

static const struct {
    int64_t ns;
    const char *text;
} times[] = {
    {-5, "0"},          {0, "0"},
    {999, "0"},         {1000, "0.001"},
    {12999, "0.012"},   {99999, "0.099"},
    {100000, "0.10"},   {345678, "0.34"},
    {999999, "0.99"},   {1000000, "1.0"},
    {9999999, "9.9"},   {10000000, "10"},
    {123456789, "123"}, {INT64_MAX, "9223372036854"},
};

Test(observe, times_have_two_digits) {
    for (size_t i = 0; i < COUNT(times); i++) {
        struct line line = {.length = 0};
        line_add_ms(&line, times[i].ns);
        cr_expect_eq(strcmp(line.text, times[i].text), 0, "%lld ns: %s, expected %s",
                     (long long)times[i].ns, line.text, times[i].text);
    }
}

static const struct {
    double value;
    const char *text;
} numbers[] = {
    {0, "+0.000000e+000"},
    {-0.0, "-0.000000e+000"},
    {1, "+1.000000e+000"},
    {0.25, "+2.500000e-001"},
    {-1234.5678, "-1.234568e+003"},
    {9.9999996, "+1.000000e+001"},
    {9.9999994, "+9.999999e+000"},
    {1000, "+1.000000e+003"},
    {0.001, "+1.000000e-003"},
    {1.7976931348623157e308, "+1.797693e+308"},
    {2.2250738585072014e-308, "+2.225074e-308"},
    {INFINITY, "+Inf"},
    {-INFINITY, "-Inf"},
    {NAN, "NaN"},
};

Test(observe, numbers_look_as_go_prints_them) {
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct line line = {.length = 0};
        line_add_double(&line, numbers[i].value);
        cr_expect_eq(strcmp(line.text, numbers[i].text), 0, "%g: %s, expected %s", numbers[i].value,
                     line.text, numbers[i].text);
    }
}

Test(observe, a_line_that_is_too_long_is_cut_and_ends) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *log = open_memstream(&text, &bytes);
    struct line line = {.length = 0};
    for (int i = 0; i < 1000; i++)
        line_add(&line, "%d", i % 10);
    line_write(&line, log);
    line_add(&line, "next");
    line_write(&line, log);
    fclose(log);
    cr_expect_eq(bytes, sizeof line.text - 1 + strlen("next\n"));
    cr_expect_not_null(strstr(text, "89\nnext\n"), "%s", text);
    free(text);
}

/* ---- Traces ---- */

/* A heap that holds no more than what tracing looks at. */
static gait_heap traced;
static char *trace;
static size_t trace_bytes;

static void trace_begin(void) {
    memset(&traced, 0, sizeof traced);
    traced.log = open_memstream(&trace, &trace_bytes);
    traced.control.space = &traced.space;
    traced.control.start_ns = 1000000000;
    /* the collector had 25.5 % of a time beside which the test's own is nothing */
    AO_store(&traced.control.start_process_ns, (AO_t)-1000000000000000000);
    AO_store(&traced.control.cpu_ns[CPU_ASSIST], 200000000000000000);
    AO_store(&traced.control.cpu_ns[CPU_SCAVENGE], 55000000000000000);
}

static void expect_trace(const char *expected) {
    fclose(traced.log);
    cr_expect_eq(strcmp(trace, expected), 0, "got:\n%sexpected:\n%s", trace, expected);
    free(trace);
}

static const struct cycle_record concurrent = {
    .number = 7,
    .start_ns = 2234567890,
    .mark_ns = 2234967890, /* 0.40 ms later */
    .end_ns = 2237500000,  /* within the stop */
    .stop_ns = 25000,
    .cpu_ns = {[CPU_ASSIST] = 120000,
               [CPU_DEDICATED] = 1000000,
               [CPU_FRACTIONAL] = 500000,
               [CPU_IDLE] = 12000000},
    .start_bytes = 4 * MIB,
    .trigger_bytes = 4 * MIB - 1,
    .peak_bytes = 5 * MIB + 1,
    .marked_bytes = 3 * MIB - 1,
    .estimate_bytes = 2621440,
    .goal_bytes = 6 * MIB,
    .stack_bytes = 40,
    .globals_bytes = MIB,
    .scannable_bytes = 2 * MIB,
    .scanned_bytes = 1200,
    .expected_bytes = 1500,
    .start_goal_bytes = 6 * MIB,
    .assist_ratio = 0.5,
    .cons_mark = 0.12,
    .fractional_share = 0.25,
    .dedicated = 0,
    .procs = 2,
};
static const int64_t concurrent_stop_ns = 2237467890; /* marking lasted 2.5 ms */

Test(observe, gctrace_is_gos_line) {
    trace_begin();
    traced.options.gctrace = 1;
    traced.world.stop_begin_ns = concurrent_stop_ns;
    observe_begin(&traced, &concurrent);
    observe_cycle(&traced, &concurrent);
    observe_swept(&traced, &concurrent);
    expect_trace("gc 7 @1.234s 25%: 0.40+2.5+0.025 ms clock, 0.40+0.12/1.5/12+0.050 ms cpu, "
                 "4->5->2 MB, 6 MB goal, 0 MB stacks, 1 MB globals, 2 P\n");
}

Test(observe, a_stopped_and_forced_cycle_is_a_pause_around_marking) {
    trace_begin();
    traced.options.gctrace = 1;
    struct cycle_record record = concurrent;
    record.stopped = record.forced = true;
    record.mark_ns = record.start_ns + 30000;
    record.end_ns = record.mark_ns + 9000000;
    traced.world.stop_begin_ns = record.start_ns + 20000;
    record.stop_ns = 9110000; /* ends 0.1 ms after marking */
    observe_cycle(&traced, &record);
    expect_trace("gc 7 @1.234s 25%: 0.030+9.0+0.10 ms clock, 0.060+0.12/1.5/12+0.20 ms cpu, "
                 "4->5->2 MB, 6 MB goal, 0 MB stacks, 1 MB globals, 2 P (forced)\n");
}

Test(observe, gctrace_tells_other_memory_last) {
    trace_begin();
    traced.options.gctrace = 2;
    struct cycle_record record = concurrent;
    record.arena_bytes = 12 * MIB;
    record.offheap_bytes = 3 * MIB + 1;
    record.foreign_bytes = 2 * MIB;
    traced.world.stop_begin_ns = concurrent_stop_ns;
    observe_cycle(&traced, &record);
    expect_trace("gc 7 @1.234s 25%: 0.40+2.5+0.025 ms clock, 0.40+0.12/1.5/12+0.050 ms cpu, "
                 "4->5->2 MB, 6 MB goal, 0 MB stacks, 1 MB globals, 2 P, 12 MB arenas, "
                 "3 MB off-heap, 2 MB foreign\n"
                 "gc 7 bytes: start=4194304 trigger=4194303 peak=5242881 marked=3145727 "
                 "goal=6291456 stacks=40 globals=1048576 arenas=12582912 offheap=3145729 "
                 "foreign=2097152 estimate=2621440\n");
}

Test(observe, gctrace_tells_what_is_live_at_the_end) {
    trace_begin();
    traced.options.gctrace = 2;
    struct cycle_record record = concurrent;
    record.foreign_bytes = 2 * MIB;
    record.live_bytes = 2496608; /* 1.2599… times that is marked */
    traced.world.stop_begin_ns = concurrent_stop_ns;
    observe_cycle(&traced, &record);
    expect_trace("gc 7 @1.234s 25%: 0.40+2.5+0.025 ms clock, 0.40+0.12/1.5/12+0.050 ms cpu, "
                 "4->5->2 MB, 6 MB goal, 0 MB stacks, 1 MB globals, 2 P, 2 MB foreign, "
                 "2 MB live, 1.26 float\n"
                 "gc 7 bytes: start=4194304 trigger=4194303 peak=5242881 marked=3145727 "
                 "goal=6291456 stacks=40 globals=1048576 arenas=0 offheap=0 foreign=2097152 "
                 "live=2496608 estimate=2621440\n");
}

Test(observe, gctrace_2_adds_bytes) {
    trace_begin();
    traced.options.gctrace = 2;
    traced.world.stop_begin_ns = concurrent_stop_ns;
    observe_cycle(&traced, &concurrent);
    fflush(traced.log);
    const char *second = strchr(trace, '\n') + 1;
    cr_expect_eq(strcmp(second, "gc 7 bytes: start=4194304 trigger=4194303 peak=5242881 "
                                "marked=3145727 goal=6291456 stacks=40 globals=1048576 "
                                "estimate=2621440\n"),
                 0, "%s", second);
    fclose(traced.log);
    free(trace);
}

Test(observe, gcpacertrace_is_gos_lines) {
    trace_begin();
    traced.options.gcpacertrace = 1;
    traced.world.stop_begin_ns = concurrent_stop_ns;
    AO_store(&traced.space.tally.live_bytes, 6 * MIB);
    AO_store(&traced.sweeper.end, 1234);
    observe_begin(&traced, &concurrent);
    observe_cycle(&traced, &concurrent);
    observe_swept(&traced, &concurrent);
    /* 1.62 ms of CPU in 2.932 ms on 2 CPUs */
    expect_trace(
        "pacer: assist ratio=+5.000000e-001 (scan 2 MB in 4->6 MB) workers=0+"
        "+2.500000e-001\n"
        "pacer: 27% CPU (25 exp.) for 1200+40+1048576 B work (1500 B exp.) in 4194304 B -> "
        "5242881 B (∆goal -1048575, cons/mark +1.200000e-001)\n"
        "pacer: sweep done at heap size 6MB; allocated 3MB during sweep; swept 1234 pages at "
        "+0.000000e+000 pages/byte\n");
}

Test(observe, gctrace_tells_who_holds_a_cycle_up_and_in_which_phase) {
    trace_begin();
    traced.options.gctrace = 1;
    traced.cycle.record.number = 7;
    const gait_mutator *mutator = (const gait_mutator *)(uintptr_t)0x1230;
    observe_silent(&traced, "roots", mutator, 1000000000);
    expect_trace("wait: gc 7, roots: mutator 0x1230 has not polled for 1000 ms\n");
}

Test(observe, nothing_is_printed_unless_asked_for) {
    trace_begin();
    observe_silent(&traced, "roots", NULL, 1000000000);
    observe_begin(&traced, &concurrent);
    observe_cycle(&traced, &concurrent);
    observe_swept(&traced, &concurrent);
    expect_trace("");
}

/* ---- With a real heap ---- */

static gait_heap *heap_with(const char *debug, FILE *log) {
    gait_config config;
    gait_config_init(&config);
    config.debug = debug;
    config.log = log;
    char error[200] = "";
    gait_heap *heap = gait_heap_create(&config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    return heap;
}

Test(observe, a_log_that_takes_nothing_harms_nobody) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    FILE *logs[] = {fdopen(ends[1], "w"), fopen("/dev/full", "w")};
    for (size_t i = 0; i < COUNT(logs); i++) {
        cr_assert_not_null(logs[i]);
        gait_heap *heap = heap_with("gctrace=2,gcpacertrace=1", logs[i]);
        gait_mutator *mutator = gait_attach(heap);
        gait_collect(mutator);
        gait_collect(mutator);
        gait_heap_destroy(heap);
    }
}

/* Make a list of count objects of 32 bytes that a handle keeps. */
static void make_list(gait_mutator *mutator, gait_kind kind, size_t count) {
    gait_handle *list = gait_handle_new(mutator, 0);
    for (size_t i = 0; i < count; i++) {
        gait_word *object = gait_alloc(mutator, kind, 32);
        cr_assert_not_null(object);
        gait_init(object, gait_handle_get(list));
        gait_handle_set(mutator, list, (gait_word)object);
    }
}

Test(observe, figures_are_those_of_the_heap) {
    enum { OBJECTS = 10000, LEAVES = 50 };
    gait_heap *heap = heap_with("", NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind pair =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "pair", .layout = GAIT_REFS});
    gait_kind text =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "text", .layout = GAIT_LEAF});
    make_list(mutator, pair, OBJECTS);
    for (int i = 0; i < LEAVES; i++)
        cr_assert_not_null(gait_alloc(mutator, text, 100 * KIB)); /* dropped at once */
    gait_stats before = {.struct_bytes = sizeof before};
    cr_assert_eq(gait_read_stats(heap, &before), 0);
    gait_collect(mutator);
    gait_collect(mutator);
    gait_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_eq(gait_read_stats(heap, &stats), 0);

    cr_expect_eq(stats.forced_cycles, before.forced_cycles + 2);
    cr_expect_geq(stats.cycles, before.cycles + 2);
    cr_expect_eq(stats.mutators, 1);
    cr_expect_geq(stats.heap_marked_bytes, OBJECTS * 32);
    cr_expect_lt(stats.heap_marked_bytes, OBJECTS * 32 + 200 * KIB);
    cr_expect_geq(stats.heap_live_bytes, stats.heap_marked_bytes);
    cr_expect_geq(stats.heap_goal_bytes, 4 * MIB);
    cr_expect_leq(stats.heap_trigger_bytes, stats.heap_goal_bytes);
    cr_expect_eq(stats.limit_bytes, (uint64_t)GAIT_NO_LIMIT);
    cr_expect_eq(stats.globals_bytes, sizeof(gait_word));

    cr_expect_geq(stats.allocated_bytes, OBJECTS * 32 + LEAVES * 100 * KIB);
    cr_expect_geq(stats.freed_bytes, (LEAVES - 1) * 100 * KIB);
    cr_expect_leq(stats.freed_bytes, stats.allocated_bytes);
    cr_expect_geq(stats.span_bytes, stats.heap_marked_bytes);
    cr_expect_gt(stats.metadata_bytes, 0);
    cr_expect_eq(stats.total_bytes, stats.span_bytes + stats.free_bytes + stats.metadata_bytes);
    cr_expect(stats.arena_bytes == 0 && stats.offheap_bytes == 0 && stats.foreign_bytes == 0);
    cr_expect_geq(stats.peak_total_bytes, stats.total_bytes);

    uint64_t pauses = 0;
    for (size_t i = 0; i < GAIT_PAUSE_BUCKETS; i++)
        pauses += stats.pause_histogram[i];
    cr_expect_eq(pauses, stats.pauses);
    cr_expect_geq(stats.pauses, stats.cycles);
    cr_expect_gt(stats.pause_max_ns, 0);
    cr_expect_geq(stats.pause_total_ns, stats.pause_max_ns);

    uint64_t gc_ns = stats.cpu_assist_ns + stats.cpu_dedicated_ns + stats.cpu_fractional_ns +
                     stats.cpu_idle_ns + stats.cpu_sweep_ns + stats.cpu_scavenge_ns;
    cr_expect_gt(gc_ns, 0);
    cr_expect_geq(stats.cpu_total_ns, gc_ns);
    cr_expect(fabs(stats.gc_cpu_fraction - (double)gc_ns / (double)stats.cpu_total_ns) < 1e-9);

    gait_kind_stats kinds[3];
    cr_assert_eq(gait_read_kinds(heap, NULL, 0), 2);
    cr_assert_eq(gait_read_kinds(heap, kinds, COUNT(kinds)), 2);
    cr_expect_eq(strcmp(kinds[pair].name, "pair"), 0);
    cr_expect_eq(kinds[pair].kind, pair);
    cr_expect_eq(kinds[pair].objects, OBJECTS); /* what is left of the mutator's run is none */
    cr_expect_eq(kinds[pair].object_bytes, kinds[pair].objects * 32);
    cr_expect_geq(kinds[pair].span_bytes, OBJECTS * 32);
    cr_expect_leq(kinds[text].objects, 1);
    gait_heap_destroy(heap);
}

Test(observe, figures_have_names_and_meanings) {
    size_t count = 0;
    for (; gait_stats_name(count); count++) {
        cr_expect_gt(strlen(gait_stats_name(count)), 0);
        cr_expect_gt(strlen(gait_stats_text(count)), 0);
        cr_expect_null(strstr(gait_stats_name(count), "reserved"));
    }
    size_t first = offsetof(gait_stats, gc_cpu_fraction) / sizeof(uint64_t) - 1;
    size_t more = (sizeof(gait_stats) - offsetof(gait_stats, foreign_bytes)) / sizeof(uint64_t);
    cr_expect_eq(count, first + more, "all but struct_bytes, the fraction and the pauses");
    cr_expect_null(gait_stats_text(count));
    cr_expect_eq(strcmp(gait_stats_name(0), "heap_live_bytes"), 0);
    cr_expect_eq(strcmp(gait_stats_name(first - 1), "finalizers_queued"), 0);
    cr_expect_eq(strcmp(gait_stats_name(first), "foreign_bytes"), 0);
    gait_heap *heap = heap_with("", NULL);
    gait_stats stats = {.struct_bytes = offsetof(gait_stats, foreign_bytes)};
    cr_expect_eq(gait_read_stats(heap, &stats), 0, "as the first headers had it");
    stats.struct_bytes -= 8;
    cr_expect_eq(gait_read_stats(heap, &stats), GAIT_E_INVALID);
    gait_heap_destroy(heap);
}
