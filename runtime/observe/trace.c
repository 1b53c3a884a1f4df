/* SPDX-License-Identifier: MIT */
/*
 * Traces. See trace.h.
 *
 * The format is Chrome's "Trace Event Format": a list of objects, each an event. Times are in
 * microseconds; ph is X for what lasts, i for a moment, C for a figure, M for a name.
 */
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../heap/census.h"
#include "../instance.h"
#include "../platform/timeline.h"
#include "counters.h"
#include "line.h"
#include "recording.h"

#define TICK_NS ((int64_t)20000000)
#define TICKS_PER_WRITE 50
/* A census of spans is taken so seldom that it costs no more than this of the thread's time, and
 * then no more of a CPU. Guess. */
#define CENSUS_SHARE 100
#define BUFFER_BYTES ((size_t)16 << 20) /* a full ring's lines, of some 130 bytes, twice */

/* Threads whose names are told, of a heap; later ones have numbers. */
#define THREADS_MOST 1024

#define PROGRAM_BYTES 16

/* What viewers take for processes are heaps. The first one has the process's number, later ones
 * such as no process has (Linux: PID_MAX_LIMIT). */
#define PROCESSES_MOST (1ul << 22)

/* Rows of a heap's own: cycles and phases begin and end within what the collector's thread does,
 * and viewers take what overlaps in a row, and is not one within the other, for a fault. Numbers
 * that no thread has. */
#define CYCLES_ROW ((int)PROCESSES_MOST * 2 + 1)
#define PHASES_ROW ((int)PROCESSES_MOST * 2 + 2)

/* Since the heap was created, bytes. */
struct allocated {
    uint64_t groups[CENSUS_GROUPS]; /* objects, by size */
    uint64_t arena_bytes, offheap_bytes, foreign_bytes;
};

/* A heap of the trace's. */
struct traced {
    struct traced *next;
    gait_heap *heap;       /* constant, as are the next two */
    unsigned number;       /* heap_number */
    unsigned long process; /* for viewers: the first heap's is the process itself */
    int threads[THREADS_MOST];
    size_t thread_count;
    struct memory_counters memory; /* as they were told last */
    uint64_t live_bytes, goal_bytes;
    uint64_t spans[CENSUS_GROUPS]; /* likewise */
    int64_t census_ns;             /* when the next census is due */
    struct allocated allocated;    /* as it was told last */
    int64_t allocated_ns;          /* when it was seen to be the same still; 0: it is told */
};

struct trace {
    struct recording recording; /* closed: the trace's lock, too */
    unsigned long process;      /* constant */
    char program[PROGRAM_BYTES];
    char asked[OPTIONS_PATH_BYTES]; /* the FILE; constant */
    struct traced *heaps;           /* in the order of their creation */
    uint64_t dropped;               /* events that found no room in their thread's ring */
    uint64_t lost;                  /* lines without room */
};

/* Rank LOG: the trace, its heaps, their links, each one's traced, and what the timeline's reader
 * does. A heap is on the list until it is about to be freed, so whoever has the lock may look at
 * it; no other lock is taken meanwhile, except for the writer's. Held across a fork, so that a
 * child finds a trace that is whole. */
static struct lock trace_lock;
static struct trace *current; /* NULL: none; it may be closed, until its last heap ends */

static struct log_names names;

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

static void begin_line(const struct traced *traced, struct line *line, const char *type,
                       int thread) {
    *line = (struct line){.length = 0};
    line_add(line, ",{\"ph\":\"%s\",\"pid\":%lu,\"tid\":%d", type, traced->process, thread);
}

/* The program's: nothing that JSON would have escaped. */
static void add_name(struct line *line, const char *name) {
    for (const char *at = name; *at; at++)
        line_add(line, "%c", *at < ' ' || *at == '"' || *at == '\\' || *at >= 0x7f ? '?' : *at);
}

/* In the heap's group, which viewers order by place. */
static void name_row(struct trace *trace, const struct traced *traced, int row, const char *name,
                     int place) {
    struct line line;
    begin_line(traced, &line, "M", row);
    line_add(&line, ",\"name\":\"thread_name\",\"args\":{\"name\":\"");
    add_name(&line, name);
    line_add(&line, "\"}}");
    add_line(trace, &line);
    begin_line(traced, &line, "M", row);
    line_add(&line, ",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":%d}}", place);
    add_line(trace, &line);
}

