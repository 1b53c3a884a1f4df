/* SPDX-License-Identifier: MIT */
/*
 * Numbered things. See table.h.
 */
#include "table.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static void keep(void *item) { (void)item; }

void table_free(struct table *table) {
    tdestroy(table->tree, keep);
    for (size_t i = 0; i < table->count; i++)
        free(table->items[i]);
    free(table->items);
    *table = (struct table){.compare = table->compare};
}

void *table_find(struct table *table, const void *like) {
    void *const *node = tfind(like, &table->tree, table->compare);
    return node ? *node : NULL;
}

static int make_room(struct table *table) {
    if (table->count < table->room)
        return 0;
    size_t room = table->room ? 2 * table->room : 64;
    struct numbered **items = realloc(table->items, room * sizeof *items);
    if (!items)
        return -1;
    table->items = items;
    table->room = room;
    return 0;
}

void *table_add(struct table *table, const void *thing, size_t bytes) {
    if (make_room(table) < 0)
        return NULL;
    struct numbered *copy = malloc(bytes);
    if (!copy)
        return NULL;
    memcpy(copy, thing, bytes);
    copy->number = table->count;
    if (!tsearch(copy, &table->tree, table->compare)) {
        free(copy);
        return NULL;
    }
    table->items[table->count++] = copy;
    return copy;
}
