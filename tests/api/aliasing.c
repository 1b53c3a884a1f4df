/* SPDX-License-Identifier: MIT */
/*
 * A gait_word aliases members of other types: what is stored through gait_word * is seen by reads
 * of the member, at any level of optimisation. Built with -O2 -fstrict-aliasing.
 */
#include <gait/gait.h>

struct node {
    struct node *next;
    double number;
};

/* Not inlined, so that the compiler does not see that both arguments are one place. */
__attribute__((noinline)) static struct node *store_word(struct node *node, gait_word *word,
                                                         struct node *other) {
    node->next = NULL;
    *word = (gait_word)other;
    return node->next;
}

__attribute__((noinline)) static struct node *store(gait_mutator *mutator, struct node *node,
                                                    gait_word *word, struct node *other) {
    node->next = NULL;
    gait_store(mutator, word, (gait_word)other);
    return node->next;
}

__attribute__((noinline)) static struct node *init(struct node *node, gait_word *word,
                                                   struct node *other) {
    node->next = NULL;
    gait_init(word, (gait_word)other);
    return node->next;
}

__attribute__((noinline)) static gait_word load_word(struct node *node, const gait_word *word,
                                                     struct node *other) {
    gait_word before = *word;
    node->next = other;
    return *word - before;
}

int main(void) {
    char why[200];
    gait_heap *heap = gait_heap_create(NULL, why, sizeof why);
    if (!heap)
        return puts(why), 1;
    gait_mutator *mutator = gait_attach(heap);
    gait_kind_info info = {.name = "node", .layout = GAIT_PREFIX, .head_words = 1};
    gait_kind kind = (gait_kind)gait_kind_register(heap, &info);
    gait_word roots[2] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, roots, 2);
    roots[0] = (gait_word)gait_alloc(mutator, kind, sizeof(struct node));
    roots[1] = (gait_word)gait_alloc(mutator, kind, sizeof(struct node));
    struct node *node = (struct node *)roots[0], *other = (struct node *)roots[1];
    gait_word *word = (gait_word *)&node->next;
    int missed = 0;
    missed += store_word(node, word, other) != other;
    missed += store(mutator, node, word, other) != other;
    missed += init(node, word, other) != other;
    *word = 0;
    missed += load_word(node, word, other) != (gait_word)other;
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    printf("%d stores missed\n", missed);
    return missed != 0;
}
