/* SPDX-License-Identifier: MIT */
/*
 * The cache: a table of entries on the heap. A name has one slot; what was there before is dropped,
 * and its blob goes when a collection has found out.
 *
 * The lock guards the table. A thread that waits for it does so in native code, so that no
 * collection waits.
 */
#include "server.h"

#include <pthread.h>

enum { SLOTS = 1024 };

static gait_word table[1]; /* a static slot of roots */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void lock_table(gait_mutator *mutator) {
    if (pthread_mutex_trylock(&lock) == 0)
        return;
    gait_enter_native(mutator);
    pthread_mutex_lock(&lock);
    gait_leave_native(mutator);
}

static gait_word *slot_of(const struct text *name) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name->length; i++)
        hash = (hash ^ (unsigned char)name->bytes[i]) * 16777619u;
    return (gait_word *)table[0] + hash % SLOTS;
}

void cache_open(gait_mutator *mutator) {
    CHECK(gait_roots_add(mutator, table, 1) == 0);
    gait_word *slots = gait_alloc(mutator, server.table, SLOTS * sizeof *slots);
    CHECK(slots);
    gait_store(mutator, &table[0], (gait_word)slots);
}

/* A copy of a text of an arena, stored where it belongs before anything else is allocated. */
static void copy_text(gait_mutator *mutator, gait_word *slot, gait_word word) {
    const struct text *text = (const struct text *)word;
    void *copy = gait_arena_clone(mutator, text, server.text, sizeof *text + text->length);
    CHECK(copy);
    gait_store(mutator, slot, (gait_word)copy);
}

/* The request's list is last first, so the entry's is in order. */
static void copy_fields(gait_mutator *mutator, struct entry *entry, const struct request *request) {
    for (const struct field *from = (struct field *)request->fields; from;
         from = (struct field *)from->next) {
        struct field *field = gait_alloc(mutator, server.field, sizeof *field);
        CHECK(field);
        gait_init(&field->next, entry->fields);
        gait_store(mutator, &entry->fields, (gait_word)field);
        copy_text(mutator, &field->name, from->name);
        copy_text(mutator, &field->value, from->value);
    }
}

void cache_put(gait_mutator *mutator, const struct request *request) {
    struct entry *entry = gait_alloc(mutator, server.entry, sizeof *entry);
    CHECK(entry);
    gait_word slots[1] = {(gait_word)entry};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 1);
    copy_text(mutator, &entry->name, request->name);
    copy_fields(mutator, entry, request);
    if (request->blob_bytes > 0) {
        entry->blob = gait_offheap_calloc(server.heap, request->blob_bytes, 1, server.blobs);
        CHECK(entry->blob && gait_offheap_own(mutator, entry, entry->blob) == 0);
        memcpy(entry->blob, request->blob, request->blob_bytes);
        entry->blob_bytes = request->blob_bytes;
    }
    lock_table(mutator);
    gait_store(mutator, slot_of((struct text *)entry->name), (gait_word)entry);
    pthread_mutex_unlock(&lock);
    gait_pop_frame(mutator);
}

bool cache_get(gait_mutator *mutator, const struct text *name, struct buffer *to) {
    lock_table(mutator);
    gait_word slots[1] = {*slot_of(name)}; /* held here, it outlives its place in the table */
    pthread_mutex_unlock(&lock);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 1);
    const struct entry *entry = (const struct entry *)slots[0];
    const struct text *found = entry ? (const struct text *)entry->name : NULL;
    bool same = found && found->length == name->length &&
                memcmp(found->bytes, name->bytes, name->length) == 0;
    for (const struct field *field = same ? (struct field *)entry->fields : NULL; field;
         field = (struct field *)field->next) {
        const struct text *label = (struct text *)field->name, *value = (struct text *)field->value;
        buffer_add(to, label->bytes, label->length, server.send);
        buffer_add(to, " ", 1, server.send);
        buffer_add(to, value->bytes, value->length, server.send);
        buffer_add(to, "\n", 1, server.send);
    }
    if (same) {
        buffer_add(to, "\n", 1, server.send);
        if (entry->blob)
            buffer_add(to, entry->blob, entry->blob_bytes, server.send);
    }
    gait_pop_frame(mutator);
    return same;
}
