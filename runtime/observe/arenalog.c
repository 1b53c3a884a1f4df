/* SPDX-License-Identifier: MIT */
/*
 * Arena logs. See arenalog.h.
 */
#include "arenalog.h"

#include <stdlib.h>
#include <string.h>

#include "../instance.h"
#include "../platform/perturb.h"
#include "at_exit.h"
#include "line.h"
#include "log_name.h"
#include "writer.h"

/* Events that wait for the log's thread, which looks every TICK_NS: 800 thousand a second. Guess:
 * an arena's create or chunk costs more than a microsecond. */
#define RING ((AO_t)16384)
#define TICK_NS ((int64_t)20000000)
#define TICKS_PER_WRITE 50
/* Room for what a full ring makes, some 60 bytes each. */
#define BUFFER_BYTES ((size_t)1 << 20)
#define NAME_BYTES 32

struct event {
    AO_t turn; /* .inv.turn: guards what follows */
    int64_t time_ns;
    enum gait_arenalog_event type;
    uint64_t id;     /* of the arena, or the cycle's number */
    size_t bytes[3]; /* in the line's order */
    char name[NAME_BYTES];
};

struct arenalog {
    gait_heap *heap;       /* constant */
    struct writer *writer; /* constant */
    size_t place;          /* in the table of calls at exit; the creator's */

    AO_t dropped; /* events that found no slot; unordered, a figure */
    char apart[64];
    AO_t next; /* the next ticket; by compare-and-swap, unordered: turns order what slots hold */
    char apart_too[64];

    struct lock lock; /* rank LOG: what follows. The log's thread's, or whoever ends it */
    AO_t read;        /* the ticket that is read next */
    uint64_t lost;    /* lines without room since the last that was written */
    AO_t told;        /* of dropped, in lost already */
    bool closed;      /* nothing is written any more */

    struct event ring[];
};

static struct log_names names;

/* Words of events, in the table's order. */
static const char *const WORDS[GAIT_ARENALOG_EVENTS] = {
#define WORD(event, meaning, bytes) #event,
    GAIT_ARENALOG_ARENA(WORD) GAIT_ARENALOG_HEAP(WORD)
#undef WORD
};

/* ---- Mutators ---- */

static void put(struct arenalog *log, const struct event *event) {
    AO_t ticket = AO_load(&log->next);
    struct event *slot;
    for (;;) {
        slot = &log->ring[ticket % RING];
        AO_t turn = AO_load_acquire(&slot->turn); /* pairs with the reader's release */
        if (turn == ticket) {
            PERTURB(ARENALOG_TICKET);
            AO_t seen = AO_fetch_compare_and_swap(&log->next, ticket, ticket + 1);
            if (seen == ticket)
                break;
            ticket = seen;
        } else if ((intptr_t)(turn - ticket) < 0) {
            counter_add(&log->dropped, 1);
            return;
        } else {
            ticket = AO_load(&log->next);
        }
    }
    PERTURB(ARENALOG_FILL);
    slot->time_ns = event->time_ns;
    slot->type = event->type;
    slot->id = event->id;
    memcpy(slot->bytes, event->bytes, sizeof slot->bytes);
    memcpy(slot->name, event->name, sizeof slot->name);
    AO_store_release(&slot->turn, ticket + 1); /* pairs with take */
}

static int64_t time_of(gait_heap *heap) { return platform_now_ns() - heap->control.start_ns; }

void arenalog_arena(gait_heap *heap, enum gait_arenalog_event type, uint64_t id, const char *name,
                    size_t bytes, size_t held_bytes) {
    if (!heap->arenalog)
        return;
    struct event event = {
        .time_ns = time_of(heap), .type = type, .id = id, .bytes = {bytes, held_bytes}};
    strncpy(event.name, name, sizeof event.name - 1);
    put(heap->arenalog, &event);
}

static struct event heap_event(gait_heap *heap, enum gait_arenalog_event type, uint64_t cycle) {
    return (struct event){
        .time_ns = time_of(heap),
        .type = type,
        .id = cycle,
        .bytes = {control_live_bytes(&heap->control), AO_load(&heap->space.arena_bytes),
                  space_offheap_bytes(&heap->space)},
    };
}

void arenalog_heap(gait_heap *heap, enum gait_arenalog_event type, uint64_t cycle) {
    if (!heap->arenalog)
        return;
    struct event event = heap_event(heap, type, cycle);
    put(heap->arenalog, &event);
}

/* ---- The log's thread ---- */

/* With the lock held. */
static void add_line(struct arenalog *log, struct line *line) {
    line_end(line);
    if (!writer_add(log->writer, line->text, line->length))
        log->lost++;
}

