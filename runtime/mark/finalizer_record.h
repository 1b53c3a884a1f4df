/* SPDX-License-Identifier: MIT */
/*
 * Records of finalizers and cleanups, for the files that work on them: finalizers.c looks them up
 * and runs them, finalizers_settle.c passes over all of them. Guarded as finalizers.h says.
 */
#ifndef GAIT_FINALIZER_RECORD_H
#define GAIT_FINALIZER_RECORD_H

#include "finalizers.h"

/* Pairs of buckets joined with each record that leaves a table: enough for it to be small when its
 * last record leaves, since a table is trimmed from a quarter of its buckets on. */
#define TRIM_PAIRS 8
/* A finalizer: the key is its object. Or the first part of a cleanup: the key is odd, so that it is
 * no object's address, or 0 when it was taken out of the table. */
struct finalizer_record {
    struct address_node node;
    void (*function)(void); /* the finalizer or the cleanup */
    void *data;
    struct finalizer_record *queued; /* NULL: not queued. The next of the queue, or the end */
};

struct object_record {
    struct finalizer_record record;
    uint64_t order;                /* of registration, above ORDER_SHIFT; flags below */
    struct object_record *suspect; /* NULL: none. The next that is noted, or the end: rescue.h.
                                      Then the record stays, without a function, if it goes */
};

#define ORDER_SHIFT 8

struct cleanup_record {
    struct finalizer_record record;
    uintptr_t object;
    size_t count; /* how many equal ones were added */
};

/* What the last record of a queue leads to. */
extern struct finalizer_record finalizer_queue_end __attribute__((visibility("hidden")));

/* The cleanup that a record is the first part of, or NULL: it is a finalizer. */
static inline struct cleanup_record *record_cleanup(struct finalizer_record *record) {
    bool cleanup = record->node.key == 0 || record->node.key % 2 == 1;
    return cleanup ? (struct cleanup_record *)record : NULL;
}

static inline uintptr_t record_object(struct finalizer_record *record) {
    const struct cleanup_record *cleanup = record_cleanup(record);
    return cleanup ? cleanup->object : record->node.key;
}

/* The flags of a finalizer. */
static inline uint32_t record_flags(const struct finalizer_record *record) {
    return (uint32_t)((const struct object_record *)record)->order &
           (((uint32_t)1 << ORDER_SHIFT) - 1);
}

/* Take a record out of its table. */
static inline void record_untable(struct finalizer_table *table, struct finalizer_record *record) {
    address_map_remove(&table->map, &record->node);
    address_map_trim(&table->map, TRIM_PAIRS); /* nobody walks its buckets */
}

/* Put a record at the end of a queue. */
static inline void record_queue(struct finalizer_queue *queue, struct finalizer_record *record) {
    record->queued = &finalizer_queue_end;
    if (queue->first)
        queue->last->queued = record;
    else
        queue->first = record;
    queue->last = record;
}

/* What follows a record in its queue; NULL: nothing. */
static inline struct finalizer_record *record_next(const struct finalizer_record *record) {
    return record->queued == &finalizer_queue_end ? NULL : record->queued;
}

/* Jobs were queued, or have gone. */
static inline void finalizers_count(struct finalizers *finalizers, size_t queued) {
    counter_add(&finalizers->queued, queued);
    counter_add(finalizers->pending, queued);
}

/* Wake those that wait for jobs. */
void finalizers_wake(struct finalizers *finalizers);

/* Put a list of count finalizers, which are in no queue, at the end of the queue. */
void finalizers_queue_list(struct finalizers *finalizers, const struct finalizer_queue *list,
                           size_t count);

#endif
