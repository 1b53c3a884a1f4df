/* SPDX-License-Identifier: MIT */
/*
 * Things that are numbered as they come, each kept once: a search tree of the C library's, and a
 * list in the order of numbers. Each begins with its number.
 */
#ifndef GAIT_PPROF_TABLE_H
#define GAIT_PPROF_TABLE_H

#include <stddef.h>
#include <stdint.h>

/** What each thing begins with. From 0 on. */
struct numbered {
    size_t number;
};

struct table {
    int (*compare)(const void *one, const void *other);
    void *tree;
    struct numbered **items; /* [number] */
    size_t count, room;
};

/** Free all things, by free(). */
void table_free(struct table *table);

/** The thing that is equal to this one, or NULL. */
void *table_find(struct table *table, const void *like);

/** Add a copy of a thing that is not there. @return the copy, NULL: no memory. */
void *table_add(struct table *table, const void *thing, size_t bytes);

#endif
