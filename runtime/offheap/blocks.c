/* SPDX-License-Identifier: MIT */
/*
 * Records of blocks, and checks. See blocks.h.
 */
#include "blocks.h"

#include <gait/library.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "head.h"
#include "state.h"

#define BUCKETS_FIRST 64
#define EDGE 0xb7
#define FREED 0xd9
#define KEPT_BYTES ((size_t)16 << 20)
#define KEPT_COUNT 4096

void blocks_init(struct blocks *blocks) {
    for (unsigned i = 0; i < BLOCKS_PARTS; i++)
        system_lock_init(&blocks->parts[i].lock);
    system_lock_init(&blocks->kept_lock);
}

void blocks_destroy(struct blocks *blocks) {
    for (unsigned i = 0; i < BLOCKS_PARTS; i++) {
        struct part *part = &blocks->parts[i];
        for (size_t bucket = 0; bucket < part->bucket_count; bucket++)
            for (struct record *record = part->buckets[bucket], *next; record; record = next) {
                next = record->next;
                free(record);
            }
        free(part->buckets);
        system_lock_destroy(&part->lock);
    }
    system_lock_destroy(&blocks->kept_lock);
}

void blocks_hold(struct blocks *blocks) {
    system_lock(&blocks->kept_lock);
    for (unsigned i = 0; i < BLOCKS_PARTS; i++)
        system_lock(&blocks->parts[i].lock);
}

void blocks_let_go(struct blocks *blocks) {
    for (unsigned i = BLOCKS_PARTS; i-- > 0;)
        system_unlock(&blocks->parts[i].lock);
    system_unlock(&blocks->kept_lock);
}

/* ---- The table ---- */

static uint64_t hash_of(const char *block) {
    return (uint64_t)(uintptr_t)block * UINT64_C(0x9E3779B97F4A7C15);
}

static struct part *part_of(struct blocks *blocks, const char *block) {
    return &blocks->parts[hash_of(block) >> 60];
}

/* With the part's lock held, as are the functions below: where the block's record is linked, or
 * would be. */
static struct record **link_of(struct part *part, const char *block) {
    struct record **link = &part->buckets[(hash_of(block) >> 20) & (part->bucket_count - 1)];
    while (*link && (*link)->block != block)
        link = &(*link)->next;
    return link;
}

static struct record *find(struct part *part, const char *block) {
    return part->buckets ? *link_of(part, block) : NULL;
}

/* Have twice as many buckets; or, without memory, as many as before. */
static void grow(struct part *part) {
    size_t count = part->bucket_count ? 2 * part->bucket_count : BUCKETS_FIRST;
    struct record **old = part->buckets, **buckets = calloc(count, sizeof *buckets);
    size_t old_count = part->bucket_count;
    if (!buckets)
        return;
    part->buckets = buckets;
    part->bucket_count = count;
    for (size_t i = 0; i < old_count; i++)
        for (struct record *record = old[i], *next; record; record = next) {
            next = record->next;
            struct record **link = &buckets[(hash_of(record->block) >> 20) & (count - 1)];
            record->next = *link;
            *link = record;
        }
    free(old);
}

/* ---- Edges ---- */

static int is_all(const void *start, size_t bytes, unsigned char pattern) {
    const unsigned char *byte = start;
    for (size_t i = 0; i < bytes; i++)
        if (byte[i] != pattern)
            return 0;
    return 1;
}

static char *edge_before(char *block) { return block - sizeof(struct head) - HEAD_EDGE_BYTES; }

/* What is wrong around a live block, or inside one that is kept back; NULL: nothing. */
static const char *damage(const struct record *record) {
    if (record->freed)
        return is_all(record->block, record->bytes, FREED) ? NULL : "was written to after its free";
    const struct head *head = head_of(record->block);
    if (!is_all(record->block + record->bytes, HEAD_EDGE_BYTES, EDGE))
        return "was written past its end";
    if (!is_all(edge_before(record->block), HEAD_EDGE_BYTES, EDGE) || !head_is_live(head) ||
        head->bytes != record->bytes)
        return "was written before its start";
    return NULL;
}

void blocks_complain(struct state *state, const struct record *record, const char *call,
                     const char *what) {
    char text[480], stack[300] = "";
    if (record->frames)
        system_describe(record->stack, record->frames, stack, sizeof stack);
    snprintf(text, sizeof text, "%s: block %p (tag \"%.64s\", %zu bytes) %s%s%s", call,
             (void *)record->block, state->names[record->tag], record->bytes, what,
             stack[0] ? "; allocated by " : "", stack);
    gait_library_fatal(text);
}

/* ---- A block's life ---- */

