/* SPDX-License-Identifier: MIT */
/*
 * Buffered writing by a thread. See writer.h.
 */
#include "writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../platform/atomic.h"
#include "../platform/lock.h"
#include "at_exit.h"
#include "line.h"

/* A write of so many bytes to a pipe is not torn (POSIX: 512 at least; Linux: 4096). */
#define LINES_BYTES ((size_t)4096)
#define PIECE_BYTES ((size_t)65536)
/* How long the thread waits for room before it looks whether it is to end. */
#define ROOM_LOOK_NS 20000000
/* How long draining waits without anything being written: for a file without room, and for one
 * that says nothing. Guesses: a reader that is there reads within the first; the second bounds what
 * a disk may do to an exit. */
#define STALLED_NS 100000000
#define SILENT_NS 2000000000
/* Draining looks so often at how things go. */
#define DRAIN_LOOK_NS 10000000

struct buffer {
    char *bytes;
    size_t length;
};

struct writer {
    FILE *stream;     /* constant, as what follows to bytes; NULL: path */
    bool in_memory;   /* the stream has no file */
    char *path;       /* the writer's own */
    const char *what; /* a literal */
    const char *thread_name;
    void (*tick)(void *data);
    void *data;
    int64_t tick_ns;
    unsigned ticks_per_write;
    size_t buffer_bytes;

    struct worker worker;
    size_t place;     /* in the table of calls at exit; the creator's */
    unsigned started; /* atomic: the thread is there, or is being started */
    unsigned quiet;   /* atomic: no more ticks */
    unsigned ticking; /* atomic: a tick runs, or the thread is about to look at quiet */
    unsigned stalled; /* atomic: the file has no room; a figure for draining */
    unsigned batches; /* atomic, waited on as it is drained: raised as something was written */

    struct lock lock; /* rank OUTPUT: what follows */
    struct buffer buffers[2];
    unsigned filling; /* index of the one that is filled */
    bool writing;     /* the other one is being written; else it has what a stream did not take */
    bool asked;       /* the thread is to write */
    bool failed;      /* the file can't be written: what is added is dropped */
    int descriptor;   /* of the file, while there is one; else negative */
};

/* ---- Memory ---- */

static void writer_free(void *argument) {
    struct writer *writer = argument;
    if (writer->descriptor >= 0)
        platform_file_close(writer->descriptor);
    lock_destroy(&writer->lock);
    for (unsigned i = 0; i < 2; i++)
        free(writer->buffers[i].bytes);
    free(writer->path);
    free(writer);
}

static void drain_at_exit(void *writer) { writer_drain(writer); }

struct writer *writer_new(const struct writer_use *use) {
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return NULL;
    lock_init(&writer->lock, LOCK_OUTPUT, "output");
    writer->stream = use->stream;
    writer->in_memory = use->stream && !platform_stream_is_file(use->stream);
    writer->what = use->what;
    writer->thread_name = use->thread_name;
    writer->tick = use->tick;
    writer->data = use->data;
    writer->tick_ns = use->tick_ns;
    writer->ticks_per_write = use->ticks_per_write;
    writer->buffer_bytes = use->buffer_bytes;
    writer->descriptor = -1;
    writer->path = use->path ? strdup(use->path) : NULL;
    for (unsigned i = 0; i < 2; i++)
        writer->buffers[i].bytes = malloc(use->buffer_bytes);
    if ((use->path && !writer->path) || !writer->buffers[0].bytes || !writer->buffers[1].bytes) {
        writer_free(writer);
        return NULL;
    }
    if (writer->stream)
        writer->place = at_exit_add(drain_at_exit, writer);
    return writer;
}

/* ---- The thread ---- */

/* How much of a stream's lines is written at a time: whole ones. */
static size_t piece_of(const struct writer *writer, const char *bytes, size_t count) {
    size_t most = writer->stream ? LINES_BYTES : PIECE_BYTES;
    if (count <= most)
        return count;
    while (writer->stream && most > 1 && bytes[most - 1] != '\n')
        most--;
    return most;
}

static void note_progress(struct writer *writer) {
    AO_int_store(&writer->stalled, 0);
    AO_int_fetch_and_add1_full(&writer->batches);
    platform_wake(&writer->batches, INT32_MAX);
}

