/* SPDX-License-Identifier: MIT */
/*
 * The Boehm collector. A weak reference is kept hidden, registered as a disappearing link, and
 * read under the collector's lock.
 */
#define GC_THREADS
#include <gc/gc.h>

#include "plain.h"

static void shim_start(void) {
    GC_set_all_interior_pointers(1);
    GC_INIT();
    GC_set_warn_proc(GC_ignore_warn_proc);
}

static uint64_t shim_cycles(void) { return GC_get_gc_no(); }

static void shim_collect(shim_thread *thread) {
    (void)thread;
    GC_gcollect();
}

static void *shim_alloc(shim_thread *thread, enum type type, size_t words) {
    (void)thread;
    size_t bytes = words * sizeof(word);
    if (type != TYPE_LEAF)
        return GC_MALLOC(bytes);
    void *object = GC_MALLOC_ATOMIC(bytes);
    return object ? memset(object, 0, bytes) : NULL;
}

static void *reveal(void *slot) {
    word hidden = *(word *)slot;
    return hidden ? GC_REVEAL_POINTER(hidden) : NULL;
}

static word shim_weak_get(shim_thread *thread, word *slot) {
    (void)thread;
    return (word)GC_call_with_alloc_lock(reveal, slot);
}

static void shim_weak_set(shim_thread *thread, word *slot, word value) {
    (void)thread;
    GC_unregister_disappearing_link((void **)slot);
    *slot = value ? (word)GC_HIDE_POINTER(value) : 0;
    if (value && GC_general_register_disappearing_link((void **)slot, (void *)value) < 0)
        fail("no memory for a weak reference");
}
