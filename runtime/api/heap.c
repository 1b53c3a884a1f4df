/* SPDX-License-Identifier: MIT */
/*
 * Heaps and mutators: create, destroy, attach, detach, control. What is said about each function
 * is in gait.h.
 */
#include <gait/gait.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../abi.h"
#include "../instance.h"
#include "../mark/ranges.h"
#include "../mutator/spare.h"
#include "../observe/observe.h"
#include "arenas.h"
#include "clones.h"
#include "fork.h"

/* Bits in which the addresses of objects differ, but for the lowest that one may have; that one. */
#define ADDRESS_BITS (((gait_word)1 << 47) - 16)
#define ALIGNMENT_BIT ((gait_word)8)

static void say(char *error, size_t error_bytes, const char *format, ...) {
    if (!error || error_bytes == 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, error_bytes, format, arguments);
    va_end(arguments);
}

#define KIND_INFO_BYTES_0 ABI0_BYTES(gait_kind_info, scan_data)

/* ---- Heaps ---- */

static void hook_before_grow(void *data, size_t bytes) {
    control_before_grow(&((gait_heap *)data)->control, bytes);
}

static bool hook_sweep_span(void *data, struct span *span) {
    return sweep_span(&((gait_heap *)data)->sweeper, span);
}

static bool hook_sweep_more(void *data, unsigned kind, unsigned size_class) {
    gait_heap *heap = data;
    if (sweep_more(&heap->sweeper, kind, size_class))
        return true;
    if (sweep_done(&heap->sweeper))
        control_took_fresh(&heap->control, class_table[size_class].span_pages * PAGE_BYTES);
    return false;
}

#define FLAGS_KNOWN                                                                                \
    (GAIT_STOP_THE_WORLD | GAIT_CONSERVATIVE_STACKS | GAIT_DATA_SEGMENTS | GAIT_NO_FAULT_HANDLER)

static gait_heap *heap_create(const gait_config *given, char *error, size_t error_bytes) {
    gait_config whole;
    const gait_config *config = &whole;
    if (!forking_is_followed()) {
        say(error, error_bytes, "gait_heap_create: no memory for handlers of fork");
        return NULL;
    }
    if (options_config(&whole, given, error, error_bytes) < 0)
        return NULL;
    gait_heap *heap = calloc(1, sizeof *heap);
    if (!heap) {
        say(error, error_bytes, "gait_heap_create: no memory");
        return NULL;
    }
    if (options_read(&heap->options, config, error, error_bytes) < 0)
        goto no_options;
    if (config->flags & ~(uint32_t)FLAGS_KNOWN || config->reserved != 0) {
        say(error, error_bytes,
            "gait_heap_create: bad config: flags %#x (known: %#x), reserved %u (0)",
            (unsigned)config->flags, (unsigned)FLAGS_KNOWN, (unsigned)config->reserved);
        goto no_options;
    }
    if (~config->value_mask & ADDRESS_BITS) {
        say(error, error_bytes,
            "gait_heap_create: value_mask %#zx drops bits of addresses; it may drop the lowest "
            "four, and those above the lowest 47",
            (size_t)config->value_mask);
        goto no_options;
    }
    heap->flags = config->flags;
    heap->value_mask = config->value_mask;
    heap->wide_cells = !(config->value_mask & ALIGNMENT_BIT);
    heap->log = config->log ? config->log : stderr;
    heap->concurrent = !(heap->flags & GAIT_STOP_THE_WORLD) && !heap->options.gcstoptheworld;
    if (space_init(&heap->space, config->reserve_bytes, heap->options.disablethp) < 0) {
        say(error, error_bytes, "gait_heap_create: no addresses to be had");
        goto no_space;
    }
    arenas_init(&heap->arenas, &heap->space);
    arenas_start(heap);
    kinds_init(&heap->kinds, &heap->space);
    queue_init(&heap->queue, &heap->space.metadata_bytes);
    if (roots_init(&heap->roots, &heap->space.metadata_bytes) < 0) {
        say(error, error_bytes, "gait_heap_create: no memory");
        goto no_roots;
    }
    heap->roots.checks_suspended = heap->options.gccheckmark && heap->concurrent;
    int segments = heap->flags & GAIT_DATA_SEGMENTS ? ranges_add_segments(&heap->roots) : 0;
    if (segments < 0) {
        say(error, error_bytes, "gait_heap_create: %s",
            segments == GAIT_E_FULL ? "the program has too many writable segments" : "no memory");
        goto no_finalizers;
    }
    if (finalizers_init(&heap->finalizers, &heap->space.metadata_bytes) < 0) {
        say(error, error_bytes, "gait_heap_create: no memory");
        goto no_finalizers;
    }
    sweep_init(&heap->sweeper, &heap->space, heap->options.clobberfree);
    world_init(&heap->world);
    lock_init(&heap->oom_lock, LOCK_LOG, "out of memory");
    spare_init(heap);
    control_init(&heap->control, &heap->space, &heap->sweeper, &heap->finalizers, &heap->options);
    notices_set(&heap->control, config->notice, config->notice_data);
    heap->space.hooks = (struct space_hooks){.data = heap,
                                             .before_grow = hook_before_grow,
                                             .sweep_span = hook_sweep_span,
                                             .sweep_more = hook_sweep_more};
    if (observe_start(heap) < 0) {
        say(error, error_bytes, "gait_heap_create: no memory or thread for the log");
        goto no_log;
    }
    if (collector_init(heap) < 0) {
        say(error, error_bytes, "gait_heap_create: no threads to be had");
        goto no_cycle;
    }
    observe_runs(heap);
    forking_add(heap);
    return heap;
no_cycle:
    observe_end(heap);
no_log:
    control_destroy(&heap->control);
    spare_free(heap);
    lock_destroy(&heap->oom_lock);
    world_destroy(&heap->world);
    finalizers_destroy(&heap->finalizers);
no_finalizers:
    roots_destroy(&heap->roots);
no_roots:
    queue_destroy(&heap->queue);
    kinds_destroy(&heap->kinds);
    arenas_destroy(&heap->arenas);
    space_destroy(&heap->space);
no_space:
no_options:
    free(heap);
    return NULL;
}

