/* SPDX-License-Identifier: MIT */
/* gait_rel32: what it can lead to, and that it goes along when its memory is copied. */
#include <gait/snapshot.h>

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(rel32);

Test(rel32, zeroed_memory_leads_nowhere) {
    gait_rel32 slot = 0;
    cr_assert_null(gait_rel32_get(&slot));
    cr_assert(gait_rel32_set(&slot, &slot));
    cr_assert_neq(slot, 0);
    cr_assert(gait_rel32_set(&slot, NULL));
    cr_assert_eq(slot, 0);
}

Test(rel32, leads_back_forth_and_to_itself) {
    gait_rel32 slots[64];
    for (size_t from = 0; from < 64; from++)
        for (size_t to = 0; to < 64; to++) {
            cr_assert(gait_rel32_set(&slots[from], &slots[to]));
            cr_assert_neq(slots[from], 0);
            cr_assert_eq(gait_rel32_get(&slots[from]), (void *)&slots[to]);
        }
}

Test(rel32, refuses_what_is_no_multiple_of_four) {
    gait_rel32 slots[4] = {7, 7, 7, 7};
    for (size_t odd = 1; odd < 4; odd++) {
        cr_assert_not(gait_rel32_set(&slots[0], (char *)&slots[2] + odd));
        cr_assert_not(gait_rel32_set(&slots[3], (char *)&slots[1] + odd));
    }
    cr_assert_eq(slots[0], 7, "a refusal leaves the slot as it was");
    cr_assert_eq(slots[3], 7);
}

/* Addresses are only reckoned with here: nothing lies at them. */
static void *away(const gait_rel32 *slot, int64_t bytes) {
    return (void *)((uintptr_t)slot + (uintptr_t)bytes);
}

Test(rel32, reaches_8_GiB_and_no_further) {
    gait_rel32 *slot = malloc(sizeof *slot);
    const int64_t gib = INT64_C(1) << 30;
    const int64_t within[] = {8 * gib - 8, 8 * gib - 12, 4 * gib, -4 * gib, -8 * gib + 4, -8 * gib};
    const int64_t beyond[] = {8 * gib - 4, 8 * gib, 16 * gib, -8 * gib - 4, -16 * gib};
    for (size_t i = 0; i < sizeof within / sizeof *within; i++) {
        cr_assert(gait_rel32_set(slot, away(slot, within[i])), "%lld", (long long)within[i]);
        cr_assert_eq(gait_rel32_get(slot), away(slot, within[i]), "%lld", (long long)within[i]);
    }
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        *slot = 5;
        cr_assert_not(gait_rel32_set(slot, away(slot, beyond[i])), "%lld", (long long)beyond[i]);
        cr_assert_eq(*slot, 5);
    }
    free(slot);
}

struct node {
    uint32_t number;
    gait_rel32 next, other;
};

Test(rel32, goes_along_with_its_memory) {
    enum { NODES = 1000 };
    struct node *nodes = calloc(NODES, sizeof *nodes), *copy = malloc(NODES * sizeof *nodes);
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i].number = i;
        cr_assert(gait_rel32_set(&nodes[i].next, i + 1 < NODES ? &nodes[i + 1] : NULL));
        cr_assert(gait_rel32_set(&nodes[i].other, &nodes[i * 7 % NODES]));
    }
    memcpy(copy, nodes, NODES * sizeof *nodes);
    memset(nodes, 0xff, NODES * sizeof *nodes);
    uint32_t count = 0;
    for (struct node *node = copy; node; node = gait_rel32_get(&node->next), count++) {
        cr_assert_eq(node->number, count);
        const struct node *other = gait_rel32_get(&node->other);
        cr_assert_eq(other->number, count * 7 % NODES);
    }
    cr_assert_eq(count, NODES);
    free(nodes);
    free(copy);
}
