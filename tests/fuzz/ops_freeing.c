/* SPDX-License-Identifier: MIT */
/*
 * Objects that are freed or resized by the program, aligned ones, stretches without cycles.
 *
 * A node is freed, or moves, only if the model knows all that leads to it, and may write there: all
 * of it is strong, and no finalizer, cleanup, block or link has it.
 */
#include "ops.h"

/* ---- What leads to a node ---- */

static bool has_records(const struct owner *owner, const struct node *node) {
    if (node->job || node->arena || node->generator)
        return true;
    for (size_t i = 0; i < CLEANUPS_MAX; i++)
        if (owner->cleanups[i].node == node)
            return true;
    for (size_t i = 0; i < BLOCKS_MAX; i++)
        if (owner->blocks[i].node == node)
            return true;
    for (size_t i = 0; i < LINKS_MAX; i++)
        if (owner->links[i].target == node)
            return true;
    for (const struct generator *generator = owner->generators; generator;
         generator = generator->next)
        for (size_t i = 0; i < GENERATOR_WORDS; i++)
            if (generator->words[i].target == node)
                return true;
    for (size_t i = 0; i < WATCHES_MAX; i++)
        if (owner->watches[i].target == node || owner->watches[i].value == node)
            return true;
    return false;
}

static gait_word offset_of(const struct context *context, const struct word *word,
                           const struct node *node) {
    return (word->value & context->heap->plan->value_mask) - node->address;
}

/* May each word that leads to a node be written, and does it lead to its first bytes? After a walk.
 */
static bool is_free_to_go(struct context *context, const struct node *node, size_t bytes) {
    struct owner *owner = context->owner;
    if (has_records(owner, node))
        return false;
    for (const struct node *from = owner->nodes; from; from = from->next)
        for (size_t i = 0; i < from->word_count; i++)
            if (from->words[i].target == node) {
                enum word_class class = node_class(context, from, i);
                if (from->strong != owner->walk || from->arena || class == WORD_DATA ||
                    class == WORD_COUNT || class == WORD_FIXED || class == WORD_TAG ||
                    offset_of(context, &from->words[i], node) >= bytes)
                    return false;
            }
    for (size_t i = 0; i < ROOTS_MAX; i++)
        if (owner->roots[i].word.target == node &&
            (!owner->roots[i].usable || offset_of(context, &owner->roots[i].word, node) >= bytes))
            return false;
    return true;
}

/* Have what leads to a node lead elsewhere: by so many bytes, or (NULL) nowhere. */
static void lead(struct context *context, struct node *node, struct node *target, gait_word by) {
    struct owner *owner = context->owner;
    for (size_t i = 0; i < ROOTS_MAX; i++)
        if (owner->roots[i].word.target == node)
            root_set(context, &owner->roots[i], target ? owner->roots[i].word.value + by : 0,
                     target);
    for (struct node *from = owner->nodes; from; from = from->next)
        for (size_t i = 0; i < from->word_count; i++) {
            struct word *word = &from->words[i];
            if (word->target != node)
                continue;
            gait_word value = target ? word->value + by : 0;
            switch (node_class(context, from, i)) {
            case WORD_WEAK:
                gait_weak_set(context->mutator, node_slot(from, i), value);
                *word = (struct word){value, target, 0, false};
                break;
            case WORD_KEY:
            case WORD_VALUE: {
                size_t key = node_class(context, from, i) == WORD_KEY ? i : i - 1;
                /* a key that nothing else leads to may be dead: it is read before it is stored */
                if (target && key != i && !node_read_weak(context, from, i))
                    break;
                *word = (struct word){value, target, 0, false};
                if (!target) /* all of the pair */
                    from->words[key] = from->words[key + 1] = (struct word){0};
                gait_ephemeron_set(context->mutator, node_slot(from, key), from->words[key].value,
                                   from->words[key + 1].value);
                break;
            }
            default:
                node_store(context, from, i, value, target);
            }
        }
}

/* ---- Operations ---- */

