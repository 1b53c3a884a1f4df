/* SPDX-License-Identifier: MIT */
/*
 * gait/heap_snapshot.h: the world is stopped, a heap is looked at, or copied to be looked at, and
 * what was found is written. docs/design/observe.md, Heap snapshots, says why nobody waits for the
 * descriptor, and what a copy may rely on.
 */
#include <gait/heap_snapshot.h>

#include <errno.h>
#include <string.h>

#include "../abi.h"
#include "../error.h"
#include "../instance.h"
#include "../observe/heap_snapshot.h"
#include "heap_snapshots.h"

/* A minute: as long as operators' tools wait for an answer. Guess. */
#define IDLE_NS INT64_C(60000000000)

/* A file that nobody waits for is given up if a thread does not answer for so long: all others
 * would stand still meanwhile, for ever if it waits for a thread that exits. Less than an exit
 * waits for a file (observe/dump.c). Guess. */
#define SILENT_NS INT64_C(1000000000)
#define GATE_LOOK_NS INT64_C(1000000)

static const gait_snapshot_options defaults = {.idle_ns = IDLE_NS, .wait_ns = -1, .silent_ns = -1};

void gait_snapshot_options_init_sized(gait_snapshot_options *options, size_t options_bytes) {
    abi_give(options, options_bytes, &defaults, sizeof defaults);
}

void gait_set_snapshot_label(gait_heap *heap, gait_snapshot_label_fn label, void *data) {
    HEAP_CALL(heap);
    lock_acquire(&heap->oom_lock);
    heap->snapshot_label = label;
    heap->snapshot_label_data = data;
    lock_release(&heap->oom_lock);
}

void gait_set_snapshot_owned(gait_heap *heap, gait_snapshot_owned_fn owned, void *data) {
    HEAP_CALL(heap);
    lock_acquire(&heap->oom_lock);
    heap->snapshot_owned = owned;
    heap->snapshot_owned_data = data;
    lock_release(&heap->oom_lock);
}

/* A snapshot that is being taken. */
struct taking {
    gait_heap *heap;
    int descriptor;
    const gait_snapshot_options *options;
    struct heap_snapshot_about about;
    struct heap_snapshot snapshot;
    struct platform_child child;
    bool forks, looked;     /* by a copy; looked: there was memory for it */
    int64_t silent_most_ns; /* a mutator that does not answer for so long is not waited for */
    int64_t stop_ns;
    int error; /* errno of what failed first */
};

/* ---- While the world is stopped ---- */

static void look(struct taking *taking) {
    taking->looked = heap_snapshot_take(&taking->snapshot, taking->heap, &taking->about);
}

/* The locks that a walk takes. */
static void lock_tables(gait_heap *heap) {
    lock_acquire(&heap->roots.lock);
    lock_acquire(&heap->finalizers.lock.lock);
    lock_acquire(&heap->links.lock.lock);
}

static void unlock_tables(gait_heap *heap) {
    lock_release(&heap->links.lock.lock);
    lock_release(&heap->finalizers.lock.lock);
    lock_release(&heap->roots.lock);
}

/* What the copy does. @return 0, or errno. */
static int64_t look_and_write(struct platform_child *child, void *data) {
    struct taking *taking = data;
    unlock_tables(taking->heap); /* this copy's, and whole */
    look(taking);
    if (!taking->looked)
        return ENOMEM;
    heap_snapshot_finish(&taking->snapshot, platform_child_told(child), true);
    if (taking->snapshot.stream.failed)
        return ENOMEM;
    return heap_snapshot_write(&taking->snapshot, taking->options->format, taking->descriptor,
                               taking->options->idle_ns) < 0
               ? errno
               : 0;
}

/* With locks held that a walk takes, and that a thread of no mutator may have: the copy has what
 * they guard as a whole. The loader's is held, too, if libraries are looked at; the copy's thread
 * takes it again. No thread that stands at a safepoint has it. */
