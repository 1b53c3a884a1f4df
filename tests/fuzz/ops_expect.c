/* SPDX-License-Identifier: MIT */
/*
 * Objects that should be dead, though the model knows that they are not: they are told of.
 */
#include <gait/expect.h>

#include "ops.h"

static void hear(gait_heap *heap, const gait_kept *kept, void *data) {
    (void)heap, (void)data;
    CHECK(kept->told > 0 && kept->told <= kept->length &&
              kept->objects[kept->told - 1] == kept->object,
          "the way to %p ends elsewhere", kept->object);
    CHECK(kept->root[0] && kept->names[kept->told - 1], "something on the way has no name");
    for (size_t i = 0; i + 1 < kept->told; i++)
        CHECK(kept->places[i] < 0 || kept->bytes[i] == 0 ||
                  (size_t)kept->places[i] < kept->bytes[i],
              "a word lies at byte %td of %zu", kept->places[i], kept->bytes[i]);
}

void op_expect(struct context *context) {
    struct node *node = node_pick_object(context, false);
    if (!node)
        return;
    gait_mutator *mutator = context->mutator;
    void *object = (void *)node->address;
    gait_set_kept(gait_mutator_heap(mutator), hear, NULL, one_in(&context->random, 4) ? 100000 : 0);
    CHECK(gait_expect_dead(mutator, object, "fuzz") == 0, "gait_expect_dead");
    CHECK(gait_expect_dead(mutator, (char *)object + 8, NULL) == GAIT_E_INVALID,
          "the inside of an object is expected dead");
    if (one_in(&context->random, 2))
        CHECK(gait_expect_dead_cancel(mutator, object) == 0, "gait_expect_dead_cancel");
}
