/* SPDX-License-Identifier: MIT */
/*
 * Which object was copied to where, while a graph is: a list in the order of copying, which is the
 * queue of the walk as well, and a hash table of places in it. Its memory is the library's, counted
 * as the heap's metadata; it keeps nothing alive.
 *
 * The thread's whose call it is.
 */
#ifndef GAIT_CLONE_TABLE_H
#define GAIT_CLONE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../platform/atomic.h"

struct clone_entry {
    const char *source;
    char *copy;
};

struct clone_table {
    AO_t *metadata_bytes; /* constant: where memory is counted */
    struct clone_entry *entries;
    size_t count, room;
    uint32_t *index;   /* 1 more than a place in entries, or 0 */
    size_t index_room; /* a power of two, twice as much as entries at least */
};

/** The copy of a source; NULL: it has none. */
char *clone_table_find(const struct clone_table *table, const char *source);

/** Add a source that it does not have. @return false: no memory; the table is as it was. */
bool clone_table_add(struct clone_table *table, const char *source, char *copy);

/** Free its memory. */
void clone_table_free(struct clone_table *table);

#endif
