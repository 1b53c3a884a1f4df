/* SPDX-License-Identifier: MIT */
/*
 * Recordings. See pacerlog.h.
 */
#include "pacerlog.h"

#include <gait/pacerlog.h>
#include <stdlib.h>
#include <string.h>

#include "../instance.h"
#include "counters.h"
#include "recording.h"

#define SAMPLE_NS ((int64_t)100000000)
#define SAMPLES_PER_WRITE 10
/* Room for some 300 cycles. */
#define BUFFER_BYTES ((size_t)1 << 18)

struct pacerlog {
    struct recording recording;
    gait_heap *heap; /* constant */
    /* the recording's lock: */
    uint32_t lost;                      /* records dropped since the last that was not */
    struct gait_pacerlog_settings last; /* settings, as they were recorded last */
    int64_t process_cpu_ns;             /* of the last sample; lock */
    int64_t lag_ns;                     /* of the running cycle; the collector's */
};

static struct log_names names;

/* ---- Records ---- */

static unsigned char *put(unsigned char *at, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        *at++ = (unsigned char)(value >> 8 * i);
    return at;
}

static unsigned char *put_fields(unsigned char *at, const int64_t *fields, size_t count) {
    for (size_t i = 0; i < count; i++)
        at = put(at, (uint64_t)fields[i], 8);
    return at;
}

/* With the lock held. */
static void append(struct pacerlog *log, enum gait_pacerlog_type type, const void *fields,
                   size_t fields_bytes) {
    unsigned char record[GAIT_PACERLOG_HEAD_BYTES + sizeof(struct gait_pacerlog_sample)];
    size_t bytes = GAIT_PACERLOG_HEAD_BYTES + fields_bytes;
    if (log->recording.closed)
        return;
    unsigned char *at = put(record, type, 2);
    at = put(at, bytes, 2);
    at = put(at, log->lost, 4);
    put_fields(at, fields, fields_bytes / sizeof(int64_t));
    log->lost = writer_add(log->recording.writer, record, bytes) ? 0 : log->lost + 1;
}

_Static_assert(sizeof(struct gait_pacerlog_sample) >= sizeof(struct gait_pacerlog_cycle),
               "append has room for any record");

/* A figure that is beyond all others where there is none. */
static int64_t or_none(uint64_t bytes) { return bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX; }

/* With the lock held: a record of the settings if they are others than before. */
static void append_settings(struct pacerlog *log, int64_t time_ns) {
    struct control *control = &log->heap->control;
    struct gait_pacerlog_settings now = {
        .time_ns = log->last.time_ns,
        .gogc_percent = (intptr_t)AO_load(&control->gogc_percent),
        .limit_bytes = (int64_t)AO_load(&control->limit_bytes),
        .procs = (int64_t)AO_load(&control->procs),
        .min_heap_bytes = (int64_t)AO_load(&control->min_heap_bytes),
        .gogc_floor_percent = (int64_t)AO_load(&control->gogc_floor_percent),
        .assists_off = (int64_t)AO_load(&control->assists_off),
        .notice_bytes = or_none(AO_load(&control->notices.at_bytes)),
    };
    if (memcmp(&now, &log->last, sizeof now) == 0)
        return;
    now.time_ns = time_ns;
    log->last = now;
    append(log, GAIT_PACERLOG_IS_SETTINGS, &now, sizeof now);
}

static void sample_memory(gait_heap *heap, struct gait_pacerlog_sample *sample) {
    struct memory_counters memory;
    counters_memory(heap, &memory);
    sample->span_bytes = (int64_t)memory.span_bytes;
    sample->free_bytes = (int64_t)memory.free_bytes;
    sample->metadata_bytes = (int64_t)memory.metadata_bytes;
    sample->arena_bytes = (int64_t)memory.arena_bytes;
    sample->offheap_bytes = (int64_t)memory.offheap_bytes;
    sample->foreign_bytes = (int64_t)memory.foreign_bytes;
    sample->total_bytes = (int64_t)memory.total_bytes;
    sample->peak_total_bytes = (int64_t)memory.peak_total_bytes;
    sample->released_bytes = (int64_t)memory.released_bytes;
    sample->globals_bytes = (int64_t)memory.globals_bytes;
}

static void sample_pacing(gait_heap *heap, struct gait_pacerlog_sample *sample) {
    struct control *control = &heap->control;
    struct pacing_counters pacing;
    counters_pacing(heap, &pacing);
    sample->live_bytes = (int64_t)pacing.live_bytes;
    sample->goal_bytes = or_none(pacing.goal_bytes);
    sample->trigger_bytes = or_none(pacing.trigger_bytes);
    sample->freed_bytes = (int64_t)pacing.freed_bytes;
    sample->scannable_bytes = (int64_t)control_scannable_bytes(control);
    sample->foreign_marked_bytes = (int64_t)AO_load(&control->foreign_marked_bytes);
    sample->allocated_scannable_bytes = (int64_t)AO_load(&heap->space.tally.scannable_bytes);
    sample->allocated_leaf_bytes = (int64_t)AO_load(&heap->space.tally.leaf_bytes);
    sample->allocated_arena_bytes = (int64_t)AO_load(&heap->space.allocated_arena_bytes);
    sample->allocated_offheap_bytes = (int64_t)offheap_added(&heap->space.offheap);
    sample->allocated_foreign_bytes = (int64_t)foreign_added(&heap->space.foreign);
}

