/* SPDX-License-Identifier: MIT */
/*
 * Questions about objects, uncollectable ones, freeing and changing sizes.
 *
 * An uncollectable object has a word in front of it that names a handle of Gait's, which holds it.
 * The program sees what is behind.
 */
#include "registry.h"

#include "include/gc/gc_inline.h"
#include "include/gc/gc_typed.h"

#include <stdlib.h>
#include <string.h>

static bool is_uncollectable(unsigned kind) {
    return kind == KIND_UNCOLLECTABLE || kind == KIND_ATOMIC_UNCOLLECTABLE;
}

static bool is_atomic(unsigned kind) {
    return kind == KIND_ATOMIC || kind == KIND_ATOMIC_UNCOLLECTABLE;
}

/* What the library keeps at the ends of an object's cell. */
static size_t front_bytes(unsigned kind) {
    return is_uncollectable(kind) ? sizeof(struct uncollectable) : 0;
}
static size_t rear_bytes(unsigned kind) {
    return kind == KIND_TYPED         ? sizeof(GC_word)
           : kind == KIND_TYPED_ARRAY ? 3 * sizeof(GC_word)
                                      : 0;
}

void *compat_object_shown(void *cell, unsigned kind, size_t *bytes) {
    *bytes -= front_bytes(kind) + rear_bytes(kind);
    return (char *)cell + front_bytes(kind);
}

void *compat_object_find(const void *address, unsigned *kind, size_t *bytes) {
    if (!compat_heap)
        return NULL;
    void *cell = gait_object_base(compat_heap, address);
    if (!cell)
        return NULL;
    *kind = compat_kind_number(gait_object_kind(compat_heap, cell));
    *bytes = gait_object_bytes(compat_heap, cell);
    return compat_object_shown(cell, *kind, bytes);
}

size_t compat_cell_bytes(const void *address) {
    bool is_cell = gait_object_base(compat_heap, address) == address;
    return is_cell ? gait_object_bytes(compat_heap, address) : 0;
}

void *GC_base(void *address) {
    char *cell = compat_heap ? gait_object_base(compat_heap, address) : NULL;
    return cell ? cell + front_bytes(compat_kind_number(gait_object_kind(compat_heap, cell)))
                : NULL;
}

/* Some programs ask so of every word. */
int GC_is_heap_ptr(const void *address) {
    return compat_heap && gait_object_base(compat_heap, address) != NULL;
}

size_t GC_size(const void *object) {
    unsigned kind;
    size_t bytes = 0;
    compat_object_find(object, &kind, &bytes);
    return bytes;
}

/* ---- Uncollectable objects ---- */

void *compat_alloc_uncollectable(unsigned kind, size_t bytes) {
    struct thread *thread = compat_thread_mine();
    if (bytes > PTRDIFF_MAX)
        return GC_get_oom_fn()(bytes);
    struct uncollectable *cell = compat_alloc(kind, bytes + sizeof *cell);
    if (!cell)
        return NULL;
    call_begin(thread);
    cell->handle = gait_handle_new(thread->mutator, (gait_word)cell);
    call_end(thread);
    return cell->handle ? cell + 1 : GC_get_oom_fn()(bytes);
}

void *GC_malloc_uncollectable(size_t bytes) {
    return compat_alloc_uncollectable(KIND_UNCOLLECTABLE, bytes);
}
void *GC_malloc_atomic_uncollectable(size_t bytes) {
    return compat_alloc_uncollectable(KIND_ATOMIC_UNCOLLECTABLE, bytes);
}

/* Of a program's own kind: never freed by GC_free alone, which drops the word that holds it. */
void *GC_generic_malloc_uncollectable(size_t bytes, int kind) {
    if (kind == KIND_ATOMIC)
        return GC_malloc_atomic_uncollectable(bytes);
    if (kind == KIND_NORMAL || is_uncollectable((unsigned)kind))
        return GC_malloc_uncollectable(bytes);
    void *object = GC_generic_malloc(bytes, kind);
    void **holder = object ? GC_malloc_uncollectable(sizeof *holder) : NULL;
    if (!holder)
        return NULL;
    *holder = object;
    return object;
}

/* ---- Free, realloc ---- */

