/* SPDX-License-Identifier: MIT */
/*
 * Traces. See trace.h.
 *
 * The format is Chrome's "Trace Event Format": a list of objects, each an event. Times are in
 * microseconds; ph is X for what lasts, i for a moment, C for a figure, M for a name.
 */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#include "../heap/census.h"
#include "../instance.h"
#include "../platform/ring.h"
#include "../platform/timeline.h"
#include "counters.h"
#include "line.h"
#include "recording.h"

/* Events that wait for the trace's thread, which looks every TICK_NS: three million a second. */
#define RING ((size_t)65536)
#define TICK_NS ((int64_t)20000000)
#define TICKS_PER_WRITE 50
/* A census of spans is taken so seldom that it costs no more than this of the thread's time, and
 * then no more of a CPU. Guess. */
#define CENSUS_SHARE 100
#define BUFFER_BYTES ((size_t)16 << 20) /* a full ring's lines, of some 130 bytes, twice */

/* Threads whose names are told; later ones have numbers. */
#define THREADS_MOST 1024

/* Since the heap was created, bytes. */
struct allocated {
    uint64_t groups[CENSUS_GROUPS]; /* objects, by size */
    uint64_t arena_bytes, offheap_bytes, foreign_bytes;
};

struct trace {
    struct recording recording;
    gait_heap *heap;     /* constant: whose memory is told */
    struct ring *ring;   /* constant */
    AO_t dropped_before; /* constant: what it had dropped for another trace */

    /* the recording's lock; the trace's thread's, or whoever ends it */
    unsigned long process;
    uint64_t lost; /* lines without room */
    int threads[THREADS_MOST];
    size_t thread_count;
    struct memory_counters memory; /* as they were told last */
    uint64_t live_bytes, goal_bytes;
    uint64_t spans[CENSUS_GROUPS]; /* likewise */
    int64_t census_ns;             /* when the next census is due */
    struct allocated allocated;    /* as it was told last */
    int64_t allocated_ns;          /* when it was seen to be the same still; 0: it is told */
};

static struct log_names names;

/* The ring of a trace that has ended, for the next one; 0: none. It is not freed, since some thread
 * may still be about to put an event there: timeline_close. */
static volatile AO_t spare_ring;

static const char *const KINDS[TIMELINE_KIND_COUNT] = {
#define NAME(kind, value) #kind,
    TIMELINE_KINDS(NAME)
#undef NAME
};

static const char *const VALUES[TIMELINE_KIND_COUNT] = {
#define VALUE(kind, value) value,
    TIMELINE_KINDS(VALUE)
#undef VALUE
};

/* ---- Lines; with the lock held ---- */

static void add_line(struct trace *trace, struct line *line) {
    line_end(line);
    if (!writer_add(trace->recording.writer, line->text, line->length))
        trace->lost++;
}

static void begin_line(const struct trace *trace, struct line *line, const char *type, int thread) {
    *line = (struct line){.length = 0};
    line_add(line, ",{\"ph\":\"%s\",\"pid\":%lu,\"tid\":%d", type, trace->process, thread);
}

/* The name of a thread, which the system may have forgotten already. */
static void name_thread(struct trace *trace, int thread) {
    for (size_t i = 0; i < trace->thread_count; i++)
        if (trace->threads[i] == thread)
            return;
    char name[PLATFORM_THREAD_NAME_BYTES];
    if (trace->thread_count == THREADS_MOST || !platform_thread_name(thread, name))
        return;
    trace->threads[trace->thread_count++] = thread;
    struct line line;
    begin_line(trace, &line, "M", thread);
    line_add(&line, ",\"name\":\"thread_name\",\"args\":{\"name\":\"");
    for (const char *at = name; *at; at++) /* the program's: nothing that JSON would have escaped */
        line_add(&line, "%c", *at < ' ' || *at == '"' || *at == '\\' || *at >= 0x7f ? '?' : *at);
    line_add(&line, "\"}}");
    add_line(trace, &line);
}

static void add_us(struct line *line, const char *what, int64_t ns) {
    line_add(line, ",\"%s\":%lld.%03d", what, (long long)(ns / 1000), (int)(ns % 1000));
}

static const char *type_of(unsigned kind) {
    return kind >= TIMELINE_live_bytes ? "C" : (kind == TIMELINE_limiter ? "i" : "X");
}

