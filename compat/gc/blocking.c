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
 *   touches no object. Of its stack what lies above `here` is scanned. A region ends as well if its
 *   function is left by an exception, or since the thread is cancelled or exits: what runs then
 *   uses objects.
 *
 *   .inv.pause: GC_suspend_thread has no thread stand with one of these locks: GC_resume_thread
 *   takes TABLES, and whoever suspends one goes on to allocate.
 */
#include "compat.h"

static pthread_mutex_t alloc = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t collect = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t tables = PTHREAD_MUTEX_INITIALIZER;

COMPAT_TLS volatile int compat_locks_here;

/* The count is raised before, and lowered after: the handler runs on this thread. */
static void lock(pthread_mutex_t *mutex) {
    compat_locks_here = compat_locks_here + 1;
    pthread_mutex_lock(mutex);
}

static void unlock(pthread_mutex_t *mutex) {
    pthread_mutex_unlock(mutex);
    compat_locks_here = compat_locks_here - 1;
    struct thread *thread = compat_thread_here;
    if (COMPAT_UNLIKELY(thread && thread->paused))
        compat_stop_if_paused(thread);
}

void compat_collect_lock(void) { lock(&collect); }
void compat_collect_unlock(void) { unlock(&collect); }

void compat_alloc_lock_anew(void) { alloc = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER; }

static void set_locked(bool locked) {
    if (compat_thread_here)
        compat_thread_here->locked = locked;
}

void compat_alloc_lock(void) {
    lock(&alloc);
    compat_collect_lock();
    set_locked(true);
}

void compat_alloc_unlock(void) {
    set_locked(false);
    compat_collect_unlock();
    unlock(&alloc);
}

void compat_tables_lock(void) { lock(&tables); }
void compat_tables_unlock(void) { unlock(&tables); }

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
}

/* The thread does without objects, or has them again, and where its stack ended before. */
struct region {
    struct thread *thread;
    char *here;
};

static void begin_blocking(const struct region *region) {
    set_blocking(region->thread, true, region->here);
    gait_enter_native(region->thread->mutator);
}

static void end_blocking(const struct region *region) {
    gait_leave_native(region->thread->mutator);
    set_blocking(region->thread, false, region->here);
}

/* However the function is left. */
static void region_end(struct region *region) { end_blocking(region); }
static void active_end(struct region *region) { begin_blocking(region); }

/* The caller has saved all registers in its frame, which lies above. */
static COMPAT_NOINLINE void block(struct thread *thread, struct call *call) {
    struct region region
        __attribute__((cleanup(region_end))) = {thread, __builtin_frame_address(0)};
    begin_blocking(&region);
    call->result = call->run(call->data);
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

static void *run_active(struct thread *thread, GC_fn_type run, void *data) {
    struct region region __attribute__((cleanup(active_end))) = {thread, thread->here};
    end_blocking(&region);
    return run(data);
}

void *GC_call_with_gc_active(GC_fn_type run, void *data) {
    struct thread *thread = compat_thread_mine();
    return thread->blocking ? run_active(thread, run, data) : run(data);
}

/* Gait has ended its regions already. */
void compat_blocking_end(struct thread *thread) {
    if (thread->blocking)
        set_blocking(thread, false, thread->here);
}
