/* SPDX-License-Identifier: MIT */
/*
 * gctrace and gcpacertrace: a cycle as lines of text. See gctrace.h; docs/tuning.md describes the
 * fields.
 */
#include "gctrace.h"

#include "../instance.h"
#include "counters.h"
#include "heap_log.h"

#define BYTES_PER_MB_SHIFT 20
#define NS_PER_MS 1000000
/* What background marking takes of the CPUs, percent: the pacer's aim. */
#define EXPECTED_PERCENT 25

static unsigned long long mb(uint64_t bytes) { return bytes >> BYTES_PER_MB_SHIFT; }

static int percent(int64_t part, int64_t whole) {
    return whole > 0 && part > 0 ? (int)((double)part * 100 / (double)whole) : 0;
}

/* The collector's share of the process's CPU time since the heap was created, percent. */
static int gc_percent(const gait_heap *heap) {
    struct cpu_counters cpu;
    counters_cpu(heap, &cpu);
    return percent(cpu.gc_ns, cpu.process_ns);
}

/* Wall time of the phases. In a stopped cycle, what lies before and after marking is a pause. */
struct phases {
    int64_t before_ns;
    int64_t mark_ns;
    int64_t after_ns;
};

static struct phases phases_of(const struct cycle_record *record, int64_t stop_begin_ns) {
    int64_t mark_end_ns = record->stopped ? record->end_ns : stop_begin_ns;
    return (struct phases){
        .before_ns = record->mark_ns - record->start_ns,
        .mark_ns = mark_end_ns - record->mark_ns,
        .after_ns = stop_begin_ns + record->stop_ns - mark_end_ns,
    };
}

/* What else the limit holds, after what Go's line has. Of the marked bytes, foreign ones are a
 * part.
 */
static void add_others(struct line *line, const struct cycle_record *record) {
    if (record->arena_bytes > 0)
        line_add(line, ", %llu MB arenas", mb(record->arena_bytes));
    if (record->offheap_bytes > 0)
        line_add(line, ", %llu MB off-heap", mb(record->offheap_bytes));
    if (record->foreign_bytes > 0)
        line_add(line, ", %llu MB foreign", mb(record->foreign_bytes));
}

/* Settings that Go does not have, where they are not as it would have them. */
static void add_settings(struct line *line, const struct control *control) {
    if (AO_load(&control->min_heap_bytes) > 0)
        line_add(line, ", %llu MB least heap", mb(AO_load(&control->min_heap_bytes)));
    if (AO_load(&control->gogc_floor_percent) > 0)
        line_add(line, ", GOGC floor %llu",
                 (unsigned long long)AO_load(&control->gogc_floor_percent));
    if (AO_load(&control->assists_off))
        line_add(line, ", no assists");
    if (AO_load(&control->notices.high))
        line_add(line, ", memory high");
}

/* gcfloat: what was live, and how many times that was marked, to hundredths. */
static void add_live(struct line *line, const struct cycle_record *record) {
    if (record->live_bytes == 0)
        return;
    uint64_t hundredths =
        (uint64_t)((double)record->marked_bytes / (double)record->live_bytes * 100 + 0.5);
    line_add(line, ", %llu MB live, %llu.%02llu float", mb(record->live_bytes),
             (unsigned long long)hundredths / 100, (unsigned long long)hundredths % 100);
}

static void trace_cycle(gait_heap *heap, const struct cycle_record *record) {
    const struct control *control = &heap->control;
    struct phases phases = phases_of(record, heap->world.stop_begin_ns);
    long long start_ms = (record->start_ns - control->start_ns) / NS_PER_MS;
    struct line line = {.length = 0};
    line_add(&line, "gc %llu @%lld.%03llds %d%%: ", (unsigned long long)record->number,
             start_ms / 1000, start_ms % 1000, gc_percent(heap));
    line_add_ms(&line, phases.before_ns);
    line_add(&line, "+");
    line_add_ms(&line, phases.mark_ns);
    line_add(&line, "+");
    line_add_ms(&line, phases.after_ns);
    line_add(&line, " ms clock, ");
    /* a pause costs every CPU; handshakes keep only the collector's busy */
    line_add_ms(&line, phases.before_ns * (record->stopped ? record->procs : 1));
    line_add(&line, "+");
    line_add_ms(&line, record->cpu_ns[CPU_ASSIST]);
    line_add(&line, "/");
    line_add_ms(&line, record->cpu_ns[CPU_DEDICATED] + record->cpu_ns[CPU_FRACTIONAL]);
    line_add(&line, "/");
    line_add_ms(&line, record->cpu_ns[CPU_IDLE]);
    line_add(&line, "+");
    line_add_ms(&line, phases.after_ns * record->procs);
    line_add(&line,
             " ms cpu, %llu->%llu->%llu MB, %llu MB goal, %llu MB stacks, %llu MB globals, %d P%s",
             mb(record->start_bytes), mb(record->peak_bytes), mb(record->marked_bytes),
             mb(record->goal_bytes), mb(record->stack_bytes), mb(record->globals_bytes),
             record->procs,
             record->forced  ? " (forced)"
             : record->minor ? " (minor)"
                             : "");
    add_others(&line, record);
    add_live(&line, record);
    add_settings(&line, control);
    heap_log_line(heap, &line);
}

