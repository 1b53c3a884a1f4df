/* SPDX-License-Identifier: MIT */
/* Many small pieces, freed at once; and a list that is no business of the collector. */
#include "../embedding/example.h"

#include <gait/offheap.h>
#include <gait/stats.h>
#include <string.h>

struct token {
    struct token *next;
    const char *text;
};

/* The words of a line, in pieces of the allocator. */
static struct token *split(gait_offheap_allocator *allocator, const char *line) {
    struct token *first = NULL, **link = &first;
    while (*line) {
        size_t length = strcspn(line, " ");
        char *text = gait_offheap_allocator_take(allocator, length + 1, 1); /* zeroed */
        struct token *token = gait_offheap_allocator_take(allocator, 1, sizeof *token);
        CHECK(text && token);
        memcpy(text, line, length);
        token->text = text;
        *link = token;
        link = &token->next;
        line += length + (line[length] == ' ');
    }
    return first;
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    int tokens = gait_offheap_tag(heap, "tokens");
    gait_offheap_allocator *allocator = gait_offheap_allocator_new(heap, tokens);
    CHECK(allocator);
    for (int i = 0; i < 1000; i++) {
        size_t count = 0;
        for (const struct token *token = split(allocator, "get the facts and the wishes"); token;
             token = token->next)
            count += strlen(token->text) > 3;
        CHECK(count == 2);
        gait_offheap_allocator_reset(allocator); /* all pieces at once; a block is kept */
    }
    CHECK(gait_offheap_blocks(heap, tokens) <= 2);
    gait_offheap_allocator_free(allocator);
    CHECK(gait_offheap_bytes(heap, tokens) == 0);
    gait_heap_destroy(heap);
    return 0;
}
