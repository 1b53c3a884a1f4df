/* SPDX-License-Identifier: MIT */
/*
 * Which threads there are, and where their stacks lie.
 *
 *   .inv.listed: a thread is attached to the heap before it is listed, and listed until it is
 *   detached: between, it touches no object. Both are bounded by the lock TABLES, which is not held
 *   around a call that takes a mutator (compat.h, .inv.locks). It knows itself (compat_thread_here)
 *   as it is listed, and not a moment later: a signal that it does not answer is not sent again.
 */
#include "compat.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

COMPAT_TLS struct thread *compat_thread_here;
COMPAT_TLS struct gait_mutator_head *compat_head_here;
struct thread *compat_threads;

char *GC_stackbottom;

/* ---- A thread's end ---- */

static pthread_key_t key;
static COMPAT_TLS bool ending; /* its first round of destructors has begun */

static void unregister(void);

/* Destructors of thread-specific data run in rounds, within a round by the order of keys. In the
 * first one the thread stays as it is: those of the program may use objects. In the second one
 * Gait's own, which is the first of all, has detached it just now; and if it registers once more,
 * in the third one again. */
static void thread_ends(void *data) {
    (void)data;
    struct thread *thread = compat_thread_here;
    if (thread && !ending && pthread_setspecific(key, thread) == 0) {
        ending = true;
        compat_blocking_end(thread);
        return;
    }
    compat_result_end();
    if (thread)
        unregister();
}

/* As the library is loaded, after Gait: the program's keys come later. */
__attribute__((constructor(102))) static void make_key(void) {
    if (pthread_key_create(&key, thread_ends) != 0)
        compat_abort("no key for thread-specific data");
}

/* ---- Its begin ---- */

static int find_stack(char **low, char **base) {
    pthread_attr_t attributes;
    void *stack;
    size_t bytes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return GC_UNIMPLEMENTED;
    int error = pthread_attr_getstack(&attributes, &stack, &bytes);
    pthread_attr_destroy(&attributes);
    if (error)
        return GC_UNIMPLEMENTED;
    *low = stack;
    *base = (char *)stack + bytes;
    return GC_SUCCESS;
}

/* A base that the program says may be of a stack that the system does not know. */
static int know_stack(struct thread *thread, char *base) {
    int result = find_stack(&thread->low, &thread->base);
    if (base) {
        if (result != GC_SUCCESS || base <= thread->low || base > thread->base)
            thread->low = NULL;
        thread->base = base;
        result = GC_SUCCESS;
    }
    return result;
}

static void list_remove(struct thread *thread) {
    struct thread **link = &compat_threads;
    while (*link != thread)
        link = &(*link)->next;
    *link = thread->next;
}

int compat_thread_register(char *base) {
    char error[200];
    if (compat_thread_here)
        return GC_DUPLICATE;
    struct thread *thread = calloc(1, sizeof *thread);
    if (!thread)
        return GC_NO_MEMORY;
    thread->handle = pthread_self();
    thread->number = (int)syscall(SYS_gettid);
    compat_stop_allow();
    if (know_stack(thread, base) != GC_SUCCESS || pthread_setspecific(key, thread) != 0) {
        free(thread);
        return GC_UNIMPLEMENTED;
    }
    thread->mutator = gait_attach_explained(compat_heap, error, sizeof error);
    if (!thread->mutator)
        compat_abort(error);
    thread->here = __builtin_frame_address(0);
    compat_tables_lock();
    struct thread *gone = compat_threads_find(thread->handle); /* without a word */
    if (gone)
        list_remove(gone);
    thread->next = compat_threads;
    compat_threads = thread;
    compat_thread_here = thread; /* .inv.listed */
    compat_tables_unlock();
    free(gone);
    if (!GC_find_leak) /* else each object is listed: alloc.c */
        compat_head_here = (struct gait_mutator_head *)thread->mutator;
    return GC_SUCCESS;
}

/* It may come again. The key keeps a value as long as there is something to do at its end. */
static void unregister(void) {
    struct thread *thread = compat_thread_here;
    gait_mutator *mutator = thread->mutator;
    compat_settings_forget(thread);
    compat_tables_lock();
    compat_thread_here = NULL;
    compat_head_here = NULL;
    list_remove(thread);
    compat_tables_unlock();
    pthread_setspecific(key, compat_result_mine());
    if (gait_current(compat_heap) == mutator) /* else thread_ends */
        gait_detach(mutator);
    free(thread);
}

struct thread *compat_thread_mine(void) {
    if (COMPAT_UNLIKELY(!compat_thread_here)) {
        compat_init();
        if (!compat_thread_here && compat_thread_register(NULL) != GC_SUCCESS)
            compat_abort("a thread's stack is not known");
    }
    return compat_thread_here;
}

struct thread *compat_threads_find(pthread_t handle) {
    struct thread *thread = compat_threads;
    while (thread && !pthread_equal(thread->handle, handle))
        thread = thread->next;
    return thread;
}

/* In a fork's child, with TABLES held: the others are not there. */
void compat_threads_child(void) {
    struct thread *thread = compat_threads, *next;
    compat_threads = NULL;
    for (; thread; thread = next) {
        next = thread->next;
        if (thread == compat_thread_here) {
            thread->number = (int)syscall(SYS_gettid);
            thread->paused = 0; /* nobody is there who would resume it */
            thread->next = NULL;
            compat_threads = thread;
        } else {
            free(thread);
        }
    }
    compat_results_child();
}

/* ---- Calls ---- */

int GC_register_my_thread(const struct GC_stack_base *base) {
    compat_init();
    return compat_thread_register(base->mem_base);
}

int GC_unregister_my_thread(void) {
    if (compat_thread_here)
        unregister();
    return GC_SUCCESS;
}

int GC_thread_is_registered(void) { return compat_thread_here != NULL; }
void GC_allow_register_threads(void) { compat_init(); }

int GC_get_stack_base(struct GC_stack_base *base) {
    char *low, *high;
    int result = find_stack(&low, &high);
    if (result == GC_SUCCESS)
        base->mem_base = high;
    return result;
}

COMPAT_NOINLINE void *GC_call_with_stack_base(GC_stack_base_func run, void *data) {
    struct GC_stack_base base = {__builtin_frame_address(0)};
    void *result = run(&base, data);
    GC_reachable_here(&base); /* it is not a tail call: its frame stays */
    return result;
}

void *GC_get_my_stackbottom(struct GC_stack_base *base) {
    struct thread *thread = compat_thread_mine();
    base->mem_base = thread->base;
    return thread;
}

void GC_set_stackbottom(void *handle, const struct GC_stack_base *base) {
    if (!GC_is_init_called()) {
        GC_stackbottom = base->mem_base;
        return;
    }
    struct thread *thread = handle ? handle : compat_thread_mine();
    compat_tables_lock();
    thread->base = base->mem_base;
    thread->low = NULL;
    compat_tables_unlock();
}

void GC_register_altstack(void *stack, GC_word stack_bytes, void *altstack,
                          GC_word altstack_bytes) {
    struct thread *thread = compat_thread_mine();
    compat_tables_lock();
    thread->low = stack;
    thread->base = (char *)stack + stack_bytes;
    thread->signal_low = altstack;
    thread->signal_high = (char *)altstack + altstack_bytes;
    compat_tables_unlock();
}
