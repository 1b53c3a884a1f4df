/* SPDX-License-Identifier: MIT */
/*
 * gait_write_metrics: the metrics as text. See gait/metrics.h.
 *
 * Three formats, of the same parts: a family is a `# HELP`, a `# TYPE` and its samples. OpenMetrics
 * names a counter's family without `_total`, names units, and ends with `# EOF`; the older format
 * names it as its sample. Under Go's names come the metrics that Go has, and then those of its
 * older interface (MemStats) and of the process, which dashboards read.
 *
 * Numbers are written as whole ones, or as nanoseconds with a point: the same in each locale.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../platform/platform.h"
#include "metrics.h"

#define NS_PER_S UINT64_C(1000000000)
#define NAME_BYTES 96

struct text {
    int descriptor;
    unsigned format;
    bool failed; /* nothing more is written */
    int error;
    size_t length;
    char bytes[4096];
};

static void flush(struct text *text) {
    if (!text->failed && platform_descriptor_write(text->descriptor, text->bytes, text->length)) {
        text->failed = true;
        text->error = errno;
    }
    text->length = 0;
}

static void add_bytes(struct text *text, const char *bytes, size_t count) {
    while (count > 0) {
        if (text->length == sizeof text->bytes)
            flush(text);
        size_t room = sizeof text->bytes - text->length, some = count < room ? count : room;
        memcpy(text->bytes + text->length, bytes, some);
        text->length += some;
        bytes += some;
        count -= some;
    }
}

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length > 0)
        add_bytes(text, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

static void add_seconds(struct text *text, uint64_t ns) {
    add(text, "%llu.%09llu", (unsigned long long)(ns / NS_PER_S),
        (unsigned long long)(ns % NS_PER_S));
}

/* ---- Families ---- */

/* Begin one: counters have no `_total` in name. */
static void family(struct text *text, const char *name, const char *type, const char *unit,
                   const char *help) {
    bool open = text->format & GAIT_METRICS_OPEN;
    const char *end = !open && strcmp(type, "counter") == 0 ? "_total" : "";
    add(text, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, end, help, name, end, type);
    if (open && unit)
        add(text, "# UNIT %s %s\n", name, unit);
}

/* Begin the sample of a family: its value is to follow. */
static void sample(struct text *text, const char *name, bool counter) {
    add(text, "%s%s ", name, counter ? "_total" : "");
}

static void number(struct text *text, const char *name, const char *type, const char *unit,
                   const char *help, uint64_t value) {
    family(text, name, type, unit, help);
    sample(text, name, strcmp(type, "counter") == 0);
    add(text, "%llu\n", (unsigned long long)value);
}

static void seconds(struct text *text, const char *name, const char *type, const char *help,
                    uint64_t ns) {
    family(text, name, type, "seconds", help);
    sample(text, name, strcmp(type, "counter") == 0);
    add_seconds(text, ns);
    add(text, "\n");
}

/* "/gc/heap/live:bytes": `prefix`, "_gc_heap_live_bytes". @return where in it the unit begins. */
static const char *name_of(char name[NAME_BYTES], const char *prefix, const char *metric) {
    snprintf(name, NAME_BYTES, "%s%s", prefix, metric);
    const char *unit = name;
    for (char *at = name; *at; at++) {
        if (*at == ':')
            unit = at + 1;
        if (*at == '/' || *at == ':' || *at == '-')
            *at = '_';
    }
    return unit;
}

/* Where the bucket with this number ends, and how many events were shorter. */
static void add_bucket(struct text *text, const char *name, size_t bucket, uint64_t below) {
    add(text, "%s_bucket{le=\"", name);
    if (isinf(metrics_bound_s(bucket)))
        add(text, "+Inf");
    else
        add_seconds(text, UINT64_C(1) << bucket);
    add(text, "\"} %llu\n", (unsigned long long)below);
}

static void add_pauses(struct text *text, const char *name, const gait_stats *stats) {
    uint64_t below = 0;
    for (size_t bucket = 0; bucket < GAIT_METRIC_BUCKETS; bucket++) {
        below += stats->pause_histogram[bucket];
        add_bucket(text, name, bucket + 1, below);
    }
    add(text, "%s_sum ", name);
    add_seconds(text, stats->pause_total_ns);
    add(text, "\n%s_count %llu\n", name, (unsigned long long)below);
}

static void add_metric(struct text *text, const char *prefix, const struct metrics *all,
                       size_t index) {
    const gait_metric *metric = gait_describe_metric(index);
    char name[NAME_BYTES];
    const char *unit = name_of(name, prefix, metric->name);
    bool histogram = metric->type == GAIT_METRIC_HISTOGRAM;
    bool counter = metric->cumulative && !histogram;
    family(text, name, histogram ? "histogram" : (counter ? "counter" : "gauge"), unit,
           metric->help);
    if (histogram) {
        add_pauses(text, name, &all->stats);
        return;
    }
    sample(text, name, counter);
    if (metric->type == GAIT_METRIC_FLOAT64)
        add_seconds(text, all->values[index]);
    else
        add(text, "%llu", (unsigned long long)all->values[index]);
    add(text, "\n");
}

/* ---- By kind ---- */

static void add_label(struct text *text, const char *label) {
    for (; *label; label++) {
        if (*label == '\n')
            add_bytes(text, "\\n", 2);
        else {
            if (*label == '"' || *label == '\\')
                add_bytes(text, "\\", 1);
            add_bytes(text, label, 1);
        }
    }
}

/* One figure of each kind. Two kinds of one name are told apart by their numbers. */
static void add_kinds(struct text *text, gait_heap *heap, const char *name, const char *unit,
                      const char *help, size_t offset) {
    gait_kind_stats kinds[GAIT_KINDS_MAX];
    size_t count = gait_read_kinds(heap, kinds, GAIT_KINDS_MAX);
    family(text, name, "gauge", unit, help);
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        memcpy(&value, (const char *)&kinds[i] + offset, sizeof value);
        add(text, "%s{kind=\"%zu\",name=\"", name, i);
        add_label(text, kinds[i].name);
        add(text, "\"} %llu\n", (unsigned long long)value);
    }
}

