/* SPDX-License-Identifier: MIT */
/*
 * Links: words of the owner's memory, what they hold plain, hidden or no reference at all.
 *
 * An early link is cleared in a cycle in which nothing but finalizers and hooks keep its target,
 * which may be strong by others again later. So whatever gives an owner a node that may not be
 * strong has links looked at first: those to what roots don't lead to are `loose` from then on.
 */
#include <gait/links.h>

#include "ops.h"

static struct link *link_pick(struct context *context) {
    return &context->owner->links[pick(&context->random, LINKS_MAX)];
}

/* Early links are of heaps that stop the world. */
static bool has_early(const struct context *context) {
    return context->heap->plan->flags & GAIT_STOP_THE_WORLD;
}

static uint32_t some_flags(struct context *context) {
    if (has_early(context) && one_in(&context->random, 3))
        return GAIT_LINK_EARLY;
    return one_in(&context->random, 2) ? GAIT_LINK_LONG : 0;
}

static bool are_same_sort(uint32_t flags, uint32_t others) {
    return (flags & GAIT_LINK_LONG) == (others & GAIT_LINK_LONG);
}

/* One that an owner has; NULL: none. */
static struct link *early_of(struct owner *owner) {
    for (struct link *link = owner->links; link < owner->links + LINKS_MAX; link++)
        if (link->target && link->flags & GAIT_LINK_EARLY)
            return link;
    return NULL;
}

void links_expect_weak(struct context *context) {
    struct owner *owner = context->owner;
    if (!early_of(owner))
        return;
    model_walk_rooted(context);
    for (struct link *link = owner->links; link < owner->links + LINKS_MAX; link++)
        if (link->target && link->flags & GAIT_LINK_EARLY)
            link->loose = link->target->strong != owner->walk ||
                          !gait_link_get(context->mutator, &link->slot, link->flags);
}

static void link_end(struct link *link) { *link = (struct link){.slot = link->slot}; }

/* It reads as nothing. The word is cleared now or, where the program runs meanwhile, soon. */
static void link_is_gone(struct context *context, struct link *link) {
    gait_word slot = __atomic_load_n(&link->slot, __ATOMIC_RELAXED);
    bool soon = !(context->heap->plan->flags & GAIT_STOP_THE_WORLD);
    CHECK(slot == 0 || (soon && slot == link->value), "a cleared link's word holds %#zx",
          (size_t)slot);
    bool is_long = link->flags & GAIT_LINK_LONG;
    if (link->flags & GAIT_LINK_EARLY)
        return; /* its target may be there still */
    if (is_long)
        CHECK(!link->target->job || job_has_run(link->target->job),
              "a long link to %p is cleared, and its finalizer has not run",
              (void *)link->target->address);
    if (is_long || !link->loose)
        node_is_gone(link->target);
}

/* @return the target, if the link is short. Of a long one it may be none that the model knows to be
 * alive: it came back for a finalizer that has not run. */
static struct node *link_read(struct context *context, struct link *link) {
    const void *found = gait_link_get(context->mutator, &link->slot, link->flags);
    struct node *target = link->target;
    if (!found) {
        link_is_gone(context, link);
        return NULL;
    }
    gait_word slot = __atomic_load_n(&link->slot, __ATOMIC_RELAXED);
    CHECK(found == (void *)target->address && slot == link->value,
          "a link to %p leads to %p, its word holds %#zx", (void *)target->address, found,
          (size_t)slot);
    if (link->flags & GAIT_LINK_LONG)
        return NULL;
    CHECK(!target->dead, "a link leads to %p, which was gone", found);
    return target;
}

/* Take back: it is there, unless it was cleared meanwhile. */
static void link_unregister(struct context *context, struct link *link) {
    int result = gait_link_unregister(context->mutator, &link->slot, link->flags);
    CHECK(result == 0 || result == GAIT_E_MISSING, "gait_link_unregister: %d", result);
    gait_word slot = link->slot; /* nobody else's any more */
    CHECK(slot == (result == 0 ? link->value : 0), "after %d a link's word holds %#zx", result,
          (size_t)slot);
    if (result == GAIT_E_MISSING)
        link_is_gone(context, link);
    link_end(link);
}

