/* SPDX-License-Identifier: MIT */
/*
 * Generators: nodes with a coroutine that is tied to them, and collected with them. To the model
 * what the coroutine's frame holds are more words of the node, which its scan function leads to.
 *
 * A cleanup frees the coroutine, on whichever thread runs it. It has no C stack: a thread goes on
 * as it for some operations on the frame, and as itself again.
 */
#include <gait/dirty.h>
#include <gait/tied.h>

#include "ops.h"

void generator_scan(gait_visitor *visitor, void *object, size_t object_bytes, void *data) {
    (void)data;
    if (object_bytes >= sizeof(gait_word))
        gait_visit_coroutine(
            visitor, (gait_coroutine *)__atomic_load_n((gait_word *)object, __ATOMIC_ACQUIRE));
}

/* On any thread; the model hears of it in generators_settle. */
static void clean_up(gait_mutator *mutator, void *data) {
    struct generator *generator = data;
    gait_coroutine_free(mutator, generator->gait);
    unsigned before = __atomic_exchange_n(&generator->freed, 1, __ATOMIC_ACQ_REL);
    CHECK(before == 0, "a generator is cleaned up twice");
}

/* ---- Its frame ---- */

static void check(const struct generator *generator) {
    for (size_t i = 0; i < GENERATOR_WORDS; i++)
        CHECK(generator->slots[i] == generator->words[i].value,
              "the generator %p: word %zu is %#zx, not %#zx", (void *)generator->node->address, i,
              (size_t)generator->slots[i], (size_t)generator->words[i].value);
}

static void set(struct context *context, struct generator *generator, struct node *target) {
    size_t i = pick(&context->random, GENERATOR_WORDS);
    gait_word value =
        target ? node_reference(context, target, false) : word_without_reference(context);
    generator->slots[i] = value;
    generator->words[i] = (struct word){value, target, 0, false};
}

/* As the coroutine. What is picked is reachable from the owner's other roots, or held by nothing
 * until the next safepoint. */
static void run(struct context *context, struct generator *generator) {
    gait_coroutine_switch(context->mutator, generator->gait);
    check(generator);
    for (size_t n = pick(&context->random, 4); n > 0; n--) {
        switch (pick(&context->random, 4)) {
        case 0:
            set(context, generator,
                one_in(&context->random, 3) ? NULL : node_pick_object(context, true));
            break;
        case 1:
            gait_poll(context->mutator);
            break;
        case 2:
            gait_alloc(context->mutator, context->heap->kinds[KIND_LEAF], 100);
            break;
        default:
            set(context, generator, generator->node);
        }
        check(generator);
    }
    gait_coroutine_switch(context->mutator, NULL);
}

/* Its words are stored to from outside, as static slots are, and shaded as they are read. */
static void poke(struct context *context, struct generator *generator) {
    size_t i = pick(&context->random, GENERATOR_WORDS);
    gait_shade(context->mutator, generator->slots[i]);
    struct node *node = generator->words[i].target;
    struct root *root = root_pick(context);
    if (node && root)
        root_set(context, root, node_reference(context, node, false), node);
    gait_store(context->mutator, &generator->slots[i], 0);
    generator->words[i] = (struct word){0};
}

/* ---- Operations ---- */

void op_generator_new(struct context *context) {
    struct owner *owner = context->owner;
    struct node *node = NULL;
    for (size_t try = 0; try < 8 && !node; try++) {
        struct node *picked = node_pick_object(context, false);
        if (picked && picked->kind == KIND_GENERATOR && !picked->generator &&
            picked->word_count > 0)
            node = picked;
    }
    if (!node)
        return;
    struct generator *generator = calloc(1, sizeof *generator);
    CHECK(generator, "calloc");
    generator->node = node;
    generator->next = owner->generators;
    owner->generators = generator;
    gait_mutator *mutator = context->mutator;
    CHECK(generator->gait = gait_coroutine_new(mutator, NULL, NULL, NULL, NULL), "new");
    gait_coroutine_tie(mutator, generator->gait, (void *)node->address);
    CHECK(gait_cleanup_add(mutator, (void *)node->address, clean_up, generator) == 0, "cleanup");
    node->generator = generator;
    node->words[0].value = (gait_word)generator->gait;
    __atomic_store_n(node_slot(node, 0), node->words[0].value, __ATOMIC_RELEASE);
    gait_dirty(mutator, (void *)node->address);
    gait_coroutine_switch(mutator, generator->gait);
    gait_push_frame(mutator, &generator->frame, generator->slots, GENERATOR_WORDS);
    gait_coroutine_switch(mutator, NULL);
}

void op_generator(struct context *context) {
    for (size_t n = 1 + pick(&context->random, 3); n > 0; n--) {
        struct node *node = NULL;
        for (size_t try = 0; try < 8 && !(node && node->generator); try++)
            node = node_pick(context, true);
        if (!node || !node->generator)
            return;
        if (one_in(&context->random, 4))
            poke(context, node->generator);
        else
            run(context, node->generator);
    }
}

/* ---- The model ---- */

void generators_settle(struct context *context) {
    struct owner *owner = context->owner;
    for (struct generator *generator = owner->generators; generator; generator = generator->next) {
        struct node *node = generator->node;
        if (!node || !__atomic_load_n(&generator->freed, __ATOMIC_ACQUIRE))
            continue;
        model_walk(context);
        CHECK(node->strong != owner->walk, "the generator %p is reachable, and was cleaned up",
              (void *)node->address);
        node->dead = true;
        node->generator = NULL;
        generator->node = NULL;
    }
}

void generators_check_done(struct context *context) {
    const struct owner *owner = context->owner;
    for (const struct generator *generator = owner->generators; generator;
         generator = generator->next) {
        const struct node *node = generator->node;
        if (node && !__atomic_load_n(&generator->freed, __ATOMIC_ACQUIRE))
            CHECK(model_may_live(owner, node) || node->job, "the generator %p was not cleaned up",
                  (void *)node->address);
    }
}

void generators_free(struct owner *owner) {
    for (struct generator *next; owner->generators; owner->generators = next) {
        next = owner->generators->next;
        free(owner->generators);
    }
}
