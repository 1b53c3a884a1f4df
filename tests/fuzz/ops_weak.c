/* SPDX-License-Identifier: MIT */
/*
 * Weak words and pairs of keys and values.
 */
#include "ops.h"

/* A word of a class in some reachable object; half a pair is none. */
static struct node *find_word(struct context *context, enum word_class class, size_t *word) {
    for (unsigned try = 0; try < 12; try++) {
        struct node *node = node_pick(context, false);
        if (!node || node->word_count == 0)
            continue;
        size_t i = pick(&context->random, node->word_count);
        if (node_class(context, node, i) == WORD_VALUE)
            i--;
        if (node_class(context, node, i) != class ||
            (class == WORD_KEY && i + 1 >= node->word_count))
            continue;
        *word = i;
        return node;
    }
    return NULL;
}

void op_weak_set(struct context *context) {
    size_t i;
    struct node *node = find_word(context, WORD_WEAK, &i);
    if (!node)
        return;
    struct node *target = one_in(&context->random, 4) ? NULL : node_pick(context, true);
    gait_word value =
        target ? node_reference(context, target, false) : word_without_reference(context);
    gait_weak_set(context->mutator, node_slot(node, i), value);
    node->words[i] = (struct word){value, target, 0, false};
}

/* Read a weak word, a key or a value, and perhaps hold on to it: by a root alone, if the word or
 * the pair is cleared. */
void op_weak_get(struct context *context) {
    size_t i;
    bool pair = one_in(&context->random, 2);
    struct node *node = find_word(context, pair ? WORD_KEY : WORD_WEAK, &i);
    if (!node)
        return;
    links_expect_weak(context);
    struct node *target = node_read_weak(context, node, i + (pair && one_in(&context->random, 2)));
    struct root *root = root_pick(context);
    if (!target || !root || one_in(&context->random, 2))
        return;
    root_set(context, root, node_reference(context, target, false), target);
    if (one_in(&context->random, 2))
        return;
    node->words[i] = (struct word){0};
    if (pair) {
        gait_ephemeron_set(context->mutator, node_slot(node, i), 0, 0);
        node->words[i + 1] = (struct word){0};
    } else {
        gait_weak_set(context->mutator, node_slot(node, i), 0);
    }
}

void op_pair_set(struct context *context) {
    size_t i;
    struct node *node = find_word(context, WORD_KEY, &i);
    if (!node)
        return;
    struct node *key = one_in(&context->random, 4) ? NULL : node_pick(context, true);
    struct node *value = one_in(&context->random, 4) ? NULL : node_pick(context, true);
    gait_word key_word =
        key ? node_reference(context, key, false) : word_without_reference(context);
    gait_word value_word =
        value ? node_reference(context, value, false) : word_without_reference(context);
    if (key_word == 0) { /* a pair without a key has no value */
        value_word = 0;
        value = NULL;
    }
    gait_ephemeron_set(context->mutator, node_slot(node, i), key_word, value_word);
    node->words[i] = (struct word){key_word, key, 0, false};
    node->words[i + 1] = (struct word){value_word, value, 0, false};
}
