/* SPDX-License-Identifier: MIT */
/*
 * Finalizers, cleanups and their queue. See finalizers.h.
 */
#include "finalizers.h"

#include <string.h>

#include "../platform/perturb.h"
#include "../platform/platform.h"
#include "weak.h"

/* Records that a pass looks at per hold of the lock: some 5 us where their objects' bits are in the
 * cache, 50 us where none is. */
#define PIECE 256
/* Pairs of buckets joined with each record that leaves a table: enough for it to be small when its
 * last record leaves, since a table is trimmed from a quarter of its buckets on. */
#define TRIM_PAIRS 8
/* How long a pass waits where others want the lock: a thread that was woken runs by then. */
#define LET_IN_NS 20000

/* A finalizer: the key is its object. Or the first part of a cleanup: the key is odd, so that it is
 * no object's address, or 0 when it was taken out of the table. */
struct finalizer_record {
    struct address_node node;
    void (*function)(void); /* the finalizer or the cleanup */
    void *data;
    struct finalizer_record *queued; /* NULL: not queued. The next of the queue, or &queue_end */
};

struct cleanup_record {
    struct finalizer_record record;
    uintptr_t object;
    size_t count; /* how many equal ones were added */
};

/* What the last record of the queue leads to. */
static struct finalizer_record queue_end;

static int table_init(struct finalizer_table *table, size_t record_bytes, AO_t *metadata_bytes) {
    pool_init(&table->pool, record_bytes, metadata_bytes);
    return address_map_init(&table->map, metadata_bytes, false);
}

static void table_destroy(struct finalizer_table *table) {
    address_map_destroy(&table->map);
    pool_destroy(&table->pool);
}

int finalizers_init(struct finalizers *finalizers, AO_t *metadata_bytes) {
    memset(finalizers, 0, sizeof *finalizers);
    if (table_init(&finalizers->finalizers, sizeof(struct finalizer_record), metadata_bytes) < 0)
        return -1;
    if (table_init(&finalizers->cleanups, sizeof(struct cleanup_record), metadata_bytes) < 0) {
        table_destroy(&finalizers->finalizers);
        return -1;
    }
    lock_init(&finalizers->lock, LOCK_FINALIZERS, "finalizers");
    return 0;
}

void finalizers_destroy(struct finalizers *finalizers) {
    table_destroy(&finalizers->finalizers);
    table_destroy(&finalizers->cleanups);
    lock_destroy(&finalizers->lock);
}

/* ---- The lock ---- */

static void table_lock(struct finalizers *finalizers) {
    counter_add(&finalizers->wanted, 1);
    lock_acquire(&finalizers->lock);
    counter_sub(&finalizers->wanted, 1);
}

/* A pass lets the lock go between two pieces. A mutex is not fair: a thread that waits for it is
 * woken too late to get it in so short a time. */
static void let_others_in(struct finalizers *finalizers) {
    lock_release(&finalizers->lock);
    PERTURB(FINALIZERS_SETTLE);
    if (AO_load(&finalizers->wanted) > 0)
        platform_sleep_ns(LET_IN_NS);
    lock_acquire(&finalizers->lock);
}

/* ---- Records ---- */

/* One odd key for object, function and data: different cleanups of an object lie in different
 * buckets. */
static uintptr_t cleanup_key(uintptr_t object, void (*function)(void), const void *data) {
    uint64_t mixed = (uint64_t)(uintptr_t)function * UINT64_C(0xbf58476d1ce4e5b9) +
                     (uint64_t)(uintptr_t)data * UINT64_C(0x94d049bb133111eb);
    return (object ^ (uintptr_t)(mixed ^ mixed >> 31)) | 1;
}

/* The cleanup that a record is the first part of, or NULL: it is a finalizer. */
static struct cleanup_record *record_cleanup(struct finalizer_record *record) {
    bool cleanup = record->node.key == 0 || record->node.key % 2 == 1;
    return cleanup ? (struct cleanup_record *)record : NULL;
}

static uintptr_t record_object(struct finalizer_record *record) {
    const struct cleanup_record *cleanup = record_cleanup(record);
    return cleanup ? cleanup->object : record->node.key;
}

static struct finalizer_record *record_new(struct finalizer_table *table, uintptr_t key,
                                           void (*function)(void), void *data) {
    struct finalizer_record *record = pool_take(&table->pool);
    if (!record)
        return NULL;
    *record = (struct finalizer_record){.node.key = key, .function = function, .data = data};
    address_map_add(&table->map, &record->node);
    return record;
}

static void record_untable(struct finalizer_table *table, struct finalizer_record *record) {
    address_map_remove(&table->map, &record->node);
    address_map_trim(&table->map, TRIM_PAIRS); /* nobody walks its buckets */
}

