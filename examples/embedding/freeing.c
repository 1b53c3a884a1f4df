/* SPDX-License-Identifier: MIT */
/* Objects that the program frees or resizes itself, and a stretch without cycles. */
#define GAIT_PAST_END /* a byte behind each object belongs to it */
#include "example.h"

#include <string.h>

/* A stack of values that grows. */
struct values {
    gait_word array; /* a root */
    size_t room, count;
};

static void push(gait_mutator *mutator, struct values *values, gait_word value) {
    if (values->count == values->room) {
        gait_word slots[] = {value}; /* resizing is a safepoint */
        struct gait_frame frame;
        gait_push_frame(mutator, &frame, slots, 1);
        values->room = 2 * values->room + 4;
        void *array =
            gait_realloc(mutator, (void *)values->array, values->room * sizeof(gait_word));
        gait_pop_frame(mutator);
        CHECK(array);
        values->array = (gait_word)array; /* it may have moved */
    }
    gait_store(mutator, (gait_word *)values->array + values->count++, value);
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind array = example_kind(heap, &(gait_kind_info){.name = "array", .layout = GAIT_REFS});
    gait_kind bytes = example_kind(heap, &(gait_kind_info){.name = "bytes", .layout = GAIT_LEAF});

    struct values values = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &values.array, 1);
    values.array = (gait_word)gait_alloc(mutator, array, 4 * sizeof(gait_word));
    values.room = 4;
    for (gait_word i = 0; i < 10000; i++)
        push(mutator, &values, 2 * i + 1);
    CHECK(((gait_word *)values.array)[9999] == 19999);
    CHECK(((gait_word *)values.array)[values.room - 1] == 0); /* what is new is zero */

    /* a buffer that no one else knows: its memory is the next one's */
    for (int i = 0; i < 1000; i++) {
        char *buffer = gait_alloc(mutator, bytes, 100000);
        CHECK(buffer);
        strcpy(buffer, "text");
        gait_free(mutator, buffer);
    }

    /* one that starts at a page */
    CHECK((gait_word)gait_alloc_aligned(mutator, bytes, 5000, 4096) % 4096 == 0);

    /* a pointer past the end leads to the object, since this file defines GAIT_PAST_END */
    char *text = gait_alloc(mutator, bytes, 64);
    CHECK(gait_object_base(heap, text + 64) == text);

    /* while references are in plain variables that no root knows */
    gait_no_collect_begin(mutator);
    gait_word *first = gait_alloc(mutator, array, 16), *second = gait_alloc(mutator, array, 16);
    CHECK(first && second);
    gait_store(mutator, &first[0], (gait_word)second);
    push(mutator, &values, (gait_word)first);
    gait_no_collect_end(mutator);

    gait_collect(mutator);
    CHECK(((gait_word *)values.array)[10000] == (gait_word)first && first[0] == (gait_word)second);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