static void trace_bytes(gait_heap *heap, const struct cycle_record *record) {
    struct line line = {.length = 0};
    line_add(&line,
             "gc %llu bytes: start=%llu trigger=%llu peak=%llu marked=%llu goal=%llu stacks=%llu "
             "globals=%llu",
             (unsigned long long)record->number, (unsigned long long)record->start_bytes,
             (unsigned long long)record->trigger_bytes, (unsigned long long)record->peak_bytes,
             (unsigned long long)record->marked_bytes, (unsigned long long)record->goal_bytes,
             (unsigned long long)record->stack_bytes, (unsigned long long)record->globals_bytes);
    if (record->arena_bytes > 0 || record->offheap_bytes > 0 || record->foreign_bytes > 0)
        line_add(&line, " arenas=%llu offheap=%llu foreign=%llu",
                 (unsigned long long)record->arena_bytes, (unsigned long long)record->offheap_bytes,
                 (unsigned long long)record->foreign_bytes);
    if (record->live_bytes > 0)
        line_add(&line, " live=%llu", (unsigned long long)record->live_bytes);
    line_add(&line, " estimate=%llu", (unsigned long long)record->estimate_bytes);
    if (record->by_floor)
        line_add(&line, " floor=1");
    heap_log_line(heap, &line);
}

static void trace_pacer(gait_heap *heap, const struct cycle_record *record) {
    int64_t spent_ns =
        record->cpu_ns[CPU_ASSIST] + record->cpu_ns[CPU_DEDICATED] + record->cpu_ns[CPU_FRACTIONAL];
    int64_t capacity_ns = (record->end_ns - record->start_ns) * record->procs;
    struct line line = {.length = 0};
    line_add(&line,
             "pacer: %d%% CPU (%d exp.) for %llu+%llu+%llu B work (%llu B exp.) in %llu B -> %llu B"
             " (∆goal %lld, cons/mark ",
             percent(spent_ns, capacity_ns), EXPECTED_PERCENT,
             (unsigned long long)record->scanned_bytes, (unsigned long long)record->stack_bytes,
             (unsigned long long)record->globals_bytes, (unsigned long long)record->expected_bytes,
             (unsigned long long)record->start_bytes, (unsigned long long)record->peak_bytes,
             (long long)(record->peak_bytes - record->goal_bytes));
    line_add_double(&line, record->cons_mark);
    line_add(&line, ")");
    heap_log_line(heap, &line);
}

void gctrace_begin(gait_heap *heap, const struct cycle_record *record) {
    if (!heap->options.gcpacertrace)
        return;
    struct line line = {.length = 0};
    line_add(&line, "pacer: assist ratio=");
    line_add_double(&line, record->assist_ratio);
    line_add(&line, " (scan %llu MB in %llu->%llu MB) workers=%d+", mb(record->scannable_bytes),
             mb(record->start_bytes), mb(record->start_goal_bytes), record->dedicated);
    line_add_double(&line, record->fractional_share);
    heap_log_line(heap, &line);
}

void gctrace_cycle(gait_heap *heap, const struct cycle_record *record) {
    if (heap->options.gcpacertrace)
        trace_pacer(heap, record);
    if (heap->options.gctrace)
        trace_cycle(heap, record);
    if (heap->options.gctrace > 1)
        trace_bytes(heap, record);
}

void gctrace_silent(gait_heap *heap, const char *phase, const gait_mutator *mutator,
                    int64_t silent_ns) {
    if (!heap->options.gctrace)
        return;
    struct line line = {.length = 0};
    line_add(&line, "wait: gc %llu, %s: mutator %p has not polled for ",
             (unsigned long long)heap->cycle.record.number, phase, (const void *)mutator);
    line_add_ms(&line, silent_ns);
    line_add(&line, " ms");
    heap_log_line(heap, &line);
}

void gctrace_unwatched(gait_heap *heap) {
    struct line line = {.length = 0};
    line_add(&line, heap->watches
                        ? "gait: gcdirty=1: pages can't be watched now: the program is stopped "
                          "while the collector marks, until they can be again"
                        : "gait: gcdirty=1: this kernel does not say which pages are written: the "
                          "program is stopped while the collector marks");
    heap_log_line(heap, &line);
}

void gctrace_swept(gait_heap *heap, const struct cycle_record *record) {
    if (!heap->options.gcpacertrace)
        return;
    uint64_t live_bytes = control_live_bytes(&heap->control);
    uint64_t allocated_bytes =
        live_bytes > record->marked_bytes ? live_bytes - record->marked_bytes : 0;
    struct line line = {.length = 0};
    /* sweeping is not tied to allocation, hence no pages per byte */
    line_add(&line,
             "pacer: sweep done at heap size %lluMB; allocated %lluMB during sweep; swept %llu "
             "pages at ",
             mb(live_bytes), mb(allocated_bytes), (unsigned long long)AO_load(&heap->sweeper.end));
    line_add_double(&line, 0);
    line_add(&line, " pages/byte");
    heap_log_line(heap, &line);
}
