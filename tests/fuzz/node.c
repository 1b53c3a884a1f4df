/* SPDX-License-Identifier: MIT */
/*
 * Nodes: objects and what the model knows of their words.
 */
#include "ops.h"

#include <gait/dirty.h>

/* Words of a fresh object that are set, if it has more. */
#define WORDS_SET 12
#define STEPS_MAX 7 /* of a walk from a root */

enum word_class node_class(const struct context *context, const struct node *node, size_t i) {
    const struct kind_plan *kind = &the_round->plan.kind[node->kind];
    (void)context;
    return plan_word_class(kind, node->cell_words, i);
}

gait_word *node_slot(const struct node *node, size_t i) { return (gait_word *)node->address + i; }

/* A callback's object: words past the count are 0, and stay so. */
static bool is_counted(const struct node *node, size_t i) {
    const gait_kind_info *info = &the_round->plan.kind[node->kind].info;
    return info->scan != plan_scan_counted || i <= node->words[0].value;
}

gait_word node_reference(struct context *context, const struct node *node, bool interior) {
    gait_word tags = context->heap->plan->tags;
    gait_word word = node->address;
    if (interior && node->word_count > 0 && one_in(&context->random, 2))
        word += pick(&context->random, node->word_count) * sizeof(gait_word);
    else if (!node->arena && context->heap->plan->displacement / 8 < node->cell_words &&
             one_in(&context->random, 2))
        word += context->heap->plan->displacement;
    return word | (next_random(&context->random) & tags);
}

gait_word word_without_reference(struct context *context) {
    return one_in(&context->random, 3) ? 0 : pick(&context->random, 1u << 20) << 1 | 1;
}

/* For words that the collector does not look at: anything, and what looks like a reference. */
static gait_word word_at_will(struct context *context, struct node *like) {
    if (like && one_in(&context->random, 2))
        return like->address;
    return next_random(&context->random);
}

/* Of an arena's objects with references all words are. */
static bool is_scanned(const struct node *node) {
    return node->arena && the_round->plan.kind[node->kind].info.layout != GAIT_LEAF;
}

/* A tag by which a word is a reference, or is none. */
static unsigned char some_tag(uint64_t *random, const gait_kind_info *info, bool refers) {
    unsigned char tag = (unsigned char)next_random(random);
    for (; (info->tag_references[tag >> 6] >> (tag & 63) & 1) != refers;)
        tag++;
    return tag;
}

/* Is a store into a node told of afterwards, in place of a barrier? */
static bool is_told_of(struct context *context) {
    return context->heap->plan->dirty && one_in(&context->random, 2);
}

static void store_word(struct context *context, struct node *node, size_t i, gait_word value) {
    if (context->heap->plan->plain_stores) {
        *node_slot(node, i) = value;
    } else if (is_told_of(context)) {
        __atomic_store_n(node_slot(node, i), value, __ATOMIC_RELEASE);
        gait_dirty(context->mutator, (void *)node->address);
    } else {
        gait_store(context->mutator, node_slot(node, i), value);
    }
}

/* A word and its tag, which the next word has: what is no reference may look like one. */
static void store_tagged(struct context *context, struct node *node, size_t i, gait_word value,
                         struct node *target, bool fresh) {
    uint64_t *random = &context->random;
    const gait_kind_info *info = &the_round->plan.kind[node->kind].info;
    bool refers = target || one_in(random, 3);
    if (i + 1 >= node->word_count)
        return; /* the model does not know the tag */
    if (!refers)
        value = word_at_will(context, node_pick(context, false));
    unsigned char to = some_tag(random, info, refers);
    size_t offset = info->tag_rules[0].tag_byte - sizeof(gait_word);
    unsigned char *tag = (unsigned char *)node_slot(node, i + 1) + offset;
    if (fresh) {
        gait_init_tagged(node_slot(node, i), value, tag, to);
    } else if (context->heap->plan->plain_stores) {
        *node_slot(node, i) = value;
        *tag = to;
    } else if (is_told_of(context)) {
        __atomic_store_n(node_slot(node, i), value, __ATOMIC_RELEASE);
        __atomic_store_n(tag, to, __ATOMIC_RELEASE);
        gait_dirty(context->mutator, (void *)node->address);
    } else {
        gait_store_tagged(context->mutator, node_slot(node, i), value, tag, to);
    }
    node->words[i] = (struct word){value, target, 0, false};
    ((unsigned char *)&node->words[i + 1].value)[offset] = to;
}

static bool is_tagged(const struct node *node) {
    return the_round->plan.kind[node->kind].info.layout == GAIT_TAGGED;
}

