/* SPDX-License-Identifier: MIT */
/**
 * A snapshot's file, byte after byte. What is wrong ends the command with one line:
 * "gait-heap: FILE: byte OFFSET: what is there; expected: what should be".
 */
#ifndef HEAP_SOURCE_H
#define HEAP_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** So much is read at once. */
#define SOURCE_PIECE 65536

struct source {
    FILE *file;
    const char *path;
    uint64_t before; /**< bytes of the file that lie before the piece */
    size_t at, size; /**< of the piece: what was taken, what there is */
    unsigned char piece[SOURCE_PIECE];
};

/** Open, "-" is the standard input; ends the command where that can't be. */
void source_open(struct source *source, const char *path);
void source_close(struct source *source);

/** Read the next piece, when all of this one was taken. @return false: the file ends. */
bool source_next(struct source *source);

/** Where the next byte lies. */
static inline uint64_t source_offset(const struct source *source) {
    return source->before + source->at;
}

/** The next byte, which is taken; -1: the file ends. */
static inline int source_byte(struct source *source) {
    if (source->at == source->size && !source_next(source))
        return -1;
    return source->piece[source->at++];
}

_Noreturn void source_fail(const struct source *source, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
