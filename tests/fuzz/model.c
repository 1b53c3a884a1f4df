/* SPDX-License-Identifier: MIT */
/*
 * Walks over an owner's nodes: what is strong, lent and kept; and the comparison with memory. What
 * the words mean is told in model.h.
 */
#include "ops.h"

bool heap_is_exact(const struct heap *heap) {
    return !(heap->plan->flags & (GAIT_CONSERVATIVE_STACKS | GAIT_DATA_SEGMENTS));
}

/* ---- The walk's stack ---- */

static void grey_push(struct owner *owner, struct node *node) {
    if (owner->grey_count == owner->grey_room) {
        owner->grey_room = owner->grey_room ? 2 * owner->grey_room : 64;
        owner->grey = realloc(owner->grey, owner->grey_room * sizeof *owner->grey);
        CHECK(owner->grey, "realloc");
    }
    owner->grey[owner->grey_count++] = node;
}

static struct node *grey_pop(struct owner *owner) {
    return owner->grey_count > 0 ? owner->grey[--owner->grey_count] : NULL;
}

/* ---- Strong and lent ---- */

bool model_may_live(const struct owner *owner, const struct node *node) {
    return node->strong == owner->walk || node->lent == owner->walk;
}

/* The two walks differ in what they mark. */
static void meet_one(struct owner *owner, struct node *node, bool lent) {
    if (node->strong == owner->walk || (lent && node->lent == owner->walk))
        return;
    CHECK(lent || !node->dead, "%p was gone, and is reachable", (void *)node->address);
    *(lent ? &node->lent : &node->strong) = owner->walk;
    grey_push(owner, node);
}

/* One place in an arena is all of them. */
static void meet(struct owner *owner, struct node *node, bool lent) {
    if (node->arena && !(node->strong == owner->walk || (lent && node->lent == owner->walk)))
        for (node = node->arena->nodes; node->sibling; node = node->sibling)
            meet_one(owner, node, lent);
    meet_one(owner, node, lent);
}

static void meet_words(const struct context *context, struct node *node, bool lent,
                       const struct node *but) {
    for (size_t i = 0; i < node->word_count; i++) {
        struct node *target = node->words[i].target;
        if (!target || target == but)
            continue;
        enum word_class class = node_class(context, node, i);
        if (class == WORD_STRONG || class == WORD_INTERIOR)
            meet(context->owner, target, lent);
    }
    for (size_t i = 0; node->generator && i < GENERATOR_WORDS; i++)
        if (node->generator->words[i].target)
            meet(context->owner, node->generator->words[i].target, lent);
}

static void meet_all(const struct context *context, bool lent) {
    struct node *node;
    while ((node = grey_pop(context->owner)))
        meet_words(context, node, lent, NULL);
}

static bool is_table(const struct node *node) {
    return the_round->plan.kind[node->kind].info.layout == GAIT_EPHEMERON;
}

/* An object with a finalizer that is set, and has not run as far as the owner knows. */
static bool is_waiting(const struct node *node) {
    return node->job && __atomic_load_n(&node->job->state, __ATOMIC_ACQUIRE) < JOB_TAKEN &&
           node->job->node == node;
}

/* Whether a pair of a reachable table was cleared before its key came back decides on its value. */
static void tighten(const struct context *context, struct node *node, size_t key) {
    node->words[key].loose = false;
    if (node_weak_get(context, node, key) == 0)
        node->words[key] = node->words[key + 1] = (struct word){0};
}

/* Meet the values whose table and key are met. @return whether there was one more. */
static bool meet_values(const struct context *context, bool lent) {
    struct owner *owner = context->owner;
    bool more = false;
    for (struct node *node = owner->nodes; node; node = node->next) {
        if (!is_table(node) || !(node->strong == owner->walk ||
                                 (lent && (node->lent == owner->walk || is_waiting(node)))))
            continue;
        for (size_t i = 0; i + 1 < node->word_count; i++) {
            if (node_class(context, node, i) != WORD_KEY || !node->words[i + 1].target)
                continue;
            if (node->words[i].loose && node->strong == owner->walk)
                tighten(context, node, i);
            if (!node->words[i + 1].target)
                continue;
            struct node *key = node->words[i].target, *value = node->words[i + 1].target;
            bool key_lives =
                !key || key->strong == owner->walk || (lent && key->lent == owner->walk);
            if (!key_lives || value->strong == owner->walk || (lent && value->lent == owner->walk))
                continue;
            meet(owner, value, lent);
            more = true;
        }
    }
    return more;
}

