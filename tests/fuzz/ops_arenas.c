/* SPDX-License-Identifier: MIT */
/*
 * Arenas. For the model one is a group of nodes that live and die together: the handle, and what
 * was allocated in it since the last reset. Objects of the heap, traced arenas and roots refer to
 * them as to any node, by weak words too; an untraced arena refers to itself alone.
 *
 * After a reset or the end of an arena words that led to it stay as they are, and lead nowhere:
 * they are stale. What a reset leaves of memory may be given to any arena at once, also to the one
 * that has the word. Then this is a reference for the library: it counts it, and copies what it
 * leads to. The addresses of an arena that has ended are nobody's as long as such a word is
 * reachable; so an untraced arena gets none, as there nobody looks for it. An arena that nothing
 * leads to is forgotten: the library frees it.
 */
#include <gait/snapshot.h>

#include "ops.h"

#define ARENAS_MOST 6
#define OBJECTS_MOST 40

bool node_takes(const struct node *node, const struct node *target) {
    if (node->arena && node->arena->flat)
        return !target;
    return !target || !node->arena || node->arena->traced || target->arena == node->arena;
}

bool node_takes_word(const struct node *node, const struct word *word) {
    bool traced = !node->arena || node->arena->traced;
    return node_takes(node, word->target) && (traced || !word->stale);
}

bool word_leads_into(const struct context *context, const struct word *word,
                     const struct arena *arena) {
    if (word->stale == STALE_RESET) {
        gait_word address = word->value & context->heap->plan->value_mask;
        return gait_arena_of(context->heap->gait, (void *)address) == arena->handle;
    }
    return word->target && word->target->arena == arena;
}

bool round_leaves_stale_words(void) { return the_round->plan.seed % 3 == 0; }

/* For what an arena's places can't be: targets of weak words, owners of finalizers. */
struct node *node_pick_object(struct context *context, bool weak) {
    struct node *node = node_pick(context, weak);
    return node && node->arena ? NULL : node;
}

/* ---- Nodes of arenas ---- */

static bool is_strong(const struct owner *owner, const struct arena *arena) {
    return arena->nodes->strong == owner->walk;
}

struct node *arena_place(struct context *context, struct arena *arena, void *start, unsigned kind,
                         size_t bytes) {
    struct node *node = calloc(1, sizeof *node);
    CHECK(node, "calloc");
    node->address = (gait_word)start;
    node->kind = kind;
    node->arena = arena;
    node->word_count = bytes / sizeof(gait_word);
    node->cell_words = node->word_count; /* there is no more than what was asked for */
    node->words = calloc(node->word_count + 1, sizeof *node->words);
    CHECK(node->words, "calloc");
    node->strong = context->owner->walk;
    if (arena->nodes) { /* the handle stays first */
        node->sibling = arena->nodes->sibling;
        arena->nodes->sibling = node;
    } else {
        arena->nodes = node;
    }
    node->next = context->owner->nodes;
    context->owner->nodes = node;
    context->owner->node_count++;
    return node;
}

static void hold(struct context *context, struct node *node) {
    struct root *root = root_pick(context);
    if (root)
        root_set(context, root,
                 node_reference(context, node, root_takes_interior(context->owner, root)), node);
}

struct arena *arena_known(struct context *context, gait_arena *handle) {
    struct arena *arena = calloc(1, sizeof *arena);
    CHECK(arena, "calloc");
    arena->next = context->owner->arenas;
    arena->handle = handle;
    context->owner->arenas = arena;
    hold(context, arena_place(context, arena, handle, KIND_LEAF, 0));
    return arena;
}

/* What leads to nodes of the arena leads nowhere from now on, except for a handle that stays. */
static void forget(struct context *context, struct arena *arena, bool handle_stays) {
    struct owner *owner = context->owner;
    struct node *first = arena->nodes, *node;
    for (node = owner->nodes; node; node = node->next)
        for (size_t i = 0; i < node->word_count; i++) {
            struct node *target = node->words[i].target;
            if (!target || target->arena != arena || (handle_stays && target == first))
                continue;
            node->words[i].target = NULL;
            node->words[i].stale = handle_stays ? STALE_RESET : STALE_ENDED;
        }
    for (size_t i = 0; i < ROOTS_MAX; i++) {
        struct node *target = owner->roots[i].word.target;
        if (target && target->arena == arena && !(handle_stays && target == first))
            owner->roots[i].word.target = NULL;
    }
    for (struct node **link = &owner->nodes; (node = *link);) {
        if (node->arena != arena || (handle_stays && node == first)) {
            link = &node->next;
            continue;
        }
        *link = node->next;
        owner->node_count--;
        free(node->words);
        free(node);
    }
    if (handle_stays)
        first->sibling = NULL;
}

