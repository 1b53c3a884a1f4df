/* SPDX-License-Identifier: MIT */
/*
 * The collection cycle, described once. The collector's thread runs it. Each phase has a name, in
 * phase.h, which is published as it begins.
 *
 *   1. Finish sweeping: every mark bit is clear.
 *   2. A handshake turns every mutator's barrier on; a second one lets stores end that began
 *      before. Nothing is marked before all have answered.
 *   3. A handshake has every mutator push its own roots and allocate black from there on; the
 *      collector does it for those in native code. No stack is looked at again.
 *   4. The collector pushes static slots, handles, pieces of ranges, stopped coroutines, what
 *      finalizers keep, and pinned arenas.
 *   5. Marking: the collector in bursts, or mutators in turns; helpers, and mutators that allocate
 *      too fast (assists).
 *      When work has run out, ephemerons whose keys are marked give more, and what the program's
 *      own tables keep by its hooks. If there are early links, which stop the world throughout,
 *      they are settled before, and what finalizers keep is pushed here in place of 4.
 *   6. A handshake has every mutator look through its barrier's words. More work, or memory that
 *      was set apart in an arena's reset: back to 5.
 *   7. The world is stopped. A barrier's word that is white, or memory set apart: start it, and
 *      back to 5; the same if a finalizer resurrects an object that is white. Else marking has
 *      ended: barriers off, and the bits turn over: marks become allocations. Start the world.
 *   8. Weak references and links are settled, hooks clear tables, objects come back for their
 *      finalizers, which are queued, and leaked arenas end. The program runs beside it, and takes
 *      fresh spans meanwhile.
 *   9. Sweeping opens: the collector sweeps, and so do mutators that need cells.
 *
 * A heap without barriers has the world stopped from 2 to 7, one with links or hooks to 8, and
 * gcstoptheworld=2 to the end. With gcdirty=1 it marks beside the program like one that says which
 * objects it has written: changes.c.
 * docs/design/marking.md has the invariants and why they hold, tests/model/ checks them. All of it
 * is one file, longer than others, since the order of these steps is what is argued and modelled.
 */
#include "cycle.h"

#include <string.h>

#include "../instance.h"
#include "../mark/ranges.h"
#include "../mark/rescue.h"
#include "../mark/suspended.h"
#include "../mark/weak.h"
#include "../observe/observe.h"
#include "../platform/perturb.h"
#include "../platform/timeline.h"
#include "changes.h"
#include "cycle_steps.h"
#include "sweeping.h"
#include "verify.h"

/** So often a flush may find white objects before what is left is marked in a stop; the same where
 * each round looks at all pairs that wait for keys, which takes long enough for more reads than are
 * marked there; and so much may be marked there, some 80 us. Guesses. */
#define ROUNDS_MOST 4
#define ROUNDS_MOST_WITH_PAIRS 1
#define REST_BYTES ((size_t)64 << 10)

/* ---- Mutators' parts in handshakes ---- */

static void barrier_turn_on(gait_mutator *mutator) {
    mutator->head.barrier |= MUTATOR_BARRIER;
    mutator->assist_credit_bytes = 0;
}

/* What a mutator began before this handshake has ended: neither a store nor a weak read has a
 * safepoint inside. */
static void pass_safepoint(gait_mutator *mutator) { (void)mutator; }

/* The same as a cycle leaves finalizers, and memory, for its program: world.h, .inv.news. */
static void hear_of_cycle(gait_mutator *mutator) { mutator->has_news = true; }

/* The collector, which acts for those in native code, keeps their roots in its own marker: a block
 * of work for each would be one of a few words. */