/* The same of watches. */
static bool meet_watched(struct context *context, bool lent) {
    struct owner *owner = context->owner;
    bool more = false;
    for (struct watch *watch = owner->watches; watch < owner->watches + WATCHES_MAX; watch++) {
        if (watch->mode != WATCH_PAIR || !watch->value)
            continue;
        if (watch->loose)
            watches_tighten(context, watch);
        const struct node *key = watch->target, *value = watch->value;
        if (!value || !(key->strong == owner->walk || (lent && key->lent == owner->walk)) ||
            value->strong == owner->walk || (lent && value->lent == owner->walk))
            continue;
        meet(owner, watch->value, lent);
        more = true;
    }
    return more;
}

static bool meet_dependent(struct context *context, bool lent) {
    bool more = meet_values(context, lent);
    return meet_watched(context, lent) || more;
}

static void walk_rooted(struct context *context) {
    struct owner *owner = context->owner;
    for (size_t i = 0; i < ROOTS_MAX; i++)
        if (owner->roots[i].usable && owner->roots[i].word.target)
            meet(owner, owner->roots[i].word.target, false);
    for (struct arena *arena = owner->arenas; arena; arena = arena->next)
        if (arena->pinned)
            meet(owner, arena->nodes, false);
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (__atomic_load_n(&owner->jobs[i].state, __ATOMIC_ACQUIRE) == JOB_TAKEN)
            meet(owner, owner->jobs[i].node, false);
}

static void walk_strong(struct context *context) {
    struct owner *owner = context->owner;
    walk_rooted(context);
    for (struct watch *watch = owner->watches; watch < owner->watches + WATCHES_MAX; watch++)
        if (watch->mode == WATCH_STRONG) {
            meet(owner, watch->target, false);
            if (watch->value)
                meet(owner, watch->value, false);
        }
    do
        meet_all(context, false);
    while (meet_dependent(context, false));
}

static void meet_lent(struct context *context) {
    do
        meet_all(context, true);
    while (meet_dependent(context, true));
}

/* ordered: by objects that hold what they lead to before they are found dead. */
static void walk_lent(struct context *context, bool ordered) {
    struct owner *owner = context->owner;
    for (size_t i = 0; i < JOBS_MAX; i++) {
        const struct job *job = &owner->jobs[i];
        struct node *node = job->node;
        if (node && is_waiting(node) && node->strong != owner->walk &&
            !(ordered && job_comes_back(job))) {
            if (job_resurrects(job))
                meet(owner, node, true);
            meet_words(context, node, true, job->flags & GAIT_FINALIZER_IGNORE_SELF ? node : NULL);
        }
    }
    meet_lent(context);
}

/* ---- Kept ---- */

static void keep(struct owner *owner, struct node *node) {
    if (!node || node->kept == owner->walk)
        return;
    for (struct node *all = node->arena ? node->arena->nodes : node; all; all = all->sibling) {
        all->kept = owner->walk;
        grey_push(owner, all);
    }
}

static void forget_arenas(struct owner *owner) {
    struct arena *arena;
    for (struct arena **link = &owner->arenas; (arena = *link);) {
        if (arena->nodes->kept == owner->walk) {
            link = &arena->next;
            continue;
        }
        *link = arena->next;
        free(arena);
    }
}

static void forget_others(struct context *context) {
    struct owner *owner = context->owner;
    struct node *node;
    for (node = owner->nodes; node; node = node->next)
        if (node->strong == owner->walk)
            keep(owner, node);
    for (size_t i = 0; i < JOBS_MAX; i++)
        keep(owner, owner->jobs[i].node);
    for (size_t i = 0; i < CLEANUPS_MAX; i++)
        keep(owner, owner->cleanups[i].node);
    for (size_t i = 0; i < LINKS_MAX; i++)
        keep(owner, owner->links[i].target);
    for (size_t i = 0; i < WATCHES_MAX; i++) {
        keep(owner, owner->watches[i].target);
        keep(owner, owner->watches[i].value);
    }
    for (const struct generator *generator = owner->generators; generator;
         generator = generator->next)
        keep(owner, generator->node);
    while ((node = grey_pop(owner))) {
        for (size_t i = 0; i < node->word_count; i++)
            keep(owner, node->words[i].target);
        for (size_t i = 0; node->generator && i < GENERATOR_WORDS; i++)
            keep(owner, node->generator->words[i].target);
    }
    forget_arenas(owner);
    for (struct node **link = &owner->nodes; (node = *link);) {
        if (node->kept == owner->walk) {
            link = &node->next;
            continue;
        }
        *link = node->next;
        owner->node_count--;
        free(node->words);
        free(node);
    }
}

