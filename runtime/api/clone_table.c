/* SPDX-License-Identifier: MIT */
/*
 * Sources and copies. See clone_table.h.
 */
#include "clone_table.h"

#include <string.h>

#include "../heap/counted.h"

#define ROOM_FIRST ((size_t)64)
#define COUNT_MOST ((size_t)UINT32_MAX - 1)

static size_t place_of(const struct clone_table *table, const char *source) {
    uint64_t hash = ((uint64_t)(uintptr_t)source >> 3) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(hash >> 32) & (table->index_room - 1);
}

/* Where the source is in the index, or is to be. */
static uint32_t *slot_of(const struct clone_table *table, const char *source) {
    size_t at = place_of(table, source);
    while (table->index[at] && table->entries[table->index[at] - 1].source != source)
        at = (at + 1) & (table->index_room - 1);
    return &table->index[at];
}

char *clone_table_find(const struct clone_table *table, const char *source) {
    if (table->count == 0)
        return NULL;
    uint32_t index = *slot_of(table, source);
    return index ? table->entries[index - 1].copy : NULL;
}

static bool grow(struct clone_table *table) {
    size_t room = table->room ? table->room * 2 : ROOM_FIRST, index_room = room * 2;
    struct clone_entry *entries = counted_alloc(table->metadata_bytes, room * sizeof *entries);
    uint32_t *index = counted_alloc(table->metadata_bytes, index_room * sizeof *index);
    if (!entries || !index) {
        counted_free(table->metadata_bytes, entries, room * sizeof *entries);
        counted_free(table->metadata_bytes, index, index_room * sizeof *index);
        return false;
    }
    size_t count = table->count;
    if (count > 0)
        memcpy(entries, table->entries, count * sizeof *entries);
    clone_table_free(table);
    *table = (struct clone_table){table->metadata_bytes, entries, count, room, index, index_room};
    for (size_t i = 0; i < count; i++)
        *slot_of(table, entries[i].source) = (uint32_t)(i + 1);
    return true;
}

bool clone_table_add(struct clone_table *table, const char *source, char *copy) {
    if (table->count == table->room && (table->count > COUNT_MOST / 2 || !grow(table)))
        return false;
    table->entries[table->count++] = (struct clone_entry){source, copy};
    *slot_of(table, source) = (uint32_t)table->count;
    return true;
}

void clone_table_free(struct clone_table *table) {
    counted_free(table->metadata_bytes, table->entries, table->room * sizeof *table->entries);
    counted_free(table->metadata_bytes, table->index, table->index_room * sizeof *table->index);
    *table = (struct clone_table){.metadata_bytes = table->metadata_bytes};
}
