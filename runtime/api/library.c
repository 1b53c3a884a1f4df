/* SPDX-License-Identifier: MIT */
/*
 * Libraries that belong to a heap. What is said about each function is in gait/library.h.
 */
#include "library.h"

#include <string.h>

#include "../abi.h"
#include "../instance.h"
#include "../mutator/alloc_sample.h"
#include "../observe/at_exit.h"
#include "../observe/observe.h"
#include "../platform/perturb.h"

#define LIBRARY_BYTES_0 ABI0_BYTES(gait_library, fork_child)

/* The process's libraries. A place is claimed by its writer, and read by whoever has acquired
 * `known`; it is never given back. */
static struct {
    AO_t claimed; /* the caller's structure */
    AO_t known;   /* not 0: hooks are written */
    gait_library hooks;
} known_libraries[GAIT_LIBRARIES_MAX];

static const gait_library *hooks_of(int library) {
    bool known = library >= 0 && library < GAIT_LIBRARIES_MAX &&
                 AO_load_acquire(&known_libraries[library].known); /* pairs with register */
    return known ? &known_libraries[library].hooks : NULL;
}

int gait_library_register(const gait_library *library) {
    gait_library whole = {0};
    if (!library || library->struct_bytes < LIBRARY_BYTES_0 ||
        !abi_take(&whole, sizeof whole, library, library->struct_bytes))
        return GAIT_E_INVALID;
    for (int i = 0; i < GAIT_LIBRARIES_MAX; i++) {
        if (AO_compare_and_swap_full(&known_libraries[i].claimed, 0, (AO_t)library)) {
            known_libraries[i].hooks = whole;
            AO_store_release(&known_libraries[i].known, 1);
            return i;
        }
        if (AO_load(&known_libraries[i].claimed) == (AO_t)library) {
            while (!AO_load_acquire(&known_libraries[i].known)) /* another thread writes it now */
                platform_yield();
            return i;
        }
    }
    return GAIT_E_FULL;
}

void *gait_library_state(gait_heap *heap, int library) {
    return (void *)AO_load_acquire(&heap->libraries.states[library]); /* pairs with set_state */
}

void *gait_library_set_state(gait_heap *heap, int library, void *state) {
    AO_t *place = &heap->libraries.states[library];
    AO_compare_and_swap_full(place, 0, (AO_t)state);
    return (void *)AO_load_acquire(place);
}

size_t libraries_cleanup_bytes(gait_cleanup_fn cleanup, const void *data) {
    size_t bytes = 0;
    for (int i = 0; bytes == 0 && i < GAIT_LIBRARIES_MAX; i++) {
        const gait_library *hooks = hooks_of(i);
        if (hooks && hooks->cleanup_bytes)
            bytes = hooks->cleanup_bytes(cleanup, data);
    }
    return bytes;
}

/* ---- Its end ---- */

static void call_at_exit(void *argument) {
    const struct library_exit *end = argument;
    hooks_of(end->library)->at_exit(end->heap, gait_library_state(end->heap, end->library));
}

int gait_library_at_exit(gait_heap *heap, int library) {
    const gait_library *hooks = hooks_of(library);
    struct library_exit *end = &heap->libraries.exits[library];
    if (!hooks || !hooks->at_exit)
        return 0;
    end->heap = heap;
    end->library = library;
    size_t place = at_exit_add(call_at_exit, end);
    end->place = place + 1;
    return place < AT_EXIT_PLACES ? 0 : GAIT_E_FULL;
}

void libraries_destroy(gait_heap *heap) {
    for (int library = 0; library < GAIT_LIBRARIES_MAX; library++) {
        struct library_exit *end = &heap->libraries.exits[library];
        void *state = gait_library_state(heap, library);
        if (end->place)
            at_exit_take(end->place - 1, end);
        if (state && hooks_of(library)->destroy)
            hooks_of(library)->destroy(heap, state);
    }
}

/* ---- Fork ---- */

/* How many were held: one that is registered during the fork was not. Guarded by the lock HEAPS. */
static int held;

void libraries_hold(void) {
    for (held = 0; hooks_of(held); held++)
        if (hooks_of(held)->fork_prepare)
            hooks_of(held)->fork_prepare();
}

void libraries_let_go(void) {
    for (int i = held; i-- > 0;)
        if (hooks_of(i)->fork_parent)
            hooks_of(i)->fork_parent();
}

void libraries_lost(void) {
    for (int i = held; i-- > 0;)
        if (hooks_of(i)->fork_child)
            hooks_of(i)->fork_child();
}

void libraries_forked(gait_heap *heap) {
    for (int i = 0; i < GAIT_LIBRARIES_MAX; i++)
        heap->libraries.exits[i].place = 0; /* at_exit_forget */
}

/* ---- Counting ---- */

static __attribute__((noinline)) void add_to_sum(gait_heap *heap, ptrdiff_t bytes) {
    HEAP_CALL(heap);
    PERTURB(LIBRARY_FLUSH);
    if (bytes > 0) /* room is made before the bytes count */
        control_before_grow(&heap->control, (size_t)bytes);
    counter_add(&heap->space.offheap.sum_bytes, (AO_t)bytes);
    if (control_memory_changed(&heap->control))
        collector_request(heap);
}

void gait_library_count(gait_heap *heap, ptrdiff_t bytes) {
    ptrdiff_t more = offheap_count(&heap->space.offheap, bytes);
    if (more != 0)
        add_to_sum(heap, more);
}

uint64_t gait_library_counted(gait_heap *heap) { return offheap_read(&heap->space.offheap); }

/* ---- Samples ---- */

static __attribute__((noinline)) bool sample(gait_heap *heap, const void *memory, size_t bytes,
                                             const char *name, const void *caller) {
    HEAP_CALL(heap);
    struct sample_of of = {.memory = GAIT_PROFILE_OFFHEAP, .tag = name, .start = memory};
    return alloc_sample_beside(heap, &of, bytes, caller);
}

bool gait_library_sample(gait_heap *heap, const void *memory, size_t bytes, const char *name,
                         const void *caller) {
    return alloc_is_sampled(heap) && sample(heap, memory, bytes, name, caller);
}

void gait_library_unsample(gait_heap *heap, const void *memory) {
    HEAP_CALL(heap);
    samples_forget(&heap->samples, memory, GAIT_PROFILE_OFFHEAP);
}

/* ---- What else a library asks ---- */

bool gait_is_running(gait_mutator *mutator) {
    if (mutator->thread != program_thread_here() ||
        AO_int_load(&mutator->state) == MUTATOR_DETACHED)
        mutator_misused(mutator, __func__);
    return AO_int_load(&mutator->state) == MUTATOR_RUNNING || mutator->outside;
}

bool gait_has_roots_in(gait_heap *heap, const void *low, size_t bytes) {
    return roots_lie_in(&heap->roots, low, bytes);
}

uint32_t gait_debug_setting(gait_heap *heap, const char *word) {
#define OPTION_DEBUG(name, ...)                                                                    \
    if (strcmp(word, #name) == 0)                                                                  \
        return heap->options.name;
#include "../options.def"
    return 0;
}

void gait_library_log(gait_heap *heap, const char *text) {
    struct line line = {.length = 0};
    line_add(&line, "gait: ");
    line_add_text(&line, text);
    line_write(&line, heap->log);
}

void gait_library_fatal(const char *text) { platform_fatal("%s", text); }
