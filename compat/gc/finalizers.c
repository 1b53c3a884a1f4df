/* SPDX-License-Identifier: MIT */
/*
 * Finalizers and disappearing links, on those of Gait's.
 *
 * A finalizer's data may be the only reference to an object: records of them are in a list that the
 * root callback visits. A record belongs to whoever took it out of Gait's table: the finalizer as
 * it runs, or the call that replaces it.
 */
#include "compat.h"

#include <gait/links.h>

#include "include/gc/gc_disclaim.h"
#include "include/gc/javaxfc.h"

#include <stdlib.h>

GC_finalizer_notifier_proc GC_finalizer_notifier;
static GC_await_finalize_proc await_proc;

struct record {
    GC_finalization_proc run;
    void *data;
    ptrdiff_t offset;               /* the program's object, from Gait's */
    struct record *next, *previous; /* lock TABLES */
};

static struct record *records; /* lock TABLES */

static struct record *record_new(GC_finalization_proc run, void *data, ptrdiff_t offset) {
    struct record *record = malloc(sizeof *record);
    if (!record)
        return NULL;
    *record = (struct record){run, data, offset, NULL, NULL};
    compat_tables_lock();
    record->next = records;
    if (records)
        records->previous = record;
    records = record;
    compat_tables_unlock();
    return record;
}

static void record_free(struct record *record) {
    if (!record)
        return;
    compat_tables_lock();
    if (record->previous)
        record->previous->next = record->next;
    else
        records = record->next;
    if (record->next)
        record->next->previous = record->previous;
    compat_tables_unlock();
    free(record);
}

void compat_finalizers_visit(gait_visitor *visitor) {
    for (struct record *record = records; record; record = record->next)
        compat_roots_visit_memory(visitor, &record->data, &record->data + 1);
}

/* The data is on this thread's stack from here on, and the object, so Gait's frame for it is not
 * needed; and it would be in the way of a program that leaves the function by a jump. */
static void finalize(gait_mutator *mutator, void *cell, void *data) {
    struct gait_frames frames = gait_frames_save(mutator);
    gait_frames_restore(mutator, (struct gait_frames){NULL, 0});
    struct record *record = data;
    GC_finalization_proc run = record->run;
    void *volatile object = (char *)cell + record->offset, *volatile object_data = record->data;
    record_free(record);
    struct thread *thread = compat_thread_here;
    int calls = thread->calls;
    thread->calls = 0; /* the program's function: not within a call */
    if (await_proc)
        await_proc(object);
    run(object, object_data);
    thread->calls = calls;
    gait_frames_restore(mutator, frames);
}

static void give_old(const struct record *record, GC_finalization_proc *run, void **data) {
    if (run)
        *run = record ? record->run : NULL;
    if (data)
        *data = record ? record->data : NULL;
}

/* offset: of the pointer that the function gets, from the object's start as the program knows it.
 */
static void set(void *object, GC_finalization_proc run, void *data, uint32_t flags,
                ptrdiff_t offset, GC_finalization_proc *old, void **old_data) {
    struct thread *thread = compat_thread_mine();
    struct record *record = NULL;
    void *old_record = NULL;
    gait_finalizer_fn old_run = NULL;
    if (GC_find_leak)
        return; /* what is dead is told of, and not brought back */
    char *cell = gait_object_base(compat_heap, object);
    if (!cell) { /* static memory: it is never finalized */
        give_old(NULL, old, old_data);
        return;
    }
    if (run && !(record = record_new(run, data, (char *)object - cell + offset))) {
        GC_get_oom_fn()(sizeof *record);
        return;
    }
    call_begin(thread);
    int result = gait_finalizer_replace(thread->mutator, cell, run ? finalize : NULL, record,
                                        run ? flags : 0, &old_run, &old_record);
    call_end(thread);
    if (result == GAIT_E_MEMORY) {
        record_free(record);
        GC_get_oom_fn()(sizeof *record);
        return;
    }
    struct record *before = old_run ? old_record : NULL;
    give_old(before, old, old_data);
    record_free(before);
}

/* What an unreachable one waits for, an ordered one does too: whatever leads to it. */
#define REGISTER(name, flags)                                                                      \
    void GC_register_##name(void *object, GC_finalization_proc run, void *data,                    \
                            GC_finalization_proc *old, void **old_data) {                          \
        set(object, run, data, flags, 0, old, old_data);                                           \
    }                                                                                              \
    void GC_debug_register_##name(void *object, GC_finalization_proc run, void *data,              \
                                  GC_finalization_proc *old, void **old_data) {                    \
        set(object, run, data, flags, 0, old, old_data);                                           \
    }
REGISTER(finalizer, 0)
REGISTER(finalizer_ignore_self, GAIT_FINALIZER_IGNORE_SELF)
REGISTER(finalizer_no_order, GAIT_FINALIZER_UNORDERED)
REGISTER(finalizer_unreachable, 0)

