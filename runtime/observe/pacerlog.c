/* SPDX-License-Identifier: MIT */
/*
 * Recordings. See pacerlog.h.
 */
#include "pacerlog.h"

#include <errno.h>
#include <gait/pacerlog.h>
#include <stdlib.h>
#include <string.h>

#include "../instance.h"

#define SAMPLE_NS ((int64_t)100000000)
#define SAMPLES_PER_WRITE 10
/* Two of these: one is filled while the other is written. Room for some 300 cycles; the writer is
 * woken where half of it is full. */
#define BUFFER_BYTES ((size_t)1 << 18)
/* Recordings that an exit of the program ends; those of more heaps lack their last second. */
#define OPEN_MOST 64

struct buffer {
    unsigned char bytes[BUFFER_BYTES];
    size_t length;
};

struct pacerlog {
    gait_heap *heap;
    FILE *file;                         /* the writer's */
    char path[OPTIONS_PATH_BYTES + 12]; /* constant */
    struct platform_thread thread;
    unsigned wake;  /* atomic, waited on by the thread: raised to wake it */
    unsigned ended; /* atomic: the thread is to end */
    AO_t slot;      /* index in open_logs; OPEN_MOST: none. Constant */

    struct lock lock; /* rank LOG: what follows */
    struct buffer *filling;
    struct buffer *spare;               /* NULL: being written */
    uint32_t lost;                      /* records dropped since the last that was not */
    bool closed;                        /* nothing is recorded any more */
    struct gait_pacerlog_settings last; /* settings, as they were recorded last */
};

/* Recordings to be ended when the program exits. An entry is taken by compare-and-swap: who takes
 * it out ends the recording. */
static AO_t open_logs[OPEN_MOST]; /* struct pacerlog *; 0: none */
static AO_t heap_count;           /* heaps that were to be recorded */
static AO_t exit_registered;

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
    struct buffer *buffer = log->filling;
    size_t bytes = GAIT_PACERLOG_HEAD_BYTES + fields_bytes;
    if (log->closed)
        return;
    if (buffer->length + bytes > BUFFER_BYTES) {
        log->lost++;
        return;
    }
    unsigned char *at = buffer->bytes + buffer->length;
    at = put(at, type, 2);
    at = put(at, bytes, 2);
    at = put(at, log->lost, 4);
    put_fields(at, fields, fields_bytes / sizeof(int64_t));
    buffer->length += bytes;
    log->lost = 0;
}

/* With the lock held: a record of the settings if they are others than before. */
static void append_settings(struct pacerlog *log, int64_t time_ns) {
    struct control *control = &log->heap->control;
    struct gait_pacerlog_settings now = {
        .time_ns = log->last.time_ns,
        .gogc_percent = (intptr_t)AO_load(&control->gogc_percent),
        .limit_bytes = (int64_t)AO_load(&control->limit_bytes),
        .procs = (int64_t)AO_load(&control->procs),
    };
    if (memcmp(&now, &log->last, sizeof now) == 0)
        return;
    now.time_ns = time_ns;
    log->last = now;
    append(log, GAIT_PACERLOG_IS_SETTINGS, &now, sizeof now);
}

/* A figure that is beyond all others where there is none. */
static int64_t or_none(uint64_t bytes) { return bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX; }

static void sample_memory(gait_heap *heap, struct gait_pacerlog_sample *sample) {
    struct control *control = &heap->control;
    struct space *space = &heap->space;
    size_t allocated = AO_load(&control->allocated_bytes);
    size_t scannable = AO_load(&control->allocated_scannable_bytes);
    sample->allocated_scannable_bytes = (int64_t)scannable;
    sample->allocated_leaf_bytes = allocated > scannable ? (int64_t)(allocated - scannable) : 0;
    sample->freed_bytes = (int64_t)AO_load(&heap->sweeper.freed_bytes);
    sample->live_bytes = (int64_t)AO_load(&control->live_bytes);
    sample->scannable_bytes = (int64_t)control_scannable_bytes(control);
    sample->goal_bytes = or_none(AO_load(&control->goal_bytes));
    sample->trigger_bytes = or_none(AO_load(&control->trigger_bytes));
    sample->span_bytes = (int64_t)AO_load(&space->used_bytes);
    sample->free_bytes = (int64_t)AO_load(&space->free_bytes);
    sample->metadata_bytes = (int64_t)AO_load(&space->metadata_bytes);
    sample->total_bytes = (int64_t)control_total_bytes(control);
    sample->peak_total_bytes = (int64_t)AO_load(&control->peak_total_bytes);
    if (sample->peak_total_bytes < sample->total_bytes)
        sample->peak_total_bytes = sample->total_bytes;
    sample->released_bytes = (int64_t)AO_load(&space->released_bytes);
    sample->globals_bytes = (int64_t)roots_bytes(&heap->roots);
}

