/* SPDX-License-Identifier: MIT */
/*
 * Looking for objects that are to come back, and deciding. See rescue.h.
 */
#include "rescue.h"

#include "finalizer_record.h"

/* What the last suspect leads to. */
static struct object_record suspects_end;

static bool resurrects(const struct finalizer_record *record) {
    return !record->queued && (record_flags(record) & GAIT_FINALIZER_RESURRECT);
}

/* With the lock held: take the first suspect out. NULL: there is none. One whose finalizer was
 * removed meanwhile is freed, as it could not be then. */
static struct object_record *suspect_take(struct finalizers *finalizers) {
    for (struct object_record *record; (record = finalizers->suspects);) {
        finalizers->suspects = record->suspect == &suspects_end ? NULL : record->suspect;
        record->suspect = NULL;
        if (record->record.function)
            return record;
        pool_give(&finalizers->finalizers.pool, record);
    }
    return NULL;
}

void rescue_suspect(struct finalizers *finalizers, struct marker *marker) {
    struct pool *pool = &finalizers->finalizers.pool;
    void *records[PASS_RECORDS];
    size_t count;
    if (!finalizers->suspects && AO_load(&finalizers->resurrecting) == 0)
        return; /* one that is set meanwhile may come after the look, too */
    lock_acquire(&finalizers->lock.lock);
    while (suspect_take(finalizers))
        continue;
    for (pool_walk(pool); (count = pool_step(pool, records, PASS_RECORDS)) > 0;) {
        for (size_t i = 0; i < count; i++) {
            struct object_record *record = records[i];
            if (!resurrects(&record->record) ||
                !marker_is_white(marker, record_object(&record->record)))
                continue;
            record->suspect = finalizers->suspects ? finalizers->suspects : &suspects_end;
            finalizers->suspects = record;
        }
        pass_lock_let_in(&finalizers->lock);
    }
    lock_release(&finalizers->lock.lock);
}

bool rescue_decide(struct finalizers *finalizers, struct marker *marker) {
    struct finalizer_queue back = {NULL, NULL};
    size_t count = 0;
    lock_acquire(&finalizers->lock.lock);
    for (struct object_record *suspect; (suspect = suspect_take(finalizers));)
        if (resurrects(&suspect->record) &&
            marker_is_white(marker, record_object(&suspect->record))) {
            record_queue(&back, &suspect->record);
            count++;
        }
    lock_release(&finalizers->lock.lock);
    if (count == 0)
        return false;
    for (struct finalizer_record *record = back.first; record; record = record_next(record))
        marker_push_interior(marker, record_object(record));
    finalizers_queue_list(finalizers, &back, count);
    return true;
}
