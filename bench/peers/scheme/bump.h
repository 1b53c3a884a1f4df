/* SPDX-License-Identifier: MIT */
/* shim.h's other allocator: a cursor through chunks of fresh memory. Nothing is ever freed. */
#ifndef BENCH_PEERS_SCHEME_BUMP_H
#define BENCH_PEERS_SCHEME_BUMP_H

#include <sys/mman.h>

enum { SHIM_CHUNK_BYTES = 4 << 20 };

GAIT_API void gait_visit_range(gait_visitor *visitor, const gait_word *words, size_t count) {}
GAIT_API void shim_start(void) {}
GAIT_API __attribute__((noinline)) void *shim_alloc_slow(gait_mutator *mutator, size_t bytes) {
    size_t room = bytes > SHIM_CHUNK_BYTES ? bytes : SHIM_CHUNK_BYTES;
    char *chunk = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED)
        return NULL;
    if (room == SHIM_CHUNK_BYTES)
        mutator->cursor = chunk + bytes, mutator->end = chunk + room;
    return chunk;
}
GAIT_INLINE void *gait_alloc(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    bytes = (bytes + 7) & ~(size_t)7;
    char *object = mutator->cursor;
    if (GAIT_UNLIKELY((size_t)(mutator->end - object) < bytes))
        return shim_alloc_slow(mutator, bytes);
    mutator->cursor = object + bytes;
    return object;
}
#define gait_collect(mutator) ((void)(mutator))
#define gait_run_finalizers(mutator, most) ((void)(mutator), (size_t)0)
#define gait_finalizer_set(mutator, object, run, data) ((void)(run), 0)
#define gait_weak_get(mutator, slot) (*(slot))
#define gait_weak_set(mutator, slot, value) ((void)(*(slot) = (value)))

#endif
