/* SPDX-License-Identifier: MIT */
/*
 * Finalizers, cleanups and their queue. See finalizers.h.
 */
#include "finalizer_record.h"

#include <string.h>

struct finalizer_record finalizer_queue_end;

static int table_init(struct finalizer_table *table, size_t record_bytes, AO_t *metadata_bytes) {
    pool_init(&table->pool, record_bytes, metadata_bytes);
    return address_map_init(&table->map, metadata_bytes, false);
}

static void table_destroy(struct finalizer_table *table) {
    address_map_destroy(&table->map);
    pool_destroy(&table->pool);
}

int finalizers_init(struct finalizers *finalizers, AO_t *metadata_bytes, AO_t *pending) {
    memset(finalizers, 0, sizeof *finalizers);
    finalizers->pending = pending;
    if (table_init(&finalizers->finalizers, sizeof(struct object_record), metadata_bytes) < 0)
        return -1;
    if (table_init(&finalizers->cleanups, sizeof(struct cleanup_record), metadata_bytes) < 0) {
        table_destroy(&finalizers->finalizers);
        return -1;
    }
    lock_init(&finalizers->lock.lock, LOCK_FINALIZERS, "finalizers");
    return 0;
}

void finalizers_destroy(struct finalizers *finalizers) {
    table_destroy(&finalizers->finalizers);
    table_destroy(&finalizers->cleanups);
    lock_destroy(&finalizers->lock.lock);
}

/* ---- Records ---- */