static void sample_cpu(struct control *control, struct gait_pacerlog_sample *sample) {
    const AO_t *cpu_ns = control->cpu_ns;
    sample->cpu_assist_ns = (int64_t)AO_load(&cpu_ns[CPU_ASSIST]);
    sample->cpu_dedicated_ns = (int64_t)AO_load(&cpu_ns[CPU_DEDICATED]);
    sample->cpu_fractional_ns = (int64_t)AO_load(&cpu_ns[CPU_FRACTIONAL]);
    sample->cpu_idle_ns = (int64_t)AO_load(&cpu_ns[CPU_IDLE]);
    sample->cpu_sweep_ns = (int64_t)AO_load(&cpu_ns[CPU_SWEEP]);
    sample->cpu_scavenge_ns = (int64_t)AO_load(&cpu_ns[CPU_SCAVENGE]);
    sample->cpu_rest_ns = (int64_t)AO_load(&control->cpu_rest_ns);
    sample->limiter_ns = (int64_t)AO_load(&control->limiter_ns);
    /* last: what is counted above is in it */
    sample->process_cpu_ns = platform_process_cpu_ns() - control->start_process_ns;
}

static struct gait_pacerlog_sample sample_of(gait_heap *heap) {
    struct control *control = &heap->control;
    struct cycle *cycle = &heap->cycle;
    struct gait_pacerlog_sample sample = {
        .time_ns = platform_now_ns() - control->start_ns,
        .flags = (AO_load(&control->marking) ? GAIT_PACERLOG_MARKING : 0) |
                 (AO_load(&control->limiting) ? GAIT_PACERLOG_LIMITING : 0),
        .mutators = (int64_t)AO_load(&heap->world.count),
    };
    sample_memory(heap, &sample);
    sample_cpu(control, &sample);
    lock_acquire(&cycle->lock);
    sample.stack_bytes = (int64_t)cycle->last.stack_bytes;
    sample.pauses = (int64_t)cycle->pauses;
    sample.pause_total_ns = (int64_t)cycle->pause_total_ns;
    sample.pause_max_ns = (int64_t)cycle->pause_max_ns;
    lock_release(&cycle->lock);
    return sample;
}

static void wake(struct pacerlog *log) {
    AO_int_fetch_and_add1_full(&log->wake);
    platform_wake(&log->wake, 1);
}

/* Record a sample, and with it a cycle, or the end, if there is one. */
static void record(struct pacerlog *log, struct gait_pacerlog_sample *sample,
                   const struct gait_pacerlog_cycle *cycle, const struct gait_pacerlog_end *end) {
    lock_acquire(&log->lock);
    append_settings(log, sample->time_ns);
    append(log, GAIT_PACERLOG_IS_SAMPLE, sample, sizeof *sample);
    if (cycle)
        append(log, GAIT_PACERLOG_IS_CYCLE, cycle, sizeof *cycle);
    if (end)
        append(log, GAIT_PACERLOG_IS_END, end, sizeof *end);
    bool full = log->filling->length > BUFFER_BYTES / 2;
    lock_release(&log->lock);
    if (full)
        wake(log);
}

void pacerlog_begin(gait_heap *heap) {
    if (!heap->pacerlog)
        return;
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
                 (cycle->by_limit ? GAIT_PACERLOG_BY_LIMIT : 0),
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
    };
    struct gait_pacerlog_sample sample = sample_of(heap);
    record(heap->pacerlog, &sample, &fields, NULL);
}

