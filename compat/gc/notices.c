/* SPDX-License-Identifier: MIT */
/*
 * The program's functions that a cycle calls for. Those that may use objects run on a thread of the
 * program's, in the allocation or collection that comes next; events of a collection on the
 * collector's thread.
 */
#include "compat.h"

GC_word GC_gc_no; /* atomic; the collector's thread writes it, in the last stop of a cycle */
GC_on_heap_resize_proc GC_on_heap_resize;
int compat_notices_due;

static GC_start_callback_proc start_callback;
static GC_on_collection_event_proc on_event;
static GC_on_thread_event_proc on_thread_event;

void GC_set_start_callback(GC_start_callback_proc run) { start_callback = run; }
GC_start_callback_proc GC_get_start_callback(void) { return start_callback; }
void GC_set_on_collection_event(GC_on_collection_event_proc notify) { on_event = notify; }
GC_on_collection_event_proc GC_get_on_collection_event(void) { return on_event; }
void GC_set_on_thread_event(GC_on_thread_event_proc notify) {
    if (notify)
        WITHOUT_MEANING("threads are not told of one by one");
    on_thread_event = notify;
}
GC_on_thread_event_proc GC_get_on_thread_event(void) { return on_thread_event; }
void GC_set_on_heap_resize(GC_on_heap_resize_proc notify) { GC_on_heap_resize = notify; }
GC_on_heap_resize_proc GC_get_on_heap_resize(void) { return GC_on_heap_resize; }

/* ---- The collector's thread ---- */

/* A cycle that marks beside the program stops it several times: with the first of them it has
 * begun, after that it marks, and with the last one it is over. A heap snapshot stops it as well,
 * and is no collection. */
static bool begun, marking, over;

static void tell(GC_EventType event) {
    if (on_event)
        on_event(event);
}

void compat_notices_stopping(void) {
    if (!begun && gait_is_marking(compat_heap)) {
        begun = true;
        tell(GC_EVENT_START);
    }
    tell(GC_EVENT_PRE_STOP_WORLD);
}

void compat_notices_stopped(void) {
    tell(GC_EVENT_POST_STOP_WORLD);
    if (begun && !marking) {
        marking = true;
        tell(GC_EVENT_MARK_START);
    }
}

void compat_notices_marked(void) { over = true; }

void compat_notices_starting(void) {
    if (over) {
        /* release: who sees it sees cleared links, too */
        __atomic_store_n(&GC_gc_no, GC_gc_no + 1, __ATOMIC_RELEASE);
        __atomic_store_n(&compat_notices_due, 1, __ATOMIC_RELEASE);
        tell(GC_EVENT_MARK_END);
    }
    tell(GC_EVENT_PRE_START_WORLD);
}

/* Sweeping has begun, beside the program; a thread that waits for its end asks for a collection. */
void compat_notices_started(void) {
    tell(GC_EVENT_POST_START_WORLD);
    if (!over)
        return;
    begun = marking = over = false;
    tell(GC_EVENT_RECLAIM_START);
    tell(GC_EVENT_RECLAIM_END);
    tell(GC_EVENT_END);
}

/* ---- A thread of the program's ---- */

static void tell_of_size(void) {
    static size_t told_bytes; /* atomic: the last size that was told */
    if (!GC_on_heap_resize)
        return;
    size_t now_bytes = GC_get_heap_size();
    if (__atomic_exchange_n(&told_bytes, now_bytes, __ATOMIC_RELAXED) != now_bytes)
        GC_on_heap_resize(now_bytes);
}

static void run_due(void) {
    if (start_callback)
        start_callback();
    tell_of_size();
    compat_toggles_forget_dead();
}

/* The program's functions may allocate, and be left by a jump, which nobody tells of: so of the
 * calls that seem to be within n others, one of 2^n goes on, of 8 at most. */
enum { DEPTH_MOST = 3 }; /* guess */

void compat_notices_run(void) {
    static COMPAT_TLS unsigned depth, passed;
    struct thread *thread = compat_thread_here;
    if (thread->locked || (depth && ++passed < 1u << depth))
        return;
    passed = 0;
    depth += depth < DEPTH_MOST;
    if (__atomic_load_n(&compat_notices_due, __ATOMIC_RELAXED) &&
        __atomic_exchange_n(&compat_notices_due, 0, __ATOMIC_ACQUIRE))
        run_due();
    compat_finalizers_run_due();
    depth = 0;
}