static struct finalizer_record *record_new(struct finalizer_table *table, uintptr_t key,
                                           void (*function)(void), void *data) {
    struct finalizer_record *record = pool_take(&table->pool);
    if (!record)
        return NULL;
    *record = (struct finalizer_record){.node.key = key, .function = function, .data = data};
    address_map_add(&table->map, &record->node);
    return record;
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

/* ---- Finalizers ---- */

static struct finalizer_setting record_setting(const struct finalizer_record *record) {
    return (struct finalizer_setting){(gait_finalizer_fn)record->function, record->data,
                                      record_flags(record)};
}

/* A finalizer's record changes its flags, or comes (from 0) or goes (to 0). */
static void count_flags(struct finalizers *finalizers, uint32_t from, uint32_t to) {
    finalizers->unordered -= (from & FINALIZER_COMES_BACK) != 0;
    finalizers->unordered += (to & FINALIZER_COMES_BACK) != 0;
    if (from & GAIT_FINALIZER_RESURRECT)
        counter_sub(&finalizers->resurrecting, 1);
    if (to & GAIT_FINALIZER_RESURRECT)
        counter_add(&finalizers->resurrecting, 1);
}

static void finalizer_free(struct finalizers *finalizers, struct finalizer_record *record) {
    count_flags(finalizers, record_flags(record), 0);
    if (((struct object_record *)record)->suspect) { /* the one that decides about it frees it */
        record_untable(&finalizers->finalizers, record);
        record->function = NULL;
        return;
    }
    record_free(&finalizers->finalizers, record);
}

static void finalizer_change(struct finalizers *finalizers, struct finalizer_record *record,
                             const struct finalizer_setting *setting) {
    struct object_record *object = (struct object_record *)record;
    count_flags(finalizers, record_flags(record), setting->flags);
    record->function = (void (*)(void))setting->finalize;
    record->data = setting->data;
    object->order = object->order >> ORDER_SHIFT << ORDER_SHIFT | setting->flags;
}

static int finalizer_add(struct finalizers *finalizers, void *object,
                         const struct finalizer_setting *setting) {
    struct finalizer_record *record = record_new(&finalizers->finalizers, (uintptr_t)object,
                                                 (void (*)(void))setting->finalize, setting->data);
    if (!record)
        return GAIT_E_MEMORY;
    struct object_record *added = (struct object_record *)record;
    added->order = ++finalizers->registered << ORDER_SHIFT | setting->flags;
    added->suspect = NULL;
    count_flags(finalizers, 0, setting->flags);
    return 0;
}

int finalizers_set(struct finalizers *finalizers, void *object,
                   const struct finalizer_setting *setting, struct finalizer_setting *old) {
    int result = 0;
    pass_lock_want(&finalizers->lock);
    struct finalizer_record *record = record_find(&finalizers->finalizers, (uintptr_t)object);
    *old = record ? record_setting(record) : (struct finalizer_setting){0};
    if (record && setting->finalize)
        finalizer_change(finalizers, record, setting);
    else if (record)
        finalizer_free(finalizers, record);
    else
        result = setting->finalize ? finalizer_add(finalizers, object, setting) : GAIT_E_MISSING;
    lock_release(&finalizers->lock.lock);
    return result;
}

void finalizers_drop(struct finalizers *finalizers, void *object) {
    struct finalizer_setting old;
    finalizers_set(finalizers, object, &(struct finalizer_setting){0}, &old);
}

struct finalizer_setting finalizers_get(struct finalizers *finalizers, const void *object) {
    pass_lock_want(&finalizers->lock);
    const struct finalizer_record *record = record_find(&finalizers->finalizers, (uintptr_t)object);
    struct finalizer_setting setting =
        record ? record_setting(record) : (struct finalizer_setting){0};
    lock_release(&finalizers->lock.lock);
    return setting;
}

/* ---- Cleanups ---- */

/* One odd key for object, function and data: different cleanups of an object lie in different
 * buckets. */
static uintptr_t cleanup_key(uintptr_t object, void (*function)(void), const void *data) {
    uint64_t mixed = (uint64_t)(uintptr_t)function * UINT64_C(0xbf58476d1ce4e5b9) +
                     (uint64_t)(uintptr_t)data * UINT64_C(0x94d049bb133111eb);
    return (object ^ (uintptr_t)(mixed ^ mixed >> 31)) | 1;
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
    pass_lock_want(&finalizers->lock);
    struct cleanup_record *cleanup = cleanup_find(table, key, object, function, data);
    if (cleanup) {
        cleanup->count++;
    } else if ((cleanup = (struct cleanup_record *)record_new(table, key, function, data))) {
        cleanup->object = (uintptr_t)object;
        cleanup->count = 1;
    }
    lock_release(&finalizers->lock.lock);
    return cleanup ? 0 : GAIT_E_MEMORY;
}

size_t finalizers_cleanup_cancel(struct finalizers *finalizers, void *object,
                                 gait_cleanup_fn clean_up, void *data) {
    struct finalizer_table *table = &finalizers->cleanups;
    void (*function)(void) = (void (*)(void))clean_up;
    uintptr_t key = cleanup_key((uintptr_t)object, function, data);
    pass_lock_want(&finalizers->lock);
    struct cleanup_record *cleanup = cleanup_find(table, key, object, function, data);
    size_t count = cleanup ? cleanup->count : 0;
    if (cleanup)
        record_free(table, &cleanup->record);
    lock_release(&finalizers->lock.lock);
    return count;
}

void finalizers_each_cleanup(struct finalizers *finalizers,
                             void (*act)(void *data, uintptr_t object, gait_cleanup_fn clean_up,
                                         void *of),
                             void *data) {
    struct pool *pool = &finalizers->cleanups.pool;
    void *records[PASS_RECORDS];
    size_t count;
    lock_acquire(&finalizers->lock.lock);
    pool_walk(pool);
    while ((count = pool_step(pool, records, PASS_RECORDS)) > 0)
        for (size_t i = 0; i < count; i++) {
            const struct cleanup_record *cleanup = records[i];
            if (!cleanup->record.queued)
                act(data, cleanup->object, (gait_cleanup_fn)cleanup->record.function,
                    cleanup->record.data);
        }
    lock_release(&finalizers->lock.lock);
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
    struct finalizer_record *record = finalizers->queue.first;
    struct cleanup_record *cleanup = record_cleanup(record);
    counter_sub(&finalizers->queued, 1);
    counter_sub(finalizers->pending, 1);
    counter_add(&finalizers->taken, 1);
    if (cleanup && --cleanup->count > 0)
        return;
    finalizers->queue.first = record_next(record);
    if (cleanup)
        record_free(&finalizers->cleanups, record);
    else
        finalizer_free(finalizers, record);
}

bool finalizers_take(struct finalizers *finalizers, struct finalizer_job *job) {
    pass_lock_want(&finalizers->lock);
    bool some = finalizers->queue.first != NULL;
    if (some) {
        *job = record_job(finalizers->queue.first);
        jobs_take(finalizers);
    }
    lock_release(&finalizers->lock.lock);
    PERTURB(FINALIZERS_TAKE);
    return some;
}

size_t finalizers_queued(const struct finalizers *finalizers) {
    return AO_load(&finalizers->queued);
}

void finalizers_wake(struct finalizers *finalizers) {
    AO_int_fetch_and_add1_full(&finalizers->signal); /* pairs with the load in finalizers_wait */
    platform_wake(&finalizers->signal, INT32_MAX);
}

void finalizers_notice_queued(struct finalizers *finalizers) {
    counter_add(&finalizers->notices, 1);
    counter_add(finalizers->pending, 1);
    finalizers_wake(finalizers);
}

void finalizers_notice_taken(struct finalizers *finalizers) {
    counter_sub(&finalizers->notices, 1);
    counter_sub(finalizers->pending, 1);
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

int64_t finalizers_await_served(struct finalizers *finalizers, const struct served_wait *wait,
                                bool *some) {
    size_t first = AO_load(&finalizers->taken), last = first;
    int64_t now_ns = platform_now_ns(), waited_ns = 0, last_ns = 0;
    while (finalizers_are_served(finalizers) && waited_ns < wait->most_ns) {
        platform_sleep_ns(wait->nap_ns);
        int64_t before_ns = now_ns;
        now_ns = platform_now_ns();
        int64_t since_ns = now_ns - before_ns;
        waited_ns += since_ns < wait->nap_most_ns ? since_ns : wait->nap_most_ns;
        size_t taken = AO_load(&finalizers->taken);
        if (taken != last) {
            last = taken;
            last_ns = waited_ns;
        } else if (waited_ns - last_ns >= wait->idle_ns) {
            AO_store(&finalizers->served, 0);
        }
    }
    *some = last != first;
    return waited_ns;
}

void finalizers_stop(struct finalizers *finalizers) {
    AO_int_store_release(&finalizers->stopped, 1);
    finalizers_wake(finalizers);
}
