/* SPDX-License-Identifier: MIT */
/*
 * A cache with weak references: a hash table finds values that somebody uses, and keeps none. Each
 * request is of one of many sessions, which holds the value that it asked for last; a value that no
 * session holds goes, and its entry is dropped by a thread that comes by. Without a collector,
 * values count their sessions, as one would write it.
 *
 * Parameters: sessions (20000); keys (200000); requests (4000000).
 */
#include "peer.h"

#include <string.h>

enum { VALUE_LEAST = 48, VALUE_SPREAD = 400 };

struct value { /* LEAF */
    uint64_t key, bytes, uses;
    char rest[];
};

struct entry { /* WEAK */
    peer_word chain, key, value;
};

static peer_word globals[2]; /* the table, the sessions; one thread */
static uint64_t table_slots;

static peer_word *slot_of(uint64_t key) {
    return (peer_word *)globals[0] + key * 0x9e3779b97f4a7c15u % table_slots;
}

/* What the table has, and no dead entry on the way to it. */
static struct value *find(peer_thread *thread, uint64_t key) {
    for (peer_word *at = slot_of(key); *at;) {
        struct entry *entry = (struct entry *)*at;
        struct value *value = (struct value *)peer_weak_get(thread, &entry->value);
        if (!value)
            peer_store(thread, at, entry->chain);
        else if (value->key == key)
            return value;
        else
            at = &entry->chain;
    }
    return NULL;
}

/* @param held  a root of the caller's, which has the value then */
static struct value *insert(peer_thread *thread, peer_word *held, uint64_t key) {
    uint64_t bytes = sizeof(struct value) + VALUE_LEAST + key * 31 % VALUE_SPREAD;
    struct value *value = peer_alloc(thread, PEER_LEAF, bytes);
    memset(value, (int)(key & 127), bytes);
    value->key = key;
    value->bytes = bytes;
    value->uses = 0;
    *held = (peer_word)value;
    struct entry *entry = peer_alloc(thread, PEER_WEAK, sizeof *entry);
    peer_init(&entry->chain, *slot_of(key));
    entry->key = key;
    peer_weak_set(thread, &entry->value, *held);
    peer_store(thread, slot_of(key), (peer_word)entry);
    return value;
}

/* Without a collector: the last session of a value has left it. */
static void discard(struct value *value) {
    peer_word *at = slot_of(value->key);
    while (((struct entry *)*at)->value != (peer_word)value)
        at = &((struct entry *)*at)->chain;
    struct entry *entry = (struct entry *)*at;
    *at = entry->chain;
    peer_free(entry);
    peer_free(value);
}

static void session_set(peer_thread *thread, uint64_t session, struct value *value) {
    peer_word *slot = (peer_word *)globals[1] + session;
    struct value *old = (struct value *)*slot;
    peer_store(thread, slot, (peer_word)value);
    if (!PEER_FREES)
        return;
    value->uses++;
    if (old && --old->uses == 0)
        discard(old);
}

void weak_main(void) {
    peer_thread *thread = peer_attach();
    uint64_t sessions = bench_parameter("sessions", 20000), keys = bench_parameter("keys", 200000);
    uint64_t requests = bench_parameter("requests", 4000000), misses = 0;
    uint64_t seed = 88172645463325252u;
    if (sessions == 0 || keys == 0)
        bench_die("weak: a parameter is out of its range");
    table_slots = 2 * sessions;
    peer_globals(thread, globals, 2);
    peer_store(thread, &globals[0],
               (peer_word)peer_alloc(thread, PEER_REFS, table_slots * sizeof(peer_word)));
    peer_store(thread, &globals[1],
               (peer_word)peer_alloc(thread, PEER_REFS, sessions * sizeof(peer_word)));
    PEER_ROOTS(thread, held, 1);
    for (uint64_t i = 0; i < requests; i++) {
        uint64_t a = bench_random(&seed) % keys, b = bench_random(&seed) % keys;
        uint64_t key = a < b ? a : b; /* low keys come more often */
        struct value *value = find(thread, key);
        if (!value) {
            value = insert(thread, &held[0], key);
            misses++;
        }
        if (value->key != key || value->rest[VALUE_LEAST - 1] != (char)(key & 127))
            bench_die("weak: a value is wrong");
        session_set(thread, bench_random(&seed) % sessions, value);
        peer_poll(thread);
    }
    PEER_ROOTS_END(thread, held);
    bench_figure("misses_per_request", (double)misses / (double)(requests ? requests : 1));
    for (uint64_t i = 0; i < sessions; i++) {
        struct value *value = ((struct value **)globals[1])[i];
        if (value && find(thread, value->key) != value)
            bench_die("weak: a value that is used was lost");
    }
    peer_detach(thread);
}