gait_heap *gait_heap_create(const gait_config *config, char *error, size_t error_bytes) {
    mutator_save_stack();
    world_rest(); /* api/fork.c, .inv.heaps */
    gait_heap *heap = heap_create(config, error, error_bytes);
    world_resume();
    return heap;
}

static void heap_destroy(gait_heap *heap) {
    if (heap->world.first)
        platform_fatal("gait_heap_destroy: %zu threads are attached",
                       (size_t)AO_load(&heap->world.count));
    forking_remove(heap);
    observe_stops(heap);
    collector_destroy(heap);
    libraries_destroy(heap);
    observe_end(heap);
    spare_free(heap);
    control_destroy(&heap->control);
    lock_destroy(&heap->oom_lock);
    world_destroy(&heap->world);
    finalizers_destroy(&heap->finalizers);
    roots_destroy(&heap->roots);
    queue_destroy(&heap->queue);
    kinds_destroy(&heap->kinds);
    arenas_destroy(&heap->arenas);
    space_destroy(&heap->space);
    free(heap);
}

void gait_heap_destroy(gait_heap *heap) {
    if (gait_current(heap))
        gait_detach(gait_current(heap));
    mutator_save_stack();
    world_rest(); /* api/fork.c, .inv.heaps */
    heap_destroy(heap);
    world_resume();
}

int gait_kind_register_sized(gait_heap *heap, const gait_kind_info *info, size_t info_bytes) {
    gait_kind_info whole = {0};
    if (!info || info_bytes < KIND_INFO_BYTES_0 ||
        !abi_take(&whole, sizeof whole, info, info_bytes))
        return GAIT_E_INVALID;
    return kinds_register(&heap->kinds, &whole);
}

int gait_kind_register(gait_heap *heap, const gait_kind_info *info) {
    return gait_kind_register_sized(heap, info, KIND_INFO_BYTES_0);
}

/* ---- Mutators ---- */