/* ---- The file ---- */

/* With the line that says why: nothing more is recorded. */
static void give_up(struct pacerlog *log, const char *why) {
    fprintf(stderr, "gait: pacerlog=%s: %s; the recording ends\n", log->path, why);
    lock_acquire(&log->lock);
    log->closed = true;
    lock_release(&log->lock);
}

static bool is_closed(struct pacerlog *log) {
    lock_acquire(&log->lock);
    bool closed = log->closed;
    lock_release(&log->lock);
    return closed;
}

/* Write what is in the buffer. By one thread at a time. */
static void write_out(struct pacerlog *log) {
    lock_acquire(&log->lock);
    struct buffer *full = log->filling;
    log->filling = log->spare;
    log->spare = NULL;
    bool closed = log->closed;
    lock_release(&log->lock);
    if (!closed && full->length > 0) {
        errno = 0;
        if (fwrite(full->bytes, 1, full->length, log->file) != full->length)
            give_up(log, errno ? strerror(errno) : "not written");
    }
    full->length = 0;
    lock_acquire(&log->lock);
    log->spare = full;
    lock_release(&log->lock);
}

static bool write_header(struct pacerlog *log) {
    struct control *control = &log->heap->control;
    struct gait_pacerlog_header header = {
        .heap_number = (int64_t)AO_fetch_and_add1_full(&heap_count) + 1,
        .page_bytes = (int64_t)platform_page_bytes(),
        .heap_page_bytes = PAGE_BYTES,
        .sample_ns = SAMPLE_NS,
        .minimum_heap_bytes = (int64_t)control->pacer.heap_minimum_bytes,
        .stopped = !log->heap->concurrent,
        .gogc_percent = (intptr_t)AO_load(&control->gogc_percent),
        .limit_bytes = (int64_t)AO_load(&control->limit_bytes),
        .procs = (int64_t)AO_load(&control->procs),
    };
    log->last = (struct gait_pacerlog_settings){.gogc_percent = header.gogc_percent,
                                                .limit_bytes = header.limit_bytes,
                                                .procs = header.procs};
    if (header.heap_number == 1)
        snprintf(log->path, sizeof log->path, "%s", log->heap->options.pacerlog);
    else
        snprintf(log->path, sizeof log->path, "%s.%lu", log->heap->options.pacerlog,
                 (unsigned long)header.heap_number);
    enum { FIELDS = sizeof header / sizeof(int64_t) };
    struct buffer *buffer = log->filling;
    unsigned char *at = buffer->bytes;
    memcpy(at, GAIT_PACERLOG_MAGIC, 8);
    at = put(at + 8, GAIT_PACERLOG_VERSION, 4);
    at = put(at, GAIT_PACERLOG_PREFIX_BYTES + sizeof header + GAIT_PACERLOG_TEXT_BYTES, 4);
    at = put_fields(at, (const int64_t *)&header, FIELDS);
    snprintf((char *)at, GAIT_PACERLOG_TEXT_BYTES, "%s", GAIT_VERSION);
    buffer->length = (size_t)(at + GAIT_PACERLOG_TEXT_BYTES - buffer->bytes);
    errno = 0;
    log->file = fopen(log->path, "wbe"); /* e: not for a program that takes the process over */
    if (!log->file) {
        give_up(log, errno ? strerror(errno) : "not opened");
        return false;
    }
    setvbuf(log->file, NULL, _IONBF, 0);
    write_out(log);
    return !is_closed(log);
}

/* ---- The thread ---- */

/* A sample of this moment, the last or one of many. */
static void sample_now(struct pacerlog *log, bool last) {
    struct gait_pacerlog_sample sample = sample_of(log->heap);
    struct gait_pacerlog_end end = {.time_ns = sample.time_ns};
    sample.resident_bytes = platform_resident_bytes();
    record(log, &sample, NULL, last ? &end : NULL);
}