static void fork_locked(void *data) {
    struct taking *taking = data;
    lock_tables(taking->heap);
    if (platform_child_start(&taking->child, taking->descriptor, look_and_write, taking) < 0)
        taking->error = errno;
    unlock_tables(taking->heap);
}

static void fork_copy(struct taking *taking) {
    if (taking->heap->roots.visits_libraries)
        platform_with_loader(fork_locked, taking);
    else
        fork_locked(taking);
}

static void stop_and_look(void *data) {
    struct taking *taking = data;
    gait_heap *heap = taking->heap;
    if (!world_stop_within(&heap->world, taking->silent_most_ns)) {
        taking->error = EDEADLK;
        return;
    }
    if (taking->forks)
        fork_copy(taking);
    else
        look(taking);
    taking->stop_ns = world_start(&heap->world);
    figures_pause(&heap->cycle.figures, taking->stop_ns);
}

/* @return false: the thread that has it waits for a mutator that does not answer. */
static bool acquire_gate(struct taking *taking) {
    struct collector *collector = &taking->heap->collector;
    if (taking->silent_most_ns == INT64_MAX) {
        lock_acquire(&collector->gate);
        return true;
    }
    while (!lock_try(&collector->gate)) {
        if (world_is_silent(&taking->heap->world, taking->silent_most_ns))
            return false;
        platform_sleep_ns(GATE_LOOK_NS);
    }
    return true;
}

/* As a cycle: while the gate is held none runs, and all of the last one is swept. The program's
 * libraries are looked at under the loader's lock, which a thread may hold that is stopped by the
 * program's means. */
static void stop_at_gate(struct taking *taking) {
    gait_heap *heap = taking->heap;
    if (!acquire_gate(taking)) {
        taking->error = EDEADLK;
        return;
    }
    if (world_has_hooks(&heap->world) && heap->roots.visits_libraries)
        platform_with_loader(stop_and_look, taking);
    else
        stop_and_look(taking);
    lock_release(&heap->collector.gate);
}

/* ---- And after ---- */

static int fail(const struct taking *taking, int result, const char *what) {
    const gait_snapshot_options *options = taking->options;
    error_say(options->error, options->error_bytes, "gait_write_snapshot: %s%s%s", what,
              taking->error ? ": " : "", taking->error ? strerror(taking->error) : "");
    errno = taking->error;
    return result;
}

static int write_own(struct taking *taking) {
    if (taking->error)
        return fail(taking, GAIT_E_FILE,
                    "stopping the threads, of which one comes to no safepoint");
    if (taking->looked)
        heap_snapshot_finish(&taking->snapshot, taking->stop_ns, false);
    if (!taking->looked || taking->snapshot.stream.failed) {
        taking->error = ENOMEM;
        return fail(taking, GAIT_E_MEMORY, "looking at the heap");
    }
    if (heap_snapshot_write(&taking->snapshot, taking->options->format, taking->descriptor,
                            taking->options->idle_ns) == 0)
        return 0;
    taking->error = errno;
    return fail(taking, taking->error == ENOMEM ? GAIT_E_MEMORY : GAIT_E_FILE, "writing it");
}

static int await_copy(struct taking *taking, bool *whole) {
    if (taking->error == EDEADLK)
        return fail(taking, GAIT_E_FILE,
                    "stopping the threads, of which one comes to no safepoint");
    if (taking->child.process == 0)
        return fail(taking, GAIT_E_MEMORY, "copying the process");
    platform_child_tell(&taking->child, taking->stop_ns > 0 ? taking->stop_ns : 1);
    int64_t error = 0;
    int told = platform_child_await(&taking->child, taking->options->wait_ns, &error);
    *whole = told == 1 && error == 0;
    if (told == 0 || *whole)
        return 0;
    taking->error = told < 0 ? ECHILD : (int)error;
    if (told < 0)
        return fail(taking, GAIT_E_FILE, "the copy of the process ended before it was done");
    return fail(taking, error == ENOMEM ? GAIT_E_MEMORY : GAIT_E_FILE, "the copy of the process");
}