static void record_free(struct finalizer_table *table, struct finalizer_record *record) {
    if (record->node.key)
        record_untable(table, record);
    pool_give(&table->pool, record);
}

/* The record of this key that is not queued. */
static struct finalizer_record *record_find(struct finalizer_table *table, uintptr_t key) {
    struct address_node *node = address_map_find(&table->map, key);
    for (; node; node = node->next)
        if (node->key == key && !((struct finalizer_record *)node)->queued)
            break;
    return (struct finalizer_record *)node;
}

int finalizers_set(struct finalizers *finalizers, void *object, gait_finalizer_fn finalize,
                   void *data) {
    struct finalizer_table *table = &finalizers->finalizers;
    int result = 0;
    table_lock(finalizers);
    struct finalizer_record *record = record_find(table, (uintptr_t)object);
    if (!finalize) {
        if (record)
            record_free(table, record);
        else
            result = GAIT_E_MISSING;
    } else if (record) {
        record->function = (void (*)(void))finalize;
        record->data = data;
    } else if (!record_new(table, (uintptr_t)object, (void (*)(void))finalize, data)) {
        result = GAIT_E_MEMORY;
    }
    lock_release(&finalizers->lock);
    return result;
}

/* The record of these cleanups that is not queued, of which there is one at most. */
static struct cleanup_record *cleanup_find(struct finalizer_table *table, uintptr_t key,
                                           const void *object, void (*function)(void),
                                           const void *data) {
    struct address_node *node = address_map_find(&table->map, key);
    for (; node; node = node->next) {
        struct cleanup_record *cleanup = (struct cleanup_record *)node;
        if (node->key == key && !cleanup->record.queued && cleanup->object == (uintptr_t)object &&
            cleanup->record.function == function && cleanup->record.data == data)
            return cleanup;
    }
    return NULL;
}

int finalizers_cleanup_add(struct finalizers *finalizers, void *object, gait_cleanup_fn clean_up,
                           void *data) {
    struct finalizer_table *table = &finalizers->cleanups;
    void (*function)(void) = (void (*)(void))clean_up;
    uintptr_t key = cleanup_key((uintptr_t)object, function, data);
    table_lock(finalizers);
    struct cleanup_record *cleanup = cleanup_find(table, key, object, function, data);
    if (cleanup) {
        cleanup->count++;
    } else if ((cleanup = (struct cleanup_record *)record_new(table, key, function, data))) {
        cleanup->object = (uintptr_t)object;
        cleanup->count = 1;
    }
    lock_release(&finalizers->lock);
    return cleanup ? 0 : GAIT_E_MEMORY;
}

size_t finalizers_cleanup_cancel(struct finalizers *finalizers, void *object,
                                 gait_cleanup_fn clean_up, void *data) {
    struct finalizer_table *table = &finalizers->cleanups;
    void (*function)(void) = (void (*)(void))clean_up;
    uintptr_t key = cleanup_key((uintptr_t)object, function, data);
    table_lock(finalizers);
    struct cleanup_record *cleanup = cleanup_find(table, key, object, function, data);
    size_t count = cleanup ? cleanup->count : 0;
    if (cleanup)
        record_free(table, &cleanup->record);
    lock_release(&finalizers->lock);
    return count;
}

/* ---- Passes over all records ---- */

/* Have act called for each object that has a finalizer (queued: whose finalizer is queued already),
 * without the lock. Since a record stays while its object is not dead and swept, the object is
 * there. */
static void each_finalizable(struct finalizers *finalizers,
                             void (*act)(uintptr_t object, bool queued, void *data), void *data) {
    struct pool *pool = &finalizers->finalizers.pool;
    void *records[PIECE];
    uintptr_t objects[PIECE];
    bool queued[PIECE];
    size_t count;
    lock_acquire(&finalizers->lock);
    pool_walk(pool);
    while ((count = pool_step(pool, records, PIECE)) > 0) {
        for (size_t i = 0; i < count; i++) {
            objects[i] = record_object(records[i]);
            queued[i] = ((struct finalizer_record *)records[i])->queued != NULL;
        }
        lock_release(&finalizers->lock);
        PERTURB(FINALIZERS_PASS);
        for (size_t i = 0; i < count; i++)
            act(objects[i], queued[i], data);
        lock_acquire(&finalizers->lock);
    }
    lock_release(&finalizers->lock);
}

/* ---- While marking ---- */

struct pushing {
    struct marker *marker;
    bool weak_contents;
};

