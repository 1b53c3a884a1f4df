/* SPDX-License-Identifier: MIT */
/*
 * Objects: allocation, stores of all kinds, questions about them.
 */
#include "ops.h"

static bool is_strong(const struct context *context, const struct node *node, size_t i) {
    enum word_class class = node_class(context, node, i);
    return class == WORD_STRONG || class == WORD_INTERIOR;
}

/* ---- Allocation ---- */

/* Mostly small, every class now and then, and with odd lengths. */
static size_t some_bytes(uint64_t *random) {
    switch (pick(random, 8)) {
    case 0:
        return pick(random, 20);
    case 1:
        return pick(random, 1000);
    case 2:
        return one_in(random, 8) ? GAIT_SMALL_MAX_BYTES - pick(random, 3) : pick(random, 5000);
    default:
        return (1 + pick(random, 16)) * sizeof(gait_word);
    }
}

/* Give the owner room for more: forget what is garbage, let go of some roots. */
static void make_room(struct context *context) {
    struct owner *owner = context->owner;
    model_walk(context);
    for (unsigned try = 0; try < 4 && owner->node_count > the_round->plan.nodes_max / 2; try++) {
        for (size_t i = 0; i < ROOTS_MAX; i++)
            if (owner->roots[i].usable && one_in(&context->random, 2))
                root_set(context, &owner->roots[i], 0, NULL);
        model_walk(context);
    }
}

static void allocate(struct context *context, unsigned kind, size_t bytes) {
    if (context->owner->node_count >= the_round->plan.nodes_max)
        make_room(context);
    if (!node_new(context, kind, bytes))
        make_room(context);
}

void op_new(struct context *context) {
    for (size_t n = 1 + pick(&context->random, 4); n > 0; n--)
        allocate(context, (unsigned)pick(&context->random, the_round->plan.kinds),
                 some_bytes(&context->random));
}

void op_large(struct context *context) {
    size_t bytes = GAIT_SMALL_MAX_BYTES + 1 + pick(&context->random, the_round->plan.large_bytes);
    allocate(context, (unsigned)pick(&context->random, the_round->plan.kinds), bytes);
}

/* Garbage at once. */
void op_churn(struct context *context) {
    uint64_t *random = &context->random;
    gait_kind kind = context->heap->kinds[pick(random, the_round->plan.kinds)];
    size_t bytes = one_in(random, 10) ? pick(random, 1u << 17) : some_bytes(random);
    for (size_t n = pick(random, bytes > 5000 ? 10 : 200); n > 0; n--)
        CHECK(gait_alloc(context->mutator, kind, bytes) || context->heap->plan->small,
              "no memory for %zu bytes", bytes);
}

/* ---- Stores ---- */

/* A word for a strong word of a node: a reference or none. */
static gait_word some_word(struct context *context, bool interior, struct node **target) {
    *target = one_in(&context->random, 3) ? NULL : node_pick(context, true);
    return *target ? node_reference(context, *target, interior) : word_without_reference(context);
}

void op_store(struct context *context) {
    for (size_t n = 1 + pick(&context->random, 6); n > 0; n--) {
        struct node *node = node_pick(context, false), *target;
        if (!node || node->word_count == 0)
            continue;
        size_t i = pick(&context->random, node->word_count);
        gait_word value =
            some_word(context, node_class(context, node, i) == WORD_INTERIOR, &target);
        node_store(context, node, i, value, target);
    }
}

/* The first references of a node, so that what they lead to is held by others or dies. */
void op_clear(struct context *context) {
    struct node *node = node_pick(context, false);
    if (!node)
        return;
    unsigned cleared = 0;
    for (size_t i = 0; i < node->word_count && cleared < 3; i++)
        if (node->words[i].target && is_strong(context, node, i)) {
            node_store(context, node, i, 0, NULL);
            cleared++;
        }
}

/* How many words from i on are strong, at most so many. */
static size_t strong_from(const struct context *context, const struct node *node, size_t i,
                          size_t most) {
    size_t count = 0;
    if (the_round->plan.kind[node->kind].info.layout == GAIT_TAGGED)
        return 0; /* a word goes with its tag: node_store */
    while (count < most && i + count < node->word_count && is_strong(context, node, i + count))
        count++;
    if (the_round->plan.kind[node->kind].info.scan == plan_scan_counted) {
        size_t end = node->words[0].value + 1; /* words past the count stay 0 */
        count = i >= end ? 0 : count < end - i ? count : end - i;
    }
    return count;
}