/* Dashboards choose programs by Go's; ours says which library it is. */
static void add_info(struct text *text, const char *name, const char *version) {
    family(text, name, "gauge", NULL, "Which runtime this is; its value is 1.");
    add(text, "%s{version=\"%s\"} 1\n", name, version);
}

static void write_own(struct text *text, gait_heap *heap, const struct metrics *all) {
    add_info(text, "gait_build_info", GAIT_VERSION);
    for (size_t i = 0; gait_describe_metric(i); i++)
        add_metric(text, "gait", all, i);
    add_kinds(text, heap, "gait_kind_live_objects", "objects",
              "Objects of a kind that the last sweep found live.",
              offsetof(gait_kind_stats, objects));
    add_kinds(text, heap, "gait_kind_live_bytes", "bytes",
              "Bytes of cells of a kind that the last sweep found live.",
              offsetof(gait_kind_stats, object_bytes));
    add_kinds(text, heap, "gait_kind_span_bytes", "bytes", "Bytes of spans of a kind.",
              offsetof(gait_kind_stats, span_bytes));
}

/* ---- Go's names ---- */

/* Those of the table that Go has, too. */
static const char *const of_go[] = {
    "/cpu/classes/gc/mark/assist:cpu-seconds",
    "/cpu/classes/gc/mark/dedicated:cpu-seconds",
    "/cpu/classes/gc/mark/idle:cpu-seconds",
    "/cpu/classes/gc/total:cpu-seconds",
    "/cpu/classes/scavenge/total:cpu-seconds",
    "/cpu/classes/total:cpu-seconds",
    "/cpu/classes/user:cpu-seconds",
    "/gc/cycles/automatic:gc-cycles",
    "/gc/cycles/forced:gc-cycles",
    "/gc/cycles/total:gc-cycles",
    "/gc/gogc:percent",
    "/gc/gomemlimit:bytes",
    "/gc/heap/allocs:bytes",
    "/gc/heap/frees:bytes",
    "/gc/heap/goal:bytes",
    "/gc/heap/live:bytes",
    "/gc/limiter/last-enabled:gc-cycle",
    "/gc/pauses:seconds",
    "/gc/scan/globals:bytes",
    "/gc/scan/stack:bytes",
    "/memory/classes/heap/free:bytes",
    "/memory/classes/heap/objects:bytes",
    "/memory/classes/heap/released:bytes",
    "/memory/classes/heap/unused:bytes",
    "/memory/classes/total:bytes",
    "/sched/gomaxprocs:threads",
};

