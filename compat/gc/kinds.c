/* SPDX-License-Identifier: MIT */
/*
 * Kinds: libgc's numbers, and what Gait has for each.
 *
 *   GC_malloc                 GAIT_CONSERVATIVE: every word, also to the inside of an object
 *   GC_malloc_atomic          GAIT_LEAF
 *   typed, a program's own    GAIT_CALLBACK: descriptors.c reads the descriptor
 */
#include "compat.h"

#include "include/gc/gc_gcj.h"
#include "include/gc/gc_tiny_fl.h"

#include <stdlib.h>

gait_kind compat_kind_gait[KINDS_MAX];
static unsigned char number_of[GAIT_KINDS_MAX]; /* libgc's, by Gait's */
static int kinds;                               /* atomic; lock ALLOC to change */

int GC_gcj_kind = KIND_TABLE, GC_gcj_debug_kind = KIND_TABLE;

/* With ALLOC held, or before there are threads. @return libgc's number; negative: no more. */
static int add(const gait_kind_info *info) {
    struct thread *thread = compat_thread_mine();
    if (kinds == KINDS_MAX)
        return GAIT_E_FULL;
    call_begin(thread);
    int kind = gait_kind_register(compat_heap, info);
    call_end(thread);
    if (kind < 0)
        return kind;
    compat_kind_gait[kinds] = (gait_kind)kind;
    number_of[kind] = (unsigned char)kinds;
    __atomic_store_n(&kinds, kinds + 1, __ATOMIC_RELEASE);
    return kinds - 1;
}

void compat_kinds_init(void) {
    const gait_kind_info fixed[KINDS_FIXED] = {
        [KIND_ATOMIC] = {.name = "GC_malloc_atomic", .layout = GAIT_LEAF},
        [KIND_NORMAL] = {.name = "GC_malloc", .layout = GAIT_CONSERVATIVE},
        [KIND_UNCOLLECTABLE] = {.name = "GC_malloc_uncollectable", .layout = GAIT_CONSERVATIVE},
        [KIND_ATOMIC_UNCOLLECTABLE] = {.name = "GC_malloc_atomic_uncollectable",
                                       .layout = GAIT_LEAF},
        [KIND_TYPED] = {.name = "GC_malloc_explicitly_typed",
                        .layout = GAIT_CALLBACK,
                        .scan = compat_typed_scan},
        [KIND_TYPED_ARRAY] = {.name = "GC_calloc_explicitly_typed",
                              .layout = GAIT_CALLBACK,
                              .scan = compat_typed_array_scan},
        [KIND_TABLE] = {
            .name = "GC_gcj_malloc", .layout = GAIT_CALLBACK, .scan = compat_table_scan}};
    for (int i = 0; i < KINDS_FIXED; i++)
        if (add(&fixed[i]) != i)
            compat_abort("a kind can't be registered");
}

unsigned compat_kind_number(gait_kind kind) { return number_of[kind]; }

bool compat_kind_is_known(int kind) {
    return kind >= 0 && kind < __atomic_load_n(&kinds, __ATOMIC_ACQUIRE);
}

/* ---- A program's own ---- */

unsigned GC_new_kind_inner(void **free_list, GC_word descriptor, int adjust, int clear) {
    (void)free_list, (void)clear; /* all is zeroed */
    gait_kind_info info = {.name = "GC_new_kind"};
    if (descriptor == (0 | GC_DS_LENGTH)) {
        info.layout = adjust ? GAIT_CONSERVATIVE : GAIT_LEAF;
    } else {
        info.layout = GAIT_CALLBACK;
        info.scan = compat_descriptor_scan;
        info.scan_data = (void *)descriptor;
    }
    int kind = add(&info);
    if (kind < 0)
        compat_abort("too many kinds");
    return (unsigned)kind;
}

unsigned GC_new_kind(void **free_list, GC_word descriptor, int adjust, int clear) {
    compat_thread_mine(); /* not with the lock: it may have to wait for the collector */
    compat_alloc_lock();
    unsigned kind = GC_new_kind_inner(free_list, descriptor, adjust, clear);
    compat_alloc_unlock();
    return kind;
}

/* Never used: each thread allocates from runs of its own. */
void **GC_new_free_list_inner(void) { return calloc(GC_TINY_FREELISTS, sizeof(void *)); }
void **GC_new_free_list(void) { return GC_new_free_list_inner(); }

int GC_get_kind_and_size(const void *object, size_t *bytes) {
    unsigned kind = KIND_NORMAL;
    size_t size = 0;
    compat_object_find(object, &kind, &size);
    if (bytes)
        *bytes = size;
    return (int)kind;
}