static void push_finalizable(uintptr_t object, bool queued, void *data) {
    struct pushing *pushing = data;
    struct marker *marker = pushing->marker;
    struct cell cell;
    if (queued) { /* as it is, whatever the value mask: an object's address has only address bits */
        marker_push_interior(marker, object);
        return;
    }
    /* one that is marked is scanned itself, or was in an earlier cycle, and cards say what it got
     */
    if (!space_cell(marker->space, object, &cell) || cell_marked(&cell, space_epoch(marker->space)))
        return;
    unsigned layout = ENTRY_LAYOUT(cell.entry);
    pushing->weak_contents |= layout == GAIT_WEAK || layout == GAIT_EPHEMERON;
    if (layout != GAIT_LEAF)
        marker_scan(marker, cell.start, cell.entry,
                    entry_cell_bytes(marker->space, cell.entry, cell.head));
}

void finalizers_push(struct finalizers *finalizers, struct marker *marker) {
    struct pushing pushing = {marker, false};
    each_finalizable(finalizers, push_finalizable, &pushing);
    /* an object that gets its finalizer later is reachable then: not dead when this cycle ends */
    finalizers->weak_contents = pushing.weak_contents;
}

struct visiting {
    struct space *space;
    struct gait_visitor *visitor;
};

static void visit_finalizable(uintptr_t object, bool queued, void *data) {
    struct visiting *visiting = data;
    struct cell cell;
    if (queued)
        visiting->visitor->visit(visiting->visitor, object, false);
    else if (space_cell(visiting->space, object, &cell))
        marker_visit_object(visiting->space, visiting->visitor, cell.start, cell.entry,
                            entry_cell_bytes(visiting->space, cell.entry, cell.head));
}

void finalizers_visit(struct finalizers *finalizers, struct space *space,
                      struct gait_visitor *visitor) {
    struct visiting visiting = {space, visitor};
    each_finalizable(finalizers, visit_finalizable, &visiting);
}

/* ---- Settling ---- */

struct settling {
    struct space *space;
    gait_word value_mask;
    unsigned epoch;
    size_t kept_bytes;
};

/* The cell of an object that is dead now. */
static bool dead_cell(const struct settling *settling, uintptr_t object, struct cell *cell) {
    return space_cell(settling->space, object, cell) && !cell_allocated(cell, settling->epoch);
}

static void settle_contents(uintptr_t object, bool queued, void *data) {
    struct settling *settling = data;
    struct cell cell;
    if (!queued && dead_cell(settling, object, &cell))
        weak_settle_object(settling->space, settling->value_mask, cell.start, cell.entry,
                           entry_cell_bytes(settling->space, cell.entry, cell.head));
}

/* With the lock held. */
static void record_queue(struct finalizers *finalizers, struct finalizer_record *record) {
    record->queued = &queue_end;
    if (finalizers->first)
        finalizers->last->queued = record;
    else
        finalizers->first = record;
    finalizers->last = record;
}

/* With the lock held: queue a record if its object is dead; one with a finalizer gets its
 * allocation bit back. @return the jobs that were queued. */
static size_t record_settle(struct finalizers *finalizers, struct finalizer_record *record,
                            struct settling *settling) {
    struct cell cell;
    if (record->queued || !dead_cell(settling, record_object(record), &cell))
        return 0;
    const struct cleanup_record *cleanup = record_cleanup(record);
    record_queue(finalizers, record);
    if (cleanup)
        return cleanup->count;
    bits_set(&cell.pair[settling->epoch & 1], cell.bit);
    settling->kept_bytes += entry_cell_bytes(settling->space, cell.entry, cell.head);
    return 1;
}

/* @return the jobs that were queued. */
static size_t table_settle(struct finalizers *finalizers, struct finalizer_table *table,
                           struct settling *settling) {
    void *records[PIECE];
    size_t all = 0, count;
    lock_acquire(&finalizers->lock);
    pool_walk(&table->pool);
    while ((count = pool_step(&table->pool, records, PIECE)) > 0) {
        size_t queued = 0;
        for (size_t i = 0; i < count; i++)
            queued += record_settle(finalizers, records[i], settling);
        counter_add(&finalizers->queued, queued);
        all += queued;
        let_others_in(finalizers);
    }
    lock_release(&finalizers->lock);
    return all;
}

static void waiters_wake(struct finalizers *finalizers) {
    AO_int_fetch_and_add1_full(&finalizers->signal); /* pairs with the load in finalizers_wait */
    platform_wake(&finalizers->signal, INT32_MAX);
}