static void sample_cpu(gait_heap *heap, struct gait_pacerlog_sample *sample) {
    struct cpu_counters cpu;
    sample->cpu_rest_ns = (int64_t)AO_load(&heap->control.cpu_rest_ns);
    counters_cpu(heap, &cpu);
    sample->cpu_assist_ns = cpu.purpose_ns[CPU_ASSIST];
    sample->cpu_dedicated_ns = cpu.purpose_ns[CPU_DEDICATED];
    sample->cpu_fractional_ns = cpu.purpose_ns[CPU_FRACTIONAL];
    sample->cpu_idle_ns = cpu.purpose_ns[CPU_IDLE];
    sample->cpu_sweep_ns = cpu.purpose_ns[CPU_SWEEP];
    sample->cpu_scavenge_ns = cpu.purpose_ns[CPU_SCAVENGE];
    sample->limiter_ns = cpu.limiter_ns;
    sample->process_cpu_ns = cpu.process_ns;
}

static struct gait_pacerlog_sample sample_of(gait_heap *heap) {
    struct control *control = &heap->control;
    struct gait_pacerlog_sample sample = {
        .time_ns = platform_now_ns() - control->start_ns,
        .flags = (AO_load(&control->marking) ? GAIT_PACERLOG_MARKING : 0) |
                 (AO_load(&control->limiting) ? GAIT_PACERLOG_LIMITING : 0) |
                 (AO_load(&control->notices.high) ? GAIT_PACERLOG_HIGH : 0),
        .mutators = (int64_t)AO_load(&heap->world.count),
    };
    sample_pacing(heap, &sample);
    sample_memory(heap, &sample);
    sample_cpu(heap, &sample);
    struct cycle_counters cycles;
    counters_cycles(heap, &cycles);
    sample.stack_bytes = (int64_t)cycles.stack_bytes;
    sample.pauses = (int64_t)cycles.pauses;
    sample.pause_total_ns = (int64_t)cycles.pause_total_ns;
    sample.pause_max_ns = (int64_t)cycles.pause_max_ns;
    return sample;
}

/* Record a sample, and with it a cycle, or the end, if there is one. */
static void record(struct pacerlog *log, struct gait_pacerlog_sample *sample,
                   const struct gait_pacerlog_cycle *cycle, const struct gait_pacerlog_end *end) {
    lock_acquire(&log->recording.lock);
    /* a sample while a debug option looks at the heap has CPU time that is left out afterwards */
    if (sample->process_cpu_ns < log->process_cpu_ns)
        sample->process_cpu_ns = log->process_cpu_ns;
    log->process_cpu_ns = sample->process_cpu_ns;
    append_settings(log, sample->time_ns);
    append(log, GAIT_PACERLOG_IS_SAMPLE, sample, sizeof *sample);
    if (cycle)
        append(log, GAIT_PACERLOG_IS_CYCLE, cycle, sizeof *cycle);
    if (end)
        append(log, GAIT_PACERLOG_IS_END, end, sizeof *end);
    log->recording.closed |= end != NULL;
    lock_release(&log->recording.lock);
}

/* A sample of this moment, the last or one of many. */
static void sample_now(struct pacerlog *log, bool last) {
    struct gait_pacerlog_sample sample = sample_of(log->heap);
    struct gait_pacerlog_end end = {.time_ns = sample.time_ns};
    sample.resident_bytes = platform_resident_bytes();
    record(log, &sample, NULL, last ? &end : NULL);
}

static void sample_often(void *log) { sample_now(log, false); }

void pacerlog_begin(gait_heap *heap) {
    if (!heap->pacerlog)
        return;
    /* what the threads ran before the cycle and no clock has told yet: the pacer counts it as
     * theirs while it marks */
    int64_t told_ns = platform_process_cpu_ns();
    world_settle_cpu(&heap->world);
    heap->pacerlog->lag_ns = platform_process_cpu_ns() - told_ns;
    struct gait_pacerlog_sample sample = sample_of(heap);
    record(heap->pacerlog, &sample, NULL, NULL);
}

