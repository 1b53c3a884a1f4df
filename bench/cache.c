/* SPDX-License-Identifier: MIT */
/*
 * A cache: a hash table whose entries are in a list as well, the one that was used last in front.
 * Some keys are asked for more often than others. What is not there is made, and the entry that was
 * not used for longest leaves; each answer is a copy. What dies is old.
 *
 * Parameters: entries (60000) at most; keys (200000) that are asked for; requests (4000000).
 */
#include "peer.h"

#include <string.h>

enum { VALUE_LEAST = 32, VALUE_SPREAD = 480, ANSWER_BYTES = 32 };

struct entry { /* HEAD4 */
    peer_word chain, newer, older, value;
    uint64_t key, bytes;
};

struct cache { /* HEAD3 */
    peer_word slots, newest, oldest;
    uint64_t size, count;
};

static peer_word *slot_of(struct cache *cache, uint64_t key) {
    return (peer_word *)cache->slots + key * 0x9e3779b97f4a7c15u % cache->size;
}

static struct entry *find(struct cache *cache, uint64_t key) {
    struct entry *entry = (struct entry *)*slot_of(cache, key);
    while (entry && entry->key != key)
        entry = (struct entry *)entry->chain;
    return entry;
}

static void unlink_entry(peer_thread *thread, struct cache *cache, struct entry *entry) {
    struct entry *newer = (struct entry *)entry->newer, *older = (struct entry *)entry->older;
    peer_store(thread, newer ? &newer->older : &cache->newest, entry->older);
    peer_store(thread, older ? &older->newer : &cache->oldest, entry->newer);
}

static void link_first(peer_thread *thread, struct cache *cache, struct entry *entry) {
    struct entry *second = (struct entry *)cache->newest;
    peer_store(thread, &entry->newer, 0);
    peer_store(thread, &entry->older, (peer_word)second);
    peer_store(thread, second ? &second->newer : &cache->oldest, (peer_word)entry);
    peer_store(thread, &cache->newest, (peer_word)entry);
}

static void evict(peer_thread *thread, struct cache *cache) {
    struct entry *last = (struct entry *)cache->oldest;
    peer_word *at = slot_of(cache, last->key);
    while (*at != (peer_word)last)
        at = &((struct entry *)*at)->chain;
    peer_store(thread, at, last->chain);
    unlink_entry(thread, cache, last);
    cache->count--;
}

/* @param cache  a root of the caller's */
static struct entry *insert(peer_thread *thread, peer_word *cache, uint64_t key) {
    uint64_t bytes = VALUE_LEAST + key * 31 % VALUE_SPREAD;
    PEER_ROOTS(thread, made, 1);
    made[0] = (peer_word)peer_alloc(thread, PEER_LEAF, bytes);
    memset((void *)made[0], (int)(key & 127), bytes);
    struct entry *entry = peer_alloc(thread, PEER_HEAD4, sizeof *entry);
    struct cache *to = (struct cache *)*cache;
    peer_word *slot = slot_of(to, key);
    peer_init(&entry->chain, *slot);
    peer_init(&entry->newer, 0);
    peer_init(&entry->older, 0);
    peer_init(&entry->value, made[0]);
    entry->key = key;
    entry->bytes = bytes;
    peer_store(thread, slot, (peer_word)entry);
    link_first(thread, to, entry);
    to->count++;
    PEER_ROOTS_END(thread, made);
    return entry;
}

/* The lesser of two numbers: low keys come more often. */
static uint64_t next_key(uint64_t *seed, uint64_t keys) {
    uint64_t a = bench_random(seed) % keys, b = bench_random(seed) % keys;
    return a < b ? a : b;
}

static void answer(peer_thread *thread, const struct entry *entry, peer_word *held) {
    held[1] = entry->value;
    char *copy = peer_alloc(thread, PEER_LEAF, ANSWER_BYTES);
    memcpy(copy, (const char *)held[1], ANSWER_BYTES);
    bench_keep(copy);
}

void cache_main(void) {
    peer_thread *thread = peer_attach();
    uint64_t entries = bench_parameter("entries", 60000), keys = bench_parameter("keys", 200000);
    uint64_t requests = bench_parameter("requests", 4000000), misses = 0;
    uint64_t seed = 88172645463325252u;
    if (PEER_FREES)
        bench_die("cache: for peers that collect");
    if (entries == 0 || keys == 0)
        bench_die("cache: a parameter is out of its range");
    PEER_ROOTS(thread, held, 2); /* the cache, a value */
    held[0] = (peer_word)peer_alloc(thread, PEER_HEAD3, sizeof(struct cache));
    ((struct cache *)held[0])->size = 2 * entries;
    peer_word slots = (peer_word)peer_alloc(thread, PEER_REFS, 2 * entries * sizeof(peer_word));
    peer_store(thread, &((struct cache *)held[0])->slots, slots);
    for (uint64_t i = 0; i < requests; i++) {
        struct cache *cache = (struct cache *)held[0];
        uint64_t key = next_key(&seed, keys);
        struct entry *entry = find(cache, key);
        if (entry) {
            unlink_entry(thread, cache, entry);
            link_first(thread, cache, entry);
        } else {
            misses++;
            if (cache->count == entries)
                evict(thread, cache);
            entry = insert(thread, &held[0], key);
        }
        if (entry->key != key || *(char *)entry->value != (char)(key & 127))
            bench_die("cache: a value is wrong");
        answer(thread, entry, held);
        peer_poll(thread);
    }
    bench_figure("misses_per_request", (double)misses / (double)(requests ? requests : 1));
    PEER_ROOTS_END(thread, held);
    peer_detach(thread);
}