gait_mutator *gait_current(gait_heap *heap) { return program_thread_find(heap); }

gait_heap *gait_mutator_heap(gait_mutator *mutator) {
    if (AO_int_load(&mutator->state) == MUTATOR_DETACHED)
        mutator_misused(mutator, __func__);
    return mutator->heap;
}

/* What it is told of its C stack. @return negative: the heap scans stacks, and this one is not
 * known: then the thread may not be attached. */
static int find_stack(gait_mutator *mutator) {
    void *low, *high;
    mutator->scans_stack = mutator->heap->flags & GAIT_CONSERVATIVE_STACKS;
    mutator->running_stack = &mutator->own.c;
    if (platform_stack_bounds(&low, &high) < 0)
        return mutator->scans_stack ? -1 : 0;
    mutator->own.c.low = low;
    mutator->own.c.high = high;
    return 0;
}

/* With the lock WORLD held. */
static void leaves(gait_mutator *mutator) {
    mutator_drop_roots(mutator);
    cycle_mutator_leaves(mutator);
}

static void detach(gait_mutator *mutator) {
    arena_making_drop(mutator);
    /* before it waits: the functions that had them may have ended already */
    if (AO_int_load(&mutator->state) == MUTATOR_RUNNING)
        mutator_drop_roots(mutator);
    world_remove(&mutator->heap->world, mutator, leaves);
    clones_free(mutator);
    spare_keep(mutator);
}

/* Of all mutators first, before anything waits: who waits in one heap counts as native in all. */
static void thread_ends(bool last) {
    struct program_thread *thread = program_thread_here();
    for (gait_mutator *mutator = thread->first; mutator; mutator = mutator->thread_next)
        if (AO_int_load(&mutator->state) == MUTATOR_RUNNING)
            mutator_drop_roots(mutator);
    world_end_regions(); /* until then the copies of its frames are scanned */
    for (gait_mutator *mutator = thread->first; mutator; mutator = mutator->thread_next)
        mutator_drop_roots(mutator);
    while (last && thread->first)
        detach(thread->first);
}

gait_mutator *gait_attach_explained(gait_heap *heap, char *error, size_t error_bytes) {
    gait_mutator *mutator = gait_current(heap);
    if (mutator)
        return mutator;
    if (!(mutator = spare_take(heap))) {
        say(error, error_bytes, "gait_attach: no memory");
        return NULL;
    }
    mutator->heap = heap;
    mutator->stripe = foreign_stripe(&heap->space.foreign, program_thread_here());
    cache_init(&mutator->cache, &heap->space, mutator->head.runs, heap->options.gcstress != 0);
    marker_init(&mutator->marker, &heap->space, &heap->queue, heap->value_mask);
    if (find_stack(mutator) < 0) {
        say(error, error_bytes,
            "gait_attach: the system does not tell where the thread's C stack lies, and the heap "
            "scans C stacks");
        goto no_thread;
    }
    if (program_thread_follow(thread_ends) < 0) {
        say(error, error_bytes,
            "gait_attach: the thread's end can't be followed: it is in its last round of "
            "thread-specific destructors, or there is no key or memory for one");
        goto no_thread;
    }
    mutator->thread = program_thread_here();
    mutator_save_stack();
    world_add(&heap->world, mutator, cycle_mutator_joins);
    return mutator;
no_thread:
    spare_keep(mutator);
    return NULL;
}

gait_mutator *gait_attach(gait_heap *heap) { return gait_attach_explained(heap, NULL, 0); }

void gait_detach(gait_mutator *mutator) {
    if (mutator->thread != program_thread_here())
        mutator_misused(mutator, __func__);
    mutator_save_stack(); /* it may have to wait: of the thread's mutators in other heaps */
    detach(mutator);
}

void gait_enter_native(gait_mutator *mutator) {
    /* it may be in native code already, but not by a region of its own */
    if (mutator->thread != program_thread_here() || mutator->native)
        mutator_misused(mutator, __func__);
    mutator_save_stack();
    world_enter_native(mutator);
}

