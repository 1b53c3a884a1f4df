/* SPDX-License-Identifier: MIT */
/*
 * The two locks; regions in which a thread does without objects, and such in which it has them
 * again.
 *
 *   .inv.alloc: the program's allocation lock is two: ALLOC, by which one thread at a time has it,
 *   and COLLECT, which the collector takes before it stops anyone. Calls of Gait's let the
 *   collector in meanwhile (call_begin): they may wait for it.
 *
 *   .inv.blocking: a thread is `blocking` before it enters native code and until it has left it. It
 *   is not stopped by a signal then: on its way in or out it waits in Gait, or for TABLES, and
 *   touches no object. Of its stack what lies above `here` is scanned.
 */
#include "compat.h"

static pthread_mutex_t alloc = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t collect = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t tables = PTHREAD_MUTEX_INITIALIZER;

void compat_collect_lock(void) { pthread_mutex_lock(&collect); }
void compat_collect_unlock(void) { pthread_mutex_unlock(&collect); }

void compat_alloc_lock_anew(void) { alloc = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER; }

static void set_locked(bool locked) {
    if (compat_thread_here)
        compat_thread_here->locked = locked;
}

void compat_alloc_lock(void) {
    pthread_mutex_lock(&alloc);
    compat_collect_lock();
    set_locked(true);
}

void compat_alloc_unlock(void) {
    set_locked(false);
    compat_collect_unlock();
    pthread_mutex_unlock(&alloc);
}

void compat_tables_lock(void) { pthread_mutex_lock(&tables); }
void compat_tables_unlock(void) { pthread_mutex_unlock(&tables); }

void GC_alloc_lock(void) { compat_alloc_lock(); }
void GC_alloc_unlock(void) { compat_alloc_unlock(); }

void *GC_call_with_alloc_lock(GC_fn_type run, void *data) {
    compat_alloc_lock();
    void *result = run(data);
    compat_alloc_unlock();
    return result;
}

/* In the frame of the caller, which is scanned. */
struct call {
    GC_fn_type run;
    void *data;
    void *result;
};

static void set_blocking(struct thread *thread, bool blocking, char *here) {
    compat_tables_lock();
    thread->here = here;
    thread->blocking = blocking;
    compat_tables_unlock();
    if (!blocking)
        compat_stop_if_paused(thread);
}

/* The caller has saved all registers in its frame, which lies above. */
static COMPAT_NOINLINE void block(struct thread *thread, struct call *call) {
    char *here = __builtin_frame_address(0);
    set_blocking(thread, true, here);
    gait_enter_native(thread->mutator);
    call->result = call->run(call->data);
    gait_leave_native(thread->mutator);
    set_blocking(thread, false, here);
}

COMPAT_NOINLINE void *GC_do_blocking(GC_fn_type run, void *data) {
    struct thread *thread = compat_thread_mine();
    struct call call = {run, data, NULL};
    if (thread->blocking)
        return run(data);
    __builtin_unwind_init();
    block(thread, &call);
    return *(void *volatile *)&call.result; /* and not before: no tail call */
}

void *GC_call_with_gc_active(GC_fn_type run, void *data) {
    struct thread *thread = compat_thread_mine();
    if (!thread->blocking)
        return run(data);
    char *here = thread->here;
    gait_leave_native(thread->mutator);
    set_blocking(thread, false, here);
    void *result = run(data);
    set_blocking(thread, true, here);
    gait_enter_native(thread->mutator);
    return result;
}