/* Say what was lost since it was said last: in front of the next line that has room. */
static void add_lost(struct arenalog *log, int64_t time_ns) {
    AO_t dropped = AO_load(&log->dropped);
    log->lost += dropped - log->told;
    log->told = dropped;
    if (log->lost == 0)
        return;
    struct line line = {.length = 0};
    line_add(&line, "%lld " GAIT_ARENALOG_LOST " %llu", (long long)time_ns,
             (unsigned long long)log->lost);
    line_end(&line);
    if (writer_add(log->writer, line.text, line.length))
        log->lost = 0;
}

static void add_event(struct arenalog *log, const struct event *event) {
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

/* The events that are in the ring, with the lock held. Not those that come meanwhile: it ends. */
static void take(struct arenalog *log) {
    for (AO_t end = AO_load(&log->next); log->read != end; log->read++) {
        struct event *slot = &log->ring[log->read % RING];
        if (AO_load_acquire(&slot->turn) != log->read + 1) /* pairs with put */
            return;                                        /* it is being filled */
        add_event(log, slot);
        PERTURB(ARENALOG_TAKEN);
        AO_store_release(&slot->turn, log->read + RING); /* pairs with put */
    }
}

static void tick(void *argument) {
    struct arenalog *log = argument;
    lock_acquire(&log->lock);
    if (!log->closed)
        take(log);
    lock_release(&log->lock);
}

/* ---- Begin and end ---- */

static void say_nothing_is_logged(const char *path, const char *why) {
    struct line line = {.length = 0};
    line_add(&line, "gait: arenalog: nothing is recorded: %s: ", why);
    line_add_text(&line, path);
    line_write(&line, stderr);
}

/* At exit, or from arenalog_end. */
static void finish(void *argument) {
    struct arenalog *log = argument;
    writer_stop_ticks(log->writer);
    lock_acquire(&log->lock);
    take(log);
    struct event event = heap_event(log->heap, GAIT_ARENALOG_close, 0);
    add_event(log, &event);
    log->closed = true;
    lock_release(&log->lock);
    writer_drain(log->writer);
}

static struct arenalog *new_log(gait_heap *heap) {
    struct arenalog *log = calloc(1, sizeof *log + RING * sizeof log->ring[0]);
    if (!log)
        return NULL;
    log->heap = heap;
    for (AO_t i = 0; i < RING; i++)
        log->ring[i].turn = i;
    return log;
}

void arenalog_start(gait_heap *heap) {
    if (!heap->options.arenalog[0])
        return;
    char path[LOG_NAME_BYTES];
    log_names_next(&names, heap->options.arenalog, path);
    struct arenalog *log = new_log(heap);
    struct writer *writer = writer_new(&(struct writer_use){
        .thread_name = "gait-arenalog",
        .path = path,
        .what = "arenalog",
        .buffer_bytes = BUFFER_BYTES,
        .tick = tick,
        .data = log,
        .tick_ns = TICK_NS,
        .ticks_per_write = TICKS_PER_WRITE,
    });
    if (!log || !writer) {
        say_nothing_is_logged(path, "no memory");
        goto nothing;
    }
    log->writer = writer;
    lock_init(&log->lock, LOCK_LOG, "arenalog");
    struct line line = {.length = 0};
    line_add(&line, GAIT_ARENALOG_FIRST "%d %s", GAIT_ARENALOG_VERSION, GAIT_VERSION);
    add_line(log, &line);
    if (writer_start(writer) < 0) {
        say_nothing_is_logged(path, "no thread to be had");
        lock_destroy(&log->lock);
        goto nothing;
    }
    log->place = at_exit_add(finish, log);
    heap->arenalog = log;
    return;
nothing:
    if (writer)
        writer_end(writer);
    free(log);
}

void arenalog_end(gait_heap *heap) {
    struct arenalog *log = heap->arenalog;
    if (!log)
        return;
    at_exit_take(log->place, log);
    lock_acquire(&log->lock);
    bool closed = log->closed;
    lock_release(&log->lock);
    if (!closed)
        finish(log);
}

void arenalog_free(gait_heap *heap) {
    struct arenalog *log = heap->arenalog;
    if (!log)
        return;
    writer_end(log->writer);
    lock_destroy(&log->lock);
    free(log);
    heap->arenalog = NULL;
}

void arenalog_forked(void) { log_names_forked(&names); }

void arenalog_lost(gait_heap *heap) {
    if (heap->arenalog)
        writer_lost(heap->arenalog->writer);
    heap->arenalog = NULL; /* some thread of the parent may be inside: it is not freed */
}

void arenalog_hold(gait_heap *heap) {
    if (heap->arenalog)
        writer_hold(heap->arenalog->writer);
}

void arenalog_let_go(gait_heap *heap) {
    if (heap->arenalog)
        writer_let_go(heap->arenalog->writer);
}
