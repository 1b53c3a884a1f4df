/* SPDX-License-Identifier: MIT */
/*
 * runtime/observe/metrics: figures by name, and as text.
 */
#include <gait/metrics.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "emulated.h"

static gait_heap *heap;
static gait_mutator *mutator;

static void open_heap(void) {
    heap = gait_heap_create(NULL, NULL, 0);
    cr_assert_not_null(heap);
    mutator = gait_attach(heap);
    const gait_kind_info info = {.name = "a \"node\"\\\n", .layout = GAIT_REFS};
    int kind = gait_kind_register(heap, &info);
    cr_assert_geq(kind, 0);
    for (int i = 0; i < 100000; i++)
        cr_assert_not_null(gait_alloc(mutator, (gait_kind)kind, 64));
    gait_collect(mutator);
}

static void close_heap(void) {
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

TestSuite(metrics, .init = open_heap, .fini = close_heap);

static char *written(unsigned format);

static size_t count_metrics(void) {
    size_t count = 0;
    while (gait_describe_metric(count))
        count++;
    return count;
}

static bool is_word(const char *text, size_t length, const char *others) {
    for (size_t i = 0; i < length; i++)
        if (!(text[i] >= 'a' && text[i] <= 'z') && !strchr(others, text[i]))
            return false;
    return length > 0;
}

Test(metrics, names_are_sorted_paths_with_a_unit) {
    cr_assert_gt(count_metrics(), 30u);
    const char *before = "";
    for (size_t i = 0; gait_describe_metric(i); i++) {
        const gait_metric *metric = gait_describe_metric(i);
        const char *colon = strchr(metric->name, ':');
        cr_expect_lt(strcmp(before, metric->name), 0, "%s", metric->name);
        cr_assert(colon && metric->name[0] == '/', "%s", metric->name);
        cr_expect(is_word(metric->name, (size_t)(colon - metric->name), "/-"), "%s", metric->name);
        cr_expect(is_word(colon + 1, strlen(colon + 1), "-"), "%s", metric->name);
        cr_expect_eq(metric->help[strlen(metric->help) - 1], '.', "%s", metric->help);
        before = metric->name;
    }
}

static uint64_t read_one(const char *name) {
    gait_metric_sample sample = {.name = name};
    cr_assert_eq(gait_read_metrics(heap, &sample, 1), 1u, "%s", name);
    cr_assert_eq(sample.type, GAIT_METRIC_UINT64, "%s", name);
    return sample.value.uint64;
}

Test(metrics, each_is_read_by_its_name) {
    for (size_t i = 0; gait_describe_metric(i); i++) {
        gait_metric_sample sample = {.name = gait_describe_metric(i)->name};
        cr_expect_eq(gait_read_metrics(heap, &sample, 1), 1u, "%s", sample.name);
        cr_expect_eq(sample.type, gait_describe_metric(i)->type, "%s", sample.name);
    }
    gait_metric_sample others[] = {{.name = "/gc/heap/live"}, {.name = NULL}, {.name = ""}};
    cr_expect_eq(gait_read_metrics(heap, others, 3), 0u);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(others[i].type, GAIT_METRIC_BAD);
}

Test(metrics, they_say_what_the_figures_say) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_eq(gait_read_stats(heap, &stats), 0);
    cr_expect_geq(read_one("/gc/cycles/forced:gc-cycles"), 1u);
    cr_expect_eq(read_one("/gc/cycles/total:gc-cycles"), stats.cycles);
    cr_expect_eq(read_one("/gc/heap/allocs:bytes"), stats.allocated_bytes);
    cr_expect_geq(read_one("/gc/heap/allocs:bytes"), 100000 * (uint64_t)64);
    cr_expect_eq(read_one("/gc/gogc:percent"), 100u);
    cr_expect_eq(read_one("/sched/mutators:threads"), 1u);
    gait_set_gogc(heap, -1);
    cr_expect_eq(read_one("/gc/gogc:percent"), UINT64_MAX);
    gait_set_max_procs(heap, 3);
    cr_expect_eq(read_one("/sched/gomaxprocs:threads"), 3u);
}

Test(metrics, classes_add_up) {
    static const char *const parts[] = {
        "/memory/classes/arenas:bytes",      "/memory/classes/foreign:bytes",
        "/memory/classes/heap/free:bytes",   "/memory/classes/heap/objects:bytes",
        "/memory/classes/heap/unused:bytes", "/memory/classes/heap/released:bytes",
        "/memory/classes/metadata:bytes",    "/memory/classes/offheap:bytes",
        "/memory/classes/total:bytes",
    };
    enum { COUNT = sizeof parts / sizeof parts[0] };
    gait_metric_sample samples[COUNT];
    for (int i = 0; i < COUNT; i++)
        samples[i] = (gait_metric_sample){.name = parts[i]};
    cr_assert_eq(gait_read_metrics(heap, samples, COUNT), (size_t)COUNT);
    uint64_t sum = 0;
    for (int i = 0; i < COUNT - 1; i++)
        sum += samples[i].value.uint64;
    cr_expect_eq(sum, samples[COUNT - 1].value.uint64);
}

