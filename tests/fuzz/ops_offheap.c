/* SPDX-License-Identifier: MIT */
/*
 * Memory outside the heap: foreign memory, off-heap blocks with and without owners, allocators.
 * What a block holds follows from its seed. The owner of one frees it by a cleanup, on any thread:
 * the model forgets a block as soon as its owner is not reachable.
 */
#include <gait/foreign.h>
#include <gait/offheap.h>

#include "ops.h"

#define FOREIGN_MOST ((size_t)1 << 20)
#define BLOCK_BYTES_MOST 300000
#define TAGS 3

/* ---- Foreign memory ---- */

/* In native code, and by threads that are not attached, by the heap. */
static void foreign_change(struct context *context, size_t bytes, bool add) {
    bool native = one_in(&context->random, 4);
    gait_heap *heap = context->heap->gait;
    if (native)
        gait_enter_native(context->mutator);
    if (native)
        (add ? gait_heap_foreign_add : gait_heap_foreign_sub)(heap, bytes);
    else
        (add ? gait_foreign_add : gait_foreign_sub)(context->mutator, bytes);
    if (native)
        gait_leave_native(context->mutator);
}

static void named_change(struct context *context, const size_t *memory, size_t bytes, bool add) {
    static const char *const names[] = {"pixels", "rows", NULL};
    const char *name = names[pick(&context->random, 3)];
    bool native = one_in(&context->random, 4);
    gait_heap *heap = context->heap->gait;
    if (native)
        gait_enter_native(context->mutator);
    if (native && add)
        gait_heap_foreign_add_named(heap, memory, bytes, name);
    else if (native)
        gait_heap_foreign_sub_named(heap, memory, bytes);
    else if (add)
        gait_foreign_add_named(context->mutator, memory, bytes, name);
    else
        gait_foreign_sub_named(context->mutator, memory, bytes);
    if (native)
        gait_leave_native(context->mutator);
}

/* By a name: one that there is goes, else one comes. */
void op_foreign_named(struct context *context) {
    size_t *bytes = &context->owner->named_bytes[pick(&context->random, FOREIGN_NAMED)];
    bool add = *bytes == 0;
    if (add)
        *bytes = 1 + pick(&context->random, 100000);
    named_change(context, bytes, *bytes, add);
    if (!add)
        *bytes = 0;
}

void op_foreign(struct context *context) {
    static const size_t ranges[] = {20, 1000, 100000};
    struct owner *owner = context->owner;
    size_t bytes = pick(&context->random, ranges[pick(&context->random, 3)]);
    bool add = one_in(&context->random, 2) && owner->foreign_bytes + bytes <= FOREIGN_MOST;
    if (!add && bytes > owner->foreign_bytes)
        bytes = owner->foreign_bytes;
    if (add) /* before: nobody takes it back meanwhile */
        foreign_change(context, bytes, true);
    owner->foreign_bytes = add ? owner->foreign_bytes + bytes : owner->foreign_bytes - bytes;
    if (!add)
        foreign_change(context, bytes, false);
}

/* ---- Blocks ---- */

static unsigned char block_byte(const struct block *block, size_t i) {
    return (unsigned char)(mix(block->seed + i) | 1);
}

/* Some bytes, and always the last. */
static size_t next_byte(uint64_t *random, size_t i, size_t bytes) {
    size_t next = i + 1 + pick(random, 4000);
    return next >= bytes && i + 1 < bytes ? bytes - 1 : next;
}

static void block_write(struct context *context, struct block *block) {
    unsigned char *bytes = block->memory;
    block->seed = next_random(&context->random);
    for (size_t i = 0; i < block->bytes; i++)
        bytes[i] = block_byte(block, i);
}

static void block_check(struct context *context, const struct block *block, size_t bytes) {
    const unsigned char *memory = block->memory;
    for (size_t i = 0; i < bytes; i = next_byte(&context->random, i, bytes))
        CHECK(memory[i] == block_byte(block, i), "off-heap block %p: byte %zu of %zu is %#x",
              block->memory, i, bytes, memory[i]);
}

static void check_zero(struct context *context, const void *memory, size_t from, size_t bytes) {
    const unsigned char *at = memory;
    for (size_t i = from; i < bytes; i = next_byte(&context->random, i, bytes))
        CHECK(at[i] == 0, "off-heap memory %p: byte %zu of %zu is %#x, fresh", memory, i, bytes,
              at[i]);
}

static size_t some_bytes(struct context *context) {
    return pick(&context->random, one_in(&context->random, 8) ? BLOCK_BYTES_MOST : 200);
}

static int some_tag(struct context *context) {
    char name[8];
    size_t number = pick(&context->random, TAGS + 1);
    if (number == TAGS)
        return GAIT_OFFHEAP_UNTAGGED;
    snprintf(name, sizeof name, "tag %zu", number);
    int tag = gait_offheap_tag(context->heap->gait, name);
    CHECK(tag > 0, "gait_offheap_tag: %d", tag);
    CHECK(strcmp(gait_offheap_tag_name(context->heap->gait, tag), name) == 0, "tag %d", tag);
    return tag;
}

/* New, or of another size: what it held stays, what is more is zero. */
static void block_resize(struct context *context, struct block *block) {
    gait_heap *heap = context->heap->gait;
    size_t bytes = some_bytes(context), before = block->bytes;
    size_t size = bytes % 8 == 0 && one_in(&context->random, 2) ? 8 : 1;
    int tag = some_tag(context);
    void *memory = block->memory || one_in(&context->random, 3)
                       ? gait_offheap_realloc(heap, block->memory, bytes / size, size, tag)
                       : gait_offheap_calloc(heap, bytes / size, size, tag);
    CHECK(memory && (uintptr_t)memory % 16 == 0, "a block at %p", memory);
    block->memory = memory;
    block_check(context, block, before < bytes ? before : bytes);
    check_zero(context, memory, before, bytes);
    block->bytes = bytes;
    block->tag = tag;
    block_write(context, block);
}

