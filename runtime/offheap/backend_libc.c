/* SPDX-License-Identifier: MIT */
/*
 * Off-heap memory from the C library. Each piece is on a list of its pool, so that what was not
 * freed goes with the heap: 16 bytes in front, and a lock of its own for each of 16 lists.
 */
#include <gait/offheap.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "system.h"

#define LISTS 16

struct piece {
    struct piece *next; /* guarded by the list's lock, as previous */
    struct piece *previous;
};

struct list {
    struct offheap_lock lock;
    struct piece *first; /* lock */
    char unshared[64 - (sizeof(struct offheap_lock) + sizeof(struct piece *)) % 64];
};

struct libc_pool {
    struct list lists[LISTS];
};

/* A piece is on the list that its address says. */
static struct list *list_of(struct libc_pool *pool, const struct piece *piece) {
    uint64_t hash = (uint64_t)(uintptr_t)piece * UINT64_C(0x9E3779B97F4A7C15);
    return &pool->lists[hash >> 60];
}

static void link_piece(struct libc_pool *pool, struct piece *piece) {
    struct list *list = list_of(pool, piece);
    system_lock(&list->lock);
    piece->previous = NULL;
    piece->next = list->first;
    if (piece->next)
        piece->next->previous = piece;
    list->first = piece;
    system_unlock(&list->lock);
}

static void unlink_piece(struct libc_pool *pool, struct piece *piece) {
    struct list *list = list_of(pool, piece);
    system_lock(&list->lock);
    if (piece->previous)
        piece->previous->next = piece->next;
    else
        list->first = piece->next;
    if (piece->next)
        piece->next->previous = piece->previous;
    system_unlock(&list->lock);
}

static void *libc_pool_new(int procs) {
    (void)procs;
    struct libc_pool *pool = calloc(1, sizeof *pool);
    for (unsigned i = 0; pool && i < LISTS; i++)
        system_lock_init(&pool->lists[i].lock);
    return pool;
}

static void libc_pool_destroy(void *data) {
    struct libc_pool *pool = data;
    for (unsigned i = 0; i < LISTS; i++) {
        for (struct piece *piece = pool->lists[i].first, *next; piece; piece = next) {
            next = piece->next;
            free(piece);
        }
        system_lock_destroy(&pool->lists[i].lock);
    }
    free(pool);
}

static void *libc_take(void *pool, size_t bytes, unsigned shard) {
    (void)shard;
    struct piece *piece = backend_is_to_fail() ? NULL : calloc(1, sizeof *piece + bytes);
    if (!piece)
        return NULL;
    link_piece(pool, piece);
    return piece + 1;
}

static struct resized libc_resize(void *pool, void *start, size_t old_bytes, size_t bytes,
                                  unsigned shard) {
    (void)old_bytes, (void)shard;
    struct piece *old = (struct piece *)start - 1;
    if (backend_is_to_fail())
        return (struct resized){NULL, 0};
    unlink_piece(pool, old);
    struct piece *piece = realloc(old, sizeof *piece + bytes);
    link_piece(pool, piece ? piece : old);
    return (struct resized){piece ? piece + 1 : NULL, bytes};
}

static void libc_give(void *pool, void *start, size_t bytes, unsigned shard) {
    (void)bytes, (void)shard;
    struct piece *piece = (struct piece *)start - 1;
    unlink_piece(pool, piece);
    free(piece);
}

static void libc_hold(void *data) {
    struct libc_pool *pool = data;
    for (unsigned i = 0; i < LISTS; i++)
        system_lock(&pool->lists[i].lock);
}

static void libc_let_go(void *data) {
    struct libc_pool *pool = data;
    for (unsigned i = LISTS; i-- > 0;)
        system_unlock(&pool->lists[i].lock);
}

/* The C library holds its own locks over a fork. */
static void nothing(void) {}

const struct backend backend_libc = {
    .number = GAIT_OFFHEAP_LIBC,
    .name = "libc",
    .pool_new = libc_pool_new,
    .pool_destroy = libc_pool_destroy,
    .take = libc_take,
    .resize = libc_resize,
    .give = libc_give,
    .hold = libc_hold,
    .let_go = libc_let_go,
    .hold_all = nothing,
    .let_go_all = nothing,
    .child_all = nothing,
};
