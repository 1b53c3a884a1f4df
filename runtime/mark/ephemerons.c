/* SPDX-License-Identifier: MIT */
/*
 * The table of keys that ephemerons wait for. See ephemerons.h.
 */
#include "ephemerons.h"

#include <string.h>

void ephemerons_init(struct ephemerons *ephemerons, AO_t *metadata_bytes) {
    memset(ephemerons, 0, sizeof *ephemerons);
    ephemerons->metadata_bytes = metadata_bytes;
    for (unsigned i = 0; i < EPHEMERON_STRIPES; i++) {
        lock_init(&ephemerons->stripes[i].lock, LOCK_MARK, "ephemerons");
        pool_init(&ephemerons->stripes[i].pool, sizeof(struct ephemeron_wait), metadata_bytes);
    }
}

void ephemerons_destroy(struct ephemerons *ephemerons) {
    ephemerons_clear(ephemerons);
    for (unsigned i = 0; i < EPHEMERON_STRIPES; i++)
        lock_destroy(&ephemerons->stripes[i].lock);
}

/* Objects of a page spread over the stripes. */
static unsigned stripe_of(uintptr_t key) {
    return (unsigned)(key >> 4 ^ key >> 10) % EPHEMERON_STRIPES;
}

int ephemerons_add(struct ephemerons *ephemerons, uintptr_t key, const gait_word *pair) {
    unsigned stripe = stripe_of(key);
    struct address_map *map = &ephemerons->stripes[stripe].map;
    struct ephemeron_wait *wait = NULL;
    lock_acquire(&ephemerons->stripes[stripe].lock);
    if (map->buckets > 0 || address_map_init(map, ephemerons->metadata_bytes, true) == 0)
        wait = pool_take(&ephemerons->stripes[stripe].pool);
    if (wait) {
        wait->node.key = key;
        wait->pair = pair;
        address_map_add(map, &wait->node);
    }
    lock_release(&ephemerons->stripes[stripe].lock);
    if (!wait)
        return -1;
    /* full: before the caller's last look at the key */
    ephemerons->begun |= AO_fetch_and_add1_full(&ephemerons->pairs) == 0;
    return 0;
}

void ephemerons_free(struct ephemerons *ephemerons, struct ephemeron_wait *wait) {
    unsigned stripe = stripe_of(wait->node.key);
    lock_acquire(&ephemerons->stripes[stripe].lock);
    pool_give(&ephemerons->stripes[stripe].pool, wait);
    lock_release(&ephemerons->stripes[stripe].lock);
}

struct ephemeron_wait *ephemerons_take(struct ephemerons *ephemerons, uintptr_t key) {
    struct ephemeron_wait *list = NULL, *wait;
    unsigned stripe = stripe_of(key);
    struct address_map *map = &ephemerons->stripes[stripe].map;
    size_t taken = 0;
    lock_acquire(&ephemerons->stripes[stripe].lock);
    while (map->buckets > 0 && (wait = (struct ephemeron_wait *)address_map_find(map, key))) {
        address_map_remove(map, &wait->node);
        wait->node.next = (struct address_node *)list;
        list = wait;
        taken++;
    }
    lock_release(&ephemerons->stripes[stripe].lock);
    counter_sub(&ephemerons->pairs, taken);
    return list;
}

struct retaking {
    struct address_map *map;
    bool (*is_marked)(void *data, uintptr_t key);
    void *data;
    struct address_node *list; /* what was taken */
    size_t taken;
};

static void retake(void *data, struct address_node *node) {
    struct retaking *retaking = data;
    if (!retaking->is_marked(retaking->data, node->key))
        return;
    address_map_remove(retaking->map, node);
    node->next = retaking->list;
    retaking->list = node;
    retaking->taken++;
}

struct ephemeron_wait *ephemerons_retake(struct ephemerons *ephemerons,
                                         bool (*is_marked)(void *data, uintptr_t key), void *data) {
    struct retaking retaking = {.is_marked = is_marked, .data = data};
    AO_and_full(&ephemerons->missed, 0); /* then the keys */
    /* A marker may have seen no pairs yet, and its marks not be seen here yet: that is over when
     * passes begin the next time, since nobody is active then. */
    if (ephemerons->begun)
        ephemerons_miss(ephemerons);
    ephemerons->begun = false;
    for (unsigned i = 0; i < EPHEMERON_STRIPES; i++) {
        retaking.map = &ephemerons->stripes[i].map;
        bool more = true;
        for (size_t bucket = 0; more;) {
            lock_acquire(&ephemerons->stripes[i].lock);
            more = address_map_step(retaking.map, &bucket, retake, &retaking);
            lock_release(&ephemerons->stripes[i].lock);
        }
    }
    counter_sub(&ephemerons->pairs, retaking.taken);
    return (struct ephemeron_wait *)retaking.list;
}

void ephemerons_clear(struct ephemerons *ephemerons) {
    for (unsigned i = 0; i < EPHEMERON_STRIPES; i++) {
        pool_destroy(&ephemerons->stripes[i].pool);
        if (ephemerons->stripes[i].map.buckets > 0)
            address_map_destroy(&ephemerons->stripes[i].map);
    }
    AO_store(&ephemerons->pairs, 0);
    AO_store(&ephemerons->missed, 0);
    ephemerons->begun = false;
}