void node_store(struct context *context, struct node *node, size_t i, gait_word value,
                struct node *target) {
    if (!is_counted(node, i) || !node_takes(node, target))
        return;
    switch (node_class(context, node, i)) {
    case WORD_DATA:
        *node_slot(node, i) = value =
            is_scanned(node) ? word_without_reference(context) : word_at_will(context, target);
        target = NULL;
        break;
    case WORD_STRONG:
    case WORD_INTERIOR:
        if (is_tagged(node)) {
            store_tagged(context, node, i, value, target, false);
            return;
        }
        store_word(context, node, i, value);
        break;
    default:
        return;
    }
    node->words[i] = (struct word){value, target, 0, false};
}

/* ---- New objects ---- */

/* Set words of the object that was just allocated: no safepoint has passed, nothing refers to it.
 */
static void node_init(struct context *context, struct node *node) {
    uint64_t *random = &context->random;
    if (node->word_count == 0)
        return;
    if (node_class(context, node, 0) == WORD_COUNT) {
        gait_word count = pick(random, node->word_count);
        __atomic_store_n(node_slot(node, 0), count, __ATOMIC_RELAXED);
        node->words[0].value = count;
    }
    size_t set = node->word_count < WORDS_SET ? node->word_count : WORDS_SET;
    for (size_t n = pick(random, set + 1); n > 0; n--) {
        size_t i = pick(random, node->word_count);
        enum word_class class = node_class(context, node, i);
        if (!is_counted(node, i))
            continue;
        struct node *target = one_in(random, 3) ? NULL : node_pick(context, true);
        if (class == WORD_DATA) {
            node_store(context, node, i, 0, target);
        } else if (class == WORD_STRONG || class == WORD_INTERIOR) {
            gait_word value = target ? node_reference(context, target, class == WORD_INTERIOR)
                                     : word_without_reference(context);
            if (is_tagged(node)) {
                store_tagged(context, node, i, value, target, true);
                continue;
            }
            gait_init(node_slot(node, i), value);
            node->words[i] = (struct word){value, target, 0, false};
        }
    }
}

/* Have a root or another object refer to it. @return false: nothing does, it is garbage. */
static bool node_link(struct context *context, struct node *node) {
    uint64_t *random = &context->random;
    struct node *parent = one_in(random, 3) ? NULL : node_pick(context, false);
    if (parent && parent->word_count > 0)
        for (unsigned try = 0; try < 4; try++) {
            size_t i = pick(random, parent->word_count);
            enum word_class class = node_class(context, parent, i);
            if (class == WORD_STRONG || class == WORD_INTERIOR) {
                gait_word value = node_reference(context, node, class == WORD_INTERIOR);
                node_store(context, parent, i, value, node);
                if (parent->words[i].target == node)
                    return true;
            }
        }
    struct root *root = root_pick(context);
    if (root)
        root_set(context, root,
                 node_reference(context, node, root_takes_interior(context->owner, root)), node);
    return root != NULL;
}

static void check_fresh(struct context *context, const struct node *node, size_t bytes) {
    gait_heap *heap = context->heap->gait;
    void *object = (void *)node->address;
    CHECK(node->address % (bytes % 16 == 0 && bytes > 0 ? 16 : 8) == 0, "%p: alignment", object);
    CHECK(gait_object_base(heap, object) == object, "%p is no object", object);
    CHECK(gait_object_kind(heap, object) == context->heap->kinds[node->kind], "kind");
    CHECK(node->cell_words * sizeof(gait_word) >= bytes, "%p: %zu words for %zu bytes", object,
          node->cell_words, bytes);
    for (size_t i = 0; i < node->word_count; i++)
        CHECK(*node_slot(node, i) == 0, "%p: word %zu of a fresh object is %#zx", object, i,
              (size_t)*node_slot(node, i));
}

bool node_new(struct context *context, unsigned kind, size_t bytes) {
    struct owner *owner = context->owner;
    void *object = gait_alloc(context->mutator, context->heap->kinds[kind], bytes);
    if (!object) {
        CHECK(context->heap->plan->small, "no memory for %zu bytes", bytes);
        return false;
    }
    struct node *node = calloc(1, sizeof *node);
    CHECK(node, "calloc");
    node->address = (gait_word)object;
    node->kind = kind;
    node->cell_words = gait_object_bytes(context->heap->gait, object) / sizeof(gait_word);
    bool all = bytes <= GAIT_SMALL_MAX_BYTES && one_in(&context->random, 2);
    node->word_count = all ? node->cell_words : bytes / sizeof(gait_word);
    node->words = calloc(node->word_count + 1, sizeof *node->words);
    CHECK(node->words, "calloc");
    check_fresh(context, node, bytes);
    node_init(context, node);
    node->next = owner->nodes;
    owner->nodes = node;
    owner->node_count++;
    node_link(context, node); /* if nothing holds it, the next walk forgets it */
    return true;
}

/* ---- Ways to a node ---- */

