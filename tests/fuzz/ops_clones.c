/* SPDX-License-Identifier: MIT */
/*
 * Copies of what lies in arenas: of one object, and of all that it leads to within its arena. The
 * copy of a graph has the same shape: the model walks both at once.
 */
#include <gait/arena.h>

#include "ops.h"

#define COPIES_MOST 200

struct copy {
    const struct node *of;
    struct node *node;
};

struct copies {
    struct copy all[COPIES_MOST];
    size_t count;
};

/* An object of the heap with the words of another. */
static struct node *copy_new(struct context *context, const struct node *of, void *object) {
    gait_heap *heap = context->heap->gait;
    CHECK(gait_object_base(heap, object) == object, "the copy %p is no object", object);
    CHECK(gait_object_kind(heap, object) == context->heap->kinds[of->kind], "kind of a copy");
    struct node *node = calloc(1, sizeof *node);
    CHECK(node, "calloc");
    node->address = (gait_word)object;
    node->kind = of->kind;
    node->cell_words = gait_object_bytes(heap, object) / sizeof(gait_word);
    CHECK(node->cell_words >= of->word_count, "%zu words, of %zu", node->cell_words,
          of->word_count);
    node->word_count = of->word_count;
    node->words = calloc(node->word_count + 1, sizeof *node->words);
    CHECK(node->words, "calloc");
    memcpy(node->words, of->words, node->word_count * sizeof *node->words);
    node->next = context->owner->nodes;
    context->owner->nodes = node;
    context->owner->node_count++;
    return node;
}

static void copy_check(const struct node *node) {
    for (size_t i = 0; i < node->word_count; i++)
        CHECK(*node_slot(node, i) == node->words[i].value,
              "%p: word %zu of a copy is %#zx, not %#zx", (void *)node->address, i,
              (size_t)*node_slot(node, i), (size_t)node->words[i].value);
}

static void hold(struct context *context, struct node *node) {
    struct root *root = root_pick(context);
    if (root)
        root_set(context, root, node->address, node);
}

/* The place that a clone follows a word to: the start of an object in the same arena. */
static const struct node *followed(struct context *context, const struct node *node, size_t i) {
    const struct node *target = node->words[i].target;
    bool exact = node_class(context, node, i) == WORD_STRONG;
    if (!exact || !target || target->arena != node->arena || target == node->arena->nodes)
        return NULL;
    return target;
}

static struct node *copy_of(struct context *context, struct copies *copies, const struct node *of,
                            gait_word address) {
    for (size_t i = 0; i < copies->count; i++)
        if (copies->all[i].of == of) {
            CHECK(copies->all[i].node->address == address, "%p was copied to %p and to %p",
                  (void *)of->address, (void *)copies->all[i].node->address, (void *)address);
            return copies->all[i].node;
        }
    struct node *node = copy_new(context, of, (void *)address);
    copies->all[copies->count++] = (struct copy){of, node};
    return node;
}

/* A stale word that leads into the same arena again: to what begins there, if something does. */
static bool is_led_back(struct context *context, const struct node *node, size_t i) {
    return node->words[i].stale && node_class(context, node, i) == WORD_STRONG &&
           word_leads_into(context, &node->words[i], node->arena);
}

/* @return whether the graph is small enough to follow, and the model knows all of it. */
static bool count_reachable(struct context *context, const struct node *first) {
    const struct node *met[COPIES_MOST];
    size_t count = 1;
    met[0] = first;
    for (size_t at = 0; at < count; at++)
        for (size_t i = 0; i < met[at]->word_count; i++) {
            const struct node *target = followed(context, met[at], i);
            size_t known = 0;
            if (is_led_back(context, met[at], i))
                return false;
            while (target && known < count && met[known] != target)
                known++;
            if (!target || known < count)
                continue;
            if (count == COPIES_MOST)
                return false;
            met[count++] = target;
        }
    return true;
}

static void clone_deep(struct context *context, const struct node *of) {
    gait_word mask = context->heap->plan->value_mask;
    if (!count_reachable(context, of))
        return;
    void *object = gait_arena_clone_deep(context->mutator, of->arena->handle, (void *)of->address);
    if (!object) {
        CHECK(context->heap->plan->small, "no memory for copies");
        return;
    }
    struct copies copies = {.count = 0};
    struct node *first = copy_of(context, &copies, of, (gait_word)object);
    for (size_t at = 0; at < copies.count; at++) {
        const struct node *from = copies.all[at].of;
        struct node *to = copies.all[at].node;
        for (size_t i = 0; i < from->word_count; i++) {
            const struct node *target = followed(context, from, i);
            if (!target)
                continue;
            gait_word value = *node_slot(to, i);
            CHECK((value & ~mask) == (from->words[i].value & ~mask), "tags of a copy's word");
            CHECK((value & mask) != target->address, "%p: word %zu leads to what was copied",
                  (void *)to->address, i);
            to->words[i] =
                (struct word){value, copy_of(context, &copies, target, value & mask), 0, false};
        }
        copy_check(to);
    }
    hold(context, first);
}

static void clone_one(struct context *context, const struct node *of) {
    void *object =
        gait_arena_clone(context->mutator, (void *)of->address, context->heap->kinds[of->kind],
                         of->word_count * sizeof(gait_word));
    if (!object) {
        CHECK(context->heap->plan->small, "no memory for a copy");
        return;
    }
    struct node *node = copy_new(context, of, object);
    copy_check(node);
    hold(context, node);
}

void arena_clone(struct context *context, struct arena *arena) {
    const struct node *node = arena->nodes;
    for (size_t n = 1 + pick(&context->random, 30); n > 0 && node->sibling; n--)
        node = node->sibling;
    if (node == arena->nodes || node->word_count == 0)
        return;
    if (arena->described && one_in(&context->random, 2))
        clone_deep(context, node);
    else
        clone_one(context, node);
}
