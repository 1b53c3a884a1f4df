/* SPDX-License-Identifier: MIT */
/*
 * The registry: a table of the language's own, in C memory, each entry of which is weak in its own
 * way, and may change it at any time. No kind says so: a liveness hook keeps what it keeps, and
 * clears the rest.
 */
#include <gait/liveness.h>
#include <pthread.h>

#include "tiny.h"

enum { ENTRIES = 1024 };

/* Guards the table. Held by no thread over a safepoint: the collector's waits for it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry {
    gait_word key, item; /* both 0: free, or cleared by the hook */
    unsigned weak;       /* MODE_KEYS | MODE_VALUES */
} entries[ENTRIES];

static void keep(gait_liveness *liveness) {
    for (struct entry *entry = entries; entry < entries + ENTRIES; entry++) {
        if (!(entry->weak & MODE_KEYS))
            gait_keep(liveness, entry->key);
        if (!(entry->weak & MODE_VALUES) &&
            (!(entry->weak & MODE_KEYS) || gait_is_marked(liveness, entry->key)))
            gait_keep(liveness, entry->item);
    }
}

/* The lock keeps stores away: a word is what it was as it was looked at. */
static void clear(const gait_liveness *liveness) {
    for (struct entry *entry = entries; entry < entries + ENTRIES; entry++)
        if (!gait_is_marked(liveness, entry->key) || !gait_is_marked(liveness, entry->item)) {
            __atomic_store_n(&entry->key, 0, __ATOMIC_RELAXED);
            __atomic_store_n(&entry->item, 0, __ATOMIC_RELAXED);
        }
}

static void hook(gait_liveness *liveness, gait_liveness_stage stage, void *data) {
    (void)data;
    pthread_mutex_lock(&lock);
    if (stage == GAIT_LIVENESS_MARK)
        keep(liveness);
    else
        clear(liveness);
    pthread_mutex_unlock(&lock);
}

void registry_start(void) {
    if (gait_liveness_add(tiny.heap, hook, NULL) < 0)
        abort();
}

/* Where a key is, else a free place, else NULL. With the lock held. */
static struct entry *find(value key) {
    struct entry *free_one = NULL;
    for (struct entry *entry = entries; entry < entries + ENTRIES; entry++) {
        value known = gait_weak_get(tiny.mutator, &entry->key);
        if (known == key)
            return entry;
        if (!known && !free_one)
            free_one = entry;
    }
    return free_one;
}

void registry_put(value key, value item, unsigned weak) {
    pthread_mutex_lock(&lock);
    struct entry *entry = find(key);
    if (entry) {
        gait_store(tiny.mutator, &entry->key, key);
        gait_store(tiny.mutator, &entry->item, item);
        entry->weak = weak;
    }
    pthread_mutex_unlock(&lock);
    if (!entry)
        raise_text("the registry is full", key);
}

/* The item, or nil. */
value registry_get(value key) {
    pthread_mutex_lock(&lock);
    struct entry *entry = find(key);
    value item = 0;
    if (entry && gait_weak_get(tiny.mutator, &entry->key) == key)
        item = gait_weak_get(tiny.mutator, &entry->item);
    pthread_mutex_unlock(&lock);
    return item;
}

size_t registry_count(void) {
    size_t count = 0;
    for (struct entry *entry = entries; entry < entries + ENTRIES; entry++)
        count += gait_weak_get(tiny.mutator, &entry->key) != 0;
    return count;
}
