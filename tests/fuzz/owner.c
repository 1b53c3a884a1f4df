/* SPDX-License-Identifier: MIT */
/*
 * Owners: the roots of each class, where they lie, how they are stored to.
 *
 * Roots of the classes that end with a mutator (frames, callback, C stack) are there only while
 * something runs as the owner. Static slots and handles come and go by operations.
 */
#include <gait/offheap.h>

#include "ops.h"

static const size_t class_counts[] = {
    [ROOT_STACK] = STACK_WORDS,
    [ROOT_CALLBACK] = CALLBACK_WORDS,
    [ROOT_STATIC] = STATIC_GROUPS * STATIC_WORDS,
    [ROOT_RANGE] = RANGE_WORDS,
    [ROOT_BLOCK] = BLOCK_WORDS,
    [ROOT_SEGMENT] = SEGMENT_WORDS,
    [ROOT_HANDLE] = HANDLES_MAX,
    [ROOT_FRAME] = FRAMES_MAX * FRAME_WORDS,
};

static gait_word segments[HEAPS_MAX][SEGMENT_WORDS]; /* roots where data segments are scanned */

struct root *owner_roots(struct owner *owner, enum root_class class, size_t *count) {
    size_t start = 0;
    for (unsigned before = 0; before < class; before++)
        start += class_counts[before];
    *count = class_counts[class];
    return &owner->roots[start];
}

static void roots_at(struct owner *owner, enum root_class class, gait_word *words) {
    size_t count;
    struct root *roots = owner_roots(owner, class, &count);
    for (size_t i = 0; i < count; i++) {
        roots[i].class = class;
        roots[i].slot = words ? &words[i] : NULL;
    }
}

struct owner *owner_new(struct heap *heap, bool with_frames) {
    struct owner *owner = calloc(1, sizeof *owner);
    CHECK(owner, "calloc");
    owner->heap = heap;
    owner->with_frames = with_frames;
    roots_at(owner, ROOT_STACK, NULL);
    roots_at(owner, ROOT_CALLBACK, owner->callback_words);
    roots_at(owner, ROOT_STATIC, owner->static_words[0]);
    roots_at(owner, ROOT_RANGE, NULL);
    roots_at(owner, ROOT_BLOCK, NULL);
    roots_at(owner, ROOT_SEGMENT, segments[heap->index]);
    roots_at(owner, ROOT_HANDLE, NULL);
    roots_at(owner, ROOT_FRAME, owner->frame_words[0]);
    for (size_t i = 0; i < JOBS_MAX; i++)
        owner->jobs[i] = (struct job){.owner = owner, .inbox = &owner->inbox[i]};
    pthread_mutex_lock(&the_round->lock);
    owner->next = the_round->owners;
    __atomic_store_n(&the_round->owners, owner, __ATOMIC_RELEASE); /* the hook reads it so */
    pthread_mutex_unlock(&the_round->lock);
    return owner;
}

void owner_open(struct context *context) {
    CHECK(gait_roots_add(context->mutator, context->owner->inbox, JOBS_MAX) == 0, "inbox");
}

void owner_close(struct context *context) {
    links_drop(context);
    CHECK(gait_roots_remove(context->mutator, context->owner->inbox) == 0, "inbox");
}

void owner_visit(gait_visitor *visitor, void *data) {
    struct owner *owner = data;
    if (owner->callback_conservative)
        gait_visit_conservative(visitor, owner->callback_words, CALLBACK_WORDS);
    else
        gait_visit_range(visitor, owner->callback_words, CALLBACK_WORDS);
}

void owner_add_segment(struct owner *owner) {
    size_t count;
    struct root *roots = owner_roots(owner, ROOT_SEGMENT, &count);
    for (size_t i = 0; i < count; i++)
        roots[i].usable = true;
}

/* ---- Roots ---- */

