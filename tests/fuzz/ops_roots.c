/* SPDX-License-Identifier: MIT */
/*
 * Roots: what they hold, and their coming and going.
 */
#include <gait/offheap.h>

#include "ops.h"

void op_root(struct context *context) {
    struct root *root = root_pick(context);
    if (!root)
        return;
    struct node *target = one_in(&context->random, 3) ? NULL : node_pick(context, true);
    gait_word value =
        target ? node_reference(context, target, root_takes_interior(context->owner, root))
               : word_without_reference(context);
    root_set(context, root, value, target);
}

void op_drop(struct context *context) {
    size_t keep = pick(&context->random, 3);
    for (size_t i = 0; i < ROOTS_MAX; i++)
        if (context->owner->roots[i].usable && pick(&context->random, 3) >= keep)
            root_set(context, &context->owner->roots[i], 0, NULL);
}

void op_frame(struct context *context) {
    struct owner *owner = context->owner;
    size_t count;
    struct root *roots = owner_roots(owner, ROOT_FRAME, &count);
    if (!owner->with_frames)
        return;
    bool full = owner->frames_pushed == FRAMES_MAX;
    if (owner->frames_pushed > owner->frames_kept && (full || one_in(&context->random, 2))) {
        gait_pop_frame(context->mutator);
        owner_forget_frames(owner, owner->frames_pushed - 1);
        return;
    }
    if (full)
        return;
    unsigned frame = owner->frames_pushed++;
    size_t words = 1 + pick(&context->random, FRAME_WORDS);
    for (size_t i = 0; i < words; i++) {
        roots[frame * FRAME_WORDS + i].usable = true;
        root_set(context, &roots[frame * FRAME_WORDS + i], 0, NULL);
    }
    gait_push_frame(context->mutator, &owner->frames[frame], owner->frame_words[frame], words);
}

/* What the slots hold as they become roots is kept from then on. */
void op_static(struct context *context) {
    struct owner *owner = context->owner;
    size_t count, group = pick(&context->random, STATIC_GROUPS);
    struct root *roots = owner_roots(owner, ROOT_STATIC, &count) + group * STATIC_WORDS;
    gait_word *words = owner->static_words[group];
    if (roots[0].usable) {
        CHECK(gait_roots_remove(context->mutator, words) == 0, "gait_roots_remove");
        CHECK(gait_roots_remove(context->mutator, words) == GAIT_E_MISSING, "removed twice");
        for (size_t i = 0; i < STATIC_WORDS; i++) {
            roots[i].usable = false;
            roots[i].word = (struct word){0};
        }
        return;
    }
    size_t added = 1 + pick(&context->random, STATIC_WORDS);
    for (size_t i = 0; i < added; i++) {
        struct node *target = one_in(&context->random, 2) ? NULL : node_pick(context, true);
        words[i] = target ? node_reference(context, target, false) : 0;
        roots[i].word = (struct word){words[i], target, 0, false};
    }
    CHECK(gait_roots_add(context->mutator, words, added) == 0, "gait_roots_add");
    for (size_t i = 0; i < added; i++)
        roots[i].usable = true;
}

/* A range of memory of its own: written to as a static slot is, freed as soon as it is removed. */
void op_range(struct context *context) {
    struct owner *owner = context->owner;
    size_t count;
    struct root *roots = owner_roots(owner, ROOT_RANGE, &count);
    if (owner->range) {
        CHECK(gait_roots_remove_range(context->mutator, owner->range) == 0, "remove range");
        CHECK(gait_roots_remove_range(context->mutator, owner->range) == GAIT_E_MISSING,
              "a range is removed twice");
        free(owner->range);
        owner->range = NULL;
        for (size_t i = 0; i < count; i++) {
            roots[i].usable = false;
            roots[i].word = (struct word){0};
        }
        return;
    }
    size_t words = RANGE_WORDS * RANGE_STRIDE;
    owner->range_conservative = one_in(&context->random, 2);
    CHECK(owner->range = calloc(words + 1, sizeof(gait_word)), "calloc");
    for (size_t i = 0; i < count; i++) {
        /* held by a root: the call is a safepoint */
        struct node *target = one_in(&context->random, 2) ? NULL : node_pick(context, false);
        roots[i].slot = (gait_word *)owner->range + i * RANGE_STRIDE;
        *roots[i].slot = target ? node_reference(context, target, owner->range_conservative) : 0;
        roots[i].word = (struct word){*roots[i].slot, target, 0, false};
    }
    /* bytes at the end that fill no word are left out */
    size_t bytes = words * sizeof(gait_word) + (owner->range_conservative ? 3 : 0);
    CHECK(gait_roots_add_range(context->mutator, owner->range, bytes,
                               owner->range_conservative ? GAIT_RANGE_CONSERVATIVE : 0) == 0,
          "gait_roots_add_range");
    for (size_t i = 0; i < count; i++)
        roots[i].usable = true;
}

/* An off-heap block is freed as soon as it holds no roots. */
void op_block_roots(struct context *context) {
    struct owner *owner = context->owner;
    gait_heap *heap = context->heap->gait;
    size_t count;
    struct root *roots = owner_roots(owner, ROOT_BLOCK, &count);
    if (owner->root_block) {
        CHECK(gait_roots_remove(context->mutator, owner->root_block) == 0, "remove a block");
        CHECK(gait_roots_remove(context->mutator, owner->root_block) == GAIT_E_MISSING,
              "a block is removed twice");
        gait_offheap_free(heap, owner->root_block);
        owner->root_block = NULL;
        for (size_t i = 0; i < count; i++) {
            roots[i].usable = false;
            roots[i].word = (struct word){0};
        }
        return;
    }
    gait_word *block = gait_offheap_calloc(heap, count, sizeof *block, GAIT_OFFHEAP_UNTAGGED);
    CHECK(block, "a block for roots");
    for (size_t i = 0; i < count; i++) {
        struct node *target = one_in(&context->random, 2) ? NULL : node_pick(context, true);
        block[i] = target ? node_reference(context, target, false) : 0;
        roots[i].slot = &block[i];
        roots[i].word = (struct word){block[i], target, 0, false};
    }
    CHECK(gait_roots_add(context->mutator, block, count) == 0, "gait_roots_add of a block");
    for (size_t i = 0; i < count; i++)
        roots[i].usable = true;
    owner->root_block = block;
}

void op_handle(struct context *context) {
    size_t count;
    struct root *root = owner_roots(context->owner, ROOT_HANDLE, &count);
    root += pick(&context->random, count);
    if (root->usable) {
        gait_handle_free(context->mutator, root->handle);
        root->usable = false;
        root->handle = NULL;
        root->word = (struct word){0};
        return;
    }
    struct node *target = node_pick(context, true);
    gait_word value = target ? node_reference(context, target, false) : 0;
    CHECK(root->handle = gait_handle_new(context->mutator, value), "gait_handle_new");
    root->usable = true;
    root->word = (struct word){value, target, 0, false};
}

/* The callback's words are roots while it is set. */
void op_callback(struct context *context) {
    struct owner *owner = context->owner;
    size_t count;
    struct root *roots = owner_roots(owner, ROOT_CALLBACK, &count);
    bool set = !roots[0].usable;
    memset(owner->callback_words, 0, sizeof owner->callback_words);
    owner->callback_conservative = one_in(&context->random, 2);
    for (size_t i = 0; i < count; i++) {
        roots[i].usable = set;
        roots[i].word = (struct word){0};
    }
    gait_set_roots_callback(context->mutator, set ? owner_visit : NULL, owner);
}
