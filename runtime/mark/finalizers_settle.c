/* SPDX-License-Identifier: MIT */
/*
 * Passes over all finalizers and cleanups: what marking pushes for them, and what becomes of those
 * whose objects are dead. See finalizers.h.
 *
 * A record that is queued stays in its table, and passes go through memory, so to settle a million
 * takes 10 to 20 ms.
 */
#include "finalizer_record.h"
#include "revive.h"
#include "weak.h"

/* An object that has a finalizer, as a pass finds it. */
struct finalizable {
    uintptr_t object;
    uint32_t flags;
    bool queued; /* its finalizer is */
};

/* Have act called for each, without the lock. Since a record stays while its object is not dead and
 * swept, the object is there. */
static void each_finalizable(struct finalizers *finalizers,
                             void (*act)(const struct finalizable *finalizable, void *data),
                             void *data) {
    struct pool *pool = &finalizers->finalizers.pool;
    void *records[PASS_RECORDS];
    struct finalizable found[PASS_RECORDS];
    size_t count;
    lock_acquire(&finalizers->lock.lock);
    pool_walk(pool);
    while ((count = pool_step(pool, records, PASS_RECORDS)) > 0) {
        for (size_t i = 0; i < count; i++) {
            struct finalizer_record *record = records[i];
            found[i] = (struct finalizable){record_object(record), record_flags(record),
                                            record->queued != NULL};
        }
        lock_release(&finalizers->lock.lock);
        PERTURB(FINALIZERS_PASS);
        for (size_t i = 0; i < count; i++)
            act(&found[i], data);
        lock_acquire(&finalizers->lock.lock);
    }
    lock_release(&finalizers->lock.lock);
}

/* ---- What an object refers to ---- */

/* Hands on to another visitor what does not lead to the object itself. */
struct others_visitor {
    struct gait_visitor visitor; /* first: visit casts */
    struct gait_visitor *to;
    uintptr_t start;
    size_t bytes;
};

static void visit_other(struct gait_visitor *visitor, gait_word word, bool conservative) {
    const struct others_visitor *others = (struct others_visitor *)visitor;
    gait_word address = word & visitor->value_mask;
    if (address - others->start >= others->bytes && word - others->start >= others->bytes) {
        others->to->at = visitor->at;
        others->to->visit(others->to, word, conservative);
    }
}

static void reach_other(struct gait_visitor *visitor, gait_coroutine *coroutine) {
    const struct others_visitor *others = (struct others_visitor *)visitor;
    if (others->to->reach)
        others->to->reach(others->to, coroutine);
}

static void visit_others(struct space *space, struct gait_visitor *to, const struct cell *cell,
                         size_t bytes) {
    struct others_visitor others = {visitor_of(space, to->value_mask, visit_other), to,
                                    (uintptr_t)cell->start, bytes};
    others.visitor.reach = reach_other;
    others.visitor.counts = to->counts;
    marker_visit_object(space, &others.visitor, cell->start, cell->entry, bytes);
    to->words += others.visitor.words;
}

/* ---- While marking ---- */

struct pushing {
    struct marker *marker;
    bool weak_contents;
};

static void push_contents(struct marker *marker, const struct cell *cell, uint32_t flags) {
    size_t bytes = entry_cell_bytes(marker->space, cell->entry, cell->head);
    if (ENTRY_LAYOUT(cell->entry) == GAIT_CALLBACK && AO_int_load(&marker->space->defers))
        return; /* the last stop looks at all finalizers again: changes.c, .inv.called */
    if (!(flags & GAIT_FINALIZER_IGNORE_SELF)) {
        marker_scan(marker, cell->start, cell->entry, bytes);
        return;
    }
    visit_others(marker->space, &marker->visitor, cell, bytes);
    marker->scanned_bytes += bytes;
    if (ENTRY_LAYOUT(cell->entry) == GAIT_EPHEMERON)
        marker_scan_pairs(marker, cell->start, cell->entry, bytes, 0, bytes / sizeof(gait_word));
}

static void push_finalizable(const struct finalizable *finalizable, void *data) {
    struct pushing *pushing = data;
    struct marker *marker = pushing->marker;
    struct cell cell;
    if (finalizable->queued) { /* as it is, whatever the value mask: an address has no tags */
        marker_push_interior(marker, finalizable->object);
        return;
    }
    /* one that is marked is scanned itself, or was in an earlier cycle, and cards say what it got
     */
    if ((finalizable->flags & FINALIZER_COMES_BACK) ||
        !space_cell(marker->space, finalizable->object, &cell) ||
        cell_marked(&cell, space_epoch(marker->space)))
        return;
    unsigned layout = ENTRY_LAYOUT(cell.entry);
    pushing->weak_contents |= layout == GAIT_WEAK || layout == GAIT_EPHEMERON;
    if (layout != GAIT_LEAF)
        push_contents(marker, &cell, finalizable->flags);
}

