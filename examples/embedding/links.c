/* SPDX-License-Identifier: MIT */
/* Links: a registry in plain memory that does not keep what it lists, and a handle that shows when
 * its object's memory goes. */
#include "example.h"

#include <gait/links.h>
#include <stdlib.h>

/* A client as C code has it: malloc'ed, with a word that leads to an object of the heap. */
struct client {
    gait_word object;
};

static void finalize(gait_mutator *mutator, void *object, void *data) {
    (void)mutator, (void)object;
    *(int *)data += 1;
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind leaf = example_kind(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_word kept = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &kept, 1);
    struct client *clients = calloc(2, sizeof *clients);
    CHECK(clients);

    for (int i = 0; i < 2; i++) {
        void *object = gait_alloc(mutator, leaf, 64);
        CHECK(object);
        clients[i].object = (gait_word)object;
        CHECK(gait_link_register(mutator, &clients[i].object, object, 0) == 0);
        if (i == 0)
            kept = (gait_word)object;
    }
    gait_collect(mutator);
    CHECK(gait_link_get(mutator, &clients[0].object, 0) == (void *)kept);
    CHECK(clients[1].object == 0);

    /* before its memory is freed, or holds something else */
    CHECK(gait_link_unregister(mutator, &clients[0].object, 0) == 0);
    CHECK(gait_link_unregister(mutator, &clients[1].object, 0) == GAIT_E_MISSING);

    /* a short link is cleared before the finalizer, a long one after it */
    int finalized = 0;
    gait_word early = kept, late = ~kept; /* what the words hold is not looked at */
    CHECK(gait_link_register(mutator, &early, (void *)kept, 0) == 0);
    CHECK(gait_link_register(mutator, &late, (void *)kept, GAIT_LINK_LONG) == 0);
    CHECK(gait_finalizer_set(mutator, (void *)kept, finalize, &finalized) == 0);
    kept = 0;
    gait_collect(mutator);
    CHECK(gait_link_get(mutator, &early, 0) == NULL);
    CHECK(gait_link_get(mutator, &late, GAIT_LINK_LONG) != NULL);
    gait_run_finalizers(mutator, 1);
    gait_collect(mutator);
    CHECK(finalized == 1);
    CHECK(gait_link_get(mutator, &late, GAIT_LINK_LONG) == NULL);

    free(clients);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