void gait_leave_native(gait_mutator *mutator) {
    if (mutator->thread != program_thread_here())
        mutator_misused(mutator, __func__);
    if (!mutator->native)
        platform_fatal("gait_leave_native: the mutator is not in native code");
    mutator_save_stack(); /* it may have to wait: of the thread's mutators in other heaps */
    world_leave_native(mutator);
}

void gait_poll_slow(gait_mutator *mutator) {
    mutator_check_as(mutator, "gait_poll");
    mutator_save_stack();
    world_answer();
}

void gait_check(gait_mutator *mutator, const char *call) { mutator_check_thread(mutator, call); }

/* ---- Objects ---- */

static bool find_object(gait_heap *heap, const void *address, struct cell *cell) {
    return space_holds(&heap->space, (uintptr_t)address) &&
           space_cell(&heap->space, (uintptr_t)address, cell) &&
           cell_allocated(cell, space_epoch(&heap->space));
}

void *gait_object_base(gait_heap *heap, const void *address) {
    struct cell cell;
    return find_object(heap, address, &cell) ? cell.start : NULL;
}

gait_kind gait_object_kind(gait_heap *heap, const void *object) {
    struct cell cell;
    if (!find_object(heap, object, &cell))
        platform_fatal("gait_object_kind: %p is not an object", object);
    return ENTRY_KIND(cell.entry);
}

size_t gait_object_bytes(gait_heap *heap, const void *object) {
    struct cell cell;
    if (!find_object(heap, object, &cell))
        platform_fatal("gait_object_bytes: %p is not an object", object);
    return entry_cell_bytes(&heap->space, cell.entry, cell.head);
}

/* ---- Control ---- */

void gait_set_oom_handler(gait_heap *heap, gait_oom_fn handler, void *data) {
    lock_acquire(&heap->oom_lock);
    heap->oom_handler = handler;
    heap->oom_data = data;
    lock_release(&heap->oom_lock);
}

void gait_collect(gait_mutator *mutator) {
    mutator_check(mutator);
    mutator_save_stack();
    world_rest();
    collector_force(mutator->heap);
    world_resume();
    gait_poll(mutator);
}

size_t gait_free_os_memory(gait_mutator *mutator) {
    mutator_check(mutator);
    gait_collect(mutator);
    mutator_save_stack();
    world_rest();
    size_t given = scavenger_give_back(mutator->heap, SIZE_MAX);
    world_resume();
    gait_poll(mutator);
    return given;
}

int32_t gait_set_gogc(gait_heap *heap, int32_t percent) {
    if (percent < 0 && percent != GAIT_KEEP)
        percent = GAIT_GOGC_OFF;
    int32_t before = control_set_gogc(&heap->control, percent);
    scavenger_wake(heap);
    return before;
}

int64_t gait_set_memory_limit(gait_heap *heap, int64_t limit_bytes) {
    int64_t before = control_set_limit(&heap->control, limit_bytes);
    scavenger_wake(heap);
    return before;
}

int32_t gait_set_max_procs(gait_heap *heap, int32_t procs) {
    bool in_range = procs >= 1 && procs <= OPTIONS_PROCS_MAX;
    return control_set_procs(&heap->control, in_range ? procs : 0);
}

int64_t gait_set_min_heap(gait_heap *heap, int64_t bytes) {
    int64_t before = control_set_min_heap(&heap->control, bytes);
    scavenger_wake(heap);
    return before;
}

int32_t gait_set_gogc_floor(gait_heap *heap, int32_t percent) {
    return control_set_gogc_floor(&heap->control, percent);
}

int gait_set_assists(gait_heap *heap, int on) { return control_set_assists(&heap->control, on); }

void gait_set_notice(gait_heap *heap, gait_notice_fn notice, void *data) {
    notices_set(&heap->control, notice, data);
}

int64_t gait_set_notice_memory(gait_heap *heap, int64_t bytes) {
    return notices_set_bytes(&heap->control, bytes);
}

double gait_set_notice_percent(gait_heap *heap, double percent) {
    return notices_set_percent(&heap->control, percent);
}

const char *gait_version(void) { return GAIT_VERSION; }
