/* SPDX-License-Identifier: MIT */
/*
 * Heaps: create, destroy. What is said about each function is in gait.h.
 */
#include <gait/dirty.h>
#include <gait/gait.h>
#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "../instance.h"
#include "../mark/ranges.h"
#include "../mutator/spare.h"
#include "../observe/observe.h"
#include "arenas.h"
#include "fork.h"
#include "heap_snapshots.h"

/* Bits in which objects' addresses differ, except for the lowest that one may have; that one. */
#define ADDRESS_BITS (((gait_word)1 << 47) - 16)
#define ALIGNMENT_BIT ((gait_word)8)

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
    (GAIT_STOP_THE_WORLD | GAIT_CONSERVATIVE_STACKS | GAIT_DATA_SEGMENTS | GAIT_NO_FAULT_HANDLER | \
     GAIT_OBJECT_BARRIER)

/* Which of the process's heaps it is: for the timeline, whose places don't know the heap. */
static void number_heap(gait_heap *heap) {
    static AO_t heaps;
    unsigned number = (unsigned)AO_fetch_and_add1_full(&heaps) + 1;
    heap->space.heap_number = heap->world.heap_number = heap->cycle.phase.heap_number = number;
}

/* Control asks the policy, world is told. */
static void world_begin(gait_heap *heap) {
    struct gait_governor_looks looks = control_looks();
    struct world_looks world = {
        .look_ns = looks.answer_ns,
        .look_most_ns = control_waited_ns(INT64_MAX, looks.answer_ns),
        .held_up_ns = looks.held_up_ns,
        .tell_ns = looks.tell_ns,
        .tell_again = looks.tell_again,
    };
    world_init(&heap->world, &world);
}

/* plain: the program has no barriers. */
static void begin_marking_as(gait_heap *heap, bool plain) {
    bool wanted = !heap->options.gcstoptheworld;
    heap->written.watch.faults.number = heap->written.watch.pages.number = -1;
    heap->watches = wanted && plain && heap->options.gcdirty && written_start(heap);
    heap->concurrent = wanted && (!plain || heap->watches);
    heap->object_barrier = heap->concurrent && (heap->watches || heap->flags & GAIT_OBJECT_BARRIER);
    if (heap->watches) /* what is written between two cycles is not kept */
        heap->options.minor = heap->options.gcminor = 0;
    heap->remembers = wanted && plain && !heap->options.gcdirty && heap->options.minor;
}

