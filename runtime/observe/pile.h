/* SPDX-License-Identifier: MIT */
/*
 * A pile of items of one size, in chunks from the OS: it grows without malloc and without moving
 * what it has, so also while the world is stopped, or in a process that was forked from one with
 * threads. One thread's.
 */
#ifndef GAIT_PILE_H
#define GAIT_PILE_H

#include <stdbool.h>
#include <stddef.h>

/* A multiple of every page size. */
#define PILE_CHUNK_BYTES ((size_t)256 << 10)

struct pile_chunk {
    struct pile_chunk *next;
    struct pile_chunk *previous;
    size_t used; /* bytes */
    size_t reserved;
    char bytes[]; /* aligned to 32 */
};

struct pile {
    struct pile_chunk *first;
    struct pile_chunk *last;
    size_t item_bytes; /* constant; a divisor of a chunk's room, or some of that stays unused */
    size_t count;
    bool failed; /* there was no memory: it has not all that was added */
};

#define PILE_ROOM (PILE_CHUNK_BYTES - sizeof(struct pile_chunk))

/** Room for one more item, not defined. NULL: no memory. */
void *pile_add_slow(struct pile *pile);

static inline void *pile_add(struct pile *pile) {
    struct pile_chunk *chunk = pile->last;
    if (!chunk || PILE_ROOM - chunk->used < pile->item_bytes)
        return pile_add_slow(pile);
    void *item = chunk->bytes + chunk->used;
    chunk->used += pile->item_bytes;
    pile->count++;
    return item;
}

/** Take the item that was added last off. @return where it lies until the next call; NULL: there is
 * none. */
void *pile_take(struct pile *pile);

/** Free all. */
void pile_free(struct pile *pile);

/* A walk in the order of adding. */
struct pile_cursor {
    const struct pile_chunk *chunk;
    size_t at; /* bytes */
};

static inline struct pile_cursor pile_begin(const struct pile *pile) {
    return (struct pile_cursor){pile->first, 0};
}

/** The place of what is added next. */
static inline struct pile_cursor pile_end(const struct pile *pile) {
    return (struct pile_cursor){pile->last, pile->last ? pile->last->used : 0};
}

/** The next item, of so many bytes; NULL: the end. */
static inline const void *pile_next(struct pile_cursor *cursor, size_t item_bytes) {
    if (cursor->chunk && cursor->chunk->used - cursor->at < item_bytes) {
        cursor->chunk = cursor->chunk->next;
        cursor->at = 0;
    }
    if (!cursor->chunk || cursor->chunk->used - cursor->at < item_bytes)
        return NULL;
    const void *item = cursor->chunk->bytes + cursor->at;
    cursor->at += item_bytes;
    return item;
}

/** The item that was added as this one, from 0; of a pile of which none was taken off. Time grows
 * with the chunks before it. */
static inline const void *pile_at(const struct pile *pile, size_t index) {
    const struct pile_chunk *chunk = pile->first;
    for (size_t room = PILE_ROOM / pile->item_bytes; index >= room; index -= room)
        chunk = chunk->next;
    return chunk->bytes + index * pile->item_bytes;
}

#endif
