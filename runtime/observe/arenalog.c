/* SPDX-License-Identifier: MIT */
/*
 * Arena logs. See arenalog.h.
 */
#include "arenalog.h"

#include <stdlib.h>
#include <string.h>

#include "../instance.h"
#include "../platform/ring.h"
#include "counters.h"
#include "line.h"
#include "recording.h"

/* Events that wait for the log's thread, which looks every TICK_NS: 800 thousand a second. Guess:
 * an arena's create or chunk costs more than a microsecond. */
#define RING ((size_t)16384)
#define TICK_NS ((int64_t)20000000)
#define TICKS_PER_WRITE 50
/* Room for what a full ring makes, some 60 bytes each. */
#define BUFFER_BYTES ((size_t)1 << 20)
#define NAME_BYTES 32

struct event {
    int64_t time_ns;
    enum gait_arenalog_event type;
    uint64_t id;     /* of the arena, or the cycle's number */
    size_t bytes[3]; /* in the line's order */
    char name[NAME_BYTES];
};

struct arenalog {
    struct recording recording;
    gait_heap *heap; /* constant */

    struct ring *ring; /* constant */

    /* the recording's lock; the log's thread's, or whoever ends it */
    uint64_t lost; /* lines without room since the last that was written */
    AO_t told;     /* of those that the ring has dropped, in lost already */
};

static struct log_names names;

/* Words of events, in the table's order. */
static const char *const WORDS[GAIT_ARENALOG_EVENTS] = {
#define WORD(event, meaning, bytes) #event,
    GAIT_ARENALOG_ARENA(WORD) GAIT_ARENALOG_HEAP(WORD)
#undef WORD
};

/* ---- Mutators ---- */

static int64_t time_of(gait_heap *heap) { return platform_now_ns() - heap->control.start_ns; }

void arenalog_arena(gait_heap *heap, enum gait_arenalog_event type, uint64_t id, const char *name,
                    size_t bytes, size_t held_bytes) {
    if (!heap->arenalog)
        return;
    struct event event = {
        .time_ns = time_of(heap), .type = type, .id = id, .bytes = {bytes, held_bytes}};
    strncpy(event.name, name, sizeof event.name - 1);
    ring_put(heap->arenalog->ring, &event);
}

static struct event heap_event(gait_heap *heap, enum gait_arenalog_event type, uint64_t cycle) {
    struct memory_counters memory;
    counters_memory(heap, &memory);
    return (struct event){
        .time_ns = time_of(heap),
        .type = type,
        .id = cycle,
        .bytes = {control_live_bytes(&heap->control), memory.arena_bytes, memory.offheap_bytes},
    };
}

static void tell_of_heap(gait_heap *heap, enum gait_arenalog_event type, uint64_t cycle) {
    if (!heap->arenalog)
        return;
    struct event event = heap_event(heap, type, cycle);
    ring_put(heap->arenalog->ring, &event);
}

void arenalog_begin(gait_heap *heap, const struct cycle_record *record) {
    tell_of_heap(heap, GAIT_ARENALOG_begin, record->number);
}

void arenalog_cycle(gait_heap *heap, const struct cycle_record *record) {
    tell_of_heap(heap, GAIT_ARENALOG_end, record->number);
}

/* ---- The log's thread ---- */

/* With the lock held. */
static void add_line(struct arenalog *log, struct line *line) {
    line_end(line);
    if (!writer_add(log->recording.writer, line->text, line->length))
        log->lost++;
}

/* Say what was lost since it was said last: in front of the next line that has room. */
static void add_lost(struct arenalog *log, int64_t time_ns) {
    AO_t dropped = AO_load(&log->ring->dropped);
    log->lost += dropped - log->told;
    log->told = dropped;
    if (log->lost == 0)
        return;
    struct line line = {.length = 0};
    line_add(&line, "%lld " GAIT_ARENALOG_LOST " %llu", (long long)time_ns,
             (unsigned long long)log->lost);
    line_end(&line);
    if (writer_add(log->recording.writer, line.text, line.length))
        log->lost = 0;
}

static void add_event(void *data, const void *taken) {
    struct arenalog *log = data;
    const struct event *event = taken;
    struct line line = {.length = 0};
    add_lost(log, event->time_ns);
    line_add(&line, "%lld %s %llu %zu %zu ", (long long)event->time_ns, WORDS[event->type],
             (unsigned long long)event->id, event->bytes[0], event->bytes[1]);
    if (event->type < GAIT_ARENALOG_begin)
        line_add_text(&line, event->name);
    else
        line_add(&line, "%zu", event->bytes[2]);
    add_line(log, &line);
}

/* With the lock held. */
static void take(struct arenalog *log) { ring_take(log->ring, add_event, log); }

static void tick(void *argument) {
    struct arenalog *log = argument;
    lock_acquire(&log->recording.lock);
    if (!log->recording.closed)
        take(log);
    lock_release(&log->recording.lock);
}

/* ---- Begin and end ---- */

/* With what is still in the ring. */
static void finish(void *argument) {
    struct arenalog *log = argument;
    lock_acquire(&log->recording.lock);
    take(log);
    log->lost += ring_left(log->ring); /* behind one that is being filled */
    struct event event = heap_event(log->heap, GAIT_ARENALOG_close, 0);
    add_event(log, &event);
    log->recording.closed = true;
    lock_release(&log->recording.lock);
}

static void begin(void *argument, int64_t number) {
    (void)number;
    struct line line = {.length = 0};
    line_add(&line, GAIT_ARENALOG_FIRST "%d %s", GAIT_ARENALOG_VERSION, GAIT_VERSION);
    add_line(argument, &line);
}

static void forget(gait_heap *heap) { heap->arenalog = NULL; }

static void free_log(void *owner) {
    struct arenalog *log = owner;
    if (log)
        ring_free(log->ring);
    free(log);
}

static const struct recording_use USE = {
    .what = "arenalog",
    .thread_name = "gait-arenalog",
    .buffer_bytes = BUFFER_BYTES,
    .tick_ns = TICK_NS,
    .ticks_per_write = TICKS_PER_WRITE,
    .tick = tick,
    .begin = begin,
    .finish = finish,
    .forget = forget,
    .free = free_log,
    .names = &names,
};

static struct arenalog *new_log(gait_heap *heap) {
    struct arenalog *log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->heap = heap;
    log->ring = ring_new(RING, sizeof(struct event));
    if (log->ring)
        return log;
    free_log(log);
    return NULL;
}

void arenalog_start(gait_heap *heap) {
    if (!heap->options.arenalog[0])
        return;
    struct arenalog *log = new_log(heap);
    if (recording_start(heap, log ? &log->recording : NULL, &USE, log, heap->options.arenalog))
        heap->arenalog = log;
    else
        free_log(log);
}

void arenalog_forked(void) { log_names_forked(&names); }