static void roots_scan(gait_mutator *mutator) {
    if (AO_int_load(&mutator->state) == MUTATOR_RUNNING)
        mutator_scan_roots(mutator);
    else
        mutator_visit_roots(mutator, &mutator->heap->workers.marker.visitor);
    tally_count(&mutator->heap->space.tally, &mutator->tally);
    control_freed(&mutator->heap->control, mutator);
    control_unallocated(&mutator->heap->control,
                        cache_begin_cycle(&mutator->cache, mutator->outside));
    counter_add(&mutator->heap->cycle.stack_bytes, mutator->stack_bytes);
    mutator->late_ns = mutator->starved_ns = 0;
    mutator->turn_due_ns = 0;
}

bool cycle_lets_mark(const gait_mutator *mutator) {
    return mutator->cache.black && phase_lets_mark(phase_now(&mutator->heap->cycle.phase));
}

static void flush(gait_mutator *mutator) {
    mutator_flush_barrier(mutator, cycle_lets_mark(mutator));
}

void cycle_mutator_joins(gait_mutator *mutator) {
    gait_heap *heap = mutator->heap;
    enum cycle_phase phase = phase_now(&heap->cycle.phase);
    bool cards = heap->space.keeps && !heap->remembers;
    mutator->head.barrier =
        (phase_has_barriers(phase) ? MUTATOR_BARRIER : 0) | (cards ? MUTATOR_CARDS : 0);
    mutator->cache.black = phase_is_black(phase);
}

void cycle_mutator_leaves(gait_mutator *mutator) {
    gait_heap *heap = mutator->heap;
    flush(mutator);
    if (mutator->cache.whites && mutator->cache.black)
        cache_note_births(&mutator->cache);
    tally_count(&heap->space.tally, &mutator->tally);
    control_freed(&heap->control, mutator);
    control_unallocated(&heap->control, cache_destroy(&mutator->cache));
    counter_add(&heap->space.foreign.sum_bytes, (size_t)mutator->foreign_rest_bytes);
    mutator->foreign_rest_bytes = 0;
    counter_add(&heap->cycle.black_bytes, mutator->cache.black_bytes);
    counter_add(&heap->cycle.gone_bytes, marker_take_marked(&mutator->marker));
}

/* ---- Marking ---- */

void cycle_push_finalizers(gait_heap *heap, struct marker *marker) {
    bool wait = AO_load(&heap->links.early) > 0;
    heap->cycle.finalizers_wait = wait;
    if (wait)
        finalizers_push_queued(&heap->finalizers, marker);
    else
        finalizers_push(&heap->finalizers, marker);
}

/* With the world stopped, and all marked that roots lead to: clear early links, then mark what
 * finalizers keep. */
static bool push_finalizers_late(gait_heap *heap, struct marker *marker) {
    if (!heap->cycle.finalizers_wait)
        return false;
    heap->cycle.finalizers_wait = false;
    links_clear_early(&heap->links, &heap->space);
    finalizers_push(&heap->finalizers, marker);
    return true;
}

/* Phase 4. */
static void push_shared_roots(gait_heap *heap) {
    struct marker *marker = &heap->workers.marker;
    marker_begin(marker);
    ranges_push_libraries(&heap->roots, marker);
    bool minor = heap->cycle.record.minor;
    bool changed = minor && !heap->remembers; /* no card says of roots what is stored plainly */
    roots_push(&heap->roots, marker, changed);
    /* as gait_coroutine_switch numbers cycles: by the epoch that this one ends with */
    counter_add(&heap->cycle.stack_bytes,
                coroutines_push(&heap->roots, marker, space_epoch(&heap->space) + 1, changed));
    cycle_push_finalizers(heap, marker);
    if (minor) {
        root_cards_clean(&heap->space);
        arenas_push_all(&heap->arenas, marker);
        cards_push(marker, kinds_count(&heap->kinds));
    } else {
        if (heap->space.keeps && !heap->object_barrier)
            cards_wipe(marker); /* what is stored from now on was shaded: it will be old */
        arenas_push_pinned(&heap->arenas, marker);
    }
    marker_end(marker);
}