static void pacerlog_run(void *argument) {
    struct pacerlog *log = argument;
    int64_t next_ns = platform_now_ns() + SAMPLE_NS;
    for (unsigned samples = 0; !is_closed(log);) {
        /* before the look at ended, which is set before the word changes */
        unsigned word = AO_int_load_acquire(&log->wake);
        if (AO_int_load_acquire(&log->ended)) {
            sample_now(log, true);
            write_out(log);
            return;
        }
        int64_t now_ns = platform_now_ns();
        if (now_ns < next_ns) {
            platform_wait(&log->wake, word, next_ns - now_ns);
            lock_acquire(&log->lock);
            bool full = log->filling->length > BUFFER_BYTES / 2;
            lock_release(&log->lock);
            if (full)
                write_out(log);
            continue;
        }
        /* what was slept through is not made up for */
        next_ns = now_ns - next_ns < SAMPLE_NS ? next_ns + SAMPLE_NS : now_ns + SAMPLE_NS;
        sample_now(log, false);
        if (++samples % SAMPLES_PER_WRITE == 0)
            write_out(log);
    }
}

/* ---- Begin and end ---- */

static void end_all(void);

static void enlist(struct pacerlog *log) {
    if (AO_compare_and_swap_full(&exit_registered, 0, 1) && atexit(end_all) != 0)
        AO_store(&exit_registered, 0);
    for (log->slot = 0; log->slot < OPEN_MOST; log->slot++)
        if (AO_compare_and_swap_full(&open_logs[log->slot], 0, (AO_t)log))
            return;
}

/* @return whether the caller is to end it. */
static bool delist(struct pacerlog *log) {
    return log->slot == OPEN_MOST || AO_compare_and_swap_full(&open_logs[log->slot], (AO_t)log, 0);
}

static void finish(struct pacerlog *log) {
    AO_int_store_full(&log->ended, 1);
    wake(log);
    platform_thread_join(&log->thread);
    lock_acquire(&log->lock);
    log->closed = true;
    lock_release(&log->lock);
    fclose(log->file);
}

static void end_all(void) {
    for (size_t slot = 0; slot < OPEN_MOST; slot++) {
        struct pacerlog *log = (struct pacerlog *)AO_load_acquire(&open_logs[slot]);
        if (log && delist(log))
            finish(log);
    }
}

static void release(struct pacerlog *log) {
    lock_destroy(&log->lock);
    free(log->filling);
    free(log->spare);
    free(log);
}

void pacerlog_start(gait_heap *heap) {
    if (!heap->options.pacerlog[0])
        return;
    struct pacerlog *log = calloc(1, sizeof *log);
    if (!log)
        goto no_memory;
    log->heap = heap;
    lock_init(&log->lock, LOCK_LOG, "pacerlog");
    log->filling = calloc(1, sizeof *log->filling);
    log->spare = calloc(1, sizeof *log->spare);
    if (!log->filling || !log->spare)
        goto no_buffers;
    if (!write_header(log))
        goto no_file;
    if (platform_thread_start(&log->thread, pacerlog_run, log, "gait-pacerlog") < 0) {
        give_up(log, "no thread to be had");
        goto no_file;
    }
    enlist(log);
    heap->pacerlog = log;
    return;
no_file:
    if (log->file)
        fclose(log->file);
    release(log);
    return;
no_buffers:
    release(log);
no_memory:
    fprintf(stderr, "gait: pacerlog=%s: no memory; nothing is recorded\n", heap->options.pacerlog);
}

void pacerlog_end(gait_heap *heap) {
    if (heap->pacerlog && delist(heap->pacerlog))
        finish(heap->pacerlog);
}

void pacerlog_free(gait_heap *heap) {
    if (heap->pacerlog)
        release(heap->pacerlog);
    heap->pacerlog = NULL;
}

void pacerlog_lost_all(void) {
    for (size_t slot = 0; slot < OPEN_MOST; slot++)
        AO_store(&open_logs[slot], 0);
}

void pacerlog_lost(gait_heap *heap) {
    heap->pacerlog = NULL; /* some thread of the parent may be inside: it is not freed */
}