static void add_event(void *data, const void *taken) {
    struct trace *trace = data;
    const struct timeline_event *event = taken;
    name_thread(trace, event->thread);
    struct line line;
    const char *type = type_of(event->kind);
    begin_line(trace, &line, type, event->thread);
    const char *name =
        event->kind == TIMELINE_phase ? (const char *)(uintptr_t)event->value : KINDS[event->kind];
    line_add(&line, ",\"cat\":\"gc\",\"name\":\"%s\"", name);
    add_us(&line, "ts", event->begin_ns);
    if (*type == 'X')
        add_us(&line, "dur", event->end_ns - event->begin_ns);
    if (*type == 'i')
        line_add(&line, ",\"s\":\"p\"");
    if (*VALUES[event->kind])
        line_add(&line, ",\"args\":{\"%s\":%llu}", VALUES[event->kind],
                 (unsigned long long)event->value);
    line_add(&line, "}");
    add_line(trace, &line);
}

/* ---- Memory, as the trace's thread finds it ---- */

static void begin_figures_at(const struct trace *trace, struct line *line, const char *name,
                             int64_t ns) {
    begin_line(trace, line, "C", 0);
    line_add(line, ",\"cat\":\"gc\",\"name\":\"%s\"", name);
    add_us(line, "ts", ns);
    line_add(line, ",\"args\":{");
}

static void begin_figures(const struct trace *trace, struct line *line, const char *name) {
    begin_figures_at(trace, line, name, platform_now_ns());
}

/* A curve that cycles tell of, too, between them. */
static void add_bytes(struct trace *trace, enum timeline_kind kind, uint64_t bytes,
                      uint64_t *before) {
    struct line line;
    if (bytes == *before)
        return;
    *before = bytes;
    begin_figures(trace, &line, KINDS[kind]);
    line_add(&line, "\"%s\":%llu}}", VALUES[kind], (unsigned long long)bytes);
    add_line(trace, &line);
}

static void add_memory(struct trace *trace) {
    struct memory_counters now;
    struct line line;
    add_bytes(trace, TIMELINE_live_bytes, control_live_bytes(&trace->heap->control),
              &trace->live_bytes);
    add_bytes(trace, TIMELINE_goal_bytes, AO_load(&trace->heap->control.goal_bytes),
              &trace->goal_bytes);
    counters_memory(trace->heap, &now);
    if (memcmp(&now, &trace->memory, sizeof now) == 0)
        return;
    trace->memory = now;
    begin_figures(trace, &line, "memory");
    line_add(&line,
             "\"spans\":%llu,\"arenas\":%llu,\"offheap\":%llu,\"foreign\":%llu,\"metadata\":"
             "%llu,\"free\":%llu,\"released\":%llu}}",
             (unsigned long long)now.span_bytes, (unsigned long long)now.arena_bytes,
             (unsigned long long)now.offheap_bytes, (unsigned long long)now.foreign_bytes,
             (unsigned long long)now.metadata_bytes, (unsigned long long)now.free_bytes,
             (unsigned long long)now.released_bytes);
    add_line(trace, &line);
}

/* Groups are named by their largest size. */
static void add_groups(struct line *line, const uint64_t bytes[CENSUS_GROUPS]) {
    for (unsigned group = 0; group < CENSUS_GROUPS; group++) {
        size_t bound_bytes = census_bound_bytes(group);
        if (bound_bytes > 0)
            line_add(line, "%s\"%zu\":", group > 0 ? "," : "", bound_bytes);
        else
            line_add(line, ",\"large\":");
        line_add(line, "%llu", (unsigned long long)bytes[group]);
    }
}

/* ---- What was allocated ---- */

static void read_allocated(const struct space *space, struct allocated *allocated) {
    for (unsigned group = 0; group < CENSUS_GROUPS; group++)
        allocated->groups[group] = AO_load(&space->handed.bytes[group]);
    allocated->arena_bytes = AO_load(&space->allocated_arena_bytes);
    allocated->offheap_bytes = offheap_added(&space->offheap);
    allocated->foreign_bytes = foreign_added(&space->foreign);
}

static void write_allocated(struct trace *trace, int64_t ns) {
    const struct allocated *allocated = &trace->allocated;
    struct line line;
    begin_figures_at(trace, &line, "allocated", ns);
    add_groups(&line, allocated->groups);
    line_add(&line, ",\"arenas\":%llu,\"offheap\":%llu,\"foreign\":%llu}}",
             (unsigned long long)allocated->arena_bytes,
             (unsigned long long)allocated->offheap_bytes,
             (unsigned long long)allocated->foreign_bytes);
    add_line(trace, &line);
}

/* How fast it grows is what is looked for. So where it stood still for some looks, the last of them
 * is told when it goes on: between two figures it grew evenly, as far as anybody knows. */
static void add_allocated(struct trace *trace) {
    int64_t now_ns = platform_now_ns();
    struct allocated now;
    read_allocated(&trace->heap->space, &now);
    if (memcmp(&now, &trace->allocated, sizeof now) != 0) {
        if (trace->allocated_ns > 0)
            write_allocated(trace, trace->allocated_ns);
        trace->allocated = now;
        write_allocated(trace, now_ns);
        trace->allocated_ns = 0;
    } else {
        trace->allocated_ns = now_ns;
    }
}