/* Bytes that marking may have to look at. */
static size_t bytes_to_mark(const gait_heap *heap) {
    const struct cycle_record *record = &heap->cycle.record;
    uint64_t kept =
        record->kept_bytes < record->start_bytes ? record->kept_bytes : record->start_bytes;
    return record->start_bytes - kept + record->piece_bytes;
}

/* What marking does when it has run out of work. met: of ephemerons, for those alone that were met
 * since this was called last. @return whether there is more. */
static bool last_passes(gait_heap *heap, bool stopped, bool met) {
    struct marker *marker = &heap->workers.marker;
    marker_begin(marker);
    size_t stack_bytes;
    bool more = met ? marker_ephemerons_met(marker) : marker_ephemerons(marker);
    more |=
        coroutines_push_reached(&heap->queue, marker, space_epoch(&heap->space) + 1, &stack_bytes);
    counter_add(&heap->cycle.stack_bytes, stack_bytes);
    if (AO_load_acquire(&heap->queue.overflowed)) {
        marker_rescan(marker);
        more = true;
    }
    if (!more && stopped)
        more = push_finalizers_late(heap, marker);
    /* a program without barriers has its tables asked for while it stands still */
    if (!more && liveness_has_hooks(&heap->liveness) && (stopped || !heap->watches))
        more = liveness_mark(&heap->liveness, marker);
    marker_end(marker);
    return more;
}

AO_t cycle_mark(gait_heap *heap, bool stopped) {
    struct marker *marker = &heap->workers.marker;
    AO_t published = 0;
    phase_enter(&heap->cycle.phase, PHASE_MARK);
    for (bool more = true; more && !workers_are_ending(&heap->workers);) {
        if (arenas_have_apart(&heap->arenas)) {
            marker_begin(marker);
            arenas_push_apart(&heap->arenas, marker);
            marker_end(marker);
        }
        workers_mark(heap, stopped);
        published = AO_load_acquire(&heap->queue.published);
        if (queue_is_out(&heap->queue))
            more = last_passes(heap, stopped, false);
    }
    return published;
}

/* Bytes marked in this cycle, or kept as marked, those allocated black included; the counts begin
 * anew. *black: the latter. */
static uint64_t take_marked(gait_heap *heap, uint64_t *black) {
    struct cycle *cycle = &heap->cycle;
    uint64_t marked = workers_take_marked(&heap->workers);
    marked += AO_load(&cycle->gone_bytes);
    AO_store(&cycle->gone_bytes, 0);
    *black = AO_load(&cycle->black_bytes);
    AO_store(&cycle->black_bytes, 0);
    for (gait_mutator *mutator = heap->world.first; mutator; mutator = mutator->next) {
        marked += marker_take_marked(&mutator->marker);
        young_take(&mutator->cache, &cycle->record.young);
        *black += cache_end_cycle(&mutator->cache);
        tally_count(&heap->space.tally, &mutator->tally);
    }
    return heap->cycle.record.kept_bytes + marked + *black;
}

/* Has nothing been marked, found white or set apart since cycle_mark returned this? */
static bool is_quiet(const gait_heap *heap, AO_t published) {
    const struct mark_queue *queue = &heap->queue;
    return AO_load_acquire(&queue->published) == published &&
           !AO_load_acquire(&queue->overflowed) && !arenas_have_apart(&heap->arenas);
}

/* Phase 7, with the world stopped. @return false: a barrier held a white word. */
static bool marking_is_over(gait_heap *heap, AO_t published) {
    for (gait_mutator *mutator = heap->world.first; mutator; mutator = mutator->next)
        flush(mutator);
    return is_quiet(heap, published) && !workers_are_ending(&heap->workers);
}

/* Would a pass have to look at all pairs that wait for keys? */
static bool has_missed_keys(const gait_heap *heap) {
    const struct ephemerons *keys = &heap->queue.keys;
    return AO_load_acquire(&keys->missed) != 0 && AO_load(&keys->pairs) > 0;
}

/* The rest, with the world stopped and buffers flushed, if it is little: .inv.rest of
 * docs/design/marking.md. @return whether marking is over. */