static void free_object(void *object, unsigned kind) {
    struct thread *thread = compat_thread_mine();
    void *cell = (char *)object - front_bytes(kind);
    compat_registry_remove(cell);
    if (COMPAT_UNLIKELY(compat_disclaim_is(kind)))
        memset(object, 0, GC_size(object));
    call_begin(thread);
    if (is_uncollectable(kind))
        gait_handle_free(thread->mutator, ((struct uncollectable *)cell)->handle);
    gait_free(thread->mutator, cell);
    call_end(thread);
}

void GC_free(void *object) {
    unsigned kind;
    size_t bytes;
    if (!object)
        return;
    void *base = compat_object_find(object, &kind, &bytes);
    if (!base || (char *)object - (char *)base >= (ptrdiff_t)bytes)
        compat_abort("GC_free: not an object, or freed before");
    free_object(base, kind);
}

void *GC_realloc(void *object, size_t bytes) {
    unsigned kind;
    size_t old_bytes;
    if (!object)
        return GC_malloc(bytes);
    if (bytes == 0) {
        GC_free(object);
        return NULL;
    }
    char *base = compat_object_find(object, &kind, &old_bytes);
    if (!base)
        compat_abort("GC_realloc: not an object");
    size_t whole = old_bytes;
    old_bytes -= (size_t)((char *)object - base); /* of GC_memalign */
    /* one past its end lies in its cell */
    if (bytes < old_bytes + !GC_all_interior_pointers && bytes > old_bytes / 2) {
        if (!is_atomic(kind)) /* may have held references */
            memset((char *)object + bytes, 0, old_bytes - bytes);
        return object;
    }
    void *copy = kind == KIND_TYPED ? GC_malloc_explicitly_typed(bytes, *(GC_word *)(base + whole))
                 : kind == KIND_TYPED_ARRAY ? GC_malloc(bytes)
                                            : GC_malloc_kind(bytes, (int)kind);
    if (!copy)
        return NULL;
    memcpy(copy, object, bytes < old_bytes ? bytes : old_bytes);
    free_object(base, kind);
    return copy;
}

/* ---- Checks of pointers ---- */

static void print_same(void *first, void *second) {
    compat_say("gait-gc: %p and %p are not in the same object\n", first, second);
    compat_abort("GC_same_obj");
}
static void print_displacement(void *pointer) {
    compat_say("gait-gc: %p is not to an object's start or displacement\n", pointer);
    compat_abort("GC_is_valid_displacement");
}
static void print_visible(void *slot) {
    compat_say("gait-gc: the collector does not scan %p\n", slot);
    compat_abort("GC_is_visible");
}
void (*GC_same_obj_print_proc)(void *, void *) = print_same;
void (*GC_is_valid_displacement_print_proc)(void *) = print_displacement;
void (*GC_is_visible_print_proc)(void *) = print_visible;

void *GC_same_obj(void *first, void *second) {
    char *base = GC_base(second);
    if (base && first != second) {
        /* one past the end belongs to it */
        ptrdiff_t offset = (char *)first - base;
        if (offset < 0 || (size_t)offset > GC_size(base))
            GC_same_obj_print_proc(first, second);
    }
    return first;
}

void *GC_pre_incr(void **pointer, ptrdiff_t bytes) {
    void *after = GC_same_obj((char *)*pointer + bytes, *pointer);
    *pointer = after;
    return after;
}

void *GC_post_incr(void **pointer, ptrdiff_t bytes) {
    void *before = *pointer;
    *pointer = GC_same_obj((char *)before + bytes, before);
    return before;
}

void *GC_is_visible(void *slot) {
    if ((uintptr_t)slot % sizeof(void *) != 0)
        GC_is_visible_print_proc(slot);
    return slot;
}

void *GC_is_valid_displacement(void *pointer) {
    char *base = GC_base(pointer);
    if (base && !GC_all_interior_pointers &&
        !compat_displacement_is_known((size_t)((char *)pointer - base)))
        GC_is_valid_displacement_print_proc(pointer);
    return pointer;
}

void GC_ptr_store_and_dirty(void *slot, const void *value) { *(const void **)slot = value; }
void GC_debug_ptr_store_and_dirty(void *slot, const void *value) { *(const void **)slot = value; }
void GC_end_stubborn_change(const void *object) { (void)object; } /* no page is protected */
void GC_change_stubborn(const void *object) { (void)object; }
void GC_debug_change_stubborn(const void *object) { (void)object; }
void GC_debug_end_stubborn_change(const void *object) { (void)object; }
void GC_noop1(GC_word word) { GC_reachable_here(word); }
void *GC_clear_stack(void *value) { return value; }
