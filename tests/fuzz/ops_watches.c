/* SPDX-License-Identifier: MIT */
/*
 * Watches: tables of the owners' own, whose weakness changes, kept and cleared by a liveness hook.
 *
 * The hook runs on the collector's thread beside the owners: it takes no lock, and changes a word
 * only from what it looked at to 0. A mode is changed after the words that it speaks of.
 */
#include "ops.h"

static gait_word word_at(const gait_word *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }

/* ---- The hook ---- */

static void keep(gait_liveness *liveness, const struct watch *watch) {
    unsigned mode = __atomic_load_n(&watch->mode, __ATOMIC_ACQUIRE);
    gait_word key = word_at(&watch->words[0]);
    if (mode == WATCH_STRONG)
        gait_keep(liveness, key);
    if (mode == WATCH_STRONG || (mode == WATCH_PAIR && key && gait_is_marked(liveness, key)))
        gait_keep(liveness, word_at(&watch->words[1]));
}

static void clear(gait_liveness *liveness, struct watch *watch) {
    for (size_t i = 0; i < 2; i++) {
        gait_word word = word_at(&watch->words[i]);
        if (!gait_is_marked(liveness, word))
            __atomic_compare_exchange_n(&watch->words[i], &word, 0, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED);
    }
}

static void see_marked(gait_liveness *liveness, void *object, size_t bytes, void *data) {
    (void)bytes, (void)data;
    CHECK(gait_is_marked(liveness, (gait_word)object), "a walk meets %p, which is dead", object);
}

static void see_dead(gait_liveness *liveness, void *object, size_t bytes, void *data) {
    (void)data;
    CHECK(!gait_is_marked(liveness, (gait_word)object), "a walk of the dead meets %p", object);
    CHECK(*(volatile unsigned char *)object + bytes > 0, "its memory is there");
}

void watches_hook(gait_liveness *liveness, gait_liveness_stage stage, void *data) {
    struct heap *heap = data;
    struct owner *owner = __atomic_load_n(&the_round->owners, __ATOMIC_ACQUIRE);
    for (; owner; owner = owner->next) {
        if (owner->heap != heap)
            continue;
        for (struct watch *watch = owner->watches; watch < owner->watches + WATCHES_MAX; watch++)
            if (stage == GAIT_LIVENESS_MARK)
                keep(liveness, watch);
            else if (stage == GAIT_LIVENESS_CLEAR)
                clear(liveness, watch);
    }
    if (stage == GAIT_LIVENESS_SWEEP && heap->walks++ % 8 == 0) {
        gait_kind kind = heap->kinds[heap->walks / 8 % the_round->plan.kinds];
        gait_walk_marked(liveness, kind, see_marked, NULL);
        gait_walk_dead(liveness, kind, see_dead, NULL);
    }
}

/* ---- One watch ---- */

static bool is_strong(const struct watch *watch) { return watch->mode == WATCH_STRONG; }

static void set_mode(struct watch *watch, unsigned mode) {
    __atomic_store_n(&watch->mode, mode, __ATOMIC_RELEASE);
}

static void set_word(struct context *context, struct watch *watch, size_t i, struct node *node) {
    gait_store(context->mutator, &watch->words[i], node ? node->address : 0);
    *(i == 0 ? &watch->target : &watch->value) = node;
}

static void watch_end(struct context *context, struct watch *watch) {
    set_mode(watch, WATCH_NONE);
    set_word(context, watch, 0, NULL);
    set_word(context, watch, 1, NULL);
    watch->loose = false;
}

/* Read the words as a program does. @return false: the key is gone, and the watch has ended. */
static bool watch_read(struct context *context, struct watch *watch) {
    struct node *target = watch->target, *value = watch->value;
    gait_word key = gait_weak_get(context->mutator, &watch->words[0]);
    if (key == 0) {
        CHECK(!is_strong(watch), "%p is gone, which a hook keeps", (void *)target->address);
        if (!watch->loose)
            node_is_gone(target);
        watch_end(context, watch);
        return false;
    }
    CHECK(key == target->address, "a watch of %p holds %#zx", (void *)target->address, (size_t)key);
    CHECK(!target->dead, "a watch leads to %p, which was gone", (void *)target->address);
    if (value) {
        key = gait_weak_get(context->mutator, &watch->words[1]);
        CHECK(key == value->address, "a watch of %p with the value %p holds %#zx",
              (void *)target->address, (void *)value->address, (size_t)key);
        CHECK(!value->dead, "a watch keeps %p, which was gone", (void *)value->address);
    }
    return true;
}

/* ---- Operations ---- */

void op_watch(struct context *context) {
    if (!context->heap->plan->hooked)
        return;
    struct watch *watch = &context->owner->watches[pick(&context->random, WATCHES_MAX)];
    if (watch->target && one_in(&context->random, 3)) {
        watch_end(context, watch);
        return;
    }
    struct node *target = watch->target;
    if (target && !watch_read(context, watch))
        return;
    if (!target && !(target = node_pick_object(context, true)))
        return;
    /* what the mode keeps from here on is stored anew */
    unsigned mode = WATCH_WEAK + (unsigned)pick(&context->random, 3);
    struct node *value = mode == WATCH_WEAK ? NULL : node_pick_object(context, true);
    set_mode(watch, WATCH_NONE);
    set_word(context, watch, 1, value);
    set_word(context, watch, 0, target);
    set_mode(watch, mode);
}

/* Read one, and perhaps hold on to what it leads to. */
void op_watch_get(struct context *context) {
    struct watch *watch = &context->owner->watches[pick(&context->random, WATCHES_MAX)];
    links_expect_weak(context);
    if (!watch->target || !watch_read(context, watch))
        return;
    struct node *node = watch->value && one_in(&context->random, 2) ? watch->value : watch->target;
    struct root *root = root_pick(context);
    if (root && one_in(&context->random, 2))
        root_set(context, root, node_reference(context, node, false), node);
}

/* ---- The model ---- */

void watches_tighten(struct context *context, struct watch *watch) {
    watch->loose = false;
    if (gait_weak_get(context->mutator, &watch->words[0]) == 0)
        watch_end(context, watch);
}

void watches_check(struct context *context, bool collected) {
    struct owner *owner = context->owner;
    for (struct watch *watch = owner->watches; watch < owner->watches + WATCHES_MAX; watch++) {
        const struct node *target = watch->target;
        if (!target)
            continue;
        bool strong = target->strong == owner->walk && !watch->loose;
        bool gone = collected && !model_may_live(owner, target);
        bool there = watch_read(context, watch);
        CHECK(!strong || there, "a watch of %p is cleared: it is reachable",
              (void *)target->address);
        CHECK(!gone || !there, "a watch leads to %p after a collection: it was unreachable",
              (void *)target->address);
    }
}

void watches_clear(struct context *context, const struct node *gone) {
    struct owner *owner = context->owner;
    for (struct watch *watch = owner->watches; watch < owner->watches + WATCHES_MAX; watch++)
        if (watch->target == gone) {
            CHECK(watch->loose || !gait_weak_get(context->mutator, &watch->words[0]),
                  "a watch leads to %p still, whose finalizer has run", (void *)gone->address);
            watch_end(context, watch);
        }
}

void watches_drop(struct context *context) {
    struct owner *owner = context->owner;
    for (struct watch *watch = owner->watches; watch < owner->watches + WATCHES_MAX; watch++)
        watch_end(context, watch);
}