bool root_takes_interior(const struct owner *owner, const struct root *root) {
    return root->class == ROOT_STACK || root->class == ROOT_SEGMENT ||
           (root->class == ROOT_CALLBACK && owner->callback_conservative) ||
           (root->class == ROOT_RANGE && owner->range_conservative);
}

void root_set(struct context *context, struct root *root, gait_word value, struct node *target) {
    switch (root->class) {
    case ROOT_STACK:
        *(volatile gait_word *)root->slot = value;
        break;
    case ROOT_CALLBACK:
    case ROOT_FRAME:
        *root->slot = value;
        break;
    case ROOT_STATIC:
    case ROOT_RANGE:
    case ROOT_BLOCK:
    case ROOT_SEGMENT:
        if (context->heap->plan->plain_stores)
            *root->slot = value;
        else
            gait_store(context->mutator, root->slot, value);
        break;
    case ROOT_HANDLE:
        gait_handle_set(context->mutator, root->handle, value);
        break;
    }
    root->word = (struct word){value, target, 0, false};
}

struct root *root_pick(struct context *context) {
    for (unsigned i = 0; i < 40; i++) {
        struct root *root = &context->owner->roots[pick(&context->random, ROOTS_MAX)];
        if (root->usable)
            return root;
    }
    return NULL;
}

void owner_drop_roots(struct context *context) {
    struct owner *owner = context->owner;
    size_t count;
    watches_drop(context);
    for (size_t i = 0; i < ROOTS_MAX; i++)
        if (owner->roots[i].usable)
            root_set(context, &owner->roots[i], 0, NULL);
    struct root *roots = owner_roots(owner, ROOT_STATIC, &count);
    for (size_t group = 0; group < STATIC_GROUPS; group++)
        if (roots[group * STATIC_WORDS].usable)
            CHECK(gait_roots_remove(context->mutator, owner->static_words[group]) == 0, "remove");
    if (owner->range)
        CHECK(gait_roots_remove_range(context->mutator, owner->range) == 0, "remove range");
    free(owner->range);
    owner->range = NULL;
    if (owner->root_block)
        CHECK(gait_roots_remove(context->mutator, owner->root_block) == 0, "remove block");
    gait_offheap_free(context->heap->gait, owner->root_block);
    owner->root_block = NULL;
    roots = owner_roots(owner, ROOT_HANDLE, &count);
    for (size_t i = 0; i < count; i++)
        if (roots[i].usable)
            gait_handle_free(context->mutator, roots[i].handle);
    for (size_t i = 0; i < ROOTS_MAX; i++) {
        owner->roots[i].usable = false;
        owner->roots[i].word = (struct word){0};
    }
    owner->frames_pushed = 0;
}

void owner_forget_frames(struct owner *owner, unsigned kept) {
    size_t count;
    struct root *roots = owner_roots(owner, ROOT_FRAME, &count);
    for (size_t i = kept * FRAME_WORDS; i < count; i++) { /* the words are left as they are */
        roots[i].usable = false;
        roots[i].word = (struct word){0};
    }
    owner->frames_pushed = kept;
}

void owner_end(struct owner *owner) {
    const enum root_class gone[] = {ROOT_STACK, ROOT_CALLBACK};
    for (unsigned class = 0; class < sizeof gone / sizeof *gone; class ++) {
        size_t count;
        struct root *roots = owner_roots(owner, gone[class], &count);
        for (size_t i = 0; i < count; i++) {
            roots[i].usable = false;
            roots[i].word = (struct word){0};
        }
    }
    owner_forget_frames(owner, 0);
    owner->with_frames = false;
}

void owner_free(struct owner *owner) {
    for (struct node *node = owner->nodes, *next; node; node = next) {
        next = node->next;
        free(node->words);
        free(node);
    }
    while (owner->arenas) {
        struct arena *arena = owner->arenas;
        owner->arenas = arena->next;
        free(arena);
    }
    generators_free(owner);
    free(owner->grey);
    free(owner);
}