int blocks_add(struct state *state, char *block, size_t bytes, unsigned tag, int sampled) {
    struct part *part = part_of(&state->blocks, block);
    struct record *record = calloc(1, sizeof *record);
    if (!record)
        return -1;
    record->block = block;
    record->bytes = bytes;
    record->tag = tag;
    if (sampled) /* from the public function on */
        record->frames = system_call_stack(record->stack, BLOCKS_FRAMES, 3);
    if (state->checks) {
        memset(edge_before(block), EDGE, HEAD_EDGE_BYTES);
        memset(block + bytes, EDGE, HEAD_EDGE_BYTES);
    }
    system_lock(&part->lock);
    if (part->count >= part->bucket_count)
        grow(part);
    if (!part->buckets) {
        system_unlock(&part->lock);
        free(record);
        return -1;
    }
    struct record **link = link_of(part, block);
    record->next = *link;
    *link = record;
    part->count++;
    system_unlock(&part->lock);
    return 0;
}

void blocks_remove(struct state *state, const char *block) {
    struct part *part = part_of(&state->blocks, block);
    system_lock(&part->lock);
    struct record **link = link_of(part, block), *record = *link;
    *link = record->next;
    part->count--;
    system_unlock(&part->lock);
    free(record);
}

void blocks_expect(struct state *state, const char *block, const char *call) {
    struct part *part = part_of(&state->blocks, block);
    system_lock(&part->lock);
    const struct record *record = find(part, block);
    if (!record) {
        char text[120];
        snprintf(text, sizeof text, "%s: %p is no off-heap block of this heap", call,
                 (const void *)block);
        gait_library_fatal(text);
    }
    const char *what = record->freed ? "was freed before" : damage(record);
    if (what)
        blocks_complain(state, record, call, what);
    system_unlock(&part->lock);
}

/* Take the block that was freed first out of what is kept back. NULL: it is not full. */
static struct record *kept_take(struct blocks *blocks) {
    struct record *record = NULL;
    system_lock(&blocks->kept_lock);
    if (blocks->kept_bytes > KEPT_BYTES || blocks->kept_count > KEPT_COUNT) {
        record = blocks->kept_first;
        blocks->kept_first = record->kept;
        if (!blocks->kept_first)
            blocks->kept_last = NULL;
        blocks->kept_bytes -= record->bytes;
        blocks->kept_count--;
    }
    system_unlock(&blocks->kept_lock);
    return record;
}

void blocks_keep(struct state *state, char *block) {
    struct blocks *blocks = &state->blocks;
    struct part *part = part_of(blocks, block);
    system_lock(&part->lock);
    struct record *record = find(part, block);
    if (record->freed) /* by another thread, since it was looked at */
        blocks_complain(state, record, "gait_offheap_free", "was freed before");
    record->freed = 1;
    memset(block, FREED, record->bytes);
    system_unlock(&part->lock);
    system_lock(&blocks->kept_lock);
    record->kept = NULL;
    if (blocks->kept_last)
        blocks->kept_last->kept = record;
    else
        blocks->kept_first = record;
    blocks->kept_last = record;
    blocks->kept_bytes += record->bytes;
    blocks->kept_count++;
    system_unlock(&blocks->kept_lock);
    while ((record = kept_take(blocks))) {
        char *start = head_start(record->block, 1);
        size_t bytes = record->bytes + head_extra_bytes(1);
        if (damage(record))
            blocks_complain(state, record, "off-heap memory", damage(record));
        blocks_remove(state, record->block);
        state->backend->give(state->pool, start, bytes, state_shard());
    }
}

void blocks_check(struct state *state) {
    for (unsigned i = 0; i < BLOCKS_PARTS; i++) {
        struct part *part = &state->blocks.parts[i];
        system_lock(&part->lock);
        for (size_t bucket = 0; bucket < part->bucket_count; bucket++)
            for (const struct record *record = part->buckets[bucket]; record;
                 record = record->next) {
                const char *what = damage(record);
                if (what)
                    blocks_complain(state, record, "off-heap memory", what);
            }
        system_unlock(&part->lock);
    }
}

void blocks_visit(struct blocks *blocks, void (*visit)(void *data, const struct record *record),
                  void *data) {
    for (unsigned i = 0; i < BLOCKS_PARTS; i++) {
        struct part *part = &blocks->parts[i];
        system_lock(&part->lock);
        for (size_t bucket = 0; bucket < part->bucket_count; bucket++)
            for (const struct record *record = part->buckets[bucket]; record; record = record->next)
                if (!record->freed && record->frames)
                    visit(data, record);
        system_unlock(&part->lock);
    }
}