static bool mark_rest(gait_heap *heap) {
    struct marker *marker = &heap->workers.marker;
    /* hooks look at tables of the program's, and may want locks that a stopped thread has; what is
     * set apart comes once for each arena; the others take longer */
    if (liveness_has_hooks(&heap->liveness) || AO_load_acquire(&heap->queue.overflowed) ||
        has_missed_keys(heap) || arenas_have_apart(&heap->arenas))
        return false;
    marker_begin(marker);
    bool drained = marker_drain(marker, REST_BYTES);
    marker_end(marker);
    AO_t published = AO_load_acquire(&heap->queue.published);
    /* a helper that was marking has ended, and what it missed is seen */
    return drained && queue_is_out(&heap->queue) && !has_missed_keys(heap) &&
           !last_passes(heap, true, true) && is_quiet(heap, published);
}

/* What the collector's thread has done since this cycle began, or the last call, beside marking in
 * bursts: handshakes, roots, last passes. */
static void count_rest(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    int64_t cpu_ns = platform_thread_cpu_ns();
    int64_t rest_ns = cpu_ns - cycle->begin_cpu_ns - heap->workers.marker.cpu_ns;
    control_add_cpu(&heap->control, CPU_DEDICATED, rest_ns);
    counter_add(&heap->control.cpu_rest_ns, (size_t)rest_ns);
    cycle->begin_cpu_ns = cpu_ns;
    heap->workers.marker.cpu_ns = 0;
}

/* With the world stopped, as all that is marked becomes old: have what is stored to it remembered
 * from now on, or no more. What is left of runs is marked, too, and initialised later. */
static void turn_cards(gait_heap *heap) {
    bool keeps = heap->cycle.record.keeps;
    if (keeps && heap->remembers)
        keeps = AO_load(&heap->arenas.count) == 0 && written_keep(heap);
    heap->space.keeps = keeps;
    for (gait_mutator *mutator = heap->world.first; mutator; mutator = mutator->next) {
        mutator->head.barrier &= ~(uint32_t)MUTATOR_CARDS;
        if (!keeps || heap->remembers)
            continue; /* pages tell what is initialised later, too */
        mutator->head.barrier |= MUTATOR_CARDS;
        cache_remember_rest(&mutator->cache);
    }
}

static void turn_over(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    count_rest(heap);
    uint64_t marked = take_marked(heap, &cycle->record.black_bytes);
    for (gait_mutator *mutator = heap->world.first; mutator; mutator = mutator->next) {
        mutator->head.barrier &= ~(uint32_t)MUTATOR_BARRIER;
        mutator->assist_credit_bytes = 0;
    }
    phase_enter(&cycle->phase, PHASE_SETTLE);
    PERTURB(CYCLE_FLIP);
    AO_int_store_release(&heap->space.epoch, space_epoch(&heap->space) + 1);
    control_end(&heap->control, &cycle->record, marked, AO_load(&cycle->stack_bytes),
                roots_bytes(&heap->roots));
    turn_cards(heap);
}

/* How much a stopped mark finds. Objects and foreign memory are counted as among what was marked.
 */
static void measure_live(gait_heap *heap) {
    size_t found_bytes = verify_found_bytes(heap);
    if (found_bytes > 0)
        heap->cycle.record.live_bytes = found_bytes + heap->cycle.record.foreign_bytes;
}

/* With the world stopped, as the bits have turned over: searches that somebody asked for. Policy is
 * not to see them: the cycle has ended for control, and the CPU time is nobody's. */
static void search_on_demand(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    bool expects = !cycle->record.minor && AO_load(&heap->expected.count) > 0;
    if (!heap->options.gcfloat && !expects)
        return;
    int64_t begin_ns = platform_thread_cpu_ns();
    if (heap->options.gcfloat)
        measure_live(heap);
    if (expects)
        kept_search(heap);
    int64_t spent_ns = platform_thread_cpu_ns() - begin_ns;
    cycle->begin_cpu_ns += spent_ns;
    control_leave_out(&heap->control, spent_ns);
}