void op_link(struct context *context) {
    struct link *link = link_pick(context);
    if (link->target) {
        link_unregister(context, link);
        return;
    }
    if (has_early(context) && one_in(&context->random, 3)) {
        ring_make(context);
        return;
    }
    struct node *target = node_pick_object(context, true);
    if (!target)
        return;
    gait_word words[] = {target->address, ~target->address, pick(&context->random, 1000)};
    link->value = link->slot = words[pick(&context->random, 3)];
    link->flags = some_flags(context);
    link->target = target;
    int result =
        gait_link_register(context->mutator, &link->slot, (void *)target->address, link->flags);
    CHECK(result == 0, "gait_link_register: %d", result);
    CHECK(gait_link_register(context->mutator, &link->slot, (char *)target->address + 8,
                             link->flags) == GAIT_E_INVALID,
          "a link to the inside of an object");
    uint32_t wrong = has_early(context) ? GAIT_LINK_EARLY | GAIT_LINK_LONG : GAIT_LINK_EARLY;
    CHECK(gait_link_register(context->mutator, &link->slot, (void *)target->address, wrong) ==
              GAIT_E_INVALID,
          "a link with flags %u", wrong);
}

/* Read one, and perhaps hold on to it. */
void op_link_get(struct context *context) {
    struct link *link = link_pick(context);
    if (!link->target)
        return;
    links_expect_weak(context);
    struct node *target = link_read(context, link);
    struct root *root = root_pick(context);
    if (target && root && one_in(&context->random, 2))
        root_set(context, root, node_reference(context, target, false), target);
}

void op_link_move(struct context *context) {
    struct link *from = link_pick(context), *to = link_pick(context);
    if (!from->target || from == to)
        return;
    if (to->target) { /* one that has a link already is left as it is */
        if (are_same_sort(to->flags, from->flags) &&
            gait_link_get(context->mutator, &to->slot, to->flags))
            CHECK(gait_link_move(context->mutator, &from->slot, &to->slot, from->flags) < 0,
                  "a link is moved to where there is one");
        return;
    }
    to->slot = from->value; /* before: the collector may clear it after */
    int result = gait_link_move(context->mutator, &from->slot, &to->slot, from->flags);
    CHECK(result == 0 || result == GAIT_E_MISSING, "gait_link_move: %d", result);
    if (result == 0) {
        to->target = from->target, to->value = from->value, to->flags = from->flags;
        to->loose = from->loose;
    } else {
        link_is_gone(context, from);
    }
    link_end(from);
}

void links_check(struct context *context, bool collected) {
    struct owner *owner = context->owner;
    for (struct link *link = owner->links; link < owner->links + LINKS_MAX; link++) {
        if (!link->target)
            continue;
        const struct node *target = link->target;
        bool is_long = link->flags & GAIT_LINK_LONG;
        bool strong = target->strong == owner->walk && (is_long || !link->loose);
        bool gone = collected && !model_may_live(owner, target) && !(is_long && target->job);
        const void *found = gait_link_get(context->mutator, &link->slot, link->flags);
        CHECK(!strong || found, "a link to %p is cleared: it is reachable",
              (void *)target->address);
        CHECK(!gone || !found, "a link leads to %p after a collection: it was unreachable", found);
        if (!found)
            link_unregister(context, link);
    }
}

void links_clear(struct context *context, const struct node *gone) {
    struct owner *owner = context->owner;
    for (struct link *link = owner->links; link < owner->links + LINKS_MAX; link++)
        if (link->target == gone && !(link->flags & GAIT_LINK_LONG)) {
            CHECK(link->loose || !gait_link_get(context->mutator, &link->slot, link->flags),
                  "a short link leads to %p still, whose finalizer has run", (void *)gone->address);
            link_unregister(context, link);
        }
}

void links_drop(struct context *context) {
    struct owner *owner = context->owner;
    for (struct link *link = owner->links; link < owner->links + LINKS_MAX; link++)
        if (link->target)
            link_unregister(context, link);
}
