/* SPDX-License-Identifier: MIT */
/*
 * Linear hashing. See address_map.h.
 */
#include "address_map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS ((size_t)64)

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

int address_map_init(struct address_map *map) {
    memset(map, 0, sizeof *map);
    map->segments[0] = calloc(FIRST_BUCKETS, sizeof *map->segments[0]);
    if (!map->segments[0])
        return -1;
    map->buckets = FIRST_BUCKETS;
    return 0;
}

void address_map_destroy(struct address_map *map) {
    for (unsigned segment = 0; segment < ADDRESS_MAP_SEGMENTS; segment++)
        free(map->segments[segment]);
    memset(map, 0, sizeof *map);
}

/* Add a bucket: the nodes of one other are dealt out between the two. Without memory the buckets
 * there are grow longer. */
static void split(struct address_map *map) {
    size_t fresh = map->buckets, below;
    unsigned segment = segment_of(fresh, &below);
    if (segment >= ADDRESS_MAP_SEGMENTS)
        return;
    /* large ones come as untouched pages from the OS: this takes no time that grows */
    if (!map->segments[segment] &&
        !(map->segments[segment] = calloc(below, sizeof *map->segments[segment])))
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

struct address_node *address_map_bucket(struct address_map *map, size_t bucket) {
    return *bucket_slot(map, bucket);
}
