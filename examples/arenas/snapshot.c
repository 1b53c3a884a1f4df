/* SPDX-License-Identifier: MIT */
/* A table that is built once, saved to a file, and loaded instead of being built. */
#include "../embedding/example.h"

#include <gait/snapshot.h>

#include <string.h>
#include <unistd.h>

enum { BUCKETS = 1024 };

struct entry {
    gait_rel32 next, name; /* relative: they hold wherever the arena is loaded */
    int32_t value;
};

struct table {
    gait_rel32 buckets[BUCKETS];
};

static gait_rel32 *bucket_of(struct table *table, const char *name) {
    uint32_t hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return &table->buckets[hash % BUCKETS];
}

static void add(gait_mutator *mutator, gait_arena *arena, struct table *table, const char *name,
                int32_t value) {
    struct entry *entry = gait_arena_alloc(mutator, arena, sizeof *entry, 0);
    char *copy = gait_arena_alloc(mutator, arena, strlen(name) + 1, 0);
    CHECK(entry && copy);
    strcpy(copy, name);
    entry->value = value;
    gait_rel32 *bucket = bucket_of(table, name);
    CHECK(gait_rel32_set(&entry->name, copy));
    CHECK(gait_rel32_set(&entry->next, gait_rel32_get(bucket))); /* not: entry->next = *bucket */
    CHECK(gait_rel32_set(bucket, entry));
}

static int32_t look_up(struct table *table, const char *name) {
    const struct entry *entry = gait_rel32_get(bucket_of(table, name));
    while (entry && strcmp(gait_rel32_get(&entry->name), name) != 0)
        entry = gait_rel32_get(&entry->next);
    return entry ? entry->value : -1;
}

static void build_and_save(gait_mutator *mutator, int file) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "table";
    config.flags = GAIT_ARENA_CONTIGUOUS | GAIT_ARENA_PINNED;
    config.reserve_bytes = (size_t)64 << 20; /* addresses; memory is what is used */
    gait_arena *arena = gait_arena_create(mutator, &config);
    CHECK(arena);
    struct table *table = gait_arena_alloc(mutator, arena, sizeof *table, 0);
    CHECK(table);
    gait_arena_set_root(mutator, arena, table);
    for (int32_t i = 0; i < 10000; i++) {
        char name[20];
        snprintf(name, sizeof name, "name %d", (int)i);
        add(mutator, arena, table, name, i);
    }
    CHECK(gait_arena_save(mutator, arena, file) == 0); /* else: errno says why */
    gait_arena_free(mutator, arena);
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    FILE *file = tmpfile();
    CHECK(file);
    build_and_save(mutator, fileno(file));
    CHECK(lseek(fileno(file), 0, SEEK_SET) == 0);

    char error[200];
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_PINNED;
    gait_arena *arena = gait_arena_load(mutator, &config, fileno(file), error, sizeof error);
    if (!arena) { /* cut off, corrupted, of another version or machine: build it anew */
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    struct table *table = gait_arena_root(mutator, arena);
    CHECK(look_up(table, "name 1234") == 1234);
    add(mutator, arena, table, "one more", -7); /* it is an arena as any other */
    CHECK(look_up(table, "one more") == -7 && look_up(table, "none") == -1);

    gait_arena_free(mutator, arena);
    fclose(file);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return 0;
}