int64_t cycle_start_the_world(gait_heap *heap) {
    int64_t pause_ns = world_start(&heap->world);
    figures_pause(&heap->cycle.figures, pause_ns);
    return pause_ns;
}

/* gccheckmark: before a minor cycle. */
static void check_cards(gait_heap *heap) {
    world_stop(&heap->world);
    verify_cards(heap);
    cycle_start_the_world(heap);
}

/* The end of phase 7, with the world stopped. @return false: given up. */
static bool end_marking(gait_heap *heap) {
    workers_close(heap);
    if (workers_are_ending(&heap->workers))
        return false;
    marker_drop_lone(&heap->workers.marker);
    if (heap->options.gccheckmark)
        verify_marks(heap);
    if (heap->options.arenacheck)
        arenas_check_all(&heap->arenas, heap->value_mask);
    turn_over(heap);
    search_on_demand(heap);
    return true;
}

/* ---- Ways to mark ---- */

/* With the world stopped, and all that is reachable marked: have objects come back whose finalizers
 * resurrect them. @return whether marking goes on. */
static bool rescue(gait_heap *heap) {
    struct marker *marker = &heap->workers.marker;
    if (!heap->finalizers.suspects)
        return false;
    marker_begin(marker);
    bool some = rescue_decide(&heap->finalizers, marker);
    marker_end(marker);
    return some;
}

void cycle_mark_stopped(gait_heap *heap) {
    do {
        cycle_mark(heap, true);
        phase_enter(&heap->cycle.phase, PHASE_STOP);
        rescue_suspect(&heap->finalizers, &heap->workers.marker);
    } while (rescue(heap));
}

size_t cycle_push_stopped_roots(gait_heap *heap, struct gait_visitor *visitor) {
    const struct world_hooks *hooks = &heap->world.hooks;
    size_t before = visitor->words;
    if (hooks->roots)
        hooks->roots(visitor, hooks->data);
    return (visitor->words - before) * sizeof(gait_word);
}

/* With the world stopped, before a minor cycle of a program that stores plainly. */
static void see_written(gait_heap *heap) {
    heap->cycle.record.written_pages = written_since(heap);
    if (heap->options.gccheckmark)
        verify_cards(heap);
}

/* Stop the world, and push all roots. */
static void stop_and_push(void *data) {
    gait_heap *heap = data;
    struct cycle *cycle = &heap->cycle;
    struct marker *marker = &heap->workers.marker;
    world_stop(&heap->world);
    if (cycle->record.minor)
        see_written(heap);
    phase_enter(&cycle->phase, PHASE_ROOTS);
    cycle->record.mark_ns = platform_now_ns();
    marker_begin(marker);
    for (gait_mutator *mutator = heap->world.first; mutator; mutator = mutator->next)
        roots_scan(mutator);
    counter_add(&cycle->stack_bytes, cycle_push_stopped_roots(heap, &marker->visitor));
    marker_end(marker);
    arenas_open(&heap->arenas);
    phase_enter(&cycle->phase, PHASE_SHARED_ROOTS);
    push_shared_roots(heap);
}

void cycle_stop_and(gait_heap *heap, void (*act)(void *data)) {
    if (world_has_hooks(&heap->world) && heap->roots.visits_libraries)
        platform_with_loader(act, heap);
    else
        act(heap);
}

/* Phases 3 and 4 beside the running program. */
static void push_roots(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    struct marker *marker = &heap->workers.marker;
    phase_enter(&cycle->phase, PHASE_ROOTS);
    PERTURB(CYCLE_BLACK);
    marker_begin(marker);
    world_handshake(&heap->world, roots_scan);
    arenas_open(&heap->arenas);
    phase_enter(&cycle->phase, PHASE_SHARED_ROOTS);
    marker_end(marker);
    cycle->record.mark_ns = platform_now_ns();
    PERTURB(CYCLE_ROOTS);
    push_shared_roots(heap);
}

