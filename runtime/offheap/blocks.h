/* SPDX-License-Identifier: MIT */
/*
 * What is known of blocks beside their heads: of all of them where they are checked
 * (GAIT_DEBUG=offheapcheck=1), of those that were sampled where leaks are looked for.
 *
 * A table from a block's address to its record, in 16 parts with a lock each. With checks:
 *
 *   .inv.known: every live block has a record, so what is freed and has none is none; a block that
 *   was freed keeps its record while its memory is kept back.
 *   .inv.edge: 16 bytes before a block's head and after its end hold a pattern, as does a freed
 *   block that is kept back. Whatever looks at a block looks at those.
 *
 * Freed blocks are kept back, first in, first out, up to 16 MiB and 4096 of them.
 */
#ifndef GAIT_OFFHEAP_BLOCKS_H
#define GAIT_OFFHEAP_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "system.h"

#define BLOCKS_PARTS 16
#define BLOCKS_FRAMES 16

struct record {
    struct record *next; /* of its bucket; the part's lock, as all of it */
    struct record *kept; /* the one that was freed after it; the lock of what is kept back */
    char *block;
    size_t bytes;
    unsigned tag;
    unsigned freed; /* with checks: its memory is kept back */
    size_t frames;  /* of the call stack it was allocated by; 0: it was not sampled */
    void *stack[BLOCKS_FRAMES];
};

struct part {
    struct offheap_lock lock;
    struct record **buckets; /* lock, as the next two; NULL: none yet */
    size_t bucket_count;     /* a power of two */
    size_t count;
};

struct blocks {
    struct part parts[BLOCKS_PARTS];
    struct offheap_lock kept_lock; /* what follows */
    struct record *kept_first;
    struct record *kept_last;
    size_t kept_bytes;
    size_t kept_count;
};

struct state;

void blocks_init(struct blocks *blocks);
void blocks_destroy(struct blocks *blocks);

/** Around fork. */
void blocks_hold(struct blocks *blocks);
void blocks_let_go(struct blocks *blocks);

/** A block is there, with its edges set if there are checks. sampled: with its call stack.
 * @return negative: no memory for its record. */
int blocks_add(struct state *state, char *block, size_t bytes, unsigned tag, int sampled);

/** A block goes, that was sampled or is checked: its record is freed. */
void blocks_remove(struct state *state, const char *block);

/** With checks: call is about to free, resize or look at a block: stop the process unless it is a
 * live one, whole. */
void blocks_expect(struct state *state, const char *block, const char *call);

/** With checks: keep a freed block back, and give those back to the backend that have been long
 * enough. */
void blocks_keep(struct state *state, char *block);

/** With checks: look at all. */
void blocks_check(struct state *state);

/** Have visit called for the record of each live block that was sampled; one part's lock is held.
 */
void blocks_visit(struct blocks *blocks, void (*visit)(void *data, const struct record *record),
                  void *data);

/** One line, and the end: what is wrong with a block of this record. */
void blocks_complain(struct state *state, const struct record *record, const char *call,
                     const char *what) __attribute__((noreturn));

#endif