Test(metrics, pauses_are_a_histogram) {
    gait_metric_histogram histogram;
    gait_metric_sample samples[] = {{.name = "/gc/pauses:seconds", .histogram = &histogram},
                                    {.name = "/gc/pauses:seconds"}};
    cr_assert_eq(gait_read_metrics(heap, samples, 2), 2u);
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    uint64_t all = 0;
    for (int i = 0; i < GAIT_METRIC_BUCKETS; i++) {
        all += histogram.counts[i];
        cr_expect_lt(histogram.bounds[i], histogram.bounds[i + 1]);
    }
    cr_expect_geq(all, 1u);
    cr_expect_eq(all, stats.pauses);
    cr_expect_eq(histogram.bounds[0], 0.0);
    cr_expect(isinf(histogram.bounds[GAIT_METRIC_BUCKETS]));
}

/* Of runs of many classes most is given back as a cycle ends, and was counted as allocated. */
Test(metrics, counters_never_fall) {
    const gait_kind_info info = {.name = "leaf", .layout = GAIT_LEAF};
    int kind = gait_kind_register(heap, &info);
    for (size_t bytes = 16; bytes <= 2048; bytes += 16)
        cr_assert_not_null(gait_alloc(mutator, (gait_kind)kind, bytes));
    gait_poll(mutator);
    gait_enter_native(mutator);
    uint64_t before = read_one("/gc/heap/allocs:bytes");
    gait_leave_native(mutator);
    gait_collect(mutator);
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    cr_assert_lt(stats.allocated_bytes, before, "nothing was given back");
    cr_expect_geq(read_one("/gc/heap/allocs:bytes"), before);
    char *text = written(GAIT_METRICS_GO);
    uint64_t told = strtoull(strstr(text, "\ngo_memstats_alloc_bytes_total ") + 31, NULL, 10);
    cr_expect_geq(told, before);
    free(text);
}

/* ---- Text ---- */

/* All that is written in a format; the caller frees it. */
static char *written(unsigned format) {
    char name[] = "/tmp/gait-metrics-XXXXXX";
    int file = mkstemp(name);
    cr_assert_geq(file, 0);
    unlink(name);
    cr_assert_eq(gait_write_metrics(heap, file, format), 0);
    size_t bytes = (size_t)lseek(file, 0, SEEK_END);
    char *text = calloc(1, bytes + 1);
    cr_assert_eq(pread(file, text, bytes, 0), (ssize_t)bytes);
    close(file);
    return text;
}

static bool has(const char *text, const char *part) { return strstr(text, part) != NULL; }

Test(metrics, each_is_in_the_text) {
    for (unsigned format = GAIT_METRICS_TEXT; format <= GAIT_METRICS_OPEN; format++) {
        char *text = written(format);
        for (size_t i = 0; gait_describe_metric(i); i++) {
            char help[256];
            snprintf(help, sizeof help, " %s\n# TYPE gait_", gait_describe_metric(i)->help);
            cr_expect(has(text, help), "%s", gait_describe_metric(i)->name);
        }
        cr_expect(has(text, "\ngait_gc_cycles_total_gc_cycles_total 1\n") ||
                  has(text, "\ngait_gc_cycles_total_gc_cycles_total 2\n") ||
                  has(text, "\ngait_gc_cycles_total_gc_cycles_total 3\n"));
        cr_expect(has(text, ",name=\"a \\\"node\\\"\\\\\\n\"} "));
        cr_expect(has(text, "\ngait_gc_pauses_seconds_bucket{le=\"+Inf\"} "));
        free(text);
    }
}

/* One byte that is no UTF-8 would make Prometheus refuse all of it. */
Test(metrics, names_of_kinds_are_utf8) {
    const char *const given[] = {"caf\xe9", "caf\xc3\xa9", "\xed\xa0\x80", "cut \xe2\x82", "\xff"};
    const char *const expected[] = {"caf?", "caf\xc3\xa9", "???", "cut ??", "?"};
    for (int i = 0; i < 5; i++) {
        const gait_kind_info info = {.name = given[i], .layout = GAIT_LEAF};
        cr_assert_geq(gait_kind_register(heap, &info), 0);
    }
    char *text = written(GAIT_METRICS_OPEN), label[64];
    for (int i = 0; i < 5; i++) {
        snprintf(label, sizeof label, ",name=\"%s\"} 0\n", expected[i]);
        cr_expect(has(text, label), "%s", label);
    }
    free(text);
}