static void name_thread(struct trace *trace, struct traced *traced,
                        const struct timeline_thread *thread) {
    for (size_t i = 0; i < traced->thread_count; i++)
        if (traced->threads[i] == thread->number)
            return;
    if (traced->thread_count == THREADS_MOST)
        return;
    traced->threads[traced->thread_count++] = thread->number;
    name_row(trace, traced, thread->number, thread->name, 0);
}

/* The first of all lines of a file: each other one can begin with a comma. */
static void name_heap(struct trace *trace, const struct traced *traced) {
    struct line line = {.length = 0};
    line_add(&line, "%s{\"ph\":\"M\",\"pid\":%lu,\"name\":\"process_name\",\"args\":{\"name\":",
             traced == trace->heaps ? "[" : ",", traced->process);
    line_add(&line, "\"heap %u of ", traced->number);
    add_name(&line, trace->program);
    line_add(&line, " %lu (Gait " GAIT_VERSION ")\"}}", trace->process);
    add_line(trace, &line);
    begin_line(traced, &line, "M", 0);
    line_add(&line, ",\"name\":\"process_sort_index\",\"args\":{\"sort_index\":%u}}",
             traced->number);
    add_line(trace, &line);
    name_row(trace, traced, CYCLES_ROW, "cycles", -2);
    name_row(trace, traced, PHASES_ROW, "phases", -1);
}

static void add_us(struct line *line, const char *what, int64_t ns) {
    line_add(line, ",\"%s\":%lld.%03d", what, (long long)(ns / 1000), (int)(ns % 1000));
}

static const char *type_of(unsigned kind) {
    return kind >= TIMELINE_live_bytes ? "C" : (kind == TIMELINE_limiter ? "i" : "X");
}

/* In which row it is shown. */
static int row_of(const struct timeline_thread *thread, unsigned kind) {
    return kind == TIMELINE_cycle   ? CYCLES_ROW
           : kind == TIMELINE_phase ? PHASES_ROW
                                    : thread->number;
}

static struct traced *traced_of(const struct trace *trace, unsigned number) {
    struct traced *traced = trace->heaps;
    while (traced && traced->number != number)
        traced = traced->next;
    return traced;
}

