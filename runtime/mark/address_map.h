/* SPDX-License-Identifier: MIT */
/*
 * A hash table of nodes by address that never moves more than one bucket's nodes at a time, so
 * that nobody waits for a table to be copied: linear hashing (Litwin 1980). Each insertion beyond
 * the buckets there are splits one bucket in two.
 *
 *   .inv.split: a node moves only from a bucket to a higher one, except by address_map_trim.
 * Whoever walks the buckets upwards meets every node that stays in the map, however many are added
 *   meanwhile; some of them twice.
 *
 * The owner of the map guards it by a lock of its own. Nodes are the owner's.
 */
#ifndef GAIT_ADDRESS_MAP_H
#define GAIT_ADDRESS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../platform/atomic.h"

#define ADDRESS_MAP_SEGMENTS 48

struct address_node {
    struct address_node *next;
    uintptr_t key;
};

struct address_map {
    size_t buckets;       /* in use */
    size_t count;         /* nodes */
    AO_t *metadata_bytes; /* constant: where the buckets are counted */
    bool mapped;          /* constant: grows by counted_map */
    /* segment 0 has 64 buckets, and each other as many as all before it */
    struct address_node **segments[ADDRESS_MAP_SEGMENTS];
};

/** mapped: without malloc, for a map that grows while the world is stopped. @return negative: no
 * memory. */
int address_map_init(struct address_map *map, AO_t *metadata_bytes, bool mapped);

/** Frees the map, not its nodes. */
void address_map_destroy(struct address_map *map);

/** Add a node whose key is set. Nodes of equal keys are found in the order of last in, first out.
 */
void address_map_add(struct address_map *map, struct address_node *node);

/** The first node with this key, or NULL. */
struct address_node *address_map_find(struct address_map *map, uintptr_t key);

/** Take out a node that is in the map. */
void address_map_remove(struct address_map *map, struct address_node *node);

/**
 * If the map has far more buckets than nodes, join at most so many pairs of them. Nodes move to
 * lower buckets: only while nobody walks them.
 */
void address_map_trim(struct address_map *map, unsigned pairs);

/**
 * A step of a walk: visit the nodes of *bucket, which is 0 at first, and go on to the next one. A
 * node may be removed as it is visited. Nodes may be added between two steps: .inv.split.
 * @return false: the walk is over.
 */
bool address_map_step(struct address_map *map, size_t *bucket,
                      void (*visit)(void *data, struct address_node *node), void *data);

#endif