void GC_init_finalized_malloc(void) { compat_init(); }

/* The closure is read when the object is finalized, as libgc does. */
static void call_closure(void *object, void *data) {
    const struct GC_finalizer_closure *closure = data;
    closure->proc(object, closure->cd);
}

void *GC_finalized_malloc(size_t bytes, const struct GC_finalizer_closure *closure) {
    void *object = GC_malloc(bytes);
    if (object)
        GC_register_finalizer(object, call_closure, (void *)closure, NULL, NULL);
    return object;
}

/* ---- Running ---- */

int GC_should_invoke_finalizers(void) {
    return GC_is_init_called() && gait_finalizers_pending(compat_heap);
}

int GC_invoke_finalizers(void) {
    if (!GC_should_invoke_finalizers())
        return 0;
    struct thread *thread = compat_thread_mine();
    call_begin(thread);
    size_t ran = gait_run_finalizers(thread->mutator, SIZE_MAX);
    call_end(thread);
    return (int)ran;
}

void GC_finalize_all(void) {
    struct thread *thread = compat_thread_mine();
    call_begin(thread);
    gait_finalize_all(thread->mutator);
    call_end(thread);
}

void GC_set_finalizer_notifier(GC_finalizer_notifier_proc notify) {
    GC_finalizer_notifier = notify;
}
GC_finalizer_notifier_proc GC_get_finalizer_notifier(void) { return GC_finalizer_notifier; }
void GC_set_await_finalize_proc(GC_await_finalize_proc await) { await_proc = await; }
GC_await_finalize_proc GC_get_await_finalize_proc(void) { return await_proc; }

/* Within an allocation. */
void compat_finalizers_run_due(void) {
    static unsigned long notified; /* atomic: the cycle for which the program was told */
    if (!GC_should_invoke_finalizers())
        return;
    if (!GC_finalize_on_demand) {
        GC_invoke_finalizers();
    } else if (GC_finalizer_notifier) {
        unsigned long now = GC_get_gc_no();
        if (__atomic_exchange_n(&notified, now, __ATOMIC_RELAXED) != now)
            GC_finalizer_notifier();
    }
}

/* ---- Links ---- */

static int link_register(void **link, const void *object, uint32_t flags) {
    struct thread *thread = compat_thread_mine();
    if ((uintptr_t)link % sizeof(void *) != 0)
        compat_abort("a disappearing link is not aligned");
    if (GC_find_leak)
        return GC_UNIMPLEMENTED;
    void *cell = gait_object_base(compat_heap, object);
    if (!cell)
        return GC_SUCCESS; /* static memory stays */
    call_begin(thread);
    int before = gait_link_unregister(thread->mutator, (gait_word *)link, flags);
    int result = gait_link_register(thread->mutator, (gait_word *)link, cell, flags);
    call_end(thread);
    return result == GAIT_E_MEMORY ? GC_NO_MEMORY : before == 0 ? GC_DUPLICATE : GC_SUCCESS;
}

static int link_unregister(void **link, uint32_t flags) {
    struct thread *thread = compat_thread_mine();
    call_begin(thread);
    int result = gait_link_unregister(thread->mutator, (gait_word *)link, flags);
    call_end(thread);
    return result == 0;
}

static int link_move(void **from, void **to, uint32_t flags) {
    struct thread *thread = compat_thread_mine();
    call_begin(thread);
    int result = gait_link_move(thread->mutator, (gait_word *)from, (gait_word *)to, flags);
    call_end(thread);
    return result == GAIT_E_MISSING                ? GC_NOT_FOUND
           : result == 0 || from == to /* it is */ ? GC_SUCCESS
                                                   : GC_DUPLICATE;
}

/* Cleared before objects with ordered finalizers keep anything: a cycle of these is broken by a
 * link in one of them. */
int GC_general_register_disappearing_link(void **link, const void *object) {
    return link_register(link, object, GAIT_LINK_EARLY);
}
/* When the object that it lies in is unreachable, before that one's finalizer runs. */
int GC_register_disappearing_link(void **link) {
    void *object = GC_base(link);
    if (!object)
        compat_abort("GC_register_disappearing_link: the link lies in no object");
    return GC_general_register_disappearing_link(link, object);
}
int GC_register_long_link(void **link, const void *object) {
    return link_register(link, object, GAIT_LINK_LONG);
}
int GC_unregister_disappearing_link(void **link) { return link_unregister(link, 0); }
int GC_unregister_long_link(void **link) { return link_unregister(link, GAIT_LINK_LONG); }
int GC_move_disappearing_link(void **from, void **to) { return link_move(from, to, 0); }
int GC_move_long_link(void **from, void **to) { return link_move(from, to, GAIT_LINK_LONG); }