static void unlist(struct owner *owner, struct arena *arena) {
    struct arena **link = &owner->arenas;
    while (*link != arena)
        link = &(*link)->next;
    *link = arena->next;
    free(arena);
}

/* Clear pairs whose key or value is in the arena: which of them goes on with what comes there is
 * not for the model to say. @return false: some pair is out of reach. */
static bool clear_pairs(struct context *context, const struct arena *arena) {
    struct owner *owner = context->owner;
    for (struct node *node = owner->nodes; node; node = node->next)
        for (size_t i = 0; i + 1 < node->word_count; i++) {
            if (node_class(context, node, i) != WORD_KEY)
                continue;
            struct word *pair = &node->words[i];
            if (!(pair[0].target && pair[0].target->arena == arena) &&
                !(pair[1].target && pair[1].target->arena == arena))
                continue;
            if (node->strong != owner->walk)
                return false;
            gait_ephemeron_set(context->mutator, node_slot(node, i), 0, 0);
            pair[0] = pair[1] = (struct word){0};
        }
    return true;
}

/* Clear what leads to objects of the arena, weak words left out, but not what its own objects hold.
 * @return false: some word is out of reach. */
static bool clear_references(struct context *context, struct arena *arena) {
    struct owner *owner = context->owner;
    for (struct node *node = owner->nodes; node; node = node->next)
        for (size_t i = 0; node->arena != arena && i < node->word_count; i++) {
            const struct node *target = node->words[i].target;
            if (!target || target->arena != arena || target == arena->nodes ||
                node_class(context, node, i) == WORD_WEAK)
                continue;
            if (node->strong != owner->walk)
                return false;
            node_store(context, node, i, 0, NULL);
        }
    for (size_t i = 0; i < ROOTS_MAX; i++) {
        const struct node *target = owner->roots[i].word.target;
        if (target && target->arena == arena && target != arena->nodes)
            root_set(context, &owner->roots[i], 0, NULL);
    }
    return true;
}

/* A word that leads to an object from before the reset keeps some arena alive, which has the memory
 * now: in rounds where such words are left, more may be alive than the model knows. */
static void arena_reset(struct context *context, struct arena *arena) {
    if (!clear_pairs(context, arena))
        return;
    if (!round_leaves_stale_words() && !clear_references(context, arena))
        return;
    gait_arena_reset(context->mutator, arena->handle);
    CHECK(!gait_arena_root(context->mutator, arena->handle), "a root is left");
    arena->resets++;
    forget(context, arena, true);
}

/* ---- Life ---- */

static void arena_make(struct context *context) {
    uint64_t *random = &context->random;
    gait_arena_config config;
    gait_arena_config_init(&config);
    bool traced = one_in(random, 2) && !context->heap->plan->by_pages;
    bool pinned = one_in(random, 4);
    config.name = traced ? "traced" : "untraced";
    config.flags = (traced ? GAIT_ARENA_TRACED : 0) | (pinned ? GAIT_ARENA_PINNED : 0) |
                   (one_in(random, 4) ? GAIT_ARENA_DESCRIBED : 0);
    switch (pick(random, 8)) {
    case 0:
        config.flags |= GAIT_ARENA_PLACED;
        break;
    case 1:
        if (traced)
            break;
        config.flags |= GAIT_ARENA_CONTIGUOUS;
        config.reserve_bytes = (size_t)65536 << pick(random, 6);
        break;
    case 2:
    case 3:
        config.flags |= GAIT_ARENA_CONCURRENT;
        break;
    default:
        break;
    }
    if (one_in(random, 2))
        config.chunk_bytes = (size_t)8192 << pick(random, 5);
    char error[200] = "";
    gait_arena *handle =
        gait_arena_create_explained(context->mutator, &config, error, sizeof error);
    if (!handle) {
        CHECK(context->heap->plan->small, "no arena: %s", error);
        return;
    }
    struct arena *arena = arena_known(context, handle);
    arena->name = config.name;
    arena->traced = traced;
    arena->pinned = pinned;
    arena->described = (config.flags & GAIT_ARENA_DESCRIBED) != 0;
    arena->placed = (config.flags & GAIT_ARENA_PLACED) != 0;
    arena->bounded = (config.flags & GAIT_ARENA_CONTIGUOUS) != 0;
    arena->flat = arena->bounded && one_in(random, 2);
}

