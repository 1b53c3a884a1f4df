/* SPDX-License-Identifier: MIT */
/*
 * What one writes by hand: a cursor that moves through chunks from mmap, of 64 KiB, each next one
 * twice as large, up to 4 MiB. A reset goes back to the first chunk and keeps them all.
 *
 * PEER_BUMP_ZEROES: each object is zeroed as it is handed out, since a chunk that is used anew is
 * not zero; without, the program is left to do so. Other objects are the C library's.
 */
#ifndef BENCH_PEERS_BUMP_H
#define BENCH_PEERS_BUMP_H

#include <sys/mman.h>

#include "malloc_objects.h"
#include "raw_libc.h"

enum { BUMP_FIRST_BYTES = 64 << 10, BUMP_LAST_BYTES = 4 << 20 };

struct bump_chunk {
    struct bump_chunk *next;
    size_t bytes;
};

typedef struct peer_region {
    char *cursor, *end;
    struct bump_chunk *first, *current;
} peer_region;

/* Go on in the next chunk, or in a new one. */
static __attribute__((noinline, unused)) void *bump_slow(peer_region *region, size_t bytes) {
    struct bump_chunk *next = region->current ? region->current->next : NULL;
    if (!next) {
        size_t room = region->current ? region->current->bytes * 2 : BUMP_FIRST_BYTES;
        room = room > BUMP_LAST_BYTES ? BUMP_LAST_BYTES : room;
        if (bytes > room - sizeof *next)
            bench_die("bump: an object is larger than a chunk");
        next = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (next == MAP_FAILED)
            bench_die("out of memory");
        next->bytes = room;
        if (region->current)
            region->current->next = next;
        else
            region->first = next;
    }
    region->current = next;
    char *object = (char *)(next + 1);
    region->end = (char *)next + next->bytes;
    region->cursor = object + bytes;
#ifdef PEER_BUMP_ZEROES
    memset(object, 0, bytes);
#endif
    return object;
}

static inline __attribute__((always_inline)) void *
peer_region_alloc(peer_thread *thread, peer_region *region, enum peer_kind kind, size_t bytes) {
    (void)thread, (void)kind;
    bytes = (bytes + 7) & ~(size_t)7;
    char *object = region->cursor;
    if (__builtin_expect((size_t)(region->end - object) < bytes, 0))
        return bump_slow(region, bytes);
    region->cursor = object + bytes;
#ifdef PEER_BUMP_ZEROES
    memset(object, 0, bytes);
#endif
    return object;
}

static inline peer_region *peer_region_new(peer_thread *thread) {
    (void)thread;
    peer_region *region = calloc(1, sizeof *region);
    if (!region)
        bench_die("out of memory");
    return region;
}

static inline void peer_region_reset(peer_thread *thread, peer_region *region) {
    (void)thread;
    region->current = region->first;
    if (region->first) {
        region->cursor = (char *)(region->first + 1);
        region->end = (char *)region->first + region->first->bytes;
    }
}

static inline void peer_region_free(peer_thread *thread, peer_region *region) {
    (void)thread;
    for (struct bump_chunk *chunk = region->first, *next; chunk; chunk = next) {
        next = chunk->next;
        munmap(chunk, chunk->bytes);
    }
    free(region);
}

#include "region_ends.h"

#endif