void model_walk_rooted(struct context *context) {
    context->owner->walk++;
    walk_rooted(context);
    do
        meet_all(context, false);
    while (meet_values(context, false));
}

void model_walk(struct context *context) {
    links_expect_weak(context);
    context->owner->walk++;
    walk_strong(context);
    walk_lent(context, false);
    owner_blocks_forget(context->owner);
    forget_others(context);
}

void model_walk_ordered(struct context *context) {
    context->owner->walk++;
    walk_strong(context);
    walk_lent(context, true);
}

size_t model_bytes(const struct owner *owner) {
    size_t bytes = 0;
    for (struct node *node = owner->nodes; node; node = node->next)
        if (!node->arena && (model_may_live(owner, node) || is_waiting(node)))
            bytes += node->cell_words * sizeof(gait_word);
    return bytes;
}

/* ---- Finalizers and cleanups that have run ---- */

/* Weak words to an object were cleared before its finalizer was queued. */
static void clear_weak(struct context *context, const struct node *gone) {
    struct owner *owner = context->owner;
    for (struct node *node = owner->nodes; node; node = node->next)
        for (size_t i = 0; i < node->word_count; i++) {
            if (node->words[i].target != gone)
                continue;
            enum word_class class = node_class(context, node, i);
            if (class != WORD_WEAK && class != WORD_KEY)
                continue;
            if (node->strong == owner->walk)
                CHECK(node_weak_get(context, node, i) == 0,
                      "%p: word %zu leads to %p still, whose finalizer has run",
                      (void *)node->address, i, (void *)gone->address);
            node->words[i] = (struct word){0};
            if (class == WORD_KEY && i + 1 < node->word_count)
                node->words[i + 1] = (struct word){0};
        }
}

/* What an unordered finalizer's object leads to may have been dead, and have come back with it:
 * weak words to it may be cleared, and it may itself have a finalizer that is queued. */
static void bring_back(struct context *context, struct node *finalized) {
    struct owner *owner = context->owner;
    owner->walk++;
    walk_strong(context);
    meet(owner, finalized, true);
    meet_lent(context);
    for (struct node *node = owner->nodes; node; node = node->next) {
        if (node->lent == owner->walk)
            node->dead = false;
        if (node->lent == owner->walk && node != finalized)
            node->back = true;
        for (size_t i = 0; i < node->word_count; i++) {
            enum word_class class = node_class(context, node, i);
            if ((class == WORD_WEAK || class == WORD_KEY) && node->words[i].target &&
                node->words[i].target->lent == owner->walk)
                node->words[i].loose = true;
        }
    }
    for (size_t i = 0; i < LINKS_MAX; i++)
        if (owner->links[i].target && owner->links[i].target->lent == owner->walk)
            owner->links[i].loose = true;
    for (struct watch *watch = owner->watches; watch < owner->watches + WATCHES_MAX; watch++)
        if (watch->target && watch->mode != WATCH_STRONG && watch->target->lent == owner->walk)
            watch->loose = true;
}

/* A finalizer was taken from the queue: what was so as it was queued. */
static void settle_job(struct context *context, const struct job *job) {
    struct node *node = job->node;
    model_walk(context);
    if (!node->back && !job_resurrects(job)) {
        clear_weak(context, node);
        links_clear(context, node);
        watches_clear(context, node);
    }
    if (job->flags & GAIT_FINALIZER_UNORDERED)
        bring_back(context, node);
    node->back = false;
}

/* The jobs in a state, of objects that were not reachable. All are looked at before what one of
 * them brings back counts: by that another may be, whose finalizer was queued in the same cycle. */
static size_t jobs_of(struct context *context, enum job_state state, struct job *jobs[JOBS_MAX]) {
    struct owner *owner = context->owner;
    size_t count = 0;
    model_walk(context);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &owner->jobs[i];
        if (__atomic_load_n(&job->state, __ATOMIC_ACQUIRE) != state)
            continue;
        CHECK(job_may_be_queued(job) || job->node->strong != owner->walk,
              "%p is reachable, and its finalizer was run", (void *)job->node->address);
        jobs[count++] = job;
    }
    return count;
}

void model_lose(struct context *context) {
    struct job *jobs[JOBS_MAX];
    size_t count = jobs_of(context, JOB_RUNS, jobs);
    for (size_t i = 0; i < count; i++) {
        settle_job(context, jobs[i]);
        job_end(jobs[i]);
    }
}

