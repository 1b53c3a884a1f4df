/* SPDX-License-Identifier: MIT */
/*
 * Finalizers, cleanups and their queue. See finalizers.h.
 */
#include "finalizers.h"

#include <stdlib.h>
#include <string.h>

#include "../platform/perturb.h"
#include "../platform/platform.h"
#include "weak.h"

/* Objects that a pass picks up at a time, to look at them without the lock. A bucket of the map
 * holds one on average. */
#define BATCH 128
/* Jobs that finalizers_push looks at per hold of the lock. */
#define PIECE_JOBS 256

/* An object that has a finalizer, cleanups, or both. */
struct finalizer_entry {
    struct address_node node;        /* key: the object */
    struct finalizer_job *finalizer; /* NULL: none */
    struct finalizer_job *cleanups;  /* the last added first */
};

int finalizers_init(struct finalizers *finalizers) {
    memset(finalizers, 0, sizeof *finalizers);
    if (address_map_init(&finalizers->entries) < 0)
        return -1;
    lock_init(&finalizers->lock, LOCK_FINALIZERS, "finalizers");
    finalizers->last = &finalizers->first;
    return 0;
}

static void jobs_free(struct finalizer_job *job) {
    for (struct finalizer_job *next; job; job = next) {
        next = job->next;
        free(job);
    }
}

void finalizers_destroy(struct finalizers *finalizers) {
    for (size_t bucket = 0; bucket < finalizers->entries.buckets; bucket++) {
        struct address_node *node = address_map_bucket(&finalizers->entries, bucket), *next;
        for (; node; node = next) {
            next = node->next;
            jobs_free(((struct finalizer_entry *)node)->finalizer);
            jobs_free(((struct finalizer_entry *)node)->cleanups);
            free(node);
        }
    }
    address_map_destroy(&finalizers->entries);
    jobs_free(finalizers->first);
    lock_destroy(&finalizers->lock);
}

/* ---- Entries ---- */

static struct finalizer_entry *entry_find(struct finalizers *finalizers, const void *object) {
    return (struct finalizer_entry *)address_map_find(&finalizers->entries, (uintptr_t)object);
}

/* Drop an entry that has nothing left. */
static void entry_drop_empty(struct finalizers *finalizers, struct finalizer_entry *entry) {
    if (entry->finalizer || entry->cleanups)
        return;
    address_map_remove(&finalizers->entries, &entry->node);
    free(entry);
}

/* Room for a job, and for an entry should the object have none. @return false: no memory. */
static bool room_make(struct finalizer_job **job, struct finalizer_entry **entry) {
    *job = calloc(1, sizeof **job);
    *entry = calloc(1, sizeof **entry);
    if (*job && *entry)
        return true;
    free(*job);
    free(*entry);
    return false;
}

/* The object's entry, or *spare made into it; *spare is NULL then. */
static struct finalizer_entry *entry_get(struct finalizers *finalizers, void *object,
                                         struct finalizer_entry **spare) {
    struct finalizer_entry *entry = entry_find(finalizers, object);
    if (!entry) {
        entry = *spare;
        *spare = NULL;
        entry->node.key = (uintptr_t)object;
        address_map_add(&finalizers->entries, &entry->node);
    }
    return entry;
}

static int finalizer_remove(struct finalizers *finalizers, void *object) {
    struct finalizer_job *job = NULL;
    lock_acquire(&finalizers->lock);
    struct finalizer_entry *entry = entry_find(finalizers, object);
    if (entry) {
        job = entry->finalizer;
        entry->finalizer = NULL;
        entry_drop_empty(finalizers, entry);
    }
    lock_release(&finalizers->lock);
    free(job);
    return job ? 0 : GAIT_E_MISSING;
}

int finalizers_set(struct finalizers *finalizers, void *object, gait_finalizer_fn finalize,
                   void *data) {
    if (!finalize)
        return finalizer_remove(finalizers, object);
    struct finalizer_job *job, *before;
    struct finalizer_entry *spare;
    if (!room_make(&job, &spare))
        return GAIT_E_MEMORY;
    job->object = object;
    job->finalize = finalize;
    job->data = data;
    lock_acquire(&finalizers->lock);
    struct finalizer_entry *entry = entry_get(finalizers, object, &spare);
    before = entry->finalizer;
    entry->finalizer = job;
    lock_release(&finalizers->lock);
    free(before);
    free(spare);
    return 0;
}