Test(metrics, formats_differ_where_they_must) {
    char *old = written(GAIT_METRICS_TEXT), *open = written(GAIT_METRICS_OPEN);
    char *go = written(GAIT_METRICS_GO);
    const char *cycles = "# TYPE gait_gc_cycles_forced_gc_cycles";
    cr_expect(has(strstr(old, cycles), "_total counter\n"));
    cr_expect_eq(strncmp(strstr(open, cycles) + strlen(cycles), " counter\n", 9), 0);
    cr_expect(has(open, "# UNIT gait_gc_heap_live_bytes bytes\n"));
    cr_expect_not(has(old, "# UNIT"));
    cr_expect_eq(strcmp(open + strlen(open) - 6, "# EOF\n"), 0);
    cr_expect_not(has(old, "# EOF"));
    cr_expect(has(go, "\ngo_gc_duration_seconds{quantile=\"1\"} 0."));
    cr_expect(has(go, "\ngo_memstats_alloc_bytes_total "));
    cr_expect(has(go, "\ngo_gc_heap_goal_bytes "));
    cr_expect_not(has(go, "gait_"));
    free(old), free(open), free(go);
}

Test(metrics, figures_of_the_process_are_there_if_asked_for) {
    char *without = written(GAIT_METRICS_TEXT);
    cr_expect_not(has(without, "process_"));
    cr_expect(has(without, "gait_build_info{version=\"" GAIT_VERSION "\"} 1\n"));
    char *with = written(GAIT_METRICS_TEXT | GAIT_METRICS_PROCESS);
    cr_expect(has(with, "\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total "));
    cr_expect(has(with, "\nprocess_threads "));
    char *open = written(GAIT_METRICS_OPEN | GAIT_METRICS_PROCESS);
    cr_expect(has(open, "# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\n"
                        "process_cpu_seconds_total "));
    cr_expect_eq(strcmp(open + strlen(open) - 6, "# EOF\n"), 0);
    free(without), free(with), free(open);
}

/* What follows a name in the text. */
static double value_in(const char *text, const char *name) {
    const char *at = strstr(text, name);
    cr_assert_not_null(at, "%s", name);
    return strtod(at + strlen(name), NULL);
}

/* What dashboards for Go ask for: https://grafana.com/grafana/dashboards, 240, 6671 and 14061. */
Test(metrics, dashboards_for_go_find_their_names) {
    char *text = written(GAIT_METRICS_GO);
    static const char *const names[] = {
        "go_goroutines",
        "go_info{version=\"gait " GAIT_VERSION "\"}",
        "go_memstats_alloc_bytes",
        "go_memstats_alloc_bytes_total",
        "go_memstats_gc_sys_bytes",
        "go_memstats_heap_alloc_bytes",
        "go_memstats_heap_idle_bytes",
        "go_memstats_heap_inuse_bytes",
        "go_memstats_heap_objects",
        "go_memstats_heap_released_bytes",
        "go_memstats_heap_sys_bytes",
        "go_memstats_next_gc_bytes",
        "go_memstats_stack_inuse_bytes",
        "go_memstats_stack_sys_bytes",
        "go_memstats_sys_bytes",
        "go_threads",
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_virtual_memory_bytes",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char sample[80];
        snprintf(sample, sizeof sample, "\n%s ", names[i]);
        cr_expect_geq(value_in(text, sample), 0.0, "%s", names[i]);
    }
    int other = dup(0);
    char *with_other = written(GAIT_METRICS_GO);
    cr_expect_eq(value_in(with_other, "\nprocess_open_fds "),
                 value_in(text, "\nprocess_open_fds ") + 1);
    close(other);
    if (!is_emulated()) { /* an emulator tells little of the process */
        cr_expect_gt(value_in(text, "\nprocess_virtual_memory_bytes "),
                     value_in(text, "\nprocess_resident_memory_bytes "));
        cr_expect_geq(value_in(text, "\ngo_threads "), 1.0);
        double age_s = (double)time(NULL) - value_in(text, "\nprocess_start_time_seconds ");
        cr_expect(age_s > -5 && age_s < 1000, "%f", age_s);
    }
    free(text), free(with_other);
}

Test(metrics, what_can_not_be_written_is_told) {
    cr_expect_eq(gait_write_metrics(heap, 1, 3), GAIT_E_INVALID);
    cr_expect_eq(gait_write_metrics(heap, 1, GAIT_METRICS_PROCESS | 3), GAIT_E_INVALID);
    int full = open("/dev/full", O_WRONLY);
    cr_expect_eq(gait_write_metrics(heap, full, GAIT_METRICS_TEXT), GAIT_E_FILE);
    cr_expect_eq(errno, ENOSPC);
    close(full);
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    cr_expect_eq(gait_write_metrics(heap, ends[1], GAIT_METRICS_OPEN), GAIT_E_FILE);
    cr_expect_eq(errno, EPIPE);
    close(ends[1]);
}