/* Nothing more comes into the file; what a path has is told once. */
static void fail(struct writer *writer, const char *why) {
    lock_acquire(&writer->lock);
    writer->failed = true;
    writer->buffers[0].length = writer->buffers[1].length = 0;
    lock_release(&writer->lock);
    struct line line = {.length = 0};
    /* the path last: it may be longer than a line */
    line_add(&line, "gait: %s: nothing more is recorded: %s: ", writer->what, why);
    line_add_text(&line, writer->path);
    line_write(&line, stderr);
}

/* @return how much of it was written: what is left can't be. */
static size_t write_to_file(struct writer *writer, int descriptor, const struct buffer *full) {
    for (size_t at = 0; at < full->length;) {
        size_t piece = piece_of(writer, full->bytes + at, full->length - at);
        long written = platform_file_write(descriptor, full->bytes + at, piece, ROOM_LOOK_NS);
        if (written < 0)
            return at;
        if (worker_is_ended(&writer->worker))
            break; /* nobody waits any longer: the end comes after draining */
        at += (size_t)written;
        if (written > 0)
            note_progress(writer);
        else
            AO_int_store(&writer->stalled, 1);
    }
    return full->length;
}

static void write_to_memory(struct writer *writer, const struct buffer *full) {
    (void)!fwrite(full->bytes, 1, full->length, writer->stream);
    fflush(writer->stream);
}

/* What is to be written: what was left of the last batch, else what was added. With the lock held.
 * NULL: nothing. */
static struct buffer *next_batch(struct writer *writer) {
    if (writer->buffers[!writer->filling].length == 0)
        writer->filling = !writer->filling;
    struct buffer *batch = &writer->buffers[!writer->filling];
    return batch->length > 0 ? batch : NULL;
}

/* Write what was added. Once it is to end, the stream may be closed: see writer_end. What a stream
 * does not take stays: its disk is full, or the program has no descriptor left for it, and either
 * may be over soon. What is added beyond that is refused, and so counted. */
static void write_out(struct writer *writer) {
    lock_acquire(&writer->lock);
    writer->asked = false;
    struct buffer *full =
        writer->failed || worker_is_ended(&writer->worker) ? NULL : next_batch(writer);
    if (!full) {
        lock_release(&writer->lock);
        return;
    }
    writer->writing = true;
    if (writer->stream && !writer->in_memory)
        writer->descriptor = platform_stream_open(writer->stream);
    int descriptor = writer->descriptor;
    lock_release(&writer->lock);
    size_t written = full->length;
    errno = 0;
    if (writer->in_memory)
        write_to_memory(writer, full);
    else
        written = descriptor < 0 ? 0 : write_to_file(writer, descriptor, full);
    bool whole = written == full->length;
    if (!whole && !writer->stream)
        fail(writer, errno ? strerror(errno) : "not written");
    lock_acquire(&writer->lock);
    full->length = writer->failed ? 0 : full->length - written;
    memmove(full->bytes, full->bytes + written, full->length);
    writer->writing = false;
    if (writer->stream && descriptor >= 0) {
        platform_file_close(descriptor);
        writer->descriptor = -1;
    }
    /* what was added while there was a rest has asked for that alone */
    writer->asked |= whole && writer->stream && writer->buffers[writer->filling].length > 0;
    lock_release(&writer->lock);
    if (whole)
        note_progress(writer);
    else
        AO_int_store(&writer->stalled, 1);
}

static bool open_path(struct writer *writer) {
    const char *why;
    int descriptor = platform_file_create(writer->path, &why);
    lock_acquire(&writer->lock);
    writer->descriptor = descriptor; /* kept, so that it is closed, if it is too late as well */
    lock_release(&writer->lock);
    if (descriptor < 0 && !worker_is_ended(&writer->worker))
        fail(writer, why);
    note_progress(writer);
    return descriptor >= 0;
}

static void tick(struct writer *writer) {
    AO_int_store_full(&writer->ticking, 1); /* then the look; pairs with writer_stop_ticks */
    AO_nop_full();
    if (!AO_int_load_acquire(&writer->quiet))
        writer->tick(writer->data);
    AO_int_store_release(&writer->ticking, 0);
}

static bool is_asked(struct writer *writer) {
    lock_acquire(&writer->lock);
    bool asked = writer->asked;
    lock_release(&writer->lock);
    return asked;
}

static bool has_failed(struct writer *writer) {
    lock_acquire(&writer->lock);
    bool failed = writer->failed;
    lock_release(&writer->lock);
    return failed;
}