/* ---- Spans ---- */

static void add_census(struct trace *trace) {
    int64_t begin_ns = platform_now_ns();
    if (begin_ns < trace->census_ns)
        return;
    uint64_t now[CENSUS_GROUPS];
    census_take(&trace->heap->space, now);
    trace->census_ns = begin_ns + CENSUS_SHARE * (platform_now_ns() - begin_ns);
    if (memcmp(now, trace->spans, sizeof now) == 0)
        return;
    memcpy(trace->spans, now, sizeof now);
    struct line line;
    begin_figures(trace, &line, "spans");
    add_groups(&line, now);
    line_add(&line, "}}");
    add_line(trace, &line);
}

static void take(struct trace *trace) { ring_take(trace->ring, add_event, trace); }

static void tick(void *argument) {
    struct trace *trace = argument;
    lock_acquire(&trace->recording.lock);
    if (!trace->recording.closed) {
        take(trace);
        add_memory(trace);
        add_allocated(trace);
        add_census(trace);
    }
    lock_release(&trace->recording.lock);
}

static void begin(void *argument, int64_t number) {
    (void)number;
    struct trace *trace = argument;
    trace->process = platform_process_id();
    struct line line = {.length = 0};
    /* first, so that each other line can begin with a comma */
    line_add(&line,
             "[{\"ph\":\"M\",\"pid\":%lu,\"name\":\"process_name\",\"args\":{\"name\":"
             "\"Gait " GAIT_VERSION "\"}}",
             trace->process);
    add_line(trace, &line);
    add_memory(trace);
    add_allocated(trace);
}

/* With what is still in the ring. */
static void finish(void *argument) {
    struct trace *trace = argument;
    timeline_close(trace->ring);
    lock_acquire(&trace->recording.lock);
    take(trace);
    add_memory(trace);
    add_allocated(trace);
    struct line line;
    begin_line(trace, &line, "i", 0);
    add_us(&line, "ts", platform_now_ns());
    line_add(&line, ",\"s\":\"p\",\"name\":\"end\",\"args\":{\"dropped\":%llu}}]",
             (unsigned long long)(AO_load(&trace->ring->dropped) - trace->dropped_before +
                                  trace->lost + ring_left(trace->ring)));
    add_line(trace, &line);
    trace->recording.closed = true;
    lock_release(&trace->recording.lock);
}

/* ---- Begin and end ---- */

static void forget(gait_heap *heap) {
    timeline_close(heap->trace->ring);
    heap->trace = NULL;
}

static void free_trace(void *owner) {
    struct trace *trace = owner;
    if (trace)
        AO_store_release(&spare_ring, (AO_t)trace->ring);
    free(trace);
}

static const struct recording_use USE = {
    .what = "trace",
    .thread_name = "gait-trace",
    .buffer_bytes = BUFFER_BYTES,
    .tick_ns = TICK_NS,
    .ticks_per_write = TICKS_PER_WRITE,
    .tick = tick,
    .begin = begin,
    .finish = finish,
    .forget = forget,
    .free = free_trace,
    .names = &names,
};

static struct trace *new_trace(gait_heap *heap) {
    struct trace *trace = calloc(1, sizeof *trace);
    if (!trace)
        return NULL;
    trace->heap = heap;
    AO_t spare = AO_load(&spare_ring);
    if (spare && AO_compare_and_swap_full(&spare_ring, spare, 0))
        trace->ring = (struct ring *)spare;
    else
        trace->ring = ring_new(RING, sizeof(struct timeline_event));
    if (trace->ring) {
        trace->dropped_before = AO_load(&trace->ring->dropped);
        return trace;
    }
    free(trace);
    return NULL;
}

void trace_start(gait_heap *heap) {
    if (!heap->options.trace[0] || AO_load(&timeline_ring))
        return;
    struct trace *trace = new_trace(heap);
    if (!recording_start(heap, trace ? &trace->recording : NULL, &USE, trace,
                         heap->options.trace)) {
        free_trace(trace);
        return;
    }
    heap->trace = trace;
    timeline_open(trace->ring);
}

void trace_forked(void) {
    log_names_forked(&names);
    timeline_forked();
}

void trace_sizes(gait_heap *heap) {
    TIMELINE_NOW(live_bytes, control_live_bytes(&heap->control));
    TIMELINE_NOW(goal_bytes, AO_load(&heap->control.goal_bytes));
    TIMELINE_NOW(total_bytes, control_total_bytes(&heap->control));
}