void finalizers_push(struct finalizers *finalizers, struct marker *marker) {
    struct pushing pushing = {marker, false};
    each_finalizable(finalizers, push_finalizable, &pushing);
    /* an object that gets its finalizer later is reachable then: not dead when this cycle ends */
    finalizers->weak_contents = pushing.weak_contents;
}

static void push_queued(const struct finalizable *finalizable, void *data) {
    if (finalizable->queued)
        marker_push_interior(data, finalizable->object);
}

void finalizers_push_queued(struct finalizers *finalizers, struct marker *marker) {
    each_finalizable(finalizers, push_queued, marker);
}

struct visiting {
    struct space *space;
    struct gait_visitor *visitor;
};

static void visit_finalizable(const struct finalizable *finalizable, void *data) {
    const struct visiting *visiting = data;
    struct cell cell;
    visitor_enter(visiting->visitor, ROOTS_FINALIZER, (const void *)finalizable->object);
    if (finalizable->queued) {
        visiting->visitor->visit(visiting->visitor, finalizable->object, false);
        return;
    }
    if ((finalizable->flags & FINALIZER_COMES_BACK) ||
        !space_cell(visiting->space, finalizable->object, &cell))
        return;
    size_t bytes = entry_cell_bytes(visiting->space, cell.entry, cell.head);
    if (finalizable->flags & GAIT_FINALIZER_IGNORE_SELF)
        visit_others(visiting->space, visiting->visitor, &cell, bytes);
    else
        marker_visit_object(visiting->space, visiting->visitor, cell.start, cell.entry, bytes);
}

void finalizers_visit(struct finalizers *finalizers, struct space *space,
                      struct gait_visitor *visitor) {
    struct visiting visiting = {space, visitor};
    each_finalizable(finalizers, visit_finalizable, &visiting);
}

/* ---- Settling ---- */

struct settling {
    struct finalizers *finalizers;
    struct space *space;
    gait_word value_mask;
    unsigned epoch;
    struct finalizer_queue back; /* records of unordered finalizers: their objects come back */
    size_t found;                /* jobs that were queued */
    size_t kept_bytes;
};

/* The cell of an object that is dead now. */
static bool dead_cell(const struct settling *settling, uintptr_t object, struct cell *cell) {
    return space_cell(settling->space, object, cell) && !cell_allocated(cell, settling->epoch);
}

static void settle_contents(const struct finalizable *finalizable, void *data) {
    const struct settling *settling = data;
    struct cell cell;
    if (!finalizable->queued && !(finalizable->flags & FINALIZER_COMES_BACK) &&
        dead_cell(settling, finalizable->object, &cell))
        weak_settle_object(settling->space, settling->value_mask, cell.start, cell.entry,
                           entry_cell_bytes(settling->space, cell.entry, cell.head));
}

/* With the lock held: set a record apart if its finalizer is unordered and its object dead. */
static void record_set_apart(struct settling *settling, struct finalizer_record *record) {
    struct cell cell;
    if (!record->queued && (record_flags(record) & FINALIZER_COMES_BACK) &&
        dead_cell(settling, record_object(record), &cell))
        record_queue(&settling->back, record);
}

/* With the lock held: queue a record if its object is dead; one with a finalizer gets its
 * allocation bit back. */
static void record_settle(struct settling *settling, struct finalizer_record *record) {
    struct cell cell;
    if (record->queued || !dead_cell(settling, record_object(record), &cell))
        return;
    const struct cleanup_record *cleanup = record_cleanup(record);
    record_queue(&settling->finalizers->queue, record);
    settling->found += cleanup ? cleanup->count : 1;
    if (cleanup)
        return;
    bits_set(&cell.pair[settling->epoch & 1], cell.bit);
    settling->kept_bytes += entry_cell_bytes(settling->space, cell.entry, cell.head);
}

/* Have settle called for each record, with the lock held. */
static void table_settle(struct settling *settling, struct finalizer_table *table,
                         void (*settle)(struct settling *settling,
                                        struct finalizer_record *record)) {
    struct finalizers *finalizers = settling->finalizers;
    void *records[PASS_RECORDS];
    size_t count;
    lock_acquire(&finalizers->lock.lock);
    pool_walk(&table->pool);
    while ((count = pool_step(&table->pool, records, PASS_RECORDS)) > 0) {
        size_t before = settling->found;
        for (size_t i = 0; i < count; i++)
            settle(settling, records[i]);
        finalizers_count(finalizers, settling->found - before);
        pass_lock_let_in(&finalizers->lock);
    }
    lock_release(&finalizers->lock.lock);
}

void finalizers_queue_list(struct finalizers *finalizers, const struct finalizer_queue *list,
                           size_t count) {
    lock_acquire(&finalizers->lock.lock);
    if (finalizers->queue.first)
        finalizers->queue.last->queued = list->first;
    else
        finalizers->queue.first = list->first;
    finalizers->queue.last = list->last;
    finalizers_count(finalizers, count);
    lock_release(&finalizers->lock.lock);
    finalizers_wake(finalizers);
}