static void arena_end(struct context *context, struct arena *arena) {
    if (!clear_pairs(context, arena))
        return;
    gait_arena_free(context->mutator, arena->handle);
    forget(context, arena, false);
    unlist(context->owner, arena);
}

/* ---- Allocation ---- */

static size_t some_bytes(uint64_t *random) {
    if (one_in(random, 200))
        return pick(random, 300000); /* chunks of their own */
    return one_in(random, 10) ? pick(random, 6000) : pick(random, 120);
}

static bool fits(unsigned kind) {
    gait_layout layout = the_round->plan.kind[kind].info.layout;
    return layout != GAIT_CALLBACK && layout != GAIT_WEAK && layout != GAIT_EPHEMERON &&
           layout != GAIT_TAGGED; /* there each word is a reference, whatever its tag says */
}

/* Some place in the same arena, the younger the likelier. */
static struct node *neighbour(uint64_t *random, const struct node *node) {
    struct node *other = node->arena->nodes;
    for (size_t n = 1 + pick(random, 12); n > 0 && other->sibling; n--)
        other = other->sibling;
    return other;
}

static void *plain_take(struct context *context, struct arena *arena, const void *near,
                        size_t bytes) {
    size_t alignment = (size_t)1 << pick(&context->random, one_in(&context->random, 9) ? 17 : 7);
    void *start =
        arena->placed && one_in(&context->random, 2)
            ? gait_arena_alloc_near(context->mutator, arena->handle, near, bytes, alignment)
            : gait_arena_alloc(context->mutator, arena->handle, bytes, alignment);
    CHECK((uintptr_t)start % alignment == 0, "%p: alignment %zu", start, alignment);
    return start;
}

/* In place, before a safepoint. */
static void place_init(struct context *context, struct node *node) {
    uint64_t *random = &context->random;
    for (size_t n = node->word_count ? pick(random, 12) : 0; n > 0; n--) {
        size_t i = pick(random, node->word_count);
        struct node *target = one_in(random, 3) ? NULL : node_pick(context, true);
        enum word_class class = node_class(context, node, i);
        if (!node_takes(node, target) || one_in(random, 2))
            target = node->arena->flat ? NULL : neighbour(random, node);
        if (class == WORD_STRONG || class == WORD_INTERIOR) {
            gait_word value = target ? node_reference(context, target, class == WORD_INTERIOR)
                                     : word_without_reference(context);
            gait_init(node_slot(node, i), value);
            node->words[i] = (struct word){value, target, 0, false};
        } else if (class == WORD_DATA) {
            node_store(context, node, i, 0, target);
        }
    }
}

static void check_fresh(const struct node *node) {
    for (size_t i = 0; i < node->word_count; i++)
        CHECK(*node_slot(node, i) == 0, "%p: word %zu of a fresh place in an arena is %#zx",
              (void *)node->address, i, (size_t)*node_slot(node, i));
}

/* Arrays side by side. @return false: no memory. */
static bool fields_fill(struct context *context, struct arena *arena) {
    uint64_t *random = &context->random;
    size_t fields = 1 + pick(random, 4), count = 1 + pick(random, 60), field_bytes[4];
    void *starts[4];
    for (size_t i = 0; i < fields; i++)
        field_bytes[i] = 1 + pick(random, 40);
    const void *first =
        gait_arena_fields(context->mutator, arena->handle, count, field_bytes, fields, starts);
    if (!first) {
        CHECK(context->heap->plan->small || arena->bounded, "no memory for arrays");
        return false;
    }
    CHECK(first == starts[0], "the first array is at %p, not %p", starts[0], first);
    for (size_t i = 0; i < fields; i++) {
        CHECK((uintptr_t)starts[i] % GAIT_ARENA_FIELD_ALIGNMENT == 0, "array at %p", starts[i]);
        struct node *node =
            arena_place(context, arena, starts[i], KIND_LEAF, count * field_bytes[i]);
        check_fresh(node);
        place_init(context, node);
    }
    return true;
}

