/* SPDX-License-Identifier: MIT */
/*
 * Piles. See pile.h.
 */
#include "pile.h"

#include "../platform/platform.h"

void *pile_add_slow(struct pile *pile) {
    struct pile_chunk *chunk = platform_map(PILE_CHUNK_BYTES);
    if (!chunk) {
        pile->failed = true;
        return NULL;
    }
    chunk->previous = pile->last;
    if (pile->last)
        pile->last->next = chunk;
    else
        pile->first = chunk;
    pile->last = chunk;
    return pile_add(pile);
}

void *pile_take(struct pile *pile) {
    struct pile_chunk *chunk = pile->last;
    /* an empty chunk stays until the one before is empty, too: a pile goes to and fro */
    if (chunk && chunk->used == 0 && chunk->previous) {
        pile->last = chunk->previous;
        pile->last->next = NULL;
        platform_unreserve(chunk, PILE_CHUNK_BYTES);
        chunk = pile->last;
    }
    if (!chunk || chunk->used == 0)
        return NULL;
    chunk->used -= pile->item_bytes;
    pile->count--;
    return chunk->bytes + chunk->used;
}

void pile_free(struct pile *pile) {
    for (struct pile_chunk *chunk = pile->first, *next; chunk; chunk = next) {
        next = chunk->next;
        platform_unreserve(chunk, PILE_CHUNK_BYTES);
    }
    pile->first = pile->last = NULL;
    pile->count = 0;
}