/* Phases 2 to 7 beside the running program, which is stopped afterwards. @return false: given up.
 */
static bool mark_concurrently(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    struct workers *workers = &heap->workers;
    if (cycle->record.minor && heap->options.gccheckmark)
        check_cards(heap);
    phase_enter(&cycle->phase, PHASE_BARRIERS);
    PERTURB(CYCLE_BARRIERS);
    world_handshake(&heap->world, barrier_turn_on);
    world_handshake(&heap->world, pass_safepoint); /* stores: marking.md, .inv.store */
    if (heap->roots.checks_suspended)
        suspended_note_all(&heap->roots);
    if (heap->object_barrier && !cycle->record.minor)
        cards_wipe(&workers->marker); /* nothing is black: what was dirtied before is not needed */
    if (heap->space.cards.by_object)
        arenas_note(&heap->arenas, cycle->record.minor);
    AO_int_store(&heap->space.defers, heap->watches);
    if (world_has_hooks(&heap->world)) { /* threads don't answer */
        cycle_stop_and(heap, stop_and_push);
        cycle_start_the_world(heap);
    } else {
        push_roots(heap);
    }
    workers_open(heap, bytes_to_mark(heap));
    PERTURB(CYCLE_HELPED);
    if (heap->object_barrier) {
        changes_mark(heap);
        return end_marking(heap);
    }
    for (;;) {
        AO_t published;
        unsigned rounds = 0, rounds_most;
        do {
            published = cycle_mark(heap, false);
            PERTURB(CYCLE_DRAINED);
            phase_enter(&cycle->phase, PHASE_FLUSH);
            world_handshake(&heap->world, flush);
            rounds_most =
                AO_load(&heap->queue.keys.pairs) > 0 ? ROUNDS_MOST_WITH_PAIRS : ROUNDS_MOST;
        } while (!is_quiet(heap, published) && ++rounds < rounds_most &&
                 !workers_are_ending(workers));
        bool in_vain = rounds >= rounds_most;
        if (in_vain)
            AO_int_store(&cycle->closing, 1);
        rescue_suspect(&heap->finalizers, &workers->marker);
        PERTURB(CYCLE_QUIET);
        world_stop(&heap->world);
        phase_enter(&cycle->phase, PHASE_STOP);
        if (workers_are_ending(workers))
            break;
        if ((marking_is_over(heap, published) || (in_vain && mark_rest(heap))) && !rescue(heap))
            break;
        cycle_start_the_world(heap);
    }
    AO_int_store(&cycle->closing, 0);
    return end_marking(heap);
}

/* The same with the world stopped from 2 on. */
static bool mark_stopped(gait_heap *heap) {
    cycle_stop_and(heap, stop_and_push);
    workers_open(heap, bytes_to_mark(heap));
    cycle_mark_stopped(heap);
    if (heap->object_barrier)
        changes_blacken(heap);
    return end_marking(heap);
}

/* ---- The cycle ---- */

/* Phase 8, what programs may see of it: words that are cleared, objects that come back. */
static void settle(gait_heap *heap, bool stopped) {
    PERTURB(CYCLE_FLIPPED);
    workers_await_rest(heap, stopped); /* not in the pause: it may take a while */
    queue_clear(&heap->queue);         /* pairs that wait for dead keys */
    PERTURB(CYCLE_SETTLE);
    weak_settle(&heap->space, heap->value_mask);
    links_clear_short(&heap->links, &heap->space);
    liveness_clear(&heap->liveness, &heap->workers.marker, GAIT_LIVENESS_CLEAR);
    PERTURB(CYCLE_SETTLED);
    size_t kept = finalizers_settle(&heap->finalizers, &heap->workers.marker);
    links_clear_long(&heap->links, &heap->space);
    liveness_clear(&heap->liveness, &heap->workers.marker, GAIT_LIVENESS_SWEEP);
    counter_add(&heap->space.tally.live_bytes, kept);
}