static bool is_of_go(const gait_metric *metric) {
    for (size_t i = 0; i < sizeof of_go / sizeof of_go[0]; i++)
        if (strcmp(of_go[i], metric->name) == 0)
            return true;
    return false;
}

/* A pause of which this part, of 256, are no longer, as exactly as the histogram knows: 0: the
 * shortest; 256: the longest. */
static uint64_t pause_quantile_ns(const gait_stats *stats, uint64_t of_256) {
    uint64_t all = 0, below = 0;
    for (size_t i = 0; i < GAIT_PAUSE_BUCKETS; i++)
        all += stats->pause_histogram[i];
    for (size_t i = 0; i < GAIT_PAUSE_BUCKETS; i++) {
        below += stats->pause_histogram[i];
        uint64_t end_ns = UINT64_C(2) << i;
        if (below > 0 && below * 256 >= all * of_256)
            return end_ns < stats->pause_max_ns ? end_ns : stats->pause_max_ns;
    }
    return 0;
}

static void add_pause_summary(struct text *text, const gait_stats *stats) {
    static const char *const quantiles[] = {"0", "0.25", "0.5", "0.75", "1"};
    family(text, "go_gc_duration_seconds", "summary", "seconds",
           "Pauses, from the shortest to the longest, to within a factor of two.");
    for (uint64_t i = 0; i < 5; i++) {
        add(text, "go_gc_duration_seconds{quantile=\"%s\"} ", quantiles[i]);
        add_seconds(text, pause_quantile_ns(stats, i * 64));
        add(text, "\n");
    }
    add(text, "go_gc_duration_seconds_sum ");
    add_seconds(text, stats->pause_total_ns);
    add(text, "\ngo_gc_duration_seconds_count %llu\n", (unsigned long long)stats->pauses);
}

static uint64_t value_of(const struct metrics *all, const char *name) {
    for (size_t i = 0; gait_describe_metric(i); i++)
        if (strcmp(gait_describe_metric(i)->name, name) == 0)
            return all->values[i];
    return 0;
}

static uint64_t live_objects(gait_heap *heap) {
    gait_kind_stats kinds[GAIT_KINDS_MAX];
    size_t count = gait_read_kinds(heap, kinds, GAIT_KINDS_MAX);
    uint64_t objects = 0;
    for (size_t i = 0; i < count; i++)
        objects += kinds[i].objects;
    return objects;
}