void pacerlog_cycle(gait_heap *heap, const struct cycle_record *cycle) {
    if (!heap->pacerlog)
        return;
    int64_t from_ns = heap->control.start_ns;
    struct gait_pacerlog_cycle fields = {
        .number = (int64_t)cycle->number,
        .flags = (cycle->forced ? GAIT_PACERLOG_FORCED : 0) |
                 (cycle->periodic ? GAIT_PACERLOG_PERIODIC : 0) |
                 (cycle->stopped ? GAIT_PACERLOG_STOPPED : 0) |
                 (cycle->by_limit ? GAIT_PACERLOG_BY_LIMIT : 0) |
                 (cycle->minor ? GAIT_PACERLOG_MINOR : 0) |
                 (cycle->by_floor ? GAIT_PACERLOG_BY_FLOOR : 0),
        .start_ns = cycle->start_ns - from_ns,
        .mark_ns = cycle->mark_ns - from_ns,
        .end_ns = cycle->end_ns - from_ns,
        .pause_ns = cycle->stop_ns,
        .held_back_ns = cycle->held_back_ns,
        .cpu_assist_ns = cycle->cpu_ns[CPU_ASSIST],
        .cpu_dedicated_ns = cycle->cpu_ns[CPU_DEDICATED],
        .cpu_fractional_ns = cycle->cpu_ns[CPU_FRACTIONAL],
        .cpu_idle_ns = cycle->cpu_ns[CPU_IDLE],
        .start_bytes = (int64_t)cycle->start_bytes,
        .trigger_bytes = or_none(cycle->trigger_bytes),
        .peak_bytes = (int64_t)cycle->peak_bytes,
        .marked_bytes = (int64_t)cycle->marked_bytes,
        .black_bytes = (int64_t)cycle->black_bytes,
        .goal_bytes = or_none(cycle->goal_bytes),
        .scannable_bytes = (int64_t)cycle->scannable_bytes,
        .scanned_bytes = (int64_t)cycle->scanned_bytes,
        .stack_bytes = (int64_t)cycle->stack_bytes,
        .globals_bytes = (int64_t)cycle->globals_bytes,
        .procs = cycle->procs,
        .foreign_bytes = (int64_t)cycle->foreign_bytes,
        .lag_cpu_ns = heap->pacerlog->lag_ns,
    };
    struct gait_pacerlog_sample sample = sample_of(heap);
    record(heap->pacerlog, &sample, &fields, NULL);
}

/* ---- Begin and end ---- */

static void begin(void *argument, int64_t heap_number) {
    struct pacerlog *log = argument;
    struct control *control = &log->heap->control;
    struct gait_pacerlog_header header = {
        .heap_number = heap_number,
        .page_bytes = (int64_t)platform_page_bytes(),
        .heap_page_bytes = PAGE_BYTES,
        .sample_ns = SAMPLE_NS,
        .minimum_heap_bytes = (int64_t)control->governor.pacer.heap_minimum_bytes,
        .stopped = !log->heap->concurrent,
        .gogc_percent = (intptr_t)AO_load(&control->gogc_percent),
        .limit_bytes = (int64_t)AO_load(&control->limit_bytes),
        .procs = (int64_t)AO_load(&control->procs),
        .min_heap_bytes = (int64_t)AO_load(&control->min_heap_bytes),
        .gogc_floor_percent = (int64_t)AO_load(&control->gogc_floor_percent),
        .assists_off = (int64_t)AO_load(&control->assists_off),
        .notice_bytes = or_none(AO_load(&control->notices.at_bytes)),
    };
    log->last = (struct gait_pacerlog_settings){
        .gogc_percent = header.gogc_percent,
        .limit_bytes = header.limit_bytes,
        .procs = header.procs,
        .min_heap_bytes = header.min_heap_bytes,
        .gogc_floor_percent = header.gogc_floor_percent,
        .assists_off = header.assists_off,
        .notice_bytes = header.notice_bytes,
    };
    enum { FIELDS = sizeof header / sizeof(int64_t) };
    unsigned char bytes[GAIT_PACERLOG_PREFIX_BYTES + sizeof header + GAIT_PACERLOG_TEXT_BYTES] = {
        0};
    memcpy(bytes, GAIT_PACERLOG_MAGIC, 8);
    unsigned char *at = put(bytes + 8, GAIT_PACERLOG_VERSION, 4);
    at = put(at, sizeof bytes, 4);
    at = put_fields(at, (const int64_t *)&header, FIELDS);
    snprintf((char *)at, GAIT_PACERLOG_TEXT_BYTES, "%s", GAIT_VERSION);
    writer_add(log->recording.writer, bytes, sizeof bytes);
}

/* With a last sample and an end. */
static void finish(void *log) { sample_now(log, true); }

static void forget(gait_heap *heap) { heap->pacerlog = NULL; }

static const struct recording_use USE = {
    .what = "pacerlog",
    .thread_name = "gait-pacerlog",
    .buffer_bytes = BUFFER_BYTES,
    .tick_ns = SAMPLE_NS,
    .ticks_per_write = SAMPLES_PER_WRITE,
    .tick = sample_often,
    .begin = begin,
    .finish = finish,
    .forget = forget,
    .free = free,
    .names = &names,
};

void pacerlog_start(gait_heap *heap) {
    if (!heap->options.pacerlog[0])
        return;
    control_settle_procs(&heap->control); /* the header names it */
    struct pacerlog *log = calloc(1, sizeof *log);
    if (log)
        log->heap = heap;
    if (recording_start(heap, log ? &log->recording : NULL, &USE, log, heap->options.pacerlog))
        heap->pacerlog = log;
    else
        free(log);
}

void pacerlog_forked(void) { log_names_forked(&names); }