/* Objects with unordered finalizers come back, with all that they lead to; then these finalizers
 * are queued: .inv.back. */
static void bring_back(struct settling *settling, struct marker *marker) {
    struct finalizers *finalizers = settling->finalizers;
    size_t count = 0;
    weak_settle_dead(settling->space, settling->value_mask);
    revive_begin(marker);
    for (struct finalizer_record *record = settling->back.first; record;
         record = record_next(record), count++)
        revive_object(marker, record_object(record));
    settling->kept_bytes += revive_end(marker);
    finalizers_queue_list(finalizers, &settling->back, count);
}

bool finalizers_are_unordered(struct finalizers *finalizers) {
    lock_acquire(&finalizers->lock.lock);
    bool unordered = finalizers->unordered > 0;
    lock_release(&finalizers->lock.lock);
    return unordered;
}

size_t finalizers_settle(struct finalizers *finalizers, struct marker *marker) {
    struct settling settling = {.finalizers = finalizers,
                                .space = marker->space,
                                .value_mask = marker->value_mask,
                                .epoch = space_epoch(marker->space)};
    if (finalizers_are_unordered(finalizers))
        table_settle(&settling, &finalizers->finalizers, record_set_apart);
    if (settling.back.first)
        bring_back(&settling, marker);
    /* Weak words of what comes back, while all of that is still dead: so which of two objects is
     * found first makes no difference. */
    if (finalizers->weak_contents)
        each_finalizable(finalizers, settle_contents, &settling);
    /* finalizers first: an object that comes back keeps its cleanups */
    table_settle(&settling, &finalizers->finalizers, record_settle);
    size_t before = settling.found;
    table_settle(&settling, &finalizers->cleanups, record_settle);
    finalizers->untidy |= settling.found > before;
    if (settling.found > 0)
        finalizers_wake(finalizers);
    return settling.kept_bytes;
}

void finalizers_tidy(struct finalizers *finalizers) {
    struct finalizer_table *table = &finalizers->cleanups;
    void *records[PASS_RECORDS];
    if (!finalizers->untidy)
        return;
    lock_acquire(&finalizers->lock.lock);
    pool_walk(&table->pool);
    for (size_t count; (count = pool_step(&table->pool, records, PASS_RECORDS)) > 0;) {
        for (size_t i = 0; i < count; i++) {
            struct finalizer_record *record = records[i];
            if (record->queued && record->node.key) {
                record_untable(table, record);
                record->node.key = 0;
            }
        }
        pass_lock_let_in(&finalizers->lock);
    }
    lock_release(&finalizers->lock.lock);
    finalizers->untidy = false;
}

/* ---- All of them, at the end of a program ---- */

static uint64_t record_order(const struct finalizer_record *record) {
    return ((const struct object_record *)record)->order;
}

/* Merge two lists that are sorted, the youngest first. */
static struct finalizer_record *merge(struct finalizer_record *one,
                                      struct finalizer_record *other) {
    struct finalizer_record *first = NULL, **link = &first;
    while (one && other) {
        struct finalizer_record **younger = record_order(one) > record_order(other) ? &one : &other;
        *link = *younger;
        link = &(*younger)->queued;
        *younger = *link;
    }
    *link = one ? one : other;
    return first;
}

/* Lists of 1, 2, 4 … records, each sorted. They use the word that links a queue: a walk meets each
 * record once, so it takes none in a list for a queued one; and no memory is needed. */
#define SORT_LISTS 48

struct sorting {
    struct finalizer_record *lists[SORT_LISTS];
};

static void sort_add(struct sorting *sorting, struct finalizer_record *record) {
    unsigned i = 0;
    record->queued = NULL;
    for (; sorting->lists[i]; i++) {
        record = merge(record, sorting->lists[i]);
        sorting->lists[i] = NULL;
    }
    sorting->lists[i] = record;
}

size_t finalizers_queue_all(struct finalizers *finalizers) {
    struct sorting sorting = {{NULL}};
    struct finalizer_record *all = NULL;
    void *records[PASS_RECORDS];
    size_t count, queued = 0;
    lock_acquire(&finalizers->lock.lock);
    struct pool *pool = &finalizers->finalizers.pool;
    pool_walk(pool);
    while ((count = pool_step(pool, records, PASS_RECORDS)) > 0)
        for (size_t i = 0; i < count; i++)
            if (!((struct finalizer_record *)records[i])->queued)
                sort_add(&sorting, records[i]);
    for (unsigned i = 0; i < SORT_LISTS; i++)
        all = merge(all, sorting.lists[i]);
    for (struct finalizer_record *next; all; all = next, queued++) {
        next = all->queued;
        record_queue(&finalizers->queue, all);
    }
    finalizers_count(finalizers, queued);
    size_t jobs = AO_load(&finalizers->queued);
    lock_release(&finalizers->lock.lock);
    if (queued > 0)
        finalizers_wake(finalizers);
    return jobs;
}
