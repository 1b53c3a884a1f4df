/* SPDX-License-Identifier: MIT */
/* References that are no plain words: values with a tag beside them, pointers inside objects,
 * pointers behind a header. */
#include "example.h"

/* A value as many interpreters have it: what it is lies beside it. */
enum { NIL, INTEGER, STRING, TABLE };

struct value {
    gait_word word;
    unsigned char tag;
};

static const gait_tag_rule value_rules[] = {
    {.word = 0, .tag_byte = offsetof(struct value, tag)},
};

/* A position in a buffer: the end of what was read is inside it. */
struct reader {
    gait_word buffer;
    gait_word at; /* points inside the buffer, and may outlive the word before */
    uint64_t line;
};

/* What references to strings lead to: behind their length. */
struct string {
    uint64_t length;
    char text[];
};

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind bytes = example_kind(heap, &(gait_kind_info){.name = "bytes", .layout = GAIT_LEAF});

    gait_kind array = example_kind(
        heap, &(gait_kind_info){.name = "array of values",
                                .layout = GAIT_TAGGED,
                                .element_words = sizeof(struct value) / sizeof(gait_word),
                                .tag_rules = value_rules,
                                .tag_rule_count = 1,
                                .tag_references = {1 << STRING | 1 << TABLE}});

    const uint64_t reader_words = 1 << 0 | 1 << 1, inside = 1 << 1;
    gait_kind reader = example_kind(heap, &(gait_kind_info){.name = "reader",
                                                            .layout = GAIT_BITMAP,
                                                            .head_words = 3,
                                                            .bitmap = &reader_words,
                                                            .interior = &inside});

    CHECK(gait_displacement_add(heap, offsetof(struct string, text)) == 0);

    gait_word slots[4] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 4);

    /* a tag and its word change together, by one call */
    struct value *values = gait_alloc(mutator, array, 10 * sizeof *values);
    slots[0] = (gait_word)values;
    for (int i = 0; i < 10; i++) {
        gait_word word = (gait_word)gait_alloc(mutator, bytes, 32);
        CHECK(word);
        gait_store_tagged(mutator, &values[i].word, word, &values[i].tag,
                          i % 2 ? STRING : INTEGER); /* an integer that looks like a reference */
    }

    /* the only reference is one to the middle */
    struct reader *position = gait_alloc(mutator, reader, sizeof *position);
    slots[1] = (gait_word)position;
    gait_word buffer = (gait_word)gait_alloc(mutator, bytes, 4096);
    gait_store(mutator, &position->at, buffer + 1000);

    /* a root, too, may lead behind the header */
    struct string *string = gait_alloc(mutator, bytes, sizeof *string + 6);
    slots[2] = (gait_word)string->text;

    gait_collect(mutator);
    for (int i = 0; i < 10; i++)
        CHECK((gait_object_base(heap, (void *)values[i].word) != NULL) == (i % 2 == 1));
    CHECK(gait_object_base(heap, (void *)position->at) == (void *)buffer);
    CHECK(gait_object_base(heap, string->text) == string);

    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