static void add_memstats(struct text *text, gait_heap *heap, const struct metrics *all) {
    const gait_stats *s = &all->stats;
    uint64_t objects = value_of(all, "/memory/classes/heap/objects:bytes");
    const struct {
        const char *name, *help;
        uint64_t value;
    } gauges[] = {
        {"go_memstats_alloc_bytes", "Objects that are live or not swept yet.", objects},
        {"go_memstats_heap_alloc_bytes", "Objects that are live or not swept yet.", objects},
        {"go_memstats_heap_inuse_bytes", "Spans in use.", s->span_bytes},
        {"go_memstats_heap_idle_bytes", "Free pages, given back or not.",
         s->free_bytes + s->released_bytes},
        {"go_memstats_heap_released_bytes", "Free pages given back.", s->released_bytes},
        {"go_memstats_heap_sys_bytes", "Spans and free pages.",
         s->span_bytes + s->free_bytes + s->released_bytes},
        {"go_memstats_heap_objects", "Objects that the last sweep found live.", live_objects(heap)},
        {"go_memstats_stack_inuse_bytes", "Stacks and frames that the last cycle scanned.",
         s->stack_bytes},
        {"go_memstats_stack_sys_bytes", "Stacks and frames that the last cycle scanned.",
         s->stack_bytes},
        {"go_memstats_gc_sys_bytes", "The collector's own tables and queues.", s->metadata_bytes},
        {"go_memstats_other_sys_bytes", "Arenas, off-heap and foreign memory.",
         s->arena_bytes + s->offheap_bytes + s->foreign_bytes},
        {"go_memstats_sys_bytes", "All memory, what was given back included.",
         s->total_bytes + s->released_bytes},
        {"go_memstats_next_gc_bytes", "Live heap at which the next cycle is to end.",
         s->heap_goal_bytes},
        {"go_goroutines", "Threads that are attached.", s->mutators},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++)
        number(text, gauges[i].name, "gauge", NULL, gauges[i].help, gauges[i].value);
    number(text, "go_memstats_alloc_bytes", "counter", NULL, "Bytes that were allocated.",
           value_of(all, "/gc/heap/allocs:bytes"));
}

static void add_process(struct text *text, const struct metrics *all) {
    struct platform_process process;
    platform_process_figures(&process);
    const struct {
        const char *name, *unit, *help;
        uint64_t value;
    } gauges[] = {
        {"process_max_fds", NULL, "Descriptors that may be open.", process.most_files},
        {"process_open_fds", NULL, "Descriptors that are open.", (uint64_t)process.open_files},
        {"process_resident_memory_bytes", "bytes", "Resident memory.",
         (uint64_t)process.resident_bytes},
        {"process_virtual_memory_bytes", "bytes", "Addresses in use.",
         (uint64_t)process.virtual_bytes},
    };
    bool go = text->format == GAIT_METRICS_GO;
    number(text, go ? "go_threads" : "process_threads", "gauge", NULL, "Threads of the process.",
           (uint64_t)process.threads);
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++)
        number(text, gauges[i].name, "gauge", gauges[i].unit, gauges[i].help, gauges[i].value);
    seconds(text, "process_start_time_seconds", "gauge", "When the process began, since 1970.",
            (uint64_t)process.start_ns);
    seconds(text, "process_cpu_seconds", "counter", "CPU time since the heap was created.",
            value_of(all, "/cpu/classes/total:cpu-seconds"));
}

static void write_as_go(struct text *text, gait_heap *heap, const struct metrics *all) {
    add_info(text, "go_info", "gait " GAIT_VERSION);
    for (size_t i = 0; gait_describe_metric(i); i++)
        if (is_of_go(gait_describe_metric(i)))
            add_metric(text, "go", all, i);
    add_pause_summary(text, &all->stats);
    add_memstats(text, heap, all);
    add_process(text, all);
}

int gait_write_metrics(gait_heap *heap, int descriptor, unsigned format) {
    bool with_process = format & GAIT_METRICS_PROCESS;
    format &= ~(unsigned)GAIT_METRICS_PROCESS;
    if (format != GAIT_METRICS_TEXT && format != GAIT_METRICS_OPEN && format != GAIT_METRICS_GO)
        return GAIT_E_INVALID;
    struct text text = {.descriptor = descriptor, .format = format};
    struct metrics all;
    metrics_read(heap, &all);
    if (format == GAIT_METRICS_GO)
        write_as_go(&text, heap, &all);
    else
        write_own(&text, heap, &all);
    if (with_process && format != GAIT_METRICS_GO)
        add_process(&text, &all);
    if (format == GAIT_METRICS_OPEN)
        add(&text, "# EOF\n");
    flush(&text);
    errno = text.failed ? text.error : errno;
    return text.failed ? GAIT_E_FILE : 0;
}
