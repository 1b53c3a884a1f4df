/* SPDX-License-Identifier: MIT */
/*
 * Linear hashing. See address_map.h.
 */
#include "address_map.h"

#include <assert.h>
#include <string.h>

#include "../heap/counted.h"

#define FIRST_BUCKETS ((size_t)64)
/* Buckets per node from which on they are too many: far enough from one, where a map grows. */
#define TRIM_BUCKETS 4

static unsigned log2_floor(size_t n) { return 63 - (unsigned)__builtin_clzll(n); }

/* The segment that a bucket lies in, and how many buckets lie below that segment. */
static unsigned segment_of(size_t bucket, size_t *below) {
    *below = 0;
    if (bucket < FIRST_BUCKETS)
        return 0;
    unsigned log2 = log2_floor(bucket);
    *below = (size_t)1 << log2;
    return log2 - log2_floor(FIRST_BUCKETS) + 1;
}

static struct address_node **bucket_slot(const struct address_map *map, size_t bucket) {
    size_t below;
    unsigned segment = segment_of(bucket, &below);
    return &map->segments[segment][bucket - below];
}

/* Fibonacci hashing, its high bits below: addresses differ in their middle bits. */
static size_t hash(uintptr_t key) {
    uint64_t product = (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(product >> 32 | product << 32);
}

static size_t bucket_of(const struct address_map *map, uintptr_t key) {
    size_t size = (size_t)1 << log2_floor(map->buckets);
    size_t bucket = hash(key) & (2 * size - 1);
    return bucket < map->buckets ? bucket : bucket - size;
}

static size_t segment_bytes(unsigned segment) {
    size_t buckets = segment == 0 ? FIRST_BUCKETS : FIRST_BUCKETS << (segment - 1);
    return buckets * sizeof(struct address_node *);
}

static bool segment_add(struct address_map *map, unsigned segment) {
    /* large ones come as untouched pages from the OS: this takes no time that grows */
    if (!map->segments[segment])
        map->segments[segment] = (map->mapped ? counted_map : counted_alloc)(
            map->metadata_bytes, segment_bytes(segment));
    return map->segments[segment] != NULL;
}

static void segment_drop(struct address_map *map, unsigned segment) {
    (map->mapped ? counted_unmap : counted_free)(map->metadata_bytes, map->segments[segment],
                                                 segment_bytes(segment));
    map->segments[segment] = NULL;
}

int address_map_init(struct address_map *map, AO_t *metadata_bytes, bool mapped) {
    memset(map, 0, sizeof *map);
    map->mapped = mapped;
    map->metadata_bytes = metadata_bytes;
    if (!segment_add(map, 0))
        return -1;
    map->buckets = FIRST_BUCKETS;
    return 0;
}

void address_map_destroy(struct address_map *map) {
    for (unsigned segment = 0; segment < ADDRESS_MAP_SEGMENTS; segment++)
        segment_drop(map, segment);
    memset(map, 0, sizeof *map);
}

/* Add a bucket: the nodes of one other are dealt out between the two. Without memory the buckets
 * there are grow longer. */
static void split(struct address_map *map) {
    size_t fresh = map->buckets, below;
    unsigned segment = segment_of(fresh, &below);
    if (segment >= ADDRESS_MAP_SEGMENTS || !segment_add(map, segment))
        return;
    struct address_node **from = bucket_slot(map, fresh - below), **to = bucket_slot(map, fresh);
    map->buckets++;
    while (*from) {
        struct address_node *node = *from;
        if (bucket_of(map, node->key) != fresh) {
            from = &node->next;
            continue;
        }
        *from = node->next;
        node->next = NULL;
        *to = node; /* at the end: the order of equal keys stays */
        to = &node->next;
    }
}

/* Take the last bucket away: its nodes go behind those of the one that it was split from. A segment
 * stays until another one is empty: a map that grows and shrinks in turn takes none anew. */
static void join(struct address_map *map) {
    size_t last = map->buckets - 1, below;
    unsigned segment = segment_of(last, &below);
    struct address_node **from = bucket_slot(map, last), **to = bucket_slot(map, last - below);
    while (*to)
        to = &(*to)->next;
    *to = *from;
    *from = NULL;
    map->buckets--;
    if (last == below && segment + 1 < ADDRESS_MAP_SEGMENTS)
        segment_drop(map, segment + 1);
}

void address_map_trim(struct address_map *map, unsigned pairs) {
    while (pairs-- > 0 && map->buckets > FIRST_BUCKETS && map->buckets / TRIM_BUCKETS > map->count)
        join(map);
}

void address_map_add(struct address_map *map, struct address_node *node) {
    if (map->count >= map->buckets)
        split(map);
    struct address_node **slot = bucket_slot(map, bucket_of(map, node->key));
    node->next = *slot;
    *slot = node;
    map->count++;
}

struct address_node *address_map_find(struct address_map *map, uintptr_t key) {
    struct address_node *node = *bucket_slot(map, bucket_of(map, key));
    while (node && node->key != key)
        node = node->next;
    return node;
}

void address_map_remove(struct address_map *map, struct address_node *node) {
    struct address_node **slot = bucket_slot(map, bucket_of(map, node->key));
    while (*slot != node) {
        assert(*slot);
        slot = &(*slot)->next;
    }
    *slot = node->next;
    map->count--;
}

bool address_map_step(struct address_map *map, size_t *bucket,
                      void (*visit)(void *data, struct address_node *node), void *data) {
    if (*bucket >= map->buckets)
        return false;
    for (struct address_node *node = *bucket_slot(map, *bucket), *next; node; node = next) {
        next = node->next;
        visit(data, node);
    }
    ++*bucket;
    return true;
}