static void writer_run(void *argument) {
    struct writer *writer = argument;
    if (writer->path && !open_path(writer))
        return;
    int64_t next_ns = writer->tick ? platform_deadline_ns(writer->tick_ns) : INT64_MAX;
    for (unsigned ticks = 0;;) {
        unsigned word = worker_word(&writer->worker); /* before the looks */
        if (worker_is_ended(&writer->worker) || has_failed(writer))
            return;
        int64_t now_ns = platform_now_ns();
        bool write = is_asked(writer);
        if (now_ns >= next_ns) {
            /* what was slept through is not made up for */
            next_ns = now_ns - next_ns < writer->tick_ns ? next_ns + writer->tick_ns
                                                         : now_ns + writer->tick_ns;
            tick(writer);
            write |= ++ticks % writer->ticks_per_write == 0;
        }
        if (write)
            write_out(writer);
        else
            worker_wait(&writer->worker, word, next_ns - now_ns);
    }
}

/* ---- Adding ---- */

int writer_start(struct writer *writer) {
    if (AO_int_load(&writer->started) || !AO_int_compare_and_swap_full(&writer->started, 0, 1))
        return 0;
    int result =
        worker_start(&writer->worker, writer_run, writer_free, writer, writer->thread_name);
    if (result < 0)
        AO_int_store(&writer->started, 0);
    return result;
}

bool writer_add(struct writer *writer, const void *bytes, size_t count) {
    lock_acquire(&writer->lock);
    struct buffer *buffer = &writer->buffers[writer->filling];
    bool room = count <= writer->buffer_bytes - buffer->length;
    if (room && !writer->failed) {
        memcpy(buffer->bytes + buffer->length, bytes, count);
        buffer->length += count;
    }
    bool ask = !writer->failed && !writer->asked &&
               (writer->ticks_per_write == 0 || buffer->length > writer->buffer_bytes / 2);
    writer->asked |= ask;
    lock_release(&writer->lock);
    if (ask && writer_start(writer) == 0)
        worker_wake(&writer->worker);
    return room;
}

/* ---- The end ---- */

static bool is_pending(struct writer *writer) {
    lock_acquire(&writer->lock);
    bool pending = writer->buffers[0].length > 0 || writer->buffers[1].length > 0;
    writer->asked |= pending;
    lock_release(&writer->lock);
    return pending;
}

void writer_drain(struct writer *writer) {
    unsigned batches = AO_int_load_acquire(&writer->batches);
    int64_t since_ns = platform_now_ns();
    while (is_pending(writer) && writer_start(writer) == 0) {
        worker_wake(&writer->worker);
        platform_wait(&writer->batches, batches, DRAIN_LOOK_NS);
        int64_t now_ns = platform_now_ns();
        unsigned now = AO_int_load_acquire(&writer->batches);
        if (now != batches)
            since_ns = now_ns;
        else if (now_ns - since_ns > (AO_int_load(&writer->stalled) ? STALLED_NS : SILENT_NS))
            return;
        batches = now;
    }
}

void writer_stop_ticks(struct writer *writer) {
    AO_int_store_full(&writer->quiet, 1); /* then the look; pairs with tick */
    AO_nop_full();
    while (AO_int_load_acquire(&writer->ticking))
        platform_yield();
}

void writer_end(struct writer *writer) {
    if (writer->stream)
        at_exit_take(writer->place, writer);
    writer_drain(writer);
    worker_is_to_end(&writer->worker);
    lock_acquire(&writer->lock); /* from here on the thread does not open the stream any more */
    lock_release(&writer->lock);
    /* in memory nothing hangs, and the thread must not write there later */
    if (!AO_int_load(&writer->started) ||
        worker_end(&writer->worker, writer->in_memory ? -1 : STALLED_NS))
        writer_free(writer);
}

/* ---- fork ---- */

void writer_hold(struct writer *writer) { lock_acquire(&writer->lock); }

void writer_let_go(struct writer *writer) { lock_release(&writer->lock); }

void writer_lost(struct writer *writer) {
    writer->descriptor = -1; /* it is closed: platform_own_lost */
    writer->buffers[0].length = writer->buffers[1].length = 0;
    writer->writing = writer->asked = false;
    AO_int_store(&writer->started, 0);
    AO_int_store(&writer->stalled, 0);
    if (writer->stream)
        writer->place = at_exit_add(drain_at_exit, writer);
    lock_release(&writer->lock);
}
