/* SPDX-License-Identifier: MIT */
/* A session that is closed should die. One that a table of the program's still has is told of. */
#include "example.h"

#include <gait/expect.h>
#include <string.h>

struct session {
    gait_word user;
};

static char heard[600];

static void hear(gait_heap *heap, const gait_kept *kept, void *data) {
    (void)heap, (void)data;
    /* a way of three objects: the table, a list's node, the session itself */
    snprintf(heard, sizeof heard, "%s is kept by %s -> %s -> %s", kept->note, kept->root,
             kept->names[0], kept->names[1]);
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind table_kind =
        example_kind(heap, &(gait_kind_info){.name = "table", .layout = GAIT_REFS});
    gait_kind node_kind =
        example_kind(heap, &(gait_kind_info){.name = "node", .layout = GAIT_REFS});
    gait_kind session_kind =
        example_kind(heap, &(gait_kind_info){.name = "session", .layout = GAIT_REFS});
    static gait_word table; /* of all sessions: a static slot */
    gait_word slots[2] = {0, 0};
    struct gait_frame frame;
    CHECK(gait_roots_add(mutator, &table, 1) == 0);
    gait_push_frame(mutator, &frame, slots, 2);

    gait_store(mutator, &table, (gait_word)gait_alloc(mutator, table_kind, 64));
    slots[0] = (gait_word)gait_alloc(mutator, node_kind, 16);
    gait_store(mutator, (gait_word *)table + 3, slots[0]);
    slots[1] = (gait_word)gait_alloc(mutator, session_kind, sizeof(struct session));
    gait_store(mutator, (gait_word *)slots[0], slots[1]);

    gait_set_kept(heap, hear, NULL, 0);
    /* as the session is closed, where the program lets go of it */
    CHECK(gait_expect_dead(mutator, (void *)slots[1], "session 4711") == 0);
    slots[0] = slots[1] = 0;
    gait_collect(mutator); /* or whenever a full cycle comes */
    CHECK(strstr(heard, "session 4711 is kept by static slot, word at 0x"));
    CHECK(strstr(heard, " -> table -> node"));

    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