size_t finalizers_settle(struct finalizers *finalizers, struct space *space, gait_word value_mask) {
    struct settling settling = {space, value_mask, space_epoch(space), 0};
    /* Weak words of what comes back, while all of that is still dead: so which of two objects is
     * found first makes no difference. */
    if (finalizers->weak_contents)
        each_finalizable(finalizers, settle_contents, &settling);
    /* finalizers first: an object that comes back keeps its cleanups */
    size_t queued = table_settle(finalizers, &finalizers->finalizers, &settling);
    size_t cleanups = table_settle(finalizers, &finalizers->cleanups, &settling);
    finalizers->untidy |= cleanups > 0;
    if (queued + cleanups > 0)
        waiters_wake(finalizers);
    return settling.kept_bytes;
}

void finalizers_notice_queued(struct finalizers *finalizers) {
    counter_add(&finalizers->notices, 1);
    waiters_wake(finalizers);
}

void finalizers_notice_taken(struct finalizers *finalizers) {
    counter_sub(&finalizers->notices, 1);
}

void finalizers_tidy(struct finalizers *finalizers) {
    struct finalizer_table *table = &finalizers->cleanups;
    void *records[PIECE];
    if (!finalizers->untidy)
        return;
    lock_acquire(&finalizers->lock);
    pool_walk(&table->pool);
    for (size_t count; (count = pool_step(&table->pool, records, PIECE)) > 0;) {
        for (size_t i = 0; i < count; i++) {
            struct finalizer_record *record = records[i];
            if (record->queued && record->node.key) {
                record_untable(table, record);
                record->node.key = 0;
            }
        }
        let_others_in(finalizers);
    }
    lock_release(&finalizers->lock);
    finalizers->untidy = false;
}

/* ---- The queue ---- */

/* With the lock held. @return the job of a record. */
static struct finalizer_job record_job(struct finalizer_record *record) {
    if (record_cleanup(record))
        return (struct finalizer_job){.clean_up = (gait_cleanup_fn)record->function,
                                      .data = record->data};
    return (struct finalizer_job){.object = (void *)record->node.key,
                                  .finalize = (gait_finalizer_fn)record->function,
                                  .data = record->data};
}

/* With the lock held: take the first record out of the queue, or one of its cleanups. */
static void jobs_take(struct finalizers *finalizers) {
    struct finalizer_record *record = finalizers->first;
    struct cleanup_record *cleanup = record_cleanup(record);
    counter_sub(&finalizers->queued, 1);
    counter_add(&finalizers->taken, 1);
    if (cleanup && --cleanup->count > 0)
        return;
    finalizers->first = record->queued == &queue_end ? NULL : record->queued;
    record_free(cleanup ? &finalizers->cleanups : &finalizers->finalizers, record);
}

bool finalizers_take(struct finalizers *finalizers, struct finalizer_job *job) {
    table_lock(finalizers);
    bool some = finalizers->first != NULL;
    if (some) {
        *job = record_job(finalizers->first);
        jobs_take(finalizers);
    }
    lock_release(&finalizers->lock);
    PERTURB(FINALIZERS_TAKE);
    return some;
}

size_t finalizers_queued(const struct finalizers *finalizers) {
    return AO_load(&finalizers->queued);
}

bool finalizers_wait(struct finalizers *finalizers, int64_t timeout_ns) {
    int64_t end_ns = platform_deadline_ns(timeout_ns);
    for (;;) {
        /* the signal before the queue: a job that is queued after the look has raised it */
        unsigned signal = AO_int_load_acquire(&finalizers->signal);
        if (AO_int_load_acquire(&finalizers->stopped))
            return false;
        if (AO_load_acquire(&finalizers->queued) > 0 || AO_load_acquire(&finalizers->notices) > 0)
            return true;
        int64_t left_ns = end_ns - platform_now_ns();
        if (left_ns <= 0)
            return false;
        AO_store(&finalizers->served, 1);
        platform_wait(&finalizers->signal, signal, left_ns);
    }
}

bool finalizers_await_served(struct finalizers *finalizers, int64_t most_ns, int64_t nap_ns,
                             int64_t idle_ns) {
    size_t first = AO_load(&finalizers->taken), last = first;
    int64_t begin_ns = platform_now_ns(), last_ns = begin_ns;
    while (finalizers_are_served(finalizers)) {
        platform_sleep_ns(nap_ns);
        int64_t now_ns = platform_now_ns();
        size_t taken = AO_load(&finalizers->taken);
        if (taken != last) {
            last = taken;
            last_ns = now_ns;
        } else if (now_ns - last_ns >= idle_ns) {
            AO_store(&finalizers->served, 0);
        }
        if (now_ns - begin_ns >= most_ns)
            break;
    }
    return last != first;
}

void finalizers_stop(struct finalizers *finalizers) {
    AO_int_store_release(&finalizers->stopped, 1);
    waiters_wake(finalizers);
}