/* An object that only this thread has ever seen. */
static void free_own(struct context *context) {
    uint64_t *random = &context->random;
    size_t bytes = one_in(random, 8) ? pick(random, 200000) : pick(random, 600);
    unsigned kind = (unsigned)pick(random, the_round->plan.kinds);
    struct node node = {.kind = kind};
    node.address = (gait_word)gait_alloc(context->mutator, context->heap->kinds[kind], bytes);
    if (!node.address)
        return;
    struct node *target = node_pick(context, true);
    node.cell_words = gait_object_bytes(context->heap->gait, (void *)node.address) / 8;
    if (target && node_class(context, &node, 0) == WORD_STRONG)
        gait_init(node_slot(&node, 0), node_reference(context, target, false));
    struct gait_frame frame;
    gait_push_frame(context->mutator, &frame, &node.address, 1);
    for (size_t n = pick(random, 3); n > 0; n--)
        gait_poll(context->mutator);
    gait_pop_frame(context->mutator);
    gait_free(context->mutator, (void *)node.address);
}

void op_free(struct context *context) {
    for (size_t n = pick(&context->random, 5); n > 0; n--)
        free_own(context);
    struct node *node = node_pick(context, false);
    if (!node)
        return;
    model_walk(context);
    if (!is_free_to_go(context, node, SIZE_MAX))
        return;
    gait_word address = node->address;
    lead(context, node, NULL, 0);
    node->dead = true;
    gait_free(context->mutator, (void *)address);
    model_walk(context);
}

/* Do its words mean the same in a cell of any size? */
static bool takes_sizes(const struct node *node) {
    gait_layout layout = the_round->plan.kind[node->kind].info.layout;
    return layout != GAIT_REPEAT && layout != GAIT_TAGGED && layout != GAIT_EPHEMERON &&
           layout != GAIT_CALLBACK;
}

static void compare(struct context *context, const struct node *node, size_t kept) {
    for (size_t i = 0; i < kept; i++)
        if (node_class(context, node, i) != WORD_WEAK)
            CHECK(*node_slot(node, i) == node->words[i].value,
                  "%p: word %zu of %zu is %#zx, not %#zx, after gait_realloc",
                  (void *)node->address, i, kept, (size_t)*node_slot(node, i),
                  (size_t)node->words[i].value);
    for (size_t i = kept; i < node->cell_words; i++)
        CHECK(*node_slot(node, i) == 0, "%p: word %zu is new, and %#zx", (void *)node->address, i,
              (size_t)*node_slot(node, i));
}

void op_realloc(struct context *context) {
    uint64_t *random = &context->random;
    struct node *node = node_pick(context, false);
    if (!node || !takes_sizes(node))
        return;
    size_t words =
        one_in(random, 10) ? pick(random, 20000) : pick(random, 2 * node->word_count + 9);
    words = words ? words : 1;
    model_walk(context);
    if (!is_free_to_go(context, node, words * sizeof(gait_word)))
        return;
    gait_word before = node->address;
    void *object = gait_realloc(context->mutator, (void *)before, words * sizeof(gait_word));
    if (!object) {
        CHECK(context->heap->plan->small, "no memory for %zu words", words);
        return;
    }
    node->address = (gait_word)object;
    node->cell_words = gait_object_bytes(context->heap->gait, object) / sizeof(gait_word);
    size_t kept = words < node->word_count ? words : node->word_count;
    compare(context, node, kept);
    node->words = realloc(node->words, (words + 1) * sizeof *node->words);
    CHECK(node->words, "realloc");
    for (size_t i = kept; i < words; i++)
        node->words[i] = (struct word){0};
    node->word_count = words;
    if (node->address != before)
        lead(context, node, node, node->address - before);
}

void op_aligned(struct context *context) {
    uint64_t *random = &context->random;
    size_t align = (size_t)1 << pick(random, 13), bytes = pick(random, 9000);
    gait_kind kind = context->heap->kinds[pick(random, the_round->plan.kinds)];
    void *object = gait_alloc_aligned(context->mutator, kind, bytes, align);
    if (!object)
        return;
    CHECK((uintptr_t)object % align == 0, "%p is not aligned to %zu", object, align);
    if (one_in(random, 2))
        gait_free(context->mutator, object);
}

/* Where no other thread counts on cycles. */
void op_no_collect(struct context *context) {
    if (the_round->plan.actors > 1 || context->actor->visitor || context->actor->visiting > 0)
        return;
    gait_no_collect_begin(context->mutator);
    gait_collect(context->mutator); /* in vain */
    for (size_t n = pick(&context->random, 4); n > 0; n--)
        op_free(context);
    gait_no_collect_end(context->mutator);
}