/* The rest of it; then sweeping opens. */
static void open_sweep(gait_heap *heap, bool stopped) {
    coroutines_bury(&heap->roots);
    coroutines_settle(&heap->roots, &heap->space, heap->value_mask);
    samples_settle(&heap->samples, &heap->space);
    expected_settle(&heap->expected, &heap->space);
    arenas_settle(&heap->arenas, heap->options.arenaleaks ? observe_leaked : NULL, heap);
    if (!heap->cycle.record.minor)
        arenas_note_settled(&heap->arenas);
    if (stopped)
        for (gait_mutator *mutator = heap->world.first; mutator; mutator = mutator->next)
            hear_of_cycle(mutator);
    else /* weak reads: before a cell gets a new object */
        world_handshake(&heap->world, hear_of_cycle);
    count_rest(heap);
    PERTURB(CYCLE_OPEN);
    phase_enter(&heap->cycle.phase, PHASE_SWEEP);
    sweep_open(&heap->sweeper);
}

/* Bytes of cells that the last cycle found, when all is swept: objects are sure to be no fewer.
 * *called: of kinds with a scan function. */
static uint64_t swept_bytes(const gait_heap *heap, uint64_t *called) {
    intptr_t bytes = 0; /* what the program freed of rests of runs was not counted before */
    *called = 0;
    for (size_t i = 0; i < kinds_count(&heap->kinds); i++) {
        const struct kind *kind = &heap->kinds.kinds[i];
        intptr_t live = (intptr_t)AO_load(&kind->live_bytes);
        bytes += live;
        if (kind->layout == GAIT_CALLBACK && live > 0)
            *called += (uint64_t)live;
    }
    return bytes > 0 ? (uint64_t)bytes : 0;
}

/* @return false: this cycle stops the program. */
static bool begin_watch(gait_heap *heap) {
    if (written_begin(heap))
        return true;
    if (!heap->written.told)
        observe_unwatched(heap);
    heap->written.told = true;
    return false;
}

void cycle_begin(gait_heap *heap, bool forced, bool periodic, bool whole) {
    struct cycle *cycle = &heap->cycle;
    control_settle_procs(&heap->control);
    phase_enter(&cycle->phase, PHASE_FINISH_SWEEP);
    if (!sweep_done(&heap->sweeper))
        sweeping_finish(heap);
    uint64_t called_bytes, kept_bytes = swept_bytes(heap, &called_bytes);
    for (size_t kind = 0; kind < kinds_count(&heap->kinds); kind++) {
        AO_store(&heap->kinds.kinds[kind].live_objects, 0);
        AO_store(&heap->kinds.kinds[kind].live_bytes, 0);
    }
    uint64_t number = cycle->record.number + 1;
    memset(&cycle->record, 0, sizeof cycle->record);
    cycle->record.number = number;
    expected_begin(&heap->expected, number);
    cycle->record.forced = forced;
    cycle->record.periodic = periodic;
    cycle->begin_cpu_ns = platform_thread_cpu_ns(); /* sweeping is counted already */
    cycle->record.stopped = !heap->concurrent || (heap->watches && !begin_watch(heap));
    cycle->record.minor = heap->space.keeps && !whole; /* it may be; control decides */
    if (heap->remembers && AO_load(&heap->arenas.count) > 0)
        cycle->record.minor = false;
    cycle->record.kept_bytes = kept_bytes;
    cycle->record.piece_bytes = ranges_piece_bytes(&heap->roots);
    uint64_t changed_bytes = 0;
    if (cycle->record.minor) {
        changed_bytes = cycle->record.piece_bytes;
        if (heap->remembers)
            written_since(heap);
        else
            changed_bytes = ranges_changed_bytes(&heap->roots, &heap->space);
        cycle->record.dirty_bytes = cards_dirty_bytes(&heap->space) + called_bytes + changed_bytes;
    }
    AO_store(&heap->space.cards.work_bytes, 0);
    foreign_check(&heap->space.foreign, "gait_foreign_sub");
    control_begin(&heap->control, &cycle->record, periodic, cycle->record.stopped,
                  AO_load(&cycle->stack_bytes), roots_bytes(&heap->roots), changed_bytes);
}

