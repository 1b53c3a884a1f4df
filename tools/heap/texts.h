/* SPDX-License-Identifier: MIT */
/**
 * Texts of a snapshot, by their numbers. They lie in one piece of memory: a snapshot has a million.
 */
#ifndef HEAP_TEXTS_H
#define HEAP_TEXTS_H

#include <stddef.h>
#include <stdint.h>

/** Empty: all zeroes. Number 0 is the empty text, whether or not there is one. */
struct texts {
    char *bytes; /**< each text ends in 0 */
    size_t used, room;
    uint64_t *starts;
    uint32_t count, starts_room; /**< numbers go from 1 to count */
};

/** Add a text, piece by piece: the one that is not ended. A 0 in it becomes a space. */
void texts_add_piece(struct texts *texts, const char *bytes, size_t size);
/** It is whole. @return its number. */
uint32_t texts_end(struct texts *texts);

/** Add a text in one call. @return its number. */
uint32_t texts_add(struct texts *texts, const char *bytes, size_t size);

/** Valid until a text is added. Any number: one that has no text is the empty text's. */
const char *texts_get(const struct texts *texts, uint32_t number);

void texts_free(struct texts *texts);

#endif
