/* SPDX-License-Identifier: MIT */
/*
 * fork, as a library of the heap's (gait/library.h): these run while Gait is closed, so no cycle is
 * under way and none begins. Here are the locks, and the table of threads in the child.
 *
 * ALLOC is not taken, since who has it may wait for Gait to open; in the child it is free, except
 * for the thread that forked with it.
 */
#include "compat.h"

#include <gait/library.h>

static bool mine_is_locked(void) { return compat_thread_here && compat_thread_here->locked; }

static void prepare(void) {
    if (!mine_is_locked())
        compat_collect_lock();
    compat_tables_lock();
}

static void parent(void) {
    compat_tables_unlock();
    if (!mine_is_locked())
        compat_collect_unlock();
}

static void child(void) {
    compat_threads_child();
    compat_settings_child();
    if (!mine_is_locked())
        compat_alloc_lock_anew();
    parent();
}

void compat_fork_init(void) {
    static const gait_library library = {.struct_bytes = sizeof library,
                                         .fork_prepare = prepare,
                                         .fork_parent = parent,
                                         .fork_child = child};
    if (gait_library_register(&library) < 0)
        compat_abort("fork can't be followed");
}

void GC_set_handle_fork(int how) {
    if (how != 1)
        WITHOUT_MEANING("a fork's child can always go on");
}
void GC_atfork_prepare(void) {}
void GC_atfork_parent(void) {}
void GC_atfork_child(void) {}