/* Objects come back with what they lead to, which is marking: .inv.called of changes.c. */
static bool may_call_for_what_comes_back(gait_heap *heap) {
    return kinds_are_called(&heap->space, kinds_count(&heap->kinds)) &&
           finalizers_are_unordered(&heap->finalizers);
}

/* A program that needs no barriers loads the slots of links plainly, too, and words of tables that
 * hooks clear; and its scan functions may be written for a world that stands still. */
static bool settles_stopped(gait_heap *heap) {
    return heap->options.gcstoptheworld == 2 ||
           ((!heap->concurrent || heap->watches) &&
            (AO_load(&heap->links.count) > 0 || liveness_has_hooks(&heap->liveness) ||
             may_call_for_what_comes_back(heap)));
}

/* Phases 2 to 8. @return false: given up. */
static bool mark_and_settle(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    if (heap->space.keeps && !cycle->record.minor)
        sweep_forget(&heap->sweeper);
    bool over = cycle->record.stopped ? mark_stopped(heap) : mark_concurrently(heap);
    bool stopped = settles_stopped(heap), sweeps_stopped = heap->options.gcstoptheworld == 2;
    if (over && stopped)
        settle(heap, true);
    if (over && sweeps_stopped) {
        open_sweep(heap, true);
        sweeping_finish(heap);
    }
    /* Not after the start: whoever is woken by that may run in place of this thread for a while. */
    news_tell_all(&heap->queue.news);
    cycle->record.stop_ns = cycle_start_the_world(heap);
    if (heap->watches && !cycle->record.stopped)
        written_end(heap);
    if (!heap->space.keeps && !cycle->record.minor) /* else the full one that ends a row is next */
        written_drop(heap);
    if (over)
        kept_tell(heap);
    if (over && !stopped)
        settle(heap, false);
    if (over && !sweeps_stopped)
        open_sweep(heap, false);
    return over;
}

bool cycle_run(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    struct cycle_record *record = &cycle->record;
    int64_t begin_ns = TIMELINE_BEGIN(cycle);
    observe_begin(heap, record);
    AO_store(&cycle->stack_bytes, 0);
    workers_want(heap, record->forced || record->periodic || record->by_limit || heap->watches ||
                           AO_load(&heap->world.running) == 0);
    if (!mark_and_settle(heap))
        return false;
    TIMELINE_END(cycle, heap->space.heap_number, begin_ns, record->number);
    figures_cycle(&cycle->figures, record);
    observe_cycle(heap, record);
    if (heap->options.gcstoptheworld != 2)
        sweeping_finish(heap);
    finalizers_tidy(&heap->finalizers);
    notices_cycle(&heap->control);
    arenas_reuse(&heap->arenas);
    observe_swept(heap, record);
    phase_enter(&cycle->phase, PHASE_IDLE);
    return true;
}

/* A reader of a hang wants to know what it is that does not go on. */
static void tell_silent(const gait_mutator *mutator, int64_t silent_ns) {
    gait_heap *heap = mutator->heap;
    bool stops = AO_int_load(&heap->world.stopping) != 0; /* the phase comes when all have */
    enum cycle_phase phase = stops ? PHASE_STOP : phase_now(&heap->cycle.phase);
    observe_silent(heap, phase_name(phase), mutator, silent_ns);
}

void cycle_init(gait_heap *heap) {
    figures_init(&heap->cycle.figures);
    kept_init(&heap->cycle.kept, &heap->space.metadata_bytes);
    heap->world.tell_silent = tell_silent;
}

void cycle_destroy(gait_heap *heap) {
    kept_destroy(&heap->cycle.kept);
    figures_destroy(&heap->cycle.figures);
}