static struct node *next_of(struct context *context, struct node *node, bool weak) {
    for (unsigned try = 0; try < 4 && node->word_count > 0; try++) {
        size_t i = pick(&context->random, node->word_count);
        struct node *target = node->words[i].target;
        switch (node_class(context, node, i)) {
        case WORD_STRONG:
        case WORD_INTERIOR:
            if (target)
                CHECK(__atomic_load_n(node_slot(node, i), __ATOMIC_ACQUIRE) == node->words[i].value,
                      "%p: word %zu is another", (void *)node->address, i);
            break;
        case WORD_WEAK:
        case WORD_KEY:
        case WORD_VALUE:
            target =
                weak && (target || node->words[i].stale) ? node_read_weak(context, node, i) : NULL;
            break;
        default:
            break;
        }
        if (target)
            return target;
    }
    return NULL;
}

struct node *node_pick(struct context *context, bool weak) {
    struct node *node = NULL;
    if (weak)
        links_expect_weak(context);
    for (unsigned try = 0; try < 12 && !node; try++) {
        struct root *root = root_pick(context);
        if (root)
            node = root->word.target;
    }
    for (size_t steps = pick(&context->random, STEPS_MAX); node && steps > 0; steps--) {
        struct node *next = next_of(context, node, weak);
        if (!next)
            break;
        node = next;
    }
    return node;
}

/* ---- Weak words ---- */

static unsigned job_state_of(const struct node *node) {
    return node->job ? __atomic_load_n(&node->job->state, __ATOMIC_ACQUIRE) : JOB_NONE;
}

void node_is_gone(struct node *node) {
    unsigned state = job_state_of(node);
    CHECK(state == JOB_NONE || !job_resurrects(node->job),
          "a weak word or link to %p is cleared, whose finalizer resurrects it",
          (void *)node->address);
    if (state != JOB_NONE)
        return;
    node->dead = true;
    for (node = node->arena ? node->arena->nodes : NULL; node; node = node->sibling)
        node->dead = true;
}

gait_word node_weak_get(const struct context *context, const struct node *node, size_t i) {
    gait_word word = gait_weak_get(context->mutator, node_slot(node, i));
    gait_word cleared = the_round->plan.kind[node->kind].info.cleared;
    return word == cleared ? 0 : word;
}

static struct node *read_pair(struct context *context, struct node *node, size_t key, bool value) {
    struct word *pair = &node->words[key];
    gait_word key_read = 0, value_read = 0;
    if (value)
        value_read = gait_ephemeron_get(context->mutator, node_slot(node, key));
    key_read = node_weak_get(context, node, key);
    if (!value || !key_read)
        value_read = gait_ephemeron_get(context->mutator, node_slot(node, key));
    if (key_read) {
        CHECK(key_read == pair[0].value, "%p: key %zu reads %#zx, not %#zx", (void *)node->address,
              key, (size_t)key_read, (size_t)pair[0].value);
        CHECK(value_read == pair[1].value, "%p: value %zu reads %#zx, not %#zx, its key lives",
              (void *)node->address, key, (size_t)value_read, (size_t)pair[1].value);
        return pair[value].target;
    }
    CHECK(value_read == 0, "%p: value %zu reads %#zx, its key is gone", (void *)node->address, key,
          (size_t)value_read);
    CHECK(pair[0].target || pair[0].value == 0, "%p: key %zu is gone, but was no object",
          (void *)node->address, key);
    if (pair[0].target && !pair[0].loose)
        node_is_gone(pair[0].target);
    pair[0] = pair[1] = (struct word){0};
    return NULL;
}

struct node *node_read_weak(struct context *context, struct node *node, size_t i) {
    enum word_class class = node_class(context, node, i);
    struct node *target;
    if (class == WORD_WEAK) {
        gait_word read = node_weak_get(context, node, i);
        target = node->words[i].target;
        if (node->words[i].stale) {
            CHECK(read == 0 ||
                      (node->words[i].stale == STALE_RESET && read == node->words[i].value),
                  "%p: weak word %zu reads %#zx, its arena's objects are gone",
                  (void *)node->address, i, (size_t)read);
            if (read == 0)
                node->words[i] = (struct word){0};
            return NULL;
        }
        if (read == 0) {
            CHECK(target || node->words[i].value == 0, "%p: weak word %zu is gone, but no object's",
                  (void *)node->address, i);
            if (target && !node->words[i].loose)
                node_is_gone(target);
            node->words[i] = (struct word){0};
            return NULL;
        }
        CHECK(read == node->words[i].value, "%p: weak word %zu reads %#zx, not %#zx",
              (void *)node->address, i, (size_t)read, (size_t)node->words[i].value);
    } else {
        if (class == WORD_VALUE)
            target = read_pair(context, node, i - 1, true);
        else if (i + 1 < node->word_count)
            target = read_pair(context, node, i, false);
        else
            return NULL; /* the model has half of the pair only */
    }
    CHECK(!target || !target->dead, "%p: weak word %zu leads to %p, which was gone",
          (void *)node->address, i, (void *)target->address);
    return target;
}