/* @return false: no memory. */
static bool place_fill(struct context *context, struct arena *arena) {
    uint64_t *random = &context->random;
    unsigned kind = (unsigned)pick(random, the_round->plan.kinds);
    size_t bytes = some_bytes(random);
    bool plain = !arena->described && one_in(random, 4);
    if (plain && one_in(random, 6))
        return fields_fill(context, arena);
    if (!plain && !fits(kind))
        kind = KIND_REFS;
    const struct node *beside = neighbour(random, arena->nodes);
    void *start, *near = beside == arena->nodes ? NULL : (void *)beside->address;
    if (plain)
        start = plain_take(context, arena, near, bytes);
    else if (arena->placed && one_in(random, 2))
        start = gait_arena_new_near(context->mutator, arena->handle, near,
                                    context->heap->kinds[kind], bytes);
    else if (bytes % 8 == 0 && one_in(random, 3))
        start = gait_arena_array(context->mutator, arena->handle, context->heap->kinds[kind],
                                 bytes / 8, 8);
    else
        start =
            gait_alloc_or_arena(context->mutator, arena->handle, context->heap->kinds[kind], bytes);
    if (!start) {
        CHECK(context->heap->plan->small || arena->bounded, "no memory for %zu bytes in an arena",
              bytes);
        return false;
    }
    CHECK((uintptr_t)start % (context->heap->plan->value_mask & 8 ? 8 : 16) == 0, "%p: alignment",
          start);
    struct node *node = arena_place(context, arena, start, plain ? KIND_LEAF : kind, bytes);
    check_fresh(node);
    place_init(context, node);
    if (one_in(random, 4))
        hold(context, node);
    return true;
}

/* ---- The operation ---- */

static struct arena *arena_pick(struct context *context) {
    struct owner *owner = context->owner;
    size_t count = 0;
    for (const struct arena *arena = owner->arenas; arena; arena = arena->next)
        count++;
    bool more = count < ARENAS_MOST && owner->node_count < the_round->plan.nodes_max;
    if (count == 0 || (more && one_in(&context->random, 6)))
        return NULL;
    struct arena *arena = owner->arenas;
    for (size_t n = pick(&context->random, count); n > 0; n--)
        arena = arena->next;
    return arena;
}

static void arena_use(struct context *context, struct arena *arena) {
    uint64_t *random = &context->random;
    size_t room = the_round->plan.nodes_max + 10;
    switch (pick(random, 16)) {
    case 0:
        arena_end(context, arena);
        break;
    case 1:
        arena_reset(context, arena);
        break;
    case 2:
        gait_arena_trim(context->mutator, arena->handle);
        break;
    case 3:
        hold(context, arena->nodes);
        break;
    case 5:
    case 6:
        arena_clone(context, arena);
        break;
    case 7:
        arena_figures(context, arena);
        break;
    case 8:
        if (context->owner->node_count < room)
            arena_save(context, arena);
        break;
    case 4: {
        const struct node *node = arena->nodes;
        for (size_t n = pick(random, 20); n > 0 && node->sibling; n--)
            node = node->sibling;
        gait_arena *found = gait_arena_of(context->heap->gait, (void *)node->address);
        CHECK(found == arena->handle, "%p lies in arena %p, not %p", (void *)node->address,
              (void *)arena->handle, (void *)found);
        CHECK(!gait_object_base(context->heap->gait, (void *)node->address),
              "%p is an object of the heap", (void *)node->address);
        break;
    }
    default:
        for (size_t n = 1 + pick(random, OBJECTS_MOST); n > 0; n--)
            if (context->owner->node_count >= room || !place_fill(context, arena))
                break;
    }
}

void op_arena(struct context *context) {
    model_walk(context); /* forgets those that nothing leads to */
    struct arena *arena = arena_pick(context);
    if (!arena) {
        arena_make(context);
        return;
    }
    if (!is_strong(context->owner, arena))
        return; /* perhaps a finalizer brings it back */
    /* roots may change within */
    gait_word handle = (gait_word)arena->handle;
    struct gait_frame frame;
    gait_push_frame(context->mutator, &frame, &handle, 1);
    gait_arena_adopt(context->mutator, arena->handle); /* perhaps from another thread */
    arena_use(context, arena);
    gait_pop_frame(context->mutator);
}

/* ---- The end ---- */

void owner_arenas_drop(struct context *context) {
    struct arena *arena, *next;
    model_walk(context);
    for (arena = context->owner->arenas; arena; arena = next) {
        next = arena->next;
        if (!is_strong(context->owner, arena) || (!arena->pinned && one_in(&context->random, 2)))
            continue; /* it is leaked as the roots go */
        gait_arena_adopt(context->mutator, arena->handle);
        arena_end(context, arena);
    }
}