static gait_heap *heap_create(const gait_config *given, char *error, size_t error_bytes) {
    gait_config whole;
    const gait_config *config = &whole;
    if (!fork_is_followed()) {
        error_say(error, error_bytes, "gait_heap_create: no memory for handlers of fork");
        return NULL;
    }
    if (options_config(&whole, given, error, error_bytes) < 0)
        return NULL;
    gait_heap *heap = malloc(sizeof *heap);
    if (!heap) {
        error_say(error, error_bytes, "gait_heap_create: no memory");
        return NULL;
    }
    memset(heap, 0, offsetof(struct gait_heap, helpers));
    if (options_read(&heap->options, config, error, error_bytes) < 0)
        goto no_options;
    if (config->flags & ~(uint32_t)FLAGS_KNOWN || config->reserved != 0) {
        error_say(error, error_bytes,
                  "gait_heap_create: bad config: flags %#x (known: %#x), reserved %u (0)",
                  (unsigned)config->flags, (unsigned)FLAGS_KNOWN, (unsigned)config->reserved);
        goto no_options;
    }
    if (!config->stop != !config->start || (config->stopped_roots && !config->stop)) {
        error_say(error, error_bytes,
                  "gait_heap_create: bad config: stop and start go together, stopped_roots with "
                  "them");
        goto no_options;
    }
    if (~config->value_mask & ADDRESS_BITS) {
        error_say(
            error, error_bytes,
            "gait_heap_create: value_mask %#zx drops bits of addresses; it may drop the lowest "
            "four, and those above the lowest 47",
            (size_t)config->value_mask);
        goto no_options;
    }
    heap->flags = config->flags;
    heap->value_mask = config->value_mask;
    heap->wide_cells = !(config->value_mask & ALIGNMENT_BIT);
    heap->log = config->log ? config->log : stderr;
    heap->write_snapshot = heap_snapshots_write_file;
    if (space_init(&heap->space, config->reserve_bytes, heap->options.disablethp) < 0) {
        error_say(error, error_bytes, "gait_heap_create: no addresses are available");
        goto no_space;
    }
    begin_marking_as(heap, heap->flags & GAIT_STOP_THE_WORLD || config->stop);
    if ((heap->options.minor || heap->object_barrier) && (heap->concurrent || heap->remembers))
        cards_init(&heap->space.cards, heap->space.reserved_bytes); /* without: full cycles only */
    heap->space.cards.by_object = heap->object_barrier && !heap->watches;
    heap->space.cards.rereads = heap->object_barrier;
    if (heap->object_barrier && !heap->space.cards.bytes) {
        error_say(error, error_bytes, "gait_heap_create: no addresses are available");
        written_stop(heap);
        space_destroy(&heap->space);
        goto no_space;
    }
    arenas_init(&heap->arenas, &heap->space);
    arenas_start(heap);
    kinds_init(&heap->kinds, &heap->space);
    queue_init(&heap->queue, &heap->space.metadata_bytes);
    if (roots_init(&heap->roots, &heap->space.metadata_bytes) < 0) {
        error_say(error, error_bytes, "gait_heap_create: no memory");
        goto no_roots;
    }
    heap->space.checks_cards = heap->options.gccheckmark != 0;
    heap->roots.checks_suspended = heap->options.gccheckmark && heap->concurrent && !heap->watches;
    int segments = heap->flags & GAIT_DATA_SEGMENTS ? ranges_add_segments(&heap->roots) : 0;
    if (segments < 0) {
        error_say(error, error_bytes, "gait_heap_create: %s",
                  segments == GAIT_E_FULL ? "the program has too many writable segments"
                                          : "no memory");
        goto no_finalizers;
    }
    if (finalizers_init(&heap->finalizers, &heap->space.metadata_bytes, &heap->head.pending) < 0) {
        error_say(error, error_bytes, "gait_heap_create: no memory");
        goto no_finalizers;
    }
    if (links_init(&heap->links, &heap->space.metadata_bytes) < 0) {
        error_say(error, error_bytes, "gait_heap_create: no memory");
        goto no_links;
    }
    samples_init(&heap->samples, &heap->space.metadata_bytes);
    if (heap->options.says_memprofilerate)
        samples_set_rate(&heap->samples, heap->options.memprofilerate);
    else if (AO_load(&samples_by_default))
        samples_start(&heap->samples);
    expected_init(&heap->expected, &heap->space.metadata_bytes);
    sweep_init(&heap->sweeper, &heap->space, heap->options.clobberfree);
    world_begin(heap);
    number_heap(heap);
    heap->world.hooks = (struct world_hooks){.stop = config->stop,
                                             .start = config->start,
                                             .roots = config->stopped_roots,
                                             .data = config->stop_data,
                                             .heap_bytes = sizeof *heap};
    lock_init(&heap->oom_lock, LOCK_LOG, "out of memory");
    spare_init(heap);
    control_init(&heap->control, &heap->space, &heap->sweeper, &heap->queue, &heap->finalizers,
                 &heap->options);
    notices_set(&heap->control, config->notice, config->notice_data);
    heap->space.hooks = (struct space_hooks){.data = heap,
                                             .before_grow = hook_before_grow,
                                             .sweep_span = hook_sweep_span,
                                             .sweep_more = hook_sweep_more};
    if (observe_start(heap) < 0) {
        error_say(error, error_bytes, "gait_heap_create: no memory or thread for the log");
        goto no_log;
    }
    if (heap->options.gcdirty && !heap->concurrent && !heap->options.gcstoptheworld)
        observe_unwatched(heap);
    collector_init(heap);
    if (config->notice)
        collector_start(heap);
    observe_runs(heap);
    fork_add(heap);
    return heap;
no_log:
    control_destroy(&heap->control);
    spare_free(heap);
    lock_destroy(&heap->oom_lock);
    world_destroy(&heap->world);
    expected_destroy(&heap->expected);
    samples_destroy(&heap->samples);
    links_destroy(&heap->links);
no_links:
    finalizers_destroy(&heap->finalizers);
no_finalizers:
    roots_destroy(&heap->roots);
no_roots:
    queue_destroy(&heap->queue);
    kinds_destroy(&heap->kinds);
    arenas_destroy(&heap->arenas);
    written_stop(heap);
    space_destroy(&heap->space);
no_space:
no_options:
    free(heap);
    return NULL;
}

static gait_heap *heap_create_resting(const gait_config *config, char *error, size_t error_bytes) {
    world_rest(); /* api/fork.c, .inv.heaps */
    gait_heap *heap = heap_create(config, error, error_bytes);
    world_resume();
    return heap;
}

/* Of programs that were built when it was no inline function: with the first layout, or by a
 * language that compiles none in. */
gait_heap *gait_heap_create(const gait_config *config, char *error, size_t error_bytes) {
    mutator_save_stack();
    return heap_create_resting(config, error, error_bytes);
}

gait_heap *gait_heap_create_built(const gait_config *config, uint32_t frozen, const char *version,
                                  char *error, size_t error_bytes) {
    if (frozen != gait_frozen()) {
        error_say(error, error_bytes,
                  "gait_heap_create: the program was built with headers of Gait %s, whose layouts "
                  "are not those of this library, %s: build it with this library's headers",
                  version, gait_version());
        return NULL;
    }
    mutator_save_stack();
    return heap_create_resting(config, error, error_bytes);
}

static void heap_destroy(gait_heap *heap) {
    observe_closes(heap);
    if (heap->world.first)
        platform_fatal("gait_heap_destroy: %zu threads are attached",
                       (size_t)AO_load(&heap->world.count));
    fork_remove(heap);
    observe_stops(heap);
    collector_destroy(heap);
    libraries_destroy(heap);
    observe_end(heap);
    spare_free(heap);
    control_destroy(&heap->control);
    lock_destroy(&heap->oom_lock);
    world_destroy(&heap->world);
    expected_destroy(&heap->expected);
    samples_destroy(&heap->samples);
    links_destroy(&heap->links);
    finalizers_destroy(&heap->finalizers);
    roots_destroy(&heap->roots);
    queue_destroy(&heap->queue);
    kinds_destroy(&heap->kinds);
    arenas_destroy(&heap->arenas);
    written_stop(heap);
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