static void block_free(struct context *context, struct block *block) {
    block_check(context, block, block->bytes);
    gait_offheap_free(context->heap->gait, block->memory);
    *block = (struct block){0};
}

/* Give it an owner; or take it back, from one that is reachable: it is there still. */
static void block_pass(struct context *context, struct block *block) {
    if (block->node) {
        int result =
            gait_offheap_disown(context->mutator, (void *)block->node->address, block->memory);
        CHECK(result == 0, "gait_offheap_disown: %d", result);
        block->node = NULL;
        return;
    }
    struct node *node = node_pick_object(context, false);
    if (!node)
        return;
    int result = gait_offheap_own(context->mutator, (void *)node->address, block->memory);
    CHECK(result == 0, "gait_offheap_own: %d", result);
    block->node = node;
    CHECK(gait_offheap_own(context->mutator, (void *)node->address, block->memory) ==
              GAIT_E_INVALID,
          "a block has two owners");
}

void op_offheap(struct context *context) {
    struct owner *owner = context->owner;
    struct block *block = &owner->blocks[pick(&context->random, BLOCKS_MAX)];
    gait_heap *heap = context->heap->gait;
    CHECK(!gait_offheap_calloc(heap, SIZE_MAX / 2, 4, GAIT_OFFHEAP_UNTAGGED), "an overflow");
    model_walk(context); /* forgets blocks of owners that are gone */
    if (!block->memory) {
        block_resize(context, block);
        return;
    }
    CHECK(gait_offheap_block_bytes(heap, block->memory) == block->bytes, "bytes of a block");
    CHECK(gait_offheap_block_tag(heap, block->memory) == block->tag, "tag of a block");
    switch (pick(&context->random, 4)) {
    case 0:
    case 1:
        block_pass(context, block);
        break;
    case 2:
        if (!block->node)
            block_resize(context, block);
        break;
    default:
        if (!block->node)
            block_free(context, block);
    }
}

/* ---- Many small ones ---- */

void op_offheap_pieces(struct context *context) {
    struct owner *owner = context->owner;
    uint64_t *random = &context->random;
    if (!owner->pieces) {
        owner->pieces = gait_offheap_allocator_new(context->heap->gait, some_tag(context));
        CHECK(owner->pieces, "gait_offheap_allocator_new");
    }
    struct block pieces[20] = {{0}};
    size_t count = 1 + pick(random, 20);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = pick(random, one_in(random, 20) ? 20000 : 100);
        void *memory = gait_offheap_allocator_take(owner->pieces, bytes, 1);
        CHECK(memory && (uintptr_t)memory % 16 == 0, "a piece at %p", memory);
        check_zero(context, memory, 0, bytes);
        pieces[i] = (struct block){.memory = memory, .bytes = bytes};
        block_write(context, &pieces[i]);
    }
    for (size_t i = 0; i < count; i++)
        block_check(context, &pieces[i], pieces[i].bytes);
    if (one_in(random, 2)) {
        gait_offheap_allocator_reset(owner->pieces);
        CHECK(gait_offheap_allocator_bytes(owner->pieces) == 0, "pieces are left");
    } else if (one_in(random, 2)) {
        gait_offheap_allocator_free(owner->pieces);
        owner->pieces = NULL;
    }
}

/* ---- The model ---- */

void owner_blocks_forget(struct owner *owner) {
    for (size_t i = 0; i < BLOCKS_MAX; i++) {
        struct block *block = &owner->blocks[i];
        if (block->node && block->node->strong != owner->walk)
            *block = (struct block){0};
    }
}

void owner_blocks_check(struct context *context) {
    for (size_t i = 0; i < BLOCKS_MAX; i++)
        if (context->owner->blocks[i].memory)
            block_check(context, &context->owner->blocks[i], context->owner->blocks[i].bytes);
    gait_offheap_check(context->heap->gait);
}

/* At the end: all that has no owner. */
void owner_blocks_drop(struct context *context) {
    struct owner *owner = context->owner;
    gait_foreign_sub(context->mutator, owner->foreign_bytes);
    owner->foreign_bytes = 0;
    for (size_t i = 0; i < FOREIGN_NAMED; i++)
        if (owner->named_bytes[i] > 0)
            gait_foreign_sub_named(context->mutator, &owner->named_bytes[i], owner->named_bytes[i]);
    memset(owner->named_bytes, 0, sizeof owner->named_bytes);
    gait_offheap_allocator_free(owner->pieces);
    owner->pieces = NULL;
    model_walk(context);
    for (size_t i = 0; i < BLOCKS_MAX; i++)
        if (owner->blocks[i].memory && !owner->blocks[i].node)
            block_free(context, &owner->blocks[i]);
}

void owner_blocks_check_none(struct context *context) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_read_stats(context->heap->gait, &stats) == 0, "gait_read_stats");
    CHECK(stats.foreign_bytes == 0, "%" PRIu64 " foreign bytes are left", stats.foreign_bytes);
    CHECK(stats.offheap_bytes == 0, "%" PRIu64 " off-heap bytes are left", stats.offheap_bytes);
    size_t blocks = gait_offheap_blocks(context->heap->gait, GAIT_OFFHEAP_ALL);
    CHECK(blocks == 0, "%zu off-heap blocks are left", blocks);
}