static void add_event(void *data, const struct timeline_thread *thread,
                      const struct timeline_event *event) {
    struct trace *trace = data;
    struct traced *traced = traced_of(trace, event->heap);
    if (!traced)
        return; /* a heap that has not asked, or one of an earlier trace */
    name_thread(trace, traced, thread);
    struct line line;
    const char *type = type_of(event->kind);
    begin_line(traced, &line, type, row_of(thread, event->kind));
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

/* Of which heaps, nobody knows: it is told in the first one's group. */
static void add_dropped(void *data, const struct timeline_thread *thread, uint64_t events) {
    struct trace *trace = data;
    trace->dropped += events;
    if (!trace->heaps)
        return;
    name_thread(trace, trace->heaps, thread);
    struct line line;
    begin_line(trace->heaps, &line, "i", thread->number);
    line_add(&line, ",\"cat\":\"gc\",\"name\":\"dropped\"");
    add_us(&line, "ts", platform_now_ns());
    line_add(&line, ",\"s\":\"t\",\"args\":{\"events\":%llu}}", (unsigned long long)events);
    add_line(trace, &line);
}

static void take(struct trace *trace) {
    timeline_take(&(struct timeline_taker){add_event, add_dropped, trace});
}

/* ---- Memory, as the trace's thread finds it ---- */

static void begin_figures_at(const struct traced *traced, struct line *line, const char *name,
                             int64_t ns) {
    begin_line(traced, line, "C", 0);
    line_add(line, ",\"cat\":\"gc\",\"name\":\"%s\"", name);
    add_us(line, "ts", ns);
    line_add(line, ",\"args\":{");
}

static void begin_figures(const struct traced *traced, struct line *line, const char *name) {
    begin_figures_at(traced, line, name, platform_now_ns());
}

/* A curve that cycles tell of, too, between them. */
static void add_bytes(struct trace *trace, struct traced *traced, enum timeline_kind kind,
                      uint64_t bytes, uint64_t *before) {
    struct line line;
    if (bytes == *before)
        return;
    *before = bytes;
    begin_figures(traced, &line, KINDS[kind]);
    line_add(&line, "\"%s\":%llu}}", VALUES[kind], (unsigned long long)bytes);
    add_line(trace, &line);
}

static void add_memory(struct trace *trace, struct traced *traced) {
    struct memory_counters now;
    struct line line;
    add_bytes(trace, traced, TIMELINE_live_bytes, control_live_bytes(&traced->heap->control),
              &traced->live_bytes);
    add_bytes(trace, traced, TIMELINE_goal_bytes, AO_load(&traced->heap->control.goal_bytes),
              &traced->goal_bytes);
    counters_memory(traced->heap, &now);
    if (memcmp(&now, &traced->memory, sizeof now) == 0)
        return;
    traced->memory = now;
    begin_figures(traced, &line, "memory");
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

static void write_allocated(struct trace *trace, const struct traced *traced, int64_t ns) {
    const struct allocated *allocated = &traced->allocated;
    struct line line;
    begin_figures_at(traced, &line, "allocated", ns);
    add_groups(&line, allocated->groups);
    line_add(&line, ",\"arenas\":%llu,\"offheap\":%llu,\"foreign\":%llu}}",
             (unsigned long long)allocated->arena_bytes,
             (unsigned long long)allocated->offheap_bytes,
             (unsigned long long)allocated->foreign_bytes);
    add_line(trace, &line);
}

/* How fast it grows is what is looked for. So where it stood still for some looks, the last of them
 * is told when it goes on: between two figures it grew evenly, as far as anybody knows. */
static void add_allocated(struct trace *trace, struct traced *traced) {
    int64_t now_ns = platform_now_ns();
    struct allocated now;
    read_allocated(&traced->heap->space, &now);
    if (memcmp(&now, &traced->allocated, sizeof now) != 0) {
        if (traced->allocated_ns > 0)
            write_allocated(trace, traced, traced->allocated_ns);
        traced->allocated = now;
        write_allocated(trace, traced, now_ns);
        traced->allocated_ns = 0;
    } else {
        traced->allocated_ns = now_ns;
    }
}

/* ---- Spans ---- */

static void add_census(struct trace *trace, struct traced *traced) {
    int64_t begin_ns = platform_now_ns();
    if (begin_ns < traced->census_ns)
        return;
    uint64_t now[CENSUS_GROUPS];
    census_take(&traced->heap->space, now);
    traced->census_ns = begin_ns + CENSUS_SHARE * (platform_now_ns() - begin_ns);
    if (memcmp(now, traced->spans, sizeof now) == 0)
        return;
    memcpy(traced->spans, now, sizeof now);
    struct line line;
    begin_figures(traced, &line, "spans");
    add_groups(&line, now);
    line_add(&line, "}}");
    add_line(trace, &line);
}

static void add_figures(struct trace *trace, struct traced *traced) {
    add_memory(trace, traced);
    add_allocated(trace, traced);
}

static void tick(void *argument) {
    struct trace *trace = argument;
    lock_acquire(&trace_lock);
    if (!trace->recording.closed) {
        take(trace);
        for (struct traced *traced = trace->heaps; traced; traced = traced->next) {
            add_figures(trace, traced);
            add_census(trace, traced);
        }
    }
    lock_release(&trace_lock);
}

/* ---- A heap's part; with the lock held ---- */

static void add_heap(struct trace *trace, gait_heap *heap, struct traced *traced) {
    traced->heap = heap;
    traced->number = heap->space.heap_number;
    traced->process = trace->heaps ? PROCESSES_MOST + traced->number : trace->process;
    struct traced **link = &trace->heaps;
    while (*link)
        link = &(*link)->next;
    *link = traced;
    heap->traced = traced;
    timeline_watch(traced->number);
    name_heap(trace, traced);
    add_figures(trace, traced);
}

/* Its threads have ended, or have left it: all that they told is there. */
static void end_heap(struct trace *trace, struct traced *traced) {
    take(trace);
    add_figures(trace, traced);
}

static void remove_heap(struct trace *trace, struct traced *traced) {
    struct traced **link = &trace->heaps;
    while (*link != traced)
        link = &(*link)->next;
    *link = traced->next;
    traced->heap->traced = NULL;
    timeline_unwatch(traced->number);
    free(traced);
}

/* The last line: of the group that the first heap had, whichever is there still. */
static void close_trace(struct trace *trace) {
    timeline_close();
    take(trace);
    struct line line = {.length = 0};
    line_add(&line, ",{\"ph\":\"i\",\"pid\":%lu,\"tid\":0", trace->process);
    add_us(&line, "ts", platform_now_ns());
    line_add(&line, ",\"s\":\"p\",\"name\":\"end\",\"args\":{\"dropped\":%llu}}]",
             (unsigned long long)(trace->dropped + trace->lost));
    add_line(trace, &line);
    trace->recording.closed = true;
}

/* ---- Begin and end ---- */

/* With the lock held by trace_start. What a file begins with, its first heap has. */
static void begin(void *argument, int64_t number) {
    (void)number;
    struct trace *trace = argument;
    trace->process = platform_process_id();
    platform_program_name(trace->program, sizeof trace->program);
}

/* The program exits, unless the last heap has ended. */
static void finish(void *argument) {
    struct trace *trace = argument;
    lock_acquire(&trace_lock);
    if (!trace->recording.closed) {
        for (struct traced *traced = trace->heaps; traced; traced = traced->next)
            add_figures(trace, traced);
        close_trace(trace);
    }
    lock_release(&trace_lock);
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
    .free = free,
    .names = &names,
};

static struct trace *new_trace(const char *asked) {
    struct trace *trace = calloc(1, sizeof *trace);
    if (!recording_open(trace ? &trace->recording : NULL, &USE, trace, asked)) {
        free(trace);
        return NULL;
    }
    snprintf(trace->asked, sizeof trace->asked, "%s", asked);
    return trace;
}

/* Something that whoever asked for a trace is to know, on stderr as what a recording has to say. */
static void say(const char *what, const char *path) {
    struct line line = {.length = 0};
    line_add(&line, "gait: trace: %s: ", what);
    line_add_text(&line, path); /* last: it may be longer than a line */
    line_write(&line, stderr);
}

void trace_start(gait_heap *heap) {
    if (!heap->options.trace[0])
        return;
    struct traced *traced = calloc(1, sizeof *traced);
    const char *other = NULL;
    bool no_key = false;
    lock_acquire(&trace_lock);
    if (!current && traced) {
        current = new_trace(heap->options.trace);
        no_key = current && !timeline_open();
    }
    if (current && !current->recording.closed && traced) {
        add_heap(current, heap, traced);
        if (strcmp(current->asked, heap->options.trace) != 0)
            other = current->asked; /* as long as the heap: it is one of the trace's */
    } else {
        free(traced);
    }
    lock_release(&trace_lock);
    if (other)
        say("a heap asks for another file, and is in the program's trace all the same", other);
    if (no_key)
        say("nothing of threads is in it, since the program has no key for their data left",
            heap->options.trace);
}

void trace_end(gait_heap *heap) {
    if (!heap->traced) /* written by this thread, or in a child's beginning */
        return;
    lock_acquire(&trace_lock);
    struct trace *ended = current;
    if (!ended->recording.closed)
        end_heap(ended, heap->traced);
    bool last = ended->heaps == heap->traced && !ended->heaps->next;
    if (last && !ended->recording.closed)
        close_trace(ended);
    remove_heap(ended, heap->traced);
    if (last)
        current = NULL;
    lock_release(&trace_lock);
    if (last) /* waits for a file, so without the lock */
        recording_close(&ended->recording);
}

/* ---- Fork ---- */

__attribute__((constructor)) static void make_lock(void) {
    lock_init(&trace_lock, LOCK_LOG, "trace");
}

void trace_hold(void) {
    lock_acquire(&trace_lock);
    if (current)
        writer_hold(current->recording.writer);
}

void trace_let_go(void) {
    if (current)
        writer_let_go(current->recording.writer);
    lock_release(&trace_lock);
}

/* The trace is not freed: its thread may have been inside. */
void trace_forked(void) {
    log_names_forked(&names);
    timeline_forked();
    if (current)
        writer_lost(current->recording.writer);
    current = NULL;
    lock_release(&trace_lock);
}

void trace_lost(gait_heap *heap) { heap->traced = NULL; }

void trace_sizes(gait_heap *heap) {
    unsigned number = heap->space.heap_number;
    TIMELINE_NOW(live_bytes, number, control_live_bytes(&heap->control));
    TIMELINE_NOW(goal_bytes, number, AO_load(&heap->control.goal_bytes));
    TIMELINE_NOW(total_bytes, number, control_total_bytes(&heap->control));
}