int finalizers_cleanup_add(struct finalizers *finalizers, void *object, gait_cleanup_fn clean_up,
                           void *data) {
    struct finalizer_job *job;
    struct finalizer_entry *spare;
    if (!room_make(&job, &spare))
        return GAIT_E_MEMORY;
    job->clean_up = clean_up;
    job->data = data;
    lock_acquire(&finalizers->lock);
    struct finalizer_entry *entry = entry_get(finalizers, object, &spare);
    job->next = entry->cleanups;
    entry->cleanups = job;
    lock_release(&finalizers->lock);
    free(spare);
    return 0;
}

size_t finalizers_cleanup_cancel(struct finalizers *finalizers, void *object,
                                 gait_cleanup_fn clean_up, void *data) {
    size_t count = 0;
    lock_acquire(&finalizers->lock);
    struct finalizer_entry *entry = entry_find(finalizers, object);
    struct finalizer_job **at = entry ? &entry->cleanups : NULL;
    while (at && *at) {
        struct finalizer_job *job = *at;
        if (job->clean_up != clean_up || job->data != data) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        free(job);
        count++;
    }
    if (entry)
        entry_drop_empty(finalizers, entry);
    lock_release(&finalizers->lock);
    return count;
}

/* ---- Passes over all entries ---- */

/* Objects that have a finalizer. */
struct batch {
    size_t count;
    uintptr_t objects[BATCH];
};

typedef void (*batch_act)(uintptr_t object, void *data);

/* Have act called for each object that has a finalizer, without the lock but for those of a bucket
 * that overflows the batch. Since an entry stays while its object is not dead and swept, the object
 * is there; see address_map.h for why none is missed. */
static void each_finalizable(struct finalizers *finalizers, batch_act act, void *data) {
    struct batch batch;
    bool more = true;
    for (size_t bucket = 0; more;) {
        batch.count = 0;
        lock_acquire(&finalizers->lock);
        /* a bucket or more: at most so many that nobody waits long */
        for (unsigned i = 0; i < BATCH && batch.count < BATCH / 2; i++, bucket++) {
            if (!(more = bucket < finalizers->entries.buckets))
                break;
            struct address_node *node = address_map_bucket(&finalizers->entries, bucket);
            for (; node; node = node->next) {
                if (!((struct finalizer_entry *)node)->finalizer)
                    continue;
                if (batch.count < BATCH)
                    batch.objects[batch.count++] = node->key;
                else
                    act(node->key, data);
            }
        }
        lock_release(&finalizers->lock);
        PERTURB(FINALIZERS_PASS);
        for (size_t i = 0; i < batch.count; i++)
            act(batch.objects[i], data);
    }
}

/* ---- While marking ---- */

static void push_contents(uintptr_t object, void *data) {
    struct marker *marker = data;
    struct cell cell;
    if (space_cell(marker->space, object, &cell))
        marker_scan(marker, cell.start, cell.entry,
                    entry_cell_bytes(marker->space, cell.entry, cell.head));
}

void finalizers_push(struct finalizers *finalizers, struct marker *marker) {
    each_finalizable(finalizers, push_contents, marker);
    lock_acquire(&finalizers->lock);
    finalizers->cursor = finalizers->first;
    while (finalizers->cursor) {
        for (unsigned i = 0; i < PIECE_JOBS && finalizers->cursor; i++) {
            /* as it is, whatever the value mask: an object's address has only address bits */
            if (finalizers->cursor->object)
                marker_push_interior(marker, (gait_word)finalizers->cursor->object);
            finalizers->cursor = finalizers->cursor->next;
        }
        lock_release(&finalizers->lock); /* let others in */
        lock_acquire(&finalizers->lock);
    }
    lock_release(&finalizers->lock);
}

struct visiting {
    struct space *space;
    struct gait_visitor *visitor;
};

static void visit_contents(uintptr_t object, void *data) {
    struct visiting *visiting = data;
    struct cell cell;
    if (space_cell(visiting->space, object, &cell))
        marker_visit_object(visiting->space, visiting->visitor, cell.start, cell.entry,
                            entry_cell_bytes(visiting->space, cell.entry, cell.head));
}

void finalizers_visit(struct finalizers *finalizers, struct space *space,
                      struct gait_visitor *visitor) {
    struct visiting visiting = {space, visitor};
    each_finalizable(finalizers, visit_contents, &visiting);
    for (const struct finalizer_job *job = finalizers->first; job; job = job->next)
        if (job->object)
            visitor->visit(visitor, (gait_word)job->object, false);
}