void model_settle(struct context *context) {
    struct owner *owner = context->owner;
    struct job *jobs[JOBS_MAX];
    size_t count = jobs_of(context, JOB_RAN, jobs);
    for (size_t i = 0; i < count; i++) {
        settle_job(context, jobs[i]);
        CHECK(*jobs[i]->inbox == jobs[i]->node->address, "the finalizer got %#zx, not %p",
              (size_t)*jobs[i]->inbox, (void *)jobs[i]->node->address);
        __atomic_store_n(&jobs[i]->state, JOB_TAKEN, __ATOMIC_RELEASE);
    }
    generators_settle(context);
    for (size_t i = 0; i < CLEANUPS_MAX; i++) {
        struct cleanup *cleanup = &owner->cleanups[i];
        if (!cleanup->node || __atomic_load_n(&cleanup->ran, __ATOMIC_ACQUIRE) == 0)
            continue;
        model_walk(context);
        CHECK(cleanup->node->strong != owner->walk, "%p is reachable, and was cleaned up",
              (void *)cleanup->node->address);
        cleanup->node->dead = true;
        if (__atomic_load_n(&cleanup->ran, __ATOMIC_ACQUIRE) == cleanup->expected)
            *cleanup = (struct cleanup){0};
    }
}

/* ---- Comparison ---- */

static void compare_weak(struct context *context, struct node *node, size_t i, bool collected) {
    struct owner *owner = context->owner;
    bool value = node_class(context, node, i) == WORD_VALUE;
    struct node *target = node->words[value ? i - 1 : i].target; /* that must live for it */
    if (node->words[i].stale)
        node_read_weak(context, node, i);
    if (!target && !node->words[i].target)
        return;
    bool loose = node->words[value ? i - 1 : i].loose;
    bool strong = !loose && (!target || target->strong == owner->walk);
    bool gone = collected && target && !model_may_live(owner, target);
    gait_word before = node->words[i].value;
    struct node *read = node_read_weak(context, node, i);
    CHECK(!gone || !read, "%p: word %zu leads to %p after a collection: it was unreachable",
          (void *)node->address, i, (void *)node->words[i].target->address);
    CHECK(!strong || before == 0 || node->words[i].value != 0,
          "%p: word %zu reads 0, but %p is reachable", (void *)node->address, i,
          target ? (void *)target->address : NULL);
}

static void compare_node(struct context *context, struct node *node, bool collected) {
    gait_heap *heap = context->heap->gait;
    if (!node->arena && (collected || one_in(&context->random, 8))) {
        size_t inside = pick(&context->random, node->cell_words * sizeof(gait_word));
        void *object = (void *)node->address;
        CHECK(gait_object_base(heap, (char *)object + inside) == object, "%p at %zu: base %p",
              object, inside, gait_object_base(heap, (char *)object + inside));
        CHECK(gait_object_kind(heap, object) == context->heap->kinds[node->kind], "%p: kind",
              object);
        CHECK(gait_object_bytes(heap, object) == node->cell_words * sizeof(gait_word), "%p: bytes",
              object);
    }
    for (size_t i = 0; i < node->word_count; i++) {
        enum word_class class = node_class(context, node, i);
        if (class == WORD_WEAK || class == WORD_KEY || class == WORD_VALUE) {
            if (collected || one_in(&context->random, 4))
                compare_weak(context, node, i, collected);
            continue;
        }
        gait_word word = __atomic_load_n(node_slot(node, i), __ATOMIC_RELAXED);
        CHECK(word == node->words[i].value, "%p (%s): word %zu is %#zx, not %#zx",
              (void *)node->address, the_round->plan.kind[node->kind].name, i, (size_t)word,
              (size_t)node->words[i].value);
    }
}

void model_verify(struct context *context, bool collected) {
    struct owner *owner = context->owner;
    model_settle(context);
    model_walk(context);
    if (!heap_is_exact(context->heap) || round_leaves_stale_words())
        collected = false;
    for (struct node *node = owner->nodes; node; node = node->next)
        if (node->strong == owner->walk)
            compare_node(context, node, collected);
    links_check(context, collected);
    watches_check(context, collected);
    owner_blocks_check(context);
    for (size_t i = 0; i < ROOTS_MAX; i++) {
        const struct root *root = &owner->roots[i];
        if (root->usable && root->handle)
            CHECK(gait_handle_get(root->handle) == root->word.value, "a handle holds %#zx",
                  (size_t)gait_handle_get(root->handle));
    }
}