static size_t some_range(struct context *context, const struct node *node, size_t *start) {
    uint64_t *random = &context->random;
    if (node->word_count == 0)
        return 0;
    *start = pick(random, node->word_count);
    return strong_from(context, node, *start,
                       one_in(random, 4) ? SIZE_MAX / 2 : 1 + pick(random, 8));
}

void op_fill(struct context *context) {
    struct node *node = node_pick(context, false);
    size_t start, count;
    if (!node || (count = some_range(context, node, &start)) == 0)
        return;
    /* held by a root: filling may be a safepoint */
    struct node *target = one_in(&context->random, 2) ? NULL : node_pick(context, false);
    if (!node_takes(node, target))
        return;
    gait_word value =
        target ? node_reference(context, target, false) : word_without_reference(context);
    gait_fill(context->mutator, node_slot(node, start), value, count);
    for (size_t i = start; i < start + count; i++)
        node->words[i] = (struct word){value, target, 0, false};
}

void op_move(struct context *context) {
    struct node *to = node_pick(context, false);
    struct node *from = one_in(&context->random, 3) ? to : node_pick(context, false);
    size_t start, count, source;
    if (!to || !from || from->word_count == 0 || (count = some_range(context, to, &start)) == 0)
        return;
    source = pick(&context->random, from->word_count);
    count = strong_from(context, from, source, count);
    /* a pointer inside an object is a reference in some words only */
    for (size_t i = 0; i < count; i++)
        if (node_class(context, from, source + i) == WORD_INTERIOR &&
            node_class(context, to, start + i) != WORD_INTERIOR)
            return;
    if (count == 0)
        return;
    for (size_t i = source; i < source + count; i++)
        if (!node_takes_word(to, &from->words[i]))
            return;
    gait_move(context->mutator, node_slot(to, start), node_slot(from, source), count);
    memmove(&to->words[start], &from->words[source], count * sizeof *to->words);
}

void op_exchange(struct context *context) {
    struct node *node = node_pick(context, false), *target;
    size_t i;
    if (!node || some_range(context, node, &i) == 0)
        return;
    gait_word value = some_word(context, node_class(context, node, i) == WORD_INTERIOR, &target);
    if (!node_takes(node, target))
        return;
    gait_word expected = node->words[i].value, before = expected;
    if (one_in(&context->random, 3)) { /* in vain */
        expected ^= 8;
        CHECK(!gait_compare_exchange(context->mutator, node_slot(node, i), &expected, value),
              "exchanged for another word");
        CHECK(expected == before, "read %#zx, not %#zx", (size_t)expected, (size_t)before);
        return;
    }
    CHECK(gait_compare_exchange(context->mutator, node_slot(node, i), &expected, value),
          "%p: word %zu is not %#zx but %#zx", (void *)node->address, i, (size_t)before,
          (size_t)expected);
    node->words[i] = (struct word){value, target, 0, false};
}

/* How many words of an object its scan function visits: more at once, fewer after the words that
 * are no longer visited were cleared. */
void op_count(struct context *context) {
    struct node *node = node_pick(context, false);
    if (!node || node->word_count == 0 || node_class(context, node, 0) != WORD_COUNT)
        return;
    size_t count = pick(&context->random, node->word_count);
    for (size_t i = node->words[0].value; i > count; i--)
        node_store(context, node, i, 0, NULL);
    /* release: the words were cleared before */
    __atomic_store_n(node_slot(node, 0), count, __ATOMIC_RELEASE);
    node->words[0].value = count;
}

/* ---- Questions ---- */

void op_query(struct context *context) {
    struct node *node = node_pick_object(context, true);
    gait_heap *heap = context->heap->gait;
    CHECK(!gait_object_base(heap, &heap), "a stack has objects");
    CHECK(gait_current(heap) == context->mutator && gait_mutator_heap(context->mutator) == heap,
          "gait_current");
    CHECK(gait_attach(heap) == context->mutator, "a second attachment");
    if (!node)
        return;
    size_t bytes = node->cell_words * sizeof(gait_word), inside = pick(&context->random, bytes);
    void *object = (void *)node->address;
    CHECK(gait_object_base(heap, (char *)object + inside) == object, "base of %p at %zu", object,
          inside);
    CHECK(gait_object_bytes(heap, object) == bytes, "bytes of %p", object);
    CHECK(gait_object_kind(heap, object) == context->heap->kinds[node->kind], "kind of %p", object);
}