/* ---- Settling ---- */

struct settling {
    struct space *space;
    gait_word value_mask;
    unsigned epoch;
    size_t kept_bytes;
    size_t queued;
};

/* The cell of an object that is dead now. */
static bool dead_cell(const struct settling *settling, uintptr_t object, struct cell *cell) {
    return space_cell(settling->space, object, cell) && !cell_allocated(cell, settling->epoch);
}

static void settle_contents(uintptr_t object, void *data) {
    struct settling *settling = data;
    struct cell cell;
    if (dead_cell(settling, object, &cell))
        weak_settle_object(settling->space, settling->value_mask, cell.start, cell.entry,
                           entry_cell_bytes(settling->space, cell.entry, cell.head));
}

/* With the lock held: move all jobs of a list to the queue, the last first. */
static void jobs_queue(struct finalizers *finalizers, struct finalizer_job *job,
                       struct settling *settling) {
    while (job) {
        struct finalizer_job *next = job->next;
        job->next = NULL;
        *finalizers->last = job;
        finalizers->last = &job->next;
        settling->queued++;
        job = next;
    }
}

/* With the lock held: a dead object's entry. */
static void entry_settle(struct finalizers *finalizers, struct finalizer_entry *entry,
                         const struct cell *cell, struct settling *settling) {
    if (entry->finalizer) {
        bits_set(&cell->pair[settling->epoch & 1], cell->bit);
        settling->kept_bytes += entry_cell_bytes(settling->space, cell->entry, cell->head);
        jobs_queue(finalizers, entry->finalizer, settling);
        entry->finalizer = NULL;
    } else {
        jobs_queue(finalizers, entry->cleanups, settling);
        entry->cleanups = NULL;
    }
    entry_drop_empty(finalizers, entry);
}

static void bucket_settle(struct finalizers *finalizers, size_t bucket, struct settling *settling) {
    struct address_node *node = address_map_bucket(&finalizers->entries, bucket), *next;
    for (; node; node = next) {
        next = node->next;
        struct cell cell;
        if (dead_cell(settling, node->key, &cell))
            entry_settle(finalizers, (struct finalizer_entry *)node, &cell, settling);
    }
}

static void waiters_wake(struct finalizers *finalizers) {
    AO_int_fetch_and_add1_full(&finalizers->signal); /* pairs with the load in finalizers_wait */
    platform_wake(&finalizers->signal, INT32_MAX);
}

size_t finalizers_settle(struct finalizers *finalizers, struct space *space, gait_word value_mask) {
    struct settling settling = {space, value_mask, space_epoch(space), 0, 0};
    /* Weak words of what comes back, while all of that is still dead: so which of two objects is
     * found first makes no difference. */
    each_finalizable(finalizers, settle_contents, &settling);
    size_t all = 0;
    bool more = true;
    for (size_t bucket = 0; more; bucket++) {
        settling.queued = 0;
        PERTURB(FINALIZERS_SETTLE);
        lock_acquire(&finalizers->lock);
        if ((more = bucket < finalizers->entries.buckets))
            bucket_settle(finalizers, bucket, &settling);
        counter_add(&finalizers->queued, settling.queued);
        lock_release(&finalizers->lock);
        all += settling.queued;
    }
    if (all > 0)
        waiters_wake(finalizers);
    return settling.kept_bytes;
}

/* ---- The queue ---- */

bool finalizers_take(struct finalizers *finalizers, struct finalizer_job *job) {
    lock_acquire(&finalizers->lock);
    struct finalizer_job *first = finalizers->first;
    if (first) {
        finalizers->first = first->next;
        if (!finalizers->first)
            finalizers->last = &finalizers->first;
        if (finalizers->cursor == first)
            finalizers->cursor = first->next;
        counter_sub(&finalizers->queued, 1);
        *job = *first;
    }
    lock_release(&finalizers->lock);
    PERTURB(FINALIZERS_TAKE);
    free(first);
    return first != NULL;
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
        if (AO_load_acquire(&finalizers->queued) > 0)
            return true;
        int64_t left_ns = end_ns - platform_now_ns();
        if (left_ns <= 0)
            return false;
        platform_wait(&finalizers->signal, signal, left_ns);
    }
}

void finalizers_stop(struct finalizers *finalizers) {
    AO_int_store_release(&finalizers->stopped, 1);
    waiters_wake(finalizers);
}