static int take_and_write(struct taking *taking, gait_snapshot_result *result) {
    if (taking->forks && platform_child_prepare(&taking->child) < 0) {
        taking->error = errno;
        return fail(taking, GAIT_E_MEMORY, "copying the process");
    }
    stop_at_gate(taking);
    int status = taking->forks ? await_copy(taking, &result->whole) : write_own(taking);
    int error = errno;
    if (taking->forks)
        platform_child_finish(&taking->child);
    else
        heap_snapshot_free(&taking->snapshot);
    result->whole |= !taking->forks && status == 0;
    result->stop_ns = taking->stop_ns;
    result->forked = taking->forks;
    errno = error;
    return status;
}

static bool is_right(const gait_snapshot_options *options) {
    return options->format <= GAIT_SNAPSHOT_COMPACT && options->idle_ns >= 0 &&
           (options->flags & ~(uint32_t)GAIT_SNAPSHOT_FORK) == 0;
}

static int snapshot(gait_heap *heap, int descriptor, const gait_snapshot_options *options,
                    gait_snapshot_result *result) {
    struct taking taking = {.heap = heap,
                            .descriptor = descriptor,
                            .options = options,
                            .silent_most_ns =
                                options->silent_ns < 0 ? INT64_MAX : options->silent_ns};
    lock_acquire(&heap->oom_lock);
    taking.snapshot.label = heap->snapshot_label;
    taking.snapshot.label_data = heap->snapshot_label_data;
    taking.snapshot.owned = heap->snapshot_owned;
    taking.snapshot.owned_data = heap->snapshot_owned_data;
    lock_release(&heap->oom_lock);
    taking.snapshot.cleanup_bytes = libraries_cleanup_bytes;
    taking.about.time_ns = platform_time_ns();
    taking.about.process = platform_process_id();
    platform_program_name(taking.about.program, sizeof taking.about.program);
    taking.forks = (options->flags & GAIT_SNAPSHOT_FORK) && platform_child_can_be();
    /* one that is cancelled ends when descriptors, memory and the copy's entry are given back */
    int cancellation = platform_hold_cancellation();
    int status = take_and_write(&taking, result), error = errno;
    platform_restore_cancellation(cancellation);
    errno = error;
    return status;
}

int gait_write_snapshot_sized(gait_heap *heap, int descriptor, const gait_snapshot_options *options,
                              size_t options_bytes, gait_snapshot_result *result,
                              size_t result_bytes) {
    HEAP_CALL(heap);
    gait_snapshot_options own = defaults;
    gait_snapshot_result known = {0};
    if ((options && !abi_take(&own, sizeof own, options, options_bytes)) || !is_right(&own)) {
        error_say(own.error, own.error_bytes, "gait_write_snapshot: options that are not known");
        return GAIT_E_INVALID;
    }
    mutator_save_stack();
    world_rest();
    int status = snapshot(heap, descriptor, &own, &known), error = errno;
    world_resume();
    if (result)
        abi_give(result, result_bytes, &known, sizeof known);
    errno = error;
    return status;
}

int heap_snapshots_write_file(gait_heap *heap, int descriptor, const char **why) {
    gait_snapshot_options options = defaults;
    gait_snapshot_result result = {0};
    options.flags = GAIT_SNAPSHOT_FORK;
    options.silent_ns = SILENT_NS;
    int status = snapshot(heap, descriptor, &options, &result);
    *why = errno == EDEADLK  ? "a thread of the program does not stop at a safepoint"
           : errno == ECHILD ? "the copy of the process ended before it was done"
           : errno == ENOMEM ? "no memory for it, or for a copy of the process"
                             : strerror(errno);
    return status;
}
